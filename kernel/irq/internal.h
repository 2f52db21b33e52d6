// SPDX-License-Identifier: GPL-2.0-only
/* Between entry code, the generic part and the GICv3 driver. Owner: kernel/irq/. */
#pragma once

#include "kernel/irq/irq.h"

/* All pending interrupts of this CPU. Interrupts masked. */
void irq_dispatch(void);
/* Handler of an INTID; result as it says. Unknown ones are reported once and disabled. */
enum irq_result irq_handle(u32 intid);

/* Distributor and redistributor map from the platform description; false with a line printed: unusable. */
bool gic_init(void);
void gic_init_this(void);		/* each CPU */
void gic_set_edge(u32 intid, bool edge);
void gic_send_sgi(u64 mpidr, u32 sgi);
void gic_send_sgi_others(u32 sgi);
