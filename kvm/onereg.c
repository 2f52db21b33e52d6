// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_ONE_REG, KVM_SET_ONE_REG, KVM_GET_REG_LIST: which part of kvm/ an id belongs to, and the core registers
 * (struct kvm_regs). The vCPU is put and its mutex held. Linux: Documentation/virt/kvm/api.rst 4.68, 4.69, 4.84.
 */
#include <asm/ptrace.h>
#include <linux/errno.h>
#include <nestbox/kvm.h>

#include "kernel/lib/string.h"
#include "kernel/mm/uaccess.h"
#include "kvm/features.h"
#include "kvm/sve.h"
#include "kvm/sdei/sdei.h"
#include "kvm/sysreg/sysreg.h"
#include "kvm/vcpu.h"

#define ID_SIZE(id)	(1U << (((id) & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT))
#define CORE_ID(size, off) (KVM_REG_ARM64 | (size) | KVM_REG_ARM_CORE | ((off) / sizeof(u32)))
#define OFF(m)		offsetof(struct kvm_regs, m)
#define MODE_BITS	0x1fUL
#define CORE_INDEX	(0xffffffffUL & ~KVM_REG_ARM_CORE)	/* bits above the group name nothing either */

/* Where a core register is. len 0: no such register. */
static void *core_find(struct vcpu *v, u64 id, unsigned *len)
{
	static const u16 spsr[KVM_NR_SPSR] = {
		REG_SPSR_EL1, REG_SPSR_abt, REG_SPSR_und, REG_SPSR_irq, REG_SPSR_fiq
	};
	u64 off = (id & CORE_INDEX) * sizeof(u32);

	*len = sizeof(u64);
	if (off < OFF(regs.sp) && !(off % 8))
		return &v->regs.x[off / 8];
	if (off == OFF(regs.sp))
		return &vreg(v, REG_SP_EL0);
	if (off == OFF(regs.pc))
		return &v->regs.pc;
	if (off == OFF(regs.pstate))
		return &v->regs.pstate;
	if (off == OFF(sp_el1))
		return &vreg(v, REG_SP_EL1);
	if (off == OFF(elr_el1))
		return &vreg(v, REG_ELR_EL1);
	if (off >= OFF(spsr) && off < OFF(spsr) + sizeof(u64) * KVM_NR_SPSR && !(off % 8))
		return &vreg(v, spsr[(off - OFF(spsr)) / 8]);
	/* With SVE, V registers are only parts of Z registers (kvm/sve.c). */
	if (off >= OFF(fp_regs.vregs) && off < OFF(fp_regs.fpsr) && !((off - OFF(fp_regs.vregs)) % 16) &&
	    !v->config.sve) {
		*len = 16;
		return &v->fp.regs.v[(off - OFF(fp_regs.vregs)) / 16];
	}
	*len = sizeof(u32);
	if (off == OFF(fp_regs.fpsr))
		return &v->fp.regs.fpsr;
	if (off == OFF(fp_regs.fpcr))
		return &v->fp.regs.fpcr;
	*len = 0;
	return NULL;
}

static int core_locate(struct vcpu *v, u64 id, void **p, unsigned *len)
{
	u64 off = id & CORE_INDEX, n = sizeof(struct kvm_regs) / sizeof(u32);

	if (off >= n || off + ID_SIZE(id) / sizeof(u32) >= n)
		return -ENOENT;
	*p = core_find(v, id, len);
	if (!*p || *len != ID_SIZE(id))
		return -EINVAL;
	return 0;
}

bool guest_pstate_ok(const struct vcpu *v, u64 pstate)
{
	bool aa32 = v->config.el1_32bit;

	switch (pstate & MODE_BITS) {
	case PSR_MODE_EL0t:
	case PSR_MODE_EL1t:
	case PSR_MODE_EL1h:
		return !aa32;
	case PSR_MODE_EL2t:
	case PSR_MODE_EL2h:
		return v->config.has_el2;
	case 0x10:	/* AArch32 User */
		return (host.id[IDX_ID_AA64PFR0_EL1] & 0xf) == 2;
	case 0x11:	/* FIQ, IRQ, Supervisor, Abort, Undefined, System */
	case 0x12:
	case 0x13:
	case 0x17:
	case 0x1b:
	case 0x1f:
		return aa32;
	default:
		return false;
	}
}

/* AArch32: what such code cannot reach of the registers is 0. User and System mode have no banked ones. */
static void narrow(struct vcpu *v)
{
	u64 mode = v->regs.pstate & MODE_BITS;
	unsigned i, n = mode == 0x10 || mode == 0x1f ? 15 : 31;

	if (!(v->regs.pstate & PSR_MODE32_BIT))
		return;
	for (i = 0; i < n; i++)
		v->regs.x[i] = (u32)v->regs.x[i];
	v->regs.pc = (u32)v->regs.pc;
}

/* A core register among the vector registers: their newest copy has to be the one in memory. */
static void fp_to_memory(struct vcpu *v, const void *p)
{
	if ((const char *)p >= (char *)&v->fp && (const char *)p < (char *)(&v->fp + 1))
		fp_evict(&v->fp);
}

static int core_get(struct vcpu *v, const struct kvm_one_reg *reg)
{
	unsigned len;
	void *p;
	int ret = core_locate(v, reg->id, &p, &len);

	if (ret)
		return ret;
	fp_to_memory(v, p);
	return copy_to_user(reg->addr, p, len);
}

static int core_set(struct vcpu *v, const struct kvm_one_reg *reg)
{
	__uint128_t val = 0;
	unsigned len;
	void *p;
	int ret = core_locate(v, reg->id, &p, &len);

	if (ret)
		return ret;
	if (copy_from_user(&val, reg->addr, len))
		return -EFAULT;
	if (p == &v->regs.pstate && !guest_pstate_ok(v, val))
		return -EINVAL;
	fp_to_memory(v, p);
	memcpy(p, &val, len);
	narrow(v);
	return 0;
}

/* Ids of the core registers: at u (0: only count). -EFAULT */
static int core_list(struct vcpu *v, u64 *u)
{
	unsigned i, n = 0;

	for (i = 0; i < sizeof(struct kvm_regs) / sizeof(u32);) {
		u64 off = i * sizeof(u32), size, step;

		if (off >= OFF(fp_regs.vregs) && off < OFF(fp_regs.fpsr) && v->config.sve) {
			i += 4;
			continue;
		} else if (off >= OFF(fp_regs.vregs) && off < OFF(fp_regs.fpsr)) {
			size = KVM_REG_SIZE_U128;
			step = 4;
		} else if (off == OFF(fp_regs.fpsr) || off == OFF(fp_regs.fpcr)) {
			size = KVM_REG_SIZE_U32;
			step = 1;
		} else if (off < OFF(spsr) + sizeof(u64) * KVM_NR_SPSR) {
			size = KVM_REG_SIZE_U64;
			step = 2;
		} else {	/* padding */
			i++;
			continue;
		}
		if (u) {
			u64 id = CORE_ID(size, off);

			if (put_user(id, *u))
				return -EFAULT;
			*u += sizeof(id);
		}
		i += step;
		n++;
	}
	return n;
}

/* The upper half of an id says arm64 and a size, and nothing else. */
static bool id_is_ours(u64 id)
{
	return (id & ~(KVM_REG_SIZE_MASK | 0xffffffffUL)) == KVM_REG_ARM64;
}

int onereg_get(struct vcpu *v, const struct kvm_one_reg *reg)
{
	if (!id_is_ours(reg->id))
		return -EINVAL;
	switch (reg->id & KVM_REG_ARM_COPROC_MASK) {
	case KVM_REG_ARM_CORE:
		return core_get(v, reg);
	case KVM_REG_ARM_FW:
	case KVM_REG_ARM_FW_FEAT_BMAP:
		return fwreg_get(v, reg);
	case KVM_REG_ARM64_SVE:
		return sve_reg_get(v, reg);
	case KVM_REG_NB_SDEI_COPROC:
		return sdei_onereg_get(v, reg);
	default:
		return sysreg_user_get(v, reg->id, reg->addr);
	}
}

int onereg_set(struct vcpu *v, const struct kvm_one_reg *reg)
{
	if (!id_is_ours(reg->id))
		return -EINVAL;
	switch (reg->id & KVM_REG_ARM_COPROC_MASK) {
	case KVM_REG_ARM_CORE:
		return core_set(v, reg);
	case KVM_REG_ARM_FW:
	case KVM_REG_ARM_FW_FEAT_BMAP:
		return fwreg_set(v, reg);
	case KVM_REG_ARM64_SVE:
		return sve_reg_set(v, reg);
	case KVM_REG_NB_SDEI_COPROC:
		return sdei_onereg_set(v, reg);
	default:
		return sysreg_user_set(v, reg->id, reg->addr);
	}
}

int onereg_list(struct vcpu *v, u64 uaddr)
{
	u64 n = core_list(v, NULL) + sve_reg_count(v) + fwreg_count(v) + sdei_onereg_count(v) + sysreg_user_count(v), room;
	int ret;

	if (!vcpu_finalized(v))
		return -EPERM;
	if (get_user(room, uaddr) || put_user(n, uaddr))
		return -EFAULT;
	if ((u32)room < n)	/* as Linux looks at it */
		return -E2BIG;
	uaddr += sizeof(n);
	ret = core_list(v, &uaddr);
	if (ret < 0)
		return ret;
	ret = sve_reg_list(v, uaddr);
	if (ret)
		return ret;
	uaddr += sve_reg_count(v) * sizeof(u64);
	ret = fwreg_list(v, uaddr);
	if (ret)
		return ret;
	uaddr += fwreg_count(v) * sizeof(u64);
	ret = sdei_onereg_list(v, uaddr);
	if (ret)
		return ret;
	return sysreg_user_list(v, uaddr + sdei_onereg_count(v) * sizeof(u64));
}
