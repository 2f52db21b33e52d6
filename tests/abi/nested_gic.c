// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ: which PPI a guest hypervisor's maintenance interrupt is. On hosts without the attribute
 * (Linux before 6.16), or that offer no EL2 to guests, there is little to see.
 */
#include "gic.h"
#include "kvm_el2.h"

#define GRP_MAINT	9		/* newer than some headers */

GUEST(spin, "1: b 1b");
/*
 * Turns everything on, asks for a maintenance interrupt while no list register is in use, and runs a guest that does
 * nothing. Tells which interrupt ends it. x26 GICD, x25 this CPU's SGI frame.
 */
GUEST(maint,
	"adr x0, 9f; msr vbar_el2, x0; mov w0, #0x12; str w0, [x26]; mov w0, #-1; str w0, [x25, #0x80]; str w0, [x25, #0x100];"
	"mov x0, #0xf0; msr s3_0_c4_c6_0, x0; mov x0, #1; msr s3_0_c12_c12_7, x0; isb; mov x0, #3; msr s3_4_c12_c11_0, x0;"
	"mov x0, #0x18; movk x0, #0x8000, lsl #16; movk x0, #4, lsl #32; msr hcr_el2, x0;"	/* RW, E2H, IMO, FMO */
	"adr x0, 8f; msr elr_el2, x0; mov x0, #0x3c5; msr spsr_el2, x0; isb; eret; 8: b 8b;"
	".org guest_maint + 0x800; 9: .org guest_maint + 0x800 + 0x480;"
	"mrs x0, s3_0_c12_c12_0; dsb sy; str x0, [x28]; 7: b 7b; .org guest_maint + 0x1000");

/* Takes the condition of its maintenance interrupt away, and tells what is pending a little later. */
GUEST(clear,
	"msr s3_4_c12_c11_0, xzr; isb; ldr w0, [x25, #0x200]; ldr w0, [x25, #0x200]; ldr w0, [x25, #0x200]; dsb sy; str x0, [x28]; 1: b 1b");

static uint32_t maint(int gic)
{
	uint32_t intid = ~0U;

	must(attr(gic, GET, GRP_MAINT, 0, &intid));
	return intid;
}

/* Of any VM, with an EL2 or without. */
static bool attribute(void)
{
	struct vm vm = VM(spin);
	int gic = gic_placed(&vm);
	uint32_t intid;

	if (attr(gic, HAS, GRP_MAINT, 0, NULL)) {
		check_eq(errno, ENXIO, "KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ is not there: ENXIO");
		check_errno(attr(gic, SET, GRP_MAINT, 0, &(uint32_t){ 25 }), ENXIO, "nor can it be set");
		close(gic);
		vm_drop(&vm);
		return false;
	}
	check_eq(attr(gic, HAS, GRP_MAINT, 7, NULL), 0, "any attribute of the group");
	check_eq(maint(gic), 0, "0 as long as nobody has said");
	check_errno(attr(gic, SET, GRP_MAINT, 0, NULL), EFAULT, "from NULL");
	check_errno(attr(gic, GET, GRP_MAINT, 0, NULL), EFAULT, "to NULL");
	intid = 15;
	check_errno(attr(gic, SET, GRP_MAINT, 0, &intid), EINVAL, "an SGI");
	intid = 32;
	check_errno(attr(gic, SET, GRP_MAINT, 0, &intid), EINVAL, "an SPI");
	check_eq(maint(gic), 0, "still 0");
	intid = 31;
	check_eq(attr(gic, SET, GRP_MAINT, 0, &intid), 0, "the last PPI");
	intid = 16;
	check_eq(attr(gic, SET, GRP_MAINT, 3, &intid), 0, "the first one");
	check_eq(maint(gic), 16, "read back");
	gic_start(gic);
	check_errno(attr(gic, SET, GRP_MAINT, 0, &intid), EBUSY, "after KVM_DEV_ARM_VGIC_CTRL_INIT");
	intid = 99;
	check_errno(attr(gic, SET, GRP_MAINT, 0, &intid), EBUSY, "whatever it is");
	check_errno(attr(gic, SET, GRP_MAINT, 0, NULL), EFAULT, "from NULL then");
	check_eq(maint(gic), 16, "as it was");
	close(gic);
	vm_drop(&vm);
	return true;
}

static struct vm vm_el2(void)
{
	struct vm vm = VM_AS(PSCI | EL2, maint);

	set(vm.vcpu, REG_X(26), GICD);
	set(vm.vcpu, REG_X(25), GICR + 0x10000);
	return vm;
}

/* @intid 0: as it comes. What the hypervisor takes, or -errno. */
static int64_t takes(uint32_t intid, uint32_t *after)
{
	struct vm vm = vm_el2();
	int gic = gic_placed(&vm), ret;

	if (intid)
		must(attr(gic, SET, GRP_MAINT, 0, &intid));
	gic_start(gic);
	ret = vcpu_run(&vm);
	*after = maint(gic);
	if (ret == KVM_EXIT_MMIO)
		ret = vm.run->mmio.data[0];
	close(gic);
	vm_drop(&vm);
	return ret;
}

static void interrupts(void)
{
	uint32_t after;

	check_eq(takes(0, &after), 25, "a maintenance interrupt is PPI 25 by default");
	check_eq(after, 25, "and the attribute says so once the vCPU has run");
	check_eq(takes(22, &after), 22, "or what the VMM says");
	check_eq(after, 22, "the attribute then");
	check_eq(takes(16, &after), 16, "the first PPI");
	check_eq(takes(31, &after), 31, "the last one");
	check_eq(takes(27, &after), -EINVAL, "KVM_RUN when it is a timer's too: EINVAL");
	check_eq(takes(26, &after), -EINVAL, "one of EL2's: EINVAL");
}

/*
 * A vCPU that was saved while its hypervisor had a maintenance interrupt, on another VM: the line is high, ICH_HCR_EL2 as given.
 * What is pending once the hypervisor has taken the condition away.
 */
static int64_t restored(uint64_t ich_hcr)
{
	const uint64_t redist = 0, info = (uint64_t)VGIC_LEVEL_INFO_LINE_LEVEL << KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT;
	struct vm vm = VM_AS(PSCI | EL2, clear);
	uint32_t lines = 1 << 25, seen = 0;
	int gic = gic_placed(&vm), ret;

	set(vm.vcpu, REG_X(25), GICR + 0x10000);
	gic_start(gic);
	set(vm.vcpu, ARM64_SYS_REG(3, 4, 12, 11, 0), ich_hcr);
	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, redist | info, &lines));
	must(attr(gic, GET, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, redist | info, &seen));
	check_eq(seen >> 25 & 1, 1, "the line of the maintenance interrupt, restored");
	ret = vcpu_run(&vm);
	if (ret == KVM_EXIT_MMIO)
		ret = vm.run->mmio.data[3] >> 1 & 1;
	must(attr(gic, GET, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, redist | info, &seen));
	check_eq(seen >> 25 & 1, 0, "and low again");
	close(gic);
	vm_drop(&vm);
	return ret;
}

int main(void)
{
	int kvm = must(open("/dev/kvm", O_RDWR));

	if (attribute() && el2_offered(kvm)) {
		interrupts();
		check_eq(restored(3), 0, "a restored maintenance interrupt ends when its condition does");
		check_eq(restored(0), 0, "or at once, if that was all that was left of it");
	}
	close(kvm);
	return report();
}
