// SPDX-License-Identifier: GPL-2.0-only
/*
 * The redistributor's own registers (first page); its second page shares dist.c. What concerns LPIs is there once the VM
 * has an ITS. Writes may sleep: they read tables in guest memory. IHI 0069 12.11.
 */
#include <linux/errno.h>

#include "kvm/vgic/mmio.h"
#include "gicmmio.h"

#define RCTLR_LPIS	BIT(0)
#define RCTLR_CES	BIT(1)
#define RCTLR_IR	BIT(2)
#define TYPER_PLPIS	BIT(0)
#define TYPER_LAST	BIT(4)
#define PROP_RES0	(GENMASK(63, 59) | GENMASK(55, 52) | GENMASK(6, 5))
#define PEND_PTZ	BIT(62)
#define PEND_RES0	(BIT(63) | GENMASK(61, 59) | GENMASK(55, 52) | GENMASK(15, 12) | GENMASK(6, 0))

u64 vgic_read_rctlr(struct vgic_access *a)
{
	return (a->d->revision >= 3 ? RCTLR_CES | RCTLR_IR : 0) | (READ_ONCE(a->p->lpis_on) ? RCTLR_LPIS : 0);
}

int vgic_write_rctlr(struct vgic_access *a, u64 val)
{
	bool on = val & RCTLR_LPIS;

	if (!a->d->lpi || READ_ONCE(a->p->lpis_on) == on)
		return 0;
	return vgic_lpis_enable(a->p, on);
}

u64 vgic_read_rtyper(struct vgic_access *a)
{
	const struct vgic_pe *p = a->p;
	u64 aff = (p->mpidr & 0xffffff) | (p->mpidr >> 32 & 0xff) << 24;

	return aff << 32 | (u64)(p->id & 0xffff) << 8 | (p->last ? TYPER_LAST : 0) | (a->d->lpi ? TYPER_PLPIS : 0);
}

u64 vgic_table_attrs(u64 reg, unsigned inner, unsigned outer)
{
	unsigned in = reg >> inner & 7, out = reg >> outer & 7;

	if ((reg >> 10 & 3) == 2)
		reg ^= 3UL << 10;		/* outer shareable: inner */
	if (in <= 1)
		reg = (reg & ~(7UL << inner)) | 3UL << inner;	/* device, non-cacheable: read-allocate write-back */
	if (out > 1)
		reg &= ~(7UL << outer);		/* as inner */
	return reg;
}

/* Tables may not move while some PE may look into them. */
static int base_write(struct vgic_access *a, u64 *reg, u64 val, u64 res0)
{
	u64 flags = spin_lock_irqsave(&a->d->lock);

	if (!a->p->lpis_on)
		*reg = vgic_table_attrs(vgic_merge(*reg, a, val), 7, 56) & ~res0;
	spin_unlock_irqrestore(&a->d->lock, flags);
	return 0;
}

u64 vgic_read_propbase(struct vgic_access *a)
{
	return READ_ONCE(a->d->propbaser);
}

int vgic_write_propbase(struct vgic_access *a, u64 val)
{
	return base_write(a, &a->d->propbaser, val, PROP_RES0);
}

u64 vgic_read_pendbase(struct vgic_access *a)
{
	return READ_ONCE(a->p->pendbaser) & ~PEND_PTZ;
}

int vgic_write_pendbase(struct vgic_access *a, u64 val)
{
	return base_write(a, &a->p->pendbaser, val, PEND_RES0);
}

/* Only the lower halves mean something here: the upper ones name virtual PEs (GICv4.1). */
int vgic_write_invlpi(struct vgic_access *a, u64 val)
{
	u32 intid = val;

	if (a->d->lpi && !(a->off & 4) && READ_ONCE(a->p->lpis_on) && vgic_lpi_valid(intid))
		(void)vgic_lpi_inv(a->d, intid);
	return 0;
}

int vgic_write_invall(struct vgic_access *a, u64 val)
{
	if (a->d->lpi && !(a->off & 4) && READ_ONCE(a->p->lpis_on))
		vgic_lpi_inv_all(a->d, a->p);
	return 0;
}
