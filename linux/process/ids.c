// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who am I: process, group and session ids under tasklist_lock. Users and groups: everything is root; a change to
 * another id is refused (EINVAL, as for an id that the user namespace does not map), not pretended.
 */
#include "linux/process/internal.h"

SYSCALL(getpid)
{
	return current_task()->proc->pid;
}

SYSCALL(gettid)
{
	return current_task()->tid;
}

SYSCALL(getppid)
{
	u64 flags = spin_lock_irqsave(&tasklist_lock);
	struct process *parent = current_task()->proc->parent;
	int pid = parent ? parent->pid : 0;

	spin_unlock_irqrestore(&tasklist_lock, flags);
	return pid;
}

SYSCALL(set_tid_address)
{
	struct task *t = current_task();

	t->clear_child_tid = a0;
	return t->tid;
}

static s64 setpgid_locked(struct process *me, int pid, int pgid)
{
	struct process *p = pid ? process_find_locked(pid) : me;

	if (!p || (p != me && p->parent != me))
		return -ESRCH;
	if (!pgid)
		pgid = p->pid;
	if (p != me && p->did_exec)
		return -EACCES;
	if (p->sid == p->pid || p->sid != me->sid)
		return -EPERM;
	if (pgid != p->pid && !pgrp_exists_locked(pgid, me->sid))
		return -EPERM;
	p->pgid = pgid;
	return 0;
}

SYSCALL(setpgid)
{
	u64 flags;
	s64 ret;

	if ((int)a1 < 0 || (!(int)a1 && (int)a0 < 0))
		return -EINVAL;
	flags = spin_lock_irqsave(&tasklist_lock);
	ret = setpgid_locked(current_task()->proc, (int)a0, (int)a1);
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return ret;
}

static s64 id_of(int pid, bool session)
{
	u64 flags = spin_lock_irqsave(&tasklist_lock);
	struct process *p = pid ? process_find_locked(pid) : current_task()->proc;
	s64 ret = p ? (session ? p->sid : p->pgid) : -ESRCH;

	spin_unlock_irqrestore(&tasklist_lock, flags);
	return ret;
}

SYSCALL(getpgid)
{
	return id_of((int)a0, false);
}

SYSCALL(getsid)
{
	return id_of((int)a0, true);
}

SYSCALL(setsid)
{
	struct process *me = current_task()->proc, *p;
	u64 flags = spin_lock_irqsave(&tasklist_lock);
	s64 ret = me->pid;
	int pid = 0;

	while ((p = process_next_locked(pid))) {
		pid = p->pid;
		if (p->pgid == me->pid)
			ret = -EPERM;
	}
	if (ret > 0)
		me->sid = me->pgid = me->pid;
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return ret;
}

SYSCALL(getuid) { return 0; }
SYSCALL(geteuid) { return 0; }
SYSCALL(getgid) { return 0; }
SYSCALL(getegid) { return 0; }

static s64 only_root(u64 a, u64 b, u64 c)
{
	u32 v[3] = { (u32)a, (u32)b, (u32)c };
	unsigned i;

	for (i = 0; i < 3; i++)
		if (v[i] && v[i] != ~0U)
			return -EINVAL;
	return 0;
}

SYSCALL(setuid) { return only_root((u32)a0 == ~0U ? 1 : a0, 0, 0); }
SYSCALL(setgid) { return only_root((u32)a0 == ~0U ? 1 : a0, 0, 0); }
SYSCALL(setreuid) { return only_root(a0, a1, 0); }
SYSCALL(setregid) { return only_root(a0, a1, 0); }
SYSCALL(setresuid) { return only_root(a0, a1, a2); }
SYSCALL(setresgid) { return only_root(a0, a1, a2); }
SYSCALL(setfsuid) { return 0; }
SYSCALL(setfsgid) { return 0; }

static s64 put_three_zeros(u64 a, u64 b, u64 c)
{
	u32 zero = 0;

	return put_user(zero, a) || put_user(zero, b) || put_user(zero, c) ? -EFAULT : 0;
}

SYSCALL(getresuid) { return put_three_zeros(a0, a1, a2); }
SYSCALL(getresgid) { return put_three_zeros(a0, a1, a2); }
SYSCALL(getgroups) { return (int)a0 < 0 ? -EINVAL : 0; }

SYSCALL(setgroups)
{
	u32 gid;
	u64 i;

	if (a0 > 65536)
		return -EINVAL;
	for (i = 0; i < a0; i++) {
		if (get_user(gid, a1 + i * sizeof(gid)))
			return -EFAULT;
		if (gid)
			return -EINVAL;
	}
	return 0;
}
