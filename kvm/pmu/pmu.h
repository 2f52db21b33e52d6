// SPDX-License-Identifier: GPL-2.0-only
/*
 * PMUv3 for guests (KVM_ARM_VCPU_PMU_V3). The guest's counter n is the CPU's counter n: the host uses none. All accesses
 * trap; registers are kept in memory and the counters run in hardware while the vCPU is loaded and has any enabled.
 * Counting stops at EL2 because NSH is never set in hardware, so nothing has to be done on entry and exit; with counters
 * running a vCPU does not stay in the CPU beyond KVM_RUN (vcpu_may_stay), since EL0 of the host would be counted.
 * Owner: kvm/pmu/. Arm ARM D13, D19.5.
 */
#pragma once

#include "kvm/vcpu.h"

struct vcpu_pmu {
	u32 irq;		/* INTID of the overflow interrupt; 0: none set */
	bool created;		/* KVM_ARM_VCPU_PMU_V3_INIT */
	bool level;		/* of the overflow line, as last told to the vGIC or to user space */
	u64 running;		/* counters in hardware now: bit n, 31 is the cycle counter */
};

int pmu_vcpu_create(struct vcpu *v);	/* v->pmu, if it is not there yet; -ENOMEM. Under vm->lock */
void pmu_vcpu_destroy(struct vcpu *v);
void pmu_vcpu_reset(struct vcpu *v);
void pmu_vm_create(struct vm *vm);	/* as many counters as the CPU has */
void pmu_vm_destroy(struct vm *vm);
/* At the first run, under vm->lock: is it configured, and its interrupt one that the vGIC has? 0, -EINVAL. */
int pmu_first_run(struct vcpu *v);
/* Once KVM_ARM_VCPU_PMU_V3_INIT is done: is this its interrupt? No lock. */
bool pmu_owns_ppi(const struct vcpu *v, u32 intid);
int pmu_attr(struct vcpu *v, const struct kvm_device_attr *a, int op /* 's', 'g', 'h' */);	/* KVM_ARM_VCPU_PMU_V3_CTRL */
/* Counters into and out of the CPU: vcpu_load, vcpu_put, and around changes. v->pmu is there; preemption off. */
void pmu_load(struct vcpu *v);
void pmu_put(struct vcpu *v);
/* False: a register of a counter that the guest does not have. */
bool pmu_register_exists(const struct vcpu *v, u16 key);
/* MDCR_EL2.{HPMN,HPME,HLP} for the CPU, of a vCPU with a virtual EL2. */
u64 pmu_mdcr(const struct vcpu *v);
/* Without an in-kernel vGIC: the line changed since run->s.regs.device_irq_level was filled in; fills it in. */
bool pmu_notify_user(struct vcpu *v);
/* Overflows that have happened reach the vGIC: before the vCPU sleeps. Thread context, loaded. */
void pmu_sync(struct vcpu *v);
void pmu_level_update(struct vcpu *v);	/* after changes of PMOVS, PMINTEN, PMCNTEN, PMCR.E. Interrupts off */
int pmu_init(void);			/* at boot, after features_init: counters off, interrupt registered */
