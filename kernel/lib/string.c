// SPDX-License-Identifier: GPL-2.0-only
/* Memory and string functions in C; the compiler's own calls end here too. No locks. */
#include "kernel/lib/string.h"

typedef u64 __attribute__((may_alias, aligned(1))) word_t;

/* The compiler must not turn these loops into calls of themselves. */
#ifdef __clang__
#define NO_IDIOM	__attribute__((no_builtin))
#else
#define NO_IDIOM	__attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif

/* 64 bytes a round by pairs of general registers. */
static inline void copy64(u8 *d, const u8 *s)
{
	u64 a, b, c, e, f, g, h, i;

	asm volatile("ldp %0, %1, [%9]\n\tldp %2, %3, [%9, #16]\n\tldp %4, %5, [%9, #32]\n\tldp %6, %7, [%9, #48]\n\t"
		     "stp %0, %1, [%8]\n\tstp %2, %3, [%8, #16]\n\tstp %4, %5, [%8, #32]\n\tstp %6, %7, [%8, #48]"
		     : "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(e), "=&r"(f), "=&r"(g), "=&r"(h), "=&r"(i)
		     : "r"(d), "r"(s) : "memory");
}

NO_IDIOM void *memcpy(void *dst, const void *src, size_t n)
{
	u8 *d = dst;
	const u8 *s = src;

	for (; n >= 64; n -= 64, d += 64, s += 64)
		copy64(d, s);
	for (; n >= 8; n -= 8, d += 8, s += 8)
		*(word_t *)d = *(const word_t *)s;
	while (n--)
		*d++ = *s++;
	return dst;
}

NO_IDIOM void *memmove(void *dst, const void *src, size_t n)
{
	u8 *d = dst;
	const u8 *s = src;

	if (d <= s || d >= s + n)
		return d == s ? dst : memcpy(dst, src, n);
	d += n;
	s += n;
	for (; n >= 8; n -= 8) {
		d -= 8;
		s -= 8;
		*(word_t *)d = *(const word_t *)s;
	}
	while (n--)
		*--d = *--s;
	return dst;
}

NO_IDIOM void *memset(void *dst, int c, size_t n)
{
	u8 *d = dst;
	u64 v = (u8)c * 0x0101010101010101UL;

	for (; n >= 64; n -= 64, d += 64)
		asm volatile("stp %1, %1, [%0]\n\tstp %1, %1, [%0, #16]\n\tstp %1, %1, [%0, #32]\n\tstp %1, %1, [%0, #48]"
			     : : "r"(d), "r"(v) : "memory");
	for (; n >= 8; n -= 8, d += 8)
		*(word_t *)d = v;
	while (n--)
		*d++ = c;
	return dst;
}

NO_IDIOM int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *p = a, *q = b;

	for (; n >= 8 && *(const word_t *)p == *(const word_t *)q; n -= 8, p += 8, q += 8)
		;
	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	for (const u8 *p = s; n--; p++)
		if (*p == (u8)c)
			return (void *)p;
	return NULL;
}

NO_IDIOM size_t strlen(const char *s)
{
	const char *p = s;

	while (*p)
		p++;
	return p - s;
}

size_t strnlen(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i])
		i++;
	return i;
}

int strcmp(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	return 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c)
			last = s;
		if (!*s)
			return (char *)last;
	}
}

char *strstr(const char *a, const char *b)
{
	size_t n = strlen(b);

	for (; *a || !n; a++) {
		if (!strncmp(a, b, n))
			return (char *)a;
		if (!*a)
			break;
	}
	return NULL;
}

size_t strlcpy(char *d, const char *s, size_t size)
{
	size_t n = strlen(s);

	if (size) {
		size_t m = MIN(n, size - 1);

		memcpy(d, s, m);
		d[m] = 0;
	}
	return n;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

unsigned long strtoul(const char *s, char **end, int base)
{
	unsigned long v = 0;
	bool neg = false;

	while (*s == ' ' || *s == '\t')
		s++;
	if (*s == '-' || *s == '+')
		neg = *s++ == '-';
	if ((base == 0 || base == 16) && s[0] == '0' && (s[1] | 0x20) == 'x' && digit(s[2]) < 16) {
		s += 2;
		base = 16;
	}
	if (base == 0)
		base = *s == '0' ? 8 : 10;
	for (; digit(*s) < base; s++)
		v = v * base + digit(*s);
	if (end)
		*end = (char *)s;
	return neg ? -v : v;
}
