// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptor tables. Lookups are lock-free: under rcu_read_lock the array is followed and the file's count raised
 * unless it is zero; arrays and files are freed after a grace period. Changes take t->lock (spinlock), which
 * protects nothing else; files are dropped outside of it.
 */
#include <linux/resource.h>

#include "kernel/debug/print.h"
#include "linux/fs/vfs.h"

#define FD_FIRST	64
#define FD_MAX		(1 << 20)

struct fdarray {
	struct rcu_head rcu;
	unsigned size;
	u64 *cloexec;			/* bitmap, behind the files */
	struct file *files[];
};

struct fdtable {
	u32 refs;
	spinlock_t lock;
	unsigned hint;			/* no free descriptor below */
	struct fdarray *arr;
};

static struct fdarray *fdarray_alloc(unsigned size)
{
	struct fdarray *a = kzalloc(sizeof(*a) + size * sizeof(a->files[0]) + size / 8);

	if (!a)
		return NULL;
	a->size = size;
	a->cloexec = (u64 *)&a->files[size];
	return a;
}

static void fdarray_free_rcu(struct rcu_head *h)
{
	kfree(container_of(h, struct fdarray, rcu));
}

static bool cloexec_test(const struct fdarray *a, unsigned fd)
{
	return a->cloexec[fd / 64] >> (fd % 64) & 1;
}

static void cloexec_set(struct fdarray *a, unsigned fd, bool on)
{
	if (on)
		a->cloexec[fd / 64] |= BIT(fd % 64);
	else
		a->cloexec[fd / 64] &= ~BIT(fd % 64);
}

struct fdtable *fdtable_create(void)
{
	struct fdtable *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	t->arr = fdarray_alloc(FD_FIRST);
	if (!t->arr) {
		kfree(t);
		return NULL;
	}
	t->refs = 1;
	return t;
}

static void fdarray_copy(struct fdarray *to, const struct fdarray *from)
{
	memcpy(to->files, from->files, from->size * sizeof(from->files[0]));
	memcpy(to->cloexec, from->cloexec, from->size / 8);
}

struct fdtable *fdtable_fork(struct fdtable *old)
{
	struct fdtable *t = kzalloc(sizeof(*t));
	unsigned i, size;

	if (!t)
		return NULL;
	t->refs = 1;
	for (;;) {
		size = READ_ONCE(old->arr)->size;
		t->arr = fdarray_alloc(size);
		if (!t->arr) {
			kfree(t);
			return NULL;
		}
		spin_lock(&old->lock);
		if (old->arr->size == size)
			break;
		spin_unlock(&old->lock);
		kfree(t->arr);
	}
	fdarray_copy(t->arr, old->arr);
	for (i = 0; i < size; i++)
		if (t->arr->files[i])
			file_get(t->arr->files[i]);
	spin_unlock(&old->lock);
	return t;
}

struct fdtable *fdtable_get(struct fdtable *t)
{
	__atomic_fetch_add(&t->refs, 1, __ATOMIC_RELAXED);
	return t;
}

static void file_closed(struct file *f)
{
	if (f->ops->close)
		f->ops->close(f);
	file_put(f);
}

void fdtable_put(struct fdtable *t)
{
	unsigned i;

	if (__atomic_fetch_sub(&t->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	for (i = 0; i < t->arr->size; i++)
		if (t->arr->files[i])
			file_closed(t->arr->files[i]);
	rcu_defer(&t->arr->rcu, fdarray_free_rcu);
	kfree(t);
}

/* Take fd out of the table; NULL if it is not open. */
static struct file *fdtable_take(struct fdtable *t, unsigned fd, bool only_cloexec)
{
	struct file *f = NULL;

	spin_lock(&t->lock);
	if (fd < t->arr->size && (!only_cloexec || cloexec_test(t->arr, fd))) {
		f = t->arr->files[fd];
		WRITE_ONCE(t->arr->files[fd], NULL);
		cloexec_set(t->arr, fd, false);
		if (f && fd < t->hint)
			t->hint = fd;
	}
	spin_unlock(&t->lock);
	return f;
}

void fdtable_exec(struct fdtable *t)
{
	struct file *f;
	unsigned fd;

	for (fd = 0; fd < READ_ONCE(t->arr)->size; fd++) {
		f = fdtable_take(t, fd, true);
		if (f)
			file_closed(f);
	}
}

/* A reference unless the count has reached zero already. */
static bool file_tryget(struct file *f)
{
	u32 n = READ_ONCE(f->refs);

	while (n)
		if (__atomic_compare_exchange_n(&f->refs, &n, n + 1, true, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

struct file *fdtable_file(struct fdtable *t, int fd)
{
	struct fdarray *a;
	struct file *f = NULL;

	rcu_read_lock();
	a = rcu_deref(t->arr);
	if (fd >= 0 && (unsigned)fd < a->size) {
		f = rcu_deref(a->files[fd]);
		if (f && !file_tryget(f))
			f = NULL;
	}
	rcu_read_unlock();
	return f;
}

int fdtable_next(struct fdtable *t, int fd)
{
	int r = -1;

	if (fd < 0)
		return -1;
	spin_lock(&t->lock);
	for (; (unsigned)fd < t->arr->size; fd++) {
		if (t->arr->files[fd]) {
			r = fd;
			break;
		}
	}
	spin_unlock(&t->lock);
	return r;
}

static struct fdtable *current_fds(void)
{
	return current_task()->proc->files;
}

struct file *fd_get_any(int fd)
{
	return fdtable_file(current_fds(), fd);
}

struct file *fd_get(int fd)
{
	struct file *f = fd_get_any(fd);

	if (f && (f->flags & O_PATH)) {
		file_put(f);
		return NULL;
	}
	return f;
}

static unsigned fd_limit(void)
{
	u64 lim = current_task()->proc->rlimit[RLIMIT_NOFILE][0];

	return lim < FD_MAX ? lim : FD_MAX;
}

/* Make the array hold `fd`. Called and returns without the lock. */
static int fdtable_grow(struct fdtable *t, unsigned fd)
{
	struct fdarray *a, *old;
	unsigned size = FD_FIRST;

	while (size <= fd)
		size *= 2;
	a = fdarray_alloc(size);
	if (!a)
		return -ENOMEM;
	spin_lock(&t->lock);
	old = t->arr;
	if (old->size < size) {
		fdarray_copy(a, old);
		rcu_assign(t->arr, a);
		a = NULL;
	}
	spin_unlock(&t->lock);
	if (a)
		kfree(a);
	else
		rcu_defer(&old->rcu, fdarray_free_rcu);
	return 0;
}

int fd_room(void)
{
	struct fdtable *t = current_fds();
	unsigned fd, limit = fd_limit();

	spin_lock(&t->lock);
	fd = t->hint;
	while (fd < t->arr->size && t->arr->files[fd])
		fd++;
	spin_unlock(&t->lock);
	return fd < limit ? 0 : -EMFILE;
}

int fd_install_from(struct file *f, bool cloexec, int min)
{
	struct fdtable *t = current_fds();
	unsigned fd, limit = fd_limit();
	int err;

	for (;;) {
		spin_lock(&t->lock);
		fd = MAX((unsigned)min, t->hint);
		while (fd < t->arr->size && t->arr->files[fd])
			fd++;
		if (fd >= limit) {
			spin_unlock(&t->lock);
			return -EMFILE;
		}
		if (fd < t->arr->size)
			break;
		spin_unlock(&t->lock);
		err = fdtable_grow(t, fd);
		if (err)
			return err;
	}
	if ((unsigned)min <= t->hint)
		t->hint = fd + 1;
	cloexec_set(t->arr, fd, cloexec);
	rcu_assign(t->arr->files[fd], f);
	spin_unlock(&t->lock);
	return fd;
}

int fd_install(struct file *f, bool cloexec)
{
	return fd_install_from(f, cloexec, 0);
}

int fd_replace(int fd, struct file *f, bool cloexec)
{
	struct fdtable *t = current_fds();
	struct file *old;
	int err;

	if (fd < 0 || (unsigned)fd >= fd_limit())
		return -EBADF;
	while ((unsigned)fd >= READ_ONCE(t->arr)->size) {
		err = fdtable_grow(t, fd);
		if (err)
			return err;
	}
	file_get(f);
	spin_lock(&t->lock);
	old = t->arr->files[fd];
	cloexec_set(t->arr, fd, cloexec);
	rcu_assign(t->arr->files[fd], f);
	spin_unlock(&t->lock);
	if (old)
		file_closed(old);
	return fd;
}

int fd_close(int fd)
{
	struct file *f;

	if (fd < 0)
		return -EBADF;
	f = fdtable_take(current_fds(), fd, false);
	if (!f)
		return -EBADF;
	file_closed(f);
	return 0;
}

void fd_withdraw(int fd, struct file *f)
{
	struct fdtable *t = current_fds();
	bool ours;

	spin_lock(&t->lock);
	ours = t->arr->files[fd] == f;
	if (ours) {
		WRITE_ONCE(t->arr->files[fd], NULL);
		cloexec_set(t->arr, fd, false);
		t->hint = MIN(t->hint, (unsigned)fd);
	}
	spin_unlock(&t->lock);
	if (ours)
		file_closed(f);
}

int fd_flags(int fd, int set)
{
	struct fdtable *t = current_fds();
	int r = -EBADF;

	spin_lock(&t->lock);
	if (fd >= 0 && (unsigned)fd < t->arr->size && t->arr->files[fd]) {
		r = cloexec_test(t->arr, fd) ? FD_CLOEXEC : 0;
		if (set >= 0)
			cloexec_set(t->arr, fd, set & FD_CLOEXEC);
	}
	spin_unlock(&t->lock);
	return r;
}

int fd_close_range(unsigned first, unsigned last, bool only_cloexec)
{
	struct fdtable *t = current_fds();
	struct file *f;
	u64 fd;

	for (fd = first; fd <= last && fd < READ_ONCE(t->arr)->size; fd++) {
		if (only_cloexec) {
			fd_flags(fd, FD_CLOEXEC);
			continue;
		}
		f = fdtable_take(t, fd, false);
		if (f)
			file_closed(f);
	}
	return 0;
}
