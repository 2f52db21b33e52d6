// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hypervisor changes its guest's stage 2 while the guest runs on the other CPU and writes there without a pause: once its
 * TLB maintenance is complete, nothing of the guest's reaches the old page any more, however its faults and the
 * maintenance met. Arm ARM D8.17 (completion of TLB maintenance).
 */
#include "el2.h"

const char payload_name[] = "el2_tlbi";

#define ROUNDS		100
#define RACES		300
#define SPIN		20000		/* about as long as a fault's way through both hypervisors */
#define LONG_MS		60000		/* nobody waits as long as this */
#define TEST		0x200000000UL	/* the page under test, far from memory */
#define VMID		7
#define PAGES		4
#define MARK		0xfeedfacecafef00dUL

static struct tables s2;
static u64 page[PAGES];
static u64 *entry;
static volatile u32 faults, permission, other, stop, ended;

/* ---- the guest ---- */

/* Counts in the page at @at for ever. */
static u64 __attribute__((noinline)) writer(u64 at, u64 a1)
{
	u64 n;

	for (n = 1; ; n++)
		asm volatile("str %0, [%1]" : : "r"(n), "r"(at) : "memory");
	return 0;
}

/* ---- its hypervisor, on CPU 1: whatever faults is tried again ---- */

static void cpu1(void *arg)
{
	static struct below b;
	u64 ret;

	el2_init();
	stage2_on(&s2, VMID);
	ret = below_call(&b, EL1H, writer, TEST, 0);
	for (;;) {
		unsigned int fsc = b.esr & 0x3c;

		if (ret || b.kind != KIND_SYNC || ESR_EC(b.esr) != EC_DABT_LOW || b.far != TEST)
			other++;
		else if (fsc == 0xc)
			permission++;
		else
			faults++;
		if (stop || other)
			break;
		ret = below_resume(&b);
	}
	ended = 1;
	for (;;)
		wfi();
}

/* ---- the hypervisor on CPU 0: changes the tables ---- */

static void entry_set(u64 val)
{
	WRITE_ONCE(*entry, val);
	dsb(ishst);
}

/* The four ways to be rid of TEST's translation; the last are by VMID. */
static void tlbi(unsigned int how)
{
	switch (how & 3) {
	case 0:
		asm volatile("tlbi ipas2e1is, %0" : : "r"(TEST >> 12) : "memory");
		break;
	case 1:
		/* RIPAS2E1IS: 4 KiB, two pages. */
		asm volatile("sys #4, C8, C0, #2, %0" : : "r"(1UL << 46 | TEST >> 12) : "memory");
		break;
	case 2:
		asm volatile("tlbi vmalls12e1is" : : : "memory");
		break;
	default:
		asm volatile("tlbi alle1is" : : : "memory");
	}
	dsb(ish);
	asm volatile("tlbi vmalle1is" : : : "memory");
	dsb(ish);
	isb();
}

static bool moves_on(volatile u32 *count)
{
	u32 was = *count;

	return wait_for(*count != was || other, LONG_MS) && !other;
}

static bool is_written(u64 at)
{
	u64 was = readq(at);

	return wait_for(readq(at) != was || other, LONG_MS) && !other;
}

static void remap(void)
{
	unsigned int i, now_at = 0, wrong = 0, asleep = 0;

	for (i = 0; i < ROUNDS && !wrong && !asleep; i++) {
		unsigned int next = (now_at + 1) % PAGES;

		asleep += !is_written(page[now_at]);
		entry_set(0);
		tlbi(i);
		writeq(MARK, page[now_at]);
		dsb(sy);
		if (i & 4)
			asleep += !moves_on(&faults);
		entry_set(page[next] | S2_PAGE | 3);
		asleep += !is_written(page[next]);
		wrong += readq(page[now_at]) != MARK;
		now_at = next;
	}
	check(!wrong, "no write reaches a page after its mapping is gone and the TLBI complete", "in round %u", i);
	check(!asleep, "the guest goes on in the new page", "not in round %u, other exceptions %u", i, other);
}

/* Maintenance that meets the fault which is just about to map the page. */
static void race(void)
{
	unsigned int i, wrong = 0, asleep = 0, mapped = 0;
	volatile u32 spin;
	u32 seed = 3;

	entry_set(0);
	tlbi(0);
	for (i = 0; i < RACES && !wrong && !asleep; i++) {
		u64 at = page[i % PAGES];

		writeq(MARK, at);
		asleep += !moves_on(&faults);
		seed = seed * 1103515245 + 12345;
		entry_set(at | S2_PAGE | 3);
		for (spin = (seed >> 16) % SPIN; spin; spin--)
			;
		entry_set(0);
		tlbi(i);
		mapped += readq(at) != MARK;
		writeq(MARK, at);
		dsb(sy);
		asleep += !moves_on(&faults);
		wrong += readq(at) != MARK;
	}
	print("# %u of %u mappings were used\n", mapped, i);
	check(!wrong, "a fault that read the tables before maps nothing after", "in round %u", i);
	check(!asleep, "the guest faults while nothing is mapped", "not in round %u, other exceptions %u", i, other);
	entry_set(page[0] | S2_PAGE | 3);	/* as protect() wants it */
}

static void protect(void)
{
	unsigned int i, wrong = 0, asleep = 0;

	for (i = 0; i < ROUNDS && !wrong && !asleep; i++) {
		asleep += !is_written(page[0]);
		/* Fewer rights: no break before make needed. */
		entry_set((page[0] | S2_PAGE | 3) & ~(1UL << 7));
		tlbi(i);
		writeq(MARK, page[0]);
		dsb(sy);
		asleep += !moves_on(&permission);
		wrong += readq(page[0]) != MARK;
		entry_set(page[0] | S2_PAGE | 3);
		asm volatile("tlbi ipas2e1is, %0; dsb ish; isb" : : "r"(TEST >> 12) : "memory");
	}
	check(!wrong, "no write after it was forbidden and the TLBI complete", "in round %u", i);
	check(!asleep, "faults while it is, writes when it is not any more", "not in round %u, other exceptions %u", i, other);
}

void payload_main(void)
{
	unsigned int i;
	u64 block, a;

	if (nr_cpus < 2) {
		fail("CPUs", "two are needed");
		return;
	}
	el2_init();
	tables_init(&s2, true, 12, 39);
	block = tables_block(&s2, 2);
	for (a = RAM_BASE; a < RAM_BASE + 0x4000000; a += block)
		tables_map(&s2, a, a, 2, S2_PAGE);
	for (i = 0; i < PAGES; i++)
		page[i] = memory_alloc(4096);
	tables_map(&s2, TEST, page[0], 3, S2_PAGE);
	entry = tables_entry(&s2, TEST, 3);
	stage2_on(&s2, VMID);
	if (cpu_start(1, cpu1, NULL)) {
		fail("start", "CPU 1");
		return;
	}
	remap();
	race();
	protect();
	print("# %u translation faults, %u permission faults\n", faults, permission);
	stop = 1;
	entry_set(0);
	tlbi(0);
	check(wait_for(ended, LONG_MS), "the guest ends", "it does not");
	check_eq(other, 0, "no other exception");
}
