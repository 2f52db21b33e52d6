// SPDX-License-Identifier: GPL-2.0-only
/* SDEI's state to and from registers; see codec.h. */
#ifdef NATIVE
#include <errno.h>
#else
#include <linux/errno.h>
#endif

#include "kvm/sdei/codec.h"

#define LAYOUT_1	1UL

#define ST_REGISTERED	BIT(0)
#define ST_ENABLED	BIT(1)
#define ST_RUNNING	BIT(2)
#define ST_PENDING	BIT(3)
#define ST_RM_PE	BIT(4)
#define ST_RELATIVE	BIT(5)
#define ST_RAISED	BIT(63)		/* in images only: since the VMM read what it writes */
#define ST_CANCELLED	BIT(62)
#define ST_PRIVATE_BITS	(ST_REGISTERED | ST_ENABLED | ST_RUNNING | ST_PENDING | ST_RELATIVE)
#define ST_SHARED_BITS	(ST_PRIVATE_BITS | ST_RM_PE)

#define ID_SHARED	BIT(32)
#define ID_CRITICAL	BIT(33)
#define ID_SIGNALABLE	BIT(34)
#define ID_BOUND	BIT(35)
#define ID_DYNAMIC	BIT(36)
#define ID_INTID_SHIFT	40

#define HDR_VALID	BIT(63)
#define SUSPEND_VALID	BIT(0)
#define FIXED_REGS	4	/* LAYOUT, SLOTS, PE, SUSPEND */

enum kind { K_NONE, K_LAYOUT, K_SLOTS, K_PE, K_SUSPEND, K_IDENT, K_STATE, K_ENTRY, K_ARG, K_AFFINITY, K_HDR, K_PC, K_PSTATE, K_X };

struct reg {
	enum kind kind;
	int event;		/* of slots */
	unsigned level, x;	/* of contexts */
	struct sdei_reg_place place;
};

static const enum kind slot_kinds[] = { K_IDENT, K_STATE, K_ENTRY, K_ARG, K_AFFINITY };

static struct reg slot_reg(const struct sdei_vm *vm, unsigned slot, unsigned w, bool shared)
{
	struct reg r = { .kind = K_NONE };

	if (slot >= (shared ? vm->nr_shared : vm->nr_private) || w > (shared ? SDEI_W_AFFINITY : SDEI_W_ARG))
		return r;
	r.kind = slot_kinds[w];
	r.event = slot + (shared ? vm->nr_private : 0);
	r.place.in_vm = shared || w == SDEI_W_IDENT;
	if (shared)
		r.place.at = vm->nr_private + slot * 5 + w;
	else if (w == SDEI_W_IDENT)
		r.place.at = slot;
	else
		r.place.at = 2 + slot * 3 + w - 1;
	return r;
}

static struct reg context_reg(const struct sdei_vm *vm, unsigned rest)
{
	struct reg r = { .kind = K_NONE, .level = rest >> 5 };
	unsigned i = rest & 31;

	if (r.level >= SDEI_LEVELS || i >= SDEI_CTX_WORDS)
		return r;
	r.kind = i > 2 ? K_X : i == 2 ? K_PSTATE : i == 1 ? K_PC : K_HDR;
	r.x = i > 2 ? i - 3 : 0;
	r.place.at = 2 + 3 * vm->nr_private + r.level * SDEI_CTX_WORDS + i;
	return r;
}

static struct reg reg_find(const struct sdei_vm *vm, u16 index)
{
	static const enum kind first[FIXED_REGS] = { K_LAYOUT, K_SLOTS, K_PE, K_SUSPEND };
	unsigned rest = index & 0x3fff;
	struct reg r = { .kind = K_NONE };

	switch (SDEI_REG_CLASS(index)) {
	case 0:
		if (rest >= FIXED_REGS)
			return r;
		r.kind = first[rest];
		r.place.fixed = rest < SDEI_REG_PE;
		r.place.at = rest == SDEI_REG_SUSPEND;
		return r;
	case 1:
		return slot_reg(vm, rest >> 3, rest & 7, false);
	case 2:
		return slot_reg(vm, rest >> 3, rest & 7, true);
	default:
		return context_reg(vm, rest);
	}
}

unsigned sdei_state_at(const struct sdei_vm *vm, int e)
{
	bool shared = sdei_is_shared(vm, e);

	return slot_reg(vm, e - (shared ? vm->nr_private : 0), SDEI_W_STATE, shared).place.at;
}

u16 sdei_reg_index(const struct sdei_vm *vm, unsigned n)
{
	if (n < FIXED_REGS)
		return n;
	n -= FIXED_REGS;
	if (n < 4 * vm->nr_private)
		return SDEI_REG_PRIVATE(n / 4, n % 4);
	n -= 4 * vm->nr_private;
	if (n < 5 * vm->nr_shared)
		return SDEI_REG_SHARED(n / 5, n % 5);
	n -= 5 * vm->nr_shared;
	return SDEI_REG_CONTEXT(n / SDEI_CTX_WORDS, n % SDEI_CTX_WORDS);
}

/* ---- live state as values ---- */

static u64 ident_value(const struct sdei_vm *vm, int e)
{
	const struct sdei_event *ev = &vm->event[e];

	return ev->num | (sdei_is_shared(vm, e) ? ID_SHARED : 0) | (ev->critical ? ID_CRITICAL : 0) |
	       (ev->num ? 0 : ID_SIGNALABLE) | (ev->intid ? ID_BOUND : 0) | (ev->dynamic ? ID_DYNAMIC : 0) |
	       (u64)ev->intid << ID_INTID_SHIFT;
}

static u64 state_value(struct sdei_pe *pe, int e)
{
	const struct sdei_handler *h = sdei_handler(pe, e);

	return (h->registered ? ST_REGISTERED : 0) | (h->enabled ? ST_ENABLED : 0) |
	       (sdei_running(pe, e) ? ST_RUNNING : 0) | (h->pending ? ST_PENDING : 0) |
	       (h->rm_pe ? ST_RM_PE : 0) | (h->relative ? ST_RELATIVE : 0);
}

static u64 slots_value(const struct sdei_vm *vm)
{
	u64 dyn[2] = { 0, 0 };
	unsigned e;

	for (e = 0; e < sdei_nr_events(vm); e++)
		dyn[sdei_is_shared(vm, e)] += vm->event[e].dynamic;
	return vm->nr_private | (u64)vm->nr_shared << 16 | dyn[0] << 32 | dyn[1] << 48;
}

static u64 context_value(const struct sdei_pe *pe, const struct reg *r)
{
	const struct sdei_context *c = &pe->ctx[r->level];

	if (c->event < 0)
		return 0;
	switch (r->kind) {
	case K_HDR:
		return HDR_VALID | pe->vm->event[c->event].num;
	case K_PC:
		return c->pc;
	case K_PSTATE:
		return c->pstate;
	default:
		return c->x[r->x];
	}
}

static u64 reg_value(struct sdei_pe *pe, const struct reg *r)
{
	switch (r->kind) {
	case K_LAYOUT:
		return LAYOUT_1;
	case K_SLOTS:
		return slots_value(pe->vm);
	case K_PE:
		return pe->masked;
	case K_SUSPEND:
		return pe->suspended ? pe->suspend_pc | SUSPEND_VALID : 0;
	case K_IDENT:
		return ident_value(pe->vm, r->event);
	case K_STATE:
		return state_value(pe, r->event);
	case K_ENTRY:
		return sdei_handler(pe, r->event)->entry;
	case K_ARG:
		return sdei_handler(pe, r->event)->arg;
	case K_AFFINITY:
		return sdei_handler(pe, r->event)->affinity;
	default:
		return context_value(pe, r);
	}
}

bool sdei_reg_read(struct sdei_pe *pe, u16 index, u64 *val)
{
	struct reg r = reg_find(pe->vm, index);

	if (r.kind == K_NONE)
		return false;
	*val = reg_value(pe, &r);
	return true;
}

static void image_fill(struct sdei_pe *pe, u64 *words, bool of_vm)
{
	unsigned n;

	for (n = 0; n < sdei_reg_count(pe->vm); n++) {
		struct reg r = reg_find(pe->vm, sdei_reg_index(pe->vm, n));

		if (!r.place.fixed && r.place.in_vm == of_vm)
			words[r.place.at] = reg_value(pe, &r);
	}
}

void sdei_pe_image_fill(struct sdei_pe *pe, u64 *words)
{
	image_fill(pe, words, false);
}

void sdei_vm_image_fill(struct sdei_vm *vm, u64 *words)
{
	image_fill(vm->pes[0], words, true);
}

/* ---- values one by one ---- */

static int state_check(const struct sdei_vm *vm, int e, u64 val)
{
	const struct sdei_event *ev = &vm->event[e];

	if (val & ~(sdei_is_shared(vm, e) ? ST_SHARED_BITS : ST_PRIVATE_BITS))
		return -EINVAL;
	if (!(val & ST_REGISTERED) && (val & ~ST_RUNNING))
		return -EINVAL;
	return (val & ST_PENDING) && ev->intid && !ev->dynamic ? -EINVAL : 0;
}

/* A dynamic slot may say which interrupt it is bound to: one of its kind, or none. */
static int ident_check(const struct sdei_vm *vm, int e, u64 val)
{
	struct sdei_event ev = vm->event[e];
	u64 intid = val >> ID_INTID_SHIFT;
	bool shared = sdei_is_shared(vm, e);

	if (!ev.dynamic)
		return val == ident_value(vm, e) ? 0 : -EINVAL;
	ev.intid = 0;
	if ((val & (ID_DYNAMIC | GENMASK(31, 0))) != (ID_DYNAMIC | ev.num) || !(val & ID_SHARED) == shared ||
	    (val & (ID_CRITICAL | ID_SIGNALABLE | BIT(37) | BIT(38) | BIT(39))))
		return -EINVAL;
	if (!(val & ID_BOUND))
		return intid ? -EINVAL : 0;
	if (intid < 16 || intid > 0xffff || (intid >= 32) != shared || !vm->ops->irq_exists((struct sdei_vm *)vm, intid))
		return -EINVAL;
	return 0;
}

int sdei_reg_check(struct sdei_pe *pe, u16 index, u64 val, struct sdei_reg_place *place)
{
	struct sdei_vm *vm = pe->vm;
	struct reg r = reg_find(vm, index);

	if (r.kind == K_NONE)
		return -ENOENT;
	*place = r.place;
	switch (r.kind) {
	case K_LAYOUT:
	case K_SLOTS:
		return val == reg_value(pe, &r) ? 0 : -EINVAL;
	case K_PE:
		return val & ~1UL ? -EINVAL : 0;
	case K_SUSPEND:
		return (val & 2) || (val && !(val & SUSPEND_VALID)) ? -EINVAL : 0;
	case K_IDENT:
		return ident_check(vm, r.event, val);
	case K_STATE:
		return state_check(vm, r.event, val);
	case K_AFFINITY:
		return val & ~SDEI_AFFINITY ? -EINVAL : 0;
	case K_HDR:
		return (val & ~(HDR_VALID | GENMASK(30, 0))) || (!(val & HDR_VALID) && val) ? -EINVAL : 0;
	default:
		return 0;
	}
}

/* ---- words of images ---- */

/* Whether an event pends that an image describes. What other vCPUs made pending meanwhile is not in the image. */
static bool image_pending(struct sdei_pe *pe, int e, u64 state)
{
	return (state & ST_REGISTERED) &&
	       ((state & ST_RAISED) || (state & (ST_PENDING | ST_CANCELLED)) == ST_PENDING || sdei_handler(pe, e)->pending);
}

u64 sdei_image_get(struct sdei_pe *pe, u16 index, u64 word)
{
	struct reg r = reg_find(pe->vm, index);
	bool pending;

	if (r.kind != K_STATE)
		return word;
	pending = image_pending(pe, r.event, word);
	return (word & ST_SHARED_BITS & ~ST_PENDING) | (pending ? ST_PENDING : 0);
}

u64 sdei_image_set(const struct sdei_vm *vm, u16 index, u64 word, u64 val)
{
	return reg_find(vm, index).kind == K_STATE ? val | (word & (ST_RAISED | ST_CANCELLED)) : val;
}

int sdei_image_raise(struct sdei_pe *pe, int e, u64 *state, enum sdei_raise how)
{
	bool was = image_pending(pe, e, *state);

	if (how == SDEI_CANCEL) {
		*state = (*state & ~ST_RAISED) | (was ? ST_CANCELLED : 0);
		(void)sdei_cancel(pe, e);
		return was ? 0 : -ENOENT;
	}
	if (!(*state & ST_REGISTERED))
		return -ENOENT;
	if (how == SDEI_RAISE_NOW)
		return -EBUSY;
	*state |= ST_RAISED;
	return 0;
}

/* ---- all of them together ---- */

/* The word of an image, by its register. */
static u64 word(const struct sdei_restore *r, u16 index)
{
	struct reg reg = reg_find(r->pe->vm, index);

	if (!reg.place.in_vm)
		return r->pe_words[reg.place.at];
	return r->vm_words ? r->vm_words[reg.place.at] : reg_value(r->pe, &reg);
}

static u16 slot_index(const struct sdei_vm *vm, int e, unsigned w)
{
	return sdei_is_shared(vm, e) ? SDEI_REG_SHARED(e - vm->nr_private, w) : SDEI_REG_PRIVATE(e, w);
}

static u32 restored_intid(const struct sdei_restore *r, int e)
{
	return word(r, slot_index(r->pe->vm, e, SDEI_W_IDENT)) >> ID_INTID_SHIFT;
}

static const char *check_slot(const struct sdei_restore *r, int e)
{
	struct sdei_vm *vm = r->pe->vm;
	u64 state = word(r, slot_index(vm, e, SDEI_W_STATE)), entry = word(r, slot_index(vm, e, SDEI_W_ENTRY));
	u32 intid = restored_intid(r, e);

	if (r->closed && ((state & (ST_REGISTERED | ST_RUNNING)) || (vm->event[e].dynamic && intid)))
		return "events of a guest that is not offered SDEI";
	if (vm->event[e].dynamic && !intid && state)
		return "a slot that is not bound is in use";
	if (intid && vm->event[e].dynamic && (!r->has_gic || !vm->ops->irq_exists(vm, intid)))
		return "bound to an interrupt that is not there";
	if (intid && (state & ST_PENDING))
		return "a bound event is pending by itself";
	if ((state & ST_REGISTERED) && (!entry || entry % 4))
		return "no usable entry point";
	if ((state & ST_RELATIVE) && vm->strict)
		return "a relative entry point where there are none";
	if ((state & ST_RM_PE) && !sdei_pe_find(vm, word(r, slot_index(vm, e, SDEI_W_AFFINITY))))
		return "routed to no PE";
	return NULL;
}

/* An interrupt belongs to one event. */
static const char *check_bindings(const struct sdei_restore *r)
{
	unsigned a, b, n = sdei_nr_events(r->pe->vm);

	for (a = 0; a < n; a++) {
		u32 intid = restored_intid(r, a);

		for (b = a + 1; intid && b < n; b++)
			if (restored_intid(r, b) == intid)
				return "two events are bound to one interrupt";
	}
	return NULL;
}

/* Which event a restored context names; -1: none. */
static int restored_event(const struct sdei_restore *r, unsigned level)
{
	const struct sdei_vm *vm = r->pe->vm;
	u64 hdr = word(r, SDEI_REG_CONTEXT(level, 0));
	unsigned e;

	if (!(hdr & HDR_VALID))
		return SDEI_NO_EVENT;
	for (e = 0; e < sdei_nr_events(vm); e++)
		if (vm->event[e].num == (u32)hdr)
			return e;
	return (int)sdei_nr_events(vm);
}

static const char *check_context(const struct sdei_restore *r, unsigned level)
{
	struct sdei_vm *vm = r->pe->vm;
	int e = restored_event(r, level);
	const struct sdei_shared *s;

	if (e < 0)
		return NULL;
	if (e >= (int)sdei_nr_events(vm) || vm->event[e].critical != (level == SDEI_CRITICAL))
		return "a context names no event of its priority";
	if (!(word(r, slot_index(vm, e, SDEI_W_STATE)) & ST_RUNNING))
		return "a context names an event that does not run";
	if (!r->pstate_ok(r->pe, word(r, SDEI_REG_CONTEXT(level, 2))))
		return "a context has an impossible PSTATE";
	if (!sdei_is_shared(vm, e) || r->vm_words)
		return NULL;
	s = &vm->shared[e - vm->nr_private];
	return s->orphan || s->owner == r->pe ? NULL : "a shared event runs on two PEs";
}

static bool has_context(const struct sdei_restore *r, int e)
{
	return restored_event(r, r->pe->vm->event[e].critical ? SDEI_CRITICAL : SDEI_NORMAL) == e;
}

const char *sdei_restore_check(const struct sdei_restore *r)
{
	struct sdei_vm *vm = r->pe->vm;
	const char *bad = NULL;
	unsigned e, level;

	if (r->vm_words)
		bad = check_bindings(r);
	for (e = 0; e < sdei_nr_events(vm) && !bad; e++) {
		bool shared = sdei_is_shared(vm, e);
		u64 state = word(r, slot_index(vm, e, SDEI_W_STATE));
		bool owned = shared && !r->vm_words && vm->shared[e - vm->nr_private].owner &&
			     vm->shared[e - vm->nr_private].owner != r->pe;

		if (!shared || r->vm_words)
			bad = check_slot(r, e);
		if (!bad && (state & ST_RUNNING) && !owned && (!shared || r->last) && !has_context(r, e))
			bad = "an event runs without a context";
	}
	for (level = 0; level < SDEI_LEVELS && !bad; level++)
		bad = check_context(r, level);
	return bad;
}

/* Ownership of a bound interrupt follows registration; its state in the interrupt controller stays what was restored. */
static void apply_binding(const struct sdei_restore *r, int e, bool was, bool now)
{
	struct sdei_vm *vm = r->pe->vm;
	bool shared = sdei_is_shared(vm, e);
	unsigned *count = shared ? &vm->nbound : &r->pe->nbound;
	struct sdei_pe *pe = shared ? NULL : r->pe;
	u32 intid = vm->event[e].intid;

	vm->event[e].users += now - was;
	if (!intid || was == now)
		return;
	*count += now ? 1 : -1;
	r->irq_move(vm, pe, intid, now);
}

static void apply_slot(const struct sdei_restore *r, int e)
{
	struct sdei_vm *vm = r->pe->vm;
	struct sdei_handler *h = sdei_handler(r->pe, e);
	bool shared = sdei_is_shared(vm, e), was = h->registered || sdei_running(r->pe, e);
	unsigned *count = shared ? &vm->npending : &r->pe->npending;
	u64 state = word(r, slot_index(vm, e, SDEI_W_STATE));
	bool pending = image_pending(r->pe, e, state);

	*count -= h->pending;
	*h = (struct sdei_handler){
		.registered = state & ST_REGISTERED, .enabled = state & ST_ENABLED,
		.pending = pending,
		.rm_pe = state & ST_RM_PE, .relative = state & ST_RELATIVE,
		.entry = word(r, slot_index(vm, e, SDEI_W_ENTRY)), .arg = word(r, slot_index(vm, e, SDEI_W_ARG)),
		.affinity = shared ? word(r, slot_index(vm, e, SDEI_W_AFFINITY)) : 0,
	};
	*count += h->pending;
	if (shared) {
		vm->shared[e - vm->nr_private].owner = NULL;
		vm->shared[e - vm->nr_private].orphan = state & ST_RUNNING;
	}
	apply_binding(r, e, was, state & (ST_REGISTERED | ST_RUNNING));
}

static void apply_context(const struct sdei_restore *r, unsigned level)
{
	struct sdei_context *c = &r->pe->ctx[level];
	struct sdei_vm *vm = r->pe->vm;
	unsigned i;

	c->event = restored_event(r, level);
	if (c->event < 0)
		return;
	c->pc = word(r, SDEI_REG_CONTEXT(level, 1));
	c->pstate = word(r, SDEI_REG_CONTEXT(level, 2));
	for (i = 0; i < SDEI_GPRS; i++)
		c->x[i] = word(r, SDEI_REG_CONTEXT(level, 3 + i));
	if (sdei_is_shared(vm, c->event)) {
		vm->shared[c->event - vm->nr_private].orphan = false;
		vm->shared[c->event - vm->nr_private].owner = r->pe;
	}
}

/* Another binding, perhaps of an event that is in use (a guest in SYSTEM_SUSPEND keeps its own): its users change over. */
static void apply_ident(const struct sdei_restore *r, int e)
{
	struct sdei_vm *vm = r->pe->vm;
	bool shared = sdei_is_shared(vm, e);
	unsigned i, n = shared ? 1 : vm->nr_pes;
	u32 old = vm->event[e].intid, new = restored_intid(r, e);

	if (old == new)
		return;
	for (i = 0; i < n; i++) {
		struct sdei_pe *pe = vm->pes[i];
		unsigned *count = shared ? &vm->nbound : &pe->nbound;

		if (!sdei_handler(pe, e)->registered && !sdei_running(pe, e))
			continue;
		*count += !!new - !!old;
		if (old)
			r->irq_move(vm, shared ? NULL : pe, old, false);
		if (new)
			r->irq_move(vm, shared ? NULL : pe, new, true);
	}
	vm->event[e].intid = new;
}

/* PEs whose own registers come later, or are as they were: their shared handlers go on if they do in what was restored. */
static void owners_keep(struct sdei_vm *vm)
{
	unsigned i, level;

	for (i = 0; i < vm->nr_pes; i++) {
		for (level = 0; level < SDEI_LEVELS; level++) {
			int e = vm->pes[i]->ctx[level].event;
			struct sdei_shared *s;

			if (e < 0 || !sdei_is_shared(vm, e))
				continue;
			s = &vm->shared[e - vm->nr_private];
			if (s->orphan)
				s->owner = vm->pes[i];
			else
				vm->pes[i]->ctx[level].event = SDEI_NO_EVENT;
			s->orphan = false;
		}
	}
}

void sdei_restore_apply(const struct sdei_restore *r)
{
	struct sdei_vm *vm = r->pe->vm;
	unsigned e, level;

	for (e = 0; e < sdei_nr_events(vm) && r->vm_words; e++) {
		if (vm->event[e].dynamic)
			apply_ident(r, e);
		if (sdei_is_shared(vm, e))
			apply_slot(r, e);
	}
	if (r->vm_words)
		owners_keep(vm);
	/* What this PE held before goes back to where the contexts below find it. */
	for (e = 0; e < vm->nr_shared; e++) {
		if (vm->shared[e].owner != r->pe)
			continue;
		vm->shared[e].owner = NULL;
		vm->shared[e].orphan = true;
	}
	for (e = 0; e < vm->nr_private; e++)
		apply_slot(r, e);
	for (level = 0; level < SDEI_LEVELS; level++)
		apply_context(r, level);
	r->pe->masked = word(r, SDEI_REG_PE) & 1;
	r->pe->suspended = word(r, SDEI_REG_SUSPEND) & SUSPEND_VALID;
	r->pe->suspend_pc = word(r, SDEI_REG_SUSPEND) & ~SUSPEND_VALID;
}
