// SPDX-License-Identifier: GPL-2.0-only
// link: kvm/smccc/psci_logic.c
/* PSCI's logic: which calls exist in which version, affinity levels, targets. */
#include <assert.h>
#include <stdio.h>

#include "kvm/smccc/psci_logic.h"

static void test_features(void)
{
	static const u32 always[] = { 0x84000000, 0x84000001, 0xc4000001, 0x84000002, 0x84000003, 0xc4000003, 0x84000004,
				      0xc4000004, 0x84000006, 0x84000008, 0x84000009, 0x8400000a, 0x80000000 };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(always); i++) {
		assert(psci_features(0x10000, always[i], false) == PSCI_SUCCESS);
		assert(psci_features(0x10001, always[i], true) == PSCI_SUCCESS);
	}
	/* Not 64-bit calls, not offered, or not calls. */
	assert(psci_features(0x10001, 0xc4000000, true) == PSCI_NOT_SUPPORTED);
	assert(psci_features(0x10001, 0xc4000002, true) == PSCI_NOT_SUPPORTED);
	assert(psci_features(0x10001, 0x84000005, true) == PSCI_NOT_SUPPORTED);
	assert(psci_features(0x10001, 0x84000007, true) == PSCI_NOT_SUPPORTED);
	assert(psci_features(0x10001, 0x8400000f, true) == PSCI_NOT_SUPPORTED);
	assert(psci_features(0x10001, 0, true) == PSCI_NOT_SUPPORTED);
	assert(psci_features(0x10001, 0x8400000e, false) == PSCI_NOT_SUPPORTED);
	assert(psci_features(0x10000, 0xc400000e, true) == PSCI_SUCCESS);
	assert(psci_features(0x10000, 0x84000012, true) == PSCI_NOT_SUPPORTED);
	assert(psci_features(0x10001, 0xc4000012, false) == PSCI_SUCCESS);
}

static void test_affinity(void)
{
	assert(psci_affinity_valid(0) && psci_affinity_valid(0xff00ffffffUL));
	assert(!psci_affinity_valid(1UL << 31) && !psci_affinity_valid(1UL << 40) && !psci_affinity_valid(1UL << 24));
	assert(psci_level_mask(0) == 0xff00ffffffUL);
	assert(psci_level_mask(1) == 0xff00ffff00UL);
	assert(psci_level_mask(2) == 0xff00ff0000UL);
	assert(psci_level_mask(3) == 0xff00000000UL);
	assert(psci_level_mask(4) == 0 && psci_level_mask(~0UL) == 0);
	assert(psci_reset2_valid(0) && psci_reset2_valid(0x80000000) && psci_reset2_valid(0xffffffff));
	assert(!psci_reset2_valid(1) && !psci_reset2_valid(0x7fffffff));
}

int main(void)
{
	test_features();
	test_affinity();
	printf("psci: ok\n");
	return 0;
}
