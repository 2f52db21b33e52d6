// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ITS's tables as the kernel keeps them: three trees, by DeviceID, by DeviceID and EventID, and by ICID; and the
 * translation of a message. Locks: its.h. IHI 0069 5.3.
 */
#include "kernel/debug/print.h"
#include "kernel/mm/page.h"
#include "kvm/vgic/its.h"

#define BASER_ADDR(r)	(((r) & GENMASK(47, 16)) | ((r) >> 12 & 0xf) << 48)
#define BASER_SIZE(r)	((((r) & 0xff) + 1) * ITS_L2_SIZE)
#define L1_VALID	BIT(63)
#define L1_ADDR		GENMASK(51, 16)
/* Read-allocate write-back, inner shareable, pages of 64 KiB; type 1 devices, 4 collections; entries of 8 bytes. */
#define BASER_INIT	(3UL << 59 | 1UL << 10 | 2UL << 8 | (u64)(ITS_ESZ - 1) << 48)

void its_init(struct its *its)
{
	its->baser[ITS_DEVICES] = BASER_INIT | 1UL << 56;
	its->baser[ITS_COLLS] = BASER_INIT | 4UL << 56;
}

static u64 event_key(u32 devid, u32 event)
{
	return (u64)devid << ITS_ID_BITS | event;
}

static void tree_out(struct its *its, struct tree *t, struct tree_node *n)
{
	u64 flags = spin_lock_irqsave(&its->lock);

	tree_remove(t, n);
	spin_unlock_irqrestore(&its->lock, flags);
}

/* false: the key is there already. */
static bool tree_in(struct its *its, struct tree *t, struct tree_node *n, u64 key)
{
	u64 flags = spin_lock_irqsave(&its->lock);
	bool ok = tree_insert(t, n, key);

	spin_unlock_irqrestore(&its->lock, flags);
	return ok;
}

static struct its_coll *coll_find(const struct its *its, u16 icid)
{
	struct tree_node *n = tree_find(&its->colls, icid);

	return n ? container_of(n, struct its_coll, node) : NULL;
}

struct its_coll *its_coll_make(struct its *its, u16 icid)
{
	struct its_coll *c = coll_find(its, icid);

	if (c)
		return c;
	c = kzalloc(sizeof(*c));
	if (!c)
		return NULL;
	c->pe = VGIC_NONE;
	tree_in(its, &its->colls, &c->node, icid);
	return c;
}

/* What is neither mapped nor named by an event is nothing. */
static void coll_trim(struct its *its, struct its_coll *c)
{
	if (c->events || c->pe != VGIC_NONE)
		return;
	tree_out(its, &its->colls, &c->node);
	kfree(c);
}

/* One event less names it. */
static void coll_put(struct its *its, u16 icid)
{
	struct its_coll *c = coll_find(its, icid);

	c->events--;
	coll_trim(its, c);
}

void its_free_colls(struct its *its)
{
	struct tree_node *n, *next;

	for (n = tree_first(&its->colls); n; n = next) {
		struct its_coll *c = container_of(n, struct its_coll, node);

		next = tree_next(n);
		WRITE_ONCE(c->pe, VGIC_NONE);
		coll_trim(its, c);
	}
}

static void event_free(struct its *its, struct its_event *e)
{
	tree_out(its, &its->events, &e->node);
	its->nr_events--;
	vgic_lpi_unmap(its->d, e->lpi);
	coll_put(its, e->coll);
	kfree(e);
}

static void device_free(struct its *its, struct its_device *dev)
{
	struct tree_node *n;

	while ((n = tree_ceil(&its->events, event_key(dev->node.key, 0))) && n->key >> ITS_ID_BITS == dev->node.key)
		event_free(its, container_of(n, struct its_event, node));
	tree_out(its, &its->devices, &dev->node);
	kfree(dev);
}

void its_free_devices(struct its *its)
{
	struct tree_node *n;

	while ((n = tree_first(&its->devices)))
		device_free(its, container_of(n, struct its_device, node));
}

void its_reset(struct its *its)
{
	its->enabled = false;
	its->baser[ITS_DEVICES] &= ~BASER_VALID;
	its->baser[ITS_COLLS] &= ~BASER_VALID;
	its->cbaser = its->creadr = its->cwriter = 0;
	its_free_devices(its);
	its_free_colls(its);
}

int its_trigger(struct its *its, u32 devid, u32 event)
{
	u64 flags = spin_lock_irqsave(&its->lock);
	struct tree_node *n = tree_find(&its->events, event_key(devid, event));
	struct its_event *e = n ? container_of(n, struct its_event, node) : NULL;
	struct its_coll *c = e ? coll_find(its, e->coll) : NULL;
	struct vgic_pe *p = NULL;
	int ret = 1;

	if (!READ_ONCE(its->enabled)) {
		ret = -EBUSY;
	} else if (c && c->pe != VGIC_NONE && !(devid >> ITS_ID_BITS) && !(event >> ITS_ID_BITS)) {
		p = its->d->pes[c->pe];
		ret = p && READ_ONCE(p->lpis_on) ? 0 : -EBUSY;
	}
	if (!ret)
		(void)vgic_lpi_pend(its->d, e->lpi, true);
	spin_unlock_irqrestore(&its->lock, flags);
	return ret;
}

u64 its_table_addr(u64 baser)
{
	return BASER_ADDR(baser);
}

bool its_entry_addr(struct its *its, unsigned table, u32 id, u64 *addr)
{
	const struct vgic_ops *ops = its->d->ops;
	u64 baser = its->baser[table], l1, per_page = ITS_L2_SIZE / ITS_ESZ;

	if (id >> ITS_ID_BITS)
		return false;
	if (!(baser & BASER_INDIRECT)) {
		if (id >= BASER_SIZE(baser) / ITS_ESZ)
			return false;
		*addr = BASER_ADDR(baser) + (u64)id * ITS_ESZ;
		return ops->mem_visible(its->d, *addr);
	}
	if (id / per_page >= BASER_SIZE(baser) / sizeof(l1) ||
	    ops->mem_read(its->d, BASER_ADDR(baser) + id / per_page * sizeof(l1), &l1, sizeof(l1)) || !(l1 & L1_VALID))
		return false;
	*addr = (l1 & L1_ADDR) + id % per_page * ITS_ESZ;
	return ops->mem_visible(its->d, *addr);
}

u16 its_pe_of(struct its *its, u32 id)
{
	struct vgic_dist *d = its->d;
	unsigned i;

	for (i = 0; i < d->nr_pes; i++)
		if (d->pes[i] && d->pes[i]->id == id)
			return i;
	return VGIC_NONE;
}

int its_device_add(struct its *its, u32 devid, u64 itt, unsigned bits)
{
	struct its_device *dev = kzalloc(sizeof(*dev));

	if (!dev)
		return -ENOMEM;
	dev->itt = itt;
	dev->bits = bits;
	if (tree_in(its, &its->devices, &dev->node, devid))
		return 0;
	kfree(dev);
	return -EINVAL;
}

bool its_event_ok(struct its *its, const struct its_device *dev, u32 event)
{
	return event < BIT(dev->bits) && its->d->ops->mem_visible(its->d, dev->itt + (u64)event * ITS_ESZ);
}

int its_event_add(struct its *its, const struct its_device *dev, u32 event, u32 lpi, u16 icid)
{
	struct its_coll *c;
	struct its_event *e;
	int ret;

	if (its->nr_events >= ITS_EVENTS_MAX)
		return -ENOMEM;
	e = kzalloc(sizeof(*e));
	c = its_coll_make(its, icid);
	if (!e || !c) {
		if (c)
			coll_trim(its, c);
		kfree(e);
		return -ENOMEM;
	}
	c->events++;
	ret = vgic_lpi_map(its->d, lpi, c->pe);
	if (ret) {
		coll_put(its, icid);
		kfree(e);
		return ret;
	}
	e->lpi = lpi;
	e->coll = icid;
	if (!tree_in(its, &its->events, &e->node, event_key(dev->node.key, event))) {
		vgic_lpi_unmap(its->d, lpi);
		coll_put(its, icid);
		kfree(e);
		return -EINVAL;
	}
	its->nr_events++;
	return 0;
}

/* ---- commands: IHI 0069 5.3 ---- */

struct cmd {
	u8 op;
	bool valid;
	u8 bits;
	u32 devid, event, lpi, icid, rd, rd2;
	u64 itt;
};

enum {
	CMD_MOVI = 0x01, CMD_INT = 0x03, CMD_CLEAR = 0x04, CMD_SYNC = 0x05, CMD_MAPD = 0x08, CMD_MAPC = 0x09,
	CMD_MAPTI = 0x0a, CMD_MAPI = 0x0b, CMD_INV = 0x0c, CMD_INVALL = 0x0d, CMD_MOVALL = 0x0e, CMD_DISCARD = 0x0f,
};

static struct its_device *device_find(const struct its *its, u32 devid)
{
	struct tree_node *n = tree_find(&its->devices, devid);

	return n ? container_of(n, struct its_device, node) : NULL;
}

static struct its_event *event_find(const struct its *its, const struct cmd *c)
{
	struct tree_node *n;

	if (c->devid >> ITS_ID_BITS || c->event >> ITS_ID_BITS)
		return NULL;
	n = tree_find(&its->events, event_key(c->devid, c->event));
	return n ? container_of(n, struct its_event, node) : NULL;
}

static bool coll_mapped(const struct its_coll *c)
{
	return c && c->pe != VGIC_NONE;
}

static int cmd_mapd(struct its *its, const struct cmd *c)
{
	struct its_device *dev;
	u64 entry, zero = 0;

	if (!its_entry_addr(its, ITS_DEVICES, c->devid, &entry) || (c->valid && c->bits > ITS_ID_BITS))
		return 1;
	/* Mapping a mapped one again forgets its events. */
	dev = device_find(its, c->devid);
	if (dev)
		device_free(its, dev);
	if (!c->valid)
		return its->d->ops->mem_write(its->d, entry, &zero, sizeof(zero));
	return its_device_add(its, c->devid, c->itt, c->bits);
}

/* The events of a collection follow it to another PE. */
static void coll_retarget(struct its *its, const struct its_coll *c)
{
	struct tree_node *n;

	for (n = tree_first(&its->events); n; n = tree_next(n)) {
		struct its_event *e = container_of(n, struct its_event, node);

		if (e->coll == c->node.key)
			vgic_lpi_target(its->d, e->lpi, c->pe);
	}
}

static int cmd_mapc(struct its *its, const struct cmd *c)
{
	struct its_coll *coll = coll_find(its, c->icid);
	u64 entry;
	u16 pe;

	if (!c->valid) {
		if (!coll)
			return 0;
		WRITE_ONCE(coll->pe, VGIC_NONE);
		coll_trim(its, coll);
		return 0;
	}
	pe = its_pe_of(its, c->rd);
	if (pe == VGIC_NONE || (!coll && !its_entry_addr(its, ITS_COLLS, c->icid, &entry)))
		return 1;
	coll = its_coll_make(its, c->icid);
	if (!coll)
		return -ENOMEM;
	WRITE_ONCE(coll->pe, pe);
	if (coll->events)
		coll_retarget(its, coll);
	return 0;
}

static int cmd_mapi(struct its *its, const struct cmd *c)
{
	struct its_device *dev = device_find(its, c->devid);
	u32 lpi = c->op == CMD_MAPTI ? c->lpi : c->event;
	u64 entry;

	if (!dev || !its_event_ok(its, dev, c->event) || lpi < VGIC_LPI_BASE || lpi >= vgic_lpi_limit(its->d))
		return 1;
	if (event_find(its, c))
		return 0;	/* mapped already: UNPREDICTABLE */
	if (!coll_find(its, c->icid) && !its_entry_addr(its, ITS_COLLS, c->icid, &entry))
		return 1;
	return its_event_add(its, dev, c->event, lpi, c->icid);
}

static int cmd_movi(struct its *its, const struct cmd *c)
{
	struct its_event *e = event_find(its, c);
	struct its_coll *to = coll_find(its, c->icid);
	u16 old;

	if (!e || !coll_mapped(coll_find(its, e->coll)) || !coll_mapped(to))
		return 1;
	old = e->coll;
	to->events++;
	WRITE_ONCE(e->coll, c->icid);
	coll_put(its, old);
	vgic_lpi_target(its->d, e->lpi, to->pe);
	return 0;
}

static int cmd_discard(struct its *its, const struct cmd *c)
{
	struct its_event *e = event_find(its, c);
	u64 zero = 0;

	if (!e || !coll_mapped(coll_find(its, e->coll)))
		return 1;
	event_free(its, e);
	return its->d->ops->mem_write(its->d, device_find(its, c->devid)->itt + (u64)c->event * ITS_ESZ, &zero, sizeof(zero));
}

static int cmd_movall(struct its *its, const struct cmd *c)
{
	u16 from = its_pe_of(its, c->rd), to = its_pe_of(its, c->rd2);

	if (from == VGIC_NONE || to == VGIC_NONE)
		return 1;
	if (from != to)
		vgic_lpi_target_all(its->d, from, to);
	return 0;
}

static int cmd_invall(struct its *its, const struct cmd *c)
{
	struct its_coll *coll = coll_find(its, c->icid);

	if (!coll_mapped(coll))
		return 1;
	vgic_lpi_inv_all(its->d, its->d->pes[coll->pe]);
	return 0;
}

static int cmd_event(struct its *its, const struct cmd *c)
{
	struct its_event *e = event_find(its, c);

	if (!e)
		return 1;
	if (c->op == CMD_INV)
		return vgic_lpi_inv(its->d, e->lpi);
	(void)vgic_lpi_pend(its->d, e->lpi, false);
	return 0;
}

int its_command(struct its *its, const u64 w[4])
{
	struct cmd c = {
		.op = w[0], .devid = w[0] >> 32, .event = w[1], .lpi = w[1] >> 32, .bits = (w[1] & 0x1f) + 1,
		.itt = w[2] & GENMASK(51, 8), .icid = w[2] & 0xffff, .rd = w[2] >> 16, .rd2 = w[3] >> 16, .valid = w[2] >> 63,
	};

	switch (c.op) {
	case CMD_MAPD:
		return cmd_mapd(its, &c);
	case CMD_MAPC:
		return cmd_mapc(its, &c);
	case CMD_MAPTI:
	case CMD_MAPI:
		return cmd_mapi(its, &c);
	case CMD_MOVI:
		return cmd_movi(its, &c);
	case CMD_DISCARD:
		return cmd_discard(its, &c);
	case CMD_CLEAR:
	case CMD_INV:
		return cmd_event(its, &c);
	case CMD_INVALL:
		return cmd_invall(its, &c);
	case CMD_MOVALL:
		return cmd_movall(its, &c);
	case CMD_INT:
		return its_trigger(its, c.devid, c.event);
	case CMD_SYNC:
		return 0;	/* each command is complete before the next one starts */
	default:
		return 1;
	}
}

const char *its_check(const struct its *its)
{
	unsigned named = 0, events = 0;
	struct tree_node *n;

	for (n = tree_first(&its->events); n; n = tree_next(n), events++) {
		const struct its_event *e = container_of(n, struct its_event, node);
		const struct its_device *dev = device_find(its, n->key >> ITS_ID_BITS);
		const struct vgic_lpi_word *w = its->d->lpi[(e->lpi - VGIC_LPI_BASE) / 64];

		if (!dev || (n->key & GENMASK(ITS_ID_BITS - 1, 0)) >= BIT(dev->bits))
			return "an event without a device, or beyond its table";
		if (!coll_find(its, e->coll))
			return "an event's collection is gone";
		if (!w || !(w->mapped >> e->lpi % 64 & 1))
			return "an event leads to an LPI that is not mapped";
	}
	for (n = tree_first(&its->colls); n; n = tree_next(n)) {
		const struct its_coll *c = container_of(n, struct its_coll, node);

		if (!c->events && c->pe == VGIC_NONE)
			return "an empty collection";
		named += c->events;
	}
	return named != events || events != its->nr_events ? "events are counted wrong" : NULL;
}
