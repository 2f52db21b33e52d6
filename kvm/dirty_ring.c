// SPDX-License-Identifier: GPL-2.0-only
/* Dirty rings: see dirty_ring.h. */
#include <linux/errno.h>

#include "kernel/debug/print.h"
#include "kernel/mm/page.h"
#include "kvm/dirty_ring.h"
#include "kvm/vcpu_state.h"

#define PER_PAGE	(PAGE_SIZE / sizeof(struct kvm_dirty_gfn))

static struct kvm_dirty_gfn *entry(const struct dirty_ring *r, u32 i)
{
	i &= r->entries - 1;
	return (struct kvm_dirty_gfn *)page_to_va(r->pages[i / PER_PAGE]) + i % PER_PAGE;
}

int dirty_ring_alloc(struct vcpu *v, u32 bytes)
{
	struct dirty_ring *r = &v->state->ring;
	u32 i, n = bytes >> PAGE_SHIFT;

	r->pages = kcalloc(n, sizeof(r->pages[0]));
	if (!r->pages)
		return -ENOMEM;
	r->entries = bytes / sizeof(struct kvm_dirty_gfn);
	for (i = 0; i < n; i++) {
		r->pages[i] = page_alloc(0, ALLOC_ZERO);
		if (!r->pages[i])
			return -ENOMEM;		/* dirty_ring_free takes what is there */
	}
	return 0;
}

void dirty_ring_free(struct vcpu *v)
{
	struct dirty_ring *r = &v->state->ring;
	u32 i;

	for (i = 0; r->pages && i < r->entries / PER_PAGE; i++)
		if (r->pages[i])
			page_put(r->pages[i]);
	kfree(r->pages);
	r->pages = NULL;
}

struct page *dirty_ring_page(struct vcpu *v, u64 index)
{
	const struct dirty_ring *r = &v->state->ring;

	return r->pages && index < r->entries / PER_PAGE ? r->pages[index] : NULL;
}

static u32 used(const struct dirty_ring *r)
{
	/* Pairs with ring_reset: an entry that counts as free has been let go of. */
	return READ_ONCE(r->dirty) - __atomic_load_n(&r->reset, __ATOMIC_ACQUIRE);
}

static bool nearly_full(const struct dirty_ring *r)
{
	return used(r) >= r->entries - DIRTY_RING_RESERVED;
}

void dirty_ring_push(struct vcpu *v, u32 slot, u64 offset)
{
	struct dirty_ring *r = &v->state->ring;
	struct kvm_dirty_gfn *e;

	if (!r->pages)
		return;
	/* The loop leaves long before: the reserve is more than one exit can write. */
	if (used(r) >= r->entries) {
		pr_warn_once("kvm: a dirty ring overflowed\n");
		return;
	}
	e = entry(r, r->dirty);
	e->slot = slot;
	e->offset = offset;
	__atomic_store_n(&e->flags, KVM_DIRTY_GFN_F_DIRTY, __ATOMIC_RELEASE);
	WRITE_ONCE(r->dirty, r->dirty + 1);
	if (unlikely(nearly_full(r)))
		__atomic_fetch_or(&v->requests, REQ_DIRTY_RING, __ATOMIC_RELAXED);
}

bool dirty_ring_exit(struct vcpu *v)
{
	if (!v->state->ring.pages || !nearly_full(&v->state->ring))
		return false;
	v->run->exit_reason = KVM_EXIT_DIRTY_RING_FULL;
	return true;
}

struct vcpu *vcpu_of_thread(struct vm *vm)
{
	struct vcpu *v;
	unsigned i;

	vm_for_each_vcpu(i, v, vm)
		if (READ_ONCE(v->thread) == current_thread)
			return v;
	return NULL;
}

int vm_dirty_ring_enable(struct vm *vm, u64 arg)
{
	u32 bytes = arg;	/* as Linux looks at it */
	int ret = -EINVAL;

	if (!bytes || (bytes & (bytes - 1)) || bytes < PAGE_SIZE)
		return ret;
	if (bytes > DIRTY_RING_MAX * sizeof(struct kvm_dirty_gfn))
		return -E2BIG;
	mutex_lock(&vm->lock);
	if (!vm->dirty_ring_bytes && !vm->nr_vcpus) {
		vm->dirty_ring_bytes = bytes;
		ret = 0;
	}
	mutex_unlock(&vm->lock);
	return ret;
}

int vm_dirty_ring_with_bitmap(struct vm *vm)
{
	int ret = -EINVAL;

	if (!READ_ONCE(vm->dirty_ring_bytes))
		return ret;
	mutex_lock(&vm->slots_lock);
	if (!vm->slots->n) {
		vm->dirty_ring_with_bitmap = true;
		ret = 0;
	}
	mutex_unlock(&vm->slots_lock);
	return ret;
}

/* Pages of up to 64 neighbours that become clean at once. */
struct batch {
	u32 slot;
	u64 first, bits;	/* offset in the slot, multiple of 64 */
	struct protect protect;
};

static void batch_protect(struct vm *vm, struct batch *b)
{
	struct memslot *m = memslot_by_id(&vm->slot_ids, b->slot);

	/* Slot and offset are the VMM's word; the upper half of a slot is an address space: there is one. */
	if (b->bits && m && b->first < m->npages) {
		u64 left = m->npages - b->first;

		stage2_protect_pages(vm, m->gfn + b->first, left < 64 ? b->bits & (BIT(left) - 1) : b->bits, &b->protect);
	}
	b->bits = 0;
}

static void batch_add(struct vm *vm, struct batch *b, u32 slot, u64 offset)
{
	u64 first = offset & ~63UL;

	if (b->bits && (b->slot != slot || b->first != first))
		batch_protect(vm, b);
	b->slot = slot;
	b->first = first;
	b->bits |= BIT(offset % 64);
}

static int ring_reset(struct vm *vm, struct dirty_ring *r, struct batch *b)
{
	int n = 0;

	while (r->pages && r->reset != READ_ONCE(r->dirty)) {
		struct kvm_dirty_gfn *e = entry(r, r->reset);

		if (!(__atomic_load_n(&e->flags, __ATOMIC_ACQUIRE) & KVM_DIRTY_GFN_F_RESET))
			break;
		batch_add(vm, b, READ_ONCE(e->slot), READ_ONCE(e->offset));
		__atomic_store_n(&e->flags, 0, __ATOMIC_RELEASE);
		__atomic_store_n(&r->reset, r->reset + 1, __ATOMIC_RELEASE);
		n++;
	}
	return n;
}

int vm_reset_dirty_rings(struct vm *vm)
{
	struct batch b = {};
	struct vcpu *v;
	unsigned i;
	int n = 0;

	if (!READ_ONCE(vm->dirty_ring_bytes))
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	vm_for_each_vcpu(i, v, vm)
		n += ring_reset(vm, &v->state->ring, &b);
	batch_protect(vm, &b);
	stage2_protect_end(vm, &b.protect);
	mutex_unlock(&vm->slots_lock);
	return n;
}
