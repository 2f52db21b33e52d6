// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmap, munmap, mprotect, brk, mremap and what programs ask about their mappings. Locks as in mm.h; user memory is only
 * touched while mm->lock is not held.
 */
#include <linux/fcntl.h>

#include "linux/fs/vfs.h"
#include "linux/mm/uffd.h"
#include "linux/process/task.h"
#include "linux/syscall.h"

#define MAP_LOCKED_	0x2000

static s64 mmap_file(struct map_request *rq, struct file *f, struct memobj **fresh)
{
	int err;

	rq->file = f;
	if ((f->flags & O_ACCMODE) == O_WRONLY)
		return -EACCES;
	if ((rq->flags & MAP_TYPE) != MAP_PRIVATE && (f->flags & O_ACCMODE) != O_RDWR) {
		if (rq->prot & PROT_WRITE)
			return -EACCES;
		rq->flags |= AREA_NOWRITE;
	}
	if (!f->ops->mmap)
		return -ENODEV;
	err = f->ops->mmap(f, rq);
	/* Sealed against writing: mprotect must not allow it later. */
	if (!err && (rq->flags & MAP_TYPE) != MAP_PRIVATE && rq->obj &&
	    (rq->obj->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
		rq->flags |= AREA_NOWRITE;
	/* An object without a file was made for this mapping: its first reference is ours to drop. */
	if (!err && !rq->file)
		*fresh = rq->obj;
	return err;
}

/* What is wrong with the arguments, the file aside. */
static s64 mmap_check(u64 len, u64 flags)
{
	u64 type = flags & MAP_TYPE;

	if (!len)
		return -EINVAL;
	if (len > USER_END)
		return -ENOMEM;
	if (type < MAP_SHARED || type > MAP_SHARED_VALIDATE || (type == MAP_SHARED_VALIDATE && (flags & MAP_ANONYMOUS)))
		return -EINVAL;
	/* Growing down moves the offset along: only memory that has none can. */
	if ((flags & MAP_GROWSDOWN) && (!(flags & MAP_ANONYMOUS) || type != MAP_PRIVATE))
		return -EINVAL;
	return flags & MAP_HUGETLB ? -ENOMEM : 0;	/* none are set aside */
}

SYSCALL(mmap)
{
	struct map_request rq = { .addr = a0, .len = a1, .prot = a2, .flags = a3 & ~AREA_NOWRITE, .offset = a5 };
	struct mm *mm = mm_current();
	struct memobj *fresh = NULL;
	struct file *f = NULL;
	s64 ret;

	if (a5 & ~PAGE_MASK)
		return -EINVAL;
	if (!(a3 & MAP_ANONYMOUS)) {
		f = fd_get((int)a4);
		if (!f)
			return -EBADF;
	}
	ret = mmap_check(a1, a3);
	rq.len = ALIGN_UP(a1, PAGE_SIZE);
	if (!ret && f) {
		ret = mmap_file(&rq, f, &fresh);
	} else if (!ret) {
		rq.offset = 0;
		if ((a3 & MAP_TYPE) != MAP_PRIVATE) {
			fresh = rq.obj = memobj_create(rq.len);
			ret = fresh ? 0 : -ENOMEM;
		}
	}
	if (!ret)
		ret = mm_map(mm, &rq);
	/* Sealed since the file was asked: as if the seal had come first. */
	if (ret > 0 && f && rq.obj && (rq.flags & MAP_TYPE) != MAP_PRIVATE && !(rq.flags & AREA_NOWRITE) &&
	    memobj_write_sealed(rq.obj)) {
		(void)mm_unmap(mm, ret, rq.len);
		ret = -EPERM;
	}
	if (fresh)
		memobj_put(fresh);
	if (f)
		file_put(f);
	if (ret > 0 && (a3 & (MAP_POPULATE | MAP_LOCKED_)) && !(a3 & MAP_NONBLOCK))
		(void)mm_populate(mm, ret, ret + rq.len, true);
	return ret;
}

SYSCALL(munmap)
{
	return mm_unmap(mm_current(), a0, a1);
}

SYSCALL(mprotect)
{
	if (a2 & ~(u64)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM | PROT_GROWSDOWN | PROT_GROWSUP))
		return -EINVAL;
	/* Nothing here grows up. */
	if (a2 & PROT_GROWSUP)
		return -EINVAL;
	return mm_protect(mm_current(), a0, a1, a2 & (PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN));
}

SYSCALL(brk)
{
	struct mm *mm = mm_current();
	u64 old, new = a0, from, to;
	struct map_request rq = {
		.prot = PROT_READ | PROT_WRITE,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
	};

	/* Two threads that race get what the last one asked for, as far as mappings allow. */
	old = READ_ONCE(mm->brk);
	if (new < mm->brk_start || new >= mm->mmap_top)
		return old;
	from = ALIGN_UP(old, PAGE_SIZE);
	to = ALIGN_UP(new, PAGE_SIZE);
	if (to > from) {
		rq.addr = from;
		rq.len = to - from;
		if (mm_map(mm, &rq) < 0)
			return old;
	} else if (to < from && mm_unmap(mm, to, from - to)) {
		return old;
	}
	WRITE_ONCE(mm->brk, new);
	return new;
}

/* ---- mremap ---- */

struct move {
	struct mm *mm;
	u64 delta;
	int err;
};

static void move_leaf(void *arg, u64 ia, pa_t pa, u64 size, unsigned perm)
{
	struct move *m = arg;

	if (!m->err)
		m->err = pt_map(&m->mm->as.pt, ia + m->delta, pa, size, perm, NULL);
}

/* The table's references move along: mapped at the new place first, then removed from the old. */
static int move_pages(struct mm *mm, u64 from, u64 to, u64 len)
{
	struct move m = { mm, to - from, 0 };

	notify_begin(mm, from, from + len);
	spin_lock(&mm->pt_lock);
	/* Blocks that stick out are split now, so that nothing beyond the range is seen. */
	m.err = pt_protect(&mm->as.pt, from, len, ~0U, 0);
	if (!m.err)
		pt_for_each(&mm->as.pt, from, len, move_leaf, &m);
	if (pt_unmap(&mm->as.pt, m.err ? to : from, len, NULL, NULL))
		BUG();
	spin_unlock(&mm->pt_lock);
	notify_end(mm, from, from + len);
	return m.err;
}

struct remap {
	u64 old, old_len, new_len, flags, new_addr;
	struct list early;	/* areas that were where it moves to */
	struct uffd *moved;	/* to be told of the move; NULL: nobody */
};

/* a holds [old, old+old_len) of what is to be moved. Under mm->lock for writing. */
static s64 remap_move(struct mm *mm, struct area *a, struct remap *r, struct list *gone)
{
	u64 to = r->new_addr, len = MIN(r->old_len, r->new_len);
	struct area *b;
	int err;

	/* What is moved may stay where it was as well (old_len 0, MREMAP_DONTUNMAP). */
	if (mm->nareas >= MAX_AREAS)
		return -ENOMEM;
	if (!(r->flags & MREMAP_FIXED)) {
		/* Congruent with what it was, so that blocks stay blocks. */
		to = addr_choose(mm, 0, r->new_len, r->old);
		if (!to)
			return -ENOMEM;
	}
	err = area_split(mm, r->old);
	if (!err && r->old_len)
		err = area_split(mm, r->old + r->old_len);
	/* What is cut off goes first: it may need memory, to split a block, and so may fail. */
	if (!err && r->old_len > len)
		err = mm_zap(mm, r->old + len, r->old + r->old_len);
	a = area_find(mm, r->old);
	b = err ? NULL : area_dup(mm, a);
	if (!b)
		return -ENOMEM;
	b->start = to;
	b->end = to + r->new_len;
	err = len ? move_pages(mm, r->old, to, len) : 0;
	if (err) {
		list_add(&b->obj_link, gone);
		return err;
	}
	r->moved = uffd_moved(a, b);
	area_link(b);
	if (r->old_len && !(r->flags & MREMAP_DONTUNMAP))
		if (mm_zap(mm, r->old, r->old + r->old_len) || areas_cut(mm, r->old, r->old_len, gone))
			BUG();		/* split above, nothing is left to fail */
	area_merge(b);
	return to;
}

static s64 remap_locked(struct mm *mm, struct remap *r, struct list *gone)
{
	struct area *a = area_find(mm, r->old);
	u64 old_end = r->old + r->old_len;
	int err;

	if (!a || (r->old_len && old_end > a->end))
		return -EFAULT;
	if (!r->old_len && !area_shared(a))
		return -EINVAL;
	if ((r->flags & MREMAP_FIXED) && r->new_addr < old_end && r->old < r->new_addr + r->new_len)
		return -EINVAL;
	if ((r->flags & MREMAP_DONTUNMAP) && a->ops)
		return -EINVAL;
	if (r->flags & MREMAP_FIXED) {
		if (mm_zap(mm, r->new_addr, r->new_addr + r->new_len) ||
		    areas_cut(mm, r->new_addr, r->new_len, &r->early))
			return -ENOMEM;
		/* With old_len 0 that may have been what was to be mapped once more. */
		a = area_find(mm, r->old);
		return a ? remap_move(mm, a, r, gone) : -EFAULT;
	}
	if (r->flags & MREMAP_DONTUNMAP)
		return remap_move(mm, a, r, gone);
	if (r->old_len && r->new_len <= r->old_len) {
		if (r->new_len == r->old_len)
			return r->old;
		err = area_split(mm, r->old + r->new_len);
		if (!err)
			err = area_split(mm, old_end);
		if (!err)
			err = mm_zap(mm, r->old + r->new_len, old_end);
		return err || areas_cut(mm, r->old + r->new_len, r->old_len - r->new_len, gone) ?
			-ENOMEM : (s64)r->old;
	}
	if (r->old_len && old_end == a->end && r->old + r->new_len <= USER_END &&
	    addr_free(mm, old_end, r->new_len - r->old_len)) {
		area_move_start(a, a->start, r->old + r->new_len);
		area_merge(a);
		return r->old;
	}
	return r->flags & MREMAP_MAYMOVE ? remap_move(mm, a, r, gone) : -ENOMEM;
}

SYSCALL(mremap)
{
	struct remap r = { .old = a0, .old_len = ALIGN_UP(a1, PAGE_SIZE), .new_len = ALIGN_UP(a2, PAGE_SIZE),
		.flags = a3, .new_addr = a4 };
	struct mm *mm = mm_current();
	struct list gone;
	s64 ret;

	if ((a3 & ~(u64)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) || (r.old & ~PAGE_MASK) || !r.new_len)
		return -EINVAL;
	if ((a3 & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && !(a3 & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((a3 & MREMAP_DONTUNMAP) && r.old_len != r.new_len)
		return -EINVAL;
	if (r.old_len > USER_END || r.old > USER_END - r.old_len || r.new_len > USER_END)
		return -EINVAL;
	if (a3 & MREMAP_FIXED) {
		if ((r.new_addr & ~PAGE_MASK) || r.new_addr > USER_END - r.new_len || r.new_addr < MMAP_MIN)
			return -EINVAL;
	}
	list_init(&gone);
	list_init(&r.early);
	down_write(&mm->lock);
	ret = remap_locked(mm, &r, &gone);
	up_write(&mm->lock);
	areas_free(&r.early);
	if (r.moved)
		uffd_tell_moved(r.moved, r.old, ret, MIN(r.old_len, r.new_len));
	areas_free(&gone);
	return ret;
}

/* ---- questions and promises ---- */

/* Is all of [addr, addr+len) mapped? -EINVAL, -ENOMEM. */
static int range_check(u64 addr, u64 len)
{
	struct mm *mm = mm_current();
	u64 at = addr;

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (len > USER_END || addr > USER_END - len)
		return -ENOMEM;
	down_read(&mm->lock);
	for (struct area *a; at < addr + len && (a = area_find(mm, at)); at = a->end)
		;
	up_read(&mm->lock);
	return at < addr + len ? -ENOMEM : 0;
}

SYSCALL(msync)
{
	if ((a2 & ~(u64)(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || ((a2 & MS_ASYNC) && (a2 & MS_SYNC)))
		return -EINVAL;
	return range_check(a0, ALIGN_UP(a1, PAGE_SIZE));
}

static int lock_check(u64 addr, u64 len)
{
	u64 start = ALIGN_DOWN(addr, PAGE_SIZE), end = ALIGN_UP(addr + len, PAGE_SIZE);

	return end < start ? -EINVAL : range_check(start, end - start);
}

/* Nothing is ever paged out: locking is populating. */
SYSCALL(mlock)
{
	int err = lock_check(a0, a1);

	return err ? err : mm_populate(mm_current(), ALIGN_DOWN(a0, PAGE_SIZE), ALIGN_UP(a0 + a1, PAGE_SIZE), false);
}

SYSCALL(mlock2)
{
	if (a2 & ~(u64)MLOCK_ONFAULT)
		return -EINVAL;
	return a2 ? lock_check(a0, a1) : sys_mlock(a0, a1, 0, 0, 0, 0);
}

SYSCALL(munlock)
{
	return lock_check(a0, a1);
}

SYSCALL(mlockall)
{
	return a0 && !(a0 & ~7UL) && a0 != MCL_ONFAULT ? 0 : -EINVAL;
}

SYSCALL(munlockall)
{
	return 0;
}

SYSCALL(mincore)
{
	struct mm *mm = mm_current();
	u64 len = ALIGN_UP(a1, PAGE_SIZE);
	int err = range_check(a0, len);
	u8 vec[64];

	for (u64 done = 0, n; !err && done < len >> PAGE_SHIFT; done += n) {
		n = MIN((len >> PAGE_SHIFT) - done, sizeof(vec));
		for (u64 i = 0; i < n; i++)
			vec[i] = pt_lookup(&mm->as.pt, a0 + ((done + i) << PAGE_SHIFT), NULL, NULL, NULL);
		err = copy_to_user(a2 + done, vec, n);
	}
	return err;
}

/* One node: any policy is the same policy. */
SYSCALL(mbind)
{
	int err = (a2 & 0xffff) > 6 || (a5 & ~7UL) ? -EINVAL : range_check(a0, ALIGN_UP(a1, PAGE_SIZE));

	return err == -ENOMEM ? -EFAULT : err;
}

SYSCALL(set_mempolicy)
{
	return (a0 & 0xffff) > 6 ? -EINVAL : 0;
}

SYSCALL(get_mempolicy)
{
	u64 bytes = ALIGN_UP(a2, 64) / 8;
	int zero = 0;

	if (a4 & ~7UL)
		return -EINVAL;
	if (a0 && put_user(zero, a0))
		return -EFAULT;
	if (a1 && (bytes > PAGE_SIZE || !bytes))
		return -EINVAL;
	return a1 ? clear_user(a1, bytes) : 0;
}

void mm_print_maps(struct mm *mm, struct textbuf *t)
{
	down_read(&mm->lock);
	for (struct area *a = area_first(mm, 0); a; a = area_next(a)) {
		const char *name = a->file && a->file->path ? a->file->path : "";

		if (!a->file && a->start <= mm->brk_start && mm->brk_start < a->end && mm->brk > mm->brk_start)
			name = "[heap]";
		else if (!a->file && a->end <= mm->stack_top && a->end + PAGE_SIZE * 16 >= mm->stack_top)
			name = "[stack]";
		else if (!a->file && a->ops)
			name = "[vdso]";
		else if (!a->file && a->obj)
			name = "/dev/zero (deleted)";
		text_printf(t, "%08lx-%08lx %c%c%c%c %08lx 00:00 0 %s%s\n", (unsigned long)a->start,
			    (unsigned long)a->end, a->prot & PROT_READ ? 'r' : '-', a->prot & PROT_WRITE ? 'w' : '-',
			    a->prot & PROT_EXEC ? 'x' : '-', area_shared(a) ? 's' : 'p',
			    (unsigned long)(a->obj ? a->offset : 0), *name ? "                   " : "", name);
	}
	up_read(&mm->lock);
}
