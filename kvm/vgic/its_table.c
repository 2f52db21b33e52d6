// SPDX-License-Identifier: GPL-2.0-only
/*
 * An ITS's tables to the guest's memory and back, for KVM_DEV_ARM_ITS_SAVE_TABLES and _RESTORE_TABLES, in revision 0 of
 * the layout (Linux, devices/arm-vgic-its.rst): entries of 8 bytes; a device's and an event's names how far the next one
 * is. its->mutex held, all vCPUs out of KVM_RUN. What is read may be anything.
 */
#include "kernel/lib/string.h"
#include "kvm/vgic/its.h"

#define VALID		BIT(63)
#define DTE_NEXT_SHIFT	49
#define DTE_NEXT_MAX	(BIT(14) - 1)
#define DTE_ITT		GENMASK(48, 5)
#define DTE_BITS	GENMASK(4, 0)
#define ITE_NEXT_SHIFT	48
#define ITE_LPI_SHIFT	16
#define CTE_PE_SHIFT	16
#define CTE_NO_PE	0xffffffffUL
#define L1_ADDR		GENMASK(51, 16)
#define PER_READ	64		/* entries */

static int entry_write(struct its *its, u64 addr, u64 val)
{
	return its->d->ops->mem_write(its->d, addr, &val, sizeof(val));
}

/* What an earlier save left before the first entry would be found first. */
static int entries_clear(struct its *its, u64 addr, u32 n)
{
	static const u64 zero[PER_READ];
	int ret = 0;

	for (; n && !ret; n -= MIN(n, (u32)PER_READ), addr += sizeof(zero))
		ret = its->d->ops->mem_write(its->d, addr, zero, MIN(n, (u32)PER_READ) * ITS_ESZ);
	return ret;
}

static int itt_save(struct its *its, const struct its_device *dev)
{
	u64 first = dev->node.key << ITS_ID_BITS;
	struct tree_node *n = tree_ceil(&its->events, first), *next;
	int ret;

	if (n && n->key >> ITS_ID_BITS != dev->node.key)
		n = NULL;
	ret = entries_clear(its, dev->itt, n ? n->key - first : BIT(dev->bits));
	for (; n && !ret; n = next) {
		const struct its_event *e = container_of(n, struct its_event, node);
		u64 step = 0;

		next = tree_next(n);
		if (next && next->key >> ITS_ID_BITS == dev->node.key)
			step = next->key - n->key;
		else
			next = NULL;
		ret = entry_write(its, dev->itt + (n->key - first) * ITS_ESZ,
				  step << ITE_NEXT_SHIFT | (u64)e->lpi << ITE_LPI_SHIFT | e->coll);
	}
	return ret;
}

static int devices_save(struct its *its)
{
	struct tree_node *n, *next;
	int ret;

	if (!(its->baser[ITS_DEVICES] & BASER_VALID))
		return 0;
	for (n = tree_first(&its->devices); n; n = next) {
		const struct its_device *dev = container_of(n, struct its_device, node);
		u64 step, addr;

		next = tree_next(n);
		step = next ? MIN(next->key - n->key, DTE_NEXT_MAX) : 0;
		if (!its_entry_addr(its, ITS_DEVICES, n->key, &addr))
			return -EINVAL;
		ret = itt_save(its, dev);
		if (!ret)
			ret = entry_write(its, addr, VALID | step << DTE_NEXT_SHIFT | dev->itt >> 8 << 5 | (dev->bits - 1));
		if (ret)
			return ret;
	}
	return 0;
}

static u64 table_entries(u64 baser)
{
	return MIN(((baser & 0xff) + 1) * ITS_L2_SIZE / ITS_ESZ, BIT(ITS_ID_BITS));
}

/* Collections one after the other, whatever their numbers; the end is marked if there is room for it. */
static int colls_save(struct its *its)
{
	u64 baser = its->baser[ITS_COLLS], addr = its_table_addr(baser), left = table_entries(baser);
	struct tree_node *n;
	int ret = 0;

	if (!(baser & BASER_VALID))
		return 0;
	for (n = tree_first(&its->colls); n && left && !ret; n = tree_next(n), left--, addr += ITS_ESZ) {
		const struct its_coll *c = container_of(n, struct its_coll, node);
		u64 pe = c->pe == VGIC_NONE ? CTE_NO_PE : its->d->pes[c->pe]->id;

		ret = entry_write(its, addr, VALID | pe << CTE_PE_SHIFT | n->key);
	}
	return ret || !left ? ret : entry_write(its, addr, 0);
}

int its_save(struct its *its)
{
	int ret = devices_save(its);

	return ret ? ret : colls_save(its);
}

/*
 * A table from addr on, of entries first to end - 1. each: how far the next entry is, 0 for the last one, -errno.
 * 1: came to the end, 0: the last one was seen.
 */
static int table_scan(struct its *its, u64 addr, u32 first, u32 end,
		      int (*each)(struct its *its, u32 id, u64 entry, void *arg), void *arg)
{
	u64 buf[PER_READ];
	u32 id = first, have = first, from = first;
	int step, ret;

	while (id < end) {
		if (id >= have) {
			if (its->d->ops->interrupted())
				return -EINTR;
			from = id;
			have = MIN(end, id + PER_READ);
			ret = its->d->ops->mem_read(its->d, addr + (u64)(from - first) * ITS_ESZ, buf,
						    (have - from) * ITS_ESZ);
			if (ret)
				return ret;
		}
		step = each(its, id, buf[id - from], arg);
		if (step <= 0)
			return step;
		id += step;
	}
	return 1;
}

static int event_restore(struct its *its, u32 event, u64 entry, void *arg)
{
	const struct its_device *dev = arg;
	u32 lpi = entry >> ITE_LPI_SHIFT, step = entry >> ITE_NEXT_SHIFT;
	struct tree_node *n;
	int ret;

	if (!lpi)
		return 1;
	n = tree_find(&its->colls, entry & 0xffff);
	if (!vgic_lpi_valid(lpi) || event + step >= BIT(dev->bits) || !n || !its_event_ok(its, dev, event))
		return -EINVAL;
	ret = its_event_add(its, dev, event, lpi, n->key);
	return ret ? ret : (int)step;
}

static int device_restore(struct its *its, u32 devid, u64 entry, void *arg)
{
	unsigned bits = (entry & DTE_BITS) + 1;
	u64 itt = (entry & DTE_ITT) << 3, addr;
	struct tree_node *n;
	int ret;

	if (!(entry & VALID))
		return 1;
	if (bits > ITS_ID_BITS || !its_entry_addr(its, ITS_DEVICES, devid, &addr))
		return -EINVAL;
	ret = its_device_add(its, devid, itt, bits);
	if (ret)
		return ret;
	n = tree_find(&its->devices, devid);
	ret = table_scan(its, itt, 0, BIT(bits), event_restore, container_of(n, struct its_device, node));
	return ret < 0 ? ret : (int)(entry >> DTE_NEXT_SHIFT & DTE_NEXT_MAX);
}

static int devices_restore(struct its *its)
{
	u64 baser = its->baser[ITS_DEVICES], base = its_table_addr(baser), per_page = ITS_L2_SIZE / ITS_ESZ, l1;
	u32 i, n = MIN(table_entries(baser), BIT(ITS_ID_BITS) / per_page);
	int ret = 1;

	if (!(baser & BASER_VALID))
		return 0;
	if (!(baser & BASER_INDIRECT))
		return table_scan(its, base, 0, table_entries(baser), device_restore, NULL);
	for (i = 0; i < n && ret > 0; i++) {
		ret = its->d->ops->mem_read(its->d, base + i * sizeof(l1), &l1, sizeof(l1));
		if (ret)
			return ret;
		ret = 1;
		if (l1 & VALID)
			ret = table_scan(its, l1 & L1_ADDR, i * per_page, (i + 1) * per_page, device_restore, NULL);
	}
	return ret;
}

static int coll_restore(struct its *its, u32 at, u64 entry, void *arg)
{
	u32 id = entry >> CTE_PE_SHIFT;
	u16 icid = entry, pe = VGIC_NONE;
	struct its_coll *c;
	u64 addr;

	if (!(entry & VALID))
		return 0;
	if (id != CTE_NO_PE) {
		pe = its_pe_of(its, id);
		if (pe == VGIC_NONE)
			return -EINVAL;
	}
	if (tree_find(&its->colls, icid))
		return -EEXIST;
	if (!its_entry_addr(its, ITS_COLLS, icid, &addr))
		return -EINVAL;
	c = its_coll_make(its, icid);
	if (!c)
		return -ENOMEM;
	WRITE_ONCE(c->pe, pe);
	return 1;
}

int its_restore(struct its *its)
{
	u64 baser = its->baser[ITS_COLLS];
	int ret = 0;

	if (baser & BASER_VALID)
		ret = table_scan(its, its_table_addr(baser), 0, table_entries(baser), coll_restore, NULL);
	if (ret >= 0) {
		ret = devices_restore(its);
		if (ret >= 0)
			return 0;
		its_free_devices(its);
	}
	its_free_colls(its);
	return ret;
}
