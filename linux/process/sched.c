// SPDX-License-Identifier: GPL-2.0-only
/* Scheduling system calls: affinity, nice values; every thread is SCHED_OTHER, and real-time policies are refused. */
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>

#include "linux/process/internal.h"

SYSCALL(sched_yield)
{
	thread_yield();
	return 0;
}

static void possible_mask(struct cpumask *m)
{
	unsigned c;

	memset(m, 0, sizeof(*m));
	for (c = 0; c < nr_cpus; c++)
		if (cpus[c] && READ_ONCE(cpus[c]->online))
			cpumask_set(m, c);
}

SYSCALL(sched_setaffinity)
{
	struct cpumask m = {}, possible;
	struct thread *th;
	unsigned i;
	u64 any = 0;
	int err;

	if (copy_from_user(&m, a2, MIN(a1, (u64)sizeof(m))))
		return -EFAULT;
	possible_mask(&possible);
	for (i = 0; i < ARRAY_SIZE(m.w); i++) {
		m.w[i] &= possible.w[i];
		any |= m.w[i];
	}
	th = thread_find((int)a0);
	if (!th)
		return -ESRCH;
	err = any ? thread_set_affinity(th, &m) : -EINVAL;
	thread_put(th);
	return err;
}

SYSCALL(sched_getaffinity)
{
	struct cpumask m, possible;
	u64 n = MIN(a1, (u64)sizeof(m));
	struct thread *th;
	unsigned i;

	if (a1 * 8 < nr_cpus || a1 % sizeof(u64))
		return -EINVAL;
	th = thread_find((int)a0);
	if (!th)
		return -ESRCH;
	possible_mask(&possible);
	m = th->affinity;
	thread_put(th);
	for (i = 0; i < ARRAY_SIZE(m.w); i++)
		m.w[i] &= possible.w[i];
	return copy_to_user(a2, &m, n) ? -EFAULT : (s64)n;
}

static bool policy_ok(int policy)
{
	return policy == SCHED_NORMAL || policy == SCHED_BATCH || policy == SCHED_IDLE;
}

static s64 thread_exists(u64 tid)
{
	struct thread *th = (int)tid < 0 ? NULL : thread_find((int)tid);

	if ((int)tid < 0)
		return -EINVAL;
	if (!th)
		return -ESRCH;
	thread_put(th);
	return 0;
}

static s64 policy_check(int policy, int priority)
{
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return -EPERM;
	return policy_ok(policy) && !priority ? 0 : -EINVAL;
}

/* The priority that a struct sched_param at uparam asks for, and whether there is such a thread. */
static s64 param_get(u64 pid, u64 uparam, int *prio)
{
	if (!uparam || (int)pid < 0)
		return -EINVAL;
	if (get_user(*prio, uparam))
		return -EFAULT;
	return thread_exists(pid);
}

SYSCALL(sched_setscheduler)
{
	int prio;
	s64 ret = (int)a1 < 0 ? -EINVAL : param_get(a0, a2, &prio);

	return ret ? ret : policy_check((int)a1 & ~(int)SCHED_RESET_ON_FORK, prio);
}

SYSCALL(sched_getscheduler)
{
	return thread_exists(a0);	/* SCHED_NORMAL is 0 */
}

SYSCALL(sched_setparam)
{
	int prio;
	s64 ret = param_get(a0, a1, &prio);

	return ret ? ret : policy_check(SCHED_NORMAL, prio);
}

SYSCALL(sched_getparam)
{
	s64 ret = a1 ? thread_exists(a0) : -EINVAL;
	int prio = 0;

	if (!ret && put_user(prio, a1))
		ret = -EFAULT;
	return ret;
}

SYSCALL(sched_get_priority_max)
{
	if ((int)a0 == SCHED_FIFO || (int)a0 == SCHED_RR)
		return 99;
	return policy_ok((int)a0) ? 0 : -EINVAL;
}

SYSCALL(sched_get_priority_min)
{
	if ((int)a0 == SCHED_FIFO || (int)a0 == SCHED_RR)
		return 1;
	return policy_ok((int)a0) ? 0 : -EINVAL;
}

SYSCALL(sched_rr_get_interval)
{
	s64 ret = thread_exists(a0);

	return ret ? ret : kspec_put(a1, 3000000);
}

SYSCALL(sched_setattr)
{
	struct sched_attr at = {};
	s64 ret;

	if (!a1 || (int)a0 < 0 || a2)
		return -EINVAL;
	if (copy_from_user(&at, a1, SCHED_ATTR_SIZE_VER0))
		return -EFAULT;
	if ((at.size && at.size < SCHED_ATTR_SIZE_VER0) || at.size > PAGE_SIZE)
		return -E2BIG;
	ret = thread_exists(a0);
	return ret ? ret : policy_check((int)at.sched_policy, (int)at.sched_priority);
}

SYSCALL(sched_getattr)
{
	struct sched_attr at = { .size = SCHED_ATTR_SIZE_VER0 };
	struct thread *th;

	if (!a1 || a3 || a2 < SCHED_ATTR_SIZE_VER0 || a2 > PAGE_SIZE || (int)a0 < 0)
		return -EINVAL;
	th = thread_find((int)a0);
	if (!th)
		return -ESRCH;
	at.sched_nice = th->nice;
	thread_put(th);
	return copy_to_user(a1, &at, SCHED_ATTR_SIZE_VER0);
}

/* ---- nice ---- */

static bool prio_matches(struct process *p, struct task *t, int which, int who)
{
	struct process *me = current_task()->proc;

	if (which == PRIO_PROCESS)
		return who ? t->tid == who : t == current_task();
	if (which == PRIO_PGRP)
		return p->pgid == (who ? who : me->pgid);
	return !who;	/* PRIO_USER: all are root's */
}

/* set: give all that match this nice value, else *best gets the lowest. -ESRCH: nobody matches. */
static s64 prio_walk(int which, int who, const int *set, int *best)
{
	u64 flags = spin_lock_irqsave(&tasklist_lock);
	s64 ret = -ESRCH;
	struct process *p;
	struct task *t;
	int pid = 0;

	while ((p = process_next_locked(pid))) {
		pid = p->pid;
		list_for_each(t, &p->threads, proc_link) {
			if (!prio_matches(p, t, which, who))
				continue;
			if (set)
				WRITE_ONCE(t->thread->nice, *set);
			else if (ret || t->thread->nice < *best)
				*best = t->thread->nice;
			ret = 0;
		}
	}
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return ret;
}

SYSCALL(setpriority)
{
	int nice = MAX(-20, MIN(19, (int)a2));

	if (a0 > PRIO_USER)
		return -EINVAL;
	return prio_walk((int)a0, (int)a1, &nice, NULL);
}

SYSCALL(getpriority)
{
	int best = 0;
	s64 ret;

	if (a0 > PRIO_USER)
		return -EINVAL;
	ret = prio_walk((int)a0, (int)a1, NULL, &best);
	return ret ? ret : 20 - best;
}
