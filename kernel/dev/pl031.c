// SPDX-License-Identifier: GPL-2.0-only
/* PL031 real-time clock (DDI0224): read once at start. No lock. */
#include "kernel/cpu/mmio.h"
#include "kernel/debug/print.h"
#include "kernel/dev/dev.h"
#include "kernel/mm/page.h"
#include "kernel/sched/timer.h"

void rtc_init(u64 pa)
{
	u64 va = (u64)ioremap(PA(pa), PAGE_SIZE);

	if (va)
		clock_set_realtime(mmio_read32(va) * 1000000000UL);
}
