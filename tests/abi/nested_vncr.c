// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page that a guest hypervisor's VNCR_EL2 names, which the hardware reads and writes for its guest: what the process takes
 * away, moves, or wants to know of that memory holds for it too. Where the host offers no FEAT_NV2 to guests: nothing to see.
 */
#include "kvm_el2.h"

#define ID(crm, op2)	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | ARM64_SYS_REG(3, 0, 0, crm, op2))
#define PAGE_GPA	0x80000000UL	/* the page, in a slot of its own */
#define PAGE_BYTES	0x10000UL
#define TPIDR		0x90		/* where TPIDR_EL2 is in it */
#define SHARED		0x8000UL	/* offset in memory: what a guest says without an exit */
#define ESR(fsc, write)	(0x96002000UL | (write) << 6 | (fsc))
#define LIMIT		60		/* seconds to wait for what must come */

/*
 * The hypervisor, MMU off: x22 VNCR_EL2, HCR_EL2 = RW, E2H, NV, NV2. It tells the VMM of its guest's exceptions, and lets it
 * try again.
 */
#define HYP(name, guest)									\
	"adr x0, 9f; msr vbar_el2, x0; msr s3_4_c2_c2_0, x22;"					\
	"mov x0, #0; movk x0, #0x8000, lsl #16; movk x0, #0x2404, lsl #32; msr hcr_el2, x0;"	\
	"adr x0, 8f; msr elr_el2, x0; mov x0, #0x3c5; msr spsr_el2, x0; isb; eret; 8:" guest	\
	".org guest_" #name " + 0x800; 9: .org guest_" #name " + 0x800 + 0x400;"		\
	"mrs x0, esr_el2; mrs x1, far_el2; str x0, [x28, #0x80]; str x1, [x28, #0x88]; eret;"	\
	".org guest_" #name " + 0x1000;"

GUEST(reader, HYP(reader, "1: mrs x1, tpidr_el2; str x1, [x28]; b 1b;"));
GUEST(writer, HYP(writer, "1: add x24, x24, #1; msr tpidr_el2, x24; str x24, [x28]; b 1b;"));
/* Without exits: how many reads it has begun, what the last one gave. */
GUEST(watcher, HYP(watcher, "1: add x24, x24, #1; str x24, [x26]; dmb sy; mrs x1, tpidr_el2; str x1, [x26, #8]; dmb sy; b 1b;"));

static struct vm vm_nv(const void *code, const void *end)
{
	struct vm vm = vm_make_as(PSCI | EL2, code, end);

	set(vm.vcpu, REG_X(22), PAGE_GPA);
	set(vm.vcpu, REG_X(24), 0);
	set(vm.vcpu, REG_X(26), RAM_GPA + SHARED);
	return vm;
}

#define VM_NV(name)	vm_nv(guest_##name, guest_##name##_end)

static uint8_t *page_map(uint8_t *at)
{
	uint8_t *mem = mmap(at, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1, 0);

	must((long)mem);
	return mem;
}

static volatile uint64_t *tpidr(uint8_t *mem)
{
	return (volatile uint64_t *)(mem + TPIDR);
}

static bool guest_aborts(struct vm *vm, uint64_t esr)
{
	int64_t got = guest_says(vm, 0x80);

	if (got != (int64_t)esr)
		printf("# ESR %#lx, not %#lx\n", (long)got, (long)esr);
	return got == (int64_t)esr && guest_says(vm, 0x88) == PAGE_GPA + TPIDR;
}

/* Each exit shows what is there now. */
static void changes(void)
{
	struct vm vm = VM_NV(reader);
	uint8_t *mem = page_map(NULL);
	unsigned i, good = 0;

	check(guest_aborts(&vm, ESR(0x10, 0)), "no memory for VNCR_EL2 is the hypervisor's external abort");
	for (i = 0; i < 20; i++) {
		*tpidr(mem) = 1000 + i;
		must(set_slot(vm.fd, 1, 0, PAGE_GPA, PAGE_BYTES, mem));
		good += guest_says(&vm, 0) == 1000 + i;
		must(madvise(mem, PAGE_BYTES, MADV_DONTNEED));
		good += guest_says(&vm, 0) == 0;
		*tpidr(mem) = 7;
		good += guest_says(&vm, 0) == 7;
		must(munmap(mem, PAGE_BYTES));
		page_map(mem);
		good += guest_says(&vm, 0) == 0;
		must(mprotect(mem, PAGE_BYTES, PROT_READ));
		good += guest_says(&vm, 0) == 0;
		must(mprotect(mem, PAGE_BYTES, PROT_READ | PROT_WRITE));
		must(set_slot(vm.fd, 1, 0, PAGE_GPA, 0, mem));
		good += guest_aborts(&vm, ESR(0x10, 0));
	}
	check_eq(good, 6 * 20, "memory that goes away is gone for the page of VNCR_EL2");
	vm_drop(&vm);
	munmap(mem, PAGE_BYTES);
}

static uint64_t dirty(struct vm *vm)
{
	uint64_t bits[4] = { 0 };
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = bits };

	must(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
	return bits[0];
}

static void logged(void)
{
	struct vm vm = VM_NV(writer);
	uint8_t *mem = page_map(NULL);
	unsigned i, good = 0;

	must(set_slot(vm.fd, 1, KVM_MEM_LOG_DIRTY_PAGES, PAGE_GPA, PAGE_BYTES, mem));
	for (i = 0; i < 20; i++) {
		int64_t said = guest_says(&vm, 0);

		good += said > 0 && *tpidr(mem) == (uint64_t)said;
		good += dirty(&vm) == 1;
		good += dirty(&vm) == 0;
	}
	check_eq(good, 3 * 20, "each write to the page is in the dirty log");
	must(set_slot(vm.fd, 1, 0, PAGE_GPA, 0, mem));
	must(set_slot(vm.fd, 1, KVM_MEM_READONLY, PAGE_GPA, PAGE_BYTES, mem));
	check(guest_says(&vm, 0x80) >> 2 == ESR(0xc, 1) >> 2, "of a read-only slot it is not written: a permission fault");
	vm_drop(&vm);
	munmap(mem, PAGE_BYTES);
}

/* ---- a guest that never exits ---- */

/* What a read gives that began after now; -1: none came. */
static int64_t seen(struct vm *vm)
{
	volatile uint64_t *shared = (volatile uint64_t *)(vm->ram + SHARED);
	uint64_t from = shared[0];
	time_t end = time(NULL) + LIMIT;

	/* The one that has begun may be over already, the next one is new, and over when the one after it begins. */
	while (shared[0] < from + 2)
		if (time(NULL) > end)
			return -1;
		else
			sched_yield();
	__sync_synchronize();
	return shared[1];
}

static void unasked(void)
{
	struct vm vm = VM_NV(watcher);
	uint8_t *mem = page_map(NULL);
	unsigned i, good = 0;
	pthread_t t;

	*tpidr(mem) = 1;
	must(set_slot(vm.fd, 1, 0, PAGE_GPA, PAGE_BYTES, mem));
	t = run_start(&vm);
	for (i = 0; i < 50; i++) {
		*tpidr(mem) = 100 + i;
		good += seen(&vm) == 100 + i;
		must(madvise(mem, PAGE_BYTES, MADV_DONTNEED));
		good += seen(&vm) == 0;
	}
	check_eq(good, 2 * 50, "a guest that never exits sees it too");
	run_stop(&vm, t);
	vm_drop(&vm);
	munmap(mem, PAGE_BYTES);
}

int main(void)
{
	int kvm = must(open("/dev/kvm", O_RDWR));
	struct vm vm;
	bool nv2;

	if (!el2_offered(kvm)) {
		printf("# no EL2 for guests here\n");
		check(true, "nothing to see");
		return report();
	}
	vm = VM_NV(reader);
	nv2 = (reg(vm.vcpu, ID(7, 4)) >> 20 & 15) == 1;
	check_eq(reg(vm.vcpu, ID(7, 2)) >> 24 & 15, 0, "ID_AA64MMFR2_EL1.NV: none without NV2");
	vm_drop(&vm);
	if (nv2) {
		changes();
		logged();
		unasked();
	}
	close(kvm);
	return report();
}
