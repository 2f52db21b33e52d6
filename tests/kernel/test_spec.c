// SPDX-License-Identifier: GPL-2.0-only
/* The vectors of each CPU are those that its model wants, and each that comes from below clears the branch history first. */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/spec.h"
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/selftest.h"
#include "kernel/dev/platform.h"
#include "kernel/sched/sched.h"

#define CLRBHB		0xd50322dfU
#define LOWER		0x400UL		/* vectors of exceptions from EL1 and EL0 */
#define ENTRY		0x80UL

extern const char vectors[], vectors_loop[], vectors_clear[];
extern u64 bhb_loops;

static const char *const tables[BHB_VECTORS] = { vectors, vectors_loop, vectors_clear };

/* SUBS Xn, Xn, #1, and backwards B.NE behind it. */
static bool is_loop(const u32 *at)
{
	return (at[0] & 0xfffffc00) == 0xf1000400 && (at[0] & 0x1f) == (at[0] >> 5 & 0x1f) &&
	       (at[1] & 0xff00001f) == 0x54000001 && (at[1] & BIT(23));
}

static enum bhb_vectors clears_by(const u32 *at)
{
	unsigned i;

	for (i = 0; i < ENTRY / 4 - 1; i++) {
		if (at[i] == CLRBHB)
			return BHB_CLEAR;
		if (is_loop(at + i))
			return BHB_LOOP;
	}
	return BHB_NONE;
}

SELFTEST(spec_vectors)
{
	for (unsigned kind = 0; kind < BHB_VECTORS; kind++)
		for (unsigned half = 0; half < 2; half++)
			for (u64 at = LOWER; at < VECTORS_GUEST; at += ENTRY)
				CHECK(clears_by((const u32 *)(tables[kind] + half * VECTORS_GUEST + at)) == kind);
}

static void look(void *arg)
{
	struct spec_cpu c = spec_this_cpu();
	unsigned *wrong = arg, want = c.vectors;

	if (bootarg("bhb=loop", NULL))
		want = BHB_LOOP;
	else if (bootarg("bhb=clear", NULL))
		want = BHB_CLEAR;
	if (read_sysreg(vbar_el1) != (u64)tables[want] || (want == BHB_LOOP && bhb_loops < (c.loops ?: 1)))
		__atomic_fetch_add(wrong, 1, __ATOMIC_RELAXED);
}

SELFTEST(spec_cpus)
{
	unsigned wrong = 0;

	smp_call_all(look, &wrong);
	CHECK(wrong == 0);
}
