// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPUs: creation, KVM_ARM_VCPU_INIT, reset, the first run, kicks and requests. The ioctls of the descriptor are in
 * vcpu_ioctl.c. Linux: Documentation/virt/kvm/api.rst 4.7, 4.82.
 */
#include <linux/errno.h>

#include "kernel/debug/print.h"
#include "kernel/lib/string.h"
#include "kvm/features.h"
#include "kvm/nested/nested.h"
#include "kvm/sve.h"
#include "kvm/sdei/sdei.h"
#include "kvm/pmu/pmu.h"
#include "kvm/sysreg/sysreg.h"
#include "kvm/timer/timer.h"
#include "kvm/trap/trap.h"
#include "kvm/vcpu_config.h"
#include "kvm/vcpu_ops.h"
#include "kvm/vcpu_state.h"
#include "kvm/smccc/smccc.h"
#include "kvm/vgic/vgic.h"
#include "linux/process/task.h"

#define PSR_EL1H_DAIF	0x3c5UL
#define PSR_SVC_AIF	0x1d3UL		/* AArch32 Supervisor */
#define PSR_T32		BIT(5)
#define PSR_E		BIT(9)
#define PSR_EL2H_DAIF	0x3c9UL
#define FEATURES_KNOWN	0x1ffU	/* KVM_ARM_VCPU_POWER_OFF .. HAS_EL2_E2H0 */
#define FEATURE(n)	(1U << (n))
#define PTRAUTH_BOTH	(FEATURE(KVM_ARM_VCPU_PTRAUTH_ADDRESS) | FEATURE(KVM_ARM_VCPU_PTRAUTH_GENERIC))

struct vcpu_config *vcpu_config_edit(struct vcpu *v)
{
	return v->config.frozen ? NULL : (struct vcpu_config *)&v->config;
}

void vcpu_config_freeze(struct vcpu *v)
{
	struct vcpu_config *c = vcpu_config_edit(v);

	ASSERT(c);
	sysreg_traps_compute(v);
	c->frozen = true;
}

/* ---- kicks and requests ---- */

void vcpu_kick(struct vcpu *v)
{
	struct thread *t;

	/* Only its own thread waits there, and looks at everything again. */
	if (waitq_wake(&v->wq, 0))
		return;
	rcu_read_lock();
	t = rcu_deref(v->thread);
	if (t)
		thread_kick(t, TF_KICK);
	rcu_read_unlock();
}

void vcpu_request(struct vcpu *v, u32 req)
{
	__atomic_fetch_or(&v->requests, req, __ATOMIC_SEQ_CST);
	vcpu_kick(v);
}

/* ---- creation ---- */

static struct vcpu *vcpu_alloc(struct vm *vm, unsigned id, int *err)
{
	struct vcpu *v = kzalloc(sizeof(*v) + sizeof(struct vcpu_state));

	*err = -ENOMEM;
	if (!v)
		return NULL;
	v->state = (struct vcpu_state *)(v + 1);
	v->vm = vm;
	v->s2 = &vm->s2;
	v->id = id;
	v->index = vm->nr_vcpus;
	v->state->creator = current_task()->tid;
	v->resident = -1;
	pvtime_reset(v);
	mutex_init(&v->mutex);
	waitq_init(&v->wq);
	fp_state_init(&v->fp, true);
	/* Sixteen CPUs to a cluster: an SGI's target list has sixteen bits. */
	vcpu_config_edit(v)->mpidr = BIT(31) | (id & 0xf) | (u64)(id >> 4 & 0xff) << 8 | (u64)(id >> 12 & 0xff) << 16;
	v->run_page[0] = page_alloc(0, ALLOC_ZERO);
	if (v->run_page[0])
		v->run = page_to_va(v->run_page[0]);
	v->run_page[1] = vm->ring_page;
	if (v->run)
		*err = timer_vcpu_create(v);
	if (!*err && vm->dirty_ring_bytes)
		*err = dirty_ring_alloc(v, vm->dirty_ring_bytes);
	if (!*err)
		*err = vgic_vcpu_create(v);
	if (!*err)
		*err = sdei_vcpu_create(v);
	if (*err) {
		vcpu_destroy(v);	/* nobody has seen it */
		return NULL;
	}
	return v;
}

void vcpu_quiesce(struct vcpu *v)
{
	vcpu_settle(v);
	fp_discard(&v->fp);
}

void vcpu_destroy(struct vcpu *v)
{
	ASSERT(!v->loaded);
	nested_destroy(v);
	if (v->timers)
		timer_vcpu_destroy(v);
	if (v->vgic)
		vgic_vcpu_destroy(v);
	sdei_vcpu_destroy(v);
	if (v->run_page[0])
		page_put(v->run_page[0]);
	dirty_ring_free(v);
	fp_state_destroy(&v->fp);
	pmu_vcpu_destroy(v);
	kfree(v->ccsidr);
	kfree(v->debug_points);
	kfree(v);
}

static int vcpu_add(struct vm *vm, unsigned id)
{
	struct vcpu *v, *other;
	unsigned i;
	int fd, err;

	if (vm->nr_vcpus >= KVM_VCPUS_MAX)
		return -EINVAL;
	if (vgic_in_kernel(vm) && vgic_ready(vm))
		return -EBUSY;
	vm_for_each_vcpu(i, other, vm)
		if (other->id == id)
			return -EEXIST;
	v = vcpu_alloc(vm, id, &err);
	if (!v)
		return err;
	vm_get(vm);
	/*
	 * The VM's vCPUs are walked without a lock, so what is in the list stays there: the descriptor, which may fail,
	 * comes first. A thread that guesses its number waits for the mutex; nobody else can hold that yet.
	 */
	mutex_lock(&v->mutex);
	fd = vcpu_fd(v);
	if (fd < 0) {
		mutex_unlock(&v->mutex);
		vcpu_destroy(v);
		vm_put(vm);
		return fd;
	}
	rcu_assign(vm->vcpus[v->index], v);
	__atomic_store_n(&vm->nr_vcpus, v->index + 1, __ATOMIC_RELEASE);
	sdei_vcpu_add(v);
	mutex_unlock(&v->mutex);
	return fd;
}

int vcpu_create(struct vm *vm, u64 id)
{
	int ret;

	if (id >= KVM_VCPUS_MAX)
		return -EINVAL;
	mutex_lock(&vm->lock);
	ret = vcpu_add(vm, id);
	mutex_unlock(&vm->lock);
	return ret;
}

/* ---- KVM_ARM_VCPU_INIT ---- */

static int features_check(const struct kvm_vcpu_init *init)
{
	u32 f = init->features[0], possible = FEATURE(KVM_ARM_VCPU_POWER_OFF) | FEATURE(KVM_ARM_VCPU_PSCI_0_2);
	unsigned i;

	if (init->target != KVM_ARM_TARGET_GENERIC_V8)
		return -EINVAL;
	for (i = 1; i < ARRAY_SIZE(init->features); i++)
		if (init->features[i])
			return -ENOENT;
	if (f & ~FEATURES_KNOWN)
		return -ENOENT;
	if (host.ptrauth)
		possible |= PTRAUTH_BOTH;
	if (host.pmu)
		possible |= FEATURE(KVM_ARM_VCPU_PMU_V3);
	if (host.el1_32bit)
		possible |= FEATURE(KVM_ARM_VCPU_EL1_32BIT);
	if (fp_vl_guest_max())
		possible |= FEATURE(KVM_ARM_VCPU_SVE);
	if (host.nested)
		possible |= FEATURE(KVM_ARM_VCPU_HAS_EL2);
	if (host.nvhe)
		possible |= FEATURE(KVM_ARM_VCPU_HAS_EL2_E2H0);
	if (f & ~possible)
		return -EINVAL;
	if ((f & PTRAUTH_BOTH) && (f & PTRAUTH_BOTH) != PTRAUTH_BOTH)
		return -EINVAL;
	/* An EL2 over AArch32 there cannot be. */
	if ((f & FEATURE(KVM_ARM_VCPU_HAS_EL2)) && (f & FEATURE(KVM_ARM_VCPU_EL1_32BIT)))
		return -EINVAL;
	return 0;
}

/* The VM's registers follow its first vCPU; later ones must ask for the same. */
static int vm_features_set(struct vm *vm, u32 f)
{
	if (vm->mte && (f & FEATURE(KVM_ARM_VCPU_EL1_32BIT)))
		return -EINVAL;
	if (vm->features_set)
		return vm->init_features == f ? 0 : -EINVAL;
	vm->init_features = f;
	vm->vcpu_features = f & PTRAUTH_BOTH ? VMF_PTRAUTH : 0;
	if (f & FEATURE(KVM_ARM_VCPU_EL1_32BIT))
		vm->vcpu_features |= VMF_EL1_32BIT;
	if (f & FEATURE(KVM_ARM_VCPU_SVE))
		vm->vcpu_features |= VMF_SVE;
	if (f & FEATURE(KVM_ARM_VCPU_PMU_V3))
		vm->vcpu_features |= VMF_PMU;
	/* As on Linux, guests with an EL2 see none of it: what is left of the capability is KVM_ARM_MTE_COPY_TAGS. */
	if (vm->mte && !(f & FEATURE(KVM_ARM_VCPU_HAS_EL2)))
		vm->vcpu_features |= VMF_MTE;
	vm->vcpu_features |= f & FEATURE(KVM_ARM_VCPU_HAS_EL2) ? VMF_EL2 : VMF_NOEL2;
	if ((f & (FEATURE(KVM_ARM_VCPU_HAS_EL2) | FEATURE(KVM_ARM_VCPU_HAS_EL2_E2H0))) == FEATURE(KVM_ARM_VCPU_HAS_EL2))
		vm->vcpu_features |= VMF_VHE;
	idregs_limit(vm->idregs.offered, host.id, vm->vcpu_features);
	if (vm->ipa_bits > 48)
		idregs_large(vm->idregs.offered, host.id);
	if (unlikely(host.hide))
		idregs_hide(vm->idregs.offered, host.hide);
	memcpy(vm->idregs.id, vm->idregs.offered, sizeof(vm->idregs.id));
	impl_init(vm);
	vm->feats = sysreg_feats(vm->idregs.id, vm->vcpu_features);
	vm->features_set = true;
	return 0;
}

static int config_set(struct vcpu *v, u32 f)
{
	struct vcpu_config *c = vcpu_config_edit(v);
	int ret;

	ASSERT(c);	/* not initialised: has not run */
	mutex_lock(&v->vm->lock);
	ret = vm_features_set(v->vm, f);
	if (!ret && (f & FEATURE(KVM_ARM_VCPU_PMU_V3)))
		ret = pmu_vcpu_create(v);	/* under the lock: others look at the interrupts of all vCPUs */
	if (!ret && (f & FEATURE(KVM_ARM_VCPU_HAS_EL2)))
		ret = nested_create(v);
	mutex_unlock(&v->vm->lock);
	if (ret)
		return ret;
	c->features[0] = f;
	c->psci_0_2 = f & FEATURE(KVM_ARM_VCPU_PSCI_0_2);
	c->ptrauth = f & PTRAUTH_BOTH;
	c->pmu = f & FEATURE(KVM_ARM_VCPU_PMU_V3);
	c->el1_32bit = f & FEATURE(KVM_ARM_VCPU_EL1_32BIT);
	c->sve = f & FEATURE(KVM_ARM_VCPU_SVE);
	if (c->sve)
		c->sve_vl = fp_vl_guest_max();
	c->has_el2 = f & FEATURE(KVM_ARM_VCPU_HAS_EL2);
	c->initialized = true;
	return 0;
}

int vcpu_init(struct vcpu *v, const struct kvm_vcpu_init *init)
{
	u32 f = init->features[0] & ~FEATURE(KVM_ARM_VCPU_POWER_OFF);
	int ret = features_check(init);

	if (ret)
		return ret;
	if (v->config.initialized && v->config.features[0] != f)
		return -EINVAL;
	if (!v->config.initialized) {
		ret = config_set(v, f);
		if (ret)
			return ret;
	}
	vcpu_reset_regs(v);
	vcpu_take_reset(v);
	sdei_vcpu_init(v);
	/* A guest that starts again with its caches off must see what the VMM wrote. */
	if (v->state->ran_once && !host.fwb)
		stage2_unmap(v->vm, 0, 1UL << (v->vm->ipa_bits - PAGE_SHIFT));
	if (v->config.frozen)
		sysreg_traps_compute(v);
	v->state->mp_state = init->features[0] & FEATURE(KVM_ARM_VCPU_POWER_OFF) ? KVM_MP_STATE_STOPPED :
										    KVM_MP_STATE_RUNNABLE;
	return 0;
}

void vcpu_reset_regs(struct vcpu *v)
{
	ASSERT(!v->loaded);
	memset(v->regs.x, 0, sizeof(v->regs.x));
	v->regs.pc = 0;
	v->regs.pstate = v->config.el1_32bit ? PSR_SVC_AIF : v->config.has_el2 ? PSR_EL2H_DAIF : PSR_EL1H_DAIF;
	fp_discard(&v->fp);
	fp_state_clear(&v->fp);
	sysreg_reset(v);
	v->input.step = STEP_NONE;
	v->input.vserror = 0;
	timer_vcpu_reset(v);
	if (v->pmu)
		pmu_vcpu_reset(v);
}

/* PSCI CPU_ON left where this vCPU starts. */
void vcpu_take_reset(struct vcpu *v)
{
	struct vcpu_state *s = v->state;
	bool pending, be;
	u64 pc, r0;

	spin_lock(&s->psci_lock);
	pending = s->reset.pending;
	pc = s->reset.pc;
	r0 = s->reset.r0;
	be = s->reset.be;
	s->reset.pending = false;
	spin_unlock(&s->psci_lock);
	if (!pending)
		return;
	sdei_cpu_on(v);
	vcpu_reset_regs(v);
	v->regs.pc = pc;
	v->regs.x[0] = r0;
	if (v->config.el1_32bit) {
		if (pc & 1)
			v->regs.pstate |= PSR_T32;
		v->regs.pc = (u32)pc & ~1U;
		if (be)
			v->regs.pstate |= PSR_E;
	} else if (be) {
		vreg(v, v->nested ? REG_SCTLR_EL2 : REG_SCTLR_EL1) |= BIT(25);	/* EE */
	}
}

/* ---- first run ---- */

/* A guest without an in-kernel vGIC has no GIC system registers. */
static void hide_gic(struct vm *vm)
{
	vm->idregs.id[IDX_ID_AA64PFR0_EL1] &= ~(0xfUL << ID_AA64PFR0_GIC_SHIFT);
	vm->idregs.id[IDX_ID_PFR1_EL1] &= ~(0xfUL << ID_PFR1_GIC_SHIFT);
}

/*
 * All of it under vm->lock: the vGIC that is checked is the one that stays, and the ID registers from which the trap
 * values come can no longer be written when somebody next gets the lock.
 */
static int first_run_locked(struct vcpu *v)
{
	struct vm *vm = v->vm;
	int ret = vgic_first_run(v);

	if (!ret)
		ret = timer_first_run(v);
	if (!ret)
		ret = pmu_first_run(v);
	if (ret)
		return ret;
	if (!vm->ran_once && !vgic_in_kernel(vm))
		hide_gic(vm);
	vcpu_config_freeze(v);
	v->state->ran_once = true;
	vm->ran_once = true;
	return 0;
}

int vcpu_first_run(struct vcpu *v)
{
	int ret;

	if (!v->config.initialized)
		return -ENOEXEC;
	if (!vcpu_finalized(v))
		return -EPERM;
	mutex_lock(&v->vm->lock);
	ret = first_run_locked(v);
	mutex_unlock(&v->vm->lock);
	return ret;
}
