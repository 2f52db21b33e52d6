// SPDX-License-Identifier: GPL-2.0-only
/*
 * For payloads that start at virtual EL2 (nestvm --nested): code at EL1 and EL0 below, until it takes an exception to EL2;
 * instructions made at run time; translation tables of both stages and a walker of their own. TGE is 0. E2H is 1, so
 * that lib.c's names of EL1 registers are EL2's; or it is 0 (nestvm --nested=nvhe), and lib.c has renamed them. Below, the MMU's stage 1 is off unless a payload turns it on.
 */
#pragma once

#define BELOW_PC	248
#define BELOW_ESR	264
#define BELOW_HPFAR	280
#define BELOW_KIND	288
#define BELOW_ERET	296

#define BELOW_EXCEPTION	0x100	/* HVC of EL1's vector n: + n */
#define BELOW_RETURN	0x200	/* HVC of a function that has returned */

#ifndef __ASSEMBLER__

#include "lib.h"

#define HCR_VM		(1UL << 0)
#define HCR_PTW		(1UL << 2)
#define HCR_FMO		(1UL << 3)
#define HCR_IMO		(1UL << 4)
#define HCR_AMO		(1UL << 5)
#define HCR_VF		(1UL << 6)
#define HCR_VI		(1UL << 7)
#define HCR_VSE		(1UL << 8)
#define HCR_DC		(1UL << 12)
#define HCR_TWI		(1UL << 13)
#define HCR_TSC		(1UL << 19)
#define HCR_TGE		(1UL << 27)
#define HCR_HCD		(1UL << 29)
#define HCR_RW		(1UL << 31)
#define HCR_E2H		(1UL << 34)
#define HCR_APK		(1UL << 40)
#define HCR_API		(1UL << 41)
#define HCR_BELOW	(HCR_RW | (nvhe ? 0 : HCR_E2H) | HCR_API | HCR_APK)	/* what el2_init leaves */
#define CPTR_OPEN	(nvhe ? 0x32ffUL : 3UL << 20)		/* no traps of FP; closed, below */
#define CPTR_CLOSED	(CPTR_OPEN ^ (nvhe ? 1UL << 10 : 3UL << 20))

#define EL0T		0x3c0UL		/* PSTATE with DAIF set */
#define EL1T		0x3c4UL
#define EL1H		0x3c5UL
#define EL2T		0x3c8UL
#define EL2H		0x3c9UL

#define ESR_EC(esr)	((esr) >> 26 & 0x3f)
#define ESR_ISS(esr)	((esr) & 0x1ffffff)
#define EC_UNKNOWN	0x00
#define EC_WFX		0x01
#define EC_FP		0x07
#define EC_PAC		0x09
#define EC_ILLEGAL	0x0e
#define EC_SVC		0x15
#define EC_HVC		0x16
#define EC_SMC		0x17
#define EC_SYS		0x18
#define EC_SVE		0x19
#define EC_ERET		0x1a
#define EC_PACFAIL	0x1c
#define EC_IABT_LOW	0x20
#define EC_IABT		0x21
#define EC_DABT_LOW	0x24
#define EC_DABT		0x25
#define EC_BRK		0x3c

#define KIND_SYNC	8		/* vectors of a lower exception level in AArch64 */
#define KIND_IRQ	9
#define KIND_FIQ	10
#define KIND_SERROR	11

/* Code below, and after it came back the exception that it took. */
struct below {
	u64 x[31];
	u64 pc, pstate;
	u64 esr, far, hpfar;
	u64 kind;
	u64 eretaa;			/* enter by ERETAA */
};

_Static_assert(offsetof(struct below, pc) == BELOW_PC && offsetof(struct below, esr) == BELOW_ESR &&
	       offsetof(struct below, hpfar) == BELOW_HPFAR && offsetof(struct below, kind) == BELOW_KIND &&
	       offsetof(struct below, eretaa) == BELOW_ERET, "el2_entry.S");

/* Vectors of EL2 and EL1, HCR_EL2 = HCR_BELOW, EL1's MMU off, FP at all levels; once a CPU. */
void el2_init(void);
/* ERET to what @b says; back with the first exception to EL2 from below. */
void below_enter(struct below *b);
/*
 * Call @fn(a0, a1) in the mode of @pstate (EL1H, EL0T ...) with a stack. Returns how it ended: BELOW_RETURN with b->x[0] as
 * its value; BELOW_EXCEPTION + n: it took exception n at EL1 (ELR_EL12 etc. say more); 0: another exception to EL2, in @b.
 */
u64 below_call(struct below *b, u64 pstate, const void *fn, u64 a0, u64 a1);
/* Go on where the exception in @b was taken. */
u64 below_resume(struct below *b);
/* 1 when @b came back by HVC #imm (its PC is behind it). */
static inline bool below_hvc(const struct below *b, u64 imm)
{
	return b->kind == KIND_SYNC && ESR_EC(b->esr) == EC_HVC && (b->esr & 0xffff) == imm;
}

/* ---- instructions made at run time ---- */

/* Encoding of a system register or instruction, as op0,op1,CRn,CRm,op2. */
#define SYSKEY(op0, op1, crn, crm, op2) ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
/* What ESR_ELx.ISS is for a trapped access of it with X@rt. */
u64 sys_iss(u32 key, bool read, unsigned int rt);
/* The one instruction, then RET (in @ret), in this CPU's buffer; its address. */
const void *sys_code(u32 key, bool read, unsigned int rt);
const void *code_of(const u32 *insns, unsigned int n);
/* From EL2 itself: true when it was UNDEF. */
bool sys_read(u32 key, u64 *val);
bool sys_write(u32 key, u64 val);

/* ---- translation tables ---- */

struct tables {
	u64 root;
	u8 granule;			/* log2: 12, 14, 16 */
	u8 bits;			/* of the input address */
	u8 level;			/* of the root */
	u8 tables;			/* concatenated at the root */
	bool stage2;
};

#define S2_RW		(3UL << 6)
#define S2_RO		(1UL << 6)
#define S2_XN		(1UL << 54)
#define S2_NORMAL	(0xfUL << 2 | 3UL << 8)
#define S2_AF		(1UL << 10)
#define S2_PAGE		(S2_AF | S2_NORMAL | S2_RW)
#define S1_PAGE		(1UL << 10 | 3UL << 8 | 1UL << 2)	/* AF, inner shareable, attribute 1; RW at EL1 */
#define S1_EL0		(1UL << 6)
#define S1_RO		(1UL << 7)

/* Zeroed memory, @size bytes aligned to it (a power of two), never given back. */
u64 memory_alloc(u64 size);
void tables_init(struct tables *t, bool stage2, unsigned int granule, unsigned int bits);
/* One entry at @level; tables above are made. @attr: its low and high attributes. */
void tables_map(struct tables *t, u64 in, u64 out, unsigned int level, u64 attr);
/* The entry for @in at @level, NULL when a table above is missing. */
u64 *tables_entry(const struct tables *t, u64 in, unsigned int level);
u64 tables_block(const struct tables *t, unsigned int level);	/* bytes that an entry at @level maps */
/* VTCR_EL2 and VTTBR_EL2 for stage 2 with @vmid; TCR_ELx of TTBR0 for stage 1. */
u64 tables_vtcr(const struct tables *t);
u64 tables_tcr(const struct tables *t);

struct walked {
	unsigned int fsc;		/* 0, or the fault status code */
	u64 out, desc;
	unsigned int level;
};
/* Walk as the manual says, by the tables' own bytes. */
struct walked tables_walk(const struct tables *t, u64 in);

/* Stage 2 on with these tables, and the TLB told; NULL: off. */
void stage2_on(const struct tables *t, unsigned int vmid);

static inline void tlbi_all(void)
{
	asm volatile("dsb ishst; tlbi alle1is; dsb ish; isb" : : : "memory");
}

#endif /* __ASSEMBLER__ */
