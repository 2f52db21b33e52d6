// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM's stage 2: creation, removal, what changes of the process's memory do to it (mmu notifier), destruction.
 * s2.lock: faults hold it for reading while they install; everything here that removes or restricts, for writing, one
 * step of an address range at a time. Between steps nothing is remembered but the address: what must not come back is
 * kept away by the new slot array, which is published first, or by the busy range.
 */
#include <linux/errno.h>

#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kvm/features.h"
#include "kvm/kvm.h"
#include "kvm/nested/nested.h"
#include "kvm/stage2/stage2.h"

/*
 * Under s2.lock for writing. Splitting a block may need memory; dropping the whole block instead is always right, the
 * rest comes back by faults.
 */
static void unmap_locked(struct stage2 *s2, u64 ipa, u64 size)
{
	u64 start, end, top = 1UL << s2->pt.ia_bits;
	int ret = pt_unmap(&s2->pt, ipa, size, NULL, NULL);

	if (likely(!ret))
		return;
	start = ALIGN_DOWN(ipa, BLOCK_SIZE);
	end = MIN(ALIGN_UP(ipa + size, BLOCK_SIZE), top);
	ret = pt_unmap(&s2->pt, start, end - start, NULL, NULL);
	ASSERT(!ret);	/* whole blocks need no splitting */
}

#define STEP_MIN	(32UL << 20)	/* bytes per hold of s2.lock: 8,192 entries at most */
#define STEPS_MAX	4096		/* of one call: larger ranges are mostly empty, and cheap to walk */

/* End of the step that begins at `at`, for a range of `size` bytes in all. */
static u64 step_end(u64 at, u64 end, u64 size)
{
	u64 step = STEP_MIN;

	while (size / step > STEPS_MAX)
		step *= 2;
	at = ALIGN_DOWN(at, step) + step;
	return MIN(at, end);
}

static void flush_counted(struct vm *vm)
{
	vm->stats.tlb_flush_requests++;
	vm->stats.tlb_flush++;
}

/* What the shadows of guest hypervisors map may be among what goes: all of them start again. */
static void shadows_drop(struct vm *vm)
{
	if (likely(!vm->nested))
		return;
	write_lock(&vm->s2.lock);
	nested_invalidate(vm);
	write_unlock(&vm->s2.lock);
	nested_reap(vm);
}

/* s2.lock held: does any slot show these addresses of the process? */
static bool in_slots(struct vm *vm, u64 start, u64 end)
{
	struct memslots *s = rcu_deref(vm->slots);
	unsigned i;

	for (i = 0; i < s->n; i++)
		if (s->slot[i]->uva.v < end && start < s->slot[i]->uva.v + (s->slot[i]->npages << PAGE_SHIFT))
			return true;
	return false;
}

void stage2_unmap(struct vm *vm, u64 gfn, u64 npages)
{
	struct stage2 *s2 = &vm->s2;
	u64 at = gfn << PAGE_SHIFT, size = npages << PAGE_SHIFT, end = at + size, next;

	shadows_drop(vm);
	for (; at < end; at = next) {
		next = step_end(at, end, size);
		write_lock(&s2->lock);
		flush_counted(vm);
		unmap_locked(s2, at, next - at);
		write_unlock(&s2->lock);
	}
}

void stage2_write_protect(struct vm *vm, u64 gfn, u64 npages)
{
	struct stage2 *s2 = &vm->s2;
	u64 at = gfn << PAGE_SHIFT, size = npages << PAGE_SHIFT, end = at + size, next;

	shadows_drop(vm);
	for (; at < end; at = next) {
		next = step_end(at, end, size);
		write_lock(&s2->lock);
		flush_counted(vm);
		if (pt_protect(&s2->pt, at, next - at, ~(unsigned)PT_W, 0))
			unmap_locked(s2, at, next - at);
		write_unlock(&s2->lock);
	}
}

/* s2.lock for writing. */
static void protect_run(struct stage2 *s2, u64 gfn, unsigned n, struct pt_flush *f)
{
	if (pt_protect_later(&s2->pt, gfn << PAGE_SHIFT, (u64)n << PAGE_SHIFT, ~(unsigned)PT_W, 0, f))
		unmap_locked(s2, gfn << PAGE_SHIFT, (u64)n << PAGE_SHIFT);
}

void stage2_protect_pages(struct vm *vm, u64 gfn, u64 bits, struct protect *p)
{
	if (!bits)
		return;
	p->any = true;
	write_lock(&vm->s2.lock);
	while (bits) {
		unsigned first = __builtin_ctzl(bits);
		u64 rest = ~(bits >> first);
		unsigned len = rest ? __builtin_ctzl(rest) : 64;

		protect_run(&vm->s2, gfn + first, len, &p->flush);
		bits &= first + len >= 64 ? BIT(first) - 1 : ~(GENMASK(first + len - 1, first));
	}
	write_unlock(&vm->s2.lock);
}

void stage2_protect_end(struct vm *vm, struct protect *p)
{
	if (!p->any)
		return;
	shadows_drop(vm);
	write_lock(&vm->s2.lock);
	if (pt_flush(&vm->s2.pt, &p->flush))
		flush_counted(vm);
	write_unlock(&vm->s2.lock);
}

/* One block per hold of the lock, so that vCPUs get on meanwhile. */
void stage2_split(struct vm *vm, u64 gfn, u64 npages)
{
	struct stage2 *s2 = &vm->s2;
	u64 ipa = gfn << PAGE_SHIFT, end = ipa + (npages << PAGE_SHIFT), size;

	for (; ipa < end; ipa = ALIGN_DOWN(ipa, BLOCK_SIZE) + BLOCK_SIZE) {
		int ret = 0;

		write_lock(&s2->lock);
		/* A change of no rights, of one page inside the block. */
		if (pt_lookup(&s2->pt, ipa, NULL, NULL, &size) && size == BLOCK_SIZE)
			ret = pt_protect(&s2->pt, ALIGN_DOWN(ipa, BLOCK_SIZE) + PAGE_SIZE, PAGE_SIZE, ~0U, 0);
		write_unlock(&s2->lock);
		if (ret)
			return;
	}
}

/*
 * What the slots map of one step of process addresses goes; *next is where the following step may begin: behind this one,
 * or at the next slot.
 */
static void step_unmap(struct vm *vm, u64 start, u64 end, u64 *next)
{
	struct memslots *s;
	unsigned i;

	*next = ~0UL;
	write_lock(&vm->s2.lock);	/* preemption is off: an RCU reader too */
	s = rcu_deref(vm->slots);
	for (i = 0; i < s->n; i++) {
		struct memslot *m = s->slot[i];
		u64 top = m->uva.v + (m->npages << PAGE_SHIFT), from = MAX(start, m->uva.v), to = MIN(end, top);

		if (top > end)
			*next = MIN(*next, MAX(end, m->uva.v));
		if (from >= to)
			continue;
		flush_counted(vm);
		unmap_locked(&vm->s2, (m->gfn << PAGE_SHIFT) + (from - m->uva.v), to - from);
	}
	write_unlock(&vm->s2.lock);
}

static void range_unmap(struct vm *vm, u64 start, u64 end)
{
	u64 next;

	for (; start < end; start = next)
		step_unmap(vm, start, step_end(start, end, end - start), &next);
}

static void notifier_begin(struct mmu_notifier *n, u64 start, u64 end)
{
	struct vm *vm = container_of(n, struct vm, notifier);
	struct stage2 *s2 = &vm->s2;
	bool dead;

	write_lock(&s2->lock);
	if (!s2->invalidate_busy++) {
		s2->busy_start = start;
		s2->busy_end = end;
	} else {
		s2->busy_start = MIN(s2->busy_start, start);
		s2->busy_end = MAX(s2->busy_end, end);
	}
	dead = s2->dead;
	if (unlikely(vm->nested) && in_slots(vm, start, end))
		nested_invalidate(vm);
	write_unlock(&s2->lock);
	if (unlikely(vm->nested))
		nested_reap(vm);
	/* From here on nothing is installed in the range. */
	if (!dead)
		range_unmap(vm, start, end);
}

static void notifier_end(struct mmu_notifier *n, u64 start, u64 end)
{
	struct stage2 *s2 = &container_of(n, struct vm, notifier)->s2;

	write_lock(&s2->lock);
	ASSERT(s2->invalidate_busy);
	s2->invalidate_busy--;
	write_unlock(&s2->lock);
}

static void notifier_release(struct mmu_notifier *n)
{
	struct vm *vm = container_of(n, struct vm, notifier);

	write_lock(&vm->s2.lock);
	vm->s2.dead = true;
	write_unlock(&vm->s2.lock);
	stage2_unmap(vm, 0, 1UL << (vm->s2.pt.ia_bits - PAGE_SHIFT));
}

int stage2_init(struct vm *vm, unsigned ipa_bits)
{
	int ret = pt_init(&vm->s2.pt, PT_STAGE2, ipa_bits);

	if (ret)
		return ret;
	vm->ipa_bits = ipa_bits;
	vm->s2.pt.vttbr = va_to_pa(vm->s2.pt.root).v;
	vm->notifier.begin = notifier_begin;
	vm->notifier.end = notifier_end;
	vm->notifier.release = notifier_release;
	mm_notifier_add(vm->mm, &vm->notifier);
	return 0;
}

void stage2_destroy(struct vm *vm)
{
	mm_notifier_del(vm->mm, &vm->notifier);
	nested_vm_destroy(vm);
	vmid_free(&vm->s2);
	pt_destroy(&vm->s2.pt);
}

int stage2_boot_init(void)
{
	host.fwb = pt_stage2_fwb_enable();
	return 0;
}
