// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slot arrays: lookup, checks, the next generation. No locks and no privileged instruction (memslot.c has those);
 * tests/host/test_memslot.c runs this natively. Linux: Documentation/virt/kvm/api.rst 4.35.
 */
#include <linux/errno.h>

#include "kvm/memslot.h"

#define SLOT_PAGES_MAX	((1UL << 31) - 1)
#define USER_TOP	0x0001000000000000UL

/* Index of the first slot that ends behind gfn: the one that has it, if any has. s->n: there is none. */
static unsigned lower_bound(const struct memslots *s, u64 gfn)
{
	unsigned lo = 0, hi = s->n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;
		const struct memslot *m = s->slot[mid];

		if (m->gfn + m->npages <= gfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct memslot *memslot_find(struct memslots *s, u64 gfn)
{
	unsigned lo = 0, hi = s->n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;
		struct memslot *m = s->slot[mid];

		if (gfn < m->gfn)
			hi = mid;
		else if (gfn - m->gfn >= m->npages)
			lo = mid + 1;
		else
			return m;
	}
	return NULL;
}

struct memslot *memslot_next(struct memslots *s, u64 gfn)
{
	unsigned i = lower_bound(s, gfn);

	return i < s->n ? s->slot[i] : NULL;
}

struct memslot *memslot_by_id(const struct memslot_ids *ids, u32 id)
{
	return id < ids->size ? ids->slot[id] : NULL;
}

/* Another slot than `old` has some of these pages. */
static bool overlaps(const struct memslots *s, const struct memslot *old, u64 gfn, u64 npages)
{
	unsigned i = lower_bound(s, gfn);

	if (i < s->n && s->slot[i] == old)
		i++;
	return i < s->n && s->slot[i]->gfn < gfn + npages;
}

static int check_values(const struct memslot_request *r)
{
	if (r->flags & ~(u32)(KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY))
		return -EINVAL;
	if (r->id >= KVM_SLOTS_MAX)		/* the upper half is the address space: there is one */
		return -EINVAL;
	if (!IS_ALIGNED(r->size | r->gpa | r->uva, PAGE_SIZE))
		return -EINVAL;
	if (r->uva + r->size < r->uva || r->uva + r->size > USER_TOP)
		return -EINVAL;
	if (r->gpa + r->size < r->gpa || r->size >> PAGE_SHIFT > SLOT_PAGES_MAX)
		return -EINVAL;
	return 0;
}

int memslots_check(const struct memslots *s, const struct memslot_ids *ids, const struct memslot_request *r,
		   unsigned ipa_bits, enum memslot_change *change)
{
	u64 gfn = r->gpa >> PAGE_SHIFT, npages = r->size >> PAGE_SHIFT;
	const struct memslot *old;
	int ret;

	ret = check_values(r);
	if (ret)
		return ret;
	old = memslot_by_id(ids, r->id);
	if (!npages) {
		*change = SLOT_DELETE;
		return old ? 0 : -EINVAL;
	}
	if (!old) {
		*change = SLOT_CREATE;
	} else {
		if (r->uva != old->uva.v || npages != old->npages || ((r->flags ^ old->flags) & KVM_MEM_READONLY))
			return -EINVAL;
		*change = gfn != old->gfn ? SLOT_MOVE : r->flags != old->flags ? SLOT_FLAGS : SLOT_NOTHING;
	}
	if ((*change == SLOT_CREATE || *change == SLOT_MOVE) && overlaps(s, old, gfn, npages))
		return -EEXIST;
	if (gfn + npages > 1UL << (ipa_bits - PAGE_SHIFT))
		return -EFAULT;
	return 0;
}

static void copy_run(struct memslots *next, const struct memslots *s, unsigned from, unsigned to)
{
	if (from >= to)
		return;
	__builtin_memcpy(next->slot + next->n, s->slot + from, (to - from) * sizeof(s->slot[0]));
	next->n += to - from;
}

void memslots_apply(struct memslots *next, const struct memslots *s, const struct memslot *old, struct memslot *new)
{
	unsigned gone = old ? lower_bound(s, old->gfn) : s->n, at = new ? lower_bound(s, new->gfn) : s->n;

	next->n = 0;
	next->generation = s->generation + 1;
	copy_run(next, s, 0, MIN(gone, at));
	if (gone < at) {
		copy_run(next, s, gone + 1, at);
		if (new)
			next->slot[next->n++] = new;
		copy_run(next, s, at, s->n);
		return;
	}
	if (new)
		next->slot[next->n++] = new;
	copy_run(next, s, at, gone);
	copy_run(next, s, gone + 1, s->n);
}
