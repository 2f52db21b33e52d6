// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ownership of the vector registers. State s is live in CPU c's registers iff cpus[c]->fp_owner == s and s->cpu == c: both,
 * so that neither side alone has to be cleaned up when the other moves on. When s is not live, s->regs is the newest.
 * A state is used by one thread at a time; when that thread is switched out, fp_put makes memory current too, so a live
 * state that nobody is using always has its copy in memory, unless it is a vCPU's between two KVM_RUNs: fp_fetch.
 *
 * No lock: cpus[c]->fp_owner is written by CPU c with preemption off; s->cpu by whoever uses s. Arm ARM D24.2.34 (CPTR_EL2).
 */
#include "kernel/fp/owner.h"

#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/lib/string.h"
#include "kernel/sched/thread.h"

#define CPTR_FPEN_ALL	(3UL << 20)
#define CPTR_FPEN_NOEL0	(1UL << 20)
#define CPTR_TTA	BIT(28)

/* fpsimd.S */
void fpsimd_save(struct fp_regs *r);
void fpsimd_load(const struct fp_regs *r);

/* SVE, SME (ZEN, SMEN = 0) trap for everybody; nothing here switches their state yet. */
u64 cptr_host(bool fp_live)
{
	return CPTR_TTA | (fp_live ? CPTR_FPEN_ALL : CPTR_FPEN_NOEL0);
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

/* FP access for the copies below, whatever CPTR_EL2 says for the moment. */
static u64 access_begin(void)
{
	u64 old = read_sysreg(cptr_el2);

	write_sysreg(cptr_host(true), cptr_el2);
	isb();
	return old;
}

static void access_end(u64 cptr)
{
	write_sysreg(cptr, cptr_el2);
	isb();
}

void fp_put(struct fp_state *s)
{
	u64 cptr;

	if (!fp_is_live(s))
		return;
	cptr = access_begin();
	fpsimd_save(&s->regs);
	access_end(cptr);
	s->saves++;
}

void fp_claim(struct fp_state *s)
{
	struct cpu *c = this_cpu();
	struct fp_state *old = c->fp_owner;

	(void)access_begin();
	if (old == s && s->cpu == (int)c->id)
		return;
	if (old && old->cpu == (int)c->id) {
		fpsimd_save(&old->regs);
		old->saves++;
		old->cpu = -1;
	}
	fpsimd_load(&s->regs);
	s->loads++;
	s->cpu = c->id;
	c->fp_owner = s;
}

static void fetch_here(void *arg)
{
	struct fp_state *s = arg;

	fp_put(s);
	if (fp_is_live(s))
		s->cpu = -1;
}

void fp_fetch(struct fp_state *s)
{
	int cpu;

	preempt_disable();
	cpu = READ_ONCE(s->cpu);
	if (cpu < 0 || cpu == (int)this_cpu()->id || READ_ONCE(cpus[cpu]->fp_owner) != s) {
		preempt_enable();
		return;
	}
	preempt_enable();
	smp_call(cpu, fetch_here, s);
}

void fp_flush(struct fp_state *s)
{
	fp_fetch(s);
	preempt_disable();
	fp_put(s);
	preempt_enable();
}

void fp_discard(struct fp_state *s)
{
	struct fp_state *mine = s;
	unsigned i;

	s->cpu = -1;
	/* The memory may be used for another state next: no CPU may go on pointing at it. */
	for (i = 0; i < nr_cpus; i++)
		if (cpus[i])
			(void)__atomic_compare_exchange_n(&cpus[i]->fp_owner, &mine, NULL, false, __ATOMIC_RELAXED,
							  __ATOMIC_RELAXED), mine = s;
}

void fp_switch(struct fp_state *next)
{
	write_sysreg(cptr_host(fp_is_live(next)), cptr_el2);
}
