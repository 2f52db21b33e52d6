// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who takes a shared event for any PE: one that sleeps in WFI before one whose thread waits for memory, which may take long
 * (here: until the VMM has copied the page). docs/abi/sdei.md.
 */
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

static void routes(int kvm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_NB_SDEI };
	struct kvm_device_attr a = { .group = KVM_NB_VM_SDEI, .attr = KVM_NB_SDEI_EVENTS, .addr = (uintptr_t)&map };
	struct kvm_nb_sdei_inject in = { .event = EV_S };
	int fd = must(ioctl(kvm, KVM_CREATE_VM, 0)), i, u;
	size_t run_size = must(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	uint8_t *ram = memory(RAM_SIZE), *far = memory(PAGE), *page = memory(PAGE);
	struct uffdio_copy c = { (uintptr_t)far, (uintptr_t)page, PAGE, 0, 0 };
	struct pollfd pf = { .events = POLLIN };
	struct runner r[2];

	must(ioctl(fd, KVM_ENABLE_CAP, &cap));
	must(ioctl(fd, KVM_SET_DEVICE_ATTR, &a));
	must(set_slot(fd, 0, 0, RAM_GPA, RAM_SIZE, ram));
	must(set_slot(fd, 1, 0, FAR_GPA, PAGE, far));
	memcpy(ram, guest_route, guest_route_end - guest_route);
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

	a.attr = KVM_NB_SDEI_INJECT;
	a.addr = (uintptr_t)&in;
	must(ioctl(fd, KVM_SET_DEVICE_ATTR, &a));
	check(said(&r[1], 2), "it takes the event");
	check_eq(r[1].says[1], 0x71, "its handler says so");
	must(ioctl(u, UFFDIO_COPY, &c));
	check(said(&r[0], 2), "the first goes on");
	check_eq(r[0].says[1], 42, "with what it read");
	if (!tests_failed)
		for (i = 0; i < 2; i++)
			pthread_join(r[i].thread, NULL);
}

int main(void)
{
	int kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC));

	if (ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_NB_SDEI) > 0)
		routes(kvm);
	else
		check(true, "this host has no SDEI");
	return report();
}
