// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers that are one field of many interrupts, alike in the distributor (SPIs) and in a redistributor's second page
 * (SGIs, PPIs), and the distributor's own. Pure logic; takes the lock of the interrupts concerned. IHI 0069 12.9.
 */
#include <linux/errno.h>

#include "kvm/vgic/mmio.h"
#include "gicmmio.h"

#define CTLR_ARE	BIT(4)
#define CTLR_DS		BIT(6)
#define TYPER_LPIS	BIT(17)
#define TYPER_IDBITS_SHIFT 19		/* less one */
#define IIDR_KVM	(0x4bU << 24 | 0x43b)	/* product K, implementer Arm: what Linux's KVM reads as */
#define IIDR_REV_SHIFT	12
#define ROUTE_MASK	0xffffffUL		/* GICD_TYPER.A3V is 0 */

/* A run of interrupts that one access names, with its lock held. */
struct span {
	struct vgic_bits *w;
	unsigned shift;		/* of the first one in w */
	u32 first;
	spinlock_t *lock;
	u64 flags;
};

/* False: none of these exists (beyond GICD_TYPER, or private ones through the distributor), nothing locked. */
static bool span_lock(struct vgic_access *a, struct span *s, unsigned bits)
{
	s->first = a->off * 8 / bits;
	if (a->p) {
		if (s->first >= VGIC_PRIVATE)
			return false;
		s->w = &a->p->w;
		s->lock = &a->p->lock;
	} else {
		if (s->first < VGIC_PRIVATE || s->first >= a->d->nr_ids)
			return false;
		s->w = &a->d->w[s->first / 64];
		s->lock = &a->d->lock;
	}
	s->shift = s->first % 64;
	s->flags = spin_lock_irqsave(s->lock);
	return true;
}

static void span_unlock(struct span *s)
{
	spin_unlock_irqrestore(s->lock, s->flags);
}

/* The bits that exist of a write to 32 interrupts. */
static u64 span_mask(struct vgic_access *a, const struct span *s, u64 val)
{
	u32 left = a->p ? 32 : a->d->nr_ids - s->first;

	val &= 0xffffffff;
	if (left < 32)
		val &= GENMASK(left - 1, 0);
	val <<= s->shift;
	return a->user ? val : val & ~s->w->claimed;
}

/* Whether an interrupt reads as zero and ignores writes: an SDEI event has it. Lock of its bits held. */
static bool hidden(const struct vgic_access *a, const struct vgic_bits *w, u32 intid)
{
	return !a->user && unlikely(w->claimed >> intid % 64 & 1);
}

static void span_update(struct vgic_access *a, struct span *s, u64 changed)
{
	for (; changed; changed &= changed - 1) {
		u32 intid = (s->first & ~63U) + __builtin_ctzl(changed);

		if (a->p)
			vgic_update_private(a->p, intid, NULL);
		else
			vgic_update_spi(a->d, intid, NULL);
	}
}

/* Have the PEs come out of the guest in whose list registers these are. */
static void span_fetch(struct vgic_access *a, struct span *s, u64 bits)
{
	for (; bits; bits &= bits - 1) {
		u16 pe = a->p ? a->p->index : a->d->owner[(s->first & ~63U) + __builtin_ctzl(bits)];

		if (pe != VGIC_NONE)
			a->d->ops->kick(a->d->pes[pe]);
	}
}

static u8 *prio_at(struct vgic_access *a, u32 intid)
{
	return a->p ? &a->p->prio[intid] : &a->d->prio[intid];
}

/* Only the PE that runs here can ask its own timers, and only for its own. */
static bool linked_here(const struct vgic_access *a, u64 bit)
{
	return a->p && a->p == a->self && (a->p->hw & bit);
}

#define SPAN_READER(name, expr)								\
u64 vgic_read_##name(struct vgic_access *a)						\
{											\
	struct span s;									\
	u64 val;									\
											\
	if (!span_lock(a, &s, 1))							\
		return 0;								\
	val = (expr) & (a->user ? ~0UL : ~s.w->claimed);				\
	val = val >> s.shift & 0xffffffff;						\
	span_unlock(&s);								\
	return val;									\
}

SPAN_READER(group, s.w->group)
SPAN_READER(enable, s.w->enabled)
/* User space sees the latch alone, so that what it saves and restores is not mixed with lines (GRP_LEVEL_INFO). */
SPAN_READER(pend, a->user ? s.w->latch : vgic_pending(s.w))
SPAN_READER(cpend, a->user ? 0 : vgic_pending(s.w))

int vgic_write_group(struct vgic_access *a, u64 val)
{
	struct span s;
	u64 all;

	if (!span_lock(a, &s, 1))
		return 0;
	all = span_mask(a, &s, ~0UL);
	val = span_mask(a, &s, val);
	s.w->group = (s.w->group & ~all) | val;
	span_update(a, &s, all & s.w->enabled & vgic_pending(s.w));
	span_unlock(&s);
	return 0;
}

/* A linked PPI that is turned on: its line may have changed while nobody looked. */
static void linked_resample(struct vgic_access *a, struct span *s, u64 bits)
{
	for (bits &= a->p ? a->p->hw : 0; bits; bits &= bits - 1) {
		u32 intid = __builtin_ctzl(bits);
		u64 bit = BIT(intid);
		bool was = s->w->level & bit;

		if (!linked_here(a, bit))
			continue;
		if (a->d->ops->hw_level(a->p, intid)) {
			s->w->level |= bit;
		} else {
			s->w->level &= ~bit;
			if (was && !(s->w->active & bit))
				a->d->ops->hw_active(a->p, intid, false);
		}
	}
}

int vgic_write_senable(struct vgic_access *a, u64 val)
{
	struct span s;

	if (!span_lock(a, &s, 1))
		return 0;
	val = span_mask(a, &s, val) & ~s.w->enabled;
	linked_resample(a, &s, val);
	s.w->enabled |= val;
	span_update(a, &s, val);
	span_unlock(&s);
	return 0;
}

int vgic_write_cenable(struct vgic_access *a, u64 val)
{
	struct span s;

	if (!span_lock(a, &s, 1))
		return 0;
	val = span_mask(a, &s, val) & s.w->enabled;
	/* One that waits in another PE's list register could still be taken there: fetch it back. */
	span_fetch(a, &s, val & s.w->inlr);
	s.w->enabled &= ~val;
	span_update(a, &s, val);
	span_unlock(&s);
	return 0;
}

int vgic_write_spend(struct vgic_access *a, u64 val)
{
	struct span s;
	u64 bits;

	if (!span_lock(a, &s, 1))
		return 0;
	val = span_mask(a, &s, val);
	if (a->user) {	/* the whole latch, whatever ISPENDR means to a guest */
		u64 all = span_mask(a, &s, ~0UL);

		s.w->latch = (s.w->latch & ~all) | val;
		span_update(a, &s, all);
	} else {
		s.w->latch |= val;
		for (bits = val & (a->p ? a->p->hw : 0); bits; bits &= bits - 1)
			if (linked_here(a, bits & -bits))
				a->d->ops->hw_active(a->p, __builtin_ctzl(bits), true);
		span_update(a, &s, val);
	}
	span_unlock(&s);
	return 0;
}

int vgic_write_cpend(struct vgic_access *a, u64 val)
{
	struct span s;

	if (a->user || !span_lock(a, &s, 1))
		return 0;
	val = span_mask(a, &s, val);
	s.w->latch &= ~val;
	/* In a list register: its PE drops the pending state when it comes out of the guest. */
	s.w->cpend |= val & s.w->inlr;
	span_fetch(a, &s, val & s.w->inlr);
	if (a->p)
		linked_resample(a, &s, val & ~s.w->active);
	span_update(a, &s, val);
	span_unlock(&s);
	return 0;
}

/*
 * Active state may be in the list register of a running PE: stop all if one of those in val is. As span_lock otherwise;
 * *stopped: to be resumed after the unlock.
 */
static bool span_lock_active(struct vgic_access *a, struct span *s, u64 val, bool *stopped)
{
	*stopped = false;
	if (!span_lock(a, s, 1))
		return false;
	if (s->w->inlr & span_mask(a, s, val)) {
		span_unlock(s);
		a->d->ops->stop(a->d);
		*stopped = true;
		span_lock(a, s, 1);
	}
	return true;
}

/* Whoever takes an interrupt away from a driver asks here whether another CPU is still at it: Linux's synchronize_irq. */
u64 vgic_read_active(struct vgic_access *a)
{
	struct span s;
	bool stopped;
	u64 val;

	if (!span_lock_active(a, &s, ~0UL, &stopped))
		return 0;
	val = (s.w->active & span_mask(a, &s, ~0UL)) >> s.shift;
	span_unlock(&s);
	if (stopped)
		a->d->ops->resume(a->d);
	return val;
}

/* The guest may look at the result at once. */
static void active_change(struct vgic_access *a, u64 val, bool set)
{
	struct span s;
	bool stopped;
	u64 bits;

	if (!span_lock_active(a, &s, val, &stopped))
		return;
	val = span_mask(a, &s, val);
	s.w->active = set ? s.w->active | val : s.w->active & ~val;
	bits = val & (a->p && !a->user ? a->p->hw : 0);
	if (bits && a->p != a->self)	/* it may have been stopped too shortly to be switched out */
		a->d->ops->hw_stale(a->p);
	for (; bits; bits &= bits - 1)
		if (linked_here(a, bits & -bits))
			a->d->ops->hw_active(a->p, __builtin_ctzl(bits), set);
	span_update(a, &s, val);
	span_unlock(&s);
	if (stopped)
		a->d->ops->resume(a->d);
}

int vgic_write_sactive(struct vgic_access *a, u64 val)
{
	active_change(a, val, true);
	return 0;
}

int vgic_write_cactive(struct vgic_access *a, u64 val)
{
	active_change(a, val, false);
	return 0;
}

u64 vgic_read_prio(struct vgic_access *a)
{
	struct span s;
	u64 val = 0;
	unsigned i;

	if (!span_lock(a, &s, 8))
		return 0;
	for (i = 0; i < a->len; i++)
		if (!hidden(a, s.w, s.first + i))
			val |= (u64)*prio_at(a, s.first + i) << i * 8;
	span_unlock(&s);
	return val;
}

int vgic_write_prio(struct vgic_access *a, u64 val)
{
	struct span s;
	unsigned i;

	if (!span_lock(a, &s, 8))
		return 0;
	for (i = 0; i < a->len; i++)
		if ((a->p || s.first + i < a->d->nr_ids) && !hidden(a, s.w, s.first + i))
			*prio_at(a, s.first + i) = val >> i * 8 & VGIC_PRIO_MASK;
	span_unlock(&s);
	return 0;
}

u64 vgic_read_cfg(struct vgic_access *a)
{
	struct span s;
	u64 val = 0;
	unsigned i;

	if (!span_lock(a, &s, 2))
		return 0;
	for (i = 0; i < 16; i++)
		val |= hidden(a, s.w, s.first + i) ? 0 : (s.w->edge >> (s.shift + i) & 1) << (i * 2 + 1);
	span_unlock(&s);
	return val;
}

int vgic_write_cfg(struct vgic_access *a, u64 val)
{
	struct span s;
	unsigned i;

	/* SGIs are edges by definition; PPIs are the timers' and the PMU's, levels. */
	if (a->p || !span_lock(a, &s, 2))
		return 0;
	for (i = 0; i < 16 && s.first + i < a->d->nr_ids; i++) {
		u64 bit = BIT(s.shift + i);
		bool was = vgic_pending(s.w) & bit;

		if (hidden(a, s.w, s.first + i))
			continue;
		s.w->edge = val >> (i * 2 + 1) & 1 ? s.w->edge | bit : s.w->edge & ~bit;
		if (was != !!(vgic_pending(s.w) & bit))
			vgic_update_spi(a->d, s.first + i, NULL);
	}
	span_unlock(&s);
	return 0;
}

u64 vgic_read_route(struct vgic_access *a)
{
	u32 intid = a->off / 8;

	if (intid < VGIC_PRIVATE || intid >= a->d->nr_ids || hidden(a, &a->d->w[intid / 64], intid))
		return 0;
	return READ_ONCE(a->d->route[intid]);
}

int vgic_write_route(struct vgic_access *a, u64 val)
{
	struct vgic_dist *d = a->d;
	u32 intid = a->off / 8;
	unsigned i;
	u16 target = VGIC_NONE;
	u64 flags;

	if (intid < VGIC_PRIVATE || intid >= d->nr_ids)
		return 0;
	flags = spin_lock_irqsave(&d->lock);
	if (hidden(a, &d->w[intid / 64], intid)) {
		spin_unlock_irqrestore(&d->lock, flags);
		return 0;
	}
	d->route[intid] = vgic_merge(d->route[intid], a, val) & ROUTE_MASK;
	for (i = 0; i < d->nr_pes && target == VGIC_NONE; i++)
		if (d->pes[i] && (d->pes[i]->mpidr & 0xff00ffffffUL) == d->route[intid])
			target = i;
	d->target[intid] = target;
	/* Waiting in the old PE's list register: it comes back with that PE's next exit, and goes where it should. */
	if ((d->w[intid / 64].inlr >> (intid % 64) & 1) && d->owner[intid] != VGIC_NONE)
		d->ops->kick(d->pes[d->owner[intid]]);
	vgic_update_spi(d, intid, NULL);
	spin_unlock_irqrestore(&d->lock, flags);
	return 0;
}

u64 vgic_read_dctlr(struct vgic_access *a)
{
	return a->d->en | CTLR_ARE | CTLR_DS;
}

int vgic_write_dctlr(struct vgic_access *a, u64 val)
{
	struct vgic_dist *d = a->d;
	u64 flags = spin_lock_irqsave(&d->lock);
	bool changed = d->en != (val & 3);
	unsigned i;

	d->en = val & 3;
	/* A PE that finds its groups off (its own lock held, not ours) has its summary set: either it or we see the other's. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (i = 0; changed && i < d->nr_pes; i++)
		if (d->pes[i] && READ_ONCE(d->pes[i]->summary))
			d->ops->kick(d->pes[i]);
	spin_unlock_irqrestore(&d->lock, flags);
	return 0;
}

u64 vgic_read_dtyper(struct vgic_access *a)
{
	u64 lines = (a->d->nr_ids + 31) / 32 - 1;

	return lines | (a->d->lpi ? TYPER_LPIS | 15UL << TYPER_IDBITS_SHIFT : 9UL << TYPER_IDBITS_SHIFT);
}

/* Nothing of it is there: a snapshot that has something does not fit. */
int vgic_write_dtyper2(struct vgic_access *a, u64 val)
{
	return a->user && val ? -EINVAL : 0;
}

u64 vgic_read_riidr(struct vgic_access *a)
{
	return IIDR_KVM;
}

u64 vgic_read_diidr(struct vgic_access *a)
{
	return IIDR_KVM | (u32)a->d->revision << IIDR_REV_SHIFT;
}

int vgic_write_diidr(struct vgic_access *a, u64 val)
{
	unsigned rev = val >> IIDR_REV_SHIFT & 0xf;

	if (!a->user)
		return 0;
	if ((val & ~(0xfUL << IIDR_REV_SHIFT)) != IIDR_KVM || rev < 2 || rev > 3)
		return -EINVAL;
	a->d->revision = rev;
	return 0;
}

u64 vgic_read_idregs(struct vgic_access *a)
{
	return a->off == 0x18 ? 0x3b : 0;	/* PIDR2: GICv3 */
}

u32 vgic_levels_get(struct vgic_dist *d, struct vgic_pe *p, u32 intid)
{
	if (intid >= d->nr_ids)
		return 0;
	if (intid < VGIC_PRIVATE)
		return p->w.level & 0xffff0000;
	return (d->w[intid / 64].level & ~d->w[intid / 64].edge) >> intid % 64;
}

void vgic_levels_set(struct vgic_dist *d, struct vgic_pe *p, u32 intid, u32 val)
{
	struct vgic_access a = { .d = d, .p = intid < VGIC_PRIVATE ? p : NULL, .off = intid / 8, .len = 4, .user = true };
	struct span s;
	u64 all;

	if (!span_lock(&a, &s, 1))
		return;
	all = span_mask(&a, &s, a.p ? 0xffff0000 : 0xffffffff);
	s.w->level = (s.w->level & ~all) | (span_mask(&a, &s, val) & all);
	span_update(&a, &s, all);
	span_unlock(&s);
}
