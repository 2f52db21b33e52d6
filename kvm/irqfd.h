// SPDX-License-Identifier: GPL-2.0-only
/* What irqfd.c, ioeventfd.c and the vGIC call of each other. */
#pragma once

#include "kvm/kvm.h"
#include "linux/fs/file.h"

/* The guest is done with a level interrupt: irqfds with a resample eventfd lower its line and say so. Any context, no lock held. */
void irqfd_acked(struct vm *vm, u32 spi);

/* GSI n is SPI n again, whatever routes there were. vm->lock held. */
void irqfds_default_routing(struct vm *vm);

/* References to the eventfd behind fd and to its file: both, or -EBADF, -EINVAL (another kind of file) and *file NULL. */
int eventfd_by_fd(int fd, struct eventfd **event, struct file **file);

/* The VM's list of ioeventfds, which lives and dies with its irqfds; changed under vm->lock. NULL: no memory. */
struct list *irqfds_ioeventfds(struct vm *vm);
void ioeventfds_destroy(struct list *all);
