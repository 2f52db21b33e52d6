// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one owner of each CPU's vector registers. Registers newer than memory ("dirty") belong to the thread that runs now:
 * the context switch writes them back, so that a thread or vCPU may go on on any CPU, and leaves them in place as a cache
 * for an owner that comes back first. Everything of a CPU changes with its interrupts off. docs/fp.md.
 */
#include <linux/errno.h>

#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/fp/fp.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kernel/sched/thread.h"

_Static_assert(offsetof(struct fp_regs, fpsr) == 512, "fpsimd.S, sve.S");
_Static_assert(offsetof(struct fp_regs, fpcr) == 516, "fpsimd.S, sve.S");

static enum fp_kind kind(const struct fp_state *s)
{
	return s->guest ? FP_GUEST : FP_THREAD;
}

static void set_wide(struct fp_state *s, bool wide)
{
	s->wide = wide;
	s->cptr = fp_cpu.cptr_closed | CPTR_FPEN_ALL | (wide ? CPTR_ZEN_ALL : 0);
}

void fp_state_init(struct fp_state *s, bool guest)
{
	memset(s, 0, sizeof(*s));
	s->cpu = -1;
	s->guest = guest;
	set_wide(s, false);
}

void fp_state_destroy(struct fp_state *s)
{
	kfree(s->sve);
	s->sve = NULL;
}

int fp_guest_sve(struct fp_state *s, unsigned vl)
{
	ASSERT(s->guest && !s->sve && s->cpu < 0);
	s->sve = kzalloc(FP_SVE_SIZE(vl));
	if (!s->sve)
		return -ENOMEM;
	s->vl = vl;
	set_wide(s, true);
	return 0;
}

void fp_state_clear(struct fp_state *s)
{
	memset(&s->regs, 0, sizeof(s->regs));
	if (s->sve)
		memset(s->sve, 0, FP_SVE_SIZE(s->vl));
}

/* ---- registers and memory ---- */

static bool live_on(const struct cpu *c, const struct fp_state *s)
{
	return c->fp_owner == s && s->cpu == (int)c->id;
}

bool fp_is_live(const struct fp_state *s)
{
	return live_on(this_cpu(), s);
}

/* ZCR_EL2 is the owner's for as long as a wide state is live. */
static void length_set(const struct fp_state *s)
{
	write_sysreg(s->vl / FP_VQ_BYTES - 1, ZCR_EL2);
	isb();
}

static void regs_save(struct cpu *c, struct fp_state *s)
{
	if (unlikely(s->wide))
		sve_save(s->sve, &s->regs);
	else
		fpsimd_save(&s->regs);
	if (unlikely(fp_cpu.fpmr))
		s->regs.fpmr = read_sysreg(FPMR);
	s->saves++;
	c->fp_counts.saves[kind(s)]++;
}

static void regs_load(struct cpu *c, struct fp_state *s)
{
	if (unlikely(s->wide)) {
		length_set(s);
		sve_load(s->sve, &s->regs);
	} else {
		fpsimd_load(&s->regs);
	}
	if (unlikely(fp_cpu.fpmr))
		write_sysreg(s->regs.fpmr, FPMR);
	s->loads++;
	c->fp_counts.loads[kind(s)]++;
}

static void write_back(struct cpu *c)
{
	if (c->fp_dirty) {
		regs_save(c, c->fp_owner);
		/* Pairs with fp_fetch on another CPU, which may find memory newest. */
		__atomic_store_n(&c->fp_dirty, false, __ATOMIC_RELEASE);
	}
}

/* Interrupts off. In the fast tier a guest's CPTR_EL2 is there, which traps us too: the host's first. */
static void claim(struct cpu *c, struct fp_state *s)
{
	write_sysreg(fp_cpu.cptr_closed, cptr_el2);
	isb();
	if (!live_on(c, s)) {
		write_back(c);
		regs_load(c, s);
		c->fp_owner = s;
		s->cpu = c->id;
	}
	c->fp_dirty = true;
	/* A guest's claim does not open the registers to the process. */
	if (!s->guest)
		write_sysreg(s->cptr, cptr_el2);
}

void fp_claim(struct fp_state *s)
{
	u64 flags = local_irq_save();
	struct cpu *c = this_cpu();

	s->traps++;
	c->fp_counts.traps[kind(s)]++;
	claim(c, s);
	local_irq_restore(flags);
}

void fp_adopt(struct fp_state *s)
{
	struct cpu *c = this_cpu();

	if (live_on(c, s))
		c->fp_dirty = true;
}

static void fetch_here(void *arg)
{
	struct fp_state *s = arg;
	struct cpu *c = this_cpu();

	if (!live_on(c, s))
		return;
	write_back(c);
	c->fp_owner = NULL;
	s->cpu = -1;
	/* The thread that runs here may have been the owner. */
	write_sysreg(fp_cpu.cptr_closed, cptr_el2);
}

void fp_fetch(struct fp_state *s)
{
	int cpu;

	preempt_disable();
	cpu = READ_ONCE(s->cpu);
	if (cpu >= 0 && cpu != (int)this_cpu()->id && READ_ONCE(cpus[cpu]->fp_owner) == s &&
	    __atomic_load_n(&cpus[cpu]->fp_dirty, __ATOMIC_ACQUIRE))
		smp_call(cpu, fetch_here, s);
	preempt_enable();
}

void fp_flush(struct fp_state *s)
{
	struct cpu *c;
	u64 flags;

	fp_fetch(s);
	flags = local_irq_save();
	c = this_cpu();
	if (live_on(c, s) && c->fp_dirty)
		regs_save(c, s);	/* stays dirty: the owner may go on writing at any time */
	local_irq_restore(flags);
}

void fp_discard(struct fp_state *s)
{
	u64 flags = local_irq_save();
	struct cpu *c = this_cpu();

	if (c->fp_owner == s) {
		c->fp_owner = NULL;
		c->fp_dirty = false;
		write_sysreg(fp_cpu.cptr_closed, cptr_el2);
		isb();
	}
	s->cpu = -1;
	local_irq_restore(flags);
}

void fp_vregs_get(const struct fp_state *s, __uint128_t *v)
{
	unsigned i;

	for (i = 0; i < 32; i++)
		v[i] = s->wide ? *(const __uint128_t *)((const char *)s->sve + i * s->vl) : s->regs.v[i];
}

/* ---- the context switch ---- */

/* An owner that is not dirty may have moved to another CPU and be gone by now: only its address counts. */
void fp_switch_out(void)
{
	write_back(this_cpu());
}

void fp_switch(struct fp_state *next)
{
	struct cpu *c = this_cpu();

	if (live_on(c, next)) {
		c->fp_dirty = true;
		write_sysreg(next->cptr, cptr_el2);
	} else {
		write_sysreg(fp_cpu.cptr_closed, cptr_el2);
	}
}

/* ---- the current thread's own state ---- */

void fp_user_trap(void)
{
	fp_claim(&current_thread->fp);
}

int fp_user_sve_alloc(void)
{
	struct fp_state *s = &current_thread->fp;

	if (!s->vl)
		return -EINVAL;
	if (!s->sve)
		s->sve = kmalloc(FP_SVE_SIZE(s->vl));
	return s->sve ? 0 : -ENOMEM;
}

int fp_user_sve_trap(void)
{
	struct fp_state *s = &current_thread->fp;
	int err = fp_user_sve_alloc();
	struct cpu *c;
	u64 flags;

	if (err)
		return err;
	flags = local_irq_save();
	c = this_cpu();
	fp_claim(s);
	if (!s->wide) {
		length_set(s);
		sve_clear_high();
		set_wide(s, true);
		write_sysreg(s->cptr, cptr_el2);
	}
	ASSERT(live_on(c, s) && c->fp_dirty);
	local_irq_restore(flags);
	return 0;
}

void fp_user_narrow(void)
{
	struct fp_state *s = &current_thread->fp;
	u64 flags = local_irq_save();
	struct cpu *c = this_cpu();
	bool live = live_on(c, s);

	if (s->wide) {
		if (!live)
			fp_vregs_get(s, s->regs.v);
		set_wide(s, false);
		if (live) {
			c->fp_dirty = true;	/* regs.v is older */
			write_sysreg(s->cptr, cptr_el2);
		}
	}
	local_irq_restore(flags);
}

void fp_user_set_vl(unsigned vl)
{
	struct fp_state *s = &current_thread->fp;

	fp_user_narrow();
	kfree(s->sve);
	s->sve = NULL;
	s->vl = vl;
}

void fp_user_write(const struct fp_regs *regs, const void *sve)
{
	struct fp_state *s = &current_thread->fp;
	unsigned i;
	u64 flags;

	ASSERT(!sve || s->sve);
	flags = local_irq_save();
	fp_discard(s);
	s->regs = *regs;
	set_wide(s, sve);
	if (sve) {
		memcpy(s->sve, sve, FP_SVE_SIZE(s->vl));
		for (i = 0; i < 32; i++)
			memcpy((char *)s->sve + i * s->vl, &regs->v[i], sizeof(regs->v[i]));
	}
	local_irq_restore(flags);
}

/* ---- the kernel's own use ---- */

u64 fp_kernel_begin(void)
{
	u64 flags = local_irq_save();
	struct cpu *c = this_cpu();

	ASSERT(!c->fp_kernel);
	c->fp_kernel = true;
	write_back(c);
	c->fp_owner = NULL;
	c->fp_counts.kernel++;
	write_sysreg(fp_cpu.cptr_closed, cptr_el2);
	isb();
	return flags;
}

void fp_kernel_end(u64 flags)
{
	this_cpu()->fp_kernel = false;
	local_irq_restore(flags);
}
