// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug at virtual EL2. The registers are one set for all levels (kvm/sysreg/debug.c); what differs is which of the CPU's
 * levels a point is for, and what an ERET of the hypervisor's does to a software step. Arm ARM D2.9.4, D2.10, D2.12.
 */
#include "kvm/nested/nested.h"
#include "kvm/sysreg/sysreg.h"

/* DBGBCR<n>_EL1 and DBGWCR<n>_EL1 alike, but for BT. */
#define CR_E		BIT(0)
#define CR_EL1		BIT(1)		/* PMC, PAC */
#define CR_EL0		BIT(2)
#define CR_HMC		BIT(13)
#define CR_SSC		GENMASK(15, 14)
#define CR_SSC_SECURE	BIT(15)
#define BCR_BT(bcr)	((bcr) >> 20 & 0xf)

#define MDSCR_SS	BIT(0)
#define MDSCR_KDE	BIT(13)
#define OSLSR_OSLK	BIT(1)
#define PSR_MODE	0xfUL
#define PSR_nRW		BIT(4)
#define PSR_D		BIT(9)
#define PSR_SS		BIT(21)

/* A point for EL2 is for EL1 of the CPU; one for EL1 is for none that runs now. */
static u64 control(u64 cr)
{
	u64 ssc = cr & CR_SSC, to = 0;

	if (ssc != CR_SSC_SECURE && (ssc != CR_SSC || (cr & CR_HMC)))
		to = (cr & CR_HMC ? CR_EL1 : 0) | (cr & CR_EL0);
	cr &= ~(CR_HMC | CR_SSC | CR_EL1 | CR_EL0);
	return to ? cr | to : cr & ~CR_E;
}

u64 nested_bcr(u64 bcr)
{
	/* Contexts that others link to have no levels of their own. */
	if ((BCR_BT(bcr) & 1) && (BCR_BT(bcr) & 0xa))
		return bcr;
	return control(bcr);
}

u64 nested_wcr(u64 wcr)
{
	return control(wcr);
}

/* Could a debug exception be taken at this level? AArch64.GenerateDebugExceptionsFrom */
static bool enabled(struct vcpu *v, unsigned el, u64 pstate)
{
	unsigned target = (nested_hcr(v) & HCR_TGE) || (vreg(v, REG_MDCR_EL2) & MDCR_TDE) ? 2 : 1;

	if (vreg(v, REG_OSLSR_EL1) & OSLSR_OSLK)
		return false;
	return el == target ? (vreg(v, REG_MDSCR_EL1) & MDSCR_KDE) && !(pstate & PSR_D) : el < target;
}

/* DebugExceptionReturnSS. While the VMM steps, it is above all levels: the ERET is the one instruction. */
u64 nested_step(struct vcpu *v, u64 spsr)
{
	unsigned to = spsr & PSR_nRW ? 0 : (spsr & PSR_MODE) >> 2;

	if (v->input.single_step || !(vreg(v, REG_MDSCR_EL1) & MDSCR_SS) || enabled(v, 2, v->regs.pstate) ||
	    !enabled(v, to, spsr))
		return 0;
	return spsr & PSR_SS;
}
