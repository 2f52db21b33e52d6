// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers that a process has the kernel fill: those of its sockets and pipes. Each process may have a sixteenth of the
 * memory in them, all together a quarter, so that none can take the kernel's memory through its descriptors. No locks:
 * two counters, which are atomic.
 */
#include "kernel/mm/page.h"
#include "linux/process/task.h"

static u64 all_bytes;

static bool charge(u64 *counter, u64 bytes, u64 limit)
{
	if (__atomic_add_fetch(counter, bytes, __ATOMIC_RELAXED) <= limit)
		return true;
	__atomic_sub_fetch(counter, bytes, __ATOMIC_RELAXED);
	return false;
}

static bool charge_both(struct process *p, u64 bytes, unsigned int share)
{
	u64 all = pages_total() << PAGE_SHIFT;

	if (!charge(&p->kbuf_bytes, bytes, all / share))
		return false;
	if (charge(&all_bytes, bytes, all / 4))
		return true;
	__atomic_sub_fetch(&p->kbuf_bytes, bytes, __ATOMIC_RELAXED);
	return false;
}

void kbuf_uncharge(struct process *p, u64 bytes)
{
	__atomic_sub_fetch(&p->kbuf_bytes, bytes, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&all_bytes, bytes, __ATOMIC_RELAXED);
}

bool kbuf_charge(struct process *p, u64 bytes)
{
	return charge_both(p, bytes, KBUF_SHARE);
}

struct process *kbuf_new(u64 bytes, unsigned int share)
{
	struct process *p = current_task()->proc;

	if (!charge_both(p, bytes, share))
		return NULL;
	process_get(p);
	return p;
}

void kbuf_gone(struct process *p, u64 bytes)
{
	if (p)
		kbuf_uncharge(p, bytes);
	process_put(p);
}
