// SPDX-License-Identifier: GPL-2.0-only
/* Which error comes first when several are due, and what a call that failed has done: nothing. As Linux 6.12 has it. */
#include <sys/eventfd.h>

#include "gic.h"

GUEST(spin, "1: b 1b");
/* A byte to the eventfd's address, then a word to the VMM. */
GUEST(ring, "add x1, x28, #0x100; mov w0, #0xff; strb w0, [x1]; str w0, [x28]; 1: b 1b");

#define RO_GPA		0x50000000UL
#define PAGES		128

static int clear(int vm, uint32_t slot, uint64_t first, uint32_t num, void *bits)
{
	struct kvm_clear_dirty_log c = {
		.slot = slot, .first_page = first, .num_pages = num, .dirty_bitmap = bits,
	};

	return ioctl(vm, KVM_CLEAR_DIRTY_LOG, &c);
}

static int get(int vm, uint32_t slot, void *bits)
{
	struct kvm_dirty_log d = { .slot = slot, .dirty_bitmap = bits };

	return ioctl(vm, KVM_GET_DIRTY_LOG, &d);
}

/* KVM_CLEAR_DIRTY_LOG: address space and slot, then the first page, then the slot's log, then the range, then the bitmap. */
static void dirty_log(void)
{
	struct kvm_enable_cap manual = { .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args = { 3 } };
	uint64_t bits[PAGES / 64] = { ~0UL, ~0UL }, now[PAGES / 64] = { 0 };
	struct vm vm = VM(spin);
	char *half, *mem;

	mem = mmap(NULL, PAGES << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	half = mmap(NULL, 2 << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must((long)mem);
	must((long)half);
	must(munmap(half + 4096, 4096));
	memset(half, 0xff, 4096);
	must(ioctl(vm.fd, KVM_ENABLE_CAP, &manual));
	must(set_slot(vm.fd, 7, KVM_MEM_LOG_DIRTY_PAGES, RO_GPA, PAGES << 12, mem));
	check_errno(clear(vm.fd, 1 << 16, 1, 64, NULL), EINVAL, "another address space");
	check_errno(clear(vm.fd, 9, 1, 64, NULL), EINVAL, "no slot, first page not a multiple of 64");
	check_errno(clear(vm.fd, 9, 0, 64, NULL), ENOENT, "no slot");
	check_errno(clear(vm.fd, 0, 0, 1, NULL), ENOENT, "a slot without a log");
	check_errno(clear(vm.fd, 7, 0, 1, NULL), EINVAL, "one page in the middle, from NULL");
	check_errno(clear(vm.fd, 7, 64, 128, NULL), EINVAL, "more than there are, from NULL");
	check_errno(clear(vm.fd, 7, 0, 128, NULL), EFAULT, "from NULL");
	check_eq(clear(vm.fd, 7, 0, 0, NULL), 0, "nothing from NULL");
	check_eq(clear(vm.fd, 7, PAGES, 0, NULL), 0, "nothing at the end");
	check_errno(clear(vm.fd, 7, 0, 128, half + 4096 - 8), EFAULT, "half of it can be read");
	must(get(vm.fd, 7, now));
	check(!memcmp(now, bits, sizeof(bits)), "then nothing has been cleared");
	check_eq(clear(vm.fd, 7, 64, 64, bits), 0, "the upper half");
	must(get(vm.fd, 7, now));
	check(now[0] == ~0UL && !now[1], "is clear");
	check_errno(get(vm.fd, 7, NULL), EFAULT, "read to NULL");
	munmap(mem, PAGES << 12);
	munmap(half, 4096);
	vm_drop(&vm);
}

/* With rings alone there are no bitmaps. The size of a ring is 32 bits wide; what is above them does not count. */
static void rings(void)
{
	struct kvm_enable_cap c = { .cap = KVM_CAP_DIRTY_LOG_RING_ACQ_REL };
	int kvm = must(open("/dev/kvm", O_RDWR)), vm = must(ioctl(kvm, KVM_CREATE_VM, 0L));
	static const struct {
		uint64_t size;
		int err;
	} no[] = {
		{ 0, EINVAL }, { 1UL << 32, EINVAL }, { 65537, EINVAL }, { 2048, EINVAL }, { 3 << 20, EINVAL },
		{ 1UL << 31, E2BIG }, { 2 << 20, E2BIG },
	};
	char name[60];

	for (unsigned int i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		c.args[0] = no[i].size;
		snprintf(name, sizeof(name), "rings of %#lx bytes", (long)c.args[0]);
		check_errno(ioctl(vm, KVM_ENABLE_CAP, &c), no[i].err, name);
	}
	c.args[0] = 1UL << 32 | 65536;
	check_eq(ioctl(vm, KVM_ENABLE_CAP, &c), 0, "rings of 0x100010000 bytes are of 65536");
	c.args[0] = 65536;
	check_errno(ioctl(vm, KVM_ENABLE_CAP, &c), EINVAL, "a second time");
	c.args[0] = 2 << 20;
	check_errno(ioctl(vm, KVM_ENABLE_CAP, &c), E2BIG, "a second time, too large");
	check_errno(clear(vm, 9, 1, 64, NULL), ENXIO, "clearing with rings alone");
	check_errno(get(vm, 1 << 16, NULL), ENXIO, "reading with rings alone");
	close(vm);
	close(kvm);
}

/* KVM_ARM_VCPU_PVTIME_IPA: the kernel writes there, so a read-only slot will not do. */
static void stolen_time(void)
{
	struct vm vm = VM(spin);
	uint64_t ipa = RO_GPA;
	struct kvm_device_attr a = {
		.group = KVM_ARM_VCPU_PVTIME_CTRL, .attr = KVM_ARM_VCPU_PVTIME_IPA, .addr = (uintptr_t)&ipa,
	};

	check_errno(ioctl(vm.vcpu, KVM_SET_DEVICE_ATTR, &a), EINVAL, "stolen time where no memory is");
	must(set_slot(vm.fd, 1, KVM_MEM_READONLY, RO_GPA, 4096, vm.ram));
	check_errno(ioctl(vm.vcpu, KVM_SET_DEVICE_ATTR, &a), EINVAL, "in a read-only slot");
	ipa = RAM_GPA + 32;
	check_errno(ioctl(vm.vcpu, KVM_SET_DEVICE_ATTR, &a), EINVAL, "not aligned");
	ipa = RAM_GPA + 64;
	check_eq(ioctl(vm.vcpu, KVM_SET_DEVICE_ATTR, &a), 0, "in RAM");
	ipa = 32;
	check_errno(ioctl(vm.vcpu, KVM_SET_DEVICE_ATTR, &a), EINVAL, "again, not aligned");
	ipa = 64;
	check_errno(ioctl(vm.vcpu, KVM_SET_DEVICE_ATTR, &a), EEXIST, "again");
	a.addr = 0;
	check_errno(ioctl(vm.vcpu, KVM_SET_DEVICE_ATTR, &a), EFAULT, "again, from NULL");
	vm_drop(&vm);
}

#define SYSREG(op0, op1, crn, crm, op2)	ARM64_SYS_REG(op0, op1, crn, crm, op2)

/* KVM_SET_ONE_REG reads a system register's value before it looks for the register; KVM_GET_ONE_REG looks first. */
static void one_reg(void)
{
	static const struct {
		const char *name;
		uint64_t id;
		int get, set;
	} regs[] = {
		{ "no system register", SYSREG(3, 0, 15, 15, 7), ENOENT, EFAULT },
		{ "a system register of 32 bits", (SYSREG(3, 0, 1, 0, 0) & ~KVM_REG_SIZE_MASK) | KVM_REG_SIZE_U32, ENOENT, EFAULT },
		{ "no group", KVM_REG_ARM64 | KVM_REG_SIZE_U64 | 0xfUL << 16, ENOENT, EFAULT },
		{ "another architecture's", KVM_REG_X86 | KVM_REG_SIZE_U64, EINVAL, EINVAL },
		{ "no core register", KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | 0xffff, ENOENT, ENOENT },
		{ "half a core register", (REG_PC & ~KVM_REG_SIZE_MASK) | KVM_REG_SIZE_U32, EINVAL, EINVAL },
		{ "no cache level", KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_DEMUX | 14, ENOENT, ENOENT },
		{ "no firmware register", KVM_REG_ARM_FW_REG(0xff), ENOENT, EFAULT },
		{ "a firmware register of 32 bits", (KVM_REG_ARM_PSCI_VERSION & ~KVM_REG_SIZE_MASK) | KVM_REG_SIZE_U32, ENOENT,
		  ENOENT },
		{ "an SVE register without SVE", KVM_REG_ARM64_SVE_ZREG(0, 0), ENOENT, ENOENT },
		{ "an SVE register of another size", KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SVE, EINVAL, EINVAL },
		{ "the PC", REG_PC, EFAULT, EFAULT },
		{ "SCTLR_EL1", SYSREG(3, 0, 1, 0, 0), EFAULT, EFAULT },
		{ "an ID register", SYSREG(3, 0, 0, 4, 0), EFAULT, EFAULT },
		{ "the PSCI version", KVM_REG_ARM_PSCI_VERSION, EFAULT, EFAULT },
		{ "the virtual timer's control", KVM_REG_ARM_TIMER_CTL, EFAULT, EFAULT },
	};
	struct vm vm = VM(spin);
	char name[80];

	for (unsigned int i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		snprintf(name, sizeof(name), "%s, read to NULL", regs[i].name);
		check_errno(get_reg(vm.vcpu, regs[i].id, NULL), regs[i].get, name);
		snprintf(name, sizeof(name), "%s, written from NULL", regs[i].name);
		check_errno(set_reg(vm.vcpu, regs[i].id, NULL), regs[i].set, name);
	}
	vm_drop(&vm);
}

/* All of datamatch is compared, so with bits above the length it never matches. */
static void datamatch(uint64_t match, int rings)
{
	struct kvm_ioeventfd e = {
		.datamatch = match, .addr = MMIO_GPA + 0x100, .len = 1, .flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
	};
	struct vm vm = VM(ring);
	uint64_t count = 0;

	e.fd = must(eventfd(0, EFD_NONBLOCK));
	check_eq(ioctl(vm.fd, KVM_IOEVENTFD, &e), 0, "an eventfd with datamatch");
	check_eq(vcpu_run(&vm), KVM_EXIT_MMIO, "the guest stores");
	check_eq(vm.run->mmio.phys_addr - MMIO_GPA, rings ? 0 : 0x100, rings ? "the eventfd takes the byte" : "the byte comes to us");
	check_eq(read(e.fd, &count, sizeof(count)) == sizeof(count), rings, "the eventfd");
	close(e.fd);
	vm_drop(&vm);
}

#define LEVEL(mpidr)	((uint64_t)(mpidr) << 32 | VGIC_LEVEL_INFO_LINE_LEVEL << KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT)

static void place(int gic, uint64_t dist, uint64_t redist)
{
	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist));
	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redist));
}

/* PPIs of the timers are the kernel's: KVM_IRQ_LINE says yes and does nothing. */
static void owned_lines(void)
{
	struct vm vm = VM(ring);
	uint32_t levels = 0;
	int gic = gic_create(&vm);

	place(gic, GICD, GICR);
	check_errno(line(&vm, KVM_ARM_IRQ_TYPE_PPI, 0, 27, 1), EBUSY, "a PPI before the vGIC is initialised");
	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL));
	check_eq(vcpu_run(&vm), KVM_EXIT_MMIO, "the vCPU has run");
	check_eq(line(&vm, KVM_ARM_IRQ_TYPE_PPI, 0, 25, 1), 0, "a PPI of the VMM's");
	check_eq(line(&vm, KVM_ARM_IRQ_TYPE_PPI, 0, 27, 1), 0, "the virtual timer's");
	check_eq(line(&vm, KVM_ARM_IRQ_TYPE_PPI, 0, 30, 1), 0, "the physical timer's");
	check_errno(line(&vm, KVM_ARM_IRQ_TYPE_PPI, 0, 15, 1), EINVAL, "an SGI");
	check_errno(line(&vm, KVM_ARM_IRQ_TYPE_PPI, 1, 27, 1), EINVAL, "of no vCPU");
	check_errno(line(&vm, KVM_ARM_IRQ_TYPE_SPI, 0, 31, 1), EINVAL, "a PPI as an SPI");
	check_errno(line(&vm, KVM_ARM_IRQ_TYPE_SPI, 0, 256, 1), EINVAL, "an SPI that is not there");
	check_errno(line(&vm, KVM_ARM_IRQ_TYPE_CPU, 0, 0, 1), ENXIO, "a CPU's line with a vGIC");
	must(attr(gic, GET, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, LEVEL(0), &levels));
	check_eq(levels, 1 << 25, "only the VMM's line is high");
	close(gic);
	vm_drop(&vm);
}

/* Regions of redistributors: what may follow what, and what still may after the first run. */
static void regions(void)
{
	uint64_t dist = GICD, region = (2UL << 52) | GICD, next = (1UL << 52) | GICR | 1, legacy = GICR;
	struct vm vm = VM(ring);
	struct kvm_create_device d = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	int bare = must(ioctl(vm.kvm, KVM_CREATE_VM, 0L)), gic;

	must(ioctl(bare, KVM_CREATE_DEVICE, &d));
	must(attr(d.fd, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist));
	check_eq(attr(d.fd, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, &region), 0,
		 "a counted region over the distributor while there are no vCPUs");
	check_errno(ioctl(bare, KVM_CREATE_VCPU, 0L), EINVAL, "a vCPU in it");
	close(d.fd);
	close(bare);
	gic = gic_create(&vm);
	check_errno(ioctl(vm.fd, KVM_CREATE_DEVICE, &d), EEXIST, "a second vGIC");
	place(gic, GICD, GICR);
	check_errno(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &legacy), EEXIST, "redistributors twice");
	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL));
	check_eq(vcpu_run(&vm), KVM_EXIT_MMIO, "the vCPU has run");
	check_errno(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &legacy), EEXIST, "redistributors then");
	check_errno(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist), EEXIST, "the distributor then");
	next &= ~0xfffUL;
	check_errno(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, &next), EINVAL,
		    "a region with the number of another then");
	check_errno(ioctl(vm.fd, KVM_CREATE_DEVICE, &d), EEXIST, "a second vGIC then");
	close(gic);
	vm_drop(&vm);
}

/* The PMU's interrupt: known to the vGIC when the PMU is initialised, and nobody else's when the vCPU runs. */
static void pmu_interrupt(int irq, int init, int run)
{
	struct kvm_device_attr a = { .group = KVM_ARM_VCPU_PMU_V3_CTRL, .addr = (uintptr_t)&irq };
	struct vm vm = VM(ring);
	struct kvm_run *r;
	char name[60];
	int gic, fd;

	munmap(vm.run, vm.run_size);
	close(vm.vcpu);
	close(vm.fd);
	vm.fd = must(ioctl(vm.kvm, KVM_CREATE_VM, 0L));	/* another, for a vCPU with other features */
	must(set_slot(vm.fd, 0, 0, RAM_GPA, RAM_SIZE, vm.ram));
	fd = vcpu_add(&vm, 0, 1 << KVM_ARM_VCPU_PSCI_0_2 | 1 << KVM_ARM_VCPU_PMU_V3);
	r = vcpu_map(&vm, fd);
	set(fd, REG_PC, RAM_GPA);
	set(fd, REG_X(28), MMIO_GPA);
	gic = gic_create(&vm);
	place(gic, GICD, GICR);
	a.attr = KVM_ARM_VCPU_PMU_V3_IRQ;
	snprintf(name, sizeof(name), "PMU interrupt %d", irq);
	check_eq(ioctl(fd, KVM_SET_DEVICE_ATTR, &a), 0, name);
	a.attr = KVM_ARM_VCPU_PMU_V3_INIT;
	check_errno(ioctl(fd, KVM_SET_DEVICE_ATTR, &a), ENODEV, "INIT before the vGIC's");
	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL));
	check_eq(ioctl(fd, KVM_SET_DEVICE_ATTR, &a) ? errno : 0, init, "INIT");
	check_eq(ioctl(fd, KVM_RUN, 0L) ? errno : 0, run, "KVM_RUN");
	munmap(r, vm.run_size);
	munmap(vm.ram, RAM_SIZE);
	close(fd);
	close(gic);
	close(vm.fd);
	close(vm.kvm);
}

/* The PMU is the VM's: a vCPU's own KVM_ARM_VCPU_INIT may come after its PMU's interrupt, and leaves it alone. */
static void pmu_before_init(void)
{
	uint32_t features = 1 << KVM_ARM_VCPU_PSCI_0_2 | 1 << KVM_ARM_VCPU_PMU_V3;
	int irq = 23, kvm = must(open("/dev/kvm", O_RDWR)), gic, first, fd;
	struct kvm_device_attr a = { .group = KVM_ARM_VCPU_PMU_V3_CTRL, .addr = (uintptr_t)&irq };
	struct kvm_create_device d = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	int vm = must(ioctl(kvm, KVM_CREATE_VM, 0L));

	a.attr = KVM_ARM_VCPU_PMU_V3_IRQ;
	first = must(ioctl(vm, KVM_CREATE_VCPU, 0));
	fd = must(ioctl(vm, KVM_CREATE_VCPU, 1));
	must(ioctl(vm, KVM_CREATE_DEVICE, &d));
	gic = d.fd;
	check_errno(ioctl(fd, KVM_HAS_DEVICE_ATTR, &a), ENXIO, "a VM that nobody has given a PMU");
	check_errno(ioctl(fd, KVM_SET_DEVICE_ATTR, &a), ENODEV, "it takes no interrupt");
	check_errno(ioctl(fd, KVM_GET_DEVICE_ATTR, &a), ENODEV, "and gives none");
	must(vcpu_init_features(vm, first, features));
	check_eq(ioctl(fd, KVM_HAS_DEVICE_ATTR, &a), 0, "with one, also a vCPU before its INIT");
	check_errno(ioctl(fd, KVM_GET_DEVICE_ATTR, &a), ENXIO, "no interrupt yet");
	check_eq(ioctl(fd, KVM_SET_DEVICE_ATTR, &a), 0, "it takes one");
	check_errno(ioctl(fd, KVM_SET_DEVICE_ATTR, &a), EBUSY, "and only one");
	must(vcpu_init_features(vm, fd, features));
	irq = 0;
	check_eq(ioctl(fd, KVM_GET_DEVICE_ATTR, &a), 0, "after INIT");
	check_eq(irq, 23, "it is still the same");
	close(gic);
	close(fd);
	close(first);
	close(vm);
	close(kvm);
}

int main(void)
{
	int kvm = must(open("/dev/kvm", O_RDWR));

	owned_lines();
	regions();
	if (ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_PMU_V3) > 0) {
		pmu_interrupt(23, 0, 0);
		pmu_interrupt(27, 0, EINVAL);
		pmu_interrupt(40, 0, 0);
		pmu_interrupt(400, EINVAL, EINVAL);
		pmu_before_init();
	}
	close(kvm);
	dirty_log();
	rings();
	stolen_time();
	one_reg();
	datamatch(0xff, 1);
	datamatch(0xfe, 0);
	datamatch(0x1ff, 0);
	return report();
}
