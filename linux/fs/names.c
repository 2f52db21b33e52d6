// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls that make, remove and move names. Each walks first (fs_lock for reading) and then changes under
 * fs_lock for writing, checking again what may have changed in between.
 */
#include "kernel/debug/print.h"
#include "linux/fs/vfs.h"

static u32 masked(u32 mode)
{
	return mode & 07777 & ~current_task()->proc->umask;
}

/* Put a new inode where uname leads; consumes the reference to i (NULL: -ENOMEM). */
static s64 make_name(int dirfd, u64 uname, struct inode *i)
{
	struct path p;
	int err;

	if (!i)
		return -ENOMEM;
	err = path_walk_user(dirfd, uname, WALK_CREATE, &p);
	if (err)
		goto out;
	if (p.inode || !p.dir)
		err = -EEXIST;
	else if (p.dir->ops)
		err = -EPERM;		/* /proc */
	else if (p.slash && !inode_is_dir(i))
		err = -ENOENT;
	if (!err) {
		down_write(&fs_lock);
		err = dir_add(p.dir, p.name, i);
		up_write(&fs_lock);
	}
	path_put(&p);
out:
	inode_put(i);
	return err;
}

SYSCALL(mkdirat)
{
	return make_name(a0, a1, inode_alloc(S_IFDIR | masked(a2)));
}

SYSCALL(mknodat)
{
	u32 type = a2 & S_IFMT;
	struct inode *i;

	if (!type)
		type = S_IFREG;
	if (type == S_IFDIR)
		return -EPERM;
	if (type != S_IFREG && type != S_IFCHR && type != S_IFBLK && type != S_IFIFO && type != S_IFSOCK)
		return -EINVAL;
	i = inode_alloc(type | masked(a2));
	if (i && (type == S_IFCHR || type == S_IFBLK))
		i->rdev = (u32)a3;
	return make_name(a0, a1, i);
}

SYSCALL(symlinkat)
{
	struct inode *i;
	int err;
	char *target = path_from_user(a0, &err);

	if (!target)
		return err;
	if (!*target) {
		kfree(target);
		return -ENOENT;
	}
	i = inode_alloc(S_IFLNK | 0777);
	if (i)
		i->target = kstrdup(target);
	kfree(target);
	if (i && !i->target) {
		inode_put(i);
		i = NULL;
	}
	return make_name(a1, a2, i);
}

SYSCALL(linkat)
{
	unsigned flags = (a4 & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0) | (a4 & AT_EMPTY_PATH ? WALK_EMPTY : 0);
	struct inode *i = NULL;
	struct path p;
	int err;

	if (a4 & ~(u64)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = path_walk_user(a0, a1, flags, &p);
	if (err)
		return err;
	if (!p.inode)
		err = -ENOENT;
	else if (inode_is_dir(p.inode) || p.inode->ops)
		err = -EPERM;
	else
		i = inode_get(p.inode);
	path_put(&p);
	return i ? make_name(a2, a3, i) : err;
}

/* fs_lock held for writing: is `i` still what p names? */
static int still_there(const struct path *p)
{
	return p->dir && dir_find(p->dir, p->name) == p->inode ? 0 : -ENOENT;
}

static int unlink_locked(struct path *p, bool dir)
{
	int err = still_there(p);

	if (err)
		return p->dir->ops ? -EPERM : err;
	if (dir && !inode_is_dir(p->inode))
		return -ENOTDIR;
	if (!dir && inode_is_dir(p->inode))
		return -EISDIR;
	if (dir && p->inode->ops)
		return -EBUSY;
	if (dir && !dir_is_empty(p->inode))
		return -ENOTEMPTY;
	dir_remove(p->dir, p->name);
	return 0;
}

SYSCALL(unlinkat)
{
	struct path p;
	int err;

	if (a2 & ~(u64)AT_REMOVEDIR)
		return -EINVAL;
	err = path_walk_user(a0, a1, 0, &p);
	if (err)
		return err;
	if (!p.dir) {
		/* "/", "." and "..": no name to remove */
		err = !(a2 & AT_REMOVEDIR) ? -EISDIR : p.inode == fs_root ? -EBUSY : -EINVAL;
	} else {
		down_write(&fs_lock);
		err = unlink_locked(&p, a2 & AT_REMOVEDIR);
		up_write(&fs_lock);
	}
	path_put(&p);
	return err;
}

/* Is `dir` inside `of` (or the same)? */
static bool is_inside(struct inode *dir, struct inode *of)
{
	for (; dir; dir = dir->parent)
		if (dir == of)
			return true;
	return false;
}

#define RENAME_NOREPLACE	BIT(0)

static int rename_locked(struct path *from, struct path *to, u32 flags)
{
	struct inode *i = from->inode, *old = dir_find(to->dir, to->name);
	bool dir = inode_is_dir(i);
	int err = still_there(from);

	if (err)
		return from->dir->ops ? -EPERM : err;
	if (to->dir->ops || i->ops)
		return -EPERM;
	if (dir && is_inside(to->dir, i))
		return -EINVAL;
	if (old && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (old == i)
		return 0;
	if (old && dir && !inode_is_dir(old))
		return -ENOTDIR;
	if (old && !dir && inode_is_dir(old))
		return -EISDIR;
	if (old && inode_is_dir(old) && !dir_is_empty(old))
		return -ENOTEMPTY;
	if (to->dir != fs_root && !to->dir->parent)
		return -ENOENT;
	if (old)
		dir_remove(to->dir, to->name);
	/* Out first, as a directory has one parent; memory for the new entry was just needed by the old one. */
	inode_get(i);
	dir_remove(from->dir, from->name);
	err = dir_add(to->dir, to->name, i);
	if (err && dir_add(from->dir, from->name, i))
		pr_warn("rename: out of memory, '%s' is gone\n", from->name);
	inode_put(i);
	return err;
}

static s64 do_rename(int fd1, u64 u1, int fd2, u64 u2, u32 flags)
{
	struct path from, to;
	int err;

	if (flags & ~RENAME_NOREPLACE)
		return -EINVAL;
	err = path_walk_user(fd1, u1, 0, &from);
	if (err)
		return err;
	err = path_walk_user(fd2, u2, WALK_CREATE, &to);
	if (err)
		goto out;
	if (!from.dir || !to.dir)
		err = -EBUSY;
	else if (!inode_is_dir(from.inode) && (from.slash || to.slash))
		err = -ENOTDIR;
	if (!err) {
		down_write(&fs_lock);
		err = rename_locked(&from, &to, flags);
		up_write(&fs_lock);
	}
	path_put(&to);
out:
	path_put(&from);
	return err;
}

SYSCALL(renameat)
{
	return do_rename(a0, a1, a2, a3, 0);
}

SYSCALL(renameat2)
{
	return do_rename(a0, a1, a2, a3, a4);
}

static s64 set_cwd(char *path)
{
	struct process *proc = current_task()->proc;
	char *old;

	if (!path)
		return -ENOMEM;
	mutex_lock(&proc->cwd_lock);
	old = proc->cwd;
	proc->cwd = path;
	mutex_unlock(&proc->cwd_lock);
	kfree(old);
	return 0;
}

SYSCALL(chdir)
{
	struct path p;
	s64 r = path_walk_user(AT_FDCWD, a0, WALK_FOLLOW, &p);

	if (r)
		return r;
	r = p.inode && inode_is_dir(p.inode) ? set_cwd(kstrdup(p.full)) : -ENOTDIR;
	path_put(&p);
	return r;
}

SYSCALL(fchdir)
{
	struct file *f = fd_get_any(a0);
	s64 r;

	if (!f)
		return -EBADF;
	r = f->inode && inode_is_dir(f->inode) && f->path ? set_cwd(kstrdup(f->path)) : -ENOTDIR;
	file_put(f);
	return r;
}

SYSCALL(getcwd)
{
	struct process *proc = current_task()->proc;
	char *cwd;
	size_t n;
	s64 r;

	mutex_lock(&proc->cwd_lock);
	cwd = kstrdup(proc->cwd ? proc->cwd : "/");
	mutex_unlock(&proc->cwd_lock);
	if (!cwd)
		return -ENOMEM;
	n = strlen(cwd) + 1;
	if (a1 < n)
		r = -ERANGE;
	else
		r = copy_to_user(a0, cwd, n) ? -EFAULT : (s64)n;
	kfree(cwd);
	return r;
}

/* Everything is mounted from the start: what asks for that once more is told that it worked. */
SYSCALL(mount)
{
	static const char * const known[] = {
		"proc", "sysfs", "tmpfs", "devtmpfs", "devpts", "ramfs", "hugetlbfs", "debugfs", "cgroup2",
	};
	char type[32];
	struct path p;
	unsigned i;
	s64 r;

	r = path_walk_user(AT_FDCWD, a1, WALK_FOLLOW, &p);
	if (r)
		return r;
	r = p.inode && inode_is_dir(p.inode) ? 0 : -ENOTDIR;
	path_put(&p);
	if (r || !a2)
		return r;
	r = strncpy_from_user(type, a2, sizeof(type));
	if (r < 0)
		return r == -EFAULT ? r : -ENODEV;
	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(type, known[i]))
			return 0;
	return -ENODEV;
}

SYSCALL(umount2)
{
	struct path p;
	s64 r = path_walk_user(AT_FDCWD, a0, WALK_FOLLOW, &p);

	if (!r)
		path_put(&p);
	return r;
}
