// SPDX-License-Identifier: GPL-2.0-only
/*
 * AF_UNIX stream sockets, without a garbage collector: sockets cannot be sent over sockets, so no ring of descriptors
 * in flight can keep itself alive. Locks: see unix.h.
 */
#include "kernel/debug/print.h"
#include "linux/fs/unix.h"

struct mutex unix_lock = MUTEX_INIT(unix_lock);
static struct list abstract_names = LIST_INIT(abstract_names);

struct usock *usock_alloc(void)
{
	struct usock *s = kzalloc(sizeof(*s));

	if (!s)
		return NULL;
	s->payer = kbuf_new(UNIX_BUF, KBUF_SHARE);
	s->buf = s->payer ? vmalloc(UNIX_BUF) : NULL;
	if (!s->buf) {
		kbuf_gone(s->payer, UNIX_BUF);
		kfree(s);
		return NULL;
	}
	s->refs = 1;
	s->pid = current_task()->proc->pid;
	list_init(&s->abstract);
	list_init(&s->pending);
	list_init(&s->pending_link);
	list_init(&s->rights);
	waitq_init(&s->rd);
	waitq_init(&s->wr);
	mutex_init(&s->lock);
	return s;
}

static struct usock *usock_get(struct usock *s)
{
	__atomic_fetch_add(&s->refs, 1, __ATOMIC_RELAXED);
	return s;
}

u32 unix_inflight;

void unix_rights_free(struct unix_rights *r)
{
	unsigned i;

	if (!r)
		return;
	__atomic_fetch_sub(&unix_inflight, r->n, __ATOMIC_RELAXED);
	for (i = 0; i < r->n; i++)
		if (r->files[i])
			file_put(r->files[i]);
	kfree(r);
}

void usock_put(struct usock *s)
{
	struct unix_rights *r;

	if (!s || __atomic_fetch_sub(&s->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	while (!list_empty(&s->rights)) {
		r = list_first(&s->rights, struct unix_rights, node);
		list_del(&r->node);
		unix_rights_free(r);
	}
	inode_put(s->inode);
	vfree(s->buf);
	kbuf_gone(s->payer, UNIX_BUF);
	kfree(s);
}

void usock_join(struct usock *a, struct usock *b)
{
	a->peer = usock_get(b);
	b->peer = usock_get(a);
	a->state = b->state = USOCK_CONNECTED;
}

struct usock *usock_peer(struct usock *s)
{
	struct usock *p;

	mutex_lock(&unix_lock);
	p = s->peer ? usock_get(s->peer) : NULL;
	mutex_unlock(&unix_lock);
	return p;
}

static void usock_wake(struct usock *s)
{
	waitq_wake(&s->rd, 0);
	waitq_wake(&s->wr, 0);
}

/* No file stands for it any more. unix_lock held; the reference to the peer is returned, to be dropped outside. */
static struct usock *usock_close_locked(struct usock *s)
{
	struct usock *peer = s->peer;

	s->closed = true;
	s->peer = NULL;
	if (s->inode)
		s->inode->sock = NULL;
	list_del(&s->abstract);
	if (peer)
		usock_wake(peer);
	return peer;
}

static void usock_release(struct file *f)
{
	struct usock *s = f->priv, *c, *peer;

	for (;;) {
		mutex_lock(&unix_lock);
		if (list_empty(&s->pending))
			break;
		c = list_first(&s->pending, struct usock, pending_link);
		list_del(&c->pending_link);
		s->npending--;
		peer = usock_close_locked(c);
		mutex_unlock(&unix_lock);
		usock_put(peer);
		usock_put(c);
	}
	peer = usock_close_locked(s);
	mutex_unlock(&unix_lock);
	usock_wake(s);
	usock_put(peer);
	usock_put(s);
}

/* unix_lock held. */
static struct usock *find_abstract(const struct unix_addr *addr, unsigned len)
{
	struct usock *s;

	list_for_each(s, &abstract_names, abstract)
		if (s->addr_len == len && !memcmp(&s->addr, addr, len))
			return s;
	return NULL;
}

static int bind_path(struct usock *s, const struct unix_addr *addr)
{
	struct inode *i = inode_alloc(S_IFSOCK | (0777 & ~current_task()->proc->umask));
	char path[UNIX_PATH + 1];
	struct path p;
	int err;

	if (!i)
		return -ENOMEM;
	memcpy(path, addr->path, UNIX_PATH);
	path[UNIX_PATH] = 0;
	err = path_walk(AT_FDCWD, path, WALK_CREATE, &p);
	if (!err && (p.inode || !p.dir))
		err = -EADDRINUSE;
	if (!err) {
		s->inode = i;
		i->sock = s;
		down_write(&fs_lock);
		err = dir_add(p.dir, p.name, i);
		up_write(&fs_lock);
		if (err == -EEXIST)
			err = -EADDRINUSE;
	}
	path_put(&p);
	if (err) {
		s->inode = NULL;
		inode_put(i);
	}
	return err;
}

int usock_bind(struct usock *s, const struct unix_addr *addr, unsigned len)
{
	int err = 0;

	if (len <= sizeof(addr->family))
		return -EINVAL;
	/* The name is taken first and the inode made without unix_lock, which is never held around fs_lock. */
	mutex_lock(&unix_lock);
	if (s->addr_len)
		err = -EINVAL;
	else if (!addr->path[0] && find_abstract(addr, len))
		err = -EADDRINUSE;
	if (!err) {
		s->addr = *addr;
		s->addr_len = addr->path[0] ? 2 + strnlen(addr->path, UNIX_PATH) + 1 : len;
		if (!addr->path[0])
			list_add(&s->abstract, &abstract_names);
	}
	mutex_unlock(&unix_lock);
	if (err || !addr->path[0])
		return err;
	err = bind_path(s, addr);
	if (err)
		s->addr_len = 0;
	return err;
}

/* The listener that an address names, with a reference. */
static struct usock *find_listener(const struct unix_addr *addr, unsigned len, int *err)
{
	char path[UNIX_PATH + 1];
	struct usock *s = NULL;
	struct path p = { 0 };

	*err = 0;
	if (addr->path[0]) {
		memcpy(path, addr->path, UNIX_PATH);
		path[UNIX_PATH] = 0;
		*err = path_walk(AT_FDCWD, path, WALK_FOLLOW, &p);
		if (*err)
			return NULL;
	}
	mutex_lock(&unix_lock);
	if (addr->path[0])
		s = p.inode && (p.inode->mode & S_IFMT) == S_IFSOCK ? p.inode->sock : NULL;
	else
		s = find_abstract(addr, len);
	if (s && s->state == USOCK_LISTEN && !s->closed)
		usock_get(s);
	else
		s = NULL;
	mutex_unlock(&unix_lock);
	path_put(&p);
	if (!s)
		*err = -ECONNREFUSED;
	return s;
}

/* One try: 0, -EAGAIN when the listener's queue is full, or another error. */
static int connect_to(struct usock *s, struct usock *l, struct usock *end)
{
	int err = 0;

	mutex_lock(&unix_lock);
	if (s->state != USOCK_NEW) {
		err = s->state == USOCK_CONNECTED ? -EISCONN : -EINVAL;
	} else if (l->closed || l->state != USOCK_LISTEN) {
		err = -ECONNREFUSED;
	} else if (l->npending > l->backlog) {
		err = -EAGAIN;
	} else {
		usock_join(s, end);
		end->addr = l->addr;
		end->addr_len = l->addr_len;
		end->pid = l->pid;
		usock_get(end);
		list_add_tail(&end->pending_link, &l->pending);
		l->npending++;
	}
	mutex_unlock(&unix_lock);
	if (!err)
		waitq_wake(&l->rd, POLLIN | POLLRDNORM);
	return err;
}

int usock_connect(struct usock *s, const struct unix_addr *addr, unsigned len, bool wait)
{
	struct usock *l, *end;
	int err;

	if (len <= sizeof(addr->family))
		return -EINVAL;
	l = find_listener(addr, len, &err);
	if (!l)
		return err;
	end = usock_alloc();
	if (!end) {
		usock_put(l);
		return -ENOMEM;
	}
	for (;;) {
		err = connect_to(s, l, end);
		if (err != -EAGAIN || !wait)
			break;
		err = wait_event_interruptible(&l->wr, READ_ONCE(l->npending) <= l->backlog ||
					       READ_ONCE(l->closed));
		if (err)
			break;
	}
	usock_put(end);
	usock_put(l);
	return err;
}

struct usock *usock_accept(struct usock *s, bool wait, int *err)
{
	struct usock *c = NULL;

	for (;;) {
		*err = 0;
		mutex_lock(&unix_lock);
		if (s->state != USOCK_LISTEN) {
			*err = -EINVAL;
		} else if (list_empty(&s->pending)) {
			*err = -EAGAIN;
		} else {
			c = list_first(&s->pending, struct usock, pending_link);
			list_del(&c->pending_link);
			s->npending--;
		}
		mutex_unlock(&unix_lock);
		if (*err != -EAGAIN || !wait)
			break;
		*err = wait_event_interruptible(&s->rd, READ_ONCE(s->npending));
		if (*err)
			break;
	}
	if (c)
		waitq_wake(&s->wr, 0);
	return c;
}

static u64 usock_used(const struct usock *s)
{
	return READ_ONCE(s->head) - READ_ONCE(s->tail);
}

/* Copy in or out at a position of the ring, at most n bytes. */
static ssize_t ring_copy(struct usock *s, struct iobuf *b, u64 pos, size_t n, bool in)
{
	size_t k, done = 0;
	int err = 0;

	while (n && !err) {
		k = MIN(n, UNIX_BUF - pos % UNIX_BUF);
		err = in ? iobuf_get(b, s->buf + pos % UNIX_BUF, k) : iobuf_put(b, s->buf + pos % UNIX_BUF, k);
		if (!err) {
			pos += k;
			n -= k;
			done += k;
		}
	}
	return done ? (ssize_t)done : err;
}

static bool cannot_send(struct usock *s, struct usock *peer)
{
	return READ_ONCE(peer->closed) || READ_ONCE(peer->shut_rd) || READ_ONCE(s->shut_wr);
}

/* Put what fits into the peer. *r is consumed with the first byte. */
static ssize_t send_some(struct usock *peer, struct iobuf *b, struct unix_rights **r)
{
	ssize_t n;

	mutex_lock(&peer->lock);
	n = ring_copy(peer, b, peer->head, MIN((u64)b->len, UNIX_BUF - usock_used(peer)), true);
	if (n > 0) {
		if (*r) {
			(*r)->pos = peer->head;
			list_add_tail(&(*r)->node, &peer->rights);
			*r = NULL;
		}
		WRITE_ONCE(peer->head, peer->head + n);
	}
	mutex_unlock(&peer->lock);
	return n;
}

ssize_t usock_send(struct usock *s, struct iobuf *b, struct unix_rights *r, bool wait)
{
	struct usock *peer = usock_peer(s);
	ssize_t n = 0, done = 0;

	if (!peer)
		return s->state == USOCK_CONNECTED ? -EPIPE : -ENOTCONN;
	while (b->len) {
		n = -EPIPE;
		if (cannot_send(s, peer))
			break;
		n = send_some(peer, b, &r);
		if (n < 0)
			break;
		if (n > 0) {
			done += n;
			waitq_wake(&peer->rd, POLLIN | POLLRDNORM);
			continue;
		}
		n = -EAGAIN;
		if (!wait)
			break;
		/* Readers of the peer wake the sender's queue. */
		n = wait_event_interruptible(&s->wr, usock_used(peer) < UNIX_BUF || cannot_send(s, peer));
		if (n)
			break;
	}
	usock_put(peer);
	return done ? done : n;
}

/* Take bytes up to the next descriptors; those at the very start come along. */
static ssize_t recv_some(struct usock *s, struct iobuf *b, struct unix_rights **r, bool peek)
{
	struct unix_rights *first = NULL, *next = NULL;
	u64 n;
	ssize_t got;

	mutex_lock(&s->lock);
	n = MIN((u64)b->len, usock_used(s));
	if (!list_empty(&s->rights)) {
		next = list_first(&s->rights, struct unix_rights, node);
		if (next->pos == s->tail) {
			first = next;
			next = first->node.next == &s->rights ? NULL :
			       list_entry(first->node.next, struct unix_rights, node);
		}
	}
	if (next)
		n = MIN(n, next->pos - s->tail);
	got = ring_copy(s, b, s->tail, n, false);
	if (got > 0 && !peek) {
		WRITE_ONCE(s->tail, s->tail + got);
		if (first) {
			list_del(&first->node);
			*r = first;
		}
	}
	mutex_unlock(&s->lock);
	return got;
}

static bool at_end(struct usock *s, struct usock *peer)
{
	return !peer || READ_ONCE(peer->closed) || READ_ONCE(peer->shut_wr) || READ_ONCE(s->shut_rd);
}

ssize_t usock_recv(struct usock *s, struct iobuf *b, struct unix_rights **r, bool wait, bool peek)
{
	struct usock *peer = usock_peer(s);
	ssize_t n;
	bool end;

	if (s->state != USOCK_CONNECTED)
		return -EINVAL;
	for (;;) {
		end = at_end(s, peer);
		n = recv_some(s, b, r, peek);
		if (n || end || !b->len)
			break;
		n = -EAGAIN;
		if (!wait)
			break;
		n = wait_event_interruptible(&s->rd, usock_used(s) || at_end(s, peer));
		if (n)
			break;
	}
	if (n > 0 && !peek && peer)
		waitq_wake(&peer->wr, POLLOUT | POLLWRNORM);
	usock_put(peer);
	return n;
}

static ssize_t usock_read(struct file *f, struct iobuf *b, u64 *pos)
{
	struct unix_rights *r = NULL;
	ssize_t n = usock_recv(f->priv, b, &r, !(f->flags & O_NONBLOCK), false);

	unix_rights_free(r);
	return n;
}

static ssize_t usock_write(struct file *f, struct iobuf *b, u64 *pos)
{
	return usock_send(f->priv, b, NULL, !(f->flags & O_NONBLOCK));
}

static u32 usock_poll(struct file *f, struct poll_table *pt)
{
	struct usock *s = f->priv, *peer;
	u32 m = 0;

	poll_add(f, &s->rd, pt);
	poll_add(f, &s->wr, pt);
	if (s->state == USOCK_LISTEN)
		return READ_ONCE(s->npending) ? POLLIN | POLLRDNORM : 0;
	if (s->state == USOCK_NEW)
		return POLLOUT | POLLWRNORM | POLLHUP;
	peer = usock_peer(s);
	if (usock_used(s))
		m |= POLLIN | POLLRDNORM;
	if (at_end(s, peer))
		m |= POLLIN | POLLRDNORM | POLLRDHUP;
	if (!peer || READ_ONCE(peer->closed) || (READ_ONCE(s->shut_rd) && READ_ONCE(s->shut_wr)))
		m |= POLLHUP;
	if (!peer || cannot_send(s, peer) || usock_used(peer) < UNIX_BUF / 2)
		m |= POLLOUT | POLLWRNORM;
	usock_put(peer);
	return m;
}

static s64 usock_ioctl(struct file *f, u32 cmd, u64 arg)
{
	return cmd == 0x541b /* FIONREAD */ ? put_user((int)usock_used(f->priv), arg) : -ENOTTY;
}

const struct file_ops usock_ops = {
	.name = "socket:", .mode = S_IFSOCK | 0777, .read = usock_read, .write = usock_write, .poll = usock_poll,
	.ioctl = usock_ioctl, .release = usock_release,
};
