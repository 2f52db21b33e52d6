// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_DEV_TYPE_ARM_VGIC_ITS around the model: its attributes, its frame on the I/O bus, and messages to it. An ITS lives
 * as long as its VM; vm->its is a list that only grows. Locks: vm->lock (base, list), all vCPUs' mutexes by trylock for
 * registers and tables, its->mutex. Linux: devices/arm-vgic-its.rst.
 */
#include <linux/errno.h>

#include "kernel/mm/page.h"
#include "kernel/mm/uaccess.h"
#include "kernel/sched/thread.h"
#include "kvm/vgic/its.h"
#include "kvm/vgic/priv.h"

#define ITS_SIZE	0x20000UL	/* control frame, translation frame */
/* Of a VM: one whose descriptor is closed stays, and each message to the VM searches all of them. */
#define ITS_MAX		256

struct vgic_its {
	struct its its;
	struct vm *vm;
	struct vgic_its *next;
	u64 base;			/* VGIC_UNSET */
	struct iodev io;
};

static int its_io_read(struct vcpu *v, struct iodev *io, u64 addr, unsigned len, u64 *val)
{
	struct vgic_its *i = container_of(io, struct vgic_its, io);
	struct vgic_access a = { .d = i->its.d, .its = &i->its, .len = len };
	u64 off = addr - io->base;

	*val = 0;
	if (off >= FRAME_SIZE)
		return 0;	/* GITS_TRANSLATER is for devices, and write-only */
	mutex_lock(&i->its.mutex);
	*val = vgic_mmio_read(VGIC_GITS, off, &a);
	mutex_unlock(&i->its.mutex);
	return 0;
}

/* -EAGAIN: not all commands were processed, as there is a signal to be looked at; the same store again goes on. */
static int its_io_write(struct vcpu *v, struct iodev *io, u64 addr, unsigned len, u64 val)
{
	struct vgic_its *i = container_of(io, struct vgic_its, io);
	struct vgic_access a = { .d = i->its.d, .its = &i->its, .len = len };
	u64 off = addr - io->base;
	bool done;

	if (off >= FRAME_SIZE)
		return 0;
	mutex_lock(&i->its.mutex);
	vgic_mmio_write(VGIC_GITS, off, &a, val);
	done = its_process(&i->its);
	mutex_unlock(&i->its.mutex);
	return done ? 0 : -EAGAIN;
}

/* ---- messages ---- */

int vm_signal_msi(struct vm *vm, const struct kvm_msi *m)
{
	u64 addr = (u64)m->address_hi << 32 | m->address_lo;
	struct vgic_its *i = rcu_deref(vm->its);
	int ret;

	if (!i)
		return -ENODEV;
	if (!(m->flags & KVM_MSI_VALID_DEVID))
		return -EINVAL;
	for (; i; i = rcu_deref(i->next)) {
		u64 base = __atomic_load_n(&i->base, __ATOMIC_ACQUIRE);

		if (base == VGIC_UNSET || addr < base || addr - base >= ITS_SIZE)
			continue;
		ret = its_trigger(&i->its, m->devid, m->data);
		return ret < 0 ? ret : !ret;
	}
	return -EINVAL;
}

/* ---- life ---- */

bool vgic_has_its(struct vm *vm)
{
	return rcu_deref(vm->its) != NULL;
}

int vgic_its_attach(struct vgic *g)
{
	struct vgic_its *i;
	int ret;

	if (!g->vm->its)
		return 0;
	ret = vgic_lpis_create(&g->d);
	if (ret)
		return ret;
	for (i = g->vm->its; i; i = i->next)
		i->its.d = &g->d;
	return 0;
}

static int its_create(struct vm *vm, void **priv)
{
	struct vgic_its *i = kzalloc(sizeof(*i)), *other;
	unsigned n = 0;
	int ret = 0;

	if (!i)
		return -ENOMEM;
	mutex_init(&i->its.mutex);
	its_init(&i->its);
	i->vm = vm;
	i->base = VGIC_UNSET;
	mutex_lock(&vm->lock);
	for (other = vm->its; other; other = other->next)
		n++;
	if (n >= ITS_MAX)
		ret = -ENOSPC;
	else if (vm->vgic)
		ret = vgic_lpis_create(&vm->vgic->d);
	if (!ret) {
		if (vm->vgic)
			i->its.d = &vm->vgic->d;
		i->next = vm->its;
		rcu_assign(vm->its, i);
		*priv = i;
	}
	mutex_unlock(&vm->lock);
	if (ret)
		kfree(i);
	return ret;
}

void vgic_its_destroy(struct vm *vm)
{
	struct vgic_its *i = vm->its, *next;

	vm->its = NULL;
	for (; i; i = next) {
		next = i->next;
		its_reset(&i->its);
		kfree(i);
	}
}

/* ---- attributes ---- */

static int addr_set(struct vgic_its *i, u64 addr)
{
	int ret;

	mutex_lock(&i->vm->lock);
	ret = vgic_check_range(i->vm, i->base, addr, FRAME_SIZE, ITS_SIZE);
	if (!ret) {
		i->io.base = addr;
		i->io.len = ITS_SIZE;
		i->io.read = its_io_read;
		i->io.write = its_io_write;
		i->io.may_sleep = true;
		ret = iobus_add(i->vm, &i->io);
	}
	if (!ret)
		__atomic_store_n(&i->base, addr, __ATOMIC_RELEASE);
	mutex_unlock(&i->vm->lock);
	return ret;
}

/*
 * 64-bit registers lie between GITS_TYPER and the identification registers, and are taken whole. Of an attribute Linux looks at all
 * bits here, and at 32 when it searches for the register.
 */
static bool reg_aligned(u64 off)
{
	return !(off & (off < 8 || off >= 0xffd0 ? 3 : 7));
}

/* All vCPUs locked. A write may complete what the queue holds, as a guest's does. */
static int reg_access(struct vgic_its *i, u64 off, u64 *val, bool write)
{
	struct vgic_access a = { .d = i->its.d, .its = &i->its };
	int ret;

	if (i->base == VGIC_UNSET || off >= FRAME_SIZE)
		return -ENXIO;
	mutex_lock(&i->its.mutex);
	ret = vgic_its_user_access(off, &a, val, write);
	if (!ret && write && !its_process(&i->its))
		ret = -EINTR;
	mutex_unlock(&i->its.mutex);
	return ret;
}

static int ctrl(struct vgic_its *i, u64 attr)
{
	int ret = 0;

	mutex_lock(&i->its.mutex);
	switch (attr) {
	case KVM_DEV_ARM_ITS_CTRL_RESET:
		its_reset(&i->its);
		break;
	case KVM_DEV_ARM_ITS_SAVE_TABLES:
		ret = i->its.d ? its_save(&i->its) : 0;
		break;
	case KVM_DEV_ARM_ITS_RESTORE_TABLES:
		ret = i->its.d ? its_restore(&i->its) : 0;
		break;
	}
	mutex_unlock(&i->its.mutex);
	return ret;
}

/* What needs a VM that stands still. */
static int standing(struct vgic_its *i, const struct kvm_device_attr *a, u64 *val, bool write)
{
	struct vm *vm = i->vm;
	int ret;

	mutex_lock(&vm->lock);
	if (!vm_trylock_vcpus(vm)) {
		mutex_unlock(&vm->lock);
		return -EBUSY;
	}
	if (a->group == KVM_DEV_ARM_VGIC_GRP_CTRL)
		ret = ctrl(i, a->attr);
	else
		ret = reg_access(i, (u32)a->attr, val, write);
	vm_unlock_vcpus(vm);
	mutex_unlock(&vm->lock);
	return ret;
}

static int its_set_attr(void *priv, const struct kvm_device_attr *a)
{
	struct vgic_its *i = priv;
	u64 val = 0;

	switch (a->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR:
		if (a->attr != KVM_VGIC_ITS_ADDR_TYPE)
			return -ENODEV;
		return get_user(val, a->addr) ? -EFAULT : addr_set(i, val);
	case KVM_DEV_ARM_VGIC_GRP_CTRL:
		if (a->attr == KVM_DEV_ARM_VGIC_CTRL_INIT)
			return 0;
		return standing(i, a, NULL, true);
	case KVM_DEV_ARM_VGIC_GRP_ITS_REGS:
		if (get_user(val, a->addr))
			return -EFAULT;
		return reg_aligned(a->attr) ? standing(i, a, &val, true) : -EINVAL;
	default:
		return -ENXIO;
	}
}

static int its_get_attr(void *priv, const struct kvm_device_attr *a)
{
	struct vgic_its *i = priv;
	u64 val = 0;
	int ret = 0;

	switch (a->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR:
		if (a->attr != KVM_VGIC_ITS_ADDR_TYPE)
			return -ENODEV;
		val = READ_ONCE(i->base);
		break;
	case KVM_DEV_ARM_VGIC_GRP_ITS_REGS:
		ret = reg_aligned(a->attr) ? standing(i, a, &val, false) : -EINVAL;
		break;
	default:
		return -ENXIO;
	}
	return ret ? ret : put_user(val, a->addr) ? -EFAULT : 0;
}

static int its_has_attr(void *priv, const struct kvm_device_attr *a)
{
	switch (a->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR:
		return a->attr == KVM_VGIC_ITS_ADDR_TYPE ? 0 : -ENXIO;
	case KVM_DEV_ARM_VGIC_GRP_CTRL:
		switch (a->attr) {
		case KVM_DEV_ARM_VGIC_CTRL_INIT:
		case KVM_DEV_ARM_ITS_CTRL_RESET:
		case KVM_DEV_ARM_ITS_SAVE_TABLES:
		case KVM_DEV_ARM_ITS_RESTORE_TABLES:
			return 0;
		}
		return -ENXIO;
	case KVM_DEV_ARM_VGIC_GRP_ITS_REGS:
		if (!reg_aligned(a->attr))
			return -EINVAL;
		return (u32)a->attr < FRAME_SIZE && vgic_reg_find(VGIC_GITS, (u32)a->attr, 4, true) ? 0 : -ENXIO;
	default:
		return -ENXIO;
	}
}

static void its_device_destroy(void *priv)
{
	/* As the vGIC: it goes with its VM. */
}

const struct kvm_device_ops vgic_its_ops = {
	.type = KVM_DEV_TYPE_ARM_VGIC_ITS,
	.create = its_create,
	.destroy = its_device_destroy,
	.set_attr = its_set_attr,
	.get_attr = its_get_attr,
	.has_attr = its_has_attr,
};
