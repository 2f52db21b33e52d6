// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercall feature registers as the VMM writes them and the guest meets them: order of the checks, freeze, gates, the
 * filter, forwarded calls, and the services behind: TRNG, stolen time, PTP, discovery of target implementations.
 */
#include "kvm.h"

#define FW(n)		KVM_REG_ARM_FW_REG(n)
#define BMAP(n)		KVM_REG_ARM_FW_FEAT_BMAP_REG(n)
#define WA(n)		FW(n)
#define RAN_GPA		(RAM_GPA + 0x2000)
#define STEAL_GPA	(RAM_GPA + 0x3000)

/* Calls what x0..x3 say, reports x0..x3, for ever; the VMM sets them at each exit. */
GUEST(caller, "1: hvc #0; stp x0, x1, [x27]; stp x2, x3, [x27, #16]; str x0, [x28]; b 1b");
GUEST(smc_caller, "1: smc #0; stp x0, x1, [x27]; stp x2, x3, [x27, #16]; str x0, [x28]; b 1b");

struct res {
	uint64_t x[4];
};

/* A call by the guest; false: an exit that was not its report. */
static bool call(struct vm *vm, uint64_t fn, uint64_t a1, uint64_t a2, struct res *res)
{
	set(vm->vcpu, REG_X(0), fn);
	set(vm->vcpu, REG_X(1), a1);
	set(vm->vcpu, REG_X(2), a2);
	set(vm->vcpu, REG_X(3), 0x33);
	set(vm->vcpu, REG_X(27), RAN_GPA);
	if (vcpu_run(vm) != KVM_EXIT_MMIO)
		return false;
	memcpy(res, vm->ram + (RAN_GPA - RAM_GPA), sizeof(*res));
	/* The store is completed by the next entry: before that PC is still at it. */
	vm->run->immediate_exit = 1;
	ioctl(vm->vcpu, KVM_RUN, 0);
	vm->run->immediate_exit = 0;
	return true;
}

static int64_t simple(struct vm *vm, uint64_t fn, uint64_t a1)
{
	struct res r = { { 0 } };

	return call(vm, fn, a1, 0, &r) ? (int64_t)r.x[0] : -1000;
}

static void set_errno(int vcpu, uint64_t id, uint64_t v, int err, const char *name)
{
	check_errno(set_reg(vcpu, id, &v), err, name);
}

static void set_ok(int vcpu, uint64_t id, uint64_t v, const char *name)
{
	check_eq(set_reg(vcpu, id, &v), 0, name);
}

static void psci_version(void)
{
	struct vm vm = VM(caller);
	int old = must(ioctl(vm.fd, KVM_CREATE_VCPU, 1L));
	uint64_t v = 0;

	check_eq(reg(vm.vcpu, FW(0)), 0x10001, "PSCI version 1.1 by default");
	set_errno(vm.vcpu, FW(0), 1, EINVAL, "PSCI 0.1 with the 0.2 feature");
	set_errno(vm.vcpu, FW(0), 3, EINVAL, "PSCI 0.3");
	set_errno(vm.vcpu, FW(0), 0x10002, EINVAL, "PSCI 1.2: not before Linux 6.13");
	set_errno(vm.vcpu, FW(0), 0x10003, EINVAL, "PSCI 1.3");
	set_errno(vm.vcpu, FW(0), 0x20000, EINVAL, "PSCI 2.0");
	set_errno(vm.vcpu, FW(0), ~0UL, EINVAL, "PSCI ~0");
	check_errno(set_reg(vm.vcpu, FW(0), NULL), EFAULT, "from NULL");
	check_errno(set_reg(vm.vcpu, (FW(0) & ~KVM_REG_SIZE_MASK) | KVM_REG_SIZE_U32, &v), ENOENT, "with 32 bits");
	check_errno(set_reg(vm.vcpu, (FW(0) & ~KVM_REG_SIZE_MASK) | KVM_REG_SIZE_U32, NULL), ENOENT, "size before address");
	check_errno(get_reg(vm.vcpu, FW(99), &v), ENOENT, "unknown firmware register");
	check_errno(set_reg(vm.vcpu, FW(99), &v), ENOENT, "written");
	check_errno(set_reg(vm.vcpu, FW(99), NULL), EFAULT, "address before number");
	check_errno(get_reg(vm.vcpu, BMAP(77), &v), ENOENT, "unknown bitmap");
	check_errno(get_reg(old, FW(0), &v), ENOEXEC, "before KVM_ARM_VCPU_INIT");
	set_ok(vm.vcpu, FW(0), 0x10000, "PSCI 1.0");
	check_eq(simple(&vm, 0x84000000, 0), 0x10000, "the guest sees it");
	check_eq(simple(&vm, 0x8400000a, 0x84000012), -1, "and has no SYSTEM_RESET2");
	set_ok(vm.vcpu, FW(0), 0x10001, "it is not frozen by the run");
	check_eq(simple(&vm, 0x84000000, 0), 0x10001, "1.1 again");
	set_ok(vm.vcpu, FW(0), 2, "PSCI 0.2");
	check_eq(simple(&vm, 0x84000000, 0), 2, "0.2");
	check_eq(simple(&vm, 0x8400000a, 0x84000000), -1, "and has no PSCI_FEATURES");
	close(old);
	vm_drop(&vm);
}

/* What Linux says of the CPUs that QEMU has: levels of workaround 1, 2 and 3. */
static const struct {
	uint32_t midr;
	unsigned char level[3];
} models[] = {
	{ 0x000f0510, { 2, 0, 2 } },	/* max */
	{ 0x412fd050, { 2, 3, 2 } },	/* cortex-a55 */
	{ 0x414fd0b1, { 2, 0, 1 } },	/* cortex-a76 */
	{ 0x412fd471, { 2, 0, 1 } },	/* cortex-a710 */
	{ 0x414fd0c1, { 2, 0, 1 } },	/* neoverse-n1 */
	{ 0x410fd493, { 2, 0, 1 } },	/* neoverse-n2 */
	{ 0x411fd402, { 2, 0, 1 } },	/* neoverse-v1 */
	{ 0x461f0010, { 0, 0, 0 } },	/* a64fx */
};

static void workarounds_of_model(struct vm *vm)
{
	uint64_t midr = reg(vm->vcpu, ARM64_SYS_REG(3, 0, 0, 0, 0));
	unsigned int i, n;

	for (i = 0; i < sizeof(models) / sizeof(models[0]) && models[i].midr != midr; i++)
		;
	if (!check(i < sizeof(models) / sizeof(models[0]), "a CPU model that is known here"))
		printf("# MIDR %#lx\n", (unsigned long)midr);
	for (n = 0; n < 3 && i < sizeof(models) / sizeof(models[0]); n++)
		check_eq(reg(vm->vcpu, WA(n + 1)), models[i].level[n], "workaround of this CPU model");
}

/* The calls themselves do no harm where there is nothing to do. x2 and x3 stay. */
static void workaround_calls(struct vm *vm)
{
	static const uint32_t fns[] = { 0x80008000, 0x80007fff, 0x80003fff };

	for (unsigned int i = 0; i < 3; i++) {
		struct res r = { { 0 } };

		check(call(vm, fns[i], 7, 8, &r) && !r.x[0] && r.x[2] == 8 && r.x[3] == 0x33, "ARCH_WORKAROUND_n returns 0");
	}
}

static void workarounds(void)
{
	struct vm vm = VM(caller), smc = VM(smc_caller);
	uint64_t level;
	int64_t told;

	workarounds_of_model(&vm);
	workaround_calls(&vm);
	check_eq(simple(&smc, 0x80003fff, 0), on_nestbox() ? 0 : -1, "by SMC it is not Linux's");
	vm_drop(&smc);
	for (unsigned int n = 1; n <= 3; n += 2) {
		level = reg(vm.vcpu, WA(n));
		check(level <= 2, "a level of the workaround");
		set_ok(vm.vcpu, WA(n), level, "its own level");
		set_ok(vm.vcpu, WA(n), 0, "less");
		check_eq(reg(vm.vcpu, WA(n)), level, "is not stored");
		if (level < 2)
			set_errno(vm.vcpu, WA(n), level + 1, EINVAL, "more");
		set_errno(vm.vcpu, WA(n), 0x10, EINVAL, "an unknown bit");
		told = simple(&vm, 0x80000001, n == 1 ? 0x80008000 : 0x80003fff);
		check_eq(told, level == 2 ? 1 : level == 1 ? 0 : -1, "ARCH_FEATURES agrees");
	}
	level = reg(vm.vcpu, WA(2));
	check(level == 0 || level == 3, "workaround 2 is not available or not required");
	set_ok(vm.vcpu, WA(2), 0, "not available");
	set_ok(vm.vcpu, WA(2), 1, "unknown");
	set_errno(vm.vcpu, WA(2), 0x13, EINVAL, "enabled where nothing is required");
	set_errno(vm.vcpu, WA(2), 0x10, EINVAL, "enabled where there is none");
	set_errno(vm.vcpu, WA(2), 4, EINVAL, "an unknown level");
	if (level == 0)
		set_errno(vm.vcpu, WA(2), 3, EINVAL, "not required is more than there is");
	set_ok(vm.vcpu, WA(2), level, "its own level, after the run");
	vm_drop(&vm);
}

static void bitmaps(void)
{
	static const uint64_t defaults[] = { 1, 1, 3 };
	struct vm vm = VM(caller);
	unsigned int n;

	for (n = 0; n < 3; n++) {
		check_eq(reg(vm.vcpu, BMAP(n)), (long)defaults[n], "default: all there is");
		set_errno(vm.vcpu, BMAP(n), 1UL << 40, EINVAL, "an unknown bit");
		set_ok(vm.vcpu, BMAP(n), 0, "none");
	}
	check_eq(simple(&vm, 0x84000050, 0), -1, "TRNG_VERSION denied");
	check_eq(simple(&vm, 0xc4000053, 64), -1, "TRNG_RND64 denied");
	check_eq(simple(&vm, 0xc5000020, 0xc5000021), -1, "PV_TIME_FEATURES denied");
	check_eq(simple(&vm, 0x80000001, 0xc5000020), -1, "and ARCH_FEATURES does not know it");
	check_eq(simple(&vm, 0x86000000, 0), -1, "vendor features denied");
	check_eq(simple(&vm, 0x8600ff01, 0), -1, "vendor UID denied");
	check_eq(simple(&vm, 0x86000001, 0), -1, "PTP denied");
	check_eq(simple(&vm, 0x80000000, 0), 0x10001, "SMCCC_VERSION is never denied");
	check_eq(simple(&vm, 0x84000000, 0), 0x10001, "nor PSCI");
	for (n = 0; n < 3; n++) {
		set_errno(vm.vcpu, BMAP(n), 1UL << 40, EINVAL, "after the run: unknown bits are invalid first");
		set_errno(vm.vcpu, BMAP(n), 1, EBUSY, "another value is busy");
		set_ok(vm.vcpu, BMAP(n), 0, "the same value is right");
	}
	must(vcpu_init_features(vm.fd, vm.vcpu, 1 << KVM_ARM_VCPU_PSCI_0_2));
	set_errno(vm.vcpu, BMAP(0), 1, EBUSY, "KVM_ARM_VCPU_INIT does not thaw");
	vm_drop(&vm);
}

/* KVM_RUN that fails early leaves the registers open; one that gets past its checks freezes them, guest or no guest. */
static void freeze(void)
{
	struct vm vm = VM(caller);
	int second = must(ioctl(vm.fd, KVM_CREATE_VCPU, 1L));

	check_errno(ioctl(second, KVM_RUN, 0), ENOEXEC, "KVM_RUN before KVM_ARM_VCPU_INIT");
	set_ok(vm.vcpu, BMAP(0), 1, "does not freeze");
	set_ok(vm.vcpu, BMAP(0), 0, "anything");
	close(second);
	vm_drop(&vm);
	vm = VM(caller);
	vm.run->immediate_exit = 1;
	check_errno(ioctl(vm.vcpu, KVM_RUN, 0), EINTR, "KVM_RUN with immediate_exit");
	set_errno(vm.vcpu, BMAP(0), 0, EBUSY, "freezes though no instruction ran");
	vm_drop(&vm);
}

static bool listed(int vcpu, uint64_t id)
{
	struct kvm_reg_list n = { 0 }, *l;
	bool found = false;

	ioctl(vcpu, KVM_GET_REG_LIST, &n);
	l = calloc(1, sizeof(*l) + n.n * 8);
	l->n = n.n;
	must(ioctl(vcpu, KVM_GET_REG_LIST, l));
	for (uint64_t i = 0; i < l->n; i++)
		found |= l->reg[i] == id;
	free(l);
	return found;
}

/* Linux has VENDOR_HYP_BMAP_2 from 6.15 on; here it is there, and listed once somebody wants it. */
static void discovery(void)
{
	struct vm vm = VM(caller);
	uint64_t v;
	struct res r;

	if (get_reg(vm.vcpu, BMAP(3), &v)) {
		check_eq(errno, ENOENT, "no VENDOR_HYP_BMAP_2");
		printf("# no discovery of target implementations\n");
		vm_drop(&vm);
		return;
	}
	check_eq(v, 0, "VENDOR_HYP_BMAP_2 is 0 by default");
	check(!listed(vm.vcpu, BMAP(3)), "and not in the list");
	set_errno(vm.vcpu, BMAP(3), 4, EINVAL, "unknown bit");
	set_ok(vm.vcpu, BMAP(3), 3, "discovery on");
	check(listed(vm.vcpu, BMAP(3)), "then it is in the list");
	check(call(&vm, 0x86000000, 0, 0, &r) && r.x[0] == 3 && r.x[2] == 3, "features have both bitmaps");
	check(call(&vm, 0xc6000040, 0, 0, &r) && !r.x[0] && r.x[1] == 0x10000 && r.x[2] == 1, "one implementation");
	check(call(&vm, 0xc6000041, 0, 0, &r) && !r.x[0] && r.x[1] == reg(vm.vcpu, ARM64_SYS_REG(3, 0, 0, 0, 0)) &&
	      r.x[2] == reg(vm.vcpu, ARM64_SYS_REG(3, 0, 0, 0, 6)), "is this CPU");
	check_eq(simple(&vm, 0xc6000041, 1), -3, "there is no second");
	check_eq(simple(&vm, 0xc6000041, -1UL), -3, "nor a last");
	set_errno(vm.vcpu, BMAP(3), 1, EBUSY, "frozen");
	vm_drop(&vm);
	vm = VM(caller);
	check_eq(simple(&vm, 0xc6000040, 0), -1, "without the bit no discovery");
	vm_drop(&vm);
}

static int filter_set(struct vm *vm, uint32_t base, uint32_t nr, uint8_t action, uint8_t pad)
{
	struct kvm_smccc_filter f = { .base = base, .nr_functions = nr, .action = action, .pad = { [14] = pad } };
	struct kvm_device_attr a = { .group = KVM_ARM_VM_SMCCC_CTRL, .attr = KVM_ARM_VM_SMCCC_FILTER,
				     .addr = (uintptr_t)&f };

	return ioctl(vm->fd, KVM_SET_DEVICE_ATTR, &a);
}

static void filter(void)
{
	struct kvm_device_attr a = { .group = KVM_ARM_VM_SMCCC_CTRL, .attr = KVM_ARM_VM_SMCCC_FILTER };
	struct vm vm = VM(caller);

	check_errno(ioctl(vm.fd, KVM_SET_DEVICE_ATTR, &a), EFAULT, "filter from NULL");
	check_errno(filter_set(&vm, 0xc5000000, 1, 1, 1), EINVAL, "filter with padding");
	check_errno(filter_set(&vm, 0xc5000000, 0, 1, 0), EINVAL, "filter of nothing");
	check_errno(filter_set(&vm, 0, 0, 1, 0), EEXIST, "of nothing from 0 on: everything");
	check_errno(filter_set(&vm, 0xffffffff, 2, 1, 0), EINVAL, "filter that wraps");
	check_errno(filter_set(&vm, 0xc5000000, 1, 3, 0), EINVAL, "filter of unknown action");
	check_errno(filter_set(&vm, 0x8000ffff, 1, 1, 0), EEXIST, "filter of the architecture's calls");
	check_errno(filter_set(&vm, 0xc0000000, 0x20000, 1, 0), EEXIST, "or a range that has them");
	check_eq(filter_set(&vm, 0x84000050, 4, KVM_SMCCC_FILTER_DENY, 0), 0, "deny TRNG");
	check_errno(filter_set(&vm, 0x84000053, 2, KVM_SMCCC_FILTER_HANDLE, 0), EEXIST, "overlap, whatever the action");
	check_eq(filter_set(&vm, 0xc6000100, 16, KVM_SMCCC_FILTER_FWD_TO_USER, 0), 0, "forward some");
	check_eq(simple(&vm, 0x84000050, 0), -1, "TRNG_VERSION denied");
	check_eq(simple(&vm, 0xc4000053, 64), 0, "TRNG_RND64 not");
	set(vm.vcpu, REG_X(0), 0xc6000105);
	check_eq(vcpu_run(&vm), KVM_EXIT_HYPERCALL, "a forwarded call");
	check(vm.run->hypercall.nr == 0xc6000105 && !vm.run->hypercall.flags, "its number, HVC");
	check_eq(reg(vm.vcpu, REG_PC), RAM_GPA + 4, "PC is past it");
	check_errno(filter_set(&vm, 0x84000050, 4, KVM_SMCCC_FILTER_DENY, 0), EBUSY, "after the run: busy, the same too");
	vm_drop(&vm);
	vm = VM(smc_caller);
	must(filter_set(&vm, 0xc6000100, 16, KVM_SMCCC_FILTER_FWD_TO_USER, 0));
	set(vm.vcpu, REG_X(0), 0xc600010f);
	check_eq(vcpu_run(&vm), KVM_EXIT_HYPERCALL, "forwarded by SMC");
	check_eq(vm.run->hypercall.flags, KVM_HYPERCALL_EXIT_SMC, "as such");
	check_eq(reg(vm.vcpu, REG_PC), RAM_GPA + 4, "PC is past it too");
	vm_drop(&vm);
}

static void services(void)
{
	struct vm vm = VM(caller);
	uint64_t ipa = STEAL_GPA, wall, cycles, before;
	struct kvm_device_attr a = { .group = KVM_ARM_VCPU_PVTIME_CTRL, .attr = KVM_ARM_VCPU_PVTIME_IPA,
				     .addr = (uintptr_t)&ipa };
	struct timespec ts;
	struct res r, s;

	check_eq(simple(&vm, 0x84000050, 0), 0x10000, "TRNG 1.0");
	check_eq(simple(&vm, 0x84000051, 0x84000053), 0, "has RND");
	check_eq(simple(&vm, 0x84000051, 0x84000054), -1, "and no more");
	check(call(&vm, 0x84000053, 96, 0, &r) && !r.x[0] && !(r.x[1] >> 32) && !(r.x[2] >> 32) && !(r.x[3] >> 32),
	      "RND of 96 bits");
	check(call(&vm, 0xc4000053, 192, 0, &r) && call(&vm, 0xc4000053, 192, 0, &s) && memcmp(&r, &s, sizeof(r)),
	      "RND64 twice gives two values");
	check(call(&vm, 0xc4000053, 65, 0, &r) && !r.x[0] && !r.x[1] && !(r.x[2] >> 1), "65 bits: the rest is zero");
	check_eq(simple(&vm, 0xc4000053, 193), -2, "193 bits");
	check_eq(simple(&vm, 0x84000053, 97), -2, "RND of 97 bits");
	check(call(&vm, 0x8600ff01, 0, 0, &r) && r.x[0] == 0xb66fb428 && r.x[1] == 0xe911c52e && r.x[2] == 0x564bcaa9 &&
	      r.x[3] == 0x743a004d, "the UID of KVM");
	check(call(&vm, 0x86000000, 0, 0, &r) && r.x[0] == 3 && !r.x[1] && !r.x[3], "vendor features");
	/* PTP: seconds and nanoseconds of the wall clock as one number, and the counter then. */
	before = reg(vm.vcpu, KVM_REG_ARM_TIMER_CNT);
	check(call(&vm, 0x86000001, 0, 0, &r), "PTP");
	wall = r.x[0] << 32 | r.x[1];
	cycles = r.x[2] << 32 | r.x[3];
	clock_gettime(CLOCK_REALTIME, &ts);
	check(wall <= ts.tv_sec * 1000000000UL + ts.tv_nsec, "its clock is not ahead");
	check(wall / 1000000000 + 100 > (uint64_t)ts.tv_sec, "nor of another day");
	check(cycles >= before && cycles <= reg(vm.vcpu, KVM_REG_ARM_TIMER_CNT), "its count is between two others");
	check_eq(simple(&vm, 0x86000001, 2), -1, "PTP of a third counter");
	/* Stolen time. */
	check_eq(simple(&vm, 0xc5000020, 0xc5000021), -1, "no stolen time without an address");
	check_eq(ioctl(vm.vcpu, KVM_HAS_DEVICE_ATTR, &a), 0, "there is an attribute");
	ipa = STEAL_GPA + 8;
	check_errno(ioctl(vm.vcpu, KVM_SET_DEVICE_ATTR, &a), EINVAL, "an odd address");
	ipa = MMIO_GPA;
	check_errno(ioctl(vm.vcpu, KVM_SET_DEVICE_ATTR, &a), EINVAL, "no memory");
	ipa = STEAL_GPA;
	check_eq(ioctl(vm.vcpu, KVM_SET_DEVICE_ATTR, &a), 0, "an address");
	check_errno(ioctl(vm.vcpu, KVM_SET_DEVICE_ATTR, &a), EEXIST, "twice");
	check_eq(simple(&vm, 0x80000001, 0xc5000020), 0, "ARCH_FEATURES");
	check_eq(simple(&vm, 0xc5000020, 0xc5000021), 0, "PV_TIME_FEATURES");
	memset(vm.ram + (STEAL_GPA - RAM_GPA), 0xff, 64);
	check_eq(simple(&vm, 0xc5000021, 0), STEAL_GPA, "PV_TIME_ST");
	check(!*(uint64_t *)(vm.ram + (STEAL_GPA - RAM_GPA)), "revision and attributes");
	check(*(uint64_t *)(vm.ram + (STEAL_GPA - RAM_GPA) + 8) < 1UL << 40, "a time");
	vm_drop(&vm);
}

int main(void)
{
	psci_version();
	workarounds();
	bitmaps();
	freeze();
	discovery();
	filter();
	services();
	return report();
}
