// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interprocessor interrupts and calls. Each CPU has one slot for a call, with a lock that the caller holds (preemption
 * off, interrupts on) until the call is done; who needs several takes them in ascending order.
 */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/irq/internal.h"
#include "kernel/sched/sched.h"

static struct call_slot {
	spinlock_t lock;
	void (*fn)(void *arg);
	void *arg;
	bool pending;
} slots[MAX_CPUS];
static unsigned stopped;

void ipi_send(unsigned cpu, unsigned ipi)
{
	if (cpus[cpu])
		gic_send_sgi(cpus[cpu]->mpidr, ipi);
}

void ipi_send_others(unsigned ipi)
{
	gic_send_sgi_others(ipi);
}

static enum irq_result ipi_resched(u32 intid, void *arg)
{
	sched_ipi();
	return IRQ_DONE;
}

static enum irq_result ipi_call(u32 intid, void *arg)
{
	struct call_slot *s = &slots[this_cpu()->id];

	if (__atomic_load_n(&s->pending, __ATOMIC_ACQUIRE)) {
		s->fn(s->arg);
		__atomic_store_n(&s->pending, false, __ATOMIC_RELEASE);
	}
	return IRQ_DONE;
}

static enum irq_result ipi_stop(u32 intid, void *arg)
{
	local_irq_disable();
	__atomic_fetch_add(&stopped, 1, __ATOMIC_RELAXED);
	while (true)
		wfi();
	return IRQ_FORWARDED;
}

void smp_init(void)
{
	irq_register(IPI_RESCHED, ipi_resched, NULL, true);
	irq_register(IPI_CALL, ipi_call, NULL, true);
	irq_register(IPI_STOP, ipi_stop, NULL, true);
	smp_init_this();
}

void smp_init_this(void)
{
	for (unsigned i = 0; i < IPI_COUNT; i++)
		irq_enable(i);
}

static void call_here(void (*fn)(void *arg), void *arg)
{
	u64 flags = local_irq_save();

	fn(arg);
	local_irq_restore(flags);
}

static void call_start(unsigned cpu, void (*fn)(void *arg), void *arg)
{
	struct call_slot *s = &slots[cpu];

	spin_lock(&s->lock);
	s->fn = fn;
	s->arg = arg;
	__atomic_store_n(&s->pending, true, __ATOMIC_RELEASE);
	ipi_send(cpu, IPI_CALL);
}

static void call_end(unsigned cpu)
{
	while (__atomic_load_n(&slots[cpu].pending, __ATOMIC_ACQUIRE))
		cpu_relax();
	spin_unlock(&slots[cpu].lock);
}

void smp_call(unsigned cpu, void (*fn)(void *arg), void *arg)
{
	ASSERT(!irqs_disabled() && cpu < nr_cpus && cpus[cpu]);
	preempt_disable();
	if (cpu == this_cpu()->id) {
		call_here(fn, arg);
	} else {
		call_start(cpu, fn, arg);
		call_end(cpu);
	}
	preempt_enable();
}

void smp_call_all(void (*fn)(void *arg), void *arg)
{
	unsigned me;

	ASSERT(!irqs_disabled());
	preempt_disable();
	me = this_cpu()->id;
	for (unsigned i = 0; i < nr_cpus; i++)
		if (i != me && cpus[i] && cpus[i]->online)
			call_start(i, fn, arg);
	call_here(fn, arg);
	for (unsigned i = 0; i < nr_cpus; i++)
		if (i != me && cpus[i] && cpus[i]->online)
			call_end(i);
	preempt_enable();
}

void smp_stop_others(void)
{
	unsigned others = 0;
	u64 start = read_sysreg(cntvct_el0), wait = read_sysreg(cntfrq_el0) / 5;

	for (unsigned i = 0; i < nr_cpus; i++)
		if (cpus[i] && cpus[i]->online && cpus[i] != this_cpu())
			others++;
	if (!others)
		return;
	ipi_send_others(IPI_STOP);
	while (__atomic_load_n(&stopped, __ATOMIC_RELAXED) < others && read_sysreg(cntvct_el0) - start < wait)
		cpu_relax();
}
