// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's device tree, written front to back. No locks.
 */
#include <libfdt.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "acpi.h"
#include "vmm.h"

#define PHANDLE_GIC	1
#define PHANDLE_CLOCK	2
#define PHANDLE_ITS	3

#define GIC_SPI		0
#define GIC_PPI		1
#define IRQ_LEVEL_HIGH	4

static void check(int err)
{
	if (err)
		die(VMM_ERROR, "device tree: %s", fdt_strerror(err));
}

static void prop_cells(void *fdt, const char *name, const uint32_t *cells, size_t n)
{
	fdt32_t be[16];
	size_t i;

	for (i = 0; i < n; i++)
		be[i] = cpu_to_fdt32(cells[i]);
	check(fdt_property(fdt, name, be, n * sizeof(be[0])));
}

#define PROP_CELLS(fdt, name, ...) do {					\
	const uint32_t cells_[] = { __VA_ARGS__ };			\
	prop_cells(fdt, name, cells_, ARRAY_SIZE(cells_));		\
} while (0)

/* Address or size in two cells. */
#define CELLS64(x)	(uint32_t)((uint64_t)(x) >> 32), (uint32_t)(x)

/* A list of strings: give them with a '\0' between. */
#define PROP_STRINGS(fdt, name, list) check(fdt_property(fdt, name, list, sizeof(list)))

/* Where a kernel that boots by ACPI finds what its EFI stub would have left. */
static void efi(const struct vm *vm, void *fdt)
{
	struct acpi_efi efi;

	acpi_build(vm, &efi);
	check(fdt_property_u64(fdt, "linux,uefi-system-table", efi.system_table));
	check(fdt_property_u64(fdt, "linux,uefi-mmap-start", efi.mmap));
	check(fdt_property_u32(fdt, "linux,uefi-mmap-size", efi.mmap_size));
	check(fdt_property_u32(fdt, "linux,uefi-mmap-desc-size", efi.desc_size));
	check(fdt_property_u32(fdt, "linux,uefi-mmap-desc-ver", 1));
	/* Debian's kernels insist on it: 2 is "disabled". */
	check(fdt_property_u32(fdt, "linux,uefi-secure-boot", 2));
}

static void chosen(const struct vm *vm, void *fdt)
{
	uint8_t seed[64];

	check(fdt_begin_node(fdt, "chosen"));
	check(fdt_property_string(fdt, "bootargs", vm->cmdline));
	if (vm->acpi)
		efi(vm, fdt);
	else
		check(fdt_property_string(fdt, "stdout-path", "/serial@9000000:115200"));
	if (vm->initrd) {
		check(fdt_property_u64(fdt, "linux,initrd-start", vm->initrd_start));
		check(fdt_property_u64(fdt, "linux,initrd-end", vm->initrd_end));
	}
	if (getrandom(seed, sizeof(seed), GRND_NONBLOCK) == sizeof(seed)) {
		check(fdt_property(fdt, "kaslr-seed", seed, 8));
		check(fdt_property(fdt, "rng-seed", seed + 8, sizeof(seed) - 8));
	}
	check(fdt_end_node(fdt));
}

static void memory(const struct vm *vm, void *fdt)
{
	char name[32];

	snprintf(name, sizeof(name), "memory@%lx", RAM_BASE);
	check(fdt_begin_node(fdt, name));
	check(fdt_property_string(fdt, "device_type", "memory"));
	PROP_CELLS(fdt, "reg", CELLS64(RAM_BASE), CELLS64(vm->ram_size));
	check(fdt_end_node(fdt));
}

static void cpus(const struct vm *vm, void *fdt)
{
	unsigned int i;

	check(fdt_begin_node(fdt, "cpus"));
	check(fdt_property_u32(fdt, "#address-cells", 2));
	check(fdt_property_u32(fdt, "#size-cells", 0));
	for (i = 0; i < vm->nr_vcpus; i++) {
		uint64_t mpidr = vcpu_mpidr(vm, i);
		char name[32];

		snprintf(name, sizeof(name), "cpu@%lx", mpidr);
		check(fdt_begin_node(fdt, name));
		check(fdt_property_string(fdt, "device_type", "cpu"));
		check(fdt_property_string(fdt, "compatible", "arm,armv8"));
		check(fdt_property_u64(fdt, "reg", mpidr));
		check(fdt_property_string(fdt, "enable-method", "psci"));
		check(fdt_end_node(fdt));
	}
	check(fdt_end_node(fdt));
}

/* A guest with an EL2 of its own has HVC for itself. */
static void psci(const struct vm *vm, void *fdt)
{
	check(fdt_begin_node(fdt, "psci"));
	PROP_STRINGS(fdt, "compatible", "arm,psci-1.0\0arm,psci-0.2");
	check(fdt_property_string(fdt, "method", vm->nested ? "smc" : "hvc"));
	check(fdt_end_node(fdt));
}

static void firmware(const struct vm *vm, void *fdt)
{
	check(fdt_begin_node(fdt, "firmware"));
	check(fdt_begin_node(fdt, "sdei"));
	check(fdt_property_string(fdt, "compatible", "arm,sdei-1.0"));
	check(fdt_property_string(fdt, "method", vm->nested ? "smc" : "hvc"));
	check(fdt_end_node(fdt));
	check(fdt_end_node(fdt));
}

static void timer(void *fdt)
{
	check(fdt_begin_node(fdt, "timer"));
	check(fdt_property_string(fdt, "compatible", "arm,armv8-timer"));
	/* Secure physical, physical, virtual, hypervisor physical, hypervisor virtual. */
	PROP_CELLS(fdt, "interrupts",
		   GIC_PPI, 13, IRQ_LEVEL_HIGH, GIC_PPI, 14, IRQ_LEVEL_HIGH,
		   GIC_PPI, 11, IRQ_LEVEL_HIGH, GIC_PPI, 10, IRQ_LEVEL_HIGH,
		   GIC_PPI, 12, IRQ_LEVEL_HIGH);
	check(fdt_property(fdt, "always-on", NULL, 0));
	check(fdt_end_node(fdt));
}

static void its(void *fdt)
{
	char name[32];

	check(fdt_property_u32(fdt, "#address-cells", 2));
	check(fdt_property_u32(fdt, "#size-cells", 2));
	check(fdt_property(fdt, "ranges", NULL, 0));
	snprintf(name, sizeof(name), "msi-controller@%lx", ITS_BASE);
	check(fdt_begin_node(fdt, name));
	check(fdt_property_string(fdt, "compatible", "arm,gic-v3-its"));
	check(fdt_property(fdt, "msi-controller", NULL, 0));
	check(fdt_property_u32(fdt, "#msi-cells", 1));
	check(fdt_property_u32(fdt, "phandle", PHANDLE_ITS));
	PROP_CELLS(fdt, "reg", CELLS64(ITS_BASE), CELLS64(ITS_SIZE));
	check(fdt_end_node(fdt));
}

static void pmu(void *fdt)
{
	check(fdt_begin_node(fdt, "pmu"));
	check(fdt_property_string(fdt, "compatible", "arm,armv8-pmuv3"));
	PROP_CELLS(fdt, "interrupts", GIC_PPI, PMU_PPI, IRQ_LEVEL_HIGH);
	check(fdt_end_node(fdt));
}

static void gic(const struct vm *vm, void *fdt)
{
	char name[32];

	snprintf(name, sizeof(name), "interrupt-controller@%lx", GICD_BASE);
	check(fdt_begin_node(fdt, name));
	check(fdt_property_string(fdt, "compatible", "arm,gic-v3"));
	check(fdt_property(fdt, "interrupt-controller", NULL, 0));
	check(fdt_property_u32(fdt, "#interrupt-cells", 3));
	check(fdt_property_u32(fdt, "phandle", PHANDLE_GIC));
	if (vm->nested)
		PROP_CELLS(fdt, "interrupts", GIC_PPI, GIC_MAINT_PPI, IRQ_LEVEL_HIGH);
	PROP_CELLS(fdt, "reg", CELLS64(GICD_BASE), CELLS64(GICD_SIZE),
		   CELLS64(GICR_BASE), CELLS64(GICR_SIZE * vm->nr_vcpus));
	if (vm->its_fd >= 0)
		its(fdt);
	check(fdt_end_node(fdt));
}

static void devices(void *fdt)
{
	char name[32];

	check(fdt_begin_node(fdt, "apb-pclk"));
	check(fdt_property_string(fdt, "compatible", "fixed-clock"));
	check(fdt_property_u32(fdt, "#clock-cells", 0));
	check(fdt_property_u32(fdt, "clock-frequency", 24000000));
	check(fdt_property_u32(fdt, "phandle", PHANDLE_CLOCK));
	check(fdt_end_node(fdt));

	snprintf(name, sizeof(name), "serial@%lx", UART_BASE);
	check(fdt_begin_node(fdt, name));
	check(fdt_property_string(fdt, "compatible", "ns16550a"));
	PROP_CELLS(fdt, "reg", CELLS64(UART_BASE), CELLS64(UART_SIZE));
	PROP_CELLS(fdt, "interrupts", GIC_SPI, UART_SPI, IRQ_LEVEL_HIGH);
	check(fdt_property_u32(fdt, "clock-frequency", 1843200));
	check(fdt_property_u32(fdt, "current-speed", 115200));
	check(fdt_end_node(fdt));

	snprintf(name, sizeof(name), "rtc@%lx", RTC_BASE);
	check(fdt_begin_node(fdt, name));
	PROP_STRINGS(fdt, "compatible", "arm,pl031\0arm,primecell");
	PROP_CELLS(fdt, "reg", CELLS64(RTC_BASE), CELLS64(RTC_SIZE));
	check(fdt_property_u32(fdt, "clocks", PHANDLE_CLOCK));
	check(fdt_property_string(fdt, "clock-names", "apb_pclk"));
	check(fdt_end_node(fdt));
}

static void machine(const struct vm *vm, void *fdt)
{
	memory(vm, fdt);
	cpus(vm, fdt);
	psci(vm, fdt);
	if (vm->sdei)
		firmware(vm, fdt);
	timer(fdt);
	if (vm->pmu)
		pmu(fdt);
	gic(vm, fdt);
	devices(fdt);
}

void fdt_build(const struct vm *vm, void *buf, size_t size)
{
	check(fdt_create(buf, size));
	check(fdt_finish_reservemap(buf));
	check(fdt_begin_node(buf, ""));
	check(fdt_property_string(buf, "compatible", "linux,dummy-virt"));
	check(fdt_property_string(buf, "model", "nestvm"));
	check(fdt_property_u32(buf, "#address-cells", 2));
	check(fdt_property_u32(buf, "#size-cells", 2));
	check(fdt_property_u32(buf, "interrupt-parent", PHANDLE_GIC));
	chosen(vm, buf);
	if (!vm->acpi)	/* Linux takes a tree with more than /chosen for the whole truth */
		machine(vm, buf);
	check(fdt_end_node(buf));
	check(fdt_finish(buf));
}
