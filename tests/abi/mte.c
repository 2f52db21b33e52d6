// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation tags for guests (KVM_CAP_ARM_MTE), on a machine that has them
 * (QEMU: -M virt,mte=on); elsewhere, that there are none. The guest runs with its
 * MMU on: only tagged memory has tags.
 */
#include "kvm_el2.h"

#define TABLE		0x100000	/* level 1, from the start of RAM */
#define DATA		0x200000
#define VECTORS		0x1000
#define TAGS		256		/* of a page */

/*
 * x20: MAIR, x21: TCR, x22: table, x23: bits for SCTLR, x24: data, x25: vectors.
 * Tells: the tag of fresh memory; the tag it set; data through the right tag;
 * then faults with the wrong one (vector); then the tag of the second granule.
 */
GUEST(tags,
	".arch armv8.5-a+memtag\n"
	"msr vbar_el1, x25; msr mair_el1, x20; msr tcr_el1, x21; msr ttbr0_el1, x22; isb; tlbi vmalle1; dsb nsh; isb;"
	"mrs x0, sctlr_el1; orr x0, x0, x23; msr sctlr_el1, x0; isb; msr s3_3_c4_c2_7, xzr;"
	"mov x1, x24; ldg x1, [x1]; lsr x1, x1, #56; str x1, [x28];"
	"mov x2, #5; orr x2, x24, x2, lsl #56; stg x2, [x2]; mov x1, x24; ldg x1, [x1]; lsr x1, x1, #56; str x1, [x28, #8];"
	"mov x3, #0x77; str x3, [x2]; ldr x4, [x2]; str x4, [x28, #16];"
	"ldr x4, [x24]; str xzr, [x28, #24];"
	"add x1, x24, #16; ldg x1, [x1]; lsr x1, x1, #56; str x1, [x28, #32]; mrs x1, s3_0_c1_c0_6; str x1, [x28, #40]; 1: b 1b");
/* EL1 with SP_EL1, synchronous: tells fault status and address, steps over. */
GUEST(sync, "mrs x10, esr_el1; and x10, x10, #0x3f; str x10, [x28, #0x100]; mrs x10, far_el1; str x10, [x28, #0x108];"
	"mrs x10, elr_el1; add x10, x10, #4; msr elr_el1, x10; eret");
GUEST(absent, "mrs x1, s3_0_c1_c0_6; str x1, [x28]; 1: b 1b");


static struct vm vm_features(const void *code, const void *end, bool mte, uint32_t features)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_MTE };
	struct vm vm = vm_open();

	if (mte)
		must(ioctl(vm.fd, KVM_ENABLE_CAP, &cap));
	vm_vcpu(&vm, features);
	vm_code(&vm, code, end);
	return vm;
}

static struct vm vm_mte(const void *code, const void *end, bool mte)
{
	return vm_features(code, end, mte, PSCI);
}

static long copy_tags(struct vm *vm, uint64_t off, uint64_t length, void *tags, uint64_t flags)
{
	struct kvm_arm_copy_mte_tags c = {
		.guest_ipa = RAM_GPA + off, .length = length, .addr = tags, .flags = flags,
	};

	return ioctl(vm->fd, KVM_ARM_MTE_COPY_TAGS, &c);
}

/* CLIDR_EL1: the tag caches of the last level that maintenance has to reach; 2: in the lines of their data. */
static unsigned int tag_caches(int vcpu)
{
	uint64_t clidr = reg(vcpu, ARM64_SYS_REG(3, 1, 0, 0, 1));
	unsigned int loc = clidr >> 24 & 7;

	check(loc, "CLIDR_EL1.LoC");
	check(!(clidr >> 33 & ~(3UL << 2 * (loc - 1))), "CLIDR_EL1: tag caches at that level only");
	return loc ? clidr >> (33 + 2 * (loc - 1)) & 3 : 0;
}

static void none(void)
{
	struct vm vm = vm_mte(guest_absent, guest_absent_end, false);
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_MTE };
	uint8_t tags[TAGS];
	uint64_t val;

	/* At the vector for EL1 with SP_EL1: mrs x0, esr_el1; str x0, [x28, #8]. */
	static const uint32_t vector[] = { 0xd5385200, 0xf9000780 };

	check_errno(ioctl(vm.fd, KVM_ENABLE_CAP, &cap), EINVAL, "not once there are vCPUs");
	check_errno(copy_tags(&vm, 0, 4096, tags, KVM_ARM_TAGS_FROM_GUEST), EINVAL, "no tags to copy");
	check_errno(get_reg(vm.vcpu, ARM64_SYS_REG(3, 0, 1, 0, 6), &val), ENOENT, "no GCR_EL1");
	check_eq(reg(vm.vcpu, ARM64_SYS_REG(3, 0, 0, 4, 1)) >> 8 & 15, 0, "ID_AA64PFR1_EL1.MTE is 0");
	check_eq(tag_caches(vm.vcpu), 0, "no tag caches");
	memcpy(vm.ram + VECTORS + 0x200, vector, sizeof(vector));
	set(vm.vcpu, ARM64_SYS_REG(3, 0, 12, 0, 0), RAM_GPA + VECTORS);
	check_eq(guest_says(&vm, 8) >> 26, 0, "GCR_EL1 is UNDEF");
	vm_drop(&vm);
}

static void prepare(struct vm *vm)
{
	uint64_t *table = (uint64_t *)(vm->ram + TABLE);

	memcpy(vm->ram + VECTORS + 0x200, guest_sync, guest_sync_end - guest_sync);
	table[0] = 0x405;			/* device: attribute 1 */
	table[1] = 0x40000000 | 0x701;		/* tagged: attribute 0 */
	set(vm->vcpu, REG_X(20), 0x00f0);
	set(vm->vcpu, REG_X(21), 25 | 0x3500 | 1UL << 23 | 2UL << 32 | 1UL << 37);
	set(vm->vcpu, REG_X(22), RAM_GPA + TABLE);
	set(vm->vcpu, REG_X(23), 1UL << 43 | 1UL << 40 | 0x1005);	/* ATA, TCF synchronous, I, C, M */
	set(vm->vcpu, REG_X(24), RAM_GPA + DATA);
	set(vm->vcpu, REG_X(25), RAM_GPA + VECTORS);
}

static void guest(void)
{
	struct vm vm = vm_mte(guest_tags, guest_tags_end, true);
	uint8_t tags[TAGS];

	check(reg(vm.vcpu, ARM64_SYS_REG(3, 0, 0, 4, 1)) >> 8 & 15, "ID_AA64PFR1_EL1.MTE");
	check_eq(tag_caches(vm.vcpu), 2, "tag caches");
	set(vm.vcpu, ARM64_SYS_REG(3, 0, 1, 0, 6), 0x1fff0 & 0x1ffff);
	prepare(&vm);
	check_eq(guest_says(&vm, 0), 0, "fresh memory has tag 0");
	check_eq(guest_says(&vm, 8), 5, "a tag is kept");
	check_eq(guest_says(&vm, 16), 0x77, "data through the right tag");
	check_eq(guest_says(&vm, 0x100), 0x11, "the wrong tag is a tag check fault");
	check_eq(guest_says(&vm, 0x108), RAM_GPA + DATA, "its address");
	check_eq(guest_says(&vm, 24), 0, "(stepped over)");
	check_eq(copy_tags(&vm, DATA, 4096, tags, KVM_ARM_TAGS_FROM_GUEST), 4096, "tags out");
	check_eq(tags[0], 5, "the first");
	check_eq(tags[1], 0, "the second");
	tags[1] = 9;
	check_eq(copy_tags(&vm, DATA, 4096, tags, 0), 4096, "tags in");
	check_eq(guest_says(&vm, 32), 9, "the guest sees it");
	check_eq(guest_says(&vm, 40), 0x1fff0, "GCR_EL1 from ONE_REG");
	vm_drop(&vm);
}

static void arguments(void)
{
	struct vm vm = vm_mte(guest_tags, guest_tags_end, true);
	struct kvm_arm_copy_mte_tags c = { .guest_ipa = RAM_GPA, .length = 4096, .flags = KVM_ARM_TAGS_FROM_GUEST };
	uint8_t tags[2 * TAGS] = { };

	check_errno(copy_tags(&vm, 1, 4096, tags, 0), EINVAL, "address within a page");
	check_errno(copy_tags(&vm, 0, 100, tags, 0), EINVAL, "length within a page");
	check_errno(copy_tags(&vm, 0, 1UL << 31, tags, 0), EINVAL, "longer than an int");
	check_errno(copy_tags(&vm, 0, 4096, tags, 2), EINVAL, "unknown flag");
	check_errno(copy_tags(&vm, 0, 4096, NULL, 0), EFAULT, "tags from nowhere");
	check_errno(copy_tags(&vm, RAM_SIZE, 4096, tags, 0), EFAULT, "no memory there");
	check_eq(copy_tags(&vm, RAM_SIZE - 4096, 8192, tags, 0), 4096, "half of it there");
	c.addr = tags;
	c.reserved[1] = 1;
	check_errno(ioctl(vm.fd, KVM_ARM_MTE_COPY_TAGS, &c), EINVAL, "reserved field");
	vm_drop(&vm);
}

/* Tags of one VM must not show up in the memory of the next. */
static void leak(void)
{
	struct vm vm = vm_mte(guest_tags, guest_tags_end, true);
	static uint8_t tags[RAM_SIZE / 16];
	unsigned int i, bad = 0;

	memset(tags, 10, sizeof(tags));
	check_eq(copy_tags(&vm, 0, RAM_SIZE, tags, 0), RAM_SIZE, "all memory tagged");
	vm_drop(&vm);
	vm = vm_mte(guest_tags, guest_tags_end, true);
	memset(vm.ram, 1, RAM_SIZE);
	check_eq(copy_tags(&vm, 0, RAM_SIZE, tags, KVM_ARM_TAGS_FROM_GUEST), RAM_SIZE, "tags of the next VM");
	for (i = 0; i < sizeof(tags); i++)
		bad += tags[i] != 0;
	check_eq(bad, 0, "are all 0");
	vm_drop(&vm);
}

/* At vectors of its own: tells the class of an access to GCR_EL1. */
GUEST(el2, "adr x1, 9f; msr vbar_el2, x1; isb; mrs x0, s3_0_c1_c0_6; mov x2, #1; str x2, [x28, #8]; 1: b 1b;"
	".org guest_el2 + 0x800; 9: .org guest_el2 + 0x800 + 0x200; mrs x0, esr_el2; str x0, [x28]; 1: b 1b; .org guest_el2 + 0x1000");

/* A guest with an EL2 sees nothing of tags, whatever the VM says; the VM has them, for KVM_ARM_MTE_COPY_TAGS. */
static void hypervisor(int kvm)
{
	uint8_t tags[TAGS];
	uint64_t val;
	struct vm vm;

	if (!el2_offered(kvm))
		return;
	vm = vm_features(guest_el2, guest_el2_end, true, PSCI | EL2);
	check_eq(reg(vm.vcpu, ARM64_SYS_REG(3, 0, 0, 4, 1)) >> 8 & 15, 0, "with an EL2: ID_AA64PFR1_EL1.MTE is 0");
	check_errno(get_reg(vm.vcpu, ARM64_SYS_REG(3, 0, 1, 0, 6), &val), ENOENT, "no GCR_EL1");
	check_eq(guest_says(&vm, 0) >> 26, 0, "GCR_EL1 is UNDEF");
	memset(tags, 6, sizeof(tags));
	check_eq(copy_tags(&vm, DATA, 4096, tags, 0), 4096, "tags in");
	memset(tags, 0, sizeof(tags));
	check_eq(copy_tags(&vm, DATA, 4096, tags, KVM_ARM_TAGS_FROM_GUEST), 4096, "tags out");
	check_eq(tags[TAGS - 1], 6, "the same");
	vm_drop(&vm);
}

int main(void)
{
	int kvm = must(open("/dev/kvm", O_RDWR));
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_MTE };
	int vm;

	none();
	if (ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_MTE) > 0) {
		guest();
		arguments();
		leak();
		hypervisor(kvm);
	} else {
		vm = must(ioctl(kvm, KVM_CREATE_VM, 0));
		check_errno(ioctl(vm, KVM_ENABLE_CAP, &cap), EINVAL, "no MTE to enable");
		close(vm);
		printf("# this machine has no tags\n");
	}
	close(kvm);
	return report();
}
