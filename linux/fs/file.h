// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open files and descriptor tables. Owner: linux/fs/. Locks: docs/locking.md; the table's spinlock only protects the
 * table, lookups take a reference. File operations may sleep.
 */
#pragma once

#include "kernel/sched/lock.h"
#include "kernel/sched/rcu.h"
#include "linux/mm/mm.h"

/* Where data goes to or comes from: a user range, or a kernel buffer (exec, the cpio unpacker). Advances. */
struct iobuf {
	bool user;
	u64 addr;
	size_t len;		/* left */
};
int iobuf_put(struct iobuf *b, const void *src, size_t n);	/* copy n bytes out; -EFAULT. n <= len */
int iobuf_get(struct iobuf *b, void *dst, size_t n);
/* As many of n bytes as the range takes or has: where a hole in it is no reason to lose what came before. n <= len. */
size_t iobuf_put_part(struct iobuf *b, const void *src, size_t n);
size_t iobuf_get_part(struct iobuf *b, void *dst, size_t n);
static inline struct iobuf iobuf_kernel(void *p, size_t n) { return (struct iobuf){ false, (u64)p, n }; }
static inline struct iobuf iobuf_user(u64 addr, size_t n) { return (struct iobuf){ true, addr, n }; }

struct file;
struct inode;
struct poll_table;	/* collects wait queues for poll, select, epoll */
void poll_add(struct file *f, struct waitq *q, struct poll_table *pt);	/* pt may be NULL: only asks for the state */

struct file_ops {
	const char *name;	/* "anon_inode:[eventfd]" and the like for /proc/self/fd; NULL: the path */
	/* pos: offset to use and advance; for streams ignored. Bytes or -errno; -EINTR from waits becomes restartable in read/write syscalls. */
	ssize_t (*read)(struct file *f, struct iobuf *b, u64 *pos);
	ssize_t (*write)(struct file *f, struct iobuf *b, u64 *pos);
	s64 (*lseek)(struct file *f, s64 off, int whence);	/* NULL: -ESPIPE */
	s64 (*ioctl)(struct file *f, u32 cmd, u64 arg);		/* NULL: -ENOTTY */
	u32 (*poll)(struct file *f, struct poll_table *pt);	/* POLL* bits; NULL: always readable and writable */
	/* Fill rq->obj or rq->ops/priv for this mapping (prot, flags, offset, len given); NULL: -ENODEV. */
	int (*mmap)(struct file *f, struct map_request *rq);
	int (*getdents)(struct file *f, struct iobuf *b);
	int (*truncate)(struct file *f, u64 size);
	void (*release)(struct file *f);			/* last reference; may sleep */
	void (*close)(struct file *f);				/* one descriptor closed (not last); may be NULL */
	u32 mode;						/* S_IF* and permissions for fstat when there is no inode */
};

struct file {
	u32 refs;
	u32 flags;			/* O_* */
	u64 number;			/* of files without inode: st_ino */
	const struct file_ops *ops;
	void *priv;
	struct inode *inode;		/* NULL: anonymous */
	u64 pos;
	struct mutex pos_lock;
	struct waitq epolls;		/* linux/fs/epoll.c's */
	char *path;			/* absolute, may be NULL */
	bool epolled;			/* has ever been in an epoll */
	struct rcu_head rcu;
};

struct file *file_alloc(const struct file_ops *ops, void *priv, u32 flags);	/* one reference; NULL: no memory */
struct file *file_get(struct file *f);
void file_put(struct file *f);

/* The current process's descriptors. */
struct file *fd_get(int fd);			/* with a reference, or NULL (-EBADF), also for O_PATH */
struct file *fd_get_any(int fd);		/* with a reference, or NULL (-EBADF): calls on what a descriptor names */
int fd_install(struct file *f, bool cloexec);	/* consumes the reference on success; fd, -EMFILE, -ENOMEM */
int fd_room(void);				/* 0, or -EMFILE: is there one to be had now? For the order of errors */
int fd_close(int fd);
/* Take @f back, which has just been installed as @fd, unless somebody has put another file there. */
void fd_withdraw(int fd, struct file *f);
/* Lowest-level way to make an anonymous file and a descriptor: fd or -errno; on error priv is the caller's again. */
int anon_fd(const struct file_ops *ops, void *priv, u32 flags);

struct fdtable;
struct fdtable *fdtable_create(void);
struct fdtable *fdtable_fork(struct fdtable *t);
struct fdtable *fdtable_get(struct fdtable *t);
void fdtable_put(struct fdtable *t);
void fdtable_exec(struct fdtable *t);		/* close-on-exec */

/* Paths. dirfd AT_FDCWD uses the task's cwd. Kernel strings. */
struct file *file_open(const char *path, u32 flags, u32 mode, int *err);	/* relative to cwd; NULL and *err */
ssize_t file_pread(struct file *f, void *buf, size_t n, u64 pos);		/* kernel buffer */

/* Character devices and pseudo files are registered by name; open returns a file or NULL with *err. */
typedef struct file *(*dev_open_fn)(u32 flags, int *err);
int dev_register(const char *name /* in /dev */, u32 major, u32 minor, dev_open_fn open);
/* A read-only text file under /proc or /sys (path from the root); show appends to a growing buffer. */
struct textbuf;
void text_printf(struct textbuf *t, const char *fmt, ...) __printf(2, 3);
int proc_register(const char *path, int (*show)(struct textbuf *t, void *arg), void *arg);
/* One that takes a decimal number too; store returns 0 or what the writer gets. */
int proc_register_number(const char *path, int (*show)(struct textbuf *t, void *arg), int (*store)(s64 value));

/* eventfd for the kernel's own use (irqfd, ioeventfd). */
struct eventfd;
struct eventfd *eventfd_from_file(struct file *f);	/* NULL: not one. Lifetime: hold the file, or a reference: */
void eventfd_get(struct eventfd *e);			/* its queue hears POLLHUP when the last file of it is gone */
void eventfd_put(struct eventfd *e);
void eventfd_signal(struct eventfd *e, u64 n);		/* any context */
struct waitq *eventfd_waitq(struct eventfd *e);
u64 eventfd_take(struct eventfd *e);			/* reset the counter (not semaphores); any context, queue lock may be held */

/* linux/fs/init.c: mount the RAM file system, unpack the initrd, create devices and /proc. */
int fs_init(const void *initrd, size_t size);
