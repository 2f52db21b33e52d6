// SPDX-License-Identifier: GPL-2.0-only
/*
 * The door from EL0: system calls by table, faults to linux/mm or to signals, ID register reads. Locks: none of its
 * own. Arm ARM D24.2.40 (ESR_ELx).
 */
#include "linux/process/internal.h"

#define ESR_EC(esr)	((esr) >> 26 & 0x3f)
#define ESR_CM		BIT(8)
#define ESR_WNR		BIT(6)
#define ESR_FNV		BIT(10)
#define ESR_FSC(esr)	((esr) & 0x3f)
#define TCR_TBI0	BIT(37)		/* E2H layout */

enum {
	EC_UNKNOWN = 0x00, EC_WFX = 0x01, EC_SVE = 0x19, EC_SYSREG = 0x18, EC_SVC64 = 0x15, EC_IABT = 0x20,
	EC_PC_ALIGN = 0x22, EC_DABT = 0x24, EC_SP_ALIGN = 0x26, EC_FPEXC = 0x2c, EC_BREAKPT = 0x30,
	EC_SOFTSTEP = 0x32, EC_WATCHPT = 0x34, EC_BRK = 0x3c,
};

static u64 unknown_seen[512 / 64];

static s64 syscall_unknown(u32 nr)
{
	const char *name = nr < syscall_count ? syscall_table[nr].name : NULL;
	u64 old;

	if (nr < 512) {
		old = __atomic_fetch_or(&unknown_seen[nr / 64], BIT(nr % 64), __ATOMIC_RELAXED);
		if (!(old & BIT(nr % 64)))
			pr_info("%s: system call %u (%s) is not there: ENOSYS\n", current_task()->comm, nr,
				name ? name : "no such number");
	}
	return -ENOSYS;
}

static bool is_restart(s64 r)
{
	return r == -ERESTARTSYS || r == -ERESTARTNOHAND || r == -ERESTART_RESTARTBLOCK;
}

static void do_syscall(struct pt_regs *regs)
{
	u32 nr = (u32)regs->x[8];
	syscall_fn fn = nr < syscall_count ? syscall_table[nr].fn : NULL;
	s64 ret;

	regs->orig_x0 = regs->x[0];
	regs->syscall = nr;
	if (unlikely(current_thread->fp.wide))
		fp_user_syscall();	/* Documentation/arch/arm64/sve.rst 3 */
	if (likely(fn))
		ret = fn(regs->x[0], regs->x[1], regs->x[2], regs->x[3], regs->x[4], regs->x[5]);
	else
		ret = syscall_unknown(nr);
	regs->x[0] = (u64)ret;
	if (regs->syscall == NO_SYSCALL)	/* rt_sigreturn, execve */
		return;
	/* Whoever asks for a restart must pass through signal_deliver(), whatever became of the signal meanwhile. */
	if (unlikely(is_restart(ret)))
		__atomic_fetch_or(&current_thread->flags, TF_NOTIFY, __ATOMIC_RELAXED);
	else
		regs->syscall = NO_SYSCALL;
}

static u64 untag(u64 addr)
{
	if ((read_sysreg(tcr_el2) & TCR_TBI0) && !(addr & BIT(55)))
		return addr & GENMASK(55, 0);
	return addr;
}

/* -ENOMEM: there is no memory to let the process go on. */
static void oom_kill(void)
{
	struct task *t = current_task();

	pr_warn("out of memory: killing %s[%d]\n", t->comm, t->proc->pid);
	process_send_signal(t->proc, SIGKILL, NULL);
}

static void fault_signal(int err, u64 addr)
{
	switch (err) {
	case -EACCES:
		force_signal(SIGSEGV, SEGV_ACCERR, addr);
		break;
	case -EIO:
		force_signal(SIGBUS, BUS_ADRERR, addr);
		break;
	case -ENOMEM:
		oom_kill();
		break;
	default:
		force_signal(SIGSEGV, SEGV_MAPERR, addr);
	}
}

static void do_abort(u64 esr, u64 far, bool exec)
{
	unsigned access = FAULT_USER | (exec ? FAULT_EXEC : 0);
	unsigned fsc = ESR_FSC(esr);
	u64 addr = untag(far);
	int err;

	if (!exec && (esr & ESR_WNR) && !(esr & ESR_CM))
		access |= FAULT_WRITE;
	if (fsc == 0x21) {
		force_signal(SIGBUS, BUS_ADRALN, far);
		return;
	}
	/* Translation, access flag and permission faults of level 0 to 3; level -1 has no user addresses. */
	if (fsc < 0x04 || fsc > 0x0f) {
		force_signal(SIGBUS, BUS_OBJERR, far);
		return;
	}
	if (addr >= USER_END) {
		force_signal(SIGSEGV, SEGV_MAPERR, far);
		return;
	}
	err = mm_fault(current_task()->proc->mm, addr, access);
	if (err && err != -EINTR && err != -EAGAIN)
		fault_signal(err, addr);
}

static void do_sve(struct pt_regs *regs)
{
	int err = fp_user_sve_trap();

	if (err == -ENOMEM)
		oom_kill();
	else if (err)
		force_signal(SIGILL, ILL_ILLOPC, regs->pc);
}

/* Undefined, unless it is an ID register read on a CPU without FEAT_IDST, which reports those so. */
static void do_undef(struct pt_regs *regs, u64 esr)
{
	if (!idreg_emulate(regs, esr))
		force_signal(SIGILL, ILL_ILLOPC, regs->pc);
}

static void hook_sync_one(struct pt_regs *regs, u64 esr, u64 far)
{
	switch (ESR_EC(esr)) {
	case EC_IABT:
		do_abort(esr, far, true);
		break;
	case EC_DABT:
		do_abort(esr, far, false);
		break;
	case EC_UNKNOWN:
	case EC_SYSREG:
		do_undef(regs, esr);
		break;
	case EC_SVE:
		do_sve(regs);
		break;
	case EC_WFX:
		regs->pc += 4;
		thread_yield();
		break;
	case EC_PC_ALIGN:
		force_signal(SIGBUS, BUS_ADRALN, far);
		break;
	case EC_SP_ALIGN:
		force_signal(SIGBUS, BUS_ADRALN, regs->sp);
		break;
	case EC_FPEXC:
		force_signal(SIGFPE, FPE_FLTINV, regs->pc);
		break;
	case EC_BREAKPT:
	case EC_WATCHPT:
		force_signal(SIGTRAP, TRAP_HWBKPT, far);
		break;
	case EC_SOFTSTEP:
		force_signal(SIGTRAP, TRAP_TRACE, regs->pc);
		break;
	case EC_BRK:
		force_signal(SIGTRAP, TRAP_BRKPT, regs->pc);
		break;
	default:
		force_signal(SIGILL, ILL_ILLOPC, regs->pc);
	}
}

/* The switch hook of rseq.c raises TF_NOTIFY itself only while in_kernel is clear: see there. */
static void leave_kernel(struct task *t)
{
	WRITE_ONCE(t->in_kernel, false);
	barrier();
	if (unlikely(READ_ONCE(t->rseq_event)))
		__atomic_fetch_or(&current_thread->flags, TF_NOTIFY, __ATOMIC_RELAXED);
}

/* Preempted between EL0 and the store below: the hook raised TF_NOTIFY for its note, which would look like a signal. */
static void enter_kernel(struct task *t)
{
	WRITE_ONCE(t->in_kernel, true);
	barrier();
	if (unlikely((READ_ONCE(current_thread->flags) & TF_NOTIFY) && READ_ONCE(t->rseq_event)))
		signal_recalc();
}

static void hook_sync(struct pt_regs *regs, u64 esr, u64 far)
{
	struct task *t = current_task();

	enter_kernel(t);
	if (likely(ESR_EC(esr) == EC_SVC64)) {
		/* Switched out on the way in here: a note for rseq, no reason to end a sleep or KVM_RUN. */
		if (unlikely(READ_ONCE(current_thread->flags) & TF_NOTIFY) && t->rseq_event)
			signal_recalc();
		do_syscall(regs);
	} else {
		regs->syscall = NO_SYSCALL;
		hook_sync_one(regs, esr, far);
	}
	leave_kernel(t);
}

static void hook_notify(struct pt_regs *regs)
{
	struct task *t = current_task();

	WRITE_ONCE(t->in_kernel, true);
	signal_deliver(regs);
	leave_kernel(t);
}

static int hook_uaccess_fault(u64 addr, unsigned access)
{
	struct task *t = current_task();
	int err;

	/* Under a spinlock (futex.c): the caller touches the page outside of it and tries again. */
	if (current_thread->preempt_count)
		return -EFAULT;
	addr = untag(addr);
	if (!t || !t->proc->mm || addr >= USER_END)
		return -EFAULT;
	do {
		err = mm_fault(t->proc->mm, addr, access);
	} while (err == -EAGAIN);
	if (err == -ENOMEM)
		oom_kill();
	return err ? -EFAULT : 0;
}

static const struct user_hooks linux_hooks = {
	.sync = hook_sync,
	.notify = hook_notify,
	.uaccess_fault = hook_uaccess_fault,
};

void linux_init(void)
{
	idreg_init();
	futex_init();
	if (sigtramp_init())
		panic("no memory for the signal return page");
	user_hooks = &linux_hooks;
}
