// link: kernel/mm/ptable.c tests/host/pt_model.c
// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random operations on page tables of all three kinds, against a map of what each page must translate to, while the
 * model (pt_model.c) watches the order of PTE writes, barriers, TLB and cache operations. Then the same with each of
 * the model's mutants, which lose one kind of operation: the model must notice every one of them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pt_model.h"

#define WINDOWS		3
#define PAGES		2048		/* per window: 8 MiB, so 4 blocks */

struct ref {
	u64 pa;				/* 0: not mapped */
	unsigned perm;
};

static struct ref ref[WINDOWS][PAGES];
static struct ptable pt;
static u64 base[WINDOWS];
static bool mismatch;

static void fail(const char *what, u64 ia)
{
	if (!model.mutant)
		printf("FAIL %s at %#lx\n", what, (unsigned long)ia);
	mismatch = true;
}

static unsigned random_perm(void)
{
	static const unsigned user[] = { 0, PT_R, PT_R | PT_W, PT_R | PT_X, PT_R | PT_W | PT_SW0, PT_R | PT_NOCACHE };
	static const unsigned stage2[] = { 0, PT_R, PT_R | PT_W, PT_R | PT_X, PT_R | PT_X | PT_X_EL0, PT_R | PT_W | PT_SW0, PT_R | PT_NOCACHE };
	static const unsigned kernel[] = { PT_R, PT_R | PT_W, PT_R | PT_X, PT_R | PT_W | PT_DEVICE, PT_R | PT_SW2 };

	return pt.kind == PT_KERNEL ? kernel[rand() % 5] : pt.kind == PT_STAGE2 ? stage2[rand() % 7] : user[rand() % 6];
}

static void ref_map(u64 w, u64 i, u64 n, u64 pa, unsigned perm)
{
	for (u64 k = 0; k < n; k++)
		ref[w][i + k] = (struct ref){ pa + k * PAGE_SIZE, perm };
}

static u64 random_pa(bool block)
{
	u64 pa = 0x40000000UL + (u64)(rand() % 64) * BLOCK_SIZE;

	return block ? pa : pa + (u64)(rand() % 512) * PAGE_SIZE;
}

static void do_map(bool nested)
{
	u64 w = rand() % WINDOWS, i = rand() % PAGES, n = 1, pa;
	bool block = !nested && rand() % 4 == 0;
	unsigned perm = random_perm();
	bool only_new = !block && pt.kind != PT_KERNEL && rand() % 4 == 0, was = false;
	struct pt_cache cache = {};
	int err;

	if (block) {
		i &= ~511UL;
		n = 512;
	}
	pa = random_pa(block);
	/* Often the page that is there already, with other rights. */
	if (rand() % 3 == 0 && ref[w][i].pa && (!block || !(ref[w][i].pa & (BLOCK_SIZE - 1))))
		pa = ref[w][i].pa;
	if (rand() % 2)
		(void)pt_cache_fill(&cache, 3);
	if (only_new) {
		was = ref[w][i].pa;
		err = pt_map_new(&pt, base[w] + i * PAGE_SIZE, PA(pa), perm);
	} else {
		err = pt_map(&pt, base[w] + i * PAGE_SIZE, PA(pa), n * PAGE_SIZE, perm, &cache);
	}
	pt_cache_drain(&cache);
	if (was && !err)
		fail("pt_map_new over something", base[w] + i * PAGE_SIZE);
	if (err == -EEXIST && only_new && ref[w][i].pa)
		return;
	if (!err)
		ref_map(w, i, n, pa, perm);
	else if (err != -ENOMEM && !(err == -EAGAIN && pt.kind == PT_STAGE2))
		fail("pt_map's result", base[w] + i * PAGE_SIZE);
}

/* Another CPU maps a page while an operation of this one is under way. */
void model_interfere(void)
{
	if (pt.kind == PT_STAGE2)
		do_map(true);
}

static void unmap_leaf(void *arg, u64 ia, pa_t pa, u64 size, unsigned perm)
{
	model_removed(ia, size);
	for (u64 k = 0; k < size / PAGE_SIZE; k++) {
		u64 w, i = 0;

		for (w = 0; w < WINDOWS; w++) {
			i = (ia - base[w]) / PAGE_SIZE + k;
			if (ia >= base[w] && i < PAGES)
				break;
		}
		if (w == WINDOWS || ref[w][i].pa != pa.v + k * PAGE_SIZE || ref[w][i].perm != perm) {
			fail("removed leaf", ia);
			return;
		}
		ref[w][i].pa = 0;
	}
}

static void random_range(u64 *w, u64 *i, u64 *n)
{
	*w = rand() % WINDOWS;
	*i = rand() % PAGES;
	*n = 1 + (u64)rand() % (rand() % 3 ? 16 : PAGES - *i);
	if (rand() % 8 == 0) {
		*i &= ~511UL;
		*n = 512;
	}
	if (*i + *n > PAGES)
		*n = PAGES - *i;
}

static void compare(void);

static void do_unmap(void)
{
	u64 w, i, n, k;
	int err;

	random_range(&w, &i, &n);
	err = pt_unmap(&pt, base[w] + i * PAGE_SIZE, n * PAGE_SIZE, unmap_leaf, NULL);
	for (k = 0; !err && k < n; k++)
		if (ref[w][i + k].pa)
			fail("not reported as removed", base[w] + (i + k) * PAGE_SIZE);
	if (err && err != -ENOMEM)
		fail("pt_unmap's result", base[w]);
}

static void do_detach(void)
{
	struct ptable old;

	if (pt_detach(&pt, &old))
		return;
	memset(ref, 0, sizeof(ref));
	compare();
	if (pt.tables != 1UL << pt.root_order)
		fail("count of tables after pt_detach", pt.tables);
	pt_destroy(&old);
}

/* NULL: TLBs are clean at once. */
static void do_protect(struct pt_flush *f)
{
	unsigned set = random_perm() & ~(PT_NOCACHE | PT_DEVICE), keep = rand() % 2 ? PT_R | PT_SW0 | PT_SW1 | PT_SW2 : 0;
	unsigned type = PT_NOCACHE | PT_DEVICE;
	u64 w, i, n, k;

	if (pt.kind == PT_KERNEL)
		set |= PT_R;
	if (pt.kind == PT_USER && (set & (PT_W | PT_X)))
		set |= PT_R;
	random_range(&w, &i, &n);
	if (f ? pt_protect_later(&pt, base[w] + i * PAGE_SIZE, n * PAGE_SIZE, keep, set, f) :
		pt_protect(&pt, base[w] + i * PAGE_SIZE, n * PAGE_SIZE, keep, set))
		return;
	for (k = 0; k < n; k++)
		ref[w][i + k].perm = (ref[w][i + k].perm & (keep | type)) | set;
}

/* Several ranges, one invalidation; what others do meanwhile takes care of itself. */
static void do_protect_many(void)
{
	struct pt_flush f = {};

	for (int left = 1 + rand() % 4; left; left--) {
		do_protect(&f);
		if (rand() % 4 == 0)
			do_map(true);
		if (rand() % 4 == 0)
			do_unmap();
	}
	pt_flush(&pt, &f);
}

static void do_age(void)
{
	u64 w, i, n;

	random_range(&w, &i, &n);
	pt_age(&pt, base[w] + i * PAGE_SIZE, n * PAGE_SIZE, true);
	if (pt_age(&pt, base[w] + i * PAGE_SIZE, n * PAGE_SIZE, false))
		fail("still young", base[w] + i * PAGE_SIZE);
	pt_mkyoung(&pt, base[w] + i * PAGE_SIZE);
}

static void compare(void)
{
	for (u64 w = 0; w < WINDOWS; w++)
		for (u64 i = 0; i < PAGES; i++) {
			u64 ia = base[w] + i * PAGE_SIZE, size;
			unsigned perm;
			pa_t pa;
			bool there = pt_lookup(&pt, ia, &pa, &perm, &size);

			if (there != !!ref[w][i].pa || (there && (pa.v != ref[w][i].pa || perm != ref[w][i].perm))) {
				fail("translation", ia);
				return;
			}
		}
}

/* Violations the model saw. */
static unsigned run(enum pt_kind kind, unsigned bits, int seed, int steps)
{
	enum model_mutant mutant = model.mutant;

	srand(seed);
	model_reset(mutant);
	memset(ref, 0, sizeof(ref));
	mismatch = false;
	if (pt_init(&pt, kind, bits))
		exit(1);
	model.pt = &pt;
	pt.vttbr = 1;
	base[0] = kind == PT_KERNEL ? 0xffff800000000000UL : 0;
	base[1] = base[0] + (1UL << 30) - BLOCK_SIZE * 2;
	base[2] = kind == PT_KERNEL ? 0xffffffffff800000UL : (1UL << bits) - PAGES * PAGE_SIZE;
	for (int s = 0; s < steps && !(mutant && (model.violations || mismatch)); s++) {
		int what = rand() % 10;

		model.fail_alloc = !mutant && s % 1000 > 950;
		if (kind == PT_STAGE2 && rand() % 128 == 0)
			what = 10;
		model.interfere = kind == PT_STAGE2 && what < 6;
		model_begin();
		if (what == 10)
			do_detach();
		else if (what < 6)
			do_map(false);
		else if (what < 8)
			do_unmap();
		else if (what < 9)
			rand() % 3 ? do_protect_many() : do_protect(NULL);
		else
			do_age();
		model_end();
		model.interfere = false;
		if (s % 64 == 0)
			compare();
	}
	model.fail_alloc = model.interfere = false;
	if (!mutant) {
		model_begin();
		for (int w = 0; w < WINDOWS; w++)
			pt_unmap(&pt, base[w], PAGES * PAGE_SIZE, unmap_leaf, NULL);
		model_end();
		compare();
		if (pt.tables != model_tables())
			fail("count of tables", pt.tables);
	}
	model_begin();
	model.destroying = true;
	pt_destroy(&pt);
	model_end();
	if (!mutant && model_tables())
		fail("tables left", model_tables());
	model_drop();
	return model.violations + mismatch;
}

int main(void)
{
	static const struct { enum pt_kind kind; unsigned bits; const char *name; } kinds[] = {
		{ PT_KERNEL, 48, "kernel" }, { PT_USER, 48, "user" }, { PT_STAGE2, 40, "stage 2, 40 bits" },
		{ PT_STAGE2, 48, "stage 2, 48 bits" }, { PT_STAGE2, 52, "stage 2, 52 bits" }, { PT_STAGE2, 34, "stage 2, 34 bits" },
		{ PT_STAGE2, 36, "stage 2, 36 bits" },
	};
	int bad = 0;

	for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (int seed = 1; seed <= 3; seed++) {
			model.mutant = MUTANT_NONE;
			if (run(kinds[k].kind, kinds[k].bits, seed, 6000)) {
				printf("not ok %s, seed %d\n", kinds[k].name, seed);
				bad = 1;
			}
		}
	for (int m = MUTANT_NONE + 1; m < MUTANT_COUNT; m++)
		for (unsigned k = 0; k < 3; k++) {
			model.mutant = m;
			if (!model_applies(m, kinds[k].kind))
				continue;
			if (!run(kinds[k].kind, kinds[k].bits, m, 4000)) {
				printf("not ok mutant %s is not noticed on %s tables\n", model_mutant_name(m), kinds[k].name);
				bad = 1;
			}
		}
	printf("%s page tables\n", bad ? "not ok" : "ok");
	return bad;
}
