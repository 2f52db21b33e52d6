// SPDX-License-Identifier: GPL-2.0-only
/*
 * Basic types. The address types are distinct one-word structs, so that a guest virtual address cannot be
 * passed where a physical one is meant. Safe to include in native (host) builds.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
#ifndef NATIVE
typedef long ssize_t;
#endif

typedef struct { u64 v; } pa_t;		/* physical address */
typedef struct { u64 v; } ipa_t;	/* what a guest calls physical: input of stage 2 */
typedef struct { u64 v; } nipa_t;	/* what a nested guest calls physical */
typedef struct { u64 v; } gva_t;	/* guest virtual address */
typedef struct { u64 v; } uva_t;	/* address in the process that owns the VM ("hva" in KVM) */

#define PA(x)	((pa_t){ (u64)(x) })
#define IPA(x)	((ipa_t){ (u64)(x) })
#define UVA(x)	((uva_t){ (u64)(x) })

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGE_MASK	(~(PAGE_SIZE - 1))
#define BLOCK_SHIFT	21
#define BLOCK_SIZE	(1UL << BLOCK_SHIFT)
#define BLOCK_MASK	(~(BLOCK_SIZE - 1))
#define BLOCK_ORDER	(BLOCK_SHIFT - PAGE_SHIFT)

#define BIT(n)			(1UL << (n))
#define GENMASK(h, l)		((~0UL >> (63 - (h))) & (~0UL << (l)))
#define FIELD_GET(mask, v)	(((u64)(v) & (mask)) / ((mask) & -(mask)))
#define FIELD_PREP(mask, v)	(((u64)(v) * ((mask) & -(mask))) & (mask))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(x, a)		(((x) + ((a) - 1)) & ~((__typeof__(x))(a) - 1))
#define ALIGN_DOWN(x, a)	((x) & ~((__typeof__(x))(a) - 1))
#define IS_ALIGNED(x, a)	(((x) & ((a) - 1)) == 0)
#define MIN(a, b)		({ __typeof__(a) _a = (a); __typeof__(a) _b = (b); _a < _b ? _a : _b; })
#define MAX(a, b)		({ __typeof__(a) _a = (a); __typeof__(a) _b = (b); _a > _b ? _a : _b; })
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#ifndef NATIVE
#define __noreturn	__attribute__((noreturn))
#define __packed	__attribute__((packed))
#endif
#define __printf(a, b)	__attribute__((format(printf, a, b)))
#define __section(s)	__attribute__((section(s)))
#define __must_check	__attribute__((warn_unused_result))

#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))
