// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fast tier: exits that are served with the guest still loaded, interrupts off, the guest's vectors and HCR_EL2 in
 * place. Nothing here may sleep, take a lock that can be held with a guest loaded, or use RCU. Everything else returns
 * false and takes the long way: leave.c, dispatch.c.
 */
#define VCPU_ENTRY_CODE

#include "exit_classes.h"
#include "kernel/cpu/sysreg.h"
#include "kvm/run/run.h"
#include "kvm/vgic/vgic.h"

#define ESR_EC(esr)	((esr) >> 26 & 0x3f)
#define ESR_HVC_IMM(esr) ((esr) & 0xffff)

/* The guest's vector registers into this CPU. fp_claim leaves CPTR_EL2 as the host wants it: ours comes after. */
static bool fast_fp(struct vcpu *v)
{
	write_sysreg(v->traps.cptr, cptr_el2);
	isb();
	fp_claim(&v->fp);
	write_sysreg(v->traps.cptr, cptr_el2);
	v->fp.traps++;
	return true;
}

bool exit_fast(struct vcpu *v, u64 code)
{
	u64 esr;

	if (unlikely(code != GUEST_EXIT_SYNC))
		return false;
	esr = read_sysreg(esr_el2);
	switch (ESR_EC(esr)) {
	case ESR_EC_HVC64:
		return ESR_HVC_IMM(esr) == 0 && smccc_fast(v);
	case ESR_EC_FP_ASIMD:
		return fast_fp(v);
	default:
		return false;
	}
}
