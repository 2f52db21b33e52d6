// SPDX-License-Identifier: GPL-2.0-only
/* SDEI on several CPUs: signals, routing, bound interrupts, power. Four CPUs; each check begins with its case's number. */
#include "sdei.h"

const char payload_name[] = "sdei_smp";

#define SPI	60U
#define PPI	20U
#define TIMER	30U			/* the physical timer's PPI, at EL1 */
#define TIMER_EL2 26U

static struct event signal[MAX_CPUS], shared, bound[MAX_CPUS], spi_event, crit[MAX_CPUS];

/* ---- work for the others ---- */

static struct {
	void (*volatile fn)(u64 me);
	volatile bool off;		/* leave, without tidying up */
} work[MAX_CPUS];

static void worker(void *arg)
{
	u64 me = (u64)arg;

	gic_init_cpu();
	while (!work[me].off) {
		void (*fn)(u64) = work[me].fn;

		if (!fn) {
			yield();
			continue;
		}
		fn(me);
		__atomic_store_n(&work[me].fn, NULL, __ATOMIC_RELEASE);
	}
}

static void on(u64 i, void (*fn)(u64 me))
{
	if (i == this_cpu()->index) {
		fn(i);
		return;
	}
	__atomic_store_n(&work[i].fn, fn, __ATOMIC_RELEASE);
	if (!wait_for(!work[i].fn, 20000))
		fail("worker", "CPU %lu does not answer", i);
}

static void on_all(void (*fn)(u64 me))
{
	u64 i;

	for (i = 0; i < nr_cpus; i++)
		on(i, fn);
}

static void start(u64 i)
{
	work[i].fn = NULL;
	work[i].off = false;
	if (cpu_start(i, worker, (void *)i))
		fail("worker", "CPU %lu does not start", i);
}

static void power_off(u64 i)
{
	work[i].off = true;
	check(cpu_wait_off(i), "CPU_OFF", "CPU %lu is still on", i);
}

static void unmask(u64 me)
{
	sdei(SDEI_UNMASK, 0, 0);
}

static void mask(u64 me)
{
	sdei(SDEI_MASK, 0, 0);
}

static s64 answer;
static u64 question, question2;
static void ask(u64 me)
{
	answer = sdei(question, question2, 0);
}

static s64 ask_on(u64 i, u64 fn, u64 arg)
{
	question = fn;
	question2 = arg;
	on(i, ask);
	return answer;
}

/* ---- signals ---- */

static void arm_signal(u64 me)
{
	sdei_arm(&signal[me], 0, NULL);
}

static void signal_self(u64 me)
{
	SIGNAL_SELF();
}

static void disarm_signal(u64 me)
{
	sdei_disarm(&signal[me]);
}

static void signals(void)
{
	bool all = true, right = true;
	u64 i;

	on_all(arm_signal);
	on_all(signal_self);
	for (i = 0; i < nr_cpus; i++)
		all &= sdei_ran(&signal[i], 1) && signal[i].runs[i] == 1;
	check(all, "T14 each CPU signals itself", "not all ran, or not there");
	for (i = 0; i < nr_cpus; i++)
		right &= !sdei(SDEI_SIGNAL, 0, cpus[i].mpidr);
	check(right, "T15 one CPU signals all", "an error");
	for (all = true, i = 0; i < nr_cpus; i++)
		all &= sdei_ran(&signal[i], 2) && signal[i].runs[i] == 2 && signal[i].last.x[0] == 0;
	check(all, "T15 all ran", "not all ran, or not there");
	on(2, mask);
	IS(sdei(SDEI_SIGNAL, 0, cpus[2].mpidr), 0, "T16 signal to a masked CPU");
	IS(ask_on(2, SDEI_STATUS, 0), 3, "T16 it stays enabled");
	check_eq(signal[2].total, 2, "T16 it waits");
	on(2, unmask);
	check(sdei_ran(&signal[2], 3), "T16 UNMASK delivers it", "it did not");
	on_all(disarm_signal);
}

/* ---- routing ---- */

/* Level interrupts are lowered by their handler. */
static u64 lower_spi(struct event *ev, struct sdei_frame *f)
{
	writel(SPI, TD_SPI);
	return 0;
}

static void routed(void)
{
	u64 i, good = 0;

	IS(sdei(SDEI_BIND, SPI, 0), EV_DYN_SHARED, "T12 BIND of an SPI");
	for (i = 0; i < nr_cpus; i++) {
		spi_event.fn = lower_spi;
		WRITE_ONCE(spi_event.total, 0);
		if (sdei_register(&spi_event, EV_DYN_SHARED, 1, cpus[i].mpidr) || sdei(SDEI_ENABLE, EV_DYN_SHARED, 0))
			fail("T12 REGISTER", "on CPU %lu", i);
		spi_event.runs[i] = 0;
		writel(SPI | TD_LEVEL, TD_SPI);
		good += sdei_ran(&spi_event, 1) && spi_event.runs[i] == 1 && spi_event.last.x[1] == (u64)&spi_event;
		sdei_disarm(&spi_event);
	}
	check_eq(good, nr_cpus, "T12 an SPI on each CPU in turn");
	IS(sdei(SDEI_RELEASE, EV_DYN_SHARED, 0), 0, "T12 RELEASE");
}

static bool hold[MAX_CPUS];
static u32 inside, most_inside;

static u64 staggered(struct event *ev, struct sdei_frame *f)
{
	u32 n = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);

	if (n > most_inside)
		most_inside = n;
	hold[this_cpu()->index] = true;
	__atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static void any(void)
{
	u64 i, places = 0;

	sdei_arm(&shared, EV_SHARED, staggered);
	for (i = 1; i <= 40; i++) {
		IS(sdei_raise(EV_SHARED, 0), 0, "T19 raised");
		if (!sdei_ran(&shared, i))
			fail("T19 it runs somewhere", "only %u of %lu", shared.total, i);
	}
	check_eq(shared.total, 40, "T19 each exactly once");
	check_eq(most_inside, 1, "T19 never on two CPUs");
	for (i = 0; i < nr_cpus; i++)
		places += hold[i];
	print("# ran on %lu of %u CPUs\n", places, nr_cpus);
	for (i = 0; i + 1 < nr_cpus; i++)
		on(i, mask);
	WRITE_ONCE(shared.total, 0);
	shared.runs[nr_cpus - 1] = 0;
	sdei_raise(EV_SHARED, 0);
	check(sdei_ran(&shared, 1) && shared.runs[nr_cpus - 1] == 1, "T20 the only one that is not masked", "elsewhere");
	on(nr_cpus - 1, mask);
	sdei_raise(EV_SHARED, 0);
	check_eq(shared.total, 1, "T20 all masked: it waits");
	on(1, unmask);
	check(sdei_ran(&shared, 2) && shared.runs[1], "T20 UNMASK delivers it there", "it did not");
	on_all(unmask);
	sdei_disarm(&shared);
}

/* ---- private interrupts ---- */

static u64 lower_ppi(struct event *ev, struct sdei_frame *f)
{
	writel(this_cpu()->index, TD_VCPU);
	writel(PPI, TD_PPI);
	return 0;
}

static void arm_ppi(u64 me)
{
	sdei_arm(&bound[me], EV_DYN_PRIVATE, lower_ppi);
}

static void raise_ppi(u64 me)
{
	writel(me, TD_VCPU);
	writel(PPI | TD_LEVEL, TD_PPI);
}

static void disarm_bound(u64 me)
{
	sdei_disarm(&bound[me]);
}

static bool at_el2(void)
{
	return read_sysreg(currentel) == 8;
}

/* The physical timer of the exception level that we run at: on, from cval; or off. */
static void timer_set(bool on, u64 cval)
{
	if (at_el2()) {
		write_sysreg(cval, s3_4_c14_c2_2);	/* CNTHP_CVAL_EL2, CNTHP_CTL_EL2 */
		write_sysreg(on, s3_4_c14_c2_1);
	} else {
		write_sysreg(cval, cntp_cval_el0);
		write_sysreg(on, cntp_ctl_el0);
	}
	isb();
}

static u64 timer_off(struct event *ev, struct sdei_frame *f)
{
	timer_set(false, 0);
	return 0;
}

static void arm_timer(u64 me)
{
	sdei_arm(&bound[me], EV_DYN_PRIVATE, timer_off);
	timer_set(true, read_sysreg(cntpct_el0) + ticks_from_us(5000));
}

static void start_timer(u64 me)
{
	timer_set(true, 0);
}

static bool all_bound(u32 n)
{
	bool good = true;
	u64 i;

	for (i = 0; i < nr_cpus; i++)
		good &= sdei_ran(&bound[i], n) && bound[i].runs[i] == n;
	return good;
}

static void private_interrupts(void)
{
	IS(sdei(SDEI_BIND, PPI, 0), EV_DYN_PRIVATE, "T13 BIND of a PPI");
	IS(ask_on(1, SDEI_BIND, PPI), EV_DYN_PRIVATE, "T35 BIND of the same");
	on_all(arm_ppi);
	on_all(raise_ppi);
	check(all_bound(1), "T13 a PPI on every CPU, once", "not so");
	IS(sdei(SDEI_RELEASE, EV_DYN_PRIVATE, 0), SDEI_DENIED, "T37 RELEASE while registered");
	disarm_bound(0);
	IS(sdei(SDEI_RELEASE, EV_DYN_PRIVATE, 0), SDEI_DENIED, "T37 RELEASE while registered elsewhere");
	on(1, disarm_bound);
	on(2, disarm_bound);
	on(3, disarm_bound);
	IS(sdei(SDEI_RELEASE, EV_DYN_PRIVATE, 0), 0, "T37 RELEASE");
	IS(sdei(SDEI_RELEASE, EV_DYN_PRIVATE, 0), SDEI_INVALID, "T37 RELEASE again");
	IS(sdei(SDEI_BIND, at_el2() ? TIMER_EL2 : TIMER, 0), EV_DYN_PRIVATE, "T13 BIND of the timer");
	on_all(arm_timer);
	check(all_bound(1), "T13 the timer of every CPU", "not so");
	on_all(start_timer);
	check(all_bound(2), "T13 and again", "not so");
	on_all(disarm_bound);
	IS(sdei(SDEI_RELEASE, EV_DYN_PRIVATE, 0), 0, "T13 RELEASE of the timer");
}

static void bind_errors(void)
{
	IS(sdei(SDEI_BIND, 5, 0), SDEI_INVALID, "T35 BIND of an SGI");
	IS(sdei(SDEI_BIND, 1020, 0), SDEI_INVALID, "T35 BIND of 1020");
	IS(sdei(SDEI_BIND, 8192, 0), SDEI_INVALID, "T35 BIND of an LPI");
	IS(sdei(SDEI_BIND, 500, 0), SDEI_INVALID, "T35 BIND of an SPI that is not there");
	IS(sdei(SDEI_BIND, STATIC_SPI, 0), SDEI_INVALID, "T35 BIND of one that is a platform event's");
	IS(sdei(SDEI_BIND, 61, 0), EV_DYN_SHARED, "T35 first");
	IS(sdei(SDEI_BIND, 62, 0), EV_DYN_SHARED + 1, "T35 second");
	IS(sdei(SDEI_BIND, 63, 0), SDEI_NO_RESOURCE, "T35 no more");
	IS(sdei(SDEI_RELEASE, EV_DYN_SHARED + 1, 0), 0, "T35 RELEASE");
	IS(sdei(SDEI_RELEASE, EV_DYN_SHARED, 0), 0, "T35 RELEASE");
}

/* ---- whose interrupt: T36 ---- */

static u32 irqs;
static void count_irq(u32 intid)
{
	if (intid == SPI) {
		irqs++;
		writel(SPI, TD_SPI);
	}
}

static void raise_as_irq(const char *name)
{
	irqs = 0;
	writel(SPI | TD_LEVEL, TD_SPI);
	irq_enable();
	check(wait_for(READ_ONCE(irqs) == 1, 20000), name, "%u interrupts", irqs);
	irq_disable();
}

static void ownership(void)
{
	irq_handler = count_irq;
	IS(sdei(SDEI_BIND, SPI, 0), EV_DYN_SHARED, "T36 BIND");
	gic_route(SPI, 0);
	gic_enable(SPI);
	raise_as_irq("T36 bound, not registered: an interrupt");
	gic_set_priority(SPI, 0x80);
	sdei_arm(&spi_event, EV_DYN_SHARED, lower_spi);
	check_eq(gic_get_priority(SPI), 0, "T36 registered: reads as zero");
	gic_enable(SPI);
	gic_set_pending(SPI);
	check(!gic_is_pending(SPI), "T36 registered: cannot be set pending", "it is pending");
	check_eq(readl(gic_frame(SPI) + GICD_ISENABLER + SPI / 32 * 4) >> SPI % 32 & 1, 0, "T36 nor enabled");
	irqs = 0;
	irq_enable();
	writel(SPI | TD_LEVEL, TD_SPI);
	check(sdei_ran(&spi_event, 1), "T36 registered: an event", "it did not run");
	irq_disable();
	check_eq(irqs, 0, "T36 and no interrupt");
	sdei_disarm(&spi_event);
	check_eq(gic_get_priority(SPI), 0x80, "T36 unregistered: its registers are back");
	gic_enable(SPI);
	raise_as_irq("T36 unregistered: an interrupt");
	gic_disable(SPI);
	IS(sdei(SDEI_RELEASE, EV_DYN_SHARED, 0), 0, "T36 RELEASE");
	/* One that waits in another CPU's list register has to come out of it. */
	IS(sdei(SDEI_BIND, SPI, 0), EV_DYN_SHARED, "T36 BIND");
	gic_route(SPI, 1);
	gic_enable(SPI);
	writel(SPI | TD_LEVEL, TD_SPI);
	check(gic_is_pending(SPI), "T36 pending on another CPU", "it is not");
	sdei_arm(&spi_event, EV_DYN_SHARED, lower_spi);
	check(sdei_ran(&spi_event, 1), "T36 and taken over", "it did not run");
	sdei_disarm(&spi_event);
	IS(sdei(SDEI_RELEASE, EV_DYN_SHARED, 0), 0, "T36 RELEASE");
	irq_handler = NULL;
}

static void platform_event(void)
{
	/* Raised by its line from the start; the handler cannot lower it, UNREGISTER ends it. */
	sdei_arm(&spi_event, EV_STATIC, NULL);
	writel(STATIC_SPI, TD_EVENT);
	writel(STATIC_SPI | TD_LEVEL, TD_SPI);
	check(sdei_ran(&spi_event, 3), "T34 a level that stays comes again and again", "%u", spi_event.total);
	writel(STATIC_SPI, TD_SPI);
	while (sdei(SDEI_UNREGISTER, EV_STATIC, 0) == SDEI_PENDING)
		yield();
	check(wait_for(sdei(SDEI_STATUS, EV_STATIC, 0) == 0, 20000), "T41 UNREGISTER of one that runs elsewhere",
	      "it stays");
}

/* ---- a shared handler, from another CPU's point of view ---- */

static volatile bool let_go;
static volatile s64 runs_on = -1;

static u64 stay(struct event *ev, struct sdei_frame *f)
{
	runs_on = this_cpu()->index;
	while (!let_go)
		yield();
	runs_on = -1;
	return 0;
}

static u64 die_inside(struct event *ev, struct sdei_frame *f)
{
	cpu_off();
	return 0;
}

static void others(void)
{
	sdei_arm(&shared, EV_SHARED, stay);
	sdei(SDEI_MASK, 0, 0);
	sdei_raise(EV_SHARED, 0);
	check(wait_for(runs_on > 0, 20000), "T41 it runs on another CPU", "it does not");
	IS(sdei(SDEI_STATUS, EV_SHARED, 0), 7, "T41 status from here");
	IS(sdei(SDEI_UNREGISTER, EV_SHARED, 0), SDEI_PENDING, "T41 UNREGISTER from here");
	IS(sdei(SDEI_STATUS, EV_SHARED, 0), 4, "T41 status then");
	IS(sdei(SDEI_SHARED_RESET, 0, 0), SDEI_DENIED, "T39 SHARED_RESET while it runs");
	let_go = true;
	check(wait_for(sdei(SDEI_STATUS, EV_SHARED, 0) == 0, 20000), "T41 gone when it ends", "it stays");
	IS(sdei(SDEI_UNREGISTER, EV_SHARED, 0), SDEI_DENIED, "T41 UNREGISTER then");
	sdei(SDEI_UNMASK, 0, 0);
}

/* ---- power ---- */

static void arm_private(u64 me)
{
	sdei_arm(&crit[me], EV_CRIT, NULL);
	sdei_arm(&signal[me], 0, NULL);
}

static void power(void)
{
	on(3, arm_private);
	on(3, mask);
	IS(sdei(SDEI_SIGNAL, 0, cpus[3].mpidr), 0, "T40 signal to a masked CPU");
	power_off(3);
	IS(sdei(SDEI_SIGNAL, 0, cpus[3].mpidr), SDEI_INVALID, "T17 signal to a CPU that is off");
	spi_event.fn = NULL;
	WRITE_ONCE(spi_event.total, 0);
	IS(sdei_register(&spi_event, EV_SHARED_CRIT, 1, cpus[3].mpidr), 0, "T40 REGISTER for a CPU that is off");
	IS(sdei(SDEI_ENABLE, EV_SHARED_CRIT, 0), 0, "T40 ENABLE");
	IS(sdei_raise(EV_SHARED_CRIT, 0), 0, "T40 raised");
	start(3);
	IS(ask_on(3, SDEI_STATUS, EV_CRIT), 0, "T40 CPU_ON: private events are unregistered");
	IS(ask_on(3, SDEI_STATUS, 0), 0, "T40 event 0 too");
	check_eq(spi_event.total, 0, "T40 CPU_ON: masked");
	IS(ask_on(3, SDEI_MASK, 0), 0, "T40 MASK says so");
	on(3, unmask);
	check(sdei_ran(&spi_event, 1) && spi_event.runs[3] >= 1, "T40 what waited for it comes at UNMASK", "it did not");
	check_eq(signal[3].total, 0, "T40 a private one that was pending is gone");
	sdei_disarm(&spi_event);
	/* A CPU goes off in the middle of a shared handler. */
	sdei_arm(&shared, EV_SHARED, die_inside);
	on(0, mask);
	on(1, mask);
	on(2, mask);
	sdei_raise(EV_SHARED, 0);
	check(cpu_wait_off(3), "T42 CPU_OFF in a shared handler", "it is on");
	check(wait_for(sdei(SDEI_STATUS, EV_SHARED, 0) == 3, 20000), "T42 the event runs nowhere", "status %ld",
	      sdei(SDEI_STATUS, EV_SHARED, 0));
	shared.fn = NULL;
	WRITE_ONCE(shared.total, 0);
	sdei_raise(EV_SHARED, 0);
	on(1, unmask);
	check(sdei_ran(&shared, 1), "T42 and can run again", "it does not");
	sdei_disarm(&shared);
	on(0, unmask);
	on(2, unmask);
	start(3);
	on(3, unmask);
}

/* SPIs come up as edges. */
static void level_triggered(u32 intid)
{
	u64 reg = GICD_BASE + GICD_ICFGR + intid / 16 * 4;

	writel(readl(reg) & ~(3U << intid % 16 * 2), reg);
}

void payload_main(void)
{
	u64 i;

	gic_init();
	gic_init_cpu();
	level_triggered(SPI);
	level_triggered(STATIC_SPI);
	for (i = 1; i < nr_cpus; i++) {
		start(i);
		IS(ask_on(i, SDEI_MASK, 0), 0, "T40 a CPU starts masked");
	}
	IS(sdei(SDEI_MASK, 0, 0), 0, "T32 the first CPU starts masked");
	on_all(unmask);
	signals();
	routed();
	any();
	private_interrupts();
	bind_errors();
	ownership();
	platform_event();
	others();
	power();
	for (i = 1; i < nr_cpus; i++)
		power_off(i);
}
