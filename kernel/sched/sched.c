// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduler: per-CPU run queues ordered by virtual run time, a slice timer only while somebody waits, wake-up on
 * idle CPUs, stealing by CPUs that go idle, rotation when the numbers do not divide evenly.
 *
 * Locks: thread.wake_lock, inside it one run queue's lock; a second run queue only by trylock. A run queue's lock is
 * held across the switch and released by the next thread. Switch hooks run outside all of them.
 */
#include "kernel/sched/sched.h"

#include "kernel/cpu/cpu.h"
#include "kernel/debug/print.h"
#include "kernel/irq/internal.h"
#include "kernel/mm/aspace.h"

#define SLICE		3000000UL	/* ns */
#define GRANULARITY	1000000UL	/* a woken thread must be this far behind to preempt */

struct thread *context_switch(struct thread *prev, struct thread *next);
void thread_begin_c(struct thread *prev);

static u64 idle_mask[MAX_CPUS / 64];	/* CPUs that wait for work */

static void idle_set(unsigned cpu)
{
	__atomic_fetch_or(&idle_mask[cpu / 64], BIT(cpu % 64), __ATOMIC_SEQ_CST);
}

/* true: it was set, and the caller is the one who cleared it */
static bool idle_clear(unsigned cpu)
{
	if (!(READ_ONCE(idle_mask[cpu / 64]) & BIT(cpu % 64)))
		return false;
	return __atomic_fetch_and(&idle_mask[cpu / 64], ~BIT(cpu % 64), __ATOMIC_SEQ_CST) & BIT(cpu % 64);
}

/* ---- one run queue, its lock held ---- */

/* 1024 * 1.25^-nice, as Linux weighs */
static u64 weight(int nice)
{
	u64 w = 1024;

	for (; nice < 0; nice++)
		w += w / 4;
	for (; nice > 0; nice--)
		w = w * 4 / 5;
	return w;
}

static bool lingers(const struct rq *rq)
{
	return READ_ONCE(rq->resting) != rq->idle;
}

/* Threads that want this CPU's time. */
static unsigned load(const struct rq *rq)
{
	return READ_ONCE(rq->nr) - lingers(rq);
}

/* Not while curr lingers: that is idle time (linger_end). */
static void account(struct rq *rq, u64 now)
{
	struct thread *t = rq->curr;
	u64 delta = now - t->exec_start, min;

	t->exec_start = now;
	WRITE_ONCE(t->sum_exec, t->sum_exec + delta);
	if (t == rq->idle)
		return;
	t->vruntime += t->nice ? delta * 1024 / weight(t->nice) : delta;
	min = t->vruntime;
	if (!list_empty(&rq->waiting))
		min = MIN(min, list_first(&rq->waiting, struct thread, rq_node)->vruntime);
	if ((s64)(min - rq->min_vruntime) > 0)
		rq->min_vruntime = min;
}

static void waiting_insert(struct rq *rq, struct thread *t)
{
	struct list *p = rq->waiting.prev;

	while (p != &rq->waiting && list_entry(p, struct thread, rq_node)->vruntime > t->vruntime)
		p = p->prev;
	list_insert(&t->rq_node, p, p->next);
}

static void set_resched(struct rq *rq)
{
	u32 old = __atomic_fetch_or(&rq->curr->flags, TF_RESCHED, __ATOMIC_SEQ_CST);

	if (!(old & TF_RESCHED) && rq->cpu != this_cpu())
		ipi_send(rq->cpu->id, IPI_RESCHED);
}

/* The turn that began at start is to end. */
static void slice_arm(struct rq *rq, u64 start)
{
	rq->slice_armed = true;
	ktimer_start(&rq->slice, start + SLICE);
}

/* Make t (in no queue) runnable here. */
static void enqueue(struct rq *rq, struct thread *t, u64 now)
{
	t->cpu = rq->cpu;
	t->on_rq = true;
	t->exec_start = now;	/* while it waits: since when */
	rq->nr++;
	waiting_insert(rq, t);
	/* Pairs with linger_end: who does not linger any more has a new exec_start. */
	if (rq->curr == __atomic_load_n(&rq->resting, __ATOMIC_ACQUIRE)) {
		set_resched(rq);
		return;
	}
	account(rq, now);
	if ((s64)(rq->curr->vruntime - t->vruntime) > (s64)GRANULARITY) {
		set_resched(rq);
	} else if (!rq->slice_armed) {
		if (rq->cpu == this_cpu())
			slice_arm(rq, now);
		else
			ipi_send(rq->cpu->id, IPI_RESCHED);
	}
}

static void dequeue_waiting(struct rq *rq, struct thread *t)
{
	list_del(&t->rq_node);
	t->on_rq = false;
	rq->nr--;
}

static struct thread *waiting_allowed(struct rq *rq, unsigned cpu)
{
	struct list *p;

	for (p = rq->waiting.prev; p != &rq->waiting; p = p->prev) {
		struct thread *t = list_entry(p, struct thread, rq_node);

		if (cpumask_test(&t->affinity, cpu))
			return t;
	}
	return NULL;
}

/* For a CPU with nothing to do: somebody who waits elsewhere. */
static struct thread *steal(struct rq *rq)
{
	unsigned me = rq->cpu->id;

	for (unsigned i = 1; i < nr_cpus; i++) {
		struct cpu *c = cpus[(me + i) % nr_cpus];
		struct rq *from = c ? c->rq : NULL;
		struct thread *t;

		if (!from || READ_ONCE(from->nr) < 2 || !raw_trylock(&from->lock))
			continue;
		t = from->nr >= 2 ? waiting_allowed(from, me) : NULL;
		if (t) {
			dequeue_waiting(from, t);
			t->vruntime += rq->min_vruntime - from->min_vruntime;
			t->cpu = rq->cpu;
			t->on_rq = true;
			rq->nr++;
		}
		raw_unlock(&from->lock);
		if (t)
			return t;
	}
	return NULL;
}

/* ---- choosing a CPU ---- */

static unsigned select_cpu(struct thread *t, bool fresh)
{
	unsigned prev = t->cpu->id, best = prev;
	bool found = false;

	if (cpumask_test(&t->affinity, prev) && idle_clear(prev))
		return prev;
	for (unsigned w = 0; w < ARRAY_SIZE(idle_mask); w++) {
		u64 m = READ_ONCE(idle_mask[w]) & t->affinity.w[w];

		for (; m; m &= m - 1) {
			unsigned cpu = w * 64 + __builtin_ctzl(m);

			if (idle_clear(cpu))
				return cpu;
		}
	}
	if (!fresh && cpumask_test(&t->affinity, prev))
		return prev;
	for (unsigned i = 0; i < nr_cpus; i++) {
		if (!cpus[i] || !cpus[i]->online || !cpumask_test(&t->affinity, i))
			continue;
		if (!found || load(cpus[i]->rq) < load(cpus[best]->rq))
			best = i;
		found = true;
	}
	return best;
}

/* t, in no queue and not running, under its wake_lock, becomes runnable somewhere. A sleeper gets a little credit only. */
static void place(struct thread *t, bool fresh)
{
	u64 old_min = t->cpu->rq->min_vruntime, now = clock_ns();
	struct rq *rq = cpus[select_cpu(t, fresh)]->rq;
	s64 lag;

	raw_lock(&rq->lock);
	lag = fresh ? 0 : (s64)(t->vruntime - old_min);
	if (lag < -(s64)SLICE / 2)
		lag = -(s64)SLICE / 2;
	if (lag > (s64)SLICE * 8)
		lag = SLICE * 8;
	t->vruntime = rq->min_vruntime + lag;
	enqueue(rq, t, now);
	raw_unlock(&rq->lock);
}

/* Run queue of the CPU t belongs to, locked; wake_lock held, so t is not moved by others than its queue's owner. */
static struct rq *thread_rq_lock(struct thread *t)
{
	for (;;) {
		struct rq *rq = READ_ONCE(t->cpu)->rq;

		raw_lock(&rq->lock);
		if (rq == t->cpu->rq)
			return rq;
		raw_unlock(&rq->lock);
	}
}

static bool state_wakes(enum thread_state s, bool only_sleeping)
{
	return s == THREAD_SLEEPING || (s == THREAD_BLOCKED && !only_sleeping);
}

static bool wake(struct thread *t, bool only_sleeping, bool fresh)
{
	struct rq *rq;
	bool queued;
	u64 flags;

	dmb(ish);		/* what it waits for, before the look at its state */
	if (!state_wakes(READ_ONCE(t->state), only_sleeping))
		return false;
	flags = spin_lock_irqsave(&t->wake_lock);
	if (!state_wakes(READ_ONCE(t->state), only_sleeping)) {
		spin_unlock_irqrestore(&t->wake_lock, flags);
		return false;
	}
	rq = thread_rq_lock(t);
	WRITE_ONCE(t->state, THREAD_RUNNABLE);
	queued = t->on_rq;
	raw_unlock(&rq->lock);
	if (!queued) {
		/* It may be on its way out of its CPU just now. */
		while (__atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE))
			cpu_relax();
		place(t, fresh);
	}
	spin_unlock_irqrestore(&t->wake_lock, flags);
	return true;
}

bool thread_wake(struct thread *t)
{
	return wake(t, false, false);
}

void thread_start(struct thread *t)
{
	ASSERT(t->state == THREAD_BLOCKED && !t->on_rq);
	thread_get(t);		/* the running thread's own, dropped after its last switch */
	wake(t, false, true);
}

void thread_kick(struct thread *t, u32 flags)
{
	if (flags)
		__atomic_fetch_or(&t->flags, flags, __ATOMIC_SEQ_CST);
	dmb(ish);
	preempt_disable();
	if (READ_ONCE(t->on_cpu)) {
		struct cpu *c = READ_ONCE(t->cpu);

		if (c != this_cpu())
			ipi_send(c->id, IPI_RESCHED);
	}
	preempt_enable();
}

void thread_notify(struct thread *t)
{
	__atomic_fetch_or(&t->flags, TF_NOTIFY, __ATOMIC_SEQ_CST);
	if (!wake(t, true, false))
		thread_kick(t, 0);
}

/* ---- the switch ---- */

void hooks_out(struct thread *t)
{
	struct switch_hook *h, *next;

	list_for_each_safe(h, next, &t->switch_hooks, node)
		h->out(h);
}

static void hooks_in(struct thread *t)
{
	struct switch_hook *h;

	list_for_each(h, &t->switch_hooks, node)
		h->in(h);
}

/* In the new thread, interrupts off, the run queue still locked by the one before. */
static void switch_finish(struct thread *prev)
{
	struct thread *t = current_thread, *push;
	struct rq *rq = this_cpu()->rq;
	bool dead = prev->state == THREAD_DEAD, same = t->aspace && prev->aspace == t->aspace;

	push = rq->push;
	rq->push = NULL;
	rcu_note_quiescent();
	__atomic_store_n(&prev->on_cpu, false, __ATOMIC_RELEASE);
	raw_unlock(&rq->lock);

	if (!same)
		aspace_switch(t->aspace);
	if (t->aspace) {
		write_sysreg(t->tpidr_el0, tpidr_el0);
		write_sysreg(t->tpidrro_el0, tpidrro_el0);
		fp_switch(&t->fp);
	}
	if (!list_empty(&t->switch_hooks))
		hooks_in(t);
	if (push) {
		preempt_disable();
		raw_lock(&push->wake_lock);
		if (!push->on_rq && push->state != THREAD_DEAD)
			place(push, false);
		raw_unlock(&push->wake_lock);
		t->preempt_count--;
	}
	if (dead)
		thread_finish_exit(prev);
}

void thread_begin_c(struct thread *prev)
{
	switch_finish(prev);
	local_irq_enable();
}

/* Take prev out of its role as the running thread: back to the queue, or away. */
static void put_prev(struct rq *rq, struct thread *prev, bool preempt)
{
	if (prev == rq->idle)
		return;
	if (!preempt && prev->state == THREAD_SLEEPING && (READ_ONCE(prev->flags) & TF_NOTIFY))
		WRITE_ONCE(prev->state, THREAD_RUNNABLE);
	if (!preempt && prev->state != THREAD_RUNNABLE) {
		prev->on_rq = false;
		rq->nr--;
	} else if (unlikely(!cpumask_test(&prev->affinity, rq->cpu->id))) {
		prev->on_rq = false;
		rq->nr--;
		rq->push = prev;
	} else {
		waiting_insert(rq, prev);
	}
}

static struct thread *pick_next(struct rq *rq)
{
	struct thread *t;

	if (!list_empty(&rq->waiting)) {
		t = list_first(&rq->waiting, struct thread, rq_node);
		list_del(&t->rq_node);
		return t;
	}
	t = steal(rq);
	return t ? t : rq->idle;
}

static void switch_to(struct rq *rq, struct thread *prev, struct thread *next)
{
	struct cpu *c = rq->cpu;

	rq->switches++;
	if (prev->aspace) {
		prev->tpidr_el0 = read_sysreg(tpidr_el0);
		prev->tpidrro_el0 = read_sysreg(tpidrro_el0);
	}
	rq->curr = next;
	c->current = next;
	next->on_cpu = true;
	prev = context_switch(prev, next);
	switch_finish(prev);
}

static void do_schedule(bool preempt)
{
	struct thread *prev = current_thread, *next;
	u64 flags = local_irq_save(), now;
	struct rq *rq = prev->cpu->rq;
	bool hooks = !list_empty(&prev->switch_hooks);

	ASSERT(!prev->preempt_count);
	__atomic_fetch_and(&prev->flags, ~(u32)TF_RESCHED, __ATOMIC_SEQ_CST);
	if ((preempt || READ_ONCE(prev->state) == THREAD_RUNNABLE) && rq->nr == 1 && prev != rq->idle &&
	    cpumask_test(&prev->affinity, rq->cpu->id)) {
		rcu_note_quiescent();
		local_irq_restore(flags);
		return;
	}
	/* Hooks take locks whose holders wake threads: not under the run queue's. */
	if (hooks)
		hooks_out(prev);
	raw_lock(&rq->lock);
	now = clock_ns();
	account(rq, now);
	put_prev(rq, prev, preempt);
	next = pick_next(rq);
	if (!list_empty(&rq->waiting) && !rq->slice_armed)
		slice_arm(rq, now);
	if (next != rq->idle)
		WRITE_ONCE(next->run_delay, next->run_delay + (now - next->exec_start));
	next->exec_start = now;
	if (next != prev) {
		rq->turn = now;
		switch_to(rq, prev, next);
	} else {
		raw_unlock(&rq->lock);
		if (prev->aspace)
			fp_switch(&prev->fp);
		if (hooks)
			hooks_in(prev);
	}
	local_irq_restore(flags);
}

void schedule(void)
{
	do_schedule(false);
}

void schedule_preempt(void)
{
	do_schedule(true);
}

void preempt_resched(void)
{
	if (!irqs_disabled() && !current_thread->preempt_count)
		do_schedule(true);
}

void thread_yield(void)
{
	struct rq *rq;
	u64 flags = local_irq_save();

	rq = this_cpu()->rq;
	raw_lock(&rq->lock);
	account(rq, clock_ns());
	if (!list_empty(&rq->waiting)) {
		struct thread *first = list_first(&rq->waiting, struct thread, rq_node);

		if ((s64)(first->vruntime - rq->curr->vruntime) >= 0)
			rq->curr->vruntime = first->vruntime + 1;
	}
	raw_unlock(&rq->lock);
	local_irq_restore(flags);
	do_schedule(true);
}

int thread_set_affinity(struct thread *t, const struct cpumask *m)
{
	bool any = false, wrong;
	struct rq *rq;
	u64 flags;

	for (unsigned i = 0; i < nr_cpus; i++)
		any |= cpus[i] && cpus[i]->online && cpumask_test(m, i);
	if (!any)
		return -22;	/* EINVAL */
	flags = spin_lock_irqsave(&t->wake_lock);
	rq = thread_rq_lock(t);
	t->affinity = *m;
	wrong = t->on_rq && !cpumask_test(m, rq->cpu->id);
	if (wrong && t != rq->curr) {
		dequeue_waiting(rq, t);
		raw_unlock(&rq->lock);
		place(t, false);
	} else {
		if (wrong)
			set_resched(rq);
		raw_unlock(&rq->lock);
	}
	spin_unlock_irqrestore(&t->wake_lock, flags);
	if (t == current_thread && (READ_ONCE(t->flags) & TF_RESCHED))
		do_schedule(true);
	return 0;
}

u64 thread_runtime(struct thread *t)
{
	u64 ns = READ_ONCE(t->sum_exec);

	if (t == current_thread)
		ns += clock_ns() - t->exec_start;
	return ns;
}

/* ---- per CPU ---- */

/*
 * With three busy threads on two CPUs no CPU is ever idle, so nobody would steal: hand one that waits to a CPU with
 * fewer, every time when it has two fewer, every fourth slice when one fewer, so that all take turns at sharing.
 */
static void rotate(struct rq *rq, u64 now)
{
	unsigned me = rq->cpu->id, best = me;
	struct rq *to;
	struct thread *t;

	for (unsigned i = 1; i < nr_cpus; i++) {
		unsigned c = (me + i) % nr_cpus;

		if (cpus[c] && cpus[c]->online && load(cpus[c]->rq) < load(cpus[best]->rq) && waiting_allowed(rq, c))
			best = c;
	}
	to = cpus[best]->rq;
	if (best == me || (load(to) + 1 >= rq->nr && rq->slices % 4) || !raw_trylock(&to->lock))
		return;
	t = waiting_allowed(rq, best);
	if (t && load(to) < rq->nr) {
		dequeue_waiting(rq, t);
		t->vruntime += to->min_vruntime - rq->min_vruntime;
		idle_clear(best);
		enqueue(to, t, now);
	}
	raw_unlock(&to->lock);
}

static void slice_over(struct ktimer *timer)
{
	struct rq *rq = container_of(timer, struct rq, slice);
	u64 now = clock_ns();

	raw_lock(&rq->lock);
	rq->slice_armed = false;
	if (rq->nr > 1 && now - rq->turn < SLICE) {
		slice_arm(rq, rq->turn);	/* others have run since it was armed */
	} else if (rq->nr > 1) {
		rq->slices++;
		if (!lingers(rq))
			account(rq, now);
		rotate(rq, now);
		set_resched(rq);
	}
	raw_unlock(&rq->lock);
}

void sched_ipi(void)
{
	struct rq *rq = this_cpu()->rq;

	if (READ_ONCE(rq->nr) < 2 || rq->slice_armed)
		return;
	raw_lock(&rq->lock);
	if (rq->nr > 1 && !rq->slice_armed)
		slice_arm(rq, clock_ns());
	raw_unlock(&rq->lock);
}

void rq_init(struct rq *rq, struct cpu *cpu, struct thread *idle)
{
	rq->cpu = cpu;
	rq->curr = rq->idle = rq->resting = idle;
	list_init(&rq->waiting);
	ktimer_init(&rq->slice, slice_over);
}

void sched_init_this(void)
{
	struct cpu *c = this_cpu();

	c->rq->idle->exec_start = clock_ns();
	__atomic_store_n(&c->online, 1, __ATOMIC_RELEASE);
}

void sched_idle(void)
{
	struct cpu *c = this_cpu();
	struct rq *rq = c->rq;

	for (;;) {
		local_irq_disable();
		idle_set(c->id);
		if (!(READ_ONCE(current_thread->flags) & TF_RESCHED) && !READ_ONCE(rq->nr)) {
			rcu_user_enter();
			wfi();
			rcu_user_exit();
		}
		idle_clear(c->id);
		local_irq_enable();
		if ((READ_ONCE(current_thread->flags) & TF_RESCHED) || READ_ONCE(rq->nr))
			schedule();
	}
}

/* ---- idle in a thread ---- */

/* Somebody waits elsewhere, whom this CPU would steal if it went idle properly. */
static bool work_elsewhere(void)
{
	for (unsigned i = 0; i < nr_cpus; i++)
		if (cpus[i] && READ_ONCE(cpus[i]->rq->nr) > 1)
			return true;
	return false;
}

static bool wanted(const struct rq *rq)
{
	return READ_ONCE(rq->nr) != 1 || (READ_ONCE(rq->curr->flags) & TF_RESCHED);
}

/* From here on enqueue() treats this CPU as idle. */
static bool linger_begin(struct rq *rq)
{
	if (work_elsewhere())
		return false;
	raw_lock(&rq->lock);
	if (!wanted(rq)) {
		account(rq, clock_ns());
		rq->resting = rq->curr;
	}
	raw_unlock(&rq->lock);
	return lingers(rq);
}

/* Without the lock: who still sees us linger asks for a switch, which is no harm. */
static void linger_end(struct rq *rq)
{
	u64 now = clock_ns();

	idle_clear(rq->cpu->id);
	WRITE_ONCE(rq->idle->sum_exec, rq->idle->sum_exec + now - rq->curr->exec_start);
	rq->curr->exec_start = now;
	__atomic_store_n(&rq->resting, rq->idle, __ATOMIC_RELEASE);
}

bool thread_linger(bool (*done)(void *arg), void *arg)
{
	struct rq *rq;
	bool ret = false;

	ASSERT(!irqs_disabled() && !current_thread->preempt_count);
	if (READ_ONCE(current_thread->cpu->rq->nr) != 1)
		return false;
	local_irq_disable();
	rq = this_cpu()->rq;
	if (linger_begin(rq)) {
		for (;;) {
			idle_set(rq->cpu->id);
			ret = done(arg);
			if (ret || wanted(rq))
				break;
			rcu_user_enter();
			wfi();
			rcu_user_exit();
			irq_dispatch();
		}
		linger_end(rq);
	}
	local_irq_enable();
	return ret;
}
