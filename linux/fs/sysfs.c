// SPDX-License-Identifier: GPL-2.0-only
/* The few files of /sys that VMMs and test suites look at. Locks: none. */
#include "kernel/debug/print.h"
#include "linux/fs/vfs.h"

static int show_cpus(struct textbuf *t, void *arg)
{
	if (nr_cpus > 1)
		text_printf(t, "0-%u\n", nr_cpus - 1);
	else
		text_printf(t, "0\n");
	return 0;
}

static int show_text(struct textbuf *t, void *arg)
{
	text_printf(t, "%s\n", (const char *)arg);
	return 0;
}

static const struct {
	const char *path, *text;
} files[] = {
	{ "/sys/devices/system/cpu/online", NULL },
	{ "/sys/devices/system/cpu/possible", NULL },
	{ "/sys/devices/system/cpu/present", NULL },
	{ "/sys/devices/system/node/online", "0" },
	{ "/sys/devices/system/node/possible", "0" },
	{ "/sys/devices/system/node/node0/cpulist", NULL },
	{ "/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never" },
	{ "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "2097152" },
	{ "/sys/kernel/mm/transparent_hugepage/shmem_enabled", "[always] within_size advise never deny force" },
	{ "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0" },
	{ "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "0" },
	{ "/sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", "0" },
	{ "/sys/module/kvm/parameters/halt_poll_ns", "0" },
};

#ifdef CONFIG_SELFTEST
/*
 * The calling thread's own: its so many-th allocation from now fails; 0: none; -N: at the N-th the host panics, to see what a
 * panic says. Reading says how far the count before the last write had got (0: it failed one), because reading itself allocates.
 */
static int show_fail_nth(struct textbuf *t, void *arg)
{
	text_printf(t, "%u\n", current_thread->fail_left);
	return 0;
}

static int store_fail_nth(s64 n)
{
	s64 most = ~0U;

	if (n < -most || n > most)
		return -EINVAL;
	current_thread->fail_left = current_thread->fail_nth;
	current_thread->fail_panics = n < 0;
	current_thread->fail_nth = (u32)(n < 0 ? -n : n);
	return 0;
}
#endif

void sysfs_init(void)
{
	unsigned k;

#ifdef CONFIG_SELFTEST
	if (proc_register_number("/sys/kernel/debug/fail_nth", show_fail_nth, store_fail_nth))
		pr_warn("cannot make fail_nth\n");
#endif

	for (k = 0; k < ARRAY_SIZE(files); k++)
		if (proc_register(files[k].path, files[k].text ? show_text : show_cpus, (void *)files[k].text))
			pr_warn("cannot make %s\n", files[k].path);
	for (k = 0; k < nr_cpus; k++) {
		char path[64];

		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u", k);
		if (fs_mkdirs(path, true))
			break;
	}
}
