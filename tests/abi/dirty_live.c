// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log while the guest writes without leaving: a page reported clean is reported again as soon as it was written
 * again, whichever way it became clean (GET_DIRTY_LOG, CLEAR_DIRTY_LOG, a ring given back). TLBs with the old right to
 * write would hide it: two pages take invalidations by address, forty the whole VMID's.
 */
#include <pthread.h>
#include <sched.h>

#include "kvm.h"

#define PG	4096UL
#define GPA	0x80000000UL
#define STOP	0x8000UL	/* offset of a word in RAM */
#define PAGES	80		/* of the slot; every other one is written */
#define ROUNDS	100

/* The round goes to x21 pages from x20 on, until the word at x27 is set. */
GUEST(writer, "1: add x2, x2, #1; mov x0, x20; mov x1, x21; 2: str x2, [x0]; add x0, x0, #8192; subs x1, x1, #1; b.ne 2b;"
	      "ldr x3, [x27]; cbz x3, 1b; str x2, [x28]; b .");

enum way { GET, CLEAR, RING };

struct live {
	struct vm vm;
	uint8_t *mem;
	struct kvm_dirty_gfn *ring;
	uint64_t taken;		/* of the ring */
	enum way way;
	unsigned pages;
};

static void *run(void *arg)
{
	struct live *l = arg;

	return (void *)(long)vcpu_run(&l->vm);
}

static uint64_t written(struct live *l, unsigned page)
{
	return __atomic_load_n((uint64_t *)(l->mem + page * 2 * PG), __ATOMIC_ACQUIRE);
}

/* Every page was stored to by an instruction that began after the call. */
static void wait_writes(struct live *l)
{
	uint64_t now = written(l, l->pages - 1);

	while (written(l, l->pages - 1) < now + 3)
		sched_yield();
}

/* Take what is dirty: returns the bits, the pages are clean then. */
static void take(struct live *l, uint64_t bits[2])
{
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = bits };
	struct kvm_clear_dirty_log clear = { .slot = 1, .num_pages = PAGES, .dirty_bitmap = bits };
	unsigned size = 65536 / sizeof(*l->ring);

	bits[0] = bits[1] = 0;
	if (l->way != RING) {
		must(ioctl(l->vm.fd, KVM_GET_DIRTY_LOG, &log));
		if (l->way == CLEAR)
			must(ioctl(l->vm.fd, KVM_CLEAR_DIRTY_LOG, &clear));
		return;
	}
	for (;; l->taken++) {
		struct kvm_dirty_gfn *e = &l->ring[l->taken % size];

		if (__atomic_load_n(&e->flags, __ATOMIC_ACQUIRE) != KVM_DIRTY_GFN_F_DIRTY)
			break;
		bits[e->offset / 64] |= 1UL << e->offset % 64;
		__atomic_store_n(&e->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
	}
	must(ioctl(l->vm.fd, KVM_RESET_DIRTY_RINGS, 0));
}

static void enable(struct live *l, uint32_t cap, uint64_t arg)
{
	struct kvm_enable_cap c = { .cap = cap, .args = { arg } };

	must(ioctl(l->vm.fd, KVM_ENABLE_CAP, &c));
}

static void furnish(struct live *l)
{
	struct vm *vm = &l->vm;

	vm->kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC));
	vm->fd = must(ioctl(vm->kvm, KVM_CREATE_VM, 0));
	vm->run_size = must(ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	if (l->way == CLEAR)
		enable(l, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 1);
	if (l->way == RING)
		enable(l, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, 65536);
	vm->ram = mmap(NULL, RAM_SIZE + PAGES * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must((long)vm->ram);
	l->mem = (uint8_t *)vm->ram + RAM_SIZE;
	memcpy(vm->ram, guest_writer, guest_writer_end - guest_writer);
	must(set_slot(vm->fd, 0, 0, RAM_GPA, RAM_SIZE, vm->ram));
	must(set_slot(vm->fd, 1, KVM_MEM_LOG_DIRTY_PAGES, GPA, PAGES * PG, l->mem));
	vm->vcpu = vcpu_add(vm, 0, 1 << KVM_ARM_VCPU_PSCI_0_2);
	vm->run = vcpu_map(vm, vm->vcpu);
	if (l->way == RING) {
		l->ring = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu, 64 * PG);
		must((long)l->ring);
	}
	set(vm->vcpu, REG_PC, RAM_GPA);
	set(vm->vcpu, REG_X(2), 0);
	set(vm->vcpu, REG_X(20), GPA);
	set(vm->vcpu, REG_X(21), l->pages);
	set(vm->vcpu, REG_X(27), RAM_GPA + STOP);
	set(vm->vcpu, REG_X(28), MMIO_GPA);
}

static void live(enum way way, unsigned pages, const char *what)
{
	struct live l = { .way = way, .pages = pages };
	uint64_t bits[2], missing = 0, wrong = 0;
	pthread_t thread;
	void *ret;

	furnish(&l);
	must(-pthread_create(&thread, NULL, run, &l));
	wait_writes(&l);
	for (unsigned round = 0; round < ROUNDS; round++) {
		take(&l, bits);
		wait_writes(&l);
		for (unsigned i = 0; i < PAGES; i++) {
			bool is = bits[i / 64] >> i % 64 & 1, may = !(i & 1) && i / 2 < pages;

			missing += may && !is;
			wrong += is && !may;
		}
	}
	__atomic_store_n((uint64_t *)(l.vm.ram + STOP), 1, __ATOMIC_RELEASE);
	pthread_join(thread, &ret);
	check_eq((long)ret, KVM_EXIT_MMIO, "the guest was told to end");
	printf("# %s\n", what);
	check_eq(missing, 0, "pages written again are reported again");
	check_eq(wrong, 0, "others are not");
	vm_drop(&l.vm);
}

int main(void)
{
	live(GET, 2, "GET_DIRTY_LOG, two pages");
	live(GET, 40, "GET_DIRTY_LOG, forty");
	live(CLEAR, 2, "CLEAR_DIRTY_LOG, two");
	live(CLEAR, 40, "CLEAR_DIRTY_LOG, forty");
	live(RING, 2, "a ring, two");
	live(RING, 40, "a ring, forty");
	return report();
}
