// SPDX-License-Identifier: GPL-2.0-only
/* Spinning locks: ticket locks (bodies in spin.h), and reader/writer locks that let a waiting writer go first. */
#define SPIN_OUTLINE
#include "kernel/sched/lock.h"
#include "kernel/sched/sched.h"

#define WRITER	BIT(31)

void spin_lock(spinlock_t *l)
{
	spin_lock_here(l);
}

void spin_unlock(spinlock_t *l)
{
	spin_unlock_here(l);
}

u64 spin_lock_irqsave(spinlock_t *l)
{
	return spin_lock_irqsave_here(l);
}

void spin_unlock_irqrestore(spinlock_t *l, u64 flags)
{
	spin_unlock_irqrestore_here(l, flags);
}

void read_lock(rwlock_t *l)
{
	preempt_disable();
	for (;;) {
		u32 v = __atomic_load_n(&l->v, __ATOMIC_RELAXED);

		if (!(v & WRITER) && !__atomic_load_n(&l->waiting_writers, __ATOMIC_RELAXED) &&
		    __atomic_compare_exchange_n(&l->v, &v, v + 1, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return;
		cpu_relax();
	}
}

void read_unlock(rwlock_t *l)
{
	__atomic_fetch_sub(&l->v, 1, __ATOMIC_RELEASE);
	preempt_enable();
}

void write_lock(rwlock_t *l)
{
	u32 none = 0;

	preempt_disable();
	if (__atomic_compare_exchange_n(&l->v, &none, WRITER, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	__atomic_fetch_add(&l->waiting_writers, 1, __ATOMIC_RELAXED);
	for (;;) {
		none = 0;
		if (__atomic_compare_exchange_n(&l->v, &none, WRITER, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			break;
		cpu_relax();
	}
	__atomic_fetch_sub(&l->waiting_writers, 1, __ATOMIC_RELAXED);
}

void write_unlock(rwlock_t *l)
{
	__atomic_store_n(&l->v, 0, __ATOMIC_RELEASE);
	preempt_enable();
}
