// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one file system: inodes in memory and the names that lead to them. A directory keeps its entries in a tree by
 * hash of the name (entries with equal hashes chained) and in a list by age, whose cookies are getdents' offsets.
 * Locks: fs_lock for all names; see vfs.h.
 */
#include "kernel/debug/print.h"
#include "linux/fs/vfs.h"

struct dirent {
	struct tree_node node;		/* key: hash */
	struct dirent *chain;		/* others with the same hash; only the first is in the tree */
	struct list order;
	u64 cookie;
	struct inode *inode;
	char name[];
};

struct rwsem fs_lock;
struct inode *fs_root;
static u64 next_ino = 1;

struct inode *inode_alloc(u32 mode)
{
	struct inode *i = kzalloc(sizeof(*i));

	if (!i)
		return NULL;
	i->refs = 1;
	i->mode = mode;
	i->ino = __atomic_fetch_add(&next_ino, 1, __ATOMIC_RELAXED);
	i->atime = i->mtime = i->ctime = now_realtime();
	mutex_init(&i->lock);
	list_init(&i->order);
	i->next_cookie = 2;		/* 0 and 1 are "." and ".." */
	if (inode_is_reg(i)) {
		i->obj = memobj_create(0);
		if (!i->obj) {
			kfree(i);
			return NULL;
		}
	}
	return i;
}

struct inode *inode_get(struct inode *i)
{
	u32 old = __atomic_fetch_add(&i->refs, 1, __ATOMIC_RELAXED);

	ASSERT(old > 0);
	return i;
}

void inode_put(struct inode *i)
{
	struct inode *parent;

	/* A loop, because the last child drops its parent, and depth is the user's choice. */
	while (i) {
		if (__atomic_fetch_sub(&i->refs, 1, __ATOMIC_ACQ_REL) != 1)
			return;
		parent = i->parent;
		if (i->ops && i->ops->free)
			i->ops->free(i);
		ASSERT(list_empty(&i->order));
		if (i->fifo)
			pipe_free_inode(i);
		if (i->obj)
			memobj_put(i->obj);
		kfree(i->target);
		kfree(i);
		i = parent;
	}
}

static u64 name_hash(const char *s)
{
	u64 h = 0xcbf29ce484222325UL;

	while (*s)
		h = (h ^ (u8)*s++) * 0x100000001b3UL;
	return h;
}

static struct dirent *dirent_find(struct inode *dir, const char *name)
{
	struct tree_node *n = tree_find(&dir->names, name_hash(name));
	struct dirent *d = n ? container_of(n, struct dirent, node) : NULL;

	while (d && strcmp(d->name, name))
		d = d->chain;
	return d;
}

struct inode *dir_find(struct inode *dir, const char *name)
{
	struct dirent *d = dirent_find(dir, name);

	return d ? d->inode : NULL;
}

int dir_add(struct inode *dir, const char *name, struct inode *i)
{
	u64 hash = name_hash(name);
	struct tree_node *n;
	struct dirent *d, *first;
	size_t len = strlen(name);

	if (dir != fs_root && !dir->parent)
		return -ENOENT;		/* removed while we were looking */
	if (dirent_find(dir, name))
		return -EEXIST;
	d = kzalloc(sizeof(*d) + len + 1);
	if (!d)
		return -ENOMEM;
	memcpy(d->name, name, len + 1);
	d->inode = inode_get(i);
	d->cookie = dir->next_cookie++;
	n = tree_find(&dir->names, hash);
	if (n) {
		first = container_of(n, struct dirent, node);
		d->chain = first->chain;
		first->chain = d;
	} else {
		tree_insert(&dir->names, &d->node, hash);
	}
	list_add_tail(&d->order, &dir->order);
	i->nlink++;
	if (inode_is_dir(i)) {
		ASSERT(!i->parent);
		i->parent = inode_get(dir);
		i->nlink = MAX(i->nlink, 2U);
		dir->nlink++;
	}
	dir->mtime = dir->ctime = i->ctime = now_realtime();
	return 0;
}

void dir_remove(struct inode *dir, const char *name)
{
	struct dirent *d = dirent_find(dir, name), *p, *first;
	struct inode *i, *parent = NULL;
	struct tree_node *n;

	ASSERT(d);
	i = d->inode;
	n = tree_find(&dir->names, name_hash(name));
	first = container_of(n, struct dirent, node);
	if (first == d) {
		tree_remove(&dir->names, &d->node);
		if (d->chain)
			tree_insert(&dir->names, &d->chain->node, name_hash(name));
	} else {
		for (p = first; p->chain != d; p = p->chain)
			;
		p->chain = d->chain;
	}
	list_del(&d->order);
	kfree(d);
	dir->mtime = dir->ctime = i->ctime = now_realtime();
	if (inode_is_dir(i)) {
		parent = i->parent;
		i->parent = NULL;
		i->nlink = 0;
		dir->nlink--;
	} else {
		i->nlink--;
	}
	inode_put(i);
	inode_put(parent);
}

bool dir_is_empty(struct inode *dir)
{
	return list_empty(&dir->order) && !dir->ops;
}

int dir_lookup(struct inode *dir, const char *name, struct inode **out)
{
	struct inode *i = dir_find(dir, name);

	if (i) {
		*out = inode_get(i);
		return 0;
	}
	if (dir->ops && dir->ops->lookup)
		return dir->ops->lookup(dir, name, out);
	return -ENOENT;
}

/* linux_dirent64; the UAPI headers do not have it. */
struct dirent64 {
	u64 ino;
	s64 off;
	u16 reclen;
	u8 type;
	char name[];
} __packed;

bool dirsink_add(struct dirsink *s, u64 ino, u64 next, u32 mode, const char *name)
{
	size_t len = strlen(name);
	size_t reclen = ALIGN_UP(offsetof(struct dirent64, name) + len + 1, (size_t)8);
	struct dirent64 *d;

	if (s->full || reclen > s->size - s->used) {
		s->full = true;
		return false;
	}
	d = (struct dirent64 *)(s->buf + s->used);
	memset(d, 0, reclen);
	d->ino = ino;
	d->off = next;
	d->reclen = reclen;
	d->type = (mode & S_IFMT) >> 12;
	memcpy(d->name, name, len + 1);
	s->used += reclen;
	return true;
}

#define DYNAMIC_POS	BIT(62)		/* offsets of entries that ops->readdir makes */

static void dir_list(struct inode *dir, u64 *pos, struct dirsink *s)
{
	struct dirent *d;
	u64 dyn;

	if (*pos == 0 && dirsink_add(s, dir->ino, 1, S_IFDIR, "."))
		*pos = 1;
	if (*pos == 1 && dirsink_add(s, dir->parent ? dir->parent->ino : dir->ino, 2, S_IFDIR, ".."))
		*pos = 2;
	if (*pos < DYNAMIC_POS) {
		list_for_each(d, &dir->order, order) {
			if (d->cookie < *pos)
				continue;
			if (!dirsink_add(s, d->inode->ino, d->cookie + 1, d->inode->mode, d->name))
				return;
			*pos = d->cookie + 1;
		}
	}
	if (dir->ops && dir->ops->readdir && !s->full) {
		dyn = *pos < DYNAMIC_POS ? 0 : *pos - DYNAMIC_POS;
		dir->ops->readdir(dir, &dyn, s);
		*pos = DYNAMIC_POS + dyn;
	}
}

static int dir_getdents(struct file *f, struct iobuf *b)
{
	struct dirsink s = { .size = MIN(b->len, (size_t)32768) };
	u64 pos;
	int err = 0;

	s.buf = kmalloc(MAX(s.size, (size_t)16));
	if (!s.buf)
		return -ENOMEM;
	mutex_lock(&f->pos_lock);
	pos = f->pos;
	down_read(&fs_lock);
	dir_list(f->inode, &pos, &s);
	up_read(&fs_lock);
	if (!s.used && s.full)
		err = -EINVAL;		/* not even one entry fits */
	else
		err = iobuf_put(b, s.buf, s.used);
	if (!err)
		f->pos = pos;
	mutex_unlock(&f->pos_lock);
	kfree(s.buf);
	return err ? err : (int)s.used;
}

static s64 dir_lseek(struct file *f, s64 off, int whence)
{
	s64 r;

	mutex_lock(&f->pos_lock);
	r = whence == 0 ? off : whence == 1 ? (s64)f->pos + off : -EINVAL;
	if (r >= 0)
		f->pos = r;
	else
		r = -EINVAL;
	mutex_unlock(&f->pos_lock);
	return r;
}

static ssize_t dir_read(struct file *f, struct iobuf *b, u64 *pos)
{
	return -EISDIR;
}

static const struct file_ops dir_file_ops = {
	.read = dir_read, .lseek = dir_lseek, .getdents = dir_getdents,
};

struct file *dev_open(struct inode *i, u32 flags, int *err);

static struct file *inode_open_type(struct inode *i, u32 flags, int *err)
{
	struct file *f;

	switch (i->mode & S_IFMT) {
	case S_IFREG:
		f = file_alloc(&reg_file_ops, NULL, flags);
		break;
	case S_IFDIR:
		if ((flags & O_ACCMODE) != O_RDONLY) {
			*err = -EISDIR;
			return NULL;
		}
		f = file_alloc(&dir_file_ops, NULL, flags);
		break;
	case S_IFCHR:
		return dev_open(i, flags, err);
	case S_IFIFO:
		return fifo_open(i, flags, err);
	case S_IFLNK:
		*err = -ELOOP;
		return NULL;
	default:
		*err = -ENXIO;
		return NULL;
	}
	*err = -ENOMEM;
	return f;
}

/* A descriptor that only names the inode (O_PATH). */
static const struct file_ops path_file_ops = { 0 };

struct file *inode_open(struct inode *i, u32 flags, const char *path, int *err)
{
	struct file *f;

	*err = -ENOMEM;
	if (flags & O_PATH)
		f = file_alloc(&path_file_ops, NULL, flags);
	else if (i->ops && i->ops->open)
		f = i->ops->open(i, flags, err);
	else
		f = inode_open_type(i, flags, err);
	if (!f)
		return NULL;
	f->flags = flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
	if (!f->inode)
		f->inode = inode_get(i);
	if (path && !f->path)
		f->path = kstrdup(path);
	*err = 0;
	return f;
}
