// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACPI for the guest (--acpi): tables, what the kernel wants of EFI to find them (system table, memory map; no runtime
 * services), and the error records of its two GHES sources. All of it is in the last MiB of RAM. Written before the vCPUs
 * run; error records afterwards, under record_lock. ACPI 6.5; UEFI 2.10 chapters 4, 7.2; UEFI appendix N (records).
 */
#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "acpi.h"
#include "sdei.h"

#define AREA_SIZE	SZ_1M		/* at the end of RAM */
#define OFF_EFI		0x00000		/* system table, configuration table, vendor, memory map */
#define OFF_TABLES	0x01000
#define OFF_ERRORS	0xff000		/* the last page: error status */
#define ERROR_BLOCK	0x800		/* per source */
#define ERROR_DATA	0x010		/* of it: the block, behind the word that points to it */

#define EFI_CONVENTIONAL 7
#define EFI_ACPI_TABLES	9
#define EFI_ACPI_NVS	10
#define EFI_WB		8
#define EFI_DESC_SIZE	40
#define EFI_SIGNATURE	0x5453595320494249UL
#define EFI_REVISION	(2u << 16 | 70)

#define GSI_LEVEL_HIGH	0
#define NOTIFY_SDEI	11
#define HEST_GHES	9
#define SEV_FATAL	1
#define SEV_CORRECTED	2

/* A table being written: little-endian, front to back. */
struct table {
	uint8_t *start, *p;
	uint64_t gpa;
};

static pthread_mutex_t record_lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
	const struct vm *vm;
	uint8_t *mem;			/* the area */
	uint64_t gpa;
	uint64_t next;			/* offset of the next table */
} area;

static void put(struct table *t, uint64_t val, unsigned int bytes)
{
	while (bytes--) {
		*t->p++ = val;
		val >>= 8;
	}
}

static void put_bytes(struct table *t, const void *src, size_t n)
{
	memcpy(t->p, src, n);
	t->p += n;
}

static void put_zero(struct table *t, size_t n)
{
	memset(t->p, 0, n);
	t->p += n;
}

/* Generic address: memory, of this many bits; access size as ACPI encodes it. */
static void put_gas(struct table *t, uint64_t addr, unsigned int bits, unsigned int access)
{
	put(t, 0, 1);
	put(t, bits, 1);
	put(t, 0, 1);
	put(t, access, 1);
	put(t, addr, 8);
}

static struct table table_begin(const char *signature, unsigned int revision)
{
	struct table t = { .start = area.mem + area.next, .gpa = area.gpa + area.next };

	t.p = t.start;
	put_bytes(&t, signature, 4);
	put(&t, 0, 4);			/* length */
	put(&t, revision, 1);
	put(&t, 0, 1);			/* checksum */
	put_bytes(&t, "NESTBX", 6);
	put_bytes(&t, "NESTVM  ", 8);
	put(&t, 1, 4);
	put_bytes(&t, "NBX ", 4);
	put(&t, 1, 4);
	return t;
}

static uint8_t checksum(const uint8_t *p, size_t n)
{
	uint8_t sum = 0;

	while (n--)
		sum += *p++;
	return -sum;
}

/* Its guest physical address. */
static uint64_t table_end(struct table *t)
{
	uint32_t len = t->p - t->start;

	memcpy(t->start + 4, &(uint32_t){ htole32(len) }, 4);
	t->start[9] = checksum(t->start, len);
	area.next = ALIGN_UP(area.next + len, 64UL);
	return t->gpa;
}

/* ---- AML, as far as a UART and processors need it (ACPI 20.2) ---- */

/* Wrap what was written from @from on in its length and the @n bytes of @head before it. */
static void aml_wrap(struct table *t, uint8_t *from, const void *head, size_t n)
{
	size_t body = t->p - from, len = body + 2;

	memmove(from + n + 2, from, body);
	memcpy(from, head, n);
	from[n] = 0x40 | (len & 0xf);
	from[n + 1] = len >> 4;
	t->p = from + n + 2 + body;
}

static void aml_name(struct table *t, const char *name)
{
	put(t, 0x08, 1);
	put_bytes(t, name, 4);
}

static void aml_string(struct table *t, const char *name, const char *val)
{
	aml_name(t, name);
	put(t, 0x0d, 1);
	put_bytes(t, val, strlen(val) + 1);
}

static void aml_int(struct table *t, const char *name, uint32_t val)
{
	aml_name(t, name);
	put(t, 0x0c, 1);
	put(t, val, 4);
}

static void aml_device(struct table *t, uint8_t *from)
{
	aml_wrap(t, from, "\x5b\x82", 2);
}

static void aml_uart(struct table *t)
{
	uint8_t *dev = t->p, *buf;

	put_bytes(t, "COM0", 4);
	aml_string(t, "_HID", "PNP0501");
	aml_int(t, "_UID", 0);
	aml_name(t, "_CRS");
	buf = t->p;
	put_bytes(t, "\x0a\x17", 2);		/* 23 bytes: */
	put_bytes(t, "\x86\x09\x00\x01", 4);	/* Memory32Fixed, writable */
	put(t, UART_BASE, 4);
	put(t, UART_SIZE, 4);
	put_bytes(t, "\x89\x06\x00\x01\x01", 5); /* interrupt: consumer, level, high; one */
	put(t, 32 + UART_SPI, 4);
	put_bytes(t, "\x79\x00", 2);
	aml_wrap(t, buf, "\x11", 1);
	aml_device(t, dev);
}

static uint64_t dsdt(void)
{
	struct table t = table_begin("DSDT", 2);
	uint8_t *scope = t.p;
	unsigned int i;
	char name[8];

	/* Larger scopes than 4 KiB need a third byte of length: a scope for each. */
	put_bytes(&t, "\\_SB_", 5);
	aml_uart(&t);
	aml_wrap(&t, scope, "\x10", 1);
	for (i = 0; i < area.vm->nr_vcpus; i++) {
		uint8_t *dev;

		scope = t.p;
		put_bytes(&t, "\\_SB_", 5);
		dev = t.p;
		snprintf(name, sizeof(name), "C%03X", i & 0xfff);
		put_bytes(&t, name, 4);
		aml_string(&t, "_HID", "ACPI0007");
		aml_int(&t, "_UID", i);
		aml_device(&t, dev);
		aml_wrap(&t, scope, "\x10", 1);
	}
	return table_end(&t);
}

/* ---- tables ---- */

static uint64_t fadt(uint64_t dsdt_gpa)
{
	struct table t = table_begin("FACP", 6);

	put_zero(&t, 112 - 36);
	put(&t, 1u << 20, 4);		/* hardware-reduced */
	put_zero(&t, 129 - 116);
	put(&t, area.vm->nested ? 1 : 3, 2);	/* PSCI, by HVC, but by SMC where there is an EL2: the conduit of SDEI too */
	put(&t, 5, 1);			/* 6.5 */
	put_zero(&t, 140 - 132);
	put(&t, dsdt_gpa, 8);
	put_zero(&t, 276 - 148);
	return table_end(&t);
}

static void madt_cpu(struct table *t, unsigned int i)
{
	put(t, 0x0b, 1);
	put(t, 80, 1);
	put(t, 0, 2);
	put(t, i, 4);			/* interface, processor _UID */
	put(t, i, 4);
	put(t, 1, 4);			/* enabled */
	put_zero(t, 4 + 4 + 8 + 8 + 8 + 8 + 4);
	put(t, GICR_BASE + i * GICR_SIZE, 8);
	put(t, vcpu_mpidr(area.vm, i), 8);
	put_zero(t, 4);
}

static uint64_t madt(void)
{
	struct table t = table_begin("APIC", 5);
	unsigned int i;

	put_zero(&t, 8);
	for (i = 0; i < area.vm->nr_vcpus; i++)
		madt_cpu(&t, i);
	put_bytes(&t, "\x0c\x18\0\0\0\0\0\0", 8);	/* distributor */
	put(&t, GICD_BASE, 8);
	put(&t, 0, 4);
	put(&t, 3, 4);
	put_bytes(&t, "\x0e\x10\0\0", 4);		/* redistributors */
	put(&t, GICR_BASE, 8);
	put(&t, GICR_SIZE * area.vm->nr_vcpus, 4);
	return table_end(&t);
}

static uint64_t gtdt(void)
{
	static const uint8_t intid[] = { 29, 30, 27, 26 };	/* as in the device tree */
	struct table t = table_begin("GTDT", 2);
	unsigned int i;

	put(&t, ~0UL, 8);
	put(&t, 0, 4);
	for (i = 0; i < 4; i++) {
		put(&t, intid[i], 4);
		put(&t, GSI_LEVEL_HIGH | 4, 4);		/* always on */
	}
	put(&t, ~0UL, 8);
	put_zero(&t, 8);
	return table_end(&t);
}

static uint64_t spcr(void)
{
	struct table t = table_begin("SPCR", 2);

	put(&t, 0, 4);			/* 16550 */
	put_gas(&t, UART_BASE, 8, 1);
	put(&t, 8, 1);			/* by the GIC */
	put(&t, 0, 1);
	put(&t, 32 + UART_SPI, 4);
	put_bytes(&t, "\x07\0\x01\0\x03\0", 6);		/* 115200, 8N1, ANSI */
	put(&t, 0xffffffff, 4);
	put_zero(&t, 80 - 36 - 4 - 12 - 6 - 6 - 4);
	return table_end(&t);
}

static uint64_t error_gpa(unsigned int source)
{
	return area.gpa + OFF_ERRORS + source * ERROR_BLOCK;
}

static void hest_source(struct table *t, unsigned int source, uint32_t event)
{
	put(t, HEST_GHES, 2);
	put(t, source, 2);
	put(t, 0xffff, 2);
	put(t, 0, 1);
	put(t, 1, 1);			/* enabled */
	put(t, 1, 4);
	put(t, 1, 4);
	put(t, ERROR_BLOCK - ERROR_DATA, 4);
	put_gas(t, error_gpa(source), 64, 4);
	put(t, NOTIFY_SDEI, 1);
	put(t, 28, 1);
	put(t, 0, 2);
	put(t, 0, 4);
	put(t, event, 4);
	put_zero(t, 16);
	put(t, ERROR_BLOCK - ERROR_DATA, 4);
}

static uint64_t hest(void)
{
	struct table t = table_begin("HEST", 1);

	put(&t, NR_ERROR_SOURCES, 4);
	hest_source(&t, ERROR_FATAL, EV_NMI);
	hest_source(&t, ERROR_CORRECTED, EV_CORRECTED);
	return table_end(&t);
}

static uint64_t agdi(void)
{
	struct table t = table_begin("AGDI", 0);

	put(&t, 0, 4);			/* by SDEI */
	put(&t, EV_DUMP, 4);
	put(&t, 0, 4);
	return table_end(&t);
}

static uint64_t sdei_table(void)
{
	struct table t = table_begin("SDEI", 1);

	return table_end(&t);
}

static uint64_t rsdp(uint64_t xsdt)
{
	struct table t = { .start = area.mem + area.next, .gpa = area.gpa + area.next };

	t.p = t.start;
	put_bytes(&t, "RSD PTR \0NESTBX\x02", 16);
	put(&t, 0, 4);
	put(&t, 36, 4);
	put(&t, xsdt, 8);
	put(&t, 0, 4);
	t.start[8] = checksum(t.start, 20);
	t.start[32] = checksum(t.start, 36);
	area.next += 64;
	return t.gpa;
}

static uint64_t all_tables(void)
{
	uint64_t gpa[8];
	unsigned int i, n = 0;
	struct table t;

	gpa[n++] = fadt(dsdt());
	gpa[n++] = madt();
	gpa[n++] = gtdt();
	gpa[n++] = spcr();
	gpa[n++] = sdei_table();
	gpa[n++] = hest();
	gpa[n++] = agdi();
	t = table_begin("XSDT", 1);
	for (i = 0; i < n; i++)
		put(&t, gpa[i], 8);
	return rsdp(table_end(&t));
}

/* ---- EFI ---- */

static void efi_region(struct table *t, uint32_t type, uint64_t from, uint64_t to)
{
	put(t, type, 8);
	put(t, from, 8);
	put(t, 0, 8);
	put(t, (to - from) / SZ_4K, 8);
	put(t, EFI_WB, 8);
}

static void efi_tables(struct acpi_efi *efi, uint64_t rsdp_gpa)
{
	static const uint8_t acpi20[16] = {	/* 8868e871-e4f1-11d3-bc22-0080c73c8881 */
		0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11, 0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81,
	};
	struct table t = { .start = area.mem + OFF_EFI };
	uint64_t end = RAM_BASE + area.vm->ram_size;

	t.p = t.start;
	put(&t, EFI_SIGNATURE, 8);
	put(&t, EFI_REVISION, 4);
	put(&t, 120, 4);
	put_zero(&t, 8);
	put(&t, area.gpa + OFF_EFI + 0x100, 8);		/* vendor */
	put(&t, 1, 8);
	put_zero(&t, 6 * 8 + 2 * 8);			/* consoles, runtime and boot services: none */
	put(&t, 1, 8);
	put(&t, area.gpa + OFF_EFI + 0x80, 8);
	t.p = t.start + 0x80;
	put_bytes(&t, acpi20, sizeof(acpi20));
	put(&t, rsdp_gpa, 8);
	t.p = t.start + 0x100;
	put_bytes(&t, "n\0e\0s\0t\0v\0m\0\0", 14);
	t.p = t.start + 0x200;
	efi_region(&t, EFI_CONVENTIONAL, RAM_BASE, area.gpa);
	efi_region(&t, EFI_ACPI_TABLES, area.gpa, area.gpa + OFF_ERRORS);
	efi_region(&t, EFI_ACPI_NVS, area.gpa + OFF_ERRORS, end);
	efi->system_table = area.gpa + OFF_EFI;
	efi->mmap = area.gpa + OFF_EFI + 0x200;
	efi->mmap_size = t.p - t.start - 0x200;
	efi->desc_size = EFI_DESC_SIZE;
}

uint64_t acpi_reserve(const struct vm *vm)
{
	return vm->acpi ? AREA_SIZE : 0;
}

void acpi_build(const struct vm *vm, struct acpi_efi *efi)
{
	unsigned int i;

	area.vm = vm;
	area.gpa = RAM_BASE + vm->ram_size - AREA_SIZE;
	area.mem = memory_ptr(vm, area.gpa, AREA_SIZE);
	area.next = OFF_TABLES;
	for (i = 0; i < NR_ERROR_SOURCES; i++) {
		uint64_t block = htole64(error_gpa(i) + ERROR_DATA);

		memcpy(area.mem + OFF_ERRORS + i * ERROR_BLOCK, &block, sizeof(block));
	}
	efi_tables(efi, all_tables());
	if (area.next > OFF_ERRORS)
		die(VMM_USAGE, "%u vCPUs need more ACPI tables than there is room for; use a smaller -c", vm->nr_vcpus);
}

/* ---- error records ---- */

int acpi_error(enum error_source source, unsigned int vcpu)
{
	static const uint8_t processor[16] = {	/* 9876ccad-47b4-4bdb-b65e-16f193c4f3db */
		0xad, 0xcc, 0x76, 0x98, 0xb4, 0x47, 0xdb, 0x4b, 0xb6, 0x5e, 0x16, 0xf1, 0x93, 0xc4, 0xf3, 0xdb,
	};
	bool fatal = source == ERROR_FATAL;
	struct table t;
	uint32_t status = 0;

	if (!area.mem)
		return -ENODEV;
	pthread_mutex_lock(&record_lock);
	t.start = t.p = area.mem + OFF_ERRORS + source * ERROR_BLOCK + ERROR_DATA;
	if (__atomic_load_n((uint32_t *)t.start, __ATOMIC_ACQUIRE)) {
		pthread_mutex_unlock(&record_lock);
		return -EBUSY;		/* the guest has not taken the last one */
	}
	put(&t, 0, 4);			/* status: last */
	put(&t, 0, 8);
	put(&t, 72 + 192, 4);
	put(&t, fatal ? SEV_FATAL : SEV_CORRECTED, 4);
	put_bytes(&t, processor, 16);
	put(&t, fatal ? SEV_FATAL : SEV_CORRECTED, 4);
	put(&t, 0x300, 2);
	put(&t, 2, 1);			/* the text is valid */
	put(&t, 0, 1);
	put(&t, 192, 4);
	put_zero(&t, 16);
	put_bytes(&t, fatal ? "nestvm nmi\0\0\0\0\0\0\0\0\0" : "nestvm report\0\0\0\0\0\0", 20);
	put_zero(&t, 8);
	put(&t, 1 | 2 | 0x100, 8);	/* type, instruction set, id are valid */
	put(&t, 2, 1);			/* Arm, A64 */
	put(&t, 4, 1);
	put_zero(&t, 6 + 8 + 128);
	put(&t, vcpu_mpidr(area.vm, vcpu), 8);
	put_zero(&t, 32);
	status = 1u << 4 | (fatal ? 1 : 2);	/* one entry */
	__atomic_store_n((uint32_t *)t.start, htole32(status), __ATOMIC_RELEASE);
	pthread_mutex_unlock(&record_lock);
	return 0;
}
