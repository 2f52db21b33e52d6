// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_IOEVENTFD: a guest's write to an address becomes a signal on an eventfd, without leaving the kernel. Each is a
 * shared range on the I/O bus. Lock: vm->lock. Documentation/virt/kvm/api.rst 4.59.
 */
#include <linux/errno.h>

#include "kernel/mm/page.h"
#include "kvm/irqfd.h"
#include "kvm/vcpu.h"

/* Of a VM: one eventfd could serve any number of addresses, and each costs memory and time on the bus. */
#define EVENTS_MAX	8192

struct ioeventfd {
	struct iodev io;
	struct list node;
	struct eventfd *event;	/* a reference; not the file, whose last descriptor irqfds wait for */
	u32 bus;		/* 0: memory; else a flag of KVM_IOEVENTFD: a bus that arm64 has not, so it never rings, as on Linux */
	u32 len;		/* 0: any */
	bool match;
	u64 data;
};

static int no_read(struct vcpu *v, struct iodev *io, u64 addr, unsigned len, u64 *val)
{
	return -EOPNOTSUPP;
}

static int event_write(struct vcpu *v, struct iodev *io, u64 addr, unsigned len, u64 val)
{
	struct ioeventfd *e = container_of(io, struct ioeventfd, io);
	u64 mask = len == 8 ? ~0UL : GENMASK(len * 8 - 1, 0);

	if (addr != io->base || (e->len && e->len != len) || (e->match && e->data != (val & mask)))
		return -EOPNOTSUPP;
	eventfd_signal(e->event, 1);
	return 0;
}

static void event_free(struct ioeventfd *e)
{
	eventfd_put(e->event);
	kfree(e);
}

/* Two that could both answer one write; any length and any data count as such. */
static bool collide(const struct ioeventfd *a, const struct ioeventfd *b)
{
	return a->bus == b->bus && a->io.base == b->io.base && (!a->len || !b->len || a->len == b->len) &&
		(!a->match || !b->match || a->data == b->data);
}

static struct ioeventfd *event_make(const struct kvm_ioeventfd *args, int *err)
{
	struct ioeventfd *e = kzalloc(sizeof(*e));
	struct file *file;

	*err = -ENOMEM;
	if (!e)
		return NULL;
	*err = eventfd_by_fd(args->fd, &e->event, &file);
	if (*err) {
		kfree(e);
		return NULL;
	}
	file_put(file);
	e->bus = args->flags & KVM_IOEVENTFD_FLAG_PIO ?: args->flags & KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY;
	e->len = args->len;
	e->match = args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH;
	e->data = e->match ? args->datamatch : 0;
	e->io.base = args->addr;
	e->io.len = args->len ? args->len : 8;
	e->io.read = no_read;
	e->io.write = event_write;
	e->io.shared = true;
	list_init(&e->node);
	return e;
}

static int event_assign(struct vm *vm, struct list *all, struct ioeventfd *e)
{
	struct ioeventfd *o;
	unsigned n = 0;
	int ret;

	list_for_each(o, all, node) {
		if (collide(o, e))
			return -EEXIST;
		n++;
	}
	if (n >= EVENTS_MAX)
		return -ENOSPC;
	ret = e->bus ? 0 : iobus_add(vm, &e->io);
	if (!ret)
		list_add_tail(&e->node, all);
	return ret;
}

static struct ioeventfd *event_take_out(struct vm *vm, struct list *all, const struct ioeventfd *like)
{
	struct ioeventfd *o;

	list_for_each(o, all, node) {
		if (o->bus == like->bus && o->event == like->event && o->io.base == like->io.base && o->len == like->len &&
		    o->match == like->match && o->data == like->data) {
			if (!o->bus)
				iobus_del(vm, &o->io);
			list_del(&o->node);
			return o;
		}
	}
	return NULL;
}

/* What is taken out is only searched for. */
static bool args_good(const struct kvm_ioeventfd *args)
{
	if (args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN)
		return true;
	if (args->len != 0 && args->len != 1 && args->len != 2 && args->len != 4 && args->len != 8)
		return false;
	if (args->addr + args->len < args->addr || (args->flags & ~KVM_IOEVENTFD_VALID_FLAG_MASK))
		return false;
	return args->len || !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
}

int vm_ioeventfd(struct vm *vm, const struct kvm_ioeventfd *args)
{
	struct ioeventfd *e, *gone = NULL;
	struct list *all;
	bool keep = false;
	int ret;

	if (!args_good(args))
		return -EINVAL;
	e = event_make(args, &ret);
	if (!e)
		return ret;
	all = irqfds_ioeventfds(vm);
	if (!all) {
		event_free(e);
		return -ENOMEM;
	}
	mutex_lock(&vm->lock);
	if (args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN) {
		gone = event_take_out(vm, all, e);
		ret = gone ? 0 : -ENOENT;
	} else {
		ret = event_assign(vm, all, e);
		keep = !ret;
	}
	mutex_unlock(&vm->lock);
	if (gone) {
		rcu_synchronize();
		event_free(gone);
	}
	if (!keep)
		event_free(e);
	return ret;
}

void ioeventfds_destroy(struct list *all)
{
	struct ioeventfd *e, *n;

	list_for_each_safe(e, n, all, node) {
		list_del(&e->node);
		event_free(e);
	}
}
