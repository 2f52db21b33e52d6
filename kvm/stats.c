// SPDX-License-Identifier: GPL-2.0-only
/*
 * Binary statistics: a read-only descriptor with a header, a name, descriptors and values, the values as they are at
 * the time of the read. Names, order and kinds are Linux's. No locks: see stats.h. Documentation/virt/kvm/api.rst 4.133.
 */
#include <linux/errno.h>

#include "kernel/debug/print.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kvm/stats.h"
#include "kvm/vcpu_state.h"
#include "linux/process/task.h"

#define O_CLOEXEC_	02000000
#define NAME_SIZE	48		/* of a descriptor and of the identifying string */

/* Kind of a value: type | unit | base. */
#define CUMULATIVE	(KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE | KVM_STATS_BASE_POW10)
#define CUMULATIVE_S	(KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_SECONDS | KVM_STATS_BASE_POW10)
#define LOG_HIST_S	(KVM_STATS_TYPE_LOG_HIST | KVM_STATS_UNIT_SECONDS | KVM_STATS_BASE_POW10)
#define INSTANT_BOOL	(KVM_STATS_TYPE_INSTANT | KVM_STATS_UNIT_BOOLEAN | KVM_STATS_BASE_POW10)

struct stat_row {
	const char *name;
	u32 flags;
	s16 exponent;
	u16 size;		/* words */
	u16 at;			/* offset of the first in struct vm or struct vcpu_state */
};

#define NOT_COUNTED	0xffff	/* what Nestbox never does: always 0 */
#define FP_SAVES	0xfffe	/* these are in vcpu->fp */
#define FP_LOADS	0xfffd
#define FP_TRAPS	0xfffc
#define VM_AT(field)	offsetof(struct vm, field)
#define AT(field)	offsetof(struct vcpu_state, stat.field)

static const struct stat_row vm_rows[] = {
	{ "remote_tlb_flush", CUMULATIVE, 0, 1, VM_AT(stats.tlb_flush) },
	{ "remote_tlb_flush_requests", CUMULATIVE, 0, 1, VM_AT(stats.tlb_flush_requests) },
};

static const struct stat_row vcpu_rows[] = {
	{ "halt_successful_poll", CUMULATIVE, 0, 1, NOT_COUNTED },
	{ "halt_attempted_poll", CUMULATIVE, 0, 1, NOT_COUNTED },
	{ "halt_poll_invalid", CUMULATIVE, 0, 1, NOT_COUNTED },
	{ "halt_wakeup", CUMULATIVE, 0, 1, AT(halt.wakeups) },
	{ "halt_poll_success_ns", CUMULATIVE_S, -9, 1, NOT_COUNTED },
	{ "halt_poll_fail_ns", CUMULATIVE_S, -9, 1, NOT_COUNTED },
	{ "halt_wait_ns", CUMULATIVE_S, -9, 1, AT(halt.wait_ns) },
	{ "halt_poll_success_hist", LOG_HIST_S, -9, STATS_HIST, NOT_COUNTED },
	{ "halt_poll_fail_hist", LOG_HIST_S, -9, STATS_HIST, NOT_COUNTED },
	{ "halt_wait_hist", LOG_HIST_S, -9, STATS_HIST, AT(halt.wait_hist) },
	{ "blocking", INSTANT_BOOL, 0, 1, AT(halt.blocking) },
	{ "hvc_exit_stat", CUMULATIVE, 0, 1, AT(hvc_exits) },
	{ "wfe_exit_stat", CUMULATIVE, 0, 1, AT(wfe_exits) },
	{ "wfi_exit_stat", CUMULATIVE, 0, 1, AT(wfi_exits) },
	{ "mmio_exit_user", CUMULATIVE, 0, 1, AT(mmio_user) },
	{ "mmio_exit_kernel", CUMULATIVE, 0, 1, AT(mmio_kernel) },
	{ "signal_exits", CUMULATIVE, 0, 1, AT(signal_exits) },
	{ "exits", CUMULATIVE, 0, 1, AT(exits) },
	/* Ours: how often the guest's vector registers went to memory, came from there, were met closed. */
	{ "fp_saves", CUMULATIVE, 0, 1, FP_SAVES },
	{ "fp_loads", CUMULATIVE, 0, 1, FP_LOADS },
	{ "fp_traps", CUMULATIVE, 0, 1, FP_TRAPS },
};

struct stats_file {
	struct vm *vm;			/* referenced */
	struct vcpu *v;			/* NULL: the VM's own */
};

void stats_halt(struct halt_stats *h, u64 ns, bool woken)
{
	unsigned bucket = ns ? 64 - __builtin_clzl(ns) : 0;

	h->wakeups += woken;
	h->wait_ns += ns;
	h->wait_hist[MIN(bucket, STATS_HIST - 1U)]++;
}

/* Exits served with the guest loaded are counted apart, where entry code can see it. */
static u64 value(const struct stats_file *s, const struct stat_row *r, unsigned i)
{
	const char *base = s->v ? (const char *)s->v->state : (const char *)s->vm;
	u64 val;

	switch (r->at) {
	case NOT_COUNTED:
		return 0;
	case FP_SAVES:
		return READ_ONCE(s->v->fp.saves);
	case FP_LOADS:
		return READ_ONCE(s->v->fp.loads);
	case FP_TRAPS:
		return READ_ONCE(s->v->fp.traps);
	}
	val = READ_ONCE(*(const u64 *)(base + r->at + i * sizeof(u64)));
	if (s->v && r->at == AT(hvc_exits))
		val += READ_ONCE(s->v->fast_hvc);
	else if (s->v && r->at == AT(mmio_kernel))
		val += READ_ONCE(s->v->fast_load);
	else if (s->v && r->at == AT(exits))
		val += READ_ONCE(s->v->fast_hvc) + READ_ONCE(s->v->fast_sysreg) +
		       READ_ONCE(s->v->fast_load) + READ_ONCE(s->v->fast_irq) + READ_ONCE(s->v->fp.traps);
	return val;
}

static size_t put_id(const struct stats_file *s, char *id)
{
	if (s->v)
		return snprintf(id, NAME_SIZE, "kvm-%d/vcpu-%u", s->v->state->creator, s->v->id);
	return snprintf(id, NAME_SIZE, "kvm-%d", s->vm->creator);
}

/* The whole file into buf, zeroed before, or only its size. */
static size_t image_fill(const struct stats_file *s, char *buf)
{
	const struct stat_row *rows = s->v ? vcpu_rows : vm_rows;
	unsigned n = s->v ? ARRAY_SIZE(vcpu_rows) : ARRAY_SIZE(vm_rows), i, j;
	const size_t desc_size = sizeof(struct kvm_stats_desc) + NAME_SIZE;
	struct kvm_stats_header h = {
		.name_size = NAME_SIZE, .num_desc = n, .id_offset = sizeof(h), .desc_offset = sizeof(h) + NAME_SIZE,
		.data_offset = sizeof(h) + NAME_SIZE + n * desc_size,
	};
	u64 *data = buf ? (u64 *)(buf + h.data_offset) : NULL;
	size_t words = 0;

	if (buf) {
		memcpy(buf, &h, sizeof(h));
		(void)put_id(s, buf + h.id_offset);
	}
	for (i = 0; i < n; i++) {
		if (buf) {
			struct kvm_stats_desc *d = (struct kvm_stats_desc *)(buf + h.desc_offset + i * desc_size);

			d->flags = rows[i].flags;
			d->exponent = rows[i].exponent;
			d->size = rows[i].size;
			d->offset = words * sizeof(u64);
			memcpy(d->name, rows[i].name, strlen(rows[i].name));
			for (j = 0; j < rows[i].size; j++)
				data[words + j] = value(s, &rows[i], j);
		}
		words += rows[i].size;
	}
	return h.data_offset + words * sizeof(u64);
}

static ssize_t stats_read(struct file *f, struct iobuf *b, u64 *pos)
{
	const struct stats_file *s = f->priv;
	size_t size = image_fill(s, NULL), n;
	char *buf;
	int err;

	if (*pos >= size)
		return 0;
	buf = kzalloc(size);
	if (!buf)
		return -ENOMEM;
	image_fill(s, buf);
	n = MIN(b->len, size - *pos);
	err = iobuf_put(b, buf + *pos, n);
	kfree(buf);
	if (err)
		return err;
	*pos += n;
	return n;
}

/* Linux's descriptor can be read at an offset but not moved: a call answers where it stands. */
static s64 stats_lseek(struct file *f, s64 off, int whence)
{
	return f->pos;
}

static void stats_release(struct file *f)
{
	struct stats_file *s = f->priv;

	vm_put(s->vm);
	kfree(s);
}

static const struct file_ops vm_stats_ops = {
	.name = "anon_inode:kvm-vm-stats",
	.read = stats_read,
	.lseek = stats_lseek,
	.release = stats_release,
};

static const struct file_ops vcpu_stats_ops = {
	.name = "anon_inode:kvm-vcpu-stats",
	.read = stats_read,
	.lseek = stats_lseek,
	.release = stats_release,
};

static int stats_fd(struct vm *vm, struct vcpu *v)
{
	struct stats_file *s = kzalloc(sizeof(*s));
	int fd;

	if (!s)
		return -ENOMEM;
	s->vm = vm;
	s->v = v;
	vm_get(vm);
	fd = anon_fd(v ? &vcpu_stats_ops : &vm_stats_ops, s, O_CLOEXEC_ /* read only */);
	if (fd < 0) {
		vm_put(vm);
		kfree(s);
	}
	return fd;
}

int vm_stats_fd(struct vm *vm)
{
	return stats_fd(vm, NULL);
}

int vcpu_stats_fd(struct vcpu *v)
{
	return stats_fd(v->vm, v);
}
