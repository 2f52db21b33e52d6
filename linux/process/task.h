// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes and their threads as Linux programs see them. Owner: linux/process/.
 *
 * Locks, outermost first, all irq-safe spinlocks (a terminal or a timer sends signals from interrupts):
 * tasklist_lock: ids, parent/child lists, groups and sessions, zombies. process->siglock: signal state, the thread
 * list (changed under both, walked under either), who is exiting. A wait queue's lock nests inside both.
 * process->mm and ->files are stable for the process's own threads; others go through process_mm().
 */
#pragma once

#include <asm/signal.h>
#include <asm/siginfo.h>
#include <linux/signal.h>

#include "kernel/lib/tree.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/timer.h"
#include "linux/fs/file.h"
#include "linux/mm/mm.h"

/* Internal result of a system call that a signal interrupted: restart it, or -EINTR if a handler without SA_RESTART runs. */
#define ERESTARTSYS	512
#define ERESTARTNOHAND	514	/* restart only if no handler runs: (p)select, sigsuspend ... */
#define ERESTART_RESTARTBLOCK 516	/* as NOHAND, but goes on through task->restart_fn */

#define SIG_BIT(sig)	BIT((sig) - 1)
#define SIG_UNBLOCKABLE	(SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP))

struct sigqueue {		/* a queued signal with its information */
	struct list node;
	siginfo_t info;
};

struct sigpending_set {
	u64 mask;
	struct list queue;
};

struct process;
struct vfork_wait;
struct task {			/* one thread */
	struct thread *thread;
	struct process *proc;
	int tid;
	struct tree_node tid_node;	/* under tasklist_lock */
	struct list proc_link;
	u64 sigmask, saved_sigmask;
	u64 wait_mask;		/* signals that sigtimedwait waits for: blocked, but they wake */
	bool restore_sigmask;
	struct sigpending_set pending;
	stack_t altstack;
	u64 set_child_tid, clear_child_tid, robust_list;
	u64 restart_ns;		/* deadline for a restarted sleep */
	s64 (*restart_fn)(struct task *t);
	u64 restart_arg[5];
	struct vfork_wait *vfork;
	u64 rseq;		/* user address of struct rseq, 0: none */
	u32 rseq_len, rseq_sig;
	u16 vl_onexec;		/* PR_SVE_SET_VL: bytes, 0: the default */
	bool vl_inherit;
	bool rseq_event;	/* was switched out since the last look */
	bool in_kernel;		/* a user_hooks call is running: it looks at rseq_event itself */
	struct switch_hook rseq_hook;
	bool exiting;
	bool tid_hashed;
	int pdeath_signal;
	struct rcu_head rcu;
	char comm[16];
	void *fs_priv;
};

struct sig_action {
	u64 handler, flags, restorer, mask;
};

struct process {		/* a thread group */
	int pid, pgid, sid;
	u32 refs;
	struct tree_node pid_node;	/* under tasklist_lock until reaped */
	struct process *parent;
	struct list children, sibling, threads;
	unsigned nthreads;	/* on the list */
	unsigned live;		/* not yet past the release of what they share */
	struct mm *mm;
	struct fdtable *files;
	char *cwd;			/* absolute path; under cwd_lock */
	struct mutex cwd_lock;
	u32 umask;
	spinlock_t siglock;
	struct sig_action action[64];
	struct sigpending_set pending;
	unsigned nqueued;		/* signals with information, all threads */
	struct waitq child_wait;	/* wait4 */
	struct waitq signalfd_wait;
	struct waitq stop_wait;		/* stopped threads; exec and exit wait here for the other threads */
	int exit_signal;
	int exit_code;			/* wait status */
	bool group_exit, zombie, reaped;
	struct task *exec_task;		/* the only thread that survives */
	bool stopped, continued, stop_reported, cont_notify;
	int stop_signal;
	bool did_exec, subreaper, no_new_privs;
	int dumpable;
	u64 rlimit[16][2];
	u64 start_ns, utime_ns, cutime_ns;	/* utime_ns: of threads that are gone */
	u64 sigtramp;			/* address of the signal return code */
	struct list posix_timers;	/* under siglock */
	int next_timer;
	unsigned ntimers;
	struct ktimer itimer_real;
	u64 itimer_interval;		/* ns */
	char *exe;
	char comm[16];
	u64 kbuf_bytes;			/* atomic: kbuf.c */
};

extern spinlock_t tasklist_lock;

struct task *current_task(void);		/* NULL in a kernel thread */
int task_send_signal(struct task *t, int sig, const siginfo_t *info);	/* thread-directed; info NULL: from the kernel */
int process_send_signal(struct process *p, int sig, const siginfo_t *info);
/* To every process of the group (any context): 0, -ESRCH if there is none. The terminal's Ctrl-C. */
int pgrp_send_signal(int pgid, int sig);
void force_signal(int sig, int code, u64 addr);		/* synchronous fault of the current thread */
struct process *process_find(int pid);			/* with a reference, NULL */
void process_get(struct process *p);
void process_put(struct process *p);
/*
 * Buffers of the kernel that a process fills (kbuf.c): false or NULL when it or all together have too many bytes in them.
 * kbuf_new() charges the caller, who may have 1/share of the memory (KBUF_SHARE: all that a process may have) and gives a
 * reference to it; kbuf_gone() takes both back, and NULL is nothing.
 */
#define KBUF_SHARE 16
bool kbuf_charge(struct process *p, u64 bytes);
void kbuf_uncharge(struct process *p, u64 bytes);
struct process *kbuf_new(u64 bytes, unsigned int share);
void kbuf_gone(struct process *p, u64 bytes);
static inline bool signal_pending(void) { return notify_pending(); }
/*
 * Swap the current thread's signal mask for the time of a call: returns the old one through *old.
 * sigmask_restore puts it back at once: what arrived and is blocked by it stays pending (KVM_RUN).
 * sigmask_restore_unless(old, interrupted), for ppoll and the like: if the call was interrupted by a signal, the old
 * mask comes back only when that signal's handler has been set up.
 */
void sigmask_swap(u64 new_mask, u64 *old);
void sigmask_restore(u64 old);
void sigmask_restore_unless(u64 old, bool interrupted);
/* Take one pending signal out of the given set (signalfd, sigtimedwait): its number with *info filled, or 0. */
int signal_dequeue(u64 set, siginfo_t *info);
/* Pending signals of the current thread and its process, blocked or not. */
u64 signal_pending_mask(void);
/* Start the first process from /etc/nestbox/init; returns only on error. */
int init_start(void);
/* Look for what ends a sleep with a fatal signal. */
bool fatal_signal_pending(void);

/* The process's memory with a user counted (mm_put), or NULL: it is exiting. */
struct mm *process_mm(struct process *p);
/* ns of CPU time, threads that are gone included. */
u64 process_runtime(struct process *p);

/* What /proc shows of a process. */
struct process_info {
	int pid, ppid, pgid, sid;
	char state;		/* R S D T Z */
	char comm[16];
	unsigned threads;
	int nice;
	u64 runtime_ns, children_ns, start_ns;
	u64 rss, total;		/* pages */
	u64 pending, shared_pending, blocked, ignored, caught;
	unsigned cpu;
};
int process_info(int pid, struct process_info *out);	/* -ESRCH */
/* The same of one thread: pid becomes the tid. */
int task_info(int pid, int tid, struct process_info *out);
/* Least id above `after`, 0 when there is none: for walking /proc and /proc/PID/task. */
int process_next_pid(int after);
int task_next_tid(int pid, int after);
unsigned process_count(void);
