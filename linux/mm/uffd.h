// SPDX-License-Identifier: GPL-2.0-only
/*
 * userfaultfd: faults that another thread is asked about. Owner: linux/mm/uffd.c (descriptors, waiting), uffd_ops.c (what
 * its ioctls do to memory), uffd_event.c (what it is told of besides faults). Linux: Documentation/admin-guide/mm/userfaultfd.rst, userfaultfd(2).
 *
 * An area names its uffd without a reference: the descriptor's release takes it out of all areas, under mm->lock for
 * writing. A write-protected page carries PT_SW0 in its entry and no PT_W; the bit means something only while its area
 * is registered for write protection. u->lock is inside mm->lock; a queue's lock is inside u->lock.
 */
#pragma once

#include <linux/ioctl.h>
#include <linux/userfaultfd.h>

#include "linux/mm/internal.h"

#define PT_UFFD_WP	PT_SW0

struct uffd {
	u32 refs;			/* the descriptor, threads that wait */
	u32 flags;			/* UFFD_USER_MODE_ONLY */
	u64 features;
	bool ready;			/* UFFDIO_API was called; set once */
	bool released;
	u32 changing;			/* events on their way: until they are read, ioctls that fill memory give EAGAIN */
	struct mm *mm;			/* holds as.refs, not users */
	spinlock_t lock;		/* the lists, released */
	struct list pending, told;	/* uffd_wait: faults not yet read, and read */
	struct list events;		/* uffd_wait: events not yet read */
	struct waitq readers;
};

/* A fault that waits, on the stack of its thread. */
struct uffd_wait {
	struct list node;
	struct uffd *u;
	bool over;			/* under u->lock: in no list any more */
	struct waitq wq;
	struct uffd_msg msg;
};

/* Why somebody must be asked: area_fault's positive results. */
enum uffd_reason { UFFD_ASK_MISSING = 1, UFFD_ASK_WP, UFFD_ASK_MINOR };

/* mm->lock held for reading. A page that a may not simply have: reason, or 0. */
int uffd_reason_absent(struct area *a, u64 addr);
/*
 * Queue this fault. Positive: release mm->lock, then uffd_sleep; -EAGAIN: resolved already; -EIO: the process wants a
 * SIGBUS, or none of the kernel's own faults. mm->lock held for reading.
 */
int uffd_ask(struct area *a, u64 addr, unsigned access, int reason, struct uffd_wait *w);
/* Wait for the answer: -EAGAIN: look again; -EINTR: a signal (with intr), or a fatal one. No lock is held. */
int uffd_sleep(struct uffd_wait *w, bool intr);
/* Those that wait for an address in [start, start + len) look again. */
void uffd_wake(struct uffd *u, u64 start, u64 len);

/*
 * An event in two steps: begin with mm->lock held, when it is certain that the change will be made; end without locks,
 * returns when the event was read, when nobody can read it any more, or when the thread is to die.
 */
void uffd_event_begin(struct uffd *u);
void uffd_event_end(struct uffd *u, const struct uffd_msg *msg);
void uffd_event_cancel(struct uffd *u);		/* instead of end: nothing to tell */

/* uffd_event.c */
#define UFFD_UNMAPPED	BIT(31)		/* area->uffd_mode of an area taken out: its uffd is to be told, and is counted */
void uffd_cut(struct area *a, u64 start, u64 end);	/* unmapped as part of this range; mm->lock held for writing */
void uffd_tell_unmapped(struct list *gone);		/* areas that uffd_cut marked; no locks held */
void uffd_tell_remove(struct mm *mm, u64 start, u64 end);	/* pages of the range will go; no locks held */
/* Memory of a moves to b: b is watched, and the result to be told, if its uffd wants to know; else b is not. */
struct uffd *uffd_moved(const struct area *a, struct area *b);
void uffd_tell_moved(struct uffd *u, u64 from, u64 to, u64 len);

/* uffd_ops.c: the ioctls that change memory. They may sleep; partial results are in the structures. */
int uffd_register(struct uffd *u, struct uffdio_register *r);
int uffd_unregister(struct uffd *u, const struct uffdio_range *r);
int uffd_range_check(const struct uffdio_range *r);
void uffd_forget(struct uffd *u);		/* no area names it afterwards */
s64 uffd_copy(struct uffd *u, const struct uffdio_copy *c);	/* bytes or -errno */
s64 uffd_zeropage(struct uffd *u, const struct uffdio_zeropage *z);
s64 uffd_continue(struct uffd *u, const struct uffdio_continue *c);
int uffd_writeprotect(struct uffd *u, const struct uffdio_writeprotect *w);
