// SPDX-License-Identifier: GPL-2.0-only
// link: kvm/sdei/model.c kvm/sdei/calls.c kvm/sdei/codec.c
/*
 * Any calls with any arguments, triggers, interrupts, power changes, and registers written back: the model stays
 * consistent, forgets no event, and a state that reads as registers is the same after it was restored from them.
 */
#include "tests/host/input.h"
#include "tests/host/sdei_sim.h"

/* Mostly events that there are. */
static u32 take_event(struct input *in)
{
	unsigned n = take(in, 1);

	return n < 240 ? sim_events[n % SIM_EVENTS].num : take(in, 4);
}

static u64 take_affinity(struct input *in)
{
	unsigned n = take(in, 1);

	return n < 240 ? sim.pe[n % SIM_PES].mpidr : take(in, 8);
}

static u32 take_irq(struct input *in)
{
	static const u32 known[] = { PPI, PPI2, SPI, SPI2, STATIC_SPI };
	unsigned n = take(in, 1);

	return n < 200 ? known[n % ARRAY_SIZE(known)] : n % SIM_IRQS;
}

static bool any_pstate(const struct sdei_pe *pe, u64 pstate)
{
	return true;
}

static void restore_words(struct sdei_pe *pe, const u64 *pe_words, const u64 *vm_words, bool must)
{
	struct sdei_restore r = {
		.pe = pe, .pe_words = pe_words, .vm_words = vm_words, .has_gic = true, .pstate_ok = any_pstate,
		.irq_move = sim_irq_move,
	};
	const char *bad = sdei_restore_check(&r);

	if (!bad)
		sdei_restore_apply(&r);
	else if (must) {
		printf("a state that was read cannot be restored: %s\n", bad);
		abort();
	}
}

/* To another VM by way of registers, in any order of PEs; all must read as before. */
static void migrate(unsigned first)
{
	static u64 pe_words[SIM_PES][64 + SDEI_GPRS * 4], vm_words[128], after[256];
	static struct sim old;
	unsigned i, k;

	for (i = 0; i < SIM_PES; i++)
		sdei_pe_image_fill(&sim.pe[i], pe_words[i]);
	sdei_vm_image_fill(&sim.vm, vm_words);
	memcpy(&old, &sim, sizeof(old));
	sim_init(SIM_PES);
	/* The interrupt controller is restored by itself, and does not know of events. */
	memcpy(sim.spi, old.spi, sizeof(sim.spi));
	memcpy(sim.ppi, old.ppi, sizeof(sim.ppi));
	for (i = 0; i < SIM_PES; i++) {
		sim.online[i] = old.online[i];
		sim.pe[i].masked = true;
		for (k = 0; k < 32; k++)
			sim.ppi[i][k].claimed = false;
	}
	for (k = 0; k < SIM_IRQS; k++)
		sim.spi[k].claimed = false;
	for (i = 0; i < SIM_PES; i++) {
		unsigned pe = (first + i) % SIM_PES;

		restore_words(&sim.pe[pe], pe_words[pe], i ? NULL : vm_words, true);
	}
	for (i = 0; i < SIM_PES; i++) {
		sdei_reevaluate(&sim.pe[i]);
		sdei_pe_image_fill(&sim.pe[i], after);
		if (memcmp(after, pe_words[i], sdei_pe_words(&sim.vm) * 8))
			abort();
		for (k = 0; k < 32; k++)
			if (sim.ppi[i][k].claimed != old.ppi[i][k].claimed)
				abort();
	}
	sdei_offer(&sim.vm);
	sdei_vm_image_fill(&sim.vm, after);
	if (memcmp(after, vm_words, sdei_vm_words(&sim.vm) * 8))
		abort();
}

/* Whatever a VMM writes: refused, or a state that is consistent. */
static void any_registers(struct input *in)
{
	static u64 pe_words[64 + SDEI_GPRS * 4], vm_words[128];
	struct sdei_pe *pe = &sim.pe[0];
	struct sdei_reg_place place;
	unsigned n = take(in, 1) % 16;

	sim_init(1);
	sdei_pe_image_fill(pe, pe_words);
	sdei_vm_image_fill(&sim.vm, vm_words);
	while (n--) {
		u16 index = sdei_reg_index(&sim.vm, take(in, 2) % sdei_reg_count(&sim.vm));
		u64 val = take(in, 1) & 1 ? take(in, 8) : take(in, 1);

		if (!sdei_reg_check(pe, index, val, &place) && !place.fixed)
			(place.in_vm ? vm_words : pe_words)[place.at] = val;
		(void)sdei_reg_check(pe, take(in, 2), val, &place);
	}
	restore_words(pe, pe_words, vm_words, false);
	sdei_reevaluate(pe);
	sdei_offer(&sim.vm);
}

static void call(struct input *in, struct sdei_pe *pe, unsigned op)
{
	u64 val;

	switch (op) {
	case 0:
	case 1:
		(void)sdei_event_register(pe, take_event(in), op ? ENTRY : take(in, 8), 0, take(in, 1) & 3,
					  take_affinity(in));
		break;
	case 2:
	case 3:
		(void)sdei_event_enable(pe, take_event(in));
		break;
	case 4:
		(void)sdei_event_disable(pe, take_event(in));
		break;
	case 5:
		(void)sdei_event_unregister(pe, take_event(in));
		break;
	case 6:
		(void)sdei_event_status(pe, take_event(in));
		(void)sdei_event_get_info(pe, take_event(in), take(in, 1) & 7);
		(void)sdei_event_context(pe, take(in, 1), &val);
		(void)sdei_features(pe->vm, take(in, 1));
		break;
	case 7:
		(void)sdei_routing_set(pe, take_event(in), take(in, 1) & 3, take_affinity(in));
		break;
	case 8:
		(void)sdei_event_signal(pe, take(in, 1) & 0x80 ? take_event(in) : 0, take_affinity(in));
		break;
	case 9:
		(void)sdei_interrupt_bind(pe, take_irq(in));
		break;
	case 10:
		(void)sdei_interrupt_release(pe, take_event(in));
		break;
	case 11:
		(void)sdei_pe_mask(pe);
		break;
	case 12:
		(void)sdei_pe_unmask(pe);
		break;
	case 13:
		(void)sdei_private_reset(pe);
		break;
	case 14:
		(void)sdei_shared_reset_call(pe);
		break;
	default:
		(void)sim_complete(pe);
	}
}

static void outside(struct input *in, struct sdei_pe *pe, unsigned op)
{
	u32 intid;
	int e;

	switch (op) {
	case 0:
		e = sdei_event_find(&sim.vm, take_event(in));
		if (e >= 0 && !sim.event[e].intid)
			sdei_trigger(pe, e);
		break;
	case 1:
		intid = take_irq(in);
		sim_irq(intid < 32 ? pe : NULL, intid)->edge |= take(in, 1) & 1;
		sim_irq_input(intid < 32 ? pe : NULL, intid, take(in, 1) & 1);
		break;
	case 2:
		sim_cpu_off(pe);
		break;
	case 3:
		migrate(take(in, 1));
		break;
	case 4:
		e = sdei_event_find(&sim.vm, take_event(in));
		if (e >= 0 && !sim.event[e].intid)
			(void)sdei_cancel(pe, e);
		break;
	default:
		sim.kicked[sim_index(pe)] = true;
		(void)sim_look(pe);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	const char *bad;

	sim_init(SIM_PES);
	if (size && data[0] == 0xff) {
		in.p++;
		any_registers(&in);
		bad = sim_check();
		if (bad) {
			printf("%s\n", bad);
			abort();
		}
		return 0;
	}
	while (in.p < in.end) {
		unsigned op = take(&in, 1);
		struct sdei_pe *pe = &sim.pe[(op >> 5) % SIM_PES];

		if (!sim.online[sim_index(pe)])
			sim_cpu_on(pe);
		else if (op & 0x10)
			outside(&in, pe, op & 7);
		else
			call(&in, pe, op & 0xf);
		bad = sim_check();
		if (bad) {
			printf("%s\n", bad);
			abort();
		}
	}
	return 0;
}
