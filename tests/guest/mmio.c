// SPDX-License-Identifier: GPL-2.0-only
/* Accesses of all sizes to what the kernel serves (GIC) and to what the VMM does (UART, RTC). */
#include "lib.h"

const char payload_name[] = "mmio";

#define RTC_BASE	0x09010000UL
#define UART_SCR	7

#define LOAD(insn, addr) ({						\
	u64 v_ = ~0UL;							\
	asm volatile(insn : "+&r"(v_) : "r"(addr) : "memory");		\
	v_;								\
})

void payload_main(void)
{
	u64 irouter = GICD_BASE + GICD_IROUTER + 8 * 40, prio = GICD_BASE + GICD_IPRIORITYR + 40;
	u64 v, i, sum = 0;
	s64 s;

	gic_init();
	writeb(0x5a, UART_BASE + UART_SCR);
	check_eq(readb(UART_BASE + UART_SCR), 0x5a, "UART scratch");
	writeb(0xf0, UART_BASE + UART_SCR);
	v = LOAD("ldrb %w0, [%1]", UART_BASE + UART_SCR);
	check_eq(v, 0xf0, "ldrb clears the rest");
	s = LOAD("ldrsb %0, [%1]", UART_BASE + UART_SCR);
	check(s == -16 || s == 0xf0, "ldrsb", "%lx", s);
	if (s == 0xf0)
		print("# no sign extension: QEMU's syndrome lacks it, see README.md\n");
	v = LOAD("ldr %w0, [%1]", RTC_BASE + 0xfe0);
	check_eq(v, 0x31, "32-bit load from the RTC");
	writel(0x12345678, RTC_BASE + 4);
	check_eq(readl(RTC_BASE + 4), 0x12345678, "32-bit store to the RTC");
	asm volatile("str wzr, [%0]" : : "r"(RTC_BASE + 4) : "memory");
	check_eq(readl(RTC_BASE + 4), 0, "store of the zero register");
	for (i = 0; i < 100; i++) {
		writel(i, RTC_BASE + 4);
		sum += readl(RTC_BASE + 4);
	}
	check_eq(sum, 4950, "a hundred of them");

	writeq(0, irouter);
	check_eq(readq(irouter), 0, "64-bit IROUTER");
	writel(0xa3a2a1a0 & 0xf8f8f8f8, prio);
	check_eq(readb(prio + 1), 0xa1 & 0xf8, "byte of a priority word");
	writeb(0x50, prio + 2);
	check_eq(readl(prio) >> 16 & 0xff, 0x50, "byte store to a priority word");
	v = readl(GICD_BASE + GICD_PIDR2);
	check_eq(v >> 4 & 0xf, 3, "GICD_PIDR2: GICv3");
}
