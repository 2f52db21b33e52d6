// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMIDs, 8 or 16 bits, handed out by generation. When they run out, a new generation begins: all stage-2 TLB entries of
 * all CPUs go, and the VMIDs that CPUs are using at that moment stay taken in the new one. A VM whose VMID is of an old
 * generation gets a new one when it is next loaded. vmid_lock is irq-safe and innermost but for page-table hooks.
 * Arm ARM D8.16.3 (VMID), D19.2.149 (VTCR_EL2), D19.2.150 (VTTBR_EL2).
 */
#include <nestbox/types.h>

#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kvm/features.h"
#include "kvm/stage2/stage2.h"

#define VMID_MAX_BITS	16
#define GEN_FIRST	(1UL << VMID_MAX_BITS)
#define VMID_MASK	(GEN_FIRST - 1)

static spinlock_t vmid_lock;
static u64 generation = GEN_FIRST;	/* never zero: vmid_gen 0 means none yet */
static u64 used[(1 << VMID_MAX_BITS) / 64];
static unsigned hint = 1;
static u64 active[MAX_CPUS];		/* loaded on that CPU; 0 after a rollover took note of it */
static u64 reserved[MAX_CPUS];

static bool bit_test_set(u64 vmid)
{
	u64 bit = BIT(vmid % 64), old = used[vmid / 64];

	used[vmid / 64] = old | bit;
	return old & bit;
}

static void rollover(void)
{
	unsigned cpu, i;

	generation += GEN_FIRST;
	for (i = 0; i < ARRAY_SIZE(used); i++)
		used[i] = 0;
	for (cpu = 0; cpu < nr_cpus; cpu++) {
		u64 vmid = __atomic_exchange_n(&active[cpu], 0, __ATOMIC_SEQ_CST);

		/* Twice in a row without a load in between: it still runs with what it had. */
		if (!vmid)
			vmid = reserved[cpu];
		reserved[cpu] = vmid;
		if (vmid)
			(void)bit_test_set(vmid & VMID_MASK);
	}
	hint = 1;
	pt_flush_all_vmids();
}

/* A CPU runs with it right now: it moves to the new generation under the same number. */
static bool take_reserved(u64 old, u64 new)
{
	bool hit = false;
	unsigned cpu;

	for (cpu = 0; cpu < nr_cpus; cpu++) {
		if (reserved[cpu] == old) {
			reserved[cpu] = new;
			hit = true;
		}
	}
	return hit;
}

static int find_free(void)
{
	unsigned i, n = 1U << host.vmid_bits;

	for (i = hint; i < n; i++) {
		if (!(i % 64) && used[i / 64] == ~0UL) {
			i += 63;
			continue;
		}
		if (!(used[i / 64] & BIT(i % 64)))
			return i;
	}
	return -1;
}

static u64 vmid_new(u64 old)
{
	int n;

	if (old) {
		u64 same = generation | (old & VMID_MASK);

		if (take_reserved(old, same))
			return same;
		if (!bit_test_set(old & VMID_MASK))
			return same;
	}
	n = find_free();
	if (n < 0) {
		rollover();
		n = find_free();
		ASSERT(n > 0);	/* more VMIDs than CPUs */
	}
	(void)bit_test_set(n);
	hint = n + 1;
	return generation | n;
}

void vmid_update(struct stage2 *s2)
{
	unsigned cpu = this_cpu()->id;
	u64 vmid = READ_ONCE(s2->vmid_gen), old = READ_ONCE(active[cpu]), flags;

	/* Nobody rolled over since this CPU last loaded something: no lock. The exchange fails if one does just now. */
	if (vmid && old && !((vmid ^ READ_ONCE(generation)) & ~VMID_MASK) &&
	    __atomic_compare_exchange_n(&active[cpu], &old, vmid, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		return;
	flags = spin_lock_irqsave(&vmid_lock);
	vmid = s2->vmid_gen;
	if (!vmid || ((vmid ^ generation) & ~VMID_MASK)) {
		vmid = vmid_new(vmid);
		WRITE_ONCE(s2->pt.vttbr, (s2->pt.vttbr & GENMASK(47, 0)) | (vmid & VMID_MASK) << 48);
		WRITE_ONCE(s2->vmid_gen, vmid);
	}
	__atomic_store_n(&active[cpu], vmid, __ATOMIC_SEQ_CST);
	spin_unlock_irqrestore(&vmid_lock, flags);
}

/* Not given back: stale TLB entries under this VMID are gone only after the next rollover. */
void vmid_free(struct stage2 *s2)
{
	s2->vmid_gen = 0;
}

#define VTCR_DS		BIT(32)
#define PS_52_BITS	6UL

static u64 vtcr(const struct stage2 *s2)
{
	static const u8 sl0[] = { 2, 1, 0 };	/* by start level, 4 KiB granule */

	return BIT(31) | (64UL - s2->pt.ia_bits) | (u64)sl0[s2->pt.start_level] << 6 |
	       1UL << 8 | 1UL << 10 | 3UL << 12 /* walks: write-back, inner shareable */ |
	       (host.vmid_bits == 16 ? BIT(19) : 0) |
	       (pt_is_large(&s2->pt) ? VTCR_DS | PS_52_BITS << 16 : host.parange << 16);
}

void stage2_load(struct vcpu *v)
{
	struct stage2 *s2 = v->s2;
	u64 vmid = READ_ONCE(active[this_cpu()->id]);

	/* Still what this CPU had last, and no rollover since: one that comes now finds the VMID in use here. */
	if (vmid && vmid == READ_ONCE(s2->vmid_gen) && read_sysreg(vttbr_el2) == READ_ONCE(s2->pt.vttbr))
		return;
	vmid_update(s2);
	write_sysreg(vtcr(s2), vtcr_el2);
	write_sysreg(READ_ONCE(s2->pt.vttbr), vttbr_el2);
	/* A VMID just assigned is visible before this CPU walks with it: hook_tlbi reads it after its PTE write. */
	dsb(ish);
	isb();
}
