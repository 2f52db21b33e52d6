// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entry: the control registers that must differ between host and guest, then the guest, again and again while the fast
 * tier can serve it. What is per thread rather than per entry (EL1 state, stage 2, trap registers that only count below
 * EL2) is loaded by load.c. Arm ARM D1.3.6, D24.2.53 (HCR_EL2). Interrupts are off throughout.
 */
#define VCPU_ENTRY_CODE

#include "kernel/cpu/spec.h"
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kvm/run/run.h"

#define HCR_VF	BIT(6)
#define HCR_VI	BIT(7)
#define HCR_VSE	BIT(8)

#define VSESR_EL2 S3_4_C5_C2_3

/* The syndrome goes with the virtual SError; a CPU without RAS has no register for it. Arm ARM D24.2.194. */
static void vserror_load(const struct vcpu *v)
{
	if ((v->input.vserror & VSERROR_OURS) && FIELD_GET(GENMASK(31, 28), read_sysreg(id_aa64pfr0_el1)))
		write_sysreg(v->input.vserror_esr, VSESR_EL2);
}

static u64 hcr_now(const struct vcpu *v)
{
	u64 hcr = v->traps.hcr;

	if (unlikely(v->input.vserror)) {
		vserror_load(v);
		hcr |= HCR_VSE;
	}
	if (unlikely(v->input.irq_line))
		hcr |= HCR_VI;
	if (unlikely(v->input.fiq_line))
		hcr |= HCR_VF;
	return hcr;
}

void vcpu_enter(struct vcpu *v)
{
	u64 code;

	ASSERT(v->loaded && v->config.frozen);
	ASSERT(v->input.step == STEP_NONE);	/* committed by the loop */

	write_sysreg(v->regs.pc, elr_el2);
	write_sysreg(v->regs.pstate, spsr_el2);
	write_sysreg(fp_is_live(&v->fp) ? v->traps.cptr : v->traps.cptr_nofp, cptr_el2);
	/* VBAR_EL2, by the name that does not trap when we are a guest ourselves. */
	write_sysreg(read_sysreg(vbar_el1) | VECTORS_GUEST, vbar_el1);
	write_sysreg(hcr_now(v), hcr_el2);
	isb();
	do {
		code = guest_run(&v->regs);
	} while (exit_fast(v, &code));
	rcu_user_exit();	/* leaving may kick other vCPUs and signal eventfds */
	vcpu_leave(v, code);
}
