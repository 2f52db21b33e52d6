// SPDX-License-Identifier: GPL-2.0-only
/* Memory of a process: mappings, protection, faults, sharing, copy-on-write. */
#include <setjmp.h>

#include "test.h"

#define PAGE 4096UL

static sigjmp_buf back;
static volatile int fault_sig, fault_code;
static void *volatile fault_addr;

static void on_fault(int sig, siginfo_t *info, void *ctx)
{
	fault_sig = sig;
	fault_code = info->si_code;
	fault_addr = info->si_addr;
	siglongjmp(back, 1);
}

/* Signal that a byte access raises, or 0. */
static int touch(volatile uint8_t *p, bool write)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	fault_sig = 0;
	if (!sigsetjmp(back, 1)) {
		if (write)
			*p = 1;
		else
			(void)*p;
	}
	return fault_sig;
}

static uint8_t *anon(size_t size, int prot, int flags)
{
	void *p = mmap(NULL, size, prot, flags | MAP_ANONYMOUS, -1, 0);

	must((long)p);
	return p;
}

static void basic(void)
{
	uint8_t *p = anon(8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	check_eq(p[5 * PAGE], 0, "anonymous memory is zero");
	p[0] = 1;
	check_eq(munmap(p + PAGE, PAGE), 0, "munmap in the middle");
	check_eq(touch(p + PAGE, false), SIGSEGV, "SIGSEGV there");
	check_eq(fault_code, SEGV_MAPERR, "SEGV_MAPERR");
	check(fault_addr == p + PAGE, "si_addr");
	check_eq(touch(p + 2 * PAGE, true), 0, "the rest is there");
	check_eq(mprotect(p, PAGE, PROT_READ), 0, "mprotect to read-only");
	check_eq(touch(p, false), 0, "readable");
	check_eq(touch(p + 7, true), SIGSEGV, "not writable");
	check_eq(fault_code, SEGV_ACCERR, "SEGV_ACCERR");
	check(fault_addr == p + 7, "si_addr of a write");
	check_eq(mprotect(p, PAGE, PROT_NONE), 0, "mprotect to none");
	check_eq(touch(p, false), SIGSEGV, "not readable");
	check_eq(mprotect(p, PAGE, PROT_READ | PROT_WRITE), 0, "mprotect back");
	check_eq(p[0], 1, "content kept");
	check_errno(mprotect(p, 2 * PAGE, PROT_READ), ENOMEM, "mprotect over a hole");
	check_errno(munmap(p + 1, PAGE), EINVAL, "munmap unaligned");
	check_errno(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL, "length 0");
	check_errno(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0), EBADF, "file mapping of fd -1");
	munmap(p, 8 * PAGE);
}

static void placement(void)
{
	uint8_t *p = anon(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	void *q;

	p[PAGE] = 7;
	q = mmap(p + PAGE, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	check(q == p + PAGE && p[PAGE] == 0, "MAP_FIXED replaces");
	check_errno(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			 -1, 0), EEXIST, "MAP_FIXED_NOREPLACE");
	munmap(p + PAGE, PAGE);
	q = mmap(p + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	check(q == p + PAGE, "MAP_FIXED_NOREPLACE in a hole");
	munmap(p, 4 * PAGE);
}

#define AREAS 70000L

/* In a child, which takes them all with it. The errno when no more can be had; 0: there is no limit. */
static int doubles_without_end(void)
{
	uint8_t *room = anon(2 * AREAS * PAGE, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE);
	uint8_t *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long i;

	munmap(room, 2 * AREAS * PAGE);
	for (i = 0; i < AREAS; i++)
		if (mremap(p, 0, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, room + 2 * i * PAGE) == MAP_FAILED)
			return i > AREAS / 2 ? errno : 1;
	return 0;
}

static void remap(void)
{
	uint8_t *p = anon(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE), *q;

	p[0] = 11;
	p[3 * PAGE] = 44;
	q = mremap(p, 4 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	check(q != MAP_FAILED && q[0] == 11 && q[3 * PAGE] == 44 && !q[40 * PAGE], "mremap grows");
	check(mremap(q, 64 * PAGE, 2 * PAGE, 0) == q, "mremap shrinks");
	check_eq(touch(q + 3 * PAGE, false), SIGSEGV, "the tail is gone");
	p = anon(2 * PAGE, PROT_READ, MAP_PRIVATE);
	check(mremap(q, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p) == p && p[0] == 11,
	      "mremap to a fixed place");
	check_eq(touch(q, false), SIGSEGV, "the old place is gone");
	q = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(mremap(q, 0, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q) == MAP_FAILED && errno == EFAULT,
	      "mremap of nothing over itself");
	munmap(p, 2 * PAGE);
	check_eq(in_child(doubles_without_end), ENOMEM, "mremap keeps to the limit of mappings");
}

static void advice(void)
{
	uint8_t *p = anon(4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE);
	unsigned char vec[4];

	memset(p, 0x55, 4 << 20);
	check_eq(madvise(p + PAGE, PAGE, MADV_DONTNEED), 0, "MADV_DONTNEED");
	check(p[PAGE] == 0 && p[0] == 0x55 && p[2 * PAGE] == 0x55, "only that page is zero");
	madvise(p, 4 << 20, MADV_HUGEPAGE);
	check_eq(madvise(p, 4 << 20, MADV_DONTNEED), 0, "MADV_DONTNEED of all");
	check(p[0] == 0 && p[(2 << 20) + 5] == 0, "all zero");
	check_errno(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL, "madvise unaligned");
	check_eq(mincore(p, 4 * PAGE, vec), 0, "mincore");
	munmap(p, 4 << 20);
}

static uint8_t *shared, *private;

static int child_writes(void)
{
	if (private[0] != 1 || shared[0] != 1)
		return 1;
	private[0] = 2;
	shared[0] = 2;
	memset(private + PAGE, 9, 15 * PAGE);
	return private[0] == 2 ? 42 : 2;
}

static void sharing(void)
{
	shared = anon(16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	private = anon(16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	shared[0] = private[0] = 1;
	check_eq(in_child(child_writes), 42, "child sees and writes");
	check_eq(shared[0], 2, "shared memory is shared");
	check_eq(private[0], 1, "private memory is copied");
	check_eq(private[5 * PAGE], 0, "fresh private page is copied");
	private[0] = 3;
	check_eq(private[0], 3, "writable after the child has gone");
	munmap(shared, 16 * PAGE);
	munmap(private, 16 * PAGE);
}

static void memfd(void)
{
	int fd = must(memfd_create("test", MFD_CLOEXEC));
	uint8_t *p, *q, *r;
	char buf[8] = "";

	check_eq(ftruncate(fd, 4 * PAGE), 0, "ftruncate of a memfd");
	p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	q = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	r = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	strcpy((char *)p + PAGE, "hello");
	check(!strcmp((char *)q + PAGE, "hello"), "two mappings of a memfd");
	check(!strcmp((char *)r + PAGE, "hello"), "private mapping sees it");
	r[PAGE] = 'j';
	check_eq(p[PAGE], 'h', "private write stays private");
	check(pread(fd, buf, 6, PAGE) == 6 && !strcmp(buf, "hello"), "pread sees the mapping");
	check(pwrite(fd, "world", 6, 2 * PAGE) == 6 && !strcmp((char *)p + 2 * PAGE, "world"),
	      "the mapping sees pwrite");
	check_eq(ftruncate(fd, PAGE), 0, "truncated");
	check_eq(touch(p + 2 * PAGE, false), SIGBUS, "SIGBUS behind the end");
	check_eq(fault_code, BUS_ADRERR, "BUS_ADRERR");
	check_eq(ftruncate(fd, 4 * PAGE), 0, "extended");
	check(touch(p + 2 * PAGE, false) == 0 && p[2 * PAGE] == 0, "zero again");
	check_eq(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), 0, "punch hole");
	check_eq(p[0], 0, "the hole is zero");
	munmap(p, 4 * PAGE);
	munmap(q, 4 * PAGE);
	munmap(r, 4 * PAGE);
	close(fd);
}

static void kernel_pointers(void)
{
	uint8_t *p = anon(2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	int fds[2];

	munmap(p + PAGE, PAGE);
	must(pipe(fds));
	check_errno(write(fds[1], p + PAGE, 1), EFAULT, "write from a hole");
	check_errno(write(fds[1], (void *)0xffff000000000000UL, 1), EFAULT, "write from the kernel");
	check_errno(write(fds[1], (void *)-1L, 8), EFAULT, "write from the last byte");
	check_eq(write(fds[1], p + PAGE - 4, 4), 4, "write up to the hole");
	check_errno(read(fds[0], p + PAGE, 4), EFAULT, "read to a hole");
	mprotect(p, PAGE, PROT_READ);
	write(fds[1], "x", 1);
	check_errno(read(fds[0], p, 1), EFAULT, "read to read-only memory");
	check_errno(syscall(SYS_pipe2, 8UL, 0), EFAULT, "pipe2 to address 8");
	munmap(p, PAGE);
	close(fds[0]);
	close(fds[1]);
}

static void heap(void)
{
	char *brk0 = sbrk(0);

	check(sbrk(3 * PAGE) == brk0, "sbrk grows");
	brk0[2 * PAGE] = 5;
	check_eq(brk0[2 * PAGE], 5, "and is memory");
	check(sbrk(-3 * (long)PAGE) != (void *)-1, "sbrk shrinks");
	check_eq(touch((uint8_t *)16, false), SIGSEGV, "the first page is not mapped");
}

int main(void)
{
	basic();
	placement();
	remap();
	advice();
	sharing();
	memfd();
	kernel_pointers();
	heap();
	return report();
}
