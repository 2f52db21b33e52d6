// SPDX-License-Identifier: GPL-2.0-only
/* More active interrupts than list registers, ended in the other order (Arm IHI 0069, 4.1). */
#include "lib.h"

const char payload_name[] = "gicactive";

#define SPI0	40
#define NR	24

static u32 others[NR];
static volatile bool ready;

/* Deactivates what CPU 0 has taken, without having taken any interrupt itself. */
static void peer(void *arg)
{
	u32 i;

	gic_init_cpu();
	write_sysreg(2, s3_0_c12_c12_4);
	isb();
	for (i = 0; i < NR; i++)
		gic_dir(others[i]);
	__atomic_store_n(&ready, true, __ATOMIC_RELEASE);
	cpu_off();
}

static u32 take_all(u32 *taken)
{
	u32 i, n = 0, intid;

	for (i = 0; i < NR; i++)
		gic_set_pending(SPI0 + i);
	for (i = 0; i < NR; i++) {
		intid = SPURIOUS;
		wait_for((intid = gic_ack()) != SPURIOUS, 20000);
		if (intid == SPURIOUS)
			break;
		taken[n++] = intid;
		gic_eoi(intid);
	}
	return n;
}

static u32 count_active(const u32 *taken, u32 n)
{
	u32 i, active = 0;

	for (i = 0; i < n; i++)
		active += gic_is_active(taken[i]);
	return active;
}

void payload_main(void)
{
	u32 taken[NR], i, n;

	gic_init();
	gic_init_cpu();
	for (i = 0; i < 16; i += 4)
		writel(~0U, GICD_BASE + GICD_ICFGR + 8 + i);
	write_sysreg(2, s3_0_c12_c12_4);	/* EOImode 1 */
	isb();
	check_eq(read_sysreg(s3_0_c12_c12_4) & 3, 2, "ICC_CTLR_EL1: EOImode 1");
	for (i = 0; i < NR; i++) {
		gic_route(SPI0 + i, 0);
		gic_enable(SPI0 + i);
	}
	n = take_all(taken);
	check_eq(n, NR, "twenty-four active at once");
	check_eq(count_active(taken, n), n, "all shown as active");
	for (i = 0; i < n; i++)
		gic_dir(taken[n - 1 - i]);
	check_eq(count_active(taken, n), 0, "all deactivated");
	gic_pmr(0xa8);
	check_eq(read_sysreg(s3_0_c4_c6_0), 0xa8, "ICC_PMR_EL1");
	check_eq(read_sysreg(s3_0_c12_c11_3), 0xff, "ICC_RPR_EL1: idle");
	gic_set_priority(SPI0, 0x50);
	gic_set_pending(SPI0);
	check(wait_for(gic_ack() == SPI0, 20000), "one more", "nothing came");
	check_eq(read_sysreg(s3_0_c12_c11_3), 0x50, "ICC_RPR_EL1: its priority");
	gic_eoi(SPI0);
	check_eq(read_sysreg(s3_0_c12_c11_3), 0xff, "dropped");
	gic_dir(SPI0);
	gic_pmr(0xf0);
	if (nr_cpus < 2)
		return;
	n = take_all(others);
	check_eq(n, NR, "again");
	if (cpu_start(1, peer, NULL))
		fail("peer", "CPU 1 did not start");
	check(wait_for(__atomic_load_n(&ready, __ATOMIC_ACQUIRE), 20000), "deactivated by the other CPU", "not done");
	check_eq(count_active(others, n), 0, "none is active");
	check_eq(take_all(taken), NR, "and all can be taken again");
}
