// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the frames are in guest memory: checks in Linux's order with Linux's errors, which redistributor goes where, and
 * the I/O bus. All under vm->lock. Documentation/virt/kvm/devices/arm-vgic-v3.rst.
 */
#include <linux/errno.h>

#include "kernel/mm/page.h"
#include "kvm/vgic/priv.h"

static u64 region_size(struct vm *vm, const struct rd_region *r)
{
	return (r->count ? r->count : READ_ONCE(vm->nr_vcpus)) * REDIST_SIZE;
}

static bool overlap(u64 a, u64 a_size, u64 b, u64 b_size)
{
	return a < b + b_size && b < a + a_size;
}

int vgic_check_range(struct vm *vm, u64 now, u64 base, u64 align, u64 size)
{
	u64 limit = BIT(vm->ipa_bits);

	if (now != VGIC_UNSET)
		return -EEXIST;
	if (!IS_ALIGNED(base, align) || !IS_ALIGNED(size, align))
		return -EINVAL;
	if (base + size < base)
		return -EINVAL;
	if (base >= limit || base + size > limit)
		return -E2BIG;
	return 0;
}

bool vgic_layout_ok(struct vgic *g)
{
	struct rd_region *r;

	list_for_each(r, &g->regions, node) {
		u64 size = region_size(g->vm, r);

		if (vgic_check_range(g->vm, VGIC_UNSET, r->base, FRAME_SIZE, size))
			return false;
		if (g->dist_base != VGIC_UNSET && overlap(g->dist_base, FRAME_SIZE, r->base, size))
			return false;
	}
	return true;
}

struct rd_region *vgic_region_find(struct vgic *g, unsigned index)
{
	struct rd_region *r;

	list_for_each(r, &g->regions, node)
		if (r->index == index)
			return r;
	return NULL;
}

/* Whether the redistributor in the last slot of r is followed by another region's: then it is not the last. */
static bool continued(struct vgic *g, const struct rd_region *r)
{
	struct rd_region *next;

	list_for_each(next, &g->regions, node)
		if (next != r && next->base == r->base + r->count * REDIST_SIZE && next->used)
			return true;
	return false;
}

void vgic_redist_last_update(struct vm *vm)
{
	struct vcpu *v;
	unsigned i;

	vm_for_each_vcpu(i, v, vm) {
		struct vgic_cpu *c = v->vgic;
		struct rd_region *r = c ? c->region : NULL;

		if (c)
			c->pe.last = r && c->slot + 1 == r->used &&
				!(r->count && c->slot + 1 == r->count && continued(vm->vgic, r));
	}
}

int vgic_redist_place(struct vcpu *v)
{
	struct vgic *g = v->vm->vgic;
	struct vgic_cpu *c = v->vgic;
	struct rd_region *r;

	if (c->region)
		return 0;
	list_for_each(r, &g->regions, node) {
		if (r->count && r->used >= r->count)
			continue;
		if (!vgic_layout_ok(g))
			return -EINVAL;
		c->region = r;
		c->slot = r->used++;
		vgic_redist_last_update(v->vm);
		/* Not in the VM's list yet when it is being created. */
		c->pe.last = c->slot + 1 == r->used && !(r->count && r->used == r->count && continued(g, r));
		return 0;
	}
	return 0;
}

static int region_check(struct vm *vm, unsigned index, u64 base, unsigned count)
{
	struct vgic *g = vm->vgic;
	u64 size = (count ? count : READ_ONCE(vm->nr_vcpus)) * REDIST_SIZE;
	struct rd_region *r, *last;

	if (base + size < base)
		return -EINVAL;
	if (list_empty(&g->regions)) {
		if (index)
			return -EINVAL;
	} else {
		last = list_entry(g->regions.prev, struct rd_region, node);
		if (!count && last->count)
			return -EINVAL;	/* legacy and new regions do not mix */
		if (!count)
			return -EEXIST;
		if (!last->count || index != last->index + 1)
			return -EINVAL;
	}
	/* Of counted ones only once there are vCPUs in them: vgic_layout_ok. */
	if (!count && g->dist_base != VGIC_UNSET && overlap(g->dist_base, FRAME_SIZE, base, size))
		return -EINVAL;
	list_for_each(r, &g->regions, node)
		if (overlap(r->base, region_size(vm, r), base, size))
			return -EINVAL;
	return vgic_check_range(vm, VGIC_UNSET, base, FRAME_SIZE, size);
}

int vgic_region_add(struct vm *vm, unsigned index, u64 base, unsigned count)
{
	struct vgic *g = vm->vgic;
	struct rd_region *r;
	struct vcpu *v;
	unsigned i;
	int ret;

	ret = region_check(vm, index, base, count);
	if (ret)
		return ret;
	r = kzalloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->index = index;
	r->base = base;
	r->count = count;
	list_add_tail(&r->node, &g->regions);
	vm_for_each_vcpu(i, v, vm) {
		ret = vgic_redist_place(v);
		if (ret)
			break;
	}
	if (ret) {
		vm_for_each_vcpu(i, v, vm)
			if (v->vgic->region == r)
				v->vgic->region = NULL;
		list_del(&r->node);
		kfree(r);
	}
	vgic_redist_last_update(vm);
	return ret;
}

void vgic_regions_free(struct vgic *g)
{
	struct rd_region *r, *n;

	list_for_each_safe(r, n, &g->regions, node) {
		list_del(&r->node);
		kfree(r);
	}
}

static int dist_read(struct vcpu *v, struct iodev *io, u64 addr, unsigned len, u64 *val)
{
	struct vgic *g = container_of(io, struct vgic, dist_io);
	struct vgic_access a = { .d = &g->d, .self = &v->vgic->pe, .len = len };

	*val = vgic_mmio_read(VGIC_GICD, addr - io->base, &a);
	return 0;
}

static bool dist_read_loaded(struct vcpu *v, struct iodev *io, u64 addr, unsigned len, u64 *val)
{
	struct vgic *g = container_of(io, struct vgic, dist_io);
	struct vgic_access a = { .d = &g->d, .self = &v->vgic->pe, .len = len };

	return vgic_mmio_read_plain(VGIC_GICD, addr - io->base, &a, val);
}

static int dist_write(struct vcpu *v, struct iodev *io, u64 addr, unsigned len, u64 val)
{
	struct vgic *g = container_of(io, struct vgic, dist_io);
	struct vgic_access a = { .d = &g->d, .self = &v->vgic->pe, .len = len };

	vgic_mmio_write(VGIC_GICD, addr - io->base, &a, val);
	return 0;
}

static int redist_read(struct vcpu *v, struct iodev *io, u64 addr, unsigned len, u64 *val)
{
	struct vgic_cpu *c = container_of(io, struct vgic_cpu, io);
	struct vgic_access a = { .d = c->pe.dist, .p = &c->pe, .self = &v->vgic->pe, .len = len };
	u64 off = addr - io->base;

	*val = vgic_mmio_read(off < FRAME_SIZE ? VGIC_GICR_RD : VGIC_GICR_SGI, off & (FRAME_SIZE - 1), &a);
	return 0;
}

static bool redist_read_loaded(struct vcpu *v, struct iodev *io, u64 addr, unsigned len, u64 *val)
{
	struct vgic_cpu *c = container_of(io, struct vgic_cpu, io);
	struct vgic_access a = { .d = c->pe.dist, .p = &c->pe, .self = &v->vgic->pe, .len = len };
	u64 off = addr - io->base;

	return vgic_mmio_read_plain(off < FRAME_SIZE ? VGIC_GICR_RD : VGIC_GICR_SGI, off & (FRAME_SIZE - 1), &a, val);
}

static int redist_write(struct vcpu *v, struct iodev *io, u64 addr, unsigned len, u64 val)
{
	struct vgic_cpu *c = container_of(io, struct vgic_cpu, io);
	struct vgic_access a = { .d = c->pe.dist, .p = &c->pe, .self = &v->vgic->pe, .len = len };
	u64 off = addr - io->base;

	vgic_mmio_write(off < FRAME_SIZE ? VGIC_GICR_RD : VGIC_GICR_SGI, off & (FRAME_SIZE - 1), &a, val);
	return 0;
}

static int redists_map(struct vm *vm)
{
	struct vcpu *v;
	unsigned i;
	int ret;

	vm_for_each_vcpu(i, v, vm) {
		struct vgic_cpu *c = v->vgic;

		if (c->on_bus)
			continue;
		c->io.base = c->region->base + c->slot * REDIST_SIZE;
		c->io.len = REDIST_SIZE;
		c->io.read = redist_read;
		c->io.read_loaded = redist_read_loaded;
		c->io.write = redist_write;
		c->io.may_sleep = true;
		ret = iobus_add(vm, &c->io);
		if (ret)
			return ret;
		c->on_bus = true;
	}
	return 0;
}

int vgic_frames_map(struct vm *vm)
{
	struct vgic *g = vm->vgic;
	struct vcpu *v;
	unsigned i;
	int ret;

	vm_for_each_vcpu(i, v, vm)
		if (!v->vgic->region)
			return -ENXIO;
	if (g->dist_base == VGIC_UNSET)
		return -ENXIO;
	if (!vgic_layout_ok(g))
		return -EINVAL;
	if (!g->vm->vgic_ready)
		return -EBUSY;
	ret = redists_map(vm);
	if (ret)
		return ret;
	g->dist_io.base = g->dist_base;
	g->dist_io.len = FRAME_SIZE;
	g->dist_io.read = dist_read;
	g->dist_io.read_loaded = dist_read_loaded;
	g->dist_io.write = dist_write;
	g->dist_io.may_sleep = true;
	ret = iobus_add(vm, &g->dist_io);
	if (!ret)
		g->mapped = true;
	return ret;
}
