// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls with arguments that are wrong, one and two at a time: which errno comes first. A row of sysargs.inc says what
 * each argument may be; the first is right. `sysargs print` prints what came as rows of sysargs_errors.inc: Linux 6.12's
 * answers, and where Nestbox differs its own (why: docs/abi/syscalls.md).
 */
#include <linux/time_types.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <nestbox/kvm.h>

#include "kvm.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2	452
#endif

/* Operands that are not numbers; found anew for each call. */
enum {
	OPERANDS = 0x7a5a0000,
	FILE_, RDONLY, WRONLY, DIR_, PATHFD, PIPE_R, PIPE_W, EVENT, EPOLL, TIMER, SOCK, MEMFD, KVM, NOFD,
	BUF, BAD, RO, EDGE, IOV, IOVBAD, IOVNEG, TS, TSBAD, ITS, ITSBAD, SIGS, EV, ONES, POLL, UN,
	P_FILE, P_DIR, P_NONE, P_EMPTY, P_UNDER, P_LONG, P_LINK, P_NEW, P_LOOP, P_UNEND,
	MAP, HOLE, ODD, KERNEL, PID,
};

#define NARGS	6
#define NVALUES	8
#define CALLS	900
#define DIED	255
#define ROOM	"/tmp/sysargs"

enum kind { PLAIN, GIVES_FD, GIVES_MAP };

struct row {
	const char *name;
	int nr;
	enum kind kind;
	struct values {
		unsigned int n;
		uint64_t v[NVALUES];
	} arg[NARGS];
};

#define V(...)		{ sizeof((uint64_t[]){ __VA_ARGS__ }) / 8, { __VA_ARGS__ } }
#define ROW(call, kind, ...)	{ #call, SYS_##call, kind, .arg = { __VA_ARGS__ } },

static const struct row rows[] = {
#include "sysargs.inc"
};

static const struct {
	const char *name, *linux_gives, *nestbox_gives;		/* NULL: the same */
} errors[] = {
#include "sysargs_errors.inc"
};

/* What the child found, for the parent to see. */
static struct shared {
	unsigned int next;
	uint8_t err[CALLS];
} *shared;

static char *map, *ro, *edge, long_path[5000];
static int fd[64];

static void file_make(const char *path, unsigned int size)
{
	int f = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);

	must(f);
	must(ftruncate(f, size));
	close(f);
}

/* The same files and descriptors before each call. */
static void room_make(void)
{
	mkdir(ROOM, 0755);
	unlink(ROOM "/dir");
	mkdir(ROOM "/dir", 0755);
	unlink(ROOM "/file");	/* renameat2 may have made a device of it */
	rmdir(ROOM "/file");
	file_make(ROOM "/file", 8192);
	(void)!symlink("file", ROOM "/link");
	(void)!symlink("loop", ROOM "/loop");
	unlink(ROOM "/new");
	rmdir(ROOM "/new");
	unlink(ROOM "/none");
	rmdir(ROOM "/none");
}

static void fds_make(void)
{
	int p[2];

	must(syscall(SYS_close_range, 3, 1000000, 0));
	fd[FILE_ - OPERANDS] = open(ROOM "/file", O_RDWR);
	fd[RDONLY - OPERANDS] = open(ROOM "/file", O_RDONLY);
	fd[WRONLY - OPERANDS] = open(ROOM "/file", O_WRONLY);
	fd[DIR_ - OPERANDS] = open(ROOM, O_RDONLY | O_DIRECTORY);
	fd[PATHFD - OPERANDS] = open(ROOM "/file", O_PATH);
	must(pipe2(p, O_NONBLOCK));
	fd[PIPE_R - OPERANDS] = p[0];
	fd[PIPE_W - OPERANDS] = p[1];
	fd[EVENT - OPERANDS] = eventfd(1, EFD_NONBLOCK);
	fd[EPOLL - OPERANDS] = epoll_create1(0);
	fd[TIMER - OPERANDS] = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	fd[SOCK - OPERANDS] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	fd[MEMFD - OPERANDS] = memfd_create("m", MFD_ALLOW_SEALING);
	fd[KVM - OPERANDS] = open("/dev/kvm", O_RDWR);
	fd[NOFD - OPERANDS] = 60;
}

static void memory_make(void)
{
	map = mmap((void *)0x100000000UL, 16 << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	must((long)map);
	ro = mmap((void *)0x110000000UL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	edge = mmap((void *)0x120000000UL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	munmap((void *)0x120001000UL, 4096);
	edge += 4092;
	memset(long_path, 'x', sizeof(long_path) - 1);
}

static uint64_t buffer(uint64_t v)
{
	static char buf[8192] __attribute__((aligned(4096)));
	static struct iovec iov[2];
	static struct __kernel_timespec ts;
	static struct itimerspec its;
	static struct epoll_event ev;
	static struct pollfd poll;
	static struct sockaddr_un un;

	switch (v) {
	case BUF:
		memset(buf, 0, sizeof(buf));
		return (uintptr_t)buf;
	case ONES:
		memset(buf + 4096, 0xff, 4096);
		return (uintptr_t)buf + 4096;
	case IOV:
	case IOVBAD:
	case IOVNEG:
		iov[0] = (struct iovec){ buf, 8 };
		iov[1] = (struct iovec){ v == IOVBAD ? (void *)16 : buf + 8, v == IOVNEG ? -1UL : 8 };
		return (uintptr_t)iov;
	case TS:
	case TSBAD:
		ts = (struct __kernel_timespec){ 0, v == TS ? 1000 : 1000000000 };
		return (uintptr_t)&ts;
	case ITS:
	case ITSBAD:
		its = (struct itimerspec){ .it_value = { 1000, v == ITS ? 0 : -1 } };
		return (uintptr_t)&its;
	case SIGS:
		memset(buf, 0, 128);
		return (uintptr_t)buf;
	case EV:
		ev = (struct epoll_event){ .events = EPOLLIN };
		return (uintptr_t)&ev;
	case POLL:
		poll = (struct pollfd){ .fd = fd[EVENT - OPERANDS], .events = POLLIN };
		return (uintptr_t)&poll;
	default:
		un = (struct sockaddr_un){ .sun_family = AF_UNIX, .sun_path = ROOM "/new" };
		return (uintptr_t)&un;
	}
}

static const char *path(uint64_t v)
{
	static const char *const p[] = {
		ROOM "/file", ROOM "/dir", ROOM "/none", "", ROOM "/file/x", long_path, ROOM "/link", ROOM "/new", ROOM "/loop",
	};

	return v == P_UNEND ? memset(edge, 'x', 4) : p[v - P_FILE];
}

static uint64_t operand(uint64_t v)
{
	if (v < FILE_ || v > PID)
		return v;
	if (v <= NOFD)
		return fd[v - OPERANDS];
	switch (v) {
	case BAD:
		return 16;
	case RO:
		return (uintptr_t)ro;
	case EDGE:
		return (uintptr_t)edge;
	case P_FILE ... P_UNEND:
		return (uintptr_t)path(v);
	case MAP:
		return (uintptr_t)map;
	case HOLE:
		return 0x130000000UL;
	case ODD:
		return (uintptr_t)map + 1;
	case KERNEL:
		return 0xffff000000000000UL;
	case PID:
		return getpid();
	default:
		return buffer(v);
	}
}

static bool uses(const struct row *r, uint64_t first, uint64_t last)
{
	for (unsigned int i = 0; i < NARGS; i++)
		for (unsigned int j = 0; j < r->arg[i].n; j++)
			if (r->arg[i].v[j] >= first && r->arg[i].v[j] <= last)
				return true;
	return false;
}

/* What a call of this kind may have changed is as before the last one. */
static uint8_t call(const struct row *r, const unsigned int *choice)
{
	uint64_t a[NARGS];
	long ret;
	int err;

	if (uses(r, P_FILE, P_UNEND) || uses(r, UN, UN))
		room_make();
	if (uses(r, FILE_, NOFD))
		fds_make();
	if (uses(r, MAP, KERNEL) || r->kind == GIVES_MAP)
		memory_make();
	for (unsigned int i = 0; i < NARGS; i++)
		a[i] = r->arg[i].n ? operand(r->arg[i].v[choice[i]]) : 0;
	errno = 0;
	ret = syscall(r->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	err = errno;
	if (ret == -1)
		return err;
	if (r->kind == GIVES_FD)
		close(ret);
	if (r->kind == GIVES_MAP && ret < 0x80000000L)
		munmap((void *)ret, 4096);
	return 0;
}

/* All right; one wrong; two wrong. Calls from number `from` on. */
static void child(const struct row *r, unsigned int from)
{
	unsigned int n = 0, choice[NARGS] = { 0 };

	room_make();
	fds_make();
	memory_make();
	for (unsigned int i = 0; i < NARGS; i++)
		for (unsigned int x = i ? 1 : 0; x < (r->arg[i].n ?: !i); x++)
			for (unsigned int j = i; j < NARGS; j++)
				for (unsigned int y = j == i ? 0 : 1; y < (j == i ? 1 : r->arg[j].n); y++) {
					if ((i || x) == 0 && j != i)
						continue;	/* that is i alone, later */
					if (n++ < from || n > CALLS)
						continue;
					memset(choice, 0, sizeof(choice));
					choice[i] = x;
					if (j != i)
						choice[j] = y;
					shared->next = n;
					shared->err[n - 1] = DIED;
					alarm(20);
					shared->err[n - 1] = call(r, choice);
				}
	_exit(0);
}

/* The errors as text: each with how often in a row. */
static void text(char *to, size_t size)
{
	unsigned int n = shared->next, i, same;
	int len = 0;

	for (i = 0; i < n; i += same) {
		for (same = 1; i + same < n && shared->err[i + same] == shared->err[i];)
			same++;
		len += snprintf(to + len, size - len, "%s%u", i ? " " : "", shared->err[i]);
		if (same > 1)
			len += snprintf(to + len, size - len, "x%u", same);
	}
}

static void row(const struct row *r, char *found, size_t size)
{
	unsigned int from = 0;
	int status;

	memset(shared, 0, sizeof(*shared));
	do {
		pid_t pid = fork();

		must(pid);
		if (!pid)
			child(r, from);
		must(waitpid(pid, &status, 0));
		from = shared->next;
	} while (status);
	text(found, size);
}

static void check_row(const char *name, const char *found, bool nestbox)
{
	const char *want = "";

	for (unsigned int i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (!strcmp(errors[i].name, name))
			want = nestbox && errors[i].nestbox_gives ? errors[i].nestbox_gives : errors[i].linux_gives;
	if (strcmp(want, found))
		printf("# %s gives %s\n# expected %s\n", name, found, want);
	errno = 0;
	check(!strcmp(want, found), name);
}

int main(int argc, char **argv)
{
	int kvm = must(open("/dev/kvm", O_RDWR));
	bool nestbox = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_NB_SDEI) > 0;
	static char found[CALLS * 8];

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must((long)shared);
	must(mkdir(ROOM, 0755) < 0 && errno != EEXIST ? -1 : 0);
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (argc > 2 && strcmp(argv[2], rows[i].name))
			continue;
		row(&rows[i], found, sizeof(found));
		if (argc > 1)
			printf("{ \"%s\", \"%s\" },\n", rows[i].name, found);
		else
			check_row(rows[i].name, found, nestbox);
	}
	return argc > 1 ? 0 : report();
}
