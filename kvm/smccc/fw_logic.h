// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of the hypercall feature registers and of the hypercall filter, without a VM around them: compiled natively by
 * tests/host/test_fwreg.c. Linux: Documentation/virt/kvm/arm/fw-pseudo-registers.rst; docs/abi/hypercalls.md.
 */
#pragma once

#include <nestbox/types.h>

#include "kernel/cpu/spec.h"

#define PSCI_V0_1	0x1UL
#define PSCI_V0_2	0x2UL
#define PSCI_V1_0	0x10000UL
#define PSCI_V1_1	0x10001UL

/* Levels of the workaround registers, as KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_n has them. */
#define WA_NOT_AVAIL		0U	/* 1, 2, 3 */
#define WA_AVAIL		1U	/* 1, 3 */
#define WA_NOT_REQUIRED		2U	/* 1, 3 */
#define WA2_UNKNOWN		1U
#define WA2_AVAIL		2U
#define WA2_NOT_REQUIRED	3U

/*
 * Register value of workaround 1, 2 or 3; c: true of all CPUs; guest_ssbs: the VM's ID registers show SSBS. There is no firmware
 * to call, so only the third is ever AVAIL: the host clears the branch history whenever it comes from a guest, for a call too.
 */
unsigned workaround_level(struct spec_cpu c, unsigned which, bool guest_ssbs);

/*
 * Writes through KVM_SET_ONE_REG. 0: allowed; -EINVAL; -EBUSY.
 * A workaround stores nothing: the value says what the guest was told on another host, which may not be better than
 * what is true here (level: workaround_level).
 */
int workaround_check(unsigned which, u64 level, u64 val);
int psci_version_check(bool psci_0_2, u64 val);
/* Unknown bits come before the freeze, and the same value is always right. */
int bitmap_check(u64 allowed, u64 old, u64 val, bool ran);

/* ---- the filter: ranges sorted by first id, none overlapping ---- */

struct filter_range {
	u32 first, last;
	u8 action;		/* KVM_SMCCC_FILTER_* */
};
#define FILTER_ACTIONS	3

/* base and nr_functions as in struct kvm_smccc_filter. 0, -EINVAL: none, beyond the end, or no such action. */
int filter_decode(u32 base, u32 nr, u8 action, struct filter_range *out);
/* Where r belongs among n ranges; -EEXIST: it meets one of them, or what is not for filters. */
int filter_place(const struct filter_range *all, unsigned n, const struct filter_range *r);
/* KVM_SMCCC_FILTER_HANDLE (0) for what no range names. */
u8 filter_find(const struct filter_range *all, unsigned n, u32 fn);
