// SPDX-License-Identifier: GPL-2.0-only
/*
 * AArch32 guests: EL1 and EL0 (KVM_ARM_VCPU_EL1_32BIT), and EL0 alone under an
 * AArch64 EL1. The 32-bit code is given in words, since the compiler for this
 * program has no such target; r8 is MMIO_GPA.
 */
#include "kvm.h"

static const uint32_t main32[] = {
	0xe10f0000, /* mrs r0, cpsr */
	0xe5880000, /* str r0, [r8] */
	0xee100f11, /* mrc p15, #0, r0, c0, c1, #0 */
	0xe5880004, /* str r0, [r8, #4] */
	0xee100f30, /* mrc p15, #0, r0, c0, c0, #1 */
	0xe5880008, /* str r0, [r8, #8] */
	0xee300f30, /* mrc p15, #1, r0, c0, c0, #1 */
	0xe588000c, /* str r0, [r8, #12] */
	0xe3000000, /* movw r0, #0 */
	0xe3480400, /* movt r0, #33792 */
	0xe1400070, /* hvc #0 */
	0xe5880010, /* str r0, [r8, #16] */
	0xe3000003, /* movw r0, #3 */
	0xe34c0400, /* movt r0, #50176 */
	0xe1400070, /* hvc #0 */
	0xe5880014, /* str r0, [r8, #20] */
	0xe3010000, /* movw r0, #4096 */
	0xe3440000, /* movt r0, #16384 */
	0xee0c0f10, /* mcr p15, #0, r0, c12, c0, #0 */
	0xf57ff06f, /* isb sy */
	0xe3a00005, /* mov r0, #5 */
	0xe3580000, /* cmp r8, #0 */
	0x0e100f11, /* mrceq p15, #0, r0, c0, c1, #0 */
	0xe5880018, /* str r0, [r8, #24] */
	0xee190f1c, /* mrc p15, #0, r0, c9, c12, #0 */
	0xe588001c, /* str r0, [r8, #28] */
	0xe5980020, /* ldr r0, [r8, #32] */
	0xe5880024, /* str r0, [r8, #36] */
	0xe28f9008, /* add r9, pc, #8 */
	0xe3a0a202, /* mov r10, #536870912 */
	0xe12fff1a, /* bx r10 */
	0xe320f000, /* nop */
	0xe5880028, /* str r0, [r8, #40] */
	0xee110f50, /* mrc p15, #0, r0, c1, c0, #2 */
	0xe380060f, /* orr r0, r0, #15728640 */
	0xee010f50, /* mcr p15, #0, r0, c1, c0, #2 */
	0xf57ff06f, /* isb sy */
	0xe3a00101, /* mov r0, #1073741824 */
	0xeee80a10, /* vmsr fpexc, r0 */
	0xeef70a10, /* vmrs r0, mvfr0 */
	0xe588002c, /* str r0, [r8, #44] */
	0xe3011234, /* movw r1, #4660 */
	0xee021a90, /* vmov s5, r1 */
	0xe3a01000, /* mov r1, #0 */
	0xe5881030, /* str r1, [r8, #48] */
	0xee121a90, /* vmov r1, s5 */
	0xe5881034, /* str r1, [r8, #52] */
	0xe3050555, /* movw r0, #21845 */
	0xe3410111, /* movt r0, #4369 */
	0xee030f10, /* mcr p15, #0, r0, c3, c0, #0 */
	0xf1020012, /* cps #18 */
	0xe3000013, /* movw r0, #19 */
	0xe16ff000, /* msr SPSR_fsxc, r0 */
	0xe307d777, /* movw sp, #30583 */
	0xf1020013, /* cps #19 */
	0xe5880038, /* str r0, [r8, #56] */
	0xf1020012, /* cps #18 */
	0xe14f0000, /* mrs r0, spsr */
	0xf1020013, /* cps #19 */
	0xe588003c, /* str r0, [r8, #60] */
	0xee100e10, /* mrc p14, #0, r0, c0, c0, #0 */
	0xe5880040, /* str r0, [r8, #64] */
	0xe28f9001, /* add r9, pc, #1 */
	0xe12fff19, /* bx r9 */
	0x0077f240, /* movw r0, #119 */
	0x60084641, /* mov r1, r8; str r0, [r1] */
	0xbf064280, /* cmp r0, r0; itte eq */
	0xf8c16008, /* streq r0, [r1]; streq.w r0, [r1, #4] */
	0x20010004, /* movne r0, #1 */
	0xee196088, /* str r0, [r1, #8]; mrc p15, #0, r0, c9, c12, #0 */
	0x60c80f1c, /* str r0, [r1, #12] */
	0x0000e7fe, /* b 0x11c <$t.1+0x1c>; 00 00 00 00 .word 0x00000000 */
};

/* At RAM_GPA + 0x1000, which main32 makes its VBAR. */
static const uint32_t vectors32[] = {
	0xe320f000, /* nop */
	0xea000005, /* b 0x1020 <und> */
	0xe320f000, /* nop */
	0xea000006, /* b 0x102c <pabt> */
	0xea00000c, /* b 0x1048 <dabt> */
	0xe320f000, /* nop */
	0xe320f000, /* nop */
	0xe320f000, /* nop */
	0xe10f1000, /* mrs r1, cpsr */
	0xe5881100, /* str r1, [r8, #256] */
	0xeafffffe, /* b 0x1028 <und+0x8> */
	0xe10f1000, /* mrs r1, cpsr */
	0xe5881110, /* str r1, [r8, #272] */
	0xee151f30, /* mrc p15, #0, r1, c5, c0, #1 */
	0xe5881114, /* str r1, [r8, #276] */
	0xee161f50, /* mrc p15, #0, r1, c6, c0, #2 */
	0xe5881118, /* str r1, [r8, #280] */
	0xeafffffe, /* b 0x1044 <pabt+0x18> */
	0xe10f1000, /* mrs r1, cpsr */
	0xe5881120, /* str r1, [r8, #288] */
	0xee151f10, /* mrc p15, #0, r1, c5, c0, #0 */
	0xe5881124, /* str r1, [r8, #292] */
	0xee161f10, /* mrc p15, #0, r1, c6, c0, #0 */
	0xe5881128, /* str r1, [r8, #296] */
	0xeafffffe, /* b 0x1060 <dabt+0x18> */
};

static struct vm vm32(void)
{
	struct vm vm = vm_bare(PSCI | 1 << KVM_ARM_VCPU_EL1_32BIT);

	memcpy(vm.ram, main32, sizeof(main32));
	memcpy(vm.ram + 0x1000, vectors32, sizeof(vectors32));
	set(vm.vcpu, REG_PC, RAM_GPA);
	set(vm.vcpu, REG_X(8), MMIO_GPA);
	return vm;
}

#define SPSR(n)		(CORE(spsr[0]) + 2 * (n))
#define REG_PSTATE	CORE(regs.pstate)
#define CPSR_MODES	0x1ff		/* A, I, F, T, mode */

static uint64_t debug_version(struct vm *vm)
{
	return reg(vm->vcpu, ARM64_SYS_REG(3, 0, 0, 5, 0)) & 15;
}

static void registers(struct vm *vm)
{
	uint64_t v = 0x3c5;

	check_eq(reg(vm->vcpu, REG_PSTATE), 0x1d3, "PSTATE after KVM_ARM_VCPU_INIT");
	check_errno(set_reg(vm->vcpu, REG_PSTATE, &v), EINVAL, "PSTATE of AArch64 EL1");
	v = 0x1d0;
	check_eq(set_reg(vm->vcpu, REG_PSTATE, &v), 0, "PSTATE of User mode");
	v = 0x1d3;
	must(set_reg(vm->vcpu, REG_PSTATE, &v));
	set(vm->vcpu, REG_X(3), 0x1234567890abcdef);
	check_eq(reg(vm->vcpu, REG_X(3)), 0x90abcdef, "general registers are narrowed");
	set(vm->vcpu, SPSR(KVM_SPSR_FIQ), 0x11);
	check_eq(reg(vm->vcpu, SPSR(KVM_SPSR_FIQ)), 0x11, "SPSR_fiq");
}

static void identification(struct vm *vm)
{
	int64_t clidr;

	check_eq(guest_says(vm, 0) & CPSR_MODES, 0x1d3, "starts in Supervisor mode, all masked");
	check_eq(guest_says(vm, 4), reg(vm->vcpu, ARM64_SYS_REG(3, 0, 0, 1, 0)), "ID_PFR0");
	check_eq(guest_says(vm, 8), (uint32_t)reg(vm->vcpu, ARM64_SYS_REG(3, 3, 0, 0, 1)), "CTR");
	clidr = guest_says(vm, 12);
	if (clidr)		/* Linux 6.12 reads the wrong register */
		check_eq(clidr, (uint32_t)reg(vm->vcpu, ARM64_SYS_REG(3, 1, 0, 0, 1)), "CLIDR");
	else
		check(!on_nestbox(), "CLIDR is 0 on Linux only");
	check(guest_says(vm, 16) >= 0x10000, "PSCI_VERSION by HVC");
	check_eq(guest_says(vm, 20), 0xffffffff, "an SMC64 call is not supported");
	check_eq(guest_says(vm, 24), 5, "MRC whose condition fails does nothing");
}

/*
 * Back from an exception, by hand: the VMM completes the store and sets PC and
 * PSTATE. The guest cannot do it itself under QEMU 10, which enters a mode by
 * ERET with another mode's SPSR.
 */
static void back_to(struct vm *vm, uint64_t pstate, uint64_t pc)
{
	vm->run->immediate_exit = 1;
	check_errno(ioctl(vm->vcpu, KVM_RUN, 0), EINTR, "(the store is completed)");
	vm->run->immediate_exit = 0;
	set(vm->vcpu, REG_PSTATE, pstate);
	set(vm->vcpu, REG_PC, pc);
}

/* UNDEF of a 4-byte instruction at @pc. */
static void undefined(struct vm *vm, uint64_t mode, uint64_t pc, uint64_t lr, const char *name)
{
	uint64_t spsr;

	check_eq(guest_says(vm, 0x100) & 0xbf, 0x9b, name);
	spsr = reg(vm->vcpu, SPSR(KVM_SPSR_UND));
	check_eq(spsr & 0x3f, mode, "its SPSR");
	check_eq(reg(vm->vcpu, REG_X(22)), lr, "its LR");
	back_to(vm, spsr, pc + 4);
}

static void data_abort(struct vm *vm)
{
	struct kvm_vcpu_events ev = { .exception.ext_dabt_pending = 1 };
	uint64_t spsr;

	check_eq(vcpu_run(vm), KVM_EXIT_MMIO, "MMIO read");
	check_eq(vm->run->mmio.phys_addr, MMIO_GPA + 32, "its address");
	must(ioctl(vm->vcpu, KVM_SET_VCPU_EVENTS, &ev));
	check_eq(guest_says(vm, 0x120) & 0x1bf, 0x197, "external abort: Abort mode, A and I masked");
	spsr = reg(vm->vcpu, SPSR(KVM_SPSR_ABT));
	check_eq(spsr & 0x1ff, 0x1d3, "SPSR of the data abort");
	check_eq(reg(vm->vcpu, REG_X(20)), RAM_GPA + 0x68 + 8, "LR of the data abort");
	check_eq(guest_says(vm, 0x124), 0x8, "DFSR");
	check_eq(guest_says(vm, 0x128), MMIO_GPA + 32, "DFAR");
	back_to(vm, spsr, RAM_GPA + 0x6c);
	check(guest_says(vm, 36) >= 0, "the load was skipped");
}

static void prefetch_abort(struct vm *vm)
{
	uint64_t spsr;

	check_eq(guest_says(vm, 0x110) & 0x1bf, 0x197, "fetch without memory: Abort mode");
	spsr = reg(vm->vcpu, SPSR(KVM_SPSR_ABT));
	check_eq(reg(vm->vcpu, REG_X(20)), 0x20000004, "LR of the prefetch abort");
	check_eq(guest_says(vm, 0x114), 0x8, "IFSR");
	check_eq(guest_says(vm, 0x118), 0x20000000, "IFAR");
	back_to(vm, spsr, reg(vm->vcpu, REG_X(9)));
	check(guest_says(vm, 40) >= 0, "back again");
}

static void state(struct vm *vm)
{
	check_eq(guest_says(vm, 44), reg(vm->vcpu, ARM64_SYS_REG(3, 0, 0, 3, 0)), "MVFR0");
	check_eq(reg(vm->vcpu, ARM64_SYS_REG(3, 4, 5, 3, 0)) & 1 << 30, 1 << 30, "FPEXC.EN through ONE_REG");
	check_eq(guest_says(vm, 48), 0, "(an exit in between)");
	check_eq(guest_says(vm, 52), 0x1234, "S5 keeps its value over an exit");
	check_eq(guest_says(vm, 56), 0x13, "(SPSR_irq written)");
	check_eq(reg(vm->vcpu, SPSR(KVM_SPSR_IRQ)), 0x13, "SPSR_irq through ONE_REG");
	check_eq(reg(vm->vcpu, REG_X(17)), 0x7777, "SP_irq is X17");
	check_eq((uint32_t)reg(vm->vcpu, ARM64_SYS_REG(3, 4, 3, 0, 0)), 0x11115555, "DACR through ONE_REG");
	set(vm->vcpu, SPSR(KVM_SPSR_IRQ), 0x1f);
	check_eq(guest_says(vm, 60), 0x1f, "SPSR_irq written through ONE_REG");
	check_eq(guest_says(vm, 64) >> 16 & 15, debug_version(vm), "DBGDIDR.Version");
}

static void thumb(struct vm *vm)
{
	check_eq(guest_says(vm, 0), 0x77, "T32: 16-bit store");
	check_eq(reg(vm->vcpu, REG_PSTATE) & 0x3f, 0x33, "PSTATE.T");
	check_eq(guest_says(vm, 0), 0x77, "in an IT block, 16 bits");
	check_eq(guest_says(vm, 4), 0x77, "in an IT block, 32 bits");
	check_eq(guest_says(vm, 8), 0x77, "its else did not happen");
	undefined(vm, 0x33, RAM_GPA + 0x116, RAM_GPA + 0x116 + 2, "T32: UNDEF");
	set(vm->vcpu, REG_X(1), MMIO_GPA);
	check_eq(guest_says(vm, 12), 0x77, "and back");
}

static void el1_32bit(void)
{
	struct kvm_vcpu_init init;
	struct vm vm = vm32();
	int other;

	registers(&vm);
	identification(&vm);
	undefined(&vm, 0x13, RAM_GPA + 0x60, RAM_GPA + 0x60 + 4, "PMCR without a PMU is UNDEF");
	check(guest_says(&vm, 28) >= 0, "the handler returned");
	data_abort(&vm);
	prefetch_abort(&vm);
	state(&vm);
	thumb(&vm);
	other = must(ioctl(vm.fd, KVM_CREATE_VCPU, 1L));
	must(ioctl(vm.fd, KVM_ARM_PREFERRED_TARGET, &init));
	check_errno(ioctl(other, KVM_ARM_VCPU_INIT, &init), EINVAL, "a second vCPU of another width");
	init.features[0] = 1 << KVM_ARM_VCPU_PSCI_0_2 | 1 << KVM_ARM_VCPU_EL1_32BIT;
	check_eq(ioctl(other, KVM_ARM_VCPU_INIT, &init), 0, "and of the same");
	close(other);
	vm_drop(&vm);
}

/* ---- AArch32 EL0 only ---- */

static const uint32_t user32[] = {
	0xee102e10, /* mrc p14, #0, r2, c0, c0, #0 */
	0xe3010111, /* movw r0, #4369 */
	0xef000007, /* svc #7 */
	0xee190f1c, /* mrc p15, #0, r0, c9, c12, #0 */
	0xe3a03202, /* mov r3, #536870912 */
	0xe5930000, /* ldr r0, [r3] */
	0xe28f3001, /* add r3, pc, #1 */
	0xe12fff13, /* bx r3 */
	0xbf00df09, /* svc #9; nop */
};

/* To User mode at RAM_GPA + 0x4000, vectors at RAM_GPA + 0x2000. */
GUEST(el1, "mov x0, #0x40000000; add x1, x0, #0x2000; msr vbar_el1, x1; add x0, x0, #0x4000; msr elr_el1, x0;"
	"mov x1, #0x10; msr spsr_el1, x1; isb; eret");
/* Lower EL, AArch32: tells ESR, ELR and SPSR, steps over everything but SVC. */
GUEST(sync32, "mrs x20, esr_el1; str x20, [x28]; mrs x21, elr_el1; str x21, [x28, #8]; mrs x22, spsr_el1;"
	"str x22, [x28, #16]; lsr x20, x20, #26; cmp x20, #0x11; b.eq 1f; add x21, x21, #4; msr elr_el1, x21; 1: eret");

static void user_exception(struct vm *vm, uint64_t ec, uint64_t iss, uint64_t offset, const char *name)
{
	uint64_t esr = guest_says(vm, 0);

	check_eq(esr >> 26, ec, name);
	if (iss != ~0UL)
		check_eq(esr & 0xffff, iss, "its immediate");
	check_eq(guest_says(vm, 8), RAM_GPA + 0x4000 + offset, "its ELR");
	check_eq(guest_says(vm, 16) & 0x1f, 0x10, "from User mode");
}

static void el0_32bit(void)
{
	struct vm vm = VM(el1);

	memcpy(vm.ram + 0x2600, guest_sync32, guest_sync32_end - guest_sync32);
	memcpy(vm.ram + 0x4000, user32, sizeof(user32));
	user_exception(&vm, 0x11, 7, 12, "SVC from AArch32 EL0");
	check_eq(reg(vm.vcpu, REG_X(0)), 0x1111, "its R0");
	check_eq(reg(vm.vcpu, REG_X(2)) >> 16 & 15, debug_version(&vm), "DBGDIDR from EL0");
	user_exception(&vm, 0, 0, 12, "PMCR from EL0 without a PMU is UNDEF");
	check_eq(vcpu_run(&vm), KVM_EXIT_MMIO, "load from EL0");
	check_eq(vm.run->mmio.phys_addr, 0x20000000, "its address");
	memcpy(vm.run->mmio.data, "\x44\x33\x22\x91", 4);
	user_exception(&vm, 0x11, 9, 0x22, "SVC from T32");
	check_eq(reg(vm.vcpu, REG_X(0)), 0x91223344, "the loaded value");
	vm_drop(&vm);
}

int main(void)
{
	int kvm = must(open("/dev/kvm", O_RDWR));

	if (ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_EL1_32BIT) > 0)
		el1_32bit();
	else
		printf("# no AArch32 at EL1\n");
	el0_32bit();
	close(kvm);
	return report();
}
