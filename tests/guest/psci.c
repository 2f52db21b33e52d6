// SPDX-License-Identifier: GPL-2.0-only
/* PSCI 1.1 (Arm DEN 0022): starting, stopping and asking about CPUs; errors. */
#include "lib.h"

const char payload_name[] = "psci";

static volatile u32 visits[MAX_CPUS];
static volatile u64 seen_mpidr[MAX_CPUS], seen_el[MAX_CPUS], seen_daif[MAX_CPUS];

static void visitor(void *arg)
{
	u64 i = (u64)arg;

	seen_mpidr[i] = read_sysreg(mpidr_el1) & 0xff00ffffffUL;
	seen_el[i] = read_sysreg(currentel) >> 2;
	seen_daif[i] = read_sysreg(daif);
	visits[i]++;
}

static s32 psci(u64 fn, u64 a, u64 b, u64 c)
{
	return smccc(fn, a, b, c).a0;
}

static void stay(void *arg)
{
	while (!READ_ONCE(*(bool *)arg))
		yield();
}

static void cpus_on(void)
{
	static bool leave;
	bool good = true;
	u64 i, round;

	for (round = 0; round < 3; round++)
		for (i = 1; i < nr_cpus; i++) {
			good &= !cpu_start(i, visitor, (void *)i);
			good &= cpu_wait_off(i);
		}
	check(good, "CPU_ON and CPU_OFF, three times", "a CPU did not start or stop");
	for (i = 1; i < nr_cpus; i++)
		if (visits[i] != 3 || seen_mpidr[i] != cpus[i].mpidr || seen_el[i] != 1 ||
		    seen_daif[i] != 0x3c0)
			fail("state at CPU_ON", "CPU %lu: %u visits, mpidr %lx, EL%lu, daif %lx", i,
			     visits[i], seen_mpidr[i], seen_el[i], seen_daif[i]);
	if (nr_cpus < 2)
		return;
	check_eq((s64)psci(PSCI_AFFINITY_INFO64, cpus[1].mpidr, 0, 0), 1, "AFFINITY_INFO: off");
	cpu_start(1, stay, &leave);
	check_eq(psci(PSCI_AFFINITY_INFO64, cpus[1].mpidr, 0, 0), 0, "AFFINITY_INFO: on");
	check_eq((s64)psci(PSCI_CPU_ON64, cpus[1].mpidr, RAM_BASE, 0), PSCI_ALREADY_ON,
		 "CPU_ON of a running CPU");
	WRITE_ONCE(leave, true);
	cpu_wait_off(1);
}

void payload_main(void)
{
	check_eq(psci(PSCI_VERSION, 0, 0, 0) >> 16, 1, "VERSION is 1.x");
	check_eq(psci(PSCI_AFFINITY_INFO64, cpus[0].mpidr, 0, 0), 0, "AFFINITY_INFO of ourselves");
	check_eq((s64)psci(PSCI_CPU_ON64, cpus[0].mpidr, RAM_BASE, 0), PSCI_ALREADY_ON,
		 "CPU_ON of ourselves");
	check_eq((s64)psci(PSCI_CPU_ON64, 0xdead, RAM_BASE, 0), PSCI_INVALID_PARAMETERS,
		 "CPU_ON of no CPU");
	check_eq((s64)psci(PSCI_CPU_ON64, 1UL << 50, RAM_BASE, 0), PSCI_INVALID_PARAMETERS,
		 "CPU_ON with reserved bits");
	check_eq((s64)psci(PSCI_AFFINITY_INFO64, 0xdead, 0, 0), PSCI_INVALID_PARAMETERS,
		 "AFFINITY_INFO of no CPU");
	check_eq((s64)psci(PSCI_AFFINITY_INFO64, 0, 4, 0), PSCI_INVALID_PARAMETERS,
		 "AFFINITY_INFO level 4");
	check_eq(psci(PSCI_MIGRATE_INFO_TYPE, 0, 0, 0), 2, "MIGRATE_INFO_TYPE: no trusted OS");
	check_eq(psci(PSCI_FEATURES, PSCI_CPU_ON64, 0, 0), 0, "FEATURES of CPU_ON");
	check_eq(psci(PSCI_FEATURES, PSCI_SYSTEM_OFF, 0, 0), 0, "FEATURES of SYSTEM_OFF");
	check_eq(psci(PSCI_FEATURES, PSCI_SYSTEM_RESET, 0, 0), 0, "FEATURES of SYSTEM_RESET");
	check_eq(psci(PSCI_FEATURES, PSCI_CPU_SUSPEND64, 0, 0), 0, "FEATURES of CPU_SUSPEND");
	check_eq((s64)psci(PSCI_FEATURES, 0x8400001f, 0, 0), PSCI_NOT_SUPPORTED,
		 "FEATURES of an unknown function");
	check_eq(psci(PSCI_FEATURES, 0x80000000, 0, 0), 0, "FEATURES of SMCCC_VERSION");
	cpus_on();
}
