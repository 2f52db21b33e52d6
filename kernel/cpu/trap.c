// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions in C: from EL0 to the layer above, from EL2 to fixups or panic. Arm ARM D24.2.40 (ESR_EL2). No locks.
 */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/entry.h"
#include "kernel/cpu/sysreg.h"
#include "kernel/cpu/trap.h"
#include "kernel/debug/debug.h"
#include "kernel/debug/exitring.h"
#include "kernel/debug/print.h"
#include "kernel/irq/internal.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/sched.h"

#define EC(esr)		((esr) >> 26 & 0x3f)
#define EC_FP		0x07
#define EC_DABT_CUR	0x25
#define ESR_WNR		BIT(6)
#define ESR_CM		BIT(8)

_Static_assert(offsetof(struct thread, ctx) == THREAD_CTX, "offsets.h");
_Static_assert(offsetof(struct thread, cpu) == THREAD_CPU, "offsets.h");
_Static_assert(offsetof(struct thread, flags) == THREAD_FLAGS, "offsets.h");
_Static_assert(offsetof(struct thread, preempt_count) == THREAD_PREEMPT, "offsets.h");
_Static_assert(offsetof(struct thread, stack) == THREAD_STACK_BASE, "offsets.h");
_Static_assert(THREAD_STACK == 1 << STACK_SHIFT, "offsets.h");
_Static_assert(sizeof(struct pt_regs) == REGS_SIZE, "offsets.h");
_Static_assert(offsetof(struct pt_regs, pc) == REGS_PC, "offsets.h");
_Static_assert(offsetof(struct pt_regs, orig_x0) == REGS_ORIG_X0, "offsets.h");

struct ex_entry {
	s32 insn, fixup;	/* relative to their own place */
};
extern const struct ex_entry __ex_table_start[], __ex_table_end[];

const struct user_hooks *user_hooks;

struct pt_regs *thread_regs_of(const struct thread *t)
{
	return (struct pt_regs *)((char *)t->stack + THREAD_STACK) - 1;
}

struct pt_regs *thread_user_regs(void)
{
	return thread_regs_of(current_thread);
}

/* Interrupts on or off; off on return, with nothing left to do. */
void user_return(struct pt_regs *regs)
{
	struct thread *t = current_thread;

	for (;;) {
		local_irq_disable();
		if (likely(!(READ_ONCE(t->flags) & (TF_RESCHED | TF_NOTIFY))))
			break;
		if (t->flags & TF_RESCHED)
			schedule();
		local_irq_enable();
		if (READ_ONCE(t->flags) & TF_NOTIFY)
			user_hooks->notify(regs);
	}
	rcu_user_enter();
}

/* Back at once, for RCU as if nothing had been; whatever else there is for the thread comes as an interrupt. */
static void trap_user_fp(struct pt_regs *regs, u64 esr)
{
	if (likely(fp_claim(&current_thread->fp)))
		return;
	rcu_user_exit();
	exit_ring_add(RING_USER_SYNC, regs->pc, esr);
	local_irq_enable();
	fp_use(&current_thread->fp);
	user_return(regs);
}

void trap_user_sync(struct pt_regs *regs, u64 esr, u64 far)
{
	if (unlikely(EC(esr) == EC_FP)) {
		trap_user_fp(regs, esr);
		return;
	}
	rcu_user_exit();
	exit_ring_add(RING_USER_SYNC, regs->pc, esr);
	local_irq_enable();
	user_hooks->sync(regs, esr, far);
	user_return(regs);
}

void trap_user_irq(struct pt_regs *regs, u64 esr, u64 far)
{
	rcu_user_exit();
	exit_ring_add(RING_USER_IRQ, regs->pc, 0);
	irq_dispatch();
	user_return(regs);
}

void trap_user_serror(struct pt_regs *regs, u64 esr, u64 far)
{
	rcu_user_exit();
	panic_regs(regs, "SError in a process, esr %#lx", (unsigned long)esr);
}

void trap_kernel_irq(struct pt_regs *regs, u64 esr, u64 far)
{
	exit_ring_add(RING_KERNEL_IRQ, regs->pc, 0);
	irq_dispatch();
	if (!current_thread->preempt_count && (READ_ONCE(current_thread->flags) & TF_RESCHED))
		schedule_preempt();
}

static const struct ex_entry *ex_find(u64 pc)
{
	for (const struct ex_entry *e = __ex_table_start; e < __ex_table_end; e++)
		if ((u64)&e->insn + (s64)e->insn == pc)
			return e;
	return NULL;
}

/* Fault of a copy routine on a user address: true when regs say how to go on. */
static bool uaccess_fixup(struct pt_regs *regs, u64 esr, u64 far)
{
	const struct ex_entry *e = ex_find(regs->pc);
	bool sleep_ok = !(regs->pstate & BIT(7)) && !current_thread->preempt_count;

	if (!e)
		return false;
	if (sleep_ok && !(far >> 63) && current_thread->aspace && user_hooks) {
		int err;

		local_irq_enable();
		err = user_hooks->uaccess_fault(far, (esr & ESR_WNR) && !(esr & ESR_CM) ? FAULT_WRITE : 0);
		local_irq_disable();
		if (!err)
			return true;
	}
	regs->pc = (u64)&e->fixup + (s64)e->fixup;
	return true;
}

void trap_kernel_sync(struct pt_regs *regs, u64 esr, u64 far)
{
	exit_ring_add(RING_KERNEL_SYNC, regs->pc, esr);
	if (EC(esr) == EC_DABT_CUR && uaccess_fixup(regs, esr, far))
		return;
	panic_regs(regs, "unexpected exception in the kernel: esr %#lx (class %#lx), far %#lx", (unsigned long)esr,
		   (unsigned long)EC(esr), (unsigned long)far);
}

void trap_serror(struct pt_regs *regs, u64 esr, u64 far)
{
	panic_regs(regs, "SError, esr %#lx", (unsigned long)esr);
}

void trap_bad(struct pt_regs *regs, u64 esr, u64 far)
{
	panic_regs(regs, "exception on the wrong stack, esr %#lx far %#lx", (unsigned long)esr, (unsigned long)far);
}

void trap_stack_overflow(struct pt_regs *regs, u64 esr, u64 far)
{
	panic_regs(regs, "kernel stack overflow: far %#lx, stack at %p, esr %#lx", (unsigned long)far,
		   current_thread->stack, (unsigned long)esr);
}
