// SPDX-License-Identifier: GPL-2.0-only
/* clone, clone3 (and with them fork, vfork, pthread_create, posix_spawn). Locks: tasklist_lock to make it visible. */
#include "linux/process/internal.h"

struct clone_request {
	u64 flags;		/* CLONE_*, without the exit signal */
	u64 stack, tls, parent_tid, child_tid;
	int exit_signal;
};

#define CLONE_KNOWN (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_VFORK | CLONE_PARENT | CLONE_THREAD |	\
		     CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | CLONE_DETACHED |	\
		     CLONE_UNTRACED | CLONE_CHILD_SETTID | CLONE_IO | CLONE_CLEAR_SIGHAND)

void vfork_put(struct vfork_wait *v)
{
	if (v && !__atomic_sub_fetch(&v->refs, 1, __ATOMIC_ACQ_REL))
		kfree(v);
}

static int request_check(const struct clone_request *rq)
{
	u64 f = rq->flags;

	if (f & ~CLONE_KNOWN)
		return -EINVAL;		/* namespaces, pidfd, ptrace, cgroups */
	if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && (!(f & CLONE_VM) || (f & CLONE_CLEAR_SIGHAND)))
		return -EINVAL;
	/* Processes of their own that share handlers: only LinuxThreads did that. */
	if ((f & CLONE_SIGHAND) && !(f & CLONE_THREAD))
		return -EINVAL;
	if (rq->exit_signal < 0 || rq->exit_signal > 64)
		return -EINVAL;
	if ((f & CLONE_PARENT) && current_task()->proc->pid == 1)
		return -EINVAL;
	return 0;
}

static int copy_cwd(struct process *p, struct process *old)
{
	mutex_lock(&old->cwd_lock);
	p->cwd = kstrdup(old->cwd ? old->cwd : "/");
	p->exe = old->exe ? kstrdup(old->exe) : NULL;
	mutex_unlock(&old->cwd_lock);
	return p->cwd ? 0 : -ENOMEM;
}

static void copy_signals(struct process *p, struct process *old, bool clear)
{
	unsigned i;

	memcpy(p->action, old->action, sizeof(p->action));
	if (!clear)
		return;
	for (i = 0; i < 64; i++)
		if (p->action[i].handler != (u64)SIG_IGN)
			memset(&p->action[i], 0, sizeof(p->action[i]));
}

static struct process *process_copy(const struct clone_request *rq)
{
	struct process *old = current_task()->proc, *p = process_alloc();

	if (!p)
		return NULL;
	copy_signals(p, old, rq->flags & CLONE_CLEAR_SIGHAND);
	memcpy(p->rlimit, old->rlimit, sizeof(p->rlimit));
	memcpy(p->comm, old->comm, sizeof(p->comm));
	p->umask = old->umask;
	p->sigtramp = old->sigtramp;
	p->exit_signal = rq->exit_signal;
	p->no_new_privs = old->no_new_privs;
	p->dumpable = old->dumpable;
	if (copy_cwd(p, old))
		goto fail;
	p->files = (rq->flags & CLONE_FILES) ? fdtable_get(old->files) : fdtable_fork(old->files);
	if (!p->files)
		goto fail;
	p->mm = (rq->flags & CLONE_VM) ? mm_get(old->mm) : mm_fork(old->mm);
	if (!p->mm)
		goto fail;
	return p;
fail:
	if (p->files)
		fdtable_put(p->files);
	p->files = NULL;
	process_put(p);
	return NULL;
}

static void process_undo(struct process *p)
{
	struct fdtable *files = p->files;
	struct mm *mm = p->mm;

	p->files = NULL;
	p->mm = NULL;
	fdtable_put(files);
	mm_put(mm);
	process_put(p);
}

static struct thread *thread_copy(struct task *t, const struct clone_request *rq)
{
	struct pt_regs regs = *thread_user_regs();
	struct thread *me = current_thread, *th;

	regs.x[0] = 0;
	regs.syscall = NO_SYSCALL;
	if (rq->stack)
		regs.sp = rq->stack;
	aspace_get(&t->proc->mm->as);
	th = thread_create_user(t->comm, &regs, &t->proc->mm->as);
	if (!th) {
		aspace_put(&t->proc->mm->as);
		return NULL;
	}
	th->task = t;
	th->tpidr_el0 = (rq->flags & CLONE_SETTLS) ? rq->tls : read_sysreg(tpidr_el0);
	th->affinity = me->affinity;
	th->nice = me->nice;
	fp_flush(&me->fp);
	/* Narrow: clone is a system call. */
	fp_vregs_get(&me->fp, th->fp.regs.v);
	th->fp.regs.fpsr = me->fp.regs.fpsr;
	th->fp.regs.fpcr = me->fp.regs.fpcr;
	th->fp.regs.fpmr = me->fp.regs.fpmr;
	th->fp.vl = me->fp.vl;
	return th;
}

static void task_copy(struct task *t, const struct clone_request *rq)
{
	struct task *me = current_task();

	memcpy(t->comm, me->comm, sizeof(t->comm));
	t->sigmask = me->sigmask;
	t->vl_onexec = me->vl_onexec;
	t->vl_inherit = me->vl_inherit;
	/* A new stack, or the parent asleep meanwhile, or memory of its own: the old alternate stack may be kept. */
	if (!(rq->flags & CLONE_VM) || (rq->flags & CLONE_VFORK))
		t->altstack = me->altstack;
	if (rq->flags & CLONE_CHILD_CLEARTID)
		t->clear_child_tid = rq->child_tid;
	if (rq->flags & CLONE_CHILD_SETTID)
		t->set_child_tid = rq->child_tid;
}

/* Give it its id and its place in the family. -ERESTARTSYS: we are being killed; -EAGAIN: no id. */
static int publish(struct task *t, const struct clone_request *rq)
{
	struct process *me = current_task()->proc, *p = t->proc;
	u64 flags = spin_lock_irqsave(&tasklist_lock);
	int err = 0;

	if (fatal_signal_pending())
		err = -ERESTARTSYS;
	if (!err)
		err = task_link_locked(t);
	if (!err && p != me) {
		p->pgid = me->pgid;
		p->sid = me->sid;
		p->parent = (rq->flags & CLONE_PARENT) ? me->parent : me;
		if (p->parent)
			list_add_tail(&p->sibling, &p->parent->children);
	}
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return err;
}

static void vfork_sleep(struct vfork_wait *v)
{
	struct task *t = current_task();
	u64 flags, old = t->sigmask;

	/* Only what kills may end this: all else is blocked, SIGSTOP too, or this would spin on TF_NOTIFY. */
	flags = siglock(t->proc);
	t->sigmask = ~0UL;
	signal_recalc_locked(t);
	sigunlock(t->proc, flags);
	while (!READ_ONCE(v->done) && !fatal_signal_pending()) {
		if (wait_event_interruptible(&v->wait, READ_ONCE(v->done)) == -EINTR)
			wait_event_until(&v->wait, READ_ONCE(v->done) || fatal_signal_pending(),
					 clock_ns() + 10000000);
	}
	vfork_put(v);
	sigmask_set(old);
}

static void task_undo(struct task *t, struct thread *th)
{
	struct process *p = t->proc;

	if (t->vfork) {
		vfork_put(t->vfork);
		vfork_put(t->vfork);
	}
	t->vfork = NULL;
	if (th) {
		th->task = NULL;
		thread_put(th);
	}
	if (p != current_task()->proc)
		process_undo(p);
	process_put(p);		/* the task's reference, or none was taken: see do_clone */
	kfree(t);
}

static struct task *task_make(const struct clone_request *rq)
{
	struct process *p = current_task()->proc;
	struct task *t;

	if (rq->flags & CLONE_THREAD)
		process_get(p);
	else
		p = process_copy(rq);
	if (!p)
		return NULL;
	t = task_alloc(p);
	if (!t) {
		if (rq->flags & CLONE_THREAD)
			process_put(p);
		else
			process_undo(p);
		return NULL;
	}
	/* process_copy's own reference goes to process_undo or is dropped in do_clone; this one is the task's. */
	if (!(rq->flags & CLONE_THREAD))
		process_get(p);
	task_copy(t, rq);
	return t;
}

static int vfork_prepare(struct task *t)
{
	struct vfork_wait *v = kzalloc(sizeof(*v));

	if (!v)
		return -ENOMEM;
	v->refs = 2;
	waitq_init(&v->wait);
	t->vfork = v;
	return 0;
}

static s64 do_clone(const struct clone_request *rq)
{
	struct process *me = current_task()->proc;
	struct vfork_wait *v = NULL;
	struct thread *th = NULL;
	struct task *t;
	int err = request_check(rq), tid;

	if (err)
		return err;
	t = task_make(rq);
	if (!t)
		return -ENOMEM;
	err = (rq->flags & CLONE_VFORK) ? vfork_prepare(t) : 0;
	if (!err) {
		th = thread_copy(t, rq);
		err = th ? 0 : -ENOMEM;
	}
	if (!err) {
		t->thread = th;
		if (!(rq->flags & CLONE_VM))
			rseq_fork(current_task(), t);
		err = publish(t, rq);
	}
	if (err) {
		task_undo(t, th);
		return err;
	}
	v = t->vfork;
	tid = t->tid;
	if (t->proc != me)
		process_put(t->proc);
	if ((rq->flags & CLONE_PARENT_SETTID) && put_user(tid, rq->parent_tid))
		err = -EFAULT;	/* as Linux: the child runs all the same */
	if (t->set_child_tid)
		(void)mm_access(t->proc->mm, t->set_child_tid, &tid, sizeof(tid), true);
	thread_start(th);
	if (v)
		vfork_sleep(v);
	return tid;
}

SYSCALL(clone)
{
	struct clone_request rq = {
		.flags = (a0 & 0xffffffff) & ~(u64)CSIGNAL, .exit_signal = (int)(a0 & CSIGNAL),
		.stack = a1, .parent_tid = a2, .tls = a3, .child_tid = a4,
	};

	/* An old flag without meaning for processes; CLONE_THREAD has no exit signal. */
	if (rq.flags & CLONE_THREAD)
		rq.exit_signal = 0;
	return do_clone(&rq);
}

SYSCALL(clone3)
{
	struct clone_args ca;
	struct clone_request rq;
	u64 size = a1, i;

	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	memset(&ca, 0, sizeof(ca));
	if (copy_from_user(&ca, a0, MIN(size, (u64)sizeof(ca))))
		return -EFAULT;
	for (i = sizeof(ca); i < size; i++) {
		u8 b;

		if (get_user(b, a0 + i))
			return -EFAULT;
		if (b)
			return -E2BIG;
	}
	if (ca.set_tid_size || ca.set_tid || ca.cgroup || (ca.flags & CSIGNAL) || ca.exit_signal > 64 ||
	    !ca.stack != !ca.stack_size)
		return -EINVAL;
	rq = (struct clone_request){
		.flags = ca.flags, .exit_signal = (int)ca.exit_signal,
		.stack = ca.stack + ca.stack_size, .tls = ca.tls,
		.parent_tid = ca.parent_tid, .child_tid = ca.child_tid,
	};
	if ((rq.flags & (CLONE_THREAD | CLONE_PARENT)) && rq.exit_signal)
		return -EINVAL;
	return do_clone(&rq);
}
