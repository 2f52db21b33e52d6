// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process may learn of the CPU: AT_HWCAP, and ID registers read by MRS (HWCAP_CPUID). Only fields of features
 * that work at EL0 here are shown: no SME, MTE, BTI, pointer authentication or MOPS. Arm ARM D24.2, C5.1.3.
 */
#include <asm/hwcap.h>

#include "linux/process/internal.h"

struct idreg {
	u8 crm, op2;
	u64 keep;		/* fields shown as they are */
	u64 fixed;		/* or-ed in */
	u64 value;
};

#define F(shift)	(0xfUL << (shift))

enum { R_MIDR, R_MPIDR, R_REVIDR, R_PFR0, R_PFR1, R_PFR2, R_ZFR0, R_ISAR0, R_ISAR1, R_ISAR2, R_MMFR1, R_MMFR2, R_COUNT };

static struct idreg regs_shown[R_COUNT] = {
	[R_MIDR] = { 0, 0, ~0UL, 0, 0 },
	[R_MPIDR] = { 0, 5, 0, BIT(31), 0 },
	[R_REVIDR] = { 0, 6, ~0UL, 0, 0 },
	[R_PFR0] = { 4, 0, F(16) | F(20) | F(32) | F(48), 0x11, 0 },		/* FP AdvSIMD SVE DIT */
	[R_PFR1] = { 4, 1, F(4), 0, 0 },					/* SSBS */
	[R_PFR2] = { 4, 2, F(32), 0, 0 },					/* FPMR */
	[R_ZFR0] = { 4, 4, F(0) | F(4) | F(16) | F(20) | F(24) | F(32) | F(40) | F(44) | F(52) | F(56), 0, 0 },
	[R_ISAR0] = { 6, 0, ~(F(0) | F(24) | F(56)), 0, 0 },			/* not TME, TLB */
	[R_ISAR1] = { 6, 1, F(0) | F(12) | F(16) | F(20) | F(32) | F(36) | F(44) | F(48) | F(52), 0, 0 },
	[R_ISAR2] = { 6, 2, F(4) | F(48) | F(52), 0, 0 },			/* RPRES RPRFM CSSC */
	[R_MMFR1] = { 7, 1, F(44), 0, 0 },					/* AFP */
	[R_MMFR2] = { 7, 2, F(32), 0, 0 },					/* AT */
};

static const struct {
	u8 reg, shift, min;
	bool is_signed;
	u64 cap, cap2;
} hwcaps[] = {
	{ R_PFR0, 16, 0, true, HWCAP_FP, 0 }, { R_PFR0, 16, 1, true, HWCAP_FPHP, 0 },
	{ R_PFR0, 20, 0, true, HWCAP_ASIMD, 0 }, { R_PFR0, 20, 1, true, HWCAP_ASIMDHP, 0 },
	{ R_PFR0, 48, 1, true, HWCAP_DIT, 0 }, { R_PFR1, 4, 2, false, HWCAP_SSBS, 0 },
	{ R_ISAR0, 4, 1, false, HWCAP_AES, 0 }, { R_ISAR0, 4, 2, false, HWCAP_PMULL, 0 },
	{ R_ISAR0, 8, 1, false, HWCAP_SHA1, 0 }, { R_ISAR0, 12, 1, false, HWCAP_SHA2, 0 },
	{ R_ISAR0, 12, 2, false, HWCAP_SHA512, 0 }, { R_ISAR0, 16, 1, false, HWCAP_CRC32, 0 },
	{ R_ISAR0, 20, 2, false, HWCAP_ATOMICS, 0 }, { R_ISAR0, 28, 1, false, HWCAP_ASIMDRDM, 0 },
	{ R_ISAR0, 32, 1, false, HWCAP_SHA3, 0 }, { R_ISAR0, 36, 1, false, HWCAP_SM3, 0 },
	{ R_ISAR0, 40, 1, false, HWCAP_SM4, 0 }, { R_ISAR0, 44, 1, false, HWCAP_ASIMDDP, 0 },
	{ R_ISAR0, 48, 1, false, HWCAP_ASIMDFHM, 0 }, { R_ISAR0, 52, 1, false, HWCAP_FLAGM, 0 },
	{ R_ISAR0, 52, 2, false, 0, HWCAP2_FLAGM2 }, { R_ISAR0, 60, 1, false, 0, HWCAP2_RNG },
	{ R_ISAR1, 0, 1, false, HWCAP_DCPOP, 0 }, { R_ISAR1, 0, 2, false, 0, HWCAP2_DCPODP },
	{ R_ISAR1, 12, 1, false, HWCAP_JSCVT, 0 }, { R_ISAR1, 16, 1, false, HWCAP_FCMA, 0 },
	{ R_ISAR1, 20, 1, false, HWCAP_LRCPC, 0 }, { R_ISAR1, 20, 2, false, HWCAP_ILRCPC, 0 },
	{ R_ISAR1, 32, 1, false, 0, HWCAP2_FRINT }, { R_ISAR1, 36, 1, false, HWCAP_SB, 0 },
	{ R_ISAR1, 44, 1, false, 0, HWCAP2_BF16 }, { R_ISAR1, 48, 1, false, 0, HWCAP2_DGH },
	{ R_ISAR1, 52, 1, false, 0, HWCAP2_I8MM }, { R_ISAR2, 4, 1, false, 0, HWCAP2_RPRES },
	{ R_ISAR2, 52, 1, false, 0, HWCAP2_CSSC }, { R_MMFR1, 44, 1, false, 0, HWCAP2_AFP },
	{ R_MMFR2, 32, 1, false, HWCAP_USCAT, 0 },
	{ R_PFR2, 32, 1, false, 0, HWCAP2_FPMR },
	{ R_PFR0, 32, 1, false, HWCAP_SVE, 0 }, { R_ZFR0, 0, 1, false, 0, HWCAP2_SVE2 },
	{ R_ZFR0, 0, 2, false, 0, HWCAP2_SVE2P1 }, { R_ZFR0, 4, 1, false, 0, HWCAP2_SVEAES },
	{ R_ZFR0, 4, 2, false, 0, HWCAP2_SVEPMULL }, { R_ZFR0, 16, 1, false, 0, HWCAP2_SVEBITPERM },
	{ R_ZFR0, 20, 1, false, 0, HWCAP2_SVEBF16 }, { R_ZFR0, 20, 2, false, 0, HWCAP2_SVE_EBF16 },
	{ R_ZFR0, 24, 1, false, 0, HWCAP2_SVE_B16B16 }, { R_ZFR0, 32, 1, false, 0, HWCAP2_SVESHA3 },
	{ R_ZFR0, 40, 1, false, 0, HWCAP2_SVESM4 }, { R_ZFR0, 44, 1, false, 0, HWCAP2_SVEI8MM },
	{ R_ZFR0, 52, 1, false, 0, HWCAP2_SVEF32MM }, { R_ZFR0, 56, 1, false, 0, HWCAP2_SVEF64MM },
};

static u64 caps[2];

static void show(unsigned r, u64 raw)
{
	regs_shown[r].value = (raw & regs_shown[r].keep) | regs_shown[r].fixed;
}

void idreg_init(void)
{
	unsigned i;

	show(R_MIDR, read_sysreg(midr_el1));
	show(R_MPIDR, 0);
	show(R_REVIDR, read_sysreg(revidr_el1));
	show(R_PFR0, read_sysreg(id_aa64pfr0_el1));
	show(R_PFR1, read_sysreg(id_aa64pfr1_el1));
	if (fp_cpu.fpmr)
		show(R_PFR2, read_sysreg(S3_0_C0_C4_2));
	if (fp_cpu.sve)
		show(R_ZFR0, read_sysreg(S3_0_C0_C4_4));
	else
		regs_shown[R_PFR0].value &= ~F(32);
	show(R_ISAR0, read_sysreg(id_aa64isar0_el1));
	show(R_ISAR1, read_sysreg(id_aa64isar1_el1));
	show(R_ISAR2, read_sysreg(S3_0_C0_C6_2));
	show(R_MMFR1, read_sysreg(id_aa64mmfr1_el1));
	show(R_MMFR2, read_sysreg(S3_0_C0_C7_2));
	caps[0] = HWCAP_CPUID;
	for (i = 0; i < ARRAY_SIZE(hwcaps); i++) {
		int v = (int)(regs_shown[hwcaps[i].reg].value >> hwcaps[i].shift & 0xf);

		if (hwcaps[i].is_signed && v > 7)
			v -= 16;
		if (v >= hwcaps[i].min) {
			caps[0] |= (u32)hwcaps[i].cap;
			caps[1] |= hwcaps[i].cap2;
		}
	}
}

u64 hwcap_get(unsigned which)
{
	return caps[which];
}

/* op0 3, op1 0, CRn 0: CRm 2 to 7 that have no row read as zero, as unallocated ID registers do. */
static bool idreg_read(unsigned crm, unsigned op2, u64 *value)
{
	unsigned i;

	for (i = 0; i < R_COUNT; i++) {
		if (regs_shown[i].crm == crm && regs_shown[i].op2 == op2) {
			*value = regs_shown[i].value;
			return true;
		}
	}
	*value = 0;
	return crm >= 2 && crm <= 7;
}

bool idreg_emulate(struct pt_regs *regs, u64 esr)
{
	unsigned op0, op1, crn, crm, op2, rt;
	u32 insn;
	u64 v;

	if (esr >> 26 == 0x18) {
		if (!(esr & 1))
			return false;
		op0 = esr >> 20 & 3;
		op2 = esr >> 17 & 7;
		op1 = esr >> 14 & 7;
		crn = esr >> 10 & 15;
		rt = esr >> 5 & 31;
		crm = esr >> 1 & 15;
	} else {
		if (get_user(insn, regs->pc) || (insn & 0xfff00000) != 0xd5300000)
			return false;
		op0 = 2 + (insn >> 19 & 1);
		op1 = insn >> 16 & 7;
		crn = insn >> 12 & 15;
		crm = insn >> 8 & 15;
		op2 = insn >> 5 & 7;
		rt = insn & 31;
	}
	if (op0 != 3 || op1 || crn || !idreg_read(crm, op2, &v))
		return false;
	if (rt != 31)
		regs->x[rt] = v;
	regs->pc += 4;
	return true;
}
