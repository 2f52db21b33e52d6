// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why page_fault_test cannot pass under QEMU with more than one CPU, here and on Linux (with one CPU QEMU does atomic
 * instructions as a load and a store, and these checks are wrong): which accesses that fault are reported as writes
 * (ESR_EL2.WnR). An atomic instruction's fault is a write only if a read of the same place would not have faulted
 * (Arm ARM, ESR_ELx, ISS of a Data Abort, WnR); where nothing is mapped that is never so, yet QEMU says write. So a CAS
 * to a read-only slot whose page is missing never asks userfaultfd for the page, which ro_memslot_no_syndrome_guest_cas
 * counts.
 */
#include "kvm.h"

#define WNR	(1u << 6)

/* One access each; the VMM steps over it. x28: where there is no slot. */
GUEST(accesses, ".arch armv8.1-a; ldp x0, x1, [x28]; stp x0, x1, [x28]; cas x0, x1, [x28]; ldadd x0, x1, [x28]; swp x0, x1, [x28]; b .");

/* WnR of the fault of the next instruction. */
static unsigned fault_wnr(struct vm *vm, const char *what)
{
	check_eq(vcpu_run(vm), KVM_EXIT_ARM_NISV, what);
	check_eq(vm->run->arm_nisv.fault_ipa, MMIO_GPA, what);
	set(vm->vcpu, REG_PC, reg(vm->vcpu, REG_PC) + 4);
	return !!(vm->run->arm_nisv.esr_iss & WNR);
}

int main(void)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_NISV_TO_USER };
	struct vm vm = VM(accesses);

	must(ioctl(vm.fd, KVM_ENABLE_CAP, &cap));
	check_eq(fault_wnr(&vm, "a pair is loaded"), 0, "is a read");
	check_eq(fault_wnr(&vm, "a pair is stored"), 1, "is a write");
	/* 0 by the architecture. Should one of these fail, page_fault_test passes: correct tests/expect/kvm-selftests. */
	check_eq(fault_wnr(&vm, "CAS"), 1, "QEMU: a write");
	check_eq(fault_wnr(&vm, "LDADD"), 1, "QEMU: a write");
	check_eq(fault_wnr(&vm, "SWP"), 1, "QEMU: a write");
	return report();
}
