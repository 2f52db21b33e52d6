// SPDX-License-Identifier: GPL-2.0-only
/* Allocation tags; see mte.h. An address's own bits [59:56] do not matter: accesses of EL2 are not checked. */
#include "kernel/cpu/mte.h"
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/mm/page.h"

#define MEMTAG	".arch armv8.5-a+memtag\n\t"
#define TAG_SHIFT	56

bool mte_live;

void mte_init_this(void)
{
	static bool decided;
	bool here = FIELD_GET(GENMASK(11, 8), read_sysreg(id_aa64pfr1_el1)) >= 2;

	if (!decided)
		mte_live = here;
	else if (mte_live && !here)
		panic("this CPU has no allocation tags (FEAT_MTE2), the first one has");
	decided = true;
}

void mte_clear(void *va, u64 bytes)
{
	char *p = va, *end = p + bytes;

	for (; p < end; p += 2 * MTE_GRANULE)
		asm volatile(MEMTAG "st2g %0, [%1]" : : "r"(0UL), "r"(p) : "memory");
}

u8 mte_get(const void *va)
{
	u64 x = 0;

	asm volatile(MEMTAG "ldg %0, [%1]" : "+r"(x) : "r"(va) : "memory");
	return x >> TAG_SHIFT & 0xf;
}

void mte_set(void *va, u8 tag)
{
	asm volatile(MEMTAG "stg %0, [%1]" : : "r"((u64)(tag & 0xf) << TAG_SHIFT), "r"(va) : "memory");
}

void mte_copy(void *to, const void *from)
{
	u64 off;

	for (off = 0; off < PAGE_SIZE; off += MTE_GRANULE)
		mte_set((char *)to + off, mte_get((const char *)from + off));
}
