// SPDX-License-Identifier: GPL-2.0-only
/* madvise: advice that changes something, and advice that may be ignored. Locks as in mm.h. */
#include "linux/mm/uffd.h"
#include "linux/process/task.h"
#include "linux/syscall.h"

/* Which bits of area->flags an advice sets and clears: false: not of that kind. */
static bool advice_flags(int advice, u32 *set, u32 *clear)
{
	*set = *clear = 0;
	switch (advice) {
	case MADV_DONTFORK:	*set = AREA_DONTFORK; return true;
	case MADV_DOFORK:	*clear = AREA_DONTFORK; return true;
	case MADV_WIPEONFORK:	*set = AREA_WIPEONFORK; return true;
	case MADV_KEEPONFORK:	*clear = AREA_WIPEONFORK; return true;
	case MADV_NOHUGEPAGE:	*set = AREA_NOBLOCK; return true;
	case MADV_HUGEPAGE:	*clear = AREA_NOBLOCK | MAP_STACK; return true;
	default:		return false;
	}
}

static int advise_flags(struct mm *mm, u64 start, u64 end, u32 set, u32 clear)
{
	int err = area_split(mm, start);

	if (!err)
		err = area_split(mm, end);
	for (struct area *a = area_first(mm, start); !err && a && a->start < end; a = area_next(a)) {
		if (a->start < start)
			continue;
		if ((set & AREA_WIPEONFORK) && !area_anon(a))
			return -EINVAL;
		a->flags = (a->flags | set) & ~clear;
		a = area_merge(a);
	}
	return err;
}

static int advise_zap(struct mm *mm, u64 start, u64 end)
{
	int err = 0;

	for (struct area *a = area_first(mm, start); !err && a && a->start < end; a = area_next(a))
		err = mm_zap(mm, MAX(a->start, start), MIN(a->end, end));
	return err;
}

/* Is [start, end) mapped without a hole? */
static bool covered(struct mm *mm, u64 start, u64 end)
{
	for (struct area *a; start < end; start = a->end) {
		a = area_find(mm, start);
		if (!a)
			return false;
	}
	return true;
}

/* Drop pages of the objects behind a range: mm->lock is not held while an object unmaps them everywhere. */
static int advise_remove(struct mm *mm, u64 start, u64 end)
{
	while (start < end) {
		struct memobj *o = NULL;
		struct area *a;
		u64 pos = 0, next = end;
		int err = 0;

		down_read(&mm->lock);
		a = area_find(mm, start);
		if (!a) {
			err = -ENOMEM;
		} else if (!a->obj || !area_shared(a)) {
			err = -EINVAL;
		} else if (a->flags & AREA_NOWRITE) {
			err = -EACCES;
		} else {
			next = MIN(a->end, end);
			o = memobj_get(a->obj);
			pos = a->offset + (start - a->start);
		}
		up_read(&mm->lock);
		if (!err)
			err = memobj_punch(o, pos, next - start);
		memobj_put(o);
		if (err)
			return err;
		start = next;
	}
	return 0;
}

static int advise_populate(struct mm *mm, u64 start, u64 end, bool write)
{
	int err = mm_populate(mm, start, end, write);

	return err == -EACCES ? -EFAULT : err;
}

static int do_madvise(struct mm *mm, u64 start, u64 len, int advice)
{
	u64 end = start + ALIGN_UP(len, PAGE_SIZE);
	u32 set, clear;
	int err = 0;

	if ((start & ~PAGE_MASK) || end < start || ALIGN_UP(len, PAGE_SIZE) < len)
		return -EINVAL;
	if (!advice_flags(advice, &set, &clear)) {
		bool known = (advice >= MADV_NORMAL && advice <= MADV_DONTNEED) ||
			(advice >= MADV_FREE && advice <= MADV_REMOVE) ||
			(advice >= MADV_MERGEABLE && advice <= MADV_COLLAPSE);

		if (advice == MADV_HWPOISON || advice == MADV_SOFT_OFFLINE || !known)
			return -EINVAL;
	}
	if (end == start)
		return 0;
	if (end > USER_END)
		return -ENOMEM;
	if (advice == MADV_REMOVE || advice == MADV_DONTNEED || advice == MADV_DONTNEED_LOCKED)
		uffd_tell_remove(mm, start, end);
	if (advice == MADV_REMOVE)
		return advise_remove(mm, start, end);
	if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE)
		return advise_populate(mm, start, end, advice == MADV_POPULATE_WRITE);
	down_write(&mm->lock);
	if (set | clear)
		err = advise_flags(mm, start, end, set, clear);
	else if (advice == MADV_DONTNEED || advice == MADV_DONTNEED_LOCKED)
		err = advise_zap(mm, start, end);
	if (!err && !covered(mm, start, end))
		err = -ENOMEM;
	up_write(&mm->lock);
	return err;
}

SYSCALL(madvise)
{
	return do_madvise(mm_current(), a0, a1, (int)a2);
}
