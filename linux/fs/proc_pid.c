// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/PID and /proc/PID/task/TID: directories made on the fly at each lookup. Locks: none held here.
 */
#include <linux/resource.h>

#include "linux/fs/proc.h"

struct inode *proc_inode(u32 mode, const struct inode_ops *ops, int pid, u64 sub, const struct proc_entry *e)
{
	struct inode *i = inode_alloc(0);

	if (!i)
		return NULL;
	i->mode = mode;
	i->nlink = inode_is_dir(i) ? 2 : 1;
	i->ops = ops;
	i->priv2 = pid;
	i->rdev = sub;
	i->priv = (void *)e;
	return i;
}

int proc_number(const char *name)
{
	u64 n = 0;

	if (*name < '1' || *name > '9')
		return *name == '0' && !name[1] ? 0 : -1;
	for (; *name; name++) {
		if (*name < '0' || *name > '9' || n > 100000000)
			return -1;
		n = n * 10 + (*name - '0');
	}
	return n;
}

static int show_cmdline(struct textbuf *t, struct inode *i)
{
	struct process *p = process_find(proc_pid(i));
	struct mm *mm = p ? process_mm(p) : NULL;
	char buf[128];
	ssize_t n;
	u64 at;

	for (at = mm ? mm->arg_start : 0; mm && at < mm->arg_end && !t->failed; at += n) {
		n = mm_access(mm, at, buf, MIN(sizeof(buf), mm->arg_end - at), false);
		if (n <= 0)
			break;
		for (ssize_t k = 0; k < n; k++)
			text_printf(t, "%c", buf[k]);
	}
	if (mm)
		mm_put(mm);
	if (p)
		process_put(p);
	return p ? 0 : -ESRCH;
}

static int info_of(struct inode *i, struct process_info *in)
{
	return proc_tid(i) ? task_info(proc_pid(i), proc_tid(i), in) : process_info(proc_pid(i), in);
}

static int show_comm(struct textbuf *t, struct inode *i)
{
	struct process_info in;
	int err = info_of(i, &in);

	if (!err)
		text_printf(t, "%s\n", in.comm);
	return err;
}

static int show_maps(struct textbuf *t, struct inode *i)
{
	struct process *p = process_find(proc_pid(i));
	struct mm *mm = p ? process_mm(p) : NULL;

	if (mm)
		mm_print_maps(mm, t);
	if (mm)
		mm_put(mm);
	if (p)
		process_put(p);
	return p ? 0 : -ESRCH;
}

static int show_limits(struct textbuf *t, struct inode *i)
{
	static const char * const names[] = {
		"Max cpu time", "Max file size", "Max data size", "Max stack size", "Max core file size",
		"Max resident set", "Max processes", "Max open files", "Max locked memory",
		"Max address space", "Max file locks", "Max pending signals", "Max msgqueue size",
		"Max nice priority", "Max realtime priority", "Max realtime timeout",
	};
	struct process *p = process_find(proc_pid(i));
	unsigned k, s;

	if (!p)
		return -ESRCH;
	text_printf(t, "%-25s %-20s %-20s\n", "Limit", "Soft Limit", "Hard Limit");
	for (k = 0; k < ARRAY_SIZE(names); k++) {
		text_printf(t, "%-25s", names[k]);
		for (s = 0; s < 2; s++) {
			if (p->rlimit[k][s] == ~0UL)
				text_printf(t, " %-20s", "unlimited");
			else
				text_printf(t, " %-20lu", p->rlimit[k][s]);
		}
		text_printf(t, "\n");
	}
	process_put(p);
	return 0;
}

static int show_mounts(struct textbuf *t, struct inode *i)
{
	return proc_mounts_show(t, NULL);
}

static int show_zero(struct textbuf *t, struct inode *i)
{
	text_printf(t, "0\n");
	return 0;
}

static int show_cgroup(struct textbuf *t, struct inode *i)
{
	text_printf(t, "0::/\n");
	return 0;
}

static int copy_link(const char *s, char *buf, size_t size)
{
	size_t n = s ? strlen(s) : 0;

	if (!n)
		return -ENOENT;
	n = MIN(n, size);
	memcpy(buf, s, n);
	return n;
}

static int link_exe(struct inode *i, char *buf, size_t size)
{
	struct process *p = process_find(proc_pid(i));
	int n;

	if (!p)
		return -ENOENT;
	mutex_lock(&p->cwd_lock);
	n = copy_link(p->exe, buf, size);
	mutex_unlock(&p->cwd_lock);
	process_put(p);
	return n;
}

/* The first thread's time on a CPU, time ready but without one, in ns; slices are not counted. */
static int show_schedstat(struct textbuf *t, struct inode *i)
{
	struct process *p = process_find(proc_pid(i));
	u64 run = 0, delay = 0, flags;

	if (!p)
		return -ENOENT;
	flags = spin_lock_irqsave(&p->siglock);
	if (!list_empty(&p->threads)) {
		struct thread *th = list_first(&p->threads, struct task, proc_link)->thread;

		run = thread_runtime(th);
		delay = READ_ONCE(th->run_delay);
	}
	spin_unlock_irqrestore(&p->siglock, flags);
	process_put(p);
	text_printf(t, "%lu %lu 0\n", run, delay);
	return 0;
}

static int link_cwd(struct inode *i, char *buf, size_t size)
{
	struct process *p = process_find(proc_pid(i));
	int n;

	if (!p)
		return -ENOENT;
	mutex_lock(&p->cwd_lock);
	n = copy_link(p->cwd ? p->cwd : "/", buf, size);
	mutex_unlock(&p->cwd_lock);
	process_put(p);
	return n;
}

static int link_root(struct inode *i, char *buf, size_t size)
{
	return copy_link("/", buf, size);
}

static const struct inode_ops task_dir_ops;

static const struct proc_entry entries[] = {
	{ "stat", S_IFREG | 0444, .show = proc_stat_show },
	{ "schedstat", S_IFREG | 0444, .show = show_schedstat },
	{ "statm", S_IFREG | 0444, .show = proc_statm_show },
	{ "status", S_IFREG | 0444, .show = proc_status_show },
	{ "cmdline", S_IFREG | 0444, .show = show_cmdline },
	{ "comm", S_IFREG | 0444, .show = show_comm },
	{ "maps", S_IFREG | 0444, .show = show_maps },
	{ "limits", S_IFREG | 0444, .show = show_limits },
	{ "mounts", S_IFREG | 0444, .show = show_mounts },
	{ "cgroup", S_IFREG | 0444, .show = show_cgroup },
	{ "oom_score", S_IFREG | 0444, .show = show_zero },
	{ "oom_score_adj", S_IFREG | 0444, .show = show_zero },
	{ "exe", S_IFLNK | 0777, .readlink = link_exe },
	{ "cwd", S_IFLNK | 0777, .readlink = link_cwd },
	{ "root", S_IFLNK | 0777, .readlink = link_root },
	{ "fd", S_IFDIR | 0500, .ops = &proc_fd_ops },
	{ "fdinfo", S_IFDIR | 0555, .ops = &proc_fdinfo_ops },
	{ "task", S_IFDIR | 0555, .ops = &task_dir_ops },	/* last: threads do not have it */
};

static int entry_show(struct textbuf *t, void *arg)
{
	struct inode *i = arg;

	return ((const struct proc_entry *)i->priv)->show(t, i);
}

static void entry_gone(void *arg)
{
	inode_put(arg);
}

static struct file *entry_open(struct inode *i, u32 flags, int *err)
{
	struct file *f;

	if ((flags & O_ACCMODE) != O_RDONLY) {
		*err = -EACCES;
		return NULL;
	}
	f = text_file(entry_show, inode_get(i), entry_gone, err);
	if (!f)
		inode_put(i);
	return f;
}

static int entry_readlink(struct inode *i, char *buf, size_t size)
{
	return ((const struct proc_entry *)i->priv)->readlink(i, buf, size);
}

static const struct inode_ops entry_text_ops = { .open = entry_open };
static const struct inode_ops entry_link_ops = { .readlink = entry_readlink };

static unsigned entry_count(struct inode *dir)
{
	return ARRAY_SIZE(entries) - (proc_tid(dir) ? 1 : 0);
}

static struct inode *child_of(struct inode *dir, struct inode *i)
{
	if (i && inode_is_dir(i))
		i->parent = inode_get(dir);
	return i;
}

static int pid_lookup(struct inode *dir, const char *name, struct inode **out)
{
	const struct proc_entry *e;
	const struct inode_ops *ops;
	unsigned k;

	for (k = 0; k < entry_count(dir); k++) {
		e = &entries[k];
		if (strcmp(e->name, name))
			continue;
		ops = e->ops ? e->ops : e->show ? &entry_text_ops : &entry_link_ops;
		*out = child_of(dir, proc_inode(e->mode, ops, proc_pid(dir), proc_tid(dir), e));
		return *out ? 0 : -ENOMEM;
	}
	return -ENOENT;
}

static void pid_readdir(struct inode *dir, u64 *pos, struct dirsink *s)
{
	for (; *pos < entry_count(dir); ++*pos)
		if (!dirsink_add(s, BIT(40) | *pos << 32 | proc_pid(dir), BIT(62) + *pos + 1, entries[*pos].mode,
				 entries[*pos].name))
			return;
}

const struct inode_ops proc_pid_ops = { .lookup = pid_lookup, .readdir = pid_readdir };

static int task_lookup(struct inode *dir, const char *name, struct inode **out)
{
	struct process_info in;
	int tid = proc_number(name);

	if (tid <= 0 || task_info(proc_pid(dir), tid, &in))
		return -ENOENT;
	*out = child_of(dir, proc_inode(S_IFDIR | 0555, &proc_pid_ops, proc_pid(dir), tid, NULL));
	return *out ? 0 : -ENOMEM;
}

static void task_readdir(struct inode *dir, u64 *pos, struct dirsink *s)
{
	char name[12];
	int tid;

	while ((tid = task_next_tid(proc_pid(dir), *pos)) > 0) {
		snprintf(name, sizeof(name), "%d", tid);
		if (!dirsink_add(s, BIT(41) | tid, BIT(62) + tid, S_IFDIR, name))
			return;
		*pos = tid;
	}
}

static const struct inode_ops task_dir_ops = { .lookup = task_lookup, .readdir = task_readdir };
