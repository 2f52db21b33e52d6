// SPDX-License-Identifier: GPL-2.0-only
/* ACPI and the little of EFI that goes with it. Owner: acpi.c. */
#pragma once

#include "vmm.h"

struct acpi_efi {
	uint64_t system_table;
	uint64_t mmap;
	uint32_t mmap_size, desc_size;
};

/* Bytes at the end of RAM that are not the loader's. */
uint64_t acpi_reserve(const struct vm *vm);
/* Write the tables of a VM with vCPUs to its memory; @efi is for the device tree. */
void acpi_build(const struct vm *vm, struct acpi_efi *efi);

enum error_source { ERROR_FATAL, ERROR_CORRECTED, NR_ERROR_SOURCES };

/* Write an error record that names vCPU @vcpu. 0, -ENODEV: no ACPI, -EBUSY: the last one has not been read. */
int acpi_error(enum error_source source, unsigned int vcpu);
