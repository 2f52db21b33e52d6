// SPDX-License-Identifier: GPL-2.0-only
/*
 * The EL1 timers as a VMM sees them: counters and their offsets, interrupt
 * numbers, and that an expired timer says so. `wrapping` is also the
 * reproducer for the selftest arch_timer_edge_cases, see tests/expect.
 */
#include "gic.h"

#define REG_PTIMER_CNT	ARM64_SYS_REG(3, 3, 14, 0, 1)

/*
 * x0: ticks until the deadline, x4: ticks to wait at most. Says the CTL it
 * found with ISTATUS, or the last one when the wait was over. IMASK stays set.
 */
GUEST(virt, "mrs x1, cntvct_el0; add x2, x1, x0; msr cntv_cval_el0, x2; mov x3, #3; msr cntv_ctl_el0, x3;"
	"1: isb; mrs x3, cntv_ctl_el0; tbnz x3, #2, 2f;"
	"mrs x6, cntvct_el0; sub x6, x6, x1; cmp x6, x4; b.lo 1b;"
	"2: str x3, [x28]; mrs x3, cntvct_el0; str x3, [x28, #8]; 3: b 3b");
GUEST(phys, "mrs x1, cntpct_el0; add x2, x1, x0; msr cntp_cval_el0, x2; mov x3, #3; msr cntp_ctl_el0, x3;"
	"1: isb; mrs x3, cntp_ctl_el0; tbnz x3, #2, 2f;"
	"mrs x6, cntpct_el0; sub x6, x6, x1; cmp x6, x4; b.lo 1b;"
	"2: str x3, [x28]; mrs x3, cntpct_el0; str x3, [x28, #8]; 3: b 3b");

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

/* Nestbox works around what QEMU 10 gets wrong; on another host it is only a remark. */
static void check_quirk(bool cond, const char *name)
{
	if (cond || on_nestbox())
		check(cond, name);
	else
		printf("# not ok here, QEMU's fault: %s\n", name);
}

/* CTL when the timer has expired, or after @wait ticks. */
static int64_t expire(struct vm *vm, uint64_t wait)
{
	set(vm->vcpu, REG_X(0), hz() / 100);
	set(vm->vcpu, REG_X(4), wait);
	return guest_says(vm, 0);
}

static void expires(void)
{
	struct vm v = VM(virt), p = VM(phys);

	check_eq(expire(&v, 20 * hz()), 7, "virtual timer: ENABLE, IMASK, ISTATUS");
	check_eq(reg(v.vcpu, KVM_REG_ARM_TIMER_CTL), 7, "the same through ONE_REG");
	check_eq(expire(&p, 20 * hz()), 7, "physical timer: ENABLE, IMASK, ISTATUS");
	vm_drop(&v);
	vm_drop(&p);
}

/*
 * A counter ahead of the machine's: CVAL + CNTVOFF goes beyond 2^64, which is
 * how a VM comes back on a machine that booted later. QEMU 10 computes the next
 * event without the wrap (gt_recalc_timer: uadd64_overflow means "never"), so
 * ISTATUS stays clear there until something else touches the timer; hardware
 * compares modulo 2^64. A deadline before the machine's start has expired too.
 */
static void wrapping(void)
{
	struct vm vm = VM(virt);
	int64_t ctl;

	set(vm.vcpu, KVM_REG_ARM_TIMER_CNT, 1UL << 63);
	ctl = expire(&vm, hz() / 5);
	check(guest_says(&vm, 8) < 0, "the counter is where it was put");
	check_quirk(ctl == 7, "timer with a counter ahead of the machine's");
	vm_drop(&vm);
}

static int set_offset(int vm, uint64_t offset, uint64_t reserved)
{
	struct kvm_arm_counter_offset o = { .counter_offset = offset, .reserved = reserved };

	return ioctl(vm, KVM_ARM_SET_COUNTER_OFFSET, &o);
}

static void offset(void)
{
	struct vm v = VM(virt), p = VM(phys);
	uint64_t off = counter() - 1000 * hz(), cnt;

	check_eq(ioctl(v.kvm, KVM_CHECK_EXTENSION, KVM_CAP_COUNTER_OFFSET), 1, "KVM_CAP_COUNTER_OFFSET");
	check_errno(set_offset(v.fd, off, 1), EINVAL, "offset: reserved field");
	check_eq(set_offset(v.fd, off, 0), 0, "KVM_ARM_SET_COUNTER_OFFSET");
	set(v.vcpu, KVM_REG_ARM_TIMER_CNT, 0);
	cnt = reg(v.vcpu, KVM_REG_ARM_TIMER_CNT);
	check(cnt / hz() >= 1000 && cnt / hz() < 1600, "then ONE_REG does not set the counter");
	must(set_offset(p.fd, off, 0));
	must(expire(&v, 0));
	cnt = guest_says(&v, 8);
	check(cnt / hz() >= 1000 && cnt / hz() < 1600, "the guest's virtual counter");
	must(expire(&p, 0));
	cnt = guest_says(&p, 8);
	/* QEMU 10 without EL3 takes SCR_EL3.ECVEn for clear: CNTPOFF_EL2 has no effect. */
	check_quirk(cnt / hz() >= 1000 && cnt / hz() < 1600, "the guest's physical counter");

	vm_drop(&v);
	vm_drop(&p);
}

static void physical_expires_with_offset(void)
{
	struct vm p = VM(phys);

	must(set_offset(p.fd, counter() - 1000 * hz(), 0));
	check_eq(expire(&p, 20 * hz()), 7, "physical timer with an offset");
	check_eq(reg(p.vcpu, ARM64_SYS_REG(3, 3, 14, 2, 1)), 7, "the same through ONE_REG");
	vm_drop(&p);
}

/* x0 added to the counter, modulo 2^64: deadlines before the guest's counter began, and never. */
static void far(void)
{
	struct vm vm = VM(virt);

	set(vm.vcpu, KVM_REG_ARM_TIMER_CNT, 1UL << 63);
	set(vm.vcpu, REG_X(0), 1UL << 63);
	set(vm.vcpu, REG_X(4), 20 * hz());
	check_eq(guest_says(&vm, 0), 7, "CVAL near 0, counter at 2^63");
	vm_drop(&vm);
	vm = VM(virt);
	set(vm.vcpu, KVM_REG_ARM_TIMER_CNT, 1UL << 63);
	set(vm.vcpu, REG_X(0), (1UL << 63) - 1000 * hz());
	set(vm.vcpu, REG_X(4), 0);
	check_eq(guest_says(&vm, 0), 3, "CVAL near 2^64, counter at 2^63");
	vm_drop(&vm);
}

static int vcpu_attr(int vcpu, unsigned long op, uint64_t a, void *p)
{
	return attr(vcpu, op, KVM_ARM_VCPU_TIMER_CTRL, a, p);
}

static void interrupts(void)
{
	struct vm vm = VM(virt);
	int irq = 0, dev;

	check_eq(vcpu_attr(vm.vcpu, KVM_HAS_DEVICE_ATTR, KVM_ARM_VCPU_TIMER_IRQ_VTIMER, NULL), 0, "VTIMER attribute");
	check_eq(vcpu_attr(vm.vcpu, KVM_HAS_DEVICE_ATTR, KVM_ARM_VCPU_TIMER_IRQ_PTIMER, NULL), 0, "PTIMER attribute");
	check_errno(vcpu_attr(vm.vcpu, KVM_HAS_DEVICE_ATTR, 9, NULL), ENXIO, "unknown attribute");
	must(vcpu_attr(vm.vcpu, KVM_GET_DEVICE_ATTR, KVM_ARM_VCPU_TIMER_IRQ_VTIMER, &irq));
	check_eq(irq, 27, "default of the virtual timer");
	must(vcpu_attr(vm.vcpu, KVM_GET_DEVICE_ATTR, KVM_ARM_VCPU_TIMER_IRQ_PTIMER, &irq));
	check_eq(irq, 30, "default of the physical timer");
	irq = 20;
	check_errno(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_TIMER_IRQ_VTIMER, &irq), EINVAL,
		    "without an in-kernel vGIC");
	dev = gic_placed(&vm);
	check_eq(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_TIMER_IRQ_VTIMER, &irq), 0, "set");
	irq = 0;
	must(vcpu_attr(vm.vcpu, KVM_GET_DEVICE_ATTR, KVM_ARM_VCPU_TIMER_IRQ_VTIMER, &irq));
	check_eq(irq, 20, "get");
	irq = 15;
	check_errno(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_TIMER_IRQ_VTIMER, &irq), EINVAL, "an SGI");
	irq = 32;
	check_errno(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_TIMER_IRQ_VTIMER, &irq), EINVAL, "an SPI");
	check_errno(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_TIMER_IRQ_VTIMER, NULL), EFAULT, "no memory");
	irq = 20;
	must(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_TIMER_IRQ_PTIMER, &irq));
	gic_start(dev);
	check_eq(vcpu_run(&vm), -EINVAL, "both timers on one interrupt");
	close(dev);
	vm_drop(&vm);
	vm = VM(virt);
	dev = gic_placed(&vm);
	gic_start(dev);
	must(expire(&vm, 0));
	check_errno(vcpu_attr(vm.vcpu, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_TIMER_IRQ_PTIMER, &irq), EBUSY, "after a run");
	close(dev);
	vm_drop(&vm);
}

int main(void)
{
	expires();
	wrapping();
	offset();
	physical_expires_with_offset();
	far();
	interrupts();
	return report();
}
