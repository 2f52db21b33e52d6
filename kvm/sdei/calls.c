// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls that a guest makes, as far as they are arguments and state: checks in the order of the specification's
 * reference implementation (arguments, event number, state), then the change. Pure logic; the VM's lock is held.
 * Arm DEN0054, chapter 5. Which way the doubtful facts went: docs/abi/sdei.md.
 */
#include "kvm/sdei/model.h"

#define FLAG_RM_PE	BIT(0)
#define FLAG_RELATIVE	BIT(1)

#define VENDOR		0x4e42UL	/* "NB" */
#define VERSION(minor, vendor) (1L << 48 | (s64)(minor) << 32 | (s64)(vendor))

enum { INFO_TYPE, INFO_SIGNALED, INFO_PRIORITY, INFO_ROUTING_MODE, INFO_ROUTING_AFF };
enum { FEATURE_BIND_SLOTS, FEATURE_RELATIVE };

s64 sdei_version(const struct sdei_vm *vm)
{
	return vm->strict ? VERSION(0, 0) : VERSION(1, VENDOR);
}

s64 sdei_features(const struct sdei_vm *vm, u64 feature)
{
	unsigned e, slots[2] = { 0, 0 };

	switch (feature) {
	case FEATURE_BIND_SLOTS:
		for (e = 0; e < sdei_nr_events(vm); e++)
			slots[sdei_is_shared(vm, e)] += vm->event[e].dynamic;
		return slots[0] | (s64)slots[1] << 16;
	case FEATURE_RELATIVE:
		return vm->strict ? SDEI_INVALID : 1;
	default:
		return SDEI_INVALID;
	}
}

static s64 register_interrupt(struct sdei_pe *pe, int e)
{
	struct sdei_vm *vm = pe->vm;
	bool shared = sdei_is_shared(vm, e);
	s64 ret;

	if (!vm->event[e].intid)
		return SDEI_SUCCESS;
	ret = vm->ops->irq_claim(vm, shared ? NULL : pe, vm->event[e].intid);
	if (ret)
		return ret;
	if (shared)
		vm->nbound++;
	else
		pe->nbound++;
	return SDEI_SUCCESS;
}

s64 sdei_event_register(struct sdei_pe *pe, u32 num, u64 entry, u64 arg, u64 flags, u64 affinity)
{
	struct sdei_vm *vm = pe->vm;
	struct sdei_handler *h;
	bool shared;
	s64 ret;
	int e;

	if (!entry || entry % 4 || (flags & ~(vm->strict ? FLAG_RM_PE : FLAG_RM_PE | FLAG_RELATIVE)))
		return SDEI_INVALID;
	e = sdei_event_find(vm, num);
	if (e < 0)
		return SDEI_INVALID;
	shared = sdei_is_shared(vm, e);
	if (shared && (flags & FLAG_RM_PE) && !sdei_pe_find(vm, affinity))
		return SDEI_INVALID;
	h = sdei_handler(pe, e);
	if (h->registered || sdei_running(pe, e))
		return SDEI_DENIED;
	ret = register_interrupt(pe, e);
	if (ret)
		return ret;
	*h = (struct sdei_handler){
		.registered = true, .entry = entry, .arg = arg, .relative = flags & FLAG_RELATIVE,
		.rm_pe = shared && (flags & FLAG_RM_PE),
	};
	if (h->rm_pe)
		h->affinity = affinity;
	vm->event[e].users++;
	return SDEI_SUCCESS;
}

/* The handler of a registered event; NULL and why in *err. */
static struct sdei_handler *registered(struct sdei_pe *pe, u32 num, int *e, s64 *err)
{
	struct sdei_handler *h;

	*e = sdei_event_find(pe->vm, num);
	*err = SDEI_INVALID;
	if (*e < 0)
		return NULL;
	h = sdei_handler(pe, *e);
	*err = h->registered ? SDEI_SUCCESS : SDEI_DENIED;
	return h->registered ? h : NULL;
}

s64 sdei_event_enable(struct sdei_pe *pe, u32 num)
{
	struct sdei_handler *h;
	s64 err;
	int e;

	h = registered(pe, num, &e, &err);
	if (!h)
		return err;
	h->enabled = true;
	sdei_notify(pe, e);
	return SDEI_SUCCESS;
}

s64 sdei_event_disable(struct sdei_pe *pe, u32 num)
{
	struct sdei_handler *h;
	s64 err;
	int e;

	h = registered(pe, num, &e, &err);
	if (h)
		h->enabled = false;
	return err;
}

s64 sdei_event_status(struct sdei_pe *pe, u32 num)
{
	int e = sdei_event_find(pe->vm, num);
	const struct sdei_handler *h;

	if (e < 0)
		return SDEI_INVALID;
	h = sdei_handler(pe, e);
	return (h->registered ? SDEI_STATUS_REGISTERED : 0) | (h->enabled ? SDEI_STATUS_ENABLED : 0) |
	       (sdei_running(pe, e) ? SDEI_STATUS_RUNNING : 0);
}

s64 sdei_event_get_info(struct sdei_pe *pe, u32 num, u64 info)
{
	int e = sdei_event_find(pe->vm, num);
	const struct sdei_handler *h;
	bool shared;

	if (e < 0 || info > INFO_ROUTING_AFF)
		return SDEI_INVALID;
	shared = sdei_is_shared(pe->vm, e);
	h = sdei_handler(pe, e);
	switch (info) {
	case INFO_TYPE:
		return shared;
	case INFO_SIGNALED:
		/* Only event 0 can be signalled. Firmware of real machines answers the other way round. */
		return !num != pe->vm->strict;
	case INFO_PRIORITY:
		return pe->vm->event[e].critical;
	}
	if (!shared)
		return SDEI_INVALID;
	if (!h->registered)
		return SDEI_DENIED;
	if (info == INFO_ROUTING_MODE)
		return h->rm_pe;
	return h->rm_pe ? (s64)h->affinity : SDEI_INVALID;
}

s64 sdei_routing_set(struct sdei_pe *pe, u32 num, u64 mode, u64 affinity)
{
	struct sdei_handler *h;
	int e = sdei_event_find(pe->vm, num);

	if (e < 0 || !sdei_is_shared(pe->vm, e) || mode > 1 || (mode && !sdei_pe_find(pe->vm, affinity)))
		return SDEI_INVALID;
	h = sdei_handler(pe, e);
	if (!h->registered || h->enabled || sdei_running(pe, e))
		return SDEI_DENIED;
	h->rm_pe = mode;
	h->affinity = mode ? affinity : 0;
	return SDEI_SUCCESS;
}

s64 sdei_event_signal(struct sdei_pe *pe, u32 num, u64 affinity)
{
	struct sdei_pe *target = sdei_pe_find(pe->vm, affinity);
	const struct sdei_handler *h;
	int e;

	if (num || !target)
		return SDEI_INVALID;
	e = sdei_event_find(pe->vm, 0);
	h = sdei_handler(target, e);
	if (!h->registered || !pe->vm->ops->online(target))
		return SDEI_INVALID;
	if (pe->vm->strict && (target->masked || !h->enabled))
		return SDEI_INVALID;
	sdei_trigger(target, e);
	return SDEI_SUCCESS;
}

s64 sdei_interrupt_bind(struct sdei_pe *pe, u32 intid)
{
	struct sdei_vm *vm = pe->vm;
	unsigned i, first = intid < 32 ? 0 : vm->nr_private, n = intid < 32 ? vm->nr_private : vm->nr_shared;
	int e, found = SDEI_NO_EVENT;

	if (intid < 16 || !vm->ops->irq_exists(vm, intid))
		return SDEI_INVALID;
	e = sdei_event_of_irq(vm, intid);
	if (e >= 0)
		return vm->event[e].dynamic ? (s64)vm->event[e].num : SDEI_INVALID;
	for (i = first; i < first + n; i++) {
		if (!vm->event[i].dynamic || vm->event[i].intid)
			continue;
		if (found < 0 || vm->event[i].num < vm->event[found].num)
			found = i;
	}
	if (found < 0)
		return SDEI_OUT_OF_RESOURCE;
	vm->event[found].intid = intid;
	return vm->event[found].num;
}

s64 sdei_interrupt_release(struct sdei_pe *pe, u32 num)
{
	int e = sdei_event_find(pe->vm, num);

	if (e < 0 || !pe->vm->event[e].dynamic)
		return SDEI_INVALID;
	if (pe->vm->event[e].users)
		return SDEI_DENIED;
	pe->vm->event[e].intid = 0;
	return SDEI_SUCCESS;
}

s64 sdei_pe_mask(struct sdei_pe *pe)
{
	bool was = pe->masked;

	pe->masked = true;
	if (!was)
		sdei_offer(pe->vm);
	return !was;
}

s64 sdei_pe_unmask(struct sdei_pe *pe)
{
	pe->masked = false;
	sdei_reevaluate(pe);
	return SDEI_SUCCESS;
}

s64 sdei_event_context(const struct sdei_pe *pe, u64 reg, u64 *val)
{
	int level = sdei_level(pe);

	if (reg >= SDEI_GPRS)
		return SDEI_INVALID;
	if (level < 0)
		return SDEI_DENIED;
	*val = pe->ctx[level].x[reg];
	return SDEI_SUCCESS;
}

s64 sdei_complete_check(const struct sdei_pe *pe, bool resume, u64 pc)
{
	int level = sdei_level(pe);

	if (level < 0 || (resume && (!pc || pc % 4)))
		return SDEI_DENIED;
	return level;
}
