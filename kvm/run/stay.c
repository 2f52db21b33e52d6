// SPDX-License-Identifier: GPL-2.0-only
/*
 * From KVM_RUN to KVM_RUN: a vCPU whose thread goes back to user space stays loaded, since most come back soon. What the
 * process uses too (TPIDR_EL0, TPIDRRO_EL0, SP_EL0) changes hands each time; the rest of the guest's state, its timers included, goes on
 * living in this CPU until the thread is switched out, or somebody wants the vCPU's registers: vcpu_settle().
 *
 * v->resident: the CPU that holds a vCPU not in KVM_RUN, or -1. A resident vCPU's thread is the one that runs on that CPU,
 * so each CPU has at most one (resident_here). Both change on that CPU with interrupts off.
 */
#define VCPU_ENTRY_CODE

#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kvm/run/run.h"
#include "kvm/vgic/vgic.h"

static struct vcpu *resident_here[MAX_CPUS];

/*
 * The registers that the process uses too: the guest's come back into the CPU, the process's go to memory, or the reverse.
 * The process's SP_EL0 is in its exception frame. Interrupts off.
 */
static void el0_to_guest(struct vcpu *v, struct thread *t)
{
	t->tpidr_el0 = read_sysreg(tpidr_el0);
	t->tpidrro_el0 = read_sysreg(tpidrro_el0);
	write_sysreg(v->stay_el0.tpidr, tpidr_el0);
	write_sysreg(v->stay_el0.tpidrro, tpidrro_el0);
	write_sysreg(v->stay_el0.sp, sp_el0);
}

static void el0_to_process(struct vcpu *v, struct thread *t)
{
	v->stay_el0.tpidr = read_sysreg(tpidr_el0);
	v->stay_el0.tpidrro = read_sysreg(tpidrro_el0);
	v->stay_el0.sp = read_sysreg(sp_el0);
	write_sysreg(t->tpidr_el0, tpidr_el0);
	write_sysreg(t->tpidrro_el0, tpidrro_el0);
}

/* On the CPU that holds it, in its thread or in an interrupt of it. Interrupts off. */
static void resident_put(struct vcpu *v)
{
	resident_here[this_cpu()->id] = NULL;
	el0_to_guest(v, current_thread);
	vcpu_put(v);
	switch_hook_del(&v->hook);
	__atomic_store_n(&v->resident, -1, __ATOMIC_RELEASE);
}

static void hook_out(struct switch_hook *h)
{
	struct vcpu *v = container_of(h, struct vcpu, hook);

	if (v->resident >= 0)
		resident_put(v);
	else
		vcpu_put(v);
}

static void hook_in(struct switch_hook *h)
{
	vcpu_load(container_of(h, struct vcpu, hook));
}

struct vcpu *vcpu_of_hook(struct switch_hook *h)
{
	return h->out == hook_out ? container_of(h, struct vcpu, hook) : NULL;
}

static void settle_here(void *arg)
{
	if (resident_here[this_cpu()->id] == arg)
		resident_put(arg);
}

void vcpu_settle(struct vcpu *v)
{
	u64 flags;
	int cpu;

	preempt_disable();
	cpu = __atomic_load_n(&v->resident, __ATOMIC_ACQUIRE);
	if (cpu == (int)this_cpu()->id) {
		flags = local_irq_save();
		settle_here(v);
		local_irq_restore(flags);
	} else if (cpu >= 0) {
		smp_call(cpu, settle_here, v);
	}
	preempt_enable();
	ASSERT(__atomic_load_n(&v->resident, __ATOMIC_ACQUIRE) < 0);
}

bool vcpu_trylock(struct vcpu *v)
{
	if (!mutex_trylock(&v->mutex))
		return false;
	vcpu_settle(v);
	return true;
}

static void begin_slow(struct vcpu *v)
{
	struct vcpu *other;
	u64 flags;

	vcpu_settle(v);
	flags = local_irq_save();
	other = resident_here[this_cpu()->id];
	if (other)
		resident_put(other);
	v->hook.out = hook_out;
	v->hook.in = hook_in;
	rcu_assign(v->thread, current_thread);
	switch_hook_add(&v->hook);
	vcpu_load(v);
	local_irq_restore(flags);
}

void run_begin(struct vcpu *v)
{
	struct cpu *c;
	u64 flags = local_irq_save();

	c = this_cpu();
	if (unlikely(resident_here[c->id] != v)) {
		local_irq_restore(flags);
		begin_slow(v);
		return;
	}
	resident_here[c->id] = NULL;
	v->resident = -1;
	el0_to_guest(v, current_thread);
	rcu_assign(v->thread, current_thread);
	local_irq_restore(flags);
}

void run_end(struct vcpu *v, bool stay)
{
	u64 flags = local_irq_save();
	struct cpu *c = this_cpu();

	rcu_assign(v->thread, NULL);
	if (stay && likely(vcpu_may_stay(v))) {
		vgic_stay(v);
		el0_to_process(v, current_thread);
		resident_here[c->id] = v;
		v->resident = c->id;
	} else {
		vcpu_put(v);
		switch_hook_del(&v->hook);
	}
	local_irq_restore(flags);
}
