// SPDX-License-Identifier: GPL-2.0-only
/*
 * Coalesced MMIO: stores to registered zones go to a ring in the page behind a vCPU's run page, and the guest goes on;
 * the VMM looks at the ring when something else makes KVM_RUN return. The ring is shared with the VMM: hostile. Locks:
 * vm->lock for the list of zones, the ring's spinlock (innermost) for its producers. Linux: api.rst 4.116.
 */
#include <linux/errno.h>

#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kvm/vcpu.h"

#define ZONES_MAX	1000		/* Linux: as many devices as an I/O bus has room for */
#define RING_ENTRIES	((PAGE_SIZE - sizeof(struct kvm_coalesced_mmio_ring)) / sizeof(struct kvm_coalesced_mmio))

#define LEN_MAX		0x7fffffff	/* Linux: the length that is looked for is signed, and none holds a negative one */

struct coalesced {
	struct list zones;
	unsigned n;
	spinlock_t ring_lock;
};

struct zone {
	struct iodev io;
	struct list node;
	bool pio;
};

static int zone_read(struct vcpu *v, struct iodev *io, u64 addr, unsigned len, u64 *val)
{
	return -EOPNOTSUPP;
}

/* A full ring, or one that the VMM has made a mess of: the access becomes an ordinary exit. */
static int zone_write(struct vcpu *v, struct iodev *io, u64 addr, unsigned len, u64 val)
{
	struct coalesced *c = v->vm->coalesced;
	struct kvm_coalesced_mmio_ring *ring = page_to_va(v->vm->ring_page);
	struct kvm_coalesced_mmio e = { .phys_addr = addr, .len = len };
	u32 last, next;
	int ret = -EOPNOTSUPP;

	memcpy(e.data, &val, sizeof(e.data));
	spin_lock(&c->ring_lock);
	last = READ_ONCE(ring->last);
	next = (last + 1) % RING_ENTRIES;
	if (last < RING_ENTRIES && next != __atomic_load_n(&ring->first, __ATOMIC_ACQUIRE)) {
		memcpy(&ring->coalesced_mmio[last], &e, sizeof(e));
		__atomic_store_n(&ring->last, next, __ATOMIC_RELEASE);
		ret = 0;
	}
	spin_unlock(&c->ring_lock);
	return ret;
}

/* Does z hold all of [addr, addr + len)? */
static bool zone_holds(const struct zone *z, u64 addr, u64 len)
{
	return len <= LEN_MAX && addr >= z->io.base && len <= z->io.len && addr - z->io.base <= z->io.len - len;
}

static void zone_free_rcu(struct rcu_head *h)
{
	kfree(container_of(h, struct zone, io.rcu));
}

/* vm->lock held. Port I/O zones are kept so that they can be taken away again; no guest reaches them here. */
static int zone_insert(struct vm *vm, struct zone *z)
{
	struct coalesced *c = vm->coalesced;
	int ret = 0;

	if (!c) {
		c = kzalloc(sizeof(*c));
		if (!c)
			return -ENOMEM;
		list_init(&c->zones);
		rcu_assign(vm->coalesced, c);
	}
	if (c->n >= ZONES_MAX)
		return -ENOSPC;
	if (!z->pio)
		ret = iobus_add(vm, &z->io);
	if (ret)
		return ret;
	list_add_tail(&z->node, &c->zones);
	c->n++;
	return 0;
}

int vm_coalesced_add(struct vm *vm, const struct kvm_coalesced_mmio_zone *args)
{
	struct zone *z;
	int ret;

	if (args->pio > 1)
		return -EINVAL;
	z = kzalloc(sizeof(*z));
	if (!z)
		return -ENOMEM;
	z->pio = args->pio;
	z->io.base = args->addr;
	z->io.len = args->size;
	z->io.read = zone_read;
	z->io.write = zone_write;
	z->io.shared = true;
	mutex_lock(&vm->lock);
	ret = zone_insert(vm, z);
	mutex_unlock(&vm->lock);
	if (ret)
		kfree(z);
	return ret;
}

/* All zones that hold the named range go; none is no error. */
int vm_coalesced_del(struct vm *vm, const struct kvm_coalesced_mmio_zone *args)
{
	struct zone *z, *next;

	if (args->pio > 1)
		return -EINVAL;
	mutex_lock(&vm->lock);
	if (vm->coalesced) {
		list_for_each_safe(z, next, &vm->coalesced->zones, node) {
			if (z->pio != args->pio || !zone_holds(z, args->addr, args->size))
				continue;
			if (!z->pio)
				iobus_del(vm, &z->io);
			list_del(&z->node);
			vm->coalesced->n--;
			rcu_defer(&z->io.rcu, zone_free_rcu);
		}
	}
	mutex_unlock(&vm->lock);
	return 0;
}

/* After a grace period in which the bus was no longer reachable. */
void coalesced_destroy(struct vm *vm)
{
	struct zone *z, *next;

	if (!vm->coalesced)
		return;
	list_for_each_safe(z, next, &vm->coalesced->zones, node)
		kfree(z);
	kfree(vm->coalesced);
	vm->coalesced = NULL;
}
