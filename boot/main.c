// SPDX-License-Identifier: GPL-2.0-only
/* Initialisation, in order. From here on everything happens for the first and only time, on one CPU, until smp_boot. */
#include "boot/boot.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/entry.h"
#include "kernel/cpu/sysreg.h"
#include "kernel/debug/debug.h"
#include "kernel/debug/print.h"
#include "kernel/debug/selftest.h"
#include "kernel/dev/dev.h"
#include "kernel/dev/platform.h"
#include "kernel/irq/internal.h"
#include "kernel/lib/random.h"
#include "kernel/lib/string.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/page.h"
#include "kernel/mm/page_init.h"
#include "kernel/sched/sched.h"
#include "kvm/kvm.h"
#include "linux/fs/file.h"
#include "linux/process/task.h"
#include "linux/syscall.h"

extern char _text[], _end[];

static void options(void)
{
	const char *v;

	if (bootarg("quiet", NULL))
		print_set_level(LOG_WARN);
	if (bootarg("loglevel=", &v))
		print_set_level(strtoul(v, NULL, 10));
}

static void control_init(void)
{
	for (unsigned i = 0; i < platform.nvirtio; i++) {
		u64 page = platform.virtio[i] & PAGE_MASK, off = platform.virtio[i] - page;
		u64 va = (u64)ioremap(PA(page), PAGE_SIZE);

		if (va && control_probe(va + off)) {
			control_remap(va + off);
			return;
		}
	}
}

static void devices_init(void)
{
	if (platform.uart)
		uart_init(platform.uart, platform.uart_irq);
	print_start(true);
	if (platform.rtc)
		rtc_init(platform.rtc);
	control_init();
	random_add(platform.seed, platform.seed_len);
	random_bytes(platform.seed, sizeof(platform.seed));	/* gathers, and wipes the seed */
	pr_info("random: %s\n", random_is_seeded() ? "seeded by the CPU or the device tree" :
		"NOT seeded, only the timer: do not make keys here");
}

/* The selftest option: run them, say so, stop. */
static void selftests(void)
{
#ifdef CONFIG_SELFTEST
	const char *only = NULL;

	if (!bootarg("selftest=", &only) && !bootarg("selftest", NULL))
		return;
	selftest_run(only);
	psci_system_off();
#endif
}

/* The first thread: everything that may sleep. */
static void init_main(void *arg)
{
	u64 size = platform.initrd_end - platform.initrd_start;

	rcu_init();
	linux_init();
	if (fs_init(size ? pa_to_va(PA(platform.initrd_start)) : NULL, size))
		pr_err("boot: the initrd cannot be unpacked\n");
	mm_free_range(platform.initrd_start, size);
	if (kvm_init())
		pr_err("boot: no /dev/kvm\n");
	selftests();
	pr_info("boot: %lu of %lu MiB free, starting the first process\n", (unsigned long)pages_free() >> 8,
		(unsigned long)pages_total() >> 8);
	control_send("boot");
	init_start();
	panic("the first process did not start");
}

void boot_main(u64 dtb, u64 refusal)
{
	const char *why;
	struct thread *t;

	clock_init();
	why = fdt_parse(dtb);
	if (refusal == REFUSE_NOT_EL2)
		why = "it did not start us at EL2 (QEMU: -M virt,virtualization=on)";
	else if (refusal == REFUSE_NO_VHE)
		why = "the CPU has no VHE (ARMv8.1 virtualization host extensions)";
	else if (!why && !platform.gicv3)
		why = "the device tree describes no GICv3 (QEMU: -M virt,gic-version=3)";
	else if (!why && !platform.psci)
		why = "the device tree describes no PSCI firmware";
	if (why)
		boot_refuse(why);

	cpu_init_boot();
	psci_init(platform.psci_hvc);
	options();
	uart_init_early(platform.uart, platform.uart_16550);
	print_start(false);
	pr_info("nestbox: %s kernel at %#lx, device tree at %#lx\n", NESTBOX_FLAVOUR, (unsigned long)kimage_pa,
		(unsigned long)dtb);
	cpu_init_this();
	cpu_print_features();
	mm_boot_init(platform.ram, platform.nram, platform.reserved, platform.nreserved);
	aspace_switch(NULL);
	devices_init();
	if (!gic_init())
		panic("no interrupt controller");
	gic_init_this();
	ktimers_init();
	smp_init();
	sched_init_this();
	local_irq_enable();
	smp_boot();

	t = thread_create("init", init_main, NULL);
	if (!t)
		panic("no memory for the first thread");
	thread_start(t);
	thread_put(t);
	sched_idle();
}
