// SPDX-License-Identifier: GPL-2.0-only
/* error: incomplete type|undefined type|incomplete definition */
#define VCPU_ENTRY_CODE
#include "kvm/vcpu.h"
bool f(struct vcpu *v);
bool f(struct vcpu *v)
{
	return v->state->ran_once;
}
