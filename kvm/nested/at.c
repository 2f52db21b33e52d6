// SPDX-License-Identifier: GPL-2.0-only
/*
 * AT instructions of a guest hypervisor: walked in software, since they may be about its guest, whose registers are in
 * the VNCR page, or meet tables that no stage 2 of ours maps yet. Arm ARM C5.4 (AT), D19.2.116 (PAR_EL1).
 */
#include "kernel/cpu/sysreg.h"
#include "kvm/features.h"
#include "kvm/nested/nested.h"
#include "kvm/nested/walk.h"
#include "kvm/trap/trap.h"

#define PAR_F		BIT(0)
#define PAR_PTW		BIT(8)
#define PAR_S		BIT(9)
#define PAR_RES1	BIT(11)
#define PAR_SH(sh)	((u64)(sh) << 7)
#define TCR_HA		BIT(39)
#define TCR_HD		BIT(40)
#define TCR_TBI(high)	BIT((high) ? 38 : 37)
#define SCTLR_C		BIT(2)
#define ATTR_WB		0xffUL
#define ATTR_NC		0x44UL
#define HALF_NC		4UL		/* of an attribute: inner or outer */
#define HALF_WT		0xbUL		/* what write-through leaves of any */
#define SH_NONE		0U
#define SH_OUTER	2U
#define FWB_WB		6U		/* MemAttr with HCR_EL2.FWB: write-back, whatever stage 1 says; as stage 1 says */
#define FWB_STAGE1	7U

int nested_walk_stage2(struct vcpu *v, u64 ipa, struct walk_result *res);

struct at {
	struct vcpu *v;
	bool hyp;		/* EL2&0 regime, else EL1&0 of the guest */
	bool op;		/* an AT instruction, not the walk of an access */
	bool el0, write, pan, stage2;
	u64 par_fault;		/* of a failed stage 2 */
	u64 attr;		/* what stage 1 says, then both: as in MAIR_EL1 */
	unsigned sh;
};

static u64 fault_par(int fsc, bool stage2, bool walk)
{
	return PAR_F | PAR_RES1 | (u64)fsc << 1 | (stage2 ? PAR_S : 0) | (walk ? PAR_PTW : 0);
}

/* A descriptor of stage 1: its address is the guest's, unless the hypervisor's own. */
static int read_stage1(void *arg, u64 addr, u64 *desc)
{
	struct at *at = arg;
	struct walk_result r;
	int fsc;

	if (!at->hyp && (nested_hcr(at->v) & (HCR_VM | HCR_DC))) {
		fsc = nested_walk_stage2(at->v, addr, &r);
		if (!fsc && !r.r)
			fsc = WALK_PERMISSION | (int)r.level;
		if (fsc) {
			at->par_fault = fault_par(fsc, true, true);
			return WALK_EXTERNAL;
		}
		addr = r.out;
	}
	return guest_read(at->v->vm, IPA(addr), desc, sizeof(*desc)) ? WALK_EXTERNAL : 0;
}

static u64 stage1_reg(const struct at *at, enum reg el1, enum reg el2)
{
	return reg_read(at->v, at->hyp ? el2 : el1);
}

static bool permitted(const struct at *at, const struct walk_result *r)
{
	if (at->el0)
		return at->write ? r->w0 : r->r0;
	if (at->pan && (at->v->regs.pstate & BIT(22)) && r->r0)
		return false;
	return at->write ? r->w : r->r;
}

static bool attr_is_device(u64 attr)
{
	return !(attr & 0xf0);
}

/* One half of an attribute of normal memory, with MemAttr's for it: 1 not cacheable, 2 write-through, 3 write-back. */
static u64 half_combine(u64 half, unsigned s2)
{
	return s2 == 1 || half == HALF_NC ? HALF_NC : s2 == 2 ? half & HALF_WT : half;
}

/* S2CombineS1MemAttrs */
static u64 attr_combine(u64 attr, unsigned s2, bool fwb)
{
	u64 device = (u64)s2 << 2;

	if (fwb && s2 >= FWB_WB)
		return s2 == FWB_WB ? ATTR_WB : attr;
	if (s2 >> 2)
		return attr_is_device(attr) ? attr : half_combine(attr >> 4, s2 >> 2) << 4 | half_combine(attr & 0xf, s2 & 3);
	return attr_is_device(attr) ? MIN(attr, device) : device;
}

static void stage2_attributes(struct at *at, u64 desc)
{
	unsigned sh = desc >> 8 & 3;

	at->attr = attr_combine(at->attr, desc >> 2 & 0xf, nested_hcr(at->v) & HCR_FWB);
	if (at->sh == SH_OUTER || sh == SH_OUTER)
		at->sh = SH_OUTER;
	else
		at->sh |= sh;
}

/* Through the hypervisor's stage 2, for AT S12E*. */
static u64 stage2_par(struct at *at, u64 ipa)
{
	struct walk_result r;
	int fsc;

	if (at->stage2 && (nested_hcr(at->v) & (HCR_VM | HCR_DC))) {
		fsc = nested_walk_stage2(at->v, ipa, &r);
		if (!fsc && !(at->write ? r.w : r.r))
			fsc = WALK_PERMISSION | (int)r.level;
		if (fsc)
			return fault_par(fsc, true, false);
		ipa = r.out;
		stage2_attributes(at, r.desc);
	}
	if (attr_is_device(at->attr) || at->attr == ATTR_NC)
		at->sh = SH_OUTER;
	return (ipa & GENMASK(51, 12)) | at->attr << 56 | PAR_RES1 | PAR_SH(at->sh);
}

static u64 tcr_of(const struct at *at)
{
	u64 tcr = stage1_reg(at, REG_TCR_EL1, REG_TCR_EL2);

	return at->hyp && at->v->nested->nvhe ? nvhe_tcr(tcr) : tcr;
}

/* Stage 1. 0, or a fault status code; at->par_fault: or what a stage 2 said to the walk. */
static int walk_stage1(struct at *at, u64 va, struct walk_result *r)
{
	u64 tcr = tcr_of(at), in;
	struct walk w = { .read = read_stage1, .arg = at };

	*r = (struct walk_result){};
	if (!walk_stage1_setup(&w, tcr, stage1_reg(at, REG_TTBR0_EL1, REG_TTBR0_EL2),
			       stage1_reg(at, REG_TTBR1_EL1, REG_TTBR1_EL2), stage1_reg(at, REG_SCTLR_EL1, REG_SCTLR_EL2),
			       host.ipa_bits, va, &in))
		return WALK_TRANSLATION;
	/* Neither AT nor VNCR_EL2 sets the flags in the descriptor: clean pages are read-only for VNCR_EL2. */
	w.ha = nested_updates(at->v, tcr & TCR_HA, 1);
	w.hd = at->op && w.ha && nested_updates(at->v, tcr & TCR_HD, 2);
	return walk_tables(&w, in, r);
}

int nested_walk_own(struct vcpu *v, u64 va, struct walk_result *r)
{
	struct at at = { .v = v, .hyp = true };

	if (reg_read(v, REG_SCTLR_EL2) & BIT(0))
		return walk_stage1(&at, va, r);
	*r = (struct walk_result){ .out = va, .size = PAGE_SIZE, .r = true, .w = true };
	return 0;
}

/* No stage 1: device memory, or normal by HCR_EL2.DC. S1DisabledOutput */
static u64 bare(struct at *at, u64 va)
{
	bool dc = !at->hyp && (nested_hcr(at->v) & HCR_DC);

	if (tcr_of(at) & TCR_TBI(va & BIT(55)))
		va &= GENMASK(55, 0);
	if (va >> host.ipa_bits)
		return fault_par(WALK_ADDRESS_SIZE, false, false);
	at->attr = dc ? ATTR_WB : 0;
	at->sh = dc ? SH_NONE : SH_OUTER;
	return stage2_par(at, va);
}

static u64 translate(struct at *at, u64 va)
{
	u64 sctlr = stage1_reg(at, REG_SCTLR_EL1, REG_SCTLR_EL2);
	struct walk_result r;
	int fsc;

	if (!(sctlr & BIT(0)) || (!at->hyp && (nested_hcr(at->v) & (HCR_DC | HCR_TGE))))
		return bare(at, va);
	fsc = walk_stage1(at, va, &r);
	if (r.table_fault && at->par_fault)
		return at->par_fault;
	if (!fsc && !permitted(at, &r))
		fsc = WALK_PERMISSION | (int)r.level;
	if (fsc)
		return fault_par(fsc, false, false);
	at->attr = stage1_reg(at, REG_MAIR_EL1, REG_MAIR_EL2) >> (8 * (r.desc >> 2 & 7)) & 0xff;
	if (!(sctlr & SCTLR_C) && !attr_is_device(at->attr))
		at->attr = ATTR_NC;
	at->sh = r.desc >> 8 & 3;
	return stage2_par(at, r.out);
}

enum trap_result nested_at(struct vcpu *v, u64 esr)
{
	unsigned op1 = esr >> 14 & 7, crm = esr >> 1 & 15, op2 = esr >> 17 & 7;
	struct at at = { .v = v, .op = true, .write = op2 & 1 };

	if (op1 == 0 && (crm == 8 ? op2 <= 3 : crm == 9 && op2 <= 1)) {
		/* S1E1R, S1E1W, S1E0R, S1E0W; S1E1RP, S1E1WP. With TGE they mean the hypervisor's own regime. */
		at.el0 = crm == 8 && (op2 & 2);
		at.pan = crm == 9;
		at.hyp = nested_el0_hyp(v, nested_hcr(v));
	} else if (op1 == 4 && crm == 8 && op2 <= 1) {
		at.hyp = true;			/* S1E2R, S1E2W */
	} else if (op1 == 4 && crm == 8 && op2 >= 4) {
		at.el0 = op2 & 2;		/* S12E1R, S12E1W, S12E0R, S12E0W */
		at.hyp = nested_el0_hyp(v, nested_hcr(v));
		at.stage2 = !at.hyp;
	} else {
		inject_undef(v);
		return TRAP_RETRY;
	}
	reg_write(v, REG_PAR_EL1, translate(&at, guest_reg(v, esr >> 5 & 31)));
	return TRAP_SKIP;
}
