// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug of guests: the VMM's (KVM_SET_GUEST_DEBUG), the guest's own, that the
 * two and the host's processes stay apart, and the OS lock.
 */
#include "kvm.h"

#define EC(hsr)		((hsr) >> 26 & 0x3f)
#define EC_BREAKPOINT	0x30
#define EC_STEP		0x32
#define EC_WATCHPOINT	0x34
#define EC_BRK		0x3c
#define DBGBVR0		ARM64_SYS_REG(2, 0, 0, 0, 4)
#define DBGBCR0		ARM64_SYS_REG(2, 0, 0, 0, 5)
#define OSLSR		ARM64_SYS_REG(2, 0, 1, 1, 4)
#define VBAR		ARM64_SYS_REG(3, 0, 12, 0, 0)
#define BCR_ON		(0xf << 5 | 3 << 1 | 1)		/* all bytes, EL1 and EL0 */
#define WCR_STORE	(0xff << 5 | 2 << 3 | 3 << 1 | 1)
#define VECTORS		0x1000

GUEST(plain, "mov x0, #1; mov x0, #2; mov x0, #3; str x0, [x27]; str x0, [x28]; mov x0, #4; str x0, [x28, #8]; 1: b 1b");
GUEST(brk, "mov x0, #1; brk #7; mov x0, #2; str x0, [x28]; 1: b 1b");

/* The guest's own breakpoint 0 at the second nop, watchpoint 0 on x27, with or without the OS lock (x26). */
GUEST(own, "msr oslar_el1, x26; msr dbgbvr0_el1, x25; msr dbgbcr0_el1, x24; msr dbgwvr0_el1, x27; msr dbgwcr0_el1, x23;"
	"mrs x0, mdscr_el1; orr x0, x0, #1 << 13; orr x0, x0, #1 << 15; msr mdscr_el1, x0; msr daifclr, #8; isb;"
	"nop; nop; str x0, [x27]; mrs x0, dbgbvr0_el1; str x0, [x28, #0x10]; 1: b 1b");
/* Offset of the second nop of `own`. */
#define OWN_POINT	0x30
/* EL1 with SP_EL1, synchronous: tells class and address; goes on with the point switched off. */
GUEST(sync, "mrs x10, esr_el1; lsr x10, x10, #26; str x10, [x28, #0x100]; mrs x10, elr_el1; str x10, [x28, #0x108];"
	"msr dbgbcr0_el1, xzr; mrs x10, esr_el1; lsr x10, x10, #26; cmp x10, #0x35; b.ne 1f; msr dbgwcr0_el1, xzr; 1: isb; eret");

/* Single step by the guest itself: one instruction after the ERET. */
GUEST(step, "msr oslar_el1, xzr; mrs x0, mdscr_el1; orr x0, x0, #1 << 13; orr x0, x0, #1; msr mdscr_el1, x0; isb;"
	"adr x0, 1f; msr elr_el1, x0; mov x0, #5; orr x0, x0, #1 << 21; msr spsr_el1, x0; eret; 1: nop; nop; str x0, [x28]; 2: b 2b");
GUEST(step_vector, "mrs x10, esr_el1; lsr x10, x10, #26; str x10, [x28, #0x100]; adr x11, 1f; mrs x10, elr_el1; str x10, [x28, #0x108];"
	"mrs x0, mdscr_el1; bic x0, x0, #1; msr mdscr_el1, x0; isb; mrs x0, spsr_el1; bic x0, x0, #1 << 21; msr spsr_el1, x0; 1: eret");

static int guest_debug(struct vm *vm, uint32_t control, const struct kvm_guest_debug_arch *arch)
{
	struct kvm_guest_debug d = { .control = control };

	if (arch)
		d.arch = *arch;
	return ioctl(vm->vcpu, KVM_SET_GUEST_DEBUG, &d);
}

static struct vm with_scratch(struct vm vm)
{
	set(vm.vcpu, REG_X(27), RAM_GPA + 0x8000);
	set(vm.vcpu, VBAR, RAM_GPA + VECTORS);
	return vm;
}

static void stop(struct vm *vm, unsigned int ec, uint64_t pc, const char *name)
{
	check_eq(vcpu_run(vm), KVM_EXIT_DEBUG, name);
	check_eq(EC(vm->run->debug.arch.hsr), ec, "its class");
	check_eq(reg(vm->vcpu, REG_PC), RAM_GPA + pc, "its PC");
}

static void single_step(void)
{
	struct vm vm = with_scratch(VM(plain));

	check_errno(guest_debug(&vm, 1 << 15, NULL), EINVAL, "unknown control bits");
	must(guest_debug(&vm, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP, NULL));
	stop(&vm, EC_STEP, 4, "single step");
	check_eq(reg(vm.vcpu, REG_X(0)), 1, "one instruction");
	stop(&vm, EC_STEP, 8, "the next one");
	check_eq(reg(vm.vcpu, REG_X(0)), 2, "it too");
	check_eq(reg(vm.vcpu, CORE(regs.pstate)) >> 21 & 1, 0, "PSTATE.SS is not the guest's");
	must(guest_debug(&vm, 0, NULL));
	check_eq(guest_says(&vm, 0), 3, "off: it runs on");
	vm_drop(&vm);
}

static void software(void)
{
	struct vm vm = VM(brk);

	must(guest_debug(&vm, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP, NULL));
	stop(&vm, EC_BRK, 4, "BRK");
	check_eq(vm.run->debug.arch.hsr & 0xffff, 7, "its immediate");
	must(guest_debug(&vm, KVM_GUESTDBG_ENABLE, NULL));
	stop(&vm, EC_BRK, 4, "BRK, with debugging on and nothing said of breakpoints");
	set(vm.vcpu, REG_PC, RAM_GPA + 8);
	check_eq(guest_says(&vm, 0), 2, "behind it");
	vm_drop(&vm);
}

static void hardware(void)
{
	struct kvm_guest_debug_arch points = { };
	struct vm vm = with_scratch(VM(plain));

	check(ioctl(vm.fd, KVM_CHECK_EXTENSION, KVM_CAP_GUEST_DEBUG_HW_BPS) >= 2, "hardware breakpoints");
	check(ioctl(vm.fd, KVM_CHECK_EXTENSION, KVM_CAP_GUEST_DEBUG_HW_WPS) >= 2, "hardware watchpoints");
	points.dbg_bvr[1] = RAM_GPA + 8;
	points.dbg_bcr[1] = BCR_ON;
	points.dbg_wvr[1] = RAM_GPA + 0x8000;
	points.dbg_wcr[1] = WCR_STORE;
	must(guest_debug(&vm, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW, &points));
	stop(&vm, EC_BREAKPOINT, 8, "breakpoint");
	check_eq(reg(vm.vcpu, REG_X(0)), 2, "before the instruction");
	check_eq(reg(vm.vcpu, DBGBVR0 + (1 << 3)), 0, "the guest's own register has not changed");
	points.dbg_bcr[1] = 0;
	must(guest_debug(&vm, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW, &points));
	stop(&vm, EC_WATCHPOINT, 12, "watchpoint");
	check_eq(vm.run->debug.arch.far, RAM_GPA + 0x8000, "its address");
	must(guest_debug(&vm, 0, NULL));
	check_eq(guest_says(&vm, 0), 3, "off: it runs on");
	vm_drop(&vm);
}

static int __attribute__((noinline)) bystander(int x)
{
	asm volatile("" : "+r"(x));
	return x + 1;
}

/* A point at an address that the VMM uses itself, alive while KVM_RUN returns. */
static void apart(void)
{
	struct kvm_guest_debug_arch points = { };
	struct vm vm = with_scratch(VM(plain));

	points.dbg_bvr[0] = (uintptr_t)bystander;
	points.dbg_bcr[0] = BCR_ON;
	must(guest_debug(&vm, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW, &points));
	check_eq(guest_says(&vm, 0), 3, "a breakpoint at the VMM's own address");
	check_eq(bystander(1), 2, "does not stop the VMM");
	check_eq(guest_says(&vm, 8), 4, "nor the guest");
	check_eq(bystander(2), 3, "and again");
	vm_drop(&vm);
}

static void own(bool locked)
{
	struct vm vm = with_scratch(VM(own));

	memcpy(vm.ram + VECTORS + 0x200, guest_sync, guest_sync_end - guest_sync);
	set(vm.vcpu, REG_X(26), locked);
	set(vm.vcpu, REG_X(25), RAM_GPA + OWN_POINT);
	set(vm.vcpu, REG_X(24), BCR_ON);
	set(vm.vcpu, REG_X(23), WCR_STORE);
	if (!locked) {
		check_eq(guest_says(&vm, 0x100), 0x31, "the guest's breakpoint");
		check_eq(guest_says(&vm, 0x108), RAM_GPA + OWN_POINT, "its address");
		check_eq(guest_says(&vm, 0x100), 0x35, "the guest's watchpoint");
		check_eq(guest_says(&vm, 0x108), RAM_GPA + OWN_POINT + 4, "its address");
	}
	check_eq(guest_says(&vm, 0x10), RAM_GPA + OWN_POINT, locked ? "OS lock: no debug exceptions" : "DBGBVR0_EL1");
	check_eq(reg(vm.vcpu, DBGBVR0), RAM_GPA + OWN_POINT, "through ONE_REG");
	check_eq(reg(vm.vcpu, OSLSR) >> 1 & 1, locked, "OSLSR_EL1.OSLK");
	vm_drop(&vm);
}

/* The VMM steps a guest that has points of its own: they are still there afterwards. */
static void both(void)
{
	struct vm vm = with_scratch(VM(own));
	unsigned int i;

	memcpy(vm.ram + VECTORS + 0x200, guest_sync, guest_sync_end - guest_sync);
	set(vm.vcpu, REG_X(25), RAM_GPA + OWN_POINT);
	set(vm.vcpu, REG_X(24), BCR_ON);
	set(vm.vcpu, REG_X(23), 0);
	must(guest_debug(&vm, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP, NULL));
	for (i = 0; i < 8; i++)
		must(vcpu_run(&vm) == KVM_EXIT_DEBUG ? 0 : -1);
	must(guest_debug(&vm, 0, NULL));
	check_eq(reg(vm.vcpu, ARM64_SYS_REG(2, 0, 0, 2, 2)) & 1, 0, "MDSCR_EL1.SS is not the guest's");
	check_eq(guest_says(&vm, 0x100), 0x31, "the guest's breakpoint after the VMM's steps");
	vm_drop(&vm);
}

static void own_step(void)
{
	struct vm vm = with_scratch(VM(step));

	memcpy(vm.ram + VECTORS + 0x200, guest_step_vector, guest_step_vector_end - guest_step_vector);
	check_eq(guest_says(&vm, 0x100), 0x33, "the guest steps itself");
	check(guest_says(&vm, 0x108) > 0, "its address");
	check(guest_says(&vm, 0) >= 0, "and goes on");
	vm_drop(&vm);
}

int main(void)
{
	single_step();
	software();
	hardware();
	apart();
	own(false);
	own(true);
	both();
	own_step();
	return report();
}
