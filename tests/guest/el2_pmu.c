// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PMU of a guest hypervisor (nestvm --nested --pmu): where each counter counts by its filter and MDCR_EL2, the counters
 * that it keeps to itself (HPMN, HPME, HLP), their overflow interrupt, and what traps to it. Counting is seen by reading
 * twice where it should happen; no amount of time is expected.
 */
#include "el2.h"

const char payload_name[] = "el2_pmu";

#define MDCR_TPMCR	(1UL << 5)
#define MDCR_TPM	(1UL << 6)
#define MDCR_HPME	(1UL << 7)
#define MDCR_HPMD	(1UL << 17)
#define MDCR_HCCD	(1UL << 23)
#define MDCR_HLP	(1UL << 26)
#define PMCR_E		(1UL << 0)
#define PMCR_P		(1UL << 1)
#define PMCR_DP		(1UL << 5)
#define PMCR_LC		(1UL << 6)
#define PMCR_LP		(1UL << 7)
#define P		(1UL << 31)
#define U		(1UL << 30)
#define NSH		(1UL << 27)
#define CYCLES		0x11
#define PMU_PPI		23
#define HPMN		2		/* of the tests: counters 0 and 1 for EL1 and EL0 */
#define ALL		0xffffffffUL


#define KEY_PMCR	SYSKEY(3, 3, 9, 12, 0)
#define KEY_PMCCNTR	SYSKEY(3, 3, 9, 13, 0)
#define KEY_CNTENSET	SYSKEY(3, 3, 9, 12, 1)
#define KEY_OVSSET	SYSKEY(3, 3, 9, 14, 3)
#define KEY_PMEVCNTR(n)	SYSKEY(3, 3, 14, 8, n)

static struct below b;
static unsigned int counters;		/* PMCR_EL0.N at EL2 */

static u64 evcntr(unsigned int n)
{
	write_sysreg(n, pmselr_el0);
	isb();
	return read_sysreg(pmxevcntr_el0);
}

static void evcntr_set(unsigned int n, u64 val)
{
	write_sysreg(n, pmselr_el0);
	isb();
	write_sysreg(val, pmxevcntr_el0);
	isb();
}

static void evtyper_set(unsigned int n, u64 val)
{
	write_sysreg(n, pmselr_el0);
	isb();
	write_sysreg(val, pmxevtyper_el0);
	isb();
}

static void pmu_off(void)
{
	write_sysreg(PMCR_LC, pmcr_el0);
	write_sysreg(ALL, pmcntenclr_el0);
	write_sysreg(ALL, pmintenclr_el1);
	write_sysreg(ALL, pmovsclr_el0);
	write_sysreg(counters, mdcr_el2);
	write_sysreg(1, pmuserenr_el0);		/* CR and SW would keep QEMU from trapping EL0 by TPM */
	isb();
}

/* ---- where it counts ---- */

enum place { AT_EL2, AT_EL1, AT_EL0, AT_HOST_EL0, PLACES };

static const char *const places[] = { "EL2", "EL1", "EL0", "the hypervisor's EL0" };

static void spin(void)
{
	unsigned int i;

	for (i = 0; i < 1000; i++)
		asm volatile("");
}

/* The counter's two readings with some time between them; leaves EL0 by SVC. Position independent, no stack needed. */
static u64 counted_cycle(void)
{
	u64 a = read_sysreg(pmccntr_el0);

	spin();
	return read_sysreg(pmccntr_el0) - a;
}

static u64 counted_0(void)
{
	u64 a = read_sysreg(s3_3_c14_c8_0);

	spin();
	return read_sysreg(s3_3_c14_c8_0) - a;
}

static u64 counted_2(void)
{
	u64 a = read_sysreg(s3_3_c14_c8_2);

	spin();
	return read_sysreg(s3_3_c14_c8_2) - a;
}

static bool counts_at(u64 (*fn)(void), enum place where)
{
	switch (where) {
	case AT_EL2:
		return fn();
	case AT_EL1:
		below_call(&b, EL1H, fn, 0, 0);
		return b.x[0];
	case AT_EL0:		/* back by the UNDEF of its HVC */
		below_call(&b, EL0T, fn, 0, 0);
		return b.x[0];
	default:
		write_sysreg(HCR_BELOW | HCR_TGE, hcr_el2);
		isb();
		below_call(&b, EL0T, fn, 0, 0);
		write_sysreg(HCR_BELOW, hcr_el2);
		isb();
		return b.x[0];
	}
}

static bool wanted(u64 type, enum place where, bool prohibited)
{
	switch (where) {
	case AT_EL2:
		return (type & NSH) && !prohibited;
	case AT_EL1:
		return !(type & P);
	default:
		return !(type & U);
	}
}

static void filters(const char *name, u64 (*fn)(void), int counter, bool prohibited)
{
	unsigned int n, where, bad = 0;

	for (n = 0; n < 8; n++) {
		u64 type = (n & 1 ? P : 0) | (n & 2 ? U : 0) | (n & 4 ? NSH : 0);

		if (counter < 0)
			write_sysreg(type, pmccfiltr_el0);
		else
			evtyper_set(counter, type | CYCLES);
		isb();
		for (where = 0; where < PLACES; where++) {
			/* Behind HPMN is not for EL1 and EL0. */
			if (counter >= HPMN && where != AT_EL2)
				continue;
			if (counts_at(fn, where) == wanted(type, where, prohibited))
				continue;
			print("# %s: filter %lx at %s: %s\n", name, type, places[where],
			      wanted(type, where, prohibited) ? "does not count" : "counts");
			bad++;
		}
	}
	check(!bad, name, "%u wrong", bad);
}

static void counting(void)
{
	u64 p = counters;

	pmu_off();
	write_sysreg(1UL << 31 | 7, pmcntenset_el0);
	write_sysreg(PMCR_E | PMCR_LC, pmcr_el0);
	isb();
	filters("cycle counter", counted_cycle, -1, false);
	filters("event counter", counted_0, 0, false);
	write_sysreg(p | MDCR_HPMD, mdcr_el2);
	isb();
	filters("event counter, HPMD", counted_0, 0, true);
	filters("cycle counter, HPMD", counted_cycle, -1, false);
	write_sysreg(PMCR_E | PMCR_LC | PMCR_DP, pmcr_el0);
	isb();
	filters("cycle counter, HPMD and DP", counted_cycle, -1, true);
	write_sysreg(p | MDCR_HCCD, mdcr_el2);
	isb();
	filters("cycle counter, HCCD", counted_cycle, -1, true);
	write_sysreg(HPMN | MDCR_HPMD | MDCR_HPME, mdcr_el2);
	write_sysreg(PMCR_LC, pmcr_el0);
	isb();
	filters("the hypervisor's counter, HPMD, without PMCR_EL0.E", counted_2, 2, false);
	evtyper_set(2, NSH | CYCLES);
	write_sysreg(HPMN, mdcr_el2);
	write_sysreg(PMCR_LC | PMCR_E, pmcr_el0);
	isb();
	check(!counts_at(counted_2, AT_EL2), "and not without HPME", "it counts");
	write_sysreg(0, pmcr_el0);
	write_sysreg(HPMN | MDCR_HPME, mdcr_el2);
	isb();
	check(!counts_at(counted_0, AT_EL1), "HPME is not for the others", "it counts");
	pmu_off();
}

/* It counts while code that may not read it runs. */
static void counting_unseen(void)
{
	u64 was;

	pmu_off();
	evtyper_set(2, CYCLES);			/* EL1 and EL0, not EL2 */
	write_sysreg(4, pmcntenset_el0);
	write_sysreg(HPMN | MDCR_HPME, mdcr_el2);
	isb();
	was = evcntr(2);
	check_eq(evcntr(2), was, "EL1's cycles: not those of EL2");
	below_call(&b, EL1H, spin, 0, 0);
	check(evcntr(2) != was, "EL1's cycles in the hypervisor's counter", "none");
	evtyper_set(2, CYCLES | P | U);
	was = evcntr(2);
	below_call(&b, EL1H, spin, 0, 0);
	check_eq(evcntr(2), was, "nobody's cycles");
	pmu_off();
}

/* ---- whose counter is it ---- */

static u64 below_reads(u32 key)
{
	return below_call(&b, EL1H, sys_code(key, true, 0), 0, 0) == BELOW_RETURN ? b.x[0] : ~0UL;
}

static bool below_undef(u32 key)
{
	return below_call(&b, EL1H, sys_code(key, true, 0), 0, 0) == BELOW_EXCEPTION + 4 &&
	       ESR_EC(read_sysreg(s3_5_c5_c2_0)) == EC_UNKNOWN;
}

/* A counter of the hypervisor's: its guest's access comes to it with FEAT_FGT, else it is UNDEF. */
static bool hidden(unsigned int n)
{
	u64 key = KEY_PMEVCNTR(n);

	if (!(read_sysreg(id_aa64mmfr0_el1) >> 56 & 0xf))
		return below_undef(key);
	return !below_call(&b, EL1H, sys_code(key, true, 0), 0, 0) && b.kind == KIND_SYNC &&
	       b.esr == (0x62000000UL | sys_iss(key, true, 0));
}

static void ranges(void)
{
	unsigned int i, bad = 0;

	pmu_off();
	write_sysreg(31, mdcr_el2);
	check_eq(read_sysreg(mdcr_el2) & 31, counters, "HPMN is at most N");
	write_sysreg(HPMN, mdcr_el2);
	check_eq(read_sysreg(pmcr_el0) >> 11 & 31, counters, "PMCR_EL0.N at EL2");
	check_eq(below_reads(KEY_PMCR) >> 11 & 31, HPMN, "PMCR_EL0.N at EL1");
	write_sysreg(ALL, pmcntenset_el0);
	check_eq(read_sysreg(pmcntenset_el0), 1UL << 31 | ((1UL << counters) - 1), "PMCNTENSET_EL0 at EL2");
	check_eq(below_reads(KEY_CNTENSET), 1UL << 31 | ((1UL << HPMN) - 1), "PMCNTENSET_EL0 at EL1");
	write_sysreg(ALL, pmcntenclr_el0);
	below_call(&b, EL1H, sys_code(KEY_CNTENSET, false, 0), ALL, 0);
	check_eq(read_sysreg(pmcntenset_el0), 1UL << 31 | ((1UL << HPMN) - 1), "EL1 enables its own only");
	below_call(&b, EL1H, sys_code(KEY_OVSSET, false, 0), ALL, 0);
	check_eq(read_sysreg(pmovsset_el0), 1UL << 31 | ((1UL << HPMN) - 1), "EL1 sets flags of its own only");
	pmu_off();
	write_sysreg(HPMN, mdcr_el2);
	for (i = 0; i < counters; i++)
		evcntr_set(i, 0x55 + i);
	below_call(&b, EL1H, sys_code(KEY_PMCR, false, 0), PMCR_P, 0);
	for (i = 0; i < counters; i++)
		bad += evcntr(i) != (i < HPMN ? 0 : 0x55 + i);
	check(!bad, "PMCR_EL0.P of EL1 resets its own only", "%u", bad);
	write_sysreg(PMCR_P | PMCR_LC, pmcr_el0);
	for (i = 0; i < counters; i++)
		bad += evcntr(i) != 0;
	check(!bad, "that of EL2 all", "%u", bad);
	check_eq(below_reads(KEY_PMEVCNTR(1)), 0, "EL1 reads its last");
	check(hidden(2), "and not the next", "esr %lx", b.esr);
	write_sysreg(0, mdcr_el2);
	isb();
	check(hidden(0), "HPMN 0: none", "esr %lx", b.esr);
	check_eq(below_reads(KEY_PMCR) >> 11 & 31, 0, "and PMCR_EL0.N says so");
	pmu_off();
}

/*
 * Counters 0 and 2 count past 32 bits. QEMU's timer for an overflow may come in the middle of an exception return, and then
 * takes the values of all counters away (target/arm/helper.c: pmu_op_start twice): again.
 */
static bool cross(void)
{
	const u64 start = 0xfffffff0;
	unsigned int tries;
	u64 a, c;

	for (tries = 0; tries < 20; tries++) {
		evtyper_set(0, 0);
		evtyper_set(2, 0);
		evcntr_set(0, start);
		evcntr_set(2, start);
		write_sysreg(ALL, pmovsclr_el0);
		evtyper_set(0, CYCLES | NSH);
		evtyper_set(2, CYCLES | NSH);
		do {
			a = evcntr(0);
			c = evcntr(2);
		} while (a >= start && c >= start && (a < 1UL << 32 || c < 1UL << 32));
		if (a >= start && c >= start)
			return true;
	}
	return false;
}

/* Overflow at 32 or 64 bits, by software's events and by hardware's: HLP for the hypervisor's, PMCR_EL0.LP for the others. */
static void widths(void)
{
	unsigned int lp, hlp, bad = 0;

	for (lp = 0; lp < 2; lp++)
		for (hlp = 0; hlp < 2; hlp++) {
			u64 want = (lp ? 0 : 1) | (hlp ? 0 : 4);

			pmu_off();
			evtyper_set(0, 0);
			evtyper_set(2, 0);
			evcntr_set(0, 0xffffffff);
			evcntr_set(2, 0xffffffff);
			write_sysreg(HPMN | MDCR_HPME | (hlp ? MDCR_HLP : 0), mdcr_el2);
			write_sysreg(5, pmcntenset_el0);
			write_sysreg(PMCR_E | PMCR_LC | (lp ? PMCR_LP : 0), pmcr_el0);
			isb();
			write_sysreg(5, pmswinc_el0);
			isb();
			bad += read_sysreg(pmovsset_el0) != want || evcntr(0) != 1UL << 32 || evcntr(2) != 1UL << 32;
			bad += !cross() || read_sysreg(pmovsset_el0) != want;
			if (bad)
				print("# LP %u HLP %u: flags %lx, not %lx\n", lp, hlp, read_sysreg(pmovsset_el0), want);
		}
	check(!bad, "HLP and LP", "%u wrong", bad);
	pmu_off();
}

/* ---- interrupt, traps ---- */

static void forever(void)
{
	for (;;)
		asm volatile("");
}

/* Its guest is left with the interrupt; which is acknowledged. */
static bool interrupted(void)
{
	u32 id;

	below_call(&b, EL1H, forever, 0, 0);
	id = gic_ack();
	if (id != SPURIOUS)
		gic_eoi(id);
	return b.kind == KIND_IRQ && id == PMU_PPI;
}

static u64 nothing(void)
{
	return 7;
}

static void interrupts(void)
{
	pmu_off();
	write_sysreg(HCR_BELOW | HCR_IMO, hcr_el2);
	gic_enable(PMU_PPI);
	/* Software's: a counter of the hypervisor's, on by HPME alone. */
	evtyper_set(2, 0);
	evcntr_set(2, ALL);
	write_sysreg(4, pmcntenset_el0);
	write_sysreg(4, pmintenset_el1);
	write_sysreg(HPMN | MDCR_HPME, mdcr_el2);
	isb();
	write_sysreg(4, pmswinc_el0);
	isb();
	check(gic_is_pending(PMU_PPI), "overflow: the line", "low");
	check(interrupted(), "it ends the guest", "kind %lu", b.kind);
	write_sysreg(HPMN, mdcr_el2);
	isb();
	check(!gic_is_pending(PMU_PPI), "without HPME the line is low", "high");
	check_eq(below_call(&b, EL1H, nothing, 0, 0), BELOW_RETURN, "and the guest runs");
	write_sysreg(ALL, pmovsclr_el0);
	/* Hardware's, while the guest runs: its cycles. */
	write_sysreg(0, pmccfiltr_el0);
	write_sysreg(~0UL - 1000, pmccntr_el0);
	write_sysreg(1UL << 31, pmcntenset_el0);
	write_sysreg(1UL << 31, pmintenset_el1);
	write_sysreg(PMCR_E | PMCR_LC, pmcr_el0);
	isb();
	check(interrupted(), "the guest's cycles overflow", "kind %lu", b.kind);
	check_eq(read_sysreg(pmovsset_el0), 1UL << 31, "the flag");
	write_sysreg(ALL, pmovsclr_el0);
	isb();
	check(!gic_is_pending(PMU_PPI), "cleared: the line is low", "high");
	pmu_off();
	write_sysreg(HCR_BELOW, hcr_el2);
	isb();
}

static bool traps(u64 pstate, u32 key)
{
	u64 ret = below_call(&b, pstate, sys_code(key, true, 0), 0, 0);

	return !ret && b.kind == KIND_SYNC && b.esr == (0x62000000UL | sys_iss(key, true, 0));
}

static void trapping(void)
{
	pmu_off();
	check(!traps(EL1H, KEY_PMCR) && !traps(EL0T, KEY_PMCR), "nothing traps", "esr %lx", b.esr);
	write_sysreg(counters | MDCR_TPMCR, mdcr_el2);
	isb();
	check(traps(EL1H, KEY_PMCR) && traps(EL0T, KEY_PMCR), "TPMCR", "esr %lx", b.esr);
	check(!traps(EL1H, KEY_PMCCNTR) && !traps(EL0T, KEY_PMCCNTR), "and no more", "esr %lx", b.esr);
	write_sysreg(counters | MDCR_TPM, mdcr_el2);
	isb();
	check(traps(EL1H, KEY_PMCCNTR) && traps(EL0T, KEY_PMCCNTR) && traps(EL1H, KEY_PMCR), "TPM", "esr %lx", b.esr);
	/* EL0 that PMUSERENR_EL0 keeps out is EL1's, or without EL1 EL2's. */
	write_sysreg(0, pmuserenr_el0);
	isb();
	check(below_call(&b, EL0T, sys_code(KEY_PMCCNTR, true, 0), 0, 0) == BELOW_EXCEPTION + 8 &&
	      ESR_EC(read_sysreg(s3_5_c5_c2_0)) == EC_SYS, "PMUSERENR_EL0 comes first", "esr %lx", b.esr);
	pmu_off();
	if (nvhe)
		return;
	write_sysreg(0, pmuserenr_el0);
	write_sysreg(HCR_BELOW | HCR_TGE, hcr_el2);
	isb();
	check(traps(EL0T, KEY_PMCCNTR), "the hypervisor's EL0", "esr %lx", b.esr);
	write_sysreg(HCR_BELOW, hcr_el2);
	isb();
	pmu_off();
}

void payload_main(void)
{
	u64 val;

	counters = read_sysreg(pmcr_el0) >> 11 & 31;
	print("# %u counters\n", counters);
	check_eq(read_sysreg(mdcr_el2), counters, "MDCR_EL2 at reset");
	sys_write(SYSKEY(3, 4, 1, 1, 1), ~0UL);
	sys_read(SYSKEY(3, 4, 1, 1, 1), &val);
	check_eq(val & ~0xf00UL & ~(1UL << 27), counters | 0xe0 | MDCR_HPMD | MDCR_HCCD | MDCR_HLP, "bits of MDCR_EL2");
	write_sysreg(counters, mdcr_el2);
	el2_init();
	gic_init();
	gic_init_cpu();
	counting();
	counting_unseen();
	ranges();
	widths();
	interrupts();
	trapping();
}
