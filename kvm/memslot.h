// SPDX-License-Identifier: GPL-2.0-only
/* The logic of memory slots without locks or guests: checks and the next generation's array. Compiles natively. */
#pragma once

#include <nestbox/types.h>

struct memslot;
struct memslots;

enum memslot_change { SLOT_NOTHING, SLOT_CREATE, SLOT_DELETE, SLOT_MOVE, SLOT_FLAGS };

/* What a KVM_SET_USER_MEMORY_REGION asks of the current array; the errors are Linux's. */
struct memslot_request {
	u32 id, flags;
	u64 gpa, size, uva;
};
int memslots_check(const struct memslots *s, const struct memslot_request *r, unsigned ipa_bits,
		   enum memslot_change *change);
int memslots_index(const struct memslots *s, u32 id);	/* -1: none */
/* Fill `next` (room for s->n + 1) with s after the change; `dirty` is the slot's bitmap then. */
void memslots_apply(struct memslots *next, const struct memslots *s, const struct memslot_request *r,
		    enum memslot_change change, u64 *dirty);
