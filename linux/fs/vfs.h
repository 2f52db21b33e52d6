// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the files of linux/fs/ share: inodes, path walks, directory listings, poll tables, text files.
 *
 * Locks: fs_lock (rwsem): names, parents and link counts, of the whole tree; a walk holds it for reading. inode->lock
 * (mutex): contents and size of a regular file; inside file->pos_lock. inode_put never takes fs_lock, so files may
 * be dropped under mm->lock.
 */
#pragma once

#include <asm/errno.h>
#include <asm/fcntl.h>
#include <asm/poll.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "kernel/lib/string.h"
#include "kernel/lib/tree.h"
#include "kernel/mm/page.h"
#include "kernel/mm/uaccess.h"
#include "kernel/sched/timer.h"
#include "linux/fs/file.h"
#include "linux/process/task.h"
#include "linux/syscall.h"

#define PATH_SIZE	4096	/* with the NUL */
#define NAME_LEN	255
#define MAX_RW		0x7ffff000UL	/* what one read or write may transfer */
#define NSEC		1000000000UL
#define MAX_FILE	(1UL << 47)	/* bytes in a regular file */

struct inode;
struct dirsink;
struct pipe;

/* Behaviour of inodes that are not plain RAM files; NULL members mean the plain behaviour. */
struct inode_ops {
	/* Called when a directory has no such entry of its own: 0 and a reference, or -errno. fs_lock held for reading. */
	int (*lookup)(struct inode *dir, const char *name, struct inode **out);
	/* Entries beyond a directory's own; *pos is the callee's, from 0. */
	void (*readdir)(struct inode *dir, u64 *pos, struct dirsink *s);
	int (*readlink)(struct inode *i, char *buf, size_t size);	/* length or -errno */
	struct file *(*follow)(struct inode *i);	/* a link that stands for an open file: reference or NULL */
	struct file *(*open)(struct inode *i, u32 flags, int *err);
	void (*free)(struct inode *i);
};

struct dirent;
struct inode {
	u32 refs;
	u32 mode, nlink, uid, gid;
	u64 ino, rdev;
	u64 atime, mtime, ctime;	/* ns since the epoch */
	const struct inode_ops *ops;
	struct mutex lock;
	struct memobj *obj;		/* regular file */
	bool sealable;			/* memfd */
	char *target;			/* symlink */
	struct inode *parent;		/* directory: counted; NULL once removed, and for the root */
	struct tree names;		/* directory: by hash of the name */
	struct list order;		/* directory: in the order of creation, for getdents */
	u64 next_cookie;
	struct pipe *fifo;
	void *sock;			/* bound UNIX socket, linux/fs/unix.c's */
	void *priv;			/* of ops */
	u64 priv2;
};

extern struct rwsem fs_lock;
extern struct inode *fs_root;

struct inode *inode_alloc(u32 mode);		/* one reference, nlink 0; NULL: no memory */
struct inode *inode_get(struct inode *i);
void inode_put(struct inode *i);		/* NULL is fine */
u64 now_realtime(void);				/* ns since the epoch */
static inline bool inode_is_dir(const struct inode *i) { return (i->mode & S_IFMT) == S_IFDIR; }
static inline bool inode_is_link(const struct inode *i) { return (i->mode & S_IFMT) == S_IFLNK; }
static inline bool inode_is_reg(const struct inode *i) { return (i->mode & S_IFMT) == S_IFREG; }
static inline bool inode_is_fifo(const struct inode *i) { return (i->mode & S_IFMT) == S_IFIFO; }

/* Names; fs_lock held for writing (dir_find: for reading). Lookup results carry no reference. */
struct inode *dir_find(struct inode *dir, const char *name);
int dir_add(struct inode *dir, const char *name, struct inode *i);	/* takes its own reference; -EEXIST, -ENOMEM, -ENOENT */
void dir_remove(struct inode *dir, const char *name);
bool dir_is_empty(struct inode *dir);
/* Entry by name, static or dynamic, with a reference; fs_lock held for reading. */
int dir_lookup(struct inode *dir, const char *name, struct inode **out);

/* getdents: a kernel buffer of linux_dirent64 records. */
struct dirsink {
	char *buf;
	size_t size, used;
	bool full;
};
bool dirsink_add(struct dirsink *s, u64 ino, u64 next, u32 mode, const char *name);

/* Open an inode: a new file (reference to the inode taken) or NULL and *err. path may be NULL. May block (FIFOs). */
struct file *inode_open(struct inode *i, u32 flags, const char *path, int *err);
extern const struct file_ops reg_file_ops;
int inode_truncate(struct inode *i, u64 size);	/* regular files: seals respected */
/* A file on a new, nameless regular inode (memfd, O_TMPFILE). */
struct file *file_nameless(const char *path, u32 mode, u32 flags);

/* Path walks. */
#define WALK_FOLLOW	BIT(0)		/* follow a symlink at the end */
#define WALK_CREATE	BIT(1)		/* the last component may be missing: inode NULL */
#define WALK_EMPTY	BIT(2)		/* "" stands for dirfd itself */

struct path {
	struct inode *inode;		/* NULL: missing, or magic without an inode */
	struct inode *dir;		/* where name is; NULL: "/", ".", "..", "" and magic links */
	char name[NAME_LEN + 1];
	bool slash;			/* a trailing slash was there */
	char *full;			/* absolute, symlinks resolved; PATH_SIZE bytes */
	struct file *magic;		/* the end was /proc/self/fd/N */
};
int path_walk(int dirfd, const char *name, unsigned flags, struct path *p);
int path_walk_user(int dirfd, u64 uname, unsigned flags, struct path *p);
void path_put(struct path *p);
char *path_from_user(u64 uname, int *err);	/* kmalloc'd; "" allowed */
struct file *do_open(int dirfd, const char *name, u32 flags, u32 mode, int *err);
/* Kernel's own tree building at boot: makes missing directories; replaces nothing. 0, -EEXIST ... */
int fs_make(const char *path, struct inode *i);
int fs_mkdirs(const char *path, bool last);	/* last: the last component too */

/* poll */
struct poll_table {
	void (*add)(struct poll_table *pt, struct file *f, struct waitq *q);
};
u32 file_poll(struct file *f, struct poll_table *pt);
void epoll_file_gone(struct file *f);		/* before a file's release */

/* Text files. */
struct textbuf {
	char *p;
	size_t len, cap;
	bool failed;
};
void text_free(struct textbuf *t);
typedef int (*text_show_fn)(struct textbuf *t, void *arg);
/* A read-only text file, made anew when read from its start; gone(arg) at the end (may be NULL). */
struct file *text_file(text_show_fn show, void *arg, void (*gone)(void *arg), int *err);

/* Pipes, shared with FIFOs and splices. */
struct file *fifo_open(struct inode *i, u32 flags, int *err);
void pipe_free_inode(struct inode *i);

/* fdtable.c, for /proc and fcntl */
struct file *fdtable_file(struct fdtable *t, int fd);	/* reference or NULL */
int fdtable_next(struct fdtable *t, int fd);		/* smallest open descriptor >= fd, or -1 */
int fd_install_from(struct file *f, bool cloexec, int min);
int fd_replace(int fd, struct file *f, bool cloexec);	/* dup3; takes its own reference */
int fd_flags(int fd, int set);				/* FD_CLOEXEC: set -1 reads; -EBADF */
int fd_close_range(unsigned first, unsigned last, bool only_cloexec);

/* setup pieces called by fs_init */
void dev_init(void);
void proc_init(void);
void sysfs_init(void);
void tty_init(void);
int initrd_unpack(const u8 *p, size_t n);

static inline s64 restartable(s64 r)
{
	return r == -EINTR ? -ERESTARTSYS : r;
}

/* struct __kernel_timespec from a process to ns, saturating; 0, -EFAULT or -EINVAL. */
int timespec_from_user(u64 uaddr, u64 *ns);
int timespec_to_user(u64 uaddr, u64 ns);
