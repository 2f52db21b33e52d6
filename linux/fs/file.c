// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open files: allocation, references, buffers. A file is freed after an RCU grace period, so that descriptor lookups
 * need no lock (fdtable.c). Locks: none of its own.
 */
#include <linux/time_types.h>

#include "kernel/debug/print.h"
#include "linux/fs/vfs.h"

int iobuf_put(struct iobuf *b, const void *src, size_t n)
{
	ASSERT(n <= b->len);
	if (b->user) {
		if (copy_to_user(b->addr, src, n))
			return -EFAULT;
	} else {
		memcpy((void *)b->addr, src, n);
	}
	b->addr += n;
	b->len -= n;
	return 0;
}

int iobuf_get(struct iobuf *b, void *dst, size_t n)
{
	ASSERT(n <= b->len);
	if (b->user) {
		if (copy_from_user(dst, b->addr, n))
			return -EFAULT;
	} else {
		memcpy(dst, (void *)b->addr, n);
	}
	b->addr += n;
	b->len -= n;
	return 0;
}

size_t iobuf_put_part(struct iobuf *b, const void *src, size_t n)
{
	ASSERT(n <= b->len);
	if (b->user)
		n -= copy_to_user_partial(b->addr, src, n);
	else
		memcpy((void *)b->addr, src, n);
	b->addr += n;
	b->len -= n;
	return n;
}

size_t iobuf_get_part(struct iobuf *b, void *dst, size_t n)
{
	ASSERT(n <= b->len);
	if (b->user)
		n -= copy_from_user_partial(dst, b->addr, n);
	else
		memcpy(dst, (void *)b->addr, n);
	b->addr += n;
	b->len -= n;
	return n;
}

struct file *file_alloc(const struct file_ops *ops, void *priv, u32 flags)
{
	static u64 last;
	struct file *f = kzalloc(sizeof(*f));

	if (!f)
		return NULL;
	f->refs = 1;
	f->flags = flags;
	f->number = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
	f->ops = ops;
	f->priv = priv;
	mutex_init(&f->pos_lock);
	waitq_init(&f->epolls);
	return f;
}

struct file *file_get(struct file *f)
{
	u32 old = __atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);

	ASSERT(old > 0 && old < 0x7fffffff);
	return f;
}

static void file_free_rcu(struct rcu_head *h)
{
	kfree(container_of(h, struct file, rcu));
}

void file_put(struct file *f)
{
	u32 old = __atomic_fetch_sub(&f->refs, 1, __ATOMIC_ACQ_REL);

	ASSERT(old > 0);
	if (old != 1)
		return;
	if (f->epolled)
		epoll_file_gone(f);
	if (f->ops->release)
		f->ops->release(f);
	inode_put(f->inode);
	kfree(f->path);
	rcu_defer(&f->rcu, file_free_rcu);
}

int anon_fd(const struct file_ops *ops, void *priv, u32 flags)
{
	struct file *f = file_alloc(ops, priv, flags & ~O_CLOEXEC);
	int fd;

	if (!f)
		return -ENOMEM;
	fd = fd_install(f, flags & O_CLOEXEC);
	if (fd < 0)
		kfree(f);	/* never published; priv stays the caller's */
	return fd;
}

ssize_t file_pread(struct file *f, void *buf, size_t n, u64 pos)
{
	struct iobuf b = iobuf_kernel(buf, n);

	if (!f->ops->read)
		return -EINVAL;
	return f->ops->read(f, &b, &pos);
}

u32 file_poll(struct file *f, struct poll_table *pt)
{
	if (!f->ops->poll)
		return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
	return f->ops->poll(f, pt);
}

void poll_add(struct file *f, struct waitq *q, struct poll_table *pt)
{
	if (pt && pt->add)
		pt->add(pt, f, q);
}

u64 now_realtime(void)
{
	return clock_ns() + clock_realtime_offset_ns();
}

int timespec_from_user(u64 uaddr, u64 *ns)
{
	struct __kernel_timespec ts;

	if (copy_from_user(&ts, uaddr, sizeof(ts)))
		return -EFAULT;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= (long long)NSEC)
		return -EINVAL;
	if ((u64)ts.tv_sec >= (1UL << 63) / NSEC)
		*ns = 1UL << 63;
	else
		*ns = (u64)ts.tv_sec * NSEC + (u64)ts.tv_nsec;
	return 0;
}

int timespec_to_user(u64 uaddr, u64 ns)
{
	struct __kernel_timespec ts = { .tv_sec = ns / NSEC, .tv_nsec = ns % NSEC };

	return copy_to_user(uaddr, &ts, sizeof(ts));
}
