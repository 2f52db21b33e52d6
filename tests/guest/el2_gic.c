// SPDX-License-Identifier: GPL-2.0-only
/* The virtual CPU interface of a guest hypervisor: list registers, what EL1 does with them, maintenance interrupts, linked ones. */
#include "el2.h"

const char payload_name[] = "el2_gic";

#define ICH_HCR		s3_4_c12_c11_0
#define ICH_VTR		s3_4_c12_c11_1
#define ICH_MISR	s3_4_c12_c11_2
#define ICH_EISR	s3_4_c12_c11_3
#define ICH_ELRSR	s3_4_c12_c11_5
#define ICH_VMCR	s3_4_c12_c11_7
#define ICH_LR0		s3_4_c12_c12_0
#define ICH_LR1		s3_4_c12_c12_1
#define ICH_AP1R0	s3_4_c12_c9_0

#define LR_PENDING	(1UL << 62)
#define LR_ACTIVE	(2UL << 62)
#define LR_STATE	(3UL << 62)
#define LR_HW		(1UL << 61)
#define LR_GROUP1	(1UL << 60)
#define LR_PRIO(p)	((u64)(p) << 48)
#define LR_EOI		(1UL << 41)
#define LR_PINTID(i)	((u64)(i) << 32)
#define VMCR_ON		(0xf0UL << 24 | 1 << 1)		/* VPMR, VENG1 */

#define ich_read(r)	read_sysreg(r)
#define ich_write(v, r)	write_sysreg(v, r)

#define EN		1UL
#define MAINT		25
#define SPI		40
#define HCR_GUEST	(HCR_BELOW | HCR_IMO | HCR_FMO)

static struct below b;

static const u32 take[] = { 0xd50342ff, 0xd5033fdf, 0xd4000022 };	/* msr daifclr, #2; isb; hvc #1 */
static const u32 ack[] = { 0xd538cc00, 0xd5033f9f, 0xd65f03c0 };	/* x0 = ICC_IAR1_EL1; dsb sy; ret */
static const u32 eoi[] = { 0xd518cc20, 0xd5033fdf, 0xd65f03c0 };	/* ICC_EOIR1_EL1 = x0; isb; ret */
static const u32 spin[] = { 0x14000000 };

static u64 el1(const u32 *code, unsigned int n, u64 arg)
{
	return below_call(&b, EL1H, code_of(code, n), arg, 0);
}

static void reset(void)
{
	ich_write(0, ICH_HCR);
	ich_write(VMCR_ON, ICH_VMCR);
	ich_write(0, ICH_LR0);
	ich_write(0, ICH_LR1);
	ich_write(0, ICH_AP1R0);
	write_sysreg(HCR_GUEST, hcr_el2);
	isb();
}

static u64 lr(u32 vintid, u8 prio)
{
	return LR_PENDING | LR_GROUP1 | LR_PRIO(prio) | vintid;
}

static void inject(void)
{
	u64 ret;

	reset();
	ich_write(lr(50, 0x80), ICH_LR0);
	ich_write(EN, ICH_HCR);
	isb();
	check_eq(ich_read(ICH_ELRSR) & 3, 2, "ICH_ELRSR_EL2 with one in use");
	ret = el1(take, 3, 0);
	check_eq(ret, BELOW_EXCEPTION + 5, "a pending list register is an IRQ at EL1");
	check_eq(ich_read(ICH_LR0) & LR_STATE, LR_PENDING, "it stays pending");
	el1(ack, 3, 0);
	check_eq(b.x[0], 50, "EL1 acknowledges it");
	check_eq(ich_read(ICH_LR0) & LR_STATE, LR_ACTIVE, "it is active");
	check(ich_read(ICH_AP1R0), "ICH_AP1R0_EL2 has its priority", "0");
	check_eq(el1(take, 3, 0), 0, "no IRQ while it is active");
	el1(eoi, 3, 50);
	check_eq(ich_read(ICH_LR0) & LR_STATE, 0, "EL1 ends it");
	check_eq(ich_read(ICH_AP1R0), 0, "ICH_AP1R0_EL2 is empty");
	check_eq(ich_read(ICH_ELRSR) & 3, 3, "ICH_ELRSR_EL2");
	el1(ack, 3, 0);
	check_eq(b.x[0], 1023, "nothing more to acknowledge");

	/* The more urgent of two first. */
	ich_write(lr(60, 0x90), ICH_LR0);
	ich_write(lr(61, 0x40), ICH_LR1);
	isb();
	el1(ack, 3, 0);
	check_eq(b.x[0], 61, "priority decides");
	el1(eoi, 3, 61);
	el1(ack, 3, 0);
	check_eq(b.x[0], 60, "then the other");
	el1(eoi, 3, 60);

	/* What masks it. */
	ich_write(lr(50, 0x80), ICH_LR0);
	ich_write(0x40UL << 24 | 1 << 1, ICH_VMCR);
	isb();
	check_eq(el1(take, 3, 0), 0, "VPMR masks it");
	ich_write(0xf0UL << 24, ICH_VMCR);
	isb();
	check_eq(el1(take, 3, 0), 0, "VENG1 masks it");
	ich_write(VMCR_ON, ICH_VMCR);
	ich_write(0, ICH_HCR);
	isb();
	check_eq(el1(take, 3, 0), 0, "En masks it");
}

/* EL1's registers of the CPU interface are ICH_VMCR_EL2's fields. */
static void vmcr(void)
{
	static const u32 set[] = { 0xd5184600, 0xd518cce1, 0xd5033fdf, 0xd65f03c0 };	/* PMR = x0; IGRPEN1 = x1; isb; ret */
	static const u32 get[] = { 0xd5384600, 0xd65f03c0 };				/* x0 = PMR; ret */

	reset();
	ich_write(EN, ICH_HCR);
	isb();
	below_call(&b, EL1H, code_of(set, 4), 0xa0, 0);
	check_eq(ich_read(ICH_VMCR) >> 24 & 0xff, 0xa0, "ICC_PMR_EL1 of EL1 is VPMR");
	check_eq(ich_read(ICH_VMCR) >> 1 & 1, 0, "ICC_IGRPEN1_EL1 of EL1 is VENG1");
	ich_write(0x50UL << 24 | 1 << 1, ICH_VMCR);
	isb();
	el1(get, 2, 0);
	check_eq(b.x[0], 0x50, "VPMR is ICC_PMR_EL1 of EL1");
	check_eq(read_sysreg(s3_0_c4_c6_0), 0xf0, "EL2's own ICC_PMR_EL1 is another");
}

static void maintenance(const char *name, u64 hcr, u64 misr)
{
	u32 intid;

	ich_write(hcr, ICH_HCR);
	isb();
	check_eq(ich_read(ICH_MISR), misr, name);
	el1(spin, 1, 0);
	intid = gic_ack();
	check(b.kind == KIND_IRQ && intid == MAINT, name, "kind %lu INTID %u", b.kind, intid);
	ich_write(0, ICH_HCR);
	isb();
	gic_eoi(intid);
}

/* The condition is gone when EL1 goes on without IMO, as EL1 is part of a hypervisor without E2H: nothing is pending for it there. */
static void maintenance_gone(void)
{
	static const u32 highest[] = { 0xd538cc40, 0xd65f03c0 };	/* x0 = ICC_HPPIR1_EL1; ret */

	reset();
	ich_write(EN | 1 << 1, ICH_HCR);
	isb();
	el1(spin, 1, 0);
	check_eq(b.kind, KIND_IRQ, "underflow while EL1 runs");
	ich_write(0, ICH_HCR);
	write_sysreg(HCR_BELOW, hcr_el2);
	isb();
	el1(highest, 2, 0);
	check_eq(b.x[0], 1023, "maintenance that is over is over at EL1");
}

static void maintenances(void)
{
	static const u32 on[] = { 0xd518cce0, 0xd5033fdf, 0x14000000 };		/* IGRPEN1 = x0; isb; b . */

	gic_enable(MAINT);
	maintenance_gone();
	reset();
	maintenance("underflow", EN | 1 << 1, 2);
	reset();
	maintenance("none pending", EN | 1 << 3, 8);
	reset();
	maintenance("group 1 enabled", EN | 1 << 6, 1 << 6);

	/* The end of an interrupt. */
	reset();
	ich_write(lr(51, 0x80) | LR_EOI, ICH_LR0);
	ich_write(EN, ICH_HCR);
	isb();
	check_eq(ich_read(ICH_MISR), 0, "no maintenance before the end");
	el1(ack, 3, 0);
	el1(eoi, 3, 51);
	/* Either it came at the EOI itself, or EL1 was faster. */
	if (b.kind != KIND_IRQ)
		el1(spin, 1, 0);
	check_eq(b.kind, KIND_IRQ, "EOI: a maintenance interrupt");
	check_eq(gic_ack(), MAINT, "its INTID");
	check_eq(ich_read(ICH_EISR), 1, "ICH_EISR_EL2");
	check_eq(ich_read(ICH_MISR), 1, "ICH_MISR_EL2");
	check_eq(ich_read(ICH_ELRSR) & 1, 0, "it is not free before it was looked at");
	ich_write(0, ICH_LR0);
	isb();
	check_eq(ich_read(ICH_MISR), 0, "gone with the list register");
	gic_eoi(MAINT);

	/* EL1 switches group 1 on. */
	reset();
	ich_write(0xf0UL << 24, ICH_VMCR);
	ich_write(EN | 1 << 6, ICH_HCR);
	isb();
	el1(on, 3, 1);
	check(b.kind == KIND_IRQ && gic_ack() == MAINT, "EL1 enables group 1", "kind %lu esr %lx", b.kind, b.esr);
	ich_write(0, ICH_HCR);
	isb();
	gic_eoi(MAINT);

	/* It ends one that no list register has. */
	reset();
	ich_write(1UL << (0x80 >> 3), ICH_AP1R0);
	ich_write(EN | 1 << 2, ICH_HCR);
	isb();
	el1(eoi, 3, 77);
	if (b.kind != KIND_IRQ)
		el1(spin, 1, 0);
	check_eq(b.kind, KIND_IRQ, "EOI without a list register: a maintenance interrupt");
	check_eq(gic_ack(), MAINT, "its INTID");
	check_eq(ich_read(ICH_HCR) >> 27, 1, "EOIcount");
	ich_write(0, ICH_HCR);
	isb();
	gic_eoi(MAINT);
	gic_disable(MAINT);
}

/* An interrupt of the hypervisor's that it gives to EL1 as a linked one: EL1's end of it is its deactivation. */
static void linked(void)
{
	unsigned int round;

	reset();
	gic_enable(SPI);
	gic_route(SPI, 0);
	write_sysreg(2, s3_0_c12_c12_4);	/* ICC_CTLR_EL1: EOI does not deactivate */
	isb();
	for (round = 0; round < 3; round++) {
		gic_set_pending(SPI);
		el1(spin, 1, 0);
		check(b.kind == KIND_IRQ && gic_ack() == SPI, "the hypervisor takes it", "kind %lu", b.kind);
		gic_eoi(SPI);
		check(gic_is_active(SPI), "it stays active", "it is not");
		ich_write(lr(52, 0x80) | LR_HW | LR_PINTID(SPI), ICH_LR0);
		ich_write(EN, ICH_HCR);
		isb();
		el1(ack, 3, 0);
		check_eq(b.x[0], 52, "EL1 has it as another");
		check(gic_is_active(SPI), "still active", "it is not");
		el1(eoi, 3, 52);
		check(!gic_is_active(SPI), "EL1's end deactivates it", "it is active");
		check_eq(ich_read(ICH_LR0) & LR_STATE, 0, "the list register is free");
		reset();
	}
	write_sysreg(0, s3_0_c12_c12_4);
	isb();
	gic_disable(SPI);
}

/* An interrupt for the hypervisor beats its guest's. */
static void both(void)
{
	reset();
	gic_enable(3);
	ich_write(lr(50, 0x80), ICH_LR0);
	ich_write(EN, ICH_HCR);
	isb();
	gic_send_sgi(0, 3);
	el1(take, 3, 0);
	check_eq(b.kind, KIND_IRQ, "the hypervisor's interrupt comes first");
	check_eq(gic_ack(), 3, "its INTID");
	gic_eoi(3);
	check_eq(below_resume(&b), BELOW_EXCEPTION + 5, "then its guest's");
	reset();
}

/* The guest's SGIs are the hypervisor's while either kind of interrupt is, or with ICH_HCR_EL2.TC. */
static void sgis(void)
{
	static const struct {
		const char *name;
		u64 hcr, ich_hcr;
		bool traps;
	} cases[] = { { "HCR_EL2.IMO", HCR_IMO, 0, true }, { "HCR_EL2.FMO", HCR_FMO, 0, true }, { "ICH_HCR_EL2.TC", 0, 1 << 10, true },
		      { "none of these", 0, 0, false } };
	unsigned int i, op2;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		write_sysreg(HCR_BELOW | cases[i].hcr, hcr_el2);
		ich_write(cases[i].ich_hcr, ICH_HCR);
		isb();
		for (op2 = 5; op2 <= 7; op2++) {	/* ICC_SGI1R_EL1, ICC_ASGI1R_EL1, ICC_SGI0R_EL1 */
			u64 ret = below_call(&b, EL1H, sys_code(SYSKEY(3, 0, 12, 11, op2), false, 31), 0, 0);

			check((ret == BELOW_RETURN) != cases[i].traps, cases[i].name, "op2 %u: %lx, ESR_EL2 %lx", op2, ret, b.esr);
		}
	}
	reset();
}

void payload_main(void)
{
	el2_init();
	gic_init();
	gic_init_cpu();
	check(ich_read(ICH_VTR) & 0x1f, "ICH_VTR_EL2 has list registers", "%lx", ich_read(ICH_VTR));
	inject();
	vmcr();
	maintenances();
	linked();
	both();
	sgis();
}
