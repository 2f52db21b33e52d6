// SPDX-License-Identifier: GPL-2.0-only
/*
 * Vector lengths of processes: prctl, what exec makes of them, the system's default in /proc/sys/abi. The length itself is
 * thread->fp.vl; what exec will do is in the task. Linux: Documentation/arch/arm64/sve.rst 6, 7, 9. Locks: none; the
 * default is one word.
 */
#include <linux/prctl.h>

#include "linux/fs/vfs.h"
#include "linux/process/internal.h"

#define VL_DEFAULT	64U
#define VL_ARG_MAX	8192U		/* SVE_VL_MAX of the ABI, not of any CPU */

static unsigned default_vl;

static bool vl_valid(u64 vl)
{
	return vl >= FP_VQ_BYTES && vl <= VL_ARG_MAX && !(vl % FP_VQ_BYTES);
}

unsigned sve_default_vl(void)
{
	return READ_ONCE(default_vl);
}

static s64 status(const struct task *t, unsigned vl)
{
	return vl | (t->vl_inherit ? PR_SVE_VL_INHERIT : 0);
}

s64 sve_prctl_get(struct task *t)
{
	return fp_cpu.sve ? status(t, current_thread->fp.vl) : -EINVAL;
}

s64 sve_prctl_set(struct task *t, u64 arg)
{
	u64 flags = arg & ~(u64)PR_SVE_VL_LEN_MASK, vl = arg & PR_SVE_VL_LEN_MASK;

	if (!fp_cpu.sve || (flags & ~(u64)(PR_SVE_VL_INHERIT | PR_SVE_SET_VL_ONEXEC)) || !vl_valid(vl))
		return -EINVAL;
	vl = fp_vl_supported(vl);
	t->vl_onexec = flags ? vl : 0;
	if (!(flags & PR_SVE_SET_VL_ONEXEC) && vl != current_thread->fp.vl)
		fp_user_set_vl(vl);
	t->vl_inherit = flags & PR_SVE_VL_INHERIT;
	return status(t, flags & PR_SVE_SET_VL_ONEXEC ? t->vl_onexec : current_thread->fp.vl);
}

void sve_exec(struct task *t)
{
	struct fp_regs zero = {};
	unsigned vl = t->vl_onexec ? t->vl_onexec : sve_default_vl();

	if (vl != current_thread->fp.vl)
		fp_user_set_vl(vl);
	fp_user_write(&zero, NULL);
	if (!t->vl_inherit)
		t->vl_onexec = 0;
}

static int show_default(struct textbuf *t, void *arg)
{
	text_printf(t, "%u\n", sve_default_vl());
	return 0;
}

static int store_default(s64 value)
{
	if (value == -1)
		value = FP_VL_MAX;
	if (value < 0 || !vl_valid((u64)value))
		return -EINVAL;
	WRITE_ONCE(default_vl, fp_vl_supported((unsigned)value));
	return 0;
}

/* How often vector registers changed hands, all CPUs together; a guest's own are in its statistics descriptor. */
static int show_counts(struct textbuf *t, void *arg)
{
	struct fp_counts n;

	fp_counts_read(&n);
	text_printf(t, "thread saves %lu loads %lu traps %lu\n", n.saves[FP_THREAD], n.loads[FP_THREAD],
		    n.traps[FP_THREAD]);
	text_printf(t, "guest saves %lu loads %lu traps %lu\n", n.saves[FP_GUEST], n.loads[FP_GUEST],
		    n.traps[FP_GUEST]);
	text_printf(t, "fetches %lu\nkernel %lu\n", n.fetches, n.kernel);
	return 0;
}

int sve_init(void)
{
	int err = proc_register("/sys/kernel/debug/fp", show_counts, NULL);

	if (err || !fp_cpu.sve)
		return err;
	default_vl = fp_vl_supported(VL_DEFAULT);
	return proc_register_number("/proc/sys/abi/sve_default_vector_length", show_default, store_default);
}
