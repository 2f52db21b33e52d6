// SPDX-License-Identifier: GPL-2.0-only
/* Each vCPU's vector registers are its own, through exits, WFI and switches. */
#include "lib.h"

const char payload_name[] = "fp";

#define ROUNDS 200
#define VTIMER 27

static volatile u32 done;
static u64 bad[MAX_CPUS];

#define EACH(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) \
	op(12) op(13) op(14) op(15) op(16) op(17) op(18) op(19) op(20) op(21) op(22) op(23) \
	op(24) op(25) op(26) op(27) op(28) op(29) op(30) op(31)
#define LOAD(n)	"add x9, %0, #" #n "; dup v" #n ".2d, x9;"
#define TEST(n)	"add x9, %1, #" #n "; mov x10, v" #n ".d[0]; mov x11, v" #n ".d[1];" \
		"eor x10, x10, x9; eor x11, x11, x9; orr %0, %0, x10; orr %0, %0, x11;"

static void load(u64 seed)
{
	asm volatile(".arch_extension fp; .arch_extension simd;" EACH(LOAD)
		     "msr fpcr, %1; msr fpsr, %2"
		     : : "r"(seed), "r"(1UL << 24), "r"(0x1fUL) : "x9", "memory");
}

static u64 differs(u64 seed)
{
	u64 diff = 0;

	asm volatile(".arch_extension fp; .arch_extension simd;" EACH(TEST)
		     : "+&r"(diff) : "r"(seed) : "x9", "x10", "x11", "memory");
	return diff | (read_sysreg(fpcr) ^ 1UL << 24) | (read_sysreg(fpsr) ^ 0x1f);
}

static void run(void *arg)
{
	u64 me = this_cpu()->index, seed, i;

	gic_init_cpu();
	gic_enable(VTIMER);
	for (i = 0; i < ROUNDS; i++) {
		seed = me << 32 | i << 8 | 0xabcd000000000000UL;
		load(seed);
		switch (i % 4) {
		case 0:
			smccc(PSCI_VERSION, 0, 0, 0);
			break;
		case 1:
			readl(GICD_BASE + GICD_IIDR);
			break;
		case 2:		/* sleeps, so that another vCPU runs here */
			write_sysreg(now() + ticks_from_us(500), cntv_cval_el0);
			write_sysreg(1, cntv_ctl_el0);
			isb();
			wfi();
			write_sysreg(0, cntv_ctl_el0);
			break;
		case 3:
			readb(UART_BASE + 5);
			break;
		}
		bad[me] |= differs(seed);
	}
	__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
}

void payload_main(void)
{
	u32 i;

	gic_init();
	for (i = 1; i < nr_cpus; i++)
		if (cpu_start(i, run, NULL))
			fail("start", "CPU %u", i);
	run(NULL);
	check(wait_for(done == nr_cpus, 30000), "all CPUs finish", "%u of %u", done, nr_cpus);
	for (i = 0; i < nr_cpus; i++)
		check(!bad[i], "vector registers of a CPU", "CPU %u: %lx", i, bad[i]);
}
