// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process's translation: page table and ASID. TTBR0_EL2 is switched by the scheduler through aspace_switch.
 * ASIDs are handed out by generation; a rollover flushes all TLBs. Owner: kernel/mm/aspace.c.
 */
#pragma once

#include "kernel/mm/ptable.h"
#include "kernel/sched/lock.h"

struct aspace {
	struct ptable pt;
	u64 asid_gen;			/* generation << 16 | asid */
	u32 refs;
	void (*release)(struct aspace *as);	/* last reference gone: embedder frees */
};

int aspace_init(struct aspace *as, void (*release)(struct aspace *as));
void aspace_destroy(struct aspace *as);	/* frees the tables; from release */
void aspace_get(struct aspace *as);
void aspace_put(struct aspace *as);
/* Load for the current CPU; NULL: an empty table, so that kernel threads reach no user memory. Interrupts off. */
void aspace_switch(struct aspace *as);
