// SPDX-License-Identifier: GPL-2.0-only
/* What a CPU is, starting CPUs, PSCI calls. Owner: kernel/cpu/{cpu,psci,smp}.c. */
#pragma once

#include <nestbox/types.h>
#include "kernel/cpu/offsets.h"
#include "kernel/sched/thread.h"

extern u64 kimage_pa;		/* physical address of _text */

/* The first CPU's struct cpu and thread, before anything else of the kernel runs. mpidr: affinity bits. */
void cpu_init_boot(void);
/* struct cpu, idle thread and stack for one more CPU. NULL: no memory. */
struct cpu *cpu_create(unsigned id, u64 mpidr);
/* A CPU on its own idle thread: registers that every CPU sets for itself. Interrupts off. */
void cpu_init_this(void);
void cpu_print_features(void);

#define MPIDR_AFF_MASK	0xff00ffffffUL
/* Affinity fields of MPIDR_EL1 as ICC_SGI1R_EL1 and GICR_TYPER want them. */
#define MPIDR_AFF(m, n)	(((m) >> ((n) == 3 ? 32 : 8 * (n))) & 0xff)

/* PSCI (DEN0022). The conduit comes from the device tree. */
void psci_init(bool use_hvc);
s64 psci_call(u64 fn, u64 a1, u64 a2, u64 a3);
int psci_cpu_on(u64 mpidr, u64 entry_pa, u64 context);	/* 0 or the PSCI error */
__noreturn void psci_system_off(void);
__noreturn void psci_system_reset(void);

/* Interprocessor interrupts: SGI numbers. */
enum { IPI_RESCHED, IPI_CALL, IPI_STOP, IPI_COUNT };
void smp_init(void);		/* once, after the GIC */
void smp_init_this(void);	/* each CPU */
void ipi_send(unsigned cpu, unsigned ipi);
void ipi_send_others(unsigned ipi);
/* Stop all other CPUs (panic, power off). Any context; returns when they had their time. */
void smp_stop_others(void);
