// SPDX-License-Identifier: GPL-2.0-only
/* The generic timer: virtual and physical, masks, WFI, ordering. */
#include "lib.h"

const char payload_name[] = "timer";

#define VTIMER	27
#define PTIMER	30

static volatile u32 fired[32];
static volatile u64 fired_at[32];
static volatile u32 order[8], nr_order;		/* CPU 0's: the others come at any time, several at once */

static void on_irq(u32 intid)
{
	/*
	 * A list register stays pending when the guest re-arms a timer that it
	 * has not taken: the interrupt is spurious then, and guests know it.
	 */
	if (!((intid == VTIMER ? read_sysreg(cntv_ctl_el0) : read_sysreg(cntp_ctl_el0)) & 4))
		return;
	fired_at[intid] = now();
	fired[intid]++;
	if (!this_cpu()->index && nr_order < 8)
		order[nr_order++] = intid;
	if (intid == VTIMER)
		write_sysreg(2, cntv_ctl_el0);
	else if (intid == PTIMER)
		write_sysreg(2, cntp_ctl_el0);
	isb();
}

static u64 pnow(void)
{
	isb();
	return read_sysreg(cntpct_el0);
}

static void vtimer_in(u64 us)
{
	write_sysreg(now() + ticks_from_us(us), cntv_cval_el0);
	write_sysreg(1, cntv_ctl_el0);
	isb();
}

static void ptimer_in(u64 us)
{
	write_sysreg(pnow() + ticks_from_us(us), cntp_cval_el0);
	write_sysreg(1, cntp_ctl_el0);
	isb();
}

static void one(u32 intid, void (*arm)(u64), const char *spin, const char *sleep)
{
	u64 deadline, before = fired[intid];

	irq_enable();
	deadline = now() + ticks_from_us(2000);
	arm(2000);
	check(wait_for(fired[intid] != before, 20000), spin, "no interrupt");
	check(fired_at[intid] >= deadline, "not too early", "by %lu", deadline - fired_at[intid]);
	before = fired[intid];
	deadline = now() + ticks_from_us(5000);
	arm(5000);
	wfi_until(fired[intid] != before || now() >= deadline + ticks_from_us(2000000));
	check(fired[intid] == before + 1, sleep, "%u interrupts", fired[intid] - (u32)before);
	irq_disable();
}

static void masked(void)
{
	u64 before = fired[VTIMER], t = now();

	/* PSTATE.I: WFI ends, the handler does not run. */
	vtimer_in(2000);
	while (now() < t + ticks_from_us(2000))
		wfi();
	check_eq(fired[VTIMER], before, "masked: no handler");
	check(wait_for(gic_is_pending(VTIMER), 20000), "masked: pending", "not pending");
	check_eq(read_sysreg(cntv_ctl_el0), 5, "CTL: enabled, condition met");
	/* Level: the pending state goes with the condition. */
	write_sysreg(now() + ticks_from_us(10000000), cntv_cval_el0);
	isb();
	irq_enable();
	wait_for(false, 5);
	irq_disable();
	check_eq(fired[VTIMER], before, "re-armed before it was taken: nothing comes");
	check_eq(read_sysreg(cntv_ctl_el0), 1, "CTL: condition not met");
	/* IMASK: condition without signal. */
	write_sysreg(3, cntv_ctl_el0);
	write_sysreg(now(), cntv_cval_el0);
	irq_enable();
	wait_for(false, 5);
	irq_disable();
	check_eq(fired[VTIMER], before, "IMASK: nothing comes");
	check_eq(read_sysreg(cntv_ctl_el0), 7, "CTL: condition met, masked");
	irq_enable();
	write_sysreg(1, cntv_ctl_el0);
	isb();
	check(wait_for(fired[VTIMER] == before + 1, 20000), "unmasked: it comes", "it does not");
	irq_disable();
	write_sysreg(0, cntv_ctl_el0);
}

static void ordering(void)
{
	nr_order = 0;
	irq_enable();
	ptimer_in(300000);
	vtimer_in(5000);
	wait_for(nr_order >= 2, 20000);
	check(nr_order == 2 && order[0] == VTIMER && order[1] == PTIMER,
	      "virtual before physical", "%u interrupts, first %u", nr_order, order[0]);
	nr_order = 0;
	vtimer_in(300000);
	ptimer_in(5000);
	wait_for(nr_order >= 2, 20000);
	check(nr_order == 2 && order[0] == PTIMER && order[1] == VTIMER,
	      "physical before virtual", "%u interrupts, first %u", nr_order, order[0]);
	irq_disable();
}

static volatile u32 done;

static void worker(void *arg)
{
	u32 i;

	gic_init_cpu();
	gic_enable(VTIMER);
	irq_enable();
	for (i = 0; i < 20; i++) {
		u64 before = this_cpu()->irqs;

		vtimer_in(1000);
		wfi_until(READ_ONCE(this_cpu()->irqs) != before);
	}
	irq_disable();
	__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
}

void payload_main(void)
{
	u64 a, b;
	u32 i;

	irq_handler = on_irq;
	gic_init();
	gic_init_cpu();
	gic_enable(VTIMER);
	gic_enable(PTIMER);
	a = now();
	b = now();
	check(b > a, "the counter moves", "%lx %lx", a, b);
	one(VTIMER, vtimer_in, "virtual timer", "virtual timer ends WFI");
	one(PTIMER, ptimer_in, "physical timer", "physical timer ends WFI");
	masked();
	ordering();
	write_sysreg(-1000, cntv_tval_el0);
	check((s32)read_sysreg(cntv_tval_el0) < 0, "TVAL counts down below zero", "positive");
	for (i = 1; i < nr_cpus; i++)
		cpu_start(i, worker, NULL);
	check(wait_for(done == nr_cpus - 1, 20000), "timers of all CPUs", "%u of %u", done,
	      nr_cpus - 1);
}
