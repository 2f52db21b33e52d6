// SPDX-License-Identifier: GPL-2.0-only
/*
 * The console's UART: PL011 (DDI0183G, chapter 3) or 16550A (National PC16550D; byte registers). Output is polled; input is by
 * interrupt.
 * Lock: uart_lock (irq-safe), innermost: output of one call stays together.
 */
#include "kernel/cpu/mmio.h"
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


#define NS_DATA		0
#define NS_IER		1
#define NS_FCR		2
#define NS_LCR		3
#define NS_LSR		5
#define IER_RX		BIT(0)
#define FCR_FIFOS	1
#define LCR_8BITS	3
#define LSR_RX		BIT(0)
#define LSR_TX_EMPTY	BIT(5)

static u64 uart;			/* 0: none */
static bool is_16550;
static u64 early_ttbr0;			/* the identity map that uart needs; 0: none needed */
static bool threads, busted;
static spinlock_t uart_lock = SPINLOCK_INIT;
static void (*rx_fn)(void *arg, u8 byte);
static void *rx_arg;
static u32 uart_intid;

static u32 rd(unsigned reg)
{
	return mmio_read32(uart + reg);
}

static void wr(unsigned reg, u32 v)
{
	mmio_write32(uart + reg, v);
}

/* ---- what differs ---- */

static bool tx_full(void)
{
	return is_16550 ? !(mmio_read8(uart + NS_LSR) & LSR_TX_EMPTY) : rd(UARTFR) & FR_TXFF;
}

static void tx_put(u8 c)
{
	if (is_16550)
		mmio_write8(uart + NS_DATA, c);
	else
		wr(UARTDR, c);
}

static bool rx_empty(void)
{
	return is_16550 ? !(mmio_read8(uart + NS_LSR) & LSR_RX) : rd(UARTFR) & FR_RXFE;
}

static u8 rx_get(void)
{
	return is_16550 ? mmio_read8(uart + NS_DATA) : (u8)rd(UARTDR);
}

/* Firmware has set the speed; QEMU has none. 8 bits, FIFOs, both directions on, no interrupts. */
static void set_up(void)
{
	if (is_16550) {
		mmio_write8(uart + NS_IER, 0);
		mmio_write8(uart + NS_LCR, LCR_8BITS);
		mmio_write8(uart + NS_FCR, FCR_FIFOS);
		return;
	}
	wr(UARTIMSC, 0);
	wr(UARTLCR_H, 3 << 5 | 1 << 4);
	wr(UARTCR, CR_ON);
}

static void rx_irq_on(void)
{
	if (is_16550)
		mmio_write8(uart + NS_IER, IER_RX);
	else
		wr(UARTIMSC, INT_RX | INT_RT);
}

/* ---- the console ---- */

void console_write_raw(const char *s, size_t n)
{
	if (!uart || (early_ttbr0 && read_sysreg(ttbr0_el1) != early_ttbr0))
		return;
	while (n--) {
		/* A UART that stands still must not stop the kernel for good. */
		for (unsigned i = 0; tx_full() && i < 10000000; i++)
			cpu_relax();
		tx_put((u8)*s++);
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

void uart_init_early(u64 va, bool ns16550)
{
	uart = va;
	is_16550 = ns16550;
	early_ttbr0 = read_sysreg(ttbr0_el1);
	if (va && !is_16550)
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
	set_up();
}

static enum irq_result uart_irq(u32 intid, void *arg)
{
	if (!is_16550)
		wr(UARTICR, INT_RX | INT_RT);
	for (unsigned i = 0; i < 64 && !rx_empty(); i++)
		rx_fn(rx_arg, rx_get());
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
	rx_irq_on();
	irq_enable(uart_intid);
}
