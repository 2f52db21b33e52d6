// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls: rows of tables/syscall.tbl (number, name, handler or not, arguments' names) become the dispatch table
 * (tables/gen_syscall.py). A row's handler is sys_NAME(args...), all u64; it returns a value or -errno.
 */
#pragma once

#include <nestbox/types.h>

typedef s64 (*syscall_fn)(u64, u64, u64, u64, u64, u64);
#define SYSCALL(name)	s64 sys_##name(u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)

struct syscall_row {
	syscall_fn fn;		/* NULL: ENOSYS */
	const char *name;	/* NULL: no such number */
	const char *args;	/* names, separated by blanks */
	unsigned nargs;
};
extern const struct syscall_row syscall_table[];
extern const unsigned syscall_count;

struct pt_regs;
void linux_init(void);		/* installs user_hooks; before the first process */
