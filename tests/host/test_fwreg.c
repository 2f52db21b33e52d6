// SPDX-License-Identifier: GPL-2.0-only
// link: kvm/smccc/fw_logic.c kernel/cpu/spec.c
/* Hypercall feature registers and filter: which writes are refused and with what, what is true of a CPU. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kvm/smccc/fw_logic.h"

static void test_bitmap(void)
{
	assert(bitmap_check(3, 3, 0, false) == 0);
	assert(bitmap_check(3, 0, 3, false) == 0);
	assert(bitmap_check(3, 3, 4, false) == -EINVAL);
	assert(bitmap_check(3, 3, ~0UL, false) == -EINVAL);
	assert(bitmap_check(3, 3, 1UL << 63, false) == -EINVAL);
	/* Once run: unknown bits are still invalid, the same value is fine, another is busy. */
	assert(bitmap_check(3, 3, 7, true) == -EINVAL);
	assert(bitmap_check(3, 3, 3, true) == 0);
	assert(bitmap_check(3, 3, 1, true) == -EBUSY);
	assert(bitmap_check(3, 1, 3, true) == -EBUSY);
	assert(bitmap_check(0, 0, 0, true) == 0);
}

static void test_psci(void)
{
	static const u64 all[] = { 1, 2, 0x10000, 0x10001 };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		assert(psci_version_check(true, all[i]) == (i ? 0 : -EINVAL));
		assert(psci_version_check(false, all[i]) == (i ? -EINVAL : 0));
	}
	assert(psci_version_check(true, 0) == -EINVAL);
	assert(psci_version_check(true, 3) == -EINVAL);
	assert(psci_version_check(true, 0x10002) == -EINVAL);
	assert(psci_version_check(true, 0x100010001) == -EINVAL);
}

static void test_workarounds(void)
{
	unsigned which, level, val;

	for (which = 1; which <= 3; which += 2)
		for (level = 0; level <= 2; level++)
			for (val = 0; val <= 40; val++)
				assert(workaround_check(which, level, val) == (val <= level ? 0 : -EINVAL));
	assert(workaround_check(1, 2, 1UL << 32) == -EINVAL);
	/* Workaround 2 is only ever 0 or 3 here. */
	for (level = 0; level <= 3; level += 3) {
		assert(workaround_check(2, level, WA_NOT_AVAIL) == 0);
		assert(workaround_check(2, level, WA2_UNKNOWN) == 0);
		assert(workaround_check(2, level, WA2_AVAIL) == (level ? 0 : -EINVAL));
		assert(workaround_check(2, level, WA2_NOT_REQUIRED) == (level ? 0 : -EINVAL));
		/* ENABLED goes with AVAIL only. */
		assert(workaround_check(2, level, 1 << 4 | WA2_AVAIL) == (level ? 0 : -EINVAL));
		assert(workaround_check(2, level, 1 << 4 | WA2_NOT_REQUIRED) == -EINVAL);
		assert(workaround_check(2, level, 1 << 4) == -EINVAL);
		for (val = 4; val < 16; val++)
			assert(workaround_check(2, level, val) == -EINVAL);
		assert(workaround_check(2, level, 1 << 5) == -EINVAL);
	}
}

static struct spec_cpu cpu(unsigned implementer, unsigned part, u64 pfr0, u64 pfr1)
{
	struct spec_ids id = {
		.midr = (u64)implementer << 24 | 0xf << 16 | part << 4 | 0x10003, .pfr0 = pfr0, .pfr1 = pfr1,
	};

	return spec_of(&id);
}

#define CSV2(n)	((u64)(n) << 56)
#define SSBS	(2UL << 4)

static void levels(struct spec_cpu c, bool guest_ssbs, unsigned l1, unsigned l2, unsigned l3)
{
	assert(workaround_level(c, 1, guest_ssbs) == l1);
	assert(workaround_level(c, 2, guest_ssbs) == l2);
	assert(workaround_level(c, 3, guest_ssbs) == l3);
}

static void test_cpus(void)
{
	struct spec_cpu a72, a53, v1;

	/* A Cortex-A72 of the first revisions: nothing is known to be safe, and clearing the history alone is for nothing. */
	a72 = cpu('A', 0xd08, 0, 0);
	levels(a72, false, WA_NOT_AVAIL, WA_NOT_AVAIL, WA_NOT_AVAIL);
	assert(a72.vectors == BHB_NONE);
	/* A Cortex-A53, of another revision: nothing is required. */
	a53 = cpu('A', 0xd03, 0, 0);
	levels(a53, true, WA_NOT_REQUIRED, WA2_NOT_REQUIRED, WA_NOT_REQUIRED);
	/* Both in a machine: only what holds for both. */
	levels(spec_least(a72, a53), false, WA_NOT_AVAIL, WA_NOT_AVAIL, WA_NOT_AVAIL);
	/* The same number from another maker is another CPU. */
	assert(!cpu('B', 0xd03, 0, 0).v2_safe);
	/* What the ID registers say: CSV2, CSV2_3, SSBS. A guest that sees SSBS gets no firmware switch; one that does not stays safe. */
	v1 = cpu('A', 0xd40, CSV2(1), SSBS);
	levels(v1, true, WA_NOT_REQUIRED, WA_NOT_AVAIL, WA_AVAIL);
	levels(v1, false, WA_NOT_REQUIRED, WA2_NOT_REQUIRED, WA_AVAIL);
	levels(spec_least(v1, a53), true, WA_NOT_REQUIRED, WA_NOT_AVAIL, WA_AVAIL);
	levels(spec_least(a72, v1), true, WA_NOT_AVAIL, WA_NOT_AVAIL, WA_NOT_AVAIL);
	levels(cpu(0, 0x51, CSV2(3), SSBS), true, WA_NOT_REQUIRED, WA_NOT_AVAIL, WA_NOT_REQUIRED);
}

/* By what the history is cleared: first what the CPU can do by itself, then its instruction, then its model's loop. */
static void test_bhb(void)
{
	static const struct { unsigned char maker; unsigned short part; unsigned loops; } loops[] = {
		{ 'A', 0xd08, 8 }, { 0xc0, 0xac3, 11 }, { 'A', 0xd0b, 24 }, { 'A', 0xd0c, 24 }, { 'H', 0xd02, 24 },
		{ 'A', 0xd40, 32 }, { 'A', 0xd47, 32 }, { 'A', 0xd49, 32 }, { 'A', 0xd4d, 38 }, { 'A', 0xd4f, 132 },
	};
	struct spec_ids id = { .midr = 'A' << 24 | 0xd0b << 4, .pfr0 = CSV2(1) };
	struct spec_cpu c;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(loops); i++) {
		c = cpu(loops[i].maker, loops[i].part, CSV2(1), 0);
		assert(c.bhb == BHB_CLEARED && c.vectors == BHB_LOOP && c.loops == loops[i].loops);
	}
	c = cpu('H', 0xd01, 0, 0);	/* safe from the other attack by its model alone */
	assert(c.bhb == BHB_CLEARED && c.vectors == BHB_LOOP && c.loops == 32);
	id.isar2 = 1UL << 28;
	c = spec_of(&id);
	assert(c.bhb == BHB_CLEARED && c.vectors == BHB_CLEAR);
	id.mmfr1 = 1UL << 60;
	c = spec_of(&id);
	assert(c.bhb == BHB_CLEARED && c.vectors == BHB_NONE);
	id.pfr0 = CSV2(3);
	c = spec_of(&id);
	assert(c.bhb == BHB_SAFE && c.vectors == BHB_NONE);
	/* Affected, and nobody knows how many branches it takes. */
	c = cpu('A', 0xd0a, CSV2(1), 0);
	assert(c.v2_safe && c.bhb == BHB_OPEN && c.vectors == BHB_NONE);
}

static void test_decode(void)
{
	struct filter_range r;

	assert(filter_decode(1, 0, 0, &r) == -EINVAL);
	assert(filter_decode(0, 0, 0, &r) == 0 && r.first == 0 && r.last == 0xffffffff);
	assert(filter_decode(5, 1, 3, &r) == -EINVAL);
	assert(filter_decode(5, 1, 2, &r) == 0 && r.first == 5 && r.last == 5 && r.action == 2);
	assert(filter_decode(0xffffffff, 1, 1, &r) == 0 && r.last == 0xffffffff);
	assert(filter_decode(0xffffffff, 2, 1, &r) == -EINVAL);
	assert(filter_decode(1, 0xffffffff, 1, &r) == 0 && r.last == 0xffffffff);
	assert(filter_decode(0, 0xffffffff, 1, &r) == 0 && r.last == 0xfffffffe);
	assert(filter_decode(2, 0xffffffff, 1, &r) == -EINVAL);
}

/* Random ranges against a plain map of a part of the id space. */
static void test_ranges(void)
{
	enum { BASE = 0x84000000, SPAN = 4096 };
	static struct filter_range all[SPAN];
	static u8 map[SPAN];		/* 0: none, else action + 1 */
	struct filter_range r;
	unsigned n = 0, i, j;
	int at;

	assert(filter_place(all, 0, &(struct filter_range){ 0x80000000, 0x80000000, 1 }) == -EEXIST);
	assert(filter_place(all, 0, &(struct filter_range){ 0x7fffffff, 0x80000000, 1 }) == -EEXIST);
	assert(filter_place(all, 0, &(struct filter_range){ 0xc000ffff, 0xc0010000, 1 }) == -EEXIST);
	assert(filter_place(all, 0, &(struct filter_range){ 0, 0xffffffff, 1 }) == -EEXIST);
	assert(filter_place(all, 0, &(struct filter_range){ 0xc0010000, 0xc0010000, 1 }) == 0);
	srand(1);
	for (i = 0; i < 20000; i++) {
		unsigned first = rand() % SPAN, len = 1 + rand() % 12, bad = 0;

		if (first + len > SPAN)
			continue;
		assert(!filter_decode(BASE + first, len, rand() % 3, &r));
		for (j = first; j < first + len; j++)
			bad |= map[j];
		at = filter_place(all, n, &r);
		assert((at < 0) == !!bad && (at >= 0 || at == -EEXIST));
		if (bad)
			continue;
		for (j = n; j > (unsigned)at; j--)
			all[j] = all[j - 1];
		all[at] = r;
		n++;
		for (j = first; j < first + len; j++)
			map[j] = r.action + 1;
	}
	for (j = 0; j < SPAN; j++)
		assert(filter_find(all, n, BASE + j) == (map[j] ? map[j] - 1 : 0));
	assert(!filter_find(all, n, BASE - 1) && !filter_find(all, n, 0) && !filter_find(all, n, 0xffffffff));
}

int main(void)
{
	test_bitmap();
	test_psci();
	test_workarounds();
	test_cpus();
	test_bhb();
	test_decode();
	test_ranges();
	puts("6 passed, 0 failed");
	return 0;
}
