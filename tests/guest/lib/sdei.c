// SPDX-License-Identifier: GPL-2.0-only
/* SDEI client: see sdei.h. Locks: none. */
#include "sdei.h"

u32 sdei_use_smc;
u64 sdei_handle(struct event *ev, struct sdei_frame *f);

s64 sdei5(u64 fn, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)
{
	register u64 x0 asm("x0") = fn;
	register u64 x1 asm("x1") = a1;
	register u64 x2 asm("x2") = a2;
	register u64 x3 asm("x3") = a3;
	register u64 x4 asm("x4") = a4;
	register u64 x5 asm("x5") = a5;

	/* At EL2, HVC is an exception to EL2. */
	if (READ_ONCE(sdei_use_smc) || read_sysreg(currentel) == 8)
		asm volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : "r"(x4), "r"(x5) : "memory");
	else
		asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : "r"(x4), "r"(x5) : "memory");
	return x0;
}

u64 sdei_handle(struct event *ev, struct sdei_frame *f)
{
	u64 resume;

	ev->last = *f;
	resume = ev->fn ? ev->fn(ev, f) : 0;
	ev->runs[this_cpu()->index]++;
	__atomic_fetch_add(&ev->total, 1, __ATOMIC_RELEASE);
	return resume;
}

s64 sdei_register(struct event *ev, u64 num, u64 flags, u64 affinity)
{
	ev->num = num;
	return sdei5(SDEI_REGISTER, num, (u64)sdei_entry, (u64)ev, flags, affinity);
}

void sdei_arm(struct event *ev, u64 num, u64 (*fn)(struct event *, struct sdei_frame *))
{
	unsigned int i;

	ev->fn = fn;
	WRITE_ONCE(ev->total, 0);
	for (i = 0; i < MAX_CPUS; i++)
		WRITE_ONCE(ev->runs[i], 0);
	if (sdei_register(ev, num, 0, 0) || sdei(SDEI_ENABLE, num, 0))
		fail("arming an event", "%lx has status %ld", num, sdei(SDEI_STATUS, num, 0));
}

void sdei_disarm(struct event *ev)
{
	s64 ret = sdei(SDEI_UNREGISTER, ev->num, 0);
	u64 tries;

	/* Its handler has not completed on another CPU yet: it goes when that does. */
	for (tries = 0; ret == SDEI_PENDING && tries < 10000000; tries++)
		if (!sdei(SDEI_STATUS, ev->num, 0))
			ret = 0;
	if (ret)
		fail("disarming an event", "%lx: %ld", ev->num, ret);
}

s64 sdei_raise(u64 num, u32 flags)
{
	writel(num, TD_EVENT);
	writel(this_cpu()->index, TD_VCPU);
	writel(flags, TD_RAISE);
	return (s32)readl(TD_RESULT);
}

bool sdei_ran(struct event *ev, u32 n)
{
	return wait_for(READ_ONCE(ev->total) >= n, 20000);
}
