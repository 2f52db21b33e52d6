// SPDX-License-Identifier: GPL-2.0-only
/*
 * ChaCha20 (RFC 8439) as a generator with fast key erasure: each request runs on a key that is replaced before bytes
 * are handed out. Seeds are mixed into the key. Lock: random_lock (irq-safe), innermost.
 */
#include "kernel/lib/random.h"

#include "kernel/cpu/sysreg.h"
#include "kernel/lib/string.h"
#include "kernel/sched/lock.h"

static u32 key[8];
static u64 blocks;
static bool seeded;
static spinlock_t random_lock = SPINLOCK_INIT;

static u32 rotl(u32 v, unsigned n)
{
	return v << n | v >> (32 - n);
}

static void quarter(u32 *s, unsigned a, unsigned b, unsigned c, unsigned d)
{
	s[a] += s[b]; s[d] = rotl(s[d] ^ s[a], 16);
	s[c] += s[d]; s[b] = rotl(s[b] ^ s[c], 12);
	s[a] += s[b]; s[d] = rotl(s[d] ^ s[a], 8);
	s[c] += s[d]; s[b] = rotl(s[b] ^ s[c], 7);
}

static void chacha_block(u32 out[16])
{
	u32 in[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };

	memcpy(in + 4, key, sizeof(key));
	in[12] = blocks;
	in[13] = blocks >> 32;
	blocks++;
	memcpy(out, in, sizeof(in));
	for (unsigned i = 0; i < 10; i++) {
		for (unsigned c = 0; c < 4; c++)
			quarter(out, c, 4 + c, 8 + c, 12 + c);
		for (unsigned c = 0; c < 4; c++)
			quarter(out, c, 4 + (c + 1) % 4, 8 + (c + 2) % 4, 12 + (c + 3) % 4);
	}
	for (unsigned i = 0; i < 16; i++)
		out[i] += in[i];
}

static void rekey(void)
{
	u32 b[16];

	chacha_block(b);
	memcpy(key, b, sizeof(key));
}

static void mix(const void *buf, size_t n)
{
	const u8 *p = buf;

	while (n) {
		size_t m = MIN(n, sizeof(key));

		for (size_t i = 0; i < m; i++)
			((u8 *)key)[i] ^= p[i];
		rekey();
		p += m;
		n -= m;
	}
}

/* A value of the CPU's generator (FEAT_RNG); Z set: none now. */
static bool rndr(u64 *v)
{
	u64 z;

	asm volatile("mrs %0, S3_3_C2_C4_0\n\tcset %1, eq" : "=r"(*v), "=r"(z) : : "cc");
	return !z;
}

static void gather(void)
{
	u64 v[4] = { read_sysreg(cntpct_el0), 0, 0, (u64)&v };
	bool have = FIELD_GET(GENMASK(63, 60), read_sysreg(id_aa64isar0_el1));

	if (have && rndr(&v[1]) && rndr(&v[2]))
		seeded = true;
	mix(v, sizeof(v));
}

void random_add(const void *buf, size_t n)
{
	u64 flags = spin_lock_irqsave(&random_lock);

	mix(buf, n);
	if (n >= 16)
		seeded = true;
	spin_unlock_irqrestore(&random_lock, flags);
}

void random_bytes(void *buf, size_t n)
{
	u64 flags = spin_lock_irqsave(&random_lock);
	u8 *p = buf;
	u32 b[16];

	gather();
	while (n) {
		size_t m = MIN(n, sizeof(b));

		chacha_block(b);
		memcpy(p, b, m);
		p += m;
		n -= m;
	}
	rekey();
	memset(b, 0, sizeof(b));
	asm volatile("" : : "r"(b) : "memory");
	spin_unlock_irqrestore(&random_lock, flags);
}

bool random_is_seeded(void)
{
	return READ_ONCE(seeded);
}
