// SPDX-License-Identifier: GPL-2.0-only
/*
 * Self-tests inside the kernel (test and kasan flavours, kernel option
 * `selftest`; `selftest=WORD` runs those whose name contains WORD). A test is
 * a function in tests/kernel/; it runs in a kernel thread, may sleep, and
 * fails by CHECK. Owner: kernel/debug/selftest.c.
 */
#pragma once

#include "kernel/debug/print.h"

struct selftest {
	const char *name;
	void (*fn)(void);
};

#define SELFTEST(ident)									\
	static void selftest_##ident(void);						\
	static const struct selftest __attribute__((used, section(".selftests")))	\
		selftest_row_##ident = { #ident, selftest_##ident };			\
	static void selftest_##ident(void)

void selftest_fail(const char *what, const char *file, int line);

/* Note the failure and go on. */
#define CHECK(c) do { if (!(c)) selftest_fail(#c, __FILE__, __LINE__); } while (0)
/* Note the failure and leave the test. */
#define REQUIRE(c) do { if (!(c)) { selftest_fail(#c, __FILE__, __LINE__); return; } } while (0)

/* Run them, report `selftest P passed, F failed` on console and control channel; number failed. */
unsigned selftest_run(const char *only);
