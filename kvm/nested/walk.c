// SPDX-License-Identifier: GPL-2.0-only
/* See walk.h. Names of fields as in Arm ARM D8.3 (descriptors), D19.2 (TCR_EL1, VTCR_EL2). */
#include "kvm/nested/walk.h"

#define DESC_VALID	BIT(0)
#define DESC_TABLE	BIT(1)		/* a page, at level 3 */
#define DESC_AF		BIT(10)
#define DESC_DBM	BIT(51)
#define S2_R		BIT(6)
#define S2_W		BIT(7)
#define S2_XN		BIT(54)
#define S1_EL0		BIT(6)
#define S1_RO		BIT(7)
#define S1_PXN		BIT(53)
#define S1_UXN		BIT(54)
#define TABLE_PXN	BIT(59)
#define TABLE_UXN	BIT(60)
#define TABLE_EL0	BIT(61)		/* not for EL0 */
#define TABLE_RO	BIT(62)

static const u8 ps_bits[8] = { 32, 36, 40, 42, 44, 48, 48, 48 };

static unsigned stride(const struct walk *w)
{
	return w->granule - 3;
}

static unsigned level_shift(const struct walk *w, unsigned level)
{
	return w->granule + (3 - level) * stride(w);
}

static bool block_allowed(const struct walk *w, unsigned level)
{
	return level == 2 || (level == 1 && w->granule == 12);
}

static void leaf_stage2(const struct walk *w, struct walk_result *res, u64 d)
{
	res->r = d & S2_R;
	res->clean = w->hd && (d & DESC_DBM) && !(d & S2_W);
	res->w = (d & S2_W) || res->clean;
	res->x = !(d & S2_XN);
}

static void leaf_stage1(const struct walk *w, struct walk_result *res, u64 d, u64 inherited)
{
	bool el0 = (d & S1_EL0) && !(inherited & TABLE_EL0);
	bool ro = ((d & S1_RO) && !(w->hd && (d & DESC_DBM))) || (inherited & TABLE_RO);

	res->r = true;
	res->w = !ro;
	res->r0 = el0;
	res->w0 = el0 && !ro;
	/* What EL0 can write, EL1 does not execute. */
	res->x = !(d & S1_PXN) && !(inherited & TABLE_PXN) && !res->w0;
	res->x0 = el0 && !(d & S1_UXN) && !(inherited & TABLE_UXN);
}

static int leaf(const struct walk *w, struct walk_result *res, u64 in, u64 d, u64 inherited)
{
	unsigned shift = level_shift(w, res->level);
	u64 out = d & GENMASK(47, 12) & ~(BIT(shift) - 1);

	if (out >> w->out_bits)
		return WALK_ADDRESS_SIZE | res->level;
	res->desc = d;
	res->size = BIT(shift);
	res->out = out | (in & (BIT(shift) - 1));
	if (w->stage2)
		leaf_stage2(w, res, d);
	else
		leaf_stage1(w, res, d, inherited);
	return (d & DESC_AF) || w->ha ? 0 : WALK_ACCESS_FLAG | (int)res->level;
}

int walk_tables(const struct walk *w, u64 in, struct walk_result *res)
{
	u64 table = w->base, inherited = 0, d, index;
	unsigned level;
	int ret;

	*res = (struct walk_result){ .level = w->level };
	if (in >> w->in_bits)
		return WALK_TRANSLATION | w->level;
	if (table >> w->out_bits)
		return WALK_ADDRESS_SIZE;
	for (level = w->level;; level++) {
		res->level = level;
		/* The first table may be larger or smaller than one page. */
		index = in >> level_shift(w, level);
		if (level > w->level)
			index &= BIT(stride(w)) - 1;
		res->table = table + index * 8;
		ret = w->read(w->arg, res->table, &d);
		if (ret) {
			res->table_fault = true;
			return ret == WALK_EXTERNAL ? ret | (int)level : ret;
		}
		if (w->be)
			d = __builtin_bswap64(d);
		if (!(d & DESC_VALID))
			return WALK_TRANSLATION | level;
		if (level == 3)
			return d & DESC_TABLE ? leaf(w, res, in, d, inherited) : WALK_TRANSLATION | (int)level;
		if (!(d & DESC_TABLE))
			return block_allowed(w, level) ? leaf(w, res, in, d, inherited) :
							 WALK_TRANSLATION | (int)level;
		if (!w->stage2 && !w->hpd)
			inherited |= d;
		table = d & GENMASK(47, 12) & ~(BIT(w->granule) - 1);
		if (table >> w->out_bits)
			return WALK_ADDRESS_SIZE | level;
	}
}

/* The least level from which one table (times concatenated, stage 2) resolves in_bits. */
static bool base_valid(struct walk *w, unsigned concatenate)
{
	unsigned bits = w->in_bits - level_shift(w, w->level) + 3;	/* log2 of the first table's bytes */

	if (w->in_bits <= level_shift(w, w->level) || w->in_bits > level_shift(w, w->level) + stride(w) + concatenate)
		return false;
	w->base &= GENMASK(47, 1) & ~(BIT(bits) - 1);
	return true;
}

bool walk_stage2_setup(struct walk *w, u64 vtcr, u64 vttbr, unsigned pa_bits)
{
	static const u8 granules[4] = { 12, 16, 14, 0 };
	unsigned t0sz = vtcr & 0x3f, sl0 = vtcr >> 6 & 3, tg0 = vtcr >> 14 & 3;

	w->stage2 = true;
	w->granule = granules[tg0];
	if (!w->granule || t0sz > 39 || t0sz < 16 || (sl0 == 3 && tg0 != 0))
		return false;
	w->in_bits = 64 - t0sz;
	w->out_bits = ps_bits[vtcr >> 16 & 7];
	if (w->out_bits > pa_bits)
		w->out_bits = pa_bits;
	if (w->in_bits > w->out_bits && w->in_bits > pa_bits)
		return false;
	if (sl0 == 3)
		return false;		/* level 3 with FEAT_TTST only, which is not offered at stage 2 */
	w->level = tg0 == 0 ? 2 - sl0 : 3 - sl0;
	w->base = vttbr & GENMASK(47, 1);
	return base_valid(w, 4);
}

bool walk_stage1_setup(struct walk *w, u64 tcr, u64 ttbr0, u64 ttbr1, u64 sctlr, unsigned pa_bits, u64 va, u64 *in)
{
	static const u8 granules0[4] = { 12, 16, 14, 0 }, granules1[4] = { 0, 14, 12, 16 };
	bool high = va & BIT(55);
	unsigned tsz = high ? tcr >> 16 & 0x3f : tcr & 0x3f;
	bool tbi = high ? tcr & BIT(38) : tcr & BIT(37);
	u64 top;

	w->stage2 = false;
	w->granule = high ? granules1[tcr >> 30 & 3] : granules0[tcr >> 14 & 3];
	if (!w->granule || tsz < 16 || tsz > 39 || (tcr & (high ? BIT(23) : BIT(7))))
		return false;
	w->in_bits = 64 - tsz;
	w->out_bits = ps_bits[tcr >> 32 & 7];
	if (w->out_bits > pa_bits)
		w->out_bits = pa_bits;
	w->hpd = high ? tcr & BIT(42) : tcr & BIT(41);
	w->be = sctlr & BIT(25);
	top = tbi ? GENMASK(55, 0) & ~(BIT(w->in_bits) - 1) : ~(BIT(w->in_bits) - 1);
	if ((va & top) != (high ? top : 0))
		return false;
	*in = va & (BIT(w->in_bits) - 1);
	w->level = 3 - (w->in_bits - w->granule - 1) / stride(w);
	w->base = (high ? ttbr1 : ttbr0) & GENMASK(47, 1);
	return base_valid(w, 0);
}
