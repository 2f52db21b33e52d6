// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM that is taken down and built anew from what the ABI shows of it, at every exit to user space: ONE_REG, vCPU events,
 * MP state and memory. Its guest must go on as if nothing had happened, and KVM_RUN must have left nothing undone except the
 * completion of an MMIO access: entering with immediate_exit changes no register after any other exit.
 */
#include <sys/time.h>

#include "kvm.h"

#define SCRATCH		(RAM_GPA + 0x10000)
#define SVC_CALL	0xc3000000U	/* function ids that the VMM answers */
#define PSTATE		CORE(regs.pstate)
#define MARK		0x100		/* offset of stores that ask the VMM for something */
#define STEPS		17

/*
 * x27 gathers what the guest sees; x28 is the device, x26 a word of memory, x25 counts exceptions. Stores to MARK: 1 wait
 * for a signal, 2 make an SError pending, 3 single-step STEPS instructions, 4 an external abort, 5 the second vCPU, 6 the end.
 * ESR_EL1.IL does not count: an external abort that the VMM makes takes it from the last exit on Linux, which does not move.
 */
GUEST(journey,
	"adr x0, 9f; msr vbar_el1, x0; mov x0, #0x300000; msr cpacr_el1, x0; isb;"
	"fmov d8, #1.5; fmov d9, #-7.0; mov x1, #0x55; dup v10.16b, w1; msr tpidr_el0, x28; msr tpidr_el1, x26;"
	"mov x27, #0x4321; movk x27, #0x8765, lsl #48;"
	/* MMIO of every size, stores and loads */
	"str x27, [x28]; str w27, [x28, #8]; strh w27, [x28, #16]; strb w27, [x28, #24];"
	"ldr x1, [x28, #32]; eor x27, x1, x27, ror #7; ldr w1, [x28, #40]; eor x27, x1, x27, ror #7;"
	"ldrh w1, [x28, #48]; eor x27, x1, x27, ror #7; ldrb w1, [x28, #56]; eor x27, x1, x27, ror #7;"
	"ldrsw x1, [x28, #40]; eor x27, x1, x27, ror #7; ldrsb x1, [x28, #56]; eor x27, x1, x27, ror #7;"
	/* an emulated register, an undefined one, then an exit at once */
	"mrs x1, id_aa64pfr0_el1; eor x27, x1, x27, ror #7; mrs x1, s3_0_c15_c15_7; str x25, [x28];"
	/* calls for the VMM by both conduits */
	"mov x0, #1; movk x0, #0xc300, lsl #16; hvc #0; eor x27, x0, x27, ror #7;"
	"mov x0, #2; movk x0, #0xc300, lsl #16; smc #0; eor x27, x0, x27, ror #7;"
	/* no syndrome; a breakpoint of the VMM */
	"mov x1, x28; str x27, [x1], #8; eor x27, x1, x27, ror #7; brk #5; eor x27, x0, x27, ror #7;"
	/* PSCI: suspend (denied), reset, off: the VMM lets it go on */
	"mov x0, #0xe; movk x0, #0xc400, lsl #16; adr x1, 9f; hvc #0; eor x27, x0, x27, ror #7;"
	"mov x0, #9; movk x0, #0x8400, lsl #16; hvc #0; eor x27, x0, x27, ror #7;"
	"mov x0, #8; movk x0, #0x8400, lsl #16; smc #0; eor x27, x0, x27, ror #7;"
	/* until a signal, and the VMM writes memory */
	"mov x1, #1; str x1, [x28, #0x100]; 1: ldr x1, [x26]; cbz x1, 1b; eor x27, x1, x27, ror #7;"
	/* an SError that waits for PSTATE.A */
	"mov x1, #2; str x1, [x28, #0x100]; str x25, [x28]; msr daifclr, #4; isb; nop; str x23, [x28]; msr daifset, #4;"
	/* single steps over instructions that are emulated, undefined, and calls */
	"mov x1, #3; str x1, [x28, #0x100]; add x1, x1, #1; mrs x2, id_aa64isar0_el1; mrs x3, s3_0_c15_c15_7;"
	"mov x0, #0x84000000; hvc #0; nop; eor x27, x0, x27, ror #7; nop; nop; nop; nop; nop;"
	"eor x27, x2, x27, ror #7; eor x27, x25, x27, ror #7;"
	"mov x1, #4; str x1, [x28, #0x100]; str x23, [x28]; str x25, [x28];"
	/* another vCPU, powered on but not yet run */
	"mov x0, #3; movk x0, #0xc400, lsl #16; mov x1, #1; adr x2, 8f; mov x3, x28; hvc #0; mov x1, #5; str x1, [x28, #0x100];"
	"fadd d8, d8, d9; fmov x1, d8; eor x27, x1, x27, ror #7; mov x1, v10.d[1]; eor x27, x1, x27, ror #7;"
	"mrs x1, tpidr_el0; eor x27, x1, x27, ror #7; mrs x1, tpidr_el1; eor x27, x1, x27, ror #7;"
	"str x27, [x28, #64]; mov x1, #6; str x1, [x28, #0x100]; 2: b 2b;"
	"8: mrs x1, mpidr_el1; str x1, [x0]; 3: b 3b;"
	".org guest_journey + 0x800; 9: .org guest_journey + 0x800 + 0x200;"
	"add x25, x25, #1; mrs x23, esr_el1; bic x23, x23, #0x2000000; eor x27, x23, x27, ror #7; mrs x24, elr_el1; add x24, x24, #4; msr elr_el1, x24; eret;"
	".org guest_journey + 0x800 + 0x380; add x25, x25, #16; mrs x23, esr_el1; bic x23, x23, #0x2000000; eor x27, x23, x27, ror #7; eret;"
	".org guest_journey + 0x1000");

/* One exit, as the VMM saw it. */
struct seen {
	uint32_t reason, n;
	uint64_t a, b, x27;
};
#define EXITS_MAX	128
struct trace {
	unsigned int n;
	struct seen at[EXITS_MAX];
};

struct cpu_snapshot {
	struct kvm_reg_list *list;
	__uint128_t *val;
	struct kvm_vcpu_events events;
	struct kvm_mp_state mp;
};

struct machine {
	struct vm vm;
	int second;
	struct kvm_run *second_run;
	unsigned int steps;		/* single steps still to make */
	uint64_t pc_outside;		/* exits outside single-stepping show no PC */
};

static unsigned int differ, undone, exits;

static void on_alarm(int sig)
{
}

static void debug(struct machine *m)
{
	struct kvm_guest_debug d = { .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP };

	if (m->steps)
		d.control |= KVM_GUESTDBG_SINGLESTEP;
	must(ioctl(m->vm.vcpu, KVM_SET_GUEST_DEBUG, &d));
}

/* A VM as the VMM configures it, without a guest's state. */
static struct machine machine_make(unsigned int steps)
{
	struct kvm_smccc_filter filter = { .base = SVC_CALL, .nr_functions = 16,
					   .action = KVM_SMCCC_FILTER_FWD_TO_USER };
	struct kvm_device_attr a = { .group = KVM_ARM_VM_SMCCC_CTRL, .attr = KVM_ARM_VM_SMCCC_FILTER,
				     .addr = (uintptr_t)&filter };
	struct kvm_enable_cap nisv = { .cap = KVM_CAP_ARM_NISV_TO_USER };
	struct kvm_enable_cap suspend = { .cap = KVM_CAP_ARM_SYSTEM_SUSPEND };
	struct machine m = { .vm = VM(journey), .steps = steps };

	must(ioctl(m.vm.fd, KVM_SET_DEVICE_ATTR, &a));
	must(ioctl(m.vm.fd, KVM_ENABLE_CAP, &nisv));
	must(ioctl(m.vm.fd, KVM_ENABLE_CAP, &suspend));
	m.second = vcpu_add(&m.vm, 1, 1 << KVM_ARM_VCPU_PSCI_0_2 | 1 << KVM_ARM_VCPU_POWER_OFF);
	m.second_run = vcpu_map(&m.vm, m.second);
	set(m.vm.vcpu, REG_X(26), SCRATCH);
	debug(&m);
	return m;
}

static void machine_drop(struct machine *m)
{
	munmap(m->second_run, m->vm.run_size);
	close(m->second);
	vm_drop(&m->vm);
}

static void cpu_save(int vcpu, struct cpu_snapshot *s)
{
	struct kvm_reg_list n = { 0 };
	uint64_t i;

	ioctl(vcpu, KVM_GET_REG_LIST, &n);
	s->list = calloc(1, sizeof(*s->list) + n.n * 8);
	s->list->n = n.n;
	must(ioctl(vcpu, KVM_GET_REG_LIST, s->list));
	s->val = calloc(n.n, sizeof(*s->val));
	for (i = 0; i < n.n; i++)
		must(get_reg(vcpu, s->list->reg[i], &s->val[i]));
	must(ioctl(vcpu, KVM_GET_VCPU_EVENTS, &s->events));
	must(ioctl(vcpu, KVM_GET_MP_STATE, &s->mp));
}

static void cpu_free(struct cpu_snapshot *s)
{
	free(s->list);
	free(s->val);
}

static bool is_counter(uint64_t id)
{
	return id == KVM_REG_ARM_TIMER_CNT || id == KVM_REG_ARM_PTIMER_CNT;
}

static void cpu_restore(int vcpu, const struct cpu_snapshot *s)
{
	uint64_t i;

	for (i = 0; i < s->list->n; i++)
		if (set_reg(vcpu, s->list->reg[i], &s->val[i])) {
			printf("# cannot restore %#llx: %s\n", (long long)s->list->reg[i], strerror(errno));
			differ++;
		}
	must(ioctl(vcpu, KVM_SET_VCPU_EVENTS, &s->events));
	must(ioctl(vcpu, KVM_SET_MP_STATE, &s->mp));
}

/* How many registers and other facts of the vCPU are not as in @s; @what says when. */
static unsigned int cpu_compare(int vcpu, const struct cpu_snapshot *s, const char *what)
{
	struct cpu_snapshot now;
	unsigned int bad = 0;
	uint64_t i;

	cpu_save(vcpu, &now);
	bad += now.list->n != s->list->n;
	for (i = 0; i < now.list->n && i < s->list->n; i++) {
		if (now.list->reg[i] == s->list->reg[i] && now.val[i] == s->val[i])
			continue;
		if (is_counter(now.list->reg[i]))
			continue;
		printf("# exit %u, %s: register %#llx is %#llx, was %#llx\n", exits, what, (long long)now.list->reg[i],
		       (long long)now.val[i], (long long)s->val[i]);
		bad++;
	}
	bad += memcmp(&now.events, &s->events, sizeof(now.events)) != 0 || now.mp.mp_state != s->mp.mp_state;
	cpu_free(&now);
	return bad;
}

/* Enter and leave at once: an MMIO access is completed, nothing else happens. */
static void enter_nothing(struct machine *m)
{
	m->vm.run->immediate_exit = 1;
	if (ioctl(m->vm.vcpu, KVM_RUN, 0) != -1 || errno != EINTR)
		printf("# immediate_exit did not: %s\n", strerror(errno));
	m->vm.run->immediate_exit = 0;
}

/* Replace *m by a VM built from its snapshot. @mmio: an access is to be completed first. */
static void migrate(struct machine *m, bool mmio)
{
	struct kvm_run run = *m->vm.run;
	struct cpu_snapshot first, other;
	struct machine to;

	exits++;
	cpu_save(m->vm.vcpu, &first);
	/* A stopped vCPU would wait: completing is for those that may run. */
	if (first.mp.mp_state == KVM_MP_STATE_RUNNABLE)
		enter_nothing(m);
	if (!mmio)
		undone += cpu_compare(m->vm.vcpu, &first, "left undone");
	cpu_free(&first);
	cpu_save(m->vm.vcpu, &first);
	cpu_save(m->second, &other);
	to = machine_make(m->steps);
	memcpy(to.vm.ram, m->vm.ram, RAM_SIZE);
	machine_drop(m);
	cpu_restore(to.vm.vcpu, &first);
	cpu_restore(to.second, &other);
	differ += cpu_compare(to.vm.vcpu, &first, "restored");
	differ += cpu_compare(to.second, &other, "restored (second)");
	cpu_free(&first);
	cpu_free(&other);
	memcpy(to.vm.run, &run, sizeof(run));
	*m = to;
}

static void reason_add(struct machine *m, struct trace *t, uint32_t reason, uint32_t n, uint64_t a, uint64_t b)
{
	if (t->n < EXITS_MAX)
		t->at[t->n++] = (struct seen){ reason, n, a, b, reg(m->vm.vcpu, REG_X(27)) };
}

static void runnable(struct machine *m)
{
	struct kvm_mp_state s = { .mp_state = KVM_MP_STATE_RUNNABLE };

	must(ioctl(m->vm.vcpu, KVM_SET_MP_STATE, &s));
}

/* What the guest asked for by a store to MARK; false: the end. The access is complete already if the VM was migrated. */
static bool marked(struct machine *m, uint64_t what, struct trace *t)
{
	struct kvm_vcpu_events e = { .exception.serror_pending = 1 };
	struct itimerval soon = { .it_value.tv_usec = 30000 };

	switch (what) {
	case 1:
		must(setitimer(ITIMER_REAL, &soon, NULL));
		break;
	case 2:
		e.exception.serror_has_esr = ioctl(m->vm.kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_INJECT_SERROR_ESR) > 0;
		e.exception.serror_esr = e.exception.serror_has_esr ? 0x77 : 0;
		must(ioctl(m->vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
		break;
	case 3:
		enter_nothing(m);	/* or the store itself would be stepped over */
		m->steps = STEPS;
		debug(m);
		break;
	case 4:
		enter_nothing(m);
		e = (struct kvm_vcpu_events){ .exception.ext_dabt_pending = 1 };
		must(ioctl(m->vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
		break;
	case 5: {
		struct vm second = m->vm;

		second.vcpu = m->second;
		second.run = m->second_run;
		reason_add(m, t, 1000, 0, guest_says(&second, 0), 0);
		break;
	}
	case 6:
		return false;
	}
	return true;
}

/* What the VMM has to do about the exit; false: the end. */
static bool serve(struct machine *m, struct trace *t, bool migrating)
{
	struct kvm_run *r = m->vm.run;
	uint64_t data = 0, pc;
	struct seen *s = &t->at[t->n - 1];

	switch (r->exit_reason) {
	case KVM_EXIT_MMIO:
		memcpy(&data, r->mmio.data, r->mmio.len);
		if (!r->mmio.is_write) {
			data = 0x8182838485868788 * (r->mmio.phys_addr - MMIO_GPA + 1);
			memcpy(r->mmio.data, &data, 8);
		}
		if (migrating)
			migrate(m, true);
		if (s->a == MMIO_GPA + MARK)
			return marked(m, data, t);
		return true;
	default:
		break;
	}
	if (migrating)
		migrate(m, false);
	r = m->vm.run;
	pc = reg(m->vm.vcpu, REG_PC);
	switch (r->exit_reason) {
	case KVM_EXIT_HYPERCALL:
		set(m->vm.vcpu, REG_X(0), 0x1234567 * r->hypercall.nr);
		break;
	case KVM_EXIT_ARM_NISV:
		set(m->vm.vcpu, REG_PC, pc + 4);
		set(m->vm.vcpu, REG_X(1), MMIO_GPA + 8);
		break;
	case KVM_EXIT_DEBUG:
		if (!m->steps)
			set(m->vm.vcpu, REG_PC, pc + 4);
		else if (!--m->steps)
			debug(m);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		if (r->system_event.type == KVM_SYSTEM_EVENT_SUSPEND)
			set(m->vm.vcpu, REG_X(0), -3UL);
		else
			runnable(m);
		break;
	case KVM_EXIT_INTR:
		*(uint64_t *)(m->vm.ram + (SCRATCH - RAM_GPA)) = 0x1999;
		break;
	default:
		return false;
	}
	return true;
}

static void note(struct machine *m, struct trace *t)
{
	struct kvm_run *r = m->vm.run;
	uint64_t data = 0;

	switch (r->exit_reason) {
	case KVM_EXIT_MMIO:
		if (r->mmio.is_write)
			memcpy(&data, r->mmio.data, r->mmio.len);
		reason_add(m, t, KVM_EXIT_MMIO, r->mmio.len << 1 | r->mmio.is_write, r->mmio.phys_addr, data);
		break;
	case KVM_EXIT_HYPERCALL:
		reason_add(m, t, KVM_EXIT_HYPERCALL, r->hypercall.flags, r->hypercall.nr, reg(m->vm.vcpu, REG_PC));
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		reason_add(m, t, KVM_EXIT_SYSTEM_EVENT, r->system_event.type, reg(m->vm.vcpu, REG_PC), 0);
		break;
	case KVM_EXIT_ARM_NISV:
		reason_add(m, t, KVM_EXIT_ARM_NISV, 0, r->arm_nisv.esr_iss, r->arm_nisv.fault_ipa);
		break;
	case KVM_EXIT_DEBUG:
		reason_add(m, t, KVM_EXIT_DEBUG, r->debug.arch.hsr, reg(m->vm.vcpu, REG_PC), 0);
		break;
	default:
		reason_add(m, t, r->exit_reason, 0, 0, 0);
		break;
	}
}

/* The whole journey; how many exits it took. */
static void travel(struct trace *t, bool migrating)
{
	struct machine m = machine_make(0);

	t->n = 0;
	do {
		if (ioctl(m.vm.vcpu, KVM_RUN, 0) < 0 && errno != EINTR) {
			printf("# KVM_RUN: %s\n", strerror(errno));
			break;
		}
		note(&m, t);
	} while (t->n < EXITS_MAX && serve(&m, t, migrating));
	machine_drop(&m);
}

static unsigned int count(const struct trace *t, uint32_t reason)
{
	unsigned int i, n = 0;

	for (i = 0; i < t->n; i++)
		n += t->at[i].reason == reason;
	return n;
}

static void dump(const struct trace *t, const struct trace *o)
{
	unsigned int i;

	for (i = 0; i < t->n; i++)
		if (i >= o->n || memcmp(&t->at[i], &o->at[i], sizeof(t->at[i])))
			printf("# exit %u: reason %u %#x %#lx %#lx %#lx; migrated: %u %#x %#lx %#lx %#lx\n", i,
			       t->at[i].reason, t->at[i].n, t->at[i].a, t->at[i].b, t->at[i].x27, o->at[i].reason,
			       o->at[i].n, o->at[i].a, o->at[i].b, o->at[i].x27);
}

int main(int argc, char **argv)
{
	static struct trace plain, moved, none;
	unsigned int last;

	handle(SIGALRM, on_alarm, 0);
	travel(&plain, false);
	last = plain.n - 1;
	if (argc > 1)
		dump(&plain, &none);	/* to compare hosts */
	check(plain.at[last].reason == KVM_EXIT_MMIO && plain.at[last].b == 6, "the guest reaches its end");
	check(count(&plain, KVM_EXIT_MMIO) > 20, "exits: MMIO");
	check_eq(count(&plain, KVM_EXIT_HYPERCALL), 2, "exits: hypercalls");
	check_eq(count(&plain, KVM_EXIT_ARM_NISV), 1, "exits: no syndrome");
	check_eq(count(&plain, KVM_EXIT_SYSTEM_EVENT), 3, "exits: system events");
	check_eq(count(&plain, KVM_EXIT_DEBUG), 1 + STEPS, "exits: a breakpoint and single steps");
	check_eq(count(&plain, KVM_EXIT_INTR), 1, "exits: a signal");
	check_eq(count(&plain, 1000), 1, "the second vCPU");
	travel(&moved, true);
	printf("# %u exits, %u machines\n", plain.n, exits + 1);
	check_eq(undone, 0, "KVM_RUN left nothing undone but MMIO completions");
	check_eq(differ, 0, "every register, event and MP state came over");
	dump(&plain, &moved);
	check_eq(moved.n, plain.n, "the guest makes as many exits when it moves at each");
	check(!memcmp(&moved, &plain, sizeof(plain)), "and all the same");
	return report();
}
