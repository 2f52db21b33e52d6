// SPDX-License-Identifier: GPL-2.0-only
/* EL2's two timers and EL1's two, from virtual EL2 and below it: names, offsets, and the interrupt wherever the CPU is. */
#include "el2.h"

const char payload_name[] = "el2_timer";

#define CNTHP_INTID	26
#define CNTHV_INTID	28
#define CNTV_INTID	27
#define CNTP_INTID	30

static struct below b;
static u32 fired[32];

static const u32 spin[] = { 0x14000000 };				/* b . */
static const u32 counters[] = { 0xd5033fdf, 0xd53be040, 0xd53be021, 0xd4000022 };	/* isb; x0 = CNTVCT, x1 = CNTPCT; hvc #1 */
static const u32 wfi_code[] = { 0xd503207f, 0x17ffffff };		/* 1: wfi; b 1b */

struct timer {
	const char *name;
	u32 intid;
	u32 ctl, cval, tval;
	bool el1, virt;		/* EL1's; its counter is CNTVCT of EL1 */
};

static const struct timer timers[] = {
	{ "CNTHP_EL2", CNTHP_INTID, SYSKEY(3, 4, 14, 2, 1), SYSKEY(3, 4, 14, 2, 2), SYSKEY(3, 4, 14, 2, 0), false, false },
	{ "CNTHV_EL2", CNTHV_INTID, SYSKEY(3, 4, 14, 3, 1), SYSKEY(3, 4, 14, 3, 2), SYSKEY(3, 4, 14, 3, 0), false, false },
	{ "CNTP_EL02", CNTP_INTID, SYSKEY(3, 5, 14, 2, 1), SYSKEY(3, 5, 14, 2, 2), SYSKEY(3, 5, 14, 2, 0), true, false },
	{ "CNTV_EL02", CNTV_INTID, SYSKEY(3, 5, 14, 3, 1), SYSKEY(3, 5, 14, 3, 2), SYSKEY(3, 5, 14, 3, 0), true, true },
};

static u64 pnow(void)
{
	isb();
	return read_sysreg(cntpct_el0);
}

static u64 timer_now(const struct timer *t)
{
	return pnow() - (t->virt ? read_sysreg(cntvoff_el2) : 0);
}

static u64 get(u32 key)
{
	u64 val = 0;

	if (sys_read(nvhe ? name_without_e2h(key) : key, &val))
		fail("read", "%x is UNDEF", key);
	return val;
}

static void set(u32 key, u64 val)
{
	if (sys_write(nvhe ? name_without_e2h(key) : key, val))
		fail("write", "%x is UNDEF", key);
}

static void arm_us(const struct timer *t, u64 us)
{
	set(t->cval, timer_now(t) + ticks_from_us(us));
	set(t->ctl, 1);
}

static bool exists(const struct timer *t)
{
	return !nvhe || t->intid != CNTHV_INTID;
}

static void on_irq(u32 intid)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(timers); i++)
		if (timers[i].intid == intid && exists(&timers[i]) && (get(timers[i].ctl) & 4)) {
			fired[intid]++;
			set(timers[i].ctl, 3);
		}
}

/* Without E2H there is no CNTHV, EL0's names are EL1's timers, and the virtual counter has its offset at EL2 too. */
static void names_nvhe(void)
{
	u64 before, val, after;

	set(SYSKEY(3, 4, 14, 2, 2), 0x123456789abc);
	set(SYSKEY(3, 5, 14, 2, 2), 0x3456789abcde);
	set(SYSKEY(3, 5, 14, 3, 2), 0x456789abcdef);
	check_eq(get(SYSKEY(3, 4, 14, 2, 2)), 0x123456789abc, "CNTHP_CVAL_EL2 is another");
	check_eq(read_sysreg(cntp_cval_el0), 0x3456789abcde, "CNTP_CVAL_EL0");
	check_eq(read_sysreg(cntv_cval_el0), 0x456789abcdef, "CNTV_CVAL_EL0");
	write_sysreg(0x12345678, cntvoff_el2);
	isb();
	before = pnow();
	val = read_sysreg(cntvct_el0) + 0x12345678;
	after = pnow();
	check(val >= before && val <= after, "CNTVCT_EL0 at EL2", "%lx not in %lx..%lx", val, before, after);
	write_sysreg(0, cntvoff_el2);
}

static void names(void)
{
	/* At EL2 with E2H the EL0 names are EL2's timers. */
	write_sysreg(0x123456789abc, cntp_cval_el0);
	check_eq(get(SYSKEY(3, 4, 14, 2, 2)), 0x123456789abc, "CNTP_CVAL_EL0 is CNTHP_CVAL_EL2");
	write_sysreg(0x23456789abcd, cntv_cval_el0);
	check_eq(get(SYSKEY(3, 4, 14, 3, 2)), 0x23456789abcd, "CNTV_CVAL_EL0 is CNTHV_CVAL_EL2");
	set(SYSKEY(3, 5, 14, 2, 2), 0x3456789abcde);
	set(SYSKEY(3, 5, 14, 3, 2), 0x456789abcdef);
	check_eq(get(SYSKEY(3, 5, 14, 2, 2)), 0x3456789abcde, "CNTP_CVAL_EL02");
	check_eq(get(SYSKEY(3, 5, 14, 3, 2)), 0x456789abcdef, "CNTV_CVAL_EL02");
	check_eq(read_sysreg(cntp_cval_el0), 0x123456789abc, "CNTHP_CVAL_EL2 is another");
	check_eq(read_sysreg(cntv_cval_el0), 0x23456789abcd, "CNTHV_CVAL_EL2 is another");
}

/* No exact times: each is between two looks at the counter. */
static void values(const struct timer *t)
{
	u64 before, after, cval;
	s32 tval;

	set(t->ctl, 0);
	before = timer_now(t);
	set(t->tval, 1000000);
	after = timer_now(t);
	cval = get(t->cval);
	check(cval - before >= 1000000 && cval <= after + 1000000, t->name, "CVAL %lx from TVAL, between %lx and %lx", cval,
	      before + 1000000, after + 1000000);
	before = timer_now(t);
	tval = get(t->tval);
	after = timer_now(t);
	check((u32)((u32)(cval - before) - (u32)tval) <= after - before, t->name, "TVAL %d", tval);
	set(t->cval, timer_now(t) + (1UL << 40));
	set(t->ctl, 1);
	check_eq(get(t->ctl), 1, t->name);
	set(t->cval, timer_now(t) - 1);
	set(t->ctl, 3);
	/* EL1's timers are in memory here, and ISTATUS is as old as the last exit from the guest. */
	check_eq(get(t->ctl) | (t->el1 ? 4 : 0), 7, t->name);
	set(t->ctl, 0);
}

static void at_el2(const struct timer *t)
{
	u32 was = fired[t->intid];

	irq_enable();
	/* EL1's timers are in memory: a hypervisor that arms one there, and does not leave, is not seen. */
	if (!t->el1) {
		arm_us(t, 1000);
		check(wait_for(fired[t->intid] != was, 30000), t->name, "no interrupt at EL2");
		was = fired[t->intid];
	}
	arm_us(t, 1000);
	for (;;) {
		irq_disable();
		if (fired[t->intid] != was)
			break;
		wfi();		/* ends with the interrupt, masked or not */
		irq_enable();
	}
	ok("WFI at EL2 ends with it");
}

static void below(const struct timer *t)
{
	u32 intid;

	write_sysreg(HCR_BELOW | HCR_IMO | HCR_FMO, hcr_el2);
	arm_us(t, 1000);
	below_call(&b, EL1H, code_of(spin, 1), 0, 0);
	intid = gic_ack();
	check(b.kind == KIND_IRQ && intid == t->intid, t->name, "while EL1 runs: kind %lu INTID %u", b.kind, intid);
	on_irq(intid);
	gic_eoi(intid);
	arm_us(t, 1000);
	below_call(&b, EL1H, code_of(wfi_code, 2), 0, 0);
	intid = gic_ack();
	check(b.kind == KIND_IRQ && intid == t->intid, t->name, "while EL1 waits: kind %lu INTID %u", b.kind, intid);
	on_irq(intid);
	gic_eoi(intid);
	/* It has expired before EL1 begins. */
	set(t->cval, timer_now(t) - 1);
	set(t->ctl, 1);
	below_call(&b, EL1H, code_of(spin, 1), 0, 0);
	intid = gic_ack();
	check(b.kind == KIND_IRQ && intid == t->intid, t->name, "before EL1 runs: kind %lu INTID %u", b.kind, intid);
	on_irq(intid);
	gic_eoi(intid);
	write_sysreg(HCR_BELOW, hcr_el2);
}

/* What EL1 sees of its own timer and counters, with an offset. */
static void offset(void)
{
	static const u32 arm[] = { 0xd51be340, 0xd2800021, 0xd51be321, 0x14000000 };	/* CNTV_CVAL = x0; CNTV_CTL = 1; b . */
	u64 off, before, after;
	u32 intid;

	for (off = 0; off < 3; off++) {
		u64 voff = off == 0 ? 0 : off == 1 ? 0x12345678 : -0x5555555UL;

		write_sysreg(voff, cntvoff_el2);
		write_sysreg(nvhe ? 3UL : 3UL << 10, cnthctl_el2);
		isb();
		before = pnow();
		below_call(&b, EL1H, code_of(counters, 4), 0, 0);
		after = pnow();
		check(below_hvc(&b, 1) && b.x[0] - (before - voff) <= after - before, "CNTVCT_EL0 at EL1", "%lx, from %lx to %lx",
		      b.x[0], before - voff, after - voff);
		check(b.x[1] >= before && b.x[1] <= after, "CNTPCT_EL0 at EL1", "%lx, from %lx to %lx", b.x[1], before, after);
	}
	write_sysreg(0x12345678, cntvoff_el2);
	write_sysreg(HCR_BELOW | HCR_IMO | HCR_FMO, hcr_el2);
	isb();
	below_call(&b, EL1H, code_of(arm, 4), pnow() - 0x12345678 + ticks_from_us(1000), 0);
	intid = gic_ack();
	check(b.kind == KIND_IRQ && intid == CNTV_INTID, "EL1's own timer comes to EL2", "kind %lu INTID %u", b.kind, intid);
	check_eq(get(SYSKEY(3, 5, 14, 3, 1)), 5, "its CNTV_CTL_EL02");
	check_eq(get(SYSKEY(3, 5, 14, 3, 2)), b.x[0], "its CNTV_CVAL_EL02");
	on_irq(intid);
	gic_eoi(intid);
	write_sysreg(HCR_BELOW, hcr_el2);
	write_sysreg(0, cntvoff_el2);
}

void payload_main(void)
{
	unsigned int i;

	el2_init();
	gic_init();
	gic_init_cpu();
	irq_handler = on_irq;
	for (i = 0; i < ARRAY_SIZE(timers); i++)
		gic_enable(timers[i].intid);
	write_sysreg(0, cntvoff_el2);
	if (nvhe)
		names_nvhe();
	else
		names();
	for (i = 0; i < ARRAY_SIZE(timers); i++)
		if (exists(&timers[i]))
			values(&timers[i]);
	for (i = 0; i < ARRAY_SIZE(timers); i++)
		if (exists(&timers[i]))
			at_el2(&timers[i]);
	for (i = 0; i < ARRAY_SIZE(timers); i++)
		if (exists(&timers[i]))
			below(&timers[i]);
	offset();
}
