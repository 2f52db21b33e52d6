// SPDX-License-Identifier: GPL-2.0-only
/*
 * ID registers as guests see them: the CPUs' values limited to the fields of tables/idreg.tbl. Pure logic, compiles
 * natively (tests/host/test_idreg.c). Arm ARM D19.1.3 (fields of ID registers: signed, unsigned).
 */
#pragma once

#include <nestbox/types.h>

enum id_kind { IDF_MIN, IDF_SIGNED, IDF_FIXED, IDF_SAME, IDF_HIGHER };

/* Conditions of fields, and bits of the vcpu_features words below. */
#define VMF_PTRAUTH	BIT(0)
#define VMF_EL1_32BIT	BIT(1)
#define VMF_SVE		BIT(2)
#define VMF_PMU		BIT(3)
#define VMF_MTE		BIT(4)		/* the VM's (KVM_CAP_ARM_MTE) */
#define VMF_EL2		BIT(16)		/* KVM_ARM_VCPU_HAS_EL2 */
#define VMF_NOEL2	BIT(17)		/* the opposite */
#define VMF_VHE		BIT(18)		/* with VMF_EL2: its E2H is 1, else (KVM_ARM_VCPU_HAS_EL2_E2H0) it is 0 */

struct id_field {
	u8 index, lsb;		/* register: (CRm - 1) * 8 + op2 */
	enum id_kind kind;
	u8 max;
	u32 cond;		/* VMF_*: absent without it; 0: none */
	const char *name;
};

extern const struct id_field id_fields[];	/* by index, then lsb */
extern const unsigned id_fields_n;
extern const char *const id_names[64];		/* NULL: unallocated, reads as zero */

/* Fold one more CPU's registers into the least that all have; first: copy. */
void idregs_merge(u64 *all, const u64 *cpu, bool first);
/* What a VM with these features is offered on CPUs that have `host`. */
void idregs_limit(u64 *out, const u64 *host, u32 vm_features);
/*
 * Of AArch32, on CPUs that have none: such a register is UNKNOWN there, guests read 0, and what a VMM writes is ignored, so that
 * state from another kind of host is accepted.
 */
bool idreg_is_void(unsigned index, const u64 *host);
/* For a VM with more than 48 bits of IPA: what a guest needs to reach them. */
void idregs_large(u64 *out, const u64 *host);
/*
 * Fields that read as 0 although the CPUs have more: `list` is REGISTER.FIELD, with commas between several, ended by a space
 * or NUL. false: one of them is no field whose absence is 0; the others are hidden.
 */
bool idregs_hide(u64 *out, const char *list);
/* May a VMM replace the offered value by val? Only known fields, none above what is offered. */
bool idreg_may_set(unsigned index, u64 offered, u64 val);
