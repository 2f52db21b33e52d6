// SPDX-License-Identifier: GPL-2.0-only
/*
 * What it costs a VMM to save and restore a vCPU and a VM through the ABI, and to have a guest fault its memory in. The same
 * binary runs on Linux/KVM and on Nestbox; lines are `NAME MEAN MINIMUM`, in ns of the counter (instructions under icount).
 *
 *   savevm        vcpu-save, vcpu-restore: every register of KVM_GET_REG_LIST, vCPU events, MP state
 *                 vm-save: VCPUS such vCPUs and their GICv3 by device attributes; vm-restore: the same into a VM made for it
 *                 fault-new-1, fault-new-2: per page, one and two vCPUs that write to all pages of memory never touched before
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define VCPUS		4
#define ROUNDS		20
#define RAM_BASE	0x40000000UL
#define RAM_SIZE	0x10000UL
#define NEW_BASE	0x80000000UL
#define NEW_PAGES	2048UL		/* per vCPU */
#define GICD_BASE	0x10000000UL
#define GICR_BASE	0x10100000UL
#define NR_IRQS		64
#define REGS_MAX	1024
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Writes to x1 pages from x0 on, then leaves by a store to address 0. */
asm(
	".pushsection .rodata\n"
	".balign 4\n"
	".globl guest, guest_end\n"
	"guest:\n"
	"1:	str x0, [x0]\n"
	"	add x0, x0, #4096\n"
	"	subs x1, x1, #1\n"
	"	b.ne 1b\n"
	"	mov x2, #0\n"
	"	str x1, [x2]\n"
	"2:	b 2b\n"
	"guest_end:\n"
	".popsection\n"
);
extern const char guest[], guest_end[];

struct vcpu_image {
	struct kvm_vcpu_events events;
	struct kvm_mp_state mp;
	uint64_t n, id[REGS_MAX];
	__uint128_t val[REGS_MAX][2];	/* SVE slices are larger; this guest has none */
};

struct gic_image {
	uint32_t dist[512], redist[VCPUS][512];
	uint64_t icc[VCPUS][16];
};

struct machine {
	int vm, gic, vcpu[VCPUS];
};

struct result {
	uint64_t sum, least, n;
};

static int kvm_fd;

static void die(const char *what)
{
	fprintf(stderr, "savevm: %s: %s\n", what, strerror(errno));
	exit(5);
}

static int xioctl(int fd, unsigned long cmd, void *arg, const char *what)
{
	int ret = ioctl(fd, cmd, arg);

	if (ret < 0)
		die(what);
	return ret;
}

static uint64_t now(void)
{
	uint64_t v, f;

	asm volatile("isb; mrs %0, cntvct_el0; mrs %1, cntfrq_el0" : "=r"(v), "=r"(f));
	return (uint64_t)((unsigned __int128)v * 1000000000U / f);
}

static void add(struct result *r, uint64_t ns)
{
	r->least = !r->n || ns < r->least ? ns : r->least;
	r->sum += ns;
	r->n++;
}

static void show(const char *name, const struct result *r)
{
	printf("%s %llu %llu\n", name, (unsigned long long)(r->sum / r->n), (unsigned long long)r->least);
}

/* ---- vCPUs ---- */

static void vcpu_save(int fd, struct vcpu_image *im)
{
	struct {
		uint64_t n, id[REGS_MAX];
	} list = { .n = REGS_MAX };

	xioctl(fd, KVM_GET_REG_LIST, &list, "KVM_GET_REG_LIST");
	im->n = list.n;
	memcpy(im->id, list.id, list.n * sizeof(list.id[0]));
	for (uint64_t i = 0; i < list.n; i++) {
		struct kvm_one_reg reg = { .id = list.id[i], .addr = (uintptr_t)im->val[i] };

		xioctl(fd, KVM_GET_ONE_REG, &reg, "KVM_GET_ONE_REG");
	}
	xioctl(fd, KVM_GET_VCPU_EVENTS, &im->events, "KVM_GET_VCPU_EVENTS");
	xioctl(fd, KVM_GET_MP_STATE, &im->mp, "KVM_GET_MP_STATE");
}

static void vcpu_restore(int fd, struct vcpu_image *im)
{
	for (uint64_t i = 0; i < im->n; i++) {
		struct kvm_one_reg reg = { .id = im->id[i], .addr = (uintptr_t)im->val[i] };

		xioctl(fd, KVM_SET_ONE_REG, &reg, "KVM_SET_ONE_REG");
	}
	xioctl(fd, KVM_SET_VCPU_EVENTS, &im->events, "KVM_SET_VCPU_EVENTS");
	xioctl(fd, KVM_SET_MP_STATE, &im->mp, "KVM_SET_MP_STATE");
}

/* ---- the GIC: what QEMU saves ---- */

static const uint16_t dist_regs[][2] = {	/* offset, bytes */
	{ 0x0000, 4 }, { 0x0084, 4 }, { 0x0104, 4 }, { 0x0204, 4 }, { 0x0304, 4 }, { 0x0420, 32 }, { 0x0c08, 8 },
};
static const uint32_t redist_regs[][2] = {
	{ 0x0000, 4 }, { 0x0014, 4 }, { 0x10080, 4 }, { 0x10100, 4 }, { 0x10200, 4 }, { 0x10300, 4 }, { 0x10400, 32 },
	{ 0x10c00, 8 },
};
/* PMR, BPR0, BPR1, CTLR, SRE, IGRPEN0, IGRPEN1, AP0R0, AP1R0 */
static const uint16_t icc_regs[] = { 0xc230, 0xc643, 0xc663, 0xc664, 0xc665, 0xc666, 0xc667, 0xc644, 0xc648 };

static void gic_reg(int fd, bool set, uint32_t group, uint64_t attr, void *val)
{
	struct kvm_device_attr a = { .group = group, .attr = attr, .addr = (uintptr_t)val };

	xioctl(fd, set ? KVM_SET_DEVICE_ATTR : KVM_GET_DEVICE_ATTR, &a, "GIC register");
}

static void gic_move(int fd, bool set, struct gic_image *im)
{
	for (unsigned int i = 0, n = 0; i < ARRAY_SIZE(dist_regs); i++)
		for (unsigned int j = 0; j < dist_regs[i][1]; j += 4)
			gic_reg(fd, set, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, dist_regs[i][0] + j, &im->dist[n++]);
	for (uint64_t c = 0; c < VCPUS; c++) {
		for (unsigned int i = 0, n = 0; i < ARRAY_SIZE(redist_regs); i++)
			for (unsigned int j = 0; j < redist_regs[i][1]; j += 4)
				gic_reg(fd, set, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, c << 32 | (redist_regs[i][0] + j),
					&im->redist[c][n++]);
		for (unsigned int i = 0; i < ARRAY_SIZE(icc_regs); i++)
			gic_reg(fd, set, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, c << 32 | icc_regs[i], &im->icc[c][i]);
	}
}

/* ---- VMs ---- */

static struct machine machine_make(unsigned int n, bool gic)
{
	struct kvm_create_device dev = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	uint64_t dist = GICD_BASE, redist = GICR_BASE;
	struct kvm_vcpu_init init = { 0 };
	struct machine m = { .gic = -1 };
	uint32_t nr = NR_IRQS;

	m.vm = ioctl(kvm_fd, KVM_CREATE_VM, 0UL);
	if (m.vm < 0)
		die("KVM_CREATE_VM");
	xioctl(m.vm, KVM_ARM_PREFERRED_TARGET, &init, "KVM_ARM_PREFERRED_TARGET");
	init.features[0] |= 1U << KVM_ARM_VCPU_PSCI_0_2;
	for (unsigned int i = 0; i < n; i++) {
		m.vcpu[i] = ioctl(m.vm, KVM_CREATE_VCPU, (unsigned long)i);
		if (m.vcpu[i] < 0)
			die("KVM_CREATE_VCPU");
		xioctl(m.vcpu[i], KVM_ARM_VCPU_INIT, &init, "KVM_ARM_VCPU_INIT");
	}
	if (!gic)
		return m;
	xioctl(m.vm, KVM_CREATE_DEVICE, &dev, "KVM_CREATE_DEVICE");
	m.gic = dev.fd;
	gic_reg(m.gic, true, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist);
	gic_reg(m.gic, true, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redist);
	gic_reg(m.gic, true, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr);
	gic_reg(m.gic, true, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
	return m;
}

static void machine_drop(struct machine *m, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		close(m->vcpu[i]);
	if (m->gic >= 0)
		close(m->gic);
	close(m->vm);
}

static void save_and_restore(void)
{
	static struct vcpu_image im[VCPUS];
	static struct gic_image gic;
	struct result r[4] = { { 0 } };
	struct machine m = machine_make(VCPUS, true), to;
	uint64_t t;

	for (unsigned int k = 0; k < ROUNDS; k++) {
		t = now();
		vcpu_save(m.vcpu[0], &im[0]);
		add(&r[0], now() - t);
		t = now();
		vcpu_restore(m.vcpu[0], &im[0]);
		add(&r[1], now() - t);
	}
	for (unsigned int k = 0; k < ROUNDS; k++) {
		t = now();
		for (unsigned int i = 0; i < VCPUS; i++)
			vcpu_save(m.vcpu[i], &im[i]);
		gic_move(m.gic, false, &gic);
		add(&r[2], now() - t);
		t = now();
		to = machine_make(VCPUS, true);
		for (unsigned int i = 0; i < VCPUS; i++)
			vcpu_restore(to.vcpu[i], &im[i]);
		gic_move(to.gic, true, &gic);
		add(&r[3], now() - t);
		machine_drop(&to, VCPUS);
	}
	machine_drop(&m, VCPUS);
	show("vcpu-save", &r[0]);
	show("vcpu-restore", &r[1]);
	show("vm-save", &r[2]);
	show("vm-restore", &r[3]);
}

/* ---- faults ---- */

static void slot(int vm, uint32_t n, uint64_t gpa, void *mem, size_t size)
{
	struct kvm_userspace_memory_region s = {
		.slot = n, .guest_phys_addr = gpa, .memory_size = size, .userspace_addr = (uintptr_t)mem,
	};

	xioctl(vm, KVM_SET_USER_MEMORY_REGION, &s, "KVM_SET_USER_MEMORY_REGION");
}

static void reg_set(int fd, uint64_t index, uint64_t val)
{
	struct kvm_one_reg reg = { .id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | index,
				   .addr = (uintptr_t)&val };

	xioctl(fd, KVM_SET_ONE_REG, &reg, "KVM_SET_ONE_REG");
}

static void *run(void *arg)
{
	int fd = *(int *)arg;

	while (ioctl(fd, KVM_RUN, 0) < 0)
		if (errno != EINTR && errno != EAGAIN)
			die("KVM_RUN");
	return NULL;
}

static void *fresh(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	madvise(p, size, MADV_NOHUGEPAGE);
	return p;
}

static void faults(unsigned int n, const char *name)
{
	size_t size = n * NEW_PAGES * 4096;
	struct result r = { 0 };

	for (unsigned int k = 0; k < 4; k++) {
		struct machine m = machine_make(n, false);
		void *ram = fresh(RAM_SIZE), *mem = fresh(size);
		pthread_t thread[VCPUS];
		uint64_t t;

		memcpy(ram, guest, (uintptr_t)guest_end - (uintptr_t)guest);
		slot(m.vm, 0, RAM_BASE, ram, RAM_SIZE);
		slot(m.vm, 1, NEW_BASE, mem, size);
		for (unsigned int i = 0; i < n; i++) {
			reg_set(m.vcpu[i], KVM_REG_ARM_CORE_REG(regs.regs[0]), NEW_BASE + i * NEW_PAGES * 4096);
			reg_set(m.vcpu[i], KVM_REG_ARM_CORE_REG(regs.regs[1]), NEW_PAGES);
			reg_set(m.vcpu[i], KVM_REG_ARM_CORE_REG(regs.pc), RAM_BASE);
		}
		t = now();
		for (unsigned int i = 1; i < n; i++)
			if (pthread_create(&thread[i], NULL, run, &m.vcpu[i]))
				die("pthread_create");
		run(&m.vcpu[0]);
		for (unsigned int i = 1; i < n; i++)
			pthread_join(thread[i], NULL);
		add(&r, (now() - t) / (n * NEW_PAGES));
		machine_drop(&m, n);
		munmap(ram, RAM_SIZE);
		munmap(mem, size);
	}
	show(name, &r);
}

int main(void)
{
	kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm_fd < 0)
		die("/dev/kvm");
	save_and_restore();
	faults(1, "fault-new-1");
	faults(2, "fault-new-2");
	return 0;
}
