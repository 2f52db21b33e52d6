// SPDX-License-Identifier: GPL-2.0-only
/* AArch32 system registers: the rows of tables/cp.tbl, generated (cp_gen.c), used by cp.c. Constant. */
#pragma once

#include "kvm/sysreg/sysreg.h"

/* p15: 1, p14: 0. */
#define CP_KEY(p15, op1, crn, crm, op2)	((p15) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define CP64_KEY(p15, op1, crm)		((p15) << 8 | (op1) << 4 | (crm))

enum cp_part { CP_ALL, CP_LO, CP_HI };

struct cp_row {
	u16 key;
	u16 target;		/* SYSREG_KEY of the AArch64 register, when fn is NULL */
	u8 part;
	u64 (*fn)(struct vcpu *v);	/* its value; writes are ignored */
};
extern const struct cp_row cp_rows[], cp64_rows[];
extern const unsigned cp_rows_n, cp64_rows_n;
