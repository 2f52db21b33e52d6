// SPDX-License-Identifier: GPL-2.0-only
/* error: incompatible type */
#include "kvm/vcpu.h"
int f(struct vm *vm, gva_t va, void *p);
int f(struct vm *vm, gva_t va, void *p)
{
	return guest_read(vm, va, p, 8);
}
