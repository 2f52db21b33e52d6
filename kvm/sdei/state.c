// SPDX-License-Identifier: GPL-2.0-only
/*
 * SDEI's state through KVM_GET_ONE_REG and KVM_SET_ONE_REG, and when writing it means something.
 *
 * A vCPU's restore window opens with KVM_ARM_VCPU_INIT and closes with its next KVM_RUN that runs; that of what the VM has
 * once is open from the start, and again when all vCPUs have been initialised, until any of them runs. Outside, a write is
 * checked and has no effect, so that a VMM that writes back all registers it read some time ago loses nothing.
 */
#include <linux/errno.h>
#include <nestbox/kvm.h>

#include "kernel/mm/uaccess.h"
#include "kvm/sdei/sdei.h"

void sdei_window_close(struct sdei_vcpu *sv)
{
	if (!sv->window)
		return;
	sv->window = false;
	sdei_of(sv->pe.vm)->windows--;
}

static void window_open(struct sdei *s, struct sdei_vcpu *sv)
{
	sv->applied = true;	/* what is, now */
	if (sv->window)
		return;
	sv->window = true;
	s->windows++;
}

void sdei_round_end(struct sdei *s)
{
	if (!s->fresh)
		return;
	s->round++;
	s->fresh = 0;
	s->again = s->keep = false;
}

/* Counts vCPUs initialised with no KVM_RUN in between; when it was all of them, the VM starts again. Lock held. */
static void round_count(struct sdei *s, struct sdei_vcpu *sv)
{
	if (s->fresh && sv->round == s->round) {	/* a second time: another reset has begun */
		sdei_round_end(s);
		s->again = true;
	}
	sv->round = s->round;
	s->fresh++;
	s->keep |= sv->pe.suspended;
	if (s->fresh < s->m.nr_pes || (s->window && !s->again))
		return;
	if (!s->keep)
		sdei_shared_reset(&s->m);
	s->window = s->applied = true;
	s->again = false;
}

void sdei_vcpu_init(struct vcpu *v)
{
	struct sdei *s = v->vm->sdei;
	struct sdei_vcpu *sv = v->sdei;
	unsigned i;
	u64 flags;

	if (!sv)
		return;
	flags = spin_lock_irqsave(&s->lock);
	/* Some VMMs wake a guest from SYSTEM_SUSPEND this way: it expects its events to be there still. */
	if (sv->pe.suspended)
		sv->pe.masked = true;
	else
		sdei_pe_reset(&sv->pe);
	round_count(s, sv);
	sv->pe.suspended = false;
	window_open(s, sv);
	for (i = 0; i < s->m.nr_pes; i++)
		__atomic_fetch_or(&sdei_vcpu_of(s->m.pes[i])->v->requests, REQ_SDEI, __ATOMIC_SEQ_CST);
	spin_unlock_irqrestore(&s->lock, flags);
}

unsigned sdei_onereg_count(struct vcpu *v)
{
	return v->sdei ? sdei_reg_count(&v->vm->sdei->m) : 0;
}

int sdei_onereg_list(struct vcpu *v, u64 uindices)
{
	unsigned i, n = sdei_onereg_count(v);

	for (i = 0; i < n; i++) {
		u64 id = KVM_REG_NB_SDEI | sdei_reg_index(&v->vm->sdei->m, i);

		if (put_user(id, uindices + i * sizeof(id)))
			return -EFAULT;
	}
	return 0;
}

/* false: no such register for this vCPU. */
static bool ours(struct vcpu *v, const struct kvm_one_reg *reg)
{
	return v->sdei && (reg->id & ~0xffffUL) == KVM_REG_NB_SDEI;
}

/* Lock held. */
static int get(struct sdei *s, struct sdei_vcpu *sv, u16 index, u64 *val)
{
	struct sdei_reg_place place;

	if (!sdei_reg_read(&sv->pe, index, val))
		return -ENOENT;
	(void)sdei_reg_check(&sv->pe, index, *val, &place);	/* for the place alone */
	if (place.fixed)
		return 0;
	if (place.in_vm ? s->window && !s->applied : sv->window && !sv->applied)
		*val = sdei_image_get(&sv->pe, index, (place.in_vm ? s->words : sv->words)[place.at]);
	return 0;
}

int sdei_onereg_get(struct vcpu *v, const struct kvm_one_reg *reg)
{
	u64 val, flags;
	int ret;

	if (!ours(v, reg))
		return -ENOENT;
	flags = spin_lock_irqsave(&v->vm->sdei->lock);
	ret = get(v->vm->sdei, v->sdei, reg->id, &val);
	spin_unlock_irqrestore(&v->vm->sdei->lock, flags);
	if (ret)
		return ret;
	return put_user(val, reg->addr) ? -EFAULT : 0;
}

/* Lock held. An image that is in effect is a copy at most: it becomes one now. */
static void image_write(struct sdei *s, struct sdei_vcpu *sv, u16 index, const struct sdei_reg_place *place, u64 val)
{
	u64 *word = &(place->in_vm ? s->words : sv->words)[place->at];

	if (place->in_vm && s->applied)
		sdei_vm_image_fill(&s->m, s->words);
	else if (!place->in_vm && sv->applied)
		sdei_pe_image_fill(&sv->pe, sv->words);
	*word = sdei_image_set(&s->m, index, *word, val);
	*(place->in_vm ? &s->applied : &sv->applied) = false;
	s->settled = false;
}

int sdei_onereg_set(struct vcpu *v, const struct kvm_one_reg *reg)
{
	struct sdei *s = v->vm->sdei;
	struct sdei_vcpu *sv = v->sdei;
	struct sdei_reg_place place;
	u64 val, flags;
	int ret;

	if (!ours(v, reg))
		return -ENOENT;
	if (get_user(val, reg->addr))
		return -EFAULT;
	flags = spin_lock_irqsave(&s->lock);
	ret = sdei_reg_check(&sv->pe, reg->id, val, &place);
	if (!ret && !place.fixed && (place.in_vm ? s->window : sv->window))
		image_write(s, sv, reg->id, &place, val);
	spin_unlock_irqrestore(&s->lock, flags);
	return ret;
}
