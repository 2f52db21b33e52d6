// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two contexts of a vCPU with a virtual EL2: load, put, the change between them, and where a register is. When the
 * vCPU is put, every register is in regs.sys[]; while it is loaded, those with a vncr: location are in the VNCR page
 * (which the hardware reads and writes for the hypervisor's MRS and MSR), or in hardware, by the view. Arm ARM D8.11.
 */
#include <linux/errno.h>

#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/mm/page.h"
#include "kvm/features.h"
#include "kvm/nested/nested.h"
#include "kvm/pmu/pmu.h"
#include "kvm/run/run.h"
#include "kvm/sysreg/sysreg.h"
#include "kvm/timer/timer.h"
#include "kvm/vgic/vgic.h"

#define VNCR_EL2	S3_4_C2_C2_0
#define VSESR_EL2	S3_4_C5_C2_3
#define VDISR_EL2	S3_4_C12_C1_1
#define ICH_HCR_TRAPS	GENMASK(14, 10)
#define PSR_MODE	0xfUL
#define PSR_nRW		BIT(4)
#define MDCR_HPMN	GENMASK(4, 0)
#define EL1T		4UL
#define EL2T		8UL
#define ZCR_LEN		0xfUL
#define EL_DIFF		4UL	/* from EL1t to EL2t, EL1h to EL2h */

/* What the hypervisor may set of its guest's HCR_EL2: traps and virtual exceptions; the rest is ours. */
#define HCR_PASS	(HCR_PTW | HCR_VF | HCR_VI | HCR_VSE | HCR_DC | HCR_TDZ | HCR_TWI | HCR_TWE | GENMASK(26, 15) | BIT(30) | BIT(35) | BIT(36) |	\
			 HCR_TEA | HCR_NV | HCR_AT | HCR_NV2 | BIT(49) | BIT(50) | BIT(52) | BIT(54) | BIT(55) | BIT(58))

bool nested_nvhe_supported(void)
{
	return nested_supported() && host.nv1;
}

bool nested_supported(void)
{
	bool nv2 = (host.id[IDX_ID_AA64MMFR2_EL1] >> ID_AA64MMFR2_NV_SHIFT & 0xf) >= 2 ||
		   (host.id[IDX_ID_AA64MMFR4_EL1] >> ID_AA64MMFR4_NV_frac_SHIFT & 0xf) >= 1;

	return nv2 && host.fwb;
}

int nested_create(struct vcpu *v)
{
	struct vm *vm = v->vm;
	struct nested *n;
	unsigned max = 2 * KVM_VCPUS_MAX;
	struct vm_nested *vn;

	if (!vm->nested) {
		vn = kzalloc(sizeof(*vn) + max * sizeof(vn->s[0]));
		if (!vn)
			return -ENOMEM;
		vn->max = max;
		/* Whoever takes memory away looks here, with another lock. */
		__atomic_store_n(&vm->nested, vn, __ATOMIC_RELEASE);
		/* One time for the hypervisor's two counters: its guests' offset is its own business. */
		if (!vm->counter_offset_set && !vm->ran_once)
			vm->counter_offset[0] = vm->counter_offset[1];
	}
	n = kzalloc(sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->page = page_alloc(0, ALLOC_ZERO);
	if (!n->page) {
		kfree(n);
		return -ENOMEM;
	}
	n->vncr = page_to_va(n->page);
	n->nvhe = !(vm->vcpu_features & VMF_VHE);
	n->hyp_hcr = HCR_NV | HCR_NV2 | HCR_AT | HCR_TTLB | (n->nvhe ? HCR_NV1 : 0);
	n->vhcr_bits = ~(n->nvhe ? HCR_E2H | HCR_NV | HCR_NV1 | HCR_AT | HCR_NV2 : HCR_NV1);	/* no EL2 below without E2H */
	v->nested = n;
	return 0;
}

void nested_destroy(struct vcpu *v)
{
	if (!v->nested)
		return;
	shadow_put(v);
	vncr_destroy(v);
	page_put(v->nested->page);
	kfree(v->nested);
	v->nested = NULL;
}

u64 nested_pstate_arch(const struct vcpu *v)
{
	u64 pstate = v->regs.pstate;

	if (v->nested->hyp && !(pstate & PSR_nRW) && (pstate & PSR_MODE))
		pstate += EL_DIFF;
	return pstate;
}

/* The context that a put vCPU's registers mean. */
static bool context_of(struct vcpu *v)
{
	u64 pstate = v->regs.pstate;

	if (!(pstate & PSR_nRW) && (pstate & PSR_MODE) >= EL2T)
		return true;
	return !(pstate & PSR_MODE) && nested_el0_hyp(v, vreg(v, REG_HCR_EL2));
}

static bool in_tge(const struct vcpu *v)
{
	return v->loaded ? v->nested->tge : nested_el0_alone(v, vreg(v, REG_HCR_EL2), v->regs.pstate);
}

static bool in_hyp(struct vcpu *v)
{
	return v->loaded ? v->nested->hyp : context_of(v);
}

unsigned nested_target(struct vcpu *v)
{
	return in_hyp(v) || in_tge(v) ? 2 : 1;
}

bool nested_takes_external(struct vcpu *v)
{
	return !in_hyp(v) && ((reg_read(v, REG_HCR_EL2) & HCR_TEA) || in_tge(v));
}

void nested_traps_compute(struct vcpu *v)
{
	struct nested *n = v->nested;

	n->hcr = v->traps.hcr;
	n->cptr = v->traps.cptr;
	n->cptr_nofp = v->traps.cptr_nofp;
}

/* The hypervisor's, in its guest's context: in the layout of E2H. */
static u64 cptr_of(const struct vcpu *v)
{
	u64 cptr = vreg(v, REG_CPTR_EL2);

	return unlikely(v->nested->nvhe) ? nvhe_cptr(cptr) : cptr;
}

/*
 * CPTR_EL2.FPEN and ZEN with E2H: 0b01 and 0b11 do not trap below EL2. What the hypervisor leaves open is open while the
 * vectors are in the CPU.
 */
static void fp_traps_load(struct vcpu *v)
{
	struct nested *n = v->nested;
	u64 cptr = n->hyp ? CPTR_FPEN | CPTR_ZEN : cptr_of(v);

	n->fp_traps = !(cptr & BIT(20));
	n->sve_traps = !(cptr & BIT(16));
	if (n->fp_traps)
		v->traps.cptr &= ~CPTR_FPEN;
	if (n->sve_traps)
		v->traps.cptr &= ~CPTR_ZEN;
}

/* The length of vectors: ZCR_EL2 in hardware is the lesser of ours and, for its guest, the hypervisor's. */
static void vectors_limit(struct vcpu *v)
{
	unsigned vl = v->fp.vl;

	if (!v->nested->hyp)
		vl = MIN(vl, ((vreg(v, REG_ZCR_EL2) & ZCR_LEN) + 1) * FP_VQ_BYTES);
	if (unlikely(vl != v->fp.limit))
		fp_guest_limit(&v->fp, vl);
}

/* Debug exceptions that the hypervisor traps, and which counters are its own. */
void nested_mdcr_load(struct vcpu *v)
{
	struct nested *n = v->nested;
	u64 mdcr = v->traps.mdcr;

	if (!n->hyp)
		mdcr |= unlikely(n->tge) ? MDCR_TDE : vreg(v, REG_MDCR_EL2) & MDCR_TDE;
	if (unlikely(v->pmu))
		mdcr = (mdcr & ~MDCR_HPMN) | pmu_mdcr(v);
	if (unlikely(mdcr != n->mdcr)) {
		n->mdcr = mdcr;
		write_sysreg(mdcr, mdcr_el2);
	}
}

/* Traps of the hypervisor's that are seldom there: those of MDCR_EL2, and our own vGIC's registers. */
static void more_traps_load(struct vcpu *v)
{
	struct nested *n = v->nested;
	u64 ich;

	nested_mdcr_load(v);
	ich = n->hyp || (nested_hcr(v) & HCR_IMO) ? 0 : vncr_reg(n, REG_ICH_HCR_EL2) & ICH_HCR_TRAPS;
	if (unlikely(ich != n->ich_traps)) {
		n->ich_traps = ich;
		if (vgic_ready(v->vm))
			vgic_traps(v, ich);
	}
}

/*
 * The guest has an EL2 of its own. NV without NV2 is not there (ID_AA64MMFR4_EL1.NV_frac): who forgets it gets it. The
 * address of the window is never one of the hypervisor's.
 */
static void nv_load(struct vcpu *v, u64 vhcr)
{
	if (!(vhcr & HCR_NV)) {
		v->traps.hcr &= ~HCR_NV2;
		return;
	}
	v->traps.hcr |= HCR_NV2;
	v->nested->window_on = true;
	write_sysreg(vncr_address(v), VNCR_EL2);
}

void nested_traps_load(struct vcpu *v)
{
	struct nested *n = v->nested;
	u64 vhcr;

	v->traps.hcr = n->hcr;
	v->traps.cptr = n->cptr;
	v->traps.cptr_nofp = n->cptr_nofp;
	fp_traps_load(v);
	if (v->config.sve)
		vectors_limit(v);
	more_traps_load(v);
	nested_fgt_load(v);
	if (n->hyp) {
		v->traps.hcr |= n->hyp_hcr;
		if (unlikely(n->window_on)) {
			n->window_on = false;
			write_sysreg(n->vncr, VNCR_EL2);
		}
		write_sysreg(v->config.mpidr, vmpidr_el2);
		write_sysreg(read_sysreg(midr_el1), vpidr_el2);
		return;
	}
	vhcr = nested_hcr(v);
	if (unlikely(n->tge))		/* no virtual exceptions */
		vhcr &= ~(HCR_VF | HCR_VI | HCR_VSE);
	v->traps.hcr |= vhcr & HCR_PASS;
	if (unlikely(vhcr & (HCR_NV | HCR_NV2)))
		nv_load(v, vhcr);
	if (!(vhcr & HCR_API))
		v->traps.hcr &= ~HCR_API;
	if (!(vhcr & HCR_APK))
		v->traps.hcr &= ~HCR_APK;
	if ((vhcr & HCR_VSE) && host.ras)
		write_sysreg(vncr_reg(n, REG_VSESR_EL2), VSESR_EL2);
	if (cptr_of(v) & CPTR_TCPAC) {
		v->traps.cptr |= CPTR_TCPAC;
		v->traps.cptr_nofp |= CPTR_TCPAC;
	}
	write_sysreg(vncr_reg(n, REG_VMPIDR_EL2), vmpidr_el2);
	write_sysreg(vncr_reg(n, REG_VPIDR_EL2), vpidr_el2);
}

static void page_fill(struct vcpu *v)
{
	unsigned r;

	for (r = 0; r < NR_REGS; r++)
		if (sysreg_vncr[r])
			vncr_reg(v->nested, r) = vreg(v, r);
}

static void page_empty(struct vcpu *v)
{
	unsigned r;

	for (r = 0; r < NR_REGS; r++)
		if (sysreg_vncr[r])
			vreg(v, r) = vncr_reg(v->nested, r);
}

/* Before anything of the vCPU is loaded: which stage 2, and PSTATE as the hardware has it. */
void nested_load(struct vcpu *v)
{
	struct nested *n = v->nested;

	n->hyp = context_of(v);
	n->mdcr = v->traps.mdcr;
	n->ich_traps = 0;
	n->fgt_joined = n->hcrx_joined = n->hstr_joined = false;
	if (n->hyp && !(v->regs.pstate & PSR_nRW) && (v->regs.pstate & PSR_MODE))
		v->regs.pstate -= EL_DIFF;
	ASSERT(n->hyp || n->shadow);
	v->s2 = n->hyp ? &v->vm->s2 : &n->shadow->s2;
	page_fill(v);
	timer_nested_to_page(v);
	timer_nested_view(v, n->hyp);
}

/*
 * DISR_EL1 while HCR_EL2.AMO is set is VDISR_EL2, in hardware: the guest has its hypervisor's there if that sets AMO, all else its
 * own DISR_EL1. Arm ARM D19.2.41.
 */
static void disr_switch(struct vcpu *v, bool guest)
{
	struct nested *n = v->nested;
	bool vdisr = guest && (nested_hcr(v) & HCR_AMO) && host.ras;

	if (vdisr == n->vdisr)
		return;
	n->vdisr = vdisr;
	if (vdisr) {
		vreg(v, REG_DISR_EL1) = read_sysreg(VDISR_EL2);
		write_sysreg(vncr_reg(n, REG_VDISR_EL2), VDISR_EL2);
	} else {
		vncr_reg(n, REG_VDISR_EL2) = read_sysreg(VDISR_EL2);
		write_sysreg(vreg(v, REG_DISR_EL1), VDISR_EL2);
	}
}

/* The list registers in hardware shall be the hypervisor's: interrupts of the vCPU are its own. TGE implies IMO. */
static bool lists_are_hyp(const struct vcpu *v, bool hyp)
{
	return !hyp && ((nested_hcr(v) & HCR_IMO) || unlikely(v->nested->tge));
}

void nested_load_end(struct vcpu *v)
{
	disr_switch(v, !v->nested->hyp);
	v->nested->window_on = false;
	write_sysreg(v->nested->vncr, VNCR_EL2);
	nested_traps_load(v);
	timer_nested_traps(v);
	if (lists_are_hyp(v, v->nested->hyp)) {
		vgic_put(v);
		nested_vgic_load(v);
	}
}

void nested_put_begin(struct vcpu *v)
{
	disr_switch(v, false);
	if (v->nested->lrs) {
		nested_vgic_put(v);
		vgic_load(v);
	}
}

void nested_put(struct vcpu *v)
{
	if (v->nested->hyp)
		timer_nested_from_page(v);
	v->regs.pstate = nested_pstate_arch(v);
}

/* In place of sysregs_hw_load and sysregs_hw_put. */
void nested_sysregs_load(struct vcpu *v)
{
	if (!v->nested->hyp) {
		sysregs_hw_load(v);
		if (unlikely(v->nested->tge))
			tge_enter(v);
	} else if (v->nested->nvhe) {
		sysregs_nvhe_load(v);
		nvhe_load(v);
	} else {
		sysregs_el2_load(v);
	}
}

void nested_sysregs_put(struct vcpu *v)
{
	page_empty(v);
	if (unlikely(v->nested->tge))
		tge_leave(v);
	if (!v->nested->hyp)
		sysregs_hw_put(v);
	else if (v->nested->nvhe)
		sysregs_nvhe_put(v);
	else
		sysregs_el2_put(v);
}

/* EL1's registers out of the hardware, and those of virtual EL2 into their place. */
static void el2_in(struct vcpu *v)
{
	struct nested *n = v->nested;

	if (unlikely(n->nvhe)) {
		if (n->tge)
			tge_leave(v);
		n->tge = false;
		sysregs_nvhe_el1_out(v, n->vncr);
		sysregs_nvhe_in(v, n->vncr);
		nvhe_load(v);
	} else {
		sysregs_el2_el1_out(v, n->vncr);
		sysregs_el2_in(v, n->vncr);
	}
}

static void el2_out(struct vcpu *v)
{
	struct nested *n = v->nested;

	if (unlikely(n->nvhe)) {
		sysregs_nvhe_out(v, n->vncr);
		sysregs_nvhe_el1_in(v, n->vncr);
		if (n->tge)
			tge_enter(v);
	} else {
		sysregs_el2_out(v, n->vncr);
		sysregs_el2_el1_in(v, n->vncr);
	}
}

void nested_switch(struct vcpu *v, bool hyp)
{
	struct nested *n = v->nested;
	bool lrs = lists_are_hyp(v, hyp), was = n->lrs;

	ASSERT(v->loaded && n->hyp != hyp && irqs_disabled());
	if (was)
		nested_vgic_put(v);
	else if (lrs)
		vgic_put(v);
	timer_put(v);
	if (unlikely(v->pmu))
		pmu_put(v);
	if (hyp) {
		el2_in(v);
		v->s2 = &v->vm->s2;
	} else {
		el2_out(v);
		v->s2 = &n->shadow->s2;
	}
	n->hyp = hyp;
	disr_switch(v, !hyp);
	stage2_load(v);
	nested_traps_load(v);
	timer_nested_view(v, hyp);
	timer_load(v);
	timer_nested_traps(v);
	if (lrs)
		nested_vgic_load(v);
	else if (was)
		vgic_load(v);
	if (unlikely(v->pmu))
		pmu_load(v);
	if (unlikely(v->debug_live))
		debug_regs_load(v);
}

/* In hardware now? Loaded. */
static bool hw_read(struct vcpu *v, enum reg r, u64 *val)
{
	if (!v->nested->hyp)
		return sysreg_hw_read(r, v->vm->feats, val);
	return v->nested->nvhe ? sysreg_nvhe_read(r, v->vm->feats, val) : sysreg_el2_read(r, v->vm->feats, val);
}

static bool hw_write(struct vcpu *v, enum reg r, u64 val)
{
	if (!v->nested->hyp)
		return sysreg_hw_write(r, v->vm->feats, val);
	return v->nested->nvhe ? sysreg_nvhe_write(r, v->vm->feats, val) : sysreg_el2_write(r, v->vm->feats, val);
}

u64 nested_reg_read(struct vcpu *v, enum reg r)
{
	u64 val;

	if (!v->loaded)
		return vreg(v, r);
	if (hw_read(v, r, &val))
		return r == REG_CNTHCTL_EL2 ? (val & CNTHCTL_EL1_BITS) | (vreg(v, r) & ~CNTHCTL_EL1_BITS) : val;
	return sysreg_vncr[r] ? vncr_reg(v->nested, r) : vreg(v, r);
}

void nested_reg_write(struct vcpu *v, enum reg r, u64 val)
{
	if (!v->loaded || r == REG_CNTHCTL_EL2)
		vreg(v, r) = val;
	if (!v->loaded)
		return;
	if (hw_write(v, r, val))
		return;
	if (sysreg_vncr[r])
		vncr_reg(v->nested, r) = val;
	else
		vreg(v, r) = val;
	if (v->nested->nvhe && v->nested->hyp)
		nvhe_written(v, r);
}
