// SPDX-License-Identifier: GPL-2.0-only
/*
 * Restored registers become state (docs/abi/sdei.md, Restoring): at the KVM_RUN that closes a window, and those of the other
 * vCPUs at the first KVM_RUN of any, if they make sense by then. An image that was applied is no more than a copy, and is made
 * again from the state when it is written to. Lock: sdei->lock.
 */
#include <linux/errno.h>
#include <nestbox/kvm.h>

#include "kernel/debug/print.h"
#include "kvm/sdei/sdei.h"
#include "kvm/smccc/smccc.h"
#include "kvm/vgic/vgic.h"

static bool pstate_ok(const struct sdei_pe *pe, u64 pstate)
{
	return guest_pstate_ok(sdei_vcpu_of(pe)->v, pstate);
}

static void irq_move(struct sdei_vm *m, struct sdei_pe *pe, u32 intid, bool ours)
{
	struct vcpu *v = pe ? sdei_vcpu_of(pe)->v : NULL;

	if (ours)
		(void)vgic_claim_irq(sdei_of(m)->vm, v, intid, true);
	else
		vgic_unclaim_irq(sdei_of(m)->vm, v, intid, true);
}

/* The lock is held. NULL: what sv's image says, and the VM's, is the state now. */
static const char *apply(struct sdei *s, struct sdei_vcpu *sv, bool last)
{
	struct sdei_restore r = {
		.pe = &sv->pe, .pe_words = sv->words, .last = last,
		.vm_words = s->window && !s->applied ? s->words : NULL, .has_gic = vgic_ready(s->vm),
		.closed = !(s->vm->fwregs.std_bmap & STD_SDEI), .pstate_ok = pstate_ok, .irq_move = irq_move,
	};
	const char *bad;

	if (sv->applied)
		sdei_pe_image_fill(&sv->pe, sv->words);
	bad = sdei_restore_check(&r);
	if (bad)
		return bad;
	sdei_restore_apply(&r);
	sv->applied = s->applied = true;
	return NULL;
}

/*
 * The lock is held, the VM's window closed. Images of vCPUs that have not run yet take effect as far as they make sense: the
 * guest that runs may signal them, or ask to release what they have registered.
 */
static void settle(struct sdei *s)
{
	unsigned i;

	for (i = 0; i < s->m.nr_pes && !s->settled; i++) {
		struct sdei_vcpu *sv = sdei_vcpu_of(s->m.pes[i]);

		if (sv->window && !sv->applied && !apply(s, sv, false))
			sdei_reevaluate(&sv->pe);
	}
	s->settled = true;
}

/* The lock is held. What was restored may be ready to start, here or, of the shared events, anywhere. */
static void restore_done(struct sdei *s, struct sdei_vcpu *sv)
{
	unsigned i;

	sdei_window_close(sv);
	s->window = false;
	settle(s);
	sdei_reevaluate(&sv->pe);
	for (i = 0; i < s->m.nr_shared; i++)
		if (s->m.shared[i].h.rm_pe)
			sdei_notify(&sv->pe, s->m.nr_private + i);
	sdei_offer(&s->m);
}

static int restore_refused(struct vcpu *v, const char *why)
{
	pr_warn_once("sdei: restored state refused: %s", why);
	v->run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	v->run->fail_entry.hardware_entry_failure_reason = KVM_NB_FAIL_SDEI_STATE;
	v->run->fail_entry.cpu = 0;
	return -EINVAL;
}

int sdei_restore(struct vcpu *v)
{
	struct sdei *s = v->vm->sdei;
	struct sdei_vcpu *sv = v->sdei;
	const char *bad = NULL;
	u64 flags;

	/* Whoever opens a window, or begins a round, asks us to look afterwards. */
	if (!s || likely(!sv->window && !READ_ONCE(s->fresh)))
		return 0;
	flags = spin_lock_irqsave(&s->lock);
	sdei_round_end(s);
	if (sv->window) {
		sdei_affinities_take(s);
		bad = apply(s, sv, s->windows == 1);
		if (!bad)
			restore_done(s, sv);
	}
	spin_unlock_irqrestore(&s->lock, flags);
	return bad ? restore_refused(v, bad) : 0;
}
