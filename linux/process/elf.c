// SPDX-License-Identifier: GPL-2.0-only
/* ELF headers: see elf.h. No locks, no allocation; compiles natively. */
#include "linux/process/elf.h"

#ifdef NATIVE
#include <elf.h>
#include <errno.h>
#else
#include <asm/errno.h>
#include <linux/elf.h>
typedef struct elf64_hdr Elf64_Ehdr;
typedef struct elf64_phdr Elf64_Phdr;
#ifndef EM_AARCH64
#define EM_AARCH64	183
#endif
#endif

#include "kernel/lib/string.h"

int elf_parse_header(const void *head, size_t n, struct elf_info *e)
{
	static const unsigned char ident[] = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT };
	Elf64_Ehdr h;

	memset(e, 0, sizeof(*e));
	if (n < sizeof(h))
		return -ENOEXEC;
	memcpy(&h, head, sizeof(h));
	if (memcmp(h.e_ident, ident, sizeof(ident)) || h.e_machine != EM_AARCH64)
		return -ENOEXEC;
	if (h.e_type != ET_EXEC && h.e_type != ET_DYN)
		return -ENOEXEC;
	if (h.e_phentsize != sizeof(Elf64_Phdr) || !h.e_phnum || h.e_phnum > 65536 / sizeof(Elf64_Phdr))
		return -ENOEXEC;
	if (h.e_phoff > (u64)1 << 40)
		return -ENOEXEC;
	e->dyn = h.e_type == ET_DYN;
	e->entry = h.e_entry;
	e->phoff = h.e_phoff;
	e->phnum = h.e_phnum;
	e->phlen = (u64)h.e_phnum * sizeof(Elf64_Phdr);
	return 0;
}

static int add_segment(struct elf_info *e, const Elf64_Phdr *p, u64 file_size)
{
	struct elf_segment *s = &e->seg[e->nsegs];
	u64 slack = p->p_vaddr & (PAGE_SIZE - 1);

	if (!p->p_memsz)
		return 0;
	if (e->nsegs == ELF_MAX_SEGMENTS || p->p_filesz > p->p_memsz)
		return -ENOEXEC;
	if (p->p_vaddr >= ELF_USER_END || p->p_memsz > ELF_USER_END - p->p_vaddr)
		return -ENOEXEC;
	if (p->p_filesz && (p->p_offset > file_size || p->p_filesz > file_size - p->p_offset))
		return -ENOEXEC;
	/* The file is mapped: offset and address must agree within the page. */
	if (p->p_filesz && (p->p_offset & (PAGE_SIZE - 1)) != slack)
		return -ENOEXEC;
	s->vaddr = p->p_vaddr - slack;
	s->offset = p->p_filesz ? p->p_offset - slack : 0;
	s->file_len = p->p_filesz ? p->p_filesz + slack : 0;
	s->mem_len = p->p_memsz + slack;
	s->prot = (p->p_flags & PF_R ? 1 : 0) | (p->p_flags & PF_W ? 2 : 0) | (p->p_flags & PF_X ? 4 : 0);
	if (e->nsegs && s->vaddr < e->high)
		return -ENOEXEC;
	if (!e->nsegs)
		e->low = s->vaddr;
	e->high = ALIGN_UP(s->vaddr + s->mem_len, PAGE_SIZE);
	if (e->high > ELF_USER_END)
		return -ENOEXEC;
	if (p->p_align > e->align && !(p->p_align & (p->p_align - 1)) && p->p_align <= (u64)1 << 30)
		e->align = p->p_align;
	if (e->phoff >= p->p_offset && e->phoff - p->p_offset < p->p_filesz &&
	    e->phlen <= p->p_filesz - (e->phoff - p->p_offset))
		e->phdr = p->p_vaddr + (e->phoff - p->p_offset);
	e->nsegs++;
	return 0;
}

int elf_parse_segments(const void *phdrs, u64 file_size, struct elf_info *e)
{
	Elf64_Phdr p;
	unsigned i;

	e->align = PAGE_SIZE;
	for (i = 0; i < e->phnum; i++) {
		memcpy(&p, (const char *)phdrs + i * sizeof(p), sizeof(p));
		if (p.p_type == PT_LOAD) {
			if (add_segment(e, &p, file_size))
				return -ENOEXEC;
		} else if (p.p_type == PT_INTERP) {
			if (e->interp_len || p.p_filesz < 2 || p.p_filesz > ELF_INTERP_MAX ||
			    p.p_offset > file_size || p.p_filesz > file_size - p.p_offset)
				return -ENOEXEC;
			e->interp_off = p.p_offset;
			e->interp_len = p.p_filesz;
		} else if (p.p_type == PT_GNU_STACK) {
			e->exec_stack = p.p_flags & PF_X;
		}
	}
	if (!e->nsegs)
		return -ENOEXEC;
	/* A program that cannot be moved must leave page 0 alone. */
	if (!e->dyn && e->low < PAGE_SIZE)
		return -ENOEXEC;
	return 0;
}
