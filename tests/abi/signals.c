// SPDX-License-Identifier: GPL-2.0-only
/* Signals: handlers, masks, alternate stack, restart, interruption, default actions. */
#include <ucontext.h>

#include "test.h"

static volatile int count, depth, max_depth, last;
static volatile siginfo_t info;
static void *volatile sp_seen;
static volatile int *volatile bad_address = (int *)16;

static void simple(int sig)
{
	count++;
	last = sig;
}

static void nested(int sig)
{
	depth++;
	if (depth > max_depth)
		max_depth = depth;
	if (sig == SIGUSR1)
		raise(SIGUSR2);
	depth--;
}

static void with_info(int sig, siginfo_t *i, void *ctx)
{
	memcpy((void *)&info, i, sizeof(info));
	sp_seen = __builtin_frame_address(0);
}

static void handlers(void)
{
	sigset_t set, old;

	handle(SIGUSR1, simple, 0);
	raise(SIGUSR1);
	check(count == 1 && last == SIGUSR1, "handler runs");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	check_eq(sigprocmask(SIG_BLOCK, &set, &old), 0, "block");
	raise(SIGUSR1);
	raise(SIGUSR1);
	check_eq(count, 1, "blocked");
	sigpending(&set);
	check(sigismember(&set, SIGUSR1) == 1, "pending");
	sigprocmask(SIG_SETMASK, &old, NULL);
	check_eq(count, 2, "delivered once when unblocked");
	handle(SIGUSR1, nested, 0);
	handle(SIGUSR2, nested, 0);
	raise(SIGUSR1);
	check_eq(max_depth, 2, "nested handlers");
	handle(SIGUSR1, simple, SA_RESETHAND);
	raise(SIGUSR1);
	sigaction(SIGUSR1, NULL, (struct sigaction *)&(struct sigaction){ });
	check(signal(SIGUSR1, SIG_IGN) == SIG_DFL, "SA_RESETHAND");
	raise(SIGUSR1);
	check(true, "ignored");
	check_errno(sigaction(SIGKILL, &(struct sigaction){ .sa_handler = simple }, NULL), EINVAL,
		    "no handler for SIGKILL");
	check_errno(kill(getpid(), 99), EINVAL, "signal 99");
	check_errno(kill(999999, 0), ESRCH, "no such process");
	check_eq(kill(getpid(), 0), 0, "signal 0");
}

static void queued(void)
{
	struct sigaction sa = { .sa_sigaction = with_info, .sa_flags = SA_SIGINFO };
	union sigval v = { .sival_int = 4711 };
	sigset_t set, old;
	struct timespec zero = { };
	siginfo_t i;
	int n = 0;

	sigaction(SIGRTMIN, &sa, NULL);
	check_eq(sigqueue(getpid(), SIGRTMIN, v), 0, "sigqueue");
	check(info.si_code == SI_QUEUE && info.si_value.sival_int == 4711 &&
	      info.si_pid == getpid(), "siginfo");
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, &old);
	sigqueue(getpid(), SIGRTMIN, v);
	sigqueue(getpid(), SIGRTMIN, v);
	while (sigtimedwait(&set, &i, &zero) == SIGRTMIN)
		n++;
	check_eq(n, 2, "real-time signals queue");
	check_errno(sigtimedwait(&set, &i, &zero), EAGAIN, "sigtimedwait: EAGAIN");
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void alternate_stack(void)
{
	struct sigaction sa = { .sa_sigaction = with_info, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	size_t size = 65536;
	char *mem = malloc(size);
	stack_t ss = { .ss_sp = mem, .ss_size = size }, old;

	check_eq(sigaltstack(&ss, NULL), 0, "sigaltstack");
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	check((char *)sp_seen >= mem && (char *)sp_seen < mem + size, "handler on it");
	check(!sigaltstack(NULL, &old) && old.ss_sp == mem && !old.ss_flags, "not on it now");
	ss.ss_size = 100;
	check_errno(sigaltstack(&ss, NULL), ENOMEM, "too small");
	ss.ss_flags = SS_DISABLE;
	check_eq(sigaltstack(&ss, NULL), 0, "disabled");
	free(mem);
}

/* Every @ms, so that no alarm is lost when it comes before the call it shall interrupt; 0: no more. */
static void alarm_every_ms(int ms)
{
	struct itimerspec t = { { 0, ms * 1000000L }, { 0, ms * 1000000L } };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	static timer_t timer;
	static bool made;

	if (!made)
		must(timer_create(CLOCK_MONOTONIC, &ev, &timer));
	made = true;
	timer_settime(timer, 0, &t, NULL);
}

static int pipe_fds[2];

static void *late_write(void *arg)
{
	msleep(150);
	return (void *)write(pipe_fds[1], "x", 1);
}

static void interruption(void)
{
	struct timespec ts = { 5, 0 }, rest = { };
	sigset_t set, none;
	pthread_t t;
	char c;

	must(pipe(pipe_fds));
	handle(SIGALRM, simple, 0);
	alarm_every_ms(30);
	check_errno(read(pipe_fds[0], &c, 1), EINTR, "read: EINTR");
	alarm_every_ms(30);
	check_errno(nanosleep(&ts, &rest), EINTR, "nanosleep: EINTR");
	check(rest.tv_sec < 5 && (rest.tv_sec || rest.tv_nsec), "time that remained");
	alarm_every_ms(30);
	check_errno(poll(NULL, 0, 5000), EINTR, "poll: EINTR");
	alarm_every_ms(30);
	check_errno(pause(), EINTR, "pause");
	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	alarm_every_ms(30);
	count = 0;
	check_errno(sigsuspend(&none), EINTR, "sigsuspend");
	check_eq(count, 1, "handler in sigsuspend");
	alarm_every_ms(30);
	check_errno(ppoll(NULL, 0, &ts, &none), EINTR, "ppoll with a mask");
	sigprocmask(SIG_UNBLOCK, &set, NULL);

	handle(SIGALRM, simple, SA_RESTART);
	/* Only this thread shall take it. */
	sigprocmask(SIG_BLOCK, &set, NULL);
	must(pthread_create(&t, NULL, late_write, NULL) ? -1 : 0);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	count = 0;
	alarm_every_ms(30);
	check_eq(read(pipe_fds[0], &c, 1), 1, "SA_RESTART");
	check(count >= 1, "its handler ran");
	pthread_join(t, NULL);
	alarm_every_ms(30);
	check_errno(poll(NULL, 0, 5000), EINTR, "poll is not restarted");
	alarm_every_ms(0);
}

static void change_registers(int sig, siginfo_t *i, void *ctx)
{
	ucontext_t *uc = ctx;

	uc->uc_mcontext.regs[0] = 77;
	uc->uc_mcontext.pc += 4;
}

static void context(void)
{
	struct sigaction sa = { .sa_sigaction = change_registers, .sa_flags = SA_SIGINFO };
	register long x0 asm("x0") = 1;
	double before = 1.5, after;

	sigaction(SIGILL, &sa, NULL);
	asm volatile(".word 0" : "+r"(x0) : : "memory");
	check_eq(x0, 77, "handler changes registers and PC");
	asm volatile("fmov d8, %d1; .word 0; fmov %d0, d8"
		     : "=w"(after) : "w"(before) : "x0", "d8");
	check(after == before, "FP registers survive");
	signal(SIGILL, SIG_DFL);
}

static int die_segv(void)
{
	signal(SIGSEGV, SIG_DFL);
	*bad_address = 1;
	return 0;
}

static int die_ill(void)
{
	asm volatile(".word 0");
	return 0;
}

static int die_trap(void)
{
	asm volatile("brk #0");
	return 0;
}

static int die_abort(void)
{
	abort();
}

static int die_blocked_segv(void)
{
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	handle(SIGSEGV, simple, 0);
	*bad_address = 1;
	return 0;
}

static int stopped(void)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		return 1;
	kill(pid, SIGCONT);
	if (waitpid(pid, &status, WCONTINUED) != pid || !WIFCONTINUED(status))
		return 2;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : 3;
}

int main(void)
{
	handlers();
	queued();
	alternate_stack();
	interruption();
	context();
	check_eq(in_child(die_segv), 128 + SIGSEGV, "killed by SIGSEGV");
	check_eq(in_child(die_ill), 128 + SIGILL, "killed by SIGILL");
	check_eq(in_child(die_trap), 128 + SIGTRAP, "killed by SIGTRAP");
	check_eq(in_child(die_abort), 128 + SIGABRT, "killed by SIGABRT");
	check_eq(in_child(die_blocked_segv), 128 + SIGSEGV, "a blocked SIGSEGV kills");
	check_eq(in_child(stopped), 0, "stop, continue, kill");
	return report();
}
