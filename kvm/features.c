// SPDX-License-Identifier: GPL-2.0-only
/* What the CPUs can do for guests, and what KVM_CHECK_EXTENSION answers: nothing that does not work. */
#include <linux/errno.h>
#include <nestbox/kvm.h>

#include "kernel/cpu/mte.h"
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/dev/platform.h"
#include "kernel/fp/owner.h"
#include "kernel/sched/thread.h"
#include "kvm/dirty_ring.h"
#include "kvm/features.h"
#include "kvm/nested/nested.h"
#include "kvm/sdei/sdei.h"
#include "kvm/sysreg/sysreg.h"
#include "kvm/vgic/vgic.h"

#define PARANGE_52	6U

struct host_features host;

static spinlock_t merge_lock;
static bool merged_one;

/* One more CPU's implementation, if it is of a new kind. */
static void impl_add(u64 midr, u64 revidr, u64 aidr)
{
	unsigned i;

	for (i = 0; i < host.nr_impls; i++)
		if (host.impls[i].midr == midr && host.impls[i].revidr == revidr && host.impls[i].aidr == aidr)
			return;
	if (i == IMPLS_MAX)
		return;
	host.impls[i].midr = midr;
	host.impls[i].revidr = revidr;
	host.impls[i].aidr = aidr;
	host.nr_impls++;
}

static unsigned field(const u64 *id, unsigned index, unsigned lsb)
{
	return id[index] >> lsb & 0xf;
}

/* Bits that are zero there trap: what a guest may have none of is closed once and for all. */
static void fgt2_close(void)
{
	write_sysreg(0, S3_4_C3_C1_0);		/* HDFGRTR2_EL2 */
	write_sysreg(0, S3_4_C3_C1_1);		/* HDFGWTR2_EL2 */
	write_sysreg(0, S3_4_C3_C1_2);		/* HFGRTR2_EL2 */
	write_sysreg(0, S3_4_C3_C1_3);		/* HFGWTR2_EL2 */
	write_sysreg(0, S3_4_C3_C1_7);		/* HFGITR2_EL2 */
}

/* ID_AA64MMFR4_EL1.E2H0, signed: below -1 HCR_EL2.NV1 is RES0. */
static bool has_nv1(const u64 *id)
{
	unsigned e2h0 = field(id, IDX_ID_AA64MMFR4_EL1, ID_AA64MMFR4_E2H0_SHIFT);

	return e2h0 < 8 || e2h0 == 15;
}

static void cpu_merge(void *arg)
{
	struct spec_cpu spec;
	u64 id[64] = {};

	idregs_read_cpu(id);
	if (field(id, IDX_ID_AA64MMFR0_EL1, 56) >= 2)
		fgt2_close();
	spec = spec_this_cpu();
	spin_lock(&merge_lock);
	idregs_merge(host.id, id, !merged_one);
	host.nv1 = (!merged_one || host.nv1) && has_nv1(id);
	impl_add(read_sysreg(midr_el1), read_sysreg(revidr_el1), read_sysreg(aidr_el1));
	host.spec = merged_one ? spec_least(host.spec, spec) : spec;
	if (!merged_one)
		host.ctr = read_sysreg(ctr_el0);
	merged_one = true;
	spin_unlock(&merge_lock);
}

/* FEAT_LPA2 for stage 2 with 4 KiB pages: its own field, or, where that says so, as stage 1. */
static bool has_lpa2(void)
{
	unsigned s2 = field(host.id, IDX_ID_AA64MMFR0_EL1, 40);

	return s2 ? s2 == 3 : field(host.id, IDX_ID_AA64MMFR0_EL1, ID_AA64MMFR0_TGran4_SHIFT) == 1;
}

int features_init(void)
{
	static const u8 pa_bits[] = { 32, 36, 40, 42, 44, 48, 48, 48 };
	unsigned parange;

	smp_call_all(cpu_merge, NULL);
	/* Fields that guests never see are not merged: those of this CPU count. */
	parange = field(host.id, IDX_ID_AA64MMFR0_EL1, 0);
	host.parange = MIN(parange, 5U);
	host.ipa_bits = pa_bits[host.parange];
	if (parange >= PARANGE_52 && has_lpa2())
		host.ipa_bits = 52;
	host.vmid_bits = field(host.id, IDX_ID_AA64MMFR1_EL1, 4) == 2 ? 16 : 8;
	host.brps = field(host.id, IDX_ID_AA64DFR0_EL1, 12) + 1;
	host.wrps = field(host.id, IDX_ID_AA64DFR0_EL1, 20) + 1;
	host.el1_32bit = field(host.id, IDX_ID_AA64PFR0_EL1, 4) == 2;
	host.pmu = field(host.id, IDX_ID_AA64DFR0_EL1, 8);
	if (host.pmu == 0xf)
		host.pmu = 0;
	host.fwb = field(host.id, IDX_ID_AA64MMFR2_EL1, 40) >= 1;
	host.idc = host.ctr & BIT(28);
	host.dic = host.ctr & BIT(29);
	host.fgt = field(host.id, IDX_ID_AA64MMFR0_EL1, 56) >= 1;
	host.hcx = field(host.id, IDX_ID_AA64MMFR1_EL1, 40) >= 1;
	host.evt = field(host.id, IDX_ID_AA64MMFR2_EL1, 56) >= 1;
	host.mte = field(host.id, IDX_ID_AA64PFR1_EL1, 8) >= 1;
	host.ras = field(host.id, IDX_ID_AA64PFR0_EL1, 28) >= 1;
	host.ptrauth = (host.id[IDX_ID_AA64ISAR1_EL1] & GENMASK(11, 4)) ||
		       (host.id[IDX_ID_AA64ISAR2_EL1] & GENMASK(15, 12));
	host.nested = nested_supported();
	if (bootarg("hide=", &host.hide) && !idregs_hide((u64[64]) { }, host.hide))
		pr_warn("kvm: hide= names what is no field that could be absent\n");
	host.nvhe = nested_nvhe_supported();
	if (host.ipa_bits < 32) {
		pr_warn("kvm: no usable IPA size\n");
		return -ENODEV;
	}
	return 0;
}

#include "cap_check.h"

int kvm_check_extension(struct vm *vm, u64 cap)
{
	return cap_value(vm, cap);
}
