// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the arm64 Image protocol (MMU and data cache off, x0 = device tree, any
 * 2 MiB-aligned base) to C at the kernel's virtual address, for the first and
 * the other CPUs. Arm ARM D8 (translation), D19.2 (registers).
 *
 * A machine that cannot run us (no EL2, no VHE) still gets its MMU turned on,
 * at EL1, so that boot/refuse.c can say why on the console: with HCR_EL2.E2H
 * set, the EL1 register names reach EL2's registers, so the same code serves
 * both.
 */
#include "kernel/cpu/offsets.h"

#define DESC_TABLE	3
/* Block, AF, inner shareable, MAIR 0; UXN, or with EPAN the kernel's own accesses would be refused. */
#define DESC_NORMAL	(0x701 | 1 << 54)
#define DESC_DEVICE	0x405		/* block, AF, MAIR 1 */
#define DESC_XN		(3 << 53)

/* M, C, I, SA, SA0, EOS, EIS, DZE, UCT, nTWI, nTWE, UCI, SED, nTLSMD, LSMAOE; SPAN clear: PAN is set on exceptions. */
#define SCTLR_VALUE	0x3455d99d
#define SCTLR_OFF	0x30500980	/* RES1 bits of EL1/EL2&0 */

	.arch_extension pan

	.section .head.text, "ax"
	.globl _head
_head:
	b	primary_entry
	nop
	.quad	0			/* offset from a 2 MiB boundary */
	.quad	_image_size
	.quad	0xa			/* little endian, 4 KiB pages, anywhere in memory */
	.quad	0
	.quad	0
	.quad	0
	.ascii	"ARM\x64"
	.long	0

	.macro	get_pa reg, sym		/* the MMU is off, or on with the identity map */
	adrp	\reg, \sym
	add	\reg, \reg, :lo12:\sym
	.endm

primary_entry:
	mov	x21, x0
	bl	el_setup
	mov	x20, x0
	bl	build_tables
	bl	mmu_on
	ldr	x8, =primary_high
	br	x8

	.globl	secondary_entry
secondary_entry:			/* x0: virtual address of the CPU's idle thread */
	mov	x21, x0
	bl	el_setup
	bl	mmu_on
	/* Still in the identity map: exchange the first tables for the final ones. */
	get_pa	x8, kernel_ttbr1
	ldr	x8, [x8]
	msr	ttbr1_el1, x8
	isb
	tlbi	vmalle1
	dsb	nsh
	isb
	ldr	x8, =secondary_high
	br	x8

/*
 * Out: x0 = REFUSE_*. EL2 with VHE: E2H and TGE on, everything that could trap
 * a process or the kernel set to a known value.
 */
el_setup:
	mrs	x1, CurrentEL
	cmp	x1, #(2 << 2)
	b.eq	1f
	ldr	x1, =SCTLR_OFF
	msr	sctlr_el1, x1
	isb
	mov	x0, #REFUSE_NOT_EL2
	ret
1:	mrs	x1, id_aa64mmfr1_el1
	ubfx	x1, x1, #8, #4
	cbnz	x1, el2_vhe

	/* No VHE: go down to EL1, only to say so. */
	mov	x1, #HCR_RW
	msr	hcr_el2, x1
	ldr	x1, =SCTLR_OFF
	msr	sctlr_el1, x1
	mov	x1, #0x33ff
	msr	cptr_el2, x1
	mov	x1, #3
	msr	cnthctl_el2, x1
	msr	vttbr_el2, xzr
	mov	x1, #0x3c5
	msr	spsr_el2, x1
	msr	elr_el2, x30
	mov	x0, #REFUSE_NO_VHE
	isb
	eret

el2_vhe:
	ldr	x1, =HCR_HOST
	msr	hcr_el2, x1
	isb
	ldr	x1, =SCTLR_OFF
	msr	sctlr_el1, x1
	mov	x1, #2			/* processes may read the virtual counter */
	msr	cnthctl_el2, x1
	msr	cntvoff_el2, xzr
	msr	vttbr_el2, xzr
	msr	hstr_el2, xzr
	msr	mdscr_el1, xzr
	mrs	x1, midr_el1
	msr	vpidr_el2, x1
	mrs	x1, mpidr_el1
	msr	vmpidr_el2, x1
	mrs	x1, id_aa64dfr0_el1
	ubfx	x2, x1, #8, #4		/* PMUVer */
	mov	x3, xzr
	cbz	x2, 2f
	cmp	x2, #15
	b.eq	2f
	mrs	x3, pmcr_el0
	ubfx	x3, x3, #11, #5
	msr	pmuserenr_el0, xzr
2:	msr	mdcr_el2, x3
	mrs	x1, id_aa64pfr0_el1
	ubfx	x2, x1, #32, #4		/* SVE: shortest vectors, then closed below */
	cbz	x2, 3f
	mov	x2, #(3 << 20 | 3 << 16)
	msr	cptr_el2, x2
	isb
	msr	S3_4_C1_C2_0, xzr	/* ZCR_EL2 */
3:	ldr	x2, =(1 << 20 | 1 << 28)	/* FPEN: EL0 traps; TTA */
	msr	cptr_el2, x2
	ubfx	x2, x1, #24, #4		/* GIC system registers */
	cbz	x2, 4f
	mov	x2, #15
	msr	S3_4_C12_C9_5, x2	/* ICC_SRE_EL2 */
	isb
	mov	x2, #7
	msr	S3_0_C12_C12_5, x2	/* ICC_SRE_EL1 */
	msr	S3_4_C12_C11_0, xzr	/* ICH_HCR_EL2 */
4:	mrs	x2, id_aa64pfr1_el1
	ubfx	x1, x1, #40, #4		/* MPAM */
	ubfx	x2, x2, #16, #4		/* MPAM_frac */
	orr	x1, x1, x2
	cbz	x1, 6f
	/* Everybody in partition 0; guests' accesses trap (as for Linux, MPAM3_EL3.TRAPLOWER must be clear). */
	mov	x2, #(3 << 48)		/* TRAPMPAM0EL1, TRAPMPAM1EL1 */
	mrs	x1, S3_0_C10_C4_4	/* MPAMIDR_EL1 */
	tbz	x1, #17, 5f		/* HAS_HCR */
	mov	x1, #(1 << 31)		/* TRAP_MPAMIDR_EL1 */
	msr	S3_4_C10_C4_0, x1	/* MPAMHCR_EL2 */
5:	orr	x2, x2, #(1 << 58)	/* TIDR: the same without MPAMHCR_EL2, RES0 on old CPUs */
	msr	S3_4_C10_C5_0, x2	/* MPAM2_EL2 */
	msr	S3_0_C10_C5_1, xzr	/* MPAM0_EL1 */
	msr	S3_5_C10_C5_0, xzr	/* MPAM1_EL12 */
6:	mov	x0, #REFUSE_NONE
	msr	pan, #1
	isb
	ret

/*
 * First tables: TTBR0 maps the first 512 GiB onto itself, as device memory but
 * for the image; TTBR1 has the image at its place, writable and executable
 * until kernel/mm builds the final tables, and of the direct map the 1 GiB
 * blocks with the image, what follows it, and the device tree.
 */
build_tables:
	mov	x28, x30
	get_pa	x0, boot_tables
	get_pa	x1, boot_tables_end
	mov	x2, x0
1:	stp	xzr, xzr, [x2], #16
	cmp	x2, x1
	b.lo	1b

	get_pa	x10, _text
	get_pa	x11, _end
	get_pa	x3, idmap_l1
	orr	x4, x3, #DESC_TABLE
	get_pa	x2, idmap_l0
	str	x4, [x2]
	ldr	x4, =(DESC_DEVICE | DESC_XN)
	mov	x5, #0
2:	orr	x6, x4, x5, lsl #30
	str	x6, [x3, x5, lsl #3]
	add	x5, x5, #1
	cmp	x5, #512
	b.lo	2b
	ldr	x4, =DESC_NORMAL
	lsr	x5, x10, #30
	orr	x6, x4, x5, lsl #30
	str	x6, [x3, x5, lsl #3]
	sub	x7, x11, #1
	lsr	x5, x7, #30
	orr	x6, x4, x5, lsl #30
	str	x6, [x3, x5, lsl #3]

	get_pa	x2, boot_pgd
	get_pa	x3, image_l1
	orr	x4, x3, #DESC_TABLE
	str	x4, [x2, #(511 * 8)]
	get_pa	x5, image_l2
	orr	x4, x5, #DESC_TABLE
	str	x4, [x3, #(510 * 8)]
	ldr	x4, =DESC_NORMAL
	mov	x6, x10
3:	orr	x7, x6, x4
	str	x7, [x5], #8
	add	x6, x6, #(1 << 21)
	cmp	x6, x11
	b.lo	3b

	get_pa	x3, direct_l1
	orr	x4, x3, #DESC_TABLE
	str	x4, [x2]
	ldr	x4, =(DESC_NORMAL | DESC_XN)
	mov	x6, x10
	bl	map_direct
	mov	x6, #(16 << 20)		/* kernel/mm takes its first tables from there */
	add	x6, x6, x11
	bl	map_direct
	mov	x6, x21
	bl	map_direct
	add	x6, x21, #(2 << 20)
	bl	map_direct

	/* What was written past the caches must not be hidden by old lines in them. */
	dmb	sy
	mrs	x2, ctr_el0
	ubfx	x2, x2, #16, #4
	mov	x3, #4
	lsl	x3, x3, x2
4:	dc	ivac, x0
	add	x0, x0, x3
	cmp	x0, x1
	b.lo	4b
	dsb	sy
	ret	x28

map_direct:				/* x6: address; x3, x4 as above */
	lsr	x5, x6, #30
	cmp	x5, #512
	b.hs	1f
	orr	x7, x4, x5, lsl #30
	str	x7, [x3, x5, lsl #3]
1:	ret

/* EL2&0 (or EL1&0) translation on, with the first tables; returns in the identity map. */
mmu_on:
	tlbi	vmalle1
	dsb	nsh
	ldr	x1, =MAIR_VALUE
	mrs	x2, id_aa64pfr1_el1
	ubfx	x5, x2, #8, #4
	cmp	x5, #2			/* MTE2: normal memory is tagged memory (0xf0 for 0xff) */
	b.lo	3f
	bic	x1, x1, #0xf
3:
	msr	mair_el1, x1
	/* 48-bit addresses both ways, 4 KiB, write-back inner shareable walks, TBI0 as Linux has it */
	ldr	x1, =(16 | 16 << 16 | 0x35 << 8 | 0x35 << 24 | 2 << 30 | 1 << 37)
	mrs	x2, id_aa64mmfr0_el1
	and	x3, x2, #15
	cmp	x3, #5			/* at most 48 bits of physical address */
	mov	x4, #5
	csel	x3, x3, x4, lo
	bfi	x1, x3, #32, #3
	ubfx	x3, x2, #4, #4		/* ASIDBits: 16 */
	cmp	x3, #2
	b.ne	1f
	orr	x1, x1, #(1 << 36)
1:	msr	tcr_el1, x1
	get_pa	x1, idmap_l0
	msr	ttbr0_el1, x1
	get_pa	x1, boot_pgd
	msr	ttbr1_el1, x1
	isb
	ldr	x1, =SCTLR_VALUE
	mrs	x2, id_aa64mmfr1_el1
	ubfx	x2, x2, #20, #4
	cmp	x2, #3			/* PAN3: execute-only user pages count too (EPAN) */
	b.lo	2f
	mov	x3, #1
	orr	x1, x1, x3, lsl #57
2:	cmp	x5, #2
	b.lo	4f
	mov	x3, #1			/* ATA: tags can be read and written at EL2; nothing checks them */
	orr	x1, x1, x3, lsl #43
4:	msr	sctlr_el1, x1
	isb
	ic	iallu
	dsb	nsh
	isb
	ret
	.ltorg

	.text
primary_high:
	ldr	x0, =__bss_start
	ldr	x1, =__bss_stop
1:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b
	ldr	x0, =boot_stack + (1 << STACK_SHIFT)
	mov	sp, x0
	/* The table register tells where in physical memory we are. */
	mrs	x1, ttbr1_el1
	ldr	x3, =boot_pgd
	ldr	x0, =_text
	sub	x3, x3, x0
	sub	x1, x1, x3
	ldr	x2, =kimage_pa
	str	x1, [x2]
	cbnz	x20, 2f			/* EL1 has no VBAR_EL2 or TPIDR_EL2 */
	ldr	x0, =vectors
	msr	vbar_el1, x0
	ldr	x0, =boot_thread
	msr	tpidr_el2, x0
	isb
2:	mov	x0, x21
	mov	x1, x20
	mov	x29, xzr
	mov	x30, xzr
	bl	boot_main
	b	.

secondary_high:
	ldr	x0, =kernel_ttbr0	/* no identity map from here on */
	ldr	x0, [x0]
	msr	ttbr0_el1, x0
	isb
	tlbi	vmalle1
	dsb	nsh
	isb
	msr	tpidr_el2, x21
	ldr	x0, [x21, #THREAD_STACK_BASE]
	add	x0, x0, #(1 << STACK_SHIFT)
	mov	sp, x0
	ldr	x0, =vectors
	msr	vbar_el1, x0
	isb
	mov	x29, xzr
	mov	x30, xzr
	bl	secondary_main
	b	.

	.section .data
	.balign	8
	.globl	kimage_pa
kimage_pa:				/* physical address of _text */
	.quad	0

	.section .boot_tables, "aw", %nobits
	.balign	4096
boot_tables:
idmap_l0:
	.skip	4096
idmap_l1:
	.skip	4096
boot_pgd:
	.skip	4096
image_l1:
	.skip	4096
image_l2:
	.skip	4096
direct_l1:
	.skip	4096
boot_tables_end:
	.globl	boot_stack
boot_stack:
	.skip	(1 << STACK_SHIFT)
