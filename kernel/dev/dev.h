// SPDX-License-Identifier: GPL-2.0-only
/* Devices of the host: console UART, clock, control channel. Owner: kernel/dev/. */
#pragma once

#include <nestbox/types.h>

/*
 * The console's UART. uart_init_early: output only, registers at va, a 16550A or a PL011, no locks
 * taken until uart_init. console_write: raw bytes, any context.
 */
void uart_init_early(u64 va, bool ns16550);
void uart_init(u64 pa, u32 intid);
void console_write(const char *s, size_t n);
/* Each received byte, in interrupt context; set once. Before that, input waits in the FIFO. */
void uart_set_rx(void (*fn)(void *arg, u8 byte), void *arg);
/* panic: never wait for the lock from now on. */
void uart_bust_locks(void);

/* Without lock or thread: for the time before either exists. */
void console_write_raw(const char *s, size_t n);

/* PL031 (DDI0224): sets the real-time clock from it. */
void rtc_init(u64 pa);

/*
 * The control channel: port 0 of the first virtio console (virtio 1.2, 4.2 and
 * 5.3). control_probe looks at the transport whose registers are at va; true:
 * a console is there and is in use now.
 */
bool control_probe(u64 va);
/* As control_send, without locks: before threads exist, and in panic. */
void control_send_raw(const char *line);
void control_bust_locks(void);
/* After the final tables exist: the registers at their mapping. */
void control_remap(u64 va);
