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
	struct ktimer slice;		/* of whoever ran when it was armed: a later turn's end is worked out when it fires */
	bool slice_armed;
	u64 turn;			/* when curr's turn began */
	unsigned slices;
	struct thread *resting;		/* with it as curr the CPU is as good as idle: idle, or a thread in thread_linger */
	u64 switches;
};

struct timer_base {
	spinlock_t lock;
	struct ktimer *root;
	struct ktimer *running;
	u64 programmed;			/* CVAL in ns; ~0: off */
};

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
