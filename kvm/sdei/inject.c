// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events from the VMM: KVM_SET_DEVICE_ATTR on the VM, and eventfds. Neither takes a vCPU's mutex, so the guest runs on.
 * An eventfd's waiter fires in whatever context the eventfd is written. Locks: sdei->eventfd_lock (mutex: the list), then
 * an eventfd's queue lock; sdei->lock inside that one. docs/abi/sdei.md.
 */
#include <linux/errno.h>
#include <nestbox/kvm.h>

#include "kernel/debug/print.h"
#include "kernel/mm/page.h"
#include "kernel/mm/uaccess.h"
#include "kvm/sdei/sdei.h"

#define POLLIN_		0x1
#define EVENTFDS_MAX	1024

struct sdei_eventfd {
	struct list node;
	struct waiter waiter;
	struct sdei *s;
	struct file *file;
	struct eventfd *event;
	u32 num;
	u64 affinity;
};

/* The event and its PE (any, for a shared one) as the VMM names them. Lock held. 0, -EINVAL. */
static int target_find(struct sdei *s, u32 num, u64 affinity, struct sdei_pe **pe)
{
	int e = sdei_event_find(&s->m, num);

	if (s->windows)
		sdei_affinities_take(s);
	/* Event 0 is the guest's own, and what an interrupt raises nobody else does. */
	if (!num || e < 0 || s->m.event[e].dynamic || s->m.event[e].intid || !s->m.nr_pes)
		return -EINVAL;
	if (sdei_is_shared(&s->m, e)) {
		*pe = s->m.pes[0];
		return affinity ? -EINVAL : e;
	}
	*pe = sdei_pe_find(&s->m, affinity);
	return *pe ? e : -EINVAL;
}

/* Could it start somewhere at once, were it pending? */
static bool startable(struct sdei *s, struct sdei_pe *pe, int e)
{
	unsigned i;

	if (!sdei_is_shared(&s->m, e))
		return sdei_could_start(pe, e);
	for (i = 0; i < s->m.nr_pes; i++)
		if (sdei_could_start(s->m.pes[i], e))
			return true;
	return false;
}

/* Where its state is registers that were restored and are not in effect yet; NULL: it is what the model says. Lock held. */
static u64 *image_state(struct sdei *s, struct sdei_pe *pe, int e)
{
	struct sdei_vcpu *sv = sdei_vcpu_of(pe);

	if (sdei_is_shared(&s->m, e))
		return s->window && !s->applied ? &s->words[sdei_state_at(&s->m, e)] : NULL;
	return sv->window && !sv->applied ? &sv->words[sdei_state_at(&s->m, e)] : NULL;
}

static int inject(struct sdei *s, const struct kvm_nb_sdei_inject *in)
{
	struct sdei_pe *pe;
	int e = target_find(s, in->event, in->affinity, &pe);
	u64 *image;

	if (e < 0)
		return e;
	image = image_state(s, pe, e);
	if (image)
		return sdei_image_raise(pe, e, image, in->flags & KVM_NB_SDEI_CANCEL ? SDEI_CANCEL :
					in->flags & KVM_NB_SDEI_IMMEDIATE ? SDEI_RAISE_NOW : SDEI_RAISE);
	if (in->flags & KVM_NB_SDEI_CANCEL)
		return sdei_cancel(pe, e) ? 0 : -ENOENT;
	if (!sdei_handler(pe, e)->registered)
		return -ENOENT;
	if ((in->flags & KVM_NB_SDEI_IMMEDIATE) && (sdei_handler(pe, e)->pending || !startable(s, pe, e)))
		return -EBUSY;
	sdei_trigger(pe, e);
	return 0;
}

static int inject_attr(struct sdei *s, u64 uaddr)
{
	struct kvm_nb_sdei_inject in;
	u64 flags;
	int ret;

	if (copy_from_user(&in, uaddr, sizeof(in)))
		return -EFAULT;
	if (in.flags & ~(KVM_NB_SDEI_IMMEDIATE | KVM_NB_SDEI_CANCEL) ||
	    in.flags == (KVM_NB_SDEI_IMMEDIATE | KVM_NB_SDEI_CANCEL))
		return -EINVAL;
	flags = spin_lock_irqsave(&s->lock);
	ret = inject(s, &in);
	spin_unlock_irqrestore(&s->lock, flags);
	return ret;
}

/* ---- eventfds ---- */

static void eventfd_fire(struct sdei_eventfd *q)
{
	struct sdei_pe *pe;
	u64 flags = spin_lock_irqsave(&q->s->lock);
	int e = target_find(q->s, q->num, q->affinity, &pe);
	u64 *image = e < 0 ? NULL : image_state(q->s, pe, e);

	if (image)
		(void)sdei_image_raise(pe, e, image, SDEI_RAISE);
	else if (e >= 0)
		sdei_trigger(pe, e);
	spin_unlock_irqrestore(&q->s->lock, flags);
}

/* The eventfd's queue lock is held, interrupts are off. */
static bool eventfd_wake(struct waiter *w, u32 events)
{
	struct sdei_eventfd *q = container_of(w, struct sdei_eventfd, waiter);

	if (events && !(events & POLLIN_))
		return false;
	if (!eventfd_take(q->event))
		return false;
	eventfd_fire(q);
	return true;
}

static void eventfd_remove(struct sdei_eventfd *q)
{
	waitq_del(eventfd_waitq(q->event), &q->waiter);
	list_del(&q->node);
	file_put(q->file);
	kfree(q);
}

static int eventfd_add(struct sdei *s, const struct kvm_nb_sdei_eventfd *in, struct file *file, struct eventfd *event)
{
	struct sdei_eventfd *q;
	struct sdei_pe *pe;
	unsigned n = 0;
	u64 flags;
	int e;

	list_for_each(q, &s->eventfds, node) {
		if (q->event == event)
			return -EBUSY;
		n++;
	}
	if (n >= EVENTFDS_MAX)
		return -ENOSPC;
	flags = spin_lock_irqsave(&s->lock);
	e = target_find(s, in->event, in->affinity, &pe);
	spin_unlock_irqrestore(&s->lock, flags);
	if (e < 0)
		return e;
	q = kzalloc(sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->s = s;
	q->file = file;
	q->event = event;
	q->num = in->event;
	q->affinity = in->affinity;
	q->waiter.func = eventfd_wake;
	list_add_tail(&q->node, &s->eventfds);
	waitq_add(eventfd_waitq(event), &q->waiter);
	if (eventfd_take(event))	/* written before it was ours */
		eventfd_fire(q);
	return 1;	/* the file is held */
}

static int eventfd_del(struct sdei *s, const struct kvm_nb_sdei_eventfd *in, const struct eventfd *event)
{
	struct sdei_eventfd *q, *n;

	list_for_each_safe(q, n, &s->eventfds, node) {
		if (q->event != event || q->num != in->event)
			continue;
		eventfd_remove(q);
		return 0;
	}
	return -ENOENT;
}

static int eventfd_attr(struct sdei *s, u64 uaddr)
{
	struct kvm_nb_sdei_eventfd in;
	struct eventfd *event;
	struct file *file;
	int ret = -EINVAL;

	if (copy_from_user(&in, uaddr, sizeof(in)))
		return -EFAULT;
	if (in.pad || (in.flags & ~KVM_NB_SDEI_DEASSIGN))
		return -EINVAL;
	file = fd_get(in.fd);
	if (!file)
		return -EBADF;
	event = eventfd_from_file(file);
	if (event) {
		mutex_lock(&s->eventfd_lock);
		ret = in.flags & KVM_NB_SDEI_DEASSIGN ? eventfd_del(s, &in, event) : eventfd_add(s, &in, file, event);
		mutex_unlock(&s->eventfd_lock);
	}
	if (ret != 1)
		file_put(file);
	return ret < 0 ? ret : 0;
}

void sdei_eventfds_destroy(struct sdei *s)
{
	struct sdei_eventfd *q, *n;

	list_for_each_safe(q, n, &s->eventfds, node)
		eventfd_remove(q);
}

int sdei_vm_attr(struct vm *vm, const struct kvm_device_attr *a, int op)
{
	struct sdei *s = rcu_deref(vm->sdei);

	if (a->group != KVM_NB_VM_SDEI || !s || a->attr > KVM_NB_SDEI_EVENTFD)
		return -ENXIO;
	if (a->flags)
		return -EINVAL;
	if (op == 'h')
		return 0;
	switch (a->attr) {
	case KVM_NB_SDEI_EVENTS:
		return sdei_vm_events(vm, a->addr);
	case KVM_NB_SDEI_INJECT:
		return inject_attr(s, a->addr);
	default:
		return eventfd_attr(s, a->addr);
	}
}
