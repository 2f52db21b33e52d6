// SPDX-License-Identifier: GPL-2.0-only
/* A VM with the largest IPA size: memory, devices and faults at both ends of it, moves and write protection there. */
#include "kvm.h"

/* x26: memory to write and read back; x28: the device. Stage 1 is off, so addresses are IPAs. */
GUEST(reach, "1: ldr x0, [x26]; add x0, x0, #1; str x0, [x26]; str x0, [x28]; b 1b");

static struct vm vm_large(unsigned int bits, uint64_t code)
{
	struct vm vm = VM(reach), large = vm;

	munmap(vm.run, vm.run_size);
	close(vm.vcpu);
	close(vm.fd);
	large.fd = must(ioctl(vm.kvm, KVM_CREATE_VM, (long)bits));
	must(set_slot(large.fd, 0, 0, code, RAM_SIZE, vm.ram));
	large.vcpu = vcpu_add(&large, 0, 1 << KVM_ARM_VCPU_PSCI_0_2);
	large.run = vcpu_map(&large, large.vcpu);
	set(large.vcpu, REG_PC, code);
	return large;
}

/* The value that the guest stores to @device after adding one to @memory; -1: another exit. */
static int64_t step(struct vm *vm, uint64_t memory, uint64_t device)
{
	uint64_t v;

	set(vm->vcpu, REG_X(26), memory);
	set(vm->vcpu, REG_X(28), device);
	if (vcpu_run(vm) != KVM_EXIT_MMIO || !vm->run->mmio.is_write || vm->run->mmio.phys_addr != device) {
		printf("# exit %u at %#llx\n", vm->run->exit_reason, (unsigned long long)vm->run->mmio.phys_addr);
		return -1;
	}
	memcpy(&v, vm->run->mmio.data, 8);
	vm->run->immediate_exit = 1;		/* complete the store */
	ioctl(vm->vcpu, KVM_RUN, 0);
	vm->run->immediate_exit = 0;
	return v;
}

static void ends(unsigned int bits)
{
	uint64_t top = (1UL << bits) - 0x400000, middle = 1UL << (bits - 1), code = middle + 0x40000000;
	struct vm vm = vm_large(bits, code);
	uint64_t *high = mmap(NULL, 0x400000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t dirty[16] = { 0 };
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = dirty };

	printf("# %u bits, ID_AA64MMFR0_EL1 %#lx\n", bits, (long)reg(vm.vcpu, ARM64_SYS_REG(3, 0, 0, 7, 0)));
	must((long)high);
	check_errno(set_slot(vm.fd, 1, 0, top, 0x800000, high), EFAULT, "a slot beyond the end");
	check_eq(set_slot(vm.fd, 1, KVM_MEM_LOG_DIRTY_PAGES, top, 0x400000, high), 0, "a slot up to the end");
	high[0] = 41;
	high[0x3ff000 / 8] = 7;
	check_eq(step(&vm, top, 0x1000), 42, "memory near the end, a device near 0");
	check_eq(step(&vm, top + 0x3ff000, top - 0x1000), 8, "the last page, a device below it");
	check_eq(high[0], 42, "the VMM sees it");
	check_eq(step(&vm, code + 0x100000, middle), 1, "memory in the middle, a device there");
	check_eq(ioctl(vm.fd, KVM_GET_DIRTY_LOG, &log), 0, "dirty log");
	check(dirty[0] == 1 && dirty[15] == 1UL << 63, "the first and the last page");
	check_eq(step(&vm, top, 0x1000), 43, "written again after the log was taken");
	check(!ioctl(vm.fd, KVM_GET_DIRTY_LOG, &log) && dirty[0] == 1 && !dirty[15], "and logged again");
	check_eq(set_slot(vm.fd, 1, 0, top, 0, high), 0, "the slot goes");
	set(vm.vcpu, REG_X(26), top);
	check(vcpu_run(&vm) == KVM_EXIT_MMIO && !vm.run->mmio.is_write && vm.run->mmio.phys_addr == top, "then it is a device");
	munmap(high, 0x400000);
	vm_drop(&vm);
}

int main(void)
{
	int kvm = must(open("/dev/kvm", O_RDWR)), most = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);

	close(kvm);
	ends(36);
	ends(40);
	if (most >= 44)
		ends(44);
	if (most >= 48)
		ends(48);
	if (most > 48)
		ends(49);
	if (most > 48)
		ends(most);
	else
		printf("# no IPA beyond 48 bits\n");
	return report();
}
