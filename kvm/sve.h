// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's SVE as its VMM sees it: KVM_ARM_VCPU_SVE, the lengths, KVM_ARM_VCPU_FINALIZE, registers by ONE_REG. All under
 * the vCPU's mutex. The registers themselves are v->fp's. Linux: Documentation/virt/kvm/api.rst 4.68, 4.82, 4.119.
 */
#pragma once

#include "kvm/vcpu.h"

/* KVM_ARM_VCPU_FINALIZE: memory for the registers. -EPERM: done before; -EINVAL: no such feature here; -ENOMEM. */
int sve_finalize(struct vcpu *v, int feature);
/* Nothing that the vCPU asked for waits for KVM_ARM_VCPU_FINALIZE. */
static inline bool vcpu_finalized(const struct vcpu *v)
{
	return !v->config.sve || v->config.sve_finalized;
}
/* KVM_REG_ARM64_SVE: -ENOENT without the feature, -EINVAL for no register, -EPERM in the wrong order, -EFAULT. */
int sve_reg_get(struct vcpu *v, const struct kvm_one_reg *reg);
int sve_reg_set(struct vcpu *v, const struct kvm_one_reg *reg);
int sve_reg_count(struct vcpu *v);
int sve_reg_list(struct vcpu *v, u64 uaddr);	/* sve_reg_count() ids; -EFAULT */
