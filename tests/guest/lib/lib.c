// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runtime of the payloads: see lib.h. One lock, print_lock, for the UART and
 * the count of failures.
 */
#include "lib.h"

extern char _start[], _end[];
extern char secondary_entry[];
void lib_start(u64 fdt);
void lib_start_secondary(u64 index);
void exception(u64 kind, struct frame *f);

unsigned int nr_cpus = 1;
u64 ram_size;
u64 image_end;
u64 fdt_addr;
bool nvhe;
struct cpu cpus[MAX_CPUS];
void (*irq_handler)(u32 intid);
bool undef_seen;
struct frame undef_frame;

static u32 print_lock;
static unsigned int failures;
static u64 page_table[512] __attribute__((aligned(4096)));

/* The compiler may call these. */
void *memset(void *p, int c, size_t n)
{
	u8 *d = p;

	while (n--)
		*d++ = c;
	return p;
}

void *memcpy(void *dst, const void *src, size_t n)
{
	u8 *d = dst;
	const u8 *s = src;

	while (n--)
		*d++ = *s++;
	return dst;
}

/* ---- printing ---- */

static void put(char c)
{
	writeb(c, UART_BASE);
}

static void put_number(u64 v, unsigned int base)
{
	char buf[24];
	int i = 0;

	do {
		buf[i++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (i)
		put(buf[--i]);
}

void vprint(const char *fmt, va_list ap)
{
	for (; *fmt; fmt++) {
		bool l = false;
		u64 v;

		if (*fmt != '%') {
			put(*fmt);
			continue;
		}
		if (*++fmt == 'l') {
			l = true;
			fmt++;
		}
		switch (*fmt) {
		case 's':
			for (const char *s = va_arg(ap, const char *); *s; s++)
				put(*s);
			break;
		case 'c':
			put(va_arg(ap, int));
			break;
		case 'd':
			v = l ? va_arg(ap, s64) : va_arg(ap, s32);
			if ((s64)v < 0) {
				put('-');
				v = -v;
			}
			put_number(v, 10);
			break;
		case 'u':
		case 'x':
			v = l ? va_arg(ap, u64) : va_arg(ap, u32);
			put_number(v, *fmt == 'x' ? 16 : 10);
			break;
		default:
			put(*fmt);
		}
	}
}

static void lock(void)
{
	while (__atomic_exchange_n(&print_lock, 1, __ATOMIC_ACQUIRE))
		yield();
}

static void unlock(void)
{
	__atomic_store_n(&print_lock, 0, __ATOMIC_RELEASE);
}

void print(const char *fmt, ...)
{
	va_list ap;

	lock();
	va_start(ap, fmt);
	vprint(fmt, ap);
	va_end(ap);
	unlock();
}

void ok(const char *name)
{
	print("ok %s\n", name);
}

void fail(const char *name, const char *fmt, ...)
{
	va_list ap;

	lock();
	failures++;
	va_start(ap, fmt);
	for (const char *s = "FAIL "; *s; s++)
		put(*s);
	for (; *name; name++)
		put(*name);
	put(':');
	put(' ');
	vprint(fmt, ap);
	put('\n');
	va_end(ap);
	unlock();
}

void finish(void)
{
	print("%s\n", failures ? "FAIL" : "PASS");
	smccc(PSCI_SYSTEM_OFF, 0, 0, 0);
	for (;;)
		wfi();
}

/* ---- machine ---- */

struct smccc_res smccc(u64 fn, u64 a1, u64 a2, u64 a3)
{
	register u64 x0 asm("x0") = fn;
	register u64 x1 asm("x1") = a1;
	register u64 x2 asm("x2") = a2;
	register u64 x3 asm("x3") = a3;

	if (read_sysreg(currentel) == 8)	/* there HVC comes back to ourselves */
		asm volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
	else
		asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
	return (struct smccc_res){ x0, x1, x2, x3 };
}

u64 ticks_from_us(u64 us)
{
	return us * read_sysreg(cntfrq_el0) / 1000000;
}

static u32 be32(u64 a)
{
	return __builtin_bswap32(*(u32 *)a);
}

static bool starts(const char *s, const char *with)
{
	while (*with)
		if (*s++ != *with++)
			return false;
	return true;
}

/* Number of CPUs, their MPIDR and the size of memory: all that we need. */
static void parse_fdt(u64 fdt)
{
	u64 p, strings;
	bool is_cpu = false, is_memory = false;

	if (!fdt || be32(fdt) != 0xd00dfeed)
		return;
	nr_cpus = 0;
	p = fdt + be32(fdt + 8);
	strings = fdt + be32(fdt + 12);
	for (;;) {
		u32 token = be32(p);

		p += 4;
		if (token == 1) {
			const char *name = (const char *)p;

			is_cpu = starts(name, "cpu@");
			is_memory = starts(name, "memory@");
			while (*(u8 *)p)
				p++;
			p = (p + 4) & ~3UL;
		} else if (token == 3) {
			u32 len = be32(p);
			const char *name = (const char *)(strings + be32(p + 4));

			p += 8;
			if (is_cpu && starts(name, "reg") && nr_cpus < MAX_CPUS)
				cpus[nr_cpus++].mpidr = (u64)be32(p) << 32 | be32(p + 4);
			if (is_memory && starts(name, "reg"))
				ram_size = (u64)be32(p + 8) << 32 | be32(p + 12);
			p = (p + len + 3) & ~3UL;
		} else if (token == 9) {
			return;
		}
	}
}

u32 name_without_e2h(u32 key)
{
	u32 crn = key >> 7 & 15, crm = key >> 3 & 15, op1 = crn == 14 && crm >= 2 ? 3 : 0;

	return (key >> 11 & 0x1f) == (3 << 3 | 5) ? (key & ~(7U << 11)) | op1 << 11 : key;
}

/* The names by which the runtime reaches EL2's registers with E2H, EL1's, as they are called without. */
static u32 own_name_without_e2h(u32 key)
{
	static const u16 own[] = { 3 << 14 | 1 << 7, 3 << 14 | 2 << 7, 3 << 14 | 2 << 7 | 2, 3 << 14 | 4 << 7, 3 << 14 | 4 << 7 | 1,
				   3 << 14 | 5 << 7 | 2 << 3, 3 << 14 | 6 << 7, 3 << 14 | 10 << 7 | 2 << 3, 3 << 14 | 12 << 7 };
	unsigned int i;	/* SCTLR, TTBR0, TCR, SPSR, ELR, ESR, FAR, MAIR, VBAR */

	for (i = 0; i < ARRAY_SIZE(own); i++)
		if (key == own[i])
			return key | 4 << 11;
	return name_without_e2h(key);
}

/* All the code is written for E2H: without, its MRS and MSR get other names before anything else happens. */
static void nvhe_patch(void)
{
	extern u32 entry[], __text_end[], vectors[];
	u32 *p;

	nvhe = read_sysreg(currentel) == 8 && !(read_sysreg(id_aa64mmfr1_el1) >> 8 & 0xf);
	if (!nvhe)
		return;
	for (p = entry; p < __text_end; p++) {
		u32 key = *p >> 5 & 0xffff;

		if ((*p & 0xffd00000) == 0xd5100000)
			WRITE_ONCE(*p, (*p & ~(0xffffU << 5)) | own_name_without_e2h(key) << 5);
	}
	asm volatile("dsb sy; ic iallu; dsb nsh; isb" : : : "memory");
	write_sysreg(vectors, vbar_el1);
}

static void mmu_on(void)
{
	u64 pa = read_sysreg(id_aa64mmfr0_el1) & 0xf, tcr;

	if (pa > 5)
		pa = 5;
	tcr = nvhe ? 1UL << 31 | 1 << 23 | pa << 16 : 1 << 23 | pa << 32;
	write_sysreg(0xff04, mair_el1);		/* 0 device nGnRE, 1 write-back */
	write_sysreg(page_table, ttbr0_el1);
	/* 39 bits, 4 KiB, write-back inner shareable walks, no TTBR1. */
	write_sysreg(25 | 1 << 8 | 1 << 10 | 3 << 12 | tcr, tcr_el1);
	isb();
	asm volatile("tlbi vmalle1; dsb nsh; ic iallu; dsb nsh; isb" : : : "memory");
	write_sysreg(0x30d00800 | 1 << 12 | 1 << 2 | 1, sctlr_el1);
	isb();
}

static void run_cpu(struct cpu *cpu)
{
	write_sysreg(cpu, tpidr_el1);
	mmu_on();
}

void lib_start(u64 fdt)
{
	u64 i;

	nvhe_patch();
	page_table[0] = 1UL << 54 | 1UL << 53 | 1 << 10 | 1;
	for (i = 1; i < 512; i++)
		page_table[i] = i << 30 | 1 << 10 | 3 << 8 | 1 << 2 | 1;
	dsb(sy);

	for (i = 0; i < MAX_CPUS; i++) {
		cpus[i].index = i;
		cpus[i].mpidr = (i >> 4) << 8 | (i & 0xf);
	}
	fdt_addr = fdt;
	parse_fdt(fdt);
	image_end = ((u64)_end + 0x1fffff) & ~0x1fffffUL;
	run_cpu(&cpus[0]);
	cpus[0].started = true;
	payload_main();
	finish();
}

void lib_start_secondary(u64 index)
{
	struct cpu *cpu = &cpus[index];

	run_cpu(cpu);
	WRITE_ONCE(cpu->started, true);
	cpu->fn(cpu->arg);
	cpu_off();
}

int cpu_start(unsigned int i, void (*fn)(void *), void *arg)
{
	struct cpu *cpu = &cpus[i];
	struct smccc_res res;

	cpu->fn = fn;
	cpu->arg = arg;
	cpu->irqs = 0;
	WRITE_ONCE(cpu->started, false);
	dsb(sy);
	res = smccc(PSCI_CPU_ON64, cpu->mpidr, (u64)secondary_entry, i);
	if ((s32)res.a0)
		return (s32)res.a0;
	if (!wait_for(READ_ONCE(cpu->started), 20000))
		return -100;
	return 0;
}

void cpu_off(void)
{
	irq_disable();
	smccc(PSCI_CPU_OFF, 0, 0, 0);
	for (;;)
		fail("CPU_OFF", "it returned on CPU %u", this_cpu()->index);
}

bool cpu_wait_off(unsigned int i)
{
	return wait_for(smccc(PSCI_AFFINITY_INFO64, cpus[i].mpidr, 0, 0).a0 == 1, 20000);
}

/* ---- exceptions ---- */

bool expect_undef(struct frame *f)
{
	if (f->esr >> 26 != 0)
		return false;
	undef_seen = true;
	undef_frame = *f;
	f->elr += 4;
	return true;
}

void exception(u64 kind, struct frame *f)
{
	struct cpu *cpu = this_cpu();
	u32 intid;

	if (kind == 5) {		/* IRQ, current EL with its own SP */
		intid = gic_ack();
		if (intid >= 1020 && intid < 8192)
			return;
		cpu->irqs++;
		if (irq_handler)
			irq_handler(intid);
		gic_eoi(intid);
		return;
	}
	if ((kind == 4 || kind == 8) && cpu->sync && cpu->sync(f))
		return;
	fail(payload_name, "unexpected exception %lu on CPU %u: esr %lx elr %lx far %lx spsr %lx lr %lx",
	     kind, cpu->index, f->esr, f->elr - (u64)_start, f->far, f->spsr,
	     f->x[30] - (u64)_start);
	finish();
}
