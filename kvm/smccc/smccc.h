// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls: what the files of this folder share, and what vm.c calls. Order of a call: filter, gate, handler; a call
 * that none of them wants reads as not supported. Arm DEN0028.
 */
#pragma once

#include "kvm/smccc/fw_logic.h"
#include "kvm/vcpu.h"

#define SMCCC_RET_NOT_SUPPORTED	(-1L)
#define SMCCC_FN_64BIT		BIT(30)

/* x0 to x3 of the caller. */
static inline void smccc_return(struct vcpu *v, u64 x0, u64 x1, u64 x2, u64 x3)
{
	v->regs.x[0] = x0;
	v->regs.x[1] = x1;
	v->regs.x[2] = x2;
	v->regs.x[3] = x3;
}

/* An argument as the calling convention of fn says: the 32-bit one ignores upper halves. */
static inline u64 smccc_arg(const struct vcpu *v, u32 fn, unsigned n)
{
	return fn & SMCCC_FN_64BIT ? v->regs.x[n] : (u32)v->regs.x[n];
}

/* Whether a call to this id would reach its handler now (gates; not the filter). */
bool smccc_offers(const struct vcpu *v, u32 fn);

/* filter.c: KVM_ARM_VM_SMCCC_CTRL. Errors as Linux's: -EINVAL, -EBUSY, -EEXIST, -ENOMEM. */
int smccc_filter_set(struct vm *vm, const struct kvm_smccc_filter *f);
u8 smccc_filter_action(const struct vm *vm, u32 fn);	/* KVM_SMCCC_FILTER_* */
bool smccc_filter_covers(const struct vm *vm, u32 first, u32 last);	/* some range takes some of them away; vm->lock held */
void smccc_vm_destroy(struct vm *vm);

/* What SDEI's calls may use; its state cannot be served half by us and half by the VMM. */
#define SDEI_FN_FIRST	0xc4000020U
#define SDEI_FN_LAST	0xc400003fU
void fwreg_offer_sdei(struct vm *vm);	/* fwreg.c: its bit exists, and is set; vm->lock held */

/* fwreg.c: what the host's firmware interface for speculation looks like to guests, as register values. */
u64 fwreg_workaround(const struct vm *vm, unsigned which);	/* 1, 2, 3 */

/* pvtime.c: KVM_ARM_VCPU_PVTIME_CTRL; op 's', 'g', 'h'. */
int pvtime_attr(struct vcpu *v, const struct kvm_device_attr *a, int op);
void pvtime_reset(struct vcpu *v);	/* at creation */

#define STD_SDEI	BIT(1)		/* in fwregs.std_bmap: only once the VMM opted in (kvm/sdei) */

/* The version that this vCPU is told. */
static inline u64 psci_version(const struct vcpu *v)
{
	if (!v->config.psci_0_2)
		return PSCI_V0_1;
	return v->vm->fwregs.psci_version_set ? v->vm->fwregs.psci_version_set : PSCI_V1_1;
}
