// SPDX-License-Identifier: GPL-2.0-only
/*
 * Patterns in all vector registers: Z0..Z31, P0..P15, FFR at whatever length is in force, or V0..V31 alone. Used by
 * payloads and by programs (tests/abi). Only inline assembly: no C library, no FP in the code around it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VECTORS_MAX	(256 * 32 + 32 * 17)

#define EACH_16(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) op(14) op(15)
#define EACH_32(op) EACH_16(op) op(16) op(17) op(18) op(19) op(20) op(21) op(22) op(23) op(24) op(25) op(26) op(27) \
	op(28) op(29) op(30) op(31)
#define SVE_ON		".arch_extension sve;"

/* Bytes. */
static inline unsigned sve_vl(void)
{
	uint64_t vl;

	asm volatile(SVE_ON "rdvl %0, #1" : "=r"(vl));
	return vl;
}

/* Doubleword i of register n: seed + n * 4096 + i. Predicate n: its first (seed + n) % (vl + 1) bits; FFR as n = 16. */
static inline uint64_t z_word(uint64_t seed, unsigned n, unsigned i)
{
	return seed + n * 4096 + i;
}

static inline bool p_bit(uint64_t seed, unsigned n, unsigned vl, unsigned i)
{
	return i < (seed + n) % (vl + 1);
}

#define Z_FILL(n)	"add x9, %0, #" #n ", lsl #12; index z" #n ".d, x9, #1;"
#define P_FILL(n)	"add x9, %0, #" #n "; udiv x10, x9, %1; msub x9, x10, %1, x9; whilelo p" #n ".b, xzr, x9;"

static inline void sve_fill(uint64_t seed)
{
	uint64_t mod = sve_vl() + 1;

	asm volatile(SVE_ON EACH_32(Z_FILL) "add x9, %0, #16; udiv x10, x9, %1; msub x9, x10, %1, x9;"
		     "whilelo p0.b, xzr, x9; wrffr p0.b;" EACH_16(P_FILL)
		     : : "r"(seed), "r"(mod) : "x9", "x10", "cc", "memory");
}

#define Z_STORE(n)	"str z" #n ", [%0, #" #n ", mul vl];"
#define P_STORE(n)	"str p" #n ", [x9, #" #n ", mul vl];"

/* To memory in the order Z, P, FFR; P0 is kept. */
static inline void sve_store(void *to)
{
	asm volatile(SVE_ON EACH_32(Z_STORE) "addvl x9, %0, #16; addvl x9, x9, #16;" EACH_16(P_STORE)
		     "rdffr p0.b; str p0, [x9, #16, mul vl]; ldr p0, [x9]"
		     : : "r"(to) : "x9", "memory");
}

/* First difference of what sve_store wrote from the pattern, as 1 + byte; 0: none. wide false: only V, the rest zero. */
static inline unsigned sve_compare(const void *from, unsigned vl, uint64_t seed, bool wide)
{
	const uint64_t *z = from;
	const uint8_t *p = (const uint8_t *)from + 32 * vl;
	unsigned n, i;

	for (n = 0; n < 32; n++)
		for (i = 0; i < vl / 8; i++)
			if (z[n * vl / 8 + i] != (wide || i < 2 ? z_word(seed, n, i) : 0))
				return 1 + n * vl + i * 8;
	for (n = 0; n < 17; n++)
		for (i = 0; i < vl; i++)
			if ((p[n * (vl / 8) + i / 8] >> (i % 8) & 1) != (wide && p_bit(seed, n, vl, i)))
				return 1 + 32 * vl + n * (vl / 8) + i / 8;
	return 0;
}

#define V_FILL(n)	"add x9, %0, #" #n ", lsl #12; mov v" #n ".d[0], x9; add x9, x9, #1; mov v" #n ".d[1], x9;"
#define V_STORE(n)	"str q" #n ", [%0, #" #n " * 16];"

static inline void v_fill(uint64_t seed)
{
	asm volatile(".arch_extension simd;" EACH_32(V_FILL) : : "r"(seed) : "x9", "memory");
}

static inline void v_store(void *to)
{
	asm volatile(".arch_extension simd;" EACH_32(V_STORE) : : "r"(to) : "memory");
}

static inline unsigned v_compare(const void *from, uint64_t seed)
{
	const uint64_t *v = from;
	unsigned n;

	for (n = 0; n < 64; n++)
		if (v[n] != z_word(seed, n / 2, n % 2))
			return 1 + n * 8;
	return 0;
}
