// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fast tier: exits that are served with the guest still loaded, interrupts off, the guest's vectors and HCR_EL2 in
 * place. Nothing here may sleep, take a lock that can be held with a guest loaded, or use RCU without saying so.
 * Everything else returns false and takes the long way: leave.c, dispatch.c.
 */
#define VCPU_ENTRY_CODE

#include "exit_classes.h"
#include "kernel/cpu/sysreg.h"
#include "kvm/run/run.h"
#include "kvm/vgic/vgic.h"

#define ESR_EC(esr)	((esr) >> 26 & 0x3f)
#define ESR_HVC_IMM(esr) ((esr) & 0xffff)

/* ISS of a system register access (Arm ARM D24.2.40, EC 0x18): all but the general register. */
#define ISS_SYS(op0, op1, crn, crm, op2, read)						\
	((u64)(op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1 | (read))
#define ISS_SYS_MASK	(GENMASK(24, 10) | GENMASK(4, 0))
#define ISS_SYS_RT(esr)	((unsigned)((esr) >> 5 & 0x1f))
#define WRITE_SGI1R	ISS_SYS(3, 0, 12, 11, 5, 0)
#define SPSR_SS		BIT(21)
#define SPSR_BTYPE	GENMASK(11, 10)

/* The guest's vector registers into this CPU. fp_claim leaves CPTR_EL2 as the host wants it: ours comes after. */
static bool fast_fp(struct vcpu *v)
{
	fp_claim(&v->fp);
	write_sysreg(v->traps.cptr, cptr_el2);
	return true;
}

/*
 * An interrupt for other vCPUs. Waking their threads takes RCU, and may leave something for this CPU to do that comes
 * without an interrupt: then the guest is left as by one.
 */
static bool fast_sgi(struct vcpu *v, u64 esr, u64 *code)
{
	unsigned rt = ISS_SYS_RT(esr);
	bool done;

	if ((esr & ISS_SYS_MASK) != WRITE_SGI1R)
		return false;
	rcu_user_exit();
	done = vgic_sgi_fast(v, rt == 31 ? 0 : v->regs.x[rt], true);
	rcu_user_enter();
	if (!done)
		return false;
	v->fast_sgi++;
	write_sysreg(read_sysreg(elr_el2) + 4, elr_el2);
	write_sysreg(read_sysreg(spsr_el2) & ~(SPSR_SS | SPSR_BTYPE), spsr_el2);
	if (likely(!(READ_ONCE(current_thread->flags) & (TF_RESCHED | TF_NOTIFY | TF_KICK)) && !READ_ONCE(v->requests)))
		return true;
	*code = GUEST_EXIT_IRQ;
	return false;
}

bool exit_fast(struct vcpu *v, u64 *code)
{
	u64 esr;

	if (unlikely(*code != GUEST_EXIT_SYNC))
		return false;
	esr = read_sysreg(esr_el2);
	switch (ESR_EC(esr)) {
	case ESR_EC_HVC64:
		return ESR_HVC_IMM(esr) == 0 && smccc_fast(v);
	case ESR_EC_SYS64:
		return fast_sgi(v, esr, code);
	case ESR_EC_FP_ASIMD:
		return fast_fp(v);
	case ESR_EC_SVE:
		return v->fp.wide && fast_fp(v);	/* else the guest has no SVE */
	default:
		return false;
	}
}
