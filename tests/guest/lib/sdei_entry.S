// SPDX-License-Identifier: GPL-2.0-only
/* Where all SDEI handlers of the payloads start and end. */
#include "frame.h"
#include "sdei.h"

	.text
	.globl sdei_entry
	.balign 64
sdei_entry:
	sub	sp, sp, #SDEI_FRAME
	stp	x0, x1, [sp]
	frame_x2_x29 stp
	str	x30, [sp, #240]
	mrs	x2, elr_el1
	mrs	x3, spsr_el1
	stp	x2, x3, [sp, #248]
	mrs	x2, esr_el1
	mrs	x3, far_el1
	stp	x2, x3, [sp, #264]
	mrs	x2, sp_el0
	mrs	x3, nzcv
	stp	x2, x3, [sp, #280]
	mrs	x2, daif
	mrs	x3, spsel
	stp	x2, x3, [sp, #296]
	mrs	x2, s3_0_c4_c2_3		// PAN
	mrs	x3, currentel
	stp	x2, x3, [sp, #312]
	add	x2, sp, #SDEI_FRAME
	str	x2, [sp, #328]
	mrs	x2, s3_3_c4_c2_6		// SSBS
	mrs	x3, s3_3_c4_c2_5		// DIT
	stp	x2, x3, [sp, #336]
	mov	x0, x1
	mov	x1, sp
	bl	sdei_handle
	ldp	x18, x19, [sp, #144]
	ldr	x30, [sp, #240]
	add	sp, sp, #SDEI_FRAME
	adrp	x3, sdei_use_smc
	ldr	w3, [x3, :lo12:sdei_use_smc]
	mrs	x2, currentel
	and	w2, w2, #8		// EL2: HVC is an exception there
	orr	w3, w3, w2
	mov	x1, x0
	mov	x0, #0x25
	cbz	x1, 1f
	mov	x0, #0x26
1:	movk	x0, #0xc400, lsl #16
	cbnz	w3, 2f
	hvc	#0
	b	.			// no handler can come here
2:	smc	#0
	b	.

	.section .note.GNU-stack, "", %progbits
