// SPDX-License-Identifier: GPL-2.0-only
/* What the files of kvm/pmu/ share: bits of the registers (Arm ARM D19.5), and what the CPU has. */
#pragma once

#include "kvm/pmu/pmu.h"

#define PMCR_E		BIT(0)
#define PMCR_P		BIT(1)		/* event counters to 0; reads as 0 */
#define PMCR_C		BIT(2)		/* cycle counter to 0; reads as 0 */
#define PMCR_D		BIT(3)
#define PMCR_X		BIT(4)
#define PMCR_DP		BIT(5)
#define PMCR_LC		BIT(6)
#define PMCR_LP		BIT(7)
#define PMCR_N_SHIFT	11
#define PMCR_N		GENMASK(15, 11)
#define PMCR_WRITABLE	GENMASK(7, 0)

#define CYCLE		31U
#define EVTYPER_P	BIT(31)
#define EVTYPER_U	BIT(30)
#define EVTYPER_NSH	BIT(27)		/* count at EL2, which is virtual */
#define EVENT_SW_INCR	0x00
#define EVENT_CHAIN	0x1e

/* MDCR_EL2 of a guest hypervisor, its counters' part. */
#define MDCR_HPMN	GENMASK(4, 0)
#define MDCR_HPME	BIT(7)
#define MDCR_HPMD	BIT(17)
#define MDCR_HCCD	BIT(23)
#define MDCR_HLP	BIT(26)

#define PMUV3P1		4		/* 16-bit events, MDCR_EL2.HPMD; ID_AA64DFR0_EL1.PMUVer */
#define PMUV3P5		6		/* 64-bit event counters, MDCR_EL2.{HCCD,HLP} */

extern u64 host_pmcr, host_pmceid[2];

/* Counters that the guest has: bits 0..N-1 and 31. */
static inline u64 pmu_valid(const struct vm *vm)
{
	return BIT(CYCLE) | (BIT(vm->pmu_n) - 1);
}

/* Of those, the ones that a guest hypervisor keeps to itself: from MDCR_EL2.HPMN on. */
static inline u64 pmu_hyp_range(const struct vcpu *v)
{
	u64 hpmn = vreg(v, REG_MDCR_EL2) & MDCR_HPMN;

	return v->nested && hpmn < v->vm->pmu_n ? (BIT(v->vm->pmu_n) - 1) & ~(BIT(hpmn) - 1) : 0;
}

/* Switched on as a whole, by PMCR_EL0.E or MDCR_EL2.HPME. */
static inline u64 pmu_on(const struct vcpu *v)
{
	u64 hyp = pmu_hyp_range(v);

	return (vreg(v, REG_PMCR_EL0) & PMCR_E ? pmu_valid(v->vm) & ~hyp : 0) | (vreg(v, REG_MDCR_EL2) & MDCR_HPME ? hyp : 0);
}

/* Counts that wrap at 64 bits rather than 32. */
static inline u64 pmu_long(const struct vcpu *v)
{
	u64 hyp = pmu_hyp_range(v);

	return (vreg(v, REG_PMCR_EL0) & PMCR_LP ? ~hyp : 0) | (vreg(v, REG_MDCR_EL2) & MDCR_HLP ? hyp : 0);
}

static inline enum reg pmu_type_reg(unsigned i)
{
	return i == CYCLE ? REG_PMCCFILTR_EL0 : REG_PMEVTYPER0_EL0 + i;
}

static inline enum reg pmu_count_reg(unsigned i)
{
	return i == CYCLE ? REG_PMCCNTR_EL0 : REG_PMEVCNTR0_EL0 + i;
}

unsigned pmu_version(const struct vm *vm);	/* PMUVer as the guest sees it */
u64 pmu_event_mask(unsigned version);
bool pmu_event_allowed(const struct vm *vm, unsigned event);
u64 pmu_ceid(const struct vm *vm, unsigned n);	/* PMCEID<n>_EL0 */
/* A count as wide as it is in this guest. */
u64 pmu_truncate(const struct vm *vm, unsigned i, u64 val);
u64 pmu_count(struct vcpu *v, unsigned i);	/* now; loaded or not. Preemption off */
void pmu_swinc(struct vcpu *v, u64 which);	/* put */
