// SPDX-License-Identifier: GPL-2.0-only
/* SDEI's calls, states and priorities on one CPU; each check begins with its case's number (docs/abi/sdei.md). */
#include "sdei.h"

const char payload_name[] = "sdei_calls";

static struct event signal, normal, crit, shared, dyn;

static void identity(void)
{
	struct smccc_res r = smccc(SDEI_VERSION, 0, 0, 0);

	check_eq(r.a0 >> 48, 1, "T1 version: major");
	check_eq(r.a0 >> 32 & 0xffff, 1, "T1 version: minor");
	IS(sdei(0xc4000033UL, 0, 0), SDEI_NOT_SUPPORTED, "T2 a call that is not there");
	IS(sdei(0x84000020UL, 0, 0), SDEI_NOT_SUPPORTED, "T2 the 32-bit form");
	IS(sdei(SDEI_FEATURES, 0, 0), 2 | 2 << 16, "T35 FEATURES: slots");
	IS(sdei(SDEI_FEATURES, 1, 0), 1, "FEATURES: relative mode");
	IS(sdei(SDEI_FEATURES, 7, 0), SDEI_INVALID, "FEATURES: unknown");
}

static void without_handler(u64 num, u64 status, const char *name)
{
	IS(sdei(SDEI_CONTEXT, 0, 0), SDEI_DENIED, name);
	IS(sdei(SDEI_COMPLETE, 0, 0), SDEI_DENIED, name);
	IS(sdei(SDEI_COMPLETE_RESUME, (u64)sdei_entry, 0), SDEI_DENIED, name);
	IS(sdei(SDEI_STATUS, num, 0), status, name);
}

static void states_of(struct event *ev, u64 num)
{
	bool is_shared = num >= EV_SHARED;

	IS(sdei(SDEI_ENABLE, num, 0), SDEI_DENIED, "T3 unregistered: ENABLE");
	IS(sdei(SDEI_DISABLE, num, 0), SDEI_DENIED, "T3 unregistered: DISABLE");
	IS(sdei(SDEI_UNREGISTER, num, 0), SDEI_DENIED, "T3 unregistered: UNREGISTER");
	IS(sdei(SDEI_ROUTING_SET, num, 0), is_shared ? SDEI_DENIED : SDEI_INVALID, "T3 unregistered: ROUTING_SET");
	without_handler(num, 0, "T3 unregistered");
	IS(sdei_register(ev, num, 0, 0), 0, "T4 REGISTER");
	IS(sdei_register(ev, num, 0, 0), SDEI_DENIED, "T4 registered: REGISTER");
	IS(sdei(SDEI_RELEASE, num, 0), SDEI_INVALID, "T4 registered: RELEASE");
	without_handler(num, 1, "T4 registered");
	IS(sdei(SDEI_DISABLE, num, 0), 0, "T8 DISABLE of a disabled event");
	IS(sdei(SDEI_ENABLE, num, 0), 0, "T5 ENABLE");
	IS(sdei(SDEI_ENABLE, num, 0), 0, "T8 ENABLE twice");
	IS(sdei_register(ev, num, 0, 0), SDEI_DENIED, "T5 enabled: REGISTER");
	IS(sdei(SDEI_ROUTING_SET, num, 0), is_shared ? SDEI_DENIED : SDEI_INVALID, "T5 enabled: ROUTING_SET");
	without_handler(num, 3, "T5 enabled");
	IS(sdei(SDEI_UNREGISTER, num, 0), 0, "UNREGISTER");
	IS(sdei(SDEI_STATUS, num, 0), 0, "UNREGISTER: status");
}

static u64 in_running(struct event *ev, struct sdei_frame *f)
{
	u64 n = ev->num;

	IS(sdei(SDEI_STATUS, n, 0), 7, "T6 running: status");
	IS(sdei(SDEI_DISABLE, n, 0), 0, "T6 running: DISABLE");
	IS(sdei(SDEI_STATUS, n, 0), 5, "T6 running, disabled: status");
	IS(sdei_register(ev, n, 0, 0), SDEI_DENIED, "T6 running: REGISTER");
	IS(sdei(SDEI_ENABLE, n, 0), 0, "T6 running: ENABLE");
	IS(sdei(SDEI_STATUS, n, 0), 7, "T6 running, enabled: status");
	return 0;
}

static u64 in_unregistered(struct event *ev, struct sdei_frame *f)
{
	u64 n = ev->num;

	IS(sdei(SDEI_UNREGISTER, n, 0), SDEI_PENDING, "T7 UNREGISTER in the handler");
	IS(sdei(SDEI_STATUS, n, 0), 4, "T7 status");
	IS(sdei_register(ev, n, 0, 0), SDEI_DENIED, "T7 REGISTER");
	IS(sdei(SDEI_ENABLE, n, 0), SDEI_DENIED, "T7 ENABLE");
	IS(sdei(SDEI_DISABLE, n, 0), SDEI_DENIED, "T7 DISABLE");
	IS(sdei(SDEI_UNREGISTER, n, 0), SDEI_PENDING, "T7 UNREGISTER again");
	return 0;
}

static void running(struct event *ev, u64 num)
{
	sdei_arm(ev, num, in_running);
	if (num)
		IS(sdei_raise(num, 0), 0, "raised by the VMM");
	else
		IS(SIGNAL_SELF(), 0, "T14 signal to ourselves");
	check(sdei_ran(ev, 1), "T6 the handler ran", "it did not");
	IS(sdei(SDEI_STATUS, num, 0), 3, "T6 after it: status");
	sdei_disarm(ev);
	sdei_arm(ev, num, in_unregistered);
	if (num)
		sdei_raise(num, 0);
	else
		SIGNAL_SELF();
	check(sdei_ran(ev, 1), "T7 the handler ran", "it did not");
	IS(sdei(SDEI_STATUS, num, 0), 0, "T7 after it: status");
	IS(sdei(SDEI_UNREGISTER, num, 0), SDEI_DENIED, "T7 after it: UNREGISTER");
}

static void no_such_event(u64 n)
{
	IS(sdei_register(&normal, n, 0, 0), SDEI_INVALID, "T9 REGISTER of no event");
	IS(sdei(SDEI_ENABLE, n, 0), SDEI_INVALID, "T9 ENABLE of no event");
	IS(sdei(SDEI_DISABLE, n, 0), SDEI_INVALID, "T9 DISABLE of no event");
	IS(sdei(SDEI_UNREGISTER, n, 0), SDEI_INVALID, "T9 UNREGISTER of no event");
	IS(sdei(SDEI_STATUS, n, 0), SDEI_INVALID, "T9 STATUS of no event");
	IS(sdei(SDEI_GET_INFO, n, 0), SDEI_INVALID, "T9 GET_INFO of no event");
	IS(sdei(SDEI_ROUTING_SET, n, 0), SDEI_INVALID, "T9 ROUTING_SET of no event");
	IS(sdei(SDEI_RELEASE, n, 0), SDEI_INVALID, "T9 RELEASE of no event");
	IS(sdei(SDEI_SIGNAL, n, 0), SDEI_INVALID, "T9 T17 SIGNAL of no event");
}

static void arguments(void)
{
	u64 e = (u64)sdei_entry;

	no_such_event(0x80000000UL);
	no_such_event(0x7fffffffUL);
	no_such_event(0x40000003UL);
	no_such_event(EV_DYN_PRIVATE);
	IS(sdei(SDEI_STATUS, 5UL << 32 | EV_NORMAL, 0), 0, "an event number has 32 bits");
	IS(sdei5(SDEI_REGISTER, EV_NORMAL, 0, 0, 0, 0), SDEI_INVALID, "T10 no entry point");
	IS(sdei5(SDEI_REGISTER, EV_NORMAL, e + 2, 0, 0, 0), SDEI_INVALID, "T10 unaligned entry point");
	IS(sdei5(SDEI_REGISTER, EV_NORMAL, e, 0, 4, 0), SDEI_INVALID, "T10 unknown flag");
	IS(sdei5(SDEI_REGISTER, EV_SHARED, e, 0, 1, 0x9999), SDEI_INVALID, "T10 routed to no PE");
	IS(sdei5(SDEI_REGISTER, EV_SHARED, e, 0, 1, 1UL << 31), SDEI_INVALID, "T10 routed to a reserved bit");
	IS(sdei5(SDEI_REGISTER, EV_NORMAL, e, 0, 0, ~0UL), 0, "T11 private with any affinity");
	IS(sdei(SDEI_UNREGISTER, EV_NORMAL, 0), 0, "T11 UNREGISTER");
	IS(sdei(SDEI_CONTEXT, 18, 0), SDEI_INVALID, "T23 CONTEXT of x18");
	IS(sdei(SDEI_SIGNAL, 0, 0x9999), SDEI_INVALID, "T17 signal to no PE");
	IS(SIGNAL_SELF(), SDEI_INVALID, "T17 signal to one that is not registered");
}

static void info(void)
{
	IS(sdei(SDEI_GET_INFO, 0, 0), 0, "T21 event 0 is private");
	IS(sdei(SDEI_GET_INFO, 0, 1), 1, "T21 event 0 can be signalled");
	IS(sdei(SDEI_GET_INFO, EV_NORMAL, 1), 0, "T21 others cannot");
	IS(sdei(SDEI_GET_INFO, EV_CRIT, 2), 1, "T21 priority");
	IS(sdei(SDEI_GET_INFO, EV_SHARED, 0), 1, "T21 shared");
	IS(sdei(SDEI_GET_INFO, EV_NORMAL, 3), SDEI_INVALID, "T21 routing of a private event");
	IS(sdei(SDEI_GET_INFO, EV_SHARED, 3), SDEI_DENIED, "T21 routing of an unregistered event");
	IS(sdei_register(&shared, EV_SHARED, 0, 0), 0, "T21 REGISTER");
	IS(sdei(SDEI_GET_INFO, EV_SHARED, 3), 0, "T21 any PE");
	IS(sdei(SDEI_GET_INFO, EV_SHARED, 4), SDEI_INVALID, "T21 any PE has no affinity");
	IS(sdei5(SDEI_ROUTING_SET, EV_SHARED, 1, this_cpu()->mpidr, 0, 0), 0, "T21 ROUTING_SET");
	IS(sdei(SDEI_GET_INFO, EV_SHARED, 3), 1, "T21 one PE");
	IS(sdei(SDEI_GET_INFO, EV_SHARED, 4), this_cpu()->mpidr, "T21 its affinity");
	IS(sdei(SDEI_GET_INFO, EV_SHARED, 5), SDEI_INVALID, "T21 unknown information");
	sdei_disarm(&shared);
}

static void masking(void)
{
	sdei_arm(&signal, 0, NULL);
	IS(sdei(SDEI_MASK, 0, 0), 1, "T32 MASK");
	IS(sdei(SDEI_MASK, 0, 0), 0, "T32 MASK again");
	IS(SIGNAL_SELF(), 0, "T18 signal while masked");
	IS(SIGNAL_SELF(), 0, "T18 and again");
	IS(SIGNAL_SELF(), 0, "T18 and again");
	check_eq(signal.total, 0, "T16 nothing while masked");
	IS(sdei(SDEI_UNMASK, 0, 0), 0, "T32 UNMASK");
	check_eq(signal.total, 1, "T18 one run, before the next instruction");
	IS(sdei(SDEI_UNMASK, 0, 0), 0, "T32 UNMASK again");
	check_eq(signal.total, 1, "T18 one run only");
	sdei_disarm(&signal);
	IS(sdei_register(&signal, 0, 0, 0), 0, "T24 REGISTER");
	IS(SIGNAL_SELF(), 0, "T24 signal while disabled");
	IS(sdei(SDEI_UNMASK, 0, 0), 0, "T24 UNMASK");
	check_eq(signal.total, 1, "T24 nothing while disabled");
	IS(sdei(SDEI_ENABLE, 0, 0), 0, "T24 ENABLE");
	check_eq(signal.total, 2, "T24 then it runs");
	sdei_disarm(&signal);
}

static u64 order[8];
static unsigned int n_order;
static bool raise_crit, raise_normal;
static u64 context_before, context_inner, context_outer;

/* Of all registers that CONTEXT gives. */
static u64 context_hash(void)
{
	u64 i, h = 0;

	for (i = 0; i < 18; i++)
		h = h * 31 + sdei(SDEI_CONTEXT, i, 0);
	return h;
}

static u64 note(struct event *ev, struct sdei_frame *f)
{
	order[n_order++ & 7] = ev->num;
	if (ev->num == EV_NORMAL && raise_crit) {
		raise_crit = false;
		context_before = context_hash();
		sdei_raise(EV_CRIT, 0);
		context_outer = context_hash();
	}
	if (ev->num == EV_CRIT && raise_normal) {
		raise_normal = false;
		context_inner = context_hash();
		sdei_raise(EV_NORMAL, 0);
		SIGNAL_SELF();
		sdei_raise(EV_CRIT, 0);
	}
	return 0;
}

static void expect_order(const u64 *want, unsigned int n, const char *name)
{
	unsigned int i;

	check_eq(n_order, n, name);
	for (i = 0; i < n; i++)
		check_eq(order[i], want[i], name);
	n_order = 0;
}

static void priorities(void)
{
	sdei_arm(&normal, EV_NORMAL, note);
	sdei_arm(&crit, EV_CRIT, note);
	sdei_arm(&signal, 0, note);
	raise_crit = raise_normal = true;
	sdei_raise(EV_NORMAL, 0);
	check(sdei_ran(&signal, 1), "T30 all ran", "they did not");
	/* Critical over normal; in it everything waits; then critical again, and when normal has ended the others. */
	expect_order((u64[]){ EV_NORMAL, EV_CRIT, EV_CRIT, 0, EV_NORMAL }, 5, "T29 T30 order");
	check_eq(context_outer, context_before, "T29 CONTEXT after the inner handler is as before it");
	check(context_outer != context_inner, "T29 CONTEXT is the innermost handler's", "both are %lx", context_inner);
	sdei(SDEI_MASK, 0, 0);
	sdei_raise(EV_NORMAL, 0);
	SIGNAL_SELF();
	sdei_raise(EV_CRIT, 0);
	check_eq(n_order, 0, "T32 critical ones are masked too");
	sdei(SDEI_UNMASK, 0, 0);
	expect_order((u64[]){ EV_CRIT, 0, EV_NORMAL }, 3, "T31 critical first, then by number");
	sdei_disarm(&normal);
	sdei_disarm(&crit);
	sdei_disarm(&signal);
}

static u64 mask_inside(struct event *ev, struct sdei_frame *f)
{
	IS(sdei(SDEI_MASK, 0, 0), 1, "T32 MASK in a handler");
	SIGNAL_SELF();
	return 0;
}

static u64 again(struct event *ev, struct sdei_frame *f)
{
	if (!ev->total) {
		SIGNAL_SELF();
		SIGNAL_SELF();
	}
	return 0;
}

static void triggering(void)
{
	sdei_arm(&signal, 0, mask_inside);
	SIGNAL_SELF();
	check_eq(signal.total, 1, "T32 the handler that masked ended as usual");
	signal.fn = again;
	sdei(SDEI_UNMASK, 0, 0);
	check_eq(signal.total, 2, "T32 what came meanwhile came after UNMASK");
	WRITE_ONCE(signal.total, 0);
	SIGNAL_SELF();
	check_eq(signal.total, 2, "T34 signalled while it ran: once more");
	sdei_disarm(&signal);
}

static u64 reset_inside(struct event *ev, struct sdei_frame *f)
{
	IS(sdei(SDEI_PRIVATE_RESET, 0, 0), SDEI_DENIED, "T38 PRIVATE_RESET in a handler");
	IS(sdei(SDEI_STATUS, 0, 0), 4, "T38 this one");
	IS(sdei(SDEI_STATUS, EV_NORMAL, 0), 0, "T38 the others");
	return 0;
}

static void resets(void)
{
	sdei_arm(&normal, EV_NORMAL, NULL);
	sdei_arm(&signal, 0, NULL);
	IS(sdei(SDEI_PRIVATE_RESET, 0, 0), 0, "T38 PRIVATE_RESET");
	IS(sdei(SDEI_STATUS, EV_NORMAL, 0), 0, "T38 status");
	IS(sdei(SDEI_MASK, 0, 0), 1, "T38 the mask was left alone");
	sdei(SDEI_UNMASK, 0, 0);
	sdei_arm(&normal, EV_NORMAL, NULL);
	sdei_arm(&signal, 0, reset_inside);
	SIGNAL_SELF();
	IS(sdei(SDEI_STATUS, 0, 0), 0, "T38 when it has ended");
	IS(sdei(SDEI_SHARED_RESET, 0, 0), 0, "T39 SHARED_RESET of nothing");
	IS(sdei(SDEI_BIND, 60, 0), EV_DYN_SHARED, "T39 BIND");
	sdei_arm(&dyn, EV_DYN_SHARED, NULL);
	IS(sdei(SDEI_SHARED_RESET, 0, 0), 0, "T39 SHARED_RESET");
	IS(sdei(SDEI_STATUS, EV_DYN_SHARED, 0), SDEI_INVALID, "T39 bindings are gone");
	IS(sdei(SDEI_BIND, 20, 0), EV_DYN_PRIVATE, "T39 BIND");
	sdei_arm(&dyn, EV_DYN_PRIVATE, NULL);
	IS(sdei(SDEI_SHARED_RESET, 0, 0), SDEI_DENIED, "T39 a private binding is registered");
	sdei_disarm(&dyn);
	IS(sdei(SDEI_SHARED_RESET, 0, 0), 0, "T39 no more");
}

static void from_vmm(void)
{
	sdei_arm(&normal, EV_NORMAL, NULL);
	IS(sdei_raise(0, 0), -22, "the VMM cannot raise event 0");
	IS(sdei_raise(EV_STATIC, 0), -22, "the VMM cannot raise a bound event");
	IS(sdei_raise(EV_CRIT, 0), -2, "the VMM cannot raise what nobody registered");
	IS(sdei_raise(EV_NORMAL, TD_IMMEDIATE), 0, "immediate");
	check(sdei_ran(&normal, 1), "immediate: it ran", "it did not");
	sdei(SDEI_MASK, 0, 0);
	IS(sdei_raise(EV_NORMAL, TD_IMMEDIATE), -16, "immediate while masked: EBUSY");
	IS(sdei_raise(EV_NORMAL, TD_CANCEL), -2, "cancel of nothing: ENOENT");
	IS(sdei_raise(EV_NORMAL, 0), 0, "queued while masked");
	IS(sdei_raise(EV_NORMAL, TD_CANCEL), 0, "cancelled");
	sdei(SDEI_UNMASK, 0, 0);
	check_eq(normal.total, 1, "a cancelled event does not run");
	writel(EV_NORMAL, TD_EVENT);
	writel(0, TD_VCPU);
	writel(1, TD_EVENTFD);
	check_eq(readl(TD_RESULT), 0, "eventfd for an event");
	writel(1, TD_SIGNAL);
	check(sdei_ran(&normal, 2), "eventfd: it ran", "it did not");
	writel(0, TD_EVENTFD);
	check_eq(readl(TD_RESULT), 0, "eventfd taken away");
	writel(1, TD_SIGNAL);
	check_eq(normal.total, 2, "then it no longer runs");
	sdei_disarm(&normal);
}

static void relative(void)
{
	u64 vbar = read_sysreg(vbar_el1);

	signal.fn = NULL;
	WRITE_ONCE(signal.total, 0);
	IS(sdei5(SDEI_REGISTER, 0, (u64)sdei_entry - vbar, (u64)&signal, 2, 0), 0, "relative: REGISTER");
	IS(sdei(SDEI_ENABLE, 0, 0), 0, "relative: ENABLE");
	SIGNAL_SELF();
	check_eq(signal.total, 1, "relative: an offset from VBAR_EL1");
	sdei_disarm(&signal);
}

void payload_main(void)
{
	identity();
	IS(sdei(SDEI_UNMASK, 0, 0), 0, "UNMASK");
	states_of(&signal, 0);
	states_of(&crit, EV_CRIT);
	states_of(&shared, EV_SHARED);
	running(&signal, 0);
	running(&normal, EV_NORMAL);
	running(&crit, EV_CRIT);
	running(&shared, EV_SHARED_CRIT);
	arguments();
	info();
	masking();
	priorities();
	triggering();
	resets();
	from_vmm();
	relative();
}
