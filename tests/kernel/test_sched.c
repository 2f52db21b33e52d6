// SPDX-License-Identifier: GPL-2.0-only
/* Threads, sleeping locks, timers, RCU, interprocessor calls. Real time is not ours alone: bounds are generous. */
#include <linux/errno.h>

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/selftest.h"
#include "kernel/irq/irq.h"
#include "kernel/mm/page.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/sched.h"

#define MS	1000000UL

static struct waitq done_wait = WAITQ_INIT(done_wait);
static unsigned done;

static void sleep_ms(u64 ms)
{
	u64 until = clock_ns() + ms * MS;

	while (clock_ns() < until) {
		WRITE_ONCE(current_thread->state, THREAD_BLOCKED);
		schedule_until(until);
	}
}

static void finished(void)
{
	__atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
	waitq_wake(&done_wait, 0);
}

static bool spawn(const char *name, void (*fn)(void *arg), void *arg)
{
	struct thread *t = thread_create(name, fn, arg);

	if (!t)
		return false;
	thread_start(t);
	thread_put(t);
	return true;
}

static void wait_done(unsigned n)
{
	wait_event(&done_wait, READ_ONCE(done) == n);
	done = 0;
}

static struct mutex mutex;
static unsigned shared;

static void mutex_user(void *arg)
{
	for (unsigned i = 0; i < 2000; i++) {
		mutex_lock(&mutex);
		shared++;
		mutex_unlock(&mutex);
	}
	finished();
}

SELFTEST(mutex_excludes)
{
	mutex_init(&mutex);
	shared = 0;
	for (unsigned i = 0; i < 6; i++)
		REQUIRE(spawn("mutex", mutex_user, NULL));
	wait_done(6);
	CHECK(shared == 12000);
	CHECK(mutex_trylock(&mutex));
	CHECK(!mutex_trylock(&mutex));
	mutex_unlock(&mutex);
}

static struct rwsem sem;
static int inside;
static bool broken;

static void sem_user(void *arg)
{
	for (unsigned i = 0; i < 50; i++) {
		if ((i + (u64)arg) % 5) {
			down_read(&sem);
			if (READ_ONCE(inside) < 0)
				broken = true;
			up_read(&sem);
		} else {
			down_write(&sem);
			if (__atomic_exchange_n(&inside, -1, __ATOMIC_SEQ_CST))
				broken = true;
			thread_yield();
			WRITE_ONCE(inside, 0);
			up_write(&sem);
		}
	}
	finished();
}

SELFTEST(rwsem_excludes)
{
	rwsem_init(&sem);
	broken = false;
	for (u64 i = 0; i < 6; i++)
		REQUIRE(spawn("rwsem", sem_user, (void *)i));
	wait_done(6);
	CHECK(!broken);
	CHECK(!sem.v);
}

SELFTEST(sleep_takes_its_time)
{
	u64 start = clock_ns();

	sleep_ms(20);
	CHECK(clock_ns() - start >= 20 * MS);
	start = clock_ns();
	CHECK(wait_event_until(&done_wait, false, start + 10 * MS) == -ETIMEDOUT);
	CHECK(clock_ns() - start >= 10 * MS);
}

static u64 spins[6];
static bool spin_stop;

static void spinner(void *arg)
{
	while (!READ_ONCE(spin_stop))
		barrier();
	*(u64 *)arg = thread_runtime(current_thread);
	finished();
}

/* Three more threads than CPUs (at most 6) get CPU time within a factor of each other. */
SELFTEST(busy_threads_share)
{
	unsigned n = MIN(nr_cpus + 3, 6U);
	u64 least = ~0UL, most = 0;

	if (nr_cpus > 3)
		return;		/* the test machine has fewer real CPUs, its scheduler would be tested */
	spin_stop = false;
	for (unsigned i = 0; i < n; i++)
		REQUIRE(spawn("spin", spinner, &spins[i]));
	sleep_ms(400);
	WRITE_ONCE(spin_stop, true);
	wait_done(n);
	for (unsigned i = 0; i < n; i++) {
		least = MIN(least, spins[i]);
		most = MAX(most, spins[i]);
	}
	CHECK(least * 4 > most);
}

static void affine(void *arg)
{
	struct cpumask m = { };
	unsigned want = (u64)arg;

	cpumask_set(&m, want);
	CHECK(!thread_set_affinity(current_thread, &m));
	for (unsigned i = 0; i < 20; i++) {
		CHECK(this_cpu()->id == want);
		thread_yield();
	}
	finished();
}

SELFTEST(affinity_is_kept)
{
	struct cpumask none = { };
	unsigned n = MIN(nr_cpus, 8U);

	CHECK(thread_set_affinity(current_thread, &none) == -EINVAL);
	for (u64 i = 0; i < n; i++)
		REQUIRE(spawn("affine", affine, (void *)i));
	wait_done(n);
}

static unsigned fired;

static void fire(struct ktimer *t)
{
	CHECK(in_interrupt());
	__atomic_fetch_add(&fired, 1, __ATOMIC_RELAXED);
}

SELFTEST(timers_fire_in_time)
{
	struct ktimer t[16], never;
	u64 now = clock_ns();
	bool again;

	fired = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		ktimer_init(&t[i], fire);
		ktimer_start(&t[i], now + (1 + i * 7 % 16) * MS);
	}
	ktimer_init(&never, fire);
	ktimer_start(&never, ~0UL);
	CHECK(ktimer_pending(&never));
	again = !ktimer_cancel(&t[3]);		/* a slow machine may be past it */
	CHECK(!again || fired);
	ktimer_start(&t[3], now + 5 * MS);
	sleep_ms(40);
	CHECK(fired == ARRAY_SIZE(t) + again);
	CHECK(ktimer_cancel(&never));
	CHECK(!ktimer_cancel(&never));
	ktimer_cancel_sync(&never);
	CHECK(!ktimer_pending(&never));
}

/* ---- waiting in place ---- */

static struct linger {
	struct ktimer end, guest_at;
	struct thread *self;
	struct waitq guest_wait;
	bool over, guest_may, guest_ran;
} linger;

static bool linger_over(void *arg)
{
	return READ_ONCE(linger.over);
}

static void linger_end(struct ktimer *t)
{
	WRITE_ONCE(linger.over, true);
}

static void linger_guest_at(struct ktimer *t)
{
	WRITE_ONCE(linger.guest_may, true);
	waitq_wake(&linger.guest_wait, 0);
}

static void stay_on(unsigned cpu)
{
	struct cpumask m = { };

	cpumask_set(&m, cpu);
	CHECK(!thread_set_affinity(current_thread, &m));
}

/* The test's thread to its own CPU; everything in linger fresh. */
static void linger_start(void)
{
	preempt_disable();
	linger.self = current_thread;
	linger.over = linger.guest_may = linger.guest_ran = false;
	preempt_enable();
	waitq_init(&linger.guest_wait);
	ktimer_init(&linger.end, linger_end);
	ktimer_init(&linger.guest_at, linger_guest_at);
	stay_on(0);
}

static void linger_finish(void)
{
	struct cpumask all = { };

	ktimer_cancel_sync(&linger.end);
	ktimer_cancel_sync(&linger.guest_at);
	for (unsigned i = 0; i < nr_cpus; i++)
		cpumask_set(&all, i);
	CHECK(!thread_set_affinity(current_thread, &all));
}

/* An interrupt of this CPU ends it, and the time is the idle thread's. */
SELFTEST(lingering_is_idle)
{
	u64 idle;

	linger_start();
	do {	/* false: some other thread wanted to run */
		linger.over = false;
		idle = thread_runtime(cpus[0]->idle);
		ktimer_start(&linger.end, clock_ns() + 2 * MS);
	} while (!thread_linger(linger_over, NULL));
	CHECK(linger.over);
	CHECK(thread_runtime(cpus[0]->idle) > idle);
	linger_finish();
}

static void linger_kicker(void *arg)
{
	stay_on(nr_cpus - 1);
	sleep_ms(2);
	WRITE_ONCE(linger.over, true);
	thread_kick(linger.self, 0);
	finished();
}

SELFTEST(lingering_ends_by_a_kick)
{
	linger_start();
	REQUIRE(spawn("kicker", linger_kicker, NULL));
	while (!thread_linger(linger_over, NULL))
		sleep_ms(1);
	wait_done(1);
	linger_finish();
}

static void linger_guest(void *arg)
{
	stay_on(0);
	wait_event(&linger.guest_wait, READ_ONCE(linger.guest_may));
	WRITE_ONCE(linger.guest_ran, true);
	finished();
}

/* A thread that is woken on the CPU runs there at once. */
SELFTEST(lingering_makes_room)
{
	struct thread *t;

	linger_start();
	t = thread_create("guest", linger_guest, NULL);
	REQUIRE(t);
	thread_start(t);
	while (READ_ONCE(t->state) != THREAD_BLOCKED || READ_ONCE(t->on_cpu))
		sleep_ms(1);
	ktimer_start(&linger.guest_at, clock_ns() + 2 * MS);
	ktimer_start(&linger.end, clock_ns() + 30000 * MS);
	while (!READ_ONCE(linger.guest_ran)) {
		CHECK(!thread_linger(linger_over, NULL));
		sleep_ms(1);
		if (linger.over)
			break;
	}
	CHECK(!linger.over);
	wait_done(1);
	thread_put(t);
	linger_finish();
}

struct victim {
	struct rcu_head rcu;
	bool freed;
};
static struct victim *published;
static bool rcu_stop, rcu_bad;

static void victim_free(struct rcu_head *h)
{
	struct victim *v = container_of(h, struct victim, rcu);

	WRITE_ONCE(v->freed, true);
	kfree(v);
}

static void rcu_reader(void *arg)
{
	while (!READ_ONCE(rcu_stop)) {
		struct victim *v;

		rcu_read_lock();
		v = rcu_deref(published);
		for (unsigned i = 0; i < 50; i++)
			if (READ_ONCE(v->freed))
				rcu_bad = true;
		rcu_read_unlock();
	}
	finished();
}

SELFTEST(rcu_keeps_what_is_read)
{
	unsigned n = MIN(nr_cpus, 4U);

	published = kzalloc(sizeof(*published));
	REQUIRE(published);
	rcu_stop = rcu_bad = false;
	for (unsigned i = 0; i < n; i++)
		REQUIRE(spawn("rcu reader", rcu_reader, NULL));
	for (unsigned i = 0; i < 20; i++) {
		struct victim *old = published, *new = kzalloc(sizeof(*new));

		if (!new)
			break;
		rcu_assign(published, new);
		rcu_defer(&old->rcu, victim_free);
		if (i % 4 == 0)
			rcu_synchronize();
	}
	WRITE_ONCE(rcu_stop, true);
	wait_done(n);
	rcu_barrier();
	CHECK(!rcu_bad);
	kfree(published);
}

static void count_call(void *arg)
{
	CHECK(irqs_disabled());
	__atomic_fetch_add((unsigned *)arg, 1, __ATOMIC_RELAXED);
}

SELFTEST(calls_reach_every_cpu)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 10; i++)
		smp_call_all(count_call, &n);
	CHECK(n == 10 * nr_cpus);
	n = 0;
	for (unsigned i = 0; i < nr_cpus; i++)
		smp_call(i, count_call, &n);
	CHECK(n == nr_cpus);
}

static void short_life(void *arg)
{
	finished();
}

SELFTEST(threads_leave_no_memory_behind)
{
#ifdef CONFIG_KASAN
	u64 slack = 128;	/* pages that freed objects in quarantine keep busy */
#else
	u64 slack = 8;		/* page tables of the mapping area, half-empty slabs; 32 threads are 136 pages */
#endif
	u64 before;

	for (unsigned round = 0; round < 2; round++) {
		rcu_barrier();
		before = pages_free();
		for (unsigned i = 0; i < 32; i++)
			REQUIRE(spawn("short", short_life, NULL));
		wait_done(32);
		/* They said so before their last switch; give the slowest CPU time for it. */
		for (unsigned i = 0; i < 100 && (!i || pages_free() + slack < before); i++) {
			sleep_ms(5);
			rcu_barrier();
		}
	}
	/* The second round meets warm caches: nothing may be missing. */
	CHECK(pages_free() + slack >= before);
}
