// SPDX-License-Identifier: GPL-2.0-only
/* The switch of kernel contexts, and where new threads begin. */
#include "kernel/cpu/offsets.h"

	.text
/* struct thread *context_switch(struct thread *prev, struct thread *next): returns in next, with prev. */
	.globl	context_switch
	.type	context_switch, %function
context_switch:
	mov	x9, sp
	stp	x19, x20, [x0, #THREAD_CTX + 0]
	stp	x21, x22, [x0, #THREAD_CTX + 16]
	stp	x23, x24, [x0, #THREAD_CTX + 32]
	stp	x25, x26, [x0, #THREAD_CTX + 48]
	stp	x27, x28, [x0, #THREAD_CTX + 64]
	stp	x29, x30, [x0, #THREAD_CTX + 80]
	str	x9, [x0, #THREAD_CTX + 96]
	ldp	x19, x20, [x1, #THREAD_CTX + 0]
	ldp	x21, x22, [x1, #THREAD_CTX + 16]
	ldp	x23, x24, [x1, #THREAD_CTX + 32]
	ldp	x25, x26, [x1, #THREAD_CTX + 48]
	ldp	x27, x28, [x1, #THREAD_CTX + 64]
	ldp	x29, x30, [x1, #THREAD_CTX + 80]
	ldr	x9, [x1, #THREAD_CTX + 96]
	mov	sp, x9
	msr	tpidr_el2, x1
	ret
	.size	context_switch, . - context_switch

/* A new thread: x19 = function, x20 = its argument; x0 = the thread before it. */
	.globl	thread_begin
	.type	thread_begin, %function
thread_begin:
	bl	thread_begin_c
	mov	x0, x20
	blr	x19
	bl	thread_exit
	b	.
	.size	thread_begin, . - thread_begin

/* A new user thread: its frame is where SP points. */
	.globl	thread_begin_user
	.type	thread_begin_user, %function
thread_begin_user:
	bl	thread_begin_c
	mov	x0, sp
	bl	user_return
	b	ret_to_user
	.size	thread_begin_user, . - thread_begin_user
