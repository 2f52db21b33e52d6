// SPDX-License-Identifier: GPL-2.0-only
/* Runs the self-tests linked into this kernel, one after the other. No locks. */
#include "kernel/debug/selftest.h"
#include "kernel/debug/debug.h"
#include "kernel/lib/string.h"
#include "kernel/sched/timer.h"

extern const struct selftest __selftests_start[], __selftests_end[];

static unsigned failures;	/* of the running test */

void selftest_fail(const char *what, const char *file, int line)
{
	if (__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED) < 10)
		pr_err("selftest: not true: %s at %s:%d\n", what, file, line);
}

unsigned selftest_run(const char *only)
{
	unsigned passed = 0, failed = 0;

	for (const struct selftest *t = __selftests_start; t < __selftests_end; t++) {
		u64 start = clock_ns();
		unsigned ub = ubsan_count;

		if (only && *only && !strstr(t->name, only))
			continue;
		failures = 0;
		t->fn();
		if (ubsan_count != ub)
			failures++;
		pr_info("selftest: %s: %s (%lu us)\n", t->name, failures ? "FAILED" : "ok",
			(unsigned long)(clock_ns() - start) / 1000);
		if (failures)
			failed++;
		else
			passed++;
	}
	if (ubsan_count && !failed)
		failed++;
	pr_info("selftest: %u passed, %u failed\n", passed, failed);
	control_send("selftest %u passed, %u failed", passed, failed);
	return failed;
}
