// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a C library needs of the kernel beneath it: start-up and auxiliary vector, stdio,
 * allocation, threads with cancellation, signals, processes. Built four ways: static,
 * static-PIE and dynamic with glibc, static with musl.
 */
#include <elf.h>
#include <link.h>
#include <math.h>
#include <setjmp.h>
#include <spawn.h>
#include <sys/auxv.h>
#ifdef DYNAMIC
#include <dlfcn.h>
#endif

#include "test.h"

#define NR 6

extern char **environ;
static int constructed;
static __thread char tls_data[64] = "initial value";
static __thread long tls_zero;

__attribute__((constructor)) static void construct(void)
{
	constructed++;
}

static int count_headers(struct dl_phdr_info *info, size_t size, void *arg)
{
	int *n = arg;

	*n += info->dlpi_phnum;
	return 0;
}

static void start(void)
{
	int headers = 0;

	check_eq(constructed, 1, "a constructor ran once");
	check(!strcmp(tls_data, "initial value") && !tls_zero, "the TLS image is in place");
	check_eq(getauxval(AT_PAGESZ), 4096, "AT_PAGESZ");
	check(getauxval(AT_RANDOM) != 0, "AT_RANDOM");
	check(getauxval(AT_HWCAP) & 1, "AT_HWCAP has FP");
	check(strstr((char *)getauxval(AT_EXECFN), "libc") != NULL, "AT_EXECFN");
	dl_iterate_phdr(count_headers, &headers);
	check(headers > 2, "program headers are found");
	check(getenv("PATH") != NULL, "the environment has PATH");
}

static void stdio(void)
{
	char line[128], *p = NULL;
	FILE *f = tmpfile();
	size_t room = 0;
	double d = 0;
	int i, n = 0;

	if (!check(f != NULL, "tmpfile"))
		return;
	for (i = 0; i < 3000; i++)
		fprintf(f, "%d %.6f line %s\n", i, sqrt(i), "x");
	check_eq(fseek(f, 0, SEEK_SET), 0, "fseek");
	while (fgets(line, sizeof(line), f))
		n++;
	check_eq(n, 3000, "lines come back");
	rewind(f);
	for (i = 0; i < 145; i++)
		getline(&p, &room, f);
	check(sscanf(p, "%d %lf", &n, &d) == 2 && n == 144 && d == 12.0, "scanf of a number with a fraction");
	free(p);
	check_eq(fclose(f), 0, "fclose");
	f = popen("echo one; echo two", "r");
	check(f && fgets(line, sizeof(line), f) && !strcmp(line, "one\n"), "popen");
	/* The shell writes line by line: closed before the second, it would die of SIGPIPE. */
	check(f && fgets(line, sizeof(line), f) && !strcmp(line, "two\n"), "its second line");
	check_eq(f ? pclose(f) : -1, 0, "pclose");
	check_eq(WEXITSTATUS(system("exit 9")), 9, "system");
}

static void *allocate(void *arg)
{
	unsigned int seed = (long)arg + 1;
	char *have[64] = { NULL };
	size_t size[64] = { 0 };
	int i, k, bad = 0;

	for (i = 0; i < 3000; i++) {
		k = rand_r(&seed) % 64;
		if (have[k] && (have[k][0] != (char)k || have[k][size[k] - 1] != (char)k))
			bad++;
		size[k] = 1 + (rand_r(&seed) % 100 ? rand_r(&seed) % 3000 : rand_r(&seed) % 300000);
		have[k] = realloc(have[k], size[k]);
		have[k][0] = have[k][size[k] - 1] = k;
		tls_zero++;
		snprintf(tls_data, sizeof(tls_data), "%d", i);
	}
	for (k = 0; k < 64; k++)
		free(have[k]);
	return (void *)(long)(bad + (tls_zero != 3000) + (strcmp(tls_data, "2999") != 0));
}

static void cleanup(void *arg)
{
	*(volatile int *)arg = 7;
}

static void *wait_forever(void *arg)
{
	pthread_cleanup_push(cleanup, arg);
	*(volatile int *)arg = 1;
	for (;;)
		pause();
	pthread_cleanup_pop(0);
	return NULL;
}

static void threads(void)
{
	pthread_t t[NR];
	void *ret;
	long bad = 0;
	int i, mark = 0;

	for (i = 0; i < NR; i++)
		if (pthread_create(&t[i], NULL, allocate, (void *)(long)i))
			bad++;
	for (i = 0; i < NR; i++) {
		pthread_join(t[i], &ret);
		bad += (long)ret;
	}
	check_eq(bad, 0, "threads allocate, each with TLS of its own");
	check_eq(tls_zero, 0, "the first thread's TLS is untouched");
	pthread_create(&t[0], NULL, wait_forever, &mark);
	while (*(volatile int *)&mark != 1)
		msleep(1);
	pthread_cancel(t[0]);
	pthread_join(t[0], &ret);
	check(ret == PTHREAD_CANCELED && mark == 7, "a thread in pause() is cancelled");
}

static sigjmp_buf back;
static volatile sig_atomic_t seen;
static volatile double kept;

static void on_signal(int sig)
{
	/* FP in the handler must not reach what it interrupted. */
	kept = sqrt(sig * 2.0);
	seen = sig;
}

static void on_fault(int sig, siginfo_t *info, void *ctx)
{
	seen = sig;
	siglongjmp(back, 1);
}

static void signals(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t stack = { .ss_sp = malloc(65536), .ss_size = 65536 };
	volatile int *volatile unmapped = (int *)8;
	double a = 1.25;
	int i;

	signal(SIGUSR1, on_signal);
	for (i = 0; i < 10; i++) {
		a = a * 1.5 + 0.25;
		raise(SIGUSR1);
	}
	check(seen == SIGUSR1 && fabs(a - 100.423) < 0.01, "FP values live through signals");
	check_eq(sigaltstack(&stack, NULL), 0, "sigaltstack");
	sigaction(SIGSEGV, &sa, NULL);
	for (i = 0, seen = 0; i < 3; i++)
		if (!sigsetjmp(back, 1))
			*unmapped = 1;
	check_eq(seen, SIGSEGV, "faults are left by siglongjmp");
	signal(SIGSEGV, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
	free(stack.ss_sp);
}

static int fds[2];

static void at_exit(void)
{
	if (write(fds[1], "e", 1) != 1)
		abort();
}

static void processes(void)
{
	char *argv[] = { "sh", "-c", "exit $((CODE + 1))", NULL };
	char *env[] = { "CODE=20", "PATH=/bin", NULL };
	int status = -1;
	char c = 0;
	pid_t pid;

	check_eq(posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, env), 0, "posix_spawn");
	waitpid(pid, &status, 0);
	check_eq(WEXITSTATUS(status), 21, "its environment and status");
	check_eq(posix_spawn(&pid, "/nowhere", NULL, NULL, argv, env), ENOENT, "posix_spawn of nothing");
	must(pipe(fds));
	pid = must(fork());
	if (!pid) {
		atexit(at_exit);
		exit(3);
	}
	waitpid(pid, &status, 0);
	check_eq(WEXITSTATUS(status), 3, "exit");
	check(read(fds[0], &c, 1) == 1 && c == 'e', "atexit");
}

static void more(void)
{
	time_t t = 1000000000;
	struct tm tm;
	char s[64];

	strftime(s, sizeof(s), "%Y-%m-%d %H:%M:%S", gmtime_r(&t, &tm));
	check(!strcmp(s, "2001-09-09 01:46:40"), "dates");
	check(sysconf(_SC_NPROCESSORS_ONLN) >= 1, "number of CPUs");
#ifdef DYNAMIC
	void *lib = dlopen(DYNAMIC, RTLD_NOW);
	double (*fn)(double) = lib ? (double (*)(double))dlsym(lib, "cbrt") : NULL;

	if (!lib)
		printf("# %s\n", dlerror());
	check(fn && fabs(fn(27.0) - 3.0) < 1e-9, "dlopen, and a call into it");
	check_eq(lib ? dlclose(lib) : -1, 0, "dlclose");
#endif
}

int main(void)
{
	start();
	stdio();
	threads();
	signals();
	processes();
	more();
	return report();
}
