// SPDX-License-Identifier: GPL-2.0-only
/* The vCPUs' sets by name; see vcpu_dump.c. */
#pragma once

#include "kvm/vcpu.h"

typedef void (*vcpu_dump_line)(void *arg, const char *text);	/* a line without its end */

/* Every field of the configuration, traps, input and state; any context; what changes meanwhile is not consistent. */
void vcpu_dump(const struct vcpu *v, vcpu_dump_line line, void *arg);
void vcpu_dump_init(void);		/* registers the debug file and the panic's part */
void vm_dump_add(struct vm *vm);	/* shown in the debug file from now; thread context, no locks */
void vm_dump_del(struct vm *vm);	/* and no longer: before anything of it is freed */
