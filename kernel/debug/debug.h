// SPDX-License-Identifier: GPL-2.0-only
/* Start-up of messages, symbols, backtraces. Owner: kernel/debug/. */
#pragma once

#include <nestbox/types.h>

struct pt_regs;

/* Messages up to this level go to the console (all go to the ring). */
void print_set_level(int level);
/* Once the console can write: what was said before. locks: threads exist, so messages take the lock. */
void print_start(bool locks);

/* "name+0x12" of a kernel address to buf. */
void symbol_name(u64 addr, char *buf, size_t size);
/* From a frame pointer; prints. */
void backtrace(u64 fp, u64 pc);
/* panic() with the registers of an exception; they are dumped instead of the caller's. */
__noreturn void panic_regs(const struct pt_regs *regs, const char *fmt, ...) __printf(2, 3);
bool in_panic(void);
/* NULL, or what a layer above adds to a panic: prints, takes no locks. May fault: the machine then just stops. */
extern void (*panic_more)(void);
/* Findings of the undefined-behaviour sanitizer so far. */
extern unsigned ubsan_count;
