// SPDX-License-Identifier: GPL-2.0-only
/* System registers of virtual EL2 that are neither in the VNCR page nor in the place of an EL1 register: trapped here. */
#include <linux/errno.h>

#include "exit_classes.h"
#include "kernel/cpu/sysreg.h"
#include "kvm/nested/nested.h"
#include "kvm/sysreg/sysreg.h"
#include "kvm/timer/timer.h"
#include "kvm/trap/trap.h"

#define ESR_IL	BIT(25)
#define ZCR_LEN	0xfUL
#define CPTR_ZEN_EL2 BIT(16)

enum trap_result sysreg_rvbar(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_zcr_el2(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_cntkctl12(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_hyp_timer(struct vcpu *v, const struct sysreg_access *a);

static enum trap_result result(struct vcpu *v, const struct sysreg_access *a, u64 val)
{
	guest_reg_set(v, a->rt, val);
	return TRAP_SKIP;
}

enum trap_result sysreg_rvbar(struct vcpu *v, const struct sysreg_access *a)
{
	if (!a->write)
		return result(v, a, reg_read(v, a->reg));
	inject_undef(v);
	return TRAP_RETRY;
}

/* The hypervisor's CPTR_EL2.ZEN traps itself. Lengths that the vCPU does not have cannot be written, as on Linux. */
enum trap_result sysreg_zcr_el2(struct vcpu *v, const struct sysreg_access *a)
{
	if (!(nested_control(v, REG_CPTR_EL2) & CPTR_ZEN_EL2)) {
		nested_inject(v, EXC_SYNC, (u64)ESR_EC_SVE << 26 | ESR_IL, false, 0);
		return TRAP_RETRY;
	}
	if (!a->write)
		return result(v, a, reg_read(v, REG_ZCR_EL2));
	reg_write(v, REG_ZCR_EL2, MIN(guest_reg(v, a->rt) & ZCR_LEN, v->fp.vl / FP_VQ_BYTES - 1UL));
	return TRAP_SKIP;
}

enum trap_result sysreg_cntkctl12(struct vcpu *v, const struct sysreg_access *a)
{
	if (!a->write)
		return result(v, a, reg_read(v, REG_CNTKCTL_EL1));
	reg_write(v, REG_CNTKCTL_EL1, guest_reg(v, a->rt) & CNTHCTL_EL1_BITS);
	return TRAP_SKIP;
}

enum trap_result sysreg_hyp_timer(struct vcpu *v, const struct sysreg_access *a)
{
	bool phys = (a->key >> 3 & 15) == 2;
	enum reg cval = phys ? REG_CNTHP_CVAL_EL2 : REG_CNTHV_CVAL_EL2;
	u64 val = guest_reg(v, a->rt), now;

	if (a->reg != NR_REGS) {
		if (!a->write)
			return result(v, a, timer_hyp_read(v, a->reg));
		timer_hyp_write(v, a->reg, val);
		return TRAP_SKIP;
	}
	now = timer_reg_read(v, phys ? REG_CNTPCT_EL0 : REG_CNTVCT_EL0);
	if (!a->write)
		return result(v, a, (u32)(timer_hyp_read(v, cval) - now));
	timer_hyp_write(v, cval, now + (s64)(s32)val);
	return TRAP_SKIP;
}

/* The EL1 timers from EL2: CTL and CVAL are in the VNCR page and trap only where the hardware says so; TVAL always. */
enum trap_result sysreg_el02_timer(struct vcpu *v, const struct sysreg_access *a)
{
	bool phys = (a->key >> 3 & 15) == 2;
	u64 *cval = &v->nested->vncr[(phys ? 0x178 : 0x168) / 8], *ctl = cval + 1;
	u64 val = guest_reg(v, a->rt), now = timer_reg_read(v, REG_CNTPCT_EL0);

	if (!phys)
		now -= vncr_reg(v->nested, REG_CNTVOFF_EL2);
	switch (a->key & 7) {
	case 0:
		if (!a->write)
			return result(v, a, (u32)(*cval - now));
		*cval = now + (s64)(s32)val;
		return TRAP_SKIP;
	case 1:
		if (!a->write)
			return result(v, a, (*ctl & 3) | (now >= *cval) << 2);
		*ctl = val & 3;
		return TRAP_SKIP;
	default:
		if (!a->write)
			return result(v, a, *cval);
		*cval = val;
		return TRAP_SKIP;
	}
}

int user_hyp_timer_get(struct vcpu *v, const struct sysreg_user *u, u64 *val)
{
	*val = timer_hyp_read(v, u->reg);
	return 0;
}

int user_hyp_timer_set(struct vcpu *v, const struct sysreg_user *u, u64 val)
{
	timer_hyp_write(v, u->reg, val);
	return 0;
}
