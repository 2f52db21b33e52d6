// SPDX-License-Identifier: GPL-2.0-only
/*
 * MMIO served in the kernel: an array of ranges sorted by base, replaced whole under vm->lock, searched under RCU. Frames
 * never overlap; shared ranges (ioeventfds, at most 8 bytes long) may.
 */
#include <linux/errno.h>

#include "kernel/debug/print.h"
#include "kernel/mm/page.h"
#include "kvm/vcpu.h"

struct iobus {
	struct rcu_head rcu;
	unsigned n;
	u64 longest;
	struct iodev *dev[];	/* by base */
};

static void bus_free(struct rcu_head *h)
{
	kfree(container_of(h, struct iobus, rcu));
}

static struct iobus *bus_alloc(unsigned n)
{
	struct iobus *b = kzalloc(sizeof(*b) + n * sizeof(b->dev[0]));

	if (b)
		b->n = n;
	return b;
}

static void bus_publish(struct vm *vm, struct iobus *new)
{
	struct iobus *old = vm->iobus;
	unsigned i;

	for (i = 0; i < new->n; i++)
		new->longest = MAX(new->longest, new->dev[i]->len);
	rcu_assign(vm->iobus, new);
	__atomic_fetch_add(&vm->mmio_gen, 1, __ATOMIC_RELEASE);
	if (old)
		rcu_defer(&old->rcu, bus_free);
}

int iobus_add(struct vm *vm, struct iodev *d)
{
	struct iobus *old = vm->iobus, *new;
	unsigned i, n = old ? old->n : 0, at = 0;

	for (i = 0; i < n; i++) {
		const struct iodev *o = old->dev[i];

		if (!d->shared && !o->shared && d->base < o->base + o->len && o->base < d->base + d->len)
			return -EEXIST;
		if (o->base <= d->base)
			at = i + 1;
	}
	new = bus_alloc(n + 1);
	if (!new)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		new->dev[i < at ? i : i + 1] = old->dev[i];
	new->dev[at] = d;
	bus_publish(vm, new);
	return 0;
}

void iobus_del(struct vm *vm, struct iodev *d)
{
	struct iobus *old = vm->iobus, *new;
	unsigned i, k = 0;

	if (!old)
		return;
	new = bus_alloc(old->n);
	if (!new) {
		/* No memory to shrink: close the gap in place. Readers may miss a device for a moment, and ask user space. */
		for (i = 0; i < old->n; i++)
			if (old->dev[i] != d)
				WRITE_ONCE(old->dev[k++], old->dev[i]);
		WRITE_ONCE(old->n, k);
		__atomic_fetch_add(&vm->mmio_gen, 1, __ATOMIC_RELEASE);
		return;
	}
	for (i = 0; i < old->n; i++)
		if (old->dev[i] != d)
			new->dev[k++] = old->dev[i];
	new->n = k;
	bus_publish(vm, new);
}

/* Index behind the last device whose base is not above addr. */
static unsigned bus_upper(const struct iobus *b, u64 addr)
{
	unsigned lo = 0, hi = b->n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (b->dev[mid]->base <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool page_empty(const struct iobus *b, u64 page)
{
	unsigned i;

	/* Devices of the kernel are few; this runs when a VMM's device is first met. */
	for (i = 0; b && i < b->n; i++)
		if (b->dev[i]->base < page + PAGE_SIZE && page < b->dev[i]->base + b->dev[i]->len)
			return false;
	return true;
}

/* mmio_hint.gen is from before the slots were searched. */
static void remember(struct vcpu *v, struct iodev *d, u64 addr, bool write)
{
	v->mmio_hint.gfn = addr >> PAGE_SHIFT;
	v->mmio_hint.dev = write || d->shared ? NULL : d;
}

int iobus_access(struct vcpu *v, u64 addr, unsigned len, bool write, u64 *val)
{
	struct iobus *b;
	struct iodev *d;
	unsigned i;
	int ret = -EOPNOTSUPP;

	rcu_read_lock();
	b = rcu_deref(v->vm->iobus);
	for (i = b ? bus_upper(b, addr) : 0; i-- > 0;) {
		d = b->dev[i];
		if (d->base + b->longest <= addr)
			break;
		if (addr - d->base >= d->len || len > d->len - (addr - d->base))
			continue;
		if (d->may_sleep) {
			rcu_read_unlock();
			remember(v, d, addr, write);
			return write ? d->write(v, d, addr, len, *val) : d->read(v, d, addr, len, val);
		}
		ret = write ? d->write(v, d, addr, len, *val) : d->read(v, d, addr, len, val);
		if (ret != -EOPNOTSUPP) {
			remember(v, d, addr, write);
			break;
		}
	}
	if (ret && page_empty(b, addr & PAGE_MASK)) {
		v->mmio_hint.gfn = addr >> PAGE_SHIFT;
		v->mmio_hint.user = true;
	}
	rcu_read_unlock();
	return ret;
}

int iobus_read_again(struct vcpu *v, u64 addr, unsigned len, u64 *val)
{
	struct iodev *d;
	int ret = -EOPNOTSUPP;

	rcu_read_lock();
	d = v->mmio_hint.dev;
	if (v->mmio_hint.gen != __atomic_load_n(&v->vm->mmio_gen, __ATOMIC_ACQUIRE) ||
	    addr - d->base >= d->len || len > d->len - (addr - d->base)) {
		rcu_read_unlock();
		return ret;
	}
	if (d->may_sleep) {
		rcu_read_unlock();
		return d->read(v, d, addr, len, val);
	}
	ret = d->read(v, d, addr, len, val);
	rcu_read_unlock();
	return ret;
}

void iobus_destroy(struct vm *vm)
{
	kfree(vm->iobus);
	vm->iobus = NULL;
}
