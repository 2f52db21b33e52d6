// SPDX-License-Identifier: GPL-2.0-only
/* Stage-2 faults against changes of the process's memory: a VM made by hand, its notifier called by hand. */
#include <linux/errno.h>
#include <linux/mman.h>

#include "kernel/debug/selftest.h"
#include "kernel/mm/page.h"
#include "kvm/stage2/stage2.h"

#define AT	0x10000000UL	/* in the process; the guest's memory begins at 0 */
#define SIZE	(2 * BLOCK_SIZE)

static struct vm *vm_by_hand(unsigned flags)
{
	struct map_request rq = {
		.addr = AT, .len = SIZE, .prot = PROT_READ | PROT_WRITE,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	};
	struct vm *vm = kzalloc(sizeof(*vm));
	struct memslots *s = kzalloc(sizeof(*s) + 3 * sizeof(s->slot[0]));
	struct memslot *m = kcalloc(3, sizeof(*m));

	vm->mm = mm_create();
	s->n = 1;
	s->slot[0] = &m[0];
	s->slot[1] = &m[1];
	s->slot[2] = &m[2];
	m[0] = (struct memslot){ .npages = SIZE >> PAGE_SHIFT, .uva = UVA(AT), .flags = flags };
	vm->slots = s;
	CHECK(mm_map(vm->mm, &rq) == (s64)AT);
	CHECK(!stage2_init(vm, 40));
	return vm;
}

static void vm_drop(struct vm *vm)
{
	stage2_destroy(vm);
	mm_put(vm->mm);
	kfree(vm->slots->slot[0]);
	kfree(vm->slots);
	kfree(vm);
}

/* Size of what stage 2 maps at ipa; 0: nothing. */
static u64 mapped(struct vm *vm, u64 ipa, unsigned perm)
{
	unsigned have;
	u64 size;
	pa_t pa;

	if (!pt_lookup(&vm->s2.pt, ipa, &pa, &have, &size) || (have & (PT_R | PT_W)) != perm)
		return 0;
	return size;
}

static int fault(struct vm *vm, u64 ipa, bool write)
{
	struct s2_fault f = { .ipa = ipa, .write = write };

	return stage2_fault(vm, &f);
}

SELFTEST(stage2_fault_and_notifier)
{
	struct vm *vm = vm_by_hand(0);
	u64 half = BLOCK_SIZE / 2;

	CHECK(fault(vm, SIZE, false) == -ENOENT);
	CHECK(!fault(vm, 0x1234, true));
	CHECK(mapped(vm, half, PT_R | PT_W) == BLOCK_SIZE);

	/* The second half of the block is about to change: nothing may cover it, the rest is free to come back. */
	vm->notifier.begin(&vm->notifier, AT + half, AT + BLOCK_SIZE);
	CHECK(!mapped(vm, half, PT_R | PT_W));
	vm->notifier.begin(&vm->notifier, AT, AT + PAGE_SIZE);
	vm->notifier.end(&vm->notifier, AT, AT + PAGE_SIZE);
	CHECK(fault(vm, half, true) == -EAGAIN);
	CHECK(!mapped(vm, half, PT_R | PT_W));
	vm->notifier.end(&vm->notifier, AT + half, AT + BLOCK_SIZE);

	stage2_unmap(vm, 0, SIZE >> PAGE_SHIFT);
	vm->notifier.begin(&vm->notifier, AT + half, AT + BLOCK_SIZE);
	CHECK(!fault(vm, PAGE_SIZE, true));
	CHECK(mapped(vm, PAGE_SIZE, PT_R | PT_W) == PAGE_SIZE);
	CHECK(!mapped(vm, half, PT_R | PT_W));
	vm->notifier.end(&vm->notifier, AT + half, AT + BLOCK_SIZE);
	CHECK(!fault(vm, half, true));
	CHECK(mapped(vm, half, PT_R | PT_W));
	vm_drop(vm);
}

/* Two slots of the same memory, a third far away in the process: all that names the range goes, step by step. */
SELFTEST(stage2_ranges)
{
	struct vm *vm = vm_by_hand(0);
	u64 far = AT + (1UL << 40), alias = 1UL << 34, third = 1UL << 35;
	struct map_request rq = {
		.addr = far, .len = SIZE, .prot = PROT_READ | PROT_WRITE,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	};

	CHECK(mm_map(vm->mm, &rq) == (s64)far);
	vm->slots->n = 3;
	*vm->slots->slot[1] = (struct memslot){ .gfn = alias >> PAGE_SHIFT, .npages = SIZE >> PAGE_SHIFT, .uva = UVA(AT) };
	*vm->slots->slot[2] = (struct memslot){ .gfn = third >> PAGE_SHIFT, .npages = SIZE >> PAGE_SHIFT, .uva = UVA(far) };
	CHECK(!fault(vm, BLOCK_SIZE, true) && !fault(vm, alias + BLOCK_SIZE, true) && !fault(vm, third, true));
	vm->notifier.begin(&vm->notifier, 0, far - PAGE_SIZE);
	vm->notifier.end(&vm->notifier, 0, far - PAGE_SIZE);
	CHECK(!mapped(vm, BLOCK_SIZE, PT_R | PT_W) && !mapped(vm, alias + BLOCK_SIZE, PT_R | PT_W));
	CHECK(mapped(vm, third, PT_R | PT_W));
	CHECK(!fault(vm, BLOCK_SIZE, true));
	vm->notifier.begin(&vm->notifier, 0, 1UL << 47);
	vm->notifier.end(&vm->notifier, 0, 1UL << 47);
	CHECK(!mapped(vm, BLOCK_SIZE, PT_R | PT_W) && !mapped(vm, third, PT_R | PT_W));
	CHECK(!fault(vm, 0, true) && !fault(vm, third, true));
	stage2_write_protect(vm, 0, 1UL << (40 - PAGE_SHIFT));
	CHECK(mapped(vm, 0, PT_R) && mapped(vm, third, PT_R));
	stage2_unmap(vm, 0, 1UL << (40 - PAGE_SHIFT));
	CHECK(!mapped(vm, 0, PT_R) && !mapped(vm, third, PT_R));
	vm_drop(vm);
}

SELFTEST(stage2_fault_rights)
{
	struct vm *vm = vm_by_hand(KVM_MEM_READONLY);

	CHECK(fault(vm, 0, true) == -EROFS);
	CHECK(!fault(vm, 0, false));
	CHECK(mapped(vm, 0, PT_R));
	vm->slots->slot[0]->flags = 0;
	stage2_unmap(vm, 0, SIZE >> PAGE_SHIFT);

	/* The process takes the right to write away, then memory itself. */
	CHECK(!fault(vm, 0, true));
	CHECK(!mm_protect(vm->mm, AT, PAGE_SIZE, PROT_READ));
	CHECK(!mapped(vm, 0, PT_R | PT_W));
	CHECK(fault(vm, 0, true) == -EFAULT);
	CHECK(!fault(vm, 0, false) && mapped(vm, 0, PT_R) == PAGE_SIZE);
	CHECK(!mm_unmap(vm->mm, AT, PAGE_SIZE));
	CHECK(!mapped(vm, 0, PT_R) && fault(vm, 0, false) == -EFAULT);
	CHECK(!fault(vm, PAGE_SIZE, true));
	CHECK(!mm_protect(vm->mm, AT + PAGE_SIZE, PAGE_SIZE, PROT_NONE));
	CHECK(fault(vm, PAGE_SIZE, false) == -EFAULT);
	vm_drop(vm);
}
