// SPDX-License-Identifier: GPL-2.0-only
/* Clocks and sleeps. No locks: time is read from the counter. */
#include <linux/time.h>
#include <linux/timex.h>

#include "linux/process/internal.h"

#define TIMER_ABSTIME_FLAG	1

int kspec_get(u64 uaddr, u64 *ns)
{
	struct kspec s;

	if (get_user(s, uaddr))
		return -EFAULT;
	if (s.sec < 0 || s.nsec < 0 || s.nsec >= (s64)NSEC_PER_SEC)
		return -EINVAL;
	if ((u64)s.sec > (~0UL >> 1) / NSEC_PER_SEC - 1)
		*ns = ~0UL >> 1;
	else
		*ns = (u64)s.sec * NSEC_PER_SEC + (u64)s.nsec;
	return 0;
}

int kspec_put(u64 uaddr, u64 ns)
{
	struct kspec s = { (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC) };

	return put_user(s, uaddr);
}

/* Clocks of other processes and threads are encoded as negative ids: low bits say which, the rest is ~pid. */
static int cpu_clock(int id, u64 *ns)
{
	int pid = ~(id >> 3);
	struct process *p;
	struct thread *th;

	if ((id & 3) == 3 || pid < 0)
		return -EINVAL;
	if (id & 4) {
		th = thread_find(pid);
		if (!th)
			return -EINVAL;
		*ns = thread_runtime(th);
		thread_put(th);
		return 0;
	}
	if (!pid) {
		*ns = process_runtime(current_task()->proc);
		return 0;
	}
	p = process_find(pid);
	if (!p)
		return -EINVAL;
	*ns = process_runtime(p);
	process_put(p);
	return 0;
}

static int clock_read(int id, u64 *ns)
{
	if (id < 0)
		return cpu_clock(id, ns);
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		*ns = clock_ns() + clock_realtime_offset_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ns = clock_ns();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		*ns = process_runtime(current_task()->proc);
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = thread_runtime(current_thread);
		return 0;
	default:
		return -EINVAL;
	}
}

SYSCALL(clock_gettime)
{
	u64 ns;
	int err = clock_read((int)a0, &ns);

	return err ? err : kspec_put(a1, ns);
}

SYSCALL(clock_getres)
{
	u64 ns;
	int err = clock_read((int)a0, &ns);

	if (err || !a1)
		return err;
	return kspec_put(a1, MAX(1UL, NSEC_PER_SEC / counter_hz));
}

SYSCALL(clock_settime)
{
	u64 ns;
	int err;

	if ((int)a0 != CLOCK_REALTIME)
		return -EINVAL;
	err = kspec_get(a1, &ns);
	if (err)
		return err;
	clock_set_realtime(ns);
	return 0;
}

SYSCALL(gettimeofday)
{
	u64 ns = clock_ns() + clock_realtime_offset_ns(), tz = 0;
	struct kval v = { (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC / 1000) };

	if (a0 && put_user(v, a0))
		return -EFAULT;
	return a1 ? put_user(tz, a1) : 0;
}

SYSCALL(settimeofday)
{
	struct kval v;

	if (!a0)
		return 0;
	if (get_user(v, a0))
		return -EFAULT;
	if (v.sec < 0 || v.usec < 0 || v.usec >= 1000000 || (u64)v.sec > ~0UL / 4 / NSEC_PER_SEC)
		return -EINVAL;
	clock_set_realtime((u64)v.sec * NSEC_PER_SEC + (u64)v.usec * 1000);
	return 0;
}

SYSCALL(adjtimex)
{
	return -EPERM;		/* the clock is not disciplined */
}

SYSCALL(clock_adjtime)
{
	return -EPERM;
}

SYSCALL(times)
{
	struct process *p = current_task()->proc;
	s64 v[4] = { (s64)(process_runtime(p) / 10000000), 0, (s64)(p->cutime_ns / 10000000), 0 };

	if (a0 && copy_to_user(a0, v, sizeof(v)))
		return -EFAULT;
	return (s64)(clock_ns() / 10000000);
}

/* ---- sleeping ---- */

/* Until a clock_ns time; what is left goes to rem (0: nowhere) when a signal ends it. */
static s64 sleep_until(u64 deadline, u64 rem)
{
	struct waitq never;
	u64 now;
	int ret;

	waitq_init(&never);
	ret = wait_event_interruptible_until(&never, false, deadline);
	if (ret != -EINTR)
		return 0;
	now = clock_ns();
	if (now >= deadline)
		return 0;
	if (rem && kspec_put(rem, deadline - now))
		return -EFAULT;
	return -EINTR;
}

static s64 sleep_restart(struct task *t)
{
	s64 ret = sleep_until(t->restart_ns, t->restart_arg[0]);

	if (ret == -EINTR) {
		t->restart_fn = sleep_restart;
		ret = -ERESTART_RESTARTBLOCK;
	}
	return ret;
}

static s64 sleep_relative(u64 ns, u64 rem)
{
	struct task *t = current_task();
	u64 now = clock_ns();
	s64 ret;

	t->restart_ns = ns > ~0UL - 1 - now ? ~0UL - 1 : now + ns;
	t->restart_arg[0] = rem;
	ret = sleep_until(t->restart_ns, rem);
	if (ret == -EINTR) {
		t->restart_fn = sleep_restart;
		ret = -ERESTART_RESTARTBLOCK;
	}
	return ret;
}

SYSCALL(nanosleep)
{
	u64 ns;
	int err = kspec_get(a0, &ns);

	return err ? err : sleep_relative(ns, a1);
}

SYSCALL(clock_nanosleep)
{
	int id = (int)a0, err;
	u64 ns, now, off;
	s64 ret;

	if (id < 0 || id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID || id == CLOCK_MONOTONIC_RAW)
		return -EOPNOTSUPP;
	err = clock_read(id, &now);
	if (!err)
		err = kspec_get(a2, &ns);
	if (err)
		return err;
	if (!(a1 & TIMER_ABSTIME_FLAG))
		return sleep_relative(ns, a3);
	off = (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE || id == CLOCK_BOOTTIME ||
	       id == CLOCK_BOOTTIME_ALARM) ? 0 : clock_realtime_offset_ns();
	ret = sleep_until(ns > off ? ns - off : 0, 0);
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}
