// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traps that mean "the guest has no such thing"; and vector registers of a guest that are in another CPU, which only a
 * thread with interrupts on can call: the rest of them is served in the fast tier (run/exit.c). docs/fp.md.
 */
#include "kvm/run/run.h"

enum trap_result trap_fp(struct vcpu *v);
enum trap_result trap_sve(struct vcpu *v);
enum trap_result trap_undef(struct vcpu *v);

enum trap_result trap_undef(struct vcpu *v)
{
	inject_undef(v);
	return TRAP_RETRY;
}

enum trap_result trap_fp(struct vcpu *v)
{
	fp_use(&v->fp);
	return TRAP_RETRY;
}

enum trap_result trap_sve(struct vcpu *v)
{
	return v->fp.wide ? trap_fp(v) : trap_undef(v);
}
