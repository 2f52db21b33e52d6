// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual EL2: a vCPU created with KVM_ARM_VCPU_HAS_EL2 (docs/nested.md). It needs FEAT_NV2; its E2H is always 1, or with
 * KVM_ARM_VCPU_HAS_EL2_E2H0 always 0 (nvhe).
 *
 * Two contexts. The hypervisor's (hyp): virtual EL2, and its EL0 while E2H and TGE are set; runs at EL1 with HCR_EL2.{NV,NV2}, its
 * EL2 registers in the place of EL1's, stage 2 is the VM's. The guest's: EL1 and EL0 under the hypervisor's control, stage
 * 2 is a shadow of the hypervisor's tables. nested->hyp says which one is meant by what is loaded.
 *
 * Locks: all of struct nested belongs to the vCPU's thread; struct vm_nested and all shadow tables are under vm->s2.lock,
 * faults for reading, everything else for writing.
 */
#pragma once

#include "kvm/kvm.h"
#include "kvm/vcpu.h"
#include "sysreg_vncr.h"		/* generated: offsets in the VNCR page */

#define HCR_SWIO	BIT(1)
#define HCR_PTW		BIT(2)
#define HCR_FMO		BIT(3)
#define HCR_IMO		BIT(4)
#define HCR_AMO		BIT(5)
#define HCR_VF		BIT(6)
#define HCR_VI		BIT(7)
#define HCR_VSE		BIT(8)
#define HCR_VM		BIT(0)
#define HCR_DC		BIT(12)
#define HCR_TWI		BIT(13)
#define HCR_TWE		BIT(14)
#define HCR_TSC		BIT(19)
#define HCR_TTLB	BIT(25)
#define HCR_TGE		BIT(27)
#define HCR_TDZ		BIT(28)
#define HCR_HCD		BIT(29)
#define HCR_E2H		BIT(34)
#define HCR_TEA		BIT(37)
#define HCR_APK		BIT(40)
#define HCR_API		BIT(41)
#define HCR_NV		BIT(42)
#define HCR_NV1		BIT(43)
#define HCR_AT		BIT(44)
#define HCR_NV2		BIT(45)
#define HCR_FWB		BIT(46)

#define CNTHCTL_EL1_BITS (GENMASK(9, 0) | BIT(17))	/* of CNTHCTL_EL2, what CNTKCTL_EL1 has a place for: sysreg.tbl too */
#define CPTR_TCPAC	BIT(31)
#define MDCR_TDE	BIT(8)
#define CPTR_FPEN	GENMASK(21, 20)
#define CPTR_ZEN	GENMASK(17, 16)

/* What a shadow is of. */
struct shadow_key {
	u64 vttbr, vtcr;
	bool on;		/* HCR_EL2.VM or DC; else guest addresses are the VM's */
	bool tge;		/* nothing in it is executable at EL1 (tge.c) */
};

/* A shadow stage 2: what VTTBR_EL2 and VTCR_EL2 of some vCPU of the VM mean, through the VM's own stage 2. */
struct shadow {
	struct stage2 s2;	/* table and VMID; its lock is not used */
	bool valid;
	bool mapped;		/* something was mapped since it was last emptied */
	struct shadow_key key;
	unsigned refs;		/* vCPUs that have it as theirs */
	u64 used;		/* vm_nested.clock when last taken */
};

/* Tables that were emptied at once, to be freed without the lock. */
struct shadow_garbage {
	struct shadow_garbage *next;
	struct ptable pt;
};

struct vm_nested {
	unsigned n, max;
	struct shadow_garbage *garbage;
	u64 clock;
	u64 seq;		/* grows with every removal that the hypervisors ask for: faults look at it twice */
	struct vncr_window *windows;
	struct shadow *s[];
};

/* tge.c: what EL1's registers hold while the CPU's are used otherwise. */
struct tge_el1 {
	u64 sctlr, spsr, elr, esr, far, vbar;
};

struct nested {
	u64 *vncr;		/* the VNCR page: registers with a vncr: location while the vCPU is loaded */
	struct page *page;
	bool nvhe;		/* its E2H is 0: constant */
	u64 hyp_hcr;		/* what HCR_EL2 has more in the hypervisor's context: constant */
	u64 vhcr_bits;		/* bits that its own HCR_EL2, which it writes in the page, has here: constant */
	bool hyp;		/* context, valid while loaded */
	bool tge;		/* what is loaded is EL0 under TGE without E2H (tge.c); never with hyp */
	bool lrs;		/* the list registers in hardware are the hypervisor's */
	bool fp_traps, sve_traps; /* the hypervisor traps its guest's FP, SVE */
	u64 mdcr, ich_traps;	/* MDCR_EL2, and its ICH_HCR_EL2's traps, as they are in hardware */
	bool fgt_joined, hcrx_joined;	/* its fine-grained traps and HCRX_EL2 are in hardware, with ours */
	bool hstr_joined;	/* its HSTR_EL2 too */
	bool vdisr;		/* its VDISR_EL2 is in hardware, for its guest: DISR_EL1 is in memory */
	bool maint;		/* level of the maintenance interrupt */
	struct shadow *shadow;	/* held while the guest's context is the current one */
	struct vncr_window *window;	/* NULL until a guest with an EL2 of its own is entered */
	bool window_on;		/* VNCR_EL2 is the window's */
	u64 hcr, cptr, cptr_nofp;	/* as sysreg_traps_compute worked them out */
	u64 lr[16];		/* as written to hardware */
	u32 linked;		/* of those: linked to a timer of ours, and not ended as far as the hypervisor was told */
	struct tge_el1 tge_el1;	/* while loaded and tge */
};

struct sysreg_access;

#define vncr_reg(n, r)	((n)->vncr[sysreg_vncr[r] / 8])	/* while loaded, and not in hardware in this view */
static inline u64 nested_hcr(const struct vcpu *v);

/* ---- for the rest of kvm/; v->nested is set in all but nested_supported and nested_create ---- */
bool nested_supported(void);			/* FEAT_NV2, FWB */
bool nested_nvhe_supported(void);		/* and HCR_EL2.NV1 */
int nested_create(struct vcpu *v);		/* KVM_ARM_VCPU_INIT with HAS_EL2, vm->lock held. -ENOMEM */
void nested_destroy(struct vcpu *v);
void nested_vm_destroy(struct vm *vm);		/* no vCPU left, the notifier is off */
void nested_invalidate(struct vm *vm);		/* the VM's stage 2 loses something: s2.lock held for writing */
void nested_reap(struct vm *vm);		/* ... and after the lock: frees what nested_invalidate took out */
void nested_traps_compute(struct vcpu *v);	/* end of sysreg_traps_compute */
int nested_run_begin(struct vcpu *v);		/* KVM_RUN, before load: the shadow that the vCPU's state needs. -ENOMEM */
void nested_load(struct vcpu *v);		/* before all else of vcpu_load; preemption off */
void nested_load_end(struct vcpu *v);		/* after timers and vGIC */
void nested_put_begin(struct vcpu *v);		/* the same for vcpu_put */
void nested_put(struct vcpu *v);
void nested_sysregs_load(struct vcpu *v);	/* in place of sysregs_hw_load, sysregs_hw_put */
void nested_sysregs_put(struct vcpu *v);
u64 nested_reg_read(struct vcpu *v, enum reg r);
void nested_reg_write(struct vcpu *v, enum reg r, u64 val);
void nested_commit(struct vcpu *v);		/* in place of vcpu_commit_input, before entry; interrupts off */
void nested_leave(struct vcpu *v);		/* after vcpu_leave, interrupts off */
/* Fast tier, guest loaded: served, to be dispatched, or for the fast tier of every guest to look at. */
enum nested_fast { NESTED_SERVED, NESTED_SLOW, NESTED_COMMON };
enum nested_fast nested_exit_fast(struct vcpu *v, u64 esr);
/* The trap is the hypervisor's, or an instruction of the hypervisor's own: done with result *res. */
bool nested_dispatch(struct vcpu *v, enum trap_result *res);
void nested_exception_take(struct vcpu *v);	/* target_el 2; loaded, interrupts off */
/* Which level takes an exception that the running code causes itself: 1 or 2. */
unsigned nested_target(struct vcpu *v);
/* In the guest's context, and external aborts are the hypervisor's (HCR_EL2.TEA). Loaded or put. */
bool nested_takes_external(struct vcpu *v);

/*
 * SDEI, whose client is the hypervisor. A handler starts there, as by an exception of which ELR and its like know nothing;
 * it ends as by ERET to what it interrupted (TRAP_FAIL: no memory, state->error set, nothing has changed), or as if that had
 * taken an exception to address to. Loaded; PSTATE as the architecture has it.
 */
void nested_handler_start(struct vcpu *v, u64 pc);
enum trap_result nested_return(struct vcpu *v, u64 spsr, u64 to);
void nested_handler_resume(struct vcpu *v, u64 pstate, u64 pc, u64 to);
u64 nested_pstate_arch(const struct vcpu *v);	/* PSTATE as the architecture has it: EL2 for what runs at EL1 */

/* ---- between the files of kvm/nested/ ---- */

/* view.c: change the context; loaded, interrupts off. To the guest's: n->shadow is held. */
void nested_switch(struct vcpu *v, bool hyp);
void nested_traps_load(struct vcpu *v);
void nested_mdcr_load(struct vcpu *v);		/* MDCR_EL2 has changed; also for kvm/pmu/. Preemption off */

/* exception.c */
enum trap_result nested_eret(struct vcpu *v);
void nested_inject(struct vcpu *v, enum exception_kind kind, u64 esr, bool far_valid, u64 far);	/* to virtual EL2 */

/*
 * debug.c: breakpoint and watchpoint control for the hypervisor's context, where the CPU's EL1 is EL2; and PSTATE.SS as an
 * ERET of the hypervisor's leaves it of SPSR_EL2's.
 */
u64 nested_bcr(u64 bcr);
u64 nested_wcr(u64 wcr);
u64 nested_step(struct vcpu *v, u64 spsr);

/* pauth.c: *elr as ERETAA or ERETAB makes it of ELR_EL2. false: it takes a PAC failure instead. */
bool nested_elr_authenticate(struct vcpu *v, bool key_b, u64 *elr);

/* tge.c: EL1's registers are the guest's in hardware; into the state for EL0 alone, and out of it. Preemption off. */
void tge_enter(struct vcpu *v);
void tge_leave(struct vcpu *v);
void tge_reflect(struct vcpu *v);		/* nested->tge, after an exit: an exception of EL0's is one to virtual EL2. Interrupts off */

/* fgt.c: after a change of context, or a load: what the hypervisor adds to our fine-grained traps and HCRX_EL2, or ours. */
void nested_fgt_load(struct vcpu *v);

/* route.c: does the hypervisor trap this access of its guest's? */
bool nested_traps_sysreg(struct vcpu *v, u64 esr);

/* fault.c */
bool nested_updates(struct vcpu *v, u64 on, unsigned level);

/* shadow.c; may sleep. */
struct shadow *shadow_get(struct vcpu *v);	/* for the vCPU's VTTBR_EL2, VTCR_EL2, HCR_EL2.{VM,DC}, and nested->tge; NULL: no memory */
void shadow_put(struct vcpu *v);		/* n->shadow, if any */
enum trap_result nested_abort(struct vcpu *v);
/* Addresses [ipa, ipa + size) of every shadow whose VMID is the one in vttbr; size 0: all. s1_only: cached stage 1 only. */
void shadow_unmap_vmid(struct vcpu *v, u64 vttbr, u64 ipa, u64 size);
void shadow_flush_vmid(struct vcpu *v, u64 vttbr);
void shadow_unmap_all(struct vcpu *v);

/* vncr.c: the page that the hypervisor's VNCR_EL2 names. */
struct vncr_tlbi {
	u64 va, size;		/* size 0: all */
};
int vncr_prepare(struct vcpu *v);	/* before a guest with HCR_EL2.NV is entered; may sleep. -ENOMEM */
u64 vncr_address(const struct vcpu *v);	/* for the hardware's VNCR_EL2; prepared */
void vncr_destroy(struct vcpu *v);
void vncr_invalidate(struct vm_nested *vn);	/* s2.lock held for writing */
void vncr_tlbi(struct vcpu *v, const struct vncr_tlbi *t);
enum trap_result vncr_abort(struct vcpu *v);
/* PSTATE as an exception to EL1 that we make leaves it in SPSR_EL1: to a guest with HCR_EL2.NV its EL1 is EL2. */
u64 nested_spsr(struct vcpu *v, u64 pstate);

/*
 * at.c: stage 1 of the hypervisor's own regime, with its MMU off too. 0, or a fault status code (Arm ARM D24.2.40) with
 * its level. May sleep.
 */
struct walk_result;
int nested_walk_own(struct vcpu *v, u64 va, struct walk_result *r);

/* at.c, tlbi.c: SYS instructions; a trap of class 0x18 with op0 1. */
enum trap_result nested_at(struct vcpu *v, u64 esr);
enum trap_result nested_tlbi(struct vcpu *v, u64 esr);
bool nested_tlbi_fast(struct vcpu *v, u64 esr);	/* guest loaded: done, if it is for the hypervisor's own regime */
bool nested_eret_fast(struct vcpu *v);		/* guest loaded: done, if it stays in the hypervisor's context */

/* vgic.c; interrupts off. */
void nested_vgic_load(struct vcpu *v);		/* the hypervisor's list registers into hardware; n->lrs */
void nested_vgic_put(struct vcpu *v);
void nested_vgic_enter(struct vcpu *v);
void nested_vgic_leave(struct vcpu *v);
void nested_maint_restore(struct vcpu *v);	/* KVM_RUN: user space may have set the line, which is ours to lower. Put */
void nested_maint_update(struct vcpu *v);	/* level of the maintenance interrupt, from the VNCR page */

/* nvhe.c: EL2's registers without E2H, as EL1's or as with E2H have it. nested_control: any of EL2's, in the layout of E2H. */
u64 nested_control(struct vcpu *v, enum reg r);
u64 nvhe_tcr(u64 tcr);				/* TCR_EL1, with one range */
u64 nvhe_cptr(u64 cptr);			/* CPTR_EL2 with E2H */
u64 nvhe_cnthctl(u64 hctl);			/* CNTHCTL_EL2 with E2H, as far as it is about EL1 and EL0 */
void nvhe_load(struct vcpu *v);			/* into hardware, in the hypervisor's context */
void nvhe_written(struct vcpu *v, enum reg r);	/* ... after this one has changed */
enum trap_result nvhe_timer(struct vcpu *v, const struct sysreg_access *a);	/* trapped, in the hypervisor's context */

/* sysreg.c */
enum trap_result sysreg_el02_timer(struct vcpu *v, const struct sysreg_access *a);

/* sysreg_gen.c: the views at virtual EL2, with and without E2H; _out and _in: what they have in the place of EL1's, and EL1's. */
void sysregs_el2_load(struct vcpu *v);
void sysregs_el2_put(struct vcpu *v);
void sysregs_el2_el1_out(struct vcpu *v, u64 *page);
void sysregs_el2_el1_in(struct vcpu *v, u64 *page);
void sysregs_el2_out(struct vcpu *v, u64 *page);
void sysregs_el2_in(struct vcpu *v, u64 *page);
bool sysreg_el2_read(enum reg r, u64 feats, u64 *val);
bool sysreg_el2_write(enum reg r, u64 feats, u64 val);
void sysregs_nvhe_load(struct vcpu *v);
void sysregs_nvhe_put(struct vcpu *v);
void sysregs_nvhe_el1_out(struct vcpu *v, u64 *page);
void sysregs_nvhe_el1_in(struct vcpu *v, u64 *page);
void sysregs_nvhe_out(struct vcpu *v, u64 *page);
void sysregs_nvhe_in(struct vcpu *v, u64 *page);
bool sysreg_nvhe_read(enum reg r, u64 feats, u64 *val);
bool sysreg_nvhe_write(enum reg r, u64 feats, u64 val);

static inline u64 nested_hcr(const struct vcpu *v)
{
	return vncr_reg(v->nested, REG_HCR_EL2) & v->nested->vhcr_bits;
}

/* EL0 is the hypervisor's own: TGE, and E2H. hcr: HCR_EL2, wherever it is. */
static inline bool nested_el0_hyp(const struct vcpu *v, u64 hcr)
{
	return (hcr & HCR_TGE) && !v->nested->nvhe;
}

/* This PSTATE, as the architecture has it, is of an EL0 without an EL1. */
static inline bool nested_el0_alone(const struct vcpu *v, u64 hcr, u64 pstate)
{
	return unlikely(v->nested->nvhe) && (hcr & HCR_TGE) && !(pstate & 0xf);
}
