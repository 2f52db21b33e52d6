// SPDX-License-Identifier: GPL-2.0-only
/*
 * Binary statistics (KVM_GET_STATS_FD): where the counters of a VM live. Those of a vCPU are in vcpu_state.stat. Owner:
 * kvm/stats.c. Words of 64 bits, read without a lock while they change; a vCPU's have one writer, its thread.
 */
#pragma once

#include <nestbox/types.h>

#define STATS_HIST	32		/* buckets of a logarithmic histogram; the last one takes the rest */

struct vm_stats {
	u64 tlb_flush, tlb_flush_requests;	/* of all vCPUs, by changes of stage 2; under s2.lock for writing */
};

/* A vCPU waiting in WFI (or PSCI CPU_SUSPEND). There is no polling here, so Linux's counters of that stay 0. */
struct halt_stats {
	u64 wakeups, wait_ns, blocking;
	u64 wait_hist[STATS_HIST];
};

/* One wait of ns nanoseconds is over; woken: by something for the guest. By the vCPU's thread. */
void stats_halt(struct halt_stats *h, u64 ns, bool woken);

struct vm;
struct vcpu;
int vm_stats_fd(struct vm *vm);		/* KVM_GET_STATS_FD: a descriptor that holds the VM; -ENOMEM, -EMFILE */
int vcpu_stats_fd(struct vcpu *v);
