// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a VM says of its implementation outside the ID space: MIDR_EL1, REVIDR_EL1, AIDR_EL1, CTR_EL0. The values are the VM's
 * (vm->idregs, under vm->lock) and freeze with its first run. A guest reads MIDR_EL1 from VPIDR_EL2; the others are
 * trapped (HCR_EL2.TID1; TID2 when CTR_EL0 is not the CPU's). Also KVM_ARM_GET_REG_WRITABLE_MASKS. Arm ARM D24.2.35, D24.2.122.
 */
#include <linux/errno.h>

#include "kernel/cpu/sysreg.h"
#include "kernel/lib/string.h"
#include "kernel/mm/uaccess.h"
#include "kvm/features.h"
#include "kvm/sysreg/sysreg.h"
#include "kvm/trap/trap.h"

#define CTR_DIC		BIT(29)
#define CTR_IDC		BIT(28)
#define CTR_DMINLINE	GENMASK(19, 16)
#define CTR_IMINLINE	GENMASK(3, 0)
#define CTR_WRITABLE	(CTR_DIC | CTR_IDC | CTR_DMINLINE | CTR_IMINLINE)
#define MIDR_WRITABLE	GENMASK(31, 0)

/* Places in the table of KVM_ARM_GET_REG_WRITABLE_MASKS. */
#define MASK_INDEX(op1, crm, op2) KVM_ARM_FEATURE_ID_RANGE_IDX(3, op1, 0, crm, op2)

enum trap_result sysreg_impl(struct vcpu *v, const struct sysreg_access *a);

static u64 *impl_reg(struct vm *vm, enum reg r)
{
	switch (r) {
	case REG_MIDR_EL1:
		return &vm->idregs.midr;
	case REG_REVIDR_EL1:
		return &vm->idregs.revidr;
	case REG_AIDR_EL1:
		return &vm->idregs.aidr;
	default:
		return &vm->idregs.ctr;
	}
}

void impl_init(struct vm *vm)
{
	vm->idregs.midr = read_sysreg(midr_el1);
	vm->idregs.revidr = read_sysreg(revidr_el1);
	vm->idregs.aidr = read_sysreg(aidr_el1);
	vm->idregs.ctr = host.ctr;
}

enum trap_result sysreg_impl(struct vcpu *v, const struct sysreg_access *a)
{
	if (a->write) {
		inject_undef(v);
		return TRAP_RETRY;
	}
	guest_reg_set(v, a->rt, *impl_reg(v->vm, a->reg));
	return TRAP_SKIP;
}

int user_impl_get(struct vcpu *v, const struct sysreg_user *u, u64 *val)
{
	*val = READ_ONCE(*impl_reg(v->vm, u->reg));
	return 0;
}

/* Maintenance that the CPUs need must not become less, nor a line longer than it is. */
static bool ctr_may_be(u64 val)
{
	return !((val ^ host.ctr) & ~CTR_WRITABLE) && !(val & ~host.ctr & (CTR_DIC | CTR_IDC)) &&
	       (val & CTR_DMINLINE) <= (host.ctr & CTR_DMINLINE) && (val & CTR_IMINLINE) <= (host.ctr & CTR_IMINLINE);
}

static bool impl_may_be(struct vm *vm, enum reg r, u64 val)
{
	if (r == REG_CTR_EL0)
		return ctr_may_be(val);
	return vm->impl_writable && !(r == REG_MIDR_EL1 && (val & ~MIDR_WRITABLE));
}

int user_impl_set(struct vcpu *v, const struct sysreg_user *u, u64 val)
{
	struct vm *vm = v->vm;
	u64 *at = impl_reg(vm, u->reg);
	int ret = 0;

	mutex_lock(&vm->lock);
	if (val == *at)
		ret = 0;
	else if (vm->ran_once && (u->reg == REG_CTR_EL0 || vm->impl_writable))
		ret = -EBUSY;
	else if (!impl_may_be(vm, u->reg, val))
		ret = -EINVAL;
	else
		WRITE_ONCE(*at, val);
	mutex_unlock(&vm->lock);
	return ret;
}

/* KVM_CAP_ARM_WRITABLE_IMP_ID_REGS: before there are vCPUs, as on Linux. */
int impl_make_writable(struct vm *vm)
{
	int ret = -EINVAL;

	mutex_lock(&vm->lock);
	if (!vm->nr_vcpus) {
		vm->impl_writable = true;
		ret = 0;
	}
	mutex_unlock(&vm->lock);
	return ret;
}

static int mask_put(u64 addr, unsigned index, u64 mask)
{
	return put_user(mask, addr + index * sizeof(mask));
}

static int impl_masks(struct vm *vm, u64 addr)
{
	int ret = mask_put(addr, MASK_INDEX(3, 0, 1), CTR_WRITABLE);

	if (!ret)
		ret = mask_put(addr, MASK_INDEX(1, 0, 1), CLIDR_WRITABLE);
	if (ret || !vm->impl_writable)
		return ret;
	ret = mask_put(addr, MASK_INDEX(0, 0, 0), MIDR_WRITABLE);
	if (!ret)
		ret = mask_put(addr, MASK_INDEX(0, 0, 6), ~0UL);
	return ret ? ret : mask_put(addr, MASK_INDEX(1, 0, 7), ~0UL);
}

s64 idreg_writable_masks(struct vm *vm, const struct reg_mask_range *r)
{
	static const char zero[sizeof(r->reserved)];
	u64 mask = 0;
	unsigned i;

	if (r->range || memcmp(r->reserved, zero, sizeof(zero)))
		return -EINVAL;
	if (clear_user(r->addr, KVM_ARM_FEATURE_ID_RANGE_SIZE * sizeof(u64)))
		return -EFAULT;
	for (i = 0; i < id_fields_n; i++) {	/* by register */
		const struct id_field *f = &id_fields[i];

		if (f->kind != IDF_FIXED && f->kind != IDF_SAME)
			mask |= 0xfUL << f->lsb;
		if (i + 1 < id_fields_n && id_fields[i + 1].index == f->index)
			continue;
		if (mask_put(r->addr, MASK_INDEX(0, f->index / 8 + 1, f->index % 8), mask))
			return -EFAULT;
		mask = 0;
	}
	return impl_masks(vm, r->addr);
}
