// link: linux/process/elf.c
// SPDX-License-Identifier: GPL-2.0-only
/* Any bytes as an ELF file: what the parser lets through must be safe to map. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "linux/process/elf.h"

static void check(const struct elf_info *e, u64 size)
{
	u64 last = 0;
	unsigned i;

	assert(e->nsegs >= 1 && e->nsegs <= ELF_MAX_SEGMENTS);
	for (i = 0; i < e->nsegs; i++) {
		const struct elf_segment *s = &e->seg[i];

		assert(s->vaddr % PAGE_SIZE == 0 && s->offset % PAGE_SIZE == 0);
		assert(s->vaddr >= last && s->mem_len >= s->file_len && s->mem_len);
		assert(s->file_len <= size && s->offset <= size && s->offset + s->file_len <= size);
		assert(s->vaddr < ELF_USER_END && s->mem_len <= ELF_USER_END - s->vaddr);
		last = s->vaddr + s->mem_len;
	}
	assert(e->low == e->seg[0].vaddr && e->high >= last && e->high <= ELF_USER_END);
	assert(e->interp_len <= ELF_INTERP_MAX && e->interp_off + e->interp_len <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Random bytes would never pass the first test: supply the fixed part of a header. */
	static const uint8_t good[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	uint8_t buf[4096];
	struct elf_info e;
	size_t n = size < sizeof(buf) ? size : sizeof(buf);

	memcpy(buf, data, n);
	if (n >= 64 && (buf[0] & 1)) {
		memcpy(buf, good, sizeof(good));
		buf[16] = 2 + (buf[16] & 1);
		buf[17] = 0;
		buf[18] = 183;
		buf[19] = 0;
		memset(buf + 32, 0, 8);
		buf[32] = 64;		/* phoff */
		buf[54] = 56;		/* phentsize */
		buf[55] = 0;
		buf[56] = 1 + buf[56] % 4;
		buf[57] = 0;
	}
	if (elf_parse_header(buf, n, &e))
		return 0;
	if (e.phoff > n || e.phlen > n - e.phoff)
		return 0;
	if (!elf_parse_segments(buf + e.phoff, n, &e))
		check(&e, n);
	return 0;
}
