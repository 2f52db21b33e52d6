// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions taken to EL2 from processes (EL0) and from the kernel itself. A guest's exits do not come here: while
 * a guest runs, VBAR_EL2 points into kvm/run/guest.S, which restores VBAR before interrupts are unmasked.
 * Owner: kernel/cpu/entry.S, kernel/cpu/trap.c.
 */
#pragma once

#include <nestbox/types.h>

/* Saved on the kernel stack at every exception; for a user thread the frame from EL0 is at the very top. 16-byte multiple. */
struct pt_regs {
	u64 x[31];
	u64 sp;		/* SP_EL0 when from EL0 */
	u64 pc;
	u64 pstate;
	u64 orig_x0;	/* x0 at syscall entry, for restart */
	u64 syscall;	/* number, or ~0 when not in a system call */
};

/* What the layer above supplies. All run in thread context with interrupts enabled, unless said otherwise. */
struct user_hooks {
	/* Synchronous exception from EL0, ESR_EL2 and FAR_EL2 as read at entry (FP access traps are handled below). */
	void (*sync)(struct pt_regs *regs, u64 esr, u64 far);
	/* On the way to EL0 when TF_NOTIFY is set: deliver signals, exit. Loops until the flag stays clear. */
	void (*notify)(struct pt_regs *regs);
	/*
	 * Fault on a user address by a kernel instruction that has a fixup (copy routines). access: FAULT_* bits.
	 * Returns 0 to retry the instruction, or -errno to take the fixup.
	 */
	int (*uaccess_fault)(u64 addr, unsigned access);
};

#define FAULT_WRITE	BIT(0)
#define FAULT_EXEC	BIT(1)
#define FAULT_USER	BIT(2)	/* from EL0 itself rather than a copy on its behalf */

extern const struct user_hooks *user_hooks;	/* set once before the first process */

#define NO_SYSCALL	(~0UL)

/* The frame from EL0 of a user thread; of one that runs, as good as it is at that moment. */
struct thread;
struct pt_regs *thread_regs_of(const struct thread *t);
/* The same of the current thread. */
struct pt_regs *thread_user_regs(void);

void regs_dump(const struct pt_regs *regs);
