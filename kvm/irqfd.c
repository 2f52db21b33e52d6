// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts from user space: KVM_IRQ_LINE, KVM_IRQFD and the GSI routing between them and the vGIC. An irqfd hangs on
 * its eventfd's wait queue and injects from there, in whatever context the eventfd is signalled; it goes when it is
 * deassigned, when the eventfd's last descriptor is closed, or with its VM.
 * Locks: irqfds->lock (mutex: assign, deassign, routing), irqfds->acked_lock (irq-safe spinlock: the resample irqfds, which
 * are walked when a guest ends an interrupt; their number is limited). Routing is read under RCU. Order: eventfd's queue lock
 * or nothing, then the vGIC's; acked_lock, then eventfds' queue locks.
 */
#include <linux/errno.h>

#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/mm/page.h"
#include "kvm/irqfd.h"
#include "kvm/pmu/pmu.h"
#include "kvm/timer/timer.h"
#include "kvm/vcpu.h"
#include "kvm/vgic/vgic.h"

#define GSI_PINS	(1020 - 32)	/* SPIs */
#define ROUTES_MAX	4096
#define RESAMPLERS_MAX	1024		/* more than SPIs; each is looked at with interrupts off */
#define POLLIN_		0x1
#define POLLHUP_	0x10

struct route {
	u32 gsi, spi;
	bool is_msi;
	struct kvm_msi msi;
};

/* One route to a GSI at most, as on Linux/arm64. */
struct routing {
	struct rcu_head rcu;
	unsigned n;
	u16 by_gsi[ROUTES_MAX];		/* index + 1, 0: none */
	struct route route[];
};

struct irqfd {
	struct list node;
	struct list acked;		/* in f->acked, if resample */
	struct waiter waiter;
	struct rcu_head rcu;
	struct irqfds *f;
	struct vm *vm;
	struct eventfd *event, *resample;	/* references */
	u32 gsi;
	bool removed;			/* from the list and the queue; under f->lock */
	bool hup;			/* irqfd_hup is on its way, and frees it; under the queue's lock */
};

struct irqfds {
	u32 refs;			/* the VM's, each irqfd's */
	struct mutex lock;
	struct list list;
	spinlock_t acked_lock;
	struct list acked;
	unsigned resamplers;		/* in it; under lock too */
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
			f->refs = 1;
			mutex_init(&f->lock);
			list_init(&f->list);
			list_init(&f->acked);
			list_init(&f->ioeventfds);
			rcu_assign(vm->irqfds, f);
		}
	}
	mutex_unlock(&vm->lock);
	return f;
}

static void irqfds_put(struct irqfds *f)
{
	if (!__atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL))
		kfree(f);
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

/* Where a GSI leads; under RCU. false: nowhere. */
static bool gsi_route(struct irqfds *f, u32 gsi, const struct route **route, u32 *spi)
{
	struct routing *r = f ? rcu_deref(f->routing) : NULL;

	*route = NULL;
	*spi = gsi;
	if (!r)
		return gsi < GSI_PINS;
	if (gsi >= ROUTES_MAX || !r->by_gsi[gsi])
		return false;
	*route = &r->route[r->by_gsi[gsi] - 1];
	*spi = (*route)->spi;
	return true;
}

static void gsi_set(struct vm *vm, u32 gsi, bool level)
{
	const struct route *route;
	u32 spi;

	rcu_read_lock();
	if (gsi_route(rcu_deref(vm->irqfds), gsi, &route, &spi)) {
		if (!route || !route->is_msi)
			spi_set(vm, spi, level);
		else if (level)
			(void)vm_signal_msi(vm, &route->msi);
	}
	rcu_read_unlock();
}

static void irqfd_free(struct irqfd *q)
{
	if (q->event)
		eventfd_put(q->event);
	if (q->resample)
		eventfd_put(q->resample);
	irqfds_put(q->f);
	kfree(q);
}

/* f->lock held. After it nothing comes from the eventfd any more. */
static void irqfd_unlink(struct irqfds *f, struct irqfd *q)
{
	u64 flags;

	waitq_del(eventfd_waitq(q->event), &q->waiter);
	list_del(&q->node);
	q->removed = true;
	if (!q->resample)
		return;
	flags = spin_lock_irqsave(&f->acked_lock);
	list_del(&q->acked);
	f->resamplers--;
	spin_unlock_irqrestore(&f->acked_lock, flags);
	/* Nobody will hear of its end: the line must not stay up. */
	gsi_set(q->vm, q->gsi, false);
}

static void irqfd_remove(struct irqfds *f, struct irqfd *q)
{
	irqfd_unlink(f, q);
	if (!q->hup)
		irqfd_free(q);
}

/* The eventfd's last descriptor is closed. */
static void irqfd_hup(struct rcu_head *h)
{
	struct irqfd *q = container_of(h, struct irqfd, rcu);
	struct irqfds *f = q->f;

	mutex_lock(&f->lock);
	if (!q->removed)
		irqfd_unlink(f, q);
	mutex_unlock(&f->lock);
	irqfd_free(q);
}

/*
 * The eventfd's queue lock is held, interrupts are off. Line up: without a resample eventfd nobody here lowers it again;
 * to an edge interrupt that does not matter, and a level interrupt's line is then lowered with KVM_IRQ_LINE, as on Linux.
 */
static bool irqfd_wake(struct waiter *w, u32 events)
{
	struct irqfd *q = container_of(w, struct irqfd, waiter);
	bool fired = false;

	if ((!events || (events & POLLIN_)) && eventfd_take(q->event)) {
		gsi_set(q->vm, q->gsi, true);
		fired = true;
	}
	if ((events & POLLHUP_) && !q->hup) {
		q->hup = true;
		rcu_defer(&q->rcu, irqfd_hup);
	}
	return fired;
}

void irqfd_acked(struct vm *vm, u32 spi)
{
	struct irqfds *f = rcu_deref(vm->irqfds);
	const struct route *route;
	struct irqfd *q;
	u64 flags;
	u32 mine;

	if (!f || !READ_ONCE(f->resamplers))
		return;
	flags = spin_lock_irqsave(&f->acked_lock);
	list_for_each(q, &f->acked, acked) {
		if (!gsi_route(f, q->gsi, &route, &mine) || (route && route->is_msi) || mine != spi)
			continue;
		gsi_set(vm, q->gsi, false);
		eventfd_signal(q->resample, 1);
	}
	spin_unlock_irqrestore(&f->acked_lock, flags);
}

int eventfd_by_fd(int fd, struct eventfd **event, struct file **file)
{
	*file = fd_get(fd);
	if (!*file)
		return -EBADF;
	*event = eventfd_from_file(*file);
	if (!*event) {
		file_put(*file);
		*file = NULL;
		return -EINVAL;
	}
	eventfd_get(*event);
	return 0;
}

static int event_get(int fd, struct eventfd **event)
{
	struct file *file;
	int ret = eventfd_by_fd(fd, event, &file);

	if (!ret)
		file_put(file);
	return ret;
}

static int irqfd_assign(struct vm *vm, struct irqfds *f, const struct kvm_irqfd *args)
{
	struct irqfd *q, *other;
	struct file *file = NULL;
	u64 flags;
	int ret;

	if (!vgic_ready(vm))
		return -EAGAIN;
	q = kzalloc(sizeof(*q));
	if (!q)
		return -ENOMEM;
	__atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);
	q->f = f;
	q->vm = vm;
	q->gsi = args->gsi;
	q->waiter.func = irqfd_wake;
	/* The file is held until we are in the queue: its end, which another thread may bring, must not go unheard. */
	ret = eventfd_by_fd(args->fd, &q->event, &file);
	if (!ret && (args->flags & KVM_IRQFD_FLAG_RESAMPLE))
		ret = event_get(args->resamplefd, &q->resample);
	if (ret)
		goto fail;
	list_for_each(other, &f->list, node) {
		if (other->event == q->event) {
			ret = -EBUSY;
			goto fail;
		}
	}
	if (q->resample && f->resamplers >= RESAMPLERS_MAX) {
		ret = -ENOMEM;
		goto fail;
	}
	list_add_tail(&q->node, &f->list);
	if (q->resample) {
		flags = spin_lock_irqsave(&f->acked_lock);
		list_add_tail(&q->acked, &f->acked);
		f->resamplers++;
		spin_unlock_irqrestore(&f->acked_lock, flags);
	}
	waitq_add(eventfd_waitq(q->event), &q->waiter);
	/* Signalled before it was ours. */
	if (eventfd_take(q->event))
		gsi_set(vm, q->gsi, true);
	file_put(file);
	return 0;
fail:
	irqfd_free(q);
	if (file)
		file_put(file);
	return ret;
}

static int irqfd_deassign(struct irqfds *f, const struct kvm_irqfd *args)
{
	struct eventfd *event = NULL;
	struct irqfd *q, *n;
	int ret = event_get(args->fd, &event);

	if (ret)
		return ret;
	list_for_each_safe(q, n, &f->list, node)
		if (q->event == event && q->gsi == args->gsi)
			irqfd_remove(f, q);
	eventfd_put(event);
	return 0;
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

static void routing_replace(struct irqfds *f, struct routing *r)
{
	struct routing *old;

	mutex_lock(&f->lock);
	old = f->routing;
	rcu_assign(f->routing, r);
	mutex_unlock(&f->lock);
	if (old)
		rcu_defer(&old->rcu, routing_free);
}

static int routing_fill(struct routing *r, const struct kvm_irq_routing_entry *e, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++, r->n++) {
		struct route *to = &r->route[i];

		if (e[i].gsi >= ROUTES_MAX || r->by_gsi[e[i].gsi])
			return -EINVAL;
		r->by_gsi[e[i].gsi] = i + 1;
		to->gsi = e[i].gsi;
		switch (e[i].type) {
		case KVM_IRQ_ROUTING_IRQCHIP:
			if (e[i].flags || e[i].u.irqchip.irqchip || e[i].u.irqchip.pin >= GSI_PINS)
				return -EINVAL;
			to->spi = e[i].u.irqchip.pin;
			break;
		case KVM_IRQ_ROUTING_MSI:
			if (e[i].flags & ~KVM_MSI_VALID_DEVID)
				return -EINVAL;
			to->is_msi = true;
			to->msi.address_lo = e[i].u.msi.address_lo;
			to->msi.address_hi = e[i].u.msi.address_hi;
			to->msi.data = e[i].u.msi.data;
			to->msi.devid = e[i].u.msi.devid;
			to->msi.flags = e[i].flags;
			break;
		default:
			return -EINVAL;
		}
	}
	return 0;
}

int vm_set_gsi_routing(struct vm *vm, const struct kvm_irq_routing *rt, const struct kvm_irq_routing_entry *e)
{
	struct routing *r;
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
	routing_replace(f, r);
	return 0;
}

void irqfds_default_routing(struct vm *vm)
{
	if (vm->irqfds)
		routing_replace(vm->irqfds, NULL);
}

void irqfds_destroy(struct vm *vm)
{
	struct irqfds *f = vm->irqfds;
	struct irqfd *q, *n;

	if (!f)
		return;
	mutex_lock(&f->lock);
	list_for_each_safe(q, n, &f->list, node)
		irqfd_remove(f, q);
	mutex_unlock(&f->lock);
	ioeventfds_destroy(&f->ioeventfds);
	vm->irqfds = NULL;
	kfree(f->routing);
	irqfds_put(f);
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
		if (!vgic_ready(vm))
			return -EBUSY;
		/* Of a device in the kernel: not for the VMM to move, which is no error. */
		if (timer_owns_ppi(found, num) || pmu_owns_ppi(found, num))
			return 0;
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
