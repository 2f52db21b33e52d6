// SPDX-License-Identifier: GPL-2.0-only
/*
 * Host interrupts through GICv3 with EOImode=1: priority drop before the handler, deactivation after it unless the
 * handler says that somebody else (a guest, through a hardware-linked list register) deactivates. Owner: kernel/irq/.
 */
#pragma once

#include <nestbox/types.h>

enum irq_result { IRQ_DONE, IRQ_FORWARDED /* leave active: a guest will deactivate it */ };
typedef enum irq_result (*irq_handler_t)(u32 intid, void *arg);

/* For a PPI/SGI the handler is the same on all CPUs, but each CPU enables it for itself. -EBUSY, -EINVAL. Level unless edge is set. */
int irq_register(u32 intid, irq_handler_t fn, void *arg, bool edge);
void irq_enable(u32 intid);		/* PPI: on this CPU */
void irq_disable(u32 intid);
/* Active state of a PPI at this CPU's redistributor (hardware-linked virtual interrupts). */
void irq_ppi_set_active(u32 intid, bool active);
/*
 * For the owner of an interrupt that looks for it itself, interrupts off. irq_next: what comes next on this CPU, without
 * taking it; 1023: nothing. irq_take: acknowledge intid and drop its priority, as is done before a handler; false: another
 * one came in between, and has been handled (RCU sees this CPU in user space or a guest around that). irq_finish:
 * deactivate what was taken.
 */
u32 irq_next(void);
bool irq_take(u32 intid);
void irq_finish(u32 intid);

enum timer_irq { TIMER_IRQ_SEC_PHYS, TIMER_IRQ_PHYS, TIMER_IRQ_VIRT, TIMER_IRQ_HYP_PHYS, TIMER_IRQ_HYP_VIRT, TIMER_IRQ_COUNT };
/* INTID from the device tree; 0: not described. */
u32 timer_intid(enum timer_irq which);
u32 gic_maintenance_intid(void);
bool in_interrupt(void);
