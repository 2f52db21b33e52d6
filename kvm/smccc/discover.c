// SPDX-License-Identifier: GPL-2.0-only
/*
 * Discovery of target implementations: the kinds of CPU that a guest may run on, so that it can apply the errata of all.
 * Ours are those of this machine, after the one that the guest's own ID registers name; a VMM that knows of other
 * hosts answers itself by the hypercall filter. Linux: Documentation/virt/kvm/arm/hypercalls.rst.
 */
#include "kvm/features.h"
#include "kvm/smccc/smccc.h"
#include "kvm/sysreg/sysreg.h"
#include "smccc_ids.h"

#define DISCOVER_VERSION	0x10000
#define SMCCC_RET_INVALID	(-3L)

/* The guest's own is one of the machine's unless the VMM made it another. */
static bool own_is_known(const struct vcpu *v)
{
	unsigned i;

	for (i = 0; i < host.nr_impls; i++)
		if (host.impls[i].midr == v->vm->idregs.midr && host.impls[i].revidr == v->vm->idregs.revidr &&
		    host.impls[i].aidr == v->vm->idregs.aidr)
			return true;
	return false;
}

enum trap_result smccc_discover_version(struct vcpu *v, u32 fn)
{
	smccc_return(v, 0, DISCOVER_VERSION, host.nr_impls + !own_is_known(v), 0);
	return TRAP_RETRY;
}

enum trap_result smccc_discover_cpus(struct vcpu *v, u32 fn)
{
	bool own = !own_is_known(v);
	u64 i = v->regs.x[1];

	if (own && !i)
		smccc_return(v, 0, v->vm->idregs.midr, v->vm->idregs.revidr, v->vm->idregs.aidr);
	else if (i - own < host.nr_impls)
		smccc_return(v, 0, host.impls[i - own].midr, host.impls[i - own].revidr, host.impls[i - own].aidr);
	else
		smccc_return(v, SMCCC_RET_INVALID, 0, 0, 0);
	return TRAP_RETRY;
}
