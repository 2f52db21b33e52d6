// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's EL1 timers. While it is loaded they run in hardware (CNTV_*_EL02, CNTP_*_EL02) and their host PPIs stay active
 * after the handler, so that they do not fire again: the guest's deactivation of the virtual interrupt deactivates the
 * physical one through the list register. While it is put, nothing runs; while it also sleeps, a host timer stands in.
 *
 * Locks: none of its own. Contexts belong to the vCPU's thread, and to the timer interrupt of the CPU that has it loaded.
 * Arm ARM D12 (generic timer), DDI 0487 CNTHCTL_EL2 with E2H=1. What a virtual EL2 has more: nested.c.
 */
#include <linux/errno.h>

#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/irq/irq.h"
#include "kernel/mm/uaccess.h"
#include "kvm/pmu/pmu.h"
#include "kvm/timer/internal.h"
#include "kvm/timer/timer.h"
#include "kvm/timer/timer_hw.h"
#include "kvm/vcpu_state.h"
#include "kvm/vgic/vgic.h"

u32 timer_host_irq[NR_TIMERS];
bool timer_has_ecv;
static bool has_poff;		/* CNTPOFF_EL2 is there and works */
static bool trap_wrap;		/* CNTVOFF_EL2 cannot put a counter ahead of the machine's */

/* What this CPU's timers are in use for. Interrupts off. */
static struct {
	struct vcpu *v;
	bool active[NR_TIMERS];		/* the host PPI may be active */
} on_cpu[MAX_CPUS];

static u64 ctl_read(int i)
{
	return i == VIRT ? read_sysreg(CNTV_CTL_EL02) : read_sysreg(CNTP_CTL_EL02);
}

static void ctl_write(int i, u64 val)
{
	if (i == VIRT)
		write_sysreg(val, CNTV_CTL_EL02);
	else
		write_sysreg(val, CNTP_CTL_EL02);
}

/*
 * What of a counter's offset the hardware does not take: it goes into CVAL instead, and reads of the counter trap. By the
 * offset's sign, not by the time, so that it stays the same as long as the offset.
 */
static u64 offset_bias(const struct vm *vm, int i)
{
	u64 off = vm->counter_offset[i];

	if (i == PHYS)
		return has_poff ? 0 : off;
	return trap_wrap && (s64)off < 0 ? off : 0;
}

/*
 * The machine's time at which a biased timer expires: what was over before the machine started is over at its start, and
 * what comes after its counter's end never does.
 */
static u64 cval_biased(u64 cval, u64 bias)
{
	u64 sum = cval + bias;
	bool carry = sum < cval;

	if ((s64)bias < 0)
		return carry ? sum : 0;
	return carry ? ~0UL : sum;
}

/* A biased timer's registers trap: what the guest wrote is in memory. */
static u64 cval_read(const struct vcpu *v, int i)
{
	if (unlikely(v->timers->bias[i]))
		return v->timers->t[i].cval;
	return i == VIRT ? read_sysreg(CNTV_CVAL_EL02) : read_sysreg(CNTP_CVAL_EL02);
}

static void cval_write(const struct vcpu *v, int i, u64 val)
{
	if (unlikely(v->timers->bias[i]))
		val = cval_biased(val, v->timers->bias[i]);
	if (i == VIRT)
		write_sysreg(val, CNTV_CVAL_EL02);
	else
		write_sysreg(val, CNTP_CVAL_EL02);
}

static u64 counter_now(const struct vcpu *v, int i)
{
	return counter_read() - READ_ONCE(v->vm->counter_offset[i]) - (i == VIRT ? v->timers->voff : 0);
}

bool timer_loaded_here(const struct vcpu *v)
{
	return on_cpu[this_cpu()->id].v == v;
}

static bool fires_loaded(int i)
{
	return (ctl_read(i) & (CTL_ENABLE | CTL_IMASK | CTL_ISTATUS)) == (CTL_ENABLE | CTL_ISTATUS);
}

static bool fires_put(const struct vcpu *v, int i)
{
	const struct timer_ctx *t = &v->timers->t[i];

	return (t->ctl & (CTL_ENABLE | CTL_IMASK)) == CTL_ENABLE && counter_now(v, i) >= t->cval;
}

/* Whether the timer's interrupt line is high. Interrupts off. */
static bool should_fire(struct vcpu *v, int i)
{
	return timer_loaded_here(v) ? fires_loaded(i) : fires_put(v, i);
}

bool timer_ppi_level(struct vcpu *v, u32 intid)
{
	return should_fire(v, intid == v->timers->ppi[PHYS] ? PHYS : VIRT);
}

static void host_set_active(int i, bool active)
{
	bool *now = &on_cpu[this_cpu()->id].active[i];

	/* A guest may have deactivated it behind our back, never activated: only "inactive" can be trusted. */
	if (!active && !*now)
		return;
	irq_ppi_set_active(timer_host_irq[i], active);
	*now = active;
}

void timer_ppi_set_active(struct vcpu *v, u32 pintid, bool active)
{
	host_set_active(pintid == timer_host_irq[PHYS] ? PHYS : VIRT, active);
}

static void level_update(struct vcpu *v, int i, bool level)
{
	v->timers->t[i].level = level;
	(void)vgic_inject(v->vm, v, v->timers->ppi[i], level);
}

/* Before the timer's registers are in hardware: may its interrupt fire here? */
static inline void irq_load(struct vcpu *v, int i)
{
	struct timer_ctx *t = &v->timers->t[i];
	bool level = fires_put(v, i), active;

	if (likely(vgic_ready(v->vm))) {
		/* The vGIC may have seen the line fall since (vgic_sync asks timer_ppi_level): what we told it last proves nothing. */
		if (level || t->level)
			level_update(v, i, level);
		active = level || (vgic_ppis_active(v) & BIT(v->timers->ppi[i]));
	} else {
		active = t->level;	/* user space knows already */
	}
	host_set_active(i, active);
}

void timer_load(struct vcpu *v)
{
	u64 flags = local_irq_save();
	u64 hctl = read_sysreg(cnthctl_el2) & ~(CNTHCTL_EL1PCTEN | CNTHCTL_EL1PTEN | CNTHCTL_ECV | CNTHCTL_EL1TVT |
						CNTHCTL_EL1TVCT);
	const u64 *offset = v->vm->counter_offset;
	struct vcpu_timers *ts = v->timers;
	u64 *bias = ts->bias;

	bias[VIRT] = offset_bias(v->vm, VIRT);
	bias[PHYS] = offset_bias(v->vm, PHYS);
	write_sysreg(offset[VIRT] - bias[VIRT], cntvoff_el2);
	if (unlikely(bias[VIRT]))
		hctl |= CNTHCTL_EL1TVT | CNTHCTL_EL1TVCT;
	if (has_poff) {
		write_sysreg(offset[PHYS], CNTPOFF_EL2);
		hctl |= CNTHCTL_ECV;
	}
	if (!bias[PHYS])
		hctl |= CNTHCTL_EL1PCTEN | CNTHCTL_EL1PTEN;
	write_sysreg(hctl, cnthctl_el2);
	irq_load(v, VIRT);
	irq_load(v, PHYS);
	cval_write(v, VIRT, ts->t[VIRT].cval);
	cval_write(v, PHYS, ts->t[PHYS].cval);
	isb();
	ctl_write(VIRT, ts->t[VIRT].ctl);
	ctl_write(PHYS, ts->t[PHYS].ctl);
	isb();
	on_cpu[this_cpu()->id].v = v;
	if (unlikely(v->state->steal.base != ~0UL))
		__atomic_fetch_or(&v->requests, REQ_STEAL, __ATOMIC_RELAXED);
	local_irq_restore(flags);
}

void timer_put(struct vcpu *v)
{
	u64 flags = local_irq_save();
	int i;

	for (i = 0; i < NR_TIMERS; i++) {
		v->timers->t[i].ctl = ctl_read(i) & (CTL_ENABLE | CTL_IMASK);
		v->timers->t[i].cval = cval_read(v, i);
		ctl_write(i, 0);
	}
	isb();
	on_cpu[this_cpu()->id].v = NULL;
	local_irq_restore(flags);
}

bool timer_irq_loaded(struct vcpu *v)
{
	u32 intid = irq_next();
	int i = VIRT;

	if (unlikely(intid != timer_host_irq[VIRT])) {
		if (intid != timer_host_irq[PHYS])
			return false;
		i = PHYS;
	}
	if (unlikely(!vgic_ready(v->vm) || !vgic_raise_possible(v, v->timers->ppi[i])))
		return false;
	if (unlikely(!irq_take(intid)))
		return false;
	if (unlikely(!fires_loaded(i))) {
		irq_finish(intid);
		return true;
	}
	on_cpu[this_cpu()->id].active[i] = true;
	v->timers->t[i].level = true;
	vgic_raise_loaded(v, v->timers->ppi[i]);
	return true;
}

static enum irq_result timer_irq(u32 intid, void *arg)
{
	int i = intid == timer_host_irq[PHYS] ? PHYS : VIRT;
	struct vcpu *v = on_cpu[this_cpu()->id].v;

	/* Put meanwhile, or reprogrammed by the guest: the line is low again. */
	if (!v || !should_fire(v, i))
		return IRQ_DONE;
	on_cpu[this_cpu()->id].active[i] = true;
	if (vgic_ready(v->vm))
		level_update(v, i, true);
	return IRQ_FORWARDED;
}

void timer_sync(struct vcpu *v)
{
	int i;

	if (likely(vgic_ready(v->vm)))
		return;
	/* User space's interrupt controller: a line that went down may fire again. */
	for (i = 0; i < NR_TIMERS; i++) {
		bool level = should_fire(v, i);

		if (!level)
			timer_ppi_set_active(v, timer_host_irq[i], false);
		v->timers->t[i].level = level;
	}
}

static const u64 device_bit[NR_TIMERS] = { KVM_ARM_DEV_EL1_VTIMER, KVM_ARM_DEV_EL1_PTIMER };

bool timer_notify_user(struct vcpu *v)
{
	u64 now = READ_ONCE(v->run->s.regs.device_irq_level), want = now;
	u64 flags;
	int i;

	if (vgic_in_kernel(v->vm))
		return false;
	flags = local_irq_save();
	for (i = 0; i < NR_TIMERS; i++)
		want = should_fire(v, i) ? want | device_bit[i] : want & ~device_bit[i];
	local_irq_restore(flags);
	v->run->s.regs.device_irq_level = want;
	return want != now;
}

bool timer_has_pending(struct vcpu *v)
{
	u64 flags;
	bool ret;

	if (vgic_in_kernel(v->vm))
		return false;	/* its level is the vGIC's business */
	flags = local_irq_save();
	ret = should_fire(v, VIRT) || should_fire(v, PHYS);
	local_irq_restore(flags);
	return ret;
}

static void background_arm(struct vcpu_timers *ts)
{
	u64 now = counter_read();
	u64 left = ts->deadline > now ? ts->deadline - now : 0;

	ktimer_start(&ts->background, clock_ns() + ticks_to_ns(left) + 1);
}

static void background_fire(struct ktimer *k)
{
	struct vcpu_timers *ts = container_of(k, struct vcpu_timers, background);

	if (counter_read() < ts->deadline) {	/* rounding: not yet */
		background_arm(ts);
	} else {
		/*
		 * A mere kick would be lost on a vCPU that is still loaded on its way to sleep: the hardware's interrupt may
		 * come late, and not at all once the vCPU is put. With a request it runs, and looks at its timers again.
		 */
		vcpu_request(ts->v, REQ_IRQ);
	}
}

void timer_block(struct vcpu *v)
{
	struct vcpu_timers *ts = v->timers;
	u64 now, cval, ctl, left, earliest = ~0UL;
	u64 flags = local_irq_save();
	int i;

	/* A hypervisor that sets its guest's timers and waits, without an exit between the two. */
	if (unlikely(v->nested) && v->loaded)
		timer_nested_emulate(v);
	for (i = 0; i < NR_TIMERS; i++) {
		ctl = timer_loaded_here(v) ? ctl_read(i) : ts->t[i].ctl;
		cval = timer_loaded_here(v) ? cval_read(v, i) : ts->t[i].cval;
		now = counter_now(v, i);
		if ((ctl & (CTL_ENABLE | CTL_IMASK)) != CTL_ENABLE)
			continue;
		/*
		 * Over already: the interrupt may still be on its way (QEMU raises the line late), and would never come
		 * once the vCPU is put. Take it as seen.
		 */
		if (now >= cval && vgic_ready(v->vm)) {
			level_update(v, i, true);
			if (timer_loaded_here(v))
				timer_ppi_set_active(v, timer_host_irq[i], true);
			continue;
		}
		left = now >= cval ? 0 : cval - now;
		earliest = MIN(earliest, left);
	}
	if (unlikely(v->nested))	/* the hypervisor may have written to the page since it was entered */
		timer_nested_emulate(v);
	local_irq_restore(flags);
	/* Decades away: never. */
	if (earliest >= counter_hz * 3600 * 24 * 365 * 10)
		return;
	ts->deadline = counter_read() + earliest;
	background_arm(ts);
}

void timer_unblock(struct vcpu *v)
{
	if (ktimer_pending(&v->timers->background))
		ktimer_cancel(&v->timers->background);
}

static void emulated_fire(struct ktimer *k)
{
	vcpu_request(container_of(k, struct vcpu_timers, emulated)->v, REQ_IRQ);
}

int timer_vcpu_create(struct vcpu *v)
{
	static const u32 ppis[4] = { 27, 30, 28, 26 };
	struct vm *vm = v->vm;
	struct vcpu_timers *ts = kzalloc(sizeof(*ts));
	unsigned i;

	if (!ts)
		return -ENOMEM;
	ts->v = v;
	ktimer_init(&ts->background, background_fire);
	ktimer_init(&ts->emulated, emulated_fire);
	for (i = 0; i < ARRAY_SIZE(ppis); i++)
		ts->ppi[i] = vm->nr_vcpus ? vm->vcpus[0]->timers->ppi[i] : ppis[i];
	v->timers = ts;
	/* Until somebody chooses: the guest's virtual time starts now. With a virtual EL2 both counters are one (nested_create). */
	if (!vm->counter_offset_set && !vm->ran_once && !vm->nested)
		vm->counter_offset[VIRT] = counter_read();
	return 0;
}

void timer_vcpu_reset(struct vcpu *v)
{
	int i;

	for (i = 0; i < NR_TIMERS; i++) {
		v->timers->t[i].ctl = 0;
		if (v->timers->t[i].level && vgic_ready(v->vm))
			level_update(v, i, false);
		v->timers->t[i].level = false;
		v->timers->other[i].ctl = 0;
	}
}

void timer_vcpu_destroy(struct vcpu *v)
{
	ktimer_cancel_sync(&v->timers->background);
	ktimer_cancel_sync(&v->timers->emulated);
	kfree(v->timers);
	v->timers = NULL;
}

/* Four timers and the maintenance interrupt. */
static bool nested_ppis_differ(struct vcpu *v)
{
	u32 seen = BIT(vgic_maint_intid(v->vm));
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(v->timers->ppi); i++) {
		if (seen & BIT(v->timers->ppi[i]))
			return false;
		seen |= BIT(v->timers->ppi[i]);
	}
	return true;
}

bool timer_owns_ppi(const struct vcpu *v, u32 intid)
{
	unsigned i, n = v->nested ? ARRAY_SIZE(v->timers->ppi) : NR_TIMERS;

	for (i = 0; i < n && READ_ONCE(v->config.frozen); i++)
		if (v->timers->ppi[i] == intid)
			return true;
	return false;
}

int timer_first_run(struct vcpu *v)
{
	const u32 *ppi = v->timers->ppi;
	int i, ret = 0;

	if (!vgic_in_kernel(v->vm))
		return 0;
	if (!vgic_ready(v->vm))
		return -ENODEV;
	if (ppi[VIRT] == ppi[PHYS] || pmu_owns_ppi(v, ppi[VIRT]) || pmu_owns_ppi(v, ppi[PHYS]))
		return -EINVAL;
	if (v->nested && !nested_ppis_differ(v))
		return -EINVAL;
	for (i = 0; i < NR_TIMERS && !ret; i++)
		ret = vgic_map_ppi(v, ppi[i], timer_host_irq[i], timer_ppi_level);
	return ret;
}

/* Which timer and which of its registers. */
static int reg_timer(enum reg r)
{
	return r == REG_CNTP_CTL_EL0 || r == REG_CNTP_CVAL_EL0 || r == REG_CNTPCT_EL0 ? PHYS : VIRT;
}

u64 timer_reg_read(struct vcpu *v, enum reg r)
{
	int i = reg_timer(r);
	u64 flags = local_irq_save(), val = 0;
	bool loaded = timer_loaded_here(v);
	const struct timer_ctx *t = timer_el1_ctx(v, i, loaded);

	switch (r) {
	case REG_CNTVCT_EL0:
	case REG_CNTPCT_EL0:
		val = counter_now(v, i);
		break;
	case REG_CNTV_CVAL_EL0:
	case REG_CNTP_CVAL_EL0:
		val = loaded ? cval_read(v, i) : t->cval;
		break;
	default:
		val = (loaded ? ctl_read(i) : t->ctl) & (CTL_ENABLE | CTL_IMASK);
		if (counter_now(v, i) >= (loaded ? cval_read(v, i) : t->cval))
			val |= CTL_ISTATUS;
	}
	local_irq_restore(flags);
	return val;
}

void timer_reg_write(struct vcpu *v, enum reg r, u64 val)
{
	int i = reg_timer(r);
	u64 flags = local_irq_save();
	struct timer_ctx *t = timer_el1_ctx(v, i, timer_loaded_here(v));

	switch (r) {
	case REG_CNTVCT_EL0:
	case REG_CNTPCT_EL0:
		/* One offset for all vCPUs of the VM; KVM_ARM_SET_COUNTER_OFFSET has the last word. */
		if (!v->vm->counter_offset_set)
			WRITE_ONCE(v->vm->counter_offset[i], counter_read() - val);
		break;
	case REG_CNTV_CVAL_EL0:
	case REG_CNTP_CVAL_EL0:
		t->cval = val;
		if (timer_loaded_here(v))
			cval_write(v, i, val);
		break;
	default:
		t->ctl = val & (CTL_ENABLE | CTL_IMASK);
		if (timer_loaded_here(v))
			ctl_write(i, t->ctl);
	}
	isb();
	local_irq_restore(flags);
}

/* The PPI numbers are the VM's, like the machine that they describe. */
static int ppi_set(struct vcpu *v, u64 attr, u32 ppi)
{
	struct vm *vm = v->vm;
	struct vcpu *other;
	unsigned i;
	int ret = 0;

	if (ppi < 16 || ppi >= 32)
		return -EINVAL;
	mutex_lock(&vm->lock);
	if (vm->ran_once)
		ret = -EBUSY;
	else if (attr > KVM_ARM_VCPU_TIMER_IRQ_HPTIMER)
		ret = -ENXIO;
	else
		vm_for_each_vcpu(i, other, vm)
			other->timers->ppi[attr] = ppi;
	mutex_unlock(&vm->lock);
	return ret;
}

int timer_attr(struct vcpu *v, const struct kvm_device_attr *a, int op)
{
	bool known = a->attr <= KVM_ARM_VCPU_TIMER_IRQ_HPTIMER;
	u32 ppi;

	switch (op) {
	case 'h':
		return known ? 0 : -ENXIO;
	case 'g':
		if (!known)
			return -ENXIO;
		ppi = v->timers->ppi[a->attr ^ (v->timers->swapped ? 2 : 0)];
		return put_user(ppi, a->addr);
	default:
		if (!vgic_in_kernel(v->vm))
			return -EINVAL;
		if (get_user(ppi, a->addr))
			return -EFAULT;
		return ppi_set(v, a->attr, ppi);
	}
}

int timer_set_offset(struct vm *vm, const struct kvm_arm_counter_offset *o)
{
	int ret = -EBUSY;

	if (o->reserved)
		return -EINVAL;
	mutex_lock(&vm->lock);
	if (vm_trylock_vcpus(vm)) {
		vm->counter_offset_set = true;
		vm->counter_offset[VIRT] = vm->counter_offset[PHYS] = o->counter_offset;
		vm_unlock_vcpus(vm);
		ret = 0;
	}
	mutex_unlock(&vm->lock);
	return ret;
}

static void timer_enable_here(void *arg)
{
	write_sysreg(0, CNTV_CTL_EL02);
	write_sysreg(0, CNTP_CTL_EL02);
	isb();
	irq_enable(timer_host_irq[VIRT]);
	irq_enable(timer_host_irq[PHYS]);
}

/* FEAT_ECV in ID_AA64MMFR0_EL1: 1 has the traps, 2 also CNTPOFF_EL2. */
static void probe(void)
{
	unsigned ecv = read_sysreg(id_aa64mmfr0_el1) >> 60 & 0xf;
	u64 flags = local_irq_save();

	timer_has_ecv = ecv >= 1;
	has_poff = ecv >= 2 && timer_probe_poff();
	trap_wrap = ecv >= 1 && !timer_probe_wrap();
	local_irq_restore(flags);
	if (ecv >= 2 && !has_poff)
		pr_info("kvm: CNTPOFF_EL2 has no effect: physical counters with an offset are trapped\n");
	if (trap_wrap)
		pr_info("kvm: CNTVOFF_EL2 does not wrap: counters ahead of the machine's are trapped\n");
}

int timer_init(void)
{
	int i, ret;

	timer_host_irq[VIRT] = timer_intid(TIMER_IRQ_VIRT);
	timer_host_irq[PHYS] = timer_intid(TIMER_IRQ_PHYS);
	probe();
	for (i = 0; i < NR_TIMERS; i++) {
		if (!timer_host_irq[i]) {
			pr_err("kvm: the device tree does not describe the EL1 timers' interrupts");
			return -ENODEV;
		}
		ret = irq_register(timer_host_irq[i], timer_irq, NULL, false);
		if (ret)
			return ret;
	}
	smp_call_all(timer_enable_here, NULL);
	return 0;
}
