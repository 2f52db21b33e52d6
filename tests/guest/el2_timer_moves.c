// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's timers whose vCPU moves between two CPUs of its hypervisor, as a thread scheduler does it: saved and loaded with
 * the list register and the active state of the PPI, the way Linux's KVM does, at moments that the other CPU chooses by an
 * SGI. None of the guest's interrupts may be lost, whichever CPU it was armed on, pending on, or taken on.
 */
#include "el2.h"

const char payload_name[] = "el2_timer_moves";

#define ROUNDS		400
#define KICKS		3	/* in a round: an interrupt that is lost after them stays lost, since no move finds it again */
#define LONG_MS		60000		/* nobody waits as long as this */
#define KICK		3
#define VTIMER		27
#define PTIMER		30

#define CNTV_CTL_EL02	s3_5_c14_c3_1
#define CNTV_CVAL_EL02	s3_5_c14_c3_2
#define CNTP_CTL_EL02	s3_5_c14_c2_1
#define CNTP_CVAL_EL02	s3_5_c14_c2_2
#define ICH_HCR_EL2	s3_4_c12_c11_0
#define ICH_VMCR_EL2	s3_4_c12_c11_7
#define ICH_LR0_EL2	s3_4_c12_c12_0
#define ICH_AP1R0_EL2	s3_4_c12_c9_0
#define ICC_CTLR_EL1	s3_0_c12_c12_4

#define LR_PENDING	(1UL << 62)
#define LR_ACTIVE	(2UL << 62)
#define LR_STATE	(3UL << 62)
#define LR_HW		(1UL << 61)
#define LR_GROUP1	(1UL << 60)
#define VMCR_OPEN	(0xf8UL << 24 | 2)	/* PMR, group 1 on */
#define CTL_ON		1UL
#define CTL_FIRES	5UL			/* enabled, not masked, condition met */

/* Expand the names above. */
#define get(r)		read_sysreg(r)
#define set(val, r)	write_sysreg(val, r)

/* The guest's vCPU. Belongs to the CPU whose turn it is. */
static struct {
	struct below b;
	u64 ctl, cval, lr, apr, sp;
	unsigned int ppi;
	bool virt, started;
} g;
static volatile unsigned int turn, done;
static volatile u32 moves, stale, entries[2], round_now;

static u64 pnow(void)
{
	isb();
	return read_sysreg(cntpct_el0);
}

static u32 rnd(u32 *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 16 & 0x7fff;
}

/* ---- the guest; the stack only ---- */

/* Arm the timer, wait for its interrupt, turn it off and end it. Returns how many came in time. */
static u64 __attribute__((noinline)) below_rounds(u64 virt, u64 limit)
{
	u64 i, start, intid, ctl;
	u32 seed = 99;

	for (i = 0; i < ROUNDS; i++) {
		WRITE_ONCE(round_now, i);
		start = pnow();
		if (virt) {
			write_sysreg(read_sysreg(cntvct_el0) + rnd(&seed) * 4, cntv_cval_el0);
			write_sysreg(1, cntv_ctl_el0);
		} else {
			write_sysreg(start + rnd(&seed) * 4, cntp_cval_el0);
			write_sysreg(1, cntp_ctl_el0);
		}
		isb();
		for (;;) {
			intid = read_sysreg(s3_0_c12_c12_0);
			dsb(sy);
			if (intid != SPURIOUS) {
				ctl = virt ? read_sysreg(cntv_ctl_el0) : read_sysreg(cntp_ctl_el0);
				if (virt)
					write_sysreg(0, cntv_ctl_el0);
				else
					write_sysreg(0, cntp_ctl_el0);
				isb();
				write_sysreg(intid, s3_0_c12_c12_1);
				isb();
				if (ctl & 4)
					break;
				/* A leftover of the round before: allowed, but this one is still to come. */
				if (virt)
					write_sysreg(1, cntv_ctl_el0);
				else
					write_sysreg(1, cntp_ctl_el0);
				isb();
			}
			if (pnow() - start > limit)
				return i;
		}
	}
	return i;
}

/* ---- its hypervisor ---- */

static u64 ctl_get(void)
{
	return g.virt ? get(CNTV_CTL_EL02) : get(CNTP_CTL_EL02);
}

static void ctl_set(u64 val)
{
	if (g.virt)
		set(val, CNTV_CTL_EL02);
	else
		set(val, CNTP_CTL_EL02);
}

static void load(void)
{
	u64 t = pnow() - (g.virt ? read_sysreg(cntvoff_el2) : 0);
	bool fires = (g.ctl & 3) == CTL_ON && t >= g.cval, active = g.lr & LR_STATE;

	if (fires && !active)
		g.lr = LR_PENDING | LR_HW | LR_GROUP1 | 0xa0UL << 48 | (u64)g.ppi << 32 | g.ppi;
	writel(1U << g.ppi, gic_frame(g.ppi) + (fires || active ? GICD_ISACTIVER : GICD_ICACTIVER));
	if (g.virt)
		set(g.cval, CNTV_CVAL_EL02);
	else
		set(g.cval, CNTP_CVAL_EL02);
	isb();
	ctl_set(g.ctl);
	set(g.lr, ICH_LR0_EL2);
	set(g.apr, ICH_AP1R0_EL2);
	set(VMCR_OPEN, ICH_VMCR_EL2);
	set(1, ICH_HCR_EL2);
	if (g.started)
		write_sysreg(g.sp, sp_el1);
	isb();
}

static void save(void)
{
	g.ctl = ctl_get();
	g.cval = g.virt ? get(CNTV_CVAL_EL02) : get(CNTP_CVAL_EL02);
	ctl_set(0);
	isb();
	g.lr = get(ICH_LR0_EL2);
	g.apr = get(ICH_AP1R0_EL2);
	set(0, ICH_LR0_EL2);
	set(0, ICH_HCR_EL2);
	g.sp = read_sysreg(sp_el1);
	isb();
}

/* At EL2: the timer's interrupt stays active, and is the guest's from now on. */
static void take_interrupt(void)
{
	u32 intid = gic_ack();

	if (intid == SPURIOUS)
		return;
	gic_eoi(intid);
	if (intid != g.ppi) {
		gic_dir(intid);
		return;
	}
	if ((ctl_get() & 7) != CTL_FIRES) {
		stale++;	/* gone meanwhile: the next load makes it inactive */
		return;
	}
	if (!(get(ICH_LR0_EL2) & LR_STATE))
		set(LR_PENDING | LR_HW | LR_GROUP1 | 0xa0UL << 48 | (u64)g.ppi << 32 | g.ppi, ICH_LR0_EL2);
}

static void run_turn(u32 *seed)
{
	unsigned int me = this_cpu()->index, n = 1 + rnd(seed) % 4;
	u64 ret;

	load();
	while (n) {
		entries[me]++;
		if (g.started) {
			ret = below_resume(&g.b);
		} else {
			g.started = true;
			ret = below_call(&g.b, EL1H, below_rounds, g.virt, ticks_from_us(LONG_MS * 1000));
		}
		if (ret || g.b.kind != KIND_IRQ) {
			save();
			done = 1;
			return;
		}
		take_interrupt();
		n--;
	}
	save();
	moves++;
	dsb(ish);
	turn = !me;
}

static void hypervisor(void *arg)
{
	unsigned int me = this_cpu()->index, other = !me, kicks = 0;
	u32 seed = me + 5, in_round = 0;
	u64 ctl = get(ICC_CTLR_EL1), until;

	set(ctl | 2, ICC_CTLR_EL1);	/* EOImode */
	write_sysreg(HCR_BELOW | HCR_IMO | HCR_FMO, hcr_el2);
	isb();
	while (!done) {
		if (turn == me) {
			run_turn(&seed);
			continue;
		}
		until = pnow() + rnd(&seed) * 4;
		while (turn != me && !done && pnow() < until)
			yield();
		if (round_now != in_round) {
			in_round = round_now;
			kicks = 0;
		}
		if (turn != me && !done && kicks < KICKS) {
			kicks++;
			gic_send_sgi(other, KICK);
		}
	}
	/* What is left of this phase. */
	while (gic_ack() != SPURIOUS)
		;
	writel(1U << g.ppi | 1U << KICK, gic_frame(g.ppi) + GICD_ICACTIVER);
	set(ctl, ICC_CTLR_EL1);
	write_sysreg(HCR_BELOW, hcr_el2);
	isb();
}

static volatile unsigned int phase, over;

static void cpu1(void *arg)
{
	unsigned int mine = 0;

	el2_init();
	gic_init_cpu();
	gic_enable(VTIMER);
	gic_enable(PTIMER);
	gic_enable(KICK);
	write_sysreg(read_sysreg(cnthctl_el2) | (nvhe ? 3 : 3 << 10), cnthctl_el2);
	write_sysreg((u64)arg, cntvoff_el2);
	isb();
	for (;;) {
		__atomic_store_n(&over, mine, __ATOMIC_SEQ_CST);
		while (phase == mine)
			yield();
		mine = phase;
		hypervisor(NULL);
	}
}

static void both(unsigned int number, bool virt, const char *name)
{
	g = (typeof(g)){ .virt = virt, .ppi = virt ? VTIMER : PTIMER };
	turn = done = 0;
	moves = stale = entries[0] = entries[1] = round_now = 0;
	dsb(ish);
	phase = number;
	hypervisor(NULL);
	while (over != number)
		yield();
	print("# %s: %u moves, %u and %u entries, %u stale\n", name, moves, entries[0], entries[1], stale);
	check(below_hvc(&g.b, BELOW_RETURN) && g.b.x[0] == ROUNDS, name, "%lu of %u, kind %lu esr %lx", g.b.x[0], ROUNDS,
	      g.b.kind, g.b.esr);
	check(moves > 10, "its guest moved", "%u times", moves);
}

void payload_main(void)
{
	u64 voff;

	if (nr_cpus < 2) {
		fail("CPUs", "two are needed");
		return;
	}
	el2_init();
	gic_init();
	gic_init_cpu();
	gic_enable(VTIMER);
	gic_enable(PTIMER);
	gic_enable(KICK);
	write_sysreg(read_sysreg(cnthctl_el2) | (nvhe ? 3 : 3 << 10), cnthctl_el2);
	voff = pnow() / 2;
	write_sysreg(voff, cntvoff_el2);
	isb();
	if (cpu_start(1, cpu1, (void *)voff)) {
		fail("start", "CPU 1");
		return;
	}
	both(1, true, "no interrupt of a virtual timer is lost");
	both(2, false, "no interrupt of a physical timer is lost");
}
