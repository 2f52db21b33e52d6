// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_GUEST_DEBUG on a vCPU with an EL2: steps through its hypervisor, into the hypervisor's guest and back, points at
 * both levels, and who has a BRK that hypervisor and VMM both want.
 */
#include "kvm_el2.h"

#define PSTATE		CORE(regs.pstate)
#define EL1H		0x3c5UL
#define EL2H		0x3c9UL
#define MDCR_EL2	ARM64_SYS_REG(3, 4, 1, 1, 1)
#define MDCR_TDE	(1 << 8)
#define EC(hsr)		((hsr) >> 26 & 0x3f)
#define EC_BREAKPOINT	0x30
#define EC_STEP		0x32
#define EC_WATCHPOINT	0x34
#define EC_BRK		0x3c
#define BCR_ON		(0xf << 5 | 3 << 1 | 1)		/* all bytes, EL1 and EL0: also those of the hypervisor */
#define WCR_STORE	(0xff << 5 | 2 << 3 | 3 << 1 | 1)
#define VECTOR		0xc00
#define CELL		(RAM_GPA + 0x8000)

/* A hypervisor that enters its guest (at 0x30) and goes on behind what it is told of. */
GUEST(levels,
	"adr x0, 9f; msr vbar_el2, x0; mov x0, #0; movk x0, #0x8000, lsl #16; movk x0, #4, lsl #32; msr hcr_el2, x0;"
	"adr x0, 8f; msr elr_el2, x0; mov x0, #0x3c5; msr spsr_el2, x0; isb; eret;"
	"8: mov x1, #1; mov x1, #2; hvc #0; mov x1, #3; str x1, [x27]; brk #5; str x1, [x28]; 1: b 1b;"
	".org guest_levels + 0x800; 9: .org guest_levels + 0x800 + 0x400;"
	"mrs x2, esr_el2; lsr x2, x2, #26; cmp x2, #0x3c; b.ne 1f; mrs x3, elr_el2; add x3, x3, #4; msr elr_el2, x3;"
	"str x2, [x28, #0x100]; 1: eret; .org guest_levels + 0x1000");
#define GUEST_AT	0x30UL
#define BRK_AT		0x44UL

static struct vm vm_levels(void)
{
	struct vm vm = VM_AS(PSCI | EL2, levels);

	set(vm.vcpu, REG_X(27), CELL);
	return vm;
}

static int guest_debug(struct vm *vm, uint32_t control, const struct kvm_guest_debug_arch *arch)
{
	struct kvm_guest_debug d = { .control = control };

	if (arch)
		d.arch = *arch;
	return ioctl(vm->vcpu, KVM_SET_GUEST_DEBUG, &d);
}

static void stop(struct vm *vm, unsigned int ec, uint64_t pc, uint64_t pstate, const char *name)
{
	check_eq(vcpu_run(vm), KVM_EXIT_DEBUG, name);
	check_eq(EC(vm->run->debug.arch.hsr), ec, "its class");
	check_eq(reg(vm->vcpu, REG_PC), RAM_GPA + pc, "its PC");
	check_eq(reg(vm->vcpu, PSTATE) & 0xf, pstate & 0xf, "its level");
}

/* Where each step ends; the ERET is one, and the HVC. */
static void steps(void)
{
	static const struct {
		uint16_t pc, el;
	} path[] = {
		{ 0x4, 2 }, { 0x8, 2 }, { 0xc, 2 }, { 0x10, 2 }, { 0x14, 2 }, { 0x18, 2 }, { 0x1c, 2 }, { 0x20, 2 }, { 0x24, 2 },
		{ 0x28, 2 }, { 0x2c, 2 }, { 0x30, 1 }, { 0x34, 1 }, { 0x38, 1 }, { VECTOR, 2 }, { VECTOR + 4, 2 },
		{ VECTOR + 8, 2 }, { VECTOR + 12, 2 }, { VECTOR + 32, 2 }, { 0x3c, 1 }, { 0x40, 1 }, { 0x44, 1 },
	};
	struct vm vm = vm_levels();
	unsigned i, good = 0, n = sizeof(path) / sizeof(path[0]);

	must(guest_debug(&vm, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP, NULL));
	for (i = 0; i < n; i++) {
		uint64_t pc, pstate;
		int exit = vcpu_run(&vm);

		pc = reg(vm.vcpu, REG_PC) - RAM_GPA;
		pstate = reg(vm.vcpu, PSTATE);
		if (exit != KVM_EXIT_DEBUG || EC(vm.run->debug.arch.hsr) != EC_STEP || pc != path[i].pc ||
		    (pstate >> 2 & 3) != path[i].el || (pstate >> 21 & 1))
			printf("# step %u: exit %d, class %#x, pc %#lx, pstate %#lx\n", i, exit, EC(vm.run->debug.arch.hsr), (long)pc,
			       (long)pstate);
		else
			good++;
	}
	check_eq(good, n, "single steps through a hypervisor, its ERET, its guest, an HVC");
	stop(&vm, EC_BRK, BRK_AT, EL1H, "a step of BRK is the BRK");
	must(guest_debug(&vm, 0, NULL));
	set(vm.vcpu, REG_PC, RAM_GPA + BRK_AT + 4);
	check_eq(guest_says(&vm, 0), 3, "off: it runs on");
	vm_drop(&vm);
}

static void points(void)
{
	struct kvm_guest_debug_arch points = { };
	struct vm vm = vm_levels();

	points.dbg_bvr[1] = RAM_GPA + 8;
	points.dbg_bcr[1] = BCR_ON;
	points.dbg_bvr[0] = RAM_GPA + GUEST_AT + 4;
	points.dbg_bcr[0] = BCR_ON;
	points.dbg_wvr[1] = CELL;
	points.dbg_wcr[1] = WCR_STORE;
	must(guest_debug(&vm, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW, &points));
	stop(&vm, EC_BREAKPOINT, 8, EL2H, "a breakpoint at EL2");
	points.dbg_bcr[1] = 0;
	must(guest_debug(&vm, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW, &points));
	stop(&vm, EC_BREAKPOINT, GUEST_AT + 4, EL1H, "a breakpoint in the hypervisor's guest");
	points.dbg_bcr[0] = 0;
	must(guest_debug(&vm, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW, &points));
	stop(&vm, EC_WATCHPOINT, GUEST_AT + 16, EL1H, "a watchpoint there");
	check_eq(vm.run->debug.arch.far, CELL, "its address");
	vm_drop(&vm);
}

static void who(void)
{
	struct vm vm = vm_levels();

	set(vm.vcpu, MDCR_EL2, MDCR_TDE);
	must(guest_debug(&vm, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP, NULL));
	stop(&vm, EC_BRK, BRK_AT, EL1H, "BRK of the hypervisor's guest: the VMM's before the hypervisor's");
	must(guest_debug(&vm, 0, NULL));
	check_eq(guest_says(&vm, 0x100), EC_BRK, "the hypervisor's, with MDCR_EL2.TDE and no debugging");
	check_eq(guest_says(&vm, 0), 3, "and its guest goes on");
	vm_drop(&vm);
}

int main(void)
{
	int kvm = must(open("/dev/kvm", O_RDWR));

	if (!el2_offered(kvm)) {
		printf("# no EL2 for guests here\n");
		check(true, "nothing to test");
		return report();
	}
	steps();
	points();
	who();
	close(kvm);
	return report();
}
