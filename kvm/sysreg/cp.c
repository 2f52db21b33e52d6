// SPDX-License-Identifier: GPL-2.0-only
/*
 * MCR, MRC, MCRR, MRRC and VMRS of AArch32 code that trap: turned into accesses to the AArch64 registers that keep the
 * values (tables/cp.tbl), or UNDEFINED. Arm ARM D24.2.40, ISS of classes 0x03 to 0x0c; G8.
 */
#include "kernel/debug/print.h"
#include "kvm/features.h"
#include "kvm/sysreg/cp.h"
#include "kvm/trap/trap.h"

enum trap_result trap_cp15_32(struct vcpu *v);
enum trap_result trap_cp14_32(struct vcpu *v);
enum trap_result trap_cp15_64(struct vcpu *v);
enum trap_result trap_cp14_64(struct vcpu *v);
enum trap_result trap_cp14_ls(struct vcpu *v);
enum trap_result trap_cp10_id(struct vcpu *v);
u64 cp_raz(struct vcpu *v);
u64 cp_dbgdidr(struct vcpu *v);

#define ISS_READ(esr)	((esr) & 1)
#define ISS_CRM(esr)	((unsigned)((esr) >> 1 & 15))
#define ISS_RT(esr)	((unsigned)((esr) >> 5 & 31))
#define ISS_RT2(esr)	((unsigned)((esr) >> 10 & 31))
#define ISS_CRN(esr)	((unsigned)((esr) >> 10 & 15))
#define ISS_OP1(esr)	((unsigned)((esr) >> 14 & 7))
#define ISS64_OP1(esr)	((unsigned)((esr) >> 16 & 15))
#define ISS_OP2(esr)	((unsigned)((esr) >> 17 & 7))

u64 cp_raz(struct vcpu *v)
{
	return 0;
}

/* Arm ARM G8.3.13: as many points as the AArch64 view says; its debug version. */
u64 cp_dbgdidr(struct vcpu *v)
{
	u64 dfr0 = v->vm->idregs.id[IDX_ID_AA64DFR0_EL1];

	return (dfr0 >> ID_AA64DFR0_WRPs_SHIFT & 15) << 28 | (dfr0 >> ID_AA64DFR0_BRPs_SHIFT & 15) << 24 |
	       (dfr0 >> ID_AA64DFR0_CTX_CMPs_SHIFT & 15) << 20 | (dfr0 >> ID_AA64DFR0_DebugVer_SHIFT & 15) << 16 | BIT(15);
}

static const struct cp_row *find(const struct cp_row *rows, unsigned n, u16 key)
{
	unsigned lo = 0, hi = n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (rows[mid].key == key)
			return &rows[mid];
		if (rows[mid].key < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static enum trap_result undef(struct vcpu *v)
{
	inject_undef(v);
	return TRAP_RETRY;
}

/*
 * The AArch64 handler, with its value in x0 for the time being. A part that is written leaves the other one as it is.
 * *val: what is written, or what was read.
 */
static enum trap_result through(struct vcpu *v, const struct cp_row *row, bool write, u64 *val)
{
	const struct sysreg_row *target = sysreg_row_find(row->target);
	struct sysreg_access a = { .key = row->target, .write = write };
	u64 saved = v->regs.x[0];
	enum trap_result res;

	if (!target || (target->feat & ~v->vm->feats))
		return undef(v);
	a.reg = target->reg;
	a.name = target->name;
	if (write && row->part == CP_LO && a.reg != NR_REGS)
		*val = (reg_read(v, a.reg) & ~0xffffffffUL) | (u32)*val;
	else if (write && row->part == CP_HI && a.reg != NR_REGS)
		*val = (u32)reg_read(v, a.reg) | *val << 32;
	v->regs.x[0] = *val;
	res = target->trap ? target->trap(v, &a) : sysreg_rw(v, &a);
	*val = row->part == CP_HI ? v->regs.x[0] >> 32 : v->regs.x[0];
	v->regs.x[0] = saved;
	return res;
}

static enum trap_result access(struct vcpu *v, const struct cp_row *row, bool write, u64 *val)
{
	if (!row)
		return undef(v);
	if (!row->fn)
		return through(v, row, write, val);
	if (!write)
		*val = row->fn(v);
	return TRAP_SKIP;
}

static enum trap_result access32(struct vcpu *v, bool p15)
{
	u64 esr = v->exit.esr, val = (u32)guest_reg(v, ISS_RT(esr));
	u16 key = CP_KEY(p15, ISS_OP1(esr), ISS_CRN(esr), ISS_CRM(esr), ISS_OP2(esr));
	enum trap_result res = access(v, find(cp_rows, cp_rows_n, key), !ISS_READ(esr), &val);

	if (res == TRAP_SKIP && ISS_READ(esr))
		guest_reg_set(v, ISS_RT(esr), (u32)val);
	return res;
}

static enum trap_result access64(struct vcpu *v, bool p15)
{
	u64 esr = v->exit.esr, val = (u32)guest_reg(v, ISS_RT(esr)) | guest_reg(v, ISS_RT2(esr)) << 32;
	u16 key = CP64_KEY(p15, ISS64_OP1(esr), ISS_CRM(esr));
	enum trap_result res = access(v, find(cp64_rows, cp64_rows_n, key), !ISS_READ(esr), &val);

	if (res == TRAP_SKIP && ISS_READ(esr)) {
		guest_reg_set(v, ISS_RT(esr), (u32)val);
		guest_reg_set(v, ISS_RT2(esr), val >> 32);
	}
	return res;
}

/* The ID space: AArch64 has a view of CRm 1 to 3; the rest is zero. */
static enum trap_result id_read(struct vcpu *v, unsigned crm, unsigned op2, unsigned rt)
{
	guest_reg_set(v, rt, crm > 3 ? 0 : (u32)v->vm->idregs.id[(crm - 1) * 8 + op2]);
	return TRAP_SKIP;
}

enum trap_result trap_cp15_32(struct vcpu *v)
{
	u64 esr = v->exit.esr;

	if (!cond_passed(v))
		return TRAP_SKIP;
	if (ISS_OP1(esr) == 0 && ISS_CRN(esr) == 0 && ISS_CRM(esr) >= 1 && ISS_CRM(esr) <= 7)
		return ISS_READ(esr) ? id_read(v, ISS_CRM(esr), ISS_OP2(esr), ISS_RT(esr)) : undef(v);
	return access32(v, true);
}

enum trap_result trap_cp14_32(struct vcpu *v)
{
	return cond_passed(v) ? access32(v, false) : TRAP_SKIP;
}

enum trap_result trap_cp15_64(struct vcpu *v)
{
	return cond_passed(v) ? access64(v, true) : TRAP_SKIP;
}

enum trap_result trap_cp14_64(struct vcpu *v)
{
	return cond_passed(v) ? access64(v, false) : TRAP_SKIP;
}

/* LDC and STC: DBGDTRTXint and DBGDTRRXint, which no guest has. */
enum trap_result trap_cp14_ls(struct vcpu *v)
{
	return cond_passed(v) ? undef(v) : TRAP_SKIP;
}

/* VMRS of MVFR0 (7), MVFR1 (6), MVFR2 (5): HCR_EL2.TID3. */
enum trap_result trap_cp10_id(struct vcpu *v)
{
	u64 esr = v->exit.esr;
	unsigned reg = ISS_CRN(esr);

	if (!cond_passed(v))
		return TRAP_SKIP;
	if (!ISS_READ(esr) || reg < 5 || reg > 7)
		return undef(v);
	return id_read(v, 3, 7 - reg, ISS_RT(esr));
}
