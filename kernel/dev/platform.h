// SPDX-License-Identifier: GPL-2.0-only
/* The machine as its device tree describes it: plain data, filled once by boot/fdt.c, constant afterwards. */
#pragma once

#include <nestbox/types.h>
#include "kernel/mm/page_init.h"
#include "kernel/sched/thread.h"
#include "kernel/irq/irq.h"

#define PLATFORM_RANGES		64
#define PLATFORM_GICR_REGIONS	16
#define PLATFORM_VIRTIO		64

struct platform {
	u64 dtb, dtb_size;
	struct mem_range ram[PLATFORM_RANGES], reserved[PLATFORM_RANGES];
	unsigned nram, nreserved;
	u64 initrd_start, initrd_end;		/* equal: none */
	u64 mpidr[MAX_CPUS];
	unsigned ncpus;
	bool psci, psci_hvc;
	bool gicv3;
	u64 gicd, gicd_size;
	struct mem_range gicr[PLATFORM_GICR_REGIONS];
	unsigned ngicr;
	u64 gicr_stride;			/* 0: by GICR_TYPER */
	u32 gic_maintenance;			/* INTIDs; 0: not described */
	u32 timer[TIMER_IRQ_COUNT];
	u32 pmu_irq;				/* of the CPUs' PMUv3 */
	u64 uart;				/* 0: none */
	bool uart_16550;			/* 16550A, else PL011 */
	u32 uart_irq;
	u64 rtc;				/* PL031; 0: none */
	u64 virtio[PLATFORM_VIRTIO];		/* virtio-mmio transports */
	unsigned nvirtio;
	char bootargs[1024];
	u8 seed[64];
	unsigned seed_len;
};

extern struct platform platform;
/* Is the word (or "name=" prefix, then *value points behind it) on the kernel command line? */
bool bootarg(const char *name, const char **value);
