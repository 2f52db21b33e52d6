// SPDX-License-Identifier: GPL-2.0-only
/*
 * EVENT_COMPLETE, which hosts like to shorten (kvm/sdei/run.c, sdei_complete_fast): whatever else there is to do at that
 * moment is done before the interrupted code's next instruction, and not left to the next exit. Two CPUs.
 */
#include "sdei.h"

const char payload_name[] = "sdei_complete";

static struct event normal, crit, signal, shared, held;
static u64 outer_x7, after_inner, status_inside;

/*
 * Signals ourselves with x4 to x17 set, and looks at them and at @count without an exit in between. Returns the registers
 * lost; *seen is the count when the interrupted code went on.
 */
static u64 interrupted(u64 num, const u32 *count, u32 *seen)
{
	u64 lost, flags;
	u32 n;

	writel(num, TD_EVENT);
	writel(this_cpu()->index, TD_VCPU);
	asm volatile("mov x4, #4; mov x5, #5; mov x6, #6; mov x7, #7; mov x8, #8; mov x9, #9; mov x10, #10; mov x11, #11;"
		     "mov x12, #12; mov x13, #13; mov x14, #14; mov x15, #15; mov x16, #16; mov x17, #17;"
		     "mov x3, #0x60000000; msr nzcv, x3; str wzr, [%3];"	/* TD_RAISE: it starts behind this store */
		     "ldr %w1, [%4]; mrs %2, nzcv; mov %0, #0;"
		     "add x4, x4, x5; add x4, x4, x6; add x4, x4, x7; add x4, x4, x8; add x4, x4, x9; add x4, x4, x10;"
		     "add x4, x4, x11; add x4, x4, x12; add x4, x4, x13; add x4, x4, x14; add x4, x4, x15;"
		     "add x4, x4, x16; add x4, x4, x17; sub %0, x4, #147; eor x3, x3, #0x60000000; orr %0, %0, x3;"
		     : "=&r"(lost), "=&r"(n), "=&r"(flags) : "r"(TD_RAISE), "r"(count)
		     : "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
		       "cc", "memory");
	*seen = n;
	return lost | (flags ^ 0x60000000);
}

static void alone(void)
{
	u32 seen;

	sdei_arm(&normal, EV_NORMAL, NULL);
	check_eq(interrupted(EV_NORMAL, &normal.total, &seen), 0, "T25 registers after COMPLETE");
	check_eq(seen, 1, "T25 the handler ran before");
	IS(sdei(SDEI_STATUS, EV_NORMAL, 0), 3, "T29 it does not run any more");
	check_eq(interrupted(EV_NORMAL, &normal.total, &seen), 0, "T25 the same again");
	check_eq(seen, 2, "T25 it ran again");
	sdei_disarm(&normal);
}

static u64 signal_inside(struct event *ev, struct sdei_frame *f)
{
	IS(SIGNAL_SELF(), 0, "T30 signal inside a handler");
	return 0;
}

static u64 raise_shared_inside(struct event *ev, struct sdei_frame *f)
{
	IS(sdei_raise(EV_SHARED, 0), 0, "T30 a shared event raised inside a handler");
	return 0;
}

static u64 mask_inside(struct event *ev, struct sdei_frame *f)
{
	IS(sdei(SDEI_MASK, 0, 0), 1, "T32 MASK inside a handler");
	IS(SIGNAL_SELF(), 0, "T32 signal then");
	return 0;
}

static u64 disable_inside(struct event *ev, struct sdei_frame *f)
{
	IS(sdei(SDEI_DISABLE, 0, 0), 0, "T24 DISABLE of another inside a handler");
	IS(SIGNAL_SELF(), 0, "T24 signal then");
	return 0;
}

static u64 unregister_inside(struct event *ev, struct sdei_frame *f)
{
	IS(sdei(SDEI_UNREGISTER, EV_NORMAL, 0), SDEI_PENDING, "T7 UNREGISTER inside its handler");
	status_inside = sdei(SDEI_STATUS, EV_NORMAL, 0);
	return 0;
}

static void pending(void)
{
	u32 seen;

	sdei_arm(&signal, 0, NULL);
	sdei_arm(&normal, EV_NORMAL, signal_inside);
	check_eq(interrupted(EV_NORMAL, &signal.total, &seen), 0, "T30 registers after two handlers in a row");
	check_eq(seen, 1, "T30 what waited starts at COMPLETE");
	sdei_arm(&shared, EV_SHARED, NULL);
	normal.fn = raise_shared_inside;
	check_eq(interrupted(EV_NORMAL, &shared.total, &seen), 0, "T30 registers after a shared one");
	check_eq(seen, 1, "T30 a shared event that waited starts at COMPLETE");
	sdei_disarm(&shared);
	normal.fn = mask_inside;
	(void)interrupted(EV_NORMAL, &signal.total, &seen);
	check_eq(seen, 1, "T32 masked: nothing starts at COMPLETE");
	IS(sdei(SDEI_STATUS, EV_NORMAL, 0), 3, "T32 but it is complete");
	sdei(SDEI_UNMASK, 0, 0);
	check_eq(READ_ONCE(signal.total), 2, "T32 UNMASK starts it");
	normal.fn = disable_inside;
	(void)interrupted(EV_NORMAL, &signal.total, &seen);
	check_eq(seen, 2, "T24 disabled: nothing starts at COMPLETE");
	sdei(SDEI_ENABLE, 0, 0);
	check_eq(READ_ONCE(signal.total), 3, "T24 ENABLE starts it");
	sdei_disarm(&signal);
	sdei_disarm(&normal);
}

static void unregistered(void)
{
	u32 seen;

	sdei_arm(&normal, EV_NORMAL, unregister_inside);
	check_eq(interrupted(EV_NORMAL, &normal.total, &seen), 0, "T7 registers after the last COMPLETE");
	check_eq(status_inside, 4, "T7 it ran, not registered");
	IS(sdei(SDEI_STATUS, EV_NORMAL, 0), 0, "T7 COMPLETE ends it");
	sdei_arm(&normal, EV_NORMAL, NULL);
	sdei_disarm(&normal);
}

static u64 inner(struct event *ev, struct sdei_frame *f)
{
	after_inner = sdei(SDEI_CONTEXT, 7, 0);
	return 0;
}

static u64 outer(struct event *ev, struct sdei_frame *f)
{
	u32 seen;

	outer_x7 = sdei(SDEI_CONTEXT, 7, 0);
	check_eq(interrupted(EV_CRIT, &crit.total, &seen), 0, "T29 registers of the outer handler");
	check_eq(seen, 1, "T29 the inner one ran");
	IS(sdei(SDEI_STATUS, EV_CRIT, 0), 3, "T29 and is complete");
	IS(sdei(SDEI_STATUS, EV_NORMAL, 0), 7, "T29 the outer one runs on");
	IS(sdei(SDEI_CONTEXT, 7, 0), outer_x7, "T29 with its own context");
	return 0;
}

static void nested(void)
{
	u32 seen;

	sdei_arm(&crit, EV_CRIT, inner);
	sdei_arm(&normal, EV_NORMAL, outer);
	check_eq(interrupted(EV_NORMAL, &normal.total, &seen), 0, "T29 registers after nested handlers");
	check_eq(seen, 1, "T29 both are complete");
	check_eq(outer_x7, 7, "T29 the outer handler's context");
	check_eq(after_inner, 7, "T29 the inner handler's context");
	IS(sdei(SDEI_COMPLETE, 0, 0), SDEI_DENIED, "T29 nothing left to complete");
	sdei_disarm(&crit);
	sdei_disarm(&normal);
}

/* ---- another CPU ---- */

static volatile bool let_go, inside;

static u64 stay(struct event *ev, struct sdei_frame *f)
{
	inside = true;
	while (!let_go)
		yield();
	return 0;
}

static void other_cpu(void *arg)
{
	sdei(SDEI_UNMASK, 0, 0);
	sdei_arm(&held, EV_SHARED_CRIT, stay);
	sdei_raise(EV_SHARED_CRIT, 0);
	if (!wait_for(held.total == 1, 60000))
		fail("T41 the other CPU", "its handler does not end");
	sdei(SDEI_MASK, 0, 0);
}

/* A shared handler runs elsewhere: what completes here is ours. A shared event for any CPU waits for the first that can. */
static void elsewhere(void)
{
	u32 seen;

	sdei(SDEI_MASK, 0, 0);
	if (cpu_start(1, other_cpu, NULL) || !wait_for(inside, 60000))
		fail("T41 the other CPU", "it does not start its handler");
	sdei(SDEI_UNMASK, 0, 0);
	sdei_arm(&normal, EV_NORMAL, NULL);
	check_eq(interrupted(EV_NORMAL, &normal.total, &seen), 0, "T41 registers, a shared handler runs elsewhere");
	check_eq(seen, 1, "T41 ours ran");
	IS(sdei(SDEI_STATUS, EV_SHARED_CRIT, 0), 7, "T41 the other's still runs");
	IS(sdei(SDEI_COMPLETE, 0, 0), SDEI_DENIED, "T41 and is not ours to complete");
	sdei_arm(&shared, EV_SHARED, NULL);
	normal.fn = raise_shared_inside;
	(void)interrupted(EV_NORMAL, &shared.total, &seen);
	check_eq(seen, 1, "T19 a shared event that only we can take starts at COMPLETE");
	let_go = true;
	check(cpu_wait_off(1), "T41 the other CPU ends", "it does not");
	IS(sdei(SDEI_STATUS, EV_SHARED_CRIT, 0), 3, "T41 its handler too");
	sdei_disarm(&held);
	sdei_disarm(&shared);
	sdei_disarm(&normal);
}

void payload_main(void)
{
	sdei(SDEI_UNMASK, 0, 0);
	alone();
	pending();
	unregistered();
	nested();
	elsewhere();
}
