// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks the order of what page-table code does. It assumes the worst TLB: that every translation, and every pointer to
 * a table, that was ever valid is cached until it has been invalidated. An entry that stops being valid (or changes
 * rights) becomes a `stale` item, which goes through: written -> DSB -> TLBI -> DSB, and only then is forgotten. Errors:
 *  - a new valid entry over a stale one that differs in more than rights (break-before-make);
 *  - a table freed, or a leaf reported as removed, while stale items of it are left;
 *  - anything stale, or a write without DSB (and ISB for the kernel's table), when an operation ends;
 *  - at stage 2, normal memory mapped without its data cache cleaned.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pt_model.h"

#define MAX_TABLES	512
#define MAX_STALE	8192

struct table {
	u64 *mem;
	unsigned order, level;
	u64 base;		/* first input address */
	bool linked, freed;
};

enum stage { WRITTEN, ORDERED, INVALIDATED };

struct stale {
	u64 base, size, desc;
	const u64 *table;	/* not NULL: a cached pointer to this table */
	enum stage stage;
};

struct model model;
static struct table tables[MAX_TABLES];
static unsigned nr_tables;
static struct stale stales[MAX_STALE];
static unsigned nr_stales;
static bool write_pending, isb_pending;
static struct { u64 pa, size; } cleaned[64];
static unsigned nr_cleaned;
static unsigned depth;
static enum { NOT_FLUSHED, FLUSHING, FLUSHED } flushed;	/* everything, while destroying */

static void violation(const char *what, u64 ia)
{
	if (!model.mutant && model.violations < 5)
		printf("VIOLATION %s at %#lx\n", what, (unsigned long)ia);
	model.violations++;
}

static u64 perm_mask(void)
{
	return model.pt && model.pt->kind == PT_STAGE2 ? S2_PERM_MASK : S1_PERM_MASK;
}

static u64 size_at(unsigned level)
{
	return 1UL << (39 - 9 * level);
}

static bool is_table(u64 e, unsigned level)
{
	return level < 3 && (e & 3) == 3;
}

static struct table *table_find(const u64 *p)
{
	for (unsigned i = 0; i < nr_tables; i++)
		if (tables[i].mem && p >= tables[i].mem && p < tables[i].mem + (512UL << tables[i].order))
			return &tables[i];
	return NULL;
}

static u64 entry_base(const struct table *t, const u64 *p)
{
	return t->base + (u64)(p - t->mem) * size_at(t->level);
}

/* The last byte counts: a range may end where addresses do. */
static bool overlap(const struct stale *s, u64 base, u64 size)
{
	return s->base <= base + size - 1 && base <= s->base + s->size - 1;
}

void model_reset(enum model_mutant m)
{
	memset(tables, 0, sizeof(tables));
	nr_tables = nr_stales = nr_cleaned = depth = 0;
	write_pending = isb_pending = false;
	model = (struct model){ .mutant = m };
}

static void root_adopt(void)
{
	struct table *t = table_find(model.pt->root);

	if (t->linked)
		return;
	t->linked = true;
	t->level = model.pt->start_level;
	t->base = model.pt->kind == PT_KERNEL ? 0xffff000000000000UL : 0;
}

void model_begin(void)
{
	root_adopt();
	nr_cleaned = 0;
	flushed = NOT_FLUSHED;
}

static void tables_reap(void)
{
	for (unsigned i = 0; i < nr_tables; i++)
		if (tables[i].mem && tables[i].freed) {
			free(tables[i].mem);
			tables[i].mem = NULL;
		}
}

void model_end(void)
{
	if (nr_stales)
		violation("still in a TLB at the end of an operation", stales[0].base);
	if (write_pending)
		violation("no DSB after the last write", 0);
	if (isb_pending)
		violation("no ISB after the last change", 0);
	nr_stales = 0;
	write_pending = isb_pending = false;
	tables_reap();
}

void model_removed(u64 ia, u64 size)
{
	for (unsigned i = 0; i < nr_stales; i++)
		if (!stales[i].table && overlap(&stales[i], ia, size))
			violation("leaf reported as removed while a TLB may have it", ia);
}

u64 model_tables(void)
{
	u64 n = 0;

	for (unsigned i = 0; i < nr_tables; i++)
		if (tables[i].mem && !tables[i].freed)
			n += 1UL << tables[i].order;
	return n;
}

void model_drop(void)
{
	for (unsigned i = 0; i < nr_tables; i++)
		free(tables[i].mem);
	nr_tables = 0;
}

bool model_applies(enum model_mutant m, enum pt_kind kind)
{
	if (m == MUTANT_NO_ISB)
		return kind == PT_KERNEL;
	return m != MUTANT_NO_CLEAN || kind == PT_STAGE2;
}

const char *model_mutant_name(enum model_mutant m)
{
	static const char *const names[] = { "none", "no TLBI", "no TLBI of all", "leaf TLBI for tables",
		"no DSB before TLBI", "no DSB after TLBI", "no ISB", "no break", "no clean" };

	return names[m];
}

/* ---- entries ---- */

static void stale_add(u64 base, u64 size, u64 desc, const u64 *table)
{
	if (nr_stales == MAX_STALE) {
		violation("too many stale entries", base);
		return;
	}
	stales[nr_stales++] = (struct stale){ base, size, desc, table, WRITTEN };
}

/* An entry was valid: it, and what could be reached through it, may be cached. */
static void stale_entry(u64 e, unsigned level, u64 base)
{
	const u64 *t;

	if (!is_table(e, level)) {
		stale_add(base, size_at(level), e, NULL);
		return;
	}
	t = (const u64 *)(e & GENMASK(47, 12));
	stale_add(base, size_at(level), e, t);
	for (unsigned i = 0; i < 512; i++)
		if (t[i] & 1)
			stale_entry(t[i], level + 1, base + i * size_at(level + 1));
}

/* A valid entry appears: nothing else may be cached for these addresses. */
static void check_make(u64 v, unsigned level, u64 base)
{
	u64 size = size_at(level);

	for (unsigned i = 0; i < nr_stales; i++) {
		struct stale *s = &stales[i];

		if (!overlap(s, base, size))
			continue;
		if (s->table) {
			if (s->size == size && s->desc != v)
				violation("a table pointer that may be cached is replaced", base);
			continue;
		}
		if (is_table(v, level) ? s->size >= size : s->size != size || ((s->desc ^ v) & ~perm_mask()))
			violation("break-before-make", base);
	}
}

static void check_clean(u64 old, u64 v, unsigned level, u64 base)
{
	u64 size = size_at(level), pa = v & GENMASK(47, 12);

	if (model.pt->kind != PT_STAGE2 || (v & S2_MEM_MASK) != S2_MEM_WB)
		return;
	if ((old & 1) && !((old ^ v) & ~perm_mask()))
		return;
	for (unsigned i = 0; i < nr_cleaned; i++)
		if (cleaned[i].pa <= pa && pa + size <= cleaned[i].pa + cleaned[i].size)
			return;
	violation("mapped without cleaning", base);
}

static void link_table(u64 v, unsigned level, u64 base)
{
	struct table *t = table_find((u64 *)(v & GENMASK(47, 12)));

	if (!t || t->freed) {
		violation("link to what is no table", base);
		return;
	}
	t->linked = true;
	t->level = level + 1;
	t->base = base;
}

u64 hook_read_pte(u64 *p)
{
	if (model.interfere && !depth && rand() % 64 == 0) {
		depth++;
		model_interfere();
		depth--;
	}
	return *p;
}

bool hook_write_pte(u64 *p, u64 old, u64 v)
{
	struct table *t = table_find(p);
	u64 base;

	if (*p != old) {
		/* The mutant that does not break: what should be LOCKED is still the old entry. */
		if (model.mutant != MUTANT_NO_BREAK || old != DESC_LOCKED)
			return false;
		old = *p;
	}
	if (!t || !t->linked || t->freed) {
		violation("write to a table that is not linked", (u64)p);
		return false;
	}
	if (model.mutant == MUTANT_NO_BREAK && v == DESC_LOCKED)
		return true;
	base = entry_base(t, p);
	if (old & 1) {
		bool same = (v & 1) && !is_table(old, t->level) && !((old ^ v) & ~perm_mask());

		/* An entry that only gets its access flag is in no TLB. */
		if (!same || (old & DESC_AF))
			stale_entry(old, t->level, base);
		if ((v & 1) && !same)
			violation("valid entry changed into another valid one", base);
	}
	if (v & 1) {
		check_make(v, t->level, base);
		if (is_table(v, t->level))
			link_table(v, t->level, base);
		else
			check_clean(old, v, t->level, base);
	}
	*p = v;
	write_pending = true;
	isb_pending |= model.pt->kind == PT_KERNEL && !is_table(v, t->level);
	return true;
}

void hook_init_pte(u64 *p, u64 v)
{
	struct table *t = table_find(p);

	if (!t || t->linked)
		violation("unordered write to a linked table", (u64)p);
	*p = v;
}

/* ---- barriers and maintenance ---- */

static void order(void)
{
	for (unsigned i = 0; i < nr_stales; i++)
		if (stales[i].stage == WRITTEN)
			stales[i].stage = ORDERED;
	write_pending = false;
}

void hook_dsb_ishst(void)
{
	if (model.mutant != MUTANT_NO_DSB_BEFORE)
		order();
}

void hook_dsb_ish(void)
{
	unsigned n = 0;

	if (model.mutant == MUTANT_NO_DSB_AFTER)
		return;
	order();
	if (flushed == FLUSHING)
		flushed = FLUSHED;
	for (unsigned i = 0; i < nr_stales; i++)
		if (stales[i].stage != INVALIDATED)
			stales[n++] = stales[i];
	nr_stales = n;
}

void hook_isb(void)
{
	if (model.mutant != MUTANT_NO_ISB)
		isb_pending = false;
}

void hook_tlbi(struct ptable *pt, u64 ia, bool leaf)
{
	if (model.mutant == MUTANT_NO_TLBI)
		return;
	if (model.mutant == MUTANT_LEAF_TLBI)
		leaf = true;
	for (unsigned i = 0; i < nr_stales; i++) {
		struct stale *s = &stales[i];

		if (s->stage == ORDERED && overlap(s, ia, 1) && !(leaf && s->table))
			s->stage = INVALIDATED;
	}
}

void hook_tlbi_all(struct ptable *pt)
{
	if (model.mutant == MUTANT_NO_TLBI_ALL)
		return;
	flushed = FLUSHING;
	for (unsigned i = 0; i < nr_stales; i++)
		if (stales[i].stage == ORDERED)
			stales[i].stage = INVALIDATED;
}

void hook_clean(pa_t pa, u64 size)
{
	if (model.mutant == MUTANT_NO_CLEAN)
		return;
	cleaned[nr_cleaned % 64].pa = pa.v;
	cleaned[nr_cleaned % 64].size = size;
	nr_cleaned = nr_cleaned < 64 ? nr_cleaned + 1 : 64;
}

/* ---- memory ---- */

u64 *hook_table_alloc(unsigned order)
{
	struct table *t = NULL;

	if (model.fail_alloc && rand() % 3 == 0)
		return NULL;
	for (unsigned i = 0; i < nr_tables && !t; i++)
		if (!tables[i].mem)
			t = &tables[i];
	if (!t) {
		if (nr_tables == MAX_TABLES)
			return NULL;
		t = &tables[nr_tables++];
	}
	*t = (struct table){ .order = order };
	if (posix_memalign((void **)&t->mem, 4096UL << order, 4096UL << order))
		exit(1);
	memset(t->mem, 0, 4096UL << order);
	return t->mem;
}

/* Is there a way to it from the root? */
static bool reachable(const u64 *from, unsigned level, u64 n, const u64 *what)
{
	if (from == what)
		return true;
	for (u64 i = 0; level < 3 && i < n; i++)
		if (is_table(from[i], level) &&
		    reachable((const u64 *)(from[i] & GENMASK(47, 12)), level + 1, 512, what))
			return true;
	return false;
}

static bool reachable_from_root(const u64 *table)
{
	const struct ptable *pt = model.pt;

	return reachable(pt->root, pt->start_level, BIT(pt->ia_bits) / size_at(pt->start_level), table);
}

void hook_table_free(u64 *table, unsigned order)
{
	struct table *t = table_find(table);

	if (!t || t->freed) {
		violation("freed twice", (u64)table);
		return;
	}
	for (unsigned i = 0; i < nr_stales; i++)
		if (stales[i].table == table)
			violation("table freed before its TLB invalidation", t->base);
	if (t->order != order)
		violation("freed with another size", t->base);
	if (model.destroying ? flushed != FLUSHED : reachable_from_root(table))
		violation("table freed while a walk may find it", t->base);
	t->freed = true;
	t->linked = false;
}

void hook_table_free_now(u64 *table)
{
	struct table *t = table_find(table);

	if (!t || t->linked || t->freed)
		violation("freed at once, but linked", (u64)table);
	else
		t->freed = true;
}

pa_t hook_table_pa(const u64 *table)
{
	return PA((u64)table);
}

u64 *hook_table_va(pa_t pa)
{
	return (u64 *)pa.v;
}
