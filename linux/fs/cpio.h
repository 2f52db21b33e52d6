// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpio archives in newc form, as a push parser: bytes come in pieces of any size. Pure: no allocation, no kernel.
 * Format: Linux's Documentation/driver-api/early-userspace/buffer-format.rst.
 */
#pragma once

#include <nestbox/types.h>

#define CPIO_NAME_MAX	4096	/* with the NUL */

struct cpio_entry {
	u32 ino, mode, uid, gid, nlink, mtime;
	u32 size;
	u32 devmajor, devminor, rdevmajor, rdevminor;
	const char *name;	/* NUL-terminated, valid during the call */
};

/* Callbacks return 0 or -errno, which ends the parse. */
struct cpio_sink {
	int (*entry)(void *arg, const struct cpio_entry *e);
	int (*data)(void *arg, const void *p, size_t n);	/* pieces of the entry's contents, in order */
	int (*done)(void *arg);					/* the entry is complete */
	int (*trailer)(void *arg);				/* the archive is; another may follow */
};

enum cpio_state { CPIO_BETWEEN, CPIO_HEADER, CPIO_NAME, CPIO_NAME_PAD, CPIO_DATA, CPIO_DATA_PAD };

struct cpio {
	const struct cpio_sink *sink;
	void *arg;
	enum cpio_state state;
	u64 offset;		/* in this archive */
	size_t have;		/* bytes collected of header or name */
	u32 namesize;
	u64 left;		/* data still to come */
	struct cpio_entry e;
	char header[110];
	char name[CPIO_NAME_MAX];
	const char *error;	/* what is wrong, after -EINVAL */
};

void cpio_init(struct cpio *c, const struct cpio_sink *sink, void *arg);
/*
 * Bytes taken, or -errno. Fewer than n only between archives, at a byte that is neither padding nor the start of one:
 * the caller decides what it is.
 */
s64 cpio_feed(struct cpio *c, const void *p, size_t n);
/* No more input: 0, or -EINVAL in the middle of an archive. */
int cpio_finish(struct cpio *c);
