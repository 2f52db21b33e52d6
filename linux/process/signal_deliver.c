// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals from the receiver's side, on the way to EL0: default actions, stopping, the frames of handlers, system call
 * restart. The frames themselves are sigframe.c's.
 * Locks: process->siglock while deciding, none while the frame is written (that may fault and sleep).
 */
#include <asm/unistd.h>

#include "linux/process/internal.h"

static struct page *tramp_page;

/* mov x8, #139 (rt_sigreturn); svc #0. arm64's C libraries leave SA_RESTORER to the kernel. */
static const u32 tramp_code[] = { 0xd2801168, 0xd4000001 };

int sigtramp_init(void)
{
	u8 *va;

	tramp_page = page_alloc(0, ALLOC_ZERO);
	if (!tramp_page)
		return -ENOMEM;
	va = page_to_va(tramp_page);
	memcpy(va, tramp_code, sizeof(tramp_code));
	asm volatile("dc cvau, %0\n\tdsb ish\n\tic ialluis\n\tdsb ish\n\tisb" : : "r"(va) : "memory");
	return 0;
}

static int tramp_fault(struct area *a, u64 offset, bool write, struct page **out)
{
	if (offset || write)
		return -EIO;
	page_get(tramp_page);
	*out = tramp_page;
	return 0;
}

static const struct area_ops tramp_ops = { .fault = tramp_fault };

int sigtramp_map(struct mm *mm, u64 *addr)
{
	struct map_request rq = {
		.len = PAGE_SIZE, .prot = 0x5 /* PROT_READ | PROT_EXEC */, .flags = 0x1 /* MAP_SHARED */,
		.ops = &tramp_ops,
	};
	s64 ret = mm_map(mm, &rq);

	if (ret < 0)
		return (int)ret;
	*addr = (u64)ret;
	return 0;
}

/* ---- the alternate stack, return ---- */

int altstack_set(struct task *t, const stack_t *ss)
{
	int mode = ss->ss_flags & ~SS_AUTODISARM;

	if (mode != 0 && mode != SS_DISABLE && mode != SS_ONSTACK)
		return -EINVAL;
	if (mode == SS_DISABLE) {
		memset(&t->altstack, 0, sizeof(t->altstack));
		t->altstack.ss_flags = SS_DISABLE;
		return 0;
	}
	if (ss->ss_size < MINSIGSTKSZ)
		return -ENOMEM;
	t->altstack = *ss;
	t->altstack.ss_flags = ss->ss_flags & SS_AUTODISARM;
	return 0;
}

static bool on_altstack(struct task *t, u64 sp)
{
	u64 base = (u64)t->altstack.ss_sp;

	if (t->altstack.ss_flags & SS_AUTODISARM)
		return false;
	return sp > base && sp - base <= t->altstack.ss_size;
}

SYSCALL(sigaltstack)
{
	struct task *t = current_task();
	u64 sp = thread_user_regs()->sp;
	stack_t ss, old = t->altstack;
	int ret = 0;

	if (t->altstack.ss_size)
		old.ss_flags |= on_altstack(t, sp) ? SS_ONSTACK : 0;
	if (a0) {
		if (get_user(ss, a0))
			return -EFAULT;
		if (on_altstack(t, sp))
			return -EPERM;
		ret = altstack_set(t, &ss);
	}
	if (!ret && a1 && put_user(old, a1))
		ret = -EFAULT;
	return ret;
}

SYSCALL(rt_sigreturn)
{
	struct pt_regs *regs = thread_user_regs();

	regs->syscall = NO_SYSCALL;
	if (sigframe_restore(current_task(), regs))
		force_signal(SIGSEGV, SEGV_MAPERR, regs->sp);
	return (s64)regs->x[0];
}

/* ---- what to do ---- */

/* A stop from the terminal in a group that nobody watches would be for ever. */
static bool pgrp_orphaned(struct process *me)
{
	u64 flags = spin_lock_irqsave(&tasklist_lock);
	struct process *p;
	bool orphaned = true;
	int pid = 0;

	while (orphaned && (p = process_next_locked(pid))) {
		pid = p->pid;
		if (p->pgid == me->pgid && !p->zombie && p->parent && p->parent->pgid != me->pgid &&
		    p->parent->sid == me->sid)
			orphaned = false;
	}
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return orphaned;
}

static void do_stop(struct task *t, int sig)
{
	struct process *p = t->proc;
	bool report = false;
	u64 flags;

	if (sig && sig != SIGSTOP && pgrp_orphaned(p))
		return;
	flags = siglock(p);
	if (sig && !p->stopped && !p->group_exit) {
		p->stopped = true;
		p->stop_signal = sig;
		p->stop_reported = false;
		p->continued = false;
		notify_all_locked(p, t);
		report = true;
	}
	sigunlock(p, flags);
	if (report)
		child_stop_notify(p, CLD_STOPPED, sig);
	wait_event(&p->stop_wait, !READ_ONCE(p->stopped) || READ_ONCE(p->group_exit));
	flags = siglock(p);
	report = p->cont_notify;
	p->cont_notify = false;
	sigunlock(p, flags);
	if (report)
		child_stop_notify(p, CLD_CONTINUED, SIGCONT);
}

static void restart_prepare(struct pt_regs *regs, bool handler, bool sa_restart)
{
	s64 ret = (s64)regs->x[0];

	if (regs->syscall == NO_SYSCALL)
		return;
	regs->syscall = NO_SYSCALL;
	if (ret == -ERESTARTSYS && handler && !sa_restart)
		ret = -EINTR;
	if ((ret == -ERESTARTNOHAND || ret == -ERESTART_RESTARTBLOCK) && handler)
		ret = -EINTR;
	if (ret == -EINTR) {
		regs->x[0] = (u64)ret;
		return;
	}
	if (ret != -ERESTARTSYS && ret != -ERESTARTNOHAND && ret != -ERESTART_RESTARTBLOCK)
		return;
	regs->x[0] = regs->orig_x0;
	regs->pc -= 4;
	if (ret == -ERESTART_RESTARTBLOCK)
		regs->x[8] = __NR_restart_syscall;
}

static void handle(struct task *t, struct pt_regs *regs, const struct sig_action *a, const siginfo_t *info)
{
	struct process *p = t->proc;
	u64 mask = t->restore_sigmask ? t->saved_sigmask : t->sigmask;
	u64 block = a->mask, flags;

	restart_prepare(regs, true, a->flags & SA_RESTART);
	rseq_fixup(regs, true);
	if (sigframe_push(t, regs, a, info, mask)) {
		flags = siglock(p);
		/* No room for the frame: SIGSEGV, and one that cannot be caught when this was one. */
		if (info->si_signo == SIGSEGV)
			p->action[SIGSEGV - 1].handler = (u64)SIG_DFL;
		sigunlock(p, flags);
		force_signal(SIGSEGV, SI_KERNEL, regs->sp);
		return;
	}
	if (!(a->flags & SA_NODEFER))
		block |= SIG_BIT(info->si_signo);
	t->restore_sigmask = false;
	sigmask_set(t->sigmask | block);
}

static void report_death(struct task *t, const struct pt_regs *regs, const siginfo_t *info)
{
	int sig = info->si_signo;

	if (info->si_code > 0 && info->si_code != SI_KERNEL &&
	    (sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE || sig == SIGTRAP))
		pr_info("%s[%d]: signal %d code %d at pc %lx, address %lx, sp %lx\n", t->comm, t->tid, sig,
			info->si_code, regs->pc, (u64)info->si_addr, regs->sp);
}

static bool dumps_core(int sig)
{
	return SIG_BIT(sig) & (SIG_BIT(SIGQUIT) | SIG_BIT(SIGILL) | SIG_BIT(SIGTRAP) | SIG_BIT(SIGABRT) |
			       SIG_BIT(SIGFPE) | SIG_BIT(SIGSEGV) | SIG_BIT(SIGBUS) | SIG_BIT(SIGSYS) |
			       SIG_BIT(SIGXCPU) | SIG_BIT(SIGXFSZ));
}

static void default_action(struct task *t, struct pt_regs *regs, const siginfo_t *info)
{
	int sig = info->si_signo;

	if (sig_default_ignored(sig))
		return;
	if (sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU) {
		do_stop(t, sig);
		return;
	}
	if (dumps_core(sig))
		report_death(t, regs, info);
	process_exit(sig);
}

/* Take the next signal: false when there is none. */
static bool deliver_one(struct task *t, struct pt_regs *regs)
{
	struct process *p = t->proc;
	struct sig_action a;
	siginfo_t info;
	bool stop;
	u64 flags = siglock(p);
	int sig;

	if (p->group_exit || (p->exec_task && p->exec_task != t)) {
		sigunlock(p, flags);
		task_exit(p->group_exit ? p->exit_code : 0);
	}
	stop = p->stopped || p->cont_notify;
	if (stop) {
		sigunlock(p, flags);
		do_stop(t, 0);
		return true;
	}
	sig = signal_take_locked(t, ~t->sigmask, &info);
	if (!sig) {
		sigunlock(p, flags);
		return false;
	}
	a = p->action[sig - 1];
	if (a.handler > (u64)SIG_IGN && (a.flags & SA_RESETHAND))
		p->action[sig - 1].handler = (u64)SIG_DFL;
	sigunlock(p, flags);
	if (a.handler == (u64)SIG_DFL)
		default_action(t, regs, &info);
	else if (a.handler != (u64)SIG_IGN)
		handle(t, regs, &a, &info);
	return true;
}

void signal_deliver(struct pt_regs *regs)
{
	struct task *t = current_task();

	while (deliver_one(t, regs))
		;
	restart_prepare(regs, false, false);
	if (t->restore_sigmask) {
		t->restore_sigmask = false;
		sigmask_set(t->saved_sigmask);
	}
	rseq_fixup(regs, false);
	signal_recalc();
}
