// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device registers. Plain loads and stores of one register without write-back: only these come with a syndrome (ESR_ELx.ISV)
 * if the device is emulated by a hypervisor below us. Arm ARM, ISS encoding for an exception from a Data Abort.
 */
#pragma once

#include <nestbox/types.h>

static inline u8 mmio_read8(u64 va)
{
	u32 v;

	asm volatile("ldrb %w0, [%1]" : "=r"(v) : "r"(va) : "memory");
	return v;
}

static inline void mmio_write8(u64 va, u8 v)
{
	asm volatile("strb %w0, [%1]" : : "rZ"((u32)v), "r"(va) : "memory");
}

static inline u32 mmio_read32(u64 va)
{
	u32 v;

	asm volatile("ldr %w0, [%1]" : "=r"(v) : "r"(va) : "memory");
	return v;
}

static inline void mmio_write32(u64 va, u32 v)
{
	asm volatile("str %w0, [%1]" : : "rZ"(v), "r"(va) : "memory");
}

static inline u64 mmio_read64(u64 va)
{
	u64 v;

	asm volatile("ldr %0, [%1]" : "=r"(v) : "r"(va) : "memory");
	return v;
}

static inline void mmio_write64(u64 va, u64 v)
{
	asm volatile("str %x0, [%1]" : : "rZ"(v), "r"(va) : "memory");
}
