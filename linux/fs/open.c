// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening, creating and closing; changing a file's size. Locks: fs_lock for writing around the creation of a name.
 */
#include <linux/falloc.h>
#include <linux/openat2.h>

#include "linux/fs/vfs.h"

static u32 current_umask(void)
{
	struct task *t = current_thread->task;

	return t ? t->proc->umask : 0;
}

/* The name is missing: make a regular file. Another thread may have been faster (-EEXIST). */
static int open_create(struct path *p, u32 mode)
{
	struct inode *i;
	int err;

	if (p->slash)
		return -EISDIR;
	if (!p->dir)
		return -ENOENT;
	if (p->dir->ops)
		return -EACCES;		/* /proc */
	i = inode_alloc(S_IFREG | (mode & 07777 & ~current_umask()));
	if (!i)
		return -ENOMEM;
	down_write(&fs_lock);
	err = dir_add(p->dir, p->name, i);
	up_write(&fs_lock);
	if (err)
		inode_put(i);
	else
		p->inode = i;
	return err;
}

/* What may be opened how; truncates. */
static int open_check(struct path *p, u32 flags)
{
	bool write = (flags & O_ACCMODE) != O_RDONLY;

	if (inode_is_link(p->inode) && !(flags & O_PATH))
		return -ELOOP;
	if ((flags & O_DIRECTORY) && !inode_is_dir(p->inode))
		return -ENOTDIR;
	if (inode_is_dir(p->inode) && !(flags & O_PATH) && (write || (flags & O_CREAT)))
		return -EISDIR;
	if ((flags & O_TRUNC) && write && !(flags & O_PATH) && inode_is_reg(p->inode) && p->inode->obj)
		return inode_truncate(p->inode, 0);
	return 0;
}

static struct file *open_tmpfile(struct path *p, u32 flags, u32 mode, int *err)
{
	struct file *f;

	if (!p->inode || !inode_is_dir(p->inode)) {
		*err = -ENOTDIR;
		return NULL;
	}
	if ((flags & O_ACCMODE) == O_RDONLY) {
		*err = -EINVAL;
		return NULL;
	}
	f = file_nameless(p->full, mode & ~current_umask(), flags & ~O_DIRECTORY);
	*err = f ? 0 : -ENOMEM;
	return f;
}

static struct file *open_path(struct path *p, u32 flags, u32 mode, int *err)
{
	bool created = false;

	if ((flags & O_TMPFILE) == O_TMPFILE)
		return open_tmpfile(p, flags, mode, err);
	*err = 0;
	if (p->magic && !p->inode)
		return file_get(p->magic);
	if (p->inode && (flags & O_CREAT) && (flags & O_EXCL)) {
		*err = -EEXIST;
		return NULL;
	}
	if (!p->inode) {
		*err = open_create(p, mode);
		created = !*err;
	}
	if (!*err && !created)
		*err = open_check(p, flags);
	return *err ? NULL : inode_open(p->inode, flags, p->full, err);
}

struct file *do_open(int dirfd, const char *name, u32 flags, u32 mode, int *err)
{
	unsigned wf = flags & O_NOFOLLOW ? 0 : WALK_FOLLOW;
	struct file *f;
	struct path p;
	int tries;

	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	/* A file without a name is to be written to. */
	if ((flags & O_ACCMODE) == O_ACCMODE || ((flags & O_TMPFILE) == O_TMPFILE && (flags & O_ACCMODE) == O_RDONLY)) {
		*err = -EINVAL;
		return NULL;
	}
	if ((flags & O_CREAT) && (flags & O_TMPFILE) != O_TMPFILE)
		wf = (flags & O_EXCL ? 0 : wf) | WALK_CREATE;
	for (tries = 0; tries < 8; tries++) {
		*err = path_walk(dirfd, name, wf, &p);
		if (*err)
			return NULL;
		f = open_path(&p, flags, mode, err);
		path_put(&p);
		/* Lost a race against another creator: that file will do. */
		if (*err != -EEXIST || (flags & O_EXCL))
			return f;
	}
	return NULL;
}

struct file *file_open(const char *path, u32 flags, u32 mode, int *err)
{
	return do_open(AT_FDCWD, path, flags, mode, err);
}

static s64 open_user(int dirfd, u64 uname, u32 flags, u32 mode)
{
	struct file *f;
	int err, fd;
	char *s = path_from_user(uname, &err);

	if (!s)
		return err;
	f = do_open(dirfd, s, flags, mode, &err);
	kfree(s);
	if (!f)
		return restartable(err);
	fd = fd_install(f, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

SYSCALL(openat)
{
	return open_user(a0, a1, a2, a3);
}

SYSCALL(openat2)
{
	struct open_how how = { 0 };
	u64 extra;

	if (a3 < sizeof(how))
		return -EINVAL;
	if (a3 > PAGE_SIZE)
		return -E2BIG;
	if (copy_from_user(&how, a2, sizeof(how)))
		return -EFAULT;
	for (; a3 > sizeof(how); a3--) {
		extra = 0;
		if (copy_from_user(&extra, a2 + a3 - 1, 1))
			return -EFAULT;
		if (extra)
			return -E2BIG;
	}
	if (how.flags >> 32 || how.mode & ~07777UL)
		return -EINVAL;
	if (how.mode && !(how.flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))))
		return -EINVAL;
	/* Confined walks (RESOLVE_BENEATH and the like) would be a promise that is not kept. */
	if (how.resolve & ~(u64)RESOLVE_CACHED)
		return -EINVAL;
	return open_user(a0, a1, how.flags, how.mode);
}

SYSCALL(close)
{
	return fd_close(a0);
}

#define CLOSE_RANGE_CLOEXEC	BIT(2)
#define CLOSE_RANGE_UNSHARE	BIT(1)

SYSCALL(close_range)
{
	if (a2 & ~(CLOSE_RANGE_CLOEXEC | CLOSE_RANGE_UNSHARE) || (u32)a0 > (u32)a1)
		return -EINVAL;
	if (a2 & CLOSE_RANGE_UNSHARE)
		return -EINVAL;		/* tables are shared only by threads */
	return fd_close_range(a0, a1, a2 & CLOSE_RANGE_CLOEXEC);
}

SYSCALL(ftruncate)
{
	struct file *f;
	s64 r;

	if ((s64)a1 < 0)
		return -EINVAL;
	f = fd_get(a0);
	if (!f)
		return -EBADF;
	if (!f->ops->truncate || (f->flags & O_ACCMODE) == O_RDONLY)
		r = -EINVAL;
	else
		r = f->ops->truncate(f, a1);
	file_put(f);
	return r;
}

SYSCALL(truncate)
{
	struct path p;
	s64 r;

	if ((s64)a1 < 0)
		return -EINVAL;
	r = path_walk_user(AT_FDCWD, a0, WALK_FOLLOW, &p);
	if (r)
		return r;
	if (p.inode && inode_is_dir(p.inode))
		r = -EISDIR;
	else if (!p.inode || !inode_is_reg(p.inode) || !p.inode->obj)
		r = -EINVAL;
	else
		r = inode_truncate(p.inode, a1);
	path_put(&p);
	return r;
}

/* Zero [pos, pos + len) of a file; its pages stay. */
static int fallocate_zero(struct inode *i, u64 pos, u64 len)
{
	u64 end = MIN(pos + len, i->obj->size);
	size_t n;
	struct page *p;

	for (; pos < end; pos += n) {
		n = MIN(PAGE_SIZE - pos % PAGE_SIZE, end - pos);
		p = memobj_page(i->obj, pos / PAGE_SIZE, false);
		if (p) {
			memset((char *)page_to_va(p) + pos % PAGE_SIZE, 0, n);
			page_put(p);
		}
	}
	return 0;
}

static int fallocate_fill(struct inode *i, u64 pos, u64 len)
{
	u64 idx;
	struct page *p;

	for (idx = pos / PAGE_SIZE; idx <= (pos + len - 1) / PAGE_SIZE; idx++) {
		if (signal_pending())
			return -EINTR;
		p = memobj_page(i->obj, idx, true);
		if (!p)
			return -ENOSPC;
		page_put(p);
	}
	return 0;
}

static s64 do_fallocate(struct inode *i, u32 mode, u64 pos, u64 len)
{
	u64 end = pos + len;
	s64 r = 0;

	mutex_lock(&i->lock);
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE) &&
	    i->obj->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		r = -EPERM;
	if (!r && !(mode & FALLOC_FL_KEEP_SIZE) && end > i->obj->size)
		r = i->obj->seals & F_SEAL_GROW ? -EPERM : memobj_resize(i->obj, end);
	if (!r && (mode & FALLOC_FL_PUNCH_HOLE))
		r = memobj_punch(i->obj, pos, len);
	else if (!r && (mode & FALLOC_FL_ZERO_RANGE))
		r = fallocate_zero(i, pos, len);
	else if (!r && pos < i->obj->size)
		r = fallocate_fill(i, pos, MIN(len, i->obj->size - pos));
	mutex_unlock(&i->lock);
	return r;
}

SYSCALL(fallocate)
{
	struct file *f;
	s64 r;

	f = fd_get(a0);
	if (!f)
		return -EBADF;
	if ((s64)a2 < 0 || (s64)a3 <= 0)
		r = -EINVAL;
	else if (a1 & ~(u64)(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		r = -EOPNOTSUPP;
	else if ((a1 & FALLOC_FL_PUNCH_HOLE) && !(a1 & FALLOC_FL_KEEP_SIZE))
		r = -EOPNOTSUPP;
	else if ((f->flags & O_ACCMODE) == O_RDONLY)
		r = -EBADF;
	else if (f->inode && inode_is_fifo(f->inode))
		r = -ESPIPE;
	else if (!f->inode || f->ops != &reg_file_ops)
		r = -ENODEV;
	else if (a2 >= MAX_FILE || a3 > MAX_FILE - a2)
		r = -EFBIG;
	else
		r = do_fallocate(f->inode, a1, a2, a3);
	file_put(f);
	return r;
}
