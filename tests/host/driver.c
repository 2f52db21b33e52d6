// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs a fuzz target without libFuzzer: a bounded number of made-up inputs, the
 * same ones every time. Usage: fuzz_X [COUNT [SEED]] or fuzz_X FILE...
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INPUT	4096
#define KEPT		16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Values at which code tends to go wrong, and values of no kind. */
static uint8_t odd_byte(void)
{
	static const uint8_t edge[] = { 0, 1, 0x7f, 0x80, 0xff, 0xfe, 0x10, 0x20, 0x3f, 0x40 };
	uint64_t r = next();

	return r & 1 ? edge[(r >> 8) % sizeof(edge)] : (uint8_t)(r >> 16);
}

static size_t make_input(uint8_t *buf, const uint8_t *old, size_t old_len)
{
	size_t len, i, n;

	/* Half of the inputs are changed earlier ones: deeper states. */
	if (old_len && next() & 1) {
		memcpy(buf, old, old_len);
		len = old_len;
		for (n = next() % 8 + 1; n; n--)
			buf[next() % len] = odd_byte();
		return len;
	}
	len = next() % (next() & 3 ? 256 : MAX_INPUT) + 1;
	for (i = 0; i < len; i++)
		buf[i] = odd_byte();
	return len;
}

static int run_file(const char *path)
{
	static uint8_t buf[1 << 20];
	FILE *f = fopen(path, "rb");
	size_t len;

	if (!f) {
		perror(path);
		return 2;
	}
	len = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	LLVMFuzzerTestOneInput(buf, len);
	return 0;
}

int main(int argc, char **argv)
{
	static uint8_t kept[KEPT][MAX_INPUT];
	static size_t kept_len[KEPT];
	static uint8_t buf[MAX_INPUT];
	unsigned long count = 20000, i;
	char *end = "";

	if (argc > 1)
		count = strtoul(argv[1], &end, 0);
	if (*end) {
		for (i = 1; i < (unsigned long)argc; i++)
			if (run_file(argv[i]))
				return 2;
		return 0;
	}
	state = argc > 2 ? strtoull(argv[2], NULL, 0) | 1 : 0x9e3779b97f4a7c15ull;
	for (i = 0; i < count; i++) {
		int slot = next() % KEPT;
		size_t len = make_input(buf, kept[slot], kept_len[slot]);

		/* A copy of the right size, so that overruns are seen. */
		uint8_t *input = malloc(len);

		memcpy(input, buf, len);
		LLVMFuzzerTestOneInput(input, len);
		free(input);
		memcpy(kept[slot], buf, len);
		kept_len[slot] = len;
	}
	printf("1 passed, 0 failed\n");
	return 0;
}
