// SPDX-License-Identifier: GPL-2.0-only
/*
 * SErrors that the VMM makes (KVM_SET_VCPU_EVENTS) for a vCPU with an EL2: to EL2 itself, from its guest to EL2 by HCR_EL2.AMO
 * whatever the guest masks, and to the guest's EL1 without AMO.
 */
#include "kvm_el2.h"

#define ID_AA64PFR0	ARM64_SYS_REG(3, 0, 0, 4, 0)
#define AT_EL1		4	/* CurrentEL */
#define AT_EL2		8

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

	if (!el2_offered(kvm)) {
		check(true, "no EL2 for guests here");
		return report();
	}
	vm = VM_AS(PSCI | EL2, serror);
	one(&vm, 0, AT_EL2, "to EL2");
	one(&vm, 1, AT_EL2, "from EL1 to EL2, masked there");
	one(&vm, 2, AT_EL1, "to EL1 without AMO");
	vm_drop(&vm);
	close(kvm);
	return report();
}
