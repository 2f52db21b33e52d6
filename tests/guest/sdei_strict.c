// SPDX-License-Identifier: GPL-2.0-only
/* nestvm --sdei=strict: what clients written for the firmware of real machines insist on. */
#include "sdei.h"

const char payload_name[] = "sdei_strict";

static struct event signal;

void payload_main(void)
{
	check_eq(smccc(SDEI_VERSION, 0, 0, 0).a0, 1UL << 48, "T1 version 1.0, vendor 0");
	IS(sdei(SDEI_FEATURES, 1, 0), SDEI_INVALID, "no relative mode");
	IS(sdei5(SDEI_REGISTER, EV_NORMAL, (u64)sdei_entry, 0, 2, 0), SDEI_INVALID, "T10 nor its flag");
	sdei(SDEI_UNMASK, 0, 0);
	IS(sdei_register(&signal, 0, 0, 0), 0, "REGISTER");
	IS(SIGNAL_SELF(), SDEI_INVALID, "T16 signal while disabled");
	IS(sdei(SDEI_ENABLE, 0, 0), 0, "ENABLE");
	check_eq(signal.total, 0, "T16 nothing was latched");
	sdei(SDEI_MASK, 0, 0);
	IS(SIGNAL_SELF(), SDEI_INVALID, "T16 signal while masked");
	sdei(SDEI_UNMASK, 0, 0);
	check_eq(signal.total, 0, "T16 nothing was latched");
	IS(SIGNAL_SELF(), 0, "signal");
	check_eq(signal.total, 1, "it ran");
	IS(sdei(SDEI_GET_INFO, 0, 1), 0, "T21 signalable, the other way round");
	sdei_disarm(&signal);
}
