// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose state is in a CPU's vector registers: at most one owner per CPU, a thread's user state or a vCPU's guest state.
 * docs/fp.md has the invariant and the transitions. Kernel code is compiled without these registers and uses them only
 * between fp_kernel_begin and fp_kernel_end. Owner: kernel/fp/owner.c; lengths and features of the CPUs: kernel/fp/cpu.c.
 * Locks: none. Owner pointer and the state's cpu change on that CPU with its interrupts off; other than that, a state
 * is its thread's (or the vCPU's mutex holder's) while it is in memory, and the CPU's while it is live.
 */
#pragma once

#include <nestbox/types.h>

#define FP_VQ_BYTES	16U		/* vector lengths are multiples of this */
#define FP_VL_MAX	256U		/* bytes; Arm ARM B1.2.2 */
/* Z0..Z31, P0..P15, FFR at vector length vl (bytes): in memory, in a signal frame, in this order. */
#define FP_SVE_SIZE(vl)	((vl) * 32UL + (vl) / 8 * 17)

struct fp_regs {
	__uint128_t v[32];		/* not valid while the state is wide */
	u32 fpsr, fpcr;			/* fpsimd.S and sve.S know that these follow v */
	u64 fpmr;
};

struct fp_state {
	struct fp_regs regs __attribute__((aligned(16)));
	void *sve;		/* memory for Z, P, FFR at vl; NULL: never needed, or no SVE */
	u64 cptr;		/* a thread's: CPTR_EL2 for EL0 while the state is live */
	u16 vl;			/* vector length in bytes; 0: no SVE */
	u16 limit;		/* a guest's: the longest that it may use now, at most vl (fp_guest_limit) */
	bool wide;		/* Z, P, FFR count (sve), not only V (regs.v) */
	bool more;		/* wide, or the CPUs have FPMR: there is more to save and load than V */
	bool guest;
	bool forget;		/* a thread's, live on another CPU: V alone counts, whatever wide says */
	u8 wide_calls;		/* system calls that found the state wide since its last trap */
	int cpu;		/* CPU whose registers are the state (its fp_owner), memory being old; -1: memory is */
	u64 saves, loads, traps;
};

/* A thread whose last trap is so many system calls ago has stopped using SVE, for all we know. */
#define FP_WIDE_CALLS	64

enum fp_kind { FP_THREAD, FP_GUEST, FP_KINDS };

/* Of one CPU, by kind of owner. */
struct fp_counts {
	u64 saves[FP_KINDS], loads[FP_KINDS], traps[FP_KINDS];
	u64 fetches;		/* called from another CPU, or by ONE_REG: to memory */
	u64 kernel;		/* fp_kernel_begin */
};

/* What the CPUs have (kernel/fp/cpu.c); constant once all of them run. */
extern struct fp_features {
	bool sve, sme, fpmr;
	u16 vq_mask;		/* bit n - 1: every CPU can do vectors of n * 16 bytes */
	u16 vq_any;		/* some CPU can */
	u64 cptr_closed;	/* CPTR_EL2: EL0 traps, EL2 does not */
} fp_cpu;

/* On each CPU as it starts: CPTR_EL2 closed, no streaming mode, lengths merged into fp_cpu. */
void fp_init_this(void);
/* The greatest length of all CPUs that is at most vl; vl at least 16. Bytes. SVE must be there. */
unsigned fp_vl_supported(unsigned vl);
/* The greatest length for guests: no CPU differs from another at or below it. 0: no SVE. */
unsigned fp_vl_guest_max(void);

/* A state of all zeroes, in memory. */
void fp_state_init(struct fp_state *s, bool guest);
/* Gives back its memory. s is in memory (fp_evict, fp_discard). */
void fp_state_destroy(struct fp_state *s);
/* Make a guest's state wide, all zeroes, with vectors of vl bytes. Before it is first used. -ENOMEM */
int fp_guest_sve(struct fp_state *s, unsigned vl);
/*
 * The guest may use vectors of at most vl bytes, at most s->vl, until this is called again (ZCR_EL2): a guest hypervisor's
 * guest. The registers stay what they are, as the CPU has it. s is a guest's, wide. Preemption off; its user only.
 */
void fp_guest_limit(struct fp_state *s, unsigned vl);
/* Everything to zero, the length stays. s is in memory. */
void fp_state_clear(struct fp_state *s);

/*
 * Make s the owner on this CPU, saving another's state and loading s's if needed. false, and nothing done: s is in another
 * CPU's registers. CPTR_EL2 is open to EL0 afterwards for a thread's, closed for a guest's. Interrupts off, not in an
 * interrupt's handler; takes no lock and follows no pointer that RCU keeps.
 */
bool fp_claim(struct fp_state *s);
/*
 * The four below may call another CPU and wait for it: thread context, interrupts on, no spinning lock held. Only for
 * the state's own thread, or, a guest's, for the holder of the vCPU's mutex: nobody else makes it live meanwhile.
 */
/* fp_claim, from wherever s is. Preempted since, the caller may have moved on again. */
void fp_use(struct fp_state *s);
/* To memory, live nowhere. It stays there until its next use. */
void fp_evict(struct fp_state *s);
/* Memory as new as the registers, to be read; a state that is live here stays so. */
void fp_flush(struct fp_state *s);
/* As fp_evict, but the registers are not wanted: memory counts as it is. */
void fp_discard(struct fp_state *s);
/* Is s live in this CPU's registers now? Preemption off. */
bool fp_is_live(const struct fp_state *s);
/* The 32 V registers of a state in memory, narrow or wide. */
void fp_vregs_get(const struct fp_state *s, __uint128_t *v);
/*
 * The context switch and the guest's exit set CPTR_EL2 with this: closed unless next, a thread's, is the owner here.
 * Interrupts off.
 */
void fp_switch(const struct fp_state *next);

/* ---- the current thread's own state, from its own context ---- */

/* EL0 met the trap of SVE. -EINVAL: there is no SVE; -ENOMEM. May sleep. */
int fp_user_sve_trap(void);
/* A system call of a thread whose state is wide: what SVE adds to V0..V31 is forgotten. */
void fp_user_syscall(void);
/* Another vector length (0: no SVE); what SVE adds to V0..V31 is forgotten. */
void fp_user_set_vl(unsigned vl);
/* Memory for a wide state of the present length, so that fp_user_write can take one. -ENOMEM */
int fp_user_sve_alloc(void);
/* The whole state, from kernel memory. sve: Z, P, FFR at the present length, or NULL; where there is sve, regs->v wins. */
void fp_user_write(const struct fp_regs *regs, const void *sve);

/* ---- kernel code that uses vector registers ---- */

/*
 * From thread or interrupt context, not in the fast tier itself (run/exit.c). Saves whoever is the owner; interrupts stay
 * off until the end, so keep it short. Sections do not nest. flags: for the end.
 */
u64 fp_kernel_begin(void);
void fp_kernel_end(u64 flags);

/* Sum over all CPUs, not a snapshot. */
void fp_counts_read(struct fp_counts *out);
