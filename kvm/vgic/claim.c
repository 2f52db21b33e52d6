// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts that belong to SDEI events: while an event that is bound to one is registered, its guest sees nothing of the
 * interrupt in the GIC's registers and never takes it; its input is the event's source. Pure logic; takes the lock of the
 * interrupt's bits. Arm DEN0054, interrupt binding; docs/abi/sdei.md.
 */
#ifdef NATIVE
#include <errno.h>
#else
#include <linux/errno.h>
#endif

#include "kvm/vgic/model.h"

struct held {
	struct vgic_bits *w;
	u64 bit;
	spinlock_t *lock;
	u64 flags;
};

static struct held hold(struct vgic_dist *d, struct vgic_pe *p, u32 intid)
{
	struct held h = {
		.w = p ? &p->w : &d->w[intid / 64], .bit = BIT(intid % 64), .lock = p ? &p->lock : &d->lock,
	};

	h.flags = spin_lock_irqsave(h.lock);
	return h;
}

static void let_go(struct held *h)
{
	spin_unlock_irqrestore(h->lock, h->flags);
}

static void update(struct vgic_dist *d, struct vgic_pe *p, u32 intid)
{
	if (p)
		vgic_update_private(p, intid, NULL);
	else
		vgic_update_spi(d, intid, NULL);
}

bool vgic_irq_exists(const struct vgic_dist *d, u32 intid)
{
	return intid >= 16 && intid < d->nr_ids;
}

int vgic_claim(struct vgic_dist *d, struct vgic_pe *p, u32 intid, bool keep)
{
	struct held h = hold(d, p, intid);
	int ret = 0;

	if (keep) {
		h.w->claimed |= h.bit;
	} else if (h.w->inlr & h.bit) {
		ret = -EAGAIN;
	} else if (h.w->active & h.bit) {
		ret = -EBUSY;
	} else {
		h.w->enabled &= ~h.bit;
		h.w->latch &= ~h.bit;
		h.w->claimed |= h.bit;
	}
	if (!ret)
		update(d, p, intid);
	let_go(&h);
	return ret;
}

void vgic_unclaim(struct vgic_dist *d, struct vgic_pe *p, u32 intid, bool keep)
{
	struct held h = hold(d, p, intid);

	h.w->claimed &= ~h.bit;
	if (!keep) {
		h.w->enabled &= ~h.bit;
		h.w->latch &= ~h.bit;
	}
	update(d, p, intid);
	let_go(&h);
}

/* A PPI of a timer: nobody tells when its line falls. Its lock held. */
static void linked_look(struct vgic_dist *d, struct vgic_pe *p, struct held *h, u32 intid)
{
	if (d->ops->hw_level(p, intid)) {
		h->w->level |= h->bit;
	} else {
		h->w->level &= ~h->bit;
		d->ops->hw_active(p, intid, false);
	}
}

bool vgic_claim_pending(struct vgic_dist *d, struct vgic_pe *p, u32 intid, bool here)
{
	struct held h = hold(d, p, intid);
	bool pending = vgic_pending(h.w) & h.w->claimed & h.bit;

	if (pending && here && p && (p->hw & h.bit)) {
		linked_look(d, p, &h, intid);
		pending = vgic_pending(h.w) & h.bit;
	}
	let_go(&h);
	return pending;
}

void vgic_claim_begin(struct vgic_dist *d, struct vgic_pe *p, u32 intid)
{
	struct held h = hold(d, p, intid);

	h.w->latch &= ~h.bit;
	let_go(&h);
}

void vgic_claim_end(struct vgic_dist *d, struct vgic_pe *p, u32 intid, bool here)
{
	struct held h;

	if (!p || !here || !(p->hw & BIT(intid)))
		return;
	h = hold(d, p, intid);
	linked_look(d, p, &h, intid);
	let_go(&h);
}
