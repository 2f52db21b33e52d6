// SPDX-License-Identifier: GPL-2.0-only
/* All of RAM, atomics between CPUs, and code that is written and then run. */
#include "lib.h"

const char payload_name[] = "memory";

static u32 counter;
static volatile u32 done;

static void touch_all(void)
{
	u64 end = RAM_BASE + ram_size, a, bad = 0, fdt_page = fdt_addr & ~0x1fffffUL;

	for (a = image_end; a < end; a += 4096)
		if (a < fdt_page || a >= fdt_page + 0x200000)
			writeq(a * 0x9e3779b97f4a7c15UL, a + (a >> 12 & 0x1f8));
	for (a = image_end; a < end; a += 4096)
		if (a < fdt_page || a >= fdt_page + 0x200000)
			bad += readq(a + (a >> 12 & 0x1f8)) != a * 0x9e3779b97f4a7c15UL;
	check_eq(bad, 0, "every page keeps its value");
	for (a = end - (8 << 20); a < end - 4096; a += 4093)
		*(volatile u8 *)a = a;
	for (a = end - (8 << 20), bad = 0; a < end - 4096; a += 4093)
		bad += *(volatile u8 *)a != (u8)a;
	check_eq(bad, 0, "bytes at odd places");
}

static void self_modifying(void)
{
	u32 *code = (u32 *)(RAM_BASE + ram_size - 4096);
	bool good = true;
	u64 x0, i;

	for (i = 0; i < 100; i++) {
		code[0] = 0xd2800000 | i << 5;		/* mov x0, #i */
		code[1] = 0xd65f03c0;			/* ret */
		asm volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb"
			     : : "r"(code) : "memory");
		asm volatile("blr %1; mov %0, x0" : "=r"(x0) : "r"(code) : "x0", "x30", "memory");
		good &= x0 == i;
	}
	check(good, "code written a hundred times", "old code ran");
	asm volatile("dc civac, %0; dc ivac, %0; dc cvac, %0; ic iallu; ic ialluis; dsb sy; isb"
		     : : "r"(code) : "memory");
	ok("cache maintenance");
}

static void add(void *arg)
{
	u32 i;

	for (i = 0; i < 20000; i++)
		__atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
}

void payload_main(void)
{
	u32 i;

	check(ram_size, "size of memory in the device tree", "none");
	touch_all();
	self_modifying();
	for (i = 1; i < nr_cpus; i++)
		cpu_start(i, add, NULL);
	add(NULL);
	check(wait_for(done == nr_cpus, 30000), "all CPUs finish", "%u of %u", done, nr_cpus);
	check_eq(counter, 20000 * nr_cpus, "atomics");
}
