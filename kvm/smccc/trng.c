// SPDX-License-Identifier: GPL-2.0-only
/* True random numbers for guests, from the host's generator. Arm DEN0098. */
#include "kernel/lib/random.h"
#include "kernel/lib/string.h"
#include "kvm/smccc/smccc.h"
#include "smccc_ids.h"

#define TRNG_INVALID	(-2L)
#define TRNG_NO_ENTROPY	(-3L)

enum trap_result smccc_trng_version(struct vcpu *v, u32 fn)
{
	smccc_return(v, 0x10000, 0, 0, 0);
	return TRAP_RETRY;
}

enum trap_result smccc_trng_features(struct vcpu *v, u32 fn)
{
	switch ((u32)v->regs.x[1]) {
	case SMCCC_FN_TRNG_VERSION:
	case SMCCC_FN_TRNG_FEATURES:
	case SMCCC_FN_TRNG_GET_UUID:
	case SMCCC_FN_TRNG_RND:
	case SMCCC_FN_TRNG_RND64:
		smccc_return(v, 0, 0, 0, 0);
		break;
	default:
		smccc_return(v, SMCCC_RET_NOT_SUPPORTED, 0, 0, 0);
	}
	return TRAP_RETRY;
}

enum trap_result smccc_trng_uuid(struct vcpu *v, u32 fn)
{
	/* Names this generator: 7f8b4e1c-3d52-4a96-b0c7-6e656e737462. */
	smccc_return(v, 0x1c4e8b7f, 0x964a523d, 0x656ec7b0, 0x6274736e);
	return TRAP_RETRY;
}

enum trap_result smccc_trng_rnd(struct vcpu *v, u32 fn)
{
	unsigned word = fn & SMCCC_FN_64BIT ? 64 : 32;
	u64 bits = smccc_arg(v, fn, 1), out[3] = { 0, 0, 0 };
	unsigned i, left;

	if (!bits || bits > 3 * word) {
		smccc_return(v, TRNG_INVALID, 0, 0, 0);
		return TRAP_RETRY;
	}
	if (!random_is_seeded()) {
		smccc_return(v, TRNG_NO_ENTROPY, 0, 0, 0);
		return TRAP_RETRY;
	}
	/* The lowest bits are in the last register; bits that were not asked for are zero. */
	for (i = 3, left = bits; left; i--) {
		unsigned n = MIN(left, word);
		u64 val;

		random_bytes(&val, sizeof(val));
		out[i - 1] = n == 64 ? val : val & (BIT(n) - 1);
		left -= n;
	}
	smccc_return(v, 0, out[0], out[1], out[2]);
	memset(out, 0, sizeof(out));
	return TRAP_RETRY;
}
