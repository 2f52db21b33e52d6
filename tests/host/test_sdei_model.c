// SPDX-License-Identifier: GPL-2.0-only
// link: kvm/sdei/model.c kvm/sdei/calls.c kvm/sdei/codec.c
/*
 * SDEI's state machine explored exhaustively: 2 PEs, one private event, one shared event, one interrupt that the guest may
 * bind. From the state at power-on, every call with every argument that matters, every trigger, start and end of a handler,
 * CPU_OFF and CPU_ON, until no new state appears. What must hold after each step (docs/abi/sdei.md):
 *
 *  - the model's own consistency, and no event that could start is forgotten (sim_check)
 *  - no event has two handlers; a handler that runs is never replaced by another of its priority
 *  - nothing starts on a PE that is masked or off
 *  - what is pending stays pending until it starts, is unregistered, or its PE goes off
 *  - an interrupt is the event's exactly while it is registered or runs
 *  - T44: read as registers and restored in a new VM, in either order of the PEs, it is the same state
 *
 * Without an argument shared events are for any PE and interrupts are levels, which takes seconds, and a quarter of the states
 * moves; with one (test-full) also routed to either PE, edges, and critical events: millions of states, all of them moved.
 */
#include "tests/host/sdei_sim.h"

#define PES	2
#define EVENTS	3
#define PRIV	0	/* indexes */
#define SHARED	1
#define BOUND	2

static const char *now;
static bool full;

/* ---- a state in 64 bits ---- */

struct pack {
	u64 bits;
	unsigned at;
};

static void put(struct pack *p, u64 val, unsigned n)
{
	p->bits |= val << p->at;
	p->at += n;
}

static u64 get(struct pack *p, unsigned n)
{
	u64 val = p->bits >> p->at & ((1UL << n) - 1);

	p->at += n;
	return val;
}

#define WOKEN_BIT(pe)	((pe) * 10 + 2)

static u64 state_pack(void)
{
	struct pack p = { 0, 0 };
	const struct sim_irq *q = &sim.spi[SPI];
	unsigned i;

	for (i = 0; i < PES; i++) {
		const struct sdei_handler *h = &sim.handler[i][PRIV];

		put(&p, sim.pe[i].masked, 1);
		put(&p, sim.online[i], 1);
		put(&p, sim.woken[i], 1);
		put(&p, sim.pe[i].ctx[0].event + 1, 2);
		put(&p, sim.pe[i].ctx[1].event + 1, 2);
		put(&p, h->registered | h->enabled << 1 | h->pending << 2, 3);
	}
	for (i = 0; i < 2; i++) {
		const struct sdei_handler *h = &sim.shared[i].h;

		put(&p, h->registered | h->enabled << 1 | h->pending << 2 | h->rm_pe << 3 | (h->affinity & 1) << 4, 5);
	}
	put(&p, sim.event[BOUND].intid != 0, 1);
	put(&p, q->level | q->latch << 1 | q->claimed << 2, 3);
	return p.bits;
}

static void handler_unpack(struct sdei_handler *h, u64 val)
{
	*h = (struct sdei_handler){ .registered = val & 1, .enabled = val >> 1 & 1, .pending = val >> 2 & 1,
				    .rm_pe = val >> 3 & 1, .affinity = val >> 4 & 1 };
	if (h->registered)
		h->entry = ENTRY;
}

/* Counts and owners follow from the rest; sdei_check says so after each step. */
static void derive(bool edge)
{
	unsigned i, e, level;

	sim.spi[SPI].edge = edge;
	for (i = 0; i < PES; i++) {
		for (level = 0; level < SDEI_LEVELS; level++)
			if (sim.pe[i].ctx[level].event >= SHARED)
				sim.shared[sim.pe[i].ctx[level].event - SHARED].owner = &sim.pe[i];
		sim.pe[i].npending = sim.handler[i][PRIV].pending;
	}
	for (e = 0; e < EVENTS; e++)
		for (i = 0; i < (e == PRIV ? PES : 1); i++)
			sim.event[e].users += sdei_handler(&sim.pe[i], e)->registered || sdei_running(&sim.pe[i], e);
	sim.vm.npending = sim.shared[0].h.pending + sim.shared[1].h.pending;
	sim.vm.nbound = sim.event[BOUND].intid && sim.event[BOUND].users;
}

static void state_unpack(u64 bits, bool critical_shared, bool critical_private, bool edge)
{
	struct pack p = { bits, 0 };
	unsigned i;
	u64 irq;

	sim_init(PES);
	sim.vm.nr_private = 1;
	sim.vm.nr_shared = 2;
	sim.event[PRIV] = (struct sdei_event){ .num = EV_SIGNAL, .critical = critical_private };
	sim.event[SHARED] = (struct sdei_event){ .num = EV_SHARED, .critical = critical_shared };
	sim.event[BOUND] = (struct sdei_event){ .num = EV_SHARED_DYN, .dynamic = true };
	for (i = 0; i < PES; i++) {
		sim.pe[i].masked = get(&p, 1);
		sim.online[i] = get(&p, 1);
		sim.woken[i] = get(&p, 1);
		sim.pe[i].ctx[0].event = (int)get(&p, 2) - 1;
		sim.pe[i].ctx[1].event = (int)get(&p, 2) - 1;
		handler_unpack(&sim.handler[i][PRIV], get(&p, 3));
	}
	for (i = 0; i < 2; i++)
		handler_unpack(&sim.shared[i].h, get(&p, 5));
	sim.event[BOUND].intid = get(&p, 1) ? SPI : 0;
	irq = get(&p, 3);
	sim.spi[SPI].level = irq & 1;
	sim.spi[SPI].latch = irq >> 1 & 1;
	sim.spi[SPI].claimed = irq >> 2 & 1;
	derive(edge);
}

/* ---- steps ---- */

enum { STEP_LOOK = 40, STEP_OFF = 42, STEP_INPUT = 43, STEPS = 46 };

static bool event_step(struct sdei_pe *pe, unsigned what, u32 num)
{
	if (!full && (what == 1 || what == 2 || what == 7 || what == 8))
		return false;
	switch (what) {
	case 0:
		(void)sdei_event_register(pe, num, ENTRY, 0, 0, 0);
		return true;
	case 1:
	case 2:
		(void)sdei_event_register(pe, num, ENTRY, 0, 1, what - 1);
		return num != EV_SIGNAL;
	case 3:
		(void)sdei_event_enable(pe, num);
		return true;
	case 4:
		(void)sdei_event_disable(pe, num);
		return true;
	case 5:
		(void)sdei_event_unregister(pe, num);
		return true;
	case 6:
	case 7:
	case 8:
		(void)sdei_routing_set(pe, num, what > 6, what - 7);
		return num != EV_SIGNAL;
	default:
		return false;
	}
}

/* Returns false if there is no such step. pe is on, except for CPU_ON. */
static bool step(struct sdei_pe *pe, unsigned n)
{
	static const u32 nums[] = { EV_SIGNAL, EV_SHARED, EV_SHARED_DYN };

	if (n < 27)
		return event_step(pe, n % 9, nums[n / 9]);
	switch (n) {
	case 27:
		(void)sdei_pe_mask(pe);
		return true;
	case 28:
		(void)sdei_pe_unmask(pe);
		return true;
	case 29:
	case 30:
		(void)sdei_event_signal(pe, 0, n - 29);
		return true;
	case 31:
		(void)sdei_interrupt_bind(pe, SPI);
		return true;
	case 32:
		(void)sdei_interrupt_release(pe, EV_SHARED_DYN);
		return true;
	case 33:
		(void)sdei_private_reset(pe);
		return true;
	case 34:
		(void)sdei_shared_reset_call(pe);
		return true;
	case 35:
		sdei_trigger(pe, SHARED);
		return true;
	case 36:
		(void)sim_complete(pe);
		return true;
	case STEP_LOOK:		/* a PE may look at any time, not only when told to */
		sim.kicked[sim_index(pe)] = true;
		(void)sim_look(pe);
		return true;
	case STEP_OFF:
		sim_cpu_off(pe);
		return true;
	case STEP_INPUT:
	case STEP_INPUT + 1:
		sim_irq_input(NULL, SPI, n > STEP_INPUT);
		return true;
	default:
		return false;
	}
}

/* ---- what must hold ---- */

static bool pends(const struct sim *s, unsigned e, unsigned i)
{
	const struct sim_irq *q = &s->spi[SPI];

	if (e == PRIV)
		return s->handler[i][PRIV].pending;
	if (e == BOUND && s->event[BOUND].intid)
		return q->claimed && (q->latch || (q->level && !q->edge));
	return s->shared[e - SHARED].h.pending;
}

static bool registered(const struct sim *s, unsigned e, unsigned i)
{
	return e == PRIV ? s->handler[i][PRIV].registered : s->shared[e - SHARED].h.registered;
}

static const char *check_contexts(const struct sim *old)
{
	unsigned i, level, n[EVENTS] = { 0 };

	for (i = 0; i < PES; i++)
		for (level = 0; level < SDEI_LEVELS; level++) {
			int was = old->pe[i].ctx[level].event, is = sim.pe[i].ctx[level].event;

			if (is >= SHARED)
				n[is]++;
			if (was >= 0 && is >= 0 && was != is)
				return "a handler replaced another of its priority";
			if (was < 0 && is >= 0 && (old->pe[i].masked || !old->online[i]))
				return "a handler started on a PE that is masked or off";
			if (was < 0 && is >= 0 && level == SDEI_NORMAL && old->pe[i].ctx[SDEI_CRITICAL].event >= 0)
				return "a normal handler started over a critical one";
		}
	return n[SHARED] > 1 || n[BOUND] > 1 ? "an event has two handlers" : NULL;
}

static const char *check_step(const struct sim *old, unsigned what)
{
	const char *bad = sim_check();
	bool used = sim.event[BOUND].users && sim.event[BOUND].intid;
	unsigned i, e;

	if (!bad)
		bad = check_contexts(old);
	if (!bad && sim.spi[SPI].claimed != used)
		bad = "the interrupt is the event's at the wrong time";
	for (e = 0; e < EVENTS && !bad; e++)
		for (i = 0; i < PES; i++) {
			if (what == STEP_LOOK || (what == STEP_INPUT && e == BOUND))
				continue;
			if (pends(old, e, i) && registered(old, e, i) && registered(&sim, e, i) && !pends(&sim, e, i))
				bad = "a pending event was lost";
		}
	return bad;
}

/* ---- T44 ---- */

static bool any_pstate(const struct sdei_pe *pe, u64 pstate)
{
	return true;
}

static const char *restore(struct sdei_pe *pe, const u64 *pe_words, const u64 *vm_words, bool last)
{
	struct sdei_restore r = {
		.pe = pe, .pe_words = pe_words, .vm_words = vm_words, .last = last, .has_gic = true,
		.pstate_ok = any_pstate, .irq_move = sim_irq_move,
	};
	const char *bad = sdei_restore_check(&r);

	if (!bad)
		sdei_restore_apply(&r);
	return bad;
}

/* From a state to the same in another VM, whose PE @first runs first. The interrupt controller is restored by itself. */
static const char *check_move(u64 state, unsigned first, u64 pristine, const bool config[3])
{
	static u64 pe_words[PES][64 + SDEI_GPRS * 4], vm_words[32];
	struct sim_irq irq;
	bool online[PES];
	const char *bad;
	unsigned i;

	state_unpack(state, config[0], config[1], config[2]);
	for (i = 0; i < PES; i++) {
		sdei_pe_image_fill(&sim.pe[i], pe_words[i]);
		online[i] = sim.online[i];
	}
	sdei_vm_image_fill(&sim.vm, vm_words);
	irq = sim.spi[SPI];
	irq.claimed = false;
	state_unpack(pristine, config[0], config[1], config[2]);
	sim.spi[SPI] = irq;
	for (i = 0; i < PES; i++)
		sim.online[i] = online[i];
	for (i = 0; i < PES; i++) {
		struct sdei_pe *pe = &sim.pe[first ^ i];

		bad = restore(pe, pe_words[first ^ i], i ? NULL : vm_words, i + 1 == PES);
		if (bad)
			return bad;
		sdei_reevaluate(&sim.pe[0]);
		sdei_reevaluate(&sim.pe[1]);
		sdei_offer(&sim.vm);
	}
	bad = sim_check();
	for (i = 0; i < PES; i++)	/* who was told to look may differ; that somebody was is checked above */
		sim.woken[i] = state >> WOKEN_BIT(i) & 1;
	return bad ? bad : state_pack() != state ? "another state after a move to another VM" : NULL;
}

/* ---- exploration ---- */

#define TABLE	(1U << 24)

static u64 *table, *queue;	/* states seen (never 0: bit 63 is set); states to look at */
static unsigned seen;

static bool add(u64 state)
{
	u64 key = state | 1UL << 63, h = key * 0x9e3779b97f4a7c15UL >> 40;

	while (table[h & (TABLE - 1)]) {
		if (table[h & (TABLE - 1)] == key)
			return false;
		h++;
	}
	table[h & (TABLE - 1)] = key;
	queue[seen++] = state;
	return true;
}

static unsigned explore(bool critical_shared, bool critical_private, bool edge)
{
	const bool config[3] = { critical_shared, critical_private, edge };
	static struct sim old;
	unsigned next, i, n;

	memset(table, 0, TABLE * sizeof(*table));
	seen = 0;
	state_unpack(0, critical_shared, critical_private, edge);
	for (i = 0; i < PES; i++) {
		sim.pe[i].masked = true;
		sim.online[i] = i == 0;
		sim.pe[i].ctx[0].event = sim.pe[i].ctx[1].event = SDEI_NO_EVENT;
	}
	add(state_pack());
	for (next = 0; next < seen; next++) {
		for (i = 0; i < PES && (full || next % 4 == 0); i++) {
			const char *bad = check_move(queue[next], i, queue[0], config);

			if (!bad)
				continue;
			printf("%s: state %#lx, PE %u first: T44 %s\n", now, (long)queue[next], i, bad);
			return 0;
		}
		for (i = 0; i < PES; i++)
			for (n = 0; n < STEPS; n++) {
				const char *bad;

				state_unpack(queue[next], critical_shared, critical_private, edge);
				memcpy(&old, &sim, sizeof(old));
				if (!sim.online[i]) {
					if (n != STEP_OFF)
						continue;
					sim_cpu_on(&sim.pe[i]);
				} else if (!step(&sim.pe[i], n)) {
					continue;
				}
				bad = check_step(&old, n);
				if (bad) {
					printf("%s: state %#lx, PE %u, step %u: %s\n", now, (long)queue[next], i, n, bad);
					return 0;
				}
				if (seen >= TABLE / 2) {
					printf("%s: too many states\n", now);
					return 0;
				}
				add(state_pack());
			}
	}
	printf("# %s: %u states\n", now, seen);
	return seen;
}

int main(int argc, char **argv)
{
	static const struct { const char *name; bool shared, private, edge; } config[] = {
		{ "all normal, level", false, false, false },
		{ "critical private event, level", false, true, false },
		{ "critical shared event, level", true, false, false },
		{ "all normal, edge", false, false, true },
		{ "critical shared event, edge", true, false, true },
	};
	unsigned i, n = argc > 1 ? ARRAY_SIZE(config) : 2, failed = 0;

	full = argc > 1;
	table = calloc(TABLE, sizeof(*table));
	queue = calloc(TABLE, sizeof(*queue));
	for (i = 0; i < n; i++) {
		now = config[i].name;
		failed += !explore(config[i].shared, config[i].private, config[i].edge);
	}
	free(table);
	free(queue);
	printf("%u passed, %u failed\n", i - failed, failed);
	return failed != 0;
}
