// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one owner of each CPU's vector registers. Registers newer than memory
 * ("dirty") belong to the thread that runs now: the context switch writes them
 * back, so that a thread or vCPU may go on on any CPU, and leaves them in place
 * as a cache for a thread that comes back first. Preemption off protects
 * everything: interrupt handlers do not use these registers.
 */
#include "kernel/fp/owner.h"

#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/lib/string.h"
#include "kernel/sched/thread.h"

#define CPTR_FPEN_ALL	(3UL << 20)	/* nothing trapped; Arm ARM D19.2.33, E2H=1 */
#define CPTR_FPEN_EL0	(1UL << 20)	/* EL0 trapped, EL2 not */
#define CPTR_TTA	BIT(28)

void fpsimd_save(struct fp_regs *r);
void fpsimd_load(const struct fp_regs *r);

u64 cptr_host(bool live)
{
	return CPTR_TTA | (live ? CPTR_FPEN_ALL : CPTR_FPEN_EL0);
}

void fp_state_init(struct fp_state *s, bool guest)
{
	memset(s, 0, sizeof(*s));
	s->cpu = -1;
	s->guest = guest;
}

bool fp_is_live(const struct fp_state *s)
{
	struct cpu *c = this_cpu();

	return c->fp_owner == s && s->cpu == (int)c->id;
}

static void write_back(struct cpu *c)
{
	if (c->fp_dirty) {
		fpsimd_save(&c->fp_owner->regs);
		c->fp_owner->saves++;
		c->fp_dirty = false;
	}
}

void fp_claim(struct fp_state *s)
{
	struct cpu *c = this_cpu();

	write_sysreg(cptr_host(true), cptr_el2);
	isb();
	if (!fp_is_live(s)) {
		write_back(c);
		fpsimd_load(&s->regs);
		s->loads++;
		c->fp_owner = s;
		s->cpu = c->id;
	}
	c->fp_dirty = true;
	/* A guest's claim does not open the registers to the process. */
	if (s->guest)
		write_sysreg(cptr_host(false), cptr_el2);
}

static void fetch_here(void *arg)
{
	struct fp_state *s = arg;
	struct cpu *c = this_cpu();

	if (!fp_is_live(s))
		return;
	write_back(c);
	c->fp_owner = NULL;
	s->cpu = -1;
}

void fp_fetch(struct fp_state *s)
{
	int cpu;

	preempt_disable();
	cpu = READ_ONCE(s->cpu);
	if (cpu >= 0 && cpu != (int)this_cpu()->id && READ_ONCE(cpus[cpu]->fp_owner) == s)
		smp_call(cpu, fetch_here, s);
	preempt_enable();
}

void fp_flush(struct fp_state *s)
{
	fp_fetch(s);
	preempt_disable();
	if (fp_is_live(s) && this_cpu()->fp_dirty) {
		/* Stays dirty: the owner may go on writing at any time. */
		fpsimd_save(&s->regs);
		s->saves++;
	}
	preempt_enable();
}

void fp_discard(struct fp_state *s)
{
	struct cpu *c;

	preempt_disable();
	c = this_cpu();
	if (c->fp_owner == s) {
		c->fp_owner = NULL;
		c->fp_dirty = false;
		write_sysreg(cptr_host(false), cptr_el2);
		isb();
	}
	s->cpu = -1;
	preempt_enable();
}

/* The thread that runs now stops running: memory gets the newest. Guests' states must be claimed anew. */
void fp_switch_out(void)
{
	struct cpu *c = this_cpu();
	bool guest;

	/* An owner that is not dirty may have moved to another CPU and be gone by now: only its address counts. */
	if (!c->fp_dirty)
		return;
	guest = c->fp_owner->guest;
	write_back(c);
	if (guest)
		c->fp_owner = NULL;
}

void fp_switch(struct fp_state *next)
{
	struct cpu *c = this_cpu();
	bool live = fp_is_live(next);

	if (live && !next->guest)
		c->fp_dirty = true;
	write_sysreg(cptr_host(live && !next->guest), cptr_el2);
}
