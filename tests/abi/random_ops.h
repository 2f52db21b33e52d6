// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations of the randomised test: each prepares arguments that would do, damages some of
 * them, and makes one call. They return what the call returned.
 */
#pragma once

#include <linux/psci.h>

#include "random.h"

/* ---- the system and the VM ---- */

static long op_api(struct fuzzer *f)
{
	return ioctl(f->w->kvm, KVM_GET_API_VERSION, one_in(&f->r, 8) ? rnd(&f->r) : 0);
}

static long op_create_vm(struct fuzzer *f)
{
	int fd = ioctl(f->w->kvm, KVM_CREATE_VM, one_in(&f->r, 2) ? 0 : below(&f->r, 60));

	if (fd >= 0)
		close(fd);
	return fd;
}

static long op_mmap_size(struct fuzzer *f)
{
	return ioctl(f->w->kvm, KVM_GET_VCPU_MMAP_SIZE, one_in(&f->r, 8) ? rnd(&f->r) : 0);
}

static long op_check_ext(struct fuzzer *f)
{
	return ioctl(f->w->kvm, KVM_CHECK_EXTENSION, one_in(&f->r, 8) ? odd_number(&f->r) : below(&f->r, 260));
}

static long op_vm_check_ext(struct fuzzer *f)
{
	return ioctl(f->w->vm, KVM_CHECK_EXTENSION, one_in(&f->r, 8) ? odd_number(&f->r) : below(&f->r, 260));
}

/* A VM for one call, for what can be done only once or only before the first run; -1: none, use the old one. */
static int fresh_vm(struct fuzzer *f)
{
	return one_in(&f->r, 2) ? -1 : ioctl(f->w->kvm, KVM_CREATE_VM, 0);
}

static long fresh_drop(int vm, int vcpu, long ret)
{
	int err = errno;

	if (vcpu >= 0)
		close(vcpu);
	if (vm >= 0)
		close(vm);
	errno = err;
	return ret;
}

static long op_create_vcpu(struct fuzzer *f)
{
	static const uint64_t odd[] = { 0, 3, 511, 512, 0xffffffff, 1UL << 32 };
	int vm = fresh_vm(f);
	int fd = ioctl(vm >= 0 ? vm : f->w->vm, KVM_CREATE_VCPU,
		       one_in(&f->r, 4) ? PICK(&f->r, odd) : below(&f->r, 512));

	return fresh_drop(vm, fd, fd);
}

static long op_enable_cap(struct fuzzer *f)
{
	static const uint32_t caps[] = {
		KVM_CAP_ARM_NISV_TO_USER, KVM_CAP_ARM_SYSTEM_SUSPEND, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		KVM_CAP_ARM_MTE, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP,
		KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE, KVM_CAP_HALT_POLL, KVM_CAP_VM_DISABLE_NX_HUGE_PAGES,
	};
	struct kvm_enable_cap cap = { .cap = PICK(&f->r, caps) };

	cap.args[0] = below(&f->r, 3);
	spoil(&f->r, &cap, sizeof(cap));
	return ioctl(f->w->vm, KVM_ENABLE_CAP, give(f, &cap, sizeof(cap)));
}

/* Slot 0 stays, so that guests have code; its neighbours come, change and go. */
static void make_slot(struct fuzzer *f, struct kvm_userspace_memory_region *m)
{
	static const uint64_t sizes[] = { 0, 0, 0x1000, 0x10000, 0x200000, 0x400000 };
	uint64_t off = below(&f->r, 0x400) * 0x1000;

	memset(m, 0, sizeof(*m));
	m->slot = 1 + below(&f->r, 6);
	m->flags = below(&f->r, 4);
	m->memory_size = PICK(&f->r, sizes);
	m->guest_phys_addr = RAM_GPA + WORLD_RAM + below(&f->r, 8) * 0x200000 + (one_in(&f->r, 3) ? off : 0);
	m->userspace_addr = (uintptr_t)f->w->ram + (one_in(&f->r, 2) ? off : 0);
	spoil(&f->r, m, sizeof(*m));
	if (!m->slot)
		m->slot = 1;
	/* Never beyond our RAM, unless it is too much for anybody. */
	if (m->memory_size > 0x400000 && m->memory_size < 1UL << 56)
		m->memory_size = 0x400000;
	if (m->userspace_addr - (uintptr_t)f->w->ram > WORLD_RAM - 0x400000)
		m->userspace_addr = one_in(&f->r, 2) ? 0xfff0000000000000UL : (uintptr_t)f->w->ram + 0x800;
}

static long op_set_memory(struct fuzzer *f)
{
	struct kvm_userspace_memory_region m;

	make_slot(f, &m);
	return ioctl(f->w->vm, KVM_SET_USER_MEMORY_REGION, give(f, &m, sizeof(m)));
}

static long op_set_memory2(struct fuzzer *f)
{
	struct kvm_userspace_memory_region2 m;

	memset(&m, 0, sizeof(m));
	make_slot(f, (struct kvm_userspace_memory_region *)&m);
	if (one_in(&f->r, 16))
		m.guest_memfd = odd_number(&f->r);
	return ioctl(f->w->vm, KVM_SET_USER_MEMORY_REGION2, give(f, &m, sizeof(m)));
}

static long op_dirty_log(struct fuzzer *f)
{
	struct kvm_dirty_log d = { .slot = below(&f->r, 7) };

	spoil(&f->r, &d, sizeof(d));
	d.dirty_bitmap = one_in(&f->r, 8) ? place(f, 0x1000) : f->scratch + 0x8000;
	return ioctl(f->w->vm, KVM_GET_DIRTY_LOG, give(f, &d, sizeof(d)));
}

static long op_clear_dirty(struct fuzzer *f)
{
	struct kvm_clear_dirty_log d = { .slot = below(&f->r, 7), .num_pages = 64 << below(&f->r, 5) };

	d.first_page = 64 * below(&f->r, 4);
	spoil(&f->r, &d, sizeof(d));
	if (d.num_pages > 8 * 0x4000)
		d.num_pages = 64;
	d.dirty_bitmap = one_in(&f->r, 8) ? place(f, 0x1000) : f->scratch + 0x8000;
	return ioctl(f->w->vm, KVM_CLEAR_DIRTY_LOG, give(f, &d, sizeof(d)));
}

static long coalesce(struct fuzzer *f, unsigned long request)
{
	struct kvm_coalesced_mmio_zone z = { .addr = MMIO_GPA + 0x1000 * below(&f->r, 4), .size = 8 << below(&f->r, 6) };

	spoil(&f->r, &z, sizeof(z));
	return ioctl(f->w->vm, request, give(f, &z, sizeof(z)));
}

static long op_coalesce(struct fuzzer *f)
{
	return coalesce(f, KVM_REGISTER_COALESCED_MMIO);
}

static long op_uncoalesce(struct fuzzer *f)
{
	return coalesce(f, KVM_UNREGISTER_COALESCED_MMIO);
}

static long stats(int fd, struct fuzzer *f)
{
	int st = ioctl(fd, KVM_GET_STATS_FD, NULL);

	if (st >= 0) {
		if (pread(st, f->scratch + 0x8000, 0x4000, one_in(&f->r, 2) ? 0 : odd_number(&f->r) >> 1) < 0)
			errno = 0;
		close(st);
	}
	return st;
}

static long op_vm_stats(struct fuzzer *f)
{
	return stats(f->w->vm, f);
}

static long op_vcpu_stats(struct fuzzer *f)
{
	return stats(any_vcpu(f), f);
}

static long op_irqchip(struct fuzzer *f)
{
	return ioctl(f->w->vm, KVM_CREATE_IRQCHIP, 0);
}

static long op_irq_line(struct fuzzer *f)
{
	struct kvm_irq_level l = { .irq = below(&f->r, 96), .level = below(&f->r, 2) };
	unsigned type = one_in(&f->r, 8) ? below(&f->r, 8) : one_in(&f->r, 3) ? KVM_ARM_IRQ_TYPE_PPI : KVM_ARM_IRQ_TYPE_SPI;

	l.irq |= type << KVM_ARM_IRQ_TYPE_SHIFT | below(&f->r, MAX_VCPUS) << KVM_ARM_IRQ_VCPU_SHIFT;
	spoil(&f->r, &l, sizeof(l));
	return ioctl(f->w->vm, KVM_IRQ_LINE, give(f, &l, sizeof(l)));
}

static long op_irq_line_status(struct fuzzer *f)
{
	struct kvm_irq_level l = { .irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | below(&f->r, 96) };

	l.level = below(&f->r, 2);
	spoil(&f->r, &l, sizeof(l));
	return ioctl(f->w->vm, KVM_IRQ_LINE_STATUS, give(f, &l, sizeof(l)));
}

/* Rings must be there before any vCPU: mostly that takes a VM of its own. */
static long op_reset_rings(struct fuzzer *f)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DIRTY_LOG_RING_ACQ_REL, .args = { 4096 << below(&f->r, 6) } };
	int vm = fresh_vm(f), fd;

	if (vm < 0)
		return ioctl(f->w->vm, KVM_RESET_DIRTY_RINGS, 0);
	(void)ioctl(vm, KVM_ENABLE_CAP, &cap);
	fd = one_in(&f->r, 2) ? ioctl(vm, KVM_CREATE_VCPU, 0) : -1;
	return fresh_drop(vm, fd, ioctl(vm, KVM_RESET_DIRTY_RINGS, one_in(&f->r, 8) ? rnd(&f->r) : 0));
}

/* Where the CPU has tags; else EINVAL for all. */
static long op_copy_tags(struct fuzzer *f)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_MTE };
	struct kvm_arm_copy_mte_tags c = {
		.guest_ipa = RAM_GPA + 0x1000 * below(&f->r, 8), .length = 0x1000 * below(&f->r, 4),
		.addr = f->scratch + 0x8000, .flags = below(&f->r, 2),
	};
	int vm = fresh_vm(f);

	spoil(&f->r, &c.flags, sizeof(c.flags));
	spoil(&f->r, &c.length, sizeof(c.length));
	if (vm >= 0 && !ioctl(vm, KVM_ENABLE_CAP, &cap))
		(void)set_slot(vm, 0, 0, RAM_GPA, 0x400000, f->w->ram);
	return fresh_drop(vm, -1, ioctl(vm >= 0 ? vm : f->w->vm, KVM_ARM_MTE_COPY_TAGS, give(f, &c, sizeof(c))));
}

static long op_irqfd(struct fuzzer *f)
{
	struct kvm_irqfd i = { .fd = PICK(&f->r, f->w->event), .gsi = below(&f->r, 64), .flags = below(&f->r, 2) };

	if (one_in(&f->r, 6)) {
		i.flags |= KVM_IRQFD_FLAG_RESAMPLE;
		i.resamplefd = PICK(&f->r, f->w->event);
	}
	spoil(&f->r, &i, sizeof(i));
	return ioctl(f->w->vm, KVM_IRQFD, give(f, &i, sizeof(i)));
}

static long op_ioeventfd(struct fuzzer *f)
{
	struct kvm_ioeventfd i = {
		.fd = PICK(&f->r, f->w->event), .addr = MMIO_GPA + 8 * below(&f->r, 8), .len = 1 << below(&f->r, 4),
		.flags = below(&f->r, 8) & (KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_DEASSIGN),
	};

	i.datamatch = below(&f->r, 3);
	spoil(&f->r, &i, sizeof(i));
	return ioctl(f->w->vm, KVM_IOEVENTFD, give(f, &i, sizeof(i)));
}

static long op_routing(struct fuzzer *f)
{
	struct kvm_irq_routing *t = (void *)(f->scratch + 0x8000);
	unsigned n = below(&f->r, 20), i;

	memset(t, 0, 0x1000);
	t->nr = one_in(&f->r, 16) ? odd_number(&f->r) : n;
	for (i = 0; i < n; i++) {
		struct kvm_irq_routing_entry *e = &t->entries[i];

		e->gsi = i;
		e->type = one_in(&f->r, 4) ? KVM_IRQ_ROUTING_MSI : KVM_IRQ_ROUTING_IRQCHIP;
		if (e->type == KVM_IRQ_ROUTING_MSI) {
			e->u.msi.address_lo = ITS_GPA + 0x10040;
			e->u.msi.data = below(&f->r, 32);
			e->flags = KVM_MSI_VALID_DEVID;
		} else {
			e->u.irqchip.pin = i;
		}
		if (one_in(&f->r, 16))
			spoil(&f->r, e, sizeof(*e));
	}
	return ioctl(f->w->vm, KVM_SET_GSI_ROUTING, one_in(&f->r, 16) ? place(f, 64) : t);
}

static long op_msi(struct fuzzer *f)
{
	struct kvm_msi m = { .address_lo = ITS_GPA + 0x10040, .data = below(&f->r, 32), .flags = KVM_MSI_VALID_DEVID };

	m.devid = below(&f->r, 4);
	spoil(&f->r, &m, sizeof(m));
	return ioctl(f->w->vm, KVM_SIGNAL_MSI, give(f, &m, sizeof(m)));
}

static long op_create_device(struct fuzzer *f)
{
	static const uint32_t types[] = {
		KVM_DEV_TYPE_ARM_VGIC_V3, KVM_DEV_TYPE_ARM_VGIC_ITS, KVM_DEV_TYPE_ARM_VGIC_V2, KVM_DEV_TYPE_ARM_PV_TIME,
		KVM_DEV_TYPE_VFIO,
	};
	struct kvm_create_device d = { .type = types[one_in(&f->r, 4) ? below(&f->r, 5) : below(&f->r, 2)] };
	struct kvm_create_device *p;
	long ret;

	d.flags = one_in(&f->r, 4) ? 0 : KVM_CREATE_DEVICE_TEST;
	spoil(&f->r, &d, sizeof(d));
	p = give(f, &d, sizeof(d));
	ret = ioctl(f->w->vm, KVM_CREATE_DEVICE, p);
	if (ret == 0 && !(p->flags & KVM_CREATE_DEVICE_TEST))
		close(p->fd);
	return ret;
}

static long op_target(struct fuzzer *f)
{
	struct kvm_vcpu_init i;

	memset(&i, 0, sizeof(i));
	return ioctl(f->w->vm, KVM_ARM_PREFERRED_TARGET, give(f, &i, sizeof(i)));
}

static long op_device_addr(struct fuzzer *f)
{
	struct kvm_arm_device_addr a = { .id = below(&f->r, 4), .addr = GICD_GPA };

	spoil(&f->r, &a, sizeof(a));
	return ioctl(f->w->vm, KVM_ARM_SET_DEVICE_ADDR, give(f, &a, sizeof(a)));
}

static long op_counter(struct fuzzer *f)
{
	struct kvm_arm_counter_offset o = { .counter_offset = one_in(&f->r, 2) ? 0 : odd_number(&f->r) };

	spoil(&f->r, &o.reserved, sizeof(o.reserved));
	return ioctl(f->w->vm, KVM_ARM_SET_COUNTER_OFFSET, give(f, &o, sizeof(o)));
}

static long op_masks(struct fuzzer *f)
{
	struct reg_mask_range m;

	memset(&m, 0, sizeof(m));
	spoil(&f->r, &m, sizeof(m));
	m.addr = (uintptr_t)(one_in(&f->r, 8) ? place(f, 0x2000) : f->scratch + 0x8000);
	return ioctl(f->w->vm, KVM_ARM_GET_REG_WRITABLE_MASKS, give(f, &m, sizeof(m)));
}

/* ---- attributes of VM, vCPU and devices ---- */

static const unsigned long attr_calls[] = { KVM_SET_DEVICE_ATTR, KVM_GET_DEVICE_ATTR, KVM_HAS_DEVICE_ATTR };

static long attr(struct fuzzer *f, int fd, unsigned call, uint32_t group, uint64_t number, uint64_t value)
{
	struct kvm_device_attr a = { .group = group, .attr = number };

	spoil(&f->r, &a, sizeof(a));
	memcpy(f->scratch + 0x8000, &value, 8);
	a.addr = (uintptr_t)(one_in(&f->r, 12) ? place(f, 64) : f->scratch + 0x8000);
	return ioctl(fd, attr_calls[call], give(f, &a, sizeof(a)));
}

static long vm_attr(struct fuzzer *f, unsigned call)
{
	struct kvm_smccc_filter s = { .base = 0x86000000 + below(&f->r, 64), .nr_functions = 1, .action = below(&f->r, 3) };
	int vm = call == 0 ? fresh_vm(f) : -1;

	spoil(&f->r, &s, sizeof(s));
	memcpy(f->scratch + 0x8008, (char *)&s + 8, sizeof(s) - 8);
	return fresh_drop(vm, -1, attr(f, vm >= 0 ? vm : f->w->vm, call, KVM_ARM_VM_SMCCC_CTRL, KVM_ARM_VM_SMCCC_FILTER,
				       *(uint64_t *)&s));
}

static long vcpu_attr(struct fuzzer *f, unsigned call)
{
	uint32_t group = one_in(&f->r, 3) ? below(&f->r, 4) : KVM_ARM_VCPU_TIMER_CTRL;

	return attr(f, any_vcpu(f), call, group, below(&f->r, 3), group == KVM_ARM_VCPU_PVTIME_CTRL ?
		    RAM_GPA + 64 * below(&f->r, 64) : 20 + below(&f->r, 12));
}

static long gic_attr(struct fuzzer *f, unsigned call)
{
	static const uint32_t groups[] = {
		KVM_DEV_ARM_VGIC_GRP_DIST_REGS, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
		KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, KVM_DEV_ARM_VGIC_GRP_CTRL,
		KVM_DEV_ARM_VGIC_GRP_ADDR,
	};
	uint32_t group = PICK(&f->r, groups);
	uint64_t number = below(&f->r, MAX_VCPUS) << 32;
	int fd = f->w->its >= 0 && one_in(&f->r, 4) ? f->w->its : f->w->gic;

	switch (group) {
	case KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS:
		number |= 0xc230 | below(&f->r, 0x800);		/* around ICC_PMR_EL1 and ICC_*_EL1 */
		break;
	case KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO:
		number |= 32 * below(&f->r, 4);
		break;
	case KVM_DEV_ARM_VGIC_GRP_CTRL:
	case KVM_DEV_ARM_VGIC_GRP_ADDR:
		number = below(&f->r, 6);
		break;
	default:
		number |= below(&f->r, 0x440) * 4;
	}
	return attr(f, fd, call, group, number, one_in(&f->r, 2) ? 0 : rnd(&f->r));
}

#define ATTR_OPS(what)								\
static long op_##what##_set(struct fuzzer *f) { return what##_attr(f, 0); }	\
static long op_##what##_get(struct fuzzer *f) { return what##_attr(f, 1); }	\
static long op_##what##_has(struct fuzzer *f) { return what##_attr(f, 2); }
ATTR_OPS(vm)
ATTR_OPS(vcpu)
ATTR_OPS(gic)

/* ---- the vCPU ---- */

static long op_init(struct fuzzer *f)
{
	struct kvm_vcpu_init i;

	memset(&i, 0, sizeof(i));
	i.target = KVM_ARM_TARGET_GENERIC_V8;
	i.features[0] = f->w->features;
	if (one_in(&f->r, 4))
		i.features[0] ^= 1 << below(&f->r, 9);
	spoil(&f->r, &i, sizeof(i));
	return ioctl(any_vcpu(f), KVM_ARM_VCPU_INIT, give(f, &i, sizeof(i)));
}

static long op_finalize(struct fuzzer *f)
{
	int what = one_in(&f->r, 4) ? below(&f->r, 9) : KVM_ARM_VCPU_SVE, vm = fresh_vm(f), fd;
	struct kvm_vcpu_init i = { .target = KVM_ARM_TARGET_GENERIC_V8, .features = { 1 << KVM_ARM_VCPU_SVE } };

	if (vm < 0)
		return ioctl(any_vcpu(f), KVM_ARM_VCPU_FINALIZE, give(f, &what, sizeof(what)));
	fd = ioctl(vm, KVM_CREATE_VCPU, 0);
	(void)ioctl(fd, KVM_ARM_VCPU_INIT, &i);
	return fresh_drop(vm, fd, ioctl(fd, KVM_ARM_VCPU_FINALIZE, give(f, &what, sizeof(what))));
}

static uint64_t reg_list[2048];		/* of a vCPU, taken once; [0] is the number */

static long one_reg(struct fuzzer *f, unsigned long request)
{
	struct kvm_one_reg reg = { .id = reg_list[1 + below(&f->r, reg_list[0])] };
	uint64_t value = odd_number(&f->r);

	spoil(&f->r, &reg, sizeof(reg));
	if (request == KVM_SET_ONE_REG) {
		/* Mostly a value that is in order: the one it has. */
		reg.addr = (uintptr_t)f->scratch + 0x8000;
		if (ioctl(any_vcpu(f), KVM_GET_ONE_REG, &reg) < 0 || one_in(&f->r, 3))
			memcpy(f->scratch + 0x8000, &value, 8);
	}
	reg.addr = (uintptr_t)(one_in(&f->r, 12) ? place(f, 16) : f->scratch + 0x8000);
	return ioctl(any_vcpu(f), request, give(f, &reg, sizeof(reg)));
}

static long op_get_reg(struct fuzzer *f)
{
	return one_reg(f, KVM_GET_ONE_REG);
}

static long op_set_reg(struct fuzzer *f)
{
	return one_reg(f, KVM_SET_ONE_REG);
}

static long op_reg_list(struct fuzzer *f)
{
	struct kvm_reg_list *l = (void *)(f->scratch + 0x4000);

	l->n = one_in(&f->r, 3) ? odd_number(&f->r) & 0x1fff : 2000;
	return ioctl(any_vcpu(f), KVM_GET_REG_LIST, one_in(&f->r, 8) ? place(f, 8) : l);
}

static long op_get_mp(struct fuzzer *f)
{
	struct kvm_mp_state s = { 0 };

	return ioctl(any_vcpu(f), KVM_GET_MP_STATE, give(f, &s, sizeof(s)));
}

static long op_set_mp(struct fuzzer *f)
{
	struct kvm_mp_state s = { one_in(&f->r, 4) ? below(&f->r, 12) : KVM_MP_STATE_RUNNABLE };

	spoil(&f->r, &s, sizeof(s));
	return ioctl(any_vcpu(f), KVM_SET_MP_STATE, give(f, &s, sizeof(s)));
}

static long op_get_events(struct fuzzer *f)
{
	struct kvm_vcpu_events e;

	memset(&e, 0, sizeof(e));
	return ioctl(any_vcpu(f), KVM_GET_VCPU_EVENTS, give(f, &e, sizeof(e)));
}

static long op_set_events(struct fuzzer *f)
{
	struct kvm_vcpu_events e;

	memset(&e, 0, sizeof(e));
	e.exception.serror_pending = one_in(&f->r, 4);
	e.exception.ext_dabt_pending = one_in(&f->r, 8);
	spoil(&f->r, &e, sizeof(e));
	return ioctl(any_vcpu(f), KVM_SET_VCPU_EVENTS, give(f, &e, sizeof(e)));
}

static long op_sigmask(struct fuzzer *f)
{
	struct {
		uint32_t len;
		uint8_t set[12];
	} m = { .len = 8 };

	/* SIGUSR1 ends KVM_RUN here: it is never blocked. */
	spoil(&f->r, &m.len, sizeof(m.len));
	return ioctl(any_vcpu(f), KVM_SET_SIGNAL_MASK, one_in(&f->r, 4) ? NULL : give(f, &m, sizeof(m)));
}

static long op_guest_debug(struct fuzzer *f)
{
	static const uint32_t ctl[] = { 0, KVM_GUESTDBG_ENABLE, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP,
		KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW };
	struct kvm_guest_debug d;

	memset(&d, 0, sizeof(d));
	d.control = PICK(&f->r, ctl);
	spoil(&f->r, &d, sizeof(d));
	return ioctl(any_vcpu(f), KVM_SET_GUEST_DEBUG, give(f, &d, sizeof(d)));
}

/* ---- not KVM's ioctls, but what a VMM does meanwhile ---- */

static long op_memory(struct fuzzer *f)
{
	uint8_t *at = f->w->ram + 0x400000 + below(&f->r, 0x300) * 0x1000;
	size_t n = 0x1000 << below(&f->r, 8);

	switch (below(&f->r, 4)) {
	case 0:
		return madvise(at, n, MADV_DONTNEED);
	case 1:
		return mprotect(at, n, PROT_READ);
	case 2:
		return mprotect(f->w->ram + 0x400000, 0x400000, PROT_READ | PROT_WRITE);
	default:
		return mmap(at, n, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == at ? 0 : -1;
	}
}

static long op_event(struct fuzzer *f)
{
	uint64_t one = 1;

	return write(PICK(&f->r, f->w->event), &one, 8);
}

/* Any number with any size and direction, on anything, with an argument of zeros. */
static long op_wild(struct fuzzer *f)
{
	int fds[] = { f->w->kvm, f->w->vm, any_vcpu(f), f->w->gic };

	memset(f->scratch, 0, 0x1000);
	return ioctl(PICK(&f->r, fds), _IOC(below(&f->r, 4), one_in(&f->r, 8) ? rnd(&f->r) & 0xff : KVMIO, below(&f->r, 256),
					    below(&f->r, 96)), one_in(&f->r, 4) ? place(f, 64) : f->scratch);
}
