// SPDX-License-Identifier: GPL-2.0-only
/* Strings, formatted text, random bytes. */
#include "kernel/debug/selftest.h"
#include "kernel/lib/random.h"
#include "kernel/lib/string.h"

static bool says(const char *want, const char *fmt, ...) __printf(2, 3);

static bool says(const char *want, const char *fmt, ...)
{
	char buf[64];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	return !strcmp(buf, want) && n == (int)strlen(want);
}

SELFTEST(printf_formats)
{
	char small[4];

	CHECK(says("-5 7 ff", "%d %u %x", -5, 7, 0xff));
	CHECK(says("  12|12  |0012", "%4d|%-4d|%04d", 12, 12, 12));
	CHECK(says("0x10 ffffffffffffffff", "%#x %lx", 16, ~0UL));
	CHECK(says("abc|ab |  abc", "%s|%-3.2s|%*s", "abc", "abc", 5, "abc"));
	CHECK(says("-9223372036854775808", "%ld", (long)BIT(63)));
	CHECK(says("c%18446744073709551615", "%c%%%zu", 'c', ~0UL));
	CHECK(snprintf(small, sizeof(small), "%s", "abcdef") == 6 && !strcmp(small, "abc"));
}

SELFTEST(string_functions)
{
	char a[200], b[200];

	for (unsigned i = 0; i < sizeof(a); i++)
		a[i] = i;
	for (unsigned n = 0; n < 150; n += 7) {
		memset(b, 0xee, sizeof(b));
		memcpy(b + 3, a, n);
		CHECK(!memcmp(b + 3, a, n) && (u8)b[2] == 0xee && (u8)b[3 + n] == 0xee);
	}
	memcpy(b, a, sizeof(a));
	memmove(b + 5, b, 100);
	CHECK(!memcmp(b + 5, a, 100));
	memcpy(b, a, sizeof(a));
	memmove(b, b + 5, 100);
	CHECK(!memcmp(b, a + 5, 100));
	CHECK(memcmp("abcdefghi", "abcdefghj", 9) < 0);
	CHECK(strtoul("0x1f", NULL, 0) == 31 && strtoul("12", NULL, 10) == 12);
	CHECK(!strcmp(strstr("hello", "ll"), "llo") && !strstr("hello", "xx"));
}

SELFTEST(random_bytes_differ)
{
	u8 a[32], b[32];

	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	CHECK(memcmp(a, b, sizeof(a)));
}
