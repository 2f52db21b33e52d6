// SPDX-License-Identifier: GPL-2.0-only
/*
 * SDEI of a VM: opting in, which events there are, PEs coming and going, power states, and what the model asks of its
 * surroundings. Locks: vm->lock for opting in and the event map, sdei->lock for state. docs/abi/sdei.md.
 */
#include <linux/errno.h>
#include <nestbox/kvm.h>

#include "kernel/debug/print.h"
#include "kernel/mm/page.h"
#include "kernel/mm/uaccess.h"
#include "kvm/sdei/sdei.h"
#include "kvm/smccc/smccc.h"
#include "kvm/vcpu_state.h"
#include "kvm/vgic/vgic.h"

#define EVENT_FLAGS	(KVM_NB_SDEI_EVENT_SHARED | KVM_NB_SDEI_EVENT_CRITICAL | KVM_NB_SDEI_EVENT_DYNAMIC)
#define INTID_MAX	1020

/* ---- what the model asks; sdei->lock held ---- */

static void op_kick(struct sdei_pe *pe, bool wake)
{
	struct vcpu *v = sdei_vcpu_of(pe)->v;

	if (wake && READ_ONCE(v->thread) != current_thread)
		vcpu_request(v, REQ_SDEI);
	else	/* it looks when it comes by; our own vCPU does so before its next instruction */
		__atomic_fetch_or(&v->requests, REQ_SDEI, __ATOMIC_SEQ_CST);
}

/* An AArch32 kernel is no client, whatever the VMM restored. */
static bool op_online(const struct sdei_pe *pe)
{
	const struct vcpu *v = sdei_vcpu_of(pe)->v;

	return READ_ONCE(v->state->mp_state) != KVM_MP_STATE_STOPPED && !v->config.el1_32bit;
}

/* In the guest, asleep in WFI, otherwise in KVM_RUN (it may wait for memory), not in KVM_RUN or suspended. */
static unsigned op_rank(const struct sdei_pe *pe)
{
	const struct vcpu *v = sdei_vcpu_of(pe)->v;

	if (READ_ONCE(v->in_guest))
		return 0;
	if (!READ_ONCE(v->thread) || READ_ONCE(v->state->mp_state) != KVM_MP_STATE_RUNNABLE)
		return 3;
	return READ_ONCE(v->state->stat.halt.blocking) ? 1 : 2;
}

static struct vcpu *irq_vcpu(struct sdei_pe *pe)
{
	return pe ? sdei_vcpu_of(pe)->v : NULL;
}

/* Before the vGIC is there only the numbers are known. */
static bool op_irq_exists(struct sdei_vm *m, u32 intid)
{
	struct vm *vm = sdei_of(m)->vm;

	return vgic_ready(vm) ? vgic_claim_exists(vm, intid) : intid >= 16 && intid < INTID_MAX;
}

static long op_irq_claim(struct sdei_vm *m, struct sdei_pe *pe, u32 intid)
{
	switch (vgic_claim_irq(sdei_of(m)->vm, irq_vcpu(pe), intid, false)) {
	case 0:
		return 0;
	case -EAGAIN:
		return SDEI_AGAIN;
	default:
		return SDEI_DENIED;
	}
}

static void op_irq_release(struct sdei_vm *m, struct sdei_pe *pe, u32 intid)
{
	vgic_unclaim_irq(sdei_of(m)->vm, irq_vcpu(pe), intid, false);
}

static bool op_irq_pending(struct sdei_vm *m, struct sdei_pe *pe, u32 intid)
{
	return vgic_claimed_pending(sdei_of(m)->vm, irq_vcpu(pe), intid);
}

static void op_irq_begin(struct sdei_vm *m, struct sdei_pe *pe, u32 intid)
{
	vgic_claimed_begin(sdei_of(m)->vm, irq_vcpu(pe), intid);
}

static void op_irq_end(struct sdei_vm *m, struct sdei_pe *pe, u32 intid)
{
	vgic_claimed_end(sdei_of(m)->vm, irq_vcpu(pe), intid);
}

static const struct sdei_ops ops = {
	.kick = op_kick,
	.online = op_online,
	.rank = op_rank,
	.irq_exists = op_irq_exists,
	.irq_claim = op_irq_claim,
	.irq_release = op_irq_release,
	.irq_pending = op_irq_pending,
	.irq_begin = op_irq_begin,
	.irq_end = op_irq_end,
};

/* ---- events ---- */

struct map {
	struct sdei_event *event;
	struct sdei_shared *shared;
	u64 *words;
	unsigned nr_private, nr_shared;
};

static void map_free(struct map *m)
{
	kfree(m->event);
	kfree(m->shared);
	kfree(m->words);
}

/* Room for events of both kinds; event[0] is event 0. */
static int map_alloc(struct map *m, unsigned nr_private, unsigned nr_shared)
{
	struct sdei_vm sizes = { .nr_private = nr_private, .nr_shared = nr_shared };

	m->nr_private = nr_private;
	m->nr_shared = nr_shared;
	m->event = kcalloc(nr_private + nr_shared, sizeof(*m->event));
	m->shared = kcalloc(nr_shared ? nr_shared : 1, sizeof(*m->shared));
	m->words = kcalloc(sdei_vm_words(&sizes), sizeof(*m->words));
	if (m->event && m->shared && m->words)
		return 0;
	map_free(m);
	return -ENOMEM;
}

static bool event_valid(const struct kvm_nb_sdei_event *e)
{
	bool shared = e->flags & KVM_NB_SDEI_EVENT_SHARED;

	if (e->pad || (e->flags & ~EVENT_FLAGS) || !e->event || (e->event & ~(u32)(BIT(30) | GENMASK(23, 0))))
		return false;
	/* The client's own bindings are of normal priority. */
	if (e->flags & KVM_NB_SDEI_EVENT_DYNAMIC)
		return !e->intid && !(e->flags & KVM_NB_SDEI_EVENT_CRITICAL);
	return !e->intid || (e->intid >= 16 && e->intid < INTID_MAX && (e->intid >= 32) == shared);
}

static int map_fill(struct map *m, const struct kvm_nb_sdei_event *in, unsigned nr)
{
	unsigned i, j, at[2] = { 1, m->nr_private };

	for (i = 0; i < nr; i++) {
		bool shared = in[i].flags & KVM_NB_SDEI_EVENT_SHARED;
		struct sdei_event *e = &m->event[at[shared]++];

		for (j = 0; j < i; j++)
			if (in[j].event == in[i].event || (in[i].intid && in[j].intid == in[i].intid))
				return -EINVAL;
		e->num = in[i].event;
		e->intid = in[i].intid;
		e->critical = in[i].flags & KVM_NB_SDEI_EVENT_CRITICAL;
		e->dynamic = in[i].flags & KVM_NB_SDEI_EVENT_DYNAMIC;
	}
	return 0;
}

/* Events may be looked for meanwhile, by a VMM's other threads. */
static void map_install(struct sdei *s, struct map *m)
{
	u64 flags = spin_lock_irqsave(&s->lock);
	struct map old = { s->m.event, s->m.shared, s->words, 0, 0 };

	s->m.event = m->event;
	s->m.shared = m->shared;
	s->m.nr_private = m->nr_private;
	s->m.nr_shared = m->nr_shared;
	s->words = m->words;
	spin_unlock_irqrestore(&s->lock, flags);
	map_free(&old);
}

/* The same map again is no change. */
static bool map_same(const struct sdei *s, const struct map *m)
{
	unsigned e;

	if (s->m.nr_private != m->nr_private || s->m.nr_shared != m->nr_shared)
		return false;
	for (e = 0; e < m->nr_private + m->nr_shared; e++) {
		const struct sdei_event *a = &s->m.event[e], *b = &m->event[e];

		if (a->num != b->num || a->critical != b->critical || a->dynamic != b->dynamic ||
		    (!a->dynamic && a->intid != b->intid))
			return false;
	}
	return true;
}

static int map_set(struct vm *vm, const struct kvm_nb_sdei_event *in, unsigned nr)
{
	unsigned i, shared = 0;
	struct map m;
	int ret;

	for (i = 0; i < nr; i++) {
		if (!event_valid(&in[i]))
			return -EINVAL;
		shared += !!(in[i].flags & KVM_NB_SDEI_EVENT_SHARED);
	}
	ret = map_alloc(&m, 1 + nr - shared, shared);
	if (ret)
		return ret;
	ret = map_fill(&m, in, nr);
	if (!ret && vm->nr_vcpus)	/* their register lists exist */
		ret = map_same(vm->sdei, &m) ? 1 : -EBUSY;
	if (ret)
		map_free(&m);
	else
		map_install(vm->sdei, &m);
	return ret < 0 ? ret : 0;
}

int sdei_vm_events(struct vm *vm, u64 uaddr)
{
	struct kvm_nb_sdei_event *in = NULL;
	struct kvm_nb_sdei_events head;
	int ret = -ENXIO;

	if (copy_from_user(&head, uaddr, sizeof(head)))
		return -EFAULT;
	if (head.pad || head.nr >= SDEI_EVENTS_MAX)
		return -EINVAL;
	in = kcalloc(head.nr + 1, sizeof(*in));
	if (!in)
		return -ENOMEM;
	if (copy_from_user(in, uaddr + sizeof(head), head.nr * sizeof(*in))) {
		kfree(in);
		return -EFAULT;
	}
	mutex_lock(&vm->lock);
	if (vm->sdei)
		ret = map_set(vm, in, head.nr);
	mutex_unlock(&vm->lock);
	kfree(in);
	return ret;
}

/* ---- life ---- */

int sdei_vm_enable(struct vm *vm, u64 flags)
{
	struct sdei *s;
	struct map m;

	if (flags & ~KVM_NB_SDEI_STRICT)
		return -EINVAL;
	if (vm->sdei)
		return vm->sdei->m.strict == !!flags ? 0 : -EBUSY;
	if (vm->nr_vcpus)
		return -EBUSY;
	if (smccc_filter_covers(vm, SDEI_FN_FIRST, SDEI_FN_LAST))
		return -EEXIST;
	s = kzalloc(sizeof(*s));
	if (!s || map_alloc(&m, 1, 0)) {
		kfree(s);
		return -ENOMEM;
	}
	s->m.pes = kcalloc(KVM_VCPUS_MAX, sizeof(*s->m.pes));
	if (!s->m.pes) {
		map_free(&m);
		kfree(s);
		return -ENOMEM;
	}
	s->vm = vm;
	s->m.ops = &ops;
	s->m.strict = flags;
	s->window = s->applied = true;
	mutex_init(&s->eventfd_lock);
	list_init(&s->eventfds);
	map_install(s, &m);
	rcu_assign(vm->sdei, s);
	fwreg_offer_sdei(vm);
	return 0;
}

void sdei_vm_quiesce(struct vm *vm)
{
	if (vm->sdei)
		sdei_eventfds_destroy(vm->sdei);
}

void sdei_vm_destroy(struct vm *vm)
{
	struct sdei *s = vm->sdei;

	if (!s)
		return;
	vm->sdei = NULL;
	kfree(s->m.event);
	kfree(s->m.shared);
	kfree(s->m.pes);
	kfree(s->words);
	kfree(s);
}

int sdei_vcpu_create(struct vcpu *v)
{
	struct sdei *s = v->vm->sdei;
	struct sdei_vcpu *sv;

	if (!s)
		return 0;
	sv = kzalloc(sizeof(*sv));
	if (!sv)
		return -ENOMEM;
	v->sdei = sv;
	sv->v = v;
	sv->pe.vm = &s->m;
	sv->pe.mpidr = v->config.mpidr & SDEI_AFFINITY;
	sv->pe.private = kcalloc(s->m.nr_private, sizeof(*sv->pe.private));
	sv->words = kcalloc(sdei_pe_words(&s->m), sizeof(*sv->words));
	sdei_pe_init(&sv->pe);
	return sv->pe.private && sv->words ? 0 : -ENOMEM;	/* sdei_vcpu_destroy follows */
}

void sdei_vcpu_add(struct vcpu *v)
{
	struct sdei *s = v->vm->sdei;
	u64 flags;

	if (!v->sdei)
		return;
	flags = spin_lock_irqsave(&s->lock);
	s->m.pes[s->m.nr_pes++] = &v->sdei->pe;
	spin_unlock_irqrestore(&s->lock, flags);
}

void sdei_affinities_take(struct sdei *s)
{
	unsigned i;

	for (i = 0; i < s->m.nr_pes; i++)
		s->m.pes[i]->mpidr = READ_ONCE(sdei_vcpu_of(s->m.pes[i])->v->config.mpidr) & SDEI_AFFINITY;
}

void sdei_vcpu_destroy(struct vcpu *v)
{
	if (!v->sdei)
		return;
	kfree(v->sdei->pe.private);
	kfree(v->sdei->words);
	kfree(v->sdei);
	v->sdei = NULL;
}

/* ---- power ---- */

static void pe_reset(struct vcpu *v)
{
	struct sdei *s = v->vm->sdei;
	u64 flags = spin_lock_irqsave(&s->lock);

	sdei_window_close(v->sdei);
	sdei_pe_reset(&v->sdei->pe);
	spin_unlock_irqrestore(&s->lock, flags);
}

void sdei_cpu_off(struct vcpu *v)
{
	if (v->sdei)
		pe_reset(v);
}

void sdei_cpu_on(struct vcpu *v)
{
	if (v->sdei)
		pe_reset(v);
}

/* The ranks were right when somebody chose it: it is behind all who are in KVM_RUN now. */
void sdei_left(struct vcpu *v)
{
	struct sdei *s = v->vm->sdei;
	u64 flags;

	if (!v->sdei)
		return;
	flags = spin_lock_irqsave(&s->lock);
	sdei_offer(&s->m);
	spin_unlock_irqrestore(&s->lock, flags);
}

void sdei_system_suspend(struct vcpu *v)
{
	if (!v->sdei)
		return;
	v->sdei->pe.suspended = true;
	v->sdei->pe.suspend_pc = v->regs.pc & ~3UL;
	__atomic_fetch_or(&v->requests, REQ_SDEI, __ATOMIC_SEQ_CST);
}

void sdei_system_reset(struct vm *vm)
{
	struct sdei *s = vm->sdei;
	unsigned i;
	u64 flags;

	if (!s)
		return;
	/* One PE after the other, each as if switched off: interrupts are not masked for all of them. */
	for (i = 0; i < READ_ONCE(s->m.nr_pes); i++) {
		flags = spin_lock_irqsave(&s->lock);
		sdei_pe_reset(s->m.pes[i]);
		spin_unlock_irqrestore(&s->lock, flags);
	}
	flags = spin_lock_irqsave(&s->lock);
	sdei_shared_reset(&s->m);
	spin_unlock_irqrestore(&s->lock, flags);
}

void sdei_interrupt(struct vm *vm, struct vcpu *v, u32 intid)
{
	struct sdei *s = rcu_deref(vm->sdei);
	u64 flags;
	int e;

	if (!s)
		return;
	flags = spin_lock_irqsave(&s->lock);
	e = sdei_event_of_irq(&s->m, intid);
	if (e >= 0 && s->m.nr_pes)
		sdei_notify(v ? &v->sdei->pe : s->m.pes[0], e);
	spin_unlock_irqrestore(&s->lock, flags);
}
