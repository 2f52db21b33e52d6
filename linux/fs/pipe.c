// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pipes and FIFOs: a ring of pages, allocated as they are first used. head and tail count bytes since the start, so
 * that head - tail is what is in it. Locks: pipe->lock (mutex) for data; poll looks without it.
 */
#include "kernel/debug/print.h"
#include "linux/fs/vfs.h"

#define PIPE_PAGES	16
#define PIPE_PAGES_MIN	1		/* of a process that has half of what it may have in buffers */
#define PIPE_PAGES_MAX	256
#define PIPE_ATOMIC	4096UL		/* PIPE_BUF */

struct pipe {
	struct mutex lock;
	struct waitq rd, wr;		/* waiting for data, for room; both also for peers */
	u32 refs;			/* open files, and the FIFO's inode */
	unsigned readers, writers;
	u64 reader_opens, writer_opens;
	u64 head, tail;
	unsigned npages;
	char **page;
	struct process *payer;		/* whom npages are charged to */
};

static struct pipe *pipe_alloc(void)
{
	struct pipe *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->npages = PIPE_PAGES;
	p->payer = kbuf_new(PIPE_PAGES * PAGE_SIZE, 2 * KBUF_SHARE);
	if (!p->payer) {
		p->npages = PIPE_PAGES_MIN;
		p->payer = kbuf_new(PIPE_PAGES_MIN * PAGE_SIZE, KBUF_SHARE);
	}
	p->page = p->payer ? kcalloc(p->npages, sizeof(p->page[0])) : NULL;
	if (!p->page) {
		kbuf_gone(p->payer, p->npages * PAGE_SIZE);
		kfree(p);
		return NULL;
	}
	p->refs = 1;
	mutex_init(&p->lock);
	waitq_init(&p->rd);
	waitq_init(&p->wr);
	return p;
}

static void pages_free_all(char **page, unsigned n)
{
	while (n--)
		kfree(page[n]);
	kfree(page);
}

static void pipe_put(struct pipe *p)
{
	if (__atomic_fetch_sub(&p->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	pages_free_all(p->page, p->npages);
	kbuf_gone(p->payer, p->npages * PAGE_SIZE);
	kfree(p);
}

void pipe_free_inode(struct inode *i)
{
	pipe_put(i->fifo);
}

static u64 pipe_used(const struct pipe *p)
{
	return READ_ONCE(p->head) - READ_ONCE(p->tail);
}

static u64 pipe_room(const struct pipe *p)
{
	u64 used = pipe_used(p), cap = READ_ONCE(p->npages) * PAGE_SIZE;

	return used < cap ? cap - used : 0;
}

/* Where a byte of the ring is, and how many follow in the same page. NULL: no memory. */
static char *pipe_at(struct pipe *p, u64 pos, size_t *n)
{
	unsigned i = pos / PAGE_SIZE % p->npages;

	if (!p->page[i])
		p->page[i] = kmalloc(PAGE_SIZE);
	*n = PAGE_SIZE - pos % PAGE_SIZE;
	return p->page[i] ? p->page[i] + pos % PAGE_SIZE : NULL;
}

static ssize_t pipe_take(struct pipe *p, struct iobuf *b)
{
	size_t done = 0, n;
	char *s;
	int err = 0;

	while (b->len && pipe_used(p) && !err) {
		s = pipe_at(p, p->tail, &n);
		n = MIN(MIN(n, b->len), pipe_used(p));
		err = iobuf_put(b, s, n);
		if (!err) {
			done += n;
			WRITE_ONCE(p->tail, p->tail + n);
		}
	}
	return done ? (ssize_t)done : err;
}

static ssize_t pipe_give(struct pipe *p, struct iobuf *b)
{
	size_t done = 0, n;
	char *s;
	int err = 0;

	while (b->len && pipe_room(p) && !err) {
		s = pipe_at(p, p->head, &n);
		if (!s)
			return done ? (ssize_t)done : -ENOMEM;
		n = MIN(MIN(n, b->len), pipe_room(p));
		err = iobuf_get(b, s, n);
		if (!err) {
			done += n;
			WRITE_ONCE(p->head, p->head + n);
		}
	}
	return done ? (ssize_t)done : err;
}

static ssize_t pipe_read(struct file *f, struct iobuf *b, u64 *pos)
{
	struct pipe *p = f->priv;
	ssize_t r;

	if (!b->len)
		return 0;
	mutex_lock(&p->lock);
	for (;;) {
		r = pipe_take(p, b);
		if (r || !p->writers)
			break;
		r = -EAGAIN;
		if (f->flags & O_NONBLOCK)
			break;
		mutex_unlock(&p->lock);
		r = wait_event_interruptible(&p->rd, pipe_used(p) || !READ_ONCE(p->writers));
		if (r)
			return r;
		mutex_lock(&p->lock);
	}
	mutex_unlock(&p->lock);
	if (r > 0)
		waitq_wake(&p->wr, POLLOUT | POLLWRNORM);
	return r;
}

/* Up to PIPE_BUF bytes go in one piece; more go as room comes. */
static ssize_t pipe_write(struct file *f, struct iobuf *b, u64 *pos)
{
	u64 need = MIN((u64)b->len, PIPE_ATOMIC);
	struct pipe *p = f->priv;
	ssize_t r = 0;
	size_t done = 0;

	if (b->len > PIPE_ATOMIC)
		need = 1;
	mutex_lock(&p->lock);
	while (b->len) {
		r = -EPIPE;
		if (!p->readers)
			break;
		if (pipe_room(p) >= need) {
			r = pipe_give(p, b);
			if (r < 0)
				break;
			done += r;
			waitq_wake(&p->rd, POLLIN | POLLRDNORM);
			continue;
		}
		r = -EAGAIN;
		if (f->flags & O_NONBLOCK)
			break;
		mutex_unlock(&p->lock);
		r = wait_event_interruptible(&p->wr, pipe_room(p) >= need || !READ_ONCE(p->readers));
		mutex_lock(&p->lock);
		if (r)
			break;
	}
	mutex_unlock(&p->lock);
	return done ? (ssize_t)done : r;
}

static u32 pipe_poll(struct file *f, struct poll_table *pt)
{
	bool rd = (f->flags & O_ACCMODE) != O_WRONLY, wr = (f->flags & O_ACCMODE) != O_RDONLY;
	struct pipe *p = f->priv;
	u32 m = 0;

	if (rd) {
		poll_add(f, &p->rd, pt);
		if (pipe_used(p))
			m |= POLLIN | POLLRDNORM;
		if (!READ_ONCE(p->writers) && p->writer_opens)
			m |= POLLHUP;
	}
	if (wr) {
		poll_add(f, &p->wr, pt);
		if (pipe_room(p) >= PIPE_ATOMIC)
			m |= POLLOUT | POLLWRNORM;
		if (!READ_ONCE(p->readers))
			m |= POLLERR;
	}
	return m;
}

static s64 pipe_ioctl(struct file *f, u32 cmd, u64 arg)
{
	if (cmd == 0x541b /* FIONREAD */)
		return put_user((int)pipe_used(f->priv), arg);
	return -ENOTTY;
}

static void pipe_release(struct file *f)
{
	struct pipe *p = f->priv;

	mutex_lock(&p->lock);
	if ((f->flags & O_ACCMODE) != O_WRONLY)
		p->readers--;
	if ((f->flags & O_ACCMODE) != O_RDONLY)
		p->writers--;
	mutex_unlock(&p->lock);
	waitq_wake(&p->rd, POLLHUP | POLLIN);
	waitq_wake(&p->wr, POLLERR | POLLOUT);
	pipe_put(p);
}

static const struct file_ops pipe_ops = {
	.name = "pipe:", .mode = S_IFIFO | 0600, .read = pipe_read, .write = pipe_write, .poll = pipe_poll,
	.ioctl = pipe_ioctl, .release = pipe_release,
};

static const struct file_ops fifo_ops = {
	.read = pipe_read, .write = pipe_write, .poll = pipe_poll, .ioctl = pipe_ioctl, .release = pipe_release,
};

/* Bytes are copied to the start of a new ring. p->lock held. */
static s64 pipe_resize(struct pipe *p, u64 size)
{
	u64 used = pipe_used(p), more;
	unsigned n = PIPE_PAGES / 16, i;
	struct pipe new;
	size_t len;
	char *s;

	while (n * PAGE_SIZE < size)
		n *= 2;
	if (n > PIPE_PAGES_MAX)
		return -EPERM;
	if (n * PAGE_SIZE < used)
		return -EBUSY;
	new.npages = n;
	new.head = new.tail = 0;
	more = n > p->npages ? (n - p->npages) * PAGE_SIZE : 0;
	if (more && !kbuf_charge(p->payer, more))
		return -EPERM;
	new.page = kcalloc(n, sizeof(new.page[0]));
	if (!new.page) {
		kbuf_uncharge(p->payer, more);
		return -ENOMEM;
	}
	/* Pages of the ring first, so that nothing can fail with half of the bytes moved. */
	for (i = 0; i * PAGE_SIZE < used; i++) {
		new.page[i] = kmalloc(PAGE_SIZE);
		if (!new.page[i]) {
			pages_free_all(new.page, n);
			kbuf_uncharge(p->payer, more);
			return -ENOMEM;
		}
	}
	while (pipe_used(p)) {
		struct iobuf b;

		s = pipe_at(&new, new.head, &len);
		b = iobuf_kernel(s, MIN(len, pipe_used(p)));
		new.head += pipe_take(p, &b);
	}
	pages_free_all(p->page, p->npages);
	if (n < p->npages)
		kbuf_uncharge(p->payer, (p->npages - n) * PAGE_SIZE);
	p->page = new.page;
	WRITE_ONCE(p->tail, 0);
	WRITE_ONCE(p->head, new.head);
	WRITE_ONCE(p->npages, n);
	return (s64)(n * PAGE_SIZE);
}

s64 pipe_fcntl(struct file *f, u32 cmd, u64 arg);
s64 pipe_fcntl(struct file *f, u32 cmd, u64 arg)
{
	struct pipe *p = f->priv;
	s64 r;

	if (f->ops != &pipe_ops && f->ops != &fifo_ops)
		return -EBADF;
	if (cmd == F_GETPIPE_SZ)
		return (s64)(READ_ONCE(p->npages) * PAGE_SIZE);
	if (!arg || arg > 1U << 31)
		return -EINVAL;
	mutex_lock(&p->lock);
	r = pipe_resize(p, arg);
	mutex_unlock(&p->lock);
	waitq_wake(&p->wr, POLLOUT | POLLWRNORM);
	return r;
}

/* The inode's pipe, made at the first open. */
static struct pipe *fifo_pipe(struct inode *i)
{
	mutex_lock(&i->lock);
	if (!i->fifo)
		i->fifo = pipe_alloc();
	mutex_unlock(&i->lock);
	return i->fifo;
}

struct file *fifo_open(struct inode *i, u32 flags, int *err)
{
	bool rd = (flags & O_ACCMODE) != O_WRONLY, wr = (flags & O_ACCMODE) != O_RDONLY;
	struct pipe *p = fifo_pipe(i);
	struct file *f;
	bool alone;
	u64 seen;

	*err = -ENOMEM;
	if (!p)
		return NULL;
	f = file_alloc(&fifo_ops, p, flags);
	if (!f)
		return NULL;
	__atomic_fetch_add(&p->refs, 1, __ATOMIC_RELAXED);
	mutex_lock(&p->lock);
	p->readers += rd;
	p->reader_opens += rd;
	p->writers += wr;
	p->writer_opens += wr;
	seen = rd ? p->writer_opens : p->reader_opens;
	alone = rd ? !p->writers : !p->readers;
	*err = 0;
	if (!rd && !p->readers && (flags & O_NONBLOCK))
		*err = -ENXIO;
	mutex_unlock(&p->lock);
	waitq_wake(&p->rd, 0);
	waitq_wake(&p->wr, 0);
	/* A peer that was there, or has come and gone meanwhile, is enough. */
	if (*err || !alone || (flags & O_NONBLOCK))
		;
	else if (rd && !wr)
		*err = wait_event_interruptible(&p->rd, READ_ONCE(p->writers) ||
						READ_ONCE(p->writer_opens) != seen);
	else if (wr && !rd)
		*err = wait_event_interruptible(&p->wr, READ_ONCE(p->readers) ||
						READ_ONCE(p->reader_opens) != seen);
	if (*err) {
		file_put(f);
		return NULL;
	}
	return f;
}

static struct file *pipe_end(struct pipe *p, u32 flags)
{
	struct file *f = file_alloc(&pipe_ops, p, flags);

	if (f)
		__atomic_fetch_add(&p->refs, 1, __ATOMIC_RELAXED);
	return f;
}

static int pipe_install(struct file *rd, struct file *wr, bool cloexec, u64 ufds)
{
	int fd[2];

	fd[0] = fd_install(file_get(rd), cloexec);
	if (fd[0] < 0) {
		file_put(rd);
		return fd[0];
	}
	fd[1] = fd_install(file_get(wr), cloexec);
	if (fd[1] < 0) {
		file_put(wr);
		fd_close(fd[0]);
		return fd[1];
	}
	if (copy_to_user(ufds, fd, sizeof(fd))) {
		fd_close(fd[0]);
		fd_close(fd[1]);
		return -EFAULT;
	}
	return 0;
}

SYSCALL(pipe2)
{
	u32 flags = a1 & (O_NONBLOCK | O_DIRECT);
	struct file *rd, *wr;
	struct pipe *p;
	int err = -ENOMEM;

	if (a1 & ~(u64)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	p = pipe_alloc();
	if (!p)
		return -ENFILE;	/* as Linux */
	p->readers = p->writers = 1;
	p->reader_opens = p->writer_opens = 1;
	rd = pipe_end(p, O_RDONLY | flags);
	wr = pipe_end(p, O_WRONLY | flags);
	if (rd && wr)
		err = pipe_install(rd, wr, a1 & O_CLOEXEC, a0);
	if (rd)
		file_put(rd);
	if (wr)
		file_put(wr);
	pipe_put(p);
	return err;
}
