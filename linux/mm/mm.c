// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address spaces of processes: life and death, areas and their splitting and merging, notifiers. Locks as in mm.h.
 * What is taken out of the tree of areas is freed only after mm->lock is released: the last reference to a file may
 * end a VM, which takes mm->lock to remove its notifier.
 */
#include "linux/mm/uffd.h"
#include "linux/process/task.h"

#define ZAP_STEP	(64UL << 20)	/* per hold of pt_lock */

struct mm *mm_current(void)
{
	struct task *t = current_task();

	return t ? t->proc->mm : NULL;
}

static void mm_release(struct aspace *as)
{
	struct mm *mm = container_of(as, struct mm, as);

	aspace_destroy(as);
	kfree(mm);
}

struct mm *mm_create(void)
{
	struct mm *mm = kzalloc(sizeof(*mm));

	if (!mm)
		return NULL;
	if (aspace_init(&mm->as, mm_release)) {
		kfree(mm);
		return NULL;
	}
	rwsem_init(&mm->lock);
	list_init(&mm->notifiers);
	mm->users = 1;
	mm->stack_top = USER_END - PAGE_SIZE;
	mm->mmap_top = USER_END - (1UL << 30);
	return mm;
}

struct mm *mm_get(struct mm *mm)
{
	ASSERT(__atomic_fetch_add(&mm->users, 1, __ATOMIC_RELAXED) != 0);
	return mm;
}

bool mm_get_live(struct mm *mm)
{
	u32 n = READ_ONCE(mm->users);

	while (n)
		if (__atomic_compare_exchange_n(&mm->users, &n, n + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}

void mm_put(struct mm *mm)
{
	struct mmu_notifier *n;
	struct list gone;

	if (!mm || __atomic_fetch_sub(&mm->users, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	list_init(&gone);
	down_write(&mm->lock);
	mm->exiting = true;
	while (!list_empty(&mm->notifiers)) {
		n = list_first(&mm->notifiers, struct mmu_notifier, node);
		list_del(&n->node);
		n->release(n);
	}
	/* Over everything at once: no block sticks out, nothing can fail. */
	if (mm_zap(mm, 0, USER_END) || areas_cut(mm, 0, USER_END, &gone))
		BUG();
	ASSERT(mm->rss == 0);
	up_write(&mm->lock);
	areas_free(&gone);
	aspace_put(&mm->as);
}

/* ---- notifiers, mm->lock held (for reading is enough: the list changes under it for writing) ---- */

void mm_notifier_add(struct mm *mm, struct mmu_notifier *n)
{
	down_write(&mm->lock);
	list_add(&n->node, &mm->notifiers);
	up_write(&mm->lock);
}

void mm_notifier_del(struct mm *mm, struct mmu_notifier *n)
{
	down_write(&mm->lock);
	list_del(&n->node);
	up_write(&mm->lock);
}

void notify_begin(struct mm *mm, u64 start, u64 end)
{
	struct mmu_notifier *n;

	list_for_each(n, &mm->notifiers, node)
		n->begin(n, start, end);
}

void notify_end(struct mm *mm, u64 start, u64 end)
{
	struct mmu_notifier *n;

	list_for_each(n, &mm->notifiers, node)
		n->end(n, start, end);
}

/* ---- the page table over ranges ---- */

void rss_add(struct mm *mm, s64 pages)
{
	mm->rss += pages;	/* pt_lock held */
}

static void zap_leaf(void *arg, u64 ia, pa_t pa, u64 size, unsigned perm)
{
	struct mm *mm = arg;
	struct page *p = pa_to_page(pa);

	ASSERT(p);
	if (p == zero_page)
		return;
	rss_add(mm, -(s64)(size >> PAGE_SHIFT));
	if (size == PAGE_SIZE)
		page_put(p);
	else
		pages_put(p, BLOCK_ORDER);
}

int mm_zap(struct mm *mm, u64 start, u64 end)
{
	int err = 0;

	notify_begin(mm, start, end);
	if (end - start > ZAP_STEP) {
		/* Piece by piece, or preemption would be off for long; then the tables of the whole. */
		for (struct area *a = area_first(mm, start); a && a->start < end && !err; a = area_next(a)) {
			u64 s = MAX(a->start, start), e = MIN(a->end, end), next;

			for (; s < e && !err; s = next) {
				next = MIN(ALIGN_DOWN(s, ZAP_STEP) + ZAP_STEP, e);
				spin_lock(&mm->pt_lock);
				err = pt_unmap(&mm->as.pt, s, next - s, zap_leaf, mm);
				spin_unlock(&mm->pt_lock);
			}
		}
	}
	/* A piece may fail where a block extends into the next area; the whole need not. */
	spin_lock(&mm->pt_lock);
	err = pt_unmap(&mm->as.pt, start, end - start, zap_leaf, mm);
	spin_unlock(&mm->pt_lock);
	notify_end(mm, start, end);
	return err;
}

int mm_set_perm(struct mm *mm, u64 start, u64 end, unsigned keep, unsigned set)
{
	int err = 0;

	notify_begin(mm, start, end);
	for (u64 s = start, next; s < end && !err; s = next) {
		next = MIN(ALIGN_DOWN(s, ZAP_STEP) + ZAP_STEP, end);
		spin_lock(&mm->pt_lock);
		err = pt_protect(&mm->as.pt, s, next - s, keep, set);
		spin_unlock(&mm->pt_lock);
	}
	notify_end(mm, start, end);
	return err;
}

/* ---- areas ---- */

struct area *area_find(struct mm *mm, u64 addr)
{
	struct tree_node *n = tree_floor(&mm->areas, addr);
	struct area *a = n ? container_of(n, struct area, node) : NULL;

	return a && addr < a->end ? a : NULL;
}

struct area *area_first(struct mm *mm, u64 addr)
{
	struct area *a = area_find(mm, addr);
	struct tree_node *n;

	if (a)
		return a;
	n = tree_ceil(&mm->areas, addr);
	return n ? container_of(n, struct area, node) : NULL;
}

struct area *area_next(struct area *a)
{
	struct tree_node *n = tree_next(&a->node);

	return n ? container_of(n, struct area, node) : NULL;
}

static struct area *area_prev(struct area *a)
{
	struct tree_node *n = tree_prev(&a->node);

	return n ? container_of(n, struct area, node) : NULL;
}

unsigned area_perm(const struct area *a)
{
	unsigned p = a->prot & (PROT_READ | PROT_WRITE | PROT_EXEC) ? PT_R : 0;

	return p | (a->prot & PROT_WRITE ? PT_W : 0) | (a->prot & PROT_EXEC ? PT_X : 0);
}

void area_link(struct area *a)
{
	if (!tree_insert(&a->mm->areas, &a->node, a->start))
		BUG();
	a->mm->total += (a->end - a->start) >> PAGE_SHIFT;
	a->mm->nareas++;
	if (!a->obj)
		return;
	spin_lock(&a->obj->areas_lock);
	a->obj_pass = 0;	/* or a truncation would take the head of the list for its end */
	list_add(&a->obj_link, &a->obj->areas);
	a->obj->writable += area_may_write(a);
	spin_unlock(&a->obj->areas_lock);
}

static void area_unlink(struct area *a)
{
	tree_remove(&a->mm->areas, &a->node);
	a->mm->total -= (a->end - a->start) >> PAGE_SHIFT;
	a->mm->nareas--;
	if (!a->obj)
		return;
	spin_lock(&a->obj->areas_lock);
	list_del(&a->obj_link);
	a->obj->writable -= area_may_write(a);
	spin_unlock(&a->obj->areas_lock);
}

void areas_free(struct list *gone)
{
	uffd_tell_unmapped(gone);
	while (!list_empty(gone)) {
		struct area *a = list_first(gone, struct area, obj_link);

		list_del(&a->obj_link);
		if (a->ops && a->ops->close)
			a->ops->close(a);
		memobj_put(a->obj);
		if (a->file)
			file_put(a->file);
		kfree(a);
	}
}

struct area *area_dup(struct mm *mm, const struct area *a)
{
	struct area *b = kmalloc(sizeof(*b));

	if (!b)
		return NULL;
	*b = *a;
	b->mm = mm;
	b->obj_pass = 0;
	list_init(&b->obj_link);
	if (b->obj)
		memobj_get(b->obj);
	if (b->file)
		file_get(b->file);
	return b;
}

void area_move_start(struct area *a, u64 start, u64 end)
{
	area_unlink(a);
	a->offset += start - a->start;
	a->start = start;
	a->end = end;
	area_link(a);
}

int area_split(struct mm *mm, u64 addr)
{
	struct area *a = area_find(mm, addr), *b;

	if (!a || a->start == addr)
		return 0;
	if (mm->nareas >= MAX_AREAS)
		return -ENOMEM;
	b = area_dup(mm, a);
	if (!b)
		return -ENOMEM;
	b->offset += addr - a->start;
	b->start = addr;
	area_move_start(a, a->start, addr);
	area_link(b);
	return 0;
}

static bool can_merge(const struct area *a, const struct area *b)
{
	if (a->end != b->start || a->prot != b->prot || a->flags != b->flags || a->obj != b->obj ||
	    a->file != b->file || a->ops != b->ops || a->ops || a->priv != b->priv || a->uffd != b->uffd ||
	    a->uffd_mode != b->uffd_mode)
		return false;
	return !a->obj || a->offset + (a->end - a->start) == b->offset;
}

static struct area *merge_two(struct area *a, struct area *b)
{
	struct list gone;
	u64 end = b->end;

	area_unlink(b);
	area_move_start(a, a->start, end);
	/* Not the last reference to anything: a has the same. */
	list_init(&gone);
	list_add(&b->obj_link, &gone);
	areas_free(&gone);
	return a;
}

struct area *area_merge(struct area *a)
{
	struct area *prev = area_prev(a), *next;

	if (prev && can_merge(prev, a))
		a = merge_two(prev, a);
	next = area_next(a);
	if (next && can_merge(a, next))
		a = merge_two(a, next);
	return a;
}

int areas_cut(struct mm *mm, u64 addr, u64 len, struct list *gone)
{
	struct area *a, *next;
	int err = area_split(mm, addr);

	if (!err)
		err = area_split(mm, addr + len);
	if (err)
		return err;
	for (a = area_first(mm, addr); a && a->start < addr + len; a = next) {
		next = area_next(a);
		area_unlink(a);
		if (unlikely(a->uffd))
			uffd_cut(a, addr, addr + len);
		list_add_tail(&a->obj_link, gone);
	}
	return 0;
}

bool addr_free(struct mm *mm, u64 addr, u64 len)
{
	struct area *a = area_first(mm, addr);

	return !a || a->start >= addr + len;
}

/* Highest room below the top; large areas congruent to their object modulo 2 MiB, so that blocks fit. */
static u64 gap_find(struct mm *mm, u64 len, u64 offset, bool block)
{
	u64 top = MIN(mm->mmap_top, USER_END);
	struct tree_node *n = tree_floor(&mm->areas, top);
	struct area *a = n ? container_of(n, struct area, node) : NULL;

	for (;;) {
		u64 bottom = a ? a->end : MMAP_MIN, addr;

		if (bottom < top && top - bottom >= len) {
			addr = top - len;
			if (block)
				addr -= (addr - offset) & (BLOCK_SIZE - 1);
			if (addr >= bottom && addr < top)
				return addr;
		}
		if (!a)
			return 0;
		top = MIN(top, a->start);
		a = area_prev(a);
	}
}

u64 addr_choose(struct mm *mm, u64 hint, u64 len, u64 offset)
{
	u64 addr = 0;

	hint = ALIGN_UP(hint, PAGE_SIZE);
	if (hint >= MMAP_MIN && hint + len > hint && hint + len <= USER_END && addr_free(mm, hint, len))
		return hint;
	if (len >= BLOCK_SIZE)
		addr = gap_find(mm, len, offset, true);
	return addr ? addr : gap_find(mm, len, offset, false);
}

struct area *area_add(struct mm *mm, const struct map_request *rq, u64 addr)
{
	struct area *a = mm->nareas < MAX_AREAS ? kzalloc(sizeof(*a)) : NULL;

	if (!a)
		return NULL;
	a->start = addr;
	a->end = addr + rq->len;
	a->prot = rq->prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
	a->flags = rq->flags & (AREA_KEEP | AREA_NOWRITE);
	a->offset = rq->offset;
	a->obj = rq->obj ? memobj_get(rq->obj) : NULL;
	a->file = rq->file ? file_get(rq->file) : NULL;
	a->ops = rq->ops;
	a->priv = rq->priv;
	a->mm = mm;
	list_init(&a->obj_link);
	area_link(a);
	return area_merge(a);
}

/* Pages first: if a block cannot be split the areas are still there. */
static int unmap_locked(struct mm *mm, u64 addr, u64 len, struct list *gone)
{
	int err = area_split(mm, addr);

	if (!err)
		err = area_split(mm, addr + len);
	if (!err && !addr_free(mm, addr, len))
		err = mm_zap(mm, addr, addr + len);
	return err ? err : areas_cut(mm, addr, len, gone);
}

static s64 map_locked(struct mm *mm, struct map_request *rq, struct list *gone)
{
	bool fixed = rq->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
	u64 addr = rq->addr;
	int err;

	if (mm->exiting)
		return -ENOMEM;
	if (!fixed) {
		addr = addr_choose(mm, addr, rq->len, rq->obj ? rq->offset : 0);
		if (!addr)
			return -ENOMEM;
	} else if (!addr_free(mm, addr, rq->len)) {
		if (rq->flags & MAP_FIXED_NOREPLACE)
			return -EEXIST;
		err = unmap_locked(mm, addr, rq->len, gone);
		if (err)
			return err;
	}
	return area_add(mm, rq, addr) ? (s64)addr : -ENOMEM;
}

s64 mm_map(struct mm *mm, const struct map_request *request)
{
	struct map_request rq = *request;
	struct list gone;
	s64 ret;

	rq.len = ALIGN_UP(rq.len, PAGE_SIZE);
	if (!request->len || (rq.offset & ~PAGE_MASK))
		return -EINVAL;
	if (!rq.len || rq.len > USER_END || rq.offset + rq.len < rq.offset)
		return -ENOMEM;
	if (rq.flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (rq.addr & ~PAGE_MASK)
			return -EINVAL;
		if (rq.addr > USER_END - rq.len)
			return -ENOMEM;
		if (rq.addr < MMAP_MIN)
			return -EPERM;
	}
	list_init(&gone);
	down_write(&mm->lock);
	ret = map_locked(mm, &rq, &gone);
	up_write(&mm->lock);
	areas_free(&gone);
	return ret;
}

int mm_unmap(struct mm *mm, u64 addr, u64 len)
{
	struct list gone;
	int err;

	len = ALIGN_UP(len, PAGE_SIZE);
	if ((addr & ~PAGE_MASK) || !len || len > USER_END || addr > USER_END - len)
		return -EINVAL;
	list_init(&gone);
	down_write(&mm->lock);
	err = unmap_locked(mm, addr, len, &gone);
	up_write(&mm->lock);
	areas_free(&gone);
	return err;
}

static void sync_leaf(void *arg, u64 ia, pa_t pa, u64 size, unsigned perm)
{
	icache_sync(pa, size);
}

static int protect_area(struct mm *mm, struct area *a, u32 prot)
{
	unsigned perm, keep;
	bool exec = (prot & ~a->prot) & PROT_EXEC;
	u32 old = a->prot;
	int err;

	if (a->prot == prot)
		return 0;
	if ((prot & PROT_WRITE) && (a->flags & AREA_NOWRITE))
		return -EACCES;
	a->prot = prot;
	perm = area_perm(a);
	if (exec) {
		spin_lock(&mm->pt_lock);
		pt_for_each(&mm->as.pt, a->start, a->end - a->start, sync_leaf, NULL);
		spin_unlock(&mm->pt_lock);
	}
	/* Private pages get the right to write when they are written: they may be shared with others. */
	keep = perm & PT_W;
	if (!area_shared(a) || (a->uffd_mode & UFFDIO_REGISTER_MODE_WP))
		perm &= ~PT_W;
	if (a->uffd_mode & UFFDIO_REGISTER_MODE_WP)
		keep |= PT_UFFD_WP;
	err = mm_set_perm(mm, a->start, a->end, keep, perm);
	if (err)
		a->prot = old;
	return err;
}

/* PROT_GROWSDOWN: from where the area that grows begins, such as a stack. */
static int grow_check(struct mm *mm, u64 *addr, u64 *len)
{
	struct area *a = area_find(mm, *addr);

	if (!a)
		return -ENOMEM;
	if (!(a->flags & MAP_GROWSDOWN_))
		return -EINVAL;
	*len += *addr - a->start;
	*addr = a->start;
	return 0;
}

int mm_protect(struct mm *mm, u64 addr, u64 len, u32 prot)
{
	struct area *a;
	u64 at = addr;
	int err;

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (!len)
		return 0;
	len = ALIGN_UP(len, PAGE_SIZE);
	if (!len || len > USER_END || addr > USER_END - len)
		return -ENOMEM;
	down_write(&mm->lock);
	if (prot & PROT_GROWSDOWN) {
		err = grow_check(mm, &addr, &len);
		if (err)
			goto out;
		at = addr;
		prot &= ~(u32)PROT_GROWSDOWN;
	}
	err = area_split(mm, addr);
	if (!err)
		err = area_split(mm, addr + len);
	for (a = area_first(mm, addr); !err && a && a->start < addr + len; a = area_next(a)) {
		if (a->start != at)
			break;
		err = protect_area(mm, a, prot);
		if (err)
			break;
		a = area_merge(a);
		at = a->end;
	}
	if (!err && at < addr + len)
		err = -ENOMEM;		/* a hole */
out:
	up_write(&mm->lock);
	return err;
}
