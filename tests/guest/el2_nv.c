// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest of virtual EL2 that has an EL2 itself (HCR_EL2.{NV,NV2}): its registers are in the page that VNCR_EL2 names, the
 * others, ERET, AT and TLBI come to virtual EL2, and what is wrong with the page does too. The page is in the upper range of
 * the EL2&0 regime, with tables of this payload's own.
 */
#include "el2.h"
#include "el2_regs.h"

const char payload_name[] = "el2_nv";

#define HCR		SYSKEY(3, 4, 1, 1, 0)
#define VNCR		SYSKEY(3, 4, 2, 2, 0)
#define TPIDR_EL2	SYSKEY(3, 4, 13, 0, 2)
#define TPIDR_OFFSET	0x90
#define HCR_NV		(1UL << 42)
#define HCR_AT		(1UL << 44)
#define HCR_NV2		(1UL << 45)
#define HCR_GUEST	(HCR_BELOW | HCR_NV | HCR_NV2)
#define ISS_VNCR	(1UL << 13)
#define ISS_WNR		(1UL << 6)
#define UPPER		0xffffff8000000000UL
#define VA(in)		(UPPER + (in))
#define ERET		0xd69f03e0
#define RET		0xd65f03c0
#define NOWHERE		0x7000000000UL	/* an address of the machine without memory or device */

/* A register that the guest finds in the page: its offset. */
static const struct vncr_reg {
	const char *name;
	u16 key, offset;
} vncr_regs[] = {
#include "el2_vncr_gen.h"
};

static struct below b;
static struct tables own;
static u64 pages[3];

static void own_on(void)
{
	u64 tcr = read_sysreg(tcr_el1);

	tables_init(&own, false, 12, 39);
	write_sysreg(own.root, ttbr1_el1);
	tcr &= ~(1UL << 23 | 0xffUL << 16 | 3UL << 30);
	tcr |= 25UL << 16 | 1UL << 24 | 1UL << 26 | 3UL << 28 | 2UL << 30;
	write_sysreg(tcr, tcr_el1);
	isb();
	asm volatile("tlbi alle2is; dsb ish; isb" : : : "memory");
}

static void tlbi_va(u64 va)
{
	asm volatile("dsb ishst; tlbi vae2is, %0; dsb ish; isb" : : "r"(va >> 12 & 0xfffffffffffUL) : "memory");
}

static void vncr_set(u64 va)
{
	sys_write(VNCR, va);
}

/* One instruction of the guest's; x0 before it. */
static u64 guest_sys(u32 key, bool read, u64 val)
{
	return below_call(&b, EL1H, sys_code(key, read, 0), val, 0);
}

static void init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pages); i++)
		pages[i] = memory_alloc(4096);
	own_on();
	tables_map(&own, 0x1000, pages[0], 3, S1_PAGE);
	vncr_set(VA(0x1000));
	sys_write(HCR, HCR_GUEST);
}

/* ---- what the hardware does by itself ---- */

static void test_level(void)
{
	const u32 level[] = { 0xd5384240, RET };	/* mrs x0, CurrentEL */
	u64 ret;

	ret = below_call(&b, EL1H, code_of(level, 2), 0, 0);
	check(ret == BELOW_RETURN && b.x[0] == 8, "the guest believes to be at EL2", "%lx %lx", ret, b.x[0]);
	sys_write(HCR, HCR_BELOW);
	ret = below_call(&b, EL1H, code_of(level, 2), 0, 0);
	check(ret == BELOW_RETURN && b.x[0] == 4, "and without NV at EL1", "%lx %lx", ret, b.x[0]);
	ret = guest_sys(TPIDR_EL2, true, 0);
	check(ret == BELOW_EXCEPTION + 4, "where EL2's registers are UNDEFINED", "%lx %lx", ret, b.x[0]);
	sys_write(HCR, HCR_BELOW | HCR_NV);
	writeq(0x1234, pages[0] + TPIDR_OFFSET);
	ret = guest_sys(TPIDR_EL2, true, 0);
	check(ret == BELOW_RETURN && b.x[0] == 0x1234, "NV alone is NV2 too", "%lx %lx esr %lx", ret, b.x[0], b.esr);
	sys_write(HCR, HCR_BELOW | HCR_NV2);
	ret = guest_sys(TPIDR_EL2, true, 0);
	check(ret == BELOW_EXCEPTION + 4, "NV2 alone is neither", "%lx %lx", ret, b.x[0]);
	sys_write(HCR, HCR_GUEST);
}

/* List registers, and words of active priorities, that the CPU interface does not have. */
static bool is_absent(u16 key)
{
	u64 vtr = 0;
	unsigned int crm = key >> 3 & 15, n = key & 7;

	sys_read(SYSKEY(3, 4, 12, 11, 1), &vtr);
	if (key >> 7 != SYSKEY(3, 4, 12, 0, 0) >> 7)
		return false;
	if (crm == 12 || crm == 13)
		return (crm - 12) * 8 + n > (vtr & 31);
	return (crm == 8 || crm == 9) && n >= 1U << ((vtr >> 26 & 7) - 4);
}

static void test_registers(void)
{
	unsigned int i, bad = 0, n = 0;

	for (i = 0; i < ARRAY_SIZE(vncr_regs); i++) {
		const struct vncr_reg *r = &vncr_regs[i];
		u64 at = pages[0] + r->offset, ret;

		if (is_absent(r->key))
			continue;
		n++;
		writeq(0x100 + i, at);
		ret = guest_sys(r->key, true, 0);
		if (ret != BELOW_RETURN || b.x[0] != 0x100 + i) {
			bad++;
			fail(r->name, "read: %lx, x0 %lx, esr %lx", ret, b.x[0], b.esr);
			continue;
		}
		ret = guest_sys(r->key, false, 0x200 + i);
		if (ret != BELOW_RETURN || readq(at) != 0x200 + i) {
			bad++;
			fail(r->name, "write: %lx, memory %lx, esr %lx", ret, readq(at), b.esr);
		}
	}
	check(!bad && n > 30, "registers in the page", "%u of %u", bad, n);
}

/* ELR_EL2 and its like are EL1's in hardware. */
static void test_redirected(void)
{
	const u16 keys[] = { SYSKEY(3, 4, 4, 0, 0), SYSKEY(3, 4, 4, 0, 1), SYSKEY(3, 4, 5, 2, 0), SYSKEY(3, 4, 6, 0, 0) };
	u64 got[4];
	unsigned int i, expected = 0;

	for (i = 0; i < 4; i++)
		guest_sys(keys[i], false, 0x96000040 + i);
	got[0] = read_sysreg(s3_5_c4_c0_0);
	got[1] = read_sysreg(s3_5_c4_c0_1);
	got[2] = read_sysreg(s3_5_c5_c2_0);
	got[3] = read_sysreg(s3_5_c6_c0_0);
	for (i = 0; i < 4; i++)
		expected += got[i] == 0x96000040 + i;
	check_eq(expected, 4, "the guest's ELR_EL2 and its like are its EL1's");
}

/* ---- what comes to virtual EL2 ---- */

static bool is_redirected(u16 key)
{
	return key == SYSKEY(3, 4, 4, 0, 0) || key == SYSKEY(3, 4, 4, 0, 1) || key == SYSKEY(3, 4, 5, 2, 0) ||
	       key == SYSKEY(3, 4, 6, 0, 0);
}

static bool trapped(u16 key, bool read, unsigned int rt)
{
	u64 code = (u64)sys_code(key, read, rt);

	return !below_call(&b, EL1H, (void *)code, 0, 0) && b.kind == KIND_SYNC && b.pc == code &&
	       b.esr == (0x62000000UL | sys_iss(key, read, rt));
}

static void test_traps(void)
{
	const u16 sys[] = { SYSKEY(1, 4, 8, 7, 0), SYSKEY(1, 4, 8, 3, 1), SYSKEY(1, 4, 8, 3, 4), SYSKEY(1, 4, 7, 8, 0),
			    SYSKEY(1, 4, 7, 8, 4) };
	unsigned int i, bad = 0, n = 0;

	for (i = 0; i < ARRAY_SIZE(el2_regs); i++) {
		const struct el2_reg *r = &el2_regs[i];

		if ((r->key >> 11 & 7) != 4 || (r->flags & (EL2_VNCR | EL2_NO_READ)) || is_redirected(r->key))
			continue;
		n++;
		if (trapped(r->key, true, 0))
			continue;
		bad++;
		fail(r->name, "kind %lu esr %lx", b.kind, b.esr);
	}
	for (i = 0; i < ARRAY_SIZE(sys); i++) {
		n++;
		if (trapped(sys[i], false, 31))
			continue;
		bad++;
		fail("instruction", "%x: kind %lu esr %lx", sys[i], b.kind, b.esr);
	}
	check(!bad && n > 30, "other registers and instructions of EL2 trap", "%u of %u", bad, n);
}

static void test_eret(void)
{
	const u32 code[] = { ERET, RET };
	const void *fn = code_of(code, 2);
	u64 ret = below_call(&b, EL1H, fn, 0, 0);

	check(!ret && b.kind == KIND_SYNC && b.esr == ((u64)EC_ERET << 26 | 1 << 25) && b.pc == (u64)fn && b.pstate == EL1H,
	      "ERET traps", "%lx: kind %lu esr %lx pc %lx", ret, b.kind, b.esr, b.pc);
}

/* Exceptions that the guest takes at what it calls EL2: made by the hardware, and by whoever is below this EL2. */
static void test_exceptions(void)
{
	const u32 svc[] = { 0xd4000001, RET };
	u64 ret = below_call(&b, EL1H, code_of(svc, 2), 0, 0);

	check(ret == BELOW_EXCEPTION + 4 && (read_sysreg(s3_5_c4_c0_0) & 0xf) == 9, "an exception of the hardware's is from EL2",
	      "%lx, SPSR %lx", ret, read_sysreg(s3_5_c4_c0_0));
	ret = guest_sys(SYSKEY(3, 1, 0, 0, 6), true, 0);	/* SMIDR_EL1: not in such a machine */
	check(ret == BELOW_EXCEPTION + 4 && (read_sysreg(s3_5_c4_c0_0) & 0xf) == 9, "and so is one of the host's",
	      "%lx, SPSR %lx", ret, read_sysreg(s3_5_c4_c0_0));
}

/* ---- the page ---- */

static void expect_abort(const char *name, bool read, unsigned int fsc, u64 va)
{
	u64 want = (u64)EC_DABT << 26 | 1 << 25 | ISS_VNCR | (read ? 0 : ISS_WNR) | fsc;
	const void *fn = sys_code(TPIDR_EL2, read, 0);
	u64 ret = below_call(&b, EL1H, fn, 77, 0);

	check(!ret && b.kind == KIND_SYNC && b.esr == want && b.far == va + TPIDR_OFFSET && b.pc == (u64)fn, name,
	      "%lx: kind %lu esr %lx (not %lx) far %lx", ret, b.kind, b.esr, want, b.far);
}

static void expect_page(const char *name, unsigned int page)
{
	u64 ret, i;

	for (i = 0; i < ARRAY_SIZE(pages); i++)
		writeq(0xa0 + i, pages[i] + TPIDR_OFFSET);
	ret = guest_sys(TPIDR_EL2, true, 0);
	if (ret != BELOW_RETURN || b.x[0] != 0xa0 + page)
		fail(name, "read %lx: %lx esr %lx", ret, b.x[0], b.esr);
	ret = guest_sys(TPIDR_EL2, false, 0xb0 + page);
	check(ret == BELOW_RETURN && readq(pages[page] + TPIDR_OFFSET) == 0xb0 + page, name, "write %lx: %lx esr %lx", ret,
	      readq(pages[page] + TPIDR_OFFSET), b.esr);
}

static void test_page(void)
{
	u64 *entry = tables_entry(&own, 0x1000, 3);

	expect_page("mapped", 0);
	WRITE_ONCE(*entry, 0);
	tlbi_va(VA(0x1000));
	expect_abort("unmapped, read", true, 7, VA(0x1000));
	expect_abort("unmapped, write", false, 7, VA(0x1000));
	tables_map(&own, 0x1000, pages[1], 3, S1_PAGE);
	expect_page("another page", 1);
	WRITE_ONCE(*entry, 0);
	asm volatile("dsb ishst; tlbi alle2is; dsb ish; isb" : : : "memory");
	expect_abort("unmapped, with all of the regime", true, 7, VA(0x1000));
	tables_map(&own, 0x1000, pages[2], 3, S1_PAGE);
	expect_page("and a third", 2);
	tables_map(&own, 0x5000, pages[0], 3, S1_PAGE);
	vncr_set(VA(0x5000));
	expect_page("another address", 0);
	vncr_set(VA(0x1000));
	expect_page("and back", 2);
	vncr_set(VA(0x7000000000));
	expect_abort("an address without a table", true, 5, VA(0x7000000000));
	vncr_set(0x0000ff0000000000);
	expect_abort("an address of neither range", true, 4, 0x0000ff0000000000);
	tables_map(&own, 0x9000, NOWHERE, 3, S1_PAGE);
	vncr_set(VA(0x9000));
	expect_abort("no memory behind it", true, 0x10, VA(0x9000));
	vncr_set(pages[1]);
	expect_page("of the lower range", 1);
}

static void test_rights(void)
{
	u64 ret;

	tables_map(&own, 0xb000, pages[0], 3, S1_PAGE | S1_RO);
	vncr_set(VA(0xb000));
	writeq(0x5a, pages[0] + TPIDR_OFFSET);
	ret = guest_sys(TPIDR_EL2, true, 0);
	check(ret == BELOW_RETURN && b.x[0] == 0x5a, "read-only is read", "%lx %lx", ret, b.x[0]);
	expect_abort("and not written", false, 0xf, VA(0xb000));
	check_eq(readq(pages[0] + TPIDR_OFFSET), 0x5a, "so it is as before");
	WRITE_ONCE(*tables_entry(&own, 0xb000, 3), 0);
	tlbi_va(VA(0xb000));
	tables_map(&own, 0xb000, pages[0], 3, S1_PAGE);
	expect_page("writable after all", 0);
	WRITE_ONCE(*tables_entry(&own, 0xb000, 3), (pages[0] | S1_PAGE | 3) & ~(1UL << 10));
	tlbi_va(VA(0xb000));
	expect_abort("access flag", true, 0xb, VA(0xb000));
}

/* TLB maintenance of any address in a block is for all of it. */
static void test_block(void)
{
	u64 block = pages[0] & ~(tables_block(&own, 2) - 1), in = tables_block(&own, 2) * 3, va = VA(in + (pages[0] - block));

	tables_map(&own, in, block, 2, S1_PAGE);
	vncr_set(va);
	expect_page("in a block", 0);
	tlbi_va(VA(in) - 0x1000);
	expect_page("its neighbour's TLBI changes nothing", 0);
	WRITE_ONCE(*tables_entry(&own, in, 2), 0);
	tlbi_va(VA(in));
	expect_abort("the block's does", true, 6, va);
}

static void test_off(void)
{
	u64 sctlr = read_sysreg(sctlr_el1);

	vncr_set(VA(0x1000));
	expect_page("before the MMU is off", 2);
	vncr_set(pages[1]);
	write_sysreg(sctlr & ~1UL, sctlr_el1);
	isb();
	below_call(&b, EL1H, sys_code(TPIDR_EL2, false, 0), 0x77, 0);
	write_sysreg(sctlr, sctlr_el1);
	isb();
	check_eq(readq(pages[1] + TPIDR_OFFSET), 0x77, "with the MMU off the address is the machine's");
}

void payload_main(void)
{
	el2_init();
	init();
	test_level();
	test_registers();
	test_redirected();
	test_traps();
	test_eret();
	test_exceptions();
	test_page();
	test_rights();
	test_block();
	test_off();
	sys_write(HCR, HCR_BELOW);
}
