// SPDX-License-Identifier: GPL-2.0-only
/* SDEI and the CPU's registers: what a handler finds, what its end restores, WFI, masked interrupts, EL0. */
#include "sdei.h"

const char payload_name[] = "sdei_cpu";

#define PSR_EL1H	5UL
#define PSR_DAIF	0x3c0UL
#define SCTLR_SPAN	(1UL << 23)

static struct event signal, normal;

/* ---- general registers: T23, T25 ---- */

/* x0 to x17 hold 0x1000 + n and NZCV is N and V; wait until *flag is not 0, then store them, and NZCV, at out. */
void spin_with_registers(const u32 *flag, u64 *out);
extern char spin_loop[], spin_loop_end[];

asm(".text\n.globl spin_with_registers, spin_loop, spin_loop_end\n"
	"spin_with_registers:\n"
	"	stp x19, x20, [sp, #-16]!\n	stp x21, x22, [sp, #-16]!\n"
	"	mov x19, x0\n	mov x20, x1\n"
	"	movz x21, #0x9000, lsl #16\n	msr nzcv, x21\n"
	"	.irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17\n	movz x\\n, #(0x1000 + \\n)\n	.endr\n"
	"spin_loop:	ldr w21, [x19]\n	cbz w21, spin_loop\n"
	"spin_loop_end:	mrs x21, nzcv\n"
	"	stp x0, x1, [x20]\n	stp x2, x3, [x20, #16]\n	stp x4, x5, [x20, #32]\n"
	"	stp x6, x7, [x20, #48]\n	stp x8, x9, [x20, #64]\n	stp x10, x11, [x20, #80]\n"
	"	stp x12, x13, [x20, #96]\n	stp x14, x15, [x20, #112]\n	stp x16, x17, [x20, #128]\n"
	"	str x21, [x20, #144]\n"
	"	ldp x21, x22, [sp], #16\n	ldp x19, x20, [sp], #16\n	ret\n");

static u64 context[18];

static u64 read_context(struct event *ev, struct sdei_frame *f)
{
	u64 i;

	for (i = 0; i < 18; i++)
		context[i] = sdei(SDEI_CONTEXT, i, 0);
	return 0;
}

static void later(u64 num, u32 ms)
{
	writel(num, TD_EVENT);
	writel(this_cpu()->index, TD_VCPU);
	writel(ms, TD_LATER);
}

static void registers(void)
{
	u64 out[19], i, wrong = 0, live = 0, lost = 0;
	const struct sdei_frame *f = &normal.last;

	sdei_arm(&normal, EV_NORMAL, read_context);
	later(EV_NORMAL, 20);
	spin_with_registers(&normal.total, out);
	check_eq(f->x[0], EV_NORMAL, "T23 x0 is the event");
	check_eq(f->x[1], (u64)&normal, "T23 x1 is the argument");
	check(f->x[2] >= (u64)spin_loop && f->x[2] < (u64)spin_loop_end, "T23 x2 is the interrupted PC",
	      "%lx is not in the loop at %lx", f->x[2], (u64)spin_loop);
	check_eq(f->x[3] & ~(1UL << 21), 0x90000000UL | (read_sysreg(daif) & PSR_DAIF) | read_sysreg(currentel) | 1 |
		 read_sysreg(s3_0_c4_c2_3) | read_sysreg(s3_3_c4_c2_6), "T23 x3 is the interrupted PSTATE");
	for (i = 4; i < 18; i++)
		live += f->x[i] != 0x1000 + i;
	check_eq(live, 0, "T23 x4 to x17 are the interrupted code's");
	for (i = 0; i < 18; i++) {
		wrong += context[i] != 0x1000 + i;
		lost += out[i] != 0x1000 + i;
	}
	check_eq(wrong, 0, "T23 EVENT_CONTEXT gives all of them");
	check_eq(lost, 0, "T25 COMPLETE restores x0 to x17");
	check_eq(out[18], 0x90000000UL, "T25 COMPLETE restores NZCV");
	sdei_disarm(&normal);
}

static bool at_el2(void)
{
	return read_sysreg(currentel) == 8;
}

/* ---- PSTATE: T22 ---- */

static void entry_state(const char *name, u64 want_pan)
{
	const struct sdei_frame *f = &signal.last;

	SIGNAL_SELF();
	check_eq(f->daif, PSR_DAIF, "T22 DAIF set");
	check_eq(f->spsel, 1, "T22 SP_EL1 selected");
	check_eq(f->el, read_sysreg(currentel), "T22 at the level of the client");
	check_eq(f->pan, want_pan, name);
}

static void pstate(void)
{
	u64 sctlr = read_sysreg(sctlr_el1), pan = read_sysreg(s3_0_c4_c2_3);
	u64 ssbs = read_sysreg(s3_3_c4_c2_6);

	sdei_arm(&signal, 0, NULL);
	write_sysreg(sctlr | SCTLR_SPAN, sctlr_el1);
	isb();
	asm volatile(".inst 0xd500409f | (0 << 8)" : : : "memory");	/* msr pan, #0 */
	entry_state("T22 SPAN set: PAN inherited, clear", 0);
	asm volatile(".inst 0xd500409f | (1 << 8)" : : : "memory");
	entry_state("T22 SPAN set: PAN inherited, set", 1UL << 22);
	asm volatile(".inst 0xd500409f | (0 << 8)" : : : "memory");
	write_sysreg(sctlr & ~SCTLR_SPAN, sctlr_el1);
	isb();
	/* At EL2 SPAN is of no account while TGE is 0. */
	entry_state("T22 SPAN clear: PAN set", at_el2() ? 0 : 1UL << 22);
	check_eq(read_sysreg(s3_0_c4_c2_3), 0, "T25 COMPLETE restores PAN");
	write_sysreg(sctlr, sctlr_el1);
	write_sysreg(pan, s3_0_c4_c2_3);
	/* SSBS: the value of SCTLR_EL1.DSSBS, which is clear here. */
	write_sysreg(1UL << 12, s3_3_c4_c2_6);
	SIGNAL_SELF();
	check_eq(signal.last.ssbs, 0, "T22 SSBS is DSSBS");
	check_eq(read_sysreg(s3_3_c4_c2_6), 1UL << 12, "T25 COMPLETE restores SSBS");
	write_sysreg(ssbs, s3_3_c4_c2_6);
	write_sysreg(1UL << 24, s3_3_c4_c2_5);
	SIGNAL_SELF();
	check_eq(signal.last.dit, 1UL << 24, "T22 DIT inherited");
	write_sysreg(0, s3_3_c4_c2_5);
	sdei_disarm(&signal);
}

/* ---- the conduit: T26 ---- */

/* How many of the two instructions after the call ran. */
static u64 after_call(bool smc)
{
	register u64 x0 asm("x0") = SDEI_SIGNAL;
	register u64 x1 asm("x1") = 0;
	register u64 x2 asm("x2") = this_cpu()->mpidr;
	register u64 x3 asm("x3") = 0;
	u64 n = 0;

	if (smc)
		asm volatile("smc #0\n add %0, %0, #1\n add %0, %0, #2"
			     : "+r"(n), "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
	else
		asm volatile("hvc #0\n add %0, %0, #1\n add %0, %0, #2"
			     : "+r"(n), "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
	return n;
}

static void conduits(void)
{
	sdei_arm(&signal, 0, NULL);
	check_eq(after_call(at_el2()), 3, "T26 HVC: goes on at the next instruction");
	WRITE_ONCE(sdei_use_smc, 1);
	check_eq(after_call(true), 3, "T26 SMC: goes on at the next instruction");
	IS(sdei(SDEI_COMPLETE, 0, 0), SDEI_DENIED, "T26 SMC: errors too");
	WRITE_ONCE(sdei_use_smc, 0);
	check_eq(signal.total, 2, "T26 both ran");
	sdei_disarm(&signal);
}

/* ---- COMPLETE_AND_RESUME: T27 ---- */

/* Goes back at once, and notes what an exception handler would see. */
extern char resume_here[];
u64 resume_seen[3];
asm(".text\n.globl resume_here\n"
	"resume_here:	stp x0, x1, [sp, #-16]!\n"
	"	adrp x0, resume_seen\n	add x0, x0, :lo12:resume_seen\n"
	"	mrs x1, elr_el1\n	str x1, [x0]\n	mrs x1, spsr_el1\n	str x1, [x0, #8]\n"
	"	mrs x1, daif\n	str x1, [x0, #16]\n"
	"	ldp x0, x1, [sp], #16\n	eret\n");

static u64 resume_there(struct event *ev, struct sdei_frame *f)
{
	return (u64)resume_here;
}

static u64 bad_resume(struct event *ev, struct sdei_frame *f)
{
	IS(sdei(SDEI_COMPLETE_RESUME, 0, 0), SDEI_DENIED, "T27 resume at 0");
	IS(sdei(SDEI_COMPLETE_RESUME, (u64)resume_here + 2, 0), SDEI_DENIED, "T27 resume at an unaligned address");
	IS(sdei(SDEI_STATUS, 0, 0), 7, "T27 the handler still runs");
	return 0;
}

static void resuming(void)
{
	u64 out[19], i, lost = 0;

	sdei_arm(&normal, EV_NORMAL, resume_there);
	asm volatile("msr daifclr, #0xf" : : : "memory");
	later(EV_NORMAL, 20);
	spin_with_registers(&normal.total, out);
	check_eq(read_sysreg(daif), 0, "T27 ERET gives back DAIF");
	asm volatile("msr daifset, #0xf" : : : "memory");
	check_eq(resume_seen[0], normal.last.x[2], "T27 ELR_EL1 is the interrupted PC");
	check_eq(resume_seen[1], normal.last.x[3], "T27 SPSR_EL1 is the interrupted PSTATE");
	check_eq(resume_seen[2], PSR_DAIF, "T27 DAIF set");
	for (i = 0; i < 18; i++)
		lost += out[i] != 0x1000 + i;
	check_eq(lost, 0, "T27 x0 to x17 are the interrupted ones");
	sdei_disarm(&normal);
	sdei_arm(&signal, 0, bad_resume);
	SIGNAL_SELF();
	sdei_disarm(&signal);
}

/* ---- an event inside an exception: T28 ---- */

static bool in_exception(struct frame *f)
{
	if (f->esr >> 26 != 0)
		return false;
	SIGNAL_SELF();
	f->elr += 4;
	return true;
}

static void exceptions(void)
{
	u64 fp, elr, sp0;

	sdei_arm(&signal, 0, NULL);
	this_cpu()->sync = in_exception;
	write_sysreg(0x1234567, sp_el0);
	asm volatile("fmov d7, %0" : : "r"(0x55aa55aa55aa55aaUL) : "memory");
	asm volatile(".inst 0x00000000" : : : "memory");
	asm volatile("fmov %0, d7" : "=r"(fp));
	this_cpu()->sync = NULL;
	check_eq(signal.total, 1, "T28 an event in an exception handler");
	sp0 = read_sysreg(sp_el0);
	check_eq(sp0, 0x1234567, "T28 SP_EL0 unchanged");
	check_eq(fp, 0x55aa55aa55aa55aaUL, "T28 FP registers unchanged");
	write_sysreg(0xabc0, elr_el1);
	write_sysreg(0x3c5, spsr_el1);
	SIGNAL_SELF();
	elr = read_sysreg(elr_el1);
	check_eq(elr, 0xabc0, "T28 ELR_EL1 unchanged");
	check_eq(read_sysreg(spsr_el1), 0x3c5, "T28 SPSR_EL1 unchanged");
	check_eq(signal.last.elr, 0xabc0, "T28 ... and in the handler");
	sdei_disarm(&signal);
}

/* ---- waiting and masking: T33 ---- */

static void waiting(void)
{
	u64 after;

	gic_init();
	gic_init_cpu();
	sdei_arm(&normal, EV_NORMAL, NULL);
	gic_pmr(0);
	later(EV_NORMAL, 30);
	/* Everything is masked: nothing but the event can end this. */
	asm volatile("adr %0, 1f\n dsb sy\n wfi\n1:" : "=r"(after) : : "memory");
	check(sdei_ran(&normal, 1), "T33 delivered in WFI, all interrupts masked", "it was not");
	if (normal.last.x[2] != after)
		print("# WFI ended early, at %lx\n", normal.last.x[2]);
	later(EV_NORMAL, 30);
	do
		asm volatile("adr %0, 1f\n dsb sy\n wfi\n1:" : "=r"(after) : : "memory");
	while (READ_ONCE(normal.total) < 2);
	check_eq(normal.last.x[2], after, "T33 the interrupted PC is behind the WFI");
	later(EV_NORMAL, 20);
	check(sdei_ran(&normal, 3), "T33 delivered while running, PMR and DAIF masked", "it was not");
	gic_pmr(0xf0);
	sdei_disarm(&normal);
}

/* ---- EL0 and EL1t: T25 ---- */

#define ALIAS	(256UL << 30)		/* where EL0 sees the first GiB of RAM */

u64 el1_saved[14];
/* To EL0 at pc; el0_back is where a COMPLETE_AND_RESUME brings us out of it. */
void el0_visit(u64 pc, u64 x0, u64 spsr);
extern char el0_back[], el0_loop[];
asm(".text\n.globl el0_visit, el0_back, el0_loop\n"
	"el0_visit:	adrp x9, el1_saved\n	add x9, x9, :lo12:el1_saved\n"
	"	stp x19, x20, [x9]\n	stp x21, x22, [x9, #16]\n	stp x23, x24, [x9, #32]\n"
	"	stp x25, x26, [x9, #48]\n	stp x27, x28, [x9, #64]\n	stp x29, x30, [x9, #80]\n"
	"	mov x10, sp\n	str x10, [x9, #96]\n"
	"	msr elr_el1, x0\n	msr spsr_el1, x2\n	mov x0, x1\n	mov x5, #0\n	eret\n"
	"el0_back:	adrp x9, el1_saved\n	add x9, x9, :lo12:el1_saved\n"
	"	ldp x19, x20, [x9]\n	ldp x21, x22, [x9, #16]\n	ldp x23, x24, [x9, #32]\n"
	"	ldp x25, x26, [x9, #48]\n	ldp x27, x28, [x9, #64]\n	ldp x29, x30, [x9, #80]\n"
	"	ldr x10, [x9, #96]\n	mov sp, x10\n	ret\n"
	"el0_loop:	add x5, x5, #1\n	str x5, [x0]\n	b el0_loop\n");

static u64 el0_count, el0_seen;

/* First a plain COMPLETE; when the loop has gone on, out. */
static u64 from_el0(struct event *ev, struct sdei_frame *f)
{
	if (!ev->total)
		el0_seen = el0_count;
	else if (el0_count > el0_seen)
		return (u64)el0_back;	/* the last one: another would come when nobody is at EL0 */
	later(EV_NORMAL, 20);
	return 0;
}

static void visit(u64 spsr, const char *where, u64 pc, u64 data)
{
	sdei_arm(&normal, EV_NORMAL, from_el0);
	el0_count = 0;
	later(EV_NORMAL, 20);
	el0_visit(pc, data, spsr);
	check(el0_count > el0_seen, where, "the loop did not go on: %lu", el0_count);
	check_eq(read_sysreg(spsr_el1) & 0xf, spsr & 0xf, "T25 T27 SPSR_EL1 names the interrupted level");
	check_eq(normal.last.x[3] & 0xf, spsr & 0xf, "T25 x3 names the interrupted level");
	sdei(SDEI_MASK, 0, 0);		/* one may still be on its way */
	sdei_disarm(&normal);
	sdei(SDEI_UNMASK, 0, 0);
}

/* T43: nobody but the client's level is served. */
extern char el0_calls[];
asm(".text\n.globl el0_calls\n"
	"el0_calls:	mov x9, x0\n	movz x0, #0x20\n	movk x0, #0xc400, lsl #16\n	smc #0\n	str x0, [x9]\n"
	"	movz x0, #0x20\n	movk x0, #0xc400, lsl #16\n	hvc #0\n	str x0, [x9, #8]\n"
	"	svc #0\n	b .\n");

static u64 calls_seen[2], undefined_calls;

/* Each call from EL0 is skipped; SVC is the end. */
static bool from_caller(struct frame *f)
{
	u64 ec = f->esr >> 26;

	if (ec == 0x15) {
		f->elr = (u64)el0_back;
		f->spsr = PSR_DAIF | 5;
		return true;
	}
	undefined_calls += ec == 0;
	f->elr += 4;
	return ec == 0;
}

static void other_callers(u64 off)
{
	this_cpu()->sync = from_caller;
	el0_visit((u64)el0_calls + off, (u64)calls_seen + off, PSR_DAIF);
	this_cpu()->sync = NULL;
	check_eq(undefined_calls, 2, "T43 SMC and HVC are undefined at EL0");
	check_eq(calls_seen[0] | calls_seen[1], 0xc4000020UL, "T43 ... and answer nothing");
}

static void levels(void)
{
	u64 *pt = (u64 *)(read_sysreg(ttbr0_el1) & ~0xfffUL);
	u64 off = ALIAS - RAM_BASE;

	pt[ALIAS >> 30] = RAM_BASE | 1 << 10 | 3 << 8 | 1 << 6 | 1 << 2 | 1;	/* EL0 may write */
	dsb(ish);
	isb();
	visit(PSR_DAIF, "T25 COMPLETE to EL0", (u64)el0_loop + off, (u64)&el0_count + off);
	visit(PSR_DAIF | 4, "T25 COMPLETE to EL1t", (u64)el0_loop, (u64)&el0_count);
	other_callers(off);
	pt[ALIAS >> 30] = ALIAS | 1 << 10 | 3 << 8 | 1 << 2 | 1;
	dsb(ish);
	asm volatile("tlbi vmalle1; dsb nsh; isb" : : : "memory");
}

extern char guest_smc[];
asm(".text\n.globl guest_smc\n"
	"guest_smc:	mov x9, x0\n	movz x0, #0x20\n	movk x0, #0xc400, lsl #16\n	smc #0\n"
	"	str x0, [x9, #8]\n	mov x0, #1\n	str x0, [x9]\n	b .\n");

static u64 from_guest_smc(struct event *ev, struct sdei_frame *f)
{
	if (READ_ONCE(calls_seen[0]))
		return (u64)el0_back;
	later(EV_NORMAL, 20);
	return 0;
}

/* SMC of the guest, which its hypervisor does not trap: not the client. */
static void guest_calls(void)
{
	calls_seen[0] = 0;
	sdei_arm(&normal, EV_NORMAL, from_guest_smc);
	later(EV_NORMAL, 20);
	el0_visit((u64)guest_smc, (u64)calls_seen, PSR_DAIF | 5);
	check_eq((s64)calls_seen[1], SDEI_NOT_SUPPORTED, "T43 a hypervisor's guest is not served");
	sdei(SDEI_MASK, 0, 0);
	sdei_disarm(&normal);
	sdei(SDEI_UNMASK, 0, 0);
}

/* What a hypervisor's handler interrupts: its guest, whose stage 1 is off here, at both levels, and itself. */
static void levels_el2(void)
{
	/* HCR_EL2: RW, E2H, API, APK */
	write_sysreg(1UL << 31 | 1UL << 34 | 1UL << 40 | 1UL << 41, hcr_el2);
	isb();
	visit(PSR_DAIF, "T25 COMPLETE to a guest's EL0", (u64)el0_loop, (u64)&el0_count);
	visit(PSR_DAIF | 5, "T25 COMPLETE to a guest's EL1h", (u64)el0_loop, (u64)&el0_count);
	visit(PSR_DAIF | 8, "T25 COMPLETE to EL2t", (u64)el0_loop, (u64)&el0_count);
	guest_calls();
}

void payload_main(void)
{
	sdei(SDEI_UNMASK, 0, 0);
	pstate();
	conduits();
	registers();
	resuming();
	exceptions();
	waiting();
	if (at_el2())
		levels_el2();
	else
		levels();
}
