// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every row of tables/nvtrap.tbl: with the control bit of the guest hypervisor armed, its guest's access comes to virtual
 * EL2 with the syndrome that the manual gives; without, it does not. What is UNDEFINED without the trap is so with it.
 */
#include "el2.h"
#include "nvtrap_bits_gen.h"

const char payload_name[] = "el2_traps";

struct trap {
	const char *name;
	u16 control;
	u8 bit, set, access;	/* access: 1 reads, 2 writes */
	u16 key;
};

static const struct trap traps[] = {
#include "el2_traps_gen.h"
};

#define HCR		SYSKEY(3, 4, 1, 1, 0)
#define CPTR		SYSKEY(3, 4, 1, 1, 2)
#define CNTHCTL		SYSKEY(3, 4, 14, 1, 0)
#define ICH_HCR		SYSKEY(3, 4, 12, 11, 0)
#define HCRX		SYSKEY(3, 4, 1, 2, 2)
#define HFGRTR		SYSKEY(3, 4, 1, 1, 4)
#define HFGWTR		SYSKEY(3, 4, 1, 1, 5)
#define HFGITR		SYSKEY(3, 4, 1, 1, 6)
#define HDFGRTR		SYSKEY(3, 4, 3, 1, 4)
#define HDFGWTR		SYSKEY(3, 4, 3, 1, 5)
#define HFGITR_VMALLE1IS 28
#define HFGITR_ERET	51
#define HFGITR_SVC_EL0	52
#define HFGITR_SVC_EL1	53
#define HCRX_FGTNXS	4
#define HCRX_MCE2	10
#define HCRX_MSCEN	11
#define EC_MOPS		0x27
#define INSN_RET	0xd65f03c0
#define PSR_C		(1UL << 29)

static char buffer[64] __attribute__((aligned(64)));
static struct below b;
static unsigned int trapped, absent, bad;

/* The controls, as they trap nothing, with E2H. ICH_HCR_EL2 is about the virtual CPU interface, or without IMO the physical one. */
static const struct {
	u16 key;
	u64 open;
} controls[] = {
	{ HCR, 0 },	/* not constant, and neither is this: see open_value */
	{ CPTR, 0 },
	{ SYSKEY(3, 4, 1, 1, 1), 31 },	/* MDCR_EL2: all counters are EL1's */
	{ CNTHCTL, 3 << 10 },
	{ ICH_HCR, 0 },
	{ HCRX, NVTRAP_HCRX_EL2_CLEAR },
	{ HFGRTR, NVTRAP_HFGRTR_EL2_CLEAR },
	{ HFGWTR, NVTRAP_HFGWTR_EL2_CLEAR },
	{ HFGITR, 0 },
	{ HDFGRTR, 0 },
	{ HDFGWTR, 0 },
};

static u64 open_value(unsigned int i)
{
	u16 key = controls[i].key;

	return key == HCR ? HCR_BELOW : key == CPTR ? CPTR_OPEN : key == CNTHCTL && nvhe ? 3 : controls[i].open;
}

static void controls_clear(u64 hcr)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(controls); i++)
		sys_write(controls[i].key, open_value(i) | (controls[i].key == HCR ? hcr : 0));
}

static void control_arm(u16 key, unsigned int bit, bool set, u64 hcr)
{
	u64 val = key == HCR ? hcr : 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(controls); i++)
		if (controls[i].key == key)
			val |= open_value(i);
	/* The tables have CNTHCTL_EL2 as with E2H: without, EL1PCTEN and EL1PTEN are ten bits lower. */
	if (nvhe && key == CNTHCTL && bit < 12)
		bit -= 10;
	sys_write(key, set ? val | 1UL << bit : val & ~(1UL << bit));
}

enum outcome { DONE, UNDEF, TRAPPED, STRANGE };

static enum outcome access(const struct trap *t, bool read, u64 val)
{
	/* Instructions of which many take no register have XZR. */
	unsigned int rt = t->key >> 11 == 1 << 3 ? 31 : 0;
	const void *code = sys_code(t->key, read, rt);
	u64 ret = below_call(&b, EL1H, code, val, 0);

	if (ret == BELOW_RETURN)
		return DONE;
	/* In the space of the ID registers the class may say which one (FEAT_IDST). */
	if (ret == BELOW_EXCEPTION + 4 && (ESR_EC(read_sysreg(s3_5_c5_c2_0)) == EC_UNKNOWN ||
					   (t->key >> 14 == 3 && !(t->key >> 7 & 15) && ESR_EC(read_sysreg(s3_5_c5_c2_0)) == EC_SYS)))
		return UNDEF;
	if (!ret && b.kind == KIND_SYNC && b.pc == (u64)code && b.esr == (0x62000000UL | sys_iss(t->key, read, rt)) &&
	    b.pstate == EL1H)
		return TRAPPED;
	return STRANGE;
}

/* HCR_EL2.{NV,AT}: RES0 for a guest without FEAT_NV, as one without E2H is. */
static bool reserved(const struct trap *t)
{
	return nvhe && t->control == HCR && (t->bit == 42 || t->bit == 44);
}

static void one(const struct trap *t, bool read, u64 hcr)
{
	enum outcome without, with;
	u64 val = t->key >> 14 == 1 ? (u64)buffer : 0;	/* cache maintenance by address */

	controls_clear(hcr);
	/* Write back what is there. */
	if (!read && access(t, true, 0) == DONE)
		val = b.x[0];
	without = access(t, read, val);
	control_arm(t->control, t->bit, t->set, hcr);
	with = access(t, read, val);
	if (with == TRAPPED && (without == DONE || (without == UNDEF && (t->key >> 7 & 11) == 11))) {
		trapped++;
	} else if (reserved(t) ? with == without && with != TRAPPED : without == UNDEF && with == UNDEF) {
		absent++;
	} else {
		bad++;
		fail(t->name, "bit %u, %s of %u,%u,%u,%u,%u: without %u, with %u (kind %lu esr %lx pc %lx)", t->bit,
		     read ? "read" : "write", t->key >> 14, t->key >> 11 & 7, t->key >> 7 & 15, t->key >> 3 & 15, t->key & 7,
		     without, with, b.kind, b.esr, b.pc);
	}
}

/* ---- instructions with a class of their own ---- */

extern char below_return[];

/* One instruction at @pstate: it comes to EL2 with @esr while the bit is armed, else it ends as @without. */
static void instruction(const char *name, u32 insn, u64 pstate, u16 control, unsigned int bit, u64 esr, u64 without)
{
	u32 insns[2] = { insn, INSN_RET };
	const void *fn;
	u64 ret, armed;

	controls_clear(0);
	/* Where ERET goes. */
	write_sysreg(below_return, s3_5_c4_c0_1);
	write_sysreg(pstate, s3_5_c4_c0_0);
	ret = below_call(&b, pstate, code_of(insns, 2), (u64)buffer, 0);
	control_arm(control, bit, true, 0);
	fn = code_of(insns, 2);		/* control_arm has used its memory */
	armed = below_call(&b, pstate, fn, (u64)buffer, 0);
	check(ret == without && !armed && b.kind == KIND_SYNC && b.esr == esr && b.pc == (u64)fn && b.pstate == pstate, name,
	      "%lx, and trapped %lx esr %lx pc %lx (at %lx) pstate %lx", ret, armed, b.esr, b.pc, (u64)fn, b.pstate);
	controls_clear(0);
}

static void instructions(void)
{
	instruction("HFGITR_EL2.SVC_EL1", 0xd4000001 | 0x123 << 5, EL1H, HFGITR, HFGITR_SVC_EL1, 0x56000123, BELOW_EXCEPTION + 4);
	instruction("HFGITR_EL2.SVC_EL0", 0xd4000001 | 0x55 << 5, EL0T, HFGITR, HFGITR_SVC_EL0, 0x56000055, BELOW_EXCEPTION + 8);
	instruction("HFGITR_EL2.ERET", 0xd69f03e0, EL1H, HFGITR, HFGITR_ERET, 0x6a000000, BELOW_RETURN);
}

static bool has_mops(void)
{
	return read_sysreg(s3_0_c0_c6_2) >> 16 & 0xf;
}

/* SETP [X0]!, X1!, X2 needs HCRX_EL2.MSCEn; SETM, in the middle of an algorithm that is not this CPU's, goes to EL1 or EL2. */
static void memory_set(void)
{
	u32 setp[2] = { 0x19c20420, INSN_RET }, setm[2] = { 0x19c24420, INSN_RET };
	u64 off, on, to_el1, to_el2, esr;

	if (!has_mops())
		return;
	controls_clear(0);
	on = below_call(&b, EL1H, code_of(setp, 2), (u64)buffer, 0);
	control_arm(HCRX, HCRX_MSCEN, false, 0);
	off = below_call(&b, EL1H, code_of(setp, 2), (u64)buffer, 0);
	check(on == BELOW_RETURN && off == BELOW_EXCEPTION + 4 && ESR_EC(read_sysreg(s3_5_c5_c2_0)) == EC_UNKNOWN,
	      "HCRX_EL2.MSCEn", "with %lx, without %lx", on, off);
	controls_clear(0);
	to_el1 = below_call(&b, EL1H | PSR_C, code_of(setm, 2), (u64)buffer, 64);
	esr = read_sysreg(s3_5_c5_c2_0);
	control_arm(HCRX, HCRX_MCE2, true, 0);
	to_el2 = below_call(&b, EL1H | PSR_C, code_of(setm, 2), (u64)buffer, 64);
	check(to_el1 == BELOW_EXCEPTION + 4 && ESR_EC(esr) == EC_MOPS && !to_el2 && b.esr == esr, "HCRX_EL2.MCE2",
	      "%lx esr %lx, with %lx esr %lx", to_el1, esr, to_el2, b.esr);
	controls_clear(0);
}

/* TLBI VMALLE1ISNXS: with FGTnXS the fine-grained trap of VMALLE1IS leaves it alone. */
static void nxs(void)
{
	u32 key = SYSKEY(1, 0, 9, 3, 0);
	u64 trapped_esr, exempt;

	if (!(read_sysreg(s3_0_c0_c6_1) >> 56 & 0xf))
		return;
	controls_clear(0);
	control_arm(HFGITR, HFGITR_VMALLE1IS, true, 0);
	(void)below_call(&b, EL1H, sys_code(key, false, 31), 0, 0);
	trapped_esr = b.esr;
	control_arm(HCRX, HCRX_FGTNXS, true, 0);
	exempt = below_call(&b, EL1H, sys_code(key, false, 31), 0, 0);
	check(ESR_EC(trapped_esr) == EC_SYS && exempt == BELOW_RETURN, "HCRX_EL2.FGTnXS", "esr %lx, then %lx", trapped_esr, exempt);
	controls_clear(0);
}

/* ICC_SGI1R_EL1, ICC_ASGI1R_EL1, ICC_SGI0R_EL1: HCR_EL2.IMO and FMO trap them by themselves. */
static bool is_sgi(u16 key)
{
	return key >= SYSKEY(3, 0, 12, 11, 5) && key <= SYSKEY(3, 0, 12, 11, 7);
}

void payload_main(void)
{
	unsigned int i;

	el2_init();
	gic_init();
	gic_init_cpu();
	for (i = 0; i < ARRAY_SIZE(traps); i++) {
		const struct trap *t = &traps[i];
		unsigned int virt, ways = t->control == ICH_HCR && !is_sgi(t->key) ? 2 : 1;

		for (virt = 0; virt < ways; virt++) {
			if (t->access & 1)
				one(t, true, virt ? HCR_IMO | HCR_FMO : 0);
			if (t->access & 2)
				one(t, false, virt ? HCR_IMO | HCR_FMO : 0);
		}
	}
	controls_clear(0);
	print("# %u trapped, %u not there\n", trapped, absent);
	check(!bad && trapped > 450, "traps", "%u of %u", bad, trapped);
	instructions();
	memory_set();
	nxs();
}
