// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtually contiguous kernel memory between VMAP_BASE and VMAP_END, each area with an unmapped page before and after.
 * vmap_lock (irq-safe) protects the areas and excludes changes of this part of the kernel's table. Freed addresses are
 * used again for areas of the same size, so that thread stacks do not eat up page tables.
 */
#include "kernel/debug/print.h"
#include "kernel/lib/tree.h"
#include "kernel/mm/page.h"
#include "kernel/mm/page_init.h"
#include "kernel/mm/ptable.h"
#include "kernel/sched/lock.h"

struct varea {
	struct tree_node node;	/* first mapped address; in vmap_tree while in use */
	struct list link;	/* vmap_free otherwise */
	u64 pages;		/* without guards */
	bool device;
};

static spinlock_t vmap_lock;
static struct tree vmap_tree;
static struct list vmap_free = LIST_INIT(vmap_free);
static u64 vmap_next = VMAP_BASE + PAGE_SIZE;

static struct varea *varea_get(u64 pages)
{
	struct varea *v, *found = NULL;
	u64 flags = spin_lock_irqsave(&vmap_lock), start;

	list_for_each(v, &vmap_free, link) {
		if (v->pages == pages) {
			found = v;
			break;
		}
	}
	if (found) {
		list_del(&found->link);
		tree_insert(&vmap_tree, &found->node, found->node.key);
	}
	spin_unlock_irqrestore(&vmap_lock, flags);
	if (found)
		return found;
	v = kzalloc(sizeof(*v));
	if (!v)
		return NULL;
	flags = spin_lock_irqsave(&vmap_lock);
	start = vmap_next;
	if (pages < (VMAP_END - start) >> PAGE_SHIFT) {
		vmap_next = start + ((pages + 1) << PAGE_SHIFT);
		v->pages = pages;
		tree_insert(&vmap_tree, &v->node, start);
		spin_unlock_irqrestore(&vmap_lock, flags);
		return v;
	}
	spin_unlock_irqrestore(&vmap_lock, flags);
	kfree(v);
	return NULL;
}

static void varea_put_page(void *arg, u64 ia, pa_t pa, u64 size, unsigned perm)
{
	struct page *p = pa_to_page(pa);

	ASSERT(p);
	for (u64 i = 0; i < size >> PAGE_SHIFT; i++)
		page_put(p + i);
}

/* Unmap, give memory back, keep the addresses for the next one of the size. */
static void varea_put(struct varea *v)
{
	u64 start = v->node.key, flags = spin_lock_irqsave(&vmap_lock);
	int err = pt_unmap(&kernel_pt, start, v->pages << PAGE_SHIFT, v->device ? NULL : varea_put_page, NULL);

	ASSERT(!err);		/* areas hold no block that sticks out */
	tree_remove(&vmap_tree, &v->node);
	v->node.key = start;
	v->device = false;
	list_add(&v->link, &vmap_free);
	spin_unlock_irqrestore(&vmap_lock, flags);
}

static int varea_map(u64 va, pa_t pa, u64 size, unsigned perm)
{
	u64 flags = spin_lock_irqsave(&vmap_lock);
	int err = pt_map(&kernel_pt, va, pa, size, perm, NULL);

	spin_unlock_irqrestore(&vmap_lock, flags);
	return err;
}

void *vmalloc(size_t size)
{
	u64 n = ALIGN_UP(size, PAGE_SIZE) >> PAGE_SHIFT;
	struct varea *v;

	if (!n || n > pages_total())
		return NULL;
	v = varea_get(n);
	if (!v)
		return NULL;
	for (u64 i = 0; i < n; i++) {
		struct page *p = page_alloc(0, ALLOC_ZERO);

		if (p && !varea_map(v->node.key + (i << PAGE_SHIFT), page_to_pa(p), PAGE_SIZE, PT_R | PT_W))
			continue;
		if (p)
			page_put(p);
		varea_put(v);
		return NULL;
	}
	return (void *)v->node.key;
}

void vfree(void *p)
{
	struct tree_node *n;
	u64 flags;

	if (!p)
		return;
	flags = spin_lock_irqsave(&vmap_lock);
	n = tree_find(&vmap_tree, (u64)p);
	spin_unlock_irqrestore(&vmap_lock, flags);
	ASSERT(n);
	varea_put(container_of(n, struct varea, node));
}

void *ioremap(pa_t pa, size_t size)
{
	u64 off = pa.v & ~PAGE_MASK;
	struct varea *v;

	size = ALIGN_UP(size + off, PAGE_SIZE);
	v = varea_get(size >> PAGE_SHIFT);
	if (!v)
		return NULL;
	v->device = true;
	if (varea_map(v->node.key, PA(pa.v - off), size, PT_R | PT_W | PT_DEVICE)) {
		varea_put(v);
		return NULL;
	}
	return (char *)v->node.key + off;
}

void *window_create(void)
{
	struct varea *v = varea_get(1);

	if (!v)
		return NULL;
	v->device = true;	/* what it shows is not its own */
	return (void *)v->node.key;
}

int window_set(void *w, pa_t page, bool writable)
{
	return varea_map((u64)w, page, PAGE_SIZE, PT_R | (writable ? PT_W : 0));
}

void window_clear(void *w)
{
	u64 flags = spin_lock_irqsave(&vmap_lock);
	int err = pt_unmap(&kernel_pt, (u64)w, PAGE_SIZE, NULL, NULL);

	ASSERT(!err);		/* one page: nothing to split */
	spin_unlock_irqrestore(&vmap_lock, flags);
}

void window_destroy(void *w)
{
	vfree(w);
}
