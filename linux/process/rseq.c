// SPDX-License-Identifier: GPL-2.0-only
/*
 * Restartable sequences: the CPU number in a thread's struct rseq, and the jump to the abort handler when a critical
 * section was preempted or gets a signal. A switch hook notes that the thread was off its CPU; the door to EL0 looks.
 * While the thread is inside a user_hooks call (task->in_kernel) the hook only leaves a note: TF_NOTIFY would end
 * interruptible sleeps. Outside of one it raises TF_NOTIFY, so that the note is read before EL0.
 */
#include <linux/rseq.h>

#include "linux/process/internal.h"

#define RSEQ_MIN	32	/* the size of struct rseq that C libraries register */

static void rseq_switch_out(struct switch_hook *h)
{
}

static void rseq_switch_in(struct switch_hook *h)
{
	struct task *t = container_of(h, struct task, rseq_hook);

	WRITE_ONCE(t->rseq_event, true);
	if (!READ_ONCE(t->in_kernel))
		__atomic_fetch_or(&t->thread->flags, TF_NOTIFY, __ATOMIC_RELAXED);
}

static void hook_init(struct task *t)
{
	t->rseq_hook.out = rseq_switch_out;
	t->rseq_hook.in = rseq_switch_in;
}

void rseq_exit(struct task *t)
{
	if (!t->rseq)
		return;
	switch_hook_del(&t->rseq_hook);
	t->rseq = 0;
	t->rseq_event = false;
}

void rseq_exec(struct task *t)
{
	rseq_exit(t);
}

void rseq_fork(struct task *parent, struct task *child)
{
	if (!parent->rseq)
		return;
	child->rseq = parent->rseq;
	child->rseq_len = parent->rseq_len;
	child->rseq_sig = parent->rseq_sig;
	child->rseq_event = true;
	hook_init(child);
	list_add_tail(&child->rseq_hook.node, &child->thread->switch_hooks);
}

static int ids_update(struct task *t)
{
	u32 cpu, id[2];

	preempt_disable();
	cpu = this_cpu()->id;
	preempt_enable();
	id[0] = id[1] = cpu;
	if (copy_to_user(t->rseq, id, sizeof(id)))
		return -EFAULT;
	id[0] = 0;	/* node_id, mm_cid: one node; a CPU number is unique among those that run */
	id[1] = cpu;
	return copy_to_user(t->rseq + offsetof(struct rseq, node_id), id, sizeof(id));
}

static int section_abort(struct task *t, struct pt_regs *regs)
{
	u64 field = t->rseq + offsetof(struct rseq, rseq_cs), ptr, zero = 0;
	struct rseq_cs cs;
	u32 sig;

	if (get_user(ptr, field))
		return -EFAULT;
	if (!ptr)
		return 0;
	if (get_user(cs, ptr))
		return -EFAULT;
	if (cs.version || cs.start_ip >= USER_END || cs.abort_ip >= USER_END ||
	    cs.start_ip + cs.post_commit_offset >= USER_END || cs.post_commit_offset >= USER_END ||
	    cs.abort_ip - cs.start_ip < cs.post_commit_offset)
		return -EINVAL;
	if (copy_to_user(field, &zero, sizeof(zero)))
		return -EFAULT;
	if (regs->pc - cs.start_ip >= cs.post_commit_offset)
		return 0;
	if (get_user(sig, cs.abort_ip - sizeof(sig)))
		return -EFAULT;
	if (sig != t->rseq_sig)
		return -EINVAL;
	regs->pc = cs.abort_ip;
	return 0;
}

void rseq_fixup(struct pt_regs *regs, bool force)
{
	struct task *t = current_task();

	if (!t->rseq || (!force && !READ_ONCE(t->rseq_event)))
		return;
	WRITE_ONCE(t->rseq_event, false);
	if (section_abort(t, regs) || ids_update(t)) {
		rseq_exit(t);
		force_signal(SIGSEGV, SI_KERNEL, regs->pc);
	}
}

SYSCALL(rseq)
{
	struct task *t = current_task();
	u32 len = (u32)a1, flags = (u32)a2, sig = (u32)a3;
	struct { u32 start, cpu; } gone = { 0, (u32)RSEQ_CPU_ID_UNINITIALIZED };

	if (flags & RSEQ_FLAG_UNREGISTER) {
		if (flags & ~(u32)RSEQ_FLAG_UNREGISTER || !t->rseq || t->rseq != a0 || t->rseq_len != len)
			return -EINVAL;
		if (t->rseq_sig != sig)
			return -EPERM;
		if (put_user(gone, a0))
			return -EFAULT;
		rseq_exit(t);
		return 0;
	}
	if (flags)
		return -EINVAL;
	if (t->rseq) {
		if (t->rseq != a0 || t->rseq_len != len)
			return -EINVAL;
		return t->rseq_sig != sig ? -EPERM : -EBUSY;
	}
	if (len < RSEQ_MIN || a0 % 32)
		return -EINVAL;
	if (a0 >= USER_END - len)
		return -EFAULT;
	t->rseq_len = len;
	t->rseq_sig = sig;
	t->rseq = a0;
	hook_init(t);
	switch_hook_add(&t->rseq_hook);
	WRITE_ONCE(t->rseq_event, true);	/* leaving this call fills in the CPU number */
	return 0;
}
