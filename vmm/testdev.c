// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device for test payloads (--test-device): 32-bit registers through which the guest has its VMM raise events and
 * drive interrupt lines. tests/guest/sdei*.c is its driver. Lock: none; a payload uses it from one CPU at a time.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <nestbox/kvm.h>

#include "sdei.h"

enum {
	TD_EVENT = 0x00,	/* the event of what follows */
	TD_VCPU = 0x04,		/* and its vCPU */
	TD_RAISE = 0x08,	/* raise it with these flags */
	TD_RESULT = 0x0c,	/* read: 0 or -errno of that */
	TD_SPI = 0x10,		/* INTID, bit 31: level */
	TD_PPI = 0x14,		/* INTID, of TD_VCPU, bit 31: level */
	TD_LATER = 0x18,	/* raise it after so many milliseconds, from another thread */
	TD_EVENTFD = 0x1c,	/* 1: an eventfd for it, 0: no more */
	TD_SIGNAL = 0x20,	/* write to that eventfd */
	TD_LATER_SPI = 0x24,	/* raise SPI TD_EVENT after so many milliseconds */
};

static uint32_t event, vcpu, result;
static int efd = -1;

struct later {
	const struct vm *vm;
	uint32_t event, vcpu, ms;
	bool spi;
};

static void *later_thread(void *arg)
{
	struct later l = *(struct later *)arg;

	free(arg);
	usleep(l.ms * 1000);
	if (l.spi)
		irq_line(l.event - 32, true);
	else
		sdei_raise(l.vm, l.event, l.vcpu, 0);
	return NULL;
}

static void later(const struct vm *vm, uint32_t ms, bool spi)
{
	struct later *l = malloc(sizeof(*l));
	pthread_t t;

	if (!l)
		die_errno("test device");
	*l = (struct later){ vm, event, vcpu, ms, spi };
	if (pthread_create(&t, NULL, later_thread, l))
		die_errno("test device");
	pthread_detach(t);
}

static int eventfd_set(const struct vm *vm, bool on)
{
	struct kvm_nb_sdei_eventfd e = {
		.event = event, .affinity = vcpu_mpidr(vm, vcpu), .flags = on ? 0 : KVM_NB_SDEI_DEASSIGN,
	};
	struct kvm_device_attr a = {
		.group = KVM_NB_VM_SDEI, .attr = KVM_NB_SDEI_EVENTFD, .addr = (uintptr_t)&e,
	};

	if (efd < 0)
		efd = eventfd(0, EFD_CLOEXEC);
	e.fd = efd;
	return ioctl(vm->vm_fd, KVM_SET_DEVICE_ATTR, &a) < 0 ? -errno : 0;
}

uint32_t testdev_read(uint64_t off)
{
	return off == TD_RESULT ? result : 0;
}

void testdev_write(const struct vm *vm, uint64_t off, uint32_t val)
{
	uint64_t one = 1;

	switch (off) {
	case TD_EVENT:
		event = val;
		break;
	case TD_VCPU:
		vcpu = val < vm->nr_vcpus ? val : 0;
		break;
	case TD_RAISE:
		result = sdei_raise(vm, event, vcpu, val);
		break;
	case TD_SPI:
		irq_line((val & 0xffff) - 32, val >> 31);
		break;
	case TD_PPI:
		ppi_line(vcpu, val & 31, val >> 31);
		break;
	case TD_LATER:
	case TD_LATER_SPI:
		later(vm, val, off == TD_LATER_SPI);
		break;
	case TD_EVENTFD:
		result = eventfd_set(vm, val);
		break;
	case TD_SIGNAL:
		if (write(efd, &one, sizeof(one)) < 0)
			result = -errno;
		break;
	}
}
