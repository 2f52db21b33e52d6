// SPDX-License-Identifier: GPL-2.0-only
/* Memory: allocators give back what they took, mappings and faults of an address space without a process. */
#include <linux/errno.h>
#include <linux/mman.h>

#include "kernel/cpu/entry.h"
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/selftest.h"
#include "kernel/lib/random.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kernel/mm/page_init.h"
#include "kernel/mm/ptable.h"
#include "kernel/sched/rcu.h"
#include "linux/mm/mm.h"

#define SLACK	600	/* pages that slabs, quarantine and freed table pages may keep */
#define AT	0x10000000UL

static bool close_to(u64 before)
{
	u64 now;

	rcu_barrier();
	now = pages_free();
	if (now + SLACK < before)
		pr_err("free pages: %lu before, %lu now\n", (unsigned long)before, (unsigned long)now);
	return now + SLACK >= before;
}

SELFTEST(page_alloc)
{
	u64 before = pages_free();
	struct page *p[MAX_ORDER + 1];

	for (unsigned o = 0; o <= MAX_ORDER; o++) {
		p[o] = page_alloc(o, ALLOC_ZERO);
		REQUIRE(p[o]);
		CHECK(IS_ALIGNED(page_to_pa(p[o]).v, PAGE_SIZE << o));
		CHECK(pa_to_page(page_to_pa(p[o])) == p[o]);
		for (u64 i = 0; i < (PAGE_SIZE << o) / 8; i += 61)
			CHECK(((u64 *)page_to_va(p[o]))[i] == 0);
		memset(page_to_va(p[o]), 0xa5, PAGE_SIZE << o);
	}
	CHECK(pages_free() == before - ((2UL << MAX_ORDER) - 1));
	/* One page of a block stays: the others go. */
	page_get(p[9] + 17);
	for (unsigned o = 0; o <= MAX_ORDER; o++)
		pages_put(p[o], o);
	CHECK(pages_free() == before - 1);
	page_put(p[9] + 17);
	CHECK(pages_free() == before);
	CHECK(!page_alloc(MAX_ORDER + 1, 0));
	CHECK(!pa_to_page(PA(0xfffffffff000UL)));
}

SELFTEST(kmalloc)
{
	static void *p[256];
	static u32 size[256];
	u64 before = pages_free();

	for (unsigned step = 0; step < 4000; step++) {
		u32 r[2];
		unsigned i;

		random_bytes(r, sizeof(r));
		i = r[0] % 256;
		if (p[i]) {
			CHECK(*(u8 *)p[i] == (u8)i && ((u8 *)p[i])[size[i] - 1] == (u8)i);
			if (r[1] & 1) {
				u32 n = 1 + r[1] % 9000;

				p[i] = krealloc(p[i], n);
				REQUIRE(p[i]);
				CHECK(*(u8 *)p[i] == (u8)i);
				size[i] = n;
				memset(p[i], i, n);
				continue;
			}
			kfree(p[i]);
			p[i] = NULL;
			continue;
		}
		size[i] = 1 + r[1] % (step % 8 ? 600 : 20000);
		p[i] = kmalloc(size[i]);
		REQUIRE(p[i]);
		CHECK(IS_ALIGNED((u64)p[i], 16) && kmalloc_usable(p[i]) >= size[i]);
		memset(p[i], i, size[i]);
	}
	for (unsigned i = 0; i < 256; i++) {
		kfree(p[i]);
		p[i] = NULL;
	}
	CHECK(close_to(before));
	CHECK(!kmalloc(1UL << 40));
	CHECK(!kcalloc(1UL << 33, 1UL << 33));
}

SELFTEST(vmalloc)
{
	u64 before = pages_free();
	char *p = vmalloc(5 * PAGE_SIZE + 1), *q;

	REQUIRE(p);
	CHECK(p[0] == 0 && p[6 * PAGE_SIZE - 1] == 0);
	memset(p, 1, 6 * PAGE_SIZE);
	CHECK(!pt_lookup(&kernel_pt, (u64)p - PAGE_SIZE, NULL, NULL, NULL));
	CHECK(!pt_lookup(&kernel_pt, (u64)p + 6 * PAGE_SIZE, NULL, NULL, NULL));
	vfree(p);
	CHECK(!pt_lookup(&kernel_pt, (u64)p, NULL, NULL, NULL));
	q = vmalloc(6 * PAGE_SIZE);
	CHECK(q == p);
	vfree(q);
	CHECK(!vmalloc(1UL << 50));
	CHECK(close_to(before));
}

struct wx {
	u64 both, exec;
};

static void wx_leaf(void *arg, u64 ia, pa_t pa, u64 size, unsigned perm)
{
	struct wx *w = arg;

	w->exec += perm & PT_X ? size : 0;
	w->both += (perm & (PT_W | PT_X)) == (PT_W | PT_X) ? size : 0;
}

SELFTEST(kernel_wx)
{
	struct wx w = {};
	extern char _text[], _data[];
	unsigned perm;

	pt_for_each(&kernel_pt, DIRECT_MAP, -DIRECT_MAP, wx_leaf, &w);
	CHECK(w.both == 0);
	CHECK(w.exec > 0 && w.exec <= 16UL << 20);
	CHECK(pt_lookup(&kernel_pt, DIRECT_MAP + va_to_pa(_text).v, NULL, &perm, NULL) && !(perm & (PT_W | PT_X)));
	CHECK(pt_lookup(&kernel_pt, (u64)_data, NULL, &perm, NULL) && (perm & PT_W));
}

static s64 map(struct mm *mm, u64 addr, u64 len, u32 prot, u32 flags, struct memobj *o)
{
	struct map_request rq = { .addr = addr, .len = len, .prot = prot, .flags = flags, .obj = o };

	return mm_map(mm, &rq);
}

static u64 peek(struct mm *mm, u64 addr)
{
	u64 v = ~0UL;

	CHECK(mm_access(mm, addr, &v, sizeof(v), false) == sizeof(v));
	return v;
}

static bool poke(struct mm *mm, u64 addr, u64 v)
{
	return mm_access(mm, addr, &v, sizeof(v), true) == sizeof(v);
}

#define ANON	(MAP_PRIVATE | MAP_ANONYMOUS)
#define RW	(PROT_READ | PROT_WRITE)

SELFTEST(mm_anonymous)
{
	u64 before = pages_free();
	struct mm *mm = mm_create();
	struct page *p;
	bool writable, block;

	REQUIRE(mm);
	CHECK(map(mm, AT, 8UL << 20, RW, ANON | MAP_FIXED, NULL) == AT);
	CHECK(map(mm, AT, PAGE_SIZE, RW, ANON | MAP_FIXED_NOREPLACE, NULL) == -EEXIST);
	CHECK(mm_fault(mm, AT - 1, 0) == -EFAULT);
	CHECK(peek(mm, AT) == 0);
	CHECK(poke(mm, AT + 8, 5) && peek(mm, AT + 8) == 5);
	/* A block at once, also where only the zero page was. */
	CHECK(!mm_pin(mm, AT + BLOCK_SIZE, true, &p, &writable, &block));
	CHECK(writable && block);
	page_put(p);
	CHECK(!mm_fault(mm, AT + 2 * BLOCK_SIZE + PAGE_SIZE, 0));
	CHECK(poke(mm, AT + 2 * BLOCK_SIZE, 1));
	CHECK(mm->rss == 3 * 512);
	/* Holes in blocks. */
	CHECK(!mm_unmap(mm, AT + PAGE_SIZE, PAGE_SIZE));
	CHECK(peek(mm, AT + 8) == 5);
	CHECK(!poke(mm, AT + PAGE_SIZE, 1));
	CHECK(!mm_protect(mm, AT, PAGE_SIZE, PROT_READ));
	CHECK(!poke(mm, AT, 1) && peek(mm, AT + 8) == 5);
	CHECK(mm_fault(mm, AT, FAULT_WRITE) == -EACCES);
	CHECK(!mm_protect(mm, AT, PAGE_SIZE, RW));
	CHECK(poke(mm, AT, 7) && peek(mm, AT) == 7);
	CHECK(mm_protect(mm, AT, 3 * PAGE_SIZE, RW) == -ENOMEM);
	CHECK(mm->rss == 3 * 512 - 1);
	mm_put(mm);
	CHECK(close_to(before));
}

static unsigned begun, ended;
static u64 last_start, last_end;
static bool released;

static void note_begin(struct mmu_notifier *n, u64 start, u64 end)
{
	begun++;
	last_start = start;
	last_end = end;
}

static void note_end(struct mmu_notifier *n, u64 start, u64 end)
{
	ended++;
}

static void note_release(struct mmu_notifier *n)
{
	released = true;
}

SELFTEST(mm_fork_and_notifiers)
{
	u64 before = pages_free(), at = AT + 4 * BLOCK_SIZE;
	struct mm *mm = mm_create(), *child;
	struct mmu_notifier n = { .begin = note_begin, .end = note_end, .release = note_release };

	REQUIRE(mm);
	begun = ended = 0;
	released = false;
	mm_notifier_add(mm, &n);
	CHECK(map(mm, AT, 2 * BLOCK_SIZE, RW, ANON | MAP_FIXED, NULL) == AT);
	CHECK(map(mm, at, 4 * PAGE_SIZE, RW, ANON | MAP_FIXED, NULL) == (s64)at);
	CHECK(poke(mm, AT, 1) && poke(mm, at, 2));
	CHECK(begun == 0);
	child = mm_fork(mm);
	REQUIRE(child);
	CHECK(begun == 2 && ended == 2);
	CHECK(peek(child, AT) == 1 && peek(child, at) == 2);
	/* Copies on both sides; the parent's is announced. */
	CHECK(poke(child, AT, 10) && poke(child, at, 20));
	CHECK(begun == 2);
	CHECK(peek(mm, AT) == 1 && peek(mm, at) == 2);
	CHECK(poke(mm, AT, 1));		/* the child has its own by now: nothing to copy */
	CHECK(begun == 2);
	CHECK(poke(mm, AT + PAGE_SIZE, 3));
	CHECK(begun == 3 && ended == 3 && last_start == AT + PAGE_SIZE && last_end == AT + 2 * PAGE_SIZE);
	CHECK(peek(child, AT + PAGE_SIZE) == 0 && peek(child, AT) == 10);
	mm_put(child);
	/* The other owner is gone: no copy any more. */
	CHECK(poke(mm, AT + 2 * PAGE_SIZE, 4));
	CHECK(begun == 3);
	CHECK(!mm_unmap(mm, at, PAGE_SIZE));
	CHECK(begun == 4 && last_start == at);
	mm_put(mm);
	CHECK(released && begun == ended);
	CHECK(close_to(before));
}

SELFTEST(mm_objects)
{
	u64 before = pages_free(), at = AT + 8 * BLOCK_SIZE, v = 0x77;
	struct memobj *o = memobj_create(4 * BLOCK_SIZE);
	struct mm *mm = mm_create();
	struct page *p;
	bool writable, block;

	REQUIRE(mm && o);
	CHECK(map(mm, AT, 4 * BLOCK_SIZE, RW, MAP_SHARED | MAP_FIXED, o) == AT);
	CHECK(map(mm, at, 4 * BLOCK_SIZE, RW, MAP_PRIVATE | MAP_FIXED, o) == (s64)at);
	CHECK(!mm_pin(mm, AT + 5, true, &p, &writable, &block));
	CHECK(writable && block);
	page_put(p);
	CHECK(poke(mm, AT, 1) && peek(mm, at) == 1);
	CHECK(memobj_write(o, 8, &v, 8) == 8 && peek(mm, AT + 8) == v && peek(mm, at + 8) == v);
	CHECK(poke(mm, at + 16, 9) && peek(mm, AT + 16) == 0);
	/* A hole, then the end. */
	CHECK(!memobj_punch(o, PAGE_SIZE, PAGE_SIZE));
	CHECK(peek(mm, AT + PAGE_SIZE) == 0 && peek(mm, AT) == 1);
	CHECK(!memobj_resize(o, PAGE_SIZE / 2));
	CHECK(peek(mm, AT) == 1);
	CHECK(mm_fault(mm, AT + PAGE_SIZE, 0) == -EIO);
	CHECK(mm_fault(mm, at + BLOCK_SIZE, 0) == -EIO);
	CHECK(!memobj_resize(o, 4 * BLOCK_SIZE));
	CHECK(peek(mm, AT + PAGE_SIZE) == 0);
	CHECK(o->npages <= 2);
	memobj_put(o);
	mm_put(mm);
	CHECK(close_to(before));
}

SELFTEST(mm_out_of_memory)
{
	static struct list hog;
	u64 before = pages_free();
	struct mm *mm = mm_create();
	struct page *p;
	int err = 0;

	REQUIRE(mm);
	list_init(&hog);
	CHECK(map(mm, AT, 64UL << 20, RW, ANON | MAP_FIXED, NULL) == AT);
	for (unsigned o = MAX_ORDER;; o--) {
		while (pages_free() > 2000 && (p = page_alloc(o, 0)))
			for (u64 i = 0; i < 1UL << o; i++)
				list_add(&p[i].list, &hog);
		if (!o)
			break;
	}
	for (u64 a = AT; !err && a < AT + (64UL << 20); a += PAGE_SIZE)
		err = mm_fault(mm, a, FAULT_WRITE);
	CHECK(err == -ENOMEM);
	mm_put(mm);
	while (!list_empty(&hog)) {
		p = list_first(&hog, struct page, list);
		list_del(&p->list);
		page_put(p);
	}
	CHECK(close_to(before));
}
