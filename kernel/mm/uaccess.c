// SPDX-License-Identifier: GPL-2.0-only
/* The C side of uaccess.S: results as errno values. No locks; everything here may sleep in a page fault. */
#include <asm/errno.h>
#include "kernel/mm/uaccess.h"

size_t clear_user_partial(u64 dst, size_t n);
ssize_t user_strncpy(char *dst, u64 src, size_t n);
int user_cas32(u64 addr, u32 expect, u32 new, u32 *old);
int user_cas64(u64 addr, u64 expect, u64 new, u64 *old);

int copy_from_user(void *dst, u64 src, size_t n)
{
	return copy_from_user_partial(dst, src, n) ? -EFAULT : 0;
}

int copy_to_user(u64 dst, const void *src, size_t n)
{
	return copy_to_user_partial(dst, src, n) ? -EFAULT : 0;
}

int clear_user(u64 dst, size_t n)
{
	return clear_user_partial(dst, n) ? -EFAULT : 0;
}

ssize_t strncpy_from_user(char *dst, u64 src, size_t size)
{
	ssize_t n = user_strncpy(dst, src, size);

	if (n >= 0)
		return n;
	return n == -1 ? -EFAULT : -ENAMETOOLONG;
}

int cmpxchg_user32(u64 addr, u32 expect, u32 new, u32 *old)
{
	if (addr & 3)
		return -EINVAL;
	return user_cas32(addr, expect, new, old) ? -EFAULT : 0;
}

int cmpxchg_user64(u64 addr, u64 expect, u64 new)
{
	u64 old;

	if (addr & 7)
		return -EINVAL;
	if (user_cas64(addr, expect, new, &old))
		return -EFAULT;
	return old == expect ? 0 : -EAGAIN;
}
