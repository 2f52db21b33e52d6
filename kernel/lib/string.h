// SPDX-License-Identifier: GPL-2.0-only
/* Memory and string functions that compilers expect, and hashing. Native builds use libc's. */
#pragma once

#include <nestbox/types.h>

#ifdef NATIVE
#include <string.h>
#else
void *memcpy(void *d, const void *s, size_t n);
void *memmove(void *d, const void *s, size_t n);
void *memset(void *d, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t n);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *a, const char *b);
size_t strlcpy(char *d, const char *s, size_t size);
unsigned long strtoul(const char *s, char **end, int base);
#endif
