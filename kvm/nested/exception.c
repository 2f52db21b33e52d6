// SPDX-License-Identifier: GPL-2.0-only
/*
 * Into virtual EL2 and out of it: exceptions that it takes, its ERET, and what happens before each entry. Arm ARM
 * AArch64.TakeException, AArch64.ExceptionReturn, D1.3.
 */
#include <linux/errno.h>

#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kvm/nested/nested.h"
#include "kvm/run/run.h"
#include "kvm/timer/timer.h"
#include "kvm/vcpu_state.h"
#include "kvm/vgic/vgic.h"

#define PSR_MODE	0xfUL
#define PSR_nRW		BIT(4)
#define PSR_EL0T	0UL
#define PSR_EL1T	4UL
#define PSR_EL1H	5UL
#define PSR_EL2T	8UL
#define PSR_EL2H	9UL
#define PSR_DAIF	GENMASK(9, 6)
#define PSR_SSBS	BIT(12)
#define PSR_IL		BIT(20)
#define PSR_SS		BIT(21)
#define PSR_PAN		BIT(22)
#define PSR_DIT		BIT(24)
#define PSR_NZCV	GENMASK(31, 28)
#define SCTLR_SPAN	BIT(23)
#define SCTLR_DSSBS	BIT(44)
#define EC_PACFAIL	0x1c
#define EC_SERROR	0x2f
#define ESR_IL		BIT(25)
#define VECTOR_CURRENT_SP0 0x000
#define VECTOR_CURRENT	0x200
#define VECTOR_LOWER	0x400
#define VECTOR_LOWER32	0x600

void nested_inject(struct vcpu *v, enum exception_kind kind, u64 esr, bool far_valid, u64 far)
{
	struct vcpu_input *in = &v->input;

	in->step = STEP_EXCEPTION;
	in->exc.kind = kind;
	in->exc.target_el = 2;
	in->exc.esr = esr;
	in->exc.far_valid = far_valid;
	in->exc.far = far;
}

u64 nested_spsr(struct vcpu *v, u64 pstate)
{
	bool el1 = !(pstate & PSR_nRW) && (pstate & PSR_MODE) && (pstate & PSR_MODE) < PSR_EL2T;

	return el1 && (nested_hcr(v) & HCR_NV) ? pstate + (PSR_EL2T - PSR_EL1T) : pstate;
}

static u64 vector_offset(u64 pstate, enum exception_kind kind)
{
	u64 base = VECTOR_LOWER;

	if (pstate & PSR_nRW)
		base = VECTOR_LOWER32;
	else if ((pstate & PSR_MODE) == PSR_EL2H)
		base = VECTOR_CURRENT;
	else if ((pstate & PSR_MODE) == PSR_EL2T)
		base = VECTOR_CURRENT_SP0;
	return base + kind * 0x80;
}

static u64 entry_pstate(struct vcpu *v, u64 old)
{
	u64 sctlr = reg_read(v, REG_SCTLR_EL2);
	u64 new = (old & (PSR_NZCV | PSR_PAN | PSR_DIT)) | PSR_DAIF | PSR_EL1H;	/* EL2h, as the hardware has it */

	if (!(sctlr & SCTLR_SPAN) && nested_el0_hyp(v, nested_hcr(v)))
		new |= PSR_PAN;
	if (sctlr & SCTLR_DSSBS)
		new |= PSR_SSBS;
	return new;
}

void nested_exception_take(struct vcpu *v)
{
	const struct vcpu_input *in = &v->input;
	u64 pstate = nested_pstate_arch(v), flags = local_irq_save();

	if (!v->nested->hyp) {
		nested_switch(v, true);
		shadow_put(v);
	}
	reg_write(v, REG_ELR_EL2, v->regs.pc);
	reg_write(v, REG_SPSR_EL2, pstate);
	if (in->exc.kind == EXC_SYNC || in->exc.kind == EXC_SERROR)
		reg_write(v, REG_ESR_EL2, in->exc.esr);
	if (in->exc.far_valid)
		reg_write(v, REG_FAR_EL2, in->exc.far);
	v->regs.pc = reg_read(v, REG_VBAR_EL2) + vector_offset(pstate, in->exc.kind);
	v->regs.pstate = entry_pstate(v, pstate);
	local_irq_restore(flags);
}

void nested_handler_start(struct vcpu *v, u64 pc)
{
	u64 pstate = nested_pstate_arch(v), flags = local_irq_save();

	if (!v->nested->hyp) {
		nested_switch(v, true);
		shadow_put(v);
	}
	v->regs.pc = pc;
	v->regs.pstate = entry_pstate(v, pstate);
	local_irq_restore(flags);
}

void nested_handler_resume(struct vcpu *v, u64 pstate, u64 pc, u64 to)
{
	reg_write(v, REG_ELR_EL2, pc);
	reg_write(v, REG_SPSR_EL2, pstate);
	v->regs.pc = to;
	v->regs.pstate = entry_pstate(v, pstate);
}

/* Else an illegal exception return: PSTATE.IL, the level stays. Arm ARM D1.3.4. */
static bool return_legal(struct vcpu *v, u64 spsr)
{
	bool tge = nested_hcr(v) & HCR_TGE;

	if (spsr & PSR_nRW)	/* EL0 only, and only where there is AArch32 */
		return !(spsr & PSR_MODE) && (v->vm->idregs.id[IDX_ID_AA64PFR0_EL1] & 0xf) == 2;
	switch (spsr & PSR_MODE) {
	case PSR_EL0T:
	case PSR_EL2T:
	case PSR_EL2H:
		return true;
	case PSR_EL1T:
	case PSR_EL1H:
		return !tge;
	default:
		return false;
	}
}

static enum trap_result return_illegal(struct vcpu *v, u64 spsr)
{
	u64 keep = PSR_MODE | PSR_nRW | PSR_SSBS | PSR_DIT;

	v->regs.pstate = (v->regs.pstate & keep) | (spsr & (PSR_NZCV | PSR_DAIF | PSR_PAN)) | PSR_IL;
	return TRAP_RETRY;
}

/* To EL1, or to EL0 without TGE: the guest's context. */
static enum trap_result return_to_guest(struct vcpu *v, u64 spsr)
{
	bool no_window = unlikely(nested_hcr(v) & HCR_NV) && vncr_prepare(v);
	struct shadow *s;

	v->nested->tge = nested_el0_alone(v, nested_hcr(v), spsr);
	s = no_window ? NULL : shadow_get(v);
	if (!s) {
		v->nested->tge = false;
		v->state->error = -ENOMEM;	/* the ERET is tried again when KVM_RUN is */
		return TRAP_FAIL;
	}
	local_irq_disable();
	v->nested->shadow = s;
	nested_switch(v, false);
	v->regs.pstate = spsr;
	local_irq_enable();
	return TRAP_RETRY;
}

enum trap_result nested_eret(struct vcpu *v)
{
	u64 spsr = reg_read(v, REG_SPSR_EL2), elr = reg_read(v, REG_ELR_EL2);

	if (unlikely(v->exit.esr & BIT(1)) && v->config.ptrauth) {
		bool key_b = v->exit.esr & BIT(0), good;
		u64 flags = local_irq_save();

		good = nested_elr_authenticate(v, key_b, &elr);
		local_irq_restore(flags);
		if (!good) {
			nested_inject(v, EXC_SYNC, (u64)EC_PACFAIL << 26 | ESR_IL | key_b, false, 0);
			return TRAP_RETRY;
		}
	}
	return nested_return(v, spsr, elr);
}

enum trap_result nested_return(struct vcpu *v, u64 spsr, u64 to)
{
	u64 pc = v->regs.pc;
	enum trap_result res;

	v->regs.pc = to;
	if (!return_legal(v, spsr))
		return return_illegal(v, spsr);
	if (unlikely(spsr & PSR_SS))
		spsr = (spsr & ~PSR_SS) | nested_step(v, spsr);
	if (!(spsr & PSR_nRW) && (spsr & PSR_MODE) >= PSR_EL2T) {
		v->regs.pstate = spsr - (PSR_EL2T - PSR_EL1T);
		return TRAP_RETRY;
	}
	if (!(spsr & PSR_MODE) && nested_el0_hyp(v, nested_hcr(v))) {
		v->regs.pstate = spsr;
		return TRAP_RETRY;
	}
	res = return_to_guest(v, spsr);
	if (v->nested->hyp)
		v->regs.pc = pc;
	return res;
}

bool nested_eret_fast(struct vcpu *v)
{
	u64 spsr = reg_read(v, REG_SPSR_EL2);
	bool el2 = (spsr & PSR_MODE) >= PSR_EL2T;

	if ((spsr & PSR_nRW) || !return_legal(v, spsr) || v->debug_live ||
	    (!el2 && ((spsr & PSR_MODE) || !nested_el0_hyp(v, nested_hcr(v)))))
		return false;
	write_sysreg(reg_read(v, REG_ELR_EL2), elr_el2);
	write_sysreg(el2 ? spsr - (PSR_EL2T - PSR_EL1T) : spsr, spsr_el2);
	return true;
}

/* Something for the hypervisor that its guest must be left for. */
static bool hyp_irq_pending(struct vcpu *v)
{
	return ((nested_hcr(v) & HCR_IMO) || unlikely(v->nested->tge)) && vgic_has_pending(v);
}

/*
 * SErrors in the guest's context: ours go to the hypervisor if it wants them (HCR_EL2.AMO); the one that it makes itself
 * (VSE) is the hardware's, until nested_leave finds it taken.
 */
static void serror_commit(struct vcpu *v)
{
	u64 hcr = nested_hcr(v);

	if ((v->input.vserror & VSERROR_OURS) && ((hcr & HCR_AMO) || v->nested->tge)) {
		v->input.vserror = 0;
		nested_inject(v, EXC_SERROR, (u64)EC_SERROR << 26 | ESR_IL | v->input.vserror_esr, false, 0);
		vcpu_commit_input(v);
	} else if ((hcr & HCR_VSE) && !v->nested->tge) {
		v->input.vserror |= VSERROR_NESTED;
	}
}

/* The guest has taken the SError that its hypervisor made. */
static void serror_taken(struct vcpu *v)
{
	vncr_reg(v->nested, REG_HCR_EL2) &= ~HCR_VSE;
	v->traps.hcr &= ~HCR_VSE;
}

void nested_commit(struct vcpu *v)
{
	struct nested *n = v->nested;

	/*
	 * The hypervisor takes the condition away by writes to the VNCR page that nobody sees, and may then go on at EL1 (IMO clear),
	 * as Linux without VHE does.
	 */
	if (unlikely(n->maint) && !n->lrs)
		nested_maint_update(v);
	/* One step at a time: a skip first, so that the interrupt returns to where it should. */
	vcpu_commit_input(v);
	if (!n->hyp && ((nested_hcr(v) & HCR_VSE) || unlikely(v->input.vserror)))
		serror_commit(v);
	timer_nested_emulate(v);
	if (!n->hyp && hyp_irq_pending(v)) {
		nested_inject(v, EXC_IRQ, 0, false, 0);
		vcpu_commit_input(v);
		/* The interrupt may be the guest's timer's: the hypervisor looks at CNTV_CTL_EL02 first of all. */
		timer_nested_emulate(v);
	}
	if (n->lrs)
		nested_vgic_enter(v);
}

void nested_leave(struct vcpu *v)
{
	struct nested *n = v->nested;

	if (unlikely(n->tge))
		tge_reflect(v);
	if (n->lrs)
		nested_vgic_leave(v);
	if (n->hyp || likely(!(v->traps.hcr & HCR_VSE)))
		return;
	if (!(v->input.vserror & VSERROR_NESTED))
		serror_taken(v);
	v->input.vserror &= ~VSERROR_NESTED;
}

int nested_run_begin(struct vcpu *v)
{
	struct nested *n = v->nested;
	u64 pstate = v->regs.pstate, hcr = vreg(v, REG_HCR_EL2);

	shadow_put(v);		/* user space may have changed what it depends on */
	nested_maint_restore(v);
	n->tge = nested_el0_alone(v, hcr, pstate);
	if ((!(pstate & PSR_nRW) && (pstate & PSR_MODE) >= PSR_EL2T) ||
	    (!(pstate & PSR_MODE) && nested_el0_hyp(v, hcr)))
		return 0;
	/* shadow_get looks where these are while the vCPU is loaded. */
	vncr_reg(n, REG_HCR_EL2) = hcr;
	vncr_reg(n, REG_VTTBR_EL2) = vreg(v, REG_VTTBR_EL2);
	vncr_reg(n, REG_VTCR_EL2) = vreg(v, REG_VTCR_EL2);
	vncr_reg(n, REG_VNCR_EL2) = vreg(v, REG_VNCR_EL2);
	if ((nested_hcr(v) & HCR_NV) && vncr_prepare(v))
		return -ENOMEM;
	n->shadow = shadow_get(v);
	return n->shadow ? 0 : -ENOMEM;
}
