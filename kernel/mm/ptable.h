// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables of all three kinds (kernel and process stage 1, guest stage 2), 4 KiB granule, VMSAv8-64, Arm ARM D8.
 * Tables change only through this file, which follows break-before-make and emits every PTE write, barrier, TLB and
 * cache operation through kernel/mm/pt_hooks.h, so that a native model (tests/host) can check the order.
 *
 * Concurrency: pt_map on a PT_SHARED table may run in parallel with other pt_map, pt_walk and pt_age calls (entries
 * change by compare-and-swap); pt_unmap, pt_protect and pt_destroy need the caller to exclude all others except
 * walkers under RCU: tables are freed by rcu_defer after their TLB invalidation.
 */
#pragma once

#include <nestbox/types.h>

enum pt_kind { PT_KERNEL, PT_USER, PT_STAGE2 };

struct ptable {
	u64 *root;		/* direct-map address; stage 2 may have up to 16 concatenated root pages */
	enum pt_kind kind;
	u8 ia_bits;		/* input address size */
	u8 start_level;		/* 0..2 */
	u8 root_order;		/* pages at the root: 2^root_order */
	u16 id;			/* ASID; for stage 2 the owner passes VMIDs through `vttbr` below */
	u64 vttbr;		/* PT_STAGE2: value of VTTBR_EL2 that names these translations for TLBI */
	u64 tables;		/* pages used for tables, root included */
};

/* Permissions and type, turned into descriptor bits by kind. */
#define PT_R		BIT(0)
#define PT_W		BIT(1)
#define PT_X		BIT(2)		/* executable at the user's (guest's) level; PT_KERNEL: by the kernel */
#define PT_X_EL0	BIT(8)		/* PT_STAGE2, with PT_X: at EL0 alone (FEAT_XNX) */
#define PT_DEVICE	BIT(3)		/* device memory, else normal write-back, inner shareable */
#define PT_NOCACHE	BIT(4)		/* normal non-cacheable */
#define PT_SW0		BIT(5)		/* three bits of the caller's own, kept in the descriptor (bits 55..57) */
#define PT_SW1		BIT(6)
#define PT_SW2		BIT(7)

/* ia_bits: 48; PT_STAGE2: 32 to 48, or to 52 where the CPU has FEAT_LPA2. -ENOMEM, -EINVAL */
int pt_init(struct ptable *pt, enum pt_kind kind, unsigned ia_bits);
/* Input addresses beyond 48 bits: descriptors as with VTCR_EL2.DS (Arm ARM D8.3.1). Our own memory is below 48 bits. */
static inline bool pt_is_large(const struct ptable *pt) { return pt->ia_bits > 48; }
/* Unmaps nothing of the caller's pages: only frees tables. The caller has unmapped, or never looks at the pages again. */
void pt_destroy(struct ptable *pt);

/*
 * All that is mapped goes at once, in time bounded by the root: the tables below it are *out's then, for pt_destroy by whoever
 * has the time. TLBs are clean on return. As for pt_unmap, all others are excluded. -ENOMEM: nothing happened.
 */
int pt_detach(struct ptable *pt, struct ptable *out);

/*
 * Map [ia, ia+size) to pa with blocks as large as alignment allows and `max_level_block` permits (true: 2 MiB blocks
 * allowed). An existing different mapping is replaced by break-before-make. May allocate tables: a stage-2 fault
 * handler passes a prefilled cache so that it cannot fail under a lock (NULL: allocate here).
 * -ENOMEM; -EAGAIN: lost a race with a parallel pt_map (nothing to undo; the fault will be taken again).
 */
struct pt_cache {
	unsigned n;
	void *page[6];
};
int pt_cache_fill(struct pt_cache *c, unsigned n);	/* -ENOMEM; may sleep */
void pt_cache_drain(struct pt_cache *c);
int pt_map(struct ptable *pt, u64 ia, pa_t pa, u64 size, unsigned perm, struct pt_cache *cache);

/* One page where nothing is mapped (PT_USER, PT_STAGE2). -EEXIST: something is; -ENOMEM, -EAGAIN as pt_map. */
int pt_map_new(struct ptable *pt, u64 ia, pa_t pa, unsigned perm);

/*
 * Remove what is mapped in the range, splitting blocks that stick out (or, when out of memory, -ENOMEM with nothing
 * lost). fn (may be NULL) is called for each leaf removed, after its TLB invalidation, with its pa, size and perm.
 */
typedef void (*pt_leaf_fn)(void *arg, u64 ia, pa_t pa, u64 size, unsigned perm);
int pt_unmap(struct ptable *pt, u64 ia, u64 size, pt_leaf_fn fn, void *arg);
/* Change permissions of what is mapped: new = (old & keep) | set. Splits blocks at the ends. TLBs are clean on return. */
int pt_protect(struct ptable *pt, u64 ia, u64 size, unsigned keep, unsigned set);

/*
 * The same for many ranges with one TLB invalidation: pt_protect_later any number of times on a flush that was zero at
 * first, then pt_flush. In between TLBs may grant what the table no longer does, to entries that are still valid only:
 * whoever removes one invalidates it. pt_flush excludes nobody; true: there was something to do.
 */
#define PT_FLUSH_SINGLES 8	/* more than that: all of the ASID or VMID at once */
struct pt_flush {
	unsigned n;
	u64 ia[PT_FLUSH_SINGLES];
};
int pt_protect_later(struct ptable *pt, u64 ia, u64 size, unsigned keep, unsigned set, struct pt_flush *f);
bool pt_flush(struct ptable *pt, struct pt_flush *f);
/* Leaf at ia: false if none. level_size: size of the mapping. */
bool pt_lookup(struct ptable *pt, u64 ia, pa_t *pa, unsigned *perm, u64 *level_size);
/* Calls fn for each leaf in the range without changing anything. */
void pt_for_each(struct ptable *pt, u64 ia, u64 size, pt_leaf_fn fn, void *arg);
/* Test and clear the access flag in the range: true if any was set. */
bool pt_age(struct ptable *pt, u64 ia, u64 size, bool clear);
/* Set the access flag of the leaf at ia (access flag fault); false if nothing is mapped. */
bool pt_mkyoung(struct ptable *pt, u64 ia);

/* ---- stage 2 and VMIDs ---- */
/*
 * Use FEAT_S2FWB if the CPU has it: then HCR_EL2.FWB must be 1 whenever a guest runs, and mapping needs no cache
 * cleaning. Before the first PT_STAGE2 table; returns whether it is in use. Never called: FWB stays 0.
 */
bool pt_stage2_fwb_enable(void);
/* All translations (stage 1 and 2) of the VMID in this VTTBR_EL2 value, on all CPUs. Any context. */
void pt_flush_vmid(u64 vttbr);
/* The same for all VMIDs (VMID rollover). */
void pt_flush_all_vmids(void);
