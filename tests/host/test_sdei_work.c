// SPDX-License-Identifier: GPL-2.0-only
// link: kvm/sdei/model.c kvm/sdei/calls.c
/*
 * How much the model does under the VM's lock when a handler starts, a PE masks itself or goes: a few steps for each event and
 * for each PE, never for each pair. Steps are counted as questions to the surroundings.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kvm/sdei/model.h"

#define PES	512
#define EVENTS	255	/* shared, after event 0 */
#define ENTRY	0x1000UL

static unsigned steps, failed, passed;

static void kick(struct sdei_pe *pe, bool wake)
{
	steps++;
}

static bool online(const struct sdei_pe *pe)
{
	steps++;
	return true;
}

static unsigned rank(const struct sdei_pe *pe)
{
	steps++;
	return 0;
}

static bool irq_exists(struct sdei_vm *vm, u32 intid)
{
	return true;
}

static long irq_claim(struct sdei_vm *vm, struct sdei_pe *pe, u32 intid)
{
	return 0;
}

static void irq_nothing(struct sdei_vm *vm, struct sdei_pe *pe, u32 intid)
{
	steps++;
}

static bool irq_pending(struct sdei_vm *vm, struct sdei_pe *pe, u32 intid)
{
	steps++;
	return true;
}

static const struct sdei_ops ops = {
	.kick = kick, .online = online, .rank = rank, .irq_exists = irq_exists, .irq_claim = irq_claim,
	.irq_release = irq_nothing, .irq_pending = irq_pending, .irq_begin = irq_nothing, .irq_end = irq_nothing,
};

static struct sdei_event event[1 + EVENTS];
static struct sdei_shared shared[EVENTS];
static struct sdei_pe pe[PES], *pes[PES];
static struct sdei_handler handler[PES];
static struct sdei_vm vm = { .ops = &ops, .nr_private = 1, .nr_shared = EVENTS, .event = event, .shared = shared,
			     .nr_pes = PES, .pes = pes };

static void check(bool good, const char *what)
{
	passed += good;
	failed += !good;
	if (!good)
		printf("FAIL %s\n", what);
}

/* The most that anything may take: each event and each PE a few times. */
static void check_steps(const char *what)
{
	check(steps && steps <= 8 * (PES + EVENTS), what);
	if (steps > 8 * (PES + EVENTS))
		printf("     %u steps\n", steps);
	steps = 0;
}

/* All events registered and pending; every other one an interrupt's, every third one critical. */
static void make(void)
{
	unsigned i;

	for (i = 0; i < PES; i++) {
		pes[i] = &pe[i];
		pe[i].vm = &vm;
		pe[i].mpidr = (i & 0xf) | (u64)(i >> 4) << 8;
		pe[i].private = &handler[i];
		sdei_pe_init(&pe[i]);
		pe[i].masked = false;
	}
	for (i = 0; i < EVENTS; i++) {
		event[1 + i].num = 0x40000001 + i;
		event[1 + i].critical = i % 3 == 0;
		event[1 + i].intid = i % 2 ? 32 + i : 0;
		check(!sdei_event_register(&pe[0], event[1 + i].num, ENTRY, 0, 0, 0), "registered");
		shared[i].h.enabled = true;
		if (!event[1 + i].intid)
			sdei_trigger(&pe[0], 1 + i);
	}
}

int main(void)
{
	unsigned i, started = 0;

	make();
	steps = 0;
	for (i = 0; i < 40; i++) {
		started += sdei_take(&pe[i]) >= 0;
		check_steps("a handler starts");
	}
	check(started == 40, "all that may start do");
	for (i = 0; i < 10; i++) {
		sdei_finish(&pe[i], sdei_level(&pe[i]));
		check_steps("a handler ends");
	}
	check(sdei_pe_mask(&pe[100]) == 1, "masked");
	check_steps("a PE masks itself");
	sdei_pe_reset(&pe[20]);
	check_steps("a PE is switched off in a handler");
	sdei_offer(&vm);
	check_steps("a PE leaves");
	for (i = 0; i < PES; i += 37)
		check(sdei_pe_find(&vm, pe[i].mpidr) == &pe[i], "found by its affinity");
	pe[5].mpidr = 0x7700000003UL;	/* a VMM's own numbers */
	check(sdei_pe_find(&vm, 0x7700000003UL) == &pe[5] && !sdei_pe_find(&vm, 5), "by any affinity");
	check(!sdei_check(&vm), "all consistent");
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
