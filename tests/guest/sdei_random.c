// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random SDEI calls from all CPUs at once, with handlers that make more of them: the host survives, and what a CPU knows
 * about itself stays true. The same calls every time; which of them meet does not repeat.
 */
#include "sdei.h"

const char payload_name[] = "sdei_random";

#define CALLS	3000U

static struct event events[MAX_CPUS][8], shared_events[4];
static u64 seed[MAX_CPUS];
static u32 finished, handlers;

static u64 next(void)
{
	u64 *s = &seed[this_cpu()->index];

	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s >> 8;
}

static const u64 numbers[] = { 0, EV_NORMAL, EV_CRIT, EV_SHARED, EV_SHARED_CRIT, EV_DYN_PRIVATE, EV_DYN_SHARED, EV_STATIC };

static u64 number(void)
{
	u64 n = next();

	return n % 16 ? numbers[n / 16 % 8] : next();
}

static u64 affinity(void)
{
	u64 n = next();

	return n % 16 ? cpus[n / 16 % nr_cpus].mpidr : next();
}

static u64 handler(struct event *ev, struct sdei_frame *f);

/* A handler's argument must be an event's; everything else may be anything. */
static void random_call(bool inside)
{
	u64 n = number(), i = next() % 8;
	struct event *ev = &events[this_cpu()->index][i];

	switch (next() % 16) {
	case 0:
	case 1:
		ev = n >= EV_SHARED && n != EV_DYN_PRIVATE ? &shared_events[i % 4] : ev;
		ev->fn = handler;
		sdei_register(ev, n, next() % 2, affinity());
		break;
	case 2:
	case 3:
		sdei(SDEI_ENABLE, n, 0);
		break;
	case 4:
		sdei5(SDEI_ROUTING_SET, n, next() % 3, affinity(), 0, 0);
		break;
	case 5:
		sdei(SDEI_BIND, next() % 8 ? 16 + next() % 80 : next(), 0);
		break;
	case 6:
	case 7:
	case 8:
		sdei(SDEI_SIGNAL, next() % 8 ? 0 : n, affinity());
		break;
	case 9:
		if (next() % 8 == 0)
			sdei(SDEI_PRIVATE_RESET + next() % 2, 0, 0);
		break;
	case 10:
		sdei(next() % 8 ? SDEI_UNMASK : SDEI_MASK, 0, 0);
		break;
	case 11:
		sdei(SDEI_UNREGISTER, n, 0);
		break;
	default:
		/* Not the calls that end a handler: those have their place below. */
		i = 0xc4000020UL + next() % 0x20;
		if (i == SDEI_REGISTER || i == SDEI_MASK || i == SDEI_PRIVATE_RESET || i == SDEI_SHARED_RESET || (inside && (i == SDEI_COMPLETE || i == SDEI_COMPLETE_RESUME)))
			i = SDEI_STATUS;
		sdei5(i, n, next(), next(), next(), next());
	}
}

static u64 handler(struct event *ev, struct sdei_frame *f)
{
	static u32 depth[MAX_CPUS];
	u64 me = this_cpu()->index;
	u32 i;

	if (++depth[me] > 2)
		fail("levels", "%u handlers on CPU %lu", depth[me], me);
	if (f->daif != 0x3c0 || f->spsel != 1)
		fail("PSTATE", "daif %lx spsel %lx", f->daif, f->spsel);
	for (i = 0; i < 3; i++)
		random_call(true);
	__atomic_fetch_add(&handlers, 1, __ATOMIC_RELAXED);
	depth[me]--;
	return 0;
}

static void run(void *arg)
{
	u32 i;

	seed[this_cpu()->index] = 0x9e3779b97f4a7c15UL + this_cpu()->index * 77;
	for (i = 0; i < CALLS; i++)
		random_call(false);
	/* Leave as a kernel would. */
	sdei(SDEI_MASK, 0, 0);
	sdei(SDEI_PRIVATE_RESET, 0, 0);
	__atomic_fetch_add(&finished, 1, __ATOMIC_RELEASE);
}

void payload_main(void)
{
	u64 i;

	for (i = 1; i < nr_cpus; i++)
		cpu_start(i, run, NULL);
	run(NULL);
	check(wait_for(READ_ONCE(finished) == nr_cpus, 20000), "all CPUs end", "%u of %u", finished, nr_cpus);
	for (i = 1; i < nr_cpus; i++)
		cpu_wait_off(i);
	print("# %u handlers ran\n", handlers);
	check(handlers > 0, "handlers ran", "none did");
	IS(sdei(SDEI_SHARED_RESET, 0, 0), 0, "SHARED_RESET at the end");
	sdei(SDEI_UNMASK, 0, 0);
	sdei_arm(&events[0][0], 0, NULL);
	SIGNAL_SELF();
	check_eq(events[0][0].total, 1, "and SDEI works as before");
	sdei_disarm(&events[0][0]);
}
