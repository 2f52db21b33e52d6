// SPDX-License-Identifier: GPL-2.0-only
/*
 * HVC and SMC. For HVC the PC is already past the instruction; SMC is trapped before it executes (HCR_EL2.TSC), so its
 * row in tables/exit.tbl has the dispatcher move PC first: a call that replaces PC must find no increment pending.
 */
#include "exit_classes.h"
#include "kvm/run/run.h"
#include "kvm/trap/trap.h"
#include "kvm/vcpu_state.h"

#define ISS_CCKNOWNPASS	BIT(19)

enum trap_result trap_hvc(struct vcpu *v);
enum trap_result trap_smc(struct vcpu *v);

enum trap_result trap_hvc(struct vcpu *v)
{
	v->state->stat.hvc_exits++;
	return smccc_trap(v, false);
}

enum trap_result trap_smc(struct vcpu *v)
{
	v->state->stat.smc_exits++;
	/* AArch32 only, ISS for SMC: the CPU may not have looked at the condition. */
	if ((v->exit.esr >> 26 & 0x3f) == ESR_EC_SMC32 && (v->exit.esr & ISS_CCKNOWNPASS) && !cond_passed(v))
		return TRAP_RETRY;	/* PC is past it already */
	/* SMCCC: a non-zero immediate is no SMCCC call. */
	if (v->exit.esr & 0xffff) {
		v->regs.x[0] = ~0UL;
		return TRAP_RETRY;
	}
	return smccc_trap(v, true);
}
