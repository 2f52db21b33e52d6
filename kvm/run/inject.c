// SPDX-License-Identifier: GPL-2.0-only
/*
 * The input set's step: an exception for the guest, or its PC past the trapped instruction. Handlers only record;
 * vcpu_commit_input applies, before entry and before KVM_RUN returns. PSTATE of a taken exception: Arm ARM
 * AArch64.TakeException, D1.3.
 */
#include <asm/ptrace.h>

#include "kernel/debug/print.h"
#include "kvm/nested/nested.h"
#include "kvm/run/run.h"
#include "kvm/sysreg/idreg.h"
#include "kvm/vcpu_state.h"

#define ESR_IL			BIT(25)
#define ESR_EC_SHIFT		26
#define EC_UNKNOWN		0x00UL
#define EC_IABT_LOW		0x20UL
#define EC_IABT_CUR		0x21UL
#define EC_DABT_LOW		0x24UL
#define FSC_EXTABT		0x10
#define SERROR_IDS		BIT(24)
#define FSC_SIZE_L0		0x00

#define PSR_nRW			BIT(4)
#define PSR_EL1H		0x5UL
#define PSR_KEEP		(GENMASK(31, 28) | BIT(24) /* DIT */)
#define PSR_DAIF		GENMASK(9, 6)
#define PSR_SSBS_BIT_		BIT(12)
#define PSR_PAN_		BIT(22)
#define PSR_TCO_		BIT(25)
#define PSR_T32			BIT(5)
#define SCTLR_SPAN		BIT(23)
#define SCTLR_DSSBS		BIT(44)
#define PSR_BTYPE_		GENMASK(11, 10)
#define PSR_SS_			BIT(21)

static void exception_queue(struct vcpu *v, enum exception_kind kind, u64 esr, bool far_valid, u64 far)
{
	struct vcpu_input *in = &v->input;

	in->step = STEP_EXCEPTION;
	in->exc.kind = kind;
	in->exc.target_el = v->nested ? nested_target(v) : 1;
	in->exc.esr = esr;
	in->exc.far_valid = far_valid;
	in->exc.far = far;
}

void inject_undef(struct vcpu *v)
{
	exception_queue(v, EXC_SYNC, EC_UNKNOWN << ESR_EC_SHIFT | ESR_IL, false, 0);
}

/* Class of an abort: one higher when taken from the same level; IL is 1 wherever ISV is 0. */
static u64 abort_esr(struct vcpu *v, u64 ec_low, u64 fsc)
{
	bool from_el0 = (v->regs.pstate & 0xf) == 0;
	u64 ec = ec_low + (from_el0 ? 0 : 1);

	return ec << ESR_EC_SHIFT | ESR_IL | fsc;
}

/* An external abort: a guest hypervisor may have them come to itself. */
static void inject_external(struct vcpu *v, u64 ec_low, u64 far)
{
	if (v->nested && nested_takes_external(v))
		nested_inject(v, EXC_SYNC, ec_low << ESR_EC_SHIFT | ESR_IL | FSC_EXTABT, true, far);
	else
		exception_queue(v, EXC_SYNC, abort_esr(v, ec_low, FSC_EXTABT), true, far);
}

void inject_dabt(struct vcpu *v, u64 far)
{
	inject_external(v, EC_DABT_LOW, far);
}

void inject_iabt(struct vcpu *v, u64 far)
{
	inject_external(v, EC_IABT_LOW, far);
}

void inject_size_fault(struct vcpu *v, u64 far, bool instr)
{
	exception_queue(v, EXC_SYNC, abort_esr(v, instr ? EC_IABT_LOW : EC_DABT_LOW, FSC_SIZE_L0), true, far);
}

int inject_vserror(struct vcpu *v, bool has_esr, u64 esr)
{
	v->input.vserror |= VSERROR_OURS;
	/* Without a syndrome: an implementation-defined one, which RAS does not read as "uncategorized". */
	v->input.vserror_esr = has_esr ? esr & GENMASK(24, 0) : SERROR_IDS;
	return 0;
}

/* T32 IT-block state after one instruction (Arm ARM F1, ITAdvance). */
static u64 it_advance(u64 pstate)
{
	u64 it = (pstate >> 8 & 0xfc) | (pstate >> 25 & 3);

	if (!(it & 7))
		it = 0;
	else
		it = (it & 0xe0) | (it << 1 & 0x1f);
	pstate &= ~(GENMASK(26, 25) | GENMASK(15, 10));
	return pstate | (it & 0xfc) << 8 | (it & 3) << 25;
}

void vcpu_skip(struct vcpu *v)
{
	struct vcpu_regs *r = &v->regs;

	if (r->pstate & PSR_nRW) {
		bool wide = !(r->pstate & PSR_T32) || (v->exit.esr & ESR_IL);

		r->pc += wide ? 4 : 2;
		if (r->pstate & PSR_T32)
			r->pstate = it_advance(r->pstate);
	} else {
		r->pc += 4;
		r->pstate &= ~PSR_BTYPE_;
	}
	r->pstate &= ~PSR_SS_;
}

/* Offset into VBAR_EL1 (Arm ARM D1.3.1.5). */
static u64 vector_offset(u64 pstate, enum exception_kind kind)
{
	u64 base;

	if (pstate & PSR_nRW)
		base = 0x600;
	else if ((pstate & 0xf) == PSR_EL1H)
		base = 0x200;
	else if ((pstate & 0xf) == 0x4)
		base = 0;
	else
		base = 0x400;
	return base + kind * 0x80;
}

/* What is kept of an interrupted AArch32 state stands at the same bits in SPSR_EL2. */
u64 exception_pstate(struct vcpu *v, u64 old)
{
	u64 sctlr = reg_read(v, REG_SCTLR_EL1);
	u64 new = (old & PSR_KEEP) | (old & PSR_PAN_) | PSR_DAIF | PSR_EL1H;

	if (v->vm->vcpu_features & VMF_MTE)
		new |= PSR_TCO_;
	if (!(sctlr & SCTLR_SPAN))
		new |= PSR_PAN_;
	if (sctlr & SCTLR_DSSBS)
		new |= PSR_SSBS_BIT_;
	return new;
}

static void exception_take(struct vcpu *v)
{
	struct vcpu_regs *r = &v->regs;
	const struct vcpu_input *in = &v->input;

	if (unlikely(v->config.el1_32bit)) {
		exception_take32(v);
		return;
	}
	reg_write(v, REG_ELR_EL1, r->pc);
	reg_write(v, REG_SPSR_EL1, unlikely(v->nested) ? nested_spsr(v, r->pstate) : r->pstate);
	if (in->exc.kind == EXC_SYNC || in->exc.kind == EXC_SERROR)
		reg_write(v, REG_ESR_EL1, in->exc.esr);
	if (in->exc.far_valid)
		reg_write(v, REG_FAR_EL1, in->exc.far);
	r->pc = reg_read(v, REG_VBAR_EL1) + vector_offset(r->pstate, in->exc.kind);
	r->pstate = exception_pstate(v, r->pstate);
}

void vcpu_commit_input(struct vcpu *v)
{
	enum input_step step = v->input.step;

	v->input.step = STEP_NONE;
	switch (step) {
	case STEP_NONE:
		break;
	case STEP_SKIP:
		vcpu_skip(v);
		break;
	case STEP_EXCEPTION:
		if (unlikely(v->input.exc.target_el == 2))
			nested_exception_take(v);
		else
			exception_take(v);
		break;
	}
}
