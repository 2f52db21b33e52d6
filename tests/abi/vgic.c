// SPDX-License-Identifier: GPL-2.0-only
/* The in-kernel GICv3: attributes, KVM_IRQ_LINE, irqfd and ioeventfd. */
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "gic.h"

/*
 * Enable group 1 and SPI 32..63 as levels, then wait in WFI with IRQs masked; report
 * what is acknowledged, end it, go on. x26 GICD, x25 this CPU's SGI frame.
 */
GUEST(irqs,
	"mov w0, #0x12; str w0, [x26];"
	"mov w0, #-1; str w0, [x26, #0x84]; str w0, [x26, #0x104]; str wzr, [x26, #0xc08]; str wzr, [x26, #0xc0c];"
	"str w0, [x25, #0x80]; str w0, [x25, #0x100];"
	"mov x0, #7; msr s3_0_c12_c12_5, x0; isb;"
	"mov x0, #0xf0; msr s3_0_c4_c6_0, x0; mov x0, #1; msr s3_0_c12_c12_7, x0; isb;"
	"mov x0, #1; str x0, [x28, #8];"
	"1: wfi; 2: mrs x0, s3_0_c12_c12_0; dsb sy; cmp x0, #1020; b.hs 1b;"
	"str x0, [x28]; msr s3_0_c12_c12_1, x0; isb; b 2b");
/* Stores to 0x0b000000 + 0, 4 (values 1, 2), then reports. */
GUEST(bell, "mov w0, #1; str w0, [x27]; mov w0, #2; str w0, [x27, #4]; mov w0, #3; str w0, [x27, #4];"
	"str x0, [x28]; 1: b 1b");
GUEST(rings, "1: str w0, [x27]; str x0, [x28]; b 1b");
GUEST(spin, "1: b 1b");
/* Reports GICD_IIDR, then each time that it reads as something else. */
GUEST(iidr, "1: ldr w1, [x26, #8]; str x1, [x28]; 2: ldr w0, [x26, #8]; cmp w0, w1; b.eq 2b; b 1b");

static int gic_ready(struct vm *vm)
{
	uint32_t nr = 64;
	int gic = gic_create(vm);

	gic_place(gic);
	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr));
	gic_start(gic);
	set(vm->vcpu, REG_X(26), GICD);
	set(vm->vcpu, REG_X(25), GICR + 0x10000);
	return gic;
}

static void attributes(void)
{
	struct kvm_create_device test = { .type = KVM_DEV_TYPE_ARM_VGIC_V3,
					  .flags = KVM_CREATE_DEVICE_TEST };
	struct kvm_create_device none = { .type = 999 };
	struct vm vm = VM(spin);
	uint64_t addr, dist = GICD, redist = GICR, odd = GICD + 4096, v;
	uint32_t nr;
	int gic;

	check_eq(ioctl(vm.fd, KVM_CREATE_DEVICE, &test), 0, "KVM_CREATE_DEVICE_TEST");
	check_errno(ioctl(vm.fd, KVM_CREATE_DEVICE, &none), ENODEV, "unknown device");
	gic = gic_create(&vm);
	check_errno(ioctl(vm.fd, KVM_CREATE_DEVICE, &(struct kvm_create_device){
			.type = KVM_DEV_TYPE_ARM_VGIC_V3 }), EEXIST, "a second GIC");
	check_eq(attr(gic, HAS, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, NULL), 0,
		 "HAS distributor address");
	check_errno(attr(gic, HAS, 99, 0, NULL), ENXIO, "HAS an unknown group");
	check_errno(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &odd),
		    EINVAL, "address not aligned to 64 KiB");
	check_errno(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, NULL),
		    EFAULT, "address from NULL");
	addr = 1UL << 60;
	check_errno(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &addr),
		    E2BIG, "address beyond the IPA limit");
	check_eq(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist), 0,
		 "distributor address");
	check_errno(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist),
		    EEXIST, "twice");
	check(!attr(gic, GET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &v) &&
	      v == GICD, "read back");
	nr = 63;
	check_errno(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr), EINVAL, "63 interrupts");
	nr = 2048;
	check_errno(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr), EINVAL, "2048 interrupts");
	nr = 96;
	check_eq(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr), 0, "96 interrupts");
	check_errno(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr), EBUSY, "again");
	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redist));
	check_eq(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL), 0,
		 "initialised");
	check_errno(ioctl(vm.fd, KVM_CREATE_VCPU, 1L), EBUSY, "a vCPU after that");
	check_errno(ioctl(vm.fd, KVM_CREATE_IRQCHIP, 0), ENODEV, "a GICv2 beside it");
	nr = 0;
	check(!attr(gic, GET, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 4, &nr) && (nr & 0x1f) == 2,
	      "GICD_TYPER by the device API");
	close(gic);
	vm_drop(&vm);
}

static void *raise_later(void *arg)
{
	msleep(50);
	line(arg, KVM_ARM_IRQ_TYPE_SPI, 0, 45, 1);
	return NULL;
}

static void lines(void)
{
	struct vm vm = VM(irqs);
	int gic = gic_ready(&vm);
	pthread_t t;

	check_eq(guest_says(&vm, 8), 1, "guest is ready");
	check_errno(line(&vm, KVM_ARM_IRQ_TYPE_SPI, 0, 31, 1), EINVAL, "SPI below 32");
	check_errno(line(&vm, KVM_ARM_IRQ_TYPE_SPI, 0, 64, 1), EINVAL, "SPI beyond the last");
	check_errno(line(&vm, KVM_ARM_IRQ_TYPE_PPI, 0, 15, 1), EINVAL, "PPI below 16");
	check_errno(line(&vm, KVM_ARM_IRQ_TYPE_PPI, 9, 20, 1), EINVAL, "PPI of no vCPU");
	check_errno(line(&vm, 9, 0, 20, 1), EINVAL, "unknown type");
	check_eq(line(&vm, KVM_ARM_IRQ_TYPE_SPI, 0, 40, 1), 0, "raise SPI 40");
	check_eq(guest_says(&vm, 0), 40, "it arrives");
	line(&vm, KVM_ARM_IRQ_TYPE_SPI, 0, 40, 0);
	line(&vm, KVM_ARM_IRQ_TYPE_PPI, 0, 22, 1);
	check_eq(guest_says(&vm, 0), 22, "lowered; PPI 22");
	line(&vm, KVM_ARM_IRQ_TYPE_PPI, 0, 22, 0);
	pthread_create(&t, NULL, raise_later, &vm);
	check_eq(guest_says(&vm, 0), 45, "raised while the guest is in WFI");
	pthread_join(t, NULL);
	close(gic);
	vm_drop(&vm);
}

static void irqfd(void)
{
	struct vm vm = VM(irqs);
	int gic = gic_ready(&vm), fd = eventfd(0, EFD_NONBLOCK);
	struct kvm_irqfd irqfd = { .fd = fd, .gsi = 10 };
	struct kvm_ioeventfd rope = { .addr = 0x0b000000, .len = 4, .fd = fd };
	uint64_t one = 1;

	check_eq(ioctl(vm.fd, KVM_IRQFD, &irqfd), 0, "KVM_IRQFD for GSI 10");
	check_errno(ioctl(vm.fd, KVM_IRQFD, &irqfd), EBUSY, "the same twice");
	irqfd.fd = 999;
	check_errno(ioctl(vm.fd, KVM_IRQFD, &irqfd), EBADF, "closed descriptor");
	irqfd.fd = fd;
	check_eq(guest_says(&vm, 8), 1, "guest is ready");
	check_eq(write(fd, &one, 8), 8, "ring it");
	check_eq(guest_says(&vm, 0), 42, "SPI 42 arrives");
	line(&vm, KVM_ARM_IRQ_TYPE_SPI, 0, 42, 0);	/* nobody else would */
	irqfd.flags = KVM_IRQFD_FLAG_DEASSIGN;
	check_eq(ioctl(vm.fd, KVM_IRQFD, &irqfd), 0, "deassigned");
	write(fd, &one, 8);
	line(&vm, KVM_ARM_IRQ_TYPE_SPI, 0, 33, 1);
	check_eq(guest_says(&vm, 0), 33, "it brings nothing any more");
	check_eq(ioctl(vm.fd, KVM_IOEVENTFD, &rope), 0, "an ioeventfd goes with its VM");
	close(fd);
	close(gic);
	vm_drop(&vm);
}

/* The default comes with the vGIC's start; what user space has said before is gone. */
static void routes_before_start(void)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry e;
	} route = { .head.nr = 1, .e = { .gsi = 10, .type = KVM_IRQ_ROUTING_IRQCHIP, .u.irqchip.pin = 3 } };
	struct vm vm = VM(irqs);
	int gic, fd = eventfd(0, EFD_NONBLOCK);
	struct kvm_irqfd irqfd = { .fd = fd, .gsi = 10 };
	uint64_t one = 1;

	check_eq(ioctl(vm.fd, KVM_SET_GSI_ROUTING, &route), 0, "GSI 10 to SPI 35, before there is a GIC");
	gic = gic_ready(&vm);
	check_eq(ioctl(vm.fd, KVM_IRQFD, &irqfd), 0, "KVM_IRQFD for GSI 10");
	check_eq(guest_says(&vm, 8), 1, "guest is ready");
	check_eq(write(fd, &one, 8), 8, "ring it");
	check_eq(guest_says(&vm, 0), 42, "the default: SPI 42 arrives");
	line(&vm, KVM_ARM_IRQ_TYPE_SPI, 0, 42, 0);
	check_eq(ioctl(vm.fd, KVM_SET_GSI_ROUTING, &route), 0, "the same route once more");
	write(fd, &one, 8);
	check_eq(guest_says(&vm, 0), 35, "now it counts");
	close(fd);
	close(gic);
	vm_drop(&vm);
}

static void ioeventfd(void)
{
	struct vm vm = VM(bell);
	int any = eventfd(0, EFD_NONBLOCK), two = eventfd(0, EFD_NONBLOCK);
	struct kvm_ioeventfd e = { .addr = 0x0b000000, .len = 4, .fd = any };
	uint64_t n = 0;

	set(vm.vcpu, REG_X(27), 0x0b000000);
	check_eq(ioctl(vm.fd, KVM_IOEVENTFD, &e), 0, "KVM_IOEVENTFD");
	check_errno(ioctl(vm.fd, KVM_IOEVENTFD, &e), EEXIST, "the same twice");
	e.addr += 4;
	e.fd = two;
	e.datamatch = 2;
	e.flags = KVM_IOEVENTFD_FLAG_DATAMATCH;
	check_eq(ioctl(vm.fd, KVM_IOEVENTFD, &e), 0, "with a value");
	e.len = 3;
	check_errno(ioctl(vm.fd, KVM_IOEVENTFD, &e), EINVAL, "length 3");
	e.len = 4;
	e.flags = 0x80;
	check_errno(ioctl(vm.fd, KVM_IOEVENTFD, &e), EINVAL, "unknown flag");
	check_eq(vcpu_run(&vm), KVM_EXIT_MMIO, "another value exits");
	check(vm.run->mmio.phys_addr == 0x0b000004 && vm.run->mmio.data[0] == 3, "it is that one");
	check(read(any, &n, 8) == 8 && n == 1, "first one rang");
	check(read(two, &n, 8) == 8 && n == 1, "second one rang once");
	e.flags = KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_DEASSIGN;
	check_eq(ioctl(vm.fd, KVM_IOEVENTFD, &e), 0, "deassigned");
	check_errno(ioctl(vm.fd, KVM_IOEVENTFD, &e), ENOENT, "twice");
	e.flags = KVM_IOEVENTFD_FLAG_PIO;
	check_eq(ioctl(vm.fd, KVM_IOEVENTFD, &e), 0, "on the bus of ports");
	check_errno(ioctl(vm.fd, KVM_IOEVENTFD, &e), EEXIST, "twice");
	e.flags = KVM_IOEVENTFD_FLAG_DEASSIGN;
	check_errno(ioctl(vm.fd, KVM_IOEVENTFD, &e), ENOENT, "it is not in memory");
	e.flags = KVM_IOEVENTFD_FLAG_DEASSIGN | KVM_IOEVENTFD_FLAG_PIO | 1 << 20;
	check_eq(ioctl(vm.fd, KVM_IOEVENTFD, &e), 0, "taken out, whatever other flags");
	e.len = 3;
	check_errno(ioctl(vm.fd, KVM_IOEVENTFD, &e), ENOENT, "or a length that there is not");
	e.fd = -1;
	check_errno(ioctl(vm.fd, KVM_IOEVENTFD, &e), EBADF, "no descriptor");
	vm_drop(&vm);
}

/* Who asked to hear of the end of a level interrupt does; and no longer once its eventfd is closed. */
static void resample(void)
{
	struct vm vm = VM(irqs);
	int gic = gic_ready(&vm), ev = eventfd(0, EFD_NONBLOCK), end = eventfd(0, EFD_NONBLOCK), tries, next = 0;
	struct kvm_irqfd irqfd = { .fd = ev, .gsi = 10, .resamplefd = end, .flags = KVM_IRQFD_FLAG_RESAMPLE };
	uint64_t n = 1;

	check_eq(ioctl(vm.fd, KVM_IRQFD, &irqfd), 0, "KVM_IRQFD with a resample eventfd");
	check_eq(guest_says(&vm, 8), 1, "guest is ready");
	write(ev, &n, 8);
	check_eq(guest_says(&vm, 0), 42, "SPI 42 arrives");
	check(read(end, &n, 8) < 0 && errno == EAGAIN, "not ended yet");
	line(&vm, KVM_ARM_IRQ_TYPE_SPI, 0, 33, 1);
	check_eq(guest_says(&vm, 0), 33, "its end lowers the line");
	check(read(end, &n, 8) == 8 && n == 1, "and rings the resample eventfd once");
	line(&vm, KVM_ARM_IRQ_TYPE_SPI, 0, 33, 0);
	/* Closing works in the background, and lowers the line: if that came between our raise and the guest, it would sleep. */
	close(ev);
	msleep(500);
	for (tries = 0; tries < 500; tries++) {
		line(&vm, KVM_ARM_IRQ_TYPE_SPI, 0, 42, 1);
		if (guest_says(&vm, 0) != 42)
			break;
		line(&vm, KVM_ARM_IRQ_TYPE_SPI, 0, 33, 1);
		next = guest_says(&vm, 0);
		line(&vm, KVM_ARM_IRQ_TYPE_SPI, 0, 33, 0);
		line(&vm, KVM_ARM_IRQ_TYPE_SPI, 0, 42, 0);
		if (read(end, &n, 8) < 0)
			break;
		msleep(10);
	}
	check(tries < 500 && (next == 42 || next == 33), "once the eventfd is closed, nobody lowers the line");
	close(end);
	close(gic);
	vm_drop(&vm);
}

#define RESAMPLERS	1024	/* of a VM; Linux has no limit */

/* They are all looked at when the guest ends an interrupt: not without bound. */
static void many_resamplers(void)
{
	struct rlimit old, more = { 4096, 4096 };
	struct vm vm = VM(irqs);
	int gic = gic_ready(&vm), end = eventfd(0, EFD_NONBLOCK), ev[RESAMPLERS + 1], ret, failed = 0;
	struct kvm_irqfd irqfd = { .gsi = 10, .resamplefd = end, .flags = KVM_IRQFD_FLAG_RESAMPLE };
	unsigned int i;

	must(getrlimit(RLIMIT_NOFILE, &old));
	more.rlim_max = old.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &more));
	for (i = 0; i <= RESAMPLERS; i++)
		ev[i] = must(eventfd(0, EFD_NONBLOCK));
	for (i = 0; i < RESAMPLERS; i++) {
		irqfd.fd = ev[i];
		failed += ioctl(vm.fd, KVM_IRQFD, &irqfd) != 0;
	}
	check_eq(failed, 0, "1024 irqfds with a resample eventfd");
	irqfd.fd = ev[RESAMPLERS];
	ret = ioctl(vm.fd, KVM_IRQFD, &irqfd);
	check(on_nestbox() ? ret < 0 && errno == ENOMEM : !ret, "the next one is refused on Nestbox only");
	irqfd.fd = ev[0];
	irqfd.flags = KVM_IRQFD_FLAG_DEASSIGN;
	check_eq(ioctl(vm.fd, KVM_IRQFD, &irqfd), 0, "one less");
	irqfd.flags = KVM_IRQFD_FLAG_RESAMPLE;
	check_eq(ioctl(vm.fd, KVM_IRQFD, &irqfd), 0, "and one more");
	vm_drop(&vm);
	for (i = 0; i <= RESAMPLERS; i++)
		close(ev[i]);
	must(setrlimit(RLIMIT_NOFILE, &old));
	close(end);
	close(gic);
}

/* An irqfd ends with its eventfd's last descriptor, though an ioeventfd still rings that; which happens in the background. */
static void last_descriptor(void)
{
	struct vm vm = VM(rings);
	int gic = gic_ready(&vm), ev = eventfd(0, EFD_NONBLOCK), tries;
	struct kvm_irqfd irqfd = { .fd = ev, .gsi = 10 };
	struct kvm_ioeventfd bell = { .addr = 0x0b000000, .len = 4, .fd = ev };
	uint32_t pending = 0;

	set(vm.vcpu, REG_X(27), 0x0b000000);
	must(ioctl(vm.fd, KVM_IRQFD, &irqfd));
	must(ioctl(vm.fd, KVM_IOEVENTFD, &bell));
	guest_says(&vm, 0);
	for (tries = 0; tries < 3000 && !pending; tries++) {
		must(attr(gic, GET, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x204, &pending));
		if (!pending)
			msleep(10);
	}
	check_eq(pending, 1 << 10, "a guest's store, an ioeventfd, an irqfd, an interrupt");
	close(ev);
	for (tries = 0; tries < 3000 && pending; tries++) {
		pending = 0;		/* an edge, which stays until the VMM writes what is pending */
		must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x204, &pending));
		guest_says(&vm, 0);
		must(attr(gic, GET, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x204, &pending));
		if (pending)
			msleep(10);
	}
	check_eq(pending, 0, "no interrupt once the descriptor is closed");
	close(gic);
	vm_drop(&vm);
}

/* What is there and what is not: which call tells. */
static void registers(void)
{
	struct vm vm = VM(irqs);
	int gic = gic_ready(&vm);
	uint32_t v = 1;
	uint64_t w = 7;

	check_errno(attr(gic, HAS, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x2000, NULL), ENXIO, "HAS a reserved register");
	check(!attr(gic, GET, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x2000, &v) && !v, "which reads as zero all the same");
	check_errno(attr(gic, HAS, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x108, NULL), ENXIO, "HAS one beyond the last interrupt");
	check_eq(attr(gic, HAS, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x104, NULL), 0, "HAS the last one");
	check_eq(attr(gic, HAS, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, 0xa0, NULL), 0, "HAS GICR_INVLPIR");
	check(!attr(gic, GET, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, 4, &v) && v == 0x4b00043b, "GICR_IIDR");
	check(!attr(gic, GET, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, 0x78, &v) && v == 0x580, "GICR_PENDBASER at reset");
	v = 1;
	check_errno(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0xc, &v), EINVAL, "GICD_TYPER2 has nothing");
	v = ~0U;
	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x6104, &v));
	check(!attr(gic, GET, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x6104, &v) && !v, "no Aff3 in GICD_IROUTER");
	check_errno(attr(gic, HAS, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, 1, NULL), ENXIO, "HAS no such CPU register");
	check_errno(attr(gic, GET, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, 1, &w), ENOENT, "nor can it be read");
	w = ~0UL;
	check_eq(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, 0xc665, &w), 0, "ICC_SRE_EL1 with SRE");
	w = 6;
	check_errno(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, 0xc665, &w), EINVAL, "and without");
	close(gic);
	vm_drop(&vm);
}

/* An interrupt stays with the line: it comes again after its end while that is high. */
static void level_again(void)
{
	struct vm vm = VM(irqs);
	int gic = gic_ready(&vm);

	check_eq(guest_says(&vm, 8), 1, "guest is ready");
	line(&vm, KVM_ARM_IRQ_TYPE_SPI, 0, 50, 1);
	check_eq(guest_says(&vm, 0), 50, "SPI 50, a level");
	check_eq(guest_says(&vm, 0), 50, "still high: again");
	line(&vm, KVM_ARM_IRQ_TYPE_SPI, 0, 50, 0);
	line(&vm, KVM_ARM_IRQ_TYPE_SPI, 0, 51, 1);
	check_eq(guest_says(&vm, 0), 51, "low: no more");
	close(gic);
	vm_drop(&vm);
}

/* 1,020 INTIDs; Linux stops at 992. */
static void many(void)
{
	struct vm vm = VM(irqs);
	uint32_t nr = 1024, last = 1019, v;
	int gic = gic_create(&vm);

	if (attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr)) {
		printf("# 1024 interrupts: errno %d; 992 then\n", errno);
		nr = 992;
		last = 991;
		must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr));
	}
	gic_place(gic);
	gic_start(gic);
	set(vm.vcpu, REG_X(26), GICD);
	set(vm.vcpu, REG_X(25), GICR + 0x10000);
	check_eq(guest_says(&vm, 8), 1, "guest is ready");
	v = 0;
	must(attr(gic, GET, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0xc00 + last / 16 * 4, &v));
	check_eq(v >> last % 16 * 2 & 3, 2, "an SPI is an edge at reset");
	v = 1U << last % 32;
	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x100 + last / 32 * 4, &v));
	check_eq(line(&vm, KVM_ARM_IRQ_TYPE_SPI, 0, last, 1), 0, "raise the last SPI");
	check_eq(guest_says(&vm, 0), last, "it arrives");
	line(&vm, KVM_ARM_IRQ_TYPE_SPI, 0, last, 0);
	check_errno(line(&vm, KVM_ARM_IRQ_TYPE_SPI, 0, last + 1, 1), EINVAL, "there is no more");
	close(gic);
	vm_drop(&vm);
}

/* A vCPU that could not be made leaves no trace in the chain of redistributors. GICv2 is not to be had. */
static void creation(void)
{
	struct kvm_create_device v2 = { .type = KVM_DEV_TYPE_ARM_VGIC_V2 };
	struct vm vm = VM(spin);
	int gic = gic_create(&vm), fd;
	uint64_t redist = GICR;
	struct rlimit old, none;
	uint32_t typer;

	check_errno(ioctl(vm.fd, KVM_CREATE_DEVICE, &v2), ENODEV, "a GICv2");
	check_errno(ioctl(vm.fd, KVM_CREATE_IRQCHIP, 0), ENODEV, "nor by KVM_CREATE_IRQCHIP");
	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redist));
	must(getrlimit(RLIMIT_NOFILE, &old));
	none = old;
	none.rlim_cur = 3;
	must(setrlimit(RLIMIT_NOFILE, &none));
	check_errno(ioctl(vm.fd, KVM_CREATE_VCPU, 1L), EMFILE, "a vCPU without a descriptor");
	must(setrlimit(RLIMIT_NOFILE, &old));
	gic_start(gic);
	must(attr(gic, GET, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, 8, &typer));
	check_eq(typer, 0x10, "the first one is still the last");
	close(gic);
	vm_drop(&vm);
	vm = VM(spin);
	gic = gic_create(&vm);
	must(attr(gic, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redist));
	must(setrlimit(RLIMIT_NOFILE, &none));
	check_errno(ioctl(vm.fd, KVM_CREATE_VCPU, 7L), EMFILE, "again");
	must(setrlimit(RLIMIT_NOFILE, &old));
	fd = must(ioctl(vm.fd, KVM_CREATE_VCPU, 7L));
	must(vcpu_init_features(vm.fd, fd, 1 << KVM_ARM_VCPU_PSCI_0_2));
	gic_start(gic);
	must(attr(gic, GET, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, 8, &typer));
	check_eq(typer, 0, "the first of two is not the last");
	must(attr(gic, GET, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, 7UL << 32 | 8, &typer));
	check_eq(typer, 0x710, "the second is");
	close(fd);
	close(gic);
	vm_drop(&vm);
}

struct later {
	struct vm *vm;
	uint64_t size;
	void *page;
};

static void *slot_later(void *arg)
{
	struct later *l = arg;

	usleep(50000);
	check_eq(set_slot(l->vm->fd, 5, 0, GICD, l->size, l->page), 0, "slot changed under a running guest");
	return NULL;
}

/* The way to a device may be remembered only while nothing else comes to lie there, guest running or not. */
static void memory_over_device(void)
{
	struct vm vm = VM(iidr);
	uint32_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct later l = { &vm, 4096, page };
	int gic = gic_ready(&vm);
	pthread_t t;
	int64_t iidr;

	iidr = guest_says(&vm, 0);
	check_eq(iidr & 0xfff, 0x43b, "GICD_IIDR has Arm's implementer code");
	page[2] = 0x12345678;
	must(-pthread_create(&t, NULL, slot_later, &l));
	check_eq(guest_says(&vm, 0), 0x12345678, "memory over the distributor is what the guest reads");
	pthread_join(t, NULL);
	l.size = 0;
	must(-pthread_create(&t, NULL, slot_later, &l));
	check_eq(guest_says(&vm, 0), iidr, "memory away: the register again");
	pthread_join(t, NULL);
	close(gic);
	vm_drop(&vm);
	munmap(page, 4096);
}

int main(void)
{
	memory_over_device();
	attributes();
	lines();
	irqfd();
	routes_before_start();
	ioeventfd();
	many_resamplers();
	last_descriptor();
	resample();
	level_again();
	registers();
	many();
	creation();
	return report();
}
