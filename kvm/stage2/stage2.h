// SPDX-License-Identifier: GPL-2.0-only
/* What the files of kvm/stage2/ call of each other. */
#pragma once

#include "kvm/vcpu.h"

/* vmid.c: a VMID valid in the current generation, in s2->pt.vttbr. Interrupts off. */
void vmid_update(struct stage2 *s2);
void vmid_free(struct stage2 *s2);

/* What backs the address in the process, and so what may be mapped. */
struct backing {
	const struct memslot *m;
	pa_t pa;		/* of the page */
	u64 uva, size;		/* size: of the process's mapping */
	unsigned perm;
};

/*
 * Map the page at ipa for this kind of access (fault.c). 0; -EAGAIN: the memory changed meanwhile, let the guest try
 * again; -ENOENT: no slot, -EROFS: a write to a read-only one; -EFAULT, -ENOMEM. May sleep.
 */
struct s2_fault {
	u64 ipa;
	bool write, exec;
	struct vcpu *v;		/* whose guest; NULL: nobody's */
	bool permission;	/* something is mapped, but not for this */
	/* Into another table than the VM's (kvm/nested/fault.c); s2.lock held for reading. NULL: the VM's. */
	int (*install)(struct vm *vm, const struct s2_fault *f, const struct backing *b);
	void *arg;
};
/* A change of the process's memory is under way somewhere in [uva, uva + size). s2.lock held. */
bool stage2_busy(const struct stage2 *s2, u64 uva, u64 size);
int stage2_fault(struct vm *vm, const struct s2_fault *f);

/* coherency.c: instruction fetches see what is in [pa, pa + size). */
void stage2_sync_icache(pa_t pa, u64 size);
