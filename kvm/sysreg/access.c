// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one place that knows where a guest register is now: in the hardware while the vCPU is loaded, in memory when it
 * is put, or with the timers. The rows of tables/sysreg.tbl decide. Preemption in between is harmless: the switch hook
 * loads the same values again, perhaps on another CPU.
 */
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kvm/nested/nested.h"
#include "kvm/sysreg/sysreg.h"
#include "kvm/timer/timer.h"

static bool reg_is_timer(enum reg r)
{
	switch (r) {
	case REG_CNTPCT_EL0:
	case REG_CNTVCT_EL0:
	case REG_CNTP_CTL_EL0:
	case REG_CNTP_CVAL_EL0:
	case REG_CNTV_CTL_EL0:
	case REG_CNTV_CVAL_EL0:
		return true;
	default:
		return false;
	}
}

u64 reg_read(struct vcpu *v, enum reg r)
{
	u64 val;

	ASSERT(r < NR_REGS);
	if (unlikely(v->nested) && !reg_is_timer(r))
		return nested_reg_read(v, r);
	if (v->loaded && sysreg_hw_read(r, v->vm->feats, &val))
		return val;
	if (unlikely(reg_is_timer(r)))
		return timer_reg_read(v, r);
	return v->regs.sys[r];
}

void reg_write(struct vcpu *v, enum reg r, u64 val)
{
	ASSERT(r < NR_REGS);
	if (unlikely(v->nested) && !reg_is_timer(r)) {
		nested_reg_write(v, r, val);
		return;
	}
	if (v->loaded && sysreg_hw_write(r, v->vm->feats, val))
		return;
	if (unlikely(reg_is_timer(r)))
		timer_reg_write(v, r, val);
	else
		v->regs.sys[r] = val;
}

#define CPTR_FPEN	GENMASK(21, 20)

/* FPEXC32_EL2 is behind the FP trap (CPTR_EL2.FPEN), which may be armed for the host's own sake. */
static u64 fpexc_open(void)
{
	u64 cptr = read_sysreg(cptr_el2);

	write_sysreg(cptr | CPTR_FPEN, cptr_el2);
	isb();
	return cptr;
}

static void fpexc_load(const struct vcpu *v)
{
	u64 cptr = fpexc_open();

	write_sysreg(vreg(v, REG_FPEXC32_EL2), fpexc32_el2);
	write_sysreg(cptr, cptr_el2);
	isb();
}

static void fpexc_put(struct vcpu *v)
{
	u64 cptr = fpexc_open();

	vreg(v, REG_FPEXC32_EL2) = read_sysreg(fpexc32_el2);
	write_sysreg(cptr, cptr_el2);
	isb();
}

void sysregs_load(struct vcpu *v)
{
	if (unlikely(v->config.el1_32bit))
		fpexc_load(v);
	if (unlikely(v->nested))
		nested_sysregs_load(v);
	else
		sysregs_hw_load(v);
	debug_regs_load(v);
}

void sysregs_put(struct vcpu *v)
{
	if (unlikely(v->config.el1_32bit))
		fpexc_put(v);
	debug_regs_put(v);
	if (unlikely(v->nested))
		nested_sysregs_put(v);
	else
		sysregs_hw_put(v);
}

void sysreg_reset(struct vcpu *v)
{
	sysregs_reset_rows(v);
}
