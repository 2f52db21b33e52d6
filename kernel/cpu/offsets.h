// SPDX-License-Identifier: GPL-2.0-only
/* Offsets and bits that assembly shares with C; kernel/cpu/trap.c asserts that they agree with the structs. */
#pragma once

#define THREAD_CTX		0	/* x19..x30, sp */
#define THREAD_CPU		104
#define THREAD_FLAGS		112
#define THREAD_PREEMPT		116
#define THREAD_STACK_BASE	120

#define STACK_SHIFT		14	/* THREAD_STACK */

#define REGS_SIZE		288	/* sizeof(struct pt_regs) */
#define REGS_SP			248
#define REGS_PC			256
#define REGS_PSTATE		264
#define REGS_ORIG_X0		272
#define REGS_SYSCALL		280

/* Why this machine cannot run us (boot/head.S to boot/main.c). */
#define REFUSE_NONE		0
#define REFUSE_NO_VHE		1
#define REFUSE_NOT_EL2		2

/* The indices kernel/mm's descriptors use: 0 normal write-back, 1 device nGnRE, 2 normal non-cacheable. */
#define MAIR_VALUE		0x4404ff

/* HCR_EL2 while the host runs: RW, TGE, E2H; APK, API (PAuth not trapped), ATA. Arm ARM D19.2.50. */
#define HCR_RW			(1 << 31)
#define HCR_HOST		0x0100030488000000
