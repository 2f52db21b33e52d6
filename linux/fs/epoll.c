// SPDX-License-Identifier: GPL-2.0-only
/*
 * epoll(7). An item hangs waiters on the queues of its file; they put it on the ready list. epoll_wait takes items off
 * one by one and asks the file for its state, so a stale entry costs a call and no wrong event.
 *
 * Locks, outermost first: epoll_mutex (which items exist, all epolls; nesting checks) - ep->mtx (an epoll's items
 * while events are handed out; a parent's before its child's) - queue locks of files - ep->lock (irq-safe spin: the
 * ready list) - queue locks of epolls that contain this one.
 */
#include <linux/eventpoll.h>

#include "kernel/debug/print.h"
#include "linux/fs/vfs.h"

#define EP_MAX_DEPTH	5
#define EP_QUEUES	3
#define EP_MAX_PARENTS	4	/* epolls that contain one epoll: the ways up from a file multiply by it each level */
#define EP_EVENTS	(EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDNORM | EPOLLRDBAND | \
			 EPOLLWRNORM | EPOLLWRBAND | EPOLLMSG | EPOLLRDHUP)
#define EP_FLAGS	((u32)EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP)

struct epoll {
	struct mutex mtx;
	spinlock_t lock;
	struct list ready;
	struct waitq wait;
	struct tree items;
	struct file *file;
};

struct epwait {
	struct waiter w;
	struct waitq *q;
	struct epitem *item;
};

struct epitem {
	struct tree_node node;		/* key: file and descriptor */
	struct epoll *ep;
	struct file *file;		/* no reference: the file removes its items before it goes */
	struct list file_link;		/* file->epolls.waiters */
	struct list ready, tx;
	bool on_ready;
	bool again;			/* on an epoll_send's list (tx): ready once more when that ends; ep->mtx */
	u32 events;
	u64 data;
	unsigned nwait;
	bool failed;
	struct epwait wait[EP_QUEUES];
};

static struct mutex epoll_mutex = MUTEX_INIT(epoll_mutex);
static const struct file_ops epoll_ops;

/* A file's address has 20 bits to spare (16 at the top, 4 at the bottom), as many as a descriptor needs. */
static u64 item_key(struct file *f, int fd)
{
	return (u64)f ^ ((u64)(fd & 0xffff) << 48) ^ ((unsigned)fd >> 16 & 15);
}

static void item_make_ready(struct epitem *item)
{
	struct epoll *ep = item->ep;
	u64 flags = spin_lock_irqsave(&ep->lock);

	if (!item->on_ready) {
		item->on_ready = true;
		list_add_tail(&item->ready, &ep->ready);
	}
	spin_unlock_irqrestore(&ep->lock, flags);
}

static bool item_wake(struct waiter *w, u32 events)
{
	struct epitem *item = container_of(w, struct epwait, w)->item;
	u32 wanted = READ_ONCE(item->events);

	if (!(wanted & EP_EVENTS))
		return false;		/* one-shot, used up */
	if (events && !(events & (wanted | EPOLLERR | EPOLLHUP)))
		return false;
	item_make_ready(item);
	waitq_wake(&item->ep->wait, POLLIN | POLLRDNORM);
	return true;
}

struct item_table {
	struct poll_table pt;
	struct epitem *item;
};

static void item_queue(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct epitem *item = container_of(pt, struct item_table, pt)->item;
	struct epwait *w;

	if (item->nwait == EP_QUEUES) {
		item->failed = true;
		return;
	}
	w = &item->wait[item->nwait++];
	w->item = item;
	w->q = q;
	w->w.func = item_wake;
	w->w.exclusive = item->events & EPOLLEXCLUSIVE;
	waitq_add(q, &w->w);
}

static u32 item_poll(struct epitem *item, struct poll_table *pt)
{
	return file_poll(item->file, pt) & (item->events | EPOLLERR | EPOLLHUP);
}

/* epoll_mutex and ep->mtx held. */
static void item_remove(struct epitem *item)
{
	struct epoll *ep = item->ep;
	unsigned i;
	u64 flags;

	for (i = 0; i < item->nwait; i++)
		waitq_del(item->wait[i].q, &item->wait[i].w);
	flags = spin_lock_irqsave(&ep->lock);
	list_del(&item->ready);
	spin_unlock_irqrestore(&ep->lock, flags);
	tree_remove(&ep->items, &item->node);
	list_del(&item->file_link);
	kfree(item);
}

void epoll_file_gone(struct file *f)
{
	struct epitem *item;
	struct epoll *ep;

	mutex_lock(&epoll_mutex);
	while (!list_empty(&f->epolls.waiters)) {
		item = list_first(&f->epolls.waiters, struct epitem, file_link);
		ep = item->ep;
		mutex_lock(&ep->mtx);
		item_remove(item);
		mutex_unlock(&ep->mtx);
	}
	mutex_unlock(&epoll_mutex);
}

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->priv;
	struct tree_node *n;

	mutex_lock(&epoll_mutex);
	mutex_lock(&ep->mtx);
	while ((n = tree_first(&ep->items)))
		item_remove(container_of(n, struct epitem, node));
	mutex_unlock(&ep->mtx);
	mutex_unlock(&epoll_mutex);
	kfree(ep);
}

/* First ready item, taken off the list, or NULL. */
static struct epitem *ready_pop(struct epoll *ep)
{
	struct epitem *item = NULL;
	u64 flags = spin_lock_irqsave(&ep->lock);

	if (!list_empty(&ep->ready)) {
		item = list_first(&ep->ready, struct epitem, ready);
		list_del(&item->ready);
		item->on_ready = false;
	}
	spin_unlock_irqrestore(&ep->lock, flags);
	return item;
}

/* As a file in another epoll or in poll: is anything really ready? */
static u32 epoll_poll(struct file *f, struct poll_table *pt)
{
	struct epoll *ep = f->priv;
	struct epitem *item;
	u32 r = 0;

	poll_add(f, &ep->wait, pt);
	mutex_lock(&ep->mtx);
	while (!r && (item = ready_pop(ep))) {
		if (item_poll(item, NULL)) {
			item_make_ready(item);
			r = POLLIN | POLLRDNORM;
		}
	}
	mutex_unlock(&ep->mtx);
	return r;
}

static const struct file_ops epoll_ops = {
	.name = "anon_inode:[eventpoll]", .poll = epoll_poll, .release = epoll_release,
};

/* Longest chain of epolls below f, f included; epoll_mutex held. */
static int depth_below(struct file *f, int limit)
{
	struct tree_node *n;
	int d, max = 0;

	if (f->ops != &epoll_ops)
		return 0;
	if (!limit)
		return EP_MAX_DEPTH + 1;
	for (n = tree_first(&((struct epoll *)f->priv)->items); n; n = tree_next(n)) {
		d = depth_below(container_of(n, struct epitem, node)->file, limit - 1);
		max = MAX(max, d);
		if (max > EP_MAX_DEPTH)
			break;
	}
	return max + 1;
}

static int depth_above(struct file *f, int limit)
{
	struct epitem *item;
	int d, max = 0;

	if (!limit)
		return EP_MAX_DEPTH + 1;
	list_for_each(item, &f->epolls.waiters, file_link) {
		d = depth_above(item->ep->file, limit - 1);
		max = MAX(max, d);
		if (max > EP_MAX_DEPTH)
			break;
	}
	return max + 1;
}

static bool reaches(struct file *from, struct file *to)
{
	struct tree_node *n;

	if (from == to)
		return true;
	if (from->ops != &epoll_ops)
		return false;
	for (n = tree_first(&((struct epoll *)from->priv)->items); n; n = tree_next(n))
		if (reaches(container_of(n, struct epitem, node)->file, to))
			return true;
	return false;
}

/* Would f in ep make a ring, or too deep a nest? Existing nests are shallow, so the recursion is. */
static int check_nesting(struct epoll *ep, struct file *f)
{
	struct epitem *item;
	unsigned parents = 0;

	if (f->ops != &epoll_ops)
		return 0;
	/* A wake-up goes all ways with interrupts off, and the walks below go all ways down: keep them few. */
	list_for_each(item, &f->epolls.waiters, file_link)
		if (++parents == EP_MAX_PARENTS)
			return -EINVAL;
	if (depth_below(f, EP_MAX_DEPTH) + depth_above(ep->file, EP_MAX_DEPTH) > EP_MAX_DEPTH + 1)
		return -ELOOP;
	return reaches(f, ep->file) ? -ELOOP : 0;
}

static int item_add(struct epoll *ep, struct file *f, int fd, const struct epoll_event *ev)
{
	struct item_table it = { .pt.add = item_queue };
	struct epitem *item = kzalloc(sizeof(*item));
	u32 now;

	if (!item)
		return -ENOMEM;
	item->ep = ep;
	item->file = f;
	item->events = ev->events;
	item->data = ev->data;
	list_init(&item->ready);
	list_init(&item->tx);
	if (!tree_insert(&ep->items, &item->node, item_key(f, fd))) {
		kfree(item);
		return -EEXIST;
	}
	f->epolled = true;
	list_add_tail(&item->file_link, &f->epolls.waiters);
	it.item = item;
	now = item_poll(item, &it.pt);
	if (item->failed) {
		item_remove(item);
		return -ENOMEM;
	}
	if (now) {
		item_make_ready(item);
		waitq_wake(&ep->wait, POLLIN | POLLRDNORM);
	}
	return 0;
}

static int item_modify(struct epitem *item, const struct epoll_event *ev)
{
	if ((item->events & EPOLLEXCLUSIVE) || (ev->events & EPOLLEXCLUSIVE))
		return -EINVAL;
	WRITE_ONCE(item->events, ev->events);
	item->data = ev->data;
	/* Pairs with a waker that saw the old events: its state is visible to the poll. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (item_poll(item, NULL)) {
		item_make_ready(item);
		waitq_wake(&item->ep->wait, POLLIN | POLLRDNORM);
	}
	return 0;
}

static int ctl_locked(struct epoll *ep, u32 op, struct file *f, int fd, struct epoll_event *ev)
{
	struct tree_node *n = tree_find(&ep->items, item_key(f, fd));
	struct epitem *item = n ? container_of(n, struct epitem, node) : NULL;

	switch (op) {
	case EPOLL_CTL_ADD:
		if (item)
			return -EEXIST;
		if ((ev->events & EPOLLEXCLUSIVE) &&
		    (f->ops == &epoll_ops || ev->events & ~(u32)(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP |
								 EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)))
			return -EINVAL;
		return item_add(ep, f, fd, ev);
	case EPOLL_CTL_MOD:
		return item ? item_modify(item, ev) : -ENOENT;
	case EPOLL_CTL_DEL:
		if (!item)
			return -ENOENT;
		item_remove(item);
		return 0;
	default:
		return -EINVAL;
	}
}

SYSCALL(epoll_ctl)
{
	struct file *epf, *f;
	struct epoll_event ev = { 0 };
	struct epoll *ep;
	s64 r;

	if (a1 != EPOLL_CTL_DEL && copy_from_user(&ev, a3, sizeof(ev)))
		return -EFAULT;
	ev.events &= EP_EVENTS | EP_FLAGS;
	epf = fd_get(a0);
	f = fd_get(a2);
	r = -EBADF;
	if (!epf || !f)
		goto out;
	r = -EPERM;
	if (!f->ops->poll)
		goto out;
	r = -EINVAL;
	if (epf->ops != &epoll_ops || epf == f)
		goto out;
	ep = epf->priv;
	mutex_lock(&epoll_mutex);
	r = a1 == EPOLL_CTL_ADD ? check_nesting(ep, f) : 0;
	if (!r) {
		mutex_lock(&ep->mtx);
		r = ctl_locked(ep, a1, f, a2, &ev);
		mutex_unlock(&ep->mtx);
	}
	mutex_unlock(&epoll_mutex);
out:
	if (f)
		file_put(f);
	if (epf)
		file_put(epf);
	return r;
}

/* Hand out what is ready: number of events, or -EFAULT when not even one could be stored. */
static int epoll_send(struct epoll *ep, u64 uev, int max)
{
	struct epitem *item, *next;
	struct epoll_event ev;
	struct list tx = LIST_INIT(tx);
	int n = 0, err = 0;

	mutex_lock(&ep->mtx);
	while (n < max && (item = ready_pop(ep))) {
		/* Woken again since its turn: no second turn in this call. */
		if (!list_empty(&item->tx)) {
			item->again = true;
			continue;
		}
		memset(&ev, 0, sizeof(ev));
		ev.events = item_poll(item, NULL);
		if (!ev.events || !(item->events & EP_EVENTS))
			continue;
		ev.data = item->data;
		if (copy_to_user(uev + n * sizeof(ev), &ev, sizeof(ev))) {
			item_make_ready(item);
			err = -EFAULT;
			break;
		}
		n++;
		if (item->events & EPOLLONESHOT)
			WRITE_ONCE(item->events, item->events & EP_FLAGS);
		item->again = !(item->events & (u32)(EPOLLET | EPOLLONESHOT));
		list_add_tail(&item->tx, &tx);
	}
	/* Level-triggered ones stay on the list, behind those that had no turn. */
	list_for_each_safe(item, next, &tx, tx) {
		list_del(&item->tx);
		if (item->again)
			item_make_ready(item);
	}
	mutex_unlock(&ep->mtx);
	return n ? n : err;
}

static s64 epoll_wait_on(struct epoll *ep, u64 uev, int max, u64 deadline)
{
	s64 r;

	for (;;) {
		r = epoll_send(ep, uev, max);
		if (r || !deadline)
			return r;
		if (signal_pending())
			return -EINTR;
		r = wait_event_interruptible_until(&ep->wait, !list_empty(&ep->ready), deadline);
		if (r == -EINTR)
			return r;
		if (r == -ETIMEDOUT)
			deadline = 0;
	}
}

static s64 do_epoll_wait(int fd, u64 uev, int max, u64 deadline, u64 umask, u64 size)
{
	struct file *f;
	u64 mask, old = 0;
	s64 r;

	if (umask && size != sizeof(mask))
		return -EINVAL;
	if (umask && get_user(mask, umask))
		return -EFAULT;
	if (max <= 0 || max > (int)(0x7fffffff / sizeof(struct epoll_event)))
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (f->ops != &epoll_ops) {
		file_put(f);
		return -EINVAL;
	}
	if (umask)
		sigmask_swap(mask, &old);
	r = epoll_wait_on(f->priv, uev, max, deadline);
	if (umask)
		sigmask_restore_unless(old, r == -EINTR);
	file_put(f);
	return r;
}

SYSCALL(epoll_pwait)
{
	int ms = a3;
	u64 deadline = ms < 0 ? ~0UL : ms ? clock_ns() + (u64)ms * 1000000 : 0;

	return do_epoll_wait(a0, a1, a2, deadline, a4, a5);
}

SYSCALL(epoll_pwait2)
{
	u64 deadline = ~0UL, ns;
	int err;

	if (a3) {
		err = timespec_from_user(a3, &ns);
		if (err)
			return err;
		deadline = ns ? clock_ns() + ns : 0;
	}
	return do_epoll_wait(a0, a1, a2, deadline, a4, a5);
}

SYSCALL(epoll_create1)
{
	struct epoll *ep;
	struct file *f;
	int fd;

	if (a0 & ~(u64)EPOLL_CLOEXEC)
		return -EINVAL;
	ep = kzalloc(sizeof(*ep));
	f = ep ? file_alloc(&epoll_ops, ep, O_RDWR) : NULL;
	if (!f) {
		kfree(ep);
		return -ENOMEM;
	}
	mutex_init(&ep->mtx);
	list_init(&ep->ready);
	waitq_init(&ep->wait);
	ep->file = f;
	fd = fd_install(f, a0 & EPOLL_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}
