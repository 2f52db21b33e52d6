// SPDX-License-Identifier: GPL-2.0-only
/*
 * fork: a copy of an address space. Private pages become read-only in both and are counted once more; shared mappings
 * are found again by faults. The old mm->lock is held for writing; nobody else knows the new one yet.
 */
#include "linux/mm/internal.h"

#define COPY_STEP	(32UL << 20)	/* per hold of pt_lock */

struct copy {
	struct mm *new;
	int err;
};

static void copy_leaf(void *arg, u64 ia, pa_t pa, u64 size, unsigned perm)
{
	struct copy *c = arg;
	struct page *p = pa_to_page(pa);

	if (c->err)
		return;
	c->err = pt_map(&c->new->as.pt, ia, pa, size, perm & ~(PT_W | PT_SW0), NULL);
	if (c->err || p == zero_page)
		return;
	for (u64 i = 0; i < size >> PAGE_SHIFT; i++)
		page_get(p + i);
	rss_add(c->new, size >> PAGE_SHIFT);
}

static int copy_pages(struct mm *old, struct mm *new, const struct area *a)
{
	struct copy c = { new, 0 };

	notify_begin(old, a->start, a->end);
	for (u64 s = a->start, next; s < a->end && !c.err; s = next) {
		next = MIN(ALIGN_DOWN(s, COPY_STEP) + COPY_STEP, a->end);
		spin_lock(&old->pt_lock);
		c.err = pt_protect(&old->as.pt, s, next - s, ~(unsigned)PT_W, 0);
		if (!c.err)
			pt_for_each(&old->as.pt, s, next - s, copy_leaf, &c);
		spin_unlock(&old->pt_lock);
	}
	notify_end(old, a->start, a->end);
	return c.err;
}

static int copy_area(struct mm *old, struct mm *new, const struct area *a)
{
	struct area *b = area_dup(new, a);

	if (!b)
		return -ENOMEM;
	b->uffd = NULL;		/* the child's memory is its own: nobody asked for events of forks */
	b->uffd_mode = 0;
	area_link(b);
	if (area_shared(a) || (a->flags & AREA_WIPEONFORK))
		return 0;
	return copy_pages(old, new, a);
}

struct mm *mm_fork(struct mm *old)
{
	struct mm *new = mm_create();
	int err = 0;

	if (!new)
		return NULL;
	down_write(&old->lock);
	new->brk_start = old->brk_start;
	new->brk = old->brk;
	new->mmap_top = old->mmap_top;
	new->stack_top = old->stack_top;
	new->arg_start = old->arg_start;
	new->arg_end = old->arg_end;
	new->env_start = old->env_start;
	new->env_end = old->env_end;
	for (struct area *a = area_first(old, 0); a && !err; a = area_next(a))
		if (!(a->flags & AREA_DONTFORK))
			err = copy_area(old, new, a);
	up_write(&old->lock);
	if (err) {
		mm_put(new);
		return NULL;
	}
	return new;
}
