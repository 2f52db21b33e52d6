// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one accessor for guest memory. Through the process's mapping, so that copy-on-write, faults and limits are the
 * process's own; read-only slots stay read-only, written pages become dirty. May sleep.
 */
#include <linux/errno.h>

#include "kvm/dirty_ring.h"

static int access_page(struct vm *vm, u64 ipa, void *buf, size_t n, bool write)
{
	u64 gfn = ipa >> PAGE_SHIFT, uva = 0;
	struct memslot *m;
	ssize_t done;
	bool ro = false;

	rcu_read_lock();
	m = memslot_find(rcu_deref(vm->slots), gfn);
	if (m) {
		uva = m->uva.v + (ipa - (m->gfn << PAGE_SHIFT));
		ro = m->flags & KVM_MEM_READONLY;
	}
	rcu_read_unlock();
	if (!m)
		return -EFAULT;
	if (write && ro)
		return -EROFS;
	done = mm_access(vm->mm, uva, buf, n, write);
	if (done != (ssize_t)n)
		return -EFAULT;
	if (write) {
		rcu_read_lock();
		m = memslot_find(rcu_deref(vm->slots), gfn);
		if (m)
			memslot_mark_dirty(vm, vm->dirty_ring_bytes ? vcpu_of_thread(vm) : NULL, m, gfn);
		rcu_read_unlock();
	}
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
