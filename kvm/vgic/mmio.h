// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of the GICD and GICR frames: rows of tables/gicmmio.tbl become tables by offset, so that finding a register
 * is two loads. Pure logic; handlers take the model's locks themselves. IHI 0069 chapter 12.
 */
#pragma once

#include "kvm/vgic/model.h"

struct its;

struct vgic_access {
	struct vgic_dist *d;
	struct its *its;		/* whose GITS frame, its->mutex held; NULL for the others */
	struct vgic_pe *p;		/* whose redistributor */
	struct vgic_pe *self;		/* who accesses; NULL: user space, all PEs out of the guest */
	u32 off;			/* from the row's base */
	u32 len;			/* bytes: 1, 4, 8 */
	bool user;
};

struct vgic_reg {
	u32 base, len;
	u8 widths;			/* or of the allowed lengths in bytes */
	u8 bits;			/* per interrupt; 0: a plain register */
	bool user;			/* through device attributes */
	bool wide;			/* 64-bit register: handlers see it whole */
	u64 (*read)(struct vgic_access *a);			/* NULL: reads as zero */
	int (*write)(struct vgic_access *a, u64 val);		/* NULL: ignored; errors only for user space */
	const char *name;
};

struct vgic_frame {
	const struct vgic_reg *regs;
	const u8 *granule;		/* by offset / 128: row + 1, 0: none, or 0x80 + sub */
	const u8 (*sub)[32];		/* by word in a granule with several rows: row + 1 */
};

enum vgic_frame_id { VGIC_GICD, VGIC_GICR_RD, VGIC_GICR_SGI, VGIC_GITS };

/* The row that covers [offset, offset + len) with this width, naturally aligned; NULL: reserved. offset < 64 KiB. */
const struct vgic_reg *vgic_reg_find(enum vgic_frame_id frame, u32 offset, u32 len, bool user);
/* What a guest does: reserved registers read as zero. a->off is set here. */
u64 vgic_mmio_read(enum vgic_frame_id frame, u32 offset, struct vgic_access *a);
/* The same for registers that say nothing about single interrupts, so without a look at list registers; false: not one. */
bool vgic_mmio_read_plain(enum vgic_frame_id frame, u32 offset, struct vgic_access *a, u64 *val);
void vgic_mmio_write(enum vgic_frame_id frame, u32 offset, struct vgic_access *a, u64 val);
/* Whether there is such a register, of interrupts that exist. */
bool vgic_user_has(enum vgic_frame_id frame, u32 offset, const struct vgic_dist *d);
/* What user space does: 32 bits. 0, -EINVAL. What is not there reads as zero. */
int vgic_user_access(enum vgic_frame_id frame, u32 offset, struct vgic_access *a, u32 *val, bool write);
/* The same of an ITS: whole registers. */
int vgic_its_user_access(u32 offset, struct vgic_access *a, u64 *val, bool write);
/* Input lines of 32 interrupts from intid on, a multiple of 32. */
u32 vgic_levels_get(struct vgic_dist *d, struct vgic_pe *p, u32 intid);
void vgic_levels_set(struct vgic_dist *d, struct vgic_pe *p, u32 intid, u32 val);

u64 vgic_merge(u64 old, const struct vgic_access *a, u64 val);	/* part of a 64-bit register */
/* Shareability (bits 11:10) and cacheability (3 bits each at inner, outer) of a table, as far as they can be had. */
u64 vgic_table_attrs(u64 reg, unsigned inner, unsigned outer);
