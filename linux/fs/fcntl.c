// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls on descriptors that are about neither data nor names: dup, fcntl, ioctl, getdents, sync, locks. Advisory
 * locks always succeed: there is no second machine, and what runs here does not rely on them. Locks: none.
 */
#include <asm/ioctls.h>

#include "linux/fs/vfs.h"

SYSCALL(dup)
{
	struct file *f = fd_get_any(a0);
	int fd;

	if (!f)
		return -EBADF;
	fd = fd_install(f, false);
	if (fd < 0)
		file_put(f);
	return fd;
}

SYSCALL(dup3)
{
	struct file *f;
	int fd;

	if ((int)a0 == (int)a1 || a2 & ~(u64)O_CLOEXEC)
		return -EINVAL;
	f = fd_get_any(a0);
	if (!f)
		return -EBADF;
	fd = fd_replace(a1, f, a2 & O_CLOEXEC);
	file_put(f);
	return fd;
}

#define SETFL_MASK	(O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | FASYNC)

static s64 fcntl_dupfd(struct file *f, u64 min, bool cloexec)
{
	int fd;

	if (min >= current_task()->proc->rlimit[7 /* RLIMIT_NOFILE */][0] || (int)min < 0)
		return -EINVAL;
	fd = fd_install_from(file_get(f), cloexec, min);
	if (fd < 0)
		file_put(f);
	return fd;
}

static s64 fcntl_seals(struct file *f, bool add, u32 seals)
{
	struct inode *i = f->inode;
	s64 r = 0;

	if (!i || f->ops != &reg_file_ops)
		return -EINVAL;
	if (!add)
		return i->obj->seals;
	if (seals & ~0x3fU)
		return -EINVAL;
	if ((f->flags & O_ACCMODE) == O_RDONLY)
		return -EPERM;
	mutex_lock(&i->lock);
	if (!i->sealable || (i->obj->seals & F_SEAL_SEAL))
		r = -EPERM;
	else
		r = memobj_seal(i->obj, seals);
	mutex_unlock(&i->lock);
	return r;
}

static s64 fcntl_getlk(u64 ulock)
{
	struct flock fl;

	if (copy_from_user(&fl, ulock, sizeof(fl)))
		return -EFAULT;
	fl.l_type = F_UNLCK;
	return copy_to_user(ulock, &fl, sizeof(fl));
}

s64 pipe_fcntl(struct file *f, u32 cmd, u64 arg);

static s64 do_fcntl(int fd, struct file *f, u32 cmd, u64 arg)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return fcntl_dupfd(f, arg, cmd == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return fd_flags(fd, -1);
	case F_SETFD:
		return fd_flags(fd, arg & FD_CLOEXEC) < 0 ? -EBADF : 0;
	case F_GETFL:
		return f->flags | O_LARGEFILE;
	}
	if (f->flags & O_PATH)
		return -EBADF;
	switch (cmd) {
	case F_SETFL:
		WRITE_ONCE(f->flags, (f->flags & ~SETFL_MASK) | (arg & SETFL_MASK));
		return 0;
	case F_GETLK:
	case F_OFD_GETLK:
		return fcntl_getlk(arg);
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
	case F_SETOWN:
	case F_SETSIG:
	case F_SETOWN_EX:
		return 0;
	case F_GETOWN:
	case F_GETSIG:
		return 0;
	case F_ADD_SEALS:
	case F_GET_SEALS:
		return fcntl_seals(f, cmd == F_ADD_SEALS, arg);
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
		return pipe_fcntl(f, cmd, arg);
	default:
		return -EINVAL;
	}
}

SYSCALL(fcntl)
{
	struct file *f = fd_get_any(a0);
	s64 r;

	if (!f)
		return -EBADF;
	r = do_fcntl(a0, f, a1, a2);
	file_put(f);
	return r;
}

static s64 ioctl_nbio(struct file *f, u64 arg)
{
	int on;

	if (get_user(on, arg))
		return -EFAULT;
	WRITE_ONCE(f->flags, on ? f->flags | O_NONBLOCK : f->flags & ~O_NONBLOCK);
	return 0;
}

static s64 do_ioctl(int fd, struct file *f, u32 cmd, u64 arg)
{
	s64 left;

	switch (cmd) {
	case FIONBIO:
		return ioctl_nbio(f, arg);
	case FIOASYNC:
		return 0;
	case FIOCLEX:
	case FIONCLEX:
		return fd_flags(fd, cmd == FIOCLEX ? FD_CLOEXEC : 0) < 0 ? -EBADF : 0;
	case FIONREAD:
		if (f->inode && inode_is_reg(f->inode) && f->inode->obj) {
			left = (s64)(f->inode->obj->size - f->pos);
			return put_user((int)MIN(MAX(left, 0L), 0x7fffffffL), arg);
		}
		break;
	}
	return f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;
}

SYSCALL(ioctl)
{
	struct file *f = fd_get(a0);
	s64 r;

	if (!f)
		return -EBADF;
	r = do_ioctl(a0, f, a1, a2);
	file_put(f);
	return r;
}

SYSCALL(getdents64)
{
	struct iobuf b = iobuf_user(a1, (u32)a2);
	struct file *f = fd_get(a0);
	s64 r;

	if (!f)
		return -EBADF;
	r = f->ops->getdents ? f->ops->getdents(f, &b) : -ENOTDIR;
	file_put(f);
	return r;
}

/* Calls that have nothing to do here still say which descriptors and arguments are wrong. */
static s64 check_fd(int fd)
{
	struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	file_put(f);
	return 0;
}

/* Memory is all there is: nothing to write back. Streams cannot be. */
static s64 sync_fd(int fd)
{
	struct file *f = fd_get(fd);
	s64 r;

	if (!f)
		return -EBADF;
	r = f->inode && !inode_is_fifo(f->inode) ? 0 : -EINVAL;
	file_put(f);
	return r;
}

SYSCALL(fsync)
{
	return sync_fd(a0);
}

SYSCALL(fdatasync)
{
	return sync_fd(a0);
}

SYSCALL(syncfs)
{
	return check_fd(a0);
}

SYSCALL(flock)
{
	u32 op = (u32)a1 & ~LOCK_NB;

	if (a1 & LOCK_MAND)
		return 0;
	if (op != LOCK_SH && op != LOCK_EX && op != LOCK_UN)
		return -EINVAL;
	return check_fd(a0);
}

SYSCALL(fadvise64)
{
	struct file *f = fd_get(a0);
	s64 r;

	if (!f)
		return -EBADF;
	if (!f->inode || inode_is_fifo(f->inode))
		r = f->ops->lseek ? 0 : -ESPIPE;
	else
		r = (s64)a2 < 0 || (int)a3 < 0 || (int)a3 > 5 ? -EINVAL : 0;
	file_put(f);
	return r;
}

SYSCALL(readahead)
{
	struct file *f = fd_get(a0);
	s64 r;

	if (!f)
		return -EBADF;
	if ((f->flags & O_ACCMODE) == O_WRONLY)
		r = -EBADF;
	else
		r = f->inode && inode_is_reg(f->inode) && (s64)a2 >= 0 ? 0 : -EINVAL;
	file_put(f);
	return r;
}

SYSCALL(sync)
{
	return 0;
}

SYSCALL(sync_file_range)
{
	struct file *f = fd_get(a0);
	s64 r = 0;

	if (!f)
		return -EBADF;
	if ((a3 & ~7UL) || (s64)a1 < 0 || (s64)a2 < 0 || (s64)(a1 + a2) < 0)
		r = -EINVAL;
	else if (!f->inode || inode_is_fifo(f->inode))
		r = -ESPIPE;
	file_put(f);
	return r;
}

/* No extended attributes: what asks is told that the file system has none. */
static s64 no_xattr_path(u64 uname, unsigned flags, s64 answer)
{
	struct path p;
	s64 r = path_walk_user(AT_FDCWD, uname, flags, &p);

	if (r)
		return r;
	path_put(&p);
	return answer;
}

SYSCALL(getxattr)
{
	return no_xattr_path(a0, WALK_FOLLOW, -EOPNOTSUPP);
}

SYSCALL(lgetxattr)
{
	return no_xattr_path(a0, 0, -EOPNOTSUPP);
}

SYSCALL(fgetxattr)
{
	s64 r = check_fd(a0);

	return r ? r : -EOPNOTSUPP;
}

SYSCALL(listxattr)
{
	return no_xattr_path(a0, WALK_FOLLOW, 0);
}

SYSCALL(llistxattr)
{
	return no_xattr_path(a0, 0, 0);
}

SYSCALL(flistxattr)
{
	return check_fd(a0);
}
