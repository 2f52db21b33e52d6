// SPDX-License-Identifier: GPL-2.0-only
/*
 * The read and write families of calls, and copies from file to file. Locks: file->pos_lock around the use of a
 * seekable file's position.
 */
#include <linux/uio.h>

#include "linux/fs/vfs.h"

#define MAX_IOV		1024
#define SEEK_LAST	4	/* SEEK_HOLE */

static bool can_read(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_WRONLY && !(f->flags & O_PATH);
}

static bool can_write(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY && !(f->flags & O_PATH);
}

static ssize_t file_rw_at(struct file *f, struct iobuf *b, u64 *pos, bool write)
{
	ssize_t (*op)(struct file *f, struct iobuf *b, u64 *pos) = write ? f->ops->write : f->ops->read;

	if (write ? !can_write(f) : !can_read(f))
		return -EBADF;
	if (!op)
		return -EINVAL;
	if (b->user && (b->addr > USER_END || b->len > USER_END - b->addr))
		return -EFAULT;
	if (b->len > MAX_RW)
		b->len = MAX_RW;
	return op(f, b, pos);
}

static ssize_t file_rw(struct file *f, struct iobuf *b, bool write)
{
	ssize_t r;
	u64 pos = 0;

	if (f->ops->lseek) {
		mutex_lock(&f->pos_lock);
		pos = f->pos;
		r = file_rw_at(f, b, &pos, write);
		f->pos = pos;
		mutex_unlock(&f->pos_lock);
	} else {
		r = file_rw_at(f, b, &pos, write);
	}
	return r;
}

static s64 rw_done(s64 r, bool write)
{
	if (write && r == -EPIPE)
		task_send_signal(current_task(), SIGPIPE, NULL);
	return restartable(r);
}

static s64 rw_fd(int fd, u64 addr, u64 len, bool write)
{
	struct iobuf b = iobuf_user(addr, len);
	struct file *f = fd_get(fd);
	s64 r;

	if (!f)
		return -EBADF;
	r = file_rw(f, &b, write);
	file_put(f);
	return rw_done(r, write);
}

SYSCALL(read)
{
	return rw_fd(a0, a1, a2, false);
}

SYSCALL(write)
{
	return rw_fd(a0, a1, a2, true);
}

static s64 prw_fd(int fd, u64 addr, u64 len, s64 pos, bool write)
{
	struct iobuf b = iobuf_user(addr, len);
	struct file *f;
	u64 at = pos;
	s64 r;

	if (pos < 0)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	r = f->ops->lseek ? file_rw_at(f, &b, &at, write) : -ESPIPE;
	file_put(f);
	return rw_done(r, write);
}

SYSCALL(pread64)
{
	return prw_fd(a0, a1, a2, a3, false);
}

SYSCALL(pwrite64)
{
	return prw_fd(a0, a1, a2, a3, true);
}

/* Would one more segment be taken without waiting? Only the first may wait. */
static bool ready_for_more(struct file *f, bool write)
{
	return !f->ops->poll || (f->ops->poll(f, NULL) & (write ? POLLOUT : POLLIN)) ||
	       (write && !(f->flags & O_NONBLOCK));
}

static ssize_t rw_vec(struct file *f, const struct iovec *v, unsigned n, u64 *pos, bool write)
{
	ssize_t done = 0, r = 0;
	struct iobuf b;
	unsigned i;

	if (!n)
		return write ? (can_write(f) ? 0 : -EBADF) : (can_read(f) ? 0 : -EBADF);
	for (i = 0; i < n; i++) {
		if (!v[i].iov_len && n > 1)
			continue;
		if (done && !ready_for_more(f, write))
			break;
		b = iobuf_user((u64)v[i].iov_base, MIN((u64)v[i].iov_len, MAX_RW - done));
		r = file_rw_at(f, &b, pos, write);
		if (r > 0)
			done += r;
		if (r < 0 || (u64)r < v[i].iov_len)
			break;
	}
	return done ? done : r;
}

/* No segment is negative, whether it comes to be used or not. */
static s64 vec_get(struct iovec *v, u64 uvec, u64 n)
{
	u64 i;

	if (copy_from_user(v, uvec, n * sizeof(*v)))
		return -EFAULT;
	for (i = 0; i < n; i++)
		if ((s64)v[i].iov_len < 0)
			return -EINVAL;
	return 0;
}

/* With pos NULL at the file's own position. */
static s64 rwv_fd(int fd, u64 uvec, u64 n, u64 *pos, u64 flags, bool write)
{
	struct file *f = fd_get(fd);
	struct iovec *v = NULL;
	s64 r = -ENOMEM;
	u64 none = 0;

	if (!f)
		return -EBADF;
	r = write ? can_write(f) ? 0 : -EBADF : can_read(f) ? 0 : -EBADF;
	if (!r && pos && !f->ops->lseek)
		r = -ESPIPE;
	if (!r && n > MAX_IOV)
		r = -EINVAL;
	if (r)
		goto out;
	r = -ENOMEM;
	v = kmalloc((n + 1) * sizeof(*v));
	if (v)
		r = vec_get(v, uvec, n);
	/* RWF_*: hints, except for the ones refused. */
	if (!r && (flags & ~0x1fUL))
		r = -EOPNOTSUPP;
	if (r)
		goto out;
	if (pos) {
		r = rw_vec(f, v, n, pos, write);
	} else if (f->ops->lseek) {
		mutex_lock(&f->pos_lock);
		r = rw_vec(f, v, n, &f->pos, write);
		mutex_unlock(&f->pos_lock);
	} else {
		r = rw_vec(f, v, n, &none, write);
	}
out:
	kfree(v);
	file_put(f);
	return rw_done(r, write);
}

SYSCALL(readv)
{
	return rwv_fd(a0, a1, a2, NULL, 0, false);
}

SYSCALL(writev)
{
	return rwv_fd(a0, a1, a2, NULL, 0, true);
}

SYSCALL(preadv)
{
	return (s64)a3 < 0 ? -EINVAL : rwv_fd(a0, a1, a2, &a3, 0, false);
}

SYSCALL(pwritev)
{
	return (s64)a3 < 0 ? -EINVAL : rwv_fd(a0, a1, a2, &a3, 0, true);
}

static s64 rwv2(u64 fd, u64 v, u64 n, u64 pos, u64 flags, bool write)
{
	if (pos == ~0UL)
		return rwv_fd(fd, v, n, NULL, flags, write);
	return (s64)pos < 0 ? -EINVAL : rwv_fd(fd, v, n, &pos, flags, write);
}

SYSCALL(preadv2)
{
	return rwv2(a0, a1, a2, a3, a5, false);
}

SYSCALL(pwritev2)
{
	return rwv2(a0, a1, a2, a3, a5, true);
}

SYSCALL(lseek)
{
	struct file *f = fd_get(a0);
	s64 r;

	if (!f)
		return -EBADF;
	if ((u32)a2 > SEEK_LAST)
		r = -EINVAL;
	else
		r = f->ops->lseek ? f->ops->lseek(f, a1, (int)a2) : -ESPIPE;
	file_put(f);
	return r;
}

#define COPY_CHUNK	(16 * PAGE_SIZE)

/* Write all of buf, as long as it goes. Bytes, or -errno when there are none. */
static ssize_t write_all(struct file *f, char *buf, size_t n, u64 *pos)
{
	size_t done = 0;
	struct iobuf b;
	ssize_t r = 0;

	while (done < n) {
		b = iobuf_kernel(buf + done, n - done);
		r = pos ? file_rw_at(f, &b, pos, true) : file_rw(f, &b, true);
		if (r <= 0)
			break;
		done += r;
	}
	return done ? (ssize_t)done : r;
}

/* NULL positions: the files' own. What was read and could not be written stays unread where the source can seek. */
static s64 copy_files(struct file *in, u64 *ipos, struct file *out, u64 *opos, size_t len)
{
	char *buf = kmalloc(COPY_CHUNK);
	ssize_t got, put = 0;
	size_t done = 0;
	struct iobuf b;
	u64 at;

	if (!buf)
		return -ENOMEM;
	while (done < len) {
		b = iobuf_kernel(buf, MIN(len - done, COPY_CHUNK));
		at = ipos ? *ipos : in->pos;
		got = in->ops->lseek ? file_rw_at(in, &b, &at, false) : file_rw(in, &b, false);
		if (got <= 0) {
			put = got;
			break;
		}
		put = write_all(out, buf, got, opos);
		if (put > 0) {
			done += put;
			if (ipos)
				*ipos += put;
			else if (in->ops->lseek)
				in->pos += put;
		}
		if (put < got || (done < len && signal_pending()))
			break;
	}
	kfree(buf);
	return done ? (s64)done : put;
}

static s64 copy_fds(int fdin, u64 uipos, int fdout, u64 uopos, u64 len)
{
	struct file *in = fd_get(fdin), *out = fd_get(fdout);
	u64 ipos = 0, opos = 0;
	s64 r = -EBADF;

	if (!in || !out || !can_read(in) || !can_write(out))
		goto out;
	r = -EFAULT;
	if ((uipos && get_user(ipos, uipos)) || (uopos && get_user(opos, uopos)))
		goto out;
	r = -ESPIPE;
	if ((uipos && !in->ops->lseek) || (uopos && !out->ops->lseek))
		goto out;
	/* From a stream, an end of file in the middle would be swallowed: programs fall back to read and write. */
	r = -EINVAL;
	if (!in->ops->lseek)
		goto out;
	if ((s64)ipos < 0 || (s64)opos < 0 || !in->ops->read || !out->ops->write || (out->flags & O_APPEND))
		goto out;
	r = copy_files(in, uipos ? &ipos : NULL, out, uopos ? &opos : NULL, MIN(len, MAX_RW));
	if (r > 0 && ((uipos && put_user(ipos, uipos)) || (uopos && put_user(opos, uopos))))
		r = -EFAULT;
out:
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return rw_done(r, true);
}

SYSCALL(sendfile)
{
	return copy_fds(a1, a2, a0, 0, a3);
}

SYSCALL(copy_file_range)
{
	return a5 ? -EINVAL : copy_fds(a0, a1, a2, a3, a4);
}
