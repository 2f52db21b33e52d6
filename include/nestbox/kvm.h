// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Nestbox's KVM has beyond Linux's: capabilities, device attributes and registers of our own, for VMMs. All numbers
 * are from one private range, documented in docs/abi/sdei.md. Includes only what user space has too.
 */
#pragma once

#include <linux/types.h>

/* Capabilities, attribute groups and entry failure reasons are this plus a small number: "NB". */
#define KVM_NB_BASE			0x4e420000U

/*
 * KVM_CHECK_EXTENSION: the number of events a VM can have. KVM_ENABLE_CAP on the VM, before its first vCPU: args[0] are
 * flags. EINVAL unknown flags, EBUSY too late, EEXIST a hypercall filter covers the calls.
 */
#define KVM_CAP_NB_SDEI			(KVM_NB_BASE + 0)
#define KVM_NB_SDEI_STRICT		(1UL << 0)	/* version 1.0, and no latching of signals */

/* KVM_EXIT_FAIL_ENTRY: the restored SDEI registers contradict each other. */
#define KVM_NB_FAIL_SDEI_STATE		(KVM_NB_BASE + 0)

/* KVM_SET_DEVICE_ATTR on the VM. */
#define KVM_NB_VM_SDEI			(KVM_NB_BASE + 0)	/* group */
#define KVM_NB_SDEI_EVENTS		0	/* struct kvm_nb_sdei_events */
#define KVM_NB_SDEI_INJECT		1	/* struct kvm_nb_sdei_inject */
#define KVM_NB_SDEI_EVENTFD		2	/* struct kvm_nb_sdei_eventfd */

#define KVM_NB_SDEI_EVENT_SHARED	(1U << 0)
#define KVM_NB_SDEI_EVENT_CRITICAL	(1U << 1)
#define KVM_NB_SDEI_EVENT_DYNAMIC	(1U << 2)	/* a slot for INTERRUPT_BIND */

struct kvm_nb_sdei_event {
	__u32 event;
	__u32 flags;
	__u32 intid;		/* the interrupt that raises it; 0: none */
	__u32 pad;
};

/* Event 0 is always there and not listed. */
struct kvm_nb_sdei_events {
	__u32 nr;
	__u32 pad;
	struct kvm_nb_sdei_event events[];
};

#define KVM_NB_SDEI_IMMEDIATE		(1U << 0)	/* EBUSY unless it could start at once */
#define KVM_NB_SDEI_CANCEL		(1U << 1)	/* not pending any more; ENOENT: it was not */

struct kvm_nb_sdei_inject {
	__u32 event;
	__u32 flags;
	__u64 affinity;		/* of a private event: MPIDR_EL1 affinity fields of its PE; else 0 */
};

#define KVM_NB_SDEI_DEASSIGN		(1U << 0)

/* A write to the eventfd makes the event pending. */
struct kvm_nb_sdei_eventfd {
	__u32 event;
	__u32 flags;
	__u64 affinity;
	__s32 fd;
	__u32 pad;
};

/* KVM_GET/SET_ONE_REG, listed only after KVM_CAP_NB_SDEI; | index, docs/abi/sdei.md */
#define KVM_REG_NB_SDEI_COPROC		(0x0f5dUL << 16)
#define KVM_REG_NB_SDEI			(0x6030000000000000UL | KVM_REG_NB_SDEI_COPROC)
