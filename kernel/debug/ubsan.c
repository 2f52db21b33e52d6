// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the compiler calls when the undefined-behaviour sanitizer finds something (test flavour). Each is printed with
 * its place and counted; the self-tests and the launcher's rings fail when the count is not 0. No locks.
 */
#ifdef CONFIG_UBSAN
#include "kernel/debug/debug.h"
#include "kernel/debug/print.h"

unsigned ubsan_count;

struct source_location {
	const char *file;
	u32 line, column;
};

static void report(struct source_location *loc, const char *what)
{
	/* Once per place: the compiler lets us mark its record. */
	if (__atomic_exchange_n(&loc->column, ~0U, __ATOMIC_RELAXED) == ~0U)
		return;
	__atomic_fetch_add(&ubsan_count, 1, __ATOMIC_RELAXED);
	pr_err("UBSAN: %s at %s:%u\n", what, loc->file, loc->line);
	backtrace((u64)__builtin_frame_address(0), (u64)__builtin_return_address(0));
}

/* Every record starts with the location; the values that follow are not shown. */
#define HANDLER(name, text)							\
	void __ubsan_handle_##name(struct source_location *loc, ...);		\
	void __ubsan_handle_##name(struct source_location *loc, ...) { report(loc, text); }

HANDLER(add_overflow, "addition overflows")
HANDLER(sub_overflow, "subtraction overflows")
HANDLER(mul_overflow, "multiplication overflows")
HANDLER(negate_overflow, "negation overflows")
HANDLER(divrem_overflow, "division by zero or overflow")
HANDLER(shift_out_of_bounds, "shift out of bounds")
HANDLER(out_of_bounds, "index out of bounds")
HANDLER(type_mismatch_v1, "bad pointer")
HANDLER(pointer_overflow, "pointer overflows")
HANDLER(load_invalid_value, "invalid bool or enum value")
HANDLER(vla_bound_not_positive, "bad array size")
HANDLER(nonnull_arg, "null argument")
HANDLER(invalid_builtin, "bad argument of a builtin")

void __ubsan_handle_builtin_unreachable(struct source_location *loc);
void __ubsan_handle_builtin_unreachable(struct source_location *loc)
{
	panic("UBSAN: unreachable code reached at %s:%u", loc->file, loc->line);
}

void __ubsan_handle_missing_return(struct source_location *loc);
void __ubsan_handle_missing_return(struct source_location *loc)
{
	panic("UBSAN: no return value at %s:%u", loc->file, loc->line);
}
#else
unsigned ubsan_count;
#endif
