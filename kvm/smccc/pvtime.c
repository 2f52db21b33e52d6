// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stolen time: a structure in guest memory, at an address that user space chose, says how long the vCPU's thread was
 * ready but not running. Arm DEN0057.
 */
#include <linux/errno.h>

#include "kernel/debug/print.h"
#include "kernel/mm/uaccess.h"
#include "kvm/smccc/smccc.h"
#include "kvm/trap/trap.h"
#include "kvm/vcpu_state.h"
#include "smccc_ids.h"

#define NO_BASE		(~0UL)

struct steal {		/* DEN0057 3.2.2, little-endian */
	u32 revision, attributes;
	u64 stolen_ns;
	u8 pad[48];
};

void pvtime_reset(struct vcpu *v)
{
	v->state->steal.base = NO_BASE;
	v->state->steal.last_run_delay = 0;
}

void pvtime_update(struct vcpu *v)
{
	u64 base = v->state->steal.base, delay = READ_ONCE(current_thread->run_delay), stolen;
	ipa_t at = IPA(base + offsetof(struct steal, stolen_ns));

	if (base == NO_BASE)
		return;
	/* What is there may have come from another host: only ever add to it. */
	if (guest_read(v->vm, at, &stolen, sizeof(stolen)))
		return;
	stolen += delay - v->state->steal.last_run_delay;
	v->state->steal.last_run_delay = delay;
	(void)!guest_write(v->vm, at, &stolen, sizeof(stolen));
}

enum trap_result smccc_pvtime_features(struct vcpu *v, u32 fn)
{
	u32 which = v->regs.x[1];
	bool ok = which == SMCCC_FN_PV_TIME_FEATURES || which == SMCCC_FN_PV_TIME_ST;

	smccc_return(v, ok && v->state->steal.base != NO_BASE ? 0 : SMCCC_RET_NOT_SUPPORTED, 0, 0, 0);
	return TRAP_RETRY;
}

enum trap_result smccc_pvtime_st(struct vcpu *v, u32 fn)
{
	u64 base = v->state->steal.base;
	struct steal s = { 0 };

	if (base == NO_BASE || guest_write(v->vm, IPA(base), &s, sizeof(s)))
		base = SMCCC_RET_NOT_SUPPORTED;
	else
		v->state->steal.last_run_delay = READ_ONCE(current_thread->run_delay);
	smccc_return(v, base, 0, 0, 0);
	return TRAP_RETRY;
}

int pvtime_attr(struct vcpu *v, const struct kvm_device_attr *a, int op)
{
	const struct memslot *m;
	bool there;
	u64 ipa;

	if (a->attr != KVM_ARM_VCPU_PVTIME_IPA)
		return -ENXIO;
	switch (op) {
	case 'h':
		return 0;
	case 'g':
		return put_user(v->state->steal.base, a->addr);
	}
	if (get_user(ipa, a->addr))
		return -EFAULT;
	if (!IS_ALIGNED(ipa, 64))
		return -EINVAL;
	if (v->state->steal.base != NO_BASE)
		return -EEXIST;
	rcu_read_lock();
	m = memslot_find(rcu_deref(v->vm->slots), ipa >> PAGE_SHIFT);
	there = m && !(m->flags & KVM_MEM_READONLY);
	rcu_read_unlock();
	if (!there)
		return -EINVAL;
	v->state->steal.base = ipa;
	return 0;
}
