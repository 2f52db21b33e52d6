// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads come and go. A thread's memory is freed after its last reference by RCU, in the rcu thread, so never on the
 * stack that goes away. No locks of its own.
 */
#include "kernel/sched/thread.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/entry.h"
#include "kernel/debug/print.h"
#include "kernel/lib/string.h"
#include "kernel/mm/aspace.h"
#include "kernel/mm/page.h"
#include "kernel/sched/sched.h"

struct thread_alloc {
	struct thread t;
	struct rcu_head rcu;
};

extern char thread_begin[], thread_begin_user[];

static u32 last_id;

enum { CTX_X19 = 0, CTX_X20 = 1, CTX_FP = 10, CTX_LR = 11, CTX_SP = 12 };

void thread_init(struct thread *t, const char *name)
{
	t->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	strlcpy(t->name, name, sizeof(t->name));
	t->state = THREAD_BLOCKED;
	t->refs = 1;
	list_init(&t->switch_hooks);
	list_init(&t->rq_node);
	memset(&t->affinity, 0xff, sizeof(t->affinity));
	fp_state_init(&t->fp, false);
	t->cpu = this_cpu();
}

static struct thread *alloc(const char *name)
{
	struct thread_alloc *a = kzalloc(sizeof(*a));

	if (!a)
		return NULL;
	a->t.stack = vmalloc(THREAD_STACK);
	if (!a->t.stack) {
		kfree(a);
		return NULL;
	}
	thread_init(&a->t, name);
	return &a->t;
}

struct thread *thread_create(const char *name, void (*fn)(void *arg), void *arg)
{
	struct thread *t = alloc(name);

	if (!t)
		return NULL;
	t->ctx[CTX_X19] = (u64)fn;
	t->ctx[CTX_X20] = (u64)arg;
	t->ctx[CTX_LR] = (u64)thread_begin;
	t->ctx[CTX_SP] = (u64)t->stack + THREAD_STACK;
	return t;
}

struct thread *thread_create_user(const char *name, const struct pt_regs *regs, struct aspace *aspace)
{
	struct thread *t = alloc(name);
	struct pt_regs *frame;

	if (!t)
		return NULL;
	frame = (struct pt_regs *)((char *)t->stack + THREAD_STACK) - 1;
	*frame = *regs;
	t->aspace = aspace;
	t->ctx[CTX_LR] = (u64)thread_begin_user;
	t->ctx[CTX_SP] = (u64)frame;
	return t;
}

static void thread_free(struct rcu_head *h)
{
	struct thread_alloc *a = container_of(h, struct thread_alloc, rcu);

	if (a->t.aspace)
		aspace_put(a->t.aspace);
	fp_state_destroy(&a->t.fp);
	vfree(a->t.stack);
	kfree(a);
}

struct thread *thread_get(struct thread *t)
{
	u32 old = __atomic_fetch_add(&t->refs, 1, __ATOMIC_RELAXED);

	ASSERT(old);
	return t;
}

void thread_put(struct thread *t)
{
	u32 left = __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL);

	ASSERT(left != ~0U);
	if (!left)
		rcu_defer(&container_of(t, struct thread_alloc, t)->rcu, thread_free);
}

void thread_finish_exit(struct thread *t)
{
	thread_put(t);
}

void thread_set_aspace(struct aspace *as)
{
	struct thread *t = current_thread;
	struct aspace *old = t->aspace;
	u64 flags = local_irq_save();

	t->aspace = as;
	aspace_switch(as);
	local_irq_restore(flags);
	if (old)
		aspace_put(old);
}

void thread_exit(void)
{
	struct thread *t = current_thread;

	local_irq_disable();
	hooks_out(t);
	local_irq_enable();
	ASSERT(list_empty(&t->switch_hooks) && !t->preempt_count);
	fp_discard(&t->fp);
	if (t->aspace)
		thread_set_aspace(NULL);
	local_irq_disable();
	spin_lock(&t->wake_lock);
	WRITE_ONCE(t->state, THREAD_DEAD);
	spin_unlock(&t->wake_lock);
	schedule();
	panic("a dead thread ran");
}

void switch_hook_add(struct switch_hook *h)
{
	u64 flags = local_irq_save();

	list_add_tail(&h->node, &current_thread->switch_hooks);
	local_irq_restore(flags);
}

void switch_hook_del(struct switch_hook *h)
{
	u64 flags = local_irq_save();

	list_del(&h->node);
	local_irq_restore(flags);
}
