// SPDX-License-Identifier: GPL-2.0-only
/* Time in nanoseconds since boot, and one-shot timers. No periodic tick. Owner: kernel/sched/timer.c. */
#pragma once

#include <nestbox/list.h>
#include <nestbox/types.h>
#include "kernel/sched/lock.h"

u64 clock_ns(void);			/* monotonic, from CNTVCT/CNTPCT with the offset at boot taken off */
u64 clock_realtime_offset_ns(void);	/* add to clock_ns(): from the PL031 if there is one */
void clock_set_realtime(u64 ns_since_epoch);
extern u64 counter_hz;			/* CNTFRQ */
u64 counter_read(void);			/* physical counter */
u64 ticks_to_ns(u64 ticks);
u64 ns_to_ticks(u64 ns);

/* fn runs in interrupt context on the CPU that started the timer. May start it again, may not free it under cancel_sync. */
struct ktimer {
	u64 expires;			/* ns */
	void (*fn)(struct ktimer *t);
	struct timer_base *base;	/* NULL: not pending */
	/* timer.c's: skew heap; who starts or cancels; where it last was */
	struct { struct ktimer *parent, *left, *right; } heap;
	spinlock_t lock;
	struct timer_base *last;
};
void ktimer_init(struct ktimer *t, void (*fn)(struct ktimer *t));
/* (Re)start for an absolute time, on this CPU. Any context but its own other CPU's callback. */
void ktimer_start(struct ktimer *t, u64 expires_ns);
bool ktimer_cancel(struct ktimer *t);		/* true: was pending. The callback may still be running elsewhere. */
void ktimer_cancel_sync(struct ktimer *t);	/* and wait for the callback; not from it, not under its locks */
bool ktimer_pending(const struct ktimer *t);
