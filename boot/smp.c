// SPDX-License-Identifier: GPL-2.0-only
/* The other CPUs: all are asked to start, then each sets itself up while the first waits. */
#include "boot/boot.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/dev/platform.h"
#include "kernel/irq/internal.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/page.h"
#include "kernel/sched/sched.h"

#define START_TIMEOUT	10000000000UL	/* ns; 64 CPUs under emulation are slow */

extern char secondary_entry[];

void secondary_main(void)
{
	u64 flags = local_irq_save();

	cpu_init_this();
	aspace_switch(NULL);
	gic_init_this();
	ktimers_init_this();
	smp_init_this();
	sched_init_this();
	(void)flags;
	sched_idle();
}

void smp_boot(void)
{
	unsigned online = 1, asked = 1;
	u64 start = clock_ns();

	nr_cpus = platform.ncpus;
	for (unsigned i = 1; i < nr_cpus && platform.psci; i++) {
		struct cpu *c = cpu_create(i, platform.mpidr[i]);
		int err;

		if (!c)
			panic("no memory for CPU %u", i);
		err = psci_cpu_on(c->mpidr, va_to_pa(secondary_entry).v, (u64)c->idle);
		if (err)
			pr_err("smp: CPU %u does not start: PSCI error %d\n", i, err);
		else
			asked++;
	}
	while (online < asked && clock_ns() - start < START_TIMEOUT) {
		online = 0;
		for (unsigned i = 0; i < nr_cpus; i++)
			online += cpus[i] && __atomic_load_n(&cpus[i]->online, __ATOMIC_ACQUIRE);
		cpu_relax();
	}
	pr_info("smp: %u of %u CPUs\n", online, platform.ncpus);
}
