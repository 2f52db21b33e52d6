// SPDX-License-Identifier: GPL-2.0-only
/* The logic of memory slots without locks or guests: checks and the next generation's array. Compiles natively. */
#pragma once

#include <linux/kvm.h>

#ifdef NATIVE
#include <nestbox/types.h>
struct rcu_head { void *p[2]; };	/* nothing is deferred there */
#else
#include "kernel/sched/rcu.h"
#endif

#define KVM_SLOTS_MAX	32767

/*
 * One slot. Immutable but for the bitmap's bits: a change makes a new one. Freed after a grace period, as is its bitmap
 * when no newer slot has taken that over.
 */
struct memslot {
	u32 id, flags;			/* KVM_MEM_* */
	u64 gfn, npages;
	uva_t uva;
	u64 *dirty;			/* bitmap with KVM_MEM_LOG_DIRTY_PAGES */
	struct rcu_head rcu;
};

/* All slots of a VM: an immutable array per generation, replaced whole under slots_lock, read under RCU. */
struct memslots {
	struct rcu_head rcu;
	u64 generation;
	unsigned n;
	struct memslot *slot[];		/* sorted by gfn; none overlaps another */
};

/* The same slots by number, for changes only: under slots_lock. It grows to the greatest number that was ever used. */
struct memslot_ids {
	u32 size;
	struct memslot **slot;		/* NULL: no such slot */
};

struct memslot *memslot_find(struct memslots *s, u64 gfn);	/* under RCU; NULL */
struct memslot *memslot_next(struct memslots *s, u64 gfn);	/* the same, or the first one behind it */

enum memslot_change { SLOT_NOTHING, SLOT_CREATE, SLOT_DELETE, SLOT_MOVE, SLOT_FLAGS };

/* What a KVM_SET_USER_MEMORY_REGION asks of the current array; the errors are Linux's. */
struct memslot_request {
	u32 id, flags;
	u64 gpa, size, uva;
};
int memslots_check(const struct memslots *s, const struct memslot_ids *ids, const struct memslot_request *r,
		   unsigned ipa_bits, enum memslot_change *change);
struct memslot *memslot_by_id(const struct memslot_ids *ids, u32 id);	/* NULL */
/* Fill `next` (room for s->n + 1) with s without `old` and with `new`; either may be NULL. */
void memslots_apply(struct memslots *next, const struct memslots *s, const struct memslot *old, struct memslot *new);
