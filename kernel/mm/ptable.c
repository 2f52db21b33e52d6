// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables of the three kinds. Arm ARM D8.3 (descriptors), D8.16.1 (break-before-make). No locks: see ptable.h.
 *
 * An entry changes valid -> LOCKED (an invalid value) -> TLBI, DSB -> new valid value, except where only permissions
 * change. Whoever made an entry LOCKED owns it; parallel pt_map calls that meet one give up with -EAGAIN.
 */
#include <nestbox/types.h>
#include "kernel/debug/print.h"
#include "kernel/mm/pt_hooks.h"
#include "kernel/mm/ptable_desc.h"

#ifdef NATIVE
#include <errno.h>
#else
#include <asm/errno.h>
#endif

#define BATCH		64	/* leaves removed per TLB invalidation */

static bool s2_fwb;

static unsigned level_shift(unsigned level)
{
	return 39 - 9 * level;
}

static u64 level_size(unsigned level)
{
	return BIT(level_shift(level));
}

static bool is_table(u64 e, unsigned level)
{
	return level < 3 && (e & 3) == DESC_TABLE;
}

static bool is_leaf(u64 e, unsigned level)
{
	return level == 3 ? (e & 3) == DESC_PAGE : level > 0 && (e & 3) == DESC_BLOCK;
}

static u64 leaf_pa(u64 e, unsigned level)
{
	return e & GENMASK(47, 12) & ~(level_size(level) - 1);
}

static u64 *table_of(u64 e)
{
	return hook_table_va(PA(e & GENMASK(47, 12)));
}

static u64 offset_of(const struct ptable *pt, u64 ia)
{
	return ia & (BIT(pt->ia_bits) - 1);
}

/* Index at the table of `level`; the root may be larger or smaller than one page. */
static u64 index_of(const struct ptable *pt, u64 ia, unsigned level)
{
	u64 i = offset_of(pt, ia) >> level_shift(level);

	return level == pt->start_level ? i : i & 511;
}

static u64 *root_entry(const struct ptable *pt, u64 ia)
{
	return &pt->root[offset_of(pt, ia) >> level_shift(pt->start_level)];
}

/*
 * The entry for ia at level target, or the one above it that is no table, with its level and what it says. Written out, as
 * each fault walks several times and each level's shift is a constant then.
 */
static inline u64 *entry_find(const struct ptable *pt, u64 ia, unsigned target, unsigned *level, u64 *desc)
{
	u64 *p = root_entry(pt, ia), e = hook_read_pte(p);

#define DOWN_FROM(l)								\
	if (target == (l) || !is_table(e, l)) {					\
		*level = (l);							\
		*desc = e;							\
		return p;							\
	}									\
	p = &table_of(e)[ia >> (30 - 9 * (l)) & 511];				\
	e = hook_read_pte(p)

	switch (pt->start_level) {
	case 0:
		DOWN_FROM(0);
		__attribute__((fallthrough));
	case 1:
		DOWN_FROM(1);
		__attribute__((fallthrough));
	default:
		DOWN_FROM(2);
	}
#undef DOWN_FROM
	*level = 3;
	*desc = e;
	return p;
}

static u64 level_end(u64 ia, u64 end, unsigned level)
{
	u64 next = (ia & ~(level_size(level) - 1)) + level_size(level);

	return next - 1 < end - 1 ? next : end;
}

static u64 s1_bits(enum pt_kind kind, unsigned perm)
{
	u64 d = S1_SH_INNER;

	d |= (perm & PT_DEVICE ? 1UL : perm & PT_NOCACHE ? 2UL : 0UL) << 2;
	if (!(perm & PT_W))
		d |= S1_AP_RO;
	if (kind == PT_KERNEL)
		return d | S1_UXN | (perm & PT_X ? 0 : S1_PXN);
	d |= S1_NG | S1_PXN;
	if (perm & (PT_R | PT_W | PT_X))
		d |= S1_AP_EL0;
	return d | (perm & PT_X ? 0 : S1_UXN);
}

static u64 s2_bits(unsigned perm)
{
	u64 d = S2_SH_INNER;

	if (perm & PT_DEVICE)
		d |= S2_MEM_DEVICE;
	else if (perm & PT_NOCACHE)
		d |= S2_MEM_NC;
	else
		d |= s2_fwb ? S2_MEM_FWB : S2_MEM_WB;
	d |= perm & PT_R ? S2_R : 0;
	d |= perm & PT_W ? S2_W : 0;
	return d | (!(perm & PT_X) ? S2_XN : perm & PT_X_EL0 ? S2_XN_EL1 : 0);
}

static u64 perm_bits(const struct ptable *pt, unsigned perm)
{
	u64 d = pt->kind == PT_STAGE2 ? s2_bits(perm) : s1_bits(pt->kind, perm);

	if (pt_is_large(pt))
		d &= ~S2_SH_INNER;	/* there bits 9:8 are the address's 51:50, and VTCR_EL2.SH0 says how it is shared */
	return d | DESC_AF | (u64)((perm / PT_SW0) & 7) << DESC_SW_SHIFT;
}

static inline __attribute__((always_inline)) unsigned leaf_perm(const struct ptable *pt, u64 e)
{
	unsigned p = (unsigned)((e >> DESC_SW_SHIFT) & 7) * PT_SW0;

	if (pt->kind == PT_STAGE2) {
		u64 mem = e & S2_MEM_MASK;

		p |= mem == S2_MEM_DEVICE ? PT_DEVICE : mem == S2_MEM_NC ? PT_NOCACHE : 0;
		p |= (e & S2_R ? PT_R : 0) | (e & S2_W ? PT_W : 0) | (e & S2_XN ? 0 : PT_X) | (e & S2_XN_EL1 ? PT_X_EL0 : 0);
		return p;
	}
	p |= ((e >> 2) & 7) == 1 ? PT_DEVICE : ((e >> 2) & 7) == 2 ? PT_NOCACHE : 0;
	if (pt->kind == PT_KERNEL)
		return p | PT_R | (e & S1_AP_RO ? 0 : PT_W) | (e & S1_PXN ? 0 : PT_X);
	if (e & S1_AP_EL0)
		p |= PT_R | (e & S1_AP_RO ? 0 : PT_W) | (e & S1_UXN ? 0 : PT_X);
	return p;
}

static u64 leaf_desc(u64 pa, u64 bits, unsigned level)
{
	return pa | bits | (level == 3 ? DESC_PAGE : DESC_BLOCK);
}

#ifndef NATIVE
bool pt_stage2_fwb_enable(void)
{
	s2_fwb = FIELD_GET(GENMASK(43, 40), read_sysreg(id_aa64mmfr2_el1)) != 0;
	return s2_fwb;
}
#endif

int pt_init(struct ptable *pt, enum pt_kind kind, unsigned ia_bits)
{
	unsigned levels = 4;
	u64 entries;

	if (ia_bits > (kind == PT_STAGE2 ? 52 : 48) || ia_bits < 32 || (kind != PT_STAGE2 && ia_bits != 48))
		return -EINVAL;
	/* Stage 2 saves a level where up to 16 root tables side by side can do (D8.2.2): up to 52 bits with four. */
	if (kind == PT_STAGE2)
		levels = (ia_bits - 4 - 4) / 9;
	*pt = (struct ptable){ .kind = kind, .ia_bits = ia_bits, .start_level = 4 - levels };
	entries = BIT(ia_bits - level_shift(pt->start_level));
	while (512UL << pt->root_order < entries)
		pt->root_order++;
	pt->root = hook_table_alloc(pt->root_order);
	if (!pt->root)
		return -ENOMEM;
	pt->tables = 1UL << pt->root_order;
	hook_dsb_ishst();
	return 0;
}

static void tables_count(struct ptable *pt, s64 n)
{
	__atomic_fetch_add(&pt->tables, n, __ATOMIC_RELAXED);
}

static void destroy_level(struct ptable *pt, u64 *table, unsigned level, unsigned order)
{
	u64 n = level == pt->start_level ? BIT(pt->ia_bits - level_shift(level)) : 512;

	for (u64 i = 0; level < 3 && i < n; i++) {
		u64 e = hook_read_pte(&table[i]);

		if (is_table(e, level))
			destroy_level(pt, table_of(e), level + 1, 0);
	}
	hook_table_free(table, order);
}

int pt_detach(struct ptable *pt, struct ptable *out)
{
	u64 *root = hook_table_alloc(pt->root_order), n = BIT(pt->ia_bits - level_shift(pt->start_level));

	if (!root)
		return -ENOMEM;
	*out = *pt;
	out->root = root;
	for (u64 i = 0; i < n; i++) {
		u64 e = hook_read_pte(&pt->root[i]);

		if (!e)
			continue;
		hook_init_pte(&root[i], e);
		while (!hook_write_pte(&pt->root[i], e, 0))
			e = hook_read_pte(&pt->root[i]);
	}
	hook_dsb_ishst();
	hook_tlbi_all(pt);
	hook_dsb_ish();
	pt->tables = 1UL << pt->root_order;
	return 0;
}

void pt_destroy(struct ptable *pt)
{
	if (!pt->root)
		return;
	hook_dsb_ishst();
	hook_tlbi_all(pt);
	hook_dsb_ish();
	destroy_level(pt, pt->root, pt->start_level, pt->root_order);
	pt->root = NULL;
	pt->tables = 0;
}

int pt_cache_fill(struct pt_cache *c, unsigned n)
{
	ASSERT(n <= ARRAY_SIZE(c->page));
	while (c->n < n) {
		u64 *t = hook_table_alloc(0);

		if (!t)
			return -ENOMEM;
		c->page[c->n++] = t;
	}
	return 0;
}

void pt_cache_drain(struct pt_cache *c)
{
	while (c->n)
		hook_table_free_now(c->page[--c->n]);
}

static u64 *table_get(struct ptable *pt, struct pt_cache *cache)
{
	u64 *t;

	if (cache && cache->n)
		t = cache->page[--cache->n];
	else
		t = hook_table_alloc(0);
	if (t)
		tables_count(pt, 1);
	return t;
}

/* Give back a table that was never linked; all-zero unless dirty. */
static void table_unget(struct ptable *pt, struct pt_cache *cache, u64 *t, bool dirty)
{
	tables_count(pt, -1);
	if (!dirty && cache && cache->n < ARRAY_SIZE(cache->page))
		cache->page[cache->n++] = t;
	else
		hook_table_free_now(t);
}

/* Valid -> LOCKED, and no TLB has the old one any more. false: somebody else changed it first. */
static bool entry_break(struct ptable *pt, u64 *p, u64 old, u64 ia, unsigned level)
{
	if (!hook_write_pte(p, old, DESC_LOCKED))
		return false;
	hook_dsb_ishst();
	/* A table's leaves are many, a block may sit in the TLB in pieces. */
	if (is_table(old, level) || (level < 3 && pt->kind == PT_STAGE2))
		hook_tlbi_all(pt);
	else
		hook_tlbi(pt, ia, true);
	hook_dsb_ish();
	if (pt->kind == PT_KERNEL)
		hook_isb();
	return true;
}

static void entry_make(struct ptable *pt, u64 *p, u64 v)
{
	bool ok = hook_write_pte(p, DESC_LOCKED, v);

	ASSERT(ok);
	hook_dsb_ishst();
	if (pt->kind == PT_KERNEL)
		hook_isb();
}

/* Replace a block by a table that maps the same. */
static int block_split(struct ptable *pt, u64 *p, u64 e, u64 ia, unsigned level, struct pt_cache *cache)
{
	u64 *t = table_get(pt, cache);
	u64 attrs = e & ~(GENMASK(47, 12) | 3);

	if (!t)
		return -ENOMEM;
	for (unsigned i = 0; i < 512; i++)
		hook_init_pte(&t[i], leaf_desc(leaf_pa(e, level) + i * level_size(level + 1), attrs, level + 1));
	if (!entry_break(pt, p, e, ia, level)) {
		table_unget(pt, cache, t, true);
		return -EAGAIN;
	}
	entry_make(pt, p, hook_table_pa(t).v | DESC_TABLE);
	return 0;
}

/* Put a leaf where another entry, or none, is. */
static int leaf_set(struct ptable *pt, u64 *p, u64 e, u64 ia, unsigned level, u64 new)
{
	u64 size = level_size(level);

	if ((e & ~DESC_AF) == (new & ~DESC_AF) && (e & DESC_AF))
		return 0;
	if (is_leaf(e, level) && !((e ^ new) & ~(pt->kind == PT_STAGE2 ? S2_PERM_MASK : S1_PERM_MASK))) {
		/* Only permissions: no break needed, but who has the old ones must not keep them. */
		if (!hook_write_pte(p, e, new))
			return -EAGAIN;
		hook_dsb_ishst();
		hook_tlbi(pt, ia, true);
		hook_dsb_ish();
		if (pt->kind == PT_KERNEL)
			hook_isb();
		return 0;
	}
	/* A guest may read with its caches off what we wrote through ours. */
	if (pt->kind == PT_STAGE2 && !s2_fwb && (new & S2_MEM_MASK) == S2_MEM_WB)
		hook_clean(PA(leaf_pa(new, level)), size);
	if (!(e & 1)) {
		if (!hook_write_pte(p, e, new))
			return -EAGAIN;
		hook_dsb_ishst();
		if (pt->kind == PT_KERNEL)
			hook_isb();
		return 0;
	}
	if (!entry_break(pt, p, e, ia, level))
		return -EAGAIN;
	entry_make(pt, p, new);
	if (is_table(e, level)) {
		tables_count(pt, -1);
		hook_table_free(table_of(e), 0);
	}
	return 0;
}

/* Does the leaf e at `level`, which covers ia, already say what a smaller leaf would? */
static bool block_covers(struct ptable *pt, u64 e, unsigned level, u64 ia, u64 pa, u64 bits)
{
	u64 attrs = e & ~(GENMASK(47, 12) | 3);

	return leaf_pa(e, level) + (ia & (level_size(level) - 1)) == pa && (attrs | DESC_AF) == bits &&
	       (e & DESC_AF);
}

/* A leaf that `map` wants to put. */
struct mapping {
	struct ptable *pt;
	u64 ia, pa, bits;
	unsigned target;		/* level */
	bool only_new;			/* -EEXIST if something is mapped there */
	struct pt_cache *cache;
};

/* The entry p of a level above the target is no table: make it one. 0: *e is a table. 1: nothing left to do. */
static int map_descend(const struct mapping *m, u64 *p, u64 *e, unsigned level)
{
	struct ptable *pt = m->pt;
	u64 *t;
	int err;

	if (is_leaf(*e, level)) {
		if (m->only_new)
			return -EEXIST;
		if (block_covers(pt, *e, level, m->ia, m->pa, m->bits))
			return 1;
		err = block_split(pt, p, *e, m->ia, level, m->cache);
		if (err)
			return err;
		*e = hook_read_pte(p);
	}
	while (!(*e & 1)) {
		if (*e == DESC_LOCKED)
			return -EAGAIN;
		t = table_get(pt, m->cache);
		if (!t) {
			hook_dsb_ishst();	/* a table further up may be new */
			return -ENOMEM;
		}
		if (!hook_write_pte(p, 0, hook_table_pa(t).v | DESC_TABLE))
			table_unget(pt, m->cache, t, false);
		*e = hook_read_pte(p);
	}
	return is_table(*e, level) ? 0 : -EAGAIN;	/* a block came in between */
}

static int map_one(const struct mapping *m)
{
	struct ptable *pt = m->pt;
	unsigned level;
	u64 *p, e;
	int err;

	for (;;) {
		p = entry_find(pt, m->ia, m->target, &level, &e);
		if (likely(level == m->target))
			break;
		err = map_descend(m, p, &e, level);
		if (err)
			return err < 0 ? err : 0;
	}
	if (e == DESC_LOCKED)
		return -EAGAIN;
	if (m->only_new && e)
		return -EEXIST;
	return leaf_set(pt, p, e, m->ia, level, leaf_desc(m->pa, m->bits, level));
}

/* 1 GiB blocks only for the direct map: what is handed out changes in smaller pieces. */
static unsigned target_level(const struct ptable *pt, u64 ia, u64 pa, u64 size)
{
	if (pt->kind == PT_KERNEL && !((ia | pa) & (level_size(1) - 1)) && size >= level_size(1))
		return 1;
	if (!((ia | pa) & (level_size(2) - 1)) && size >= level_size(2))
		return 2;
	return 3;
}

int pt_map(struct ptable *pt, u64 ia, pa_t pa, u64 size, unsigned perm, struct pt_cache *cache)
{
	struct mapping m = { .pt = pt, .ia = ia, .pa = pa.v, .bits = perm_bits(pt, perm), .cache = cache };
	int err = 0;

	ASSERT(IS_ALIGNED(ia | pa.v | size, PAGE_SIZE));
	ASSERT(pt->kind == PT_KERNEL || (ia + size <= BIT(pt->ia_bits) && ia + size >= ia));
	ASSERT(!(pa.v >> 48));
	while (size && !err) {
		m.target = size == PAGE_SIZE ? 3 : target_level(pt, m.ia, m.pa, size);
		hook_walk_begin();
		err = map_one(&m);
		hook_walk_end();
		m.ia += level_size(m.target);
		m.pa += level_size(m.target);
		size -= level_size(m.target);
	}
	return err;
}

int pt_map_new(struct ptable *pt, u64 ia, pa_t pa, unsigned perm)
{
	struct mapping m = {
		.pt = pt, .ia = ia, .pa = pa.v, .bits = perm_bits(pt, perm), .target = 3, .only_new = true,
	};
	int err;

	ASSERT(pt->kind != PT_KERNEL && IS_ALIGNED(ia | pa.v, PAGE_SIZE));
	ASSERT(ia < BIT(pt->ia_bits) && !(pa.v >> 48));
	hook_walk_begin();
	err = map_one(&m);
	hook_walk_end();
	return err;
}

/* ---- removal ---- */

struct unmap {
	struct ptable *pt;
	pt_leaf_fn fn;
	void *arg;
	unsigned n;
	struct {
		u64 ia, desc;		/* level in the low bits of ia */
	} item[BATCH];
};

/* Nothing of the batch is in any TLB after this; then the pages and tables may go. */
static void unmap_flush(struct unmap *u)
{
	struct ptable *pt = u->pt;

	if (!u->n)
		return;
	hook_dsb_ishst();
	if (u->n > PT_FLUSH_SINGLES) {
		hook_tlbi_all(pt);
	} else {
		for (unsigned i = 0; i < u->n; i++)
			hook_tlbi(pt, u->item[i].ia & PAGE_MASK, !is_table(u->item[i].desc, u->item[i].ia & 7));
	}
	hook_dsb_ish();
	if (pt->kind == PT_KERNEL)
		hook_isb();
	for (unsigned i = 0; i < u->n; i++) {
		u64 d = u->item[i].desc, ia = u->item[i].ia & PAGE_MASK;
		unsigned level = u->item[i].ia & 7;

		if (is_table(d, level)) {
			tables_count(pt, -1);
			hook_table_free(table_of(d), 0);
		} else if (u->fn) {
			u->fn(u->arg, ia, PA(leaf_pa(d, level)), level_size(level), leaf_perm(pt, d));
		}
	}
	u->n = 0;
}

/* The entry becomes 0; what it was waits in the batch. */
static void unmap_entry(struct unmap *u, u64 *p, u64 e, u64 ia, unsigned level)
{
	/* Only the access flag may change under us. */
	while (!hook_write_pte(p, e, 0))
		e = hook_read_pte(p);
	u->item[u->n].ia = (ia & ~(level_size(level) - 1)) | level;
	u->item[u->n++].desc = e;
	if (u->n == BATCH)
		unmap_flush(u);
}

static void unmap_level(struct unmap *u, u64 *table, unsigned level, u64 ia, u64 end)
{
	while (ia != end) {
		u64 next = level_end(ia, end, level);
		u64 *p = &table[index_of(u->pt, ia, level)], e = hook_read_pte(p);

		if (is_table(e, level)) {
			unmap_level(u, table_of(e), level + 1, ia, next);
			if (next - ia == level_size(level))
				unmap_entry(u, p, e, ia, level);
		} else if (is_leaf(e, level)) {
			ASSERT(next - ia == level_size(level));
			unmap_entry(u, p, e, ia, level);
		}
		ia = next;
	}
}

/* Entry of the leaf that covers ia, with its level; NULL if nothing is mapped. */
static u64 *leaf_find(struct ptable *pt, u64 ia, unsigned *level)
{
	u64 e, *p = entry_find(pt, ia, 3, level, &e);

	return is_leaf(e, *level) ? p : NULL;
}

/* See that no block extends across ia. */
static int split_at(struct ptable *pt, u64 ia)
{
	unsigned level;
	int err = 0;

	if (!offset_of(pt, ia))
		return 0;	/* an end of the address space */
	for (u64 *p; !err && (p = leaf_find(pt, ia, &level)) && (ia & (level_size(level) - 1));)
		err = block_split(pt, p, hook_read_pte(p), ia & ~(level_size(level) - 1), level, NULL);
	/* The access flag may have changed in between. */
	return err == -EAGAIN ? split_at(pt, ia) : err;
}

static int range_prepare(struct ptable *pt, u64 ia, u64 size)
{
	int err;

	ASSERT(IS_ALIGNED(ia | size, PAGE_SIZE));
	ASSERT(size <= BIT(pt->ia_bits) && (pt->kind == PT_KERNEL || ia + size <= BIT(pt->ia_bits)));
	err = split_at(pt, ia);
	return err ? err : split_at(pt, ia + size);
}

int pt_unmap(struct ptable *pt, u64 ia, u64 size, pt_leaf_fn fn, void *arg)
{
	struct unmap u;
	int err;

	if (!size)
		return 0;
	err = range_prepare(pt, ia, size);
	if (err)
		return err;
	u.pt = pt;
	u.fn = fn;
	u.arg = arg;
	u.n = 0;
	unmap_level(&u, pt->root, pt->start_level, ia, ia + size);
	unmap_flush(&u);
	return 0;
}

/* ---- changes and queries over a range ---- */

static void flush_add(struct pt_flush *f, u64 ia)
{
	if (f->n <= PT_FLUSH_SINGLES && f->n++ < PT_FLUSH_SINGLES)
		f->ia[f->n - 1] = ia;
}

bool pt_flush(struct ptable *pt, struct pt_flush *f)
{
	if (!f->n)
		return false;
	hook_dsb_ishst();
	if (f->n > PT_FLUSH_SINGLES) {
		hook_tlbi_all(pt);
	} else {
		for (unsigned i = 0; i < f->n; i++)
			hook_tlbi(pt, f->ia[i], true);
	}
	hook_dsb_ish();
	if (pt->kind == PT_KERNEL)
		hook_isb();
	f->n = 0;
	return true;
}

struct walk {
	struct ptable *pt;
	void (*leaf)(struct walk *w, u64 *p, u64 e, u64 ia, unsigned level);
	struct pt_flush *flush;
	unsigned keep, set;
	bool young, clear;
	pt_leaf_fn fn;
	void *arg;
};

static void walk_level(struct walk *w, u64 *table, unsigned level, u64 ia, u64 end)
{
	while (ia != end) {
		u64 next = level_end(ia, end, level);
		u64 *p = &table[index_of(w->pt, ia, level)], e = hook_read_pte(p);

		if (is_table(e, level))
			walk_level(w, table_of(e), level + 1, ia, next);
		else if (is_leaf(e, level))
			w->leaf(w, p, e, ia & ~(level_size(level) - 1), level);
		ia = next;
	}
}

static void protect_leaf(struct walk *w, u64 *p, u64 e, u64 ia, unsigned level)
{
	u64 new;

	do {
		unsigned perm = (leaf_perm(w->pt, e) & w->keep) | w->set;

		new = leaf_desc(leaf_pa(e, level), perm_bits(w->pt, perm), level);
		new = (new & ~DESC_AF) | (e & DESC_AF);
		if (new == e)
			return;
	} while (!hook_write_pte(p, e, new) && (e = hook_read_pte(p), true));
	flush_add(w->flush, ia);
}

int pt_protect_later(struct ptable *pt, u64 ia, u64 size, unsigned keep, unsigned set, struct pt_flush *f)
{
	struct walk w = { .pt = pt, .leaf = protect_leaf, .flush = f, .set = set };
	int err;

	ASSERT(!(set & (PT_DEVICE | PT_NOCACHE)));
	w.keep = keep | PT_DEVICE | PT_NOCACHE;		/* another type needs pt_map's break-before-make */
	if (!size)
		return 0;
	err = range_prepare(pt, ia, size);
	if (err)
		return err;
	walk_level(&w, pt->root, pt->start_level, ia, ia + size);
	return 0;
}

int pt_protect(struct ptable *pt, u64 ia, u64 size, unsigned keep, unsigned set)
{
	struct pt_flush f = {};
	int err = pt_protect_later(pt, ia, size, keep, set, &f);

	pt_flush(pt, &f);
	return err;
}

bool pt_lookup(struct ptable *pt, u64 ia, pa_t *pa, unsigned *perm, u64 *size)
{
	unsigned level;
	bool found;
	u64 e;

	hook_walk_begin();
	(void)entry_find(pt, ia, 3, &level, &e);
	found = is_leaf(e, level);
	if (found) {
		if (pa)
			*pa = PA(leaf_pa(e, level) + (ia & (level_size(level) - 1)));
		if (perm)
			*perm = leaf_perm(pt, e);
		if (size)
			*size = level_size(level);
	}
	hook_walk_end();
	return found;
}

static void visit_leaf(struct walk *w, u64 *p, u64 e, u64 ia, unsigned level)
{
	w->fn(w->arg, ia, PA(leaf_pa(e, level)), level_size(level), leaf_perm(w->pt, e));
}

void pt_for_each(struct ptable *pt, u64 ia, u64 size, pt_leaf_fn fn, void *arg)
{
	struct walk w = { .pt = pt, .leaf = visit_leaf, .fn = fn, .arg = arg };

	if (size)
		walk_level(&w, pt->root, pt->start_level, ia, ia + size);
}

static void age_leaf(struct walk *w, u64 *p, u64 e, u64 ia, unsigned level)
{
	if (!(e & DESC_AF))
		return;
	w->young = true;
	/* Losing the race means that the entry is being changed: its TLB entry goes anyway. */
	if (w->clear && hook_write_pte(p, e, e & ~DESC_AF))
		flush_add(w->flush, ia);
}

bool pt_age(struct ptable *pt, u64 ia, u64 size, bool clear)
{
	struct pt_flush f = {};
	struct walk w = { .pt = pt, .leaf = age_leaf, .flush = &f, .clear = clear };

	if (!size)
		return false;
	hook_walk_begin();
	walk_level(&w, pt->root, pt->start_level, ia, ia + size);
	pt_flush(pt, &f);
	hook_walk_end();
	return w.young;
}

bool pt_mkyoung(struct ptable *pt, u64 ia)
{
	unsigned level;
	u64 *p, e;
	bool found = false;

	hook_walk_begin();
	p = leaf_find(pt, ia, &level);
	if (p) {
		e = hook_read_pte(p);
		while (is_leaf(e, level) && !(e & DESC_AF) && !hook_write_pte(p, e, e | DESC_AF))
			e = hook_read_pte(p);
		found = is_leaf(e, level);
		hook_dsb_ishst();
		if (pt->kind == PT_KERNEL)
			hook_isb();
	}
	hook_walk_end();
	return found;
}
