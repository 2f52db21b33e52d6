// SPDX-License-Identifier: GPL-2.0-only
/*
 * As many vCPUs as there may be, all in the guest at once, and affinities up to level 3: SGIs from each to the next, broadcast,
 * routes of SPIs, redistributors found by affinity, PSCI by affinity (Arm IHI 0069, 12; DEN 0022).
 */
#include "gic.h"

#define MANY		512
#define ROUNDS		2
#define TOKEN		1
#define ALL		5
#define REGION_A	0x10000000UL
#define REGION_B	0x20000000UL
#define IN_A		300
#define FRAME		0x20000UL

#define REG_MPIDR	ARM64_SYS_REG(3, 0, 0, 0, 5)

/*
 * x26 GICD, x25 own SGI frame, x24 what to write to ICC_SGI1R_EL1, x23 own number, x22 rounds. Says its MPIDR_EL1; then
 * CPU 0 sends, and whoever gets the token sends it on. After that many rounds it says so, and then each INTID that comes.
 */
GUEST(ring,
	"mov w0, #0x12; str w0, [x26]; mov w0, #-1; str w0, [x25, #0x80]; str w0, [x25, #0x100];"
	"mov x0, #7; msr s3_0_c12_c12_5, x0; isb;"
	"mov x0, #0xf0; msr s3_0_c4_c6_0, x0; mov x0, #1; msr s3_0_c12_c12_7, x0; isb;"
	"mrs x0, mpidr_el1; str x0, [x28];"
	"cbz x23, 2f;"
	"1: bl 9f; cmp x0, #1; b.ne 8f;"
	"2: dsb sy; msr s3_0_c12_c11_5, x24; isb; subs x22, x22, #1; b.ne 1b;"
	"cbnz x23, 3f; bl 9f; cmp x0, #1; b.ne 8f;"
	"3: str x22, [x28, #8];"
	"4: bl 9f; str x0, [x28, #16]; b 4b;"
	"8: str x0, [x28, #24]; b 8b;"
	"9: wfi; mrs x0, s3_0_c12_c12_0; dsb sy; cmp x0, #1020; b.hs 9b; msr s3_0_c12_c12_1, x0; isb; ret;"
	/* SEND: sends x24. */
	".balign 256; dsb sy; msr s3_0_c12_c11_5, x24; isb; str x0, [x28]; 1: b 1b;"
	/* CALL: a hypercall. */
	".balign 256; hvc #0; str x0, [x28]; 1: b 1b;"
	/* ENTRY of a CPU that another one starts: nothing is set but x0. */
	".balign 256; mrs x1, mpidr_el1; str x1, [x0]; 1: b 1b");
#define SEND		(RAM_GPA + 0x100)
#define CALL		(RAM_GPA + 0x200)
#define ENTRY		(RAM_GPA + 0x300)

struct cpu {
	struct vm vm;			/* its vCPU and run page; the rest is the machine's */
	uint64_t mpidr;
	unsigned long redist;		/* its frame */
	pthread_t thread;
	bool good;
};

static struct vm machine;
static struct cpu cpus[MANY];
static unsigned nr;
static pthread_barrier_t all_ready, all_round;

static uint64_t affinity(unsigned a3, unsigned a2, unsigned a1, unsigned a0)
{
	return (uint64_t)a3 << 32 | a2 << 16 | a1 << 8 | a0;
}

static uint64_t sgi_to(uint64_t mpidr, unsigned intid)
{
	return (mpidr >> 32 & 0xff) << 48 | (mpidr >> 16 & 0xff) << 32 | (mpidr >> 8 & 0xff) << 16 |
		(uint64_t)intid << 24 | (mpidr >> 4 & 0xf) << 44 | 1UL << (mpidr & 0xf);
}

static int region(int gic, uint64_t count, uint64_t base, unsigned index)
{
	uint64_t v = count << 52 | base | index;

	return attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, &v);
}

/* The machine of @n vCPUs, its GIC there but not ready. */
static int make(unsigned n)
{
	uint64_t dist = GICD;
	uint32_t ids = 64;
	unsigned i;
	int gic;

	machine = VM(ring);
	gic = gic_create(&machine);
	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist));
	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &ids));
	must(region(gic, IN_A, REGION_A, 0));
	must(region(gic, MANY - IN_A, REGION_B, 1));
	nr = n;
	for (i = 0; i < n; i++) {
		struct cpu *c = &cpus[i];

		c->vm = machine;
		if (i) {
			c->vm.vcpu = vcpu_add(&machine, i, 1 << KVM_ARM_VCPU_PSCI_0_2);
			c->vm.run = vcpu_map(&machine, c->vm.vcpu);
		}
		c->mpidr = affinity(0, i >> 12, i >> 4 & 0xff, i & 0xf);
		c->redist = i < IN_A ? REGION_A + i * FRAME : REGION_B + (i - IN_A) * FRAME;
	}
	return gic;
}

static void drop(int gic)
{
	unsigned i;

	for (i = 1; i < nr; i++) {
		munmap(cpus[i].vm.run, machine.run_size);
		close(cpus[i].vm.vcpu);
	}
	close(gic);
	vm_drop(&machine);
}

static void registers_set(unsigned i)
{
	int vcpu = cpus[i].vm.vcpu;

	set(vcpu, REG_PC, RAM_GPA);
	set(vcpu, REG_X(28), MMIO_GPA);
	set(vcpu, REG_X(26), GICD);
	set(vcpu, REG_X(25), cpus[i].redist + 0x10000);
	set(vcpu, REG_X(24), sgi_to(cpus[(i + 1) % nr].mpidr, TOKEN));
	set(vcpu, REG_X(23), i);
	set(vcpu, REG_X(22), ROUNDS);
}

/* Its first say is its MPIDR_EL1. */
static bool is_there(struct cpu *c)
{
	return guest_says(&c->vm, 0) == (int64_t)(c->mpidr | 1UL << 31);
}

static void *cpu_thread(void *arg)
{
	struct cpu *c = arg;

	c->good = is_there(c);
	pthread_barrier_wait(&all_ready);
	c->good &= guest_says(&c->vm, 8) == 0;
	pthread_barrier_wait(&all_round);
	c->good &= guest_says(&c->vm, 16) == ALL;
	return NULL;
}

/* The store that ended the last KVM_RUN is completed, and the next one begins at @pc. */
static void go_to(struct cpu *c, uint64_t pc)
{
	c->vm.run->immediate_exit = 1;
	ioctl(c->vm.vcpu, KVM_RUN, 0);
	c->vm.run->immediate_exit = 0;
	set(c->vm.vcpu, REG_PC, pc);
}

/* @sender writes @val to ICC_SGI1R_EL1. */
static void send(struct cpu *sender, uint64_t val)
{
	go_to(sender, SEND);
	set(sender->vm.vcpu, REG_X(24), val);
	sender->good &= guest_says(&sender->vm, 0) >= 0;
}

/* All of them run, pass the token round, and all but the last take what that one sends to all. */
static void run_ring(const char *name)
{
	struct cpu *last = &cpus[nr - 1];
	unsigned i, good = 0;
	pthread_attr_t small;

	must(-pthread_attr_init(&small));
	must(-pthread_attr_setstacksize(&small, 64 << 10));
	must(-pthread_barrier_init(&all_ready, NULL, nr));
	must(-pthread_barrier_init(&all_round, NULL, nr));
	for (i = 0; i < nr; i++)
		registers_set(i);
	for (i = 0; i < nr - 1; i++)
		must(-pthread_create(&cpus[i].thread, &small, cpu_thread, &cpus[i]));
	last->good = is_there(last);
	pthread_barrier_wait(&all_ready);
	last->good &= guest_says(&last->vm, 8) == 0;
	pthread_barrier_wait(&all_round);
	send(last, 1UL << 40 | (uint64_t)ALL << 24);
	for (i = 0; i < nr - 1; i++)
		pthread_join(cpus[i].thread, NULL);
	for (i = 0; i < nr; i++) {
		good += cpus[i].good;
		if (!cpus[i].good)
			printf("# vCPU %u failed\n", i);
	}
	check_eq(good, nr, name);
	pthread_barrier_destroy(&all_ready);
	pthread_barrier_destroy(&all_round);
}

static void as_many_as_may_be(void)
{
	int gic = make(MANY);

	gic_start(gic);
	run_ring("512 vCPUs pass a token round, and hear what is sent to all");
	drop(gic);
}

/* Affinities as a VMM writes them: each level counts. The fourth has another Aff0 of the same cluster as the third. */
static const struct {
	unsigned char a3, a2, a1, a0;
} places[] = {
	{ 0, 0, 0, 0 }, { 0x12, 0x34, 0x56, 15 }, { 0x12, 0x34, 0x57, 0 }, { 0x12, 0x34, 0x57, 1 },
	{ 0x12, 0x35, 0x56, 15 }, { 0x13, 0x34, 0x56, 15 }, { 0, 0xff, 0xff, 3 }, { 0xff, 0, 0, 1 },
};

#define NR_PLACES	(sizeof(places) / sizeof(places[0]))

static void place(unsigned i)
{
	cpus[i].mpidr = affinity(places[i].a3, places[i].a2, places[i].a1, places[i].a0);
	set(cpus[i].vm.vcpu, REG_MPIDR, cpus[i].mpidr | 1UL << 31);
}

static int64_t call(unsigned i, uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3)
{
	int vcpu = cpus[i].vm.vcpu;

	go_to(&cpus[i], CALL);
	set(vcpu, REG_X(0), x0);
	set(vcpu, REG_X(1), x1);
	set(vcpu, REG_X(2), x2);
	set(vcpu, REG_X(3), x3);
	return guest_says(&cpus[i].vm, 0);
}

static void redistributors(int gic)
{
	unsigned i, good = 0;
	uint32_t v;

	for (i = 0; i < NR_PLACES; i++) {
		uint64_t packed = (uint64_t)places[i].a3 << 24 | (cpus[i].mpidr & 0xffffff);
		uint32_t shown = on_nestbox() ? packed : packed & 0xffffff;	/* Linux leaves Aff3 out */

		v = 0;
		if (!attr(gic, GET, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, packed << 32 | 0xc, &v) && v == shown)
			good++;
		else
			printf("# vCPU %u: GICR_TYPER[63:32] %#x, errno %d\n", i, v, errno);
	}
	check_eq(good, NR_PLACES, "each is found by its affinity, and its GICR_TYPER shows it");
	check_errno(attr(gic, GET, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, 0x14345600UL << 32 | 0xc, &v), EINVAL, "no other one");
}

#define AFFINITY_INFO	0xc4000004UL
#define CPU_ON		0xc4000003UL

static void psci(void)
{
	struct kvm_mp_state off = { .mp_state = KVM_MP_STATE_STOPPED };
	unsigned i;

	check_eq(call(0, AFFINITY_INFO, affinity(0x13, 0x34, 0x56, 15), 0, 0), 0, "AFFINITY_INFO, level 0: on");
	check_eq(call(0, AFFINITY_INFO, affinity(0x13, 0x34, 0x56, 0), 0, 0), -2, "of another Aff0");
	check_eq(call(0, AFFINITY_INFO, affinity(0x13, 0x34, 0x56, 0), 1, 0), 0, "level 1");
	check_eq(call(0, AFFINITY_INFO, affinity(0x13, 0x34, 0, 0), 1, 0), -2, "of another Aff1");
	check_eq(call(0, AFFINITY_INFO, affinity(0x13, 0x34, 0, 0), 2, 0), 0, "level 2");
	check_eq(call(0, AFFINITY_INFO, affinity(0x13, 0, 0, 0), 2, 0), -2, "of another Aff2");
	check_eq(call(0, AFFINITY_INFO, affinity(0x13, 0, 0, 0), 3, 0), 0, "level 3");
	check_eq(call(0, AFFINITY_INFO, affinity(0x14, 0, 0, 0), 3, 0), -2, "of another Aff3");
	check_eq(call(0, CPU_ON, cpus[5].mpidr, ENTRY, MMIO_GPA), -4, "CPU_ON of one that is on");
	for (i = 1; i < NR_PLACES; i++) {
		must(ioctl(cpus[i].vm.vcpu, KVM_SET_MP_STATE, &off));
		cpus[i].good = call(0, AFFINITY_INFO, cpus[i].mpidr, 0, 0) == 1 &&
			call(0, CPU_ON, cpus[i].mpidr, ENTRY, MMIO_GPA) == 0 && is_there(&cpus[i]);
		check(cpus[i].good, "CPU_ON by affinity");
	}
}

/* An SPI goes where GICD_IROUTER says; there is no Aff3 in it. */
static void route(int gic)
{
	uint32_t low = cpus[6].mpidr & 0xffffff, high = 0, bit = 1;

	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x6100, &low));
	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x6104, &high));
	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x84, &bit));
	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x104, &bit));
	must(line(&machine, KVM_ARM_IRQ_TYPE_SPI, 0, 32, 1));
	check_eq(guest_says(&cpus[6].vm, 16), 32, "an SPI routed by affinity");
}

/* Half of the affinities are written before the GIC is ready, half after it. */
static void affinities(void)
{
	int gic = make(NR_PLACES);
	unsigned i;

	for (i = 0; i < NR_PLACES / 2; i++)
		place(i);
	gic_start(gic);
	for (; i < NR_PLACES; i++)
		place(i);
	redistributors(gic);
	run_ring("a token passed round by affinities of four levels");
	route(gic);
	psci();
	drop(gic);
}

int main(void)
{
	alarm(300);
	affinities();
	as_many_as_may_be();
	return report();
}
