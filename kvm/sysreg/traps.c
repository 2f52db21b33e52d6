// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control bits that make a guest trap, worked out once, when its configuration freezes. Whatever the ID registers
 * hide is trapped here. Arm ARM D19.2.48 (HCR_EL2), D19.3.19 (MDCR_EL2), D19.2.32 (CPTR_EL2, E2H layout), D19.2.66 (HFGRTR_EL2).
 */
#include "kernel/cpu/sysreg.h"
#include "kvm/features.h"
#include "kvm/nested/nested.h"
#include "kvm/run/run.h"
#include "kvm/sysreg/sysreg.h"

#define HCR_VM		BIT(0)
#define HCR_SWIO	BIT(1)
#define HCR_FMO		BIT(3)
#define HCR_IMO		BIT(4)
#define HCR_AMO		BIT(5)
#define HCR_FB		BIT(9)
#define HCR_BSU_IS	BIT(10)
#define HCR_TWI		BIT(13)
#define HCR_TWE		BIT(14)
#define HCR_TID1	BIT(16)
#define HCR_TID2	BIT(17)
#define HCR_TID3	BIT(18)
#define HCR_TSC		BIT(19)
#define HCR_TIDCP	BIT(20)
#define HCR_TACR	BIT(21)
#define HCR_TSW		BIT(22)
#define HCR_TVM		BIT(26)
#define HCR_RW		BIT(31)
#define HCR_E2H		BIT(34)
#define HCR_TLOR	BIT(35)
#define HCR_TERR	BIT(36)
#define HCR_TEA		BIT(37)
#define HCR_APK		BIT(40)
#define HCR_API		BIT(41)
#define HCR_FWB		BIT(46)
#define HCR_TID4	BIT(49)
#define HCR_ATA		BIT(56)
#define HCR_TID5	BIT(58)

#define MDCR_HPMN	GENMASK(4, 0)
#define MDCR_TPMCR	BIT(5)
#define MDCR_TPM	BIT(6)
#define MDCR_TDE	BIT(8)
#define MDCR_TDA	BIT(9)
#define MDCR_TDOSA	BIT(10)
#define MDCR_TDRA	BIT(11)
#define MDCR_TPMS	BIT(14)
#define MDCR_TTRF	BIT(19)

#define CPTR_TTA	BIT(28)
#define CPTR_ZEN	GENMASK(17, 16)
#define CPTR_FPEN	GENMASK(21, 20)
#define CPTR_E0POE	BIT(29)
#define CPTR_TAM	BIT(30)

#define HSTR_T15	BIT(15)

#define HCRX_MSCEN	BIT(11)
#define HCRX_TCR2EN	BIT(14)
#define HCRX_ENFPM	BIT(23)

/* HFGRTR_EL2 and HFGWTR_EL2: these trap while they are zero */
#define HFG_NPIRE0	BIT(57)
#define HFG_NPIR	BIT(58)
#define HFG_NPOR_EL0	BIT(59)
#define HFG_NPOR_EL1	BIT(60)

static u64 hcr_compute(struct vcpu *v)
{
	u64 hcr = HCR_VM | HCR_SWIO | HCR_FMO | HCR_IMO | HCR_AMO | HCR_FB | HCR_BSU_IS | HCR_TWI | HCR_TWE |
		  HCR_TID1 | HCR_TID3 | HCR_TSC | HCR_TIDCP | HCR_TACR | HCR_TSW | HCR_RW | HCR_E2H | HCR_TLOR;

	hcr |= host.evt && v->vm->idregs.ctr == host.ctr ? HCR_TID4 : HCR_TID2;	/* TID2: CTR_EL0 too */
	if (v->vm->vcpu_features & VMF_MTE)
		hcr |= HCR_ATA;
	else if (host.mte)
		hcr |= HCR_TID5;
	if (host.ras)
		hcr |= HCR_TERR | HCR_TEA;
	if (host.fwb)
		hcr |= HCR_FWB;
	else if (!guest_caches_on(v))
		hcr |= HCR_TVM;
	if (v->config.el1_32bit)
		hcr &= ~HCR_RW;
	if (v->config.ptrauth)
		hcr |= HCR_API | HCR_APK;
	return hcr;
}

void debug_traps_compute(struct vcpu *v)
{
	v->traps.mdcr = (host_mdcr & MDCR_HPMN) | MDCR_TPMCR | MDCR_TPM | MDCR_TDA | MDCR_TDOSA | MDCR_TDRA |
			MDCR_TPMS | MDCR_TTRF;
	if (v->input.debugged)	/* in whatever way, as on Linux */
		v->traps.mdcr |= MDCR_TDE;
}

void sysreg_traps_compute(struct vcpu *v)
{
	struct vcpu_traps *t = &v->traps;
	u64 feats = v->vm->feats;

	t->hcr = hcr_compute(v);
	debug_traps_compute(v);
	t->cptr_nofp = CPTR_TTA | CPTR_TAM;
	if (feats & FEAT_S1POE)
		t->cptr_nofp |= CPTR_E0POE;
	t->cptr = t->cptr_nofp | CPTR_FPEN | (v->config.sve ? CPTR_ZEN : 0);
	/* Implementation-defined CP15 registers: what HCR_EL2.TIDCP leaves of c15. Arm ARM D24.2.69. */
	t->hstr = v->config.el1_32bit ? HSTR_T15 : 0;
	t->has_hcrx = host.hcx;
	t->hcrx = 0;
	if (feats & FEAT_TCRX)
		t->hcrx |= HCRX_TCR2EN;
	if (feats & FEAT_FPMR)
		t->hcrx |= HCRX_ENFPM;
	if (v->vm->idregs.id[IDX_ID_AA64ISAR2_EL1] >> ID_AA64ISAR2_MOPS_SHIFT & 0xf)
		t->hcrx |= HCRX_MSCEN;
	t->has_pmu = host.pmu;
	t->has_fgt = host.fgt;
	t->hfgrtr = 0;
	if (feats & FEAT_S1PIE)
		t->hfgrtr |= HFG_NPIRE0 | HFG_NPIR;
	if (feats & FEAT_S1POE)
		t->hfgrtr |= HFG_NPOR_EL0 | HFG_NPOR_EL1;
	t->hfgwtr = t->hfgrtr;
	t->hfgitr = hidden_instructions(v->vm->idregs.id, host.id);
	t->hdfgrtr = 0;
	t->hdfgwtr = 0;
	if (v->nested)
		nested_traps_compute(v);
}
