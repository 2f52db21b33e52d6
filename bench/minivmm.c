// SPDX-License-Identifier: GPL-2.0-only
/*
 * The smallest VMM that can run bench/payload: two vCPUs, GICv3, memory, a
 * place to print and one register. Nothing in its exit path but what the KVM
 * ABI demands, so that a VMM-served read costs the host's share. The same
 * binary runs on Linux/KVM and on Nestbox.
 *
 *   minivmm [--repeats N] PAYLOAD  run it and print what it prints; N: of the short events, instead of 1000
 *   minivmm --start PAYLOAD  print when the guest makes its first exit, leave
 *   minivmm --hold N       memory that a VM costs the host, mean over N
 *
 * No locks: each vCPU thread works on its own run page; lines are printed by
 * vCPU 0 (the payload prints from there, or while CPU 0 waits).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <nestbox/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#define UART_BASE	0x09000000UL
#define VMM_BASE	0x0a000000UL
#define GICD_BASE	0x10000000UL
#define GICR_BASE	0x10100000UL
#define RAM_BASE	0x40000000UL
#define RAM_SIZE	0x01000000UL
#define S2_SIZE		0x02000000UL
#define SZ_2M		0x200000UL
#define NR_VCPUS	2
#define SPI_SELF	40	/* bench/payload.c */
#define SPI_OTHER	41

struct vcpu {
	int index;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
};

static int kvm_fd, vm_fd;
static int run_size;
static struct vcpu vcpus[NR_VCPUS];
static volatile int done;
static int status;
static int start_only;
static unsigned int host_cpus = 1, repeats = 1000;
static char line[256];
static unsigned int line_len;

static void die(const char *what)
{
	fprintf(stderr, "minivmm: %s: %s\n", what, strerror(errno));
	exit(5);
}

static int xioctl(int fd, unsigned long cmd, void *arg, const char *what)
{
	int ret = ioctl(fd, cmd, arg);

	if (ret < 0)
		die(what);
	return ret;
}

static void one_reg(int fd, uint64_t id, uint64_t val)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&val };

	xioctl(fd, KVM_SET_ONE_REG, &reg, "KVM_SET_ONE_REG");
}

static void gic_attr(int fd, uint32_t group, uint64_t attr, void *val)
{
	struct kvm_device_attr a = { .group = group, .attr = attr, .addr = (uintptr_t)val };

	xioctl(fd, KVM_SET_DEVICE_ATTR, &a, "GIC attribute");
}

static int gic_create(int vm)
{
	struct kvm_create_device dev = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	uint64_t dist = GICD_BASE, redist = GICR_BASE;
	uint32_t nr = 64;

	xioctl(vm, KVM_CREATE_DEVICE, &dev, "KVM_CREATE_DEVICE");
	gic_attr(dev.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist);
	gic_attr(dev.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redist);
	gic_attr(dev.fd, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr);
	gic_attr(dev.fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
	return dev.fd;
}

static void *map_aligned(size_t size)
{
	uint8_t *p = mmap(NULL, size + SZ_2M, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return (void *)(((uintptr_t)p + SZ_2M - 1) & ~(SZ_2M - 1));
}

static void add_slot(int vm, uint32_t slot, uint64_t gpa, void *mem, size_t size)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)mem,
	};

	xioctl(vm, KVM_SET_USER_MEMORY_REGION, &r, "KVM_SET_USER_MEMORY_REGION");
}

/* A VM with @n vCPUs and its GIC; fills vcpus[] when @keep. */
static int vm_create(int n, int keep, int *fds)
{
	struct kvm_vcpu_init init;
	int vm = ioctl(kvm_fd, KVM_CREATE_VM, 0UL), i, fd;

	if (vm < 0)
		die("KVM_CREATE_VM");
	/* For the events whose names begin with sdei; a host without it leaves them out. */
	(void)ioctl(vm, KVM_ENABLE_CAP, &(struct kvm_enable_cap){ .cap = KVM_CAP_NB_SDEI });
	memset(&init, 0, sizeof(init));
	xioctl(vm, KVM_ARM_PREFERRED_TARGET, &init, "KVM_ARM_PREFERRED_TARGET");
	for (i = 0; i < n; i++) {
		struct kvm_vcpu_init ini = init;

		fd = ioctl(vm, KVM_CREATE_VCPU, (unsigned long)i);
		if (fd < 0)
			die("KVM_CREATE_VCPU");
		ini.features[0] |= 1U << KVM_ARM_VCPU_PSCI_0_2;
		if (i)
			ini.features[0] |= 1U << KVM_ARM_VCPU_POWER_OFF;
		xioctl(fd, KVM_ARM_VCPU_INIT, &ini, "KVM_ARM_VCPU_INIT");
		if (fds)
			fds[i] = fd;
		if (!keep)
			continue;
		vcpus[i].index = i;
		vcpus[i].fd = fd;
		vcpus[i].run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (vcpus[i].run == MAP_FAILED)
			die("mmap of kvm_run");
	}
	i = gic_create(vm);
	if (fds)
		fds[n] = i;
	return vm;
}

static void put_char(char c)
{
	if (line_len < sizeof(line))
		line[line_len++] = c;
	if (c != '\n' && line_len < sizeof(line))
		return;
	if (line_len >= 5 && !memcmp(line, "FAIL", 4))
		status = 1;
	if (write(STDOUT_FILENO, line, line_len) < 0)
		status = 5;
	line_len = 0;
}

static void spi_line(unsigned int spi, int level)
{
	struct kvm_irq_level l = { .irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | spi, .level = level };

	xioctl(vm_fd, KVM_IRQ_LINE, &l, "KVM_IRQ_LINE");
}

/* The answers to reads use general registers only: what vector registers cost a VMM is measured on its own. */
static void mmio(struct kvm_run *run)
{
	if (run->mmio.phys_addr == VMM_BASE && !run->mmio.is_write) {
		*(volatile uint64_t *)run->mmio.data = 0x5a5a5a5a5a5a5a5aUL;
	} else if (run->mmio.phys_addr == VMM_BASE + 16 && !run->mmio.is_write) {
		asm volatile("fmov d0, xzr" : : : "v0");	/* a VMM that uses vector registers */
	} else if (run->mmio.phys_addr == VMM_BASE + 8 && !run->mmio.is_write) {
		memcpy(run->mmio.data, &host_cpus, sizeof(host_cpus));
	} else if (run->mmio.phys_addr == VMM_BASE + 24 && !run->mmio.is_write) {
		memcpy(run->mmio.data, &repeats, sizeof(repeats));
	} else if (run->mmio.phys_addr == VMM_BASE + 32 && !run->mmio.is_write) {
		spi_line(SPI_SELF, 1);
	} else if (run->mmio.phys_addr == VMM_BASE + 40 && !run->mmio.is_write) {
		spi_line(SPI_OTHER, 1);
	} else if (run->mmio.phys_addr == VMM_BASE + 48 && !run->mmio.is_write) {
		spi_line(SPI_SELF, 0);
		spi_line(SPI_OTHER, 0);
	} else if (run->mmio.phys_addr == UART_BASE && run->mmio.is_write) {
		put_char(run->mmio.data[0]);
	} else {
		fprintf(stderr, "minivmm: guest access at %#llx\n",
			(unsigned long long)run->mmio.phys_addr);
		exit(4);
	}
}

static uint64_t counter(void)
{
	uint64_t v;

	asm volatile("isb; mrs %0, cntvct_el0" : "=r"(v));
	return v;
}

static uint64_t counter_ns(uint64_t ticks)
{
	uint64_t f;

	asm volatile("mrs %0, cntfrq_el0" : "=r"(f));
	return (uint64_t)((unsigned __int128)ticks * 1000000000U / f);
}

static void stop(void)
{
	int i;

	done = 1;
	for (i = 0; i < NR_VCPUS; i++) {
		vcpus[i].run->immediate_exit = 1;
		if (vcpus[i].thread && !pthread_equal(vcpus[i].thread, pthread_self()))
			pthread_kill(vcpus[i].thread, SIGUSR1);
	}
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	struct kvm_run *run = vcpu->run;
	cpu_set_t set;

	if (host_cpus > 1) {
		CPU_ZERO(&set);
		CPU_SET(vcpu->index, &set);
		sched_setaffinity(0, sizeof(set), &set);	/* as well as it goes */
	}
	if (start_only && !vcpu->index)
		printf("guest-entry %llu\n", (unsigned long long)counter_ns(counter()));
	while (!done) {
		if (ioctl(vcpu->fd, KVM_RUN, 0) < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			die("KVM_RUN");
		}
		if (start_only) {
			printf("guest-first-exit %llu\n",
			       (unsigned long long)counter_ns(counter()));
			stop();
		} else if (run->exit_reason == KVM_EXIT_MMIO) {
			mmio(run);
		} else if (run->exit_reason == KVM_EXIT_SYSTEM_EVENT) {
			if (run->system_event.type != KVM_SYSTEM_EVENT_SHUTDOWN)
				status = 4;
			stop();
		} else {
			fprintf(stderr, "minivmm: KVM exit %u\n", run->exit_reason);
			exit(4);
		}
	}
	return NULL;
}

static void load(const char *path, uint8_t *mem)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		die(path);
	n = read(fd, mem, RAM_SIZE);
	if (n <= 64)
		die("payload");
	close(fd);
}

static void on_signal(int sig)
{
}

static int run_payload(const char *path)
{
	uint64_t pc = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |
		      KVM_REG_ARM_CORE_REG(regs.pc);
	struct sigaction sa = { .sa_handler = on_signal };
	uint8_t *ram, *populated, *fresh, *blocks;
	size_t i;
	int vm;

	sigaction(SIGUSR1, &sa, NULL);
	vm_fd = vm = vm_create(NR_VCPUS, 1, NULL);
	ram = map_aligned(RAM_SIZE);
	populated = map_aligned(S2_SIZE);
	fresh = map_aligned(S2_SIZE);
	blocks = map_aligned(S2_SIZE);
	madvise(populated, S2_SIZE, MADV_NOHUGEPAGE);
	madvise(fresh, S2_SIZE, MADV_NOHUGEPAGE);
	madvise(blocks, S2_SIZE, MADV_HUGEPAGE);
	load(path, ram);
	add_slot(vm, 0, RAM_BASE, ram, RAM_SIZE);
	if (!start_only) {
		for (i = 0; i < S2_SIZE; i += 4096)
			populated[i] = blocks[i] = 1;
		add_slot(vm, 1, 0x80000000UL, populated, S2_SIZE);
		add_slot(vm, 2, 0x90000000UL, fresh, S2_SIZE);
		add_slot(vm, 3, 0xa0000000UL, blocks, S2_SIZE);
	}
	one_reg(vcpus[0].fd, pc, RAM_BASE);

	for (i = 1; i < NR_VCPUS; i++)
		if (pthread_create(&vcpus[i].thread, NULL, vcpu_thread, &vcpus[i]))
			die("pthread_create");
	vcpus[0].thread = pthread_self();
	vcpu_thread(&vcpus[0]);
	for (i = 1; i < NR_VCPUS; i++)
		pthread_join(vcpus[i].thread, NULL);
	return status;
}

static uint64_t free_memory(void)
{
	struct sysinfo si;

	if (sysinfo(&si) < 0)
		die("sysinfo");
	return (uint64_t)si.freeram * (si.mem_unit ? si.mem_unit : 1);
}

/* One vCPU and 64 MiB of untouched memory each. */
static int hold(int n)
{
	uint64_t before, after;
	void *mem = map_aligned(4 * RAM_SIZE);
	int i;

	close(vm_create(1, 0, NULL));	/* what only the first one costs */
	before = free_memory();
	for (i = 0; i < n; i++)
		add_slot(vm_create(1, 0, NULL), 0, RAM_BASE, mem, 4 * RAM_SIZE);
	after = free_memory();
	printf("memory-per-vm %llu\n", (unsigned long long)(before - after) / n);
	printf("memory-free %llu\n", (unsigned long long)before);
	return 0;
}

int main(int argc, char **argv)
{
	const char *payload = NULL;
	int n = 0;

	if (argc == 3 && !strcmp(argv[1], "--hold"))
		n = atoi(argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "--start"))
		payload = argv[2];
	else if (argc == 4 && !strcmp(argv[1], "--repeats"))
		repeats = atoi(argv[2]), payload = argv[3];
	else if (argc == 2 && argv[1][0] != '-')
		payload = argv[1];
	start_only = argc == 3;
	if (!payload && n <= 0) {
		fprintf(stderr, "usage: minivmm [--start | --repeats N] PAYLOAD | minivmm --hold N\n");
		return 2;
	}
	kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm_fd < 0)
		die("/dev/kvm");
	run_size = xioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, NULL, "KVM_GET_VCPU_MMAP_SIZE");
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		host_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	return payload ? run_payload(payload) : hold(n);
}
