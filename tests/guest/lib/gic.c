// SPDX-License-Identifier: GPL-2.0-only
/* GICv3 for the payloads (Arm IHI 0069). No locks: callers share nothing. */
#include "lib.h"

u64 gic_frame(u32 intid)
{
	if (intid >= 32)
		return GICD_BASE;
	return GICR_BASE + this_cpu()->index * GICR_STRIDE + GICR_SGI;
}

void gic_init(void)
{
	u32 lines = ((readl(GICD_BASE + GICD_TYPER) & 0x1f) + 1) * 32;
	u32 i;

	writel(0, GICD_BASE + GICD_CTLR);
	for (i = 32; i < lines; i += 32) {
		writel(~0U, GICD_BASE + GICD_ICENABLER + i / 8);
		writel(~0U, GICD_BASE + GICD_ICPENDR + i / 8);
		writel(~0U, GICD_BASE + GICD_ICACTIVER + i / 8);
		writel(~0U, GICD_BASE + GICD_IGROUPR + i / 8);
	}
	for (i = 32; i < lines; i++)
		writeb(0xa0, GICD_BASE + GICD_IPRIORITYR + i);
	writel(0x12, GICD_BASE + GICD_CTLR);	/* ARE, group 1 */
}

void gic_init_cpu(void)
{
	u64 rd = GICR_BASE + this_cpu()->index * GICR_STRIDE;
	u64 sgi = rd + GICR_SGI;
	u32 i;

	writel(readl(rd + GICR_WAKER) & ~2U, rd + GICR_WAKER);
	while (readl(rd + GICR_WAKER) & 4)
		yield();
	writel(~0U, sgi + GICD_ICENABLER);
	writel(~0U, sgi + GICD_ICPENDR);
	writel(~0U, sgi + GICD_ICACTIVER);
	writel(~0U, sgi + GICD_IGROUPR);
	for (i = 0; i < 32; i++)
		writeb(0xa0, sgi + GICD_IPRIORITYR + i);
	write_sysreg(read_sysreg(s3_0_c12_c12_5) | 1, s3_0_c12_c12_5);	/* ICC_SRE_EL1 */
	isb();
	write_sysreg(0, s3_0_c12_c12_4);	/* ICC_CTLR_EL1: EOI also deactivates */
	write_sysreg(0, s3_0_c12_c12_3);	/* ICC_BPR1_EL1 */
	gic_pmr(0xf0);
	write_sysreg(1, s3_0_c12_c12_7);	/* ICC_IGRPEN1_EL1 */
	isb();
}

static void set_bit(u32 intid, u32 reg)
{
	writel(1U << intid % 32, gic_frame(intid) + reg + intid / 32 * 4);
}

static bool get_bit(u32 intid, u32 reg)
{
	return readl(gic_frame(intid) + reg + intid / 32 * 4) >> intid % 32 & 1;
}

void gic_enable(u32 intid)
{
	set_bit(intid, GICD_ISENABLER);
}

void gic_disable(u32 intid)
{
	set_bit(intid, GICD_ICENABLER);
}

void gic_set_pending(u32 intid)
{
	set_bit(intid, GICD_ISPENDR);
}

void gic_clear_pending(u32 intid)
{
	set_bit(intid, GICD_ICPENDR);
}

bool gic_is_pending(u32 intid)
{
	return get_bit(intid, GICD_ISPENDR);
}

bool gic_is_active(u32 intid)
{
	return get_bit(intid, GICD_ISACTIVER);
}

void gic_set_priority(u32 intid, u8 prio)
{
	writeb(prio, gic_frame(intid) + GICD_IPRIORITYR + intid);
}

u8 gic_get_priority(u32 intid)
{
	return readb(gic_frame(intid) + GICD_IPRIORITYR + intid);
}

void gic_route(u32 spi, unsigned int cpu)
{
	writeq(cpus[cpu].mpidr, GICD_BASE + GICD_IROUTER + 8 * spi);
}

void gic_send_sgi(unsigned int cpu, u32 id)
{
	u64 m = cpus[cpu].mpidr;
	u64 v = 1UL << (m & 0xf) | ((m >> 8) & 0xff) << 16 | (u64)id << 24 |
		((m >> 16) & 0xff) << 32 | ((m >> 4) & 0xf) << 44 | (m >> 32 & 0xff) << 48;

	dsb(ishst);
	write_sysreg(v, s3_0_c12_c11_5);	/* ICC_SGI1R_EL1 */
	isb();
}
