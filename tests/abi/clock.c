// SPDX-License-Identifier: GPL-2.0-only
/* Clocks and sleeping. */
#include <sys/time.h>

#include "test.h"

static void clocks(void)
{
	static const int ids[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME,
		CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE, CLOCK_REALTIME_COARSE,
		CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID };
	struct timespec a, b;
	unsigned int i, bad = 0;
	struct timeval tv;

	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		bad += clock_gettime(ids[i], &a) || a.tv_nsec < 0 || a.tv_nsec > 999999999;
		bad += !!clock_getres(ids[i], &b);
	}
	check_eq(bad, 0, "eight clocks");
	for (i = 0, bad = 0; i < 10000; i++) {
		clock_gettime(CLOCK_MONOTONIC, &a);
		clock_gettime(CLOCK_MONOTONIC, &b);
		bad += b.tv_sec < a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec < a.tv_nsec);
	}
	check_eq(bad, 0, "monotonic");
	check_eq(gettimeofday(&tv, NULL), 0, "gettimeofday");
	check(labs(tv.tv_sec - time(NULL)) <= 1, "time");
	check_errno(syscall(SYS_clock_gettime, 77, &a), EINVAL, "unknown clock");
	check_errno(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, 8), EFAULT, "to address 8");
}

static void sleeping(void)
{
	struct timespec ts = { .tv_nsec = 30000000 }, bad = { .tv_nsec = 1000000000 };
	uint64_t t = now_ms();

	check_eq(nanosleep(&ts, NULL), 0, "nanosleep");
	check(now_ms() - t >= 29, "slept long enough");
	check_errno(nanosleep(&bad, NULL), EINVAL, "invalid time");
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec++;
	t = now_ms();
	check_eq(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0, "until a time");
	check(now_ms() - t >= 990 && now_ms() - t < 3000, "which came");
	ts = (struct timespec){ .tv_nsec = 1 };
	check_eq(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0, "until the past");
}

static void cpu_time(void)
{
	struct timespec a, b, c;
	volatile int i;
	long ms = 100;

	/* A machine that stops while this thread is not asleep yet makes one try say nothing. */
	for (i = 0; i < 20 && ms >= 90; i++) {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
		msleep(100);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
		ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
	}
	check(ms < 90, "sleep costs no CPU time");
	for (i = 0; i < 5000000; i++)
		;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &c);
	check(c.tv_sec > b.tv_sec || c.tv_nsec > b.tv_nsec, "work does");
}

int main(void)
{
	clocks();
	sleeping();
	cpu_time();
	return report();
}
