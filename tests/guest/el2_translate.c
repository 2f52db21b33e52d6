// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage 2 of a guest hypervisor: what its tables say is what its guest gets, for granules of 4, 16 and 64 KiB; faults, AT and
 * TLBI beside the walker of lib/el2.c. Stage 1 of EL1 is off, or on with tables of the same granule.
 */
#include "el2.h"

const char payload_name[] = "el2_translate";

#define S2_DBM		(1UL << 51)
#define VTCR_HA		(1UL << 21)
#define VTCR_HD		(1UL << 22)
#define IPA_BITS	39
#define TEST		0x200000000UL	/* where the guest's addresses under test are: far from memory */

static const u32 load[] = { 0xf9400000, 0xd65f03c0 };		/* ldr x0, [x0]; ret */
static const u32 store[] = { 0xf9000001, 0xd65f03c0 };		/* str x1, [x0]; ret */
static const u32 jump[] = { 0xd61f0000 };			/* br x0 */
static const u32 landing[] = { 0xd4000022, 0x14000000 };	/* hvc #1; b . */

static struct below b;
static struct tables s2, s1;
static unsigned int granule;
static u64 page_size;
static const char *title;

/* A page of memory that says who it is. */
static u64 page_new(u64 mark)
{
	u64 at = memory_alloc(page_size), i;

	for (i = 0; i < page_size; i += 8)
		writeq(mark + i, at + i);
	return at;
}

static void name_fail(const char *what, u64 got, u64 want)
{
	fail(title, "%s: %lx, not %lx", what, got, want);
}

static void expect(const char *what, u64 got, u64 want)
{
	if (got != want)
		name_fail(what, got, want);
}

/* ---- accesses of the guest, beside the walker ---- */

enum { READ, WRITE, EXEC };

static unsigned int expected_fsc(u64 ipa, unsigned int how, struct walked *w)
{
	*w = tables_walk(&s2, ipa);
	if (w->fsc)
		return w->fsc;
	if ((how == READ && !(w->desc & 1 << 6)) || (how == WRITE && !(w->desc & 1 << 7)) || (how == EXEC && (w->desc & S2_XN)))
		return 0xc | w->level;
	return 0;
}

/* With stage 1 off: the guest's access of @ipa does what the tables say. */
static void guest_access(const char *what, u64 ipa, unsigned int how)
{
	struct walked w;
	unsigned int fsc = expected_fsc(ipa, how, &w);
	u64 ret, ec = how == EXEC ? EC_IABT_LOW : EC_DABT_LOW, old = fsc ? 0 : readq(w.out);

	if (how == EXEC)
		ret = below_call(&b, EL1H, code_of(jump, 1), ipa, 0);
	else
		ret = below_call(&b, EL1H, code_of(how == WRITE ? store : load, 2), ipa, old + 5);
	if (fsc) {
		expect(what, b.kind == KIND_SYNC ? ESR_EC(b.esr) : b.kind, ec);
		expect(what, b.esr & 0x3f, fsc);
		expect(what, b.hpfar >> 4, ipa >> 12);
		expect(what, b.far, ipa);
		if (how != EXEC)
			expect(what, b.esr >> 6 & 1, how == WRITE);
		return;
	}
	if (how == EXEC) {
		if (!below_hvc(&b, 1))
			name_fail(what, b.esr, 0);
		return;
	}
	expect(what, ret, BELOW_RETURN);
	if (how == READ)
		expect(what, b.x[0], old);
	else
		expect(what, readq(w.out), old + 5);
}

static u64 par_of(u32 key, u64 va)
{
	void (*fn)(u64) = (void (*)(u64))sys_code(key, false, 0);

	fn(va);
	isb();
	return read_sysreg(par_el1);
}

#define AT_S1E1R	SYSKEY(1, 0, 7, 8, 0)
#define AT_S1E1W	SYSKEY(1, 0, 7, 8, 1)
#define AT_S1E0R	SYSKEY(1, 0, 7, 8, 2)
#define AT_S1E0W	SYSKEY(1, 0, 7, 8, 3)
#define AT_S1E2R	SYSKEY(1, 4, 7, 8, 0)
#define AT_S1E2W	SYSKEY(1, 4, 7, 8, 1)
#define AT_S12E1R	SYSKEY(1, 4, 7, 8, 4)
#define AT_S12E1W	SYSKEY(1, 4, 7, 8, 5)
#define PAR_PA		0xfffffffff000UL

/* PAR_EL1 of a fault: at stage 2 or 1, of a walk or not. */
static u64 par_fault(unsigned int fsc, bool stage2, bool walk)
{
	return 1 | (u64)fsc << 1 | (u64)walk << 8 | (u64)stage2 << 9 | 1 << 11;
}

static void expect_par(const char *what, u64 par, u64 pa, u64 fault)
{
	if (fault)
		expect(what, par & 0xfff, fault);
	else
		expect(what, par & (PAR_PA | 1), pa & PAR_PA);
}

/* Memory attributes, as in MAIR_EL1, and shareability (2: outer, 3: inner) of a translation that worked. */
static void expect_attr(const char *what, u64 par, u64 attr, u64 sh)
{
	expect(what, par & 1, 0);
	expect(what, par >> 56, attr);
	expect(what, par >> 7 & 3, sh);
}

static void at_stage2(const char *what, u64 ipa)
{
	struct walked w;
	unsigned int fsc = expected_fsc(ipa, READ, &w);

	expect_par(what, par_of(AT_S12E1R, ipa), w.out, fsc ? par_fault(fsc, true, false) : 0);
	fsc = expected_fsc(ipa, WRITE, &w);
	expect_par(what, par_of(AT_S12E1W, ipa), w.out, fsc ? par_fault(fsc, true, false) : 0);
	expect_par(what, par_of(AT_S1E1R, ipa), ipa, 0);
}

static void map_memory(void)
{
	u64 block = tables_block(&s2, 2), a;

	for (a = RAM_BASE & ~(block - 1); a < RAM_BASE + 0x8000000; a += block)
		tables_map(&s2, a, a, 2, S2_PAGE);
}

static void plain(void)
{
	u64 p = page_new(0x1000000), block = tables_block(&s2, 2), i;

	tables_map(&s2, TEST, p, 3, S2_PAGE);
	tables_map(&s2, TEST + page_size, p, 3, S2_PAGE & ~S2_RW);		/* no access at all */
	tables_map(&s2, TEST + 2 * page_size, p, 3, (S2_PAGE & ~S2_RW) | S2_RO);
	tables_map(&s2, TEST + 3 * page_size, p, 3, S2_PAGE | S2_XN);
	tables_map(&s2, TEST + 4 * page_size, p, 3, S2_PAGE & ~S2_AF);
	tables_map(&s2, TEST + 6 * page_size, p, 3, S2_PAGE & ~(0xfUL << 2) );	/* device-nGnRnE */
	tables_map(&s2, TEST + 7 * page_size, p, 3, (S2_PAGE & ~(0xfUL << 2)) | 5 << 2);	/* not cacheable */
	tables_map(&s2, TEST + 0x40000000, RAM_BASE & ~(block - 1), 2, S2_PAGE);	/* memory once more, by blocks */
	if (granule == 12)
		tables_map(&s2, TEST + 0x80000000, RAM_BASE, 1, S2_PAGE);
	writeq(((u64)landing[1] << 32) | landing[0], p);
	writeq(((u64)landing[1] << 32) | landing[0], p + 0x80);
	stage2_on(&s2, 1);
	for (i = 0; i < 8; i++) {
		at_stage2("AT, page", TEST + i * page_size + 0x80);
		guest_access("load, page", TEST + i * page_size + 0x80, READ);
		/* Whether device memory may be executed is up to the CPU. */
		if (i != 6)
			guest_access("fetch, page", TEST + i * page_size, EXEC);
		guest_access("store, page", TEST + i * page_size + 0x88, WRITE);
		guest_access("load again, page", TEST + i * page_size + 0x88, READ);
	}
	expect_attr("AT S1E1R without stage 1: device", par_of(AT_S1E1R, TEST), 0, 2);
	expect_attr("AT S12E1R without stage 1: device", par_of(AT_S12E1R, TEST), 0, 2);
	expect_par("AT S1E1R without stage 1, no such address", par_of(AT_S1E1R, 1UL << 52), 0, par_fault(0, false, false));
	i = p - (RAM_BASE & ~(block - 1));
	at_stage2("AT, block", TEST + 0x40000000 + (i & (block - 1)) + 0x188);
	tables_map(&s2, TEST + 0x40000000, p & ~(block - 1), 2, S2_PAGE);
	tlbi_all();
	guest_access("load, block", TEST + 0x40000000 + (p & (block - 1)) + 0x188, READ);
	guest_access("store, block", TEST + 0x40000000 + (p & (block - 1)) + 0x188, WRITE);
	if (granule == 12) {
		at_stage2("AT, 1 GiB", TEST + 0x80000000 + p - RAM_BASE + 0x190);
		guest_access("load, 1 GiB", TEST + 0x80000000 + p - RAM_BASE + 0x190, READ);
		guest_access("store, 1 GiB", TEST + 0x80000000 + p - RAM_BASE + 0x190, WRITE);
	}
	/* Beyond the tables' reach, and where nothing is. */
	guest_access("load, nothing", TEST + 0x100000000, READ);
	guest_access("store, nothing", TEST + 0x100000000, WRITE);
	guest_access("fetch, nothing", TEST + 0x100000000, EXEC);
	at_stage2("AT, nothing", TEST + 0x100000000);
	guest_access("load, out of range", 1UL << IPA_BITS, READ);
	at_stage2("AT, out of range", 1UL << IPA_BITS);
}

/* A run of entries with the contiguous hint, to one block of memory. */
static void contiguous(void)
{
	unsigned int n = granule == 12 ? 16 : granule == 14 ? 128 : 32, i;
	u64 size = page_size * n, from, off = TEST + 0x4000000;

	if (size > 0x400000)
		return;			/* more memory than we have to spare */
	from = memory_alloc(size);
	off = (off + size - 1) & ~(size - 1);
	for (i = 0; i < n; i++) {
		tables_map(&s2, off + i * page_size, from + i * page_size, 3, S2_PAGE | 1UL << 52);
		writeq(0x77000 + i, from + i * page_size + 0x40);
	}
	tlbi_all();
	for (i = 0; i < n; i += n / 4) {
		guest_access("load, contiguous", off + i * page_size + 0x40, READ);
		at_stage2("AT, contiguous", off + i * page_size + 0x40);
	}
}

/* FEAT_HAFDBS: what the walk notes in the hypervisor's tables, for each access. */
static void noted(const char *what, u64 ipa, unsigned int how, u64 before, u64 after)
{
	u64 *e = tables_entry(&s2, ipa, 3), keep = ~(S2_AF | S2_RW);

	WRITE_ONCE(*e, (*e & keep) | before);
	tlbi_all();
	below_call(&b, EL1H, code_of(how == WRITE ? store : load, 2), ipa + 0x40, 0x99);
	expect(what, READ_ONCE(*e) & ~keep, after);
}

static void hardware_updates(void)
{
	unsigned int level = read_sysreg(id_aa64mmfr1_el1) & 0xf;
	u64 at = TEST + 32 * page_size, dbm = at + page_size, p = page_new(0x7000000);

	tables_map(&s2, at, p, 3, S2_PAGE);
	tables_map(&s2, dbm, p, 3, S2_PAGE | S2_DBM);
	noted("load, HA off", at, READ, S2_RW, S2_RW);
	expect("its fault", b.esr & 0x3f, 8 | 3);
	if (level < 1)
		return;
	write_sysreg(read_sysreg(vtcr_el2) | VTCR_HA, vtcr_el2);
	noted("load", at, READ, S2_RW, S2_RW | S2_AF);
	expect("load, value", b.x[0], readq(p + 0x40));
	noted("store", at, WRITE, S2_RW, S2_RW | S2_AF);
	noted("store, read-only", at, WRITE, S2_RO | S2_AF, S2_RO | S2_AF);
	expect("its fault", b.esr & 0x3f, 0xc | 3);
	noted("store, DBM, HD off", dbm, WRITE, S2_RO | S2_AF, S2_RO | S2_AF);
	WRITE_ONCE(*tables_entry(&s2, at, 3), p | 3 | (S2_PAGE & ~S2_AF));
	expect_par("AT, no access flag yet", par_of(AT_S12E1R, at), p, 0);
	if (level < 2)
		return;
	write_sysreg(read_sysreg(vtcr_el2) | VTCR_HD, vtcr_el2);
	noted("load, clean", dbm, READ, S2_RO, S2_RO | S2_AF);
	/* It stays clean in the TLB too: the store after a load is seen. */
	below_call(&b, EL1H, code_of(store, 2), dbm + 0x48, 0x55);
	expect("store after load, clean", *tables_entry(&s2, dbm, 3) & (S2_RW | S2_AF), S2_RW | S2_AF);
	expect("store after load, value", readq(p + 0x48), 0x55);
	noted("store, clean", dbm, WRITE, S2_RO, S2_RW | S2_AF);
	noted("store, read-only without DBM", at, WRITE, S2_RO, S2_RO);
	expect("its fault", b.esr & 0x3f, 0xc | 3);
	expect_par("AT of a write, clean", par_of(AT_S12E1W, dbm), p, 0);
	write_sysreg(tables_vtcr(&s2), vtcr_el2);
	tlbi_all();
}

/* ---- the hypervisor's TLB maintenance ---- */

enum { BY_IPA, BY_RANGE, BY_VMID, BY_ALL, FORMS };

static void tlbi_form(unsigned int form, u64 ipa)
{
	static const u8 tg[] = { 1, 2, 3 };
	u64 arg = ipa >> 12;

	dsb(ishst);
	if (form == BY_IPA) {
		asm volatile("tlbi ipas2e1is, %0; dsb ish; tlbi vmalle1is" : : "r"(arg) : "memory");
	} else if (form == BY_RANGE) {
		/* NUM 0, SCALE 0: two pages. */
		arg = ipa >> granule | (u64)tg[(granule - 12) / 2] << 46;
		asm volatile("sys #4, c8, c0, #2, %0; dsb ish; tlbi vmalle1is" : : "r"(arg) : "memory");	/* RIPAS2E1IS */
	} else if (form == BY_VMID) {
		asm volatile("tlbi vmalls12e1is" : : : "memory");
	} else {
		asm volatile("tlbi alle1is" : : : "memory");
	}
	dsb(ish);
	isb();
}

static void tlbi_forms(void)
{
	bool ranges = (read_sysreg(id_aa64isar0_el1) >> 56 & 0xf) >= 2;
	u64 p = page_new(0x2000000), q = page_new(0x3000000), at = TEST + 16 * page_size;
	unsigned int form;

	for (form = 0; form < FORMS; form++) {
		if (form == BY_RANGE && !ranges)
			continue;
		tables_map(&s2, at, p, 3, S2_PAGE);
		tlbi_form(form, at);
		guest_access("load, first page", at + 0x40, READ);
		guest_access("store, first page", at + 0x40, WRITE);
		/* Break before make, as a hypervisor does. */
		WRITE_ONCE(*tables_entry(&s2, at, 3), 0);
		tlbi_form(form, at);
		guest_access("load, page taken away", at + 0x40, READ);
		tables_map(&s2, at, q, 3, S2_PAGE);
		guest_access("load, other page", at + 0x40, READ);
		guest_access("store, other page", at + 0x40, WRITE);
		/* Rights taken away. */
		tables_map(&s2, at, q, 3, (S2_PAGE & ~S2_RW) | S2_RO);
		tlbi_form(form, at);
		guest_access("store, read-only now", at + 0x40, WRITE);
		guest_access("load, read-only now", at + 0x40, READ);
		WRITE_ONCE(*tables_entry(&s2, at, 3), 0);
		tlbi_form(form, at);
	}
}

/* Two VMIDs with tables of their own do not see each other's pages. */
static void vmids(void)
{
	struct tables first = s2, second;
	u64 p = page_new(0x4000000), q = page_new(0x5000000), at = TEST + 20 * page_size, i;

	tables_map(&s2, at, p, 3, S2_PAGE);
	tables_init(&second, true, granule, IPA_BITS);
	s2 = second;
	map_memory();
	tables_map(&s2, at, q, 3, S2_PAGE);
	second = s2;
	for (i = 0; i < 6; i++) {
		s2 = i & 1 ? second : first;
		write_sysreg(s2.root | (u64)(i & 1 ? 7 : 1) << 48, vttbr_el2);
		isb();
		guest_access("load, two VMIDs", at + 0x48, READ);
		if (i == 3)
			asm volatile("tlbi vmalls12e1is; dsb ish; isb" : : : "memory");
	}
	s2 = first;
	stage2_on(&s2, 1);
}

/* ---- both stages ---- */

/* HCR_EL2.PTW: no tables of stage 1 in what stage 2 (@leaf) says is device memory. */
static void protected_walk(u64 *leaf, u64 va, u64 data)
{
	u64 hcr = read_sysreg(hcr_el2), was = *leaf, before;

	WRITE_ONCE(*leaf, was & ~(0xfUL << 2));
	for (before = 0; before < 2; before++) {	/* with nothing of it cached, and with what the access without PTW has left */
		write_sysreg(hcr, hcr_el2);
		isb();
		tlbi_all();
		if (before) {
			below_call(&b, EL1H, code_of(load, 2), va, 0);
			expect("a table in device memory, without HCR_EL2.PTW", b.x[0], data);
		}
		write_sysreg(hcr | HCR_PTW, hcr_el2);
		isb();
		if (before)	/* the bit may be cached: stage 1 of this VMID, its stage 2 stays */
			asm volatile("dsb ishst; tlbi vmalle1is; dsb ish; isb" : : : "memory");
		below_call(&b, EL1H, code_of(load, 2), va, 0);
		expect("with HCR_EL2.PTW: class", ESR_EC(b.esr), EC_DABT_LOW);
		expect("with HCR_EL2.PTW: S1PTW, permission fault of level 3", b.esr & 0xbf, 0x8f);
	}
	write_sysreg(hcr, hcr_el2);
	WRITE_ONCE(*leaf, was);
	dsb(ish);
	tlbi_all();
	below_call(&b, EL1H, code_of(load, 2), va, 0);
	expect("and in normal memory again", b.x[0], data);
}

/* HCR_EL2.DC: no stage 1, though SCTLR_EL1.M is set, and a stage 2, whether HCR_EL2.VM is set or not. @ipa shows @p. */
static void default_cacheable(u64 ipa, u64 p)
{
	u64 hcr = read_sysreg(hcr_el2), vm;

	expect("before HCR_EL2.DC", below_call(&b, EL1H, code_of(load, 2), ipa + 0x48, 0), BELOW_EXCEPTION + 4);
	for (vm = 0; vm <= HCR_VM; vm += HCR_VM) {
		write_sysreg((hcr & ~HCR_VM) | vm | HCR_DC, hcr_el2);
		isb();
		tlbi_all();
		below_call(&b, EL1H, code_of(load, 2), ipa + 0x48, 0);
		expect("load with HCR_EL2.DC", b.x[0], readq(p + 0x48));
		expect_par("AT S1E1R with HCR_EL2.DC", par_of(AT_S1E1R, ipa), ipa, 0);
		expect_par("AT S12E1R with HCR_EL2.DC", par_of(AT_S12E1R, ipa), p, 0);
		expect_attr("AT S1E1R with HCR_EL2.DC: normal", par_of(AT_S1E1R, ipa), 0xff, 0);
		below_call(&b, EL1H, code_of(load, 2), ipa + 0x100000000, 0);
		expect("with HCR_EL2.DC, where stage 2 has nothing", ESR_EC(b.esr), EC_DABT_LOW);
	}
	write_sysreg(hcr, hcr_el2);
	isb();
	tlbi_all();
	expect("after HCR_EL2.DC", below_call(&b, EL1H, code_of(load, 2), ipa + 0x48, 0), BELOW_EXCEPTION + 4);
}

static void stage1(void)
{
	u64 p = page_new(0x6000000), q, block = 1UL << (granule + granule - 3), a, at = 0x100000000UL, bare;
	bool seen;

	tables_init(&s1, false, granule, 36);
	for (a = RAM_BASE & ~(block - 1); a < RAM_BASE + 0x8000000; a += block)
		tables_map(&s1, a, a, 2, S1_PAGE);
	tables_map(&s2, TEST, p, 3, S2_PAGE);
	tables_map(&s1, at, TEST, 3, S1_PAGE);
	tables_map(&s1, at + page_size, TEST, 3, S1_PAGE | S1_RO);
	tables_map(&s1, at + 2 * page_size, TEST + 0x100000000, 3, S1_PAGE);	/* stage 2 has nothing there */
	tables_map(&s1, at + 3 * page_size, TEST, 3, S1_PAGE | S1_EL0);
	/* A table of stage 1 that stage 2 hides: its own page. */
	bare = at + 0x400000000UL;
	tables_map(&s1, bare, TEST, 3, S1_PAGE);
	q = (u64)tables_entry(&s1, bare, 3) & ~(page_size - 1);
	tlbi_all();
	write_sysreg(0xff04, s3_5_c10_c2_0);			/* MAIR_EL12 */
	write_sysreg(tables_tcr(&s1), s3_5_c2_c0_2);		/* TCR_EL12 */
	write_sysreg(s1.root, s3_5_c2_c0_0);			/* TTBR0_EL12 */
	write_sysreg(0x30d00980 | 0x1005, s3_5_c1_c0_0);	/* SCTLR_EL12: M, C, I */
	isb();
	tlbi_all();

	below_call(&b, EL1H, code_of(load, 2), at + 0x48, 0);
	expect("load through both stages", b.x[0], readq(p + 0x48));
	expect_par("AT S1E1R", par_of(AT_S1E1R, at + 0x48), TEST, 0);
	expect_par("AT S12E1R", par_of(AT_S12E1R, at + 0x48), p, 0);
	expect_attr("AT S1E1R: normal", par_of(AT_S1E1R, at), 0xff, 3);
	expect_attr("AT S12E1R: normal", par_of(AT_S12E1R, at), 0xff, 3);
	tables_map(&s2, TEST, p, 3, (S2_PAGE & ~(0xfUL << 2)) | 5 << 2);
	expect_attr("AT S12E1R, stage 2: not cacheable", par_of(AT_S12E1R, at), 0x44, 2);
	tables_map(&s2, TEST, p, 3, (S2_PAGE & ~(0xfUL << 2)) | 1 << 2);
	expect_attr("AT S12E1R, stage 2: device nGnRE", par_of(AT_S12E1R, at), 4, 2);
	tables_map(&s2, TEST, p, 3, S2_PAGE);
	expect_par("AT S1E1W", par_of(AT_S1E1W, at + page_size), 0, par_fault(0xf, false, false));
	expect_par("AT S12E1W", par_of(AT_S12E1W, at + page_size), 0, par_fault(0xf, false, false));
	expect_par("AT S1E0R", par_of(AT_S1E0R, at), 0, par_fault(0xf, false, false));
	expect_par("AT S1E0R", par_of(AT_S1E0R, at + 3 * page_size), TEST, 0);
	expect_par("AT S1E0W", par_of(AT_S1E0W, at + 3 * page_size), TEST, 0);
	expect_par("AT S1E1R, nothing there", par_of(AT_S1E1R, at + 9 * page_size), 0,
		   par_fault(tables_walk(&s1, at + 9 * page_size).fsc, false, false));
	expect_par("AT S1E1R, no stage 2", par_of(AT_S1E1R, at + 2 * page_size), TEST + 0x100000000, 0);
	expect_par("AT S12E1R, no stage 2", par_of(AT_S12E1R, at + 2 * page_size), 0,
		   par_fault(tables_walk(&s2, TEST + 0x100000000).fsc, true, false));
	below_call(&b, EL1H, code_of(load, 2), at + 2 * page_size + 0x10, 0);
	expect("abort: class", ESR_EC(b.esr), EC_DABT_LOW);
	expect("abort: FAR_EL2", b.far, at + 2 * page_size + 0x10);
	expect("abort: HPFAR_EL2", b.hpfar >> 4, (TEST + 0x100000000) >> 12);
	expect("fault of stage 1 goes to EL1", below_call(&b, EL1H, code_of(load, 2), at + 9 * page_size, 0), BELOW_EXCEPTION + 4);
	expect("store to what stage 1 says is read-only", below_call(&b, EL1H, code_of(store, 2), at + page_size, 0),
	       BELOW_EXCEPTION + 4);

	/* Hide the table. 64 KiB pages map memory by blocks of 512 MiB: one of its own at another address then. */
	*tables_entry(&s1, bare, 2) = (TEST + 40 * page_size) | 3;
	tlbi_all();
	seen = below_call(&b, EL1H, code_of(load, 2), bare + 0x10, 0) != 0;
	expect("walk of stage 1 faults at stage 2", seen, false);
	expect("its class", ESR_EC(b.esr), EC_DABT_LOW);
	expect("its S1PTW", b.esr >> 7 & 1, 1);
	expect("its HPFAR_EL2", b.hpfar >> 4 << 12, TEST + 40 * page_size + ((bare >> granule & (page_size / 8 - 1)) * 8 & ~0xfffUL));
	expect_par("AT S12E1R of it", par_of(AT_S12E1R, bare), 0,
		   par_fault(tables_walk(&s2, TEST + 40 * page_size).fsc, true, true));
	tables_map(&s2, TEST + 40 * page_size, 0x7000000000UL, 3, S2_PAGE);
	expect_par("AT S1E1R, the VM has no memory there", par_of(AT_S1E1R, bare), 0, par_fault(0x14 | 3, false, false));
	/* And now it is there. */
	tables_map(&s2, TEST + 40 * page_size, q, 3, S2_PAGE);
	below_call(&b, EL1H, code_of(load, 2), bare + 0x48, 0);
	expect("once the table is there", b.x[0], readq(p + 0x48));

	protected_walk(tables_entry(&s2, TEST + 40 * page_size, 3), bare + 0x48, readq(p + 0x48));
	default_cacheable(TEST, p);
	write_sysreg(0x30d00980, s3_5_c1_c0_0);
	isb();
	tlbi_all();
}

/* The hypervisor's own regime. */
static void own(void)
{
	u64 va = (u64)&own, ram = image_end;

	title = "AT of EL2's own regime";
	expect_par("S1E2R", par_of(AT_S1E2R, va), va, 0);
	expect_par("S1E2W", par_of(AT_S1E2W, ram + 0x3000), ram + 0x3000, 0);
	expect_par("S1E2R out of range", par_of(AT_S1E2R, 1UL << 40), 0, par_fault(4, false, false));
	write_sysreg(HCR_BELOW | HCR_TGE, hcr_el2);
	isb();
	if (!nvhe)
		expect_par("S1E1R with TGE", par_of(AT_S1E1R, va), va, 0);
	write_sysreg(HCR_BELOW, hcr_el2);
	isb();
	ok(title);
}

/* A device of the VM's, through the hypervisor's tables: the VMM and the vGIC answer. */
static void device(void)
{
	u64 at = TEST + 0xc0000000UL;
	static const u32 load32[] = { 0xb9400000, 0xd65f03c0 };		/* ldr w0, [x0]; ret */

	tables_map(&s2, at, GICD_BASE, 3, (S2_PAGE & ~(0xfUL << 2)) | S2_XN);
	tlbi_all();
	expect("load of GICD_IIDR", below_call(&b, EL1H, code_of(load32, 2), at + GICD_IIDR, 0), BELOW_RETURN);
	expect("its value", b.x[0], readl(GICD_BASE + GICD_IIDR));
	/* Memory that the VM does not have. */
	tables_map(&s2, at, 0x7000000000UL, 3, S2_PAGE);
	tlbi_all();
	below_call(&b, EL1H, code_of(jump, 1), at, 0);
}

static bool granule_there(void)
{
	u64 mmfr0 = read_sysreg(id_aa64mmfr0_el1);
	u64 stage2 = granule == 12 ? mmfr0 >> 40 & 15 : granule == 14 ? mmfr0 >> 32 & 15 : mmfr0 >> 36 & 15;
	bool one = granule == 12 ? (mmfr0 >> 28 & 15) < 8 : granule == 14 ? mmfr0 >> 20 & 15 : (mmfr0 >> 24 & 15) < 8;

	return stage2 ? stage2 >= 2 : one;
}

static void run(void)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} parts[] = { { "stage 2", plain }, { "contiguous", contiguous }, { "hardware updates", hardware_updates }, { "TLBI", tlbi_forms }, { "VMIDs", vmids },
		      { "both stages", stage1 }, { "devices", device } };
	static const char *const granules[] = { "4 KiB", "16 KiB", "64 KiB" };
	unsigned int i;

	print("# %s\n", granules[(granule - 12) / 2]);
	page_size = 1UL << granule;
	tables_init(&s2, true, granule, IPA_BITS);
	map_memory();
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		title = parts[i].name;
		parts[i].fn();
		ok(title);
	}
	stage2_on(NULL, 0);
}

void payload_main(void)
{
	unsigned int seen = 0;

	el2_init();
	own();
	for (granule = 12; granule <= 16; granule += 2)
		if (granule_there()) {
			run();
			seen++;
		}
	check(seen, "granules", "none");
}
