// SPDX-License-Identifier: GPL-2.0-only
/*
 * The clock (generic timer, Arm ARM D12) and one-shot timers: per CPU a skew heap by expiry, and the EL2 physical
 * timer (CNTHP; with E2H set its registers have the names CNTP_*_EL0) set to the first of it.
 *
 * Locks: ktimer.lock (irq-safe; start and cancel of one timer), inside it timer_base.lock. Callbacks run without.
 */
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/irq/irq.h"
#include "kernel/sched/sched.h"

u64 counter_hz;
static u64 boot_count, ns_mult, tick_mult;	/* 32.32 */
static u64 realtime_offset;

u64 counter_read(void)
{
	isb();
	return read_sysreg(cntpct_el0);
}

u64 ticks_to_ns(u64 ticks)
{
	return (unsigned __int128)ticks * ns_mult >> 32;
}

u64 ns_to_ticks(u64 ns)
{
	return (unsigned __int128)ns * tick_mult >> 32;
}

u64 clock_ns(void)
{
	return ticks_to_ns(counter_read() - boot_count);
}

u64 clock_realtime_offset_ns(void)
{
	return READ_ONCE(realtime_offset);
}

void clock_set_realtime(u64 ns_since_epoch)
{
	WRITE_ONCE(realtime_offset, ns_since_epoch - clock_ns());
}

void clock_init(void)
{
	counter_hz = read_sysreg(cntfrq_el0);
	if (counter_hz < 1000000)
		counter_hz = 62500000;
	ns_mult = ((1000000000UL << 32) + counter_hz / 2) / counter_hz;
	tick_mult = (MIN(counter_hz, (1UL << 32) - 1) << 32) / 1000000000;
	boot_count = counter_read();
}

/* ---- the heap ---- */

static struct ktimer *meld(struct ktimer *a, struct ktimer *b)
{
	struct ktimer *root = NULL, **link = &root, *parent = NULL, *rest;

	while (a && b) {
		struct ktimer *t;

		if (b->expires < a->expires) {
			t = a;
			a = b;
			b = t;
		}
		*link = a;
		a->heap.parent = parent;
		parent = a;
		t = a->heap.right;
		a->heap.right = a->heap.left;
		link = &a->heap.left;
		a = t;
	}
	rest = a ? a : b;
	*link = rest;
	if (rest)
		rest->heap.parent = parent;
	return root;
}

static void heap_remove(struct timer_base *b, struct ktimer *t)
{
	struct ktimer *sub = meld(t->heap.left, t->heap.right), *p = t->heap.parent;

	if (sub)
		sub->heap.parent = p;
	if (!p)
		b->root = sub;
	else if (p->heap.left == t)
		p->heap.left = sub;
	else
		p->heap.right = sub;
}

static void program(struct timer_base *b)
{
	u64 when = b->root ? b->root->expires : ~0UL, ticks;

	if (when == b->programmed)
		return;
	b->programmed = when;
	if (when == ~0UL) {
		write_sysreg(0, cntp_ctl_el0);
		return;
	}
	/* Far away means never: the sum must not wrap. */
	ticks = when > 1UL << 62 ? ~0UL : boot_count + ns_to_ticks(when) + 1;
	write_sysreg(ticks, cntp_cval_el0);
	write_sysreg(1, cntp_ctl_el0);
}

static enum irq_result timer_irq(u32 intid, void *arg)
{
	struct timer_base *b = this_cpu()->timers;

	raw_lock(&b->lock);
	for (;;) {
		struct ktimer *t = b->root;

		if (!t || t->expires > clock_ns())
			break;
		heap_remove(b, t);
		b->running = t;
		__atomic_store_n(&t->base, NULL, __ATOMIC_RELEASE);
		raw_unlock(&b->lock);
		t->fn(t);
		raw_lock(&b->lock);
		__atomic_store_n(&b->running, NULL, __ATOMIC_RELEASE);
	}
	b->programmed = 0;
	program(b);
	isb();
	raw_unlock(&b->lock);
	return IRQ_DONE;
}

/* ---- the interface ---- */

void ktimer_init(struct ktimer *t, void (*fn)(struct ktimer *t))
{
	*t = (struct ktimer){ .fn = fn };
}

/* t->lock held: only expiry, under the base's lock, can still take t out. */
static bool detach(struct ktimer *t)
{
	struct timer_base *b = __atomic_load_n(&t->base, __ATOMIC_ACQUIRE);
	bool was;

	if (!b)
		return false;
	raw_lock(&b->lock);
	was = t->base == b;
	if (was) {
		heap_remove(b, t);
		t->base = NULL;
		if (b == this_cpu()->timers)
			program(b);	/* another CPU finds out by an early interrupt */
	}
	raw_unlock(&b->lock);
	return was;
}

void ktimer_start(struct ktimer *t, u64 expires)
{
	u64 flags = spin_lock_irqsave(&t->lock);
	struct timer_base *b = this_cpu()->timers;

	detach(t);
	raw_lock(&b->lock);
	t->expires = expires;
	t->heap.left = t->heap.right = t->heap.parent = NULL;
	t->last = b;
	t->base = b;
	b->root = meld(b->root, t);
	program(b);
	raw_unlock(&b->lock);
	spin_unlock_irqrestore(&t->lock, flags);
}

bool ktimer_cancel(struct ktimer *t)
{
	u64 flags;
	bool was;

	if (!__atomic_load_n(&t->base, __ATOMIC_ACQUIRE))
		return false;
	flags = spin_lock_irqsave(&t->lock);
	was = detach(t);
	spin_unlock_irqrestore(&t->lock, flags);
	return was;
}

void ktimer_cancel_sync(struct ktimer *t)
{
	for (;;) {
		struct timer_base *b;

		ktimer_cancel(t);
		b = READ_ONCE(t->last);
		if (!b)
			return;
		if (__atomic_load_n(&b->running, __ATOMIC_ACQUIRE) == t) {
			while (__atomic_load_n(&b->running, __ATOMIC_ACQUIRE) == t)
				cpu_relax();
			continue;	/* it may have started itself again */
		}
		if (!__atomic_load_n(&t->base, __ATOMIC_ACQUIRE))
			return;
	}
}

bool ktimer_pending(const struct ktimer *t)
{
	return __atomic_load_n(&t->base, __ATOMIC_ACQUIRE);
}

void ktimers_init_this(void)
{
	this_cpu()->timers->programmed = ~0UL;
	write_sysreg(0, cntp_ctl_el0);
	irq_enable(timer_intid(TIMER_IRQ_HYP_PHYS));
}

void ktimers_init(void)
{
	u32 intid = timer_intid(TIMER_IRQ_HYP_PHYS);

	if (!intid || irq_register(intid, timer_irq, NULL, false))
		panic("no interrupt for the EL2 timer in the device tree");
	ktimers_init_this();
}
