// SPDX-License-Identifier: GPL-2.0-only
/* From an offset in a frame to its register's row, and the row's handler. Pure logic. Table: tables/gicmmio.tbl. */
#include <linux/errno.h>

#include "kvm/vgic/mmio.h"
#include "gicmmio.h"
#include "gicmmio.inc"

static const struct vgic_frame frames[] = {
	[VGIC_GICD] = { gicd_regs, gicd_granule, gicd_sub },
	[VGIC_GICR_RD] = { gicr_rd_regs, gicr_rd_granule, gicr_rd_sub },
	[VGIC_GICR_SGI] = { gicr_sgi_regs, gicr_sgi_granule, gicr_sgi_sub },
	[VGIC_GITS] = { gits_regs, gits_granule, gits_sub },
};

const struct vgic_reg *vgic_reg_find(enum vgic_frame_id frame, u32 offset, u32 len, bool user)
{
	const struct vgic_frame *f = &frames[frame];
	const struct vgic_reg *r;
	unsigned at = f->granule[offset / 128 & 511];

	if (at & 0x80)
		at = f->sub[at & 0x7f][offset / 4 & 31];
	if (!at)
		return NULL;
	r = &f->regs[at - 1];
	if (user)	/* 32 bits at a time, whatever the guest may do */
		return r->user && len == 4 && !(offset & 3) ? r : NULL;
	if (!(r->widths & len) || (offset & (len - 1)))
		return NULL;
	return r;
}

u64 vgic_merge(u64 old, const struct vgic_access *a, u64 val)
{
	unsigned shift = (a->off & 7) * 8;
	u64 mask = a->len == 8 ? ~0UL : GENMASK(a->len * 8 - 1, 0);

	return (old & ~(mask << shift)) | (val & mask) << shift;
}

static u64 reg_get(const struct vgic_reg *r, struct vgic_access *a)
{
	u64 val;

	if (!r->read)
		return 0;
	val = r->read(a);
	return r->wide ? val >> (a->off & 7) * 8 : val;
}

u64 vgic_mmio_read(enum vgic_frame_id frame, u32 offset, struct vgic_access *a)
{
	const struct vgic_reg *r = vgic_reg_find(frame, offset, a->len, false);

	if (!r)
		return 0;
	a->off = offset - r->base;
	return reg_get(r, a);
}

bool vgic_mmio_read_plain(enum vgic_frame_id frame, u32 offset, struct vgic_access *a, u64 *val)
{
	const struct vgic_reg *r = vgic_reg_find(frame, offset, a->len, false);

	if (!r || r->bits)
		return false;
	a->off = offset - r->base;
	*val = reg_get(r, a);
	if (a->len == 4)
		*val = (u32)*val;
	return true;
}

void vgic_mmio_write(enum vgic_frame_id frame, u32 offset, struct vgic_access *a, u64 val)
{
	const struct vgic_reg *r = vgic_reg_find(frame, offset, a->len, false);

	if (!r || !r->write)
		return;
	a->off = offset - r->base;
	r->write(a, val);
}

bool vgic_user_has(enum vgic_frame_id frame, u32 offset, const struct vgic_dist *d)
{
	const struct vgic_reg *r = offset < 0x10000 ? vgic_reg_find(frame, offset, 4, true) : NULL;

	return r && (frame != VGIC_GICD || !r->bits || (offset - r->base) * 8 / r->bits < MAX(d->nr_ids, 32U));
}

int vgic_user_access(enum vgic_frame_id frame, u32 offset, struct vgic_access *a, u32 *val, bool write)
{
	const struct vgic_reg *r = offset < 0x10000 ? vgic_reg_find(frame, offset, 4, true) : NULL;

	/* As Linux has it: only KVM_HAS_DEVICE_ATTR tells whether there is something. */
	if (!r) {
		if (!write)
			*val = 0;
		return 0;
	}
	a->off = offset - r->base;
	a->len = 4;
	a->user = true;
	if (write)
		return r->write ? r->write(a, *val) : 0;
	*val = reg_get(r, a);
	return 0;
}

int vgic_its_user_access(u32 offset, struct vgic_access *a, u64 *val, bool write)
{
	const struct vgic_reg *r = offset < 0x10000 ? vgic_reg_find(VGIC_GITS, offset, 4, true) : NULL;

	if (!r)
		return -ENXIO;
	a->off = offset - r->base;
	a->len = r->wide ? 8 : 4;
	a->user = true;
	if (write)
		return r->write ? r->write(a, *val) : 0;
	*val = reg_get(r, a);
	return 0;
}
