// SPDX-License-Identifier: GPL-2.0-only
/*
 * How boot/ hands the machine's memory over to kernel/mm. Boot CPU only, once, single-threaded, unless said otherwise.
 */
#pragma once

#include <nestbox/types.h>

struct mem_range {
	u64 start, size;	/* physical, bytes */
};

/*
 * Build the final kernel page tables, switch to them, and give all free RAM to the page allocator.
 * ram: what the device tree calls memory, in any order, without ranges that must not be mapped (no-map).
 * reserved: parts of it that are in use (the kernel image itself need not be named); overlaps are fine.
 * Needs: MMU on, TPIDR_EL2 set, the image at KERNEL_BASE and the GiB that holds the image mapped at DIRECT_MAP by the
 * tables of boot/. On return TTBR1_EL2 has the final tables and TTBR0_EL2 an empty one; the identity map is gone.
 */
void mm_boot_init(const struct mem_range *ram, unsigned nram, const struct mem_range *reserved, unsigned nres);

/* Give a range that was reserved (initrd, boot-only code) to the allocator. Whole pages inside it only. */
void mm_free_range(u64 start, u64 size);

/* Values for TTBR1_EL2, and for TTBR0_EL2 when no process is loaded. */
extern u64 kernel_ttbr1, kernel_ttbr0;
/* Physical address of KERNEL_BASE. Found by mm_boot_init. */
extern u64 kernel_pa;

/* Internal to kernel/mm. */
struct region {
	u64 start, end;		/* page frame numbers */
	struct page *pages;
};
#define MAX_REGIONS	32
extern struct region regions[MAX_REGIONS];
extern unsigned nr_regions;
extern bool page_ready;			/* the buddy works; before: page_early */
void *page_early(void);			/* a zeroed page from the GiB of the image */
void page_add_range(u64 start, u64 end);	/* bytes, page-aligned, inside one region */
void page_clear(void *p, size_t n);	/* zero, both multiples of a page */
extern struct ptable kernel_pt;
u64 pt_root_pa(const void *root);
/* ttbr.S, called at its physical address. */
void ttbr1_replace(u64 ttbr1, u64 empty);
#ifdef CONFIG_KASAN
void kasan_init(void);			/* maps the shadow of all regions */
void kasan_poison(const void *p, size_t n, u8 why);
void kasan_unpoison(const void *p, size_t n);
#else
static inline void kasan_poison(const void *p, size_t n, u8 why) { }
static inline void kasan_unpoison(const void *p, size_t n) { }
#endif
#define KASAN_FREE_PAGE	0xff
#define KASAN_FREE	0xfb
#define KASAN_REDZONE	0xfc
