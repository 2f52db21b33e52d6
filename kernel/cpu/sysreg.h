// SPDX-License-Identifier: GPL-2.0-only
/* Access to system registers and barriers by name; names the assembler does not know are given as S<op0>_... */
#pragma once

#include <nestbox/types.h>

#define _STR(x)	#x
#define read_sysreg(r) ({ u64 _v; asm volatile("mrs %0, " _STR(r) : "=r"(_v)); _v; })
#define write_sysreg(v, r) do { u64 _v = (u64)(v); asm volatile("msr " _STR(r) ", %x0" : : "rZ"(_v) : "memory"); } while (0)
#define isb()		asm volatile("isb" : : : "memory")
#define dsb(opt)	asm volatile("dsb " #opt : : : "memory")
#define dmb(opt)	asm volatile("dmb " #opt : : : "memory")
#define wfi()		asm volatile("dsb sy\n\twfi" : : : "memory")
#define wfe()		asm volatile("wfe" : : : "memory")
#define sev()		asm volatile("sev" : : : "memory")
#define cpu_relax()	asm volatile("yield" : : : "memory")
#define barrier()	asm volatile("" : : : "memory")

/* PSTATE.I|F (and A stays clear): returns the old DAIF for local_irq_restore. */
static inline u64 local_irq_save(void)
{
	u64 f = read_sysreg(daif);

	asm volatile("msr daifset, #3" : : : "memory");
	return f;
}

static inline void local_irq_restore(u64 f)
{
	write_sysreg(f, daif);
}

static inline void local_irq_disable(void)
{
	asm volatile("msr daifset, #3" : : : "memory");
}

static inline void local_irq_enable(void)
{
	asm volatile("msr daifclr, #3" : : : "memory");
}

static inline bool irqs_disabled(void)
{
	return read_sysreg(daif) & BIT(7);
}
