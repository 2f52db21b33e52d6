// SPDX-License-Identifier: GPL-2.0-only
/*
 * poll, ppoll, select, pselect. All become a list of files with events wanted; the caller hangs a waiter on every
 * queue in the first pass, and sleeps on a queue of its own that those waiters wake. Locks: none.
 */
#include <linux/time_types.h>

#include "linux/fs/vfs.h"

#define POLL_INLINE	12
#define POLL_CHUNK	60
#define POLL_ALWAYS	(POLLERR | POLLHUP | POLLNVAL)

struct poll_wait {
	struct waiter w;
	struct waitq *q;
	struct poller *poller;
};

struct poll_chunk {
	struct poll_chunk *next;
	struct poll_wait wait[POLL_CHUNK];
};

struct poller {
	struct poll_table pt;
	struct waitq wq;
	bool triggered;
	bool failed;			/* no memory for a waiter */
	unsigned n;			/* used in inline_, then in the newest chunk */
	struct poll_chunk *chunks;
	struct poll_wait inline_[POLL_INLINE];
};

struct poll_entry {
	struct file *file;
	u32 events, revents;
};

static bool poll_wake(struct waiter *w, u32 events)
{
	struct poller *p = container_of(w, struct poll_wait, w)->poller;

	__atomic_store_n(&p->triggered, true, __ATOMIC_SEQ_CST);
	waitq_wake(&p->wq, 0);
	return true;
}

static void poller_add(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct poller *p = container_of(pt, struct poller, pt);
	struct poll_wait *pw;
	struct poll_chunk *c;

	if (!p->chunks && p->n < POLL_INLINE) {
		pw = &p->inline_[p->n++];
	} else {
		if (!p->chunks || p->n == POLL_CHUNK) {
			c = kmalloc(sizeof(*c));
			if (!c) {
				p->failed = true;
				return;
			}
			c->next = p->chunks;
			p->chunks = c;
			p->n = 0;
		}
		pw = &p->chunks->wait[p->n++];
	}
	memset(pw, 0, sizeof(*pw));
	pw->w.func = poll_wake;
	pw->poller = p;
	pw->q = q;
	waitq_add(q, &pw->w);
}

static void poller_init(struct poller *p)
{
	p->pt.add = poller_add;
	waitq_init(&p->wq);
	p->triggered = p->failed = false;
	p->n = 0;
	p->chunks = NULL;
}

static void poller_free(struct poller *p)
{
	struct poll_chunk *c;
	unsigned i, n = p->n;

	while ((c = p->chunks)) {
		for (i = 0; i < n; i++)
			waitq_del(c->wait[i].q, &c->wait[i].w);
		p->chunks = c->next;
		kfree(c);
		n = p->chunks ? POLL_CHUNK : POLL_INLINE;
	}
	for (i = 0; i < n; i++)
		waitq_del(p->inline_[i].q, &p->inline_[i].w);
}

static unsigned poll_scan(struct poll_entry *e, unsigned n, struct poll_table *pt)
{
	unsigned i, ready = 0;
	u32 m;

	for (i = 0; i < n; i++) {
		if (e[i].file) {
			/* Once something is ready, nobody will sleep: no more waiters. */
			m = file_poll(e[i].file, ready ? NULL : pt);
			e[i].revents = m & (e[i].events | POLL_ALWAYS);
		}
		ready += e[i].revents != 0;
	}
	return ready;
}

/* Number ready, 0 at the deadline (clock_ns), -EINTR, -ENOMEM. */
static int do_poll(struct poll_entry *e, unsigned n, u64 deadline)
{
	struct poller p;
	bool first = true, timed_out = deadline == 0;
	int r;

	poller_init(&p);
	for (;;) {
		(void)__atomic_exchange_n(&p.triggered, false, __ATOMIC_SEQ_CST);
		r = poll_scan(e, n, first && !timed_out ? &p.pt : NULL);
		first = false;
		if (r || timed_out)
			break;
		if (p.failed) {
			r = -ENOMEM;
			break;
		}
		r = wait_event_interruptible_until(&p.wq, READ_ONCE(p.triggered), deadline);
		if (r == -EINTR)
			break;
		timed_out = r == -ETIMEDOUT;
	}
	poller_free(&p);
	return r;
}

static void put_files(struct poll_entry *e, unsigned n)
{
	while (n--)
		if (e[n].file)
			file_put(e[n].file);
}

static s64 poll_user(u64 ufds, unsigned n, u64 deadline)
{
	struct poll_entry *e;
	struct pollfd *fds;
	unsigned i;
	s64 r = -ENOMEM;

	if (n > current_task()->proc->rlimit[7 /* RLIMIT_NOFILE */][0])
		return -EINVAL;
	fds = kmalloc((n + 1) * sizeof(*fds));
	e = kcalloc(n + 1, sizeof(*e));
	if (!fds || !e)
		goto out;
	r = -EFAULT;
	if (copy_from_user(fds, ufds, n * sizeof(*fds)))
		goto out;
	for (i = 0; i < n; i++) {
		if (fds[i].fd < 0)
			continue;
		e[i].file = fd_get(fds[i].fd);
		e[i].events = (u16)fds[i].events;
		if (!e[i].file)
			e[i].revents = POLLNVAL;
	}
	r = do_poll(e, n, deadline);
	for (i = 0; i < n; i++)
		fds[i].revents = e[i].revents;
	put_files(e, n);
	if (r >= 0 && copy_to_user(ufds, fds, n * sizeof(*fds)))
		r = -EFAULT;
out:
	kfree(fds);
	kfree(e);
	return r;
}

/* clock_ns deadline of a relative timespec at uts (0: never); 0 means "do not wait at all". */
static int get_deadline(u64 uts, u64 *deadline)
{
	u64 ns;
	int err;

	*deadline = ~0UL;
	if (!uts)
		return 0;
	err = timespec_from_user(uts, &ns);
	if (!err)
		*deadline = ns ? clock_ns() + ns : 0;
	return err;
}

/* What is left of the time goes back to the process, as Linux does; it is no error if it cannot. */
static void put_left(u64 uts, u64 deadline)
{
	u64 now = clock_ns();

	if (uts && timespec_to_user(uts, deadline > now ? deadline - now : 0))
		return;
}

static int get_mask(u64 umask, u64 size, u64 *mask)
{
	if (!umask)
		return 0;
	if (size != sizeof(*mask))
		return -EINVAL;
	return copy_from_user(mask, umask, sizeof(*mask));
}

SYSCALL(ppoll)
{
	u64 deadline, mask = 0, old = 0;
	s64 r;

	r = get_deadline(a2, &deadline);
	if (!r)
		r = get_mask(a3, a4, &mask);
	if (r)
		return r;
	if (a3)
		sigmask_swap(mask, &old);
	r = poll_user(a0, a1, deadline);
	if (a3)
		sigmask_restore_unless(old, r == -EINTR);
	put_left(a2, deadline);
	return r == -EINTR ? -ERESTARTNOHAND : r;
}

#define SELECT_IN	(POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR)
#define SELECT_OUT	(POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR)
#define SELECT_EX	POLLPRI

static bool bit(const u64 *map, unsigned i)
{
	return map[i / 64] >> (i % 64) & 1;
}

/* map: three bitmaps of `words` words each, in, out and exceptional; turned from wanted into ready. */
static s64 select_maps(u64 *map, unsigned n, unsigned words, u64 deadline)
{
	struct poll_entry *e = kcalloc(n + 1, sizeof(*e));
	unsigned i, count = 0;
	s64 r = 0;

	if (!e)
		return -ENOMEM;
	for (i = 0; i < n && !r; i++) {
		e[i].events = (bit(map, i) ? SELECT_IN : 0) | (bit(map + words, i) ? SELECT_OUT : 0) |
			      (bit(map + 2 * words, i) ? SELECT_EX : 0);
		if (!e[i].events)
			continue;
		e[i].file = fd_get(i);
		if (!e[i].file)
			r = -EBADF;
	}
	if (!r)
		r = do_poll(e, n, deadline);
	if (r >= 0) {
		for (i = 0; i < n; i++) {
			u64 m[3] = { SELECT_IN, SELECT_OUT, SELECT_EX };

			for (unsigned k = 0; k < 3; k++) {
				u64 *w = &map[k * words + i / 64];

				if (!(e[i].revents & m[k]))
					*w &= ~BIT(i % 64);
				count += *w >> (i % 64) & 1;
			}
		}
		r = count;
	}
	put_files(e, n);
	kfree(e);
	return r;
}

static s64 do_select(u64 n, u64 uset[3], u64 deadline)
{
	unsigned words = (n + 63) / 64, k;
	u64 *map;
	s64 r = 0;

	if ((int)n < 0)
		return -EINVAL;
	if (n > 65536)
		return -EINVAL;
	map = kcalloc(3 * words + 1, sizeof(*map));
	if (!map)
		return -ENOMEM;
	for (k = 0; k < 3; k++)
		if (uset[k] && copy_from_user(map + k * words, uset[k], words * 8))
			r = -EFAULT;
	if (!r && n % 64)
		for (k = 0; k < 3; k++)
			map[k * words + words - 1] &= BIT(n % 64) - 1;
	if (!r)
		r = select_maps(map, n, words, deadline);
	for (k = 0; k < 3 && r >= 0; k++)
		if (uset[k] && copy_to_user(uset[k], map + k * words, words * 8))
			r = -EFAULT;
	kfree(map);
	return r;
}

SYSCALL(pselect6)
{
	u64 set[3] = { a1, a2, a3 }, sig[2] = { 0, 0 };
	u64 deadline, mask = 0, old = 0;
	s64 r;

	if (a5 && copy_from_user(sig, a5, sizeof(sig)))
		return -EFAULT;
	r = get_deadline(a4, &deadline);
	if (!r)
		r = get_mask(sig[0], sig[1], &mask);
	if (r)
		return r;
	if (sig[0])
		sigmask_swap(mask, &old);
	r = do_select((u32)a0, set, deadline);
	if (sig[0])
		sigmask_restore_unless(old, r == -EINTR);
	put_left(a4, deadline);
	return r == -EINTR ? -ERESTARTNOHAND : r;
}
