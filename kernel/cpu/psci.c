// SPDX-License-Identifier: GPL-2.0-only
/* Calls to the firmware (PSCI 1.1, DEN0022; SMCCC, DEN0028). No locks. */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/sysreg.h"

#define PSCI_CPU_ON		0xc4000003
#define PSCI_SYSTEM_OFF		0x84000008
#define PSCI_SYSTEM_RESET	0x84000009

static bool hvc;

void psci_init(bool use_hvc)
{
	hvc = use_hvc;
}

s64 psci_call(u64 fn, u64 a1, u64 a2, u64 a3)
{
	register u64 x0 asm("x0") = fn;
	register u64 x1 asm("x1") = a1;
	register u64 x2 asm("x2") = a2;
	register u64 x3 asm("x3") = a3;

#define CLOBBERS "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory"
	if (hvc)
		asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : CLOBBERS);
	else
		asm volatile(".inst 0xd4000003 /* smc #0 */" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : CLOBBERS);
	return x0;
}

int psci_cpu_on(u64 mpidr, u64 entry_pa, u64 context)
{
	return (int)psci_call(PSCI_CPU_ON, mpidr, entry_pa, context);
}

void psci_system_off(void)
{
	psci_call(PSCI_SYSTEM_OFF, 0, 0, 0);
	for (;;)
		wfi();
}

void psci_system_reset(void)
{
	psci_call(PSCI_SYSTEM_RESET, 0, 0, 0);
	for (;;)
		wfi();
}
