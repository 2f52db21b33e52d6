// SPDX-License-Identifier: GPL-2.0-only
/*
 * First instructions of a payload, of its secondary CPUs, and the vectors.
 * The image is position independent: it applies its own relocations.
 */
#include "frame.h"
#include "lib.h"

	.section .text.start, "ax"
	.globl entry
entry:
	msr	daifset, #0xf
	mov	x20, x0			// device tree, or 0
	adrp	x19, _start
	/* Relocations: all are R_AARCH64_RELATIVE, linked at 0. */
	adrp	x1, __rela_start
	add	x1, x1, :lo12:__rela_start
	adrp	x2, __rela_end
	add	x2, x2, :lo12:__rela_end
1:	cmp	x1, x2
	b.hs	2f
	ldp	x3, x4, [x1]
	ldr	x5, [x1, #16]
	add	x1, x1, #24
	cmp	w4, #1027
	b.ne	1b
	add	x5, x5, x19
	str	x5, [x3, x19]
	b	1b
2:	adrp	x1, __bss_start
	add	x1, x1, :lo12:__bss_start
	adrp	x2, _end
	add	x2, x2, :lo12:_end
3:	cmp	x1, x2
	b.hs	4f
	str	xzr, [x1], #8
	b	3b
4:	mov	x0, xzr
	bl	cpu_setup
	mov	x0, x20
	bl	lib_start
	b	.

	/* PSCI CPU_ON comes here with the CPU's number. */
	.globl secondary_entry
secondary_entry:
	msr	daifset, #0xf
	bl	cpu_setup
	bl	lib_start_secondary
	b	.

	/* x0 = CPU number, kept. Stack, vectors, FP on. */
cpu_setup:
	adrp	x1, stacks
	add	x1, x1, :lo12:stacks
	add	x2, x0, #1
	lsl	x2, x2, #STACK_SHIFT
	add	x1, x1, x2
	mov	sp, x1
	adrp	x1, vectors
	add	x1, x1, :lo12:vectors
	msr	vbar_el1, x1
	mov	x1, #(3 << 20)
	msr	cpacr_el1, x1
	isb
	ret

	.text
	.macro vector kind
	.balign 128
	sub	sp, sp, #FRAME_SIZE
	stp	x0, x1, [sp]
	mov	x0, #\kind
	b	common
	.endm

	.balign 2048
	.globl vectors
vectors:
	vector 0
	vector 1
	vector 2
	vector 3
	vector 4
	vector 5
	vector 6
	vector 7
	vector 8
	vector 9
	vector 10
	vector 11
	vector 12
	vector 13
	vector 14
	vector 15

common:
	frame_x2_x29 stp
	mrs	x1, elr_el1
	stp	x30, x1, [sp, #240]
	mrs	x2, spsr_el1
	mrs	x3, esr_el1
	stp	x2, x3, [sp, #256]
	mrs	x2, far_el1
	str	x2, [sp, #272]
	mov	x1, sp
	bl	exception
	ldp	x30, x1, [sp, #240]
	ldr	x2, [sp, #256]
	msr	elr_el1, x1
	msr	spsr_el1, x2
	frame_x2_x29 ldp
	ldp	x0, x1, [sp], #FRAME_SIZE
	eret

	.bss
	.balign 16
	.globl stacks
stacks:
	.skip	MAX_CPUS << STACK_SHIFT

	.section .note.GNU-stack, "", %progbits
