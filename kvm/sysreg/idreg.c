// SPDX-License-Identifier: GPL-2.0-only
/* ID register limits; see idreg.h. No privileged instruction. */
#include "kernel/lib/string.h"
#include "kvm/sysreg/idreg.h"

static int field_value(const struct id_field *f, u64 reg)
{
	unsigned v = reg >> f->lsb & 0xf;

	return f->kind == IDF_SIGNED && v > 7 ? (int)v - 16 : (int)v;
}

static u64 field_bits(const struct id_field *f, int value)
{
	return ((u64)value & 0xf) << f->lsb;
}

void idregs_merge(u64 *all, const u64 *cpu, bool first)
{
	unsigned i;

	if (first) {
		for (i = 0; i < 64; i++)
			all[i] = cpu[i];
		return;
	}
	for (i = 0; i < id_fields_n; i++) {
		const struct id_field *f = &id_fields[i];
		int a = field_value(f, all[f->index]), b = field_value(f, cpu[f->index]);

		if (f->kind == IDF_HIGHER ? b > a : b < a)
			all[f->index] = (all[f->index] & ~(0xfUL << f->lsb)) | field_bits(f, b);
	}
}

void idregs_limit(u64 *out, const u64 *host, u32 vm_features)
{
	unsigned i;

	for (i = 0; i < 64; i++)
		out[i] = 0;
	for (i = 0; i < id_fields_n; i++) {
		const struct id_field *f = &id_fields[i];
		int v = field_value(f, host[f->index]);

		if (f->kind == IDF_FIXED || (v > (int)f->max && f->kind != IDF_HIGHER))
			v = f->max;
		if (f->cond && !(vm_features & f->cond))
			v = 0;
		if (!idreg_is_void(f->index, host))
			out[f->index] |= field_bits(f, v);
	}
}

bool idreg_is_void(unsigned index, const u64 *host)
{
	unsigned el0 = host[3 * 8 /* ID_AA64PFR0_EL1 */] & 0xf;

	return index < 3 * 8 && id_names[index] && el0 < 2;
}

void idregs_large(u64 *out, const u64 *host)
{
	/* ID_AA64MMFR0_EL1: PARange, and the granules whose tables can hold such addresses */
	static const u8 lsbs[] = { 0 /* PARange */, 20 /* TGran16 */, 28 /* TGran4 */ };
	unsigned mmfr0 = 6 * 8, i;

	for (i = 0; i < ARRAY_SIZE(lsbs); i++)
		out[mmfr0] = (out[mmfr0] & ~(0xfUL << lsbs[i])) | (host[mmfr0] & 0xfUL << lsbs[i]);
}

/* `word`, of n characters, is REGISTER.FIELD of f. */
static bool is_named(const struct id_field *f, const char *word, size_t n)
{
	size_t reg = strlen(id_names[f->index]), name = strlen(f->name);

	return n == reg + 1 + name && !strncmp(word, id_names[f->index], reg) && word[reg] == '.' &&
	       !strncmp(word + reg + 1, f->name, name);
}

bool idregs_hide(u64 *out, const char *list)
{
	bool all = true;

	while (*list && *list != ' ') {
		const struct id_field *f = id_fields, *end = id_fields + id_fields_n;
		size_t n = 0;

		while (list[n] && list[n] != ' ' && list[n] != ',')
			n++;
		while (f < end && !(f->kind == IDF_MIN && is_named(f, list, n)))
			f++;
		if (f < end)
			out[f->index] &= ~(0xfUL << f->lsb);
		else
			all = false;
		list += n + (list[n] == ',');
	}
	return all;
}

bool idreg_may_set(unsigned index, u64 offered, u64 val)
{
	u64 known = 0;
	unsigned i;

	for (i = 0; i < id_fields_n; i++) {
		const struct id_field *f = &id_fields[i];

		if (f->index != index)
			continue;
		known |= 0xfUL << f->lsb;
		if (field_value(f, val) == field_value(f, offered))
			continue;
		if (f->kind == IDF_FIXED || f->kind == IDF_SAME)
			return false;
		if ((field_value(f, val) > field_value(f, offered)) != (f->kind == IDF_HIGHER))
			return false;
	}
	return !(val & ~known);
}
