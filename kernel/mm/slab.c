// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects: size classes of 16 to 2048 bytes, cut from single pages, and whole pages beyond. A slab page keeps its state
 * in its struct page: `order` is the class, `refs` packs the first free object and the count in use, `list` hangs it on
 * its class's list of pages with room. Locks: one per class (irq-safe), outside page_lock.
 */
#include "kernel/debug/print.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kernel/mm/page_init.h"
#include "kernel/sched/lock.h"

#define NR_CLASSES	12
#define KMALLOC_MAX	(PAGE_SIZE << MAX_ORDER)
#ifdef CONFIG_KASAN
#define REDZONE		16
#else
#define REDZONE		0
#endif

static const u16 class_size[NR_CLASSES] = { 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048 };
static u8 class_of_16[2048 / 16 + 1];

static struct kcache {
	spinlock_t lock;
	struct list partial;
	bool ready;
	struct page *spare;	/* one empty page kept back */
} caches[NR_CLASSES];

/* refs of a slab page: index + 1 of the first free object << 16 | objects in use. */
static unsigned slab_used(const struct page *p) { return p->refs & 0xffff; }
static unsigned slab_free(const struct page *p) { return p->refs >> 16; }
static void slab_set(struct page *p, unsigned free, unsigned used) { p->refs = free << 16 | used; }

static void *slab_obj(struct page *p, unsigned c, unsigned i)
{
	return (char *)page_to_va(p) + i * class_size[c];
}

static unsigned size_class(size_t size)
{
	unsigned i = (size + 15) / 16, c;

	if (!class_of_16[1]) {
		/* The same answer whoever computes it first. */
		for (unsigned k = 2048 / 16; k > 0; k--) {
			for (c = 0; class_size[c] < k * 16; c++)
				;
			WRITE_ONCE(class_of_16[k], c + 1);
		}
	}
	return READ_ONCE(class_of_16[i]) - 1;
}

static struct page *slab_new(unsigned c)
{
	struct page *p = page_alloc(0, 0);
	unsigned n = PAGE_SIZE / class_size[c];

	if (!p)
		return NULL;
	p->flags = PG_SLAB;
	p->order = c;
	for (unsigned i = 0; i < n; i++)
		*(u32 *)slab_obj(p, c, i) = i + 1 < n ? i + 2 : 0;
	slab_set(p, 1, 0);
	kasan_poison(page_to_va(p), PAGE_SIZE, KASAN_FREE);
	return p;
}

static void slab_release(struct page *p)
{
	p->refs = 1;
	page_put(p);
}

/* Uninstrumented: the link lies in a poisoned object. */
#ifdef CONFIG_KASAN
__attribute__((no_sanitize_address))
#endif
static u32 link_get(void *obj)
{
	return *(u32 *)obj;
}

#ifdef CONFIG_KASAN
__attribute__((no_sanitize_address))
#endif
static void link_set(void *obj, u32 v)
{
	*(u32 *)obj = v;
}

static void *class_alloc(unsigned c)
{
	struct kcache *k = &caches[c];
	u64 flags = spin_lock_irqsave(&k->lock);
	struct page *p;
	unsigned i;
	void *obj;

	if (!k->ready) {
		list_init(&k->partial);
		k->ready = true;
	}
	if (list_empty(&k->partial)) {
		p = k->spare;
		k->spare = NULL;
		if (!p)
			p = slab_new(c);
		if (!p) {
			spin_unlock_irqrestore(&k->lock, flags);
			return NULL;
		}
		list_add(&p->list, &k->partial);
	}
	p = list_first(&k->partial, struct page, list);
	i = slab_free(p);
	ASSERT(i && i <= PAGE_SIZE / class_size[c]);
	obj = slab_obj(p, c, i - 1);
	slab_set(p, link_get(obj), slab_used(p) + 1);
	if (!slab_free(p))
		list_del(&p->list);
	spin_unlock_irqrestore(&k->lock, flags);
	return obj;
}

static void class_free(struct page *p, void *obj)
{
	unsigned c = p->order, i;
	struct kcache *k = &caches[c];
	struct page *drop = NULL;
	u64 off = (u64)obj & ~PAGE_MASK, flags;

	ASSERT(off % class_size[c] == 0);
	i = off / class_size[c];
	flags = spin_lock_irqsave(&k->lock);
	ASSERT(slab_used(p) > 0 && slab_free(p) != i + 1);
	if (!slab_free(p))
		list_add(&p->list, &k->partial);
	link_set(obj, slab_free(p));
	slab_set(p, i + 1, slab_used(p) - 1);
	if (!slab_used(p)) {
		list_del(&p->list);
		drop = k->spare;
		k->spare = p;
	}
	spin_unlock_irqrestore(&k->lock, flags);
	if (drop)
		slab_release(drop);
}

static void *large_alloc(size_t size)
{
	u64 n = ALIGN_UP(size, PAGE_SIZE) >> PAGE_SHIFT;
	unsigned order = n > 1 ? 64 - __builtin_clzl(n - 1) : 0;
	struct page *p = page_alloc(order, 0);

	if (!p)
		return NULL;
	for (u64 i = n; i < 1UL << order; i++)
		page_put(p + i);
	p->flags = PG_LARGE;
	p->index = n;
	return page_to_va(p);
}

#ifdef CONFIG_KASAN
/* Freed objects rest here before they can be handed out again. */
#define QUARANTINE 128
static void *quarantine[QUARANTINE];
static unsigned quarantine_next;
static spinlock_t quarantine_lock;

static void *quarantine_swap(void *obj)
{
	u64 flags = spin_lock_irqsave(&quarantine_lock);
	void *old = quarantine[quarantine_next];

	quarantine[quarantine_next] = obj;
	quarantine_next = (quarantine_next + 1) % QUARANTINE;
	spin_unlock_irqrestore(&quarantine_lock, flags);
	return old;
}
#endif

void *kmalloc(size_t size)
{
	void *p;

	if (!size)
		size = 1;
	if (size > KMALLOC_MAX || alloc_must_fail())
		return NULL;
	if (size + REDZONE > 2048)
		return large_alloc(size);
	p = class_alloc(size_class(size + REDZONE));
	if (p)
		kasan_unpoison(p, size);
	return p;
}

void *kzalloc(size_t size)
{
	void *p = kmalloc(size);

	return p ? memset(p, 0, size) : NULL;
}

void *kcalloc(size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		return NULL;
	return kzalloc(total);
}

size_t kmalloc_usable(const void *p)
{
	struct page *pg = pa_to_page(va_to_pa(p));

	if (pg->flags & PG_SLAB)
		return class_size[pg->order] - REDZONE;
	ASSERT(pg->flags & PG_LARGE);
	return pg->index << PAGE_SHIFT;
}

void *krealloc(void *p, size_t size)
{
	size_t old = p ? kmalloc_usable(p) : 0;
	void *n;

	if (p && size <= old && size * 2 > old) {
		kasan_unpoison(p, size);
		return p;
	}
	n = kmalloc(size);
	if (!n)
		return NULL;
	if (p) {
		kasan_unpoison(p, MIN(old, size));
		memcpy(n, p, MIN(old, size));
		kfree(p);
	}
	return n;
}

void kfree(void *p)
{
	struct page *pg;

	if (!p)
		return;
	pg = pa_to_page(va_to_pa(p));
	ASSERT(pg);
	if (pg->flags & PG_SLAB) {
#ifdef CONFIG_KASAN
		kasan_poison(p, class_size[pg->order], KASAN_FREE);
		p = quarantine_swap(p);
		if (!p)
			return;
		pg = pa_to_page(va_to_pa(p));
#endif
		class_free(pg, p);
		return;
	}
	ASSERT((pg->flags & PG_LARGE) && IS_ALIGNED((u64)p, PAGE_SIZE));
	pg->flags = 0;
	for (u64 i = 0, n = pg->index; i < n; i++)
		page_put(pg + i);
}

char *kstrdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *d = kmalloc(n);

	return d ? memcpy(d, s, n) : NULL;
}
