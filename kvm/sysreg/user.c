// SPDX-License-Identifier: GPL-2.0-only
/*
 * System registers through KVM_GET_ONE_REG and KVM_SET_ONE_REG: the rows of tables/sysreg.tbl, the ID space, the cache
 * geometry (KVM_REG_ARM_DEMUX). The vCPU is put, its mutex held. Linux: Documentation/virt/kvm/api.rst 4.68.
 */
#include <linux/errno.h>

#include "kernel/debug/print.h"
#include "kernel/mm/uaccess.h"
#include "kvm/features.h"
#include "kvm/sysreg/sysreg.h"
#include "kvm/timer/timer.h"
#include "kvm/vcpu_config.h"
#include "kvm/vcpu_state.h"
#include "kvm/vgic/vgic.h"

#define ID_BASE		(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG)
#define ID_DEMUX	(KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_DEMUX | KVM_REG_ARM_DEMUX_ID_CCSIDR)


int user_get(struct vcpu *v, const struct sysreg_user *u, u64 *val)
{
	*val = vreg(v, u->reg);
	return 0;
}

int user_set_rw(struct vcpu *v, const struct sysreg_user *u, u64 val)
{
	if (u->reg == REG_MPIDR_EL1) {
		struct vcpu_config *c = vcpu_config_edit(v);

		if (!c)
			return val == v->config.mpidr ? 0 : -EBUSY;
		if (val != c->mpidr) {
			c->mpidr = val;
			vgic_affinity_changed(v);
		}
	}
	vreg(v, u->reg) = sysreg_bits(u->reg, v->vm->feats, val);
	return 0;
}

int user_timer_get(struct vcpu *v, const struct sysreg_user *u, u64 *val)
{
	*val = timer_reg_read(v, u->reg);
	return 0;
}

int user_timer_set(struct vcpu *v, const struct sysreg_user *u, u64 val)
{
	timer_reg_write(v, u->reg, val);
	return 0;
}

int user_clidr_get(struct vcpu *v, const struct sysreg_user *u, u64 *val)
{
	return user_get(v, u, val);
}

/* A VMM may describe other levels, but not claim that less maintenance is needed than this machine needs. */
int user_clidr_set(struct vcpu *v, const struct sysreg_user *u, u64 val)
{
	u64 least = clidr_least();

	if ((val & ~CLIDR_WRITABLE) || (val >> 24 & 7) < (least >> 24 & 7) || (val >> 27 & 7) < (least >> 27 & 7) ||
	    (val >> 21 & 7) < (least >> 21 & 7))
		return -EINVAL;
	vreg(v, u->reg) = val;
	return 0;
}

int user_oslsr_get(struct vcpu *v, const struct sysreg_user *u, u64 *val)
{
	return user_get(v, u, val);
}

int user_oslsr_set(struct vcpu *v, const struct sysreg_user *u, u64 val)
{
	if ((val ^ vreg(v, u->reg)) & ~BIT(1))		/* only OSLK */
		return -EINVAL;
	vreg(v, u->reg) = val;
	return 0;
}

/* Of the vector registers: kernel/fp keeps it. */
int user_fpmr_get(struct vcpu *v, const struct sysreg_user *u, u64 *val)
{
	fp_evict(&v->fp);
	*val = v->fp.regs.fpmr;
	return 0;
}

int user_fpmr_set(struct vcpu *v, const struct sysreg_user *u, u64 val)
{
	fp_evict(&v->fp);
	v->fp.regs.fpmr = val;
	return 0;
}

static bool key_is_id(unsigned key)
{
	return (key & ~0x7f) == SYSREG_KEY(3, 0, 0, 0, 0) && (key >> 3 & 15) >= 1 && (key >> 3 & 15) <= 7;
}

static unsigned id_index(unsigned key)
{
	return ((key >> 3 & 15) - 1) * 8 + (key & 7);
}

static int id_set(struct vcpu *v, unsigned index, u64 val)
{
	struct vm *vm = v->vm;
	int ret = 0;

	if (idreg_is_void(index, host.id))
		return 0;
	mutex_lock(&vm->lock);
	if (val == vm->idregs.id[index])
		ret = 0;
	else if (vm->ran_once)
		ret = -EBUSY;
	else if (!idreg_may_set(index, vm->idregs.offered[index], val))
		ret = -EINVAL;
	else {
		vm->idregs.id[index] = val;
		vm->feats = sysreg_feats(vm->idregs.id, vm->vcpu_features);
	}
	mutex_unlock(&vm->lock);
	return ret;
}

static const struct sysreg_user *user_find(struct vcpu *v, u64 id)
{
	unsigned lo = 0, hi = sysreg_users_n, key = id & 0xffff;

	/* The ONE_REG numbers of the virtual timer's CVAL and count are each other's: an accident of the ABI. */
	if (key == SYSREG_KEY(3, 3, 14, 0, 2))
		key = SYSREG_KEY(3, 3, 14, 3, 2);
	else if (key == SYSREG_KEY(3, 3, 14, 3, 2))
		key = SYSREG_KEY(3, 3, 14, 0, 2);
	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;
		const struct sysreg_user *u = &sysreg_users[mid];

		if (u->key == key)
			return u->feat & ~v->vm->feats ? NULL : u;
		if (u->key < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* Which cache levels have a CCSIDR: CSSELR values 0.. with a type in CLIDR_EL1. */
static bool csselr_valid(struct vcpu *v, unsigned csselr)
{
	unsigned level = csselr >> 1, type;

	if (csselr >= 14)
		return false;
	type = vreg(v, REG_CLIDR_EL1) >> (3 * level) & 7;
	return csselr & 1 ? type == 1 || type == 3 : type >= 2 && type <= 4;
}

static int demux(struct vcpu *v, u64 id, u64 uaddr, bool set)
{
	u32 val, csselr = id & KVM_REG_ARM_DEMUX_VAL_MASK;

	if ((id & ~(u64)KVM_REG_ARM_DEMUX_VAL_MASK) != ID_DEMUX || csselr >= 14)
		return -ENOENT;
	if (!set) {
		val = ccsidr_get(v, csselr);
		return put_user(val, uaddr);
	}
	if (get_user(val, uaddr))
		return -EFAULT;
	return ccsidr_set(v, csselr, val);
}

int sysreg_user_get(struct vcpu *v, u64 id, u64 uaddr)
{
	const struct sysreg_user *u;
	u64 val = 0;
	int ret;

	if ((id & KVM_REG_ARM_COPROC_MASK) == KVM_REG_ARM_DEMUX)
		return demux(v, id, uaddr, false);
	if ((id & ~0xffffUL) != ID_BASE)
		return -ENOENT;
	if (key_is_id(id & 0xffff)) {
		val = v->vm->idregs.id[id_index(id & 0xffff)];
		return put_user(val, uaddr);
	}
	u = user_find(v, id);
	if (!u)
		return -ENOENT;
	ret = u->get(v, u, &val);
	return ret ? ret : put_user(val, uaddr);
}

int sysreg_user_set(struct vcpu *v, u64 id, u64 uaddr)
{
	const struct sysreg_user *u = NULL;
	u64 val;

	if ((id & KVM_REG_ARM_COPROC_MASK) == KVM_REG_ARM_DEMUX)
		return demux(v, id, uaddr, true);
	if (get_user(val, uaddr))
		return -EFAULT;
	if ((id & ~0xffffUL) != ID_BASE)
		return -ENOENT;
	if (!key_is_id(id & 0xffff)) {
		u = user_find(v, id);
		if (!u)
			return -ENOENT;
	}
	return u ? u->set(v, u, val) : id_set(v, id_index(id & 0xffff), val);
}

/* The list: each id through fn, which may stop it with an error. */
static int list_walk(struct vcpu *v, int (*fn)(void *arg, u64 id), void *arg)
{
	unsigned i;
	int ret = 0;

	for (i = 0; i < 14 && !ret; i++)
		if (csselr_valid(v, i))
			ret = fn(arg, ID_DEMUX | i);
	for (i = 0; i < sysreg_users_n && !ret; i++) {
		unsigned key = sysreg_users[i].key;

		if (sysreg_users[i].feat & ~v->vm->feats)
			continue;
		ret = fn(arg, ID_BASE | key);
	}
	for (i = 0; i < 56 && !ret; i++)
		ret = fn(arg, ID_BASE | SYSREG_KEY(3, 0, 0, 1 + i / 8, i % 8));
	return ret;
}

static int count_one(void *arg, u64 id)
{
	(*(int *)arg)++;
	return 0;
}

static int copy_one(void *arg, u64 id)
{
	u64 *uaddr = arg;
	int ret = put_user(id, *uaddr);

	*uaddr += sizeof(id);
	return ret;
}

int sysreg_user_count(struct vcpu *v)
{
	int n = 0;

	(void)list_walk(v, count_one, &n);
	return n;
}

int sysreg_user_list(struct vcpu *v, u64 uaddr)
{
	return list_walk(v, copy_one, &uaddr);
}
