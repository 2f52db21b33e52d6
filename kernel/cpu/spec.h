// SPDX-License-Identifier: GPL-2.0-only
/*
 * Speculation: what a CPU has to fear, and the exception vectors that do something about it. The rules are pure logic,
 * compiled natively by tests/host/test_fwreg.c. Arm: "Spectre-BHB" white paper; DDI 0487 on FEAT_CSV2, ECBHB and CLRBHB.
 */
#pragma once

#include <nestbox/types.h>

/* Branch history injection: how a CPU stands to it, the worst first. */
enum bhb {
	BHB_OPEN,	/* nothing known that helps */
	BHB_CLEARED,	/* affected, and the history is cleared when EL2 is entered from below */
	BHB_SAFE,
};

enum bhb_vectors { BHB_NONE, BHB_LOOP, BHB_CLEAR, BHB_VECTORS };

/* How a CPU stands to the speculation attacks that guests ask about; what is true is better. */
struct spec_cpu {
	bool v2_safe;		/* branch target injection */
	bool v4_safe;		/* speculative store bypass */
	bool ssbs;		/* not safe from that, but it has PSTATE.SSBS, whose reset value is safe */
	u8 bhb;			/* enum bhb */
	u8 vectors;		/* enum bhb_vectors: what BHB_CLEARED takes; BHB_NONE if exceptions clear by themselves */
	u8 loops;		/* BHB_LOOP: taken branches that overwrite the history */
};

struct spec_ids {
	u64 midr, pfr0, pfr1, mmfr1, isar2;	/* MIDR_EL1, ID_AA64PFR0_EL1, ... */
};

struct spec_cpu spec_of(const struct spec_ids *id);
/* What is true of both; vectors and loops are a CPU's own, and of no meaning in the result. */
struct spec_cpu spec_least(struct spec_cpu a, struct spec_cpu b);

struct spec_cpu spec_this_cpu(void);

/*
 * Each CPU, before it leaves EL2 for the first time: its vectors. Kernel option `bhb=loop`, `bhb=clear`: all CPUs have these, for
 * tests on a CPU that needs none.
 */
void spec_init_this(void);
/* What this CPU's vectors do, for a line of features: "" if nothing. */
const char *spec_vectors_name(void);

/*
 * The vectors of host and guest are a pair: VBAR_EL2 with this bit is the guest's. So entering and leaving a guest need not
 * know which pair it is.
 */
#define VECTORS_GUEST	0x800UL
