// SPDX-License-Identifier: GPL-2.0-only
/*
 * Physical memory: one struct page per 4 KiB frame, a buddy allocator with per-order free lists, the direct map.
 * Frames handed out are always counted one by one: a 2 MiB block is 512 pages with one reference each, so that
 * mappings of any size need no compound pages. Owner: kernel/mm/page.c. Lock: page_lock (irq-safe), innermost.
 */
#pragma once

#include <nestbox/list.h>
#include <nestbox/types.h>

#define MAX_ORDER	10		/* largest block: 4 MiB */

/* Kernel address space (TTBR1_EL2, 48 bits): docs/architecture.md */
#define DIRECT_MAP	0xffff000000000000UL	/* + pa, all RAM, RW, never executable */
#define VMAP_BASE	0xffff800000000000UL	/* stacks (with guard pages), device mappings */
#define VMAP_END	0xffffa00000000000UL
#define KASAN_SHADOW	0xffffc00000000000UL
#define KERNEL_BASE	0xffffffff80000000UL	/* the image, at any 2 MiB-aligned physical base */

struct page {
	u32 refs;		/* 0: free or allocator's */
	u16 order;		/* of the free block this page heads */
	u16 flags;
	union {
		struct list list;	/* free list, or the user's own */
		struct {
			void *owner;	/* user's own: slab, memory object */
			u64 index;
		};
	};
};
#define PG_FREE		BIT(0)
#define PG_RESERVED	BIT(1)		/* never freed: not RAM of ours, the zero page */
#define PG_SLAB		BIT(2)
#define PG_TABLE	BIT(3)
#define PG_LARGE	BIT(4)		/* first page of a kmalloc of whole pages; index counts them */

#define ALLOC_ZERO	BIT(0)
#define ALLOC_ATOMIC	BIT(1)		/* may dip into the reserve */

/* 2^order contiguous pages, each with one reference; NULL when there is none. Any context with interrupts on or off. */
struct page *page_alloc(unsigned order, unsigned flags);
void page_get(struct page *p);
void page_put(struct page *p);			/* frees (and merges) at zero */
void pages_put(struct page *p, unsigned order);	/* page_put on each of the 2^order */
u64 pages_free(void);				/* for meminfo and tests */
u64 pages_total(void);

struct page *pa_to_page(pa_t pa);		/* NULL: not RAM */
pa_t page_to_pa(const struct page *p);
static inline void *pa_to_va(pa_t pa) { return (void *)(DIRECT_MAP + pa.v); }
pa_t va_to_pa(const void *va);			/* direct map or kernel image */
static inline void *page_to_va(const struct page *p) { return pa_to_va(page_to_pa(p)); }
extern struct page *zero_page;

/*
 * For tests (the file /sys/kernel/debug/fail_nth): is this the allocation that the thread wants to fail? Counts down the
 * thread's fail_nth; interrupt handlers and who may dip into the reserve are not counted.
 */
#ifdef CONFIG_SELFTEST
bool alloc_must_fail(void);
#else
static inline bool alloc_must_fail(void) { return false; }
#endif

/* Objects. NULL when out of memory. kfree(NULL) is fine. Up to 4 MiB; 16-byte aligned, page-aligned from a page up. */
void *kmalloc(size_t size);
void *kzalloc(size_t size);
void *kcalloc(size_t n, size_t size);		/* checks the product */
void *krealloc(void *p, size_t size);
void kfree(void *p);
size_t kmalloc_usable(const void *p);
char *kstrdup(const char *s);

/* Virtually contiguous, zeroed, guard page on either side. May sleep. */
void *vmalloc(size_t size);
void vfree(void *p);
/* Device registers, nGnRE. */
void *ioremap(pa_t pa, size_t size);
/*
 * A page of addresses that shows a page of RAM or nothing, as its owner says, who also keeps calls for one window apart.
 * Nothing, once window_clear has returned: no CPU reaches the page through it any more, whatever runs there. NULL: no memory.
 * window_set replaces nothing: the window shows nothing before. -ENOMEM. Not with a guest's HCR_EL2 loaded. Any context.
 */
void *window_create(void);
int window_set(void *w, pa_t page, bool writable);
void window_clear(void *w);
void window_destroy(void *w);
