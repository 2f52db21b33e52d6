// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc itself: facts about the machine, the list of processes, self. It is a directory of the RAM file system whose
 * numeric entries are made on the fly. Locks: none.
 */
#include "kernel/dev/platform.h"
#include "linux/fs/proc.h"

static int show_meminfo(struct textbuf *t, void *arg)
{
	u64 total = pages_total() * 4, free = pages_free() * 4;

	text_printf(t, "MemTotal:       %8lu kB\nMemFree:        %8lu kB\nMemAvailable:   %8lu kB\n", total, free, free);
	text_printf(t, "Buffers:               0 kB\nCached:                0 kB\nSwapCached:            0 kB\n");
	text_printf(t, "Shmem:                 0 kB\nSReclaimable:          0 kB\n");
	text_printf(t, "SwapTotal:             0 kB\nSwapFree:              0 kB\n");
	text_printf(t, "HugePages_Total:       0\nHugePages_Free:        0\nHugepagesize:       2048 kB\n");
	return 0;
}

static int show_cpuinfo(struct textbuf *t, void *arg)
{
	u64 midr;
	unsigned c;

	asm("mrs %0, midr_el1" : "=r"(midr));
	for (c = 0; c < nr_cpus; c++) {
		if (!cpus[c])
			continue;
		text_printf(t, "processor\t: %u\nBogoMIPS\t: %lu.%02lu\nFeatures\t: fp asimd\n", c,
			    counter_hz / 500000, counter_hz / 5000 % 100);
		text_printf(t, "CPU implementer\t: 0x%02lx\nCPU architecture: 8\nCPU variant\t: 0x%lx\n",
			    midr >> 24 & 0xff, midr >> 20 & 15);
		text_printf(t, "CPU part\t: 0x%03lx\nCPU revision\t: %lu\n\n", midr >> 4 & 0xfff, midr & 15);
	}
	return 0;
}

static u64 idle_ns(unsigned c)
{
	return cpus[c] && cpus[c]->idle ? thread_runtime(cpus[c]->idle) : 0;
}

static int show_stat(struct textbuf *t, void *arg)
{
	u64 idle = 0, up = clock_ns(), one, irqs = 0;
	unsigned c, n = 0;

	for (c = 0; c < nr_cpus; c++) {
		if (!cpus[c])
			continue;
		idle += idle_ns(c);
		irqs += cpus[c]->irq_count;
		n++;
	}
	text_printf(t, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\n", (MAX(up * n, idle) - idle) / 10000000, idle / 10000000);
	for (c = 0; c < nr_cpus; c++) {
		one = idle_ns(c);
		if (cpus[c])
			text_printf(t, "cpu%u %lu 0 0 %lu 0 0 0 0 0 0\n", c, (MAX(up, one) - one) / 10000000,
				    one / 10000000);
	}
	text_printf(t, "intr %lu\nctxt 0\nbtime %lu\nprocesses %u\nprocs_running 1\nprocs_blocked 0\n", irqs,
		    clock_realtime_offset_ns() / NSEC, process_count());
	return 0;
}

static int show_uptime(struct textbuf *t, void *arg)
{
	u64 now = clock_ns(), idle = 0;
	unsigned c;

	for (c = 0; c < nr_cpus; c++)
		idle += idle_ns(c);
	text_printf(t, "%lu.%02lu %lu.%02lu\n", now / NSEC, now / 10000000 % 100, idle / NSEC, idle / 10000000 % 100);
	return 0;
}

static int show_loadavg(struct textbuf *t, void *arg)
{
	int pid, last = 0;

	for (pid = process_next_pid(0); pid > 0; pid = process_next_pid(pid))
		last = pid;
	text_printf(t, "0.00 0.00 0.00 1/%u %d\n", process_count(), last);
	return 0;
}

int proc_mounts_show(struct textbuf *t, void *arg)
{
	text_printf(t, "rootfs / rootfs rw 0 0\nproc /proc proc rw 0 0\nsysfs /sys sysfs rw 0 0\n"
		    "devtmpfs /dev devtmpfs rw 0 0\n");
	return 0;
}

/* Files that always read the same. */
static int show_text(struct textbuf *t, void *arg)
{
	text_printf(t, "%s", (const char *)arg);
	return 0;
}

static int show_cmdline(struct textbuf *t, void *arg)
{
	text_printf(t, "%s\n", platform.bootargs);
	return 0;
}

static const struct {
	const char *path;
	text_show_fn show;
	const char *text;
} files[] = {
	{ "/proc/meminfo", show_meminfo, NULL },
	{ "/proc/cpuinfo", show_cpuinfo, NULL },
	{ "/proc/stat", show_stat, NULL },
	{ "/proc/uptime", show_uptime, NULL },
	{ "/proc/loadavg", show_loadavg, NULL },
	{ "/proc/cmdline", show_cmdline, NULL },
	{ "/proc/version", show_text, "Linux version 6.12.0-nestbox (Nestbox)\n" },
	{ "/proc/filesystems", show_text, "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\n" },
	{ "/proc/devices", show_text, "Character devices:\n  1 mem\n  5 /dev/tty\n 10 misc\n204 ttyAMA\n" },
	{ "/proc/misc", show_text, "232 kvm\n" },
	{ "/proc/swaps", show_text, "Filename\tType\tSize\tUsed\tPriority\n" },
	{ "/proc/sys/kernel/osrelease", show_text, "6.12.0-nestbox\n" },
	{ "/proc/sys/kernel/ostype", show_text, "Linux\n" },
	{ "/proc/sys/kernel/hostname", show_text, "nestbox\n" },
	{ "/proc/sys/kernel/pid_max", show_text, "4194304\n" },
	{ "/proc/sys/kernel/threads-max", show_text, "32768\n" },
	{ "/proc/sys/kernel/ngroups_max", show_text, "65536\n" },
	{ "/proc/sys/kernel/cap_last_cap", show_text, "40\n" },
	{ "/proc/sys/kernel/randomize_va_space", show_text, "0\n" },
	{ "/proc/sys/vm/overcommit_memory", show_text, "1\n" },
	{ "/proc/sys/vm/max_map_count", show_text, "65530\n" },
	{ "/proc/sys/vm/nr_hugepages", show_text, "0\n" },
	{ "/proc/sys/fs/file-max", show_text, "1048576\n" },
	{ "/proc/sys/fs/nr_open", show_text, "1048576\n" },
	{ "/proc/sys/fs/pipe-max-size", show_text, "1048576\n" },
};

static int root_lookup(struct inode *dir, const char *name, struct inode **out)
{
	int pid = proc_number(name);
	struct process *p = pid > 0 ? process_find(pid) : NULL;

	if (!p)
		return -ENOENT;
	process_put(p);
	*out = proc_inode(S_IFDIR | 0555, &proc_pid_ops, pid, 0, NULL);
	if (!*out)
		return -ENOMEM;
	(*out)->parent = inode_get(dir);
	return 0;
}

static void root_readdir(struct inode *dir, u64 *pos, struct dirsink *s)
{
	char name[12];
	int pid;

	while ((pid = process_next_pid(*pos)) > 0) {
		snprintf(name, sizeof(name), "%d", pid);
		if (!dirsink_add(s, BIT(39) | pid, BIT(62) + pid, S_IFDIR, name))
			return;
		*pos = pid;
	}
}

static const struct inode_ops proc_root_ops = { .lookup = root_lookup, .readdir = root_readdir };

static int self_readlink(struct inode *i, char *buf, size_t size)
{
	struct task *t = current_task();

	if (!t)
		return -ENOENT;
	if (i->priv)
		return snprintf(buf, size, "%d/task/%d", t->proc->pid, t->tid);
	return snprintf(buf, size, "%d", t->proc->pid);
}

static const struct inode_ops self_ops = { .readlink = self_readlink };

static void make_self(const char *path, bool thread)
{
	struct inode *i = proc_inode(S_IFLNK | 0777, &self_ops, 0, 0, thread ? (const void *)1 : NULL);

	if (i)
		i->nlink = 0;
	if (!i || fs_make(path, i))
		pr_warn("cannot make %s\n", path);
	inode_put(i);
}

void proc_init(void)
{
	struct inode *mounts;
	struct path p;
	unsigned k;

	for (k = 0; k < ARRAY_SIZE(files); k++)
		if (proc_register(files[k].path, files[k].show, (void *)files[k].text))
			pr_warn("cannot make %s\n", files[k].path);
	make_self("/proc/self", false);
	make_self("/proc/thread-self", true);
	mounts = inode_alloc(S_IFLNK | 0777);
	if (mounts)
		mounts->target = kstrdup("self/mounts");
	if (!mounts || !mounts->target || fs_make("/proc/mounts", mounts))
		pr_warn("cannot make /proc/mounts\n");
	inode_put(mounts);
	if (path_walk(AT_FDCWD, "/proc", WALK_FOLLOW, &p))
		return;
	p.inode->ops = &proc_root_ops;
	p.inode->mode = S_IFDIR | 0555;
	path_put(&p);
}
