// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading ELF headers of 64-bit little-endian AArch64 programs: a pure parser, without memory of its own, for hostile
 * input. What it accepts can be mapped without further checks of the numbers. Fuzzed by tests/host/fuzz_elf.c.
 */
#pragma once

#include <nestbox/types.h>

#define ELF_MAX_SEGMENTS	32
#define ELF_INTERP_MAX		256
#define ELF_USER_END		0x0001000000000000UL

struct elf_segment {
	u64 vaddr, offset;	/* both cut down to a page boundary */
	u64 file_len;		/* bytes from the file, from the page boundary on */
	u64 mem_len;		/* bytes of memory, >= file_len */
	unsigned prot;		/* 1 read, 2 write, 4 execute, as PROT_* */
};

struct elf_info {
	bool dyn;		/* ET_DYN: may be put anywhere */
	u64 entry;
	u64 phdr;		/* virtual address of the program headers, 0: not in a segment */
	u16 phnum;
	u64 phoff;		/* where they are in the file, and how long */
	u64 phlen;
	u64 interp_off, interp_len;	/* 0: none */
	bool exec_stack;
	u64 low, high;		/* of all segments, page-aligned */
	u64 align;
	unsigned nsegs;
	struct elf_segment seg[ELF_MAX_SEGMENTS];	/* ascending, not overlapping */
};

/* The first bytes of the file: fills in phoff, phlen, entry, dyn. -ENOEXEC: not a program for us. */
int elf_parse_header(const void *head, size_t n, struct elf_info *e);
/* The program headers, phlen bytes as announced; file_size to check them against. -ENOEXEC. */
int elf_parse_segments(const void *phdrs, u64 file_size, struct elf_info *e);
