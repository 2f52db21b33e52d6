// SPDX-License-Identifier: GPL-2.0-only
/*
 * LPIs: their words, whose business each is, and the guest's configuration and pending tables. Pure logic but for the
 * memory it allocates. dist->lock covers all of it, taken for one LPI or one word at a time; tables in guest memory are
 * read and written with no lock held. IHI 0069 chapter 5.
 */
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kvm/vgic/model.h"

#define PROP_ENABLED	BIT(0)
#define PROP_ADDR(r)	((r) & GENMASK(51, 12))
#define PEND_ADDR(r)	((r) & GENMASK(51, 16))
#define PEND_PTZ	BIT(62)
#define PRIO_BITS	5

int vgic_lpis_create(struct vgic_dist *d)
{
	struct vgic_lpi_word **words;

	if (d->lpi)
		return 0;
	words = kcalloc(VGIC_LPI_WORDS, sizeof(words[0]));
	if (!words)
		return -ENOMEM;
	d->propbaser = VGIC_TABLE_ATTRS;
	__atomic_store_n(&d->lpi, words, __ATOMIC_RELEASE);
	return 0;
}

void vgic_lpis_destroy(struct vgic_dist *d)
{
	unsigned i;

	for (i = 0; d->lpi && i < VGIC_LPI_WORDS; i++)
		kfree(d->lpi[i]);
	kfree(d->lpi);
	d->lpi = NULL;
}

void vgic_pe_lpis_destroy(struct vgic_pe *p)
{
	kfree(p->lpi);
	p->lpi = NULL;
}

u32 vgic_lpi_limit(const struct vgic_dist *d)
{
	unsigned bits = (d->propbaser & 0x1f) + 1;

	return 1U << MIN(bits, 16U);
}

/* NULL: no LPI of it was ever mapped. */
static struct vgic_lpi_word *word_of(const struct vgic_dist *d, u32 intid)
{
	return d->lpi && vgic_lpi_valid(intid) ? d->lpi[(intid - VGIC_LPI_BASE) / 64] : NULL;
}

static u32 intid_of(unsigned word, unsigned bit)
{
	return VGIC_LPI_BASE + word * 64 + bit;
}

static u8 prio_get(const struct vgic_lpi_word *w, unsigned bit)
{
	unsigned i, prio = 0;

	for (i = 0; i < PRIO_BITS; i++)
		prio |= (w->prio[i] >> bit & 1) << (7 - i);
	return prio;
}

static void prio_set(struct vgic_lpi_word *w, unsigned bit, u8 prio)
{
	unsigned i;

	for (i = 0; i < PRIO_BITS; i++)
		w->prio[i] = (w->prio[i] & ~BIT(bit)) | (u64)(prio >> (7 - i) & 1) << bit;
}

static void ready_set(struct vgic_pe *p, u32 intid, bool on)
{
	unsigned word = (intid - VGIC_LPI_BASE) / 64, i;
	struct vgic_lpi_ready *r = p->lpi;
	u64 any = 0;

	spin_lock(&p->lock);
	if (on) {
		r->word[word] |= BIT(intid % 64);
		r->sum[word / 64] |= BIT(word % 64);
		WRITE_ONCE(p->summary, p->summary | VGIC_SUM_LPI);
	} else {
		r->word[word] &= ~BIT(intid % 64);
		if (!r->word[word])
			r->sum[word / 64] &= ~BIT(word % 64);
		for (i = 0; i < VGIC_LPI_SUMS; i++)
			any |= r->sum[i];
		if (!any)
			WRITE_ONCE(p->summary, p->summary & ~VGIC_SUM_LPI);
	}
	spin_unlock(&p->lock);
}

/* d->lock held; after a change of an LPI: whose business it is now. self: needs no kick. */
static void lpi_update(struct vgic_dist *d, struct vgic_lpi_word *w, u32 intid, const struct vgic_pe *self)
{
	unsigned i = intid % 64;
	u16 old = w->owner[i], new = VGIC_NONE, target = w->target[i];
	bool pend = w->latch & w->enabled & BIT(i);

	if ((w->inlr & BIT(i)) && old != VGIC_NONE)
		new = old;	/* stays where it is until its list register is read */
	else if (pend && target != VGIC_NONE && d->pes[target]->lpis_on)
		new = target;
	if (old != new) {
		if (old != VGIC_NONE)
			ready_set(d->pes[old], intid, false);
		if (new != VGIC_NONE)
			ready_set(d->pes[new], intid, true);
		w->owner[i] = new;
	}
	if (pend && new != VGIC_NONE && d->pes[new] != self)
		d->ops->kick(d->pes[new]);
}

/* Something that a list register holds changed: its PE must come out for it. */
static void lpi_fetch(struct vgic_dist *d, struct vgic_lpi_word *w, u32 intid)
{
	unsigned i = intid % 64;

	if ((w->inlr & BIT(i)) && w->owner[i] != VGIC_NONE)
		d->ops->kick(d->pes[w->owner[i]]);
}

static void config_set(struct vgic_dist *d, struct vgic_lpi_word *w, u32 intid, u8 prop)
{
	u64 bit = BIT(intid % 64);

	prio_set(w, intid % 64, prop & VGIC_PRIO_MASK);
	w->enabled = prop & PROP_ENABLED ? w->enabled | bit : w->enabled & ~bit;
	if (!(w->enabled & bit))
		lpi_fetch(d, w, intid);
	lpi_update(d, w, intid, NULL);
}

static void pend_set(struct vgic_dist *d, struct vgic_lpi_word *w, u32 intid, bool on)
{
	u64 bit = BIT(intid % 64);

	if (on) {
		w->latch |= bit;
	} else {
		w->latch &= ~bit;
		w->cpend |= w->inlr & bit;
		lpi_fetch(d, w, intid);
	}
	lpi_update(d, w, intid, NULL);
}

static struct vgic_lpi_word *word_new(void)
{
	struct vgic_lpi_word *w = kzalloc(sizeof(*w));

	if (w) {
		memset(w->target, 0xff, sizeof(w->target));
		memset(w->owner, 0xff, sizeof(w->owner));
	}
	return w;
}

/* The word of intid, made if need be. NULL: no memory. */
static struct vgic_lpi_word *word_make(struct vgic_dist *d, u32 intid)
{
	unsigned at = (intid - VGIC_LPI_BASE) / 64;
	struct vgic_lpi_word *fresh = NULL, *w = READ_ONCE(d->lpi[at]);
	u64 flags;

	if (w)
		return w;
	fresh = word_new();
	if (!fresh)
		return NULL;
	flags = spin_lock_irqsave(&d->lock);
	w = d->lpi[at];
	if (!w) {
		w = fresh;
		fresh = NULL;
		__atomic_store_n(&d->lpi[at], w, __ATOMIC_RELEASE);
	}
	spin_unlock_irqrestore(&d->lock, flags);
	kfree(fresh);
	return w;
}

/* A byte with the pending bit of intid, and where it is. */
static int pending_byte(struct vgic_dist *d, const struct vgic_pe *p, u32 intid, u64 *at, u8 *byte)
{
	*at = PEND_ADDR(READ_ONCE(p->pendbaser)) + intid / 8;
	return d->ops->mem_read(d, *at, byte, 1);
}

/* A pending bit that the guest, or a snapshot, left for an LPI that is only mapped now. */
static int pending_fetch(struct vgic_dist *d, u32 intid, u16 pe)
{
	u64 at;
	u8 byte;
	int ret;

	if (pe == VGIC_NONE || (READ_ONCE(d->pes[pe]->pendbaser) & PEND_PTZ))
		return 0;
	ret = pending_byte(d, d->pes[pe], intid, &at, &byte);
	if (ret || !(byte >> intid % 8 & 1))
		return ret;
	byte &= ~(1U << intid % 8);
	ret = d->ops->mem_write(d, at, &byte, 1);
	if (!ret)
		vgic_lpi_pend(d, intid, true);
	return ret;
}

int vgic_lpi_map(struct vgic_dist *d, u32 intid, u16 pe)
{
	struct vgic_lpi_word *w;
	unsigned i = intid % 64;
	u64 flags;
	bool first;
	int ret;

	w = word_make(d, intid);
	if (!w)
		return -ENOMEM;
	flags = spin_lock_irqsave(&d->lock);
	first = !w->refs[i]++;
	w->mapped |= BIT(i);
	if (first)
		w->target[i] = pe;
	spin_unlock_irqrestore(&d->lock, flags);
	if (!first)
		return 0;
	ret = vgic_lpi_inv(d, intid);
	if (!ret)
		ret = pending_fetch(d, intid, pe);
	if (ret)
		vgic_lpi_unmap(d, intid);
	return ret;
}

void vgic_lpi_unmap(struct vgic_dist *d, u32 intid)
{
	u64 flags = spin_lock_irqsave(&d->lock);
	struct vgic_lpi_word *w = word_of(d, intid);
	u64 bit = BIT(intid % 64);

	if (!--w->refs[intid % 64]) {
		w->mapped &= ~bit;
		w->enabled &= ~bit;
		pend_set(d, w, intid, false);
		w->target[intid % 64] = VGIC_NONE;
	}
	spin_unlock_irqrestore(&d->lock, flags);
}

void vgic_lpi_target(struct vgic_dist *d, u32 intid, u16 pe)
{
	u64 flags = spin_lock_irqsave(&d->lock);
	struct vgic_lpi_word *w = word_of(d, intid);

	if (w && w->target[intid % 64] != pe) {
		w->target[intid % 64] = pe;
		lpi_fetch(d, w, intid);
		lpi_update(d, w, intid, NULL);
	}
	spin_unlock_irqrestore(&d->lock, flags);
}

/* Those of a word whose target is pe; d->lock held. */
static u64 word_targets(const struct vgic_lpi_word *w, u16 pe)
{
	u64 mapped, bits = 0;

	for (mapped = w->mapped; mapped; mapped &= mapped - 1)
		if (w->target[__builtin_ctzl(mapped)] == pe)
			bits |= mapped & -mapped;
	return bits;
}

void vgic_lpi_target_all(struct vgic_dist *d, u16 from, u16 to)
{
	struct vgic_lpi_word *w;
	unsigned word;
	u64 flags, bits;

	for (word = 0; d->lpi && word < VGIC_LPI_WORDS; word++) {
		if (!READ_ONCE(d->lpi[word]))
			continue;
		flags = spin_lock_irqsave(&d->lock);
		w = d->lpi[word];
		for (bits = word_targets(w, from); bits; bits &= bits - 1) {
			u32 intid = intid_of(word, __builtin_ctzl(bits));

			w->target[intid % 64] = to;
			lpi_fetch(d, w, intid);
			lpi_update(d, w, intid, NULL);
		}
		spin_unlock_irqrestore(&d->lock, flags);
	}
}

bool vgic_lpi_pend(struct vgic_dist *d, u32 intid, bool pending)
{
	u64 flags = spin_lock_irqsave(&d->lock);
	struct vgic_lpi_word *w = word_of(d, intid);
	bool mapped = w && (w->mapped & BIT(intid % 64));

	if (mapped)
		pend_set(d, w, intid, pending);
	spin_unlock_irqrestore(&d->lock, flags);
	return mapped;
}

int vgic_lpi_inv(struct vgic_dist *d, u32 intid)
{
	struct vgic_lpi_word *w;
	u64 flags;
	u8 prop;
	int ret;

	ret = d->ops->mem_read(d, PROP_ADDR(READ_ONCE(d->propbaser)) + intid - VGIC_LPI_BASE, &prop, 1);
	if (ret)
		return ret;
	flags = spin_lock_irqsave(&d->lock);
	w = word_of(d, intid);
	if (w && (w->mapped & BIT(intid % 64)))
		config_set(d, w, intid, prop);
	spin_unlock_irqrestore(&d->lock, flags);
	return 0;
}

void vgic_lpi_inv_all(struct vgic_dist *d, const struct vgic_pe *p)
{
	u64 base = PROP_ADDR(READ_ONCE(d->propbaser)), flags, bits;
	struct vgic_lpi_word *w;
	unsigned word;
	u8 prop[64];

	for (word = 0; d->lpi && word < VGIC_LPI_WORDS; word++) {
		w = __atomic_load_n(&d->lpi[word], __ATOMIC_ACQUIRE);
		if (!w || !READ_ONCE(w->mapped) || d->ops->mem_read(d, base + word * 64, prop, sizeof(prop)))
			continue;
		flags = spin_lock_irqsave(&d->lock);
		for (bits = word_targets(w, p->index); bits; bits &= bits - 1) {
			unsigned i = __builtin_ctzl(bits);

			config_set(d, w, intid_of(word, i), prop[i]);
		}
		spin_unlock_irqrestore(&d->lock, flags);
	}
}

/* The PE takes LPIs from now on, those in table being pending; or none any more, and what was pending is dropped. */
static void word_switch(struct vgic_pe *p, unsigned word, bool on, u64 table)
{
	struct vgic_dist *d = p->dist;
	u64 flags = spin_lock_irqsave(&d->lock);
	struct vgic_lpi_word *w = d->lpi[word];
	u64 bits;

	for (bits = word_targets(w, p->index); bits; bits &= bits - 1) {
		u32 intid = intid_of(word, __builtin_ctzl(bits));

		if (!on || (table >> intid % 64 & 1))
			pend_set(d, w, intid, on);
		else
			lpi_update(d, w, intid, NULL);
	}
	spin_unlock_irqrestore(&d->lock, flags);
}

int vgic_lpis_enable(struct vgic_pe *p, bool on)
{
	struct vgic_dist *d = p->dist;
	struct vgic_lpi_ready *fresh = NULL;
	u64 pendbaser = READ_ONCE(p->pendbaser), flags;
	unsigned word;
	bool same;

	if (on && !READ_ONCE(p->lpi)) {
		fresh = kzalloc(sizeof(*fresh));
		if (!fresh)
			return -ENOMEM;
	}
	flags = spin_lock_irqsave(&d->lock);
	if (fresh && !p->lpi) {
		p->lpi = fresh;
		fresh = NULL;
	}
	same = p->lpis_on == on;
	p->lpis_on = on;
	spin_unlock_irqrestore(&d->lock, flags);
	kfree(fresh);
	for (word = 0; !same && word < VGIC_LPI_WORDS; word++) {
		u64 table = 0;

		if (!READ_ONCE(d->lpi[word]))
			continue;
		/* What the table cannot tell is taken as not pending. */
		if (on && !(pendbaser & PEND_PTZ) &&
		    d->ops->mem_read(d, PEND_ADDR(pendbaser) + intid_of(word, 0) / 8, &table, sizeof(table)))
			table = 0;
		word_switch(p, word, on, table);
	}
	return 0;
}

/* One byte of a pending table: bits that are the PE's to decide, and their values. */
static int byte_save(struct vgic_dist *d, u16 pe, u32 intid, u8 mine, u8 pending)
{
	u64 at;
	u8 byte;
	int ret = pending_byte(d, d->pes[pe], intid, &at, &byte);

	if (ret || (byte & mine) == pending)
		return ret;
	byte = (byte & ~mine) | pending;
	return d->ops->mem_write(d, at, &byte, 1);
}

/* No vCPU runs: the words are all that there is. */
static int word_save(struct vgic_dist *d, unsigned word)
{
	struct vgic_lpi_word *w = d->lpi[word];
	u64 left = 0, bits;
	int ret;

	for (bits = w->mapped; bits; bits &= bits - 1)
		if (w->target[__builtin_ctzl(bits)] != VGIC_NONE)
			left |= bits & -bits;
	while (left) {
		unsigned first = __builtin_ctzl(left), base = first & ~7U;
		u64 mine = word_targets(w, w->target[first]) & 0xffUL << base;

		ret = byte_save(d, w->target[first], intid_of(word, first), mine >> base, (w->latch & mine) >> base);
		if (ret)
			return ret;
		left &= ~mine;
	}
	return 0;
}

int vgic_lpis_save(struct vgic_dist *d)
{
	unsigned word;
	int ret = 0;

	for (word = 0; d->lpi && word < VGIC_LPI_WORDS && !ret; word++)
		if (d->lpi[word])
			ret = word_save(d, word);
	return ret;
}

struct vgic_lpi_pick vgic_lpi_best(const struct vgic_dist *d, unsigned word, u64 *ready)
{
	const struct vgic_lpi_word *w = d->lpi[word];
	u64 best = *ready;
	unsigned i, bit;

	for (i = 0; i < PRIO_BITS; i++)
		if (best & ~w->prio[i])
			best &= ~w->prio[i];
	bit = __builtin_ctzl(best);
	*ready &= ~BIT(bit);
	return (struct vgic_lpi_pick){ intid_of(word, bit), prio_get(w, bit) };
}

u64 vgic_lpi_to_lr(struct vgic_dist *d, u32 intid)
{
	struct vgic_lpi_word *w = word_of(d, intid);
	u64 bit = BIT(intid % 64);

	w->latch &= ~bit;
	w->inlr |= bit;
	return intid | LR_GROUP | LR_PENDING | (u64)prio_get(w, intid % 64) << LR_PRIO_SHIFT;
}

void vgic_lpi_from_lr(struct vgic_pe *p, u32 intid, u64 lr)
{
	struct vgic_lpi_word *w = word_of(p->dist, intid);
	u64 bit = BIT(intid % 64);

	/*
	 * Once acknowledged it is over: what a CPU interface keeps as "active" until the EOI is only the running priority,
	 * which is in the active priorities registers, and the EOI of an LPI that is in no list register counts nowhere.
	 */
	if ((lr & LR_PENDING) && !(w->cpend & bit))
		w->latch |= bit;
	w->inlr &= ~bit;
	w->cpend &= ~bit;
	lpi_update(p->dist, w, intid, p);
}

bool vgic_lpi_has_pending(const struct vgic_pe *p)
{
	const struct vgic_dist *d = p->dist;
	unsigned i, word;
	u64 sum;

	if (!(p->summary & VGIC_SUM_LPI) || !(d->en & 2) || !(vgic_pe_takes(p) & VMCR_ENG1))
		return false;
	for (i = 0; i < VGIC_LPI_SUMS; i++) {
		for (sum = p->lpi->sum[i]; sum; sum &= sum - 1) {
			u64 ready;

			word = i * 64 + __builtin_ctzl(sum);
			ready = p->lpi->word[word] & d->lpi[word]->latch;
			if (ready && vgic_lpi_best(d, word, &ready).prio < (u8)(p->vmcr >> VMCR_PMR_SHIFT))
				return true;
		}
	}
	return false;
}

void vgic_lpi_forget_pe(struct vgic_dist *d, const struct vgic_pe *p)
{
	unsigned word, i;

	for (word = 0; d->lpi && word < VGIC_LPI_WORDS; word++) {
		struct vgic_lpi_word *w = d->lpi[word];

		for (i = 0; w && i < 64; i++) {
			if (w->owner[i] == p->index)
				w->owner[i] = VGIC_NONE;
			if (w->target[i] == p->index)
				w->target[i] = VGIC_NONE;
		}
	}
}

static const char *word_check(const struct vgic_dist *d, unsigned word)
{
	const struct vgic_lpi_word *w = d->lpi[word];
	unsigned i, n;

	for (i = 0; i < 64; i++) {
		u64 bit = BIT(i);
		bool busy = w->inlr & bit, pend = w->latch & w->enabled & bit;
		u16 owner = w->owner[i], target = w->target[i];
		bool on = target != VGIC_NONE && d->pes[target]->lpis_on;

		if (!w->refs[i] != !(w->mapped & bit))
			return "an LPI's mapped bit and its count differ";
		if (!(w->mapped & bit) && ((w->latch | w->enabled) & bit))
			return "an LPI that nobody maps has state";
		if ((w->cpend & ~w->inlr) & bit)
			return "an order for an LPI that is in no list register";
		if (busy ? owner == VGIC_NONE : owner != (pend && on ? target : VGIC_NONE))
			return "an LPI is not where it should be";
		for (n = 0; n < d->nr_pes; n++)
			if (!!(d->pes[n]->lpi && (d->pes[n]->lpi->word[word] & bit)) != (owner == n))
				return "an LPI's owner and the ready bitmaps differ";
	}
	return NULL;
}

const char *vgic_lpi_check(const struct vgic_dist *d)
{
	const char *wrong = NULL;
	unsigned i, n;

	for (i = 0; d->lpi && i < VGIC_LPI_WORDS && !wrong; i++)
		if (d->lpi[i])
			wrong = word_check(d, i);
	for (n = 0; n < d->nr_pes && !wrong; n++) {
		const struct vgic_pe *p = d->pes[n];
		bool any = false;

		for (i = 0; p->lpi && i < VGIC_LPI_WORDS; i++) {
			any |= !!p->lpi->word[i];
			if (!p->lpi->word[i] != !(p->lpi->sum[i / 64] & BIT(i % 64)))
				wrong = "LPI summary does not match the ready words";
		}
		if (any != !!(p->summary & VGIC_SUM_LPI))
			wrong = "the summary's LPI bit is wrong";
	}
	return wrong;
}
