// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first process: argv from /etc/nestbox/init, the environment from /etc/nestbox/env, the console as descriptors
 * 0, 1 and 2 and as the controlling terminal. It is built by a kernel thread that wears the new task meanwhile.
 */
#include <linux/auxvec.h>
#include <asm/ioctls.h>

#include "linux/process/internal.h"

#define LIST_MAX	65536

/* NUL-terminated strings of a file appended to args; *count of them. -ENOENT when there is no such file. */
static int strings_from_file(struct exec_strings *args, const char *path, unsigned *count)
{
	int err = 0;
	struct file *f = file_open(path, O_RDONLY, 0, &err);
	char *buf;
	ssize_t n, at;

	if (!f)
		return err;
	buf = kzalloc(LIST_MAX + 1);
	if (!buf) {
		file_put(f);
		return -ENOMEM;
	}
	n = file_pread(f, buf, LIST_MAX, 0);
	file_put(f);
	if (n == LIST_MAX)
		err = -E2BIG;
	else if (n < 0)
		err = (int)n;
	for (at = 0; !err && at < n; at += (ssize_t)strlen(buf + at) + 1) {
		err = strings_add(args, buf + at, strlen(buf + at));
		++*count;
	}
	kfree(buf);
	return err;
}

static int default_environment(struct exec_strings *args)
{
	static const char *const env[] = { "PATH=/bin:/sbin:/usr/bin:/usr/sbin", "HOME=/", "TERM=linux" };
	unsigned i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(env) && !err; i++) {
		err = strings_add(args, env[i], strlen(env[i]));
		args->envc++;
	}
	return err;
}

static int open_console(void)
{
	int i, fd, err = 0;
	struct file *f = file_open("/dev/console", O_RDWR, 0, &err);

	if (!f)
		return err;
	for (i = 0; i < 3 && !err; i++) {
		fd = fd_install(file_get(f), false);
		if (fd != i) {
			if (fd < 0)
				file_put(f);
			err = fd < 0 ? fd : -EBADF;
		}
	}
	if (!err && f->ops->ioctl)
		(void)f->ops->ioctl(f, TIOCSCTTY, 0);
	file_put(f);
	return err;
}

static struct task *first_task(void)
{
	struct process *p = process_alloc();
	struct task *t = p ? task_alloc(p) : NULL;
	u64 flags;

	if (!t)
		return NULL;
	rlimit_defaults(p);
	p->cwd = kstrdup("/");
	p->files = fdtable_create();
	if (!p->cwd || !p->files)
		return NULL;
	/* process_alloc's reference is the task's. */
	t->thread = current_thread;
	flags = spin_lock_irqsave(&tasklist_lock);
	ASSERT(!task_link_locked(t) && p->pid == 1);
	p->pgid = p->sid = p->pid;
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return t;
}

/* From the program in args to a thread that is about to enter it. */
static int first_exec(struct task *t, struct exec_strings *args)
{
	struct process *p = t->proc;
	struct pt_regs regs;
	struct file *file;
	struct thread *th;
	int err = open_console();

	if (err) {
		pr_err("init: /dev/console: error %d\n", -err);
		return err;
	}
	/* Not this thread's registers and address space are to change: it is not the one that will run. */
	t->thread = NULL;
	err = exec_open(AT_FDCWD, args->buf, false, &file);
	if (!err)
		err = do_exec(file, args->buf, args, &regs);
	if (err) {
		pr_err("init: cannot run %s: error %d\n", args->buf, -err);
		return err;
	}
	aspace_get(&p->mm->as);
	th = thread_create_user(t->comm, &regs, &p->mm->as);
	if (!th)
		return -ENOMEM;
	th->task = t;
	th->fp.vl = sve_default_vl();
	t->thread = th;
	current_thread->task = NULL;
	thread_start(th);
	return 0;
}

static int init_try(void)
{
	struct exec_strings args = {};
	struct task *t = first_task();
	int err;

	if (!t)
		return -ENOMEM;
	current_thread->task = t;
	err = strings_from_file(&args, "/etc/nestbox/init", &args.argc);
	if (!err && !args.argc)
		err = -ENOENT;
	if (err) {
		pr_err("init: /etc/nestbox/init, which names the first program, cannot be used: error %d\n", -err);
		return err;
	}
	err = strings_from_file(&args, "/etc/nestbox/env", &args.envc);
	if (err == -ENOENT)
		err = default_environment(&args);
	if (!err)
		err = first_exec(t, &args);
	kfree(args.buf);
	return err;
}

int init_start(void)
{
	int err = ids_init();

	if (!err)
		err = sve_init();
	if (!err)
		err = init_try();
	if (err) {
		control_send("exit 127");
		control_end_failed();
	}
	thread_exit();
}
