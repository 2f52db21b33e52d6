// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random bytes: ChaCha20 generator seeded from RNDR, the device tree's rng-seed, or counter jitter; says at boot
 * which. Owner: kernel/lib/random.c. Any context.
 */
#pragma once

#include <nestbox/types.h>

void random_bytes(void *buf, size_t n);
void random_add(const void *buf, size_t n);
bool random_is_seeded(void);	/* false: only timer jitter */
