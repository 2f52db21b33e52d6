// SPDX-License-Identifier: GPL-2.0-only
/* /proc/PID/stat, statm and status: the same facts in three layouts that programs parse. No locks. */
#include "linux/fs/proc.h"

#define HZ_USER	100

static int info_of(struct inode *i, struct process_info *in)
{
	return proc_tid(i) ? task_info(proc_pid(i), proc_tid(i), in) : process_info(proc_pid(i), in);
}

static u64 ticks(u64 ns)
{
	return ns / (NSEC / HZ_USER);
}

int proc_stat_show(struct textbuf *t, struct inode *i)
{
	struct process_info in;
	int err = info_of(i, &in);

	if (err)
		return err;
	/* 1-7: pid comm state ppid pgrp session tty; 8: its foreground group; 9-13: flags and faults */
	text_printf(t, "%d (%s) %c %d %d %d %d %d 0 0 0 0 0 ", in.pid, in.comm, in.state, in.ppid, in.pgid, in.sid,
		    in.sid ? 5 << 8 | 1 : 0, -1);
	/* 14-22: times, priority, nice, threads, 0, start */
	text_printf(t, "%lu 0 %lu 0 %d %d %u 0 %lu ", ticks(in.runtime_ns), ticks(in.children_ns), 20 + in.nice,
		    in.nice, in.threads, ticks(in.start_ns));
	/* 23-30: sizes and addresses, not told */
	text_printf(t, "%lu %lu %lu 0 0 0 0 0 ", in.total * PAGE_SIZE, in.rss, ~0UL);
	/* 31-34: signals; 35-38; 39: CPU; 40-52 */
	text_printf(t, "%lu %lu %lu %lu 0 0 0 17 %u 0 0 0 0 0 0 0 0 0 0 0 0 0\n", in.pending & 0x7fffffff,
		    in.blocked & 0x7fffffff, in.ignored & 0x7fffffff, in.caught & 0x7fffffff, in.cpu);
	return 0;
}

int proc_statm_show(struct textbuf *t, struct inode *i)
{
	struct process_info in;
	int err = info_of(i, &in);

	if (!err)
		text_printf(t, "%lu %lu 0 0 0 %lu 0\n", in.total, in.rss, in.total);
	return err;
}

static const char *state_name(char c)
{
	switch (c) {
	case 'R': return "R (running)";
	case 'D': return "D (disk sleep)";
	case 'T': return "T (stopped)";
	case 'Z': return "Z (zombie)";
	default: return "S (sleeping)";
	}
}

int proc_status_show(struct textbuf *t, struct inode *i)
{
	struct process_info in;
	int err = info_of(i, &in);
	unsigned long mask = nr_cpus >= 64 ? ~0UL : BIT(nr_cpus) - 1;

	if (err)
		return err;
	text_printf(t, "Name:\t%s\nUmask:\t0022\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\n", in.comm,
		    state_name(in.state), proc_pid(i), in.pid, in.ppid);
	text_printf(t, "TracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t64\nGroups:\t0\n");
	text_printf(t, "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8u kB\nVmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\n",
		    in.total * 4, in.total * 4, 0U, in.rss * 4, in.rss * 4);
	text_printf(t, "Threads:\t%u\nSigQ:\t0/1024\nSigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n",
		    in.threads, in.pending, in.shared_pending, in.blocked);
	text_printf(t, "SigIgn:\t%016lx\nSigCgt:\t%016lx\n", in.ignored, in.caught);
	text_printf(t, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\nCapAmb:\t%016lx\n", 0UL,
		    0x1ffffffffffUL, 0x1ffffffffffUL, 0x1ffffffffffUL, 0UL);
	text_printf(t, "NoNewPrivs:\t0\nSeccomp:\t0\nCpus_allowed:\t%lx\nCpus_allowed_list:\t0-%u\n", mask,
		    nr_cpus - 1);
	text_printf(t, "Mems_allowed:\t1\nMems_allowed_list:\t0\n");
	return 0;
}
