// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reset values that are not constants, and the cache geometry. A guest moves between CPUs, so the caches it sees are
 * invented from CTR_EL0: levels as far as maintenance needs them, one set and one way each (Arm ARM D19.2.24-27).
 */
#include <linux/errno.h>

#include "kernel/cpu/sysreg.h"
#include "kernel/mm/page.h"
#include "kvm/features.h"
#include "kvm/sysreg/sysreg.h"
#include "kvm/vcpu_state.h"

#define CLIDR_CTYPE(level, type)	((u64)(type) << (3 * ((level) - 1)))
#define CLIDR_TTYPE(level, type)	((u64)(type) << (2 * ((level) - 1) + 33))
#define CTYPE_SEPARATE	3
#define CTYPE_UNIFIED	4
#define TTYPE_UNIFIED	2	/* tags in the lines of their data */

u64 reset_midr(struct vcpu *v)
{
	return v->vm->idregs.midr;
}

u64 reset_mpidr(struct vcpu *v)
{
	return v->config.mpidr;
}

u64 reset_revidr(struct vcpu *v)
{
	return v->vm->idregs.revidr;
}

u64 reset_aidr(struct vcpu *v)
{
	return v->vm->idregs.aidr;
}

u64 reset_actlr(struct vcpu *v)
{
	return read_sysreg(actlr_el1);
}

u64 reset_ctr(struct vcpu *v)
{
	return v->vm->idregs.ctr;
}

/* PMCR_EL0.LC is RES1 where nothing is AArch32. */
u64 reset_pmcr(struct vcpu *v)
{
	return (host.id[IDX_ID_AA64PFR0_EL1] & 0xf) == 2 ? 0 : BIT(6);
}

/* All counters are EL1's and EL0's too. */
u64 reset_mdcr(struct vcpu *v)
{
	return v->pmu ? v->vm->pmu_n : 0;
}

u64 clidr_least(void)
{
	if (host.idc)	/* clean to the point of unification is never needed: one unified level, LoC 1 */
		return CLIDR_CTYPE(1, CTYPE_UNIFIED) | 1UL << 24;
	/* LoUU = LoUIS = 1, a unified level 2 up to LoC 2 */
	return CLIDR_CTYPE(1, CTYPE_SEPARATE) | CLIDR_CTYPE(2, CTYPE_UNIFIED) | 1UL << 27 | 2UL << 24 | 1UL << 21;
}

/* What the VMM wrote outlives a reset. */
u64 reset_clidr(struct vcpu *v)
{
	u64 least = clidr_least();

	if (vreg(v, REG_CLIDR_EL1))
		return vreg(v, REG_CLIDR_EL1);
	return v->vm->vcpu_features & VMF_MTE ? least | CLIDR_TTYPE(least >> 24 & 7, TTYPE_UNIFIED) : least;
}

/* A VMM's own value (KVM_REG_ARM_DEMUX), or one set and one way of the least line length. */
u32 ccsidr_get(struct vcpu *v, u32 csselr)
{
	u64 ctr = v->vm->idregs.ctr;
	unsigned line = csselr & 1 ? ctr & 0xf : ctr >> 16 & 0xf;

	if (v->ccsidr)
		return v->ccsidr[csselr & 15];
	/* CTR: log2 of words; CCSIDR.LineSize: log2 of bytes, less 4 */
	return line + 2 >= 4 ? line + 2 - 4 : 0;
}

int ccsidr_set(struct vcpu *v, u32 csselr, u32 val)
{
	unsigned i;

	if (val == ccsidr_get(v, csselr))
		return 0;
	/* Bits 31:28 are RES0, and the line length is what maintenance loops rely on. */
	if ((val & 0xf0000000) || (val & 7) + 4 < (ccsidr_get(v, csselr) & 7) + 4)
		return -EINVAL;
	if (!v->ccsidr) {
		u32 *all = kcalloc(16, sizeof(u32));

		if (!all)
			return -ENOMEM;
		for (i = 0; i < 16; i++)
			all[i] = ccsidr_get(v, i);
		v->ccsidr = all;
	}
	v->ccsidr[csselr & 15] = val;
	return 0;
}
