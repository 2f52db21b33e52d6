// SPDX-License-Identifier: GPL-2.0-only
/* Bits of translation table descriptors, 4 KiB granule, 48-bit output addresses. Arm ARM D8.3. */
#pragma once

#include <nestbox/types.h>

#define DESC_TABLE	3UL
#define DESC_PAGE	3UL
#define DESC_BLOCK	1UL
#define DESC_AF		BIT(10)
#define DESC_SW_SHIFT	55		/* 55..57 ignored by hardware */
#define DESC_SW_MASK	GENMASK(57, 55)
/* Not valid, owned by a break-before-make in progress. */
#define DESC_LOCKED	BIT(58)

#define S1_AP_EL0	BIT(6)
#define S1_AP_RO	BIT(7)
#define S1_SH_INNER	(3UL << 8)
#define S1_NG		BIT(11)
#define S1_PXN		BIT(53)
#define S1_UXN		BIT(54)
#define S1_PERM_MASK	(S1_AP_EL0 | S1_AP_RO | S1_PXN | S1_UXN | DESC_AF | DESC_SW_MASK)

#define S2_MEM_DEVICE	(1UL << 2)	/* Device-nGnRE, with FWB too */
#define S2_MEM_NC	(5UL << 2)
#define S2_MEM_WB	(15UL << 2)
#define S2_MEM_FWB	(6UL << 2)
#define S2_MEM_MASK	(15UL << 2)
#define S2_R		BIT(6)
#define S2_W		BIT(7)
#define S2_SH_INNER	(3UL << 8)
#define S2_XN		BIT(54)		/* with FEAT_XNX and bit 53 clear: neither EL1 nor EL0 */
#define S2_XN_EL1	BIT(53)		/* alone: EL1 not, EL0 yes */
#define S2_PERM_MASK	(S2_R | S2_W | S2_XN | S2_XN_EL1 | DESC_AF | DESC_SW_MASK)
