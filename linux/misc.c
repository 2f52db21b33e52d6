// SPDX-License-Identifier: GPL-2.0-only
/* System calls about the machine as a whole: names, memory, random numbers, barriers, power. */
#include <linux/membarrier.h>
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/resource.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>

#include "kernel/cpu/cpu.h"
#include "kernel/lib/random.h"
#include "linux/process/internal.h"

static struct mutex names_lock = MUTEX_INIT(names_lock);
static char hostname[__NEW_UTS_LEN + 1] = "nestbox", domainname[__NEW_UTS_LEN + 1] = "(none)";

__noreturn void power_off(void)
{
	psci_system_off();
}

__noreturn void power_reset(void)
{
	psci_system_reset();
}

SYSCALL(uname)
{
	struct new_utsname u = {
		.sysname = "Linux", .release = "6.12.0-nestbox", .version = "#1 SMP Nestbox", .machine = "aarch64",
	};

	mutex_lock(&names_lock);
	memcpy(u.nodename, hostname, sizeof(hostname));
	memcpy(u.domainname, domainname, sizeof(domainname));
	mutex_unlock(&names_lock);
	return copy_to_user(a0, &u, sizeof(u));
}

static s64 name_set(char *name, u64 uaddr, u64 len)
{
	char buf[__NEW_UTS_LEN + 1] = {};

	if (len > __NEW_UTS_LEN)
		return -EINVAL;
	if (copy_from_user(buf, uaddr, len))
		return -EFAULT;
	mutex_lock(&names_lock);
	memcpy(name, buf, sizeof(buf));
	mutex_unlock(&names_lock);
	return 0;
}

SYSCALL(sethostname)
{
	return name_set(hostname, a0, a1);
}

SYSCALL(setdomainname)
{
	return name_set(domainname, a0, a1);
}

SYSCALL(sysinfo)
{
	struct sysinfo si = {
		.uptime = (long)(clock_ns() / NSEC_PER_SEC), .totalram = pages_total(), .freeram = pages_free(),
		.procs = (u16)process_count(), .mem_unit = PAGE_SIZE,
	};

	return put_user(si, a0);
}

SYSCALL(getrandom)
{
	u8 buf[256];
	u64 done = 0;

	if (a2 & ~(u64)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
	    (a2 & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	a1 = MIN(a1, 0x7ffff000UL);
	while (done < a1) {
		size_t n = MIN(a1 - done, sizeof(buf)), left;

		random_bytes(buf, n);
		left = copy_to_user_partial(a0 + done, buf, n);
		done += n - left;
		if (left)
			return done ? (s64)done : -EFAULT;
		if (done < a1 && signal_pending())
			break;
	}
	memset(buf, 0, sizeof(buf));
	return (s64)done;
}

SYSCALL(getcpu)
{
	u32 cpu, node = 0;

	preempt_disable();
	cpu = this_cpu()->id;
	preempt_enable();
	if (a0 && put_user(cpu, a0))
		return -EFAULT;
	return a1 ? put_user(node, a1) : 0;
}

SYSCALL(getrusage)
{
	struct process *p = current_task()->proc;
	struct rusage ru = {};
	u64 ns;

	switch ((int)a0) {
	case RUSAGE_SELF:
		ns = process_runtime(p);
		ru.ru_maxrss = (long)(p->mm->rss * (PAGE_SIZE / 1024));
		break;
	case RUSAGE_THREAD:
		ns = thread_runtime(current_thread);
		break;
	case RUSAGE_CHILDREN:
		ns = p->cutime_ns;
		break;
	default:
		return -EINVAL;
	}
	ru.ru_utime.tv_sec = (long)(ns / NSEC_PER_SEC);
	ru.ru_utime.tv_usec = (long)(ns % NSEC_PER_SEC / 1000);
	return put_user(ru, a1);
}

static void barrier_here(void *arg)
{
	dsb(ish);
	isb();
}

SYSCALL(membarrier)
{
	int supported = MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |
		MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED |
		MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |
		MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE;
	int cmd = (int)a0;

	if (a1)
		return -EINVAL;
	if (cmd == MEMBARRIER_CMD_QUERY)
		return supported;
	if (!(cmd & supported) || (cmd & (cmd - 1)))
		return -EINVAL;
	/* Nobody needs to register: every kind interrupts all CPUs. */
	if (cmd & (MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |
		   MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE))
		return 0;
	smp_call_all(barrier_here, NULL);
	return 0;
}

SYSCALL(syslog)
{
	/* Messages go to the console; there is no reader's end. Sizes and levels are accepted for dmesg -n. */
	return (int)a0 < 0 || (int)a0 > 10 ? -EINVAL : 0;
}

SYSCALL(vhangup)
{
	return 0;
}

SYSCALL(reboot)
{
	if ((u32)a0 != LINUX_REBOOT_MAGIC1 ||
	    ((u32)a1 != LINUX_REBOOT_MAGIC2 && (u32)a1 != LINUX_REBOOT_MAGIC2A &&
	     (u32)a1 != LINUX_REBOOT_MAGIC2B && (u32)a1 != LINUX_REBOOT_MAGIC2C))
		return -EINVAL;
	switch ((u32)a2) {
	case LINUX_REBOOT_CMD_CAD_ON:
	case LINUX_REBOOT_CMD_CAD_OFF:
		return 0;
	case LINUX_REBOOT_CMD_RESTART:
	case LINUX_REBOOT_CMD_RESTART2:
		power_reset();
	case LINUX_REBOOT_CMD_HALT:
	case LINUX_REBOOT_CMD_POWER_OFF:
		control_send("exit 0");
		power_off();
	default:
		return -EINVAL;
	}
}
