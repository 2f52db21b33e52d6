// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who takes a shared event for any PE: one that sleeps in WFI before one whose thread waits for memory, which may take long
 * (here: until the VMM has copied the page), and before one that is suspended; and another one, if the first that it was
 * offered to leaves KVM_RUN at that moment and does not come back. docs/abi/sdei.md.
 */
#include <sched.h>

#include <linux/userfaultfd.h>
#include <nestbox/kvm.h>

#include "kvm.h"

#define EV_S		0x40000100u
#define PAGE		4096UL
#define FAR_GPA		0x80000000UL	/* nobody has touched it */
#define LIMIT		60000		/* ms */

static const struct {
	struct kvm_nb_sdei_events head;
	struct kvm_nb_sdei_event e[1];
} map = { .head.nr = 1, .e = { { .event = EV_S, .flags = KVM_NB_SDEI_EVENT_SHARED } } };

#define CALL(fn)	"movz x0, #" #fn "; movk x0, #0xc400, lsl #16; hvc #0;"
#define EV		"movz x1, #0x100; movk x1, #0x4000, lsl #16;"

/* x26 is the number of the vCPU: the first registers and reads memory, the second waits. The handler says who it is. */
GUEST(route,
	"cbnz x26, 1f;"
	EV "add x2, x27, #0x200; mov x3, #0; mov x4, #0; mov x5, #0;" CALL(0x21)
	EV CALL(0x22)
	"1:" CALL(0x2c) "str x0, [x28];"
	"cbnz x26, 2f; ldr x0, [x25]; str x0, [x28]; b .;"
	"2: wfi; b 2b;"
	".org guest_route + 0x200; add x0, x26, #0x70; str x0, [x28]; mov x1, #0;" CALL(0x25) "b .");

struct runner {
	pthread_t thread;
	int vcpu, stats;
	struct kvm_run *run;
	int64_t says[2];
	unsigned int n;
};

static void *runner_main(void *arg)
{
	struct runner *r = arg;
	int64_t v;

	while (r->n < 2) {
		if (ioctl(r->vcpu, KVM_RUN, 0) < 0)
			return NULL;
		v = -r->run->exit_reason;
		if (r->run->exit_reason == KVM_EXIT_MMIO)
			memcpy(&v, r->run->mmio.data, 8);
		r->says[r->n] = v;
		__atomic_store_n(&r->n, r->n + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static bool said(struct runner *r, unsigned int n)
{
	uint64_t end = now_ms() + LIMIT;

	while (__atomic_load_n(&r->n, __ATOMIC_ACQUIRE) < n && now_ms() < end)
		msleep(1);
	return __atomic_load_n(&r->n, __ATOMIC_ACQUIRE) >= n;
}

/* Until a vCPU sleeps, by its statistics. */
static bool blocks(int fd)
{
	uint64_t end = now_ms() + LIMIT;
	struct kvm_stats_header h;
	int64_t blocking = 0;
	unsigned int i;

	must(pread(fd, &h, sizeof(h), 0) == sizeof(h) ? 0 : -1);
	for (i = 0; i < h.num_desc && !blocking;) {
		size_t size = sizeof(struct kvm_stats_desc) + h.name_size;
		char room[sizeof(struct kvm_stats_desc) + 256];
		struct kvm_stats_desc *d = (void *)room;

		must(pread(fd, room, size, h.desc_offset + i * size));
		if (strcmp(d->name, "blocking")) {
			i++;
			continue;
		}
		must(pread(fd, &blocking, 8, h.data_offset + d->offset));
		if (now_ms() > end)
			break;
		if (!blocking)
			msleep(1);
	}
	return blocking;
}

static struct runner runner_make(int fd, int id, size_t run_size)
{
	struct runner r = { .vcpu = must(ioctl(fd, KVM_CREATE_VCPU, (long)id)) };

	must(vcpu_init_features(fd, r.vcpu, 1 << KVM_ARM_VCPU_PSCI_0_2));
	r.run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, r.vcpu, 0);
	must((long)r.run);
	r.stats = must(ioctl(r.vcpu, KVM_GET_STATS_FD, 0));	/* now: KVM_RUN keeps other ioctls out */
	set(r.vcpu, REG_PC, RAM_GPA);
	set(r.vcpu, REG_X(25), FAR_GPA);
	set(r.vcpu, REG_X(26), id);
	set(r.vcpu, REG_X(27), RAM_GPA);
	set(r.vcpu, REG_X(28), MMIO_GPA);
	return r;
}

static uint8_t *memory(uint64_t size)
{
	uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must((long)p);
	return p;
}

static int watched(uint8_t *p)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register r = { .range = { (uintptr_t)p, PAGE }, .mode = UFFDIO_REGISTER_MODE_MISSING };
	int u = must(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));

	must(ioctl(u, UFFDIO_API, &api));
	must(ioctl(u, UFFDIO_REGISTER, &r));
	return u;
}

/* A VM with the event and this code in its memory. */
static int machine(int kvm, const char *from, const char *to)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_NB_SDEI };
	struct kvm_device_attr a = { .group = KVM_NB_VM_SDEI, .attr = KVM_NB_SDEI_EVENTS, .addr = (uintptr_t)&map };
	int fd = must(ioctl(kvm, KVM_CREATE_VM, 0));
	uint8_t *ram = memory(RAM_SIZE);

	must(ioctl(fd, KVM_ENABLE_CAP, &cap));
	must(ioctl(fd, KVM_SET_DEVICE_ATTR, &a));
	must(set_slot(fd, 0, 0, RAM_GPA, RAM_SIZE, ram));
	memcpy(ram, from, to - from);
	return fd;
}

static void inject(int fd)
{
	struct kvm_nb_sdei_inject in = { .event = EV_S };
	struct kvm_device_attr a = { .group = KVM_NB_VM_SDEI, .attr = KVM_NB_SDEI_INJECT, .addr = (uintptr_t)&in };

	must(ioctl(fd, KVM_SET_DEVICE_ATTR, &a));
}

static void routes(int kvm)
{
	int fd = machine(kvm, guest_route, guest_route_end), i, u;
	size_t run_size = must(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	uint8_t *far = memory(PAGE), *page = memory(PAGE);
	struct uffdio_copy c = { (uintptr_t)far, (uintptr_t)page, PAGE, 0, 0 };
	struct pollfd pf = { .events = POLLIN };
	struct runner r[2];

	must(set_slot(fd, 1, 0, FAR_GPA, PAGE, far));
	page[0] = 42;
	pf.fd = u = watched(far);
	for (i = 0; i < 2; i++)
		r[i] = runner_make(fd, i, run_size);
	must(pthread_create(&r[0].thread, NULL, runner_main, &r[0]) ? -1 : 0);
	check(said(&r[0], 1) && !r[0].says[0], "the first is ready");
	check(poll(&pf, 1, LIMIT) == 1, "and waits for memory");
	must(pthread_create(&r[1].thread, NULL, runner_main, &r[1]) ? -1 : 0);
	check(said(&r[1], 1) && !r[1].says[0], "the second is ready");
	check(blocks(r[1].stats), "and in WFI");

	inject(fd);
	check(said(&r[1], 2), "it takes the event");
	check_eq(r[1].says[1], 0x71, "its handler says so");
	must(ioctl(u, UFFDIO_COPY, &c));
	check(said(&r[0], 2), "the first goes on");
	check_eq(r[0].says[1], 42, "with what it read");
	if (!tests_failed)
		for (i = 0; i < 2; i++)
			pthread_join(r[i].thread, NULL);
}

/* The first registers, is stopped by the VMM and suspended in KVM_RUN; the second waits. */
static void suspends(int kvm)
{
	struct kvm_mp_state suspended = { .mp_state = KVM_MP_STATE_SUSPENDED };
	int fd = machine(kvm, guest_route, guest_route_end);
	size_t run_size = must(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	struct runner r[2];
	int i;

	for (i = 0; i < 2; i++)
		r[i] = runner_make(fd, i, run_size);
	must(ioctl(r[0].vcpu, KVM_RUN, 0));
	check_eq(r[0].run->exit_reason, KVM_EXIT_MMIO, "the first is ready");
	must(ioctl(r[0].vcpu, KVM_SET_MP_STATE, &suspended));
	must(pthread_create(&r[0].thread, NULL, runner_main, &r[0]) ? -1 : 0);
	check(blocks(r[0].stats), "and suspended");
	must(pthread_create(&r[1].thread, NULL, runner_main, &r[1]) ? -1 : 0);
	check(said(&r[1], 1) && !r[1].says[0], "the second is ready");
	check(blocks(r[1].stats), "and in WFI");
	inject(fd);
	check(said(&r[1], 2), "it takes the event, not the one that is suspended");
	check_eq(r[1].says[1], 0x71, "its handler says so");
}

/* The first registers and goes to the VMM again and again; the second waits. */
GUEST(leave,
	"cbnz x26, 1f;"
	EV "add x2, x27, #0x200; mov x3, #0; mov x4, #0; mov x5, #0;" CALL(0x21)
	EV CALL(0x22)
	"1:" CALL(0x2c) "str x0, [x28];"
	"cbnz x26, 3f; 2: mov x2, #300; 4: subs x2, x2, #1; b.ne 4b; str xzr, [x28]; b 2b;"
	"3: wfi; b 3b;"
	".org guest_leave + 0x200; add x0, x26, #0x70; str x0, [x28]; mov x1, #0;" CALL(0x25) "b .");

#define ROUNDS	1500

static unsigned int taken, wanted, by_second, ready;
static bool stops;

/* Runs; out of KVM_RUN while an event waits that has not been taken, it stays there. */
static void *leaver_main(void *arg)
{
	struct runner *r = arg;

	for (;;) {
		int64_t v = 0;

		if (ioctl(r->vcpu, KVM_RUN, 0) < 0)
			return NULL;
		memcpy(&v, r->run->mmio.data, 8);
		if (!r->n++)
			__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
		if (v == 0x71)
			by_second++;
		if (v >= 0x70)
			__atomic_fetch_add(&taken, 1, __ATOMIC_SEQ_CST);
		while (r->vcpu >= 0 && __atomic_load_n(&stops, __ATOMIC_SEQ_CST) &&
		       __atomic_load_n(&taken, __ATOMIC_SEQ_CST) < __atomic_load_n(&wanted, __ATOMIC_SEQ_CST))
			sched_yield();
	}
}

static bool reaches(unsigned int *count, unsigned int n)
{
	uint64_t end = now_ms() + LIMIT;

	while (__atomic_load_n(count, __ATOMIC_SEQ_CST) < n && now_ms() < end)
		sched_yield();
	return __atomic_load_n(count, __ATOMIC_SEQ_CST) >= n;
}

static void leaves(int kvm)
{
	int fd = machine(kvm, guest_leave, guest_leave_end);
	size_t run_size = must(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	static struct runner r[2];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		r[i] = runner_make(fd, i, run_size);
		must(pthread_create(&r[i].thread, NULL, leaver_main, &r[i]) ? -1 : 0);
		check(reaches(&ready, i + 1), i ? "the second runs" : "the first runs");
	}
	for (i = 0; i < ROUNDS && !tests_failed; i++) {
		__atomic_store_n(&wanted, i + 1, __ATOMIC_SEQ_CST);
		if (i & 1)	/* it may leave before the event comes, or as it comes */
			__atomic_store_n(&stops, true, __ATOMIC_SEQ_CST);
		inject(fd);
		__atomic_store_n(&stops, true, __ATOMIC_SEQ_CST);
		if (!reaches(&taken, i + 1))
			check(false, "an event was offered to a PE that left, and to nobody else");
		__atomic_store_n(&stops, false, __ATOMIC_SEQ_CST);
	}
	printf("# %u events, %u for the PE in WFI\n", taken, by_second);
	check_eq(taken, ROUNDS, "each event is taken once");
}

int main(void)
{
	int kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC));

	if (ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_NB_SDEI) > 0)
		routes(kvm), suspends(kvm), leaves(kvm);
	else
		check(true, "this host has no SDEI");
	return report();
}
