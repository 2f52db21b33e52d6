// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's side of pt_hooks.h: TLB and cache maintenance, pages for tables. Arm ARM D8.16 and the TLBI pages of
 * C5.5. The host runs with HCR_EL2.{E2H,TGE}={1,1}, where TLBI *E1* mean the EL2&0 regime.
 */
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/mm/pt_hooks.h"

#define HCR_TGE		BIT(27)
#define TLBI_VA(va)	(((u64)(va) >> 12) & GENMASK(43, 0))

/* Guest TLB operations name the current VMID, and need TGE=0 to mean the EL1&0 regime. */
struct vmid_ctx {
	u64 irq, hcr, vttbr;
};

static void vmid_enter(struct vmid_ctx *c, u64 vttbr)
{
	c->irq = local_irq_save();
	c->hcr = read_sysreg(hcr_el2);
	c->vttbr = read_sysreg(vttbr_el2);
	write_sysreg(vttbr, vttbr_el2);
	write_sysreg(c->hcr & ~HCR_TGE, hcr_el2);
	isb();
}

static void vmid_leave(struct vmid_ctx *c)
{
	write_sysreg(c->hcr, hcr_el2);
	write_sysreg(c->vttbr, vttbr_el2);
	isb();
	local_irq_restore(c->irq);
}

void pt_flush_vmid(u64 vttbr)
{
	struct vmid_ctx c;

	dsb(ishst);
	vmid_enter(&c, vttbr);
	asm volatile("tlbi vmalls12e1is\n\tdsb ish\n\tisb" : : : "memory");
	vmid_leave(&c);
}

void pt_flush_all_vmids(void)
{
	dsb(ishst);
	asm volatile("tlbi alle1is\n\tdsb ish\n\tisb" : : : "memory");
}

static void stage2_tlbi(struct ptable *pt, u64 ia, bool leaf)
{
	struct vmid_ctx c;
	u64 ipa = (ia >> 12) & GENMASK(39, 0);

	vmid_enter(&c, pt->vttbr);
	if (leaf)
		asm volatile("tlbi ipas2le1is, %0" : : "r"(ipa) : "memory");
	else
		asm volatile("tlbi ipas2e1is, %0" : : "r"(ipa) : "memory");
	/* Combined entries are tagged by VA only: all of stage 1 goes, once stage 2 is known to be gone. */
	asm volatile("dsb ish\n\ttlbi vmalle1is\n\tdsb ish\n\tisb" : : : "memory");
	vmid_leave(&c);
}

void hook_tlbi(struct ptable *pt, u64 ia, bool leaf)
{
	u64 op = TLBI_VA(ia);

	switch (pt->kind) {
	case PT_KERNEL:
		asm volatile("tlbi vaae1is, %0" : : "r"(op) : "memory");
		break;
	case PT_USER:
		op |= (u64)READ_ONCE(pt->id) << 48;
		if (leaf)
			asm volatile("tlbi vale1is, %0" : : "r"(op) : "memory");
		else
			asm volatile("tlbi vae1is, %0" : : "r"(op) : "memory");
		break;
	case PT_STAGE2:
		stage2_tlbi(pt, ia, leaf);
		break;
	}
}

void hook_tlbi_all(struct ptable *pt)
{
	switch (pt->kind) {
	case PT_KERNEL:
		asm volatile("tlbi vmalle1is" : : : "memory");
		break;
	case PT_USER:
		asm volatile("tlbi aside1is, %0" : : "r"((u64)READ_ONCE(pt->id) << 48) : "memory");
		break;
	case PT_STAGE2:
		pt_flush_vmid(pt->vttbr);
		break;
	}
}

void hook_clean(pa_t pa, u64 size)
{
	u64 line = 4UL << ((read_sysreg(ctr_el0) >> 16) & 15);
	char *p = pa_to_va(pa), *end = p + size;

	if (!pa_to_page(pa))
		return;		/* not RAM: not in the direct map, and not cached */
	for (; p < end; p += line)
		asm volatile("dc civac, %0" : : "r"(p) : "memory");
	dsb(sy);
}

u64 *hook_table_alloc(unsigned order)
{
	struct page *p;

	if (!page_ready) {
		ASSERT(order == 0);
		return page_early();
	}
	p = page_alloc(order, ALLOC_ZERO);
	if (!p)
		return NULL;
	for (unsigned i = 0; i < 1U << order; i++)
		p[i].flags |= PG_TABLE;
	return page_to_va(p);
}

static void table_release(struct rcu_head *h)
{
	page_put((struct page *)((char *)h - offsetof(struct page, list)));
}

void hook_table_free(u64 *table, unsigned order)
{
	struct page *p = pa_to_page(va_to_pa(table));

	_Static_assert(sizeof(struct rcu_head) <= sizeof(struct list), "rcu_head lives in struct page");
	for (unsigned i = 0; i < 1U << order; i++) {
		ASSERT(p[i].flags & PG_TABLE);
		rcu_defer((struct rcu_head *)&p[i].list, table_release);
	}
}

void hook_table_free_now(u64 *table)
{
	page_put(pa_to_page(va_to_pa(table)));
}
