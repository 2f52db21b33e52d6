// SPDX-License-Identifier: GPL-2.0-only
/* Helpers shared by the trap handlers and the run loop. The handlers themselves are declared by the generated exit_table.h. */
#pragma once

#include "kernel/cpu/sysreg.h"
#include "kvm/vcpu.h"

/* WFI (trap/wfx.c): sleep until vcpu_runnable, a request or a signal. The vCPU stays loaded; the switch hook puts it. */
void vcpu_block(struct vcpu *v);
/* Something for the guest to do: an interrupt it can take, or a virtual SError. */
bool vcpu_runnable(struct vcpu *v);
/*
 * The same for PSCI's CPU_SUSPEND and SYSTEM_SUSPEND. A guest may turn its CPU interface off before (Linux does where there is
 * one security state): what is enabled wakes it all the same. False: a request or a signal came instead.
 */
bool vcpu_suspend_block(struct vcpu *v);
/* A SYSTEM_SUSPEND wake-up: fills in the run page; 1. */
int suspend_wakeup(struct vcpu *v);

/* kvm/vcpu.c: what the first KVM_RUN does before the configuration freezes; Linux's errors in Linux's order. */
int vcpu_first_run(struct vcpu *v);
/* kvm/smccc/pvtime.c: bring the guest's stolen time up to date. Thread context. */
void pvtime_update(struct vcpu *v);

/* kvm/trap/cond.c: whether the trapped AArch32 instruction would have been executed. */
bool cond_passed(const struct vcpu *v);

#define SCTLR_EL12	S3_5_C1_C0_0
#define SCTLR_EE	BIT(25)
#define SCTLR_E0E	BIT(24)

/*
 * SCTLR of the regime that the guest's code runs in, a virtual EL2's too: while a vCPU is loaded that is in the CPU's SCTLR_EL1.
 * Its thread's only, between run_begin and run_end.
 */
static inline u64 guest_sctlr(void)
{
	return read_sysreg(SCTLR_EL12);
}

/* General registers as an instruction names them: 31 is the zero register. */
static inline u64 guest_reg(const struct vcpu *v, unsigned r)
{
	return r == 31 ? 0 : v->regs.x[r];
}

static inline void guest_reg_set(struct vcpu *v, unsigned r, u64 val)
{
	if (r != 31)
		v->regs.x[r] = val;
}
