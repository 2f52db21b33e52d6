// SPDX-License-Identifier: GPL-2.0-only
/*
 * The moment at which a VM's configuration freezes: what another thread changes while a vCPU runs for the first time
 * comes wholly before it or is refused.
 */
#include "kvm.h"

#define ID_ISAR0	ARM64_SYS_REG(3, 0, 0, 6, 0)
#define ROUNDS		60

/* Reports ID_AA64ISAR0_EL1. */
GUEST(isar0, "mrs x0, id_aa64isar0_el1; str x0, [x28]; 1: b 1b");

static struct vm vm;
static int second;			/* another vCPU: ONE_REG of the one that runs would wait for it */
static pthread_barrier_t both;
static int other_result, other_errno, before;

static void delay(unsigned int n)
{
	for (volatile unsigned int i = 0; i < n * 37; i++)
		;
}

static void *create_vgic(void *arg)
{
	struct kvm_create_device d = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };

	pthread_barrier_wait(&both);
	delay(before);
	other_result = ioctl(vm.fd, KVM_CREATE_DEVICE, &d);
	other_errno = errno;
	if (!other_result)
		close(d.fd);
	return NULL;
}

static void *lower_id(void *arg)
{
	uint64_t v = reg(second, ID_ISAR0) - 0x10;

	pthread_barrier_wait(&both);
	delay(before);
	other_result = set_reg(second, ID_ISAR0, &v);
	other_errno = errno;
	return NULL;
}

/* KVM_RUN against @fn: what KVM_RUN gave. */
static int race(void *(*fn)(void *), unsigned int round)
{
	pthread_t t;
	int ret;

	vm = VM(isar0);
	second = vcpu_add(&vm, 1, 1 << KVM_ARM_VCPU_PSCI_0_2);
	before = round % 4 ? round % 4 * round * 8 : 0;
	errno = pthread_create(&t, NULL, fn, NULL);
	must(errno ? -1 : 0);
	pthread_barrier_wait(&both);
	delay(round % 4 ? 0 : round);
	ret = vcpu_run(&vm);
	pthread_join(t, NULL);
	return ret;
}

int main(void)
{
	unsigned int i, created = 0, refused = 0, bad = 0, stale = 0;
	uint64_t seen, offered;
	int ret;

	pthread_barrier_init(&both, NULL, 2);
	for (i = 0; i < ROUNDS; i++) {
		ret = race(create_vgic, i);
		if (!other_result)
			created++;
		else
			refused += other_errno == EBUSY;
		/* A vGIC that nobody configured: its VM cannot run. Without one it runs, and then no vGIC comes. */
		bad += ret == KVM_EXIT_MMIO ? other_result == 0 : other_result != 0 || ret >= 0;
		close(second);
		vm_drop(&vm);
	}
	printf("# vGIC created %u times, refused %u times\n", created, refused);
	check_eq(bad, 0, "a VM runs without vGIC or gets one: never both");
	check_eq(created + refused, ROUNDS, "created or EBUSY");
	for (i = created = refused = bad = 0; i < ROUNDS; i++) {
		ret = race(lower_id, i);
		bad += ret != KVM_EXIT_MMIO;
		memcpy(&seen, vm.run->mmio.data, 8);
		offered = reg(second, ID_ISAR0);
		stale += seen != offered;
		if (!other_result)
			created++;
		else
			refused += other_errno == EBUSY;
		close(second);
		vm_drop(&vm);
	}
	printf("# ID register lowered %u times, refused %u times\n", created, refused);
	check_eq(bad, 0, "the guest runs");
	check_eq(stale, 0, "and reads what the VMM reads");
	check_eq(created + refused, ROUNDS, "lowered or EBUSY");
	return report();
}
