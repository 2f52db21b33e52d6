// SPDX-License-Identifier: GPL-2.0-only
/*
 * SVE registers to and from memory. x0: Z0..Z31, P0..P15, FFR, each as long as ZCR_EL2 makes it, in the order of a signal
 * frame's record; x1: struct fp_regs, of which only FPSR and FPCR. Traps must be off. Arm ARM B1.2, C8.
 */
	.arch	armv8.2-a+sve
	.text

	.macro	each_z op
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	\op	z\n, [x0, #\n, mul vl]
	.endr
	.endm

	.macro	each_p op, base
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	\op	p\n, [\base, #\n, mul vl]
	.endr
	.endm

	.macro	predicates reg		/* where P0 is */
	addvl	\reg, x0, #16
	addvl	\reg, \reg, #16
	.endm

	.globl	sve_save
	.type	sve_save, %function
sve_save:
	each_z	str
	predicates x2
	each_p	str, x2
	rdffr	p0.b
	str	p0, [x2, #16, mul vl]
	ldr	p0, [x2]
	mrs	x3, fpsr
	mrs	x4, fpcr
	add	x1, x1, #512
	stp	w3, w4, [x1]
	ret
	.size	sve_save, . - sve_save

	.globl	sve_load
	.type	sve_load, %function
sve_load:
	predicates x2
	ldr	p0, [x2, #16, mul vl]
	wrffr	p0.b
	each_p	ldr, x2
	each_z	ldr
	add	x1, x1, #512
	ldp	w3, w4, [x1]
	msr	fpsr, x3
	msr	fpcr, x4
	ret
	.size	sve_load, . - sve_load

/* All that SVE adds to V0..V31 becomes zero: what a thread finds at its first SVE instruction. */
	.globl	sve_clear_high
	.type	sve_clear_high, %function
sve_clear_high:
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	mov	v\n\().16b, v\n\().16b
	.endr
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	pfalse	p\n\().b
	.endr
	wrffr	p0.b
	ret
	.size	sve_clear_high, . - sve_clear_high

/* Vector length of this CPU with ZCR_EL2 as it is now, in bytes. */
	.globl	sve_length
	.type	sve_length, %function
sve_length:
	rdvl	x0, #1
	ret
	.size	sve_length, . - sve_length
