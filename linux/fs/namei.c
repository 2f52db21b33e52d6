// SPDX-License-Identifier: GPL-2.0-only
/*
 * Path walks. The walk keeps, besides the inode it stands on, the absolute path of it in text (symlinks resolved):
 * that is what getcwd, /proc/self/fd and relative walks use. A directory renamed under a process's feet leaves that
 * process with a stale path. Locks: fs_lock for reading over the whole walk.
 */
#include "kernel/debug/print.h"
#include "linux/fs/vfs.h"

#define MAX_LINKS	40

struct walk {
	struct inode *cur;		/* reference */
	char *full;			/* PATH_SIZE: text of cur */
	char *rest;			/* PATH_SIZE: still to go */
	char *at;			/* in rest */
	unsigned links;
	unsigned flags;
	struct path *out;
};

static void walk_move(struct walk *w, struct inode *to)
{
	inode_put(w->cur);
	w->cur = to;
}

static void walk_to_root(struct walk *w)
{
	walk_move(w, inode_get(fs_root));
	strlcpy(w->full, "/", PATH_SIZE);
}

static int full_append(char *full, const char *name)
{
	size_t n = strlen(full), len = strlen(name);

	if (n + 1 + len + 1 > PATH_SIZE)
		return -ENAMETOOLONG;
	if (n > 1)
		full[n++] = '/';
	memcpy(full + n, name, len + 1);
	return 0;
}

static int walk_dotdot(struct walk *w)
{
	char *slash = strrchr(w->full, '/');

	if (w->cur == fs_root)
		return 0;
	if (!w->cur->parent)
		return -ENOENT;
	walk_move(w, inode_get(w->cur->parent));
	if (slash == w->full)
		slash++;
	if (slash)
		*slash = 0;
	return 0;
}

/* Put a symlink's target in front of what is left to go. */
static int walk_link(struct walk *w, struct inode *link)
{
	char *buf;
	int len;

	if (++w->links > MAX_LINKS)
		return -ELOOP;
	buf = kmalloc(PATH_SIZE);
	if (!buf)
		return -ENOMEM;
	if (link->ops && link->ops->readlink) {
		len = link->ops->readlink(link, buf, PATH_SIZE - 1);
	} else {
		len = strlen(link->target);
		memcpy(buf, link->target, len);
	}
	if (len > 0 && len + 1 + strlen(w->at) + 1 > PATH_SIZE)
		len = -ENAMETOOLONG;
	if (len == 0)
		len = -ENOENT;
	if (len < 0) {
		kfree(buf);
		return len;
	}
	buf[len] = '/';
	/* No trailing slash where there was none: it would ask for a directory. */
	memcpy(buf + len + (*w->at ? 1 : 0), w->at, strlen(w->at) + 1);
	kfree(w->rest);
	w->rest = w->at = buf;
	if (buf[0] == '/')
		walk_to_root(w);
	return 0;
}

/* Go on from an open file that a magic link stands for. 1: that was the end. */
static int walk_magic(struct walk *w, struct inode *link, bool last)
{
	struct file *f = link->ops->follow(link);

	if (!f)
		return -ENOENT;
	if (last) {
		w->out->magic = f;
		walk_move(w, f->inode ? inode_get(f->inode) : NULL);
		strlcpy(w->full, f->path ? f->path : "/", PATH_SIZE);
		return 1;
	}
	if (!f->inode) {
		file_put(f);
		return -ENOTDIR;
	}
	walk_move(w, inode_get(f->inode));
	strlcpy(w->full, f->path ? f->path : "/", PATH_SIZE);
	file_put(f);
	return 0;
}

/* Take the next component into name: its length, 0 at the end. */
static int walk_next(struct walk *w, char *name, bool *last)
{
	const char *end;
	size_t len;

	while (*w->at == '/') {
		w->out->slash = true;
		w->at++;
	}
	if (!*w->at)
		return 0;
	w->out->slash = false;
	end = strchr(w->at, '/');
	len = end ? (size_t)(end - w->at) : strlen(w->at);
	if (len > NAME_LEN)
		return -ENAMETOOLONG;
	memcpy(name, w->at, len);
	name[len] = 0;
	w->at += len;
	for (end = w->at; *end == '/'; end++)
		;
	*last = !*end;
	return len;
}

static int walk_step(struct walk *w, const char *name, bool last)
{
	struct inode *child = NULL;
	struct path *p = w->out;
	int err;

	if (!inode_is_dir(w->cur))
		return -ENOTDIR;
	inode_put(p->dir);
	p->dir = NULL;
	if (!strcmp(name, "."))
		return 0;
	if (!strcmp(name, ".."))
		return walk_dotdot(w);
	err = dir_lookup(w->cur, name, &child);
	if (err && (err != -ENOENT || !last || !(w->flags & WALK_CREATE)))
		return err;
	if (child && inode_is_link(child) && (!last || *w->at || (w->flags & WALK_FOLLOW))) {
		if (child->ops && child->ops->follow)
			err = walk_magic(w, child, last);
		else
			err = walk_link(w, child);
		inode_put(child);
		return err;
	}
	err = full_append(w->full, name);
	if (err) {
		inode_put(child);
		return err;
	}
	if (last) {
		p->dir = w->cur;
		strlcpy(p->name, name, sizeof(p->name));
		w->cur = NULL;
	}
	walk_move(w, child);
	return last ? 1 : 0;
}

static int walk_loop(struct walk *w)
{
	char name[NAME_LEN + 1];
	bool last = false;
	int n;

	for (;;) {
		n = walk_next(w, name, &last);
		if (n <= 0)
			break;
		n = walk_step(w, name, last);
		if (n < 0)
			return n;
		if (n == 1) {
			/* Only slashes are left. */
			n = walk_next(w, name, &last);
			ASSERT(n == 0);
			break;
		}
	}
	if (n < 0)
		return n;
	if (w->out->slash && w->cur && !inode_is_dir(w->cur))
		return -ENOTDIR;
	return 0;
}

/* Where a walk begins. */
static int walk_start(struct walk *w, int dirfd, const char *name)
{
	struct process *proc;
	struct task *task;
	struct file *f;

	task = current_thread->task;
	if (name[0] == '/' || (dirfd == AT_FDCWD && !task)) {
		walk_to_root(w);
		return 0;
	}
	if (dirfd == AT_FDCWD) {
		/* The current directory is kept as text: walk it first. */
		proc = task->proc;
		mutex_lock(&proc->cwd_lock);
		strlcpy(w->rest, proc->cwd ? proc->cwd : "/", PATH_SIZE);
		mutex_unlock(&proc->cwd_lock);
		if (strlen(w->rest) + 1 + strlen(name) + 1 > PATH_SIZE)
			return -ENAMETOOLONG;
		walk_to_root(w);
		strlcpy(w->rest + strlen(w->rest), "/", 2);
		strlcpy(w->rest + strlen(w->rest), name, PATH_SIZE - strlen(w->rest));
		return 0;
	}
	f = fd_get_any(dirfd);
	if (!f)
		return -EBADF;
	if (!f->inode || !inode_is_dir(f->inode)) {
		file_put(f);
		return -ENOTDIR;
	}
	walk_move(w, inode_get(f->inode));
	strlcpy(w->full, f->path ? f->path : "/", PATH_SIZE);
	file_put(f);
	return 0;
}

/* AT_EMPTY_PATH: dirfd itself. */
static int walk_self(int dirfd, struct path *p)
{
	struct file *f = fd_get_any(dirfd);

	if (!f)
		return -EBADF;
	p->magic = f;
	p->inode = f->inode ? inode_get(f->inode) : NULL;
	strlcpy(p->full, f->path ? f->path : "/", PATH_SIZE);
	return 0;
}

int path_walk(int dirfd, const char *name, unsigned flags, struct path *p)
{
	struct walk w = { .flags = flags, .out = p };
	int err;

	memset(p, 0, sizeof(*p));
	if (!*name && !(flags & WALK_EMPTY))
		return -ENOENT;
	p->full = kmalloc(PATH_SIZE);
	w.full = p->full;
	w.rest = kmalloc(PATH_SIZE);
	if (!w.full || !w.rest) {
		err = -ENOMEM;
		goto out;
	}
	if (!*name && dirfd != AT_FDCWD) {
		err = walk_self(dirfd, p);
		goto out;
	}
	w.full[0] = w.rest[0] = 0;
	down_read(&fs_lock);
	err = walk_start(&w, dirfd, name);
	if (!err && !w.rest[0] && strlcpy(w.rest, name, PATH_SIZE) >= PATH_SIZE)
		err = -ENAMETOOLONG;
	w.at = w.rest;
	if (!err)
		err = walk_loop(&w);
	up_read(&fs_lock);
	p->inode = w.cur;
out:
	kfree(w.rest);
	if (err)
		path_put(p);
	return err;
}

void path_put(struct path *p)
{
	inode_put(p->inode);
	inode_put(p->dir);
	kfree(p->full);
	if (p->magic)
		file_put(p->magic);
	memset(p, 0, sizeof(*p));
}

char *path_from_user(u64 uname, int *err)
{
	char *s = kmalloc(PATH_SIZE);
	ssize_t n;

	*err = -ENOMEM;
	if (!s)
		return NULL;
	n = strncpy_from_user(s, uname, PATH_SIZE);
	if (n < 0) {
		*err = n;
		kfree(s);
		return NULL;
	}
	*err = 0;
	return s;
}

int path_walk_user(int dirfd, u64 uname, unsigned flags, struct path *p)
{
	int err;
	char *s = path_from_user(uname, &err);

	memset(p, 0, sizeof(*p));
	if (!s)
		return err;
	err = path_walk(dirfd, s, flags, p);
	kfree(s);
	return err;
}

int fs_mkdirs(const char *path, bool last)
{
	char *copy = kstrdup(path), *s, save;
	struct inode *i;
	struct path p;
	int err = copy ? 0 : -ENOMEM;

	for (s = copy; copy && !err && *s; ) {
		while (*s == '/')
			s++;
		while (*s && *s != '/')
			s++;
		if (!*s && !last)
			break;
		save = *s;
		*s = 0;
		err = path_walk(AT_FDCWD, copy, WALK_FOLLOW | WALK_CREATE, &p);
		if (!err && !p.inode) {
			i = inode_alloc(S_IFDIR | 0755);
			down_write(&fs_lock);
			err = i ? dir_add(p.dir, p.name, i) : -ENOMEM;
			up_write(&fs_lock);
			inode_put(i);
		}
		path_put(&p);
		*s = save;
	}
	kfree(copy);
	return err;
}

int fs_make(const char *path, struct inode *i)
{
	struct path p;
	int err = fs_mkdirs(path, false);

	if (err)
		return err;
	err = path_walk(AT_FDCWD, path, WALK_CREATE, &p);
	if (err)
		return err;
	if (p.inode || !p.dir) {
		err = -EEXIST;
	} else {
		down_write(&fs_lock);
		err = dir_add(p.dir, p.name, i);
		up_write(&fs_lock);
	}
	path_put(&p);
	return err;
}
