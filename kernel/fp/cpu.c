// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the CPUs' vector units can do, and how each of them starts. Locks: merge_lock, at start only.
 * Arm ARM D19.2.33 (CPTR_EL2, E2H=1), D19.2.157 (ZCR_EL2), D19.2.133 (SMCR_EL2), C5.2.24 (SVCR).
 */
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/fp/fp.h"
#include "kernel/sched/lock.h"
#include "kernel/sched/thread.h"

struct fp_features fp_cpu = { .cptr_closed = CPTR_TTA | CPTR_FPEN_EL0 };

static spinlock_t merge_lock;
static bool merged_one;

#define VQ_BIT(vq)	(1U << ((vq) - 1))

/* Every length this CPU has: asking for one gives the next shorter that there is. */
static u16 probe_lengths(void)
{
	u16 mask = 0;
	unsigned vq;

	for (vq = FP_VL_MAX / FP_VQ_BYTES; vq; vq--) {
		write_sysreg(vq - 1, ZCR_EL2);
		isb();
		vq = sve_length() / FP_VQ_BYTES;
		mask |= VQ_BIT(vq);
	}
	return mask;
}

/*
 * Nobody here uses SME, and EL0 and guests are trapped (SMEN 0, SCTLR_EL2.EnTP2 0, HFGRTR_EL2): whatever the firmware left
 * in PSTATE.SM, ZA and TPIDR2_EL0 goes away, and cannot come back.
 */
static void sme_off(void)
{
	write_sysreg(fp_cpu.cptr_closed | CPTR_SMEN_EL2, cptr_el2);
	isb();
	write_sysreg(0, SVCR);
	write_sysreg(0, SMCR_EL2);
	write_sysreg(0, TPIDR2_EL0);
	isb();
}

static void merge(bool sve, bool fpmr, u16 mask)
{
	spin_lock(&merge_lock);
	if (!merged_one) {
		fp_cpu.sve = sve;
		fp_cpu.fpmr = fpmr;
		fp_cpu.vq_mask = fp_cpu.vq_any = mask;
	} else {
		/* Wherever a thread goes it must find what it was told: so the least of all. */
		fp_cpu.sve = fp_cpu.sve && sve;
		fp_cpu.fpmr = fp_cpu.fpmr && fpmr;
		fp_cpu.vq_mask &= mask;
		fp_cpu.vq_any |= mask;
	}
	merged_one = true;
	spin_unlock(&merge_lock);
}

void fp_init_this(void)
{
	bool sve = FIELD_GET(GENMASK(35, 32), read_sysreg(id_aa64pfr0_el1));
	bool sme = FIELD_GET(GENMASK(27, 24), read_sysreg(id_aa64pfr1_el1));
	bool fpmr = FIELD_GET(GENMASK(35, 32), read_sysreg(ID_AA64PFR2_EL1));
	u16 mask = 0;

	if (sve)
		fp_cpu.cptr_closed |= CPTR_ZEN_EL0;
	write_sysreg(fp_cpu.cptr_closed, cptr_el2);
	isb();
	if (sme) {
		fp_cpu.sme = true;
		sme_off();
		write_sysreg(fp_cpu.cptr_closed, cptr_el2);
		isb();
	}
	if (fpmr)	/* EL0 may use it; guests by HCRX_EL2.EnFPM */
		write_sysreg(read_sysreg(sctlr_el2) | SCTLR_ENFPM, sctlr_el2);
	if (sve)
		mask = probe_lengths();
	merge(sve, fpmr, mask);
}

unsigned fp_vl_supported(unsigned vl)
{
	unsigned vq = MIN(vl, FP_VL_MAX) / FP_VQ_BYTES;

	while (vq > 1 && !(fp_cpu.vq_mask & VQ_BIT(vq)))
		vq--;
	return vq * FP_VQ_BYTES;
}

unsigned fp_vl_guest_max(void)
{
	u16 differs = fp_cpu.vq_mask ^ fp_cpu.vq_any;
	unsigned vq, best = 0;

	if (!fp_cpu.sve)
		return 0;
	for (vq = 1; vq <= FP_VL_MAX / FP_VQ_BYTES && !(differs & VQ_BIT(vq)); vq++)
		if (fp_cpu.vq_mask & VQ_BIT(vq))
			best = vq;
	return best * FP_VQ_BYTES;
}

void fp_counts_read(struct fp_counts *out)
{
	unsigned i, k;

	*out = (struct fp_counts){};
	for (i = 0; i < nr_cpus; i++) {
		const struct fp_counts *n = cpus[i] ? &cpus[i]->fp_counts : NULL;

		for (k = 0; n && k < FP_KINDS; k++) {
			out->saves[k] += READ_ONCE(n->saves[k]);
			out->loads[k] += READ_ONCE(n->loads[k]);
			out->traps[k] += READ_ONCE(n->traps[k]);
		}
		out->fetches += n ? READ_ONCE(n->fetches) : 0;
		out->kernel += n ? READ_ONCE(n->kernel) : 0;
	}
}
