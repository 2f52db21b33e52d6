// SPDX-License-Identifier: GPL-2.0-only
/*
 * timerfd(2). The timer's callback counts expirations and starts the next period itself. Locks: t->lock (irq-safe
 * spin), outside the timer's own; never held while waking.
 */
#include <linux/time.h>
#include <linux/timerfd.h>

#include "linux/fs/vfs.h"

#define MIN_PERIOD	50000UL	/* ns between interrupts: with fewer a process would keep the CPU in them */

struct timerfd {
	spinlock_t lock;
	struct ktimer timer;
	struct waitq wait;
	bool realtime;
	u64 period;			/* ns; 0: once */
	u64 expires;			/* clock_ns; 0: disarmed */
	u64 ticks;
};

/* Count what has passed and, if periodic, set the next time. t->lock held. */
static void timerfd_expire(struct timerfd *t, u64 now)
{
	u64 n = 1;

	if (!t->expires || now < t->expires)
		return;
	if (t->period) {
		n = (now - t->expires) / t->period + 1;
		t->expires += n * t->period;
		/* A shorter period is counted in full, only later. */
		ktimer_start(&t->timer, MAX(t->expires, now + MIN_PERIOD));
	} else {
		t->expires = 0;
	}
	t->ticks += n;
}

static void timerfd_fire(struct ktimer *timer)
{
	struct timerfd *t = container_of(timer, struct timerfd, timer);
	u64 flags = spin_lock_irqsave(&t->lock);

	timerfd_expire(t, clock_ns());
	spin_unlock_irqrestore(&t->lock, flags);
	waitq_wake(&t->wait, POLLIN | POLLRDNORM);
}

static u64 timerfd_take(struct timerfd *t)
{
	u64 flags = spin_lock_irqsave(&t->lock), n = t->ticks;

	t->ticks = 0;
	spin_unlock_irqrestore(&t->lock, flags);
	return n;
}

static ssize_t timerfd_read(struct file *f, struct iobuf *b, u64 *pos)
{
	struct timerfd *t = f->priv;
	u64 n;
	int err;

	if (b->len < sizeof(n))
		return -EINVAL;
	n = timerfd_take(t);
	if (!n && (f->flags & O_NONBLOCK))
		return -EAGAIN;
	if (!n) {
		err = wait_event_interruptible(&t->wait, (n = timerfd_take(t)) != 0);
		if (err)
			return err;
	}
	err = iobuf_put(b, &n, sizeof(n));
	return err ? err : (ssize_t)sizeof(n);
}

static u32 timerfd_poll(struct file *f, struct poll_table *pt)
{
	struct timerfd *t = f->priv;

	poll_add(f, &t->wait, pt);
	return READ_ONCE(t->ticks) ? POLLIN | POLLRDNORM : 0;
}

static void timerfd_release(struct file *f)
{
	struct timerfd *t = f->priv;
	u64 flags = spin_lock_irqsave(&t->lock);

	t->expires = t->period = 0;
	spin_unlock_irqrestore(&t->lock, flags);
	ktimer_cancel_sync(&t->timer);
	kfree(t);
}

static const struct file_ops timerfd_ops = {
	.name = "anon_inode:[timerfd]", .read = timerfd_read, .poll = timerfd_poll, .release = timerfd_release,
};

SYSCALL(timerfd_create)
{
	struct timerfd *t;
	int fd;

	if (a1 & ~(u64)(TFD_CLOEXEC | TFD_NONBLOCK))
		return -EINVAL;
	switch ((int)a0) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		break;
	default:
		return -EINVAL;
	}
	t = kzalloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->realtime = a0 == CLOCK_REALTIME || a0 == CLOCK_REALTIME_ALARM;
	waitq_init(&t->wait);
	ktimer_init(&t->timer, timerfd_fire);
	fd = anon_fd(&timerfd_ops, t, O_RDWR | (a1 & (TFD_CLOEXEC | TFD_NONBLOCK)));
	if (fd < 0)
		kfree(t);
	return fd;
}

static struct timerfd *timerfd_get(int fd, struct file **f, s64 *err)
{
	*err = -EBADF;
	*f = fd_get(fd);
	if (!*f)
		return NULL;
	if ((*f)->ops == &timerfd_ops)
		return (*f)->priv;
	*err = -EINVAL;
	file_put(*f);
	return NULL;
}

/* it[0]: period, it[1]: time left, ns. t->lock held. */
static void timerfd_state(struct timerfd *t, u64 it[2])
{
	u64 now = clock_ns();

	it[0] = t->period;
	it[1] = !t->expires ? 0 : t->expires > now ? t->expires - now : 1;
}

static int put_itimer(u64 u, const u64 it[2])
{
	if (timespec_to_user(u, it[0]) || timespec_to_user(u + 16, it[1]))
		return -EFAULT;
	return 0;
}

static void timerfd_set(struct timerfd *t, bool abs, u64 period, u64 value)
{
	u64 now = clock_ns(), at = value, offset = clock_realtime_offset_ns();

	if (abs && t->realtime)
		at = value > offset ? value - offset : 1;
	else if (!abs)
		at = value > ~0UL / 2 ? ~0UL / 2 : now + value;
	t->ticks = 0;
	t->period = value ? period : 0;
	t->expires = value ? MAX(at, 1UL) : 0;
	if (value)
		ktimer_start(&t->timer, t->expires);
	else
		ktimer_cancel(&t->timer);
}

SYSCALL(timerfd_settime)
{
	u64 period, value, old[2], flags;
	struct timerfd *t;
	struct file *f;
	s64 r;

	r = timespec_from_user(a2, &period);
	if (r != -EFAULT && (a1 & ~(u64)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)))
		return -EINVAL;
	if (!r)
		r = timespec_from_user(a2 + 16, &value);
	if (r)
		return r;
	t = timerfd_get(a0, &f, &r);
	if (!t)
		return r;
	flags = spin_lock_irqsave(&t->lock);
	timerfd_state(t, old);
	timerfd_set(t, a1 & TFD_TIMER_ABSTIME, period, value);
	spin_unlock_irqrestore(&t->lock, flags);
	file_put(f);
	return a3 ? put_itimer(a3, old) : 0;
}

SYSCALL(timerfd_gettime)
{
	struct timerfd *t;
	struct file *f;
	u64 it[2], flags;
	s64 r;

	t = timerfd_get(a0, &f, &r);
	if (!t)
		return r;
	flags = spin_lock_irqsave(&t->lock);
	timerfd_state(t, it);
	spin_unlock_irqrestore(&t->lock, flags);
	file_put(f);
	return put_itimer(a1, it);
}
