// SPDX-License-Identifier: GPL-2.0-only
/* What the read-only ICH registers say, from the others. Pure logic, compiles natively. IHI 0069 12.4. */
#pragma once

#include <nestbox/types.h>

struct ich_state {
	unsigned nr_lr;
	u64 lr[16], hcr, vmcr;
};

static inline bool ich_lr_empty(u64 lr)
{
	return !(lr >> 62);
}

/* Ended, and its end is to be told: no state, EOI set, not linked to a physical interrupt. */
static inline u64 ich_eisr(const struct ich_state *s)
{
	u64 val = 0;
	unsigned i;

	for (i = 0; i < s->nr_lr; i++)
		if (ich_lr_empty(s->lr[i]) && (s->lr[i] & BIT(41)) && !(s->lr[i] & BIT(61)))
			val |= BIT(i);
	return val;
}

static inline u64 ich_elrsr(const struct ich_state *s)
{
	u64 val = 0;
	unsigned i;

	for (i = 0; i < s->nr_lr; i++)
		if (ich_lr_empty(s->lr[i]) && ((s->lr[i] & BIT(61)) || !(s->lr[i] & BIT(41))))
			val |= BIT(i);
	return val;
}

static inline u64 ich_misr(const struct ich_state *s)
{
	unsigned i, used = 0, pending = 0;
	u64 val = 0;

	for (i = 0; i < s->nr_lr; i++) {
		used += !ich_lr_empty(s->lr[i]);
		pending += s->lr[i] >> 62 == 1;
	}
	if (ich_eisr(s))
		val |= BIT(0);				/* EOI */
	if ((s->hcr & BIT(1)) && used <= 1)
		val |= BIT(1);				/* U */
	if ((s->hcr & BIT(2)) && (s->hcr >> 27 & 0x1f))
		val |= BIT(2);				/* LRENP */
	if ((s->hcr & BIT(3)) && !pending)
		val |= BIT(3);				/* NP */
	if ((s->hcr & BIT(4)) && (s->vmcr & BIT(0)))
		val |= BIT(4);				/* VGrp0E */
	if ((s->hcr & BIT(5)) && !(s->vmcr & BIT(0)))
		val |= BIT(5);				/* VGrp0D */
	if ((s->hcr & BIT(6)) && (s->vmcr & BIT(1)))
		val |= BIT(6);				/* VGrp1E */
	if ((s->hcr & BIT(7)) && !(s->vmcr & BIT(1)))
		val |= BIT(7);				/* VGrp1D */
	return val;
}
