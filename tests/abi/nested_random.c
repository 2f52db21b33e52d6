// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest hypervisors that do anything at all: two vCPUs of a VM run instructions made at random (registers of EL2, ERET, TLBI,
 * AT, calls, accesses), with random registers, in either context; meanwhile they are reset, debugged and interrupted, their
 * registers read and written, memory taken away. nested_random [SEED [ROUNDS]]. Whatever comes, it is an exception in the
 * guest, an exit or an errno that KVM_RUN has; and a VM that means no harm works afterwards.
 */
#include "../guest/lib/el2_regs.h"
#include "gic.h"
#include "kvm_el2.h"

#define SVE		(1U << KVM_ARM_VCPU_SVE)
#define PMU		(1U << KVM_ARM_VCPU_PMU_V3)
#define PTRAUTH		(1U << KVM_ARM_VCPU_PTRAUTH_ADDRESS | 1U << KVM_ARM_VCPU_PTRAUTH_GENERIC)
#define PSTATE		CORE(regs.pstate)
#define SYSREG(key)	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | (key))
#define HCR_EL2		ARM64_SYS_REG(3, 4, 1, 1, 0)
#define VTTBR_EL2	ARM64_SYS_REG(3, 4, 2, 1, 0)
#define VTCR_EL2	ARM64_SYS_REG(3, 4, 2, 1, 2)
#define SCTLR_EL2	ARM64_SYS_REG(3, 4, 1, 0, 0)
#define VBAR_EL1	ARM64_SYS_REG(3, 0, 12, 0, 0)
#define VBAR_EL2	ARM64_SYS_REG(3, 4, 12, 0, 0)
#define VNCR_EL2	ARM64_SYS_REG(3, 4, 2, 2, 0)
#define HCR_SANE	(1UL << 0 | 1UL << 31 | 1UL << 34)	/* VM, RW, E2H */
#define SOUP		0x4000UL	/* bytes of instructions, for each vCPU */
#define VECTORS		0x10000UL	/* a page for each: EL2's, EL1's */
#define ROOTS		0x100000UL
#define PAGES		8		/* pages of memory that a round may lose */
#define ROUNDS_OF_VM	25
#define VCPUS		2
#define N(a)		(sizeof(a) / sizeof((a)[0]))

GUEST(good, "mov x0, #0x77; str x0, [x28]; 1: b 1b");

struct rng {
	uint64_t s;
};

static uint64_t rnd(struct rng *r)
{
	r->s ^= r->s << 13;
	r->s ^= r->s >> 7;
	r->s ^= r->s << 17;
	return r->s;
}

static bool one_in(struct rng *r, unsigned n)
{
	return rnd(r) >> 7 & 1 ? rnd(r) % n == 0 : rnd(r) % n == 1 % n;
}

/* What a register may want: addresses, single bits, fields. */
static uint64_t value(struct rng *r)
{
	switch (rnd(r) % 10) {
	case 0:
		return 0;
	case 1:
		return ~0UL;
	case 2:
		return 1UL << (rnd(r) & 63);
	case 3:
		return ~(1UL << (rnd(r) & 63));
	case 4:
	case 5:
		return RAM_GPA + (rnd(r) & (2 * SOUP - 4));
	case 6:
		return RAM_GPA + ROOTS + (rnd(r) & 0x3000) + (rnd(r) << 48);
	case 7:
		return 0x3c0 + (rnd(r) & 0x3f);		/* a PSTATE */
	case 8:
		return HCR_SANE ^ 1UL << (rnd(r) & 63) ^ 1UL << (rnd(r) & 63);
	default:
		return rnd(r);
	}
}

/* SCTLR, TTBRn, TCR and VBAR of any level: a garbled one ends what a round can do, so that is for the round's beginning. */
static bool is_vital(unsigned key)
{
	unsigned crn = key >> 7 & 15, crm = key >> 3 & 15;

	return key >> 14 == 3 && !(key >> 11 & 2) && !crm && ((crn == 1 && !(key & 7)) || crn == 2 || (crn == 12 && !(key & 7)));
}

static uint32_t sys(struct rng *r, unsigned key)
{
	uint32_t read = is_vital(key) && !one_in(r, 64) ? 1 : rnd(r) & 1;

	return 0xd5000000 | read << 21 | key << 5 | (rnd(r) & 15);
}

#define KEY(op0, op1, crn, crm, op2) ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

static uint32_t instruction(struct rng *r)
{
	static const uint32_t rare[] = {
		0xd69f03e0, 0xd69f0bff, 0xd69f0fff,		/* ERET, ERETAA, ERETAB */
		0xd503205f,					/* WFE */
		0xd5033fdf, 0xd5033f9f, 0xd50348ff, 0xd50348df,	/* ISB, DSB, DAIFCLR, DAIFSET #8 */
		0xd50342ff, 0xd50041bf, 0xd50040bf,		/* DAIFCLR #2, SPSel */
		0x9e670020, 0x04bf5020, 0x25d8e3e0,		/* FMOV, RDVL, PTRUE */
	};
	static const uint32_t calls[] = { 0xd4000001, 0xd4000002, 0xd4000003, 0xd4200000 };	/* SVC, HVC, SMC, BRK */
	unsigned a = rnd(r) & 15, b = rnd(r) & 15, c = rnd(r) & 7;

	switch (rnd(r) % 16) {
	case 0: case 1: case 2: case 3:
		return sys(r, el2_regs[rnd(r) % N(el2_regs)].key);
	case 4:
		return sys(r, KEY(3, 5, a, b, c));
	case 5:
		return sys(r, KEY(3, (rnd(r) & 1) * 4, a, b, c));
	case 6:
		return sys(r, KEY(1, (rnd(r) & 1) * 4, 8 + (a & 1), b, c)) & ~(1U << 21);	/* TLBI */
	case 7:
		return sys(r, KEY(1, (rnd(r) & 1) * 4, 7, 8 + (a & 1), c)) & ~(1U << 21);	/* AT */
	case 8:
		return sys(r, KEY(2 + (rnd(r) & 1), a & 3, a & 8 ? 0 : 14, b, c));
	case 9:
		return rare[rnd(r) % N(rare)];
	case 10:
		return sys(r, el2_regs[rnd(r) % N(el2_regs)].key);
	case 11:
		return calls[rnd(r) & 3] | (uint32_t)(rnd(r) & 3) << 5;
	case 12:
		return 0xf9000000 | (uint32_t)(rnd(r) & 1) << 22 | b << 5 | a;			/* STR, LDR */
	case 13:
		return 0xf2800000 | (uint32_t)(rnd(r) & 3) << 21 | (uint32_t)(rnd(r) & 0xffff) << 5 | a;	/* MOVK */
	case 14:
		return one_in(r, 64) ? 0xd503207f : 0x14000001 + (rnd(r) & 31);		/* WFI ends a round; B, forwards */
	default:
		return rnd(r);
	}
}

/* Vectors: go on some way behind the instruction, if that is where there are some, and without PSTATE.IL. */
static void vectors(uint32_t *at, uint64_t soup, bool el2)
{
	static const uint32_t code[] = {
		0xd538403e,		/* mrs x30, elr_el1 */
		0x910013de,		/* add x30, x30, #4 */
		0xd53be05c,		/* mrs x28, cntvct_el0 */
		0x927e139c,		/* and x28, x28, #0x7c */
		0x8b1c03de,		/* add x30, x30, x28 */
		0x927e2fde,		/* and x30, x30, #0x3ffc */
		0x5800015d,		/* ldr x29, at 16 */
		0xaa1d03de,		/* orr x30, x30, x29 */
		0xd518403e,		/* msr elr_el1, x30 */
		0xd538401d,		/* mrs x29, spsr_el1 */
		0x926bfbbd,		/* and x29, x29, #~(1 << 20) */
		0xd518401d,		/* msr spsr_el1, x29 */
		0xd69f03e0,		/* eret */
	};
	uint32_t v[32] = { 0 };
	unsigned n;

	memcpy(v, code, sizeof(code));
	memcpy(&v[16], &soup, 8);
	if (el2)	/* elr_el2, spsr_el2 */
		v[0] |= 4 << 16, v[8] |= 4 << 16, v[9] |= 4 << 16, v[11] |= 4 << 16;
	for (n = 0; n < 16; n++)
		memcpy(at + n * 32, v, sizeof(v));
}

struct world {
	struct vm vm;			/* with the first vCPU */
	int vcpu[VCPUS];
	struct kvm_run *run[VCPUS];
	uint32_t features;
	bool gic;
};

struct runner {
	struct world *w;
	struct rng r;
	unsigned n;
	bool done;
	unsigned exits[40], again, nosys, entry, strange;
};

static unsigned rounds = 100;

/* ---- one VM ---- */

static void tables(struct world *w)
{
	uint64_t *t = (uint64_t *)(w->vm.ram + ROOTS);

	memset(t, 0, 0x3000);
	t[1] = RAM_GPA | 0x7fd;				/* its gigabyte, normal memory, RW */
	t[8] = (RAM_GPA + ROOTS + 0x1000) | 3;
	t[512] = (RAM_GPA + ROOTS + 0x2000) | 3;
	t[1024] = (RAM_GPA + ROOTS) | 0x7ff;
}

static void world_make(struct world *w, struct rng *r, uint32_t possible)
{
	static const uint32_t some[] = { SVE, PMU, PTRAUTH, EL2_E2H0 };
	unsigned i;
	int gic = -1, sve = KVM_ARM_VCPU_SVE;

	w->features = PSCI | EL2;
	for (i = 0; i < N(some); i++)
		if (one_in(r, 2) && (possible & some[i]) == some[i])
			w->features |= some[i];
	w->vm.kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC));
	w->vm.fd = must(ioctl(w->vm.kvm, KVM_CREATE_VM, 0));
	w->vm.run_size = must(ioctl(w->vm.kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	w->vm.ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must((long)w->vm.ram);
	must(set_slot(w->vm.fd, 0, 0, RAM_GPA, RAM_SIZE, w->vm.ram));
	w->gic = one_in(r, 2);
	if (w->gic)
		gic = gic_create(&w->vm);
	for (i = 0; i < VCPUS; i++) {
		w->vcpu[i] = vcpu_add(&w->vm, i, w->features);
		w->run[i] = vcpu_map(&w->vm, w->vcpu[i]);
		if (w->features & SVE)
			must(ioctl(w->vcpu[i], KVM_ARM_VCPU_FINALIZE, &sve));
	}
	if (w->gic) {
		gic_place(gic);
		gic_start(gic);
		close(gic);
	}
	for (i = 0; i < VCPUS && (w->features & PMU); i++) {
		if (w->gic)
			must(attr(w->vcpu[i], SET, KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_IRQ, &(int){ 23 }));
		must(attr(w->vcpu[i], SET, KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_INIT, NULL));
	}
	w->vm.vcpu = w->vcpu[0];
	w->vm.run = w->run[0];
	tables(w);
}

static void world_drop(struct world *w)
{
	munmap(w->run[1], w->vm.run_size);
	close(w->vcpu[1]);
	vm_drop(&w->vm);
}

/* ---- a vCPU's rounds ---- */

static void registers(struct runner *u)
{
	int vcpu = u->w->vcpu[u->n];
	struct rng *r = &u->r;
	unsigned i;
	uint64_t v;

	for (i = 0; i < 31; i++) {
		v = value(r);
		(void)set_reg(vcpu, REG_X(i), &v);
	}
	for (i = 0; i < N(el2_regs); i++)
		if (one_in(r, 3)) {
			v = value(r);
			(void)set_reg(vcpu, SYSREG(el2_regs[i].key), &v);
		}
	v = RAM_GPA + u->n * SOUP + (rnd(r) & (SOUP - 4));
	(void)set_reg(vcpu, REG_PC, &v);
	v = one_in(r, 4) ? value(r) : one_in(r, 2) ? 0x3c9 : 0x3c5;
	(void)set_reg(vcpu, PSTATE, &v);
	if (one_in(r, 4))
		return;
	/* As a hypervisor would have them. */
	v = HCR_SANE ^ (one_in(r, 2) ? 1UL << (rnd(r) & 63) : 0);
	(void)set_reg(vcpu, HCR_EL2, &v);
	v = (RAM_GPA + ROOTS) | (rnd(r) & 3) << 48;
	(void)set_reg(vcpu, VTTBR_EL2, &v);
	v = S2_VTCR;
	(void)set_reg(vcpu, VTCR_EL2, &v);
	v = 0;
	(void)set_reg(vcpu, SCTLR_EL2, &v);
	v = RAM_GPA + VECTORS + u->n * 0x1000;
	(void)set_reg(vcpu, VBAR_EL2, &v);
	v += 0x800;
	(void)set_reg(vcpu, VBAR_EL1, &v);
	v = RAM_GPA + (rnd(r) & 0x3ff000);
	(void)set_reg(vcpu, VNCR_EL2, &v);
}

/* Something that a VMM may do to a vCPU between two KVM_RUNs; it need not work. */
static void meddle(struct runner *u)
{
	struct rng *r = &u->r;
	struct world *w = u->w;
	int vcpu = w->vcpu[u->n];
	struct kvm_guest_debug debug = { .control = (rnd(r) & 1) | (rnd(r) & 3) << 16 };
	struct kvm_vcpu_events events = { .exception.serror_pending = rnd(r) & 1, .exception.ext_dabt_pending = rnd(r) & 1 };
	struct kvm_reg_list list = { .n = 0 };
	uint64_t v = value(r);

	switch (rnd(r) % 12) {
	case 0:
		(void)vcpu_init_features(w->vm.fd, vcpu, w->features);
		break;
	case 1:
		debug.arch.dbg_bvr[0] = value(r);
		debug.arch.dbg_bcr[0] = value(r);
		debug.arch.dbg_wvr[0] = value(r);
		debug.arch.dbg_wcr[0] = value(r);
		(void)ioctl(vcpu, KVM_SET_GUEST_DEBUG, &debug);
		break;
	case 2:
		(void)ioctl(vcpu, KVM_SET_VCPU_EVENTS, &events);
		break;
	case 3:
		(void)line(&w->vm, w->gic ? KVM_ARM_IRQ_TYPE_PPI : KVM_ARM_IRQ_TYPE_CPU, rnd(r) & 1,
			   w->gic ? 16 + (rnd(r) & 15) : rnd(r) & 1, rnd(r) & 1);
		break;
	case 4:
		(void)set_slot(w->vm.fd, 0, 0, RAM_GPA, 0, w->vm.ram);
		(void)set_slot(w->vm.fd, 0, rnd(r) & KVM_MEM_LOG_DIRTY_PAGES, RAM_GPA, RAM_SIZE, w->vm.ram);
		break;
	case 5:
		(void)madvise(w->vm.ram + (rnd(r) & 0x3ff000), 0x1000 * (rnd(r) % PAGES + 1), MADV_DONTNEED);
		break;
	case 6:
		(void)ioctl(vcpu, KVM_GET_REG_LIST, &list);
		break;
	case 7:
		(void)set_reg(vcpu, SYSREG(el2_regs[rnd(r) % N(el2_regs)].key), &v);
		break;
	case 8:
		tables(w);
		break;
	default:
		break;
	}
}

static void run(struct runner *u)
{
	struct kvm_run *run = u->w->run[u->n];
	unsigned i;

	for (i = 0; i < 8; i++) {
		if (!ioctl(u->w->vcpu[u->n], KVM_RUN, 0)) {
			if (run->exit_reason < N(u->exits))
				u->exits[run->exit_reason]++;
			meddle(u);
			continue;
		}
		if (errno == EINTR) {
			u->again++;
			meddle(u);
			return;
		}
		if (errno == ENOSYS) {
			u->nosys++;	/* an access to nothing, without a syndrome */
		} else if (errno == EINVAL && run->exit_reason == KVM_EXIT_FAIL_ENTRY) {
			u->entry++;
		} else {
			printf("# errno %d, exit reason %u\n", errno, run->exit_reason);
			u->strange++;
		}
		return;
	}
}

static void *runner(void *arg)
{
	struct runner *u = arg;
	struct kvm_mp_state mp = { .mp_state = KVM_MP_STATE_RUNNABLE };
	uint32_t *soup = (uint32_t *)(u->w->vm.ram + u->n * SOUP);
	unsigned i, n;

	for (i = 0; i < ROUNDS_OF_VM; i++) {
		for (n = 0; n < SOUP / 4; n++)
			soup[n] = instruction(&u->r);
		soup[n - 1] = 0x14000000 | ((1U << 26) - n + 1);	/* B to the first */
		vectors((uint32_t *)(u->w->vm.ram + VECTORS + u->n * 0x1000), RAM_GPA + u->n * SOUP, true);
		vectors((uint32_t *)(u->w->vm.ram + VECTORS + u->n * 0x1000 + 0x800), RAM_GPA + u->n * SOUP, false);
		(void)ioctl(u->w->vcpu[u->n], KVM_SET_MP_STATE, &mp);
		registers(u);
		run(u);
	}
	__atomic_store_n(&u->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Threads that run a guest come back by a signal, or by what their guest did. */
static void one_vm(struct runner *u)
{
	pthread_t t[VCPUS];
	unsigned i, left = VCPUS;

	for (i = 0; i < VCPUS; i++)
		must(pthread_create(&t[i], NULL, runner, &u[i]));
	while (left) {
		usleep(6000);
		for (i = left = 0; i < VCPUS; i++) {
			if (__atomic_load_n(&u[i].done, __ATOMIC_ACQUIRE))
				continue;
			left++;
			(void)pthread_kill(t[i], SIGUSR1);
		}
	}
	for (i = 0; i < VCPUS; i++)
		pthread_join(t[i], NULL);
}

static uint32_t possible(int kvm)
{
	uint32_t f = 0;

	if (ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_SVE) > 0)
		f |= SVE;
	if (ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_PMU_V3) > 0)
		f |= PMU;
	if (ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_PTRAUTH_ADDRESS) > 0)
		f |= PTRAUTH;
	if (ioctl(kvm, KVM_CHECK_EXTENSION, CAP_ARM_EL2_E2H0) > 0)
		f |= EL2_E2H0;
	return f;
}

static void all(int kvm, uint64_t seed)
{
	struct sigaction sa = { .sa_handler = no_handler };
	struct rng r = { seed * 0x9e3779b97f4a7c15UL | 1 };
	unsigned exits = 0, again = 0, strange = 0, other = 0;
	unsigned i, n, e;

	sigaction(SIGUSR1, &sa, NULL);
	for (n = 0; n < rounds; n += ROUNDS_OF_VM) {
		struct runner u[VCPUS] = { };
		struct world w;

		world_make(&w, &r, possible(kvm));
		for (i = 0; i < VCPUS; i++) {
			u[i].w = &w;
			u[i].n = i;
			u[i].r.s = rnd(&r) * 0x9e3779b97f4a7c15UL | 1;
		}
		one_vm(u);
		for (i = 0; i < VCPUS; i++) {
			for (e = 0; e < N(u[i].exits); e++)
				exits += u[i].exits[e];
			again += u[i].again;
			strange += u[i].strange;
			other += u[i].nosys + u[i].entry;
		}
		world_drop(&w);
	}
	printf("# seed %lu: %u exits, %u signals, %u accesses to nothing or illegal states\n", (unsigned long)seed, exits, again, other);
	check_eq(strange, 0, "KVM_RUN of hypervisors that do anything");
	check(exits, "and some of it got as far as the VMM");
}

static void afterwards(void)
{
	struct vm vm = VM(good);

	check_eq(guest_says(&vm, 0), 0x77, "another VM is as good as new");
	vm_drop(&vm);
}

int main(int argc, char **argv)
{
	int kvm = must(open("/dev/kvm", O_RDWR));

	if (argc > 2)
		rounds = atoi(argv[2]);
	if (!el2_offered(kvm)) {
		printf("# no EL2 for guests here\n");
		check(true, "nothing to test");
		return report();
	}
	all(kvm, argc > 1 ? strtoul(argv[1], NULL, 0) : 1);
	afterwards();
	close(kvm);
	return report();
}
