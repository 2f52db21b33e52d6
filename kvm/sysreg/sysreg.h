// SPDX-License-Identifier: GPL-2.0-only
/*
 * System registers by the rows of tables/sysreg.tbl, between the generated code (sysreg_gen.c) and the files of
 * kvm/sysreg/. access.c: where a register is now; trap.c: MRS and MSR; user.c: ONE_REG; reset.c; traps.c: control bits;
 * debug.c: breakpoints and single step. No locks: all under the vCPU's mutex, VM-wide ID registers under vm->lock.
 */
#pragma once

#include "kvm/sysreg/idreg.h"
#include "kvm/vcpu.h"

/* op0,op1,CRn,CRm,op2 packed as in KVM_REG_ARM64_SYSREG. */
#define SYSREG_KEY(op0, op1, crn, crm, op2)	((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

enum { LOC_NONE, LOC_MEM, LOC_HW, LOC_EL12, LOC_EMUL };
#define LOC_VNCR(off)	(0x8000 | (off))
enum sysreg_view { VIEW_EL1, VIEW_EL2_E2H, VIEW_EL2_NE2H, SYSREG_VIEWS };

/* One trapped access. */
struct sysreg_access {
	u16 key;
	bool write;
	u8 rt;
	enum reg reg;		/* NR_REGS: nothing kept */
	const char *name;
};

typedef enum trap_result (*sysreg_trap_fn)(struct vcpu *v, const struct sysreg_access *a);

struct sysreg_row {
	u16 key;
	u16 reg;
	u16 loc[SYSREG_VIEWS];
	u64 feat;		/* FEAT_*: all must be in vm->feats */
	sysreg_trap_fn trap;	/* NULL: UNDEF if it traps */
	const char *name;
};
extern const struct sysreg_row sysreg_rows[];
extern const unsigned sysreg_rows_n;
const struct sysreg_row *sysreg_row_find(u16 key);	/* NULL: no such row */
/* The rest of sysreg_trap for an access outside the ID space, whose row is known. As its handler needs it: loaded or not. */
enum trap_result sysreg_trap_row(struct vcpu *v, u64 esr, const struct sysreg_row *row);
/* Plain access to where the register is; for rows that hardware traps only sometimes. */
enum trap_result sysreg_rw(struct vcpu *v, const struct sysreg_access *a);

/* What a write of val leaves of it: bits that cannot be written, and those that are always 1 (tables/sysreg.tbl). */
u64 sysreg_bits(enum reg r, u64 feats, u64 val);

/* A register that ONE_REG reaches. get and set return 0 or -errno. */
struct sysreg_user {
	u16 key;
	u16 reg;
	u64 feat;
	int (*get)(struct vcpu *v, const struct sysreg_user *u, u64 *val);
	int (*set)(struct vcpu *v, const struct sysreg_user *u, u64 val);
};
extern const struct sysreg_user sysreg_users[];
extern const unsigned sysreg_users_n;

/* sysreg_gen.c */
void sysregs_hw_load(struct vcpu *v);
void sysregs_hw_put(struct vcpu *v);
bool sysreg_hw_read(enum reg r, u64 feats, u64 *val);	/* false: not kept in hardware, or absent */
bool sysreg_hw_write(enum reg r, u64 feats, u64 val);
void sysregs_reset_rows(struct vcpu *v);
u64 sysreg_feats(const u64 *id, u32 vm_features);
void idregs_read_cpu(u64 *id);

int user_get(struct vcpu *v, const struct sysreg_user *u, u64 *val);
int user_set_rw(struct vcpu *v, const struct sysreg_user *u, u64 val);
int user_timer_get(struct vcpu *v, const struct sysreg_user *u, u64 *val);
int user_timer_set(struct vcpu *v, const struct sysreg_user *u, u64 val);
int user_impl_get(struct vcpu *v, const struct sysreg_user *u, u64 *val);	/* impl.c */
int user_impl_set(struct vcpu *v, const struct sysreg_user *u, u64 val);
int user_clidr_get(struct vcpu *v, const struct sysreg_user *u, u64 *val);
int user_clidr_set(struct vcpu *v, const struct sysreg_user *u, u64 val);
int user_fpmr_get(struct vcpu *v, const struct sysreg_user *u, u64 *val);
int user_fpmr_set(struct vcpu *v, const struct sysreg_user *u, u64 val);
int user_oslsr_get(struct vcpu *v, const struct sysreg_user *u, u64 *val);
int user_oslsr_set(struct vcpu *v, const struct sysreg_user *u, u64 val);
int user_hyp_timer_get(struct vcpu *v, const struct sysreg_user *u, u64 *val);
int user_hyp_timer_set(struct vcpu *v, const struct sysreg_user *u, u64 val);

/* kvm/pmu/regs.c */
int user_pmcr_get(struct vcpu *v, const struct sysreg_user *u, u64 *val);
int user_pmcr_set(struct vcpu *v, const struct sysreg_user *u, u64 val);
int user_pmset_get(struct vcpu *v, const struct sysreg_user *u, u64 *val);
int user_pmset_set(struct vcpu *v, const struct sysreg_user *u, u64 val);
int user_pmcount_get(struct vcpu *v, const struct sysreg_user *u, u64 *val);
int user_pmcount_set(struct vcpu *v, const struct sysreg_user *u, u64 val);
int user_pmtype_get(struct vcpu *v, const struct sysreg_user *u, u64 *val);
int user_pmtype_set(struct vcpu *v, const struct sysreg_user *u, u64 val);
int user_pmswinc_get(struct vcpu *v, const struct sysreg_user *u, u64 *val);
int user_pmswinc_set(struct vcpu *v, const struct sysreg_user *u, u64 val);
int user_pmselr_get(struct vcpu *v, const struct sysreg_user *u, u64 *val);
int user_pmselr_set(struct vcpu *v, const struct sysreg_user *u, u64 val);
int user_pmuserenr_get(struct vcpu *v, const struct sysreg_user *u, u64 *val);
int user_pmuserenr_set(struct vcpu *v, const struct sysreg_user *u, u64 val);

/* reset.c */
u64 reset_pmcr(struct vcpu *v);
u64 reset_mdcr(struct vcpu *v);
u64 reset_midr(struct vcpu *v);
u64 reset_mpidr(struct vcpu *v);
u64 reset_revidr(struct vcpu *v);
u64 reset_clidr(struct vcpu *v);
u64 clidr_least(void);		/* levels that this machine's maintenance needs */
#define CLIDR_WRITABLE	GENMASK(46, 0)	/* by a VMM; the rest is RES0 */
u64 reset_aidr(struct vcpu *v);
u64 reset_ctr(struct vcpu *v);
u64 reset_actlr(struct vcpu *v);
u32 ccsidr_get(struct vcpu *v, u32 csselr);
int ccsidr_set(struct vcpu *v, u32 csselr, u32 val);	/* -EINVAL; -ENOMEM */

/* hide.c: bits of HFGITR_EL2 for what a guest's ID registers hide of a CPU's. */
u64 hidden_instructions(const u64 *guest, const u64 *cpu);

/* impl.c: what a VM says of its implementation. */
void impl_init(struct vm *vm);			/* as the CPU is; with the first KVM_ARM_VCPU_INIT, under vm->lock */
int impl_make_writable(struct vm *vm);		/* KVM_ENABLE_CAP; -EINVAL: there are vCPUs */
s64 idreg_writable_masks(struct vm *vm, const struct reg_mask_range *r);	/* -EINVAL, -EFAULT */

/* user.c: ONE_REG of everything in sysreg.tbl and idreg.tbl, and of KVM_REG_ARM_DEMUX; uaddr is the value's address. */
int sysreg_user_get(struct vcpu *v, u64 id, u64 uaddr);
int sysreg_user_set(struct vcpu *v, u64 id, u64 uaddr);
int sysreg_user_count(struct vcpu *v);
int sysreg_user_list(struct vcpu *v, u64 uaddr);	/* sysreg_user_count() ids */

/* debug.c: the guest's (or its debugger's) breakpoints while the guest is loaded. Preemption off. */
void debug_regs_load(struct vcpu *v);
void debug_regs_put(struct vcpu *v);
/* Around KVM_RUN when the VMM single-steps (v->input.single_step); the vCPU is put. */
void debug_step_begin(struct vcpu *v);
void debug_step_end(struct vcpu *v);

/* kvm/stage2/coherency.c: the guest switched its caches on or off, or maintains them by set and way; no FWB only. */
void stage2_set_way(struct vcpu *v);
void stage2_toggle_cache(struct vcpu *v, bool was_on);
static inline bool guest_caches_on(struct vcpu *v)
{
	return (reg_read(v, REG_SCTLR_EL1) & (BIT(0) | BIT(2))) == (BIT(0) | BIT(2));
}
