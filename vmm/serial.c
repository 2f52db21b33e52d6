// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 16550A with a transmitter that is always ready. Registers are bytes at
 * consecutive addresses. What the guest sends is gathered and written line by
 * line: a system call for each character would cost more than its exit.
 *
 * Lock: serial_lock covers all state; KVM_IRQ_LINE is called under it, so that
 * the line cannot be left at an older level.
 */
#include <pthread.h>
#include <string.h>
#include <sys/timerfd.h>

#include "vmm.h"

/* Registers, and with DLAB set the divisor in the first two. */
#define UART_DATA	0
#define UART_IER	1
#define UART_IIR_FCR	2
#define UART_LCR	3
#define UART_MCR	4
#define UART_LSR	5
#define UART_MSR	6
#define UART_SCR	7

#define IER_RX		0x01
#define IER_TX		0x02
#define IIR_NONE	0x01
#define IIR_TX		0x02
#define IIR_RX		0x04
#define IIR_FIFO	0xc0
#define FCR_ENABLE	0x01
#define FCR_CLEAR_RX	0x02
#define LCR_DLAB	0x80
#define MCR_LOOP	0x10
#define LSR_RX		0x01
#define LSR_TX_IDLE	0x60
#define MSR_LINES	0xb0		/* CTS, DSR, DCD */

#define RX_SIZE		4096		/* a power of two */
#define TX_SIZE		1024
#define FLUSH_NS	4000000		/* how long output may be held */

static pthread_mutex_t serial_lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
	uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
	bool tx_event;			/* THR became empty, not yet seen in IIR */
	bool level;
	uint32_t rx_head, rx_tail;	/* free-running */
	uint8_t rx[RX_SIZE];
	size_t tx_len;
	uint8_t tx[TX_SIZE];
	int timer_fd;
} u = { .tx_event = true, .timer_fd = -1 };

void serial_init(void)
{
	u.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (u.timer_fd < 0)
		die_errno("timerfd_create");
}

int serial_timer_fd(void)
{
	return u.timer_fd;
}

static bool rx_ready(void)
{
	return u.rx_head != u.rx_tail;
}

static void update_irq(void)
{
	bool level = ((u.ier & IER_RX) && rx_ready()) ||
		     ((u.ier & IER_TX) && u.tx_event);

	if (level == u.level)
		return;
	u.level = level;
	irq_line(UART_SPI, level);
}

static void flush_tx(void)
{
	console_write(u.tx, u.tx_len);
	u.tx_len = 0;
}

static void put_rx(uint8_t c)
{
	if (u.rx_head - u.rx_tail < RX_SIZE)
		u.rx[u.rx_head++ % RX_SIZE] = c;
}

static void transmit(uint8_t c)
{
	static const struct itimerspec soon = { .it_value.tv_nsec = FLUSH_NS };

	u.tx_event = true;
	if (u.mcr & MCR_LOOP) {
		put_rx(c);
		return;
	}
	if (!u.tx_len && c != '\n')
		timerfd_settime(u.timer_fd, 0, &soon, NULL);
	u.tx[u.tx_len++] = c;
	if (c == '\n' || u.tx_len == TX_SIZE)
		flush_tx();
}

static uint8_t read_iir(void)
{
	uint8_t fifo = u.fcr & FCR_ENABLE ? IIR_FIFO : 0;

	if ((u.ier & IER_RX) && rx_ready())
		return fifo | IIR_RX;
	if ((u.ier & IER_TX) && u.tx_event) {
		u.tx_event = false;	/* reading it is the acknowledgement */
		return fifo | IIR_TX;
	}
	return fifo | IIR_NONE;
}

static uint8_t read_msr(void)
{
	uint8_t m = u.mcr;

	if (!(m & MCR_LOOP))
		return MSR_LINES;
	/* Loopback: RTS to CTS, DTR to DSR, OUT1 to RI, OUT2 to DCD. */
	return (m & 0x02) << 3 | (m & 0x01) << 5 | (m & 0x0c) << 4;
}

uint8_t serial_read(uint64_t off)
{
	uint8_t val = 0;

	pthread_mutex_lock(&serial_lock);
	switch (off) {
	case UART_DATA:
		if (u.lcr & LCR_DLAB)
			val = u.dll;
		else if (rx_ready())
			val = u.rx[u.rx_tail++ % RX_SIZE];
		break;
	case UART_IER:
		val = u.lcr & LCR_DLAB ? u.dlm : u.ier;
		break;
	case UART_IIR_FCR:
		val = read_iir();
		break;
	case UART_LCR:
		val = u.lcr;
		break;
	case UART_MCR:
		val = u.mcr;
		break;
	case UART_LSR:
		val = LSR_TX_IDLE | (rx_ready() ? LSR_RX : 0);
		break;
	case UART_MSR:
		val = read_msr();
		break;
	case UART_SCR:
		val = u.scr;
		break;
	}
	update_irq();
	pthread_mutex_unlock(&serial_lock);
	return val;
}

void serial_write(uint64_t off, uint8_t val)
{
	pthread_mutex_lock(&serial_lock);
	switch (off) {
	case UART_DATA:
		if (u.lcr & LCR_DLAB)
			u.dll = val;
		else
			transmit(val);
		break;
	case UART_IER:
		if (u.lcr & LCR_DLAB) {
			u.dlm = val;
			break;
		}
		/* Enabling it with the transmitter empty raises it anew. */
		if ((val & ~u.ier) & IER_TX)
			u.tx_event = true;
		u.ier = val & 0x0f;
		break;
	case UART_IIR_FCR:
		if (val & FCR_CLEAR_RX)
			u.rx_tail = u.rx_head;
		u.fcr = val;
		break;
	case UART_LCR:
		u.lcr = val;
		break;
	case UART_MCR:
		u.mcr = val & 0x1f;
		break;
	case UART_SCR:
		u.scr = val;
		break;
	}
	update_irq();
	pthread_mutex_unlock(&serial_lock);
}

size_t serial_room(void)
{
	size_t room;

	pthread_mutex_lock(&serial_lock);
	room = RX_SIZE - (u.rx_head - u.rx_tail);
	pthread_mutex_unlock(&serial_lock);
	return room;
}

void serial_feed(const uint8_t *buf, size_t n)
{
	size_t i;

	pthread_mutex_lock(&serial_lock);
	for (i = 0; i < n; i++)
		put_rx(buf[i]);
	update_irq();
	pthread_mutex_unlock(&serial_lock);
}

void serial_flush(void)
{
	pthread_mutex_lock(&serial_lock);
	if (u.tx_len)
		flush_tx();
	pthread_mutex_unlock(&serial_lock);
}
