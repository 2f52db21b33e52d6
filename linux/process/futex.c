// SPDX-License-Identifier: GPL-2.0-only
/*
 * Futexes: WAIT, WAKE, REQUEUE, WAKE_OP and their kin; priority inheritance is not there (ENOSYS). A word in memory
 * that processes share is named by its object and offset, any other by its mm and address.
 *
 * Lock: one spinlock a hash bucket; two are taken in the order of their addresses. The word is read under the lock,
 * so that no wake-up falls between the look and the sleep; a page fault there fails (entry.c) and is retried outside.
 */
#include <linux/futex.h>

#include "linux/process/internal.h"

#define BUCKETS		256
#define ROBUST_LIMIT	2048

struct futex_key {
	u64 who, where;
	struct memobj *obj;	/* counted */
};

struct bucket {
	spinlock_t lock;
	struct list waiters;
};

struct futex_wait {
	struct list node;
	struct futex_key key;
	struct bucket *bucket;	/* changes under both buckets' locks */
	struct waitq wait;
	u32 bitset;
	bool woken;
};

static struct bucket buckets[BUCKETS];

void futex_init(void)
{
	unsigned i;

	for (i = 0; i < BUCKETS; i++)
		list_init(&buckets[i].waiters);
}

static struct bucket *bucket_of(const struct futex_key *k)
{
	u64 h = (k->who ^ k->where >> 2) * 0x9e3779b97f4a7c15UL;

	return &buckets[(h ^ k->where * 0xc2b2ae3d27d4eb4fUL) >> 56];
}

static bool key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->who == b->who && a->where == b->where;
}

static void key_put(struct futex_key *k)
{
	if (k->obj)
		memobj_put(k->obj);
	k->obj = NULL;
}

static int key_get(u64 uaddr, bool shared, struct futex_key *k)
{
	struct mm *mm = current_task()->proc->mm;
	struct tree_node *n;
	struct area *a;
	int err = 0;

	if (uaddr % sizeof(u32))
		return -EINVAL;
	if (uaddr >= USER_END)
		return -EFAULT;
	*k = (struct futex_key){ (u64)mm, uaddr, NULL };
	if (!shared)
		return 0;
	down_read(&mm->lock);
	n = tree_floor(&mm->areas, uaddr);
	a = n ? container_of(n, struct area, node) : NULL;
	if (!a || uaddr >= a->end) {
		err = -EFAULT;
	} else if ((a->flags & 1 /* MAP_SHARED */) && a->obj) {
		k->obj = memobj_get(a->obj);
		k->who = (u64)a->obj;
		k->where = a->offset + (uaddr - a->start);
	}
	up_read(&mm->lock);
	return err;
}

static void lock_two(struct bucket *a, struct bucket *b)
{
	if (a > b) {
		struct bucket *t = a;

		a = b;
		b = t;
	}
	spin_lock(&a->lock);
	if (a != b)
		spin_lock(&b->lock);
}

static void unlock_two(struct bucket *a, struct bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

/* Bucket locked. The waiter cannot go away before it has had this lock: see unqueue(). */
static void wake_locked(struct futex_wait *w)
{
	list_del(&w->node);
	WRITE_ONCE(w->woken, true);
	waitq_wake(&w->wait, 0);
}

static int wake_some_locked(struct bucket *b, const struct futex_key *k, int n, u32 bitset)
{
	struct futex_wait *w, *next;
	int count = 0;

	list_for_each_safe(w, next, &b->waiters, node) {
		if (count >= n)
			break;
		if (!key_equal(&w->key, k) || !(w->bitset & bitset))
			continue;
		wake_locked(w);
		count++;
	}
	return count;
}

static s64 futex_wake(u64 uaddr, int n, u32 bitset, bool shared)
{
	struct futex_key k;
	struct bucket *b;
	int count, err;

	if (!bitset)
		return -EINVAL;
	err = key_get(uaddr, shared, &k);
	if (err)
		return err;
	b = bucket_of(&k);
	spin_lock(&b->lock);
	count = wake_some_locked(b, &k, n > 0 ? n : 1, bitset);
	spin_unlock(&b->lock);
	key_put(&k);
	return count;
}

int futex_wake_user(u64 uaddr, int n, bool shared)
{
	return (int)futex_wake(uaddr, n, FUTEX_BITSET_MATCH_ANY, shared);
}

/* True if it was woken; else it is off the queue now. */
static bool unqueue(struct futex_wait *w)
{
	struct bucket *b;
	bool woken;

	for (;;) {
		b = READ_ONCE(w->bucket);
		spin_lock(&b->lock);
		if (b == w->bucket)
			break;
		spin_unlock(&b->lock);
	}
	woken = w->woken;
	if (!woken)
		list_del(&w->node);
	spin_unlock(&b->lock);
	return woken;
}

/* Queue w if the word still has the value: 0, -EAGAIN, -EFAULT. */
static int queue_if_equal(struct futex_wait *w, u64 uaddr, u32 val)
{
	struct bucket *b = w->bucket;
	u32 now;

	for (;;) {
		spin_lock(&b->lock);
		if (!get_user(now, uaddr))
			break;
		spin_unlock(&b->lock);
		if (get_user(now, uaddr))
			return -EFAULT;
	}
	if (now == val)
		list_add_tail(&w->node, &b->waiters);
	spin_unlock(&b->lock);
	return now == val ? 0 : -EAGAIN;
}

/* deadline: clock_ns time, ~0 for none. */
static s64 futex_wait(u64 uaddr, u32 val, u64 deadline, u32 bitset, bool shared)
{
	struct futex_wait w = { .bitset = bitset };
	int err;

	if (!bitset)
		return -EINVAL;
	err = key_get(uaddr, shared, &w.key);
	if (err)
		return err;
	w.bucket = bucket_of(&w.key);
	waitq_init(&w.wait);
	err = queue_if_equal(&w, uaddr, val);
	if (!err) {
		err = wait_event_interruptible_until(&w.wait, READ_ONCE(w.woken), deadline);
		if (unqueue(&w))
			err = 0;
	}
	key_put(&w.key);
	return err;
}

static s64 wait_restart(struct task *t)
{
	u64 *a = t->restart_arg;
	s64 ret = futex_wait(a[0], (u32)a[1], t->restart_ns, (u32)a[2], a[3]);

	if (ret == -EINTR) {
		t->restart_fn = wait_restart;
		ret = -ERESTART_RESTARTBLOCK;
	}
	return ret;
}

static s64 wait_syscall(u64 uaddr, u32 val, u64 deadline, u32 bitset, bool shared)
{
	s64 ret = futex_wait(uaddr, val, deadline, bitset, shared);
	struct task *t = current_task();

	if (ret != -EINTR)
		return ret;
	if (deadline == ~0UL)
		return -ERESTARTSYS;
	t->restart_ns = deadline;
	t->restart_arg[0] = uaddr;
	t->restart_arg[1] = val;
	t->restart_arg[2] = bitset;
	t->restart_arg[3] = shared;
	t->restart_fn = wait_restart;
	return -ERESTART_RESTARTBLOCK;
}

static void requeue_locked(struct futex_wait *w, struct bucket *to, const struct futex_key *k)
{
	struct memobj *old = w->key.obj;

	list_del(&w->node);
	w->key = *k;
	if (k->obj)
		memobj_get(k->obj);
	w->bucket = to;
	list_add_tail(&w->node, &to->waiters);
	/* Never the last reference: the caller holds one through the key it looked up. */
	if (old)
		memobj_put(old);
}

static s64 requeue_all(struct futex_key *from, struct futex_key *to, u64 uaddr, int wake, int move, const u32 *expect)
{
	struct bucket *a = bucket_of(from), *b = bucket_of(to);
	struct futex_wait *w, *next;
	int woken, moved = 0;
	u32 now;

	for (;;) {
		lock_two(a, b);
		if (!expect || !get_user(now, uaddr))
			break;
		unlock_two(a, b);
		if (get_user(now, uaddr))
			return -EFAULT;
	}
	if (expect && now != *expect) {
		unlock_two(a, b);
		return -EAGAIN;
	}
	woken = wake > 0 ? wake_some_locked(a, from, wake, ~0U) : 0;
	list_for_each_safe(w, next, &a->waiters, node) {
		if (moved >= move || key_equal(from, to))
			break;
		if (!key_equal(&w->key, from))
			continue;
		requeue_locked(w, b, to);
		moved++;
	}
	unlock_two(a, b);
	return expect ? woken + moved : woken;
}

static s64 futex_requeue(u64 uaddr, int wake, int move, u64 uaddr2, const u32 *expect, bool shared)
{
	struct futex_key from, to;
	s64 ret;

	if (wake < 0 || move < 0)
		return -EINVAL;
	ret = key_get(uaddr, shared, &from);
	if (ret)
		return ret;
	ret = key_get(uaddr2, shared, &to);
	if (!ret) {
		ret = requeue_all(&from, &to, uaddr, wake, move, expect);
		key_put(&to);
	}
	key_put(&from);
	return ret;
}

struct wake_op {
	unsigned op, cmp;
	s32 oparg, cmparg;
};

static int op_decode(u32 v, struct wake_op *o)
{
	o->op = v >> 28 & 7;
	o->cmp = v >> 24 & 15;
	o->oparg = (s32)(v << 8) >> 20;
	o->cmparg = (s32)(v << 20) >> 20;
	if (v & BIT(31)) {
		if (o->oparg < 0 || o->oparg > 31)
			o->oparg &= 31;
		o->oparg = (s32)(1U << o->oparg);
	}
	return o->op > FUTEX_OP_XOR || o->cmp > FUTEX_OP_CMP_GE ? -ENOSYS : 0;
}

static u32 op_apply(const struct wake_op *o, u32 old)
{
	u32 arg = (u32)o->oparg;

	switch (o->op) {
	case FUTEX_OP_SET:
		return arg;
	case FUTEX_OP_ADD:
		return old + arg;
	case FUTEX_OP_OR:
		return old | arg;
	case FUTEX_OP_ANDN:
		return old & ~arg;
	default:
		return old ^ arg;
	}
}

static bool op_compare(const struct wake_op *o, s32 old)
{
	switch (o->cmp) {
	case FUTEX_OP_CMP_EQ:
		return old == o->cmparg;
	case FUTEX_OP_CMP_NE:
		return old != o->cmparg;
	case FUTEX_OP_CMP_LT:
		return old < o->cmparg;
	case FUTEX_OP_CMP_GE:
		return old >= o->cmparg;
	case FUTEX_OP_CMP_LE:
		return old <= o->cmparg;
	default:
		return old > o->cmparg;
	}
}

static int op_on_user(const struct wake_op *o, u64 uaddr, u32 *old)
{
	u32 seen;

	if (get_user(*old, uaddr))
		return -EFAULT;
	for (;;) {
		if (cmpxchg_user32(uaddr, *old, op_apply(o, *old), &seen))
			return -EFAULT;
		if (seen == *old)
			return 0;
		*old = seen;
	}
}

/* Make the word's page present and writable without changing it. */
static int touch_user(u64 uaddr)
{
	u32 v, seen;

	if (get_user(v, uaddr))
		return -EFAULT;
	return cmpxchg_user32(uaddr, v, v, &seen);
}

static s64 futex_wake_op(u64 uaddr, int n, int n2, u64 uaddr2, u32 encoded, bool shared)
{
	struct futex_key k1, k2;
	struct bucket *a, *b;
	struct wake_op o;
	s64 ret = op_decode(encoded, &o);
	u32 old;

	if (!ret)
		ret = key_get(uaddr, shared, &k1);
	if (ret)
		return ret;
	ret = key_get(uaddr2, shared, &k2);
	if (ret)
		goto out;
	a = bucket_of(&k1);
	b = bucket_of(&k2);
	for (;;) {
		lock_two(a, b);
		if (!op_on_user(&o, uaddr2, &old))
			break;
		unlock_two(a, b);
		if (touch_user(uaddr2)) {
			ret = -EFAULT;
			goto out2;
		}
	}
	/* As FUTEX_WAKE: a count below one wakes one. */
	ret = wake_some_locked(a, &k1, MAX(n, 1), ~0U);
	if (op_compare(&o, (s32)old))
		ret += wake_some_locked(b, &k2, MAX(n2, 1), ~0U);
	unlock_two(a, b);
out2:
	key_put(&k2);
out:
	key_put(&k1);
	return ret;
}

static int timeout_get(u64 uaddr, int cmd, bool realtime, u64 *deadline)
{
	u64 now = clock_ns(), ns;
	int err;

	*deadline = ~0UL;
	if (!uaddr)
		return 0;
	err = kspec_get(uaddr, &ns);
	if (err)
		return err;
	if (cmd == FUTEX_WAIT) {
		*deadline = ns > ~0UL - 1 - now ? ~0UL - 1 : now + ns;
	} else if (realtime) {
		u64 off = clock_realtime_offset_ns();

		*deadline = ns > off ? ns - off : 0;
	} else {
		*deadline = ns;
	}
	if (*deadline == ~0UL)
		*deadline = ~0UL - 1;
	return 0;
}

SYSCALL(futex)
{
	int cmd = (int)a1 & FUTEX_CMD_MASK, err;
	bool shared = !((int)a1 & FUTEX_PRIVATE_FLAG), realtime = (int)a1 & FUTEX_CLOCK_REALTIME;
	u32 val = (u32)a2, val3 = (u32)a5;
	u64 deadline;

	if (realtime && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_WAIT)
		return -ENOSYS;
	switch (cmd) {
	case FUTEX_WAIT:
		val3 = FUTEX_BITSET_MATCH_ANY;
		/* fall through */
	case FUTEX_WAIT_BITSET:
		err = timeout_get(a3, cmd, realtime, &deadline);
		return err ? err : wait_syscall(a0, val, deadline, val3, shared);
	case FUTEX_WAKE:
		return futex_wake(a0, (int)val, FUTEX_BITSET_MATCH_ANY, shared);
	case FUTEX_WAKE_BITSET:
		return futex_wake(a0, (int)val, val3, shared);
	case FUTEX_REQUEUE:
		return futex_requeue(a0, (int)val, (int)a3, a4, NULL, shared);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(a0, (int)val, (int)a3, a4, &val3, shared);
	case FUTEX_WAKE_OP:
		return futex_wake_op(a0, (int)val, (int)a3, a4, val3, shared);
	default:
		return -ENOSYS;
	}
}

/* ---- robust lists ---- */

static void robust_one(struct task *t, u64 uaddr, bool pending)
{
	u32 val, new, seen;

	if (uaddr % sizeof(u32) || get_user(val, uaddr))
		return;
	for (;;) {
		if ((val & FUTEX_TID_MASK) != (u32)t->tid) {
			/* The owner let go, but died before it could wake the next. */
			if (pending && !val)
				futex_wake_user(uaddr, 1, true);
			return;
		}
		new = (val & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
		if (cmpxchg_user32(uaddr, val, new, &seen))
			return;
		if (seen == val)
			break;
		val = seen;
	}
	if (val & FUTEX_WAITERS)
		futex_wake_user(uaddr, 1, true);
}

void robust_list_exit(struct task *t)
{
	struct robust_list_head head;
	u64 entry, next, end = t->robust_list, pending;
	unsigned limit;

	t->robust_list = 0;
	if (!end || get_user(head, end))
		return;
	pending = (u64)head.list_op_pending & ~1UL;
	entry = (u64)head.list.next;
	for (limit = 0; (entry & ~1UL) != end && limit < ROBUST_LIMIT; limit++) {
		if (get_user(next, entry & ~1UL))
			next = end;
		if ((entry & ~1UL) != pending)
			robust_one(t, (entry & ~1UL) + (u64)head.futex_offset, false);
		entry = next;
	}
	if (pending)
		robust_one(t, pending + (u64)head.futex_offset, true);
}

SYSCALL(set_robust_list)
{
	if (a1 != sizeof(struct robust_list_head))
		return -EINVAL;
	current_task()->robust_list = a0;
	return 0;
}

SYSCALL(get_robust_list)
{
	u64 flags, head = 0, len = sizeof(struct robust_list_head);
	struct task *t;

	flags = spin_lock_irqsave(&tasklist_lock);
	t = a0 ? task_find_locked((int)a0) : current_task();
	if (t)
		head = t->robust_list;
	spin_unlock_irqrestore(&tasklist_lock, flags);
	if (!t)
		return -ESRCH;
	if (put_user(head, a1) || put_user(len, a2))
		return -EFAULT;
	return 0;
}
