// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions into a guest whose EL1 is AArch32: Undefined mode, or Abort mode with the fault registers. PSTATE: Arm ARM
 * G1.13 and AArch32.EnterMode; fault status: G8.2.37 (DFSR), with the long descriptor format or without.
 */
#define VCPU_ENTRY_CODE

#include "kvm/run/run.h"

#define MODE_ABT	0x17UL
#define MODE_UND	0x1bUL
#define CPSR_T		BIT(5)
#define CPSR_F		BIT(6)
#define CPSR_I		BIT(7)
#define CPSR_A		BIT(8)
#define CPSR_E		BIT(9)
#define CPSR_PAN	BIT(22)
#define CPSR_SSBS	BIT(23)
#define CPSR_DIT	BIT(24)		/* where SPSR_EL2 has it; 21 in AArch32's own registers */
#define CPSR_KEEP	(GENMASK(31, 27) | CPSR_DIT | CPSR_PAN | GENMASK(19, 16) | CPSR_A | CPSR_F)

#define SCTLR_V		BIT(13)
#define SCTLR_SPAN	BIT(23)
#define SCTLR_EE	BIT(25)
#define SCTLR_TE	BIT(30)
#define SCTLR_DSSBS	BIT(31)
#define TTBCR_EAE	BIT(31)

#define FSR_LPAE	BIT(9)
#define FSR_EXTERNAL_SHORT 0x08

#define EC(esr)		((esr) >> 26 & 0x3f)
#define EC_UNKNOWN	0
#define EC_IABT_LOW	0x20
#define EC_IABT_CUR	0x21

/* Banked registers in the AArch64 view (Arm ARM D1.6.1). */
#define X_LR_ABT	20
#define X_LR_UND	22

static void enter_mode(struct vcpu *v, u64 mode, unsigned vector, unsigned lr, u64 ret)
{
	struct vcpu_regs *r = &v->regs;
	u64 sctlr = reg_read(v, REG_SCTLR_EL1), old = r->pstate, spsr = old & ~(CPSR_DIT | BIT(21));
	u64 new = (old & CPSR_KEEP) | CPSR_I | mode;

	if (old & CPSR_DIT)
		spsr |= BIT(21);
	reg_write(v, mode == MODE_UND ? REG_SPSR_und : REG_SPSR_abt, spsr);
	r->x[lr] = (u32)ret;
	if (mode != MODE_UND)
		new |= CPSR_A;
	if (!(sctlr & SCTLR_SPAN))
		new |= CPSR_PAN;
	if (sctlr & SCTLR_DSSBS)
		new |= CPSR_SSBS;
	if (sctlr & SCTLR_EE)
		new |= CPSR_E;
	if (sctlr & SCTLR_TE)
		new |= CPSR_T;
	r->pstate = new;
	r->pc = (u32)((sctlr & SCTLR_V ? 0xffff0000 : reg_read(v, REG_VBAR_EL1)) + vector);
}

static void take_abort(struct vcpu *v, bool fetch)
{
	const struct vcpu_input *in = &v->input;
	u64 far = reg_read(v, REG_FAR_EL1), fsr = FSR_EXTERNAL_SHORT;

	/* The short descriptor format has no way to say anything but "external". */
	if (reg_read(v, REG_TCR_EL1) & TTBCR_EAE)
		fsr = FSR_LPAE | (in->exc.esr & 0x3f);
	if (fetch) {
		reg_write(v, REG_IFSR32_EL2, fsr);
		far = (u32)far | in->exc.far << 32;
	} else {
		reg_write(v, REG_ESR_EL1, fsr);
		far = (far & ~0xffffffffUL) | (u32)in->exc.far;
	}
	reg_write(v, REG_FAR_EL1, far);
	enter_mode(v, MODE_ABT, fetch ? 12 : 16, X_LR_ABT, v->regs.pc + (fetch ? 4 : 8));
}

void exception_take32(struct vcpu *v)
{
	u64 ec = EC(v->input.exc.esr);

	if (ec == EC_UNKNOWN)
		enter_mode(v, MODE_UND, 4, X_LR_UND, v->regs.pc + (v->regs.pstate & CPSR_T ? 2 : 4));
	else
		take_abort(v, ec == EC_IABT_LOW || ec == EC_IABT_CUR);
}
