// SPDX-License-Identifier: GPL-2.0-only
/*
 * The console terminal's file side: reads, writes, poll, ioctls, the controlling terminal. Bytes come from the UART's
 * interrupt into tty.raw and are taken through the line discipline by a thread. Locks: see tty.h.
 */
#include "kernel/debug/print.h"
#include "kernel/dev/dev.h"
#include "linux/fs/tty.h"

struct tty tty;

static const struct termios2 default_settings = {
	.c_iflag = ICRNL | IXON | IUTF8,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc = {
		[VINTR] = 3, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 21, [VEOF] = 4, [VMIN] = 1,
		[VSTART] = 17, [VSTOP] = 19, [VSUSP] = 26, [VREPRINT] = 18, [VDISCARD] = 15,
		[VWERASE] = 23, [VLNEXT] = 22,
	},
	.c_ispeed = 115200, .c_ospeed = 115200,
};

static void tty_rx(void *arg, u8 byte)
{
	u64 flags = spin_lock_irqsave(&tty.raw_lock);

	if (tty.raw_head - tty.raw_tail < TTY_RAW)
		tty.raw[tty.raw_head++ % TTY_RAW] = byte;
	spin_unlock_irqrestore(&tty.raw_lock, flags);
	waitq_wake(&tty.raw_wait, POLLIN);
}

static bool raw_take(u8 *c)
{
	u64 flags = spin_lock_irqsave(&tty.raw_lock);
	bool there = tty.raw_head != tty.raw_tail;

	if (there)
		*c = tty.raw[tty.raw_tail++ % TTY_RAW];
	spin_unlock_irqrestore(&tty.raw_lock, flags);
	return there;
}

static void tty_thread(void *arg)
{
	u8 c;

	for (;;) {
		wait_event(&tty.raw_wait, READ_ONCE(tty.raw_head) != READ_ONCE(tty.raw_tail));
		mutex_lock(&tty.lock);
		while (raw_take(&c))
			tty_input(c);
		mutex_unlock(&tty.lock);
	}
}

/* A background group that reads is stopped. 0: go on. */
static int check_foreground(void)
{
	struct process *p = current_task()->proc;
	int sig = SIGTTIN;

	if (!tty.fg || tty.session != p->sid || tty.fg == p->pgid)
		return 0;
	if (p->action[sig - 1].handler == (u64)SIG_IGN || current_task()->sigmask & BIT(sig - 1))
		return -EIO;
	pgrp_send_signal(p->pgid, sig);
	return -EINTR;
}

/* One line, or what fits of it. tty.lock held. */
static ssize_t read_canonical(struct iobuf *b)
{
	size_t n = 0;
	char out[128];
	ssize_t done = 0;
	u16 c = 0;

	while (tty.lines && tty.tail != tty.head && !(c & TTY_END) && b->len > n) {
		c = tty.buf[tty.tail++ % TTY_BUF];
		if (c & TTY_END)
			tty.lines--;
		if (!(c & TTY_EOF))
			out[n++] = c;
		if (n == sizeof(out)) {
			if (iobuf_put(b, out, n))
				return -EFAULT;
			done += n;
			n = 0;
		}
	}
	if (n && iobuf_put(b, out, n))
		return -EFAULT;
	return done + n;
}

static ssize_t read_raw(struct iobuf *b)
{
	size_t n;
	char out[128];
	ssize_t done = 0;

	while (tty.tail != tty.head && b->len) {
		for (n = 0; n < sizeof(out) && n < b->len && tty.tail != tty.head; n++)
			out[n] = tty.buf[tty.tail++ % TTY_BUF];
		if (iobuf_put(b, out, n))
			return done ? done : -EFAULT;
		done += n;
	}
	return done;
}

static bool input_ready(unsigned need)
{
	return tty_canonical() ? READ_ONCE(tty.lines) > 0 : tty_available() >= need;
}

/* Wait for input as VMIN and VTIME say: 0 when a read should be done now, -EAGAIN, -EINTR, -ETIMEDOUT. */
static int wait_input(struct file *f, size_t len)
{
	unsigned min = tty.t.c_cc[VMIN], time = tty.t.c_cc[VTIME], need = 1;
	u64 deadline = ~0UL;

	if (!tty_canonical()) {
		need = time ? 1 : MIN((size_t)min, len);
		if (!min && !time)
			return 0;
		if (!min)
			deadline = clock_ns() + time * 100000000UL;
	}
	need = MAX(need, 1U);
	if (input_ready(need))
		return 0;
	if (f->flags & O_NONBLOCK)
		return !tty_canonical() && tty_available() ? 0 : -EAGAIN;
	return wait_event_interruptible_until(&tty.rd, input_ready(need), deadline);
}

static ssize_t tty_read(struct file *f, struct iobuf *b, u64 *pos)
{
	ssize_t r;
	bool eof;

	if (!b->len)
		return 0;
	for (;;) {
		r = check_foreground();
		if (r)
			return r;
		r = wait_input(f, b->len);
		if (r == -ETIMEDOUT)
			return 0;
		if (r)
			return r;
		mutex_lock(&tty.lock);
		eof = tty_canonical() ? tty.lines > 0 : !tty.t.c_cc[VMIN];
		r = tty_canonical() ? read_canonical(b) : read_raw(b);
		mutex_unlock(&tty.lock);
		/* Nothing there any more (another reader was faster): once more, unless this is an end of file. */
		if (r || eof)
			return r;
	}
}

static ssize_t tty_write(struct file *f, struct iobuf *b, u64 *pos)
{
	char buf[256];
	size_t done = 0, n;
	int err;

	while (b->len) {
		if (READ_ONCE(tty.stopped)) {
			if (f->flags & O_NONBLOCK)
				return done ? (ssize_t)done : -EAGAIN;
			err = wait_event_interruptible(&tty.wr, !READ_ONCE(tty.stopped));
			if (err)
				return done ? (ssize_t)done : err;
		}
		n = MIN(b->len, sizeof(buf));
		if (iobuf_get(b, buf, n))
			return done ? (ssize_t)done : -EFAULT;
		mutex_lock(&tty.lock);
		tty_write_out(buf, n);
		mutex_unlock(&tty.lock);
		done += n;
		if (b->len && signal_pending() && fatal_signal_pending())
			break;
	}
	return done;
}

static u32 tty_poll(struct file *f, struct poll_table *pt)
{
	u32 m = READ_ONCE(tty.stopped) ? 0 : POLLOUT | POLLWRNORM;

	poll_add(f, &tty.rd, pt);
	poll_add(f, &tty.wr, pt);
	return tty_available() ? m | POLLIN | POLLRDNORM : m;
}

static s64 set_termios(u32 cmd, u64 arg)
{
	bool two = cmd == TCSETS2 || cmd == TCSETSW2 || cmd == TCSETSF2;
	struct termios2 t = tty.t;
	bool was = tty_canonical();

	if (copy_from_user(&t, arg, two ? sizeof(t) : sizeof(struct termios)))
		return -EFAULT;
	mutex_lock(&tty.lock);
	tty.t = t;
	if (cmd == TCSETSF || cmd == TCSETSF2) {
		tty.tail = tty.head = tty.edit;
		tty.lines = 0;
	}
	tty_settings_changed(was);
	if (!(t.c_iflag & IXON))
		tty.stopped = false;
	mutex_unlock(&tty.lock);
	waitq_wake(&tty.rd, 0);
	waitq_wake(&tty.wr, 0);
	return 0;
}

/* The session's leader takes the terminal; one whose leader has gone is free. */
static s64 take_terminal(bool steal)
{
	struct process *p = current_task()->proc, *owner;
	s64 r = 0;

	if (p->pid != p->sid)
		return -EPERM;
	owner = tty.session ? process_find(tty.session) : NULL;
	mutex_lock(&tty.lock);
	if (tty.session != p->sid && owner && !owner->zombie && !steal) {
		r = -EPERM;
	} else if (tty.session != p->sid) {
		tty.session = p->sid;
		tty.fg = p->pgid;
	}
	mutex_unlock(&tty.lock);
	if (owner)
		process_put(owner);
	return r;
}

static s64 set_foreground(u64 arg)
{
	struct process *p = current_task()->proc;
	int pgid;

	if (get_user(pgid, arg))
		return -EFAULT;
	if (pgid <= 0)
		return -EINVAL;
	if (tty.session != p->sid)
		return -ENOTTY;
	mutex_lock(&tty.lock);
	tty.fg = pgid;
	mutex_unlock(&tty.lock);
	return 0;
}

static s64 set_winsize(u64 arg)
{
	struct winsize ws;
	int fg;

	if (get_user(ws, arg))
		return -EFAULT;
	mutex_lock(&tty.lock);
	fg = memcmp(&ws, &tty.ws, sizeof(ws)) ? tty.fg : 0;
	tty.ws = ws;
	mutex_unlock(&tty.lock);
	if (fg)
		pgrp_send_signal(fg, SIGWINCH);
	return 0;
}

static s64 flush_queue(u64 which)
{
	if (which > TCIOFLUSH)
		return -EINVAL;
	if (which == TCOFLUSH)
		return 0;
	mutex_lock(&tty.lock);
	tty.tail = tty.head = tty.edit;
	tty.lines = 0;
	mutex_unlock(&tty.lock);
	return 0;
}

/* A group number is only told to the session that has the terminal. */
static s64 get_id(int id, u64 arg)
{
	return tty.session == current_task()->proc->sid ? put_user(id, arg) : -ENOTTY;
}

s64 tty_ioctl(struct file *f, u32 cmd, u64 arg)
{
	switch (cmd) {
	case TCGETS:
		return copy_to_user(arg, &tty.t, sizeof(struct termios));
	case TCGETS2:
		return copy_to_user(arg, &tty.t, sizeof(tty.t));
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		return set_termios(cmd, arg);
	case TIOCGWINSZ:
		return copy_to_user(arg, &tty.ws, sizeof(tty.ws));
	case TIOCSWINSZ:
		return set_winsize(arg);
	case TIOCSCTTY:
		return take_terminal(arg == 1);
	case TIOCNOTTY:
		if (tty.session == current_task()->proc->pid)
			tty.session = tty.fg = 0;
		return 0;
	case TIOCGPGRP:
		return get_id(tty.fg, arg);
	case TIOCGSID:
		return get_id(tty.session, arg);
	case TIOCSPGRP:
		return set_foreground(arg);
	case FIONREAD:
		return put_user((int)tty_available(), arg);
	case TIOCOUTQ:
		return put_user((int)0, arg);
	case TCFLSH:
		return flush_queue(arg);
	case TCSBRK:
	case TCSBRKP:
	case TCXONC:
		return 0;
	default:
		return -ENOTTY;
	}
}

static const struct file_ops tty_ops = {
	.read = tty_read, .write = tty_write, .poll = tty_poll, .ioctl = tty_ioctl,
};

/* The first session leader to open the console gets it as its controlling terminal. */
static struct file *console_open(u32 flags, int *err)
{
	struct process *p = current_task() ? current_task()->proc : NULL;

	if (p && !(flags & O_NOCTTY) && p->sid && p->pid == p->sid)
		(void)take_terminal(false);
	*err = -ENOMEM;
	return file_alloc(&tty_ops, NULL, flags);
}

static struct file *ctty_open(u32 flags, int *err)
{
	if (!tty.session || !current_task() || tty.session != current_task()->proc->sid) {
		*err = -ENXIO;
		return NULL;
	}
	*err = -ENOMEM;
	return file_alloc(&tty_ops, NULL, flags);
}

void tty_init(void)
{
	struct thread *t;

	mutex_init(&tty.lock);
	waitq_init(&tty.rd);
	waitq_init(&tty.wr);
	waitq_init(&tty.raw_wait);
	tty.t = default_settings;
	tty.ws = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	if (dev_register("console", 5, 1, console_open) || dev_register("tty", 5, 0, ctty_open) ||
	    dev_register("ttyAMA0", 204, 64, console_open))
		pr_err("cannot make the terminals\n");
	t = thread_create("tty", tty_thread, NULL);
	if (!t) {
		pr_err("no thread for the terminal: no input\n");
		return;
	}
	thread_start(t);
	uart_set_rx(tty_rx, NULL);
}
