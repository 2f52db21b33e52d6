// SPDX-License-Identifier: GPL-2.0-only
/* Putting a parsed ELF program (elf.h), its interpreter and its stack into a new mm. Owner: linux/process/elf_load.c. */
#pragma once

#include "linux/process/elf.h"
#include "linux/process/internal.h"

struct elf_image {
	struct elf_info main, interp;
	struct file *interp_file;
	u64 bias, interp_bias;		/* added to the addresses in the file */
	u64 start, sp;			/* where EL0 begins */
	u64 sigtramp;
};

/* Headers of an open file whose first n bytes are in head: -ENOEXEC, -ENOMEM, -EIO. */
int elf_read(struct file *f, const void *head, size_t n, struct elf_info *e);
/* Map image->main from f, and what it needs besides. The caller drops mm on error. */
int elf_load(struct elf_image *image, struct file *f, struct mm *mm);
/* Arguments, environment and auxiliary vector; sets image->sp. */
int elf_stack(struct elf_image *image, struct mm *mm, const struct exec_strings *args, const char *execfn);
void elf_image_put(struct elf_image *image);
