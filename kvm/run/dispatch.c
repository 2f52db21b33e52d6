// SPDX-License-Identifier: GPL-2.0-only
/*
 * From exception class to handler, by the rows of tables/exit.tbl. A handler says what is to happen; only this file
 * moves PC. Runs in thread context, interrupts on, the vCPU still loaded.
 */
#include "exit_classes.h"
#include <linux/errno.h>

#include "kernel/debug/print.h"
#include "kvm/nested/nested.h"
#include "kvm/run/run.h"
#include "exit_table.h"
#include "kvm/vcpu_state.h"

static enum trap_result dispatch_trap(struct vcpu *v)
{
	unsigned ec = v->exit.esr >> 26 & 0x3f;
	const struct exit_row *row = &exit_rows[ec];
	enum trap_result res;

	if (unlikely(v->nested) && nested_dispatch(v, &res))
		return res;
	if (!row->handler) {
		pr_warn_once("kvm: guest trap of unknown class %#x (esr %#lx): UNDEF", ec, v->exit.esr);
		inject_undef(v);
		return TRAP_RETRY;
	}
	if (row->pre_skip)
		vcpu_skip(v);
	return row->handler(v);
}

static enum trap_result dispatch_illegal(struct vcpu *v)
{
	v->run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	v->run->fail_entry.hardware_entry_failure_reason = KVM_EXIT_FAIL_ENTRY_CPU_UNSUPPORTED;
	v->run->fail_entry.cpu = 0;
	v->state->error = -EINVAL;
	return TRAP_FAIL;
}

enum trap_result vcpu_dispatch(struct vcpu *v)
{
	enum trap_result res;

	switch (v->exit.kind) {
	case EXIT_IRQ:
		v->state->stat.irq_exits++;
		return TRAP_RETRY;
	case EXIT_SERROR:
		/* Some device or memory of the machine said no to an access of the guest: it is the guest's to handle. */
		inject_vserror(v, false, 0);
		return TRAP_RETRY;
	case EXIT_ILLEGAL:
		return dispatch_illegal(v);
	case EXIT_TRAP:
		break;
	}
	res = dispatch_trap(v);
	if (res == TRAP_SKIP || res == TRAP_USER_SKIP) {
		ASSERT(v->input.step == STEP_NONE);	/* an exception and an increment never meet */
		v->input.step = STEP_SKIP;
	}
	return res;
}
