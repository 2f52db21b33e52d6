// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts from user space: KVM_IRQ_LINE, KVM_IRQFD and the GSI routing between them and the vGIC. An irqfd hangs on
 * its eventfd's wait queue and injects from there, in whatever context the eventfd is signalled.
 * Locks: irqfds->lock (mutex: assign, deassign, routing), irqfds->list_lock (irq-safe spinlock: the list). Routing is
 * read under RCU. Order: eventfd's queue lock or nothing, then list_lock, then the vGIC's.
 */
#include <linux/errno.h>

#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/mm/page.h"
#include "kvm/irqfd.h"
#include "kvm/vcpu.h"
#include "kvm/vgic/vgic.h"

#define GSI_PINS	(1020 - 32)	/* SPIs */
#define ROUTES_MAX	4096
#define POLLIN_		0x1
#define POLLHUP_	0x10

struct routing {
	struct rcu_head rcu;
	unsigned n;
	struct { u32 gsi, spi; } route[];
};

struct irqfd {
	struct list node;
	struct waiter waiter;
	struct vm *vm;
	struct file *file, *resample;
	struct eventfd *event, *resample_event;
	u32 gsi;
};

struct irqfds {
	struct mutex lock;
	spinlock_t list_lock;
	struct list list;
	unsigned resamplers;
	struct routing *routing;	/* NULL: GSI n is SPI n */
	struct list ioeventfds;		/* ioeventfd.c's, under vm->lock */
};

/* Under vm->lock or before anybody else knows of it; NULL: no memory. */
static struct irqfds *irqfds_get(struct vm *vm)
{
	struct irqfds *f;

	mutex_lock(&vm->lock);
	f = vm->irqfds;
	if (!f) {
		f = kzalloc(sizeof(*f));
		if (f) {
			mutex_init(&f->lock);
			list_init(&f->list);
			list_init(&f->ioeventfds);
			rcu_assign(vm->irqfds, f);
		}
	}
	mutex_unlock(&vm->lock);
	return f;
}

struct list *irqfds_ioeventfds(struct vm *vm)
{
	struct irqfds *f = irqfds_get(vm);

	return f ? &f->ioeventfds : NULL;
}

static void spi_set(struct vm *vm, u32 spi, bool level)
{
	(void)vgic_inject(vm, NULL, spi + 32, level);
}

/* All SPIs that a GSI leads to. */
static void gsi_set(struct vm *vm, u32 gsi, bool level)
{
	struct irqfds *f = rcu_deref(vm->irqfds);
	struct routing *r;
	unsigned i;

	rcu_read_lock();
	r = f ? rcu_deref(f->routing) : NULL;
	if (!r)
		spi_set(vm, gsi, level);
	else
		for (i = 0; i < r->n; i++)
			if (r->route[i].gsi == gsi)
				spi_set(vm, r->route[i].spi, level);
	rcu_read_unlock();
}

/*
 * Line up. Without a resample eventfd nobody here lowers it again: to an edge interrupt that does not matter, and a level
 * interrupt's line is then lowered with KVM_IRQ_LINE, as on Linux.
 */
static void irqfd_fire(struct irqfd *q)
{
	gsi_set(q->vm, q->gsi, true);
}

/* The eventfd's queue lock is held, interrupts are off. */
static bool irqfd_wake(struct waiter *w, u32 events)
{
	struct irqfd *q = container_of(w, struct irqfd, waiter);

	if (events && !(events & POLLIN_))
		return false;
	if (!eventfd_take(q->event))
		return false;
	irqfd_fire(q);
	return true;
}

void irqfd_acked(struct vm *vm, u32 spi)
{
	struct irqfds *f = rcu_deref(vm->irqfds);
	struct irqfd *q;
	u64 flags;

	if (!f || !READ_ONCE(f->resamplers))
		return;
	flags = spin_lock_irqsave(&f->list_lock);
	list_for_each(q, &f->list, node) {
		struct routing *r;
		bool mine;
		unsigned i;

		if (!q->resample)
			continue;
		r = rcu_deref(f->routing);
		mine = !r && q->gsi == spi;
		for (i = 0; r && i < r->n && !mine; i++)
			mine = r->route[i].gsi == q->gsi && r->route[i].spi == spi;
		if (!mine)
			continue;
		gsi_set(vm, q->gsi, false);
		eventfd_signal(q->resample_event, 1);
	}
	spin_unlock_irqrestore(&f->list_lock, flags);
}

static void irqfd_free(struct irqfd *q)
{
	if (q->file)
		file_put(q->file);
	if (q->resample)
		file_put(q->resample);
	kfree(q);
}

static int event_get(int fd, struct file **file, struct eventfd **event)
{
	*file = fd_get(fd);
	if (!*file)
		return -EBADF;
	*event = eventfd_from_file(*file);
	return *event ? 0 : -EINVAL;
}

static int irqfd_assign(struct vm *vm, struct irqfds *f, const struct kvm_irqfd *args)
{
	struct irqfd *q, *other;
	u64 flags;
	int ret;

	if (!vgic_ready(vm))
		return -EAGAIN;
	q = kzalloc(sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->vm = vm;
	q->gsi = args->gsi;
	q->waiter.func = irqfd_wake;
	ret = event_get(args->fd, &q->file, &q->event);
	if (!ret && (args->flags & KVM_IRQFD_FLAG_RESAMPLE))
		ret = event_get(args->resamplefd, &q->resample, &q->resample_event);
	if (ret)
		goto fail;
	list_for_each(other, &f->list, node) {
		if (other->event == q->event) {
			ret = -EBUSY;
			goto fail;
		}
	}
	flags = spin_lock_irqsave(&f->list_lock);
	list_add_tail(&q->node, &f->list);
	f->resamplers += !!q->resample;
	spin_unlock_irqrestore(&f->list_lock, flags);
	waitq_add(eventfd_waitq(q->event), &q->waiter);
	/* Signalled before it was ours. */
	if (eventfd_take(q->event))
		irqfd_fire(q);
	return 0;
fail:
	irqfd_free(q);
	return ret;
}

static void irqfd_remove(struct irqfds *f, struct irqfd *q)
{
	u64 flags;

	waitq_del(eventfd_waitq(q->event), &q->waiter);
	flags = spin_lock_irqsave(&f->list_lock);
	list_del(&q->node);
	f->resamplers -= !!q->resample;
	spin_unlock_irqrestore(&f->list_lock, flags);
	irqfd_free(q);
}

static int irqfd_deassign(struct irqfds *f, const struct kvm_irqfd *args)
{
	struct irqfd *q, *n;
	struct file *file;
	struct eventfd *event;
	int ret = event_get(args->fd, &file, &event);

	if (!ret)
		list_for_each_safe(q, n, &f->list, node)
			if (q->event == event && q->gsi == args->gsi)
				irqfd_remove(f, q);
	if (file)
		file_put(file);
	return ret;
}

int vm_irqfd(struct vm *vm, const struct kvm_irqfd *args)
{
	struct irqfds *f;
	int ret;

	if (args->flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	f = irqfds_get(vm);
	if (!f)
		return -ENOMEM;
	mutex_lock(&f->lock);
	if (args->flags & KVM_IRQFD_FLAG_DEASSIGN)
		ret = irqfd_deassign(f, args);
	else
		ret = irqfd_assign(vm, f, args);
	mutex_unlock(&f->lock);
	return ret;
}

static void routing_free(struct rcu_head *h)
{
	kfree(container_of(h, struct routing, rcu));
}

static int routing_fill(struct routing *r, const struct kvm_irq_routing_entry *e, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		if (e[i].gsi >= ROUTES_MAX)
			return -EINVAL;
		switch (e[i].type) {
		case KVM_IRQ_ROUTING_IRQCHIP:
			if (e[i].flags || e[i].u.irqchip.irqchip || e[i].u.irqchip.pin >= GSI_PINS)
				return -EINVAL;
			r->route[r->n].gsi = e[i].gsi;
			r->route[r->n++].spi = e[i].u.irqchip.pin;
			break;
		case KVM_IRQ_ROUTING_MSI:
			/* Accepted as Linux does; without an ITS a message reaches nobody. */
			if (e[i].flags & ~KVM_MSI_VALID_DEVID)
				return -EINVAL;
			break;
		default:
			return -EINVAL;
		}
	}
	return 0;
}

int vm_set_gsi_routing(struct vm *vm, const struct kvm_irq_routing *rt, const struct kvm_irq_routing_entry *e)
{
	struct routing *r, *old;
	struct irqfds *f;
	int ret;

	if (rt->nr > ROUTES_MAX || rt->flags)
		return -EINVAL;
	f = irqfds_get(vm);
	r = kzalloc(sizeof(*r) + rt->nr * sizeof(r->route[0]));
	if (!f || !r) {
		kfree(r);
		return -ENOMEM;
	}
	ret = routing_fill(r, e, rt->nr);
	if (ret) {
		kfree(r);
		return ret;
	}
	mutex_lock(&f->lock);
	old = f->routing;
	rcu_assign(f->routing, r);
	mutex_unlock(&f->lock);
	if (old)
		rcu_defer(&old->rcu, routing_free);
	return 0;
}

void irqfds_destroy(struct vm *vm)
{
	struct irqfds *f = vm->irqfds;
	struct irqfd *q, *n;

	if (!f)
		return;
	list_for_each_safe(q, n, &f->list, node)
		irqfd_remove(f, q);
	ioeventfds_destroy(&f->ioeventfds);
	vm->irqfds = NULL;
	kfree(f->routing);
	kfree(f);
}

/* KVM_IRQ_LINE on a CPU's own inputs, for a VM whose interrupt controller is in user space. */
static int cpu_line(struct vcpu *v, u32 num, bool level)
{
	bool *line = num == KVM_ARM_IRQ_CPU_IRQ ? &v->input.irq_line : &v->input.fiq_line;

	if (num > KVM_ARM_IRQ_CPU_FIQ)
		return -EINVAL;
	if (__atomic_exchange_n(line, level, __ATOMIC_SEQ_CST) != level)
		vcpu_request(v, REQ_IRQ);
	return 0;
}

int vm_irq_line(struct vm *vm, const struct kvm_irq_level *l)
{
	u32 type = l->irq >> KVM_ARM_IRQ_TYPE_SHIFT & KVM_ARM_IRQ_TYPE_MASK;
	u32 index = l->irq >> KVM_ARM_IRQ_VCPU_SHIFT & KVM_ARM_IRQ_VCPU_MASK;
	u32 num = l->irq >> KVM_ARM_IRQ_NUM_SHIFT & KVM_ARM_IRQ_NUM_MASK;
	struct vcpu *v, *found = NULL;
	unsigned i;

	index += (l->irq >> KVM_ARM_IRQ_VCPU2_SHIFT & KVM_ARM_IRQ_VCPU2_MASK) * (KVM_ARM_IRQ_VCPU_MASK + 1);
	vm_for_each_vcpu(i, v, vm)
		if (v->id == index)
			found = v;
	switch (type) {
	case KVM_ARM_IRQ_TYPE_CPU:
		if (vgic_in_kernel(vm))
			return -ENXIO;
		return found ? cpu_line(found, num, l->level) : -EINVAL;
	case KVM_ARM_IRQ_TYPE_PPI:
		if (!vgic_in_kernel(vm))
			return -ENXIO;
		if (!found || num < 16 || num >= 32)
			return -EINVAL;
		return vgic_inject(vm, found, num, l->level);
	case KVM_ARM_IRQ_TYPE_SPI:
		if (!vgic_in_kernel(vm))
			return -ENXIO;
		if (num < 32)
			return -EINVAL;
		return vgic_inject(vm, NULL, num, l->level);
	default:
		return -EINVAL;
	}
}
