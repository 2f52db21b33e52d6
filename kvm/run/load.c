// SPDX-License-Identifier: GPL-2.0-only
/*
 * Load and put: what belongs to a vCPU for as long as its thread holds the CPU inside KVM_RUN. The scheduler calls both
 * through the switch hook, so a preempted vCPU gives up the hardware and gets it back, perhaps on another CPU.
 * Order of load: host's own out of the way, stage 2, EL1 registers, trap controls, timers (they tell the vGIC what is
 * active), vGIC. put is the reverse.
 */
#define VCPU_ENTRY_CODE

#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kvm/pmu/pmu.h"
#include "kvm/nested/nested.h"
#include "kvm/run/run.h"
#include "kvm/timer/timer.h"
#include "kvm/vgic/vgic.h"

#define HCRX_EL2	S3_4_C1_C2_2
#define HFGRTR_EL2	S3_4_C1_C1_4
#define HFGWTR_EL2	S3_4_C1_C1_5
#define HFGITR_EL2	S3_4_C1_C1_6
#define HDFGRTR_EL2	S3_4_C3_C1_4
#define HDFGWTR_EL2	S3_4_C3_C1_5

#define PMUSERENR_ALL	0xf

u64 host_hcr, host_mdcr;

void kvm_run_init(void)
{
	host_hcr = read_sysreg(hcr_el2);
	host_mdcr = read_sysreg(mdcr_el2);
}

static void traps_load(const struct vcpu *v)
{
	const struct vcpu_traps *t = &v->traps;

	write_sysreg(t->mdcr, mdcr_el2);
	write_sysreg(t->hstr, hstr_el2);
	if (t->has_hcrx)
		write_sysreg(t->hcrx, HCRX_EL2);
	if (t->has_fgt) {
		write_sysreg(t->hfgrtr, HFGRTR_EL2);
		write_sysreg(t->hfgwtr, HFGWTR_EL2);
		write_sysreg(t->hfgitr, HFGITR_EL2);
		write_sysreg(t->hdfgrtr, HDFGRTR_EL2);
		write_sysreg(t->hdfgwtr, HDFGWTR_EL2);
	}
	/* EL0 too reaches EL2 with its PMU accesses (MDCR_EL2.TPM), instead of stopping at EL1. */
	if (t->has_pmu)
		write_sysreg(PMUSERENR_ALL, pmuserenr_el0);
	write_sysreg(v->config.mpidr, vmpidr_el2);
	write_sysreg(v->vm->idregs.midr, vpidr_el2);
}

static void traps_put(const struct vcpu *v)
{
	if (v->traps.has_pmu)
		write_sysreg(0, pmuserenr_el0);
	write_sysreg(0, hstr_el2);
	write_sysreg(host_mdcr, mdcr_el2);
}

void vcpu_load(struct vcpu *v)
{
	struct thread *t = current_thread;

	ASSERT(!v->loaded);
	/* EL0 registers that process and guest share; the scheduler saves them itself when no guest is loaded. */
	t->tpidr_el0 = read_sysreg(tpidr_el0);
	t->tpidrro_el0 = read_sysreg(tpidrro_el0);
	if (unlikely(v->nested))
		nested_load(v);
	stage2_load(v);
	sysregs_load(v);
	traps_load(v);
	v->loaded = true;
	timer_load(v);
	vgic_load(v);
	if (unlikely(v->pmu))
		pmu_load(v);
	if (unlikely(v->nested))
		nested_load_end(v);
}

void vcpu_put(struct vcpu *v)
{
	struct thread *t = current_thread;

	ASSERT(v->loaded);
	if (unlikely(v->nested))
		nested_put_begin(v);
	if (unlikely(v->pmu))
		pmu_put(v);
	vgic_put(v);
	timer_put(v);
	traps_put(v);
	sysregs_put(v);
	v->loaded = false;
	if (unlikely(v->nested))
		nested_put(v);
	write_sysreg(t->tpidr_el0, tpidr_el0);
	write_sysreg(t->tpidrro_el0, tpidrro_el0);
}
