// SPDX-License-Identifier: GPL-2.0-only
/* The registers of virtual EL2, made from tables/sysreg.tbl: for payloads and for programs (tests/abi). */
#pragma once

#include <stdint.h>

#define EL2_RESET	1	/* the value at reset is known */
#define EL2_USER	2	/* ONE_REG reaches it */
#define EL2_VNCR	4	/* in memory that the hypervisor writes without a trap: other bits may keep what is written, too */
#define EL2_HARDWARE	8	/* in the place of an EL1 register */
#define EL2_PLAIN	16	/* keeps what is written, by its bits */
#define EL2_NO_WRITE	32
#define EL2_NO_READ	64
#define EL2_VHE		128	/* only there if E2H is 1 */
#define EL2_HARDWARE_NVHE 256	/* in the place of an EL1 register without E2H, too */

struct el2_reg {
	const char *name;
	uint16_t key;		/* op0,op1,CRn,CRm,op2, as ONE_REG has it */
	unsigned int flags;
	struct {
		uint64_t reset, keep, ones;
	} by_e2h[2];		/* with E2H, without */
};

static const struct el2_reg el2_regs[] = {
#include "el2_regs_gen.h"
};
