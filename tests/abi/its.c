// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ITS: attributes, messages, MSI routes and irqfds; and an interrupt controller with everything pending, saved from one
 * VM and restored to another. Commands are queued and started from here, so that the guest only takes interrupts.
 */
#include <sys/eventfd.h>

#include "gic.h"

#define ITS		0x08080000UL
#define DOORBELL	(ITS + 0x10040)
#define DEVS		(RAM_GPA + 0x100000)
#define COLLS		(RAM_GPA + 0x110000)
#define QUEUE		(RAM_GPA + 0x120000)
#define PROPS		(RAM_GPA + 0x130000)
#define PENDS		(RAM_GPA + 0x140000)
#define ITT		(RAM_GPA + 0x150000)
#define SZ_64K		0x10000UL
#define VALID		(1UL << 63)
#define LPI		8192
#define DEV		3

#define GITS_CTLR	0
#define GITS_IIDR	4
#define GITS_TYPER	8
#define GITS_CBASER	0x80
#define GITS_CWRITER	0x88
#define GITS_CREADR	0x90
#define GITS_BASER(n)	(0x100 + 8 * (n))

/*
 * CPU interface on, "ready", then: acknowledge without WFI until something comes, report, end it. x27 != 0: end that one
 * first. PMR in x24; 0 stands still.
 */
GUEST(taker,
	"cbnz x27, 1f;"
	"mov x0, #7; msr s3_0_c12_c12_5, x0; isb;"
	"msr s3_0_c4_c6_0, x24; mov x0, #1; msr s3_0_c12_c12_7, x0; isb;"
	"str x0, [x28, #8];"
	"2: mrs x0, s3_0_c12_c12_0; dsb sy; cmp x0, #1023; b.ne 3f; yield; b 2b;"
	"3: str x0, [x28]; 4: msr s3_0_c12_c12_1, x0; isb; b 2b;"
	"1: mov x0, x27; b 4b");

/* Interface on, then take and end whatever comes, silently. */
GUEST(sink,
	"mov x0, #7; msr s3_0_c12_c12_5, x0; isb;"
	"msr s3_0_c4_c6_0, x24; mov x0, #1; msr s3_0_c12_c12_7, x0; isb;"
	"2: mrs x0, s3_0_c12_c12_0; dsb sy; cmp x0, #1023; b.eq 2b; msr s3_0_c12_c12_1, x0; isb; b 2b");
/* Have the ITS process its queue, sixteen commands at a time, x27 times; now and then turn LPIs of vCPU 0 (x26) off and on. */
GUEST(commander,
	"mov x1, #0; 1: add x1, x1, #512; and x2, x1, #0xffff; str x2, [x25];"
	"tst x1, #0x1fff; b.ne 2f; str wzr, [x26]; mov w3, #1; str w3, [x26];"
	"2: subs x27, x27, #1; b.ne 1b; str x1, [x28]; 3: b 3b");

struct machine {
	struct vm vm;
	int gic, its;
	uint32_t cw;
};

static uint64_t its_get(struct machine *m, uint64_t off)
{
	uint64_t v = 0;

	must(attr(m->its, GET, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, off, &v));
	return v;
}

static void its_set(struct machine *m, uint64_t off, uint64_t v)
{
	must(attr(m->its, SET, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, off, &v));
}

static void reg32_set(int fd, uint32_t group, uint64_t off, uint32_t v)
{
	must(attr(fd, SET, group, off, &v));
}

static int its_create(struct vm *vm)
{
	struct kvm_create_device d = { .type = KVM_DEV_TYPE_ARM_VGIC_ITS };

	must(ioctl(vm->fd, KVM_CREATE_DEVICE, &d));
	return d.fd;
}

static void machine_gic(struct machine *m)
{
	uint64_t its = ITS;
	uint32_t nr = 64;

	m->gic = gic_create(&m->vm);
	gic_place(m->gic);
	must(attr(m->gic, SET, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr));
	gic_start(m->gic);
	m->its = its_create(&m->vm);
	must(attr(m->its, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, &its));
	gic_start(m->its);
}

/* vGIC and ITS, nothing set up. @pmr: what the guest lets through, 0 for nothing. */
static struct machine machine_make(uint64_t pmr)
{
	struct machine m = { .vm = VM(taker) };

	machine_gic(&m);
	set(m.vm.vcpu, REG_X(24), pmr);
	set(m.vm.vcpu, REG_X(27), 0);
	return m;
}

static void machine_drop(struct machine *m)
{
	close(m->its);
	close(m->gic);
	vm_drop(&m->vm);
}

static void *ram(struct machine *m, uint64_t gpa)
{
	return m->vm.ram + (gpa - RAM_GPA);
}

static void command(struct machine *m, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t *q = ram(m, QUEUE + m->cw);

	q[0] = a;
	q[1] = b;
	q[2] = c;
	q[3] = 0;
	m->cw = (m->cw + 32) % SZ_64K;
	its_set(m, GITS_CWRITER, m->cw);
}

static void map(struct machine *m, uint32_t event, uint32_t lpi, uint8_t prop)
{
	((uint8_t *)ram(m, PROPS))[lpi - LPI] = prop;
	command(m, (uint64_t)DEV << 32 | 10, event | (uint64_t)lpi << 32, 0);
}

/* Tables, LPIs on, one device and collection 0 on vCPU 0. */
static void its_enable(struct machine *m)
{
	reg32_set(m->gic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0, 0x12);
	reg32_set(m->gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, 0x70, PROPS | 15);
	reg32_set(m->gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, 0x78, PENDS);
	reg32_set(m->gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, 0, 1);
	its_set(m, GITS_BASER(0), VALID | DEVS);
	its_set(m, GITS_BASER(1), VALID | COLLS);
	its_set(m, GITS_CBASER, VALID | QUEUE | 15);
	its_set(m, GITS_CTLR, 1);
	command(m, (uint64_t)DEV << 32 | 8, 5, VALID | ITT);
	command(m, 9, 0, VALID);
}

static int signal_msi(struct machine *m, uint64_t addr, uint32_t dev, uint32_t event, uint32_t flags)
{
	struct kvm_msi msi = {
		.address_lo = addr, .address_hi = addr >> 32, .data = event, .devid = dev, .flags = flags,
	};

	return ioctl(m->vm.fd, KVM_SIGNAL_MSI, &msi);
}

static void attributes(void)
{
	struct kvm_create_device test = { .type = KVM_DEV_TYPE_ARM_VGIC_ITS, .flags = KVM_CREATE_DEVICE_TEST };
	struct machine m = { .vm = VM(taker) };
	uint64_t addr, v;

	check_eq(ioctl(m.vm.fd, KVM_CREATE_DEVICE, &test), 0, "KVM_CREATE_DEVICE_TEST");
	check_eq(ioctl(m.vm.fd, KVM_CHECK_EXTENSION, KVM_CAP_SIGNAL_MSI), 1, "KVM_CAP_SIGNAL_MSI");
	check_eq(ioctl(m.vm.fd, KVM_CHECK_EXTENSION, KVM_CAP_MSI_DEVID), 0, "KVM_CAP_MSI_DEVID without an ITS");
	check_errno(signal_msi(&m, DOORBELL, 0, 0, KVM_MSI_VALID_DEVID), EINVAL, "a message without a vGIC");
	m.gic = gic_create(&m.vm);
	check_errno(signal_msi(&m, DOORBELL, 0, 0, KVM_MSI_VALID_DEVID), ENODEV, "a message without an ITS");
	m.its = its_create(&m.vm);
	check_eq(ioctl(m.vm.fd, KVM_CHECK_EXTENSION, KVM_CAP_MSI_DEVID), 1, "KVM_CAP_MSI_DEVID with one");
	check_errno(attr(m.its, GET, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, GITS_TYPER, &v), ENXIO, "a register before the address");
	addr = ITS + 0x1000;
	check_errno(attr(m.its, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, &addr), EINVAL, "odd address");
	addr = 1UL << 60;
	check_errno(attr(m.its, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, &addr), E2BIG, "beyond the IPA space");
	check_errno(attr(m.its, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, 0, &addr), ENODEV, "another address type");
	check_errno(attr(m.its, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, NULL), EFAULT, "address from NULL");
	addr = ITS;
	check_eq(attr(m.its, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, &addr), 0, "address");
	check_errno(attr(m.its, SET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, &addr), EEXIST, "twice");
	check(!attr(m.its, GET, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, &v) && v == ITS, "read back");
	check_errno(attr(m.its, HAS, 77, 0, NULL), ENXIO, "HAS an unknown group");
	check_errno(attr(m.its, HAS, KVM_DEV_ARM_VGIC_GRP_CTRL, 77, NULL), ENXIO, "HAS an unknown control");
	check_eq(attr(m.its, HAS, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_SAVE_TABLES, NULL), 0, "HAS SAVE_TABLES");
	check_eq(attr(m.its, HAS, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, GITS_BASER(7), NULL), 0, "HAS the last GITS_BASER");
	check_errno(attr(m.its, HAS, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, GITS_TYPER + 4, NULL), EINVAL, "HAS half a register");
	check_errno(attr(m.its, HAS, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, 0x200, NULL), ENXIO, "HAS a reserved one");
	check_eq(its_get(&m, GITS_IIDR), 0x4b00043b, "GITS_IIDR");
	v = 0x4b00143b;
	check_errno(attr(m.its, SET, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, GITS_IIDR, &v), EINVAL, "revision 1 of the tables");
	check_eq(its_get(&m, GITS_TYPER), 0x1ef71, "GITS_TYPER: 16 bits of everything, entries of 8 bytes");
	check_eq(its_get(&m, GITS_CTLR), 0x80000000, "GITS_CTLR: quiescent");
	its_set(&m, GITS_CBASER, VALID | QUEUE | 15);
	v = SZ_64K;
	check_errno(attr(m.its, SET, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, GITS_CREADR, &v), EINVAL, "GITS_CREADR beyond the queue");
	its_set(&m, GITS_CREADR, 64);
	check_eq(its_get(&m, GITS_CREADR), 64, "GITS_CREADR is for user space to write");
	check_errno(signal_msi(&m, DOORBELL, 0, 0, 0), EINVAL, "a message without DeviceID");
	check_errno(signal_msi(&m, DOORBELL, 0, 0, 2), EINVAL, "with an unknown flag");
	check_errno(signal_msi(&m, GICD, 0, 0, KVM_MSI_VALID_DEVID), EINVAL, "to somewhere else");
	check_errno(signal_msi(&m, DOORBELL, 0, 0, KVM_MSI_VALID_DEVID), EBUSY, "while the ITS is off");
	close(m.its);
	check_errno(signal_msi(&m, DOORBELL, 0, 0, KVM_MSI_VALID_DEVID), EBUSY, "the ITS stays when its descriptor goes");
	close(m.gic);
	vm_drop(&m.vm);
}

static void messages(void)
{
	struct machine m = machine_make(0xf0);
	int fd = eventfd(0, EFD_NONBLOCK), spi = eventfd(0, EFD_NONBLOCK);
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry e[2];
	} routes = {
		.head = { .nr = 2 },
		.e = { { .gsi = 100, .type = KVM_IRQ_ROUTING_MSI, .flags = KVM_MSI_VALID_DEVID,
			 .u.msi = { .address_lo = (uint32_t)DOORBELL, .data = 2, .devid = DEV } },
		       { .gsi = 101, .type = KVM_IRQ_ROUTING_IRQCHIP, .u.irqchip.pin = 3 } },
	};
	struct kvm_irqfd irqfd = { .fd = fd, .gsi = 100 };
	uint64_t one = 1;

	its_enable(&m);
	map(&m, 1, LPI + 1, 0xa1);
	map(&m, 2, LPI + 2, 0xa1);
	check_eq(its_get(&m, GITS_CREADR), m.cw, "commands that user space queues are processed");
	check_eq(guest_says(&m.vm, 8), 1, "guest is ready");
	check_eq(signal_msi(&m, DOORBELL, DEV, 1, KVM_MSI_VALID_DEVID), 1, "a message is delivered");
	check_eq(guest_says(&m.vm, 0), LPI + 1, "its LPI arrives");
	check_eq(signal_msi(&m, DOORBELL, DEV, 9, KVM_MSI_VALID_DEVID), 0, "an event that is not mapped");
	check_eq(signal_msi(&m, DOORBELL, DEV + 1, 1, KVM_MSI_VALID_DEVID), 0, "a device that is not mapped");
	check_eq(ioctl(m.vm.fd, KVM_SET_GSI_ROUTING, &routes), 0, "routes to an MSI and to a pin");
	check_eq(ioctl(m.vm.fd, KVM_IRQFD, &irqfd), 0, "irqfd on the MSI");
	irqfd.fd = spi;
	irqfd.gsi = 101;
	check_eq(ioctl(m.vm.fd, KVM_IRQFD, &irqfd), 0, "irqfd on the pin");
	check_eq(write(fd, &one, 8), 8, "ring the first");
	check_eq(guest_says(&m.vm, 0), LPI + 2, "its LPI arrives");
	reg32_set(m.gic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x104, 1 << 3);
	reg32_set(m.gic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0xc08, 2 << 6);
	write(spi, &one, 8);
	check_eq(guest_says(&m.vm, 0), 35, "ring the second: SPI 35");
	routes.e[1].gsi = 100;
	check_errno(ioctl(m.vm.fd, KVM_SET_GSI_ROUTING, &routes), EINVAL, "two routes to one GSI");
	routes.e[1].gsi = 4096;
	check_errno(ioctl(m.vm.fd, KVM_SET_GSI_ROUTING, &routes), EINVAL, "a GSI beyond the last");
	routes.e[1].gsi = 101;
	routes.e[1].u.irqchip.pin = 988;
	check_errno(ioctl(m.vm.fd, KVM_SET_GSI_ROUTING, &routes), EINVAL, "a pin beyond the last");
	routes.e[0].u.msi.data = 1;
	routes.e[1].u.irqchip.pin = 4;
	check_eq(ioctl(m.vm.fd, KVM_SET_GSI_ROUTING, &routes), 0, "another event for the same GSI");
	write(fd, &one, 8);
	check_eq(guest_says(&m.vm, 0), LPI + 1, "its LPI arrives");
	must(attr(m.its, SET, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_CTRL_RESET, NULL));
	check_eq(its_get(&m, GITS_CTLR), 0x80000000, "reset: off");
	check_eq(its_get(&m, GITS_BASER(0)) >> 63, 0, "reset: no tables");
	check_errno(signal_msi(&m, DOORBELL, DEV, 1, KVM_MSI_VALID_DEVID), EBUSY, "reset: no message");
	close(fd);
	close(spi);
	machine_drop(&m);
}

/* ---- save and restore ---- */

#define SYSREG(op1, crn, crm, op2)	(3UL << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

struct state {
	uint32_t dist[512], redist[80], level[2];
	uint64_t icc[12], its[6];
};

static const struct range { uint32_t first, last; } dist_regs[] = {
	{ 0x0000, 0x0000 }, { 0x0084, 0x0084 }, { 0x0104, 0x0104 }, { 0x0c08, 0x0c0c }, { 0x0204, 0x0204 }, { 0x0304, 0x0304 },
	{ 0x0420, 0x043c }, { 0x6100, 0x61fc },
}, redist_regs[] = {
	{ 0x0070, 0x007c }, { 0x0000, 0x0000 }, { 0x10080, 0x10080 }, { 0x10100, 0x10100 }, { 0x10c00, 0x10c04 },
	{ 0x10200, 0x10200 }, { 0x10300, 0x10300 }, { 0x10400, 0x1041c },
};

static const uint64_t icc_regs[] = {
	SYSREG(0, 4, 6, 0), SYSREG(0, 12, 8, 3), SYSREG(0, 12, 8, 4), SYSREG(0, 12, 9, 0), SYSREG(0, 12, 12, 3),
	SYSREG(0, 12, 12, 4), SYSREG(0, 12, 12, 5), SYSREG(0, 12, 12, 6), SYSREG(0, 12, 12, 7),
};

/* GITS_CBASER first, since it resets the pointers; GITS_CTLR last, behind the tables. */
static const uint32_t its_regs[] = { GITS_CBASER, GITS_BASER(0), GITS_BASER(1), GITS_CREADR, GITS_CWRITER, GITS_CTLR };

static void ranges(int fd, unsigned long op, uint32_t group, const struct range *r, unsigned int n, uint32_t *v)
{
	uint32_t off;

	for (; n--; r++)
		for (off = r->first; off <= r->last; off += 4)
			must(attr(fd, op, group, off, v++));
}

static void transfer(struct machine *m, unsigned long op, struct state *s)
{
	unsigned int i;

	/* GICD_CTLR first: Linux forgets what becomes pending while the distributor is off. */
	ranges(m->gic, op, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, dist_regs, sizeof(dist_regs) / sizeof(dist_regs[0]), s->dist);
	ranges(m->gic, op, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, redist_regs, sizeof(redist_regs) / sizeof(redist_regs[0]),
	       s->redist);
	for (i = 0; i < 2; i++)
		must(attr(m->gic, op, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, i * 32, &s->level[i]));
	for (i = 0; i < sizeof(icc_regs) / sizeof(icc_regs[0]); i++)
		must(attr(m->gic, op, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, icc_regs[i], &s->icc[i]));
	for (i = 0; i < sizeof(its_regs) / sizeof(its_regs[0]); i++) {
		if (op == SET && its_regs[i] == GITS_CTLR)
			must(attr(m->its, SET, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_RESTORE_TABLES, NULL));
		must(attr(m->its, op, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, its_regs[i], &s->its[i]));
	}
}

static void prio(struct machine *m, uint32_t intid, uint32_t p)
{
	uint32_t v, group = intid < 32 ? KVM_DEV_ARM_VGIC_GRP_REDIST_REGS : KVM_DEV_ARM_VGIC_GRP_DIST_REGS;
	uint64_t off = (intid < 32 ? 0x10400 : 0x400) + (intid & ~3U);

	must(attr(m->gic, GET, group, off, &v));
	v = (v & ~(0xffU << intid % 4 * 8)) | p << intid % 4 * 8;
	reg32_set(m->gic, group, off, v);
}

/* SPI 42 active; pending: LPI 8192, SPI 40 (edge), PPI 20, SGI 3, SPI 41 (line); LPI 8193 disabled, 8194 for later. */
static struct machine busy_machine(void)
{
	struct machine m = machine_make(0xf0);
	static const struct { uint32_t intid, prio; } prios[] = {
		{ 42, 0x10 }, { 40, 0x40 }, { 20, 0x60 }, { 3, 0x80 }, { 41, 0xa0 },
	};
	unsigned int i;

	its_enable(&m);
	map(&m, 0, LPI, 0x21);
	map(&m, 1, LPI + 1, 0x20);
	map(&m, 2, LPI + 2, 0x31);
	reg32_set(m.gic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0xc08, 2U << 16 | 2U << 20);	/* 40, 42 edges */
	reg32_set(m.gic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x104, 7U << 8);
	reg32_set(m.gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, 0x10100, 1U << 20 | 0xffff);
	for (i = 0; i < sizeof(prios) / sizeof(prios[0]); i++)
		prio(&m, prios[i].intid, prios[i].prio);
	check_eq(guest_says(&m.vm, 8), 1, "guest is ready");
	line(&m.vm, KVM_ARM_IRQ_TYPE_SPI, 0, 42, 1);
	check_eq(guest_says(&m.vm, 0), 42, "an SPI, not ended yet");
	line(&m.vm, KVM_ARM_IRQ_TYPE_SPI, 0, 40, 1);
	line(&m.vm, KVM_ARM_IRQ_TYPE_SPI, 0, 41, 1);
	line(&m.vm, KVM_ARM_IRQ_TYPE_PPI, 0, 20, 1);
	reg32_set(m.gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, 0x10200, 1 << 3);
	check_eq(signal_msi(&m, DOORBELL, DEV, 0, KVM_MSI_VALID_DEVID), 1, "an enabled LPI");
	check_eq(signal_msi(&m, DOORBELL, DEV, 1, KVM_MSI_VALID_DEVID), 1, "a disabled LPI");
	return m;
}

static void save_restore(void)
{
	static struct state old, new;
	struct machine a = busy_machine(), b = machine_make(0xf0);

	check_eq(attr(a.gic, SET, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES, NULL), 0,
		 "SAVE_PENDING_TABLES");
	check_eq(((uint8_t *)ram(&a, PENDS))[LPI / 8], 3, "two bits in the pending table");
	check_eq(attr(a.its, SET, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_SAVE_TABLES, NULL), 0, "SAVE_TABLES");
	check_eq(*(uint64_t *)ram(&a, DEVS + DEV * 8), VALID | ITT >> 8 << 5 | 5, "a device table entry");
	check_eq(*(uint64_t *)ram(&a, ITT + 8), 1UL << 48 | (LPI + 1UL) << 16, "an interrupt table entry");
	check_eq(*(uint64_t *)ram(&a, COLLS), VALID, "a collection table entry");
	transfer(&a, GET, &old);
	memcpy(b.vm.ram, a.vm.ram, RAM_SIZE);
	transfer(&b, SET, &old);
	transfer(&b, GET, &new);
	check(!memcmp(&old, &new, sizeof(old)), "all registers read as before");
	check_eq(((uint8_t *)ram(&b, PENDS))[LPI / 8], 0, "the pending bits are out of the table");
	b.cw = a.cw;
	machine_drop(&a);
	set(b.vm.vcpu, REG_X(27), 42);
	check_eq(guest_says(&b.vm, 0), LPI, "after the end of 42: the LPI");
	check_eq(guest_says(&b.vm, 0), 40, "SPI 40, an edge");
	check_eq(guest_says(&b.vm, 0), 20, "PPI 20");
	line(&b.vm, KVM_ARM_IRQ_TYPE_PPI, 0, 20, 0);
	check_eq(guest_says(&b.vm, 0), 3, "SGI 3");
	check_eq(guest_says(&b.vm, 0), 41, "SPI 41, a line");
	line(&b.vm, KVM_ARM_IRQ_TYPE_SPI, 0, 41, 0);
	check_eq(signal_msi(&b, DOORBELL, DEV, 2, KVM_MSI_VALID_DEVID), 1, "a message");
	check_eq(guest_says(&b.vm, 0), LPI + 2, "its LPI: the translation came along");
	((uint8_t *)ram(&b, PROPS))[1] = 0x21;
	command(&b, (uint64_t)DEV << 32 | 12, 1, 0);
	check_eq(guest_says(&b.vm, 0), LPI + 1, "the disabled LPI, once enabled");
	machine_drop(&b);
}

static void bad_tables(void)
{
	struct machine m = machine_make(0xf0);

	its_enable(&m);
	map(&m, 0, LPI, 0xa1);
	must(attr(m.its, SET, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_SAVE_TABLES, NULL));
	must(attr(m.its, SET, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_CTRL_RESET, NULL));
	its_set(&m, GITS_BASER(0), VALID | DEVS);
	its_set(&m, GITS_BASER(1), VALID | COLLS);
	*(uint64_t *)ram(&m, COLLS) = VALID | 77 << 16;
	check_errno(attr(m.its, SET, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_RESTORE_TABLES, NULL), EINVAL,
		    "a collection on a vCPU that is not there");
	*(uint64_t *)ram(&m, COLLS) = VALID;
	*(uint64_t *)ram(&m, ITT) = 8191UL << 16;
	check_errno(attr(m.its, SET, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_RESTORE_TABLES, NULL), EINVAL,
		    "an event with no LPI's number");
	*(uint64_t *)ram(&m, ITT) = (uint64_t)LPI << 16 | 5;
	check_errno(attr(m.its, SET, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_RESTORE_TABLES, NULL), EINVAL,
		    "an event of an unknown collection");
	*(uint64_t *)ram(&m, ITT) = (uint64_t)LPI << 16;
	*(uint64_t *)ram(&m, DEVS + DEV * 8) |= 31;
	check_errno(attr(m.its, SET, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_RESTORE_TABLES, NULL), EINVAL,
		    "a device with 32 bits of events");
	*(uint64_t *)ram(&m, DEVS + DEV * 8) = VALID | ITT >> 8 << 5 | 5;
	check_eq(attr(m.its, SET, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_RESTORE_TABLES, NULL), 0, "and as it was");
	machine_drop(&m);
}

/* ---- everything at once ---- */

#define TAKERS	2

static struct stress {
	struct machine m;
	volatile bool over;
	int vcpu[TAKERS];
	struct kvm_run *run[TAKERS];
	long sent;
} stress_now;

static void no_op(int sig)
{
}

static void *take_lpis(void *arg)
{
	long i = (long)arg;

	while (!stress_now.over)
		if (ioctl(stress_now.vcpu[i], KVM_RUN, 0) < 0 && errno != EINTR)
			break;
	return NULL;
}

static void *send_lpis(void *arg)
{
	uint32_t n = (long)arg * 7919;

	while (!stress_now.over) {
		n = n * 1664525 + 1013904223;
		if (signal_msi(&stress_now.m, DOORBELL, n >> 8 & 3, n >> 16 & 31, KVM_MSI_VALID_DEVID) > 0)
			__atomic_add_fetch(&stress_now.sent, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* irqfds that come and go, most of them by the end of their eventfd. */
static void *ring_lpis(void *arg)
{
	uint64_t one = 1;
	uint32_t n = 0;

	while (!stress_now.over) {
		struct {
			struct kvm_irq_routing head;
			struct kvm_irq_routing_entry e[1];
		} route = {
			.head = { .nr = 1 },
			.e = { { .gsi = 9, .type = KVM_IRQ_ROUTING_MSI, .flags = KVM_MSI_VALID_DEVID,
				 .u.msi = { .address_lo = (uint32_t)DOORBELL, .data = n & 31, .devid = n >> 5 & 3 } } },
		};
		struct kvm_irqfd irqfd = { .fd = must(eventfd(0, EFD_NONBLOCK)), .gsi = 9 };

		must(ioctl(stress_now.m.vm.fd, KVM_SET_GSI_ROUTING, &route));
		must(ioctl(stress_now.m.vm.fd, KVM_IRQFD, &irqfd));
		must(write(irqfd.fd, &one, 8));
		if (!(n++ & 3)) {
			irqfd.flags = KVM_IRQFD_FLAG_DEASSIGN;
			must(ioctl(stress_now.m.vm.fd, KVM_IRQFD, &irqfd));
		}
		close(irqfd.fd);
	}
	return NULL;
}

/* A queue full of commands that mean something more often than not. */
static void fill_queue(struct machine *m)
{
	static const uint8_t ops[] = { 1, 3, 4, 5, 8, 8, 9, 9, 10, 10, 10, 10, 12, 13, 14, 15 };
	uint64_t *q = ram(m, QUEUE);
	uint32_t n = 12345, i;

	for (i = 0; i < SZ_64K / 32; i++, q += 4) {
		uint32_t a, op;

		n = n * 1664525 + 1013904223;
		a = n >> 8;
		op = ops[a & 15];
		q[0] = op | (uint64_t)(a >> 4 & 3) << 32;
		q[1] = op == 8 ? 4 : (a >> 6 & 31) | (uint64_t)(LPI + (a >> 11 & 63)) << 32;
		q[2] = (a >> 17 & 3) | (uint64_t)(a >> 19 & 1) << 16 | (a >> 20 & 7 ? VALID : 0);
		if (op == 8)
			q[2] = (ITT + (a >> 4 & 3) * 0x1000) | (a >> 20 & 7 ? VALID : 0);
		q[3] = (uint64_t)(a >> 11 & 1) << 16;
	}
}

static void stress(void)
{
	struct stress *s = &stress_now;
	struct vm *vm = &s->m.vm;
	pthread_t take[TAKERS], send[2], ring;
	long i;

	s->m = (struct machine){ .vm = VM(commander) };
	for (i = 0; i < TAKERS; i++) {
		s->vcpu[i] = vcpu_add(vm, i + 1, 1 << KVM_ARM_VCPU_PSCI_0_2);
		set(s->vcpu[i], REG_PC, RAM_GPA + 0x1000);
		set(s->vcpu[i], REG_X(24), 0xf0);
		s->run[i] = vcpu_map(vm, s->vcpu[i]);
	}
	memcpy(vm->ram + 0x1000, guest_sink, guest_sink_end - guest_sink);
	machine_gic(&s->m);
	its_enable(&s->m);
	for (i = 1; i <= TAKERS; i++) {
		reg32_set(s->m.gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, (uint64_t)i << 32 | 0x78, PENDS);
		reg32_set(s->m.gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, (uint64_t)i << 32, 1);
	}
	memset(ram(&s->m, PROPS), 0xa1, 64);
	fill_queue(&s->m);
	set(vm->vcpu, REG_X(25), ITS + GITS_CWRITER);
	set(vm->vcpu, REG_X(26), GICR + 0x20000);
	set(vm->vcpu, REG_X(27), 1500);
	handle(SIGUSR1, no_op, 0);
	for (i = 0; i < TAKERS; i++)
		must(-pthread_create(&take[i], NULL, take_lpis, (void *)i));
	for (i = 0; i < 2; i++)
		must(-pthread_create(&send[i], NULL, send_lpis, (void *)i));
	must(-pthread_create(&ring, NULL, ring_lpis, NULL));
	check_eq(guest_says(vm, 0), 1500 * 512, "commands, messages, irqfds and LPIs at once");
	s->over = true;
	for (i = 0; i < TAKERS; i++) {
		s->run[i]->immediate_exit = 1;
		pthread_kill(take[i], SIGUSR1);
		pthread_join(take[i], NULL);
		munmap(s->run[i], vm->run_size);
		close(s->vcpu[i]);
	}
	for (i = 0; i < 2; i++)
		pthread_join(send[i], NULL);
	pthread_join(ring, NULL);
	check(s->sent > 0, "some messages were delivered");
	printf("# %ld messages\n", s->sent);
	check_eq(attr(s->m.gic, SET, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES, NULL), 0,
		 "and the pending tables can be saved");
	machine_drop(&s->m);
}

/* One stays with its VM when its descriptor is closed: there is an end. */
static void too_many(void)
{
	struct kvm_create_device d = { .type = KVM_DEV_TYPE_ARM_VGIC_ITS };
	struct vm vm = VM(sink);
	unsigned n;

	for (n = 0; n < 256 && !ioctl(vm.fd, KVM_CREATE_DEVICE, &d); n++)
		close(d.fd);
	check_eq(n, 256, "256 of them");
	check_errno(ioctl(vm.fd, KVM_CREATE_DEVICE, &d), ENOSPC, "and no more");
	vm_drop(&vm);
}

int main(void)
{
	attributes();
	messages();
	save_restore();
	bad_tables();
	stress();
	if (on_nestbox())
		too_many();
	return report();
}
