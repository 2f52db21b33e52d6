// SPDX-License-Identifier: GPL-2.0-only
/*
 * AArch32 instructions with a condition: a CPU may trap one whose condition fails. Arm ARM D24.2.40 (COND and CV of the
 * ISS), F1.2 (conditions), F1.3 (IT).
 */
#include "kvm/trap/trap.h"

#define ISS_CV		BIT(24)
#define ISS_COND(esr)	((unsigned)((esr) >> 20 & 15))
#define COND_ALWAYS	14

static bool holds(unsigned cond, u64 pstate)
{
	bool n = pstate >> 31 & 1, z = pstate >> 30 & 1, c = pstate >> 29 & 1, o = pstate >> 28 & 1, res;

	switch (cond >> 1) {
	case 0:
		res = z;
		break;
	case 1:
		res = c;
		break;
	case 2:
		res = n;
		break;
	case 3:
		res = o;
		break;
	case 4:
		res = c && !z;
		break;
	case 5:
		res = n == o;
		break;
	case 6:
		res = n == o && !z;
		break;
	default:
		return true;
	}
	return res != (cond & 1);
}

bool cond_passed(const struct vcpu *v)
{
	u64 esr = v->exit.esr, pstate = v->regs.pstate, it;

	if (esr & ISS_CV)
		return holds(ISS_COND(esr), pstate);
	it = (pstate >> 8 & 0xfc) | (pstate >> 25 & 3);
	return !it || holds(it >> 4, pstate);
}
