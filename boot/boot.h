// SPDX-License-Identifier: GPL-2.0-only
/* Between the parts of boot/. */
#pragma once

#include <nestbox/types.h>

/* Fill `platform` from the tree at physical address dtb (direct map). NULL, or what is wrong with it. No locks, no threads. */
const char *fdt_parse(u64 dtb);
/* Say on console and control channel why this machine cannot run us; power off. Registers by the identity map. */
__noreturn void boot_refuse(const char *why);
/* Start the other CPUs and wait until they are there. */
void smp_boot(void);
void boot_main(u64 dtb, u64 refusal);
void secondary_main(void);
