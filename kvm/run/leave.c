// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaving the guest for the host: read what the exit left in system registers before anything can overwrite it, restore
 * the host's control registers, then sync back in the order PMU, vGIC, timers (a timer's level depends on what the
 * vGIC saw the guest do). Interrupts are off; the loop turns them on, and a physical interrupt that ended the guest is
 * then taken through the host's own vectors.
 */
#define VCPU_ENTRY_CODE

#include "exit_classes.h"
#include "kernel/cpu/spec.h"
#include "kernel/cpu/sysreg.h"
#include "kvm/run/run.h"
#include "kvm/timer/timer.h"
#include "kvm/vgic/vgic.h"

#define HCR_VSE		BIT(8)
#define FSC_TYPE	0x3c
#define FSC_PERM	0x0c
#define ESR_S1PTW	BIT(7)

/*
 * HPFAR_EL2 is only defined for translation, access flag and address size faults and for faults on a stage-1 walk
 * (Arm ARM D24.2.63). For a permission fault ask the MMU, with the guest's stage 1 still loaded. false: the guest changed
 * its tables meanwhile; entering again brings a proper fault.
 */
static bool fault_ipa(struct vcpu *v)
{
	u64 saved, par;

	v->exit.hpfar = read_sysreg(hpfar_el2);
	if ((v->exit.esr & FSC_TYPE) != FSC_PERM || (v->exit.esr & ESR_S1PTW))
		return true;
	saved = read_sysreg(par_el1);
	asm volatile("at s1e1r, %0" : : "r"(v->exit.far) : "memory");
	isb();
	par = read_sysreg(par_el1);
	write_sysreg(saved, par_el1);
	if (par & 1)
		return false;
	v->exit.hpfar = (par & GENMASK(51, 12)) >> 8;
	return true;
}

static void read_exit(struct vcpu *v, u64 code)
{
	u64 ec;

	v->regs.pc = read_sysreg(elr_el2);
	v->regs.pstate = read_sysreg(spsr_el2);
	v->exit.esr = read_sysreg(esr_el2);
	switch (code) {
	case GUEST_EXIT_SYNC:
		v->exit.kind = EXIT_TRAP;
		v->exit.far = read_sysreg(far_el2);
		ec = v->exit.esr >> 26 & 0x3f;
		if ((ec == ESR_EC_IABT_LOW || ec == ESR_EC_DABT_LOW) && !fault_ipa(v))
			v->exit.kind = EXIT_IRQ;
		break;
	case GUEST_EXIT_IRQ:
		v->exit.kind = EXIT_IRQ;
		break;
	case GUEST_EXIT_SERROR:
		v->exit.kind = EXIT_SERROR;
		break;
	default:
		v->exit.kind = EXIT_ILLEGAL;
		break;
	}
	/* The virtual SError is no longer pending once the guest took it. */
	if (unlikely(v->input.vserror) && !(read_sysreg(hcr_el2) & HCR_VSE))
		v->input.vserror = 0;
}

void vcpu_leave(struct vcpu *v, u64 code)
{
	read_exit(v, code);
	write_sysreg(host_hcr, hcr_el2);
	write_sysreg(read_sysreg(vbar_el1) & ~VECTORS_GUEST, vbar_el1);
	isb();
	fp_switch(&current_thread->fp);
	isb();
	vgic_sync(v);
	timer_sync(v);
}
