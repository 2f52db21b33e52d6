// SPDX-License-Identifier: GPL-2.0-only
/* Timers of a vCPU, for kvm/timer/ only. They belong to its thread, and to the timer interrupt of the CPU that has it loaded. */
#pragma once

#include "kernel/sched/timer.h"
#include "kvm/vcpu.h"

enum { VIRT, PHYS, NR_TIMERS };

struct timer_ctx {
	u64 ctl, cval;		/* as the guest sees them; valid while put */
	bool level;		/* last told to the vGIC, or to user space */
};

struct vcpu_timers {
	struct timer_ctx t[NR_TIMERS];
	u32 ppi[4];		/* by KVM_ARM_VCPU_TIMER_IRQ_* */
	struct ktimer background;
	u64 deadline;		/* of background, in counter ticks */
	u64 bias[NR_TIMERS];	/* while loaded: the part of the offset that is in CVAL and in trapped counter reads */
	struct vcpu *v;
	u64 voff;		/* CNTVOFF_EL2 of the guest's own hypervisor while its guest runs, else 0 */
	struct timer_ctx other[NR_TIMERS];	/* virtual EL2: the two that are not in hardware; t[] has the hypervisor's: */
	bool swapped;
	struct ktimer emulated;
	u64 emulated_deadline;	/* counter ticks; 0: none */
};

extern u32 timer_host_irq[NR_TIMERS];
extern bool timer_has_ecv;	/* virtual timers can be trapped */

bool timer_loaded_here(const struct vcpu *v);		/* this CPU's timers are v's. Interrupts or preemption off */
bool timer_ppi_level(struct vcpu *v, u32 intid);	/* of one of the two in hardware. Interrupts off */

/* Of the timers in hardware; while put, the EL1 timers wherever they are. */
static inline struct timer_ctx *timer_el1_ctx(struct vcpu *v, int i, bool loaded)
{
	return unlikely(v->timers->swapped) && !loaded ? &v->timers->other[i] : &v->timers->t[i];
}
