// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trapped MRS, MSR and SYS instructions (EC 0x18, Arm ARM D24.2.40, ISS encoding for MSR, MRS or System instructions):
 * found by encoding among the rows of tables/sysreg.tbl. What no row allows is UNDEFINED, and named once in the log.
 */
#include <linux/errno.h>

#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kvm/features.h"
#include "kvm/nested/nested.h"
#include "kvm/sysreg/sysreg.h"
#include "kvm/timer/timer.h"
#include "kvm/trap/trap.h"
#include "kvm/vgic/vgic.h"

enum trap_result sysreg_ro(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_actlr(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_raz_wi(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_ccsidr(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_csselr(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_vm(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_icc_sgi(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_icc_sre(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_icc_dir(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_icc_rpr(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_icc_common(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_timer(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_dbg(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_oslar(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_setway(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_undef(struct vcpu *v, const struct sysreg_access *a);

enum trap_result sysreg_undef(struct vcpu *v, const struct sysreg_access *a)
{
	inject_undef(v);
	return TRAP_RETRY;
}

static enum trap_result result(struct vcpu *v, const struct sysreg_access *a, u64 val)
{
	guest_reg_set(v, a->rt, val);
	return TRAP_SKIP;
}

enum trap_result sysreg_rw(struct vcpu *v, const struct sysreg_access *a)
{
	if (!a->write)
		return result(v, a, reg_read(v, a->reg));
	reg_write(v, a->reg, sysreg_bits(a->reg, v->vm->feats, guest_reg(v, a->rt)));
	return TRAP_SKIP;
}

enum trap_result sysreg_ro(struct vcpu *v, const struct sysreg_access *a)
{
	if (a->write)
		return sysreg_undef(v, a);
	return result(v, a, reg_read(v, a->reg));
}

/* Writes trap (HCR_EL2.TACR), and are ignored. */
enum trap_result sysreg_actlr(struct vcpu *v, const struct sysreg_access *a)
{
	return a->write ? TRAP_SKIP : result(v, a, reg_read(v, a->reg));
}

enum trap_result sysreg_raz_wi(struct vcpu *v, const struct sysreg_access *a)
{
	return a->write ? TRAP_SKIP : result(v, a, 0);
}

enum trap_result sysreg_ccsidr(struct vcpu *v, const struct sysreg_access *a)
{
	if (a->write)
		return sysreg_undef(v, a);
	return result(v, a, ccsidr_get(v, vreg(v, REG_CSSELR_EL1)));
}

enum trap_result sysreg_csselr(struct vcpu *v, const struct sysreg_access *a)
{
	if (!a->write)
		return result(v, a, vreg(v, REG_CSSELR_EL1));
	vreg(v, REG_CSSELR_EL1) = guest_reg(v, a->rt) & 0xf;
	return TRAP_SKIP;
}

/* Translation controls, trapped while the caches are off (HCR_EL2.TVM). */
enum trap_result sysreg_vm(struct vcpu *v, const struct sysreg_access *a)
{
	bool was_on;

	if (!a->write)
		return result(v, a, reg_read(v, a->reg));
	was_on = guest_caches_on(v);
	reg_write(v, a->reg, guest_reg(v, a->rt));
	stage2_toggle_cache(v, was_on);
	return TRAP_SKIP;
}

enum trap_result sysreg_setway(struct vcpu *v, const struct sysreg_access *a)
{
	stage2_set_way(v);
	return TRAP_SKIP;
}

enum trap_result sysreg_icc_sgi(struct vcpu *v, const struct sysreg_access *a)
{
	if (!vgic_in_kernel(v->vm) || !a->write)
		return sysreg_undef(v, a);
	/* ICC_ASGI1R and ICC_SGI0R make group 0 SGIs of a GIC with one security state. */
	(void)vgic_sgi_write(v, guest_reg(v, a->rt), a->key == SYSREG_KEY(3, 0, 12, 11, 5));
	return TRAP_SKIP;
}

enum trap_result sysreg_icc_sre(struct vcpu *v, const struct sysreg_access *a)
{
	if (!vgic_in_kernel(v->vm))
		return sysreg_undef(v, a);
	return a->write ? TRAP_SKIP : result(v, a, 7);	/* DIB | DFB | SRE */
}

enum trap_result sysreg_icc_dir(struct vcpu *v, const struct sysreg_access *a)
{
	if (!vgic_in_kernel(v->vm) || !a->write)
		return sysreg_undef(v, a);
	vgic_dir_write(v, guest_reg(v, a->rt));
	return TRAP_SKIP;
}

enum trap_result sysreg_icc_common(struct vcpu *v, const struct sysreg_access *a)
{
	if (!vgic_ready(v->vm))
		return sysreg_undef(v, a);
	if (!a->write)
		return result(v, a, vgic_icc_read(v, a->key));
	vgic_icc_write(v, a->key, guest_reg(v, a->rt));
	return TRAP_SKIP;
}

enum trap_result sysreg_icc_rpr(struct vcpu *v, const struct sysreg_access *a)
{
	return a->write ? sysreg_undef(v, a) : sysreg_icc_common(v, a);
}

enum trap_result sysreg_timer(struct vcpu *v, const struct sysreg_access *a)
{
	u64 val = guest_reg(v, a->rt);

	if (unlikely(v->nested) && v->nested->nvhe && v->nested->hyp)
		return nvhe_timer(v, a);
	switch (a->key) {
	case SYSREG_KEY(3, 3, 14, 0, 1):
	case SYSREG_KEY(3, 3, 14, 0, 5):
	case SYSREG_KEY(3, 3, 14, 0, 2):
	case SYSREG_KEY(3, 3, 14, 0, 6):
		if (a->write)
			return sysreg_undef(v, a);
		return result(v, a, timer_reg_read(v, a->key & 1 ? REG_CNTPCT_EL0 : REG_CNTVCT_EL0));
	case SYSREG_KEY(3, 3, 14, 2, 0):
	case SYSREG_KEY(3, 3, 14, 3, 0): {
		bool phys = a->key == SYSREG_KEY(3, 3, 14, 2, 0);
		enum reg cval = phys ? REG_CNTP_CVAL_EL0 : REG_CNTV_CVAL_EL0;
		u64 now = timer_reg_read(v, phys ? REG_CNTPCT_EL0 : REG_CNTVCT_EL0);

		if (!a->write)
			return result(v, a, (u32)(timer_reg_read(v, cval) - now));
		timer_reg_write(v, cval, now + (s64)(s32)val);
		return TRAP_SKIP;
	}
	default:
		if (!a->write)
			return result(v, a, timer_reg_read(v, a->reg));
		timer_reg_write(v, a->reg, val);
		return TRAP_SKIP;
	}
}

/* Breakpoint and watchpoint registers beyond what the CPU has are UNDEFINED. */
enum trap_result sysreg_dbg(struct vcpu *v, const struct sysreg_access *a)
{
	u64 dfr0 = v->vm->idregs.id[IDX_ID_AA64DFR0_EL1];
	unsigned n = a->key >> 3 & 15, op2 = a->key & 7;

	if (op2 >= 4 && n > (op2 >= 6 ? dfr0 >> ID_AA64DFR0_WRPs_SHIFT & 15 : dfr0 >> ID_AA64DFR0_BRPs_SHIFT & 15))
		return sysreg_undef(v, a);
	if (!a->write)
		return result(v, a, vreg(v, a->reg));
	vreg(v, a->reg) = guest_reg(v, a->rt);
	preempt_disable();
	debug_regs_load(v);
	preempt_enable();
	return TRAP_SKIP;
}

enum trap_result sysreg_oslar(struct vcpu *v, const struct sysreg_access *a)
{
	if (!a->write)
		return sysreg_undef(v, a);
	vreg(v, REG_OSLSR_EL1) = (vreg(v, REG_OSLSR_EL1) & ~BIT(1)) | (guest_reg(v, a->rt) & 1) << 1;
	preempt_disable();
	debug_regs_load(v);
	preempt_enable();
	return TRAP_SKIP;
}

const struct sysreg_row *sysreg_row_find(u16 key)
{
	unsigned lo = 0, hi = sysreg_rows_n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (sysreg_rows[mid].key == key)
			return &sysreg_rows[mid];
		if (sysreg_rows[mid].key < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* Each unknown encoding is named once, in a small table: guests must not fill the log. */
static void log_unknown(struct vcpu *v, const struct sysreg_access *a)
{
	static u64 seen[1 << 16 >> 6];
	u64 bit = BIT(a->key & 63);

	if (__atomic_fetch_or(&seen[a->key >> 6], bit, __ATOMIC_RELAXED) & bit)
		return;
	pr_info("kvm: guest %s unknown system register S%u_%u_C%u_C%u_%u at %#lx: UNDEF\n",
		a->write ? "wrote" : "read", a->key >> 14, a->key >> 11 & 7, a->key >> 7 & 15, a->key >> 3 & 15,
		a->key & 7, v->regs.pc);
}

enum trap_result sysreg_trap_row(struct vcpu *v, u64 esr, const struct sysreg_row *row)
{
	const struct sysreg_access a = {
		.key = row->key,
		.write = !(esr & 1),
		.rt = esr >> 5 & 31,
		.reg = row->reg,
		.name = row->name,
	};

	if (!row->trap || (row->feat & ~v->vm->feats))
		return sysreg_undef(v, &a);
	return row->trap(v, &a);
}

enum trap_result sysreg_trap(struct vcpu *v, u64 esr)
{
	struct sysreg_access a = {
		.key = SYSREG_KEY(esr >> 20 & 3, esr >> 14 & 7, esr >> 10 & 15, esr >> 1 & 15, esr >> 17 & 7),
		.write = !(esr & 1),
		.rt = esr >> 5 & 31,
		.reg = NR_REGS,
	};
	const struct sysreg_row *row;
	unsigned crm = a.key >> 3 & 15;

	/* The ID space: all of it answers, what is unallocated with zero. */
	if ((a.key & ~0x7f) == SYSREG_KEY(3, 0, 0, 0, 0) && crm >= 1 && crm <= 7) {
		if (a.write)
			return sysreg_undef(v, &a);
		return result(v, &a, v->vm->idregs.id[(crm - 1) * 8 + (a.key & 7)]);
	}
	row = sysreg_row_find(a.key);
	if (row)
		return sysreg_trap_row(v, esr, row);
	log_unknown(v, &a);
	return sysreg_undef(v, &a);
}
