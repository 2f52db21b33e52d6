// SPDX-License-Identifier: GPL-2.0-only
/*
 * eventfd(2). The counter is atomic and the queue's lock does not protect it, because eventfd_take is called with
 * that lock held (irqfd) and eventfd_signal from interrupt handlers. Locks: none but the wait queue's.
 */
#include <linux/eventfd.h>

#include "linux/fs/vfs.h"

#define EVENTFD_MAX	(~0UL - 1)	/* ~0 says that the kernel overflowed it: POLLERR */

struct eventfd {
	u64 count;
	u32 refs;		/* the file's, irqfds' */
	bool semaphore;
	struct waitq wait;
};

/* Take what one read takes: 0 if there is nothing. */
static u64 take(struct eventfd *e, bool one)
{
	u64 old = READ_ONCE(e->count), new;

	do {
		if (!old)
			return 0;
		new = one ? old - 1 : 0;
	} while (!__atomic_compare_exchange_n(&e->count, &old, new, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return one ? 1 : old;
}

/* false: it would overflow. */
static bool give(struct eventfd *e, u64 n)
{
	u64 old = READ_ONCE(e->count);

	do {
		if (n > EVENTFD_MAX - MIN(old, EVENTFD_MAX))
			return false;
	} while (!__atomic_compare_exchange_n(&e->count, &old, old + n, true, __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	return true;
}

static u32 eventfd_state(struct eventfd *e)
{
	u64 n = READ_ONCE(e->count);

	return (n ? POLLIN | POLLRDNORM : 0) | (n < EVENTFD_MAX ? POLLOUT | POLLWRNORM : 0) |
	       (n == ~0UL ? POLLERR : 0);
}

static ssize_t eventfd_read(struct file *f, struct iobuf *b, u64 *pos)
{
	struct eventfd *e = f->priv;
	u64 n;
	int err;

	if (b->len < sizeof(n))
		return -EINVAL;
	n = take(e, e->semaphore);
	if (!n && (f->flags & O_NONBLOCK))
		return -EAGAIN;
	if (!n) {
		err = wait_event_interruptible(&e->wait, (n = take(e, e->semaphore)) != 0);
		if (err && !n)
			return err;
	}
	waitq_wake(&e->wait, POLLOUT | POLLWRNORM);
	err = iobuf_put(b, &n, sizeof(n));
	return err ? err : (ssize_t)sizeof(n);
}

static ssize_t eventfd_write(struct file *f, struct iobuf *b, u64 *pos)
{
	struct eventfd *e = f->priv;
	u64 n;
	int err;

	if (b->len < sizeof(n))
		return -EINVAL;
	err = iobuf_get(b, &n, sizeof(n));
	if (err)
		return err;
	if (n == ~0UL)
		return -EINVAL;
	if (!give(e, n)) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&e->wait, give(e, n));
		if (err)
			return err;
	}
	waitq_wake(&e->wait, POLLIN | POLLRDNORM);
	return sizeof(n);
}

static u32 eventfd_poll(struct file *f, struct poll_table *pt)
{
	struct eventfd *e = f->priv;

	poll_add(f, &e->wait, pt);
	return eventfd_state(e);
}

void eventfd_get(struct eventfd *e)
{
	__atomic_fetch_add(&e->refs, 1, __ATOMIC_RELAXED);
}

void eventfd_put(struct eventfd *e)
{
	if (!__atomic_sub_fetch(&e->refs, 1, __ATOMIC_ACQ_REL))
		kfree(e);
}

static void eventfd_release(struct file *f)
{
	struct eventfd *e = f->priv;

	waitq_wake(&e->wait, POLLHUP);
	eventfd_put(e);
}

static const struct file_ops eventfd_ops = {
	.name = "anon_inode:[eventfd]", .read = eventfd_read, .write = eventfd_write,
	.poll = eventfd_poll, .release = eventfd_release,
};

struct eventfd *eventfd_from_file(struct file *f)
{
	return f->ops == &eventfd_ops ? f->priv : NULL;
}

void eventfd_signal(struct eventfd *e, u64 n)
{
	u64 old = READ_ONCE(e->count);

	while (!__atomic_compare_exchange_n(&e->count, &old, n > ~0UL - old ? ~0UL : old + n, true,
					    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		;
	waitq_wake(&e->wait, POLLIN | POLLRDNORM);
}

struct waitq *eventfd_waitq(struct eventfd *e)
{
	return &e->wait;
}

u64 eventfd_take(struct eventfd *e)
{
	return take(e, false);
}

SYSCALL(eventfd2)
{
	struct eventfd *e;
	int fd;

	if (a1 & ~(u64)(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
		return -EINVAL;
	e = kzalloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->refs = 1;
	e->count = (u32)a0;
	e->semaphore = a1 & EFD_SEMAPHORE;
	waitq_init(&e->wait);
	fd = anon_fd(&eventfd_ops, e, O_RDWR | (a1 & (EFD_CLOEXEC | EFD_NONBLOCK)));
	if (fd < 0)
		kfree(e);
	return fd;
}
