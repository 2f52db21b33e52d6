// SPDX-License-Identifier: GPL-2.0-only
// What libfdt and zlib use of <string.h>; the functions are in kernel/lib.
#pragma once
#include <stddef.h>

void *memcpy(void *dst, const void *src, size_t len);
void *memmove(void *dst, const void *src, size_t len);
void *memset(void *dst, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);
void *memchr(const void *mem, int byte, size_t len);
char *strchr(const char *str, int chr);
char *strrchr(const char *str, int chr);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t len);
size_t strlen(const char *str);
size_t strnlen(const char *str, size_t len);
