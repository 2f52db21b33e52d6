// SPDX-License-Identifier: GPL-2.0-only
/* /dev/kvm, VM and vCPU creation, capabilities and the errors around them. */
#include <sys/resource.h>

#include "kvm.h"

static void system_fd(int kvm)
{
	check_eq(ioctl(kvm, KVM_GET_API_VERSION, 0), 12, "API version");
	check_errno(ioctl(kvm, KVM_GET_API_VERSION, 1), EINVAL, "API version with argument");
	check(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0) >= (int)sizeof(struct kvm_run), "mmap size");
	check_errno(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 1), EINVAL, "mmap size with argument");
	check_errno(ioctl(kvm, KVM_RUN, 0), EINVAL, "KVM_RUN on /dev/kvm");
	check_errno(ioctl(kvm, 0x12345678, 0), EINVAL, "unknown ioctl on /dev/kvm");
}

static void capabilities(int kvm)
{
	static const struct {
		int cap;
		const char *name;
	} caps[] = {
		{ KVM_CAP_USER_MEMORY, "USER_MEMORY" }, { KVM_CAP_ONE_REG, "ONE_REG" },
		{ KVM_CAP_IRQFD, "IRQFD" }, { KVM_CAP_IOEVENTFD, "IOEVENTFD" },
		{ KVM_CAP_ARM_PSCI_0_2, "ARM_PSCI_0_2" }, { KVM_CAP_DEVICE_CTRL, "DEVICE_CTRL" },
		{ KVM_CAP_IMMEDIATE_EXIT, "IMMEDIATE_EXIT" }, { KVM_CAP_READONLY_MEM, "READONLY_MEM" },
		{ KVM_CAP_MP_STATE, "MP_STATE" }, { KVM_CAP_ARM_VM_IPA_SIZE, "ARM_VM_IPA_SIZE" },
		{ KVM_CAP_VCPU_EVENTS, "VCPU_EVENTS" }, { KVM_CAP_NR_MEMSLOTS, "NR_MEMSLOTS" },
		{ KVM_CAP_NR_VCPUS, "NR_VCPUS" }, { KVM_CAP_MAX_VCPUS, "MAX_VCPUS" },
		{ KVM_CAP_DESTROY_MEMORY_REGION_WORKS, "DESTROY_MEMORY_REGION_WORKS" },
	};
	unsigned int i;

	for (i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		check(ioctl(kvm, KVM_CHECK_EXTENSION, (long)caps[i].cap) > 0, caps[i].name);
	check_eq(ioctl(kvm, KVM_CHECK_EXTENSION, 9999L), 0, "unknown capability is 0");
	check(ioctl(kvm, KVM_CHECK_EXTENSION, (long)KVM_CAP_MAX_VCPUS) >=
	      ioctl(kvm, KVM_CHECK_EXTENSION, (long)KVM_CAP_NR_VCPUS), "MAX_VCPUS >= NR_VCPUS");
}

static void create_vm(int kvm)
{
	int ipa = ioctl(kvm, KVM_CHECK_EXTENSION, (long)KVM_CAP_ARM_VM_IPA_SIZE);
	int vm;

	check_errno(ioctl(kvm, KVM_CREATE_VM, (long)KVM_VM_TYPE_ARM_IPA_SIZE(31)), EINVAL,
		    "31 bits of IPA");
	check_errno(ioctl(kvm, KVM_CREATE_VM, (long)KVM_VM_TYPE_ARM_IPA_SIZE(ipa + 1)), EINVAL,
		    "too many bits of IPA");
	check_errno(ioctl(kvm, KVM_CREATE_VM, 0x100L), EINVAL, "unknown bits in the VM's type");
	vm = ioctl(kvm, KVM_CREATE_VM, (long)KVM_VM_TYPE_ARM_IPA_SIZE(ipa));
	check(vm >= 0, "largest IPA");
	close(vm);
	vm = ioctl(kvm, KVM_CREATE_VM, (long)KVM_VM_TYPE_ARM_IPA_SIZE(32));
	check(vm >= 0, "32 bits of IPA");
	check_errno(set_slot(vm, 0, 0, 1UL << 32, 0x1000, (void *)0x10000), EFAULT,
		    "slot above the IPA limit");
	close(vm);
}

/* A vCPU that got no descriptor was never there. A VM's comes before all else. */
static void no_descriptor(int kvm, int vm)
{
	struct kvm_irq_level level = { .irq = KVM_ARM_IRQ_TYPE_CPU << KVM_ARM_IRQ_TYPE_SHIFT |
					      1 << KVM_ARM_IRQ_VCPU_SHIFT };
	struct rlimit old, none;
	int vcpu;

	must(getrlimit(RLIMIT_NOFILE, &old));
	none = old;
	none.rlim_cur = 0;
	must(setrlimit(RLIMIT_NOFILE, &none));
	check_errno(ioctl(vm, KVM_CREATE_VCPU, 1), EMFILE, "vCPU without a descriptor");
	check_errno(ioctl(kvm, KVM_CREATE_VM, 0x100L), EMFILE, "VM of a wrong type without one");
	must(setrlimit(RLIMIT_NOFILE, &old));
	check_errno(ioctl(vm, KVM_IRQ_LINE, &level), EINVAL, "it is not there");
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 1);
	check(vcpu >= 0, "the same one once there is room");
	check_eq(ioctl(vm, KVM_IRQ_LINE, &level), 0, "now it is there");
	close(vcpu);
}

static void create_vcpu(int kvm)
{
	int vm = must(ioctl(kvm, KVM_CREATE_VM, 0));
	long max = ioctl(kvm, KVM_CHECK_EXTENSION, (long)KVM_CAP_MAX_VCPUS);
	struct kvm_vcpu_init init;
	struct kvm_regs *null = NULL;
	uint64_t val;
	int vcpu;

	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	check(vcpu >= 0, "KVM_CREATE_VCPU");
	check_errno(ioctl(vm, KVM_CREATE_VCPU, 0), EEXIST, "the same vCPU again");
	check_errno(ioctl(vm, KVM_CREATE_VCPU, max), EINVAL, "vCPU id too large");
	check_errno(ioctl(vm, KVM_CREATE_VCPU, -1L), EINVAL, "vCPU id -1");
	check_errno(ioctl(vcpu, KVM_RUN, 0), ENOEXEC, "KVM_RUN before KVM_ARM_VCPU_INIT");
	check_errno(get_reg(vcpu, REG_PC, &val), ENOEXEC, "GET_ONE_REG before init");
	memset(&init, 0, sizeof(init));
	check_eq(ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init), 0, "KVM_ARM_PREFERRED_TARGET");
	check_errno(ioctl(vm, KVM_ARM_PREFERRED_TARGET, null), EFAULT, "preferred target to NULL");
	check_errno(ioctl(vcpu, KVM_ARM_VCPU_INIT, null), EFAULT, "init from NULL");
	init.features[0] = 1U << 31;
	check(ioctl(vcpu, KVM_ARM_VCPU_INIT, &init) == -1 && (errno == EINVAL || errno == ENOENT),
	      "unknown feature");
	init.features[0] = 0;
	init.target = 1000;
	check_errno(ioctl(vcpu, KVM_ARM_VCPU_INIT, &init), EINVAL, "unknown target");
	check_eq(vcpu_init_features(vm, vcpu, 1 << KVM_ARM_VCPU_PSCI_0_2), 0, "init");
	check_eq(vcpu_init_features(vm, vcpu, 1 << KVM_ARM_VCPU_PSCI_0_2), 0, "init again");
	check_errno(vcpu_init_features(vm, vcpu, 0), EINVAL, "init again with other features");
	check_errno(ioctl(vcpu, KVM_RUN, 1), EINVAL, "KVM_RUN with argument");
	check_errno(ioctl(vcpu, KVM_CREATE_VM, 0), EINVAL, "KVM_CREATE_VM on a vCPU");
	close(vcpu);
	no_descriptor(kvm, vm);
	close(vm);
}

/* The VM lives as long as any descriptor of it. */
static void lifetime(int kvm)
{
	int vm = must(ioctl(kvm, KVM_CREATE_VM, 0)), vcpu;
	size_t size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	uint64_t v = 0x1234;
	void *run;

	vcpu = must(ioctl(vm, KVM_CREATE_VCPU, 0));
	must(vcpu_init_features(vm, vcpu, 0));
	close(vm);
	check_eq(set_reg(vcpu, REG_X(3), &v), 0, "vCPU works after the VM was closed");
	check_eq(reg(vcpu, REG_X(3)), 0x1234, "its register");
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	check(run != MAP_FAILED, "mmap of the run page");
	close(vcpu);
	*(volatile uint8_t *)run = 1;
	check(true, "the run page outlives its descriptor");
	munmap(run, size);
	check_errno(ioctl(vcpu, KVM_RUN, 0), EBADF, "closed vCPU");
}

static void slots(int kvm)
{
	int vm = must(ioctl(kvm, KVM_CREATE_VM, 0));
	uint8_t *mem = mmap(NULL, 0x400000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check_eq(set_slot(vm, 0, 0, 0x40000000, 0x200000, mem), 0, "slot 0");
	check_errno(set_slot(vm, 1, 0, 0x40100000, 0x200000, mem + 0x200000), EEXIST, "overlap");
	check_errno(set_slot(vm, 1, 0, 0x50000001, 0x1000, mem), EINVAL, "unaligned address");
	check_errno(set_slot(vm, 1, 0, 0x50000000, 0x1001, mem), EINVAL, "unaligned size");
	check_errno(set_slot(vm, 1, 0, 0x50000000, 0x1000, mem + 1), EINVAL, "unaligned memory");
	check_errno(set_slot(vm, 1, 0x80, 0x50000000, 0x1000, mem), EINVAL, "unknown flag");
	check_errno(set_slot(vm, 40000, 0, 0x50000000, 0x1000, mem), EINVAL, "slot number too large");
	check_errno(set_slot(vm, 1, 0, 0xfffffffffffff000, 0x2000, mem), EINVAL, "address wraps");
	check_errno(set_slot(vm, 0, 0, 0x40000000, 0x100000, mem), EINVAL, "other size in place");
	check_errno(set_slot(vm, 0, 0, 0x40000000, 0x200000, mem + 0x200000), EINVAL,
		    "other memory in place");
	check_errno(set_slot(vm, 5, 0, 0, 0, mem), EINVAL, "deleting what is not there");
	check_eq(set_slot(vm, 0, 0, 0x60000000, 0x200000, mem), 0, "moved");
	check_eq(set_slot(vm, 1, 0, 0x40000000, 0x200000, mem), 0, "old place is free");
	check_eq(set_slot(vm, 0, 0, 0, 0, NULL), 0, "deleted");
	check_errno(ioctl(vm, KVM_SET_USER_MEMORY_REGION, NULL), EFAULT, "slot from NULL");
	close(vm);
	munmap(mem, 0x400000);
}

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR);

	if (!check(kvm >= 0, "open /dev/kvm"))
		return report();
	system_fd(kvm);
	capabilities(kvm);
	create_vm(kvm);
	create_vcpu(kvm);
	lifetime(kvm);
	slots(kvm);
	check_errno(ioctl(0, KVM_CREATE_VM, 0), ENOTTY, "KVM ioctl on the terminal");
	return report();
}
