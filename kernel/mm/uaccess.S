// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies from and to the current process by LDTR/STTR (unprivileged: E2H=TGE=1 makes them EL0 accesses), each with an
 * entry in __ex_table. A fault that cannot be resolved goes to the byte loop, which stops at the exact byte. No locks.
 */
	.macro	extable insn, fixup
	.pushsection __ex_table, "a"
	.balign	4
	.long	\insn - .
	.long	\fixup - .
	.popsection
	.endm

	.macro	user fixup, insn:vararg
.Lu\@:	\insn
	extable	.Lu\@, \fixup
	.endm

	.macro	func name
	.section .text.\name, "ax"
	.balign	16
	.globl	\name
	.type	\name, %function
\name:
	.endm

	.macro	endfunc name
	.size	\name, . - \name
	.endm

/* x1 + x2 beyond USER_END, or wrapping: to \fail. */
	.macro	range_check addr, len, fail
	adds	x8, \addr, \len
	b.cs	\fail
	mov	x9, #0x0001000000000000
	cmp	x8, x9
	b.hi	\fail
	.endm

/* size_t copy_from_user_partial(void *dst x0, u64 src x1, size_t n x2): bytes not copied */
func copy_from_user_partial
	range_check x1, x2, 9f
1:	cmp	x2, #32
	b.lo	2f
	user	4f, ldtr x3, [x1]
	user	4f, ldtr x4, [x1, #8]
	user	4f, ldtr x5, [x1, #16]
	user	4f, ldtr x6, [x1, #24]
	stp	x3, x4, [x0], #16
	stp	x5, x6, [x0], #16
	add	x1, x1, #32
	sub	x2, x2, #32
	b	1b
2:	cmp	x2, #8
	b.lo	4f
	user	4f, ldtr x3, [x1]
	str	x3, [x0], #8
	add	x1, x1, #8
	sub	x2, x2, #8
	b	2b
4:	cbz	x2, 9f
	user	9f, ldtrb w3, [x1]
	strb	w3, [x0], #1
	add	x1, x1, #1
	sub	x2, x2, #1
	b	4b
9:	mov	x0, x2
	ret
endfunc copy_from_user_partial

/* size_t copy_to_user_partial(u64 dst x0, const void *src x1, size_t n x2): bytes not copied */
func copy_to_user_partial
	range_check x0, x2, 9f
1:	cmp	x2, #32
	b.lo	2f
	ldp	x3, x4, [x1]
	ldp	x5, x6, [x1, #16]
	user	4f, sttr x3, [x0]
	user	4f, sttr x4, [x0, #8]
	user	4f, sttr x5, [x0, #16]
	user	4f, sttr x6, [x0, #24]
	add	x0, x0, #32
	add	x1, x1, #32
	sub	x2, x2, #32
	b	1b
2:	cmp	x2, #8
	b.lo	4f
	ldr	x3, [x1]
	user	4f, sttr x3, [x0]
	add	x0, x0, #8
	add	x1, x1, #8
	sub	x2, x2, #8
	b	2b
4:	cbz	x2, 9f
	ldrb	w3, [x1]
	user	9f, sttrb w3, [x0]
	add	x0, x0, #1
	add	x1, x1, #1
	sub	x2, x2, #1
	b	4b
9:	mov	x0, x2
	ret
endfunc copy_to_user_partial

/* size_t clear_user_partial(u64 dst x0, size_t n x1): bytes not cleared */
func clear_user_partial
	range_check x0, x1, 9f
2:	cmp	x1, #8
	b.lo	4f
	user	4f, sttr xzr, [x0]
	add	x0, x0, #8
	sub	x1, x1, #8
	b	2b
4:	cbz	x1, 9f
	user	9f, sttrb wzr, [x0]
	add	x0, x0, #1
	sub	x1, x1, #1
	b	4b
9:	mov	x0, x1
	ret
endfunc clear_user_partial

/* ssize_t user_strncpy(char *dst x0, u64 src x1, size_t n x2): length; -1: fault; -2: no NUL in n */
func user_strncpy
	mov	x3, #0
	mov	x9, #0x0001000000000000
1:	cmp	x3, x2
	b.hs	3f
	add	x4, x1, x3
	cmp	x4, x9
	b.hs	2f
	user	2f, ldtrb w5, [x4]
	strb	w5, [x0, x3]
	cbz	w5, 4f
	add	x3, x3, #1
	b	1b
2:	mov	x0, #-1
	ret
3:	mov	x0, #-2
	ret
4:	mov	x0, x3
	ret
endfunc user_strncpy

/*
 * int user_cas32(u64 addr x0, u32 expect w1, u32 new w2, u32 *old x3), and user_cas64 likewise: 0 or -1. There is no
 * unprivileged CAS: the LDTR checks that EL0 may read here (a privileged access would not see that), the CAS checks for
 * writing with PAN open.
 */
	.macro	user_cas name, r
func \name
	mov	x9, #0x0001000000000000
	cmp	x0, x9
	b.hs	2f
	user	2f, ldtr \r\()4, [x0]
	msr	pan, #0
	user	1f, casal \r\()1, \r\()2, [x0]
	msr	pan, #1
	str	\r\()1, [x3]
	mov	w0, #0
	ret
1:	msr	pan, #1
2:	mov	w0, #-1
	ret
endfunc \name
	.endm

	user_cas user_cas32, w
	user_cas user_cas64, x
