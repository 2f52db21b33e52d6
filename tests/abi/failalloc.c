// SPDX-License-Identifier: GPL-2.0-only
/*
 * A feature and what it allocates come together, or an error leaves neither: for each call that allocates, the first
 * allocation in it fails, then the second and so on, until it goes through. After each failure (ENOMEM) the object must be as
 * before, and the same call on it must succeed in the end. Nestbox's own (fail_nth): nothing to see elsewhere.
 */
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#include "gic.h"
#include "kvm_el2.h"
#include <nestbox/kvm.h>

#define FAIL_NTH	"/sys/kernel/debug/fail_nth"
#define LIMIT		5000		/* allocations of one call: more means that the count does not work */
#define ITS_GPA		0x08080000UL

static int fail_fd, kvm_fd;
static struct kvm_vcpu_init target;
static struct { uint8_t page[RAM_SIZE]; } ram __attribute__((aligned(4096)));

/* What the calls below work on; made anew for each of them. */
struct scene {
	int vm, vcpu, gic, its, event[2];
	struct kvm_run *run;
	int got;			/* descriptor that the call gave, or 0 */
};

struct step {
	const char *name;
	void (*setup)(struct scene *s);
	int (*call)(struct scene *s);
	bool (*absent)(struct scene *s);	/* after a failure; NULL: nothing shows it */
	bool (*present)(struct scene *s);	/* after success */
};

static void arm(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	must(pwrite(fail_fd, text, len, 0));
}

/* Stop counting; did an allocation fail? */
static bool disarm(void)
{
	char text[16] = "";

	arm(0);
	must(pread(fail_fd, text, sizeof(text) - 1, 0));
	return !atoi(text);
}

/* ---- scenes ---- */

static void with_vm(struct scene *s)
{
	s->vm = must(ioctl(kvm_fd, KVM_CREATE_VM, 0));
}

static void with_vcpu(struct scene *s)
{
	with_vm(s);
	s->vcpu = must(ioctl(s->vm, KVM_CREATE_VCPU, 0));
}

static int init_with(struct scene *s, uint32_t features)
{
	struct kvm_vcpu_init init = target;

	init.features[0] |= 1 << KVM_ARM_VCPU_PSCI_0_2 | features;
	return ioctl(s->vcpu, KVM_ARM_VCPU_INIT, &init);
}

static void with_init(struct scene *s)
{
	with_vcpu(s);
	must(init_with(s, 0));
}

static void with_ram(struct scene *s)
{
	with_init(s);
	must(set_slot(s->vm, 0, 0, RAM_GPA, RAM_SIZE, &ram));
}

static void with_gic(struct scene *s)
{
	struct kvm_create_device d = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	uint64_t dist = GICD;

	with_ram(s);
	must(ioctl(s->vm, KVM_CREATE_DEVICE, &d));
	s->gic = d.fd;
	must(attr(s->gic, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist));
}

static uint64_t region = 1UL << 52 | GICR;

static void with_region(struct scene *s)
{
	with_gic(s);
	must(attr(s->gic, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, &region));
}

static int gic_init(struct scene *s)
{
	return attr(s->gic, SET, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
}

static void with_gic_ready(struct scene *s)
{
	with_region(s);
	must(gic_init(s));
	s->event[0] = must(eventfd(0, 0));
	s->event[1] = must(eventfd(0, 0));
}

static void with_its(struct scene *s)
{
	struct kvm_create_device d = { .type = KVM_DEV_TYPE_ARM_VGIC_ITS };

	with_gic_ready(s);
	must(ioctl(s->vm, KVM_CREATE_DEVICE, &d));
	s->its = d.fd;
}

static void with_event(struct scene *s)
{
	with_vm(s);
	s->event[0] = must(eventfd(0, 0));
}

static void clear(struct scene *s)
{
	int fds[] = { s->got, s->its, s->gic, s->event[0], s->event[1], s->vcpu, s->vm };
	unsigned int i;

	if (s->run)
		munmap(s->run, 4096);
	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] > 0)
			close(fds[i]);
}

/* ---- the calls ---- */

static int got_fd(struct scene *s, int fd)
{
	s->got = fd;
	return fd;
}

static int create_vm(struct scene *s)
{
	return got_fd(s, ioctl(kvm_fd, KVM_CREATE_VM, 0));
}

static int create_vcpu(struct scene *s)
{
	return got_fd(s, ioctl(s->vm, KVM_CREATE_VCPU, 7));
}

static bool second_vcpu_fails(struct scene *s)
{
	return ioctl(s->vm, KVM_CREATE_VCPU, 7) == -1 && errno == EEXIST;
}

static void with_ring(struct scene *s)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DIRTY_LOG_RING_ACQ_REL, .args = { 65536 } };

	with_vm(s);
	must(ioctl(s->vm, KVM_ENABLE_CAP, &cap));
}

static bool uninitialised(struct scene *s)
{
	struct kvm_reg_list list = { .n = 0 };

	return ioctl(s->vcpu, KVM_GET_REG_LIST, &list) == -1 && errno == ENOEXEC;
}

static bool initialised(struct scene *s)
{
	struct kvm_reg_list list = { .n = 0 };

	return ioctl(s->vcpu, KVM_GET_REG_LIST, &list) == -1 && errno == E2BIG;
}

/* What can be had before the vectors are there. */
static bool sve_lengths(struct scene *s)
{
	uint64_t vls[KVM_ARM64_SVE_VLS_WORDS];

	return !get_reg(s->vcpu, KVM_REG_ARM64_SVE_VLS, vls);
}

static int init_pmu(struct scene *s) { return init_with(s, 1 << KVM_ARM_VCPU_PMU_V3); }
static int init_sve(struct scene *s) { return init_with(s, 1 << KVM_ARM_VCPU_SVE); }
static int init_el2(struct scene *s) { return init_with(s, EL2); }
static int init_plain(struct scene *s) { return init_with(s, 0); }

static void with_sve(struct scene *s)
{
	with_vcpu(s);
	must(init_sve(s));
}

static int finalize(struct scene *s)
{
	int feature = KVM_ARM_VCPU_SVE;

	return ioctl(s->vcpu, KVM_ARM_VCPU_FINALIZE, &feature);
}

static bool sve_registers(struct scene *s)
{
	uint8_t z[256];

	return !get_reg(s->vcpu, KVM_REG_ARM64_SVE_ZREG(0, 0), z);
}

static bool no_sve_registers(struct scene *s)
{
	uint8_t z[256];

	return get_reg(s->vcpu, KVM_REG_ARM64_SVE_ZREG(0, 0), z) == -1 && errno == EPERM;
}

static void with_pmu(struct scene *s)
{
	with_vcpu(s);
	must(init_pmu(s));
}

static int pmu_filter(struct scene *s)
{
	struct kvm_pmu_event_filter f = { .base_event = 0x10, .nevents = 1, .action = KVM_PMU_EVENT_DENY };

	return attr(s->vcpu, SET, KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_FILTER, &f);
}

static int create_gic(struct scene *s)
{
	struct kvm_create_device d = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	int r = ioctl(s->vm, KVM_CREATE_DEVICE, &d);

	return r ? r : got_fd(s, d.fd);
}

static bool spi_line(struct scene *s)
{
	struct kvm_irq_level l = { .irq = KVM_ARM_IRQ_TYPE_SPI << 24 | 40 };

	return !ioctl(s->vm, KVM_IRQ_LINE, &l);
}

static bool no_gic(struct scene *s)
{
	struct kvm_irq_level l = { .irq = KVM_ARM_IRQ_TYPE_SPI << 24 | 40 };

	return ioctl(s->vm, KVM_IRQ_LINE, &l) == -1 && errno == ENXIO;
}

static int set_region(struct scene *s)
{
	return attr(s->gic, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, &region);
}

static bool has_region(struct scene *s)
{
	uint64_t r = 0;

	return !attr(s->gic, GET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, &r) && r == region;
}

static bool no_region(struct scene *s)
{
	uint64_t r = 0;

	return attr(s->gic, GET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, &r) == -1 && errno == ENOENT;
}

/* Only before the initialisation may the number of interrupts be set. */
static bool gic_not_ready(struct scene *s)
{
	uint32_t n = 96;

	return attr(s->gic, SET, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &n) == 0 || errno != EBUSY;
}

static bool gic_ready(struct scene *s)
{
	return ioctl(s->vm, KVM_CREATE_VCPU, 1) == -1 && errno == EBUSY;
}

static int create_its(struct scene *s)
{
	struct kvm_create_device d = { .type = KVM_DEV_TYPE_ARM_VGIC_ITS };
	int r = ioctl(s->vm, KVM_CREATE_DEVICE, &d);

	return r ? r : got_fd(s, d.fd);
}

static int its_init(struct scene *s)
{
	return attr(s->its, SET, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
}

static int its_address(struct scene *s)
{
	uint64_t base = ITS_GPA;

	return attr(s->its, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, &base);
}

static int irqfd(struct scene *s)
{
	struct kvm_irqfd f = {
		.fd = s->event[0], .gsi = 4, .flags = KVM_IRQFD_FLAG_RESAMPLE, .resamplefd = s->event[1],
	};

	return ioctl(s->vm, KVM_IRQFD, &f);
}

static bool irqfd_busy(struct scene *s)
{
	return irqfd(s) == -1 && errno == EBUSY;
}

static int ioeventfd(struct scene *s)
{
	struct kvm_ioeventfd e = { .addr = MMIO_GPA, .len = 4, .fd = s->event[0] };

	return ioctl(s->vm, KVM_IOEVENTFD, &e);
}

static bool ioeventfd_exists(struct scene *s)
{
	return ioeventfd(s) == -1 && errno == EEXIST;
}

static bool no_ioeventfd(struct scene *s)
{
	struct kvm_ioeventfd e = { .addr = MMIO_GPA, .len = 4, .fd = s->event[0], .flags = KVM_IOEVENTFD_FLAG_DEASSIGN };

	return ioctl(s->vm, KVM_IOEVENTFD, &e) == -1 && errno == ENOENT;
}

static int routing(struct scene *s)
{
	struct { struct kvm_irq_routing r; struct kvm_irq_routing_entry e[2]; } r = {
		.r.nr = 2,
		.e[0] = { .gsi = 1, .type = KVM_IRQ_ROUTING_IRQCHIP, .u.irqchip.pin = 1 },
		.e[1] = { .gsi = 2, .type = KVM_IRQ_ROUTING_IRQCHIP, .u.irqchip.pin = 2 },
	};

	return ioctl(s->vm, KVM_SET_GSI_ROUTING, &r);
}

static int new_slot(struct scene *s)
{
	return set_slot(s->vm, 3, KVM_MEM_LOG_DIRTY_PAGES, RAM_GPA, RAM_SIZE, &ram);
}

static bool slot_exists(struct scene *s)
{
	struct kvm_dirty_log log = { .slot = 3, .dirty_bitmap = (uint64_t[RAM_SIZE >> 18]){ } };

	return !ioctl(s->vm, KVM_GET_DIRTY_LOG, &log);
}

static bool no_slot(struct scene *s)
{
	return !slot_exists(s) && errno == ENOENT && set_slot(s->vm, 3, 0, 0, 0, NULL) == -1;
}

static int log_slot(struct scene *s)
{
	return set_slot(s->vm, 0, KVM_MEM_LOG_DIRTY_PAGES, RAM_GPA, RAM_SIZE, &ram);
}

static bool slot_logged(struct scene *s)
{
	struct kvm_dirty_log log = { .slot = 0, .dirty_bitmap = (uint64_t[RAM_SIZE >> 18]){ } };

	return !ioctl(s->vm, KVM_GET_DIRTY_LOG, &log);
}

static bool slot_not_logged(struct scene *s)
{
	return !slot_logged(s) && errno == ENOENT;
}

static int delete_slot(struct scene *s)
{
	return set_slot(s->vm, 0, 0, RAM_GPA, 0, &ram);
}

static bool slot_there(struct scene *s)
{
	return set_slot(s->vm, 9, 0, RAM_GPA, 4096, &ram) == -1 && errno == EEXIST;
}

static int zone(struct scene *s)
{
	struct kvm_coalesced_mmio_zone z = { .addr = MMIO_GPA, .size = 16 };

	return ioctl(s->vm, KVM_REGISTER_COALESCED_MMIO, &z);
}

static int smccc_filter(struct scene *s)
{
	struct kvm_smccc_filter f = { .base = 0xc6000000, .nr_functions = 8, .action = KVM_SMCCC_FILTER_DENY };

	return attr(s->vm, SET, KVM_ARM_VM_SMCCC_CTRL, KVM_ARM_VM_SMCCC_FILTER, &f);
}

static bool filter_exists(struct scene *s)
{
	return smccc_filter(s) == -1 && errno == EEXIST;
}

static int guest_debug(struct scene *s)
{
	struct kvm_guest_debug d = { .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW };

	return ioctl(s->vcpu, KVM_SET_GUEST_DEBUG, &d);
}

static int vm_stats(struct scene *s) { return got_fd(s, ioctl(s->vm, KVM_GET_STATS_FD, 0)); }
static int vcpu_stats(struct scene *s) { return got_fd(s, ioctl(s->vcpu, KVM_GET_STATS_FD, 0)); }

#define CCSIDR_L1D (KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_DEMUX | KVM_REG_ARM_DEMUX_ID_CCSIDR)

/* Another number of sets, which takes a table of the vCPU's own. */
static int set_ccsidr(struct scene *s)
{
	uint32_t v;

	return get_reg(s->vcpu, CCSIDR_L1D, &v) ? -1 : (v ^= 1 << 13, set_reg(s->vcpu, CCSIDR_L1D, &v));
}

static int opt_in(struct scene *s)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_NB_SDEI };

	return ioctl(s->vm, KVM_ENABLE_CAP, &cap);
}

static void with_sdei(struct scene *s)
{
	with_vm(s);
	must(opt_in(s));
}

static int ring(struct scene *s)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DIRTY_LOG_RING_ACQ_REL, .args = { 65536 } };

	return ioctl(s->vm, KVM_ENABLE_CAP, &cap);
}

GUEST(store, "str x0, [x1]; str x0, [x28]; b .");

static void with_guest(struct scene *s)
{
	with_gic_ready(s);
	memcpy(&ram, guest_store, guest_store_end - guest_store);
	set(s->vcpu, REG_PC, RAM_GPA);
	set(s->vcpu, REG_X(0), 42);
	set(s->vcpu, REG_X(1), RAM_GPA + 0x300000);
	set(s->vcpu, REG_X(28), MMIO_GPA);
	s->run = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s->vcpu, 0);
	must((long)s->run);
	((volatile uint8_t *)&ram)[0x300000] = 0;
}

static int run(struct scene *s)
{
	return ioctl(s->vcpu, KVM_RUN, 0);
}

/* Nothing of the guest is lost: it stands where it stood. */
static bool not_run(struct scene *s)
{
	return reg(s->vcpu, REG_PC) - RAM_GPA <= 4 && reg(s->vcpu, REG_X(0)) == 42;
}

static bool has_run(struct scene *s)
{
	return s->run->exit_reason == KVM_EXIT_MMIO && s->run->mmio.data[0] == 42 && ram.page[0x300000] == 42;
}

static const struct step steps[] = {
	{ "KVM_CREATE_VM", with_vm, create_vm, NULL, NULL },
	{ "KVM_CREATE_VCPU", with_vm, create_vcpu, NULL, second_vcpu_fails },
	{ "KVM_CREATE_VCPU with a dirty ring", with_ring, create_vcpu, NULL, second_vcpu_fails },
	{ "KVM_CREATE_VCPU with a vGIC", with_gic, create_vcpu, NULL, second_vcpu_fails },
	{ "KVM_CREATE_VCPU with SDEI", with_sdei, create_vcpu, NULL, second_vcpu_fails },
	{ "KVM_ARM_VCPU_INIT", with_vcpu, init_plain, uninitialised, initialised },
	{ "KVM_ARM_VCPU_INIT, PMU_V3", with_vcpu, init_pmu, uninitialised, initialised },
	{ "KVM_ARM_VCPU_INIT, SVE", with_vcpu, init_sve, uninitialised, sve_lengths },
	{ "KVM_ARM_VCPU_INIT, HAS_EL2", with_vcpu, init_el2, uninitialised, initialised },
	{ "KVM_ARM_VCPU_FINALIZE, SVE", with_sve, finalize, no_sve_registers, sve_registers },
	{ "PMU filter", with_pmu, pmu_filter, NULL, NULL },
	{ "KVM_CREATE_DEVICE, vGICv3", with_vm, create_gic, no_gic, NULL },
	{ "redistributor region", with_gic, set_region, no_region, has_region },
	{ "vGIC initialisation", with_region, gic_init, gic_not_ready, gic_ready },
	{ "KVM_CREATE_DEVICE, ITS", with_gic_ready, create_its, NULL, NULL },
	{ "ITS address", with_its, its_address, NULL, NULL },
	{ "ITS initialisation", with_its, its_init, NULL, NULL },
	{ "KVM_IRQFD with resampling", with_gic_ready, irqfd, NULL, irqfd_busy },
	{ "KVM_IOEVENTFD", with_event, ioeventfd, no_ioeventfd, ioeventfd_exists },
	{ "KVM_SET_GSI_ROUTING", with_gic_ready, routing, spi_line, spi_line },
	{ "memory slot with a dirty log", with_vm, new_slot, no_slot, slot_exists },
	{ "dirty log of a slot", with_ram, log_slot, slot_not_logged, slot_logged },
	{ "deleted slot", with_ram, delete_slot, slot_there, NULL },
	{ "KVM_REGISTER_COALESCED_MMIO", with_vm, zone, NULL, NULL },
	{ "SMCCC filter", with_vm, smccc_filter, NULL, filter_exists },
	{ "KVM_SET_GUEST_DEBUG", with_init, guest_debug, NULL, NULL },
	{ "KVM_GET_STATS_FD, VM", with_vm, vm_stats, NULL, NULL },
	{ "KVM_GET_STATS_FD, vCPU", with_vcpu, vcpu_stats, NULL, NULL },
	{ "cache geometry", with_init, set_ccsidr, NULL, NULL },
	{ "KVM_ENABLE_CAP, SDEI", with_vm, opt_in, NULL, NULL },
	{ "KVM_ENABLE_CAP, dirty ring", with_vm, ring, NULL, NULL },
	{ "KVM_RUN, the first", with_guest, run, not_run, has_run },
};

static unsigned int fds_open(void)
{
	unsigned int n = 0;
	int fd;

	for (fd = 0; fd < 64; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* false: not as it must be, and said. @fails: how many allocations there were to fail. */
static bool go_through(const struct step *st, unsigned int *fails)
{
	struct scene s = { 0 };
	unsigned int n, fds;
	bool fired, ok = true;
	int r, err;

	st->setup(&s);
	fds = fds_open();
	for (n = 1; ok && n < LIMIT; n++) {
		arm(n);
		errno = 0;
		r = st->call(&s);
		err = errno;
		fired = disarm();
		if (r >= 0)
			break;
		if (!fired || err != ENOMEM)
			printf("# %s: allocation %u %s, errno %d\n", st->name, n, fired ? "failed" : "not reached", err);
		ok = fired && err == ENOMEM;
		s.got = 0;
		if (ok && fds_open() != fds) {
			printf("# %s: a descriptor is left when allocation %u has failed\n", st->name, n);
			ok = false;
		}
		if (ok && st->absent && !st->absent(&s)) {
			printf("# %s: not as before when allocation %u has failed, errno %d\n", st->name, n, errno);
			ok = false;
		}
	}
	if (ok && n == LIMIT) {
		printf("# %s: no end\n", st->name);
		ok = false;
	}
	if (ok && st->present && !st->present(&s)) {
		printf("# %s: success, but it is not there, errno %d\n", st->name, errno);
		ok = false;
	}
	*fails = n - 1;
	clear(&s);
	return ok;
}

static long free_kib(void)
{
	struct sysinfo si;

	must(sysinfo(&si));
	return (long)((uint64_t)si.freeram * si.mem_unit >> 10);
}

/* A VMM that is out of descriptors must not be able to fill the kernel's memory with devices that nobody can close. */
static void no_descriptor(void)
{
	struct rlimit old, none;
	struct scene s = { 0 };
	long before;
	int i, r = -1;

	with_its(&s);
	must(getrlimit(RLIMIT_NOFILE, &old));
	none = old;
	none.rlim_cur = 0;
	must(setrlimit(RLIMIT_NOFILE, &none));
	before = free_kib();
	for (i = 0; i < 20000 && r < 0; i++)
		r = create_its(&s);
	check(r < 0 && errno == EMFILE, "no descriptor for a device: EMFILE");
	/* 20,000 of them would be more than 5 MiB. */
	check(before - free_kib() < 2048, "and no memory for it");
	must(setrlimit(RLIMIT_NOFILE, &old));
	clear(&s);
}

static bool offered(const struct step *st)
{
	if (st->call == init_el2)
		return el2_offered(kvm_fd);
	if (st->call == init_sve || st->call == finalize)
		return ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_SVE) > 0;
	return true;
}

int main(void)
{
	unsigned int i, fails;
	char name[100];
	bool ok;
	int vm;

	if (access(FAIL_NTH, F_OK)) {
		printf("# no %s: not a kernel of Nestbox made for tests\n", FAIL_NTH);
		check(true, "nothing to see");
		return report();
	}
	fail_fd = must(open(FAIL_NTH, O_RDWR));
	kvm_fd = must(open("/dev/kvm", O_RDWR));
	memset(&ram, 1, sizeof(ram));
	vm = must(ioctl(kvm_fd, KVM_CREATE_VM, 0));
	must(ioctl(vm, KVM_ARM_PREFERRED_TARGET, &target));
	close(vm);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (!offered(&steps[i]))
			continue;
		ok = go_through(&steps[i], &fails);
		snprintf(name, sizeof(name), "%s: %u allocations failed in turn", steps[i].name, fails);
		check(ok, name);
	}
	no_descriptor();
	return report();
}
