// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a function identifier to its handler, by the rows of tables/smccc.tbl. PC is past the instruction already, for
 * both conduits. Runs in the vCPU's thread; smccc_fast with the guest loaded.
 */
#include "kernel/debug/print.h"
#include "kvm/run/run.h"
#include "kvm/smccc/fw_logic.h"
#include "kvm/smccc/smccc.h"
#include "kvm/sdei/sdei.h"
#include "smccc_ids.h"

#define SMC64_CALL	0x40000000U
#define PSR_nRW		BIT(4)

enum gate { GATE_ALWAYS, GATE_PSCI01, GATE_PSCI02, GATE_STD, GATE_STDHYP, GATE_VENDOR, GATE_VENDOR2 };

struct row {
	u32 id;
	u8 gate, bit;
	enum trap_result (*fn)(struct vcpu *v, u32 fn);
	const char *name;
};

static const struct row rows[] = {
#include "smccc_table.inc"
};

static const struct row *row_find(u32 id)
{
	unsigned lo = 0, hi = ARRAY_SIZE(rows);

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (rows[mid].id == id)
			return &rows[mid];
		if (rows[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static bool gate_open(const struct vcpu *v, const struct row *r)
{
	const struct fwregs *f = &v->vm->fwregs;

	switch ((enum gate)r->gate) {
	case GATE_ALWAYS:
		return true;
	case GATE_PSCI01:
		return !v->config.psci_0_2;
	case GATE_PSCI02:
		return v->config.psci_0_2;
	case GATE_STD:
		return f->std_bmap >> r->bit & 1;
	case GATE_STDHYP:
		return f->std_hyp_bmap >> r->bit & 1;
	case GATE_VENDOR:
		return f->vendor_hyp_bmap >> r->bit & 1;
	case GATE_VENDOR2:
		return f->vendor_hyp_bmap_2 >> r->bit & 1;
	}
	return false;
}

bool smccc_offers(const struct vcpu *v, u32 fn)
{
	const struct row *r = row_find(fn);

	return r && gate_open(v, r);
}

/* The VMM wants to answer itself. */
static enum trap_result forward(struct vcpu *v, u32 fn, bool smc)
{
	struct kvm_run *run = v->run;
	u64 flags = 0;

	if (smc)
		flags |= KVM_HYPERCALL_EXIT_SMC;
	if (!(v->exit.esr & BIT(25)))	/* IL */
		flags |= KVM_HYPERCALL_EXIT_16BIT;
	run->exit_reason = KVM_EXIT_HYPERCALL;
	run->hypercall.nr = fn;
	run->hypercall.flags = flags;
	return TRAP_USER;
}

enum trap_result smccc_trap(struct vcpu *v, bool smc)
{
	u32 fn = v->regs.x[0];
	const struct row *r;

	switch (smccc_filter_action(v->vm, fn)) {
	case KVM_SMCCC_FILTER_FWD_TO_USER:
		return forward(v, fn, smc);
	case KVM_SMCCC_FILTER_DENY:
		break;
	default:
		r = row_find(fn);
		/* SMC64 calls are AArch64's alone (SMCCC 2.1). */
		if ((fn & SMC64_CALL) && (v->regs.pstate & PSR_nRW))
			break;
		if (r && gate_open(v, r))
			return r->fn(v, fn);
	}
	smccc_return(v, SMCCC_RET_NOT_SUPPORTED, 0, 0, 0);
	return TRAP_RETRY;
}

/* SDEI's. A signal may leave something for this CPU to do that comes without an interrupt: the guest is left as by one. */
static __attribute__((noinline)) bool fast64(struct vcpu *v, u64 *code)
{
	if (!(v->vm->fwregs.std_bmap & STD_SDEI))
		return false;
	switch ((u32)v->regs.x[0]) {
	case SMCCC_FN_SDEI_EVENT_COMPLETE:
		if (!sdei_complete_fast(v))
			return false;
		v->fast_hvc++;
		return true;
	case SMCCC_FN_SDEI_EVENT_SIGNAL:
		if (!sdei_signal_fast(v))
			return false;
		v->fast_hvc++;
		return guest_may_go_on(v, code);
	default:
		return false;
	}
}

bool smccc_fast(struct vcpu *v, u64 *code)
{
	u64 val;

	if (v->regs.x[0] & SMC64_CALL)
		return fast64(v, code);
	switch ((u32)v->regs.x[0]) {
	case SMCCC_FN_PSCI_VERSION:
		if (unlikely(v->vm->smccc_filter || !v->config.psci_0_2))
			return false;
		val = psci_version(v);
		break;
	case SMCCC_FN_SMCCC_VERSION:	/* no filter can cover it */
		val = 0x10001;
		break;
	default:
		return false;
	}
	smccc_return(v, val, 0, 0, 0);
	v->fast_hvc++;
	return true;
}

enum trap_result smccc_version(struct vcpu *v, u32 fn)
{
	smccc_return(v, 0x10001, 0, 0, 0);
	return TRAP_RETRY;
}

#define NOT_REQUIRED		1

/* Nothing is left to do: what there is was done when the guest was left. As on Linux, 0 even where it is not needed. */
enum trap_result smccc_workaround(struct vcpu *v, u32 fn)
{
	v->regs.x[0] = 0;
	return TRAP_RETRY;
}

enum trap_result smccc_arch_features(struct vcpu *v, u32 fn)
{
	u32 which = v->regs.x[1];
	u64 level;
	s64 ret = SMCCC_RET_NOT_SUPPORTED;

	switch (which) {
	case SMCCC_FN_SMCCC_ARCH_WORKAROUND_1:
		if (fwreg_workaround(v->vm, 1) == WA_NOT_REQUIRED)
			ret = NOT_REQUIRED;
		break;
	case SMCCC_FN_SMCCC_ARCH_WORKAROUND_2:
		if (fwreg_workaround(v->vm, 2) == WA2_NOT_REQUIRED)
			ret = NOT_REQUIRED;
		break;
	case SMCCC_FN_SMCCC_ARCH_WORKAROUND_3:
		level = fwreg_workaround(v->vm, 3);
		if (level != WA_NOT_AVAIL)
			ret = level == WA_NOT_REQUIRED ? NOT_REQUIRED : 0;
		break;
	case SMCCC_FN_SMCCC_VERSION:
	case SMCCC_FN_SMCCC_ARCH_FEATURES:
		ret = 0;
		break;
	case SMCCC_FN_PV_TIME_FEATURES:
		if (smccc_offers(v, which))
			ret = 0;
		break;
	}
	smccc_return(v, ret, 0, 0, 0);
	return TRAP_RETRY;
}

enum trap_result smccc_vendor_features(struct vcpu *v, u32 fn)
{
	smccc_return(v, v->vm->fwregs.vendor_hyp_bmap, 0, v->vm->fwregs.vendor_hyp_bmap_2, 0);
	return TRAP_RETRY;
}

enum trap_result smccc_vendor_uid(struct vcpu *v, u32 fn)
{
	/* What guests know as KVM: 28b46fb6-2ec5-11e9-a9ca-4b564d003a74, in four little-endian words. */
	smccc_return(v, 0xb66fb428, 0xe911c52e, 0x564bcaa9, 0x743a004d);
	return TRAP_RETRY;
}
