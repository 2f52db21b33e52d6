// SPDX-License-Identifier: GPL-2.0-only
/*
 * PL011 UART as the console (DDI0183G, chapter 3). Output is polled; input is by interrupt.
 * Lock: uart_lock (irq-safe), innermost: output of one call stays together.
 */
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/dev/dev.h"
#include "kernel/irq/irq.h"
#include "kernel/mm/page.h"
#include "kernel/sched/lock.h"

#define UARTDR		0x00
#define UARTFR		0x18
#define UARTLCR_H	0x2c
#define UARTCR		0x30
#define UARTIMSC	0x38
#define UARTICR		0x44
#define CR_ON		(BIT(0) | BIT(8) | BIT(9))	/* UART, transmitter, receiver */
#define FR_RXFE		BIT(4)
#define FR_TXFF		BIT(5)
#define INT_RX		BIT(4)
#define INT_RT		BIT(6)		/* receive time-out */

static u64 uart;			/* 0: none */
static u64 early_ttbr0;			/* the identity map that uart needs; 0: none needed */
static bool threads, busted;
static spinlock_t uart_lock = SPINLOCK_INIT;
static void (*rx_fn)(void *arg, u8 byte);
static void *rx_arg;
static u32 uart_intid;

static u32 rd(unsigned reg)
{
	return *(volatile u32 *)(uart + reg);
}

static void wr(unsigned reg, u32 v)
{
	*(volatile u32 *)(uart + reg) = v;
}

void console_write_raw(const char *s, size_t n)
{
	if (!uart || (early_ttbr0 && read_sysreg(ttbr0_el1) != early_ttbr0))
		return;
	while (n--) {
		/* A UART that stands still must not stop the kernel for good. */
		for (unsigned i = 0; (rd(UARTFR) & FR_TXFF) && i < 10000000; i++)
			cpu_relax();
		wr(UARTDR, (u8)*s++);
	}
}

void console_write(const char *s, size_t n)
{
	u64 flags;

	if (!threads || busted) {
		console_write_raw(s, n);
		return;
	}
	flags = spin_lock_irqsave(&uart_lock);
	console_write_raw(s, n);
	spin_unlock_irqrestore(&uart_lock, flags);
}

void uart_bust_locks(void)
{
	busted = true;
}

void uart_init_early(u64 va)
{
	uart = va;
	early_ttbr0 = read_sysreg(ttbr0_el1);
	if (va)
		wr(UARTCR, CR_ON);
}

void uart_init(u64 pa, u32 intid)
{
	u64 va = (u64)ioremap(PA(pa), PAGE_SIZE);

	if (!va)
		return;
	uart = va;
	early_ttbr0 = 0;
	uart_intid = intid;
	threads = true;
	wr(UARTIMSC, 0);
	/* Firmware has set the speed; QEMU has none. 8 bits, FIFOs, both directions on. */
	wr(UARTLCR_H, 3 << 5 | 1 << 4);
	wr(UARTCR, CR_ON);
}

static enum irq_result uart_irq(u32 intid, void *arg)
{
	wr(UARTICR, INT_RX | INT_RT);
	for (unsigned i = 0; i < 64 && !(rd(UARTFR) & FR_RXFE); i++)
		rx_fn(rx_arg, rd(UARTDR) & 0xff);
	return IRQ_DONE;
}

void uart_set_rx(void (*fn)(void *arg, u8 byte), void *arg)
{
	ASSERT(!rx_fn);
	if (!uart || !uart_intid)
		return;
	rx_arg = arg;
	rx_fn = fn;
	if (irq_register(uart_intid, uart_irq, NULL, false)) {
		pr_warn("console: no interrupt, no input\n");
		return;
	}
	wr(UARTIMSC, INT_RX | INT_RT);
	irq_enable(uart_intid);
}
