// SPDX-License-Identifier: GPL-2.0-only
/*
 * The line discipline of the console terminal: input characters to lines, echo, signals; output processing. All of
 * it runs with tty.lock held, in the terminal's own thread or a writer's. Locks: see tty.h.
 */
#include "kernel/dev/dev.h"
#include "linux/fs/tty.h"

static bool lflag(u32 f)
{
	return tty.t.c_lflag & f;
}

static bool is_cc(unsigned which, u8 c)
{
	return tty.t.c_cc[which] && tty.t.c_cc[which] == c;
}

void tty_write_out(const char *s, size_t n)
{
	char out[256];
	size_t k = 0;
	u32 o = tty.t.c_oflag;

	if (!(o & OPOST)) {
		console_write(s, n);
		return;
	}
	while (n--) {
		char c = *s++;

		if (k + 2 > sizeof(out)) {
			console_write(out, k);
			k = 0;
		}
		if (c == '\n' && (o & ONLCR))
			out[k++] = '\r';
		else if (c == '\r' && (o & OCRNL))
			c = '\n';
		out[k++] = c;
		if (c == '\n' || c == '\r')
			tty.column = 0;
		else if (c == '\b')
			tty.column -= tty.column > 0;
		else if (c == '\t')
			tty.column = (tty.column | 7) + 1;
		else if ((u8)c >= ' ' && ((u8)c & 0xc0) != 0x80)
			tty.column++;
	}
	console_write(out, k);
}

static void echo(u8 c)
{
	char s[2] = { '^', (char)(c ^ 0x40) };

	if (!lflag(ECHO) && !(c == '\n' && lflag(ECHONL) && lflag(ICANON)))
		return;
	if (lflag(ECHOCTL) && (c < ' ' || c == 0x7f) && c != '\n' && c != '\t' && c != '\r')
		tty_write_out(s, 2);
	else
		tty_write_out((char *)&c, 1);
}

static unsigned used(void)
{
	return tty.edit - tty.tail;
}

static bool put(u16 c)
{
	/* One place stays free for the end of the line. */
	if (used() >= TTY_BUF - (c & TTY_END ? 0 : 1))
		return false;
	tty.buf[tty.edit++ % TTY_BUF] = c;
	return true;
}

/* The edited characters become readable. */
static void commit(void)
{
	tty.head = tty.edit;
	waitq_wake(&tty.rd, POLLIN | POLLRDNORM);
}

static void flush_input(void)
{
	tty.tail = tty.head = tty.edit;
	tty.lines = 0;
}

static void erase_one(void)
{
	u16 c;

	/* A UTF-8 character goes as a whole. */
	do {
		c = tty.buf[--tty.edit % TTY_BUF];
	} while ((tty.t.c_iflag & IUTF8) && (c & 0xc0) == 0x80 && tty.edit != tty.head);
	if (!lflag(ECHO) || !lflag(ECHOE))
		return;
	if (lflag(ECHOCTL) && (c < ' ' || c == 0x7f) && c != '\t')
		tty_write_out("\b \b\b \b", 6);
	else
		tty_write_out("\b \b", 3);
}

static bool word_char(u16 c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c > 0x7f;
}

static u16 last_char(void)
{
	return tty.buf[(tty.edit - 1) % TTY_BUF];
}

static void erase_word(void)
{
	while (tty.edit != tty.head && !word_char(last_char()))
		erase_one();
	while (tty.edit != tty.head && word_char(last_char()))
		erase_one();
}

/* true: c was a signal character. */
static bool input_signal(u8 c)
{
	int sig = is_cc(VINTR, c) ? SIGINT : is_cc(VQUIT, c) ? SIGQUIT : is_cc(VSUSP, c) ? SIGTSTP : 0;

	if (!sig || !lflag(ISIG))
		return false;
	if (!lflag(NOFLSH))
		flush_input();
	tty.stopped = false;
	echo(c);
	waitq_wake(&tty.wr, 0);
	if (tty.fg > 0)
		pgrp_send_signal(tty.fg, sig);
	return true;
}

static bool input_flow(u8 c)
{
	if (!(tty.t.c_iflag & IXON))
		return false;
	if (is_cc(VSTOP, c))
		tty.stopped = true;
	else if (is_cc(VSTART, c) || (tty.stopped && (tty.t.c_iflag & IXANY)))
		tty.stopped = false;
	else
		return false;
	waitq_wake(&tty.wr, 0);
	return is_cc(VSTOP, c) || is_cc(VSTART, c);
}

static void line_end(u16 c)
{
	if (put(c | TTY_END)) {
		tty.lines++;
		commit();
	}
}

/* true: c was an editing character, or the end of a line. */
static bool input_edit(u8 c)
{
	if (is_cc(VERASE, c) || c == '\b') {
		if (tty.edit != tty.head)
			erase_one();
	} else if (is_cc(VKILL, c)) {
		while (tty.edit != tty.head)
			erase_one();
	} else if (is_cc(VWERASE, c) && lflag(IEXTEN)) {
		erase_word();
	} else if (is_cc(VREPRINT, c) && lflag(IEXTEN)) {
		echo(c);
		echo('\n');
		for (unsigned i = tty.head; i != tty.edit; i++)
			echo(tty.buf[i % TTY_BUF]);
	} else if (is_cc(VLNEXT, c) && lflag(IEXTEN)) {
		tty.literal = true;
		if (lflag(ECHO))
			tty_write_out("^\b", 2);
	} else if (is_cc(VEOF, c)) {
		line_end(TTY_EOF);
	} else if (c == '\n' || is_cc(VEOL, c) || is_cc(VEOL2, c)) {
		echo(c);
		line_end(c);
	} else {
		return false;
	}
	return true;
}

void tty_input(u8 c)
{
	u32 iflag = tty.t.c_iflag;

	if (tty.literal) {
		tty.literal = false;
		goto plain;
	}
	if (iflag & ISTRIP)
		c &= 0x7f;
	if (input_flow(c))
		return;
	if (c == '\r') {
		if (iflag & IGNCR)
			return;
		if (iflag & ICRNL)
			c = '\n';
	} else if (c == '\n' && (iflag & INLCR)) {
		c = '\r';
	}
	if (input_signal(c))
		return;
	if (tty_canonical() && input_edit(c))
		return;
plain:
	if (!put(c)) {
		if (iflag & IMAXBEL)
			console_write("\a", 1);
		return;
	}
	echo(c);
	if (!tty_canonical())
		commit();
}

/* Between canonical and raw mode, what was typed stays: as characters without lines, or as one line. */
void tty_settings_changed(bool was_canonical)
{
	if (was_canonical == tty_canonical())
		return;
	if (was_canonical) {
		tty.lines = 0;
		commit();
		return;
	}
	if (tty.head != tty.tail) {
		tty.buf[(tty.head - 1) % TTY_BUF] |= TTY_END;
		tty.lines = 1;
		for (unsigned i = tty.tail; i != tty.head - 1; i++)
			tty.buf[i % TTY_BUF] &= 0xff;
	}
}

unsigned tty_available(void)
{
	return tty_canonical() && !tty.lines ? 0 : tty.head - tty.tail;
}
