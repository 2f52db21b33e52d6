// SPDX-License-Identifier: GPL-2.0-only
// link: kvm/sdei/model.c kvm/sdei/calls.c kvm/sdei/codec.c
/*
 * The conformance cases of docs/abi/sdei.md that need neither a CPU nor a client, by number, on the model alone. The same
 * numbers run as a guest in tests/guest/sdei*.c.
 */
#include "tests/host/sdei_sim.h"

static unsigned passed, failed;

static void check_at(bool cond, const char *name, const char *what, int line)
{
	const char *bad = sim_check();

	if (cond && !bad) {
		passed++;
		return;
	}
	failed++;
	printf("FAIL %s (line %d): %s%s%s\n", name, line, what, bad ? "; " : "", bad ? bad : "");
}

static const char *now;		/* case that runs */

#define CHECK(cond)	check_at(cond, now, #cond, __LINE__)
#define IS(call, want)	do { s64 r_ = (call); check_at(r_ == (want), now, #call " == " #want, __LINE__); \
			     if (r_ != (want)) printf("     is %ld\n", (long)r_); } while (0)
#define CASE(name)	do { now = name; sim_init(SIM_PES); } while (0)

#define P0	(&sim.pe[0])
#define P1	(&sim.pe[1])
#define P2	(&sim.pe[2])

static bool any_pstate(const struct sdei_pe *pe, u64 pstate)
{
	return true;
}

static s64 reg(struct sdei_pe *pe, u32 num)
{
	return sdei_event_register(pe, num, ENTRY, 7, 0, 0);
}

static s64 reg_pe(struct sdei_pe *pe, u32 num, const struct sdei_pe *to)
{
	return sdei_event_register(pe, num, ENTRY, 7, 1, to->mpidr);
}

static void arm(struct sdei_pe *pe, u32 num)
{
	IS(reg(pe, num), 0);
	IS(sdei_event_enable(pe, num), 0);
}

static void trigger(struct sdei_pe *pe, u32 num)
{
	sdei_trigger(pe, sdei_event_find(&sim.vm, num));
}

static s64 context0(struct sdei_pe *pe)
{
	u64 val;

	return sdei_event_context(pe, 0, &val);
}

/* Calls that need a handler running, or a registration, on pe that has neither. */
static void all_denied(struct sdei_pe *pe, u32 num)
{
	IS(context0(pe), SDEI_DENIED);
	IS(sdei_complete_check(pe, false, 0), SDEI_DENIED);
	IS(sdei_complete_check(pe, true, ENTRY), SDEI_DENIED);
}

static void identity(void)
{
	CASE("T1 version");
	IS(sdei_version(&sim.vm) >> 48, 1);
	IS(sdei_version(&sim.vm) >> 32 & 0xffff, 1);
	sim.vm.strict = true;
	IS(sdei_version(&sim.vm), 1L << 48);
	CASE("T35 features");
	IS(sdei_features(&sim.vm, 0), 1 | 2 << 16);
	IS(sdei_features(&sim.vm, 1), 1);
	IS(sdei_features(&sim.vm, 2), SDEI_INVALID);
	sim.vm.strict = true;
	IS(sdei_features(&sim.vm, 1), SDEI_INVALID);
}

static void states(void)
{
	static const u32 nums[] = { EV_SIGNAL, EV_PRIVATE_CRIT, EV_SHARED, EV_SHARED_DYN };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(nums); i++) {
		u32 n = nums[i];
		bool shared = n >= EV_SHARED;

		CASE("T3 unregistered");
		IS(sdei_interrupt_bind(P0, SPI), EV_SHARED_DYN);
		IS(sdei_event_enable(P0, n), SDEI_DENIED);
		IS(sdei_event_disable(P0, n), SDEI_DENIED);
		IS(sdei_event_unregister(P0, n), SDEI_DENIED);
		IS(sdei_routing_set(P0, n, 0, 0), shared ? SDEI_DENIED : SDEI_INVALID);
		all_denied(P0, n);
		IS(sdei_event_status(P0, n), 0);
		now = "T4 registered";
		IS(reg(P0, n), 0);
		IS(reg(P0, n), SDEI_DENIED);
		IS(sdei_interrupt_release(P0, n), n == EV_SHARED_DYN ? SDEI_DENIED : SDEI_INVALID);
		all_denied(P0, n);
		IS(sdei_event_status(P0, n), 1);
		now = "T8 twice";
		IS(sdei_event_disable(P0, n), 0);
		IS(sdei_event_enable(P0, n), 0);
		IS(sdei_event_enable(P0, n), 0);
		now = "T5 enabled";
		IS(reg(P0, n), SDEI_DENIED);
		IS(sdei_interrupt_release(P0, n), n == EV_SHARED_DYN ? SDEI_DENIED : SDEI_INVALID);
		IS(sdei_routing_set(P0, n, 0, 0), shared ? SDEI_DENIED : SDEI_INVALID);
		all_denied(P0, n);
		IS(sdei_event_status(P0, n), 3);
		IS(sdei_event_disable(P0, n), 0);
		IS(sdei_event_disable(P0, n), 0);
		IS(sdei_event_unregister(P0, n), 0);
		IS(sdei_event_status(P0, n), 0);
	}
}

static void source(struct sdei_pe *pe, u32 num)
{
	if (num == EV_SHARED_DYN) {
		sim_irq(NULL, SPI)->edge = true;
		sim_irq_input(NULL, SPI, true);
	} else {
		trigger(pe, num);
	}
}

static void running(void)
{
	static const u32 nums[] = { EV_SIGNAL, EV_PRIVATE_CRIT, EV_SHARED_CRIT, EV_SHARED_DYN };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(nums); i++) {
		u32 n = nums[i];
		s64 routing = n >= EV_SHARED ? SDEI_DENIED : SDEI_INVALID;
		s64 release = n == EV_SHARED_DYN ? SDEI_DENIED : SDEI_INVALID;

		CASE("T6 registered and running");
		(void)sdei_interrupt_bind(P0, SPI);
		arm(P0, n);
		sim.rank[1] = sim.rank[2] = 1;
		source(P0, n);
		IS(sim_look(P0), n);
		IS(sdei_event_status(P0, n), 7);
		IS(sdei_event_disable(P0, n), 0);
		IS(sdei_event_status(P0, n), 5);
		IS(reg(P0, n), SDEI_DENIED);
		IS(sdei_interrupt_release(P0, n), release);
		IS(sdei_routing_set(P0, n, 0, 0), routing);
		IS(sdei_event_enable(P0, n), 0);
		IS(sdei_event_status(P0, n), 7);
		IS(context0(P0), 0);
		now = "T7 unregistered while it runs";
		IS(sdei_event_unregister(P0, n), SDEI_PENDING);
		IS(sdei_event_status(P0, n), 4);
		IS(reg(P0, n), SDEI_DENIED);
		IS(sdei_interrupt_release(P0, n), release);
		IS(sdei_event_enable(P0, n), SDEI_DENIED);
		IS(sdei_event_disable(P0, n), SDEI_DENIED);
		IS(sdei_routing_set(P0, n, 0, 0), routing);
		IS(sdei_event_unregister(P0, n), SDEI_PENDING);
		IS(sim_complete(P0), 0);
		IS(sdei_event_status(P0, n), 0);
		IS(sdei_event_unregister(P0, n), SDEI_DENIED);
	}
}

static void arguments(void)
{
	static const u32 nums[] = { 0x80000000, 0x7fffffff, 0x40000003, EV_PRIVATE_DYN, EV_SHARED_DYN };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(nums); i++) {
		u32 n = nums[i];

		CASE("T9 no such event");
		IS(reg(P0, n), SDEI_INVALID);
		IS(sdei_event_enable(P0, n), SDEI_INVALID);
		IS(sdei_event_disable(P0, n), SDEI_INVALID);
		IS(sdei_event_unregister(P0, n), SDEI_INVALID);
		IS(sdei_event_status(P0, n), SDEI_INVALID);
		IS(sdei_event_get_info(P0, n, 0), SDEI_INVALID);
		IS(sdei_routing_set(P0, n, 0, 0), SDEI_INVALID);
		IS(sdei_interrupt_release(P0, n), SDEI_INVALID);
		IS(sdei_event_signal(P0, n, 0), SDEI_INVALID);
	}
	CASE("T10 bad arguments of REGISTER");
	IS(sdei_event_register(P0, 0, 0, 0, 0, 0), SDEI_INVALID);
	IS(sdei_event_register(P0, 0, ENTRY + 2, 0, 0, 0), SDEI_INVALID);
	IS(sdei_event_register(P0, 0, ENTRY, 0, 4, 0), SDEI_INVALID);
	IS(sdei_event_register(P0, EV_SHARED, ENTRY, 0, 1, 0x77), SDEI_INVALID);
	IS(sdei_event_register(P0, EV_SHARED, ENTRY, 0, 1, 1UL << 31), SDEI_INVALID);
	sim.vm.strict = true;
	IS(sdei_event_register(P0, 0, ENTRY, 0, 2, 0), SDEI_INVALID);
	sim.vm.strict = false;
	IS(sdei_event_register(P0, 0, ENTRY, 0, 2, 0), 0);
	CASE("T11 private event with any affinity");
	IS(sdei_event_register(P0, EV_PRIVATE, ENTRY, 0, 0, ~0UL), 0);
	IS(sdei_event_register(P1, EV_PRIVATE, ENTRY, 0, 1, ~0UL), 0);
	now = "CONTEXT's register number comes before the question of a handler";
	{
		u64 val;

		IS(sdei_event_context(P0, 18, &val), SDEI_INVALID);
	}
}

static void signals(void)
{
	CASE("T14 T15 signal to each");
	arm(P0, 0);
	arm(P1, 0);
	arm(P2, 0);
	IS(sdei_event_signal(P0, 0, P0->mpidr), 0);
	IS(sdei_event_signal(P0, 0, P1->mpidr), 0);
	IS(sdei_event_signal(P0, 0, P2->mpidr), 0);
	IS(sim_look(P2), 0);
	IS(sim_look(P0), 0);
	IS(sim_look(P1), 0);
	CASE("T16 signal while disabled and masked");
	IS(reg(P1, 0), 0);
	IS(sdei_pe_mask(P1), 1);
	IS(sdei_event_signal(P0, 0, P1->mpidr), 0);
	IS(sdei_event_enable(P1, 0), 0);
	IS(sim_look(P1), -1);
	IS(sdei_pe_unmask(P1), 0);
	IS(sim_look(P1), 0);
	CASE("T16 the same, strict");
	sim.vm.strict = true;
	IS(reg(P1, 0), 0);
	IS(sdei_event_signal(P0, 0, P1->mpidr), SDEI_INVALID);
	IS(sdei_event_enable(P1, 0), 0);
	IS(sdei_pe_mask(P1), 1);
	IS(sdei_event_signal(P0, 0, P1->mpidr), SDEI_INVALID);
	IS(sdei_pe_unmask(P1), 0);
	IS(sim_look(P1), -1);
	CASE("T17 signal to nobody");
	arm(P1, 0);
	IS(sdei_event_signal(P0, EV_PRIVATE, P1->mpidr), SDEI_INVALID);
	IS(sdei_event_signal(P0, 0, 0x99), SDEI_INVALID);
	IS(sdei_event_signal(P0, 0, P1->mpidr | 1UL << 31), SDEI_INVALID);
	IS(sdei_event_signal(P0, 0, P0->mpidr), SDEI_INVALID);
	sim.online[1] = false;
	IS(sdei_event_signal(P0, 0, P1->mpidr), SDEI_INVALID);
	CASE("T18 three signals, one run");
	arm(P1, 0);
	IS(sdei_pe_mask(P1), 1);
	IS(sdei_event_signal(P0, 0, P1->mpidr), 0);
	IS(sdei_event_signal(P0, 0, P1->mpidr), 0);
	IS(sdei_event_signal(P0, 0, P1->mpidr), 0);
	IS(sdei_pe_unmask(P1), 0);
	IS(sim_look(P1), 0);
	IS(sim_complete(P1), 0);
	sim_kick(P1, true);
	IS(sim_look(P1), -1);
}

static void routing(void)
{
	CASE("T12 shared interrupt to each PE in turn");
	IS(sdei_interrupt_bind(P0, SPI), EV_SHARED_DYN);
	sim_irq(NULL, SPI)->edge = true;
	IS(reg_pe(P0, EV_SHARED_DYN, P1), 0);
	IS(sdei_event_enable(P0, EV_SHARED_DYN), 0);
	sim_irq_input(NULL, SPI, true);
	IS(sim_look(P0), -1);
	IS(sim_look(P1), EV_SHARED_DYN);
	IS(sim_complete(P1), 0);
	IS(sdei_event_disable(P0, EV_SHARED_DYN), 0);
	IS(sdei_routing_set(P0, EV_SHARED_DYN, 1, P2->mpidr), 0);
	IS(sdei_event_enable(P0, EV_SHARED_DYN), 0);
	sim_irq_input(NULL, SPI, true);
	IS(sim_look(P1), -1);
	IS(sim_look(P2), EV_SHARED_DYN);
	CASE("T13 private interrupt on all PEs");
	IS(sdei_interrupt_bind(P0, PPI), EV_PRIVATE_DYN);
	arm(P0, EV_PRIVATE_DYN);
	arm(P1, EV_PRIVATE_DYN);
	sim_irq_input(P1, PPI, true);
	sim_irq_input(P0, PPI, true);
	IS(sim_look(P0), EV_PRIVATE_DYN);
	IS(sim_look(P1), EV_PRIVATE_DYN);
	IS(sim_look(P2), -1);
}

static void any_pe(void)
{
	CASE("T19 any PE");
	arm(P0, EV_SHARED);
	sim.rank[0] = sim.rank[2] = 5;
	trigger(P0, EV_SHARED);
	CHECK(sim.woken[1] && !sim.woken[0] && !sim.woken[2]);
	IS(sim_look(P0), EV_SHARED);	/* whoever comes by first */
	IS(sim_look(P1), -1);
	trigger(P0, EV_SHARED);
	IS(sim_look(P1), -1);
	IS(sim_complete(P0), 0);
	CHECK(sim.woken[1]);
	IS(sim_look(P1), EV_SHARED);
	CASE("T20 all but one masked");
	arm(P0, EV_SHARED);
	IS(sdei_pe_mask(P0), 1);
	IS(sdei_pe_mask(P1), 1);
	trigger(P0, EV_SHARED);
	CHECK(sim.woken[2]);
	IS(sdei_pe_mask(P2), 1);
	sim_kick(P2, true);
	IS(sim_look(P2), -1);
	IS(sdei_pe_unmask(P1), 0);
	IS(sim_look(P1), EV_SHARED);
	CASE("T20 the chosen PE masks itself");
	arm(P0, EV_SHARED);
	sim.rank[1] = sim.rank[2] = 1;
	trigger(P0, EV_SHARED);
	CHECK(sim.woken[0]);
	IS(sdei_pe_mask(P0), 1);
	CHECK(sim.woken[1] || sim.woken[2]);
	CASE("T20 the chosen PE leaves KVM_RUN");
	arm(P0, EV_SHARED);
	sim.rank[1] = sim.rank[2] = 1;
	trigger(P0, EV_SHARED);
	CHECK(sim.woken[0] && !sim.woken[1] && !sim.woken[2]);
	sim.rank[0] = 3;
	sdei_offer(&sim.vm);
	CHECK(sim.woken[1]);
	IS(sim_look(P1), EV_SHARED);
	IS(sim_look(P0), -1);
}

static void routing_answers(void)
{
	CASE("T21 routing and its answers");
	IS(sdei_event_get_info(P0, EV_SHARED, 3), SDEI_DENIED);
	IS(sdei_event_get_info(P0, EV_PRIVATE, 3), SDEI_INVALID);
	IS(sdei_event_get_info(P0, EV_PRIVATE, 4), SDEI_INVALID);
	IS(reg(P0, EV_SHARED), 0);
	IS(sdei_event_get_info(P0, EV_SHARED, 3), 0);
	IS(sdei_event_get_info(P0, EV_SHARED, 4), SDEI_INVALID);
	IS(sdei_routing_set(P0, EV_SHARED, 1, P2->mpidr), 0);
	IS(sdei_event_get_info(P0, EV_SHARED, 3), 1);
	IS(sdei_event_get_info(P0, EV_SHARED, 4), (s64)P2->mpidr);
	IS(sdei_routing_set(P0, EV_SHARED, 2, 0), SDEI_INVALID);
	IS(sdei_routing_set(P0, EV_SHARED, 1, 0x1234), SDEI_INVALID);
	IS(sdei_event_get_info(P0, EV_SHARED, 0), 1);
	IS(sdei_event_get_info(P0, EV_PRIVATE, 0), 0);
	IS(sdei_event_get_info(P0, EV_SIGNAL, 1), 1);
	IS(sdei_event_get_info(P0, EV_PRIVATE, 1), 0);
	IS(sdei_event_get_info(P0, EV_SHARED_CRIT, 2), 1);
	IS(sdei_event_get_info(P0, EV_SHARED, 5), SDEI_INVALID);
}

static void dispatching(void)
{
	CASE("T24 pending but disabled");
	IS(reg(P0, EV_PRIVATE), 0);
	trigger(P0, EV_PRIVATE);
	IS(sdei_pe_mask(P0), 1);
	IS(sdei_pe_unmask(P0), 0);
	CHECK(!sim.woken[0]);
	IS(sdei_event_enable(P0, EV_PRIVATE), 0);
	IS(sim_look(P0), EV_PRIVATE);
	CASE("T29 critical preempts normal");
	arm(P0, EV_PRIVATE);
	arm(P0, EV_PRIVATE_CRIT);
	trigger(P0, EV_PRIVATE);
	IS(sim_look(P0), EV_PRIVATE);
	P0->ctx[0].x[0] = 111;
	trigger(P0, EV_PRIVATE_CRIT);
	IS(sim_look(P0), EV_PRIVATE_CRIT);
	P0->ctx[1].x[0] = 222;
	{
		u64 val = 0;

		IS(sdei_event_context(P0, 0, &val), 0);
		IS((s64)val, 222);
		IS(sim_complete(P0), 0);
		IS(sdei_event_context(P0, 0, &val), 0);
		IS((s64)val, 111);
	}
	IS(sim_complete(P0), 0);
	IS(sim_complete(P0), SDEI_DENIED);
}

static void waiting(void)
{
	CASE("T30 what waits");
	arm(P0, EV_PRIVATE);
	arm(P0, EV_SIGNAL);
	arm(P0, EV_PRIVATE_CRIT);
	arm(P0, EV_SHARED_CRIT);
	sim.rank[1] = sim.rank[2] = 1;
	sim.online[1] = sim.online[2] = false;
	trigger(P0, EV_PRIVATE_CRIT);
	IS(sim_look(P0), EV_PRIVATE_CRIT);
	trigger(P0, EV_PRIVATE);
	trigger(P0, EV_SHARED_CRIT);
	CHECK(!sim.woken[0]);
	IS(sim_complete(P0), 0);
	IS(sim_look(P0), EV_SHARED_CRIT);
	IS(sim_complete(P0), 0);
	IS(sim_look(P0), EV_PRIVATE);
	trigger(P0, EV_SIGNAL);
	CHECK(!sim.woken[0]);
	IS(sim_complete(P0), 0);
	IS(sim_look(P0), EV_SIGNAL);
	CASE("T31 both pending: critical first");
	arm(P0, EV_SIGNAL);
	arm(P0, EV_PRIVATE_CRIT);
	IS(sdei_pe_mask(P0), 1);
	trigger(P0, EV_SIGNAL);
	trigger(P0, EV_PRIVATE_CRIT);
	IS(sdei_pe_unmask(P0), 0);
	IS(sim_look(P0), EV_PRIVATE_CRIT);
}

static void masking_and_triggering(void)
{
	CASE("T32 mask");
	IS(sdei_pe_mask(P0), 1);
	IS(sdei_pe_mask(P0), 0);
	IS(sdei_pe_unmask(P0), 0);
	IS(sdei_pe_unmask(P0), 0);
	arm(P0, EV_PRIVATE);
	arm(P0, EV_PRIVATE_CRIT);
	trigger(P0, EV_PRIVATE);
	IS(sim_look(P0), EV_PRIVATE);
	IS(sdei_pe_mask(P0), 1);
	trigger(P0, EV_PRIVATE_CRIT);
	CHECK(!sim.woken[0]);
	IS(sim_complete(P0), 0);
	IS(sdei_pe_unmask(P0), 0);
	IS(sim_look(P0), EV_PRIVATE_CRIT);
	CASE("T34 triggered while it runs");
	arm(P0, EV_PRIVATE);
	trigger(P0, EV_PRIVATE);
	IS(sim_look(P0), EV_PRIVATE);
	trigger(P0, EV_PRIVATE);
	trigger(P0, EV_PRIVATE);
	CHECK(!sim.woken[0]);
	IS(sim_complete(P0), 0);
	IS(sim_look(P0), EV_PRIVATE);
	IS(sim_complete(P0), 0);
	CHECK(!sim.woken[0]);
	now = "T34 a level is looked at again";
	IS(sdei_interrupt_bind(P0, PPI), EV_PRIVATE_DYN);
	arm(P0, EV_PRIVATE_DYN);
	sim_irq_input(P0, PPI, true);
	IS(sim_look(P0), EV_PRIVATE_DYN);
	IS(sim_complete(P0), 0);
	IS(sim_look(P0), EV_PRIVATE_DYN);
	sim_irq_input(P0, PPI, false);
	IS(sim_complete(P0), 0);
	CHECK(!sim.woken[0]);
}

static void binding(void)
{
	CASE("T35 BIND");
	IS(sdei_interrupt_bind(P0, 5), SDEI_INVALID);
	IS(sdei_interrupt_bind(P0, 1020), SDEI_INVALID);
	IS(sdei_interrupt_bind(P0, 8192), SDEI_INVALID);
	IS(sdei_interrupt_bind(P0, STATIC_SPI), SDEI_INVALID);
	IS(sdei_interrupt_bind(P0, SPI), EV_SHARED_DYN);
	IS(sdei_interrupt_bind(P1, SPI), EV_SHARED_DYN);
	IS(sdei_interrupt_bind(P0, SPI2), EV_SHARED_DYN2);
	IS(sdei_interrupt_bind(P0, 43), SDEI_OUT_OF_RESOURCE);
	IS(sdei_interrupt_bind(P0, PPI), EV_PRIVATE_DYN);
	IS(sdei_interrupt_bind(P0, PPI2), SDEI_OUT_OF_RESOURCE);
	IS(sdei_event_get_info(P0, EV_PRIVATE_DYN, 0), 0);
	IS(sdei_event_get_info(P0, EV_SHARED_DYN, 0), 1);
	CASE("T36 whose interrupt it is");
	IS(sdei_interrupt_bind(P0, SPI), EV_SHARED_DYN);
	sim_irq(NULL, SPI)->enabled = sim_irq(NULL, SPI)->latch = true;
	CHECK(!sim_irq(NULL, SPI)->claimed);
	sim_irq(NULL, SPI)->active = true;
	IS(reg(P0, EV_SHARED_DYN), SDEI_DENIED);
	sim_irq(NULL, SPI)->active = false;
	sim_irq(NULL, SPI)->in_lr = true;
	IS(reg(P0, EV_SHARED_DYN), SDEI_AGAIN);
	sim_irq(NULL, SPI)->in_lr = false;
	IS(sdei_event_status(P0, EV_SHARED_DYN), 0);
	IS(reg(P0, EV_SHARED_DYN), 0);
	CHECK(sim_irq(NULL, SPI)->claimed && !sim_irq(NULL, SPI)->latch);
	IS(sdei_event_unregister(P1, EV_SHARED_DYN), 0);
	CHECK(!sim_irq(NULL, SPI)->claimed && !sim_irq(NULL, SPI)->enabled);
	now = "T36 released when the handler of an unregistered event ends";
	arm(P0, EV_SHARED_DYN);
	sim_irq_input(NULL, SPI, true);
	IS(sim_look(P0), EV_SHARED_DYN);
	IS(sdei_event_unregister(P1, EV_SHARED_DYN), SDEI_PENDING);
	CHECK(sim_irq(NULL, SPI)->claimed);
	IS(sim_complete(P0), 0);
	CHECK(!sim_irq(NULL, SPI)->claimed);
	CASE("T37 RELEASE while another PE has it");
	IS(sdei_interrupt_bind(P0, PPI), EV_PRIVATE_DYN);
	IS(reg(P1, EV_PRIVATE_DYN), 0);
	IS(sdei_interrupt_release(P0, EV_PRIVATE_DYN), SDEI_DENIED);
	IS(sdei_event_unregister(P1, EV_PRIVATE_DYN), 0);
	IS(sdei_interrupt_release(P0, EV_PRIVATE_DYN), 0);
	IS(sdei_interrupt_release(P0, EV_PRIVATE_DYN), SDEI_INVALID);
	IS(sdei_interrupt_release(P0, EV_SHARED_STATIC), SDEI_INVALID);
}

static void resets(void)
{
	CASE("T38 PRIVATE_RESET");
	arm(P0, 0);
	arm(P0, EV_PRIVATE);
	arm(P0, EV_PRIVATE_CRIT);
	IS(sdei_private_reset(P0), 0);
	IS(sdei_event_status(P0, 0), 0);
	CHECK(!P0->masked);
	arm(P0, 0);
	arm(P0, EV_PRIVATE);
	trigger(P0, EV_PRIVATE);
	IS(sim_look(P0), EV_PRIVATE);
	trigger(P0, 0);
	IS(sdei_private_reset(P0), SDEI_DENIED);
	IS(sdei_event_status(P0, 0), 0);
	IS(sdei_event_status(P0, EV_PRIVATE), 4);
	IS(sim_complete(P0), 0);
	IS(sdei_event_status(P0, EV_PRIVATE), 0);
	CASE("T39 SHARED_RESET");
	IS(sdei_shared_reset_call(P0), 0);
	IS(sdei_interrupt_bind(P0, SPI), EV_SHARED_DYN);
	IS(sdei_interrupt_bind(P0, PPI), EV_PRIVATE_DYN);
	arm(P0, EV_SHARED_DYN);
	IS(sdei_shared_reset_call(P1), 0);
	IS(sdei_event_status(P0, EV_SHARED_DYN), SDEI_INVALID);
	IS(sdei_event_status(P0, EV_PRIVATE_DYN), SDEI_INVALID);
	CHECK(!sim_irq(NULL, SPI)->claimed);
	IS(sdei_interrupt_bind(P0, PPI), EV_PRIVATE_DYN);
	IS(sdei_interrupt_bind(P0, SPI), EV_SHARED_DYN);
	IS(reg(P1, EV_PRIVATE_DYN), 0);
	IS(sdei_shared_reset_call(P0), SDEI_DENIED);
	IS(sdei_event_status(P0, EV_SHARED_DYN), SDEI_INVALID);
	IS(sdei_event_status(P1, EV_PRIVATE_DYN), 1);
	now = "T39 SHARED_RESET while one runs";
	arm(P0, EV_SHARED);
	arm(P0, EV_SHARED_CRIT);
	trigger(P0, EV_SHARED);
	IS(sim_look(P0), EV_SHARED);
	IS(sdei_shared_reset_call(P1), SDEI_DENIED);
	IS(sdei_event_status(P1, EV_SHARED), 4);
	IS(sdei_event_status(P1, EV_SHARED_CRIT), 0);
}

/* Registers that handlers interrupted, and moved to another VM. */
static void contexts(void)
{
	static u64 pe_words[64 + SDEI_GPRS * 4], vm_words[64];
	unsigned i;
	u64 val;

	CASE("T23 CONTEXT");
	arm(P0, EV_PRIVATE);
	arm(P0, EV_PRIVATE_CRIT);
	trigger(P0, EV_PRIVATE);
	IS(sim_look(P0), EV_PRIVATE);
	trigger(P0, EV_PRIVATE_CRIT);
	IS(sim_look(P0), EV_PRIVATE_CRIT);
	for (i = 0; i < SDEI_GPRS; i++) {
		P0->ctx[SDEI_NORMAL].x[i] = 100 + i;
		P0->ctx[SDEI_CRITICAL].x[i] = 200 + i;
	}
	for (i = 0; i < SDEI_GPRS; i++) {
		IS(sdei_event_context(P0, i, &val), 0);
		IS(val, 200 + i);
	}
	IS(sdei_event_context(P0, 18, &val), SDEI_INVALID);
	IS(sdei_event_context(P1, 18, &val), SDEI_INVALID);
	IS(sdei_event_context(P1, 0, &val), SDEI_DENIED);
	now = "T44 nested handlers through registers";
	sdei_pe_image_fill(P0, pe_words);
	sdei_vm_image_fill(&sim.vm, vm_words);
	sim_init(SIM_PES);
	P0->masked = true;
	struct sdei_restore r = {
		.pe = P0, .pe_words = pe_words, .vm_words = vm_words, .has_gic = true, .pstate_ok = any_pstate,
		.irq_move = sim_irq_move,
	};
	CHECK(!sdei_restore_check(&r));
	sdei_restore_apply(&r);
	IS(sdei_event_context(P0, 17, &val), 0);
	IS(val, 217);
	IS(sim_complete(P0), 0);
	IS(sdei_event_context(P0, 17, &val), 0);
	IS(val, 117);
	IS(sim_complete(P0), 0);
	IS(sim_complete(P0), SDEI_DENIED);
	now = "T44 raised before a restored PE runs";
	sim_init(SIM_PES);
	pe_words[sdei_state_at(&sim.vm, 1)] = 3;	/* EV_PRIVATE: registered, enabled */
	IS(sdei_image_raise(P0, 1, &pe_words[sdei_state_at(&sim.vm, 1)], SDEI_RAISE_NOW), -EBUSY);
	IS(sdei_image_raise(P0, 1, &pe_words[sdei_state_at(&sim.vm, 1)], SDEI_RAISE), 0);
	val = sdei_image_set(&sim.vm, SDEI_REG_PRIVATE(1, 1), pe_words[sdei_state_at(&sim.vm, 1)], 3);
	IS(sdei_image_get(P0, SDEI_REG_PRIVATE(1, 1), val), 3 | 8);
	IS(sdei_image_raise(P0, 1, &val, SDEI_CANCEL), 0);
	val = sdei_image_set(&sim.vm, SDEI_REG_PRIVATE(1, 1), val, 3 | 8);
	IS(sdei_image_get(P0, SDEI_REG_PRIVATE(1, 1), val), 3);
	IS(sdei_image_raise(P0, 1, &val, SDEI_CANCEL), -ENOENT);
}

/* A guest in SYSTEM_SUSPEND keeps its events when its vCPUs are initialised; then its VMM restores another state. */
static void suspended(void)
{
	static u64 pe_words[64 + SDEI_GPRS * 4], vm_words[64];
	struct sdei_restore r = {
		.pe = P1, .pe_words = pe_words, .vm_words = vm_words, .has_gic = true, .pstate_ok = any_pstate,
		.irq_move = sim_irq_move,
	};
	u64 *ident;

	CASE("T47 other bindings than a suspended guest has");
	IS(sdei_interrupt_bind(P0, SPI), EV_SHARED_DYN);
	IS(sdei_interrupt_bind(P0, PPI), EV_PRIVATE_DYN);
	arm(P0, EV_SHARED_DYN);
	arm(P0, EV_PRIVATE_DYN);
	arm(P1, EV_PRIVATE_DYN);
	arm(P0, EV_SHARED);
	trigger(P0, EV_SHARED);
	IS(sim_look(P0), EV_SHARED);
	sdei_pe_image_fill(P1, pe_words);
	sdei_vm_image_fill(&sim.vm, vm_words);
	ident = &vm_words[sdei_state_at(&sim.vm, sdei_event_find(&sim.vm, EV_SHARED_DYN)) - 1];
	*ident += (u64)(SPI2 - SPI) << 40;
	vm_words[sdei_event_find(&sim.vm, EV_PRIVATE_DYN)] += (u64)(PPI2 - PPI) << 40;
	sim_irq(NULL, SPI)->enabled = true;	/* the interrupt controller was restored before */
	CHECK(!sdei_restore_check(&r));
	sdei_restore_apply(&r);
	CHECK(sim_irq(NULL, SPI)->enabled);
	CHECK(!sim_irq(NULL, SPI)->claimed && sim_irq(NULL, SPI2)->claimed);
	CHECK(!sim_irq(P0, PPI)->claimed && sim_irq(P0, PPI2)->claimed);
	CHECK(!sim_irq(P1, PPI)->claimed && sim_irq(P1, PPI2)->claimed);
	now = "T47 a handler of a PE whose registers were not written";
	IS(sdei_event_status(P1, EV_SHARED), 7);
	IS(sim_complete(P0), 0);
	trigger(P0, EV_SHARED);
	IS(sim_look(P1), EV_SHARED);
	now = "T47 a handler that ended in what was restored";
	IS(sim_complete(P1), 0);
	trigger(P0, EV_SHARED);
	IS(sim_look(P0), EV_SHARED);
	sdei_vm_image_fill(&sim.vm, vm_words);
	vm_words[sdei_state_at(&sim.vm, sdei_event_find(&sim.vm, EV_SHARED))] = 3;
	CHECK(!sdei_restore_check(&r));
	sdei_restore_apply(&r);
	trigger(P1, EV_SHARED);
	IS(sim_look(P1), EV_SHARED);
	sdei_pe_reset(P0);
	IS(sdei_event_status(P0, EV_SHARED), 7);
	IS(sdei_event_unregister(P0, EV_SHARED), SDEI_PENDING);
	IS(sim_complete(P1), 0);
	IS(sdei_event_status(P0, EV_SHARED), 0);
	CHECK(!sim_irq(P0, PPI2)->claimed && sim_irq(P1, PPI2)->claimed);
}

static void power(void)
{
	CASE("T40 CPU_OFF, CPU_ON");
	arm(P1, 0);
	arm(P1, EV_PRIVATE);
	trigger(P1, EV_PRIVATE);
	IS(sdei_interrupt_bind(P0, PPI), EV_PRIVATE_DYN);
	arm(P1, EV_PRIVATE_DYN);
	IS(reg_pe(P0, EV_SHARED, P1), 0);
	IS(sdei_event_enable(P0, EV_SHARED), 0);
	sim_cpu_off(P1);
	CHECK(!sim_irq(P1, PPI)->claimed);
	IS(sdei_interrupt_release(P0, EV_PRIVATE_DYN), 0);
	trigger(P0, EV_SHARED);
	CHECK(!sim.woken[0] && !sim.woken[2]);
	sim_cpu_on(P1);
	IS(sdei_event_status(P1, 0), 0);
	IS(sdei_pe_mask(P1), 0);
	IS(sim_look(P1), -1);
	IS(sdei_pe_unmask(P1), 0);
	IS(sim_look(P1), EV_SHARED);
	CASE("T41 UNREGISTER from another PE");
	arm(P0, EV_SHARED);
	trigger(P0, EV_SHARED);
	IS(sim_look(P0), EV_SHARED);
	IS(sdei_event_unregister(P1, EV_SHARED), SDEI_PENDING);
	IS(sdei_event_unregister(P1, EV_SHARED), SDEI_PENDING);
	IS(sim_complete(P0), 0);
	IS(sdei_event_unregister(P1, EV_SHARED), SDEI_DENIED);
	IS(sdei_event_status(P1, EV_SHARED), 0);
	CASE("T42 CPU_OFF inside a shared handler");
	arm(P0, EV_SHARED);
	trigger(P0, EV_SHARED);
	IS(sim_look(P0), EV_SHARED);
	trigger(P0, EV_SHARED);
	sim_cpu_off(P0);
	IS(sdei_event_status(P1, EV_SHARED), 3);
	CHECK(sim.woken[1] || sim.woken[2]);
	CASE("T46 reset in the middle of handlers");
	IS(sdei_interrupt_bind(P0, SPI), EV_SHARED_DYN);
	arm(P0, EV_SHARED_DYN);
	arm(P0, EV_PRIVATE_CRIT);
	sim_irq_input(NULL, SPI, true);
	IS(sim_look(P0), EV_SHARED_DYN);
	trigger(P0, EV_PRIVATE_CRIT);
	IS(sim_look(P0), EV_PRIVATE_CRIT);
	sdei_pe_reset(P0);
	sdei_pe_reset(P1);
	sdei_pe_reset(P2);
	sdei_shared_reset(&sim.vm);
	CHECK(P0->masked && sdei_level(P0) < 0);
	IS(sdei_event_status(P0, EV_SHARED_DYN), SDEI_INVALID);
	CHECK(!sim_irq(NULL, SPI)->claimed);
}

int main(void)
{
	identity();
	states();
	running();
	arguments();
	signals();
	routing();
	any_pe();
	routing_answers();
	dispatching();
	waiting();
	masking_and_triggering();
	binding();
	resets();
	suspended();
	power();
	contexts();
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
