// SPDX-License-Identifier: GPL-2.0-only
/* SMC Calling Convention (Arm DEN 0028) and TRNG (DEN 0098) as a guest sees them. */
#include "lib.h"

const char payload_name[] = "smccc";

#define TRNG_VERSION	0x84000050UL
#define TRNG_FEATURES	0x84000051UL
#define TRNG_GET_UUID	0x84000052UL
#define TRNG_RND32	0x84000053UL
#define TRNG_RND64	0xc4000053UL

static u64 call(u64 fn, u64 a1)
{
	return smccc(fn, a1, 0, 0).a0;
}

static void registers_kept(void)
{
	u64 bad;

	/* x4..x17 must survive a call (SMCCC 1.1). */
	asm volatile("mov x0, #0x84000000; mov x4, #4; mov x9, #9; mov x17, #17; mov x18, #18;"
		     "mov x5, #5; mov x30, #30; hvc #0;"
		     "eor x4, x4, #4; sub x9, x9, #9; sub x17, x17, #17; sub x18, x18, #18;"
		     "sub x5, x5, #5; sub x30, x30, #30;"
		     "orr x4, x4, x9; orr x17, x17, x18; orr x5, x5, x30; orr x4, x4, x17;"
		     "orr %0, x4, x5"
		     : "=r"(bad) : : "x0", "x1", "x2", "x3", "x4", "x5", "x9", "x17", "x18", "x30",
		     "memory");
	check_eq(bad, 0, "x4 and up survive");
}

static void trng(void)
{
	struct smccc_res a, b;

	if ((s32)call(TRNG_VERSION, 0) < 0) {
		fail("TRNG", "not offered");
		return;
	}
	check(call(TRNG_VERSION, 0) >= 0x10000, "TRNG 1.0", "version %lx", call(TRNG_VERSION, 0));
	check_eq((s32)call(TRNG_FEATURES, TRNG_RND64), 0, "TRNG_FEATURES of RND64");
	check((s32)call(TRNG_GET_UUID, 0) != -1, "TRNG UUID", "not supported");
	a = smccc(TRNG_RND64, 192, 0, 0);
	b = smccc(TRNG_RND64, 192, 0, 0);
	check(a.a0 == 0 && b.a0 == 0, "TRNG_RND64", "status %ld", a.a0);
	check(a.a3 != b.a3 && a.a1 != b.a1 && a.a2 != b.a2, "different bits", "%lx %lx", a.a1, b.a1);
	a = smccc(TRNG_RND64, 8, 0, 0);
	check(a.a0 == 0 && !a.a1 && !a.a2 && a.a3 < 256, "8 bits", "%lx %lx", a.a2, a.a3);
	check_eq((s64)smccc(TRNG_RND64, 193, 0, 0).a0, -2, "193 bits");
	/* The specification says INVALID_PARAMETERS; KVM gives no bits gladly. */
	a = smccc(TRNG_RND64, 0, 0, 0);
	check((s64)a.a0 == -2 || !a.a0, "0 bits", "%ld", a.a0);
	check_eq((s32)smccc(TRNG_RND32, 96, 0, 0).a0, 0, "TRNG_RND32");
}

static bool on_hvc(struct frame *f)
{
	return expect_undef(f);
}

void payload_main(void)
{
	u64 x0;

	check(call(0x80000000, 0) >= 0x10001, "SMCCC_VERSION 1.1", "%lx", call(0x80000000, 0));
	check_eq((s32)call(0x80000001, 0x80008000) <= 1, 1, "ARCH_FEATURES of WORKAROUND_1");
	check_eq((s64)call(0x80000001, 0x12345), -1, "ARCH_FEATURES of an unknown function");
	check_eq((s64)call(0x84000099, 0), -1, "unknown standard call");
	check_eq((s64)call(0xc600ffee, 0), -1, "unknown vendor call");
	check_eq((s64)call(0xffffffff, 0), -1, "function -1");
	check_eq((s64)call(0, 0), -1, "function 0");

	/* Only HVC #0 is a call by the convention; KVM takes every immediate alike. */
	this_cpu()->sync = on_hvc;
	asm volatile("mov x0, #0x84000000; hvc #1; mov %0, x0" : "=r"(x0) : : "x0", "x1", "x2",
		     "x3", "memory");
	print("# hvc #1 gives %lx\n", x0);
	undef_seen = false;
	asm volatile("mov x0, #0x84000000; smc #0; mov %0, x0" : "=r"(x0) : : "x0", "x1", "x2",
		     "x3", "memory");
	check(undef_seen || x0 == 0x10001 || (s64)x0 == -1, "SMC does not hang", "x0 %lx", x0);
	this_cpu()->sync = NULL;
	registers_kept();
	trng();
}
