// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM and its vCPUs: creation in the order KVM wants, one thread per vCPU,
 * exits, and how everything stops. The exit status is decided once, by the
 * first to call vm_stop(); no lock, one atomic.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE		/* pthread_setname_np() */
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "control.h"
#include "sdei.h"
#include "vmm.h"

#define KICK_SIGNAL	SIGUSR1
#define MPIDR_AFFINITY	0xff00ffffffUL
#define DEFAULT_IPA_BITS 40
#define RUNNING		(-1)
#define CAP_ARM_EL2	240		/* KVM_CAP_ARM_EL2, newer than some headers */
#define CAP_ARM_EL2_E2H0	241		/* KVM_CAP_ARM_EL2_E2H0 */
#ifndef KVM_ARM_VCPU_HAS_EL2_E2H0
#define KVM_ARM_VCPU_HAS_EL2_E2H0 8
#endif

#define CORE_REG(member) (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
			  KVM_REG_ARM_CORE_REG(member))
#define MPIDR_EL1	ARM64_SYS_REG(3, 0, 0, 0, 5)

struct vcpu {
	unsigned int index;
	int fd;
	uint64_t mpidr;
	struct kvm_run *run;
	struct kvm_vcpu_init init;	/* as it was initialised, but switched on */
	pthread_t thread;
	void (*job)(struct vcpu *vcpu, void *arg);	/* of vcpu_call; under job_lock */
	void *job_arg;
	atomic_bool has_job;
};

static pthread_mutex_t job_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t job_done = PTHREAD_COND_INITIALIZER;

static struct vm *the_vm;
static atomic_int exit_status = RUNNING;
static int stop_fd = -1;

static void kick(int sig __attribute__((unused)))
{
	/* Its only purpose is to end KVM_RUN with EINTR. */
}

static void on_terminate(int sig __attribute__((unused)))
{
	static const char text[] = "nestvm: stopped by a signal\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(VMM_ERROR);
	vm_stop(VMM_ERROR);
}

void vm_stop(enum vmm_status status)
{
	int running = RUNNING;
	uint64_t one = 1;

	if (!atomic_compare_exchange_strong(&exit_status, &running, status))
		return;
	if (write(stop_fd, &one, sizeof(one)) < 0)
		_exit(VMM_ERROR);	/* cannot fail on a fresh eventfd */
}

static int capability(int fd, int cap)
{
	int ret = ioctl(fd, KVM_CHECK_EXTENSION, cap);

	return ret < 0 ? 0 : ret;
}

static uint64_t get_one_reg(const struct vcpu *vcpu, uint64_t id)
{
	uint64_t val = 0;
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&val };

	if (ioctl(vcpu->fd, KVM_GET_ONE_REG, &reg) < 0)
		return 0;
	return val;
}

static void set_one_reg(const struct vcpu *vcpu, uint64_t id, uint64_t val)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&val };

	if (ioctl(vcpu->fd, KVM_SET_ONE_REG, &reg) < 0)
		die_errno("KVM_SET_ONE_REG");
}

/* The type of VM to ask for: 0 is 40 bits of guest physical address. */
static unsigned long machine_type(const struct vm *vm)
{
	uint64_t last = RAM_BASE + vm->ram_size - 1;
	unsigned int need = 64 - __builtin_clzl(last);
	unsigned int limit = capability(vm->kvm_fd, KVM_CAP_ARM_VM_IPA_SIZE);

	if (!limit)
		limit = DEFAULT_IPA_BITS;
	if (need > limit)
		die(VMM_USAGE,
		    "%lu MiB of memory need %u bits of address, this machine has %u; use a smaller -m",
		    vm->ram_size >> 20, need, limit);
	if (need <= DEFAULT_IPA_BITS && limit >= DEFAULT_IPA_BITS)
		return 0;
	return KVM_VM_TYPE_ARM_IPA_SIZE(need > 32 ? need : limit);
}

void vm_create(struct vm *vm)
{
	unsigned int max;
	int version;

	vm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm_fd < 0)
		die(VMM_ERROR, "cannot open /dev/kvm: %s; is this a KVM host, and may you use it?",
		    strerror(errno));
	version = ioctl(vm->kvm_fd, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION)
		die(VMM_ERROR, "KVM has API version %d, nestvm needs %d", version, KVM_API_VERSION);
	max = capability(vm->kvm_fd, KVM_CAP_MAX_VCPUS);
	if (!max)
		max = 1;
	if (vm->nr_vcpus > max)
		die(VMM_USAGE, "this host has at most %u vCPUs for a guest; use a smaller -c", max);

	if (vm->aarch32 && !capability(vm->kvm_fd, KVM_CAP_ARM_EL1_32BIT))
		die(VMM_USAGE, "kernel '%s' is a 32-bit one, and this host's CPU has no AArch32 at EL1", vm->kernel);
	if (vm->nested && !capability(vm->kvm_fd, CAP_ARM_EL2))
		die(VMM_USAGE, "--nested: this host offers no EL2 to guests; that takes a CPU with FEAT_NV2");
	if (vm->nvhe && !capability(vm->kvm_fd, CAP_ARM_EL2_E2H0))
		die(VMM_USAGE, "--nested=nvhe: the CPUs of this host cannot do without VHE (HCR_EL2.NV1)");

	vm->vm_fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, machine_type(vm));
	if (vm->vm_fd < 0)
		die_errno("KVM_CREATE_VM");
	vm->run_size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (vm->run_size < sizeof(struct kvm_run))
		die(VMM_ERROR, "KVM_GET_VCPU_MMAP_SIZE is too small");
	if (capability(vm->vm_fd, KVM_CAP_ARM_SYSTEM_SUSPEND)) {
		struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_SYSTEM_SUSPEND };

		if (ioctl(vm->vm_fd, KVM_ENABLE_CAP, &cap) < 0)
			die_errno("enabling SYSTEM_SUSPEND");
	}
	if (vm->sdei)
		sdei_enable(vm);
}

/* The lengths up to the one asked for, then the registers' memory. */
static void sve_setup(const struct vm *vm, const struct vcpu *vcpu)
{
	uint64_t vls[KVM_ARM64_SVE_VLS_WORDS] = { };
	struct kvm_one_reg reg = { .id = KVM_REG_ARM64_SVE_VLS, .addr = (uintptr_t)vls };
	int feature = KVM_ARM_VCPU_SVE, quads = vm->vector_bits / 128;

	if (quads > 0) {
		if (ioctl(vcpu->fd, KVM_GET_ONE_REG, &reg) < 0)
			die_errno("KVM_GET_ONE_REG of the vector lengths");
		if (!(vls[0] >> (quads - 1) & 1))
			die(VMM_USAGE, "this host has no vectors of %d bits; use another -v",
			    vm->vector_bits);
		vls[0] &= (2UL << (quads - 1)) - 1;
		if (ioctl(vcpu->fd, KVM_SET_ONE_REG, &reg) < 0)
			die_errno("KVM_SET_ONE_REG of the vector lengths");
	}
	if (ioctl(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &feature) < 0)
		die_errno("KVM_ARM_VCPU_FINALIZE");
}

static void vcpu_create(struct vm *vm, unsigned int i, const struct kvm_vcpu_init *target)
{
	struct kvm_vcpu_init init = *target;
	struct vcpu *vcpu = &vm->vcpus[i];
	bool sve = !vm->aarch32 && vm->vector_bits && capability(vm->kvm_fd, KVM_CAP_ARM_SVE);

	vcpu->index = i;
	vcpu->fd = ioctl(vm->vm_fd, KVM_CREATE_VCPU, (unsigned long)i);
	if (vcpu->fd < 0)
		die_errno("KVM_CREATE_VCPU");
	vcpu->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		die_errno("mmap of kvm_run");
	init.features[0] |= 1U << KVM_ARM_VCPU_PSCI_0_2;
	if (vm->pmu)
		init.features[0] |= 1U << KVM_ARM_VCPU_PMU_V3;
	if (vm->nested)
		init.features[0] |= 1U << KVM_ARM_VCPU_HAS_EL2;
	if (vm->nvhe)
		init.features[0] |= 1U << KVM_ARM_VCPU_HAS_EL2_E2H0;
	if (vm->ptrauth)
		init.features[0] |= 1U << KVM_ARM_VCPU_PTRAUTH_ADDRESS | 1U << KVM_ARM_VCPU_PTRAUTH_GENERIC;
	if (vm->aarch32)
		init.features[0] |= 1U << KVM_ARM_VCPU_EL1_32BIT;
	if (i)
		init.features[0] |= 1U << KVM_ARM_VCPU_POWER_OFF;
	if (sve)
		init.features[0] |= 1U << KVM_ARM_VCPU_SVE;
	if (ioctl(vcpu->fd, KVM_ARM_VCPU_INIT, &init) < 0)
		die_errno("KVM_ARM_VCPU_INIT");
	vcpu->init = init;
	vcpu->init.features[0] &= ~(1U << KVM_ARM_VCPU_POWER_OFF);
	if (sve)
		sve_setup(vm, vcpu);
	vcpu->mpidr = get_one_reg(vcpu, MPIDR_EL1) & MPIDR_AFFINITY;
}

static int gic_attr(const struct vm *vm, unsigned int op, uint32_t group, uint64_t attr,
		    uint64_t *val)
{
	struct kvm_device_attr a = { .group = group, .attr = attr, .addr = (uintptr_t)val };

	return ioctl(vm->gic_fd, op, &a);
}

static void gic_set(const struct vm *vm, uint32_t group, uint64_t attr, void *val,
		    const char *what)
{
	if (gic_attr(vm, KVM_SET_DEVICE_ATTR, group, attr, val) < 0)
		die_errno(what);
}

/* Optional: a host may be without. */
static void its_create(struct vm *vm)
{
	struct kvm_create_device dev = { .type = KVM_DEV_TYPE_ARM_VGIC_ITS };
	uint64_t base = ITS_BASE;
	struct kvm_device_attr addr = {
		.group = KVM_DEV_ARM_VGIC_GRP_ADDR, .attr = KVM_VGIC_ITS_ADDR_TYPE, .addr = (uintptr_t)&base,
	};
	struct kvm_device_attr init = {
		.group = KVM_DEV_ARM_VGIC_GRP_CTRL, .attr = KVM_DEV_ARM_VGIC_CTRL_INIT,
	};

	vm->its_fd = -1;
	if (ioctl(vm->vm_fd, KVM_CREATE_DEVICE, &dev) < 0)
		return;
	vm->its_fd = dev.fd;
	if (ioctl(dev.fd, KVM_SET_DEVICE_ATTR, &addr) < 0 || ioctl(dev.fd, KVM_SET_DEVICE_ATTR, &init) < 0)
		die_errno("ITS");
}

static void gic_create(struct vm *vm)
{
	struct kvm_create_device dev = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	uint64_t dist = GICD_BASE, redist = GICR_BASE;
	/* Count in bits 52 and up, base in the middle, index 0 below. */
	uint64_t region = (uint64_t)vm->nr_vcpus << 52 | GICR_BASE;
	uint32_t nr_irqs = GIC_NR_IRQS;

	if (ioctl(vm->vm_fd, KVM_CREATE_DEVICE, &dev) < 0)
		die(VMM_ERROR, "cannot create a GICv3: %s; this host offers none",
		    strerror(errno));
	vm->gic_fd = dev.fd;
	gic_set(vm, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist, "GIC distributor");
	if (!gic_attr(vm, KVM_HAS_DEVICE_ATTR, KVM_DEV_ARM_VGIC_GRP_ADDR,
		      KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, NULL))
		gic_set(vm, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION,
			&region, "GIC redistributor region");
	else
		gic_set(vm, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST,
			&redist, "GIC redistributors");
	gic_set(vm, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr_irqs, "number of GIC interrupts");
	gic_set(vm, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL, "GIC initialisation");
}

/* Overflow interrupt and the rest of a vCPU's PMU; the GIC is there. */
static void pmu_init(const struct vcpu *vcpu)
{
	int irq = 16 + PMU_PPI;
	struct kvm_device_attr a = { .group = KVM_ARM_VCPU_PMU_V3_CTRL, .attr = KVM_ARM_VCPU_PMU_V3_IRQ,
				     .addr = (uintptr_t)&irq };

	if (ioctl(vcpu->fd, KVM_SET_DEVICE_ATTR, &a) < 0)
		die_errno("PMU interrupt");
	a.attr = KVM_ARM_VCPU_PMU_V3_INIT;
	if (ioctl(vcpu->fd, KVM_SET_DEVICE_ATTR, &a) < 0)
		die_errno("PMU initialisation");
}

void vm_create_vcpus(struct vm *vm)
{
	struct kvm_vcpu_init target = { };
	unsigned int i;

	if (vm->pmu && ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_PMU_V3) <= 0)
		die(VMM_USAGE, "--pmu: this host has no performance monitor for guests");
	if (ioctl(vm->vm_fd, KVM_ARM_PREFERRED_TARGET, &target) < 0)
		die_errno("KVM_ARM_PREFERRED_TARGET");
	vm->vcpus = calloc(vm->nr_vcpus, sizeof(*vm->vcpus));
	if (!vm->vcpus)
		die_errno("vCPUs");
	for (i = 0; i < vm->nr_vcpus; i++)
		vcpu_create(vm, i, &target);
	gic_create(vm);
	its_create(vm);
	for (i = 0; vm->pmu && i < vm->nr_vcpus; i++)
		pmu_init(&vm->vcpus[i]);
}

uint64_t vcpu_mpidr(const struct vm *vm, unsigned int i)
{
	return vm->vcpus[i].mpidr;
}

void irq_line(unsigned int spi, bool level)
{
	struct kvm_irq_level irq = {
		.irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | (32 + spi),
		.level = level,
	};

	ioctl(the_vm->vm_fd, KVM_IRQ_LINE, &irq);
}

void ppi_line(unsigned int i, unsigned int intid, bool level)
{
	struct kvm_irq_level irq = {
		.irq = KVM_ARM_IRQ_TYPE_PPI << KVM_ARM_IRQ_TYPE_SHIFT |
		       (i >> 8) << KVM_ARM_IRQ_VCPU2_SHIFT | (i & 0xff) << KVM_ARM_IRQ_VCPU_SHIFT | intid,
		.level = level,
	};

	ioctl(the_vm->vm_fd, KVM_IRQ_LINE, &irq);
}

static void __attribute__((format(printf, 2, 3)))
guest_crash(const struct vcpu *vcpu, const char *fmt, ...)
{
	char what[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	serial_flush();
	console_restore();
	fprintf(stderr, "nestvm: guest crash: vCPU %u: %s (pc %#lx, lr %#lx, pstate %#lx)\n",
		vcpu->index, what,
		get_one_reg(vcpu, CORE_REG(regs.pc)), get_one_reg(vcpu, CORE_REG(regs.regs[30])),
		get_one_reg(vcpu, CORE_REG(regs.pstate)));
	vm_stop(VMM_CRASH);
}

static void mmio_exit(const struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	uint64_t addr = run->mmio.phys_addr;
	unsigned int len = run->mmio.len;
	uint32_t val = 0;

	if (len > sizeof(run->mmio.data))
		len = sizeof(run->mmio.data);
	if (run->mmio.is_write)
		memcpy(&val, run->mmio.data, len < 4 ? len : 4);

	if (addr - UART_BASE < UART_SIZE) {
		if (run->mmio.is_write)
			serial_write(addr - UART_BASE, val);
		else
			val = serial_read(addr - UART_BASE);
	} else if (addr - RTC_BASE < RTC_SIZE) {
		if (run->mmio.is_write)
			rtc_write(addr - RTC_BASE, val);
		else
			val = rtc_read(addr - RTC_BASE);
	} else if (the_vm->test_device && addr - TESTDEV_BASE < TESTDEV_SIZE) {
		if (run->mmio.is_write)
			testdev_write(the_vm, addr - TESTDEV_BASE, val);
		else
			val = testdev_read(addr - TESTDEV_BASE);
	} else {
		guest_crash(vcpu, "%s of %u bytes at address %#lx, where nothing is",
			    run->mmio.is_write ? "write" : "read", len, addr);
		return;
	}

	if (!run->mmio.is_write) {
		memset(run->mmio.data, 0, len);
		memcpy(run->mmio.data, &val, len < 4 ? len : 4);
	}
}

static void set_mp_state(const struct vcpu *vcpu, uint32_t state)
{
	struct kvm_mp_state mp = { .mp_state = state };

	if (ioctl(vcpu->fd, KVM_SET_MP_STATE, &mp) < 0)
		die_errno("KVM_SET_MP_STATE");
}

/*
 * SYSTEM_SUSPEND of the guest's last vCPU: it will start where the call said, as after a reset, when an interrupt comes.
 * PSCI 5.20; a host says so with KVM_SYSTEM_EVENT_WAKEUP.
 */
static void suspend(const struct vcpu *vcpu)
{
	uint64_t entry = get_one_reg(vcpu, CORE_REG(regs.regs[1]));
	uint64_t context = get_one_reg(vcpu, CORE_REG(regs.regs[2]));

	if (ioctl(vcpu->fd, KVM_ARM_VCPU_INIT, &vcpu->init) < 0)
		die_errno("KVM_ARM_VCPU_INIT");
	set_one_reg(vcpu, CORE_REG(regs.pc), entry);
	set_one_reg(vcpu, CORE_REG(regs.regs[0]), context);
	set_mp_state(vcpu, KVM_MP_STATE_SUSPENDED);
	fprintf(stderr, "nestvm: the guest sleeps\n");
}

static void system_event(const struct vcpu *vcpu)
{
	switch (vcpu->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SUSPEND:
		suspend(vcpu);
		break;
	case KVM_SYSTEM_EVENT_WAKEUP:
		set_mp_state(vcpu, KVM_MP_STATE_RUNNABLE);
		fprintf(stderr, "nestvm: the guest wakes up\n");
		break;
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		vm_stop(VMM_OK);
		break;
	case KVM_SYSTEM_EVENT_RESET:
		vm_stop(VMM_RESET);
		break;
	default:
		guest_crash(vcpu, "system event %u", vcpu->run->system_event.type);
	}
}

static void handle_exit(const struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_MMIO:
		mmio_exit(vcpu);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		system_event(vcpu);
		break;
	case KVM_EXIT_INTR:
		break;
	case KVM_EXIT_ARM_NISV:
		guest_crash(vcpu, "access to %#llx by an instruction that cannot be emulated",
			    (unsigned long long)run->arm_nisv.fault_ipa);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		guest_crash(vcpu, "entry failed, reason %#llx",
			    (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		guest_crash(vcpu, "KVM internal error %u", run->internal.suberror);
		break;
	default:
		guest_crash(vcpu, "unexpected KVM exit %u", run->exit_reason);
	}
}

uint64_t vcpu_reg(const struct vcpu *vcpu, uint64_t id)
{
	return get_one_reg(vcpu, id);
}

bool vcpu_on(struct vcpu *vcpu)
{
	struct kvm_mp_state s;

	return !ioctl(vcpu->fd, KVM_GET_MP_STATE, &s) && s.mp_state == KVM_MP_STATE_RUNNABLE;
}

void vcpu_reg_set(const struct vcpu *vcpu, uint64_t id, uint64_t val)
{
	set_one_reg(vcpu, id, val);
}

void vcpu_call(const struct vm *vm, unsigned int i, void (*fn)(struct vcpu *vcpu, void *arg), void *arg)
{
	struct vcpu *vcpu = &vm->vcpus[i];
	struct timespec ts;

	pthread_mutex_lock(&job_lock);
	while (vcpu->job)
		pthread_cond_wait(&job_done, &job_lock);
	vcpu->job = fn;
	vcpu->job_arg = arg;
	atomic_store(&vcpu->has_job, true);
	while (vcpu->job && vcpu->job_arg == arg && atomic_load(&exit_status) == RUNNING) {
		/* Before KVM_RUN the flag ends it, inside the signal. */
		vcpu->run->immediate_exit = 1;
		pthread_kill(vcpu->thread, KICK_SIGNAL);
		clock_gettime(CLOCK_REALTIME, &ts);
		ts.tv_sec++;
		pthread_cond_timedwait(&job_done, &job_lock, &ts);
	}
	pthread_mutex_unlock(&job_lock);
}

/* KVM_RUN has just ended with EINTR: no MMIO is half done. */
static void run_job(struct vcpu *vcpu)
{
	if (!atomic_load(&vcpu->has_job))
		return;
	pthread_mutex_lock(&job_lock);
	vcpu->run->immediate_exit = 0;
	vcpu->job(vcpu, vcpu->job_arg);
	vcpu->job = NULL;
	atomic_store(&vcpu->has_job, false);
	pthread_cond_broadcast(&job_done);
	pthread_mutex_unlock(&job_lock);
}

/* For bench: the counter starts at power-on, and shows the same to every program of the host. */
static void stamp(void)
{
	uint64_t ticks, hz;

	asm volatile("isb; mrs %0, cntvct_el0; mrs %1, cntfrq_el0" : "=r"(ticks), "=r"(hz));
	fprintf(stderr, "nestvm-entry %llu\n", (unsigned long long)((unsigned __int128)ticks * 1000000000U / hz));
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	char name[16];

	snprintf(name, sizeof(name), "vcpu%u", vcpu->index);
	pthread_setname_np(pthread_self(), name);
	if (the_vm->stamp && !vcpu->index)
		stamp();

	while (atomic_load_explicit(&exit_status, memory_order_relaxed) == RUNNING) {
		if (ioctl(vcpu->fd, KVM_RUN, 0) == 0) {
			handle_exit(vcpu);
		} else if (errno == ENOSYS) {
			/* KVM's word for an access it cannot decode. */
			guest_crash(vcpu, "access by an instruction that cannot be emulated");
		} else if (errno == EINTR) {
			run_job(vcpu);
		} else if (errno != EAGAIN) {
			serial_flush();
			console_restore();
			fprintf(stderr, "nestvm: vCPU %u: KVM_RUN: %s\n", vcpu->index,
				strerror(errno));
			vm_stop(VMM_ERROR);
		}
	}
	return NULL;
}

static void install_signals(void)
{
	struct sigaction sa = { .sa_handler = kick };

	sigaction(KICK_SIGNAL, &sa, NULL);
	sa.sa_handler = on_terminate;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
}

/* As the kernel's boot protocol wants them: 32-bit ones take the tree in r2, and in r1 that no machine number is given. */
static void boot_registers(const struct vm *vm)
{
	const struct vcpu *first = &vm->vcpus[0];

	set_one_reg(first, CORE_REG(regs.pc), vm->entry);
	set_one_reg(first, CORE_REG(regs.regs[vm->aarch32 ? 2 : 0]), vm->fdt);
	if (vm->aarch32)
		set_one_reg(first, CORE_REG(regs.regs[1]), UINT32_MAX);
}

int vm_run(struct vm *vm)
{
	unsigned int i;
	int err;

	the_vm = vm;
	stop_fd = eventfd(0, EFD_CLOEXEC);
	if (stop_fd < 0)
		die_errno("eventfd");
	install_signals();

	boot_registers(vm);

	for (i = 0; i < vm->nr_vcpus; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];

		err = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
		if (err)
			die(VMM_ERROR, "thread of vCPU %u: %s", i, strerror(err));
	}

	control_start(vm);
	console_loop(stop_fd);
	control_stop(vm);

	/* The flag first: a signal before KVM_RUN would otherwise be lost. */
	for (i = 0; i < vm->nr_vcpus; i++) {
		vm->vcpus[i].run->immediate_exit = 1;
		pthread_kill(vm->vcpus[i].thread, KICK_SIGNAL);
	}
	for (i = 0; i < vm->nr_vcpus; i++)
		pthread_join(vm->vcpus[i].thread, NULL);
	serial_flush();
	console_restore();
	return atomic_load(&exit_status);
}
