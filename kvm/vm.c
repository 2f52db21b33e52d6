// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual machines: creation, the ioctls of the VM's descriptor, stopping all vCPUs, destruction. vm->lock protects the
 * configuration and the creation of vCPUs and devices. Linux: Documentation/virt/kvm/api.rst.
 */
#include <linux/errno.h>
#include <nestbox/kvm.h>

#include "kernel/debug/print.h"
#include "kernel/lib/string.h"
#include "kernel/mm/uaccess.h"
#include "kvm/features.h"
#include "kvm/sdei/sdei.h"
#include "kvm/smccc/smccc.h"
#include "kvm/sysreg/sysreg.h"
#include "kvm/pmu/pmu.h"
#include "kvm/timer/timer.h"
#include "kvm/vcpu_dump.h"
#include "kvm/vcpu_state.h"
#include "kvm/vgic/vgic.h"
#include "linux/process/task.h"

#define IPA_BITS_DEFAULT	40
#define O_RDWR_			2
#define O_CLOEXEC_		02000000
#define MPIDR_AFF		0xff00ffffffUL

static const struct file_ops vm_ops;

void vm_get(struct vm *vm)
{
	__atomic_fetch_add(&vm->refs, 1, __ATOMIC_RELAXED);
}

/* Nobody has a descriptor: no vCPU runs, no ioctl, only interrupts that irqfds still bring. */
static void vm_destroy(struct vm *vm)
{
	unsigned i;

	vm_dump_del(vm);
	irqfds_destroy(vm);
	sdei_vm_quiesce(vm);
	for (i = 0; i < vm->nr_vcpus; i++)
		vcpu_quiesce(vm->vcpus[i]);
	rcu_synchronize();	/* readers of vCPUs, slots, dirty bitmaps */
	iobus_destroy(vm);	/* before its devices: the ioeventfds have gone already */
	coalesced_destroy(vm);
	for (i = 0; i < vm->nr_vcpus; i++)
		vcpu_destroy(vm->vcpus[i]);
	vgic_vm_destroy(vm);
	smccc_vm_destroy(vm);
	sdei_vm_destroy(vm);
	pmu_vm_destroy(vm);
	stage2_destroy(vm);
	memslots_destroy(vm);
	page_put(vm->ring_page);
	aspace_put(&vm->mm->as);
	kfree(vm);
}

void vm_put(struct vm *vm)
{
	if (__atomic_sub_fetch(&vm->refs, 1, __ATOMIC_ACQ_REL) == 0)
		vm_destroy(vm);
}

static void vm_release(struct file *f)
{
	vm_put(f->priv);
}

static struct vm *vm_alloc(unsigned ipa_bits, int *err)
{
	struct vm *vm = kzalloc(sizeof(*vm));

	*err = -ENOMEM;
	if (!vm)
		return NULL;
	vm->refs = 1;
	mutex_init(&vm->lock);
	mutex_init(&vm->slots_lock);
	vm->slots = kzalloc(sizeof(*vm->slots));
	vm->ring_page = page_alloc(0, ALLOC_ZERO);
	if (!vm->slots || !vm->ring_page)
		goto fail;
	vm->mm = mm_current();
	pmu_vm_create(vm);
	*err = stage2_init(vm, ipa_bits);
	if (*err)
		goto fail;
	aspace_get(&vm->mm->as);
	fwreg_init_vm(vm);
	vm->creator = current_task()->tid;
	return vm;
fail:
	if (vm->ring_page)
		page_put(vm->ring_page);
	kfree(vm->slots);
	kfree(vm);
	return NULL;
}

int vm_create(u64 type)
{
	unsigned ipa_bits = type & KVM_VM_TYPE_ARM_IPA_SIZE_MASK;
	struct vm *vm;
	int fd, err;

	/* Linux takes the descriptor before it looks at the type. */
	err = fd_room();
	if (err)
		return err;
	if (type & ~(u64)KVM_VM_TYPE_ARM_IPA_SIZE_MASK)
		return -EINVAL;
	if (!ipa_bits)
		ipa_bits = IPA_BITS_DEFAULT;
	if (ipa_bits < 32 || ipa_bits > host.ipa_bits)
		return -EINVAL;
	vm = vm_alloc(ipa_bits, &err);
	if (!vm)
		return err;
	vm_dump_add(vm);
	fd = anon_fd(&vm_ops, vm, O_RDWR_ | O_CLOEXEC_);
	if (fd < 0)
		vm_put(vm);
	return fd;
}

struct vcpu *vm_vcpu_by_mpidr(struct vm *vm, u64 mpidr)
{
	struct vcpu *v;
	unsigned i;

	vm_for_each_vcpu(i, v, vm)
		if (!((v->config.mpidr ^ mpidr) & MPIDR_AFF))
			return v;
	return NULL;
}

static void unlock_first(struct vm *vm, unsigned n)
{
	while (n--)
		mutex_unlock(&vm->vcpus[n]->mutex);
}

void vm_unlock_vcpus(struct vm *vm)
{
	unlock_first(vm, vm->nr_vcpus);
}

bool vm_trylock_vcpus(struct vm *vm)
{
	struct vcpu *v;
	unsigned i;

	vm_for_each_vcpu(i, v, vm) {
		if (!vcpu_trylock(v)) {
			unlock_first(vm, i);
			return false;
		}
	}
	return true;
}

void vm_stop_all(struct vm *vm)
{
	struct vcpu *v;
	unsigned i;

	vm_for_each_vcpu(i, v, vm) {
		__atomic_fetch_add(&v->state->stop_count, 1, __ATOMIC_SEQ_CST);
		vcpu_request(v, REQ_SLEEP);
	}
	vm_for_each_vcpu(i, v, vm)
		while (READ_ONCE(v->in_guest))
			thread_yield();
}

void vm_resume_all(struct vm *vm)
{
	struct vcpu *v;
	unsigned i;

	vm_for_each_vcpu(i, v, vm) {
		__atomic_fetch_sub(&v->state->stop_count, 1, __ATOMIC_SEQ_CST);
		waitq_wake(&v->wq, 0);
	}
}

/* ---- ioctls ---- */

static s64 ioctl_create_vcpu(struct vm *vm, u64 id)
{
	return vcpu_create(vm, id);
}

static s64 ioctl_vm_check_extension(struct vm *vm, u64 cap)
{
	return kvm_check_extension(vm, cap);
}

static s64 enable_manual_dirty(struct vm *vm, u64 flags)
{
	if (flags & ~(u64)(KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET))
		return -EINVAL;
	if ((flags & KVM_DIRTY_LOG_INITIALLY_SET) && !(flags & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE))
		return -EINVAL;
	vm->manual_dirty = flags;
	return 0;
}

static s64 enable_sdei(struct vm *vm, u64 flags)
{
	s64 ret;

	mutex_lock(&vm->lock);
	ret = sdei_vm_enable(vm, flags);
	mutex_unlock(&vm->lock);
	return ret;
}

/* Only while there are no slots, so that all of memory is treated alike. */
static s64 enable_eager_split(struct vm *vm, u64 chunk)
{
	s64 ret = -EINVAL;

	if (chunk && (chunk & (chunk - 1) || !(chunk & BLOCK_SIZES)))
		return ret;
	mutex_lock(&vm->slots_lock);
	if (!vm->slots->n) {
		vm->split_chunk = chunk;
		ret = 0;
	}
	mutex_unlock(&vm->slots_lock);
	return ret;
}

static s64 enable_ring_bitmap(struct vm *vm, u64 arg)
{
	return vm_dirty_ring_with_bitmap(vm);
}

static s64 enable_nisv(struct vm *vm, u64 arg)
{
	vm->nisv_to_user = 1;
	return 0;
}

static s64 enable_suspend(struct vm *vm, u64 arg)
{
	vm->system_suspend = 1;
	return 0;
}

/* How long to poll at most: we never do. */
static s64 enable_halt_poll(struct vm *vm, u64 ns)
{
	return ns >> 32 ? -EINVAL : 0;
}

static s64 enable_mte(struct vm *vm, u64 arg)
{
	return vm_enable_mte(vm);
}

static s64 enable_writable_impl(struct vm *vm, u64 arg)
{
	return impl_make_writable(vm);
}

#include "cap_enable.h"

static s64 ioctl_vm_enable_cap(struct vm *vm, const struct kvm_enable_cap *c)
{
	return cap_enable(vm, c);
}

static s64 ioctl_set_memory(struct vm *vm, const struct kvm_userspace_memory_region *r)
{
	return vm_set_memslot(vm, r);
}

static s64 ioctl_set_memory2(struct vm *vm, const struct kvm_userspace_memory_region2 *r)
{
	struct kvm_userspace_memory_region one = {
		.slot = r->slot, .flags = r->flags, .guest_phys_addr = r->guest_phys_addr,
		.memory_size = r->memory_size, .userspace_addr = r->userspace_addr,
	};

	return vm_set_memslot(vm, &one);	/* KVM_MEM_GUEST_MEMFD is an unknown flag there */
}

static s64 ioctl_get_dirty_log(struct vm *vm, const struct kvm_dirty_log *l)
{
	return vm_get_dirty_log(vm, l);
}

static s64 ioctl_clear_dirty_log(struct vm *vm, const struct kvm_clear_dirty_log *l)
{
	return vm_clear_dirty_log(vm, l);
}

/* The legacy call means a GICv2, which a GICv3 host does not emulate. */
static s64 ioctl_create_irqchip(struct vm *vm, u64 arg)
{
	return -ENODEV;
}

static s64 ioctl_coalesced_add(struct vm *vm, const struct kvm_coalesced_mmio_zone *z)
{
	return vm_coalesced_add(vm, z);
}

static s64 ioctl_coalesced_del(struct vm *vm, const struct kvm_coalesced_mmio_zone *z)
{
	return vm_coalesced_del(vm, z);
}

static s64 ioctl_vm_stats(struct vm *vm, u64 arg)
{
	return vm_stats_fd(vm);
}

static s64 ioctl_reset_rings(struct vm *vm, u64 arg)
{
	return vm_reset_dirty_rings(vm);
}

static s64 ioctl_irq_line(struct vm *vm, const struct kvm_irq_level *l)
{
	return vm_irq_line(vm, l);
}

/* What the line was before is not said, as on Linux/arm64: the structure goes back as it came. */
static s64 ioctl_irq_line_status(struct vm *vm, struct kvm_irq_level *l)
{
	return vm_irq_line(vm, l);
}

static s64 ioctl_irqfd(struct vm *vm, const struct kvm_irqfd *a)
{
	return vm_irqfd(vm, a);
}

static s64 ioctl_ioeventfd(struct vm *vm, const struct kvm_ioeventfd *a)
{
	return vm_ioeventfd(vm, a);
}

static s64 ioctl_gsi_routing(struct vm *vm, u64 arg)
{
	struct kvm_irq_routing_entry *e = NULL;
	struct kvm_irq_routing r;
	int ret;

	if (copy_from_user(&r, arg, sizeof(r)))
		return -EFAULT;
	if (r.nr > 4096 || r.flags)
		return -EINVAL;
	if (r.nr) {
		e = kcalloc(r.nr, sizeof(*e));
		if (!e)
			return -ENOMEM;
		if (copy_from_user(e, arg + sizeof(r), r.nr * sizeof(*e))) {
			kfree(e);
			return -EFAULT;
		}
	}
	ret = vm_set_gsi_routing(vm, &r, e);
	kfree(e);
	return ret;
}

static s64 ioctl_signal_msi(struct vm *vm, const struct kvm_msi *m)
{
	if (!vgic_in_kernel(vm) || (m->flags & ~KVM_MSI_VALID_DEVID))
		return -EINVAL;
	return vm_signal_msi(vm, m);
}

static s64 ioctl_preferred_target(struct vm *vm, struct kvm_vcpu_init *init)
{
	init->target = KVM_ARM_TARGET_GENERIC_V8;
	return 0;
}

static s64 ioctl_device_addr(struct vm *vm, const struct kvm_arm_device_addr *a)
{
	return -ENODEV;		/* only ever a GICv2 */
}

static s64 ioctl_copy_tags(struct vm *vm, const struct kvm_arm_copy_mte_tags *c)
{
	return vm_copy_tags(vm, c);
}

static s64 ioctl_counter_offset(struct vm *vm, const struct kvm_arm_counter_offset *o)
{
	return timer_set_offset(vm, o);
}

static s64 ioctl_vm_set_attr(struct vm *vm, const struct kvm_device_attr *a)
{
	struct kvm_smccc_filter filter;

	if (a->group == KVM_NB_VM_SDEI)
		return sdei_vm_attr(vm, a, 's');
	if (a->group != KVM_ARM_VM_SMCCC_CTRL || a->attr != KVM_ARM_VM_SMCCC_FILTER)
		return -ENXIO;
	if (copy_from_user(&filter, a->addr, sizeof(filter)))
		return -EFAULT;
	return smccc_filter_set(vm, &filter);
}

static s64 ioctl_vm_has_attr(struct vm *vm, const struct kvm_device_attr *a)
{
	if (a->group == KVM_NB_VM_SDEI)
		return sdei_vm_attr(vm, a, 'h');
	return a->group == KVM_ARM_VM_SMCCC_CTRL && a->attr == KVM_ARM_VM_SMCCC_FILTER ? 0 : -ENXIO;
}

static s64 ioctl_writable_masks(struct vm *vm, const struct reg_mask_range *r)
{
	return idreg_writable_masks(vm, r);
}

#include "ioctl_vm.h"

s64 vm_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct vm *vm = f->priv;

	if (vm->mm != mm_current())
		return -EIO;
	return vm_cmd(vm, cmd, arg);
}

static const struct file_ops vm_ops = {
	.name = "anon_inode:kvm-vm",
	.ioctl = vm_ioctl,
	.release = vm_release,
};
