// SPDX-License-Identifier: GPL-2.0-only
/*
 * Character devices: the registry by number, and the memory devices. Locks: dev_lock (mutex) for registration;
 * entries are never removed, so lookups by number need none.
 */
#include <linux/random.h>

#include "kernel/debug/print.h"
#include "kernel/lib/random.h"
#include "linux/fs/vfs.h"

#define MAX_DEVS	64

struct dev {
	u64 rdev;
	dev_open_fn open;
};

static struct dev devs[MAX_DEVS];
static unsigned ndevs;
static struct mutex dev_lock = MUTEX_INIT(dev_lock);

static u64 make_rdev(u32 major, u32 minor)
{
	return (minor & 0xff) | (u64)major << 8 | (u64)(minor & ~0xffU) << 12;
}

int dev_register(const char *name, u32 major, u32 minor, dev_open_fn open)
{
	char path[64];
	struct inode *i;
	int err;

	mutex_lock(&dev_lock);
	err = ndevs < MAX_DEVS ? 0 : -ENOSPC;
	if (!err) {
		devs[ndevs] = (struct dev){ make_rdev(major, minor), open };
		__atomic_store_n(&ndevs, ndevs + 1, __ATOMIC_RELEASE);
	}
	mutex_unlock(&dev_lock);
	if (err)
		return err;
	snprintf(path, sizeof(path), "/dev/%s", name);
	i = inode_alloc(S_IFCHR | 0666);
	if (!i)
		return -ENOMEM;
	i->rdev = make_rdev(major, minor);
	err = fs_make(path, i);
	inode_put(i);
	return err;
}

struct file *dev_open(struct inode *i, u32 flags, int *err);
struct file *dev_open(struct inode *i, u32 flags, int *err)
{
	unsigned k, n = __atomic_load_n(&ndevs, __ATOMIC_ACQUIRE);

	for (k = 0; k < n; k++)
		if (devs[k].rdev == i->rdev)
			return devs[k].open(flags, err);
	*err = -ENXIO;
	return NULL;
}

static s64 mem_lseek(struct file *f, s64 off, int whence)
{
	return 0;
}

static ssize_t null_read(struct file *f, struct iobuf *b, u64 *pos)
{
	return 0;
}

static ssize_t null_write(struct file *f, struct iobuf *b, u64 *pos)
{
	return b->len;
}

static ssize_t full_write(struct file *f, struct iobuf *b, u64 *pos)
{
	return -ENOSPC;
}

static ssize_t zero_read(struct file *f, struct iobuf *b, u64 *pos)
{
	size_t done = 0, n, got;

	while (b->len) {
		n = MIN(b->len, PAGE_SIZE);
		got = iobuf_put_part(b, page_to_va(zero_page), n);
		done += got;
		if (got < n)
			return done ? (ssize_t)done : -EFAULT;
		if (signal_pending())
			break;
	}
	return done;
}

static int zero_mmap(struct file *f, struct map_request *rq)
{
	/* Anonymous memory by another name; shared mappings share only with children. */
	rq->file = NULL;
	if (rq->flags & 1 /* MAP_SHARED */) {
		rq->obj = memobj_create(rq->len);
		if (!rq->obj)
			return -ENOMEM;
		return 0;
	}
	return 0;
}

static ssize_t random_read(struct file *f, struct iobuf *b, u64 *pos)
{
	size_t done = 0, n, got;
	u8 buf[128];
	int err = 0;

	while (b->len && !err) {
		n = MIN(b->len, sizeof(buf));
		random_bytes(buf, n);
		got = iobuf_put_part(b, buf, n);
		done += got;
		if (got < n)
			err = -EFAULT;
		if (signal_pending())
			break;
	}
	memset(buf, 0, sizeof(buf));
	return done ? (ssize_t)done : err;
}

static ssize_t random_write(struct file *f, struct iobuf *b, u64 *pos)
{
	size_t done = 0, n;
	u8 buf[128];

	while (b->len && done < 65536) {
		n = MIN(b->len, sizeof(buf));
		if (iobuf_get(b, buf, n))
			return done ? (ssize_t)done : -EFAULT;
		random_add(buf, n);
		done += n;
	}
	return done;
}

static s64 random_ioctl(struct file *f, u32 cmd, u64 arg)
{
	if (cmd == RNDGETENTCNT)
		return put_user((int)256, arg);
	return cmd == RNDADDTOENTCNT || cmd == RNDRESEEDCRNG ? 0 : -ENOTTY;
}

/* A line to the kernel log. */
static ssize_t kmsg_write(struct file *f, struct iobuf *b, u64 *pos)
{
	char line[256];
	size_t n = MIN(b->len, sizeof(line) - 1), len = b->len;
	const char *s = line;

	if (iobuf_get(b, line, n))
		return -EFAULT;
	while (n && line[n - 1] == '\n')
		n--;
	line[n] = 0;
	if (s[0] == '<' && strchr(s, '>'))
		s = strchr(s, '>') + 1;
	pr_info("%s\n", s);
	return len;
}

static const struct file_ops null_ops = { .read = null_read, .write = null_write, .lseek = mem_lseek };
static const struct file_ops zero_ops = {
	.read = zero_read, .write = null_write, .lseek = mem_lseek, .mmap = zero_mmap,
};
static const struct file_ops full_ops = { .read = zero_read, .write = full_write, .lseek = mem_lseek };
static const struct file_ops random_ops = {
	.read = random_read, .write = random_write, .ioctl = random_ioctl,
};
static const struct file_ops kmsg_ops = { .read = null_read, .write = kmsg_write };

#define SIMPLE_OPEN(name)							\
static struct file *name##_open(u32 flags, int *err)				\
{										\
	*err = -ENOMEM;								\
	return file_alloc(&name##_ops, NULL, flags);				\
}
SIMPLE_OPEN(null)
SIMPLE_OPEN(zero)
SIMPLE_OPEN(full)
SIMPLE_OPEN(random)
SIMPLE_OPEN(kmsg)

static void dev_link(const char *path, const char *target)
{
	struct inode *i = inode_alloc(S_IFLNK | 0777);

	if (i)
		i->target = kstrdup(target);
	if (!i || !i->target || fs_make(path, i))
		pr_warn("cannot make %s\n", path);
	inode_put(i);
}

void dev_init(void)
{
	if (dev_register("null", 1, 3, null_open) || dev_register("zero", 1, 5, zero_open) ||
	    dev_register("full", 1, 7, full_open) || dev_register("random", 1, 8, random_open) ||
	    dev_register("urandom", 1, 9, random_open) || dev_register("kmsg", 1, 11, kmsg_open))
		pr_err("cannot make the memory devices\n");
	dev_link("/dev/fd", "/proc/self/fd");
	dev_link("/dev/stdin", "/proc/self/fd/0");
	dev_link("/dev/stdout", "/proc/self/fd/1");
	dev_link("/dev/stderr", "/proc/self/fd/2");
	if (fs_mkdirs("/dev/shm", true))
		pr_warn("cannot make /dev/shm\n");
}
