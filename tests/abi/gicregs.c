// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every word of the distributor, of a redistributor and of an ITS, every register of the CPU interface and the input lines
 * through device attributes: whether it is there, what it is at first, after ones, after zeros. `gicregs print` prints what
 * it finds as rows of the table in gicregs.inc. The table is Linux 6.12's own answer; the differences are listed here.
 */
#include <nestbox/kvm.h>

#include "gic.h"

GUEST(spin, "1: b 1b");

#define NR_IRQS		128
#define DIST		KVM_DEV_ARM_VGIC_GRP_DIST_REGS
#define REDIST		KVM_DEV_ARM_VGIC_GRP_REDIST_REGS
#define SYSREGS		KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS
#define LEVELS		KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO
#define ITS		KVM_DEV_ARM_VGIC_GRP_ITS_REGS
#define ICC_CTLR	0xc664

/* Of one attribute: errno of HAS, GET, SET; what GET gave at first, after ones, after zeros. */
struct answer {
	uint8_t has, get, set;
	uint64_t first, ones, zeros;
};

/* A run of attributes with the same answer: `n` of them, `step` apart, from `at` on. */
struct row {
	uint32_t group, at, step, n;
	struct answer a;
};

static const struct row expected[] = {
#include "gicregs.inc"
};

/* Where Nestbox answers otherwise. */
static const struct row ours[] = {
	/* GICD_CTLR has two enable bits with one security state: group 0 has its own. Linux has one switch for both. */
	{ DIST, 0, 4, 1, { 0, 0, 0, 0x50, 0x53, 0x50 } },
	/* GICD_STATUSR is not implemented, which reads as zeros. */
	{ DIST, 0x10, 4, 1, { 0, 0, 0, 0, 0, 0 } },
	/* GICR_STATUSR likewise. Linux has a row for it, but its search does not find that. */
	{ REDIST, 0x10, 4, 1, { 0, 0, 0, 0, 0, 0 } },
};

static int gic, its;
static uint64_t vcpu1 = 1UL << 32;	/* its affinity, as attributes have it */

/* ICC_CTLR_EL1 has fields that say what the CPU can do: a value that promises more, or another kind of CPU, is refused. */
static uint64_t value(uint32_t group, uint64_t at, const struct answer *a, bool ones)
{
	if (group == SYSREGS && (uint32_t)at == ICC_CTLR)
		return ones ? a->first | 3 : a->first & 0xc000;
	return ones ? ~0UL : 0;
}

static struct answer look(uint32_t group, uint64_t at)
{
	int fd = group == ITS ? its : gic;
	struct answer a = { 0 };
	uint64_t val;

	a.has = attr(fd, HAS, group, at, NULL) ? errno : 0;
	a.get = attr(fd, GET, group, at, &a.first) ? errno : 0;
	val = value(group, at, &a, true);
	a.set = attr(fd, SET, group, at, &val) ? errno : 0;
	if (attr(fd, GET, group, at, &a.ones))
		a.ones = 0;
	val = value(group, at, &a, false);
	(void)attr(fd, SET, group, at, &val);
	if (attr(fd, GET, group, at, &a.zeros))
		a.zeros = 0;
	return a;
}

static bool same(const struct answer *a, const struct answer *b)
{
	return a->has == b->has && a->get == b->get && a->set == b->set && a->first == b->first && a->ones == b->ones &&
		a->zeros == b->zeros;
}

/* What no row names: nothing is there, but of some groups only HAS says so. */
static const struct answer *nothing(uint32_t group)
{
	static const struct answer silent = { .has = ENXIO }, sysreg = { .has = ENXIO, .get = ENOENT, .set = ENOENT },
		of_its = { .has = ENXIO, .get = ENXIO, .set = ENXIO };

	return group == SYSREGS ? &sysreg : group == ITS ? &of_its : &silent;
}

static const struct answer *find(const struct row *rows, unsigned int n, uint32_t group, uint32_t at)
{
	for (; n--; rows++)
		if (rows->group == group && at >= rows->at && !((at - rows->at) % rows->step) &&
		    (at - rows->at) / rows->step < rows->n)
			return &rows->a;
	return NULL;
}

#define FIND(rows, group, at)	find(rows, sizeof(rows) / sizeof((rows)[0]), group, at)

static bool nestbox;

static const struct answer *want(uint32_t group, uint32_t at)
{
	const struct answer *a = nestbox ? FIND(ours, group, at) : NULL;

	a = a ?: FIND(expected, group, at);
	return a ?: nothing(group);
}

static void print_answer(const struct answer *a)
{
	printf("{ %u, %u, %u, %#lx, %#lx, %#lx }", a->has, a->get, a->set, (long)a->first, (long)a->ones, (long)a->zeros);
}

static struct row run;
static bool printing;

static void run_end(void)
{
	if (run.n && !same(&run.a, nothing(run.group))) {
		printf("{ %u, %#x, %u, %u, ", run.group, run.at, run.step, run.n);
		print_answer(&run.a);
		printf(" },\n");
	}
	run.n = 0;
}

static unsigned int tried, wrong;

static void one(uint32_t group, uint64_t cpu, uint32_t at, uint32_t step)
{
	struct answer a = look(group, cpu | at);
	const struct answer *w = want(group, at);

	tried++;
	if (printing) {
		if (run.n && !same(&run.a, &a))
			run_end();
		if (!run.n)
			run = (struct row){ .group = group, .at = at, .step = step, .a = a };
		run.n++;
	} else if (!same(&a, w)) {
		wrong++;
		printf("# group %u, %#x: ", group, at);
		print_answer(&a);
		printf(", expected ");
		print_answer(w);
		printf("\n");
	}
}

static void sweep(uint32_t group, uint64_t cpu, uint32_t first, uint32_t end, uint32_t step, const char *name)
{
	char text[80];

	tried = wrong = 0;
	for (uint32_t at = first; at < end; at += step)
		one(group, cpu, at, step);
	run_end();
	snprintf(text, sizeof(text), "%s, %u attributes", name, tried);
	if (!printing)
		check_eq(wrong, 0, text);
}

/* GIC registers are where op0 is 3, CRn 4 or 12; the attribute has op0, op1, CRn, CRm, op2 in 16 bits. */
static void sysregs(void)
{
	for (uint32_t op1 = 0; op1 < 8; op1++) {
		uint32_t at = 0xc000 | op1 << 11;

		sweep(SYSREGS, vcpu1, at | 4 << 7, at | 5 << 7, 1, "CPU interface, CRn 4");
		sweep(SYSREGS, vcpu1, at | 12 << 7, at | 13 << 7, 1, "CPU interface, CRn 12");
	}
}

static void gic_make(struct vm *vm)
{
	struct kvm_create_device d = { .type = KVM_DEV_TYPE_ARM_VGIC_ITS };
	uint64_t at = 0x0a100000;
	uint32_t nr = NR_IRQS;

	gic = gic_create(vm);
	gic_place(gic);
	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr));
	gic_start(gic);
	must(ioctl(vm->fd, KVM_CREATE_DEVICE, &d));
	its = d.fd;
	must(attr(its, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, &at));
	gic_start(its);
}

/* Which comes first: a vGIC that is not initialised, an address that cannot be read, a register that is not there. */
static void order(void)
{
	static const uint32_t group[] = { DIST, REDIST, SYSREGS, LEVELS };
	const uint64_t no_sysreg = 0xc601, no_cpu = 0x77UL << 32;
	struct vm vm = VM(spin);
	uint64_t val = 0;
	char name[60];
	unsigned int i;
	int fd = gic_create(&vm);

	for (i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "group %u of a new vGIC, from NULL", group[i]);
		check_errno(attr(fd, SET, group[i], 0, NULL), group[i] == SYSREGS ? EBUSY : EFAULT, name);
		snprintf(name, sizeof(name), "group %u of a new vGIC", group[i]);
		check_errno(attr(fd, SET, group[i], 0, &val), EBUSY, name);
	}
	gic_start(fd);
	for (i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "group %u from NULL", group[i]);
		check_errno(attr(fd, SET, group[i], 0, NULL), EFAULT, name);
		snprintf(name, sizeof(name), "group %u of no vCPU, from NULL", group[i]);
		check_errno(attr(fd, SET, group[i], no_cpu, NULL), group[i] == DIST ? EFAULT : EINVAL, name);
	}
	check_errno(attr(fd, SET, SYSREGS, no_sysreg, NULL), EFAULT, "a CPU register that is not there, from NULL");
	check_errno(attr(fd, GET, SYSREGS, no_sysreg, NULL), ENOENT, "read to NULL");
	close(fd);
	vm_drop(&vm);
}

/* What a VMM brings from a machine with fewer priority or identifier bits stays: it cannot be raised again. */
static void fewer_bits(void)
{
	struct vm vm = VM(spin);
	uint64_t was = 0, now = 0, fewer, wrong_kind;
	int fd = gic_create(&vm);

	gic_start(fd);
	must(attr(fd, GET, SYSREGS, ICC_CTLR, &was));
	fewer = (was & ~0x3f00UL) | 0x300;
	check_eq(attr(fd, SET, SYSREGS, ICC_CTLR, &fewer), 0, "ICC_CTLR_EL1 of a smaller machine");
	must(attr(fd, GET, SYSREGS, ICC_CTLR, &now));
	check_eq(now, fewer, "is what it reads as");
	check_errno(attr(fd, SET, SYSREGS, ICC_CTLR, &was), EINVAL, "and cannot be raised");
	wrong_kind = fewer ^ 0x8000;
	check_errno(attr(fd, SET, SYSREGS, ICC_CTLR, &wrong_kind), EINVAL, "one with another A3V");
	close(fd);
	vm_drop(&vm);
}

int main(int argc, char **argv)
{
	struct vm vm = VM(spin);

	printing = argc > 1 && !strcmp(argv[1], "print");
	nestbox = ioctl(vm.kvm, KVM_CHECK_EXTENSION, KVM_CAP_NB_SDEI) > 0;
	vcpu_add(&vm, 1, 1 << KVM_ARM_VCPU_PSCI_0_2);
	gic_make(&vm);
	sweep(DIST, 0, 0, 0x6000, 4, "distributor");
	sweep(DIST, 0, 0x6000, 0x8000, 8, "GICD_IROUTER, low half");
	sweep(DIST, 0, 0x6004, 0x8000, 8, "GICD_IROUTER, high half");
	sweep(DIST, 0, 0x8000, 0x10004, 4, "distributor, the end");
	sweep(REDIST, vcpu1, 0, 0x20004, 4, "redistributor");
	sysregs();
	sweep(LEVELS, vcpu1, 0, 0x400, 32, "input lines");
	sweep(ITS, 0, 0, 0xffd0, 8, "ITS");
	sweep(ITS, 0, 4, 0xffd0, 8, "ITS, upper halves");
	sweep(ITS, 0, 0xffd0, 0x10004, 4, "ITS, what it is");
	if (printing)
		return 0;
	fewer_bits();
	order();
	vm_drop(&vm);
	return report();
}
