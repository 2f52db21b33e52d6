// SPDX-License-Identifier: GPL-2.0-only
/*
 * execve: the strings, #! scripts, the new address space, the point of no return. The new memory is filled through
 * mm_access while it belongs to nobody, so that until then any error leaves the old program as it was.
 */
#include <linux/auxvec.h>
#include <linux/stat.h>

#include "kernel/lib/random.h"
#include "linux/fs/vfs.h"
#include "linux/process/elf_load.h"
#include "linux/process/internal.h"

#define ARGS_MAX	(2UL << 20)	/* as Linux with the usual 8 MiB stack */
#define ARG_LEN_MAX	(128UL << 10)
#define SCRIPT_DEPTH	4
#define HEAD_SIZE	256

struct exec {
	struct file *file;
	char *path;			/* as given: AT_EXECFN */
	struct exec_strings *args;
	struct elf_image image;
};

int strings_add(struct exec_strings *s, const char *str, size_t len)
{
	if (len + 1 > ARGS_MAX - s->len)
		return -E2BIG;
	if (s->len + len + 1 > s->cap) {
		size_t cap = ALIGN_UP((s->len + len + 1) * 2, PAGE_SIZE);
		char *buf = krealloc(s->buf, cap);

		if (!buf)
			return -ENOMEM;
		s->buf = buf;
		s->cap = cap;
	}
	memcpy(s->buf + s->len, str, len);
	s->buf[s->len + len] = 0;
	s->len += len + 1;
	return 0;
}

/* One string from user memory, straight into the block. */
static int strings_add_user(struct exec_strings *s, u64 uaddr)
{
	size_t room = MIN(ARG_LEN_MAX, ARGS_MAX - s->len);
	ssize_t n = -ENAMETOOLONG;
	size_t try = 256;

	while (n == -ENAMETOOLONG) {
		try = MIN(try, room);
		if (s->len + try > s->cap) {
			size_t cap = ALIGN_UP((s->len + try) * 2, PAGE_SIZE);
			char *buf = krealloc(s->buf, cap);

			if (!buf)
				return -ENOMEM;
			s->buf = buf;
			s->cap = cap;
		}
		n = try ? strncpy_from_user(s->buf + s->len, uaddr, try) : -ENAMETOOLONG;
		if (n == -ENAMETOOLONG && try >= room)
			return -E2BIG;
		try *= 4;
	}
	if (n < 0)
		return (int)n;
	s->len += (size_t)n + 1;
	return 0;
}

static int vector_add_user(struct exec_strings *s, u64 uvec, unsigned *count)
{
	u64 ptr;
	int err;

	for (; uvec; uvec += sizeof(ptr)) {
		if (get_user(ptr, uvec))
			return -EFAULT;
		if (!ptr)
			return 0;
		err = strings_add_user(s, ptr);
		if (err)
			return err;
		/* The pointers count too, or empty strings would be free. */
		if (++*count > ARGS_MAX / 16)
			return -E2BIG;
	}
	return 0;
}

int exec_open(int dirfd, const char *path, bool empty_path, struct file **out)
{
	struct file *f;
	int err = 0;

	if (empty_path && !*path) {
		f = fd_get_any(dirfd);
		err = -EBADF;
	} else {
		f = do_open(dirfd, path, O_RDONLY | O_CLOEXEC, 0, &err);
	}
	if (!f)
		return err;
	if (!f->inode || !inode_is_reg(f->inode) || !(f->inode->mode & 0111)) {
		file_put(f);
		return -EACCES;
	}
	*out = f;
	return 0;
}

/* Put the interpreter's words before the arguments, whose first is replaced by the script's path. */
static int script_args(struct exec_strings *s, const char *interp, const char *arg, const char *path)
{
	struct exec_strings n = {};
	size_t skip = s->argc ? strlen(s->buf) + 1 : 0;
	int err = strings_add(&n, interp, strlen(interp));

	if (!err && arg)
		err = strings_add(&n, arg, strlen(arg));
	if (!err)
		err = strings_add(&n, path, strlen(path));
	if (!err && s->len > skip)
		err = strings_add(&n, s->buf + skip, s->len - skip - 1);
	if (err) {
		kfree(n.buf);
		return err;
	}
	n.argc = (s->argc ? s->argc : 1) + 1 + (arg ? 1 : 0);
	n.envc = s->envc;
	kfree(s->buf);
	*s = n;
	return 0;
}

/* head: first line of the file, NUL-terminated. Splits "#! interp arg" in place; -ENOEXEC. */
static int script_parse(char *head, char **interp, char **arg)
{
	char *p = head + 2, *end = strchr(head, '\n');

	*arg = NULL;
	if (!end)
		return -ENOEXEC;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = 0;
	while (*p == ' ' || *p == '\t')
		p++;
	if (!*p)
		return -ENOEXEC;
	*interp = p;
	while (*p && *p != ' ' && *p != '\t')
		p++;
	if (!*p)
		return 0;
	*p++ = 0;
	while (*p == ' ' || *p == '\t')
		p++;
	if (*p)
		*arg = p;
	return 0;
}

/* A script: its interpreter becomes the file, its first line goes before the arguments. */
static int script_step(struct exec *x, char *head, char **name)
{
	char *interp, *arg;
	int err = script_parse(head, &interp, &arg);

	if (!err)
		err = script_args(x->args, interp, arg, *name ? *name : x->path);
	if (err)
		return err;
	kfree(*name);
	*name = kstrdup(interp);
	if (!*name)
		return -ENOMEM;
	file_put(x->file);
	x->file = NULL;
	return exec_open(AT_FDCWD, *name, false, &x->file);
}

/* Follow #! lines until a program is found, and read its headers. */
static int resolve(struct exec *x)
{
	char head[HEAD_SIZE + 1], *name = NULL;
	unsigned depth;
	ssize_t n;
	int err = 0;

	for (depth = 0; !err; depth++) {
		n = file_pread(x->file, head, HEAD_SIZE, 0);
		if (n < 0) {
			err = (int)n;
			break;
		}
		head[n] = 0;
		if (n < 2 || head[0] != '#' || head[1] != '!') {
			err = elf_read(x->file, head, (size_t)n, &x->image.main);
			break;
		}
		err = depth == SCRIPT_DEPTH ? -ELOOP : script_step(x, head, &name);
	}
	kfree(name);
	return err;
}

static void exec_put(struct exec *x)
{
	if (x->file)
		file_put(x->file);
	elf_image_put(&x->image);
	kfree(x->path);
}

/* Kill the other threads of the process and take its id. -EINTR: somebody else was first, or it is being killed. */
static int become_only_thread(struct task *t)
{
	struct process *p = t->proc;
	u64 flags = siglock(p);

	if (p->group_exit || p->exec_task) {
		sigunlock(p, flags);
		return -EINTR;
	}
	p->exec_task = t;
	notify_all_locked(p, t);
	waitq_wake(&p->stop_wait, 0);
	sigunlock(p, flags);
	wait_event(&p->stop_wait, READ_ONCE(p->nthreads) == 1);
	flags = spin_lock_irqsave(&tasklist_lock);
	if (t->tid != p->pid)
		task_rename_locked(t);
	spin_unlock_irqrestore(&tasklist_lock, flags);
	flags = siglock(p);
	p->exec_task = NULL;
	sigunlock(p, flags);
	return 0;
}

static void signals_reset(struct process *p, struct task *t)
{
	u64 flags = siglock(p);
	unsigned i;

	for (i = 0; i < 64; i++) {
		bool ign = p->action[i].handler == (u64)SIG_IGN;

		memset(&p->action[i], 0, sizeof(p->action[i]));
		if (ign)
			p->action[i].handler = (u64)SIG_IGN;
	}
	memset(&t->altstack, 0, sizeof(t->altstack));
	t->altstack.ss_flags = SS_DISABLE;
	t->restart_fn = NULL;
	sigunlock(p, flags);
}

static void name_set(struct exec *x, struct process *p, struct task *t)
{
	const char *path = x->file->path ? x->file->path : x->path, *base = strrchr(x->path, '/');
	char *exe = kstrdup(path), *old;

	base = base ? base + 1 : x->path;
	strlcpy(p->comm, base, sizeof(p->comm));
	strlcpy(t->comm, base, sizeof(t->comm));
	if (t->thread)
		strlcpy(t->thread->name, base, sizeof(t->thread->name));
	mutex_lock(&p->cwd_lock);
	old = p->exe;
	p->exe = exe;
	mutex_unlock(&p->cwd_lock);
	kfree(old);
}

/* Nothing can fail any more. old NULL: the first process, whose thread is not here yet. */
static void commit(struct exec *x, struct mm *mm, struct task *t)
{
	struct process *p = t->proc;
	struct mm *old;
	u64 flags;

	name_set(x, p, t);
	robust_list_exit(t);
	if (t->clear_child_tid && p->mm) {
		u32 zero = 0;

		if (!put_user(zero, t->clear_child_tid))
			futex_wake_user(t->clear_child_tid, 1, true);
	}
	t->clear_child_tid = 0;
	rseq_exec(t);
	timers_exit(p, true);
	flags = siglock(p);
	old = p->mm;
	p->mm = mm;
	p->sigtramp = x->image.sigtramp;
	p->did_exec = true;
	p->dumpable = 1;
	sigunlock(p, flags);
	if (t->thread == current_thread) {
		aspace_get(&mm->as);
		thread_set_aspace(&mm->as);
		sve_exec(t);
		preempt_disable();
		t->thread->tpidr_el0 = 0;
		write_sysreg(0, tpidr_el0);
		preempt_enable();
	}
	vfork_release(t);
	if (old)
		mm_put(old);
	fdtable_exec(p->files);
	signals_reset(p, t);
}

int do_exec(struct file *file, const char *path, struct exec_strings *args, struct pt_regs *regs)
{
	struct task *t = current_task();
	struct exec x = { .args = args, .file = file };
	struct mm *mm = NULL;
	int err;

	x.path = kstrdup(*path ? path : "/proc/self/fd");
	err = x.path ? resolve(&x) : -ENOMEM;
	if (!err) {
		mm = mm_create();
		err = mm ? elf_load(&x.image, x.file, mm) : -ENOMEM;
	}
	if (!err)
		err = elf_stack(&x.image, mm, args, x.path);
	if (!err && t->proc->mm)
		err = become_only_thread(t);
	if (err) {
		if (mm)
			mm_put(mm);
		exec_put(&x);
		return err;
	}
	commit(&x, mm, t);
	memset(regs, 0, sizeof(*regs));
	regs->pc = x.image.start;
	regs->sp = x.image.sp;
	regs->syscall = NO_SYSCALL;
	exec_put(&x);
	return 0;
}

static s64 exec_user(int dirfd, u64 upath, u64 uargv, u64 uenvp, bool empty_path)
{
	struct exec_strings s = {};
	struct file *file = NULL;
	int err = 0;
	char *path = path_from_user(upath, &err);

	if (!path)
		return err;
	/* The file first: what is wrong with it comes before what is wrong with the arguments. */
	err = *path || empty_path ? exec_open(dirfd, path, empty_path, &file) : -ENOENT;
	if (!err)
		err = vector_add_user(&s, uargv, &s.argc);
	/* A program without even a name confuses those that skip argv[0]: Linux gives it an empty one. */
	if (!err && !s.argc) {
		err = strings_add(&s, "", 0);
		s.argc = 1;
	}
	if (!err)
		err = vector_add_user(&s, uenvp, &s.envc);
	if (!err)
		err = do_exec(file, path, &s, thread_user_regs());
	else if (file)
		file_put(file);
	kfree(s.buf);
	kfree(path);
	return err;
}

SYSCALL(execve)
{
	return exec_user(AT_FDCWD, a0, a1, a2, false);
}

SYSCALL(execveat)
{
	if (a4 & ~(u64)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	return exec_user((int)a0, a1, a2, a3, a4 & AT_EMPTY_PATH);
}
