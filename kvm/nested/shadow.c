// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shadow stage 2: for each pair of VTTBR_EL2 and VTCR_EL2 that a guest hypervisor uses, a table of ours that maps what
 * its tables map, through the VM's memory. Filled by faults, emptied by the hypervisor's TLB maintenance (tlbi.c) and
 * whenever the VM's own stage 2 loses something. Owned by the VM: at most 2 a vCPU, of which a vCPU holds at most one,
 * so that there is always one to take over. Torn down by nested_vm_destroy alone.
 *
 * All under vm->s2.lock: faults install under it for reading, all else holds it for writing. vm_nested.seq grows with every
 * removal that a hypervisor asks for, and a fault that read its tables before installs nothing.
 */
#include <linux/errno.h>

#include "kernel/debug/print.h"
#include "kernel/mm/page.h"
#include "kvm/features.h"
#include "kvm/nested/nested.h"
#include "kvm/nested/walk.h"
#include "kvm/run/run.h"
#include "kvm/stage2/stage2.h"
#include "kvm/sysreg/sysreg.h"
#include "kvm/vcpu_state.h"

#define VTTBR_VMID	GENMASK(63, 48)
#define UNMAP_STEP	(64UL << 20)	/* of a hypervisor's TLB maintenance, in one hold of the lock */
#define UNMAP_MAX	(2UL << 30)	/* more than this: all of that VMID, at once */
#define SHADOW_BITS	MIN(host.ipa_bits, 48U)

/* s2.lock held for writing, but not for as long as it takes to free what was mapped: nested_reap does that. */
static void shadow_empty(struct vm_nested *vn, struct shadow *s)
{
	struct shadow_garbage *g;
	int ret;

	if (!s->mapped)
		return;
	g = kzalloc(sizeof(*g));
	if (g && !pt_detach(&s->s2.pt, &g->pt)) {
		g->next = vn->garbage;
		WRITE_ONCE(vn->garbage, g);
		s->mapped = false;
		return;
	}
	kfree(g);
	/* No memory: here and now. */
	ret = pt_unmap(&s->s2.pt, 0, 1UL << s->s2.pt.ia_bits, NULL, NULL);
	ASSERT(!ret);		/* nothing to split */
	s->mapped = false;
}

void nested_invalidate(struct vm *vm)
{
	struct vm_nested *vn = vm->nested;
	unsigned i;

	vn->seq++;		/* what a fault has read of the hypervisor's tables may be in what goes */
	for (i = 0; i < vn->n; i++)
		shadow_empty(vn, vn->s[i]);
	vncr_invalidate(vn);
}

void nested_reap(struct vm *vm)
{
	struct vm_nested *vn = vm->nested;
	struct shadow_garbage *g, *next;

	if (!READ_ONCE(vn->garbage))
		return;
	write_lock(&vm->s2.lock);
	g = vn->garbage;
	vn->garbage = NULL;
	write_unlock(&vm->s2.lock);
	for (; g; g = next) {
		next = g->next;
		pt_destroy(&g->pt);
		kfree(g);
	}
}

void nested_vm_destroy(struct vm *vm)
{
	struct vm_nested *vn = vm->nested;
	unsigned i;

	if (!vn)
		return;
	nested_reap(vm);
	for (i = 0; i < vn->n; i++) {
		vmid_free(&vn->s[i]->s2);
		pt_destroy(&vn->s[i]->s2.pt);
		kfree(vn->s[i]);
	}
	kfree(vn);
	vm->nested = NULL;
}

static struct shadow *shadow_alloc(void)
{
	struct shadow *s = kzalloc(sizeof(*s));

	if (!s)
		return NULL;
	if (pt_init(&s->s2.pt, PT_STAGE2, SHADOW_BITS)) {
		kfree(s);
		return NULL;
	}
	s->s2.pt.vttbr = va_to_pa(s->s2.pt.root).v;
	return s;
}

static bool shadow_is(const struct shadow *s, const struct shadow_key *key)
{
	const struct shadow_key *k = &s->key;

	return s->valid && k->on == key->on && k->tge == key->tge && (!k->on || (k->vttbr == key->vttbr && k->vtcr == key->vtcr));
}

static struct shadow *shadow_find(struct vm_nested *vn, const struct shadow_key *key)
{
	unsigned i;

	for (i = 0; i < vn->n; i++)
		if (shadow_is(vn->s[i], key))
			return vn->s[i];
	return NULL;
}

/* Of those that no vCPU holds, the one that was taken longest ago. */
static struct shadow *shadow_oldest(struct vm_nested *vn)
{
	struct shadow *best = NULL;
	unsigned i;

	for (i = 0; i < vn->n; i++)
		if (!vn->s[i]->refs && (!best || vn->s[i]->used < best->used))
			best = vn->s[i];
	return best;
}

static void shadow_take(struct vm *vm, struct shadow *s, const struct shadow_key *key)
{
	s->refs++;
	s->used = ++vm->nested->clock;
	if (shadow_is(s, key))
		return;
	vm->nested->seq++;
	shadow_empty(vm->nested, s);
	if (s->valid && s->s2.vmid_gen)
		pt_flush_vmid(s->s2.pt.vttbr);
	s->valid = true;
	s->key = *key;
}

struct shadow *shadow_get(struct vcpu *v)
{
	const struct shadow_key key = {
		.on = nested_hcr(v) & (HCR_VM | HCR_DC),
		.tge = v->nested->tge,
		.vttbr = vncr_reg(v->nested, REG_VTTBR_EL2) & ~1UL,
		.vtcr = vncr_reg(v->nested, REG_VTCR_EL2),
	};
	struct vm *vm = v->vm;
	struct vm_nested *vn = vm->nested;
	struct shadow *s, *new = NULL;
	unsigned max = MIN(vn->max, 2 * READ_ONCE(vm->nr_vcpus));
	bool tried = false;

	for (;;) {
		write_lock(&vm->s2.lock);
		s = shadow_find(vn, &key);
		if (!s && new && vn->n < max) {
			s = vn->s[vn->n++] = new;
			new = NULL;
		}
		if (!s && (tried || vn->n >= max))
			s = shadow_oldest(vn);
		if (s)
			shadow_take(vm, s, &key);
		write_unlock(&vm->s2.lock);
		nested_reap(vm);
		if (s || tried)
			break;
		new = shadow_alloc();
		tried = true;
	}
	if (new) {
		pt_destroy(&new->s2.pt);
		kfree(new);
	}
	return s;
}

void shadow_put(struct vcpu *v)
{
	struct shadow *s = v->nested->shadow;

	if (!s)
		return;
	v->nested->shadow = NULL;
	write_lock(&v->vm->s2.lock);
	ASSERT(s->refs);
	s->refs--;
	write_unlock(&v->vm->s2.lock);
}

/* ---- the hypervisor's TLB maintenance ---- */

static bool same_vmid(const struct shadow *s, u64 vttbr)
{
	return s->valid && s->key.on && !((s->key.vttbr ^ vttbr) & VTTBR_VMID);
}

static void unmap_step(struct vcpu *v, u64 vttbr, u64 ipa, u64 size)
{
	struct vm_nested *vn = v->vm->nested;
	unsigned i;

	write_lock(&v->vm->s2.lock);
	vn->seq++;
	for (i = 0; i < vn->n; i++) {
		struct shadow *s = vn->s[i];
		u64 top = 1UL << s->s2.pt.ia_bits;

		if (!same_vmid(s, vttbr) || !s->mapped || (size && ipa >= top))
			continue;
		if (!size || pt_unmap(&s->s2.pt, ipa, MIN(size, top - ipa), NULL, NULL))
			shadow_empty(vn, s);
		if (!size && s->s2.vmid_gen)
			pt_flush_vmid(s->s2.pt.vttbr);
	}
	write_unlock(&v->vm->s2.lock);
	nested_reap(v->vm);
}

/* Faults may come between the steps: they read what the hypervisor's tables say now. */
void shadow_unmap_vmid(struct vcpu *v, u64 vttbr, u64 ipa, u64 size)
{
	u64 end = ipa + size, next;

	if (!size || size > UNMAP_MAX || end < ipa) {
		unmap_step(v, vttbr, 0, 0);
		return;
	}
	for (; ipa < end; ipa = next) {
		next = MIN(end, ALIGN_DOWN(ipa, UNMAP_STEP) + UNMAP_STEP);
		unmap_step(v, vttbr, ipa, next - ipa);
	}
}

void shadow_flush_vmid(struct vcpu *v, u64 vttbr)
{
	struct vm_nested *vn = v->vm->nested;
	bool on = nested_hcr(v) & (HCR_VM | HCR_DC);
	unsigned i;

	write_lock(&v->vm->s2.lock);
	for (i = 0; i < vn->n; i++)
		if ((on ? same_vmid(vn->s[i], vttbr) : vn->s[i]->valid && !vn->s[i]->key.on) && vn->s[i]->s2.vmid_gen)
			pt_flush_vmid(vn->s[i]->s2.pt.vttbr);
	write_unlock(&v->vm->s2.lock);
}

void shadow_unmap_all(struct vcpu *v)
{
	struct vm_nested *vn = v->vm->nested;
	unsigned i;

	write_lock(&v->vm->s2.lock);
	nested_invalidate(v->vm);
	for (i = 0; i < vn->n; i++)
		if (vn->s[i]->s2.vmid_gen)
			pt_flush_vmid(vn->s[i]->s2.pt.vttbr);
	write_unlock(&v->vm->s2.lock);
	nested_reap(v->vm);
}
