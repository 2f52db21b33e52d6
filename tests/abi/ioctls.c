// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every ioctl of KVM on every kind of descriptor: which exist where, what comes of a NULL argument and of a structure full of
 * zeros, and what the capabilities promise. The expected errors are those of Linux 6.12 on arm64.
 */
#include "kvm.h"

GUEST(spin, "1: b 1b");
/* A virtual timer that has expired already, without a vGIC. */
GUEST(timer, "mov x0, #1; msr cntv_tval_el0, xzr; msr cntv_ctl_el0, x0; isb; 1: b 1b");

#define ROW(name, dev, vm, vcpu)	{ #name, name, { dev, vm, vcpu } }
#define VM_ROW(name, err)		{ #name, name, false, err }
#define VCPU_ROW(name, err)		{ #name, name, true, err }

/* errno for a NULL argument on /dev/kvm, a VM, a vCPU; 0: it succeeds. */
static const struct {
	const char *name;
	unsigned long nr;
	int err[3];
} null_argument[] = {
	ROW(KVM_GET_API_VERSION, 0, EINVAL, EINVAL),
	ROW(KVM_GET_VCPU_MMAP_SIZE, 0, EINVAL, EINVAL),
	ROW(KVM_SET_USER_MEMORY_REGION, EINVAL, EFAULT, EINVAL),
	ROW(KVM_SET_USER_MEMORY_REGION2, EINVAL, EFAULT, EINVAL),
	ROW(KVM_GET_DIRTY_LOG, EINVAL, EFAULT, EINVAL),
	ROW(KVM_CLEAR_DIRTY_LOG, EINVAL, EFAULT, EINVAL),
	ROW(KVM_REGISTER_COALESCED_MMIO, EINVAL, EFAULT, EINVAL),
	ROW(KVM_UNREGISTER_COALESCED_MMIO, EINVAL, EFAULT, EINVAL),
	ROW(KVM_IRQFD, EINVAL, EFAULT, EINVAL),
	ROW(KVM_IOEVENTFD, EINVAL, EFAULT, EINVAL),
	ROW(KVM_SIGNAL_MSI, EINVAL, EFAULT, EINVAL),
	ROW(KVM_IRQ_LINE, EINVAL, EFAULT, EINVAL),
	ROW(KVM_IRQ_LINE_STATUS, EINVAL, EFAULT, EINVAL),
	ROW(KVM_SET_GSI_ROUTING, EINVAL, EFAULT, EINVAL),
	ROW(KVM_SET_MEMORY_ATTRIBUTES, EINVAL, EINVAL, EINVAL),
	ROW(KVM_CREATE_DEVICE, EINVAL, EFAULT, EINVAL),
	ROW(KVM_RESET_DIRTY_RINGS, EINVAL, EINVAL, EINVAL),
	ROW(KVM_GET_STATS_FD, EINVAL, 0, 0),
	ROW(KVM_CREATE_GUEST_MEMFD, EINVAL, EINVAL, EINVAL),
	ROW(KVM_CREATE_IRQCHIP, EINVAL, ENODEV, EINVAL),
	ROW(KVM_ARM_SET_DEVICE_ADDR, EINVAL, EFAULT, EFAULT),
	ROW(KVM_ARM_PREFERRED_TARGET, EINVAL, EFAULT, EINVAL),
	ROW(KVM_ARM_MTE_COPY_TAGS, EINVAL, EFAULT, EINVAL),
	ROW(KVM_ARM_SET_COUNTER_OFFSET, EINVAL, EFAULT, EINVAL),
	ROW(KVM_HAS_DEVICE_ATTR, EINVAL, EFAULT, EFAULT),
	ROW(KVM_SET_DEVICE_ATTR, EINVAL, EFAULT, EFAULT),
	ROW(KVM_GET_DEVICE_ATTR, EINVAL, EINVAL, EFAULT),
	ROW(KVM_ARM_GET_REG_WRITABLE_MASKS, EINVAL, EFAULT, EINVAL),
	ROW(KVM_ENABLE_CAP, EINVAL, EFAULT, EINVAL),
	ROW(KVM_CREATE_VCPU, EINVAL, EEXIST, EINVAL),
	ROW(KVM_GET_REGS, EINVAL, EINVAL, EINVAL),
	ROW(KVM_SET_REGS, EINVAL, EINVAL, EFAULT),
	ROW(KVM_GET_SREGS, EINVAL, EINVAL, EINVAL),
	ROW(KVM_SET_SREGS, EINVAL, EINVAL, EINVAL),
	ROW(KVM_GET_MP_STATE, EINVAL, EINVAL, EFAULT),
	ROW(KVM_SET_MP_STATE, EINVAL, EINVAL, EFAULT),
	ROW(KVM_TRANSLATE, EINVAL, EINVAL, EFAULT),
	ROW(KVM_SET_GUEST_DEBUG, EINVAL, EINVAL, EFAULT),
	ROW(KVM_GET_FPU, EINVAL, EINVAL, EINVAL),
	ROW(KVM_SET_FPU, EINVAL, EINVAL, EINVAL),
	ROW(KVM_PRE_FAULT_MEMORY, EINVAL, EINVAL, EINVAL),
	ROW(KVM_ARM_VCPU_INIT, EINVAL, EINVAL, EFAULT),
	ROW(KVM_SET_ONE_REG, EINVAL, EINVAL, EFAULT),
	ROW(KVM_GET_ONE_REG, EINVAL, EFAULT, EFAULT),
	ROW(KVM_GET_REG_LIST, EINVAL, EINVAL, EFAULT),
	ROW(KVM_GET_VCPU_EVENTS, EINVAL, EINVAL, EFAULT),
	ROW(KVM_SET_VCPU_EVENTS, EINVAL, EINVAL, EFAULT),
	ROW(KVM_ARM_VCPU_FINALIZE, EINVAL, EINVAL, EFAULT),
	ROW(KVM_INTERRUPT, EINVAL, EINVAL, EINVAL),
	ROW(KVM_SET_BOOT_CPU_ID, EINVAL, EINVAL, EINVAL),
	ROW(KVM_GET_IRQCHIP, EINVAL, EINVAL, EINVAL),
	ROW(KVM_SET_TSS_ADDR, EINVAL, EINVAL, EINVAL),
	ROW(KVM_SET_NR_MMU_PAGES, EINVAL, EINVAL, EINVAL),
	ROW(KVM_REINJECT_CONTROL, EINVAL, EINVAL, EINVAL),
	ROW(KVM_CREATE_PIT2, EINVAL, EINVAL, EINVAL),
	ROW(KVM_SMI, EINVAL, EINVAL, EINVAL),
	ROW(KVM_GET_CLOCK, EINVAL, EINVAL, EINVAL),
	ROW(KVM_SET_SIGNAL_MASK, EINVAL, EINVAL, 0),
	ROW(KVM_KVMCLOCK_CTRL, EINVAL, EINVAL, EINVAL),
	ROW(KVM_MEMORY_ENCRYPT_OP, EINVAL, EINVAL, EINVAL),
};

/* The same for a structure of zeros. */
static const struct {
	const char *name;
	unsigned long nr;
	bool vcpu;
	int err;
} zero_argument[] = {
	VM_ROW(KVM_IRQ_LINE, 0),
	VM_ROW(KVM_IRQ_LINE_STATUS, 0),
	VM_ROW(KVM_SET_GSI_ROUTING, 0),
	VM_ROW(KVM_SIGNAL_MSI, EINVAL),
	VM_ROW(KVM_IRQFD, EAGAIN),
	VM_ROW(KVM_IOEVENTFD, EINVAL),
	VM_ROW(KVM_CREATE_DEVICE, ENODEV),
	VM_ROW(KVM_ENABLE_CAP, EINVAL),
	VM_ROW(KVM_ARM_SET_DEVICE_ADDR, ENODEV),
	VM_ROW(KVM_ARM_PREFERRED_TARGET, 0),
	VM_ROW(KVM_ARM_MTE_COPY_TAGS, EINVAL),
	VM_ROW(KVM_HAS_DEVICE_ATTR, 0),
	VM_ROW(KVM_GET_DEVICE_ATTR, EINVAL),
	VM_ROW(KVM_REGISTER_COALESCED_MMIO, 0),
	VM_ROW(KVM_UNREGISTER_COALESCED_MMIO, 0),
	VM_ROW(KVM_GET_DIRTY_LOG, ENOENT),
	VM_ROW(KVM_CLEAR_DIRTY_LOG, ENOENT),
	VM_ROW(KVM_SET_USER_MEMORY_REGION2, 0),
	VCPU_ROW(KVM_GET_REGS, EINVAL),
	VCPU_ROW(KVM_SET_REGS, EINVAL),
	VCPU_ROW(KVM_GET_SREGS, EINVAL),
	VCPU_ROW(KVM_SET_SREGS, EINVAL),
	VCPU_ROW(KVM_GET_FPU, EINVAL),
	VCPU_ROW(KVM_SET_FPU, EINVAL),
	VCPU_ROW(KVM_TRANSLATE, EINVAL),
	VCPU_ROW(KVM_ARM_VCPU_FINALIZE, EINVAL),
	VCPU_ROW(KVM_ARM_VCPU_INIT, EINVAL),
	VCPU_ROW(KVM_SET_GUEST_DEBUG, 0),
	VCPU_ROW(KVM_HAS_DEVICE_ATTR, ENXIO),
	VCPU_ROW(KVM_GET_REG_LIST, E2BIG),
	VCPU_ROW(KVM_SET_SIGNAL_MASK, EINVAL),
	VCPU_ROW(KVM_SET_VCPU_EVENTS, 0),
	VCPU_ROW(KVM_GET_VCPU_EVENTS, 0),
	VCPU_ROW(KVM_ENABLE_CAP, EINVAL),
	VCPU_ROW(KVM_GET_ONE_REG, EINVAL),
};

static void nulls(struct vm *vm)
{
	static const char *const on[] = { "/dev/kvm", "a VM", "a vCPU" };
	const int fd[] = { vm->kvm, vm->fd, vm->vcpu };
	char name[80];

	for (unsigned int i = 0; i < sizeof(null_argument) / sizeof(null_argument[0]); i++)
		for (unsigned int j = 0; j < 3; j++) {
			long r;

			errno = 0;
			r = ioctl(fd[j], null_argument[i].nr, 0L);
			snprintf(name, sizeof(name), "%s(NULL) on %s", null_argument[i].name, on[j]);
			check_eq(r < 0 ? errno : 0, null_argument[i].err[j], name);
			if (r > 2 && null_argument[i].nr == KVM_GET_STATS_FD)
				close(r);
		}
	check_errno(ioctl(vm->vcpu, KVM_RUN, 5L), EINVAL, "KVM_RUN with an argument");
	check_errno(ioctl(vm->kvm, KVM_GET_API_VERSION, 5L), EINVAL, "KVM_GET_API_VERSION with an argument");
	check_errno(ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 5L), EINVAL, "KVM_GET_VCPU_MMAP_SIZE with an argument");
	check_errno(ioctl(vm->kvm, 0x5401), EINVAL, "another driver's ioctl on /dev/kvm");
	check_errno(ioctl(vm->fd, 0x5401), EINVAL, "on a VM");
	check_errno(ioctl(vm->vcpu, 0x5401), EINVAL, "on a vCPU");
}

static void zeros(struct vm *vm)
{
	static char zero[4096];

	for (unsigned int i = 0; i < sizeof(zero_argument) / sizeof(zero_argument[0]); i++) {
		char name[80];
		long r;

		memset(zero, 0, sizeof(zero));
		errno = 0;
		r = ioctl(zero_argument[i].vcpu ? vm->vcpu : vm->fd, zero_argument[i].nr, zero);
		snprintf(name, sizeof(name), "%s of zeros", zero_argument[i].name);
		check_eq(r < 0 ? errno : 0, zero_argument[i].err, name);
	}
}

/* What a structure of ones is, where it is not EINVAL. */
static const struct {
	unsigned long nr;
	int vm, vcpu;
} ones_argument[] = {
	{ KVM_GET_DEVICE_ATTR, EINVAL, ENXIO },
	{ KVM_SET_DEVICE_ATTR, ENXIO, ENXIO },
	{ KVM_HAS_DEVICE_ATTR, ENXIO, ENXIO },
	{ KVM_GET_MP_STATE, EINVAL, 0 },
	{ KVM_GET_REG_LIST, EINVAL, 0 },
	{ KVM_GET_VCPU_EVENTS, EINVAL, 0 },
	{ KVM_GET_STATS_FD, 0, 0 },
	{ KVM_ARM_PREFERRED_TARGET, 0, EINVAL },
	{ KVM_ARM_SET_DEVICE_ADDR, ENODEV, EINVAL },	/* a vCPU's KVM_GET_ONE_REG has its number */
	{ KVM_CREATE_DEVICE, ENODEV, EINVAL },
	{ KVM_CREATE_IRQCHIP, ENODEV, EINVAL },
	{ KVM_IOEVENTFD, EBADF, EINVAL },
};

static int of_ones(unsigned long nr, bool vcpu)
{
	for (unsigned int i = 0; i < sizeof(ones_argument) / sizeof(ones_argument[0]); i++)
		if (ones_argument[i].nr == nr)
			return vcpu ? ones_argument[i].vcpu : ones_argument[i].vm;
	return EINVAL;
}

static void ones(void)
{
	static unsigned char all[16384];
	struct vm vm = VM(spin);
	char name[80];

	for (unsigned int i = 0; i < sizeof(null_argument) / sizeof(null_argument[0]); i++)
		for (int vcpu = 0; vcpu < 2; vcpu++) {
			unsigned long nr = null_argument[i].nr;
			long r;

			if (null_argument[i].nr == KVM_GET_ONE_REG)
				continue;
			memset(all, 0xff, sizeof(all));
			errno = 0;
			r = ioctl(vcpu ? vm.vcpu : vm.fd, nr, all);
			snprintf(name, sizeof(name), "%s of ones on a %s", null_argument[i].name, vcpu ? "vCPU" : "VM");
			check_eq(r < 0 ? errno : 0, of_ones(nr, vcpu), name);
			if (r > 2)
				close(r);
		}
	vm_drop(&vm);
}

static void enable_caps(struct vm *vm)
{
	struct kvm_enable_cap c = { .cap = KVM_CAP_HALT_POLL, .args = { 100000 } };

	check_eq(ioctl(vm->fd, KVM_ENABLE_CAP, &c), 0, "KVM_CAP_HALT_POLL");
	c.args[0] = 1UL << 33;
	check_errno(ioctl(vm->fd, KVM_ENABLE_CAP, &c), EINVAL, "of too many ns");
	c = (struct kvm_enable_cap){ .cap = KVM_CAP_ARM_NISV_TO_USER, .flags = 1 };
	check_errno(ioctl(vm->fd, KVM_ENABLE_CAP, &c), EINVAL, "a capability with flags");
	c = (struct kvm_enable_cap){ .cap = KVM_CAP_IRQFD };
	check_errno(ioctl(vm->fd, KVM_ENABLE_CAP, &c), EINVAL, "one that cannot be enabled");
	c = (struct kvm_enable_cap){ .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args = { 4 } };
	check_errno(ioctl(vm->fd, KVM_ENABLE_CAP, &c), EINVAL, "manual dirty log with unknown flags");
}

static int made(int kvm, long type)
{
	int fd = ioctl(kvm, KVM_CREATE_VM, type), err = errno;

	if (fd < 0)
		return err;
	close(fd);
	return 0;
}

static void creation(struct vm *vm)
{
	long most = ioctl(vm->kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);

	check(most >= 40 && most <= 52, "KVM_CAP_ARM_VM_IPA_SIZE");
	check_eq(made(vm->kvm, 0), 0, "a VM of the default size");
	check_eq(made(vm->kvm, 32), 0, "of 32 bits");
	check_eq(made(vm->kvm, most), 0, "of the largest size");
	check_eq(made(vm->kvm, most + 1), EINVAL, "of one more");
	check_eq(made(vm->kvm, 31), EINVAL, "of 31 bits");
	check_eq(made(vm->kvm, 1L << 31), EINVAL, "of another type");
	check_errno(ioctl(vm->fd, KVM_CREATE_VCPU, 0L), EEXIST, "vCPU 0 twice");
	check_errno(ioctl(vm->fd, KVM_CREATE_VCPU, 512L), EINVAL, "vCPU 512");
	check_errno(ioctl(vm->fd, KVM_CREATE_VCPU, -1L), EINVAL, "vCPU -1");
	check_errno(ioctl(vm->fd, KVM_CREATE_VCPU, 1L << 32), EINVAL, "vCPU 1 << 32");
}

/* KVM_CAP_ARM_USER_IRQ: without a vGIC the timer's line is the VMM's business. */
static void user_irq(void)
{
	struct vm vm = VM(timer);

	check_eq(ioctl(vm.kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_USER_IRQ), 1, "KVM_CAP_ARM_USER_IRQ");
	alarm(20);
	check_errno(ioctl(vm.vcpu, KVM_RUN, 0), EINTR, "an expired timer ends KVM_RUN");
	check_eq(vm.run->exit_reason, KVM_EXIT_INTR, "as a signal does");
	check_eq(vm.run->s.regs.device_irq_level, KVM_ARM_DEV_EL1_VTIMER, "the virtual timer's line is high");
	alarm(0);
	vm_drop(&vm);
}

int main(void)
{
	struct vm vm = VM(spin);

	nulls(&vm);
	zeros(&vm);
	ones();
	enable_caps(&vm);
	creation(&vm);
	user_irq();
	vm_drop(&vm);
	return report();
}
