// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel, device tree and initrd into guest RAM, in this order from its start
 * (arm64 Image protocol: Documentation/arch/arm64/booting in Linux; zImage of a
 * 32-bit kernel: Documentation/arch/arm/booting). No locks.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "acpi.h"
#include "vmm.h"

#define IMAGE_MAGIC	0x644d5241	/* "ARM\x64" */
#define OLD_TEXT_OFFSET	0x80000UL
#define ZIMAGE_MAGIC	0x016f2818	/* at 36 */
#define ZIMAGE_OFFSET	(32 * SZ_1M)	/* above where it unpacks itself to */
#define ZIMAGE_EXTRA	SZ_1M		/* its variables, stack and heap */
#define FDT_SPACE	SZ_2M		/* the most a kernel maps */

struct image_header {
	uint32_t code[2];
	uint64_t text_offset;
	uint64_t image_size;
	uint64_t flags;
	uint64_t res[3];
	uint32_t magic;
	uint32_t res5;
};

/* A file being read, through inflate when it is gzip. */
struct source {
	const char *path;
	const char *what;
	int fd;
	bool gzip;
	bool end;
	z_stream z;
	uint8_t in[65536];
};

static struct source src;		/* one file at a time */

static uint64_t source_open(struct source *s, const char *what, const char *path)
{
	struct stat st;

	s->path = path;
	s->what = what;
	s->gzip = s->end = false;
	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st) < 0)
		die(VMM_USAGE, "cannot open %s '%s': %s; check the path",
		    what, path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		die(VMM_USAGE, "%s '%s' is not a regular file; give the path of one", what, path);
	return st.st_size;
}

static void source_close(struct source *s)
{
	if (s->gzip)
		inflateEnd(&s->z);
	close(s->fd);
}

/* read() until @n bytes or the end. */
static size_t read_full(struct source *s, void *dst, size_t n)
{
	size_t done = 0;
	ssize_t r;

	while (done < n) {
		r = read(s->fd, (uint8_t *)dst + done, n - done);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			die(VMM_USAGE, "cannot read %s '%s': %s; check the file",
			    s->what, s->path, strerror(errno));
		if (!r)
			break;
		done += r;
	}
	return done;
}

static void source_detect_gzip(struct source *s)
{
	uint8_t magic[2] = { 0, 0 };

	read_full(s, magic, sizeof(magic));
	lseek(s->fd, 0, SEEK_SET);
	if (magic[0] != 0x1f || magic[1] != 0x8b)
		return;
	memset(&s->z, 0, sizeof(s->z));
	if (inflateInit2(&s->z, 16 + MAX_WBITS) != Z_OK)
		die(VMM_ERROR, "no memory to unpack %s", s->path);
	s->gzip = true;
}

/* Up to @n bytes of content; fewer only at the end. */
static size_t source_read(struct source *s, void *dst, size_t n)
{
	int ret;

	if (!s->gzip)
		return read_full(s, dst, n);

	s->z.next_out = dst;
	s->z.avail_out = n;
	while (s->z.avail_out && !s->end) {
		if (!s->z.avail_in) {
			s->z.next_in = s->in;
			s->z.avail_in = read_full(s, s->in, sizeof(s->in));
		}
		ret = inflate(&s->z, Z_NO_FLUSH);
		if (ret == Z_STREAM_END)
			s->end = true;
		else if (ret != Z_OK)
			die(VMM_USAGE, "%s '%s' is a damaged gzip file (%s); fetch it again",
			    s->what, s->path, s->z.msg ? s->z.msg : "it ends too early");
	}
	return n - s->z.avail_out;
}

/* A 32-bit ARM kernel that unpacks itself? */
static bool is_zimage(const struct image_header *h)
{
	return le64toh(h->res[0]) >> 32 == ZIMAGE_MAGIC;
}

/* Read and judge the header. Leaves the source just behind it. */
static void read_header(struct source *s, struct image_header *h)
{
	size_t n;

	source_detect_gzip(s);
	n = source_read(s, h, sizeof(*h));
	if (n >= 8 && !memcmp((uint8_t *)h + 4, "zimg", 4))
		die(VMM_USAGE, "kernel '%s' is an EFI zboot file; unpack the Image in it first",
		    s->path);
	if (n == sizeof(*h) && is_zimage(h))
		return;
	if (n < sizeof(*h) || le32toh(h->magic) != IMAGE_MAGIC)
		die(VMM_USAGE, "kernel '%s' is not an arm64 Image; use an arm64 Image, plain or gzip, or a 32-bit zImage",
		    s->path);
	if (le64toh(h->flags) & 1)
		die(VMM_USAGE, "kernel '%s' is big-endian; use a little-endian Image", s->path);
}

/* Where the kernel ends when @size bytes of it have been read, and is there room? */
static uint64_t kernel_place(const struct vm *vm, const struct image_header *h,
			     uint64_t size, uint64_t *load)
{
	uint64_t offset = le64toh(h->text_offset);
	uint64_t image_size = le64toh(h->image_size);

	if (is_zimage(h)) {
		offset = ZIMAGE_OFFSET;
		image_size = size + ZIMAGE_EXTRA;
	}
	if (!image_size)	/* before Linux 3.17 the header did not say */
		offset = OLD_TEXT_OFFSET;
	if (image_size > size)
		size = image_size;
	if (offset > vm->ram_size || size > vm->ram_size - offset)
		die(VMM_USAGE,
		    "kernel '%s' needs %lu MiB from offset %lu KiB, the guest has %lu; use a larger -m",
		    vm->kernel, (size >> 20) + 1, offset >> 10, vm->ram_size >> 20);
	*load = RAM_BASE + offset;
	return *load + size;
}

/* Place the tree behind @kernel_end and the initrd behind the tree. */
static void place_rest(struct vm *vm, uint64_t kernel_end, uint64_t initrd_size)
{
	uint64_t ram_end = RAM_BASE + vm->ram_size - acpi_reserve(vm);

	vm->fdt = ALIGN_UP(kernel_end, SZ_2M);
	vm->initrd_start = vm->fdt + FDT_SPACE;
	if (vm->initrd_start > ram_end)
		die(VMM_USAGE, "kernel '%s' leaves no room for the device tree; use a larger -m",
		    vm->kernel);
	if (initrd_size > ram_end - vm->initrd_start)
		die(VMM_USAGE,
		    "initrd '%s' of %lu MiB does not fit beside the kernel in %lu MiB; use a larger -m",
		    vm->initrd, (initrd_size >> 20) + 1, vm->ram_size >> 20);
	vm->initrd_end = vm->initrd_start + initrd_size;
}

void loader_check(struct vm *vm)
{
	struct vm trial = *vm;
	struct image_header h;
	uint64_t size, load;

	size = source_open(&src, "kernel", vm->kernel);
	read_header(&src, &h);
	vm->aarch32 = is_zimage(&h);
	if (vm->aarch32 && (vm->acpi || vm->sdei || vm->nested || vm->ptrauth))
		die(VMM_USAGE, "kernel '%s' is a 32-bit one: no --acpi, --sdei, --nested, --ptrauth, --watchdog",
		    vm->kernel);
	size = kernel_place(vm, &h, src.gzip ? 0 : size, &load);
	source_close(&src);

	if (vm->initrd) {
		uint64_t initrd_size = source_open(&src, "initrd", vm->initrd);

		source_close(&src);
		place_rest(&trial, size, initrd_size);
	}
}

/* Returns where the kernel ends. */
static uint64_t load_kernel(struct vm *vm)
{
	struct image_header h;
	uint64_t room, size;
	uint8_t *dst, extra;

	source_open(&src, "kernel", vm->kernel);
	read_header(&src, &h);
	kernel_place(vm, &h, sizeof(h), &vm->entry);
	room = vm->ram_size - (vm->entry - RAM_BASE);
	dst = memory_ptr(vm, vm->entry, room);
	memcpy(dst, &h, sizeof(h));
	size = sizeof(h) + source_read(&src, dst + sizeof(h), room - sizeof(h));
	if (size == room && source_read(&src, &extra, 1))
		die(VMM_USAGE, "kernel '%s' is larger than the guest's memory; use a larger -m",
		    vm->kernel);
	source_close(&src);
	return kernel_place(vm, &h, size, &vm->entry);
}

void loader_load(struct vm *vm)
{
	uint64_t kernel_end = load_kernel(vm);
	uint64_t size = 0;

	if (vm->initrd)
		size = source_open(&src, "initrd", vm->initrd);
	place_rest(vm, kernel_end, size);
	if (vm->initrd) {
		/* It may have shrunk since its size was taken. */
		size = read_full(&src, memory_ptr(vm, vm->initrd_start, size), size);
		vm->initrd_end = vm->initrd_start + size;
		source_close(&src);
	}
	fdt_build(vm, memory_ptr(vm, vm->fdt, FDT_SPACE), FDT_SPACE);
}
