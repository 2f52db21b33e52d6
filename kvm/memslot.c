// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_USER_MEMORY_REGION and the dirty log. vm->slots_lock serialises changes; readers use RCU. Order of a change:
 * publish the new array, then unmap what it no longer names: a fault that looked at the old array sees the sequence
 * count move (stage2_unmap) before it may install anything. A change copies the array of pointers, 8 bytes a slot; all
 * else is found by number or by halving.
 */
#include <linux/errno.h>

#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kernel/mm/uaccess.h"
#include "kvm/dirty_ring.h"
#include "kvm/kvm.h"
#include "kvm/memslot.h"

#define DEFERRED_MAX	(8UL << 20)	/* bytes of arrays that a VM may have waiting for a grace period */
#define IDS_MIN		32U

static void slots_free(struct rcu_head *h)
{
	kfree(container_of(h, struct memslots, rcu));
}

static void slot_free(struct rcu_head *h)
{
	kfree(container_of(h, struct memslot, rcu));
}

/* Room for this number. */
static int ids_grow(struct memslot_ids *ids, u32 id)
{
	u32 size = MAX(ids->size, IDS_MIN);
	struct memslot **slot;

	while (size <= id)
		size *= 2;
	if (size == ids->size)
		return 0;
	slot = kcalloc(size, sizeof(slot[0]));
	if (!slot)
		return -ENOMEM;
	if (ids->size)
		memcpy(slot, ids->slot, ids->size * sizeof(slot[0]));
	kfree(ids->slot);
	ids->slot = slot;
	ids->size = size;
	return 0;
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

/* The bitmap that the slot has after the change; NULL: none. */
static int bitmap_make(struct vm *vm, const struct memslot *old, const struct memslot_request *r, u64 **dirty)
{
	u64 words = bitmap_words(r->size >> PAGE_SHIFT);

	*dirty = NULL;
	if (!(r->flags & KVM_MEM_LOG_DIRTY_PAGES) || !use_bitmap(vm))
		return 0;
	if (old && old->dirty) {
		*dirty = old->dirty;
		return 0;
	}
	*dirty = vmalloc(words * 8);
	if (!*dirty)
		return -ENOMEM;
	if (vm->manual_dirty & KVM_DIRTY_LOG_INITIALLY_SET)
		memset(*dirty, 0xff, words * 8);
	return 0;
}

/* The slot as it is after the change, with its bitmap; NULL for one that goes. */
static int slot_make(struct vm *vm, const struct memslot *old, const struct memslot_request *r,
		     enum memslot_change change, struct memslot **made)
{
	struct memslot *m;
	int ret;

	*made = NULL;
	if (change == SLOT_DELETE)
		return 0;
	ret = ids_grow(&vm->slot_ids, r->id);
	if (ret)
		return ret;
	m = kmalloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	*m = (struct memslot){
		.id = r->id, .flags = r->flags, .gfn = r->gpa >> PAGE_SHIFT, .npages = r->size >> PAGE_SHIFT,
		.uva = UVA(r->uva),
	};
	ret = bitmap_make(vm, old, r, &m->dirty);
	if (ret)
		kfree(m);
	else
		*made = m;
	return ret;
}

/* Readers may still have the old array. A VMM that changes slots faster than grace periods end waits for one. */
static void array_defer(struct vm *vm, struct memslots *s)
{
	vm->slots_deferred += s->n * sizeof(s->slot[0]);
	rcu_defer(&s->rcu, slots_free);
	if (vm->slots_deferred > DEFERRED_MAX) {
		rcu_barrier();
		vm->slots_deferred = 0;
	}
}

static void slot_drop(struct memslot *old, const struct memslot *new)
{
	if (old->dirty && (!new || old->dirty != new->dirty)) {
		rcu_synchronize();
		vfree(old->dirty);
	}
	rcu_defer(&old->rcu, slot_free);
}

static int change_slots(struct vm *vm, const struct memslot_request *r)
{
	struct memslots *s = vm->slots, *next;
	struct memslot *old, *new;
	enum memslot_change change;
	int ret;

	ret = memslots_check(s, &vm->slot_ids, r, vm->ipa_bits, &change);
	if (ret || change == SLOT_NOTHING)
		return ret;
	old = memslot_by_id(&vm->slot_ids, r->id);
	next = kmalloc(sizeof(*next) + (s->n + 1) * sizeof(next->slot[0]));
	if (!next)
		return -ENOMEM;
	ret = slot_make(vm, old, r, change, &new);
	if (ret) {
		kfree(next);
		return ret;
	}
	memslots_apply(next, s, old, new);
	vm->slot_ids.slot[r->id] = new;
	rcu_assign(vm->slots, next);
	__atomic_fetch_add(&vm->mmio_gen, 1, __ATOMIC_RELEASE);
	array_defer(vm, s);
	if (old) {
		change_commit(vm, old, r, change);
		slot_drop(old, new);
	}
	return 0;
}

void memslots_destroy(struct vm *vm)
{
	unsigned i;

	for (i = 0; i < vm->slots->n; i++) {
		vfree(vm->slots->slot[i]->dirty);
		kfree(vm->slots->slot[i]);
	}
	kfree(vm->slots);
	kfree(vm->slot_ids.slot);
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

static struct memslot *logged_slot(struct vm *vm, u32 id, int *err)
{
	struct memslot *m;

	*err = -ENXIO;
	if (!use_bitmap(vm))
		return NULL;
	*err = -EINVAL;
	if (id >= KVM_SLOTS_MAX)
		return NULL;
	*err = -ENOENT;
	m = memslot_by_id(&vm->slot_ids, id);
	return m && m->dirty ? m : NULL;
}

/* The bitmap so far; without manual protection, pages reported are clean again. */
int vm_get_dirty_log(struct vm *vm, const struct kvm_dirty_log *log)
{
	struct protect p = {};
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
			stage2_protect_pages(vm, m->gfn + i * 64, copy[i], &p);
		}
	}
	stage2_protect_end(vm, &p);
	ret = copy_to_user((u64)log->dirty_bitmap, copy, n * 8);
	vfree(copy);
out:
	mutex_unlock(&vm->slots_lock);
	return ret;
}

static void clear_pages(struct vm *vm, struct memslot *m, const u64 *bits, u64 first, u64 num)
{
	struct protect p = {};
	u64 i, want, was;

	for (i = 0; i < bitmap_words(num); i++) {
		want = num - i * 64 < 64 ? bits[i] & (BIT(num - i * 64) - 1) : bits[i];
		was = __atomic_fetch_and(&m->dirty[first / 64 + i], ~want, __ATOMIC_RELAXED);
		stage2_protect_pages(vm, m->gfn + first + i * 64, was & want, &p);
	}
	stage2_protect_end(vm, &p);
}

/* In Linux's order. */
static int clear_check(struct vm *vm, const struct kvm_clear_dirty_log *log, struct memslot **slot)
{
	u64 first = log->first_page, num = log->num_pages;
	struct memslot *m;
	int ret;

	m = logged_slot(vm, log->slot, &ret);
	*slot = m;
	if (!m && ret == -ENXIO)
		return ret;
	if (first & 63)
		return -EINVAL;
	if (!m)
		return ret;
	if (first > m->npages || num > m->npages - first || (num < m->npages - first && (num & 63)))
		return -EINVAL;
	return 0;
}

int vm_clear_dirty_log(struct vm *vm, const struct kvm_clear_dirty_log *log)
{
	u64 num = log->num_pages, size = bitmap_words(num) * 8, *bits;
	struct memslot *m;
	int ret;

	mutex_lock(&vm->slots_lock);
	ret = clear_check(vm, log, &m);
	if (ret || !num)
		goto out;
	/* All of it first: an address that cannot be read must not leave half of the pages clean. */
	ret = -ENOMEM;
	bits = vmalloc(size);
	if (!bits)
		goto out;
	ret = copy_from_user(bits, (u64)log->dirty_bitmap, size);
	if (!ret)
		clear_pages(vm, m, bits, log->first_page, num);
	vfree(bits);
out:
	mutex_unlock(&vm->slots_lock);
	return ret;
}
