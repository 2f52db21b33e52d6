// SPDX-License-Identifier: GPL-2.0-only
/*
 * Between the model and list registers: flush chooses what goes in, sync folds back what the guest did. Pure logic.
 *
 * When there is more than fits, pending interrupts go first, by priority (of groups the guest has enabled before
 * others); active ones fill what is left, since one that is in no list register only needs its EOI counted. The
 * hardware then tells us when to come back: no register pending any more, at most one in use, an EOI that met no
 * register, a group that was enabled. IHI 0069 6.1, ICH_HCR_EL2, ICH_LR<n>_EL2.
 */
#include "kernel/debug/print.h"
#include "kvm/vgic/model.h"

enum { CLASS_PENDING, CLASS_GROUP_OFF, CLASS_ACTIVE };

struct pick {
	u16 key;		/* class, then priority: smaller first */
	u16 intid;
};

struct picks {
	struct pick p[VGIC_MAX_LRS];
	unsigned n, max;
	unsigned total[3], in[3];
	u64 groups_off;		/* VGRP0E, VGRP1E of the pending interrupts of groups that the guest has off */
};

static struct vgic_bits *bits_of(struct vgic_pe *p, u32 intid)
{
	return intid < VGIC_PRIVATE ? &p->w : &p->dist->w[intid / 64];
}

static u8 prio_of(struct vgic_pe *p, u32 intid)
{
	return intid < VGIC_PRIVATE ? p->prio[intid] : p->dist->prio[intid];
}

static void pick_put(struct picks *ps, u16 key, u16 intid)
{
	unsigned i;

	if (ps->n == ps->max) {
		if (ps->p[ps->n - 1].key <= key)
			return;
		ps->n--;
		ps->in[ps->p[ps->n].key >> 8]--;
	}
	for (i = ps->n++; i && ps->p[i - 1].key > key; i--)
		ps->p[i] = ps->p[i - 1];
	ps->p[i].key = key;
	ps->p[i].intid = intid;
	ps->in[key >> 8]++;
}

static void pick_add(struct picks *ps, u16 key, u16 intid)
{
	ps->total[key >> 8]++;
	pick_put(ps, key, intid);
}

/* LPIs, the most urgent of each word first, until one comes that no longer fits. */
static void pick_lpis(struct vgic_pe *p, struct picks *ps)
{
	unsigned class = p->vmcr & VMCR_ENG1 ? CLASS_PENDING : CLASS_GROUP_OFF, i;
	u64 sum;

	if (!(p->dist->en & 2))
		return;
	if (class == CLASS_GROUP_OFF)
		ps->groups_off |= HCR_ICH_VGRP1E;
	for (i = 0; i < VGIC_LPI_SUMS; i++) {
		for (sum = p->lpi->sum[i]; sum; sum &= sum - 1) {
			unsigned word = i * 64 + __builtin_ctzl(sum);
			u64 ready = p->lpi->word[word];

			ps->total[class] += __builtin_popcountl(ready);
			while (ready) {
				struct vgic_lpi_pick lpi = vgic_lpi_best(p->dist, word, &ready);
				u16 key = class << 8 | lpi.prio;

				if (ps->n == ps->max && ps->p[ps->n - 1].key <= key)
					break;
				pick_put(ps, key, lpi.intid);
			}
		}
	}
}

static void pick_word(struct vgic_pe *p, struct picks *ps, unsigned word)
{
	u64 ready = p->ready[word];

	for (; ready; ready &= ready - 1) {
		u32 intid = word * 64 + __builtin_ctzl(ready);
		const struct vgic_bits *w = bits_of(p, intid);
		u64 bit = BIT(intid % 64);
		unsigned class, group = !!(w->group & bit);

		if (w->active & bit) {
			class = CLASS_ACTIVE;
		} else if (!(p->dist->en >> group & 1)) {
			continue;
		} else if (p->vmcr >> group & 1) {
			class = CLASS_PENDING;
		} else {
			class = CLASS_GROUP_OFF;
			ps->groups_off |= group ? HCR_ICH_VGRP1E : HCR_ICH_VGRP0E;
		}
		pick_add(ps, class << 8 | prio_of(p, intid), intid);
	}
}

static void lr_fill(struct vgic_pe *p, unsigned i, u32 intid)
{
	struct vgic_bits *w;
	u64 bit = BIT(intid % 64), lr;
	bool active, edge, pend_ok = true;

	if (intid >= VGIC_LPI_BASE) {
		p->lr[i] = p->lr_written[i] = vgic_lpi_to_lr(p->dist, intid);
		p->has_spi = true;
		return;
	}
	w = bits_of(p, intid);
	active = w->active & bit;
	edge = w->edge & bit;
	lr = intid | (u64)prio_of(p, intid) << LR_PRIO_SHIFT;
	if (w->group & bit)
		lr |= LR_GROUP;
	if (active)
		lr |= LR_ACTIVE;
	if (intid < VGIC_PRIVATE && (p->hw & bit)) {
		lr |= LR_HW | (u64)p->pintid[intid] << LR_PINTID_SHIFT;
		pend_ok = !active;	/* the architecture forbids both for a linked one */
	} else if (!edge) {
		/* Look at the line again once the guest is done, rather than let it take the same level twice. */
		lr |= LR_EOI;
		pend_ok = !active;
	}
	if (pend_ok && (vgic_pending(w) & w->enabled & bit) && (p->dist->en >> !!(w->group & bit) & 1)) {
		lr |= LR_PENDING;
		if (!edge && (w->latch & bit))
			p->lr_latch |= 1U << i;
		w->latch &= ~bit;
		if (lr & LR_HW)
			w->level &= ~bit;	/* sampled again by sync */
	}
	w->inlr |= bit;
	p->lr[i] = p->lr_written[i] = lr;
	if (intid >= VGIC_PRIVATE)
		p->has_spi = true;
}

static u64 hcr_for(const struct vgic_pe *p, const struct picks *ps)
{
	u64 hcr = p->hcr_base;

	if (ps->total[CLASS_PENDING] > ps->in[CLASS_PENDING]) {
		hcr |= HCR_ICH_NPIE;
		if (ps->n > 1)		/* with one register it would be true at once */
			hcr |= HCR_ICH_UIE;
	}
	if (ps->total[CLASS_GROUP_OFF] > ps->in[CLASS_GROUP_OFF])
		hcr |= ps->groups_off;
	if (ps->total[CLASS_ACTIVE] > ps->in[CLASS_ACTIVE])
		hcr |= HCR_ICH_LRENPIE;
	return hcr;
}

/* Private interrupt intid, if it is the only thing to do and the guest takes such ones. p->lock held. */
static bool fill_alone(struct vgic_pe *p, u32 intid)
{
	unsigned group = !!(p->w.group & BIT(intid));

	if (READ_ONCE(p->summary) != 1 || p->ready[0] != BIT(intid) || (p->w.active & BIT(intid)) ||
	    !(p->dist->en >> group & p->vmcr >> group & 1))
		return false;
	p->lr_latch = 0;
	p->has_spi = false;
	lr_fill(p, 0, intid);
	p->used = 1;
	p->hcr = p->hcr_base;
	p->live = true;
	return true;
}

static bool flush_alone(struct vgic_pe *p)
{
	u64 flags, ready;
	bool done;

	if (READ_ONCE(p->summary) != 1)
		return false;
	flags = spin_lock_irqsave(&p->lock);
	ready = p->ready[0];
	done = ready && ready <= BIT(VGIC_PRIVATE - 1) && fill_alone(p, __builtin_ctzl(ready));
	spin_unlock_irqrestore(&p->lock, flags);
	return done;
}

void vgic_model_flush(struct vgic_pe *p)
{
	struct vgic_dist *d = p->dist;
	struct picks ps;
	bool spis;
	unsigned i, word;
	u32 summary;
	u64 flags;

	ASSERT(!p->live);
	if (likely(flush_alone(p)))
		return;
	/* Only this bit may grow meanwhile, by an SPI that came after: its kick brings us here again. */
	spis = (READ_ONCE(p->summary) & ~1U) || READ_ONCE(p->ready[0]) >> VGIC_PRIVATE;
	ps.n = 0;
	ps.max = d->nr_lr;
	ps.groups_off = 0;
	for (i = 0; i < 3; i++)
		ps.total[i] = ps.in[i] = 0;

	flags = spis ? spin_lock_irqsave(&d->lock) : spin_lock_irqsave(&p->lock);
	if (spis)
		spin_lock(&p->lock);
	p->lr_latch = 0;
	p->has_spi = false;
	for (summary = p->summary; summary; summary &= summary - 1) {
		word = __builtin_ctz(summary);
		if (spis && word >= VGIC_WORDS) {
			pick_lpis(p, &ps);
		} else if (spis) {
			pick_word(p, &ps, word);
		} else if (!word) {
			/* An SPI that appeared after the look above is left for the next flush. */
			u64 saved = p->ready[0];

			p->ready[0] &= 0xffffffff;
			pick_word(p, &ps, 0);
			p->ready[0] = saved;
		}
	}
	for (i = 0; i < ps.n; i++)
		lr_fill(p, i, ps.p[i].intid);
	if (spis) {
		spin_unlock(&p->lock);
		spin_unlock_irqrestore(&d->lock, flags);
	} else {
		spin_unlock_irqrestore(&p->lock, flags);
	}
	p->used = ps.n;
	p->hcr = hcr_for(p, &ps);
	p->live = p->used || p->hcr != p->hcr_base;
}

bool vgic_model_raise(struct vgic_pe *p, u32 intid)
{
	u64 bit = BIT(intid), flags = spin_lock_irqsave(&p->lock);
	bool alone;

	ASSERT(!p->live && intid < VGIC_PRIVATE);
	if (p->w.edge & bit)
		p->w.latch |= bit;
	else
		p->w.level |= bit;
	vgic_update_private(p, intid, p);
	alone = fill_alone(p, intid);
	spin_unlock_irqrestore(&p->lock, flags);
	return alone;
}

struct acks {
	unsigned n;
	u16 intid[VGIC_MAX_LRS + 32];
};

static void ack_add(struct acks *a, u32 intid)
{
	if (a->n < ARRAY_SIZE(a->intid))
		a->intid[a->n++] = intid;
}

/* Line of a linked PPI, after the guest acknowledged or deactivated it: the physical side must agree. */
static void hw_resample(struct vgic_pe *p, u32 intid)
{
	const struct vgic_ops *ops = p->dist->ops;
	u64 bit = BIT(intid);

	if (ops->hw_level(p, intid)) {
		p->w.level |= bit;
	} else {
		p->w.level &= ~bit;
		ops->hw_active(p, intid, false);
	}
}

/* Lock of intid's bits held. */
static void lr_fold(struct vgic_pe *p, unsigned i, struct acks *acks)
{
	u64 lr = p->lr[i], written = p->lr_written[i];
	u32 intid = written & LR_INTID;
	struct vgic_bits *w = bits_of(p, intid);
	u64 bit = BIT(intid % 64);
	bool active = lr & LR_ACTIVE, pend = lr & LR_PENDING;
	bool deactivated = (written & LR_ACTIVE) && !active;
	/* By the guest here, or while it was active by another PE's ICC_DIR_EL1. */
	bool ended = !(lr & LR_STATE) || (active && (w->deact & bit));

	if (w->deact & bit)
		active = false;
	if (w->cpend & bit)
		pend = false;
	w->inlr &= ~bit;
	w->deact &= ~bit;
	w->cpend &= ~bit;
	w->active = active ? w->active | bit : w->active & ~bit;
	if (pend && ((w->edge & bit) || (p->lr_latch >> i & 1)))
		w->latch |= bit;
	if (written & LR_HW) {
		/* Not taken, whatever became of its pending state: else the physical one stays active and is not heard again. */
		if ((lr & LR_PENDING) || (deactivated && (w->level & bit)))
			hw_resample(p, intid);
	} else if ((written & LR_EOI) && ended && intid >= VGIC_PRIVATE) {
		ack_add(acks, intid);
	}
}

/* The active interrupt of the highest priority that is in no list register; VGIC_IDS: none. Both locks held. */
static u32 best_active(struct vgic_pe *p)
{
	u32 best = VGIC_IDS, summary = p->summary & ~VGIC_SUM_LPI;
	unsigned best_prio = 256;

	for (; summary; summary &= summary - 1) {
		unsigned word = __builtin_ctz(summary);
		u64 ready = p->ready[word];

		for (; ready; ready &= ready - 1) {
			u32 intid = word * 64 + __builtin_ctzl(ready);
			const struct vgic_bits *w = bits_of(p, intid);

			if ((w->active & ~w->inlr & BIT(intid % 64)) && prio_of(p, intid) < best_prio) {
				best = intid;
				best_prio = prio_of(p, intid);
			}
		}
	}
	return best;
}

/* The guest ended interrupts that were in no list register; it does so in the order of their priorities. */
static void eoi_counted(struct vgic_pe *p, unsigned count, struct acks *acks)
{
	struct vgic_dist *d = p->dist;
	u64 flags = spin_lock_irqsave(&d->lock);
	u32 intid;

	while (count--) {
		spin_lock(&p->lock);
		intid = best_active(p);
		if (intid < VGIC_PRIVATE) {
			p->w.active &= ~BIT(intid);
			if (p->hw & BIT(intid))
				hw_resample(p, intid);
			vgic_update_private(p, intid, p);
		}
		spin_unlock(&p->lock);
		if (intid >= VGIC_IDS)
			break;
		if (intid >= VGIC_PRIVATE) {
			d->w[intid / 64].active &= ~BIT(intid % 64);
			if (!(d->w[intid / 64].edge & BIT(intid % 64)))
				ack_add(acks, intid);
			vgic_update_spi(d, intid, p);
		}
	}
	spin_unlock_irqrestore(&d->lock, flags);
}

void vgic_model_sync(struct vgic_pe *p, unsigned eoicount)
{
	struct vgic_dist *d = p->dist;
	struct acks acks;
	unsigned i;
	u32 intid;
	u64 flags;

	acks.n = 0;
	if (unlikely(eoicount))
		eoi_counted(p, eoicount, &acks);
	flags = spin_lock_irqsave(&p->lock);
	for (i = 0; i < p->used; i++) {
		intid = p->lr_written[i] & LR_INTID;
		if (intid >= VGIC_PRIVATE)
			continue;
		lr_fold(p, i, &acks);
		vgic_update_private(p, intid, p);
	}
	spin_unlock_irqrestore(&p->lock, flags);
	if (p->has_spi) {
		flags = spin_lock_irqsave(&d->lock);
		for (i = 0; i < p->used; i++) {
			intid = p->lr_written[i] & LR_INTID;
			if (intid < VGIC_PRIVATE)
				continue;
			if (intid >= VGIC_LPI_BASE) {
				vgic_lpi_from_lr(p, intid, p->lr[i]);
				continue;
			}
			lr_fold(p, i, &acks);
			vgic_update_spi(d, intid, p);
		}
		spin_unlock_irqrestore(&d->lock, flags);
	}
	p->used = 0;
	__atomic_store_n(&p->live, false, __ATOMIC_RELEASE);
	for (i = 0; i < acks.n; i++)
		d->ops->acked(d, acks.intid[i]);
}

void vgic_model_deactivate(struct vgic_pe *p, u32 intid)
{
	struct vgic_dist *d = p->dist;
	struct vgic_bits *w;
	bool acked = false;
	u64 flags, bit = BIT(intid % 64);

	if (intid >= d->nr_ids)
		return;
	if (intid < VGIC_PRIVATE) {
		flags = spin_lock_irqsave(&p->lock);
		if (p->w.active & bit) {
			p->w.active &= ~bit;
			if (p->hw & bit) {
				p->w.level &= ~bit;	/* the physical one fires again if its line is still high */
				d->ops->hw_active(p, intid, false);
			}
			vgic_update_private(p, intid, NULL);
		}
		spin_unlock_irqrestore(&p->lock, flags);
		return;
	}
	w = &d->w[intid / 64];
	flags = spin_lock_irqsave(&d->lock);
	if (w->inlr & bit) {
		w->deact |= bit;	/* in another PE's list register: that PE does it when it comes out */
		if (d->owner[intid] != VGIC_NONE)
			d->ops->kick(d->pes[d->owner[intid]]);
	} else if (w->active & bit) {
		w->active &= ~bit;
		acked = !(w->edge & bit);
		vgic_update_spi(d, intid, NULL);
	}
	spin_unlock_irqrestore(&d->lock, flags);
	if (acked)
		d->ops->acked(d, intid);
}
