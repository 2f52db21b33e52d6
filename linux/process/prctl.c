// SPDX-License-Identifier: GPL-2.0-only
/* prctl, personality, capabilities, seccomp: what can be honest without users and without filters. */
#include <linux/capability.h>
#include <linux/prctl.h>

#include "linux/process/internal.h"

#define CAP_ALL		((1UL << (CAP_LAST_CAP + 1)) - 1)

static s64 name_get_set(struct task *t, u64 addr, bool set)
{
	char name[16] = {};
	ssize_t n;

	if (!set)
		return copy_to_user(addr, t->comm, sizeof(t->comm));
	n = strncpy_from_user(name, addr, sizeof(name));
	if (n < 0 && n != -ENAMETOOLONG)
		return n;
	name[15] = 0;
	memcpy(t->comm, name, sizeof(name));
	memcpy(t->thread->name, name, sizeof(name));
	if (t->tid == t->proc->pid)
		memcpy(t->proc->comm, name, sizeof(name));
	return 0;
}

SYSCALL(prctl)
{
	struct task *t = current_task();
	struct process *p = t->proc;
	int v;

	switch ((int)a0) {
	case PR_SET_NAME:
	case PR_GET_NAME:
		return name_get_set(t, a1, (int)a0 == PR_SET_NAME);
	case PR_SET_PDEATHSIG:
		if (a1 > 64)
			return -EINVAL;
		t->pdeath_signal = (int)a1;
		return 0;
	case PR_GET_PDEATHSIG:
		return put_user(t->pdeath_signal, a1);
	case PR_SET_DUMPABLE:
		if (a1 > 1)
			return -EINVAL;
		p->dumpable = (int)a1;
		return 0;
	case PR_GET_DUMPABLE:
		return p->dumpable;
	case PR_SET_NO_NEW_PRIVS:
		if (a1 != 1 || a2 || a3 || a4)
			return -EINVAL;
		p->no_new_privs = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return a1 || a2 || a3 || a4 ? -EINVAL : p->no_new_privs;
	case PR_SET_CHILD_SUBREAPER:
		p->subreaper = a1;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		v = p->subreaper;
		return put_user(v, a1);
	case PR_GET_KEEPCAPS:
	case PR_GET_SECCOMP:
	case PR_GET_SECUREBITS:
		return 0;
	case PR_SET_KEEPCAPS:
		return a1 > 1 ? -EINVAL : 0;
	case PR_CAPBSET_READ:
		return a1 <= CAP_LAST_CAP ? 1 : -EINVAL;
	case PR_SET_TIMERSLACK:
		return 0;
	case PR_GET_TIMERSLACK:
		return 50000;
	case PR_GET_TID_ADDRESS:
		return put_user(t->clear_child_tid, a1);
	case PR_GET_THP_DISABLE:
		return 0;
	case PR_SVE_SET_VL:
		return sve_prctl_set(t, a1);
	case PR_SVE_GET_VL:
		return sve_prctl_get(t);
	default:
		return -EINVAL;		/* MTE, pointer authentication, anonymous area names, ... are not there */
	}
}

SYSCALL(personality)
{
	/* Only PER_LINUX without flags. 0xffffffff asks. */
	return (u32)a0 == 0xffffffff || !(u32)a0 ? 0 : -EINVAL;
}

SYSCALL(seccomp)
{
	return -EINVAL;		/* as a kernel without the filter */
}

static s64 cap_header(u64 uaddr, struct __user_cap_header_struct *h, unsigned *words)
{
	u32 preferred = _LINUX_CAPABILITY_VERSION_3;

	if (get_user(*h, uaddr))
		return -EFAULT;
	if (h->version == _LINUX_CAPABILITY_VERSION_1) {
		*words = 1;
		return 0;
	}
	*words = 2;
	if (h->version == _LINUX_CAPABILITY_VERSION_2 || h->version == _LINUX_CAPABILITY_VERSION_3)
		return 0;
	return put_user(preferred, uaddr) ? -EFAULT : -EINVAL;
}

SYSCALL(capget)
{
	struct __user_cap_header_struct h;
	struct __user_cap_data_struct d[2] = {};
	unsigned words, i;
	s64 ret = cap_header(a0, &h, &words);

	if (ret)
		return ret == -EINVAL && !a1 ? 0 : ret;
	for (i = 0; i < 2; i++)
		d[i].effective = d[i].permitted = (u32)(CAP_ALL >> (32 * i));
	return a1 ? copy_to_user(a1, d, words * sizeof(d[0])) : -EFAULT;
}

SYSCALL(capset)
{
	struct __user_cap_header_struct h;
	struct __user_cap_data_struct d[2] = {};
	unsigned words, i;
	s64 ret = cap_header(a0, &h, &words);

	if (ret)
		return ret;
	if (copy_from_user(d, a1, words * sizeof(d[0])))
		return -EFAULT;
	/* Dropping is not supported, and must not seem to be. */
	for (i = 0; i < words; i++)
		if (d[i].permitted != (u32)(CAP_ALL >> (32 * i)))
			return -EPERM;
	return 0;
}
