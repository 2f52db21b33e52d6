// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one owner of each CPU's vector registers. A state is in the registers of one CPU, which then has it as its owner, or
 * in memory; both words change together, on that CPU, with its interrupts off. Nothing is saved because its owner stops
 * running, only because somebody else wants the registers, or because the owner goes on elsewhere and calls for its state
 * from there. docs/fp.md has every transition.
 */
#include <linux/errno.h>

#include "kernel/cpu/entry.h"
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
	s->more = wide || fp_cpu.fpmr;
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
	ASSERT(s->cpu < 0);
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
	s->limit = vl;
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

/*
 * Is s in this CPU's registers? Only this CPU makes it so or ends it, so the answer holds while interrupts are off, or
 * while preemption is off and no interrupt handler uses the registers.
 */
bool fp_is_live(const struct fp_state *s)
{
	return this_cpu()->fp_owner == s;
}

/* ZCR_EL2 is the owner's for as long as a wide state is live. */
static void length_set(unsigned vl)
{
	write_sysreg(vl / FP_VQ_BYTES - 1, ZCR_EL2);
	isb();
}

static void more_save(struct fp_state *s)
{
	if (s->wide) {
		if (s->guest)	/* whatever limit this CPU has for it */
			length_set(s->vl);
		sve_save(s->sve, &s->regs);
	} else {
		fpsimd_save(&s->regs);
	}
	if (fp_cpu.fpmr)
		s->regs.fpmr = read_sysreg(FPMR);
}

static void more_load(const struct fp_state *s)
{
	if (s->wide) {
		length_set(s->vl);
		sve_load(s->sve, &s->regs);
		if (s->guest && s->limit != s->vl)
			length_set(s->limit);
	} else {
		fpsimd_load(&s->regs);
	}
	if (fp_cpu.fpmr)
		write_sysreg(s->regs.fpmr, FPMR);
}

static inline void regs_save(struct cpu *c, struct fp_state *s)
{
	if (unlikely(s->more))
		more_save(s);
	else
		fpsimd_save(&s->regs);
	s->saves++;
	c->fp_counts.saves[kind(s)]++;
}

static inline void regs_load(struct cpu *c, struct fp_state *s)
{
	if (unlikely(s->more))
		more_load(s);
	else
		fpsimd_load(&s->regs);
	s->loads++;
	c->fp_counts.loads[kind(s)]++;
}

/*
 * A system call forgets what SVE adds to V. If the thread has gone on elsewhere since, the registers here still are what
 * they were then or before: V is right in either case.
 */
static bool only_v_counts(const struct fp_state *s)
{
	return !s->guest && thread_regs_of(container_of(s, struct thread, fp))->syscall != NO_SYSCALL;
}

/* No owner any more; memory is the newest copy for whoever sees cpu -1. */
static inline void let_go(struct cpu *c, struct fp_state *s)
{
	c->fp_owner = NULL;
	__atomic_store_n(&s->cpu, -1, __ATOMIC_RELEASE);
}

/* Whoever owns this CPU's registers goes to memory. Interrupts off. */
static void write_back(struct cpu *c)
{
	struct fp_state *s = c->fp_owner;

	if (!s)
		return;
	if (unlikely(s->wide) && only_v_counts(s))
		set_wide(s, false);
	regs_save(c, s);
	let_go(c, s);
}

/* The system call that did not find the state on its CPU: s is here or in memory now, narrow from here on. */
static void forget(struct fp_state *s)
{
	if (s->wide && s->cpu < 0)
		fp_vregs_get(s, s->regs.v);
	s->forget = false;
	set_wide(s, false);
}

/*
 * The host's CPTR_EL2, closed to EL0, whatever was there. In an interrupt that can be a guest's, which traps us too: a guest
 * is loaded when its timer's interrupt is looked for and another one comes (irq_take); then it is left, and gets its own
 * anew when it is entered again.
 */
static inline void close_here(void)
{
	write_sysreg(fp_cpu.cptr_closed, cptr_el2);
	isb();
}

bool fp_claim(struct fp_state *s)
{
	struct cpu *c = this_cpu();
	bool live = c->fp_owner == s;

	if (unlikely(!live && __atomic_load_n(&s->cpu, __ATOMIC_ACQUIRE) >= 0))
		return false;
	s->traps++;
	c->fp_counts.traps[kind(s)]++;
	if (s->guest)	/* from the fast tier, or from a thread that will not be owner any more */
		close_here();
	if (unlikely(s->forget))
		forget(s);
	if (likely(!live)) {
		write_back(c);
		regs_load(c, s);
		c->fp_owner = s;
		s->cpu = c->id;
	}
	if (!s->guest)
		write_sysreg(s->cptr, cptr_el2);
	return true;
}

void fp_use(struct fp_state *s)
{
	u64 flags = local_irq_save();

	while (!fp_claim(s)) {
		local_irq_restore(flags);
		fp_evict(s);
		flags = local_irq_save();
	}
	local_irq_restore(flags);
}

static void evict_here(void *arg)
{
	struct fp_state *s = arg;
	struct cpu *c = this_cpu();

	if (c->fp_owner != s)
		return;
	close_here();		/* the thread that runs here may be the owner */
	write_back(c);
	c->fp_counts.fetches++;
}

static void discard_here(void *arg)
{
	struct fp_state *s = arg;
	struct cpu *c = this_cpu();

	if (c->fp_owner != s)
		return;
	close_here();
	let_go(c, s);
}

/* On the CPU that has s, if there is one. Nobody but the caller could make it live meanwhile. */
static void where_it_is(struct fp_state *s, void (*fn)(void *arg))
{
	int cpu = __atomic_load_n(&s->cpu, __ATOMIC_ACQUIRE);

	if (cpu >= 0)
		smp_call(cpu, fn, s);
	ASSERT(__atomic_load_n(&s->cpu, __ATOMIC_ACQUIRE) < 0);
}

void fp_evict(struct fp_state *s)
{
	where_it_is(s, evict_here);
}

void fp_discard(struct fp_state *s)
{
	where_it_is(s, discard_here);
}

void fp_flush(struct fp_state *s)
{
	u64 flags = local_irq_save();
	bool live = fp_is_live(s);

	if (live) {
		if (unlikely(s->forget))
			forget(s);
		regs_save(this_cpu(), s);
	}
	local_irq_restore(flags);
	if (live)
		return;
	fp_evict(s);
	if (unlikely(s->forget))
		forget(s);
}

void fp_guest_limit(struct fp_state *s, unsigned vl)
{
	u64 flags = local_irq_save();

	ASSERT(s->guest && s->wide && vl && vl <= s->vl);
	s->limit = vl;
	if (fp_is_live(s))
		length_set(vl);
	local_irq_restore(flags);
}

void fp_vregs_get(const struct fp_state *s, __uint128_t *v)
{
	unsigned i;

	for (i = 0; i < 32; i++)
		v[i] = s->wide ? *(const __uint128_t *)((const char *)s->sve + i * s->vl) : s->regs.v[i];
}

void fp_switch(const struct fp_state *next)
{
	write_sysreg(fp_is_live(next) ? next->cptr : fp_cpu.cptr_closed, cptr_el2);
}

/* ---- the current thread's own state ---- */

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
	u64 flags;

	if (err)
		return err;
	flags = local_irq_save();
	while (!fp_claim(s)) {
		local_irq_restore(flags);
		fp_evict(s);
		flags = local_irq_save();
	}
	if (!s->wide) {
		length_set(s->vl);
		sve_clear_high();
		set_wide(s, true);
		write_sysreg(s->cptr, cptr_el2);
	}
	s->wide_calls = 0;
	ASSERT(fp_is_live(s));
	local_irq_restore(flags);
	return 0;
}

void fp_user_syscall(void)
{
	struct fp_state *s = &current_thread->fp;
	u64 flags = local_irq_save();
	int cpu = __atomic_load_n(&s->cpu, __ATOMIC_ACQUIRE);

	if (cpu >= 0 && cpu != (int)this_cpu()->id) {
		/* Not worth a call: whoever brings it back looks at this first. Until then closed, should it run there again. */
		s->forget = true;
		s->cptr = fp_cpu.cptr_closed;
	} else if (s->wide && !s->forget) {
		if (cpu < 0 || ++s->wide_calls > FP_WIDE_CALLS) {
			forget(s);
			fp_switch(s);
		} else {
			sve_clear_high();
		}
	}
	local_irq_restore(flags);
}

void fp_user_set_vl(unsigned vl)
{
	struct fp_state *s = &current_thread->fp;

	fp_evict(s);
	forget(s);
	kfree(s->sve);
	s->sve = NULL;
	s->vl = vl;
}

void fp_user_write(const struct fp_regs *regs, const void *sve)
{
	struct fp_state *s = &current_thread->fp;
	unsigned i;

	ASSERT(!sve || s->sve);
	fp_discard(s);
	s->forget = false;
	s->regs = *regs;
	set_wide(s, sve);
	s->wide_calls = 0;
	if (sve) {
		memcpy(s->sve, sve, FP_SVE_SIZE(s->vl));
		for (i = 0; i < 32; i++)
			memcpy((char *)s->sve + i * s->vl, &regs->v[i], sizeof(regs->v[i]));
	}
}

/* ---- the kernel's own use ---- */

u64 fp_kernel_begin(void)
{
	u64 flags = local_irq_save();
	struct cpu *c = this_cpu();

	ASSERT(!c->fp_kernel);
	c->fp_kernel = true;
	close_here();
	write_back(c);
	c->fp_counts.kernel++;
	return flags;
}

void fp_kernel_end(u64 flags)
{
	this_cpu()->fp_kernel = false;
	local_irq_restore(flags);
}
