// SPDX-License-Identifier: GPL-2.0-only
/*
 * nestvm's SDEI: the events of its machine. Nothing here needs a lock: set up before the vCPUs run, injection is one
 * ioctl.
 */
#pragma once

#include "vmm.h"

/* Private and critical: an error that ends the guest, on the vCPU that is to say where it is. */
#define EV_NMI		0x40000001u
/* As EV_NMI, without an error record: Arm's "generic diagnostic dump and reset" (AGDI). */
#define EV_DUMP		0x40000002u
/* Shared and normal: an error that was corrected. */
#define EV_CORRECTED	0x40000101u
/* For the guest payloads, and for whoever binds interrupts. */
#define EV_TEST_NORMAL	0x40000011u
#define EV_TEST_CRIT	0x40000012u
#define EV_TEST_SHARED	0x40000111u
#define EV_TEST_SHARED_CRIT 0x40000112u
#define EV_DYN_PRIVATE	0x40000020u	/* and the next */
#define EV_DYN_SHARED	0x40000120u	/* and the next */
#define NR_DYN		2
/* Raised by an interrupt line of the test device. */
#define EV_TEST_STATIC	0x40000130u
#define TEST_STATIC_SPI	(32 + 40)

/* Ask KVM for SDEI, before any vCPU. Exits with VMM_ERROR where there is none. */
void sdei_enable(struct vm *vm);
/* Raise @event on vCPU @i, or, for a shared one, anywhere. 0 or -errno. */
int sdei_raise(const struct vm *vm, uint32_t event, unsigned int i, uint32_t flags);
