// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pseudo-registers of the hypercall interface: KVM_REG_ARM_FW (PSCI version, speculation workarounds) and
 * KVM_REG_ARM_FW_FEAT_BMAP (which calls a guest may see). The bitmaps belong to the VM, are under vm->lock, and freeze
 * once a vCPU has run. Checks and their order: docs/abi/kvm.md; Linux 6.12 fw-pseudo-registers.rst.
 */
#include <linux/errno.h>

#include "kernel/cpu/sysreg.h"
#include "kernel/mm/uaccess.h"
#include "kvm/smccc/smccc.h"

#define PSCI_0_1	0x1
#define PSCI_0_2	0x2
#define PSCI_1_0	0x10000
#define PSCI_1_1	0x10001

#define STD_BITS	BIT(0)			/* TRNG */
#define STD_HYP_BITS	BIT(0)			/* PV time */
#define VENDOR_BITS	(BIT(0) | BIT(1))	/* features and UID, PTP */

#define WA_LEVEL	0xfUL
#define WA2_ENABLED	BIT(4)

static const u64 ids[] = {
	KVM_REG_ARM_PSCI_VERSION,
	KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1,
	KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2,
	KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3,
	KVM_REG_ARM_STD_BMAP,
	KVM_REG_ARM_STD_HYP_BMAP,
	KVM_REG_ARM_VENDOR_HYP_BMAP,
};

u64 psci_version(const struct vcpu *v)
{
	if (!v->config.psci_0_2)
		return PSCI_0_1;
	return v->vm->fwregs.psci_version_set ? v->vm->fwregs.psci_version_set : PSCI_1_1;
}

u64 fwreg_workaround(unsigned which)
{
	u64 csv2 = read_sysreg(id_aa64pfr0_el1) >> 56 & 0xf;

	switch (which) {
	case 1:
		return csv2 ? KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1_NOT_REQUIRED : KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1_NOT_AVAIL;
	case 2:
		/* With SSBS the guest has its own switch, and needs no firmware interface; without, we cannot know. */
		return KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2_NOT_AVAIL;
	default:
		return csv2 >= 3 ? KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3_NOT_REQUIRED :
			KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3_NOT_AVAIL;
	}
}

void fwreg_init_vm(struct vm *vm)
{
	vm->fwregs.psci_version_set = 0;
	vm->fwregs.std_bmap = STD_BITS;
	vm->fwregs.std_hyp_bmap = STD_HYP_BITS;
	vm->fwregs.vendor_hyp_bmap = VENDOR_BITS;
	vm->fwregs.vendor_hyp_bmap_2 = 0;
}

int fwreg_count(struct vcpu *v)
{
	return ARRAY_SIZE(ids);
}

int fwreg_list(struct vcpu *v, u64 uindices)
{
	return copy_to_user(uindices, ids, sizeof(ids));
}

static u64 *bitmap_of(struct vm *vm, u64 id, u64 *allowed)
{
	switch (id) {
	case KVM_REG_ARM_STD_BMAP:
		*allowed = STD_BITS;
		return &vm->fwregs.std_bmap;
	case KVM_REG_ARM_STD_HYP_BMAP:
		*allowed = STD_HYP_BITS;
		return &vm->fwregs.std_hyp_bmap;
	case KVM_REG_ARM_VENDOR_HYP_BMAP:
		*allowed = VENDOR_BITS;
		return &vm->fwregs.vendor_hyp_bmap;
	default:
		return NULL;
	}
}

int fwreg_get(struct vcpu *v, const struct kvm_one_reg *reg)
{
	u64 allowed, val;
	u64 *bmap = bitmap_of(v->vm, reg->id, &allowed);

	switch (reg->id) {
	case KVM_REG_ARM_PSCI_VERSION:
		val = psci_version(v);
		break;
	case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1:
		val = fwreg_workaround(1);
		break;
	case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2:
		val = fwreg_workaround(2);
		break;
	case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3:
		val = fwreg_workaround(3);
		break;
	default:
		if (!bmap)
			return -ENOENT;
		val = READ_ONCE(*bmap);
	}
	return put_user(val, reg->addr);
}

static int psci_version_set(struct vcpu *v, u64 val)
{
	bool wants_0_2 = v->config.psci_0_2;

	switch (val) {
	case PSCI_0_1:
		if (wants_0_2)
			return -EINVAL;
		v->vm->fwregs.psci_version_set = val;
		return 0;
	case PSCI_0_2:
	case PSCI_1_0:
	case PSCI_1_1:
		if (!wants_0_2)
			return -EINVAL;
		v->vm->fwregs.psci_version_set = val;
		return 0;
	default:
		return -EINVAL;
	}
}

/* Nothing is stored: the value says what the guest was told elsewhere, which must not be more than is true here. */
static int workaround_set(u64 id, u64 val)
{
	switch (id) {
	case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1:
	case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3:
		if (val & ~WA_LEVEL)
			return -EINVAL;
		return val > fwreg_workaround(id == KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1 ? 1 : 3) ? -EINVAL : 0;
	default:
		if (val & ~(WA_LEVEL | WA2_ENABLED))
			return -EINVAL;
		/* Whether it is on only matters where it can be turned off; "available" needs what we do not have. */
		if ((val & WA2_ENABLED) && (val & WA_LEVEL) != KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2_AVAIL)
			return -EINVAL;
		switch (val & WA_LEVEL) {
		case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2_NOT_AVAIL:
		case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2_UNKNOWN:
			return 0;
		case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2_NOT_REQUIRED:
			return fwreg_workaround(2) == KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2_NOT_REQUIRED ? 0 : -EINVAL;
		default:
			return -EINVAL;
		}
	}
}

static int bitmap_set(struct vm *vm, u64 id, u64 val)
{
	u64 allowed, *bmap = bitmap_of(vm, id, &allowed);
	int ret = 0;

	if (!bmap)
		return -ENOENT;
	if (val & ~allowed)
		return -EINVAL;
	mutex_lock(&vm->lock);
	if (vm->ran_once && val != *bmap)
		ret = -EBUSY;
	else
		WRITE_ONCE(*bmap, val);
	mutex_unlock(&vm->lock);
	return ret;
}

int fwreg_set(struct vcpu *v, const struct kvm_one_reg *reg)
{
	u64 val;

	if ((reg->id & KVM_REG_SIZE_MASK) != KVM_REG_SIZE_U64)
		return -ENOENT;
	if (get_user(val, reg->addr))
		return -EFAULT;
	switch (reg->id) {
	case KVM_REG_ARM_PSCI_VERSION:
		return psci_version_set(v, val);
	case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1:
	case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2:
	case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3:
		return workaround_set(reg->id, val);
	default:
		return bitmap_set(v->vm, reg->id, val);
	}
}
