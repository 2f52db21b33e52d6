// SPDX-License-Identifier: GPL-2.0-only
/*
 * State of a virtual GICv3 and what happens to it: pure logic, no privileged instruction, compiles natively.
 *
 * One bit per interrupt in a few words (struct vgic_bits); a bitmap per processing element (PE) of the interrupts that
 * it has something to do about, with a summary word on top, so that a PE with nothing to do costs one load.
 *
 * Locks: dist->lock covers SPIs (all of w[], prio, route, target, owner) and LPIs (lpi[], the PEs' lpi); pe->lock covers that PE's SGIs, PPIs and its
 * ready bitmap. Order: dist, then at most one PE. Never dropped inside a walk. lr[] and what belongs to it are the
 * PE's own thread's. Interrupts off inside. Arm GIC specification IHI 0069, chapters 4 (handling), 6 (virtual).
 */
#pragma once

#include "kernel/sched/lock.h"

#define VGIC_PRIVATE	32		/* SGIs 0-15, PPIs 16-31 */
#define VGIC_IDS	1024
#define VGIC_MAX_SPIS	(1020 - VGIC_PRIVATE)
#define VGIC_WORDS	(VGIC_IDS / 64)
#define VGIC_MAX_LRS	16
#define VGIC_MAX_PES	512
#define VGIC_NONE	0xffff		/* no PE */
#define VGIC_PRIO_MASK	0xf8		/* five bits of priority, as Linux offers */
#define VGIC_LPI_BASE	8192		/* LPIs: INTIDs of 16 bits */
#define VGIC_LPI_END	65536
#define VGIC_LPI_WORDS	((VGIC_LPI_END - VGIC_LPI_BASE) / 64)
#define VGIC_LPI_SUMS	(VGIC_LPI_WORDS / 64)
#define VGIC_TABLE_ATTRS	0x580UL	/* at reset: read-allocate write-back, inner shareable */
#define VGIC_SUM_LPI	BIT(16)		/* in a PE's summary: some LPI is ready */

/* ICH_LR<n>_EL2 */
#define LR_INTID	0xffffffffUL
#define LR_PINTID_SHIFT	32
#define LR_EOI		BIT(41)
#define LR_PRIO_SHIFT	48
#define LR_GROUP	BIT(60)
#define LR_HW		BIT(61)
#define LR_PENDING	BIT(62)
#define LR_ACTIVE	BIT(63)
#define LR_STATE	(LR_PENDING | LR_ACTIVE)

/* ICH_HCR_EL2 */
#define HCR_ICH_EN	BIT(0)
#define HCR_ICH_UIE	BIT(1)		/* maintenance interrupt: at most one list register in use */
#define HCR_ICH_LRENPIE	BIT(2)		/* ... EOI of an interrupt in no list register */
#define HCR_ICH_NPIE	BIT(3)		/* ... no list register pending */
#define HCR_ICH_VGRP0E	BIT(4)		/* ... the guest enabled group 0 */
#define HCR_ICH_VGRP1E	BIT(6)
#define HCR_ICH_TC	BIT(10)
#define HCR_ICH_TALL0	BIT(11)
#define HCR_ICH_TALL1	BIT(12)
#define HCR_ICH_TDIR	BIT(14)

/* ICH_VMCR_EL2 */
#define VMCR_ENG0	BIT(0)
#define VMCR_ENG1	BIT(1)
#define VMCR_ACKCTL	BIT(2)
#define VMCR_FIQEN	BIT(3)
#define VMCR_CBPR	BIT(4)
#define VMCR_EOIM	BIT(9)
#define VMCR_BPR1_SHIFT	18
#define VMCR_BPR0_SHIFT	21
#define VMCR_PMR_SHIFT	24

/* One bit per interrupt, 64 interrupts. */
struct vgic_bits {
	u64 latch;		/* pending by an edge or by software */
	u64 level;		/* input line */
	u64 enabled, active, edge /* configuration */, group;
	u64 inlr;		/* its PE's list register is newer than latch and active */
	u64 deact, cpend;	/* while inlr: deactivate, or drop pending, once it is back */
	u64 claimed;		/* an SDEI event's (claim.c): never in a list register, and the guest sees nothing of it */
};

/*
 * 64 LPIs. They are edges, always of group 1, and have no active state (IHI 0069 4.8.2). A word comes into being when an
 * ITS first maps one of its LPIs and stays until the VM goes, so that whoever finds it needs no reference beyond the lock.
 */
struct vgic_lpi_word {
	u64 mapped;		/* an ITS leads to it: refs is not 0 */
	u64 latch, enabled, inlr, cpend;	/* as in vgic_bits */
	u64 prio[5];		/* bits 7 to 3 of the priorities: "most urgent of a word" is five steps */
	u16 target[64];		/* PE, or VGIC_NONE */
	u16 owner[64];		/* PE in whose ready bitmap it is, or VGIC_NONE */
	u32 refs[64];		/* ITS entries that lead here */
};

/* A PE's LPIs that are pending and enabled, or in one of its list registers; two levels. */
struct vgic_lpi_ready {
	u64 sum[VGIC_LPI_SUMS];
	u64 word[VGIC_LPI_WORDS];
};

struct vgic_dist;

struct vgic_pe {
	u32 summary;		/* one bit per non-zero word of ready; VGIC_SUM_LPI */
	bool live;		/* between flush and sync with list registers in use */
	u8 used;		/* list registers in use */
	bool has_spi;		/* one of them holds an SPI or an LPI */
	spinlock_t lock;
	u64 ready[VGIC_WORDS];	/* pending and enabled, or active, or in a list register */
	struct vgic_bits w;	/* private interrupts: low 32 bits */
	u8 prio[VGIC_PRIVATE];
	u32 hw;			/* PPIs linked to a physical interrupt */
	u16 pintid[VGIC_PRIVATE];
	u64 lr[VGIC_MAX_LRS];	/* as written by flush; as read before sync */
	u64 lr_written[VGIC_MAX_LRS];
	u16 lr_latch;		/* bit i: lr[i] took the latch of a level interrupt */
	u64 hcr_base, hcr;	/* ICH_HCR_EL2 with nothing and with something in list registers */
	u64 vmcr, ap0r[4], ap1r[4];
	struct vgic_dist *dist;	/* NULL: no vGIC */
	unsigned index, id;
	u64 mpidr;		/* affinity, MPIDR_EL1 layout */
	bool asleep;		/* in a PSCI suspend: its redistributor wakes it, whatever its CPU interface would take */
	bool last;		/* GICR_TYPER.Last */
	bool has_rd;
	bool lpis_on;		/* GICR_CTLR.EnableLPIs */
	struct vgic_lpi_ready *lpi;	/* once LPIs have been on; under dist->lock, as the LPIs are */
	u64 pendbaser;
};

/* What the model asks of its surroundings. Called with locks held and interrupts off unless said otherwise. */
struct vgic_ops {
	void (*kick)(struct vgic_pe *p);	/* has something new: out of the guest, out of WFI */
	bool (*hw_level)(struct vgic_pe *p, u32 intid);	/* input of a linked PPI; only for the PE that runs here */
	void (*hw_active)(struct vgic_pe *p, u32 intid, bool active);	/* physical active state, likewise */
	void (*hw_stale)(struct vgic_pe *p);	/* that of another PE's linked PPIs is to follow the model before it runs on */
	void (*acked)(struct vgic_dist *d, u32 intid);	/* a level SPI was deactivated by the guest; no lock held */
	void (*stop)(struct vgic_dist *d);	/* no PE has list registers loaded on return; no lock held, may sleep */
	void (*resume)(struct vgic_dist *d);
	/* Guest memory; no lock held, may sleep. 0 or -errno. */
	int (*mem_read)(struct vgic_dist *d, u64 ipa, void *buf, size_t n);
	int (*mem_write)(struct vgic_dist *d, u64 ipa, const void *buf, size_t n);
	bool (*mem_visible)(struct vgic_dist *d, u64 ipa);	/* there is memory */
	bool (*interrupted)(void);	/* a long job should end and be taken up again later */
	/* The input of a claimed interrupt rose; p for a private one; no lock held. */
	void (*claimed)(struct vgic_dist *d, struct vgic_pe *p, u32 intid);
};

struct vgic_dist {
	spinlock_t lock;
	const struct vgic_ops *ops;
	unsigned nr_ids;		/* 32 + SPIs */
	unsigned nr_pes;
	u8 en;				/* GICD_CTLR.EnableGrp0, 1 */
	u8 revision;			/* GICD_IIDR.Revision */
	u8 nr_lr;
	struct vgic_bits w[VGIC_WORDS];	/* SPIs; the low half of w[0] is unused */
	u8 prio[VGIC_IDS];
	u64 route[VGIC_IDS];		/* GICD_IROUTER */
	u16 target[VGIC_IDS];		/* PE of route, or VGIC_NONE */
	u16 owner[VGIC_IDS];		/* PE in whose ready bitmap it is, or VGIC_NONE */
	struct vgic_pe *pes[VGIC_MAX_PES];
	u64 propbaser;			/* one for all PEs (GICR_TYPER.CommonLPIAff is 0) */
	struct vgic_lpi_word **lpi;	/* [VGIC_LPI_WORDS]; NULL: no ITS, so no LPIs */
};

void vgic_dist_init(struct vgic_dist *d, const struct vgic_ops *ops, unsigned nr_lr);
void vgic_dist_set_ids(struct vgic_dist *d, unsigned nr_ids);
void vgic_pe_init(struct vgic_pe *p);		/* reset state of a redistributor and a CPU interface; not its identity */
void vgic_pe_attach(struct vgic_dist *d, struct vgic_pe *p, unsigned index);	/* p->mpidr, id set */
void vgic_pe_detach(struct vgic_dist *d, struct vgic_pe *p);	/* its SPIs have no target from now on */
void vgic_retarget(struct vgic_dist *d);	/* work out every SPI's PE again */

/* Input of an interrupt. p only for private ones. -EINVAL: no such interrupt. */
int vgic_model_inject(struct vgic_dist *d, struct vgic_pe *p, u32 intid, bool level);
/* Software generated: to p. group1: also those configured as group 1. */
void vgic_model_sgi(struct vgic_dist *d, struct vgic_pe *p, u32 intid, bool group1);
/* ICC_SGI1R_EL1 and the like; except_self_only: do nothing and return false if self is among the targets. */
bool vgic_model_sgi_write(struct vgic_dist *d, struct vgic_pe *self, u64 val, bool group1, bool not_self);
/* ready -> lr[], used, hcr. p->vmcr current. Nothing is loaded. */
void vgic_model_flush(struct vgic_pe *p);
/*
 * The line of private interrupt intid goes up, on the PE's own CPU; nothing is loaded and p->vmcr is current. True: it was
 * the only thing to do and is in lr[0], with ICH_HCR_EL2 as it was; false: a flush must follow.
 */
bool vgic_model_raise(struct vgic_pe *p, u32 intid);
/* lr[] (read back) and the count of EOIs of interrupts in no list register -> state. */
void vgic_model_sync(struct vgic_pe *p, unsigned eoicount);
/* ICC_DIR_EL1, list registers synced. */
void vgic_model_deactivate(struct vgic_pe *p, u32 intid);
bool vgic_model_has_pending(struct vgic_pe *p);
/* VMCR for that question: a PE in a PSCI suspend is woken by interrupts of groups that its CPU interface has off. */
static inline u64 vgic_pe_takes(const struct vgic_pe *p)
{
	return p->vmcr | (p->asleep ? VMCR_ENG0 | VMCR_ENG1 : 0);
}
u32 vgic_model_active(struct vgic_pe *p);	/* private ones that are active or in a list register */
/* State consistency, for tests: NULL or what is wrong. */
const char *vgic_model_check(struct vgic_dist *d);

/*
 * After a change of an interrupt's bits, lock held: whose business it is now, and a kick for whom. self: the PE that
 * is syncing and needs no kick, or NULL.
 */
void vgic_update_private(struct vgic_pe *p, u32 intid, const struct vgic_pe *self);
void vgic_update_spi(struct vgic_dist *d, u32 intid, const struct vgic_pe *self);

/* ---- LPIs (lpi.c). intid: VGIC_LPI_BASE up to VGIC_LPI_END - 1; those that allocate may sleep. ---- */

/* The VM has an ITS now. -ENOMEM. */
int vgic_lpis_create(struct vgic_dist *d);
void vgic_lpis_destroy(struct vgic_dist *d);
void vgic_pe_lpis_destroy(struct vgic_pe *p);
static inline bool vgic_lpi_valid(u32 intid) { return intid >= VGIC_LPI_BASE && intid < VGIC_LPI_END; }
/* How many INTIDs GICR_PROPBASER.IDbits covers. */
u32 vgic_lpi_limit(const struct vgic_dist *d);
/*
 * One more ITS entry leads to intid, to be sent to pe (or VGIC_NONE). When it is the first, configuration and pending bit
 * are fetched from the guest's tables, and the pending bit there is cleared. -ENOMEM, or what guest memory answers.
 */
int vgic_lpi_map(struct vgic_dist *d, u32 intid, u16 pe);
void vgic_lpi_unmap(struct vgic_dist *d, u32 intid);
void vgic_lpi_target(struct vgic_dist *d, u32 intid, u16 pe);
void vgic_lpi_target_all(struct vgic_dist *d, u16 from, u16 to);
/* false: not mapped. Any context. */
bool vgic_lpi_pend(struct vgic_dist *d, u32 intid, bool pending);
/* Fetch configuration again: of one, and of all whose target is p. */
int vgic_lpi_inv(struct vgic_dist *d, u32 intid);
void vgic_lpi_inv_all(struct vgic_dist *d, const struct vgic_pe *p);
/* GICR_CTLR.EnableLPIs. -ENOMEM. */
int vgic_lpis_enable(struct vgic_pe *p, bool on);
/* The pending state of all mapped LPIs to the guest's pending tables. */
int vgic_lpis_save(struct vgic_dist *d);
/* Between list registers and state, d->lock held; for model_lr.c. */
struct vgic_lpi_pick { u32 intid; u8 prio; };
/* The most urgent LPI of those in *ready (word number w), which loses its bit. */
struct vgic_lpi_pick vgic_lpi_best(const struct vgic_dist *d, unsigned w, u64 *ready);
u64 vgic_lpi_to_lr(struct vgic_dist *d, u32 intid);	/* the list register's value */
void vgic_lpi_from_lr(struct vgic_pe *p, u32 intid, u64 lr);
bool vgic_lpi_has_pending(const struct vgic_pe *p);	/* groups and priorities considered */
void vgic_lpi_forget_pe(struct vgic_dist *d, const struct vgic_pe *p);
const char *vgic_lpi_check(const struct vgic_dist *d);
/*
 * claim.c: interrupts that belong to SDEI events. p for private ones, else NULL.
 * Claim: disabled, not pending. 0, -EBUSY: active, -EAGAIN: in a list register. keep: as it is (restoring a VM).
 */
int vgic_claim(struct vgic_dist *d, struct vgic_pe *p, u32 intid, bool keep);
void vgic_unclaim(struct vgic_dist *d, struct vgic_pe *p, u32 intid, bool keep);	/* keep: as it is; else disabled, not pending */
bool vgic_claim_pending(struct vgic_dist *d, struct vgic_pe *p, u32 intid, bool here);	/* here: p runs on this CPU */
void vgic_claim_begin(struct vgic_dist *d, struct vgic_pe *p, u32 intid);	/* its handler starts: an edge is taken */
void vgic_claim_end(struct vgic_dist *d, struct vgic_pe *p, u32 intid, bool here);	/* ... ends */
bool vgic_irq_exists(const struct vgic_dist *d, u32 intid);		/* a PPI or SPI */

static inline u64 vgic_pending(const struct vgic_bits *w) { return w->latch | (w->level & ~w->edge); }
