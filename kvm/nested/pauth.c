// SPDX-License-Identifier: GPL-2.0-only
/*
 * ERETAA and ERETAB of a guest hypervisor. The CPU would authenticate for our own translation regime, and may fault here
 * when the signature is wrong; so the signature is computed with PACGA, under the hypervisor's key and for its TCR_EL2.
 * Interrupts off, vCPU loaded and in the hypervisor's context. Arm ARM: Auth(), CalculateBottomPACBit(), ComputePAC().
 */
#include "kernel/cpu/sysreg.h"
#include "kvm/features.h"
#include "kvm/nested/nested.h"
#include "kvm/sysreg/sysreg.h"

#define APIAKEYLO	S3_0_C2_C1_0
#define APIAKEYHI	S3_0_C2_C1_1
#define APIBKEYLO	S3_0_C2_C1_2
#define APIBKEYHI	S3_0_C2_C1_3
#define APGAKEYLO	S3_0_C2_C3_0
#define APGAKEYHI	S3_0_C2_C3_1

#define SCTLR_ENIA	BIT(31)
#define SCTLR_ENIB	BIT(30)
#define PAUTH2		3	/* the signature is XORed into the pointer */
#define FPACCOMBINE	5	/* a wrong one faults */

/* What ID_AA64ISAR1_EL1.{APA,API} and ID_AA64ISAR2_EL1.APA3 say; one of them is not 0. */
static unsigned pauth_level(void)
{
	u64 isar1 = host.id[IDX_ID_AA64ISAR1_EL1], isar2 = host.id[IDX_ID_AA64ISAR2_EL1];

	return (isar1 >> 4 & 0xf) | (isar1 >> 8 & 0xf) | (isar2 >> 12 & 0xf);
}

/* The upper 32 bits of the signature under one of the instruction keys. */
static u64 signature(u64 ptr, u64 modifier, bool key_b)
{
	u64 lo = read_sysreg(APGAKEYLO), hi = read_sysreg(APGAKEYHI), pac;

	write_sysreg(key_b ? read_sysreg(APIBKEYLO) : read_sysreg(APIAKEYLO), APGAKEYLO);
	write_sysreg(key_b ? read_sysreg(APIBKEYHI) : read_sysreg(APIAKEYHI), APGAKEYHI);
	isb();
	asm volatile(".arch_extension pauth\n\tpacga %0, %1, %2" : "=r"(pac) : "r"(ptr), "r"(modifier));
	write_sysreg(lo, APGAKEYLO);
	write_sysreg(hi, APGAKEYHI);
	isb();
	return pac;
}

/* The bits of a pointer that hold its signature. */
static u64 signature_bits(u64 tcr, u64 ptr)
{
	bool high = ptr & BIT(55);
	unsigned tsz = high ? tcr >> 16 & 0x3f : tcr & 0x3f;
	bool tbi = high ? (tcr & BIT(38)) && !(tcr & BIT(52)) : (tcr & BIT(37)) && !(tcr & BIT(51));
	u64 mask;

	tsz = MAX(16U, MIN(tsz, 39U));
	mask = GENMASK(54, 0) & ~(BIT(64 - tsz) - 1);
	return tbi ? mask : mask | GENMASK(63, 56);
}

bool nested_elr_authenticate(struct vcpu *v, bool key_b, u64 *elr)
{
	u64 ptr = *elr, mask, plain, pac;
	unsigned level = pauth_level();
	u64 tcr = reg_read(v, REG_TCR_EL2);

	if (!(reg_read(v, REG_SCTLR_EL2) & (key_b ? SCTLR_ENIB : SCTLR_ENIA)))
		return true;
	mask = signature_bits(v->nested->nvhe ? nvhe_tcr(tcr) : tcr, ptr);
	plain = ptr & BIT(55) ? ptr | mask : ptr & ~mask;
	/* PACGA makes no more than these bits: with less than 33 bits of address the lowest are not looked at. */
	pac = signature(plain, read_sysreg(sp_el1), key_b);
	mask &= GENMASK(63, 32);
	if (level >= PAUTH2)
		pac ^= plain;
	*elr = plain;
	if (!((ptr ^ pac) & mask))
		return true;
	if (level >= FPACCOMBINE)
		return false;
	/* An address that translates nowhere. */
	if (level >= PAUTH2)
		*elr = ptr ^ ((pac ^ plain) & mask);
	else if (mask & BIT(63))
		*elr = (plain & ~GENMASK(62, 61)) | (key_b ? BIT(62) : BIT(61));
	else
		*elr = (plain & ~GENMASK(54, 53)) | (key_b ? BIT(54) : BIT(53));
	return true;
}
