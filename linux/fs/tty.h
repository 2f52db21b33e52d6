// SPDX-License-Identifier: GPL-2.0-only
/*
 * The console terminal: one line discipline over the UART, shared by /dev/console and /dev/tty.
 *
 * Locks: tty.lock (mutex): settings, edit and input buffers; tty.raw_lock (irq-safe spin): bytes from the interrupt.
 */
#pragma once

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <asm/termios.h>

#include "linux/fs/vfs.h"

#define TTY_BUF		4096		/* input characters, a power of two */
#define TTY_RAW		1024		/* bytes from the interrupt not yet looked at, a power of two */
#define TTY_END		0x100		/* ends a line in canonical mode */
#define TTY_EOF		0x200		/* is an end of file: not part of the data */

struct tty {
	struct mutex lock;
	struct waitq rd, wr;
	struct termios2 t;
	struct winsize ws;
	int session, fg;		/* session that owns the terminal and its foreground group; 0: none */
	bool stopped;			/* Ctrl-S */
	bool literal;			/* the next character stands for itself */
	unsigned column;		/* of the cursor, for tabs and erasing */
	/* what readers may have: [tail, head); while a line is edited: [head, edit) */
	u16 buf[TTY_BUF];
	unsigned tail, head, edit;
	unsigned lines;			/* line ends and ends of file in [tail, head) */
	/* from the interrupt to the thread */
	spinlock_t raw_lock;
	struct waitq raw_wait;
	u8 raw[TTY_RAW];
	unsigned raw_head, raw_tail;
};

extern struct tty tty;

void tty_input(u8 c);				/* tty.lock held: through the line discipline */
void tty_write_out(const char *s, size_t n);	/* with output processing; tty.lock held */
s64 tty_ioctl(struct file *f, u32 cmd, u64 arg);
unsigned tty_available(void);			/* bytes a read would give now; tty.lock held, or a guess */
void tty_settings_changed(bool was_canonical);
static inline bool tty_canonical(void) { return tty.t.c_lflag & ICANON; }
