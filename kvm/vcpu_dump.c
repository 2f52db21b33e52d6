// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vCPUs' sets by name: in a panic (the vCPU whose thread panics) and in /sys/kernel/debug/kvm/vcpus. The fields come
 * from the structs themselves (tables/gen_vcpu.py). Lock: vms_lock (mutex, outermost) protects the list of VMs; what is
 * dumped is read while it may change.
 */
#include "kernel/debug/debug.h"
#include "kernel/debug/print.h"
#include "kernel/lib/string.h"
#include "kvm/vcpu_dump.h"
#include "kvm/vcpu_state.h"
#include "linux/fs/vfs.h"

#define LINE_MAX	120
#define HOOKS_MAX	8	/* of a thread, in a panic: its list may be what is broken */

struct dump {
	vcpu_dump_line line;
	void *arg;
	const char *set;
	char buf[LINE_MAX + 64];
	int len;
};

static void dump_flush(struct dump *d)
{
	if (d->len)
		d->line(d->arg, d->buf);
	d->len = 0;
}

static void dump_text(struct dump *d, const char *name, const char *value)
{
	if (d->len + strlen(name) + strlen(value) + 2 > LINE_MAX)
		dump_flush(d);
	if (!d->len)
		d->len = snprintf(d->buf, sizeof(d->buf), "  %s:", d->set);
	d->len += snprintf(d->buf + d->len, sizeof(d->buf) - d->len, " %s=%s", name, value);
	d->len = MIN(d->len, (int)sizeof(d->buf) - 1);
}

static void dump_number(struct dump *d, const char *name, u64 value)
{
	char buf[24];

	snprintf(buf, sizeof(buf), value > 9 ? "%#lx" : "%lu", value);
	dump_text(d, name, buf);
}

static void dump_name(struct dump *d, const char *name, const char *const *names, unsigned n, unsigned value)
{
	dump_text(d, name, value < n ? names[value] : "?");
}

#include "vcpu_dump.inc"

void vcpu_dump(const struct vcpu *v, vcpu_dump_line line, void *arg)
{
	static const struct {
		const char *name;
		void (*fn)(struct dump *d, const struct vcpu *v);
	} sets[] = {
		{ "configuration", dump_config }, { "traps", dump_traps }, { "input", dump_input }, { "state", dump_state },
	};
	struct dump d = { .line = line, .arg = arg };
	unsigned i;

	snprintf(d.buf, sizeof(d.buf), "vcpu %u: pc %#lx pstate %#lx requests %#x%s%s", v->id, v->regs.pc, v->regs.pstate,
		 READ_ONCE(v->requests), v->loaded ? " loaded" : "", v->in_guest ? " in guest" : "");
	line(arg, d.buf);
	for (i = 0; i < ARRAY_SIZE(sets); i++) {
		d.set = sets[i].name;
		sets[i].fn(&d, v);
		dump_flush(&d);
	}
}

/* ---- in a panic ---- */

static void line_to_console(void *arg, const char *text)
{
	pr_err("%s\n", text);
}

static void dump_in_panic(void)
{
	struct switch_hook *h;
	const struct vcpu *v;
	unsigned n = 0;

	list_for_each(h, &current_thread->switch_hooks, node) {
		if (n++ == HOOKS_MAX)
			break;
		v = vcpu_of_hook(h);
		if (v)
			vcpu_dump(v, line_to_console, NULL);
	}
}

/* ---- the debug file ---- */

static struct list vms = LIST_INIT(vms);
static struct mutex vms_lock;

void vm_dump_add(struct vm *vm)
{
	mutex_lock(&vms_lock);
	list_add_tail(&vm->node, &vms);
	mutex_unlock(&vms_lock);
}

/* Whoever reads the file holds the lock: after this nobody looks at the VM. */
void vm_dump_del(struct vm *vm)
{
	mutex_lock(&vms_lock);
	list_del(&vm->node);
	mutex_unlock(&vms_lock);
}

static void line_to_text(void *arg, const char *text)
{
	text_printf(arg, "%s\n", text);
}

static int show_vcpus(struct textbuf *t, void *arg)
{
	struct vcpu *v;
	struct vm *vm;
	unsigned i, n = 0;

	mutex_lock(&vms_lock);
	list_for_each(vm, &vms, node) {
		text_printf(t, "vm %u: vcpus %u ipa_bits %u ran_once %u features %#x\n", n++, vm->nr_vcpus, vm->ipa_bits,
			    vm->ran_once, vm->init_features);
		vm_for_each_vcpu(i, v, vm)
			vcpu_dump(v, line_to_text, t);
	}
	mutex_unlock(&vms_lock);
	return 0;
}

void vcpu_dump_init(void)
{
	mutex_init(&vms_lock);
	panic_more = dump_in_panic;
	if (proc_register("/sys/kernel/debug/kvm/vcpus", show_vcpus, NULL))
		pr_warn("kvm: no debug file\n");
}
