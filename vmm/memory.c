// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest RAM: one anonymous mapping, one memory slot. No locks: set up before
 * the vCPUs run and never changed.
 */
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "vmm.h"

void memory_init(struct vm *vm)
{
	struct kvm_userspace_memory_region slot = {
		.guest_phys_addr = RAM_BASE,
		.memory_size = vm->ram_size,
	};
	uint8_t *p, *aligned;
	size_t head, tail;

	/*
	 * Both addresses must agree modulo 2 MiB or stage 2 cannot use blocks:
	 * ask for 2 MiB too much and give the ends back.
	 */
	p = mmap(NULL, vm->ram_size + SZ_2M, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		die(VMM_USAGE, "cannot map %lu MiB of guest memory; use a smaller -m",
		    vm->ram_size >> 20);
	aligned = (uint8_t *)ALIGN_UP((uintptr_t)p, SZ_2M);
	head = aligned - p;
	tail = SZ_2M - head;
	if (head)
		munmap(p, head);
	if (tail)
		munmap(aligned + vm->ram_size, tail);
	madvise(aligned, vm->ram_size, MADV_HUGEPAGE);

	vm->ram = aligned;
	slot.userspace_addr = (uintptr_t)aligned;
	if (ioctl(vm->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
		die_errno("KVM_SET_USER_MEMORY_REGION");
}

void *memory_ptr(const struct vm *vm, uint64_t gpa, uint64_t size)
{
	uint64_t off = gpa - RAM_BASE;

	if (gpa < RAM_BASE || off > vm->ram_size || size > vm->ram_size - off)
		return NULL;
	return vm->ram + off;
}
