// SPDX-License-Identifier: GPL-2.0-only
// link: linux/fs/cpio.c
/* The newc parser: sound archives in pieces of every size, and archives that are wrong in each way it names. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/fs/cpio.h"

struct result {
	char log[4096];
	unsigned entries, dones, trailers;
	int refuse;
};

static char buf[65536];
static size_t len;

static void put(const char *name, unsigned mode, const char *data, size_t n)
{
	size_t start = len;

	len += sprintf(buf + len, "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X", 7, mode, 1, 2, 1, 99, n,
		       3, 4, 5, 6, strlen(name) + 1, 0);
	assert(len - start == 110);
	memcpy(buf + len, name, strlen(name) + 1);
	len += strlen(name) + 1;
	while (len & 3)
		buf[len++] = 0;
	memcpy(buf + len, data, n);
	len += n;
	while (len & 3)
		buf[len++] = 0;
}

static int on_entry(void *arg, const struct cpio_entry *e)
{
	struct result *r = arg;

	r->entries++;
	sprintf(r->log + strlen(r->log), "[%s %o %u ", e->name, e->mode, e->size);
	return r->refuse && r->entries == (unsigned)r->refuse ? -ENOSPC : 0;
}

static int on_data(void *arg, const void *p, size_t n)
{
	struct result *r = arg;

	strncat(r->log, p, n);
	return 0;
}

static int on_done(void *arg)
{
	struct result *r = arg;

	r->dones++;
	strcat(r->log, "]");
	return 0;
}

static int on_trailer(void *arg)
{
	((struct result *)arg)->trailers++;
	return 0;
}

static const struct cpio_sink sink = {
	.entry = on_entry, .data = on_data, .done = on_done, .trailer = on_trailer,
};

static struct cpio parser;

static s64 parse(struct result *r, size_t piece)
{
	size_t at, n;
	s64 k;

	cpio_init(&parser, &sink, r);
	for (at = 0; at < len; at += n) {
		n = len - at < piece ? len - at : piece;
		k = cpio_feed(&parser, buf + at, n);
		if (k < 0)
			return k;
		if ((size_t)k < n)
			return (s64)(at + k);
	}
	return cpio_finish(&parser) ? -EINVAL : (s64)len;
}

static void fill(void)
{
	len = 0;
	put("dir", 040755, "", 0);
	put("dir/file", 0100644, "hello", 5);
	put("link", 0120777, "dir/file", 8);
	put("empty", 0100644, "", 0);
	put("TRAILER!!!", 0, "", 0);
	memset(buf + len, 0, 100);
	len += 100;
	put("second", 0100600, "abcd", 4);
	put("TRAILER!!!", 0, "", 0);
}

static void test_sound(void)
{
	size_t piece;

	for (piece = 1; piece < 400; piece++) {
		struct result r = { 0 };

		fill();
		assert(parse(&r, piece) == (s64)len);
		assert(r.entries == 5 && r.dones == 5 && r.trailers == 2);
		assert(!strcmp(r.log, "[dir 40755 0 ][dir/file 100644 5 hello][link 120777 8 dir/file]"
			       "[empty 100644 0 ][second 100600 4 abcd]"));
	}
}

static void test_wrong(void)
{
	struct result r = { 0 };
	size_t cut;

	fill();
	buf[0] = 'x';		/* not the start of anything: the caller's */
	assert(parse(&r, 64) == 0);
	fill();
	buf[3] = 'x';
	assert(parse(&r, 64) == -EINVAL);
	fill();
	buf[20] = 'g';
	assert(parse(&r, 64) == -EINVAL);
	fill();
	memcpy(buf + 94, "00000000", 8);	/* no name */
	assert(parse(&r, 64) == -EINVAL);
	fill();
	memcpy(buf + 94, "FFFFFFFF", 8);	/* an endless one */
	assert(parse(&r, 64) == -EINVAL);
	fill();
	memcpy(buf + 94, "00000003", 8);	/* not ended by NUL */
	assert(parse(&r, 64) == -EINVAL);
	fill();
	memcpy(buf + 94, "00000005", 8);	/* a NUL within */
	assert(parse(&r, 64) == -EINVAL);
	for (cut = 1; cut < 116; cut++) {
		struct result c = { 0 };

		fill();
		len = cut;
		assert(parse(&c, 7) == (cut == 116 ? (s64)cut : -EINVAL) || c.entries);
	}
	fill();
	memset(&r, 0, sizeof(r));
	r.refuse = 2;		/* what the sink says comes back */
	assert(parse(&r, 64) == -ENOSPC);
}

int main(void)
{
	test_sound();
	test_wrong();
	printf("ok\n");
	return 0;
}
