// SPDX-License-Identifier: GPL-2.0-only
/*
 * WFI, WFE and their timed forms (ESR_EL2 ISS for EC 0x01: TI in bits [1:0]). WFI blocks the vCPU's thread until
 * something is pending for the guest; WFE only gives others a turn.
 */
#include <linux/errno.h>

#include "exit_classes.h"
#include "kvm/pmu/pmu.h"
#include "kvm/run/run.h"
#include "kvm/timer/timer.h"
#include "kvm/trap/trap.h"
#include "kvm/vcpu_state.h"
#include "kvm/vgic/vgic.h"

#define WFX_TI(esr)	((esr) & 3)
#define TI_WFI		0
#define TI_WFE		1
#define TI_WFIT		2

enum trap_result trap_wfx(struct vcpu *v);

bool vcpu_runnable(struct vcpu *v)
{
	return v->input.vserror || v->input.irq_line || v->input.fiq_line || vgic_has_pending(v) ||
	       timer_has_pending(v);
}

static bool must_wake(void *arg)
{
	return READ_ONCE(((struct vcpu *)arg)->requests) || notify_pending() || vcpu_runnable(arg);
}

/*
 * While nobody else wants the CPU the vCPU stays loaded in it, its timers running, and nothing needs to be put, switched and
 * loaded again. Without a vGIC, or with a virtual EL2, a timer's interrupt is not all there is to wait for.
 */
static bool block_in_place(struct vcpu *v)
{
	return vgic_ready(v->vm) && !v->nested && thread_linger(must_wake, v);
}

void vcpu_block(struct vcpu *v)
{
	struct halt_stats *h = &v->state->stat.halt;
	u64 start = clock_ns();
	bool runnable = false;

	WRITE_ONCE(h->blocking, 1);
	if (v->pmu)
		pmu_sync(v);
	if (block_in_place(v)) {
		runnable = !READ_ONCE(v->requests) && !notify_pending();
	} else {
		timer_block(v);
		(void)wait_event_interruptible(&v->wq, READ_ONCE(v->requests) || (runnable = vcpu_runnable(v)));
		timer_unblock(v);
	}
	WRITE_ONCE(h->blocking, 0);
	stats_halt(h, clock_ns() - start, runnable);
}

bool vcpu_suspend_block(struct vcpu *v)
{
	bool runnable;

	vgic_sleep(v, true);
	vcpu_block(v);
	runnable = vcpu_runnable(v);
	vgic_sleep(v, false);
	return runnable;
}

enum trap_result trap_wfx(struct vcpu *v)
{
	if (unlikely(!cond_passed(v)))	/* AArch32 only */
		return TRAP_SKIP;
	switch (WFX_TI(v->exit.esr)) {
	case TI_WFI:
	case TI_WFIT:
		/*
		 * A timed wait that ends early is allowed (Arm ARM C6.2.415): its timeout is not worth a second host
		 * timer, so it is treated as already over. ID registers hide FEAT_WFxT: under QEMU 10 a trapped WFIT has the
		 * syndrome of WFI, without its register, so that it could only be waited out for ever.
		 */
		v->state->stat.wfi_exits++;
		if (WFX_TI(v->exit.esr) == TI_WFI)
			vcpu_block(v);
		break;
	default:
		v->state->stat.wfe_exits++;
		thread_yield();
		break;
	}
	return TRAP_SKIP;
}

int suspend_wakeup(struct vcpu *v)
{
	v->run->exit_reason = KVM_EXIT_SYSTEM_EVENT;
	v->run->system_event.type = KVM_SYSTEM_EVENT_WAKEUP;
	v->run->system_event.ndata = 0;
	v->run->system_event.flags = 0;
	return 1;
}
