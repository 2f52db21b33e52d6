// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vGIC's state machine: inputs, and which interrupt is whose business. List registers are in model_lr.c.
 * Pure logic; locks as model.h says. IHI 0069 chapter 4.
 */
#include <linux/errno.h>

#include "kernel/debug/print.h"
#include "kernel/lib/string.h"
#include "kvm/vgic/model.h"

#define MPIDR_AFF	(0xff00ffffffUL)

void vgic_dist_init(struct vgic_dist *d, const struct vgic_ops *ops, unsigned nr_lr)
{
	unsigned i;

	memset(d, 0, sizeof(*d));
	d->ops = ops;
	d->nr_lr = MIN(nr_lr, (unsigned)VGIC_MAX_LRS);
	d->revision = 3;
	for (i = 0; i < VGIC_IDS; i++)
		d->target[i] = d->owner[i] = VGIC_NONE;
	for (i = 0; i < VGIC_WORDS; i++) {
		d->w[i].group = ~0UL;	/* one security state: all are group 1 until the guest says otherwise */
		d->w[i].edge = ~0UL;	/* UNKNOWN by the architecture; what Linux's reset as */
	}
}

void vgic_dist_set_ids(struct vgic_dist *d, unsigned nr_ids)
{
	d->nr_ids = MIN(nr_ids, VGIC_PRIVATE + (unsigned)VGIC_MAX_SPIS);
	vgic_retarget(d);
}

void vgic_pe_init(struct vgic_pe *p)
{
	memset(&p->w, 0, sizeof(p->w));
	memset(p->ready, 0, sizeof(p->ready));
	memset(p->prio, 0, sizeof(p->prio));
	p->summary = 0;
	p->w.edge = 0xffff;
	p->w.enabled = 0xffff;		/* SGIs come up enabled, as Linux's do */
	p->w.group = 0xffffffff;
	p->hcr_base = HCR_ICH_EN;
	p->vmcr = 0;
	memset(p->ap0r, 0, sizeof(p->ap0r));
	memset(p->ap1r, 0, sizeof(p->ap1r));
	p->lpis_on = false;
	p->lpi = NULL;
	p->pendbaser = VGIC_TABLE_ATTRS;
}

void vgic_pe_attach(struct vgic_dist *d, struct vgic_pe *p, unsigned index)
{
	ASSERT(index < VGIC_MAX_PES);
	p->dist = d;
	p->index = index;
	d->pes[index] = p;
	if (d->nr_pes <= index)
		__atomic_store_n(&d->nr_pes, index + 1, __ATOMIC_RELEASE);
	vgic_retarget(d);
}

void vgic_pe_detach(struct vgic_dist *d, struct vgic_pe *p)
{
	u64 flags = spin_lock_irqsave(&d->lock);
	unsigned i;

	for (i = VGIC_PRIVATE; i < VGIC_IDS; i++) {
		if (d->owner[i] == p->index)
			d->owner[i] = VGIC_NONE;
		if (d->target[i] == p->index)
			d->target[i] = VGIC_NONE;
	}
	vgic_lpi_forget_pe(d, p);
	d->pes[p->index] = NULL;
	p->dist = NULL;
	spin_unlock_irqrestore(&d->lock, flags);
}

static u16 target_of(struct vgic_dist *d, u64 route)
{
	unsigned i;

	for (i = 0; i < d->nr_pes; i++)
		if (d->pes[i] && (d->pes[i]->mpidr & MPIDR_AFF) == (route & MPIDR_AFF))
			return i;
	return VGIC_NONE;
}

void vgic_retarget(struct vgic_dist *d)
{
	u64 flags = spin_lock_irqsave(&d->lock);
	u64 last = ~0UL;
	u16 target = VGIC_NONE;
	unsigned i;

	for (i = VGIC_PRIVATE; i < d->nr_ids; i++) {
		if (d->route[i] != last) {
			last = d->route[i];
			target = target_of(d, last);
		}
		if (d->target[i] == target)
			continue;
		d->target[i] = target;
		vgic_update_spi(d, i, NULL);
	}
	spin_unlock_irqrestore(&d->lock, flags);
}

/* p->lock held. */
static void ready_set(struct vgic_pe *p, u32 intid, bool on)
{
	u64 *word = &p->ready[intid / 64];
	u32 bit = 1U << (intid / 64);

	if (on)
		*word |= BIT(intid % 64);
	else
		*word &= ~BIT(intid % 64);
	WRITE_ONCE(p->summary, *word ? p->summary | bit : p->summary & ~bit);
}

void vgic_update_private(struct vgic_pe *p, u32 intid, const struct vgic_pe *self)
{
	const struct vgic_bits *w = &p->w;
	u64 bit = BIT(intid);
	u64 pend = vgic_pending(w) & w->enabled & ~w->claimed & bit;

	ready_set(p, intid, pend || ((w->active | w->inlr) & bit));
	if (pend && p->dist && p != self)
		p->dist->ops->kick(p);
}

void vgic_update_spi(struct vgic_dist *d, u32 intid, const struct vgic_pe *self)
{
	const struct vgic_bits *w = &d->w[intid / 64];
	u64 bit = BIT(intid % 64);
	bool pend = vgic_pending(w) & w->enabled & ~w->claimed & bit;
	bool busy = (w->active | w->inlr) & bit;
	u16 old = d->owner[intid], new = VGIC_NONE;

	/* Active, or in a list register: it stays where it is, whatever its route says. */
	if (busy && old != VGIC_NONE)
		new = old;
	else if (busy || pend)
		new = d->target[intid];
	if (old != new) {
		if (old != VGIC_NONE) {
			spin_lock(&d->pes[old]->lock);
			ready_set(d->pes[old], intid, false);
			spin_unlock(&d->pes[old]->lock);
		}
		if (new != VGIC_NONE) {
			spin_lock(&d->pes[new]->lock);
			ready_set(d->pes[new], intid, true);
			spin_unlock(&d->pes[new]->lock);
		}
		d->owner[intid] = new;
	}
	if (pend && new != VGIC_NONE && d->pes[new] != self)
		d->ops->kick(d->pes[new]);
}

/* true: something changed. */
static bool input_set(struct vgic_bits *w, u64 bit, bool level)
{
	if (w->edge & bit) {
		if (!level)
			return false;
		w->latch |= bit;
		return true;
	}
	if (!!(w->level & bit) == level)
		return false;
	w->level = level ? w->level | bit : w->level & ~bit;
	return true;
}

/* true: it belongs to an SDEI event, which is to be told. Lock of its bits held. */
static bool input_claimed(const struct vgic_bits *w, u64 bit)
{
	return unlikely(w->claimed & bit) && (vgic_pending(w) & bit);
}

int vgic_model_inject(struct vgic_dist *d, struct vgic_pe *p, u32 intid, bool level)
{
	bool tell = false;
	u64 flags;

	if (intid < VGIC_PRIVATE) {
		if (!p)
			return -EINVAL;
		flags = spin_lock_irqsave(&p->lock);
		if (input_set(&p->w, BIT(intid), level)) {
			vgic_update_private(p, intid, NULL);
			tell = input_claimed(&p->w, BIT(intid));
		}
		spin_unlock_irqrestore(&p->lock, flags);
	} else {
		if (intid >= d->nr_ids)
			return -EINVAL;
		flags = spin_lock_irqsave(&d->lock);
		if (input_set(&d->w[intid / 64], BIT(intid % 64), level)) {
			vgic_update_spi(d, intid, NULL);
			tell = input_claimed(&d->w[intid / 64], BIT(intid % 64));
		}
		spin_unlock_irqrestore(&d->lock, flags);
	}
	if (unlikely(tell))
		d->ops->claimed(d, intid < VGIC_PRIVATE ? p : NULL, intid);
	return 0;
}

void vgic_model_sgi(struct vgic_dist *d, struct vgic_pe *p, u32 intid, bool group1)
{
	u64 flags = spin_lock_irqsave(&p->lock);
	bool is_group1 = p->w.group & BIT(intid);

	/* ICC_SGI1R_EL1 raises SGIs of either group, as on Linux; the others none of group 1 (IHI 0069, 12.2). */
	if (group1 || !is_group1) {
		p->w.latch |= BIT(intid);
		vgic_update_private(p, intid, NULL);
	}
	spin_unlock_irqrestore(&p->lock, flags);
}

#define SGI_IRM		BIT(40)
#define SGI_INTID(v)	((u32)((v) >> 24 & 0xf))
#define SGI_RS(v)	((u32)((v) >> 44 & 0xf))

/* Aff3.Aff2.Aff1 of the targets in MPIDR layout. */
static u64 sgi_cluster(u64 val)
{
	return (val >> 48 & 0xff) << 32 | (val >> 32 & 0xff) << 16 | (val >> 16 & 0xff) << 8;
}

static bool sgi_targets(const struct vgic_pe *p, const struct vgic_pe *self, u64 val)
{
	u32 aff0 = p->mpidr & 0xff;

	if (val & SGI_IRM)
		return p != self;
	return (p->mpidr & (MPIDR_AFF & ~0xffUL)) == sgi_cluster(val) &&
		aff0 / 16 == SGI_RS(val) && (val >> (aff0 % 16) & 1);
}

/* Where the first of a target list would be if affinities follow indexes, as they do by default: 16 to a cluster. */
static unsigned sgi_guess(u64 val)
{
	return (val >> 16 & 0xff) * 16 + SGI_RS(val) * 16 + __builtin_ctzl(val);
}

bool vgic_model_sgi_write(struct vgic_dist *d, struct vgic_pe *self, u64 val, bool group1, bool not_self)
{
	unsigned n = __atomic_load_n(&d->nr_pes, __ATOMIC_ACQUIRE);
	unsigned i, first = 0;
	u16 left = val;		/* target list */

	if (not_self && sgi_targets(self, self, val))
		return false;
	if (!(val & SGI_IRM) && left && sgi_guess(val) < n)
		first = sgi_guess(val);
	for (i = 0; i < n; i++) {
		unsigned at = first + i < n ? first + i : first + i - n;
		struct vgic_pe *p = d->pes[at];

		if (!p || !sgi_targets(p, self, val))
			continue;
		vgic_model_sgi(d, p, SGI_INTID(val), group1);
		left &= ~BIT(p->mpidr % 16);
		if (!(val & SGI_IRM) && !left)
			break;	/* affinities are unique */
	}
	return true;
}

u32 vgic_model_active(struct vgic_pe *p)
{
	/* Only the PE's own thread moves it between the two. */
	return READ_ONCE(p->w.active) | READ_ONCE(p->w.inlr);
}

/* Some interrupt of this word that the PE would take now; bits of other PEs' interrupts are not in ready. */
static bool word_pending(const struct vgic_dist *d, const struct vgic_bits *w, const u8 *prio, u64 ready, u64 vmcr)
{
	u64 grp = ((d->en & 1) && (vmcr & VMCR_ENG0) ? ~w->group : 0) |
		((d->en & 2) && (vmcr & VMCR_ENG1) ? w->group : 0);
	u64 bits = ready & vgic_pending(w) & w->enabled & ~w->active & grp;
	u8 pmr = vmcr >> VMCR_PMR_SHIFT;

	for (; bits; bits &= bits - 1)
		if (prio[__builtin_ctzl(bits)] < pmr)
			return true;
	return false;
}

bool vgic_model_has_pending(struct vgic_pe *p)
{
	struct vgic_dist *d = p->dist;
	u64 flags, vmcr;
	bool found;
	unsigned i;

	if (!d || !READ_ONCE(p->summary))
		return false;
	if (READ_ONCE(p->summary) == 1) {	/* mostly a private one */
		flags = spin_lock_irqsave(&p->lock);
		found = word_pending(d, &p->w, p->prio, p->ready[0] & 0xffffffff, vgic_pe_takes(p));
		spin_unlock_irqrestore(&p->lock, flags);
		if (found)
			return true;
	}
	flags = spin_lock_irqsave(&d->lock);
	spin_lock(&p->lock);
	vmcr = vgic_pe_takes(p);
	found = word_pending(d, &p->w, p->prio, p->ready[0] & 0xffffffff, vmcr);
	if (!found)
		found = vgic_lpi_has_pending(p);
	for (i = 0; i < VGIC_WORDS && !found; i++)
		if (p->summary & (1U << i))
			found = word_pending(d, &d->w[i], &d->prio[i * 64],
					     i ? p->ready[i] : p->ready[0] & ~0xffffffffUL, vmcr);
	spin_unlock(&p->lock);
	spin_unlock_irqrestore(&d->lock, flags);
	return found;
}

const char *vgic_model_check(struct vgic_dist *d)
{
	unsigned i, n;

	for (n = 0; n < d->nr_pes; n++) {
		struct vgic_pe *p = d->pes[n];

		for (i = 0; i < VGIC_WORDS; i++)
			if (!p->ready[i] != !(p->summary & (1U << i)))
				return "summary does not match the ready words";
		if ((p->ready[0] & 0xffffffff) !=
		    (((vgic_pending(&p->w) & p->w.enabled & ~p->w.claimed) | p->w.active | p->w.inlr) & 0xffffffff))
			return "ready does not match the private state";
		if (!p->live && p->w.inlr)
			return "a private interrupt is in a list register of a PE that has none loaded";
	}
	for (i = VGIC_PRIVATE; i < d->nr_ids; i++) {
		const struct vgic_bits *w = &d->w[i / 64];
		u64 bit = BIT(i % 64);
		bool busy = (w->active | w->inlr) & bit;
		bool want = busy || (vgic_pending(w) & w->enabled & ~w->claimed & bit);
		u16 owner = d->owner[i];

		if (!want && owner != VGIC_NONE)
			return "an idle SPI has an owner";
		if (want && owner == VGIC_NONE && d->target[i] != VGIC_NONE)
			return "an SPI with a target has no owner";
		if (want && !busy && owner != d->target[i])
			return "a pending SPI is not at its target";
		if ((w->deact | w->cpend) & ~w->inlr)
			return "orders for an SPI that is in no list register";
		for (n = 0; n < d->nr_pes; n++)
			if (!!(d->pes[n]->ready[i / 64] & bit) != (owner == n))
				return "an SPI's owner and the ready bitmaps differ";
	}
	return vgic_lpi_check(d);
}
