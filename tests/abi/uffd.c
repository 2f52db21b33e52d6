// SPDX-License-Identifier: GPL-2.0-only
/* userfaultfd: missing, write-protected and minor faults, of threads, of system calls and of a guest; errors. */
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

#include "kvm.h"

#define PG	4096UL
#define MISSING	UFFDIO_REGISTER_MODE_MISSING
#define WP	UFFDIO_REGISTER_MODE_WP
#define MINOR	UFFDIO_REGISTER_MODE_MINOR
#define WANT	(UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_SIGBUS | \
		 UFFD_FEATURE_THREAD_ID | UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_EXACT_ADDRESS | \
		 UFFD_FEATURE_WP_HUGETLBFS_SHMEM | UFFD_FEATURE_WP_UNPOPULATED)

static int uffd_open(int flags, uint64_t features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int u = must(syscall(SYS_userfaultfd, O_CLOEXEC | flags));

	must(ioctl(u, UFFDIO_API, &api));
	return u;
}

static int watch(int u, void *p, uint64_t len, uint64_t mode, uint64_t *ioctls)
{
	struct uffdio_register r = { .range = { (uintptr_t)p, len }, .mode = mode };
	int ret = ioctl(u, UFFDIO_REGISTER, &r);

	if (ioctls)
		*ioctls = r.ioctls;
	return ret;
}

static int unreg(int u, void *p, uint64_t len)
{
	struct uffdio_range r = { (uintptr_t)p, len };

	return ioctl(u, UFFDIO_UNREGISTER, &r);
}

static int64_t copied;

static int copy(int u, void *dst, const void *src, uint64_t len, uint64_t mode)
{
	struct uffdio_copy c = { (uintptr_t)dst, (uintptr_t)src, len, mode, 77 };
	int ret = ioctl(u, UFFDIO_COPY, &c);

	copied = c.copy;
	return ret;
}

static int zero(int u, void *dst, uint64_t len)
{
	struct uffdio_zeropage z = { { (uintptr_t)dst, len }, 0, 77 };
	int ret = ioctl(u, UFFDIO_ZEROPAGE, &z);

	copied = z.zeropage;
	return ret;
}

static int cont(int u, void *dst, uint64_t len)
{
	struct uffdio_continue c = { { (uintptr_t)dst, len }, 0, 77 };
	int ret = ioctl(u, UFFDIO_CONTINUE, &c);

	copied = c.mapped;
	return ret;
}

static int protect(int u, void *p, uint64_t len, uint64_t mode)
{
	struct uffdio_writeprotect w = { { (uintptr_t)p, len }, mode };

	return ioctl(u, UFFDIO_WRITEPROTECT, &w);
}

static uint8_t *anon(uint64_t len)
{
	uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must((long)p);
	return p;
}

/* ---- a thread that makes one access ---- */

struct access {
	pthread_t t;
	volatile uint8_t *p;
	bool write, by_call;
	int fd;
	int got;
	volatile bool done;
	pid_t tid;
};

static void *access_fn(void *arg)
{
	struct access *a = arg;

	a->tid = gettid();
	if (a->by_call)
		a->got = read(a->fd, (void *)a->p, 1);
	else if (a->write)
		*a->p = 0x5a;
	else
		a->got = *a->p;
	a->done = true;
	return NULL;
}

static void start(struct access *a)
{
	a->done = false;
	must(pthread_create(&a->t, NULL, access_fn, a) ? -1 : 0);
}

static struct uffd_msg next(int u)
{
	struct uffd_msg m = {};

	must(read(u, &m, sizeof(m)) == sizeof(m) ? 0 : -1);
	return m;
}

static bool is_fault(const struct uffd_msg *m, volatile void *p, uint64_t flags)
{
	if (m->event == UFFD_EVENT_PAGEFAULT && m->arg.pagefault.address == ((uintptr_t)p & ~(PG - 1)) &&
	    m->arg.pagefault.flags == flags)
		return true;
	printf("# event %#x address %#llx flags %#llx\n", m->event, (long long)m->arg.pagefault.address,
	       (long long)m->arg.pagefault.flags);
	return false;
}

/* What is offered can be had; what is not is refused as what nobody knows, and the structure comes back zeroed. */
static void features_asked_for(void)
{
	struct uffdio_api all = { .api = UFFD_API };
	int i, u = must(syscall(SYS_userfaultfd, O_NONBLOCK)), wrong = 0;

	must(ioctl(u, UFFDIO_API, &all));
	close(u);
	for (i = 0; i < 64; i++) {
		struct uffdio_api api = { .api = UFFD_API, .features = 1UL << i };
		int ret;

		u = must(syscall(SYS_userfaultfd, O_NONBLOCK));
		errno = 0;
		ret = ioctl(u, UFFDIO_API, &api);
		if (all.features >> i & 1)
			wrong += ret || api.features != all.features;
		else
			wrong += !ret || errno != EINVAL || api.api || api.features || api.ioctls;
		close(u);
	}
	check_eq(wrong, 0, "each feature that is offered, and no other");
}

static void handshake(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffd_msg m;
	int u;

	check_errno(syscall(SYS_userfaultfd, 0x40), EINVAL, "unknown flag");
	u = must(syscall(SYS_userfaultfd, O_NONBLOCK));
	check_errno(read(u, &m, sizeof(m)), EINVAL, "read before the handshake");
	check_errno(watch(u, &api, PG, MISSING, NULL), EINVAL, "register before the handshake");
	struct pollfd pf = { .fd = u, .events = POLLIN };

	check(poll(&pf, 1, 0) == 1 && pf.revents == POLLERR, "poll before the handshake");
	api.api = 0xab;
	check_errno(ioctl(u, UFFDIO_API, &api), EINVAL, "unknown API");
	check(!api.api && !api.features, "and the structure is zeroed");
	api = (struct uffdio_api){ .api = UFFD_API, .features = 1UL << 40 };
	check_errno(ioctl(u, UFFDIO_API, &api), EINVAL, "unknown feature");
	check(!api.api && !api.features && !api.ioctls, "and the structure is zeroed");
	features_asked_for();
	api = (struct uffdio_api){ .api = UFFD_API };
	check_eq(ioctl(u, UFFDIO_API, &api), 0, "handshake");
	printf("# features %#llx ioctls %#llx\n", (long long)api.features, (long long)api.ioctls);
	check_eq(api.features & WANT, WANT, "features");
	check_eq(ioctl(u, UFFDIO_API, &api), -1, "only once");
	check(poll(&pf, 1, 0) == 0, "nothing to read");
	check_errno(read(u, &m, sizeof(m)), EAGAIN, "read without faults");
	check_errno(read(u, &m, sizeof(m) - 1), EINVAL, "short read");
	check_errno(ioctl(u, 0xaa77, 0), EINVAL, "unknown ioctl");
	close(u);
}

static void register_errors(void)
{
	int u = uffd_open(O_NONBLOCK, 0), u2 = uffd_open(O_NONBLOCK, 0);
	uint8_t *p = anon(8 * PG);
	uint64_t ioctls;
	int fd = must(open("/proc/self/exe", O_RDONLY));

	check_errno(watch(u, p, PG, 0, NULL), EINVAL, "no mode");
	check_errno(watch(u, p, PG, 8, NULL), EINVAL, "unknown mode");
	check_errno(watch(u, p + 1, PG, MISSING, NULL), EINVAL, "start not aligned");
	check_errno(watch(u, p, PG + 1, MISSING, NULL), EINVAL, "length not aligned");
	check_errno(watch(u, p, 0, MISSING, NULL), EINVAL, "no length");
	check_errno(watch(u, 0, PG, MISSING, NULL), EINVAL, "address 0");
	check_errno(watch(u, (void *)(1UL << 50), PG, MISSING, NULL), EINVAL, "beyond user space");
	check_errno(watch(u, p, PG, MINOR, NULL), EINVAL, "minor faults of anonymous memory");
	check_eq(watch(u, p + PG, 2 * PG, MISSING, &ioctls), 0, "register");
	check((ioctls >> _UFFDIO_COPY & 1) && (ioctls >> _UFFDIO_ZEROPAGE & 1) && (ioctls >> _UFFDIO_WAKE & 1) &&
	      !(ioctls >> _UFFDIO_WRITEPROTECT & 1), "its ioctls");
	check_errno(watch(u2, p, 8 * PG, MISSING, NULL), EBUSY, "somebody else's");
	check_errno(copy(u, p, p, PG, 0), ENOENT, "copy to what is not registered");
	check_eq(copied, -ENOENT, "the error is in the structure too");
	check_errno(copy(u, p + PG, p, 3 * PG, 0), ENOENT, "copy beyond the area");
	check_errno(copy(u, p + PG, p, PG, 4), EINVAL, "unknown mode of copy");
	check_errno(copy(u, p + PG, p, PG, UFFDIO_COPY_MODE_WP), EINVAL, "copy write-protected without WP");
	check_errno(copy(u, p + PG, (void *)8, PG, 0), EFAULT, "copy from address 8");
	check_errno(copy(u, p + PG, (void *)0x10000UL, PG, 0), EFAULT, "copy from nowhere");
	check_errno(protect(u, p + PG, PG, UFFDIO_WRITEPROTECT_MODE_WP), ENOENT, "protect without WP");
	check_errno(protect(u, p + PG, PG, 3), EINVAL, "protect without waking");
	check_errno(cont(u, p + PG, PG), EINVAL, "continue in anonymous memory");
	p[0] = 9;
	check_eq(copy(u, p + PG, p, 2 * PG, 0), 0, "copy");
	check_eq(copied, 2 * PG, "all of it");
	check_eq(p[PG], 9, "the page");
	check_errno(copy(u, p + PG, p, PG, 0), EEXIST, "copy over a page");
	must(madvise(p + PG, PG, MADV_DONTNEED));
	check_errno(copy(u, p + PG, p, 2 * PG, 0), EAGAIN, "copy up to a page");
	check_eq(copied, PG, "and how far");
	check_eq(unreg(u, p, 8 * PG), 0, "unregister, with others around");
	check_eq(unreg(u, p, PG), 0, "unregister what is not registered");
	check_errno(unreg(u, (void *)0x10000UL, PG), EINVAL, "unregister nothing");
	void *ro = mmap(NULL, PG, PROT_READ, MAP_SHARED, fd, 0);

	if (ro != MAP_FAILED)
		check(watch(u, ro, PG, MISSING, NULL) == -1, "a file that may not be written");
	close(fd);
	close(u2);
	close(u);
	munmap(p, 8 * PG);
}

/* Two threads wait for one page until they are woken. */
static void one_page(int u, uint8_t *p, const uint8_t *src)
{
	struct access a = { .p = p + 5 }, b = { .p = p + 7, .write = true };
	struct pollfd pf = { .fd = u, .events = POLLIN };
	struct uffdio_range r = { (uintptr_t)p, PG };
	struct uffd_msg m;

	start(&a);
	check(poll(&pf, 1, 20000) == 1 && pf.revents == POLLIN, "a fault is there");
	m = next(u);
	check(is_fault(&m, p, 0), "a read of the first page");
	check_eq(m.arg.pagefault.feat.ptid, a.tid, "by this thread");
	start(&b);
	must(poll(&pf, 1, 20000));
	m = next(u);
	check(is_fault(&m, p, UFFD_PAGEFAULT_FLAG_WRITE), "a write of it by another");
	check(!a.done && !b.done, "both wait");
	check_eq(copy(u, p, src, PG, UFFDIO_COPY_MODE_DONTWAKE), 0, "copy without waking");
	msleep(30);
	check(!a.done && !b.done, "both still wait");
	check_eq(ioctl(u, UFFDIO_WAKE, &r), 0, "wake");
	pthread_join(a.t, NULL);
	pthread_join(b.t, NULL);
	check(a.got == 0x33 && p[7] == 0x5a && p[8] == 0x33, "the page is what was copied");
}

/* The zero page, read and then written. */
static void zero_page(int u, uint8_t *p)
{
	struct access a = { .p = p };
	struct pollfd pf = { .fd = u, .events = POLLIN };

	start(&a);
	must(poll(&pf, 1, 20000));
	next(u);
	check_eq(zero(u, p, PG), 0, "zero page");
	check_eq(copied, PG, "one page");
	pthread_join(a.t, NULL);
	check_eq(a.got, 0, "reads zeros");
	p[0] = 4;
	check_eq(p[0], 4, "can be written");
	check_errno(zero(u, p, PG), EEXIST, "zero page over a page");
}

/* A system call's own access. */
static void by_call(int u, uint8_t *p, const uint8_t *src, const int *pipefd)
{
	struct access a = { .p = p, .by_call = true, .fd = pipefd[0] };
	struct pollfd pf = { .fd = u, .events = POLLIN };
	struct uffd_msg m;

	must(write(pipefd[1], "x", 1));
	start(&a);
	must(poll(&pf, 1, 20000));
	m = next(u);
	check(is_fault(&m, p, UFFD_PAGEFAULT_FLAG_WRITE), "a read(2) into a missing page");
	must(copy(u, p, src, PG, 0));
	pthread_join(a.t, NULL);
	check(a.got == 1 && *p == 'x', "and it got its data");
}

/* Unregistering wakes, and so does closing, which this does. */
static void ends_waiting(int u, uint8_t *p, uint64_t size)
{
	struct access a = { .p = p + 3 * PG };
	struct pollfd pf = { .fd = u, .events = POLLIN };

	start(&a);
	must(poll(&pf, 1, 20000));
	check_eq(unreg(u, p, size), 0, "unregister under a waiting thread");
	pthread_join(a.t, NULL);
	check_eq(a.got, 0, "which goes on");
	must(watch(u, p, size, MISSING, NULL));
	a = (struct access){ .p = p + 4 * PG };
	start(&a);
	must(poll(&pf, 1, 20000));
	close(u);
	pthread_join(a.t, NULL);
	check(a.done, "closing lets it go on");
}

/* A page of which no system call may wait. */
static void call_fails(int flags, uint64_t features, uint8_t *p, const int *pipefd, const char *name)
{
	int u = uffd_open(flags, features);

	must(watch(u, p, PG, MISSING, NULL));
	must(write(pipefd[1], "x", 1));
	check_errno(read(pipefd[0], p, 1), EFAULT, name);
	close(u);
}

static void missing(void)
{
	int u = uffd_open(O_NONBLOCK, UFFD_FEATURE_THREAD_ID);
	uint8_t *p = anon(16 * PG), src[PG];
	int pipefd[2];

	memset(src, 0x33, PG);
	must(pipe(pipefd));
	must(watch(u, p, 16 * PG, MISSING, NULL));
	one_page(u, p, src);
	zero_page(u, p + PG);
	by_call(u, p + 2 * PG, src, pipefd);
	ends_waiting(u, p, 16 * PG);
	call_fails(0, UFFD_FEATURE_SIGBUS, p + 5 * PG, pipefd, "with SIGBUS a system call fails");
	call_fails(UFFD_USER_MODE_ONLY, 0, p + 6 * PG, pipefd, "user mode only: a system call fails");
	close(pipefd[0]);
	close(pipefd[1]);
	munmap(p, 16 * PG);
}

static void on_usr1(int sig)
{
}

static void signals_and_death(void)
{
	int u = uffd_open(O_NONBLOCK, 0);
	uint8_t *p = anon(4 * PG), src[PG];
	struct access a = { .p = p };
	struct pollfd pf = { .fd = u, .events = POLLIN };
	int status;

	memset(src, 1, PG);
	handle(SIGUSR1, on_usr1, 0);
	must(watch(u, p, 4 * PG, MISSING, NULL));
	start(&a);
	must(poll(&pf, 1, 20000));
	next(u);
	pthread_kill(a.t, SIGUSR1);
	check(poll(&pf, 1, 20000) == 1, "a signal interrupts the wait: the fault comes again");
	must(copy(u, p, src, PG, 0));
	pthread_join(a.t, NULL);
	check_eq(a.got, 1, "and is answered");

	/* The child's memory is its own; a child that waits for its own uffd can be killed. */
	pid_t pid = must(fork());

	if (!pid)
		_exit(p[PG] == 0 ? 7 : 8);
	must(waitpid(pid, &status, 0));
	check(WIFEXITED(status) && WEXITSTATUS(status) == 7, "a child's copy is not watched");
	pid = must(fork());
	if (!pid) {
		int uc = uffd_open(0, 0);

		must(watch(uc, p + 2 * PG, PG, MISSING, NULL));
		_exit(read(open("/proc/self/exe", O_RDONLY), p + 2 * PG, 1));
	}
	msleep(100);
	kill(pid, SIGKILL);
	must(waitpid(pid, &status, 0));
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "death ends the wait of a system call");
	close(u);
	munmap(p, 4 * PG);
}

static void write_protect(int flags, int fd, const char *what)
{
	int u = uffd_open(O_NONBLOCK, UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_WP_UNPOPULATED |
			  UFFD_FEATURE_WP_HUGETLBFS_SHMEM);
	uint8_t *p = mmap(NULL, 8 * PG, PROT_READ | PROT_WRITE, flags, fd, 0);
	struct access a = { .write = true };
	struct pollfd pf = { .fd = u, .events = POLLIN };
	struct uffd_msg m;
	uint64_t ioctls;

	printf("# %s\n", what);
	must((long)p);
	memset(p, 1, 4 * PG);
	check_eq(watch(u, p, 8 * PG, WP, &ioctls), 0, "register for write protection");
	check(ioctls >> _UFFDIO_WRITEPROTECT & 1, "its ioctl");
	check_eq(protect(u, p, 8 * PG, UFFDIO_WRITEPROTECT_MODE_WP), 0, "protect");
	check_eq(p[PG], 1, "reading goes on");
	for (int i = 1; i < 8; i += 5) {
		a.p = p + i * PG;
		start(&a);
		must(poll(&pf, 1, 20000));
		m = next(u);
		check(is_fault(&m, a.p, UFFD_PAGEFAULT_FLAG_WRITE | UFFD_PAGEFAULT_FLAG_WP),
		      i == 1 ? "a write asks" : "a write to what was not there asks");
		check_eq(protect(u, p + i * PG, PG, 0), 0, "unprotect");
		pthread_join(a.t, NULL);
		check_eq(p[i * PG], 0x5a, "the write is done");
	}
	/* mprotect does not take the mark away. */
	must(mprotect(p, 8 * PG, PROT_READ));
	must(mprotect(p, 8 * PG, PROT_READ | PROT_WRITE));
	a.p = p + 2 * PG;
	start(&a);
	must(poll(&pf, 1, 20000));
	next(u);
	check_eq(unreg(u, p, 8 * PG), 0, "unregistering ends it");
	struct uffdio_range all = { (uintptr_t)p, 8 * PG };

	/* Linux's unregistering wakes only those that wait for missing pages. */
	must(ioctl(u, UFFDIO_WAKE, &all));
	pthread_join(a.t, NULL);
	p[3 * PG] = 8;
	must(watch(u, p, 8 * PG, WP, NULL));
	p[0] = 3;
	check_eq(p[0], 3, "registering again begins without protection");
	close(u);
	munmap(p, 8 * PG);
}

static void shmem(void)
{
	int fd = must(memfd_create("m", 0)), u = uffd_open(O_NONBLOCK, 0), um;
	struct pollfd pf = { .fd = u, .events = POLLIN };
	struct access a = {}, b = {};
	uint8_t *p, *q, src[PG];
	struct uffd_msg m;

	memset(src, 0x44, PG);
	must(ftruncate(fd, 8 * PG));
	p = mmap(NULL, 16 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	q = mmap(NULL, 8 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(watch(u, p, 16 * PG, MISSING, NULL));
	q[PG] = 6;
	check_eq(p[PG], 6, "a page that the object has is not missing");
	a.p = p;
	start(&a);
	must(poll(&pf, 1, 20000));
	m = next(u);
	check(is_fault(&m, p, 0), "a hole is");
	check_eq(copy(u, p, src, PG, 0), 0, "copy into the object");
	pthread_join(a.t, NULL);
	check(a.got == 0x44 && q[0] == 0x44, "seen by both mappings");
	check_errno(copy(u, p + PG, src, PG, 0), EEXIST, "copy over the object's page");
	check_errno(copy(u, p + 8 * PG, src, PG, 0), EFAULT, "copy beyond its end");
	check_eq(zero(u, p + 2 * PG, PG), 0, "zero page");
	p[2 * PG] = 1;
	check_eq(q[2 * PG], 1, "is a page of the object");
	must(fallocate(fd, 3 /* PUNCH_HOLE | KEEP_SIZE */, 0, PG));
	a.p = p;
	start(&a);
	must(poll(&pf, 1, 20000));
	m = next(u);
	check(is_fault(&m, p, 0), "a page punched out is missing again");
	must(copy(u, p, src, PG, 0));
	pthread_join(a.t, NULL);
	close(u);

	um = uffd_open(O_NONBLOCK, UFFD_FEATURE_MINOR_SHMEM);
	pf.fd = um;
	munmap(p, 16 * PG);
	p = mmap(NULL, 8 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(watch(um, p, 8 * PG, MINOR, NULL));
	check_errno(cont(um, p + 4 * PG, PG), EFAULT, "continue where the object has nothing");
	b = (struct access){ .p = p + PG, .write = true };
	start(&b);
	must(poll(&pf, 1, 20000));
	m = next(um);
	check(is_fault(&m, p + PG, UFFD_PAGEFAULT_FLAG_WRITE | UFFD_PAGEFAULT_FLAG_MINOR), "minor fault");
	check_eq(cont(um, p + PG, PG), 0, "continue");
	check_eq(copied, PG, "one page");
	pthread_join(b.t, NULL);
	check_eq(q[PG], 0x5a, "the write went to the object");
	check_errno(cont(um, p + PG, PG), EEXIST, "continue twice");
	close(um);
	close(fd);
}

/* Load from x1, store the value for the VMM; store to x2, tell. */
GUEST(touch, "1: ldr x0, [x1]; str x0, [x28]; str x0, [x2]; str x2, [x28, #8]; b 1b");

static struct vm gvm;

static void *guest_thread(void *arg)
{
	*(int64_t *)arg = guest_says(&gvm, 0);
	if (*(int64_t *)arg >= 0)
		*(int64_t *)arg += guest_says(&gvm, 8) < 0 ? -1000 : 0;
	return NULL;
}

static void guest(void)
{
	int u = uffd_open(O_NONBLOCK, UFFD_FEATURE_PAGEFAULT_FLAG_WP);
	struct pollfd pf = { .fd = u, .events = POLLIN };
	uint8_t *p = anon(4 * PG), src[PG];
	struct uffd_msg m;
	int64_t got = 0;
	pthread_t t;

	memset(src, 0, PG);
	src[16] = 42;
	gvm = VM(touch);
	must(set_slot(gvm.fd, 1, 0, 0x80000000UL, 4 * PG, p));
	must(watch(u, p, 4 * PG, MISSING | WP, NULL));
	set(gvm.vcpu, REG_X(1), 0x80001010UL);
	set(gvm.vcpu, REG_X(2), 0x80001018UL);
	must(pthread_create(&t, NULL, guest_thread, &got) ? -1 : 0);
	check(poll(&pf, 1, 20000) == 1, "a guest's access");
	m = next(u);
	/* Linux may ask KVM for the page for writing at once. */
	check((m.arg.pagefault.address & ~(PG - 1)) == (uintptr_t)p + PG &&
	      !(m.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP), "to a missing page");
	check_eq(copy(u, p + PG, src, PG, UFFDIO_COPY_MODE_WP), 0, "copied, write-protected");
	for (int i = 0; i < 2; i++) {
		check(poll(&pf, 1, 20000) == 1, "the guest's write");
		m = next(u);
		if (m.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP)
			break;
	}
	check(is_fault(&m, p + PG, UFFD_PAGEFAULT_FLAG_WP | UFFD_PAGEFAULT_FLAG_WRITE), "asks again");
	check_eq(p[PG + 24], 0, "and is not done yet");
	must(protect(u, p + PG, PG, 0));
	pthread_join(t, NULL);
	check_eq(got, 42, "the guest read what was copied");
	check_eq(p[PG + 24], 42, "and wrote it");
	close(u);
	vm_drop(&gvm);
}

/* ---- events: a thread changes its memory, and waits until that was read ---- */

#define EVENTS	(UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP)

struct change {
	pthread_t t;
	enum { DONTNEED, REMOVE, UNMAP, REPLACE, MOVE } what;
	uint8_t *p, *to;
	uint64_t len;
	long ret;
	volatile bool done;
};

static void *change_fn(void *arg)
{
	struct change *c = arg;

	switch (c->what) {
	case DONTNEED:
		c->ret = madvise(c->p, c->len, MADV_DONTNEED);
		break;
	case REMOVE:
		c->ret = madvise(c->p, c->len, MADV_REMOVE);
		break;
	case UNMAP:
		c->ret = munmap(c->p, c->len);
		break;
	case REPLACE:
		c->ret = (long)mmap(c->p, c->len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		break;
	case MOVE:
		c->ret = (long)mremap(c->p, c->len, c->len, MREMAP_MAYMOVE | MREMAP_FIXED, c->to);
		break;
	}
	c->done = true;
	return NULL;
}

/* Begin the change; wait for its event. */
static struct uffd_msg change(int u, struct change *c)
{
	struct pollfd pf = { .fd = u, .events = POLLIN };

	c->done = false;
	must(pthread_create(&c->t, NULL, change_fn, c) ? -1 : 0);
	check_eq(poll(&pf, 1, 60000), 1, "an event");
	check(!c->done, "the change waits for its reader");
	return next(u);
}

static bool is_range(const struct uffd_msg *m, uint8_t event, void *p, uint64_t len)
{
	if (m->event == event && m->arg.remove.start == (uintptr_t)p && m->arg.remove.end == (uintptr_t)p + len)
		return true;
	printf("# event %#x %#llx to %#llx, wanted %#lx + %#lx\n", m->event, (long long)m->arg.remove.start,
	       (long long)m->arg.remove.end, (long)p, (long)len);
	return false;
}

static void event_remove(void)
{
	int u = uffd_open(O_NONBLOCK, EVENTS), fd = must(memfd_create("e", 0));
	struct pollfd pf = { .fd = u, .events = POLLIN };
	struct change c = { .what = DONTNEED, .p = anon(8 * PG), .len = 8 * PG };
	struct uffd_msg m;
	uint8_t *src = anon(PG), *q;

	memset(src, 7, PG);
	check_eq(watch(u, c.p + PG, 2 * PG, MISSING, NULL), 0, "watch two pages of eight");
	check_eq(copy(u, c.p + PG, src, PG, 0), 0, "fill one");
	must(pthread_create(&c.t, NULL, change_fn, &c) ? -1 : 0);
	check_eq(poll(&pf, 1, 60000), 1, "an event");
	check_errno(copy(u, c.p + 2 * PG, src, PG, 0), EAGAIN, "no copy before it is read");
	check_errno(zero(u, c.p + 2 * PG, PG), EAGAIN, "nor zeroes");
	check(!c.done && c.p[PG] == 7, "nothing is gone before it is read");
	m = next(u);
	check(is_range(&m, UFFD_EVENT_REMOVE, c.p + PG, 2 * PG), "REMOVE of what is watched");
	pthread_join(c.t, NULL);
	check_eq(c.ret, 0, "MADV_DONTNEED");
	check_eq(copy(u, c.p + PG, src, PG, 0), 0, "the page is missing again");
	check_errno(read(u, &m, sizeof(m)), EAGAIN, "no more events");

	must(ftruncate(fd, 4 * PG));
	q = mmap(NULL, 4 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must((long)q);
	q[PG] = 1;
	check_eq(watch(u, q, 4 * PG, MISSING, NULL), 0, "watch a memfd");
	c = (struct change){ .what = REMOVE, .p = q, .len = 2 * PG };
	m = change(u, &c);
	check(is_range(&m, UFFD_EVENT_REMOVE, q, 2 * PG), "REMOVE of shared memory");
	pthread_join(c.t, NULL);
	check_eq(c.ret, 0, "MADV_REMOVE");
	close(fd);
	close(u);
}

static void event_unmap(void)
{
	int u = uffd_open(O_NONBLOCK, EVENTS);
	struct change c = { .what = UNMAP, .p = anon(8 * PG), .len = 6 * PG };
	struct uffd_msg m;
	uint8_t *src = anon(PG);

	check_eq(watch(u, c.p + PG, PG, MISSING, NULL), 0, "watch a page");
	check_eq(watch(u, c.p + 3 * PG, 5 * PG, MISSING, NULL), 0, "and some behind it");
	m = change(u, &c);
	check(is_range(&m, UFFD_EVENT_UNMAP, c.p, 6 * PG), "one UNMAP, of all that is unmapped");
	pthread_join(c.t, NULL);
	check_eq(c.ret, 0, "munmap");
	check_errno(read(u, &m, sizeof(m)), EAGAIN, "no other event");
	check_errno(copy(u, c.p + PG, src, PG, 0), ENOENT, "it is not watched any more");
	check_eq(copy(u, c.p + 7 * PG, src, PG, 0), 0, "the rest is");
	c = (struct change){ .what = REPLACE, .p = c.p + 6 * PG, .len = PG };
	m = change(u, &c);
	check(is_range(&m, UFFD_EVENT_UNMAP, c.p, PG), "UNMAP where something else was mapped");
	pthread_join(c.t, NULL);
	check_eq(c.ret, (long)c.p, "mmap");
	/* Nobody reads: closing the descriptor lets the change go on. */
	c = (struct change){ .what = UNMAP, .p = c.p + PG, .len = PG };
	struct pollfd pf = { .fd = u, .events = POLLIN };

	must(pthread_create(&c.t, NULL, change_fn, &c) ? -1 : 0);
	check_eq(poll(&pf, 1, 60000), 1, "an event that nobody reads");
	close(u);
	pthread_join(c.t, NULL);
	check_eq(c.ret, 0, "munmap after the descriptor was closed");
}

static void event_remap(void)
{
	int u = uffd_open(O_NONBLOCK, UFFD_FEATURE_EVENT_REMAP), u2 = uffd_open(O_NONBLOCK, 0);
	uint8_t *p = anon(4 * PG), *to = anon(4 * PG), *src = anon(PG);
	struct change c = { .what = MOVE, .p = p, .to = to, .len = 2 * PG };
	struct uffd_msg m;

	memset(src, 9, PG);
	check_eq(watch(u, p, 4 * PG, MISSING, NULL), 0, "watch");
	check_eq(copy(u, p, src, PG, 0), 0, "fill the first page");
	m = change(u, &c);
	pthread_join(c.t, NULL);
	check(m.event == UFFD_EVENT_REMAP && m.arg.remap.from == (uintptr_t)p && m.arg.remap.to == (uintptr_t)to &&
	      m.arg.remap.len == 2 * PG, "REMAP from, to, length");
	check_eq(c.ret, (long)to, "mremap");
	check_eq(to[0], 9, "the page came along");
	check_eq(copy(u, to + PG, src, PG, 0), 0, "the new place is watched");
	check_errno(copy(u, p + PG, src, PG, 0), ENOENT, "the old one is not");
	check_errno(read(u, &m, sizeof(m)), EAGAIN, "UNMAP was not asked for");
	/* Without the feature what is moved is not watched, and nobody waits. */
	check_eq(watch(u2, src, PG, MISSING, NULL), 0, "watch without events");
	c = (struct change){ .what = MOVE, .p = src, .to = p + 2 * PG, .len = PG };
	change_fn(&c);
	check_eq(c.ret, (long)c.to, "mremap");
	check_errno(zero(u2, c.to, PG), ENOENT, "it is watched no more");
	close(u);
	close(u2);
}

int main(void)
{
	int fd = must(memfd_create("w", 0));

	must(ftruncate(fd, 8 * PG));
	handshake();
	register_errors();
	missing();
	signals_and_death();
	write_protect(MAP_PRIVATE | MAP_ANONYMOUS, -1, "private memory");
	write_protect(MAP_SHARED, fd, "a memfd");
	shmem();
	guest();
	event_remove();
	event_unmap();
	event_remap();
	return report();
}
