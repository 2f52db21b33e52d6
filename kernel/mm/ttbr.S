// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exchange of TTBR1_EL2 by break-before-make: runs from an identity map in TTBR0_EL2, because in between the kernel is
 * not mapped at all. x0: new TTBR1_EL2, x1: TTBR1_EL2 with nothing mapped. Arm ARM D8.16 (TLB maintenance).
 */
	.text
	.balign	128
	.globl	ttbr1_replace
	.type	ttbr1_replace, %function
ttbr1_replace:
	msr	ttbr1_el1, x1		/* E2H=1: names TTBR1_EL2 */
	isb
	tlbi	vmalle1			/* E2H=TGE=1: the EL2&0 regime, this CPU */
	dsb	nsh
	isb
	msr	ttbr1_el1, x0
	isb
	ret
	.size	ttbr1_replace, . - ttbr1_replace
