// SPDX-License-Identifier: GPL-2.0-only
// link: kvm/memslots.c
/* Memory slot arrays against a list kept the plain way: random requests, and the errors that the ABI names. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvm/memslot.h"

#define IPA_BITS	40
#define IDS		12
#define PAGES		64

static struct memslots *slots;
static struct memslot *by_id[IDS];
static const struct memslot_ids ids = { IDS, by_id };

static int set(u32 id, u32 flags, u64 gpa, u64 size, u64 uva)
{
	struct memslot_request r = { id, flags, gpa, size, uva };
	enum memslot_change change;
	struct memslot *old, *new = NULL;
	struct memslots *next;
	int ret = memslots_check(slots, &ids, &r, IPA_BITS, &change);

	if (ret || change == SLOT_NOTHING)
		return ret;
	next = calloc(1, sizeof(*next) + (slots->n + 1) * sizeof(next->slot[0]));
	old = memslot_by_id(&ids, id);
	if (change != SLOT_DELETE) {
		new = malloc(sizeof(*new));
		*new = (struct memslot){ .id = id, .flags = flags, .gfn = gpa >> PAGE_SHIFT,
			.npages = size >> PAGE_SHIFT, .uva = UVA(uva) };
	}
	memslots_apply(next, slots, old, new);
	assert(next->n == slots->n + !old - !new);
	by_id[id] = new;
	free(old);
	free(slots);
	slots = next;
	return 0;
}

static void test_errors(void)
{
	const u64 m = 1 << 20, u = 0x10000000;

	assert(set(0, 0, 0, m, u) == 0);
	assert(set(0, 0, 0, m, u) == 0);			/* nothing changes */
	assert(set(1, 0, m - PAGE_SIZE, m, u) == -EEXIST);
	assert(set(1, 0, m, m, u) == 0);			/* adjacent; memory shared with slot 0 */
	assert(set(0, 0, 0, 2 * m, u) == -EINVAL);		/* size of an existing slot */
	assert(set(0, 0, 0, m, u + PAGE_SIZE) == -EINVAL);
	assert(set(0, KVM_MEM_READONLY, 0, m, u) == -EINVAL);
	assert(set(0, KVM_MEM_LOG_DIRTY_PAGES, 0, m, u) == 0);
	assert(set(0, 4, 0, m, u) == -EINVAL);
	assert(set(2, 0, 8 * m + 1, m, u) == -EINVAL);
	assert(set(2, 0, 8 * m, m + 8, u) == -EINVAL);
	assert(set(2, 0, 8 * m, m, u + 8) == -EINVAL);
	assert(set(2, 0, -m, 2 * m, u) == -EINVAL);
	assert(set(2, 0, 8 * m, m, -PAGE_SIZE) == -EINVAL);
	assert(set(2, 0, 1UL << IPA_BITS, m, u) == -EFAULT);
	assert(set(2, 0, (1UL << IPA_BITS) - PAGE_SIZE, 2 * PAGE_SIZE, u) == -EFAULT);
	assert(set(2, 0, 0, 0, 0) == -EINVAL);			/* delete what is not there */
	assert(set(0x10000, 0, 8 * m, m, u) == -EINVAL);	/* another address space */
	assert(set(0, 0, 0, 0, 0) == 0);
	assert(set(1, 0, 0, m, u) == 0);			/* moves */
	assert(memslot_find(slots, 0)->id == 1);
	assert(!memslot_find(slots, m >> PAGE_SHIFT));
	assert(set(1, 0, 0, 0, 0) == 0);
	assert(slots->n == 0);
}

static void test_random(void)
{
	int owner[PAGES], step, next;

	srand(1);
	memset(owner, -1, sizeof(owner));
	for (step = 0; step < 20000; step++) {
		u32 id = rand() % IDS;
		struct memslot *was = memslot_by_id(&ids, id);
		u64 gfn = rand() % PAGES, n = was ? was->npages : 1UL + rand() % 8;
		int i, expect = 0, ret;

		if (was && rand() % 2)
			n = 0;
		if (gfn + n > PAGES)
			continue;
		for (i = 0; i < (int)n; i++)
			if (owner[gfn + i] >= 0 && owner[gfn + i] != (int)id)
				expect = -EEXIST;
		if (!n && !was)
			expect = -EINVAL;
		ret = set(id, 0, gfn << PAGE_SHIFT, n << PAGE_SHIFT, 0x1000000);
		assert(ret == expect);
		if (ret)
			continue;
		for (i = 0; i < PAGES; i++)
			if (owner[i] == (int)id)
				owner[i] = -1;
		for (i = 0; i < (int)n; i++)
			owner[gfn + i] = id;
		for (i = PAGES, next = -1; i-- > 0;) {
			struct memslot *m = memslot_find(slots, i), *from = memslot_next(slots, i);

			assert((m ? (int)m->id : -1) == owner[i]);
			next = owner[i] >= 0 ? owner[i] : next;
			assert((from ? (int)from->id : -1) == next);
		}
		for (i = 1; i < (int)slots->n; i++)
			assert(slots->slot[i - 1]->gfn < slots->slot[i]->gfn);
	}
}

int main(void)
{
	unsigned i;

	slots = calloc(1, sizeof(*slots));
	test_errors();
	test_random();
	for (i = 0; i < slots->n; i++)
		free(slots->slot[i]);
	free(slots);
	puts("memslot: ok");
	return 0;
}
