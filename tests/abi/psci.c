// SPDX-License-Identifier: GPL-2.0-only
/* PSCI and MP_STATE as the VMM sees them. */
#include "kvm.h"

/* CPU_ON of MPIDR 1 at x20 with context 0x55; report the result. */
GUEST(starter, "mov x0, #3; movk x0, #0xc400, lsl #16; mov x1, #1; mov x2, x20; mov x3, #0x55;"
	"hvc #0; str x0, [x28]; 1: b 1b; .balign 256; str x0, [x28, #8]; 2: b 2b");
GUEST(off, "mov x0, #8; movk x0, #0x8400, lsl #16; hvc #0; 1: b 1b");
GUEST(reset, "mov x0, #9; movk x0, #0x8400, lsl #16; hvc #0; 1: b 1b");

static int mp_state(int vcpu)
{
	struct kvm_mp_state s = { .mp_state = 99 };

	must(ioctl(vcpu, KVM_GET_MP_STATE, &s));
	return s.mp_state;
}

static void on_kick(int sig)
{
}

static void secondary(void)
{
	struct vm vm = VM(starter), second = vm;
	struct kvm_mp_state s = { .mp_state = KVM_MP_STATE_STOPPED };
	struct nudge n;

	second.vcpu = vcpu_add(&vm, 1, 1 << KVM_ARM_VCPU_PSCI_0_2 | 1 << KVM_ARM_VCPU_POWER_OFF);
	second.run = vcpu_map(&vm, second.vcpu);
	check_eq(mp_state(vm.vcpu), KVM_MP_STATE_RUNNABLE, "first vCPU is runnable");
	check_eq(mp_state(second.vcpu), KVM_MP_STATE_STOPPED, "POWER_OFF: stopped");
	handle(SIGALRM, on_kick, 0);
	nudge_begin(&n, SIGALRM);
	check_errno(ioctl(second.vcpu, KVM_RUN, 0), EINTR, "KVM_RUN of it blocks");
	nudge_end(&n);
	set(vm.vcpu, REG_X(20), RAM_GPA + 256);
	check_eq(guest_says(&vm, 0), 0, "CPU_ON");
	check_eq(mp_state(second.vcpu), KVM_MP_STATE_RUNNABLE, "then runnable");
	/* All but x0 is reset: the store goes to address 8. */
	check_eq(vcpu_run(&second), KVM_EXIT_MMIO, "it starts");
	check_eq(second.run->mmio.phys_addr, 8, "with registers reset");
	check_eq(second.run->mmio.data[0], 0x55, "and its context");
	check_eq(reg(second.vcpu, REG_PC) & ~7UL, RAM_GPA + 256, "at its entry");
	check_eq(ioctl(second.vcpu, KVM_SET_MP_STATE, &s), 0, "KVM_SET_MP_STATE");
	check_eq(mp_state(second.vcpu), KVM_MP_STATE_STOPPED, "stopped");
	s.mp_state = 77;
	check_errno(ioctl(second.vcpu, KVM_SET_MP_STATE, &s), EINVAL, "unknown state");
}

static void event(struct vm vm, unsigned int type, const char *name)
{
	check_eq(vcpu_run(&vm), KVM_EXIT_SYSTEM_EVENT, name);
	check_eq(vm.run->system_event.type, type, "its type");
	vm_drop(&vm);
}

int main(void)
{
	secondary();
	event(VM(off), KVM_SYSTEM_EVENT_SHUTDOWN, "SYSTEM_OFF exits");
	event(VM(reset), KVM_SYSTEM_EVENT_RESET, "SYSTEM_RESET exits");
	return report();
}
