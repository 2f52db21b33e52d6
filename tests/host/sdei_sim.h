// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM for the SDEI model: PEs that are on or off, an interrupt controller of a few bits, and events of every kind. One
 * struct holds all of it, so that the model checker can copy it. Single-threaded: there is no lock.
 */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvm/sdei/codec.h"

#define SIM_PES		3
#define SIM_IRQS	64
#define PPI		20
#define PPI2		21
#define SPI		40
#define SPI2		41
#define STATIC_SPI	42
#define ENTRY		0x1000UL

/* Event numbers. */
#define EV_SIGNAL	0U
#define EV_PRIVATE	0x40000001U
#define EV_PRIVATE_CRIT	0x40000002U
#define EV_PRIVATE_DYN	0x40000010U
#define EV_SHARED	0x40000100U
#define EV_SHARED_CRIT	0x40000101U
#define EV_SHARED_STATIC 0x40000102U
#define EV_SHARED_DYN	0x40000110U
#define EV_SHARED_DYN2	0x40000111U

#define SIM_PRIVATE	4
#define SIM_SHARED	5
#define SIM_EVENTS	(SIM_PRIVATE + SIM_SHARED)

struct sim_irq {
	bool level, latch, edge, active, claimed, enabled, in_lr;
};

struct sim {
	struct sdei_vm vm;
	struct sdei_event event[SIM_EVENTS];
	struct sdei_shared shared[SIM_SHARED];
	struct sdei_pe pe[SIM_PES];
	struct sdei_handler handler[SIM_PES][SIM_PRIVATE];
	struct sdei_pe *pes[SIM_PES];
	bool online[SIM_PES], kicked[SIM_PES], woken[SIM_PES];
	unsigned rank[SIM_PES];
	struct sim_irq ppi[SIM_PES][32], spi[SIM_IRQS];
};

static struct sim sim;

static unsigned sim_index(const struct sdei_pe *pe)
{
	return pe - sim.pe;
}

static void sim_kick(struct sdei_pe *pe, bool wake)
{
	sim.kicked[sim_index(pe)] = true;
	sim.woken[sim_index(pe)] |= wake;
}

static bool sim_online(const struct sdei_pe *pe)
{
	return sim.online[sim_index(pe)];
}

static unsigned sim_rank(const struct sdei_pe *pe)
{
	return sim.rank[sim_index(pe)];
}

static struct sim_irq *sim_irq(struct sdei_pe *pe, u32 intid)
{
	return pe ? &sim.ppi[sim_index(pe)][intid] : &sim.spi[intid];
}

static bool sim_irq_exists(struct sdei_vm *vm, u32 intid)
{
	return intid >= 16 && intid < SIM_IRQS;
}

static long sim_irq_claim(struct sdei_vm *vm, struct sdei_pe *pe, u32 intid)
{
	struct sim_irq *q = sim_irq(pe, intid);

	if (q->active)
		return SDEI_DENIED;
	if (q->in_lr)
		return SDEI_AGAIN;
	q->claimed = true;
	q->enabled = q->latch = false;
	return 0;
}

static void sim_irq_move(struct sdei_vm *vm, struct sdei_pe *pe, u32 intid, bool ours)
{
	sim_irq(pe, intid)->claimed = ours;
}

static void sim_irq_release(struct sdei_vm *vm, struct sdei_pe *pe, u32 intid)
{
	struct sim_irq *q = sim_irq(pe, intid);

	q->claimed = q->enabled = q->latch = false;
}

static bool sim_irq_pending(struct sdei_vm *vm, struct sdei_pe *pe, u32 intid)
{
	const struct sim_irq *q = sim_irq(pe, intid);

	return q->claimed && (q->latch || (q->level && !q->edge));
}

static void sim_irq_begin(struct sdei_vm *vm, struct sdei_pe *pe, u32 intid)
{
	sim_irq(pe, intid)->latch = false;
}

static void sim_irq_end(struct sdei_vm *vm, struct sdei_pe *pe, u32 intid)
{
}

static const struct sdei_ops sim_ops = {
	.kick = sim_kick, .online = sim_online, .rank = sim_rank, .irq_exists = sim_irq_exists,
	.irq_claim = sim_irq_claim, .irq_release = sim_irq_release, .irq_pending = sim_irq_pending,
	.irq_begin = sim_irq_begin, .irq_end = sim_irq_end,
};

static const struct sdei_event sim_events[SIM_EVENTS] = {
	{ .num = EV_SIGNAL }, { .num = EV_PRIVATE }, { .num = EV_PRIVATE_CRIT, .critical = true },
	{ .num = EV_PRIVATE_DYN, .dynamic = true },
	{ .num = EV_SHARED }, { .num = EV_SHARED_CRIT, .critical = true },
	{ .num = EV_SHARED_STATIC, .intid = STATIC_SPI },
	{ .num = EV_SHARED_DYN, .dynamic = true }, { .num = EV_SHARED_DYN2, .dynamic = true },
};

/* All PEs on and unmasked, nothing registered; nr_pes of them. */
static void sim_init(unsigned nr_pes)
{
	unsigned i;

	memset(&sim, 0, sizeof(sim));
	memcpy(sim.event, sim_events, sizeof(sim.event));
	sim.vm.ops = &sim_ops;
	sim.vm.event = sim.event;
	sim.vm.shared = sim.shared;
	sim.vm.pes = sim.pes;
	sim.vm.nr_private = SIM_PRIVATE;
	sim.vm.nr_shared = SIM_SHARED;
	sim.vm.nr_pes = nr_pes;
	for (i = 0; i < SIM_PES; i++) {
		struct sdei_pe *pe = &sim.pe[i];

		sim.pes[i] = pe;
		pe->vm = &sim.vm;
		pe->mpidr = i < 2 ? i : 0x100 + i;
		pe->private = sim.handler[i];
		sdei_pe_init(pe);
		pe->masked = false;
		sim.online[i] = true;
	}
}

/* An interrupt's input: a level, or an edge when it rises. */
static void sim_irq_input(struct sdei_pe *pe, u32 intid, bool level)
{
	struct sim_irq *q = sim_irq(pe, intid);
	int e = sdei_event_of_irq(&sim.vm, intid);

	if (q->edge && level)
		q->latch = true;
	q->level = level;
	if (e >= 0 && q->claimed && sim_irq_pending(&sim.vm, pe, intid))
		sdei_notify(pe ? pe : &sim.pe[0], e);
}

/* What a PE does before its guest's next instruction, if it was told to look: number of the event started, or -1. */
static s64 sim_look(struct sdei_pe *pe)
{
	unsigned i = sim_index(pe);
	int level;

	if (!sim.kicked[i] || !sim.online[i])
		return -1;
	sim.kicked[i] = sim.woken[i] = false;
	level = sdei_take(pe);
	return level < 0 ? -1 : (s64)sim.event[pe->ctx[level].event].num;
}

static s64 sim_complete(struct sdei_pe *pe)
{
	s64 level = sdei_complete_check(pe, false, 0);

	if (level < 0)
		return level;
	sdei_finish(pe, level);
	return 0;
}

static void sim_cpu_off(struct sdei_pe *pe)
{
	sim.online[sim_index(pe)] = false;
	sdei_pe_reset(pe);
}

static void sim_cpu_on(struct sdei_pe *pe)
{
	sim.online[sim_index(pe)] = true;
	sdei_pe_reset(pe);
}

/*
 * What must hold whatever happened: the model's own consistency, and that no event is lost: if one could start somewhere,
 * then some PE where it could has been told to look, at once.
 */
static const char *sim_check(void)
{
	const char *bad = sdei_check(&sim.vm);
	unsigned i, e;

	for (e = 0; e < sdei_nr_events(&sim.vm) && !bad; e++) {
		bool could = false, told = false;

		for (i = 0; i < sim.vm.nr_pes; i++) {
			bool here = sdei_deliverable(&sim.pe[i], e);

			could |= here;
			told |= here && sim.woken[i];
			if (here && !sdei_is_shared(&sim.vm, e) && !sim.woken[i])
				bad = "a private event that could start was forgotten";
		}
		if (could && !told)
			bad = "an event that could start was forgotten";
	}
	return bad;
}
