// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's precise time protocol call: wall-clock time and the counter at that moment, for a guest's clock driver.
 * Linux: Documentation/virt/kvm/arm/ptp_kvm.rst.
 */
#include "kernel/cpu/sysreg.h"
#include "kernel/sched/timer.h"
#include "kvm/smccc/smccc.h"
#include "smccc_ids.h"

#define PTP_VIRTUAL	0
#define PTP_PHYSICAL	1

enum trap_result smccc_ptp(struct vcpu *v, u32 fn)
{
	u64 cycles, wall, flags;

	if ((u32)v->regs.x[1] > PTP_PHYSICAL) {
		smccc_return(v, SMCCC_RET_NOT_SUPPORTED, 0, 0, 0);
		return TRAP_RETRY;
	}
	flags = local_irq_save();
	cycles = counter_read();
	wall = clock_ns() + clock_realtime_offset_ns();
	local_irq_restore(flags);
	cycles -= v->vm->counter_offset[(u32)v->regs.x[1] == PTP_PHYSICAL];
	smccc_return(v, wall >> 32, (u32)wall, cycles >> 32, (u32)cycles);
	return TRAP_RETRY;
}
