// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the files of linux/process/ (and linux/entry.c, clock.c, misc.c) share with one another and with nobody else.
 */
#pragma once

#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/sched.h>

#include "kernel/cpu/entry.h"
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kernel/mm/uaccess.h"
#include "linux/process/task.h"
#include "linux/syscall.h"

#define NSEC_PER_SEC	1000000000UL

struct kspec {			/* struct __kernel_timespec */
	s64 sec, nsec;
};
struct kval {			/* struct __kernel_old_timeval */
	s64 sec, usec;
};
/* User timespec to ns, saturating at ~0: 0, -EFAULT, -EINVAL (negative, or nsec out of range). */
int kspec_get(u64 uaddr, u64 *ns);
int kspec_put(u64 uaddr, u64 ns);

/* task.c */
struct task *task_alloc(struct process *p);	/* not linked anywhere; NULL: no memory */
void task_free(struct task *t);			/* drops its thread too */
struct process *process_alloc(void);		/* one reference, no id, empty */
/* Give t an id and link it into its process (and the process into the tree when t is its first): ids equal then. */
int task_link_locked(struct task *t);		/* tasklist_lock held; -EAGAIN: no id left */
void task_unlink_locked(struct task *t);	/* tasklist_lock held */
struct task *task_find_locked(int tid);
struct process *process_find_locked(int pid);
struct process *process_next_locked(int pid);	/* least pid above */
/* The thread of a tid (0: the current one) with a reference, NULL. *nice may be wanted of it. */
struct thread *thread_find(int tid);
/* After an exec: the surviving thread takes the id of its process. */
void task_rename_locked(struct task *t);
bool pgrp_exists_locked(int pgid, int sid);

/* signal.c */
bool signal_wanted_locked(struct task *t);	/* siglock held: has t something to do before EL0? */
void signal_recalc(void);			/* sets or clears the current thread's TF_NOTIFY */
void signal_recalc_locked(struct task *t);	/* t is the current task; siglock held */
int signal_send_locked(struct process *p, struct task *t, int sig, const siginfo_t *info);
u64 siglock(struct process *p);
void sigunlock(struct process *p, u64 flags);
int signal_take_locked(struct task *t, u64 set, siginfo_t *info);
void sigpending_init(struct sigpending_set *s);
void sigpending_flush_locked(struct process *p, struct sigpending_set *s, u64 mask);
bool sig_default_ignored(int sig);
void siginfo_kill(siginfo_t *info, int sig, int code);	/* from the current process */
void sigmask_set(u64 mask);			/* of the current task, unblockable ones taken out */
void notify_all_locked(struct process *p, struct task *except);	/* siglock held */

/* signal_deliver.c */
void signal_deliver(struct pt_regs *regs);
/* sve.c: vector lengths of processes. */
s64 sve_prctl_set(struct task *t, u64 arg);
s64 sve_prctl_get(struct task *t);
void sve_exec(struct task *t);			/* the current thread: vector registers of a new program */
unsigned sve_default_vl(void);
int ids_init(void);
int sve_init(void);

/* sigframe.c: a handler's frame on the user's stack, and the way back. */
int sigframe_push(struct task *t, struct pt_regs *regs, const struct sig_action *a, const siginfo_t *info, u64 mask);
int sigframe_restore(struct task *t, struct pt_regs *regs);	/* rt_sigreturn; -errno: a bad frame */
u64 sigframe_size_max(void);					/* AT_MINSIGSTKSZ */
int altstack_set(struct task *t, const stack_t *ss);
int sigtramp_init(void);
int sigtramp_map(struct mm *mm, u64 *addr);

/* exit.c */
__noreturn void task_exit(int status);		/* this thread only; status as wait4 shows it */
__noreturn void process_exit(int status);	/* the whole group */
void process_exit_begin_locked(struct process *p, int status);	/* siglock held: tell all threads to exit */
void vfork_release(struct task *t);
void process_reap_locked(struct process *p);	/* tasklist_lock held; drops the tree's reference */
void child_stop_notify(struct process *p, int why, int status);	/* SIGCHLD to the parent for stop and continue */

/* fork.c */
struct vfork_wait {
	u32 refs;
	bool done;
	struct waitq wait;
};
void vfork_put(struct vfork_wait *v);

/* exec.c */
struct exec_strings {		/* argv and envp as one block of NUL-terminated strings */
	char *buf;
	size_t len, cap;
	unsigned argc, envc;
};
int strings_add(struct exec_strings *s, const char *str, size_t len);	/* -E2BIG, -ENOMEM */
/* A regular file that may be executed: its reference in *out, or -errno. @empty_path: "" is dirfd's own. */
int exec_open(int dirfd, const char *path, bool empty_path, struct file **out);
/*
 * Replace the program of the current task by file, whose reference is consumed either way; path, a kernel string, is
 * what it is called. On success *regs is what EL0 starts with. -errno: nothing has changed (after the point of no
 * return the process is killed instead).
 */
int do_exec(struct file *file, const char *path, struct exec_strings *args, struct pt_regs *regs);

/* futex.c */
void futex_init(void);
int futex_wake_user(u64 uaddr, int n, bool shared);
void robust_list_exit(struct task *t);

/* rseq.c */
/* Before EL0, and (force) before a signal frame is built: CPU number, abort of a critical section. */
void rseq_fixup(struct pt_regs *regs, bool force);
void rseq_exit(struct task *t);
void rseq_exec(struct task *t);
void rseq_fork(struct task *parent, struct task *child);	/* child's thread is there, not started */

/* rlimit.c */
void rlimit_defaults(struct process *p);

/* linux/timers.c */
void timers_init(struct process *p);
void timers_exit(struct process *p, bool exec);

/* linux/idreg.c */
bool idreg_emulate(struct pt_regs *regs, u64 esr);	/* an MRS of an ID register: true if done */
void idreg_init(void);
u64 hwcap_get(unsigned which);			/* 0: AT_HWCAP, 1: AT_HWCAP2 */

/* linux/misc.c */
__noreturn void power_off(void);
__noreturn void power_reset(void);
