// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vGIC device of a VM and the part of it that each vCPU has, around the model. Locks: vm->lock for configuration
 * (bases, regions, nr_ids, ready, mapped), the model's own for the rest.
 */
#pragma once

#include "kvm/vgic/mmio.h"
#include "kvm/vgic/model.h"
#include "kvm/vgic/vgic.h"

#define VGIC_UNSET	(~0UL)
#define FRAME_SIZE	0x10000UL
#define REDIST_SIZE	0x20000UL

struct rd_region {
	struct list node;
	unsigned index;
	u64 base;
	unsigned count;		/* 0: legacy single region, as many as there are vCPUs */
	unsigned used;
};

struct vgic {
	struct vgic_dist d;
	struct vm *vm;
	bool mapped;		/* frames on the I/O bus */
	u32 maint;		/* INTID of the maintenance interrupt of guest hypervisors; 0: nobody has said or asked yet */
	u64 dist_base;
	struct list regions;	/* in the order of their indexes */
	struct iodev dist_io;
};

struct vgic_cpu {
	struct vgic_pe pe;
	struct vcpu *v;
	struct rd_region *region;	/* NULL: no place yet */
	unsigned slot;			/* in region */
	struct iodev io;
	bool on_bus;
	bool has_sizes;			/* ICC_CTLR_EL1.PRIbits and IDbits have been written: */
	u16 sizes;
	bool (*level[VGIC_PRIVATE])(struct vcpu *v, u32 intid);
};

struct vgic_host {
	unsigned nr_lr, nr_apr;		/* active-priority registers per group */
	unsigned pri_bits, id_bits;
	bool tdir;			/* ICC_DIR_EL1 can be trapped alone */
	bool seis, a3v;
};
extern struct vgic_host vgic_host;
extern const struct kvm_device_ops vgic_v3_ops, vgic_its_ops;
extern const struct vgic_ops vgic_model_ops;

/* region.c; vm->lock held */
int vgic_region_add(struct vm *vm, unsigned index, u64 base, unsigned count);
struct rd_region *vgic_region_find(struct vgic *g, unsigned index);
int vgic_redist_place(struct vcpu *v);	/* 0 also when no region has room yet; -EINVAL */
void vgic_redist_last_update(struct vm *vm);	/* GICR_TYPER.Last of all */
bool vgic_layout_ok(struct vgic *g);
int vgic_check_range(struct vm *vm, u64 now, u64 base, u64 align, u64 size);
void vgic_regions_free(struct vgic *g);
int vgic_frames_map(struct vm *vm);

/* init.c */
int vgic_create(struct vm *vm);
int vgic_ready_make(struct vm *vm);	/* vm->lock held */

/* its_dev.c */
int vgic_its_attach(struct vgic *g);	/* a new vGIC of a VM that may have ITSes: vm->lock held; -ENOMEM */
void vgic_its_destroy(struct vm *vm);	/* while the vGIC is still there */

/* lr.c: the CPU interface of the vCPU that is loaded here; interrupts off, list registers synced */
u64 vgic_vmcr_get(struct vcpu *v);
void vgic_vmcr_set(struct vcpu *v, u64 vmcr);
u64 vgic_rpr_get(void);		/* running priority */

/* icc.c: CPU interface registers through device attributes; instr as KVM_DEV_ARM_VGIC_SYSREG_INSTR_MASK has it */
int vgic_icc_access(struct vcpu *v, u32 instr, u64 *val, bool write);
