// SPDX-License-Identifier: GPL-2.0-only
/* The GIC for the ABI tests: attributes of its devices, and input lines. */
#pragma once

#include "kvm.h"

#define GICD 0x08000000UL
#define GICR 0x080a0000UL

__attribute__((unused)) static int attr(int fd, unsigned long op, uint32_t group, uint64_t a, void *val)
{
	struct kvm_device_attr d = { .group = group, .attr = a, .addr = (uintptr_t)val };

	return ioctl(fd, op, &d);
}

#define SET KVM_SET_DEVICE_ATTR
#define GET KVM_GET_DEVICE_ATTR
#define HAS KVM_HAS_DEVICE_ATTR

__attribute__((unused)) static int gic_create(struct vm *vm)
{
	struct kvm_create_device d = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };

	must(ioctl(vm->fd, KVM_CREATE_DEVICE, &d));
	return d.fd;
}

/* Its frames at GICD and GICR. */
__attribute__((unused)) static void gic_place(int gic)
{
	uint64_t dist = GICD, redist = GICR;

	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist));
	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redist));
}

__attribute__((unused)) static int gic_placed(struct vm *vm)
{
	int gic = gic_create(vm);

	gic_place(gic);
	return gic;
}

/* No more vCPUs from here on. An ITS's is the same. */
__attribute__((unused)) static void gic_start(int gic)
{
	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL));
}

__attribute__((unused)) static int line(struct vm *vm, uint32_t type, uint32_t vcpu, uint32_t num, int level)
{
	struct kvm_irq_level irq = { .irq = type << 24 | vcpu << 16 | num, .level = level };

	return ioctl(vm->fd, KVM_IRQ_LINE, &irq);
}
