// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPUs with an EL2 (KVM_ARM_VCPU_HAS_EL2): what may be asked for, the registers of EL2 through ONE_REG, a VM that is taken
 * down and built anew while its guest's guest runs, and guest hypervisors that mean harm. Where the host offers no EL2 to
 * guests: the refusals only.
 */
#include <sys/sysinfo.h>
#include <sys/time.h>

#include "kvm_el2.h"
#include "../guest/lib/el2_regs.h"

#define PMU_V3_SET_NR_COUNTERS 4
#define PSTATE		CORE(regs.pstate)
#define EL1H		0x3c5UL
#define EL2H		0x3c9UL
#define SCTLR_BE	(1UL << 25 | 1UL << 24)		/* EE, E0E */
#define SYSREG(key)	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | (key))
#define ID(crm, op2)	ARM64_SYS_REG(3, 0, 0, crm, op2)

#define ALIAS		0x200000000UL	/* of the guest's guest */
#define ROOTS		0x100000UL	/* offsets in memory: tables, three pages each; pages of data; the slot of its own */
#define DATA		0x200000UL
#define EXTRA_GPA	0x80000000UL
#define EXTRA_SIZE	0x10000UL
#define HCR		"mov x0, #1; movk x0, #0x8000, lsl #16; movk x0, #4, lsl #32; msr hcr_el2, x0;"	/* VM, RW, E2H */

/* The hypervisor: x20 VTTBR_EL2, x21 VTCR_EL2. Counts its guest's calls in TPIDR_EL2; tells the VMM of any other exception. */
#define HYP(name, guest)									\
	"adr x0, 9f; msr vbar_el2, x0; msr vttbr_el2, x20; msr vtcr_el2, x21;" HCR		\
	"adr x0, 8f; msr elr_el2, x0; mov x0, #0x3c5; msr spsr_el2, x0; isb; eret; 8:" guest	\
	".org guest_" #name " + 0x800; 9: .org guest_" #name " + 0x800 + 0x400;"		\
	"mrs x0, esr_el2; lsr x1, x0, #26; cmp x1, #0x16; b.ne 7f;"				\
	"mrs x0, tpidr_el2; add x0, x0, #3; msr tpidr_el2, x0; eret;"				\
	"7: mrs x1, far_el2; str x0, [x28, #0x80]; str x1, [x28, #0x88]; b 7b;"			\
	".org guest_" #name " + 0x1000;"

/* Gathers in x27 what it sees of memory (x25), its hypervisor's answers and registers. */
GUEST(journey, HYP(journey,
	"mov x27, #0x1234; mov x24, #0; 1: hvc #0; eor x27, x0, x27, ror #7; ldr x1, [x25]; add x1, x1, x24; str x1, [x25];"
	"eor x27, x1, x27, ror #7; msr tpidr_el1, x27; msr far_el1, x24; msr contextidr_el1, x24; add x24, x24, #1;"
	"hvc #0; eor x27, x0, x27, ror #7; mrs x1, tpidr_el1; eor x27, x1, x27, ror #7; mrs x1, far_el1;"
	"eor x27, x1, x27, ror #7; mrs x1, contextidr_el1; eor x27, x1, x27, ror #7; str x27, [x28]; b 1b;"));

/* Says again and again what it reads. */
GUEST(reader, HYP(reader, "1: ldr x1, [x25]; str x1, [x28]; b 1b;"));
/* Writes to every page of what it has, for ever. x24: bytes. */
GUEST(writer, HYP(writer, "2: mov x1, #0; 1: add x2, x25, x1; str x1, [x2]; add x1, x1, #0x1000; cmp x1, x24; b.lo 1b; b 2b;"));

/* One hypervisor with x24 tables, three pages apart from x20 on: a guest of each in turn tells what it reads. */
GUEST(many,
	"adr x0, 9f; msr vbar_el2, x0; msr vtcr_el2, x21; mov x19, #0; mov x23, #0; 6: mov x1, #0x3000; madd x0, x19, x1, x20;"
	"orr x0, x0, x19, lsl #48; msr vttbr_el2, x0;" HCR "adr x0, 8f; msr elr_el2, x0; mov x0, #0x3c5; msr spsr_el2, x0; isb; eret;"
	"8: ldr x0, [x25]; hvc #0; .org guest_many + 0x800; 9: .org guest_many + 0x800 + 0x400;"
	"add x1, x19, #0x77; cmp x0, x1; cinc x23, x23, ne; add x19, x19, #1; cmp x19, x24; b.lo 6b; str x23, [x28]; mov x19, #0; b 6b;"
	".org guest_many + 0x1000");

/* Byte order at EL2: its guest's SCTLR_EL1 says nothing, its own does. x26: bits for SCTLR_EL1, x24: for SCTLR_EL2. */
GUEST(order,
	"mrs x0, s3_5_c1_c0_0; orr x0, x0, x26; msr s3_5_c1_c0_0, x0; mrs x0, sctlr_el2; orr x0, x0, x24; msr sctlr_el2, x0; isb;"
	"mov x1, #0x77; str x1, [x28]; ldr x1, [x28, #8]; str x1, [x28, #16]; 1: b 1b;");

static bool nvhe;	/* VMs whose vCPUs have an EL2 with E2H 0 (KVM_ARM_VCPU_HAS_EL2_E2H0) */

static uint32_t el2_features(void)
{
	return PSCI | EL2 | (nvhe ? EL2_E2H0 : 0);
}

/* Memory and the device as they are, and one page at ALIAS. */
static void tables_make(struct vm *vm, uint64_t at, uint64_t page)
{
	s2_identity(vm, at);
	memset(vm->ram + at + 0x2000, 0, 0x1000);
	/* Index 0 of level 2 is free: a table of pages for ALIAS, which shares it. */
	*ram_u64(vm, at + 8 * 8) = (RAM_GPA + at + 0x1000) | 3;
	*ram_u64(vm, at + 0x1000) = (RAM_GPA + at + 0x2000) | 3;
	*ram_u64(vm, at + 0x2000) = page | S2_NORMAL | 3;
}

static struct vm vm_el2(const void *code, const void *end)
{
	struct vm vm = vm_make_as(el2_features(), code, end);

	tables_make(&vm, ROOTS, RAM_GPA + DATA);
	set(vm.vcpu, REG_X(25), ALIAS);
	set(vm.vcpu, REG_X(20), RAM_GPA + ROOTS);
	set(vm.vcpu, REG_X(21), S2_VTCR);
	return vm;
}

#define VM_EL2(name)	vm_el2(guest_##name, guest_##name##_end)

/* ---- what may be asked for ---- */

static int init_result(uint32_t features)
{
	int kvm = must(open("/dev/kvm", O_RDWR)), vm = must(ioctl(kvm, KVM_CREATE_VM, 0));
	int vcpu = must(ioctl(vm, KVM_CREATE_VCPU, 0)), ret = vcpu_init_features(vm, vcpu, features) ? -errno : 0;

	close(vcpu);
	close(vm);
	close(kvm);
	return ret;
}

static void asked_for(int kvm)
{
	struct vm vm;

	bool e2h0 = ioctl(kvm, KVM_CHECK_EXTENSION, CAP_ARM_EL2_E2H0);

	check_eq(init_result(PSCI | EL2), 0, "KVM_ARM_VCPU_HAS_EL2");
	check_eq(init_result(PSCI | EL2 | EL2_E2H0), e2h0 ? 0 : -EINVAL, "with HAS_EL2_E2H0: as KVM_CAP_ARM_EL2_E2H0 says");
	check_eq(init_result(PSCI | EL2_E2H0), e2h0 ? 0 : -EINVAL, "HAS_EL2_E2H0 alone: accepted where it is known");
	check_eq(init_result(PSCI | EL2 | 1U << KVM_ARM_VCPU_EL1_32BIT), -EINVAL, "with AArch32 at EL1: EINVAL");
	vm = vm_bare(PSCI | EL2);
	check_eq(reg(vm.vcpu, PSTATE), EL2H, "reset at EL2h, all masked");
	set(vm.vcpu, PSTATE, EL1H);
	set(vm.vcpu, SYSREG(ARM64_SYS_REG(3, 4, 13, 0, 2)), 5);
	check_eq(vcpu_init_features(vm.fd, vm.vcpu, PSCI | EL2), 0, "a second KVM_ARM_VCPU_INIT");
	check_eq(reg(vm.vcpu, PSTATE), EL2H, "is a reset to EL2h");
	check_eq(reg(vm.vcpu, SYSREG(ARM64_SYS_REG(3, 4, 13, 0, 2))), 0, "of EL2's registers too");
	check(vcpu_init_features(vm.fd, vm.vcpu, PSCI) == -1 && errno == EINVAL, "without EL2 the second time: EINVAL");
	check(vcpu_init_features(vm.fd, vm.vcpu, PSCI | EL2 | EL2_E2H0) == -1 && errno == EINVAL, "without E2H: EINVAL");
	check_eq(reg(vm.vcpu, ID(4, 0)) >> 8 & 15, 1, "ID_AA64PFR0_EL1.EL2");
	check_eq(reg(vm.vcpu, ID(7, 4)) >> 24 & 15, 14, "ID_AA64MMFR4_EL1.E2H0: not there");
	check_eq(reg(vm.vcpu, ID(7, 1)) >> 8 & 15, 1, "ID_AA64MMFR1_EL1.VH");
	check_eq(reg(vm.vcpu, ID(7, 4)) >> 20 & 15, 1, "ID_AA64MMFR4_EL1.NV_frac: NV2 only");
	check_eq(reg(vm.vcpu, ID(7, 2)) >> 24 & 15, 0, "so ID_AA64MMFR2_EL1.NV is 0");
	check_eq(reg(vm.vcpu, ID(7, 2)) >> 40 & 15, 1, "ID_AA64MMFR2_EL1.FWB, which such a hypervisor needs");
	vm_drop(&vm);
}

static void without_e2h(void)
{
	struct vm vm = vm_bare(PSCI | EL2_E2H0);

	check_eq(reg(vm.vcpu, PSTATE), EL1H, "E2H0 alone: reset at EL1h");
	check_eq(reg(vm.vcpu, ID(4, 0)) >> 8 & 15, 0, "E2H0 alone: no EL2");
	vm_drop(&vm);
	vm = vm_bare(el2_features());
	check_eq(reg(vm.vcpu, PSTATE), EL2H, "E2H0: reset at EL2h");
	check_eq(reg(vm.vcpu, ID(4, 0)) >> 8 & 15, 1, "E2H0: ID_AA64PFR0_EL1.EL2");
	check_eq(reg(vm.vcpu, ID(7, 4)) >> 24 & 15, 0, "E2H0: ID_AA64MMFR4_EL1.E2H0: there");
	check_eq(reg(vm.vcpu, ID(7, 1)) >> 8 & 15, 0, "E2H0: no ID_AA64MMFR1_EL1.VH");
	check_eq(reg(vm.vcpu, ID(7, 2)) >> 24 & 15, 0, "E2H0: no ID_AA64MMFR2_EL1.NV");
	check(vcpu_init_features(vm.fd, vm.vcpu, PSCI | EL2) == -1 && errno == EINVAL, "E2H0: not the second time: EINVAL");
	vm_drop(&vm);
}

/* ---- ONE_REG ---- */

static struct kvm_reg_list *reg_list(int vcpu)
{
	struct kvm_reg_list probe = { .n = 0 }, *list;

	(void)ioctl(vcpu, KVM_GET_REG_LIST, &probe);
	list = calloc(1, sizeof(*list) + probe.n * sizeof(list->reg[0]));
	list->n = probe.n;
	must(ioctl(vcpu, KVM_GET_REG_LIST, list));
	return list;
}

static bool listed(const struct kvm_reg_list *list, uint64_t id)
{
	for (uint64_t i = 0; i < list->n; i++)
		if (list->reg[i] == id)
			return true;
	return false;
}

static void registers(void)
{
	struct vm vm = vm_bare(el2_features()), plain = vm_bare(PSCI);
	struct kvm_reg_list *list = reg_list(vm.vcpu), *without = reg_list(plain.vcpu);
	unsigned n = 0, bad[6] = { 0 };

	for (unsigned i = 0; i < sizeof(el2_regs) / sizeof(el2_regs[0]); i++) {
		const struct el2_reg *r = &el2_regs[i];
		uint64_t id = SYSREG(r->key), val = 0, old, pattern = 0xa5a5a5a5a5a5a5a5UL;
		bool timer = !strncmp(r->name, "CNTH", 4) && !strstr(r->name, "CNTHCTL");

		if (!(r->flags & EL2_USER))
			continue;
		if (nvhe && (r->flags & EL2_VHE)) {
			bad[5] += listed(list, id) || !get_reg(vm.vcpu, id, &val) || errno != ENOENT;
			continue;
		}
		n++;
		bad[0] += !listed(list, id);
		bad[1] += listed(without, id) || !get_reg(plain.vcpu, id, &val) || errno != ENOENT;
		old = reg(vm.vcpu, id);
		if ((r->flags & EL2_RESET) && !timer && old != r->by_e2h[nvhe].reset) {
			printf("# %s resets to %#lx, not %#lx\n", r->name, (long)old, (long)r->by_e2h[nvhe].reset);
			bad[2]++;
		}
		if (timer)
			continue;
		set(vm.vcpu, id, pattern);
		val = reg(vm.vcpu, id);
		if (val != ((pattern & r->by_e2h[nvhe].keep) | r->by_e2h[nvhe].ones)) {
			printf("# %s keeps %#lx\n", r->name, (long)val);
			bad[3]++;
		}
		set(vm.vcpu, id, old);
		if (reg(vm.vcpu, id) != old) {
			printf("# %s: %#lx, was %#lx\n", r->name, (long)reg(vm.vcpu, id), (long)old);
			bad[4]++;
		}
	}
	check(n > 55, "registers of EL2");
	check_eq(bad[0], 0, "all are in KVM_GET_REG_LIST");
	check_eq(bad[1], 0, "none without an EL2: ENOENT");
	check_eq(bad[2], 0, "all have their value at reset");
	check_eq(bad[3], 0, "all keep the bits that can be written");
	check_eq(bad[4], 0, "all take back what they said");
	check_eq(bad[5], 0, "none that needs E2H without it: ENOENT");
	free(list);
	free(without);
	vm_drop(&vm);
	vm_drop(&plain);
}

/* ZCR_EL2 comes with both: EL2 and SVE. */
static void vectors(int kvm)
{
	uint32_t sve = 1U << KVM_ARM_VCPU_SVE;
	uint64_t zcr = SYSREG(ARM64_SYS_REG(3, 4, 1, 2, 0)), val;
	struct vm vm, no_el2, no_sve;
	struct kvm_reg_list *list[3];
	int feature = KVM_ARM_VCPU_SVE;

	if (ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_SVE) <= 0) {
		printf("# no SVE for guests here\n");
		return;
	}
	check_eq(init_result(PSCI | EL2 | sve), 0, "KVM_ARM_VCPU_HAS_EL2 with SVE");
	vm = vm_bare(PSCI | EL2 | sve);
	no_el2 = vm_bare(PSCI | sve);
	no_sve = vm_bare(PSCI | EL2);
	must(ioctl(vm.vcpu, KVM_ARM_VCPU_FINALIZE, &feature));
	must(ioctl(no_el2.vcpu, KVM_ARM_VCPU_FINALIZE, &feature));
	list[0] = reg_list(vm.vcpu);
	list[1] = reg_list(no_el2.vcpu);
	list[2] = reg_list(no_sve.vcpu);
	check(listed(list[0], zcr) && listed(list[0], KVM_REG_ARM64_SVE_ZREG(31, 0)), "ZCR_EL2 is listed");
	check(!listed(list[1], zcr) && !listed(list[2], zcr), "and not without EL2, not without SVE");
	check(get_reg(no_el2.vcpu, zcr, &val) && errno == ENOENT, "without EL2: ENOENT");
	check(get_reg(no_sve.vcpu, zcr, &val) && errno == ENOENT, "without SVE: ENOENT");
	check_eq(reg(vm.vcpu, zcr), 0, "ZCR_EL2 at reset");
	set(vm.vcpu, zcr, 1);
	check_eq(reg(vm.vcpu, zcr), 1, "ZCR_EL2 keeps its value");
	for (unsigned i = 0; i < 3; i++)
		free(list[i]);
	vm_drop(&vm);
	vm_drop(&no_el2);
	vm_drop(&no_sve);
}

/* Number of counters, and MDCR_EL2.HPMN that follows it. */
static void counters(int kvm)
{
	uint32_t pmu = 1U << KVM_ARM_VCPU_PMU_V3, n;
	uint64_t mdcr = SYSREG(ARM64_SYS_REG(3, 4, 1, 1, 1)), pmcr = ARM64_SYS_REG(3, 3, 9, 12, 0), all;
	struct kvm_device_attr a = { .group = KVM_ARM_VCPU_PMU_V3_CTRL, .attr = PMU_V3_SET_NR_COUNTERS, .addr = (uintptr_t)&n };
	struct vm vm;

	if (ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_PMU_V3) <= 0) {
		printf("# no PMU for guests here\n");
		return;
	}
	vm = vm_bare(PSCI | EL2 | pmu);
	all = reg(vm.vcpu, pmcr) >> 11 & 31;
	check_eq(reg(vm.vcpu, mdcr), all, "MDCR_EL2 at reset: HPMN is N");
	set(vm.vcpu, pmcr, 1 << 11);
	check_eq(reg(vm.vcpu, pmcr) >> 11 & 31, all, "PMCR_EL0.N does not set their number");
	n = all + 1;
	check(ioctl(vm.vcpu, KVM_SET_DEVICE_ATTR, &a) == -1 && errno == EINVAL, "more counters than there are: EINVAL");
	n = 2;
	check_eq(ioctl(vm.vcpu, KVM_HAS_DEVICE_ATTR, &a), 0, "KVM_ARM_VCPU_PMU_V3_SET_NR_COUNTERS");
	check_eq(ioctl(vm.vcpu, KVM_SET_DEVICE_ATTR, &a), 0, "two counters");
	check_eq(reg(vm.vcpu, pmcr) >> 11 & 31, 2, "PMCR_EL0.N");
	check_eq(reg(vm.vcpu, mdcr), 2, "MDCR_EL2.HPMN");
	check_eq(vcpu_init_features(vm.fd, vm.vcpu, PSCI | EL2 | pmu), 0, "reset");
	check_eq(reg(vm.vcpu, mdcr), 2, "MDCR_EL2.HPMN after it");
	vm_drop(&vm);
}

/* ---- a VM built anew while its guest's guest runs ---- */

static void settle(struct vm *vm)
{
	vm->run->immediate_exit = 1;
	(void)ioctl(vm->vcpu, KVM_RUN, 0);
	vm->run->immediate_exit = 0;
}

static struct vm rebuild(struct vm *old)
{
	struct kvm_reg_list *list;
	struct vm vm = vm_bare(el2_features());
	unsigned bad = 0;

	settle(old);
	list = reg_list(old->vcpu);
	memcpy(vm.ram, old->ram, RAM_SIZE);
	for (uint64_t i = 0; i < list->n; i++) {
		uint64_t buf[256 / 8];

		must(get_reg(old->vcpu, list->reg[i], buf));
		if (set_reg(vm.vcpu, list->reg[i], buf)) {
			printf("# register %#llx: errno %d\n", (unsigned long long)list->reg[i], errno);
			bad++;
		}
	}
	if (bad)
		check(false, "every register can be written back");
	free(list);
	vm_drop(old);
	return vm;
}

static void journey(void)
{
	struct vm straight = VM_EL2(journey), moving = VM_EL2(journey);
	unsigned i, same = 0, below = 0;

	for (i = 0; i < 30; i++) {
		int64_t a = guest_says(&straight, 0), b = guest_says(&moving, 0);

		if (a == -1 || a != b) {
			printf("# step %u: %#lx, %#lx\n", i, (long)a, (long)b);
			break;
		}
		same++;
		below += reg(moving.vcpu, PSTATE) == EL1H;
		moving = rebuild(&moving);
	}
	check_eq(same, 30, "a guest's guest goes on in a new VM, again and again");
	check_eq(below, 30, "it was it that ran");
	vm_drop(&straight);
	vm_drop(&moving);
}

/* ---- hypervisors that mean harm, and memory that goes away under them ---- */

static uint8_t *extra_add(struct vm *vm, uint64_t value)
{
	uint8_t *mem = mmap(NULL, EXTRA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must((long)mem);
	*(uint64_t *)mem = value;
	must(set_slot(vm->fd, 1, 0, EXTRA_GPA, EXTRA_SIZE, mem));
	return mem;
}

/* What the guest's guest reads is what is there now, whoever took away what was there. */
static void memory_changes(void)
{
	struct vm vm = VM_EL2(reader);
	unsigned i, good = 0;
	uint8_t *mem;

	tables_make(&vm, ROOTS, EXTRA_GPA);
	for (i = 0; i < 20; i++) {
		mem = extra_add(&vm, 1000 + i);
		good += guest_says(&vm, 0) == 1000 + i;
		must(madvise(mem, EXTRA_SIZE, MADV_DONTNEED));
		good += guest_says(&vm, 0) == 0;
		*(volatile uint64_t *)mem = 7;
		good += guest_says(&vm, 0) == 7;
		must(munmap(mem, EXTRA_SIZE));
		must((long)mmap(mem, EXTRA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
		good += guest_says(&vm, 0) == 0;
		settle(&vm);	/* its own accesses are through with the slot */
		must(set_slot(vm.fd, 1, 0, EXTRA_GPA, 0, mem));
		munmap(mem, EXTRA_SIZE);
		/* No memory: a read that the VMM answers. */
		good += vcpu_run(&vm) == KVM_EXIT_MMIO && !vm.run->mmio.is_write && vm.run->mmio.phys_addr == EXTRA_GPA;
		memcpy(vm.run->mmio.data, &(uint64_t){ 55 }, 8);
		good += guest_says(&vm, 0) == 55;
	}
	check_eq(good, 6 * 20, "memory that goes away is gone for a guest's guest");
	vm_drop(&vm);
}

/* More stage 2 than the VM may have shadows: each guest sees its own. */
static void many(void)
{
	enum { N = 60 };
	struct vm vm = VM_EL2(many);
	unsigned i, good = 0;

	for (i = 0; i < N; i++) {
		tables_make(&vm, ROOTS + i * 0x3000, RAM_GPA + DATA + i * 0x1000);
		*ram_u64(&vm, DATA + i * 0x1000) = 0x77 + i;
	}
	set(vm.vcpu, REG_X(24), N);
	for (i = 0; i < 5; i++)
		good += guest_says(&vm, 0) == 0;
	check_eq(good, 5, "sixty stage 2 of one hypervisor");
	vm_drop(&vm);
}

static unsigned long free_memory(void)
{
	struct sysinfo info;

	must(sysinfo(&info));
	return info.freeram * info.mem_unit;
}

/* Slots go and come, and at last the VM itself, while the guest's guest writes to all its memory. */
static void destroyed(void)
{
	unsigned long before = 0, after;
	unsigned i, j;

	for (i = 0; i < 12; i++) {
		struct vm vm = VM_EL2(writer);
		uint8_t *mem = extra_add(&vm, 0);
		pthread_t t;

		for (j = 0; j < 16; j++)
			*ram_u64(&vm, ROOTS + 0x2000 + j * 8) = (EXTRA_GPA + j * 0x1000) | S2_NORMAL | 3;
		set(vm.vcpu, REG_X(24), EXTRA_SIZE);
		t = run_start(&vm);
		for (j = 0; j < 20; j++) {
			must(set_slot(vm.fd, 1, 0, EXTRA_GPA, 0, mem));
			must(set_slot(vm.fd, 1, 0, EXTRA_GPA, EXTRA_SIZE, mem));
			must(madvise(mem, EXTRA_SIZE, MADV_DONTNEED));
		}
		if (i & 1) {	/* every reference but the running vCPU's goes first */
			close(vm.fd);
			vm.fd = must(open("/dev/null", O_RDWR));
		}
		munmap(mem, EXTRA_SIZE);
		run_stop(&vm, t);
		vm_drop(&vm);
		if (i == 3)
			before = free_memory();
	}
	after = free_memory();
	check(after + (2 << 20) > before, "slots and VMs that go away under a guest's guest, and no memory lost");
}

static uint64_t seed = 0x9e3779b97f4a7c15UL;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Tables that loop, lead out of memory, map what is not there, in any format: an exception, an access of the VMM's, no harm. */
static void hostile(void)
{
	struct itimerval tick = { { 0, 20000 }, { 0, 20000 } }, off = { { 0, 0 }, { 0, 0 } };
	struct sigaction sa = { .sa_handler = no_handler };
	struct vm vm = VM_EL2(reader);
	unsigned i, j, exits = 0, broken = 0;

	sigaction(SIGALRM, &sa, NULL);
	for (i = 0; i < 150; i++) {
		static const uint64_t out[] = { RAM_GPA, RAM_GPA + ROOTS, EXTRA_GPA, 0, 0x7ffffffff000UL, MMIO_GPA };
		uint64_t tcr = S2_VTCR, root = RAM_GPA + ROOTS;

		tables_make(&vm, ROOTS, RAM_GPA + DATA);
		for (j = 0; j < 3 * 512; j++)
			if (i % 3 == 0 || !(rnd() & 31))
				*ram_u64(&vm, ROOTS + j * 8) = (out[rnd() % 6] + (rnd() & 0x3000)) | (rnd() & 0x7c3) | (rnd() & 3);
		for (j = 0; i % 5 == 1 && j < 3 * 512; j++)
			*ram_u64(&vm, ROOTS + j * 8) = root | 3;		/* back to itself */
		if (i % 4 == 2)
			tcr = rnd();
		if (i % 7 == 3)
			root = rnd();
		set(vm.vcpu, REG_PC, RAM_GPA);
		set(vm.vcpu, PSTATE, EL2H);
		set(vm.vcpu, REG_X(20), root);
		set(vm.vcpu, REG_X(21), tcr);
		set(vm.vcpu, REG_X(25), i & 1 ? ALIAS : rnd() & 0xffffffffffffUL);
		set(vm.vcpu, REG_X(28), MMIO_GPA);
		vm.run->immediate_exit = 0;
		setitimer(ITIMER_REAL, &tick, NULL);
		for (j = 0; j < 3; j++) {
			int ret = ioctl(vm.vcpu, KVM_RUN, 0);

			/* No syndrome of an access to nothing: ENOSYS is what KVM says. */
			if (ret < 0 && errno != EINTR && errno != ENOSYS) {
				printf("# round %u: errno %d\n", i, errno);
				broken++;
			}
			exits += !ret;
			if (ret < 0)
				break;
		}
		setitimer(ITIMER_REAL, &off, NULL);
		settle(&vm);
	}
	check_eq(broken, 0, "tables that mean harm");
	check(exits > 50, "and they led somewhere");
	/* And the VM is as good as new. */
	tables_make(&vm, ROOTS, RAM_GPA + DATA);
	memcpy(vm.ram, guest_reader, guest_reader_end - guest_reader);
	*ram_u64(&vm, DATA) = 77;
	must(vcpu_init_features(vm.fd, vm.vcpu, PSCI | EL2));
	set(vm.vcpu, REG_PC, RAM_GPA);
	set(vm.vcpu, REG_X(20), RAM_GPA + ROOTS);
	set(vm.vcpu, REG_X(21), S2_VTCR);
	set(vm.vcpu, REG_X(25), ALIAS);
	set(vm.vcpu, REG_X(28), MMIO_GPA);
	check_eq(guest_says(&vm, 0), 77, "the VM is as good as new");
	vm_drop(&vm);
}

static void byte_order(uint64_t below, uint64_t own, const char *name)
{
	struct vm vm = VM_AS(PSCI | EL2, order);
	uint64_t data = 0x1122334455667788UL;
	int64_t first, back;

	set(vm.vcpu, REG_X(26), below);
	set(vm.vcpu, REG_X(24), own);
	first = guest_says(&vm, 0);
	if (vcpu_run(&vm) == KVM_EXIT_MMIO && !vm.run->mmio.is_write)
		memcpy(vm.run->mmio.data, &data, 8);
	back = guest_says(&vm, 16);
	check(first == (own ? 0x77L << 56 : 0x77) && back == (int64_t)data, name);
	vm_drop(&vm);
}

int main(void)
{
	int kvm = must(open("/dev/kvm", O_RDWR));

	if (!el2_offered(kvm)) {
		printf("# no EL2 for guests here\n");
		/* ENOENT where the feature has no name yet. */
		check(init_result(PSCI | EL2) == -EINVAL || init_result(PSCI | EL2) == -ENOENT,
		      "KVM_ARM_VCPU_HAS_EL2 without KVM_CAP_ARM_EL2 is refused");
		return report();
	}
	asked_for(kvm);
	registers();
	vectors(kvm);
	byte_order(0, 0, "little endian at EL2");
	byte_order(SCTLR_BE, 0, "with a guest that is big endian");
	byte_order(0, SCTLR_BE, "big endian itself");
	counters(kvm);
	journey();
	if (ioctl(kvm, KVM_CHECK_EXTENSION, CAP_ARM_EL2_E2H0) > 0) {
		nvhe = true;
		without_e2h();
		registers();
		journey();
		nvhe = false;
	}
	memory_changes();
	many();
	destroyed();
	hostile();
	close(kvm);
	return report();
}
