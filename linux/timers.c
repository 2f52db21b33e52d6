// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timers that send signals: setitimer(ITIMER_REAL) and timer_create. CPU-time timers are not there (EINVAL).
 * Lock: process->siglock over the list and each timer's values; the callbacks take it in interrupt context, so a
 * timer is cancelled with the lock dropped.
 */
#include <linux/time.h>

#include "linux/process/internal.h"

#define MAX_TIMERS	256
#define MIN_PERIOD	50000UL	/* ns: a shorter one would let a process keep the CPU in interrupts */

struct ptimer {
	struct list node;
	struct ktimer timer;
	struct process *proc;
	int id, clock, notify, sig, tid;
	u64 value;		/* sigev_value */
	u64 interval, expires;	/* ns, clock_ns time; expires 0: disarmed */
	int overrun;		/* of the last signal delivered */
	bool dead;
};

struct kitimerval {
	struct kval interval, value;
};
struct kitimerspec {
	struct kspec interval, value;
};

/* ---- ITIMER_REAL ---- */

static void itimer_fire(struct ktimer *k)
{
	struct process *p = container_of(k, struct process, itimer_real);
	u64 interval = READ_ONCE(p->itimer_interval), next;

	process_send_signal(p, SIGALRM, NULL);
	if (!interval)
		return;
	next = k->expires + interval;
	ktimer_start(k, next > clock_ns() ? next : clock_ns() + interval);
}

void timers_init(struct process *p)
{
	list_init(&p->posix_timers);
	ktimer_init(&p->itimer_real, itimer_fire);
}

static u64 itimer_left(struct process *p)
{
	u64 now = clock_ns(), at = p->itimer_real.expires;

	if (!ktimer_pending(&p->itimer_real))
		return 0;
	return at > now ? at - now : 1000;
}

static struct kval kval_of(u64 ns)
{
	return (struct kval){ (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC / 1000) };
}

static int kval_ns(const struct kval *v, u64 *ns)
{
	if (v->sec < 0 || v->usec < 0 || v->usec >= 1000000)
		return -EINVAL;
	*ns = (u64)MIN(v->sec, (s64)4000000000) * NSEC_PER_SEC + (u64)v->usec * 1000;
	return 0;
}

SYSCALL(getitimer)
{
	struct process *p = current_task()->proc;
	struct kitimerval v = {};

	if (a0 > ITIMER_PROF)
		return -EINVAL;
	if (a0 == ITIMER_REAL) {
		v.value = kval_of(itimer_left(p));
		v.interval = kval_of(p->itimer_interval);
	}
	return put_user(v, a1);
}

SYSCALL(setitimer)
{
	struct process *p = current_task()->proc;
	struct kitimerval v = {}, old = {};
	u64 value, interval;

	if (a1 && get_user(v, a1))
		return -EFAULT;
	if (a0 > ITIMER_PROF)
		return -EINVAL;
	if (kval_ns(&v.value, &value) || kval_ns(&v.interval, &interval))
		return -EINVAL;
	if (a0 != ITIMER_REAL)
		return value ? -EINVAL : a2 ? put_user(old, a2) : 0;
	old.value = kval_of(itimer_left(p));
	old.interval = kval_of(p->itimer_interval);
	ktimer_cancel_sync(&p->itimer_real);
	p->itimer_interval = interval ? MAX(interval, MIN_PERIOD) : 0;
	if (value)
		ktimer_start(&p->itimer_real, clock_ns() + value);
	return a2 ? put_user(old, a2) : 0;
}

/* ---- timer_create and its family ---- */

static void ptimer_signal(struct ptimer *pt)
{
	struct process *p = pt->proc;
	siginfo_t info;
	u64 flags;
	struct task *t = NULL, *o;

	memset(&info, 0, sizeof(info));
	info.si_signo = pt->sig;
	info.si_code = SI_TIMER;
	info.si_tid = pt->id;
	info._sifields._timer._sigval.sival_ptr = (void *)pt->value;
	flags = siglock(p);
	if (pt->notify & SIGEV_THREAD_ID)
		list_for_each(o, &p->threads, proc_link)
			if (o->tid == pt->tid)
				t = o;
	if (t || !(pt->notify & SIGEV_THREAD_ID))
		signal_send_locked(p, t, pt->sig, &info);
	waitq_wake(&p->signalfd_wait, 0);
	sigunlock(p, flags);
}

static void ptimer_fire(struct ktimer *k)
{
	struct ptimer *pt = container_of(k, struct ptimer, timer);
	u64 now = clock_ns();

	if (READ_ONCE(pt->dead))
		return;
	if (pt->notify != SIGEV_NONE)
		ptimer_signal(pt);
	if (!pt->interval) {
		pt->expires = 0;
		return;
	}
	pt->expires += pt->interval;
	if (pt->expires <= now)		/* late by more than a period: do not storm */
		pt->expires = now + pt->interval - (now - pt->expires) % pt->interval;
	ktimer_start(k, pt->expires);
}

static struct ptimer *ptimer_find_locked(struct process *p, int id)
{
	struct ptimer *pt;

	list_for_each(pt, &p->posix_timers, node)
		if (pt->id == id)
			return pt;
	return NULL;
}

static int sigev_get(u64 uaddr, struct ptimer *pt)
{
	struct sigevent ev;

	if (!uaddr) {
		pt->notify = SIGEV_SIGNAL;
		pt->sig = SIGALRM;
		pt->value = (u64)pt->id;
		return 0;
	}
	if (get_user(ev, uaddr))
		return -EFAULT;
	pt->notify = ev.sigev_notify;
	pt->sig = ev.sigev_signo;
	pt->value = (u64)ev.sigev_value.sival_ptr;
	pt->tid = ev._sigev_un._tid;
	switch (pt->notify) {
	case SIGEV_NONE:
		return 0;
	case SIGEV_SIGNAL | SIGEV_THREAD_ID:
	case SIGEV_SIGNAL:
	case SIGEV_THREAD:
		return pt->sig >= 1 && pt->sig <= 64 ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

SYSCALL(timer_create)
{
	struct process *p = current_task()->proc;
	struct ptimer *pt;
	int clock = (int)a0, err;
	u64 flags;

	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME && clock != CLOCK_TAI)
		return -EINVAL;
	pt = kzalloc(sizeof(*pt));
	if (!pt)
		return -EAGAIN;
	pt->proc = p;
	pt->clock = clock;
	ktimer_init(&pt->timer, ptimer_fire);
	flags = siglock(p);
	pt->id = p->next_timer;
	err = p->ntimers < MAX_TIMERS ? 0 : -EAGAIN;
	if (!err) {
		p->next_timer = (p->next_timer + 1) & 0x7fffffff;
		p->ntimers++;
	}
	sigunlock(p, flags);
	if (!err) {
		err = sigev_get(a1, pt);
		if (!err && put_user(pt->id, a2))
			err = -EFAULT;
		flags = siglock(p);
		if (err)
			p->ntimers--;
		else
			list_add_tail(&pt->node, &p->posix_timers);
		sigunlock(p, flags);
	}
	if (err)
		kfree(pt);
	return err;
}

static u64 clock_offset(const struct ptimer *pt)
{
	return pt->clock == CLOCK_REALTIME || pt->clock == CLOCK_TAI ? clock_realtime_offset_ns() : 0;
}

static void left_get(const struct ptimer *pt, struct kitimerspec *out)
{
	u64 now = clock_ns(), left = 0;

	if (pt->expires)
		left = pt->expires > now ? pt->expires - now : 1;
	out->value = (struct kspec){ (s64)(left / NSEC_PER_SEC), (s64)(left % NSEC_PER_SEC) };
	out->interval = (struct kspec){ (s64)(pt->interval / NSEC_PER_SEC), (s64)(pt->interval % NSEC_PER_SEC) };
}

SYSCALL(timer_gettime)
{
	struct process *p = current_task()->proc;
	struct kitimerspec v = {};
	u64 flags = siglock(p);
	struct ptimer *pt = ptimer_find_locked(p, (int)a0);

	if (pt)
		left_get(pt, &v);
	sigunlock(p, flags);
	return pt ? put_user(v, a1) : -EINVAL;
}

SYSCALL(timer_getoverrun)
{
	struct process *p = current_task()->proc;
	u64 flags = siglock(p);
	struct ptimer *pt = ptimer_find_locked(p, (int)a0);
	s64 ret = pt ? pt->overrun : -EINVAL;

	sigunlock(p, flags);
	return ret;
}

static int itimerspec_get(u64 uaddr, u64 *value, u64 *interval)
{
	int err = kspec_get(uaddr, interval);

	return err ? err : kspec_get(uaddr + sizeof(struct kspec), value);
}

/*
 * Take a timer off the list, so that only this thread knows it, with its callback not running; the caller puts it
 * back or frees it.
 */
static struct ptimer *ptimer_take(struct process *p, int id)
{
	u64 flags = siglock(p);
	struct ptimer *pt = ptimer_find_locked(p, id);

	if (pt)
		list_del(&pt->node);
	sigunlock(p, flags);
	if (pt) {
		WRITE_ONCE(pt->dead, true);
		ktimer_cancel_sync(&pt->timer);
		ktimer_cancel(&pt->timer);	/* the callback may have started it once more */
		ktimer_cancel_sync(&pt->timer);
		WRITE_ONCE(pt->dead, false);
	}
	return pt;
}

SYSCALL(timer_settime)
{
	struct process *p = current_task()->proc;
	struct kitimerspec old;
	struct ptimer *pt;
	u64 value, interval, flags, off;
	int err = a2 ? itimerspec_get(a2, &value, &interval) : -EINVAL;

	if (err)
		return err;
	pt = ptimer_take(p, (int)a0);
	if (!pt)
		return -EINVAL;
	left_get(pt, &old);
	pt->interval = value ? interval : 0;
	if (pt->interval)
		pt->interval = MAX(pt->interval, MIN_PERIOD);
	off = clock_offset(pt);
	if (!value)
		pt->expires = 0;
	else if (a1 & 1 /* TIMER_ABSTIME */)
		pt->expires = value > off ? value - off : 1;
	else
		pt->expires = clock_ns() + value;
	flags = siglock(p);
	list_add_tail(&pt->node, &p->posix_timers);
	if (pt->expires)
		ktimer_start(&pt->timer, pt->expires);
	sigunlock(p, flags);
	return a3 ? put_user(old, a3) : 0;
}

static void ptimer_free(struct process *p, struct ptimer *pt)
{
	u64 flags = siglock(p);

	p->ntimers--;
	sigunlock(p, flags);
	kfree(pt);
}

SYSCALL(timer_delete)
{
	struct process *p = current_task()->proc;
	struct ptimer *pt = ptimer_take(p, (int)a0);

	if (!pt)
		return -EINVAL;
	ptimer_free(p, pt);
	return 0;
}

void timers_exit(struct process *p, bool exec)
{
	struct ptimer *pt;
	u64 flags;
	int id;

	if (!exec) {		/* an alarm goes on over exec */
		p->itimer_interval = 0;
		ktimer_cancel_sync(&p->itimer_real);
		ktimer_cancel(&p->itimer_real);
		ktimer_cancel_sync(&p->itimer_real);
	}
	for (;;) {
		flags = siglock(p);
		id = list_empty(&p->posix_timers) ? -1 : list_first(&p->posix_timers, struct ptimer, node)->id;
		sigunlock(p, flags);
		if (id < 0)
			return;
		pt = ptimer_take(p, id);
		if (pt)
			ptimer_free(p, pt);
	}
}
