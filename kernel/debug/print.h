// SPDX-License-Identifier: GPL-2.0-only
/* Kernel messages and assertions. Safe in any context, interrupts on or off. Owner: kernel/debug/print.c. */
#pragma once

#include <nestbox/types.h>

enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };

#ifdef NATIVE
#include <assert.h>
#include <stdio.h>
#define ASSERT(c)	assert(c)
#define BUG()		assert(!"bug")
#define pr_err(...)	((void)fprintf(stderr, __VA_ARGS__))
#define pr_warn(...)	pr_err(__VA_ARGS__)
#define pr_info(...)	pr_err(__VA_ARGS__)
#else
void printk(enum log_level level, const char *fmt, ...) __printf(2, 3);
/* Print, dump registers, backtrace and this CPU's last exits, report "panic" on the control channel, power off. */
__noreturn void panic(const char *fmt, ...) __printf(1, 2);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);

#define pr_err(...)	printk(LOG_ERR, __VA_ARGS__)
#define pr_warn(...)	printk(LOG_WARN, __VA_ARGS__)
#define pr_info(...)	printk(LOG_INFO, __VA_ARGS__)
#define pr_debug(...)	printk(LOG_DEBUG, __VA_ARGS__)
/* Once per call site. */
#define pr_warn_once(...) do {								\
	static bool _done;								\
	if (!__atomic_exchange_n(&_done, true, __ATOMIC_RELAXED))			\
		pr_warn(__VA_ARGS__);							\
} while (0)

#define BUG()		panic("BUG at %s:%d", __FILE__, __LINE__)
/* For our own mistakes only: no input from a guest, a process or a device may make one fail. Never compiled out. */
#define ASSERT(c) do {									\
	if (unlikely(!(c)))								\
		panic("assertion failed: %s at %s:%d", #c, __FILE__, __LINE__);		\
} while (0)
#endif

/* One line on the control channel to the launcher, without '\n' (see docs/abi/control.md). Owner: kernel/dev/control.c. */
void control_send(const char *fmt, ...) __printf(1, 2);
#ifndef NATIVE
/*
 * The machine's work has failed, and the channel has said so: off. Without a channel, as in a guest of ours, a reset says it:
 * PSCI has no other word. Any context.
 */
__noreturn void control_end_failed(void);
#endif
