// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a vCPU's descriptor and the mapping of its run page. All under v->mutex, so never while the vCPU runs.
 * Linux: Documentation/virt/kvm/api.rst.
 */
#include <linux/errno.h>
#include <linux/mman.h>

#include "kernel/debug/print.h"
#include "kernel/lib/string.h"
#include "kernel/mm/uaccess.h"
#include "kvm/features.h"
#include "kvm/sve.h"
#include "kvm/pmu/pmu.h"
#include "kvm/sdei/sdei.h"
#include "kvm/timer/timer.h"
#include "kvm/vcpu_ops.h"
#include "kvm/vcpu_state.h"

#define O_RDWR_		2
#define O_CLOEXEC_	02000000
#define RING_OFFSET	(KVM_DIRTY_LOG_PAGE_OFFSET * PAGE_SIZE)
#define ESR_ISS		GENMASK(24, 0)
#define GUESTDBG_VALID	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_USE_HW)

static const struct file_ops vcpu_ops;

static s64 ioctl_vcpu_init(struct vcpu *v, const struct kvm_vcpu_init *init)
{
	return vcpu_init(v, init);
}

static s64 ioctl_finalize(struct vcpu *v, const int *what)
{
	return sve_finalize(v, *what);
}

/* A CPU_ON that has not been taken yet comes first: what user space writes now must last. */
static void reset_first(struct vcpu *v)
{
	if (__atomic_fetch_and(&v->requests, ~(u32)REQ_RESET, __ATOMIC_ACQUIRE) & REQ_RESET)
		vcpu_take_reset(v);
}

static s64 ioctl_get_one_reg(struct vcpu *v, const struct kvm_one_reg *reg)
{
	reset_first(v);
	return onereg_get(v, reg);
}

static s64 ioctl_set_one_reg(struct vcpu *v, const struct kvm_one_reg *reg)
{
	reset_first(v);
	return onereg_set(v, reg);
}

static s64 ioctl_get_mp_state(struct vcpu *v, struct kvm_mp_state *s)
{
	s->mp_state = READ_ONCE(v->state->mp_state);
	return 0;
}

static s64 ioctl_set_mp_state(struct vcpu *v, const struct kvm_mp_state *s)
{
	switch (s->mp_state) {
	case KVM_MP_STATE_SUSPENDED:
	case KVM_MP_STATE_STOPPED:
	case KVM_MP_STATE_RUNNABLE:
		WRITE_ONCE(v->state->mp_state, s->mp_state);
		vcpu_request(v, REQ_SLEEP);
		return 0;
	default:
		return -EINVAL;
	}
}

static s64 ioctl_get_events(struct vcpu *v, struct kvm_vcpu_events *e)
{
	e->exception.serror_pending = v->input.vserror & VSERROR_OURS;
	e->exception.serror_has_esr = host.ras;
	if (e->exception.serror_pending && e->exception.serror_has_esr)
		e->exception.serror_esr = v->input.vserror_esr;
	return 0;
}

static s64 ioctl_set_events(struct vcpu *v, const struct kvm_vcpu_events *e)
{
	bool has_esr = e->exception.serror_has_esr;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(e->reserved); i++)
		if (e->reserved[i])
			return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(e->exception.pad); i++)
		if (e->exception.pad[i])
			return -EINVAL;
	if (e->exception.serror_pending) {
		if (has_esr && (!host.ras || (e->exception.serror_esr & ~ESR_ISS)))
			return -EINVAL;
		(void)inject_vserror(v, has_esr, e->exception.serror_esr);
	}
	if (e->exception.ext_dabt_pending)
		inject_dabt(v, v->exit.far);
	return 0;
}

static s64 ioctl_vcpu_stats(struct vcpu *v, u64 arg)
{
	return vcpu_stats_fd(v);
}

static s64 ioctl_signal_mask(struct vcpu *v, u64 arg)
{
	struct kvm_signal_mask m;
	u64 set;

	if (!arg) {
		v->state->sigmask_set = false;
		return 0;
	}
	if (copy_from_user(&m, arg, sizeof(m)))
		return -EFAULT;
	if (m.len != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, arg + offsetof(struct kvm_signal_mask, sigset), sizeof(set)))
		return -EFAULT;
	v->state->sigmask = set & ~(BIT(8) | BIT(18));	/* SIGKILL and SIGSTOP cannot be blocked */
	v->state->sigmask_set = true;
	return 0;
}

static s64 ioctl_guest_debug(struct vcpu *v, const struct kvm_guest_debug *d)
{
	bool on = d->control & KVM_GUESTDBG_ENABLE;

	if (d->control & ~(u32)GUESTDBG_VALID)
		return -EINVAL;
	if (on && (d->control & KVM_GUESTDBG_USE_HW)) {
		if (!v->debug_points)
			v->debug_points = kmalloc(sizeof(*v->debug_points));
		if (!v->debug_points)
			return -ENOMEM;
		*v->debug_points = d->arch;
	}
	v->state->guest_debug = on ? d->control : 0;
	v->input.single_step = on && (d->control & KVM_GUESTDBG_SINGLESTEP);
	v->input.debugged = on;
	v->input.hw_bp = on && (d->control & KVM_GUESTDBG_USE_HW);
	if (!v->input.single_step)
		v->state->step_pending = false;
	if (v->config.frozen)
		debug_traps_compute(v);
	return 0;
}

static s64 vcpu_attr(struct vcpu *v, const struct kvm_device_attr *a, int op)
{
	switch (a->group) {
	case KVM_ARM_VCPU_TIMER_CTRL:
		return timer_attr(v, a, op);
	case KVM_ARM_VCPU_PMU_V3_CTRL:
		return pmu_attr(v, a, op);
	case KVM_ARM_VCPU_PVTIME_CTRL:
		return pvtime_attr(v, a, op);
	default:
		return -ENXIO;
	}
}

static s64 ioctl_vcpu_set_attr(struct vcpu *v, const struct kvm_device_attr *a)
{
	return vcpu_attr(v, a, 's');
}

static s64 ioctl_vcpu_get_attr(struct vcpu *v, const struct kvm_device_attr *a)
{
	return vcpu_attr(v, a, 'g');
}

static s64 ioctl_vcpu_has_attr(struct vcpu *v, const struct kvm_device_attr *a)
{
	return vcpu_attr(v, a, 'h');
}

#include "ioctl_vcpu.h"

s64 vcpu_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct vcpu *v = f->priv;
	s64 ret;

	if (v->vm->mm != mm_current())
		return -EIO;
	if ((cmd >> 8 & 0xff) != KVMIO)
		return -EINVAL;
	if (mutex_lock_interruptible(&v->mutex))
		return -EINTR;
	if (cmd != KVM_RUN)
		vcpu_settle(v);
	ret = vcpu_cmd(v, cmd, arg);
	mutex_unlock(&v->mutex);
	/* The barrier in there is between v->thread = NULL and this look: a request made earlier is seen, a later one saw that. */
	if (unlikely(READ_ONCE(v->requests) & REQ_SDEI) && cmd == KVM_RUN)
		sdei_left(v);
	return ret;
}

/* ---- the run page ---- */

static bool in_ring(struct vcpu *v, u64 offset)
{
	return offset >= RING_OFFSET && dirty_ring_page(v, (offset - RING_OFFSET) >> PAGE_SHIFT);
}

static int run_fault(struct area *a, u64 offset, bool write, struct page **out)
{
	struct vcpu *v = a->priv;

	if (offset >= RING_OFFSET)
		*out = dirty_ring_page(v, (offset - RING_OFFSET) >> PAGE_SHIFT);
	else
		*out = offset < 2 * PAGE_SIZE ? v->run_page[offset >> PAGE_SHIFT] : NULL;
	if (!*out)
		return -EIO;
	page_get(*out);
	return 0;
}

static const struct area_ops run_area_ops = {
	.fault = run_fault,
};

/* The area holds the file, the file the VM, the VM the vCPU and its page. */
static int vcpu_mmap(struct file *f, struct map_request *rq)
{
	u64 last = rq->offset + rq->len - 1;

	/* The dirty ring is for reading and writing together with us. */
	if ((in_ring(f->priv, rq->offset) || in_ring(f->priv, last)) &&
	    ((rq->prot & PROT_EXEC) || (rq->flags & MAP_TYPE) == MAP_PRIVATE))
		return -EINVAL;
	rq->ops = &run_area_ops;
	rq->priv = f->priv;
	rq->file = f;
	return 0;
}

static void vcpu_release(struct file *f)
{
	struct vcpu *v = f->priv;

	vm_put(v->vm);
}

static const struct file_ops vcpu_ops = {
	.name = "anon_inode:kvm-vcpu",
	.ioctl = vcpu_ioctl,
	.mmap = vcpu_mmap,
	.release = vcpu_release,
};

int vcpu_fd(struct vcpu *v)
{
	return anon_fd(&vcpu_ops, v, O_RDWR_ | O_CLOEXEC_);
}
