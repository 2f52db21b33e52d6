// SPDX-License-Identifier: GPL-2.0-only
/* What the files behind /proc share. Locks: none of their own; they ask linux/process/ for consistent copies. */
#pragma once

#include "kernel/debug/print.h"
#include "linux/fs/vfs.h"

/* An entry of a per-process directory. Exactly one of show, readlink, ops makes its contents. */
struct proc_entry {
	const char *name;
	u32 mode;
	int (*show)(struct textbuf *t, struct inode *i);
	int (*readlink)(struct inode *i, char *buf, size_t size);
	const struct inode_ops *ops;
};

/* Per-process inodes: priv2 is the pid, rdev the tid or descriptor (0: none), priv the entry. */
static inline int proc_pid(const struct inode *i) { return i->priv2; }
static inline int proc_tid(const struct inode *i) { return i->rdev; }
struct inode *proc_inode(u32 mode, const struct inode_ops *ops, int pid, u64 sub, const struct proc_entry *e);
int proc_number(const char *name);	/* a decimal id, or -1 */

extern const struct inode_ops proc_pid_ops;	/* /proc/PID */
extern const struct inode_ops proc_fd_ops;	/* /proc/PID/fd */
extern const struct inode_ops proc_fdinfo_ops;

int proc_stat_show(struct textbuf *t, struct inode *i);
int proc_statm_show(struct textbuf *t, struct inode *i);
int proc_status_show(struct textbuf *t, struct inode *i);
int proc_mounts_show(struct textbuf *t, void *arg);
