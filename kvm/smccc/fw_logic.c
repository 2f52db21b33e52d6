// SPDX-License-Identifier: GPL-2.0-only
/* The rules of feature registers and filter; see fw_logic.h. No privileged instruction, no locks. */
#ifdef NATIVE
#include <errno.h>
#else
#include <linux/errno.h>
#endif

#include "kvm/smccc/fw_logic.h"

#define WA_LEVEL	0xfUL
#define WA2_ENABLED	BIT(4)

unsigned workaround_level(struct spec_cpu c, unsigned which, bool guest_ssbs)
{
	switch (which) {
	case 1:
		return c.v2_safe ? WA_NOT_REQUIRED : WA_NOT_AVAIL;
	case 2:
		/* A guest that knows SSBS has its own switch, and is told of no other. One that does not stays at its reset value. */
		return c.v4_safe || (c.ssbs && !guest_ssbs) ? WA2_NOT_REQUIRED : WA_NOT_AVAIL;
	default:
		return c.bhb == BHB_SAFE ? WA_NOT_REQUIRED : c.bhb == BHB_CLEARED ? WA_AVAIL : WA_NOT_AVAIL;
	}
}

int workaround_check(unsigned which, u64 level, u64 val)
{
	u64 bits = which == 2 ? WA_LEVEL | WA2_ENABLED : WA_LEVEL;

	if (val & ~bits)
		return -EINVAL;
	if (which != 2)
		return val > level ? -EINVAL : 0;
	/* Whether it is on only matters where it can be turned off. */
	if ((val & WA2_ENABLED) && (val & WA_LEVEL) != WA2_AVAIL)
		return -EINVAL;
	switch (val & WA_LEVEL) {
	case WA_NOT_AVAIL:
	case WA2_UNKNOWN:
		return 0;
	case WA2_AVAIL:		/* a switch that this host does not have is only unneeded where nothing is to be switched */
	case WA2_NOT_REQUIRED:
		return level == WA2_NOT_REQUIRED ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

int psci_version_check(bool psci_0_2, u64 val)
{
	switch (val) {
	case PSCI_V0_1:
		return psci_0_2 ? -EINVAL : 0;
	case PSCI_V0_2:
	case PSCI_V1_0:
	case PSCI_V1_1:
		return psci_0_2 ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

int bitmap_check(u64 allowed, u64 old, u64 val, bool ran)
{
	if (val & ~allowed)
		return -EINVAL;
	return ran && val != old ? -EBUSY : 0;
}

/* Arm architecture calls stay ours: guests rely on them to find everything else. */
static const struct filter_range reserved[] = {
	{ 0x80000000, 0x8000ffff, 0 },
	{ 0xc0000000, 0xc000ffff, 0 },
};

static bool overlaps(const struct filter_range *a, const struct filter_range *b)
{
	return a->first <= b->last && b->first <= a->last;
}

int filter_decode(u32 base, u32 nr, u8 action, struct filter_range *out)
{
	/* None from 0 on is every call there is, as on Linux: the architecture's are among them. */
	if (action >= FILTER_ACTIONS || base + (nr - 1) < base)
		return -EINVAL;
	*out = (struct filter_range){ base, base + (nr - 1), action };
	return 0;
}

int filter_place(const struct filter_range *all, unsigned n, const struct filter_range *r)
{
	unsigned i, at = 0;

	for (i = 0; i < ARRAY_SIZE(reserved); i++)
		if (overlaps(&reserved[i], r))
			return -EEXIST;
	for (i = 0; i < n; i++) {
		if (overlaps(&all[i], r))
			return -EEXIST;
		if (all[i].first < r->first)
			at = i + 1;
	}
	return at;
}

u8 filter_find(const struct filter_range *all, unsigned n, u32 fn)
{
	unsigned lo = 0, hi = n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (fn < all[mid].first)
			hi = mid;
		else if (fn > all[mid].last)
			lo = mid + 1;
		else
			return all[mid].action;
	}
	return 0;
}
