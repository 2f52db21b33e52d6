// SPDX-License-Identifier: GPL-2.0-only
/* Restartable sequences are no signals: calls that sleep are not interrupted by preemption. Registration's errors. */
#include <linux/rseq.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "test.h"

#define PAIRS	3
#define ROUNDS	4000

static volatile bool stop;
static int ev[PAIRS][2];
static long interrupted;

/* Two threads that wake each other through epoll, which tells every interruption. */
static void *ping(void *arg)
{
	long n = (long)arg, side = n % 2;
	int ep = must(epoll_create1(0));
	struct epoll_event e = { .events = EPOLLIN };
	uint64_t one = 1;

	must(epoll_ctl(ep, EPOLL_CTL_ADD, ev[n / 2][side], &e));
	for (int i = 0; i < ROUNDS; i++) {
		if (!side)
			must(write(ev[n / 2][1], &one, 8));
		while (epoll_wait(ep, &e, 1, -1) != 1) {
			if (errno == EINTR)
				__atomic_fetch_add(&interrupted, 1, __ATOMIC_RELAXED);
		}
		must(read(ev[n / 2][side], &one, 8));
		one = 1;
		if (side)
			must(write(ev[n / 2][0], &one, 8));
	}
	close(ep);
	return NULL;
}

static void *busy(void *arg)
{
	while (!stop)
		sched_yield();
	return NULL;
}

static void no_interruptions(void)
{
	pthread_t t[2 * PAIRS], b[2];

	for (int i = 0; i < PAIRS; i++)
		for (int s = 0; s < 2; s++)
			ev[i][s] = must(eventfd(0, 0));
	for (long i = 0; i < 2; i++)
		pthread_create(&b[i], NULL, busy, NULL);
	for (long i = 0; i < 2 * PAIRS; i++)
		pthread_create(&t[i], NULL, ping, (void *)i);
	for (int i = 0; i < 2 * PAIRS; i++)
		pthread_join(t[i], NULL);
	stop = true;
	for (int i = 0; i < 2; i++)
		pthread_join(b[i], NULL);
	check_eq(interrupted, 0, "preempted threads are not interrupted");
}

static struct rseq mine __attribute__((aligned(32)));

static void *registration(void *arg)
{
	static struct rseq other __attribute__((aligned(32)));
	long len = 32;

	/* The C library has registered its own for this thread already, unless told not to. */
	check(syscall(SYS_rseq, &mine, len, 0, 0x1234) == 0 || errno == EINVAL || errno == EBUSY, "register");
	check_errno(syscall(SYS_rseq, &other, len, 2, 0x1234), EINVAL, "unknown flag");
	check_errno(syscall(SYS_rseq, &other, len, 1, 0x1234), EINVAL, "unregister what is not registered");
	return NULL;
}

static void affinity(void)
{
	cpu_set_t all, one;
	long n = 0;

	must(sched_getaffinity(0, sizeof(all), &all));
	for (int i = 0; i < 50; i++) {
		for (int c = 0; c < CPU_SETSIZE; c++) {
			if (!CPU_ISSET(c, &all))
				continue;
			CPU_ZERO(&one);
			CPU_SET(c, &one);
			must(sched_setaffinity(0, sizeof(one), &one));
			n += sched_getcpu() != c;
		}
	}
	check_eq(n, 0, "sched_getcpu tells where sched_setaffinity put the thread");
	must(sched_setaffinity(0, sizeof(all), &all));
}

int main(void)
{
	pthread_t t;

	no_interruptions();
	affinity();
	pthread_create(&t, NULL, registration, NULL);
	pthread_join(t, NULL);
	return report();
}
