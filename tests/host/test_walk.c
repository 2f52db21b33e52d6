// SPDX-License-Identifier: GPL-2.0-only
// link: kvm/nested/walk.c
/* The walker of guests' tables: stage 2 in three granules, stage 1, faults by level; and what ICH's read-only registers say. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvm/nested/vgic_logic.h"
#include "kvm/nested/walk.h"

#define MEM_SIZE	(1 << 20)
#define AF		BIT(10)
#define S2_RW		(3UL << 6)
#define S2_XN		BIT(54)

static u8 mem[MEM_SIZE];

static int read_mem(void *arg, u64 addr, u64 *desc)
{
	if (addr + 8 > MEM_SIZE)
		return WALK_EXTERNAL;
	memcpy(desc, mem + addr, 8);
	return 0;
}

static void put(u64 table, u64 index, u64 desc)
{
	memcpy(mem + table + index * 8, &desc, 8);
}

static u64 vtcr(unsigned t0sz, unsigned sl0, unsigned tg0)
{
	return t0sz | sl0 << 6 | tg0 << 14 | 5UL << 16;
}

static struct walk stage2(u64 v, u64 base)
{
	struct walk w = { .read = read_mem };

	assert(walk_stage2_setup(&w, v, base, 48));
	return w;
}

/* 4 KiB, 40 bits, from level 1: two tables side by side. */
static void test_4k(void)
{
	struct walk w = stage2(vtcr(24, 1, 0), 0x10000);
	struct walk_result r;

	memset(mem, 0, sizeof(mem));
	assert(w.level == 1 && w.granule == 12 && w.in_bits == 40);
	put(0x10000, 513, 0x20003);				/* 513 GiB: in the second table */
	put(0x20000, 5, 0x40200000 | AF | S2_RW | 1);		/* 2 MiB block */
	put(0x20000, 6, 0x30003);
	put(0x30000, 7, 0x55555000 | AF | BIT(6) | S2_XN | 3);	/* page, read only, not executable */
	put(0x30000, 8, 0x55556000 | S2_RW | 3);		/* no access flag */
	assert(walk_tables(&w, (513UL << 30) + (5 << 21) + 0x1234, &r) == 0);
	assert(r.out == 0x40201234 && r.size == 1 << 21 && r.r && r.w && r.x && r.level == 2);
	assert(walk_tables(&w, (513UL << 30) + (6 << 21) + 0x7abc, &r) == 0);
	assert(r.out == 0x55555abc && r.size == 4096 && r.r && !r.w && !r.x);
	assert(walk_tables(&w, (513UL << 30) + (6 << 21) + 0x8000, &r) == (WALK_ACCESS_FLAG | 3));
	assert(walk_tables(&w, (513UL << 30) + (6 << 21) + 0x9000, &r) == (WALK_TRANSLATION | 3));
	assert(walk_tables(&w, 0, &r) == (WALK_TRANSLATION | 1));
	assert(walk_tables(&w, 1UL << 40, &r) == (WALK_TRANSLATION | 1));
	put(0x20000, 9, 0x800000003);				/* a table outside of memory */
	assert(walk_tables(&w, (513UL << 30) + (9 << 21), &r) == (WALK_EXTERNAL | 3) && r.table_fault);
}

/* Access flag and dirty state by the hardware (FEAT_HAFDBS). */
static void test_updates(void)
{
	struct walk w = stage2(vtcr(24, 1, 0), 0x10000);
	struct walk_result r;

	memset(mem, 0, sizeof(mem));
	put(0x10000, 0, 0x20003);
	put(0x20000, 0, 0x40200000 | BIT(6) | BIT(51) | 1);	/* no access flag; DBM: clean */
	put(0x20000, 1, 0x40400000 | BIT(6) | AF | 1);
	put(0x20000, 2, 0x40600000 | S2_RW | BIT(51) | AF | 1);	/* dirty already */
	assert(walk_tables(&w, 0x1000, &r) == (WALK_ACCESS_FLAG | 2));
	w.ha = true;
	assert(walk_tables(&w, 0x1000, &r) == 0 && r.r && !r.w && !r.clean && r.table == 0x20000);
	w.hd = true;
	assert(walk_tables(&w, 0x1000, &r) == 0 && r.w && r.clean);
	assert(walk_tables(&w, 0x200000, &r) == 0 && !r.w && !r.clean);
	assert(walk_tables(&w, 0x400000, &r) == 0 && r.w && !r.clean && r.table == 0x20010);
	w = (struct walk){ .read = read_mem, .granule = 12, .in_bits = 39, .out_bits = 48, .level = 1, .base = 0x10000 };
	put(0x20000, 3, 0x40800000 | BIT(6) | BIT(7) | BIT(51) | AF | 1);	/* stage 1, read-only until written */
	assert(walk_tables(&w, 0x600000, &r) == 0 && !r.w && !r.w0);
	w.ha = w.hd = true;
	assert(walk_tables(&w, 0x600000, &r) == 0 && r.w && r.w0);
	put(0x10000, 0, 0x20003 | BIT(62));			/* a table that is for reading */
	assert(walk_tables(&w, 0x600000, &r) == 0 && !r.w && !r.w0);
}

static void test_16k_64k(void)
{
	struct walk w = stage2(vtcr(28, 1, 2), 0x10000);	/* 16 KiB, 36 bits, from level 2 */
	struct walk_result r;

	memset(mem, 0, sizeof(mem));
	assert(w.level == 2 && w.granule == 14);
	put(0x10000, 3, 0x42000000 | AF | S2_RW | 1);		/* 32 MiB */
	assert(walk_tables(&w, (3UL << 25) + 0x123456, &r) == 0 && r.out == 0x42123456 && r.size == 1 << 25);
	w = stage2(vtcr(24, 1, 1), 0x10000);			/* 64 KiB, 40 bits, from level 2 */
	assert(w.level == 2 && w.granule == 16);
	put(0x10000, 4, 0x30003);
	put(0x30000, 5, 0x77770000 | AF | S2_RW | 3);
	assert(walk_tables(&w, (4UL << 29) + (5 << 16) + 0xbeef, &r) == 0 && r.out == 0x7777beef && r.size == 1 << 16);
}

static void test_nonsense(void)
{
	struct walk w = { .read = read_mem };

	assert(!walk_stage2_setup(&w, vtcr(24, 1, 3), 0, 48));	/* reserved granule */
	assert(!walk_stage2_setup(&w, vtcr(16, 0, 0), 0, 48));	/* 48 bits from level 2 */
	assert(!walk_stage2_setup(&w, vtcr(63, 1, 0), 0, 48));
	assert(!walk_stage2_setup(&w, vtcr(24, 3, 0), 0, 48));
}

static void test_stage1(void)
{
	u64 tcr = 16 | 16UL << 16 | 2UL << 30 | 5UL << 32, in;
	struct walk w = { .read = read_mem };
	struct walk_result r;

	memset(mem, 0, sizeof(mem));
	assert(walk_stage1_setup(&w, tcr, 0x10000, 0x50000, 1, 48, 0xffff800000001234, &in));
	assert(w.level == 0 && w.base == 0x50000 && in == 0x800000001234);
	put(0x50000, 256, 0x51003);
	put(0x51000, 0, 0x52003 | BIT(62));			/* APTable: read only below */
	put(0x52000, 0, 0x53003);
	put(0x53000, 1, 0x99999000 | AF | BIT(54) | 3);
	assert(walk_tables(&w, in, &r) == 0 && r.out == 0x99999234 && r.r && !r.w && r.x && !r.r0 && !r.x0);
	assert(!walk_stage1_setup(&w, tcr, 0x10000, 0x50000, 1, 48, 0x00ff800000001234, &in));	/* between the ranges */
	assert(!walk_stage1_setup(&w, tcr | BIT(23), 0x10000, 0x50000, 1, 48, 0xffff800000001234, &in));	/* EPD1 */
}

/* Random tables and controls: no reading outside, always an end. */
static void test_random(void)
{
	struct walk_result r;
	unsigned i, j;

	srand(1);
	for (i = 0; i < 20000; i++) {
		struct walk w = { .read = read_mem };

		for (j = 0; j < 64; j++)
			put(rand() % (MEM_SIZE / 8) * 8, 0, (u64)rand() << 40 ^ (u64)rand() << 12 ^ rand());
		if (walk_stage2_setup(&w, (u64)rand() << 10 ^ rand(), (u64)rand() << 20 ^ rand(), 48))
			(void)walk_tables(&w, ((u64)rand() << 24 ^ rand()) & (BIT(w.in_bits) - 1), &r);
	}
}

static void test_ich(void)
{
	struct ich_state s = { .nr_lr = 4 };

	s.lr[0] = BIT(62) | 27;			/* pending */
	s.lr[1] = BIT(41) | 28;			/* ended, to be told */
	s.lr[2] = BIT(61) | BIT(41) | 29;	/* ended, linked: bit 41 belongs to the number */
	assert(ich_eisr(&s) == 2 && ich_elrsr(&s) == 0xc);
	assert(ich_misr(&s) == 1);
	s.lr[1] = 0;
	assert(ich_misr(&s) == 0);
	s.hcr = BIT(1) | BIT(3);
	assert(ich_misr(&s) == BIT(1));
	s.lr[0] = BIT(63) | 27;
	assert(ich_misr(&s) == (BIT(1) | BIT(3)));
	s.hcr = BIT(6) | BIT(5) | BIT(2) | 1UL << 27;
	s.vmcr = BIT(1);
	assert(ich_misr(&s) == (BIT(6) | BIT(5) | BIT(2)));
}

int main(void)
{
	test_4k();
	test_updates();
	test_16k_64k();
	test_nonsense();
	test_stage1();
	test_random();
	test_ich();
	return 0;
}
