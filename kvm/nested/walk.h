// SPDX-License-Identifier: GPL-2.0-only
/*
 * A walk of a guest's translation tables in software: stage 1 of EL1&0 or EL2&0, stage 2; granules of 4, 16 and 64 KiB,
 * blocks, contiguous entries (whose hint needs no care), without 52-bit addresses. Pure logic: memory comes through a
 * function; compiles natively (tests/host/test_walk.c). Arm ARM D8.2 to D8.4.
 */
#pragma once

#include <nestbox/types.h>

/* Fault status codes without their level. */
#define WALK_ADDRESS_SIZE	0x00
#define WALK_TRANSLATION	0x04
#define WALK_ACCESS_FLAG	0x08
#define WALK_PERMISSION		0x0c
#define WALK_EXTERNAL		0x14	/* on a walk */
#define WALK_UPDATE		0x31	/* the hardware cannot update a descriptor here */

struct walk {
	u64 base;		/* of the first table */
	u8 granule;		/* log2: 12, 14, 16 */
	u8 in_bits;		/* input address size */
	u8 out_bits;		/* output address size */
	u8 level;		/* of the first table */
	bool stage2;
	bool hpd;		/* stage 1: table attributes do not count */
	bool be;		/* descriptors are big-endian */
	bool ha, hd;		/* access flag, and dirty state (DBM), are the hardware's to set: after walk_*_setup */
	/* 0, or a fault status code of the walk's own (a stage 2 that said no). */
	int (*read)(void *arg, u64 addr, u64 *desc);
	void *arg;
};

struct walk_result {
	u64 desc;		/* the leaf */
	u64 out, size;		/* output address of the input, size of the mapping */
	unsigned level;
	bool r, w, x;		/* stage 2; stage 1: at EL1 */
	bool clean;		/* stage 2, hd: writable, but its descriptor will only say so once it is written */
	bool r0, w0, x0;	/* stage 1: at EL0 */
	bool table_fault;	/* read() failed */
	u64 table;		/* ... at this address; else the leaf's */
};

/* 0, or a fault status code with its level. */
int walk_tables(const struct walk *w, u64 in, struct walk_result *res);
/* Stage 2 as VTCR_EL2 and VTTBR_EL2 say. false: they make no sense (a translation fault at level 0). */
bool walk_stage2_setup(struct walk *w, u64 vtcr, u64 vttbr, unsigned pa_bits);
/* Stage 1 for the address, as TCR and TTBRs of a regime with two ranges say; *in: without the top. false: likewise. */
bool walk_stage1_setup(struct walk *w, u64 tcr, u64 ttbr0, u64 ttbr1, u64 sctlr, unsigned pa_bits, u64 va, u64 *in);
