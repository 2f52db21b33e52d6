// SPDX-License-Identifier: GPL-2.0-only
/* Parts of kvm/ that need no guest: VMID allocation over generations, tables in order, guest memory without slots. */
#include <linux/errno.h>

#include "kernel/cpu/sysreg.h"
#include "kernel/debug/selftest.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kvm/features.h"
#include "kvm/stage2/stage2.h"
#include "kvm/sysreg/sysreg.h"

_Static_assert(REG_DBGBVR15_EL1 == REG_DBGBVR0_EL1 + 15, "sysreg/debug.c counts on it");
_Static_assert(REG_DBGWCR15_EL1 == REG_DBGWCR0_EL1 + 15, "sysreg/debug.c counts on it");

/* More address spaces than VMIDs: live ones never share, and the one in use survives a rollover with its number. */
SELFTEST(vmid_rollover)
{
	unsigned n = (1U << host.vmid_bits) + 100, i;
	struct stage2 *s = vmalloc(n * sizeof(*s));
	u8 *seen = vmalloc((1UL << host.vmid_bits));
	u64 gen, flags;

	REQUIRE(s && seen);
	flags = local_irq_save();
	vmid_update(&s[0]);
	for (i = 1; i < n; i++) {
		vmid_update(&s[i]);
		CHECK(s[i].pt.vttbr >> 48);
		CHECK(s[i].vmid_gen >= s[i - 1].vmid_gen);
	}
	gen = s[n - 1].vmid_gen >> 16;
	CHECK(gen > s[0].vmid_gen >> 16);
	for (i = 0; i < n; i++) {
		u64 vmid = s[i].pt.vttbr >> 48;

		if (s[i].vmid_gen >> 16 != gen)
			continue;
		CHECK(!seen[vmid]);
		seen[vmid] = 1;
	}
	/* A stale one gets a current one, and keeps it. */
	vmid_update(&s[0]);
	CHECK(s[0].vmid_gen >> 16 >= gen);
	gen = s[0].vmid_gen;
	vmid_update(&s[0]);
	CHECK(s[0].vmid_gen == gen);
	local_irq_restore(flags);
	vfree(seen);
	vfree(s);
}

SELFTEST(sysreg_tables)
{
	unsigned i;

	for (i = 1; i < sysreg_rows_n; i++)
		CHECK(sysreg_rows[i - 1].key < sysreg_rows[i].key);
	for (i = 1; i < sysreg_users_n; i++)
		CHECK(sysreg_users[i - 1].key < sysreg_users[i].key);
	for (i = 0; i < sysreg_rows_n; i++)
		CHECK(sysreg_rows[i].name && sysreg_rows[i].reg <= NR_REGS);
}

/* What this machine's CPUs have and kvm/ does not switch stays hidden. */
SELFTEST(idregs_hide)
{
	u64 id[64];

	idregs_limit(id, host.id, 0);
	CHECK(!(id[IDX_ID_AA64PFR0_EL1] >> 32 & 0xf));		/* SVE */
	CHECK(!(id[IDX_ID_AA64PFR1_EL1] >> 24 & 0xf));		/* SME */
	CHECK(!(id[IDX_ID_AA64PFR1_EL1] >> 8 & 0xf));		/* MTE */
	CHECK(!(id[IDX_ID_AA64DFR0_EL1] >> 8 & 0xf));		/* PMU */
	CHECK(!(id[IDX_ID_AA64ISAR1_EL1] >> 4 & 0xff));		/* PAuth, not asked for */
	CHECK((id[IDX_ID_AA64PFR0_EL1] & 0xf) >= 1);		/* EL0 */
}
