// SPDX-License-Identifier: GPL-2.0-only
/* Inside kernel/fp: register names, CPTR_EL2's fields, the assembly. Arm ARM D19.2.33 (CPTR_EL2 with E2H=1). */
#pragma once

#include "kernel/fp/owner.h"

#define CPTR_ZEN_ALL	(3UL << 16)	/* nothing traps */
#define CPTR_ZEN_EL0	(1UL << 16)	/* EL0 traps, EL2 does not (TGE=1) */
#define CPTR_FPEN_ALL	(3UL << 20)
#define CPTR_FPEN_EL0	(1UL << 20)
#define CPTR_SMEN_EL2	(1UL << 24)
#define CPTR_TTA	BIT(28)

#define SCTLR_ENFPM	BIT(34)

#define ZCR_EL2		S3_4_C1_C2_0
#define SMCR_EL2	S3_4_C1_C2_6
#define SVCR		S3_3_C4_C2_2
#define TPIDR2_EL0	S3_3_C13_C0_5
#define FPMR		S3_3_C4_C4_2
#define ID_AA64PFR2_EL1	S3_0_C0_C4_2

/* fpsimd.S, sve.S: traps off; sve_* work at the length that ZCR_EL2 gives. */
void fpsimd_save(struct fp_regs *r);
void fpsimd_load(const struct fp_regs *r);
void sve_save(void *sve, struct fp_regs *r);
void sve_load(const void *sve, const struct fp_regs *r);
void sve_clear_high(void);
unsigned long sve_length(void);
