// SPDX-License-Identifier: GPL-2.0-only
/*
 * nestvm: what its files share. The machine it offers is fixed: devices in the
 * first GiB of guest physical address space, RAM from 1 GiB upwards.
 *
 * Threads: one per vCPU (run.c), and the main thread, which serves the
 * terminal (console.c). Devices have a lock of their own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Guest physical address map. */
#define UART_BASE	0x09000000UL
#define UART_SIZE	0x1000UL
#define RTC_BASE	0x09010000UL
#define RTC_SIZE	0x1000UL
#define TESTDEV_BASE	0x09020000UL
#define TESTDEV_SIZE	0x1000UL
#define GICD_BASE	0x10000000UL
#define GICD_SIZE	0x10000UL
#define ITS_BASE	0x10080000UL
#define ITS_SIZE	0x20000UL
#define GICR_BASE	0x10100000UL
#define GICR_SIZE	0x20000UL		/* per vCPU */
#define RAM_BASE	0x40000000UL

/* Shared peripheral interrupts, counted from INTID 32. */
#define UART_SPI	0
#define PMU_PPI		7	/* INTID 23 */
#define GIC_NR_IRQS	128
#define GIC_MAINT_PPI	9		/* of a guest with an EL2 of its own */

#define SZ_4K		0x1000UL
#define SZ_1M		0x100000UL
#define SZ_2M		0x200000UL

#define ALIGN_UP(x, a)	(((x) + (a) - 1) & ~((typeof(x))(a) - 1))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Exit statuses of the program; README and the launcher rely on them. */
enum vmm_status {
	VMM_OK = 0,		/* powered off in order, or the user left */
	VMM_USAGE = 2,		/* wrong option or unusable file */
	VMM_RESET = 3,		/* the guest asked for a reset */
	VMM_CRASH = 4,		/* the guest did what no machine offers */
	VMM_ERROR = 5,		/* KVM or a system call failed us */
};

struct vcpu;

struct vm {
	/* What the user asked for. */
	const char *kernel;
	const char *initrd;
	const char *cmdline;
	unsigned int nr_vcpus;
	uint64_t ram_size;
	int vector_bits;		/* SVE: -1 the longest, 0 none */
	bool stamp;		/* say when the first vCPU starts */
	bool batch;
	bool sdei;			/* software delegated exceptions */
	bool sdei_strict;		/* ... as the firmware of real machines */
	bool test_device;
	bool pmu;
	bool acpi;			/* the guest finds its machine by ACPI, not by device tree */
	unsigned int watchdog;		/* seconds; 0: none */
	bool watchdog_panic;		/* it ends the guest, else it only reports */
	const char *control;		/* path of a socket that takes orders; NULL: none */
	bool ptrauth;			/* pointer authentication */
	bool nested;			/* the guest has an EL2, so /dev/kvm works in it */
	bool aarch32;			/* its kernel is a 32-bit one */
	bool nvhe;			/* ... whose E2H is 0 */

	/* File descriptors. */
	int kvm_fd;
	int vm_fd;
	int gic_fd;
	int its_fd;			/* -1: the host offers none */

	uint8_t *ram;			/* where RAM_BASE is in our space */
	struct vcpu *vcpus;
	size_t run_size;		/* bytes of the mmap'd kvm_run */

	/* Where the loader put things (guest physical). */
	uint64_t entry;
	uint64_t fdt;
	uint64_t initrd_start;
	uint64_t initrd_end;
};

/*
 * Print one line `nestvm: ...` on stderr and exit with @status. The terminal
 * is restored first. Before the vCPUs run only, or from the main thread.
 */
void __attribute__((noreturn, format(printf, 2, 3)))
die(enum vmm_status status, const char *fmt, ...);

/* As die(VMM_ERROR), with the text of errno appended. */
void __attribute__((noreturn)) die_errno(const char *what);

/* run.c: the VM and its vCPUs. */

/* Open /dev/kvm and create the VM; checks the number of vCPUs. */
void vm_create(struct vm *vm);
/* Create the vCPUs and the GIC. The loader comes after it. */
void vm_create_vcpus(struct vm *vm);
/* The MPIDR_EL1 affinity bits of vCPU @i. */
uint64_t vcpu_mpidr(const struct vm *vm, unsigned int i);
/*
 * Have vCPU @i's thread call @fn between two runs of it, and wait until it has. Any thread but a vCPU's. Not called when
 * the VM ends meanwhile.
 */
void vcpu_call(const struct vm *vm, unsigned int i, void (*fn)(struct vcpu *vcpu, void *arg), void *arg);
/* A register by its KVM id, in @fn of vcpu_call. */
uint64_t vcpu_reg(const struct vcpu *vcpu, uint64_t id);
bool vcpu_on(struct vcpu *vcpu);		/* neither off nor suspended; from vcpu_call */
void vcpu_reg_set(const struct vcpu *vcpu, uint64_t id, uint64_t val);
/* Start all vCPU threads, serve the terminal, stop; the exit status. */
int vm_run(struct vm *vm);
/*
 * Ask every vCPU to leave its loop. The first caller decides the status.
 * Safe from any thread; returns at once.
 */
void vm_stop(enum vmm_status status);
/* Drive the level of a shared peripheral interrupt (@spi from 0). */
void irq_line(unsigned int spi, bool level);
/* Drive the level of a private peripheral interrupt (16 to 31) of vCPU @i. */
void ppi_line(unsigned int i, unsigned int intid, bool level);

/* memory.c */

/* Map guest RAM and give it to KVM as slot 0. */
void memory_init(struct vm *vm);
/*
 * A pointer to @size bytes of guest RAM at @gpa, or NULL when they are not
 * all inside it.
 */
void *memory_ptr(const struct vm *vm, uint64_t gpa, uint64_t size);

/* loader.c: kernel, device tree and initrd to guest memory. */

/* Check the files without touching KVM; sets aarch32. Exits with VMM_USAGE. */
void loader_check(struct vm *vm);
/* Load everything; sets entry, fdt and initrd_*. */
void loader_load(struct vm *vm);

/* fdt.c: write the device tree of @vm to @buf of @size bytes. */
void fdt_build(const struct vm *vm, void *buf, size_t size);

/* serial.c: a 16550A. */

void serial_init(void);
/* MMIO of one register at byte offset @off. */
uint8_t serial_read(uint64_t off);
void serial_write(uint64_t off, uint8_t val);
/* Bytes that the receiver can take now. */
size_t serial_room(void);
/* Feed @n bytes to the receiver; those without room are dropped. */
void serial_feed(const uint8_t *buf, size_t n);
/* Write out what the guest sent and we still hold. */
void serial_flush(void);
/* Readable when output waits to be flushed for too long; for poll(). */
int serial_timer_fd(void);

/* rtc.c: a PL031 without alarm interrupt. 32-bit registers. */
uint32_t rtc_read(uint64_t off);
void rtc_write(uint64_t off, uint32_t val);

/* testdev.c: lets a guest play the part of its VMM's user. */
uint32_t testdev_read(uint64_t off);
void testdev_write(const struct vm *vm, uint64_t off, uint32_t val);

/* console.c: the user's terminal. */

void console_init(const struct vm *vm);
void console_restore(void);
/* Serve the terminal until @stop_fd becomes readable. Main thread. */
void console_loop(int stop_fd);
/* Write all of @buf to standard output. */
void console_write(const void *buf, size_t n);
