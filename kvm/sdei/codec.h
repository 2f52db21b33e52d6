// SPDX-License-Identifier: GPL-2.0-only
/*
 * SDEI's state as 64-bit registers, for KVM_GET_ONE_REG and KVM_SET_ONE_REG on a vCPU: which there are, what they may hold,
 * and how a set of them becomes state. Layout: docs/abi/sdei.md. Pure logic; the VM's lock is held by the callers.
 *
 * While a restore window is open, writes go to an image: one array of words for the PE, one for what the VM has once.
 * At the KVM_RUN that closes the window the images are checked as a whole and applied, or nothing is.
 */
#pragma once

#include "kvm/sdei/model.h"

#define SDEI_REG_CLASS(index)	((index) >> 14)
#define SDEI_REG_SLOTS_MAX	2048	/* of one kind, by the layout of the index */
#define SDEI_CTX_WORDS		(3 + SDEI_GPRS)

#define SDEI_REG_LAYOUT		0x0000
#define SDEI_REG_SLOTS		0x0001
#define SDEI_REG_PE		0x0002
#define SDEI_REG_SUSPEND	0x0003
#define SDEI_REG_PRIVATE(slot, w) (0x4000 | (slot) << 3 | (w))
#define SDEI_REG_SHARED(slot, w) (0x8000 | (slot) << 3 | (w))
#define SDEI_REG_CONTEXT(lvl, i) (0xc000 | (lvl) << 5 | (i))

/* Words of a slot. */
enum { SDEI_W_IDENT, SDEI_W_STATE, SDEI_W_ENTRY, SDEI_W_ARG, SDEI_W_AFFINITY };

/* Words of images. */
static inline unsigned sdei_pe_words(const struct sdei_vm *vm)
{
	return 2 + 3 * vm->nr_private + SDEI_LEVELS * SDEI_CTX_WORDS;
}

static inline unsigned sdei_vm_words(const struct sdei_vm *vm)
{
	return vm->nr_private + 5 * vm->nr_shared;
}

/* Registers in all (two have no word), and the index of the n-th. */
static inline unsigned sdei_reg_count(const struct sdei_vm *vm) { return 2 + sdei_pe_words(vm) + sdei_vm_words(vm); }
u16 sdei_reg_index(const struct sdei_vm *vm, unsigned n);

/* Value as the PE's state, and the VM's, is now. false: no such register. */
bool sdei_reg_read(struct sdei_pe *pe, u16 index, u64 *val);

/* Where a register is in the images. */
struct sdei_reg_place {
	bool fixed;		/* in neither: can only be written as it is */
	bool in_vm;
	unsigned at;
};
/* 0; -ENOENT: no such register; -EINVAL: a value it can never have. */
int sdei_reg_check(struct sdei_pe *pe, u16 index, u64 val, struct sdei_reg_place *place);
/*
 * An event that is raised or cancelled while its state is an image's word: *state is marked, and the mark outlives writes of
 * the register, whose value may have been read before. 0; -ENOENT: not registered, or to cancel and not pending; -EBUSY:
 * immediate, which nothing is before a KVM_RUN.
 */
enum sdei_raise { SDEI_RAISE, SDEI_RAISE_NOW, SDEI_CANCEL };
int sdei_image_raise(struct sdei_pe *pe, int e, u64 *state, enum sdei_raise how);
/* Where an image has the state of an event: the VM's image for a shared one. */
unsigned sdei_state_at(const struct sdei_vm *vm, int e);
/* A word of an image as a register's value, and what to put there to write one. */
u64 sdei_image_get(struct sdei_pe *pe, u16 index, u64 word);
u64 sdei_image_set(const struct sdei_vm *vm, u16 index, u64 word, u64 val);
/* Fill an image with what there is. */
void sdei_pe_image_fill(struct sdei_pe *pe, u64 *words);
void sdei_vm_image_fill(struct sdei_vm *vm, u64 *words);

struct sdei_restore {
	struct sdei_pe *pe;
	const u64 *pe_words;	/* of pe */
	const u64 *vm_words;	/* NULL: the VM's window has closed before */
	bool last;		/* no other PE's window is open */
	bool has_gic;		/* there are interrupts to bind to */
	bool closed;		/* the guest cannot make calls: nothing may be registered, running or bound by it */
	bool (*pstate_ok)(const struct sdei_pe *pe, u64 pstate);	/* the PE may return to it */
	/* Take an interrupt out of the guest's interrupt controller, or give it back: all its state, restored by now, is kept. */
	void (*irq_move)(struct sdei_vm *vm, struct sdei_pe *pe, u32 intid, bool ours);
};
/* NULL, or what contradicts what. Nothing is changed. */
const char *sdei_restore_check(const struct sdei_restore *r);
/* After sdei_restore_check. */
void sdei_restore_apply(const struct sdei_restore *r);
