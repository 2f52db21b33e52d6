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

/* Memory slots: an immutable array per generation, replaced whole under slots_lock, read under RCU. */
struct memslot {
	u32 id, flags;			/* KVM_MEM_* */
	u64 gfn, npages;
	uva_t uva;
	u64 *dirty;			/* bitmap with KVM_MEM_LOG_DIRTY_PAGES; shared by generations, freed after a grace period */
};

struct memslots {
	struct rcu_head rcu;
	u64 generation;
	unsigned n;
	struct memslot slot[];		/* sorted by gfn */
};

struct memslot *memslot_find(struct memslots *s, u64 gfn);	/* under RCU; NULL */

enum memslot_change { SLOT_NOTHING, SLOT_CREATE, SLOT_DELETE, SLOT_MOVE, SLOT_FLAGS };

/* What a KVM_SET_USER_MEMORY_REGION asks of the current array; the errors are Linux's. */
struct memslot_request {
	u32 id, flags;
	u64 gpa, size, uva;
};
int memslots_check(const struct memslots *s, const struct memslot_request *r, unsigned ipa_bits,
		   enum memslot_change *change);
struct memslot *memslot_by_id(struct memslots *s, u32 id);	/* NULL */
int memslots_index(const struct memslots *s, u32 id);	/* -1: none */
/* Fill `next` (room for s->n + 1) with s after the change; `dirty` is the slot's bitmap then. */
void memslots_apply(struct memslots *next, const struct memslots *s, const struct memslot_request *r,
		    enum memslot_change change, u64 *dirty);
