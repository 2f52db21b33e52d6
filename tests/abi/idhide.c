// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a VMM hides in the ID registers is UNDEFINED for the guest; what it says of the implementation is what the guest
 * reads; pointer authentication with keys that move with the vCPU.
 */
#include "kvm.h"

#define ID(crm, op2)	ARM64_SYS_REG(3, 0, 0, crm, op2)
#define ISAR0		ID(6, 0)
#define ISAR1		ID(6, 1)
#define ISAR2		ID(6, 2)
#define MMFR1		ID(7, 1)
#define MMFR3		ID(7, 3)
#define PFR0		ID(4, 0)
#define MIDR		ARM64_SYS_REG(3, 0, 0, 0, 0)
#define REVIDR		ARM64_SYS_REG(3, 0, 0, 0, 6)
#define AIDR		ARM64_SYS_REG(3, 1, 0, 0, 7)
#define CTR		ARM64_SYS_REG(3, 3, 0, 0, 1)
#define CLIDR		ARM64_SYS_REG(3, 1, 0, 0, 1)
#define CAP_WRITABLE_IMP 239
#define PAUTH		(1 << KVM_ARM_VCPU_PTRAUTH_ADDRESS | 1 << KVM_ARM_VCPU_PTRAUTH_GENERIC)

/* The instruction at 0x18 is the VMM's; reports how often it was UNDEFINED. */
GUEST(tryit, "adr x0, 9f; msr vbar_el1, x0; isb; mov x25, #0; mov x1, x26; mov x2, #0;"
	"nop; str x25, [x28]; 1: b 1b;"
	".org guest_tryit + 0x800; 9: .org guest_tryit + 0xa00;"
	"mrs x24, esr_el1; lsr x24, x24, #26; cmp x24, #0; cinc x25, x25, eq; mrs x24, elr_el1; add x24, x24, #4;"
	"msr elr_el1, x24; eret; .org guest_tryit + 0x1000");

GUEST(implementation, "mrs x0, midr_el1; str x0, [x28]; mrs x0, revidr_el1; str x0, [x28, #8]; mrs x0, aidr_el1;"
	"str x0, [x28, #16]; mrs x0, ctr_el0; str x0, [x28, #24]; mrs x0, clidr_el1; str x0, [x28, #32]; 1: b 1b");

/* PACGA, then PACIA and AUTIA of a pointer, and AUTIA with another modifier. */
GUEST(pauth, "mrs x0, sctlr_el1; orr x0, x0, #0x80000000; msr sctlr_el1, x0; isb; mov x1, #0x1234; mov x2, #0x77;"
	".inst 0x9ac23020; str x0, [x28]; mov x3, x26; .inst 0xdac10043; str x3, [x28, #8]; .inst 0xdac11043;"
	"str x3, [x28, #16]; 1: b 1b");

#define SYS(op1, crn, crm, op2)	(0xd5080000 | (op1) << 16 | (crn) << 12 | (crm) << 8 | (op2) << 5 | 1)
#define MRS(op1, crn, crm, op2)	(0xd5380000 | (op1) << 16 | (crn) << 12 | (crm) << 8 | (op2) << 5 | 3)

static const struct {
	const char *name;
	uint64_t id;
	unsigned int shift, level;	/* the instruction exists from this value of the field on */
	uint32_t insn;
	bool ours;			/* Linux 6.12 does not trap it */
} cases[] = {
	{ "TLBI VMALLE1OS", ISAR0, 56, 1, SYS(0, 8, 1, 0), false },
	{ "TLBI VAE1OS", ISAR0, 56, 1, SYS(0, 8, 1, 1), false },
	{ "TLBI RVAE1", ISAR0, 56, 2, SYS(0, 8, 6, 1), false },
	{ "TLBI RVAE1IS", ISAR0, 56, 2, SYS(0, 8, 2, 1), false },
	{ "TLBI RVAALE1OS", ISAR0, 56, 2, SYS(0, 8, 5, 7), false },
	{ "AT S1E1RP", MMFR1, 20, 2, SYS(0, 7, 9, 0), false },
	{ "AT S1E1WP", MMFR1, 20, 2, SYS(0, 7, 9, 1), false },
	{ "TCR2_EL1", MMFR3, 0, 1, MRS(0, 2, 0, 3), false },
	{ "PIR_EL1", MMFR3, 8, 1, MRS(0, 10, 2, 3), false },
	{ "PIRE0_EL1", MMFR3, 8, 1, MRS(0, 10, 2, 2), false },
	{ "POR_EL1", MMFR3, 16, 1, MRS(0, 10, 2, 4), true },
	{ "DC CVAP", ISAR1, 0, 1, SYS(3, 7, 12, 1), true },
	{ "DC CVADP", ISAR1, 0, 2, SYS(3, 7, 13, 1), true },
	{ "CFP RCTX", ISAR1, 40, 1, SYS(3, 7, 3, 4), true },
	{ "CPP RCTX", ISAR1, 40, 1, SYS(3, 7, 3, 7), true },
	{ "SETP", ISAR2, 16, 1, 0x19df0441, true },
	{ "ERRIDR_EL1", PFR0, 28, 1, MRS(0, 5, 3, 0), true },
};

static bool is_nestbox;

/* How often @insn was UNDEFINED in a VM whose field @id, @shift is at most @most; -1: it did not get that far; -2: not writable. */
static int undefs(uint64_t id, unsigned int shift, unsigned int most, uint32_t insn)
{
	struct vm vm = VM(tryit);
	uint64_t v = reg(vm.vcpu, id), field = v >> shift & 15;
	int64_t n;

	memcpy(vm.ram + 0x18, &insn, 4);
	set(vm.vcpu, REG_X(26), RAM_GPA + 0x10000);
	if (field > most) {
		v -= (field - most) << shift;
		if (set_reg(vm.vcpu, id, &v)) {
			vm_drop(&vm);
			return -2;
		}
	}
	n = guest_says(&vm, 0);
	vm_drop(&vm);
	return n;
}

static void hidden(void)
{
	char name[64];

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vm vm = VM(tryit);
		unsigned int offered = reg(vm.vcpu, cases[i].id) >> cases[i].shift & 15;
		int n;

		vm_drop(&vm);
		snprintf(name, sizeof(name), "%s where it is offered", cases[i].name);
		if (offered < cases[i].level)
			printf("# %s is not offered\n", cases[i].name);
		else
			check_eq(undefs(cases[i].id, cases[i].shift, 15, cases[i].insn), 0, name);
		snprintf(name, sizeof(name), "%s where it is hidden", cases[i].name);
		n = undefs(cases[i].id, cases[i].shift, cases[i].level - 1, cases[i].insn);
		if (cases[i].ours && !is_nestbox)
			printf("# %s hidden: UNDEFINED %d times\n", cases[i].name, n);
		else
			check_eq(n, 1, name);
	}
}

static struct vm vm_implementation(bool writable)
{
	struct kvm_enable_cap cap = { .cap = CAP_WRITABLE_IMP };
	struct vm vm = VM(implementation);

	if (!writable)
		return vm;
	/* The capability comes before the vCPUs. */
	check_errno(ioctl(vm.fd, KVM_ENABLE_CAP, &cap), EINVAL, "implementation registers writable: too late");
	vm_drop(&vm);
	vm = vm_open();
	check_eq(ioctl(vm.fd, KVM_ENABLE_CAP, &cap), 0, "implementation registers writable");
	vm_vcpu(&vm, PSCI);
	vm_code(&vm, guest_implementation, guest_implementation_end);
	return vm;
}

static void set_errno(int vcpu, uint64_t id, uint64_t v, int err, const char *name)
{
	check_errno(set_reg(vcpu, id, &v), err, name);
}

static void implementation(void)
{
	struct vm vm = vm_implementation(false);
	uint64_t midr = reg(vm.vcpu, MIDR), ctr = reg(vm.vcpu, CTR), clidr, v;
	int second;

	set_errno(vm.vcpu, MIDR, midr + 1, EINVAL, "MIDR_EL1 is not writable");
	set_errno(vm.vcpu, AIDR, reg(vm.vcpu, AIDR) + 1, EINVAL, "nor AIDR_EL1");
	check_eq(set_reg(vm.vcpu, MIDR, &midr), 0, "but takes its own value");
	check_eq(guest_says(&vm, 0), (long)midr, "which the guest reads");
	vm_drop(&vm);
	vm = vm_implementation(false);
	/* A line shorter, and invalidation of instructions needed. */
	v = (ctr & ~(1UL << 29)) - (1UL << 16);
	set_errno(vm.vcpu, CTR, ctr ^ 1UL << 14, EINVAL, "CTR_EL0.L1Ip");
	set_errno(vm.vcpu, CTR, ctr + (1UL << 16), EINVAL, "CTR_EL0: a longer line");
	check_eq(set_reg(vm.vcpu, CTR, &v), 0, "CTR_EL0: a shorter line");
	second = vcpu_add(&vm, 1, 1 << KVM_ARM_VCPU_PSCI_0_2);
	check_eq(reg(second, CTR), (long)v, "is the VM's");
	must(vcpu_init_features(vm.fd, vm.vcpu, 1 << KVM_ARM_VCPU_PSCI_0_2));
	set(vm.vcpu, REG_PC, RAM_GPA);
	set(vm.vcpu, REG_X(28), MMIO_GPA);
	check_eq(reg(vm.vcpu, CTR), (long)v, "and outlives a reset");
	/* Ttype3 and Ttype7, as a machine with MTE has them: up to bit 46. */
	clidr = reg(vm.vcpu, CLIDR) | 2UL << 37 | 2UL << 45;
	check_eq(set_reg(vm.vcpu, CLIDR, &clidr), 0, "CLIDR_EL1 takes tag caches");
	set_errno(vm.vcpu, CLIDR, clidr | 1UL << 47, EINVAL, "CLIDR_EL1: RES0");
	for (unsigned int i = 0; i < 3; i++)
		guest_says(&vm, 8 * i);
	check_eq(guest_says(&vm, 24), (long)v, "the guest reads it");
	check_eq(guest_says(&vm, 32), (long)clidr, "and CLIDR_EL1");
	set_errno(vm.vcpu, CTR, ctr, EBUSY, "after the run CTR_EL0 stays");
	check_eq(set_reg(vm.vcpu, CTR, &v), 0, "and takes its own value");
	close(second);
	vm_drop(&vm);
	if (!is_nestbox && ioctl(open("/dev/kvm", O_RDWR), KVM_CHECK_EXTENSION, CAP_WRITABLE_IMP) <= 0) {
		printf("# MIDR_EL1 cannot be made writable here\n");
		return;
	}
	vm = vm_implementation(true);
	set(vm.vcpu, MIDR, 0x410fd0c1);
	set(vm.vcpu, REVIDR, 0x123456789);
	set(vm.vcpu, AIDR, 0xabc);
	set_errno(vm.vcpu, MIDR, 1UL << 32, EINVAL, "MIDR_EL1 has 32 bits");
	check_eq(guest_says(&vm, 0), 0x410fd0c1, "MIDR_EL1 as written");
	check_eq(guest_says(&vm, 8), 0x123456789, "REVIDR_EL1");
	check_eq(guest_says(&vm, 16), 0xabc, "AIDR_EL1");
	set_errno(vm.vcpu, MIDR, midr, EBUSY, "after the run MIDR_EL1 stays");
	vm_drop(&vm);
}

static void masks(void)
{
	static uint64_t m[KVM_ARM_FEATURE_ID_RANGE_SIZE];
	struct reg_mask_range r = { .addr = (uintptr_t)m };
	struct vm vm = VM(tryit);

	check_eq(ioctl(vm.fd, KVM_ARM_GET_REG_WRITABLE_MASKS, &r), 0, "writable masks");
	check(m[6 * 8] >> 56 == 0xff, "RNDR, TLB");
	check(!(m[6 * 8 + 1] & 0xff0), "pointer authentication is not the VMM's to lower");
	check(!(m[5 * 8] & 0xf000), "nor breakpoints");
	check(m[128 + 1] & 1UL << 29, "CTR_EL0.DIC");
	check(m[64 + 1] & 7, "CLIDR_EL1");
	check(!m[0], "MIDR_EL1 is not writable");
	r.reserved[12] = 1;
	check_errno(ioctl(vm.fd, KVM_ARM_GET_REG_WRITABLE_MASKS, &r), EINVAL, "reserved fields");
	r = (struct reg_mask_range){ .addr = (uintptr_t)m, .range = 1 };
	check_errno(ioctl(vm.fd, KVM_ARM_GET_REG_WRITABLE_MASKS, &r), EINVAL, "another range");
	r = (struct reg_mask_range){ .addr = 8 };
	check_errno(ioctl(vm.fd, KVM_ARM_GET_REG_WRITABLE_MASKS, &r), EFAULT, "no memory");
	vm_drop(&vm);
}

/* PACGA's value, the signed pointer, what authentication gives back. */
static void sign(uint64_t key, uint64_t out[3])
{
	struct vm vm = VM_AS(PSCI | PAUTH, pauth);

	set(vm.vcpu, REG_X(26), 0x40123456);
	set(vm.vcpu, ARM64_SYS_REG(3, 0, 2, 1, 0), key);	/* APIAKey */
	set(vm.vcpu, ARM64_SYS_REG(3, 0, 2, 1, 1), ~key);
	set(vm.vcpu, ARM64_SYS_REG(3, 0, 2, 3, 0), key * 3);	/* APGAKey */
	set(vm.vcpu, ARM64_SYS_REG(3, 0, 2, 3, 1), key * 7);
	out[0] = guest_says(&vm, 0);
	out[1] = guest_says(&vm, 8);
	out[2] = guest_says(&vm, 16);
	check(reg(vm.vcpu, ARM64_SYS_REG(3, 0, 2, 1, 0)) == key && reg(vm.vcpu, ARM64_SYS_REG(3, 0, 2, 3, 1)) == key * 7,
	      "the keys read back");
	vm_drop(&vm);
}

static void pauth(void)
{
	int kvm = must(open("/dev/kvm", O_RDWR));
	uint64_t a[3], b[3], c[3];

	if (ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_PTRAUTH_ADDRESS) <= 0) {
		printf("# no pointer authentication\n");
		close(kvm);
		return;
	}
	close(kvm);
	check_eq(undefs(ISAR0, 0, 15, 0x9ac23020), 1, "PACGA without the feature is UNDEFINED");
	sign(0x123456789abcdef, a);
	sign(0x123456789abcdef, b);
	sign(0xfedcba987654321, c);
	check(a[0] && !(a[0] & 0xffffffff), "PACGA");
	check(a[1] != 0x40123456 && (uint32_t)a[1] == 0x40123456, "PACIA signs a pointer");
	check_eq(a[2], 0x40123456, "AUTIA takes it back");
	check(!memcmp(a, b, sizeof(a)), "the same keys sign alike in another VM");
	check(a[0] != c[0] && a[1] != c[1], "other keys do not");
}

int main(void)
{
	is_nestbox = !access("/sys/kernel/debug/kvm/vcpus", F_OK);
	hidden();
	implementation();
	masks();
	pauth();
	return report();
}
