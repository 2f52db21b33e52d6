// SPDX-License-Identifier: GPL-2.0-only
/* What the ID registers promise, what is UNDEF, and the state an UNDEF leaves. */
#include "lib.h"

const char payload_name[] = "sysreg";

static u64 field(u64 reg, unsigned int shift)
{
	return reg >> shift & 0xf;
}

static void absent_features(void)
{
	u64 pfr0 = read_sysreg(id_aa64pfr0_el1), pfr1 = read_sysreg(id_aa64pfr1_el1);
	u64 dfr0 = read_sysreg(id_aa64dfr0_el1);

	check_eq(field(pfr0, 32), 0, "no SVE");
	check_eq(field(pfr1, 24), 0, "no SME");
	check(field(pfr1, 8) < 2, "no MTE", "field %lx", field(pfr1, 8));
	check_eq(field(pfr0, 44), 0, "no AMU");
	check_eq(field(pfr0, 40), 0, "no MPAM");
	check_eq(field(dfr0, 8), 0, "no PMU");
	check_eq(field(dfr0, 32), 0, "no SPE");
	check_eq(field(dfr0, 44), 0, "no trace buffer");
	check_eq(field(pfr0, 24), 1, "GIC system registers");
	check_eq(field(pfr0, 16) != 0xf, 1, "FP");
	check_eq(read_sysreg(s3_0_c0_c4_4), 0, "ID_AA64ZFR0 without SVE");
	check_eq(read_sysreg(s3_0_c0_c4_5), 0, "ID_AA64SMFR0 without SME");
	check_eq(read_sysreg(s3_0_c0_c7_7), 0, "reserved ID register reads as 0");
}

#define UNDEF(insn, name) check(IS_UNDEF(insn), name " is UNDEF", "it is not")

static void undefined(void)
{
	/*
	 * Open ZEN and SMEN, or a CPU that has them takes its own trap (EC 0x19,
	 * 0x1d) before the hypervisor is asked.
	 */
	write_sysreg(3 << 24 | 3 << 20 | 3 << 16, cpacr_el1);
	isb();
	UNDEF("mrs x9, s3_0_c9_c12_1; nop", "unallocated register");
	UNDEF("mrs x9, s3_0_c15_c3_7", "implementation-defined register");
	UNDEF("mrs x9, s3_3_c9_c12_0", "PMCR_EL0 without PMU");
	UNDEF("mrs x9, s3_0_c1_c2_0", "ZCR_EL1 without SVE");
	UNDEF("mrs x9, s3_3_c4_c2_2", "SVCR without SME");
	UNDEF("mrs x9, s3_0_c1_c0_5", "RGSR_EL1 without MTE");
	UNDEF("mrs x9, s3_0_c10_c4_4", "MPAMIDR_EL1");
	UNDEF("mrs x9, s3_0_c10_c5_0", "MPAM1_EL1");
	UNDEF("msr s3_0_c10_c5_1, xzr", "MPAM0_EL1");
	UNDEF("mrs x9, s3_4_c1_c1_0", "HCR_EL2 at EL1");
	UNDEF("mrs x9, s3_6_c1_c1_0", "SCR_EL3 at EL1");
	UNDEF("msr s3_0_c0_c4_0, x9", "write of ID_AA64PFR0_EL1");
	UNDEF(".word 0", "UDF");
	check_eq(undef_frame.esr >> 26, 0, "its exception class");
	check_eq(undef_frame.esr & 0x1ffffff, 0, "its syndrome");
	check_eq(undef_frame.esr >> 25 & 1, 1, "its IL bit");
	check_eq(undef_frame.spsr & 0xf, 5, "it came from EL1h");
	check_eq(undef_frame.spsr & 0x3c0, 0x3c0, "its DAIF");
	IS_UNDEF("mrs x9, s3_4_c1_c1_0");
	check_eq(undef_frame.esr >> 26, 0, "exception class of a trapped register");
}

/* Plain storage must keep what is written. */
#define KEEPS(r) do {							\
	u64 old_ = read_sysreg(r);					\
	write_sysreg(0x123456789000UL, r);				\
	isb();								\
	check_eq(read_sysreg(r), 0x123456789000UL, #r " keeps its value"); \
	write_sysreg(old_, r);						\
} while (0)

void payload_main(void)
{
	absent_features();
	undefined();
	KEEPS(tpidr_el0);
	KEEPS(tpidrro_el0);
	KEEPS(far_el1);
	KEEPS(par_el1);
	check_eq(read_sysreg(mpidr_el1) & 0xff00ffffffUL, cpus[0].mpidr, "MPIDR_EL1");
	check_eq(read_sysreg(currentel), 4, "CurrentEL");
	check(read_sysreg(midr_el1), "MIDR_EL1", "is 0");
	check(read_sysreg(cntfrq_el0), "CNTFRQ_EL0", "is 0");
	write_sysreg(0, s2_0_c1_c3_4);		/* OSDLR_EL1 */
	check_eq(read_sysreg(s2_0_c1_c1_4) & 8, 8, "OSLSR_EL1: OS lock implemented");
}
