// SPDX-License-Identifier: GPL-2.0-only
/* PSCI's logic without a VM around it: compiles natively. Arm DEN0022. */
#include "kvm/smccc/psci_logic.h"

#define FN32(n)	(0x84000000U + (n))
#define FN64(n)	(0xc4000000U + (n))

s64 psci_features(u32 version, u32 fn, bool system_suspend)
{
	switch (fn) {
	case FN32(0):	/* VERSION */
	case FN32(1):	/* CPU_SUSPEND: original state format, no OS-initiated mode */
	case FN64(1):
	case FN32(2):	/* CPU_OFF */
	case FN32(3):	/* CPU_ON */
	case FN64(3):
	case FN32(4):	/* AFFINITY_INFO */
	case FN64(4):
	case FN32(6):	/* MIGRATE_INFO_TYPE */
	case FN32(8):	/* SYSTEM_OFF */
	case FN32(9):	/* SYSTEM_RESET */
	case FN32(10):	/* FEATURES */
	case 0x80000000U:	/* SMCCC_VERSION */
		return PSCI_SUCCESS;
	case FN32(14):	/* SYSTEM_SUSPEND */
	case FN64(14):
		return system_suspend ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
	case FN32(18):	/* SYSTEM_RESET2 */
	case FN64(18):
		return version >= 0x10001 ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
	default:
		return PSCI_NOT_SUPPORTED;
	}
}

u64 psci_level_mask(u64 level)
{
	switch (level) {
	case 0:
		return PSCI_AFFINITY;
	case 1:
		return PSCI_AFFINITY & ~0xffUL;
	case 2:
		return PSCI_AFFINITY & ~0xffffUL;
	case 3:
		return PSCI_AFFINITY & ~0xffffffUL;
	default:
		return 0;
	}
}
