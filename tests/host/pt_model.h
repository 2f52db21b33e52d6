// SPDX-License-Identifier: GPL-2.0-only
/* The model behind kernel/mm/pt_hooks.h in native builds: what TLBs may still hold. See pt_model.c. */
#pragma once

#include "kernel/mm/pt_hooks.h"
#include "kernel/mm/ptable_desc.h"

enum model_mutant {
	MUTANT_NONE,
	MUTANT_NO_TLBI,		/* TLBI by address lost */
	MUTANT_NO_TLBI_ALL,	/* TLBI of everything lost */
	MUTANT_LEAF_TLBI,	/* TLBI of the last level only, where a table goes */
	MUTANT_NO_DSB_BEFORE,	/* DSB ISHST lost */
	MUTANT_NO_DSB_AFTER,	/* DSB ISH lost */
	MUTANT_NO_ISB,		/* ISB lost (kernel's own table) */
	MUTANT_NO_BREAK,	/* valid to valid without invalid in between */
	MUTANT_NO_CLEAN,	/* data cache not cleaned (stage 2) */
	MUTANT_COUNT
};

struct model {
	enum model_mutant mutant;
	struct ptable *pt;
	unsigned violations;
	bool fail_alloc;	/* some allocations of tables fail */
	bool interfere;		/* model_interfere() is called now and then */
	bool destroying;	/* tables may be freed while linked, after everything has left the TLBs */
};
extern struct model model;

void model_reset(enum model_mutant m);
void model_begin(void);			/* an operation starts */
void model_end(void);			/* and ends: nothing may be left in TLBs of what is gone */
void model_removed(u64 ia, u64 size);	/* the caller learns that a leaf is gone: TLBs must not have it */
u64 model_tables(void);			/* pages in tables now */
void model_drop(void);			/* free what a mutant left behind */
bool model_applies(enum model_mutant m, enum pt_kind kind);
const char *model_mutant_name(enum model_mutant m);
void model_interfere(void);		/* the test's */
