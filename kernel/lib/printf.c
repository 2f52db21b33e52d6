// SPDX-License-Identifier: GPL-2.0-only
/*
 * Formatted text: %d %i %u %x %X %o %c %s %p %% with flags - 0 + space #, width and
 * precision (also *), lengths hh h l ll z. No floating point. No locks.
 */
#include "kernel/debug/print.h"
#include "kernel/lib/string.h"

struct out {
	char *buf;
	size_t size, n;
};

struct spec {
	bool left, zero, alt;
	char sign;		/* '+' or ' ' for positive numbers, 0: none */
	int width, prec;	/* prec -1: not given */
};

static void put(struct out *o, char c)
{
	if (o->n + 1 < o->size)
		o->buf[o->n] = c;
	o->n++;
}

static void pad(struct out *o, char c, int n)
{
	while (n-- > 0)
		put(o, c);
}

static void put_string(struct out *o, const struct spec *sp, const char *s)
{
	size_t n;

	if (!s)
		s = "(null)";
	n = sp->prec >= 0 ? strnlen(s, sp->prec) : strlen(s);
	if (!sp->left)
		pad(o, ' ', sp->width - (int)n);
	for (size_t i = 0; i < n; i++)
		put(o, s[i]);
	if (sp->left)
		pad(o, ' ', sp->width - (int)n);
}

static void put_number(struct out *o, const struct spec *sp, u64 v, unsigned base, bool neg, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char tmp[24], prefix[3];
	int n = 0, np = 0, zeros, spaces;

	while (v) {
		tmp[n++] = digits[v % base];
		v /= base;
	}
	if (neg)
		prefix[np++] = '-';
	else if (sp->sign)
		prefix[np++] = sp->sign;
	if (sp->alt && base == 16 && n) {
		prefix[np++] = '0';
		prefix[np++] = upper ? 'X' : 'x';
	}
	if (!n && sp->prec != 0)
		tmp[n++] = '0';
	zeros = sp->prec > n ? sp->prec - n : 0;
	if (sp->zero && !sp->left && sp->prec < 0 && sp->width > n + np)
		zeros = sp->width - n - np;
	spaces = sp->width - n - np - zeros;
	if (!sp->left)
		pad(o, ' ', spaces);
	for (int i = 0; i < np; i++)
		put(o, prefix[i]);
	pad(o, '0', zeros);
	while (n)
		put(o, tmp[--n]);
	if (sp->left)
		pad(o, ' ', spaces);
}

static const char *parse_number(const char *f, int *v)
{
	for (*v = 0; *f >= '0' && *f <= '9'; f++)
		*v = *v < 10000 ? *v * 10 + *f - '0' : *v;
	return f;
}

/* Flags, width and precision; the width and precision "*" take their values from ap. */
static const char *parse_spec(const char *f, struct spec *sp, va_list *ap)
{
	*sp = (struct spec){ .prec = -1 };
	for (;; f++) {
		if (*f == '-')
			sp->left = true;
		else if (*f == '0')
			sp->zero = true;
		else if (*f == '#')
			sp->alt = true;
		else if (*f == '+' || (*f == ' ' && !sp->sign))
			sp->sign = *f;
		else
			break;
	}
	if (*f == '*') {
		sp->width = va_arg(*ap, int);
		f++;
		if (sp->width < 0) {
			sp->left = true;
			sp->width = -sp->width;
		}
	} else {
		f = parse_number(f, &sp->width);
	}
	if (*f != '.')
		return f;
	if (*++f == '*') {
		sp->prec = va_arg(*ap, int);
		return f + 1;
	}
	return parse_number(f, &sp->prec);
}

static u64 get_number(va_list *ap, int longs, bool sign)
{
	if (longs > 0)
		return va_arg(*ap, u64);
	if (!sign) {
		unsigned v = va_arg(*ap, unsigned);

		return longs == -2 ? (u8)v : longs == -1 ? (u16)v : v;
	} else {
		int v = va_arg(*ap, int);

		return (u64)(s64)(longs == -2 ? (s8)v : longs == -1 ? (s16)v : v);
	}
}

static void convert(struct out *o, struct spec *sp, char c, int longs, va_list *ap)
{
	u64 v;

	switch (c) {
	case 'd':
	case 'i':
		v = get_number(ap, longs, true);
		put_number(o, sp, (s64)v < 0 ? -v : v, 10, (s64)v < 0, false);
		break;
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		v = get_number(ap, longs, false);
		sp->sign = 0;
		put_number(o, sp, v, c == 'u' ? 10 : c == 'o' ? 8 : 16, false, c == 'X');
		break;
	case 'p':
		sp->alt = true;
		put_number(o, sp, (u64)va_arg(*ap, void *), 16, false, false);
		break;
	case 'c': {
		char s[2] = { va_arg(*ap, int), 0 };

		sp->prec = 1;
		if (!s[0])
			put(o, 0);
		else
			put_string(o, sp, s);
		break;
	}
	case 's':
		put_string(o, sp, va_arg(*ap, const char *));
		break;
	case '%':
		put(o, '%');
		break;
	default:		/* unknown: show it */
		put(o, '%');
		put(o, c);
	}
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	struct out o = { buf, size, 0 };
	va_list ap;

	va_copy(ap, args);
	while (*fmt) {
		struct spec sp;
		int longs = 0;

		if (*fmt != '%') {
			put(&o, *fmt++);
			continue;
		}
		fmt = parse_spec(fmt + 1, &sp, &ap);
		for (; *fmt == 'l' || *fmt == 'z' || *fmt == 'h' || *fmt == 'j' || *fmt == 't'; fmt++)
			longs += *fmt == 'h' ? -1 : 1;
		if (!*fmt)
			break;
		convert(&o, &sp, *fmt++, longs, &ap);
	}
	va_end(ap);
	if (size)
		buf[MIN(o.n, size - 1)] = 0;
	return o.n;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
