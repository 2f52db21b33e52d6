// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of threads and processes, and what their relatives learn of it. The order in task_exit is: user memory's
 * owners first (robust locks, the tid word), then what the group shares (with its last thread), then the ids.
 */
#include <linux/wait.h>

#include "linux/process/internal.h"

#define SA_NOCLDWAIT_FLAG	0x2

static void vfork_complete(struct task *t)
{
	struct vfork_wait *v = t->vfork;

	if (!v)
		return;
	t->vfork = NULL;
	WRITE_ONCE(v->done, true);
	waitq_wake(&v->wait, 0);
	vfork_put(v);
}

void vfork_release(struct task *t)
{
	vfork_complete(t);
}

/* The address space as seen by this thread ends: tell those who wait for it in user memory. */
static void memory_release(struct task *t)
{
	u32 zero = 0;

	robust_list_exit(t);
	if (t->clear_child_tid) {
		if (!put_user(zero, t->clear_child_tid))
			futex_wake_user(t->clear_child_tid, 1, true);
		t->clear_child_tid = 0;
	}
}

/* Last thread: nothing of the process can run any more. */
static void process_release(struct process *p)
{
	struct fdtable *files = p->files;
	struct mm *mm = p->mm;
	u64 flags;

	timers_exit(p, false);
	/* Files first: a VM's release still wants the memory's notifier list. */
	flags = siglock(p);
	p->files = NULL;
	sigunlock(p, flags);
	if (files)
		fdtable_put(files);
	flags = siglock(p);
	p->mm = NULL;
	sigunlock(p, flags);
	if (mm)
		mm_put(mm);
}

static void chld_info(siginfo_t *info, struct process *child, int code, int status)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = SIGCHLD;
	info->si_code = code;
	info->si_pid = child->pid;
	info->si_status = status;
	info->si_utime = (long)(child->utime_ns / 10000000);
}

void child_stop_notify(struct process *p, int why, int status)
{
	u64 flags = spin_lock_irqsave(&tasklist_lock);
	struct process *parent = p->parent;
	siginfo_t info;

	if (parent) {
		chld_info(&info, p, why, status);
		if (parent->action[SIGCHLD - 1].handler != (u64)SIG_IGN &&
		    !(parent->action[SIGCHLD - 1].flags & SA_NOCLDSTOP))
			process_send_signal(parent, SIGCHLD, &info);
		waitq_wake(&parent->child_wait, 0);
	}
	spin_unlock_irqrestore(&tasklist_lock, flags);
}

/* Tell the parent of a new zombie; true if nobody will ever wait for it, so that it is to be reaped at once. */
static bool notify_parent_locked(struct process *p)
{
	struct process *parent = p->parent;
	struct sig_action *a;
	siginfo_t info;
	int status = p->exit_code;
	bool ignored;

	if (!parent)
		return true;
	if (status & 0x7f)
		chld_info(&info, p, CLD_KILLED, status & 0x7f);
	else
		chld_info(&info, p, CLD_EXITED, status >> 8 & 0xff);
	a = &parent->action[SIGCHLD - 1];
	ignored = p->exit_signal == SIGCHLD &&
		  (a->handler == (u64)SIG_IGN || (a->flags & SA_NOCLDWAIT_FLAG));
	if (p->exit_signal && !(ignored && a->handler == (u64)SIG_IGN)) {
		info.si_signo = p->exit_signal;
		process_send_signal(parent, p->exit_signal, &info);
	}
	waitq_wake(&parent->child_wait, 0);
	return ignored;
}

static struct process *reaper_locked(struct process *dead)
{
	struct process *p;

	for (p = dead->parent; p; p = p->parent)
		if (p->subreaper && !p->zombie && p->live)
			return p;
	return process_find_locked(1);
}

/* Children of the dead go to init or a subreaper. Zombies reaped here are put on *drop by their sibling link. */
static void reparent_locked(struct process *p, struct list *drop)
{
	struct process *c, *n, *heir = reaper_locked(p);
	struct task *t;

	list_for_each_safe(c, n, &p->children, sibling) {
		list_del(&c->sibling);
		c->parent = heir != p ? heir : NULL;
		if (c->parent)
			list_add_tail(&c->sibling, &heir->children);
		if (!list_empty(&c->threads)) {
			t = list_first(&c->threads, struct task, proc_link);
			if (t->pdeath_signal)
				process_send_signal(c, t->pdeath_signal, NULL);
		}
		if (c->zombie) {
			c->exit_signal = SIGCHLD;
			if (notify_parent_locked(c)) {
				process_reap_locked(c);
				list_add(&c->sibling, drop);
			}
		} else {
			c->exit_signal = SIGCHLD;
		}
	}
}

/* PID 1 is gone: that is the end of the machine's work. */
static __noreturn void init_died(int status)
{
	if (status & 0x7f)
		control_send("signal %d", status & 0x7f);
	else
		control_send("exit %d", status >> 8 & 0xff);
	if (status)
		control_end_failed();
	power_off();
}

static void group_exit_locked(struct process *p, struct list *drop)
{
	struct process *parent = p->parent;

	reparent_locked(p, drop);
	p->zombie = true;
	if (notify_parent_locked(p)) {
		if (parent)
			parent->cutime_ns += p->utime_ns + p->cutime_ns;
		process_reap_locked(p);
		list_add(&p->sibling, drop);
	}
}

static void exit_ids(struct task *t)
{
	struct process *p = t->proc, *c, *n;
	struct list drop;
	u64 flags;

	list_init(&drop);
	flags = spin_lock_irqsave(&tasklist_lock);
	task_unlink_locked(t);
	if (!p->nthreads)
		group_exit_locked(p, &drop);
	/* An exec in another thread waits for us. */
	waitq_wake(&p->stop_wait, 0);
	spin_unlock_irqrestore(&tasklist_lock, flags);
	list_for_each_safe(c, n, &drop, sibling) {
		list_del(&c->sibling);
		process_put(c);
	}
}

void task_exit(int status)
{
	struct task *t = current_task();
	struct process *p = t->proc;
	bool last;
	u64 flags;

	memory_release(t);
	rseq_exit(t);
	flags = siglock(p);
	t->exiting = true;
	signal_recalc_locked(t);
	last = --p->live == 0;
	if (last && !p->group_exit)
		p->exit_code = status;
	/* What was meant for the process and came to us: somebody else takes it. */
	if (p->pending.mask)
		notify_all_locked(p, t);
	sigunlock(p, flags);
	if (last)
		process_release(p);
	vfork_complete(t);
	if (last && p->pid == 1)
		init_died(p->exit_code);
	exit_ids(t);
	/* From here on this is a kernel thread. task_free drops the process, and the thread when it has gone. */
	preempt_disable();
	current_thread->task = NULL;
	preempt_enable();
	task_free(t);
	thread_exit();
}

void process_exit(int status)
{
	struct process *p = current_task()->proc;
	u64 flags = siglock(p);

	process_exit_begin_locked(p, status);
	sigunlock(p, flags);
	task_exit(status);
}

SYSCALL(exit)
{
	task_exit((int)(a0 & 0xff) << 8);
}

SYSCALL(exit_group)
{
	process_exit((int)(a0 & 0xff) << 8);
}
