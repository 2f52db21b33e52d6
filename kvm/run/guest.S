// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every instruction between the host and a guest, both ways. guest_run(regs) enters with regs->x[0..30] (offset 8*n);
 * ELR_EL2 and SPSR_EL2 are already the guest's. Any exit comes back as guest_run's return value, with the guest's
 * general registers in *regs and everything else of the guest still in the hardware.
 *
 * Frame on the host's stack while the guest runs: [sp] regs, [sp+16..] x19-x30.
 */
#include "kernel/cpu/bhb.h"

#define EXIT_SYNC	0
#define EXIT_IRQ	1
#define EXIT_SERROR	2
#define EXIT_ILLEGAL	3

	.text
	.globl	guest_run
	.type	guest_run, %function
guest_run:
	stp	x29, x30, [sp, #-112]!
	stp	x19, x20, [sp, #32]
	stp	x21, x22, [sp, #48]
	stp	x23, x24, [sp, #64]
	stp	x25, x26, [sp, #80]
	stp	x27, x28, [sp, #96]
	str	x0, [sp, #16]

	ldp	x2, x3, [x0, #16]
	ldp	x4, x5, [x0, #32]
	ldp	x6, x7, [x0, #48]
	ldp	x8, x9, [x0, #64]
	ldp	x10, x11, [x0, #80]
	ldp	x12, x13, [x0, #96]
	ldp	x14, x15, [x0, #112]
	ldp	x16, x17, [x0, #128]
	ldp	x18, x19, [x0, #144]
	ldp	x20, x21, [x0, #160]
	ldp	x22, x23, [x0, #176]
	ldp	x24, x25, [x0, #192]
	ldp	x26, x27, [x0, #208]
	ldp	x28, x29, [x0, #224]
	ldr	x30, [x0, #240]
	ldp	x0, x1, [x0]
	eret
	dsb	nsh			/* no speculation past the ERET */
	isb

/* Guest x0, x1 are on the stack; x1 holds the exit code. */
guest_exit:
	ldr	x0, [sp, #32]
	stp	x2, x3, [x0, #16]
	stp	x4, x5, [x0, #32]
	stp	x6, x7, [x0, #48]
	stp	x8, x9, [x0, #64]
	stp	x10, x11, [x0, #80]
	stp	x12, x13, [x0, #96]
	stp	x14, x15, [x0, #112]
	stp	x16, x17, [x0, #128]
	stp	x18, x19, [x0, #144]
	stp	x20, x21, [x0, #160]
	stp	x22, x23, [x0, #176]
	stp	x24, x25, [x0, #192]
	stp	x26, x27, [x0, #208]
	stp	x28, x29, [x0, #224]
	str	x30, [x0, #240]
	ldp	x2, x3, [sp], #16
	stp	x2, x3, [x0]
	mov	x0, x1
	ldp	x19, x20, [sp, #32]
	ldp	x21, x22, [sp, #48]
	ldp	x23, x24, [sp, #64]
	ldp	x25, x26, [sp, #80]
	ldp	x27, x28, [sp, #96]
	ldp	x29, x30, [sp], #112
	ret
	.size	guest_run, . - guest_run

/* From the guest. */
.macro	lower kind, code
	.balign	128
	stp	x0, x1, [sp, #-16]!
	.ifnc	\kind, plain
	bhb_\kind x1
	.endif
	mov	x1, #\code
	b	guest_exit
.endm

/* From the host itself while the guest is loaded: its own handler, at the same offset of its own vectors. */
.macro	own offset
	.balign	128
	b	vectors + \offset
.endm

/* The second half of a pair: the host's table of the same kind comes before it (kernel/cpu/entry.S, link.lds). */
.macro	vector_table kind, name
	.section .text.vectors.\kind\().1guest, "ax"
	.balign	2048
	.globl	\name
\name:
	own	0x000
	own	0x080
	own	0x100
	own	0x180

	/*
	 * An ERET with an SPSR that the CPU calls illegal stays at EL2 with PSTATE.IL set, and faults here with the
	 * guest's registers loaded.
	 */
	.balign	128
	stp	x0, x1, [sp, #-16]!
	mrs	x0, spsr_el2
	mov	x1, #EXIT_ILLEGAL
	tbz	x0, #20, 1f
	b	guest_exit
1:	ldp	x0, x1, [sp], #16
	b	vectors + 0x200
	own	0x280
	own	0x300
	own	0x380

	lower	\kind, EXIT_SYNC	/* AArch64 */
	lower	\kind, EXIT_IRQ
	lower	\kind, EXIT_IRQ		/* FIQ: group 0, which the host does not use */
	lower	\kind, EXIT_SERROR
	lower	\kind, EXIT_SYNC	/* AArch32 */
	lower	\kind, EXIT_IRQ
	lower	\kind, EXIT_IRQ
	lower	\kind, EXIT_SERROR
	.balign	2048
.endm

	vector_table plain, guest_vectors
	vector_table loop, guest_vectors_loop
	vector_table clear, guest_vectors_clear
