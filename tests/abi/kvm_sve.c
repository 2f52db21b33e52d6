// SPDX-License-Identifier: GPL-2.0-only
/*
 * Vector registers of guests: the ABI of KVM_ARM_VCPU_SVE, and whose registers they are while the VMM uses its own, moves
 * between CPUs, and other vCPUs do the same. What is counted is asked only of Nestbox.
 */
#include <asm/hwcap.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

#include "../guest/lib/vectors.h"
#include "kvm.h"

#define SVE		(1 << KVM_ARM_VCPU_SVE)
#define Z(n)		KVM_REG_ARM64_SVE_ZREG(n, 0)
#define P(n)		KVM_REG_ARM64_SVE_PREG(n, 0)
#define FFR		KVM_REG_ARM64_SVE_FFR(0)
#define VLS		KVM_REG_ARM64_SVE_VLS
#define VREG(n)		(KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE | \
			 (KVM_REG_ARM_CORE_REG(fp_regs.vregs[0]) + 4 * (n)))
#define FPSR		(KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(fp_regs.fpsr))
#define ID_PFR0		ARM64_SYS_REG(3, 0, 0, 4, 0)
#define ID_ZFR0		ARM64_SYS_REG(3, 0, 0, 4, 4)
#define ZCR_EL1		ARM64_SYS_REG(3, 0, 1, 2, 0)
#define BUFFER		0x10000UL

#define NUMBERS "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15"
#define MORE	",16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"
#define OPEN	"mov x9, #(3 << 20 | 3 << 16); msr cpacr_el1, x9; isb; msr s3_0_c1_c2_0, x2; isb;"
#define MODULO	"udiv x10, x9, x8; msub x9, x10, x8, x9;"
#define FILL	"rdvl x8, #1; add x8, x8, #1; .irp n," NUMBERS MORE "; add x9, x0, #\\n, lsl #12; index z\\n\\().d, x9, #1; .endr;" \
		"add x9, x0, #16;" MODULO "whilelo p0.b, xzr, x9; wrffr p0.b;" \
		".irp n," NUMBERS "; add x9, x0, #\\n;" MODULO "whilelo p\\n\\().b, xzr, x9; .endr;"
#define STORE	".irp n," NUMBERS MORE "; str z\\n, [x1, #\\n, mul vl]; .endr; addvl x9, x1, #16; addvl x9, x9, #16;" \
		".irp n," NUMBERS "; str p\\n, [x9, #\\n, mul vl]; .endr; rdffr p0.b; str p0, [x9, #16, mul vl]; ldr p0, [x9];"

/* x0: seed, x1: buffer, x2: ZCR_EL1. Fill; length to the VMM; store all; say so; again with the next seed. */
GUEST(pattern, ".arch_extension sve;" OPEN "1:" FILL "rdvl x3, #1; str x3, [x28];" STORE "str x0, [x28, #8]; add x0, x0, #1; b 1b");
/* Fill, then no exit until the word at x4 is set, then store. */
GUEST(hold, ".arch_extension sve;" OPEN "1:" FILL "str x0, [x28]; 2: ldr x5, [x4]; cbz x5, 2b; str xzr, [x4];"
	STORE "str x0, [x28, #8]; add x0, x0, #1; b 1b");
/* Only store: what does a new vCPU find? */
GUEST(look, ".arch_extension sve;" OPEN "1:" STORE "str x0, [x28, #8]; b 1b");
/* V alone. */
GUEST(narrow, "mov x9, #(3 << 20); msr cpacr_el1, x9; isb; 1:"
	".irp n," NUMBERS MORE "; add x9, x0, #\\n, lsl #12; mov v\\n\\().d[0], x9; add x9, x9, #1; mov v\\n\\().d[1], x9; .endr;"
	"str x0, [x28];"
	".irp n," NUMBERS MORE "; str q\\n, [x1, #\\n * 16]; .endr; str x0, [x28, #8]; add x0, x0, #1; b 1b");
/* No FP at all: hypercall and a store for the VMM. */
GUEST(plain, "1: movz w0, #0x8400, lsl #16; hvc #0; str x0, [x28]; b 1b");
/* SVE, then all of SME that EL1 could reach, each UNDEFINED: the handler is at +0xa00. */
GUEST(refused, ".arch_extension sve; mov x9, #(3 << 24); orr x9, x9, #(3 << 20); orr x9, x9, #(3 << 16); msr cpacr_el1, x9;"
	"mov x9, #0x40000000; add x9, x9, #0x800; msr vbar_el1, x9; isb;"
	"rdvl x3, #1; .inst 0xd503477f; mrs x3, s3_3_c13_c0_5; msr s3_0_c1_c2_0, xzr; mrs x3, s3_3_c4_c2_2;"
	".inst 0x04bf5823; .inst 0xd503457f; mrs x3, s3_0_c1_c2_6; msr s3_0_c1_c2_4, xzr; mrs x3, s3_1_c0_c0_6; msr s3_3_c13_c0_5, xzr;"
	"str xzr, [x28, #16]; 1: b 1b;"
	".skip 0xa00 - (. - guest_refused); mrs x9, esr_el1; str x9, [x28]; mrs x9, elr_el1; add x9, x9, #4; msr elr_el1, x9; eret");

static bool have_sve;
static unsigned host_max;	/* longest for guests, bytes */

/* A VM whose vCPU has SVE with vectors of vl bytes (0: all there is) and is finalised. */
static struct vm sve_vm(const char *code, const char *end, unsigned vl)
{
	struct vm vm = vm_make_as(PSCI | SVE, code, end);
	uint64_t vls[8];
	int what = KVM_ARM_VCPU_SVE;

	if (vl) {
		must(get_reg(vm.vcpu, VLS, vls));
		vls[0] &= (2UL << (vl / 16 - 1)) - 1;
		must(set_reg(vm.vcpu, VLS, vls));
	}
	must(ioctl(vm.vcpu, KVM_ARM_VCPU_FINALIZE, &what));
	set(vm.vcpu, REG_PC, RAM_GPA);
	set(vm.vcpu, REG_X(28), MMIO_GPA);
	set(vm.vcpu, REG_X(1), RAM_GPA + BUFFER);
	set(vm.vcpu, REG_X(2), 0x1ff);
	return vm;
}

#define SVE_VM(name, vl) sve_vm(guest_##name, guest_##name##_end, vl)

static int64_t counter(int vcpu, const char *name)
{
	int fd = ioctl(vcpu, KVM_GET_STATS_FD, 0);
	struct kvm_stats_header h;
	int64_t v = -1;

	if (fd < 0)
		return -1;
	must(pread(fd, &h, sizeof(h), 0) == sizeof(h) ? 0 : -1);
	for (unsigned i = 0; i < h.num_desc; i++) {
		char buf[sizeof(struct kvm_stats_desc) + 64] = "";
		struct kvm_stats_desc *d = (void *)buf;
		size_t size = sizeof(*d) + h.name_size;

		must(pread(fd, buf, size < sizeof(buf) ? size : sizeof(buf), h.desc_offset + i * size));
		if (!strcmp(d->name, name))
			must(pread(fd, &v, 8, h.data_offset + d->offset));
	}
	close(fd);
	return v;
}

/* ---- the ABI ---- */

static void refused(void)
{
	struct vm vm = VM(refused);
	uint64_t z[32], v;
	int what = KVM_ARM_VCPU_SVE, i, n = on_nestbox() ? 11 : 10;

	check_eq(reg(vm.vcpu, ID_PFR0) >> 32 & 0xf, 0, "not asked for: ID_AA64PFR0_EL1.SVE");
	check_eq(reg(vm.vcpu, ID_ZFR0), 0, "ID_AA64ZFR0_EL1");
	check_errno(get_reg(vm.vcpu, VLS, z), ENOENT, "no lengths");
	check_errno(set_reg(vm.vcpu, VLS, z), ENOENT, "to set");
	check_errno(get_reg(vm.vcpu, Z(0), z), ENOENT, "no Z0");
	check_errno(set_reg(vm.vcpu, FFR, z), ENOENT, "no FFR");
	check_errno(get_reg(vm.vcpu, ZCR_EL1, &v), ENOENT, "no ZCR_EL1");
	check_errno(ioctl(vm.vcpu, KVM_ARM_VCPU_FINALIZE, &what), EINVAL, "nothing to finalise");
	/* Linux 6.12 does not trap SMIDR_EL1. */
	for (i = 0; i < n; i++)
		check_eq(guest_says(&vm, 0) >> 26, 0, "RDVL, SMSTART, TPIDR2, ZCR, SVCR, RDSVL, SMSTART ZA, SMCR, SMPRI, SMIDR, "
			 "TPIDR2: UNDEFINED");
	check_eq(guest_says(&vm, 16), 0, "and no more than that");
	vm_drop(&vm);
}

static void lengths(struct vm *vm)
{
	uint64_t all[8], l[8];

	must(get_reg(vm->vcpu, VLS, all));
	check(all[0] & 1 && !all[1] && !(all[0] >> 16), "lengths from 128 to 2048 bits");
	host_max = (64 - __builtin_clzll(all[0])) * 16;
	memset(l, 0, sizeof(l));
	check_errno(set_reg(vm->vcpu, VLS, l), EINVAL, "no length at all");
	l[0] = 2UL << (host_max / 16 - 1);
	l[0] |= all[0];
	check_errno(set_reg(vm->vcpu, VLS, l), EINVAL, "longer than the host's");
	memcpy(l, all, sizeof(l));
	l[7] = 1UL << 63;
	check_errno(set_reg(vm->vcpu, VLS, l), EINVAL, "the longest of the ABI");
	l[7] = 0;
	if (host_max > 16) {
		l[0] &= ~1UL;
		check_errno(set_reg(vm->vcpu, VLS, l), EINVAL, "one left out below");
		l[0] = 1;
		check_eq(set_reg(vm->vcpu, VLS, l), 0, "128 bits only");
		must(get_reg(vm->vcpu, VLS, l));
		check_eq(l[0], 1, "and it stays");
		check_eq(set_reg(vm->vcpu, VLS, all), 0, "all again");
	}
	check_errno(set_reg(vm->vcpu, VLS, (void *)8), EFAULT, "from nowhere");
}

static void abi(void)
{
	struct vm vm = VM(plain);
	struct { uint64_t n; uint64_t id[1024]; } list = { .n = 1024 };
	int fd = must(ioctl(vm.kvm, KVM_CREATE_VM, 0)), what = KVM_ARM_VCPU_SVE, other = KVM_ARM_VCPU_PMU_V3;
	uint64_t z[32], v, got[33];
	unsigned i, sve = 0, core = 0;

	close(vm.vcpu);
	close(vm.fd);
	munmap(vm.run, vm.run_size);
	vm.fd = fd;
	vm.vcpu = vcpu_add(&vm, 0, PSCI | SVE);
	vm.run = vcpu_map(&vm, vm.vcpu);
	check_errno(ioctl(vm.vcpu, KVM_RUN, 0), EPERM, "KVM_RUN before FINALIZE");
	check_errno(ioctl(vm.vcpu, KVM_GET_REG_LIST, &list), EPERM, "KVM_GET_REG_LIST before FINALIZE");
	check_errno(get_reg(vm.vcpu, Z(0), z), EPERM, "Z0 before FINALIZE");
	lengths(&vm);
	check_errno(ioctl(vm.vcpu, KVM_ARM_VCPU_FINALIZE, &other), EINVAL, "FINALIZE of something else");
	check_eq(ioctl(vm.vcpu, KVM_ARM_VCPU_FINALIZE, &what), 0, "FINALIZE");
	check_errno(ioctl(vm.vcpu, KVM_ARM_VCPU_FINALIZE, &what), EPERM, "only once");
	must(get_reg(vm.vcpu, VLS, z));
	check_errno(set_reg(vm.vcpu, VLS, z), EPERM, "lengths are final");
	check_eq(vcpu_init_features(vm.fd, vm.vcpu, PSCI | SVE), 0, "KVM_ARM_VCPU_INIT again");
	check_errno(ioctl(vm.vcpu, KVM_ARM_VCPU_FINALIZE, &what), EPERM, "still final");

	must(ioctl(vm.vcpu, KVM_GET_REG_LIST, &list));
	for (i = 0; i < list.n; i++) {
		sve += (list.id[i] & KVM_REG_ARM_COPROC_MASK) == KVM_REG_ARM64_SVE;
		core += list.id[i] >= VREG(0) && list.id[i] <= VREG(31) &&
			(list.id[i] & KVM_REG_SIZE_MASK) == KVM_REG_SIZE_U128;
	}
	check_eq(sve, 1 + 32 + 16 + 1, "the list has lengths, Z, P, FFR");
	check_eq(core, 0, "and no V");
	check_errno(get_reg(vm.vcpu, VREG(3), z), EINVAL, "V cannot be read");
	check_errno(set_reg(vm.vcpu, VREG(3), z), EINVAL, "nor written");
	v = 0;
	check_eq(get_reg(vm.vcpu, FPSR, &v), 0, "FPSR can");
	check_errno(get_reg(vm.vcpu, KVM_REG_ARM64_SVE_ZREG(0, 1), z), ENOENT, "slice 1");
	check_errno(get_reg(vm.vcpu, FFR + 1, z), ENOENT, "slice 1 of FFR");
	check_errno(get_reg(vm.vcpu, FFR + 0x20, z), EINVAL, "behind FFR");
	check_errno(get_reg(vm.vcpu, (Z(0) & ~KVM_REG_SIZE_MASK) | KVM_REG_SIZE_U1024, z), EINVAL, "Z0 of another size");
	check_eq(reg(vm.vcpu, ID_PFR0) >> 32 & 0xf, 1, "ID_AA64PFR0_EL1.SVE");
	v = reg(vm.vcpu, ID_PFR0) & ~(0xfUL << 32);
	check_errno(set_reg(vm.vcpu, ID_PFR0, &v), EINVAL, "which cannot be taken away");
	v = 3;
	check_eq(set_reg(vm.vcpu, ZCR_EL1, &v), 0, "ZCR_EL1 written");
	check_eq(reg(vm.vcpu, ZCR_EL1), 3, "and read");

	for (i = 0; i < 32; i++)
		z[i] = 0x1111111111111111 * (i % 16);
	check_eq(set_reg(vm.vcpu, Z(31), z), 0, "Z31 written");
	memset(got, 0xee, sizeof(got));
	check_eq(get_reg(vm.vcpu, Z(31), got), 0, "and read");
	check(!memcmp(got, z, host_max), "as far as the vectors go");
	for (i = host_max / 8; i < 32 && !got[i]; i++)
		;
	check(i == 32 && got[32] == 0xeeeeeeeeeeeeeeee, "zeroes behind, up to the slice's end");
	check_eq(set_reg(vm.vcpu, P(15), z + 1), 0, "P15 written");
	memset(got, 0xee, sizeof(got));
	check_eq(get_reg(vm.vcpu, P(15), got), 0, "and read");
	check(!memcmp(got, z + 1, host_max / 8) && got[4] == 0xeeeeeeeeeeeeeeee, "as far as predicates go");
	check_errno(get_reg(vm.vcpu, Z(1), (void *)8), EFAULT, "to nowhere");
	check_errno(set_reg(vm.vcpu, FFR, (void *)8), EFAULT, "from nowhere");
	vm_drop(&vm);
}

/* ---- whose registers ---- */

/* Without the C library, which may use vector registers anywhere (ioctl() stores them: it has variable arguments). */
static long ioctl_raw(int fd, unsigned long what, void *arg)
{
	register long x0 asm("x0") = fd;
	register long x1 asm("x1") = what;
	register long x2 asm("x2") = (long)arg;
	register long x8 asm("x8") = SYS_ioctl;

	asm volatile("svc #0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x8) : "memory");
	return x0;
}

static long run_raw(int fd)
{
	return ioctl_raw(fd, KVM_RUN, NULL);
}

/* One round: the guest fills, the VMM does what it likes with its own, the guest stores; its buffer must have the seed. */
static unsigned round_trip(struct vm *vm, unsigned vl, uint64_t seed, void (*mine)(uint64_t seed))
{
	if (guest_says(vm, 0) != vl)
		return 1;
	if (mine)
		mine(seed);
	if (guest_says(vm, 8) != (int64_t)seed)
		return 2;
	return sve_compare(vm->ram + BUFFER, vl, seed, true);
}

static void mine_wide(uint64_t seed)
{
	static __thread uint8_t own[VECTORS_MAX] __attribute__((aligned(64)));

	if (!(getauxval(AT_HWCAP) & HWCAP_SVE))
		return;
	sve_fill(~seed);
	sve_store(own);
	unsigned at = sve_compare(own, sve_vl(), ~seed, true);

	if (at) {
		printf("# length %u, byte %u, seed %#lx\n", sve_vl(), at - 1, (long)~seed);
		check(false, "the VMM's own registers");
	}
	sve_fill(~seed);
}

static void every_length(void)
{
	unsigned vl, i, bad = 0, n = 0;

	for (vl = 16; vl <= host_max; vl += 16) {
		struct vm vm = SVE_VM(pattern, 0);
		uint64_t vls[8];

		must(get_reg(vm.vcpu, VLS, vls));
		vm_drop(&vm);
		if (!(vls[0] >> (vl / 16 - 1) & 1))
			continue;
		vm = SVE_VM(pattern, vl);
		set(vm.vcpu, REG_X(0), 0xbeef0000);
		/* The VMM's vectors are shorter, longer, as long. */
		for (i = 0; i < 6; i++) {
			prctl(PR_SVE_SET_VL, 16 << i % 5);
			bad += round_trip(&vm, vl, 0xbeef0000 + i, mine_wide) != 0;
		}
		vm_drop(&vm);
		n++;
	}
	check(n, "lengths tried");
	check_eq(bad, 0, "every length: guest's and VMM's registers are their own");
}

static void clamped(void)
{
	struct vm vm = SVE_VM(pattern, 0);
	uint64_t z[32];

	set(vm.vcpu, REG_X(2), 0);
	check_eq(round_trip(&vm, 16, 0, mine_wide), 0, "ZCR_EL1 0: 128 bits");
	check_eq(reg(vm.vcpu, ZCR_EL1) & 0xf, 0, "as the guest set it");
	vm_drop(&vm);
	if (host_max < 32)
		return;
	/* A vCPU of 128 bits on a host that has more: the guest asks for the most. */
	vm = SVE_VM(pattern, 16);
	check_eq(round_trip(&vm, 16, 0, mine_wide), 0, "the VMM's limit holds against ZCR_EL1");
	must(get_reg(vm.vcpu, Z(4), z));
	check(z[0] == z_word(0, 4, 0) && !z[2], "and what ONE_REG shows");
	vm_drop(&vm);
}

static void onereg_live(void)
{
	struct vm vm = SVE_VM(pattern, 0);
	uint64_t z[32], seed = 0x123400000;
	uint8_t p[32], f[32], *ram = vm.ram + BUFFER;
	struct kvm_one_reg live[] = { { Z(5), (uintptr_t)z }, { P(3), (uintptr_t)p }, { FFR, (uintptr_t)f } };
	long err = 0;
	unsigned i;

	set(vm.vcpu, REG_X(0), seed);
	/* Again for each register: it is in the CPU at that moment. */
	for (i = 0; i < 3; i++) {
		err |= run_raw(vm.vcpu);
		err |= ioctl_raw(vm.vcpu, KVM_GET_ONE_REG, &live[i]);
		err |= run_raw(vm.vcpu);
		set(vm.vcpu, REG_X(0), seed - 1);	/* it goes on with the next */
	}
	check_eq(err, 0, "registers are read while they are live");
	check_eq(f[0] & 1, p_bit(seed, 16, host_max, 0), "FFR while live");
	check_eq(guest_says(&vm, 0), host_max, "the guest's registers are filled");
	check(z[0] == z_word(seed, 5, 0) && z[host_max / 8 - 1] == z_word(seed, 5, host_max / 8 - 1), "Z5 while live");
	check_eq(p[0] & 1, p_bit(seed, 3, host_max, 0), "P3 while live");
	memset(z, 0x5a, sizeof(z));
	memset(p, 0, sizeof(p));
	p[0] = 0x0f;
	must(set_reg(vm.vcpu, Z(5), z));
	must(set_reg(vm.vcpu, P(3), p));
	must(set_reg(vm.vcpu, FFR, p));
	check_eq(guest_says(&vm, 8), seed, "the guest stores them");
	check(!memcmp(ram + 5 * host_max, z, host_max), "the new Z5");
	check(!memcmp(ram + 32 * host_max + 3 * host_max / 8, p, host_max / 8), "the new P3");
	check(!memcmp(ram + 32 * host_max + 16 * host_max / 8, p, host_max / 8), "the new FFR");
	check(!memcmp(ram + 6 * host_max, &(uint64_t){ z_word(seed, 6, 0) }, 8), "the old Z6");
	vm_drop(&vm);
}

/* Nothing of the VMM's, or of a vCPU that ran before here, in a new vCPU. */
static void leaks(void)
{
	unsigned i, bad = 0;

	prctl(PR_SVE_SET_VL, 256);
	for (i = 0; i < 4; i++) {
		struct vm a = SVE_VM(pattern, 0), b = SVE_VM(look, 0);
		unsigned j, n = 0;

		set(a.vcpu, REG_X(0), ~0UL - 0x100000);
		if (guest_says(&a, 0) < 0)
			bad++;
		mine_wide(i);
		if (guest_says(&b, 8) < 0)
			bad++;
		for (j = 0; j < 34 * host_max + host_max / 8; j++)
			n += b.ram[BUFFER + j] != 0;
		bad += n != 0;
		vm_drop(&a);
		vm_drop(&b);
	}
	check_eq(bad, 0, "a new vCPU finds zeroes");
}

static void pin_thread(pid_t tid, unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(tid, sizeof(set), &set);
}

static void pin(unsigned cpu)
{
	pin_thread(0, cpu);
}

struct runner {
	struct vm vm;
	unsigned vl, rounds, bad, cpus;
	uint64_t seed;
};

/* Move before every second run; then nothing of ours is left where the guest's registers are. */
static void *moving(void *arg)
{
	struct runner *r = arg;
	unsigned i;

	for (i = 0; i < r->rounds; i++) {
		pin(i % r->cpus);
		if (guest_says(&r->vm, 0) != r->vl)
			r->bad++;
		if (i & 1)
			pin((i + 1) % r->cpus);
		mine_wide(i);
		if (guest_says(&r->vm, 8) < 0)
			r->bad++;
		r->bad += sve_compare(r->vm.ram + BUFFER, r->vl, r->seed + i, true) != 0;
	}
	return NULL;
}

static void migration(void)
{
	unsigned cpus = sysconf(_SC_NPROCESSORS_ONLN), i, bad = 0;
	struct runner r[4] = {};
	pthread_t t[4];

	for (i = 0; i < 4; i++) {
		r[i].vl = i & 1 ? host_max : 16;
		r[i].vm = SVE_VM(pattern, r[i].vl);
		r[i].rounds = 60;
		r[i].cpus = cpus < 2 ? 1 : 2;
		r[i].seed = (uint64_t)i << 40;
		set(r[i].vm.vcpu, REG_X(0), r[i].seed);
		must(pthread_create(&t[i], NULL, moving, &r[i]) ? -1 : 0);
	}
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		bad += r[i].bad;
		vm_drop(&r[i].vm);
	}
	check_eq(bad, 0, "four vCPUs that move between CPUs");
}

/* Moved from outside while the guest runs: no exit to the VMM in between. */
static struct vm carried;
static volatile pid_t carried_tid;
static volatile unsigned carried_rounds;
static unsigned carried_bad;

#define CARRIED	30
#define FLAG	0x8000UL

static void *carry(void *arg)
{
	unsigned i;

	carried_tid = syscall(SYS_gettid);
	for (i = 0; i < CARRIED; i++) {
		carried_bad += guest_says(&carried, 0) < 0;
		carried_rounds = i + 1;
		carried_bad += guest_says(&carried, 8) < 0;
		carried_bad += sve_compare(carried.ram + BUFFER, host_max, 0x9000 + i, true) != 0;
	}
	return NULL;
}

static void carried_over(void)
{
	unsigned i, cpu = 0;
	pthread_t t;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return;
	carried = SVE_VM(hold, 0);
	set(carried.vcpu, REG_X(0), 0x9000);
	set(carried.vcpu, REG_X(4), RAM_GPA + FLAG);
	must(pthread_create(&t, NULL, carry, NULL) ? -1 : 0);
	for (i = 1; i <= CARRIED; i++) {
		volatile uint64_t *flag = (void *)(carried.ram + FLAG);

		while (carried_rounds < i)
			msleep(1);
		msleep(1);
		pin_thread(carried_tid, cpu ^= 1);
		msleep(1);
		if (i & 1)
			pin_thread(carried_tid, cpu ^= 1);
		*flag = 1;
	}
	pthread_join(t, NULL);
	check_eq(carried_bad, 0, "a running guest moved between CPUs");
	vm_drop(&carried);
}

/*
 * The same vCPU from two threads in turn, each on its CPU. Who waits does not sleep: the guest's newest registers stay
 * in that CPU.
 */
static volatile unsigned turn;
static struct vm shared;
static unsigned shared_bad;

#define TURNS	40

static void *taker(void *arg)
{
	unsigned me = (long)arg, i;

	pin(me);
	for (i = me; i < TURNS; i += 2) {
		while (turn != i)
			;
		/* One fills, the other stores. Nothing here uses FP: that would bring the guest's registers to memory. */
		shared_bad += run_raw(shared.vcpu) != 0;
		if (me)
			shared_bad += sve_compare(shared.ram + BUFFER, host_max, i / 2, true) != 0;
		turn = i + 1;
	}
	return NULL;
}

static void two_threads(void)
{
	pthread_t t;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return;
	shared = SVE_VM(pattern, 0);
	set(shared.vcpu, REG_X(0), 0);
	must(pthread_create(&t, NULL, taker, (void *)1L) ? -1 : 0);
	taker((void *)0L);
	pthread_join(t, NULL);
	check_eq(shared_bad, 0, "one vCPU from two threads on two CPUs");
	vm_drop(&shared);
}

/* ---- what is counted ---- */

/* Calls a function of the C library, which may use vector registers, as VMMs do at each exit. */
static void copy_much(void)
{
	static char a[4096], b[4096];
	static volatile char sink;

	memcpy(a, b, sizeof(a));
	v_fill((uintptr_t)&sink);
}

static void idle_fp(void)
{
	struct vm vm = VM(plain);
	unsigned i, bad = 0;
	int64_t traps;

	for (i = 0; i < 5000; i++)	/* a hypercall and an MMIO exit each */
		bad += guest_says(&vm, 0) < 0;
	check_eq(bad, 0, "ten thousand exits");
	check_eq(counter(vm.vcpu, "fp_saves"), 0, "a guest without FP: no save");
	check_eq(counter(vm.vcpu, "fp_loads"), 0, "no load");
	check_eq(counter(vm.vcpu, "fp_traps"), 0, "no trap");
	for (i = 0; i < 200; i++) {
		copy_much();
		bad += guest_says(&vm, 0) < 0;
	}
	traps = counter(vm.vcpu, "fp_loads") + counter(vm.vcpu, "fp_saves");
	check_eq(traps, 0, "a VMM that uses FP at each exit pays alone");
	vm_drop(&vm);
}

struct alone {
	struct vm vm;
	unsigned cpu, bad;
	pthread_barrier_t *start;
};

static void *run_alone(void *arg)
{
	struct alone *a = arg;
	volatile struct kvm_run *run = a->vm.run;
	unsigned i, bad = 0;

	pin(a->cpu);
	pthread_barrier_wait(a->start);
	for (i = 0; i < 1000; i++) {
		long ret = run_raw(a->vm.vcpu);

		if (ret || run->exit_reason != KVM_EXIT_MMIO) {
			printf("# round %u: %ld, exit %u\n", i, ret, run->exit_reason);
			bad++;
		}
	}
	a->bad = bad;
	return NULL;
}

/* Each on its CPU, FP in use all the time: one load each, but for what else its own CPU has to run. */
static void two_alone(void)
{
	struct alone a[2] = {};
	pthread_barrier_t start;
	pthread_t t;
	unsigned i;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return;
	pthread_barrier_init(&start, NULL, 2);
	for (i = 0; i < 2; i++) {
		a[i].vm = VM(narrow);
		set(a[i].vm.vcpu, REG_X(1), RAM_GPA + BUFFER);
		a[i].cpu = i;
		a[i].start = &start;
	}
	must(pthread_create(&t, NULL, run_alone, &a[1]) ? -1 : 0);
	run_alone(&a[0]);
	pthread_join(t, NULL);
	for (i = 0; i < 2; i++) {
		int64_t loads = counter(a[i].vm.vcpu, "fp_loads"), saves = counter(a[i].vm.vcpu, "fp_saves");

		check_eq(a[i].bad, 0, "a thousand exits with FP in use");
		printf("# vCPU %u: %ld saves, %ld loads, %ld traps\n", i, (long)saves, (long)loads,
		       (long)counter(a[i].vm.vcpu, "fp_traps"));
		check(loads >= 1 && loads < 50, "few loads: nobody else's registers are in the way");
		check(!v_compare(a[i].vm.ram + BUFFER, 499), "V of the last round");
		vm_drop(&a[i].vm);
	}
}

int main(void)
{
	int kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC)), fd;

	have_sve = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_SVE) > 0;
	check_eq(have_sve, !!(getauxval(AT_HWCAP) & HWCAP_SVE), "guests may have SVE when processes do");
	refused();
	fd = must(ioctl(kvm, KVM_CREATE_VM, 0));
	if (!have_sve) {
		int vcpu = must(ioctl(fd, KVM_CREATE_VCPU, 0L));

		check_errno(vcpu_init_features(fd, vcpu, PSCI | SVE), EINVAL, "no SVE to be had");
	} else {
		abi();
		every_length();
		clamped();
		onereg_live();
		leaks();
		migration();
		carried_over();
		two_threads();
	}
	if (!access("/sys/kernel/debug/fp", R_OK)) {
		idle_fp();
		two_alone();
	}
	return report();
}
