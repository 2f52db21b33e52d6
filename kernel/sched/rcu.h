// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one deferred-free scheme. A reader between rcu_read_lock and rcu_read_unlock (preemption off, no sleeping) may
 * follow pointers published with rcu_assign; what was unpublished before is freed only after every CPU has been seen
 * outside of a reader: a context switch, or EL0, a guest, or idle. Owner: kernel/sched/rcu.c.
 */
#pragma once

#include "kernel/sched/thread.h"

struct rcu_head {
	struct rcu_head *next;
	void (*fn)(struct rcu_head *h);
};

static inline void rcu_read_lock(void) { preempt_disable(); }
static inline void rcu_read_unlock(void) { preempt_enable(); }
#define rcu_assign(p, v)	__atomic_store_n(&(p), (v), __ATOMIC_RELEASE)
#define rcu_deref(p)		__atomic_load_n(&(p), __ATOMIC_CONSUME)

/* fn(h) runs in a kernel thread after a grace period. Any context. */
void rcu_defer(struct rcu_head *h, void (*fn)(struct rcu_head *h));
/* Wait for a grace period; may sleep. */
void rcu_synchronize(void);
/* Wait until every rcu_defer so far has run (tests, module teardown). */
void rcu_barrier(void);
/* This CPU goes to or comes back from code that holds no reference: EL0, guest, idle. Interrupts off. */
static inline void rcu_user_enter(void)
{
	struct cpu *c = this_cpu();

	__atomic_store_n(&c->rcu_state, c->rcu_state + 1, __ATOMIC_RELEASE);
}

static inline void rcu_user_exit(void)
{
	struct cpu *c = this_cpu();

	WRITE_ONCE(c->rcu_state, c->rcu_state + 1);
	asm volatile("dmb ish" : : : "memory");		/* before any pointer is read */
}
