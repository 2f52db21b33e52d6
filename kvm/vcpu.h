// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU. Its state is kept in three sets of three types:
 *   configuration  set before the vCPU first runs, through vcpu_config_edit() only (kvm/vcpu_config.h); const here
 *   input          for the code that enters the guest, which consumes or consults it
 *   state          the kernel's bookkeeping; entry code (run/enter.c, guest.S, exit.c, leave.c) cannot see it:
 *                  struct vcpu_state is defined in kvm/vcpu_state.h, which those files do not include
 * Everything is under vcpu->mutex (held across KVM_RUN) except what says otherwise. Owner: kvm/vcpu.c.
 */
#pragma once

#include <linux/kvm.h>

#include "kernel/fp/owner.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/timer.h"
#include "kvm/kvm.h"
#include "sysreg_ids.h"		/* generated: enum reg { REG_SCTLR_EL1, ..., NR_REGS } */

/* What a handler tells the dispatcher. Only the dispatcher moves PC. */
enum trap_result {
	TRAP_RETRY,	/* enter again, same PC (or the input set holds an exception) */
	TRAP_SKIP,	/* done: PC moves past the instruction */
	TRAP_USER,	/* run page is filled in: return to user space; PC moves later if an MMIO completion says so */
	TRAP_USER_SKIP,	/* PC moves, then to user space */
	TRAP_FAIL,	/* our own trouble: state->error holds the -errno for KVM_RUN */
};

struct vcpu_config {
	bool initialized;		/* KVM_ARM_VCPU_INIT succeeded */
	bool frozen;			/* has run: vcpu_config_edit() refuses */
	u32 features[7];		/* as given to KVM_ARM_VCPU_INIT; bit numbers KVM_ARM_VCPU_* */
	bool psci_0_2, el1_32bit, sve, pmu, ptrauth, has_el2;
	bool sve_finalized;		/* fp has its memory; set together with it (kvm/sve.c) */
	u16 sve_vl;			/* the longest vector, bytes */
	u64 mpidr;			/* VMPIDR_EL2 */
};

/* Worked out when the configuration froze: what entry loads. */
struct vcpu_traps {
	u64 hcr, mdcr, cptr /* with FP live */, cptr_nofp, hstr;
	u64 hcrx, hfgrtr, hfgwtr, hfgitr, hdfgrtr, hdfgwtr;
	bool has_fgt, has_hcrx, has_pmu;	/* of the CPU */
};

enum input_step { STEP_NONE, STEP_SKIP, STEP_EXCEPTION };
enum exception_kind { EXC_SYNC, EXC_IRQ, EXC_FIQ, EXC_SERROR };

#define VSERROR_OURS	1		/* injected by the VMM or by us; vserror_esr */
#define VSERROR_NESTED	2		/* the guest hypervisor's HCR_EL2.VSE, for its guest; its VSESR_EL2 */

struct vcpu_input {
	enum input_step step;		/* PC increment or exception: never both */
	struct {
		enum exception_kind kind;
		u8 target_el;		/* 1 or 2 (virtual) */
		bool far_valid;
		u64 esr, far;
	} exc;
	u8 vserror;			/* VSERROR_*: HCR_EL2.VSE until taken */
	u64 vserror_esr;		/* VSESR_EL2 */
	bool irq_line, fiq_line;	/* without an in-kernel vGIC: HCR_EL2.VI, VF (KVM_IRQ_LINE on the CPU) */
	bool debugged, single_step, hw_bp;	/* KVM_SET_GUEST_DEBUG */
	bool wfi_traps;			/* TWI/TWE wanted: other threads want this CPU */
};

struct vcpu_regs {			/* the guest's registers when put; GPRs also while we are at EL2 */
	u64 x[31];
	u64 pc;				/* ELR_EL2 while in the guest's exit path */
	u64 pstate;			/* SPSR_EL2 */
	u64 sys[NR_REGS];		/* by enum reg; sp_el0, sp_el1, elr_el1, spsr_* are rows too */
};

struct exit_info {			/* of the last exit, filled by run/exit.c */
	enum { EXIT_IRQ, EXIT_TRAP, EXIT_SERROR, EXIT_ILLEGAL } kind;
	u64 esr, far, hpfar;
};

/* Requests from other CPUs: set with vcpu_request(), taken with an atomic exchange at the top of the loop. */
#define REQ_RESET	BIT(0)		/* PSCI CPU_ON: state->reset holds where */
#define REQ_SLEEP	BIT(1)		/* stopped: powered off, or vm_stop_all */
#define REQ_IRQ		BIT(2)		/* an interrupt may have become pending */
#define REQ_STEAL	BIT(3)		/* update stolen time */
#define REQ_SYSTEM_EVENT BIT(4)		/* run page holds a system event: leave to user space */
#define REQ_RELOAD	BIT(5)		/* through put and load: another vCPU changed the active state of a timer's interrupt */
#define REQ_VMID	BIT(6)		/* reload the stage-2 root (VMID recycled) */
#define REQ_DIRTY_RING	BIT(17)		/* the dirty ring is nearly full: leave to user space while it is */
#define REQ_SDEI	BIT(16)		/* an SDEI event may start, or a restore is to be finished (kvm/sdei) */

/*
 * Where the last device access was served: while vm->mmio_gen is still gen, there is no memory at gfn, and dev serves loads
 * of its range there, or (user) there is no device of the kernel's in the whole page. dev is only followed under RCU, after
 * the look at mmio_gen, unless it has read_loaded, which says that it lives as long as the VM.
 */
struct mmio_hint {
	u64 gen, gfn;
	struct iodev *dev;
	bool user;
};

struct vcpu_state;
struct nested;
struct vgic_cpu;
struct vcpu_timers;
struct sdei_vcpu;

struct vcpu {
	struct vcpu_regs regs;		/* first: guest.S knows offsets (run/offsets.h asserts them) */
	struct fp_state fp;
	const struct vcpu_config config;
	struct vcpu_traps traps;
	struct vcpu_input input;
	struct mmio_hint mmio_hint;
	struct exit_info exit;
	struct vcpu_state *state;	/* embedded behind this struct, opaque here */
	struct vm *vm;
	struct nested *nested;		/* virtual EL2 (kvm/nested/); NULL: none */
	struct stage2 *s2;		/* the VM's, or a shadow (kvm/nested/shadow.c) */
	unsigned id, index;		/* id: as created; index: order of creation */
	struct kvm_run *run;		/* shared with the VMM: hostile; read fields once */
	struct page *run_page[2];
	struct mutex mutex;
	u32 requests;			/* atomic */
	struct thread *thread;		/* in KVM_RUN; RCU; NULL outside */
	struct waitq wq;		/* blocked in WFI, powered off, stopped */
	struct switch_hook hook;
	u64 fast_hvc, fast_sysreg, fast_load, fast_irq;		/* exits served with the guest loaded: statistics */
	bool loaded;			/* EL1 state is in this CPU's registers */
	int resident;			/* run/stay.c: the CPU that holds it between two KVM_RUNs, or -1 */
	bool debug_live;		/* the debug registers in the CPU can stop a process too */
	bool pmu_live;			/* the counters in the CPU count a process too */
	struct {
		u64 tpidr, tpidrro, sp;
	} stay_el0;			/* the guest's, while resident */
	bool in_guest;			/* between the last check and the exit; for vm_stop_all and kicks */
	u32 *ccsidr;			/* the VMM's own cache geometry by CSSELR; NULL: invented (sysreg/reset.c) */
	struct kvm_guest_debug_arch *debug_points;	/* KVM_GUESTDBG_USE_HW: the VMM's breakpoints */
	struct vgic_cpu *vgic;		/* always there after KVM_ARM_VCPU_INIT; kvm/vgic */
	struct vcpu_timers *timers;
	struct sdei_vcpu *sdei;		/* NULL: the VM did not opt in */
	struct vcpu_pmu *pmu;		/* KVM_ARM_VCPU_PMU_V3; NULL: none */
};

#define vreg(v, r)	((v)->regs.sys[r])	/* memory copy: only valid when put, or for rows kept in memory */

/* kvm/vcpu.c */
void vcpu_request(struct vcpu *v, u32 req);	/* set and kick: any context */
void vcpu_kick(struct vcpu *v);			/* out of the guest or out of WFI; any context */
int vcpu_create(struct vm *vm, u64 id);		/* KVM_CREATE_VCPU: a descriptor */
void vcpu_quiesce(struct vcpu *v);		/* no CPU holds its registers; then, after a grace period: */
void vcpu_destroy(struct vcpu *v);		/* nobody can reach it any more */
s64 vcpu_ioctl(struct file *f, u32 cmd, u64 arg);
void vcpu_take_reset(struct vcpu *v);		/* what PSCI CPU_ON left in state->reset; the vCPU is put */
void vcpu_reset_regs(struct vcpu *v);		/* to the architectural reset state of KVM_ARM_VCPU_INIT */

/* kvm/run/: the story of an exit. Read loop.c, enter.c, guest.S, exit.c, leave.c, dispatch.c, inject.c in this order. */
struct vcpu *vcpu_of_hook(struct switch_hook *h);	/* whose switch hook this is; NULL: another kind */
s64 vcpu_run(struct vcpu *v);			/* KVM_RUN, under v->mutex */
void vcpu_load(struct vcpu *v);			/* EL1 state, vGIC, timers into this CPU; preemption off */
void vcpu_put(struct vcpu *v);
/*
 * Under v->mutex, outside of KVM_RUN: whatever CPU still holds the vCPU's registers gives them back to memory. Everything
 * but KVM_RUN that looks at a vCPU's registers calls it first (vcpu_ioctl does for all ioctls). May wait for that CPU.
 */
void vcpu_settle(struct vcpu *v);
/* v->mutex if it is free, and settled. */
bool vcpu_trylock(struct vcpu *v);
/* vm.c: the same of all vCPUs, vm->lock held until they are unlocked. false: one is in KVM_RUN, or its ioctl. */
bool vm_trylock_vcpus(struct vm *vm);
void vm_unlock_vcpus(struct vm *vm);
/* What is in the registers can neither disturb nor be seen by a process (only asked on the way out of KVM_RUN). */
static inline bool vcpu_may_stay(const struct vcpu *v)
{
	return !(v->debug_live | v->pmu_live) && !v->nested;
}
/* Queue an exception for entry to deliver (kvm/run/inject.c); an exception replaces a PC increment, never the reverse. */
void inject_undef(struct vcpu *v);
void inject_dabt(struct vcpu *v, u64 far);	/* synchronous external abort */
void inject_iabt(struct vcpu *v, u64 far);
void inject_size_fault(struct vcpu *v, u64 far, bool instr);	/* address size fault level 0 */
int inject_vserror(struct vcpu *v, bool has_esr, u64 esr);	/* -EINVAL: no RAS */
void vcpu_commit_input(struct vcpu *v);		/* apply step: EL1 state may be loaded or put */

/* System registers: the one resolver of where a register is now (kvm/sysreg/). */
u64 reg_read(struct vcpu *v, enum reg r);
void reg_write(struct vcpu *v, enum reg r, u64 val);
void sysregs_load(struct vcpu *v);		/* generated order: EL1 and EL0 registers to hardware; v not loaded yet */
void sysregs_put(struct vcpu *v);
enum trap_result sysreg_trap(struct vcpu *v, u64 esr);	/* EC 0x18; AArch32 CP15 traps are UNDEF */
void sysreg_traps_compute(struct vcpu *v);	/* fills v->traps when the configuration freezes */
void sysreg_reset(struct vcpu *v);
void debug_traps_compute(struct vcpu *v);	/* the part that KVM_SET_GUEST_DEBUG changes later */
int onereg_get(struct vcpu *v, const struct kvm_one_reg *reg);	/* kvm/onereg.c */
int onereg_set(struct vcpu *v, const struct kvm_one_reg *reg);
int onereg_list(struct vcpu *v, u64 uaddr);	/* KVM_GET_REG_LIST */
bool guest_pstate_ok(const struct vcpu *v, u64 pstate);	/* a state that a guest can be in, so one that user space may ask for */
struct host_regs;				/* the process's EL0-visible registers that a guest overwrites (TPIDR_EL0 ...): saved by load, restored by put */

/* Stage 2 (kvm/stage2/) */
enum trap_result abort_trap(struct vcpu *v);	/* EC 0x20, 0x24 from v->exit: fault in, MMIO, or inject */
void stage2_load(struct vcpu *v);		/* VTCR_EL2, VTTBR_EL2 with a current VMID; interrupts off. Called at each vcpu_load and on REQ_VMID */
/* MMIO (kvm/trap/mmio.c): an abort with valid syndrome on no memory. */
/* The same page as the last load from a device, v->mmio_hint: true if that served it. */
bool mmio_again(struct vcpu *v, ipa_t ipa);
enum trap_result mmio_trap(struct vcpu *v, ipa_t ipa);
enum trap_result mmio_to_user(struct vcpu *v, ipa_t ipa);	/* no device of the kernel's there */
void mmio_complete(struct vcpu *v);		/* at KVM_RUN, loaded: a read that user space has answered */

/* Hypercalls (kvm/smccc/) */
enum trap_result smccc_trap(struct vcpu *v, bool smc);
/* Calls that need not sleep: as exit_fast (kvm/run/run.h), whose rules hold; done, x0 to x3 are written. */
bool smccc_fast(struct vcpu *v, u64 *code);
/* One-reg of firmware registers: KVM_REG_ARM_FW, KVM_REG_ARM_FW_FEAT_BMAP. */
int fwreg_count(struct vcpu *v);
int fwreg_list(struct vcpu *v, u64 uindices);	/* copies ids out; -EFAULT */
int fwreg_get(struct vcpu *v, const struct kvm_one_reg *reg);
int fwreg_set(struct vcpu *v, const struct kvm_one_reg *reg);
void fwreg_init_vm(struct vm *vm);
int pvtime_attr(struct vcpu *v, const struct kvm_device_attr *a, int op);	/* 's', 'g', 'h'; -ENXIO: not offered */
