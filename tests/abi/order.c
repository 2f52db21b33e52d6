// SPDX-License-Identifier: GPL-2.0-only
/* Which error comes first when several are due, and what a call that failed has done: nothing. As Linux 6.12 has it. */
#include <sys/eventfd.h>

#include "kvm.h"

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

int main(void)
{
	dirty_log();
	rings();
	stolen_time();
	one_reg();
	datamatch(0xff, 1);
	datamatch(0xfe, 0);
	datamatch(0x1ff, 0);
	return report();
}
