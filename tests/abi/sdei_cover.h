// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which states sdei_moves.c has been through, by kind of event: S0 to S5 (docs/abi/sdei.md has them as registered, enabled,
 * running) times pending, times PE 0 masked, times a critical handler over a normal one there.
 */
#pragma once

#define STATES		6
#define PENDING(n)	((n) << 2 & 4)
#define MASKED		2
#define NESTED		1

static const struct kind {
	const char *name;
	uint16_t state;		/* index of its STATE register; IDENT comes before it */
	uint16_t intid;
} kinds[] = {
	{ "private, normal", 0x4001, 0 },
	{ "private, critical", 0x4009, 0 },
	{ "bound to a PPI", 0x4011, PPI },
	{ "bound to a timer", 0x4011, TIMER },
	{ "shared, normal", 0x8001, 0 },
	{ "shared, critical", 0x8009, 0 },
	{ "bound to an SPI", 0x8011, SPI },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint32_t cover[KINDS][STATES][8];

static uint64_t cover_reg(unsigned int n, const uint64_t *id, const uint64_t *val, uint16_t index)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (IS_SDEI(id[i]) && (uint16_t)id[i] == index)
			return val[i];
	return 0;
}

/* One state: PE 0's registers, and which SPIs from 32 and PPIs are pending, or have their line up. */
static void cover_note(unsigned int n, const uint64_t *id, const uint64_t *val, uint32_t spis, uint32_t ppis)
{
	static const uint8_t number[8] = { 0, 1, 0, 2, 5, 4, 0, 3 };	/* by registered, enabled, running */
	unsigned int how = 0, k;

	how |= cover_reg(n, id, val, 0x0002) & 1 ? MASKED : 0;
	how |= cover_reg(n, id, val, 0xc000) && cover_reg(n, id, val, 0xc020) ? NESTED : 0;
	for (k = 0; k < KINDS; k++) {
		uint64_t state = cover_reg(n, id, val, kinds[k].state), pending = state >> 3;
		uint16_t intid = cover_reg(n, id, val, kinds[k].state - 1) >> 40;

		if (intid != kinds[k].intid)
			continue;
		if (intid)
			pending = (intid < 32 ? ppis >> intid : spis >> (intid - 32)) & 1;
		cover[k][number[state & 7]][how | PENDING(pending)]++;
	}
}

/*
 * Can it be? One that is not registered does not pend (an interrupt may), and what is enabled and pending, with nothing in its
 * way, starts: seen only if it was raised while the PE was not in KVM_RUN.
 */
static bool cover_expected(unsigned int k, unsigned int state, unsigned int how)
{
	bool pends = how & PENDING(1);

	if (pends && kinds[k].intid == TIMER)	/* its line is not the interrupt controller's to show */
		return false;
	if (pends && (state == 0 || state == 5) && !kinds[k].intid)
		return false;
	if (pends && state == 2 && !(how & MASKED))
		return false;
	return state >= 3 || !(how & NESTED);
}

static void cover_report(bool all)
{
	unsigned int k, s, h, seen = 0, missing = 0;

	for (k = 0; k < KINDS; k++) {
		for (s = 0; s < STATES; s++) {
			for (h = 0; h < 8; h++) {
				seen += !!cover[k][s][h];
				if (!all || cover[k][s][h] || !cover_expected(k, s, h))
					continue;
				missing++;
				printf("# never seen: %s, S%u%s%s%s\n", kinds[k].name, s, h & PENDING(1) ? ", pending" : "",
				       h & MASKED ? ", masked" : "", h & NESTED ? ", nested" : "");
			}
		}
	}
	printf("# %u of %u states by kind, S0 to S5, pending, masked, nested\n", seen, (unsigned int)KINDS * STATES * 8);
	check_eq(missing, 0, "T44 each kind of event was seen in each state");
}
