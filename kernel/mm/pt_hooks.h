// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything page-table code does to hardware: PTE writes, barriers, TLB and cache operations, pages for tables.
 * Native builds get the functions from the model of tests/host/test_ptable.c, which checks their order.
 */
#pragma once

#include "kernel/mm/ptable.h"

#ifdef NATIVE
u64 hook_read_pte(u64 *p);
bool hook_write_pte(u64 *p, u64 old, u64 v);
void hook_init_pte(u64 *p, u64 v);
void hook_dsb_ishst(void);
void hook_dsb_ish(void);
void hook_isb(void);
void hook_tlbi(struct ptable *pt, u64 ia, bool leaf);
void hook_tlbi_all(struct ptable *pt);
void hook_clean(pa_t pa, u64 size);
u64 *hook_table_alloc(unsigned order);
void hook_table_free(u64 *table, unsigned order);
void hook_table_free_now(u64 *table);
pa_t hook_table_pa(const u64 *table);
u64 *hook_table_va(pa_t pa);
static inline void hook_walk_begin(void) { }
static inline void hook_walk_end(void) { }
#else
#include "kernel/cpu/sysreg.h"
#include "kernel/mm/page.h"
#include "kernel/mm/page_init.h"
#include "kernel/sched/rcu.h"

static inline u64 hook_read_pte(u64 *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }

/* Replace old by v atomically; false: it was not old any more. Earlier writes (a new table's) are visible first. */
static inline bool hook_write_pte(u64 *p, u64 old, u64 v)
{
	return __atomic_compare_exchange_n(p, &old, v, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* An entry of a table that is not linked yet. */
static inline void hook_init_pte(u64 *p, u64 v) { *p = v; }
static inline void hook_dsb_ishst(void) { dsb(ishst); }
static inline void hook_dsb_ish(void) { dsb(ish); }
static inline void hook_isb(void) { isb(); }
/* ptable_hw.c */
void hook_tlbi(struct ptable *pt, u64 ia, bool leaf);	/* leaf: the last level only, no table was unlinked */
void hook_tlbi_all(struct ptable *pt);
void hook_clean(pa_t pa, u64 size);			/* data cache to the point of coherency */
u64 *hook_table_alloc(unsigned order);			/* zeroed; NULL */
void hook_table_free(u64 *table, unsigned order);	/* after a grace period */
void hook_table_free_now(u64 *table);			/* was never linked */
static inline pa_t hook_table_pa(const u64 *table) { return va_to_pa(table); }
static inline u64 *hook_table_va(pa_t pa) { return pa_to_va(pa); }
/* A pt_map may hold pointers to a table that another one unlinks. */
static inline void hook_walk_begin(void) { rcu_read_lock(); }
static inline void hook_walk_end(void) { rcu_read_unlock(); }
#endif
