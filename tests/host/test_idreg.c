// SPDX-License-Identifier: GPL-2.0-only
// link: kvm/sysreg/idreg.c
/* ID registers: what no row allows is never visible, whatever the hardware says. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "idreg_gen.c"
#include "sysreg_ids.h"

static unsigned field(const u64 *id, unsigned index, unsigned lsb)
{
	return id[index] >> lsb & 0xf;
}

/* All ones: every feature that exists or will exist. */
static void test_everything(void)
{
	u64 host[64], out[64], known;
	unsigned i, j;

	memset(host, 0xff, sizeof(host));
	/* Signed fields: 7 is the most, 0xf is none. */
	for (i = 0; i < id_fields_n; i++)
		if (id_fields[i].kind == IDF_SIGNED)
			host[id_fields[i].index] &= ~(8UL << id_fields[i].lsb);
	idregs_limit(out, host, 0);
	for (i = 0; i < 64; i++) {
		known = 0;
		for (j = 0; j < id_fields_n; j++)
			if (id_fields[j].index == i)
				known |= 0xfUL << id_fields[j].lsb;
		assert(!(out[i] & ~known));
		assert(id_names[i] || !out[i]);
	}
	assert(!field(out, IDX_ID_AA64PFR0_EL1, 32));	/* SVE */
	assert(!field(out, IDX_ID_AA64PFR0_EL1, 8));	/* EL2 */
	assert(!field(out, IDX_ID_AA64PFR1_EL1, 24));	/* SME */
	assert(!field(out, IDX_ID_AA64PFR1_EL1, 8));	/* MTE */
	assert(!field(out, IDX_ID_AA64DFR0_EL1, 8));	/* PMU */
	assert(!field(out, IDX_ID_AA64ISAR1_EL1, 60));	/* LS64 */
	assert(!field(out, IDX_ID_AA64ISAR1_EL1, 4));	/* APA, not asked for */
	assert(field(out, IDX_ID_AA64PFR0_EL1, 16) == 1);	/* FP16 */
	idregs_limit(out, host, VMF_PTRAUTH);
	assert(field(out, IDX_ID_AA64ISAR1_EL1, 4) == 5);
}

/* Always there for a guest with an EL2; a VMM of another guest may write its 0, and is told so, as on Linux. */
static void test_el3(void)
{
	u64 host[64] = {}, out[64];
	bool told = false;
	unsigned i;

	for (i = 0; i < id_fields_n; i++)
		told |= id_fields[i].index == IDX_ID_AA64PFR0_EL1 && id_fields[i].lsb == 12 && id_fields[i].kind == IDF_MIN;
	assert(told);
	idregs_limit(out, host, VMF_NOEL2);
	assert(!field(out, IDX_ID_AA64PFR0_EL1, 12));
	assert(!idreg_may_set(IDX_ID_AA64PFR0_EL1, out[IDX_ID_AA64PFR0_EL1], 1UL << 12));
	idregs_limit(out, host, VMF_EL2);
	assert(field(out, IDX_ID_AA64PFR0_EL1, 12) == 1);
	assert(!idreg_may_set(IDX_ID_AA64PFR0_EL1, out[IDX_ID_AA64PFR0_EL1], 0));
}

static void test_signed(void)
{
	u64 host[64] = {}, out[64];

	host[IDX_ID_AA64PFR0_EL1] = 0xffUL << 16;	/* no FP, no SIMD */
	idregs_limit(out, host, 0);
	assert(field(out, IDX_ID_AA64PFR0_EL1, 16) == 0xf && field(out, IDX_ID_AA64PFR0_EL1, 20) == 0xf);
	assert(!idreg_may_set(IDX_ID_AA64PFR0_EL1, out[IDX_ID_AA64PFR0_EL1], 0));	/* raises it */
	host[IDX_ID_AA64PFR0_EL1] = 0;
	idregs_limit(out, host, 0);
	assert(idreg_may_set(IDX_ID_AA64PFR0_EL1, out[IDX_ID_AA64PFR0_EL1], 0xffUL << 16));
}

static void test_merge(void)
{
	u64 all[64] = {}, a[64] = {}, b[64] = {};

	a[IDX_ID_AA64ISAR0_EL1] = 0x21UL << 4;		/* AES 1, SHA1 2 */
	b[IDX_ID_AA64ISAR0_EL1] = 0x12UL << 4;
	idregs_merge(all, a, true);
	idregs_merge(all, b, false);
	assert(all[IDX_ID_AA64ISAR0_EL1] == 0x11UL << 4);
}

/* Whatever a VMM may write never offers more than was offered. */
static void test_random(void)
{
	unsigned i, step;

	srand(2);
	for (step = 0; step < 200000; step++) {
		u64 host[64], out[64], val;
		unsigned index = rand() % 64;

		for (i = 0; i < 64; i++)
			host[i] = (u64)rand() << 33 ^ (u64)rand() << 11 ^ rand();
		if (step % 1000)
			i = 0;
		idregs_limit(out, host, step & VMF_PTRAUTH);
		assert(idreg_may_set(index, out[index], out[index]));
		val = out[index] ^ 1UL << rand() % 64;
		if (!idreg_may_set(index, out[index], val))
			continue;
		for (i = 0; i < id_fields_n; i++) {
			const struct id_field *f = &id_fields[i];
			int now = val >> f->lsb & 15, was = out[index] >> f->lsb & 15;

			if (f->index != index)
				continue;
			if (f->kind == IDF_SIGNED) {
				now = now > 7 ? now - 16 : now;
				was = was > 7 ? was - 16 : was;
			}
			if (f->kind == IDF_HIGHER)
				assert(now >= was);
			else if (f->kind == IDF_SAME || f->kind == IDF_FIXED)
				assert(now == was);
			else
				assert(now <= was);
		}
	}
}

/* Fields that promise less with a higher value, and those that a VMM has no say in. */
static void test_kinds(void)
{
	u64 all[64] = {}, a[64] = {}, b[64] = {}, out[64];
	unsigned mmfr1 = IDX_ID_AA64MMFR1_EL1, dfr0 = IDX_ID_AA64DFR0_EL1;

	b[mmfr1] = 1UL << ID_AA64MMFR1_SpecSEI_SHIFT;
	idregs_merge(all, a, true);
	idregs_merge(all, b, false);
	assert(field(all, mmfr1, ID_AA64MMFR1_SpecSEI_SHIFT) == 1);
	idregs_limit(out, all, 0);
	assert(field(out, mmfr1, ID_AA64MMFR1_SpecSEI_SHIFT) == 1);
	assert(!idreg_may_set(mmfr1, out[mmfr1], 0));
	assert(idreg_may_set(mmfr1, out[mmfr1], 2UL << ID_AA64MMFR1_SpecSEI_SHIFT));
	all[dfr0] = 5UL << ID_AA64DFR0_BRPs_SHIFT | 3UL << ID_AA64DFR0_WRPs_SHIFT;
	idregs_limit(out, all, 0);
	assert(field(out, dfr0, ID_AA64DFR0_BRPs_SHIFT) == 5);
	assert(!idreg_may_set(dfr0, out[dfr0], out[dfr0] - (1UL << ID_AA64DFR0_BRPs_SHIFT)));
	assert(idreg_may_set(dfr0, out[dfr0], out[dfr0] - (1UL << ID_AA64DFR0_WRPs_SHIFT)));
}

/* The registers of AArch32 where there is none. */
static void test_no_aarch32(void)
{
	u64 host[64], out[64];

	for (unsigned i = 0; i < 64; i++)
		host[i] = 0x1111111111111111UL;
	idregs_limit(out, host, 0);
	for (unsigned i = 0; i < 64; i++) {
		assert(i >= 24 || !out[i]);
		assert(idreg_is_void(i, host) == (i < 24 && id_names[i]));
	}
	assert(out[IDX_ID_AA64PFR0_EL1]);
	host[IDX_ID_AA64PFR0_EL1] += 1;		/* EL0: both */
	idregs_limit(out, host, 0);
	for (unsigned i = 0; i < 64; i++)
		assert(!idreg_is_void(i, host));
	assert(out[IDX_ID_MMFR0_EL1]);
}

/* Fields that the host's administrator hides. */
static void test_hide(void)
{
	unsigned isar0 = IDX_ID_AA64ISAR0_EL1, mmfr1 = IDX_ID_AA64MMFR1_EL1;
	u64 out[64] = {}, all = 0x1111111111111111UL;

	out[isar0] = out[mmfr1] = all;
	assert(idregs_hide(out, "ID_AA64ISAR0_EL1.Atomic,ID_AA64MMFR1_EL1.PAN quiet"));
	assert(out[isar0] == (all & ~(0xfUL << ID_AA64ISAR0_Atomic_SHIFT)));
	assert(out[mmfr1] == (all & ~(0xfUL << ID_AA64MMFR1_PAN_SHIFT)));
	out[isar0] = out[mmfr1] = all;
	assert(!idregs_hide(out, "ID_AA64ISAR0_EL1.Atom"));
	assert(!idregs_hide(out, "ID_AA64ISAR0_EL1.AtomicX,ID_AA64ISAR0_EL1"));
	assert(!idregs_hide(out, ",x"));
	assert(!idregs_hide(out, "ID_AA64MMFR1_EL1.SpecSEI"));		/* 0 promises more there */
	assert(out[isar0] == all && out[mmfr1] == all);
	assert(!idregs_hide(out, "nothing,ID_AA64ISAR0_EL1.Atomic"));
	assert(out[isar0] == (all & ~(0xfUL << ID_AA64ISAR0_Atomic_SHIFT)));
	assert(idregs_hide(out, ""));
}

int main(void)
{
	test_everything();
	test_el3();
	test_signed();
	test_merge();
	test_random();
	test_kinds();
	test_hide();
	test_no_aarch32();
	puts("idreg: ok");
	return 0;
}
