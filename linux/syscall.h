// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls: rows of tables/syscall.tbl (number, name, argument count, arguments by name for the log) become the
 * dispatch table (tables/gen_syscall.py). A row's handler is sys_NAME(args...), all u64; it returns a value or -errno.
 */
#pragma once

#include <nestbox/types.h>

typedef s64 (*syscall_fn)(u64, u64, u64, u64, u64, u64);
#define SYSCALL(name)	s64 sys_##name(u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)
struct pt_regs;
void linux_init(void);		/* installs user_hooks; before the first process */
