// SPDX-License-Identifier: GPL-2.0-only
/* The bytes of a fuzzer, taken from the front; behind the end there are zeroes. */
#pragma once

#include <nestbox/types.h>
#include <stdint.h>

struct input {
	const uint8_t *p, *end;
};

static inline u64 take(struct input *in, unsigned n)
{
	u64 val = 0;

	while (n-- && in->p < in->end)
		val = val << 8 | *in->p++;
	return val;
}
