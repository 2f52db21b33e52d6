// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest's events cost, seen from the guest: each line is
 * `NAME MEAN MINIMUM`, in nanoseconds of the guest's virtual counter, which
 * under QEMU's `-icount shift=0` are instructions. See README.md. Runs under
 * bench/minivmm only: it uses that VMM's devices.
 */
#include "tests/guest/lib/sdei.h"

#define VMM_BASE	0x0a000000UL	/* a register that the VMM serves */
#define VMM_HOST_CPUS	(VMM_BASE + 8)
#define VMM_REPEATS	(VMM_BASE + 24)
#define VMM_RAISE_SELF	(VMM_BASE + 32)	/* a read raises the line of SPI_SELF ... */
#define VMM_RAISE_OTHER	(VMM_BASE + 40)
#define VMM_LOWER	(VMM_BASE + 48)	/* ... or lowers both */
#define S2_POPULATED	0x80000000UL	/* memory the VMM has touched already */
#define S2_FRESH	0x90000000UL	/* memory nobody has touched */
#define S2_BLOCKS	0xa0000000UL	/* populated, in 2 MiB pages if there are any */

#define FEW		100
#define VTIMER_PPI	27
#define SGI_PING	1
#define SGI_PONG	2
#define SPI_SELF	40
#define SPI_OTHER	41

const char payload_name[] = "bench";

struct sample {
	u64 sum, min, n;
};

static u64 overhead;			/* of two reads of the counter */
static u64 frequency;
static volatile u64 handler_time;
static volatile u32 handled;
static u32 repeats;
static volatile bool quit;

static u64 nanoseconds(u64 ticks)
{
	return ticks * 1000000000UL / frequency;
}

static void add(struct sample *s, u64 ticks)
{
	ticks -= ticks > overhead ? overhead : ticks;
	s->sum += ticks;
	if (!s->n || ticks < s->min)
		s->min = ticks;
	s->n++;
}

static void report(const char *name, const struct sample *s)
{
	print("%s %lu %lu\n", name, nanoseconds(s->sum) / s->n, nanoseconds(s->min));
}

/*
 * Below 1 GHz a single event is shorter than a tick: the mean then comes
 * from the whole run, and the minimum is the mean.
 */
#define MEASURE(name, repeats, code) do {				\
	struct sample s_ = { };						\
	u64 begin_, t_, i_;						\
	code;								\
	begin_ = now();							\
	for (i_ = 0; i_ < (repeats); i_++) {				\
		t_ = now();						\
		code;							\
		add(&s_, now() - t_);					\
	}								\
	if (frequency < 1000000000UL) {					\
		s_.sum = now() - begin_;				\
		s_.min = s_.sum / (repeats);				\
	}								\
	report(name, &s_);						\
} while (0)

/* One instruction that needs the vector registers. */
static void use_fp(void)
{
	asm volatile(".arch_extension fp; fmov d0, xzr" : : : "memory");
}

static void measure_overhead(void)
{
	u64 best = ~0UL, t, i;

	for (i = 0; i < FEW; i++) {
		t = now();
		t = now() - t;
		if (t < best)
			best = t;
	}
	overhead = best;
}

static void timer_arm(u64 deadline)
{
	write_sysreg(deadline, cntv_cval_el0);
	write_sysreg(1, cntv_ctl_el0);
	isb();
}

static void on_irq(u32 intid)
{
	handler_time = now();
	/* Before the answer: from there on CPU 0 may count too. */
	handled++;
	if (intid == VTIMER_PPI)
		write_sysreg(0, cntv_ctl_el0);
	else if (intid == SGI_PING || intid == SPI_OTHER)
		gic_send_sgi(0, SGI_PONG);
}

/* How late is the handler when the guest is running? */
static void timer_interrupt(void)
{
	struct sample s = { };
	u64 deadline, i;

	irq_enable();
	for (i = 0; i < FEW; i++) {
		u32 before = handled;

		deadline = now() + ticks_from_us(200);
		timer_arm(deadline);
		while (handled == before)
			;
		add(&s, handler_time - deadline);
	}
	irq_disable();
	report("timer", &s);
}

/* How late does a guest come out of WFI? Masked: the handler is not in it. */
static void wfi_wakeup(void)
{
	struct sample s = { };
	u64 deadline, t, i;
	u32 intid;

	for (i = 0; i < FEW; i++) {
		deadline = now() + ticks_from_us(1000);
		timer_arm(deadline);
		do {
			wfi();
			t = now();
		} while (t < deadline);
		add(&s, t - deadline);
		write_sysreg(0, cntv_ctl_el0);
		isb();
		intid = gic_ack();
		if (intid < 1020)
			gic_eoi(intid);
	}
	report("wfi-wakeup", &s);
}

/* The end of an interrupt, which needs no exit. */
static void eoi(void)
{
	struct sample s = { };
	u64 t, i;
	u32 intid;

	for (i = 0; i < FEW; i++) {
		gic_send_sgi(0, SGI_PONG);
		do {
			intid = gic_ack();
		} while (intid >= 1020);
		t = now();
		gic_eoi(intid);
		add(&s, now() - t);
	}
	report("eoi", &s);
}

/* Edges, so that the line may be lowered at leisure. */
static void spi_init(u32 spi, unsigned int cpu)
{
	u64 cfg = GICD_BASE + GICD_ICFGR + spi / 16 * 4;

	writel(readl(cfg) | 2U << spi % 16 * 2, cfg);
	gic_route(spi, cpu);
	gic_enable(spi);
}

/* The VMM raises an interrupt of the vCPU whose exit it serves: from the load that asks for it to the handler. */
static void inject(void)
{
	struct sample s = { };
	u64 t, i;

	spi_init(SPI_SELF, 0);
	irq_enable();
	for (i = 0; i < FEW; i++) {
		u32 before = handled;

		t = now();
		readl(VMM_RAISE_SELF);
		while (handled == before)
			;
		add(&s, handler_time - t);
		readl(VMM_LOWER);
	}
	irq_disable();
	report("inject", &s);
}

/*
 * The argument is where to: when the handler began, when it was about to end. Its own lines are all that is between.
 */
extern char sdei_bench_entry[];
asm(".text\n.globl sdei_bench_entry\n"
	"sdei_bench_entry:	isb\n	mrs x3, cntvct_el0\n	str x3, [x1]\n"
	"	movz x0, #0x25\n	movk x0, #0xc400, lsl #16\n	isb\n	mrs x3, cntvct_el0\n"
	"	str x3, [x1, #8]\n	hvc #0\n	b .\n");

static volatile u64 sdei_times[MAX_CPUS][2];

/* Event 0 of this CPU; false: there is no SDEI. */
static bool sdei_ready(void)
{
	u64 me = this_cpu()->index;

	if ((s64)smccc(SDEI_VERSION, 0, 0, 0).a0 < 0)
		return false;
	sdei(SDEI_UNMASK, 0, 0);
	return !sdei5(SDEI_REGISTER, 0, (u64)sdei_bench_entry, (u64)sdei_times[me], 0, 0) && !sdei(SDEI_ENABLE, 0, 0);
}

/* A signal to ourselves: from the call to the handler's first instruction; and from its last one back. */
static void sdei_events(void)
{
	struct sample start = { }, end = { };
	u64 i, t, back;

	if (!sdei_ready())
		return;
	for (i = 0; i < FEW; i++) {
		t = now();
		sdei(SDEI_SIGNAL, 0, cpus[0].mpidr);
		back = now();
		add(&start, sdei_times[0][0] - t);
		add(&end, back - sdei_times[0][1]);
	}
	report("sdei-signal", &start);
	report("sdei-complete", &end);
}

/* A signal to a CPU in WFI, until its handler's first instruction. Spin or not: as in wake_other(). */
static void sdei_wakeup(bool spin)
{
	struct sample s = { };
	u64 i, t;

	if ((s64)smccc(SDEI_VERSION, 0, 0, 0).a0 < 0)
		return;
	for (i = 0; i < FEW; i++) {
		u32 before = handled;

		timer_arm(now() + ticks_from_us(2000));
		wfi_until(handled != before);
		irq_disable();
		sdei_times[1][0] = 0;
		if (!spin)	/* nothing else would end our own WFI */
			timer_arm(now() + ticks_from_us(2000));
		t = now();
		sdei(SDEI_SIGNAL, 0, cpus[1].mpidr);
		while (!sdei_times[1][0]) {
			if (spin)
				yield();
			else
				wfi();
		}
		write_sysreg(0, cntv_ctl_el0);
		isb();
		add(&s, sdei_times[1][0] - t);
	}
	report("sdei-wakeup", &s);
}

static void receiver(void *arg)
{
	gic_init_cpu();
	(void)sdei_ready();
	gic_enable(SGI_PING);
	irq_enable();
	WRITE_ONCE(*(bool *)arg, true);
	while (!quit)
		wfi();
}

static void send_sgi(void)
{
	gic_send_sgi(1, SGI_PING);
}

static void send_by_vmm(void)
{
	readl(VMM_RAISE_OTHER);
}

/*
 * From the sender's access to the receiver's handler. On one host CPU the
 * sender must make room by WFI; on more it spins, or its own sleep is counted.
 */
static void wake_other(const char *name, void (*send)(void), bool spin)
{
	struct sample s = { };
	u64 t, i;

	for (i = 0; i < FEW; i++) {
		u32 before = handled;

		/* Time for the receiver to fall asleep. */
		timer_arm(now() + ticks_from_us(2000));
		wfi_until(handled != before);
		irq_disable();

		before = handled;
		t = now();
		send();
		while (handled == before) {
			if (spin)
				yield();
			else
				wfi();
		}
		add(&s, handler_time - t);
		/* The answer ends the round (and the WFI above). */
		while (!gic_is_pending(SGI_PONG))
			yield();
		irq_enable();
		while (handled < before + 2)
			yield();
		irq_disable();
		readl(VMM_LOWER);
	}
	report(name, &s);
}

static void two_cpus(void)
{
	static bool ready;
	bool spin = readl(VMM_HOST_CPUS) > 1;

	if (cpu_start(1, receiver, &ready)) {
		fail("ipi", "CPU 1 did not start");
		return;
	}
	wait_for(READ_ONCE(ready), 5000);
	wake_other("ipi", send_sgi, spin);
	spi_init(SPI_OTHER, 1);
	wake_other("inject-wakeup", send_by_vmm, spin);
	sdei_wakeup(spin);
	quit = true;
	gic_send_sgi(1, SGI_PING);
	cpu_wait_off(1);
}

static void stage2(const char *name, u64 base, u64 step, u64 count)
{
	struct sample s = { };
	u64 i, t;

	for (i = 0; i < count; i++) {
		t = now();
		writel(1, base + i * step);
		add(&s, now() - t);
	}
	report(name, &s);
}

void payload_main(void)
{
	frequency = read_sysreg(cntfrq_el0);
	irq_handler = on_irq;
	gic_init();
	gic_init_cpu();
	gic_enable(VTIMER_PPI);
	gic_enable(SGI_PONG);

	repeats = readl(VMM_REPEATS);
	measure_overhead();
	MEASURE("hypercall", repeats, smccc(PSCI_VERSION, 0, 0, 0));
	MEASURE("vgic-read", repeats, readl(GICD_BASE + GICD_IIDR));
	MEASURE("vmm-read", repeats, readl(VMM_BASE));
	/* The same with the guest's vector registers in use, then with the VMM's too. */
	MEASURE("hypercall-fp", repeats, ({ use_fp(); smccc(PSCI_VERSION, 0, 0, 0); }));
	MEASURE("vmm-read-fp", repeats, ({ use_fp(); readl(VMM_BASE); }));
	MEASURE("vmm-read-both-fp", repeats, ({ use_fp(); readl(VMM_BASE + 16); }));
	MEASURE("sysreg-trap", repeats, read_sysreg(id_aa64pfr0_el1));
	sdei_events();
	eoi();
	timer_interrupt();
	wfi_wakeup();
	stage2("stage2-fault", S2_POPULATED, 4096, 1024);
	stage2("stage2-fault-new", S2_FRESH, 4096, 1024);
	stage2("stage2-block", S2_BLOCKS, 2 << 20, 16);
	inject();
	two_cpus();
	finish();
}
