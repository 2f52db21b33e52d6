// SPDX-License-Identifier: GPL-2.0-only
/* GICv3 (Arm IHI 0069): SGI, PPI and SPI, priorities, active state, overflow of list registers. */
#include "lib.h"

const char payload_name[] = "gic";

#define MAX_ORDER	128
#define SPI0		40		/* nestvm has no device there */

static volatile u32 seen[256];
static volatile u32 order[MAX_ORDER], nr_order;
static volatile u32 sgis[MAX_CPUS];
static volatile bool quit;
static volatile u32 ready;

static void on_irq(u32 intid)
{
	if (this_cpu()->index == 0) {
		seen[intid % 256]++;
		if (nr_order < MAX_ORDER)
			order[nr_order++] = intid;
	} else {
		__atomic_or_fetch(&sgis[this_cpu()->index], 1U << intid % 32, __ATOMIC_SEQ_CST);
		gic_send_sgi(0, intid);
	}
}

static void forget(void)
{
	u32 i;

	nr_order = 0;
	for (i = 0; i < 256; i++)
		seen[i] = 0;
}

static void peer(void *arg)
{
	u32 i;

	gic_init_cpu();
	for (i = 0; i < 16; i++)
		gic_enable(i);
	gic_enable(SPI0 + 1);
	irq_enable();
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	wfi_until(quit);
	irq_disable();
}

static void own_sgis(void)
{
	u32 i, good = 0;

	irq_enable();
	for (i = 0; i < 16; i++) {
		gic_enable(i);
		gic_send_sgi(0, i);
		good += wait_for(seen[i] == 1, 20000);
	}
	irq_disable();
	check_eq(good, 16, "all SGIs to ourselves");
}

/* Pending after a write of one of the registers that raise SGIs to ourselves? */
static bool raised(u32 id, bool by_group1)
{
	bool pending;

	if (by_group1)
		gic_send_sgi(0, id);
	else
		write_sysreg((u64)id << 24 | 1, s3_0_c12_c11_7);	/* ICC_SGI0R_EL1 */
	isb();
	pending = readl(gic_frame(id) + GICD_ISPENDR) >> id & 1;
	writel(1U << id, gic_frame(id) + GICD_ICPENDR);
	return pending;
}

static void sgi_groups(void)
{
	u64 groups = gic_frame(3) + GICD_IGROUPR;

	gic_disable(3);
	check_eq(raised(3, true), true, "ICC_SGI1R_EL1, group 1");
	check_eq(raised(3, false), false, "ICC_SGI0R_EL1, group 1");
	writel(readl(groups) & ~8U, groups);
	check_eq(raised(3, true), true, "ICC_SGI1R_EL1, group 0");
	check_eq(raised(3, false), true, "ICC_SGI0R_EL1, group 0");
	writel(readl(groups) | 8U, groups);
	gic_enable(3);
}

static void peer_sgis(void)
{
	u32 cpu, i, good = 0;

	for (cpu = 1; cpu < nr_cpus; cpu++)
		if (cpu_start(cpu, peer, NULL))
			fail("peer", "CPU %u did not start", cpu);
	wait_for(ready == nr_cpus - 1, 20000);
	irq_enable();
	for (cpu = 1; cpu < nr_cpus; cpu++)
		for (i = 0; i < 16; i++) {
			u32 before = seen[i];

			gic_send_sgi(cpu, i);
			good += wait_for(seen[i] != before, 20000);
		}
	irq_disable();
	check_eq(good, 16 * (nr_cpus - 1), "SGIs to other CPUs and back");
	for (cpu = 1; cpu < nr_cpus; cpu++)
		if (sgis[cpu] != 0xffff)
			fail("SGIs of a CPU", "CPU %u saw %x", cpu, sgis[cpu]);
	if (nr_cpus < 2)
		return;
	/* To all but ourselves. */
	for (cpu = 1; cpu < nr_cpus; cpu++)
		sgis[cpu] = 0;
	write_sysreg(1UL << 40 | 5UL << 24, s3_0_c12_c11_5);
	isb();
	for (cpu = 1; cpu < nr_cpus; cpu++)
		check(wait_for(sgis[cpu] == 1 << 5, 20000), "broadcast SGI", "CPU %u: %x", cpu, sgis[cpu]);
	/* An SPI routed there. */
	gic_route(SPI0 + 1, 1);
	gic_enable(SPI0 + 1);
	sgis[1] = 0;
	gic_set_pending(SPI0 + 1);
	check(wait_for(sgis[1] == 1U << (SPI0 + 1) % 32, 20000), "SPI routed to CPU 1", "%x", sgis[1]);
	quit = true;
	for (cpu = 1; cpu < nr_cpus; cpu++) {
		gic_send_sgi(cpu, 0);
		cpu_wait_off(cpu);
	}
	gic_disable(SPI0 + 1);
	/* What the peers sent back meanwhile. */
	irq_enable();
	wait_for(false, 5);
	irq_disable();
}

static void spi_and_ppi(void)
{
	forget();
	gic_route(SPI0, 0);
	gic_set_pending(SPI0);
	check(gic_is_pending(SPI0), "SPI pending by software", "not");
	irq_enable();
	wait_for(false, 2);
	check_eq(seen[SPI0], 0, "not enabled: not taken");
	gic_enable(SPI0);
	check(wait_for(seen[SPI0] == 1, 20000), "enabled: taken", "%u times", seen[SPI0]);
	check(!gic_is_pending(SPI0), "no longer pending", "it is");
	gic_enable(23);
	gic_set_pending(23);
	check(wait_for(seen[23] == 1, 20000), "PPI pending by software", "%u times", seen[23]);
	irq_disable();
	gic_set_pending(SPI0);
	gic_clear_pending(SPI0);
	irq_enable();
	wait_for(false, 2);
	irq_disable();
	check_eq(seen[SPI0], 1, "cleared before it was taken");
}

static void priorities(void)
{
	u32 i;

	/* Sixteen at once, the last with the highest priority: more than list registers. */
	forget();
	for (i = 0; i < 16; i++) {
		gic_route(SPI0 + i, 0);
		gic_set_priority(SPI0 + i, 0xa0 - 8 * i);
		gic_enable(SPI0 + i);
		gic_set_pending(SPI0 + i);
	}
	irq_enable();
	check(wait_for(nr_order == 16, 20000), "sixteen pending SPIs", "%u came", nr_order);
	irq_disable();
	for (i = 0; i < nr_order; i++)
		if (order[i] != SPI0 + 15 - i)
			break;
	check_eq(i, 16, "in order of priority");

	forget();
	gic_pmr(0x50);
	gic_set_priority(SPI0, 0x60);
	gic_set_pending(SPI0);
	irq_enable();
	wait_for(false, 2);
	check_eq(seen[SPI0], 0, "below the priority mask");
	gic_pmr(0x70);
	check(wait_for(seen[SPI0] == 1, 20000), "above the mask", "%u times", seen[SPI0]);
	irq_disable();
	gic_pmr(0xf0);
}

/* Linux before 6.19 cannot have more active than list registers: see README.md. */
static void active_state(u32 nr_active)
{
	u32 intid, i, n = 0;
	u32 taken[16];

	for (i = 0; i < 16; i++)
		gic_set_priority(SPI0 + i, 0x80);
	/* EOImode 1: priority drop and deactivation apart. */
	write_sysreg(2, s3_0_c12_c12_4);
	isb();
	for (i = 0; i < nr_active; i++)
		gic_set_pending(SPI0 + i);
	for (i = 0; i < nr_active; i++) {
		intid = SPURIOUS;
		wait_for((intid = gic_ack()) != SPURIOUS, 20000);
		if (intid == SPURIOUS)
			break;
		taken[n++] = intid;
		gic_eoi(intid);
	}
	check_eq(n, nr_active, "many active at once");
	for (i = 0, intid = 0; i < n; i++)
		intid += gic_is_active(taken[i]);
	check_eq(intid, n, "GICD_ISACTIVER shows them");
	gic_set_pending(SPI0);
	check_eq(gic_ack(), SPURIOUS, "pending while active: not taken");
	check(gic_is_pending(SPI0) && gic_is_active(SPI0), "active and pending", "not both");
	for (i = 0; i < n; i++)
		gic_dir(taken[n - 1 - i]);
	for (i = 0, intid = 0; i < n; i++)
		intid += gic_is_active(taken[i]);
	check_eq(intid, 0, "deactivated");
	check(wait_for((intid = gic_ack()) == SPI0, 20000), "and taken again", "%u", intid);
	gic_eoi(intid);
	gic_dir(intid);
	write_sysreg(0, s3_0_c12_c12_4);
	isb();
	check_eq(gic_ack(), SPURIOUS, "nothing left");
}

static void registers(void)
{
	u32 typer = readl(GICD_BASE + GICD_TYPER);
	u64 rd = GICR_BASE, i, last = 0;

	check_eq((typer & 0x1f) + 1, 4, "GICD_TYPER: 128 interrupts");
	check_eq(readl(GICD_BASE + 0x4000), 0, "reserved offset reads as 0");
	writel(~0U, GICD_BASE + 0x4000);
	check_eq(readl(GICD_BASE + 0x4000), 0, "and ignores writes");
	check_eq(readl(GICD_BASE + GICD_ISENABLER), 0, "GICD's copy for SGIs is RAZ");
	check_eq(readl(GICD_BASE + GICD_ISENABLER + 4 * 16), 0, "beyond the last interrupt");
	for (i = 0; i < nr_cpus; i++) {
		last = readq(rd + i * GICR_STRIDE + GICR_TYPER);
		if ((last >> 8 & 0xffff) != i || (last >> 4 & 1) != (i == nr_cpus - 1))
			fail("GICR_TYPER", "CPU %lu: %lx", i, last);
	}
	check_eq(last >> 4 & 1, 1, "GICR_TYPER: Last");
	gic_set_priority(SPI0, 0xff);
	check_eq(gic_get_priority(SPI0), 0xf8, "five bits of priority");
	gic_set_priority(SPI0, 0xa0);
	writel(0, GICD_BASE + GICD_ICFGR + SPI0 / 16 * 4);
	check_eq(readl(GICD_BASE + GICD_ICFGR + SPI0 / 16 * 4), 0, "ICFGR: level");
	writel(~0U, GICD_BASE + GICD_ICFGR + SPI0 / 16 * 4);
	check_eq(readl(GICD_BASE + GICD_ICFGR + SPI0 / 16 * 4), 0xaaaaaaaa, "ICFGR: edge");
	writel(1U << SPI0 % 32, GICD_BASE + GICD_ISENABLER + SPI0 / 32 * 4);
	check_eq(readl(GICD_BASE + GICD_ICENABLER + SPI0 / 32 * 4) >> SPI0 % 32 & 1, 1,
		 "ICENABLER reads as ISENABLER");
	gic_disable(SPI0);
	check_eq(read_sysreg(s3_0_c12_c12_2), SPURIOUS, "HPPIR: nothing");
}

void payload_main(void)
{
	irq_handler = on_irq;
	gic_init();
	gic_init_cpu();
	registers();
	writel(~0U, GICD_BASE + GICD_ICFGR + 8);
	writel(~0U, GICD_BASE + GICD_ICFGR + 12);
	own_sgis();
	sgi_groups();
	spi_and_ppi();
	priorities();
	active_state(4);
	peer_sgis();
}
