// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty rings: each vCPU tells the VMM which pages its guest wrote, in a ring that the VMM maps behind the run page.
 * Owner: kvm/dirty_ring.c. Only the vCPU's own thread adds entries; vm->slots_lock for those that the VMM gives back. The
 * ring's memory is shared with the VMM: of what it holds only flags, slot and offset of entries given back are read,
 * once, and checked. Linux: Documentation/virt/kvm/api.rst 8.29.
 */
#pragma once

#include "kvm/kvm.h"

#define DIRTY_RING_MAX		65536U		/* entries */
#define DIRTY_RING_RESERVED	64U		/* for what one exit may still write when the ring counts as full */

struct dirty_ring {
	struct page **pages;		/* NULL: none */
	u32 entries;			/* a power of two */
	u32 dirty, reset;		/* how many were added, and given back; free-running */
};

int dirty_ring_alloc(struct vcpu *v, u32 bytes);	/* -ENOMEM */
void dirty_ring_free(struct vcpu *v);
struct page *dirty_ring_page(struct vcpu *v, u64 index);	/* for mmap; NULL: beyond its end */
/* Page `offset` of slot was written; on the vCPU's thread. Asks the run loop to leave when the ring is nearly full. */
void dirty_ring_push(struct vcpu *v, u32 slot, u64 offset);
/* For the run loop: true if KVM_RUN must return because the ring is nearly full; the exit reason is set then. */
bool dirty_ring_exit(struct vcpu *v);
/* The vCPU of this VM whose KVM_RUN the current thread is in; NULL: none. */
struct vcpu *vcpu_of_thread(struct vm *vm);

int vm_dirty_ring_enable(struct vm *vm, u64 bytes);	/* KVM_CAP_DIRTY_LOG_RING_ACQ_REL: -EINVAL, -E2BIG */
int vm_dirty_ring_with_bitmap(struct vm *vm);		/* -EINVAL */
int vm_reset_dirty_rings(struct vm *vm);		/* entries given back, or -EINVAL */
