// SPDX-License-Identifier: GPL-2.0-only
/*
 * For guests of the ring boot: load a kernel to come after this one, and start it. kexec IMAGE INITRD CMDLINE; with -p first,
 * it is for after a panic, and only loaded. kexec_file_load(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int refused(const char *what)
{
	fprintf(stderr, "kexec: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	bool crash = argc == 5 && !strcmp(argv[1], "-p");
	int kernel, initrd;

	if (argc != 4 && !crash)
		return 2;
	argv += crash;
	kernel = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (kernel < 0)
		return refused(argv[1]);
	initrd = open(argv[2], O_RDONLY | O_CLOEXEC);
	if (initrd < 0)
		return refused(argv[2]);
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(argv[3]) + 1, argv[3],
		    (long)(crash ? KEXEC_FILE_ON_CRASH : 0)))
		return refused("kexec_file_load");
	if (crash)
		return 0;
	sync();
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
	return refused("reboot");
}
