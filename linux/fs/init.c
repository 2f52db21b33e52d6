// SPDX-License-Identifier: GPL-2.0-only
/* Sets up the file system before the first process. No locks: one thread runs. */
#include "kernel/debug/print.h"
#include "linux/fs/vfs.h"

int fs_init(const void *initrd, size_t size)
{
	static const char * const dirs[] = { "/dev", "/proc", "/sys", "/tmp", "/run", "/etc", "/root", "/var" };
	unsigned i;
	int err = 0;

	rwsem_init(&fs_lock);
	fs_root = inode_alloc(S_IFDIR | 0755);
	if (!fs_root)
		return -ENOMEM;
	fs_root->nlink = 2;
	if (initrd && size)
		err = initrd_unpack(initrd, size);
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		err = fs_mkdirs(dirs[i], true);
		if (err) {
			pr_err("cannot make %s: error %d\n", dirs[i], err);
			return err;
		}
	}
	dev_init();
	tty_init();
	proc_init();
	sysfs_init();
	return 0;
}
