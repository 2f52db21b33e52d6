// SPDX-License-Identifier: GPL-2.0-only
/*
 * ASIDs by generation. asid_lock (irq-safe) protects the bitmap and the generation; the switch takes it only when the
 * address space has no ASID of this generation. Rollover keeps the ASIDs that CPUs are using now, flushes all TLBs,
 * and makes every other ASID free. Arm ARM D8.16.
 */
#include <asm/errno.h>
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/lib/string.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/page.h"
#include "kernel/mm/page_init.h"
#include "kernel/sched/thread.h"

#define TCR_AS		BIT(36)
#define GEN_STEP	BIT(16)		/* asid_gen: generation << 16 | asid */

static spinlock_t asid_lock;
static u64 generation = GEN_STEP;
static u64 asid_used[65536 / 64];	/* ASID 0 belongs to the empty table */
static unsigned nr_asids, asid_next = 1;
static u64 active[MAX_CPUS];		/* asid_gen last loaded there; 0: taken back by a rollover */
static u64 reserved[MAX_CPUS];

int aspace_init(struct aspace *as, void (*release)(struct aspace *as))
{
	as->asid_gen = 0;
	as->refs = 1;
	as->release = release;
	return pt_init(&as->pt, PT_USER, 48);
}

void aspace_destroy(struct aspace *as)
{
	pt_destroy(&as->pt);
}

void aspace_get(struct aspace *as)
{
	ASSERT(__atomic_fetch_add(&as->refs, 1, __ATOMIC_RELAXED) != 0);
}

void aspace_put(struct aspace *as)
{
	u32 old = __atomic_fetch_sub(&as->refs, 1, __ATOMIC_ACQ_REL);

	ASSERT(old != 0);
	if (old == 1)
		as->release(as);
}

static void asid_mark(u64 asid)
{
	asid_used[asid / 64] |= BIT(asid % 64);
}

static void asid_rollover(void)
{
	__atomic_store_n(&generation, generation + GEN_STEP, __ATOMIC_RELAXED);
	memset(asid_used, 0, sizeof(asid_used));
	for (unsigned i = 0; i < MAX_CPUS; i++) {
		u64 a = __atomic_exchange_n(&active[i], 0, __ATOMIC_ACQ_REL);

		/* A CPU that has not switched since the last rollover still uses what it had then. */
		if (a)
			reserved[i] = a;
		asid_mark(reserved[i] & 0xffff);
	}
	asid_mark(0);
	asid_next = 1;
	asm volatile("dsb ishst\n\ttlbi vmalle1is\n\tdsb ish" : : : "memory");
}

static bool asid_search(u64 *asid)
{
	for (unsigned i = 0; i < nr_asids; i++) {
		unsigned a = asid_next;

		asid_next = a + 1 == nr_asids ? 1 : a + 1;
		if (!(asid_used[a / 64] & BIT(a % 64))) {
			*asid = a;
			return true;
		}
	}
	return false;
}

/* An asid_gen of this generation, the old ASID again if a rollover kept it. */
static u64 asid_new(struct aspace *as)
{
	u64 asid = as->asid_gen & 0xffff;
	bool kept = false;

	if (!nr_asids) {
		nr_asids = read_sysreg(tcr_el1) & TCR_AS ? 65536 : 256;
		asid_mark(0);
	}
	if (as->asid_gen) {
		for (unsigned i = 0; i < MAX_CPUS; i++) {
			if (reserved[i] == as->asid_gen) {
				reserved[i] = generation | asid;
				kept = true;
			}
		}
		if (kept)
			return generation | asid;
	}
	/* After a rollover at most MAX_CPUS ASIDs are taken. */
	if (!asid_search(&asid)) {
		asid_rollover();
		if (!asid_search(&asid))
			BUG();
	}
	asid_mark(asid);
	return generation | asid;
}

void aspace_switch(struct aspace *as)
{
	unsigned cpu;
	u64 old, gen;

	if (!as) {
		write_sysreg(kernel_ttbr0, ttbr0_el1);
		isb();
		return;
	}
	cpu = this_cpu()->id;
	gen = __atomic_load_n(&as->asid_gen, __ATOMIC_RELAXED);
	old = __atomic_load_n(&active[cpu], __ATOMIC_RELAXED);
	/* The thread before was of the same process, and no rollover came since. */
	if (old == gen && gen && read_sysreg(ttbr0_el1) == (va_to_pa(as->pt.root).v | (gen & 0xffff) << 48))
		return;
	if (!old || (gen ^ __atomic_load_n(&generation, __ATOMIC_RELAXED)) >> 16 ||
	    !__atomic_compare_exchange_n(&active[cpu], &old, gen, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
		u64 flags = spin_lock_irqsave(&asid_lock);

		gen = as->asid_gen;
		if ((gen ^ generation) >> 16) {
			gen = asid_new(as);
			__atomic_store_n(&as->asid_gen, gen, __ATOMIC_RELAXED);
			__atomic_store_n(&as->pt.id, (u16)gen, __ATOMIC_RELAXED);
		}
		__atomic_store_n(&active[cpu], gen, __ATOMIC_RELEASE);
		spin_unlock_irqrestore(&asid_lock, flags);
	}
	/* pt.id is visible before this CPU can load the TLB under it: pt_hooks' TLBI reads it after its DSB. */
	dsb(ish);
	write_sysreg(va_to_pa(as->pt.root).v | (gen & 0xffff) << 48, ttbr0_el1);
	isb();
}
