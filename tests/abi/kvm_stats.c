// SPDX-License-Identifier: GPL-2.0-only
/* Binary statistics that count what the guest did, and coalesced MMIO with a ring that the VMM tampers with. */
#include "kvm.h"

/* HVC PSCI_VERSION, a store for the VMM, forever. */
GUEST(calls, "1: movz w0, #0x8400, lsl #16; hvc #0; str w0, [x28]; b 1b");
/* Stores 0, 1, 2 ... to the zone; then its number to the VMM at +0x100 after x1 stores. */
GUEST(stores, "1: mov x2, #0; 2: str x2, [x28]; add x2, x2, #1; cmp x2, x1; b.ne 2b; str x2, [x28, #0x100]; b 1b");

/* Value of a statistic by name; -1: there is none. */
static int64_t stat_value(int fd, const char *name)
{
	struct kvm_stats_header h;
	int64_t v = -1;
	char *all;

	must(pread(fd, &h, sizeof(h), 0) == sizeof(h) ? 0 : -1);
	size_t size = sizeof(struct kvm_stats_desc) + h.name_size;

	all = malloc(h.num_desc * size);
	must(pread(fd, all, h.num_desc * size, h.desc_offset));
	for (unsigned i = 0; i < h.num_desc; i++) {
		struct kvm_stats_desc *d = (void *)(all + i * size);

		if (!strcmp(d->name, name))
			must(pread(fd, &v, 8, h.data_offset + d->offset));
	}
	free(all);
	return v;
}

static void statistics(void)
{
	struct vm vm = VM(calls);
	int vms = must(ioctl(vm.fd, KVM_GET_STATS_FD, 0)), vs = must(ioctl(vm.vcpu, KVM_GET_STATS_FD, 0));
	struct kvm_stats_header h;
	int64_t hvc, mmio;
	char id[64] = "", c;

	check_eq(stat_value(vs, "exits"), 0, "no exits before the first run");
	for (int i = 0; i < 10; i++)
		must(guest_says(&vm, 0) < 0 ? -1 : 0);
	hvc = stat_value(vs, "hvc_exit_stat");
	mmio = stat_value(vs, "mmio_exit_user");
	check_eq(hvc, 10, "ten hypercalls");
	check_eq(mmio, 10, "ten stores served by the VMM");
	check(stat_value(vs, "exits") >= hvc + mmio, "exits count them all");
	check_eq(stat_value(vs, "wfi_exit_stat"), 0, "no WFI");
	check_eq(stat_value(vs, "blocking"), 0, "the vCPU is not blocked");
	check_eq(stat_value(vs, "no such statistic"), -1, "unknown name");
	check(stat_value(vms, "remote_tlb_flush") >= 0, "the VM's own");

	must(pread(vs, &h, sizeof(h), 0));
	must(pread(vs, id, h.name_size, h.id_offset));
	check(!strncmp(id, "kvm-", 4) && strstr(id, "/vcpu-0"), "name of a vCPU's statistics");
	check_errno(write(vs, id, 1), EBADF, "statistics cannot be written");
	check_eq(pread(vs, id, 1, 1 << 20), 0, "nothing beyond the end");
	check_eq(read(vs, &h, sizeof(h)), sizeof(h), "read moves on");
	check_eq(read(vs, &c, 1), 1, "to the name");
	check_eq(c, 'k', "which begins so");
	vm_drop(&vm);
	check_eq(stat_value(vs, "hvc_exit_stat"), 10, "statistics outlive the VM's other descriptors");
	close(vs);
	close(vms);
}

static int zone(struct vm *vm, unsigned long cmd, uint64_t addr, uint32_t size, uint32_t pio)
{
	struct kvm_coalesced_mmio_zone z = { .addr = addr, .size = size, .pio = pio };

	return ioctl(vm->fd, cmd, &z);
}

static void coalesced(void)
{
	struct vm vm = VM(stores);
	int page = ioctl(vm.fd, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO);
	struct kvm_coalesced_mmio_ring *ring = (void *)((char *)vm.run + page * 4096L);
	unsigned max = (4096 - sizeof(*ring)) / sizeof(ring->coalesced_mmio[0]);

	check_eq(page, 1, "the ring is the second page");
	check_errno(zone(&vm, KVM_REGISTER_COALESCED_MMIO, MMIO_GPA, 8, 2), EINVAL, "neither memory nor port");
	check_errno(zone(&vm, KVM_UNREGISTER_COALESCED_MMIO, MMIO_GPA, 8, 2), EINVAL, "the same to unregister");
	check_eq(zone(&vm, KVM_UNREGISTER_COALESCED_MMIO, MMIO_GPA, 8, 0), 0, "unregistering nothing is no error");
	check_eq(zone(&vm, KVM_REGISTER_COALESCED_MMIO, MMIO_GPA, 8, 0), 0, "register");
	check_eq(zone(&vm, KVM_REGISTER_COALESCED_MMIO, MMIO_GPA, 16, 0), 0, "zones may overlap");

	set(vm.vcpu, REG_X(1), 5);
	check_eq(guest_says(&vm, 0x100), 5, "five stores without an exit");
	check_eq(ring->last, 5, "all of them in the ring");
	check(ring->coalesced_mmio[4].phys_addr == MMIO_GPA && ring->coalesced_mmio[4].len == 8 &&
	      *(uint64_t *)ring->coalesced_mmio[4].data == 4, "the last with address, length and data");

	/* A full ring makes an exit. */
	ring->first = 0;
	ring->last = max - 1;
	check_eq(guest_says(&vm, 0), 0, "the ring is full");
	check_eq(ring->last, max - 1, "and unchanged");
	ring->first = 7;
	ring->last = 0xffffff00;
	check_eq(guest_says(&vm, 0), 1, "an index out of range: an exit");
	check_eq(ring->last, 0xffffff00, "and nothing written");
	ring->first = ring->last = max - 1;
	check_eq(guest_says(&vm, 0x100), 5, "the rest of the five");
	check_eq(ring->last, 2, "around the end");

	check_eq(zone(&vm, KVM_UNREGISTER_COALESCED_MMIO, MMIO_GPA + 4, 8, 0), 0, "unregister what only one holds");
	ring->first = ring->last = 0;
	check_eq(guest_says(&vm, 0x100), 5, "the other zone is still there");
	check_eq(zone(&vm, KVM_UNREGISTER_COALESCED_MMIO, MMIO_GPA, 8, 0), 0, "unregister");
	check_eq(guest_says(&vm, 0), 0, "stores are exits again");
	check_eq(zone(&vm, KVM_REGISTER_COALESCED_MMIO, MMIO_GPA, 1U << 31, 0), 0, "a zone of 2 GiB");
	check_eq(zone(&vm, KVM_UNREGISTER_COALESCED_MMIO, MMIO_GPA, 1U << 31, 0), 0, "nothing that long is taken away");
	ring->first = ring->last = 0;
	check_eq(vcpu_run(&vm), KVM_EXIT_MMIO, "stores until the ring is full");
	check_eq(ring->last, max - 1, "it is");
	check_eq(zone(&vm, KVM_UNREGISTER_COALESCED_MMIO, MMIO_GPA, 8, 0), 0, "unregister a part of it");
	ring->first = ring->last = 0;
	check_eq(vcpu_run(&vm), KVM_EXIT_MMIO, "stores are exits");
	check_eq(ring->last, 0, "all of them");
	vm_drop(&vm);
}

int main(void)
{
	statistics();
	coalesced();
	return report();
}
