// SPDX-License-Identifier: GPL-2.0-only
// link: kvm/vgic/model.c kvm/vgic/model_lr.c kvm/vgic/lpi.c kvm/vgic/mmio.c kvm/vgic/dist.c kvm/vgic/redist.c kvm/vgic/its.c kvm/vgic/its_mmio.c kvm/vgic/its_table.c kernel/lib/tree.c
/* Any bytes as ITS commands, register accesses, tables and messages, with allocations that fail: the state stays consistent. */
#include "tests/host/input.h"
#include "tests/host/its_sim.h"

/* Small numbers, so that commands meet. */
static void command(struct input *in)
{
	unsigned op = take(in, 1), dev = take(in, 1), ev = take(in, 1), lpi = take(in, 1), coll = take(in, 1);
	u64 c = (coll & 0xf) | (u64)(coll >> 4 & 3) << 16;

	switch (op & 0x1f) {
	case 8:
		c = ITT(dev & 7);
		ev &= 7;
		break;
	case 10:
	case 11:
		lpi = LPI0 + (lpi & 0x7f);
		if (op & 0x40)
			lpi = take(in, 3);
		break;
	}
	if (op & 0x20)
		c = take(in, 7) << 8;
	(void)cmd((u64)(dev & 0x1f) << 32 | (op & 0x1f), (ev & 0x3f) | (u64)lpi << 32, c | (u64)(op >> 7) << 63,
		  (u64)(lpi & 3) << 16);
}

static void registers(struct input *in)
{
	static const u16 its_offs[] = { 0, 4, 8, 0x80, 0x84, 0x88, 0x90, 0x100, 0x104, 0x108, 0x10c, 0x110, 0xffe8 };
	static const u16 rd_offs[] = { 0, 8, 0x70, 0x74, 0x78, 0x7c, 0xa0, 0xb0, 0xc0 };
	unsigned what = take(in, 1), at = take(in, 1);
	u64 val = take(in, 8);
	struct vgic_access a = { .d = &dist, .len = what & 1 ? 8 : 4 };

	if (what & 2) {
		a.its = &its;
		if (what & 4) {
			u32 off = its_offs[at % ARRAY_SIZE(its_offs)] & ~7U;

			(void)vgic_its_user_access(off, &a, &val, what & 8);
		} else if (what & 8) {
			vgic_mmio_write(VGIC_GITS, its_offs[at % ARRAY_SIZE(its_offs)], &a, val);
		} else {
			(void)vgic_mmio_read(VGIC_GITS, its_offs[at % ARRAY_SIZE(its_offs)], &a);
		}
		sim_patience = 8;
		(void)its_process(&its);
		sim_patience = ~0U;
		return;
	}
	a.p = a.self = &pes[at >> 4 & 1];
	vgic_mmio_write(VGIC_GICR_RD, rd_offs[(at & 0xf) % ARRAY_SIZE(rd_offs)], &a, val);
}

static void poke(struct input *in)
{
	static const u64 where[] = { DEVS, COLLS, PROPS, PENDS + LPI0 / 8, QUEUE, ITT(0), ITT(1), ITT(2) };
	unsigned at = take(in, 1);
	u64 off = where[at & 7] - SIM_MEM + (at >> 3) + take(in, 1);

	sim_mem[off] = take(in, 1);
	sim_dirty[off / PAGE_SIZE] = true;
}

static void stand_still(struct input *in, bool *inside)
{
	unsigned i, what = take(in, 1);

	for (i = 0; i < SIM_PES; i++) {
		if (inside[i])
			sim_exit(&pes[i]);
		inside[i] = false;
	}
	sim_patience = 4000;
	switch (what % 6) {
	case 0:
		(void)vgic_lpis_save(&dist);
		break;
	case 1:
		(void)its_save(&its);
		break;
	case 2:
		(void)its_restore(&its);
		break;
	case 3:
		its_reset(&its);
		its_reg(0x100, BIT(63) | (what & 8 ? BIT(62) : 0) | DEVS);
		its_reg(0x108, BIT(63) | COLLS);
		its.enabled = true;
		break;
	case 4:
		(void)its_save(&its);
		its_reset(&its);
		its_reg(0x100, BIT(63) | DEVS);
		its_reg(0x108, BIT(63) | COLLS);
		its.enabled = true;
		(void)its_restore(&its);
		break;
	default:
		allocs_left = what >> 4;
	}
	sim_patience = ~0U;
}

static void step(struct input *in, bool *inside)
{
	unsigned op = take(in, 1), who = (op >> 4) % SIM_PES;
	struct vgic_pe *p = &pes[who];

	switch (op & 0xf) {
	case 0 ... 4:
		command(in);
		break;
	case 5 ... 7:
		(void)its_trigger(&its, take(in, 1) & 0x1f, take(in, 1) & 0x3f);
		break;
	case 8:
		registers(in);
		break;
	case 9:
		poke(in);
		break;
	case 10:
		stand_still(in, inside);
		break;
	case 11:
		p->vmcr = take(in, 4);
		(void)vgic_model_has_pending(p);
		allocs_left = ~0U;
		break;
	case 12:
		if (inside[who])
			sim_ack(p);
		break;
	case 13:
		if (inside[who] && sim[who].depth)
			sim_eoi(p);
		break;
	default:
		if (inside[who])
			sim_exit(p);
		else
			sim_enter(p);
		inside[who] = !inside[who];
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	bool inside[SIM_PES] = { false };
	unsigned i, steps = 0;

	for (i = 0; i < ARRAY_SIZE(sim_dirty); i++)
		if (sim_dirty[i])
			memset(sim_mem + i * PAGE_SIZE, 0, PAGE_SIZE);
	memset(sim_dirty, 0, sizeof(sim_dirty));
	its_sim_again();
	while (in.p < in.end) {
		step(&in, inside);
		for (i = 0; i < SIM_PES; i++)
			if (inside[i] && !pes[i].live)
				sim[i].eoicount = 0;
		if (++steps % 16 == 0)
			sim_check();
	}
	for (i = 0; i < SIM_PES; i++)
		if (inside[i])
			sim_exit(&pes[i]);
	sim_check();
	sim_free();
	return 0;
}
