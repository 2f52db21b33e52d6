// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions of features that a VM's ID registers hide and the CPU has: trapped by HFGITR_EL2, UNDEFINED for the guest because no
 * row of tables/sysreg.tbl is theirs. What has no trap (arithmetic, RNDR, atomics, hints) stays usable, as on Linux:
 * docs/abi/kvm.md. Arm ARM D24.2.62 (HFGITR_EL2).
 */
#include "kvm/features.h"
#include "kvm/sysreg/sysreg.h"

#define DC_CVAP		BIT(8)
#define DC_CVADP	BIT(9)
#define AT_PAN2		(BIT(16) | BIT(17))		/* AT S1E1RP, S1E1WP */
#define TLBI_OS		GENMASK(23, 18)
#define TLBI_RANGE_OS	GENMASK(27, 24)
#define TLBI_RANGE	(GENMASK(37, 34) | GENMASK(41, 38))
#define CFP_DVP_CPP	GENMASK(50, 48)
#define COSP		BIT(60)
#define AT_S1E1A	BIT(62)

/* The traps are wanted while the guest's field is less than level; they exist where the CPU's is not. */
static const struct {
	u8 index, shift, level;
	u64 traps;
} hidden[] = {
	{ IDX_ID_AA64ISAR0_EL1, ID_AA64ISAR0_TLB_SHIFT, 1, TLBI_OS },
	{ IDX_ID_AA64ISAR0_EL1, ID_AA64ISAR0_TLB_SHIFT, 2, TLBI_RANGE | TLBI_RANGE_OS },
	{ IDX_ID_AA64ISAR1_EL1, ID_AA64ISAR1_DPB_SHIFT, 1, DC_CVAP },
	{ IDX_ID_AA64ISAR1_EL1, ID_AA64ISAR1_DPB_SHIFT, 2, DC_CVADP },
	{ IDX_ID_AA64ISAR1_EL1, ID_AA64ISAR1_SPECRES_SHIFT, 1, CFP_DVP_CPP },
	{ IDX_ID_AA64ISAR1_EL1, ID_AA64ISAR1_SPECRES_SHIFT, 2, COSP },
	{ IDX_ID_AA64ISAR2_EL1, ID_AA64ISAR2_ATS1A_SHIFT, 1, AT_S1E1A },
	{ IDX_ID_AA64MMFR1_EL1, ID_AA64MMFR1_PAN_SHIFT, 2, AT_PAN2 },
};

u64 hidden_instructions(const u64 *guest, const u64 *cpu)
{
	u64 traps = 0;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(hidden); i++) {
		unsigned index = hidden[i].index, shift = hidden[i].shift;

		if ((guest[index] >> shift & 0xf) < hidden[i].level && (cpu[index] >> shift & 0xf) >= hidden[i].level)
			traps |= hidden[i].traps;
	}
	return traps;
}
