// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every interrupt that a vGICv3 can have, at every priority, pending at once; then active at once, and deactivated one by one in
 * another order (Arm IHI 0069, 4). The VMM reads their state in between.
 */
#include "gic.h"

#define LIST_GPA	(RAM_GPA + 0x100000)
#define NR_PPIS_USED	0x23ff0000U		/* not the timers' 26 to 28 and 30, nor 31 */

/*
 * x21 EOImode as ICC_CTLR_EL1 has it, x22 how many to take, x27 where their INTIDs go. Takes that many, drops the priority of each
 * (EOImode 0: ends it); says so. Then ends those that the list at x20 names, x19 of them, and says so again.
 */
GUEST(take,
	"mov x0, #7; msr s3_0_c12_c12_5, x0; isb; msr s3_0_c12_c12_4, x21; mov x0, #0xff; msr s3_0_c4_c6_0, x0;"
	"mov x0, #1; msr s3_0_c12_c12_7, x0; isb;"
	"1: mrs x0, s3_0_c12_c12_0; dsb sy; cmp x0, #1020; b.hs 1b;"
	"str w0, [x27], #4; msr s3_0_c12_c12_1, x0; isb; subs x22, x22, #1; b.ne 1b;"
	"mrs x0, s3_0_c12_c12_0; str x0, [x28];"
	"2: ldr w0, [x20], #4; msr s3_0_c12_c11_1, x0; isb; subs x19, x19, #1; b.ne 2b;"
	"mrs x0, s3_0_c12_c12_0; str x0, [x28, #8]; 3: b 3b");

static unsigned nr_ids;

static int gic_make(struct vm *vm)
{
	uint32_t nr = 1024;
	int gic = gic_create(vm);

	nr_ids = 1020;
	if (attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr)) {
		nr = nr_ids = 992;		/* Linux */
		must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr));
	}
	gic_place(gic);
	gic_start(gic);
	return gic;
}

static bool used(unsigned intid)
{
	return intid < 16 || intid >= 32 || (NR_PPIS_USED >> intid & 1);
}

/* All 32 of them in a wild order; the lowest one is never taken. */
static unsigned priority(unsigned intid)
{
	return (intid * 2654435761U >> 13 & 31) * 8;
}

static bool comes(unsigned intid)
{
	return used(intid) && priority(intid) != 0xf8;
}

/* Register @reg (offset of its first word) of interrupt @intid, @bits for each interrupt: the word's place and attribute. */
static int word(int gic, unsigned long op, unsigned intid, unsigned reg, unsigned bits, uint32_t *val)
{
	bool private = intid < 32;

	return attr(gic, op, private ? KVM_DEV_ARM_VGIC_GRP_REDIST_REGS : KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
		    (private ? 0x10000 : 0) + reg + intid * bits / 32 * 4, val);
}

static unsigned all_pending(int gic)
{
	uint32_t on = 2, prio, bits;
	unsigned i, j, n = 0;

	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0, &on));
	for (i = 0; i < nr_ids; i += 4) {
		for (prio = 0, j = 0; j < 4; j++)
			prio |= priority(i + j) << 8 * j;
		must(word(gic, SET, i, 0x400, 8, &prio));
	}
	for (i = 0; i < nr_ids; i += 32) {
		bits = ~0U;
		must(word(gic, SET, i, 0x80, 1, &bits));
		must(word(gic, SET, i, 0x100, 1, &bits));
		for (bits = 0, j = 0; j < 32 && i + j < nr_ids; j++) {
			bits |= (uint32_t)used(i + j) << j;
			n += comes(i + j);
		}
		must(word(gic, SET, i, 0x200, 1, &bits));
	}
	return n;
}

static unsigned count(int gic, unsigned reg)
{
	unsigned i, n = 0;
	uint32_t v;

	for (i = 0; i < nr_ids; i += 32) {
		must(word(gic, GET, i, reg, 1, &v));
		n += __builtin_popcount(v);
	}
	return n;
}

static void in_order(const uint32_t *list, unsigned n, const char *name)
{
	static unsigned char seen[1024];
	unsigned i, good = 0;

	memset(seen, 0, sizeof(seen));
	for (i = 0; i < n; i++) {
		bool right = list[i] < nr_ids && comes(list[i]) && !seen[list[i]]++ &&
			(!i || priority(list[i]) >= priority(list[i - 1]));

		if (!right && good == i)
			printf("# the %uth is %u\n", i, list[i]);
		good += right;
	}
	check_eq(good, n, name);
}

static void start(struct vm *vm, unsigned n, unsigned eoimode, unsigned ends)
{
	set(vm->vcpu, REG_X(19), ends);
	set(vm->vcpu, REG_X(20), LIST_GPA + 0x2000);
	set(vm->vcpu, REG_X(21), eoimode << 1);
	set(vm->vcpu, REG_X(22), n);
	set(vm->vcpu, REG_X(27), LIST_GPA);
}

static void pending_at_once(void)
{
	struct vm vm = VM(take);
	const uint32_t *list = (uint32_t *)(vm.ram + (LIST_GPA - RAM_GPA));
	int gic = gic_make(&vm);
	unsigned n = all_pending(gic), low = count(gic, 0x200) - n;

	printf("# %u interrupts, and %u of the lowest priority\n", n, low);
	check(low > 0, "some are of the lowest priority");
	start(&vm, n, 0, 0);
	check_eq(guest_says(&vm, 0), 1023, "all come but those of the lowest priority");
	in_order(list, n, "each once, by priority");
	check_eq(count(gic, 0x300), 0, "none is active");
	check_eq(count(gic, 0x200), low, "the others are still pending");
	close(gic);
	vm_drop(&vm);
}

/* Active interrupts keep all of lower priority away, so that each priority is dropped before the next comes. */
static void active_at_once(void)
{
	struct vm vm = VM(take);
	uint32_t *list = (uint32_t *)(vm.ram + (LIST_GPA - RAM_GPA)), *ends = list + 0x2000 / 4;
	int gic = gic_make(&vm);
	unsigned n = all_pending(gic), i, half = n / 2;

	start(&vm, n, 1, half);
	alarm(60);
	check_eq(guest_says(&vm, 0), 1023, "all come, none is deactivated");
	in_order(list, n, "by priority");
	check_eq(count(gic, 0x300), n, "all are active");
	for (i = 0; i < half; i++)
		ends[i] = list[(i * 2 + 1) % n];	/* every second one */
	check_eq(guest_says(&vm, 8), 1023, "every second one is deactivated");
	check_eq(count(gic, 0x300), n - half, "the others are active");
	close(gic);
	vm_drop(&vm);
}

int main(void)
{
	alarm(60);
	pending_at_once();
	if (on_nestbox())
		active_at_once();	/* Linux keeps no more active ones than there are list registers */
	return report();
}
