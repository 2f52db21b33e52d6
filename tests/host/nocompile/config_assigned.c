// SPDX-License-Identifier: GPL-2.0-only
/* error: read-only|const-qualified */
#include "kvm/vcpu.h"
void f(struct vcpu *v);
void f(struct vcpu *v)
{
	v->config.initialized = true;
}
