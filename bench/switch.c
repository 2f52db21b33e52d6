// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a context switch costs, by who uses vector registers: two threads of one process hand a byte back and forth through
 * two pipes, on one CPU; and a thread that moves itself between two CPUs. Each line is NAME, mean and minimum in nanoseconds of
 * the virtual counter (instructions under -icount) for one turn: there and back, or one move. Linux/arm64 program.
 */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TURNS	1000

static int there[2], back[2];
static int other_uses, mine_uses;

static long call(long nr, long a, long b, long c)
{
	register long x8 asm("x8") = nr;
	register long x0 asm("x0") = a;
	register long x1 asm("x1") = b, x2 asm("x2") = c;

	asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
}

static inline void use(int yes)
{
	if (yes)
		asm volatile("fmov d0, xzr" : : : "v0");
}

static uint64_t now(void)
{
	uint64_t v;

	asm volatile("isb; mrs %0, cntvct_el0" : "=r"(v));
	return v;
}

static void result(const char *name, uint64_t sum, uint64_t least)
{
	uint64_t f;

	asm volatile("mrs %0, cntfrq_el0" : "=r"(f));
	printf("%s %llu %llu\n", name, (unsigned long long)((unsigned __int128)sum * 1000000000U / TURNS / f),
	       (unsigned long long)((unsigned __int128)least * 1000000000U / f));
	fflush(stdout);
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void pin(unsigned cpu)
{
	unsigned long mask = 1UL << cpu;

	if (call(SYS_sched_setaffinity, 0, sizeof(mask), (long)&mask) < 0)
		die("sched_setaffinity");
}

static void *echo(void *arg)
{
	char c;

	pin(0);
	while (call(SYS_read, there[0], (long)&c, 1) == 1 && c) {
		use(other_uses);
		if (call(SYS_write, back[1], (long)&c, 1) != 1)
			break;
	}
	return NULL;
}

static void turns(const char *name, int mine, int other)
{
	uint64_t least = ~0UL, sum = 0, t;
	char c = 1;
	int i;

	mine_uses = mine;
	other_uses = other;
	for (i = 0; i < TURNS; i++) {
		t = now();
		use(mine_uses);
		if (call(SYS_write, there[1], (long)&c, 1) != 1 || call(SYS_read, back[0], (long)&c, 1) != 1)
			die("pipe");
		t = now() - t;
		sum += t;
		if (t < least)
			least = t;
	}
	result(name, sum, least);
}

static void moves(const char *name, int fp)
{
	uint64_t least = ~0UL, sum = 0, t;
	int i;

	for (i = 0; i < TURNS; i++) {
		t = now();
		pin(~i & 1);
		use(fp);
		t = now() - t;
		sum += t;
		if (t < least)
			least = t;
	}
	result(name, sum, least);
}

int main(void)
{
	pthread_t t;
	char end = 0;

	if (pipe(there) || pipe(back))
		die("pipe");
	pin(0);
	if (pthread_create(&t, NULL, echo, NULL))
		die("pthread_create");
	turns("switch", 0, 0);
	turns("switch-one-fp", 1, 0);
	turns("switch-both-fp", 1, 1);
	if (call(SYS_write, there[1], (long)&end, 1) != 1)
		die("pipe");
	pthread_join(t, NULL);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
		moves("move", 0);
		moves("move-fp", 1);
	}
	return 0;
}
