// SPDX-License-Identifier: GPL-2.0-only
/*
 * signalfd(2): reads take pending signals of the reading thread and its process. Waiters hang on the queue of the
 * process that made the descriptor, which is kept as long as the file. Locks: none of its own.
 */
#include <linux/signalfd.h>

#include "linux/fs/vfs.h"

struct signalfd {
	u64 mask;
	struct process *owner;
};

static void fill_info(struct signalfd_siginfo *s, int sig, const siginfo_t *i)
{
	memset(s, 0, sizeof(*s));
	s->ssi_signo = sig;
	s->ssi_errno = i->si_errno;
	s->ssi_code = i->si_code;
	s->ssi_pid = i->si_pid;
	s->ssi_uid = i->si_uid;
	if (sig == SIGCHLD) {
		s->ssi_status = i->si_status;
		s->ssi_utime = i->si_utime;
		s->ssi_stime = i->si_stime;
	} else if (i->si_code < 0) {
		s->ssi_int = i->si_int;
		s->ssi_ptr = (u64)i->si_ptr;
	}
}

static ssize_t signalfd_read(struct file *f, struct iobuf *b, u64 *pos)
{
	struct signalfd *s = f->priv;
	struct signalfd_siginfo out;
	siginfo_t info;
	size_t done = 0;
	int sig, err;

	if (b->len < sizeof(out))
		return -EINVAL;
	while (b->len >= sizeof(out)) {
		sig = signal_dequeue(s->mask, &info);
		if (!sig && done)
			break;
		if (!sig && (f->flags & O_NONBLOCK))
			return -EAGAIN;
		if (!sig) {
			err = wait_event_interruptible(&current_task()->proc->signalfd_wait,
						       (sig = signal_dequeue(s->mask, &info)) != 0);
			if (err)
				return err;
		}
		fill_info(&out, sig, &info);
		err = iobuf_put(b, &out, sizeof(out));
		if (err)
			return done ? (ssize_t)done : err;
		done += sizeof(out);
	}
	return done;
}

static u32 signalfd_poll(struct file *f, struct poll_table *pt)
{
	struct signalfd *s = f->priv;

	poll_add(f, &s->owner->signalfd_wait, pt);
	return signal_pending_mask() & READ_ONCE(s->mask) ? POLLIN | POLLRDNORM : 0;
}

static void signalfd_release(struct file *f)
{
	struct signalfd *s = f->priv;

	process_put(s->owner);
	kfree(s);
}

static const struct file_ops signalfd_ops = {
	.name = "anon_inode:[signalfd]", .read = signalfd_read, .poll = signalfd_poll,
	.release = signalfd_release,
};

static s64 signalfd_new(u64 mask, u32 flags)
{
	struct signalfd *s = kzalloc(sizeof(*s));
	int fd;

	if (!s)
		return -ENOMEM;
	s->mask = mask;
	s->owner = process_find(current_task()->proc->pid);
	fd = s->owner ? anon_fd(&signalfd_ops, s, O_RDWR | flags) : -ESRCH;
	if (fd < 0) {
		if (s->owner)
			process_put(s->owner);
		kfree(s);
	}
	return fd;
}

SYSCALL(signalfd4)
{
	struct file *f;
	u64 mask;
	s64 r = a0;

	if (a2 != sizeof(mask))
		return -EINVAL;
	if (get_user(mask, a1))
		return -EFAULT;
	if (a3 & ~(u64)(SFD_CLOEXEC | SFD_NONBLOCK))
		return -EINVAL;
	mask &= ~(BIT(SIGKILL - 1) | BIT(SIGSTOP - 1));
	if ((int)a0 == -1)
		return signalfd_new(mask, a3);
	f = fd_get(a0);
	if (!f)
		return -EBADF;
	if (f->ops == &signalfd_ops)
		WRITE_ONCE(((struct signalfd *)f->priv)->mask, mask);
	else
		r = -EINVAL;
	file_put(f);
	waitq_wake(&current_task()->proc->signalfd_wait, 0);
	return r;
}
