// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of the vGIC: created with its device, initialised by user space's order, frames mapped at the first KVM_RUN; and
 * what the rest of kvm/ asks of it. Errors and their order are Linux's. Documentation/virt/kvm/devices/arm-vgic-v3.rst.
 */
#include <linux/errno.h>

#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/irq/irq.h"
#include "kernel/mm/page.h"
#include "kvm/irqfd.h"
#include "kvm/pmu/pmu.h"
#include "kvm/sdei/sdei.h"
#include "kvm/timer/timer.h"
#include "kvm/vcpu_state.h"
#include "kvm/vgic/priv.h"

static struct vgic_cpu *cpu_of(struct vgic_pe *p)
{
	return container_of(p, struct vgic_cpu, pe);
}

static void op_kick(struct vgic_pe *p)
{
	vcpu_kick(cpu_of(p)->v);
}

static bool op_hw_level(struct vgic_pe *p, u32 intid)
{
	struct vgic_cpu *c = cpu_of(p);

	return c->level[intid] && c->level[intid](c->v, intid);
}

static void op_hw_active(struct vgic_pe *p, u32 intid, bool active)
{
	timer_ppi_set_active(cpu_of(p)->v, p->pintid[intid], active);
}

static void op_hw_stale(struct vgic_pe *p)
{
	vcpu_request(cpu_of(p)->v, REQ_RELOAD);
}

static void op_acked(struct vgic_dist *d, u32 intid)
{
	irqfd_acked(container_of(d, struct vgic, d)->vm, intid - VGIC_PRIVATE);
}

static void op_stop(struct vgic_dist *d)
{
	struct vm *vm = container_of(d, struct vgic, d)->vm;
	struct vcpu *v;
	unsigned i;

	vm_stop_all(vm);
	/* One may just be between its flush and its last look at the requests, with interrupts off: it comes back. */
	vm_for_each_vcpu(i, v, vm)
		while (__atomic_load_n(&v->vgic->pe.live, __ATOMIC_ACQUIRE))
			cpu_relax();
}

static void op_resume(struct vgic_dist *d)
{
	vm_resume_all(container_of(d, struct vgic, d)->vm);
}

static struct vm *vm_of(struct vgic_dist *d)
{
	return container_of(d, struct vgic, d)->vm;
}

static int op_mem_read(struct vgic_dist *d, u64 ipa, void *buf, size_t n)
{
	return guest_read(vm_of(d), IPA(ipa), buf, n);
}

static int op_mem_write(struct vgic_dist *d, u64 ipa, const void *buf, size_t n)
{
	return guest_write(vm_of(d), IPA(ipa), buf, n);
}

static bool op_mem_visible(struct vgic_dist *d, u64 ipa)
{
	bool found;

	rcu_read_lock();
	found = memslot_find(rcu_deref(vm_of(d)->slots), ipa >> PAGE_SHIFT);
	rcu_read_unlock();
	return found;
}

static bool op_interrupted(void)
{
	return notify_pending();
}

static void op_claimed(struct vgic_dist *d, struct vgic_pe *p, u32 intid)
{
	sdei_interrupt(container_of(d, struct vgic, d)->vm, p ? cpu_of(p)->v : NULL, intid);
}

const struct vgic_ops vgic_model_ops = {
	.kick = op_kick,
	.hw_level = op_hw_level,
	.hw_active = op_hw_active,
	.hw_stale = op_hw_stale,
	.acked = op_acked,
	.stop = op_stop,
	.resume = op_resume,
	.mem_read = op_mem_read,
	.mem_write = op_mem_write,
	.mem_visible = op_mem_visible,
	.interrupted = op_interrupted,
	.claimed = op_claimed,
};

bool vgic_in_kernel(struct vm *vm)
{
	return rcu_deref(vm->vgic) != NULL;
}

/* The affinity that KVM_ARM_VCPU_INIT gives by default, for a vCPU that has not been through it yet. */
static u64 affinity(const struct vcpu *v)
{
	if (v->config.mpidr)
		return v->config.mpidr & 0xff00ffffffUL;
	return (v->id & 0xf) | (u64)(v->id >> 4 & 0xff) << 8 | (u64)(v->id >> 12 & 0xff) << 16;
}

static void attach(struct vgic *g, struct vcpu *v)
{
	v->vgic->pe.mpidr = affinity(v);
	v->vgic->pe.id = v->id;
	vgic_pe_attach(&g->d, &v->vgic->pe, v->index);
}

void vgic_affinity_changed(struct vcpu *v)
{
	struct vm *vm = v->vm;

	mutex_lock(&vm->lock);
	if (vm->vgic) {
		WRITE_ONCE(v->vgic->pe.mpidr, affinity(v));
		vgic_retarget(&vm->vgic->d);
	}
	mutex_unlock(&vm->lock);
}

int vgic_vcpu_create(struct vcpu *v)
{
	struct vgic_cpu *c;

	if (vgic_ready(v->vm))
		return -EBUSY;
	c = kzalloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->v = v;
	v->vgic = c;
	vgic_pe_init(&c->pe);
	if (vgic_in_kernel(v->vm)) {
		int ret = vgic_redist_place(v);

		if (ret) {
			v->vgic = NULL;
			kfree(c);
			return ret;
		}
		attach(v->vm->vgic, v);
	}
	return 0;
}

void vgic_vcpu_destroy(struct vcpu *v)
{
	struct vgic *g = v->vm->vgic;
	struct vgic_cpu *c = v->vgic;

	if (!c)
		return;
	if (g && c->pe.dist)
		vgic_pe_detach(&g->d, &c->pe);
	if (c->on_bus)
		iobus_del(v->vm, &c->io);
	if (c->region && c->slot + 1 == c->region->used) {
		c->region->used--;
		/* One that never came to be: another is the last again. Else the VM goes, and nobody looks. */
		if (v->index >= v->vm->nr_vcpus)
			vgic_redist_last_update(v->vm);
	}
	v->vgic = NULL;
	vgic_pe_lpis_destroy(&c->pe);
	kfree(c);
}

void vgic_vm_destroy(struct vm *vm)
{
	struct vgic *g = vm->vgic;

	vgic_its_destroy(vm);
	if (!g)
		return;
	rcu_assign(vm->vgic, NULL);
	if (g->mapped)
		iobus_del(vm, &g->dist_io);
	vgic_regions_free(g);
	vgic_lpis_destroy(&g->d);
	kfree(g);
}

int vgic_create(struct vm *vm)
{
	struct vcpu *v;
	struct vgic *g;
	unsigned i;
	int ret = -EEXIST;

	mutex_lock(&vm->lock);
	if (!vm_trylock_vcpus(vm)) {
		mutex_unlock(&vm->lock);
		return -EBUSY;
	}
	if (vm->vgic)
		goto out;
	ret = -EBUSY;
	vm_for_each_vcpu(i, v, vm)
		if (v->state->ran_once)
			goto out;
	ret = -ENOMEM;
	g = kzalloc(sizeof(*g));
	if (!g)
		goto out;
	vgic_dist_init(&g->d, &vgic_model_ops, vgic_host.nr_lr);
	g->vm = vm;
	g->dist_base = VGIC_UNSET;
	list_init(&g->regions);
	ret = vgic_its_attach(g);
	if (ret) {
		kfree(g);
		goto out;
	}
	rcu_assign(vm->vgic, g);
	vm_for_each_vcpu(i, v, vm)
		attach(g, v);
out:
	vm_unlock_vcpus(vm);
	mutex_unlock(&vm->lock);
	return ret;
}

int vgic_ready_make(struct vm *vm)
{
	struct vgic *g = vm->vgic;

	if (g->vm->vgic_ready)
		return 0;
	if (!g->d.nr_ids)
		vgic_dist_set_ids(&g->d, 256);	/* Linux's default */
	irqfds_default_routing(vm);
	__atomic_store_n(&g->vm->vgic_ready, true, __ATOMIC_RELEASE);
	return 0;
}

#define MAINT_DEFAULT	25	/* as in Arm's base system architecture, and on Linux */

/* The guest hypervisor's maintenance interrupt is nobody else's; timers see to it themselves. */
static int maint_first_run(struct vgic *g, struct vcpu *v)
{
	if (!g->maint)
		WRITE_ONCE(g->maint, MAINT_DEFAULT);
	return v->pmu && v->pmu->irq == g->maint ? -EEXIST : 0;
}

u32 vgic_maint_intid(struct vm *vm)
{
	return vm->vgic->maint;
}

int vgic_first_run(struct vcpu *v)
{
	struct vgic *g = v->vm->vgic;
	int ret;

	if (!g)
		return 0;
	ret = g->mapped ? 0 : vgic_frames_map(v->vm);
	if (!ret && v->nested)
		ret = maint_first_run(g, v);
	return ret;
}

int vgic_inject(struct vm *vm, struct vcpu *v, u32 intid, bool level)
{
	if (!vgic_ready(vm))
		return -EBUSY;
	return vgic_model_inject(&vm->vgic->d, v ? &v->vgic->pe : NULL, intid, level);
}

int vgic_map_ppi(struct vcpu *v, u32 intid, u32 pintid, bool (*level)(struct vcpu *v, u32 intid))
{
	struct vgic_cpu *c = v->vgic;
	u64 flags;

	if (intid < 16 || intid >= VGIC_PRIVATE)
		return -EINVAL;
	flags = spin_lock_irqsave(&c->pe.lock);
	c->level[intid] = level;
	c->pe.pintid[intid] = pintid;
	c->pe.hw |= BIT(intid);
	spin_unlock_irqrestore(&c->pe.lock, flags);
	return 0;
}

void vgic_unmap_ppi(struct vcpu *v, u32 intid)
{
	u64 flags = spin_lock_irqsave(&v->vgic->pe.lock);

	v->vgic->pe.hw &= ~BIT(intid & 31);
	spin_unlock_irqrestore(&v->vgic->pe.lock, flags);
}

u32 vgic_ppis_active(struct vcpu *v)
{
	return vgic_model_active(&v->vgic->pe);
}

bool vgic_sgi_write(struct vcpu *v, u64 val, bool group1)
{
	if (!vgic_ready(v->vm))
		return false;
	return vgic_model_sgi_write(&v->vm->vgic->d, &v->vgic->pe, val, group1, false);
}

bool vgic_sgi_fast(struct vcpu *v, u64 val, bool group1)
{
	if (!vgic_ready(v->vm))
		return false;
	return vgic_model_sgi_write(&v->vm->vgic->d, &v->vgic->pe, val, group1, true);
}

void vgic_dir_write(struct vcpu *v, u64 val)
{
	u64 flags = local_irq_save();

	if (vgic_ready(v->vm) && (vgic_vmcr_get(v) & VMCR_EOIM))
		vgic_model_deactivate(&v->vgic->pe, val & 0xffffff);
	local_irq_restore(flags);
}

/* ---- interrupts of SDEI events ---- */

static struct vgic_pe *pe_of(struct vcpu *v)
{
	return v ? &v->vgic->pe : NULL;
}

/* Its timers are in this CPU's hardware. */
static bool runs_here(const struct vcpu *v)
{
	return v && v->loaded && READ_ONCE(v->thread) == current_thread;
}

bool vgic_claim_exists(struct vm *vm, u32 intid)
{
	return vgic_ready(vm) && vgic_irq_exists(&vm->vgic->d, intid);
}

int vgic_claim_irq(struct vm *vm, struct vcpu *v, u32 intid, bool keep)
{
	return vgic_claim_exists(vm, intid) ? vgic_claim(&vm->vgic->d, pe_of(v), intid, keep) : -EBUSY;
}

void vgic_unclaim_irq(struct vm *vm, struct vcpu *v, u32 intid, bool keep)
{
	if (vgic_claim_exists(vm, intid))
		vgic_unclaim(&vm->vgic->d, pe_of(v), intid, keep);
}

bool vgic_claimed_pending(struct vm *vm, struct vcpu *v, u32 intid)
{
	return vgic_claim_exists(vm, intid) && vgic_claim_pending(&vm->vgic->d, pe_of(v), intid, runs_here(v));
}

void vgic_claimed_begin(struct vm *vm, struct vcpu *v, u32 intid)
{
	vgic_claim_begin(&vm->vgic->d, pe_of(v), intid);
}

void vgic_claimed_end(struct vm *vm, struct vcpu *v, u32 intid)
{
	if (vgic_claim_exists(vm, intid))
		vgic_claim_end(&vm->vgic->d, pe_of(v), intid, runs_here(v));
}

void vgic_claimed_acked(struct vm *vm, u32 spi)
{
	if (vgic_claim_exists(vm, spi) && !(vm->vgic->d.w[spi / 64].edge >> spi % 64 & 1))
		op_acked(&vm->vgic->d, spi);
}

void vgic_stop(struct vcpu *self)
{
	u64 flags = local_irq_save();

	vgic_sync(self);
	local_irq_restore(flags);
	op_stop(&self->vm->vgic->d);
}

void vgic_resume(struct vm *vm)
{
	op_resume(&vm->vgic->d);
}
