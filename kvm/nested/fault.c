// SPDX-License-Identifier: GPL-2.0-only
/*
 * Aborts of a guest hypervisor's guest: its own tables say where the address is in the VM, or that the hypervisor wants
 * the abort; then the page goes into the shadow with the rights of both. Arm ARM D24.2.40 (ISS), D8.4.
 */
#include <linux/errno.h>

#include "exit_classes.h"
#include "kernel/debug/print.h"
#include "kernel/mm/page.h"
#include "kvm/features.h"
#include "kvm/nested/nested.h"
#include "kvm/nested/walk.h"
#include "kvm/run/run.h"
#include "kvm/stage2/stage2.h"
#include "kvm/vcpu_state.h"

#define ISS_ISV		BIT(24)
#define ISS_CM		BIT(8)
#define VTCR_HA		BIT(21)
#define VTCR_HD		BIT(22)
#define DESC_AF		BIT(10)
#define S2_W		BIT(7)
#define ISS_S1PTW	BIT(7)
#define ISS_WNR		BIT(6)
#define FSC_MASK	0x3fUL

struct l2_fault {
	u64 ipa;		/* what the guest calls physical */
	bool write, exec, s1ptw;
	u64 va_ipa;		/* in the VM */
	u64 size;		/* of the hypervisor's mapping */
	unsigned perm;		/* PT_* that the hypervisor allows */
	struct shadow *shadow;
	u64 seq;		/* of vm_nested, before its tables were read */
};

static int read_desc(void *arg, u64 addr, u64 *desc)
{
	struct vcpu *v = arg;

	return guest_read(v->vm, IPA(addr), desc, sizeof(*desc)) ? WALK_EXTERNAL : 0;
}

/* Is this kind of update of descriptors on, and does the VM's ID_AA64MMFR1_EL1.HAFDBS have it (1: access flag, 2: dirty state)? */
bool nested_updates(struct vcpu *v, u64 on, unsigned level)
{
	return on && (v->vm->idregs.id[IDX_ID_AA64MMFR1_EL1] >> ID_AA64MMFR1_HAFDBS_SHIFT & 0xf) >= level;
}

/* The hypervisor's stage 2 for this guest. 0, or a fault status code. */
int nested_walk_stage2(struct vcpu *v, u64 ipa, struct walk_result *res)
{
	const struct shadow *s = v->nested->shadow;
	u64 vtcr = s ? s->key.vtcr : vncr_reg(v->nested, REG_VTCR_EL2);
	u64 vttbr = s ? s->key.vttbr : vncr_reg(v->nested, REG_VTTBR_EL2);
	struct walk w = { .read = read_desc, .arg = v, .be = reg_read(v, REG_SCTLR_EL2) & BIT(25) };

	*res = (struct walk_result){};
	if (!walk_stage2_setup(&w, vtcr, vttbr, host.ipa_bits))
		return WALK_TRANSLATION;
	w.ha = nested_updates(v, vtcr & VTCR_HA, 1);
	w.hd = w.ha && nested_updates(v, vtcr & VTCR_HD, 2);
	return walk_tables(&w, ipa, res);
}

/* The hypervisor gets the abort that its guest's access deserves. */
static enum trap_result to_hypervisor(struct vcpu *v, const struct l2_fault *f, int fsc)
{
	vreg(v, REG_HPFAR_EL2) = (f->ipa >> 12) << 4;
	nested_inject(v, EXC_SYNC, (v->exit.esr & ~FSC_MASK) | fsc, true, v->exit.far);
	return TRAP_RETRY;
}

/* MemAttr, with FWB or without. */
static bool is_device(const struct walk_result *r)
{
	return !(r->desc >> 4 & 3);
}

static int permission_check(struct vcpu *v, const struct l2_fault *f, const struct walk_result *r)
{
	bool ok = f->exec && !f->s1ptw ? r->x : f->write ? r->w : r->r;

	if (f->s1ptw && (nested_hcr(v) & HCR_PTW) && is_device(r))	/* no tables of stage 1 in device memory */
		ok = false;
	return ok ? 0 : WALK_PERMISSION | (int)r->level;
}

/*
 * What hardware would note in the leaf of a permitted access: the access flag, and for a write that it is not clean any more
 * (FEAT_HAFDBS). 0, a fault status code, or -EAGAIN when the descriptor is another one by now.
 */
static int note_access(struct vcpu *v, const struct walk_result *r, bool write)
{
	u64 old = r->desc, new = old | DESC_AF | (write && r->clean ? S2_W : 0);
	int ret;

	if (likely(new == old))
		return 0;
	if (reg_read(v, REG_SCTLR_EL2) & BIT(25)) {
		old = __builtin_bswap64(old);
		new = __builtin_bswap64(new);
	}
	ret = guest_cmpxchg(v->vm, IPA(r->table), old, new);
	return ret && ret != -EAGAIN ? WALK_UPDATE : ret;
}

static int translate(struct vcpu *v, struct l2_fault *f)
{
	struct walk_result r;
	int fsc;

	f->va_ipa = f->ipa;
	f->size = BLOCK_SIZE;
	f->perm = PT_R | PT_W | PT_X;
	if (!v->nested->shadow->key.on)
		return 0;
	fsc = nested_walk_stage2(v, f->ipa, &r);
	if (!fsc)
		fsc = permission_check(v, f, &r);
	if (!fsc)
		fsc = note_access(v, &r, f->write);
	if (fsc)
		return fsc;
	f->va_ipa = r.out;
	f->size = r.size;
	f->perm = (r.r ? PT_R : 0) | (r.w && (f->write || !r.clean) ? PT_W : 0) | (r.x ? PT_X : 0);
	/* MemAttr: device, or normal and not cacheable. */
	if (is_device(&r))
		f->perm |= PT_DEVICE;
	else if ((r.desc >> 2 & 0xf) == 5)
		f->perm |= PT_NOCACHE;
	return 0;
}

static enum trap_result fail(struct vcpu *v, int error)
{
	v->state->error = error;
	return TRAP_FAIL;
}

/* A block in the shadow: one at each of the three levels. */
static bool block_fits(const struct l2_fault *f, struct stage2 *s2, const struct backing *b)
{
	const struct memslot *m = b->m;
	u64 start = ALIGN_DOWN(f->va_ipa, BLOCK_SIZE), slot = m->gfn << PAGE_SHIFT;

	if (((f->va_ipa & PAGE_MASK) ^ b->uva) & (BLOCK_SIZE - 1) || ((f->va_ipa ^ f->ipa) & (BLOCK_SIZE - 1)) || (m->flags & KVM_MEM_LOG_DIRTY_PAGES))
		return false;
	if (stage2_busy(s2, b->uva & BLOCK_MASK, BLOCK_SIZE))
		return false;
	return f->size >= BLOCK_SIZE && b->size >= BLOCK_SIZE && start >= slot &&
	       start + BLOCK_SIZE <= slot + (m->npages << PAGE_SHIFT);
}

/* s2.lock held for reading: the hypervisor's tables still say what they said, the process's page is there. */
static int install(struct vm *vm, const struct s2_fault *sf, const struct backing *b)
{
	const struct l2_fault *f = sf->arg;
	struct shadow *s = f->shadow;
	u64 size = block_fits(f, &vm->s2, b) ? BLOCK_SIZE : PAGE_SIZE;
	pa_t pa = PA(b->pa.v & ~(size - 1));
	unsigned perm = f->perm;
	int ret;

	if (vm->nested->seq != f->seq)
		return -EAGAIN;
	if (!(b->perm & PT_W) || (b->m->flags & KVM_MEM_READONLY) || ((b->m->flags & KVM_MEM_LOG_DIRTY_PAGES) && !f->write))
		perm &= ~(unsigned)PT_W;
	/* Executable only when it is executed, unless fetches see writes by themselves. */
	if (!f->exec && !host.dic)
		perm &= ~(unsigned)PT_X;
	if ((perm & PT_X) && s->key.tge)
		perm |= PT_X_EL0;
	if (perm & PT_X)
		stage2_sync_icache(pa, size);
	WRITE_ONCE(s->mapped, true);
	ret = pt_map(&s->s2.pt, ALIGN_DOWN(f->ipa, size), pa, size, perm, NULL);
	if (!ret && f->write)
		memslot_mark_dirty(vm, sf->v, b->m, f->va_ipa >> PAGE_SHIFT);
	return ret;
}

/* No memory of the VM's behind it, though the hypervisor's tables say so. */
static enum trap_result no_memory(struct vcpu *v, const struct l2_fault *f)
{
	u64 esr = v->exit.esr;

	if (!f->exec && !f->s1ptw && (esr & ISS_ISV) && !(esr & ISS_CM))
		return mmio_trap(v, IPA(f->va_ipa));
	if (!f->s1ptw && (esr & ISS_CM))
		return TRAP_SKIP;
	if (f->exec)
		inject_iabt(v, v->exit.far);
	else
		inject_dabt(v, v->exit.far);
	return TRAP_RETRY;
}

enum trap_result nested_abort(struct vcpu *v)
{
	u64 esr = v->exit.esr;
	unsigned type = esr & 0x3c;
	struct l2_fault f = {
		.ipa = (v->exit.hpfar & GENMASK(43, 4)) << 8 | (v->exit.far & (PAGE_SIZE - 1)),
		.exec = (esr >> 26 & 0x3f) == ESR_EC_IABT_LOW,
		.s1ptw = esr & ISS_S1PTW,
		.shadow = v->nested->shadow,
		.seq = __atomic_load_n(&v->vm->nested->seq, __ATOMIC_ACQUIRE),
	};
	struct s2_fault sf = { .v = v, .install = install, .arg = &f };
	int ret;

	if (type != WALK_TRANSLATION && type != WALK_ACCESS_FLAG && type != WALK_PERMISSION && type != WALK_ADDRESS_SIZE) {
		(void)inject_vserror(v, false, 0);
		return TRAP_RETRY;
	}
	/* As abort_decode: walks, and cache maintenance. */
	f.write = f.s1ptw ? type == WALK_PERMISSION :
		  !f.exec && (esr & ISS_WNR) && (type == WALK_PERMISSION || !(esr & ISS_CM));
	ret = translate(v, &f);
	if (ret == -EAGAIN)
		return TRAP_RETRY;
	if (ret)
		return to_hypervisor(v, &f, ret);
	sf.ipa = f.va_ipa;
	sf.write = f.write;
	ret = stage2_fault(v->vm, &sf);
	if (ret == -ENOENT || ret == -EROFS)
		return no_memory(v, &f);
	v->state->stat.stage2_faults++;
	return ret && ret != -EAGAIN ? fail(v, ret) : TRAP_RETRY;
}
