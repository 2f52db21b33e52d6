// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_ARM_MTE_COPY_TAGS: the tags of guest memory, a byte for each 16 bytes, for saving and restoring a VM. Linux:
 * Documentation/virt/kvm/api.rst 4.130.
 */
#include <linux/errno.h>

#include "kernel/cpu/mte.h"
#include "kernel/mm/page.h"
#include "kernel/mm/uaccess.h"
#include "kvm/kvm.h"

#define LENGTH_MAX	0x7fffffffUL	/* the result is an int */

/* The page of the process behind a guest page, with a reference. -EFAULT: none, or not as wanted. */
static int page_of(struct vm *vm, u64 gfn, bool write, struct page **page)
{
	bool writable, block, ro = false;
	struct memslot *m;
	u64 uva = 0;

	rcu_read_lock();
	m = memslot_find(rcu_deref(vm->slots), gfn);
	if (m) {
		uva = m->uva.v + ((gfn - m->gfn) << PAGE_SHIFT);
		ro = m->flags & KVM_MEM_READONLY;
	}
	rcu_read_unlock();
	if (!m || (write && ro) || mm_pin(vm->mm, uva, write, page, &writable, &block))
		return -EFAULT;
	return 0;
}

static int tags_out(struct page *p, u64 uaddr)
{
	const char *va = page_to_va(p);
	u8 tags[MTE_PAGE_TAGS];
	unsigned i;

	for (i = 0; i < MTE_PAGE_TAGS; i++)
		tags[i] = mte_get(va + i * MTE_GRANULE);
	return copy_to_user(uaddr, tags, sizeof(tags));
}

static int tags_in(struct page *p, u64 uaddr)
{
	u8 tags[MTE_PAGE_TAGS];
	char *va = page_to_va(p);
	unsigned i;

	if (copy_from_user(tags, uaddr, sizeof(tags)))
		return -EFAULT;
	for (i = 0; i < MTE_PAGE_TAGS; i++)
		mte_set(va + i * MTE_GRANULE, tags[i]);
	return 0;
}

static bool dirty_logged(struct vm *vm)
{
	const struct memslots *s = vm->slots;
	unsigned i;

	for (i = 0; i < s->n; i++)
		if (s->slot[i]->flags & KVM_MEM_LOG_DIRTY_PAGES)
			return true;
	return false;
}

static s64 copy_all(struct vm *vm, const struct kvm_arm_copy_mte_tags *c)
{
	bool in = !(c->flags & KVM_ARM_TAGS_FROM_GUEST);
	u64 done, uaddr = (u64)c->addr;
	struct page *p;
	int ret;

	for (done = 0; done < c->length; done += PAGE_SIZE, uaddr += MTE_PAGE_TAGS) {
		ret = notify_pending() ? -EINTR : page_of(vm, (c->guest_ipa + done) >> PAGE_SHIFT, in, &p);
		if (!ret) {
			ret = in ? tags_in(p, uaddr) : tags_out(p, uaddr);
			page_put(p);
		}
		if (ret)
			return done ? (s64)done : ret;
	}
	return done;
}

s64 vm_copy_tags(struct vm *vm, const struct kvm_arm_copy_mte_tags *c)
{
	s64 ret;

	if (!vm->mte || c->reserved[0] || c->reserved[1] || (c->flags & ~(u64)KVM_ARM_TAGS_FROM_GUEST))
		return -EINVAL;
	if ((c->length | c->guest_ipa) & (PAGE_SIZE - 1) || c->length > LENGTH_MAX)
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	if (!(c->flags & KVM_ARM_TAGS_FROM_GUEST) && dirty_logged(vm))
		ret = -EBUSY;
	else
		ret = copy_all(vm, c);
	mutex_unlock(&vm->slots_lock);
	return ret;
}

/* KVM_CAP_ARM_MTE: before any vCPU. */
s64 vm_enable_mte(struct vm *vm)
{
	s64 ret = -EINVAL;

	mutex_lock(&vm->lock);
	if (mte_live && !vm->nr_vcpus) {
		vm->mte = true;
		ret = 0;
	}
	mutex_unlock(&vm->lock);
	return ret;
}
