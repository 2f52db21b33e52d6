// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a VMM makes happen to a vCPU from outside: SError, external aborts, stop
 * and suspend.
 */
#include "kvm.h"

#define VBAR		ARM64_SYS_REG(3, 0, 12, 0, 0)
#define VECTORS		0x1000
#define HAS_RAS(vm)	(reg((vm)->vcpu, ARM64_SYS_REG(3, 0, 0, 4, 0)) >> 28 & 15)

GUEST(serror, "str xzr, [x28]; msr daifclr, #4; isb; 1: b 1b");
/* Vector for SError and for synchronous exceptions of EL1 with SP_EL1. */
GUEST(tell, "mrs x10, esr_el1; str x10, [x28, #0x100]; mrs x10, far_el1; str x10, [x28, #0x108]; mrs x10, spsr_el1;"
	"str x10, [x28, #0x110]; 1: b 1b");
GUEST(load, "ldr x0, [x28, #8]; 1: b 1b");
GUEST(pair, "ldp x0, x1, [x28, #16]; str x0, [x28]; 1: b 1b");
GUEST(suspend, "movz x0, #0xe; movk x0, #0xc400, lsl #16; mov x1, #0x40000000; add x1, x1, #0x2000; mov x2, #77; hvc #0;"
	"str x0, [x28]; 1: b 1b");
GUEST(resume, "str x0, [x28, #0x20]; 1: b 1b");
GUEST(idle, "str xzr, [x28]; 1: wfi; b 1b");
static struct vm with_vectors(struct vm vm)
{
	memcpy(vm.ram + VECTORS + 0x200, guest_tell, guest_tell_end - guest_tell);
	memcpy(vm.ram + VECTORS + 0x380, guest_tell, guest_tell_end - guest_tell);
	set(vm.vcpu, VBAR, RAM_GPA + VECTORS);
	return vm;
}

static struct kvm_vcpu_events events(struct vm *vm)
{
	struct kvm_vcpu_events e;

	must(ioctl(vm->vcpu, KVM_GET_VCPU_EVENTS, &e));
	return e;
}

static void serror(bool with)
{
	struct vm vm = with_vectors(VM(serror));
	struct kvm_vcpu_events e = { .exception.serror_pending = 1 };

	if (!HAS_RAS(&vm))
		with = false;
	if (with) {
		e.exception.serror_has_esr = 1;
		e.exception.serror_esr = 1UL << 32;
		check_errno(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e), EINVAL, "a syndrome of more than 25 bits");
		e.exception.serror_esr = 0x1234;
	}
	check_eq(guest_says(&vm, 0), 0, "(the guest runs, SError masked)");
	must(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
	check_eq(events(&vm).exception.serror_pending, 1, "SError is pending");
	if (HAS_RAS(&vm))
		check_eq(events(&vm).exception.serror_esr, with ? 0x1234 : 1 << 24, "its syndrome");
	check_eq(guest_says(&vm, 0x100), 0x2fUL << 26 | 1 << 25 | (with ? 0x1234 : 1 << 24), "the guest takes it unmasked");
	check_eq(events(&vm).exception.serror_pending, 0, "then it is not pending");
	vm_drop(&vm);
}

static void abort_of_load(void)
{
	struct vm vm = with_vectors(VM(load));
	struct kvm_vcpu_events e = { .exception.ext_dabt_pending = 1 };

	check_eq(vcpu_run(&vm), KVM_EXIT_MMIO, "a load");
	must(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
	check_eq(events(&vm).exception.ext_dabt_pending, 0, "the abort cannot be read back");
	check_eq(guest_says(&vm, 0x100), 0x25UL << 26 | 1 << 25 | 0x10, "external abort instead of data");
	check_eq(guest_says(&vm, 0x108), MMIO_GPA + 8, "its address");
	check_eq(guest_says(&vm, 0x110) & 0xf, 5, "from EL1");
	vm_drop(&vm);
}

static void no_syndrome(void)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_NISV_TO_USER };
	struct kvm_vcpu_events e = { .exception.ext_dabt_pending = 1 };
	struct vm vm = with_vectors(VM(pair));

	must(ioctl(vm.fd, KVM_ENABLE_CAP, &cap));
	check_eq(vcpu_run(&vm), KVM_EXIT_ARM_NISV, "load of a pair");
	check_eq(vm.run->arm_nisv.fault_ipa, MMIO_GPA + 16, "its address");
	/* The VMM does it: both registers, and past the instruction. */
	set(vm.vcpu, REG_X(0), 0x55);
	set(vm.vcpu, REG_PC, reg(vm.vcpu, REG_PC) + 4);
	check_eq(guest_says(&vm, 0), 0x55, "the VMM did it");
	set(vm.vcpu, REG_PC, RAM_GPA - 4);	/* 4 more when the store is completed */
	check_eq(vcpu_run(&vm), KVM_EXIT_ARM_NISV, "again");
	must(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &e));
	check_eq(guest_says(&vm, 0x100) & ~(1UL << 25), 0x25UL << 26 | 0x10, "or answers with an abort");
	check_eq(guest_says(&vm, 0x108), MMIO_GPA + 16, "its address");
	vm_drop(&vm);
}

static uint32_t mp_state(int vcpu)
{
	struct kvm_mp_state s;

	must(ioctl(vcpu, KVM_GET_MP_STATE, &s));
	return s.mp_state;
}

static void set_mp_state(int vcpu, uint32_t state)
{
	struct kvm_mp_state s = { .mp_state = state };

	must(ioctl(vcpu, KVM_SET_MP_STATE, &s));
}

static void system_suspend(void)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_SYSTEM_SUSPEND };
	struct vm vm = VM(suspend);

	check_eq((int32_t)guest_says(&vm, 0), -1, "SYSTEM_SUSPEND without the capability");
	vm_drop(&vm);
	vm = VM(suspend);
	must(ioctl(vm.fd, KVM_ENABLE_CAP, &cap));
	memcpy(vm.ram + 0x2000, guest_resume, guest_resume_end - guest_resume);
	check_eq(vcpu_run(&vm), KVM_EXIT_SYSTEM_EVENT, "SYSTEM_SUSPEND");
	check_eq(vm.run->system_event.type, KVM_SYSTEM_EVENT_SUSPEND, "its type");
	check_eq(mp_state(vm.vcpu), KVM_MP_STATE_RUNNABLE, "the VMM decides on the state");
	/* As the specification has it for a resumed CPU: entry point and context in X1 and X2. */
	set(vm.vcpu, REG_PC, reg(vm.vcpu, REG_X(1)));
	set(vm.vcpu, REG_X(0), reg(vm.vcpu, REG_X(2)));
	check_eq(guest_says(&vm, 0x20), 77, "resumed");
	vm_drop(&vm);
}

/* Suspended until an interrupt: the line that a VMM without in-kernel GIC raises. */
static void suspended(void)
{
	struct kvm_irq_level line = { .irq = KVM_ARM_IRQ_TYPE_CPU << KVM_ARM_IRQ_TYPE_SHIFT, .level = 1 };
	struct vm vm = VM(idle);

	check_eq(guest_says(&vm, 0), 0, "(running)");
	set_mp_state(vm.vcpu, KVM_MP_STATE_SUSPENDED);
	check_eq(mp_state(vm.vcpu), KVM_MP_STATE_SUSPENDED, "suspended");
	must(ioctl(vm.fd, KVM_IRQ_LINE, &line));
	check_eq(vcpu_run(&vm), KVM_EXIT_SYSTEM_EVENT, "an interrupt ends it");
	check_eq(vm.run->system_event.type, KVM_SYSTEM_EVENT_WAKEUP, "with a wake-up event");
	check_eq(mp_state(vm.vcpu), KVM_MP_STATE_SUSPENDED, "until the VMM lets it run");
	vm_drop(&vm);
}

static void on_signal(int sig)
{
}

/* KVM_RUN of a stopped vCPU waits, but not for ever: a signal ends it. */
static void stopped(void)
{
	struct vm vm = VM(idle);
	struct nudge n;

	handle(SIGUSR1, on_signal, 0);
	set_mp_state(vm.vcpu, KVM_MP_STATE_STOPPED);
	nudge_begin(&n, SIGUSR1);
	check_errno(ioctl(vm.vcpu, KVM_RUN, 0), EINTR, "a stopped vCPU waits");
	nudge_end(&n);
	check_eq(reg(vm.vcpu, REG_PC), RAM_GPA, "it has not run");
	set_mp_state(vm.vcpu, KVM_MP_STATE_RUNNABLE);
	check_eq(guest_says(&vm, 0), 0, "runnable: it runs");
	vm_drop(&vm);
}

int main(void)
{
	serror(true);
	serror(false);
	abort_of_load();
	no_syndrome();
	system_suspend();
	suspended();
	stopped();
	return report();
}
