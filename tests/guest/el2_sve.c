// SPDX-License-Identifier: GPL-2.0-only
/*
 * SVE and FP at virtual EL2 and below: vector lengths at each level (ZCR_EL2, ZCR_EL1), who takes the trap of each of
 * CPTR_EL2 and CPACR_EL1's fields from EL2, EL1, EL0 and the hypervisor's own EL0, and one set of registers for all levels.
 */
#include "el2.h"
#include "vectors.h"

const char payload_name[] = "el2_sve";

/* s3_4_c1_c2_0 is ZCR_EL2, s3_0_c1_c2_0 ZCR_EL1, s3_5_c1_c2_0 ZCR_EL12, s3_5_c5_c2_0 ESR_EL12, s3_5_c1_c0_2 CPACR_EL12. */
#define KEY_ZCR_EL2	SYSKEY(3, 4, 1, 2, 0)
#define KEY_ZCR_EL1	SYSKEY(3, 0, 1, 2, 0)
#define FPEN(n)		((u64)(n) << 20)
#define ZEN(n)		((u64)(n) << 16)
#define OPEN		(FPEN(3) | ZEN(3))
#define LEN_MAX		15

#define INSN_RDVL	0x04bf5020	/* rdvl x0, #1 */
#define INSN_FMOV	0x9e660000	/* fmov x0, d0 */
#define INSN_SVC	0xd4000021
#define INSN_RET	0xd65f03c0

static u8 buffer[VECTORS_MAX] __attribute__((aligned(256)));
static struct below b;
static unsigned int lengths[LEN_MAX + 1];	/* bytes that LEN = n gives */
static u64 last_esr;

/* CPTR_EL2 as with E2H; without, TFP and TZ say what FPEN and ZEN say to EL1. */
static u64 layout(u64 e2h)
{
	return nvhe ? 0x32ff | (e2h & FPEN(1) ? 0 : 1 << 10) | (e2h & ZEN(1) ? 0 : 1 << 8) : e2h;
}

static void zcr_el2(u64 len)
{
	write_sysreg(len, s3_4_c1_c2_0);
	isb();
}

static u64 run_below(u64 pstate, u32 insn)
{
	u32 insns[2] = { insn, INSN_RET };

	return below_call(&b, pstate, code_of(insns, 2), 0, 0);
}

static u64 vl_at_el1(void)
{
	return run_below(EL1H, INSN_RDVL) == BELOW_RETURN ? b.x[0] : 0;
}

/* ---- lengths ---- */

static void lengths_at_el2(void)
{
	unsigned int n, max, bad = 0;

	zcr_el2(~0UL);
	max = sve_vl() / 16;
	check_eq(read_sysreg(s3_4_c1_c2_0), max - 1, "ZCR_EL2 takes no length that there is not");
	for (n = 0; n <= LEN_MAX; n++) {
		u64 want = n < max ? n : max - 1;

		zcr_el2(n);
		lengths[n] = sve_vl();
		bad += lengths[n] > (n + 1) * 16 || read_sysreg(s3_4_c1_c2_0) != want ||
		       (!nvhe && read_sysreg(s3_0_c1_c2_0) != want);
		bad += n && lengths[n] < lengths[n - 1];
	}
	check(!bad && lengths[0] == 16 && lengths[LEN_MAX] == max * 16, "lengths at EL2", "%u wrong", bad);
	/* With E2H ZCR_EL1 is a name of ZCR_EL2. */
	write_sysreg(1, s3_4_c1_c2_0);
	write_sysreg(nvhe ? 0 : 1, s3_0_c1_c2_0);
	isb();
	check_eq(read_sysreg(s3_4_c1_c2_0), max > 1 ? 1 : 0, "ZCR_EL2 by ZCR_EL1's name, with E2H only");
	write_sysreg(3, s3_5_c1_c2_0);
	check_eq(read_sysreg(s3_4_c1_c2_0), max > 1 ? 1 : 0, "ZCR_EL12 is not");
	check_eq(read_sysreg(s3_5_c1_c2_0), 3, "ZCR_EL12 keeps its value");
	print("# vectors of up to %u bytes\n", max * 16);
}

/* At EL1 and EL0 the lesser of both. */
static void lengths_below(void)
{
	static const u64 modes[] = { EL1H, EL0T };
	unsigned int two, one, mode, bad = 0;

	for (two = 0; two <= LEN_MAX; two += two < 4 ? 1 : 3)
		for (one = 0; one <= LEN_MAX; one += one < 4 ? 1 : 3)
			for (mode = 0; mode < 2; mode++) {
				unsigned int want = lengths[one < two ? one : two];

				zcr_el2(two);
				write_sysreg(one, s3_5_c1_c2_0);
				/* HVC is UNDEF at EL0: the way back is by EL1's vector there. */
				run_below(modes[mode], INSN_RDVL);
				if (b.x[0] != want) {
					bad++;
					print("# ZCR_EL2 %u, ZCR_EL1 %u, mode %u: %lu\n", two, one, mode, b.x[0]);
				}
				if (sve_vl() != lengths[two])
					bad++;
			}
	check(!bad, "lengths at EL1 and EL0", "%u wrong", bad);
	zcr_el2(0);
	below_call(&b, EL1H, sys_code(KEY_ZCR_EL1, false, 0), LEN_MAX, 0);
	check_eq(read_sysreg(s3_5_c1_c2_0), LEN_MAX, "ZCR_EL1 written at EL1");
	check_eq(vl_at_el1(), lengths[0], "ZCR_EL2 limits it");
	zcr_el2(LEN_MAX);
	check_eq(vl_at_el1(), lengths[LEN_MAX], "and no longer");
}

/* ---- traps ---- */

enum insn { SVE, FP, INSNS };

static const u32 words[INSNS] = { INSN_RDVL, INSN_FMOV };

/* Of a two-bit field: is it closed to EL0 (user) or to the level that has it? */
static bool closed(unsigned int field, bool user)
{
	return !(field & 1) || (field == 1 && user);
}

/* The level that takes it and the class, 0: none. Arm ARM, CheckSVEEnabled and CheckFPAdvSIMDEnabled64. */
static unsigned int expect(enum insn insn, bool el0, bool host, unsigned int cpacr, unsigned int cptr, unsigned int *ec)
{
	unsigned int level;

	for (level = host ? 2 : 1; level <= 2; level++) {
		unsigned int f = level == 1 ? cpacr : cptr;
		bool user = el0 && (level == 1 || host);

		*ec = EC_SVE;
		if (insn == SVE && closed(f & 3, user))
			return level;
		*ec = EC_FP;
		if (closed(f >> 2, user))
			return level;
	}
	return 0;
}

/* Run it there; the level that took an exception other than the way back. */
static unsigned int outcome(enum insn insn, u64 pstate)
{
	u32 insns[2] = { words[insn], INSN_SVC };
	const void *code = code_of(insns, 2);
	u64 ret = below_call(&b, pstate, code, 0, 0);
	unsigned int level = ret ? 1 : 2;

	last_esr = level == 1 ? read_sysreg(s3_5_c5_c2_0) : b.esr;
	if (ESR_EC(last_esr) == EC_SVC)
		return 0;
	if (level == 2 && (b.kind != KIND_SYNC || b.pc != (u64)code))
		return 3;
	return level;
}

static u64 fields(unsigned int n)
{
	return FPEN(n >> 2) | ZEN(n & 3);
}

static unsigned int trap_one(enum insn insn, u64 pstate, bool host, unsigned int cpacr, unsigned int cptr)
{
	unsigned int ec, want = expect(insn, pstate == EL0T, host, cpacr, cptr, &ec), got;

	write_sysreg(fields(cpacr), s3_5_c1_c0_2);
	write_sysreg(layout(fields(cptr)), cptr_el2);
	isb();
	got = outcome(insn, pstate);
	write_sysreg(layout(OPEN), cptr_el2);
	isb();
	if (got == want && (!want || (ESR_EC(last_esr) == ec && ESR_ISS(last_esr) == (ec == EC_FP ? 0x1e00000 : 0))))
		return 0;
	fail("trap", "%s mode %lx host %u CPACR %lx CPTR %lx: level %u, not %u, esr %lx", insn == SVE ? "SVE" : "FP", pstate, host,
	     fields(cpacr), fields(cptr), got, want, last_esr);
	return 1;
}

static void traps_below(void)
{
	unsigned int insn, cpacr, cptr, bad = 0, n = 0;

	for (insn = 0; insn < INSNS; insn++)
		for (cptr = 0; cptr < 16; cptr++)
			for (cpacr = 0; cpacr < 16; cpacr++, n++) {
				bad += trap_one(insn, EL1H, false, cpacr, cptr);
				bad += trap_one(insn, EL0T, false, cpacr, cptr);
			}
	check(!bad, "traps from EL1 and EL0", "%u of %u", bad, 2 * n);
	write_sysreg(OPEN, s3_5_c1_c0_2);
	if (nvhe)
		return;
	write_sysreg(HCR_BELOW | HCR_TGE, hcr_el2);
	isb();
	for (bad = 0, insn = 0; insn < INSNS; insn++)
		for (cptr = 0; cptr < 16; cptr++)
			bad += trap_one(insn, EL0T, true, 15, cptr);
	write_sysreg(HCR_BELOW, hcr_el2);
	isb();
	check(!bad, "traps from the hypervisor's EL0", "%u", bad);
}

static u64 own_esr;

static bool note(struct frame *f)
{
	own_esr = f->esr;
	f->elr += 4;
	return true;
}

/* The class of what EL2 takes from itself, or 0x100. */
static u64 own_class(const void *code)
{
	own_esr = 0x100UL << 26;
	this_cpu()->sync = note;
	((void (*)(void))code)();
	this_cpu()->sync = NULL;
	write_sysreg(layout(OPEN), cptr_el2);
	isb();
	return own_esr >> 26;
}

static void traps_at_el2(void)
{
	static const u32 rdvl[] = { INSN_RDVL, INSN_RET }, fmov[] = { INSN_FMOV, INSN_RET };

	write_sysreg(layout(FPEN(3) | ZEN(0)), cptr_el2);
	check_eq(own_class(code_of(rdvl, 2)), EC_SVE, "SVE at EL2, ZEN 0");
	write_sysreg(layout(FPEN(3) | ZEN(2)), cptr_el2);
	check_eq(own_class(sys_code(KEY_ZCR_EL2, true, 0)), EC_SVE, "ZCR_EL2 read, ZEN 2");
	write_sysreg(layout(FPEN(3) | ZEN(0)), cptr_el2);
	check_eq(own_class(sys_code(KEY_ZCR_EL2, false, 31)), EC_SVE, "ZCR_EL2 written, ZEN 0");
	write_sysreg(layout(FPEN(3) | ZEN(0)), cptr_el2);
	if (!nvhe)	/* else the read is memory's: FEAT_NV2 knows no trap of it */
		check_eq(own_class(sys_code(KEY_ZCR_EL1, true, 0)), EC_SVE, "ZCR_EL1 read, ZEN 0");
	write_sysreg(layout(FPEN(0) | ZEN(3)), cptr_el2);
	check_eq(own_class(code_of(fmov, 2)), EC_FP, "FP at EL2, FPEN 0");
	write_sysreg(layout(FPEN(1) | ZEN(1)), cptr_el2);
	check_eq(own_class(code_of(rdvl, 2)), 0x100, "SVE at EL2, ZEN 1");
	/* ZCR_EL1 of EL1 has the same trap as what it controls. */
	write_sysreg(layout(FPEN(3) | ZEN(0)), cptr_el2);
	check(!below_call(&b, EL1H, sys_code(KEY_ZCR_EL1, true, 0), 0, 0) && b.esr == ((u64)EC_SVE << 26 | 1UL << 25),
	      "ZCR_EL1 at EL1, ZEN 0", "esr %lx", b.esr);
	write_sysreg(layout(OPEN), cptr_el2);
	isb();
}

/* ---- one set of registers ---- */

static u64 vl_and_exit(u64 unused)
{
	u64 vl = sve_vl();

	readb(UART_BASE + 5);	/* the VMM runs, and uses vector registers of its own */
	return vl;
}

static u64 fill_and_exit(u64 seed)
{
	sve_fill(seed);
	readb(UART_BASE + 5);
	return sve_vl();
}

static void registers(void)
{
	unsigned int max = lengths[LEN_MAX], at;

	write_sysreg(LEN_MAX, s3_5_c1_c2_0);
	zcr_el2(LEN_MAX);
	sve_fill(100);
	below_call(&b, EL1H, vl_and_exit, 0, 0);
	sve_store(buffer);
	at = sve_compare(buffer, max, 100, true);
	check(b.x[0] == max && !at, "EL2's registers after EL1", "vl %lu, byte %u", b.x[0], at - 1);
	check_eq(below_call(&b, EL1H, fill_and_exit, 200, 0), BELOW_RETURN, "EL1 writes them");
	sve_store(buffer);
	at = sve_compare(buffer, max, 200, true);
	check(!at, "EL1's registers at EL2", "byte %u", at - 1);

	/* EL1 limited to less: what a vector has up to there is what it was, whoever else had the registers meanwhile. */
	v_fill(300);
	zcr_el2(0);
	below_call(&b, EL1H, vl_and_exit, 0, 0);
	check_eq(b.x[0], lengths[0], "the least length");
	v_store(buffer);
	at = v_compare(buffer, 300);
	check(!at, "registers that leave the CPU while limited", "byte %u", at - 1);
	check_eq(below_call(&b, EL1H, fill_and_exit, 400, 0), BELOW_RETURN, "the limited one writes them");
	zcr_el2(LEN_MAX);
	v_store(buffer);
	at = v_compare(buffer, 400);
	check(sve_vl() == max && !at, "and the limit is gone", "vl %u, byte %u", sve_vl(), at - 1);
}

/* ---- without ---- */

static void no_sve(void)
{
	u64 val;

	check(sys_read(KEY_ZCR_EL2, &val) && sys_write(KEY_ZCR_EL2, 0), "no ZCR_EL2", "%lx", val);
	write_sysreg(OPEN, s3_5_c1_c0_2);
	write_sysreg(layout(FPEN(3)), cptr_el2);
	isb();
	check(outcome(SVE, EL1H) == 1 && ESR_EC(last_esr) == EC_UNKNOWN, "SVE is UNDEF at EL1", "esr %lx", last_esr);
	check(outcome(FP, EL1H) == 0, "FP is not", "esr %lx", last_esr);
	write_sysreg(layout(0), cptr_el2);
	isb();
	check(outcome(FP, EL1H) == 2 && ESR_EC(last_esr) == EC_FP, "and traps to EL2", "esr %lx", last_esr);
	write_sysreg(layout(FPEN(3)), cptr_el2);
	isb();
}

void payload_main(void)
{
	el2_init();
	if (!(read_sysreg(id_aa64pfr0_el1) >> 32 & 0xf)) {
		no_sve();
		return;
	}
	if (!nvhe)
		check_eq(own_class(sys_code(KEY_ZCR_EL2, true, 0)), EC_SVE, "ZCR_EL2 is closed at reset");
	write_sysreg(layout(OPEN), cptr_el2);
	isb();
	check_eq(read_sysreg(s3_4_c1_c2_0), 0, "ZCR_EL2 at reset");
	write_sysreg(OPEN, s3_5_c1_c0_2);
	lengths_at_el2();
	lengths_below();
	traps_below();
	traps_at_el2();
	registers();
}
