// SPDX-License-Identifier: GPL-2.0-only
/*
 * Into EL1 or EL0 and back to virtual EL2: see el2.h. While code below runs, SP_EL2 points at what below_enter saved: the
 * callee-saved registers, and the struct below.
 */
#include "frame.h"
#include "lib.h"
#include "el2.h"

	.text
	.globl below_enter
below_enter:
	sub	sp, sp, #112
	stp	x19, x20, [sp]
	stp	x21, x22, [sp, #16]
	stp	x23, x24, [sp, #32]
	stp	x25, x26, [sp, #48]
	stp	x27, x28, [sp, #64]
	stp	x29, x30, [sp, #80]
	str	x0, [sp, #96]
	ldp	x1, x2, [x0, #BELOW_PC]
	msr	elr_el2, x1
	msr	spsr_el2, x2
	frame_x2_x29 ldp, x0
	ldr	x30, [x0, #240]
	ldr	x1, [x0, #BELOW_ERET]
	cbnz	x1, 1f
	ldp	x0, x1, [x0]
	eret
1:	ldp	x0, x1, [x0]
	.arch_extension pauth
	eretaa

	/* An exception from below. x0 and x1 are on the stack. */
lower:
	ldr	x1, [sp, #16 + 96]
	frame_x2_x29 stp, x1
	str	x30, [x1, #240]
	str	x0, [x1, #BELOW_KIND]
	ldp	x2, x3, [sp], #16
	stp	x2, x3, [x1]
	mrs	x2, elr_el2
	mrs	x3, spsr_el2
	stp	x2, x3, [x1, #BELOW_PC]
	mrs	x2, esr_el2
	mrs	x3, far_el2
	stp	x2, x3, [x1, #BELOW_ESR]
	mrs	x2, hpfar_el2
	str	x2, [x1, #BELOW_HPFAR]
	ldp	x19, x20, [sp]
	ldp	x21, x22, [sp, #16]
	ldp	x23, x24, [sp, #32]
	ldp	x25, x26, [sp, #48]
	ldp	x27, x28, [sp, #64]
	ldp	x29, x30, [sp, #80]
	add	sp, sp, #112
	ret

	.macro lower_vector kind
	.balign 128
	stp	x0, x1, [sp, #-16]!
	mov	x0, #\kind
	b	lower
	.endm

	/* Exceptions of virtual EL2 itself go the way of lib.c's. */
	.macro own_vector kind
	.balign 128
	b	vectors + \kind * 128
	.endm

	.balign 2048
	.globl el2_vectors
el2_vectors:
	own_vector 0
	own_vector 1
	own_vector 2
	own_vector 3
	own_vector 4
	own_vector 5
	own_vector 6
	own_vector 7
	lower_vector 8
	lower_vector 9
	lower_vector 10
	lower_vector 11
	lower_vector 12
	lower_vector 13
	lower_vector 14
	lower_vector 15

	/* Where EL1's exceptions go: each tells virtual EL2 by an HVC of its own. */
	.macro el1_vector kind
	.balign 128
	hvc	#(BELOW_EXCEPTION + \kind)
	eret
	.endm

	.balign 2048
	.globl el1_vectors
el1_vectors:
	el1_vector 0
	el1_vector 1
	el1_vector 2
	el1_vector 3
	el1_vector 4
	el1_vector 5
	el1_vector 6
	el1_vector 7
	el1_vector 8
	el1_vector 9
	el1_vector 10
	el1_vector 11
	el1_vector 12
	el1_vector 13
	el1_vector 14
	el1_vector 15

	.globl below_return
below_return:
	hvc	#BELOW_RETURN
	b	.

	.section .note.GNU-stack, "", %progbits
