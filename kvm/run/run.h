// SPDX-License-Identifier: GPL-2.0-only
/* What the files of kvm/run/ call of each other, in the order of the story: loop, enter, guest.S, exit, leave, dispatch. */
#pragma once

#include "kvm/vcpu.h"

/* load.c: control registers as the host has them, read once at start before any guest. */
extern u64 host_hcr, host_mdcr;
void kvm_run_init(void);

/* enter.c: interrupts off, everything flushed. Runs the guest until the fast tier (exit.c) cannot send it back. */
void vcpu_enter(struct vcpu *v);

/* guest.S. The code says which vector was taken. */
#define GUEST_EXIT_SYNC		0
#define GUEST_EXIT_IRQ		1
#define GUEST_EXIT_SERROR	2
#define GUEST_EXIT_ILLEGAL	3
u64 guest_run(struct vcpu_regs *regs);

/*
 * exit.c: true if the guest may go straight back. Guest loaded, interrupts off, TGE clear. On false *code may say another
 * exit than the one it came with: the instruction is done, something else is not.
 */
bool exit_fast(struct vcpu *v, u64 *code);

/* After something done there that wakes other vCPUs: false, and *code, if this one has a request, or its thread something to do. */
static inline bool guest_may_go_on(struct vcpu *v, u64 *code)
{
	if (likely(!(READ_ONCE(current_thread->flags) & (TF_RESCHED | TF_NOTIFY | TF_KICK)) && !READ_ONCE(v->requests)))
		return true;
	*code = GUEST_EXIT_IRQ;
	return false;
}

/* leave.c: back to the host's control registers, exit information read, vGIC and timers synced. Interrupts stay off. */
void vcpu_leave(struct vcpu *v, u64 code);

/*
 * stay.c: around KVM_RUN, on the vCPU's thread. run_end leaves the vCPU in the CPU if stay allows it and nothing forbids it
 * (vcpu_may_stay); then run_begin finds it there, if the thread has not been switched out and nobody asked for it.
 */
void run_begin(struct vcpu *v);
void run_end(struct vcpu *v, bool stay);

/* dispatch.c */
struct exit_row {
	const char *name;
	enum trap_result (*handler)(struct vcpu *v);
	bool pre_skip;
};
enum trap_result vcpu_dispatch(struct vcpu *v);

/* inject32.c: the pending exception, into AArch32 EL1. */
void exception_take32(struct vcpu *v);

/* inject.c: PC past the instruction that trapped (uses exit.esr for its length). */
void vcpu_skip(struct vcpu *v);
/* PSTATE of an exception to EL1 from PSTATE old (Arm ARM AArch64.TakeException); SCTLR_EL1 may be loaded or put. */
u64 exception_pstate(struct vcpu *v, u64 old);
