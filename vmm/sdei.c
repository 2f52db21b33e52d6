// SPDX-License-Identifier: GPL-2.0-only
/* Software delegated exceptions: opting in, the machine's events, raising them. docs/abi/sdei.md. */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include <nestbox/kvm.h>

#include "sdei.h"

static const struct kvm_nb_sdei_event machine_events[] = {
	{ .event = EV_NMI, .flags = KVM_NB_SDEI_EVENT_CRITICAL },
	{ .event = EV_DUMP, .flags = KVM_NB_SDEI_EVENT_CRITICAL },
	{ .event = EV_CORRECTED, .flags = KVM_NB_SDEI_EVENT_SHARED },
	{ .event = EV_TEST_NORMAL },
	{ .event = EV_TEST_CRIT, .flags = KVM_NB_SDEI_EVENT_CRITICAL },
	{ .event = EV_TEST_SHARED, .flags = KVM_NB_SDEI_EVENT_SHARED },
	{ .event = EV_TEST_SHARED_CRIT, .flags = KVM_NB_SDEI_EVENT_SHARED | KVM_NB_SDEI_EVENT_CRITICAL },
	{ .event = EV_TEST_STATIC, .flags = KVM_NB_SDEI_EVENT_SHARED, .intid = TEST_STATIC_SPI },
	{ .event = EV_DYN_PRIVATE, .flags = KVM_NB_SDEI_EVENT_DYNAMIC },
	{ .event = EV_DYN_PRIVATE + 1, .flags = KVM_NB_SDEI_EVENT_DYNAMIC },
	{ .event = EV_DYN_SHARED, .flags = KVM_NB_SDEI_EVENT_DYNAMIC | KVM_NB_SDEI_EVENT_SHARED },
	{ .event = EV_DYN_SHARED + 1, .flags = KVM_NB_SDEI_EVENT_DYNAMIC | KVM_NB_SDEI_EVENT_SHARED },
};

static int vm_attr(const struct vm *vm, uint64_t attr, void *arg)
{
	struct kvm_device_attr a = {
		.group = KVM_NB_VM_SDEI, .attr = attr, .addr = (uintptr_t)arg,
	};

	return ioctl(vm->vm_fd, KVM_SET_DEVICE_ATTR, &a) < 0 ? -errno : 0;
}

void sdei_enable(struct vm *vm)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_NB_SDEI, .args = { vm->sdei_strict ? KVM_NB_SDEI_STRICT : 0 },
	};
	const struct kvm_nb_sdei_events head = { .nr = ARRAY_SIZE(machine_events) };
	uint8_t map[sizeof(head) + sizeof(machine_events)] __attribute__((aligned(8)));
	int err;

	if (ioctl(vm->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_NB_SDEI) <= 0)
		die(VMM_USAGE, "this host offers guests no SDEI; leave out --sdei, --acpi and --watchdog");
	if (ioctl(vm->vm_fd, KVM_ENABLE_CAP, &cap) < 0)
		die_errno("enabling SDEI");
	memcpy(map, &head, sizeof(head));
	memcpy(map + sizeof(head), machine_events, sizeof(machine_events));
	err = vm_attr(vm, KVM_NB_SDEI_EVENTS, map);
	if (err)
		die(VMM_ERROR, "SDEI events: %s", strerror(-err));
}

int sdei_raise(const struct vm *vm, uint32_t event, unsigned int i, uint32_t flags)
{
	struct kvm_nb_sdei_inject in = { .event = event, .flags = flags };
	size_t e;

	for (e = 0; e < ARRAY_SIZE(machine_events); e++)
		if (machine_events[e].event == event && !(machine_events[e].flags & KVM_NB_SDEI_EVENT_SHARED))
			in.affinity = vcpu_mpidr(vm, i);
	return vm_attr(vm, KVM_NB_SDEI_INJECT, &in);
}
