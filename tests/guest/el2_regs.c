// SPDX-License-Identifier: GPL-2.0-only
/* Every register of virtual EL2 that tables/sysreg.tbl has: its reset, the bits that keep what is written, UNDEF from EL1. */
#include "el2.h"
#include "el2_regs.h"

const char payload_name[] = "el2_regs";

/* What the runtime has written before this payload begins. */
static bool runtime_wrote(const char *name)
{
	static const char *const names[] = { "SCTLR_EL2", "CPTR_EL2", "TTBR0_EL2", "TCR_EL2", "MAIR_EL2", "VBAR_EL2", "SPSR_EL2",
					     "ELR_EL2", "ESR_EL2", "FAR_EL2" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		const char *a = names[i], *b = name;

		while (*a && *a == *b)
			a++, b++;
		if (*a == *b)
			return true;
	}
	return false;
}

static bool absent(const struct el2_reg *r)
{
	return nvhe && (r->flags & EL2_VHE);
}

/* Those that the payload itself stands on are written with care elsewhere. */
static bool may_write(const struct el2_reg *r)
{
	return (r->flags & EL2_PLAIN) && !absent(r) && r->key != SYSKEY(3, 4, 1, 0, 0) && r->key != SYSKEY(3, 4, 2, 0, 0) &&
	       r->key != SYSKEY(3, 4, 2, 0, 2) && r->key != SYSKEY(3, 4, 10, 2, 0);
}

/* List registers and active priorities: as many as this CPU has. */
static bool numbered_away(const char *name)
{
	return name[0] == 'I' && name[4] != 'H' && name[4] != 'V';
}

/* Their ISTATUS means nothing while they are off. */
static bool is_timer_ctl(u32 key)
{
	return key == SYSKEY(3, 4, 14, 2, 1) || key == SYSKEY(3, 4, 14, 3, 1);
}

static void resets(void)
{
	unsigned int i, n = 0, bad = 0;
	u64 val;

	for (i = 0; i < ARRAY_SIZE(el2_regs); i++) {
		const struct el2_reg *r = &el2_regs[i];

		if (!(r->flags & EL2_RESET) || !(r->flags & (EL2_PLAIN | EL2_USER)) || (r->flags & EL2_NO_READ) ||
		    runtime_wrote(r->name) || absent(r))
			continue;
		n++;
		if (sys_read(r->key, &val)) {
			n--;
			if (numbered_away(r->name))
				continue;
			fail(r->name, "its read is UNDEF");
			bad++;
		} else if ((is_timer_ctl(r->key) ? val & ~4UL : val) != r->by_e2h[nvhe].reset) {
			fail(r->name, "resets to %lx, not %lx", val, r->by_e2h[nvhe].reset);
			bad++;
		}
	}
	check(n > 25 && !bad, "values at reset", "%u of %u", bad, n);
	check(!sys_read(SYSKEY(3, 4, 0, 0, 0), &val) && val == read_sysreg(midr_el1), "VPIDR_EL2 is MIDR_EL1", "%lx", val);
	check(!sys_read(SYSKEY(3, 4, 0, 0, 5), &val) && val == read_sysreg(mpidr_el1), "VMPIDR_EL2 is MPIDR_EL1", "%lx", val);
}

static bool write_and_read(const struct el2_reg *r, u64 val)
{
	u64 keep = r->by_e2h[nvhe].keep, want = (val & keep) | r->by_e2h[nvhe].ones, got;
	bool hardware = r->flags & (nvhe ? EL2_HARDWARE_NVHE : EL2_HARDWARE);
	u64 mask = hardware || (r->flags & EL2_VNCR) ? keep : ~0UL;

	/* Hardware has its own idea of the bits that mean nothing in an address or a syndrome. */
	if (hardware)
		val &= 0xffffffffUL, want = val & keep, mask = 0xfffff000UL & keep;
	if (sys_write(r->key, val) || sys_read(r->key, &got)) {
		fail(r->name, "UNDEF");
		return false;
	}
	/* Implementation defined, and mostly nothing: AFSR0_EL2, AFSR1_EL2, AMAIR_EL2. */
	if (hardware && !got && r->name[0] == 'A')
		return true;
	if ((got ^ want) & mask) {
		fail(r->name, "%lx written, %lx read, not %lx", val, got, want);
		return false;
	}
	return true;
}

static void masks(void)
{
	static const u64 values[] = { ~0UL, 0, 0xa5a5a5a5a5a5a5a5UL, 0x5a5a5a5a5a5a5a5aUL };
	unsigned int i, j, n = 0, bad = 0;

	for (i = 0; i < ARRAY_SIZE(el2_regs); i++) {
		const struct el2_reg *r = &el2_regs[i];
		u64 old;

		if (!may_write(r) || sys_read(r->key, &old))
			continue;
		n++;
		/* The hypervisor may not run a guest, trap, or get interrupts by what is tried out. */
		for (j = 0; j < ARRAY_SIZE(values); j++)
			bad += !write_and_read(r, r->key == SYSKEY(3, 4, 1, 1, 0) ? values[j] & ~HCR_TGE :
						  r->key == SYSKEY(3, 4, 1, 1, 2) ? nvhe ? values[j] & ~(1UL << 10) : values[j] | 3 << 20 : values[j]);
		sys_write(r->key, old);
	}
	check(n > 25 && !bad, "bits that can be written", "%u of %u", bad, n);
}

static void read_only(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(el2_regs); i++) {
		const struct el2_reg *r = &el2_regs[i];
		u64 a, b;

		if (!(r->flags & EL2_NO_WRITE) || absent(r) || (r->flags & (EL2_NO_READ | EL2_PLAIN)))
			continue;
		check(!sys_read(r->key, &a) && sys_write(r->key, ~a) && !sys_read(r->key, &b) && a == b, r->name,
		      "it is not read-only");
	}
}

/* EL1 has no business with any of them: UNDEF there, at EL1's vector. */
static void from_el1(void)
{
	unsigned int i, read, bad = 0;
	struct below b;

	for (i = 0; i < ARRAY_SIZE(el2_regs); i++)
		for (read = 0; read < 2; read++) {
			const struct el2_reg *r = &el2_regs[i];
			u64 ret;

			b.eretaa = 0;
			ret = below_call(&b, EL1H, sys_code(r->key, read, 0), 0, 0);
			if (ret == BELOW_EXCEPTION + 4 && ESR_EC(read_sysreg(s3_5_c5_c2_0)) == EC_UNKNOWN)
				continue;
			fail(r->name, "%s at EL1: %lx, esr %lx", read ? "read" : "write", ret, b.esr);
			bad++;
		}
	if (!bad)
		ok("all are UNDEF at EL1");
}

/* Without E2H some are UNDEFINED at EL2, and so are the names of EL12 and EL02. */
static void vhe_only(void)
{
	static const u16 el12[] = { SYSKEY(3, 5, 1, 0, 0), SYSKEY(3, 5, 1, 0, 2), SYSKEY(3, 5, 2, 0, 0), SYSKEY(3, 5, 2, 0, 2),
				    SYSKEY(3, 5, 4, 0, 0), SYSKEY(3, 5, 4, 0, 1), SYSKEY(3, 5, 5, 2, 0), SYSKEY(3, 5, 6, 0, 0),
				    SYSKEY(3, 5, 10, 2, 0), SYSKEY(3, 5, 12, 0, 0), SYSKEY(3, 5, 14, 2, 1) };
	unsigned int i, n = 0, bad = 0;
	u64 val;

	for (i = 0; i < ARRAY_SIZE(el2_regs); i++)
		/* The hardware has the page's registers for all. */
		if (absent(&el2_regs[i]) && !(el2_regs[i].flags & EL2_VNCR)) {
			n++;
			if (!sys_read(el2_regs[i].key, &val) || !sys_write(el2_regs[i].key, 0)) {
				fail(el2_regs[i].name, "it is there without E2H");
				bad++;
			}
		}
	for (i = 0; i < ARRAY_SIZE(el12); i++)
		if (!sys_read(el12[i], &val) || !sys_write(el12[i], 0)) {
			fail("name of EL12", "%x is there without E2H", el12[i]);
			bad++;
		}
	check(n > 10 && !bad, "what needs E2H is UNDEF", "%u of %u", bad, n);
}

/* EL1's registers by their own names, which are not EL2's: what is written here is what EL1 has. */
static void el1_names(void)
{
	static const struct {
		const char *name;
		u16 el1, el2;
		u64 val;
	} pairs[] = {
		{ "ELR_EL1", SYSKEY(3, 0, 4, 0, 1), SYSKEY(3, 4, 4, 0, 1), 0x1234000 },
		{ "SPSR_EL1", SYSKEY(3, 0, 4, 0, 0), SYSKEY(3, 4, 4, 0, 0), 0x3c5 },
		{ "ESR_EL1", SYSKEY(3, 0, 5, 2, 0), SYSKEY(3, 4, 5, 2, 0), 0x2000000 },
		{ "FAR_EL1", SYSKEY(3, 0, 6, 0, 0), SYSKEY(3, 4, 6, 0, 0), 0x5678000 },
		{ "TTBR0_EL1", SYSKEY(3, 0, 2, 0, 0), SYSKEY(3, 4, 2, 0, 0), 0x42000000 },
		{ "TTBR1_EL1", SYSKEY(3, 0, 2, 0, 1), SYSKEY(3, 4, 13, 0, 2), 0x43000000 },
		{ "TCR_EL1", SYSKEY(3, 0, 2, 0, 2), SYSKEY(3, 4, 2, 0, 2), 0x12b5593519UL },
		{ "MAIR_EL1", SYSKEY(3, 0, 10, 2, 0), SYSKEY(3, 4, 10, 2, 0), 0x44ff },
		{ "VBAR_EL1", SYSKEY(3, 0, 12, 0, 0), SYSKEY(3, 4, 12, 0, 0), 0x43000000 },
		{ "CONTEXTIDR_EL1", SYSKEY(3, 0, 13, 0, 1), SYSKEY(3, 4, 13, 0, 2), 0x99 },
		{ "CPACR_EL1", SYSKEY(3, 0, 1, 0, 2), SYSKEY(3, 4, 1, 1, 2), 0x300000 },
		{ "CNTKCTL_EL1", SYSKEY(3, 0, 14, 1, 0), SYSKEY(3, 4, 14, 1, 0), 0x203 },
		{ "SP_EL1", SYSKEY(3, 4, 4, 1, 0), SYSKEY(3, 4, 13, 0, 2), 0x1000 },
	};
	struct below b = { };
	unsigned int i;
	u64 was, now, val;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		sys_read(pairs[i].el1, &val);
		sys_read(pairs[i].el2, &was);
		sys_write(pairs[i].el1, pairs[i].val);
		sys_read(pairs[i].el2, &now);
		/* The exception of an access that traps would be seen in these; reading them does not. */
		check(now == was, pairs[i].name, "EL2's was %lx, is %lx", was, now);
		sys_read(pairs[i].el1, &now);
		check_eq(now, pairs[i].val, pairs[i].name);
		/* Of what EL1 can live with: it finds the value in its register. */
		if (pairs[i].el1 >> 11 == 3 << 3 && below_call(&b, EL1H, sys_code(pairs[i].el1, true, 0), 0, 0) != BELOW_RETURN)
			fail(pairs[i].name, "its read at EL1: esr %lx", b.esr);
		else if (pairs[i].el1 >> 11 == 3 << 3)
			check_eq(b.x[0], pairs[i].val, "... and at EL1");
		sys_write(pairs[i].el1, val);
	}
}

/* One register by two names. */
static void names(void)
{
#define SAME(el1, el2, val) do {									\
	u64 old_ = read_sysreg(el2);									\
	write_sysreg(val, el1);										\
	check_eq(read_sysreg(el2), val, #el2 " is " #el1 " at EL2");					\
	write_sysreg(old_, el2);									\
} while (0)
#define OTHER(el12, el2, val) do {									\
	u64 old_ = read_sysreg(el12), was_ = read_sysreg(el2);						\
	write_sysreg(val, el12);									\
	check_eq(read_sysreg(el12), val, #el12 " keeps its value");					\
	check_eq(read_sysreg(el2), was_, #el12 " is not " #el2);					\
	write_sysreg(old_, el12);									\
} while (0)
	SAME(elr_el1, elr_el2, 0x1234000);
	SAME(spsr_el1, spsr_el2, 0x3c9);
	SAME(esr_el1, esr_el2, 0x2000000);
	SAME(far_el1, far_el2, 0x5678000);
	SAME(contextidr_el1, s3_4_c13_c0_1, 0x77);
	SAME(ttbr1_el1, s3_4_c2_c0_1, 0x41000000);
	SAME(cntkctl_el1, cnthctl_el2, 0x3);
	OTHER(s3_5_c4_c0_1, elr_el2, 0x1234000);
	OTHER(s3_5_c4_c0_0, spsr_el2, 0x3c5);
	OTHER(s3_5_c5_c2_0, esr_el2, 0x2000000);
	OTHER(s3_5_c6_c0_0, far_el2, 0x5678000);
	OTHER(s3_5_c2_c0_0, ttbr0_el2, 0x42000000);
	OTHER(s3_5_c2_c0_2, tcr_el2, 0x12b5593519UL);
	OTHER(s3_5_c1_c0_0, sctlr_el2, 0x30d00800);
	OTHER(s3_5_c10_c2_0, mair_el2, 0x44ff);
	OTHER(s3_5_c12_c0_0, vbar_el2, 0x43000000);
	OTHER(s3_5_c13_c0_1, s3_4_c13_c0_1, 0x99);
	OTHER(s3_5_c14_c1_0, cnthctl_el2, 0x3);
	OTHER(s3_5_c1_c0_2, s3_4_c1_c1_2, 0x300000);
	OTHER(sp_el1, tpidr_el2, 0x1000);
}

void payload_main(void)
{
	resets();
	masks();
	read_only();
	el2_init();
	from_el1();
	if (nvhe) {
		vhe_only();
		el1_names();
	} else {
		names();
	}
}
