// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads and CPUs. TPIDR_EL2 holds the current thread while the kernel runs (and while a guest runs);
 * thread->cpu is where it runs. Owner: kernel/sched/.
 */
#pragma once

#include <nestbox/list.h>
#include <nestbox/types.h>
#include "kernel/fp/owner.h"
#include "kernel/sched/lock.h"

#define MAX_CPUS	128
#define THREAD_STACK	(4 * PAGE_SIZE)

struct cpumask {
	u64 w[MAX_CPUS / 64];
};
static inline bool cpumask_test(const struct cpumask *m, unsigned c) { return m->w[c / 64] >> (c % 64) & 1; }
static inline void cpumask_set(struct cpumask *m, unsigned c) { m->w[c / 64] |= BIT(c % 64); }

enum thread_state { THREAD_RUNNABLE, THREAD_SLEEPING /* ends on wake or TF_NOTIFY */, THREAD_BLOCKED /* ends on wake only */, THREAD_DEAD };

/* thread->flags, atomic */
#define TF_RESCHED	BIT(0)	/* preempt at the next chance; only set for the current thread of a CPU */
#define TF_NOTIFY	BIT(1)	/* user_hooks->notify wanted before EL0 or the guest: signal pending, exit */
#define TF_KICK		BIT(2)	/* a vCPU request: leave the guest (the owner, kvm/, clears it) */

/*
 * Called around switching a thread out and in (KVM's preempt notifiers): interrupts off, no sleeping. out may remove its
 * own hook. A thread that ends is switched out by its hooks first.
 */
struct switch_hook {
	void (*out)(struct switch_hook *h);
	void (*in)(struct switch_hook *h);	/* on the new CPU */
	struct list node;
};

struct cpu;
struct aspace;	/* kernel/mm/aspace.h: a process's page table and ASID */

struct thread {
	/* Offsets of these are known to assembly (kernel/cpu/asm-offsets). */
	u64 ctx[13];			/* x19..x30, sp */
	struct cpu *cpu;
	u32 flags;
	u32 preempt_count;		/* >0: no preemption; interrupt handlers count too */
	/* end of fixed part */
	void *stack;
	enum thread_state state;
	u32 id;				/* kernel-wide thread number, never 0 */
	char name[16];
	struct aspace *aspace;		/* NULL: kernel thread */
	u64 tpidr_el0, tpidrro_el0;	/* user TLS, saved when switched out */
	struct fp_state fp;		/* user FP state and its owner bookkeeping */
	struct list switch_hooks;
	void *task;			/* linux/: struct task; NULL for kernel threads */
	/* scheduler's own, under its run queue lock */
	struct cpumask affinity;
	struct list rq_node;
	u64 vruntime, exec_start, sum_exec;	/* ns */
	u64 run_delay;			/* ns spent runnable but not running; read by anybody */
	int nice;
	bool on_rq, on_cpu;
	spinlock_t wake_lock;		/* irq-safe; outside run queue locks: who may make it runnable or move it */
	u32 refs;			/* thread_get/thread_put; freed after an RCU grace period */
#ifdef CONFIG_SELFTEST
	u32 fail_nth, fail_left;	/* its own: alloc_must_fail(); what fail_nth was when it was last set */
	bool fail_panics;
#endif
};

struct cpu {
	unsigned id;
	u64 mpidr;
	struct thread *idle;
	struct thread *current;
	struct fp_state *fp_owner;	/* the state in the registers; NULL: nobody's */
	bool fp_kernel;			/* between fp_kernel_begin and fp_kernel_end */
	struct fp_counts fp_counts;
	u64 rcu_state;
	void *kvm;			/* kvm/'s per-CPU data */
	/* the rest belongs to kernel/sched, kernel/irq, kernel/debug */
	struct rq *rq;
	struct timer_base *timers;
	u64 irq_count;
	u64 online;
	struct exit_ring *exit_ring;	/* kernel/debug/exitring.h */
};

extern struct cpu *cpus[MAX_CPUS];	/* NULL: not there */
extern unsigned nr_cpus;		/* possible ids are 0..nr_cpus-1 */

static inline struct thread *current_thread(void)
{
	struct thread *t;

	asm("mrs %0, tpidr_el2" : "=r"(t));
	return t;
}
#define current_thread current_thread()

/* Preemption (or interrupts) must be off, or the answer may be stale at once. */
static inline struct cpu *this_cpu(void)
{
	return current_thread->cpu;
}

static inline void preempt_disable(void)
{
	current_thread->preempt_count++;
	asm volatile("" : : : "memory");
}
/* Reschedules now if nothing forbids it: interrupts off, or preemption. */
void preempt_resched(void);
/* Reschedules if asked to meanwhile, unless interrupts are off. */
static inline void preempt_enable(void)
{
	struct thread *t = current_thread;

	asm volatile("" : : : "memory");
	if (--t->preempt_count == 0 && unlikely(READ_ONCE(t->flags) & TF_RESCHED))
		preempt_resched();
}

#ifndef NATIVE
#include "kernel/sched/spin.h"
#endif

/* New kernel thread, not yet started, one reference held by the caller. NULL: out of memory. fn's return ends it. */
struct thread *thread_create(const char *name, void (*fn)(void *arg), void *arg);
/* New thread that will enter EL0 with *regs (copied), in aspace (reference taken over). Not yet started. */
struct pt_regs;
struct thread *thread_create_user(const char *name, const struct pt_regs *regs, struct aspace *aspace);
void thread_start(struct thread *t);
__noreturn void thread_exit(void);
struct thread *thread_get(struct thread *t);
void thread_put(struct thread *t);
/* Make a SLEEPING or BLOCKED thread runnable; true if it was asleep. Any context. */
bool thread_wake(struct thread *t);
/* Set TF_NOTIFY and see that t notices: wakes it from SLEEPING, IPIs it out of EL0 or a guest. Any context. */
void thread_notify(struct thread *t);
/* Set flags and, if t runs on another CPU now, IPI that CPU so that it leaves EL0 or the guest. Does not wake. */
void thread_kick(struct thread *t, u32 flags);
/* Give up the CPU in current_thread->state. */
void schedule(void);
void thread_yield(void);
/*
 * Wait in place for done(arg), which may sleep no more than an interrupt handler: the thread keeps its CPU, with its switch hooks' state in it, for
 * as long as nobody else wants it, and handles its interrupts. Whoever makes the condition true sends this CPU an interrupt
 * (thread_kick) or is one. Interrupts and preemption on; false: not done, the CPU is wanted: sleep as usual.
 */
bool thread_linger(bool (*done)(void *arg), void *arg);
/* May sleep (migrates now if needed). -EINVAL: no possible CPU in the mask. */
int thread_set_affinity(struct thread *t, const struct cpumask *m);
/* Switch the current thread's address space (exec); takes over the reference, drops the old one. */
void thread_set_aspace(struct aspace *as);
/* ns of CPU time used */
u64 thread_runtime(struct thread *t);
void switch_hook_add(struct switch_hook *h);	/* on the current thread */
void switch_hook_del(struct switch_hook *h);

static inline bool notify_pending(void)
{
	return READ_ONCE(current_thread->flags) & TF_NOTIFY;
}

/* Interprocessor calls: fn runs on the target with interrupts off. Caller: interrupts on. Waits. */
void smp_call(unsigned cpu, void (*fn)(void *arg), void *arg);
void smp_call_all(void (*fn)(void *arg), void *arg);	/* including this CPU */
