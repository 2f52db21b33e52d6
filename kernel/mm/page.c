// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page allocator: a buddy system over the regions of RAM. A zeroed struct page is a valid one (inside a free block,
 * or in use by boot), so that start-up writes only the heads of free blocks. page_lock (irq-safe) is innermost.
 */
#include "kernel/mm/page.h"
#include "kernel/cpu/mte.h"
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/irq/irq.h"
#include "kernel/mm/page_init.h"
#include "kernel/sched/lock.h"

struct region regions[MAX_REGIONS];
unsigned nr_regions;
bool page_ready;
u64 kernel_pa;
struct page *zero_page;

static spinlock_t page_lock;
static struct list free_list[MAX_ORDER + 1];
static u64 free_pages, total_pages;
static u64 reserve_pages;	/* kept for ALLOC_ATOMIC */

static struct region *region_of(u64 pfn)
{
	for (unsigned i = 0; i < nr_regions; i++)
		if (pfn >= regions[i].start && pfn < regions[i].end)
			return &regions[i];
	return NULL;
}

struct page *pa_to_page(pa_t pa)
{
	u64 pfn = pa.v >> PAGE_SHIFT;
	struct region *r = region_of(pfn);

	return r ? &r->pages[pfn - r->start] : NULL;
}

static struct region *region_of_page(const struct page *p)
{
	for (unsigned i = 0; i < nr_regions; i++) {
		struct region *r = &regions[i];

		if (p >= r->pages && p < r->pages + (r->end - r->start))
			return r;
	}
	panic("not a struct page: %p", (void *)p);
}

pa_t page_to_pa(const struct page *p)
{
	struct region *r = region_of_page(p);

	return PA((r->start + (u64)(p - r->pages)) << PAGE_SHIFT);
}

pa_t va_to_pa(const void *va)
{
	u64 a = (u64)va;

	if (a >= KERNEL_BASE)
		return PA(a - KERNEL_BASE + kernel_pa);
	ASSERT(a >= DIRECT_MAP && a < VMAP_BASE);
	return PA(a - DIRECT_MAP);
}

#define NEXT	"dc zva, %1\n\tadd %1, %1, %2\n\t"
#define NEXT4	NEXT NEXT NEXT NEXT
#define NEXT5	NEXT4 NEXT

void page_clear(void *p, size_t n)
{
	u64 dczid = read_sysreg(dczid_el0);
	char *c = p, *end = c + n, *at;
	size_t step;

	if (dczid & BIT(4)) {
		for (u64 *q = p; q < (u64 *)end; q += 2)
			asm volatile("stp xzr, xzr, [%0]" : : "r"(q) : "memory");
		return;
	}
	step = 4UL << (dczid & 15);
	/* Blocks are a power of two of at most 2 KiB (Arm ARM, DCZID_EL0). */
	for (; step <= PAGE_SIZE / 16 && c < end; c += 16 * step)
		asm volatile("dc zva, %0\n\tadd %1, %0, %2\n\t" NEXT5 NEXT5 NEXT4 "dc zva, %1"
			     : "+r"(c), "=&r"(at) : "r"(step) : "memory");
	for (; c < end; c += step)
		asm volatile("dc zva, %0" : : "r"(c) : "memory");
}

/* ---- the buddy system, all under page_lock ---- */

static void block_free(struct region *r, u64 pfn, unsigned order)
{
	struct page *p;

	free_pages += 1UL << order;
	while (order < MAX_ORDER) {
		u64 b = pfn ^ (1UL << order);
		struct page *bp;

		if (b < r->start || b + (1UL << order) > r->end)
			break;
		bp = &r->pages[b - r->start];
		if (!(bp->flags & PG_FREE) || bp->order != order)
			break;
		list_del(&bp->list);
		bp->flags = 0;
		pfn &= ~(1UL << order);
		order++;
	}
	p = &r->pages[pfn - r->start];
	p->flags = PG_FREE;
	p->order = order;
	list_add(&p->list, &free_list[order]);
}

/* Free n pages from pfn on, in as few blocks as alignment allows. */
static void run_free(struct region *r, u64 pfn, u64 n)
{
	while (n) {
		unsigned order = pfn ? __builtin_ctzl(pfn) : MAX_ORDER;

		order = MIN(order, (unsigned)MAX_ORDER);
		while (1UL << order > n)
			order--;
		block_free(r, pfn, order);
		pfn += 1UL << order;
		n -= 1UL << order;
	}
}

void page_add_range(u64 start, u64 end)
{
	u64 pfn = ALIGN_UP(start, PAGE_SIZE) >> PAGE_SHIFT;
	u64 last = end >> PAGE_SHIFT;
	u64 flags;

	if (!free_list[0].next)
		for (unsigned i = 0; i <= MAX_ORDER; i++)
			list_init(&free_list[i]);
	if (last <= pfn)
		return;
	flags = spin_lock_irqsave(&page_lock);
	total_pages += last - pfn;
	run_free(region_of(pfn), pfn, last - pfn);
	reserve_pages = MIN(total_pages / 64, 512UL);
	spin_unlock_irqrestore(&page_lock, flags);
}

static struct page *block_alloc(unsigned order)
{
	struct page *p;
	unsigned o = order;

	while (o <= MAX_ORDER && list_empty(&free_list[o]))
		o++;
	if (o > MAX_ORDER)
		return NULL;
	p = list_first(&free_list[o], struct page, list);
	list_del(&p->list);
	p->flags = 0;
	while (o > order) {
		struct page *half;

		o--;
		half = p + (1UL << o);
		half->flags = PG_FREE;
		half->order = o;
		list_add(&half->list, &free_list[o]);
	}
	free_pages -= 1UL << order;
	return p;
}

#ifdef CONFIG_SELFTEST
bool alloc_must_fail(void)
{
	struct thread *t = current_thread;

	if (!t || !t->fail_nth || in_interrupt() || --t->fail_nth)
		return false;
	if (t->fail_panics)
		panic("an allocation, as it was told to");
	return true;
}
#endif

struct page *page_alloc(unsigned order, unsigned flags)
{
	struct page *p = NULL;
	void *va;
	u64 irq;

	if (order > MAX_ORDER || (!(flags & ALLOC_ATOMIC) && alloc_must_fail()))
		return NULL;
	irq = spin_lock_irqsave(&page_lock);
	if ((flags & ALLOC_ATOMIC) || free_pages >= reserve_pages + (1UL << order))
		p = block_alloc(order);
	spin_unlock_irqrestore(&page_lock, irq);
	if (!p)
		return NULL;
	for (u64 i = 0; i < 1UL << order; i++) {
		ASSERT(p[i].refs == 0);
		p[i].flags = 0;
		p[i].refs = 1;
	}
	va = page_to_va(p);
	kasan_unpoison(va, PAGE_SIZE << order);
	if (flags & ALLOC_ZERO)
		page_clear(va, PAGE_SIZE << order);
	if (unlikely(mte_live))
		mte_clear(va, PAGE_SIZE << order);
	return p;
}

static void pages_release(struct page *p, u64 n)
{
	struct region *r = region_of_page(p);
	u64 irq;

	kasan_poison(page_to_va(p), n << PAGE_SHIFT, KASAN_FREE_PAGE);
	irq = spin_lock_irqsave(&page_lock);
	run_free(r, r->start + (u64)(p - r->pages), n);
	spin_unlock_irqrestore(&page_lock, irq);
}

void page_get(struct page *p)
{
	if (p->flags & PG_RESERVED)
		return;
	ASSERT(__atomic_fetch_add(&p->refs, 1, __ATOMIC_RELAXED) != 0);
}

static bool page_drop(struct page *p)
{
	u32 old;

	if (p->flags & PG_RESERVED)
		return false;
	old = __atomic_fetch_sub(&p->refs, 1, __ATOMIC_ACQ_REL);
	ASSERT(old != 0);
	if (old != 1)
		return false;
	p->flags = 0;
	return true;
}

void page_put(struct page *p)
{
	if (page_drop(p))
		pages_release(p, 1);
}

void pages_put(struct page *p, unsigned order)
{
	u64 run = 0, n = 1UL << order;

	for (u64 i = 0; i < n; i++) {
		if (page_drop(p + i)) {
			run++;
		} else if (run) {
			pages_release(p + i - run, run);
			run = 0;
		}
	}
	if (run)
		pages_release(p + n - run, run);
}

u64 pages_free(void)
{
	return READ_ONCE(free_pages);
}

u64 pages_total(void)
{
	return READ_ONCE(total_pages);
}
