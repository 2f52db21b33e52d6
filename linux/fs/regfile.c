// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regular files: a memory object with a position. Data is copied between the object's pages and the caller without
 * a bounce buffer. Locks: inode->lock for writes and size changes; reads take none (pages are counted).
 */
#include <linux/fcntl.h>

#include "linux/fs/vfs.h"

#include <linux/mman.h>

static ssize_t reg_read(struct file *f, struct iobuf *b, u64 *pos)
{
	struct memobj *o = f->inode->obj;
	size_t done = 0, n, in, got;
	struct page *p;
	u64 size;
	int err = 0;

	while (b->len && !err) {
		size = READ_ONCE(o->size);
		if (*pos >= size)
			break;
		in = *pos % PAGE_SIZE;
		n = MIN(MIN(b->len, PAGE_SIZE - in), size - *pos);
		p = memobj_page(o, *pos / PAGE_SIZE, false);
		if (p) {
			got = iobuf_put_part(b, (char *)page_to_va(p) + in, n);
			page_put(p);
		} else {
			got = iobuf_put_part(b, (char *)page_to_va(zero_page) + in, n);
		}
		*pos += got;
		done += got;
		if (got < n)
			err = -EFAULT;
	}
	return done ? (ssize_t)done : err;
}

/* One page's worth, or what the caller has of it; inode->lock held. Bytes or -errno. */
static ssize_t reg_write_page(struct inode *i, struct iobuf *b, u64 pos)
{
	size_t in = pos % PAGE_SIZE, n = MIN(b->len, PAGE_SIZE - in), got = 0;
	u64 old = i->obj->size;
	struct page *p;
	int err;

	if (pos + n > old) {
		if (i->obj->seals & F_SEAL_GROW)
			return -EPERM;
		err = memobj_resize(i->obj, pos + n);
		if (err)
			return err;
	}
	p = memobj_page(i->obj, pos / PAGE_SIZE, true);
	if (p) {
		got = iobuf_get_part(b, (char *)page_to_va(p) + in, n);
		page_put(p);
	}
	if (got < n && i->obj->size != old)
		(void)memobj_resize(i->obj, got ? MAX(old, pos + got) : old);
	return got ? (ssize_t)got : p ? -EFAULT : -ENOSPC;
}

static ssize_t reg_write(struct file *f, struct iobuf *b, u64 *pos)
{
	struct inode *i = f->inode;
	ssize_t n = 0;
	size_t done = 0;

	mutex_lock(&i->lock);
	if (f->flags & O_APPEND)
		*pos = i->obj->size;
	if (i->obj->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		n = -EPERM;
	else if (b->len && (*pos >= MAX_FILE || b->len > MAX_FILE - *pos))
		n = -EFBIG;
	while (b->len && n >= 0) {
		n = reg_write_page(i, b, *pos);
		if (n > 0) {
			*pos += n;
			done += n;
		}
	}
	if (done)
		i->mtime = i->ctime = now_realtime();
	mutex_unlock(&i->lock);
	return done ? (ssize_t)done : n < 0 ? n : 0;
}

/* SEEK_DATA, SEEK_HOLE: page by page. */
static s64 reg_seek_data(struct inode *i, s64 off, bool hole)
{
	u64 size = i->obj->size, pos = off;
	struct page *p;

	if (off < 0 || pos >= size)
		return -ENXIO;
	while (pos < size) {
		p = memobj_page(i->obj, pos / PAGE_SIZE, false);
		if (p)
			page_put(p);
		if (!p == hole)
			return pos;
		pos = ALIGN_DOWN(pos, PAGE_SIZE) + PAGE_SIZE;
	}
	return hole ? (s64)size : -ENXIO;
}

static s64 reg_lseek(struct file *f, s64 off, int whence)
{
	s64 r;

	mutex_lock(&f->pos_lock);
	switch (whence) {
	case 0:
		r = off;
		break;
	case 1:
		r = __builtin_add_overflow((s64)f->pos, off, &r) ? -EOVERFLOW : r;
		break;
	case 2:
		r = __builtin_add_overflow((s64)f->inode->obj->size, off, &r) ? -EOVERFLOW : r;
		break;
	case 3:
	case 4:
		r = reg_seek_data(f->inode, off, whence == 4);
		break;
	default:
		r = -EINVAL;
	}
	if (r < 0 && r != -ENXIO && r != -EOVERFLOW)
		r = -EINVAL;
	if (r >= 0)
		f->pos = r;
	mutex_unlock(&f->pos_lock);
	return r;
}

static int reg_mmap(struct file *f, struct map_request *rq)
{
	struct memobj *o = f->inode->obj;

	if ((rq->flags & MAP_TYPE) != MAP_PRIVATE && (rq->prot & PROT_WRITE)) {
		if ((f->flags & O_ACCMODE) != O_RDWR)
			return -EACCES;
		if (o->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
			return -EPERM;
	}
	rq->obj = o;
	return 0;
}

int inode_truncate(struct inode *i, u64 size)
{
	int err = 0;

	if (size > MAX_FILE)
		return -EFBIG;
	mutex_lock(&i->lock);
	if (size < i->obj->size && (i->obj->seals & F_SEAL_SHRINK))
		err = -EPERM;
	else if (size > i->obj->size && (i->obj->seals & F_SEAL_GROW))
		err = -EPERM;
	else if (size != i->obj->size)
		err = memobj_resize(i->obj, size);
	if (!err)
		i->mtime = i->ctime = now_realtime();
	mutex_unlock(&i->lock);
	return err;
}

static int reg_truncate(struct file *f, u64 size)
{
	return inode_truncate(f->inode, size);
}

const struct file_ops reg_file_ops = {
	.read = reg_read, .write = reg_write, .lseek = reg_lseek, .mmap = reg_mmap, .truncate = reg_truncate,
};

struct file *file_nameless(const char *path, u32 mode, u32 flags)
{
	struct inode *i = inode_alloc(S_IFREG | (mode & 07777));
	struct file *f;
	int err;

	if (!i)
		return NULL;
	f = inode_open(i, flags, path, &err);
	inode_put(i);
	return f;
}

#define MFD_CLOEXEC		0x1U
#define MFD_ALLOW_SEALING	0x2U
#define MFD_HUGETLB		0x4U
#define MFD_NOEXEC_SEAL		0x8U
#define MFD_EXEC		0x10U

SYSCALL(memfd_create)
{
	char path[7 + 250 + 11];
	struct file *f;
	ssize_t len;
	int fd;

	if (a1 & ~(u64)(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | MFD_NOEXEC_SEAL | MFD_EXEC |
			0xfc000000U))
		return -EINVAL;
	if ((a1 & MFD_EXEC) && (a1 & MFD_NOEXEC_SEAL))
		return -EINVAL;
	if (a1 & MFD_HUGETLB)
		return -ENOSYS;		/* no hugetlbfs here; memfds get 2 MiB blocks by themselves */
	memcpy(path, "/memfd:", 7);
	len = strncpy_from_user(path + 7, a0, 250);
	if (len < 0)
		return len == -ENAMETOOLONG ? -EINVAL : len;
	memcpy(path + 7 + len, " (deleted)", 11);
	f = file_nameless(path, a1 & MFD_NOEXEC_SEAL ? 0666 : 0777, O_RDWR | O_LARGEFILE);
	if (!f)
		return -ENOMEM;
	f->inode->sealable = a1 & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (!f->inode->sealable)
		f->inode->obj->seals = F_SEAL_SEAL;
	fd = fd_install(f, a1 & MFD_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}
