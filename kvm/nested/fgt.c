// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fine-grained traps (HFG*TR_EL2), HCRX_EL2 and HSTR_EL2 of a guest hypervisor, while its guest runs: each bit that tables/nvtrap.tbl has
 * a row for joins ours in the hardware, so that what neither of us traps stays there. Whose trap it was is route.c's business.
 * The vCPU's thread, preemption off. Arm ARM D19.2.66 (HFGRTR_EL2), D19.2.49 (HCRX_EL2).
 */
#include "kernel/cpu/sysreg.h"
#include "kvm/nested/nested.h"
#include "nvtrap_bits_gen.h"

#define HCRX_EL2	S3_4_C1_C2_2
#define HFGRTR_EL2	S3_4_C1_C1_4
#define HFGWTR_EL2	S3_4_C1_C1_5
#define HFGITR_EL2	S3_4_C1_C1_6
#define HDFGRTR_EL2	S3_4_C3_C1_4
#define HDFGWTR_EL2	S3_4_C3_C1_5

#define HSTR_BITS	0xbfefUL

/* What traps for either of us: bits that trap when they are 1 join, those that trap when they are 0 must both be 1. */
#define both(v, reg, ours) \
	(((ours) & (vncr_reg((v)->nested, REG_##reg) | ~NVTRAP_##reg##_CLEAR)) | \
	 (vncr_reg((v)->nested, REG_##reg) & NVTRAP_##reg##_SET))

static void fgt_restore(const struct vcpu_traps *t)
{
	write_sysreg(t->hfgrtr, HFGRTR_EL2);
	write_sysreg(t->hfgwtr, HFGWTR_EL2);
	write_sysreg(t->hfgitr, HFGITR_EL2);
	write_sysreg(t->hdfgrtr, HDFGRTR_EL2);
	write_sysreg(t->hdfgwtr, HDFGWTR_EL2);
}

/* Mostly the hypervisor traps nothing that we do not: then the hardware is not touched. */
static bool fgt_join(struct vcpu *v)
{
	const struct vcpu_traps *t = &v->traps;
	u64 r = both(v, HFGRTR_EL2, t->hfgrtr), w = both(v, HFGWTR_EL2, t->hfgwtr), i = both(v, HFGITR_EL2, t->hfgitr);
	u64 dr = both(v, HDFGRTR_EL2, t->hdfgrtr), dw = both(v, HDFGWTR_EL2, t->hdfgwtr);

	if (!((r ^ t->hfgrtr) | (w ^ t->hfgwtr) | (i ^ t->hfgitr) | (dr ^ t->hdfgrtr) | (dw ^ t->hdfgwtr)))
		return false;
	write_sysreg(r, HFGRTR_EL2);
	write_sysreg(w, HFGWTR_EL2);
	write_sysreg(i, HFGITR_EL2);
	write_sysreg(dr, HDFGRTR_EL2);
	write_sysreg(dw, HDFGWTR_EL2);
	return true;
}

/* Nothing of ours there: such guests have AArch32 at EL0 only. */
static void hstr_load(struct nested *n)
{
	u64 hstr = n->hyp ? 0 : vncr_reg(n, REG_HSTR_EL2) & HSTR_BITS;

	if (likely(!hstr && !n->hstr_joined))
		return;
	write_sysreg(hstr, hstr_el2);
	n->hstr_joined = hstr;
}

void nested_fgt_load(struct vcpu *v)
{
	struct nested *n = v->nested;
	u64 hcrx;

	hstr_load(n);

	if (n->hyp) {
		if (n->fgt_joined)
			fgt_restore(&v->traps);
		if (n->hcrx_joined)
			write_sysreg(v->traps.hcrx, HCRX_EL2);
		n->fgt_joined = n->hcrx_joined = false;
		return;
	}
	if (v->vm->feats & FEAT_FGT)
		n->fgt_joined = fgt_join(v);
	if (v->vm->feats & FEAT_HCX) {
		hcrx = both(v, HCRX_EL2, v->traps.hcrx);
		n->hcrx_joined = hcrx != v->traps.hcrx;
		if (n->hcrx_joined)
			write_sysreg(hcrx, HCRX_EL2);
	}
}
