// SPDX-License-Identifier: GPL-2.0-only
/*
 * For assembly: clear the branch history at the beginning of a vector, before anything that could be predicted from it.
 * Flags and tmp are lost. Arm: "Spectre-BHB" white paper; which CPU wants which is in spec.c.
 */
#pragma once

	/* bhb_loops branches that are taken, which overwrite what was there. */
	.macro	bhb_loop tmp
	adrp	\tmp, bhb_loops
	ldr	\tmp, [\tmp, :lo12:bhb_loops]
8:	b	9f
9:	subs	\tmp, \tmp, #1
	b.ne	8b
	dsb	nsh
	isb
	.endm

	/* CLRBHB; the assembler need not know it. */
	.macro	bhb_clear tmp
	hint	#22
	isb
	.endm
