// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose state is in a CPU's vector registers. Exactly one owner (or none) per CPU: a thread's user state or a vCPU's
 * guest state. The newest state is in the registers of fp->cpu if cpus[fp->cpu]->fp_owner == fp, else in memory.
 * Saved only when someone else needs the registers, loaded only on use. Kernel code never touches them.
 * Owner: kernel/fp/owner.c, fpsimd.S.
 */
#pragma once

#include <nestbox/types.h>

struct fp_regs {
	__uint128_t v[32];
	u32 fpsr, fpcr;
};

struct fp_state {
	struct fp_regs regs __attribute__((aligned(16)));
	int cpu;		/* CPU whose registers may hold the newest state; -1: none */
	bool guest;
	u64 saves, loads, traps;
};

void fp_state_init(struct fp_state *s, bool guest);
/* Make s the owner on this CPU, saving another's state and loading s's if needed. Preemption off. */
void fp_claim(struct fp_state *s);
/* Is s live in this CPU's registers now? Preemption off. */
bool fp_is_live(const struct fp_state *s);
/*
 * Before s may be used on this CPU by another thread than last time (a vCPU between two KVM_RUNs): bring its newest state
 * to memory from whichever CPU holds it. May wait for that CPU: thread context, interrupts on.
 */
void fp_fetch(struct fp_state *s);
/*
 * Write the newest state to s->regs (it stays owner). Called by whoever reads regs: the state's own thread, or
 * somebody who knows that it is not running. Preemption may be on.
 */
void fp_flush(struct fp_state *s);
/* Memory is now the newest (after writing s->regs), or s goes away: no CPU's registers count any more. */
void fp_discard(struct fp_state *s);
/* Called by the context switch and by the guest entry to set CPTR_EL2 traps: armed unless next is the owner here. */
void fp_switch(struct fp_state *next);
/* The context switch, before the thread leaves the CPU: writes back what is newer than memory. Interrupts off. */
void fp_switch_out(void);
u64 cptr_host(bool fp_live);	/* CPTR_EL2 value for E2H=1 */
