// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual GICv3 as the rest of kvm/ sees it. Owner: kvm/vgic/. The model (model.c, model.h: per-interrupt state in words
 * and two-level bitmaps, no privileged instruction) compiles natively. Locks: dist lock, then a vCPU's vgic lock; never
 * dropped inside a walk.
 */
#pragma once

#include "kvm/vcpu.h"

int vgic_vcpu_create(struct vcpu *v);			/* allocates v->vgic; -ENOMEM */
void vgic_vcpu_destroy(struct vcpu *v);
/* v's mutex held, v has not run: its affinity (config.mpidr) is another one now. Redistributor, SGIs and routes follow. */
void vgic_affinity_changed(struct vcpu *v);
void vgic_vm_destroy(struct vm *vm);
int vgic_first_run(struct vcpu *v);			/* maps the frames; -EBUSY/-ENXIO: not (fully) configured, -EEXIST: maintenance interrupt taken, as Linux. Under vm->lock */
bool vgic_in_kernel(struct vm *vm);			/* created */
u32 vgic_maint_intid(struct vm *vm);	/* of its guest hypervisors; from vgic_first_run of a vCPU with an EL2 on */
/* Initialised (KVM_DEV_ARM_VGIC_CTRL_INIT); stays so. */
static inline bool vgic_ready(struct vm *vm)
{
	return __atomic_load_n(&vm->vgic_ready, __ATOMIC_ACQUIRE);
}
/* Around the guest, interrupts off, on the vCPU's thread. load/put: list registers' configuration (VMCR, APRs); flush/sync: list registers. */
void vgic_load(struct vcpu *v);
void vgic_put(struct vcpu *v);
/* Loaded: the bits more of ICH_HCR_EL2, traps that a guest hypervisor asks for, besides our own until the next vgic_load. */
void vgic_traps(struct vcpu *v, u64 more);
/* Loaded, but not running for a while (run/stay.c): others see what they would see after vgic_put. */
void vgic_stay(struct vcpu *v);
void vgic_flush(struct vcpu *v);			/* nothing pending and nothing in LRs: one load and a branch */
void vgic_sync(struct vcpu *v);
/* Something that would wake the vCPU from WFI. Any context. */
bool vgic_has_pending(struct vcpu *v);
/* From now on (or not any more) it means out of a PSCI suspend. On the vCPU's thread. */
void vgic_sleep(struct vcpu *v, bool on);
/* A message (KVM_SIGNAL_MSI, or a route's): 1 delivered, 0 nothing mapped, -ENODEV no ITS, -EINVAL, -EBUSY. Any context. */
int vm_signal_msi(struct vm *vm, const struct kvm_msi *m);
bool vgic_has_its(struct vm *vm);
/* Input of an interrupt: level, or an edge when level goes to true. v: for PPIs; NULL for SPIs. Any context. -EINVAL. */
int vgic_inject(struct vm *vm, struct vcpu *v, u32 intid, bool level);
/* A PPI backed by a physical interrupt: its list register carries HW=1 and pintid; level() tells its input. */
int vgic_map_ppi(struct vcpu *v, u32 intid, u32 pintid, bool (*level)(struct vcpu *v, u32 intid));
/* The line of a linked PPI of v went up while its guest is in this CPU: into a list register. Interrupts off. */
void vgic_raise_loaded(struct vcpu *v, u32 intid);
/* False: not as a list register; the interrupt is an SDEI event's. */
bool vgic_raise_possible(struct vcpu *v, u32 intid);
void vgic_unmap_ppi(struct vcpu *v, u32 intid);	/* from now on an ordinary one */
u32 vgic_ppis_active(struct vcpu *v);	/* bit per private interrupt: active, or in a list register; v's own thread asks */
/* Trapped ICC_SGI*_EL1 writes and other ICC registers that trap; true if handled (fast tier: guest loaded, interrupts off). */
bool vgic_sgi_write(struct vcpu *v, u64 val, bool group1);
/* The same with the guest loaded: false, and nothing done, if the vCPU itself is a target (it needs a flush). */
bool vgic_sgi_fast(struct vcpu *v, u64 val, bool group1);
/* ICC_DIR_EL1, trapped while EOImode is 1. List registers synced. */
void vgic_dir_write(struct vcpu *v, u64 val);
/* ICC_PMR_EL1, ICC_CTLR_EL1, ICC_RPR_EL1 by key, trapped on CPUs that cannot trap ICC_DIR_EL1 alone. List registers synced. */
u64 vgic_icc_read(struct vcpu *v, u16 key);
void vgic_icc_write(struct vcpu *v, u16 key, u64 val);
/*
 * Interrupts of SDEI events (claim.c); v for a PPI, NULL for an SPI; nothing without an initialised vGIC. claim: 0, -EBUSY
 * active or no vGIC, -EAGAIN in a list register: vgic_stop, claim again, vgic_resume.
 */
bool vgic_claim_exists(struct vm *vm, u32 intid);
int vgic_claim_irq(struct vm *vm, struct vcpu *v, u32 intid, bool keep);
void vgic_unclaim_irq(struct vm *vm, struct vcpu *v, u32 intid, bool keep);
bool vgic_claimed_pending(struct vm *vm, struct vcpu *v, u32 intid);
void vgic_claimed_begin(struct vm *vm, struct vcpu *v, u32 intid);
void vgic_claimed_end(struct vm *vm, struct vcpu *v, u32 intid);
void vgic_claimed_acked(struct vm *vm, u32 spi);	/* the source of an SPI may want to know; no lock held */
/* All vCPUs out of the guest, list registers empty; self runs this. May sleep. */
void vgic_stop(struct vcpu *self);
void vgic_resume(struct vm *vm);
/* PMR etc. through ONE_REG-like device attributes are kvm/vgic/user.c's */
int vgic_init(void);					/* at boot: list registers, priority bits, maintenance interrupt; -ENODEV */
