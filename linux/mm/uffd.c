// SPDX-License-Identifier: GPL-2.0-only
/*
 * userfaultfd's descriptor: the handshake, read and poll, ioctls decoded; faults queued until they are answered. Locks:
 * uffd.h. A waiting thread leaves the lists itself or is taken out by who answers it, both under u->lock, so that what
 * lies on its stack is not looked at afterwards.
 */
#include "linux/fs/vfs.h"
#include "linux/mm/uffd.h"

#define UFFD_FEATURES (UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_SIGBUS |	\
		       UFFD_FEATURE_THREAD_ID | UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_EXACT_ADDRESS |	\
		       UFFD_FEATURE_WP_HUGETLBFS_SHMEM | UFFD_FEATURE_WP_UNPOPULATED |				\
		       UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP)
#define RETRY_NS	10000000UL	/* look for a fatal signal this often while another one is pending */

static struct uffd *uffd_get(struct uffd *u)
{
	__atomic_fetch_add(&u->refs, 1, __ATOMIC_RELAXED);
	return u;
}

static void uffd_put(struct uffd *u)
{
	if (__atomic_sub_fetch(&u->refs, 1, __ATOMIC_ACQ_REL))
		return;
	ASSERT(list_empty(&u->pending) && list_empty(&u->told) && list_empty(&u->events));
	aspace_put(&u->mm->as);
	kfree(u);
}

/* ---- the side of the faults ---- */

static void msg_fill(struct uffd_msg *m, const struct uffd *u, u64 addr, unsigned access, int reason)
{
	memset(m, 0, sizeof(*m));
	m->event = UFFD_EVENT_PAGEFAULT;
	m->arg.pagefault.address = u->features & UFFD_FEATURE_EXACT_ADDRESS ? addr : addr & PAGE_MASK;
	m->arg.pagefault.flags = (access & FAULT_WRITE ? UFFD_PAGEFAULT_FLAG_WRITE : 0) |
		(reason == UFFD_ASK_WP ? UFFD_PAGEFAULT_FLAG_WP : 0) |
		(reason == UFFD_ASK_MINOR ? UFFD_PAGEFAULT_FLAG_MINOR : 0);
	if (u->features & UFFD_FEATURE_THREAD_ID)
		m->arg.pagefault.feat.ptid = current_task() ? current_task()->tid : 0;
}

/* The fault is answered. u->lock held. */
static void wait_over(struct uffd_wait *w)
{
	list_del(&w->node);
	w->over = true;
	waitq_wake(&w->wq, 0);
}

/* Whoever answers first changes the entry, then looks at the lists; here the other way round. */
static bool still_missing(struct area *a, u64 addr, int reason)
{
	unsigned perm;

	if (!pt_lookup(&a->mm->as.pt, addr & PAGE_MASK, NULL, &perm, NULL))
		return reason != UFFD_ASK_WP;
	return reason == UFFD_ASK_WP && (perm & PT_UFFD_WP) && !(perm & PT_W);
}

static void wait_leave(struct uffd_wait *w)
{
	struct uffd *u = w->u;

	spin_lock(&u->lock);
	if (!w->over)
		list_del(&w->node);
	spin_unlock(&u->lock);
	uffd_put(u);
}

int uffd_ask(struct area *a, u64 addr, unsigned access, int reason, struct uffd_wait *w)
{
	struct uffd *u = a->uffd;
	bool released;

	if ((u->features & UFFD_FEATURE_SIGBUS) || ((u->flags & UFFD_USER_MODE_ONLY) && !(access & FAULT_USER)))
		return -EIO;
	w->over = false;
	waitq_init(&w->wq);
	msg_fill(&w->msg, u, addr, access, reason);
	spin_lock(&u->lock);
	released = u->released;
	if (!released) {
		w->u = uffd_get(u);
		list_add_tail(&w->node, &u->pending);
	}
	spin_unlock(&u->lock);
	if (released)
		return -EAGAIN;		/* the area forgets it in a moment */
	if (!still_missing(a, addr, reason)) {
		wait_leave(w);
		return -EAGAIN;
	}
	waitq_wake(&u->readers, POLLIN | POLLRDNORM);
	return reason;
}

/* Until it is over: 0, or an errno for a signal; without intr only for a fatal one. */
static int wait_answer(struct uffd_wait *w, bool intr)
{
	int err;

	do {
		err = wait_event_interruptible(&w->wq, READ_ONCE(w->over));
		/* For the kernel's own access only death ends the wait: nothing could be restarted. */
		if (err && !intr && !fatal_signal_pending() &&
		    !wait_event_until(&w->wq, READ_ONCE(w->over), clock_ns() + RETRY_NS))
			err = 0;
	} while (err && !intr && !fatal_signal_pending());
	return err;
}

int uffd_sleep(struct uffd_wait *w, bool intr)
{
	int err = wait_answer(w, intr);

	wait_leave(w);
	return err ? -EINTR : -EAGAIN;
}

void uffd_event_begin(struct uffd *u)
{
	uffd_get(u);
	__atomic_fetch_add(&u->changing, 1, __ATOMIC_ACQ_REL);
}

void uffd_event_cancel(struct uffd *u)
{
	__atomic_fetch_sub(&u->changing, 1, __ATOMIC_ACQ_REL);
	uffd_put(u);
}

void uffd_event_end(struct uffd *u, const struct uffd_msg *msg)
{
	struct uffd_wait w = { .u = u, .msg = *msg };

	waitq_init(&w.wq);
	spin_lock(&u->lock);
	w.over = u->released;
	if (!w.over)
		list_add_tail(&w.node, &u->events);
	spin_unlock(&u->lock);
	waitq_wake(&u->readers, POLLIN | POLLRDNORM);
	(void)wait_answer(&w, false);
	__atomic_fetch_sub(&u->changing, 1, __ATOMIC_ACQ_REL);
	wait_leave(&w);
}

static bool in_range(const struct uffd_wait *w, u64 start, u64 len)
{
	return w->msg.arg.pagefault.address - start < len;
}

void uffd_wake(struct uffd *u, u64 start, u64 len)
{
	struct uffd_wait *w, *n;

	spin_lock(&u->lock);
	list_for_each_safe(w, n, &u->pending, node)
		if (in_range(w, start, len))
			wait_over(w);
	list_for_each_safe(w, n, &u->told, node)
		if (in_range(w, start, len))
			wait_over(w);
	spin_unlock(&u->lock);
}

/* ---- the side of the descriptor ---- */

static bool has_msg(const struct uffd *u)
{
	return !list_empty(&u->pending) || !list_empty(&u->events);
}

/* Faults before events, as on Linux. An event is over when it is read. */
static bool take_msg(struct uffd *u, struct uffd_msg *m)
{
	struct uffd_wait *w;
	bool found;

	spin_lock(&u->lock);
	found = has_msg(u);
	if (found && !list_empty(&u->pending)) {
		w = list_first(&u->pending, struct uffd_wait, node);
		list_del(&w->node);
		list_add_tail(&w->node, &u->told);
		*m = w->msg;
	} else if (found) {
		w = list_first(&u->events, struct uffd_wait, node);
		*m = w->msg;
		wait_over(w);
	}
	spin_unlock(&u->lock);
	return found;
}

static ssize_t uffd_read(struct file *f, struct iobuf *b, u64 *pos)
{
	struct uffd *u = f->priv;
	struct uffd_msg m;
	ssize_t done = 0;
	int err;

	if (!__atomic_load_n(&u->ready, __ATOMIC_ACQUIRE) || b->len < sizeof(m))
		return -EINVAL;
	while (b->len >= sizeof(m)) {
		if (!take_msg(u, &m)) {
			if (done)
				return done;
			if (f->flags & O_NONBLOCK)
				return -EAGAIN;
			err = wait_event_interruptible(&u->readers, has_msg(u));
			if (err)
				return err;
			continue;
		}
		err = iobuf_put(b, &m, sizeof(m));
		if (err)
			return done ? done : err;
		done += sizeof(m);
	}
	return done;
}

/* A descriptor that blocks cannot promise anything to poll, as on Linux. */
static u32 uffd_poll(struct file *f, struct poll_table *pt)
{
	struct uffd *u = f->priv;

	poll_add(f, &u->readers, pt);
	if (!__atomic_load_n(&u->ready, __ATOMIC_ACQUIRE) || !(f->flags & O_NONBLOCK))
		return POLLERR;
	return has_msg(u) ? POLLIN | POLLRDNORM : 0;
}

static void uffd_release(struct file *f)
{
	struct uffd *u = f->priv;

	spin_lock(&u->lock);
	u->released = true;
	while (!list_empty(&u->events))
		wait_over(list_first(&u->events, struct uffd_wait, node));
	spin_unlock(&u->lock);
	uffd_forget(u);
	uffd_wake(u, 0, ~0UL);
	waitq_wake(&u->readers, POLLHUP);
	uffd_put(u);
}

static s64 ioctl_api(struct uffd *u, u64 arg)
{
	struct uffdio_api api;
	u64 features;
	bool not_yet = false;

	if (get_user(api, arg))
		return -EFAULT;
	features = api.features;
	if (api.api != UFFD_API || (features & ~(u64)UFFD_FEATURES))
		goto bad;
	api.features = UFFD_FEATURES;
	api.ioctls = UFFD_API_IOCTLS;
	if (put_user(api, arg))
		return -EFAULT;
	/* Once only: whoever comes first decides. */
	spin_lock(&u->lock);
	not_yet = !u->ready;
	if (not_yet)
		u->features = features;
	__atomic_store_n(&u->ready, true, __ATOMIC_RELEASE);
	spin_unlock(&u->lock);
	if (not_yet)
		return 0;
bad:
	memset(&api, 0, sizeof(api));
	return put_user(api, arg) ? -EFAULT : -EINVAL;
}

static s64 ioctl_register(struct uffd *u, u64 arg)
{
	struct uffdio_register r = {};
	int err;

	if (copy_from_user(&r, arg, offsetof(struct uffdio_register, ioctls)))
		return -EFAULT;
	err = uffd_register(u, &r);
	if (!err && put_user(r.ioctls, arg + offsetof(struct uffdio_register, ioctls)))
		err = -EFAULT;
	return err;
}

static s64 ioctl_unregister(struct uffd *u, u64 arg)
{
	struct uffdio_range r;

	return get_user(r, arg) ? -EFAULT : uffd_unregister(u, &r);
}

static s64 ioctl_wake(struct uffd *u, u64 arg)
{
	struct uffdio_range r;
	int err;

	if (get_user(r, arg))
		return -EFAULT;
	err = uffd_range_check(&r);
	if (!err)
		uffd_wake(u, r.start, r.len);
	return err;
}

/* What COPY, ZEROPAGE and CONTINUE do with their result: tell it at `out`, wake, say whether that was all. */
static s64 filled(struct uffd *u, u64 out, s64 done, u64 start, u64 len, bool wake)
{
	if (put_user(done, out))
		return -EFAULT;
	if (done < 0)
		return done;
	if (wake && done)
		uffd_wake(u, start, done);
	return (u64)done == len ? 0 : -EAGAIN;
}

static s64 ioctl_copy(struct uffd *u, u64 arg)
{
	struct uffdio_copy c = {};
	struct uffdio_range r;
	int err;

	if (READ_ONCE(u->changing))
		return -EAGAIN;
	if (copy_from_user(&c, arg, offsetof(struct uffdio_copy, copy)))
		return -EFAULT;
	r = (struct uffdio_range){ c.dst, c.len };
	err = uffd_range_check(&r);
	if (!err && (c.src >= USER_END || c.len > USER_END - c.src))
		err = -EINVAL;
	if (!err && (c.mode & ~(UFFDIO_COPY_MODE_DONTWAKE | UFFDIO_COPY_MODE_WP)))
		err = -EINVAL;
	if (err)
		return err;
	return filled(u, arg + offsetof(struct uffdio_copy, copy), uffd_copy(u, &c), c.dst, c.len,
		      !(c.mode & UFFDIO_COPY_MODE_DONTWAKE));
}

static s64 ioctl_zeropage(struct uffd *u, u64 arg)
{
	struct uffdio_zeropage z = {};
	int err;

	if (READ_ONCE(u->changing))
		return -EAGAIN;
	if (copy_from_user(&z, arg, offsetof(struct uffdio_zeropage, zeropage)))
		return -EFAULT;
	err = uffd_range_check(&z.range);
	if (!err && (z.mode & ~UFFDIO_ZEROPAGE_MODE_DONTWAKE))
		err = -EINVAL;
	if (err)
		return err;
	return filled(u, arg + offsetof(struct uffdio_zeropage, zeropage), uffd_zeropage(u, &z), z.range.start,
		      z.range.len, !(z.mode & UFFDIO_ZEROPAGE_MODE_DONTWAKE));
}

static s64 ioctl_continue(struct uffd *u, u64 arg)
{
	struct uffdio_continue c = {};
	int err;

	if (READ_ONCE(u->changing))
		return -EAGAIN;
	if (copy_from_user(&c, arg, offsetof(struct uffdio_continue, mapped)))
		return -EFAULT;
	err = uffd_range_check(&c.range);
	if (!err && (c.mode & ~(UFFDIO_CONTINUE_MODE_DONTWAKE | UFFDIO_CONTINUE_MODE_WP)))
		err = -EINVAL;
	if (err)
		return err;
	return filled(u, arg + offsetof(struct uffdio_continue, mapped), uffd_continue(u, &c), c.range.start,
		      c.range.len, !(c.mode & UFFDIO_CONTINUE_MODE_DONTWAKE));
}

static s64 ioctl_writeprotect(struct uffd *u, u64 arg)
{
	struct uffdio_writeprotect w;
	bool on;
	int err;

	if (READ_ONCE(u->changing))
		return -EAGAIN;
	if (get_user(w, arg))
		return -EFAULT;
	err = uffd_range_check(&w.range);
	if (err)
		return err;
	on = w.mode & UFFDIO_WRITEPROTECT_MODE_WP;
	if ((w.mode & ~(UFFDIO_WRITEPROTECT_MODE_WP | UFFDIO_WRITEPROTECT_MODE_DONTWAKE)) ||
	    (on && (w.mode & UFFDIO_WRITEPROTECT_MODE_DONTWAKE)))
		return -EINVAL;
	err = uffd_writeprotect(u, &w);
	if (!err && !w.mode)
		uffd_wake(u, w.range.start, w.range.len);
	return err;
}

static s64 uffd_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct uffd *u = f->priv;

	if (cmd == UFFDIO_API)
		return ioctl_api(u, arg);
	if (!__atomic_load_n(&u->ready, __ATOMIC_ACQUIRE))
		return -EINVAL;
	switch (cmd) {
	case UFFDIO_REGISTER:
		return ioctl_register(u, arg);
	case UFFDIO_UNREGISTER:
		return ioctl_unregister(u, arg);
	case UFFDIO_WAKE:
		return ioctl_wake(u, arg);
	case UFFDIO_COPY:
		return ioctl_copy(u, arg);
	case UFFDIO_ZEROPAGE:
		return ioctl_zeropage(u, arg);
	case UFFDIO_CONTINUE:
		return ioctl_continue(u, arg);
	case UFFDIO_WRITEPROTECT:
		return ioctl_writeprotect(u, arg);
	default:
		return -EINVAL;
	}
}

static const struct file_ops uffd_ops = {
	.name = "anon_inode:[userfaultfd]", .read = uffd_read, .poll = uffd_poll, .ioctl = uffd_ioctl,
	.release = uffd_release,
};

SYSCALL(userfaultfd)
{
	struct uffd *u;
	int fd;

	if (a0 & ~(u64)(UFFD_USER_MODE_ONLY | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	u = kzalloc(sizeof(*u));
	if (!u)
		return -ENOMEM;
	u->refs = 1;
	u->flags = a0 & UFFD_USER_MODE_ONLY;
	u->mm = mm_current();
	list_init(&u->pending);
	list_init(&u->told);
	list_init(&u->events);
	waitq_init(&u->readers);
	aspace_get(&u->mm->as);
	fd = anon_fd(&uffd_ops, u, O_RDONLY | (a0 & (O_CLOEXEC | O_NONBLOCK)));
	if (fd < 0)
		uffd_put(u);
	return fd;
}
