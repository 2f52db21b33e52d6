// SPDX-License-Identifier: GPL-2.0-only
/* /dev/kvm: the system ioctls, and the start of everything in kvm/. Linux: Documentation/virt/kvm/api.rst. */
#include <linux/errno.h>

#include "kernel/debug/print.h"
#include "kernel/lib/string.h"
#include "kernel/mm/uaccess.h"
#include "kvm/features.h"
#include "kvm/run/run.h"
#include "kvm/pmu/pmu.h"
#include "kvm/timer/timer.h"
#include "kvm/vcpu_dump.h"
#include "kvm/vgic/vgic.h"

#define KVM_MISC_MAJOR	10
#define KVM_MINOR	232

static s64 ioctl_api_version(void *o)
{
	return KVM_API_VERSION;
}

static s64 ioctl_create_vm(void *o, u64 type)
{
	return vm_create(type);
}

static s64 ioctl_check_extension(void *o, u64 cap)
{
	return kvm_check_extension(NULL, cap);
}

/* The run page, and the ring of coalesced MMIO that arm64 has in its ABI. */
static s64 ioctl_mmap_size(void *o)
{
	return 2 * PAGE_SIZE;
}

#include "ioctl_system.h"

static s64 dev_ioctl(struct file *f, u32 cmd, u64 arg)
{
	return system_cmd(NULL, cmd, arg);
}

static const struct file_ops dev_ops = {
	.ioctl = dev_ioctl,
};

static struct file *dev_open(u32 flags, int *err)
{
	struct file *f = file_alloc(&dev_ops, NULL, flags);

	if (!f)
		*err = -ENOMEM;
	return f;
}

int kvm_init(void)
{
	if (features_init() || stage2_boot_init())
		return 0;
	kvm_run_init();
	vcpu_dump_init();
	if (vgic_init() || timer_init() || pmu_init()) {
		pr_warn("kvm: no usable GICv3 virtualisation or timers: /dev/kvm is not there\n");
		return 0;
	}
	pr_info("kvm: %u-bit IPA, %u-bit VMIDs%s\n", host.ipa_bits, host.vmid_bits, host.fwb ? ", FWB" : "");
	return dev_register("kvm", KVM_MISC_MAJOR, KVM_MINOR, dev_open);
}
