// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_DEV_TYPE_ARM_VGIC_V3: the device attributes. Register groups need all vCPUs out of KVM_RUN; their mutexes are only
 * tried, so that a busy VM answers -EBUSY. Locks: vm->lock, then every vCPU's mutex by trylock (no order to violate).
 * Documentation/virt/kvm/devices/arm-vgic-v3.rst.
 */
#include <linux/errno.h>

#include "kernel/mm/uaccess.h"
#include "kvm/features.h"
#include "kvm/vgic/priv.h"

#define REGION_COUNT(a)	((unsigned)((a) >> 52))
#define REGION_BASE(a)	((a) & GENMASK(51, 16))
#define REGION_FLAGS(a)	((unsigned)((a) >> 12 & 0xf))
#define REGION_INDEX(a)	((unsigned)((a) & 0xfff))

static int addr_set(struct vm *vm, u64 type, u64 addr)
{
	struct vgic *g = vm->vgic;
	int ret;

	switch (type) {
	case KVM_VGIC_V3_ADDR_TYPE_DIST:
		ret = vgic_check_range(vm, g->dist_base, addr, FRAME_SIZE, FRAME_SIZE);
		if (!ret)
			g->dist_base = addr;
		return ret;
	case KVM_VGIC_V3_ADDR_TYPE_REDIST:
		return vgic_region_add(vm, 0, addr, 0);
	case KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION:
		if (!REGION_COUNT(addr) || REGION_FLAGS(addr))
			return -EINVAL;
		return vgic_region_add(vm, REGION_INDEX(addr), REGION_BASE(addr), REGION_COUNT(addr));
	default:
		return -ENXIO;
	}
}

static int addr_get(struct vgic *g, u64 type, u64 *addr)
{
	struct rd_region *r;

	switch (type) {
	case KVM_VGIC_V3_ADDR_TYPE_DIST:
		*addr = g->dist_base;
		return 0;
	case KVM_VGIC_V3_ADDR_TYPE_REDIST:
		r = vgic_region_find(g, 0);
		*addr = r ? r->base : VGIC_UNSET;
		return 0;
	case KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION:
		r = vgic_region_find(g, REGION_INDEX(*addr));
		if (!r)
			return -ENOENT;
		*addr = (u64)r->count << 52 | r->base | r->index;
		return 0;
	default:
		return -ENXIO;
	}
}

static int addr_attr(struct vgic *g, const struct kvm_device_attr *a, bool write)
{
	u64 addr;
	int ret;

	/* Written ones are read before anybody looks what they are; errors come in Linux's order. */
	if (write && get_user(addr, a->addr))
		return -EFAULT;
	if (a->attr != KVM_VGIC_V3_ADDR_TYPE_DIST && a->attr != KVM_VGIC_V3_ADDR_TYPE_REDIST &&
	    a->attr != KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION)
		return -ENXIO;
	if (!write && get_user(addr, a->addr))
		return -EFAULT;
	mutex_lock(&g->vm->lock);
	ret = write ? addr_set(g->vm, a->attr, addr) : addr_get(g, a->attr, &addr);
	mutex_unlock(&g->vm->lock);
	if (!ret && !write && put_user(addr, a->addr))
		return -EFAULT;
	return ret;
}

static int nr_irqs_set(struct vgic *g, const struct kvm_device_attr *a)
{
	int ret = 0;
	u32 nr;

	if (get_user(nr, a->addr))
		return -EFAULT;
	if (nr < VGIC_PRIVATE + 32 || nr > VGIC_IDS || nr % 32)
		return -EINVAL;
	mutex_lock(&g->vm->lock);
	if (g->vm->vgic_ready || g->d.nr_ids)
		ret = -EBUSY;
	else
		vgic_dist_set_ids(&g->d, nr);
	mutex_unlock(&g->vm->lock);
	return ret;
}

/* The attribute's number means nothing, as on Linux. */
static int maint_set(struct vgic *g, const struct kvm_device_attr *a)
{
	int ret = 0;
	u32 intid;

	if (get_user(intid, a->addr))
		return -EFAULT;
	mutex_lock(&g->vm->lock);
	if (g->vm->vgic_ready)
		ret = -EBUSY;
	else if (intid < 16 || intid >= VGIC_PRIVATE)
		ret = -EINVAL;
	else
		g->maint = intid;
	mutex_unlock(&g->vm->lock);
	return ret;
}

static u64 attr_mpidr(u64 attr)
{
	u64 m = attr >> 32;

	return (m & 0xffffff) | (m >> 24 & 0xff) << 32;
}

static int level_access(struct vgic *g, struct vcpu *v, u64 attr, u64 *val, bool write)
{
	u64 info = (attr & KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_MASK) >> KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT;
	u32 intid = attr & KVM_DEV_ARM_VGIC_LINE_LEVEL_INTID_MASK;

	if (info != VGIC_LEVEL_INFO_LINE_LEVEL || intid % 32)
		return -EINVAL;
	if (write)
		vgic_levels_set(&g->d, &v->vgic->pe, intid, *val);
	else
		*val = vgic_levels_get(&g->d, &v->vgic->pe, intid);
	return 0;
}

/* All vCPUs locked. */
static int reg_access(struct vgic *g, struct vcpu *v, const struct kvm_device_attr *a, u64 *val, bool write)
{
	struct vgic_access acc = { .d = &g->d };
	u32 off = (u32)a->attr, val32 = *val;
	enum vgic_frame_id frame = VGIC_GICD;
	int ret;

	switch (a->group) {
	case KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS:
		if (write && get_user(*val, a->addr))
			return -EFAULT;
		ret = vgic_icc_access(v, a->attr & KVM_DEV_ARM_VGIC_SYSREG_INSTR_MASK, val, write);
		return ret == -ENXIO ? -ENOENT : ret;	/* -ENXIO is for KVM_HAS_DEVICE_ATTR, as on Linux */
	case KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO:
		return level_access(g, v, a->attr, val, write);
	case KVM_DEV_ARM_VGIC_GRP_REDIST_REGS:
		acc.p = &v->vgic->pe;
		frame = VGIC_GICR_RD;
		if (off >= FRAME_SIZE) {
			frame = VGIC_GICR_SGI;
			off -= FRAME_SIZE;
		}
		break;
	}
	ret = vgic_user_access(frame, off, &acc, &val32, write);
	*val = val32;
	return ret;
}

static int regs_attr(struct vgic *g, const struct kvm_device_attr *a, bool write)
{
	bool wide = a->group == KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS;
	struct vm *vm = g->vm;
	struct vcpu *v;
	u64 val = 0;
	int ret;

	v = a->group == KVM_DEV_ARM_VGIC_GRP_DIST_REGS ? rcu_deref(vm->vcpus[0]) : vm_vcpu_by_mpidr(vm, attr_mpidr(a->attr));
	if (!v)
		return -EINVAL;
	/* The others are read where they are written: their errors come in Linux's order. */
	if (write && !wide && copy_from_user(&val, a->addr, 4))
		return -EFAULT;
	mutex_lock(&vm->lock);
	if (!vm_trylock_vcpus(vm)) {
		mutex_unlock(&vm->lock);
		return -EBUSY;
	}
	ret = g->vm->vgic_ready ? reg_access(g, v, a, &val, write) : -EBUSY;
	vm_unlock_vcpus(vm);
	mutex_unlock(&vm->lock);
	if (!ret && !write && copy_to_user(a->addr, &val, wide ? 8 : 4))
		return -EFAULT;
	return ret;
}

static int pending_save(struct vgic *g)
{
	int ret;

	mutex_lock(&g->vm->lock);
	if (!vm_trylock_vcpus(g->vm)) {
		mutex_unlock(&g->vm->lock);
		return -EBUSY;
	}
	ret = g->vm->vgic_ready ? vgic_lpis_save(&g->d) : -ENXIO;
	vm_unlock_vcpus(g->vm);
	mutex_unlock(&g->vm->lock);
	return ret;
}

static int ctrl_set(struct vgic *g, u64 attr)
{
	int ret;

	switch (attr) {
	case KVM_DEV_ARM_VGIC_CTRL_INIT:
		mutex_lock(&g->vm->lock);
		ret = vgic_ready_make(g->vm);
		mutex_unlock(&g->vm->lock);
		return ret;
	case KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES:
		return pending_save(g);
	default:
		return -ENXIO;
	}
}

static int vgic_set_attr(void *priv, const struct kvm_device_attr *a)
{
	struct vgic *g = ((struct vm *)priv)->vgic;

	switch (a->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR:
		return addr_attr(g, a, true);
	case KVM_DEV_ARM_VGIC_GRP_NR_IRQS:
		return nr_irqs_set(g, a);
	case KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ:
		return maint_set(g, a);
	case KVM_DEV_ARM_VGIC_GRP_CTRL:
		return ctrl_set(g, a->attr);
	case KVM_DEV_ARM_VGIC_GRP_DIST_REGS:
	case KVM_DEV_ARM_VGIC_GRP_REDIST_REGS:
	case KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS:
	case KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO:
		return regs_attr(g, a, true);
	default:
		return -ENXIO;
	}
}

static int vgic_get_attr(void *priv, const struct kvm_device_attr *a)
{
	struct vgic *g = ((struct vm *)priv)->vgic;
	u32 nr;

	switch (a->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR:
		return addr_attr(g, a, false);
	case KVM_DEV_ARM_VGIC_GRP_NR_IRQS:
		nr = READ_ONCE(g->d.nr_ids);
		/* As set: the model stops at the last SPI there can be. */
		nr = nr ? ALIGN_UP(nr, 32U) : VGIC_PRIVATE;
		return put_user(nr, a->addr);
	case KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ:
		nr = READ_ONCE(g->maint);
		return put_user(nr, a->addr);
	case KVM_DEV_ARM_VGIC_GRP_DIST_REGS:
	case KVM_DEV_ARM_VGIC_GRP_REDIST_REGS:
	case KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS:
	case KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO:
		return regs_attr(g, a, false);
	default:
		return -ENXIO;
	}
}

static int vgic_has_attr(void *priv, const struct kvm_device_attr *a)
{
	struct vgic *g = ((struct vm *)priv)->vgic;
	u32 off = (u32)a->attr;
	u64 val;

	switch (a->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR:
		switch (a->attr) {
		case KVM_VGIC_V3_ADDR_TYPE_DIST:
		case KVM_VGIC_V3_ADDR_TYPE_REDIST:
		case KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION:
			return 0;
		}
		return -ENXIO;
	case KVM_DEV_ARM_VGIC_GRP_DIST_REGS:
		return vgic_user_has(VGIC_GICD, off, &g->d) ? 0 : -ENXIO;
	case KVM_DEV_ARM_VGIC_GRP_REDIST_REGS:
		if (!vm_vcpu_by_mpidr(g->vm, attr_mpidr(a->attr)))
			return -EINVAL;
		if (off >= REDIST_SIZE)
			return -ENXIO;
		return vgic_user_has(off < FRAME_SIZE ? VGIC_GICR_RD : VGIC_GICR_SGI, off & (FRAME_SIZE - 1), &g->d) ?
			0 : -ENXIO;
	case KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS: {
		struct vcpu *v = vm_vcpu_by_mpidr(g->vm, attr_mpidr(a->attr));

		if (!v)
			return -EINVAL;
		return vgic_icc_access(v, a->attr & KVM_DEV_ARM_VGIC_SYSREG_INSTR_MASK, &val, false) == -ENXIO ? -ENXIO : 0;
	}
	case KVM_DEV_ARM_VGIC_GRP_NR_IRQS:
	case KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ:
		return 0;
	case KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO:
		val = (a->attr & KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_MASK) >> KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT;
		return val == VGIC_LEVEL_INFO_LINE_LEVEL ? 0 : -ENXIO;
	case KVM_DEV_ARM_VGIC_GRP_CTRL:
		return a->attr == KVM_DEV_ARM_VGIC_CTRL_INIT || a->attr == KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES ? 0 : -ENXIO;
	default:
		return -ENXIO;
	}
}

static int vgic_device_create(struct vm *vm, void **priv)
{
	int ret = vgic_create(vm);

	if (!ret)
		*priv = vm;
	return ret;
}

static void vgic_device_destroy(void *priv)
{
	/* The vGIC lives as long as its VM, whose reference the descriptor holds. */
}

const struct kvm_device_ops vgic_v3_ops = {
	.type = KVM_DEV_TYPE_ARM_VGIC_V3,
	.create = vgic_device_create,
	.destroy = vgic_device_destroy,
	.set_attr = vgic_set_attr,
	.get_attr = vgic_get_attr,
	.has_attr = vgic_has_attr,
};
