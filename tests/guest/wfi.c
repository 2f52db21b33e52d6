// SPDX-License-Identifier: GPL-2.0-only
/*
 * WFI with a timer that expires at any moment of the way to sleep: while the vCPU leaves the guest, while its thread
 * queues itself, after it is gone. Each must end the wait; interrupts stay masked, so nothing but the timer does.
 */
#include "lib.h"

const char payload_name[] = "wfi";

#define ROUNDS 400
#define VTIMER 27
#define PTIMER 30

static volatile u32 done;
static volatile u32 at[MAX_CPUS];

static void sleep_virtual(u64 ticks)
{
	write_sysreg(now() + ticks, cntv_cval_el0);
	write_sysreg(1, cntv_ctl_el0);
	isb();
	while (!(read_sysreg(cntv_ctl_el0) & 4))
		wfi();
	write_sysreg(0, cntv_ctl_el0);
}

static void sleep_physical(u64 ticks)
{
	write_sysreg(read_sysreg(cntpct_el0) + ticks, cntp_cval_el0);
	write_sysreg(1, cntp_ctl_el0);
	isb();
	while (!(read_sysreg(cntp_ctl_el0) & 4))
		wfi();
	write_sysreg(0, cntp_ctl_el0);
}

static void run(void *arg)
{
	u32 me = this_cpu()->index, i, seed = me * 7919 + 1;

	gic_init_cpu();
	gic_enable(VTIMER);
	gic_enable(PTIMER);
	for (i = 0; i < ROUNDS; i++) {
		u64 ticks;

		at[me] = i;
		seed = seed * 1103515245 + 12345;
		ticks = ticks_from_us(1) * (seed >> 16 & 0xff) / 2;
		if (seed & 1U << 30)
			sleep_physical(ticks);
		else
			sleep_virtual(ticks);
	}
	__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
}

static volatile u32 about_to_sleep;

static void wake(void *arg)
{
	gic_init_cpu();
	while (!READ_ONCE(about_to_sleep))
		yield();
	gic_send_sgi(0, 3);
}

/* An interrupt of a group that the CPU interface has off ends PSCI's suspend: Linux leaves it so. */
static void suspended(void)
{
	u64 frame = gic_frame(3);

	gic_init_cpu();
	gic_enable(3);
	write_sysreg(0, s3_0_c12_c12_7);	/* ICC_IGRPEN1_EL1 */
	isb();
	if (cpu_start(1, wake, NULL))
		fail("start", "CPU 1");
	WRITE_ONCE(about_to_sleep, 1);
	while (!(readl(frame + 0x200) & 1U << 3))	/* GICR_ISPENDR0: it may end for nothing */
		smccc(PSCI_CPU_SUSPEND64, 0, 0, 0);
	ok("CPU_SUSPEND ends by an interrupt of a group that is off");
	gic_clear_pending(3);
	write_sysreg(1, s3_0_c12_c12_7);
	cpu_wait_off(1);
}

void payload_main(void)
{
	u32 i;

	gic_init();
	suspended();
	for (i = 1; i < nr_cpus; i++)
		if (cpu_start(i, run, NULL))
			fail("start", "CPU %u", i);
	run(NULL);
	check(wait_for(done == nr_cpus, 30000), "every wait ends", "%u of %u CPUs", done, nr_cpus);
	for (i = 0; i < nr_cpus; i++)
		check(at[i] == ROUNDS - 1, "all rounds of a CPU", "CPU %u stopped at %u", i, at[i]);
}
