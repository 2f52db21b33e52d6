// SPDX-License-Identifier: GPL-2.0-only
/* See elf_load.h. The mm is not anybody's yet: it is written through mm_access, without locks of ours. */
#include <linux/auxvec.h>
#include <linux/mman.h>
#include <linux/resource.h>

#include "kernel/lib/random.h"
#include "linux/fs/vfs.h"
#include "linux/process/elf_load.h"

#define PIE_BASE	0x0000aaaaaaaa0000UL	/* two thirds of the address space */
#define PIE_SPAN_MAX	(1UL << 45)
#define STACK_MIN	(1UL << 20)
#define STACK_MAX	(64UL << 20)
#define STACK_GAP	(1UL << 20)		/* nothing is mapped this close below */

static u64 random_pages(u64 mask)
{
	u64 r;

	random_bytes(&r, sizeof(r));
	return (r & mask) << PAGE_SHIFT;
}

int elf_read(struct file *f, const void *head, size_t n, struct elf_info *e)
{
	void *phdrs;
	int err = elf_parse_header(head, n, e);
	u64 size;

	if (err)
		return err;
	if (!f->inode || !f->inode->obj)
		return -ENOEXEC;
	size = f->inode->obj->size;
	phdrs = kmalloc(e->phlen);
	if (!phdrs)
		return -ENOMEM;
	if (file_pread(f, phdrs, e->phlen, e->phoff) != (ssize_t)e->phlen)
		err = -ENOEXEC;
	else
		err = elf_parse_segments(phdrs, size, e);
	kfree(phdrs);
	return err;
}

static s64 map_anon(struct mm *mm, u64 addr, u64 len, unsigned prot, unsigned flags)
{
	struct map_request rq = {
		.addr = addr, .len = len, .prot = prot, .flags = MAP_PRIVATE | MAP_ANONYMOUS | flags,
	};

	return mm_map(mm, &rq);
}

static int zero_range(struct mm *mm, u64 addr, u64 end)
{
	static const u8 zeros[256];

	while (addr < end) {
		size_t n = MIN(end - addr, sizeof(zeros));

		if (mm_access(mm, addr, (void *)zeros, n, true) != (ssize_t)n)
			return -ENOMEM;
		addr += n;
	}
	return 0;
}

static int map_segment(struct mm *mm, struct file *f, const struct elf_segment *s, u64 bias)
{
	u64 addr = s->vaddr + bias, file_pages = ALIGN_UP(s->file_len, PAGE_SIZE);
	u64 mem_pages = ALIGN_UP(s->mem_len, PAGE_SIZE);
	struct map_request rq = {
		.addr = addr, .len = file_pages, .offset = s->offset, .prot = s->prot,
		.flags = MAP_PRIVATE | MAP_FIXED, .file = f,
	};
	s64 ret;

	if (file_pages) {
		ret = f->ops->mmap ? f->ops->mmap(f, &rq) : -ENOEXEC;
		if (!ret)
			ret = mm_map(mm, &rq);
		if (ret < 0)
			return (int)ret;
		/* The rest of the last page is the start of .bss. */
		if (s->mem_len > s->file_len && (s->prot & PROT_WRITE)) {
			ret = zero_range(mm, addr + s->file_len, addr + file_pages);
			if (ret)
				return (int)ret;
		}
	}
	if (mem_pages > file_pages) {
		ret = map_anon(mm, addr + file_pages, mem_pages - file_pages, s->prot, MAP_FIXED);
		if (ret < 0)
			return (int)ret;
	}
	return 0;
}

static int map_segments(struct mm *mm, struct file *f, const struct elf_info *e, u64 bias)
{
	unsigned i;
	int err = 0;

	for (i = 0; i < e->nsegs && !err; i++)
		err = map_segment(mm, f, &e->seg[i], bias);
	return err;
}

static int map_stack(struct mm *mm, bool exec)
{
	u64 size = current_task()->proc->rlimit[RLIMIT_STACK][0], top;
	s64 ret;

	size = ALIGN_DOWN(MIN(MAX(size, STACK_MIN), STACK_MAX), PAGE_SIZE);
	top = USER_END - PAGE_SIZE - random_pages(0x3ffff);
	mm->stack_top = top;
	mm->mmap_top = top - size - STACK_GAP;
	ret = map_anon(mm, top - size, size, PROT_READ | PROT_WRITE | (exec ? PROT_EXEC : 0),
		       MAP_FIXED | MAP_STACK | MAP_GROWSDOWN | MAP_NORESERVE);
	return ret < 0 ? (int)ret : 0;
}

static int interp_open(struct elf_image *im, struct file *f)
{
	char name[ELF_INTERP_MAX + 1], head[64];
	struct elf_info *e = &im->main;
	int err = 0;
	ssize_t n;

	if (file_pread(f, name, e->interp_len, e->interp_off) != (ssize_t)e->interp_len)
		return -EIO;
	if (name[e->interp_len - 1])
		return -ENOEXEC;
	im->interp_file = file_open(name, O_RDONLY | O_CLOEXEC, 0, &err);
	if (!im->interp_file)
		return err;
	n = file_pread(im->interp_file, head, sizeof(head), 0);
	if (n < 0)
		return (int)n;
	err = elf_read(im->interp_file, head, (size_t)n, &im->interp);
	return err == -ENOEXEC ? -ELIBBAD : err;
}

static int interp_map(struct elf_image *im, struct mm *mm)
{
	struct elf_info *e = &im->interp;
	u64 span = e->high - e->low;
	s64 base;

	if (e->dyn) {
		if (span > PIE_SPAN_MAX)
			return -ENOMEM;
		/* Find room for all of it; the segments then replace the reservation. */
		base = map_anon(mm, 0, span, PROT_NONE, MAP_NORESERVE);
		if (base < 0)
			return (int)base;
		im->interp_bias = (u64)base - e->low;
	}
	im->start = e->entry + im->interp_bias;
	return map_segments(mm, im->interp_file, e, im->interp_bias);
}

int elf_load(struct elf_image *im, struct file *f, struct mm *mm)
{
	struct elf_info *e = &im->main;
	int err = e->interp_len ? interp_open(im, f) : 0;

	if (!err)
		err = map_stack(mm, e->exec_stack);
	if (err)
		return err;
	if (e->dyn) {
		if (e->high - e->low > PIE_SPAN_MAX)
			return -ENOMEM;
		im->bias = ALIGN_DOWN(PIE_BASE + random_pages(0xffffff), e->align) - ALIGN_DOWN(e->low, e->align);
	}
	err = map_segments(mm, f, e, im->bias);
	if (err)
		return err;
	mm->brk_start = mm->brk = e->high + im->bias;
	im->start = e->entry + im->bias;
	if (im->interp_file)
		err = interp_map(im, mm);
	return err ? err : sigtramp_map(mm, &im->sigtramp);
}

void elf_image_put(struct elf_image *im)
{
	if (im->interp_file)
		file_put(im->interp_file);
	im->interp_file = NULL;
}

/* ---- the stack ---- */

struct stack_build {
	struct mm *mm;
	u64 sp;
	int err;
};

static u64 push(struct stack_build *b, const void *data, size_t n)
{
	if (b->err)
		return 0;
	b->sp -= n;
	if (mm_access(b->mm, b->sp, (void *)data, n, true) != (ssize_t)n)
		b->err = -ENOMEM;
	return b->sp;
}

static u64 *put_aux(u64 *p, u64 type, u64 value)
{
	p[0] = type;
	p[1] = value;
	return p + 2;
}

#define AUX_COUNT	20

static u64 *fill_auxv(u64 *p, const struct elf_image *im, u64 execfn, u64 platform, u64 random)
{
	const struct elf_info *e = &im->main;

	p = put_aux(p, AT_HWCAP, hwcap_get(0));
	p = put_aux(p, AT_PAGESZ, PAGE_SIZE);
	p = put_aux(p, AT_CLKTCK, 100);
	p = put_aux(p, AT_PHDR, e->phdr ? e->phdr + im->bias : 0);
	p = put_aux(p, AT_PHENT, 56);
	p = put_aux(p, AT_PHNUM, e->phnum);
	p = put_aux(p, AT_BASE, im->interp_file ? im->interp_bias : 0);
	p = put_aux(p, AT_FLAGS, 0);
	p = put_aux(p, AT_ENTRY, e->entry + im->bias);
	p = put_aux(p, AT_UID, 0);
	p = put_aux(p, AT_EUID, 0);
	p = put_aux(p, AT_GID, 0);
	p = put_aux(p, AT_EGID, 0);
	p = put_aux(p, AT_SECURE, 0);
	p = put_aux(p, AT_RANDOM, random);
	p = put_aux(p, AT_HWCAP2, hwcap_get(1));
	p = put_aux(p, AT_EXECFN, execfn);
	p = put_aux(p, AT_PLATFORM, platform);
	p = put_aux(p, AT_MINSIGSTKSZ, sigframe_size_max());
	return put_aux(p, AT_NULL, 0);
}

static u64 *fill_pointers(u64 *p, const char **str, u64 *uaddr, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		size_t len = strlen(*str) + 1;

		*p++ = *uaddr;
		*uaddr += len;
		*str += len;
	}
	*p++ = 0;
	return p;
}

int elf_stack(struct elf_image *im, struct mm *mm, const struct exec_strings *args, const char *execfn)
{
	struct stack_build b = { .mm = mm, .sp = mm->stack_top };
	u64 words = 1 + args->argc + 1 + args->envc + 1 + AUX_COUNT * 2, end = 0;
	u64 *vec = kmalloc(words * sizeof(u64)), *p = vec;
	u64 u_execfn, u_strings, u_platform, u_random, seed[2];
	const char *str = args->buf;

	if (!vec)
		return -ENOMEM;
	random_bytes(seed, sizeof(seed));
	push(&b, &end, sizeof(end));
	u_execfn = push(&b, execfn, strlen(execfn) + 1);
	u_strings = push(&b, args->buf, args->len);
	u_platform = push(&b, "aarch64", 8);
	u_random = push(&b, seed, sizeof(seed));
	mm->arg_start = u_strings;
	*p++ = args->argc;
	p = fill_pointers(p, &str, &u_strings, args->argc);
	mm->arg_end = mm->env_start = u_strings;
	p = fill_pointers(p, &str, &u_strings, args->envc);
	mm->env_end = u_strings;
	p = fill_auxv(p, im, u_execfn, u_platform, u_random);
	ASSERT(p == vec + words);
	b.sp = ALIGN_DOWN(b.sp - words * sizeof(u64), 16UL) + words * sizeof(u64);
	im->sp = push(&b, vec, words * sizeof(u64));
	kfree(vec);
	return b.err;
}
