// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of the host: registers, backtrace with names, the CPU's last exceptions, a line to the launcher, power off.
 * Takes no locks that others may hold.
 */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/entry.h"
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/debug.h"
#include "kernel/debug/exitring.h"
#include "kernel/debug/print.h"
#include "kernel/dev/dev.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kernel/sched/timer.h"

extern const u32 ksym_count, ksym_addrs[], ksym_name_off[];
extern const char ksym_names[], _text[], _etext[], boot_stack[];

static u32 panicking;		/* CPU id + 1 */
static char panic_text[256];
void (*panic_more)(void);

bool in_panic(void)
{
	return READ_ONCE(panicking);
}

void symbol_name(u64 addr, char *buf, size_t size)
{
	u64 off = addr - (u64)_text;
	u32 lo = 0, hi = ksym_count;

	if (addr < (u64)_text || addr >= (u64)_etext || !ksym_count) {
		snprintf(buf, size, "%#lx", (unsigned long)addr);
		return;
	}
	while (hi - lo > 1) {
		u32 mid = (lo + hi) / 2;

		if (ksym_addrs[mid] <= off)
			lo = mid;
		else
			hi = mid;
	}
	snprintf(buf, size, "%s+%#lx", ksym_names + ksym_name_off[lo], (unsigned long)(off - ksym_addrs[lo]));
}

static bool on_stack(u64 fp)
{
	u64 stack = (u64)current_thread->stack;

	return !(fp & 7) && fp >= stack && fp + 16 <= stack + THREAD_STACK;
}

void backtrace(u64 fp, u64 pc)
{
	char name[80];

	pr_err("Call trace:\n");
	for (unsigned depth = 0; depth < 32; depth++) {
		u64 next;

		symbol_name(pc, name, sizeof(name));
		pr_err("  %s\n", name);
		if (!on_stack(fp))
			break;
		next = ((u64 *)fp)[0];
		pc = ((u64 *)fp)[1] - 4;
		if (next <= fp || pc < (u64)_text || pc >= (u64)_etext)
			break;
		fp = next;
	}
}

void regs_dump(const struct pt_regs *r)
{
	char name[80];

	symbol_name(r->pc, name, sizeof(name));
	pr_err("pc : %016lx (%s)\n", (unsigned long)r->pc, name);
	symbol_name(r->x[30], name, sizeof(name));
	pr_err("lr : %016lx (%s)\n", (unsigned long)r->x[30], name);
	pr_err("sp : %016lx  pstate: %08lx\n", (unsigned long)r->sp, (unsigned long)r->pstate);
	for (unsigned i = 0; i < 30; i += 3)
		pr_err("x%-2u: %016lx  x%-2u: %016lx  x%-2u: %016lx\n", i, (unsigned long)r->x[i], i + 1,
		       (unsigned long)r->x[i + 1], i + 2, (unsigned long)r->x[i + 2]);
}

static void exits_dump(void)
{
	static const char *const kinds[] = { "user", "user irq", "kernel", "kernel irq", "guest" };
	struct exit_ring *e = this_cpu()->exit_ring;
	u32 n;

	if (!e)
		return;
	n = MIN(e->n, (u32)EXIT_RING);
	pr_err("Last %u exceptions on this CPU:\n", n);
	for (u32 i = e->n - n; i != e->n; i++) {
		struct exit_record *r = &e->r[i % EXIT_RING];

		pr_err("  %12lu ns  %-10s pc %016lx  esr %08x\n", (unsigned long)ticks_to_ns(r->time),
		       r->kind < ARRAY_SIZE(kinds) ? kinds[r->kind] : "?", (unsigned long)r->pc, r->esr);
	}
}

static __noreturn void vpanic(const struct pt_regs *regs, const char *fmt, va_list ap)
{
	u32 me = this_cpu()->id + 1, none = 0;

	local_irq_disable();
	if (!__atomic_compare_exchange_n(&panicking, &none, me, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
		/* A second one: on another CPU it waits; here, in the middle of the first, it only stops. */
		if (none == me) {
			console_write_raw("\r\npanic in panic\r\n", 18);
			control_send_raw("panic in panic");
			control_end_failed();
		}
		for (;;)
			wfi();
	}
	uart_bust_locks();
	control_bust_locks();
	smp_stop_others();
	vsnprintf(panic_text, sizeof(panic_text), fmt, ap);
	print_start(false);
	pr_err("\nKernel panic: %s\n", panic_text);
	pr_err("CPU %u, thread %u \"%.15s\"\n", me - 1, current_thread->id, current_thread->name);
	if (regs) {
		regs_dump(regs);
		backtrace(regs->x[29], regs->pc);
	} else {
		backtrace((u64)__builtin_frame_address(0), (u64)__builtin_return_address(0) - 4);
	}
	exits_dump();
	if (panic_more)
		panic_more();
	control_send("panic %s", panic_text);
	control_end_failed();
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vpanic(NULL, fmt, ap);
}

void panic_regs(const struct pt_regs *regs, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vpanic(regs, fmt, ap);
}
