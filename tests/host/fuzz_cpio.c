// SPDX-License-Identifier: GPL-2.0-only
// link: linux/fs/cpio.c
/* Any bytes in any pieces: the parser neither overruns nor hands on more data than an entry announced. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "linux/fs/cpio.h"

static u64 announced, given;
static bool inside;

static int on_entry(void *arg, const struct cpio_entry *e)
{
	assert(!inside && strlen(e->name) < CPIO_NAME_MAX);
	inside = true;
	announced = e->size;
	given = 0;
	return e->ino == 0x13 ? -ENOSPC : 0;
}

static int on_data(void *arg, const void *p, size_t n)
{
	volatile u8 sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += ((const u8 *)p)[i];
	given += n;
	assert(inside && given <= announced);
	return 0;
}

static int on_done(void *arg)
{
	assert(inside && given == announced);
	inside = false;
	return 0;
}

static const struct cpio_sink sink = { .entry = on_entry, .data = on_data, .done = on_done };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A sound header in front of half of the inputs, with fields from the input. */
	static const char head[] = "0707010000001000008180000000000000000000000001000000000000000500000000"
				   "00000000000000000000000000000003" "00000000";
	size_t at, n, piece, len;
	struct cpio *c = malloc(sizeof(*c));
	u8 *copy;
	s64 k;

	if (!size) {
		free(c);
		return 0;
	}
	piece = data[0] % 61 + 1;
	len = size + sizeof(head) - 1;
	copy = malloc(len);
	memcpy(copy, head, sizeof(head) - 1);
	memcpy(copy + sizeof(head) - 1, data, size);
	if (data[0] & 1) {
		memcpy(copy + 94, data, size < 8 ? size : 8);
	} else if (data[0] & 2) {
		memcpy(copy, data, size);
	}
	inside = false;
	cpio_init(c, &sink, NULL);
	for (at = 0; at < len; at += n) {
		u8 *exact;

		n = len - at < piece ? len - at : piece;
		exact = malloc(n);	/* so that an overrun is seen */
		memcpy(exact, copy + at, n);
		k = cpio_feed(c, exact, n);
		free(exact);
		if (k < 0 || (size_t)k < n)
			break;
	}
	(void)cpio_finish(c);
	free(copy);
	free(c);
	return 0;
}
