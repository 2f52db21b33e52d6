// SPDX-License-Identifier: GPL-2.0-only
/* The last exceptions of each CPU, shown in a panic. Written by their CPU only, interrupts off. Owner: kernel/debug/panic.c. */
#pragma once

#include "kernel/cpu/sysreg.h"
#include "kernel/sched/thread.h"

#define EXIT_RING	32

enum exit_ring_kind { RING_USER_SYNC, RING_USER_IRQ, RING_KERNEL_SYNC, RING_KERNEL_IRQ, RING_GUEST };

struct exit_ring {
	u32 n;
	struct exit_record {
		u64 pc, time;
		u32 esr;
		u32 kind;
	} r[EXIT_RING];
};

/* Interrupts off. pc and esr as the exception left them (esr: INTID for interrupts, if known). */
static inline void exit_ring_add(enum exit_ring_kind kind, u64 pc, u64 esr)
{
	struct exit_ring *e = this_cpu()->exit_ring;
	struct exit_record *r = &e->r[e->n++ % EXIT_RING];

	r->pc = pc;
	r->esr = esr;
	r->kind = kind;
	r->time = read_sysreg(cntvct_el0);
}
