// SPDX-License-Identifier: GPL-2.0-only
/* Runtime of payloads at virtual EL2: see el2.h. No locks: payloads that use it on several CPUs share no tables. */
#include "el2.h"

extern char el2_vectors[], el1_vectors[], below_return[];

static u8 stacks_below[MAX_CPUS][4096] __attribute__((aligned(16)));
static u32 code[MAX_CPUS][64] __attribute__((aligned(64)));
static u64 memory_next;

void el2_init(void)
{
	write_sysreg(el2_vectors, vbar_el2);
	write_sysreg(HCR_BELOW, hcr_el2);
	write_sysreg(CPTR_OPEN, cptr_el2);
	isb();
	write_sysreg(el1_vectors, s3_5_c12_c0_0);	/* VBAR_EL12 */
	write_sysreg(0x30d00980, s3_5_c1_c0_0);		/* SCTLR_EL12: MMU and caches off */
	write_sysreg(3 << 20, s3_5_c1_c0_2);		/* CPACR_EL12 */
	isb();
}

u64 below_resume(struct below *b)
{
	below_enter(b);
	if (b->kind != KIND_SYNC || ESR_EC(b->esr) != EC_HVC)
		return 0;
	return (b->esr & 0xffff) >= BELOW_EXCEPTION ? b->esr & 0xffff : 0;
}

u64 below_call(struct below *b, u64 pstate, const void *fn, u64 a0, u64 a1)
{
	u64 top = (u64)stacks_below[this_cpu()->index + 1];

	b->x[0] = a0;
	b->x[1] = a1;
	b->x[30] = (u64)below_return;
	b->pc = (u64)fn;
	b->pstate = pstate;
	write_sysreg(top, sp_el1);
	write_sysreg(top, sp_el0);
	return below_resume(b);
}

/* ---- instructions ---- */

static u32 sys_word(u32 key, bool read, unsigned int rt)
{
	return 0xd5000000 | (u32)read << 21 | key << 5 | rt;
}

u64 sys_iss(u32 key, bool read, unsigned int rt)
{
	u64 op0 = key >> 14 & 3, op1 = key >> 11 & 7, crn = key >> 7 & 15, crm = key >> 3 & 15, op2 = key & 7;

	return op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | (u64)rt << 5 | crm << 1 | read;
}

const void *code_of(const u32 *insns, unsigned int n)
{
	u32 *to = code[this_cpu()->index];
	unsigned int i;

	for (i = 0; i < n; i++)
		to[i] = insns[i];
	for (i = 0; i < sizeof(code[0]); i += 16)
		asm volatile("dc cvac, %0" : : "r"((u64)to + i) : "memory");	/* EL1 may read past the caches */
	dsb(ish);
	for (i = 0; i < sizeof(code[0]); i += 16)
		asm volatile("ic ivau, %0" : : "r"((u64)to + i) : "memory");
	dsb(ish);
	isb();
	return to;
}

const void *sys_code(u32 key, bool read, unsigned int rt)
{
	u32 insns[2] = { sys_word(key, read, rt), 0xd65f03c0 };

	return code_of(insns, 2);
}

bool sys_read(u32 key, u64 *val)
{
	u64 (*fn)(void) = (u64 (*)(void))sys_code(key, true, 0);

	this_cpu()->sync = expect_undef;
	undef_seen = false;
	*val = fn();
	this_cpu()->sync = NULL;
	return READ_ONCE(undef_seen);
}

bool sys_write(u32 key, u64 val)
{
	void (*fn)(u64) = (void (*)(u64))sys_code(key, false, 0);

	this_cpu()->sync = expect_undef;
	undef_seen = false;
	fn(val);
	isb();
	this_cpu()->sync = NULL;
	return READ_ONCE(undef_seen);
}

/* ---- tables ---- */

u64 memory_alloc(u64 size)
{
	u64 at, i;

	if (!memory_next)
		memory_next = image_end;
	at = (memory_next + size - 1) & ~(size - 1);
	memory_next = at + size;
	for (i = 0; i < size; i += 8)
		writeq(0, at + i);
	return at;
}

static unsigned int stride(const struct tables *t)
{
	return t->granule - 3;
}

static unsigned int shift(const struct tables *t, unsigned int level)
{
	return t->granule + (3 - level) * stride(t);
}

u64 tables_block(const struct tables *t, unsigned int level)
{
	return 1UL << shift(t, level);
}

void tables_init(struct tables *t, bool stage2, unsigned int granule, unsigned int bits)
{
	unsigned int levels = (bits - granule + granule - 4) / (granule - 3);
	u64 size;

	t->stage2 = stage2;
	t->granule = granule;
	t->bits = bits;
	t->level = 4 - levels;
	t->tables = 1;
	/* Stage 2 begins as far down as concatenated tables allow: level 0 is not for 40 bits of address. */
	if (stage2 && bits - shift(t, t->level) <= 4 && t->level < 3) {
		t->tables = 1 << (bits - shift(t, t->level));
		t->level++;
	}
	size = (u64)t->tables << granule;
	t->root = memory_alloc(size);
}

static u64 index_at(const struct tables *t, u64 in, unsigned int level)
{
	u64 i = in >> shift(t, level);

	return level == t->level ? i : i & ((1UL << stride(t)) - 1);
}

static u64 address_of(const struct tables *t, u64 desc)
{
	return desc & 0xffffffffffffUL & ~((1UL << t->granule) - 1);
}

u64 *tables_entry(const struct tables *t, u64 in, unsigned int level)
{
	u64 table = t->root;
	unsigned int l;

	for (l = t->level; l < level; l++) {
		u64 d = readq(table + index_at(t, in, l) * 8);

		if ((d & 3) != 3)
			return NULL;
		table = address_of(t, d);
	}
	return (u64 *)(table + index_at(t, in, level) * 8);
}

void tables_map(struct tables *t, u64 in, u64 out, unsigned int level, u64 attr)
{
	unsigned int l;

	for (l = t->level; l < level; l++) {
		u64 *e = tables_entry(t, in, l);

		if ((*e & 3) != 3)
			WRITE_ONCE(*e, memory_alloc(1UL << t->granule) | 3);
	}
	dsb(ishst);
	WRITE_ONCE(*tables_entry(t, in, level), out | attr | (level == 3 ? 3 : 1));
	dsb(ish);
}

struct walked tables_walk(const struct tables *t, u64 in)
{
	struct walked w = { .level = t->level };
	u64 table = t->root;

	if (in >> t->bits) {
		w.fsc = 4 | (t->stage2 ? t->level : 0);
		return w;
	}
	for (;; w.level++) {
		u64 size = tables_block(t, w.level);

		w.desc = readq(table + index_at(t, in, w.level) * 8);
		if (!(w.desc & 1) || (w.level == 3 && !(w.desc & 2))) {
			w.fsc = 4 | w.level;
			return w;
		}
		if (w.level < 3 && (w.desc & 2)) {
			table = address_of(t, w.desc);
			continue;
		}
		if (w.level == 0 || (w.level == 1 && t->granule != 12)) {
			w.fsc = 4 | w.level;	/* no block here */
			return w;
		}
		w.out = (w.desc & 0xfffffffff000UL & ~(size - 1)) | (in & (size - 1));
		if (!(w.desc >> 10 & 1))
			w.fsc = 8 | w.level;
		return w;
	}
}

static u64 pa_range(void)
{
	u64 pa = read_sysreg(id_aa64mmfr0_el1) & 0xf;

	return pa > 5 ? 5 : pa;
}

u64 tables_vtcr(const struct tables *t)
{
	static const u8 tg0[] = { 0, 2, 1 };	/* 4K, 16K, 64K */
	u64 sl0 = (t->granule == 12 ? 2 : 3) - t->level;

	return 1UL << 31 | pa_range() << 16 | (u64)tg0[(t->granule - 12) / 2] << 14 | 3 << 12 | 1 << 10 | 1 << 8 |
	       sl0 << 6 | (64 - t->bits);
}

u64 tables_tcr(const struct tables *t)
{
	static const u8 tg0[] = { 0, 2, 1 };

	return pa_range() << 32 | 1 << 23 | (u64)tg0[(t->granule - 12) / 2] << 14 | 3 << 12 | 1 << 10 | 1 << 8 | (64 - t->bits);
}

void stage2_on(const struct tables *t, unsigned int vmid)
{
	u64 hcr = read_sysreg(hcr_el2) & ~HCR_VM;

	if (t) {
		write_sysreg(tables_vtcr(t), vtcr_el2);
		write_sysreg(t->root | (u64)vmid << 48, vttbr_el2);
		hcr |= HCR_VM;
	}
	write_sysreg(hcr, hcr_el2);
	isb();
	tlbi_all();
}
