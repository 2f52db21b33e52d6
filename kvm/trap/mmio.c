// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads and stores to addresses without memory: in the kernel (vGIC, ioeventfd) if a device is there, else by the VMM
 * through the run page. The syndrome (ISS of a data abort with ISV, Arm ARM D24.2.40) says which register and size.
 */
#include <linux/errno.h>

#include "kernel/debug/print.h"
#include "kernel/lib/string.h"
#include "kvm/run/run.h"
#include "kvm/trap/trap.h"
#include "kvm/vcpu_state.h"

#define ISS_SAS(esr)	((esr) >> 22 & 3)
#define ISS_SSE		BIT(21)
#define ISS_SRT(esr)	((esr) >> 16 & 31)
#define ISS_SF		BIT(15)
#define ISS_WNR		BIT(6)

/* The guest's byte order for data: EE, or E0E from EL0. */
static bool guest_is_be(struct vcpu *v)
{
	if (v->regs.pstate & BIT(4))
		return v->regs.pstate & BIT(9);
	ASSERT(v->loaded);
	return guest_sctlr() & ((v->regs.pstate & 0xf) ? SCTLR_EE : SCTLR_E0E);
}

static u64 swap_bytes(u64 val, unsigned len)
{
	switch (len) {
	case 2:
		return __builtin_bswap16(val);
	case 4:
		return __builtin_bswap32(val);
	case 8:
		return __builtin_bswap64(val);
	default:
		return val & 0xff;
	}
}

static u64 from_guest(struct vcpu *v, u64 val, unsigned len)
{
	if (unlikely(guest_is_be(v)))
		return swap_bytes(val, len);
	return val & (~0UL >> (64 - len * 8));
}

static void load_result(struct vcpu *v, u64 esr, unsigned len, u64 val)
{
	val = from_guest(v, val, len);		/* the same swap both ways */
	if ((esr & ISS_SSE) && len < 8) {
		u64 sign = BIT(len * 8 - 1);

		val = (val ^ sign) - sign;
	}
	if (!(esr & ISS_SF))
		val &= 0xffffffff;
	guest_reg_set(v, ISS_SRT(esr), val);
}

bool mmio_again(struct vcpu *v, ipa_t ipa)
{
	u64 esr = v->exit.esr, val = 0;
	unsigned len = 1U << ISS_SAS(esr);

	if (iobus_read_again(v, ipa.v, len, &val))
		return false;
	v->state->stat.mmio_kernel++;
	load_result(v, esr, len, val);
	return true;
}

enum trap_result mmio_to_user(struct vcpu *v, ipa_t ipa)
{
	u64 esr = v->exit.esr, val = 0;
	unsigned len = 1U << ISS_SAS(esr);
	bool write = esr & ISS_WNR;
	struct kvm_run *run = v->run;

	if (write)
		val = from_guest(v, guest_reg(v, ISS_SRT(esr)), len);
	v->state->stat.mmio_user++;
	v->state->mmio.needed = true;
	v->state->mmio.is_write = write;
	v->state->mmio.len = len;
	v->state->mmio.esr = esr;
	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = ipa.v;
	run->mmio.len = len;
	run->mmio.is_write = write;
	/* Narrow values stand in the first bytes, the rest is zero. */
	*(u64 *)run->mmio.data = val;
	return TRAP_USER;
}

enum trap_result mmio_trap(struct vcpu *v, ipa_t ipa)
{
	u64 esr = v->exit.esr, val = 0;
	unsigned len = 1U << ISS_SAS(esr);
	bool write = esr & ISS_WNR;
	int ret;

	if (write)
		val = from_guest(v, guest_reg(v, ISS_SRT(esr)), len);
	ret = iobus_access(v, ipa.v, len, write, &val);
	if (ret == -EAGAIN)
		return TRAP_RETRY;	/* the device has more to do, the thread has signals to look at */
	if (ret)
		return mmio_to_user(v, ipa);
	v->state->stat.mmio_kernel++;
	if (!write)
		load_result(v, esr, len, val);
	return TRAP_SKIP;
}

/*
 * The VMM has served it. What to do is taken from our own copy: the run page may hold anything by now. The PC moves
 * here for writes too, as on Linux.
 */
void mmio_complete(struct vcpu *v)
{
	struct vcpu_state *s = v->state;
	u64 val = 0;

	s->mmio.needed = false;
	if (v->input.step == STEP_EXCEPTION)	/* KVM_SET_VCPU_EVENTS turned the access into an abort */
		return;
	if (!s->mmio.is_write) {
		val = READ_ONCE(*(u64 *)v->run->mmio.data);	/* load_result takes mmio.len bytes of it */
		load_result(v, s->mmio.esr, s->mmio.len, val);
	}
	v->input.step = STEP_SKIP;
}
