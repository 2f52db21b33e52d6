// SPDX-License-Identifier: GPL-2.0-only
/* The signal system calls. Lock: process->siglock, never over a copy to or from user memory. */
#include "linux/process/internal.h"

static int mask_get(u64 uaddr, u64 size, u64 *mask)
{
	if (size != sizeof(u64))
		return -EINVAL;
	return get_user(*mask, uaddr);
}

SYSCALL(rt_sigaction)
{
	struct process *p = current_task()->proc;
	int sig = (int)a0;
	struct sig_action new, old;
	u64 flags;

	if (a3 != sizeof(u64))
		return -EINVAL;
	if (a1 && get_user(new, a1))
		return -EFAULT;
	if (sig < 1 || sig > 64 || (a1 && (SIG_BIT(sig) & SIG_UNBLOCKABLE)))
		return -EINVAL;
	flags = siglock(p);
	old = p->action[sig - 1];
	if (a1) {
		new.mask &= ~SIG_UNBLOCKABLE;
		p->action[sig - 1] = new;
		if (new.handler == (u64)SIG_IGN || (new.handler == (u64)SIG_DFL && sig_default_ignored(sig))) {
			struct task *t;

			sigpending_flush_locked(p, &p->pending, SIG_BIT(sig));
			list_for_each(t, &p->threads, proc_link)
				sigpending_flush_locked(p, &t->pending, SIG_BIT(sig));
		}
	}
	sigunlock(p, flags);
	if (a2 && put_user(old, a2))
		return -EFAULT;
	return 0;
}

SYSCALL(rt_sigprocmask)
{
	struct task *t = current_task();
	u64 old = t->sigmask, set;
	int how = (int)a0;

	if (a3 != sizeof(u64))
		return -EINVAL;
	if (a1) {
		if (get_user(set, a1))
			return -EFAULT;
		if (how == SIG_BLOCK)
			set |= old;
		else if (how == SIG_UNBLOCK)
			set = old & ~set;
		else if (how != SIG_SETMASK)
			return -EINVAL;
		sigmask_set(set);
	}
	if (a2 && put_user(old, a2))
		return -EFAULT;
	return 0;
}

SYSCALL(rt_sigpending)
{
	u64 set = signal_pending_mask() & current_task()->sigmask;

	if (a1 > sizeof(u64))
		return -EINVAL;
	return copy_to_user(a0, &set, a1);
}

SYSCALL(rt_sigsuspend)
{
	struct waitq never;
	u64 mask, old;
	int err = mask_get(a0, a1, &mask);

	if (err)
		return err;
	waitq_init(&never);
	sigmask_swap(mask, &old);
	(void)wait_event_interruptible(&never, false);
	sigmask_restore_unless(old, true);
	return -ERESTARTNOHAND;
}

/* Wait with the signals of `set` counted as wake-ups although they are blocked. */
static int sigwait_sleep(struct task *t, u64 set, u64 deadline)
{
	struct waitq never;
	u64 flags;
	int ret;

	waitq_init(&never);
	flags = siglock(t->proc);
	t->wait_mask = set;
	signal_recalc_locked(t);
	sigunlock(t->proc, flags);
	ret = wait_event_interruptible_until(&never, false, deadline);
	flags = siglock(t->proc);
	t->wait_mask = 0;
	signal_recalc_locked(t);
	sigunlock(t->proc, flags);
	return ret;
}

static u64 deadline_after(u64 ns)
{
	u64 now = clock_ns();

	return ns > ~0UL - now ? ~0UL : now + ns;
}

SYSCALL(rt_sigtimedwait)
{
	struct task *t = current_task();
	u64 set, ns = ~0UL, deadline;
	siginfo_t info;
	int sig, err = mask_get(a0, a3, &set);

	if (!err && a2)
		err = kspec_get(a2, &ns);
	if (err)
		return err;
	set &= ~SIG_UNBLOCKABLE;
	sig = signal_dequeue(set, &info);
	if (!sig && ns) {
		deadline = deadline_after(ns);
		do {
			err = sigwait_sleep(t, set, deadline);
			sig = signal_dequeue(set, &info);
			/* Woken for a signal that another thread was faster to take: wait on. */
		} while (!sig && err == -EINTR && !notify_pending());
		if (!sig && err == -EINTR)
			return -EINTR;
	}
	if (!sig)
		return -EAGAIN;
	if (a1 && put_user(info, a1))
		return -EFAULT;
	return sig;
}

/* Looked at once there is somebody to send it to. */
static bool sig_bad(int sig)
{
	return sig < 0 || sig > 64;
}

static int kill_one(int pid, int sig, const siginfo_t *info)
{
	struct process *p = process_find(pid);
	int ret;

	if (!p)
		return -ESRCH;
	ret = sig_bad(sig) ? -EINVAL : sig ? process_send_signal(p, sig, info) : 0;
	process_put(p);
	return ret;
}

/* pgid 0: everybody but init and the caller. */
static int kill_many(int pgid, int sig, const siginfo_t *info)
{
	struct process *me = current_task()->proc, *p;
	u64 flags = spin_lock_irqsave(&tasklist_lock);
	int pid = 0, ret = -ESRCH;

	while ((p = process_next_locked(pid))) {
		pid = p->pid;
		if (pgid ? p->pgid != pgid : (p == me || pid == 1))
			continue;
		ret = sig_bad(sig) ? -EINVAL : 0;
		if (!ret && sig)
			process_send_signal(p, sig, info);
	}
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return ret;
}

SYSCALL(kill)
{
	int pid = (int)a0, sig = (int)a1;
	siginfo_t info;

	siginfo_kill(&info, sig, SI_USER);
	if (pid > 0)
		return kill_one(pid, sig, &info);
	if (pid == -1)
		return kill_many(0, sig, &info);
	if (pid == (int)0x80000000)
		return -ESRCH;
	return kill_many(pid ? -pid : current_task()->proc->pgid, sig, &info);
}

static s64 thread_kill(int tgid, int tid, int sig, const siginfo_t *info)
{
	u64 flags;
	struct task *t;
	int ret = -ESRCH;

	if (tid <= 0)
		return -EINVAL;
	flags = spin_lock_irqsave(&tasklist_lock);
	t = task_find_locked(tid);
	if (t && (!tgid || t->proc->pid == tgid))
		ret = sig_bad(sig) ? -EINVAL : sig ? task_send_signal(t, sig, info) : 0;
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return ret;
}

SYSCALL(tgkill)
{
	siginfo_t info;

	if ((int)a0 <= 0)
		return -EINVAL;
	siginfo_kill(&info, (int)a2, SI_TKILL);
	return thread_kill((int)a0, (int)a1, (int)a2, &info);
}

SYSCALL(tkill)
{
	siginfo_t info;

	siginfo_kill(&info, (int)a1, SI_TKILL);
	return thread_kill(0, (int)a0, (int)a1, &info);
}

/* A process may not pretend to another that the kernel, or kill(), sent the signal. */
static int queue_info_get(u64 uaddr, int sig, int pid, siginfo_t *info)
{
	if (get_user(*info, uaddr))
		return -EFAULT;
	info->si_signo = sig;
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) && pid != current_task()->proc->pid)
		return -EPERM;
	return 0;
}

SYSCALL(rt_sigqueueinfo)
{
	siginfo_t info;
	int err = queue_info_get(a2, (int)a1, (int)a0, &info);

	if (err)
		return err;
	if (sig_bad((int)a1))
		return -EINVAL;
	return kill_one((int)a0, (int)a1, &info);
}

SYSCALL(rt_tgsigqueueinfo)
{
	siginfo_t info;
	int err;

	if ((int)a0 <= 0)
		return -EINVAL;
	err = queue_info_get(a3, (int)a2, (int)a0, &info);
	if (err)
		return err;
	return thread_kill((int)a0, (int)a1, (int)a2, &info);
}

SYSCALL(restart_syscall)
{
	struct task *t = current_task();
	s64 (*fn)(struct task *) = t->restart_fn;

	t->restart_fn = NULL;
	return fn ? fn(t) : -EINTR;
}
