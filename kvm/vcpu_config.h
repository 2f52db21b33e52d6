// SPDX-License-Identifier: GPL-2.0-only
/* Writing the configuration set. Not for entry code. */
#pragma once

#ifdef VCPU_ENTRY_CODE
#error "entry code sees the configuration as const (docs/architecture.md)"
#endif

#include "kvm/vcpu.h"

/* The only way to write a vCPU's configuration; NULL once it has run. */
struct vcpu_config *vcpu_config_edit(struct vcpu *v);
/* At the first KVM_RUN, after everything else succeeded: computes the trap values and closes the configuration. */
void vcpu_config_freeze(struct vcpu *v);
