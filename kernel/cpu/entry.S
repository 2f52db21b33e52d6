// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exception vectors at EL2 and the way back (Arm ARM D1.3). SP_EL2 is always the current thread's kernel stack; for
 * EL0 the frame is at its very top. TPIDR_EL2 is the current thread. The A bit is unmasked at once, D stays masked.
 */
#include "kernel/cpu/bhb.h"
#include "kernel/cpu/offsets.h"

	.macro	save_regs
	stp	x0, x1, [sp, #16 * 0]
	stp	x2, x3, [sp, #16 * 1]
	stp	x4, x5, [sp, #16 * 2]
	stp	x6, x7, [sp, #16 * 3]
	stp	x8, x9, [sp, #16 * 4]
	stp	x10, x11, [sp, #16 * 5]
	stp	x12, x13, [sp, #16 * 6]
	stp	x14, x15, [sp, #16 * 7]
	stp	x16, x17, [sp, #16 * 8]
	stp	x18, x19, [sp, #16 * 9]
	stp	x20, x21, [sp, #16 * 10]
	stp	x22, x23, [sp, #16 * 11]
	stp	x24, x25, [sp, #16 * 12]
	stp	x26, x27, [sp, #16 * 13]
	stp	x28, x29, [sp, #16 * 14]
	.endm

	.macro	restore_regs
	ldp	x0, x1, [sp, #16 * 0]
	ldp	x2, x3, [sp, #16 * 1]
	ldp	x4, x5, [sp, #16 * 2]
	ldp	x6, x7, [sp, #16 * 3]
	ldp	x8, x9, [sp, #16 * 4]
	ldp	x10, x11, [sp, #16 * 5]
	ldp	x12, x13, [sp, #16 * 6]
	ldp	x14, x15, [sp, #16 * 7]
	ldp	x16, x17, [sp, #16 * 8]
	ldp	x18, x19, [sp, #16 * 9]
	ldp	x20, x21, [sp, #16 * 10]
	ldp	x22, x23, [sp, #16 * 11]
	ldp	x24, x25, [sp, #16 * 12]
	ldp	x26, x27, [sp, #16 * 13]
	ldp	x28, x29, [sp, #16 * 14]
	ldr	x30, [sp, #16 * 15]
	add	sp, sp, #REGS_SIZE
	.endm

	.macro	entry_user fn
	sub	sp, sp, #REGS_SIZE
	save_regs
	mrs	x20, sp_el0
	stp	x30, x20, [sp, #16 * 15]
	mrs	x21, elr_el2
	mrs	x22, spsr_el2
	stp	x21, x22, [sp, #REGS_PC]
	mov	x23, #-1
	stp	x0, x23, [sp, #REGS_ORIG_X0]
	msr	daifclr, #4
	mov	x0, sp
	mrs	x1, esr_el2
	mrs	x2, far_el2
	mov	x29, xzr
	bl	\fn
	b	ret_to_user
	.endm

	.macro	entry_kernel fn
	sub	sp, sp, #REGS_SIZE
	save_regs
	add	x20, sp, #REGS_SIZE
	stp	x30, x20, [sp, #16 * 15]
	mrs	x21, elr_el2
	mrs	x22, spsr_el2
	stp	x21, x22, [sp, #REGS_PC]
	msr	daifclr, #4
	mov	x0, sp
	mrs	x1, esr_el2
	mrs	x2, far_el2
	/* A frame record, so that a backtrace goes on through the exception. */
	stp	x29, x21, [sp, #REGS_ORIG_X0]
	add	x29, sp, #REGS_ORIG_X0
	bl	\fn
	b	ret_to_kernel
	.endm

	.macro	vector label
	.balign	128
	b	\label
	.endm

	/* From EL0. */
	.macro	user_vector kind, label
	.balign	128
	.ifc	\kind, plain
	b	\label
	.else
	stp	x0, x1, [sp, #-16]!
	bhb_\kind x0
	ldp	x0, x1, [sp], #16
	b	\label
	.endif
	.endm

	/* One of the tables between which spec.c chooses; the guest's of the same kind follows it (kvm/run/guest.S, link.lds). */
	.macro	vector_table kind, name
	.section .text.vectors.\kind\().0host, "ax"
	.balign	4096
	.globl	\name
\name:
	vector	bad_sp0			/* current EL with SP_EL0: never used */
	vector	bad_sp0
	vector	bad_sp0
	vector	bad_sp0

	.balign	128
	/*
	 * A stack overflow comes as an abort on the guard page: look at SP before
	 * using it. The EL2 virtual timer, which the host never starts, lends its
	 * CNTHV_CVAL_EL2 as the one scratch register needed.
	 */
	msr	S3_4_C14_C3_2, x0
	mrs	x0, tpidr_el2
	ldr	x0, [x0, #THREAD_STACK_BASE]
	sub	x0, sp, x0
	sub	x0, x0, #(REGS_SIZE + 1)
	lsr	x0, x0, #STACK_SHIFT
	cbz	x0, 1f
	b	stack_overflow
1:	mrs	x0, S3_4_C14_C3_2
	b	kernel_sync
	vector	kernel_irq
	vector	kernel_irq
	vector	kernel_serror

	user_vector \kind, user_sync
	user_vector \kind, user_irq
	user_vector \kind, user_irq
	user_vector \kind, user_serror

	user_vector \kind, user_sync	/* AArch32: the layer above refuses it */
	user_vector \kind, user_irq
	user_vector \kind, user_irq
	user_vector \kind, user_serror
	.balign	2048
	.endm

	vector_table plain, vectors
	vector_table loop, vectors_loop
	vector_table clear, vectors_clear

	.text
user_sync:
	entry_user trap_user_sync
user_irq:
	entry_user trap_user_irq
user_serror:
	entry_user trap_user_serror
kernel_sync:
	entry_kernel trap_kernel_sync
kernel_irq:
	entry_kernel trap_kernel_irq
kernel_serror:
	entry_kernel trap_serror
bad_sp0:
	entry_kernel trap_bad

stack_overflow:
	ldr	x0, =overflow_stack + 8192
	mov	sp, x0
	mrs	x0, S3_4_C14_C3_2
	entry_kernel trap_stack_overflow

/* The C code has masked interrupts and has nothing more to do for the thread. */
	.globl	ret_to_user
ret_to_user:
	ldp	x21, x22, [sp, #REGS_PC]
	ldr	x20, [sp, #REGS_SP]
	msr	elr_el2, x21
	msr	spsr_el2, x22
	msr	sp_el0, x20
	restore_regs
	eret
	dsb	nsh
	isb

ret_to_kernel:
	msr	daifset, #0xf
	ldp	x21, x22, [sp, #REGS_PC]
	msr	elr_el2, x21
	msr	spsr_el2, x22
	restore_regs
	eret
	dsb	nsh
	isb

	.section .bss
	.balign	16
overflow_stack:
	.skip	8192
