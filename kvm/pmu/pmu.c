// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's PMU apart from the hardware: what it offers, its event filter, the overflow line, and its configuration by the
 * VMM. The filter and the number of counters are the VM's, under vm->lock until it has run. Linux:
 * Documentation/virt/kvm/devices/vcpu.rst 1.
 */
#include <linux/errno.h>

#include "kernel/cpu/sysreg.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kernel/mm/uaccess.h"
#include "kvm/features.h"
#include "kvm/pmu/internal.h"
#include "kvm/sysreg/idreg.h"
#include "kvm/vgic/vgic.h"

#define EVENTS_MAX	0x10000
#define PMU_ID		0	/* KVM_ARM_VCPU_PMU_V3_SET_PMU: the only one */
/* Newer than the headers we build with: KVM_ARM_VCPU_PMU_V3_SET_NR_COUNTERS. */
#define PMU_V3_SET_NR_COUNTERS 4
#define STALL_SLOTS	(7UL << (0x3d - 0x20))	/* need PMMIR_EL1, which reads as 0 */

unsigned pmu_version(const struct vm *vm)
{
	return vm->idregs.id[IDX_ID_AA64DFR0_EL1] >> ID_AA64DFR0_PMUVer_SHIFT & 0xf;
}

u64 pmu_event_mask(unsigned version)
{
	return version >= PMUV3P1 ? 0xffff : 0x3ff;
}

bool pmu_event_allowed(const struct vm *vm, unsigned event)
{
	return !vm->pmu_filter || vm->pmu_filter[event / 64] >> (event % 64) & 1;
}

/* Common events 0x00 to 0x3f in the low half, 0x4000 to 0x403f in the high one; PMCEID1: the upper 32 of each. */
u64 pmu_ceid(const struct vm *vm, unsigned n)
{
	u64 val = host_pmceid[n];
	unsigned i;

	if (n == 0)
		val |= BIT(EVENT_SW_INCR);
	else
		val &= ~STALL_SLOTS;
	for (i = 0; i < 64; i++)
		if (!pmu_event_allowed(vm, (i & 31) + 32 * n + (i < 32 ? 0 : 0x4000)))
			val &= ~BIT(i);
	return val;
}

u64 pmu_truncate(const struct vm *vm, unsigned i, u64 val)
{
	return i == CYCLE || pmu_version(vm) >= PMUV3P5 ? val : (u32)val;
}

/* One more for each counter of @which that counts @event; what wraps goes on to the next, odd one if that is chained. */
static void increment(struct vcpu *v, u64 which, unsigned event)
{
	u64 mask = pmu_event_mask(pmu_version(v->vm)), val;

	for (which &= vreg(v, REG_PMCNTENSET_EL0) & pmu_on(v) & ~BIT(CYCLE); which; which &= which - 1) {
		unsigned i = __builtin_ctzl(which);
		bool wide = (pmu_long(v) & BIT(i)) && pmu_version(v->vm) >= PMUV3P5;

		if ((vreg(v, pmu_type_reg(i)) & mask) != event || !pmu_event_allowed(v->vm, event))
			continue;
		val = pmu_truncate(v->vm, i, vreg(v, pmu_count_reg(i)) + 1);
		vreg(v, pmu_count_reg(i)) = val;
		if (wide ? val : (u32)val)
			continue;
		vreg(v, REG_PMOVSSET_EL0) |= BIT(i);
		if (!(i & 1) && !wide)
			increment(v, BIT(i + 1), EVENT_CHAIN);	/* an odd counter: no deeper */
	}
}

void pmu_swinc(struct vcpu *v, u64 which)
{
	increment(v, which, EVENT_SW_INCR);
}

/* ---- the overflow line ---- */

static bool overflow(const struct vcpu *v)
{
	return vreg(v, REG_PMOVSSET_EL0) & vreg(v, REG_PMINTENSET_EL1) & pmu_on(v);
}

void pmu_level_update(struct vcpu *v)
{
	bool level = overflow(v);

	if (level == v->pmu->level || !v->pmu->created || !vgic_in_kernel(v->vm))
		return;
	v->pmu->level = level;
	(void)vgic_inject(v->vm, v, v->pmu->irq, level);
}

bool pmu_notify_user(struct vcpu *v)
{
	u64 now = READ_ONCE(v->run->s.regs.device_irq_level), want;

	if (!v->pmu || vgic_in_kernel(v->vm))
		return false;
	v->pmu->level = overflow(v);
	want = v->pmu->level ? now | KVM_ARM_DEV_PMU : now & ~(u64)KVM_ARM_DEV_PMU;
	v->run->s.regs.device_irq_level = want;
	return want != now;
}

/* ---- life ---- */

int pmu_vcpu_create(struct vcpu *v)
{
	if (!v->pmu)
		v->pmu = kzalloc(sizeof(*v->pmu));
	return v->pmu ? 0 : -ENOMEM;
}

void pmu_vcpu_destroy(struct vcpu *v)
{
	kfree(v->pmu);
	v->pmu = NULL;
}

/* The registers have been reset with their rows. */
void pmu_vcpu_reset(struct vcpu *v)
{
	u64 flags = local_irq_save();

	pmu_level_update(v);
	local_irq_restore(flags);
}

void pmu_vm_create(struct vm *vm)
{
	vm->pmu_n = FIELD_GET(PMCR_N, host_pmcr);
}

void pmu_vm_destroy(struct vm *vm)
{
	kfree(vm->pmu_filter);
}

bool pmu_owns_ppi(const struct vcpu *v, u32 intid)
{
	return v->pmu && READ_ONCE(v->pmu->created) && v->pmu->irq == intid;
}

int pmu_first_run(struct vcpu *v)
{
	if (!v->pmu)
		return 0;
	if (!v->pmu->created)
		return -EINVAL;
	if (!vgic_in_kernel(v->vm))
		return v->pmu->irq ? -EINVAL : 0;
	return vgic_inject(v->vm, v, v->pmu->irq, false) ? -EINVAL : 0;
}

/* ---- KVM_ARM_VCPU_PMU_V3_CTRL, under vm->lock ---- */

/* A PPI is the same number on all vCPUs, an SPI another one on each. */
static int irq_set(struct vcpu *v, u64 uaddr)
{
	struct vcpu *other;
	unsigned i;
	u32 irq;

	if (!vgic_in_kernel(v->vm))
		return -EINVAL;
	if (get_user(irq, uaddr))
		return -EFAULT;
	if (irq < 16 || irq >= 1020)
		return -EINVAL;
	vm_for_each_vcpu(i, other, v->vm)
		if (other->pmu && other->pmu->irq && (irq < 32) != (other->pmu->irq == irq))
			return -EINVAL;
	if (v->pmu->irq)
		return -EBUSY;
	v->pmu->irq = irq;
	return 0;
}

static int filter_set(struct vm *vm, u64 uaddr)
{
	u64 n = pmu_event_mask(host.pmu) + 1, i;
	struct kvm_pmu_event_filter f;

	if (copy_from_user(&f, uaddr, sizeof(f)))
		return -EFAULT;
	if ((u64)f.base_event + f.nevents > n || (f.action != KVM_PMU_EVENT_ALLOW && f.action != KVM_PMU_EVENT_DENY))
		return -EINVAL;
	if (vm->ran_once)
		return -EBUSY;
	if (!vm->pmu_filter) {
		vm->pmu_filter = kmalloc(EVENTS_MAX / 8);
		if (!vm->pmu_filter)
			return -ENOMEM;
		/* The first filter says what holds for all the others. */
		memset(vm->pmu_filter, f.action == KVM_PMU_EVENT_ALLOW ? 0 : 0xff, EVENTS_MAX / 8);
	}
	for (i = f.base_event; i < (u64)f.base_event + f.nevents; i++) {
		if (f.action == KVM_PMU_EVENT_ALLOW)
			vm->pmu_filter[i / 64] |= BIT(i % 64);
		else
			vm->pmu_filter[i / 64] &= ~BIT(i % 64);
	}
	return 0;
}

static int pmu_choose(struct vcpu *v, u64 uaddr)
{
	int id;

	if (get_user(id, uaddr))
		return -EFAULT;
	if (id != PMU_ID)
		return -ENXIO;
	return v->vm->ran_once ? -EBUSY : 0;
}

/* MDCR_EL2.HPMN of all follows, as its reset does. */
static int counters_set(struct vm *vm, u64 uaddr)
{
	struct vcpu *v;
	unsigned i;
	u32 n;

	if (get_user(n, uaddr))
		return -EFAULT;
	if (n > FIELD_GET(PMCR_N, host_pmcr))
		return -EINVAL;
	if (vm->ran_once)
		return -EBUSY;
	vm->pmu_n = n;
	vm_for_each_vcpu(i, v, vm)
		if (v->nested)
			vreg(v, REG_MDCR_EL2) = (vreg(v, REG_MDCR_EL2) & ~MDCR_HPMN) | n;
	return 0;
}

static int pmu_finish(struct vcpu *v)
{
	if (vgic_in_kernel(v->vm)) {
		if (!vgic_ready(v->vm))
			return -ENODEV;
		if (!v->pmu->irq)
			return -ENXIO;
		if (!vgic_claim_exists(v->vm, v->pmu->irq))
			return -EINVAL;
	}
	v->pmu->created = true;
	return 0;
}

/* Features are the VM's once it has them: a vCPU's PMU can be set up before its own KVM_ARM_VCPU_INIT. */
static int pmu_have(struct vcpu *v)
{
	return v->vm->vcpu_features & VMF_PMU ? pmu_vcpu_create(v) : -ENODEV;
}

static int attr_set(struct vcpu *v, const struct kvm_device_attr *a)
{
	int ret = pmu_have(v);

	if (ret)
		return ret;
	if (v->pmu->created)
		return -EBUSY;
	switch (a->attr) {
	case KVM_ARM_VCPU_PMU_V3_IRQ:
		return irq_set(v, a->addr);
	case KVM_ARM_VCPU_PMU_V3_FILTER:
		return filter_set(v->vm, a->addr);
	case KVM_ARM_VCPU_PMU_V3_SET_PMU:
		return pmu_choose(v, a->addr);
	case PMU_V3_SET_NR_COUNTERS:
		return counters_set(v->vm, a->addr);
	case KVM_ARM_VCPU_PMU_V3_INIT:
		return pmu_finish(v);
	default:
		return -ENXIO;
	}
}

static int attr_get(struct vcpu *v, const struct kvm_device_attr *a)
{
	int ret;

	if (a->attr != KVM_ARM_VCPU_PMU_V3_IRQ)
		return -ENXIO;
	if (!vgic_in_kernel(v->vm))
		return -EINVAL;
	ret = pmu_have(v);
	if (ret)
		return ret;
	return v->pmu->irq ? put_user(v->pmu->irq, a->addr) : -ENXIO;
}

int pmu_attr(struct vcpu *v, const struct kvm_device_attr *a, int op)
{
	int ret;

	mutex_lock(&v->vm->lock);
	if (op == 'h')
		ret = v->vm->vcpu_features & VMF_PMU && a->attr <= PMU_V3_SET_NR_COUNTERS ? 0 : -ENXIO;
	else
		ret = op == 's' ? attr_set(v, a) : attr_get(v, a);
	mutex_unlock(&v->vm->lock);
	return ret;
}
