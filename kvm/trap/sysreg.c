// SPDX-License-Identifier: GPL-2.0-only
/* MRS and MSR that trap (EC 0x18). SGIs need no lookup; everything else goes by the rows of tables/sysreg.tbl. */
#include "kvm/run/run.h"
#include "kvm/vcpu_state.h"

enum trap_result trap_sysreg(struct vcpu *v);

enum trap_result trap_sysreg(struct vcpu *v)
{
	v->state->stat.sysreg++;
	return sysreg_trap(v, v->exit.esr);
}
