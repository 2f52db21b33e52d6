// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a file is, and changes of that: stat in its forms, access, readlink, mode, owner and times. Everybody is root
 * here, so only the execute bit and read-only pseudo files can deny anything. Locks: none; single words change.
 */
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/magic.h>

#include "linux/fs/vfs.h"

#define RAMFS_DEV	1
#define ANON_DEV	14

static void fill_stat(struct stat *st, const struct inode *i)
{
	u64 size = 0, pages = 0;

	memset(st, 0, sizeof(*st));
	if (i->obj) {
		size = i->obj->size;
		pages = i->obj->npages;
	} else if (i->target) {
		size = strlen(i->target);
	}
	st->st_dev = RAMFS_DEV;
	st->st_ino = i->ino;
	st->st_mode = i->mode;
	st->st_nlink = i->nlink;
	st->st_uid = i->uid;
	st->st_gid = i->gid;
	st->st_rdev = i->rdev;
	st->st_size = size;
	st->st_blksize = PAGE_SIZE;
	st->st_blocks = pages * (PAGE_SIZE / 512);
	st->st_atime = i->atime / NSEC;
	st->st_atime_nsec = i->atime % NSEC;
	st->st_mtime = i->mtime / NSEC;
	st->st_mtime_nsec = i->mtime % NSEC;
	st->st_ctime = i->ctime / NSEC;
	st->st_ctime_nsec = i->ctime % NSEC;
}

static void fill_stat_file(struct stat *st, struct file *f)
{
	if (f->inode) {
		fill_stat(st, f->inode);
		return;
	}
	memset(st, 0, sizeof(*st));
	st->st_dev = ANON_DEV;
	st->st_ino = f->number;
	st->st_mode = f->ops->mode ? f->ops->mode : 0600;
	st->st_nlink = 1;
	st->st_blksize = PAGE_SIZE;
}

static s64 stat_path(int dirfd, u64 uname, u64 flags, struct stat *st)
{
	unsigned wf = (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) | (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
	struct path p;
	s64 r;

	r = path_walk_user(dirfd, uname, wf, &p);
	if (r)
		return r;
	if (p.inode)
		fill_stat(st, p.inode);
	else
		fill_stat_file(st, p.magic);
	path_put(&p);
	return 0;
}

#define STAT_FLAGS	(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT)

SYSCALL(newfstatat)
{
	struct stat st;
	s64 r;

	if (a3 & ~(u64)STAT_FLAGS)
		return -EINVAL;
	r = stat_path(a0, a1, a3, &st);
	if (!r && copy_to_user(a2, &st, sizeof(st)))
		r = -EFAULT;
	return r;
}

SYSCALL(fstat)
{
	struct file *f = fd_get_any(a0);
	struct stat st;

	if (!f)
		return -EBADF;
	fill_stat_file(&st, f);
	file_put(f);
	return copy_to_user(a1, &st, sizeof(st));
}

static struct statx_timestamp statx_time(u64 sec, u64 nsec)
{
	return (struct statx_timestamp){ .tv_sec = sec, .tv_nsec = nsec };
}

SYSCALL(statx)
{
	struct statx x = { 0 };
	struct stat st;
	s64 r;

	if (a2 & ~(u64)(STAT_FLAGS | AT_STATX_SYNC_TYPE) || a3 & STATX__RESERVED ||
	    (a2 & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	r = stat_path(a0, a1, a2, &st);
	if (r)
		return r;
	x.stx_mask = STATX_BASIC_STATS;
	x.stx_blksize = st.st_blksize;
	x.stx_nlink = st.st_nlink;
	x.stx_uid = st.st_uid;
	x.stx_gid = st.st_gid;
	x.stx_mode = st.st_mode;
	x.stx_ino = st.st_ino;
	x.stx_size = st.st_size;
	x.stx_blocks = st.st_blocks;
	x.stx_atime = statx_time(st.st_atime, st.st_atime_nsec);
	x.stx_ctime = statx_time(st.st_ctime, st.st_ctime_nsec);
	x.stx_mtime = statx_time(st.st_mtime, st.st_mtime_nsec);
	x.stx_rdev_major = st.st_rdev >> 8 & 0xfff;
	x.stx_rdev_minor = (st.st_rdev & 0xff) | (st.st_rdev >> 12 & 0xfff00);
	x.stx_dev_minor = st.st_dev;
	return copy_to_user(a4, &x, sizeof(x));
}

static s64 put_statfs(u64 ubuf, const char *path)
{
	struct statfs s = { 0 };

	s.f_type = path && !strncmp(path, "/proc", 5) ? PROC_SUPER_MAGIC :
		   path && !strncmp(path, "/sys", 4) ? SYSFS_MAGIC : TMPFS_MAGIC;
	s.f_bsize = s.f_frsize = PAGE_SIZE;
	s.f_blocks = pages_total();
	s.f_bfree = s.f_bavail = pages_free();
	s.f_files = s.f_ffree = pages_free();
	s.f_namelen = NAME_LEN;
	return copy_to_user(ubuf, &s, sizeof(s));
}

SYSCALL(statfs)
{
	struct path p;
	s64 r = path_walk_user(AT_FDCWD, a0, WALK_FOLLOW, &p);

	if (r)
		return r;
	r = put_statfs(a1, p.full);
	path_put(&p);
	return r;
}

SYSCALL(fstatfs)
{
	struct file *f = fd_get_any(a0);
	s64 r;

	if (!f)
		return -EBADF;
	r = put_statfs(a1, f->path);
	file_put(f);
	return r;
}

static s64 do_access(int dirfd, u64 uname, u32 mode, u64 flags)
{
	unsigned wf = (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) | (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
	struct path p;
	s64 r;

	if (mode & ~7U || flags & ~(u64)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	r = path_walk_user(dirfd, uname, wf, &p);
	if (r)
		return r;
	if (p.inode && (mode & 1) && !inode_is_dir(p.inode) && !(p.inode->mode & 0111))
		r = -EACCES;
	path_put(&p);
	return r;
}

SYSCALL(faccessat)
{
	return do_access(a0, a1, a2, 0);
}

SYSCALL(faccessat2)
{
	return do_access(a0, a1, a2, a3);
}

static int read_link(struct path *p, char *buf)
{
	size_t n;

	if (!p->inode || !inode_is_link(p->inode))
		return p->magic || !*p->name ? -ENOENT : -EINVAL;
	if (p->inode->ops && p->inode->ops->readlink)
		return p->inode->ops->readlink(p->inode, buf, PATH_SIZE);
	n = strlen(p->inode->target);
	memcpy(buf, p->inode->target, n);
	return n;
}

SYSCALL(readlinkat)
{
	struct path p;
	char *buf, first;
	s64 r;

	if ((s32)a3 <= 0)
		return -EINVAL;
	if (get_user(first, a1))
		return -EFAULT;
	r = path_walk_user(a0, a1, WALK_EMPTY, &p);
	if (r)
		return r;
	buf = kmalloc(PATH_SIZE);
	r = buf ? read_link(&p, buf) : -ENOMEM;
	if (r == -EINVAL && !first)
		r = -ENOENT;	/* a directory that no name was given for */
	if (r > (s32)a3)
		r = (s32)a3;
	if (r > 0 && copy_to_user(a2, buf, r))
		r = -EFAULT;
	kfree(buf);
	path_put(&p);
	return r;
}

static void set_mode(struct inode *i, u32 mode)
{
	WRITE_ONCE(i->mode, (i->mode & S_IFMT) | (mode & 07777));
	i->ctime = now_realtime();
}

static void set_owner(struct inode *i, u32 uid, u32 gid)
{
	if (uid != ~0U)
		i->uid = uid;
	if (gid != ~0U)
		i->gid = gid;
	i->ctime = now_realtime();
}

SYSCALL(fchmod)
{
	struct file *f = fd_get(a0);

	if (!f)
		return -EBADF;
	if (f->inode)
		set_mode(f->inode, a1);
	file_put(f);
	return 0;
}

static s64 chmod_at(int dirfd, u64 uname, u32 mode, u64 flags)
{
	struct path p;
	s64 r;

	if (flags & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	r = path_walk_user(dirfd, uname, (flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) |
			   (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0), &p);
	if (r)
		return r;
	if (p.inode && inode_is_link(p.inode))
		r = -EOPNOTSUPP;
	else if (p.inode)
		set_mode(p.inode, mode);
	path_put(&p);
	return r;
}

SYSCALL(fchmodat)
{
	return chmod_at(a0, a1, a2, 0);
}

SYSCALL(fchmodat2)
{
	return chmod_at(a0, a1, a2, a3);
}

SYSCALL(fchown)
{
	struct file *f = fd_get(a0);

	if (!f)
		return -EBADF;
	if (f->inode)
		set_owner(f->inode, a1, a2);
	file_put(f);
	return 0;
}

SYSCALL(fchownat)
{
	struct path p;
	s64 r;

	if (a4 & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	r = path_walk_user(a0, a1, (a4 & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) |
			   (a4 & AT_EMPTY_PATH ? WALK_EMPTY : 0), &p);
	if (r)
		return r;
	if (p.inode)
		set_owner(p.inode, a2, a3);
	path_put(&p);
	return 0;
}

#define UTIME_NOW	0x3fffffffL
#define UTIME_OMIT	0x3ffffffeL

/* One of the two times: *t is left alone for UTIME_OMIT. */
static int one_time(const s64 ts[2], u64 *t)
{
	if (ts[1] == UTIME_OMIT)
		return 0;
	if (ts[1] == UTIME_NOW)
		*t = now_realtime();
	else if (ts[1] < 0 || ts[1] >= (s64)NSEC)
		return -EINVAL;
	else
		*t = ts[0] < 0 ? 0 : (u64)MIN(ts[0], (s64)0x200000000) * NSEC + ts[1];
	return 0;
}

SYSCALL(utimensat)
{
	s64 ts[4] = { 0, UTIME_NOW, 0, UTIME_NOW };
	u64 atime, mtime;
	struct path p = { 0 };
	struct file *f = NULL;
	struct inode *i;
	s64 r;

	if (a3 & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (a2 && copy_from_user(ts, a2, sizeof(ts)))
		return -EFAULT;
	if (!a1) {
		f = fd_get(a0);
		if (!f)
			return -EBADF;
		i = f->inode;
	} else {
		r = path_walk_user(a0, a1, (a3 & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) |
				   (a3 & AT_EMPTY_PATH ? WALK_EMPTY : 0), &p);
		if (r)
			return r;
		i = p.inode;
	}
	r = 0;
	if (i) {
		atime = i->atime;
		mtime = i->mtime;
		r = one_time(ts, &atime) | one_time(ts + 2, &mtime);
		if (!r) {
			i->atime = atime;
			i->mtime = mtime;
			i->ctime = now_realtime();
		}
	}
	if (f)
		file_put(f);
	path_put(&p);
	return r ? -EINVAL : 0;
}

SYSCALL(umask)
{
	return __atomic_exchange_n(&current_task()->proc->umask, a0 & 0777, __ATOMIC_RELAXED);
}
