// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the ABI tests share: results, and calls that must fail with an errno.
 * One thread reports at a time.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int tests_passed, tests_failed;

/* One result; with @cond false the reason is errno as it is now. */
__attribute__((unused)) static bool check(bool cond, const char *name)
{
	int err = errno;

	if (cond) {
		tests_passed++;
		printf("ok %s\n", name);
	} else {
		tests_failed++;
		printf("not ok %s: errno %d (%s)\n", name, err, strerror(err));
	}
	fflush(stdout);
	errno = 0;
	return cond;
}

__attribute__((unused)) static bool check_eq(long have, long want, const char *name)
{
	int err = errno;

	if (have == want)
		return check(true, name);
	tests_failed++;
	printf("not ok %s: %ld (%#lx), expected %ld (%#lx), errno %d\n", name, have, have,
	       want, want, err);
	fflush(stdout);
	errno = 0;
	return false;
}

/* @call must return -1 with @err. */
#define check_errno(call, err, name) do {				\
	long r_;							\
	errno = 0;							\
	r_ = (long)(call);						\
	if (r_ != -1)							\
		check_eq(r_, -1, name);					\
	else								\
		check_eq(errno, err, name);				\
} while (0)

/* What cannot be gone on without. */
#define must(expr) ({							\
	long m_ = (long)(expr);						\
	if (m_ == -1) {							\
		printf("not ok %s line %d: %s: %s\n", __FILE__, __LINE__, #expr, strerror(errno)); \
		fflush(stdout);						\
		exit(1);						\
	}								\
	m_;								\
})

__attribute__((unused)) static int report(void)
{
	printf("%d passed, %d failed\n", tests_passed, tests_failed);
	fflush(stdout);
	return tests_failed ? 1 : 0;
}

__attribute__((unused)) static void msleep(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/*
 * Signals this thread again and again until nudge_end: one signal alone can
 * come before the call that it shall interrupt, when the machine is busy.
 */
struct nudge {
	pthread_t thread, target;
	int sig;
	volatile bool enough;
};

__attribute__((unused)) static void *nudge_thread(void *arg)
{
	struct nudge *n = arg;

	while (!n->enough) {
		msleep(20);
		pthread_kill(n->target, n->sig);
	}
	return NULL;
}

__attribute__((unused)) static void nudge_begin(struct nudge *n, int sig)
{
	n->target = pthread_self();
	n->sig = sig;
	n->enough = false;
	if (pthread_create(&n->thread, NULL, nudge_thread, n))
		check(false, "a thread to send signals");
}

__attribute__((unused)) static void nudge_end(struct nudge *n)
{
	n->enough = true;
	pthread_join(n->thread, NULL);
}

__attribute__((unused)) static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000UL + ts.tv_nsec / 1000000;
}

/* For checks that the oracle does not pass, which tests/abi/README.md explains. */
__attribute__((unused)) static bool on_nestbox(void)
{
	struct utsname u;

	return !uname(&u) && strstr(u.release, "nestbox");
}

/* Status of @fn run in a child: exit status, or 128 + signal. */
__attribute__((unused)) static int in_child(int (*fn)(void))
{
	pid_t pid = must(fork());
	int status;

	if (!pid)
		_exit(fn());
	must(waitpid(pid, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Install a handler without SA_RESTART unless @flags has it. */
__attribute__((unused)) static void handle(int sig, void (*fn)(int), int flags)
{
	struct sigaction sa = { .sa_handler = fn, .sa_flags = flags };

	must(sigaction(sig, &sa, NULL));
}
