// SPDX-License-Identifier: GPL-2.0-only
/* Memory slots while a guest runs: what the process does to its memory, the guest sees. */
#include "kvm.h"

#define DATA_OFF 0x200000UL		/* in RAM, 2 MiB from its start */
#define PAGE 4096UL

/* Read [x20], report it; for ever. */
GUEST(reader, "1: ldr x0, [x20]; str x0, [x28]; b 1b");
/* Write x0 to [x20], report 1. */
GUEST(wr_rd, "1: str x1, [x20]; ldr x0, [x20]; str x0, [x28, #8]; b 1b");
GUEST(writer, "1: str x1, [x20]; mov x0, #1; str x0, [x28, #8]; b 1b");
GUEST(counter, "1: ldr x0, [x20]; add x0, x0, #1; str x0, [x20]; b 1b");

static uint64_t *word(struct vm *vm)
{
	return (uint64_t *)(vm->ram + DATA_OFF);
}

static struct vm at_data(struct vm vm)
{
	set(vm.vcpu, REG_X(20), RAM_GPA + DATA_OFF);
	return vm;
}

static void changes(void)
{
	struct vm vm = at_data(VM(reader));
	uint8_t *p;

	*word(&vm) = 11;
	check_eq(guest_says(&vm, 0), 11, "guest reads");
	*word(&vm) = 22;
	check_eq(guest_says(&vm, 0), 22, "sees the next value");
	check_eq(madvise(vm.ram + DATA_OFF, PAGE, MADV_DONTNEED), 0, "MADV_DONTNEED");
	check_eq(guest_says(&vm, 0), 0, "sees zero");
	*word(&vm) = 33;
	check_eq(guest_says(&vm, 0), 33, "and what is written then");
	p = mmap(vm.ram + DATA_OFF, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	*(uint64_t *)p = 44;
	check_eq(guest_says(&vm, 0), 44, "another mapping in its place");
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*(uint64_t *)p = 55;
	check(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, vm.ram + DATA_OFF) ==
	      vm.ram + DATA_OFF, "mremap");
	check_eq(guest_says(&vm, 0), 55, "sees the page moved there");
	munmap(vm.ram + DATA_OFF, PAGE);
	check_eq(vcpu_run(&vm), -EFAULT, "unmapped: EFAULT");
	vm_drop(&vm);
}

static void copy_on_write(void)
{
	struct vm vm = at_data(VM(writer));
	int status, go[2];
	char c;

	*word(&vm) = 5;
	set(vm.vcpu, REG_X(1), 6);
	check_eq(guest_says(&vm, 8), 1, "guest writes");
	check_eq(*word(&vm), 6, "seen by the process");
	must(pipe(go));
	if (!fork()) {
		read(go[0], &c, 1);
		_exit(*word(&vm));
	}
	set(vm.vcpu, REG_X(1), 7);
	check_eq(guest_says(&vm, 8), 1, "guest writes after fork");
	check_eq(*word(&vm), 7, "seen by the parent");
	write(go[1], "x", 1);
	wait(&status);
	check_eq(WEXITSTATUS(status), 6, "not by the child");
	mprotect(vm.ram + DATA_OFF, PAGE, PROT_READ);
	check_eq(vcpu_run(&vm), -EFAULT, "write to memory made read-only: EFAULT");
	mprotect(vm.ram + DATA_OFF, PAGE, PROT_READ | PROT_WRITE);
	set(vm.vcpu, REG_X(1), 8);
	check_eq(guest_says(&vm, 8), 1, "writable again");
	vm_drop(&vm);
}

static void readonly(void)
{
	struct vm vm = at_data(VM(writer));
	uint64_t *mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*mem = 9;
	check_eq(set_slot(vm.fd, 1, KVM_MEM_READONLY, 0x50000000, PAGE, mem), 0, "read-only slot");
	set(vm.vcpu, REG_X(20), 0x50000008);
	set(vm.vcpu, REG_X(1), 77);
	check_eq(vcpu_run(&vm), KVM_EXIT_MMIO, "write to it exits");
	check(vm.run->mmio.is_write && vm.run->mmio.phys_addr == 0x50000008 &&
	      vm.run->mmio.len == 8 && vm.run->mmio.data[0] == 77, "with address and data");
	check_eq(mem[1], 0, "memory is untouched");
	check_errno(set_slot(vm.fd, 1, 0, 0x50000000, PAGE, mem), EINVAL, "flag in place");
	check_eq(set_slot(vm.fd, 1, 0, 0x50000000, 0, mem), 0, "slot deleted");
	vm_drop(&vm);
}

/* A write goes to the VMM, the load after it to memory: from what the VMM put there. */
static void readonly_then_read(void)
{
	struct vm vm = at_data(VM(wr_rd));
	uint64_t *mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(set_slot(vm.fd, 1, KVM_MEM_READONLY, 0x50000000, PAGE, mem));
	set(vm.vcpu, REG_X(20), 0x50000000);
	set(vm.vcpu, REG_X(1), 0x1234);
	for (int i = 0; i < 2; i++) {
		check_eq(vcpu_run(&vm), KVM_EXIT_MMIO, "a write to read-only memory");
		mem[0] = 0x77 + i;
		check_eq(guest_says(&vm, 8), 0x77 + i, "the load after it finds the memory");
	}
	vm_drop(&vm);
}

static void moved(void)
{
	struct vm vm = at_data(VM(reader));
	uint64_t *mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*mem = 99;
	must(set_slot(vm.fd, 1, 0, 0x50000000, PAGE, mem));
	set(vm.vcpu, REG_X(20), 0x50000000);
	check_eq(guest_says(&vm, 0), 99, "second slot");
	check_eq(set_slot(vm.fd, 1, 0, 0x60000000, PAGE, mem), 0, "moved");
	check_eq(vcpu_run(&vm), KVM_EXIT_MMIO, "old place exits");
	set(vm.vcpu, REG_X(20), 0x60000000);
	vm.run->immediate_exit = 1;
	ioctl(vm.vcpu, KVM_RUN, 0);
	vm.run->immediate_exit = 0;
	vcpu_run(&vm);		/* the load that was answered is reported */
	check_eq(guest_says(&vm, 0), 99, "new place has it");
	vm_drop(&vm);
}

static volatile bool stop;

static void *runs(void *arg)
{
	struct vm *vm = arg;

	while (!stop)
		ioctl(vm->vcpu, KVM_RUN, 0);
	return NULL;
}

static void on_kick(int sig)
{
}

static bool counts_on(struct vm *vm)
{
	uint64_t before = *(volatile uint64_t *)word(vm);

	msleep(5);
	return *(volatile uint64_t *)word(vm) > before;
}

/*
 * Discarded memory reads as zero.  A guest that was between its load and its
 * store writes the old count into the new page: the next try tells.
 */
static bool restarts(struct vm *vm)
{
	const uint64_t mark = 1ULL << 60;

	*(volatile uint64_t *)word(vm) = mark;
	madvise(vm->ram + DATA_OFF, PAGE, MADV_DONTNEED);
	msleep(5);
	return *(volatile uint64_t *)word(vm) < mark;
}

/* On a busy machine one try says nothing about a guest that runs at the same time. */
static bool comes_true(bool (*is)(struct vm *vm), struct vm *vm)
{
	int i;

	for (i = 0; i < 1000; i++)
		if (is(vm))
			return true;
	return false;
}

/* Everything at once, with a guest that never leaves. */
static void under_load(void)
{
	struct vm vm = at_data(VM(counter));
	pthread_t t;
	int i, status;

	handle(SIGUSR1, on_kick, 0);
	stop = false;
	pthread_create(&t, NULL, runs, &vm);
	for (i = 0; i < 50; i++) {
		madvise(vm.ram + DATA_OFF, PAGE, MADV_DONTNEED);
		msleep(2);
		if (i % 10 == 0) {
			if (!fork())
				_exit(0);
			wait(&status);
		}
	}
	check(comes_true(counts_on, &vm), "a running guest goes on through all changes");
	check(comes_true(restarts, &vm), "and starts from zero");
	vm.run->immediate_exit = 1;
	stop = true;
	pthread_kill(t, SIGUSR1);
	pthread_join(t, NULL);
	vm_drop(&vm);
}

/* Shared memory (memfd): both sides, and truncation. */
static void shared(void)
{
	struct vm vm = at_data(VM(reader));
	int fd = must(memfd_create("guest", 0));
	uint64_t *p, v = 66;

	must(ftruncate(fd, PAGE));
	p = mmap(vm.ram + DATA_OFF, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	check(p != MAP_FAILED, "memfd as guest memory");
	check_eq(pwrite(fd, &v, 8, 0), 8, "pwrite");
	check_eq(guest_says(&vm, 0), 66, "guest sees pwrite");
	must(ftruncate(fd, 0));
	check_eq(vcpu_run(&vm), -EFAULT, "truncated: EFAULT");
	must(ftruncate(fd, PAGE));
	check_eq(guest_says(&vm, 0), 0, "extended: zero");
	close(fd);
	vm_drop(&vm);
}

int main(void)
{
	changes();
	copy_on_write();
	readonly();
	readonly_then_read();
	moved();
	under_load();
	shared();
	return report();
}
