// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults: of processes, of copies on their behalf, and of their guests (mm_pin). mm->lock is held for reading, so
 * faults run in parallel; pages are allocated, cleared and copied outside pt_lock, and the table is looked at again
 * under it. A page that replaces another one is announced to the notifiers.
 */
#include "kernel/cpu/mte.h"
#include "linux/mm/uffd.h"

#define BLOCK_MIN_FREE	4096		/* pages that must be free for a block to be a good idea */
#define STACK_MAX	(8UL << 20)
#define STACK_GUARD	(1UL << 20)

void icache_sync(pa_t pa, u64 size)
{
	u64 ctr, line;
	char *p = pa_to_va(pa), *end = p + size;

	asm volatile("mrs %0, ctr_el0" : "=r"(ctr));
	line = 4UL << ((ctr >> 16) & 15);
	if (!(ctr & BIT(28)))		/* IDC: data cleaning not needed */
		for (; p < end; p += line)
			asm volatile("dc cvau, %0" : : "r"(p) : "memory");
	asm volatile("dsb ish" : : : "memory");
	if (!(ctr & BIT(29)))		/* DIC */
		asm volatile("ic ialluis\n\tdsb ish" : : : "memory");
	asm volatile("isb" : : : "memory");
}

/* What is mapped at an address. */
struct leaf {
	pa_t pa;		/* of the 4 KiB page at the address */
	unsigned perm;
	u64 size;		/* 0: nothing is mapped */
};

static struct leaf leaf_at(struct mm *mm, u64 addr)
{
	struct leaf l = {};

	if (!pt_lookup(&mm->as.pt, addr & PAGE_MASK, &l.pa, &l.perm, &l.size))
		l.size = 0;
	return l;
}

/* Protected by a userfaultfd: writing must ask first. */
static bool wp_marked(const struct area *a, const struct leaf *l)
{
	return unlikely(a->uffd_mode & UFFDIO_REGISTER_MODE_WP) && (l->perm & PT_UFFD_WP);
}

/* Rights to map a page of a with that may be written by nobody else. */
static unsigned perm_ro(const struct area *a)
{
	return area_perm(a) & ~PT_W;
}

/* Map one page whose reference goes to the table; -EEXIST: something is there already. */
static int map_page(struct mm *mm, struct area *a, u64 addr, struct page *p, unsigned perm, u64 *seq_now, u64 seq)
{
	int err = 0;

	if (perm & PT_X)
		icache_sync(page_to_pa(p), PAGE_SIZE);
	spin_lock(&mm->pt_lock);
	if (seq_now && READ_ONCE(*seq_now) != seq)
		err = -EAGAIN;
	else
		err = pt_map_new(&mm->as.pt, addr & PAGE_MASK, page_to_pa(p), perm);
	if (!err && p != zero_page)
		rss_add(mm, 1);
	spin_unlock(&mm->pt_lock);
	if (err)
		page_put(p);
	return err;
}

static bool block_inside(const struct area *a, u64 addr)
{
	u64 b = addr & BLOCK_MASK;

	return !a->uffd && b >= a->start && b + BLOCK_SIZE <= a->end && !(a->flags & (AREA_NOBLOCK | MAP_STACK | MAP_GROWSDOWN_));
}

/* What fills a block's range: nothing, only the zero page, or more. */
struct fill {
	bool zero, other;
};

static void fill_leaf(void *arg, u64 ia, pa_t pa, u64 size, unsigned perm)
{
	struct fill *f = arg;

	if (pa.v == page_to_pa(zero_page).v && size == PAGE_SIZE && !(perm & PT_UFFD_WP))
		f->zero = true;
	else
		f->other = true;
}

static struct fill block_fill(struct mm *mm, u64 b)
{
	struct fill f = {};

	spin_lock(&mm->pt_lock);
	pt_for_each(&mm->as.pt, b, BLOCK_SIZE, fill_leaf, &f);
	spin_unlock(&mm->pt_lock);
	return f;
}

/* A whole 2 MiB of private anonymous memory at once: 0; -EAGAIN: not here, not now. */
static int anon_block(struct mm *mm, struct area *a, u64 addr)
{
	u64 b = addr & BLOCK_MASK;
	struct fill before, f = {};
	struct page *p;
	int err = 0;

	if (!block_inside(a, addr) || pages_free() < BLOCK_MIN_FREE)
		return -EAGAIN;
	before = block_fill(mm, b);
	if (before.other)
		return -EAGAIN;
	p = page_alloc(BLOCK_ORDER, ALLOC_ZERO);
	if (!p)
		return -EAGAIN;
	if (area_perm(a) & PT_X)
		icache_sync(page_to_pa(p), BLOCK_SIZE);
	if (before.zero)
		notify_begin(mm, b, b + BLOCK_SIZE);
	spin_lock(&mm->pt_lock);
	pt_for_each(&mm->as.pt, b, BLOCK_SIZE, fill_leaf, &f);
	if (f.other || (f.zero && !before.zero))
		err = -EAGAIN;
	if (!err && f.zero)
		err = pt_unmap(&mm->as.pt, b, BLOCK_SIZE, NULL, NULL);
	if (!err)
		err = pt_map(&mm->as.pt, b, page_to_pa(p), BLOCK_SIZE, area_perm(a), NULL);
	if (!err)
		rss_add(mm, BLOCK_SIZE >> PAGE_SHIFT);
	spin_unlock(&mm->pt_lock);
	if (before.zero)
		notify_end(mm, b, b + BLOCK_SIZE);
	if (err)
		pages_put(p, BLOCK_ORDER);
	return err ? -EAGAIN : 0;
}

static int anon_fault(struct mm *mm, struct area *a, u64 addr, unsigned access)
{
	struct page *p;

	if ((area_perm(a) & PT_W) && (access & (FAULT_WRITE | FAULT_PIN)) && !anon_block(mm, a, addr))
		return 0;
	if (!(access & FAULT_WRITE))
		return map_page(mm, a, addr, zero_page, perm_ro(a), NULL, 0);
	p = page_alloc(0, ALLOC_ZERO);
	return p ? map_page(mm, a, addr, p, area_perm(a), NULL, 0) : -ENOMEM;
}

static struct page *page_copy(struct page *from)
{
	struct page *p;

	if (from == zero_page)
		return page_alloc(0, ALLOC_ZERO);
	p = page_alloc(0, 0);
	if (p)
		memcpy(page_to_va(p), page_to_va(from), PAGE_SIZE);
	if (p && mte_live)
		mte_copy(page_to_va(p), page_to_va(from));
	return p;
}

/* Shared memory in a block, if object, area and address allow. */
static int obj_block(struct mm *mm, struct area *a, u64 addr, struct page *p, u64 seq)
{
	u64 b = addr & BLOCK_MASK;
	pa_t pa = PA(page_to_pa(p).v & BLOCK_MASK);
	struct page *head = pa_to_page(pa);
	struct fill f = {};
	int err = 0;

	if (area_perm(a) & PT_X)
		icache_sync(pa, BLOCK_SIZE);
	/* Under the object's lock, seq says that it still holds all 512. */
	read_lock(&a->obj->lock);
	spin_lock(&mm->pt_lock);
	pt_for_each(&mm->as.pt, b, BLOCK_SIZE, fill_leaf, &f);
	if (f.zero || f.other || READ_ONCE(a->obj->seq) != seq) {
		err = -EAGAIN;
	} else {
		err = pt_map(&mm->as.pt, b, pa, BLOCK_SIZE, area_perm(a), NULL);
		for (unsigned i = 0; !err && i < BLOCK_SIZE >> PAGE_SHIFT; i++)
			page_get(head + i);
		if (!err)
			rss_add(mm, BLOCK_SIZE >> PAGE_SHIFT);
	}
	spin_unlock(&mm->pt_lock);
	read_unlock(&a->obj->lock);
	return err;
}

static int obj_fault(struct mm *mm, struct area *a, u64 addr, unsigned access)
{
	u64 index = area_index(a, addr), seq = READ_ONCE(a->obj->seq);
	bool want = area_shared(a) && block_inside(a, addr) &&
		!((a->offset - a->start) & (BLOCK_SIZE - 1)), block;
	struct page *p, *copy;
	int err;

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (index >= ALIGN_UP(READ_ONCE(a->obj->size), PAGE_SIZE) >> PAGE_SHIFT)
		return -EIO;
	p = memobj_fault_page(a->obj, index, want, &block);
	if (!p)
		return -ENOMEM;
	if (area_shared(a)) {
		if (want && block && !obj_block(mm, a, addr, p, seq)) {
			page_put(p);
			return 0;
		}
		return map_page(mm, a, addr, p, area_perm(a), &a->obj->seq, seq);
	}
	if (!(access & FAULT_WRITE))
		return map_page(mm, a, addr, p, perm_ro(a), &a->obj->seq, seq);
	copy = page_copy(p);
	page_put(p);
	if (!copy)
		return -ENOMEM;
	err = map_page(mm, a, addr, copy, area_perm(a), &a->obj->seq, seq);
	return err;
}

static int ops_fault(struct mm *mm, struct area *a, u64 addr, unsigned access)
{
	struct page *p = NULL, *copy;
	int err = a->ops->fault(a, a->offset + ((addr & PAGE_MASK) - a->start), access & FAULT_WRITE, &p);

	if (err)
		return err == -ENOMEM ? err : -EIO;
	if (area_shared(a))
		return map_page(mm, a, addr, p, area_perm(a), NULL, 0);
	/* A private mapping of special pages: copied when written. */
	if (!(access & FAULT_WRITE))
		return map_page(mm, a, addr, p, perm_ro(a), NULL, 0);
	copy = page_copy(p);
	page_put(p);
	return copy ? map_page(mm, a, addr, copy, area_perm(a), NULL, 0) : -ENOMEM;
}

/* The page at addr is this process's alone: let it be written where it is. pt_lock held. */
static int reuse(struct mm *mm, struct area *a, u64 addr, const struct leaf *l, struct page *p)
{
	u64 b = addr & BLOCK_MASK;
	struct page *head = p - ((addr & ~BLOCK_MASK) >> PAGE_SHIFT);

	if (l->size == BLOCK_SIZE && b >= a->start && b + BLOCK_SIZE <= a->end) {
		unsigned i;

		for (i = 0; i < BLOCK_SIZE >> PAGE_SHIFT && READ_ONCE(head[i].refs) == 1; i++)
			;
		if (i == BLOCK_SIZE >> PAGE_SHIFT)
			return pt_protect(&mm->as.pt, b, BLOCK_SIZE, 0, area_perm(a));
	}
	return pt_map(&mm->as.pt, addr & PAGE_MASK, l->pa, PAGE_SIZE, area_perm(a), NULL);
}

/* A write to a page of a private area that is mapped without the right to. */
static int cow_fault(struct mm *mm, struct area *a, u64 addr)
{
	u64 page = addr & PAGE_MASK;
	struct page *old, *new;
	struct leaf l, now;
	int err = 0;

	spin_lock(&mm->pt_lock);
	l = leaf_at(mm, addr);
	if (!l.size || (l.perm & PT_W) || wp_marked(a, &l)) {
		spin_unlock(&mm->pt_lock);
		return -EAGAIN;
	}
	old = pa_to_page(l.pa);
	if (old != zero_page && READ_ONCE(old->refs) == 1) {
		err = reuse(mm, a, addr, &l, old);
		spin_unlock(&mm->pt_lock);
		return err;
	}
	page_get(old);
	spin_unlock(&mm->pt_lock);

	/* The zero page in a range that may become a block. */
	if (old == zero_page && area_anon(a) && !anon_block(mm, a, addr))
		return 0;
	new = page_copy(old);
	if (!new) {
		page_put(old);
		return -ENOMEM;
	}
	if (area_perm(a) & PT_X)
		icache_sync(page_to_pa(new), PAGE_SIZE);
	notify_begin(mm, page, page + PAGE_SIZE);
	spin_lock(&mm->pt_lock);
	now = leaf_at(mm, addr);
	if (!now.size || now.pa.v != l.pa.v || now.perm != l.perm)
		err = -EAGAIN;
	else
		err = pt_map(&mm->as.pt, page, page_to_pa(new), PAGE_SIZE, area_perm(a), NULL);
	if (!err) {
		if (old == zero_page)
			rss_add(mm, 1);
		else
			page_put(old);		/* the table's; ours keeps it alive */
	}
	spin_unlock(&mm->pt_lock);
	notify_end(mm, page, page + PAGE_SIZE);
	page_put(err ? new : old);
	if (err)
		page_put(old);
	return err;
}

static int upgrade(struct mm *mm, struct area *a, u64 addr)
{
	unsigned perm = area_shared(a) ? area_perm(a) : perm_ro(a);
	struct leaf l;
	int err = -EAGAIN;

	spin_lock(&mm->pt_lock);
	l = leaf_at(mm, addr);
	if (wp_marked(a, &l))
		perm = (perm & ~PT_W) | PT_UFFD_WP;
	if (l.size)
		err = pt_protect(&mm->as.pt, addr & PAGE_MASK, PAGE_SIZE, l.perm & area_perm(a) & PT_W, perm);
	spin_unlock(&mm->pt_lock);
	return err;
}

/* One step; -EAGAIN: look again. */
static int fault_step(struct mm *mm, struct area *a, u64 addr, unsigned access)
{
	unsigned need = access & FAULT_EXEC ? PT_X : access & FAULT_WRITE ? PT_W : PT_R;
	struct leaf l = {};

	/* If that is not true any more, mapping the new page finds out (-EEXIST). */
	if (!(access & FAULT_ABSENT) || a->uffd)
		l = leaf_at(mm, addr);
	if (!l.size) {
		int ask = unlikely(a->uffd) ? uffd_reason_absent(a, addr) : 0;

		if (ask)
			return ask;
		if (a->ops)
			return ops_fault(mm, a, addr, access);
		return a->obj ? obj_fault(mm, a, addr, access) : anon_fault(mm, a, addr, access);
	}
	if (l.perm & need)
		return 0;
	if ((access & FAULT_WRITE) && wp_marked(a, &l))
		return UFFD_ASK_WP;
	if ((access & FAULT_WRITE) && !area_shared(a))
		return cow_fault(mm, a, addr);
	return upgrade(mm, a, addr);
}

int area_fault(struct mm *mm, struct area *a, u64 addr, unsigned access)
{
	u32 need = access & FAULT_EXEC ? PROT_EXEC : access & FAULT_WRITE ? PROT_WRITE :
		PROT_READ | PROT_WRITE | PROT_EXEC;
	int err;

	if (!(a->prot & need))
		return -EACCES;
	do {
		err = fault_step(mm, a, addr, access);
		access &= ~(u32)FAULT_ABSENT;
	} while (err == -EAGAIN || err == -EEXIST);
	return err;
}

/* The same, and if somebody else must be asked, w is queued for that: positive then. */
static int fault_or_ask(struct mm *mm, struct area *a, u64 addr, unsigned access, struct uffd_wait *w)
{
	int err;

	do {
		err = area_fault(mm, a, addr, access);
		if (unlikely(err > 0))
			err = uffd_ask(a, addr, access, err, w);
	} while (err == -EAGAIN && a->uffd && !READ_ONCE(a->uffd->released));
	return err;
}

int area_map_present(struct mm *mm, struct area *a, u64 addr, unsigned mark)
{
	unsigned perm = area_shared(a) ? area_perm(a) : perm_ro(a);
	u64 index = area_index(a, addr), seq;
	struct page *p;
	int err;

	if (mark)
		perm = (perm & ~PT_W) | mark;
	do {
		seq = __atomic_load_n(&a->obj->seq, __ATOMIC_ACQUIRE);
		if (index >= ALIGN_UP(READ_ONCE(a->obj->size), PAGE_SIZE) >> PAGE_SHIFT)
			return -EFAULT;
		p = memobj_page(a->obj, index, false);
		if (!p)
			return -ENOENT;
		err = map_page(mm, a, addr, p, perm, &a->obj->seq, seq);
	} while (err == -EAGAIN);
	return err;
}

int area_fill(struct mm *mm, struct area *a, u64 addr, struct page *p, unsigned mark)
{
	unsigned perm = p == zero_page ? perm_ro(a) : area_perm(a);
	int err;

	if (!area_shared(a)) {
		if (a->obj && area_index(a, addr) >= ALIGN_UP(READ_ONCE(a->obj->size), PAGE_SIZE) >> PAGE_SHIFT) {
			page_put(p);
			return -EFAULT;
		}
		return map_page(mm, a, addr, p, mark ? (perm & ~PT_W) | mark : perm, NULL, 0);
	}
	if (p == zero_page)
		p = page_alloc(0, ALLOC_ZERO);
	if (!p)
		return -ENOMEM;
	if (area_index(a, addr) >= ALIGN_UP(READ_ONCE(a->obj->size), PAGE_SIZE) >> PAGE_SHIFT)
		err = -EFAULT;
	else
		err = memobj_insert(a->obj, area_index(a, addr), p);
	page_put(p);
	if (err)
		return err;
	err = area_map_present(mm, a, addr, mark);
	return err == -ENOENT || err == -EFAULT ? 0 : err;	/* punched out again meanwhile */
}

/* An area that grows downwards, and addr is below it: make it reach addr. */
static bool stack_grow(struct mm *mm, u64 addr)
{
	struct area *a;
	bool ok = false;

	addr &= PAGE_MASK;
	down_write(&mm->lock);
	a = area_first(mm, addr);
	if (a && a->start <= addr) {
		ok = true;
	} else if (a && (a->flags & MAP_GROWSDOWN_) && a->end - addr <= STACK_MAX && addr >= MMAP_MIN) {
		struct tree_node *p = tree_prev(&a->node);

		if (!p || container_of(p, struct area, node)->end + STACK_GUARD <= addr) {
			area_move_start(a, addr, a->end);
			ok = true;
		}
	}
	up_write(&mm->lock);
	return ok;
}

int mm_fault(struct mm *mm, u64 addr, unsigned access)
{
	struct uffd_wait w;
	struct area *a;
	int err;

	for (;;) {
		down_read(&mm->lock);
		a = addr < USER_END && !mm->exiting ? area_first(mm, addr) : NULL;
		if (!a || a->start <= addr) {
			err = a ? fault_or_ask(mm, a, addr, access & ~FAULT_PIN, &w) : -EFAULT;
			up_read(&mm->lock);
			return unlikely(err > 0) ? uffd_sleep(&w, access & FAULT_USER) : err;
		}
		err = a->flags & MAP_GROWSDOWN_ ? 0 : -EFAULT;
		up_read(&mm->lock);
		if (err || !stack_grow(mm, addr))
			return -EFAULT;
	}
}

/* mm->lock held for reading. */
static int pin_locked(struct mm *mm, struct area *a, u64 addr, bool write, struct page **page, struct leaf *l,
		      struct uffd_wait *w)
{
	unsigned access = (write ? FAULT_WRITE : 0) | FAULT_PIN;
	int err;

	for (;;) {
		err = fault_or_ask(mm, a, addr, access, w);
		if (err)
			return err;
		spin_lock(&mm->pt_lock);
		*l = leaf_at(mm, addr);
		if (l->size && (!write || (l->perm & PT_W))) {
			*page = pa_to_page(l->pa);
			page_get(*page);
			spin_unlock(&mm->pt_lock);
			return 0;
		}
		spin_unlock(&mm->pt_lock);
	}
}

int mm_fault_guest(struct mm *mm, u64 addr, bool write, bool absent)
{
	unsigned access = FAULT_PIN | (write ? FAULT_WRITE : 0) | (absent ? FAULT_ABSENT : 0);
	struct uffd_wait w;
	struct area *a;
	int err;

	do {
		down_read(&mm->lock);
		a = addr < USER_END && !mm->exiting ? area_find(mm, addr) : NULL;
		err = a ? fault_or_ask(mm, a, addr, access, &w) : -EFAULT;
		up_read(&mm->lock);
		if (unlikely(err > 0))
			err = uffd_sleep(&w, true);
	} while (err == -EAGAIN);
	return err;
}

int mm_pin(struct mm *mm, u64 addr, bool write, struct page **page, bool *writable, bool *block_ok)
{
	struct uffd_wait w;
	struct area *a;
	struct leaf l = {};
	int err;

	do {
		down_read(&mm->lock);
		a = addr < USER_END && !mm->exiting ? area_find(mm, addr) : NULL;
		err = a ? pin_locked(mm, a, addr, write, page, &l, &w) : -EFAULT;
		up_read(&mm->lock);
		if (unlikely(err > 0))
			err = uffd_sleep(&w, false);
	} while (err == -EAGAIN);
	if (err)
		return err;
	*writable = l.perm & PT_W;
	*block_ok = l.size >= BLOCK_SIZE;
	return 0;
}

int mm_populate(struct mm *mm, u64 start, u64 end, bool write)
{
	int err = 0;

	for (u64 at = start; at < end && !err; at += PAGE_SIZE) {
		struct uffd_wait w;
		struct area *a;

		down_read(&mm->lock);
		a = mm->exiting ? NULL : area_find(mm, at);
		if (!a) {
			err = -ENOMEM;
		} else {
			/* As much of the area as there is, then let others have the lock. */
			u64 stop = MIN(MIN(a->end, end), at + BLOCK_SIZE);

			for (;; at += PAGE_SIZE) {
				err = fault_or_ask(mm, a, at, write && (a->prot & PROT_WRITE) ? FAULT_WRITE : 0, &w);
				if (err || at + PAGE_SIZE >= stop)
					break;
			}
		}
		up_read(&mm->lock);
		if (unlikely(err > 0))
			err = uffd_sleep(&w, true);
		if (err == -EAGAIN) {
			at -= PAGE_SIZE;	/* this page once more */
			err = 0;
		}
		if (notify_pending())
			return -EINTR;
	}
	return err;
}

ssize_t mm_access(struct mm *mm, u64 addr, void *buf, size_t n, bool write)
{
	size_t done = 0;

	while (done < n) {
		u64 at = addr + done, off = at & ~PAGE_MASK;
		size_t len = MIN(n - done, PAGE_SIZE - off);
		bool writable, block;
		struct page *p;
		char *va;

		if (at < addr || mm_pin(mm, at, write, &p, &writable, &block))
			break;
		va = (char *)page_to_va(p) + off;
		if (write)
			memcpy(va, (char *)buf + done, len);
		else
			memcpy((char *)buf + done, va, len);
		page_put(p);
		done += len;
	}
	return done || !n ? (ssize_t)done : -EFAULT;
}
