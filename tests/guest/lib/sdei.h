// SPDX-License-Identifier: GPL-2.0-only
/*
 * SDEI client of the payloads (Arm DEN0054). One entry point for all events; the handler's argument is a struct event,
 * whose function says how the handler ends. Handlers run on the interrupted stack. The test device is nestvm's
 * (--test-device, vmm/testdev.c), and so are the events (vmm/sdei.h).
 */
#pragma once

#define SDEI_FRAME	368

#ifndef __ASSEMBLER__

#include "lib.h"

#define SDEI_VERSION		0xc4000020UL
#define SDEI_REGISTER		0xc4000021UL
#define SDEI_ENABLE		0xc4000022UL
#define SDEI_DISABLE		0xc4000023UL
#define SDEI_CONTEXT		0xc4000024UL
#define SDEI_COMPLETE		0xc4000025UL
#define SDEI_COMPLETE_RESUME	0xc4000026UL
#define SDEI_UNREGISTER		0xc4000027UL
#define SDEI_STATUS		0xc4000028UL
#define SDEI_GET_INFO		0xc4000029UL
#define SDEI_ROUTING_SET	0xc400002aUL
#define SDEI_MASK		0xc400002bUL
#define SDEI_UNMASK		0xc400002cUL
#define SDEI_BIND		0xc400002dUL
#define SDEI_RELEASE		0xc400002eUL
#define SDEI_SIGNAL		0xc400002fUL
#define SDEI_FEATURES		0xc4000030UL
#define SDEI_PRIVATE_RESET	0xc4000031UL
#define SDEI_SHARED_RESET	0xc4000032UL

#define SDEI_NOT_SUPPORTED	(-1L)
#define SDEI_INVALID		(-2L)
#define SDEI_DENIED		(-3L)
#define SDEI_PENDING		(-5L)
#define SDEI_NO_RESOURCE	(-10L)

/* nestvm's events. */
#define EV_NORMAL		0x40000011UL
#define EV_CRIT			0x40000012UL
#define EV_SHARED		0x40000111UL
#define EV_SHARED_CRIT		0x40000112UL
#define EV_DYN_PRIVATE		0x40000020UL
#define EV_DYN_SHARED		0x40000120UL
#define EV_STATIC		0x40000130UL
#define STATIC_SPI		72U

/* nestvm's test device. */
#define TESTDEV			0x09020000UL
#define TD_EVENT		(TESTDEV + 0x00)
#define TD_VCPU			(TESTDEV + 0x04)
#define TD_RAISE		(TESTDEV + 0x08)
#define TD_RESULT		(TESTDEV + 0x0c)
#define TD_SPI			(TESTDEV + 0x10)
#define TD_PPI			(TESTDEV + 0x14)
#define TD_LATER		(TESTDEV + 0x18)
#define TD_EVENTFD		(TESTDEV + 0x1c)
#define TD_SIGNAL		(TESTDEV + 0x20)
#define TD_LATER_SPI		(TESTDEV + 0x24)
#define TD_LEVEL		(1U << 31)
#define TD_IMMEDIATE		1U
#define TD_CANCEL		2U

/* As the handler found things. */
struct sdei_frame {
	u64 x[31];
	u64 elr, spsr, esr, far, sp_el0;
	u64 nzcv, daif, spsel, pan, el, sp;
	u64 ssbs, dit;
	u64 pad[2];
};

struct event {
	/* Address to resume at, or 0 for a plain COMPLETE. NULL: COMPLETE. */
	u64 (*fn)(struct event *ev, struct sdei_frame *f);
	u64 num;
	u32 runs[MAX_CPUS];
	u32 total;
	struct sdei_frame last;
};

extern char sdei_entry[];
extern u32 sdei_use_smc;	/* the conduit of handlers' ends and of sdei() */

/* A call with five arguments; x0. */
s64 sdei5(u64 fn, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5);
#define sdei(fn, a1, a2)	sdei5(fn, a1, a2, 0, 0, 0)

s64 sdei_register(struct event *ev, u64 num, u64 flags, u64 affinity);
/* Registered and enabled, count cleared; any routing. */
void sdei_arm(struct event *ev, u64 num, u64 (*fn)(struct event *, struct sdei_frame *));
void sdei_disarm(struct event *ev);
/* Have the VMM raise an event, on this CPU if it is private. */
s64 sdei_raise(u64 num, u32 flags);
/* Wait until the event has run @n times; false after two seconds. */
bool sdei_ran(struct event *ev, u32 n);
#define SIGNAL_SELF()		sdei(SDEI_SIGNAL, 0, this_cpu()->mpidr)
#define IS(call, want, name)	check_eq((s64)(call), (s64)(want), name)

#endif /* __ASSEMBLER__ */
