// SPDX-License-Identifier: GPL-2.0-only
/*
 * EL0 under HCR_EL2.TGE without E2H: there is no EL1, stage 1 is off, and what EL0 does comes to virtual EL2. The CPU's own TGE
 * would mean our EL2&0 regime, so EL0's exceptions are taken at its EL1, whose first instruction then aborts: with stage 1 off VBAR_EL1
 * is a guest physical address, and nothing in such a guest's shadow is executable at EL1 (PT_X_EL0). What the exception left in EL1's
 * registers makes one of virtual EL2 of it, before anybody else looks at the vCPU. What EL1's registers held meanwhile is
 * in nested->tge_el1. Loaded, interrupts off or preemption off. Arm ARM D19.2.48 (HCR_EL2.TGE), D1.3.
 */
#include "exit_classes.h"
#include "kernel/cpu/sysreg.h"
#include "kvm/nested/nested.h"
#include "kvm/run/run.h"

#define SCTLR_EL12	S3_5_C1_C0_0
#define SPSR_EL12	S3_5_C4_C0_0
#define ELR_EL12	S3_5_C4_C0_1
#define ESR_EL12	S3_5_C5_C2_0
#define FAR_EL12	S3_5_C6_C0_0
#define VBAR_EL12	S3_5_C12_C0_0

#define SCTLR_M		BIT(0)
#define ESR_EC(esr)	((esr) >> 26 & 0x3f)
#define ESR_IL		BIT(25)
#define EC_PC_ALIGN	0x22
#define PSR_MODE	0x1fUL
#define PSR_EL1H	5UL
#define VECTOR_KIND(pc)	((pc) >> 7 & 3)

void tge_enter(struct vcpu *v)
{
	struct tge_el1 *t = &v->nested->tge_el1;

	t->sctlr = read_sysreg(SCTLR_EL12);
	t->spsr = read_sysreg(SPSR_EL12);
	t->elr = read_sysreg(ELR_EL12);
	t->esr = read_sysreg(ESR_EL12);
	t->far = read_sysreg(FAR_EL12);
	t->vbar = read_sysreg(VBAR_EL12);
	write_sysreg(t->sctlr & ~SCTLR_M, SCTLR_EL12);
	write_sysreg(0, VBAR_EL12);
}

void tge_leave(struct vcpu *v)
{
	const struct tge_el1 *t = &v->nested->tge_el1;

	write_sysreg(t->sctlr, SCTLR_EL12);
	write_sysreg(t->spsr, SPSR_EL12);
	write_sysreg(t->elr, ELR_EL12);
	write_sysreg(t->esr, ESR_EL12);
	write_sysreg(t->far, FAR_EL12);
	write_sysreg(t->vbar, VBAR_EL12);
}

/* What EL1 would be told, as EL2 is: a trap of its CPACR_EL1 does not say which (AArch64.AdvSIMDFPAccessTrap). */
static u64 esr_of(u64 esr)
{
	switch (ESR_EC(esr)) {
	case ESR_EC_FP_ASIMD:
	case ESR_EC_SVE:
		return ESR_IL;
	default:
		return esr;
	}
}

static bool far_valid(u64 esr)
{
	switch (ESR_EC(esr)) {
	case ESR_EC_IABT_LOW:
	case ESR_EC_DABT_LOW:
	case EC_PC_ALIGN:
	case ESR_EC_WATCHPT_LOW:
		return true;
	default:
		return false;
	}
}

void tge_reflect(struct vcpu *v)
{
	unsigned kind = VECTOR_KIND(v->regs.pc);
	u64 esr = esr_of(read_sysreg(ESR_EL12));

	if ((v->regs.pstate & PSR_MODE) != PSR_EL1H)
		return;
	v->regs.pc = read_sysreg(ELR_EL12);
	v->regs.pstate = read_sysreg(SPSR_EL12);
	nested_inject(v, (enum exception_kind)kind, esr, kind == EXC_SYNC && far_valid(esr), read_sysreg(FAR_EL12));
	/* The abort at the vector is done with. A step of the VMM's is over, and the VMM's to see. */
	if (v->exit.kind == EXIT_TRAP && !(ESR_EC(v->exit.esr) == ESR_EC_SOFTSTP_LOW && (v->traps.mdcr & MDCR_TDE)))
		v->exit.kind = EXIT_IRQ;
}
