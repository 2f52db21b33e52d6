// SPDX-License-Identifier: GPL-2.0-only
/* Exceptions to virtual EL2 and returns from it: ERET to every mode, its PAuth forms, HVC, SMC, SVC, WFx, aborts, TGE, IRQ. */
#include "el2.h"

const char payload_name[] = "el2_exceptions";

#define PSR_IL		(1UL << 20)
#define PSR_PAN		(1UL << 22)
#define PSR_NZCV	(0xfUL << 28)
#define SGI		3

static struct below b;
static struct frame taken;
static bool was_taken;

/* An exception that EL2 takes from itself: noted, and left behind it with a plain PSTATE. */
static bool note(struct frame *f)
{
	taken = *f;
	was_taken = true;
	f->spsr = EL2H;
	if (ESR_EC(f->esr) == EC_IABT || ESR_EC(f->esr) == EC_HVC || ESR_EC(f->esr) == EC_PACFAIL)
		f->elr = f->x[30];
	return true;
}

/* ERET with this SPSR_EL2 to the next instruction; true if an exception was taken there, or by ERET itself. */
static bool __attribute__((noinline)) eret_here(u64 spsr)
{
	static u64 stack[256] __attribute__((aligned(16)));

	was_taken = false;
	this_cpu()->sync = note;
	write_sysreg(stack + 256, sp_el0);
	asm volatile("msr spsr_el2, %0\n"
		     "adr x9, 1f\n"
		     "msr elr_el2, x9\n"
		     "eret\n"
		     "1: mrs x9, spsel\n"
		     "msr spsel, #1\n"
		     : : "r"(spsr) : "x9", "memory");
	this_cpu()->sync = NULL;
	asm volatile("msr daifset, #15" : : : "memory");
	return READ_ONCE(was_taken);
}

static const u32 hvc1[] = { 0xd4000022, 0x14000000 };		/* hvc #1; b . */
static const u32 svc1[] = { 0xd4000021, 0xd65f03c0 };		/* svc #1; ret */

static void eret_modes(bool tge)
{
	static const char *const names[2] = { "ERET to mode", "ERET to mode with TGE" };
	bool aarch32 = (read_sysreg(id_aa64pfr0_el1) & 0xf) == 2;
	unsigned int mode, bad = 0;

	if (tge)
		write_sysreg(HCR_BELOW | HCR_TGE, hcr_el2);
	for (mode = 0; mode < 32; mode++) {
		bool el2 = mode == 8 || mode == 9, el1 = mode == 4 || mode == 5;
		bool legal = el2 || mode == 0 || (el1 && !tge) || (mode == 16 && aarch32);
		u64 spsr = 0x3c0 | PSR_PAN | 0x50000000 | mode;

		if (legal && !el2) {
			u64 ret;

			if (mode == 16)
				continue;	/* AArch32 code: not here */
			ret = below_call(&b, 0x3c0 | mode, code_of(mode ? hvc1 : svc1, 2), 0, 0);
			if (mode == 0 && !tge ? ret != BELOW_EXCEPTION + 8 :
			    b.kind != KIND_SYNC || ESR_EC(b.esr) != (mode ? EC_HVC : EC_SVC) || (b.pstate & 0x1f) != mode) {
				fail(names[tge], "%u: kind %lu esr %lx pstate %lx", mode, b.kind, b.esr, b.pstate);
				bad++;
			}
			continue;
		}
		if (eret_here(spsr) == legal) {
			fail(names[tge], "%u: %s", mode, legal ? "illegal" : "legal");
			bad++;
			continue;
		}
		if (!legal && (ESR_EC(taken.esr) != EC_ILLEGAL || (taken.spsr & 0x1f) != 9 || !(taken.spsr & PSR_IL) ||
			       (taken.spsr & PSR_NZCV) != 0x50000000 || !(taken.spsr & PSR_PAN))) {
			fail(names[tge], "%u: esr %lx spsr %lx", mode, taken.esr, taken.spsr);
			bad++;
		}
	}
	write_sysreg(HCR_BELOW, hcr_el2);
	if (!bad)
		ok(names[tge]);
}

static void eret_il(void)
{
	bool was = eret_here(EL2H | PSR_IL);

	check(was && ESR_EC(taken.esr) == EC_ILLEGAL, "ERET to EL2h with IL", "%d, esr %lx", was, taken.esr);
	/* EL1 with IL set takes the exception there. */
	check_eq(below_call(&b, EL1H | PSR_IL, code_of(hvc1, 2), 0, 0), BELOW_EXCEPTION + 4, "ERET to EL1h with IL");
	check_eq(ESR_EC(read_sysreg(s3_5_c5_c2_0)), EC_ILLEGAL, "its class at EL1");
	/* EL1's vector at EL1t is another. */
	check_eq(below_call(&b, EL1T | PSR_IL, code_of(hvc1, 2), 0, 0), BELOW_EXCEPTION + 0, "ERET to EL1t with IL");
}

static bool has_pauth(void)
{
	return read_sysreg(id_aa64isar1_el1) & 0xff0 || read_sysreg(s3_0_c0_c6_2) >> 12 & 0xf;
}

static bool has_generic(void)
{
	return (read_sysreg(s3_0_c0_c6_1) >> 4 & 0xff) || (read_sysreg(s3_0_c0_c6_2) >> 12 & 0xf);
}

static void eret_pauth(void)
{
	u64 sp, spsr = EL2H;

	if (!has_pauth() || !has_generic()) {
		print("# no pointer authentication\n");
		return;
	}
	write_sysreg(read_sysreg(sctlr_el1) | 1UL << 31 | 1UL << 30, sctlr_el1);	/* EnIA, EnIB of SCTLR_EL2 */
	isb();
	write_sysreg(0x1234, s3_0_c2_c1_0);	/* APIAKeyLo_EL1 */
	write_sysreg(0x5678, s3_0_c2_c1_2);	/* APIBKeyLo_EL1 */
	isb();
#define ERETA(ins, sign, break_it) ({								\
	was_taken = false;									\
	this_cpu()->sync = note;								\
	asm volatile(".arch_extension pauth\n"							\
		     "msr spsr_el2, %1\n"							\
		     "adr x9, 1f\n"								\
		     "mov x30, x9\n"								\
		     "mov %0, sp\n"								\
		     sign " x9, %0\n"								\
		     "eor x9, x9, %2\n"								\
		     "msr elr_el2, x9\n"							\
		     ins "\n"									\
		     "1: nop\n"									\
		     : "=&r"(sp) : "r"(spsr), "r"((u64)(break_it)) : "x9", "x30", "memory");	\
	this_cpu()->sync = NULL;								\
	READ_ONCE(was_taken);									\
})
	check(!ERETA("eretaa", "pacia", 0), "ERETAA", "esr %lx elr %lx", taken.esr, taken.elr);
	check(!ERETA("eretab", "pacib", 0), "ERETAB", "esr %lx elr %lx", taken.esr, taken.elr);
	check(ERETA("eretaa", "pacia", 1UL << 50), "ERETAA refuses a wrong signature", "it did not");
	check(ERETA("eretab", "pacia", 0), "ERETAB refuses the other key's", "it did not");
	write_sysreg(read_sysreg(sctlr_el1) & ~(1UL << 31 | 1UL << 30), sctlr_el1);
	isb();
	/* Without EnIA no address is authenticated. */
	check(!ERETA("eretaa", "pacia", 0), "ERETAA with EnIA clear", "esr %lx elr %lx", taken.esr, taken.elr);
	b.eretaa = 1;
	check_eq(below_call(&b, EL1H, code_of(hvc1, 2), 0, 0), 0, "ERETAA to EL1");
	check(below_hvc(&b, 1), "HVC after ERETAA", "esr %lx", b.esr);
	b.eretaa = 0;
}

/* A vector at EL1 that can tell without HVC. */
asm(".balign 2048\nsmc_vectors: .skip 0x200\n smc #9\n");
extern char smc_vectors[], el1_vectors[];

/* What EL0 does while TGE is set comes to EL2. */
static void el0_with_tge(void)
{
	static const u32 udf1[] = { 0, 0xd4000022 };
	const void *code;

	write_sysreg(HCR_BELOW | HCR_TGE, hcr_el2);
	code = code_of(udf1, 2);
	below_call(&b, EL0T, code, 0, 0);
	check(ESR_EC(b.esr) == EC_UNKNOWN && b.pc == (u64)code && b.kind == KIND_SYNC, "UDF at EL0 with TGE", "esr %lx", b.esr);
	below_call(&b, EL0T, code_of(svc1, 2), 0, 0);
	check_eq(b.esr, 0x56000001, "SVC at EL0 with TGE: ESR_EL2");
	below_call(&b, EL0T, code_of(hvc1, 2), 0, 0);
	check_eq(ESR_EC(b.esr), EC_UNKNOWN, "HVC at EL0 with TGE is UNDEF");
	write_sysreg(HCR_BELOW, hcr_el2);
}

static void calls(void)
{
	static const u32 smc1[] = { 0xd4000043, 0xd4000022 };		/* smc #2; hvc #1 */
	static const u32 smc0[] = { 0xd4000003, 0xd4000022 };
	static const u32 wfi1[] = { 0xd503207f, 0xd4000022 };
	static const u32 udf1[] = { 0, 0xd4000022 };
	const void *code = code_of(hvc1, 2);

	below_call(&b, EL1H | 0xa0000000, code, 7, 0);
	check_eq(b.kind, KIND_SYNC, "HVC: vector");
	check_eq(b.esr, 0x5a000001, "HVC: ESR_EL2");
	check_eq(b.pc, (u64)code + 4, "HVC: ELR_EL2 is behind it");
	check_eq(b.pstate & (PSR_NZCV | 0x3df), EL1H | 0xa0000000, "HVC: SPSR_EL2");
	check_eq(b.x[0], 7, "HVC: X0");

	write_sysreg(HCR_BELOW | HCR_HCD | HCR_TSC, hcr_el2);
	write_sysreg(smc_vectors, s3_5_c12_c0_0);
	below_call(&b, EL1H, code_of(hvc1, 2), 0, 0);
	check_eq(b.esr, 0x5e000009, "HVC with HCD is UNDEF at EL1");
	write_sysreg(el1_vectors, s3_5_c12_c0_0);
	write_sysreg(HCR_BELOW, hcr_el2);

	write_sysreg(HCR_BELOW | HCR_TSC, hcr_el2);
	code = code_of(smc1, 2);
	below_call(&b, EL1H, code, 0, 0);
	check_eq(b.esr, 0x5e000002, "SMC with TSC: ESR_EL2");
	check_eq(b.pc, (u64)code, "SMC with TSC: ELR_EL2 is the SMC");
	b.pc += 4;
	below_resume(&b);
	check(below_hvc(&b, 1), "SMC with TSC: skipped", "esr %lx", b.esr);
	write_sysreg(HCR_BELOW, hcr_el2);
	below_call(&b, EL1H, code_of(smc0, 2), PSCI_VERSION, 0);
	check(below_hvc(&b, 1) && b.x[0] >= 2 && b.x[0] < 0x20000, "SMC without TSC", "esr %lx x0 %lx", b.esr, b.x[0]);

	write_sysreg(HCR_BELOW | HCR_TWI, hcr_el2);
	below_call(&b, EL1H, code_of(wfi1, 2), 0, 0);
	check(ESR_EC(b.esr) == EC_WFX && !(b.esr & 3), "WFI with TWI", "esr %lx", b.esr);
	/* WFE with TWE cannot be seen: QEMU's WFE does nothing. */
	write_sysreg(HCR_BELOW, hcr_el2);

	check_eq(below_call(&b, EL1H, code_of(udf1, 2), 0, 0), BELOW_EXCEPTION + 4, "UDF at EL1 goes to EL1");
	check_eq(below_call(&b, EL0T, code_of(udf1, 2), 0, 0), BELOW_EXCEPTION + 8, "UDF at EL0 goes to EL1");
	check_eq(below_call(&b, EL0T, code_of(hvc1, 2), 0, 0), BELOW_EXCEPTION + 8, "HVC at EL0 is UNDEF");
	el0_with_tge();

	was_taken = false;
	this_cpu()->sync = note;
	asm volatile("adr x30, 1f; hvc #5; 1: nop" : : : "x30", "memory");
	this_cpu()->sync = NULL;
	check(was_taken && taken.esr == 0x5a000005, "HVC at EL2 goes to EL2", "%d esr %lx", was_taken, taken.esr);
}

/* EL1's own view of what happened to it: SPSR, ELR, ESR, FAR, by the names of EL12. */
static void el1_state(void)
{
	static const u32 udf1[] = { 0, 0xd4000022 };
	const void *code = code_of(udf1, 2);

	below_call(&b, EL1H | 0x60000000, code, 0, 0);
	check_eq(read_sysreg(s3_5_c4_c0_1), (u64)code, "ELR_EL12");
	check_eq(read_sysreg(s3_5_c4_c0_0) & (PSR_NZCV | 0x3df), EL1H | 0x60000000, "SPSR_EL12");
	check_eq(read_sysreg(s3_5_c5_c2_0), 0x2000000, "ESR_EL12");
	/* And what EL2 writes there, EL1 returns with. */
	write_sysreg((u64)code + 4, s3_5_c4_c0_1);
	below_resume(&b);	/* the vector's ERET */
	check(below_hvc(&b, 1) && b.pc == (u64)code + 8, "EL1 returns to the ELR_EL12 that EL2 wrote", "esr %lx pc %lx",
	      b.esr, b.pc);
}

static u32 irq_of;

static void on_irq(u32 intid)
{
	irq_of = intid;
}

static void interrupts(void)
{
	static const u32 spin[] = { 0x14000000 };	/* b . */
	unsigned int masked;

	gic_init();
	gic_init_cpu();
	gic_enable(SGI);
	irq_handler = on_irq;
	for (masked = 0; masked < 2; masked++) {
		write_sysreg(HCR_BELOW | HCR_IMO | HCR_FMO, hcr_el2);
		gic_send_sgi(0, SGI);
		/* Masked or not at EL1: an interrupt for EL2 comes. */
		below_call(&b, masked ? EL1H : EL1H & ~0x80UL, code_of(spin, 1), 0, 0);
		check_eq(b.kind, KIND_IRQ, masked ? "IRQ from EL1 that masks it" : "IRQ from EL1");
		check_eq(gic_ack(), SGI, "its INTID");
		gic_eoi(SGI);
	}
	write_sysreg(HCR_BELOW | HCR_TGE | HCR_IMO | HCR_FMO, hcr_el2);
	gic_send_sgi(0, SGI);
	below_call(&b, EL0T & ~0x80UL, code_of(spin, 1), 0, 0);
	check(b.kind == KIND_IRQ && (b.pstate & 0x1f) == 0, "IRQ from EL0 with TGE", "kind %lu pstate %lx", b.kind, b.pstate);
	check_eq(gic_ack(), SGI, "its INTID");
	gic_eoi(SGI);
	gic_send_sgi(0, SGI);
	irq_of = 0;
	irq_enable();
	wait_for(READ_ONCE(irq_of), 10000);
	irq_disable();
	check_eq(irq_of, SGI, "IRQ at EL2 itself");
	write_sysreg(HCR_BELOW, hcr_el2);
	irq_handler = NULL;
}

/* HCR_EL2.{VI,VF,VSE}: virtual exceptions for EL1. */
static void virtual_exceptions(void)
{
	static const u32 open[] = { 0xd50347ff, 0xd5033fdf, 0xd4000022 };	/* msr daifclr, #7; isb; hvc #1 */
	u64 ret;

	write_sysreg(HCR_BELOW | HCR_IMO | HCR_FMO | HCR_AMO | HCR_VI, hcr_el2);
	ret = below_call(&b, EL1H, code_of(open, 3), 0, 0);
	check_eq(ret, BELOW_EXCEPTION + 5, "HCR_EL2.VI is an IRQ at EL1");
	write_sysreg(HCR_BELOW | HCR_IMO | HCR_FMO | HCR_AMO | HCR_VF, hcr_el2);
	ret = below_call(&b, EL1H, code_of(open, 3), 0, 0);
	check_eq(ret, BELOW_EXCEPTION + 6, "HCR_EL2.VF is an FIQ at EL1");
	write_sysreg(0x123, s3_4_c5_c2_3);	/* VSESR_EL2 */
	write_sysreg(HCR_BELOW | HCR_IMO | HCR_FMO | HCR_AMO | HCR_VSE, hcr_el2);
	isb();
	ret = below_call(&b, EL1H, code_of(open, 3), 0, 0);
	check_eq(ret, BELOW_EXCEPTION + 7, "HCR_EL2.VSE is an SError at EL1");
	check_eq(ESR_EC(read_sysreg(s3_5_c5_c2_0)), 0x2f, "its class");
	if (read_sysreg(id_aa64pfr0_el1) >> 28 & 0xf)
		check_eq(ESR_ISS(read_sysreg(s3_5_c5_c2_0)), 0x123, "its syndrome is VSESR_EL2's");
	check_eq(read_sysreg(hcr_el2) & HCR_VSE, 0, "HCR_EL2.VSE is clear once it was taken");
	write_sysreg(HCR_BELOW, hcr_el2);
	ret = below_call(&b, EL1H, code_of(open, 3), 0, 0);
	check(!ret && below_hvc(&b, 1), "none without", "%lx, esr %lx", ret, b.esr);
}

/* DISR_EL1 of the guest is the hypervisor's VDISR_EL2 while HCR_EL2.AMO is set, else they share one. */
static void disr(void)
{
	u64 key = SYSKEY(3, 0, 12, 1, 1);
	u32 code[3] = { 0xd5200000 | (u32)key << 5, 0xd5000000 | (u32)key << 5 | 1, 0xd65f03c0 };	/* x0 = DISR_EL1; = x1; ret */

	if (!(read_sysreg(id_aa64pfr0_el1) >> 28 & 0xf))
		return;
	write_sysreg(0x80000011, s3_0_c12_c1_1);	/* DISR_EL1 */
	write_sysreg(0x80000022, s3_4_c12_c1_1);	/* VDISR_EL2 */
	write_sysreg(HCR_BELOW | HCR_AMO, hcr_el2);
	below_call(&b, EL1H, code_of(code, 3), 0, 0x80000033);
	check_eq(b.x[0], 0x80000022, "DISR_EL1 of the guest is VDISR_EL2");
	check_eq(read_sysreg(s3_4_c12_c1_1), 0x80000033, "what it writes too");
	check_eq(read_sysreg(s3_0_c12_c1_1), 0x80000011, "DISR_EL1 at EL2 is another");
	write_sysreg(HCR_BELOW, hcr_el2);
	below_call(&b, EL1H, code_of(code, 3), 0, 0);
	check_eq(b.x[0], 0x80000011, "DISR_EL1 without AMO is EL2's too");
	check_eq(read_sysreg(s3_0_c12_c1_1), 0, "what is written there too");
	write_sysreg(0, s3_4_c12_c1_1);
}

/* HSTR_EL2.T13: MRC of TPIDRURO at EL0 in AArch32. */
static void hstr(void)
{
	static const u32 code[] = { 0xee1d0f70, 0xef000000 };	/* mrc p15, 0, r0, c13, c0, 3; svc #0 */
	u64 ret;

	if ((read_sysreg(id_aa64pfr0_el1) & 0xf) != 2)
		return;
	ret = below_call(&b, 0x1d0, code_of(code, 2), 0, 0);
	check_eq(ret, BELOW_EXCEPTION + 12, "AArch32 at EL0");
	write_sysreg(1 << 13, hstr_el2);
	isb();
	ret = below_call(&b, 0x1d0, code_of(code, 2), 0, 0);
	check(!ret && ESR_EC(b.esr) == 3 && (b.esr & 0xfffff) == (3 << 17 | 13 << 10 | 1), "HSTR_EL2.T13", "%lx esr %lx", ret, b.esr);
	write_sysreg(1 << 12, hstr_el2);
	isb();
	check_eq(below_call(&b, 0x1d0, code_of(code, 2), 0, 0), BELOW_EXCEPTION + 12, "HSTR_EL2.T12 is about others");
	write_sysreg(0, hstr_el2);
}

/* FP and debug exceptions of EL1, as CPTR_EL2 and MDCR_EL2 say. */
static void fp_and_debug(void)
{
	static const u32 fp[] = { 0x1e604000, 0xd4000022 };	/* fmov d0, d0; hvc #1 */
	static const u32 brk[] = { 0xd42000e0, 0xd4000022 };	/* brk #7; hvc #1 */
	unsigned int round;

	for (round = 0; round < 2; round++) {
		write_sysreg(CPTR_CLOSED, cptr_el2);
		isb();
		below_call(&b, EL1H, code_of(fp, 2), 0, 0);
		check(b.kind == KIND_SYNC && ESR_EC(b.esr) == EC_FP, "FP at EL1 that CPTR_EL2 traps", "esr %lx", b.esr);
		write_sysreg(CPTR_OPEN, cptr_el2);
		isb();
		below_call(&b, EL1H, code_of(fp, 2), 0, 0);
		check(below_hvc(&b, 1), "FP at EL1 that it does not", "esr %lx", b.esr);
	}
	check_eq(below_call(&b, EL1H, code_of(brk, 2), 0, 0), BELOW_EXCEPTION + 4, "BRK at EL1 goes to EL1");
	write_sysreg(1 << 8, mdcr_el2);
	isb();
	below_call(&b, EL1H, code_of(brk, 2), 0, 0);
	check(ESR_EC(b.esr) == EC_BRK && (b.esr & 0xffff) == 7, "BRK at EL1 with MDCR_EL2.TDE", "esr %lx", b.esr);
	write_sysreg(0, mdcr_el2);
	isb();
	check_eq(below_call(&b, EL1H, code_of(brk, 2), 0, 0), BELOW_EXCEPTION + 4, "BRK without TDE again");
}

void payload_main(void)
{
	check_eq(read_sysreg(currentel), 8, "CurrentEL");
	el2_init();
	eret_modes(false);
	eret_modes(true);
	eret_il();
	eret_pauth();
	calls();
	el1_state();
	interrupts();
	virtual_exceptions();
	disr();
	hstr();
	fp_and_debug();
}
