// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one accessor for guest memory. Through the process's mapping, so that copy-on-write, faults and limits are the
 * process's own; read-only slots stay read-only, written pages become dirty. May sleep.
 */
#include <linux/errno.h>

#include "kernel/mm/uaccess.h"
#include "kvm/dirty_ring.h"

/* Where the process has it. -EFAULT; -EROFS: it is to be written, and the slot says no. */
static int locate(struct vm *vm, u64 ipa, bool write, u64 *uva)
{
	const struct memslot *m;
	bool ro = false;

	rcu_read_lock();
	m = memslot_find(rcu_deref(vm->slots), ipa >> PAGE_SHIFT);
	if (m) {
		*uva = m->uva.v + (ipa - (m->gfn << PAGE_SHIFT));
		ro = m->flags & KVM_MEM_READONLY;
	}
	rcu_read_unlock();
	if (!m)
		return -EFAULT;
	return write && ro ? -EROFS : 0;
}

static void mark_dirty(struct vm *vm, u64 gfn)
{
	const struct memslot *m;

	rcu_read_lock();
	m = memslot_find(rcu_deref(vm->slots), gfn);
	if (m)
		memslot_mark_dirty(vm, vm->dirty_ring_bytes ? vcpu_of_thread(vm) : NULL, m, gfn);
	rcu_read_unlock();
}

static int access_page(struct vm *vm, u64 ipa, void *buf, size_t n, bool write)
{
	u64 uva;
	int ret = locate(vm, ipa, write, &uva);

	if (ret)
		return ret;
	if (mm_access(vm->mm, uva, buf, n, write) != (ssize_t)n)
		return -EFAULT;
	if (write)
		mark_dirty(vm, ipa >> PAGE_SHIFT);
	return 0;
}

static int access(struct vm *vm, u64 ipa, void *buf, size_t n, bool write)
{
	char *p = buf;

	if (ipa + n < ipa)
		return -EFAULT;
	while (n) {
		size_t part = MIN(n, (size_t)(PAGE_SIZE - (ipa & (PAGE_SIZE - 1))));
		int ret = access_page(vm, ipa, p, part, write);

		if (ret)
			return ret;
		ipa += part;
		p += part;
		n -= part;
	}
	return 0;
}

int guest_read(struct vm *vm, ipa_t ipa, void *buf, size_t n)
{
	return access(vm, ipa.v, buf, n, false);
}

int guest_write(struct vm *vm, ipa_t ipa, const void *buf, size_t n)
{
	return access(vm, ipa.v, (void *)buf, n, true);
}

int guest_cmpxchg(struct vm *vm, ipa_t ipa, u64 old, u64 new)
{
	u64 uva;
	int ret = locate(vm, ipa.v, true, &uva);

	if (!ret)
		ret = cmpxchg_user64(uva, old, new);
	if (!ret)
		mark_dirty(vm, ipa.v >> PAGE_SHIFT);
	return ret;
}
