// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locks, wait queues. Order of all locks: docs/locking.md. Native builds get no-op locks (single-threaded logic tests).
 * Owner: kernel/sched/lock.c, wait.c.
 */
#pragma once

#include <nestbox/list.h>
#include <nestbox/types.h>
#ifdef NATIVE
#include <errno.h>
#else
#include <linux/errno.h>
#endif

struct thread;

typedef struct { u16 next, owner; } __attribute__((aligned(4))) spinlock_t;	/* ticket lock */
#define SPINLOCK_INIT	{ 0, 0 }

/* A spinlock disables preemption. The _irq forms also mask interrupts; use them for what an interrupt handler takes too. */
void spin_lock(spinlock_t *l);
void spin_unlock(spinlock_t *l);
u64 spin_lock_irqsave(spinlock_t *l);
void spin_unlock_irqrestore(spinlock_t *l, u64 flags);

/* Spinning reader/writer lock; readers run in parallel; a waiting writer stops new readers. Preemption off inside. */
typedef struct { u32 v; u32 waiting_writers; } rwlock_t;
void read_lock(rwlock_t *l);
void read_unlock(rwlock_t *l);
void write_lock(rwlock_t *l);
void write_unlock(rwlock_t *l);

/* Sleeping locks: thread context only, not under a spinlock. */
struct waitq {
	spinlock_t lock;
	struct list waiters;
};
#define WAITQ_INIT(w)	{ SPINLOCK_INIT, LIST_INIT((w).waiters) }
void waitq_init(struct waitq *w);

struct mutex {
	u32 locked;
	struct thread *owner;
	struct waitq wait;
};
#define MUTEX_INIT(m)	{ 0, 0, WAITQ_INIT((m).wait) }
void mutex_init(struct mutex *m);
void mutex_lock(struct mutex *m);
bool mutex_trylock(struct mutex *m);
int mutex_lock_interruptible(struct mutex *m);	/* 0 or -EINTR */
void mutex_unlock(struct mutex *m);

struct rwsem {			/* sleeping reader/writer lock, writers preferred; a reader may not take it again */
	u64 v;			/* who is inside and how many writers wait: wait.c */
	struct waitq rwait, wwait;
};
void rwsem_init(struct rwsem *s);
void down_read(struct rwsem *s);
void up_read(struct rwsem *s);
void down_write(struct rwsem *s);
void up_write(struct rwsem *s);

/*
 * One waiter on a queue. func NULL: wake the thread. Otherwise called with the queue's lock held and interrupts off
 * (poll, epoll, irqfd hang themselves on queues this way); returns true if it counts as a wake-up.
 */
struct waiter {
	struct list node;
	struct thread *thread;
	bool (*func)(struct waiter *w, u32 events);
	bool exclusive;
};
void waitq_add(struct waitq *q, struct waiter *w);	/* fill in func/thread before */
void waitq_del(struct waitq *q, struct waiter *w);
/* events: POLL* bits that became true, or 0 for "unknown/all". Wakes all non-exclusive waiters and one exclusive. Any context. */
bool waitq_wake(struct waitq *q, u32 events);	/* true: a thread was asleep, or a func counted itself */
void waitq_wake_one(struct waitq *q, u32 events);

/* Internals of wait_event: set state, queue; then test; then schedule. */
void wait_prepare(struct waitq *q, struct waiter *w, bool interruptible);
void wait_finish(struct waitq *q, struct waiter *w);
/* Sleep until woken or deadline (clock_ns time; ~0 = never); false: the deadline passed. */
bool schedule_until(u64 deadline_ns);

#define _wait_event(q, cond, intr, deadline) ({						\
	int _ret = 0;									\
	struct waiter _w = {};								\
	for (bool _woken = false;; _woken = true) {					\
		if (_woken && (cond))	/* most are woken when it holds */		\
			break;								\
		wait_prepare(q, &_w, intr);						\
		if (cond)								\
			break;								\
		if ((intr) && notify_pending()) {					\
			_ret = -EINTR;							\
			break;								\
		}									\
		if (!schedule_until(deadline)) {					\
			_ret = (cond) ? 0 : -ETIMEDOUT;					\
			break;								\
		}									\
	}										\
	wait_finish(q, &_w);								\
	_ret;										\
})
/* 0 once cond holds. The interruptible ones return -EINTR when a signal (TF_NOTIFY) is pending; with a deadline, -ETIMEDOUT. */
#define wait_event(q, cond)				((void)_wait_event(q, cond, false, ~0UL))
#define wait_event_interruptible(q, cond)		_wait_event(q, cond, true, ~0UL)
#define wait_event_interruptible_until(q, cond, ns)	_wait_event(q, cond, true, ns)
#define wait_event_until(q, cond, ns)			_wait_event(q, cond, false, ns)

#ifndef NATIVE
#include "kernel/sched/thread.h"	/* brings spin.h: the locks inline */
#endif
