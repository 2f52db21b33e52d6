// SPDX-License-Identifier: GPL-2.0-only
/*
 * One VM of the randomised test: random numbers, hostile pointers, and the world that the
 * operations in random_ops.h act on. Pointers inside arguments only ever lead to a thread's own
 * scratch memory or to nothing, and slots only into the VM's RAM: whatever the kernel does with
 * wrong arguments, this program's own memory is not its victim.
 */
#pragma once

#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include <linux/kvm.h>

#include "kvm_el2.h"

#define MAX_VCPUS	4
#define NR_EVENTS	6
#define WORLD_RAM	0x800000UL
#define SCRATCH		0x10000UL
#define GICD_GPA	0x08000000UL
#define GICR_GPA	0x080a0000UL
#define ITS_GPA		0x08080000UL

struct rng {
	uint64_t s;
};

struct world {
	int kvm, vm, gic, its;
	int vcpu[MAX_VCPUS], nr_vcpus;
	struct kvm_run *run[MAX_VCPUS];
	size_t run_size;
	uint8_t *ram;
	int event[NR_EVENTS];
	uint32_t features;
	volatile bool stop;
};

/* One thread's: its random numbers, and scratch memory that ends at a page nobody may touch. */
struct fuzzer {
	struct rng r;
	struct world *w;
	uint8_t *scratch;
};

static inline uint64_t rnd(struct rng *r)
{
	r->s ^= r->s << 13;
	r->s ^= r->s >> 7;
	r->s ^= r->s << 17;
	return r->s * 0x2545f4914f6cdd1dUL >> 8;
}

static inline uint64_t below(struct rng *r, uint64_t n)
{
	return rnd(r) % n;
}

static inline bool one_in(struct rng *r, unsigned n)
{
	return below(r, n) == 0;
}

#define PICK(r, array)	((array)[below(r, sizeof(array) / sizeof((array)[0]))])

static inline uint64_t odd_number(struct rng *r)
{
	static const uint64_t odd[] = {
		0, 1, 2, 7, 31, 32, 63, 64, 0xff, 0xfff, 0x1000, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
		0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, ~0UL, ~0xfffUL,
	};

	return one_in(r, 3) ? rnd(r) << 8 ^ rnd(r) : PICK(r, odd) + (one_in(r, 4) ? below(r, 3) - 1 : 0);
}

/* In one of four calls the argument is damaged: a bit, a byte, or a field. */
static inline void spoil(struct rng *r, void *arg, size_t n)
{
	uint8_t *p = arg;
	uint64_t v;

	if (!one_in(r, 4))
		return;
	switch (below(r, 3)) {
	case 0:
		p[below(r, n)] ^= 1 << below(r, 8);
		break;
	case 1:
		p[below(r, n)] = rnd(r);
		break;
	default:
		v = odd_number(r);
		if (n >= 8 && one_in(r, 2))
			memcpy(p + below(r, n / 8) * 8, &v, 8);
		else if (n >= 4)
			memcpy(p + below(r, n / 4) * 4, &v, 4);
	}
}

/* Where @n bytes for an argument go, or rarely an address that cannot be used. */
static inline void *place(struct fuzzer *f, size_t n)
{
	switch (below(&f->r, 32)) {
	case 0:
		return NULL;
	case 1:
		return (void *)0xffff000000001000UL;	/* beyond a process's addresses */
	case 2:
		return f->scratch + SCRATCH - n / 2;	/* its second half is not there */
	case 3:
		return (void *)(uintptr_t)place;	/* read-only */
	case 4:
		return f->scratch + 1;			/* unaligned */
	case 5 ... 12:
		return f->scratch + SCRATCH - n;
	default:
		return f->scratch + below(&f->r, 64) * 8;
	}
}

/* @arg copied to a place of its own, perhaps damaged. */
static inline void *give(struct fuzzer *f, void *arg, size_t n)
{
	void *p = place(f, n);

	if (p >= (void *)f->scratch && p <= (void *)(f->scratch + SCRATCH - n))
		memcpy(p, arg, n);
	return p;
}

static inline int any_vcpu(struct fuzzer *f)
{
	return f->w->vcpu[below(&f->r, MAX_VCPUS)];
}
