// SPDX-License-Identifier: GPL-2.0-only
/*
 * HCR_EL2.TGE without E2H: EL0 without an EL1. Its stage 1 is off, every exception of its is taken to EL2, nothing virtual
 * comes to it, and EL1's registers keep what they hold. Arm ARM D1.3, D19.2.48.
 */
#include "el2.h"

const char payload_name[] = "el2_tge";

#define KIND_SYNC32	12
#define EC_SVC32	0x11
#define EC_PC_ALIGN	0x22
#define EC_STEP		0x32
#define PSR_F_I		0xc0UL
#define PSR_FLAGS	0x60000000UL	/* Z, C */
#define PSR_SS		(1UL << 21)
#define PSR_32_DIT	(1UL << 24)
#define SGI		3
#define NOWHERE		(1UL << 52)	/* beyond every physical address */
#define SCTLR_OFF	0x30d00980UL
#define SCTLR_M		1UL
#define SCTLR_A		2UL
#define RET		0xd65f03c0


/* EL1's registers by their names with E2H, which lib.c turns: s3_5_c1_c0_0 SCTLR, c1_c0_2 CPACR, c4_c0_0 SPSR, c4_c0_1 ELR, c5_c2_0 ESR, c6_c0_0 FAR, c12_c0_0 VBAR. */
static const u32 svc7[] = { 0xd40000e1, RET };
static struct below b;

/* One instruction at EL0, then RET; x0, x1 are @a0, @a1. It has to end as an exception to EL2 at it, or @behind. */
static void expect(const char *what, u32 insn, u64 a0, u64 a1, u64 esr, u64 mask, bool behind)
{
	u32 code[2] = { insn, RET };
	const void *at = code_of(code, 2);

	below_call(&b, EL0T | PSR_FLAGS, at, a0, a1);
	check(b.kind == KIND_SYNC && (b.esr & mask) == esr && b.pc == (u64)at + 4 * behind && b.pstate == (EL0T | PSR_FLAGS), what,
	      "kind %lu esr %lx pc %lx of %lx pstate %lx", b.kind, b.esr, b.pc, (u64)at, b.pstate);
}

static void exceptions(void)
{
	expect("SVC", 0xd40000e1, 0, 0, 0x56000007, ~0UL, true);
	expect("BRK", 0xd4200120, 0, 0, 0xf2000009, ~0UL, false);
	expect("UDF", 0, 0, 0, 0x2000000, ~0UL, false);
	expect("HVC", 0xd4000022, 0, 0, 0x2000000, ~0UL, false);
	expect("SMC", 0xd4000003, 0, 0, 0x2000000, ~0UL, false);
	expect("ERET", 0xd69f03e0, 0, 0, 0x2000000, ~0UL, false);
	expect("MRS of SCTLR_EL1", 0xd5381000, 0, 0, 0x2000000, ~0UL, false);
	expect("MSR DAIFSet without UMA", 0xd50342df, 0, 0, 0x18UL << 26, 0x3fUL << 26, false);
	expect("WFI without nTWI", 0xd503207f, 0, 0, 1UL << 26, 0x3fUL << 26, false);
	/* Stage 1 is off: flat, and data is device memory. */
	write_sysreg(read_sysreg(s3_5_c1_c0_0) | SCTLR_A, s3_5_c1_c0_0);
	expect("load that is not aligned", 0xf9400001, (u64)&b + 1, 0, 0x92000021, 0xfe00007f, false);
	check_eq(b.far, (u64)&b + 1, "its FAR_EL2");
	expect("store that is not aligned", 0xf9000001, (u64)&b + 2, 0, 0x92000061, 0xfe00007f, false);
	write_sysreg(SCTLR_OFF, s3_5_c1_c0_0);
	expect("load from nowhere", 0xf9400001, NOWHERE, 0, 0x92000000, 0xfe00007f, false);
	check_eq(b.far, NOWHERE, "its FAR_EL2");
}

static void fetches(void)
{
	static const u32 br[] = { 0xd61f0000 };		/* br x0 */

	below_call(&b, EL0T, code_of(br, 1), NOWHERE, 0);
	check(b.kind == KIND_SYNC && (b.esr & 0xfe00003f) == 0x82000000 && b.pc == NOWHERE && b.far == NOWHERE, "fetch from nowhere",
	      "esr %lx pc %lx far %lx", b.esr, b.pc, b.far);
	below_call(&b, EL0T, code_of(br, 1), (u64)code_of(br, 1) + 2, 0);
	check(b.kind == KIND_SYNC && ESR_EC(b.esr) == EC_PC_ALIGN && b.far == b.pc && (b.pc & 3) == 2, "PC that is not aligned",
	      "esr %lx pc %lx far %lx", b.esr, b.pc, b.far);
}

/* CPACR_EL1 goes on to count, but its trap is an UNDEF at EL2. */
static void fp(void)
{
	static const u32 fmov[] = { 0x1e604000, 0xd40000e1 };

	write_sysreg(0, s3_5_c1_c0_2);
	expect("FP that CPACR_EL1 traps", fmov[0], 0, 0, 0x2000000, ~0UL, false);
	write_sysreg(3 << 20, s3_5_c1_c0_2);
	below_call(&b, EL0T, code_of(fmov, 2), 0, 0);
	check_eq(b.esr, 0x56000007, "FP that it does not");
	write_sysreg(CPTR_CLOSED, cptr_el2);
	isb();
	below_call(&b, EL0T, code_of(fmov, 2), 0, 0);
	check_eq(ESR_EC(b.esr), EC_FP, "FP that CPTR_EL2 traps");
	write_sysreg(CPTR_OPEN, cptr_el2);
	isb();
}

/* Whatever EL1 had in the registers of an exception is there after all those that EL0 took. */
static void el1_kept(void)
{
	u64 vbar = read_sysreg(s3_5_c12_c0_0), sctlr = SCTLR_OFF | SCTLR_M;

	write_sysreg(0x600003c5, s3_5_c4_c0_0);
	write_sysreg(0x1234560, s3_5_c4_c0_1);
	write_sysreg(0x5600abcd, s3_5_c5_c2_0);
	write_sysreg(0xffff000012345678, s3_5_c6_c0_0);
	write_sysreg(0xffff800000000800, s3_5_c12_c0_0);
	write_sysreg(sctlr, s3_5_c1_c0_0);		/* M counts as 0 */
	expect("SVC with SCTLR_EL1.M", 0xd40000e1, 0, 0, 0x56000007, ~0UL, true);
	expect("load with SCTLR_EL1.M", 0xf9400001, NOWHERE + 8, 0, 0x92000000, 0xfe00007f, false);
	check_eq(read_sysreg(s3_5_c4_c0_0), 0x600003c5, "SPSR_EL1 is kept");
	check_eq(read_sysreg(s3_5_c4_c0_1), 0x1234560, "ELR_EL1 is kept");
	check_eq(read_sysreg(s3_5_c5_c2_0), 0x5600abcd, "ESR_EL1 is kept");
	check_eq(read_sysreg(s3_5_c6_c0_0), 0xffff000012345678, "FAR_EL1 is kept");
	check_eq(read_sysreg(s3_5_c12_c0_0), 0xffff800000000800, "VBAR_EL1 is kept");
	check_eq(read_sysreg(s3_5_c1_c0_0), sctlr, "SCTLR_EL1 is kept");
	asm volatile(".inst 0xd50c7880 | %1" : : "r"(0), "i"(31) : "memory");	/* AT S12E1R, XZR */
	isb();
	check(!(read_sysreg(par_el1) & 0x100000000f001UL), "AT S12E1R: stage 1 is off", "%lx", read_sysreg(par_el1));
	write_sysreg(SCTLR_OFF, s3_5_c1_c0_0);
	write_sysreg(vbar, s3_5_c12_c0_0);
}

static void interrupts(void)
{
	static const u32 spin[] = { 0x14000000 };	/* b . */
	unsigned int masked;

	gic_init();
	gic_init_cpu();
	gic_enable(SGI);
	for (masked = 0; masked < 2; masked++) {
		u64 pstate = masked ? EL0T : EL0T & ~PSR_F_I;

		gic_send_sgi(0, SGI);
		below_call(&b, pstate, code_of(spin, 1), 0, 0);
		check(b.kind == KIND_IRQ && b.pstate == pstate, masked ? "IRQ that EL0 masks, IMO clear" : "IRQ, IMO clear",
		      "kind %lu pstate %lx", b.kind, b.pstate);
		check_eq(gic_ack(), SGI, "its INTID");
		gic_eoi(SGI);
	}
}

static void nothing_virtual(void)
{
	u64 hcr = HCR_BELOW | HCR_TGE | HCR_IMO | HCR_FMO | HCR_AMO | HCR_VI | HCR_VF | HCR_VSE;

	write_sysreg(hcr, hcr_el2);
	below_call(&b, 0, code_of(svc7, 2), 0, 0);
	check(b.kind == KIND_SYNC && b.esr == 0x56000007, "no virtual exception", "kind %lu esr %lx", b.kind, b.esr);
	check_eq(read_sysreg(hcr_el2), hcr, "they stay pending");
	write_sysreg(HCR_BELOW | HCR_TGE, hcr_el2);
	/* A list register with a pending interrupt. */
	write_sysreg(1, s3_4_c12_c11_0);				/* ICH_HCR_EL2.En */
	write_sysreg(1UL << 62 | 1UL << 60 | 40, s3_4_c12_c12_0);	/* ICH_LR0_EL2: pending, group 1 */
	write_sysreg(0xf8000002, s3_4_c12_c11_7);			/* ICH_VMCR_EL2: VPMR, VENG1 */
	below_call(&b, 0, code_of(svc7, 2), 0, 0);
	check(b.kind == KIND_SYNC && b.esr == 0x56000007, "no interrupt of a list register", "kind %lu esr %lx", b.kind, b.esr);
	check_eq(read_sysreg(s3_4_c12_c11_0), 1, "ICH_HCR_EL2 is kept");
	check_eq(read_sysreg(s3_4_c12_c12_0) >> 62, 1, "it stays pending");
	write_sysreg(HCR_BELOW | HCR_IMO | HCR_FMO, hcr_el2);
	check_eq(below_call(&b, EL0T & ~PSR_F_I, code_of(svc7, 2), 0, 0), BELOW_EXCEPTION + 9, "without TGE it comes to EL1");
	write_sysreg(0, s3_4_c12_c12_0);
	write_sysreg(0, s3_4_c12_c11_0);
	write_sysreg(HCR_BELOW | HCR_TGE, hcr_el2);
}

/* Stage 2 goes on to count; and code that the tables show where EL1 would begin is not run. */
static void stage2(void)
{
	u64 page = memory_alloc(4096), i;
	const void *code;
	struct tables t;

	for (i = 0; i < 1024; i++)
		writel(i & 1 ? 0xd4000ee2 : 0x910004a5, page + 4 * i);	/* add x5, x5, #1; hvc #0x77 */
	asm volatile("dsb sy; ic iallu; dsb sy; isb" : : : "memory");
	code = code_of(svc7, 2);
	tables_init(&t, true, 12, 40);
	tables_map(&t, 0, page, 3, S2_PAGE);
	tables_map(&t, 0x800000, (u64)code & ~0xfffUL, 3, S2_PAGE);
	stage2_on(&t, 1);
	below_call(&b, EL0T, (void *)(0x800000 | ((u64)code & 0xfff)), 0, 0);
	check_eq(b.esr, 0x56000007, "SVC through stage 2");
	b.x[5] = 0;
	below_call(&b, EL0T, (void *)0x400UL, 0, 0);
	check(b.esr == 0x2000000 && b.pc == 0x404, "EL0 runs there itself", "esr %lx pc %lx", b.esr, b.pc);
	below_call(&b, EL0T, (void *)(0x800000 | ((u64)code & 0xfff)), 0, 0);
	check_eq(b.esr, 0x56000007, "SVC after that");
	check_eq(b.x[5], 1, "EL1 has run nothing");
	below_call(&b, EL0T, (void *)0x900000UL, 0, 0);
	check(ESR_EC(b.esr) == EC_IABT_LOW && (b.esr & 0x3c) == 4 && b.hpfar == 0x9000, "abort of stage 2", "esr %lx hpfar %lx", b.esr, b.hpfar);
	/* The same tables for a guest with an EL1. */
	write_sysreg(HCR_BELOW | HCR_VM, hcr_el2);
	write_sysreg(0, s3_5_c12_c0_0);
	below_call(&b, EL0T, (void *)(0x800000 | ((u64)code & 0xfff)), 0, 0);
	check(below_hvc(&b, 0x77) && b.pc == 0x408, "without TGE EL1 takes it", "esr %lx pc %lx", b.esr, b.pc);
	write_sysreg(HCR_BELOW | HCR_VM | HCR_TGE, hcr_el2);
	below_call(&b, EL0T, (void *)(0x800000 | ((u64)code & 0xfff)), 0, 0);
	check_eq(b.esr, 0x56000007, "with TGE again EL2");
	stage2_on(NULL, 0);
}

static void step(void)
{
	static const u32 code[] = { 0xd503201f, 0xd40000e1 };	/* nop; svc #7 */
	const void *at = code_of(code, 2);

	write_sysreg(1, mdscr_el1);
	below_call(&b, (EL0T | PSR_SS) & ~0x200UL, at, 0, 0);
	check(ESR_EC(b.esr) == EC_STEP && b.pc == (u64)at + 4, "a step", "esr %lx pc %lx", b.esr, b.pc);
	b.pstate |= PSR_SS;
	below_resume(&b);
	check(b.esr == 0x56000007 && !(b.pstate & PSR_SS), "a step over SVC", "esr %lx pstate %lx", b.esr, b.pstate);
	write_sysreg(0, mdscr_el1);
}

static void aarch32(void)
{
	static const u32 svc[] = { 0xef000012 };

	if ((read_sysreg(id_aa64pfr0_el1) & 0xf) != 2)
		return;
	below_call(&b, 0x1d0 | PSR_FLAGS | PSR_32_DIT, code_of(svc, 1), 0, 0);
	check(b.kind == KIND_SYNC32 && b.esr == ((u64)EC_SVC32 << 26 | 0x2000012) && b.pstate == (0x1d0 | PSR_FLAGS | PSR_32_DIT),
	      "SVC in AArch32", "kind %lu esr %lx pstate %lx", b.kind, b.esr, b.pstate);
	if (read_sysreg(id_aa64pfr0_el1) >> 48 & 0xf) {
		check_eq(read_sysreg(s3_3_c4_c2_5), PSR_32_DIT, "EL2 goes on with DIT");
		write_sysreg(0, s3_3_c4_c2_5);
	}
}

void payload_main(void)
{
	el2_init();
	write_sysreg(HCR_BELOW | HCR_TGE, hcr_el2);
	isb();
	exceptions();
	fetches();
	fp();
	el1_kept();
	interrupts();
	nothing_virtual();
	stage2();
	step();
	aarch32();
}
