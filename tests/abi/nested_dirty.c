// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty logging of a VM whose guest is a hypervisor: what its guest's guest writes, by addresses of its own, is in the log
 * of the slot, and nothing else is; also when its pages were mapped for writing before the log was on.
 */
#include "kvm_el2.h"


#define ROOTS		0x100000UL	/* in memory: a table of level 1, two of level 2 */
#define SLOT_GPA	0x80000000UL
#define PAGES		64
#define SLOT_SIZE	(PAGES * 4096UL)
#define ALIAS		0x200000000UL	/* the slot, for the guest's guest */

/*
 * The hypervisor: x20 VTTBR_EL2, x21 VTCR_EL2. Its guest asks the VMM for an address, and writes there; one with bit 0
 * set it reads first, one with bit 1 set it only reads.
 */
GUEST(poke,
	"adr x0, 9f; msr vbar_el2, x0; msr vttbr_el2, x20; msr vtcr_el2, x21; mov x0, #1; movk x0, #0x8000, lsl #16;"
	"movk x0, #4, lsl #32; msr hcr_el2, x0; adr x0, 8f; msr elr_el2, x0; mov x0, #0x3c5; msr spsr_el2, x0; isb; eret;"
	"8: ldr x1, [x28]; and x2, x1, #~3; tst x1, #3; b.eq 6f; ldr x3, [x2]; tbnz x1, #1, 8b; 6: str x1, [x2]; b 8b;"
	".org guest_poke + 0x800; 9: .org guest_poke + 0x800 + 0x400;"
	"mrs x0, esr_el2; str x0, [x28, #0x80]; 7: b 7b; .org guest_poke + 0x1000");

static uint8_t *slot_mem;

/* Memory and the device as they are; at ALIAS the slot, by one block (@block) or by pages. */
static void tables_make(struct vm *vm, bool block)
{
	uint64_t at = ROOTS, i;

	s2_identity(vm, at);
	memset(vm->ram + at + 0x2000, 0, 0x2000);
	*ram_u64(vm, at + (ALIAS >> 30) * 8) = (RAM_GPA + at + 0x2000) | 3;
	*ram_u64(vm, at + 0x2000) = block ? SLOT_GPA | S2_NORMAL | 1 : (RAM_GPA + at + 0x3000) | 3;
	for (i = 0; i < PAGES; i++)
		*ram_u64(vm, at + 0x3000 + i * 8) = (SLOT_GPA + i * 4096) | S2_NORMAL | 3;
}

static int slot_set(struct vm *vm, uint32_t flags)
{
	return set_slot(vm->fd, 1, flags, SLOT_GPA, SLOT_SIZE, slot_mem);
}

static struct vm vm_el2(bool block)
{
	struct vm vm = VM_AS(PSCI | EL2, poke);

	tables_make(&vm, block);
	set(vm.vcpu, REG_X(20), RAM_GPA + ROOTS);
	set(vm.vcpu, REG_X(21), S2_VTCR);
	slot_mem = mmap(NULL, SLOT_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must((long)slot_mem);
	memset(slot_mem, 1, SLOT_SIZE);
	must(slot_set(&vm, 0));
	return vm;
}

static void vm_end(struct vm *vm)
{
	vm_drop(vm);
	munmap(slot_mem, SLOT_SIZE);
}

/* Until the guest's guest asks what to do. */
static bool asks(struct vm *vm)
{
	int reason = vcpu_run(vm);

	if (reason == KVM_EXIT_MMIO && !vm->run->mmio.is_write && vm->run->mmio.phys_addr == MMIO_GPA)
		return true;
	printf("# exit %d, address %#llx, data %#lx\n", reason, (unsigned long long)vm->run->mmio.phys_addr,
	       *(long *)vm->run->mmio.data);
	return false;
}

/* @how 0: write, 1: read and write, 2: read. It is done when the next question comes. */
static bool touch(struct vm *vm, unsigned page, unsigned how)
{
	uint64_t order = (ALIAS + page * 4096UL + 64) | how;

	memcpy(vm->run->mmio.data, &order, 8);
	return asks(vm);
}

static uint64_t log_get(struct vm *vm)
{
	uint64_t bits = 0;
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = &bits };

	must(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
	return bits;
}

static uint64_t seed = 0x9e3779b97f4a7c15UL;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Rounds of random accesses; with @manual the log's bits are cleared one by one. */
static void rounds(struct vm *vm, const char *name, bool manual)
{
	uint64_t want = 0, left = 0, got;
	unsigned i, j, bad = 0;

	for (i = 0; i < 40 && !bad; i++) {
		for (j = 0; j < 1 + rnd() % 20; j++) {
			unsigned page = rnd() % PAGES, how = rnd() % 3;

			if (!touch(vm, page, how)) {
				bad++;
				break;
			}
			if (how != 2)
				want |= 1UL << page;
		}
		got = log_get(vm);
		if (got != want) {
			printf("# round %u: %#lx, not %#lx\n", i, (long)got, (long)want);
			bad++;
		}
		left = manual ? want & rnd() : 0;
		if (manual) {
			uint64_t clear = want & ~left;
			struct kvm_clear_dirty_log c = { .slot = 1, .num_pages = PAGES, .dirty_bitmap = &clear };

			must(ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &c));
		}
		want = left;
	}
	check_eq(bad, 0, name);
}

static void logged(bool block, bool manual, const char *name)
{
	struct vm vm = vm_el2(block);
	struct kvm_enable_cap cap = { .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args = { 1 } };
	unsigned i, bad = 0;

	if (manual)
		must(ioctl(vm.fd, KVM_ENABLE_CAP, &cap));
	bad += !asks(&vm);
	for (i = 0; i < PAGES; i++)	/* all mapped for writing, before anybody looks */
		bad += !touch(&vm, i, 0);
	must(slot_set(&vm, KVM_MEM_LOG_DIRTY_PAGES));
	check_eq(bad, 0, "a guest's guest writes as it is told");
	check_eq(log_get(&vm), 0, "nothing is dirty when the log begins");
	rounds(&vm, name, manual);
	must(slot_set(&vm, 0));
	check(touch(&vm, 3, 0), "and on without the log");
	must(slot_set(&vm, KVM_MEM_LOG_DIRTY_PAGES));
	check(touch(&vm, 5, 1) && touch(&vm, 6, 2), "and with it again");
	check_eq(log_get(&vm), 1 << 5, "what it wrote since");
	vm_end(&vm);
}

int main(void)
{
	int kvm = must(open("/dev/kvm", O_RDWR));

	if (!el2_offered(kvm)) {
		check(true, "no EL2 for guests here: nothing to log");
		return report();
	}
	close(kvm);
	logged(false, false, "the log of pages has what a guest's guest wrote");
	logged(true, false, "the log of a block has it too");
	logged(false, true, "and so has one that is cleared bit by bit");
	return report();
}
