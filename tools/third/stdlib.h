// SPDX-License-Identifier: GPL-2.0-only
// libfdt names this header; fdt_strtoul users are not built into the kernel.
#pragma once
#include <stddef.h>

unsigned long strtoul(const char *str, char **end, int base);
