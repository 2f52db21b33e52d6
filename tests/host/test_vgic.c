// SPDX-License-Identifier: GPL-2.0-only
// link: kvm/vgic/model.c kvm/vgic/model_lr.c kvm/vgic/claim.c kvm/vgic/lpi.c kvm/vgic/mmio.c kvm/vgic/dist.c kvm/vgic/redist.c kvm/vgic/its.c kvm/vgic/its_mmio.c kvm/vgic/its_table.c kernel/lib/tree.c
/* The vGIC's model against a CPU interface in C: single cases, then random guests and devices for which nothing may get lost. */
#include <errno.h>

#include "tests/host/vgic_sim.h"

#define SPI0	VGIC_PRIVATE

static u64 rng = 88172645463325252UL;

static unsigned rnd(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng % n;
}

static void spi_on(u32 intid, bool edge, u8 prio)
{
	u32 cfg = dist_rd(0xc00 + intid / 16 * 4), bit = 2U << (intid % 16 * 2);
	struct vgic_access a = { .d = &dist, .self = &pes[0], .len = 1 };

	dist_wr(0xc00 + intid / 16 * 4, edge ? cfg | bit : cfg & ~bit);
	dist_wr(0x100 + intid / 32 * 4, 1U << intid % 32);
	vgic_mmio_write(VGIC_GICD, 0x400 + intid, &a, prio);
}

static void test_registers(void)
{
	struct vgic_access a = { .d = &dist, .p = &pes[1], .self = &pes[1], .len = 8 };
	struct vgic_access r = { .d = &dist, .self = &pes[0], .len = 8 };

	sim_init();
	assert(dist_rd(0) == 0x53);				/* DS, ARE, both groups */
	assert((dist_rd(4) & 0x1f) == (32 + SIM_SPIS) / 32 - 1);
	assert(dist_rd(8) == 0x4b00343b);
	assert(dist_rd(0xffe8) == 0x3b);
	assert(dist_rd(0x100) == 0);				/* private ones are not here */
	assert(sgi_rd(&pes[0], 0x100) == 0xffff);
	assert(sgi_rd(&pes[0], 0xc00) == 0xaaaaaaaa);
	sgi_wr(&pes[0], 0xc04, 0xffffffff);
	assert(sgi_rd(&pes[0], 0xc04) == 0);
	sgi_wr(&pes[0], 0x400, 0xffffffff);
	assert(sgi_rd(&pes[0], 0x400) == 0xf8f8f8f8);
	assert(vgic_mmio_read(VGIC_GICR_RD, 8, &a) == (1UL << 32 | 1 << 8));
	a.len = 4;
	assert(vgic_mmio_read(VGIC_GICR_RD, 12, &a) == 1);
	assert(vgic_mmio_read(VGIC_GICR_RD, 0x14, &a) == 0);
	vgic_mmio_write(VGIC_GICD, 0x6000 + SPI0 * 8, &r, 2);
	assert(dist.target[SPI0] == 2 && vgic_mmio_read(VGIC_GICD, 0x6000 + SPI0 * 8, &r) == 2);
	vgic_mmio_write(VGIC_GICD, 0x6000 + SPI0 * 8, &r, 77);
	assert(dist.target[SPI0] == VGIC_NONE);
	/* Wrong widths, unaligned, reserved, beyond the last: nothing. */
	r.len = 2;
	assert(vgic_mmio_read(VGIC_GICD, 8, &r) == 0);
	r.len = 4;
	assert(vgic_mmio_read(VGIC_GICD, 9, &r) == 0);
	assert(vgic_mmio_read(VGIC_GICD, 0xc000, &r) == 0);
	dist_wr(0x100 + (32 + SIM_SPIS) / 32 * 4, ~0U);
	assert(dist_rd(0x100 + (32 + SIM_SPIS) / 32 * 4) == 0);
	sim_check();
}

static void test_user(void)
{
	struct vgic_access a = { .d = &dist };
	u32 val = 0x4b00243b;

	sim_init();
	assert(vgic_user_access(VGIC_GICD, 8, &a, &val, true) == 0 && dist.revision == 2);
	val = 0x4b00143b;
	assert(vgic_user_access(VGIC_GICD, 8, &a, &val, true) == -EINVAL);
	assert(vgic_user_access(VGIC_GICD, 0x2000, &a, &val, false) == 0 && !val && !vgic_user_has(VGIC_GICD, 0x2000, &dist));
	assert(!vgic_user_has(VGIC_GICD, 0x10000, &dist) && !vgic_user_has(VGIC_GICD, 0x114, &dist));
	assert(!vgic_user_has(VGIC_GICD, 0x401, &dist) && vgic_user_has(VGIC_GICD, 0x10c, &dist));
	/* ISPENDR is the latch alone; LEVEL_INFO the lines. */
	vgic_model_inject(&dist, NULL, SPI0, true);
	val = 1;
	assert(vgic_user_access(VGIC_GICD, 0x204, &a, &val, false) == 0 && val == 0);
	assert(dist_rd(0x204) == 1 && vgic_levels_get(&dist, &pes[0], 32) == 1);
	val = 6;
	assert(vgic_user_access(VGIC_GICD, 0x204, &a, &val, true) == 0 && dist_rd(0x204) == 7);
	vgic_levels_set(&dist, &pes[0], 32, 8);
	assert(dist_rd(0x204) == 0xe);
	sim_check();
}

static void test_edge(void)
{
	struct vgic_pe *p = &pes[0];

	sim_init();
	spi_on(SPI0, true, 0xa0);
	assert(!vgic_model_has_pending(p) && !p->summary);
	assert(vgic_model_inject(&dist, NULL, SPI0, true) == 0 && vgic_model_has_pending(p) && sim[0].kicked);
	sim_enter(p);
	assert(sim_ack(p) == SPI0);
	vgic_model_inject(&dist, NULL, SPI0, true);		/* again, while active */
	assert(sim_must_exit(p));
	sim_exit(p);
	sim_check();
	sim_enter(p);
	assert(sim_ack(p) == 1023);				/* not before it is done */
	sim_eoi(p);
	assert(sim_ack(p) == SPI0);
	sim_eoi(p);
	sim_exit(p);
	assert(!p->summary && !vgic_model_has_pending(p));
	assert(vgic_model_inject(&dist, NULL, 32 + SIM_SPIS, true) == -EINVAL);
	sim_check();
}

static void test_level(void)
{
	struct vgic_pe *p = &pes[0];

	sim_init();
	spi_on(SPI0, false, 0xa0);
	vgic_model_inject(&dist, NULL, SPI0, true);
	sim_enter(p);
	assert(sim_ack(p) == SPI0);
	sim_eoi(p);
	assert(sim_must_exit(p));				/* look at the line again */
	sim_exit(p);
	assert(acked[SPI0] == 1 && vgic_model_has_pending(p));
	sim_enter(p);
	assert(sim_ack(p) == SPI0);
	vgic_model_inject(&dist, NULL, SPI0, false);
	sim_eoi(p);
	sim_exit(p);
	assert(!p->summary);
	/* A software-pended level interrupt is taken once. */
	dist_wr(0x204, 1);
	sim_enter(p);
	assert(sim_ack(p) == SPI0);
	sim_eoi(p);
	sim_exit(p);
	assert(!p->summary);
	/* Pended, not taken: still pending; cleared while in a list register: gone. */
	dist_wr(0x204, 1);
	sim_enter(p);
	sim_exit(p);
	assert(vgic_model_has_pending(p));
	sim_enter(p);
	dist_wr(0x284, 1);
	assert(sim_must_exit(p));
	sim_exit(p);
	assert(!p->summary);
	sim_check();
}

/* Deeper nesting than there are list registers: EOIs that no register sees are counted, in the order of priorities. */
/* An interrupt that an SDEI event has: never taken, nothing to be seen of it, its input reported. */
static void test_claim(void)
{
	struct vgic_pe *p = &pes[0];

	sim_init();
	spi_on(SPI0, true, 0xa0);
	vgic_model_inject(&dist, NULL, SPI0, true);
	sim_enter(p);
	assert(vgic_claim(&dist, NULL, SPI0, false) == -EAGAIN);
	assert(sim_ack(p) == SPI0);
	sim_exit(p);
	assert(vgic_claim(&dist, NULL, SPI0, false) == -EBUSY);
	sim_enter(p);
	sim_eoi(p);
	sim_exit(p);
	assert(!vgic_claim(&dist, NULL, SPI0, false));
	assert(!(dist_rd(0x104) & 1) && !vgic_claim_pending(&dist, NULL, SPI0, false));
	dist_wr(0x104, ~0U);					/* enable, set pending: ignored for this one */
	dist_wr(0x204, 1);
	assert(!(dist_rd(0x104) & 1) && (dist_rd(0x104) & 2) && !(dist_rd(0x204) & 1));
	sim_claimed = 0;
	vgic_model_inject(&dist, NULL, SPI0, true);
	assert(sim_claimed == 1 && !p->summary && vgic_claim_pending(&dist, NULL, SPI0, false));
	vgic_claim_begin(&dist, NULL, SPI0);
	assert(!vgic_claim_pending(&dist, NULL, SPI0, false));
	vgic_unclaim(&dist, NULL, SPI0, false);
	vgic_model_inject(&dist, NULL, SPI0, true);
	assert(sim_claimed == 1 && !p->summary);		/* comes back disabled */
	dist_wr(0x104, 1);
	sim_enter(p);
	assert(sim_ack(p) == SPI0);
	sim_eoi(p);
	sim_exit(p);
	sim_check();
}

static void test_overflow(void)
{
	struct vgic_pe *p = &pes[0];
	unsigned i, n = SIM_LRS * 3;

	sim_init();
	for (i = 0; i < n; i++) {
		spi_on(SPI0 + i, i & 1, 0xf0 - i * 8);
		vgic_model_inject(&dist, NULL, SPI0 + i, true);
		sim_enter(p);
		assert(sim_ack(p) == (int)(SPI0 + i));
		vgic_model_inject(&dist, NULL, SPI0 + i, false);
		sim_exit(p);
		sim_check();
	}
	sim_enter(p);
	assert(p->hcr & HCR_ICH_LRENPIE);
	while (sim[0].depth) {
		sim_eoi(p);
		if (sim_must_exit(p)) {
			sim_exit(p);
			sim_check();
			sim_enter(p);
		}
	}
	sim_exit(p);
	assert(!p->summary);
	for (i = 0; i < n; i += 2)
		assert(acked[SPI0 + i] == 1);
	/* More pending than registers: all are taken, the highest priority first. */
	for (i = 0; i < n; i++)
		vgic_model_inject(&dist, NULL, SPI0 + i, true);
	for (i = n; i--;) {
		sim_enter(p);
		assert(sim_ack(p) == (int)(SPI0 + i));
		vgic_model_inject(&dist, NULL, SPI0 + i, false);
		sim_eoi(p);
		sim_exit(p);
		sim_check();
	}
	assert(!p->summary);
}

/* Pending interrupts of a group that is off must not keep others from the list registers. */
static void test_groups(void)
{
	struct vgic_pe *p = &pes[0];
	unsigned i;

	sim_init();
	p->vmcr &= ~VMCR_ENG0;
	dist_wr(0x84, 0xffff0000);
	for (i = 0; i < 6; i++) {
		spi_on(SPI0 + i, true, 0x00);
		vgic_model_inject(&dist, NULL, SPI0 + i, true);
	}
	assert(!vgic_model_has_pending(p));
	p->asleep = true;	/* in a PSCI suspend: the CPU interface does not matter, its priority mask does */
	assert(vgic_model_has_pending(p));
	p->vmcr &= ~(0xffUL << VMCR_PMR_SHIFT);
	assert(!vgic_model_has_pending(p));
	p->vmcr |= 0xffUL << VMCR_PMR_SHIFT;
	p->asleep = false;
	spi_on(SPI0 + 20, true, 0xa0);
	vgic_model_inject(&dist, NULL, SPI0 + 20, true);
	assert(vgic_model_has_pending(p));
	sim_enter(p);
	assert(sim_ack(p) == (int)SPI0 + 20);
	assert(p->hcr & HCR_ICH_VGRP0E);
	sim_eoi(p);
	p->vmcr |= VMCR_ENG0;
	assert(sim_must_exit(p));
	sim_exit(p);
	dist_wr(0, 0);		/* the distributor forwards nothing */
	assert(!vgic_model_has_pending(p));
	sim_enter(p);
	assert(sim_ack(p) == 1023);
	sim_exit(p);
	sim_check();
}

static void test_sgi(void)
{
	unsigned i;

	sim_init();
	for (i = 0; i < SIM_PES; i++)
		sim[i].kicked = false;
	assert(!vgic_model_sgi_write(&dist, &pes[1], 5UL << 24 | 2, true, true));	/* itself: not in the fast tier */
	assert(!sim[1].kicked);
	assert(vgic_model_sgi_write(&dist, &pes[1], 5UL << 24 | 5, true, true));
	assert(sim[0].kicked && !sim[1].kicked && sim[2].kicked);
	sim_enter(&pes[2]);
	assert(sim_ack(&pes[2]) == 5);
	sim_eoi(&pes[2]);
	sim_exit(&pes[2]);
	vgic_model_sgi_write(&dist, &pes[0], 1UL << 40 | 7UL << 24, true, false);	/* all others */
	assert((pes[0].w.latch & 0x80) == 0 && (pes[1].w.latch & 0x80) && (pes[2].w.latch & 0x80));
	vgic_model_sgi_write(&dist, &pes[0], 9UL << 24 | 0xffff, false, false);		/* the wrong group */
	assert(!(pes[1].w.latch & 0x200));
	vgic_model_sgi_write(&dist, &pes[0], 9UL << 24 | 1UL << 16 | 0xffff, true, false);	/* another cluster */
	assert(!(pes[1].w.latch & 0x200));
	vgic_model_sgi_write(&dist, &pes[0], 9UL << 24 | 1UL << 44 | 0xffff, true, false);	/* another range */
	assert(!(pes[1].w.latch & 0x200));
	sgi_wr(&pes[1], 0x80, ~0x200U);						/* group 0 now: both registers raise it */
	vgic_model_sgi_write(&dist, &pes[0], 9UL << 24 | 0xffff, true, false);
	assert(pes[1].w.latch & 0x200);
	sgi_wr(&pes[1], 0x280, 0x200);
	assert(!(pes[1].w.latch & 0x200));
	vgic_model_sgi_write(&dist, &pes[0], 9UL << 24 | 0xffff, false, false);
	assert(pes[1].w.latch & 0x200);
	sim_check();
}

/* A linked timer: fires once per deactivation while its line is high; never while it is low. */
static void test_timer(void)
{
	struct vgic_pe *p = &pes[0];
	struct vgic_access other = { .d = &dist, .p = p, .self = &pes[1], .len = 4 };
	unsigned i;

	sim_init();
	sgi_wr(p, 0x100, BIT(SIM_TIMER));
	sim_timer(p, true);
	sim_enter(p);
	assert(p->lr[0] & LR_HW);
	assert(sim_ack(p) == SIM_TIMER && sim[0].phys_active);
	sim_exit(p);
	sim_timer(p, true);
	sim_enter(p);
	assert(sim_ack(p) == 1023);
	sim_eoi(p);
	assert(!sim[0].phys_active);
	sim_timer(p, true);				/* still high: the host hears of it again */
	assert(sim_must_exit(p));
	sim_exit(p);
	sim_enter(p);
	sim_timer(p, false);				/* the guest programs it before it takes the interrupt */
	sim_exit(p);
	assert(!p->summary && !sim[0].phys_active);
	/* Off at the redistributor, line up and down again, on: nothing. */
	sgi_wr(p, 0x180, BIT(SIM_TIMER));
	sim_timer(p, true);
	sim_timer(p, false);
	sgi_wr(p, 0x100, BIT(SIM_TIMER));
	assert(!p->summary && !sim[0].phys_active);
	/* Another PE clears its pending state in the list register: a line that is up pends again, one that fell is let go. */
	for (i = 0; i < 2; i++) {
		sim_timer(p, true);
		sim_enter(p);
		vgic_mmio_write(VGIC_GICR_SGI, 0x280, &other, BIT(SIM_TIMER));
		assert(sim_must_exit(p));
		sim[0].line = !i;
		sim_exit(p);
		assert(vgic_model_has_pending(p) == !i && sim[0].phys_active == !i);
	}
	/* Active state: its own PE's at once, another's when that is loaded again. */
	sgi_wr(p, 0x300, BIT(SIM_TIMER));
	assert(sim[0].phys_active && !sim[0].stale);
	vgic_mmio_write(VGIC_GICR_SGI, 0x380, &other, BIT(3));
	assert(!sim[0].stale);
	vgic_mmio_write(VGIC_GICR_SGI, 0x380, &other, BIT(SIM_TIMER));
	assert(sim[0].stale && !sim[1].stale && !(vgic_model_active(p) & BIT(SIM_TIMER)));
	sim_check();
}

/* A timer that fires while its guest runs: into a list register at once, whatever is there, as level or edge. */
static void test_timer_loaded(bool edge)
{
	struct vgic_pe *p = &pes[0];

	sim_init();
	sgi_wr(p, 0x100, BIT(SIM_TIMER) | BIT(3));
	sgi_wr(p, 0xc04, edge ? 2U << (SIM_TIMER - 16) * 2 : 0);
	sim_enter(p);
	assert(sim_timer_loaded(p) && p->live && p->used == 1);
	assert((p->lr[0] & (LR_HW | LR_STATE)) == (LR_HW | LR_PENDING));
	assert(sim_ack(p) == SIM_TIMER);
	sim[0].line = false;
	sim_eoi(p);
	vgic_model_sgi(&dist, p, 3, true);
	sim[0].kicked = false;
	assert(!sim_timer_loaded(p) && p->used == 2);	/* not alone: by way of a flush */
	assert(sim_ack(p) != 1023 && sim_ack(p) == 1023);
	sim[0].line = false;
	sim_eoi(p);
	assert(sim_ack(p) != 1023);
	sim_eoi(p);
	sim_exit(p);
	assert(!p->summary && !sim[0].phys_active);
	sgi_wr(p, 0x180, BIT(SIM_TIMER));		/* off: no list register */
	sim_enter(p);
	assert(!sim_timer_loaded(p) && !p->used);
	sim_exit(p);
	sim_check();
}

/* Active state written from another PE while it is in a list register; separate deactivation from elsewhere. */
static void test_active(void)
{
	struct vgic_pe *p = &pes[0];

	sim_init();
	spi_on(SPI0, true, 0xa0);
	vgic_model_inject(&dist, NULL, SPI0, true);
	sim_enter(p);
	assert(sim_ack(p) == SPI0);
	assert(dist_rd(0x304) == 1 && !p->live);	/* stops everybody */
	sim_enter(p);
	dist_wr(0x384, 1);				/* stops everybody */
	assert(!p->live && dist_rd(0x304) == 0 && !p->summary);
	sim[0].depth = 0;
	vgic_model_inject(&dist, NULL, SPI0, true);
	sim_enter(p);
	assert(sim_ack(p) == SPI0);
	vgic_model_deactivate(&pes[1], SPI0);
	assert(sim_must_exit(p));
	sim_exit(p);
	assert(!p->summary && !(dist.w[0].deact | dist.w[0].inlr));
	sim[0].depth = 0;
	dist_wr(0x304, 1);
	assert(dist_rd(0x304) == 1 && !vgic_model_has_pending(p));
	vgic_model_deactivate(&pes[2], SPI0);
	assert(!p->summary);
	sim_check();
}

/* A level interrupt's source is told of its end whoever deactivates it, and not before the guest took it. */
static void test_deactivate_level(void)
{
	struct vgic_pe *p = &pes[0];

	sim_init();
	spi_on(SPI0, false, 0xa0);
	vgic_model_inject(&dist, NULL, SPI0, true);
	sim_enter(p);
	vgic_model_deactivate(&pes[1], SPI0);
	sim_exit(p);
	assert(!acked[SPI0] && vgic_model_has_pending(p));
	sim_enter(p);
	assert(sim_ack(p) == SPI0);
	vgic_model_deactivate(&pes[1], SPI0);
	assert(sim_must_exit(p));
	sim_exit(p);
	assert(acked[SPI0] == 1);
	vgic_model_inject(&dist, NULL, SPI0, false);
	assert(!p->summary);
	sim_check();
}

static void test_route(void)
{
	struct vgic_access r = { .d = &dist, .self = &pes[0], .len = 8 };

	sim_init();
	spi_on(SPI0, false, 0xa0);
	vgic_model_inject(&dist, NULL, SPI0, true);
	sim_enter(&pes[0]);
	vgic_mmio_write(VGIC_GICD, 0x6000 + SPI0 * 8, &r, 1);
	assert(sim_must_exit(&pes[0]));
	sim_exit(&pes[0]);
	assert(!pes[0].summary && vgic_model_has_pending(&pes[1]));
	vgic_mmio_write(VGIC_GICD, 0x6000 + SPI0 * 8, &r, 55);	/* to nobody */
	assert(!pes[1].summary);
	vgic_mmio_write(VGIC_GICD, 0x6000 + SPI0 * 8, &r, 2);
	assert(vgic_model_has_pending(&pes[2]));
	sim_check();
	vgic_pe_detach(&dist, &pes[2]);
	vgic_model_inject(&dist, NULL, SPI0, false);
	vgic_model_inject(&dist, NULL, SPI0, true);
	vgic_pe_attach(&dist, &pes[2], 2);
	sim_check();
}

/* ---- random ---- */

static bool level_line[VGIC_IDS];
static unsigned raised[VGIC_IDS], handled[VGIC_IDS];

static void device(bool raise)
{
	u32 intid = SPI0 + rnd(SIM_SPIS);
	bool edge = dist.w[intid / 64].edge >> intid % 64 & 1;

	if (edge) {
		raised[intid]++;
		vgic_model_inject(&dist, NULL, intid, true);
		vgic_model_inject(&dist, NULL, intid, false);
	} else {
		level_line[intid] = raise;
		vgic_model_inject(&dist, NULL, intid, raise);
	}
}

static void guest_step(struct vgic_pe *p, bool calm)
{
	int s = p->index;
	u32 intid;

	if (sim[s].depth && (calm ? sim_pending(p) < 0 : rnd(3) == 0)) {
		sim_eoi(p);
		return;
	}
	intid = sim_ack(p);
	if (intid == 1023)
		return;
	handled[intid]++;
	if (intid == SIM_TIMER) {
		if (calm || rnd(2))
			sim[s].line = false;
	} else if (intid >= SPI0 && level_line[intid] && (calm || rnd(3))) {
		level_line[intid] = false;
		vgic_model_inject(&dist, NULL, intid, false);
	}
}

static void guest_run(struct vgic_pe *p, unsigned steps, bool calm)
{
	sim_enter(p);
	while (steps-- && !sim_must_exit(p)) {
		guest_step(p, calm);
		if (sim[p->index].line) {
			if (rnd(2))
				sim_timer(p, true);
			else
				sim_timer_loaded(p);
		}
	}
	sim_exit(p);
	sim_check();
}

static void disturb(void)
{
	struct vgic_access r = { .d = &dist, .self = &pes[0], .len = 8 };
	u32 intid = SPI0 + rnd(SIM_SPIS);

	switch (rnd(8)) {
	case 0:
		vgic_mmio_write(VGIC_GICD, 0x6000 + intid * 8, &r, rnd(SIM_PES));
		break;
	case 1:
		dist_wr(0x180 + intid / 32 * 4, 1U << intid % 32);
		break;
	case 2:
		dist_wr(0x100 + intid / 32 * 4, ~0U);
		break;
	case 3:
		raised[intid]++;
		dist_wr(0x200 + intid / 32 * 4, 1U << intid % 32);
		break;
	case 4:
		vgic_model_sgi_write(&dist, &pes[0], (u64)rnd(16) << 24 | rnd(8), true, false);
		break;
	case 5:
		sim_timer(&pes[rnd(SIM_PES)], true);
		break;
	default:
		device(rnd(4));
	}
}

/* PEs run interleaved, so that each sees the others' changes while it has list registers loaded. */
static void random_round(void)
{
	bool in[SIM_PES] = { false };
	unsigned i, n;

	for (n = 0; n < 400; n++) {
		i = rnd(SIM_PES);
		if (!in[i]) {
			sim_enter(&pes[i]);
			in[i] = true;
		}
		guest_step(&pes[i], false);
		if (sim_must_exit(&pes[i]) || !rnd(10)) {
			sim_exit(&pes[i]);
			in[i] = false;
		}
		if (!rnd(2))
			disturb();
		sim_check();
	}
	for (i = 0; i < SIM_PES; i++)
		if (in[i])
			sim_exit(&pes[i]);
}

static void test_random(unsigned seed)
{
	unsigned i, n;
	bool busy = true;

	rng = seed * 2654435761UL + 88172645463325252UL;
	sim_init();
	memset(level_line, 0, sizeof(level_line));
	memset(raised, 0, sizeof(raised));
	memset(handled, 0, sizeof(handled));
	for (i = 0; i < SIM_PES; i++)
		sgi_wr(&pes[i], 0x100, BIT(SIM_TIMER) | 0xffff);
	for (i = 0; i < SIM_SPIS; i++)
		spi_on(SPI0 + i, rnd(2), rnd(30) * 8);
	random_round();
	/* Calm down: all enabled, guests handle what there is until nothing is left. */
	for (i = 1; i <= SIM_SPIS / 32; i++)
		dist_wr(0x100 + i * 4, ~0U);
	for (n = 0; n < 2000 && busy; n++) {
		busy = false;
		for (i = 0; i < SIM_PES; i++) {
			guest_run(&pes[i], 200, true);
			busy |= pes[i].summary || sim[i].depth;
		}
	}
	assert(!busy);
	for (i = SPI0; i < SPI0 + SIM_SPIS; i++) {
		assert(!level_line[i]);
		assert(!raised[i] || handled[i]);
	}
}

int main(void)
{
	unsigned i;

	test_registers();
	test_user();
	test_edge();
	test_level();
	test_claim();
	test_overflow();
	test_groups();
	test_sgi();
	test_timer();
	test_timer_loaded(false);
	test_timer_loaded(true);
	test_active();
	test_deactivate_level();
	test_route();
	for (i = 0; i < 300; i++)
		test_random(i);
	printf("vgic: ok\n");
	return 0;
}
