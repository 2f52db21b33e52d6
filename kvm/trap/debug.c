// SPDX-License-Identifier: GPL-2.0-only
/* Debug exceptions routed to EL2 because the VMM debugs the guest (KVM_SET_GUEST_DEBUG, MDCR_EL2.TDE). */
#include "exit_classes.h"
#include "kvm/run/run.h"
#include "kvm/vcpu_state.h"

enum trap_result trap_debug(struct vcpu *v);

enum trap_result trap_debug(struct vcpu *v)
{
	struct kvm_run *run = v->run;

	v->state->step_taken = (v->exit.esr >> 26 & 0x3f) == ESR_EC_SOFTSTP_LOW;
	run->exit_reason = KVM_EXIT_DEBUG;
	run->debug.arch.hsr = (u32)v->exit.esr;
	run->debug.arch.hsr_high = (u32)(v->exit.esr >> 32);
	if ((v->exit.esr >> 26 & 0x3f) == ESR_EC_WATCHPT_LOW)
		run->debug.arch.far = v->exit.far;
	return TRAP_USER;
}
