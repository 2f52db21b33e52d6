// SPDX-License-Identifier: GPL-2.0-only
/*
 * SDEI in KVM_RUN: a handler's start right before entry, its end, and the hypercalls. In the vCPU's own thread, the vCPU
 * loaded. Order at entry: reset, MMIO completion, the input set's step, then this, then interrupts. A handler's start is no
 * exception: ELR, SPSR, ESR and FAR stay as they are. Arm DEN0054, 5 (calls), 6 (entry and exit).
 */
#include "kernel/cpu/sysreg.h"
#include "kvm/features.h"
#include "kvm/nested/nested.h"
#include "kvm/run/run.h"
#include "kvm/sdei/sdei.h"
#include "kvm/smccc/smccc.h"
#include "kvm/vcpu_state.h"
#include "kvm/vgic/vgic.h"
#include "smccc_ids.h"

#define SPSR_SS		BIT(21)

/* ---- start ---- */

/* Back from SYSTEM_SUSPEND, not refused: somebody gave it another place to go on. */
static void suspend_end(struct vcpu *v)
{
	struct sdei_pe *pe = &v->sdei->pe;

	if (likely(!pe->suspended))
		return;
	pe->suspended = false;
	if (v->regs.pc != pe->suspend_pc)
		(void)sdei_pe_mask(pe);
}

/* x0 to x17: two registers an instruction. */
static inline void gprs_copy(u64 *to, const u64 *from)
{
	u64 a, b, c, d, e, f;

	asm volatile("ldp %0, %1, [%7]\n\tldp %2, %3, [%7, #16]\n\tldp %4, %5, [%7, #32]\n\t"
		     "stp %0, %1, [%6]\n\tstp %2, %3, [%6, #16]\n\tstp %4, %5, [%6, #32]\n\t"
		     "ldp %0, %1, [%7, #48]\n\tldp %2, %3, [%7, #64]\n\tldp %4, %5, [%7, #80]\n\t"
		     "stp %0, %1, [%6, #48]\n\tstp %2, %3, [%6, #64]\n\tstp %4, %5, [%6, #80]\n\t"
		     "ldp %0, %1, [%7, #96]\n\tldp %2, %3, [%7, #112]\n\tldp %4, %5, [%7, #128]\n\t"
		     "stp %0, %1, [%6, #96]\n\tstp %2, %3, [%6, #112]\n\tstp %4, %5, [%6, #128]"
		     : "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(d), "=&r"(e), "=&r"(f) : "r"(to), "r"(from) : "memory");
}

static void context_save(const struct vcpu *v, struct sdei_context *c)
{
	c->pc = v->regs.pc;
	c->pstate = unlikely(v->nested) ? nested_pstate_arch(v) : v->regs.pstate;
	if (v->input.single_step)	/* the debugger's, not the guest's */
		c->pstate &= ~SPSR_SS;
	gprs_copy(c->x, v->regs.x);
}

static void context_load(struct vcpu *v, const struct sdei_context *c)
{
	gprs_copy(v->regs.x, c->x);
	v->regs.pc = c->pc;
	v->regs.pstate = c->pstate;
}

void sdei_dispatch(struct vcpu *v)
{
	struct sdei *s = v->vm->sdei;
	struct sdei_context *c;
	struct sdei_handler *h;
	u64 flags;
	int level;

	if (!s)
		return;
	vcpu_commit_input(v);	/* what is saved below has no half step */
	flags = spin_lock_irqsave(&s->lock);
	suspend_end(v);
	level = sdei_take(&v->sdei->pe);
	if (level >= 0) {
		c = &v->sdei->pe.ctx[level];
		h = sdei_handler(&v->sdei->pe, c->event);
		context_save(v, c);
		v->regs.x[0] = s->m.event[c->event].num;
		v->regs.x[1] = h->arg;
		v->regs.x[2] = c->pc;
		v->regs.x[3] = c->pstate;
		v->regs.pc = h->relative ? reg_read(v, v->nested ? REG_VBAR_EL2 : REG_VBAR_EL1) + h->entry : h->entry;
		if (likely(!v->nested))
			v->regs.pstate = exception_pstate(v, c->pstate);
	}
	spin_unlock_irqrestore(&s->lock, flags);
	if (unlikely(v->nested) && level >= 0)
		nested_handler_start(v, v->regs.pc);
}

/* ---- end ---- */

/* false: nothing was finished, *err says why. *intid: an SPI whose source may want to know. */
static bool finish(struct vcpu *v, bool resume, s64 *err, u32 *intid)
{
	struct sdei *s = v->vm->sdei;
	struct sdei_pe *pe = &v->sdei->pe;
	u64 flags = spin_lock_irqsave(&s->lock), pc = v->regs.x[1];
	s64 level = sdei_complete_check(pe, resume, pc);
	const struct sdei_context *c = NULL;

	if (level >= 0) {
		c = &pe->ctx[level];	/* stays as it is until the next handler of this level starts */
		context_load(v, c);
		*intid = s->m.event[c->event].intid;
		sdei_finish(pe, level);
	}
	spin_unlock_irqrestore(&s->lock, flags);
	*err = level;
	if (level < 0)
		return false;
	if (resume) {	/* as if the interrupted code had taken an exception to pc */
		reg_write(v, REG_ELR_EL1, c->pc);
		reg_write(v, REG_SPSR_EL1, c->pstate);
		v->regs.pc = pc;
		v->regs.pstate = exception_pstate(v, c->pstate);
	}
	return true;
}

/*
 * The common end, with nothing else to do: a handler that is still registered, of a private event that is no interrupt's,
 * and nothing pending or bound that could start instead. So nobody is kicked, and the guest need not be left. What comes
 * after the lock is let go of sends an IPI.
 */
bool sdei_complete_fast(struct vcpu *v)
{
	struct sdei_vcpu *sv = v->sdei;
	struct sdei_context *c;
	struct sdei_vm *m;
	struct sdei_pe *pe;
	int level;
	u64 flags;

	if (!sv || v->config.el1_32bit || v->nested || v->input.single_step || v->vm->smccc_filter)
		return false;
	pe = &sv->pe;
	m = pe->vm;
	flags = spin_lock_irqsave(&sdei_of(m)->lock);
	level = sdei_complete_check(pe, false, 0);
	c = &pe->ctx[MAX(level, 0)];
	if (level < 0 || (pe->npending | pe->nbound | m->npending | m->nbound) || sdei_is_shared(m, c->event) ||
	    m->event[c->event].intid || !pe->private[c->event].registered) {
		spin_unlock_irqrestore(&sdei_of(m)->lock, flags);
		return false;
	}
	gprs_copy(v->regs.x, c->x);
	write_sysreg(c->pc, elr_el2);
	write_sysreg(c->pstate, spsr_el2);
	sdei_finish(pe, level);
	spin_unlock_irqrestore(&sdei_of(m)->lock, flags);
	return true;
}

/* Waking another vCPU's thread takes RCU; our own finds its request before its next instruction (exit_fast). */
bool sdei_signal_fast(struct vcpu *v)
{
	struct sdei_vcpu *sv = v->sdei;
	struct sdei *s;
	u64 flags;
	s64 ret;

	if (!sv || v->config.el1_32bit || v->nested || v->vm->smccc_filter)
		return false;
	s = sdei_of(sv->pe.vm);
	rcu_user_exit();
	flags = spin_lock_irqsave(&s->lock);
	ret = sdei_event_signal(&sv->pe, v->regs.x[1], v->regs.x[2]);
	spin_unlock_irqrestore(&s->lock, flags);
	rcu_user_enter();
	smccc_return(v, ret, 0, 0, 0);
	return true;
}

/* An AArch32 kernel has no SDEI; where there is a virtual EL2, that is the client. */
static bool offered(struct vcpu *v)
{
	return v->sdei && !v->config.el1_32bit && (likely(!v->nested) || nested_target(v) == 2);
}

/* At virtual EL2: back to what was interrupted may take memory, and comes first. */
static enum trap_result complete_nested(struct vcpu *v, bool resume)
{
	struct sdei *s = v->vm->sdei;
	struct sdei_pe *pe = &v->sdei->pe;
	u64 flags = spin_lock_irqsave(&s->lock), to = v->regs.x[1];
	s64 level = sdei_complete_check(pe, resume, to);
	const struct sdei_context *c;
	enum trap_result res;
	u32 intid = 0;

	spin_unlock_irqrestore(&s->lock, flags);
	if (level < 0) {
		smccc_return(v, level, 0, 0, 0);
		return TRAP_RETRY;
	}
	c = &pe->ctx[level];	/* only this thread fills it */
	if (resume) {
		nested_handler_resume(v, c->pstate, c->pc, to);
	} else {
		res = nested_return(v, c->pstate, c->pc);
		if (res != TRAP_RETRY) {
			v->regs.pc -= 4;	/* once more, when KVM_RUN is */
			return res;
		}
	}
	gprs_copy(v->regs.x, c->x);
	flags = spin_lock_irqsave(&s->lock);
	if (c->event >= 0) {	/* else another PE has reset the system meanwhile */
		intid = s->m.event[c->event].intid;
		sdei_finish(pe, level);
	}
	spin_unlock_irqrestore(&s->lock, flags);
	if (intid >= 32)
		vgic_claimed_acked(v->vm, intid);
	return TRAP_RETRY;
}

/* Both forms. On success x0 to x17 are the interrupted ones: no result is written. */
enum trap_result smccc_sdei_complete(struct vcpu *v, u32 fn)
{
	u32 intid = 0;
	s64 err;

	if (likely(offered(v)) && unlikely(v->nested))
		return complete_nested(v, fn == SMCCC_FN_SDEI_EVENT_COMPLETE_AND_RESUME);
	if (!offered(v))
		smccc_return(v, SDEI_NOT_SUPPORTED, 0, 0, 0);
	else if (!finish(v, fn == SMCCC_FN_SDEI_EVENT_COMPLETE_AND_RESUME, &err, &intid))
		smccc_return(v, err, 0, 0, 0);
	else if (intid >= 32)
		vgic_claimed_acked(v->vm, intid);
	return TRAP_RETRY;
}

/* ---- the other calls ---- */

static s64 context_call(struct sdei_pe *pe, u64 reg)
{
	u64 val = 0;
	s64 ret = sdei_event_context(pe, reg, &val);

	return ret ? ret : (s64)val;
}

static s64 bind_call(struct vcpu *v, u32 intid)
{
	return vgic_ready(v->vm) ? sdei_interrupt_bind(&v->sdei->pe, intid) : SDEI_INVALID;
}

/* The lock is held. */
static s64 call(struct vcpu *v, u32 fn)
{
	struct sdei_pe *pe = &v->sdei->pe;
	const u64 *x = v->regs.x;

	switch (fn) {
	case SMCCC_FN_SDEI_VERSION:
		return sdei_version(pe->vm);
	case SMCCC_FN_SDEI_EVENT_REGISTER:
		return sdei_event_register(pe, x[1], x[2], x[3], x[4], x[5]);
	case SMCCC_FN_SDEI_EVENT_ENABLE:
		return sdei_event_enable(pe, x[1]);
	case SMCCC_FN_SDEI_EVENT_DISABLE:
		return sdei_event_disable(pe, x[1]);
	case SMCCC_FN_SDEI_EVENT_CONTEXT:
		return context_call(pe, x[1]);
	case SMCCC_FN_SDEI_EVENT_UNREGISTER:
		return sdei_event_unregister(pe, x[1]);
	case SMCCC_FN_SDEI_EVENT_STATUS:
		return sdei_event_status(pe, x[1]);
	case SMCCC_FN_SDEI_EVENT_GET_INFO:
		return sdei_event_get_info(pe, x[1], x[2]);
	case SMCCC_FN_SDEI_EVENT_ROUTING_SET:
		return sdei_routing_set(pe, x[1], x[2], x[3]);
	case SMCCC_FN_SDEI_PE_MASK:
		return sdei_pe_mask(pe);
	case SMCCC_FN_SDEI_PE_UNMASK:
		return sdei_pe_unmask(pe);
	case SMCCC_FN_SDEI_INTERRUPT_BIND:
		return bind_call(v, x[1]);
	case SMCCC_FN_SDEI_INTERRUPT_RELEASE:
		return sdei_interrupt_release(pe, x[1]);
	case SMCCC_FN_SDEI_EVENT_SIGNAL:
		return sdei_event_signal(pe, x[1], x[2]);
	case SMCCC_FN_SDEI_FEATURES:
		return sdei_features(pe->vm, x[1]);
	case SMCCC_FN_SDEI_PRIVATE_RESET:
		return sdei_private_reset(pe);
	case SMCCC_FN_SDEI_SHARED_RESET:
		return sdei_shared_reset_call(pe);
	default:
		return SDEI_NOT_SUPPORTED;
	}
}

static s64 call_locked(struct vcpu *v, u32 fn)
{
	struct sdei *s = v->vm->sdei;
	u64 flags = spin_lock_irqsave(&s->lock);
	s64 ret = call(v, fn);

	spin_unlock_irqrestore(&s->lock, flags);
	return ret;
}

enum trap_result smccc_sdei(struct vcpu *v, u32 fn)
{
	s64 ret = offered(v) ? call_locked(v, fn) : SDEI_NOT_SUPPORTED;

	if (unlikely(ret == SDEI_AGAIN)) {
		/* An SPI that waits in another vCPU's list register: out of all of them, and once more. */
		vgic_stop(v);
		ret = call_locked(v, fn);
		vgic_resume(v->vm);
		if (ret == SDEI_AGAIN)
			ret = SDEI_DENIED;
	}
	smccc_return(v, ret, 0, 0, 0);
	return TRAP_RETRY;
}
