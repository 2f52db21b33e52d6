// SPDX-License-Identifier: GPL-2.0-only
/* A process that wants more memory than there is dies or is refused; all others go on. */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>

#include "test.h"

static long free_kib(void)
{
	struct sysinfo si;

	must(sysinfo(&si));
	return (long)((uint64_t)si.freeram * si.mem_unit >> 10);
}

static int glutton(void)
{
	struct sysinfo si;
	uint64_t size, i;
	char *p;
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (fd >= 0)	/* Linux: let it be us */
		(void)!write(fd, "1000", 4);
	must(sysinfo(&si));
	size = (uint64_t)si.totalram * si.mem_unit * 2;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return 50;
	for (i = 0; i < size; i += 4096)
		p[i] = 1;
	return 51;
}

static int modest(void)
{
	return 7;
}

/* A process of many: as many sockets and full pipes as it can have descriptors for. */
static int hoarder(int done)
{
	static const char block[65536];
	struct rlimit all = { 65536, 65536 };
	int pair[2], n = 0;

	setrlimit(RLIMIT_NOFILE, &all);
	while (n < 3000 && !socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		n++;	/* their buffers are there from the start */
	while (n < 3000 && !pipe2(pair, O_NONBLOCK)) {
		n++;
		(void)!write(pair[1], block, sizeof(block));
	}
	(void)!write(done, "", 1);
	pause();
	return n;
}

/* Some of them at once. */
static void hoarders(void)
{
	long total, before, low, now = 0;
	struct sysinfo si;
	pid_t pid[5];
	int i, status, alive, done[2];
	char c;

	must(sysinfo(&si));
	total = (long)((uint64_t)si.totalram * si.mem_unit >> 10);
	must(pipe(done));
	alive = 0;
	before = free_kib();
	for (i = 0; i < 5; i++) {
		pid[i] = must(fork());
		if (!pid[i])
			_exit(hoarder(done[1]));
	}
	close(done[1]);
	for (i = 0; i < 5; i++)
		alive += read(done[0], &c, 1) == 1;
	check_eq(alive, 5, "nobody is killed for what they hold");
	low = free_kib();
	printf("# free before %ld KiB, then %ld KiB of %ld\n", before, low, total);
	check(before - low > total / 32, "sockets and pipes take memory");
	check(before - low < total / 2, "but not all of it");
	check_eq(in_child(modest), 7, "and processes start meanwhile");
	for (i = 0; i < 5; i++) {
		must(kill(pid[i], SIGKILL));
		must(waitpid(pid[i], &status, 0));
	}
	for (i = 0; i < 300; i++) {
		now = free_kib();
		if (before - now < 16384)
			break;
		msleep(100);
	}
	check(before - now < 16384, "which comes back");
}

int main(void)
{
	long before, after = 0;
	int status, i;

	status = in_child(glutton);
	check(status == 128 + SIGKILL || status == 128 + SIGBUS || status == 50,
	      "twice all memory: refused or killed");
	before = free_kib();
	status = in_child(glutton);
	check(status == 128 + SIGKILL || status == 128 + SIGBUS || status == 50, "again");
	for (i = 0; i < 20; i++) {
		after = free_kib();
		if (before - after < 16384)
			break;
		msleep(100);
	}
	printf("# free before %ld KiB, after %ld KiB\n", before, after);
	check(before - after < 16384, "memory comes back");
	check_eq(in_child(modest), 7, "and processes start");
	hoarders();
	return report();
}
