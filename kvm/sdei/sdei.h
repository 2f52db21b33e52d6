// SPDX-License-Identifier: GPL-2.0-only
/*
 * SDEI as the rest of kvm/ sees it. Everything here may be called for a VM that has none (v->sdei, vm->sdei NULL).
 *
 * One lock per VM, sdei->lock (irq-safe spinlock), protects all of the model's state, the images and windows of a restore;
 * the vGIC's locks, wait queues and thread_kick are taken under it (docs/locking.md). A vCPU that is to look for something to
 * start gets REQ_SDEI, a hint: everything is decided again under the lock, by the vCPU's own thread.
 */
#pragma once

#include "kvm/sdei/codec.h"
#include "kvm/vcpu.h"

#define SDEI_EVENTS_MAX	256	/* a bound on work under the lock, not part of the ABI: KVM_CHECK_EXTENSION tells it */

struct sdei {
	struct sdei_vm m;
	spinlock_t lock;
	struct vm *vm;
	/* Restoring (state.c, restore.c): until the first KVM_RUN after KVM_ARM_VCPU_INIT of all vCPUs, words is what is to be. */
	bool window;
	bool applied;			/* ... and is already: words were not written since */
	bool settled;			/* no vCPU's image was written since all were looked at */
	unsigned windows;		/* vCPUs whose own window is open */
	u64 *words;
	u64 round;			/* of initialisations; see sdei_vcpu_init */
	unsigned fresh;			/* vCPUs initialised in this round */
	bool again;			/* the round began with a second initialisation */
	bool keep;			/* ... or has one of a suspended vCPU: shared events stay */
	struct mutex eventfd_lock;
	struct list eventfds;
};

struct sdei_vcpu {
	struct sdei_pe pe;
	struct vcpu *v;
	bool window, applied;		/* as the VM's */
	u64 *words;
	u64 round;			/* in which it was initialised last */
};

static inline struct sdei *sdei_of(struct sdei_vm *m) { return container_of(m, struct sdei, m); }
static inline struct sdei_vcpu *sdei_vcpu_of(const struct sdei_pe *pe)
{
	return container_of(pe, struct sdei_vcpu, pe);
}

/* ---- life (vm.c) ---- */
int sdei_vm_enable(struct vm *vm, u64 flags);	/* vm->lock held. -EINVAL, -EBUSY, -EEXIST, -ENOMEM */
int sdei_vm_events(struct vm *vm, u64 uaddr);	/* KVM_NB_SDEI_EVENTS. -EINVAL, -EBUSY, -EFAULT, -ENOMEM, -ENXIO */
void sdei_vm_quiesce(struct vm *vm);		/* nothing from outside brings events any more */
void sdei_vm_destroy(struct vm *vm);
int sdei_vcpu_create(struct vcpu *v);		/* vm->lock held. -ENOMEM */
void sdei_vcpu_add(struct vcpu *v);		/* v is in vm->vcpus */
void sdei_vcpu_destroy(struct vcpu *v);
/* The lock is held. MPIDR_EL1 may have been written since the vCPUs were created, until they have run. */
void sdei_affinities_take(struct sdei *s);
/* PSCI. In the vCPU's thread, or put under its mutex. */
void sdei_cpu_off(struct vcpu *v);
void sdei_cpu_on(struct vcpu *v);		/* its reset is being taken */
void sdei_system_suspend(struct vcpu *v);
void sdei_system_reset(struct vm *vm);		/* reset and power-off: as at start */
/* The vGIC: a claimed interrupt's input rose. p's vCPU for a PPI, NULL for an SPI. Any context, no vGIC lock held. */
void sdei_interrupt(struct vm *vm, struct vcpu *v, u32 intid);

/* ---- KVM_RUN (run.c, restore.c) ---- */
/* REQ_SDEI, the vCPU loaded, before it sleeps or enters: closes restore windows. 0, or -EINVAL with the run page filled in. */
int sdei_restore(struct vcpu *v);
/* REQ_SDEI, right before entry: starts what can start. */
void sdei_dispatch(struct vcpu *v);

/* Out of KVM_RUN, for who knows how long, with REQ_SDEI unserved: shared events that it was offered go to others. */
void sdei_left(struct vcpu *v);

/*
 * EVENT_COMPLETE with the guest loaded and interrupts off: true if x0 to x17, ELR_EL2 and SPSR_EL2 are the interrupted
 * code's; false: nothing done, take the long way.
 */
bool sdei_complete_fast(struct vcpu *v);
/* EVENT_SIGNAL there: true if x0 to x3 are the answer; requests and thread flags may have come without an interrupt. */
bool sdei_signal_fast(struct vcpu *v);

/* ---- registers (state.c) ---- */
void sdei_vcpu_init(struct vcpu *v);		/* KVM_ARM_VCPU_INIT: reset, and the restore window opens */
unsigned sdei_onereg_count(struct vcpu *v);
int sdei_onereg_list(struct vcpu *v, u64 uindices);	/* -EFAULT */
int sdei_onereg_get(struct vcpu *v, const struct kvm_one_reg *reg);	/* -ENOENT, -EFAULT */
int sdei_onereg_set(struct vcpu *v, const struct kvm_one_reg *reg);	/* ... -EINVAL */
/* The lock is held. A vCPU entered the guest, or is about to: what was initialised before it no longer counts. */
void sdei_round_end(struct sdei *s);
void sdei_window_close(struct sdei_vcpu *sv);

/* ---- from the VMM (inject.c) ---- */
int sdei_vm_attr(struct vm *vm, const struct kvm_device_attr *a, int op);	/* op 's', 'h'; -ENXIO: not ours, or no SDEI */
void sdei_eventfds_destroy(struct sdei *s);
