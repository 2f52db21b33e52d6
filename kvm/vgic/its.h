// SPDX-License-Identifier: GPL-2.0-only
/*
 * An Interrupt Translation Service: (DeviceID, EventID) to an LPI and a PE. Pure logic, compiles natively.
 *
 * Locks: the caller holds mutex around everything but its_trigger; whoever changes the trees holds lock too, for one
 * insertion or removal at a time, so that its_trigger, which takes only lock, works in any context. Order: mutex, (guest
 * memory), lock, dist->lock. Guest memory is only touched with no spinlock held. IHI 0069 chapter 5; layout of saved
 * tables: Linux, Documentation/virt/kvm/devices/arm-vgic-its.rst.
 */
#pragma once

#include "kernel/lib/tree.h"
#include "kernel/sched/lock.h"
#include "kvm/vgic/model.h"

#define ITS_ID_BITS	16		/* DeviceID, EventID, ICID */
#define ITS_EVENTS_MAX	65536		/* mapped at a time: there are no more LPIs */
#define ITS_ESZ		8		/* bytes of an entry of each table, as saved */

struct its_device {
	struct tree_node node;		/* key: DeviceID */
	u64 itt;			/* guest address of its table */
	unsigned bits;			/* of an EventID */
};

struct its_event {
	struct tree_node node;		/* key: DeviceID << 16 | EventID */
	u16 lpi, coll;
};

struct its_coll {
	struct tree_node node;		/* key: ICID */
	u16 pe;				/* VGIC_NONE: not mapped, but events name it */
	unsigned events;
};

struct its {
	struct vgic_dist *d;		/* NULL: no vGIC yet */
	struct mutex mutex;
	spinlock_t lock;
	struct tree devices, events, colls;
	unsigned nr_events;
	bool enabled;
	u64 baser[2];			/* devices, collections */
	u64 cbaser, creadr, cwriter;
};

enum { ITS_DEVICES, ITS_COLLS };

#define BASER_VALID	BIT(63)
#define BASER_INDIRECT	BIT(62)
#define ITS_L2_SIZE	0x10000UL	/* of a second-level table, and of a page */

void its_init(struct its *its);		/* all but mutex and d */
/* GITS_CTLR.Enable and all else off, no tables. */
void its_reset(struct its *its);
void its_free_devices(struct its *its);
void its_free_colls(struct its *its);

/* Commands between GITS_CREADR and GITS_CWRITER. false: some are left, as something more urgent came up. */
bool its_process(struct its *its);
/* One command of four words. 0, a negative errno, or 1 for what the specification calls a command error. */
int its_command(struct its *its, const u64 cmd[4]);
/* A message from a device. 0, 1: nothing mapped there, -EBUSY: ITS or LPIs off. Any context; takes its->lock. */
int its_trigger(struct its *its, u32 devid, u32 event);

/* Where entry id is in the guest's device or collection table. false: nowhere. */
bool its_entry_addr(struct its *its, unsigned table, u32 id, u64 *addr);
u64 its_table_addr(u64 baser);
/* Building blocks of commands and of restoring. 0, -ENOMEM, -EINVAL; 1: no such collection possible. */
int its_device_add(struct its *its, u32 devid, u64 itt, unsigned bits);
int its_event_add(struct its *its, const struct its_device *dev, u32 event, u32 lpi, u16 icid);
struct its_coll *its_coll_make(struct its *its, u16 icid);	/* found or new and unmapped; NULL: no memory */
bool its_event_ok(struct its *its, const struct its_device *dev, u32 event);
u16 its_pe_of(struct its *its, u32 id);		/* by processor number; VGIC_NONE */

/* To guest memory and back (its_table.c). 0, -EINVAL, -EEXIST, -EINTR, what guest memory answers. */
int its_save(struct its *its);
int its_restore(struct its *its);

const char *its_check(const struct its *its);	/* consistency, for tests; NULL or what is wrong */
