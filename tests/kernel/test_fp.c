// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose vector registers (docs/fp.md), without processes and guests: states of the guest kind, claimed by kernel threads
 * that write the registers themselves, against a model of what each must hold.
 */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/selftest.h"
#include "kernel/fp/fp.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kernel/sched/sched.h"

#define NR	6
#define STEPS	2000

/* A state, what it must hold, room to look at registers. */
struct owned {
	struct fp_state s;
	u64 seed;
	struct fp_regs regs;
	u8 z[FP_SVE_SIZE(FP_VL_MAX)] __attribute__((aligned(16)));
	u8 out[FP_SVE_SIZE(FP_VL_MAX)] __attribute__((aligned(16)));
};

static u32 dice;

static u32 roll(u32 n)
{
	dice = dice * 1664525 + 1013904223;
	return (dice >> 8) % n;
}

static void regs_make(struct owned *o, u64 seed)
{
	unsigned i;

	for (i = 0; i < 64; i++)
		((u64 *)o->regs.v)[i] = seed + i;
	o->regs.fpsr = seed & 0x1f;
	o->regs.fpcr = (seed & 3) << 22;
	for (i = 0; o->s.wide && i < FP_SVE_SIZE(o->s.vl); i++)
		o->z[i] = (u8)(seed + i * 7);
	/* FFR takes no arbitrary value (Arm ARM B1.2): all or nothing. */
	if (o->s.wide)
		memset(o->z + o->s.vl * 34, seed & 1 ? 0xff : 0, o->s.vl / 8);
}

/* As its owner would: straight into the registers, which are o's. */
static void regs_write(struct owned *o, u64 seed)
{
	o->seed = seed;
	regs_make(o, seed);
	if (o->s.wide)
		sve_load(o->z, &o->regs);
	else
		fpsimd_load(&o->regs);
}

/* Registers, or memory when @memory, are what the seed says. */
static bool same(struct owned *o, bool memory)
{
	struct fp_regs now = o->s.regs;
	const void *z = o->s.sve;

	if (!memory) {
		if (o->s.wide)
			sve_save(o->out, &now);
		else
			fpsimd_save(&now);
		z = o->out;
	}
	regs_make(o, o->seed);
	if (now.fpsr != o->regs.fpsr || now.fpcr != o->regs.fpcr)
		return false;
	if (o->s.wide)
		return !memcmp(z, o->z, FP_SVE_SIZE(o->s.vl));
	return !memcmp(now.v, o->regs.v, sizeof(now.v));
}

static struct owned *owned_new(unsigned vl)
{
	struct owned *o = kzalloc(sizeof(*o));

	if (!o)
		return NULL;
	fp_state_init(&o->s, true);
	if (vl && fp_guest_sve(&o->s, vl)) {
		kfree(o);
		return NULL;
	}
	return o;
}

static void owned_free(struct owned *o)
{
	fp_discard(&o->s);
	fp_state_destroy(&o->s);
	kfree(o);
}

/* Claimed, wherever it was; preemption is off, so that it stays ours. */
static void own(struct owned *o)
{
	for (;;) {
		fp_use(&o->s);
		preempt_disable();
		if (fp_is_live(&o->s))
			return;
		preempt_enable();
	}
}

static bool claim(struct owned *o)
{
	u64 flags = local_irq_save();
	bool done = fp_claim(&o->s);

	local_irq_restore(flags);
	return done;
}

/* Both words say the same, wherever it is. */
static bool consistent(const struct owned *o)
{
	unsigned i, n = 0;

	for (i = 0; i < nr_cpus; i++)
		n += cpus[i]->fp_owner == &o->s;
	return o->s.cpu < 0 ? !n : n == 1 && cpus[o->s.cpu]->fp_owner == &o->s;
}

static void move(unsigned cpu)
{
	struct cpumask m = {};

	cpumask_set(&m, cpu % nr_cpus);
	CHECK(!thread_set_affinity(current_thread, &m));
}

static void move_back(void)
{
	struct cpumask m;

	memset(&m, 0xff, sizeof(m));
	CHECK(!thread_set_affinity(current_thread, &m));
}

static void kernel_use(void *arg)
{
	static const struct fp_regs junk = { .fpsr = 0x1b, .fpcr = 1 << 24 };
	u64 flags = fp_kernel_begin();

	fpsimd_load(&junk);
	fp_kernel_end(flags);
}

/* One random thing that may happen to o; false: its contents are not what they must be. */
static bool step(struct owned *o, u64 seed)
{
	bool good = true;

	switch (roll(8)) {
	case 0:
	case 1:
	case 2:
		own(o);
		good = same(o, false);
		regs_write(o, seed);
		preempt_enable();
		break;
	case 3:
		fp_flush(&o->s);
		good = same(o, true);
		break;
	case 4:
		fp_evict(&o->s);
		good = same(o, true) && o->s.cpu < 0;
		break;
	case 5:
		kernel_use(NULL);
		break;
	case 6:
		smp_call_all(kernel_use, NULL);
		break;
	case 7:
		move(roll(nr_cpus));
		break;
	}
	return good && consistent(o);
}

SELFTEST(fp_random_owners)
{
	struct owned *o[NR];
	unsigned i, bad = 0, longest = fp_vl_guest_max();

	dice = 1;
	for (i = 0; i < NR; i++) {
		o[i] = owned_new(!fp_cpu.sve || i < 2 ? 0 : i < 4 ? 16 : longest);
		REQUIRE(o[i]);
		memset(&o[i]->s.regs, 0, sizeof(o[i]->s.regs));
		own(o[i]);
		regs_write(o[i], i);
		preempt_enable();
	}
	for (i = 0; i < STEPS && !bad; i++)
		bad += !step(o[roll(NR)], (u64)i << 16 | roll(65536));
	CHECK(!bad);
	for (i = 0; i < NR; i++) {
		fp_flush(&o[i]->s);
		CHECK(same(o[i], true));
		owned_free(o[i]);
	}
	move_back();
}

/*
 * From an interrupt, over a thread that owns the registers of that CPU and has not let go of them, with a guest's
 * CPTR_EL2, which traps EL2: the fast tier can be interrupted so.
 */
static struct owned *held;
static u32 phase;

static void guest_cptr(void)
{
	write_sysreg(0, cptr_el2);
	isb();
}

static void holder(void *arg)
{
	move(1);
	own(held);
	regs_write(held, 0x1234);
	guest_cptr();
	__atomic_store_n(&phase, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&phase, __ATOMIC_ACQUIRE) == 1)
		cpu_relax();
	CHECK(!fp_is_live(&held->s));
	CHECK(claim(held));
	CHECK(same(held, false));
	regs_write(held, 0x4321);
	guest_cptr();
	__atomic_store_n(&phase, 3, __ATOMIC_RELEASE);
	while (__atomic_load_n(&phase, __ATOMIC_ACQUIRE) == 3)
		cpu_relax();
	CHECK(!fp_is_live(&held->s));		/* fetched by another CPU */
	preempt_enable();
	__atomic_store_n(&phase, 5, __ATOMIC_RELEASE);
}

static void wait_phase(u32 n)
{
	while (__atomic_load_n(&phase, __ATOMIC_ACQUIRE) != n)
		thread_yield();
}

SELFTEST(fp_interrupt_and_fetch)
{
	struct thread *t;

	if (nr_cpus < 2)
		return;
	held = owned_new(fp_vl_guest_max());
	REQUIRE(held);
	phase = 0;
	move(0);
	t = thread_create("fp holder", holder, NULL);
	REQUIRE(t);
	thread_start(t);
	thread_put(t);
	wait_phase(1);
	smp_call(1, kernel_use, NULL);
	CHECK(same(held, true));
	__atomic_store_n(&phase, 2, __ATOMIC_RELEASE);
	wait_phase(3);
	fp_flush(&held->s);
	CHECK(same(held, true));
	__atomic_store_n(&phase, 4, __ATOMIC_RELEASE);
	wait_phase(5);
	owned_free(held);
	move_back();
}

/* A state that is gone and a new one in its place; and no bit of the old in a new wide one. */
SELFTEST(fp_same_address)
{
	struct owned *o = owned_new(0);
	unsigned i, longest = fp_vl_guest_max();
	u8 *z;

	REQUIRE(o);
	own(o);
	regs_write(o, 0x77);
	preempt_enable();
	fp_discard(&o->s);
	CHECK(consistent(o));
	fp_state_init(&o->s, true);
	own(o);
	fpsimd_save(&o->regs);
	for (i = 0; i < 32; i++)
		CHECK(!o->regs.v[i]);
	preempt_enable();
	fp_discard(&o->s);
	if (longest && !fp_guest_sve(&o->s, longest)) {
		z = o->z;
		memset(z, 0xff, sizeof(o->z));
		own(o);
		sve_save(z, &o->regs);
		preempt_enable();
		for (i = 0; i < FP_SVE_SIZE(longest); i++)
			CHECK(!z[i]);
	}
	owned_free(o);
}

/* Nobody saves because a thread sleeps, or goes elsewhere; only for the next owner, or where it is used again. */
SELFTEST(fp_stays)
{
	struct owned *o = owned_new(fp_vl_guest_max()), *other = owned_new(0);
	unsigned cpu = nr_cpus > 1;
	u64 end;

	REQUIRE(o && other);
	move(0);
	own(o);
	regs_write(o, 0x55);
	preempt_enable();
	end = clock_ns() + 2000000;
	while (clock_ns() < end)	/* whoever wants this CPU */
		thread_yield();
	move(cpu);
	CHECK(!o->s.saves && o->s.cpu == 0 && consistent(o));
	CHECK(!cpu || !claim(o));
	own(o);
	CHECK(same(o, false));
	CHECK(o->s.saves == cpu && o->s.loads == 1 + cpu && consistent(o));
	preempt_enable();
	move(0);
	CHECK(o->s.saves == cpu && o->s.cpu == (int)cpu);
	own(other);
	regs_write(other, 0x66);
	preempt_enable();
	CHECK(!cpu || o->s.saves == 1);
	fp_discard(&o->s);
	CHECK(o->s.saves <= 1 && consistent(o));
	owned_free(o);
	owned_free(other);
	move_back();
}

/*
 * CPUs that take each other's: as many threads as CPUs and one more, each with a state of its own, all on the way from
 * CPU to CPU, the state always left behind on the one before.
 */
#define TRAVELS	40

struct traveller {
	struct owned *o;
	unsigned n, bad;
};
static u32 arrived;

static void travel(void *arg)
{
	struct traveller *t = arg;
	unsigned i;

	for (i = 0; i < TRAVELS; i++) {
		move(t->n + i);
		own(t->o);
		if (i)
			t->bad += !same(t->o, false);
		regs_write(t->o, (u64)t->n << 32 | i);
		preempt_enable();
	}
	__atomic_add_fetch(&arrived, 1, __ATOMIC_RELEASE);
}

SELFTEST(fp_crossing)
{
	static struct traveller t[MAX_CPUS + 1];
	unsigned i, n = MIN(nr_cpus, 8U) + 1;
	struct thread *th;

	arrived = 0;
	for (i = 0; i < n; i++) {
		t[i] = (struct traveller){ .o = owned_new(i & 1 ? fp_vl_guest_max() : 0), .n = i };
		REQUIRE(t[i].o);
		th = thread_create("fp traveller", travel, &t[i]);
		REQUIRE(th);
		thread_start(th);
		thread_put(th);
	}
	while (__atomic_load_n(&arrived, __ATOMIC_ACQUIRE) != n)
		thread_yield();
	for (i = 0; i < n; i++) {
		CHECK(!t[i].bad);
		CHECK(consistent(t[i].o));
		fp_flush(&t[i].o->s);
		CHECK(same(t[i].o, true));
		owned_free(t[i].o);
	}
}

/* A guest limited to less: its registers leave the CPU and come back in whole, as far as the CPU kept them. */
SELFTEST(fp_limit)
{
	unsigned longest = fp_vl_guest_max(), i;
	struct owned *o;

	if (longest <= FP_VQ_BYTES)
		return;
	o = owned_new(longest);
	REQUIRE(o);
	own(o);
	regs_write(o, 0x99);
	fp_guest_limit(&o->s, FP_VQ_BYTES);
	CHECK(read_sysreg(ZCR_EL2) == 0);
	preempt_enable();
	fp_evict(&o->s);
	/* Above the limit there is what was there, or zero. */
	for (i = 0; i < 32; i++)
		CHECK(!memcmp((u8 *)o->s.sve + i * longest, o->z + i * longest, FP_VQ_BYTES));
	own(o);
	CHECK(read_sysreg(ZCR_EL2) == 0);
	fp_guest_limit(&o->s, longest);
	CHECK(read_sysreg(ZCR_EL2) == longest / FP_VQ_BYTES - 1);
	regs_write(o, 0x9a);
	CHECK(same(o, false));
	preempt_enable();
	fp_flush(&o->s);
	CHECK(same(o, true));
	/* Changed while it is in memory. */
	fp_evict(&o->s);
	preempt_disable();
	fp_guest_limit(&o->s, FP_VQ_BYTES);
	fp_guest_limit(&o->s, longest);
	preempt_enable();
	own(o);
	CHECK(same(o, false));
	preempt_enable();
	owned_free(o);
}

SELFTEST(fp_lengths)
{
	unsigned vl, last = 0, got;

	if (!fp_cpu.sve) {
		CHECK(!fp_vl_guest_max());
		return;
	}
	for (vl = 16; vl <= 1024; vl += 16) {
		got = fp_vl_supported(vl);
		CHECK(got >= last && got <= vl && got <= FP_VL_MAX && (fp_cpu.vq_mask >> (got / 16 - 1) & 1));
		last = got;
	}
	CHECK(fp_vl_supported(fp_vl_guest_max()) == fp_vl_guest_max());
}
