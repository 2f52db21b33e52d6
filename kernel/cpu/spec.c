// SPDX-License-Identifier: GPL-2.0-only
/* What is known of CPU models and speculation, and the choice of vectors; see spec.h. No locks. */
#include "kernel/cpu/spec.h"

#ifndef NATIVE
#include "kernel/cpu/sysreg.h"
#include "kernel/dev/platform.h"
#endif

#define MIDR(implementer, part)	((u64)(implementer) << 24 | (u64)(part) << 4)
#define MIDR_MODEL	(0xffUL << 24 | 0xfffUL << 4)

/*
 * In-order or otherwise immune cores, and how many branches overwrite the history of those that are not: from Arm's and
 * the makers' lists. Who is not here has what its ID registers say.
 */
static const struct {
	u64 model;
	bool v2, v4, bhb;
	u8 loops;
} models[] = {
	{ MIDR('A', 0xd03), true, true, true, 0 },		/* Cortex-A53 */
	{ MIDR('A', 0xd04), true, true, true, 0 },		/* Cortex-A35 */
	{ MIDR('A', 0xd05), true, true, true, 0 },		/* Cortex-A55 */
	{ MIDR('A', 0xd46), .bhb = true },		/* Cortex-A510 */
	{ MIDR('A', 0xd80), .bhb = true },		/* Cortex-A520 */
	{ MIDR('B', 0x100), true, true, true, 0 },		/* Brahma-B53 */
	{ MIDR('Q', 0x801), .v2 = true, .bhb = true },	/* Kryo 2xx silver */
	{ MIDR('Q', 0x803), true, true, true, 0 },		/* Kryo 3xx silver */
	{ MIDR('Q', 0x805), true, true, true, 0 },		/* Kryo 4xx silver */
	{ MIDR('A', 0xd07), .loops = 8 },		/* Cortex-A57 */
	{ MIDR('A', 0xd08), .loops = 8 },		/* Cortex-A72 */
	{ MIDR('A', 0xd0b), .loops = 24 },		/* Cortex-A76 */
	{ MIDR('A', 0xd0c), .loops = 24 },		/* Neoverse N1 */
	{ MIDR('A', 0xd0d), .loops = 24 },		/* Cortex-A77 */
	{ MIDR('A', 0xd0e), .loops = 24 },		/* Cortex-A76AE */
	{ MIDR('A', 0xd40), .loops = 32 },		/* Neoverse V1 */
	{ MIDR('A', 0xd41), .loops = 32 },		/* Cortex-A78 */
	{ MIDR('A', 0xd42), .loops = 32 },		/* Cortex-A78AE */
	{ MIDR('A', 0xd44), .loops = 32 },		/* Cortex-X1 */
	{ MIDR('A', 0xd47), .loops = 32 },		/* Cortex-A710 */
	{ MIDR('A', 0xd48), .loops = 32 },		/* Cortex-X2 */
	{ MIDR('A', 0xd49), .loops = 32 },		/* Neoverse N2 */
	{ MIDR('A', 0xd4b), .loops = 32 },		/* Cortex-A78C */
	{ MIDR('A', 0xd4c), .loops = 32 },		/* Cortex-X1C */
	{ MIDR('A', 0xd4d), .loops = 38 },		/* Cortex-A715 */
	{ MIDR('A', 0xd4e), .loops = 132 },		/* Cortex-X3 */
	{ MIDR('A', 0xd4f), .loops = 132 },		/* Neoverse V2 */
	{ MIDR('A', 0xd81), .loops = 38 },		/* Cortex-A720 */
	{ MIDR('H', 0xd01), .v2 = true, .loops = 32 },	/* TSV110 */
	{ MIDR('H', 0xd02), .loops = 24 },		/* HIP09 */
	{ MIDR('Q', 0x804), .loops = 24 },		/* Kryo 4xx gold */
	{ MIDR(0xc0, 0xac3), .loops = 11 },		/* AmpereOne */
};

static unsigned field(u64 reg, unsigned lsb)
{
	return reg >> lsb & 0xf;
}

/* A CPU that the simpler attack works on is open to this one too, so clearing alone would be for nothing. */
static void bhb_of(const struct spec_ids *id, struct spec_cpu *c)
{
	if (c->bhb == BHB_SAFE || !c->v2_safe)
		return;
	if (field(id->mmfr1, 60)) {		/* ECBHB */
		c->bhb = BHB_CLEARED;
	} else if (field(id->isar2, 28)) {	/* CLRBHB */
		c->bhb = BHB_CLEARED;
		c->vectors = BHB_CLEAR;
	} else if (c->loops) {
		c->bhb = BHB_CLEARED;
		c->vectors = BHB_LOOP;
	}
}

struct spec_cpu spec_of(const struct spec_ids *id)
{
	unsigned csv2 = field(id->pfr0, 56), i;
	struct spec_cpu c = {
		.v2_safe = csv2 >= 1,
		.bhb = csv2 >= 3 ? BHB_SAFE : BHB_OPEN,	/* FEAT_CSV2_3 */
		.ssbs = field(id->pfr1, 4),
	};

	for (i = 0; i < ARRAY_SIZE(models); i++) {
		if ((id->midr & MIDR_MODEL) != models[i].model)
			continue;
		c.v2_safe |= models[i].v2;
		c.v4_safe = models[i].v4;
		if (models[i].bhb)
			c.bhb = BHB_SAFE;
		c.loops = models[i].loops;
	}
	bhb_of(id, &c);
	return c;
}

struct spec_cpu spec_least(struct spec_cpu a, struct spec_cpu b)
{
	return (struct spec_cpu){
		.v2_safe = a.v2_safe && b.v2_safe,
		.v4_safe = a.v4_safe && b.v4_safe,
		.ssbs = (a.ssbs || a.v4_safe) && (b.ssbs || b.v4_safe),
		.bhb = a.bhb < b.bhb ? a.bhb : b.bhb,
	};
}

#ifndef NATIVE

#define TEST_LOOPS	32

extern const char vectors[], vectors_loop[], vectors_clear[];
/* For the vectors that loop, on all CPUs that have them: as often as the neediest wants. Never 0 when these are in use. */
extern u64 bhb_loops;
u64 bhb_loops;

struct spec_cpu spec_this_cpu(void)
{
	struct spec_ids id = {
		.midr = read_sysreg(midr_el1),
		.pfr0 = read_sysreg(id_aa64pfr0_el1),
		.pfr1 = read_sysreg(id_aa64pfr1_el1),
		.mmfr1 = read_sysreg(id_aa64mmfr1_el1),
		.isar2 = read_sysreg(S3_0_C0_C6_2),
	};

	return spec_of(&id);
}

static void loops_at_least(u64 n)
{
	u64 old = __atomic_load_n(&bhb_loops, __ATOMIC_RELAXED);

	while (old < n && !__atomic_compare_exchange_n(&bhb_loops, &old, n, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static const struct {
	const char *table, *name;
} kinds[BHB_VECTORS] = {
	[BHB_NONE] = { vectors, "" },
	[BHB_LOOP] = { vectors_loop, ", BHB loop" },
	[BHB_CLEAR] = { vectors_clear, ", BHB clear" },
};

void spec_init_this(void)
{
	struct spec_cpu c = spec_this_cpu();

	if (bootarg("bhb=loop", NULL)) {
		c.vectors = BHB_LOOP;
		c.loops = TEST_LOOPS;
	} else if (bootarg("bhb=clear", NULL)) {
		c.vectors = BHB_CLEAR;
	}
	if (c.vectors == BHB_LOOP)
		loops_at_least(c.loops);
	write_sysreg(kinds[c.vectors].table, vbar_el1);	/* EL2's, as E2H is set */
	isb();
}

const char *spec_vectors_name(void)
{
	const char *now = (const char *)(read_sysreg(vbar_el1) & ~VECTORS_GUEST);
	unsigned i;

	for (i = BHB_NONE; i < BHB_VECTORS - 1 && kinds[i].table != now; i++)
		;
	return kinds[i].name;
}

#endif
