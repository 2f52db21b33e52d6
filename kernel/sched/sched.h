// SPDX-License-Identifier: GPL-2.0-only
/*
 * Between the parts of kernel/ that make threads run: run queues, start-up, hooks of the interrupt code. Not for others.
 */
#pragma once

#include "kernel/cpu/sysreg.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/timer.h"

/* One CPU's runnable threads. Lock (irq-safe, no preemption count: it is held across the switch): order by trylock only. */
struct rq {
	spinlock_t lock;
	struct cpu *cpu;
	struct thread *curr, *idle;
	struct thread *push;		/* switched away from, but may not run here: place it elsewhere */
	struct list waiting;		/* runnable, not running, by vruntime */
	unsigned nr;			/* runnable, the running one included, idle not */
	u64 min_vruntime;
	struct ktimer slice;
	bool slice_armed;
	unsigned slices;
	u64 switches;
};

struct timer_base {
	spinlock_t lock;
	struct ktimer *root;
	struct ktimer *running;
	u64 programmed;			/* CVAL in ns; ~0: off */
};

/* Without preemption accounting: interrupts must be off. */
static inline void raw_lock(spinlock_t *l)
{
	u16 me = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

	while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != me)
		cpu_relax();
}

static inline bool raw_trylock(spinlock_t *l)
{
	u32 v = __atomic_load_n((u32 *)l, __ATOMIC_RELAXED);

	if ((v >> 16) != (v & 0xffff))
		return false;
	return __atomic_compare_exchange_n((u32 *)l, &v, (v & 0xffff0000) | ((v + 1) & 0xffff), false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void raw_unlock(spinlock_t *l)
{
	__atomic_store_n(&l->owner, (u16)(l->owner + 1), __ATOMIC_RELEASE);
}

#define IRQ_COUNT	0x10000		/* in preempt_count: in an interrupt handler */

/* A thread stops running for good, or for now: its switch hooks. Interrupts off. */
void hooks_out(struct thread *t);
void rq_init(struct rq *rq, struct cpu *cpu, struct thread *idle);
void sched_init_this(void);		/* each CPU, on its idle thread, timers ready */
__noreturn void sched_idle(void);	/* the idle loop */
void schedule_preempt(void);		/* from interrupt exit or preempt_enable: state does not matter */
void sched_ipi(void);			/* IPI_RESCHED */

void thread_init(struct thread *t, const char *name);
void thread_finish_exit(struct thread *t);

void clock_init(void);
void ktimers_init(void);			/* once; registers the interrupt */
void ktimers_init_this(void);

void rcu_init(void);			/* starts its thread */
/* This CPU is outside of all readers at this moment. */
static inline void rcu_note_quiescent(void)
{
	struct cpu *c = this_cpu();

	dmb(ish);
	WRITE_ONCE(c->rcu_state, c->rcu_state + 2);
	dmb(ish);
}
