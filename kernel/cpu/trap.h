// SPDX-License-Identifier: GPL-2.0-only
/* Entry points that kernel/cpu/entry.S calls. Interrupts are masked on entry; for EL0 also on return. */
#pragma once

#include "kernel/cpu/entry.h"

void trap_user_sync(struct pt_regs *regs, u64 esr, u64 far);
void trap_user_irq(struct pt_regs *regs, u64 esr, u64 far);
void trap_user_serror(struct pt_regs *regs, u64 esr, u64 far);
void trap_kernel_sync(struct pt_regs *regs, u64 esr, u64 far);
void trap_kernel_irq(struct pt_regs *regs, u64 esr, u64 far);
void trap_serror(struct pt_regs *regs, u64 esr, u64 far);
void trap_bad(struct pt_regs *regs, u64 esr, u64 far);
void trap_stack_overflow(struct pt_regs *regs, u64 esr, u64 far);
/* Before EL0: reschedule, notify, until nothing is left; interrupts masked on return. */
void user_return(struct pt_regs *regs);
