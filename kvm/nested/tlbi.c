// SPDX-License-Identifier: GPL-2.0-only
/*
 * TLB maintenance of a guest hypervisor (HCR_EL2.{NV,TTLB}). Of its own regime: done in hardware on the VM's VMID, always
 * for all CPUs, since its vCPU may move. Of its guest's: stage 2 empties shadows; stage 1 drops what hardware caches for
 * their VMIDs. Arm ARM C5.5 (TLBI), D8.17.
 */
#include "kernel/cpu/sysreg.h"
#include "kvm/features.h"
#include "kvm/nested/nested.h"
#include "kvm/run/run.h"
#include "kvm/trap/trap.h"

#define VTTBR_VMID	GENMASK(63, 48)
#define TLBI_ASID	GENMASK(63, 48)

/* CRm of the forms: inner shareable, outer shareable, and neither; of ranges too. */
static bool crm_is_range(unsigned crm)
{
	return crm == 2 || crm == 5 || crm == 6;
}

#define TLBI_OP(n, name) case n: asm volatile("tlbi " name ", %0" : : "r"(arg) : "memory"); break;
#define TLBI_SYS(n, op) case n: asm volatile("sys #0, " op ", %0" : : "r"(arg) : "memory"); break;

/* The EL1&0 regime of the VMID in VTTBR_EL2; HCR_EL2.TGE is clear. op2 as in the EL1 forms. */
static void tlbi_el1(unsigned op2, bool range, u64 arg)
{
	dsb(ishst);
	if (range) {
		switch (op2) {
		TLBI_SYS(1, "C8, C2, #1")	/* RVAE1IS */
		TLBI_SYS(3, "C8, C2, #3")	/* RVAAE1IS */
		TLBI_SYS(5, "C8, C2, #5")	/* RVALE1IS */
		TLBI_SYS(7, "C8, C2, #7")	/* RVAALE1IS */
		}
	} else {
		switch (op2) {
		TLBI_OP(1, "vae1is")
		TLBI_OP(2, "aside1is")
		TLBI_OP(3, "vaae1is")
		TLBI_OP(5, "vale1is")
		TLBI_OP(7, "vaale1is")
		default:
			asm volatile("tlbi vmalle1is" : : : "memory");
		}
	}
	dsb(ish);
}

static unsigned granule_of(u64 tg)
{
	return tg == 1 ? 12 : tg == 2 ? 14 : 16;
}

/* RVAE*, RIPAS2E1: NUM, SCALE, TG; TTL would only say more. */
static u64 range_bytes(u64 arg)
{
	return (((arg >> 39 & 0x1f) + 1) << (5 * (arg >> 44 & 3) + 1)) << granule_of(arg >> 46 & 3);
}

static u64 range_base(u64 arg)
{
	return (arg & GENMASK(36, 0)) << granule_of(arg >> 46 & 3);
}

/* What VNCR_EL2 was translated to may have been by what the operation names. */
static void own_vncr(struct vcpu *v, unsigned op2, bool range, u64 arg)
{
	struct vncr_tlbi t = {};

	if (range) {
		t.va = range_base(arg);
		t.size = range_bytes(arg);
	} else if (op2 & 1) {		/* by address; else all, or all of an ASID */
		t.va = (arg & GENMASK(43, 0)) << 12;
		t.size = PAGE_SIZE;
	}
	vncr_tlbi(v, &t);
}

/* The hypervisor's own EL2&0 regime, which hardware knows as EL1&0 of the VM's VMID. */
static void own_regime(struct vcpu *v, unsigned op2, bool range, u64 arg)
{
	u64 flags = local_irq_save();

	write_sysreg(v->traps.hcr, hcr_el2);
	isb();
	tlbi_el1(op2, range, arg);
	write_sysreg(host_hcr, hcr_el2);
	isb();
	local_irq_restore(flags);
	own_vncr(v, op2, range, arg);
}

/* E2 forms of the hypervisor's own regime: ALLE2, VAE2, VALE2, of all shareabilities, and ranges. */
static bool is_own_e2(unsigned crm, unsigned op2)
{
	return ((crm == 1 || crm == 3 || crm == 7) && (op2 == 0 || op2 == 1 || op2 == 5)) ||
	       (crm_is_range(crm) && (op2 == 1 || op2 == 5));
}

/* Of a form for the own regime. Without E2H it has no ASIDs: they are all 0 in hardware, and in the operand nothing. */
static u64 operand(struct vcpu *v, u64 esr)
{
	u64 arg = guest_reg(v, esr >> 5 & 31);

	return v->nested->nvhe ? arg & ~TLBI_ASID : arg;
}

bool nested_tlbi_fast(struct vcpu *v, u64 esr)
{
	unsigned op1 = esr >> 14 & 7, crm = esr >> 1 & 15, op2 = esr >> 17 & 7;

	if (unlikely(READ_ONCE(v->vm->nested->windows)))
		return false;
	if (op1 == 0 ? !nested_el0_hyp(v, nested_hcr(v)) : op1 != 4 || !is_own_e2(crm, op2))
		return false;
	tlbi_el1(op2, crm_is_range(crm), operand(v, esr));
	return true;
}

/* IPAS2E1, IPAS2LE1: the address and, with a hint of the level, how much. */
static void ipas2(struct vcpu *v, u64 vttbr, u64 arg)
{
	static const u8 max_shift[] = { 30, 25, 29 };	/* the largest block, by granule: 4, 16, 64 KiB */
	unsigned ttl = arg >> 44 & 15, granule, shift;
	u64 ipa = (arg & GENMASK(39, 0)) << 12, vtcr = vncr_reg(v->nested, REG_VTCR_EL2);

	if (ttl >> 2 && (ttl & 3)) {
		granule = granule_of(ttl >> 2);
		shift = granule + (3 - (ttl & 3)) * (granule - 3);
	} else {
		granule = (vtcr >> 14 & 3) == 1 ? 16 : (vtcr >> 14 & 3) == 2 ? 14 : 12;
		shift = max_shift[(granule - 12) / 2];
	}
	shadow_unmap_vmid(v, vttbr, ipa & ~(BIT(shift) - 1), BIT(shift));
}

/* op1 0: EL1's. They are the hypervisor's own while TGE is set, and E2H. */
static void el1_form(struct vcpu *v, unsigned crm, unsigned op2, u64 arg)
{
	if (nested_el0_hyp(v, nested_hcr(v)))
		own_regime(v, op2, crm_is_range(crm), arg);
	else
		shadow_flush_vmid(v, vncr_reg(v->nested, REG_VTTBR_EL2));
}

/* op1 4: EL2's regime, stage 2 of the current VMID, and what is about all VMIDs. */
static bool el2_form(struct vcpu *v, unsigned crm, unsigned op2, u64 arg)
{
	u64 vttbr = vncr_reg(v->nested, REG_VTTBR_EL2);

	switch (crm) {
	case 0: case 4:
		/* IPAS2E1IS, IPAS2LE1IS, RIPAS2*; 4: the others, and outer shareable */
		if (crm == 0 ? op2 == 1 || op2 == 5 : op2 == 0 || op2 == 1 || op2 == 4 || op2 == 5)
			ipas2(v, vttbr, arg);
		else
			shadow_unmap_vmid(v, vttbr, range_base(arg), range_bytes(arg));
		return true;
	case 1: case 3: case 7:
		if (op2 == 4)			/* ALLE1 */
			shadow_unmap_all(v);
		else if (op2 == 6)		/* VMALLS12E1 */
			shadow_unmap_vmid(v, vttbr, 0, 0);
		else				/* ALLE2, VAE2, VALE2 */
			own_regime(v, op2, false, arg);
		return true;
	case 2: case 5: case 6:			/* RVAE2, RVALE2 */
		own_regime(v, op2, true, arg);
		return true;
	default:
		return false;
	}
}

enum trap_result nested_tlbi(struct vcpu *v, u64 esr)
{
	unsigned op1 = esr >> 14 & 7, crm = esr >> 1 & 15, op2 = esr >> 17 & 7;
	u64 arg = op1 == 4 && is_own_e2(crm, op2) ? operand(v, esr) : guest_reg(v, esr >> 5 & 31);

	if (op1 == 0) {
		el1_form(v, crm, op2, arg);
		return TRAP_SKIP;
	}
	if (op1 == 4 && el2_form(v, crm, op2, arg))
		return TRAP_SKIP;
	inject_undef(v);
	return TRAP_RETRY;
}
