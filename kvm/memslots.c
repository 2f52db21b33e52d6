// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slot arrays: lookup, checks, the next generation. No locks and no privileged instruction (memslot.c has those);
 * tests/host/test_memslot.c runs this natively. Linux: Documentation/virt/kvm/api.rst 4.35.
 */
#include <linux/errno.h>

#include "kvm/memslot.h"

#define SLOT_PAGES_MAX	((1UL << 31) - 1)
#define USER_TOP	0x0001000000000000UL

struct memslot *memslot_find(struct memslots *s, u64 gfn)
{
	unsigned lo = 0, hi = s->n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;
		struct memslot *m = &s->slot[mid];

		if (gfn < m->gfn)
			hi = mid;
		else if (gfn - m->gfn >= m->npages)
			lo = mid + 1;
		else
			return m;
	}
	return NULL;
}

int memslots_index(const struct memslots *s, u32 id)
{
	unsigned i;

	for (i = 0; i < s->n; i++)
		if (s->slot[i].id == id)
			return i;
	return -1;
}

struct memslot *memslot_by_id(struct memslots *s, u32 id)
{
	int i = memslots_index(s, id);

	return i < 0 ? NULL : &s->slot[i];
}

static bool overlaps(const struct memslots *s, u32 id, u64 gfn, u64 npages)
{
	unsigned i;

	for (i = 0; i < s->n; i++) {
		const struct memslot *m = &s->slot[i];

		if (m->id != id && gfn < m->gfn + m->npages && m->gfn < gfn + npages)
			return true;
	}
	return false;
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

int memslots_check(const struct memslots *s, const struct memslot_request *r, unsigned ipa_bits,
		   enum memslot_change *change)
{
	u64 gfn = r->gpa >> PAGE_SHIFT, npages = r->size >> PAGE_SHIFT;
	const struct memslot *old;
	int ret, i;

	ret = check_values(r);
	if (ret)
		return ret;
	i = memslots_index(s, r->id);
	old = i < 0 ? NULL : &s->slot[i];
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
	if ((*change == SLOT_CREATE || *change == SLOT_MOVE) && overlaps(s, r->id, gfn, npages))
		return -EEXIST;
	if (gfn + npages > 1UL << (ipa_bits - PAGE_SHIFT))
		return -EFAULT;
	return 0;
}

void memslots_apply(struct memslots *next, const struct memslots *s, const struct memslot_request *r,
		    enum memslot_change change, u64 *dirty)
{
	struct memslot new = {
		.id = r->id, .flags = r->flags, .gfn = r->gpa >> PAGE_SHIFT, .npages = r->size >> PAGE_SHIFT,
		.uva = UVA(r->uva), .dirty = dirty,
	};
	bool placed = change == SLOT_DELETE;
	unsigned i, n = 0;

	for (i = 0; i < s->n; i++) {
		if (s->slot[i].id == r->id)
			continue;
		if (!placed && new.gfn < s->slot[i].gfn) {
			next->slot[n++] = new;
			placed = true;
		}
		next->slot[n++] = s->slot[i];
	}
	if (!placed)
		next->slot[n++] = new;
	next->n = n;
	next->generation = s->generation + 1;
}
