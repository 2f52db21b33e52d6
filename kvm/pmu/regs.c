// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PMU's registers, trapped (MDCR_EL2.{TPM,TPMCR}) and through ONE_REG. A change takes the counters out of the CPU, is
 * made in memory, and puts them back. Whether EL0 may access them is decided by hardware, which has the guest's own
 * PMUSERENR_EL0. Arm ARM D19.5.
 */
#include <linux/errno.h>

#include "kernel/cpu/sysreg.h"
#include "kvm/features.h"
#include "kvm/nested/nested.h"
#include "kvm/pmu/internal.h"
#include "kvm/sysreg/sysreg.h"
#include "kvm/trap/trap.h"

enum trap_result sysreg_pmcr(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_mdcr(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_pmset(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_pmswinc(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_pmselr(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_pmceid(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_pmcount(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_pmtype(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_pmuserenr(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_undef(struct vcpu *v, const struct sysreg_access *a);

#define KEY_PMXEVTYPER	SYSREG_KEY(3, 3, 9, 13, 1)
#define KEY_PMXEVCNTR	SYSREG_KEY(3, 3, 9, 13, 2)
#define KEY_PMCCNTR	SYSREG_KEY(3, 3, 9, 13, 0)
#define KEY_PMOVSCLR	SYSREG_KEY(3, 3, 9, 12, 3)
#define KEY_PMOVSSET	SYSREG_KEY(3, 3, 9, 14, 3)
#define USERENR_BITS	0xf
#define MDCR_DEBUG	(GENMASK(11, 8) | BIT(27))	/* TDE, TDA, TDOSA, TDRA, TDCC */
#define MDCR_PMU	GENMASK(7, 0)

static enum trap_result result(struct vcpu *v, const struct sysreg_access *a, u64 val)
{
	guest_reg_set(v, a->rt, val);
	return TRAP_SKIP;
}

/* ---- changes ---- */

static void change_begin(struct vcpu *v)
{
	preempt_disable();
	if (v->loaded)
		pmu_put(v);
}

static void change_end(struct vcpu *v)
{
	if (v->loaded)
		pmu_load(v);
	preempt_enable();
}

static bool at_virtual_el2(const struct vcpu *v)
{
	return v->nested->hyp && (v->regs.pstate & 0xf);
}

/* Counters that the code which traps here may see: below virtual EL2, those before MDCR_EL2.HPMN. */
static u64 accessible(const struct vcpu *v)
{
	u64 all = pmu_valid(v->vm);

	return likely(!v->nested) || at_virtual_el2(v) ? all : all & ~pmu_hyp_range(v);
}

static u64 pmcr_read(const struct vcpu *v, u64 n)
{
	return (vreg(v, REG_PMCR_EL0) & ~(PMCR_N | PMCR_P | PMCR_C)) | n << PMCR_N_SHIFT;
}

/* counters: those that PMCR_EL0.P means. */
static void pmcr_write(struct vcpu *v, u64 val, u64 counters)
{
	unsigned i;

	if (pmu_version(v->vm) < PMUV3P5)
		val &= ~PMCR_LP;
	if ((host.id[IDX_ID_AA64PFR0_EL1] & 0xf) != 2)	/* no AArch32 anywhere: LC is RES1 */
		val |= PMCR_LC;
	vreg(v, REG_PMCR_EL0) = val & PMCR_WRITABLE & ~(PMCR_P | PMCR_C);
	if (val & PMCR_C)
		vreg(v, REG_PMCCNTR_EL0) = 0;
	for (i = 0; (val & PMCR_P) && i < v->vm->pmu_n; i++)
		if (counters & BIT(i))
			vreg(v, pmu_count_reg(i)) = 0;
}

/* Both names of a set of bits; the odd one of op2, or CRm 14 for the overflows, sets. */
static bool key_sets(u16 key)
{
	return key == KEY_PMOVSSET || (key != KEY_PMOVSCLR && (key & 1));
}

static enum reg set_reg(u16 key)
{
	if (key == KEY_PMOVSSET || key == KEY_PMOVSCLR)
		return REG_PMOVSSET_EL0;
	return key >> 11 & 7 ? REG_PMCNTENSET_EL0 : REG_PMINTENSET_EL1;
}

static void set_write(struct vcpu *v, u16 key, u64 val)
{
	if (key_sets(key))
		vreg(v, set_reg(key)) |= val;
	else
		vreg(v, set_reg(key)) &= ~val;
}

/* Which counter an access means: named, or selected by PMSELR_EL0. */
static unsigned counter_of(const struct vcpu *v, u16 key)
{
	if (key == KEY_PMXEVCNTR || key == KEY_PMXEVTYPER)
		return vreg(v, REG_PMSELR_EL0) & 31;
	return key == KEY_PMCCNTR ? CYCLE : (key >> 3 & 3) << 3 | (key & 7);
}

static u64 type_bits(const struct vcpu *v, unsigned i)
{
	return EVTYPER_P | EVTYPER_U | (v->nested ? EVTYPER_NSH : 0) | (i == CYCLE ? 0 : pmu_event_mask(pmu_version(v->vm)));
}

bool pmu_register_exists(const struct vcpu *v, u16 key)
{
	bool counter = (key & ~0x3f) == SYSREG_KEY(3, 3, 14, 8, 0);

	return !counter || (pmu_valid(v->vm) & BIT(counter_of(v, key)));
}

/* ---- traps ---- */

/*
 * No counter of that number for who asks. One of the hypervisor's own traps to it where there is FEAT_FGT; all else is
 * CONSTRAINED UNPREDICTABLE or UNDEFINED, and UNDEF on Linux.
 */
static enum trap_result not_there(struct vcpu *v, unsigned i)
{
	if (!(pmu_valid(v->vm) & BIT(i)) || !(v->vm->idregs.id[IDX_ID_AA64MMFR0_EL1] >> ID_AA64MMFR0_FGT_SHIFT & 0xf))
		inject_undef(v);
	else
		nested_inject(v, EXC_SYNC, v->exit.esr, false, 0);
	return TRAP_RETRY;
}

enum trap_result sysreg_pmcr(struct vcpu *v, const struct sysreg_access *a)
{
	if (!a->write)
		return result(v, a, pmcr_read(v, __builtin_popcountl(accessible(v)) - 1));
	change_begin(v);
	pmcr_write(v, guest_reg(v, a->rt), accessible(v));
	change_end(v);
	return TRAP_SKIP;
}

/* Of MDCR_EL2, what there is something for; HPMN no more than there are counters, as on Linux. */
static u64 mdcr_bits(const struct vcpu *v, u64 val)
{
	unsigned version = pmu_version(v->vm);
	u64 bits = MDCR_DEBUG;

	if (!v->pmu)
		return val & bits;
	bits |= MDCR_PMU;
	if (version >= PMUV3P1)
		bits |= MDCR_HPMD;
	if (version >= PMUV3P5)
		bits |= MDCR_HCCD | MDCR_HLP;
	return (val & bits & ~MDCR_HPMN) | MIN(val & MDCR_HPMN, (u64)v->vm->pmu_n);
}

enum trap_result sysreg_mdcr(struct vcpu *v, const struct sysreg_access *a)
{
	u64 val;

	if (!a->write)
		return result(v, a, vreg(v, REG_MDCR_EL2));
	val = mdcr_bits(v, guest_reg(v, a->rt));
	if (likely(!v->pmu)) {
		vreg(v, REG_MDCR_EL2) = val;
		return TRAP_SKIP;
	}
	change_begin(v);
	vreg(v, REG_MDCR_EL2) = val;
	nested_mdcr_load(v);
	change_end(v);
	return TRAP_SKIP;
}

enum trap_result sysreg_pmset(struct vcpu *v, const struct sysreg_access *a)
{
	if (!a->write) {
		pmu_sync(v);
		return result(v, a, vreg(v, set_reg(a->key)) & accessible(v));
	}
	change_begin(v);
	set_write(v, a->key, guest_reg(v, a->rt) & accessible(v));
	change_end(v);
	return TRAP_SKIP;
}

enum trap_result sysreg_pmswinc(struct vcpu *v, const struct sysreg_access *a)
{
	if (!a->write)
		return sysreg_undef(v, a);
	change_begin(v);
	pmu_swinc(v, guest_reg(v, a->rt) & accessible(v));
	change_end(v);
	return TRAP_SKIP;
}

enum trap_result sysreg_pmselr(struct vcpu *v, const struct sysreg_access *a)
{
	if (!a->write)
		return result(v, a, vreg(v, REG_PMSELR_EL0));
	vreg(v, REG_PMSELR_EL0) = guest_reg(v, a->rt) & 31;
	return TRAP_SKIP;
}

enum trap_result sysreg_pmceid(struct vcpu *v, const struct sysreg_access *a)
{
	return a->write ? sysreg_undef(v, a) : result(v, a, pmu_ceid(v->vm, a->key & 1));
}

enum trap_result sysreg_pmcount(struct vcpu *v, const struct sysreg_access *a)
{
	unsigned i = counter_of(v, a->key);
	u64 val;

	if (!(accessible(v) & BIT(i)))
		return not_there(v, i);
	if (!a->write) {
		preempt_disable();
		val = pmu_count(v, i);
		preempt_enable();
		return result(v, a, val);
	}
	change_begin(v);
	vreg(v, pmu_count_reg(i)) = pmu_truncate(v->vm, i, guest_reg(v, a->rt));
	change_end(v);
	return TRAP_SKIP;
}

enum trap_result sysreg_pmtype(struct vcpu *v, const struct sysreg_access *a)
{
	unsigned i = counter_of(v, a->key);

	if (!(accessible(v) & BIT(i)))
		return not_there(v, i);
	if (!a->write)
		return result(v, a, vreg(v, pmu_type_reg(i)));
	change_begin(v);
	vreg(v, pmu_type_reg(i)) = guest_reg(v, a->rt) & type_bits(v, i);
	change_end(v);
	return TRAP_SKIP;
}

enum trap_result sysreg_pmuserenr(struct vcpu *v, const struct sysreg_access *a)
{
	if (!a->write)
		return result(v, a, vreg(v, REG_PMUSERENR_EL0));
	if (!(v->regs.pstate & 0xf))		/* read-only at EL0 */
		return sysreg_undef(v, a);
	change_begin(v);
	vreg(v, REG_PMUSERENR_EL0) = guest_reg(v, a->rt) & USERENR_BITS;
	change_end(v);
	return TRAP_SKIP;
}

/* ---- ONE_REG: put, under the vCPU's mutex ---- */

int user_pmcr_get(struct vcpu *v, const struct sysreg_user *u, u64 *val)
{
	*val = pmcr_read(v, v->vm->pmu_n);
	return 0;
}

/*
 * Fewer counters than the CPU has, until the VM has run; more are quietly not had, as on Linux. With an EL2, whose HPMN
 * depends on it, only KVM_ARM_VCPU_PMU_V3_SET_NR_COUNTERS changes it.
 */
int user_pmcr_set(struct vcpu *v, const struct sysreg_user *u, u64 val)
{
	u64 n = FIELD_GET(PMCR_N, val);

	mutex_lock(&v->vm->lock);
	if (!v->vm->ran_once && !v->nested && n <= FIELD_GET(PMCR_N, host_pmcr))
		v->vm->pmu_n = n;
	mutex_unlock(&v->vm->lock);
	pmcr_write(v, val & ~(PMCR_P | PMCR_C), 0);
	return 0;
}

int user_pmset_get(struct vcpu *v, const struct sysreg_user *u, u64 *val)
{
	*val = vreg(v, set_reg(u->key)) & pmu_valid(v->vm);
	return 0;
}

int user_pmset_set(struct vcpu *v, const struct sysreg_user *u, u64 val)
{
	set_write(v, u->key, val & pmu_valid(v->vm));
	return 0;
}

int user_pmcount_get(struct vcpu *v, const struct sysreg_user *u, u64 *val)
{
	return user_get(v, u, val);
}

int user_pmcount_set(struct vcpu *v, const struct sysreg_user *u, u64 val)
{
	vreg(v, u->reg) = pmu_truncate(v->vm, counter_of(v, u->key), val);
	return 0;
}

int user_pmtype_get(struct vcpu *v, const struct sysreg_user *u, u64 *val)
{
	return user_get(v, u, val);
}

int user_pmtype_set(struct vcpu *v, const struct sysreg_user *u, u64 val)
{
	vreg(v, u->reg) = val & type_bits(v, counter_of(v, u->key));
	return 0;
}

/* PMSWINC_EL0 is in the list for the sake of old snapshots. */
int user_pmswinc_get(struct vcpu *v, const struct sysreg_user *u, u64 *val)
{
	*val = 0;
	return 0;
}

int user_pmswinc_set(struct vcpu *v, const struct sysreg_user *u, u64 val)
{
	return 0;
}

int user_pmselr_get(struct vcpu *v, const struct sysreg_user *u, u64 *val)
{
	return user_get(v, u, val);
}

int user_pmselr_set(struct vcpu *v, const struct sysreg_user *u, u64 val)
{
	vreg(v, u->reg) = val & 31;
	return 0;
}

int user_pmuserenr_get(struct vcpu *v, const struct sysreg_user *u, u64 *val)
{
	return user_get(v, u, val);
}

int user_pmuserenr_set(struct vcpu *v, const struct sysreg_user *u, u64 val)
{
	vreg(v, u->reg) = val & USERENR_BITS;
	return 0;
}
