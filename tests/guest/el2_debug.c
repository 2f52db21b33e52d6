// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug at virtual EL2 (Arm ARM D2): the hypervisor's own BRK, breakpoints, watchpoints and software step; those of its
 * guest, which MDCR_EL2.TDE brings to it; that each point is for the levels that its control says; and what ERET makes of
 * SPSR_EL2.SS. There is one set of debug registers for all levels.
 */
#include "el2.h"

const char payload_name[] = "el2_debug";

#define MDCR_TDE	(1UL << 8)
#define MDSCR_SS	(1UL << 0)
#define MDSCR_KDE	(1UL << 13)
#define MDSCR_MDE	(1UL << 15)
#define SPSR_SS		(1UL << 21)
#define PSR_D		(1UL << 9)
#define CR_ON		(1UL << 0)
#define CR_EL1		(1UL << 1)
#define CR_EL0		(1UL << 2)
#define CR_HMC		(1UL << 13)
#define CR_SECURE	(2UL << 14)
#define CR_SSC3		(3UL << 14)
#define BCR_BYTES	(0xfUL << 5)
#define WCR_STORE	(0xffUL << 5 | 2UL << 3)
#define ISV		(1UL << 24)
#define EC_BREAK_LOW	0x30
#define EC_BREAK	0x31
#define EC_STEP_LOW	0x32
#define EC_STEP		0x33
#define EC_WATCH_LOW	0x34
#define EC_WATCH	0x35
#define EC_NONE		0x3f		/* of ours: nothing came */

asm(".pushsection .text; .balign 4; .globl point_code, point_here, step_code;"
	"point_code: mov x0, #1; point_here: mov x0, #2; str x0, [x1]; ret;"
	"step_code: mov x0, #1; mov x0, #2; mrs x2, id_aa64pfr0_el1; mrs x2, actlr_el1; hvc #5; mov x0, #3; ret; .popsection");
extern char point_code[], point_here[], step_code[];

static struct below b;
static u64 cell;

static struct {
	unsigned int n, skip;		/* at the skip-th: go on behind the instruction */
	u64 esr, elr, far, keep;
} own;

/* An exception of virtual EL2 itself: noted; points go off, steps go on while own.keep says so. */
static bool own_sync(struct frame *f)
{
	if (!own.n++) {
		own.esr = f->esr;
		own.elr = f->elr;
		own.far = f->far;
	}
	write_sysreg(0, dbgbcr0_el1);
	write_sysreg(0, dbgwcr0_el1);
	isb();
	if (ESR_EC(f->esr) == EC_BRK)
		f->elr += 4;
	if (ESR_EC(f->esr) == EC_STEP)
		f->spsr = (f->spsr & ~SPSR_SS) | own.keep;	/* SS, or D: no more steps */
	if (own.n == own.skip)
		f->elr += 4;
	return true;
}

static void own_begin(void)
{
	own.n = own.skip = 0;
	own.esr = (u64)EC_NONE << 26;
	own.elr = 0;
	own.keep = SPSR_SS;
	this_cpu()->sync = own_sync;
}

static void debug_off(void)
{
	asm volatile("msr daifset, #8");
	write_sysreg(0, mdscr_el1);
	write_sysreg(0, dbgbcr0_el1);
	write_sysreg(0, dbgwcr0_el1);
	write_sysreg(0, mdcr_el2);
	write_sysreg(HCR_BELOW, hcr_el2);
	isb();
	this_cpu()->sync = NULL;
}

/* ---- points ---- */

enum place { AT_EL2, AT_EL1, AT_EL0, AT_HOST_EL0, PLACES };

static const char *const places[] = { "EL2", "EL1", "EL0", "the hypervisor's EL0" };

/* Run point_code at @p; the class of the first exception, with its address in own.elr. */
static unsigned int run_at(enum place p, bool masked)
{
	static const u64 pstates[] = { 0, EL1H & ~PSR_D, EL0T & ~PSR_D, EL0T & ~PSR_D };
	unsigned int ec;
	u64 ret;

	own_begin();
	if (p == AT_EL2) {
		if (!masked)
			asm volatile("msr daifclr, #8");
		((void (*)(u64, u64 *))point_code)(0, &cell);
		asm volatile("msr daifset, #8");
		return ESR_EC(own.esr);
	}
	if (p == AT_HOST_EL0) {
		write_sysreg(HCR_BELOW | HCR_TGE, hcr_el2);
		isb();
	}
	ret = below_call(&b, pstates[p] | (masked ? PSR_D : 0), point_code, 0, (u64)&cell);
	write_sysreg(HCR_BELOW, hcr_el2);
	isb();
	if (ret == BELOW_RETURN)
		return EC_NONE;
	own.elr = b.pc;
	own.far = b.far;
	ec = ESR_EC(b.esr);
	if (ret) {		/* EL1 took it */
		own.elr = read_sysreg(s3_5_c4_c0_1);
		own.far = read_sysreg(s3_5_c6_c0_0);
		ec = ESR_EC(read_sysreg(s3_5_c5_c2_0));
	}
	/* No HVC at EL0, and no memory to write to at the hypervisor's: the end of it. */
	return ec == EC_UNKNOWN || ec == EC_DABT_LOW ? EC_NONE : ec;
}

/* Each way to say a level, and where it is then (bit PLACE). */
static const struct {
	const char *name;
	u64 cr;
	unsigned int at;
} levels[] = {
	{ "EL1", CR_EL1, 1 << AT_EL1 },
	{ "EL0", CR_EL0, 1 << AT_EL0 | 1 << AT_HOST_EL0 },
	{ "EL1 and EL0", CR_EL1 | CR_EL0, 1 << AT_EL1 | 1 << AT_EL0 | 1 << AT_HOST_EL0 },
	{ "EL2 and EL1", CR_HMC | CR_EL1, 1 << AT_EL2 | 1 << AT_EL1 },
	{ "EL2, EL1 and EL0", CR_HMC | CR_EL1 | CR_EL0, 1 << AT_EL2 | 1 << AT_EL1 | 1 << AT_EL0 | 1 << AT_HOST_EL0 },
	{ "EL2", CR_HMC | CR_SSC3, 1 << AT_EL2 },
	{ "secure EL1 and EL0", CR_SECURE | CR_EL1 | CR_EL0, 0 },
};

/*
 * A point at each place; @watch: at the store. With TDE all come to EL2; without, those of its guest stay below it (EL2
 * itself is left out: docs/nested.md, "Not there").
 */
static void points(bool watch, bool tde)
{
	unsigned int i, p, low = watch ? EC_WATCH_LOW : EC_BREAK_LOW, bad = 0;

	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		for (p = tde ? AT_EL2 : AT_EL1; p < (watch ? AT_HOST_EL0 : PLACES); p++) {
			/* Its guest's EL1 takes its own as from the same level. */
			unsigned int hit = p == AT_EL2 || (p == AT_EL1 && !tde) ? low + 1 : low, got, want;

			write_sysreg(tde ? MDCR_TDE : 0, mdcr_el2);
			if (watch) {
				write_sysreg(&cell, dbgwvr0_el1);
				write_sysreg(levels[i].cr | WCR_STORE | CR_ON, dbgwcr0_el1);
			} else {
				write_sysreg(point_here, dbgbvr0_el1);
				write_sysreg(levels[i].cr | BCR_BYTES | CR_ON, dbgbcr0_el1);
			}
			write_sysreg(MDSCR_MDE | MDSCR_KDE, mdscr_el1);
			isb();
			want = levels[i].at >> p & 1 ? hit : EC_NONE;
			got = run_at(p, false);
			if (got != want || (want != EC_NONE && own.elr != (u64)point_here + (watch ? 4 : 0)) ||
			    (want != EC_NONE && watch && own.far != (u64)&cell)) {
				fail(watch ? "watchpoint" : "breakpoint", "for %s, at %s: class %x, not %x; pc %lx (%lx) far %lx",
				     levels[i].name, places[p], got, want, own.elr, (u64)point_here, own.far);
				bad++;
			}
			debug_off();
		}
	}
	if (!bad)
		ok(watch ? (tde ? "watchpoints of all levels, to EL2" : "watchpoints below, to EL1") :
		   tde ? "breakpoints of all levels, to EL2" : "breakpoints below, to EL1");
}

static unsigned int armed_at(enum place p, u64 mdscr, u64 mdcr, bool masked, bool locked)
{
	unsigned int ec;

	write_sysreg(mdcr, mdcr_el2);
	write_sysreg(point_here, dbgbvr0_el1);
	write_sysreg(CR_HMC | CR_EL1 | CR_EL0 | BCR_BYTES | CR_ON, dbgbcr0_el1);
	write_sysreg(mdscr, mdscr_el1);
	write_sysreg(locked, oslar_el1);
	isb();
	ec = run_at(p, masked);
	write_sysreg(0, oslar_el1);
	debug_off();
	return ec;
}

static void switches(void)
{
	const u64 all = MDSCR_MDE | MDSCR_KDE;

	check_eq(armed_at(AT_EL2, all, MDCR_TDE, false, false), EC_BREAK, "a breakpoint at EL2");
	check_eq(armed_at(AT_EL2, MDSCR_MDE, MDCR_TDE, false, false), EC_NONE, "not without MDSCR_EL1.KDE");
	check_eq(armed_at(AT_EL2, MDSCR_KDE, MDCR_TDE, false, false), EC_NONE, "not without MDSCR_EL1.MDE");
	check_eq(armed_at(AT_EL2, all, MDCR_TDE, true, false), EC_NONE, "not with PSTATE.D");
	check_eq(armed_at(AT_EL2, all, MDCR_TDE, false, true), EC_NONE, "not with the OS lock");
	check_eq(armed_at(AT_EL1, MDSCR_MDE, MDCR_TDE, true, false), EC_BREAK_LOW, "below, with TDE, neither KDE nor D matters");
	check_eq(armed_at(AT_EL1, all, 0, true, false), EC_NONE, "to EL1 it does: D");
	check_eq(armed_at(AT_EL1, MDSCR_MDE, 0, false, false), EC_NONE, "KDE");
	check_eq(armed_at(AT_HOST_EL0, MDSCR_MDE, 0, false, false), EC_BREAK_LOW, "the hypervisor's EL0, without TDE");
}

static void brk(void)
{
	static const u32 insns[2] = { 0xd4200000 | 0x42 << 5, 0xd65f03c0 };
	const void *fn = code_of(insns, 2);
	u64 ret;

	own_begin();
	((void (*)(void))fn)();
	this_cpu()->sync = NULL;
	check(own.n == 1 && own.esr == 0xf2000042 && own.elr == (u64)fn, "BRK at EL2", "%u esr %lx elr %lx", own.n, own.esr, own.elr);
	ret = below_call(&b, EL1H, fn, 0, 0);
	check(ret == BELOW_EXCEPTION + 4 && read_sysreg(s3_5_c5_c2_0) == 0xf2000042, "BRK at EL1 stays there", "%lx", ret);
	write_sysreg(MDCR_TDE, mdcr_el2);
	ret = below_call(&b, EL1H, fn, 0, 0);
	check(!ret && b.kind == KIND_SYNC && b.esr == 0xf2000042 && b.pc == (u64)fn && b.pstate == EL1H, "with TDE it comes to EL2",
	      "%lx esr %lx pc %lx", ret, b.esr, b.pc);
	ret = below_call(&b, EL0T, fn, 0, 0);
	check(!ret && b.esr == 0xf2000042 && b.pstate == EL0T, "from EL0 too", "%lx esr %lx", ret, b.esr);
	debug_off();
}

/* ---- software step ---- */

/* The exception in @b is a step, to instruction @n of step_code. ISS.ISV is 0 when whoever is above us did the instruction. */
static bool stepped(u64 ret, unsigned int n)
{
	return !ret && b.kind == KIND_SYNC && (b.esr | ISV) == 0xcb000022 && (n != 1 || (b.esr & ISV)) && b.pc == (u64)step_code + n * 4 && !(b.pstate & SPSR_SS);
}

static void step_guest(u64 pstate)
{
	unsigned int i;
	u64 ret = 0;

	write_sysreg(MDCR_TDE, mdcr_el2);
	write_sysreg(MDSCR_SS, mdscr_el1);
	isb();
	for (i = 1; i <= 4; i++) {
		if (i == 1)
			ret = below_call(&b, pstate | SPSR_SS, step_code, 0, 0);
		else
			b.pstate |= SPSR_SS, ret = below_resume(&b);
		if (!stepped(ret, i))
			break;
	}
	check(i == 5 && b.x[0] == 2, "four steps of its guest, two of which are emulated", "%u: esr %lx pc %lx (%lx) pstate %lx",
	      i, b.esr, b.pc, (u64)step_code, b.pstate);
	b.pstate |= SPSR_SS;
	(void)below_resume(&b);
	check(below_hvc(&b, 5) && !(b.pstate & SPSR_SS) && b.pc == (u64)step_code + 20, "a step of HVC is an HVC, that is done",
	      "esr %lx pc %lx pstate %lx", b.esr, b.pc, b.pstate);
	ret = below_resume(&b);
	check(stepped(ret, 5) && b.x[0] == 2, "so the next step is before the next instruction", "esr %lx pc %lx", b.esr, b.pc);
	write_sysreg(0, mdscr_el1);
	b.pstate |= SPSR_SS;
	ret = below_resume(&b);
	check(ret == BELOW_RETURN && b.x[0] == 3 && !(b.pstate & SPSR_SS), "without MDSCR_EL1.SS it runs on, and SS is gone",
	      "%lx pstate %lx", ret, b.pstate);
	debug_off();
}

/* EL1 steps itself: without TDE the exception is its own. */
static void step_below(void)
{
	u64 ret;

	write_sysreg(MDSCR_SS | MDSCR_KDE, mdscr_el1);
	isb();
	ret = below_call(&b, (EL1H & ~PSR_D) | SPSR_SS, step_code, 0, 0);
	check(ret == BELOW_EXCEPTION + 4 && read_sysreg(s3_5_c5_c2_0) == 0xcf000022 &&
	      read_sysreg(s3_5_c4_c0_1) == (u64)step_code + 4, "EL1 steps itself", "%lx esr %lx elr %lx", ret,
	      read_sysreg(s3_5_c5_c2_0), read_sysreg(s3_5_c4_c0_1));
	ret = below_call(&b, EL1H | SPSR_SS, step_code, 0, 0);
	check(!ret && below_hvc(&b, 5) && !(b.pstate & SPSR_SS), "not with PSTATE.D", "%lx pstate %lx", ret, b.pstate);
	debug_off();
}

/* The hypervisor's EL0. */
static void step_host_el0(void)
{
	write_sysreg(HCR_BELOW | HCR_TGE, hcr_el2);
	write_sysreg(MDSCR_SS, mdscr_el1);
	isb();
	(void)below_call(&b, EL0T | SPSR_SS, step_code, 0, 0);
	check(stepped(0, 1) && b.x[0] == 1, "a step of the hypervisor's EL0", "esr %lx pc %lx", b.esr, b.pc);
	debug_off();
}

/* The hypervisor steps itself. */
static void step_own(void)
{
	u64 ret;

	own_begin();
	write_sysreg(MDCR_TDE, mdcr_el2);
	write_sysreg(MDSCR_SS | MDSCR_KDE, mdscr_el1);
	isb();
	asm volatile("msr daifclr, #8; nop; nop; nop; msr daifset, #8" : : : "memory");
	check(own.n >= 4 && ESR_EC(own.esr) == EC_STEP, "EL2 steps itself", "%u esr %lx", own.n, own.esr);
	/*
	 * ERET to itself, with what the step's exception has left in ELR_EL2 and SPSR_EL2: as debug exceptions are on before
	 * it, SPSR_EL2.SS is not asked, and the next step comes at once.
	 */
	own_begin();
	own.skip = 2;
	asm volatile("adr %0, 1f; msr daifclr, #8; 1: eret; msr daifset, #8" : "=r"(ret) : : "memory");
	check(own.n >= 2 && own.elr == ret, "an ERET that is stepped", "%u elr %lx (%lx)", own.n, own.elr, ret);
	debug_off();
	own_begin();
	own.keep = PSR_D;
	write_sysreg(MDCR_TDE, mdcr_el2);
	write_sysreg(MDSCR_SS | MDSCR_KDE, mdscr_el1);
	isb();
	asm volatile("mov x9, %1; msr spsr_el2, x9; adr x9, 1f; msr elr_el2, x9; isb; eret; 1: nop; nop; msr daifset, #8; adr %0, 1b"
		     : "=r"(ret) : "r"((EL2H & ~PSR_D) | SPSR_SS) : "x9", "memory");
	check(own.n && own.elr == ret + 4 && ESR_EC(own.esr) == EC_STEP, "an ERET to EL2 with SPSR_EL2.SS: one instruction",
	      "%u esr %lx elr %lx (%lx)", own.n, own.esr, own.elr, ret);
	debug_off();
}

/* ---- one set ---- */

static void one_set(void)
{
	u64 ret;

	write_sysreg(0x123450, dbgbvr0_el1);
	write_sysreg(MDSCR_KDE | 1 << 12, mdscr_el1);
	isb();
	ret = below_call(&b, EL1H, sys_code(SYSKEY(2, 0, 0, 0, 4), true, 0), 0, 0);
	check(ret == BELOW_RETURN && b.x[0] == 0x123450, "DBGBVR0_EL1 of EL2 is EL1's", "%lx: %lx", ret, b.x[0]);
	ret = below_call(&b, EL1H, sys_code(SYSKEY(2, 0, 0, 2, 2), true, 0), 0, 0);
	check(ret == BELOW_RETURN && b.x[0] == (MDSCR_KDE | 1 << 12), "MDSCR_EL1 too", "%lx: %lx", ret, b.x[0]);
	ret = below_call(&b, EL1H, sys_code(SYSKEY(2, 0, 0, 0, 4), false, 0), 0x4440, 0);
	check(ret == BELOW_RETURN && read_sysreg(dbgbvr0_el1) == 0x4440, "and back", "%lx", read_sysreg(dbgbvr0_el1));
	debug_off();
}

void payload_main(void)
{
	el2_init();
	write_sysreg(0, oslar_el1);
	debug_off();
	brk();
	one_set();
	switches();
	points(false, true);
	points(false, false);
	points(true, true);
	points(true, false);
	step_guest(EL1H);
	step_below();
	step_host_el0();
	step_own();
}
