// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traps that mean "the guest has no such thing". FP and SIMD are served in the fast tier (run/exit.c), so reaching
 * trap_fp means that the guest uses what it was not given.
 */
#include "kvm/run/run.h"

enum trap_result trap_fp(struct vcpu *v);
enum trap_result trap_undef(struct vcpu *v);

enum trap_result trap_undef(struct vcpu *v)
{
	inject_undef(v);
	return TRAP_RETRY;
}

enum trap_result trap_fp(struct vcpu *v)
{
	return trap_undef(v);
}
