// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bodies of lock.h's spinning locks for the kernel itself, inlined where they are used: a lock that is free costs less
 * than a call. lock.c has the same as functions, for files that see only lock.h. Locks: these. Arm ARM B2.3
 * (acquire, release).
 *
 * With interrupts masked nothing preempts, so that the _irq forms leave the count of preemption alone; whoever was to be
 * scheduled meanwhile is when they come on again.
 */
#pragma once

#include "kernel/cpu/sysreg.h"
#include "kernel/sched/lock.h"

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

static inline void spin_lock_here(spinlock_t *l)
{
	preempt_disable();
	raw_lock(l);
}

static inline void spin_unlock_here(spinlock_t *l)
{
	raw_unlock(l);
	preempt_enable();
}

static inline u64 spin_lock_irqsave_here(spinlock_t *l)
{
	u64 flags = local_irq_save();

	raw_lock(l);
	return flags;
}

static inline void spin_unlock_irqrestore_here(spinlock_t *l, u64 flags)
{
	raw_unlock(l);
	local_irq_restore(flags);
	if (unlikely(READ_ONCE(current_thread->flags) & TF_RESCHED))
		preempt_resched();
}

#ifndef SPIN_OUTLINE
#define spin_lock(l)			spin_lock_here(l)
#define spin_unlock(l)			spin_unlock_here(l)
#define spin_lock_irqsave(l)		spin_lock_irqsave_here(l)
#define spin_unlock_irqrestore(l, f)	spin_unlock_irqrestore_here(l, f)
#endif
