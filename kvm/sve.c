// SPDX-License-Identifier: GPL-2.0-only
/* See kvm/sve.h. No locks of its own. */
#include <linux/errno.h>

#include "kernel/debug/print.h"
#include "kernel/lib/string.h"
#include "kernel/mm/uaccess.h"
#include "kvm/sve.h"
#include "kvm/vcpu_config.h"

#define NR_Z		32
#define NR_P		16
#define VQ_OF(vl)	((vl) / FP_VQ_BYTES)
#define REG_NUMBER(id)	((id) >> 5 & 0x1f)
#define REG_SLICE(id)	((id) & 0x1f)
#define SLICE_MAX	0x1f

/* The lengths as KVM_REG_ARM64_SVE_VLS has them: bit n - 1 for vectors of n * 16 bytes. */
struct lengths {
	u64 w[KVM_ARM64_SVE_VLS_WORDS];
};

_Static_assert(KVM_ARM64_SVE_VQ_MAX == 512 && sizeof(struct lengths) == 64, "KVM_REG_SIZE_U512");

int sve_finalize(struct vcpu *v, int feature)
{
	struct vcpu_config *c = vcpu_config_edit(v);
	int err;

	if (feature != KVM_ARM_VCPU_SVE || !v->config.sve)
		return -EINVAL;
	if (!c || v->config.sve_finalized)
		return -EPERM;
	err = fp_guest_sve(&v->fp, c->sve_vl);
	if (!err)
		c->sve_finalized = true;
	return err;
}

static int lengths_get(struct vcpu *v, u64 uaddr)
{
	struct lengths l = {};

	l.w[0] = fp_cpu.vq_mask & (BIT(VQ_OF(v->config.sve_vl)) - 1);
	return copy_to_user(uaddr, &l, sizeof(l));
}

/* A VMM may leave out the longest, but must take all that are shorter: a CPU cannot hide those. */
static int lengths_set(struct vcpu *v, u64 uaddr)
{
	struct vcpu_config *c = vcpu_config_edit(v);
	struct lengths l;
	unsigned i, vq;

	if (!c || c->sve_finalized)
		return -EPERM;
	if (copy_from_user(&l, uaddr, sizeof(l)))
		return -EFAULT;
	for (i = 1; i < ARRAY_SIZE(l.w); i++)
		if (l.w[i])
			return -EINVAL;
	if (!l.w[0])
		return -EINVAL;
	vq = 64 - __builtin_clzll(l.w[0]);
	if (vq > VQ_OF(fp_vl_guest_max()) || l.w[0] != (fp_cpu.vq_mask & (BIT(vq) - 1)))
		return -EINVAL;
	c->sve_vl = vq * FP_VQ_BYTES;
	return 0;
}

/* Where a register is in the vCPU's memory, its size there, and as the VMM sees it: the rest is padding. */
struct region {
	void *p;
	unsigned len, user_len;
};

static int region_find(struct vcpu *v, u64 id, struct region *r)
{
	unsigned n = REG_NUMBER(id), vl = v->config.sve_vl, off;
	bool z = id >= KVM_REG_ARM64_SVE_ZREG(0, 0) && id <= KVM_REG_ARM64_SVE_ZREG(NR_Z - 1, SLICE_MAX);
	/* FFR's ids follow those of the P registers, as its place does. */
	bool p = id >= KVM_REG_ARM64_SVE_PREG(0, 0) && id <= KVM_REG_ARM64_SVE_FFR(SLICE_MAX);

	if (!z && !p)
		return -EINVAL;
	/* Vectors of up to 256 bytes: one slice. */
	if (!v->config.sve || REG_SLICE(id))
		return -ENOENT;
	if (!v->config.sve_finalized)
		return -EPERM;
	if (z) {
		off = n * vl;
		r->len = vl;
		r->user_len = 256;
	} else {
		off = NR_Z * vl + n * (vl / 8);
		r->len = vl / 8;
		r->user_len = 32;
	}
	ASSERT(off + r->len <= FP_SVE_SIZE(vl));
	r->p = (char *)v->fp.sve + off;
	return 0;
}

int sve_reg_get(struct vcpu *v, const struct kvm_one_reg *reg)
{
	struct region r;
	int err;

	if (reg->id == KVM_REG_ARM64_SVE_VLS)
		return v->config.sve ? lengths_get(v, reg->addr) : -ENOENT;
	err = region_find(v, reg->id, &r);
	if (err)
		return err;
	fp_evict(&v->fp);
	if (copy_to_user(reg->addr, r.p, r.len) || clear_user(reg->addr + r.len, r.user_len - r.len))
		return -EFAULT;
	return 0;
}

int sve_reg_set(struct vcpu *v, const struct kvm_one_reg *reg)
{
	char val[FP_VL_MAX];
	struct region r;
	int err;

	if (reg->id == KVM_REG_ARM64_SVE_VLS)
		return v->config.sve ? lengths_set(v, reg->addr) : -ENOENT;
	err = region_find(v, reg->id, &r);
	if (err)
		return err;
	if (copy_from_user(val, reg->addr, r.len))
		return -EFAULT;
	fp_evict(&v->fp);
	memcpy(r.p, val, r.len);
	return 0;
}

int sve_reg_count(struct vcpu *v)
{
	return v->config.sve ? 1 + NR_Z + NR_P + 1 : 0;
}

int sve_reg_list(struct vcpu *v, u64 uaddr)
{
	unsigned i;
	u64 id;

	for (i = 0; i < (unsigned)sve_reg_count(v); i++) {
		if (!i)
			id = KVM_REG_ARM64_SVE_VLS;
		else if (i <= NR_Z)
			id = KVM_REG_ARM64_SVE_ZREG(i - 1, 0);
		else	/* and FFR */
			id = KVM_REG_ARM64_SVE_PREG(0, 0) + ((u64)(i - 1 - NR_Z) << 5);
		if (put_user(id, uaddr + i * sizeof(id)))
			return -EFAULT;
	}
	return 0;
}
