// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wait queues and the sleeping locks made of them. A queue's lock (irq-safe) is outside threads' wake locks and run
 * queue locks.
 *
 * No wake-up is lost: the sleeper sets its state, then looks at the condition; the waker changes the condition, then
 * looks at the state; both have a full barrier in between. Spurious wake-ups are legal, everybody loops.
 */
#include <linux/errno.h>

#include "kernel/debug/print.h"
#include "kernel/sched/lock.h"
#include "kernel/sched/sched.h"

void waitq_init(struct waitq *q)
{
	q->lock = (spinlock_t)SPINLOCK_INIT;
	list_init(&q->waiters);
}

static bool waiter_queued(const struct waiter *w)
{
	return w->node.next && !list_empty(&w->node);
}

void waitq_add(struct waitq *q, struct waiter *w)
{
	u64 flags = spin_lock_irqsave(&q->lock);

	if (w->exclusive)
		list_add_tail(&w->node, &q->waiters);
	else
		list_add(&w->node, &q->waiters);
	spin_unlock_irqrestore(&q->lock, flags);
}

void waitq_del(struct waitq *q, struct waiter *w)
{
	u64 flags = spin_lock_irqsave(&q->lock);

	if (waiter_queued(w))
		list_del(&w->node);
	spin_unlock_irqrestore(&q->lock, flags);
}

/* Non-exclusive waiters are all in front of the exclusive ones. */
bool waitq_wake(struct waitq *q, u32 events)
{
	struct waiter *w, *n;
	bool any = false;
	u64 flags;

	dmb(ish);		/* the condition before the look at the list */
	if (READ_ONCE(q->waiters.next) == &q->waiters)
		return false;
	flags = spin_lock_irqsave(&q->lock);
	list_for_each_safe(w, n, &q->waiters, node) {
		bool excl = w->exclusive;
		bool woken = w->func ? w->func(w, events) : thread_wake(w->thread);

		any |= woken;
		if (woken && excl)
			break;
	}
	spin_unlock_irqrestore(&q->lock, flags);
	return any;
}

/* The first who can be woken, exclusive or not. */
void waitq_wake_one(struct waitq *q, u32 events)
{
	struct waiter *w, *n;
	u64 flags;

	dmb(ish);
	if (READ_ONCE(q->waiters.next) == &q->waiters)
		return;
	flags = spin_lock_irqsave(&q->lock);
	list_for_each_safe(w, n, &q->waiters, node)
		if (w->func ? w->func(w, events) : thread_wake(w->thread))
			break;
	spin_unlock_irqrestore(&q->lock, flags);
}

void wait_prepare(struct waitq *q, struct waiter *w, bool interruptible)
{
	if (!w->thread) {
		w->thread = current_thread;
		waitq_add(q, w);
	}
	WRITE_ONCE(current_thread->state, interruptible ? THREAD_SLEEPING : THREAD_BLOCKED);
	dmb(ish);
}

void wait_finish(struct waitq *q, struct waiter *w)
{
	WRITE_ONCE(current_thread->state, THREAD_RUNNABLE);
	waitq_del(q, w);
}

struct sleep_timer {
	struct ktimer timer;
	struct thread *thread;
};

static void sleep_over(struct ktimer *t)
{
	thread_wake(container_of(t, struct sleep_timer, timer)->thread);
}

bool schedule_until(u64 deadline)
{
	struct sleep_timer st;

	ASSERT(!irqs_disabled());	/* nor any _irq lock held */
	if (deadline == ~0UL) {
		schedule();
		return true;
	}
	if (clock_ns() >= deadline) {
		WRITE_ONCE(current_thread->state, THREAD_RUNNABLE);
		return false;
	}
	ktimer_init(&st.timer, sleep_over);
	st.thread = current_thread;
	ktimer_start(&st.timer, deadline);
	schedule();
	ktimer_cancel_sync(&st.timer);
	return clock_ns() < deadline;
}

void mutex_init(struct mutex *m)
{
	m->locked = 0;
	m->owner = NULL;
	waitq_init(&m->wait);
}

bool mutex_trylock(struct mutex *m)
{
	u32 none = 0;

	if (!__atomic_compare_exchange_n(&m->locked, &none, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	m->owner = current_thread;
	return true;
}

static int mutex_wait(struct mutex *m, bool interruptible)
{
	struct waiter w = { .exclusive = true };
	int err = 0;

	ASSERT(!(current_thread->preempt_count) && !irqs_disabled());
	for (;;) {
		wait_prepare(&m->wait, &w, interruptible);
		if (mutex_trylock(m))
			break;
		if (interruptible && notify_pending()) {
			err = -EINTR;
			break;
		}
		schedule();
	}
	wait_finish(&m->wait, &w);
	/* A wake-up that was meant for us may not get lost when we do not take the lock. */
	if (err && !READ_ONCE(m->locked))
		waitq_wake_one(&m->wait, 0);
	return err;
}

void mutex_lock(struct mutex *m)
{
	if (!mutex_trylock(m))
		mutex_wait(m, false);
}

int mutex_lock_interruptible(struct mutex *m)
{
	return mutex_trylock(m) ? 0 : mutex_wait(m, true);
}

void mutex_unlock(struct mutex *m)
{
	ASSERT(m->owner == current_thread);
	m->owner = NULL;
	__atomic_store_n(&m->locked, 0, __ATOMIC_RELEASE);
	waitq_wake_one(&m->wait, 0);
}

/* rwsem.v: readers inside, or the writer; above them the number of writers that wait. */
#define RW_READERS	GENMASK(30, 0)
#define RW_WRITER	BIT(31)
#define RW_WAITING	BIT(32)		/* times the number of them */

void rwsem_init(struct rwsem *s)
{
	s->v = 0;
	waitq_init(&s->rwait);
	waitq_init(&s->wwait);
}

static bool read_try(struct rwsem *s)
{
	u64 v = __atomic_load_n(&s->v, __ATOMIC_RELAXED);

	while (!(v & ~RW_READERS))
		if (__atomic_compare_exchange_n(&s->v, &v, v + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}

static bool write_try(struct rwsem *s)
{
	u64 v = __atomic_load_n(&s->v, __ATOMIC_RELAXED);

	while (!(v & (RW_READERS | RW_WRITER)))
		if (__atomic_compare_exchange_n(&s->v, &v, v - RW_WAITING + RW_WRITER, false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

void down_read(struct rwsem *s)
{
	if (unlikely(!read_try(s)))
		wait_event(&s->rwait, read_try(s));
}

void up_read(struct rwsem *s)
{
	u64 old = __atomic_fetch_sub(&s->v, 1, __ATOMIC_RELEASE);

	ASSERT((old & RW_READERS) && !(old & RW_WRITER));
	if (unlikely((old & RW_READERS) == 1 && old >= RW_WAITING))
		waitq_wake(&s->wwait, 0);
}

void down_write(struct rwsem *s)
{
	__atomic_fetch_add(&s->v, RW_WAITING, __ATOMIC_RELAXED);
	if (!write_try(s))
		wait_event(&s->wwait, write_try(s));
}

void up_write(struct rwsem *s)
{
	u64 old = __atomic_fetch_and(&s->v, ~RW_WRITER, __ATOMIC_RELEASE);

	ASSERT(old & RW_WRITER);
	waitq_wake(old >= RW_WAITING ? &s->wwait : &s->rwait, 0);
}
