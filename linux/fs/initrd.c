// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unpacks the initrd: cpio archives, each plain or gzip, one after the other with zero padding between. The contents
 * decide about nothing but themselves: paths are walked like anybody's, bad archives end the boot with a message.
 * Runs once, before the first process; no locks beyond those of the tree.
 */
#include <zlib.h>

#include "kernel/debug/print.h"
#include "linux/fs/cpio.h"
#include "linux/fs/vfs.h"

#define CHUNK	(16 * PAGE_SIZE)

struct hardlink {
	struct hardlink *next;
	u32 ino, major, minor;
	struct inode *inode;
};

struct unpack {
	struct cpio cpio;
	struct inode *file;		/* receives data; NULL: data is skipped */
	u64 pos;
	char *target;			/* symlink under construction */
	struct hardlink *links;
	char path[CPIO_NAME_MAX + 1];
	unsigned files;
	u64 bytes;
};

static struct inode *find_link(struct unpack *u, const struct cpio_entry *e)
{
	struct hardlink *l;

	if (e->nlink < 2)
		return NULL;
	for (l = u->links; l; l = l->next)
		if (l->ino == e->ino && l->major == e->devmajor && l->minor == e->devminor)
			return l->inode;
	return NULL;
}

static int remember_link(struct unpack *u, const struct cpio_entry *e, struct inode *i)
{
	struct hardlink *l;

	if (e->nlink < 2)
		return 0;
	l = kmalloc(sizeof(*l));
	if (!l)
		return -ENOMEM;
	*l = (struct hardlink){ u->links, e->ino, e->devmajor, e->devminor, inode_get(i) };
	u->links = l;
	return 0;
}

static int forget_links(void *arg)
{
	struct unpack *u = arg;
	struct hardlink *l;

	while ((l = u->links)) {
		u->links = l->next;
		inode_put(l->inode);
		kfree(l);
	}
	return 0;
}

/* Take away what is at the path, if it is not a directory; a later archive replaces files of an earlier one. */
static int replace(const char *path, bool *is_dir)
{
	struct path p;
	int err = path_walk(AT_FDCWD, path, WALK_CREATE, &p);

	*is_dir = false;
	if (err)
		return err == -ENOENT ? 0 : err;
	if (p.inode && inode_is_dir(p.inode)) {
		*is_dir = true;
	} else if (p.inode && p.dir) {
		down_write(&fs_lock);
		if (dir_find(p.dir, p.name) == p.inode)
			dir_remove(p.dir, p.name);
		up_write(&fs_lock);
	}
	path_put(&p);
	return 0;
}

static int unpack_dir(const char *path, const struct cpio_entry *e, bool there)
{
	struct path p;
	int err;

	if (!there) {
		err = fs_mkdirs(path, true);
		if (err)
			return err;
	}
	err = path_walk(AT_FDCWD, path, WALK_FOLLOW, &p);
	if (err)
		return err;
	WRITE_ONCE(p.inode->mode, S_IFDIR | (e->mode & 07777));
	path_put(&p);
	return 0;
}

static int unpack_entry(void *arg, const struct cpio_entry *e)
{
	struct unpack *u = arg;
	u32 type = e->mode & S_IFMT;
	struct inode *i, *old;
	bool dir;
	int err;

	u->path[0] = '/';
	strlcpy(u->path + 1, e->name, sizeof(u->path) - 1);
	u->pos = 0;
	u->files++;
	err = replace(u->path, &dir);
	if (err)
		return err;
	if (type == S_IFDIR)
		return unpack_dir(u->path, e, dir);
	if (dir) {
		pr_warn("initrd: '%s' is a directory already, entry skipped\n", u->path);
		return 0;
	}
	if (type != S_IFREG && type != S_IFLNK && type != S_IFCHR && type != S_IFBLK && type != S_IFIFO &&
	    type != S_IFSOCK)
		return -EINVAL;
	if (type == S_IFLNK && (!e->size || e->size >= PATH_SIZE))
		return -ENAMETOOLONG;
	old = type == S_IFREG ? find_link(u, e) : NULL;
	i = old ? inode_get(old) : inode_alloc(type | (e->mode & 07777));
	if (!i)
		return -ENOMEM;
	if (!old) {
		i->uid = e->uid;
		i->gid = e->gid;
		i->mtime = (u64)e->mtime * NSEC;
		if (type == S_IFCHR || type == S_IFBLK)
			i->rdev = (e->rdevminor & 0xff) | (u64)e->rdevmajor << 8 |
				  (u64)(e->rdevminor & ~0xffU) << 12;
		if (type == S_IFREG)
			err = remember_link(u, e, i);
	}
	if (!err && type == S_IFLNK) {
		u->target = i->target = kzalloc(e->size + 1);
		if (!i->target)
			err = -ENOMEM;
	}
	if (!err)
		err = fs_make(u->path, i);
	if (!err && type == S_IFREG)
		u->file = inode_get(i);
	if (err)
		u->target = NULL;
	inode_put(i);
	return err;
}

static int unpack_data(void *arg, const void *p, size_t n)
{
	struct unpack *u = arg;
	ssize_t r;

	if (u->file) {
		r = memobj_write(u->file->obj, u->pos, p, n);
		if (r < 0 || (size_t)r != n)
			return -ENOMEM;
	} else if (u->target) {
		memcpy(u->target + u->pos, p, n);
	}
	u->pos += n;
	u->bytes += n;
	return 0;
}

static int unpack_done(void *arg)
{
	struct unpack *u = arg;

	inode_put(u->file);
	u->file = NULL;
	u->target = NULL;
	return 0;
}

static const struct cpio_sink unpack_sink = {
	.entry = unpack_entry, .data = unpack_data, .done = unpack_done, .trailer = forget_links,
};

static voidpf z_alloc(voidpf opaque, uInt n, uInt size)
{
	return kcalloc(n, size);
}

static void z_free(voidpf opaque, voidpf p)
{
	kfree(p);
}

/* Length of a gzip member's header (RFC 1952), 0 if it is none. */
static size_t gzip_header(const u8 *p, size_t n)
{
	size_t at = 10;
	unsigned flags, k;

	if (n < 18 || p[0] != 0x1f || p[1] != 0x8b || p[2] != 8)
		return 0;
	flags = p[3];
	if (flags & 0xe0)
		return 0;
	if (flags & 4) {
		if (n - at < 2)
			return 0;
		at += 2 + (p[at] | p[at + 1] << 8);
	}
	for (k = 8; k <= 16; k *= 2) {	/* name, comment */
		if (!(flags & k))
			continue;
		while (at < n && p[at])
			at++;
		at++;
	}
	if (flags & 2)
		at += 2;
	return at < n ? at : 0;
}

/* Inflate one member into the parser: bytes of input used, or -errno. */
static s64 unpack_gzip(struct unpack *u, const u8 *p, size_t n)
{
	size_t head = gzip_header(p, n), got;
	z_stream z = { .zalloc = z_alloc, .zfree = z_free };
	u32 crc = 0, want;
	u8 *out;
	int r = Z_OK;
	s64 err = 0;

	if (!head || n - head > 0xffffffffUL)
		return -EINVAL;
	out = kmalloc(CHUNK);
	if (!out || inflateInit2(&z, -MAX_WBITS) != Z_OK) {
		kfree(out);
		return -ENOMEM;
	}
	z.next_in = (Bytef *)(p + head);
	z.avail_in = n - head;
	while (!err && r != Z_STREAM_END) {
		z.next_out = out;
		z.avail_out = CHUNK;
		r = inflate(&z, Z_NO_FLUSH);
		got = CHUNK - z.avail_out;
		crc = crc32(crc, out, got);
		if (r != Z_OK && r != Z_STREAM_END)
			err = r == Z_MEM_ERROR ? -ENOMEM : -EINVAL;
		else if (got)
			err = cpio_feed(&u->cpio, out, got);
		if (err > 0)
			err = (size_t)err == got ? 0 : -EINVAL;
	}
	head = z.next_in - p;
	inflateEnd(&z);
	kfree(out);
	if (err || n - head < 8)
		return err ? err : -EINVAL;
	memcpy(&want, p + head, 4);
	return want == crc ? (s64)head + 8 : -EBADMSG;
}

static int unpack_all(struct unpack *u, const u8 *p, size_t n)
{
	size_t at = 0;
	s64 r;

	while (at < n) {
		r = cpio_feed(&u->cpio, p + at, n - at);
		if (r < 0)
			return r;
		at += r;
		if (at == n)
			break;
		r = unpack_gzip(u, p + at, n - at);
		if (r < 0) {
			if (!u->cpio.error)
				u->cpio.error = r == -EBADMSG ? "gzip checksum is wrong" :
						"neither cpio nor sound gzip";
			pr_err("initrd: at byte %lu\n", at);
			return r;
		}
		at += r;
	}
	return cpio_finish(&u->cpio);
}

int initrd_unpack(const u8 *p, size_t n)
{
	struct unpack *u = kzalloc(sizeof(*u));
	u64 start = clock_ns();
	int err;

	if (!u)
		return -ENOMEM;
	cpio_init(&u->cpio, &unpack_sink, u);
	err = unpack_all(u, p, n);
	inode_put(u->file);
	forget_links(u);
	if (err)
		pr_err("initrd: %s (error %d), after %u entries, at '%s'\n",
		       u->cpio.error ? u->cpio.error : err == -ENOMEM ? "out of memory" : "cannot make an entry",
		       err, u->files, u->path);
	else
		pr_info("initrd: %u entries, %lu KiB, %lu ms\n", u->files, u->bytes >> 10,
			(clock_ns() - start) / 1000000);
	kfree(u);
	return err;
}
