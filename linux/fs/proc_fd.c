// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/PID/fd: links that stand for open files, and /proc/PID/fdinfo. Locks: siglock while a process's table is
 * looked up.
 */
#include "linux/fs/proc.h"

/* The table with a reference, or NULL: the process is exiting, which takes it away under this lock. */
static struct fdtable *process_files(struct process *p)
{
	u64 flags = spin_lock_irqsave(&p->siglock);
	struct fdtable *t = p->files ? fdtable_get(p->files) : NULL;

	spin_unlock_irqrestore(&p->siglock, flags);
	return t;
}

static struct fdtable *files_of(int pid, struct process **p)
{
	struct fdtable *t;

	*p = process_find(pid);
	if (!*p)
		return NULL;
	t = process_files(*p);
	if (!t) {
		process_put(*p);
		*p = NULL;
	}
	return t;
}

static struct file *file_of(int pid, int fd)
{
	struct process *p;
	struct fdtable *t = files_of(pid, &p);
	struct file *f;

	if (!t)
		return NULL;
	f = fdtable_file(t, fd);
	fdtable_put(t);
	process_put(p);
	return f;
}

static int fd_readlink(struct inode *i, char *buf, size_t size)
{
	struct file *f = file_of(proc_pid(i), i->rdev);
	int n;

	if (!f)
		return -ENOENT;
	if (f->path)
		n = snprintf(buf, size, "%s", f->path);
	else if (f->ops->name && f->ops->name[strlen(f->ops->name) - 1] == ':')
		n = snprintf(buf, size, "%s[%lu]", f->ops->name, ((u64)f->priv >> 4) & 0xfffffff);
	else
		n = snprintf(buf, size, "%s", f->ops->name ? f->ops->name : "anon_inode:[unknown]");
	file_put(f);
	return n < 0 ? -EINVAL : (int)MIN((size_t)n, size - 1);
}

static struct file *fd_follow(struct inode *i)
{
	return file_of(proc_pid(i), i->rdev);
}

static const struct inode_ops fd_link_ops = { .readlink = fd_readlink, .follow = fd_follow };

static int fd_lookup(struct inode *dir, const char *name, struct inode **out)
{
	int fd = proc_number(name);
	struct process *p;
	struct fdtable *t = fd < 0 ? NULL : files_of(proc_pid(dir), &p);
	bool open = t && fdtable_next(t, fd) == fd;

	if (t) {
		fdtable_put(t);
		process_put(p);
	}
	if (!open)
		return -ENOENT;
	*out = proc_inode(S_IFLNK | 0700, &fd_link_ops, proc_pid(dir), fd, NULL);
	return *out ? 0 : -ENOMEM;
}

static void list_fds(struct inode *dir, u64 *pos, struct dirsink *s, u32 mode)
{
	struct process *p;
	struct fdtable *t = files_of(proc_pid(dir), &p);
	char name[12];
	int fd;

	if (!t)
		return;
	while (*pos < 1U << 30 && (fd = fdtable_next(t, *pos)) >= 0) {
		snprintf(name, sizeof(name), "%d", fd);
		if (!dirsink_add(s, BIT(42) | fd, BIT(62) + fd + 1, mode, name))
			break;
		*pos = fd + 1;
	}
	fdtable_put(t);
	process_put(p);
}

static void fd_readdir(struct inode *dir, u64 *pos, struct dirsink *s)
{
	list_fds(dir, pos, s, S_IFLNK);
}

const struct inode_ops proc_fd_ops = { .lookup = fd_lookup, .readdir = fd_readdir };

static int fdinfo_show(struct textbuf *t, void *arg)
{
	struct inode *i = arg;
	struct file *f = file_of(proc_pid(i), i->rdev);

	if (!f)
		return -ENOENT;
	text_printf(t, "pos:\t%lu\nflags:\t0%o\nmnt_id:\t1\nino:\t%lu\n", f->pos, f->flags,
		    f->inode ? f->inode->ino : 0);
	file_put(f);
	return 0;
}

static void fdinfo_gone(void *arg)
{
	inode_put(arg);
}

static struct file *fdinfo_open(struct inode *i, u32 flags, int *err)
{
	struct file *f = text_file(fdinfo_show, inode_get(i), fdinfo_gone, err);

	if (!f)
		inode_put(i);
	return f;
}

static const struct inode_ops fdinfo_file_ops = { .open = fdinfo_open };

static int fdinfo_lookup(struct inode *dir, const char *name, struct inode **out)
{
	int err = fd_lookup(dir, name, out);

	if (!err) {
		(*out)->mode = S_IFREG | 0400;
		(*out)->ops = &fdinfo_file_ops;
	}
	return err;
}

static void fdinfo_readdir(struct inode *dir, u64 *pos, struct dirsink *s)
{
	list_fds(dir, pos, s, S_IFREG);
}

const struct inode_ops proc_fdinfo_ops = { .lookup = fdinfo_lookup, .readdir = fdinfo_readdir };
