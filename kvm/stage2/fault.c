// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage-2 faults: find the page in the process's memory, install it. Faults of different vCPUs run in parallel: they
 * hold s2.lock for reading, and under it nothing that they look at changes for the worse. A slot that goes is first
 * taken out of the array, then out of stage 2 under s2.lock for writing; an entry of the process's table is removed or
 * restricted only after the notifier (map.c) had s2.lock for writing and marked its range as busy. So the entry is read
 * without the process's locks, and no reference on the page is needed: the notifier takes the mapping away in time.
 */
#include <linux/errno.h>

#include "kernel/debug/print.h"
#include "kernel/mm/page.h"
#include "kvm/features.h"
#include "kvm/stage2/stage2.h"

/* Where the mapping goes and how large. */
struct placement {
	u64 ipa, size;
	pa_t pa;
};

bool stage2_busy(const struct stage2 *s2, u64 uva, u64 size)
{
	return unlikely(s2->invalidate_busy) && uva < s2->busy_end && s2->busy_start < uva + size;
}

/* A block, if the slot holds all of it and guest and process addresses are congruent. */
static bool block_fits(const struct backing *b, u64 ipa)
{
	const struct memslot *m = b->m;
	u64 start = ALIGN_DOWN(ipa, BLOCK_SIZE), slot = m->gfn << PAGE_SHIFT;

	if (b->size < BLOCK_SIZE || ((ipa ^ b->uva) & (BLOCK_SIZE - 1)) || (m->flags & KVM_MEM_LOG_DIRTY_PAGES))
		return false;
	return start >= slot && start + BLOCK_SIZE <= slot + (m->npages << PAGE_SHIFT);
}

static void place(struct placement *p, struct stage2 *s2, const struct s2_fault *f, const struct backing *b)
{
	u64 size, base = f->ipa & PAGE_MASK;
	unsigned perm;
	pa_t pa;

	p->ipa = base;
	p->size = PAGE_SIZE;
	p->pa = b->pa;
	if (!block_fits(b, base) || stage2_busy(s2, b->uva & BLOCK_MASK, BLOCK_SIZE))
		return;
	/* Only more rights for one page that is mapped as a page: its neighbours may have reasons to be small. */
	if (f->permission && pt_lookup(&s2->pt, base, &pa, &perm, &size) && size < BLOCK_SIZE)
		return;
	p->ipa = base & BLOCK_MASK;
	p->size = BLOCK_SIZE;
	p->pa = PA(p->pa.v & BLOCK_MASK);
}

/* The instruction side: executable only once what was written there is visible to fetches. */
static unsigned exec_perm(struct stage2 *s2, const struct s2_fault *f, const struct placement *p)
{
	unsigned was;
	u64 size;
	pa_t pa;

	if (host.dic)
		return PT_X;
	/* A page that was made executable for a fetch stays so when it is written. */
	if (!f->exec && !(f->permission && pt_lookup(&s2->pt, p->ipa, &pa, &was, &size) && (was & PT_X)))
		return 0;
	stage2_sync_icache(p->pa, p->size);
	return PT_X;
}

static int install(struct vm *vm, const struct s2_fault *f, const struct backing *b)
{
	bool logged = b->m->flags & KVM_MEM_LOG_DIRTY_PAGES;
	struct stage2 *s2 = &vm->s2;
	struct placement p;
	unsigned perm = PT_R;
	int ret;

	/* While writes are logged, a page becomes writable only when it is written. */
	if ((b->perm & PT_W) && !(b->m->flags & KVM_MEM_READONLY) && (!logged || f->write))
		perm |= PT_W;
	place(&p, s2, f, b);
	perm |= exec_perm(s2, f, &p);
	ret = pt_map(&s2->pt, p.ipa, p.pa, p.size, perm, NULL);
	if (!ret && f->write)
		memslot_mark_dirty(vm, f->v, b->m, f->ipa >> PAGE_SHIFT);
	return ret;
}

/* The process must have the page first: it has none there, or one without the right that it takes. */
#define FAULT_IN	1
#define FAULT_IN_ABSENT	2

/* s2.lock held for reading. */
static int map_locked(struct vm *vm, const struct s2_fault *f, struct backing *b)
{
	if (unlikely(vm->s2.dead))
		return -EFAULT;
	if (stage2_busy(&vm->s2, b->uva, PAGE_SIZE))
		return -EAGAIN;
	if (!pt_lookup(&vm->mm->as.pt, b->uva, &b->pa, &b->perm, &b->size))
		return FAULT_IN_ABSENT;
	if (!(b->perm & PT_R) || (f->write && !(b->perm & PT_W)))
		return FAULT_IN;
	return f->install ? f->install(vm, f, b) : install(vm, f, b);
}

static int map_if_present(struct vm *vm, const struct s2_fault *f, u64 *uva)
{
	struct memslots *slots;
	struct backing b;
	int ret;

	rcu_read_lock();
	slots = rcu_deref(vm->slots);
	b.m = memslot_find(slots, f->ipa >> PAGE_SHIFT);
	if (!b.m || (f->write && (b.m->flags & KVM_MEM_READONLY))) {
		ret = b.m ? -EROFS : -ENOENT;
		rcu_read_unlock();
		return ret;
	}
	b.uva = b.m->uva.v + ((f->ipa & PAGE_MASK) - (b.m->gfn << PAGE_SHIFT));
	*uva = b.uva;
	read_lock(&vm->s2.lock);
	/* The same array still: whoever takes the slot away now removes what is installed here. */
	ret = likely(READ_ONCE(vm->slots) == slots) ? map_locked(vm, f, &b) : -EAGAIN;
	read_unlock(&vm->s2.lock);
	rcu_read_unlock();
	return ret;
}

int stage2_fault(struct vm *vm, const struct s2_fault *f)
{
	u64 uva;
	int ret = map_if_present(vm, f, &uva);

	if (ret <= 0)
		return ret;
	ret = mm_fault_guest(vm->mm, uva, f->write, ret == FAULT_IN_ABSENT);
	if (ret == -EINTR)
		return -EAGAIN;		/* the run loop sees the signal */
	if (ret)
		return ret == -ENOMEM ? ret : -EFAULT;
	ret = map_if_present(vm, f, &uva);
	return ret > 0 ? -EAGAIN : ret;
}
