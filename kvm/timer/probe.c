// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether the counters' offsets work as the manual says. CNTPOFF_EL2 does nothing where SCR_EL3.ECVEn is clear, and firmware
 * may have left it so (QEMU 10 without EL3 behaves that way). QEMU 10 also drops an event whose CVAL + offset goes
 * beyond 2^64, which is every event of a VM whose counter is ahead of the machine's. Once at start, interrupts off.
 * Arm ARM D12.2, D24.10.
 */
#include "kernel/cpu/sysreg.h"
#include "kernel/sched/timer.h"
#include "kvm/timer/timer.h"
#include "kvm/timer/timer_hw.h"

#define HCR_TGE		BIT(27)
#define PROBE_US	20

bool timer_probe_poff(void)
{
	u64 hcr = read_sysreg(hcr_el2), hctl = read_sysreg(cnthctl_el2), now = counter_read();
	bool works;

	write_sysreg(now / 2, CNTPOFF_EL2);
	write_sysreg(hctl | CNTHCTL_ECV, cnthctl_el2);
	write_sysreg(hcr & ~HCR_TGE, hcr_el2);
	isb();
	/* The counter less its offset is half of now: not there yet. */
	write_sysreg(now - now / 4, CNTP_CVAL_EL02);
	write_sysreg(CTL_ENABLE | CTL_IMASK, CNTP_CTL_EL02);
	isb();
	works = !(read_sysreg(CNTP_CTL_EL02) & CTL_ISTATUS);
	write_sysreg(0, CNTP_CTL_EL02);
	write_sysreg(hcr, hcr_el2);
	write_sysreg(hctl, cnthctl_el2);
	write_sysreg(0, CNTPOFF_EL2);
	isb();
	return works;
}

/* An event in the future: false if it was over before the timer was set up. */
static bool wrap_arm(u64 ticks)
{
	u64 now = counter_read();

	write_sysreg(now + BIT(63), cntvoff_el2);
	write_sysreg(ticks - BIT(63), CNTV_CVAL_EL02);
	isb();
	write_sysreg(CTL_ENABLE | CTL_IMASK, CNTV_CTL_EL02);
	isb();
	return !(read_sysreg(CNTV_CTL_EL02) & CTL_ISTATUS);
}

bool timer_probe_wrap(void)
{
	u64 ticks = counter_hz * PROBE_US / 1000000, start;
	unsigned tries = 8;
	bool works;

	while (!wrap_arm(ticks) && --tries) {
		write_sysreg(0, CNTV_CTL_EL02);
		ticks *= 2;
	}
	start = counter_read();
	do {
		isb();
		works = read_sysreg(CNTV_CTL_EL02) & CTL_ISTATUS;
	} while (!works && counter_read() - start < 5 * ticks);
	write_sysreg(0, CNTV_CTL_EL02);
	write_sysreg(0, cntvoff_el2);
	isb();
	return works;
}
