// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPU's counters: loaded for a vCPU, read back, and their overflow interrupt. Interrupts are off while registers and
 * memory do not agree: the interrupt handler of this CPU writes PMOVSSET_EL0's memory copy too.
 */
#include <linux/errno.h>

#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/dev/platform.h"
#include "kernel/irq/irq.h"
#include "kvm/features.h"
#include "kvm/nested/nested.h"
#include "kvm/pmu/internal.h"
#include "kvm/vgic/vgic.h"

#define PMCEID0_EL0	S3_3_C9_C12_6
#define PMCEID1_EL0	S3_3_C9_C12_7
#define PMSELR_EL0	S3_3_C9_C12_5
#define PMXEVTYPER_EL0	S3_3_C9_C13_1
#define PMXEVCNTR_EL0	S3_3_C9_C13_2
#define ALL		0xffffffffUL

u64 host_pmcr, host_pmceid[2];
static struct vcpu *on_cpu[MAX_CPUS];	/* whose counters this CPU runs */

static void select(unsigned i)
{
	write_sysreg(i, PMSELR_EL0);
	isb();
}

static u64 hw_count(unsigned i)
{
	if (i == CYCLE)
		return read_sysreg(pmccntr_el0);
	select(i);
	return read_sysreg(PMXEVCNTR_EL0);
}

/* May counter i count at virtual EL2, whatever its filter says? */
static bool hyp_prohibits(const struct vcpu *v, unsigned i)
{
	u64 mdcr = vreg(v, REG_MDCR_EL2);

	if (i == CYCLE)
		return (mdcr & MDCR_HCCD) || ((mdcr & MDCR_HPMD) && (vreg(v, REG_PMCR_EL0) & PMCR_DP));
	return (mdcr & MDCR_HPMD) && !(pmu_hyp_range(v) & BIT(i));
}

/* Where it counts, for the CPU: virtual EL2 is the CPU's EL1 while the hypervisor's context is loaded. */
static u64 hw_filter(const struct vcpu *v, unsigned i, u64 type)
{
	u64 filter = type & (EVTYPER_P | EVTYPER_U);

	if (likely(!v->nested || !v->nested->hyp))
		return filter;
	return (filter & EVTYPER_U) | (!(type & EVTYPER_NSH) || hyp_prohibits(v, i) ? EVTYPER_P : 0);
}

static void hw_start(const struct vcpu *v, unsigned i)
{
	u64 type = vreg(v, pmu_type_reg(i)), val = vreg(v, pmu_count_reg(i)), filter = hw_filter(v, i, type);

	if (i == CYCLE) {
		write_sysreg(filter, pmccfiltr_el0);
		write_sysreg(val, pmccntr_el0);
		return;
	}
	select(i);
	write_sysreg(filter | (type & pmu_event_mask(host.pmu)), PMXEVTYPER_EL0);
	write_sysreg(val, PMXEVCNTR_EL0);
}

/* Which of the enabled counters hardware counts: not those that only software increments, nor what the VMM's filter denies. */
static u64 hw_counters(const struct vcpu *v)
{
	u64 which = vreg(v, REG_PMCNTENSET_EL0) & pmu_on(v), left;
	unsigned i, event;

	for (left = which & ~BIT(CYCLE); left; left &= left - 1) {
		i = __builtin_ctzl(left);
		event = vreg(v, pmu_type_reg(i)) & pmu_event_mask(pmu_version(v->vm));
		if (event == EVENT_SW_INCR || !pmu_event_allowed(v->vm, event))
			which &= ~BIT(i);
	}
	return which;
}

u64 pmu_mdcr(const struct vcpu *v)
{
	u64 mdcr = vreg(v, REG_MDCR_EL2), hpmn = MIN(mdcr & MDCR_HPMN, (u64)v->vm->pmu_n);

	/* The range may be empty for the guest only: a CPU without FEAT_HPMN0 wants at least one counter there. */
	return hpmn ? hpmn | MDCR_HPME | (mdcr & MDCR_HLP) : FIELD_GET(PMCR_N, host_pmcr);
}

/* Both ranges are on, hw_counters says which counters are. */
static u64 hw_pmcr(const struct vcpu *v)
{
	u64 cr = (vreg(v, REG_PMCR_EL0) & PMCR_WRITABLE & ~(PMCR_P | PMCR_C)) | PMCR_E, mdcr = vreg(v, REG_MDCR_EL2);

	/* pmu_mdcr made one range of it, which is the hypervisor's. */
	if (unlikely(v->nested) && !(mdcr & MDCR_HPMN))
		cr = mdcr & MDCR_HLP ? cr | PMCR_LP : cr & ~PMCR_LP;
	return cr;
}

void pmu_load(struct vcpu *v)
{
	u64 flags = local_irq_save(), which = hw_counters(v), left;

	write_sysreg(vreg(v, REG_PMUSERENR_EL0), pmuserenr_el0);
	v->pmu->running = which;
	v->pmu_live = which;
	if (which) {
		for (left = which; left; left &= left - 1)
			hw_start(v, __builtin_ctzl(left));
		on_cpu[this_cpu()->id] = v;
		write_sysreg(vreg(v, REG_PMINTENSET_EL1) & which, pmintenset_el1);
		write_sysreg(which, pmcntenset_el0);
		write_sysreg(hw_pmcr(v), pmcr_el0);
		isb();
	}
	pmu_level_update(v);	/* what the last put found */
	local_irq_restore(flags);
}

static void hw_stop(void)
{
	write_sysreg(0, pmcr_el0);
	write_sysreg(ALL, pmcntenclr_el0);
	write_sysreg(ALL, pmintenclr_el1);
	isb();
}

/* Overflows that the CPU has noted become the guest's. */
static void overflows_take(struct vcpu *v)
{
	u64 ovs = read_sysreg(pmovsset_el0) & ALL;

	if (!ovs)
		return;
	write_sysreg(ovs, pmovsclr_el0);
	isb();
	vreg(v, REG_PMOVSSET_EL0) |= ovs & v->pmu->running;
}

void pmu_sync(struct vcpu *v)
{
	u64 flags = local_irq_save();

	if (v->pmu->running)
		overflows_take(v);
	pmu_level_update(v);
	local_irq_restore(flags);
}

/* The line is not told here: this may be the switch away from a thread whose waker holds the locks that takes. */
void pmu_put(struct vcpu *v)
{
	u64 flags = local_irq_save(), left = v->pmu->running;

	if (left) {
		hw_stop();
		for (; left; left &= left - 1) {
			unsigned i = __builtin_ctzl(left);

			vreg(v, pmu_count_reg(i)) = pmu_truncate(v->vm, i, hw_count(i));
		}
		overflows_take(v);
		on_cpu[this_cpu()->id] = NULL;
		v->pmu->running = 0;
		v->pmu_live = false;
	}
	local_irq_restore(flags);
}

u64 pmu_count(struct vcpu *v, unsigned i)
{
	u64 flags = local_irq_save(), val;

	val = v->pmu->running & BIT(i) ? pmu_truncate(v->vm, i, hw_count(i)) : vreg(v, pmu_count_reg(i));
	local_irq_restore(flags);
	return val;
}

static enum irq_result pmu_irq(u32 intid, void *arg)
{
	struct vcpu *v = on_cpu[this_cpu()->id];

	if (v) {
		overflows_take(v);
		pmu_level_update(v);
	} else {
		write_sysreg(ALL, pmovsclr_el0);
		isb();
	}
	return IRQ_DONE;
}

static void pmu_enable_here(void *arg)
{
	hw_stop();
	write_sysreg(ALL, pmovsclr_el0);
	write_sysreg(0, pmuserenr_el0);
	isb();
	irq_enable(platform.pmu_irq);
}

int pmu_init(void)
{
	int ret;

	if (!host.pmu)
		return 0;
	if (platform.pmu_irq < 16 || platform.pmu_irq > 31) {
		pr_info("kvm: the device tree describes no PMU interrupt: no PMU for guests\n");
		host.pmu = 0;
		return 0;
	}
	host_pmcr = read_sysreg(pmcr_el0);
	host_pmceid[0] = read_sysreg(PMCEID0_EL0);
	host_pmceid[1] = read_sysreg(PMCEID1_EL0);
	ret = irq_register(platform.pmu_irq, pmu_irq, NULL, false);
	if (!ret)
		smp_call_all(pmu_enable_here, NULL);
	return ret;
}
