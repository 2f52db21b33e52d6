// SPDX-License-Identifier: GPL-2.0-only
/* LPIs by the ITS's INT command: configuration, priorities, targets, pending tables, many at once (IHI 0069 chapter 5). */
#include "lib.h"

const char payload_name[] = "its";

#define GITS_CTLR	0x0000
#define GITS_IIDR	0x0004
#define GITS_TYPER	0x0008
#define GITS_CBASER	0x0080
#define GITS_CWRITER	0x0088
#define GITS_CREADR	0x0090
#define GITS_BASER	0x0100
#define GITS_PIDR2	0xffe8
#define GICR_CTLR	0x0000
#define GICR_PROPBASER	0x0070
#define GICR_PENDBASER	0x0078
#define GICR_INVLPIR	0x00a0
#define GICR_INVALLR	0x00b0
#define GICR_SYNCR	0x00c0

#define VALID		(1UL << 63)
#define ATTRS		(7UL << 59 | 1UL << 10)	/* read-write-allocate write-back, inner shareable */
#define TABLE_ATTRS	(7UL << 7 | 1UL << 10)
#define PTZ		(1UL << 62)
#define SZ_64K		0x10000UL
#define LPI0		8192
#define MANY		1000
#define DEV		5

/* Tables, 64 KiB each, behind the image. */
static u64 devices, colls, queue, itt, itt2, props, pends;
static u32 cw;
static volatile u32 seen[MANY + 16], nr_seen, order[64];
static volatile u32 on_cpu[MAX_CPUS];
static volatile bool quit;
static volatile u32 ready;

static void on_irq(u32 intid)
{
	u32 nth;

	on_cpu[this_cpu()->index]++;
	if (intid < LPI0 || intid >= LPI0 + ARRAY_SIZE(seen))
		return;
	nth = __atomic_fetch_add(&nr_seen, 1, __ATOMIC_SEQ_CST);	/* other CPUs take some too */
	if (nth < ARRAY_SIZE(order))
		order[nth] = intid;
	seen[intid - LPI0]++;
}

static void forget(void)
{
	u32 i;

	nr_seen = 0;
	for (i = 0; i < ARRAY_SIZE(seen); i++)
		seen[i] = 0;
	for (i = 0; i < nr_cpus; i++)
		on_cpu[i] = 0;
}

static void command(u64 a, u64 b, u64 c, u64 d)
{
	u64 *q = (u64 *)(queue + cw);

	q[0] = a;
	q[1] = b;
	q[2] = c;
	q[3] = d;
	dsb(ishst);
	cw = (cw + 32) % SZ_64K;
	writeq(cw, ITS_BASE + GITS_CWRITER);
	while (readq(ITS_BASE + GITS_CREADR) != cw)
		yield();
}

static void cmd_mapd(u32 dev, u64 table, u32 bits, bool valid) { command((u64)dev << 32 | 8, bits - 1, table | (valid ? VALID : 0), 0); }
static void cmd_mapc(u32 coll, u32 cpu, bool valid) { command(9, 0, coll | (u64)cpu << 16 | (valid ? VALID : 0), 0); }
static void cmd_mapti(u32 dev, u32 event, u32 lpi, u32 coll) { command((u64)dev << 32 | 10, event | (u64)lpi << 32, coll, 0); }
static void cmd_int(u32 dev, u32 event) { command((u64)dev << 32 | 3, event, 0, 0); }
static void cmd_clear(u32 dev, u32 event) { command((u64)dev << 32 | 4, event, 0, 0); }
static void cmd_inv(u32 dev, u32 event) { command((u64)dev << 32 | 12, event, 0, 0); }
static void cmd_invall(u32 coll) { command(13, 0, coll, 0); }
static void cmd_movi(u32 dev, u32 event, u32 coll) { command((u64)dev << 32 | 1, event, coll, 0); }
static void cmd_movall(u32 from, u32 to) { command(14, 0, (u64)from << 16, (u64)to << 16); }
static void cmd_discard(u32 dev, u32 event) { command((u64)dev << 32 | 15, event, 0, 0); }

static u64 rd_base(u32 cpu)
{
	return GICR_BASE + cpu * GICR_STRIDE;
}

static void config(u32 lpi, u8 prio, bool on)
{
	((volatile u8 *)props)[lpi - LPI0] = prio | 2 | on;
	dsb(ishst);
}

static void lpis_on(u32 cpu, u64 flags)
{
	writeq(props | TABLE_ATTRS | 15, rd_base(cpu) + GICR_PROPBASER);
	writeq((pends + cpu * SZ_64K) | TABLE_ATTRS | flags, rd_base(cpu) + GICR_PENDBASER);
	writel(1, rd_base(cpu) + GICR_CTLR);
}

static void tables(void)
{
	u64 next = (image_end + SZ_64K - 1) & ~(SZ_64K - 1), start = next, i;
	u64 *all[] = { &devices, &colls, &queue, &itt, &itt2, &props, &pends };

	for (i = 0; i < ARRAY_SIZE(all); i++, next += SZ_64K)
		*all[i] = next;
	for (i = start; i < next + nr_cpus * SZ_64K; i += 8)
		*(u64 *)i = 0;
}

static void registers(void)
{
	u64 typer = readq(ITS_BASE + GITS_TYPER), val;

	check(readl(GICD_BASE + GICD_TYPER) >> 17 & 1, "GICD_TYPER.LPIS", "clear");
	check_eq(readl(GICD_BASE + GICD_TYPER) >> 19 & 0x1f, 15, "sixteen bits of INTID");
	check(readq(rd_base(0) + GICR_TYPER) & 1, "GICR_TYPER.PLPIS", "clear");
	check(typer & 1, "GITS_TYPER: physical LPIs", "%lx", typer);
	check_eq(readl(ITS_BASE + GITS_PIDR2) >> 4 & 0xf, 3, "GITS_PIDR2: GICv3");
	check_eq(readl(ITS_BASE + GITS_CTLR), 1U << 31, "disabled and quiescent");
	writel(1, ITS_BASE + GITS_CTLR);
	check_eq(readl(ITS_BASE + GITS_CTLR) & 1, 0, "not to be enabled without tables");
	check_eq(readq(ITS_BASE + GITS_BASER) >> 56 & 7, 1, "first table: devices");
	check_eq(readq(ITS_BASE + GITS_BASER + 8) >> 56 & 7, 4, "second table: collections");
	check_eq(readq(ITS_BASE + GITS_BASER + 16), 0, "no third");
	writeq(devices | ATTRS | VALID, ITS_BASE + GITS_BASER);
	writeq(colls | ATTRS | VALID, ITS_BASE + GITS_BASER + 8);
	val = readq(ITS_BASE + GITS_BASER);
	check_eq(val & (VALID | 0xfffffffff000UL), VALID | devices, "GITS_BASER0 keeps its address");
	writel((u32)(queue | 1 << 10 | 15), ITS_BASE + GITS_CBASER);
	writel((u32)((ATTRS | VALID) >> 32), ITS_BASE + GITS_CBASER + 4);
	check_eq(readq(ITS_BASE + GITS_CBASER) & (VALID | 0xfffffffff0ffUL), VALID | queue | 15, "GITS_CBASER by halves");
	writel(1, ITS_BASE + GITS_CTLR);
	check_eq(readl(ITS_BASE + GITS_CTLR), 1U << 31 | 1, "enabled");
	writeq(0, ITS_BASE + GITS_CBASER);
	check_eq(readq(ITS_BASE + GITS_CBASER) & VALID, VALID, "the queue cannot move now");
	writeq(0x100000, ITS_BASE + GITS_CWRITER);
	check_eq(readq(ITS_BASE + GITS_CWRITER), 0, "GITS_CWRITER stays inside");
	check_eq(readq(ITS_BASE + SZ_64K + 0x40), 0, "the translation frame reads as zero");
}

static bool comes(u32 n, u32 times)
{
	bool good;

	irq_enable();
	good = wait_for(seen[n] >= times, times ? 20000 : 3);
	irq_disable();
	return times ? good && seen[n] == times : !seen[n];
}

static void single(void)
{
	lpis_on(0, PTZ);
	check_eq(readl(rd_base(0) + GICR_CTLR) & 1, 1, "LPIs enabled");
	check_eq(readq(rd_base(0) + GICR_PENDBASER) & PTZ, 0, "PTZ reads as zero");
	config(LPI0, 0xa0, true);
	config(LPI0 + 1, 0xa0, false);
	cmd_mapd(DEV, itt, 10, true);
	cmd_mapc(0, 0, true);
	cmd_mapti(DEV, 0, LPI0, 0);
	cmd_mapti(DEV, 1, LPI0 + 1, 0);
	forget();
	cmd_int(DEV, 0);
	check(comes(0, 1), "an LPI", "%u times", seen[0]);
	cmd_int(DEV, 0);
	check(comes(0, 2), "and again", "%u times", seen[0]);
	cmd_int(DEV, 0);
	cmd_int(DEV, 0);
	check(comes(0, 3), "two before it is taken are one", "%u times", seen[0]);
	cmd_int(DEV, 1);
	check(comes(1, 0), "a disabled one does not come", "it did");
	config(LPI0 + 1, 0xa0, true);
	check(comes(1, 0), "nor before INV", "it did");
	cmd_inv(DEV, 1);
	check(comes(1, 1), "but after it", "%u times", seen[1]);
	forget();
	cmd_int(DEV, 0);
	cmd_clear(DEV, 0);
	check(comes(0, 0), "CLEAR", "it came");
	cmd_int(DEV, 7);
	cmd_int(DEV + 1, 0);
	cmd_int(~0U, ~0U);
	command(0xff, ~0UL, ~0UL, ~0UL);
	check(comes(0, 0), "what is not mapped is not delivered", "it was");
	/* Directly at the redistributor. */
	config(LPI0, 0xa0, false);
	writeq(LPI0, rd_base(0) + GICR_INVLPIR);
	check_eq(readl(rd_base(0) + GICR_SYNCR), 0, "GICR_SYNCR");
	cmd_int(DEV, 0);
	check(comes(0, 0), "GICR_INVLPIR", "it came");
	config(LPI0, 0xa0, true);
	writeq(0, rd_base(0) + GICR_INVALLR);
	check(comes(0, 1), "GICR_INVALLR", "%u times", seen[0]);
	cmd_discard(DEV, 1);
	cmd_int(DEV, 1);
	check(comes(1, 0), "DISCARD", "it came");
}

static void many(void)
{
	u32 i, good = 0;

	for (i = 0; i < MANY; i++) {
		/* The later the more urgent. */
		config(LPI0 + i, 0xe0 - i * 8 / MANY * 0x10, true);
		cmd_mapti(DEV, i, LPI0 + i, 0);
	}
	cmd_invall(0);
	forget();
	for (i = 0; i < MANY; i++)
		cmd_int(DEV, i);
	irq_enable();
	wait_for(nr_seen == MANY, 20000);
	irq_disable();
	check_eq(nr_seen, MANY, "a thousand pending at once");
	for (i = 0; i < MANY; i++)
		good += seen[i] == 1;
	check_eq(good, MANY, "each once");
	for (i = 0, good = 0; i < ARRAY_SIZE(order); i++)
		good += order[i] >= LPI0 + MANY * 7 / 8;
	check_eq(good, ARRAY_SIZE(order), "the most urgent first");
	/* Below the mask, and one of higher priority than what is in list registers. */
	forget();
	gic_pmr(0x40);
	for (i = 0; i < 32; i++)
		cmd_int(DEV, i);
	check(comes(0, 0), "masked by priority", "it came");
	config(LPI0 + 40, 0x20, true);
	cmd_inv(DEV, 40);
	cmd_int(DEV, 40);
	check(comes(40, 1), "one that is not", "%u times", seen[40]);
	gic_pmr(0xf0);
	irq_enable();
	wait_for(nr_seen == 33, 20000);
	irq_disable();
	check_eq(nr_seen, 33, "then the others");
}

static void sleeper(void)
{
	forget();
	config(LPI0 + 2, 0xa0, true);
	cmd_inv(DEV, 2);
	cmd_int(DEV, 2);
	wfi();
	check(comes(2, 1), "a pending LPI ends WFI", "%u times", seen[2]);
}

/* What the guest's table says is pending when LPIs are enabled, or when the LPI is mapped. */
static void pending_table(void)
{
	volatile u8 *pend = (volatile u8 *)pends;

	writel(0, rd_base(0) + GICR_CTLR);
	check_eq(readl(rd_base(0) + GICR_CTLR) & 1, 0, "LPIs disabled");
	forget();
	cmd_int(DEV, 3);
	check(comes(3, 0), "none comes then", "it did");
	pend[LPI0 / 8] = 1 << 4;
	dsb(ishst);
	lpis_on(0, 0);
	check(comes(4, 1), "one from the pending table", "%u times", seen[4]);
	check_eq(nr_seen, 1, "and no other");
	cmd_discard(DEV, 5);
	pend[LPI0 / 8] = 1 << 5;
	dsb(ishst);
	cmd_mapti(DEV, 5, LPI0 + 5, 0);
	check(comes(5, 1), "pending in the table when it is mapped", "%u times", seen[5]);
	check_eq(pend[LPI0 / 8] & 1 << 5, 0, "which takes it out of there");
}

static void peer(void *arg)
{
	gic_init_cpu();
	gic_enable(0);
	irq_enable();
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	wfi_until(quit);
	irq_disable();
}

static void targets(void)
{
	u32 cpu, i, good = 0;

	for (cpu = 1; cpu < nr_cpus; cpu++) {
		lpis_on(cpu, PTZ);
		cmd_mapc(cpu, cpu, true);
		if (cpu_start(cpu, peer, NULL))
			fail("peer", "CPU %u did not start", cpu);
	}
	wait_for(ready == nr_cpus - 1, 20000);
	forget();
	for (cpu = 1; cpu < nr_cpus; cpu++) {
		cmd_movi(DEV, cpu, cpu);
		cmd_int(DEV, cpu);
		good += wait_for(on_cpu[cpu] == 1, 20000);
	}
	check_eq(good, nr_cpus - 1, "MOVI: on another CPU");
	/* One that is pending moves too. */
	gic_pmr(0);
	forget();
	cmd_int(DEV, 10);
	cmd_movi(DEV, 10, 1);
	check(wait_for(on_cpu[1] == 1, 20000), "MOVI of a pending one", "%u", on_cpu[1]);
	/* All of CPU 0's. */
	forget();
	for (i = 20; i < 40; i++)
		cmd_int(DEV, i);
	cmd_movall(0, 1);
	check(wait_for(on_cpu[1] == 20, 20000), "MOVALL", "%u", on_cpu[1]);
	gic_pmr(0xf0);
	forget();
	cmd_mapc(0, 1, true);
	for (i = 50; i < 60; i++)
		cmd_int(DEV, i);
	check(wait_for(on_cpu[1] == 10, 20000), "MAPC: the collection's move", "%u", on_cpu[1]);
	cmd_mapc(0, 0, false);
	forget();
	cmd_int(DEV, 60);
	check(comes(60, 0), "MAPC: unmapped", "it came");
	cmd_mapc(0, 0, true);
	cmd_int(DEV, 60);
	check(comes(60, 1), "and mapped again", "%u times", seen[60]);
	quit = true;
	for (cpu = 1; cpu < nr_cpus; cpu++) {
		gic_send_sgi(cpu, 0);
		check(cpu_wait_off(cpu), "a CPU that is told to goes off", "CPU %u is still on", cpu);
	}
}

static void devices_away(void)
{
	forget();
	cmd_mapd(DEV, itt2, 4, true);
	cmd_int(DEV, 0);
	check(comes(0, 0), "MAPD again forgets the events", "it came");
	cmd_mapti(DEV, 16, LPI0, 0);
	cmd_int(DEV, 16);
	check(comes(0, 0), "an event beyond the device's bits", "it came");
	cmd_mapti(DEV, 15, LPI0, 0);
	cmd_int(DEV, 15);
	check(comes(0, 1), "the last one inside", "%u times", seen[0]);
	cmd_mapti(DEV, 14, 8191, 0);
	cmd_mapti(DEV, 13, 65536, 0);
	cmd_int(DEV, 14);
	cmd_int(DEV, 13);
	check(comes(0, 1), "LPIs that do not exist", "%u times", seen[0]);
	cmd_mapd(DEV, 0, 1, false);
	cmd_int(DEV, 15);
	check(comes(0, 1), "MAPD: unmapped", "%u times", seen[0]);
	cmd_mapd(9000, itt, 10, true);	/* beyond one page of the table */
	cmd_mapti(9000, 0, LPI0, 0);
	cmd_int(9000, 0);
	check(comes(0, 1), "a device beyond the table", "%u times", seen[0]);
	writel(0, ITS_BASE + GITS_CTLR);
	check_eq(readl(ITS_BASE + GITS_CTLR), 1U << 31, "disabled again");
}

void payload_main(void)
{
	irq_handler = on_irq;
	gic_init();
	gic_init_cpu();
	gic_enable(0);
	tables();
	registers();
	single();
	many();
	sleeper();
	pending_table();
	if (nr_cpus > 1)
		targets();
	devices_away();
}
