// SPDX-License-Identifier: GPL-2.0-only
/* An ITS with tables in the simulated guest's memory, and commands as functions. */
#pragma once

#include "tests/host/vgic_sim.h"

#define LPI0	VGIC_LPI_BASE
#define DEVS	(SIM_MEM + 0x10000)
#define COLLS	(SIM_MEM + 0x20000)
#define QUEUE	(SIM_MEM + 0x30000)
#define PROPS	(SIM_MEM + 0x40000)
#define PENDS	(SIM_MEM + 0x50000)		/* one per PE */
#define ITT(n)	(SIM_MEM + 0x100000 + (n) * 0x10000UL)

static void its_reg(u32 off, u64 val)
{
	struct vgic_access a = { .d = &dist, .its = &its, .len = 8 };

	vgic_mmio_write(VGIC_GITS, off, &a, val);
}

static void redist_reg(unsigned pe, u32 off, u64 val, unsigned len)
{
	struct vgic_access a = { .d = &dist, .p = &pes[pe], .self = &pes[pe], .len = len };

	vgic_mmio_write(VGIC_GICR_RD, off, &a, val);
}

static void lpis(unsigned pe, u32 on)
{
	redist_reg(pe, 0, on, 4);
}

/* A VM with what is in memory now. */
static void its_sim_again(void)
{
	unsigned i;

	sim_init();
	vgic_lpis_create(&dist);
	its.d = &dist;
	its_init(&its);
	redist_reg(0, 0x70, PROPS | 15, 8);
	for (i = 0; i < SIM_PES; i++) {
		redist_reg(i, 0x78, PENDS + i * 0x10000, 8);
		lpis(i, 1);
	}
	its_reg(0x100, BIT(63) | DEVS);
	its_reg(0x108, BIT(63) | COLLS);
	its_reg(0x80, BIT(63) | QUEUE);
	its.enabled = true;
}

static void its_sim_init(void)
{
	memset(sim_mem, 0, sizeof(sim_mem));
	its_sim_again();
}

static int cmd(u64 a, u64 b, u64 c, u64 d)
{
	u64 w[4] = { a, b, c, d };

	return its_command(&its, w);
}

static int mapd(u32 dev, u64 itt, unsigned bits, bool v) { return cmd((u64)dev << 32 | 8, bits - 1, itt | (u64)v << 63, 0); }
static int mapc(u32 coll, u32 pe, bool v) { return cmd(9, 0, coll | (u64)pe << 16 | (u64)v << 63, 0); }
static int mapti(u32 dev, u32 ev, u32 lpi, u32 coll) { return cmd((u64)dev << 32 | 10, ev | (u64)lpi << 32, coll, 0); }
static int movi(u32 dev, u32 ev, u32 coll) { return cmd((u64)dev << 32 | 1, ev, coll, 0); }
static int movall(u32 from, u32 to) { return cmd(14, 0, (u64)from << 16, (u64)to << 16); }
static int clear(u32 dev, u32 ev) { return cmd((u64)dev << 32 | 4, ev, 0, 0); }
static int inv(u32 dev, u32 ev) { return cmd((u64)dev << 32 | 12, ev, 0, 0); }
static int discard(u32 dev, u32 ev) { return cmd((u64)dev << 32 | 15, ev, 0, 0); }

static void config(u32 lpi, u8 prop)
{
	sim_mem[PROPS - SIM_MEM + lpi - LPI0] = prop;
}

static void queue_put(unsigned at, u64 a, u64 b, u64 d, u64 c)
{
	u64 w[4] = { a, b, c, d };

	memcpy(sim_mem + (QUEUE - SIM_MEM) + at * 32, w, sizeof(w));
}
