// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device attributes of VMs, vCPUs, the vGIC and the ITS: each group with attributes that are there and that are not, read, written
 * and asked for, from NULL and with zeros. The expected errors are what Linux 6.12 on arm64 gave to this very program.
 */
#include "gic.h"

GUEST(spin, "1: b 1b");

enum device { VM, VCPU, VCPU_PMU, VCPU_PMU_GIC, VCPU_READY, GIC_NEW, GIC, ITS_NEW, ITS, NR_DEVICES };

static const char *const device_names[] = {
	"a VM", "a vCPU", "a vCPU with PMU", "a vCPU with PMU, a new vGIC", "a vCPU with PMU and vGIC",
	"a new vGIC", "a vGIC", "a new ITS", "an ITS",
};

#define ANY	-1			/* not tried: it would change something */
#define E(first, last, null, zeros)	{ true, first, last, { null, zeros } }
#define ROW(devices, op, group, null, zeros, ...)	{ devices, op, group, { null, zeros }, { __VA_ARGS__ } }

/* Devices that a row is for. */
#define OF(device)	(1U << (device))
#define VCPUS		(OF(VCPU) | OF(VCPU_PMU) | OF(VCPU_PMU_GIC) | OF(VCPU_READY))
#define PMUS		(OF(VCPU_PMU) | OF(VCPU_PMU_GIC) | OF(VCPU_READY))
#define NO_GIC		(OF(VCPU) | OF(VCPU_PMU))
#define WITH_GIC	(OF(VCPU_PMU_GIC) | OF(VCPU_READY))
#define GICS		(OF(GIC_NEW) | OF(GIC))
#define ITSS		(OF(ITS_NEW) | OF(ITS))

/* errno with NULL and with a buffer of zeros: of all attributes of a group, but for some. What has no row is ENXIO; a VM's GET EINVAL. */
static const struct {
	unsigned int devices;
	unsigned long op;
	uint32_t group;
	int err[2];
	struct {
		bool there;
		uint64_t first, last;
		int err[2];
	} but[8];
} rows[] = {
	ROW(OF(VM), HAS, 0, ENXIO, ENXIO, E(0, 0, 0, 0)),
	ROW(OF(VM), SET, 0, ENXIO, ENXIO, E(0, 0, EFAULT, EEXIST)),

	ROW(PMUS, HAS, 0, ENXIO, ENXIO, E(0, 3, 0, 0)),
	ROW(NO_GIC, GET, 0, ENXIO, ENXIO, E(0, 0, EINVAL, EINVAL)),
	ROW(OF(VCPU), SET, 0, ENODEV, ENODEV),
	ROW(OF(VCPU_PMU), SET, 0, EBUSY, EBUSY, E(0, 0, EINVAL, EINVAL), E(1, 1, 0, EBUSY)),
	ROW(OF(VCPU_PMU_GIC), SET, 0, ENXIO, ANY, E(0, 0, EFAULT, ANY), E(1, 1, ENODEV, ANY),
		E(2, 3, EFAULT, ANY)),
	ROW(OF(VCPU_READY), SET, 0, ENXIO, ANY, E(0, 0, EFAULT, ANY), E(2, 3, EFAULT, ANY)),
	ROW(VCPUS, HAS, 1, ENXIO, ENXIO, E(0, 3, 0, 0)),
	ROW(VCPUS, GET, 1, ENXIO, ENXIO, E(0, 3, EFAULT, 0)),
	ROW(NO_GIC, SET, 1, EINVAL, EINVAL),
	ROW(WITH_GIC, SET, 1, EFAULT, ANY),
	ROW(VCPUS, HAS, 2, ENXIO, ENXIO, E(0, 0, 0, 0)),
	ROW(VCPUS, GET, 2, ENXIO, ENXIO, E(0, 0, EFAULT, 0)),
	ROW(NO_GIC, SET, 2, ENXIO, ENXIO, E(0, 0, EFAULT, EINVAL)),
	ROW(WITH_GIC, SET, 2, ENXIO, ANY, E(0, 0, EFAULT, ANY)),

	ROW(GICS, HAS, 0, ENXIO, ENXIO, E(2, 3, 0, 0), E(5, 5, 0, 0)),
	ROW(OF(GIC_NEW), GET, 0, ENXIO, ENXIO, E(2, 3, EFAULT, 0), E(5, 5, EFAULT, ENOENT)),
	ROW(OF(GIC), GET, 0, ENXIO, ENXIO, E(2, 3, EFAULT, 0), E(5, 5, EFAULT, 0)),
	ROW(GICS, SET, 0, EFAULT, ANY),
	ROW(GICS, HAS, 1, ENXIO, ENXIO, E(0, 0, 0, 0), E(4, 4, 0, 0), E(8, 8, 0, 0),
		E(0x100, 0x100, 0, 0), E(0x100000000, 0x100000000, 0, 0),
		E(0x700000000, 0x700000000, 0, 0)),
	ROW(OF(GIC_NEW), GET, 1, EBUSY, EBUSY),
	ROW(OF(GIC), GET, 1, EFAULT, 0),
	ROW(GICS, SET, 1, EFAULT, ANY),
	ROW(GICS, HAS, 3, 0, 0),
	ROW(GICS, GET, 3, EFAULT, 0),
	ROW(GICS, SET, 3, EFAULT, ANY),
	ROW(GICS, HAS, 4, ENXIO, ENXIO, E(0, 0, 0, 0), E(3, 3, 0, 0)),
	ROW(OF(GIC_NEW), SET, 4, ANY, ANY),
	ROW(OF(GIC), SET, 4, ENXIO, ANY, E(0, 0, 0, ANY), E(3, 3, 0, ANY)),
	ROW(GICS, HAS, 5, EINVAL, EINVAL),
	ROW(GICS, GET, 5, EINVAL, EINVAL),
	ROW(GICS, SET, 5, EINVAL, ANY),
	ROW(GICS, HAS, 6, EINVAL, EINVAL),
	ROW(GICS, GET, 6, EINVAL, EINVAL),
	ROW(GICS, SET, 6, EINVAL, ANY),
	ROW(GICS, HAS, 7, 0, 0, E(0x10000, 0x10000, ENXIO, ENXIO),
		E(0xffff, 0xffff, ENXIO, ENXIO), E(~0UL, ~0UL, ENXIO, ENXIO)),
	ROW(OF(GIC_NEW), GET, 7, EINVAL, EINVAL),
	ROW(OF(GIC), GET, 7, ANY, ANY),
	ROW(GICS, SET, 7, EINVAL, ANY),

	ROW(ITSS, HAS, 0, ENXIO, ENXIO, E(4, 4, 0, 0)),
	ROW(ITSS, GET, 0, ENODEV, ENODEV, E(4, 4, EFAULT, 0)),
	ROW(ITSS, SET, 0, ENODEV, ANY, E(4, 4, EFAULT, ANY)),
	ROW(ITSS, HAS, 4, ENXIO, ENXIO, E(0, 2, 0, 0), E(4, 4, 0, 0)),
	ROW(ITSS, SET, 4, ANY, ANY),
	ROW(ITSS, HAS, 8, EINVAL, EINVAL, E(0, 0, 0, 0), E(4, 4, 0, 0), E(8, 8, 0, 0),
		E(0x100, 0x100, 0, 0), E(0x10000, 0x10000, ENXIO, ENXIO),
		E(0x100000000, 0x100000000, 0, 0), E(0x700000000, 0x700000000, 0, 0)),
	ROW(OF(ITS_NEW), GET, 8, ENXIO, ENXIO, E(1, 3, EINVAL, EINVAL), E(5, 5, EINVAL, EINVAL),
		E(0xffff, 0xffff, EINVAL, EINVAL), E(0x105, 0x105, EINVAL, EINVAL),
		E(~0UL, ~0UL, EINVAL, EINVAL)),
	ROW(OF(ITS), GET, 8, EINVAL, EINVAL, E(0, 0, EFAULT, 0), E(4, 4, EFAULT, 0),
		E(8, 8, EFAULT, 0), E(0x100, 0x100, EFAULT, 0),
		E(0x10000, 0x10000, ENXIO, ENXIO), E(0x100000000, 0x100000000, EFAULT, 0),
		E(0x700000000, 0x700000000, EFAULT, 0)),
	ROW(ITSS, SET, 8, EFAULT, ANY),
};

static const uint64_t attributes[] = {
	0, 1, 2, 3, 4, 5, 8, 0x100, 0x105, 0xffff, 0x10000, 1UL << 32, 7UL << 32, ~0UL,
};

static int device_fd[NR_DEVICES];
static uint64_t zeros[8];

static int expected(enum device device, unsigned long op, uint32_t group, uint64_t at, bool buffer)
{
	unsigned int i, j;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!(rows[i].devices & OF(device)) || rows[i].op != op || rows[i].group != group)
			continue;
		for (j = 0; j < 8 && rows[i].but[j].there; j++)
			if (at >= rows[i].but[j].first && at <= rows[i].but[j].last)
				return rows[i].but[j].err[buffer];
		return rows[i].err[buffer];
	}
	return device == VM && op == GET ? EINVAL : ENXIO;
}

/* Of newer Linux: docs/abi/kvm.md. */
static bool is_newer(enum device device, uint32_t group, uint64_t at)
{
	if (device == VCPU_PMU || device == VCPU_PMU_GIC || device == VCPU_READY)
		return group == KVM_ARM_VCPU_PMU_V3_CTRL && at == 4;	/* SET_NR_COUNTERS, 6.17 */
	return (device == GIC || device == GIC_NEW) && group == 9;	/* MAINT_IRQ, 6.16 */
}

static unsigned int tried, wrong;

static void one(enum device device, unsigned long op, uint32_t group, uint64_t at, bool buffer)
{
	int want = expected(device, op, group, at, buffer), have;

	if (want == ANY || is_newer(device, group, at))
		return;
	memset(zeros, 0, sizeof(zeros));
	have = attr(device_fd[device], op, group, at, buffer ? zeros : NULL) < 0 ? errno : 0;
	tried++;
	if (have == want)
		return;
	wrong++;
	printf("# %s, %s group %u attribute %#lx, %s: errno %d, expected %d\n", device_names[device],
	       op == HAS ? "HAS" : op == GET ? "GET" : "SET", group, (long)at, buffer ? "zeros" : "NULL", have, want);
}

static void sweep(enum device device, int fd)
{
	static const unsigned long ops[] = { HAS, GET, SET };
	char name[80];
	uint32_t group;
	unsigned int i, op;

	device_fd[device] = fd;
	tried = wrong = 0;
	for (group = 0; group < 14; group++)
		for (i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
			for (op = 0; op < 3; op++) {
				one(device, ops[op], group, attributes[i], false);
				one(device, ops[op], group, attributes[i], true);
			}
	one(device, HAS, ~0U, 0, true);
	snprintf(name, sizeof(name), "attributes of %s, all of %u", device_names[device], tried);
	check_eq(wrong, 0, name);
}

static void without_gic(void)
{
	struct vm vm = VM(spin);
	int other = must(ioctl(vm.kvm, KVM_CREATE_VM, 0L)), pmu;

	sweep(VM, vm.fd);
	sweep(VCPU, vm.vcpu);
	pmu = must(ioctl(vm.fd, KVM_CREATE_VCPU, 1L));
	sweep(VCPU, pmu);			/* before KVM_ARM_VCPU_INIT: the same */
	close(pmu);
	pmu = must(ioctl(other, KVM_CREATE_VCPU, 0L));
	must(vcpu_init_features(other, pmu, 1 << KVM_ARM_VCPU_PMU_V3 | 1 << KVM_ARM_VCPU_PSCI_0_2));
	sweep(VCPU_PMU, pmu);
	close(pmu);
	close(other);
	vm_drop(&vm);
}

static void with_gic(void)
{
	struct kvm_create_device d = { .type = KVM_DEV_TYPE_ARM_VGIC_ITS };
	uint64_t at = 0x0a100000;
	struct vm vm;
	int gic, pmu;
	uint32_t nr = 64;

	vm.kvm = must(open("/dev/kvm", O_RDWR));
	vm.fd = must(ioctl(vm.kvm, KVM_CREATE_VM, 0L));
	gic = gic_create(&vm);
	pmu = must(ioctl(vm.fd, KVM_CREATE_VCPU, 2L));
	must(vcpu_init_features(vm.fd, pmu, 1 << KVM_ARM_VCPU_PMU_V3 | 1 << KVM_ARM_VCPU_PSCI_0_2));
	sweep(VCPU_PMU_GIC, pmu);
	sweep(GIC_NEW, gic);
	must(ioctl(vm.fd, KVM_CREATE_DEVICE, &d));
	sweep(ITS_NEW, d.fd);
	gic_place(gic);
	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr));
	gic_start(gic);
	must(attr(d.fd, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, &at));
	gic_start(d.fd);
	sweep(GIC, gic);
	sweep(ITS, d.fd);
	sweep(VCPU_READY, pmu);
	close(pmu);
	close(d.fd);
	close(gic);
	close(vm.fd);
	close(vm.kvm);
}

int main(void)
{
	without_gic();
	if (ioctl(must(open("/dev/kvm", O_RDWR)), KVM_CHECK_EXTENSION, KVM_CAP_ARM_PMU_V3) > 0)
		with_gic();
	return report();
}
