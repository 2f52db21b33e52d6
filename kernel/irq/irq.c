// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers by interrupt number. Rows are written once by irq_register and read without a lock. Lock: reg_lock (irq-safe).
 */
#include <linux/errno.h>

#include "kernel/irq/irq.h"
#include "kernel/debug/print.h"
#include "kernel/dev/platform.h"
#include "kernel/irq/internal.h"
#include "kernel/sched/sched.h"

#define NR_INTIDS	1020

static struct irq_row {
	irq_handler_t fn;
	void *arg;
	bool edge;
} rows[NR_INTIDS];
static spinlock_t reg_lock = SPINLOCK_INIT;

int irq_register(u32 intid, irq_handler_t fn, void *arg, bool edge)
{
	u64 flags;
	int err = 0;

	if (intid >= NR_INTIDS || !fn)
		return -EINVAL;
	flags = spin_lock_irqsave(&reg_lock);
	if (rows[intid].fn) {
		err = -EBUSY;
	} else {
		rows[intid].arg = arg;
		rows[intid].edge = edge;
		if (intid >= 32)
			gic_set_edge(intid, edge);
		__atomic_store_n(&rows[intid].fn, fn, __ATOMIC_RELEASE);
	}
	spin_unlock_irqrestore(&reg_lock, flags);
	return err;
}

enum irq_result irq_handle(u32 intid)
{
	irq_handler_t fn = intid < NR_INTIDS ? __atomic_load_n(&rows[intid].fn, __ATOMIC_ACQUIRE) : NULL;

	if (likely(fn))
		return fn(intid, rows[intid].arg);
	pr_warn("interrupt %u without handler, disabled\n", intid);
	if (intid < NR_INTIDS)
		irq_disable(intid);
	return IRQ_DONE;
}

bool in_interrupt(void)
{
	return current_thread->preempt_count >= IRQ_COUNT;
}

u32 timer_intid(enum timer_irq which)
{
	return which < TIMER_IRQ_COUNT ? platform.timer[which] : 0;
}

u32 gic_maintenance_intid(void)
{
	return platform.gic_maintenance;
}
