// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checked copies from and to the current process, with unprivileged loads and stores, so that PAN stays on and the
 * process's own permissions count. May sleep (page faults). Owner: kernel/mm/uaccess.S.
 */
#pragma once

#include <nestbox/types.h>

#define USER_END	0x0001000000000000UL	/* first address that is not a user address */

/* 0, or -EFAULT with some prefix copied. */
__must_check int copy_from_user(void *dst, u64 src, size_t n);
__must_check int copy_to_user(u64 dst, const void *src, size_t n);
__must_check int clear_user(u64 dst, size_t n);
/* Bytes not copied (read/write calls that return short counts). */
size_t copy_from_user_partial(void *dst, u64 src, size_t n);
size_t copy_to_user_partial(u64 dst, const void *src, size_t n);
/* Length without NUL, -EFAULT, or -ENAMETOOLONG if no NUL within size. */
__must_check ssize_t strncpy_from_user(char *dst, u64 src, size_t size);
/* Atomic compare and exchange on a user word (futex); 0 or -EFAULT; *old gets what was there. Word aligned, else -EINVAL. */
__must_check int cmpxchg_user32(u64 addr, u32 expect, u32 new, u32 *old);
/* The same for 64 bits; -EAGAIN when something else was there. */
__must_check int cmpxchg_user64(u64 addr, u64 expect, u64 new);

#define get_user(x, addr)	copy_from_user(&(x), addr, sizeof(x))
#define put_user(x, addr)	({ __typeof__(x) _x = (x); copy_to_user(addr, &_x, sizeof(_x)); })
