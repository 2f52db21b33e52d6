// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes and threads as objects: allocation, ids, look-up, what /proc shows. Owns tasklist_lock and the two trees
 * of ids: threads by tid while they live, processes by pid until they are reaped.
 */
#include "linux/process/internal.h"

#define PID_MAX	4194304		/* and /proc/sys/kernel/pid_max */

spinlock_t tasklist_lock = SPINLOCK_INIT;
static struct tree tid_tree, pid_tree;
static int last_id;
static unsigned nprocesses;

struct task *current_task(void)
{
	return current_thread->task;
}

struct task *task_alloc(struct process *p)
{
	struct task *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	t->proc = p;
	list_init(&t->proc_link);
	sigpending_init(&t->pending);
	t->altstack.ss_flags = SS_DISABLE;
	return t;
}

static void task_free_rcu(struct rcu_head *h)
{
	struct task *t = container_of(h, struct task, rcu);

	if (t->thread)
		thread_put(t->thread);
	process_put(t->proc);
	kfree(t);
}

void task_free(struct task *t)
{
	rcu_defer(&t->rcu, task_free_rcu);
}

struct process *process_alloc(void)
{
	struct process *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->refs = 1;
	list_init(&p->children);
	list_init(&p->sibling);
	list_init(&p->threads);
	mutex_init(&p->cwd_lock);
	waitq_init(&p->child_wait);
	waitq_init(&p->signalfd_wait);
	waitq_init(&p->stop_wait);
	sigpending_init(&p->pending);
	timers_init(p);
	p->start_ns = clock_ns();
	p->dumpable = 1;
	p->umask = 022;
	return p;
}

void process_get(struct process *p)
{
	__atomic_fetch_add(&p->refs, 1, __ATOMIC_RELAXED);
}

void process_put(struct process *p)
{
	if (!p || __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL))
		return;
	ASSERT(!p->mm && !p->files && list_empty(&p->threads));
	sigpending_flush_locked(p, &p->pending, ~0UL);
	kfree(p->cwd);
	kfree(p->exe);
	kfree(p);
}

/*
 * Once ids have gone round, some are taken. Which ones of a window is worked out by one walk over all tasks when a search comes to
 * it, not one walk for each id: a search is as long as the ids in use, even if they lie in a row.
 */
#define WINDOW		4096

static u64 taken[WINDOW / 64];		/* of window_at and on; an id given back meanwhile stays until the next time */
static int window_at = -WINDOW;		/* none */
static bool wrapped;

static void id_take(int id)
{
	int n = id - window_at;

	if (n >= 0 && n < WINDOW)
		taken[n / 64] |= BIT(n % 64);
}

static void window_fill(int at)
{
	struct tree_node *n;

	memset(taken, 0, sizeof(taken));
	window_at = at;
	for (n = tree_first(&tid_tree); n; n = tree_next(n))
		id_take(container_of(n, struct task, tid_node)->tid);
	/* A group or a session may outlive the process it is named after. */
	for (n = tree_first(&pid_tree); n; n = tree_next(n)) {
		struct process *p = container_of(n, struct process, pid_node);

		id_take(p->pid);
		id_take(p->pgid);
		id_take(p->sid);
	}
}

static bool id_in_use(int id)
{
	if (id < window_at || id >= window_at + WINDOW)
		window_fill(ALIGN_DOWN(id, WINDOW));
	return taken[(id - window_at) / 64] >> (id - window_at) % 64 & 1;
}

static int id_alloc(void)
{
	int i, id = last_id;

	for (i = 0; i < PID_MAX; i++) {
		if (++id >= PID_MAX) {
			id = 300;
			wrapped = true;
		}
		if (!wrapped || !id_in_use(id)) {
			id_take(id);
			last_id = id;
			return id;
		}
	}
	return -EAGAIN;
}

static int show_last_pid(struct textbuf *t, void *arg)
{
	text_printf(t, "%d\n", READ_ONCE(last_id));
	return 0;
}

/* The next id is the first free one after it, as for those who bring processes back with their ids. */
static int store_last_pid(s64 id)
{
	u64 flags;

	if (id < 0 || id >= PID_MAX)
		return -EINVAL;
	flags = spin_lock_irqsave(&tasklist_lock);
	last_id = (int)id;
	wrapped = true;
	window_at = -WINDOW;
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return 0;
}

int ids_init(void)
{
	return proc_register_number("/proc/sys/kernel/ns_last_pid", show_last_pid, store_last_pid);
}

int task_link_locked(struct task *t)
{
	struct process *p = t->proc;
	int id = id_alloc();
	u64 flags;

	if (id < 0)
		return id;
	t->tid = id;
	ASSERT(tree_insert(&tid_tree, &t->tid_node, id));
	t->tid_hashed = true;
	if (!p->pid) {
		p->pid = id;
		process_get(p);
		ASSERT(tree_insert(&pid_tree, &p->pid_node, id));
		nprocesses++;
	}
	flags = siglock(p);
	list_add_tail(&t->proc_link, &p->threads);
	p->nthreads++;
	p->live++;
	/* A stop, an exit or an exec that went round before t was on the list. */
	if (signal_wanted_locked(t))
		thread_notify(t->thread);
	sigunlock(p, flags);
	return 0;
}

void task_unlink_locked(struct task *t)
{
	struct process *p = t->proc;
	u64 flags;

	if (t->tid_hashed)
		tree_remove(&tid_tree, &t->tid_node);
	t->tid_hashed = false;
	flags = siglock(p);
	list_del(&t->proc_link);
	p->nthreads--;
	p->utime_ns += thread_runtime(t->thread);
	sigpending_flush_locked(p, &t->pending, ~0UL);
	sigunlock(p, flags);
}

void process_reap_locked(struct process *p)
{
	ASSERT(!p->reaped);
	p->reaped = true;
	list_del(&p->sibling);
	tree_remove(&pid_tree, &p->pid_node);
	nprocesses--;
	p->parent = NULL;
}

/* A thread that is the only one left after an exec takes its process's id. */
void task_rename_locked(struct task *t)
{
	tree_remove(&tid_tree, &t->tid_node);
	t->tid = t->proc->pid;
	ASSERT(tree_insert(&tid_tree, &t->tid_node, t->tid));
}

struct task *task_find_locked(int tid)
{
	struct tree_node *n = tid > 0 ? tree_find(&tid_tree, tid) : NULL;

	return n ? container_of(n, struct task, tid_node) : NULL;
}

struct process *process_find_locked(int pid)
{
	struct tree_node *n = pid > 0 ? tree_find(&pid_tree, pid) : NULL;

	return n ? container_of(n, struct process, pid_node) : NULL;
}

struct process *process_next_locked(int pid)
{
	struct tree_node *n = tree_ceil(&pid_tree, pid + 1);

	return n ? container_of(n, struct process, pid_node) : NULL;
}

struct process *process_find(int pid)
{
	u64 flags = spin_lock_irqsave(&tasklist_lock);
	struct process *p = process_find_locked(pid);

	if (p)
		process_get(p);
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return p;
}

struct thread *thread_find(int tid)
{
	struct thread *th = NULL;
	struct process *p;
	struct task *t;
	u64 flags;

	if (!tid)
		return thread_get(current_thread);
	flags = spin_lock_irqsave(&tasklist_lock);
	t = task_find_locked(tid);
	p = process_find_locked(tid);
	if (!t && p && !list_empty(&p->threads))
		t = list_first(&p->threads, struct task, proc_link);
	if (t)
		th = thread_get(t->thread);
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return th;
}

bool pgrp_exists_locked(int pgid, int sid)
{
	struct process *p;
	int pid = 0;

	while ((p = process_next_locked(pid))) {
		if (p->pgid == pgid && p->sid == sid)
			return true;
		pid = p->pid;
	}
	return false;
}

struct mm *process_mm(struct process *p)
{
	u64 flags = siglock(p);
	struct mm *mm = p->mm ? mm_get(p->mm) : NULL;

	sigunlock(p, flags);
	return mm;
}

u64 process_runtime(struct process *p)
{
	u64 flags = siglock(p), ns = p->utime_ns;
	struct task *t;

	list_for_each(t, &p->threads, proc_link)
		ns += thread_runtime(t->thread);
	sigunlock(p, flags);
	return ns;
}

unsigned process_count(void)
{
	return READ_ONCE(nprocesses);
}

int process_next_pid(int after)
{
	u64 flags = spin_lock_irqsave(&tasklist_lock);
	struct process *p = process_next_locked(after);
	int pid = p ? p->pid : 0;

	spin_unlock_irqrestore(&tasklist_lock, flags);
	return pid;
}

int task_next_tid(int pid, int after)
{
	u64 flags = spin_lock_irqsave(&tasklist_lock);
	struct process *p = process_find_locked(pid);
	struct task *t;
	int tid = 0;

	if (p)
		list_for_each(t, &p->threads, proc_link)
			if (t->tid > after && (!tid || t->tid < tid))
				tid = t->tid;
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return tid;
}

static char thread_letter(struct process *p, struct task *t)
{
	if (p->zombie || !t)
		return 'Z';
	if (p->stopped)
		return 'T';
	switch (READ_ONCE(t->thread->state)) {
	case THREAD_RUNNABLE:
		return 'R';
	case THREAD_BLOCKED:
		return 'D';
	default:
		return 'S';
	}
}

static void info_signals(struct process *p, struct task *t, struct process_info *out)
{
	unsigned i;

	out->shared_pending = p->pending.mask;
	if (t) {
		out->pending = t->pending.mask;
		out->blocked = t->sigmask;
	}
	for (i = 0; i < 64; i++) {
		if (p->action[i].handler == (u64)SIG_IGN)
			out->ignored |= BIT(i);
		else if (p->action[i].handler != (u64)SIG_DFL)
			out->caught |= BIT(i);
	}
}

static void info_fill_locked(struct process *p, struct task *t, struct process_info *out)
{
	memset(out, 0, sizeof(*out));
	out->pid = p->pid;
	out->ppid = p->parent ? p->parent->pid : 0;
	out->pgid = p->pgid;
	out->sid = p->sid;
	out->state = thread_letter(p, t);
	strlcpy(out->comm, t ? t->comm : p->comm, sizeof(out->comm));
	out->threads = p->nthreads;
	out->start_ns = p->start_ns;
	out->children_ns = p->cutime_ns;
	if (t) {
		struct cpu *c = READ_ONCE(t->thread->cpu);

		out->nice = t->thread->nice;
		out->cpu = c ? c->id : 0;
	}
	if (p->mm) {
		out->rss = p->mm->rss;
		out->total = p->mm->total;
	}
	info_signals(p, t, out);
}

int process_info(int pid, struct process_info *out)
{
	u64 flags = spin_lock_irqsave(&tasklist_lock), f2;
	struct process *p = process_find_locked(pid);
	struct task *t;

	if (!p) {
		spin_unlock_irqrestore(&tasklist_lock, flags);
		return -ESRCH;
	}
	t = list_empty(&p->threads) ? NULL : list_first(&p->threads, struct task, proc_link);
	f2 = siglock(p);
	info_fill_locked(p, t, out);
	sigunlock(p, f2);
	out->runtime_ns = process_runtime(p);
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return 0;
}

int task_info(int pid, int tid, struct process_info *out)
{
	u64 flags = spin_lock_irqsave(&tasklist_lock), f2;
	struct task *t = task_find_locked(tid);
	int ret = -ESRCH;

	if (t && t->proc->pid == pid) {
		f2 = siglock(t->proc);
		info_fill_locked(t->proc, t, out);
		sigunlock(t->proc, f2);
		out->pid = tid;
		out->runtime_ns = thread_runtime(t->thread);
		ret = 0;
	}
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return ret;
}
