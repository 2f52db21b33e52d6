// SPDX-License-Identifier: GPL-2.0-only
/*
 * Self-hosted debug for guests: MDSCR_EL1, breakpoints and watchpoints are trapped (MDCR_EL2.TDA), kept in memory, and
 * loaded only while the guest has debug exceptions switched on. A VMM's debugger (KVM_SET_GUEST_DEBUG) takes the
 * hardware over. Arm ARM D2.8, D2.12.
 */
#include "kernel/cpu/sysreg.h"
#include "kvm/features.h"
#include "kvm/nested/nested.h"
#include "kvm/sysreg/sysreg.h"
#include "kvm/vcpu_state.h"

#define MDSCR_SS	BIT(0)
#define MDSCR_KDE	BIT(13)
#define MDSCR_MDE	BIT(15)
#define OSLSR_OSLK	BIT(1)

#define DBG_CASE(what, n)						\
	case n:								\
		write_sysreg(val, dbg##what##n##_el1);			\
		break
#define DBG_WRITE(what)							\
static void what##_write(unsigned n, u64 val)				\
{									\
	switch (n) {							\
	DBG_CASE(what, 0); DBG_CASE(what, 1); DBG_CASE(what, 2); DBG_CASE(what, 3);	\
	DBG_CASE(what, 4); DBG_CASE(what, 5); DBG_CASE(what, 6); DBG_CASE(what, 7);	\
	DBG_CASE(what, 8); DBG_CASE(what, 9); DBG_CASE(what, 10); DBG_CASE(what, 11);	\
	DBG_CASE(what, 12); DBG_CASE(what, 13); DBG_CASE(what, 14); DBG_CASE(what, 15);	\
	}								\
}
DBG_WRITE(bvr)
DBG_WRITE(bcr)
DBG_WRITE(wvr)
DBG_WRITE(wcr)

static void points_load(struct vcpu *v)
{
	const u64 *sys = v->regs.sys;
	bool el2 = v->nested && v->nested->hyp;
	unsigned n;

	/* The rows BVR0..15, BCR0..15 and so on follow one another in enum reg. */
	for (n = 0; n < host.brps; n++) {
		u64 bcr = sys[REG_DBGBCR0_EL1 + n];

		bvr_write(n, sys[REG_DBGBVR0_EL1 + n]);
		bcr_write(n, unlikely(el2) ? nested_bcr(bcr) : bcr);
	}
	for (n = 0; n < host.wrps; n++) {
		u64 wcr = sys[REG_DBGWCR0_EL1 + n];

		wvr_write(n, sys[REG_DBGWVR0_EL1 + n]);
		wcr_write(n, unlikely(el2) ? nested_wcr(wcr) : wcr);
	}
}

static void points_load_external(const struct kvm_guest_debug_arch *d)
{
	unsigned n;

	for (n = 0; n < host.brps; n++) {
		bvr_write(n, d->dbg_bvr[n]);
		bcr_write(n, d->dbg_bcr[n]);
	}
	for (n = 0; n < host.wrps; n++) {
		wvr_write(n, d->dbg_wvr[n]);
		wcr_write(n, d->dbg_wcr[n]);
	}
}

void debug_regs_load(struct vcpu *v)
{
	u64 mdscr = vreg(v, REG_MDSCR_EL1);

	if (vreg(v, REG_OSLSR_EL1) & OSLSR_OSLK)
		mdscr &= ~(MDSCR_SS | MDSCR_KDE | MDSCR_MDE);
	if (v->input.debugged)	/* the guest's own steps wait until nobody debugs it, as on Linux */
		mdscr &= ~MDSCR_SS;
	if (v->input.single_step)
		mdscr |= MDSCR_SS;
	if (v->input.hw_bp) {
		points_load_external(v->debug_points);
		mdscr |= MDSCR_MDE | MDSCR_KDE;
	} else if (mdscr & (MDSCR_MDE | MDSCR_KDE)) {
		points_load(v);
	}
	v->debug_live = mdscr & (MDSCR_SS | MDSCR_KDE | MDSCR_MDE);
	write_sysreg(mdscr, mdscr_el1);
}

void debug_regs_put(struct vcpu *v)
{
	write_sysreg(0, mdscr_el1);
}

#define PSR_SS		BIT(21)

/*
 * PSTATE.SS belongs to the VMM's debugger only while KVM_RUN lasts: user space reads and moves the guest's own. A step
 * whose instruction is done but whose exception has not come yet (a signal, an MMIO access) is taken by the next KVM_RUN.
 */
void debug_step_begin(struct vcpu *v)
{
	struct vcpu_state *s = v->state;

	s->guest_ss = v->regs.pstate & PSR_SS;
	s->step_taken = false;
	if (s->step_pending)
		v->regs.pstate &= ~PSR_SS;
	else
		v->regs.pstate |= PSR_SS;
}

void debug_step_end(struct vcpu *v)
{
	struct vcpu_state *s = v->state;

	s->step_pending = !s->step_taken && !(v->regs.pstate & PSR_SS);
	v->regs.pstate = (v->regs.pstate & ~PSR_SS) | s->guest_ss;
}
