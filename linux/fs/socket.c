// SPDX-License-Identifier: GPL-2.0-only
/* Socket system calls. Only AF_UNIX streams exist: there is no network here. Locks: see unix.h. */
#include <asm/socket.h>

#include "linux/fs/unix.h"

#define AF_UNIX		1
#define SOCK_STREAM	1
#define SOCK_SEQPACKET	5
#define SOCK_TYPE	0xf
#define SO_OPTIONS	79	/* the last one of 6.12 */
#define MSG_PEEK	2
#define MSG_DONTWAIT	0x40
#define MSG_NOSIGNAL	0x4000

static struct file *sock_get(int fd, int *err)
{
	struct file *f = fd_get(fd);

	*err = 0;
	if (!f) {
		*err = -EBADF;
	} else if (f->ops != &usock_ops) {
		file_put(f);
		f = NULL;
		*err = -ENOTSOCK;
	}
	return f;
}

static int check_type(u64 family, u64 type, u64 protocol)
{
	if (family != AF_UNIX)
		return -EAFNOSUPPORT;
	if (type & ~(u64)(SOCK_TYPE | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	return (type & SOCK_TYPE) == SOCK_STREAM ? 0 : -ESOCKTNOSUPPORT;
}

SYSCALL(socket)
{
	struct usock *s;
	int err = check_type(a0, a1, a2), fd;

	if (err)
		return err;
	s = usock_alloc();
	if (!s)
		return -ENOMEM;
	fd = anon_fd(&usock_ops, s, O_RDWR | (a1 & (O_CLOEXEC | O_NONBLOCK)));
	if (fd < 0)
		usock_put(s);
	return fd;
}

SYSCALL(socketpair)
{
	struct usock *a, *b;
	u32 flags = O_RDWR | (a1 & (O_CLOEXEC | O_NONBLOCK));
	int err = check_type(a0, a1, a2), fd[2];

	if (err)
		return err;
	a = usock_alloc();
	b = usock_alloc();
	if (!a || !b) {
		usock_put(a);
		usock_put(b);
		return -ENOMEM;
	}
	mutex_lock(&unix_lock);
	usock_join(a, b);
	mutex_unlock(&unix_lock);
	fd[0] = anon_fd(&usock_ops, a, flags);
	fd[1] = fd[0] < 0 ? fd[0] : anon_fd(&usock_ops, b, flags);
	if (fd[1] >= 0 && !copy_to_user(a3, fd, sizeof(fd)))
		return 0;
	err = fd[1] < 0 ? fd[1] : -EFAULT;
	/* Files release their end and break the pair; an end without a file is broken here. */
	if (fd[0] >= 0)
		fd_close(fd[0]);
	if (fd[1] >= 0)
		fd_close(fd[1]);
	if (fd[1] < 0) {
		struct usock *pa = NULL, *pb;

		mutex_lock(&unix_lock);
		pb = b->peer;
		b->peer = NULL;
		if (fd[0] < 0) {
			pa = a->peer;
			a->peer = NULL;
		}
		mutex_unlock(&unix_lock);
		usock_put(pb);
		usock_put(pa);
		if (fd[0] < 0)
			usock_put(a);
		usock_put(b);
	}
	return err;
}

static int get_addr(u64 uaddr, u64 len, struct unix_addr *addr)
{
	memset(addr, 0, sizeof(*addr));
	if (len < sizeof(addr->family) || len > sizeof(*addr))
		return -EINVAL;
	if (copy_from_user(addr, uaddr, len))
		return -EFAULT;
	return addr->family == AF_UNIX ? 0 : -EINVAL;
}

SYSCALL(bind)
{
	struct unix_addr addr;
	int err;
	struct file *f = sock_get(a0, &err);

	if (!f)
		return err;
	err = get_addr(a1, (u32)a2, &addr);
	if (!err)
		err = usock_bind(f->priv, &addr, a2);
	file_put(f);
	return err;
}

SYSCALL(listen)
{
	struct usock *s;
	int err;
	struct file *f = sock_get(a0, &err);

	if (!f)
		return err;
	s = f->priv;
	mutex_lock(&unix_lock);
	if (s->state == USOCK_CONNECTED || !s->addr_len) {
		err = -EINVAL;
	} else {
		s->backlog = MIN((u32)a1, (u32)UNIX_BACKLOG);
		s->state = USOCK_LISTEN;
	}
	mutex_unlock(&unix_lock);
	file_put(f);
	return err;
}

SYSCALL(connect)
{
	struct unix_addr addr;
	int err;
	struct file *f = sock_get(a0, &err);

	if (!f)
		return err;
	err = get_addr(a1, (u32)a2, &addr);
	if (!err)
		err = usock_connect(f->priv, &addr, a2, !(f->flags & O_NONBLOCK));
	file_put(f);
	return restartable(err);
}

int unix_addr_put(const struct usock *s, u64 uaddr, u64 ulen)
{
	struct unix_addr addr = { .family = AF_UNIX };
	u32 room, len = sizeof(addr.family);

	if (!uaddr)
		return 0;
	if (get_user(room, ulen))
		return -EFAULT;
	if (s && s->addr_len) {
		addr = s->addr;
		len = s->addr_len;
	}
	if ((s32)room < 0)
		return -EINVAL;
	if (copy_to_user(uaddr, &addr, MIN(MIN(room, len), (u32)sizeof(addr))))
		return -EFAULT;
	return put_user(len, ulen);
}

static s64 do_accept(int fd, u64 uaddr, u64 ulen, u64 flags)
{
	struct usock *c, *peer;
	struct file *f;
	int err, new;

	if (flags & ~(u64)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	f = sock_get(fd, &err);
	if (!f)
		return err;
	c = usock_accept(f->priv, !(f->flags & O_NONBLOCK), &err);
	file_put(f);
	if (!c)
		return restartable(err);
	f = file_alloc(&usock_ops, c, O_RDWR | (flags & O_NONBLOCK));
	if (!f) {
		usock_put(c);
		return -ENOMEM;
	}
	peer = usock_peer(c);
	err = unix_addr_put(peer, uaddr, ulen);
	usock_put(peer);
	new = err ? err : fd_install(f, flags & O_CLOEXEC);
	if (new < 0)
		file_put(f);
	return new;
}

SYSCALL(accept)
{
	return do_accept(a0, a1, a2, 0);
}

SYSCALL(accept4)
{
	return do_accept(a0, a1, a2, a3);
}

SYSCALL(getsockname)
{
	int err;
	struct file *f = sock_get(a0, &err);

	if (!f)
		return err;
	err = unix_addr_put(f->priv, a1, a2);
	file_put(f);
	return err;
}

SYSCALL(getpeername)
{
	int err;
	struct file *f = sock_get(a0, &err);
	struct usock *peer;

	if (!f)
		return err;
	peer = usock_peer(f->priv);
	err = peer ? unix_addr_put(peer, a1, a2) : -ENOTCONN;
	usock_put(peer);
	file_put(f);
	return err;
}

SYSCALL(shutdown)
{
	struct usock *s, *peer;
	int err;
	struct file *f = sock_get(a0, &err);

	if (!f)
		return err;
	s = f->priv;
	peer = usock_peer(s);
	if (a1 > 2)
		err = -EINVAL;
	if (!err) {
		if (a1 != 1)
			WRITE_ONCE(s->shut_rd, true);
		if (a1 != 0)
			WRITE_ONCE(s->shut_wr, true);
		waitq_wake(&s->rd, 0);
		waitq_wake(&s->wr, 0);
		if (peer) {
			waitq_wake(&peer->rd, 0);
			waitq_wake(&peer->wr, 0);
		}
	}
	usock_put(peer);
	file_put(f);
	return err;
}

static s64 sock_option(struct usock *s, u64 name, u64 uval, u64 ulen)
{
	u32 cred[3] = { 0 }, len, out;
	struct usock *peer;

	if (get_user(len, ulen))
		return -EFAULT;
	if ((s32)len < 0)
		return -EINVAL;
	switch (name) {
	case SO_TYPE:
		cred[0] = SOCK_STREAM;
		break;
	case SO_DOMAIN:
		cred[0] = AF_UNIX;
		break;
	case SO_ACCEPTCONN:
		cred[0] = s->state == USOCK_LISTEN;
		break;
	case SO_SNDBUF:
	case SO_RCVBUF:
		cred[0] = UNIX_BUF;
		break;
	case SO_PEERCRED:
		peer = usock_peer(s);
		cred[0] = peer ? peer->pid : 0;
		usock_put(peer);
		break;
	case SO_ERROR:
	case SO_PROTOCOL:
	case SO_PASSCRED:
	case SO_REUSEADDR:
	case SO_KEEPALIVE:
		break;
	default:
		return -ENOPROTOOPT;
	}
	out = MIN(len, name == SO_PEERCRED ? 12U : 4U);
	return copy_to_user(uval, cred, out) ? -EFAULT : put_user(out, ulen);
}

SYSCALL(getsockopt)
{
	int err;
	struct file *f = sock_get(a0, &err);
	s64 r;

	if (!f)
		return err;
	r = a1 == SOL_SOCKET ? sock_option(f->priv, a2, a3, a4) : -EOPNOTSUPP;
	file_put(f);
	return r;
}

SYSCALL(setsockopt)
{
	int err, val;
	struct file *f = sock_get(a0, &err);

	if (!f)
		return err;
	file_put(f);
	if ((s32)a4 < 0)
		return -EINVAL;
	if (a1 != SOL_SOCKET)
		return -EOPNOTSUPP;
	if ((u32)a4 < sizeof(val))
		return -EINVAL;
	if (get_user(val, a3))
		return -EFAULT;
	/* Nothing of it matters here, but a name that Linux has not is told. */
	return a2 >= SO_DEBUG && a2 <= SO_OPTIONS && a2 != SO_TYPE && a2 != SO_ERROR ? 0 : -ENOPROTOOPT;
}

SYSCALL(sendmsg)
{
	int err;
	struct file *f = sock_get(a0, &err);
	s64 r;

	if (!f)
		return err;
	r = usock_sendmsg(f, a1, a2);
	file_put(f);
	return r;
}

SYSCALL(recvmsg)
{
	int err;
	struct file *f = sock_get(a0, &err);
	s64 r;

	if (!f)
		return err;
	r = usock_recvmsg(f, a1, a2);
	file_put(f);
	return r;
}

SYSCALL(sendto)
{
	struct iobuf b = iobuf_user(a1, MIN(a2, MAX_RW));
	int err;
	struct file *f = sock_get(a0, &err);
	s64 r;

	if (!f)
		return err;
	if (a4)
		r = ((struct usock *)f->priv)->state == USOCK_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	else
		r = usock_send(f->priv, &b, NULL, !((f->flags & O_NONBLOCK) || (a3 & MSG_DONTWAIT)));
	file_put(f);
	if (r == -EPIPE && !(a3 & MSG_NOSIGNAL))
		task_send_signal(current_task(), SIGPIPE, NULL);
	return restartable(r);
}

SYSCALL(recvfrom)
{
	struct iobuf b = iobuf_user(a1, MIN(a2, MAX_RW));
	struct unix_rights *rights = NULL;
	int err;
	struct file *f = sock_get(a0, &err);
	u32 zero = 0;
	s64 r;

	if (!f)
		return err;
	r = usock_recv(f->priv, &b, &rights, !((f->flags & O_NONBLOCK) || (a3 & MSG_DONTWAIT)), a3 & MSG_PEEK);
	unix_rights_free(rights);
	file_put(f);
	if (r >= 0 && a4 && a5 && put_user(zero, a5))
		r = -EFAULT;
	return restartable(r);
}
