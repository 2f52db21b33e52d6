// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every row of tables/nvtrap.tbl: with the control bit of the guest hypervisor armed, its guest's access comes to virtual
 * EL2 with the syndrome that the manual gives; without, it does not. What is UNDEFINED without the trap is so with it.
 */
#include "el2.h"

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
#define CNTHCTL_OPEN	(3UL << 10)

static char buffer[64] __attribute__((aligned(64)));
static struct below b;
static unsigned int trapped, absent, bad;

/* All controls as they trap nothing. ICH_HCR_EL2 is about the virtual CPU interface, or without IMO the physical one. */
static void controls_clear(u64 hcr)
{
	sys_write(HCR, HCR_BELOW | hcr);
	sys_write(CPTR, 3 << 20);
	sys_write(SYSKEY(3, 4, 1, 1, 1), 0);
	sys_write(CNTHCTL, CNTHCTL_OPEN);
	sys_write(ICH_HCR, 0);
}

static void control_arm(const struct trap *t, u64 hcr)
{
	u64 val = t->control == HCR ? HCR_BELOW | hcr : t->control == CPTR ? 3 << 20 : t->control == CNTHCTL ? CNTHCTL_OPEN : 0;

	val = t->set ? val | 1UL << t->bit : val & ~(1UL << t->bit);
	sys_write(t->control, val);
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

static void one(const struct trap *t, bool read, u64 hcr)
{
	enum outcome without, with;
	u64 val = t->key >> 14 == 1 ? (u64)buffer : 0;	/* cache maintenance by address */

	controls_clear(hcr);
	/* Write back what is there. */
	if (!read && access(t, true, 0) == DONE)
		val = b.x[0];
	without = access(t, read, val);
	control_arm(t, hcr);
	with = access(t, read, val);
	if (with == TRAPPED && (without == DONE || (without == UNDEF && (t->key >> 7 & 11) == 11))) {
		trapped++;
	} else if (without == UNDEF && with == UNDEF) {
		absent++;
	} else {
		bad++;
		fail(t->name, "bit %u, %s of %u,%u,%u,%u,%u: without %u, with %u (kind %lu esr %lx pc %lx)", t->bit,
		     read ? "read" : "write", t->key >> 14, t->key >> 11 & 7, t->key >> 7 & 15, t->key >> 3 & 15, t->key & 7,
		     without, with, b.kind, b.esr, b.pc);
	}
}

void payload_main(void)
{
	unsigned int i;

	el2_init();
	gic_init();
	gic_init_cpu();
	for (i = 0; i < ARRAY_SIZE(traps); i++) {
		const struct trap *t = &traps[i];
		unsigned int virt;

		for (virt = 0; virt < 1 + (t->control == ICH_HCR); virt++) {
			if (t->access & 1)
				one(t, true, virt ? HCR_IMO | HCR_FMO : 0);
			if (t->access & 2)
				one(t, false, virt ? HCR_IMO | HCR_FMO : 0);
		}
	}
	controls_clear(0);
	print("# %u trapped, %u not there\n", trapped, absent);
	check(!bad && trapped > 150, "traps", "%u of %u", bad, trapped);
}
