// SPDX-License-Identifier: GPL-2.0-only
/* What irqfd.c, ioeventfd.c and the vGIC call of each other. */
#pragma once

#include "kvm/kvm.h"

/* The guest is done with a level interrupt: irqfds with a resample eventfd lower its line and say so. Any context, no lock held. */
void irqfd_acked(struct vm *vm, u32 spi);

/* The VM's list of ioeventfds, which lives and dies with its irqfds; changed under vm->lock. NULL: no memory. */
struct list *irqfds_ioeventfds(struct vm *vm);
void ioeventfds_destroy(struct list *all);
