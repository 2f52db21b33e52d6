// SPDX-License-Identifier: GPL-2.0-only
/*
 * SDEI from a VMM: opting in, the event map, registers, and moving a guest to another VM at every step of what it does
 * (docs/abi/sdei.md; T44, T46, T47). On a host without it there is nothing to test, and nothing fails.
 */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wgnu-variable-sized-type-not-at-end"	/* heads of arrays, as the ABI has them */
#endif

#include <nestbox/kvm.h>

#include "kvm.h"

#define EV_P		0x40000001u	/* private */
#define EV_C		0x40000002u	/* private, critical */
#define EV_D		0x40000010u	/* dynamic, private */
#define EV_S		0x40000100u	/* shared */
#define NR_VCPUS	2
#define REGS_MAX	1024
#define SDEI_REG(i)	(KVM_REG_NB_SDEI | (i))
#define PE		SDEI_REG(2)
#define SUSPEND		SDEI_REG(3)
#define PRIVATE(s, w)	SDEI_REG(0x4000 | (s) << 3 | (w))
#define SHARED(s, w)	SDEI_REG(0x8000 | (s) << 3 | (w))
#define CONTEXT(l, i)	SDEI_REG(0xc000 | (l) << 5 | (i))

static const struct {
	struct kvm_nb_sdei_events head;
	struct kvm_nb_sdei_event e[4];
} map = {
	.head.nr = 4,
	.e = {
		{ .event = EV_P }, { .event = EV_C, .flags = KVM_NB_SDEI_EVENT_CRITICAL },
		{ .event = EV_S, .flags = KVM_NB_SDEI_EVENT_SHARED },
		{ .event = EV_D, .flags = KVM_NB_SDEI_EVENT_DYNAMIC },
	},
};

/* fn: the last byte of the call. Everything that is reported goes to x28, which handlers share with what they interrupt. */
#define CALL(fn)	"movz x0, #" #fn "; movk x0, #0xc400, lsl #16; hvc #0;"
#define REPORT		"str x0, [x28];"
#define SAY(n)		"mov x0, #" #n ";" REPORT
#define EV(reg, low)	"movz " reg ", #" #low "; movk " reg ", #0x4000, lsl #16;"
#define REGISTER(off)	"add x2, x27, #" #off "; mov x3, #0x33; mov x4, #0; mov x5, #0;" CALL(0x21) REPORT
#define COMPLETE_AS(n)	"mov x1, #" #n ";" CALL(0x25) "b .;"
#define COMPLETE	COMPLETE_AS(0)

/*
 * First vCPU: event 0 through all its states, then a private event with a critical one over it, then a shared one.
 * Handlers at 0x800, 0x900, 0xa00, 0xb00.
 */
GUEST(first,
	"mov x1, #0;" CALL(0x28) REPORT				/* 0 */
	"mov x1, #0;" REGISTER(0x800)				/* 0 */
	"mov x1, #0; mov x2, #0;" CALL(0x2f) REPORT		/* signal while masked and disabled: 0 */
	"mov x1, #0;" CALL(0x22) REPORT				/* 0 */
	"mov x9, #0x99;"
	CALL(0x2c)						/* unmask: its handler */
	"mov x0, x9;" REPORT					/* 0x99 */
	"mov x1, #0;" CALL(0x28) REPORT				/* 0: unregistered meanwhile */
	EV("x1", 1) REGISTER(0x900) EV("x1", 1) CALL(0x22) REPORT	/* 0, 0 */
	EV("x1", 2) REGISTER(0xa00) EV("x1", 2) CALL(0x22) REPORT	/* 0, 0 */
	EV("x1", 0x100) REGISTER(0xb00) EV("x1", 0x100) CALL(0x22) REPORT	/* 0, 0 */
	SAY(0x200)						/* the VMM raises EV_P */
	SAY(0x204)						/* the VMM raises EV_S */
	SAY(0x301)
	"b .; .org guest_first + 0x800;"
	/* 0x800 */
	"mov x1, #0;" CALL(0x28) REPORT				/* 7 */
	"mov x1, #0;" CALL(0x23) "mov x1, #0;" CALL(0x28) REPORT	/* 5 */
	"mov x1, #0;" CALL(0x27) REPORT				/* -5 */
	"mov x1, #0;" CALL(0x28) REPORT				/* 4 */
	COMPLETE ".org guest_first + 0x900;"
	/* 0x900 */
	"mov x0, x1;" REPORT					/* 0x33 */
	SAY(0x201)						/* the VMM raises EV_C */
	SAY(0x203) COMPLETE ".org guest_first + 0xa00;"
	/* 0xa00 */
	SAY(0x202) COMPLETE_AS(1) ".org guest_first + 0xb00;"	/* failed, which changes nothing */
	/* 0xb00 */
	SAY(0x300) COMPLETE_AS(0x77));				/* nor does a status that nobody knows */

/* Second vCPU, in the shared handler's time: status of a shared event from elsewhere, then SYSTEM_SUSPEND's caller. */
GUEST(second, CALL(0x2c) EV("x1", 0x100) CALL(0x28) REPORT "b .");
GUEST(suspend,
	"mov x1, #0;" REGISTER(0x300) "mov x1, #0;" CALL(0x22) CALL(0x2c)
	EV("x1", 0x100) REGISTER(0x300)
	"movz x0, #0xe; movk x0, #0xc400, lsl #16; mov x1, x27; hvc #0;" REPORT "b .;"
	".org guest_suspend + 0x100;"
	/* 0x100: awake again */
	"mov x1, #0;" CALL(0x28) REPORT EV("x1", 0x100) CALL(0x28) REPORT CALL(0x2b) REPORT
	"b .");

GUEST(version, CALL(0x20) REPORT "b guest_version");

struct machine {
	int kvm, fd, vcpu[NR_VCPUS];
	struct kvm_run *run[NR_VCPUS];
	size_t run_size;
	uint8_t *ram;
};

static int sdei_attr(int vm, uint64_t attr, const void *arg)
{
	struct kvm_device_attr a = { .group = KVM_NB_VM_SDEI, .attr = attr, .addr = (uintptr_t)arg };

	return ioctl(vm, KVM_SET_DEVICE_ATTR, &a);
}

static int opt_in(int vm, uint64_t flags)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_NB_SDEI, .args = { flags } };

	return ioctl(vm, KVM_ENABLE_CAP, &cap);
}

static int raise_event(const struct machine *m, uint32_t event, uint64_t affinity)
{
	struct kvm_nb_sdei_inject in = { .event = event, .affinity = affinity };

	return sdei_attr(m->fd, KVM_NB_SDEI_INJECT, &in);
}

/* A VM with this memory; vCPUs initialised, nothing else. */
static struct machine machine_make(uint8_t *ram)
{
	struct machine m = { .ram = ram };
	struct kvm_enable_cap suspend = { .cap = KVM_CAP_ARM_SYSTEM_SUSPEND };
	int i;

	m.kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC));
	m.fd = must(ioctl(m.kvm, KVM_CREATE_VM, 0));
	m.run_size = must(ioctl(m.kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	must(opt_in(m.fd, 0));
	must(ioctl(m.fd, KVM_ENABLE_CAP, &suspend));
	must(sdei_attr(m.fd, KVM_NB_SDEI_EVENTS, &map));
	must(set_slot(m.fd, 0, 0, RAM_GPA, RAM_SIZE, ram));
	for (i = 0; i < NR_VCPUS; i++) {
		m.vcpu[i] = must(ioctl(m.fd, KVM_CREATE_VCPU, (long)i));
		must(vcpu_init_features(m.fd, m.vcpu[i], 1 << KVM_ARM_VCPU_PSCI_0_2));
		m.run[i] = mmap(NULL, m.run_size, PROT_READ | PROT_WRITE, MAP_SHARED, m.vcpu[i], 0);
		must((long)m.run[i]);
	}
	return m;
}

static void machine_drop(struct machine *m)
{
	int i;

	for (i = 0; i < NR_VCPUS; i++) {
		munmap(m->run[i], m->run_size);
		close(m->vcpu[i]);
	}
	close(m->fd);
	close(m->kvm);
}

static uint8_t *ram_make(void)
{
	void *p = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must((long)p);
	return p;
}

static void place(struct machine *m, int i, uint64_t off, const char *from, const char *to)
{
	memcpy(m->ram + off, from, to - from);
	set(m->vcpu[i], REG_PC, RAM_GPA + off);
	set(m->vcpu[i], REG_X(27), RAM_GPA + off);
	set(m->vcpu[i], REG_X(28), MMIO_GPA);
}

/* What vCPU @i reports next. */
static int64_t says(struct machine *m, int i)
{
	int64_t v = 0;

	while (ioctl(m->vcpu[i], KVM_RUN, 0) < 0)
		if (errno != EINTR)
			return -1000000 - errno;
	if (m->run[i]->exit_reason != KVM_EXIT_MMIO || !m->run[i]->mmio.is_write)
		return -2000000 - m->run[i]->exit_reason;
	memcpy(&v, m->run[i]->mmio.data, 8);
	return v;
}

struct saved {
	unsigned int n;
	uint64_t id[REGS_MAX], val[REGS_MAX];
	struct kvm_mp_state mp;
};

static void save(struct machine *m, int i, struct saved *s)
{
	struct {
		struct kvm_reg_list head;
		uint64_t id[REGS_MAX];
	} list = { .head.n = REGS_MAX };
	unsigned int r;

	/* What an exit left to do is done first. */
	m->run[i]->immediate_exit = 1;
	if (ioctl(m->vcpu[i], KVM_RUN, 0) != -1)
		check(false, "KVM_RUN with immediate_exit");
	m->run[i]->immediate_exit = 0;
	must(ioctl(m->vcpu[i], KVM_GET_REG_LIST, &list));
	s->n = 0;
	for (r = 0; r < list.head.n; r++) {
		s->val[s->n] = 0;
		if ((list.id[r] & KVM_REG_SIZE_MASK) != KVM_REG_SIZE_U64)
			continue;
		must(get_reg(m->vcpu[i], list.id[r], &s->val[s->n]));
		s->id[s->n++] = list.id[r];
	}
	must(ioctl(m->vcpu[i], KVM_GET_MP_STATE, &s->mp));
}

/* Forwards or backwards: the order must not matter. Registers that cannot be written (some ID registers) are skipped. */
static void restore(struct machine *m, int i, const struct saved *s, bool backwards)
{
	unsigned int n, bad = 0;

	for (n = 0; n < s->n; n++) {
		unsigned int r = backwards ? s->n - 1 - n : n;

		if (set_reg(m->vcpu[i], s->id[r], &s->val[r]) && (s->id[r] >> 16 & 0xfff) == 0xf5d)
			bad++;
	}
	if (bad)
		check_eq(bad, 0, "writing SDEI registers");
	must(ioctl(m->vcpu[i], KVM_SET_MP_STATE, &s->mp));
}

static unsigned int differences(struct machine *m, int i, const struct saved *s)
{
	unsigned int r, n = 0;

	for (r = 0; r < s->n; r++) {
		uint64_t now = 0;

		if ((s->id[r] >> 16 & 0xfff) != 0xf5d)
			continue;
		if (get_reg(m->vcpu[i], s->id[r], &now) || now != s->val[r]) {
			printf("# register %#lx was %#lx, is %#lx\n", (long)s->id[r], (long)s->val[r], (long)now);
			n++;
		}
	}
	return n;
}

static unsigned int moves, unequal;

/* Everything to a new VM. Which vCPU comes first, and in which order its registers, changes from move to move. */
static void migrate(struct machine *m)
{
	static struct saved s[NR_VCPUS];
	struct machine to;
	int i;

	for (i = 0; i < NR_VCPUS; i++)
		save(m, i, &s[i]);
	to = machine_make(m->ram);
	for (i = 0; i < NR_VCPUS; i++) {
		int v = moves & 1 ? NR_VCPUS - 1 - i : i;

		restore(&to, v, &s[v], moves & 2);
	}
	for (i = 0; i < NR_VCPUS; i++)
		unequal += differences(&to, i, &s[i]) != 0;
	machine_drop(m);
	*m = to;
	moves++;
}

/* The first vCPU's story; @move: a new VM after every step of it. */
static void story(bool move)
{
	static const int64_t want[] = {
		0, 0, 0, 0, 7, 5, -5, 4, 0x99, 0, 0, 0, 0, 0, 0, 0,
		0x200, 0x33, 0x201, 0x202, 0x203, 0x204, 0x300, 0x301,
	};
	struct machine m = machine_make(ram_make());
	unsigned int i;

	place(&m, 0, 0, guest_first, guest_first_end);
	place(&m, 1, 0x2000, guest_second, guest_second_end);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		check_eq(says(&m, 0), want[i], move ? "T44 the guest goes on in another VM" :
			 want[i] == 0x203 ? "T29 back in the normal handler, whatever the status" : "the guest's story");
		if (want[i] == 0x200)
			check_eq(raise_event(&m, EV_P, 0), 0, "raise a private event");
		if (want[i] == 0x201)
			check_eq(raise_event(&m, EV_C, 0), 0, "raise a critical one over it");
		if (want[i] == 0x204)
			check_eq(raise_event(&m, EV_S, 0), 0, "raise a shared one");
		if (move)
			migrate(&m);
		if (want[i] == 0x300)	/* the other vCPU runs first in this VM */
			check_eq(says(&m, 1), 7, "T44 the shared event runs, seen from the other vCPU");
	}
	if (move)
		check_eq(unequal, 0, "T44 registers read back as written");
	munmap(m.ram, RAM_SIZE);
	machine_drop(&m);
}

static unsigned int list_count(int vcpu, unsigned int *sdei)
{
	struct {
		struct kvm_reg_list head;
		uint64_t id[REGS_MAX];
	} list = { .head.n = REGS_MAX };
	unsigned int i;

	must(ioctl(vcpu, KVM_GET_REG_LIST, &list));
	for (i = *sdei = 0; i < list.head.n; i++)
		*sdei += (list.id[i] >> 16 & 0xfff) == 0xf5d;
	return list.head.n;
}

static void opting_in(void)
{
	struct kvm_smccc_filter filter = { .base = 0xc4000025, .nr_functions = 1, .action = KVM_SMCCC_FILTER_DENY };
	struct kvm_device_attr set_filter = {
		.group = KVM_ARM_VM_SMCCC_CTRL, .attr = KVM_ARM_VM_SMCCC_FILTER, .addr = (uintptr_t)&filter,
	};
	struct kvm_nb_sdei_events none = { .nr = 0 };
	struct {
		struct kvm_nb_sdei_events head;
		struct kvm_nb_sdei_event e[2];
	} bad = { .head.nr = 2, .e = { { .event = EV_P }, { .event = EV_P } } };
	int kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC));
	int vm = must(ioctl(kvm, KVM_CREATE_VM, 0)), vcpu;
	uint64_t bmap = 3;
	unsigned int n;

	check_errno(sdei_attr(vm, KVM_NB_SDEI_EVENTS, &map), ENXIO, "events without opting in");
	vcpu = must(ioctl(vm, KVM_CREATE_VCPU, 0));
	must(vcpu_init_features(vm, vcpu, 1 << KVM_ARM_VCPU_PSCI_0_2));
	list_count(vcpu, &n);
	check_eq(n, 0, "T44 without opting in no register");
	check_errno(set_reg(vcpu, KVM_REG_ARM_STD_BMAP, &bmap), EINVAL, "nor the bit of the hypercall bitmap");
	check_errno(get_reg(vcpu, PE, &bmap), ENOENT, "nor by its id");
	check_errno(opt_in(vm, 0), EBUSY, "opting in after a vCPU");
	close(vcpu);
	close(vm);
	vm = must(ioctl(kvm, KVM_CREATE_VM, 0));
	must(ioctl(vm, KVM_SET_DEVICE_ATTR, &set_filter));
	check_errno(opt_in(vm, 0), EEXIST, "opting in with a filter over the calls");
	close(vm);
	vm = must(ioctl(kvm, KVM_CREATE_VM, 0));
	check_errno(opt_in(vm, 2), EINVAL, "unknown flag");
	check_eq(opt_in(vm, 0), 0, "opting in");
	check_errno(ioctl(vm, KVM_SET_DEVICE_ATTR, &set_filter), EEXIST, "a filter over the calls");
	check_errno(sdei_attr(vm, KVM_NB_SDEI_EVENTS, &bad), EINVAL, "an event twice");
	bad.e[1].event = 1u << 31;
	check_errno(sdei_attr(vm, KVM_NB_SDEI_EVENTS, &bad), EINVAL, "an event number with bit 31");
	bad.e[1].event = EV_C;
	bad.e[1].intid = 40;
	check_errno(sdei_attr(vm, KVM_NB_SDEI_EVENTS, &bad), EINVAL, "a private event of an SPI");
	check_eq(sdei_attr(vm, KVM_NB_SDEI_EVENTS, &map), 0, "the event map");
	vcpu = must(ioctl(vm, KVM_CREATE_VCPU, 0));
	must(vcpu_init_features(vm, vcpu, 1 << KVM_ARM_VCPU_PSCI_0_2));
	list_count(vcpu, &n);
	check_eq(n, 4 + 42 + 4 * 4 + 5 * 1, "T44 the registers");
	check_eq(sdei_attr(vm, KVM_NB_SDEI_EVENTS, &map), 0, "the same map again");
	check_errno(sdei_attr(vm, KVM_NB_SDEI_EVENTS, &none), EBUSY, "another one");
	must(get_reg(vcpu, KVM_REG_ARM_STD_BMAP, &bmap));
	check_eq(bmap & 2, 2, "the bit is set");
	close(vcpu);
	close(vm);
	close(kvm);
}

static void refused(struct machine *m, const char *name)
{
	check_errno(ioctl(m->vcpu[0], KVM_RUN, 0), EINVAL, name);
	check_eq(m->run[0]->exit_reason, KVM_EXIT_FAIL_ENTRY, "with KVM_EXIT_FAIL_ENTRY");
	check_eq(m->run[0]->fail_entry.hardware_entry_failure_reason, KVM_NB_FAIL_SDEI_STATE, "and its reason");
}

/* The bit of the hypercall bitmap: without it every call is unknown, to a guest that has run before too. */
static void gate(void)
{
	struct machine m = machine_make(ram_make());
	uint64_t bmap = reg(m.vcpu[0], KVM_REG_ARM_STD_BMAP);

	place(&m, 0, 0, guest_version, guest_version_end);
	check_eq(says(&m, 0) >> 48, 1, "T1 VERSION");
	munmap(m.ram, RAM_SIZE);
	machine_drop(&m);
	m = machine_make(ram_make());
	place(&m, 0, 0, guest_version, guest_version_end);
	set(m.vcpu[0], KVM_REG_ARM_STD_BMAP, bmap & ~2UL);
	set(m.vcpu[0], PRIVATE(1, 1), 3);
	set(m.vcpu[0], PRIVATE(1, 2), RAM_GPA + 0x900);
	refused(&m, "an event restored as registered while gated off");
	set(m.vcpu[0], PRIVATE(1, 1), 0);
	check_eq(says(&m, 0), -1, "T1 VERSION while gated off, all 64 bits");
	munmap(m.ram, RAM_SIZE);
	machine_drop(&m);
}

static void bad_value(int vcpu, uint64_t id, uint64_t val, int err, const char *name)
{
	check_errno(set_reg(vcpu, id, &val), err, name);
}

static void values(struct machine *m)
{
	int v = m->vcpu[0];

	bad_value(v, SDEI_REG(0), 2, EINVAL, "another layout");
	bad_value(v, PE, 2, EINVAL, "unknown bit of PE");
	bad_value(v, SUSPEND, 4, EINVAL, "a PC of SYSTEM_SUSPEND without its bit");
	bad_value(v, PRIVATE(0, 1), 2, EINVAL, "enabled, not registered");
	bad_value(v, PRIVATE(0, 1), 1 << 4, EINVAL, "a private event with a route");
	bad_value(v, PRIVATE(0, 0), 5, EINVAL, "another event's identity");
	bad_value(v, SHARED(0, 4), 1UL << 31, EINVAL, "an affinity with other bits");
	bad_value(v, CONTEXT(0, 0), 1UL << 31 | 1UL << 63, EINVAL, "a context of a negative event");
	bad_value(v, PRIVATE(9, 0), 0, ENOENT, "a slot that is not there");
	bad_value(v, PRIVATE(0, 4), 0, ENOENT, "a word that is not there");
	bad_value(v, CONTEXT(0, 21), 0, ENOENT, "a context's word that is not there");
	bad_value(v, (PE & ~KVM_REG_SIZE_MASK) | KVM_REG_SIZE_U32, 0, ENOENT, "32 bits of a register");
}

/* What contradicts each other is found when the window closes, and can be put right. */
static void contradictions(void)
{
	struct machine m = machine_make(ram_make());
	int v = m.vcpu[0];

	place(&m, 0, 0, guest_first, guest_first_end);
	values(&m);
	set(v, CONTEXT(0, 0), 1UL << 63 | EV_P);
	refused(&m, "a context of an event that does not run");
	set(v, PRIVATE(1, 1), 7);
	set(v, PRIVATE(1, 2), RAM_GPA + 0x900);
	set(v, CONTEXT(0, 2), 0x3c9);
	refused(&m, "a context at EL2");
	set(v, CONTEXT(0, 2), 0x3c5);
	set(v, PRIVATE(1, 2), 0);
	refused(&m, "no entry point");
	set(v, PRIVATE(1, 2), RAM_GPA + 0x900);
	set(v, CONTEXT(0, 0), 0);
	refused(&m, "an event that runs without a context");
	set(v, CONTEXT(0, 0), 1UL << 63 | EV_P);
	set(v, CONTEXT(1, 0), 1UL << 63 | EV_P);
	refused(&m, "at two priorities");
	set(v, CONTEXT(1, 0), 0);
	set(v, SHARED(0, 1), 0x11);
	set(v, SHARED(0, 2), RAM_GPA);
	set(v, SHARED(0, 4), 0x77);
	refused(&m, "routed to no PE");
	set(v, SHARED(0, 4), 1);
	check_eq(says(&m, 0), 0, "put right, it runs");
	check_eq(reg(v, PRIVATE(1, 1)), 7, "as restored");
	/* The window is closed: stale values change nothing. */
	set(v, PRIVATE(1, 1), 0);
	set(v, SHARED(0, 1), 0);
	set(v, PE, 0);
	check_eq(reg(v, PRIVATE(1, 1)), 7, "T44 a late write has no effect");
	check_eq(reg(v, SHARED(0, 1)), 0x11, "T44 nor on what the VM has");
	check_eq(reg(v, PE), 1, "T44 nor on the mask");
	bad_value(v, PRIVATE(1, 1), 2, EINVAL, "T44 but is checked");
	munmap(m.ram, RAM_SIZE);
	machine_drop(&m);
}

/* KVM_ARM_VCPU_INIT of all vCPUs in the middle of handlers. */
static void reinit(void)
{
	struct machine m = machine_make(ram_make()), fresh = machine_make(ram_make());
	static struct saved s;
	int64_t v;
	int i;

	place(&m, 0, 0, guest_first, guest_first_end);
	do {
		v = says(&m, 0);
		if (v == 0x200)
			raise_event(&m, EV_P, 0);
		if (v == 0x201)
			raise_event(&m, EV_C, 0);
	} while (v >= -5 && v != 0x202);
	check_eq(reg(m.vcpu[0], CONTEXT(1, 0)) >> 63, 1, "T46 two handlers run");
	for (i = 0; i < NR_VCPUS; i++)
		must(vcpu_init_features(m.fd, m.vcpu[i], 1 << KVM_ARM_VCPU_PSCI_0_2));
	for (i = 0; i < NR_VCPUS; i++) {
		save(&fresh, i, &s);
		check_eq(differences(&m, i, &s), 0, "T46 as new");
	}
	munmap(m.ram, RAM_SIZE);
	munmap(fresh.ram, RAM_SIZE);
	machine_drop(&m);
	machine_drop(&fresh);
}

enum wake { WAKE_PC, WAKE_INIT, WAKE_MOVED };

/* SYSTEM_SUSPEND; the VMM wakes the guest by its PC alone, by KVM_ARM_VCPU_INIT, or in another VM. */
static void suspended(enum wake how)
{
	struct machine m = machine_make(ram_make());
	int i;

	place(&m, 0, 0, guest_suspend, guest_suspend_end);
	for (i = 0; i < 2; i++)
		check_eq(says(&m, 0), 0, "REGISTER");
	while (ioctl(m.vcpu[0], KVM_RUN, 0) < 0 && errno == EINTR)
		;
	check_eq(m.run[0]->exit_reason, KVM_EXIT_SYSTEM_EVENT, "T47 SYSTEM_SUSPEND");
	check_eq(m.run[0]->system_event.type, KVM_SYSTEM_EVENT_SUSPEND, "its type");
	if (how == WAKE_INIT)
		must(vcpu_init_features(m.fd, m.vcpu[0], 1 << KVM_ARM_VCPU_PSCI_0_2));
	if (how == WAKE_MOVED)
		migrate(&m);
	set(m.vcpu[0], REG_PC, RAM_GPA + 0x100);
	set(m.vcpu[0], REG_X(28), MMIO_GPA);
	check_eq(says(&m, 0), 3, "T47 its private event is still there");
	check_eq(says(&m, 0), 1, "T47 so is the shared one");
	check_eq(says(&m, 0), 0, "T47 masked: MASK says it was already");
	munmap(m.ram, RAM_SIZE);
	machine_drop(&m);
}

/* A 32-bit EL1: the call's number with a 64-bit convention, and its twin. */
static void aarch32(void)
{
	static const uint32_t code[] = {
		0xe3000020, /* movw r0, #0x20 */
		0xe34c0400, /* movt r0, #0xc400 */
		0xe1400070, /* hvc #0 */
		0xe5880000, /* str r0, [r8] */
		0xe3000020, /* movw r0, #0x20 */
		0xe3480400, /* movt r0, #0x8400 */
		0xe1400070, /* hvc #0 */
		0xe5880000, /* str r0, [r8] */
	};
	int kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC)), fd = must(ioctl(kvm, KVM_CREATE_VM, 0)), i;
	size_t size = must(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	struct machine m = { .kvm = kvm, .fd = fd, .ram = ram_make() };

	if (ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_EL1_32BIT) > 0) {
		must(opt_in(fd, 0));
		must(set_slot(fd, 0, 0, RAM_GPA, RAM_SIZE, m.ram));
		m.vcpu[0] = must(ioctl(fd, KVM_CREATE_VCPU, 0));
		must(vcpu_init_features(fd, m.vcpu[0], 1 << KVM_ARM_VCPU_PSCI_0_2 | 1 << KVM_ARM_VCPU_EL1_32BIT));
		m.run[0] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, m.vcpu[0], 0);
		must((long)m.run[0]);
		memcpy(m.ram, code, sizeof(code));
		set(m.vcpu[0], REG_PC, RAM_GPA);
		set(m.vcpu[0], REG_X(8), MMIO_GPA);
		/* Nor if the VMM says that event 0 is registered, enabled and pending, and this PE not masked. */
		set(m.vcpu[0], PRIVATE(0, 2), RAM_GPA + 0x800);
		set(m.vcpu[0], PRIVATE(0, 1), 11);
		set(m.vcpu[0], PE, 0);
		for (i = 0; i < 2; i++)
			check_eq((int32_t)says(&m, 0), -1, "T43 an AArch32 EL1 is not served");
		munmap(m.run[0], size);
		close(m.vcpu[0]);
	}
	munmap(m.ram, RAM_SIZE);
	close(fd);
	close(kvm);
}

#define REG_MPIDR	0x603000000013c005UL

/* A PE has its name from the moment that it is written, not from its first KVM_RUN on. */
static void renamed(void)
{
	struct machine m = machine_make(ram_make());
	uint64_t state = 0;

	set(m.vcpu[1], REG_MPIDR, 1UL << 31 | 0x30005);
	set(m.vcpu[1], PRIVATE(1, 2), RAM_GPA + 0x800);
	set(m.vcpu[1], PRIVATE(1, 1), 3);
	check_eq(raise_event(&m, EV_P, 0x30005), 0, "an event for a PE by its new name");
	must(get_reg(m.vcpu[1], PRIVATE(1, 1), &state));
	check_eq(state, 11, "it pends there");
	check_errno(raise_event(&m, EV_P, 1), EINVAL, "by its old name");
	munmap(m.ram, RAM_SIZE);
	machine_drop(&m);
}

#define MAPS	500

static void *maps_main(void *arg)
{
	static struct {
		struct kvm_nb_sdei_events head;
		struct kvm_nb_sdei_event e[200];
	} big;
	struct machine *m = arg;
	unsigned int i;

	for (i = 0; i < 200; i++)
		big.e[i].event = 0x40001000 + i;
	for (i = 0; i < MAPS; i++) {
		big.head.nr = i % 2 ? 200 : 1;
		must(sdei_attr(m->fd, KVM_NB_SDEI_EVENTS, &big));
	}
	__atomic_store_n(&m->ram, NULL, __ATOMIC_RELEASE);
	return NULL;
}

/* Before there is a vCPU the map may change, and events be raised, which nobody has. */
static void map_changes(void)
{
	struct machine m = { .ram = (uint8_t *)&m };
	unsigned int others = 0;
	pthread_t thread;

	m.kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC));
	m.fd = must(ioctl(m.kvm, KVM_CREATE_VM, 0));
	must(opt_in(m.fd, 0));
	must(pthread_create(&thread, NULL, maps_main, &m) ? -1 : 0);
	while (__atomic_load_n(&m.ram, __ATOMIC_ACQUIRE))
		others += raise_event(&m, 0x400010c7, 0) != -1 || errno != EINVAL;
	pthread_join(thread, NULL);
	check_eq(others, 0, "raising while the map changes");
	close(m.fd);
	close(m.kvm);
}

int main(void)
{
	int kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC));

	if (ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_NB_SDEI) <= 0) {
		check(true, "this host has no SDEI");
		return report();
	}
	close(kvm);
	opting_in();
	gate();
	contradictions();
	story(false);
	story(true);
	reinit();
	suspended(WAKE_INIT);
	suspended(WAKE_PC);
	suspended(WAKE_MOVED);
	aarch32();
	renamed();
	map_changes();
	return report();
}
