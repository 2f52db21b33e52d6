// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_ARM_VM_SMCCC_FILTER: ranges of function identifiers that the VMM denies or answers itself. An array sorted by
 * first id, replaced whole under vm->lock before any vCPU runs and constant afterwards, so reading needs no lock.
 */
#include <linux/errno.h>

#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kvm/smccc/fw_logic.h"
#include "kvm/smccc/smccc.h"

#define RANGES_MAX	1024

struct smccc_filter {
	unsigned n;
	struct filter_range range[];
};

_Static_assert(KVM_SMCCC_FILTER_HANDLE == 0 && KVM_SMCCC_FILTER_FWD_TO_USER + 1 == FILTER_ACTIONS, "fw_logic.c counts on it");

static int filter_check(const struct kvm_smccc_filter *f, struct filter_range *r)
{
	unsigned i;

	for (i = 0; i < sizeof(f->pad); i++)
		if (f->pad[i])
			return -EINVAL;
	return filter_decode(f->base, f->nr_functions, f->action, r);
}

int smccc_filter_set(struct vm *vm, const struct kvm_smccc_filter *f)
{
	struct smccc_filter *old, *new;
	unsigned i, at;
	struct filter_range r;
	int ret = filter_check(f, &r);

	if (ret)
		return ret;
	mutex_lock(&vm->lock);
	old = vm->smccc_filter;
	ret = -EBUSY;
	if (vm->ran_once)
		goto out;
	ret = filter_place(old ? old->range : NULL, old ? old->n : 0, &r);
	if (ret < 0)
		goto out;
	at = ret;
	ret = -EEXIST;
	if (vm->sdei && r.action != KVM_SMCCC_FILTER_HANDLE && r.first <= SDEI_FN_LAST && r.last >= SDEI_FN_FIRST)
		goto out;
	ret = -ENOMEM;
	if (old && old->n == RANGES_MAX)
		goto out;
	new = kzalloc(sizeof(*new) + ((old ? old->n : 0) + 1) * sizeof(r));
	if (!new)
		goto out;
	new->n = (old ? old->n : 0) + 1;
	for (i = 0; old && i < old->n; i++)
		new->range[i < at ? i : i + 1] = old->range[i];
	new->range[at] = r;
	vm->smccc_filter = new;
	kfree(old);
	ret = 0;
out:
	mutex_unlock(&vm->lock);
	return ret;
}

bool smccc_filter_covers(const struct vm *vm, u32 first, u32 last)
{
	const struct smccc_filter *f = vm->smccc_filter;
	unsigned i;

	for (i = 0; f && i < f->n; i++)
		if (f->range[i].action != KVM_SMCCC_FILTER_HANDLE && f->range[i].first <= last && f->range[i].last >= first)
			return true;
	return false;
}

u8 smccc_filter_action(const struct vm *vm, u32 fn)
{
	const struct smccc_filter *f = vm->smccc_filter;

	return likely(!f) ? KVM_SMCCC_FILTER_HANDLE : filter_find(f->range, f->n, fn);
}

void smccc_vm_destroy(struct vm *vm)
{
	kfree(vm->smccc_filter);
	vm->smccc_filter = NULL;
}
