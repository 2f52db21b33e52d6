// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vCPUs' sets by name in /sys/kernel/debug/kvm/vcpus, while VMs come and go. Nestbox's own: nothing to see elsewhere.
 * `debugfile panic` lets the host of a kernel made for tests panic inside KVM_RUN, for tests/boot to see what it prints.
 */
#include "kvm.h"

#define FILE_NAME	"/sys/kernel/debug/kvm/vcpus"

GUEST(hello, "1: str x0, [x28]; b 1b");
/* A page after the other: KVM_RUN allocates tables. */
GUEST(walker, "1: str x0, [x27]; add x27, x27, #0x1000; b 1b");

static char text[1 << 20];
static volatile bool stop;

static bool shown(void)
{
	int fd = must(open(FILE_NAME, O_RDONLY));
	ssize_t n, len = 0;

	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	text[len] = 0;
	close(fd);
	return n == 0;
}

static unsigned int count(const char *what)
{
	unsigned int n = 0;

	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void *reader(void *arg)
{
	unsigned long *reads = arg;

	while (!stop)
		*reads += shown();
	return NULL;
}

static int let_it_panic(void)
{
	struct vm vm = VM(walker);
	int fd = must(open("/sys/kernel/debug/fail_nth", O_WRONLY));

	set(vm.vcpu, REG_X(27), RAM_GPA + 0x200000);
	must(write(fd, "-1", 2));
	vcpu_run(&vm);		/* nothing may allocate before it */
	check(false, "KVM_RUN allocates");
	return report();
}

int main(int argc, char **argv)
{
	unsigned long reads = 0;
	unsigned int before, i;
	pthread_t t;
	struct vm vm;

	if (argc > 1 && !strcmp(argv[1], "panic"))
		return let_it_panic();
	if (access(FILE_NAME, F_OK)) {
		printf("# no %s: not Nestbox\n", FILE_NAME);
		return report();
	}
	check(shown(), "the file can be read");
	before = count("\nvm ") + !strncmp(text, "vm ", 3);
	vm = VM(hello);
	guest_says(&vm, 0);
	check(shown(), "with a VM");
	check_eq(count("\nvm ") + !strncmp(text, "vm ", 3), before + 1, "the VM is there");
	check(strstr(text, "\n  configuration: initialized=1 frozen=1"), "its vCPU's configuration");
	check(strstr(text, "\n  input: step=STEP_NONE"), "input");
	check(strstr(text, "\n  state: mp_state=0 ran_once=1"), "state");
	check(strstr(text, "mmio.needed=1") && strstr(text, "mmio.len=8"), "an MMIO access to be completed");
	vm_drop(&vm);
	shown();
	check_eq(count("\nvm ") + !strncmp(text, "vm ", 3), before, "the VM has gone");
	errno = pthread_create(&t, NULL, reader, &reads);
	must(errno ? -1 : 0);
	for (i = 0; i < 40; i++) {
		vm = VM(hello);
		guest_says(&vm, 0);
		vm_drop(&vm);
	}
	stop = true;
	pthread_join(t, NULL);
	check(reads > 0, "read while VMs come and go");
	return report();
}
