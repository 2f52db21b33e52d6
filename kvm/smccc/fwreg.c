// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pseudo-registers of the hypercall interface: KVM_REG_ARM_FW (PSCI version, speculation workarounds) and
 * KVM_REG_ARM_FW_FEAT_BMAP (which calls a guest may see). The bitmaps belong to the VM, are under vm->lock, and freeze
 * once a vCPU has run. The rules are in fw_logic.c and docs/abi/hypercalls.md.
 */
#include <linux/errno.h>

#include "kernel/mm/uaccess.h"
#include "kvm/features.h"
#include "kvm/smccc/fw_logic.h"
#include "kvm/smccc/smccc.h"
#include "kvm/sysreg/sysreg.h"

#define STD_BITS	BIT(0)			/* TRNG */
#define STD_HYP_BITS	BIT(0)			/* PV time */
#define VENDOR_BITS	(BIT(0) | BIT(1))	/* features and UID, PTP */

#define VENDOR_BITS_2	(BIT(0) | BIT(1))	/* discovery of target implementations: version, CPUs */

/* Linux has it from 6.15 on, under this number. */
#ifndef KVM_REG_ARM_VENDOR_HYP_BMAP_2
#define KVM_REG_ARM_VENDOR_HYP_BMAP_2	KVM_REG_ARM_FW_FEAT_BMAP_REG(3)
#endif

static const u64 ids[] = {
	KVM_REG_ARM_PSCI_VERSION,
	KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1,
	KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2,
	KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3,
	KVM_REG_ARM_STD_BMAP,
	KVM_REG_ARM_STD_HYP_BMAP,
	KVM_REG_ARM_VENDOR_HYP_BMAP,
};

/* Listed once the VMM has written something else than its default: the list is Linux 6.12's for who does not know it. */
static bool bmap_2_listed(struct vm *vm)
{
	return READ_ONCE(vm->fwregs.vendor_hyp_bmap_2);
}

u64 fwreg_workaround(const struct vm *vm, unsigned which)
{
	return workaround_level(host.spec, which, vm->idregs.id[IDX_ID_AA64PFR1_EL1] >> ID_AA64PFR1_SSBS_SHIFT & 0xf);
}

void fwreg_init_vm(struct vm *vm)
{
	vm->fwregs.psci_version_set = 0;
	vm->fwregs.std_bmap = STD_BITS;
	vm->fwregs.std_hyp_bmap = STD_HYP_BITS;
	vm->fwregs.vendor_hyp_bmap = VENDOR_BITS;
	vm->fwregs.vendor_hyp_bmap_2 = 0;
}

void fwreg_offer_sdei(struct vm *vm)
{
	vm->fwregs.std_bmap |= STD_SDEI;
}

int fwreg_count(struct vcpu *v)
{
	return ARRAY_SIZE(ids) + bmap_2_listed(v->vm);
}

int fwreg_list(struct vcpu *v, u64 uindices)
{
	static const u64 more = KVM_REG_ARM_VENDOR_HYP_BMAP_2;

	if (copy_to_user(uindices, ids, sizeof(ids)))
		return -EFAULT;
	return bmap_2_listed(v->vm) ? put_user(more, uindices + sizeof(ids)) : 0;
}

static u64 *bitmap_of(struct vm *vm, u64 id, u64 *allowed)
{
	switch (id) {
	case KVM_REG_ARM_STD_BMAP:
		*allowed = STD_BITS | (vm->sdei ? STD_SDEI : 0);
		return &vm->fwregs.std_bmap;
	case KVM_REG_ARM_STD_HYP_BMAP:
		*allowed = STD_HYP_BITS;
		return &vm->fwregs.std_hyp_bmap;
	case KVM_REG_ARM_VENDOR_HYP_BMAP:
		*allowed = VENDOR_BITS;
		return &vm->fwregs.vendor_hyp_bmap;
	case KVM_REG_ARM_VENDOR_HYP_BMAP_2:
		*allowed = VENDOR_BITS_2;
		return &vm->fwregs.vendor_hyp_bmap_2;
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
		val = fwreg_workaround(v->vm, 1);
		break;
	case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2:
		val = fwreg_workaround(v->vm, 2);
		break;
	case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3:
		val = fwreg_workaround(v->vm, 3);
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
	int ret = psci_version_check(v->config.psci_0_2, val);

	if (!ret)
		v->vm->fwregs.psci_version_set = val;
	return ret;
}

static int bitmap_set(struct vm *vm, u64 id, u64 val)
{
	u64 allowed, *bmap = bitmap_of(vm, id, &allowed);
	int ret;

	if (!bmap)
		return -ENOENT;
	mutex_lock(&vm->lock);
	ret = bitmap_check(allowed, *bmap, val, vm->ran_once);
	if (!ret)
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
		return workaround_check(1, fwreg_workaround(v->vm, 1), val);
	case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2:
		return workaround_check(2, fwreg_workaround(v->vm, 2), val);
	case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3:
		return workaround_check(3, fwreg_workaround(v->vm, 3), val);
	default:
		return bitmap_set(v->vm, reg->id, val);
	}
}
