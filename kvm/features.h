// SPDX-License-Identifier: GPL-2.0-only
/* What this machine's CPUs have that matters to kvm/, read once at start. Owner: kvm/features.c. Constant afterwards. */
#pragma once

#include <nestbox/types.h>

#include "kvm/smccc/fw_logic.h"

struct vm;

#define IMPLS_MAX	16
/* Newer than the UAPI headers we build with. */
#ifndef KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ
#define KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ	9	/* INTID of a guest hypervisor's maintenance interrupt */
#endif
#ifndef KVM_CAP_ARM_EL2
#define KVM_CAP_ARM_EL2		240
#define KVM_CAP_ARM_EL2_E2H0	241
#endif
#ifndef KVM_ARM_VCPU_HAS_EL2_E2H0
#define KVM_ARM_VCPU_HAS_EL2_E2H0 8	/* bit of KVM_ARM_VCPU_INIT */
#endif

struct host_features {
	u64 id[64];		/* ID registers, the least of all CPUs for known fields */
	const char *hide;	/* kernel option `hide=`: fields that no guest shall see (idregs_hide); NULL */
	u64 ctr;
	struct spec_cpu spec;	/* speculation: what is true of all CPUs */
	struct { u64 midr, revidr, aidr; } impls[IMPLS_MAX];	/* kinds of CPU in this machine */
	unsigned nr_impls;
	unsigned ipa_bits;	/* largest IPA size of a VM */
	unsigned vmid_bits;	/* 8 or 16 */
	u64 parange;		/* ID_AA64MMFR0_EL1.PARange, for VTCR_EL2.PS */
	bool el1_32bit;		/* AArch32 at EL1 */
	unsigned brps, wrps;	/* breakpoints, watchpoints */
	bool fwb;		/* stage 2 forces write-back (HCR_EL2.FWB) */
	bool dic, idc;		/* no I-cache invalidation, no D-cache clean to PoU needed */
	unsigned pmu;		/* ID_AA64DFR0_EL1.PMUVer: 0 is none, also when implementation defined */
	bool fgt, hcx, evt, mte, ras, ptrauth, twed, nested;
	bool nv1;		/* HCR_EL2.NV1 works */
	bool nvhe;		/* a virtual EL2 without E2H */
};
extern struct host_features host;

/* Capabilities newer than the headers we build with (Linux 6.15): the numbers are Linux's. */
#ifdef KVM_CAP_ARM_WRITABLE_IMP_ID_REGS
#define CAP_ARM_WRITABLE_IMP_ID_REGS	KVM_CAP_ARM_WRITABLE_IMP_ID_REGS
#else
#define CAP_ARM_WRITABLE_IMP_ID_REGS	239
#endif

int features_init(void);	/* -ENODEV with a line that says what is missing; all CPUs online */
/* KVM_CHECK_EXTENSION. vm NULL: asked on /dev/kvm. */
int kvm_check_extension(struct vm *vm, u64 cap);
