// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a userfaultfd's ioctls do to the memory it watches: registration of areas, pages put in, write protection. The
 * memory may be another process's (the descriptor was passed on): its mm is live only while mm_get_live says so. Long
 * ranges are done page by page with mm->lock released in between; each page looks its area up again.
 */
#include "linux/fs/vfs.h"
#include "linux/mm/uffd.h"

#define MODE_FLAGS	(UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP | UFFDIO_REGISTER_MODE_MINOR)
#define WP_STEP		BLOCK_SIZE	/* per hold of mm->lock */

int uffd_range_check(const struct uffdio_range *r)
{
	if ((r->start & ~PAGE_MASK) || (r->len & ~PAGE_MASK) || !r->len)
		return -EINVAL;
	return r->start < MMAP_MIN || r->start >= USER_END || r->len > USER_END - r->start ? -EINVAL : 0;
}

int uffd_reason_absent(struct area *a, u64 addr)
{
	u32 mode = a->uffd_mode;
	struct page *p;

	if (area_anon(a))
		return mode & UFFDIO_REGISTER_MODE_MISSING ? UFFD_ASK_MISSING : 0;
	if (!(mode & (UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_MINOR)))
		return 0;
	if (area_index(a, addr) >= ALIGN_UP(READ_ONCE(a->obj->size), PAGE_SIZE) >> PAGE_SHIFT)
		return 0;	/* a SIGBUS, not a question */
	p = memobj_page(a->obj, area_index(a, addr), false);
	if (!p)
		return mode & UFFDIO_REGISTER_MODE_MISSING ? UFFD_ASK_MISSING : 0;
	page_put(p);
	return mode & UFFDIO_REGISTER_MODE_MINOR ? UFFD_ASK_MINOR : 0;
}

/* ---- registration, mm->lock held for writing ---- */

static int area_suits(const struct area *a, const struct uffd *u, u64 mode)
{
	if (a->ops || ((mode & UFFDIO_REGISTER_MODE_MINOR) && !a->obj))
		return -EINVAL;
	if (a->flags & AREA_NOWRITE)
		return -EPERM;
	return a->uffd && a->uffd != u ? -EBUSY : 0;
}

/* Marks that an earlier registration left mean nothing to this one. */
static int wp_clear(struct mm *mm, u64 start, u64 end)
{
	return mm_set_perm(mm, start, end, ~(unsigned)PT_UFFD_WP, 0);
}

static int register_range(struct uffd *u, u64 start, u64 end, u64 mode)
{
	struct mm *mm = u->mm;
	struct area *a = area_first(mm, start);
	int err = a && a->start < end ? 0 : -EINVAL;

	for (; !err && a && a->start < end; a = area_next(a))
		err = area_suits(a, u, mode);
	if (!err)
		err = area_split(mm, start);
	if (!err)
		err = area_split(mm, end);
	for (a = err ? NULL : area_first(mm, start); !err && a && a->start < end; a = area_next(a)) {
		if ((mode & UFFDIO_REGISTER_MODE_WP) && !(a->uffd_mode & UFFDIO_REGISTER_MODE_WP))
			err = wp_clear(mm, a->start, a->end);
		if (err)
			break;
		a->uffd = u;
		a->uffd_mode = mode;
		if (a->obj)
			WRITE_ONCE(a->obj->no_blocks, true);
		a = area_merge(a);
	}
	return err;
}

int uffd_register(struct uffd *u, struct uffdio_register *r)
{
	int err;

	if (!r->mode || (r->mode & ~MODE_FLAGS))
		return -EINVAL;
	err = uffd_range_check(&r->range);
	if (err)
		return err;
	if (!mm_get_live(u->mm))
		return -ENOMEM;
	down_write(&u->mm->lock);
	err = u->mm->exiting ? -ENOMEM : register_range(u, r->range.start, r->range.start + r->range.len, r->mode);
	up_write(&u->mm->lock);
	mm_put(u->mm);
	r->ioctls = 1UL << _UFFDIO_WAKE | 1UL << _UFFDIO_COPY | 1UL << _UFFDIO_ZEROPAGE;
	if (r->mode & UFFDIO_REGISTER_MODE_WP)
		r->ioctls |= 1UL << _UFFDIO_WRITEPROTECT;
	if (r->mode & UFFDIO_REGISTER_MODE_MINOR)
		r->ioctls |= 1UL << _UFFDIO_CONTINUE;
	return err;
}

static int unregister_range(struct mm *mm, u64 start, u64 end)
{
	struct area *a = area_first(mm, start);
	int err = a && a->start < end ? 0 : -EINVAL;

	for (; !err && a && a->start < end; a = area_next(a))
		if (a->ops)
			err = -EINVAL;
	if (!err)
		err = area_split(mm, start);
	if (!err)
		err = area_split(mm, end);
	for (a = err ? NULL : area_first(mm, start); a && a->start < end; a = area_next(a)) {
		struct uffd *had = a->uffd;

		if (!had)
			continue;
		a->uffd = NULL;
		a->uffd_mode = 0;
		uffd_wake(had, a->start, a->end - a->start);
		a = area_merge(a);
	}
	return err;
}

int uffd_unregister(struct uffd *u, const struct uffdio_range *r)
{
	int err = uffd_range_check(r);

	if (err)
		return err;
	if (!mm_get_live(u->mm))
		return -ENOMEM;
	down_write(&u->mm->lock);
	err = unregister_range(u->mm, r->start, r->start + r->len);
	up_write(&u->mm->lock);
	mm_put(u->mm);
	return err;
}

void uffd_forget(struct uffd *u)
{
	if (!mm_get_live(u->mm))
		return;
	down_write(&u->mm->lock);
	for (struct area *a = area_first(u->mm, 0); a; a = area_next(a)) {
		if (a->uffd != u)
			continue;
		a->uffd = NULL;
		a->uffd_mode = 0;
		a = area_merge(a);
	}
	up_write(&u->mm->lock);
	mm_put(u->mm);
}

/* ---- pages put in ---- */

/* All of the range is in one area that somebody watches, and that can do what is asked. mm->lock held. */
static int target_check(const struct uffd *u, u64 start, u64 len, bool wp, bool cont)
{
	struct area *a = u->mm->exiting ? NULL : area_find(u->mm, start);

	if (READ_ONCE(u->changing))
		return -EAGAIN;
	if (!a || start + len > a->end || !a->uffd)
		return -ENOENT;
	if ((wp && !(a->uffd_mode & UFFDIO_REGISTER_MODE_WP)) || (cont && !a->obj))
		return -EINVAL;
	return 0;
}

static int target_check_unlocked(const struct uffd *u, u64 start, u64 len, bool wp, bool cont)
{
	int err;

	down_read(&u->mm->lock);
	err = target_check(u, start, len, wp, cont);
	up_read(&u->mm->lock);
	return err;
}

/* The whole page at addr becomes p, whose reference this takes. */
static int put_page(struct uffd *u, u64 addr, struct page *p, bool wp)
{
	struct mm *mm = u->mm;
	int err;

	down_read(&mm->lock);
	err = target_check(u, addr, PAGE_SIZE, wp, false);
	if (err)
		page_put(p);
	else
		err = area_fill(mm, area_find(mm, addr), addr, p, wp ? PT_UFFD_WP : 0);
	up_read(&mm->lock);
	return err;
}

s64 uffd_copy(struct uffd *u, const struct uffdio_copy *c)
{
	bool wp = c->mode & UFFDIO_COPY_MODE_WP;
	s64 done = 0;
	int err;

	if (!mm_get_live(u->mm))
		return -ESRCH;
	err = target_check_unlocked(u, c->dst, c->len, wp, false);
	while (!err && (u64)done < c->len) {
		struct page *p = page_alloc(0, 0);

		if (!p)
			err = -ENOMEM;
		else if (copy_from_user(page_to_va(p), c->src + done, PAGE_SIZE))
			err = -EFAULT;
		if (p && err)
			page_put(p);
		if (!err)
			err = put_page(u, c->dst + done, p, wp);
		if (!err)
			done += PAGE_SIZE;
		if (!err && fatal_signal_pending())
			err = -EINTR;
	}
	mm_put(u->mm);
	return done ? done : err;
}

s64 uffd_zeropage(struct uffd *u, const struct uffdio_zeropage *z)
{
	s64 done = 0;
	int err;

	if (!mm_get_live(u->mm))
		return -ESRCH;
	err = target_check_unlocked(u, z->range.start, z->range.len, false, false);
	while (!err && (u64)done < z->range.len) {
		err = put_page(u, z->range.start + done, zero_page, false);
		if (!err)
			done += PAGE_SIZE;
		if (!err && fatal_signal_pending())
			err = -EINTR;
	}
	mm_put(u->mm);
	return done ? done : err;
}

s64 uffd_continue(struct uffd *u, const struct uffdio_continue *c)
{
	bool wp = c->mode & UFFDIO_CONTINUE_MODE_WP;
	s64 done = 0;
	int err;

	if (!mm_get_live(u->mm))
		return -ESRCH;
	err = target_check_unlocked(u, c->range.start, c->range.len, wp, true);
	while (!err && (u64)done < c->range.len) {
		u64 at = c->range.start + done;

		down_read(&u->mm->lock);
		err = target_check(u, at, PAGE_SIZE, wp, true);
		if (!err)
			err = area_map_present(u->mm, area_find(u->mm, at), at, wp ? PT_UFFD_WP : 0);
		up_read(&u->mm->lock);
		if (err == -ENOENT)
			err = -EFAULT;		/* the object has no page there */
		if (!err)
			done += PAGE_SIZE;
		if (!err && fatal_signal_pending())
			err = -EINTR;
	}
	mm_put(u->mm);
	return done ? done : err;
}

/* ---- write protection ---- */

/*
 * Entries that are not there yet and must remember it: pages of the object, which is given those that it lacks unless
 * missing ones are asked about first; the zero page in anonymous memory if that was wanted.
 */
static int wp_populate(struct uffd *u, struct area *a, u64 start, u64 end)
{
	bool zero = area_anon(a) && (u->features & UFFD_FEATURE_WP_UNPOPULATED);
	int err = 0;

	if (!zero && !a->obj)
		return 0;
	for (u64 at = start; !err && at < end; at += PAGE_SIZE) {
		if (pt_lookup(&a->mm->as.pt, at, NULL, NULL, NULL))
			continue;
		if (zero)
			err = area_fill(a->mm, a, at, zero_page, PT_UFFD_WP);
		else
			err = area_map_present(a->mm, a, at, PT_UFFD_WP);
		if (err == -ENOENT && area_shared(a) && !(a->uffd_mode & UFFDIO_REGISTER_MODE_MISSING))
			err = area_fill(a->mm, a, at, zero_page, PT_UFFD_WP);
		if (err == -EEXIST || err == -ENOENT || err == -EFAULT)
			err = 0;
	}
	return err;
}

/* Entries exist before they are protected: a fault in between does not get away with the right to write. */
static int wp_area(struct uffd *u, struct area *a, u64 start, u64 end, bool on)
{
	int err = on ? wp_populate(u, a, start, end) : 0;

	if (err)
		return err;
	if (on)
		return mm_set_perm(a->mm, start, end, ~(unsigned)PT_W, PT_UFFD_WP);
	return mm_set_perm(a->mm, start, end, ~(unsigned)PT_UFFD_WP, 0);
}

int uffd_writeprotect(struct uffd *u, const struct uffdio_writeprotect *w)
{
	u64 at = w->range.start, end = at + w->range.len;
	bool on = w->mode & UFFDIO_WRITEPROTECT_MODE_WP, any = false;
	int err = 0;

	if (!mm_get_live(u->mm))
		return -ESRCH;
	while (!err && at < end) {
		struct area *a;

		down_read(&u->mm->lock);
		a = u->mm->exiting ? NULL : area_first(u->mm, at);
		if (READ_ONCE(u->changing)) {
			err = -EAGAIN;
		} else if (!a || a->start >= end) {
			err = any ? 0 : -ENOENT;
			at = end;
		} else if (!(a->uffd_mode & UFFDIO_REGISTER_MODE_WP)) {
			err = -ENOENT;
		} else {
			u64 from = MAX(at, a->start), to = MIN(MIN(a->end, end), ALIGN_DOWN(from, WP_STEP) + WP_STEP);

			err = wp_area(u, a, from, to, on);
			any = true;
			at = to;
		}
		up_read(&u->mm->lock);
		if (!err && fatal_signal_pending())
			err = -EINTR;
	}
	mm_put(u->mm);
	return err;
}
