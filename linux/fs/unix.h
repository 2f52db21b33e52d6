// SPDX-License-Identifier: GPL-2.0-only
/*
 * AF_UNIX stream sockets: the objects (unix.c), their messages (unix_msg.c) and the system calls (socket.c).
 *
 * Locks: unix_lock (mutex): states, peers, names, queues of connections. sock->lock (mutex), inside it: the bytes and
 * descriptors a socket has received. Two sockets' locks are never held together.
 */
#pragma once

#include "linux/fs/vfs.h"

#define UNIX_PATH	108
#define UNIX_BUF	65536UL
#define UNIX_BACKLOG	128
#define UNIX_MAX_FDS	64
#define UNIX_INFLIGHT	16384	/* descriptors sent and not received, of all sockets: nobody's table counts them */

enum usock_state { USOCK_NEW, USOCK_LISTEN, USOCK_CONNECTED };

struct unix_addr {
	u16 family;
	char path[UNIX_PATH];
};

/* Descriptors that travel with the byte at pos. */
struct unix_rights {
	struct list node;
	u64 pos;
	unsigned n;
	struct file *files[];
};

struct usock {
	u32 refs;
	enum usock_state state;
	bool closed;			/* its file has gone */
	bool shut_rd, shut_wr;
	struct usock *peer;		/* counted; stays after the peer has closed */
	struct inode *inode;		/* bound to a path */
	struct unix_addr addr;
	unsigned addr_len;		/* 0: no name */
	struct list abstract;		/* bound to a name that begins with NUL */
	struct list pending, pending_link;	/* connections not yet accepted */
	unsigned npending, backlog;
	int pid;			/* who made or connected it: SO_PEERCRED */
	struct process *payer;		/* whom buf is charged to */
	struct waitq rd, wr;
	/* received */
	struct mutex lock;
	char *buf;
	u64 head, tail;
	struct list rights;
};

extern u32 unix_inflight;		/* atomic */
extern struct mutex unix_lock;
extern const struct file_ops usock_ops;

struct usock *usock_alloc(void);
void usock_put(struct usock *s);
void usock_join(struct usock *a, struct usock *b);	/* unix_lock held; both new: a connected pair */
struct usock *usock_peer(struct usock *s);		/* reference or NULL */
int usock_bind(struct usock *s, const struct unix_addr *addr, unsigned len);
int usock_connect(struct usock *s, const struct unix_addr *addr, unsigned len, bool wait);
struct usock *usock_accept(struct usock *s, bool wait, int *err);
/* Data, with descriptors (rights taken over on success). Bytes or -errno. */
ssize_t usock_send(struct usock *s, struct iobuf *b, struct unix_rights *r, bool wait);
ssize_t usock_recv(struct usock *s, struct iobuf *b, struct unix_rights **r, bool wait, bool peek);
void unix_rights_free(struct unix_rights *r);
s64 usock_sendmsg(struct file *f, u64 umsg, u32 flags);
s64 usock_recvmsg(struct file *f, u64 umsg, u32 flags);
int unix_addr_put(const struct usock *s, u64 uaddr, u64 ulen);	/* as getsockname; uaddr 0: nothing */
