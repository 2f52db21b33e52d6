// SPDX-License-Identifier: GPL-2.0-only
/* PL031 real-time clock (DDI0224): read once at start. No lock. */
#include "kernel/debug/print.h"
#include "kernel/dev/dev.h"
#include "kernel/mm/page.h"
#include "kernel/sched/timer.h"

void rtc_init(u64 pa)
{
	volatile u32 *dr = ioremap(PA(pa), PAGE_SIZE);

	if (dr)
		clock_set_realtime(*dr * 1000000000UL);
}
