// SPDX-License-Identifier: GPL-2.0-only
/* The state set: bookkeeping that entry code has no business with, so run/enter.c, exit.c and leave.c must not include this. */
#pragma once

#ifdef VCPU_ENTRY_CODE
#error "entry code does not see the state set (docs/architecture.md)"
#endif

#include "kvm/dirty_ring.h"
#include "kvm/vcpu.h"

struct vcpu_state {
	u32 mp_state;			/* KVM_MP_STATE_RUNNABLE, STOPPED, SUSPENDED */
	bool ran_once;
	int error;			/* -errno of KVM_RUN after TRAP_FAIL */
	/* PSCI CPU_ON: written by the caller under the target's psci_lock, consumed on REQ_RESET */
	spinlock_t psci_lock;
	struct { bool pending, be; u64 pc, r0; } reset;
	/* A read (or NISV) that user space must answer before the guest goes on */
	struct {
		bool needed, is_write;
		u8 len;
		u64 esr;
	} mmio;
	unsigned stop_count;		/* vm_stop_all nesting, under vm->lock */
	bool sigmask_set;		/* KVM_SET_SIGNAL_MASK */
	u64 sigmask;
	u32 guest_debug;
	bool step_pending, step_taken;	/* single step: done but not reported; reported by this KVM_RUN */
	u64 guest_ss;			/* the guest's own PSTATE.SS while the VMM uses it */
	struct { u64 base; u64 last_run_delay; } steal;
	int creator;			/* thread id, for the name of the statistics */
	struct dirty_ring ring;
	struct {
		struct halt_stats halt;
		u64 exits, irq_exits, wfi_exits, wfe_exits, hvc_exits, smc_exits, mmio_user, mmio_kernel, stage2_faults, sysreg, fp_traps, signal_exits;
	} stat;
};
