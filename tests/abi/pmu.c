// SPDX-License-Identifier: GPL-2.0-only
/*
 * PMUv3 for guests: configuration by the VMM, cycle counter, software increments,
 * event filter, overflow flag, line and interrupt.
 */
#include "gic.h"

#define PMCR		ARM64_SYS_REG(3, 3, 9, 12, 0)
#define PMCNTENSET	ARM64_SYS_REG(3, 3, 9, 12, 1)
#define PMCNTENCLR	ARM64_SYS_REG(3, 3, 9, 12, 2)
#define PMOVSCLR	ARM64_SYS_REG(3, 3, 9, 12, 3)
#define PMOVSSET	ARM64_SYS_REG(3, 3, 9, 14, 3)
#define PMCCNTR		ARM64_SYS_REG(3, 3, 9, 13, 0)
#define PMEVCNTR0	ARM64_SYS_REG(3, 3, 14, 8, 0)
#define DFR0		ARM64_SYS_REG(3, 0, 0, 5, 0)
#define PMU_PPI		23
#define DIST		0x08000000UL
#define REDIST		0x080a0000UL

/* Flags and sets have no defined value after reset. */
#define CLEAN "mov x9, #-1; msr pmovsclr_el0, x9; msr pmintenclr_el1, x9; msr pmcntenclr_el0, x9; msr pmccfiltr_el0, xzr;"

/* Cycles of 1,000 turns, told twice with an exit in between; then none while disabled. */
GUEST(cycles,
	CLEAN "mov x0, #1; msr pmcr_el0, x0; mov x0, #1 << 31; msr pmcntenset_el0, x0; isb;"
	"mov x1, #1000; 1: sub x1, x1, #1; cbnz x1, 1b; mrs x0, pmccntr_el0; str x0, [x28];"
	"mov x1, #1000; 1: sub x1, x1, #1; cbnz x1, 1b; mrs x0, pmccntr_el0; str x0, [x28, #8];"
	"mov x0, #1 << 31; msr pmcntenclr_el0, x0; isb; mrs x0, pmccntr_el0; str x0, [x28, #16];"
	"mov x1, #1000; 1: sub x1, x1, #1; cbnz x1, 1b; mrs x0, pmccntr_el0; str x0, [x28, #24];"
	"mov x0, #5; msr pmcr_el0, x0; isb; mrs x0, pmccntr_el0; str x0, [x28, #32]; mrs x0, pmcr_el0; str x0, [x28, #40];"
	"1: b 1b");

/* Counter 0 counts software increments; it wraps at 32 bits. */
GUEST(software,
	CLEAN "msr pmevtyper0_el0, xzr; mov x0, #0xfffffffe; msr pmevcntr0_el0, x0; mov x0, #1; msr pmcntenset_el0, x0;"
	"msr pmcr_el0, x0; isb; msr pmswinc_el0, x0; isb; mrs x1, pmevcntr0_el0; str w1, [x28]; mrs x1, pmovsclr_el0;"
	"str x1, [x28, #8]; msr pmswinc_el0, x0; isb; mrs x1, pmevcntr0_el0; str w1, [x28, #16]; mrs x1, pmovsclr_el0;"
	"str x1, [x28, #24]; msr pmovsclr_el0, x0; isb; mrs x1, pmovsset_el0; str x1, [x28, #32];"
	"mrs x1, pmceid0_el0; str x1, [x28, #40]; 1: b 1b");

/* The cycle counter overflows at 32 bits; then says the flags. x0: PMINTENSET. */
GUEST(overflow,
	CLEAN "msr pmintenset_el1, x0; mov x0, #0xffffff00; msr pmccntr_el0, x0; mov x0, #1 << 31; msr pmcntenset_el0, x0;"
	"mov x0, #1; msr pmcr_el0, x0; isb; 1: mrs x0, pmovsclr_el0; cbz x0, 1b; str x0, [x28];"
	"str x0, [x28, #8]; msr pmovsclr_el0, x0; isb; str xzr, [x28, #16]; 1: b 1b");

/* The same with a vGIC: PPI 23 in group 1, acknowledged by polling. Distributor in x20, redistributor in x21. */
GUEST(interrupt,
	CLEAN "mov w0, #0x12; str w0, [x20]; str wzr, [x21, #0x14]; add x22, x21, #0x10000; mov w0, #-1; str w0, [x22, #0x80];"
	"mov w0, #1 << 23; str w0, [x22, #0x100]; mov x0, #0xff; msr s3_0_c4_c6_0, x0; mov x0, #1; msr s3_0_c12_c12_7, x0; isb;"
	"mov x0, #1 << 31; msr pmintenset_el1, x0; mov x1, #0xffffff00; msr pmccntr_el0, x1; msr pmcntenset_el0, x0;"
	"mov x0, #1; msr pmcr_el0, x0; isb; 1: mrs x0, s3_0_c12_c12_0; and x0, x0, #0xffffff; cmp x0, #1023; b.eq 1b;"
	"str x0, [x28]; mrs x1, pmovsclr_el0; str x1, [x28, #8]; mov x1, #1 << 31; msr pmovsclr_el0, x1;"
	"msr s3_0_c12_c12_1, x0; isb; ldr w0, [x22, #0x200]; str w0, [x28, #16]; 1: b 1b");

static int vcpu_attr(int vcpu, unsigned long op, uint64_t a, void *p)
{
	return attr(vcpu, op, KVM_ARM_VCPU_PMU_V3_CTRL, a, p);
}

#define VM_PMU(name)	VM_AS(PSCI | 1 << KVM_ARM_VCPU_PMU_V3, name)

static void init(struct vm *vm)
{
	must(vcpu_attr(vm->vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_INIT, NULL));
}

static void without(void)
{
	struct vm vm = VM(cycles);
	uint64_t val;

	check_errno(vcpu_attr(vm.vcpu, KVM_HAS_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_IRQ, NULL), ENXIO, "no attributes without the feature");
	check_errno(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_INIT, NULL), ENODEV, "INIT without the feature");
	check_errno(get_reg(vm.vcpu, PMCR, &val), ENOENT, "no PMCR_EL0 without");
	check_eq(reg(vm.vcpu, DFR0) >> 8 & 15, 0, "PMUVer 0 without");
	vm_drop(&vm);
}

static void attributes(void)
{
	struct vm vm = VM_PMU(cycles);
	int irq = PMU_PPI, dev, id = 12345;

	check_eq(vcpu_attr(vm.vcpu, KVM_HAS_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_FILTER, NULL), 0, "FILTER attribute");
	check_eq(vcpu_attr(vm.vcpu, KVM_HAS_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_SET_PMU, NULL), 0, "SET_PMU attribute");
	check_errno(vcpu_attr(vm.vcpu, KVM_HAS_DEVICE_ATTR, 99, NULL), ENXIO, "unknown attribute");
	check_eq(vcpu_run(&vm), -EINVAL, "KVM_RUN before INIT");
	check_errno(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_IRQ, &irq), EINVAL, "IRQ without a vGIC");
	vm_drop(&vm);
	vm = VM_PMU(cycles);
	dev = gic_placed(&vm);
	check_errno(vcpu_attr(vm.vcpu, KVM_GET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_IRQ, &irq), ENXIO, "IRQ not set yet");
	irq = 15;
	check_errno(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_IRQ, &irq), EINVAL, "an SGI");
	irq = 1020;
	check_errno(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_IRQ, &irq), EINVAL, "beyond the SPIs");
	check_errno(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_IRQ, NULL), EFAULT, "no memory");
	check_errno(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_INIT, NULL), ENODEV, "INIT before the vGIC's");
	irq = PMU_PPI;
	check_eq(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_IRQ, &irq), 0, "a PPI");
	check_errno(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_IRQ, &irq), EBUSY, "a second time");
	irq = 0;
	must(vcpu_attr(vm.vcpu, KVM_GET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_IRQ, &irq));
	check_eq(irq, PMU_PPI, "it can be read");
	check_errno(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_SET_PMU, &id), ENXIO, "an unknown PMU");
	gic_start(dev);
	check_eq(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_INIT, NULL), 0, "INIT");
	check_errno(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_INIT, NULL), EBUSY, "INIT again");
	close(dev);
	vm_drop(&vm);
}

static void registers(void)
{
	struct vm vm = VM_PMU(cycles);
	uint64_t cr = reg(vm.vcpu, PMCR), n = cr >> 11 & 31;

	check(n >= 1, "PMCR_EL0.N");
	check(reg(vm.vcpu, DFR0) >> 8 & 15, "PMUVer");
	set(vm.vcpu, PMCR, (cr & ~(31UL << 11)) | 1 << 11);
	check_eq(reg(vm.vcpu, PMCR) >> 11 & 31, 1, "fewer counters");
	set(vm.vcpu, PMCR, cr | 31 << 11);
	check_eq(reg(vm.vcpu, PMCR) >> 11 & 31, 1, "more than the CPU's are ignored");
	set(vm.vcpu, PMCNTENCLR, ~0UL);
	set(vm.vcpu, PMCNTENSET, ~0UL);
	check_eq(reg(vm.vcpu, PMCNTENSET), 1UL << 31 | 1, "PMCNTENSET_EL0 keeps what there is");
	set(vm.vcpu, PMCNTENCLR, 1);
	check_eq(reg(vm.vcpu, PMCNTENCLR), 1UL << 31, "PMCNTENCLR_EL0");
	set(vm.vcpu, PMOVSCLR, ~0UL);
	set(vm.vcpu, PMOVSSET, 1);
	check_eq(reg(vm.vcpu, PMOVSCLR), 1, "PMOVSSET_EL0");
	vm_drop(&vm);
}

static uint64_t hz(void)
{
	uint64_t v;

	asm("mrs %0, cntfrq_el0" : "=r"(v));
	return v;
}

static uint64_t counter(void)
{
	uint64_t v;

	asm volatile("isb; mrs %0, cntvct_el0" : "=r"(v));
	return v;
}

static void cycles(void)
{
	uint64_t spun;
	struct vm vm = VM_PMU(cycles);
	int64_t a, b, c;

	init(&vm);
	a = guest_says(&vm, 0);
	check(a >= 1000, "cycles are counted");
	/* User space again, the vCPU perhaps still in the CPU: not the guest's cycles. ONE_REG only afterwards. */
	spun = counter();
	while (counter() - spun < hz() / 2)
		;
	spun = counter() - spun;
	b = guest_says(&vm, 8);
	check(b - a >= 1000, "on after an exit");
	check((uint64_t)(b - a) < spun, "without what the VMM spun meanwhile");
	check_eq(reg(vm.vcpu, PMCCNTR) >= (uint64_t)b, 1, "the same through ONE_REG");
	c = guest_says(&vm, 16);
	check_eq(guest_says(&vm, 24), c, "not while disabled");
	check_eq(guest_says(&vm, 32), 0, "PMCR_EL0.C");
	check_eq(guest_says(&vm, 40) & 7, 1, "which reads as 0");
	vm_drop(&vm);
}

static void software(bool filtered)
{
	struct kvm_pmu_event_filter f = { .base_event = 0, .nevents = 1, .action = KVM_PMU_EVENT_DENY };
	struct vm vm = VM_PMU(software);

	if (filtered) {
		f.action = 2;
		check_errno(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_FILTER, &f), EINVAL, "filter: action");
		f.action = KVM_PMU_EVENT_DENY;
		f.base_event = 0xffff;
		f.nevents = 2;
		check_errno(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_FILTER, &f), EINVAL, "filter: range");
		f.base_event = 0x11;
		f.nevents = 1;
		check_eq(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_FILTER, &f), 0, "filter: deny");
	}
	init(&vm);
	check_eq(guest_says(&vm, 0), 0xffffffff, "software increment");
	check_eq(guest_says(&vm, 8) & 1, 0, "no overflow yet");
	check_eq(guest_says(&vm, 16), 0, "another one wraps");
	check_eq(guest_says(&vm, 24) & 1, 1, "overflow");
	check_eq(guest_says(&vm, 32) & 1, 0, "its flag is cleared");
	check_eq(guest_says(&vm, 40) & (1 | 1 << 0x11), filtered ? 1 : 1 | 1 << 0x11, "PMCEID0_EL0");
	vm_drop(&vm);
}

static void overflow(void)
{
	struct vm vm = VM_PMU(overflow);

	init(&vm);
	check_eq(guest_says(&vm, 0), 1UL << 31, "overflow of the cycle counter");
	check_eq(vm.run->s.regs.device_irq_level & KVM_ARM_DEV_PMU, 0, "without an interrupt");
	vm_drop(&vm);
	vm = VM_PMU(overflow);
	init(&vm);
	set(vm.vcpu, REG_X(0), 1UL << 31);
	check_eq(guest_says(&vm, 0), 1UL << 31, "overflow");
	check_eq(guest_says(&vm, 8), 1UL << 31, "(one exit more)");
	check_eq(vm.run->s.regs.device_irq_level & KVM_ARM_DEV_PMU, KVM_ARM_DEV_PMU, "its line is up for the VMM");
	check_eq(guest_says(&vm, 16), 0, "(flag cleared)");
	check_eq(vm.run->s.regs.device_irq_level & KVM_ARM_DEV_PMU, 0, "and down again");
	vm_drop(&vm);
}

static void interrupt(void)
{
	struct vm vm = VM_PMU(interrupt);
	int irq = PMU_PPI, dev = gic_placed(&vm);

	gic_start(dev);
	must(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_IRQ, &irq));
	init(&vm);
	set(vm.vcpu, REG_X(20), DIST);
	set(vm.vcpu, REG_X(21), REDIST);
	check_eq(guest_says(&vm, 0), PMU_PPI, "interrupt of the cycle counter");
	check_eq(guest_says(&vm, 8), 1UL << 31, "its overflow flag");
	check_eq(guest_says(&vm, 16) >> PMU_PPI & 1, 0, "not pending when the flag is cleared");
	close(dev);
	vm_drop(&vm);
}

int main(void)
{
	int kvm = must(open("/dev/kvm", O_RDWR));

	if (ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_PMU_V3) <= 0) {
		printf("# no PMU\n");
		return report();
	}
	without();
	attributes();
	registers();
	cycles();
	software(false);
	software(true);
	overflow();
	interrupt();
	close(kvm);
	return report();
}
