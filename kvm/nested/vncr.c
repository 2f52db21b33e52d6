// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest hypervisor whose own guest has an EL2 (its HCR_EL2.{NV,NV2}) names a page for that guest's registers in VNCR_EL2,
 * by an address of its EL2&0 regime. The hardware reaches it through a window: a page of kernel addresses that a vCPU gets
 * when it first enters such a guest, and that is in the hardware's VNCR_EL2 while the guest runs. The window shows the page
 * after the first access has aborted (vncr_abort), until anything that its translation rests on goes: then whoever takes
 * that away clears the window, which no CPU gets past. Docs: nested.md. Arm ARM D8.11, D24.2.40 (ISS of data aborts, VNCR).
 *
 * Windows are in vm_nested.windows; the list and what they show are under vm->s2.lock: a vCPU sets its own while it holds
 * that for reading, all else holds it for writing. A window outlives no vCPU.
 */
#include <linux/errno.h>

#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/mm/page.h"
#include "kvm/nested/nested.h"
#include "kvm/nested/walk.h"
#include "kvm/run/run.h"
#include "kvm/stage2/stage2.h"
#include "kvm/vcpu_state.h"

#define VNCR_BADDR	GENMASK(63, 12)
#define ISS_WNR		BIT(6)
#define FSC_MASK	0x3fUL
#define FSC_EXTABT	0x10
#define PAGE_LEVEL	3
#define VA_RANGE_BITS	GENMASK(48, 0)	/* what TLBI by range can say of an address */

/* What the translation of VNCR_EL2 was made from, but for the tables. */
struct vncr_regime {
	u64 vncr, sctlr, tcr, ttbr0, ttbr1;
};

struct vncr_window {
	struct vncr_window *next;
	void *at;			/* kernel address */
	bool set;
	struct vncr_regime regime;	/* valid while set, like size */
	u64 size;			/* of the hypervisor's mapping */
};

struct vncr_fault {
	const struct walk_result *r;
	struct vncr_regime regime;
	u64 seq;
};

static struct vncr_regime regime_of(struct vcpu *v)
{
	return (struct vncr_regime){
		.vncr = vncr_reg(v->nested, REG_VNCR_EL2) & VNCR_BADDR,
		.sctlr = reg_read(v, REG_SCTLR_EL2),
		.tcr = reg_read(v, REG_TCR_EL2),
		.ttbr0 = reg_read(v, REG_TTBR0_EL2),
		.ttbr1 = reg_read(v, REG_TTBR1_EL2),
	};
}

static bool regime_same(const struct vncr_regime *a, const struct vncr_regime *b)
{
	return a->vncr == b->vncr && a->sctlr == b->sctlr && a->tcr == b->tcr && a->ttbr0 == b->ttbr0 && a->ttbr1 == b->ttbr1;
}

/* s2.lock held for writing. */
static void clear(struct vncr_window *w)
{
	if (!w->set)
		return;
	w->set = false;
	window_clear(w->at);
}

void vncr_invalidate(struct vm_nested *vn)
{
	struct vncr_window *w;

	for (w = vn->windows; w; w = w->next)
		clear(w);
}

static struct vncr_window *create(struct vcpu *v)
{
	struct vncr_window *w = kzalloc(sizeof(*w));
	struct vm_nested *vn = v->vm->nested;

	if (!w)
		return NULL;
	w->at = window_create();
	if (!w->at) {
		kfree(w);
		return NULL;
	}
	write_lock(&v->vm->s2.lock);
	w->next = vn->windows;
	WRITE_ONCE(vn->windows, w);
	write_unlock(&v->vm->s2.lock);
	/* Before any table is read for it: TLB maintenance looks for windows after the change of the table (nested_tlbi_fast). */
	dsb(ish);
	return w;
}

int vncr_prepare(struct vcpu *v)
{
	struct vncr_window *w = v->nested->window;
	struct vncr_regime now;

	if (!w) {
		v->nested->window = create(v);
		return v->nested->window ? 0 : -ENOMEM;
	}
	now = regime_of(v);
	/* Only this thread sets it. */
	if (!READ_ONCE(w->set) || regime_same(&now, &w->regime))
		return 0;
	write_lock(&v->vm->s2.lock);
	clear(w);
	write_unlock(&v->vm->s2.lock);
	return 0;
}

u64 vncr_address(const struct vcpu *v)
{
	return (u64)v->nested->window->at;
}

void vncr_destroy(struct vcpu *v)
{
	struct vncr_window *w = v->nested->window, **at;

	if (!w)
		return;
	write_lock(&v->vm->s2.lock);
	clear(w);
	for (at = &v->vm->nested->windows; *at != w; at = &(*at)->next)
		;
	WRITE_ONCE(*at, w->next);
	write_unlock(&v->vm->s2.lock);
	window_destroy(w->at);
	kfree(w);
	v->nested->window = NULL;
}

/* ---- the hypervisor's TLB maintenance of its own regime ---- */

static bool named(const struct vncr_window *w, const struct vncr_tlbi *t)
{
	u64 from = w->regime.vncr & ~(w->size - 1);

	if (!t->size)
		return true;
	return ((from - t->va) & VA_RANGE_BITS) < t->size || ((t->va - from) & VA_RANGE_BITS) < w->size;
}

void vncr_tlbi(struct vcpu *v, const struct vncr_tlbi *t)
{
	struct vm_nested *vn = v->vm->nested;
	struct vncr_window *w;

	if (likely(!READ_ONCE(vn->windows)))
		return;
	write_lock(&v->vm->s2.lock);
	vn->seq++;
	for (w = vn->windows; w; w = w->next)
		if (w->set && named(w, t))
			clear(w);
	write_unlock(&v->vm->s2.lock);
}

/* ---- an access that found nothing in the window, or not what it needs ---- */

static enum trap_result to_hypervisor(struct vcpu *v, int fsc)
{
	u64 far = (vncr_reg(v->nested, REG_VNCR_EL2) & VNCR_BADDR) | (v->exit.far & ~PAGE_MASK);

	nested_inject(v, EXC_SYNC, (v->exit.esr & ~FSC_MASK) | fsc, true, far);
	return TRAP_RETRY;
}

/* s2.lock held for reading. */
static int install(struct vm *vm, const struct s2_fault *sf, const struct backing *b)
{
	struct vncr_window *w = sf->v->nested->window;
	const struct vncr_fault *f = sf->arg;
	bool logged = b->m->flags & KVM_MEM_LOG_DIRTY_PAGES;
	bool writable = f->r->w && (b->perm & PT_W) && !(b->m->flags & KVM_MEM_READONLY) && (!logged || sf->write);
	int ret;

	if (vm->nested->seq != f->seq)
		return -EAGAIN;
	if (w->set)		/* for reading: now it is written */
		window_clear(w->at);
	w->regime = f->regime;
	w->size = f->r->size;
	ret = window_set(w->at, PA(b->pa.v & PAGE_MASK), writable);
	WRITE_ONCE(w->set, !ret);
	if (!ret && sf->write)
		memslot_mark_dirty(vm, sf->v, b->m, sf->ipa >> PAGE_SHIFT);
	return ret;
}

enum trap_result vncr_abort(struct vcpu *v)
{
	struct vncr_fault f = { .seq = __atomic_load_n(&v->vm->nested->seq, __ATOMIC_ACQUIRE), .regime = regime_of(v) };
	unsigned type = v->exit.esr & 0x3c;
	struct s2_fault sf = { .v = v, .write = v->exit.esr & ISS_WNR, .install = install, .arg = &f };
	struct walk_result r;
	int ret;

	if (type != WALK_TRANSLATION && type != WALK_ACCESS_FLAG && type != WALK_PERMISSION) {
		(void)inject_vserror(v, false, 0);
		return TRAP_RETRY;
	}
	ret = nested_walk_own(v, f.regime.vncr, &r);
	if (!ret && !(sf.write ? r.w : r.r))
		ret = WALK_PERMISSION | (int)r.level;
	if (ret)
		return to_hypervisor(v, ret);
	f.r = &r;
	sf.ipa = r.out & PAGE_MASK;
	ret = stage2_fault(v->vm, &sf);
	if (ret == -ENOENT)
		return to_hypervisor(v, FSC_EXTABT);
	if (ret == -EROFS)
		return to_hypervisor(v, WALK_PERMISSION | (int)r.level);
	v->state->stat.stage2_faults++;
	if (ret && ret != -EAGAIN) {
		v->state->error = ret;
		return TRAP_FAIL;
	}
	return TRAP_RETRY;
}
