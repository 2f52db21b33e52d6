// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one deferred-free scheme. Each CPU has a counter: even while it is in
 * EL0, a guest or idle (no reader there), odd while it runs kernel code, and
 * two further at each context switch and each interrupt that finds preemption
 * on. A grace period is over when every CPU's counter was even or has changed
 * since the start. One thread waits for grace periods and runs the callbacks in
 * the order they came. No locks: callbacks come by a lock-free list.
 */
#include "kernel/cpu/cpu.h"
#include "kernel/debug/print.h"
#include "kernel/sched/sched.h"

static struct rcu_head *pending;	/* newest first */
static struct waitq rcu_wait = WAITQ_INIT(rcu_wait);
static u64 snap[MAX_CPUS];

void rcu_defer(struct rcu_head *h, void (*fn)(struct rcu_head *h))
{
	struct rcu_head *old = READ_ONCE(pending);

	h->fn = fn;
	do {
		h->next = old;
	} while (!__atomic_compare_exchange_n(&pending, &old, h, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	if (!old)
		waitq_wake(&rcu_wait, 0);
}

static bool cpu_passed(unsigned i)
{
	return !(snap[i] & 1) || __atomic_load_n(&cpus[i]->rcu_state, __ATOMIC_ACQUIRE) != snap[i];
}

/* Ask a CPU to switch, or at least to look, when its reader is through. Only this thread frees threads, so current stays. */
static void cpu_hurry(unsigned i)
{
	__atomic_fetch_or(&READ_ONCE(cpus[i]->current)->flags, TF_RESCHED, __ATOMIC_SEQ_CST);
	ipi_send(i, IPI_RESCHED);
}

static void grace_period(void)
{
	unsigned tries = 0;

	dmb(ish);
	for (unsigned i = 0; i < nr_cpus; i++)
		snap[i] = cpus[i] && READ_ONCE(cpus[i]->online) ? READ_ONCE(cpus[i]->rcu_state) : 0;
	dmb(ish);
	for (unsigned i = 0; i < nr_cpus; i++) {
		/* This thread is no reader, so the CPU it is on at any moment from now on has passed. */
		while (!cpu_passed(i) && READ_ONCE(current_thread->cpu->id) != i) {
			if (++tries % 8 == 2)
				cpu_hurry(i);
			WRITE_ONCE(current_thread->state, THREAD_BLOCKED);
			schedule_until(clock_ns() + 100000);
		}
	}
	dmb(ish);
}

static void rcu_thread(void *arg)
{
	for (;;) {
		struct rcu_head *h, *next, *fifo = NULL;

		wait_event(&rcu_wait, READ_ONCE(pending));
		h = __atomic_exchange_n(&pending, NULL, __ATOMIC_ACQ_REL);
		grace_period();
		for (; h; h = next) {
			next = h->next;
			h->next = fifo;
			fifo = h;
		}
		for (; fifo; fifo = next) {
			next = fifo->next;
			fifo->fn(fifo);
		}
	}
}

void rcu_init(void)
{
	struct thread *t = thread_create("rcu", rcu_thread, NULL);

	if (!t)
		panic("no memory for the rcu thread");
	thread_start(t);
}

struct rcu_waiter {
	struct rcu_head head;
	struct thread *thread;
	bool done;
};

static void rcu_waited(struct rcu_head *h)
{
	struct rcu_waiter *w = container_of(h, struct rcu_waiter, head);
	struct thread *t = thread_get(w->thread);

	__atomic_store_n(&w->done, true, __ATOMIC_RELEASE);	/* w is gone from here on */
	thread_wake(t);
	thread_put(t);
}

void rcu_synchronize(void)
{
	struct rcu_waiter w = { .thread = current_thread };

	rcu_defer(&w.head, rcu_waited);
	for (;;) {
		WRITE_ONCE(current_thread->state, THREAD_BLOCKED);
		dmb(ish);
		if (__atomic_load_n(&w.done, __ATOMIC_ACQUIRE))
			break;
		schedule();
	}
	WRITE_ONCE(current_thread->state, THREAD_RUNNABLE);
}

void rcu_barrier(void)
{
	rcu_synchronize();	/* callbacks run in order */
}
