// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes and their threads as Linux programs see them. Owner: linux/process/.
 * Locks: tasklist_lock (spin): parent/child lists, thread groups, ids. sig->lock (irq-safe spin): signal state.
 */
#pragma once

#include <asm/signal.h>
#include <asm/siginfo.h>

#include "kernel/lib/tree.h"
#include "kernel/sched/thread.h"
#include "linux/fs/file.h"
#include "linux/mm/mm.h"

/* Internal result of a system call that a signal interrupted: restart it, or -EINTR if a handler without SA_RESTART runs. */
#define ERESTARTSYS	512
#define ERESTARTNOHAND	514	/* restart only if no handler runs: (p)select, sigsuspend ... */
#define ERESTART_RESTARTBLOCK 516

struct sigqueue {		/* a queued signal with its information */
	struct list node;
	siginfo_t info;
};

struct sigpending_set {
	u64 mask;
	struct list queue;
};

struct process;
struct task {			/* one thread */
	struct thread *thread;
	struct process *proc;
	int tid;
	struct list proc_link;
	u64 sigmask, saved_sigmask;
	bool restore_sigmask;
	struct sigpending_set pending;
	stack_t altstack;
	u64 set_child_tid, clear_child_tid, robust_list;
	u64 restart_ns;		/* deadline for a restarted sleep */
	bool exiting;
	struct rcu_head rcu;
	char comm[16];
	void *fs_priv;
};

struct process {		/* a thread group */
	int pid, pgid, sid;
	u32 refs;
	struct process *parent;
	struct list children, sibling, threads;
	unsigned nthreads;
	struct mm *mm;
	struct fdtable *files;
	char *cwd;			/* absolute path; under cwd_lock */
	struct mutex cwd_lock;
	u32 umask;
	spinlock_t siglock;
	struct sigaction *unused;
	struct { u64 handler, flags, restorer, mask; } action[64];
	struct sigpending_set pending;
	struct waitq child_wait;	/* wait4 */
	struct waitq signalfd_wait;
	int exit_signal;
	int exit_code;			/* wait status */
	bool group_exit, zombie;
	u64 rlimit[16][2];
	u64 start_ns, utime_ns, cutime_ns;
	char *exe;
};

struct task *current_task(void);
int task_send_signal(struct task *t, int sig, const siginfo_t *info);	/* thread-directed; info NULL: from the kernel */
int process_send_signal(struct process *p, int sig, const siginfo_t *info);
void force_signal(int sig, int code, u64 addr);		/* synchronous fault of the current thread */
struct process *process_find(int pid);			/* with a reference, NULL */
void process_put(struct process *p);
static inline bool signal_pending(void) { return notify_pending(); }
/*
 * Swap the current thread's signal mask for the time of a call (KVM_RUN, ppoll): returns the old one through *old.
 */
void sigmask_swap(u64 new_mask, u64 *old);
void sigmask_restore(u64 old);
/* Start the first process from /etc/nestbox/init; returns only on error. */
int init_start(void);
/* Look for what ends a sleep with a fatal signal. */
bool fatal_signal_pending(void);
