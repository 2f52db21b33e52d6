// SPDX-License-Identifier: GPL-2.0-only
/* A process that wants more memory than there is dies or is refused; all others go on. */
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
	return report();
}
