// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage-2 faults: find the page in the process's memory, install it. Faults of different vCPUs run in parallel: they
 * hold s2.lock for reading. Against changes of the process's memory: the caller read invalidate_seq before it looked up
 * the slot; nothing is installed if it has moved, or while a change of this address is in progress.
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

static bool must_retry(struct stage2 *s2, u64 seq, u64 uva)
{
	if (s2->dead || s2->invalidate_seq != seq)
		return true;
	return s2->invalidate_busy && uva >= s2->busy_start && uva < s2->busy_end;
}

/* A block, if the slot holds all of it and guest and process addresses are congruent. */
static bool block_fits(const struct memslot *m, u64 ipa, u64 uva)
{
	u64 start = ALIGN_DOWN(ipa, BLOCK_SIZE), slot = m->gfn << PAGE_SHIFT;

	if (((ipa ^ uva) & (BLOCK_SIZE - 1)) || m->dirty)
		return false;
	return start >= slot && start + BLOCK_SIZE <= slot + (m->npages << PAGE_SHIFT);
}

static void place(struct placement *p, struct vm *vm, const struct s2_fault *f, struct page *page, bool block)
{
	u64 size, base = f->ipa & PAGE_MASK;
	unsigned perm;
	pa_t pa;

	p->ipa = base;
	p->size = PAGE_SIZE;
	p->pa = page_to_pa(page);
	if (!block)
		return;
	/* Only more rights for one page that is mapped as a page: its neighbours may have reasons to be small. */
	if (f->permission && pt_lookup(&vm->s2.pt, base, &pa, &perm, &size) && size < BLOCK_SIZE)
		return;
	p->ipa = base & BLOCK_MASK;
	p->size = BLOCK_SIZE;
	p->pa = PA(p->pa.v & BLOCK_MASK);
}

static int install(struct vm *vm, const struct memslot *m, const struct s2_fault *f, struct page *page,
		   unsigned perm, bool block, struct pt_cache *cache)
{
	struct placement p;
	int ret;

	place(&p, vm, f, page, block);
	/* The instruction side: executable only once what was written there is visible to fetches. */
	if (f->exec) {
		stage2_sync_icache(p.pa, p.size);
		perm |= PT_X;
	} else if (host.dic) {
		perm |= PT_X;
	} else {
		pa_t pa;
		u64 size;
		unsigned was;

		/* A page that was made executable for a fetch stays so when it is written. */
		if (f->permission && pt_lookup(&vm->s2.pt, p.ipa, &pa, &was, &size) && (was & PT_X)) {
			stage2_sync_icache(p.pa, p.size);
			perm |= PT_X;
		}
	}
	ret = pt_map(&vm->s2.pt, p.ipa, p.pa, p.size, perm, cache);
	if (!ret && f->write)
		memslot_mark_dirty(m, f->ipa >> PAGE_SHIFT);
	return ret;
}

int stage2_fault(struct vm *vm, const struct memslot *m, u64 seq, const struct s2_fault *f)
{
	u64 uva = m->uva.v + ((f->ipa & PAGE_MASK) - (m->gfn << PAGE_SHIFT));
	struct pt_cache cache = {};
	bool writable, block_ok;
	unsigned perm = PT_R;
	struct page *page;
	int ret;

	ret = pt_cache_fill(&cache, 4);
	if (ret)
		goto out;
	ret = mm_pin(vm->mm, uva, f->write, &page, &writable, &block_ok);
	if (ret) {
		ret = ret == -ENOMEM ? ret : -EFAULT;
		goto out;
	}
	/* While writes are logged, a page becomes writable only when it is written. */
	if (writable && !(m->flags & KVM_MEM_READONLY) && (!m->dirty || f->write))
		perm |= PT_W;
	read_lock(&vm->s2.lock);
	if (must_retry(&vm->s2, seq, uva))
		ret = -EAGAIN;
	else
		ret = install(vm, m, f, page, perm, block_ok && block_fits(m, f->ipa, uva), &cache);
	read_unlock(&vm->s2.lock);
	page_put(page);
out:
	pt_cache_drain(&cache);
	return vm->s2.dead ? -EFAULT : ret;
}
