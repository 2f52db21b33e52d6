// SPDX-License-Identifier: GPL-2.0-only
/*
 * A virtual machine, and what the parts of kvm/ call of each other. Owner: kvm/vm.c.
 * Locks (order: docs/locking.md): vm->lock (mutex: configuration, vCPU creation), vm->slots_lock (mutex: memory slot
 * changes), each vCPU's mutex (KVM_RUN and vCPU ioctls); vCPU mutex is taken outside vm->lock.
 */
#pragma once

#include <linux/kvm.h>

#include "kernel/mm/ptable.h"
#include "kernel/sched/rcu.h"
#include "kvm/memslot.h"
#include "kvm/stats.h"
#include "linux/fs/file.h"
#include "linux/mm/mm.h"

#define KVM_VCPUS_MAX	512
/* KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES: what Linux names with 4 KiB pages. Blocks here are 2 MiB. */
#define BLOCK_SIZES	(BIT(12) | BIT(21) | BIT(30))

struct vcpu;
struct vgic;
struct vm_nested;

struct stage2 {
	struct ptable pt;
	rwlock_t lock;			/* read: faults (in parallel); write: everything that removes or restricts */
	u64 vmid_gen;			/* VMID with its generation, kvm/stage2/vmid.c */
	/* notifier bookkeeping, under lock for writing: a fault in a range in progress retries */
	unsigned invalidate_busy;
	u64 busy_start, busy_end;	/* process addresses */
	bool dead;			/* the process's memory is gone: nothing is mapped any more */
};

struct smccc_filter;
struct sdei;

struct vm {
	struct list node;		/* vcpu_dump.c */
	u32 refs;			/* descriptors of the VM and its vCPUs and devices */
	struct mm *mm;			/* whose memory the slots name; holds as.refs, not users */
	struct mmu_notifier notifier;
	struct mutex lock;
	struct mutex slots_lock;
	struct memslots *slots;
	struct memslot_ids slot_ids;	/* the same by number, under slots_lock */
	u64 slots_deferred;		/* bytes of old arrays since this VM last waited for them to be freed */
	struct stage2 s2;
	struct vm_nested *nested;	/* shadow tables of guest hypervisors, under s2.lock; NULL: none */
	unsigned ipa_bits;
	struct vcpu *vcpus[KVM_VCPUS_MAX];	/* by creation index; set once, read with rcu_deref */
	unsigned nr_vcpus;
	bool ran_once;			/* some vCPU passed its first-run preparation: VM configuration is frozen */
	u64 mmio_gen;			/* grows with every change of slots or iobus: vcpu->mmio_hint */
	struct iobus *iobus;		/* MMIO ranges served in the kernel: vGIC frames, ioeventfds */
	struct vgic *vgic;		/* NULL: none */
	bool vgic_ready;		/* and initialised */
	struct vgic_its *its;		/* all of them; kvm/vgic/its_dev.c */
	struct irqfds *irqfds;
	struct smccc_filter *smccc_filter;	/* kvm/smccc/filter.c; NULL: none */
	struct sdei *sdei;		/* kvm/sdei; NULL: the VMM did not opt in */
	struct fwregs {			/* hypercall feature registers, kvm/smccc/fwreg.c */
		u64 psci_version_set;	/* 0: default */
		u64 std_bmap, std_hyp_bmap, vendor_hyp_bmap, vendor_hyp_bmap_2;
	} fwregs;
	u64 counter_offset[2];		/* virtual, physical */
	bool counter_offset_set;	/* by KVM_ARM_SET_COUNTER_OFFSET: ONE_REG writes of the counters do nothing */
	bool impl_writable;		/* CAP_ARM_WRITABLE_IMP_ID_REGS: MIDR_EL1 and its like may be written */
	u64 nisv_to_user, system_suspend;	/* enabled capabilities */
	u64 manual_dirty;		/* KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 flags */
	u32 dirty_ring_bytes;		/* of each vCPU; 0: no rings. Set once, before any vCPU */
	bool dirty_ring_with_bitmap;	/* writes without a vCPU go to bitmaps */
	u64 split_chunk;		/* KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE: split blocks when logging begins; 0: no */
	u32 vcpu_features;		/* VMF_* (kvm/sysreg/idreg.h) */
	u32 init_features;		/* KVM_ARM_VCPU_* of the first KVM_ARM_VCPU_INIT: the same for all vCPUs */
	bool features_set;
	u64 feats;			/* FEAT_* of sysreg_ids.h: optional system registers that exist */
	struct {
		u64 id[64];		/* VM-wide ID register values, by (CRm - 1) * 8 + op2 of op0=3 op1=0 CRn=0; sysreg/idreg.c */
		u64 midr, revidr, aidr, ctr;	/* sysreg/impl.c */
		u64 offered[64];	/* as they were before the VMM wrote any */
	} idregs;
	struct vm_stats stats;
	int creator;			/* thread id, for the name of the statistics */
	struct coalesced *coalesced;	/* kvm/coalesced.c; NULL: no zone was ever registered */
	u64 *pmu_filter;		/* bit n: event n is allowed; NULL: all (kvm/pmu/) */
	unsigned pmu_n;			/* event counters, PMCR_EL0.N */
	bool mte;			/* KVM_CAP_ARM_MTE: guests have allocation tags; set before any vCPU */
	struct page *ring_page;		/* second page of each vCPU's mapping (KVM_COALESCED_MMIO_PAGE_OFFSET) */
};

/* The count is read before the entry, as vcpu_add writes them the other way round. */
#define vm_for_each_vcpu(i, v, vm)								\
	for (i = 0; i < __atomic_load_n(&(vm)->nr_vcpus, __ATOMIC_ACQUIRE) &&			\
	     ((v) = rcu_deref((vm)->vcpus[i]), 1); i++)

void vm_get(struct vm *vm);
void vm_put(struct vm *vm);
struct vcpu *vm_vcpu_by_mpidr(struct vm *vm, u64 mpidr);	/* affinity fields only are compared; NULL */

/* Stop every vCPU of the VM and wait until none is in the guest; vcpus_resume lets them go on. May sleep. */
void vm_stop_all(struct vm *vm);
void vm_resume_all(struct vm *vm);

/* The one accessor for guest memory (kvm/stage2/guestmem.c): respects slots and read-only, marks dirty; may sleep. 0, -EFAULT, -EROFS. */
__must_check int guest_read(struct vm *vm, ipa_t ipa, void *buf, size_t n);
__must_check int guest_write(struct vm *vm, ipa_t ipa, const void *buf, size_t n);
/*
 * An aligned doubleword at once, by a vCPU's own thread (whose process is the VM's). 0; -EAGAIN: something else was there;
 * -EFAULT, -EROFS.
 */
__must_check int guest_cmpxchg(struct vm *vm, ipa_t ipa, u64 old, u64 new);
int vm_set_memslot(struct vm *vm, const struct kvm_userspace_memory_region *r);
void memslots_destroy(struct vm *vm);		/* nobody can reach the VM any more */
/* The page at ipa was written, by v or by nobody's guest (NULL): under RCU, or by a fault that holds s2.lock for reading. */
void memslot_mark_dirty(struct vm *vm, struct vcpu *v, const struct memslot *s, u64 gfn);
/* Allocation tags (kvm/mte.c) */
s64 vm_copy_tags(struct vm *vm, const struct kvm_arm_copy_mte_tags *c);	/* bytes of memory done, or -errno */
s64 vm_enable_mte(struct vm *vm);	/* -EINVAL: none here, or vCPUs are there already */
int vm_get_dirty_log(struct vm *vm, const struct kvm_dirty_log *log);
int vm_clear_dirty_log(struct vm *vm, const struct kvm_clear_dirty_log *log);

/* Stage 2 of a VM (kvm/stage2/map.c). */
int stage2_init(struct vm *vm, unsigned ipa_bits);	/* and the notifier; -ENOMEM, -EINVAL */
void stage2_destroy(struct vm *vm);
void stage2_unmap(struct vm *vm, u64 gfn, u64 npages);	/* faults in progress with an older slot array retry */
void stage2_write_protect(struct vm *vm, u64 gfn, u64 npages);
/*
 * For the dirty log: the pages of 64 whose bits are set lose the right to be written: in the table at once, in TLBs and
 * in shadows of guest hypervisors with stage2_protect_end, after all dirty bits were cleared. slots_lock held across.
 */
struct protect {
	struct pt_flush flush;
	bool any;
};
void stage2_protect_pages(struct vm *vm, u64 gfn, u64 bits, struct protect *p);
void stage2_protect_end(struct vm *vm, struct protect *p);
void stage2_split(struct vm *vm, u64 gfn, u64 npages);	/* blocks to pages, as far as there is memory */
void stage2_flush_all(struct vm *vm);			/* clean and invalidate all that is mapped */
int stage2_boot_init(void);

/* In-kernel MMIO (kvm/iobus.c). Handlers run in the vCPU's thread, may sleep. */
struct iodev {
	u64 base, len;
	int (*read)(struct vcpu *v, struct iodev *d, u64 addr, unsigned len, u64 *val);	/* 0, or -EOPNOTSUPP: not me */
	int (*write)(struct vcpu *v, struct iodev *d, u64 addr, unsigned len, u64 val);	/* or -EAGAIN: the store again */
	/*
	 * A load while the guest is in the CPU, interrupts off, no lock, list registers not synced. False: take the long way.
	 * A device that has it lives as long as the VM.
	 */
	bool (*read_loaded)(struct vcpu *v, struct iodev *d, u64 addr, unsigned len, u64 *val);
	struct rcu_head rcu;
	bool may_sleep;		/* handlers run without RCU protection: d lives as long as the VM */
	bool shared;		/* others may have the same range (ioeventfds): the next is asked on -EOPNOTSUPP */
};
int iobus_add(struct vm *vm, struct iodev *d);		/* -EEXIST when a frame overlaps, -ENOMEM; under vm->lock */
void iobus_del(struct vm *vm, struct iodev *d);		/* d may be freed after rcu_synchronize() */
int iobus_access(struct vcpu *v, u64 addr, unsigned len, bool write, u64 *val);	/* 0, -EOPNOTSUPP, -EAGAIN */
/* A load from where v->mmio_hint (dev not NULL) says, if that still holds. 0, -EOPNOTSUPP: take the long way. */
int iobus_read_again(struct vcpu *v, u64 addr, unsigned len, u64 *val);
void iobus_destroy(struct vm *vm);

/* irqfd and ioeventfd (kvm/irqfd.c, ioeventfd.c) */
int vm_irqfd(struct vm *vm, const struct kvm_irqfd *args);
int vm_ioeventfd(struct vm *vm, const struct kvm_ioeventfd *args);
int vm_set_gsi_routing(struct vm *vm, const struct kvm_irq_routing *r, const struct kvm_irq_routing_entry *e);
int vm_irq_line(struct vm *vm, const struct kvm_irq_level *l);		/* KVM_IRQ_LINE */
void irqfds_destroy(struct vm *vm);

/* Coalesced MMIO (kvm/coalesced.c): KVM_REGISTER_COALESCED_MMIO and its opposite. */
int vm_coalesced_add(struct vm *vm, const struct kvm_coalesced_mmio_zone *z);
int vm_coalesced_del(struct vm *vm, const struct kvm_coalesced_mmio_zone *z);
void coalesced_destroy(struct vm *vm);

/* Hypercall filter (kvm/smccc/filter.c) */
int smccc_filter_set(struct vm *vm, const struct kvm_smccc_filter *f);
void smccc_vm_destroy(struct vm *vm);

/* Ioctls by descriptor kind; generated tables call these (tables/ioctl.tbl). */
int kvm_init(void);		/* registers /dev/kvm; 0 also when the CPU cannot (a line says why) */
/* KVM_CREATE_DEVICE types register themselves (vGIC). */
struct kvm_device_ops {
	u32 type;
	int (*create)(struct vm *vm, void **priv);
	void (*destroy)(void *priv);	/* last descriptor closed */
	int (*set_attr)(void *priv, const struct kvm_device_attr *a);
	int (*get_attr)(void *priv, const struct kvm_device_attr *a);
	int (*has_attr)(void *priv, const struct kvm_device_attr *a);
};
void kvm_device_register(const struct kvm_device_ops *ops);
int kvm_device_create(struct vm *vm, struct kvm_create_device *cd);	/* KVM_CREATE_DEVICE; kvm/device.c */
int vm_create(u64 type);						/* KVM_CREATE_VM: a descriptor */
s64 vm_ioctl(struct file *f, u32 cmd, u64 arg);
