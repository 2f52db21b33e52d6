// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_ARM_VM_SMCCC_FILTER: ranges of function identifiers that the VMM denies or answers itself. An array sorted by
 * first id, replaced whole under vm->lock before any vCPU runs and constant afterwards, so reading needs no lock.
 */
#include <linux/errno.h>

#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kvm/smccc/smccc.h"

#define RANGES_MAX	1024

struct range {
	u32 first, last;
	u8 action;
};

struct smccc_filter {
	unsigned n;
	struct range range[];
};

/* Arm architecture calls stay ours: guests rely on them to find everything else. */
static const struct range reserved[] = {
	{ 0x80000000, 0x8000ffff, KVM_SMCCC_FILTER_HANDLE },
	{ 0xc0000000, 0xc000ffff, KVM_SMCCC_FILTER_HANDLE },
};

static bool overlaps(const struct range *a, const struct range *b)
{
	return a->first <= b->last && b->first <= a->last;
}

static int filter_check(const struct kvm_smccc_filter *f, struct range *r)
{
	unsigned i;

	for (i = 0; i < sizeof(f->pad); i++)
		if (f->pad[i])
			return -EINVAL;
	if (f->action > KVM_SMCCC_FILTER_FWD_TO_USER || !f->nr_functions)
		return -EINVAL;
	r->first = f->base;
	r->last = f->base + f->nr_functions - 1;
	r->action = f->action;
	return r->last < r->first ? -EINVAL : 0;
}

int smccc_filter_set(struct vm *vm, const struct kvm_smccc_filter *f)
{
	struct smccc_filter *old, *new;
	unsigned i, at = 0;
	struct range r;
	int ret = filter_check(f, &r);

	if (ret)
		return ret;
	mutex_lock(&vm->lock);
	old = vm->smccc_filter;
	ret = -EBUSY;
	if (vm->ran_once)
		goto out;
	ret = -EEXIST;
	for (i = 0; i < ARRAY_SIZE(reserved); i++)
		if (overlaps(&reserved[i], &r))
			goto out;
	for (i = 0; old && i < old->n; i++) {
		if (overlaps(&old->range[i], &r))
			goto out;
		if (old->range[i].first < r.first)
			at = i + 1;
	}
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

u8 smccc_filter_action(const struct vm *vm, u32 fn)
{
	const struct smccc_filter *f = vm->smccc_filter;
	unsigned lo = 0, hi;

	if (likely(!f))
		return KVM_SMCCC_FILTER_HANDLE;
	hi = f->n;
	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (fn < f->range[mid].first)
			hi = mid;
		else if (fn > f->range[mid].last)
			lo = mid + 1;
		else
			return f->range[mid].action;
	}
	return KVM_SMCCC_FILTER_HANDLE;
}

void smccc_vm_destroy(struct vm *vm)
{
	kfree(vm->smccc_filter);
	vm->smccc_filter = NULL;
}
