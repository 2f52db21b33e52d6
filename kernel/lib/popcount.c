// SPDX-License-Identifier: GPL-2.0-only
/* What gcc calls for __builtin_popcount when it may not use vector registers. */
#include <nestbox/types.h>

int __popcountdi2(u64 v);

int __popcountdi2(u64 v)
{
	v -= v >> 1 & 0x5555555555555555UL;
	v = (v & 0x3333333333333333UL) + (v >> 2 & 0x3333333333333333UL);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0fUL;
	return v * 0x0101010101010101UL >> 56;
}
