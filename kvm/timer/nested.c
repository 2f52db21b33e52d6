// SPDX-License-Identifier: GPL-2.0-only
/*
 * The timers of a vCPU with a virtual EL2: four, of which two are in hardware, the hypervisor's own or its guest's. The other
 * two are emulated by a host timer. While the hypervisor runs, its guest's are in the VNCR page.
 *
 * Locks: none of its own; all is the vCPU's thread's, with interrupts off. Arm ARM D8.11 (VNCR page), D12.
 */
#include "kernel/cpu/sysreg.h"
#include "kvm/nested/nested.h"
#include "kvm/timer/internal.h"
#include "kvm/timer/timer.h"
#include "kvm/timer/timer_hw.h"
#include "kvm/vgic/vgic.h"

/* The EL1 timers in the VNCR page: CNTx_CVAL_EL02, CNTx_CTL_EL02. Arm ARM D8.11, table of offsets. */
static u64 *page_cval(struct vcpu *v, int i)
{
	return &v->nested->vncr[(i == VIRT ? 0x168 : 0x178) / 8];
}

static u64 *page_ctl(struct vcpu *v, int i)
{
	return &v->nested->vncr[(i == VIRT ? 0x170 : 0x180) / 8];
}

void timer_nested_to_page(struct vcpu *v)
{
	int i;

	for (i = 0; i < NR_TIMERS; i++) {
		*page_cval(v, i) = timer_el1_ctx(v, i, false)->cval;
		*page_ctl(v, i) = timer_el1_ctx(v, i, false)->ctl;
	}
}

void timer_nested_from_page(struct vcpu *v)
{
	int i;

	for (i = 0; i < NR_TIMERS; i++) {
		timer_el1_ctx(v, i, false)->cval = *page_cval(v, i);
		timer_el1_ctx(v, i, false)->ctl = *page_ctl(v, i) & (CTL_ENABLE | CTL_IMASK);
	}
}

static void ctx_swap(struct vcpu *v)
{
	struct vcpu_timers *ts = v->timers;
	struct timer_ctx t;
	u32 ppi;
	int i;

	for (i = 0; i < NR_TIMERS; i++) {
		t = ts->t[i];
		ts->t[i] = ts->other[i];
		ts->other[i] = t;
		ppi = ts->ppi[i];
		ts->ppi[i] = ts->ppi[i + 2];
		ts->ppi[i + 2] = ppi;
		if (!vgic_ready(v->vm))
			continue;
		vgic_unmap_ppi(v, ts->ppi[i + 2]);
		/*
		 * A level that was last seen in hardware may be over: low first, or the next rise would look like no change
		 * to timer_nested_emulate.
		 */
		if (ts->other[i].level) {
			ts->other[i].level = false;
			(void)vgic_inject(v->vm, v, ts->ppi[i + 2], false);
		}
		(void)vgic_map_ppi(v, ts->ppi[i], timer_host_irq[i], timer_ppi_level);
	}
	ts->swapped = !ts->swapped;
}

void timer_nested_view(struct vcpu *v, bool hyp)
{
	struct vcpu_timers *ts = v->timers;

	if (ts->swapped && !hyp)
		timer_nested_from_page(v);
	if (ts->swapped != hyp)
		ctx_swap(v);
	if (hyp)
		timer_nested_to_page(v);
	ts->voff = hyp ? 0 : vncr_reg(v->nested, REG_CNTVOFF_EL2);
}

void timer_nested_traps(struct vcpu *v)
{
	u64 vhctl;

	if (v->nested->hyp) {
		/* Without E2H EL0's names mean EL1's timers, which are in the page. */
		if (unlikely(v->nested->nvhe))
			write_sysreg((read_sysreg(cnthctl_el2) & ~CNTHCTL_EL1PTEN) | (timer_has_ecv ? CNTHCTL_EL1TVT | CNTHCTL_EL1TVCT : 0),
				     cnthctl_el2);
		return;
	}
	vhctl = vreg(v, REG_CNTHCTL_EL2);
	if (unlikely(v->nested->nvhe))
		vhctl = nvhe_cnthctl(vhctl);
	write_sysreg((read_sysreg(cnthctl_el2) & (vhctl | ~(CNTHCTL_EL1PCTEN | CNTHCTL_EL1PTEN))) |
		     (vhctl & (CNTHCTL_EL1TVT | CNTHCTL_EL1TVCT)), cnthctl_el2);
	write_sysreg(v->vm->counter_offset[VIRT] + v->timers->voff, cntvoff_el2);
}

/* Level of an emulated timer now; *left: ticks until it rises, ~0 if it does not by itself. */
static bool emulated_level(struct vcpu *v, int i, u64 *left)
{
	struct vcpu_timers *ts = v->timers;
	u64 ctl = ts->other[i].ctl, cval = ts->other[i].cval, now = counter_read() - v->vm->counter_offset[i];

	*left = ~0UL;
	if (ts->swapped) {
		ctl = *page_ctl(v, i) & (CTL_ENABLE | CTL_IMASK);
		cval = *page_cval(v, i);
		if (i == VIRT)
			now -= vncr_reg(v->nested, REG_CNTVOFF_EL2);
		*page_ctl(v, i) = ctl | ((ctl & CTL_ENABLE) && now >= cval ? CTL_ISTATUS : 0);
	}
	if (ctl != CTL_ENABLE)
		return false;
	if (now < cval)
		*left = cval - now;
	return now >= cval;
}

void timer_nested_emulate(struct vcpu *v)
{
	struct vcpu_timers *ts = v->timers;
	u64 left, earliest = ~0UL, deadline;
	int i;

	for (i = 0; i < NR_TIMERS; i++) {
		bool level = emulated_level(v, i, &left);

		earliest = MIN(earliest, left);
		if (level == ts->other[i].level)
			continue;
		ts->other[i].level = level;
		if (vgic_ready(v->vm))
			(void)vgic_inject(v->vm, v, ts->ppi[i + 2], level);
	}
	if (earliest >= counter_hz * 3600 * 24 * 365 * 10)
		return;
	deadline = counter_read() + earliest;
	/* The same again, up to the time between the two looks at the counter: it is set already. */
	if (ktimer_pending(&ts->emulated) && deadline - ts->emulated_deadline + 16 < 32)
		return;
	ts->emulated_deadline = deadline;
	ktimer_start(&ts->emulated, clock_ns() + ticks_to_ns(earliest) + 1);
}

static int hyp_timer(enum reg r)
{
	return r == REG_CNTHP_CTL_EL2 || r == REG_CNTHP_CVAL_EL2 ? PHYS : VIRT;
}

u64 timer_hyp_read(struct vcpu *v, enum reg r)
{
	int i = hyp_timer(r);
	bool cval = r == REG_CNTHP_CVAL_EL2 || r == REG_CNTHV_CVAL_EL2;
	const struct timer_ctx *t = v->timers->swapped ? &v->timers->t[i] : &v->timers->other[i];
	u64 val;

	if (timer_loaded_here(v))	/* the hypervisor's own access, so that they are in hardware */
		return timer_reg_read(v, i == PHYS ? (cval ? REG_CNTP_CVAL_EL0 : REG_CNTP_CTL_EL0) :
						     (cval ? REG_CNTV_CVAL_EL0 : REG_CNTV_CTL_EL0));
	val = cval ? t->cval : t->ctl;
	if (!cval && counter_read() - v->vm->counter_offset[i] >= t->cval)
		val |= CTL_ISTATUS;
	return val;
}

void timer_hyp_write(struct vcpu *v, enum reg r, u64 val)
{
	int i = hyp_timer(r);
	bool cval = r == REG_CNTHP_CVAL_EL2 || r == REG_CNTHV_CVAL_EL2;
	struct timer_ctx *t = v->timers->swapped ? &v->timers->t[i] : &v->timers->other[i];

	if (timer_loaded_here(v))
		timer_reg_write(v, i == PHYS ? (cval ? REG_CNTP_CVAL_EL0 : REG_CNTP_CTL_EL0) :
					       (cval ? REG_CNTV_CVAL_EL0 : REG_CNTV_CTL_EL0), val);
	else if (cval)
		t->cval = val;
	else
		t->ctl = val & (CTL_ENABLE | CTL_IMASK);
}
