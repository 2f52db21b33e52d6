// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPU interface's registers as user space saves and restores them: views of ICH_VMCR_EL2 and of the active
 * priorities, of a vCPU that is not running. And as a guest sees those that trap with ICH_HCR_EL2.TC. IHI 0069 12.2.
 */
#include <linux/errno.h>

#include "kernel/cpu/sysreg.h"
#include "kvm/vgic/priv.h"

#define INSTR(op0, op1, crn, crm, op2)	((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

#define CTLR_CBPR	BIT(0)
#define CTLR_EOIMODE	BIT(1)
#define CTLR_PRI_SHIFT	8
#define CTLR_ID_SHIFT	11
#define CTLR_SEIS	BIT(14)
#define CTLR_A3V	BIT(15)
#define CTLR_SIZES	(7UL << CTLR_PRI_SHIFT | 7UL << CTLR_ID_SHIFT)
#define SRE_VALUE	7

struct field {
	u32 instr;
	u8 shift, bits;
};

/* Registers that are one field of ICH_VMCR_EL2. */
static const struct field fields[] = {
	{ INSTR(3, 0, 4, 6, 0), VMCR_PMR_SHIFT, 8 },	/* ICC_PMR_EL1 */
	{ INSTR(3, 0, 12, 8, 3), VMCR_BPR0_SHIFT, 3 },	/* ICC_BPR0_EL1 */
	{ INSTR(3, 0, 12, 12, 6), 0, 1 },		/* ICC_IGRPEN0_EL1 */
	{ INSTR(3, 0, 12, 12, 7), 1, 1 },		/* ICC_IGRPEN1_EL1 */
};

static u64 ctlr_of_cpu(void)
{
	return (u64)(vgic_host.pri_bits - 1) << CTLR_PRI_SHIFT | (u64)vgic_host.id_bits << CTLR_ID_SHIFT |
		(vgic_host.seis ? CTLR_SEIS : 0) | (vgic_host.a3v ? CTLR_A3V : 0);
}

/* As user space sees it: a vCPU that comes from a machine with fewer bits keeps those. */
static u64 ctlr_fixed(const struct vcpu *v)
{
	u64 fixed = ctlr_of_cpu();

	return v->vgic->has_sizes ? (fixed & ~CTLR_SIZES) | v->vgic->sizes : fixed;
}

static u64 ctlr_modes(const struct vgic_pe *p)
{
	return (p->vmcr & VMCR_CBPR ? CTLR_CBPR : 0) | (p->vmcr & VMCR_EOIM ? CTLR_EOIMODE : 0);
}

static u64 ctlr_to_vmcr(u64 vmcr, u64 ctlr)
{
	return (vmcr & ~(VMCR_CBPR | VMCR_EOIM)) | (ctlr & CTLR_CBPR ? VMCR_CBPR : 0) |
		(ctlr & CTLR_EOIMODE ? VMCR_EOIM : 0);
}

static int ctlr_access(struct vcpu *v, u64 *val, bool write)
{
	u64 fixed = ctlr_fixed(v), same = CTLR_SEIS | CTLR_A3V;
	struct vgic_pe *p = &v->vgic->pe;

	if (!write) {
		*val = fixed | ctlr_modes(p);
		return 0;
	}
	/* A machine that offered more than this one does cannot be continued here. */
	if ((*val >> CTLR_PRI_SHIFT & 7) > (fixed >> CTLR_PRI_SHIFT & 7) ||
	    (*val >> CTLR_ID_SHIFT & 7) > (fixed >> CTLR_ID_SHIFT & 7) || ((*val ^ fixed) & same))
		return -EINVAL;
	v->vgic->sizes = *val & CTLR_SIZES;
	v->vgic->has_sizes = true;
	p->vmcr = ctlr_to_vmcr(p->vmcr, *val);
	return 0;
}

static int bpr1_access(struct vgic_pe *p, u64 *val, bool write)
{
	bool common = p->vmcr & VMCR_CBPR;
	u64 bpr0 = p->vmcr >> VMCR_BPR0_SHIFT & 7;

	if (!write) {
		*val = common ? MIN(bpr0 + 1, 7UL) : p->vmcr >> VMCR_BPR1_SHIFT & 7;
	} else if (!common) {
		p->vmcr &= ~(7UL << VMCR_BPR1_SHIFT);
		p->vmcr |= (*val & 7) << VMCR_BPR1_SHIFT;
	}
	return 0;
}

static int apr_access(const struct vcpu *v, u64 *apr, unsigned n, u64 *val, bool write)
{
	unsigned pri_bits = (ctlr_fixed(v) >> CTLR_PRI_SHIFT & 7) + 1, most = pri_bits >= 7 ? 4 : pri_bits == 6 ? 2 : 1;

	if (n >= MIN(vgic_host.nr_apr, most))
		return -EINVAL;
	if (write)
		apr[n] = (u32)*val;
	else
		*val = apr[n];
	return 0;
}

int vgic_icc_access(struct vcpu *v, u32 instr, u64 *val, bool write)
{
	struct vgic_pe *p = &v->vgic->pe;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		u64 mask = GENMASK(fields[i].bits - 1, 0);

		if (fields[i].instr != instr)
			continue;
		if (!write)
			*val = p->vmcr >> fields[i].shift & mask;
		else
			p->vmcr = (p->vmcr & ~(mask << fields[i].shift)) | (*val & mask) << fields[i].shift;
		return 0;
	}
	switch (instr) {
	case INSTR(3, 0, 12, 12, 4):
		return ctlr_access(v, val, write);
	case INSTR(3, 0, 12, 12, 3):
		return bpr1_access(p, val, write);
	case INSTR(3, 0, 12, 12, 5):	/* ICC_SRE_EL1 */
		if (write)
			return *val & 1 ? 0 : -EINVAL;
		*val = SRE_VALUE;
		return 0;
	case INSTR(3, 0, 12, 8, 4) ... INSTR(3, 0, 12, 8, 7):
		return apr_access(v, p->ap0r, instr & 3, val, write);
	case INSTR(3, 0, 12, 9, 0) ... INSTR(3, 0, 12, 9, 3):
		return apr_access(v, p->ap1r, instr & 3, val, write);
	default:
		return -ENXIO;
	}
}

#define KEY_PMR		INSTR(3, 0, 4, 6, 0)
#define KEY_RPR		INSTR(3, 0, 12, 11, 3)
#define KEY_CTLR	INSTR(3, 0, 12, 12, 4)

u64 vgic_icc_read(struct vcpu *v, u16 key)
{
	u64 flags = local_irq_save(), val;

	if (key == KEY_RPR) {
		val = vgic_rpr_get();
	} else {
		(void)vgic_vmcr_get(v);
		(void)vgic_icc_access(v, key, &val, false);
		if (key == KEY_CTLR)	/* without the trap it is the CPU's */
			val = ctlr_of_cpu() | ctlr_modes(&v->vgic->pe);
	}
	local_irq_restore(flags);
	return val;
}

void vgic_icc_write(struct vcpu *v, u16 key, u64 val)
{
	u64 flags = local_irq_save(), vmcr = vgic_vmcr_get(v);

	if (key == KEY_PMR) {
		vmcr &= ~(0xffUL << VMCR_PMR_SHIFT);
		vmcr |= (val & 0xff & ~(0xffUL >> vgic_host.pri_bits)) << VMCR_PMR_SHIFT;
	} else {
		vmcr = ctlr_to_vmcr(vmcr, val);
	}
	vgic_vmcr_set(v, vmcr);
	local_irq_restore(flags);
}
