// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests of vCPUs with an EL2: what asks for one, tables for a hypervisor's guest, and a VM that a thread runs until it is
 * told to stop. The numbers are Linux 6.16's, newer than some headers.
 */
#pragma once

#include <signal.h>

#include "kvm.h"

#define CAP_ARM_EL2	240
#define CAP_ARM_EL2_E2H0 241
#define EL2		(1U << 7)	/* KVM_ARM_VCPU_HAS_EL2 */
#define EL2_E2H0	(1U << 8)	/* KVM_ARM_VCPU_HAS_EL2_E2H0 */

/* Stage-2 leaves: memory, a device. Table: | 3; block: | 1; page: | 3. */
#define S2_NORMAL	(1UL << 10 | 3UL << 8 | 3UL << 6 | 0xfUL << 2)
#define S2_DEVICE	(1UL << 10 | 3UL << 6)
#define S2_VTCR		(1UL << 31 | 2UL << 16 | 3 << 12 | 1 << 10 | 1 << 8 | 1 << 6 | 25)	/* 4 KiB, 39 bits, from level 1 */

__attribute__((unused)) static bool el2_offered(int kvm)
{
	return ioctl(kvm, KVM_CHECK_EXTENSION, CAP_ARM_EL2) > 0;
}

__attribute__((unused)) static uint64_t *ram_u64(struct vm *vm, uint64_t offset)
{
	return (uint64_t *)(vm->ram + offset);
}

/*
 * Two levels of tables at @at of the memory, for a hypervisor's guest: memory and the device as they are. What is above is
 * the test's, by entries of level 1 from 2 on. Index 0 of level 2 is free as well.
 */
__attribute__((unused)) static void s2_identity(struct vm *vm, uint64_t at)
{
	memset(vm->ram + at, 0, 0x2000);
	*ram_u64(vm, at) = (RAM_GPA + at + 0x1000) | 3;
	*ram_u64(vm, at + 8) = RAM_GPA | S2_NORMAL | 1;
	*ram_u64(vm, at + 0x1000 + (MMIO_GPA >> 21) * 8) = (MMIO_GPA & ~0x1fffffUL) | S2_DEVICE | 1;
}

/* ---- a vCPU whose thread does nothing else ---- */

static void no_handler(int sig)
{
}

static void *run_forever(void *arg)
{
	struct vm *vm = arg;

	while (!__atomic_load_n(&vm->run->immediate_exit, __ATOMIC_RELAXED))
		if (ioctl(vm->vcpu, KVM_RUN, 0) < 0 && errno != EINTR)
			break;
	return NULL;
}

__attribute__((unused)) static pthread_t run_start(struct vm *vm)
{
	struct sigaction sa = { .sa_handler = no_handler };
	pthread_t t;

	sigaction(SIGUSR1, &sa, NULL);
	must(-pthread_create(&t, NULL, run_forever, vm));
	return t;
}

__attribute__((unused)) static void run_stop(struct vm *vm, pthread_t t)
{
	__atomic_store_n(&vm->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	while (pthread_kill(t, SIGUSR1) == 0 && pthread_tryjoin_np(t, NULL))
		sched_yield();
}
