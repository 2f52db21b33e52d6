// SPDX-License-Identifier: GPL-2.0-only
/* The end on machines that cannot run us: perhaps at EL1, no locks, no threads, only the identity map. */
#include "boot/boot.h"
#include "kernel/cpu/cpu.h"
#include "kernel/debug/print.h"
#include "kernel/dev/dev.h"
#include "kernel/dev/platform.h"
#include "kernel/lib/string.h"

void boot_refuse(const char *why)
{
	char line[200];

	if (platform.uart)
		uart_init_early(platform.uart, platform.uart_16550);
	snprintf(line, sizeof(line), "nestbox: this machine cannot run it: %s\r\n", why);
	console_write_raw(line, strlen(line));
	for (unsigned i = 0; i < platform.nvirtio; i++)
		if (control_probe(platform.virtio[i]))
			break;
	snprintf(line, sizeof(line), "refuse %s", why);
	control_send_raw(line);
	if (platform.psci) {
		psci_init(platform.psci_hvc);
		control_end_failed();
	}
	for (;;)
		asm volatile("wfi");
}
