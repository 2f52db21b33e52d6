// SPDX-License-Identifier: GPL-2.0-only
/* error: no member named */
#include "kvm/vcpu.h"
bool f(struct vcpu *v);
bool f(struct vcpu *v)
{
	return v->input.initialized;
}
