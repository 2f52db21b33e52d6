// SPDX-License-Identifier: GPL-2.0-only
/* struct cpu and what every CPU sets up for itself. No locks. */
#include "kernel/cpu/cpu.h"

#include "kernel/cpu/mte.h"
#include "kernel/cpu/spec.h"
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/exitring.h"
#include "kernel/debug/print.h"
#include "kernel/mm/page.h"
#include "kernel/sched/sched.h"

struct cpu_block {
	struct cpu cpu;
	struct rq rq;
	struct timer_base timers;
	struct exit_ring exits;
};

struct cpu *cpus[MAX_CPUS];
unsigned nr_cpus = 1;

extern char boot_stack[];
extern struct thread boot_thread;
struct thread boot_thread;		/* first CPU's idle thread; boot/head.S puts it in TPIDR_EL2 */
static struct cpu_block boot_block;

static struct cpu *block_init(struct cpu_block *b, unsigned id, u64 mpidr, struct thread *idle)
{
	struct cpu *c = &b->cpu;

	c->id = id;
	c->mpidr = mpidr;
	c->idle = c->current = idle;
	c->rq = &b->rq;
	c->timers = &b->timers;
	b->timers.programmed = ~0UL;
	c->exit_ring = &b->exits;
	c->rcu_state = 1;
	rq_init(&b->rq, c, idle);
	idle->cpu = c;
	idle->state = THREAD_RUNNABLE;
	idle->on_cpu = true;
	cpus[id] = c;
	return c;
}

void cpu_init_boot(void)
{
	boot_thread.cpu = &boot_block.cpu;
	boot_thread.stack = boot_stack;
	thread_init(&boot_thread, "idle/0");
	block_init(&boot_block, 0, read_sysreg(mpidr_el1) & MPIDR_AFF_MASK, &boot_thread);
}

static void idle_main(void *arg)
{
	BUG();		/* its life begins in secondary_main, not here */
}

struct cpu *cpu_create(unsigned id, u64 mpidr)
{
	struct cpu_block *b = kzalloc(sizeof(*b));
	struct thread *idle;
	char name[16];

	snprintf(name, sizeof(name), "idle/%u", id);
	idle = thread_create(name, idle_main, NULL);
	if (!b || !idle) {
		kfree(b);
		return NULL;
	}
	return block_init(b, id, mpidr, idle);
}

void cpu_init_this(void)
{
	fp_init_this();
	mte_init_this();
	spec_init_this();
	write_sysreg(0, tpidr_el0);
	write_sysreg(0, tpidrro_el0);
	/* The EL2 virtual timer stays off: entry.S uses its compare register as a scratch register. */
	write_sysreg(0, cntv_ctl_el0);
	write_sysreg(0, cntp_ctl_el0);
	isb();
}

void cpu_print_features(void)
{
	u64 mmfr1 = read_sysreg(id_aa64mmfr1_el1);

	pr_info("cpu: MIDR %08lx, VHE%s%s%s%s, counter %lu kHz\n", (unsigned long)read_sysreg(midr_el1),
		FIELD_GET(GENMASK(23, 20), mmfr1) ? ", PAN" : "", fp_cpu.sve ? ", SVE" : "",
		FIELD_GET(GENMASK(63, 60), read_sysreg(id_aa64isar0_el1)) ? ", RNDR" : "",
		spec_vectors_name(),
		(unsigned long)counter_hz / 1000);
}
