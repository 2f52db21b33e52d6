// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual CPU interface that the hypervisor gives its guest: ICH_* in the VNCR page, loaded while the guest's context
 * runs with HCR_EL2.IMO. What the hypervisor links to its physical interrupts (HW) is linked to ours if that one is; else
 * its end is seen by a maintenance interrupt. Interrupts off. IHI 0069 12.4, 6.2.
 */
#include "kernel/cpu/sysreg.h"
#include "kvm/nested/nested.h"
#include "kvm/nested/vgic_logic.h"
#include "kvm/sysreg/sysreg.h"
#include "kvm/trap/trap.h"
#include "kvm/vgic/priv.h"

#define ICH_HCR_EL2	S3_4_C12_C11_0
#define ICH_MISR_EL2	S3_4_C12_C11_2
#define ICH_VMCR_EL2	S3_4_C12_C11_7

#define HCR_EOICOUNT	GENMASK(31, 27)
/* Of the hypervisor's ICH_HCR_EL2: enable, maintenance conditions, traps. */
#define HCR_PASS	(GENMASK(7, 0) | GENMASK(14, 10))
#define HCR_CONDITIONS	GENMASK(7, 1)	/* for a maintenance interrupt; the end of one with LR.EOI always is */
#define LR_PINTID(lr)	((u32)((lr) >> LR_PINTID_SHIFT & 0x3ff))

enum trap_result sysreg_icc_sre_el2(struct vcpu *v, const struct sysreg_access *a);
enum trap_result sysreg_ich_ro(struct vcpu *v, const struct sysreg_access *a);

#define LR_EACH(op)									\
	op(0, S3_4_C12_C12_0) op(1, S3_4_C12_C12_1) op(2, S3_4_C12_C12_2)		\
	op(3, S3_4_C12_C12_3) op(4, S3_4_C12_C12_4) op(5, S3_4_C12_C12_5)		\
	op(6, S3_4_C12_C12_6) op(7, S3_4_C12_C12_7) op(8, S3_4_C12_C13_0)		\
	op(9, S3_4_C12_C13_1) op(10, S3_4_C12_C13_2) op(11, S3_4_C12_C13_3)		\
	op(12, S3_4_C12_C13_4) op(13, S3_4_C12_C13_5) op(14, S3_4_C12_C13_6) op(15, S3_4_C12_C13_7)

static void lr_write(unsigned i, u64 val)
{
	switch (i) {
#define LR_WRITE(n, reg) case n: write_sysreg(val, reg); break;
	LR_EACH(LR_WRITE)
	}
}

static u64 lr_read(unsigned i)
{
	switch (i) {
#define LR_READ(n, reg) case n: return read_sysreg(reg);
	LR_EACH(LR_READ)
	}
	return 0;
}

static void aprs_load(struct nested *n)
{
	write_sysreg(vncr_reg(n, REG_ICH_AP0R0_EL2), S3_4_C12_C8_0);
	write_sysreg(vncr_reg(n, REG_ICH_AP1R0_EL2), S3_4_C12_C9_0);
	if (vgic_host.nr_apr > 1) {
		write_sysreg(vncr_reg(n, REG_ICH_AP0R1_EL2), S3_4_C12_C8_1);
		write_sysreg(vncr_reg(n, REG_ICH_AP1R1_EL2), S3_4_C12_C9_1);
	}
	if (vgic_host.nr_apr > 2) {
		write_sysreg(vncr_reg(n, REG_ICH_AP0R2_EL2), S3_4_C12_C8_2);
		write_sysreg(vncr_reg(n, REG_ICH_AP1R2_EL2), S3_4_C12_C9_2);
		write_sysreg(vncr_reg(n, REG_ICH_AP0R3_EL2), S3_4_C12_C8_3);
		write_sysreg(vncr_reg(n, REG_ICH_AP1R3_EL2), S3_4_C12_C9_3);
	}
}

static void aprs_save(struct nested *n)
{
	vncr_reg(n, REG_ICH_AP0R0_EL2) = read_sysreg(S3_4_C12_C8_0);
	vncr_reg(n, REG_ICH_AP1R0_EL2) = read_sysreg(S3_4_C12_C9_0);
	if (vgic_host.nr_apr > 1) {
		vncr_reg(n, REG_ICH_AP0R1_EL2) = read_sysreg(S3_4_C12_C8_1);
		vncr_reg(n, REG_ICH_AP1R1_EL2) = read_sysreg(S3_4_C12_C9_1);
	}
	if (vgic_host.nr_apr > 2) {
		vncr_reg(n, REG_ICH_AP0R2_EL2) = read_sysreg(S3_4_C12_C8_2);
		vncr_reg(n, REG_ICH_AP1R2_EL2) = read_sysreg(S3_4_C12_C9_2);
		vncr_reg(n, REG_ICH_AP0R3_EL2) = read_sysreg(S3_4_C12_C8_3);
		vncr_reg(n, REG_ICH_AP1R3_EL2) = read_sysreg(S3_4_C12_C9_3);
	}
}

static u64 *page_lr(struct nested *n, unsigned i)
{
	return &vncr_reg(n, REG_ICH_LR0_EL2 + i);	/* rows in order, offsets too */
}

static u64 lr_translate(struct vcpu *v, u64 lr)
{
	struct vgic_pe *p = &v->vgic->pe;
	u32 pintid = LR_PINTID(lr);

	if (!(lr & LR_HW))
		return lr;
	if (!(lr & LR_STATE))
		return 0;
	lr &= ~(LR_HW | GENMASK(44, 32));
	if (pintid < VGIC_PRIVATE && (p->hw & BIT(pintid)))
		return lr | LR_HW | (u64)p->pintid[pintid] << LR_PINTID_SHIFT;
	return lr | LR_EOI;
}

void nested_vgic_load(struct vcpu *v)
{
	struct nested *n = v->nested;
	unsigned i;

	n->linked = 0;
	for (i = 0; i < vgic_host.nr_lr; i++) {
		n->lr[i] = lr_translate(v, *page_lr(n, i));
		if ((n->lr[i] & LR_HW) && (n->lr[i] & LR_STATE))
			n->linked |= BIT(i);
		lr_write(i, n->lr[i]);
	}
	write_sysreg(vncr_reg(n, REG_ICH_VMCR_EL2), ICH_VMCR_EL2);
	aprs_load(n);
	write_sysreg(7, S3_4_C12_C9_5);	/* SRE; ICC_SRE_EL1 traps */
	n->lrs = true;
}

/* What the guest did with a list register; an interrupt that it ended ends for the hypervisor, if linked to one. */
static void fold_lr(struct vcpu *v, unsigned i)
{
	struct nested *n = v->nested;
	u64 *lr = page_lr(n, i), now = lr_read(i), was = n->lr[i];

	if (!(was & LR_STATE) || !((now ^ was) & LR_STATE))
		return;
	*lr = (*lr & ~LR_STATE) | (now & LR_STATE);
	n->lr[i] = (was & ~LR_STATE) | (now & LR_STATE);
	if (now & LR_STATE)
		return;
	n->linked &= ~BIT(i);
	if (*lr & LR_HW) {
		vgic_model_deactivate(&v->vgic->pe, LR_PINTID(*lr));
		lr_write(i, 0);		/* a maintenance interrupt that told us is not the hypervisor's business */
	}
}

static void fold(struct vcpu *v)
{
	struct nested *n = v->nested;
	unsigned i;

	for (i = 0; i < vgic_host.nr_lr; i++)
		fold_lr(v, i);
	vncr_reg(n, REG_ICH_VMCR_EL2) = read_sysreg(ICH_VMCR_EL2);
	aprs_save(n);
}

void nested_vgic_put(struct vcpu *v)
{
	unsigned i;

	fold(v);
	for (i = 0; i < vgic_host.nr_lr; i++)
		lr_write(i, 0);
	write_sysreg(0, ICH_HCR_EL2);
	v->nested->lrs = false;
	nested_maint_update(v);
}

void nested_vgic_enter(struct vcpu *v)
{
	u64 hcr = vncr_reg(v->nested, REG_ICH_HCR_EL2) & (HCR_PASS | HCR_EOICOUNT);

	if (unlikely(v->nested->tge))	/* no virtual interrupts */
		hcr &= ~HCR_ICH_EN;
	write_sysreg(hcr, ICH_HCR_EL2);
}

/* The maintenance interrupt must not fire at the host. If its condition holds, the hypervisor gets its own. */
void nested_vgic_leave(struct vcpu *v)
{
	struct nested *n = v->nested;
	u64 misr = read_sysreg(ICH_MISR_EL2), hcr = read_sysreg(ICH_HCR_EL2);
	u32 linked;

	write_sysreg(0, ICH_HCR_EL2);
	/*
	 * The end of a linked interrupt was the end of ours in hardware. The hypervisor's must end too before the host
	 * takes the next one, which would otherwise be pending for it while still active, and wait for ever.
	 */
	for (linked = n->linked; linked; linked &= linked - 1)
		fold_lr(v, __builtin_ctz(linked));
	vncr_reg(n, REG_ICH_HCR_EL2) = (vncr_reg(n, REG_ICH_HCR_EL2) & ~HCR_EOICOUNT) | (hcr & HCR_EOICOUNT);
	if (unlikely(misr)) {
		fold(v);
		nested_maint_update(v);
	}
}

static void ich_state(struct vcpu *v, struct ich_state *s)
{
	struct nested *n = v->nested;
	unsigned i;

	s->nr_lr = vgic_host.nr_lr;
	for (i = 0; i < s->nr_lr; i++)
		s->lr[i] = *page_lr(n, i);
	s->hcr = vncr_reg(n, REG_ICH_HCR_EL2);
	s->vmcr = vncr_reg(n, REG_ICH_VMCR_EL2);
}

/* ICH_MISR_EL2 is 0, as seen without counting: mostly there is nothing. */
static bool misr_is_zero(struct nested *n)
{
	u64 any = vncr_reg(n, REG_ICH_HCR_EL2) & HCR_CONDITIONS;
	unsigned i;

	for (i = 0; i < vgic_host.nr_lr; i++)
		any |= *page_lr(n, i);
	return !any;
}

void nested_maint_update(struct vcpu *v)
{
	struct nested *n = v->nested;
	struct ich_state s;
	bool level;

	if (likely(!n->maint && misr_is_zero(n)))
		return;
	ich_state(v, &s);
	level = (s.hcr & HCR_ICH_EN) && ich_misr(&s);
	if (level == n->maint)
		return;
	n->maint = level;
	if (vgic_in_kernel(v->vm))
		(void)vgic_inject(v->vm, v, vgic_maint_intid(v->vm), level);
}

void nested_maint_restore(struct vcpu *v)
{
	struct vgic_bits *w;
	u64 bit;

	if (!vgic_in_kernel(v->vm) || !vgic_ready(v->vm))
		return;
	w = &v->vgic->pe.w;
	bit = BIT(vgic_maint_intid(v->vm));
	if (likely(!(READ_ONCE(w->edge) & bit)))
		v->nested->maint = READ_ONCE(w->level) & bit;
}

enum trap_result sysreg_ich_ro(struct vcpu *v, const struct sysreg_access *a)
{
	struct ich_state s;
	u64 val;

	if (a->write) {
		inject_undef(v);
		return TRAP_RETRY;
	}
	if ((a->key & 7) == 2 && misr_is_zero(v->nested)) {
		guest_reg_set(v, a->rt, 0);
		return TRAP_SKIP;
	}
	ich_state(v, &s);
	switch (a->key & 7) {
	case 1:
		val = read_sysreg(S3_4_C12_C11_1) & ~BIT(20);	/* no direct injection of virtual LPIs */
		break;
	case 2:
		val = ich_misr(&s);
		break;
	case 3:
		val = ich_eisr(&s);
		break;
	default:
		val = ich_elrsr(&s);
		break;
	}
	guest_reg_set(v, a->rt, val);
	return TRAP_SKIP;
}

/* System registers only, at all levels. */
enum trap_result sysreg_icc_sre_el2(struct vcpu *v, const struct sysreg_access *a)
{
	if (!a->write)
		guest_reg_set(v, a->rt, 0xf);
	return TRAP_SKIP;
}
