// SPDX-License-Identifier: GPL-2.0-only
/* The parts of PSCI that are logic alone: compiled natively by tests. Arm DEN0022. */
#pragma once

#include <nestbox/types.h>

#define PSCI_SUCCESS		0L
#define PSCI_NOT_SUPPORTED	(-1L)
#define PSCI_INVALID		(-2L)
#define PSCI_DENIED		(-3L)
#define PSCI_ALREADY_ON		(-4L)
#define PSCI_INTERNAL		(-6L)

#define PSCI_AFFINITY		0xff00ffffffUL	/* MPIDR_EL1: Aff3 to Aff0 */

/* Which calls exist; what PSCI_FEATURES answers. version: 0x2, 0x10000, 0x10001. */
s64 psci_features(u32 version, u32 fn, bool system_suspend);
/* A target that names affinity fields and nothing else. */
static inline bool psci_affinity_valid(u64 target) { return !(target & ~PSCI_AFFINITY); }
/* The fields that AFFINITY_INFO compares at a level; 0: no such level. */
u64 psci_level_mask(u64 level);
/* SYSTEM_RESET2's type: architectural warm reset, or the vendor's own. */
static inline bool psci_reset2_valid(u32 type) { return type == 0 || type >> 31; }
