// SPDX-License-Identifier: GPL-2.0-only
/* Orders to a running VM: by socket and keys; the watchdog. Owner: control.c. */
#pragma once

#include "vmm.h"

/* Start serving @vm: the control socket and the watchdog, as its options say. After the vCPUs' threads. */
void control_start(const struct vm *vm);
/* Remove the socket. */
void control_stop(const struct vm *vm);
/* Carry out one order and write its answer, one line without end, to @answer. May take some seconds. */
void control_order(const struct vm *vm, const char *order, char *answer, size_t size);
/* The same from the main thread: carried out by another, the answer goes to the terminal. */
void control_key(const struct vm *vm, const char *order);
/* nestvm --send PATH ORDER: be the other side. The exit status. */
int control_send(const char *path, const char *order);
