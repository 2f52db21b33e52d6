// SPDX-License-Identifier: GPL-2.0-only
/*
 * Growing text buffers, and files whose contents are made when they are read from the start: most of /proc and /sys.
 * Locks: text->lock (mutex) per open file.
 */
#include "kernel/debug/print.h"
#include "linux/fs/vfs.h"

#define TEXT_MAX	(4UL << 20)

void text_printf(struct textbuf *t, const char *fmt, ...)
{
	va_list ap, again;
	size_t cap;
	char *p;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(t->p ? t->p + t->len : NULL, t->cap - t->len, fmt, ap);
	va_end(ap);
	if (n >= 0 && t->len + n + 1 > t->cap && !t->failed) {
		cap = MAX(t->cap * 2, ALIGN_UP(t->len + n + 1, 1024UL));
		p = cap <= TEXT_MAX ? krealloc(t->p, cap) : NULL;
		if (p) {
			t->p = p;
			t->cap = cap;
			vsnprintf(t->p + t->len, t->cap - t->len, fmt, again);
		} else {
			t->failed = true;
		}
	}
	va_end(again);
	if (n > 0 && !t->failed)
		t->len += n;
}

void text_free(struct textbuf *t)
{
	kfree(t->p);
	memset(t, 0, sizeof(*t));
}

struct text {
	struct mutex lock;
	text_show_fn show;
	void *arg;
	void (*gone)(void *arg);
	struct textbuf buf;
	bool made;
};

static ssize_t text_read(struct file *f, struct iobuf *b, u64 *pos)
{
	struct text *t = f->priv;
	int err = 0;
	size_t n = 0;

	mutex_lock(&t->lock);
	if (!*pos || !t->made) {
		t->buf.len = 0;
		t->buf.failed = false;
		err = t->show(&t->buf, t->arg);
		if (!err && t->buf.failed)
			err = -ENOMEM;
		t->made = !err;
	}
	if (!err && *pos < t->buf.len) {
		size_t want = MIN(b->len, t->buf.len - *pos);

		n = iobuf_put_part(b, t->buf.p + *pos, want);
		*pos += n;
		if (!n && want)
			err = -EFAULT;
	}
	mutex_unlock(&t->lock);
	return err ? err : (ssize_t)n;
}

static s64 text_lseek(struct file *f, s64 off, int whence)
{
	s64 r = -EINVAL;

	mutex_lock(&f->pos_lock);
	if (whence == 0)
		r = off;
	else if (whence == 1)
		r = (s64)f->pos + off;
	if (r >= 0)
		f->pos = r;
	else
		r = -EINVAL;
	mutex_unlock(&f->pos_lock);
	return r;
}

static void text_release(struct file *f)
{
	struct text *t = f->priv;

	if (t->gone)
		t->gone(t->arg);
	text_free(&t->buf);
	kfree(t);
}

static const struct file_ops text_ops = {
	.read = text_read, .lseek = text_lseek, .release = text_release,
};

struct file *text_file(text_show_fn show, void *arg, void (*gone)(void *arg), int *err)
{
	struct text *t = kzalloc(sizeof(*t));
	struct file *f = t ? file_alloc(&text_ops, t, O_RDONLY) : NULL;

	*err = -ENOMEM;
	if (!f) {
		kfree(t);
		return NULL;
	}
	mutex_init(&t->lock);
	t->show = show;
	t->arg = arg;
	t->gone = gone;
	return f;
}

/* ---- numbers that can be written, under /proc/sys ---- */

struct number {
	text_show_fn show;
	int (*store)(s64 value);
};

/* A decimal number, white space around it. */
static int number_parse(const char *s, s64 *value)
{
	bool minus;
	u64 v = 0;

	while (*s == ' ' || *s == '\t' || *s == '\n')
		s++;
	minus = *s == '-';
	s += minus;
	if (*s < '0' || *s > '9')
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++) {
		v = v * 10 + (u64)(*s - '0');
		if (v > 0x7fffffff)
			return -EINVAL;
	}
	while (*s == ' ' || *s == '\t' || *s == '\n')
		s++;
	*value = minus ? -(s64)v : (s64)v;
	return *s ? -EINVAL : 0;
}

static ssize_t number_write(struct file *f, struct iobuf *b, u64 *pos)
{
	const struct number *n = ((struct text *)f->priv)->arg;
	char line[32] = {};
	size_t len = b->len;
	s64 value;
	int err;

	if (!len || *pos)		/* as Linux: only what is written at the start counts */
		return (ssize_t)len;
	if (len >= sizeof(line))
		return -EINVAL;
	err = iobuf_get(b, line, len);
	if (!err)
		err = number_parse(line, &value);
	if (!err)
		err = n->store(value);
	if (err)
		return err;
	*pos += len;
	return (ssize_t)len;
}

static ssize_t number_read(struct file *f, struct iobuf *b, u64 *pos)
{
	return text_read(f, b, pos);
}

static const struct file_ops number_ops = {
	.read = number_read, .write = number_write, .lseek = text_lseek, .release = text_release,
};

static int number_show(struct textbuf *t, void *arg)
{
	return ((const struct number *)arg)->show(t, NULL);
}

static struct file *number_open(struct inode *i, u32 flags, int *err)
{
	struct file *f = text_file(number_show, i->priv, NULL, err);

	if (f) {
		f->ops = &number_ops;
		f->flags = (f->flags & ~(u32)O_ACCMODE) | (flags & O_ACCMODE);
	}
	return f;
}

static const struct inode_ops number_inode_ops = { .open = number_open };

int proc_register_number(const char *path, text_show_fn show, int (*store)(s64 value))
{
	struct number *n = kmalloc(sizeof(*n));
	struct inode *i = n ? inode_alloc(S_IFREG | 0644) : NULL;
	int err;

	if (!i) {
		kfree(n);
		return -ENOMEM;
	}
	*n = (struct number){ show, store };
	memobj_put(i->obj);
	i->obj = NULL;
	i->ops = &number_inode_ops;
	i->priv = n;		/* for ever, as the file */
	err = fs_make(path, i);
	inode_put(i);
	return err;
}

/* Files registered by path: the inode carries show and arg. */
static struct file *static_open(struct inode *i, u32 flags, int *err)
{
	if ((flags & O_ACCMODE) != O_RDONLY) {
		*err = -EACCES;
		return NULL;
	}
	return text_file((text_show_fn)i->priv, (void *)i->priv2, NULL, err);
}

static const struct inode_ops static_ops = { .open = static_open };

int proc_register(const char *path, int (*show)(struct textbuf *t, void *arg), void *arg)
{
	struct inode *i = inode_alloc(S_IFREG | 0444);
	int err;

	if (!i)
		return -ENOMEM;
	memobj_put(i->obj);
	i->obj = NULL;
	i->ops = &static_ops;
	i->priv = (void *)show;
	i->priv2 = (u64)arg;
	err = fs_make(path, i);
	inode_put(i);
	return err;
}
