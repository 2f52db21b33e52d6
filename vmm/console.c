// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user's terminal: raw mode, escapes, and feeding of the UART. Runs in the
 * main thread; console_write() is called by whoever holds the UART's lock.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "control.h"
#include "vmm.h"

#define ESCAPE		0x01		/* Ctrl-A */

static const struct vm *the_vm;		/* whom keys give orders to */
static bool batch;
static bool raw;
static struct termios saved;

static const char help[] =
	"\r\nCtrl-A x  leave the virtual machine (it is not shut down)"
	"\r\nCtrl-A n  nmi: a fatal error record, so that a guest that hangs says where (--acpi)"
	"\r\nCtrl-A c  a corrected error record, which the guest logs (--acpi)"
	"\r\nCtrl-A z  make vCPU 0 hang with all interrupts masked, to try it"
	"\r\nCtrl-A h  this help"
	"\r\nCtrl-A Ctrl-A  send Ctrl-A to the guest\r\n";

void console_init(const struct vm *vm)
{
	struct termios t;

	the_vm = vm;
	batch = vm->batch;
	if (batch || !isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &saved))
		return;
	t = saved;
	cfmakeraw(&t);
	t.c_oflag |= OPOST;	/* our own lines end in \n only */
	if (!tcsetattr(STDIN_FILENO, TCSANOW, &t))
		raw = true;
}

void console_restore(void)
{
	if (raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	raw = false;
}

void console_write(const void *buf, size_t n)
{
	const uint8_t *p = buf;
	struct pollfd pfd = { .fd = STDOUT_FILENO, .events = POLLOUT };
	ssize_t done;

	while (n) {
		done = write(STDOUT_FILENO, p, n);
		if (done > 0) {
			p += done;
			n -= done;
		} else if (errno == EAGAIN) {
			poll(&pfd, 1, -1);
		} else if (errno != EINTR) {
			return;	/* nobody listens: the guest need not care */
		}
	}
}

/* Take the escapes out of @buf, in place; the number of bytes left. */
static size_t filter(uint8_t *buf, size_t n)
{
	static bool escaped;
	size_t i, out = 0;

	for (i = 0; i < n; i++) {
		if (!escaped) {
			if (buf[i] == ESCAPE && raw)
				escaped = true;
			else
				buf[out++] = buf[i];
			continue;
		}
		escaped = false;
		switch (buf[i]) {
		case 'x':
		case 'X':
			console_write("\r\n", 2);
			vm_stop(VMM_OK);
			break;
		case 'n':
			control_key(the_vm, "nmi");
			break;
		case 'c':
			control_key(the_vm, "corrected");
			break;
		case 'z':
			control_key(the_vm, "hang");
			break;
		case 'h':
		case 'H':
		case '?':
			console_write(help, sizeof(help) - 1);
			break;
		case ESCAPE:
			buf[out++] = ESCAPE;
			break;
		}
	}
	return out;
}

/* False when there will be no more input. */
static bool take_input(void)
{
	uint8_t buf[256];
	size_t room = serial_room();
	ssize_t n;

	if (room > sizeof(buf))
		room = sizeof(buf);
	n = read(STDIN_FILENO, buf, room);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n == 0)
		return false;
	serial_feed(buf, filter(buf, n));
	return true;
}

void console_loop(int stop_fd)
{
	bool input = !batch;

	for (;;) {
		bool room = serial_room() > 0;
		struct pollfd pfd[] = {
			{ .fd = stop_fd, .events = POLLIN },
			{ .fd = serial_timer_fd(), .events = POLLIN },
			{ .fd = input && room ? STDIN_FILENO : -1, .events = POLLIN },
		};
		uint64_t count;

		/* A full receiver is looked at again soon: no event says more. */
		if (poll(pfd, ARRAY_SIZE(pfd), input && !room ? 10 : -1) < 0) {
			if (errno == EINTR)
				continue;
			die_errno("poll");
		}
		if (pfd[0].revents)
			return;
		if (pfd[1].revents) {
			if (read(pfd[1].fd, &count, sizeof(count)) > 0)
				serial_flush();
		}
		if (pfd[2].revents)
			input = take_input();
	}
}
