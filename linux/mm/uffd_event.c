// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a userfaultfd is told of besides faults: memory unmapped, moved, or emptied. Whoever causes it waits until the
 * event was read; from before the change until then the ioctls that fill memory give EAGAIN, so that nothing is filled
 * at an address that means something else by now. Locks: uffd.h. userfaultfd(2), Linux:
 * Documentation/admin-guide/mm/userfaultfd.rst.
 */
#include "linux/mm/uffd.h"

static bool wants(const struct area *a, u64 feature)
{
	return a->uffd && (a->uffd->features & feature);
}

/* ---- unmapped ---- */

void uffd_cut(struct area *a, u64 start, u64 end)
{
	if (a->mm->exiting || !wants(a, UFFD_FEATURE_EVENT_UNMAP))
		return;
	uffd_event_begin(a->uffd);
	a->uffd_mode = UFFD_UNMAPPED;
	/* It is in no tree any more; what is told is the whole range that went. */
	a->start = start;
	a->end = end;
}

void uffd_tell_unmapped(struct list *gone)
{
	struct area *a, *last = NULL;

	list_for_each(a, gone, obj_link) {
		struct uffd_msg m = {};

		if (likely(!(a->uffd_mode & UFFD_UNMAPPED)))
			continue;
		a->uffd_mode = 0;
		/* Neighbours of one range: one event. */
		if (last && last->uffd == a->uffd && last->start == a->start) {
			uffd_event_cancel(a->uffd);
			continue;
		}
		m.event = UFFD_EVENT_UNMAP;
		m.arg.remove.start = a->start;
		m.arg.remove.end = a->end;
		uffd_event_end(a->uffd, &m);
		last = a;
	}
}

/* ---- emptied ---- */

/* The next part of the range of which somebody is to be told; NULL: none is left. */
static struct uffd *next_remove(struct mm *mm, u64 start, u64 end, struct uffd_msg *m)
{
	struct uffd *u = NULL;
	struct area *a;

	down_read(&mm->lock);
	for (a = area_first(mm, start); a && a->start < end && !u; a = area_next(a)) {
		if (!wants(a, UFFD_FEATURE_EVENT_REMOVE))
			continue;
		u = a->uffd;
		uffd_event_begin(u);
		m->event = UFFD_EVENT_REMOVE;
		m->arg.remove.start = MAX(a->start, start);
		m->arg.remove.end = MIN(a->end, end);
	}
	up_read(&mm->lock);
	return u;
}

void uffd_tell_remove(struct mm *mm, u64 start, u64 end)
{
	struct uffd_msg m = {};
	struct uffd *u;

	while (start < end && (u = next_remove(mm, start, end, &m))) {
		start = m.arg.remove.end;
		uffd_event_end(u, &m);
	}
}

/* ---- moved ---- */

struct uffd *uffd_moved(const struct area *a, struct area *b)
{
	if (wants(a, UFFD_FEATURE_EVENT_REMAP)) {
		uffd_event_begin(a->uffd);
		return a->uffd;
	}
	b->uffd = NULL;
	b->uffd_mode = 0;
	return NULL;
}

void uffd_tell_moved(struct uffd *u, u64 from, u64 to, u64 len)
{
	struct uffd_msg m = { .event = UFFD_EVENT_REMAP };

	m.arg.remap.from = from;
	m.arg.remap.to = to;
	m.arg.remap.len = len;
	uffd_event_end(u, &m);
}
