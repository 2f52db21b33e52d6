// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control channel to the launcher: transmit queue of port 0 of a virtio
 * console on a virtio-mmio transport (virtio 1.2: 4.2 MMIO, 5.3 console). One
 * buffer, sent synchronously: a line has left before the machine may power
 * off. All memory is static, because refusing to run comes before everything.
 * Lock: control_lock (irq-safe), innermost.
 */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/print.h"
#include "kernel/dev/dev.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kernel/sched/lock.h"

enum {
	MAGIC = 0x00, VERSION = 0x04, DEVICE_ID = 0x08, DEV_FEATURES_SEL = 0x14, DRV_FEATURES = 0x20,
	DRV_FEATURES_SEL = 0x24, QUEUE_SEL = 0x30, QUEUE_NUM_MAX = 0x34, QUEUE_NUM = 0x38, QUEUE_READY = 0x44,
	QUEUE_NOTIFY = 0x50, STATUS = 0x70, QUEUE_DESC = 0x80, QUEUE_DRIVER = 0x90, QUEUE_DEVICE = 0xa0,
};
#define ID_CONSOLE	3
#define TX_QUEUE	1
#define QSIZE		2
#define ST_ACK		1
#define ST_DRIVER	2
#define ST_DRIVER_OK	4
#define ST_FEATURES_OK	8

struct vring {
	struct { u64 addr; u32 len; u16 flags, next; } desc[QSIZE];
	struct { u16 flags, idx, ring[QSIZE], event; } avail;
	struct { u16 flags, idx; struct { u32 id, len; } ring[QSIZE]; u16 event; } used __attribute__((aligned(8)));
	char text[512];
};

static struct vring ring __attribute__((aligned(PAGE_SIZE)));
static volatile u32 *regs;		/* NULL: no channel */
static u64 early_ttbr0;			/* the identity map that regs need; 0: none needed */
static bool broken, busted, locked;
static spinlock_t control_lock = SPINLOCK_INIT;

static u64 static_pa(const volatile void *p)
{
	return (u64)p - KERNEL_BASE + kimage_pa;
}

static void set_addr(unsigned reg, const volatile void *p)
{
	regs[reg / 4] = (u32)static_pa(p);
	regs[reg / 4 + 1] = static_pa(p) >> 32;
}

bool control_probe(u64 va)
{
	volatile u32 *r = (volatile u32 *)va;

	if (r[MAGIC / 4] != 0x74726976 || r[VERSION / 4] != 2 || r[DEVICE_ID / 4] != ID_CONSOLE)
		return false;
	r[STATUS / 4] = 0;
	r[STATUS / 4] = ST_ACK | ST_DRIVER;
	/* Of the features only VIRTIO_F_VERSION_1 (bit 32): one port, no control queues. */
	r[DRV_FEATURES_SEL / 4] = 0;
	r[DRV_FEATURES / 4] = 0;
	r[DRV_FEATURES_SEL / 4] = 1;
	r[DRV_FEATURES / 4] = 1;
	r[STATUS / 4] = ST_ACK | ST_DRIVER | ST_FEATURES_OK;
	if (!(r[STATUS / 4] & ST_FEATURES_OK))
		return false;
	r[QUEUE_SEL / 4] = TX_QUEUE;
	if (r[QUEUE_NUM_MAX / 4] < QSIZE)
		return false;
	regs = r;
	early_ttbr0 = read_sysreg(ttbr0_el1);
	r[QUEUE_NUM / 4] = QSIZE;
	set_addr(QUEUE_DESC, ring.desc);
	set_addr(QUEUE_DRIVER, &ring.avail);
	set_addr(QUEUE_DEVICE, &ring.used);
	ring.avail.flags = 1;		/* no interrupts */
	ring.desc[0].addr = static_pa(ring.text);
	r[QUEUE_READY / 4] = 1;
	r[STATUS / 4] = ST_ACK | ST_DRIVER | ST_FEATURES_OK | ST_DRIVER_OK;
	return true;
}

void control_remap(u64 va)
{
	if (regs && va) {
		regs = (volatile u32 *)va;
		early_ttbr0 = 0;
		locked = true;
	}
}

void control_bust_locks(void)
{
	busted = true;
}

void control_send_raw(const char *line)
{
	u64 hz = read_sysreg(cntfrq_el0), start = read_sysreg(cntvct_el0);
	size_t n = strnlen(line, sizeof(ring.text) - 1);
	u16 idx = ring.avail.idx;

	if (!regs || broken || (early_ttbr0 && read_sysreg(ttbr0_el1) != early_ttbr0))
		return;
	memcpy(ring.text, line, n);
	ring.text[n++] = '\n';
	ring.desc[0].len = n;
	ring.avail.ring[idx % QSIZE] = 0;
	dmb(ish);
	WRITE_ONCE(ring.avail.idx, idx + 1);
	dsb(sy);
	regs[QUEUE_NOTIFY / 4] = TX_QUEUE;
	/* The launcher reads at once; after 5 s nobody does, and the buffer stays the device's. */
	while (READ_ONCE(ring.used.idx) != (u16)(idx + 1)) {
		cpu_relax();
		if (read_sysreg(cntvct_el0) - start > 5 * hz) {
			broken = true;
			return;
		}
	}
}

void control_send(const char *fmt, ...)
{
	char line[400];
	va_list ap;
	u64 flags;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* One message is one line, whatever the text. */
	for (char *p = line; *p; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	if (!locked || busted) {
		control_send_raw(line);
		return;
	}
	flags = spin_lock_irqsave(&control_lock);
	control_send_raw(line);
	spin_unlock_irqrestore(&control_lock, flags);
}

void control_end_failed(void)
{
	if (regs)
		psci_system_off();
	psci_system_reset();
}
