// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Software Delegated Exception Interface (Arm DEN0054) of one VM: which events there are, how each is registered on
 * each processing element (PE), what is pending, and what runs where. Pure logic, compiles natively.
 *
 * All of it is under one lock of the VM, which the callers hold and these functions never take (kvm/sdei/sdei.h). What is
 * a consequence of something else is not stored: an event runs where a context names it; one that is unregistered while it
 * runs is an event that runs and is not registered; a bound event is pending when its interrupt is.
 */
#pragma once

#include <nestbox/types.h>

#define SDEI_SUCCESS		0L
#define SDEI_NOT_SUPPORTED	(-1L)
#define SDEI_INVALID		(-2L)
#define SDEI_DENIED		(-3L)
#define SDEI_PENDING		(-5L)
#define SDEI_OUT_OF_RESOURCE	(-10L)
/* Not an answer to a guest: an interrupt must come out of other PEs' list registers first; call again once it has. */
#define SDEI_AGAIN		(-1000L)

#define SDEI_STATUS_REGISTERED	BIT(0)
#define SDEI_STATUS_ENABLED	BIT(1)
#define SDEI_STATUS_RUNNING	BIT(2)

#define SDEI_GPRS		18	/* x0 to x17: saved at entry, read by EVENT_CONTEXT */
#define SDEI_NO_EVENT		(-1)
#define SDEI_AFFINITY		0xff00ffffffUL	/* MPIDR_EL1: Aff3 to Aff0 */

enum sdei_level { SDEI_NORMAL, SDEI_CRITICAL, SDEI_LEVELS };

struct sdei_pe;
struct sdei_vm;

/* An event and its fixed properties. Private events come first in sdei_vm.event[], shared ones after them. */
struct sdei_event {
	u32 num;
	u16 intid;		/* bound interrupt; 0: none */
	bool critical;
	bool dynamic;		/* a slot for INTERRUPT_BIND: no event while intid is 0 */
	u16 users;		/* PEs on which it is registered or runs; for a shared one 0 or 1 */
};

/* One registration: of a private event on a PE, or of a shared event. All zero while not registered. */
struct sdei_handler {
	bool registered, enabled;
	bool pending;		/* not for a bound event */
	bool rm_pe;		/* shared: only the PE of affinity */
	bool relative;		/* entry counts from the client's VBAR */
	u64 entry, arg, affinity;
};

/* What a handler interrupted. */
struct sdei_context {
	int event;		/* index; SDEI_NO_EVENT: no handler runs at this level */
	u64 pc, pstate, x[SDEI_GPRS];
};

struct sdei_pe {
	struct sdei_vm *vm;
	u64 mpidr;		/* affinity fields */
	bool masked;
	bool suspended;		/* in SYSTEM_SUSPEND since it was at suspend_pc */
	u64 suspend_pc;
	struct sdei_context ctx[SDEI_LEVELS];
	struct sdei_handler *private;	/* by event index */
	unsigned npending;	/* of private[] */
	unsigned nbound;	/* registered private events with an interrupt */
};

struct sdei_shared {
	struct sdei_handler h;
	struct sdei_pe *owner;	/* on which it runs; NULL: nowhere */
	bool orphan;		/* restored as running, the context of its PE has not been restored yet */
};

/* What the model asks of its surroundings, with the VM's lock held. pe is NULL for a shared peripheral interrupt. */
struct sdei_ops {
	/* Have the PE look for something to dispatch before its guest's next instruction; wake: now, else when it comes by. */
	void (*kick)(struct sdei_pe *pe, bool wake);
	bool (*online)(const struct sdei_pe *pe);
	/* How soon it would get there; smaller is sooner. */
	unsigned (*rank)(const struct sdei_pe *pe);
	/* A PPI or SPI that this VM has. */
	bool (*irq_exists)(struct sdei_vm *vm, u32 intid);
	/* Take it out of the guest's interrupt controller. 0, SDEI_DENIED: active, SDEI_AGAIN. */
	long (*irq_claim)(struct sdei_vm *vm, struct sdei_pe *pe, u32 intid);
	/* Give it back, disabled. */
	void (*irq_release)(struct sdei_vm *vm, struct sdei_pe *pe, u32 intid);
	bool (*irq_pending)(struct sdei_vm *vm, struct sdei_pe *pe, u32 intid);
	void (*irq_begin)(struct sdei_vm *vm, struct sdei_pe *pe, u32 intid);	/* its handler starts */
	void (*irq_end)(struct sdei_vm *vm, struct sdei_pe *pe, u32 intid);	/* its handler is done */
};

struct sdei_vm {
	const struct sdei_ops *ops;
	bool strict;		/* as the firmware of real machines, see docs/abi/sdei.md */
	unsigned nr_private, nr_shared;
	struct sdei_event *event;	/* nr_private + nr_shared */
	struct sdei_shared *shared;	/* by event index less nr_private */
	unsigned npending;	/* of shared[] */
	unsigned nbound;	/* registered shared events with an interrupt */
	unsigned nr_pes;
	struct sdei_pe **pes;
};

/* ---- events and handlers ---- */

static inline unsigned sdei_nr_events(const struct sdei_vm *vm) { return vm->nr_private + vm->nr_shared; }
static inline bool sdei_is_shared(const struct sdei_vm *vm, int e) { return (unsigned)e >= vm->nr_private; }

/* Index of an event by its number; SDEI_NO_EVENT: there is none, or a dynamic slot that is not bound. */
int sdei_event_find(const struct sdei_vm *vm, u32 num);
/* Index of the event that has this interrupt, or SDEI_NO_EVENT. */
int sdei_event_of_irq(const struct sdei_vm *vm, u32 intid);
/* The PE of an affinity value, or NULL; other bits than affinity fields name none. */
struct sdei_pe *sdei_pe_find(const struct sdei_vm *vm, u64 affinity);

static inline struct sdei_handler *sdei_handler(struct sdei_pe *pe, int e)
{
	return sdei_is_shared(pe->vm, e) ? &pe->vm->shared[e - pe->vm->nr_private].h : &pe->private[e];
}

/* Does it run: a private event on pe, a shared one anywhere? */
bool sdei_running(const struct sdei_pe *pe, int e);
/* The level of the innermost handler of pe, or -1. */
static inline int sdei_level(const struct sdei_pe *pe)
{
	return pe->ctx[SDEI_CRITICAL].event >= 0 ? SDEI_CRITICAL : pe->ctx[SDEI_NORMAL].event >= 0 ? SDEI_NORMAL : -1;
}

/* ---- life of a PE ---- */

/* pe->vm, mpidr, private set. As at power-on: nothing registered, masked. */
void sdei_pe_init(struct sdei_pe *pe);
/*
 * CPU_OFF, CPU_ON, reset: private events unregistered, contexts dropped, masked. A shared event that ran here no longer
 * runs anywhere, and what waited for this PE is offered to others.
 */
void sdei_pe_reset(struct sdei_pe *pe);
/* Shared events and bindings as at power-on. No PE runs a shared event (all have been reset). */
void sdei_shared_reset(struct sdei_vm *vm);

/* ---- dispatch ---- */

/* An event that could start on pe now; the one to start first. SDEI_NO_EVENT: none. */
int sdei_next(struct sdei_pe *pe);
/* Could it if it were pending? */
bool sdei_could_start(struct sdei_pe *pe, int e);
/* Could this event start on pe now? */
bool sdei_deliverable(struct sdei_pe *pe, int e);
/*
 * Start sdei_next() on pe: state and source; the caller fills in pe->ctx[level] but its event. Returns the level, or -1:
 * nothing to start.
 */
int sdei_take(struct sdei_pe *pe);
/* The innermost handler of pe, at level, is done. The caller has taken what it needs from its context. */
void sdei_finish(struct sdei_pe *pe, int level);

/* Make it pending: dropped when not registered. pe for a private one. */
void sdei_trigger(struct sdei_pe *pe, int e);
/* Not pending any more; false: it was not. Not for bound events. */
bool sdei_cancel(struct sdei_pe *pe, int e);
/* Something about a shared event, or a private one of pe, changed: kick whoever may take it. */
void sdei_notify(struct sdei_pe *pe, int e);
/* pe may be able to take more than before. */
void sdei_reevaluate(struct sdei_pe *pe);
/* A PE can take less than before: shared events that waited for it go to others. */
void sdei_offer(struct sdei_vm *vm);
/* State consistency, for tests and assertions: NULL or what is wrong. */
const char *sdei_check(struct sdei_vm *vm);

/* ---- the calls (calls.c); errors as SDEI_* ---- */

s64 sdei_version(const struct sdei_vm *vm);
s64 sdei_features(const struct sdei_vm *vm, u64 feature);
s64 sdei_event_register(struct sdei_pe *pe, u32 num, u64 entry, u64 arg, u64 flags, u64 affinity);
s64 sdei_event_enable(struct sdei_pe *pe, u32 num);
s64 sdei_event_disable(struct sdei_pe *pe, u32 num);
s64 sdei_event_unregister(struct sdei_pe *pe, u32 num);
s64 sdei_event_status(struct sdei_pe *pe, u32 num);
s64 sdei_event_get_info(struct sdei_pe *pe, u32 num, u64 info);
s64 sdei_routing_set(struct sdei_pe *pe, u32 num, u64 mode, u64 affinity);
s64 sdei_event_signal(struct sdei_pe *pe, u32 num, u64 affinity);
s64 sdei_interrupt_bind(struct sdei_pe *pe, u32 intid);
s64 sdei_interrupt_release(struct sdei_pe *pe, u32 num);
s64 sdei_pe_mask(struct sdei_pe *pe);
s64 sdei_pe_unmask(struct sdei_pe *pe);
s64 sdei_private_reset(struct sdei_pe *pe);
s64 sdei_shared_reset_call(struct sdei_pe *pe);
/* EVENT_CONTEXT: 0 and *val, or an error (which a register's value may equal). */
s64 sdei_event_context(const struct sdei_pe *pe, u64 reg, u64 *val);
/* EVENT_COMPLETE (resume false) and _AND_RESUME: the level that is to be finished, or an error. Nothing is changed. */
s64 sdei_complete_check(const struct sdei_pe *pe, bool resume, u64 pc);
