// SPDX-License-Identifier: GPL-2.0-only
/*
 * Caches and guests. With FEAT_S2FWB guests cannot escape write-back memory. Without it, a guest that runs with its
 * caches off must see what the host wrote through its own: pages are cleaned when they are mapped (kernel/mm/ptable.c),
 * all of them again when the guest switches its caches, or maintains them by set and way, which cannot be forwarded.
 * Arm ARM D7.5 (caches), D8.17.
 */
#include "kernel/cpu/sysreg.h"
#include "kernel/mm/page.h"
#include "kvm/features.h"
#include "kvm/kvm.h"
#include "kvm/stage2/stage2.h"
#include "kvm/sysreg/sysreg.h"

#define HCR_TVM		BIT(26)
#define FLUSH_STEP	(4UL << 20)	/* bytes per hold of s2.lock */

static void dcache_range(pa_t pa, u64 size, bool to_poc)
{
	u64 line = 4UL << (host.ctr >> 16 & 15);
	char *p = pa_to_va(pa), *end = p + size;

	if (!pa_to_page(pa))
		return;
	if (to_poc)
		for (; p < end; p += line)
			asm volatile("dc civac, %0" : : "r"(p) : "memory");
	else
		for (; p < end; p += line)
			asm volatile("dc cvau, %0" : : "r"(p) : "memory");
	dsb(ish);
}

void stage2_sync_icache(pa_t pa, u64 size)
{
	if (host.dic)
		return;
	/* Without FWB the page was cleaned to the point of coherency when mapped; FWB implies IDC. */
	if (!host.idc && host.fwb)
		dcache_range(pa, size, false);
	asm volatile("ic ialluis" : : : "memory");
	dsb(ish);
	isb();
}

static void flush_leaf(void *arg, u64 ia, pa_t pa, u64 size, unsigned perm)
{
	if (!(perm & PT_DEVICE))
		dcache_range(pa, size, true);
}

/* What of the slots from *at on is next; false: nothing. */
static bool flush_next(struct vm *vm, u64 *at, u64 *end)
{
	struct memslot *m;

	rcu_read_lock();
	m = memslot_next(rcu_deref(vm->slots), *at >> PAGE_SHIFT);
	if (m) {
		*at = MAX(*at, m->gfn << PAGE_SHIFT);
		*end = MIN((m->gfn + m->npages) << PAGE_SHIFT, ALIGN_DOWN(*at, FLUSH_STEP) + FLUSH_STEP);
	}
	rcu_read_unlock();
	return m;
}

/* All that is mapped, by steps, for a guest may have much memory. What faults in meanwhile is clean. */
void stage2_flush_all(struct vm *vm)
{
	u64 at, end;

	for (at = 0; flush_next(vm, &at, &end); at = end) {
		read_lock(&vm->s2.lock);
		pt_for_each(&vm->s2.pt, at, end - at, flush_leaf, NULL);
		read_unlock(&vm->s2.lock);
	}
}

void stage2_set_way(struct vcpu *v)
{
	/* Once, until the caches change state: what else is between here and there is the guest's own mess. */
	if (host.fwb || (v->traps.hcr & HCR_TVM))
		return;
	v->traps.hcr |= HCR_TVM;
	stage2_flush_all(v->vm);
}

void stage2_toggle_cache(struct vcpu *v, bool was_on)
{
	bool on = guest_caches_on(v);

	if (host.fwb)
		return;
	if (on != was_on)
		stage2_flush_all(v->vm);
	if (on)
		v->traps.hcr &= ~HCR_TVM;
}
