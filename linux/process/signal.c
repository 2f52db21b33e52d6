// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals from the sender's side: pending sets, who is told, masks. What the receiver does with them is in
 * signal_deliver.c, the system calls are in signal_sys.c. Lock: process->siglock, over both kinds of pending sets,
 * masks and actions of all its threads; TF_NOTIFY is set and cleared under it.
 */
#include "linux/process/internal.h"

#define MAX_QUEUED	4096	/* signals with information that may wait in one process */

#define STOP_SIGNALS	(SIG_BIT(SIGSTOP) | SIG_BIT(SIGTSTP) | SIG_BIT(SIGTTIN) | SIG_BIT(SIGTTOU))
#define SYNC_SIGNALS	(SIG_BIT(SIGSEGV) | SIG_BIT(SIGBUS) | SIG_BIT(SIGILL) | SIG_BIT(SIGTRAP) |	\
			 SIG_BIT(SIGFPE) | SIG_BIT(SIGSYS))

u64 siglock(struct process *p)
{
	return spin_lock_irqsave(&p->siglock);
}

void sigunlock(struct process *p, u64 flags)
{
	spin_unlock_irqrestore(&p->siglock, flags);
}

void sigpending_init(struct sigpending_set *s)
{
	s->mask = 0;
	list_init(&s->queue);
}

void sigpending_flush_locked(struct process *p, struct sigpending_set *s, u64 mask)
{
	struct sigqueue *q, *n;

	list_for_each_safe(q, n, &s->queue, node) {
		if (!(mask & SIG_BIT(q->info.si_signo)))
			continue;
		list_del(&q->node);
		p->nqueued--;
		kfree(q);
	}
	s->mask &= ~mask;
}

static void flush_everywhere_locked(struct process *p, u64 mask)
{
	struct task *t;

	sigpending_flush_locked(p, &p->pending, mask);
	list_for_each(t, &p->threads, proc_link)
		sigpending_flush_locked(p, &t->pending, mask);
}

bool sig_default_ignored(int sig)
{
	return sig == SIGCHLD || sig == SIGURG || sig == SIGWINCH || sig == SIGCONT;
}

bool signal_wanted_locked(struct task *t)
{
	struct process *p = t->proc;

	if (t->exiting)
		return false;
	if (p->group_exit || p->stopped || p->cont_notify || t->restore_sigmask)
		return true;
	if (p->exec_task && p->exec_task != t)
		return true;
	return (t->pending.mask | p->pending.mask) & (~t->sigmask | t->wait_mask);
}

void signal_recalc_locked(struct task *t)
{
	if (signal_wanted_locked(t))
		__atomic_fetch_or(&t->thread->flags, TF_NOTIFY, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&t->thread->flags, ~(u32)TF_NOTIFY, __ATOMIC_RELAXED);
}

void signal_recalc(void)
{
	struct task *t = current_task();
	u64 flags = siglock(t->proc);

	signal_recalc_locked(t);
	sigunlock(t->proc, flags);
}

void notify_all_locked(struct process *p, struct task *except)
{
	struct task *t;

	list_for_each(t, &p->threads, proc_link)
		if (t != except && !t->exiting)
			thread_notify(t->thread);
}

void process_exit_begin_locked(struct process *p, int status)
{
	if (p->group_exit)
		return;
	p->group_exit = true;
	p->exit_code = status;
	p->stopped = false;
	notify_all_locked(p, NULL);
	waitq_wake(&p->stop_wait, 0);
}

static bool sig_ignored_locked(struct process *p, struct task *t, int sig)
{
	u64 handler = p->action[sig - 1].handler;
	struct task *o;

	if (SIG_BIT(sig) & SIG_UNBLOCKABLE)
		return false;
	if (handler != (u64)SIG_IGN && !(handler == (u64)SIG_DFL && sig_default_ignored(sig)))
		return false;
	/* Blocked ones are kept: the action may change, or somebody may wait for them. */
	if (t)
		return !((t->sigmask | t->wait_mask) & SIG_BIT(sig));
	list_for_each(o, &p->threads, proc_link)
		if ((o->sigmask | o->wait_mask) & SIG_BIT(sig))
			return false;
	return true;
}

static void stop_and_continue_locked(struct process *p, int sig)
{
	if (sig == SIGCONT || sig == SIGKILL) {
		flush_everywhere_locked(p, STOP_SIGNALS);
		if (p->stopped) {
			p->stopped = false;
			p->continued = sig == SIGCONT;
			p->cont_notify = sig == SIGCONT;
			waitq_wake(&p->stop_wait, 0);
		}
	} else if (SIG_BIT(sig) & STOP_SIGNALS) {
		flush_everywhere_locked(p, SIG_BIT(SIGCONT));
	}
}

/* A timer's signal that is still pending is counted, not queued again. */
static bool timer_overrun(struct sigpending_set *set, const siginfo_t *info)
{
	struct sigqueue *q;

	if (!info || info->si_code != SI_TIMER)
		return false;
	list_for_each(q, &set->queue, node) {
		if (q->info.si_code != SI_TIMER || q->info.si_tid != info->si_tid)
			continue;
		if (q->info.si_overrun < 0x7fffffff)
			q->info.si_overrun++;
		return true;
	}
	return false;
}

static int enqueue_locked(struct process *p, struct sigpending_set *set, int sig, const siginfo_t *info)
{
	struct sigqueue *q = NULL;

	if (timer_overrun(set, info))
		return 0;
	if (sig < SIGRTMIN && (set->mask & SIG_BIT(sig)))
		return 0;
	if (p->nqueued < MAX_QUEUED)
		q = kmalloc(sizeof(*q));
	if (!q && sig >= SIGRTMIN && info && info->si_code < 0)
		return -EAGAIN;
	if (q) {
		if (info) {
			q->info = *info;
		} else {
			memset(&q->info, 0, sizeof(q->info));
			q->info.si_code = SI_KERNEL;
		}
		q->info.si_signo = sig;
		list_add_tail(&q->node, &set->queue);
		p->nqueued++;
	}
	set->mask |= SIG_BIT(sig);
	return 0;
}

static void wake_for_locked(struct process *p, struct task *t, int sig)
{
	if (t) {
		if (signal_wanted_locked(t))
			thread_notify(t->thread);
		return;
	}
	list_for_each(t, &p->threads, proc_link) {
		if (t->exiting || (t->sigmask & ~t->wait_mask & SIG_BIT(sig)))
			continue;
		thread_notify(t->thread);
		return;
	}
}

int signal_send_locked(struct process *p, struct task *t, int sig, const siginfo_t *info)
{
	int ret;

	ASSERT(sig >= 1 && sig <= 64);
	if (p->zombie || (t && t->exiting))
		return 0;
	stop_and_continue_locked(p, sig);
	if (sig == SIGKILL) {
		process_exit_begin_locked(p, SIGKILL);
		return 0;
	}
	if (sig_ignored_locked(p, t, sig))
		return 0;
	ret = enqueue_locked(p, t ? &t->pending : &p->pending, sig, info);
	if (!ret)
		wake_for_locked(p, t, sig);
	return ret;
}

int task_send_signal(struct task *t, int sig, const siginfo_t *info)
{
	struct process *p = t->proc;
	u64 flags = siglock(p);
	int ret = signal_send_locked(p, t, sig, info);

	waitq_wake(&p->signalfd_wait, 0);
	sigunlock(p, flags);
	return ret;
}

int process_send_signal(struct process *p, int sig, const siginfo_t *info)
{
	u64 flags = siglock(p);
	int ret = signal_send_locked(p, NULL, sig, info);

	waitq_wake(&p->signalfd_wait, 0);
	sigunlock(p, flags);
	return ret;
}

int pgrp_send_signal(int pgid, int sig)
{
	u64 flags = spin_lock_irqsave(&tasklist_lock);
	struct process *p;
	int pid = 0, ret = -ESRCH;

	while ((p = process_next_locked(pid))) {
		pid = p->pid;
		if (p->pgid != pgid || p->zombie)
			continue;
		ret = 0;
		if (sig)
			process_send_signal(p, sig, NULL);
	}
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return ret;
}

static int take_from(struct process *p, struct sigpending_set *set, int sig, siginfo_t *info)
{
	struct sigqueue *q, *found = NULL;
	bool more = false;

	list_for_each(q, &set->queue, node) {
		if (q->info.si_signo != sig)
			continue;
		if (found) {
			more = true;
			break;
		}
		found = q;
	}
	if (!more)
		set->mask &= ~SIG_BIT(sig);
	if (found) {
		*info = found->info;
		list_del(&found->node);
		p->nqueued--;
		kfree(found);
	} else {
		memset(info, 0, sizeof(*info));
		info->si_signo = sig;
	}
	return sig;
}

int signal_take_locked(struct task *t, u64 set, siginfo_t *info)
{
	struct sigpending_set *from = &t->pending;
	u64 ready = from->mask & set;

	if (!ready) {
		from = &t->proc->pending;
		ready = from->mask & set;
	}
	if (!ready)
		return 0;
	/* Faults first: the frame of a handler that runs before would show a PC that the fault does not explain. */
	if (ready & SYNC_SIGNALS)
		ready &= SYNC_SIGNALS;
	return take_from(t->proc, from, __builtin_ctzl(ready) + 1, info);
}

int signal_dequeue(u64 set, siginfo_t *info)
{
	struct task *t = current_task();
	u64 flags = siglock(t->proc);
	int sig = signal_take_locked(t, set, info);

	signal_recalc_locked(t);
	sigunlock(t->proc, flags);
	return sig;
}

u64 signal_pending_mask(void)
{
	struct task *t = current_task();

	return READ_ONCE(t->pending.mask) | READ_ONCE(t->proc->pending.mask);
}

bool fatal_signal_pending(void)
{
	struct task *t = current_task();

	return t && (READ_ONCE(t->proc->group_exit) ||
		     (READ_ONCE(t->proc->exec_task) && t->proc->exec_task != t));
}

/* Signals that this thread no longer takes may be another thread's business now. */
static void retarget_locked(struct task *t, u64 newly_blocked)
{
	struct task *o;

	if (!(newly_blocked & t->proc->pending.mask))
		return;
	list_for_each(o, &t->proc->threads, proc_link)
		if (o != t && signal_wanted_locked(o))
			thread_notify(o->thread);
}

static void mask_set_locked(struct task *t, u64 mask)
{
	u64 old = t->sigmask;

	t->sigmask = mask & ~SIG_UNBLOCKABLE;
	retarget_locked(t, t->sigmask & ~old);
	signal_recalc_locked(t);
}

void sigmask_set(u64 mask)
{
	struct task *t = current_task();
	u64 flags = siglock(t->proc);

	mask_set_locked(t, mask);
	sigunlock(t->proc, flags);
}

void sigmask_swap(u64 new_mask, u64 *old)
{
	*old = current_task()->sigmask;
	sigmask_set(new_mask);
}

void sigmask_restore(u64 old)
{
	sigmask_set(old);
}

void sigmask_restore_unless(u64 old, bool interrupted)
{
	struct task *t = current_task();
	u64 flags;

	if (!interrupted) {
		sigmask_set(old);
		return;
	}
	flags = siglock(t->proc);
	t->saved_sigmask = old;
	t->restore_sigmask = true;
	signal_recalc_locked(t);
	sigunlock(t->proc, flags);
}

void force_signal(int sig, int code, u64 addr)
{
	struct task *t = current_task();
	struct process *p = t->proc;
	struct sig_action *a = &p->action[sig - 1];
	u64 flags = siglock(p);
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = sig;
	info.si_code = code;
	info.si_addr = (void *)addr;
	/* Nobody would come to see it: it kills. */
	if ((t->sigmask & SIG_BIT(sig)) || a->handler == (u64)SIG_IGN) {
		a->handler = (u64)SIG_DFL;
		t->sigmask &= ~SIG_BIT(sig);
	}
	sigpending_flush_locked(p, &t->pending, SIG_BIT(sig));
	signal_send_locked(p, t, sig, &info);
	signal_recalc_locked(t);
	sigunlock(p, flags);
}

void siginfo_kill(siginfo_t *info, int sig, int code)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = sig;
	info->si_code = code;
	info->si_pid = current_task()->proc->pid;
}
