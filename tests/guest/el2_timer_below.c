// SPDX-License-Identifier: GPL-2.0-only
/*
 * The EL1 timers under a hypervisor: its CNTVOFF_EL2, what it sees in CNTx_CTL_EL02 when the interrupt comes, the virtual
 * interrupt linked to it, and a wait for a timer that it set without any trap.
 */
#include "el2.h"

const char payload_name[] = "el2_timer_below";

#define VTIMER		27
#define PTIMER		30
#define HPTIMER		26
#define LONG_MS		30000		/* nobody waits as long as this */

#define CNTV_CTL_EL02	s3_5_c14_c3_1
#define CNTV_CVAL_EL02	s3_5_c14_c3_2
#define CNTP_CTL_EL02	s3_5_c14_c2_1
#define CNTP_CVAL_EL02	s3_5_c14_c2_2
#define ICH_HCR_EL2	s3_4_c12_c11_0
#define ICH_VMCR_EL2	s3_4_c12_c11_7
#define ICH_LR0_EL2	s3_4_c12_c12_0
#define ICC_CTLR_EL1	s3_0_c12_c12_4

#define LR_PENDING	(1UL << 62)
#define LR_STATE	(3UL << 62)
#define LR_HW		(1UL << 61)
#define LR_GROUP1	(1UL << 60)
#define VMCR_OPEN	(0xf8UL << 24 | 2)	/* PMR, group 1 on */

/* Expand the names above. */
#define get(r)		read_sysreg(r)
#define set(val, r)	write_sysreg(val, r)

static struct below b;

static u64 pnow(void)
{
	isb();
	return read_sysreg(cntpct_el0);
}

/* ---- code for below; the stack only ---- */

static u64 __attribute__((noinline)) read_vct(u64 a0, u64 a1)
{
	isb();
	return read_sysreg(cntvct_el0);
}

/* Until @ticks are over by the counter that never stands still. */
static u64 __attribute__((noinline)) spin(u64 ticks, u64 a1)
{
	u64 start = pnow();

	while (pnow() - start < ticks)
		;
	return 0;
}

/* Take the timer's interrupt, arm it again for @ticks later, end it, and wait for the next. */
static u64 __attribute__((noinline)) take_and_arm(u64 ticks, u64 limit)
{
	u64 start = pnow(), intid;

	do {
		intid = read_sysreg(s3_0_c12_c12_0);
	} while (intid != VTIMER && pnow() - start < limit);
	if (intid != VTIMER)
		return intid;
	isb();
	write_sysreg(read_sysreg(cntvct_el0) + ticks, cntv_cval_el0);
	isb();
	write_sysreg(intid, s3_0_c12_c12_1);
	isb();
	spin(limit, 0);
	return 0;
}

/* ---- */

static void offset(void)
{
	static const u64 offsets[] = { 0, 12345, 1UL << 20 };
	u64 first = pnow(), second = now(), third = pnow();
	unsigned int i;

	/* At EL2 with E2H the virtual counter has no offset. */
	if (!nvhe)
		check(first <= second && second <= third, "EL2's two counters are one", "%lx, virtual %lx, %lx", first, second, third);
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		u64 before, after, ret;

		write_sysreg(offsets[i], cntvoff_el2);
		isb();
		before = pnow();
		ret = below_call(&b, EL1H, read_vct, 0, 0);
		after = pnow();
		check(ret == BELOW_RETURN && b.x[0] >= before - offsets[i] && b.x[0] <= after - offsets[i],
		      "CNTVOFF_EL2 is the virtual counter's", "%lx: %lx not in %lx..%lx less %lx", ret, b.x[0], before, after,
		      offsets[i]);
	}
	/* What is far from now, so that an offset that is forgotten is over, or never comes. */
	write_sysreg(pnow() / 2, cntvoff_el2);
	isb();
}

/* Set by the hypervisor, with its guest's offset; fires while the guest runs. */
static void fires_below(void)
{
	u64 voff = read_sysreg(cntvoff_el2), due, late;

	write_sysreg(HCR_BELOW | HCR_IMO | HCR_FMO, hcr_el2);
	due = pnow() + ticks_from_us(2000);
	set(due - voff, CNTV_CVAL_EL02);
	set(1, CNTV_CTL_EL02);
	below_call(&b, EL1H, spin, ticks_from_us(LONG_MS * 1000), 0);
	late = get(CNTV_CTL_EL02);
	check_eq(b.kind, KIND_IRQ, "the virtual timer ends its guest");
	check_eq(late, 5, "CNTV_CTL_EL02 then: enabled, condition met");
	check(pnow() >= due, "not too early", "by %lu", due - pnow());
	check_eq(gic_ack(), VTIMER, "its INTID");
	set(0, CNTV_CTL_EL02);
	gic_eoi(VTIMER);

	due = pnow() + ticks_from_us(2000);
	set(due, CNTP_CVAL_EL02);
	set(1, CNTP_CTL_EL02);
	below_call(&b, EL1H, spin, ticks_from_us(LONG_MS * 1000), 0);
	late = get(CNTP_CTL_EL02);
	check_eq(b.kind, KIND_IRQ, "the physical timer ends its guest");
	check_eq(late, 5, "CNTP_CTL_EL02 then");
	check_eq(gic_ack(), PTIMER, "its INTID");
	set(0, CNTP_CTL_EL02);
	gic_eoi(PTIMER);
}

/*
 * As hypervisors do it: the interrupt stays active at EL2 and is linked to a virtual one, whose end ends both. The guest then
 * has the next one without any exit between.
 */
static void linked(void)
{
	u64 voff = read_sysreg(cntvoff_el2), ctl = get(ICC_CTLR_EL1), limit = ticks_from_us(LONG_MS * 1000);

	set(ctl | 2, ICC_CTLR_EL1);	/* EOImode */
	isb();
	set(pnow() - voff, CNTV_CVAL_EL02);
	set(1, CNTV_CTL_EL02);
	below_call(&b, EL1H, spin, limit, 0);
	check_eq(b.kind, KIND_IRQ, "a timer that is over already");
	check_eq(gic_ack(), VTIMER, "its INTID");
	gic_eoi(VTIMER);
	check(gic_is_active(VTIMER), "active after the priority drop", "not active");
	set(LR_PENDING | LR_HW | LR_GROUP1 | 0xa0UL << 48 | (u64)VTIMER << 32 | VTIMER, ICH_LR0_EL2);
	set(VMCR_OPEN, ICH_VMCR_EL2);
	set(1, ICH_HCR_EL2);
	b.x[0] = 0;
	below_call(&b, EL1H, take_and_arm, ticks_from_us(3000), limit);
	check_eq(b.kind, KIND_IRQ, "the next one, after the guest ended the first");
	check_eq(get(CNTV_CTL_EL02), 5, "CNTV_CTL_EL02 then");
	check_eq(get(ICH_LR0_EL2) & LR_STATE, 0, "the list register is empty");
	check(!gic_is_active(VTIMER), "the first is no longer active", "it is");
	check_eq(gic_ack(), VTIMER, "its INTID");
	set(0, CNTV_CTL_EL02);
	gic_eoi(VTIMER);
	gic_dir(VTIMER);
	set(0, ICH_HCR_EL2);
	set(ctl, ICC_CTLR_EL1);
	isb();
}

/* The hypervisor sets its guest's timer, in memory, and waits: nothing but WFI traps. */
static void wait_at_el2(void)
{
	u64 due, voff = read_sysreg(cntvoff_el2), limit;

	limit = pnow() + ticks_from_us(LONG_MS * 1000);
	write_sysreg(limit, s3_4_c14_c2_2);	/* CNTHP_CVAL_EL2 */
	write_sysreg(1, s3_4_c14_c2_1);
	isb();
	due = pnow() + ticks_from_us(20000);
	set(due - voff, CNTV_CVAL_EL02);
	set(1, CNTV_CTL_EL02);
	while (pnow() < due)
		wfi();
	check(pnow() < limit, "WFI at EL2 ends with EL1's virtual timer", "only the other timer ended it");
	check_eq(get(CNTV_CTL_EL02), 5, "CNTV_CTL_EL02 then");
	check_eq(gic_ack(), VTIMER, "its INTID");
	set(0, CNTV_CTL_EL02);
	gic_eoi(VTIMER);
	write_sysreg(0, s3_4_c14_c2_1);
	check_eq(gic_ack(), SPURIOUS, "nothing left");
}

void payload_main(void)
{
	el2_init();
	gic_init();
	gic_init_cpu();
	gic_enable(VTIMER);
	gic_enable(PTIMER);
	gic_enable(HPTIMER);
	write_sysreg(read_sysreg(cnthctl_el2) | (nvhe ? 3UL : 3UL << 10), cnthctl_el2);
	offset();
	fires_below();
	linked();
	wait_at_el2();
	write_sysreg(HCR_BELOW, hcr_el2);
}
