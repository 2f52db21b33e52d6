// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN. Start reading here: requests, then enter, exit, handle, again and again, until user space is needed.
 * The vCPU's mutex is held throughout. The guest's EL1 state stays in the CPU until KVM_RUN returns or the thread is
 * switched out (switch hook). Linux: Documentation/virt/kvm/api.rst, KVM_RUN.
 */
#include <linux/errno.h>

#include "kernel/cpu/sysreg.h"
#include "kernel/debug/exitring.h"
#include "kernel/debug/print.h"
#include "kvm/nested/nested.h"
#include "kvm/pmu/pmu.h"
#include "kvm/run/run.h"
#include "kvm/sysreg/sysreg.h"
#include "kvm/sdei/sdei.h"
#include "kvm/timer/timer.h"
#include "kvm/trap/trap.h"
#include "kvm/vcpu_config.h"
#include "kvm/vcpu_state.h"
#include "kvm/vgic/vgic.h"
#include "linux/process/task.h"

/* PSCI CPU_ON chose where this vCPU starts. */
static void do_reset(struct vcpu *v)
{
	run_end(v, false);	/* registers are written in memory */
	vcpu_take_reset(v);
	run_begin(v);
}

static bool must_sleep(struct vcpu *v)
{
	return READ_ONCE(v->state->mp_state) != KVM_MP_STATE_RUNNABLE || READ_ONCE(v->state->stop_count);
}

/* Leaving with requests that have been taken but not served: the next KVM_RUN finds them again. */
static int requests_keep(struct vcpu *v, u32 rq, int ret)
{
	__atomic_fetch_or(&v->requests, rq & ~(u32)REQ_SYSTEM_EVENT, __ATOMIC_RELEASE);
	return ret;
}

/* 0: go on; 1: user space has something to do, -EINVAL: it asked for the impossible (run page filled in); -EINTR. */
static int handle_requests(struct vcpu *v)
{
	u32 rq = 0;

	if (unlikely(READ_ONCE(current_thread->flags) & (TF_KICK | TF_RESCHED))) {
		/* The kick goes first: a request made after it comes with another one. */
		__atomic_and_fetch(&current_thread->flags, ~(u32)TF_KICK, __ATOMIC_SEQ_CST);
		preempt_disable();	/* another thread's turn: before anything is made ready for the guest */
		preempt_enable();
	}
	if (unlikely(READ_ONCE(v->requests)))
		rq = __atomic_exchange_n(&v->requests, 0, __ATOMIC_ACQUIRE);
	if (likely(!rq && !must_sleep(v)))
		return 0;
	if (rq & REQ_SYSTEM_EVENT)
		return requests_keep(v, rq, 1);
	if ((rq & REQ_SDEI) && sdei_restore(v))
		return requests_keep(v, rq, -EINVAL);
	if (unlikely(rq & REQ_DIRTY_RING) && dirty_ring_exit(v))
		return requests_keep(v, rq, 1);
	while (unlikely(must_sleep(v))) {
		if (READ_ONCE(v->state->mp_state) == KVM_MP_STATE_SUSPENDED) {
			bool runnable = vcpu_suspend_block(v);

			if (notify_pending())
				return requests_keep(v, rq, -EINTR);
			if (runnable)
				return requests_keep(v, rq, suspend_wakeup(v));
		} else if (wait_event_interruptible(&v->wq, !must_sleep(v) ||
						    (READ_ONCE(v->requests) & REQ_SYSTEM_EVENT))) {
			return requests_keep(v, rq, -EINTR);
		}
		rq |= __atomic_exchange_n(&v->requests, 0, __ATOMIC_ACQUIRE);
		if (rq & REQ_SYSTEM_EVENT)
			return requests_keep(v, rq, 1);
	}
	if (rq & REQ_RESET)
		do_reset(v);
	if (rq & REQ_RELOAD) {
		local_irq_disable();
		vcpu_put(v);
		vcpu_load(v);
		local_irq_enable();
	}
	if (rq & REQ_VMID) {
		local_irq_disable();
		stage2_load(v);
		local_irq_enable();
	}
	if (rq & REQ_STEAL)
		pvtime_update(v);
	if (rq & REQ_SDEI)
		sdei_dispatch(v);
	return 0;
}

/*
 * Last look with interrupts off: whoever sets a request or a thread flag after this sends an IPI, which ends the guest
 * at once. Returns false if there is something to do first.
 */
static bool enter_and_leave(struct vcpu *v)
{
	struct thread *t = current_thread;

	local_irq_disable();
	if (unlikely(v->nested))
		nested_commit(v);
	else
		vcpu_commit_input(v);
	vgic_flush(v);
	v->in_guest = true;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (unlikely(READ_ONCE(v->requests) || (READ_ONCE(t->flags) & (TF_RESCHED | TF_NOTIFY | TF_KICK)))) {
		v->in_guest = false;
		vgic_sync(v);
		timer_sync(v);
		if (unlikely(v->nested))
			nested_leave(v);
		local_irq_enable();
		preempt_disable();	/* reschedules here if that was it */
		preempt_enable();
		return false;
	}
	rcu_user_enter();
	vcpu_enter(v);		/* and rcu_user_exit */
	if (unlikely(v->nested))
		nested_leave(v);
	v->in_guest = false;
	exit_ring_add(RING_GUEST, v->regs.pc, v->exit.esr);
	v->state->stat.exits++;
	local_irq_enable();
	return true;
}

/* Without an in-kernel vGIC: did a device's line change? Each must look. */
static bool notify_user(struct vcpu *v)
{
	bool timer = timer_notify_user(v), pmu = pmu_notify_user(v);

	return timer || pmu;
}

static s64 run_loop(struct vcpu *v)
{
	int ret;

	for (;;) {
		ret = handle_requests(v);
		if (ret > 0)
			return 0;
		if (ret == 0 && (notify_pending() || (unlikely(!v->vm->vgic) && notify_user(v))))
			ret = -EINTR;
		if (ret == -EINVAL)
			return ret;	/* the run page says why */
		if (ret < 0) {
			v->run->exit_reason = KVM_EXIT_INTR;
			v->state->stat.signal_exits++;
			return ret;
		}
		if (!enter_and_leave(v))
			continue;
		switch (vcpu_dispatch(v)) {
		case TRAP_RETRY:
		case TRAP_SKIP:
			break;
		case TRAP_USER:
		case TRAP_USER_SKIP:
			return 0;
		case TRAP_FAIL:
			return v->state->error;
		}
	}
}

s64 vcpu_run(struct vcpu *v)
{
	u64 old_mask = 0;
	bool odd;	/* something of the thread's own to change around it */
	s64 ret;

	if (unlikely(!v->state->ran_once)) {
		ret = vcpu_first_run(v);
		if (ret)
			return ret;
	}
	if (unlikely(v->nested)) {
		ret = nested_run_begin(v);
		if (ret)
			return ret;
	}
	odd = v->state->sigmask_set | v->input.single_step;
	if (unlikely(odd)) {
		if (v->state->sigmask_set)
			sigmask_swap(v->state->sigmask, &old_mask);
		if (v->input.single_step)
			debug_step_begin(v);
	}
	run_begin(v);
	if (v->state->mmio.needed)
		mmio_complete(v);
	if (READ_ONCE(v->run->immediate_exit)) {
		ret = -EINTR;		/* the last exit's reason stays, as on Linux */
	} else {
		v->run->exit_reason = KVM_EXIT_UNKNOWN;
		v->run->flags = 0;
		ret = run_loop(v);
	}
	/* A snapshot taken now sees no half step; only an MMIO completion may still be outstanding. */
	vcpu_commit_input(v);
	run_end(v, true);
	if (unlikely(odd)) {
		if (v->input.single_step)
			debug_step_end(v);
		if (v->state->sigmask_set)
			sigmask_restore(old_mask);
	}
	return ret;
}
