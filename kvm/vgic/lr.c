// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual CPU interface's hardware: ICH_* registers, and the maintenance interrupt. Interrupts are off in all but
 * vgic_init. After sync the list registers are empty and no maintenance condition can hold. IHI 0069 12.4.
 */
#include <linux/errno.h>

#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/dev/platform.h"
#include "kernel/irq/irq.h"
#include "kvm/nested/nested.h"
#include "kvm/vgic/priv.h"

#define ICH_HCR_EL2	S3_4_C12_C11_0
#define ICH_VTR_EL2	S3_4_C12_C11_1
#define ICH_VMCR_EL2	S3_4_C12_C11_7
#define ICC_SRE_EL2	S3_4_C12_C9_5

#define SRE_SRE		BIT(0)
#define SRE_ENABLE	BIT(3)	/* clear: ICC_SRE_EL1 traps */
#define HCR_EOICOUNT(h)	((unsigned)((h) >> 27 & 0x1f))

struct vgic_host vgic_host;

#define LR_CASES(op)									\
	op(15, S3_4_C12_C13_7) op(14, S3_4_C12_C13_6) op(13, S3_4_C12_C13_5)		\
	op(12, S3_4_C12_C13_4) op(11, S3_4_C12_C13_3) op(10, S3_4_C12_C13_2)		\
	op(9, S3_4_C12_C13_1) op(8, S3_4_C12_C13_0) op(7, S3_4_C12_C12_7)		\
	op(6, S3_4_C12_C12_6) op(5, S3_4_C12_C12_5) op(4, S3_4_C12_C12_4)		\
	op(3, S3_4_C12_C12_3) op(2, S3_4_C12_C12_2) op(1, S3_4_C12_C12_1) op(0, S3_4_C12_C12_0)

/* The first n list registers; one computed jump into straight code. */
static void lrs_write(const u64 *lr, unsigned n)
{
	switch (n) {
#define LR_WRITE(i, reg) case (i) + 1: write_sysreg(lr[i], reg); __attribute__((fallthrough));
	LR_CASES(LR_WRITE)
	default:
		break;
	}
}

static void lrs_read_clear(u64 *lr, unsigned n)
{
	switch (n) {
#define LR_READ(i, reg) case (i) + 1: lr[i] = read_sysreg(reg); write_sysreg(0, reg); __attribute__((fallthrough));
	LR_CASES(LR_READ)
	default:
		break;
	}
}

#define APRS(f, p) do {									\
	f(p->ap0r[0], S3_4_C12_C8_0); f(p->ap1r[0], S3_4_C12_C9_0);			\
	if (vgic_host.nr_apr > 1) {							\
		f(p->ap0r[1], S3_4_C12_C8_1); f(p->ap1r[1], S3_4_C12_C9_1);		\
	}										\
	if (vgic_host.nr_apr > 2) {							\
		f(p->ap0r[2], S3_4_C12_C8_2); f(p->ap1r[2], S3_4_C12_C9_2);		\
		f(p->ap0r[3], S3_4_C12_C8_3); f(p->ap1r[3], S3_4_C12_C9_3);		\
	}										\
} while (0)
#define APR_LOAD(field, reg)	write_sysreg(field, reg)
#define APR_SAVE(field, reg)	((field) = read_sysreg(reg))

/*
 * Separate deactivation (EOImode 1) may come from any vCPU for any interrupt, so that each is seen. Nobody else writes
 * ICC_DIR_EL1, so its trap is always on; a CPU that cannot trap it alone traps what both groups share (icc.c).
 */
static u64 hcr_base(void)
{
	return HCR_ICH_EN | (vgic_host.tdir ? HCR_ICH_TDIR : HCR_ICH_TC);
}

void vgic_traps(struct vcpu *v, u64 more)
{
	struct vgic_pe *p = &v->vgic->pe;

	vgic_sync(v);
	p->hcr_base = hcr_base() | more;
	write_sysreg(p->hcr_base, ICH_HCR_EL2);
}

u64 vgic_vmcr_get(struct vcpu *v)
{
	return v->vgic->pe.vmcr = read_sysreg(ICH_VMCR_EL2);
}

void vgic_vmcr_set(struct vcpu *v, u64 vmcr)
{
	v->vgic->pe.vmcr = vmcr;
	write_sysreg(vmcr, ICH_VMCR_EL2);
}

u64 vgic_rpr_get(void)
{
	unsigned i, bits = 32 * vgic_host.nr_apr;
	struct vgic_pe aprs = {}, *p = &aprs;

	APRS(APR_SAVE, p);
	for (i = 0; i < bits; i++)
		if ((p->ap0r[i / 32] | p->ap1r[i / 32]) >> i % 32 & 1)
			return i * (256 / bits);
	return 0xff;
}

void vgic_load(struct vcpu *v)
{
	struct vgic_pe *p = &v->vgic->pe;

	write_sysreg(SRE_SRE | BIT(1) | BIT(2), ICC_SRE_EL2);
	if (!vgic_ready(v->vm)) {
		/* No interrupt controller: every ICC register is UNDEFINED, by way of a trap. */
		write_sysreg(HCR_ICH_TC | HCR_ICH_TALL0 | HCR_ICH_TALL1, ICH_HCR_EL2);
		return;
	}
	p->hcr_base = hcr_base();
	write_sysreg(p->vmcr, ICH_VMCR_EL2);
	APRS(APR_LOAD, p);
	write_sysreg(p->hcr_base, ICH_HCR_EL2);
}

void vgic_put(struct vcpu *v)
{
	struct vgic_pe *p = &v->vgic->pe;

	vgic_sync(v);
	if (vgic_ready(v->vm)) {
		p->vmcr = read_sysreg(ICH_VMCR_EL2);
		APRS(APR_SAVE, p);
	}
	write_sysreg(0, ICH_HCR_EL2);
	write_sysreg(SRE_SRE | BIT(1) | BIT(2) | SRE_ENABLE, ICC_SRE_EL2);
}

void vgic_stay(struct vcpu *v)
{
	vgic_sync(v);
	v->vgic->pe.vmcr = read_sysreg(ICH_VMCR_EL2);
}

static __attribute__((noinline)) void flush_slow(struct vcpu *v, struct vgic_pe *p)
{
	if (unlikely(v->nested) && v->nested->lrs)
		return;		/* the list registers are the guest hypervisor's */
	if (p->live)
		vgic_sync(v);
	p->vmcr = read_sysreg(ICH_VMCR_EL2);
	vgic_model_flush(p);
	lrs_write(p->lr, p->used);
	write_sysreg(p->hcr, ICH_HCR_EL2);
}

void vgic_flush(struct vcpu *v)
{
	struct vgic_pe *p = &v->vgic->pe;

	if (likely(!READ_ONCE(p->summary)))
		return;
	if (p->dist && vgic_ready(v->vm))
		flush_slow(v, p);
}

static __attribute__((noinline)) void sync_slow(struct vgic_pe *p)
{
	unsigned count = 0;

	lrs_read_clear(p->lr, p->used);
	/*
	 * With EOImode 1 DIR is trapped, so no deactivation goes by us. QEMU 10 counts priority drops there too, although
	 * they deactivate nothing (IHI 0069, ICH_HCR_EL2.EOIcount).
	 */
	p->vmcr = read_sysreg(ICH_VMCR_EL2);
	if ((p->hcr & HCR_ICH_LRENPIE) && !(p->vmcr & VMCR_EOIM))
		count = HCR_EOICOUNT(read_sysreg(ICH_HCR_EL2));
	write_sysreg(p->hcr_base, ICH_HCR_EL2);
	vgic_model_sync(p, count);
}

void vgic_sync(struct vcpu *v)
{
	struct vgic_pe *p = &v->vgic->pe;

	if (unlikely(p->live))
		sync_slow(p);
}

bool vgic_raise_possible(struct vcpu *v, u32 intid)
{
	return !(READ_ONCE(v->vgic->pe.w.claimed) & BIT(intid));
}

void vgic_raise_loaded(struct vcpu *v, u32 intid)
{
	struct vgic_pe *p = &v->vgic->pe;

	if (p->live)
		sync_slow(p);
	p->vmcr = read_sysreg(ICH_VMCR_EL2);
	if (likely(vgic_model_raise(p, intid)))
		lrs_write(p->lr, 1);
	else
		flush_slow(v, p);
}

void vgic_sleep(struct vcpu *v, bool on)
{
	v->vgic->pe.asleep = on;
}

bool vgic_has_pending(struct vcpu *v)
{
	struct vgic_pe *p = &v->vgic->pe;
	bool pending = false;
	u64 flags;

	if (likely(!READ_ONCE(p->summary)))
		return false;
	flags = local_irq_save();
	if (vgic_ready(v->vm)) {
		if (v->loaded && READ_ONCE(v->thread) == current_thread && !(v->nested && v->nested->lrs))
			p->vmcr = read_sysreg(ICH_VMCR_EL2);
		pending = vgic_model_has_pending(p);
	}
	local_irq_restore(flags);
	return pending;
}

/* Its only purpose is the exit from the guest: sync then finds out what the guest did. */
static enum irq_result maintenance_irq(u32 intid, void *arg)
{
	return IRQ_DONE;
}

/* Each CPU: list registers come out of reset with anything in them. */
static void cpu_interface_init(void *arg)
{
	u64 lr[VGIC_MAX_LRS];

	write_sysreg(0, ICH_HCR_EL2);
	lrs_read_clear(lr, vgic_host.nr_lr);
	irq_enable(gic_maintenance_intid());
}

int vgic_init(void)
{
	u64 vtr = read_sysreg(ICH_VTR_EL2);
	unsigned pre_bits = (vtr >> 26 & 7) + 1;
	int ret;

	vgic_host.nr_lr = (vtr & 0x1f) + 1;
	vgic_host.nr_apr = pre_bits == 7 ? 4 : pre_bits == 6 ? 2 : 1;
	vgic_host.pri_bits = (vtr >> 29 & 7) + 1;
	vgic_host.id_bits = vtr >> 23 & 7;
	vgic_host.seis = vtr >> 22 & 1;
	vgic_host.a3v = vtr >> 21 & 1;
	vgic_host.tdir = (vtr >> 19 & 1) && !bootarg("gic-no-tdir", NULL);
	if (!gic_maintenance_intid()) {
		pr_err("kvm: the device tree names no GIC maintenance interrupt: no in-kernel vGIC");
		return -ENODEV;
	}
	ret = irq_register(gic_maintenance_intid(), maintenance_irq, NULL, false);
	if (ret)
		return ret;
	smp_call_all(cpu_interface_init, NULL);
	kvm_device_register(&vgic_v3_ops);
	kvm_device_register(&vgic_its_ops);
	pr_info("kvm: vGICv3, %u list registers, %u priority bits", vgic_host.nr_lr, vgic_host.pri_bits);
	return 0;
}
