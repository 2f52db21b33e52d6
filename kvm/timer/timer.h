// SPDX-License-Identifier: GPL-2.0-only
/* Virtual and physical EL1 timers of a vCPU, loaded into CNTV_*_EL02 and CNTP_*_EL02. Owner: kvm/timer/. */
#pragma once

#include "kvm/vcpu.h"

int timer_vcpu_create(struct vcpu *v);		/* v->timers; -ENOMEM */
void timer_vcpu_reset(struct vcpu *v);
void timer_vcpu_destroy(struct vcpu *v);	/* cancels the background timer */
int timer_first_run(struct vcpu *v);		/* maps the PPIs to the vGIC; -EINVAL on PPI conflicts. Under vm->lock */
/* From the first run on: is this PPI one of the vCPU's timers'? No lock. */
bool timer_owns_ppi(const struct vcpu *v, u32 intid);
void timer_load(struct vcpu *v);		/* registers to hardware, offset to CNTVOFF_EL2, physical active state */
void timer_put(struct vcpu *v);
/*
 * The fast tier: an interrupt came while the guest ran. True if it was a timer's of v, and the guest has it now; false: some
 * other interrupt, still to be taken. Guest loaded, interrupts off.
 */
bool timer_irq_loaded(struct vcpu *v);
void timer_sync(struct vcpu *v);		/* after vgic_sync */
void timer_block(struct vcpu *v);		/* WFI: arm a host timer for the earliest deadline */
void timer_unblock(struct vcpu *v);
bool timer_has_pending(struct vcpu *v);
u64 timer_reg_read(struct vcpu *v, enum reg r);	/* CNTV_CTL_EL0, CNTV_CVAL_EL0, CNTP_*, CNTVCT, CNTPCT through ONE_REG or a trap */
void timer_reg_write(struct vcpu *v, enum reg r, u64 val);
int timer_attr(struct vcpu *v, const struct kvm_device_attr *a, int op /* 's','g','h' */);	/* KVM_ARM_VCPU_TIMER_CTRL */
int timer_set_offset(struct vm *vm, const struct kvm_arm_counter_offset *o);	/* KVM_ARM_SET_COUNTER_OFFSET */
/* Physical active state of a timer's host PPI on this CPU, remembered so that loading an idle timer costs nothing. Interrupts off. */
void timer_ppi_set_active(struct vcpu *v, u32 pintid, bool active);
/* Without an in-kernel vGIC: run->s.regs.device_irq_level is out of date, so KVM_RUN must return (-EINTR). Fills it in. */
bool timer_notify_user(struct vcpu *v);
int timer_init(void);

/*
 * A vCPU with a virtual EL2 has four timers, of which two are in hardware: the hypervisor's own (hyp) or its guest's. The
 * other two are emulated. While the vCPU is loaded and hyp, the EL1 timers' registers are in the VNCR page. Timers put,
 * interrupts off, for the first three.
 */
void timer_nested_view(struct vcpu *v, bool hyp);	/* which two are in hardware from the next timer_load on */
void timer_nested_to_page(struct vcpu *v);
void timer_nested_from_page(struct vcpu *v);
void timer_nested_traps(struct vcpu *v);	/* after timer_load: the hypervisor's offset and traps for its guest */
void timer_nested_emulate(struct vcpu *v);	/* before entry, interrupts off: levels of the two that are not in hardware */
u64 timer_hyp_read(struct vcpu *v, enum reg r);	/* CNTHP_*, CNTHV_* */
void timer_hyp_write(struct vcpu *v, enum reg r, u64 val);
