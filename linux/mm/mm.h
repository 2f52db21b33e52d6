// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process's memory: areas (tree by start address) over memory objects, and the page table. Owner: linux/mm/.
 *
 * Locks: mm->lock (rwsem): areas; faults take it for reading, changes for writing. mm->pt_lock (spin): PTE changes.
 * An object's lock is inside mm->lock and outside pt_lock. Notifiers run under mm->lock, outside pt_lock, may sleep.
 */
#pragma once

#include "kernel/lib/tree.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/page.h"
#include "kernel/sched/lock.h"

/* Memory that can be mapped or read as a file: shared anonymous, memfd, ramfs file. Pages by index, present ones counted. */
struct memobj {
	u32 refs;
	u64 size;			/* bytes; accesses past the last page are SIGBUS */
	rwlock_t lock;			/* page index */
	struct tree pages;		/* chunks of 512 pages; memobj.c's own */
	struct mutex resize;		/* truncate against faults */
	u64 pass;			/* of truncation over areas */
	struct list areas;		/* who maps it, for truncation; under areas_lock */
	spinlock_t areas_lock;
	unsigned writable;		/* shared areas that are or may become writable; under areas_lock */
	u64 npages;
	u64 seq;			/* moves before pages that leave the index are unmapped; see memobj_shrink */
	u32 seals;
	bool no_blocks;			/* somebody watches its pages one by one: no new 2 MiB blocks */
};
struct memobj *memobj_create(u64 size);			/* NULL: no memory */
/* Add F_SEAL_* bits: -EBUSY for F_SEAL_WRITE while somebody may write through a mapping. */
int memobj_seal(struct memobj *o, u32 seals);
bool memobj_write_sealed(struct memobj *o);	/* F_SEAL_WRITE or F_SEAL_FUTURE_WRITE */
struct memobj *memobj_get(struct memobj *o);
void memobj_put(struct memobj *o);
/* Page at index with a reference, zero-filled and inserted when create; NULL: hole, or no memory. */
struct page *memobj_page(struct memobj *o, u64 index, bool create);
int memobj_resize(struct memobj *o, u64 size);		/* unmaps what is cut off everywhere; -ENOMEM, -EFBIG */
ssize_t memobj_write(struct memobj *o, u64 pos, const void *buf, size_t n);	/* grows; -ENOMEM */
/* Drop the whole pages inside [pos, pos+len) and unmap them where mapped shared; zero the rest of the range. 0. */
int memobj_punch(struct memobj *o, u64 pos, u64 len);

struct file;
struct area;
struct area_ops {
	/* Page for this offset with a reference, to be mapped as is; -errno becomes SIGBUS (or SIGKILL for -ENOMEM). */
	int (*fault)(struct area *a, u64 offset, bool write, struct page **out);
	void (*close)(struct area *a);
};

struct area {
	struct tree_node node;		/* key: start */
	u64 start, end;
	u32 prot;			/* PROT_* */
	u32 flags;			/* MAP_* as given: MAP_SHARED or MAP_PRIVATE, ... plus AREA_* */
	u64 offset;			/* in obj or file, bytes */
	struct memobj *obj;		/* NULL: private anonymous, or ops */
	struct file *file;		/* for /proc/self/maps and lifetime; may be NULL */
	const struct area_ops *ops;	/* special: run page, vvar */
	void *priv;
	struct mm *mm;
	struct list obj_link;
	struct uffd *uffd;		/* who is asked about faults (linux/mm/uffd.h), for what; NULL: nobody */
	u32 uffd_mode;			/* UFFDIO_REGISTER_MODE_* */
	u64 obj_pass;			/* last memobj.pass that saw it; under obj->areas_lock */
};

/* KVM's view of changes. begin: nothing in [start, end) may be used through other page tables once it returns. */
struct mmu_notifier {
	struct list node;
	void (*begin)(struct mmu_notifier *n, u64 start, u64 end);
	void (*end)(struct mmu_notifier *n, u64 start, u64 end);
	void (*release)(struct mmu_notifier *n);	/* the mm is going away: drop all translations for good */
};

struct mm {
	struct aspace as;
	struct rwsem lock;
	spinlock_t pt_lock;
	struct tree areas;
	struct list notifiers;
	u32 users;			/* processes and open uses; pages live until zero. as.refs keeps the struct */
	u64 brk_start, brk, mmap_top, stack_top;
	u64 rss, total;			/* pages; rss under pt_lock */
	u32 nareas;
	u64 arg_start, arg_end, env_start, env_end;
	bool exiting;
};

struct mm *mm_create(void);
struct mm *mm_fork(struct mm *old);	/* copy-on-write copy; NULL: no memory */
struct mm *mm_get(struct mm *mm);
void mm_put(struct mm *mm);		/* last user: unmap everything, notifiers' release */
struct mm *mm_current(void);

/* mmap proper. addr 0: choose. Returns address or -errno. file's own mmap op was consulted by the caller (sys_mmap). */
struct map_request {
	u64 addr, len, offset;
	u32 prot, flags;
	struct memobj *obj;		/* reference taken by mm_map on success */
	struct file *file;
	const struct area_ops *ops;
	void *priv;
};
s64 mm_map(struct mm *mm, const struct map_request *rq);
int mm_unmap(struct mm *mm, u64 addr, u64 len);
int mm_protect(struct mm *mm, u64 addr, u64 len, u32 prot);

/* Resolve a fault at addr: 0, -EFAULT (SIGSEGV, no area), -EACCES (SIGSEGV, permissions), -EIO (SIGBUS), -ENOMEM. May sleep. access: FAULT_*. */
int mm_fault(struct mm *mm, u64 addr, unsigned access);
/*
 * For stage-2 faults and the guest-memory accessor: fault in and take a reference on the page at addr.
 * *block_ok: addr's whole 2 MiB block is mapped by one contiguous block here with at least the same rights, so that
 * stage 2 may use a block too (page is still the 4 KiB page at addr). *writable: may be mapped for writing now
 * (without a further fault here). The page may be unmapped again at any time: the caller rechecks its notifier's
 * sequence under its own lock before installing it. 0, -EFAULT, -EACCES, -EIO, -ENOMEM.
 */
int mm_pin(struct mm *mm, u64 addr, bool write, struct page **page, bool *writable, bool *block_ok);
/*
 * Fault in the page at addr for a guest, in blocks where possible; afterwards it is in the page table unless it went
 * again. absent: the caller has just seen that nothing is mapped there (it saves a walk, and may be wrong by now).
 * 0; -EINTR: a signal came while somebody else was asked for the page; errors as mm_pin.
 */
int mm_fault_guest(struct mm *mm, u64 addr, bool write, bool absent);
void mm_notifier_add(struct mm *mm, struct mmu_notifier *n);	/* may sleep */
void mm_notifier_del(struct mm *mm, struct mmu_notifier *n);	/* none runs any more on return */

/* Copy to or from another process's memory or the current one's, kernel buffer. Bytes done or -EFAULT. */
ssize_t mm_access(struct mm *mm, u64 addr, void *buf, size_t n, bool write);
struct textbuf;
/* /proc/PID/maps */
void mm_print_maps(struct mm *mm, struct textbuf *t);
