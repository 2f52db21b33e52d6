// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_USER_MEMORY_REGION and the dirty log. vm->slots_lock serialises changes; readers use RCU. Order of a change:
 * publish the new array, then unmap what it no longer names: a fault that looked at the old array sees the sequence
 * count move (stage2_unmap) before it may install anything.
 */
#include <linux/errno.h>

#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kernel/mm/uaccess.h"
#include "kvm/dirty_ring.h"
#include "kvm/kvm.h"
#include "kvm/memslot.h"

static void slots_free(struct rcu_head *h)
{
	kfree(container_of(h, struct memslots, rcu));
}

static u64 bitmap_words(u64 npages)
{
	return (npages + 63) / 64;
}

/* Rings may be instead of bitmaps, or beside them. */
static bool use_bitmap(const struct vm *vm)
{
	return !READ_ONCE(vm->dirty_ring_bytes) || vm->dirty_ring_with_bitmap;
}

/* What happens to stage 2 once the new array is published. */
static void change_commit(struct vm *vm, const struct memslot *old, const struct memslot_request *r,
			  enum memslot_change change)
{
	u64 initially_set = vm->manual_dirty & KVM_DIRTY_LOG_INITIALLY_SET;

	switch (change) {
	case SLOT_DELETE:
	case SLOT_MOVE:
		stage2_unmap(vm, old->gfn, old->npages);
		break;
	case SLOT_FLAGS:
		/* Logging ends: blocks may form again, and no fault in progress may still use the old bitmap. */
		if (!(r->flags & KVM_MEM_LOG_DIRTY_PAGES))
			stage2_unmap(vm, old->gfn, old->npages);
		else if (!initially_set)
			stage2_write_protect(vm, old->gfn, old->npages);
		if ((r->flags & KVM_MEM_LOG_DIRTY_PAGES) && !initially_set && vm->split_chunk)
			stage2_split(vm, old->gfn, old->npages);
		break;
	default:
		break;
	}
}

static int change_slots(struct vm *vm, const struct memslot_request *r)
{
	struct memslots *s = vm->slots, *next;
	enum memslot_change change;
	struct memslot old = {};
	u64 *dirty = NULL;
	int ret, i;

	ret = memslots_check(s, r, vm->ipa_bits, &change);
	if (ret || change == SLOT_NOTHING)
		return ret;
	i = memslots_index(s, r->id);
	if (i >= 0)
		old = s->slot[i];
	next = kmalloc(sizeof(*next) + (s->n + 1) * sizeof(next->slot[0]));
	if (!next)
		return -ENOMEM;
	if (change != SLOT_DELETE && (r->flags & KVM_MEM_LOG_DIRTY_PAGES) && use_bitmap(vm)) {
		u64 npages = r->size >> PAGE_SHIFT;

		dirty = old.dirty ? old.dirty : vmalloc(bitmap_words(npages) * 8);
		if (!dirty) {
			kfree(next);
			return -ENOMEM;
		}
		if (!old.dirty && (vm->manual_dirty & KVM_DIRTY_LOG_INITIALLY_SET))
			memset(dirty, 0xff, bitmap_words(npages) * 8);
	}
	memslots_apply(next, s, r, change, dirty);
	rcu_assign(vm->slots, next);
	__atomic_fetch_add(&vm->mmio_gen, 1, __ATOMIC_RELEASE);
	rcu_defer(&s->rcu, slots_free);
	if (i >= 0)
		change_commit(vm, &old, r, change);
	if (old.dirty && old.dirty != dirty) {
		rcu_synchronize();
		vfree(old.dirty);
	}
	return 0;
}

int vm_set_memslot(struct vm *vm, const struct kvm_userspace_memory_region *r)
{
	struct memslot_request rq = {
		.id = r->slot, .flags = r->flags, .gpa = r->guest_phys_addr, .size = r->memory_size,
		.uva = r->userspace_addr,
	};
	int ret;

	mutex_lock(&vm->slots_lock);
	ret = change_slots(vm, &rq);
	mutex_unlock(&vm->slots_lock);
	return ret;
}

void memslot_mark_dirty(struct vm *vm, struct vcpu *v, const struct memslot *s, u64 gfn)
{
	u64 i = gfn - s->gfn;

	if (!(s->flags & KVM_MEM_LOG_DIRTY_PAGES) || i >= s->npages)
		return;
	if (v && vm->dirty_ring_bytes) {
		dirty_ring_push(v, s->id, i);
		return;
	}
	if (!s->dirty)
		return;
	/* Mostly set already: do not pull the line for writing then. */
	if (!(READ_ONCE(s->dirty[i / 64]) & BIT(i % 64)))
		__atomic_fetch_or(&s->dirty[i / 64], BIT(i % 64), __ATOMIC_RELAXED);
}

/* Run by run. */
void memslot_protect(struct vm *vm, const struct memslot *m, u64 page, u64 bits)
{
	u64 gfn = m->gfn + page;

	while (bits) {
		unsigned first = __builtin_ctzl(bits);
		u64 rest = ~(bits >> first);
		unsigned len = rest ? __builtin_ctzl(rest) : 64;

		stage2_write_protect(vm, gfn + first, len);
		bits &= first + len >= 64 ? BIT(first) - 1 : ~(GENMASK(first + len - 1, first));
	}
}

static struct memslot *logged_slot(struct vm *vm, u32 id, int *err)
{
	int i;

	*err = -ENXIO;
	if (!use_bitmap(vm))
		return NULL;
	*err = -EINVAL;
	if (id >= KVM_SLOTS_MAX)
		return NULL;
	*err = -ENOENT;
	i = memslots_index(vm->slots, id);
	return i < 0 || !vm->slots->slot[i].dirty ? NULL : &vm->slots->slot[i];
}

/* The bitmap so far; without manual protection, pages reported are clean again. */
int vm_get_dirty_log(struct vm *vm, const struct kvm_dirty_log *log)
{
	struct memslot *m;
	u64 i, n, *copy;
	int ret;

	mutex_lock(&vm->slots_lock);
	m = logged_slot(vm, log->slot, &ret);
	if (!m)
		goto out;
	n = bitmap_words(m->npages);
	ret = -ENOMEM;
	copy = vmalloc(n * 8);
	if (!copy)
		goto out;
	for (i = 0; i < n; i++) {
		if (vm->manual_dirty) {
			copy[i] = READ_ONCE(m->dirty[i]);
		} else if (READ_ONCE(m->dirty[i])) {
			copy[i] = __atomic_exchange_n(&m->dirty[i], 0, __ATOMIC_RELAXED);
			memslot_protect(vm, m, i * 64, copy[i]);
		}
	}
	ret = copy_to_user((u64)log->dirty_bitmap, copy, n * 8);
	vfree(copy);
out:
	mutex_unlock(&vm->slots_lock);
	return ret;
}

int vm_clear_dirty_log(struct vm *vm, const struct kvm_clear_dirty_log *log)
{
	u64 first = log->first_page, num = log->num_pages, i;
	struct memslot *m;
	int ret = -EINVAL;

	if (first & 63)
		return ret;
	mutex_lock(&vm->slots_lock);
	m = logged_slot(vm, log->slot, &ret);
	if (!m)
		goto out;
	ret = -EINVAL;
	if (first > m->npages || num > m->npages - first || (num < m->npages - first && (num & 63)))
		goto out;
	ret = 0;
	for (i = 0; i < bitmap_words(num); i++) {
		u64 bits, was;

		ret = get_user(bits, (u64)log->dirty_bitmap + i * 8);
		if (ret)
			break;
		if (num - i * 64 < 64)
			bits &= BIT(num - i * 64) - 1;
		was = __atomic_fetch_and(&m->dirty[first / 64 + i], ~bits, __ATOMIC_RELAXED);
		memslot_protect(vm, m, first + i * 64, was & bits);
	}
out:
	mutex_unlock(&vm->slots_lock);
	return ret;
}
