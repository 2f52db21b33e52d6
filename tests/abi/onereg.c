// SPDX-License-Identifier: GPL-2.0-only
/* KVM_GET/SET_ONE_REG and KVM_GET_REG_LIST. */
#include "kvm.h"

GUEST(spin, "1: b 1b");

static void core(struct vm *vm)
{
	uint64_t v, bad = 0;
	unsigned int i;
	__uint128_t q = ((__uint128_t)0x1122334455667788 << 64) | 0x99aabbccddeeff00, r = 0;
	uint32_t fpsr = 0x10;

	for (i = 0; i < 31; i++)
		set(vm->vcpu, REG_X(i), 0x1000 + i);
	for (i = 0; i < 31; i++)
		bad += reg(vm->vcpu, REG_X(i)) != 0x1000 + i;
	check_eq(bad, 0, "x0..x30");
	set(vm->vcpu, CORE(sp_el1), 0x5000);
	set(vm->vcpu, CORE(elr_el1), 0x6000);
	set(vm->vcpu, CORE(spsr[0]), 0x3c5);
	check(reg(vm->vcpu, CORE(sp_el1)) == 0x5000 && reg(vm->vcpu, CORE(elr_el1)) == 0x6000 &&
	      reg(vm->vcpu, CORE(spsr[0])) == 0x3c5, "SP_EL1, ELR_EL1, SPSR_EL1");
	check_eq(reg(vm->vcpu, CORE(regs.pstate)) & 0x3cf, 0x3c5, "PSTATE after reset");
	v = 0x3c9;	/* EL2h */
	check_errno(set_reg(vm->vcpu, CORE(regs.pstate), &v), EINVAL, "PSTATE of EL2");
	must(set_reg(vm->vcpu, (CORE(fp_regs.vregs[7]) & ~KVM_REG_SIZE_MASK) | KVM_REG_SIZE_U128, &q));
	must(get_reg(vm->vcpu, (CORE(fp_regs.vregs[7]) & ~KVM_REG_SIZE_MASK) | KVM_REG_SIZE_U128, &r));
	check(q == r, "V7");
	must(set_reg(vm->vcpu, (CORE(fp_regs.fpsr) & ~KVM_REG_SIZE_MASK) | KVM_REG_SIZE_U32, &fpsr));
	check(true, "FPSR");
	check_errno(get_reg(vm->vcpu, CORE(regs.regs[0]) + 1, &v), EINVAL, "half a register");
	check(get_reg(vm->vcpu, CORE(regs.pc) & ~KVM_REG_SIZE_MASK, &v) == -1, "wrong size");
	check_errno(get_reg(vm->vcpu, CORE(regs.pc), NULL), EFAULT, "to NULL");
	check_errno(get_reg(vm->vcpu, KVM_REG_ARM64 | KVM_REG_SIZE_U64 | 0x7f0000ULL, &v), ENOENT,
		    "unknown group");
	check_errno(get_reg(vm->vcpu, ARM64_SYS_REG(3, 0, 15, 15, 7), &v), ENOENT,
		    "unknown system register");
	check_errno(get_reg(vm->vcpu, 0x1234, &v), EINVAL, "another architecture's");
	check_errno(get_reg(vm->vcpu, CORE(regs.pc) | 1UL << 28, &v), ENOENT, "pc with a bit above the group");
	check_errno(set_reg(vm->vcpu, CORE(regs.pc) | 1UL << 51, &v), EINVAL, "pc with a bit of the upper half");
}

static void system_registers(struct vm *vm)
{
	uint64_t pfr0 = reg(vm->vcpu, ARM64_SYS_REG(3, 0, 0, 4, 0)), v;

	set(vm->vcpu, ARM64_SYS_REG(3, 0, 2, 0, 0), 0x12345000);
	check_eq(reg(vm->vcpu, ARM64_SYS_REG(3, 0, 2, 0, 0)), 0x12345000, "TTBR0_EL1");
	set(vm->vcpu, ARM64_SYS_REG(3, 3, 13, 0, 2), 0xabcd);
	check_eq(reg(vm->vcpu, ARM64_SYS_REG(3, 3, 13, 0, 2)), 0xabcd, "TPIDR_EL0");
	check_eq(pfr0 >> 32 & 0xf, 0, "ID_AA64PFR0_EL1: no SVE");
	check_eq(set_reg(vm->vcpu, ARM64_SYS_REG(3, 0, 0, 4, 0), &pfr0), 0, "written back as it is");
	v = pfr0 | 1UL << 32;
	check_errno(set_reg(vm->vcpu, ARM64_SYS_REG(3, 0, 0, 4, 0), &v), EINVAL, "with SVE added");
	check_eq(reg(vm->vcpu, ARM64_SYS_REG(3, 0, 0, 0, 5)) & 0xff, 0, "MPIDR_EL1 of vCPU 0");
	v = reg(vm->vcpu, KVM_REG_ARM_TIMER_CNT);
	msleep(1);
	check(reg(vm->vcpu, KVM_REG_ARM_TIMER_CNT) > v, "the virtual counter moves");
	check(reg(vm->vcpu, KVM_REG_ARM_PSCI_VERSION) >= 0x10000, "PSCI version");
}

static void list(struct vm *vm)
{
	struct kvm_reg_list n = { .n = 0 }, *l;
	uint8_t buf[2048];
	unsigned long i, bad = 0, back = 0;

	check_errno(ioctl(vm->vcpu, KVM_GET_REG_LIST, &n), E2BIG, "size of the list");
	check(n.n > 100, "more than 100 registers");
	l = calloc(1, sizeof(*l) + n.n * 8);
	l->n = n.n;
	check_eq(ioctl(vm->vcpu, KVM_GET_REG_LIST, l), 0, "KVM_GET_REG_LIST");
	for (i = 0; i < l->n; i++) {
		if (get_reg(vm->vcpu, l->reg[i], buf)) {
			bad++;
			printf("# cannot read %#llx\n", (unsigned long long)l->reg[i]);
		} else if (set_reg(vm->vcpu, l->reg[i], buf)) {
			back++;
			printf("# cannot write back %#llx: %s\n", (unsigned long long)l->reg[i],
			       strerror(errno));
		}
	}
	check_eq(bad, 0, "every listed register is readable");
	check_eq(back, 0, "and takes its own value");
	free(l);
}

int main(void)
{
	struct vm vm = VM(spin);

	core(&vm);
	system_registers(&vm);
	list(&vm);
	return report();
}
