// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the boot tables to the final ones: the direct map (1 GiB blocks where RAM allows, never executable, the image's
 * text and constants read-only), the image section by section, then struct pages and the allocator. Boot CPU only.
 */
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kernel/mm/page_init.h"
#include "kernel/mm/ptable.h"

#define MAX_HOLES	128

extern char _text[], _etext[], _rodata[], _erodata[], _data[], _end[];

struct ptable kernel_pt;
u64 kernel_ttbr1, kernel_ttbr0;
static struct ptable id_pt;
static u64 id_root;
/* An all-invalid table: TTBR0 without a process, TTBR1 while it changes. */
static u64 empty_table[512] __attribute__((aligned(4096)));

static struct mem_range holes[MAX_HOLES];	/* free RAM, ascending */
static unsigned nr_holes;
static u64 early_next, early_end;

static void ram_add(u64 start, u64 end)
{
	unsigned i, j;

	start = ALIGN_UP(start, PAGE_SIZE);
	end = MIN(ALIGN_DOWN(end, PAGE_SIZE), 1UL << 47);
	if (start >= end || nr_regions == MAX_REGIONS)
		return;
	for (i = 0; i < nr_regions && regions[i].start < start >> PAGE_SHIFT; i++)
		;
	for (j = nr_regions++; j > i; j--)
		regions[j] = regions[j - 1];
	regions[i] = (struct region){ start >> PAGE_SHIFT, end >> PAGE_SHIFT, NULL };
}

/* Neighbours and overlaps become one region, so that a block never spans two. */
static void ram_merge(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < nr_regions; i++) {
		if (n && regions[i].start <= regions[n - 1].end)
			regions[n - 1].end = MAX(regions[n - 1].end, regions[i].end);
		else
			regions[n++] = regions[i];
	}
	nr_regions = n;
}

static void holes_init(void)
{
	for (unsigned i = 0; i < nr_regions; i++)
		holes[nr_holes++] = (struct mem_range){ regions[i].start << PAGE_SHIFT,
			(regions[i].end - regions[i].start) << PAGE_SHIFT };
}

static void holes_cut(u64 start, u64 end)
{
	start = ALIGN_DOWN(start, PAGE_SIZE);
	end = ALIGN_UP(end, PAGE_SIZE);
	for (unsigned i = 0; i < nr_holes; i++) {
		struct mem_range *h = &holes[i];
		u64 hs = h->start, he = hs + h->size;

		if (end <= hs || start >= he)
			continue;
		h->size = start > hs ? start - hs : 0;
		if (end < he) {
			if (!h->size) {
				*h = (struct mem_range){ end, he - end };
				continue;
			}
			if (nr_holes == MAX_HOLES)
				continue;	/* what lies behind is lost, not used twice */
			memmove(h + 2, h + 1, (nr_holes - i - 1) * sizeof(*h));
			h[1] = (struct mem_range){ end, he - end };
			nr_holes++;
		}
	}
}

/* Memory for the first tables: behind the image if possible, in any case inside the GiB that boot/ has mapped. */
static void early_init(void)
{
	u64 gib = ALIGN_DOWN(kernel_pa, 1UL << 30), image_end = va_to_pa(_end).v;
	u64 best = 0;

	for (unsigned i = 0; i < nr_holes; i++) {
		u64 s = MAX(holes[i].start, gib), e = MIN(holes[i].start + holes[i].size, gib + (1UL << 30));

		if (s >= e || e - s <= best)
			continue;
		best = e - s;
		early_next = s;
		early_end = e;
		if (s >= image_end && best >= (1UL << 20))
			break;
	}
	if (!best)
		panic("no free memory near the kernel");
}

void *page_early(void)
{
	void *p;

	if (early_next >= early_end)
		panic("out of early memory");
	p = pa_to_va(PA(early_next));
	early_next += PAGE_SIZE;
	page_clear(p, PAGE_SIZE);
	return p;
}

/* Big and permanent, after the switch: from the end of the largest hole. */
static void *early_big(u64 size)
{
	struct mem_range *best = &holes[0];

	size = ALIGN_UP(size, PAGE_SIZE);
	for (unsigned i = 1; i < nr_holes; i++)
		if (holes[i].size > best->size)
			best = &holes[i];
	if (best->size < size)
		panic("no memory for the page array");
	best->size -= size;
	return pa_to_va(PA(best->start + best->size));
}

static void kmap(struct ptable *pt, u64 va, u64 pa, u64 size, unsigned perm)
{
	if (size && pt_map(pt, va, PA(pa), size, perm, NULL))
		panic("cannot map the kernel");
}

static void direct_map_init(void)
{
	u64 ro_start = va_to_pa(_text).v, ro_end = ALIGN_DOWN(va_to_pa(_data).v, PAGE_SIZE);

	for (unsigned i = 0; i < nr_regions; i++) {
		u64 s = regions[i].start << PAGE_SHIFT, e = regions[i].end << PAGE_SHIFT;
		u64 a = MIN(MAX(s, ro_start), e), b = MIN(MAX(s, ro_end), e);

		kmap(&kernel_pt, DIRECT_MAP + s, s, a - s, PT_R | PT_W);
		kmap(&kernel_pt, DIRECT_MAP + a, a, b - a, PT_R);
		kmap(&kernel_pt, DIRECT_MAP + b, b, e - b, PT_R | PT_W);
	}
}

static void image_map(char *from, char *to, unsigned perm)
{
	u64 s = ALIGN_DOWN((u64)from, PAGE_SIZE), e = ALIGN_UP((u64)to, PAGE_SIZE);

	kmap(&kernel_pt, s, s - KERNEL_BASE + kernel_pa, e - s, perm);
}

static void image_init(void)
{
	if (((u64)_etext | (u64)_rodata | (u64)_data) & ~PAGE_MASK)
		pr_warn("image sections are not page-aligned\n");
	image_map(_text, (char *)ALIGN_DOWN((u64)_rodata, PAGE_SIZE), PT_R | PT_X);
	image_map(_rodata, (char *)ALIGN_DOWN((u64)_data, PAGE_SIZE), PT_R);
	image_map(_data, _end, PT_R | PT_W);
}

static void tables_switch(void)
{
	u64 fn = va_to_pa(ttbr1_replace).v, flags = local_irq_save();

	/* The identity map of boot/ may be gone or may be this CPU's: use one of our own. */
	write_sysreg(kernel_ttbr0, ttbr0_el1);
	isb();
	asm volatile("tlbi vmalle1\n\tdsb nsh\n\tisb" : : : "memory");
	write_sysreg(id_root, ttbr0_el1);
	isb();
	((void (*)(u64, u64))fn)(kernel_ttbr1, kernel_ttbr0);
	write_sysreg(kernel_ttbr0, ttbr0_el1);
	isb();
	asm volatile("tlbi vmalle1\n\tdsb nsh\n\tisb" : : : "memory");
	local_irq_restore(flags);
}

static void pages_init(void)
{
	for (unsigned i = 0; i < nr_regions; i++) {
		struct region *r = &regions[i];
		u64 size = ALIGN_UP((r->end - r->start) * sizeof(struct page), PAGE_SIZE);
		struct page *pages = early_big(size);

		page_clear(pages, size);
		r->pages = pages;
	}
	for (unsigned i = 0; i < nr_holes; i++) {
		page_add_range(holes[i].start, holes[i].start + holes[i].size);
	}
	page_ready = true;
	zero_page = page_alloc(0, ALLOC_ZERO);
	ASSERT(zero_page);
	zero_page->flags |= PG_RESERVED;
}

void mm_free_range(u64 start, u64 size)
{
	u64 s = ALIGN_UP(start, PAGE_SIZE), e = ALIGN_DOWN(start + size, PAGE_SIZE);

	if (s >= e || !pa_to_page(PA(s)) || !pa_to_page(PA(e - 1)))
		return;
	page_add_range(s, e);
}

static u64 kernel_pa_find(void)
{
	u64 par;

	/* E2H=1: the stage 1 EL2&0 translation of our own start. */
	asm volatile("at s1e2r, %1\n\tisb\n\tmrs %0, par_el1" : "=r"(par) : "r"(_text) : "memory");
	ASSERT(!(par & 1));
	return (par & GENMASK(47, 12)) - (ALIGN_DOWN((u64)_text, PAGE_SIZE) - KERNEL_BASE);
}

void mm_boot_init(const struct mem_range *ram, unsigned nram, const struct mem_range *reserved, unsigned nres)
{
	u64 fn;

	kernel_pa = kernel_pa_find();
	for (unsigned i = 0; i < nram; i++)
		ram_add(ram[i].start, ram[i].start + ram[i].size);
	ram_merge();
	holes_init();
	holes_cut(va_to_pa(_text).v, va_to_pa(_end).v);
	for (unsigned i = 0; i < nres; i++)
		holes_cut(reserved[i].start, reserved[i].start + reserved[i].size);
	early_init();

	if (pt_init(&kernel_pt, PT_KERNEL, 48) || pt_init(&id_pt, PT_KERNEL, 48))
		panic("no memory for page tables");
	direct_map_init();
	image_init();
	fn = va_to_pa(ttbr1_replace).v & PAGE_MASK;
	kmap(&id_pt, fn, fn, PAGE_SIZE, PT_R | PT_X);
	kernel_ttbr1 = va_to_pa(kernel_pt.root).v;
	kernel_ttbr0 = va_to_pa(empty_table).v;
	id_root = va_to_pa(id_pt.root).v;
	dsb(ish);
	tables_switch();

	/* What early_init took and did not use goes back with the rest. */
	for (unsigned i = 0; i < nr_holes; i++)
		if (holes[i].start < early_end && holes[i].start + holes[i].size >= early_end) {
			u64 s = MAX(holes[i].start, ALIGN_DOWN(kernel_pa, 1UL << 30));

			holes_cut(s, early_next);
			break;
		}
	pages_init();
#ifdef CONFIG_KASAN
	kasan_init();
#endif
}
