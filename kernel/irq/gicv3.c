// SPDX-License-Identifier: GPL-2.0-only
/*
 * GICv3 as the host's interrupt controller (IHI0069): distributor, redistributors, CPU interface by system registers,
 * EOImode=1. Everything is Group 1, one priority. Lock: gic_lock (irq-safe): read-modify-write of the distributor.
 */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/mmio.h"
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/dev/platform.h"
#include "kernel/irq/internal.h"
#include "kernel/mm/page.h"
#include "kernel/sched/sched.h"

#define GICD_CTLR		0x0000
#define GICD_TYPER		0x0004
#define GICD_IGROUPR		0x0080
#define GICD_ISENABLER		0x0100
#define GICD_ICENABLER		0x0180
#define GICD_ISPENDR		0x0200
#define GICD_ICPENDR		0x0280
#define GICD_ISACTIVER		0x0300
#define GICD_ICACTIVER		0x0380
#define GICD_IPRIORITYR		0x0400
#define GICD_ICFGR		0x0c00
#define GICD_IROUTER		0x6000
#define GICD_CTLR_RWP		BIT(31)
#define GICR_CTLR		0x0000
#define GICR_TYPER		0x0008
#define GICR_WAKER		0x0014
#define GICR_SGI_FRAME		0x10000
#define TYPER_VLPIS		BIT(1)
#define TYPER_LAST		BIT(4)
#define PRIORITY		0xa0

#define ICC_IAR1		S3_0_C12_C12_0
#define ICC_EOIR1		S3_0_C12_C12_1
#define ICC_HPPIR1		S3_0_C12_C12_2
#define ICC_BPR1		S3_0_C12_C12_3
#define ICC_CTLR		S3_0_C12_C12_4
#define ICC_IGRPEN1		S3_0_C12_C12_7
#define ICC_PMR			S3_0_C4_C6_0
#define ICC_DIR			S3_0_C12_C11_1
#define ICC_SGI1R		S3_0_C12_C11_5

#define read_icc(r)	read_icc_(r)
#define read_icc_(r)	read_sysreg(r)
#define write_icc(v, r)	write_icc_(v, r)
#define write_icc_(v, r) write_sysreg(v, r)

static u64 gicd;
static u64 redist[MAX_CPUS];		/* by CPU id: RD_base */
static unsigned nr_intids;
static spinlock_t gic_lock = SPINLOCK_INIT;

static u32 rd32(u64 a)
{
	return mmio_read32(a);
}

static void wr32(u64 a, u32 v)
{
	mmio_write32(a, v);
}

static void gicd_wait(void)
{
	for (unsigned i = 0; i < 1000000 && (rd32(gicd + GICD_CTLR) & GICD_CTLR_RWP); i++)
		cpu_relax();
}

/* Registers of an INTID's banked or shared frame. */
static u64 frame(u32 intid)
{
	return intid < 32 ? redist[this_cpu()->id] + GICR_SGI_FRAME : gicd;
}

static void redist_claim(u64 rd)
{
	u64 typer = mmio_read64(rd + GICR_TYPER);
	u64 aff = typer >> 32;
	u64 mpidr = (aff & 0xffffff) | (aff >> 24) << 32;

	for (unsigned i = 0; i < platform.ncpus; i++)
		if (platform.mpidr[i] == mpidr)
			redist[i] = rd;
}

static bool redist_map(bool all)
{
	/* Regions have room for CPUs that are not there; mapping them is slow. Two frames, four with virtual LPIs. */
	u64 enough = platform.ncpus * (platform.gicr_stride ? platform.gicr_stride : 0x40000);

	for (unsigned r = 0; r < platform.ngicr; r++) {
		u64 size = all ? platform.gicr[r].size : MIN(platform.gicr[r].size, enough);
		u64 va = (u64)ioremap(PA(platform.gicr[r].start), size);

		if (!va)
			return false;
		for (u64 off = 0; off + 0x20000 <= size;) {
			u64 typer = mmio_read64(va + off + GICR_TYPER);

			redist_claim(va + off);
			if (typer & TYPER_LAST)
				break;
			off += platform.gicr_stride ? platform.gicr_stride : typer & TYPER_VLPIS ? 0x40000 : 0x20000;
		}
	}
	for (unsigned i = 0; i < platform.ncpus; i++)
		if (!redist[i])
			return false;
	return true;
}

bool gic_init(void)
{
	u64 route;

	gicd = (u64)ioremap(PA(platform.gicd), MAX(platform.gicd_size, (u64)0x10000));
	if (!gicd || (!redist_map(false) && !redist_map(true) && !redist[0])) {
		pr_err("gic: no redistributor for the boot CPU\n");
		return false;
	}
	nr_intids = MIN(((rd32(gicd + GICD_TYPER) & 0x1f) + 1) * 32, 1020U);
	wr32(gicd + GICD_CTLR, 0);
	gicd_wait();
	wr32(gicd + GICD_CTLR, BIT(4));			/* affinity routing, before anything that depends on it */
	gicd_wait();
	route = cpus[0]->mpidr;
	for (u32 i = 32; i < nr_intids; i += 32) {
		wr32(gicd + GICD_ICENABLER + i / 8, ~0U);
		wr32(gicd + GICD_ICACTIVER + i / 8, ~0U);
		wr32(gicd + GICD_ICPENDR + i / 8, ~0U);
		wr32(gicd + GICD_IGROUPR + i / 8, ~0U);
	}
	for (u32 i = 32; i < nr_intids; i += 4)
		wr32(gicd + GICD_IPRIORITYR + i, PRIORITY * 0x01010101U);
	for (u32 i = 32; i < nr_intids; i++)
		mmio_write64(gicd + GICD_IROUTER + 8 * i, route);
	wr32(gicd + GICD_CTLR, BIT(4) | BIT(1) | BIT(0));
	gicd_wait();
	pr_info("gic: GICv3, %u interrupts\n", nr_intids);
	return true;
}

void gic_init_this(void)
{
	u64 rd = redist[this_cpu()->id], sgi = rd + GICR_SGI_FRAME;

	if (!rd)
		panic("no redistributor for CPU %u (MPIDR %#lx)", this_cpu()->id, (unsigned long)this_cpu()->mpidr);
	wr32(rd + GICR_WAKER, rd32(rd + GICR_WAKER) & ~2U);
	for (unsigned i = 0; i < 1000000 && (rd32(rd + GICR_WAKER) & 4); i++)
		cpu_relax();
	wr32(sgi + GICD_ICENABLER, ~0U);
	wr32(sgi + GICD_ICACTIVER, ~0U);
	wr32(sgi + GICD_ICPENDR, ~0U);
	wr32(sgi + GICD_IGROUPR, ~0U);
	for (u32 i = 0; i < 32; i += 4)
		wr32(sgi + GICD_IPRIORITYR + i, PRIORITY * 0x01010101U);
	dsb(sy);
	write_icc(0xf0, ICC_PMR);
	write_icc(0, ICC_BPR1);
	write_icc(BIT(1), ICC_CTLR);			/* EOImode: EOI drops the priority only */
	write_icc(1, ICC_IGRPEN1);
	isb();
}

void gic_set_edge(u32 intid, bool edge)
{
	u64 reg = frame(intid) + GICD_ICFGR + intid / 16 * 4, flags;
	u32 bit = 2U << intid % 16 * 2;

	if (intid >= nr_intids)
		return;
	flags = spin_lock_irqsave(&gic_lock);
	wr32(reg, edge ? rd32(reg) | bit : rd32(reg) & ~bit);
	spin_unlock_irqrestore(&gic_lock, flags);
}

void irq_enable(u32 intid)
{
	if (intid < nr_intids)
		wr32(frame(intid) + GICD_ISENABLER + intid / 32 * 4, BIT(intid % 32));
}

void irq_disable(u32 intid)
{
	if (intid >= nr_intids)
		return;
	wr32(frame(intid) + GICD_ICENABLER + intid / 32 * 4, BIT(intid % 32));
	dsb(sy);
}

void irq_ppi_set_active(u32 intid, bool active)
{
	if (intid < 32)
		wr32(frame(intid) + (active ? GICD_ISACTIVER : GICD_ICACTIVER), BIT(intid));
}

u32 irq_next(void)
{
	return read_icc(ICC_HPPIR1) & 0xffffff;
}

static void priority_drop(u32 intid)
{
	dsb(sy);
	write_icc(intid, ICC_EOIR1);
	isb();
	this_cpu()->irq_count++;
}

static void irq_handle_one(u32 intid)
{
	priority_drop(intid);
	if (irq_handle(intid) == IRQ_DONE)
		write_icc(intid, ICC_DIR);
}

bool irq_take(u32 intid)
{
	struct thread *t = current_thread;
	u32 got = read_icc(ICC_IAR1) & 0xffffff;

	if (likely(got == intid)) {
		priority_drop(intid);
		return true;
	}
	if (got < 1020) {
		rcu_user_exit();
		t->preempt_count += IRQ_COUNT;
		irq_handle_one(got);
		t->preempt_count -= IRQ_COUNT;
		rcu_user_enter();
	}
	return false;
}

void irq_finish(u32 intid)
{
	write_icc(intid, ICC_DIR);
}

void irq_dispatch(void)
{
	struct thread *t = current_thread;

	t->preempt_count += IRQ_COUNT;
	for (;;) {
		u32 intid = read_icc(ICC_IAR1) & 0xffffff;

		if (intid >= 1020)
			break;
		irq_handle_one(intid);
	}
	t->preempt_count -= IRQ_COUNT;
	if (!t->preempt_count)
		rcu_note_quiescent();
}

void gic_send_sgi(u64 mpidr, u32 sgi)
{
	u64 aff0 = MPIDR_AFF(mpidr, 0);

	dsb(ishst);
	write_icc(MPIDR_AFF(mpidr, 3) << 48 | (aff0 >> 4) << 44 | MPIDR_AFF(mpidr, 2) << 32 | (u64)sgi << 24 |
		  MPIDR_AFF(mpidr, 1) << 16 | BIT(aff0 & 15), ICC_SGI1R);
	isb();
}

void gic_send_sgi_others(u32 sgi)
{
	dsb(ishst);
	write_icc(BIT(40) | (u64)sgi << 24, ICC_SGI1R);
	isb();
}
