// SPDX-License-Identifier: GPL-2.0-only
/* Descriptors: pipes, eventfd, timerfd, epoll, poll, dup, fcntl. */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

#include "test.h"

static int ready(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static void pipes(void)
{
	char buf[64], big[4096];
	struct iovec iov[2] = { { "ab", 2 }, { "cde", 3 } };
	int p[2], n = 0, total = 0;

	check_eq(pipe2(p, O_NONBLOCK | O_CLOEXEC), 0, "pipe2");
	check_errno(read(p[0], buf, 1), EAGAIN, "empty pipe");
	check_eq(ready(p[0], POLLIN), 0, "not readable");
	check_eq(ready(p[1], POLLOUT), POLLOUT, "writable");
	check_eq(writev(p[1], iov, 2), 5, "writev");
	check_eq(ready(p[0], POLLIN), POLLIN, "readable");
	check_eq(ioctl(p[0], FIONREAD, &n), 0, "FIONREAD");
	check_eq(n, 5, "five bytes");
	check(read(p[0], buf, sizeof(buf)) == 5 && !memcmp(buf, "abcde", 5), "read");
	memset(big, 'x', sizeof(big));
	while ((n = write(p[1], big, sizeof(big))) > 0)
		total += n;
	check(n == -1 && errno == EAGAIN, "full pipe");
	check_eq(total, 65536, "64 KiB in a pipe");
	check_eq(ready(p[1], POLLOUT), 0, "full: not writable");
	while ((n = read(p[0], big, sizeof(big))) > 0)
		total -= n;
	check_eq(total, 0, "all came out");
	check_errno(lseek(p[0], 0, SEEK_SET), ESPIPE, "lseek on a pipe");
	check_errno(write(p[0], "x", 1), EBADF, "write to the read end");
	close(p[1]);
	check_eq(read(p[0], buf, 1), 0, "end of file");
	check_eq(ready(p[0], POLLIN), POLLHUP, "POLLHUP");
	close(p[0]);
	must(pipe(p));
	close(p[0]);
	signal(SIGPIPE, SIG_IGN);
	check_errno(write(p[1], "x", 1), EPIPE, "EPIPE");
	check(ready(p[1], POLLOUT) & POLLERR, "POLLERR");
	close(p[1]);
	check_errno(pipe2(p, 0x10), EINVAL, "pipe2 with an unknown flag");
}

static void descriptors(void)
{
	int fd = must(open("/dev/null", O_RDWR)), other;

	check_eq(fcntl(fd, F_GETFD), 0, "no FD_CLOEXEC");
	check_eq(fcntl(fd, F_SETFD, FD_CLOEXEC), 0, "F_SETFD");
	check_eq(fcntl(fd, F_GETFD), FD_CLOEXEC, "FD_CLOEXEC");
	other = fcntl(fd, F_DUPFD, 100);
	check_eq(other, 100, "F_DUPFD from 100");
	check_eq(fcntl(other, F_GETFD), 0, "the copy is not FD_CLOEXEC");
	close(other);
	check_eq(fcntl(fd, F_DUPFD_CLOEXEC, 60), 60, "F_DUPFD_CLOEXEC");
	check_eq(fcntl(60, F_GETFD), FD_CLOEXEC, "its flag");
	check_eq(dup2(fd, 60), 60, "dup2 over an open one");
	check_eq(fcntl(60, F_GETFD), 0, "its flag is gone");
	check_eq(dup2(60, 60), 60, "dup2 to itself");
	check_errno(dup3(60, 60, 0), EINVAL, "dup3 to itself");
	check_errno(dup2(999, 61), EBADF, "dup2 of a closed one");
	check_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0, "F_SETFL");
	check_eq(fcntl(60, F_GETFL) & O_NONBLOCK, O_NONBLOCK, "O_NONBLOCK is the file's");
	check_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR, "F_GETFL");
	close(60);
	check_errno(close(60), EBADF, "close twice");
	check_errno(close(-1), EBADF, "close -1");
	check_errno(fcntl(fd, 9999), EINVAL, "unknown fcntl");
	close(fd);
}

static void eventfds(void)
{
	int fd = eventfd(3, EFD_NONBLOCK), sem;
	uint64_t v;

	check(read(fd, &v, 8) == 8 && v == 3, "eventfd's first value");
	check_errno(read(fd, &v, 8), EAGAIN, "then empty");
	v = 5;
	check_eq(write(fd, &v, 8), 8, "write");
	check_eq(write(fd, &v, 8), 8, "write again");
	check(read(fd, &v, 8) == 8 && v == 10, "sum");
	check_errno(read(fd, &v, 4), EINVAL, "short read");
	v = -1;
	check_errno(write(fd, &v, 8), EINVAL, "the forbidden value");
	v = -2;
	check_eq(write(fd, &v, 8), 8, "the largest value");
	check_eq(ready(fd, POLLIN | POLLOUT), POLLIN, "full: readable only");
	v = 1;
	check_errno(write(fd, &v, 8), EAGAIN, "overflow");
	close(fd);
	sem = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	check(read(sem, &v, 8) == 8 && v == 1 && read(sem, &v, 8) == 8 && v == 1 &&
	      read(sem, &v, 8) == -1, "semaphore");
	close(sem);
}

static void timerfds(void)
{
	struct itimerspec t = { .it_value.tv_nsec = 20000000, .it_interval.tv_nsec = 10000000 };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t n, start = now_ms();

	check_eq(timerfd_settime(fd, 0, &t, NULL), 0, "timerfd_settime");
	check(read(fd, &n, 8) == 8 && n >= 1, "it expires");
	check(now_ms() - start >= 19, "not too early");
	msleep(60);
	check(read(fd, &n, 8) == 8 && n >= 3, "expirations are counted");
	check(timerfd_gettime(fd, &t) == 0 && t.it_interval.tv_nsec == 10000000, "timerfd_gettime");
	memset(&t, 0, sizeof(t));
	timerfd_settime(fd, 0, &t, NULL);
	check_eq(ready(fd, POLLIN), 0, "disarmed");
	t.it_value.tv_nsec = 1000000000;
	check_errno(timerfd_settime(fd, 0, &t, NULL), EINVAL, "invalid time");
	check_errno(timerfd_create(99, 0), EINVAL, "invalid clock");
	t.it_value.tv_nsec = t.it_interval.tv_nsec = 1;
	timerfd_settime(fd, 0, &t, NULL);
	msleep(20);
	check(read(fd, &n, 8) == 8 && n > 1000000, "a period of 1 ns leaves time for us");
	close(fd);
}

static void *late_write(void *arg)
{
	msleep(30);
	return (void *)write(*(int *)arg, "x", 1);
}

/*
 * Many ways from a file to its waiters are a long time with interrupts off. Linux counts ways,
 * Nestbox parents.
 */
static void epoll_widely(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int inner = epoll_create1(0), outer = inner, i;

	for (i = 0; i < 600; i++) {
		outer = must(epoll_create1(0));
		if (epoll_ctl(outer, EPOLL_CTL_ADD, inner, &ev))
			break;
	}
	check(i >= 1 && (i == 600 || errno == EINVAL), "one epoll in many");
	while (outer >= inner)
		close(outer--);
}

static void epolls(void)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = 0x1234567887654321 }, out[4];
	int ep = epoll_create1(EPOLL_CLOEXEC), p[2];
	pthread_t t;
	char c;

	must(pipe(p));
	check_eq(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev), 0, "EPOLL_CTL_ADD");
	check_errno(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev), EEXIST, "twice");
	check_errno(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], &ev), ENOENT, "modify an unknown one");
	check_errno(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev), EINVAL, "itself");
	check_errno(epoll_ctl(ep, EPOLL_CTL_ADD, 999, &ev), EBADF, "closed");
	check_eq(epoll_wait(ep, out, 4, 0), 0, "nothing ready");
	must(pthread_create(&t, NULL, late_write, &p[1]) ? -1 : 0);
	check(epoll_wait(ep, out, 4, 5000) == 1 && out[0].data.u64 == ev.data.u64 &&
	      out[0].events == EPOLLIN, "woken by a thread");
	pthread_join(t, NULL);
	check_eq(epoll_wait(ep, out, 4, 0), 1, "level-triggered: still ready");
	ev.events = EPOLLIN | EPOLLET;
	epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev);
	check_eq(epoll_wait(ep, out, 4, 0), 1, "edge-triggered: once");
	check_eq(epoll_wait(ep, out, 4, 0), 0, "and no more");
	write(p[1], "y", 1);
	check_eq(epoll_wait(ep, out, 4, 0), 1, "next edge");
	ev.events = EPOLLIN | EPOLLONESHOT;
	epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev);
	check_eq(epoll_wait(ep, out, 4, 0), 1, "one shot");
	write(p[1], "z", 1);
	check_eq(epoll_wait(ep, out, 4, 0), 0, "and disabled");
	check_eq(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL), 0, "EPOLL_CTL_DEL");
	check_errno(epoll_wait(ep, out, 0, 0), EINVAL, "room for none");
	read(p[0], &c, 1);
	ev.events = EPOLLIN;
	epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev);
	close(p[0]);
	close(p[1]);
	check_eq(epoll_wait(ep, out, 4, 0), 0, "closed descriptors leave");
	close(ep);
	epoll_widely();
}

#define STORM_FDS	8
#define STORM_ROUNDS	3000

static int storm_fd[STORM_FDS];
static volatile int storm_over;

static void *storm(void *arg)
{
	uint64_t one = 1;
	int i;

	while (!storm_over)
		for (i = 0; i < STORM_FDS; i++)
			if (write(storm_fd[i], &one, sizeof(one)) < 0 && errno != EAGAIN)
				return NULL;
	return NULL;
}

/* Descriptors that become ready again while epoll_wait hands them out: each comes once in a call, and every call ends. */
static void epoll_storm(void)
{
	struct epoll_event ev = { 0 }, out[STORM_FDS * 4];
	int ep = epoll_create1(0), twice = 0, calls = 0, i, n;
	pthread_t t[2];

	for (i = 0; i < STORM_FDS; i++) {
		storm_fd[i] = eventfd(0, EFD_NONBLOCK);
		ev.events = i & 1 ? EPOLLIN | EPOLLET : EPOLLIN;
		ev.data.u64 = i;
		epoll_ctl(ep, EPOLL_CTL_ADD, storm_fd[i], &ev);
	}
	for (i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, storm, NULL);
	for (calls = 0; calls < STORM_ROUNDS; calls++) {
		uint64_t seen = 0;

		n = epoll_wait(ep, out, STORM_FDS * 4, 5000);
		if (n <= 0)
			break;
		for (i = 0; i < n; i++) {
			twice += seen >> out[i].data.u64 & 1;
			seen |= 1UL << out[i].data.u64;
		}
	}
	storm_over = 1;
	for (i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	check_eq(calls, STORM_ROUNDS, "epoll_wait while others write");
	check_eq(twice, 0, "no descriptor twice in one call");
	for (i = 0; i < STORM_FDS; i++)
		close(storm_fd[i]);
	close(ep);
}

static void polls(void)
{
	struct pollfd p[3] = { { .fd = -1 }, { .fd = 999, .events = POLLIN } };
	uint64_t start = now_ms();
	int fds[2];

	check_eq(poll(p, 2, 0), 1, "POLLNVAL counts");
	check_eq(p[1].revents, POLLNVAL, "POLLNVAL");
	check_eq(p[0].revents, 0, "negative ones are ignored");
	check_eq(poll(p, 1, 50), 0, "poll times out");
	check(now_ms() - start >= 49, "after its time");
	must(pipe(fds));
	p[0].fd = fds[0];
	p[0].events = POLLIN;
	write(fds[1], "x", 1);
	check(poll(p, 1, -1) == 1 && p[0].revents == POLLIN, "poll without limit");
}

int main(void)
{
	pipes();
	descriptors();
	eventfds();
	timerfds();
	epolls();
	epoll_storm();
	polls();
	return report();
}
