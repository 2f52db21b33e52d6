// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel messages: a ring of text, and the console. Lock: print_lock (irq-safe), outside uart_lock only.
 */
#include "kernel/debug/debug.h"
#include "kernel/debug/print.h"
#include "kernel/dev/dev.h"
#include "kernel/lib/string.h"
#include "kernel/sched/lock.h"
#include "kernel/sched/timer.h"

#define RING_SIZE	65536

static char ring[RING_SIZE];
static u64 ring_end;			/* bytes ever written */
static u64 shown;			/* of these, seen by the console */
static int console_level = LOG_INFO;
static bool started, locking, at_line_start = true;
static spinlock_t print_lock = SPINLOCK_INIT;

void print_set_level(int level)
{
	console_level = level;
}

static void ring_put(const char *s, size_t n)
{
	while (n--)
		ring[ring_end++ % RING_SIZE] = *s++;
}

static void console_text(const char *s, size_t n)
{
	size_t start = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] != '\n')
			continue;
		console_write(s + start, i - start);
		console_write("\r\n", 2);
		start = i + 1;
	}
	console_write(s + start, n - start);
}

static void emit(enum log_level level, const char *s, size_t n)
{
	ring_put(s, n);
	if (!started)
		return;
	if ((int)level <= console_level || in_panic())
		console_text(s, n);
	shown = ring_end;
}

static void print_locked(enum log_level level, const char *text, size_t n)
{
	char stamp[32];
	u64 us;
	int m;

	for (size_t i = 0; i < n;) {
		size_t end = i;

		if (at_line_start) {
			us = clock_ns() / 1000;
			m = snprintf(stamp, sizeof(stamp), "[%5llu.%06llu] ", (unsigned long long)us / 1000000,
				     (unsigned long long)us % 1000000);
			emit(level, stamp, m);
		}
		while (end < n && text[end] != '\n')
			end++;
		at_line_start = end < n;
		end += at_line_start;
		emit(level, text + i, end - i);
		i = end;
	}
	/* One call is one line or several, with or without its last '\n'. */
	if (!at_line_start) {
		emit(level, "\n", 1);
		at_line_start = true;
	}
}

void printk(enum log_level level, const char *fmt, ...)
{
	char buf[512];
	va_list ap;
	u64 flags;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	n = MIN(n, (int)sizeof(buf) - 1);
	if (n > 0 && (size_t)n == sizeof(buf) - 1)
		buf[n - 1] = '\n';
	if (!locking || in_panic()) {
		print_locked(level, buf, n);
		return;
	}
	flags = spin_lock_irqsave(&print_lock);
	print_locked(level, buf, n);
	spin_unlock_irqrestore(&print_lock, flags);
}

void print_start(bool locks)
{
	u64 from = MAX(shown, ring_end > RING_SIZE ? ring_end - RING_SIZE : 0);

	started = true;
	locking = locks;
	/* Messages from before the console worked are only kept if someone asked for everything. */
	if (console_level >= LOG_INFO)
		for (; from < ring_end; from++)
			console_text(&ring[from % RING_SIZE], 1);
	shown = ring_end;
}

