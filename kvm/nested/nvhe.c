// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual EL2 without E2H (KVM_ARM_VCPU_HAS_EL2_E2H0). Its SCTLR_EL2, TCR_EL2, TTBR0_EL2, CPTR_EL2 and CNTHCTL_EL2 have layouts
 * of their own: they are kept in memory, and what EL1's registers of the hardware hold while it runs is worked out from them
 * here. Its tables mean what they mean at EL2 because HCR_EL2.NV1 changes what EL1's mean (no AP[1], XN in place of UXN, no
 * PAN), and by that bit too its accesses to EL1's registers go to the VNCR page. Arm ARM D8.11, D19.2.
 */
#include "kernel/cpu/sysreg.h"
#include "kvm/nested/nested.h"
#include "kvm/run/run.h"
#include "kvm/sysreg/sysreg.h"
#include "kvm/timer/timer.h"
#include "kvm/trap/trap.h"

#define SCTLR_EL12	S3_5_C1_C0_0
#define CPACR_EL12	S3_5_C1_C0_2
#define TTBR0_EL12	S3_5_C2_C0_0
#define TCR_EL12	S3_5_C2_C0_2

/* What SCTLR_EL2 and SCTLR_EL1 both have, at the same place: the rest of SCTLR_EL1 is about EL0, or always 1. */
#define SCTLR_BOTH	(GENMASK(3, 0) | BIT(6) | GENMASK(13, 11) | BIT(19) | GENMASK(22, 21) | BIT(25) | BIT(27) | BIT(30) |	\
			 BIT(31) | GENMASK(37, 36) | GENMASK(41, 40) | GENMASK(44, 43))
#define SCTLR_ONES	(BIT(29) | BIT(28) | BIT(23) | BIT(20))	/* LSMAOE, nTLSMD, SPAN, TSCXT */
#define TTBR_ASID	GENMASK(63, 48)

#define TCR_EPD1	BIT(23)
#define TCR_T1SZ_ANY	(16UL << 16)
#define TCR_TG1_4K	(2UL << 30)

#define CPTR_TZ		BIT(8)
#define CPTR_TFP	BIT(10)
#define CPTR_TSM	BIT(12)
#define CPTR_TTA	BIT(20)
#define E2H_ZEN		GENMASK(17, 16)
#define E2H_SMEN	GENMASK(25, 24)
#define E2H_TTA		BIT(28)

static u64 move(u64 val, unsigned from, unsigned bits, unsigned to)
{
	return (val >> from & (BIT(bits) - 1)) << to;
}

u64 nvhe_tcr(u64 tcr)
{
	return (tcr & GENMASK(15, 0) & ~GENMASK(7, 6)) |	/* TG0, SH0, ORGN0, IRGN0, T0SZ */
	       move(tcr, 16, 3, 32) |				/* PS */
	       move(tcr, 20, 1, 37) |				/* TBI */
	       move(tcr, 21, 2, 39) |				/* HA, HD */
	       move(tcr, 24, 1, 41) |				/* HPD */
	       move(tcr, 25, 4, 43) |				/* HWU */
	       move(tcr, 29, 1, 51) |				/* TBID */
	       move(tcr, 30, 1, 57) |				/* TCMA */
	       TCR_EPD1 | TCR_T1SZ_ANY | TCR_TG1_4K;
}

u64 nvhe_cptr(u64 cptr)
{
	return (cptr & GENMASK(31, 30)) |			/* TCPAC, TAM */
	       (cptr & CPTR_TFP ? 0 : CPTR_FPEN) | (cptr & CPTR_TZ ? 0 : E2H_ZEN) | (cptr & CPTR_TSM ? 0 : E2H_SMEN) |
	       (cptr & CPTR_TTA ? E2H_TTA : 0);
}

u64 nvhe_cnthctl(u64 hctl)
{
	return (hctl & ~(GENMASK(11, 8) | GENMASK(1, 0))) | move(hctl, 0, 2, 10);	/* EL1PCTEN, EL1PCEN */
}

u64 nested_control(struct vcpu *v, enum reg r)
{
	u64 val = reg_read(v, r);

	if (likely(!v->nested->nvhe))
		return val;
	switch (r) {
	case REG_HCR_EL2:
		return val & v->nested->vhcr_bits;
	case REG_CPTR_EL2:
		return nvhe_cptr(val);
	case REG_CNTHCTL_EL2:
		return nvhe_cnthctl(val);
	case REG_MDCR_EL2:
		return val | (v->nested->tge ? MDCR_TDE : 0);
	default:
		return val;
	}
}

static u64 sctlr_el1(u64 sctlr)
{
	return (sctlr & SCTLR_BOTH) | SCTLR_ONES;
}

void nvhe_load(struct vcpu *v)
{
	write_sysreg(sctlr_el1(vreg(v, REG_SCTLR_EL2)), SCTLR_EL12);
	write_sysreg(nvhe_cptr(vreg(v, REG_CPTR_EL2)) & (CPTR_FPEN | E2H_ZEN | E2H_SMEN | E2H_TTA), CPACR_EL12);
	write_sysreg(vreg(v, REG_TTBR0_EL2) & ~TTBR_ASID, TTBR0_EL12);
	write_sysreg(nvhe_tcr(vreg(v, REG_TCR_EL2)), TCR_EL12);
}

void nvhe_written(struct vcpu *v, enum reg r)
{
	switch (r) {
	case REG_SCTLR_EL2:
	case REG_CPTR_EL2:
	case REG_TTBR0_EL2:
	case REG_TCR_EL2:
		nvhe_load(v);
	default:
		return;
	}
}

/*
 * The timers by EL0's names are EL1's, as for an E2H hypervisor by the names of EL02; CNTVOFF_EL2 counts. All of them trap,
 * the counter too, as far as the hardware can (FEAT_ECV).
 */
enum trap_result nvhe_timer(struct vcpu *v, const struct sysreg_access *a)
{
	u64 now;

	if (a->key >> 3 & 15)
		return sysreg_el02_timer(v, a);
	if (a->write) {
		inject_undef(v);
		return TRAP_RETRY;
	}
	now = timer_reg_read(v, REG_CNTPCT_EL0);
	guest_reg_set(v, a->rt, a->key & 1 ? now : now - vncr_reg(v->nested, REG_CNTVOFF_EL2));
	return TRAP_SKIP;
}
