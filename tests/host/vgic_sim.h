// SPDX-License-Identifier: GPL-2.0-only
/*
 * A CPU interface and list registers as the architecture describes them (IHI 0069 6.1), in C, for the vGIC's model to work
 * with; and locks that complain about recursion and wrong order.
 */
#pragma once

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/mm/page.h"
#include "kvm/vgic/its.h"
#include "kvm/vgic/mmio.h"
#include "kvm/vgic/model.h"

#define SIM_PES		3
#define SIM_LRS		4
#define SIM_SPIS	96
#define SIM_TIMER	27

#define SIM_MEM		0x40000000UL	/* guest memory: 8 MiB */
#define SIM_MEM_SIZE	0x800000UL

static struct vgic_dist dist;
static struct vgic_pe pes[SIM_PES];
static struct its its;
static u8 sim_mem[SIM_MEM_SIZE];
static bool sim_dirty[SIM_MEM_SIZE / PAGE_SIZE];	/* pages that the model wrote */
static unsigned allocs_left = ~0U;	/* the next allocation but so many fails */
static unsigned sim_patience = ~0U;	/* so many looks until something more urgent comes up */

static struct {
	u32 intid[VGIC_IDS];	/* acknowledged and not ended, innermost last */
	u8 prio[VGIC_IDS];
	unsigned depth;
	unsigned eoicount;
	bool kicked;
	bool line, phys_active;	/* the timer's wire, and its active state at the physical GIC */
	bool stale;		/* phys_active is to be worked out again */
	unsigned acks[VGIC_IDS];
} sim[SIM_PES];
static unsigned acked[VGIC_IDS];
static bool stopped;

/* ---- memory of the kernel and of the guest ---- */

void *kzalloc(size_t size)
{
	if (!allocs_left)
		return NULL;
	allocs_left -= allocs_left != ~0U;
	return calloc(1, size);
}

void *kcalloc(size_t n, size_t size)
{
	return kzalloc(n * size);
}

void kfree(void *p)
{
	free(p);
}

/* ---- locks ---- */

static int its_held, dist_held, pe_held;

static inline bool is_dist(spinlock_t *l) { return l == &dist.lock; }

void spin_lock(spinlock_t *l)
{
	assert(!l->owner);
	if (l == &its.lock) {
		assert(!pe_held && !dist_held);
		its_held++;
	} else if (is_dist(l)) {
		assert(!pe_held);
		dist_held++;
	} else {
		assert(!pe_held);
		pe_held++;
	}
	l->owner = 1;
}

void spin_unlock(spinlock_t *l)
{
	assert(l->owner);
	l->owner = 0;
	if (l == &its.lock)
		its_held--;
	else if (is_dist(l))
		dist_held--;
	else
		pe_held--;
}

u64 spin_lock_irqsave(spinlock_t *l)
{
	spin_lock(l);
	return 0;
}

void spin_unlock_irqrestore(spinlock_t *l, u64 flags)
{
	spin_unlock(l);
}

/* ---- what the model asks ---- */

static void op_kick(struct vgic_pe *p)
{
	sim[p->index].kicked = true;
}

static bool op_hw_level(struct vgic_pe *p, u32 intid)
{
	assert(intid == SIM_TIMER);
	return sim[p->index].line;
}

static void op_hw_active(struct vgic_pe *p, u32 intid, bool active)
{
	assert(intid == SIM_TIMER);
	sim[p->index].phys_active = active;
}

static void op_hw_stale(struct vgic_pe *p)
{
	sim[p->index].stale = true;
}

static void op_acked(struct vgic_dist *d, u32 intid)
{
	assert(!dist_held && !pe_held && intid >= VGIC_PRIVATE);
	acked[intid]++;
}

static void sim_exit(struct vgic_pe *p);

static void op_stop(struct vgic_dist *d)
{
	unsigned i;

	assert(!dist_held && !pe_held && !stopped);
	stopped = true;
	for (i = 0; i < SIM_PES; i++)
		sim_exit(&pes[i]);
}

static void op_resume(struct vgic_dist *d)
{
	assert(stopped);
	stopped = false;
}

/* Guest memory may sleep: no spinlock. */
static void *mem_at(u64 ipa, size_t n)
{
	assert(!its_held && !dist_held && !pe_held);
	return ipa >= SIM_MEM && ipa - SIM_MEM <= SIM_MEM_SIZE - n ? sim_mem + (ipa - SIM_MEM) : NULL;
}

static int op_mem_read(struct vgic_dist *d, u64 ipa, void *buf, size_t n)
{
	void *p = mem_at(ipa, n);

	if (p)
		memcpy(buf, p, n);
	return p ? 0 : -EFAULT;
}

static int op_mem_write(struct vgic_dist *d, u64 ipa, const void *buf, size_t n)
{
	void *p = mem_at(ipa, n);

	if (p) {
		memcpy(p, buf, n);
		sim_dirty[(ipa - SIM_MEM) / PAGE_SIZE] = sim_dirty[(ipa + n - 1 - SIM_MEM) / PAGE_SIZE] = true;
	}
	return p ? 0 : -EFAULT;
}

static bool op_mem_visible(struct vgic_dist *d, u64 ipa)
{
	return mem_at(ipa, 1);
}

static bool op_interrupted(void)
{
	return !sim_patience || (sim_patience != ~0U && !--sim_patience);
}

static unsigned sim_claimed;	/* inputs of claimed interrupts that rose */

static void op_claimed(struct vgic_dist *d, struct vgic_pe *p, u32 intid)
{
	sim_claimed++;
}

static const struct vgic_ops sim_ops = {
	op_kick, op_hw_level, op_hw_active, op_hw_stale, op_acked, op_stop, op_resume,
	op_mem_read, op_mem_write, op_mem_visible, op_interrupted, op_claimed,
};

static void sim_free(void)
{
	unsigned i;

	allocs_left = ~0U;
	if (its.d)
		its_reset(&its);
	for (i = 0; i < SIM_PES; i++)
		vgic_pe_lpis_destroy(&pes[i]);
	vgic_lpis_destroy(&dist);
}

static void sim_init(void)
{
	unsigned i;

	sim_free();
	memset(&its, 0, sizeof(its));
	memset(&dist, 0, sizeof(dist));
	memset(pes, 0, sizeof(pes));
	memset(sim, 0, sizeof(sim));
	memset(acked, 0, sizeof(acked));
	stopped = false;
	sim_patience = ~0U;
	vgic_dist_init(&dist, &sim_ops, SIM_LRS);
	for (i = 0; i < SIM_PES; i++) {
		vgic_pe_init(&pes[i]);
		pes[i].mpidr = 0x80000000 | i;
		pes[i].id = i;
		pes[i].vmcr = 0xf8UL << VMCR_PMR_SHIFT | VMCR_ENG0 | VMCR_ENG1;
		vgic_pe_attach(&dist, &pes[i], i);
		pes[i].hw = BIT(SIM_TIMER);
		pes[i].pintid[SIM_TIMER] = SIM_TIMER;
	}
	vgic_dist_set_ids(&dist, VGIC_PRIVATE + SIM_SPIS);
	for (i = 0; i < VGIC_WORDS; i++)
		dist.w[i].edge = 0;	/* levels, as most cases want them */
	dist.en = 3;
}

/* ---- the guest's side ---- */

static void sim_enter(struct vgic_pe *p)
{
	assert(!p->live);
	sim[p->index].eoicount = 0;
	sim[p->index].kicked = false;
	if (p->summary)
		vgic_model_flush(p);
}

static void sim_exit(struct vgic_pe *p)
{
	if (p->live)
		vgic_model_sync(p, sim[p->index].eoicount);
	else
		assert(!sim[p->index].eoicount);
	sim[p->index].eoicount = 0;
}

static u8 sim_running(const struct vgic_pe *p)
{
	return sim[p->index].depth ? sim[p->index].prio[sim[p->index].depth - 1] : 0xff;
}

/* Index of the list register that would be acknowledged now; -1: none. */
static int sim_pending(const struct vgic_pe *p)
{
	unsigned i, limit = p->vmcr >> VMCR_PMR_SHIFT;
	int best = -1;

	if (sim_running(p) < limit)
		limit = sim_running(p);
	for (i = 0; p->live && i < p->used; i++) {
		u8 prio = p->lr[i] >> LR_PRIO_SHIFT;

		if ((p->lr[i] & LR_STATE) != LR_PENDING || prio >= limit || !(p->vmcr >> !!(p->lr[i] & LR_GROUP) & 1))
			continue;
		if (best < 0 || prio < (u8)(p->lr[best] >> LR_PRIO_SHIFT))
			best = i;
	}
	return best;
}

static int sim_ack(struct vgic_pe *p)
{
	int i = sim_pending(p), s = p->index;
	u32 intid;

	if (i < 0)
		return 1023;
	intid = p->lr[i] & LR_INTID;
	p->lr[i] = (p->lr[i] & ~LR_PENDING) | LR_ACTIVE;
	sim[s].intid[sim[s].depth] = intid;
	sim[s].prio[sim[s].depth++] = p->lr[i] >> LR_PRIO_SHIFT;
	if (intid < VGIC_IDS)
		sim[s].acks[intid]++;
	return intid;
}

/* End the innermost: priority drop and deactivation in one (EOImode 0). */
static u32 sim_eoi(struct vgic_pe *p)
{
	int s = p->index;
	u32 intid = sim[s].intid[--sim[s].depth];
	unsigned i;

	for (i = 0; p->live && i < p->used; i++) {
		if ((p->lr[i] & LR_INTID) != intid || !(p->lr[i] & LR_ACTIVE))
			continue;
		p->lr[i] &= ~LR_ACTIVE;
		if (p->lr[i] & LR_HW)
			sim[s].phys_active = false;
		return intid;
	}
	if ((p->live || p->hcr_base) && intid < VGIC_LPI_BASE)
		sim[s].eoicount++;
	return intid;
}

/* A maintenance interrupt, or somebody wants the PE out of the guest. */
static bool sim_must_exit(const struct vgic_pe *p)
{
	unsigned i, used = 0, pending = 0;
	u64 hcr = p->live ? p->hcr : 0;

	if (sim[p->index].kicked)
		return true;
	for (i = 0; p->live && i < p->used; i++) {
		used += !!(p->lr[i] & LR_STATE);
		pending += !!(p->lr[i] & LR_PENDING);
		if ((p->lr[i] & LR_EOI) && !(p->lr[i] & LR_HW) && !(p->lr[i] & LR_STATE))
			return true;
	}
	return ((hcr & HCR_ICH_UIE) && used <= 1) || ((hcr & HCR_ICH_NPIE) && !pending) ||
		((hcr & HCR_ICH_LRENPIE) && sim[p->index].eoicount) ||
		((hcr & HCR_ICH_VGRP0E) && (p->vmcr & VMCR_ENG0)) || ((hcr & HCR_ICH_VGRP1E) && (p->vmcr & VMCR_ENG1));
}

/* The wire of the timer, and the host's handler when it fires. */
static void sim_timer(struct vgic_pe *p, bool line)
{
	int s = p->index;

	sim[s].line = line;
	if (line && !sim[s].phys_active) {
		sim[s].phys_active = true;
		vgic_model_inject(&dist, p, SIM_TIMER, true);
	}
}

/* The same with the guest in the CPU, as the fast tier does it. True: straight into a list register. */
static bool sim_timer_loaded(struct vgic_pe *p)
{
	int s = p->index;
	bool alone;

	sim[s].line = true;
	if (sim[s].phys_active)
		return false;
	sim[s].phys_active = true;
	if (p->w.claimed & BIT(SIM_TIMER)) {
		vgic_model_inject(&dist, p, SIM_TIMER, true);
		return false;
	}
	if (p->live)
		vgic_model_sync(p, sim[s].eoicount);
	sim[s].eoicount = 0;
	alone = vgic_model_raise(p, SIM_TIMER);
	if (!alone)
		vgic_model_flush(p);
	return alone;
}

static void sim_check(void)
{
	const char *wrong = vgic_model_check(&dist);

	if (!wrong && its.d)
		wrong = its_check(&its);

	if (wrong) {
		fprintf(stderr, "vGIC: %s\n", wrong);
		abort();
	}
	assert(!its_held && !dist_held && !pe_held);
}

/* ---- registers ---- */

static u32 dist_rd(u32 off)
{
	struct vgic_access a = { .d = &dist, .self = &pes[0], .len = 4 };

	return vgic_mmio_read(VGIC_GICD, off, &a);
}

static void dist_wr(u32 off, u32 val)
{
	struct vgic_access a = { .d = &dist, .self = &pes[0], .len = 4 };

	vgic_mmio_write(VGIC_GICD, off, &a, val);
}

static u32 sgi_rd(struct vgic_pe *p, u32 off)
{
	struct vgic_access a = { .d = &dist, .p = p, .self = p, .len = 4 };

	return vgic_mmio_read(VGIC_GICR_SGI, off, &a);
}

static void sgi_wr(struct vgic_pe *p, u32 off, u32 val)
{
	struct vgic_access a = { .d = &dist, .p = p, .self = p, .len = 4 };

	vgic_mmio_write(VGIC_GICR_SGI, off, &a, val);
}
