// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runtime of the bare EL1 payloads: start, printing, results, exceptions,
 * PSCI, secondary CPUs, GICv3. MMU on with an identity map (device below
 * 1 GiB, memory above), so that atomics and caches behave as in a real kernel.
 * The addresses are nestvm's.
 */
#pragma once

#define MAX_CPUS	64
#define STACK_SHIFT	13
#define FRAME_SIZE	288

#define UART_BASE	0x09000000UL
#define GICD_BASE	0x10000000UL
#define ITS_BASE	0x10080000UL
#define GICR_BASE	0x10100000UL
#define GICR_STRIDE	0x20000UL
#define RAM_BASE	0x40000000UL

#ifndef __ASSEMBLER__

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define read_sysreg(r) ({						\
	u64 v_;								\
	asm volatile("mrs %0, " #r : "=r"(v_));				\
	v_;								\
})
#define write_sysreg(v, r) asm volatile("msr " #r ", %0" : : "r"((u64)(v)) : "memory")
#define isb()		asm volatile("isb" : : : "memory")
#define dsb(x)		asm volatile("dsb " #x : : : "memory")
#define wfi()		asm volatile("dsb sy; wfi" : : : "memory")
#define yield()		asm volatile("yield" : : : "memory")
#define irq_enable()	asm volatile("msr daifclr, #2; isb" : : : "memory")
#define irq_disable()	asm volatile("msr daifset, #2; isb" : : : "memory")

/*
 * Sleep and take interrupts until @cond. WFI runs with PSTATE.I set, which it
 * ignores: an interrupt between the look at @cond and an open WFI would be lost.
 */
#define wfi_until(cond) do {						\
	irq_disable();							\
	while (!(cond)) {						\
		wfi();							\
		irq_enable();						\
		irq_disable();						\
	}								\
	irq_enable();							\
} while (0)
#define READ_ONCE(x)	(*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))

static inline u32 readl(u64 a)
{
	u32 v;

	asm volatile("ldr %w0, [%1]" : "=r"(v) : "r"(a) : "memory");
	return v;
}

static inline void writel(u32 v, u64 a)
{
	asm volatile("str %w0, [%1]" : : "r"(v), "r"(a) : "memory");
}

static inline u64 readq(u64 a)
{
	u64 v;

	asm volatile("ldr %0, [%1]" : "=r"(v) : "r"(a) : "memory");
	return v;
}

static inline void writeq(u64 v, u64 a)
{
	asm volatile("str %0, [%1]" : : "r"(v), "r"(a) : "memory");
}

static inline void writeb(u8 v, u64 a)
{
	asm volatile("strb %w0, [%1]" : : "r"(v), "r"(a) : "memory");
}

static inline u8 readb(u64 a)
{
	u32 v;

	asm volatile("ldrb %w0, [%1]" : "=r"(v) : "r"(a) : "memory");
	return v;
}

/* ---- the payload itself ---- */

/* What each payload defines: runs on CPU 0 with IRQs masked; finish() follows. */
void payload_main(void);
extern const char payload_name[];

/* ---- printing and results ---- */

/* %s %c %d %u %x, with l; widths are not supported. */
void print(const char *fmt, ...);
void vprint(const char *fmt, va_list ap);
void ok(const char *name);
void fail(const char *name, const char *fmt, ...);
/* ok when @cond, else fail with the values. */
#define check(cond, name, ...) do {					\
	if (cond)							\
		ok(name);						\
	else								\
		fail(name, __VA_ARGS__);				\
} while (0)
#define check_eq(a, b, name) do {					\
	u64 a_ = (u64)(a), b_ = (u64)(b);				\
	check(a_ == b_, name, "is %lx, not %lx", a_, b_);		\
} while (0)
/* Print PASS or FAIL and power off. */
void __attribute__((noreturn)) finish(void);

/* ---- machine ---- */

extern unsigned int nr_cpus;
extern u64 ram_size;			/* bytes, 0 when unknown */
extern u64 image_end;			/* first byte after the payload, 2 MiB aligned */
extern u64 fdt_addr;
extern bool nvhe;			/* at virtual EL2 without E2H */
/* An encoding (op0,op1,CRn,CRm,op2) of EL1's register by a name of EL12 or EL02, as it is called without E2H; others as they are. */
u32 name_without_e2h(u32 key);

struct frame {
	u64 x[31];
	u64 elr, spsr, esr, far;
	u64 pad;
};

struct cpu {
	unsigned int index;
	u64 mpidr;			/* affinity bits */
	void (*fn)(void *arg);
	void *arg;
	bool started;			/* runs our code */
	/* Returns true when it dealt with a synchronous exception. */
	bool (*sync)(struct frame *f);
	u32 irqs;			/* taken since start */
};

extern struct cpu cpus[MAX_CPUS];
static inline struct cpu *this_cpu(void)
{
	return (struct cpu *)read_sysreg(tpidr_el1);
}

/* Called for each interrupt between acknowledge and end (which the runtime does). */
extern void (*irq_handler)(u32 intid);

static inline u64 now(void)
{
	isb();
	return read_sysreg(cntvct_el0);
}

u64 ticks_from_us(u64 us);

/* Wait for @cond for at most @ms milliseconds; true when it came. */
#define wait_for(cond, ms) ({						\
	u64 end_ = now() + ticks_from_us((u64)(ms) * 1000);		\
	bool met_;							\
	while (!(met_ = (cond)) && now() < end_)			\
		yield();						\
	met_;								\
})

/* A hypervisor call; results x0..x3. */
struct smccc_res {
	u64 a0, a1, a2, a3;
};
struct smccc_res smccc(u64 fn, u64 a1, u64 a2, u64 a3);

#define PSCI_VERSION		0x84000000UL
#define PSCI_CPU_SUSPEND64	0xc4000001UL
#define PSCI_CPU_OFF		0x84000002UL
#define PSCI_CPU_ON64		0xc4000003UL
#define PSCI_CPU_ON32		0x84000003UL
#define PSCI_AFFINITY_INFO64	0xc4000004UL
#define PSCI_MIGRATE_INFO_TYPE	0x84000006UL
#define PSCI_SYSTEM_OFF		0x84000008UL
#define PSCI_SYSTEM_RESET	0x84000009UL
#define PSCI_FEATURES		0x8400000aUL
#define PSCI_NOT_SUPPORTED	(-1)
#define PSCI_INVALID_PARAMETERS	(-2)
#define PSCI_ALREADY_ON		(-4)

/* Start @fn on CPU @i (1 and up) and wait until it runs; 0 or PSCI's error. */
int cpu_start(unsigned int i, void (*fn)(void *), void *arg);
/* Power this CPU off. */
void __attribute__((noreturn)) cpu_off(void);
/* Wait until PSCI says that CPU @i is off; false after two seconds. */
bool cpu_wait_off(unsigned int i);

/* Run one instruction word that may be UNDEF; true when it was. */
#define IS_UNDEF(insn) ({						\
	this_cpu()->sync = expect_undef;				\
	undef_seen = false;						\
	asm volatile(insn : : : "x9", "memory");			\
	isb();								\
	this_cpu()->sync = NULL;					\
	READ_ONCE(undef_seen);						\
})
bool expect_undef(struct frame *f);
extern bool undef_seen;
extern struct frame undef_frame;

/* ---- GICv3 ---- */

#define GICD_CTLR	0x0000
#define GICD_TYPER	0x0004
#define GICD_IIDR	0x0008
#define GICD_IGROUPR	0x0080
#define GICD_ISENABLER	0x0100
#define GICD_ICENABLER	0x0180
#define GICD_ISPENDR	0x0200
#define GICD_ICPENDR	0x0280
#define GICD_ISACTIVER	0x0300
#define GICD_ICACTIVER	0x0380
#define GICD_IPRIORITYR	0x0400
#define GICD_ICFGR	0x0c00
#define GICD_IROUTER	0x6000
#define GICD_PIDR2	0xffe8
#define GICR_TYPER	0x0008
#define GICR_WAKER	0x0014
#define GICR_SGI	0x10000

#define SPURIOUS	1023

/* Distributor on; once. Then each CPU its own interface. */
void gic_init(void);
void gic_init_cpu(void);
/* The frame with @intid's registers: this CPU's for SGI and PPI. */
u64 gic_frame(u32 intid);
void gic_enable(u32 intid);
void gic_disable(u32 intid);
void gic_set_pending(u32 intid);
void gic_clear_pending(u32 intid);
bool gic_is_pending(u32 intid);
bool gic_is_active(u32 intid);
void gic_set_priority(u32 intid, u8 prio);
u8 gic_get_priority(u32 intid);
void gic_route(u32 spi, unsigned int cpu);
void gic_send_sgi(unsigned int cpu, u32 id);

static inline u32 gic_ack(void)
{
	u64 v = read_sysreg(s3_0_c12_c12_0);	/* ICC_IAR1_EL1 */

	dsb(sy);
	return v & 0xffffff;
}

static inline void gic_eoi(u32 intid)
{
	write_sysreg(intid, s3_0_c12_c12_1);	/* ICC_EOIR1_EL1 */
	isb();
}

static inline void gic_dir(u32 intid)
{
	write_sysreg(intid, s3_0_c12_c11_1);	/* ICC_DIR_EL1 */
	isb();
}

static inline void gic_pmr(u8 prio)
{
	write_sysreg(prio, s3_0_c4_c6_0);	/* ICC_PMR_EL1 */
	isb();
}

#endif /* __ASSEMBLER__ */
