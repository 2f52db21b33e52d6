// SPDX-License-Identifier: GPL-2.0-only
/* Resource limits: kept and reported; NOFILE, STACK and SIGPENDING are acted on. Lock: siglock. */
#include <linux/resource.h>

#include "linux/process/internal.h"

void rlimit_defaults(struct process *p)
{
	unsigned i;

	for (i = 0; i < RLIM_NLIMITS; i++)
		p->rlimit[i][0] = p->rlimit[i][1] = RLIM64_INFINITY;
	p->rlimit[RLIMIT_STACK][0] = 8UL << 20;
	p->rlimit[RLIMIT_CORE][0] = 0;
	p->rlimit[RLIMIT_NOFILE][0] = 1024;
	p->rlimit[RLIMIT_NOFILE][1] = 65536;
	p->rlimit[RLIMIT_NPROC][0] = p->rlimit[RLIMIT_NPROC][1] = 32768;
	p->rlimit[RLIMIT_SIGPENDING][0] = p->rlimit[RLIMIT_SIGPENDING][1] = 4096;
	p->rlimit[RLIMIT_MEMLOCK][0] = p->rlimit[RLIMIT_MEMLOCK][1] = RLIM64_INFINITY;
	p->rlimit[RLIMIT_MSGQUEUE][0] = p->rlimit[RLIMIT_MSGQUEUE][1] = 819200;
	p->rlimit[RLIMIT_NICE][0] = p->rlimit[RLIMIT_NICE][1] = 0;
	p->rlimit[RLIMIT_RTPRIO][0] = p->rlimit[RLIMIT_RTPRIO][1] = 0;
}

static s64 do_prlimit(struct process *p, unsigned res, const u64 *new, u64 *old)
{
	u64 flags;

	if (res >= RLIM_NLIMITS)
		return -EINVAL;
	if (new && new[0] > new[1])
		return -EINVAL;
	if (new && res == RLIMIT_NOFILE && new[1] > 1048576)
		return -EPERM;
	flags = siglock(p);
	memcpy(old, p->rlimit[res], 16);
	if (new)
		memcpy(p->rlimit[res], new, 16);
	sigunlock(p, flags);
	return 0;
}

SYSCALL(prlimit64)
{
	struct process *p = current_task()->proc;
	u64 new[2], old[2];
	s64 ret;

	if (a2 && copy_from_user(new, a2, sizeof(new)))
		return -EFAULT;
	if ((int)a0) {
		p = process_find((int)a0);
		if (!p)
			return -ESRCH;
	} else {
		process_get(p);
	}
	ret = do_prlimit(p, (unsigned)a1, a2 ? new : NULL, old);
	process_put(p);
	if (!ret && a3 && copy_to_user(a3, old, sizeof(old)))
		ret = -EFAULT;
	return ret;
}

SYSCALL(getrlimit)
{
	return sys_prlimit64(0, a0, 0, a1, 0, 0);
}

SYSCALL(setrlimit)
{
	if (!a1)
		return -EFAULT;
	return sys_prlimit64(0, a0, a1, 0, 0, 0);
}
