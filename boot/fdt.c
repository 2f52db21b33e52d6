// SPDX-License-Identifier: GPL-2.0-only
/* The device tree (Devicetree Specification 0.4) to struct platform. Runs before there are threads or locks. */
#include <libfdt.h>

#include "boot/boot.h"
#include "kernel/cpu/cpu.h"
#include "kernel/dev/platform.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"

struct platform platform;
static const void *fdt;

static u64 cells(const fdt32_t *p, int n)
{
	u64 v = 0;

	while (n--)
		v = v << 32 | fdt32_to_cpu(*p++);
	return v;
}

/* Entry i of a node's reg property, untranslated: buses with ranges are simple-bus with identity ranges here. */
static bool node_reg(int node, int parent, unsigned i, u64 *addr, u64 *size)
{
	int ac = fdt_address_cells(fdt, parent), sc = fdt_size_cells(fdt, parent), len;
	const fdt32_t *p = fdt_getprop(fdt, node, "reg", &len);

	if (!p || ac < 1 || sc < 0 || (int)(i + 1) * (ac + sc) * 4 > len)
		return false;
	p += i * (ac + sc);
	*addr = cells(p, ac);
	*size = cells(p + ac, sc);
	return true;
}

static bool node_enabled(int node)
{
	const char *s = fdt_getprop(fdt, node, "status", NULL);

	return !s || !strcmp(s, "okay") || !strcmp(s, "ok");
}

static u32 node_u32(int node, const char *name, u32 missing)
{
	int len;
	const fdt32_t *p = fdt_getprop(fdt, node, name, &len);

	return p && len >= 4 ? fdt32_to_cpu(*p) : missing;
}

/* Devices by kind, found in one walk over the tree: searching it once for each costs millions of instructions. */
enum kind { GIC, TIMER, UART, RTC, PSCI, PMU, VIRTIO, KINDS };
static const struct { const char *compatible; enum kind kind; } drivers[] = {
	{ "arm,gic-v3", GIC }, { "arm,armv8-timer", TIMER }, { "arm,pl011", UART }, { "ns16550a", UART }, { "arm,pl031", RTC },
	{ "arm,psci-1.0", PSCI }, { "arm,psci-0.2", PSCI }, { "arm,armv8-pmuv3", PMU }, { "virtio,mmio", VIRTIO },
};
static struct place { int node, parent; } found[KINDS];	/* the first enabled one; node 0: none */

/* Interrupt i of a node under a GICv3: INTID, or 0. Three cells each, four with partitions. */
static u32 node_irq(int node, unsigned i)
{
	int n = found[GIC].node ? node_u32(found[GIC].node, "#interrupt-cells", 3) : 3, len;
	const fdt32_t *p = fdt_getprop(fdt, node, "interrupts", &len);
	u32 type, num;

	if (!p || n < 3 || n > 4 || (int)(i + 1) * n * 4 > len)
		return 0;
	type = fdt32_to_cpu(p[i * n]);
	num = fdt32_to_cpu(p[i * n + 1]);
	return type == 0 && num < 988 ? num + 32 : type == 1 && num < 16 ? num + 16 : 0;
}

static void device_found(enum kind kind, int node, int parent)
{
	u64 s;

	if (!node_enabled(node))
		return;
	if (!found[kind].node)
		found[kind] = (struct place){ node, parent };
	if (kind == VIRTIO && platform.nvirtio < PLATFORM_VIRTIO &&
	    node_reg(node, parent, 0, &platform.virtio[platform.nvirtio], &s))
		platform.nvirtio++;
}

static void walk(void)
{
	int parents[16] = { 0 }, depth = 0, len;

	for (int node = fdt_next_node(fdt, 0, &depth); node >= 0 && depth > 0; node = fdt_next_node(fdt, node, &depth)) {
		const char *c = fdt_getprop(fdt, node, "compatible", &len);

		if (depth >= (int)ARRAY_SIZE(parents))
			continue;
		parents[depth] = node;
		for (unsigned i = 0; c && i < ARRAY_SIZE(drivers); i++) {
			if (!fdt_stringlist_contains(c, len, drivers[i].compatible))
				continue;
			device_found(drivers[i].kind, node, parents[depth - 1]);
			break;
		}
	}
}

static void range_add(struct mem_range *r, unsigned *n, u64 start, u64 size)
{
	if (size && *n < PLATFORM_RANGES)
		r[(*n)++] = (struct mem_range){ start, size };
}

static void reserve(u64 start, u64 size)
{
	range_add(platform.reserved, &platform.nreserved, start, size);
}

static void parse_memory(void)
{
	int node, rm;
	u64 a, s;

	fdt_for_each_subnode(node, fdt, 0) {
		const char *type = fdt_getprop(fdt, node, "device_type", NULL);

		if (!type || strcmp(type, "memory") || !node_enabled(node))
			continue;
		for (unsigned i = 0; node_reg(node, 0, i, &a, &s); i++)
			range_add(platform.ram, &platform.nram, a, s);
	}
	for (int i = 0; i < fdt_num_mem_rsv(fdt); i++) {
		uint64_t ra, rs;

		if (!fdt_get_mem_rsv(fdt, i, &ra, &rs))
			reserve(ra, rs);
	}
	rm = fdt_path_offset(fdt, "/reserved-memory");
	if (rm >= 0) {
		fdt_for_each_subnode(node, fdt, rm)
			for (unsigned i = 0; node_enabled(node) && node_reg(node, rm, i, &a, &s); i++)
				reserve(a, s);
	}
	reserve(platform.dtb, platform.dtb_size);
}

static void parse_cpus(void)
{
	int parent = fdt_path_offset(fdt, "/cpus"), node, ac, len;
	u64 self;

	asm volatile("mrs %0, mpidr_el1" : "=r"(self));
	self &= MPIDR_AFF_MASK;
	/* The one we run on is number 0, wherever the tree lists it. */
	platform.mpidr[platform.ncpus++] = self;
	if (parent < 0)
		return;
	ac = fdt_address_cells(fdt, parent);
	fdt_for_each_subnode(node, fdt, parent) {
		const char *type = fdt_getprop(fdt, node, "device_type", NULL);
		const char *method = fdt_getprop(fdt, node, "enable-method", NULL);
		const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &len);
		u64 mpidr;

		if (!type || strcmp(type, "cpu") || !node_enabled(node) || !reg || ac < 1 || len < ac * 4)
			continue;
		mpidr = cells(reg, ac);
		if (mpidr == self || !method || strcmp(method, "psci") || platform.ncpus == MAX_CPUS)
			continue;
		platform.mpidr[platform.ncpus++] = mpidr;
	}
}

static void parse_gic(void)
{
	int node = found[GIC].node, parent = found[GIC].parent, len;
	unsigned regions;
	const fdt64_t *stride;

	if (!node || !node_reg(node, parent, 0, &platform.gicd, &platform.gicd_size))
		return;
	regions = MIN(node_u32(node, "#redistributor-regions", 1), (u32)PLATFORM_GICR_REGIONS);
	for (unsigned i = 0; i < regions; i++) {
		u64 a, s;

		if (node_reg(node, parent, 1 + i, &a, &s))
			range_add(platform.gicr, &platform.ngicr, a, s);
	}
	stride = fdt_getprop(fdt, node, "redistributor-stride", &len);
	if (stride && len == 8)
		platform.gicr_stride = fdt64_to_cpu(*stride);
	platform.gic_maintenance = node_irq(node, 0);
	platform.gicv3 = platform.ngicr > 0;
}

static void uart_found(int node, int parent)
{
	u64 a, size;

	if (!node_reg(node, parent, 0, &a, &size))
		return;
	platform.uart = a;
	platform.uart_16550 = !fdt_node_check_compatible(fdt, node, "ns16550a");
	platform.uart_irq = node_irq(node, 0);
}

static void parse_devices(void)
{
	const char *method;
	u64 s;

	for (unsigned i = 0; found[TIMER].node && i < TIMER_IRQ_COUNT; i++)
		platform.timer[i] = node_irq(found[TIMER].node, i);
	if (found[UART].node)
		uart_found(found[UART].node, found[UART].parent);
	if (found[PMU].node)
		platform.pmu_irq = node_irq(found[PMU].node, 0);
	if (found[RTC].node)
		node_reg(found[RTC].node, found[RTC].parent, 0, &platform.rtc, &s);
	method = found[PSCI].node ? fdt_getprop(fdt, found[PSCI].node, "method", NULL) : NULL;
	if (method) {
		platform.psci = true;
		platform.psci_hvc = !strcmp(method, "hvc");
	}
}

/* The console is the UART that /chosen names, if we know it. */
static void parse_stdout(int chosen)
{
	char path[128];
	const char *s = fdt_getprop(fdt, chosen, "stdout-path", NULL), *end;
	int node;

	if (!s)
		return;
	end = strchr(s, ':');
	strlcpy(path, s, MIN(sizeof(path), end ? (size_t)(end - s) + 1 : sizeof(path)));
	node = fdt_path_offset(fdt, path);
	if (node >= 0 && (!fdt_node_check_compatible(fdt, node, "arm,pl011") ||
			  !fdt_node_check_compatible(fdt, node, "ns16550a")))
		uart_found(node, fdt_parent_offset(fdt, node));
}

static u64 prop_number(int node, const char *name)
{
	int len;
	const fdt32_t *p = fdt_getprop(fdt, node, name, &len);

	return p && (len == 4 || len == 8) ? cells(p, len / 4) : 0;
}

static void parse_chosen(void)
{
	int node = fdt_path_offset(fdt, "/chosen"), len;
	const char *args;
	const void *seed;

	if (node < 0)
		return;
	parse_stdout(node);
	args = fdt_getprop(fdt, node, "bootargs", NULL);
	if (args)
		strlcpy(platform.bootargs, args, sizeof(platform.bootargs));
	seed = fdt_getprop(fdt, node, "rng-seed", &len);
	if (seed && len > 0) {
		platform.seed_len = MIN((unsigned)len, (unsigned)sizeof(platform.seed));
		memcpy(platform.seed, seed, platform.seed_len);
	}
	platform.initrd_start = prop_number(node, "linux,initrd-start");
	platform.initrd_end = prop_number(node, "linux,initrd-end");
	if (platform.initrd_end <= platform.initrd_start)
		platform.initrd_start = platform.initrd_end = 0;
	reserve(platform.initrd_start, platform.initrd_end - platform.initrd_start);
}

const char *fdt_parse(u64 dtb)
{
	platform.dtb = dtb;
	fdt = pa_to_va(PA(dtb));
	if (!dtb || (dtb & 7) || fdt_check_header(fdt))
		return "no device tree in x0";
	platform.dtb_size = fdt_totalsize(fdt);
	parse_memory();
	parse_cpus();
	walk();
	parse_gic();
	parse_devices();
	parse_chosen();
	return platform.nram ? NULL : "no memory in the device tree";
}

bool bootarg(const char *name, const char **value)
{
	size_t n = strlen(name);

	for (const char *p = platform.bootargs; *p;) {
		const char *end = strchr(p, ' ');
		size_t len = end ? (size_t)(end - p) : strlen(p);

		if (len >= n && !strncmp(p, name, n) && (len == n || name[n - 1] == '=')) {
			if (value)
				*value = p + n;
			return true;
		}
		p += len;
		while (*p == ' ')
			p++;
	}
	return false;
}
