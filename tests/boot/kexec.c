// SPDX-License-Identifier: GPL-2.0-only
/*
 * For guests of the ring boot: load a kernel to come after this one, and start it. kexec IMAGE INITRD; with -p first, it is for
 * after a panic, and only loaded. With kexec_load(2), because Debian's arm64 kernels have no kexec_file_load(2): so the device
 * tree and where everything goes are our business. The command line stays as it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libfdt.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SEG_KERNEL	0
#define SEG_INITRD	1
#define SEG_TREE	2
#define SEG_START	3
#define SEGMENTS	4
#define PAGE		4096UL
#define TREE_ALIGN	(2UL << 20)	/* of kernels too: Documentation/arch/arm64/booting.rst */

static void die(const char *what)
{
	fprintf(stderr, "kexec: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t up(uint64_t n, uint64_t to)
{
	return (n + to - 1) & ~(to - 1);
}

static void *load_file(const char *path, size_t *size)
{
	size_t room = 1 << 20;
	char *buf = malloc(room);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0 || !buf)
		die(path);
	*size = 0;
	while ((n = read(fd, buf + *size, room - *size)) > 0) {
		*size += n;
		if (*size == room)
			buf = realloc(buf, room *= 2);
		if (!buf)
			die(path);
	}
	if (n < 0)
		die(path);
	close(fd);
	return buf;
}

/* The first range of /proc/iomem with that name. */
static void find_range(const char *name, uint64_t *start, uint64_t *size)
{
	FILE *f = fopen("/proc/iomem", "r");
	char line[256];
	uint64_t end;

	while (f && fgets(line, sizeof(line), f)) {
		if (strstr(line, name) && sscanf(line, " %" SCNx64 "-%" SCNx64, start, &end) == 2 && end > *start) {
			*size = end + 1 - *start;
			fclose(f);
			return;
		}
	}
	errno = ENOENT;
	die(name);
}

/* This kernel's tree with another initrd; usable: what a crash kernel may use, or NULL. */
static void *make_tree(uint64_t initrd, uint64_t initrd_size, const uint64_t *usable, size_t *size)
{
	void *old = load_file("/sys/firmware/fdt", size), *tree = malloc(*size + PAGE);
	int node, err;

	*size += PAGE;
	if (!tree)
		die("tree");
	err = fdt_open_into(old, tree, *size);
	node = fdt_path_offset(tree, "/chosen");
	if (err || node < 0 || fdt_setprop_u64(tree, node, "linux,initrd-start", initrd) ||
	    fdt_setprop_u64(tree, node, "linux,initrd-end", initrd + initrd_size)) {
		errno = EINVAL;
		die("device tree");
	}
	if (usable) {
		fdt64_t range[2] = { cpu_to_fdt64(usable[0]), cpu_to_fdt64(usable[1]) };

		if (fdt_setprop(tree, node, "linux,usable-memory-range", range, sizeof(range))) {
			errno = EINVAL;
			die("usable memory");
		}
	}
	return tree;
}

static struct kexec_segment segment(void *buf, size_t bufsz, uint64_t at, uint64_t memsz)
{
	return (struct kexec_segment){ .buf = buf, .bufsz = bufsz, .mem = (void *)at, .memsz = up(memsz, PAGE) };
}

int main(int argc, char **argv)
{
	bool crash = argc == 4 && !strcmp(argv[1], "-p");
	struct kexec_segment seg[SEGMENTS];
	uint64_t ram[2], base, at[SEGMENTS], header[3];
	size_t size[SEGMENTS];
	void *image, *initrd, *tree;
	/* x0: the tree, x1 to x3 zero, to the kernel. The two addresses follow. */
	union {
		uint32_t insn[10];
		uint64_t word[5];
	} start = { .insn = { 0x580000c0, 0xaa1f03e1, 0xaa1f03e2, 0xaa1f03e3, 0x58000084, 0xd61f0080 } };

	if (argc != 3 + crash)
		return 2;
	image = load_file(argv[1 + crash], &size[SEG_KERNEL]);
	initrd = load_file(argv[2 + crash], &size[SEG_INITRD]);
	find_range(crash ? "Crash kernel" : "System RAM", &ram[0], &ram[1]);
	memcpy(header, image, sizeof(header));	/* code, text offset, size in memory */
	base = up(ram[0], TREE_ALIGN);
	at[SEG_KERNEL] = base + header[1];
	at[SEG_INITRD] = up(at[SEG_KERNEL] + header[2], TREE_ALIGN);
	at[SEG_TREE] = up(at[SEG_INITRD] + size[SEG_INITRD], TREE_ALIGN);
	tree = make_tree(at[SEG_INITRD], size[SEG_INITRD], crash ? ram : NULL, &size[SEG_TREE]);
	at[SEG_START] = at[SEG_TREE] + up(size[SEG_TREE], PAGE);
	start.word[3] = at[SEG_TREE];
	start.word[4] = at[SEG_KERNEL];

	seg[SEG_KERNEL] = segment(image, size[SEG_KERNEL], at[SEG_KERNEL], header[2]);
	seg[SEG_INITRD] = segment(initrd, size[SEG_INITRD], at[SEG_INITRD], size[SEG_INITRD]);
	seg[SEG_TREE] = segment(tree, size[SEG_TREE], at[SEG_TREE], size[SEG_TREE]);
	seg[SEG_START] = segment(&start, sizeof(start), at[SEG_START], sizeof(start));
	if (syscall(SYS_kexec_load, at[SEG_START], (long)SEGMENTS, seg,
		    (long)(KEXEC_ARCH_AARCH64 | (crash ? KEXEC_ON_CRASH : 0))))
		die("kexec_load");
	if (crash)
		return 0;
	sync();
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
	die("reboot");
}
