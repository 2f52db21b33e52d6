// SPDX-License-Identifier: GPL-2.0-only
/*
 * SErrors that the VMM makes (KVM_SET_VCPU_EVENTS) for a vCPU with an EL2: to EL2 itself, from its guest to EL2 by HCR_EL2.AMO
 * whatever the guest masks, and to the guest's EL1 without AMO.
 */
#include "kvm.h"

#define CAP_ARM_EL2	240
#define FEATURES	(1U << KVM_ARM_VCPU_PSCI_0_2 | 1U << 7)		/* HAS_EL2 */
#define ID_AA64PFR0	ARM64_SYS_REG(3, 0, 0, 4, 0)
#define EL1		4
#define EL2		8

/* One handler for both levels: at EL2 with E2H, ESR_EL1 is ESR_EL2. x20 counts what it has told. */
GUEST(serror,
	"mov x20, #0; adr x0, 9f; msr vbar_el2, x0; msr s3_5_c12_c0_0, x0;"		/* VBAR_EL12 */
	"mov x0, #0x20; movk x0, #0x8000, lsl #16; movk x0, #4, lsl #32; msr hcr_el2, x0; isb;"	/* AMO, RW, E2H */
	"msr daifclr, #4; isb; str xzr, [x28]; 1: b 1b;"
	"2: adr x0, 3f; msr elr_el2, x0; mov x0, #0x3c5; msr spsr_el2, x0; isb; eret;"
	"3: str xzr, [x28, #8]; 1: b 1b;"
	"4: mov x0, #0; movk x0, #0x8000, lsl #16; movk x0, #4, lsl #32; msr hcr_el2, x0;"
	"adr x0, 5f; msr elr_el2, x0; mov x0, #0x2c5; msr spsr_el2, x0; isb; eret;"	/* SErrors are not masked */
	"5: str xzr, [x28, #16]; 1: b 1b;"
	".org guest_serror + 0x800; 9: .org guest_serror + 0x800 + 0x380; b 7f; .org guest_serror + 0x800 + 0x580; b 7f;"
	".org guest_serror + 0x1000; 7: mrs x0, esr_el1; mrs x1, currentel; str x0, [x28, #0x100]; str x1, [x28, #0x108];"
	"add x20, x20, #1; cmp x20, #1; b.eq 2b; cmp x20, #2; b.eq 4b; 1: b 1b;");

static struct vm vm_new(void)
{
	struct vm vm;

	vm.kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC));
	vm.fd = must(ioctl(vm.kvm, KVM_CREATE_VM, 0));
	vm.run_size = must(ioctl(vm.kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	vm.ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must((long)vm.ram);
	must(set_slot(vm.fd, 0, 0, RAM_GPA, RAM_SIZE, vm.ram));
	vm.vcpu = vcpu_add(&vm, 0, FEATURES);
	vm.run = vcpu_map(&vm, vm.vcpu);
	memcpy(vm.ram, guest_serror, guest_serror_end - guest_serror);
	set(vm.vcpu, REG_PC, RAM_GPA);
	set(vm.vcpu, REG_X(28), MMIO_GPA);
	return vm;
}

static bool pending(struct vm *vm)
{
	struct kvm_vcpu_events e;

	must(ioctl(vm->vcpu, KVM_GET_VCPU_EVENTS, &e));
	return e.exception.serror_pending;
}

static void one(struct vm *vm, unsigned round, uint64_t el, const char *what)
{
	bool ras = reg(vm->vcpu, ID_AA64PFR0) >> 28 & 15;
	struct kvm_vcpu_events e = { .exception.serror_pending = 1 };

	if (ras) {
		e.exception.serror_has_esr = 1;
		e.exception.serror_esr = 0x50 + round;
	}
	check_eq(guest_says(vm, round * 8), 0, "(where it is to come)");
	must(ioctl(vm->vcpu, KVM_SET_VCPU_EVENTS, &e));
	check(pending(vm), "an SError is pending");
	check_eq(guest_says(vm, 0x100), 0x2fUL << 26 | 1 << 25 | (ras ? 0x50 + round : 1 << 24), what);
	check_eq(guest_says(vm, 0x108), el, "at the right level");
	check(!pending(vm), "and once");
}

int main(void)
{
	int kvm = must(open("/dev/kvm", O_RDWR));
	struct vm vm;

	if (ioctl(kvm, KVM_CHECK_EXTENSION, CAP_ARM_EL2) <= 0) {
		check(true, "no EL2 for guests here");
		return report();
	}
	vm = vm_new();
	one(&vm, 0, EL2, "to EL2");
	one(&vm, 1, EL2, "from EL1 to EL2, masked there");
	one(&vm, 2, EL1, "to EL1 without AMO");
	vm_drop(&vm);
	close(kvm);
	return report();
}
