// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fast tier of a vCPU with a virtual EL2: what the hypervisor does most is served with the guest loaded. Guest loaded,
 * interrupts off, as in kvm/run/exit.c.
 */
#define VCPU_ENTRY_CODE

#include "exit_classes.h"
#include "kernel/cpu/sysreg.h"
#include "kvm/nested/nested.h"
#include "kvm/sysreg/sysreg.h"
#include "kvm/trap/trap.h"

#define ESR_EC(esr)	((esr) >> 26 & 0x3f)
#define ESR_OP0(esr)	((esr) >> 20 & 3)
#define ESR_OP1(esr)	((esr) >> 14 & 7)
#define ESR_CRN(esr)	((esr) >> 10 & 15)
#define ESR_CRM(esr)	((esr) >> 1 & 15)
#define ESR_OP2(esr)	((esr) >> 17 & 7)
#define ISS_SYS_MASK	(GENMASK(24, 10) | GENMASK(4, 1))	/* all but the register and the direction */
#define ISS_MDSCR	(2UL << 20 | 2UL << 17 | 2UL << 1)
#define SPSR_SS		BIT(21)
#define SPSR_BTYPE	GENMASK(11, 10)

static enum nested_fast skip(void)
{
	write_sysreg(read_sysreg(elr_el2) + 4, elr_el2);
	write_sysreg(read_sysreg(spsr_el2) & ~(SPSR_SS | SPSR_BTYPE), spsr_el2);
	return NESTED_SERVED;
}

/*
 * Registers of EL2 that trap: their handlers only touch the vCPU and this CPU. Not ZCR_EL2 (CRn 1, CRm 2): with the guest's
 * CPTR_EL2 loaded, that traps us too.
 */
static bool is_simple(u64 esr)
{
	return ESR_OP0(esr) == 3 && ESR_OP1(esr) >= 4 && ESR_OP1(esr) <= 6 && !(ESR_CRN(esr) == 1 && ESR_CRM(esr) == 2);
}

/* Linux exchanges it on the way into its guest and out of it, mostly for the same. */
static enum nested_fast fast_mdscr(struct vcpu *v, u64 esr)
{
	unsigned rt = esr >> 5 & 31;

	if (esr & 1) {
		guest_reg_set(v, rt, vreg(v, REG_MDSCR_EL1));
	} else if (vreg(v, REG_MDSCR_EL1) != guest_reg(v, rt)) {
		vreg(v, REG_MDSCR_EL1) = guest_reg(v, rt);
		debug_regs_load(v);
	}
	return skip();
}

static bool is_mdcr(u64 esr)
{
	return ESR_OP0(esr) == 3 && ESR_OP1(esr) == 4 && ESR_CRN(esr) == 1 && ESR_CRM(esr) == 1 && ESR_OP2(esr) == 1;
}

static enum nested_fast fast_sys(struct vcpu *v, u64 esr)
{
	const struct sysreg_row *row;

	if ((esr & ISS_SYS_MASK) == ISS_MDSCR)
		return fast_mdscr(v, esr);
	if (ESR_OP0(esr) == 1 && (ESR_CRN(esr) & 14) == 8)
		return nested_tlbi_fast(v, esr) ? skip() : NESTED_SLOW;
	if (!is_simple(esr))
		return NESTED_COMMON;
	if (unlikely(v->pmu) && is_mdcr(esr))	/* its change may raise an interrupt */
		return NESTED_SLOW;
	row = sysreg_row_find(SYSREG_KEY(ESR_OP0(esr), ESR_OP1(esr), ESR_CRN(esr), ESR_CRM(esr), ESR_OP2(esr)));
	if (!row)
		return NESTED_SLOW;
	/* Whoever has an exception instead is dispatched, and comes to the same exception again. */
	return sysreg_trap_row(v, esr, row) == TRAP_SKIP ? skip() : NESTED_SLOW;
}

enum nested_fast nested_exit_fast(struct vcpu *v, u64 esr)
{
	const struct nested *n = v->nested;

	switch (ESR_EC(esr)) {
	case ESR_EC_FP_ASIMD:
		return n->hyp || !n->fp_traps ? NESTED_COMMON : NESTED_SLOW;
	case ESR_EC_SVE:
		return n->hyp || !n->sve_traps ? NESTED_COMMON : NESTED_SLOW;
	case ESR_EC_SYS64:
		return n->hyp ? fast_sys(v, esr) : NESTED_SLOW;
	case ESR_EC_DABT_LOW:
		return n->hyp ? NESTED_COMMON : NESTED_SLOW;
	case ESR_EC_ERET:
		return n->hyp && !(esr & BIT(1)) && nested_eret_fast(v) ? NESTED_SERVED : NESTED_SLOW;
	default:
		return NESTED_SLOW;
	}
}
