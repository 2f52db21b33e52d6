// SPDX-License-Identifier: GPL-2.0-only
/* Dirty rings beside and instead of bitmaps, bits of slots that move, eager splitting; calls that arm64 does not have. */
#include "kvm.h"

#define PG	4096UL
#define GPA	0x80000000UL

/*
 * Write x22 pages from x20 on, x21 bytes apart, then tell. Each run begins anew; the first instruction is skipped when
 * the last run ended with a store for the VMM, which KVM_RUN completes.
 */
GUEST(fill, "nop; 1: str x0, [x20]; add x20, x20, x21; subs x22, x22, #1; b.ne 1b; str x0, [x28]; b .");

static int enable(int fd, uint32_t cap, uint64_t arg, uint32_t flags)
{
	struct kvm_enable_cap c = { .cap = cap, .args = { arg }, .flags = flags };

	return ioctl(fd, KVM_ENABLE_CAP, &c);
}

static struct vm bare(void)
{
	struct vm vm = {};

	vm.kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC));
	vm.fd = must(ioctl(vm.kvm, KVM_CREATE_VM, 0));
	vm.run_size = must(ioctl(vm.kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	return vm;
}

static uint8_t *anon(uint64_t len)
{
	uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must((long)p);
	return p;
}

/* Code and one vCPU for a VM whose capabilities have been chosen. */
static void furnish(struct vm *vm)
{
	vm->ram = anon(RAM_SIZE);
	memcpy(vm->ram, guest_fill, guest_fill_end - guest_fill);
	must(set_slot(vm->fd, 0, 0, RAM_GPA, RAM_SIZE, vm->ram));
	vm->vcpu = vcpu_add(vm, 0, 1 << KVM_ARM_VCPU_PSCI_0_2);
	vm->run = vcpu_map(vm, vm->vcpu);
}

static int fill(struct vm *vm, uint64_t at, uint64_t step, uint64_t n)
{
	set(vm->vcpu, REG_PC, RAM_GPA);
	set(vm->vcpu, REG_X(28), MMIO_GPA);
	set(vm->vcpu, REG_X(20), at);
	set(vm->vcpu, REG_X(21), step);
	set(vm->vcpu, REG_X(22), n);
	return vcpu_run(vm);
}

static void ring_errors(void)
{
	struct vm vm = bare();
	uint32_t max = ioctl(vm.fd, KVM_CHECK_EXTENSION, KVM_CAP_DIRTY_LOG_RING_ACQ_REL);

	check_eq(max, 65536 * sizeof(struct kvm_dirty_gfn), "largest ring");
	check_eq(ioctl(vm.fd, KVM_CHECK_EXTENSION, KVM_CAP_DIRTY_LOG_RING), 0, "no strongly ordered ring");
	check_eq(ioctl(vm.fd, KVM_CHECK_EXTENSION, KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP), 1, "ring with bitmap");
	check_errno(ioctl(vm.fd, KVM_RESET_DIRTY_RINGS, 0), EINVAL, "reset without rings");
	check_errno(enable(vm.fd, KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP, 0, 0), EINVAL, "bitmap without ring");
	check_errno(enable(vm.fd, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, 0, 0), EINVAL, "ring of nothing");
	check_errno(enable(vm.fd, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, 4097, 0), EINVAL, "ring of no power of two");
	check_errno(enable(vm.fd, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, 2048, 0), EINVAL, "ring of half a page");
	check_errno(enable(vm.fd, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, max * 2, 0), E2BIG, "too large a ring");
	check_eq(enable(vm.fd, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, 8192, 0), 0, "a ring");
	check_errno(enable(vm.fd, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, 8192, 0), EINVAL, "twice");
	check_eq(ioctl(vm.fd, KVM_RESET_DIRTY_RINGS, 0), 0, "reset of nothing");
	furnish(&vm);
	check_errno(enable(vm.fd, KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP, 0, 0), EINVAL, "bitmap too late");
	check_errno((long)mmap(NULL, PG, PROT_READ, MAP_PRIVATE, vm.vcpu, 64 * PG), EINVAL, "private ring");
	check_errno((long)mmap(NULL, PG, PROT_READ | PROT_EXEC, MAP_SHARED, vm.vcpu, 64 * PG), EINVAL,
		    "executable ring");
	vm_drop(&vm);

	vm = bare();
	must(ioctl(vm.fd, KVM_CREATE_VCPU, 0));
	check_errno(enable(vm.fd, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, 8192, 0), EINVAL, "a ring after a vCPU");
	close(vm.fd);
	close(vm.kvm);
}

static void ring(bool bitmap)
{
	struct kvm_dirty_log log = { .slot = 1 };
	struct vm vm = bare();
	uint8_t *mem = anon(1024 * PG);
	struct kvm_dirty_gfn *r;
	unsigned size = 8192 / sizeof(*r), n, first, right = 0;
	uint64_t bits[16];

	printf("# a ring %s bitmaps\n", bitmap ? "with" : "without");
	must(enable(vm.fd, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, 8192, 0));
	if (bitmap)
		must(enable(vm.fd, KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP, 0, 0));
	furnish(&vm);
	r = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, vm.vcpu, 64 * PG);
	must((long)r);
	must(set_slot(vm.fd, 1, 0, GPA, 1024 * PG, mem));
	check_eq(fill(&vm, GPA, PG, 8), KVM_EXIT_MMIO, "pages written before logging");
	must(set_slot(vm.fd, 1, KVM_MEM_LOG_DIRTY_PAGES, GPA, 1024 * PG, mem));
	log.dirty_bitmap = bits;
	if (!bitmap)
		check_errno(ioctl(vm.fd, KVM_GET_DIRTY_LOG, &log), ENXIO, "no bitmap with a ring");
	check_eq(fill(&vm, GPA, PG, 5), KVM_EXIT_MMIO, "five pages written");
	check_eq(fill(&vm, GPA, PG, 5), KVM_EXIT_MMIO, "and again");
	for (n = 0; r[n].flags == KVM_DIRTY_GFN_F_DIRTY; n++)
		right += r[n].slot == 1 && r[n].offset == n;
	check_eq(n, 5, "five entries");
	check_eq(right, 5, "slot and offset of each");
	check_eq(ioctl(vm.fd, KVM_RESET_DIRTY_RINGS, 0), 0, "nothing was given back");
	for (unsigned i = 0; i < 3; i++)
		r[i].flags = KVM_DIRTY_GFN_F_RESET;
	check_eq(ioctl(vm.fd, KVM_RESET_DIRTY_RINGS, 0), 3, "three given back");
	check_eq(r[0].flags, 0, "and free again");
	check_eq(fill(&vm, GPA, PG, 5), KVM_EXIT_MMIO, "the five written once more");
	check(r[5].offset == 0 && r[7].offset == 2 && r[7].flags == KVM_DIRTY_GFN_F_DIRTY && !r[8].flags,
	      "the three are in the ring again");
	/* Entries that name nothing are given back too. */
	r[3].slot = 77;
	r[4].offset = 1UL << 40;
	r[5].slot = 0x10001;
	for (unsigned i = 3; i < 8; i++)
		r[i].flags = KVM_DIRTY_GFN_F_RESET;
	check_eq(ioctl(vm.fd, KVM_RESET_DIRTY_RINGS, 0), 5, "with slots and offsets of our own making");

	check_eq(fill(&vm, GPA + 16 * PG, PG, 1000), KVM_EXIT_DIRTY_RING_FULL, "the ring fills up");
	check_eq(vcpu_run(&vm), KVM_EXIT_DIRTY_RING_FULL, "and stays so");
	first = 8;
	for (n = 0; r[(first + n) % size].flags == KVM_DIRTY_GFN_F_DIRTY && n < size; n++)
		r[(first + n) % size].flags = KVM_DIRTY_GFN_F_RESET;
	check(n >= size - 64 && n < size, "with some entries in reserve");
	check_eq(ioctl(vm.fd, KVM_RESET_DIRTY_RINGS, 0), n, "all given back");
	check_eq(vcpu_run(&vm), KVM_EXIT_DIRTY_RING_FULL, "the guest goes on where it was");
	vm_drop(&vm);
	munmap(mem, 1024 * PG);
}

static void both(void)
{
	struct kvm_dirty_log log = { .slot = 1 };
	struct vm vm = bare();
	uint8_t *mem = anon(64 * PG);
	uint64_t bits = 5;

	must(enable(vm.fd, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, 4096, 0));
	check_eq(enable(vm.fd, KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP, 0, 0), 0, "ring and bitmap");
	furnish(&vm);
	must(set_slot(vm.fd, 1, KVM_MEM_LOG_DIRTY_PAGES, GPA, 64 * PG, mem));
	check_eq(fill(&vm, GPA, PG, 5), KVM_EXIT_MMIO, "five pages written");
	log.dirty_bitmap = &bits;
	check_eq(ioctl(vm.fd, KVM_GET_DIRTY_LOG, &log), 0, "the bitmap can be read");
	check_eq(bits, 0, "a vCPU's writes are not in it");
	vm_drop(&vm);
	munmap(mem, 64 * PG);
}

static void moved(void)
{
	struct kvm_dirty_log log = { .slot = 1 };
	struct vm vm = bare();
	uint8_t *mem = anon(64 * PG);
	uint64_t bits = 0;

	furnish(&vm);
	must(set_slot(vm.fd, 1, KVM_MEM_LOG_DIRTY_PAGES, GPA, 64 * PG, mem));
	must(fill(&vm, GPA, PG, 2));
	must(set_slot(vm.fd, 1, KVM_MEM_LOG_DIRTY_PAGES, GPA + 0x1000000, 64 * PG, mem));
	must(fill(&vm, GPA + 0x1000000 + 8 * PG, PG, 1));
	log.dirty_bitmap = &bits;
	must(ioctl(vm.fd, KVM_GET_DIRTY_LOG, &log));
	check_eq(bits, 0x103, "a slot that moves keeps its dirty bits");
	vm_drop(&vm);
	munmap(mem, 64 * PG);
}

/* Guest writes to every page of blocks, with logging on: each page is told, with and without splitting in advance. */
static void split(uint64_t chunk)
{
	struct kvm_dirty_log log = { .slot = 1 };
	struct vm vm = bare();
	uint8_t *raw = anon(8UL << 20), *mem = (uint8_t *)(((uintptr_t)raw + 0x1fffff) & ~0x1fffffUL);
	uint64_t bits[16] = {}, n = 0;

	if (chunk) {
		check_errno(enable(vm.fd, KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE, 0x3000, 0), EINVAL, "odd chunk");
		check_eq(enable(vm.fd, KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE, chunk, 0), 0, "chunk size");
		check_eq(ioctl(vm.fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE), chunk, "is kept");
	}
	furnish(&vm);
	check_errno(enable(vm.fd, KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE, 1 << 21, 0), EINVAL, "not with slots");
	must(set_slot(vm.fd, 1, 0, GPA, 4UL << 20, mem));
	must(fill(&vm, GPA, PG, 1024));
	must(set_slot(vm.fd, 1, KVM_MEM_LOG_DIRTY_PAGES, GPA, 4UL << 20, mem));
	must(fill(&vm, GPA, 3 * PG, 341));
	log.dirty_bitmap = bits;
	must(ioctl(vm.fd, KVM_GET_DIRTY_LOG, &log));
	for (int i = 0; i < 16; i++)
		n += __builtin_popcountl(bits[i]);
	check_eq(n, 341, chunk ? "every third page, blocks split in advance" : "every third page of blocks");
	vm_drop(&vm);
	munmap(raw, 8UL << 20);
}

static void not_there(void)
{
	struct vm vm = bare();
	char arg[128] = {};

	check_eq(ioctl(vm.fd, KVM_CHECK_EXTENSION, KVM_CAP_PRE_FAULT_MEMORY), 0, "no pre-fault on arm64");
	check_eq(ioctl(vm.fd, KVM_CHECK_EXTENSION, KVM_CAP_GUEST_MEMFD), 0, "no guest_memfd");
	check_eq(ioctl(vm.fd, KVM_CHECK_EXTENSION, KVM_CAP_MEMORY_ATTRIBUTES), 0, "no memory attributes");
	check_errno(ioctl(vm.fd, KVM_CREATE_GUEST_MEMFD, arg), EINVAL, "KVM_CREATE_GUEST_MEMFD");
	check_errno(ioctl(vm.fd, KVM_SET_MEMORY_ATTRIBUTES, arg), EINVAL, "KVM_SET_MEMORY_ATTRIBUTES");
	furnish(&vm);
	check_errno(ioctl(vm.vcpu, KVM_PRE_FAULT_MEMORY, arg), EINVAL, "KVM_PRE_FAULT_MEMORY");
	vm_drop(&vm);
}

int main(void)
{
	ring_errors();
	ring(true);
	ring(false);
	both();
	moved();
	split(0);
	split(1 << 21);
	not_there();
	return report();
}
