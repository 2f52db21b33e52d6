// SPDX-License-Identifier: GPL-2.0-only
/* What the files of linux/mm share. */
#pragma once

#include <asm/errno.h>
#include <linux/mman.h>

#include "kernel/cpu/entry.h"
#include "kernel/debug/print.h"
#include "kernel/lib/string.h"
#include "kernel/mm/uaccess.h"
#include "linux/fs/file.h"
#include "linux/mm/mm.h"

/* area->flags: what mmap was given, and ours above. */
#define AREA_KEEP	(MAP_TYPE | MAP_ANONYMOUS | 0x0100 /* GROWSDOWN */ | MAP_STACK)
#define MAP_GROWSDOWN_	0x0100
#define AREA_NOWRITE	BIT(27)		/* shared, of a file not open for writing */
#define AREA_DONTFORK	BIT(28)
#define AREA_WIPEONFORK	BIT(29)
#define AREA_NOBLOCK	BIT(30)		/* MADV_NOHUGEPAGE */

#define MAX_AREAS	65530
#define MMAP_MIN	0x10000UL

static inline bool area_shared(const struct area *a)
{
	return (a->flags & MAP_TYPE) != MAP_PRIVATE;
}

/* Anonymous private memory. */
static inline bool area_anon(const struct area *a)
{
	return !area_shared(a) && !a->obj && !a->ops;
}

/* The object's own pages may be written through it, now or after an mprotect. */
static inline bool area_may_write(const struct area *a)
{
	return area_shared(a) && !(a->flags & AREA_NOWRITE);
}

static inline u64 area_index(const struct area *a, u64 addr)
{
	return (a->offset + (addr - a->start)) >> PAGE_SHIFT;
}

/* mm.c. mm->lock held. */
struct area *area_find(struct mm *mm, u64 addr);		/* that contains addr */
struct area *area_first(struct mm *mm, u64 addr);		/* the first that ends above addr */
struct area *area_next(struct area *a);
unsigned area_perm(const struct area *a);			/* PT_*, private or not */
int area_split(struct mm *mm, u64 addr);			/* no area extends across addr; -ENOMEM */
struct area *area_merge(struct area *a);			/* with its neighbours; the area that has them */
struct area *area_dup(struct mm *mm, const struct area *a);	/* same range, in no tree yet; NULL */
void area_link(struct area *a);
void area_move_start(struct area *a, u64 start, u64 end);	/* new range, offset follows start */
u64 addr_choose(struct mm *mm, u64 hint, u64 len, u64 offset);	/* 0: no room */
bool addr_free(struct mm *mm, u64 addr, u64 len);
struct area *area_add(struct mm *mm, const struct map_request *rq, u64 addr);
/* Takes the areas of a range out; *gone collects them for areas_free, after mm->lock is released. */
int areas_cut(struct mm *mm, u64 addr, u64 len, struct list *gone);
void areas_free(struct list *gone);
void notify_begin(struct mm *mm, u64 start, u64 end);
void notify_end(struct mm *mm, u64 start, u64 end);
/* Remove the pages of a range from the table, with notifiers. -ENOMEM: some of it is left (a block did not split). */
int mm_zap(struct mm *mm, u64 start, u64 end);
/* Change rights of what is mapped, with notifiers: pt_protect in pieces. */
int mm_set_perm(struct mm *mm, u64 start, u64 end, unsigned keep, unsigned set);
bool mm_get_live(struct mm *mm);				/* false: its last user is gone */

/* fault.c. mm->lock held for reading or writing. */
#define FAULT_PIN	BIT(8)					/* for a guest: prefer blocks */
#define FAULT_ABSENT	BIT(9)					/* the caller has just seen that nothing is mapped: a hint */
int area_fault(struct mm *mm, struct area *a, u64 addr, unsigned access);
int mm_populate(struct mm *mm, u64 start, u64 end, bool write);	/* takes mm->lock itself */
void icache_sync(pa_t pa, u64 size);
void rss_add(struct mm *mm, s64 pages);

/*
 * Put page p (its reference goes along, whatever happens) where a has none at addr, in the object first when it is shared;
 * mark: PT_SW* bits for the entry, which is then not writable. The zero page of a shared area becomes a page of its own.
 * -EEXIST, -EFAULT (beyond the object's end), -ENOMEM.
 */
int area_fill(struct mm *mm, struct area *a, u64 addr, struct page *p, unsigned mark);
/* Map what a's object has for addr: -ENOENT: nothing; errors as before. */
int area_map_present(struct mm *mm, struct area *a, u64 addr, unsigned mark);

/* memobj.c */
/* Insert p, whose reference goes to the index if 0 is returned: -EEXIST, -ENOMEM. */
int memobj_insert(struct memobj *o, u64 index, struct page *p);
/* For a fault: the page; *block is set if its 2 MiB of the object are one block of memory. */
struct page *memobj_fault_page(struct memobj *o, u64 index, bool want_block, bool *block);
