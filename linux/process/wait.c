// SPDX-License-Identifier: GPL-2.0-only
/* wait4 and waitid: zombies, stopped and continued children. Lock: tasklist_lock. */
#include <linux/resource.h>
#include <linux/wait.h>

#include "linux/process/internal.h"

struct wait_spec {
	int which;		/* P_ALL, P_PID, P_PGID */
	int id;
	unsigned options;
};

struct wait_result {
	int pid, code, status;	/* code: CLD_* */
	int wstatus;		/* as wait4 reports it */
	u64 runtime_ns;
	struct process *drop;	/* reaped: reference to give up outside of the lock */
	int err;
};

static bool wait_matches(const struct wait_spec *w, struct process *c)
{
	bool clone_child = c->exit_signal != SIGCHLD;

	if (w->which == P_PID && c->pid != w->id)
		return false;
	if (w->which == P_PGID && c->pgid != w->id)
		return false;
	if (w->options & __WALL)
		return true;
	return clone_child == !!(w->options & __WCLONE);
}

static void take_zombie_locked(struct process *me, struct process *c, bool keep, struct wait_result *r)
{
	int status = c->exit_code;

	r->pid = c->pid;
	r->code = (status & 0x7f) ? CLD_KILLED : CLD_EXITED;
	r->status = (status & 0x7f) ? (status & 0x7f) : (status >> 8 & 0xff);
	r->wstatus = status;
	r->runtime_ns = c->utime_ns + c->cutime_ns;
	if (keep)
		return;
	me->cutime_ns += r->runtime_ns;
	process_reap_locked(c);
	r->drop = c;
}

static bool take_stopped_locked(struct process *c, const struct wait_spec *w, struct wait_result *r)
{
	bool keep = w->options & WNOWAIT;
	u64 flags = siglock(c);
	bool found = false;

	if ((w->options & WUNTRACED) && c->stopped && !c->stop_reported) {
		r->code = CLD_STOPPED;
		r->status = c->stop_signal;
		r->wstatus = c->stop_signal << 8 | 0x7f;
		c->stop_reported = !keep;
		found = true;
	} else if ((w->options & WCONTINUED) && c->continued) {
		r->code = CLD_CONTINUED;
		r->status = SIGCONT;
		r->wstatus = 0xffff;
		c->continued = keep;
		found = true;
	}
	sigunlock(c, flags);
	r->pid = found ? c->pid : 0;
	return found;
}

/* True when there is an answer in *r: a child, or an error. Not for sleeping: a condition of wait_event. */
static bool wait_scan(const struct wait_spec *w, struct wait_result *r)
{
	struct process *me = current_task()->proc, *c;
	u64 flags = spin_lock_irqsave(&tasklist_lock);
	bool any = false;

	memset(r, 0, sizeof(*r));
	list_for_each(c, &me->children, sibling) {
		if (!wait_matches(w, c))
			continue;
		any = true;
		if (c->zombie && (w->options & WEXITED)) {
			take_zombie_locked(me, c, w->options & WNOWAIT, r);
			break;
		}
		if (!c->zombie && take_stopped_locked(c, w, r))
			break;
	}
	spin_unlock_irqrestore(&tasklist_lock, flags);
	if (!any)
		r->err = -ECHILD;
	return r->pid || r->err;
}

static int do_wait(const struct wait_spec *w, struct wait_result *r)
{
	struct process *me = current_task()->proc;
	int err = 0;

	if (w->options & WNOHANG)
		wait_scan(w, r);
	else
		err = wait_event_interruptible(&me->child_wait, wait_scan(w, r));
	if (r->drop)
		process_put(r->drop);
	if (r->pid)
		return 0;
	if (r->err)
		return r->err;
	return err == -EINTR ? -ERESTARTSYS : err;
}

static int rusage_put(u64 uaddr, u64 ns)
{
	struct rusage ru;

	if (!uaddr)
		return 0;
	memset(&ru, 0, sizeof(ru));
	ru.ru_utime.tv_sec = (long)(ns / NSEC_PER_SEC);
	ru.ru_utime.tv_usec = (long)(ns % NSEC_PER_SEC / 1000);
	return put_user(ru, uaddr);
}

SYSCALL(wait4)
{
	int pid = (int)a0, err;
	struct wait_spec w = { .id = pid, .options = (unsigned)a2 };
	struct wait_result r;

	if (w.options & ~(u32)(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	w.options |= WEXITED;
	if (pid == (int)0x80000000)
		return -ESRCH;
	if (pid == -1) {
		w.which = P_ALL;
	} else if (pid <= 0) {
		w.which = P_PGID;
		w.id = pid ? -pid : current_task()->proc->pgid;
	} else {
		w.which = P_PID;
	}
	err = do_wait(&w, &r);
	if (err || !r.pid)
		return err;
	if (a1 && put_user(r.wstatus, a1))
		return -EFAULT;
	if (rusage_put(a3, r.runtime_ns))
		return -EFAULT;
	return r.pid;
}

static s64 waitid_check(struct wait_spec *w)
{
	if (w->options & ~(u32)(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (!(w->options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	if (w->which == P_PIDFD)
		return w->id < 0 ? -EINVAL : -EBADF;	/* none of them is one */
	if (w->which == P_PGID && !w->id)
		w->id = current_task()->proc->pgid;
	return w->which < P_ALL || w->which > P_PGID || (w->which != P_ALL && w->id <= 0) ? -EINVAL : 0;
}

/* The answer's place is written to whatever the answer is, and the error of that comes first. */
SYSCALL(waitid)
{
	struct wait_spec w = { .which = (int)a0, .id = (int)a1, .options = (unsigned)a3 };
	struct wait_result r = {};
	siginfo_t info;
	s64 err = waitid_check(&w);

	if (!err)
		err = do_wait(&w, &r);
	if (!err && r.pid && rusage_put(a4, r.runtime_ns))
		return -EFAULT;
	if (!a2)
		return err;
	memset(&info, 0, sizeof(info));
	if (!err && r.pid) {
		info.si_signo = SIGCHLD;
		info.si_code = r.code;
		info.si_pid = r.pid;
		info.si_status = r.status;
	}
	return put_user(info, a2) ? -EFAULT : err;
}
