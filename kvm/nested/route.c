// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose trap is it? An exit from the guest's context belongs to the hypervisor if one of its control bits asked for it;
 * an exit from the hypervisor's own may be an instruction that has to be done for it. The rest is served as for any
 * guest. System registers: tables/nvtrap.tbl. Arm ARM D1.3.
 */
#include "exit_classes.h"
#include "kernel/cpu/sysreg.h"
#include "kvm/nested/nested.h"
#include "kvm/pmu/pmu.h"
#include "kvm/run/run.h"
#include "kvm/sysreg/sysreg.h"

#define ESR_EC(esr)	((esr) >> 26 & 0x3f)
#define EC_PAC		0x09
#define HFGITR_ERET	51
#define HFGITR_SVC_EL0	52
#define HFGITR_SVC_EL1	53
#define HSTR_BITS	0xbfefUL
#define HCRX_FGTNXS	BIT(4)
#define PSR_MODE	0xfUL

struct nv_trap {
	u16 key, mask;
	u8 access;		/* bit 0: reads, bit 1: writes */
	u8 set;			/* traps when the bit is set, else when it is clear */
	u8 bit;
	u16 control;
	u32 feat;		/* FEAT_* that the control comes with */
};

static const struct nv_trap nv_traps[] = {	/* one encoding each, sorted by it */
#include "nvtrap_gen.h"
};

static const struct nv_trap nv_wide[] = {	/* patterns */
#include "nvtrap_wide_gen.h"
};

/* A register that such a guest does not have is UNDEFINED, whatever its hypervisor traps. */
static bool exists(struct vcpu *v, u16 key)
{
	const struct sysreg_row *row = sysreg_row_find(key);

	return !row || (!(row->feat & ~v->vm->feats) && pmu_register_exists(v, key));
}

/* TLBI with nXS, which HCRX_EL2.FGTnXS takes out of the fine-grained traps. */
static bool is_exempt(struct vcpu *v, const struct nv_trap *t, u16 key)
{
	return t->control == REG_HFGITR_EL2 && key >> 7 == (1 << 7 | 9) && (v->vm->feats & FEAT_HCX) &&
	       (reg_read(v, REG_HCRX_EL2) & HCRX_FGTNXS);
}

static bool armed(struct vcpu *v, const struct nv_trap *t, u16 key, u8 access)
{
	return (t->access & access) && !(t->feat & ~v->vm->feats) && (nested_control(v, t->control) >> t->bit & 1) == t->set &&
	       !is_exempt(v, t, key);
}

/* The first row of an encoding, or where it would be. */
static unsigned first_of(u16 key)
{
	unsigned low = 0, high = ARRAY_SIZE(nv_traps), mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (nv_traps[mid].key < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* An instruction that the VM's ID registers hide (kvm/sysreg/hide.c). */
static bool is_hidden(struct vcpu *v, u16 key)
{
	unsigned i;

	if (likely(!v->traps.hfgitr) || key >> 14 != 1)
		return false;
	for (i = first_of(key); i < ARRAY_SIZE(nv_traps) && nv_traps[i].key == key; i++)
		if (nv_traps[i].control == REG_HFGITR_EL2 && (v->traps.hfgitr >> nv_traps[i].bit & 1))
			return true;
	return false;
}

bool nested_traps_sysreg(struct vcpu *v, u64 esr)
{
	u16 key = SYSREG_KEY(esr >> 20 & 3, esr >> 14 & 7, esr >> 10 & 15, esr >> 1 & 15, esr >> 17 & 7);
	u8 access = esr & 1 ? 1 : 2;
	unsigned i;

	if (is_hidden(v, key))
		return false;
	for (i = first_of(key); i < ARRAY_SIZE(nv_traps) && nv_traps[i].key == key; i++)
		if (armed(v, &nv_traps[i], key, access))
			return exists(v, key);
	for (i = 0; i < ARRAY_SIZE(nv_wide); i++)
		if ((key & nv_wide[i].mask) == nv_wide[i].key && armed(v, &nv_wide[i], key, access))
			return exists(v, key);
	return false;
}

/* HFGITR_EL2: instructions with a class of their own. */
static bool instruction_traps(struct vcpu *v, unsigned bit)
{
	return (v->vm->feats & FEAT_FGT) && (reg_read(v, REG_HFGITR_EL2) >> bit & 1);
}

/* AArch32 at EL0: MRC and MCR of this CRn, MRRC and MCRR of this CRm. */
static bool hstr_traps(struct vcpu *v, unsigned cr)
{
	return reg_read(v, REG_HSTR_EL2) & HSTR_BITS & BIT(cr);
}

static bool svc_traps(struct vcpu *v)
{
	return instruction_traps(v, v->regs.pstate & PSR_MODE ? HFGITR_SVC_EL1 : HFGITR_SVC_EL0);
}

static bool wfx_traps(u64 hcr, u64 esr)
{
	return hcr & (esr & 1 ? HCR_TWE : HCR_TWI);
}

/* The hypervisor's CPTR_EL2: fields of which both bits must be set to let EL1 and EL0 through. */
static bool cptr_traps(struct vcpu *v, unsigned shift)
{
	return !(nested_control(v, REG_CPTR_EL2) >> shift & 1);
}

/* Does the guest's exit belong to the hypervisor? */
static bool is_forwarded(struct vcpu *v, u64 esr)
{
	u64 hcr = nested_hcr(v);

	switch (ESR_EC(esr)) {
	case ESR_EC_WFX:
		return wfx_traps(hcr, esr);
	case ESR_EC_HVC64:
	case ESR_EC_HVC32:
		return !(hcr & HCR_HCD);
	case ESR_EC_SMC64:
	case ESR_EC_SMC32:
		return hcr & HCR_TSC;
	case ESR_EC_SYS64:
		return nested_traps_sysreg(v, esr);
	case ESR_EC_FP_ASIMD:
		return cptr_traps(v, 20);
	case ESR_EC_SVE:
		return v->config.sve && cptr_traps(v, 16);
	case ESR_EC_ERET:
		return (hcr & HCR_NV) || instruction_traps(v, HFGITR_ERET);
	case ESR_EC_SVC64:
	case ESR_EC_SVC32:
		return svc_traps(v);
	case ESR_EC_MOPS:
		return true;	/* MCE2 */
	case ESR_EC_CP15_32:
		return hstr_traps(v, esr >> 10 & 15);
	case ESR_EC_CP15_64:
		return hstr_traps(v, esr >> 1 & 15);
	case EC_PAC:
		return (hcr & (HCR_API | HCR_APK)) != (HCR_API | HCR_APK);
	case ESR_EC_BREAKPT_LOW:
	case ESR_EC_SOFTSTP_LOW:
	case ESR_EC_WATCHPT_LOW:
	case ESR_EC_BRK64:
		return !(v->traps.mdcr & MDCR_TDE) && (nested_control(v, REG_MDCR_EL2) & MDCR_TDE);	/* a VMM's debugger first */
	default:
		return false;
	}
}

static bool dispatch_guest(struct vcpu *v, enum trap_result *res)
{
	u64 esr = v->exit.esr;

	*res = TRAP_RETRY;
	if (ESR_EC(esr) == ESR_EC_IABT_LOW || ESR_EC(esr) == ESR_EC_DABT_LOW) {
		*res = nested_abort(v);
		return true;
	}
	if (ESR_EC(esr) == ESR_EC_DABT_SAME) {	/* the VNCR page: nothing else below our EL2 makes it */
		*res = vncr_abort(v);
		return true;
	}
	if (ESR_EC(esr) == ESR_EC_HVC64 && (nested_hcr(v) & HCR_HCD)) {
		v->regs.pc -= 4;	/* the instruction that the hypervisor has taken from its guest */
		inject_undef(v);
		return true;
	}
	if (!is_forwarded(v, esr))
		return false;
	nested_inject(v, EXC_SYNC, esr, ESR_EC(esr) == ESR_EC_WATCHPT_LOW, v->exit.far);
	return true;
}

static bool dispatch_hyp(struct vcpu *v, enum trap_result *res)
{
	u64 esr = v->exit.esr;

	*res = TRAP_RETRY;
	switch (ESR_EC(esr)) {
	case ESR_EC_ERET:
		*res = nested_eret(v);
		return true;
	case ESR_EC_HVC64:	/* from EL2 to EL2 */
		nested_inject(v, EXC_SYNC, esr, false, 0);
		return true;
	case ESR_EC_SYS64:
		if ((esr >> 20 & 3) != 1)
			return false;
		if ((esr >> 10 & 15) == 7 && (esr >> 1 & 14) == 8) {
			*res = nested_at(v, esr);
			return true;
		}
		if ((esr >> 10 & 14) == 8) {
			*res = nested_tlbi(v, esr);
			return true;
		}
		return false;
	default:
		return false;
	}
}

bool nested_dispatch(struct vcpu *v, enum trap_result *res)
{
	return v->nested->hyp ? dispatch_hyp(v, res) : dispatch_guest(v, res);
}
