// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CREATE_DEVICE: descriptors of in-kernel devices. A descriptor holds a reference on its VM; what the device models
 * stays with the VM. Types register themselves at start, before any process. Linux: api.rst 4.79, 4.80.
 */
#include <linux/errno.h>

#include "kernel/debug/print.h"
#include "kernel/mm/page.h"
#include "kernel/mm/uaccess.h"
#include "kvm/kvm.h"

#define TYPES_MAX	4
#define O_RDWR_		2
#define O_CLOEXEC_	02000000

static const struct kvm_device_ops *types[TYPES_MAX];

struct device {
	const struct kvm_device_ops *ops;
	struct vm *vm;
	void *priv;
	bool made;		/* priv is there; until then the descriptor is of no use */
};

void kvm_device_register(const struct kvm_device_ops *ops)
{
	unsigned i;

	for (i = 0; i < TYPES_MAX && types[i]; i++)
		;
	ASSERT(i < TYPES_MAX);
	types[i] = ops;
}

static const struct kvm_device_ops *type_find(u32 type)
{
	unsigned i;

	for (i = 0; i < TYPES_MAX; i++)
		if (types[i] && types[i]->type == type)
			return types[i];
	return NULL;
}

static s64 device_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct device *d = f->priv;
	int (*fn)(void *priv, const struct kvm_device_attr *a);
	struct kvm_device_attr a;

	if (d->vm->mm != mm_current())
		return -EIO;
	if (!__atomic_load_n(&d->made, __ATOMIC_ACQUIRE))
		return -EBADF;
	switch (cmd) {
	case KVM_SET_DEVICE_ATTR:
		fn = d->ops->set_attr;
		break;
	case KVM_GET_DEVICE_ATTR:
		fn = d->ops->get_attr;
		break;
	case KVM_HAS_DEVICE_ATTR:
		fn = d->ops->has_attr;
		break;
	default:
		return -ENOTTY;
	}
	if (!fn)
		return -EPERM;
	if (copy_from_user(&a, arg, sizeof(a)))
		return -EFAULT;
	return fn(d->priv, &a);
}

static void device_release(struct file *f)
{
	struct device *d = f->priv;

	if (d->made && d->ops->destroy)
		d->ops->destroy(d->priv);
	vm_put(d->vm);
	kfree(d);
}

static const struct file_ops device_ops = {
	.name = "anon_inode:kvm-device",
	.ioctl = device_ioctl,
	.release = device_release,
};

int kvm_device_create(struct vm *vm, struct kvm_create_device *cd)
{
	const struct kvm_device_ops *ops = type_find(cd->type);
	struct device *d;
	struct file *f;
	int fd, ret;

	if (!ops)
		return -ENODEV;
	if (cd->flags & KVM_CREATE_DEVICE_TEST)
		return 0;
	d = kzalloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->ops = ops;
	d->vm = vm;
	f = file_alloc(&device_ops, d, O_RDWR_);
	if (!f) {
		kfree(d);
		return -ENOMEM;
	}
	vm_get(vm);
	file_get(f);
	/* What the VM gets it keeps, so the descriptor comes first: without one there must be no device either. */
	fd = fd_install(f, O_CLOEXEC_);
	if (fd < 0) {
		file_put(f);
		ret = fd;
	} else {
		ret = ops->create(vm, &d->priv);	/* takes vm->lock itself */
		if (ret)
			fd_withdraw(fd, f);
		else
			__atomic_store_n(&d->made, true, __ATOMIC_RELEASE);
	}
	file_put(f);
	if (!ret)
		cd->fd = fd;
	return ret;
}
