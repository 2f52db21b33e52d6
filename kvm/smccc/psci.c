// SPDX-License-Identifier: GPL-2.0-only
/*
 * PSCI 0.1 to 1.1 for guests: powering vCPUs and the machine. A vCPU's power state is its mp_state, under its psci_lock;
 * the target of CPU_ON finds where to start on REQ_RESET. Arm DEN0022.
 */
#include "kernel/debug/print.h"
#include "kernel/lib/string.h"
#include "kvm/sdei/sdei.h"
#include "kvm/smccc/psci_logic.h"
#include "kvm/smccc/smccc.h"
#include "kvm/trap/trap.h"
#include "kvm/vcpu_state.h"
#include "smccc_ids.h"

#define PSR_E		BIT(9)		/* AArch32: big endian */

static enum trap_result done(struct vcpu *v, s64 ret)
{
	smccc_return(v, ret, 0, 0, 0);
	return TRAP_RETRY;
}

enum trap_result smccc_psci_version(struct vcpu *v, u32 fn)
{
	return done(v, psci_version(v));
}

/* A power state lower than running is allowed to be left at once: stand by as WFI does. */
enum trap_result smccc_psci_cpu_suspend(struct vcpu *v, u32 fn)
{
	(void)vcpu_suspend_block(v);
	return done(v, PSCI_SUCCESS);
}

enum trap_result smccc_psci_cpu_off(struct vcpu *v, u32 fn)
{
	spin_lock(&v->state->psci_lock);
	WRITE_ONCE(v->state->mp_state, KVM_MP_STATE_STOPPED);
	spin_unlock(&v->state->psci_lock);
	sdei_cpu_off(v);
	vcpu_request(v, REQ_SLEEP);
	return done(v, PSCI_SUCCESS);
}

enum trap_result smccc_psci_cpu_on(struct vcpu *v, u32 fn)
{
	u64 target = smccc_arg(v, fn, 1);
	struct vcpu *t = psci_affinity_valid(target) ? vm_vcpu_by_mpidr(v->vm, target) : NULL;
	s64 ret = PSCI_SUCCESS;
	bool be;

	if (!t)
		return done(v, PSCI_INVALID);
	if (v->config.el1_32bit)
		be = v->regs.pstate & PSR_E;
	else
		be = guest_sctlr() & SCTLR_EE;
	spin_lock(&t->state->psci_lock);
	if (t->state->mp_state != KVM_MP_STATE_STOPPED) {
		ret = v->config.psci_0_2 ? PSCI_ALREADY_ON : PSCI_INVALID;
	} else {
		t->state->reset.pending = true;
		t->state->reset.be = be;
		t->state->reset.pc = smccc_arg(v, fn, 2);
		t->state->reset.r0 = smccc_arg(v, fn, 3);
		/* The request before the state: whoever sees it running also sees what to do first. */
		__atomic_fetch_or(&t->requests, REQ_RESET, __ATOMIC_RELEASE);
		__atomic_store_n(&t->state->mp_state, KVM_MP_STATE_RUNNABLE, __ATOMIC_RELEASE);
	}
	spin_unlock(&t->state->psci_lock);
	if (ret == PSCI_SUCCESS)
		vcpu_kick(t);
	return done(v, ret);
}

enum trap_result smccc_psci_affinity_info(struct vcpu *v, u32 fn)
{
	u64 target = smccc_arg(v, fn, 1), mask = psci_level_mask(smccc_arg(v, fn, 2));
	bool found = false;
	struct vcpu *t;
	unsigned i;

	if (!psci_affinity_valid(target) || !mask)
		return done(v, PSCI_INVALID);
	vm_for_each_vcpu(i, t, v->vm) {
		if ((t->config.mpidr & mask) != (target & mask))
			continue;
		found = true;
		if (READ_ONCE(t->state->mp_state) != KVM_MP_STATE_STOPPED)
			return done(v, 0);	/* ON */
	}
	return done(v, found ? 1 /* OFF */ : PSCI_INVALID);
}

enum trap_result smccc_psci_migrate_type(struct vcpu *v, u32 fn)
{
	return done(v, 2);	/* no trusted OS that would have to move */
}

/* The machine stops here: every vCPU, this one too, stays out of the guest until user space says otherwise. */
static void stop_everything(struct vm *vm)
{
	struct vcpu *t;
	unsigned i;

	vm_for_each_vcpu(i, t, vm) {
		spin_lock(&t->state->psci_lock);
		WRITE_ONCE(t->state->mp_state, KVM_MP_STATE_STOPPED);
		spin_unlock(&t->state->psci_lock);
		vcpu_request(t, REQ_SLEEP);
	}
}

static enum trap_result system_event(struct vcpu *v, u32 type, u64 flags)
{
	struct kvm_run *run = v->run;

	run->exit_reason = KVM_EXIT_SYSTEM_EVENT;
	memset(&run->system_event, 0, sizeof(run->system_event));
	run->system_event.type = type;
	run->system_event.ndata = 1;
	run->system_event.data[0] = flags;
	return TRAP_USER;
}

enum trap_result smccc_psci_system_off(struct vcpu *v, u32 fn)
{
	stop_everything(v->vm);
	sdei_system_reset(v->vm);
	done(v, PSCI_INTERNAL);		/* what a guest sees that is run on nevertheless */
	return system_event(v, KVM_SYSTEM_EVENT_SHUTDOWN, 0);
}

enum trap_result smccc_psci_system_reset(struct vcpu *v, u32 fn)
{
	stop_everything(v->vm);
	sdei_system_reset(v->vm);
	done(v, PSCI_INTERNAL);
	return system_event(v, KVM_SYSTEM_EVENT_RESET, 0);
}

enum trap_result smccc_psci_system_reset2(struct vcpu *v, u32 fn)
{
	if (psci_version(v) < 0x10001)
		return done(v, PSCI_NOT_SUPPORTED);
	if (!psci_reset2_valid(smccc_arg(v, fn, 1)))
		return done(v, PSCI_INVALID);
	stop_everything(v->vm);
	sdei_system_reset(v->vm);
	done(v, PSCI_INTERNAL);
	return system_event(v, KVM_SYSTEM_EVENT_RESET, KVM_SYSTEM_EVENT_RESET_FLAG_PSCI_RESET2);
}

enum trap_result smccc_psci_features(struct vcpu *v, u32 fn)
{
	u64 version = psci_version(v);

	if (version < 0x10000)
		return done(v, PSCI_NOT_SUPPORTED);
	return done(v, psci_features(version, v->regs.x[1], v->vm->system_suspend));
}

enum trap_result smccc_psci_system_suspend(struct vcpu *v, u32 fn)
{
	if (psci_version(v) < 0x10000 || !v->vm->system_suspend)
		return done(v, PSCI_NOT_SUPPORTED);
	sdei_system_suspend(v);
	/* User space decides: deny it by writing x0, or put the vCPU into KVM_MP_STATE_SUSPENDED. */
	return system_event(v, KVM_SYSTEM_EVENT_SUSPEND, 0);
}
