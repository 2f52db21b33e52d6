// SPDX-License-Identifier: GPL-2.0-only
/*
 * SDEI's state machine: who may start what, and what starting and ending a handler means. Pure logic; the VM's lock is
 * held by the callers. Arm DEN0054, handler states and dispatch.
 */
#include "kvm/sdei/model.h"

int sdei_event_find(const struct sdei_vm *vm, u32 num)
{
	unsigned e;

	for (e = 0; e < sdei_nr_events(vm); e++)
		if (vm->event[e].num == num)
			return vm->event[e].dynamic && !vm->event[e].intid ? SDEI_NO_EVENT : (int)e;
	return SDEI_NO_EVENT;
}

int sdei_event_of_irq(const struct sdei_vm *vm, u32 intid)
{
	unsigned e;

	for (e = 0; intid && e < sdei_nr_events(vm); e++)
		if (vm->event[e].intid == intid)
			return e;
	return SDEI_NO_EVENT;
}

/* Where it is if vCPUs have the affinities that they get by number, and were made in that order. */
static inline unsigned pe_guess(u64 affinity)
{
	return (affinity & 0xf) | (affinity >> 8 & 0xff) << 4 | (affinity >> 16 & 0xff) << 12;
}

struct sdei_pe *sdei_pe_find(const struct sdei_vm *vm, u64 affinity)
{
	unsigned i = pe_guess(affinity);

	if (likely(i < vm->nr_pes && vm->pes[i]->mpidr == affinity))
		return vm->pes[i];
	for (i = 0; i < vm->nr_pes; i++)
		if (vm->pes[i]->mpidr == affinity)
			return vm->pes[i];
	return NULL;
}

static inline bool running(const struct sdei_pe *pe, int e)
{
	const struct sdei_vm *vm = pe->vm;

	if (sdei_is_shared(vm, e))
		return vm->shared[e - vm->nr_private].owner || vm->shared[e - vm->nr_private].orphan;
	return pe->ctx[vm->event[e].critical ? SDEI_CRITICAL : SDEI_NORMAL].event == e;
}

bool sdei_running(const struct sdei_pe *pe, int e)
{
	return running(pe, e);
}

/* Whose interrupt it is: the PE's for a PPI, nobody's for an SPI. */
static inline struct sdei_pe *irq_pe(struct sdei_pe *pe, int e)
{
	return sdei_is_shared(pe->vm, e) ? NULL : pe;
}

static inline bool is_pending(struct sdei_pe *pe, int e)
{
	const struct sdei_event *ev = &pe->vm->event[e];

	return ev->intid ? pe->vm->ops->irq_pending(pe->vm, irq_pe(pe, e), ev->intid) : sdei_handler(pe, e)->pending;
}

static inline enum sdei_level level_of(const struct sdei_vm *vm, int e)
{
	return vm->event[e].critical ? SDEI_CRITICAL : SDEI_NORMAL;
}

/* May a handler of this priority start on pe? */
static inline bool takes(const struct sdei_pe *pe, enum sdei_level level)
{
	if (pe->masked || pe->ctx[SDEI_CRITICAL].event >= 0)
		return false;
	if (level == SDEI_NORMAL && pe->ctx[SDEI_NORMAL].event >= 0)
		return false;
	return pe->vm->ops->online(pe);
}

static inline bool could_start(struct sdei_pe *pe, int e)
{
	const struct sdei_handler *h = sdei_handler(pe, e);

	if (!h->registered || !h->enabled || running(pe, e))
		return false;
	if (h->rm_pe && h->affinity != pe->mpidr)
		return false;
	return takes(pe, level_of(pe->vm, e));
}

bool sdei_could_start(struct sdei_pe *pe, int e)
{
	return could_start(pe, e);
}

bool sdei_deliverable(struct sdei_pe *pe, int e)
{
	return could_start(pe, e) && is_pending(pe, e);	/* asking the interrupt controller comes last */
}

/* Critical before normal, then the smaller number. */
static bool goes_before(const struct sdei_event *a, const struct sdei_event *b)
{
	return a->critical != b->critical ? a->critical : a->num < b->num;
}

int sdei_next(struct sdei_pe *pe)
{
	struct sdei_vm *vm = pe->vm;
	int e, best = SDEI_NO_EVENT;

	if (pe->masked || !(pe->npending | pe->nbound | vm->npending | vm->nbound))
		return SDEI_NO_EVENT;
	for (e = 0; e < (int)sdei_nr_events(vm); e++)
		if ((best < 0 || goes_before(&vm->event[e], &vm->event[best])) && sdei_deliverable(pe, e))
			best = e;
	return best;
}

static inline void pending_set(struct sdei_pe *pe, int e, bool on)
{
	struct sdei_handler *h = sdei_handler(pe, e);
	unsigned *count = sdei_is_shared(pe->vm, e) ? &pe->vm->npending : &pe->npending;

	if (h->pending == on)
		return;
	h->pending = on;
	*count += on ? 1 : -1;
}

int sdei_take(struct sdei_pe *pe)
{
	struct sdei_vm *vm = pe->vm;
	int e = sdei_next(pe);
	const struct sdei_event *ev;
	int level;

	if (e < 0)
		return -1;
	ev = &vm->event[e];
	level = ev->critical ? SDEI_CRITICAL : SDEI_NORMAL;
	if (ev->intid)
		vm->ops->irq_begin(vm, irq_pe(pe, e), ev->intid);
	else
		pending_set(pe, e, false);
	pe->ctx[level].event = e;
	if (sdei_is_shared(vm, e))
		vm->shared[e - vm->nr_private].owner = pe;
	sdei_offer(vm);		/* others that had been offered to this PE */
	return level;
}

/* It is not registered and does not run any more: its interrupt is the guest's again. */
static void let_go(struct sdei_pe *pe, int e)
{
	struct sdei_vm *vm = pe->vm;
	struct sdei_event *ev = &vm->event[e];

	ev->users--;
	if (!ev->intid)
		return;
	if (sdei_is_shared(vm, e))
		vm->nbound--;
	else
		pe->nbound--;
	vm->ops->irq_release(vm, irq_pe(pe, e), ev->intid);
}

static void stop_running(struct sdei_pe *pe, int level)
{
	struct sdei_vm *vm = pe->vm;
	int e = pe->ctx[level].event;

	pe->ctx[level].event = SDEI_NO_EVENT;
	if (sdei_is_shared(vm, e))
		vm->shared[e - vm->nr_private].owner = NULL;
	if (vm->event[e].intid)
		vm->ops->irq_end(vm, irq_pe(pe, e), vm->event[e].intid);
	if (!sdei_handler(pe, e)->registered)
		let_go(pe, e);
}

void sdei_finish(struct sdei_pe *pe, int level)
{
	int e = pe->ctx[level].event;

	stop_running(pe, level);
	sdei_reevaluate(pe);
	/* Triggered again meanwhile, and perhaps another PE is a better place now. */
	if (sdei_is_shared(pe->vm, e))
		sdei_notify(pe, e);
}

void sdei_trigger(struct sdei_pe *pe, int e)
{
	if (!sdei_handler(pe, e)->registered)
		return;
	pending_set(pe, e, true);
	sdei_notify(pe, e);
}

bool sdei_cancel(struct sdei_pe *pe, int e)
{
	bool was = sdei_handler(pe, e)->pending;

	pending_set(pe, e, false);
	return was;
}

/*
 * Shared events for any PE wait, of these priorities. Among those who may take one: kick the one that gets there first; the
 * others look when they come by, should that one not. It is the same for all events of a priority.
 */
static void offer(struct sdei_vm *vm, const bool waits[SDEI_LEVELS])
{
	struct sdei_pe *best[SDEI_LEVELS] = { NULL, NULL };
	unsigned i, rank, best_rank[SDEI_LEVELS] = { ~0U, ~0U };
	int level;

	for (i = 0; i < vm->nr_pes; i++) {
		struct sdei_pe *pe = vm->pes[i];
		bool may[SDEI_LEVELS];

		may[SDEI_CRITICAL] = waits[SDEI_CRITICAL] && takes(pe, SDEI_CRITICAL);
		may[SDEI_NORMAL] = waits[SDEI_NORMAL] && takes(pe, SDEI_NORMAL);
		if (!may[SDEI_CRITICAL] && !may[SDEI_NORMAL])
			continue;
		vm->ops->kick(pe, false);
		rank = vm->ops->rank(pe);
		for (level = 0; level < SDEI_LEVELS; level++) {
			if (!may[level] || rank >= best_rank[level])
				continue;
			best[level] = pe;
			best_rank[level] = rank;
		}
	}
	for (level = 0; level < SDEI_LEVELS; level++)
		if (best[level])
			vm->ops->kick(best[level], true);
}

void sdei_notify(struct sdei_pe *pe, int e)
{
	struct sdei_vm *vm = pe->vm;
	struct sdei_handler *h = sdei_handler(pe, e);
	bool waits[SDEI_LEVELS] = { false, false };

	if (!h->registered || !h->enabled || running(pe, e) || !is_pending(pe, e))
		return;
	if (sdei_is_shared(vm, e) && !h->rm_pe) {
		waits[level_of(vm, e)] = true;
		offer(vm, waits);
		return;
	}
	if (h->rm_pe)
		pe = sdei_pe_find(vm, h->affinity);
	if (pe && could_start(pe, e))
		vm->ops->kick(pe, true);
}

void sdei_reevaluate(struct sdei_pe *pe)
{
	if (sdei_next(pe) >= 0)
		pe->vm->ops->kick(pe, true);
}

/* First which events, then which PEs: never each with each. */
void sdei_offer(struct sdei_vm *vm)
{
	bool waits[SDEI_LEVELS] = { false, false };
	unsigned i;

	if (!(vm->npending | vm->nbound) || !vm->nr_pes)
		return;
	for (i = 0; i < vm->nr_shared; i++) {
		const struct sdei_handler *h = &vm->shared[i].h;
		int e = vm->nr_private + i;
		bool *w = &waits[level_of(vm, e)];

		if (!*w && h->registered && h->enabled && !h->rm_pe && !running(vm->pes[0], e))
			*w = is_pending(vm->pes[0], e);
	}
	if (waits[SDEI_NORMAL] || waits[SDEI_CRITICAL])
		offer(vm, waits);
}

/* Registered or not, running or not: what UNREGISTER leaves. true: it runs. */
static bool unregister(struct sdei_pe *pe, int e)
{
	struct sdei_handler *h = sdei_handler(pe, e);
	bool was = h->registered, runs = sdei_running(pe, e);

	pending_set(pe, e, false);
	*h = (struct sdei_handler){ 0 };
	if (was && !runs)
		let_go(pe, e);
	return runs;
}

s64 sdei_event_unregister(struct sdei_pe *pe, u32 num)
{
	int e = sdei_event_find(pe->vm, num);

	if (e < 0)
		return SDEI_INVALID;
	if (!sdei_handler(pe, e)->registered)
		return sdei_running(pe, e) ? SDEI_PENDING : SDEI_DENIED;
	return unregister(pe, e) ? SDEI_PENDING : SDEI_SUCCESS;
}

s64 sdei_private_reset(struct sdei_pe *pe)
{
	bool runs = false;
	unsigned e;

	for (e = 0; e < pe->vm->nr_private; e++)
		runs |= unregister(pe, e);
	return runs ? SDEI_DENIED : SDEI_SUCCESS;
}

s64 sdei_shared_reset_call(struct sdei_pe *pe)
{
	struct sdei_vm *vm = pe->vm;
	bool denied = false;
	unsigned e;

	for (e = vm->nr_private; e < sdei_nr_events(vm); e++)
		denied |= unregister(pe, e);
	if (denied)
		return SDEI_DENIED;
	/* Bindings of private events too: one that some PE still has registered stays. */
	for (e = 0; e < sdei_nr_events(vm); e++) {
		if (!vm->event[e].dynamic || !vm->event[e].intid)
			continue;
		if (vm->event[e].users)
			denied = true;
		else
			vm->event[e].intid = 0;
	}
	return denied ? SDEI_DENIED : SDEI_SUCCESS;
}

void sdei_pe_init(struct sdei_pe *pe)
{
	pe->masked = true;
	pe->ctx[SDEI_NORMAL].event = pe->ctx[SDEI_CRITICAL].event = SDEI_NO_EVENT;
}

void sdei_pe_reset(struct sdei_pe *pe)
{
	int level;
	unsigned e;

	pe->masked = true;
	for (level = SDEI_LEVELS - 1; level >= 0; level--)
		if (pe->ctx[level].event >= 0)
			stop_running(pe, level);
	for (e = 0; e < pe->vm->nr_private; e++)
		(void)unregister(pe, e);
	sdei_offer(pe->vm);
}

void sdei_shared_reset(struct sdei_vm *vm)
{
	unsigned i;

	for (i = 0; i < vm->nr_shared && vm->nr_pes; i++) {
		bool last_use = vm->shared[i].orphan && !vm->shared[i].h.registered;

		vm->shared[i].orphan = false;
		if (last_use)
			let_go(vm->pes[0], vm->nr_private + i);
		(void)unregister(vm->pes[0], vm->nr_private + i);
	}
	for (i = 0; i < sdei_nr_events(vm); i++)
		if (vm->event[i].dynamic && !vm->event[i].users)
			vm->event[i].intid = 0;
}

/* Contexts of pe against what they name. */
static const char *check_contexts(struct sdei_pe *pe)
{
	struct sdei_vm *vm = pe->vm;
	int level;

	for (level = 0; level < SDEI_LEVELS; level++) {
		int e = pe->ctx[level].event;

		if (e < 0)
			continue;
		if (e >= (int)sdei_nr_events(vm))
			return "a context names no event";
		if (vm->event[e].critical != (level == SDEI_CRITICAL))
			return "an event runs at the other priority's level";
		if (sdei_is_shared(vm, e) && vm->shared[e - vm->nr_private].owner != pe)
			return "a shared event runs on a PE that does not own it";
	}
	return NULL;
}

const char *sdei_check(struct sdei_vm *vm)
{
	unsigned i, e, pending, bound, users;

	for (i = 0; i < vm->nr_pes; i++) {
		struct sdei_pe *pe = vm->pes[i];
		const char *bad = check_contexts(pe);

		if (bad)
			return bad;
		for (e = pending = bound = 0; e < vm->nr_private; e++) {
			const struct sdei_handler *h = &pe->private[e];

			pending += h->pending;
			bound += vm->event[e].intid && (h->registered || sdei_running(pe, e));
			if ((h->enabled || h->pending) && !h->registered)
				return "a private event is enabled or pending but not registered";
		}
		if (pending != pe->npending || bound != pe->nbound)
			return "a PE's counts are wrong";
	}
	for (i = pending = bound = 0; i < vm->nr_shared; i++) {
		const struct sdei_shared *s = &vm->shared[i];

		e = vm->nr_private + i;
		pending += s->h.pending;
		bound += vm->event[e].intid && (s->h.registered || s->owner || s->orphan);
		if ((s->h.enabled || s->h.pending) && !s->h.registered)
			return "a shared event is enabled or pending but not registered";
		if (s->owner && s->owner->ctx[vm->event[e].critical].event != (int)e)
			return "a shared event's owner does not run it";
	}
	if (pending != vm->npending || bound != vm->nbound)
		return "the counts of shared events are wrong";
	for (e = 0; e < sdei_nr_events(vm); e++) {
		for (i = users = 0; i < (sdei_is_shared(vm, e) ? 1 : vm->nr_pes); i++)
			users += sdei_handler(vm->pes[i], e)->registered || sdei_running(vm->pes[i], e);
		if (users != vm->event[e].users)
			return "an event's users are miscounted";
	}
	return NULL;
}
