// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fast tier: exits that are served with the guest still loaded, interrupts off, the guest's vectors and HCR_EL2 in
 * place. Nothing here may sleep, take a lock that can be held with a guest loaded, or use RCU without saying so.
 * Everything else returns false and takes the long way: leave.c, dispatch.c.
 */
#define VCPU_ENTRY_CODE

#include "exit_classes.h"
#include "kernel/cpu/sysreg.h"
#include "kvm/nested/nested.h"
#include "kvm/run/run.h"
#include "kvm/timer/timer.h"
#include "kvm/trap/trap.h"
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
#define SPSR_NRW	BIT(4)
#define ISS_ID_MASK	(ISS_SYS_MASK & ~(0xfUL << 1 | 7UL << 17))

/* ISS of a data abort (D24.2.40): ISV, a load without sign extension, translation fault of level 0 to 3. */
#define LOAD_MASK	(BIT(24) | BIT(21) | BIT(10) | BIT(9) | BIT(8) | BIT(7) | BIT(6) | 0x3c)
#define LOAD_PLAIN	(BIT(24) | 0x04)

/* Past an instruction that was served. */
static bool skip(void)
{
	write_sysreg(read_sysreg(elr_el2) + 4, elr_el2);
	write_sysreg(read_sysreg(spsr_el2) & ~(SPSR_SS | SPSR_BTYPE), spsr_el2);
	return true;
}

/*
 * A load from the device that served the last one, if that can be done with the guest loaded: AArch64, little endian, no
 * sign extension. The generation says that there is still no memory in front of the device, and that it is still there.
 */
static bool fast_load(struct vcpu *v, u64 esr)
{
	const struct mmio_hint *h = &v->mmio_hint;
	u64 spsr = read_sysreg(spsr_el2), addr, val;
	unsigned rt = esr >> 16 & 31;

	if ((esr & LOAD_MASK) != LOAD_PLAIN || !h->dev || !h->dev->read_loaded ||
	    h->gfn != FIELD_GET(GENMASK(43, 4), read_sysreg(hpfar_el2)) ||
	    h->gen != __atomic_load_n(&v->vm->mmio_gen, __ATOMIC_ACQUIRE))
		return false;
	if ((spsr & SPSR_NRW) || (guest_sctlr() & (spsr & 0xf ? SCTLR_EE : SCTLR_E0E)))
		return false;
	addr = h->gfn << PAGE_SHIFT | (read_sysreg(far_el2) & (PAGE_SIZE - 1));
	if (!h->dev->read_loaded(v, h->dev, addr, 1U << (esr >> 22 & 3), &val))
		return false;
	if (rt != 31)
		v->regs.x[rt] = val;
	v->fast_load++;
	return skip();
}

/* The ID space (Op0 3, Op1 0, CRn 0, CRm 1 to 7): all of it answers, what is unallocated with zero. */
static bool fast_idreg(struct vcpu *v, u64 esr)
{
	unsigned rt = ISS_SYS_RT(esr), crm = esr >> 1 & 15;

	if ((esr & ISS_ID_MASK) != ISS_SYS(3, 0, 0, 0, 0, 1) || !crm || crm > 7)
		return false;
	if (rt != 31)
		v->regs.x[rt] = v->vm->idregs.id[(crm - 1) * 8 + (esr >> 17 & 7)];
	v->fast_sysreg++;
	return skip();
}

/*
 * The guest's vector registers into this CPU, unless they are in another's: calling that takes interrupts (trap/fp.c).
 * fp_claim leaves CPTR_EL2 as the host wants it: ours comes after.
 */
static bool fast_fp(struct vcpu *v)
{
	if (unlikely(!fp_claim(&v->fp)))
		return false;
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
	v->fast_sysreg++;
	(void)skip();
	return guest_may_go_on(v, code);
}

bool exit_fast(struct vcpu *v, u64 *code)
{
	u64 esr;

	if (unlikely(*code != GUEST_EXIT_SYNC)) {
		if (*code != GUEST_EXIT_IRQ || (unlikely(v->nested) && !v->nested->hyp) || !timer_irq_loaded(v))
			return false;
		v->fast_irq++;
		return true;
	}
	esr = read_sysreg(esr_el2);
	if (unlikely(v->nested)) {
		enum nested_fast f = nested_exit_fast(v, esr);

		if (f != NESTED_COMMON)
			return f == NESTED_SERVED;
	}
	switch (ESR_EC(esr)) {
	case ESR_EC_HVC64:
		return ESR_HVC_IMM(esr) == 0 && smccc_fast(v, code);
	case ESR_EC_SYS64:
		return fast_idreg(v, esr) || fast_sgi(v, esr, code);
	case ESR_EC_DABT_LOW:
		return fast_load(v, esr);
	case ESR_EC_FP_ASIMD:
		return fast_fp(v);
	case ESR_EC_SVE:
		return v->fp.wide && fast_fp(v);	/* else the guest has no SVE */
	default:
		return false;
	}
}
