// SPDX-License-Identifier: GPL-2.0-only
/* ONE_REG: the list, every register on it, ID registers before and after the VM ran; vCPU events and states; attributes. */
#include "kvm.h"

#define SYS(op0, op1, crn, crm, op2)	ARM64_SYS_REG(op0, op1, crn, crm, op2)
#define REG_PSTATE	CORE(regs.pstate)
#define ID_ISAR0	SYS(3, 0, 0, 6, 0)
#define ID_PFR0		SYS(3, 0, 0, 4, 0)

/* Stores its x0 to the VMM's address, for ever. */
GUEST(store, "1: str x0, [x28]\n b 1b");

static struct kvm_reg_list *list_get(int vcpu)
{
	struct kvm_reg_list n = { 0 }, *l;

	check_errno(ioctl(vcpu, KVM_GET_REG_LIST, &n), E2BIG, "list without room");
	check(n.n > 200, "the list has registers");
	n.n = 1UL << 32;
	check_errno(ioctl(vcpu, KVM_GET_REG_LIST, &n), E2BIG, "room is a number of 32 bits");
	l = calloc(1, sizeof(*l) + n.n * sizeof(l->reg[0]));
	l->n = n.n;
	check_eq(ioctl(vcpu, KVM_GET_REG_LIST, l), 0, "list");
	check_eq(l->n, n.n, "its length");
	return l;
}

static bool listed(const struct kvm_reg_list *l, uint64_t id)
{
	for (uint64_t i = 0; i < l->n; i++)
		if (l->reg[i] == id)
			return true;
	return false;
}

/* The timers' counts move, so what was read is in the past by the time it is written: skip those. */
static bool is_counter(uint64_t id)
{
	return id == SYS(3, 3, 14, 3, 2) || id == SYS(3, 3, 14, 0, 1);
}

static void every_register(int vcpu, const struct kvm_reg_list *l)
{
	uint64_t buf[32], got = 0, same = 0, twice = 0, n = 0;

	for (uint64_t i = 0; i < l->n; i++) {
		memset(buf, 0, sizeof(buf));
		n++;
		for (uint64_t j = 0; j < i; j++)
			twice += l->reg[i] == l->reg[j];
		if (get_reg(vcpu, l->reg[i], buf)) {
			printf("# cannot read %#llx: %s\n", (unsigned long long)l->reg[i], strerror(errno));
			continue;
		}
		got++;
		if (is_counter(l->reg[i]) || !set_reg(vcpu, l->reg[i], buf))
			same++;
		else
			printf("# cannot write back %#llx: %s\n", (unsigned long long)l->reg[i], strerror(errno));
	}
	check_eq(got, n, "every listed register can be read");
	check_eq(same, n, "and written back");
	check_eq(twice, 0, "none stands twice");
}

/* What every VMM relies on, by Linux's numbers. */
static void known_registers(const struct kvm_reg_list *l)
{
	static const struct {
		uint64_t id;
		const char *name;
	} want[] = {
		{ CORE(regs.regs[0]), "x0" }, { CORE(regs.sp), "sp" }, { CORE(regs.pc), "pc" },
		{ CORE(regs.pstate), "pstate" }, { CORE(sp_el1), "SP_EL1" }, { CORE(elr_el1), "ELR_EL1" },
		{ CORE(spsr[0]), "SPSR_EL1" }, { CORE(spsr[4]), "SPSR_fiq" },
		{ KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(fp_regs.vregs[31]), "v31" },
		{ KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(fp_regs.fpcr), "FPCR" },
		{ SYS(3, 0, 0, 0, 5), "MPIDR_EL1" }, { SYS(3, 0, 1, 0, 0), "SCTLR_EL1" },
		{ SYS(3, 0, 1, 0, 1), "ACTLR_EL1" }, { SYS(3, 0, 1, 0, 2), "CPACR_EL1" },
		{ SYS(3, 0, 2, 0, 0), "TTBR0_EL1" }, { SYS(3, 0, 2, 0, 1), "TTBR1_EL1" },
		{ SYS(3, 0, 2, 0, 2), "TCR_EL1" }, { SYS(3, 0, 5, 1, 0), "AFSR0_EL1" },
		{ SYS(3, 0, 5, 2, 0), "ESR_EL1" }, { SYS(3, 0, 6, 0, 0), "FAR_EL1" },
		{ SYS(3, 0, 7, 4, 0), "PAR_EL1" }, { SYS(3, 0, 10, 2, 0), "MAIR_EL1" },
		{ SYS(3, 0, 10, 3, 0), "AMAIR_EL1" }, { SYS(3, 0, 12, 0, 0), "VBAR_EL1" },
		{ SYS(3, 0, 13, 0, 1), "CONTEXTIDR_EL1" }, { SYS(3, 0, 13, 0, 4), "TPIDR_EL1" },
		{ SYS(3, 0, 14, 1, 0), "CNTKCTL_EL1" }, { SYS(3, 2, 0, 0, 0), "CSSELR_EL1" },
		{ SYS(3, 3, 13, 0, 2), "TPIDR_EL0" }, { SYS(3, 3, 13, 0, 3), "TPIDRRO_EL0" },
		{ SYS(3, 3, 14, 3, 1), "CNTV_CTL_EL0" }, { SYS(3, 3, 14, 3, 2), "the virtual count" },
		{ SYS(3, 3, 14, 0, 2), "CNTV_CVAL_EL0" }, { SYS(2, 0, 0, 2, 2), "MDSCR_EL1" },
		{ SYS(2, 0, 0, 15, 7), "DBGWCR15_EL1" }, { ID_PFR0, "ID_AA64PFR0_EL1" },
		{ SYS(3, 0, 0, 7, 7), "the last ID register" }, { SYS(3, 4, 3, 0, 0), "DACR32_EL2" },
		{ KVM_REG_ARM_FW_REG(0), "PSCI_VERSION" }, { KVM_REG_ARM_FW_FEAT_BMAP_REG(0), "STD_BMAP" },
	};

	for (unsigned int i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		check(listed(l, want[i].id), want[i].name);
}

static void core_registers(int vcpu)
{
	uint64_t v = 0;
	uint32_t w;
	__uint128_t q = (__uint128_t)1 << 100 | 7, r = 0;
	uint64_t id = KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(fp_regs.vregs[5]);

	check_eq(reg(vcpu, REG_PSTATE), 0x3c5, "reset PSTATE: EL1h, all masked");
	set(vcpu, REG_PSTATE, 0x3c4);
	check_eq(reg(vcpu, REG_PSTATE), 0x3c4, "EL1t");
	v = 0x3c9;
	check_errno(set_reg(vcpu, REG_PSTATE, &v), EINVAL, "EL2h");
	v = 0x13;
	check_errno(set_reg(vcpu, REG_PSTATE, &v), EINVAL, "AArch32 supervisor");
	set(vcpu, REG_PSTATE, 0x3c5);
	check_eq(set_reg(vcpu, id, &q), 0, "v5");
	check_eq(get_reg(vcpu, id, &r), 0, "v5 again");
	check(q == r, "v5 holds its value");
	check_errno(get_reg(vcpu, (REG_PC & ~KVM_REG_SIZE_MASK) | KVM_REG_SIZE_U32, &w), EINVAL, "pc with 32 bits");
	check_errno(get_reg(vcpu, REG_PC + 1, &v), EINVAL, "half of a register");
	check_errno(get_reg(vcpu, KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | 0xfff0, &v), ENOENT,
		    "core register beyond the end");
	check_errno(get_reg(vcpu, KVM_REG_X86 | KVM_REG_SIZE_U64, &v), EINVAL, "register of another machine");
	check_errno(get_reg(vcpu, SYS(3, 0, 15, 15, 7), &v), ENOENT, "unknown system register");
	check_errno(get_reg(vcpu, REG_PC, NULL), EFAULT, "value to NULL");
}

static void id_registers(int vcpu)
{
	uint64_t isar0 = reg(vcpu, ID_ISAR0), v = isar0;

	check(isar0 & 0xf0, "the CPU has AES");
	check(!(reg(vcpu, ID_PFR0) >> 32 & 0xf), "no SVE unless asked for");
	check_eq(reg(vcpu, SYS(3, 0, 0, 7, 7)), 0, "unallocated ID register reads zero");
	check_eq(set_reg(vcpu, ID_ISAR0, &v), 0, "ID register: same value");
	v = isar0 - 0x10;
	check_eq(set_reg(vcpu, ID_ISAR0, &v), 0, "a level less of AES");
	check_eq(reg(vcpu, ID_ISAR0), (long)v, "it stays");
	v = isar0;
	check_eq(set_reg(vcpu, ID_ISAR0, &v), 0, "up to what was offered");
	v = isar0 | 0xf0;
	check_errno(set_reg(vcpu, ID_ISAR0, &v), EINVAL, "more than there is");
	v = 1;
	check_errno(set_reg(vcpu, SYS(3, 0, 0, 7, 7), &v), EINVAL, "unallocated ID register");
}

static void states(int vcpu)
{
	struct kvm_mp_state s = { 0 };
	struct kvm_vcpu_events e;
	struct kvm_vcpu_init off = { .target = KVM_ARM_TARGET_GENERIC_V8,
				     .features = { 1 << KVM_ARM_VCPU_PSCI_0_2 | 1 << KVM_ARM_VCPU_POWER_OFF } };

	check_eq(ioctl(vcpu, KVM_GET_MP_STATE, &s), 0, "MP state");
	check_eq(s.mp_state, KVM_MP_STATE_RUNNABLE, "runnable");
	s.mp_state = KVM_MP_STATE_HALTED;
	check_errno(ioctl(vcpu, KVM_SET_MP_STATE, &s), EINVAL, "halted is not ours");
	s.mp_state = KVM_MP_STATE_STOPPED;
	check_eq(ioctl(vcpu, KVM_SET_MP_STATE, &s), 0, "stopped");
	check_eq(ioctl(vcpu, KVM_ARM_VCPU_INIT, &off), 0, "init powered off");
	check(!ioctl(vcpu, KVM_GET_MP_STATE, &s) && s.mp_state == KVM_MP_STATE_STOPPED, "stopped by init");
	off.features[0] = 1 << KVM_ARM_VCPU_PSCI_0_2;
	check_eq(ioctl(vcpu, KVM_ARM_VCPU_INIT, &off), 0, "init");
	check(!ioctl(vcpu, KVM_GET_MP_STATE, &s) && s.mp_state == KVM_MP_STATE_RUNNABLE, "runnable by init");
	memset(&e, 0xff, sizeof(e));
	check_eq(ioctl(vcpu, KVM_GET_VCPU_EVENTS, &e), 0, "events");
	check_eq(e.exception.serror_pending, 0, "no SError");
	e.reserved[3] = 1;
	check_errno(ioctl(vcpu, KVM_SET_VCPU_EVENTS, &e), EINVAL, "reserved field");
	memset(&e, 0, sizeof(e));
	e.exception.serror_pending = 1;
	check_eq(ioctl(vcpu, KVM_SET_VCPU_EVENTS, &e), 0, "SError");
	memset(&e, 0, sizeof(e));
	check(!ioctl(vcpu, KVM_GET_VCPU_EVENTS, &e) && e.exception.serror_pending, "is pending");
}

static void signal_mask(int vcpu)
{
	struct {
		struct kvm_signal_mask m;
		uint8_t set[8];
	} m = { .m.len = 4 };

	check_errno(ioctl(vcpu, KVM_SET_SIGNAL_MASK, &m), EINVAL, "signal mask of another size");
	m.m.len = 8;
	check_eq(ioctl(vcpu, KVM_SET_SIGNAL_MASK, &m), 0, "signal mask");
	check_eq(ioctl(vcpu, KVM_SET_SIGNAL_MASK, NULL), 0, "no signal mask");
}

static void attributes(struct vm *vm)
{
	uint32_t irq = 0;
	struct kvm_device_attr a = { .group = KVM_ARM_VCPU_TIMER_CTRL, .attr = KVM_ARM_VCPU_TIMER_IRQ_VTIMER,
				     .addr = (uintptr_t)&irq };
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_NISV_TO_USER };
	struct kvm_create_device d = { .type = 99 };

	check_eq(ioctl(vm->vcpu, KVM_HAS_DEVICE_ATTR, &a), 0, "timer attribute");
	check_eq(ioctl(vm->vcpu, KVM_GET_DEVICE_ATTR, &a), 0, "virtual timer's interrupt");
	check_eq(irq, 27, "is 27");
	a.group = 77;
	check_errno(ioctl(vm->vcpu, KVM_HAS_DEVICE_ATTR, &a), ENXIO, "unknown group");
	a.group = KVM_ARM_VM_SMCCC_CTRL;
	a.attr = KVM_ARM_VM_SMCCC_FILTER;
	check_eq(ioctl(vm->fd, KVM_HAS_DEVICE_ATTR, &a), 0, "hypercall filter");
	a.attr = 5;
	check_errno(ioctl(vm->fd, KVM_HAS_DEVICE_ATTR, &a), ENXIO, "unknown attribute of the VM");
	check_eq(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), 0, "NISV to user");
	cap.cap = 9999;
	check_errno(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL, "unknown capability");
	check_errno(ioctl(vm->fd, KVM_CREATE_DEVICE, &d), ENODEV, "unknown device");
	check_errno(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0), ENODEV, "GICv2");
	check_errno(ioctl(vm->fd, 0x12345678, 0), EINVAL, "unknown ioctl on a VM");
	check_errno(ioctl(vm->vcpu, 0x12345678, 0), EINVAL, "unknown ioctl on a vCPU");
	check_errno(ioctl(vm->vcpu, KVM_ENABLE_CAP, &cap), EINVAL, "KVM_ENABLE_CAP on a vCPU");
}

static volatile sig_atomic_t alarms;

static void on_alarm(int sig)
{
	alarms++;
}

static void after_run(struct vm *vm)
{
	uint64_t isar0 = reg(vm->vcpu, ID_ISAR0), v = isar0;

	set(vm->vcpu, REG_PC, RAM_GPA);
	set(vm->vcpu, REG_X(28), MMIO_GPA);
	set(vm->vcpu, REG_X(0), 0x77);
	check_eq(guest_says(vm, 0), 0x77, "the guest runs");
	check_eq(set_reg(vm->vcpu, ID_ISAR0, &v), 0, "ID register after the run: same value");
	v -= 0x10;
	check_errno(set_reg(vm->vcpu, ID_ISAR0, &v), EBUSY, "ID register after the run");
}

/* Like vcpu_run, but a signal ends it. */
static int run_until_signal(struct vm *vm)
{
	return ioctl(vm->vcpu, KVM_RUN, 0) < 0 ? -errno : (int)vm->run->exit_reason;
}

static void dirty_log_run(struct vm *vm)
{
	uint64_t bits[RAM_SIZE / 4096 / 64];
	struct kvm_dirty_log log = { .slot = 0, .dirty_bitmap = bits };
	struct kvm_clear_dirty_log clear = { .slot = 0, .first_page = 1, .num_pages = 64, .dirty_bitmap = bits };

	check_errno(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), ENOENT, "dirty log not kept");
	log.slot = 3;
	check_errno(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), ENOENT, "dirty log of no slot");
	log.slot = 40000;
	check_errno(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), EINVAL, "dirty log of an impossible slot");
	log.slot = 0;
	check_eq(set_slot(vm->fd, 0, KVM_MEM_LOG_DIRTY_PAGES, RAM_GPA, RAM_SIZE, vm->ram), 0, "logging on");
	check_errno(ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &clear), EINVAL, "clearing from an odd page");
	set(vm->vcpu, REG_X(28), RAM_GPA + 0x7000);
	handle(SIGALRM, on_alarm, 0);
	alarm(1);
	check_eq(run_until_signal(vm), -EINTR, "the guest writes until the alarm");
	check_eq(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), 0, "dirty log");
	check_eq(bits[0], 1 << 7, "its page is dirty");
	check_eq(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), 0, "dirty log again");
	check_eq(bits[0], 0, "it is clean");
	alarm(1);
	check_eq(run_until_signal(vm), -EINTR, "the guest writes again");
	check_eq(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), 0, "dirty log");
	check_eq(bits[0], 1 << 7, "dirty again");
	check_eq(set_slot(vm->fd, 0, 0, RAM_GPA, RAM_SIZE, vm->ram), 0, "logging off");
}

int main(void)
{
	struct vm vm = VM(store);
	struct kvm_reg_list *l = list_get(vm.vcpu);

	known_registers(l);
	every_register(vm.vcpu, l);
	core_registers(vm.vcpu);
	id_registers(vm.vcpu);
	states(vm.vcpu);
	must(vcpu_init_features(vm.fd, vm.vcpu, 1 << KVM_ARM_VCPU_PSCI_0_2));
	signal_mask(vm.vcpu);
	attributes(&vm);
	after_run(&vm);
	dirty_log_run(&vm);
	free(l);
	vm_drop(&vm);
	return report();
}
