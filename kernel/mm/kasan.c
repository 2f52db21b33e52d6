// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel address sanitizer, the outline form: the compiler calls a function before every access. One shadow byte says
 * of 8 bytes of the direct map: 0 all valid, 1..7 so many, 0x80.. none and why. Everything else (image, stacks, device
 * mappings) counts as valid: guard pages serve there. Only in the kasan flavour.
 */
#ifdef CONFIG_KASAN
#include "kernel/debug/print.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kernel/mm/page_init.h"
#include "kernel/mm/ptable.h"

static bool ready;

static u8 *shadow_of(u64 addr)
{
	return (u8 *)(KASAN_SHADOW + ((addr - DIRECT_MAP) >> 3));
}

static bool has_shadow(u64 addr)
{
	u64 pfn = (addr - DIRECT_MAP) >> PAGE_SHIFT;

	if (!ready || addr < DIRECT_MAP || addr >= VMAP_BASE)
		return false;
	for (unsigned i = 0; i < nr_regions; i++)
		if (pfn >= regions[i].start && pfn < regions[i].end)
			return true;
	return false;
}

void kasan_init(void)
{
	for (unsigned i = 0; i < nr_regions; i++) {
		u64 s = ALIGN_DOWN((u64)shadow_of(DIRECT_MAP + (regions[i].start << PAGE_SHIFT)), BLOCK_SIZE);
		u64 e = (u64)shadow_of(DIRECT_MAP + (regions[i].end << PAGE_SHIFT));

		for (; s < e; s += BLOCK_SIZE) {
			struct page *p;

			if (pt_lookup(&kernel_pt, s, NULL, NULL, NULL))
				continue;	/* the region before ends in this block */
			p = page_alloc(BLOCK_ORDER, ALLOC_ZERO);
			if (!p || pt_map(&kernel_pt, s, page_to_pa(p), BLOCK_SIZE, PT_R | PT_W, NULL))
				panic("no memory for the KASAN shadow");
		}
	}
	ready = true;
}

/* Plain loops: memset is instrumented. */
static void shadow_fill(u64 addr, size_t n, u8 v)
{
	u8 *s = shadow_of(addr), *e = shadow_of(addr + n);

	while (s < e && ((u64)s & 7))
		*s++ = v;
	for (; s + 8 <= e; s += 8)
		*(u64 *)s = v * 0x0101010101010101UL;
	while (s < e)
		*s++ = v;
}

/* p and n are multiples of 8. */
void kasan_poison(const void *p, size_t n, u8 why)
{
	if (has_shadow((u64)p))
		shadow_fill((u64)p, n, why);
}

/* [p, p+n) becomes valid; the rest of the last 8 bytes does not. */
void kasan_unpoison(const void *p, size_t n)
{
	if (!has_shadow((u64)p))
		return;
	shadow_fill((u64)p, n & ~7UL, 0);
	if (n & 7)
		*shadow_of((u64)p + n) = n & 7;
}

static bool byte_ok(u64 addr)
{
	s8 s = *(s8 *)shadow_of(addr);

	return !s || (s > 0 && (s8)(addr & 7) < s);
}

static __attribute__((noinline)) void check_range(u64 addr, size_t n, bool write, u64 pc)
{
	if (!n || !has_shadow(addr) || !has_shadow(addr + n - 1))
		return;
	for (u64 a = addr; a < addr + n; a = (a | 7) + 1) {
		u64 last = MIN(a | 7, addr + n - 1);

		if (byte_ok(last))
			continue;
		ready = false;		/* the report itself must not be checked */
		panic("KASAN: bad %s of %zu bytes at %lx (shadow %x) by %lx", write ? "write" : "read", n,
		      (unsigned long)addr, *shadow_of(last), (unsigned long)pc);
	}
}

static inline void check(u64 addr, size_t n, bool write, u64 pc)
{
	/* The usual case first: one aligned word, all valid. */
	if (has_shadow(addr) && (addr & 7) + n <= 8 && !*shadow_of(addr))
		return;
	check_range(addr, n, write, pc);
}

#define PC ((u64)__builtin_return_address(0))
#define ACCESS(n)									\
	void __asan_load##n##_noabort(u64 a);						\
	void __asan_store##n##_noabort(u64 a);						\
	void __asan_load##n##_noabort(u64 a) { check(a, n, false, PC); }		\
	void __asan_store##n##_noabort(u64 a) { check(a, n, true, PC); }
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)
void __asan_loadN_noabort(u64 a, size_t n);
void __asan_storeN_noabort(u64 a, size_t n);
void __asan_handle_no_return(void);
void *__asan_memcpy(void *d, const void *s, size_t n);
void *__asan_memmove(void *d, const void *s, size_t n);
void *__asan_memset(void *d, int c, size_t n);

void __asan_loadN_noabort(u64 a, size_t n) { check_range(a, n, false, PC); }
void __asan_storeN_noabort(u64 a, size_t n) { check_range(a, n, true, PC); }
void __asan_handle_no_return(void) { }

/* What clang calls for the three functions. */
void *__asan_memcpy(void *d, const void *s, size_t n)
{
	check_range((u64)s, n, false, PC);
	check_range((u64)d, n, true, PC);
	return memcpy(d, s, n);
}

void *__asan_memmove(void *d, const void *s, size_t n)
{
	check_range((u64)s, n, false, PC);
	check_range((u64)d, n, true, PC);
	return memmove(d, s, n);
}

void *__asan_memset(void *d, int c, size_t n)
{
	check_range((u64)d, n, true, PC);
	return memset(d, c, n);
}
#endif
