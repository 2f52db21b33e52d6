// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory objects: pages by index, in chunks of 512 that are either one 2 MiB block or an array of pages. The index
 * holds one reference on each page. o->lock protects the index; it is inside mm->lock and outside pt_lock. Shrinking:
 * the index lets go first, o->seq moves, then mappings are removed; a fault that saw the old seq maps nothing.
 */
#include <linux/fcntl.h>

#include "linux/mm/internal.h"

#define CHUNK		512U
#define BLOCK_MIN_FREE	4096		/* pages that must be free for a block to be a good idea */
#define SIZE_MAX_	(1UL << 46)

struct chunk {
	struct tree_node node;		/* key: index / 512 */
	struct page *block;		/* or: */
	struct page **page;		/* cap entries */
	unsigned cap, count;
};

struct memobj *memobj_create(u64 size)
{
	struct memobj *o = size <= SIZE_MAX_ ? kzalloc(sizeof(*o)) : NULL;

	if (!o)
		return NULL;
	o->refs = 1;
	o->size = size;
	mutex_init(&o->resize);
	list_init(&o->areas);
	return o;
}

struct memobj *memobj_get(struct memobj *o)
{
	__atomic_fetch_add(&o->refs, 1, __ATOMIC_RELAXED);
	return o;
}

/* A mapping made at the same time either is counted here or sees the seal afterwards (sys_mmap). */
int memobj_seal(struct memobj *o, u32 seals)
{
	int err = 0;

	spin_lock(&o->areas_lock);
	if ((seals & F_SEAL_WRITE) && !(o->seals & F_SEAL_WRITE) && o->writable)
		err = -EBUSY;
	else
		o->seals |= seals;
	spin_unlock(&o->areas_lock);
	return err;
}

bool memobj_write_sealed(struct memobj *o)
{
	u32 seals;

	spin_lock(&o->areas_lock);
	seals = o->seals;
	spin_unlock(&o->areas_lock);
	return seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
}

static struct chunk *chunk_of(const struct memobj *o, u64 index)
{
	struct tree_node *n = tree_find(&o->pages, index / CHUNK);

	return n ? container_of(n, struct chunk, node) : NULL;
}

static struct page *chunk_page(const struct chunk *c, u64 index)
{
	unsigned i = index % CHUNK;

	if (!c)
		return NULL;
	if (c->block)
		return c->block + i;
	return i < c->cap ? c->page[i] : NULL;
}

static void chunk_free(struct chunk *c)
{
	if (c->block)
		pages_put(c->block, BLOCK_ORDER);
	for (unsigned i = 0; i < c->cap; i++)
		if (c->page[i])
			page_put(c->page[i]);
	kfree(c->page);
	kfree(c);
}

void memobj_put(struct memobj *o)
{
	struct tree_node *n;

	if (!o || __atomic_fetch_sub(&o->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	ASSERT(list_empty(&o->areas));
	while ((n = tree_first(&o->pages))) {
		tree_remove(&o->pages, n);
		chunk_free(container_of(n, struct chunk, node));
	}
	kfree(o);
}

/* o->lock held for writing. */
static struct chunk *chunk_add(struct memobj *o, u64 index)
{
	struct chunk *c = kzalloc(sizeof(*c));

	if (c)
		tree_insert(&o->pages, &c->node, index / CHUNK);
	return c;
}

/* Room for entry i of the array. */
static bool chunk_grow(struct chunk *c, unsigned i)
{
	unsigned cap = c->cap ? c->cap : 4;
	struct page **p;

	if (i < c->cap)
		return true;
	while (cap <= i)
		cap *= 2;
	p = kzalloc(cap * sizeof(*p));
	if (!p)
		return false;
	if (c->cap)
		memcpy(p, c->page, c->cap * sizeof(*p));
	kfree(c->page);
	c->page = p;
	c->cap = cap;
	return true;
}

/* Insert p (its reference goes to the index) unless somebody was faster: then his page. */
static struct page *page_insert(struct memobj *o, u64 index, struct page *p)
{
	struct chunk *c;
	struct page *there;

	write_lock(&o->lock);
	c = chunk_of(o, index);
	there = chunk_page(c, index);
	if (!there) {
		if (!c)
			c = chunk_add(o, index);
		if (c && chunk_grow(c, index % CHUNK)) {
			c->page[index % CHUNK] = p;
			c->count++;
			o->npages++;
			there = p;
		}
	}
	if (there)
		page_get(there);
	write_unlock(&o->lock);
	if (there != p)
		page_put(p);
	return there;
}

int memobj_insert(struct memobj *o, u64 index, struct page *p)
{
	struct page *there;

	page_get(p);
	there = page_insert(o, index, p);
	if (!there)
		return -ENOMEM;
	page_put(there);
	if (there == p)
		return 0;
	return -EEXIST;
}

struct page *memobj_page(struct memobj *o, u64 index, bool create)
{
	struct page *p;

	read_lock(&o->lock);
	p = chunk_page(chunk_of(o, index), index);
	if (p)
		page_get(p);
	read_unlock(&o->lock);
	if (p || !create)
		return p;
	p = page_alloc(0, ALLOC_ZERO);
	return p ? page_insert(o, index, p) : NULL;
}

static bool block_insert(struct memobj *o, u64 index, struct page *b)
{
	struct chunk *c;
	bool ok = false;

	write_lock(&o->lock);
	c = chunk_of(o, index);
	if (!c)
		c = chunk_add(o, index);
	if (c && !c->block && !c->count) {
		c->block = b;
		kfree(c->page);
		c->page = NULL;
		c->cap = 0;
		c->count = CHUNK;
		o->npages += CHUNK;
		ok = true;
	}
	write_unlock(&o->lock);
	return ok;
}

struct page *memobj_fault_page(struct memobj *o, u64 index, bool want_block, bool *block)
{
	u64 first = index & ~(u64)(CHUNK - 1);
	struct chunk *c;
	struct page *p;
	bool empty;

	for (int try = 0;; try++) {
		read_lock(&o->lock);
		c = chunk_of(o, index);
		p = chunk_page(c, index);
		*block = c && c->block;
		empty = !c || !c->count;
		if (p)
			page_get(p);
		read_unlock(&o->lock);
		if (p)
			return p;
		if (try || !want_block || READ_ONCE(o->no_blocks) || !empty || (first + CHUNK) << PAGE_SHIFT > READ_ONCE(o->size) ||
		    pages_free() < BLOCK_MIN_FREE)
			break;
		p = page_alloc(BLOCK_ORDER, ALLOC_ZERO);
		if (!p)
			break;
		if (!block_insert(o, index, p))
			pages_put(p, BLOCK_ORDER);
	}
	*block = false;
	return memobj_page(o, index, true);
}

/* A block becomes an array, because some of its pages are about to go. Under o->lock. */
static bool chunk_unblock(struct chunk *c)
{
	struct page *b = c->block;

	if (!b)
		return true;
	c->block = NULL;
	if (!chunk_grow(c, CHUNK - 1)) {
		c->block = b;
		return false;
	}
	for (unsigned i = 0; i < CHUNK; i++)
		c->page[i] = b + i;
	return true;
}

/* Take the pages [first, last) out of the index. They stay alive while mapped. false: no memory. */
static bool pages_remove(struct memobj *o, u64 first, u64 last)
{
	struct tree_node *n, *next;
	bool ok = true;

	write_lock(&o->lock);
	o->seq++;
	for (n = tree_ceil(&o->pages, first / CHUNK); n && n->key * CHUNK < last; n = next) {
		struct chunk *c = container_of(n, struct chunk, node);
		u64 base = n->key * CHUNK;

		next = tree_next(n);
		if (first <= base && base + CHUNK <= last) {
			tree_remove(&o->pages, n);
			o->npages -= c->count;
			chunk_free(c);
			continue;
		}
		if (!chunk_unblock(c)) {
			ok = false;
			continue;
		}
		for (u64 i = MAX(first, base); i < MIN(last, base + c->cap); i++) {
			if (!c->page[i - base])
				continue;
			page_put(c->page[i - base]);
			c->page[i - base] = NULL;
			c->count--;
			o->npages--;
		}
	}
	o->seq++;
	write_unlock(&o->lock);
	return ok;
}

static void page_zero_range(struct memobj *o, u64 from, u64 to)
{
	struct page *p = memobj_page(o, from >> PAGE_SHIFT, false);

	if (!p)
		return;
	memset((char *)page_to_va(p) + (from & ~PAGE_MASK), 0, to - from);
	page_put(p);
}

/* Seen in this pass: to the tail of the object's list. o->areas_lock held. */
static void area_seen(struct memobj *o, struct area *a)
{
	a->obj_pass = o->pass;
	list_del(&a->obj_link);
	list_add_tail(&a->obj_link, &o->areas);
}

/* Remove what mm has mapped of the object's pages [first, last): all its areas at once, so that none is looked at again. */
static void mm_unmap_obj(struct mm *mm, struct memobj *o, u64 first, u64 last, bool private)
{
	down_read(&mm->lock);
	for (struct area *a = area_first(mm, 0); a; a = area_next(a)) {
		u64 s = a->offset >> PAGE_SHIFT, e = s + ((a->end - a->start) >> PAGE_SHIFT);

		if (a->obj != o)
			continue;
		spin_lock(&o->areas_lock);
		area_seen(o, a);
		spin_unlock(&o->areas_lock);
		if ((!private && !area_shared(a)) || e <= first || s >= last)
			continue;
		mm_zap(mm, a->start + ((MAX(s, first) - s) << PAGE_SHIFT),
		       a->start + ((MIN(e, last) - s) << PAGE_SHIFT));
	}
	up_read(&mm->lock);
}

/*
 * In every address space that maps the object. o->resize is held. Areas seen go to the tail with this pass's mark; those
 * that come meanwhile, at the head, are looked at too, needlessly.
 */
static void unmap_everywhere(struct memobj *o, u64 first, u64 last, bool private)
{
	struct area *a;

	o->pass++;
	for (;;) {
		struct mm *mm = NULL;

		spin_lock(&o->areas_lock);
		while (!mm && !list_empty(&o->areas)) {
			a = list_first(&o->areas, struct area, obj_link);
			if (a->obj_pass == o->pass)
				break;
			area_seen(o, a);
			mm = mm_get_live(a->mm) ? a->mm : NULL;
		}
		spin_unlock(&o->areas_lock);
		if (!mm)
			return;
		mm_unmap_obj(mm, o, first, last, private);
		mm_put(mm);
	}
}

int memobj_resize(struct memobj *o, u64 size)
{
	u64 old, keep = ALIGN_UP(size, PAGE_SIZE) >> PAGE_SHIFT;

	if (size > SIZE_MAX_)
		return -EFBIG;
	mutex_lock(&o->resize);
	old = o->size;
	WRITE_ONCE(o->size, size);
	if (size < old) {
		u64 last = ALIGN_UP(old, PAGE_SIZE) >> PAGE_SHIFT;

		/* Out of memory: pages beyond the end stay, cleared, and out of reach. */
		if (!pages_remove(o, keep, ~0UL / PAGE_SIZE))
			for (u64 i = keep; i < last; i++)
				page_zero_range(o, i << PAGE_SHIFT, (i + 1) << PAGE_SHIFT);
		unmap_everywhere(o, keep, ~0UL / PAGE_SIZE, true);
		if (size & ~PAGE_MASK)
			page_zero_range(o, size, ALIGN_UP(size, PAGE_SIZE));
	}
	mutex_unlock(&o->resize);
	return 0;
}

int memobj_punch(struct memobj *o, u64 pos, u64 len)
{
	u64 end = MIN(pos + len, ALIGN_UP(o->size, PAGE_SIZE)), first, last;

	if (pos >= end)
		return 0;
	mutex_lock(&o->resize);
	first = ALIGN_UP(pos, PAGE_SIZE) >> PAGE_SHIFT;
	last = end >> PAGE_SHIFT;
	if (first > last) {
		page_zero_range(o, pos, end);
	} else {
		if (pos & ~PAGE_MASK)
			page_zero_range(o, pos, first << PAGE_SHIFT);
		if (end & ~PAGE_MASK)
			page_zero_range(o, end & PAGE_MASK, end);
		if (first < last) {
			if (!pages_remove(o, first, last))
				for (u64 i = first; i < last; i++)
					page_zero_range(o, i << PAGE_SHIFT, (i + 1) << PAGE_SHIFT);
			unmap_everywhere(o, first, last, false);
		}
	}
	mutex_unlock(&o->resize);
	return 0;
}

ssize_t memobj_write(struct memobj *o, u64 pos, const void *buf, size_t n)
{
	size_t done = 0;

	if (pos + n < pos || pos + n > SIZE_MAX_)
		return -EFBIG;
	while (done < n) {
		u64 at = pos + done, off = at & ~PAGE_MASK;
		size_t len = MIN(n - done, PAGE_SIZE - off);
		struct page *p = memobj_page(o, at >> PAGE_SHIFT, true);

		if (!p)
			break;
		memcpy((char *)page_to_va(p) + off, (const char *)buf + done, len);
		page_put(p);
		done += len;
	}
	mutex_lock(&o->resize);
	if (done && pos + done > o->size)
		WRITE_ONCE(o->size, pos + done);
	mutex_unlock(&o->resize);
	return done || !n ? (ssize_t)done : -ENOMEM;
}
