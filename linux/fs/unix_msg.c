// SPDX-License-Identifier: GPL-2.0-only
/* sendmsg and recvmsg of UNIX sockets, with descriptors (SCM_RIGHTS). Locks: none here; see unix.h. */
#include <asm/socket.h>
#include <linux/uio.h>

#include "linux/fs/unix.h"

#define MSG_PEEK		2
#define MSG_CTRUNC		8
#define MSG_DONTWAIT		0x40
#define MSG_WAITALL		0x100
#define MSG_NOSIGNAL		0x4000
#define MSG_CMSG_CLOEXEC	0x40000000
#define SCM_RIGHTS		1
#define MAX_IOV			1024

/* The kernel's own names for these are not in the UAPI headers. */
struct umsghdr {
	u64 name;
	u32 namelen, pad;
	u64 iov, iovlen, control, controllen;
	u32 flags, pad2;
};

struct ucmsghdr {
	u64 len;
	u32 level, type;
};

static int add_right(struct unix_rights *r, int fd)
{
	struct file *f = fd_get_any(fd);

	if (!f)
		return -EBADF;
	if (f->ops == &usock_ops) {
		file_put(f);
		return -ETOOMANYREFS;	/* see unix.c */
	}
	r->files[r->n++] = f;
	return __atomic_add_fetch(&unix_inflight, 1, __ATOMIC_RELAXED) > UNIX_INFLIGHT ? -ETOOMANYREFS : 0;
}

/* Descriptors of the control buffer: NULL and *err 0 when there are none. */
static struct unix_rights *get_rights(u64 control, u64 len, int *err)
{
	struct unix_rights *r;
	struct ucmsghdr h;
	unsigned i, n;
	int fd;

	*err = 0;
	if (!control || len < sizeof(h))
		return NULL;
	*err = -EFAULT;
	if (copy_from_user(&h, control, sizeof(h)))
		return NULL;
	*err = -EINVAL;
	if (h.len < sizeof(h) || h.len > len || h.level != SOL_SOCKET || h.type != SCM_RIGHTS)
		return NULL;
	n = MIN((h.len - sizeof(h)) / sizeof(fd), UNIX_MAX_FDS + 1UL);
	if (n > UNIX_MAX_FDS)
		return NULL;
	*err = -ENOMEM;
	r = kzalloc(sizeof(*r) + n * sizeof(r->files[0]));
	if (!r)
		return NULL;
	*err = 0;
	for (i = 0; i < n && !*err; i++) {
		*err = -EFAULT;
		if (!get_user(fd, control + sizeof(h) + i * sizeof(fd)))
			*err = add_right(r, fd);
	}
	if (*err) {
		unix_rights_free(r);
		return NULL;
	}
	return r;
}

static struct iovec *get_iov(const struct umsghdr *m, int *err)
{
	struct iovec *v;

	*err = -EMSGSIZE;
	if (m->iovlen > MAX_IOV)
		return NULL;
	*err = -ENOMEM;
	v = kmalloc((m->iovlen + 1) * sizeof(*v));
	if (!v)
		return NULL;
	*err = 0;
	if (copy_from_user(v, m->iov, m->iovlen * sizeof(*v))) {
		kfree(v);
		*err = -EFAULT;
		return NULL;
	}
	return v;
}

s64 usock_sendmsg(struct file *f, u64 umsg, u32 flags)
{
	bool wait = !(flags & MSG_DONTWAIT) && !(f->flags & O_NONBLOCK);
	struct unix_rights *r, *sent;
	struct umsghdr m;
	struct iovec *v;
	struct iobuf b;
	s64 done = 0, n = 0;
	u64 i;
	int err;

	if (copy_from_user(&m, umsg, sizeof(m)))
		return -EFAULT;
	v = get_iov(&m, &err);
	if (!v)
		return err;
	r = get_rights(m.control, m.controllen, &err);
	for (i = 0; i < m.iovlen && !err; i++) {
		b = iobuf_user((u64)v[i].iov_base, MIN((u64)v[i].iov_len, MAX_RW - done));
		if (!b.len)
			continue;
		sent = r;
		n = usock_send(f->priv, &b, sent, wait);
		if (n > 0) {
			done += n;
			r = NULL;
		}
		if (n < 0 || b.len)
			break;
	}
	unix_rights_free(r);
	kfree(v);
	if (err)
		return err;
	if (!done && n == -EPIPE && !(flags & MSG_NOSIGNAL))
		task_send_signal(current_task(), SIGPIPE, NULL);
	return restartable(done ? done : n);
}

/* Install received descriptors and describe them in the control buffer: its new length. */
static u64 put_rights(struct unix_rights *r, struct umsghdr *m, bool cloexec)
{
	struct ucmsghdr h = { 0, SOL_SOCKET, SCM_RIGHTS };
	u64 room = m->controllen > sizeof(h) ? (m->controllen - sizeof(h)) / sizeof(int) : 0;
	unsigned i;
	int fd;

	for (i = 0; i < r->n && i < room; i++) {
		fd = fd_install(r->files[i], cloexec);
		if (fd < 0)
			break;
		r->files[i] = NULL;
		if (put_user(fd, m->control + sizeof(h) + i * sizeof(fd))) {
			fd_close(fd);
			break;
		}
	}
	if (i < r->n)
		m->flags |= MSG_CTRUNC;
	if (!i)
		return 0;
	h.len = sizeof(h) + i * sizeof(int);
	if (copy_to_user(m->control, &h, sizeof(h)))
		return 0;
	return MIN(ALIGN_UP(h.len, 8UL), m->controllen);
}

s64 usock_recvmsg(struct file *f, u64 umsg, u32 flags)
{
	bool wait = !(flags & MSG_DONTWAIT) && !(f->flags & O_NONBLOCK);
	struct unix_rights *r = NULL;
	struct umsghdr m;
	struct iovec *v;
	struct iobuf b;
	s64 done = 0, n = 0;
	u64 i;
	int err;

	if (copy_from_user(&m, umsg, sizeof(m)))
		return -EFAULT;
	v = get_iov(&m, &err);
	if (!v)
		return err;
	m.flags = 0;
	for (i = 0; i < m.iovlen && !r; i++) {
		b = iobuf_user((u64)v[i].iov_base, MIN((u64)v[i].iov_len, MAX_RW - done));
		if (!b.len)
			continue;
		n = usock_recv(f->priv, &b, &r, wait && (!done || (flags & MSG_WAITALL)), flags & MSG_PEEK);
		if (n <= 0)
			break;
		done += n;
		if (b.len || (flags & MSG_PEEK))
			break;
	}
	kfree(v);
	if (done || !n) {
		m.controllen = r ? put_rights(r, &m, flags & MSG_CMSG_CLOEXEC) : 0;
		m.namelen = 0;
		if (copy_to_user(umsg, &m, offsetof(struct umsghdr, pad2)))
			done = n = -EFAULT;
	}
	unix_rights_free(r);
	return restartable(done ? done : n);
}
