// SPDX-License-Identifier: GPL-2.0-only
/* The newc parser of cpio.h. Pure; compiles natively. No locks: one caller owns the state. */
#ifdef NATIVE
#include <errno.h>
#else
#include <asm/errno.h>
#endif

#include "kernel/lib/string.h"
#include "linux/fs/cpio.h"

#define HEADER_SIZE	110

void cpio_init(struct cpio *c, const struct cpio_sink *sink, void *arg)
{
	memset(c, 0, sizeof(*c));
	c->sink = sink;
	c->arg = arg;
}

static int fail(struct cpio *c, const char *what)
{
	c->error = what;
	return -EINVAL;
}

/* Eight hexadecimal digits. */
static int field(const char *s, u32 *out)
{
	u32 v = 0, d;
	int i;

	for (i = 0; i < 8; i++) {
		if (s[i] >= '0' && s[i] <= '9')
			d = s[i] - '0';
		else if (s[i] >= 'a' && s[i] <= 'f')
			d = s[i] - 'a' + 10;
		else if (s[i] >= 'A' && s[i] <= 'F')
			d = s[i] - 'A' + 10;
		else
			return -EINVAL;
		v = v << 4 | d;
	}
	*out = v;
	return 0;
}

static int parse_header(struct cpio *c)
{
	u32 check, *to[] = {
		&c->e.ino, &c->e.mode, &c->e.uid, &c->e.gid, &c->e.nlink, &c->e.mtime, &c->e.size,
		&c->e.devmajor, &c->e.devminor, &c->e.rdevmajor, &c->e.rdevminor, &c->namesize, &check,
	};
	unsigned i;

	if (memcmp(c->header, "07070", 5) || (c->header[5] != '1' && c->header[5] != '2'))
		return fail(c, "bad magic (not a newc cpio archive)");
	for (i = 0; i < ARRAY_SIZE(to); i++)
		if (field(c->header + 6 + 8 * i, to[i]))
			return fail(c, "bad digit in a header");
	if (!c->namesize || c->namesize > CPIO_NAME_MAX)
		return fail(c, "bad length of a name");
	return 0;
}

static void enter(struct cpio *c, enum cpio_state s)
{
	c->state = s;
	c->have = 0;
}

static int name_done(struct cpio *c)
{
	int err;

	if (c->name[c->namesize - 1] || memchr(c->name, 0, c->namesize) != c->name + c->namesize - 1)
		return fail(c, "a name does not end where it should");
	c->e.name = c->name;
	if (!strcmp(c->name, "TRAILER!!!")) {
		enter(c, CPIO_BETWEEN);
		return c->sink->trailer ? c->sink->trailer(c->arg) : 0;
	}
	c->left = c->e.size;
	err = c->sink->entry(c->arg, &c->e);
	enter(c, CPIO_NAME_PAD);
	return err;
}

/* Collect `want` bytes in buf: how many were taken now. */
static size_t collect(struct cpio *c, char *buf, size_t want, const char *p, size_t n)
{
	size_t k = MIN(want - c->have, n);

	memcpy(buf + c->have, p, k);
	c->have += k;
	c->offset += k;
	return k;
}

static size_t skip_pad(struct cpio *c, size_t n)
{
	size_t k = MIN((size_t)(-c->offset & 3), n);

	c->offset += k;
	return k;
}

/* After padding or data: done with the entry? Returns 0 or what the sink says. */
static int data_step(struct cpio *c)
{
	if (c->state == CPIO_NAME_PAD && !(c->offset & 3))
		enter(c, CPIO_DATA);
	if (c->state == CPIO_DATA && !c->left) {
		enter(c, CPIO_DATA_PAD);
		if (c->sink->done(c->arg))
			return -ECANCELED;
	}
	if (c->state == CPIO_DATA_PAD && !(c->offset & 3))
		enter(c, CPIO_HEADER);
	return 0;
}

/* Take one piece of what p holds; *err is set on failure. */
static size_t step(struct cpio *c, const char *p, size_t n, int *err)
{
	size_t k = 0;

	switch (c->state) {
	case CPIO_BETWEEN:
		if (*p == 0)
			return 1;
		if (*p == '0') {
			c->offset = 0;
			enter(c, CPIO_HEADER);
		}
		return 0;
	case CPIO_HEADER:
		k = collect(c, c->header, HEADER_SIZE, p, n);
		if (c->have == HEADER_SIZE) {
			*err = parse_header(c);
			enter(c, CPIO_NAME);
		}
		return k;
	case CPIO_NAME:
		k = collect(c, c->name, c->namesize, p, n);
		if (c->have == c->namesize)
			*err = name_done(c);
		break;
	case CPIO_NAME_PAD:
	case CPIO_DATA_PAD:
		k = skip_pad(c, n);
		break;
	case CPIO_DATA:
		k = MIN((u64)n, c->left);
		*err = c->sink->data(c->arg, p, k);
		c->left -= k;
		c->offset += k;
		break;
	}
	if (!*err)
		*err = data_step(c);
	return k;
}

s64 cpio_feed(struct cpio *c, const void *data, size_t n)
{
	const char *p = data;
	size_t at = 0;
	int err = 0;

	while (at < n) {
		if (c->state == CPIO_BETWEEN && p[at] && p[at] != '0')
			break;
		at += step(c, p + at, n - at, &err);
		if (err)
			return err;
	}
	return at;
}

int cpio_finish(struct cpio *c)
{
	if (c->state == CPIO_BETWEEN || (c->state == CPIO_HEADER && !c->have))
		return 0;
	return fail(c, "the archive ends in the middle of an entry");
}
