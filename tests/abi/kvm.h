// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM for the ABI tests: a VM with one slot of RAM and guest code copied from
 * this program's read-only data.
 */
#pragma once

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "test.h"

#define RAM_GPA		0x40000000UL
#define RAM_SIZE	0x400000UL
#define MMIO_GPA	0x0a000000UL	/* no slot there */

#define CORE(member)	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
			 KVM_REG_ARM_CORE_REG(member))
#define REG_PC		CORE(regs.pc)
#define REG_X(n)	(CORE(regs.regs[0]) + 2 * (n))

/*
 * Guest code: GUEST(name, "insn; insn"). Runs with the MMU off at RAM_GPA; may
 * store to MMIO_GPA (in x28) to leave.
 */
#define GUEST(name, text)						\
	asm(".pushsection .rodata\n.balign 4\n"				\
	    ".globl guest_" #name ", guest_" #name "_end\n"		\
	    "guest_" #name ":\n" text "\nguest_" #name "_end:\n.popsection\n"); \
	extern const char guest_##name[], guest_##name##_end[]

struct vm {
	int kvm, fd, vcpu;
	struct kvm_run *run;
	size_t run_size;
	uint8_t *ram;
};

__attribute__((unused)) static int vcpu_init_features(int vm, int vcpu, uint32_t features)
{
	struct kvm_vcpu_init init;

	memset(&init, 0, sizeof(init));
	must(ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init));
	init.features[0] |= features;
	return ioctl(vcpu, KVM_ARM_VCPU_INIT, &init);
}

__attribute__((unused)) static int set_slot(int vm, uint32_t slot, uint32_t flags, uint64_t gpa,
					    uint64_t size, void *mem)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot, .flags = flags, .guest_phys_addr = gpa,
		.memory_size = size, .userspace_addr = (uintptr_t)mem,
	};

	return ioctl(vm, KVM_SET_USER_MEMORY_REGION, &r);
}

__attribute__((unused)) static int get_reg(int vcpu, uint64_t id, void *val)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)val };

	return ioctl(vcpu, KVM_GET_ONE_REG, &reg);
}

__attribute__((unused)) static int set_reg(int vcpu, uint64_t id, const void *val)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)val };

	return ioctl(vcpu, KVM_SET_ONE_REG, &reg);
}

__attribute__((unused)) static uint64_t reg(int vcpu, uint64_t id)
{
	uint64_t v = 0;

	must(get_reg(vcpu, id, &v));
	return v;
}

__attribute__((unused)) static void set(int vcpu, uint64_t id, uint64_t v)
{
	must(set_reg(vcpu, id, &v));
}

__attribute__((unused)) static int vcpu_add(struct vm *vm, int id, uint32_t features)
{
	int fd = must(ioctl(vm->fd, KVM_CREATE_VCPU, (long)id));

	must(vcpu_init_features(vm->fd, fd, features));
	return fd;
}

__attribute__((unused)) static struct kvm_run *vcpu_map(struct vm *vm, int vcpu)
{
	void *p = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);

	must((long)p);
	return p;
}

/* VM and RAM; vCPUs come later. */
__attribute__((unused)) static struct vm vm_open(void)
{
	struct vm vm = { .vcpu = -1 };

	vm.kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC));
	vm.fd = must(ioctl(vm.kvm, KVM_CREATE_VM, 0));
	vm.run_size = must(ioctl(vm.kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	vm.ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must((long)vm.ram);
	must(set_slot(vm.fd, 0, 0, RAM_GPA, RAM_SIZE, vm.ram));
	return vm;
}

/* Its first vCPU. */
__attribute__((unused)) static void vm_vcpu(struct vm *vm, uint32_t features)
{
	vm->vcpu = vcpu_add(vm, 0, features);
	vm->run = vcpu_map(vm, vm->vcpu);
}

/* That one at the first instruction of @code. */
__attribute__((unused)) static void vm_code(struct vm *vm, const void *code, const void *end)
{
	memcpy(vm->ram, code, (const char *)end - (const char *)code);
	set(vm->vcpu, REG_PC, RAM_GPA);
	set(vm->vcpu, REG_X(28), MMIO_GPA);
}

/* VM, RAM, one vCPU with @features, nothing in memory. */
__attribute__((unused)) static struct vm vm_bare(uint32_t features)
{
	struct vm vm = vm_open();

	vm_vcpu(&vm, features);
	return vm;
}

/* The same, at @code. */
__attribute__((unused)) static struct vm vm_make_as(uint32_t features, const void *code, const void *end)
{
	struct vm vm = vm_bare(features);

	vm_code(&vm, code, end);
	return vm;
}

#define PSCI			(1U << KVM_ARM_VCPU_PSCI_0_2)
#define VM(name)		VM_AS(PSCI, name)
#define VM_AS(features, name)	vm_make_as(features, guest_##name, guest_##name##_end)

__attribute__((unused)) static void vm_drop(struct vm *vm)
{
	munmap(vm->run, vm->run_size);
	munmap(vm->ram, RAM_SIZE);
	close(vm->vcpu);
	close(vm->fd);
	close(vm->kvm);
}

/* KVM_RUN until an exit that is not EINTR; the exit reason or -errno. */
__attribute__((unused)) static int vcpu_run(struct vm *vm)
{
	while (ioctl(vm->vcpu, KVM_RUN, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return vm->run->exit_reason;
}

/* The guest's next store to MMIO_GPA + @off: its value, or -1. */
__attribute__((unused)) static int64_t guest_says(struct vm *vm, uint64_t off)
{
	uint64_t v = 0;
	int reason = vcpu_run(vm);

	if (reason != KVM_EXIT_MMIO || !vm->run->mmio.is_write ||
	    vm->run->mmio.phys_addr != MMIO_GPA + off) {
		printf("# exit %d, address %#llx write %d pc %#lx\n", reason,
		       (unsigned long long)vm->run->mmio.phys_addr, vm->run->mmio.is_write,
		       (long)reg(vm->vcpu, REG_PC));
		return -1;
	}
	memcpy(&v, vm->run->mmio.data, vm->run->mmio.len);
	return v;
}
