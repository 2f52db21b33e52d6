// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage-2 aborts (EC 0x20 instruction, 0x24 data; HCR_EL2.VM): memory that must be faulted in, a device, or a mistake of
 * the guest's that it gets back as an abort of its own. Fault status codes: Arm ARM D24.2.40, ISS for Data Aborts.
 */
#include <linux/errno.h>

#include "kernel/debug/print.h"
#include "kvm/features.h"
#include "kvm/run/run.h"
#include "kvm/stage2/stage2.h"
#include "kvm/trap/trap.h"
#include "kvm/vcpu_state.h"

#define EC(esr)		((esr) >> 26 & 0x3f)
#define EC_IABT		0x20
#define ISS_ISV		BIT(24)
#define ISS_CM		BIT(8)
#define ISS_S1PTW	BIT(7)
#define ISS_WNR		BIT(6)
#define FSC(esr)	((esr) & 0x3f)
#define FSC_TRANSLATION	0x04	/* levels 0..3 in bits [1:0] */
#define FSC_SEA		0x10
#define FSC_SEA_TTW	0x13	/* level -1 .. level 3: 0x13..0x17 */
#define FSC_SECC	0x18

struct abort {
	u64 esr, far, ipa;	/* ipa: with the offset within the page */
	bool exec, write, s1ptw, permission, access, translation;
};

static void abort_decode(struct vcpu *v, struct abort *a)
{
	u64 esr = v->exit.esr;
	unsigned fsc = FSC(esr);

	a->esr = esr;
	a->far = v->exit.far;
	a->exec = EC(esr) == EC_IABT;
	a->s1ptw = esr & ISS_S1PTW;
	a->translation = (fsc & 0x3c) == 0x04 || fsc == 0x2b;
	a->access = (fsc & 0x3c) == 0x08;
	a->permission = (fsc & 0x3c) == 0x0c;
	/*
	 * A walk only writes (access flag, dirty state) when reading alone was allowed. Cache maintenance always has WnR, and
	 * few kinds of it need to write.
	 */
	a->write = a->s1ptw ? a->permission : !a->exec && (esr & ISS_WNR) && (a->permission || !(esr & ISS_CM));
	a->ipa = (v->exit.hpfar & GENMASK(43, 4)) << 8 | (a->far & (PAGE_SIZE - 1));
}

static enum trap_result inject_abort(struct vcpu *v, const struct abort *a)
{
	if (a->exec)
		inject_iabt(v, a->far);
	else
		inject_dabt(v, a->far);
	return TRAP_RETRY;
}

static enum trap_result fail(struct vcpu *v, int error)
{
	v->state->error = error;
	return TRAP_FAIL;
}

/* No syndrome: the instruction is one that hardware does not describe (load pair, writeback). */
static enum trap_result no_syndrome(struct vcpu *v, const struct abort *a)
{
	struct kvm_run *run = v->run;

	if (!v->vm->nisv_to_user) {
		pr_warn_once("kvm: guest access to %#lx at pc %#lx without syndrome\n", a->ipa, v->regs.pc);
		return fail(v, -ENOSYS);
	}
	run->exit_reason = KVM_EXIT_ARM_NISV;
	run->arm_nisv.esr_iss = a->esr & (ISS_CM | ISS_WNR | 0x3f);
	run->arm_nisv.fault_ipa = a->ipa;
	return TRAP_USER;
}

/* Nothing behind the address, or a write to a read-only slot. */
static enum trap_result no_memory(struct vcpu *v, const struct abort *a, bool read_only)
{
	if (a->exec || a->s1ptw)
		return inject_abort(v, a);
	if (!read_only && (a->esr & ISS_CM))
		return TRAP_SKIP;	/* cache maintenance of nothing */
	if (!(a->esr & ISS_ISV))
		return no_syndrome(v, a);
	return mmio_trap(v, IPA(a->ipa));
}

static enum trap_result memory(struct vcpu *v, const struct abort *a)
{
	struct vm *vm = v->vm;
	struct s2_fault f = { .v = v, .ipa = a->ipa, .write = a->write, .exec = a->exec && !a->s1ptw, .permission = a->permission };
	int ret;

	v->mmio_hint.dev = NULL;
	v->mmio_hint.user = false;
	v->mmio_hint.gen = __atomic_load_n(&vm->mmio_gen, __ATOMIC_ACQUIRE);
	if (a->access && pt_mkyoung(&vm->s2.pt, a->ipa & PAGE_MASK))
		return TRAP_RETRY;
	ret = stage2_fault(vm, &f);
	if (ret == -ENOENT)
		return no_memory(v, a, false);
	if (ret == -EROFS) {
		enum trap_result res = no_memory(v, a, true);

		/* A device to writes only: the next access may be a load, which finds the memory. */
		v->mmio_hint.dev = NULL;
		v->mmio_hint.user = false;
		return res;
	}
	v->state->stat.stage2_faults++;
	if (ret && ret != -EAGAIN)
		return fail(v, ret);
	return TRAP_RETRY;
}

/*
 * An access with syndrome, and no translation at the page where the last one met a device. True if that could serve it too;
 * *res is then what to do.
 */
static bool same_device(struct vcpu *v, enum trap_result *res)
{
	const struct mmio_hint *h = &v->mmio_hint;
	u64 esr = v->exit.esr;
	ipa_t ipa = IPA(h->gfn << PAGE_SHIFT | (v->exit.far & (PAGE_SIZE - 1)));

	if ((esr & (ISS_ISV | ISS_CM | ISS_S1PTW | 0x3c)) != (ISS_ISV | FSC_TRANSLATION) || EC(esr) == EC_IABT ||
	    h->gfn != FIELD_GET(GENMASK(43, 4), v->exit.hpfar))
		return false;
	if (h->user && h->gen == __atomic_load_n(&v->vm->mmio_gen, __ATOMIC_ACQUIRE)) {
		*res = mmio_to_user(v, ipa);
		return true;
	}
	*res = TRAP_SKIP;
	return h->dev && !(esr & ISS_WNR) && mmio_again(v, ipa);
}

enum trap_result abort_trap(struct vcpu *v)
{
	struct abort a;
	unsigned fsc = FSC(v->exit.esr);
	enum trap_result res;

	if (same_device(v, &res))
		return res;
	abort_decode(v, &a);
	if (fsc == FSC_SEA || (fsc >= FSC_SEA_TTW && fsc <= FSC_SECC) || (fsc >= 0x1b && fsc <= 0x1f)) {
		(void)inject_vserror(v, false, 0);
		return TRAP_RETRY;
	}
	if (a.translation || fsc < 4 || fsc == 0x29) {
		if (a.ipa >> host.ipa_bits) {
			inject_size_fault(v, a.far, a.exec);
			return TRAP_RETRY;
		}
		if (a.ipa >> v->vm->ipa_bits)
			return inject_abort(v, &a);
	}
	if (!a.translation && !a.access && !a.permission) {
		pr_warn_once("kvm: stage-2 abort with unknown status, ESR %#lx\n", a.esr);
		return fail(v, -EFAULT);
	}
	return memory(v, &a);
}
