// SPDX-License-Identifier: GPL-2.0-only
/* Between kvm/vcpu.c and kvm/vcpu_ioctl.c. */
#pragma once

#include "kvm/vcpu.h"

int vcpu_fd(struct vcpu *v);			/* a descriptor; holds the caller's reference on the VM; -errno: it does not */
int vcpu_init(struct vcpu *v, const struct kvm_vcpu_init *init);	/* KVM_ARM_VCPU_INIT, decoded and committed */
