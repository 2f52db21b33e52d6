// SPDX-License-Identifier: GPL-2.0-only
/*
 * Randomised test of the KVM ABI: VMs with random configurations, ioctls in random order with
 * random and hostile arguments from several threads while vCPUs run, and processes killed in the
 * middle. Usage: random [SEED [ROUNDS [SECONDS]]]; the same seed makes the same calls, though not
 * in the same order across threads. With SECONDS each call that can succeed has to, ENOUGH times:
 * three of four calls are then drawn from those that are behind, and on a slow machine it goes on
 * for up to three times as long. What it finds is a report of the host (a sanitizer's, a failed
 * assertion), a process that does not end, or memory that does not come back.
 */
#include <sys/sysinfo.h>

#include "random_ops.h"

#define NR_FUZZERS	2
#define HANG_S		300
#define ENOUGH		1000
#define MAX_ERRNO	133

/*
 * Code for the guests: memory, MMIO, hypercalls, SGIs, timers, sleep; whatever it is given. One with an EL2 goes to EL1 now and
 * then, and each exception from there leads back; one taken from EL2 itself goes on behind the instruction.
 */
GUEST(busy, "mrs x25, CurrentEL; cmp x25, #8; b.ne 1f; adr x22, 9f; msr vbar_el2, x22; isb;"
	    "1: mrs x25, CurrentEL; add x20, x20, #1; and x21, x20, #0x3ffff; add x21, x21, #0x100000; add x21, x21, x27;"
	    "str x20, [x21]; ldr x22, [x21, #8];"
	    "tst x20, #3; b.ne 2f; str w20, [x28]; ldr w22, [x28, #8];"
	    "2: tst x20, #7; b.ne 3f; mov x0, #0x84000000; bl 7f; ldr x0, =0x84000050; bl 7f;"
	    "3: tst x20, #15; b.ne 4f; mrs x22, cntvct_el0; add x22, x22, #1000; msr cntv_cval_el0, x22;"
	    "mov x22, #1; msr cntv_ctl_el0, x22; isb; wfi; msr cntv_ctl_el0, xzr;"
	    "4: tst x20, #31; b.ne 5f; ldr x22, =0x0100000f; msr S3_0_C12_C11_5, x22; ldr w22, [x26]; str w22, [x26, #0x104];"
	    "5: tst x20, #63; b.ne 1b; mrs x22, id_aa64pfr0_el1; fmov d0, x20; dsb sy; tlbi vmalle1; yield;"
	    "cmp x25, #8; b.ne 1b; adr x22, 1b; msr elr_el2, x22; mov x22, #0x3c5; msr spsr_el2, x22; eret;"
	    "7: cmp x25, #8; b.eq 8f; hvc #0; ret; 8: smc #0; ret; .ltorg;"
	    ".org guest_busy + 0x800; 9: .rept 8; mrs x23, elr_el2; add x23, x23, #4; msr elr_el2, x23; eret; .skip 0x70; .endr;"
	    ".rept 8; mov x23, #0x3c9; msr spsr_el2, x23; eret; .skip 0x74; .endr");

struct op {
	const char *name;
	long (*fn)(struct fuzzer *f);
	unsigned weight;
	bool never;	/* cannot succeed here: there is no such hardware, or it is not for arm64 */
};

#define COPY_TAGS	"KVM_ARM_MTE_COPY_TAGS"

#define OP(name, fn, weight)	{ name, fn, weight, false }
#define NEVER(name, fn, weight)	{ name, fn, weight, true }

static const struct op ops[] = {
	OP("KVM_GET_API_VERSION", op_api, 2), OP("KVM_CREATE_VM", op_create_vm, 2),
	OP("KVM_GET_VCPU_MMAP_SIZE", op_mmap_size, 2), OP("KVM_CHECK_EXTENSION", op_check_ext, 2),
	OP("KVM_CHECK_EXTENSION, VM", op_vm_check_ext, 2), OP("KVM_CREATE_VCPU", op_create_vcpu, 4),
	OP("KVM_ENABLE_CAP", op_enable_cap, 5), OP("KVM_SET_USER_MEMORY_REGION", op_set_memory, 6),
	OP("KVM_SET_USER_MEMORY_REGION2", op_set_memory2, 5), OP("KVM_GET_DIRTY_LOG", op_dirty_log, 8),
	OP("KVM_CLEAR_DIRTY_LOG", op_clear_dirty, 16), OP("KVM_REGISTER_COALESCED_MMIO", op_coalesce, 3),
	OP("KVM_UNREGISTER_COALESCED_MMIO", op_uncoalesce, 3), OP("KVM_GET_STATS_FD, VM", op_vm_stats, 2),
	OP("KVM_GET_STATS_FD, vCPU", op_vcpu_stats, 2), NEVER("KVM_CREATE_IRQCHIP", op_irqchip, 1),
	OP("KVM_IRQ_LINE", op_irq_line, 6), OP("KVM_IRQFD", op_irqfd, 5), OP("KVM_IOEVENTFD", op_ioeventfd, 5),
	OP("KVM_SET_GSI_ROUTING", op_routing, 4), OP("KVM_SIGNAL_MSI", op_msi, 4),
	OP("KVM_CREATE_DEVICE", op_create_device, 3), OP("KVM_ARM_PREFERRED_TARGET", op_target, 2),
	NEVER("KVM_ARM_SET_DEVICE_ADDR", op_device_addr, 1), OP("KVM_ARM_SET_COUNTER_OFFSET", op_counter, 3),
	OP("KVM_ARM_GET_REG_WRITABLE_MASKS", op_masks, 2),
	OP("KVM_SET_DEVICE_ATTR, VM", op_vm_set, 5), NEVER("KVM_GET_DEVICE_ATTR, VM", op_vm_get, 1),
	OP("KVM_HAS_DEVICE_ATTR, VM", op_vm_has, 2), OP("KVM_SET_DEVICE_ATTR, vCPU", op_vcpu_set, 10),
	OP("KVM_GET_DEVICE_ATTR, vCPU", op_vcpu_get, 4), OP("KVM_HAS_DEVICE_ATTR, vCPU", op_vcpu_has, 3),
	OP("KVM_SET_DEVICE_ATTR, device", op_gic_set, 20), OP("KVM_GET_DEVICE_ATTR, device", op_gic_get, 12),
	OP("KVM_HAS_DEVICE_ATTR, device", op_gic_has, 6),
	OP("KVM_ARM_VCPU_INIT", op_init, 2), OP("KVM_ARM_VCPU_FINALIZE", op_finalize, 4),
	OP("KVM_GET_ONE_REG", op_get_reg, 12), OP("KVM_SET_ONE_REG", op_set_reg, 12),
	OP("KVM_GET_REG_LIST", op_reg_list, 2), OP("KVM_GET_MP_STATE", op_get_mp, 2),
	OP("KVM_SET_MP_STATE", op_set_mp, 4), OP("KVM_GET_VCPU_EVENTS", op_get_events, 2),
	OP("KVM_SET_VCPU_EVENTS", op_set_events, 3), OP("KVM_SET_SIGNAL_MASK", op_sigmask, 2),
	OP("KVM_SET_GUEST_DEBUG", op_guest_debug, 3), OP("KVM_IRQ_LINE_STATUS", op_irq_line_status, 3),
	OP("KVM_RESET_DIRTY_RINGS", op_reset_rings, 2), OP(COPY_TAGS, op_copy_tags, 2),
	OP("memory", op_memory, 6), OP("eventfd", op_event, 6), NEVER("any number", op_wild, 6),
};

#define NR_OPS	(sizeof(ops) / sizeof(ops[0]))
#define RUNS	NR_OPS		/* KVM_RUN's place in the counts */

/* Shared by all processes. */
static struct counts {
	uint64_t good[NR_OPS + 1], bad[NR_OPS + 1];
	uint32_t why[NR_OPS + 1][MAX_ERRNO + 1];
	uint64_t odd;		/* failed with a number that is no errno */
	uint64_t odd_op, odd_errno;
	uint64_t el2;		/* VMs whose vCPUs have an EL2 */
} *counts;

static void count(unsigned op, long ret)
{
	int err = errno;

	if (ret >= 0) {
		__atomic_fetch_add(&counts->good[op], 1, __ATOMIC_RELAXED);
		return;
	}
	__atomic_fetch_add(&counts->bad[op], 1, __ATOMIC_RELAXED);
	if (ret == -1 && err > 0 && err <= MAX_ERRNO) {
		__atomic_fetch_add(&counts->why[op][err], 1, __ATOMIC_RELAXED);
	} else {
		counts->odd_op = op;
		counts->odd_errno = err;
		__atomic_fetch_add(&counts->odd, 1, __ATOMIC_RELAXED);
	}
}

static bool must_catch_up;	/* with SECONDS */
static bool have_mte;

static bool never(const struct op *op)
{
	return op->never || (!have_mte && !strcmp(op->name, COPY_TAGS));
}

static unsigned by_weight(struct fuzzer *f)
{
	unsigned total = 0, i, at;

	for (i = 0; i < NR_OPS; i++)
		total += ops[i].weight;
	at = below(&f->r, total);
	for (i = 0; at >= ops[i].weight; i++)
		at -= ops[i].weight;
	return i;
}

/* Of a few calls the one that has succeeded least. */
static unsigned one_behind(struct fuzzer *f)
{
	unsigned best = by_weight(f), n, i;

	for (n = 0; n < 4; n++) {
		i = below(&f->r, NR_OPS);
		if (!never(&ops[i]) && (never(&ops[best]) || counts->good[i] < counts->good[best]))
			best = i;
	}
	return best;
}

static void one_call(struct fuzzer *f)
{
	unsigned i = must_catch_up && !one_in(&f->r, 4) ? one_behind(f) : by_weight(f);

	errno = 0;
	count(i, ops[i].fn(f));
}

static uint8_t *scratch_make(void)
{
	uint8_t *p = mmap(NULL, SCRATCH + 0x1000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must((long)p);
	must(mprotect(p + SCRATCH, 0x1000, PROT_NONE));
	return p;
}

static struct fuzzer *fuzzer_make(struct world *w, uint64_t seed)
{
	struct fuzzer *f = calloc(1, sizeof(*f));

	f->r.s = seed * 0x9e3779b97f4a7c15UL | 1;
	f->w = w;
	f->scratch = scratch_make();
	return f;
}

static int device(struct world *w, uint32_t type)
{
	struct kvm_create_device d = { .type = type };

	return ioctl(w->vm, KVM_CREATE_DEVICE, &d) ? -1 : (int)d.fd;
}

static void dev_set(int fd, uint32_t group, uint64_t number, uint64_t value)
{
	struct kvm_device_attr a = { .group = group, .attr = number, .addr = (uintptr_t)&value };

	(void)ioctl(fd, KVM_SET_DEVICE_ATTR, &a);
}

static void gic_make(struct world *w, struct rng *r)
{
	static const uint64_t regs[] = { 0x80, 0x100, 0x108 };	/* GITS_CBASER, GITS_BASER<n> */
	unsigned i;

	w->gic = device(w, KVM_DEV_TYPE_ARM_VGIC_V3);
	if (w->gic < 0 || one_in(r, 16))
		return;
	dev_set(w->gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, GICD_GPA);
	dev_set(w->gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, GICR_GPA);
	dev_set(w->gic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, 96);
	if (!one_in(r, 16))
		dev_set(w->gic, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0);
	w->its = device(w, KVM_DEV_TYPE_ARM_VGIC_ITS);
	if (w->its < 0)
		return;
	dev_set(w->its, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, ITS_GPA);
	dev_set(w->its, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0);
	/* Command queue, device and collection tables; then it is on, and answers messages. */
	for (i = 0; i < 3; i++)
		dev_set(w->its, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, regs[i],
			1UL << 63 | (RAM_GPA + 0x300000 + i * 0x10000));
	dev_set(w->its, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, 0, 1);
}

static unsigned op_of(const char *name)
{
	unsigned i;

	for (i = 0; i < NR_OPS && strcmp(ops[i].name, name); i++)
		;
	return i;
}

/* As new, at the start of the code. */
static bool vcpu_start(struct world *w, struct rng *r, int i)
{
	struct kvm_vcpu_init init = { .target = KVM_ARM_TARGET_GENERIC_V8 };
	uint64_t x[3] = { RAM_GPA + 0x400 * i, MMIO_GPA, GICD_GPA };
	int ret, sve = KVM_ARM_VCPU_SVE;

	init.features[0] = w->features | (i && one_in(r, 4) ? 1 << KVM_ARM_VCPU_POWER_OFF : 0);
	ret = ioctl(w->vcpu[i], KVM_ARM_VCPU_INIT, &init);
	count(op_of("KVM_ARM_VCPU_INIT"), ret);
	if (ret)
		return false;
	if ((w->features & 1 << KVM_ARM_VCPU_SVE) && !one_in(r, 8))
		count(op_of("KVM_ARM_VCPU_FINALIZE"), ioctl(w->vcpu[i], KVM_ARM_VCPU_FINALIZE, &sve));
	(void)set_reg(w->vcpu[i], REG_PC, &(uint64_t){ RAM_GPA });
	(void)set_reg(w->vcpu[i], REG_X(27), &x[0]);
	(void)set_reg(w->vcpu[i], REG_X(28), &x[1]);
	(void)set_reg(w->vcpu[i], REG_X(26), &x[2]);
	return true;
}

static void vcpu_make(struct world *w, struct rng *r, int i)
{
	w->vcpu[i] = must(ioctl(w->vm, KVM_CREATE_VCPU, (long)i));
	w->run[i] = mmap(NULL, w->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, w->vcpu[i], 0);
	must((long)w->run[i]);
	if (!vcpu_start(w, r, i) && !i) {
		w->features = 1 << KVM_ARM_VCPU_PSCI_0_2;	/* the CPU lacks the other */
		vcpu_start(w, r, i);
	}
}

static struct world *world_make(struct rng *r)
{
	static const uint32_t features[] = { 0, 1 << KVM_ARM_VCPU_SVE, 1 << KVM_ARM_VCPU_PMU_V3,
		1 << KVM_ARM_VCPU_PTRAUTH_ADDRESS | 1 << KVM_ARM_VCPU_PTRAUTH_GENERIC,
		EL2 | 1 << KVM_ARM_VCPU_PMU_V3, EL2 | EL2_E2H0, EL2 | 1 << KVM_ARM_VCPU_SVE };
	struct world *w = calloc(1, sizeof(*w));
	struct kvm_reg_list *l = (void *)reg_list;
	int i;

	w->gic = w->its = -1;
	w->kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC));
	w->vm = must(ioctl(w->kvm, KVM_CREATE_VM, 0));
	w->run_size = must(ioctl(w->kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	w->ram = mmap(NULL, WORLD_RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must((long)w->ram);
	memcpy(w->ram, guest_busy, guest_busy_end - guest_busy);
	must(set_slot(w->vm, 0, below(r, 2), RAM_GPA, 0x400000, w->ram));
	for (i = 0; i < NR_EVENTS; i++)
		w->event[i] = must(eventfd(0, EFD_NONBLOCK));
	w->features = 1 << KVM_ARM_VCPU_PSCI_0_2 | PICK(r, features);
	w->nr_vcpus = 1 + below(r, MAX_VCPUS);
	for (i = 0; i < w->nr_vcpus; i++)
		vcpu_make(w, r, i);
	if (w->features & EL2)
		__atomic_fetch_add(&counts->el2, 1, __ATOMIC_RELAXED);
	/* The others are asked for just as often, and must answer EBADF. */
	for (; i < MAX_VCPUS; i++)
		w->vcpu[i] = one_in(r, 4) ? -1 : w->vcpu[0];
	l->n = 2000;
	if (ioctl(w->vcpu[0], KVM_GET_REG_LIST, l) || !l->n) {
		l->n = 1;
		l->reg[0] = REG_PC;
	}
	return w;
}

struct runner {
	struct world *w;
	int index;
	pthread_t t;
	volatile bool done;
};

static void *run_vcpu(void *arg)
{
	struct runner *me = arg;
	struct world *w = me->w;
	struct kvm_run *run = w->run[me->index];
	struct rng r = { .s = me->index * 77 + 1 };
	long ret;

	while (!w->stop) {
		errno = 0;
		ret = ioctl(w->vcpu[me->index], KVM_RUN, 0);
		count(RUNS, ret);
		/* The run page is ours too: what the guest is told, and what must not be believed. */
		switch (below(&r, 8)) {
		case 0:
			run->immediate_exit = one_in(&r, 8);
			break;
		case 1:
			memset(run->mmio.data, rnd(&r), 8);
			break;
		case 2:
			((uint8_t *)run)[below(&r, 1024)] = rnd(&r);
			break;
		default:
			run->immediate_exit = 0;
		}
		if (one_in(&r, 32))
			vcpu_start(w, &r, me->index);
		/* Leave it to the others for a while. */
		if (one_in(&r, 2) || (ret < 0 && errno != EINTR))
			usleep(300);
	}
	me->done = true;
	return NULL;
}

static void *fuzz(void *arg)
{
	struct fuzzer *f = arg;
	unsigned i, n = 200 + below(&f->r, 400);

	for (i = 0; i < n; i++)
		one_call(f);
	return NULL;
}

static void nothing(int sig)
{
}

struct kicker {
	struct runner *run;
	unsigned n;
	volatile bool stop;
};

/* vCPU ioctls wait for KVM_RUN to return: every few milliseconds it does. */
static void *kick(void *arg)
{
	struct kicker *k = arg;
	unsigned i;

	while (!k->stop) {
		for (i = 0; i < k->n; i++)
			if (!k->run[i].done)
				pthread_kill(k->run[i].t, SIGUSR1);
		usleep(400);
	}
	return NULL;
}

static void vmm(uint64_t seed)
{
	struct rng r = { .s = seed * 0xd1342543de82ef95UL | 1 };
	struct world *w = world_make(&r);
	struct runner run[MAX_VCPUS];
	struct kicker k = { .run = run, .n = w->nr_vcpus };
	pthread_t t[NR_FUZZERS], kt;
	struct fuzzer *f = fuzzer_make(w, seed + 100);
	unsigned i;

	/* Before the first run and before there is a vGIC: much may only be changed then. */
	for (i = below(&r, 2) * below(&r, 100); i; i--)
		one_call(f);
	if (!one_in(&r, 8))
		gic_make(w, &r);
	for (i = below(&r, 2) * below(&r, 50); i; i--)
		one_call(f);
	for (i = 0; i < k.n; i++) {
		run[i] = (struct runner){ .w = w, .index = i };
		must(-pthread_create(&run[i].t, NULL, run_vcpu, &run[i]));
	}
	must(-pthread_create(&kt, NULL, kick, &k));
	for (i = 0; i < NR_FUZZERS; i++)
		must(-pthread_create(&t[i], NULL, fuzz, fuzzer_make(w, seed + i)));
	for (i = 0; i < NR_FUZZERS; i++)
		pthread_join(t[i], NULL);
	w->stop = true;
	for (i = 0; i < k.n; i++)
		pthread_join(run[i].t, NULL);
	k.stop = true;
	pthread_join(kt, NULL);
	/* Descriptors go in any order. */
	for (i = 0; i < 12; i++)
		close(one_in(&r, 3) ? w->vm : one_in(&r, 2) ? w->gic : w->vcpu[below(&r, MAX_VCPUS)]);
	_exit(0);
}

/* One VMM from start to end, or to its death; false if it did not end. */
static bool round_run(uint64_t seed)
{
	struct rng r = { .s = seed << 20 | 1 };
	pid_t pid = must(fork());
	int status, i;

	if (!pid) {
		handle(SIGUSR1, nothing, 0);
		vmm(seed);
	}
	if (one_in(&r, 3)) {
		usleep(below(&r, 60000));
		kill(pid, SIGKILL);
	}
	for (i = 0; i < HANG_S * 100; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return (WIFEXITED(status) && !WEXITSTATUS(status)) ||
				(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		usleep(10000);
	}
	printf("# the process of seed %lu is stuck\n", (long)seed);
	kill(pid, SIGKILL);
	return false;
}

static long free_kib(void)
{
	struct sysinfo si;

	must(sysinfo(&si));
	return (long)((uint64_t)si.freeram * si.mem_unit >> 10);
}

/* The three most frequent errors of a call. */
static void print_errors(uint32_t *why)
{
	unsigned n, i, top;

	for (n = 0; n < 3; n++) {
		for (top = 0, i = 1; i <= MAX_ERRNO; i++)
			if (why[i] > why[top])
				top = i;
		if (!top)
			break;
		printf(" %s %u", strerrorname_np(top), why[top]);
		why[top] = 0;
	}
	printf("\n");
}

/* How many calls that can succeed have not done so @want times. */
static unsigned too_few(uint64_t want)
{
	unsigned i, few = 0;

	for (i = 0; i <= NR_OPS; i++)
		if (i == RUNS || !never(&ops[i]))
			few += counts->good[i] < want;
	return few;
}

static void print_counts(uint64_t want)
{
	unsigned i;

	printf("# %lu VMs had an EL2\n", (long)counts->el2);
	printf("# %-34s %10s %10s\n", "call", "succeeded", "failed");
	for (i = 0; i <= NR_OPS; i++) {
		printf("# %-34s %10lu %10lu ", i == RUNS ? "KVM_RUN" : ops[i].name, (long)counts->good[i],
		       (long)counts->bad[i]);
		print_errors(counts->why[i]);
	}
	if (want)
		check_eq(too_few(want), 0, "every call that can succeed did so often enough");
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 1, i;
	uint64_t rounds = argc > 2 ? strtoul(argv[2], NULL, 0) : 24;
	uint64_t ms = argc > 3 ? strtoul(argv[3], NULL, 0) * 1000 : 0, begin = now_ms(), spent = 0;
	long before = 0, after = 0;
	bool good = true;

	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must((long)counts);
	must_catch_up = ms;
	have_mte = ioctl(must(open("/dev/kvm", O_RDWR)), KVM_CHECK_EXTENSION, KVM_CAP_ARM_MTE) > 0;
	for (i = 0; good && (ms ? spent < ms || (spent < 3 * ms && too_few(ENOUGH)) : i < rounds); i++) {
		good = round_run(seed + i);
		spent = now_ms() - begin;
		if (i == 7)
			before = free_kib();	/* caches of the host are warm */
	}
	check(good, "every process ends");
	if (!good)
		printf("# seed %lu\n", (long)(seed + i - 1));
	check_eq(counts->odd, 0, "errors are errnos");
	if (counts->odd)
		printf("# %s: %ld\n", counts->odd_op == RUNS ? "KVM_RUN" : ops[counts->odd_op].name, (long)counts->odd_errno);
	for (i = 0; i < 20; i++) {
		after = free_kib();
		if (before - after < 6144)
			break;
		msleep(100);	/* freeing may be deferred a little */
	}
	printf("# free before %ld KiB, after %ld KiB\n", before, after);
	check(before - after < 6144, "memory comes back (within 6 MiB)");
	print_counts(ms ? ENOUGH : 0);
	return report();
}
