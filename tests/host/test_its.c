// SPDX-License-Identifier: GPL-2.0-only
// link: kvm/vgic/model.c kvm/vgic/model_lr.c kvm/vgic/lpi.c kvm/vgic/mmio.c kvm/vgic/dist.c kvm/vgic/redist.c kvm/vgic/its.c kvm/vgic/its_mmio.c kvm/vgic/its_table.c kernel/lib/tree.c
/* The ITS: commands, LPIs into list registers and back, tables saved and restored; then random ones against a plain list. */
#include "tests/host/its_sim.h"

static u64 rng = 88172645463325252UL;

static unsigned rnd(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng % n;
}

static void take(struct vgic_pe *p, u32 lpi)
{
	sim_enter(p);
	assert(sim_ack(p) == (int)lpi);
	if (lpi != 1023)
		sim_eoi(p);
	sim_exit(p);
	sim_check();
}

static void test_delivery(void)
{
	struct vgic_pe *p = &pes[0];

	its_sim_init();
	config(LPI0, 0xa1);
	config(LPI0 + 1, 0x41);
	mapd(7, ITT(0), 4, true);
	mapc(0, 0, true);
	assert(mapti(7, 3, LPI0, 0) == 0);
	assert(its_trigger(&its, 7, 3) == 0 && (p->summary & VGIC_SUM_LPI) && sim[0].kicked);
	take(p, LPI0);
	assert(!p->summary);
	/* Not mapped, or not any more. */
	assert(its_trigger(&its, 7, 2) == 1 && its_trigger(&its, 6, 3) == 1 && its_trigger(&its, 0x10007, 3) == 1);
	assert(its_trigger(&its, 7, 0x10003) == 1);
	/* Again while the first is being handled: not before its end, without any list register for it. */
	its_trigger(&its, 7, 3);
	sim_enter(p);
	assert(sim_ack(p) == LPI0);
	its_trigger(&its, 7, 3);
	sim_exit(p);
	sim_check();
	sim_enter(p);
	assert(sim_ack(p) == 1023);
	sim_eoi(p);
	assert(!sim[0].eoicount && sim_ack(p) == LPI0);
	sim_eoi(p);
	sim_exit(p);
	/* The more urgent first. */
	mapti(7, 4, LPI0 + 1, 0);
	its_trigger(&its, 7, 3);
	its_trigger(&its, 7, 4);
	take(p, LPI0 + 1);
	take(p, LPI0);
	/* Priority mask, group, distributor. */
	its_trigger(&its, 7, 3);
	p->vmcr = 0xa0UL << VMCR_PMR_SHIFT | VMCR_ENG1;
	assert(!vgic_model_has_pending(p));
	p->vmcr = 0xf8UL << VMCR_PMR_SHIFT;
	assert(!vgic_model_has_pending(p));
	sim_enter(p);
	assert(sim_ack(p) == 1023);
	sim_exit(p);
	p->vmcr |= VMCR_ENG1;
	dist.en = 1;
	assert(!vgic_model_has_pending(p));
	dist.en = 3;
	assert(vgic_model_has_pending(p));
	/* Disabled while it is in a list register: fetched back, kept pending. */
	sim_enter(p);
	config(LPI0, 0xa0);
	assert(inv(7, 3) == 0 && sim_must_exit(p));
	sim_exit(p);
	assert(!p->summary);
	config(LPI0, 0xa1);
	inv(7, 3);
	take(p, LPI0);
	/* CLEAR and DISCARD while it is in a list register. */
	its_trigger(&its, 7, 3);
	sim_enter(p);
	assert(clear(7, 3) == 0 && sim_must_exit(p));
	sim_exit(p);
	assert(!p->summary);
	its_trigger(&its, 7, 3);
	sim_enter(p);
	assert(discard(7, 3) == 0 && sim_must_exit(p));
	sim_exit(p);
	assert(!p->summary && its_trigger(&its, 7, 3) == 1);
	sim_check();
}

static void test_more_than_fit(void)
{
	struct vgic_pe *p = &pes[0];
	unsigned i, seen = 0;
	u8 last = 0;

	its_sim_init();
	mapd(1, ITT(0), 8, true);
	mapc(0, 0, true);
	for (i = 0; i < 200; i++) {
		config(LPI0 + i * 3, rnd(31) << 3 | 1);
		assert(mapti(1, i, LPI0 + i * 3, 0) == 0);
		its_trigger(&its, 1, i);
	}
	while (vgic_model_has_pending(p)) {
		int lpi;

		sim_enter(p);
		while ((lpi = sim_ack(p)) != 1023) {
			u8 prio = sim[0].prio[sim[0].depth - 1];

			assert(prio >= last);
			last = prio;
			sim_eoi(p);
			seen++;
			if (sim_must_exit(p))
				break;
		}
		sim_exit(p);
		sim_check();
	}
	assert(seen == 200);
}

static void test_targets(void)
{
	its_sim_init();
	config(LPI0, 0xa1);
	mapd(1, ITT(0), 4, true);
	assert(mapti(1, 0, LPI0, 5) == 0);		/* a collection that is not mapped yet */
	assert(its_trigger(&its, 1, 0) == 1);
	mapc(5, 1, true);
	its_trigger(&its, 1, 0);
	assert(!pes[0].summary && pes[1].summary);
	mapc(6, 2, true);
	assert(movi(1, 0, 6) == 0);			/* pending, so it moves */
	assert(!pes[1].summary && pes[2].summary);
	assert(movi(1, 0, 9) == 1);
	/* In the list register of a PE: goes when that comes out. */
	sim_enter(&pes[2]);
	mapc(6, 0, true);
	assert(sim_must_exit(&pes[2]) && !pes[0].summary);
	sim_exit(&pes[2]);
	assert(pes[0].summary && !pes[2].summary);
	movall(0, 1);
	assert(!pes[0].summary && pes[1].summary);
	take(&pes[1], LPI0);
	mapc(6, 0, false);
	assert(its_trigger(&its, 1, 0) == 1);
	mapc(6, 2, true);
	assert(its_trigger(&its, 1, 0) == 0);
	/* LPIs off: refused, and what is pending is dropped. */
	lpis(2, 0);
	assert(its_trigger(&its, 1, 0) == -EBUSY && !pes[2].summary);
	sim_mem[PENDS - SIM_MEM + 2 * 0x10000 + LPI0 / 8] = 1;
	lpis(2, 1);
	take(&pes[2], LPI0);
	assert(mapc(7, 99, true) == 1);
	assert(mapc(8192, 0, true) == 1);		/* beyond one page of the table */
	sim_check();
}

static void test_refused(void)
{
	u64 l1 = BIT(63) | ITT(9);

	its_sim_init();
	mapc(0, 0, true);
	assert(mapd(8192, ITT(0), 4, true) == 1);
	assert(mapd(1, ITT(0), 17, true) == 1);
	assert(mapd(1, ITT(0), 4, true) == 0);
	assert(mapti(2, 0, LPI0, 0) == 1);
	assert(mapti(1, 16, LPI0, 0) == 1);
	assert(mapti(1, 0, LPI0 - 1, 0) == 1);
	assert(mapti(1, 0, 65536, 0) == 1);
	assert(mapti(1, 0, LPI0, 8192) == 1);
	assert(inv(1, 0) == 1 && clear(1, 0) == 1 && discard(1, 0) == 1 && movi(1, 0, 0) == 1);
	assert(cmd(0x77, 0, 0, 0) == 1);
	/* A table in no memory. */
	assert(mapd(2, 0x1000, 4, true) == 0 && mapti(2, 0, LPI0, 0) == 1);
	/* Two levels. */
	its.enabled = false;
	its_reg(0x100, BIT(63) | BIT(62) | DEVS);
	its.enabled = true;
	memcpy(sim_mem + (DEVS - SIM_MEM) + 8, &l1, 8);
	assert(mapd(8191, ITT(0), 4, true) == 1 && mapd(8192, ITT(0), 4, true) == 0);
	/* No memory in the kernel: nothing half done. */
	for (unsigned n = 0; n < 4; n++) {
		int ret;

		allocs_left = n;
		ret = mapti(8192, 1, LPI0 + 640, 77);
		allocs_left = ~0U;
		assert(ret == 0 || ret == -ENOMEM);
		sim_check();
		if (!ret)
			break;
		assert(n < 3);
	}
	assert(its_trigger(&its, 8192, 1) == 1);
	sim_check();
}

/* The queue: wraps, and can be left in the middle. */
static void test_queue(void)
{
	unsigned i;

	its_sim_init();
	for (i = 0; i < 127; i++)
		queue_put(i, 5, 0, 0, 0);	/* SYNC */
	queue_put(0, 9, 0, 0, BIT(63) | 3);	/* MAPC */
	its_reg(0x88, 127 * 32);
	assert(its_process(&its) && its.creadr == 127 * 32);
	queue_put(127, 9, 0, 0, BIT(63) | 4);
	its_reg(0x88, 32);
	sim_patience = 2;
	assert(!its_process(&its) && its.creadr == 0);
	sim_patience = ~0U;
	assert(its_process(&its) && its.creadr == 32);
	assert(tree_find(&its.colls, 3) && tree_find(&its.colls, 4));
	its_reg(0x88, 0x1000);			/* beyond the end */
	assert(its.cwriter == 32);
}

static void test_save(void)
{
	unsigned i;

	its_sim_init();
	mapd(3, ITT(0), 6, true);
	mapd(900, ITT(1), 4, true);
	for (i = 0; i < 3; i++)
		mapc(100 - i, i, true);
	for (i = 0; i < 10; i++) {
		config(LPI0 + i * 100, 0x81 + i * 8);
		assert(mapti(3, i * 5 + 2, LPI0 + i * 100, 98 + i % 3) == 0);
	}
	mapti(900, 15, LPI0 + 7, 55);		/* a collection never mapped */
	for (i = 0; i < 10; i += 2)
		its_trigger(&its, 3, i * 5 + 2);
	assert(vgic_lpis_save(&dist) == 0);
	assert(its_save(&its) == 0);
	its_sim_again();
	assert(its_restore(&its) == 0);
	sim_check();
	assert(its.nr_events == 11 && its_trigger(&its, 900, 15) == 1);
	for (i = 0; i < 10; i++) {
		unsigned pe = 2 - i % 3;

		if (i % 2)
			assert(its_trigger(&its, 3, i * 5 + 2) == 0);
		assert(pes[pe].summary);
		take(&pes[pe], LPI0 + i * 100);
	}
	/* What is mapped already does not mix with what is restored. */
	assert(its_restore(&its) == -EEXIST);
	/* An entry left from an earlier save is not found again. */
	its_sim_again();
	mapc(1, 0, true);
	mapd(3, ITT(0), 6, true);
	mapti(3, 40, LPI0, 1);
	assert(its_save(&its) == 0);
	its_sim_again();
	assert(its_restore(&its) == 0 && its.nr_events == 1 && its_trigger(&its, 3, 40) == 0);
	sim_check();
}

/* Any bytes as tables. */
static void test_restore_anything(void)
{
	unsigned round, i;

	for (round = 0; round < 300; round++) {
		its_sim_init();
		for (i = 0; i < 0x4000; i++) {
			sim_mem[DEVS - SIM_MEM + rnd(0x800)] = rnd(256);
			sim_mem[COLLS - SIM_MEM + rnd(0x100)] = rnd(256);
		}
		for (i = 0; i < 32; i++) {
			u64 cte = BIT(63) | (u64)rnd(4) << 16 | (i + 100 * !rnd(40));
			u64 dte = BIT(63) | (u64)rnd(3) << 49 | ITT(i % 8) >> 8 << 5 | rnd(8);
			u64 ite = (u64)rnd(3) << 48 | (u64)(LPI0 + rnd(70)) << 16 | rnd(20);

			if (round & 1)
				memcpy(sim_mem + (COLLS - SIM_MEM) + i * 8, &cte, 8);
			if (round & 2)
				memcpy(sim_mem + (DEVS - SIM_MEM) + i * 8, &dte, 8);
			memcpy(sim_mem + (ITT(i % 8) - SIM_MEM) + i * 8, &ite, 8);
		}
		if (its_restore(&its) < 0)
			assert(!its.nr_events && !tree_first(&its.devices) && !tree_first(&its.colls));
		sim_check();
	}
}

enum { EVENTS = 64 };

/* Take all that comes: then nothing that is enabled may still be pending. */
static void drain(bool *pending, const bool *enabled)
{
	unsigned i;
	int lpi;

	for (i = 0; i < SIM_PES; i++) {
		while (vgic_model_has_pending(&pes[i])) {
			sim_enter(&pes[i]);
			while ((lpi = sim_ack(&pes[i])) != 1023) {
				assert(pending[lpi - LPI0]);
				pending[lpi - LPI0] = false;
				sim_eoi(&pes[i]);
			}
			sim_exit(&pes[i]);
		}
	}
	for (i = 0; i < EVENTS; i++)
		assert(!pending[i] || !enabled[i]);
}

/* Random commands and messages; each LPI that was triggered and is not cleared, moved away or discarded comes once. */
static void test_random(void)
{
	enum { STEPS = 60000 };
	bool mapped[EVENTS] = { false }, pending[EVENTS] = { false }, enabled[EVENTS] = { false };
	unsigned step, i;

	its_sim_init();
	mapd(1, ITT(0), 6, true);
	for (i = 0; i < SIM_PES; i++)
		mapc(i, i, true);
	for (step = 0; step < STEPS; step++) {
		unsigned e = rnd(EVENTS), who = rnd(SIM_PES);
		struct vgic_pe *p = &pes[who];
		int lpi;

		switch (rnd(9)) {
		case 0:
			if (!mapped[e]) {
				enabled[e] = rnd(4);
				config(LPI0 + e, rnd(30) << 3 | enabled[e]);
				assert(mapti(1, e, LPI0 + e, who) == 0);
				mapped[e] = true;
			} else if (!rnd(4)) {
				assert(discard(1, e) == 0);
				mapped[e] = pending[e] = false;
			}
			break;
		case 1 ... 3:
			assert(its_trigger(&its, 1, e) == !mapped[e]);
			pending[e] |= mapped[e];
			break;
		case 4:
			if (mapped[e] && !movi(1, e, who) && rnd(2)) {
				clear(1, e);
				pending[e] = false;
			}
			break;
		case 5:
			if (mapped[e]) {
				enabled[e] = rnd(4);
				config(LPI0 + e, rnd(30) << 3 | enabled[e]);
				assert(inv(1, e) == 0);
			}
			break;
		default:
			/* A stay in the guest: what comes must be pending. Kicks come at once here. */
			sim_enter(p);
			while (!sim_must_exit(p) && (lpi = sim_ack(p)) != 1023) {
				assert(pending[lpi - LPI0] && enabled[lpi - LPI0]);
				pending[lpi - LPI0] = false;
				if (rnd(3)) {
					sim_eoi(p);
				} else {
					sim_exit(p);
					sim_enter(p);
					sim_eoi(p);
				}
			}
			sim_exit(p);
		}
		if (step % 16 == 0)
			sim_check();
		if (step % 64 == 0)
			drain(pending, enabled);
	}
}

int main(void)
{
	test_delivery();
	test_more_than_fit();
	test_targets();
	test_refused();
	test_queue();
	test_save();
	test_restore_anything();
	test_random();
	sim_free();
	printf("its: ok\n");
	return 0;
}
