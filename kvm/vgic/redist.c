// SPDX-License-Identifier: GPL-2.0-only
/* The redistributor's own registers (first page); its second page shares dist.c. No LPIs yet. IHI 0069 12.11. */
#include "kvm/vgic/mmio.h"
#include "gicmmio.h"

#define RCTLR_CES	BIT(1)
#define RCTLR_IR	BIT(2)
#define TYPER_LAST	BIT(4)

u64 vgic_read_rctlr(struct vgic_access *a)
{
	return a->d->revision >= 3 ? RCTLR_CES | RCTLR_IR : 0;
}

u64 vgic_read_rtyper(struct vgic_access *a)
{
	const struct vgic_pe *p = a->p;
	u64 aff = (p->mpidr & 0xffffff) | (p->mpidr >> 32 & 0xff) << 24;

	return aff << 32 | (u64)(p->id & 0xffff) << 8 | (p->last ? TYPER_LAST : 0);
}

u64 vgic_read_propbase(struct vgic_access *a)
{
	return READ_ONCE(a->p->propbaser);
}

int vgic_write_propbase(struct vgic_access *a, u64 val)
{
	u64 flags = spin_lock_irqsave(&a->p->lock);

	a->p->propbaser = vgic_merge(a->p->propbaser, a, val) & (GENMASK(51, 12) | GENMASK(11, 7) | GENMASK(4, 0));
	spin_unlock_irqrestore(&a->p->lock, flags);
	return 0;
}

u64 vgic_read_pendbase(struct vgic_access *a)
{
	return READ_ONCE(a->p->pendbaser);
}

int vgic_write_pendbase(struct vgic_access *a, u64 val)
{
	u64 flags = spin_lock_irqsave(&a->p->lock);

	a->p->pendbaser = vgic_merge(a->p->pendbaser, a, val) & (GENMASK(51, 16) | GENMASK(11, 7));
	spin_unlock_irqrestore(&a->p->lock, flags);
	return 0;
}
