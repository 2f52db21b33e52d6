// SPDX-License-Identifier: GPL-2.0-only
/* Many VMs, VMMs killed at random moments, and memory that comes back. */
#include <sys/sysinfo.h>

#include "kvm.h"

GUEST(work, "mov x20, #0x40000000; add x20, x20, #0x10000; mov x21, x20;"
	    "1: str x20, [x21], #64; str x20, [x28]; and x22, x21, #0x3fffff; cbnz x22, 1b; mov x21, x20; b 1b");
GUEST(hello, "mov x0, #7; str x0, [x28]; 1: b 1b");

static long free_kib(void)
{
	struct sysinfo si;

	must(sysinfo(&si));
	return (long)((uint64_t)si.freeram * si.mem_unit >> 10);
}

static void two_hundred(void)
{
	int i, bad = 0;

	for (i = 0; i < 200; i++) {
		struct vm vm = VM(hello);

		bad += guest_says(&vm, 0) != 7;
		vm_drop(&vm);
	}
	check_eq(bad, 0, "200 VMs, one after another");
}

static void *runner(void *arg)
{
	struct vm *vm = arg;

	for (;;)
		if (ioctl(vm->vcpu, KVM_RUN, 0) < 0 && errno != EINTR)
			return NULL;
}

static void victim(void)
{
	struct vm vm[3];
	pthread_t t;
	int i;

	for (i = 0; i < 3; i++) {
		vm[i] = VM(work);
		pthread_create(&t, NULL, runner, &vm[i]);
	}
	for (;;)
		pause();
}

static void killed(void)
{
	unsigned int seed = 4711;
	int i, status, bad = 0;
	pid_t pid;

	for (i = 0; i < 30; i++) {
		pid = must(fork());
		if (!pid)
			victim();
		usleep(rand_r(&seed) % 60000);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		bad += !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
	}
	check_eq(bad, 0, "30 VMMs killed at random moments");
}

static void at_once(void)
{
	struct vm vm[16];
	int i, bad = 0;

	for (i = 0; i < 16; i++)
		vm[i] = VM(hello);
	for (i = 0; i < 16; i++)
		bad += guest_says(&vm[i], 0) != 7;
	for (i = 0; i < 16; i++)
		vm_drop(&vm[i]);
	check_eq(bad, 0, "16 VMs at once");
}

int main(void)
{
	long before, after = 0;
	int i;

	two_hundred();		/* caches of the host are warm after it */
	killed();
	at_once();
	before = free_kib();
	two_hundred();
	killed();
	at_once();
	/* Freeing may be deferred a little. */
	for (i = 0; i < 20; i++) {
		after = free_kib();
		if (before - after < 4096)
			break;
		msleep(100);
	}
	printf("# free before %ld KiB, after %ld KiB\n", before, after);
	check(before - after < 4096, "memory comes back (within 4 MiB)");
	return report();
}
