// SPDX-License-Identifier: GPL-2.0-only
/* Every capability number and what KVM_CHECK_EXTENSION says of it, as Linux 6.12 does; what differs is listed last. */
#include "kvm.h"

#define HIGHEST		300

/* 1 everywhere. */
static const unsigned short yes[] = {
	KVM_CAP_IRQCHIP, KVM_CAP_USER_MEMORY, KVM_CAP_MP_STATE, KVM_CAP_COALESCED_MMIO,
	KVM_CAP_SYNC_MMU, KVM_CAP_DESTROY_MEMORY_REGION_WORKS, KVM_CAP_SET_GUEST_DEBUG,
	KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, KVM_CAP_IRQFD, KVM_CAP_IOEVENTFD,
	KVM_CAP_INTERNAL_ERROR_DATA, KVM_CAP_VCPU_EVENTS, KVM_CAP_ONE_REG, KVM_CAP_SIGNAL_MSI,
	KVM_CAP_READONLY_MEM, KVM_CAP_IRQFD_RESAMPLE, KVM_CAP_ARM_PSCI, KVM_CAP_ARM_SET_DEVICE_ADDR,
	KVM_CAP_DEVICE_CTRL, KVM_CAP_ENABLE_CAP_VM, KVM_CAP_ARM_PSCI_0_2, KVM_CAP_CHECK_EXTENSION_VM,
	KVM_CAP_IOEVENTFD_ANY_LENGTH, KVM_CAP_VCPU_ATTRIBUTES, KVM_CAP_IMMEDIATE_EXIT,
	KVM_CAP_ARM_USER_IRQ, KVM_CAP_COALESCED_PIO, KVM_CAP_ARM_IRQ_LINE_LAYOUT_2,
	KVM_CAP_ARM_NISV_TO_USER, KVM_CAP_ARM_INJECT_EXT_DABT, KVM_CAP_HALT_POLL, KVM_CAP_STEAL_TIME,
	KVM_CAP_PTP_KVM, KVM_CAP_BINARY_STATS_FD, KVM_CAP_SYSTEM_EVENT_DATA, KVM_CAP_ARM_SYSTEM_SUSPEND,
	KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP, KVM_CAP_COUNTER_OFFSET,
	KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES, KVM_CAP_USER_MEMORY2,
};

static const struct {
	unsigned short cap;
	int system, vm;
} values[] = {
	{ KVM_CAP_NR_MEMSLOTS, 32767, 32767 },
	{ KVM_CAP_IRQ_ROUTING, 4096, 4096 },
	{ KVM_CAP_MAX_VCPUS, 512, 512 },
	{ KVM_CAP_MAX_VCPU_ID, 512, 512 },
	{ KVM_CAP_MSI_DEVID, -1, 0 },
	{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 3, 3 },
	{ KVM_CAP_SET_GUEST_DEBUG2, 196611, 196611 },
	{ KVM_CAP_DIRTY_LOG_RING_ACQ_REL, 1048576, 1048576 },
	{ KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES, 1075843072, 1075843072 },
};

/* What the CPUs decide; KVM_CAP_ARM_MTE too. */
static const unsigned short cpu[] = {
	KVM_CAP_NR_VCPUS, KVM_CAP_ARM_EL1_32BIT, KVM_CAP_GUEST_DEBUG_HW_BPS, KVM_CAP_GUEST_DEBUG_HW_WPS,
	KVM_CAP_ARM_PMU_V3, KVM_CAP_ARM_INJECT_SERROR_ESR, KVM_CAP_ARM_VM_IPA_SIZE, KVM_CAP_ARM_SVE,
	KVM_CAP_ARM_PTRAUTH_ADDRESS, KVM_CAP_ARM_PTRAUTH_GENERIC, KVM_CAP_ARM_MTE,
};

/* Of newer Linux or another architecture: 1 here, 0 on Linux 6.12. docs/abi/kvm.md. */
static const unsigned short ours[] = { KVM_CAP_IOEVENTFD_NO_LENGTH, 239 /* ARM_WRITABLE_IMP_ID_REGS */, 240 /* ARM_EL2 */,
	241 /* ARM_EL2_E2H0 */ };

#define HAS(array, cap)	has(array, sizeof(array) / sizeof((array)[0]), cap)

static bool has(const unsigned short *list, unsigned n, unsigned cap)
{
	while (n)
		if (list[--n] == cap)
			return true;
	return false;
}

static void check_cap(int kvm, int vm, unsigned cap)
{
	int a = ioctl(kvm, KVM_CHECK_EXTENSION, (long)cap), b = ioctl(vm, KVM_CHECK_EXTENSION, (long)cap);
	int want_a = HAS(yes, cap), want_b = want_a;
	unsigned i;

	if (HAS(cpu, cap))
		want_a = want_b = a > 0 ? a : 0;
	if (HAS(ours, cap))
		want_a = want_b = a == 1;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (values[i].cap != cap)
			continue;
		want_a = values[i].system;
		want_b = values[i].vm;
	}
	if (a != want_a || b != want_b)
		printf("# capability %u: %d and %d\n", cap, a, b);
	check(a == want_a && b == want_b, "a capability");
}

int main(void)
{
	int kvm = must(open("/dev/kvm", O_RDWR)), vm = must(ioctl(kvm, KVM_CREATE_VM, 0L));
	struct kvm_enable_cap e = { .cap = KVM_CAP_USER_MEMORY };
	unsigned cap;

	for (cap = 0; cap < HIGHEST; cap++)
		check_cap(kvm, vm, cap);
	check_errno(ioctl(vm, KVM_ENABLE_CAP, &e), EINVAL, "a capability that is only told");
	e.cap = HIGHEST;
	check_errno(ioctl(vm, KVM_ENABLE_CAP, &e), EINVAL, "one that is not there");
	e = (struct kvm_enable_cap){ .cap = KVM_CAP_ARM_NISV_TO_USER, .flags = 1 };
	check_errno(ioctl(vm, KVM_ENABLE_CAP, &e), EINVAL, "flags");
	e.flags = 0;
	check_eq(ioctl(vm, KVM_ENABLE_CAP, &e), 0, "without");
	e = (struct kvm_enable_cap){ .cap = KVM_CAP_HALT_POLL, .args = { 1UL << 32 } };
	check_errno(ioctl(vm, KVM_ENABLE_CAP, &e), EINVAL, "halt polling for longer than 32 bits say");
	e = (struct kvm_enable_cap){ .cap = KVM_CAP_DIRTY_LOG_RING_ACQ_REL, .flags = 1, .args = { 65536 } };
	check_eq(ioctl(vm, KVM_ENABLE_CAP, &e), 0, "rings: flags are not looked at");
	return report();
}
