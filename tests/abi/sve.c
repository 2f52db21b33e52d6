// SPDX-License-Identifier: GPL-2.0-only
/* SVE of processes: lengths, what system calls keep, signal frames, nobody else's data. Without SVE: that there is none. */
#include <asm/hwcap.h>
#include <asm/sigcontext.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <ucontext.h>

#include "../guest/lib/vectors.h"
#include "test.h"

#define DEFAULT_FILE	"/proc/sys/abi/sve_default_vector_length"
#define PAGE		4096UL

static uint8_t regs[VECTORS_MAX] __attribute__((aligned(64)));
static unsigned max_vl;

/* ---- a machine without ---- */

static int use_sve(void)
{
	asm volatile(SVE_ON "ptrue p0.b" : : : "memory");
	return 0;
}

static int use_sme(void)
{
	asm volatile(".inst 0xd503477f" : : : "memory");	/* smstart */
	return 0;
}

static int use_tpidr2(void)
{
	asm volatile("mrs x9, s3_3_c13_c0_5" : : : "x9");
	return 0;
}

static int write_tpidr2(void)
{
	asm volatile("msr s3_3_c13_c0_5, xzr");
	return 0;
}

static int use_svcr(void)
{
	asm volatile("mrs x9, s3_3_c4_c2_2" : : : "x9");
	return 0;
}

static int use_rdsvl(void)
{
	asm volatile(".inst 0x04bf5829" : : : "x9");
	return 0;
}

static int use_za(void)
{
	asm volatile(".inst 0xd503457f" : : : "memory");	/* smstart za */
	return 0;
}

static int use_smidr(void)
{
	asm volatile("mrs x9, s3_1_c0_c0_6" : : : "x9");
	return 0;
}

static void without(void)
{
	check_errno(prctl(PR_SVE_GET_VL), EINVAL, "no SVE: PR_SVE_GET_VL");
	check_errno(prctl(PR_SVE_SET_VL, 16), EINVAL, "no SVE: PR_SVE_SET_VL");
	check_eq(in_child(use_sve), 128 + SIGILL, "no SVE: SIGILL");
	check_errno(open(DEFAULT_FILE, O_RDONLY), ENOENT, "no SVE: no default length");
}

static void no_sme(void)
{
	if (getauxval(AT_HWCAP2) & HWCAP2_SME)
		return;			/* Linux may have it */
	check_eq(in_child(use_sme), 128 + SIGILL, "SME: SIGILL");
	check_eq(in_child(use_za), 128 + SIGILL, "ZA: SIGILL");
	check_eq(in_child(use_svcr), 128 + SIGILL, "SVCR: SIGILL");
	check_eq(in_child(use_rdsvl), 128 + SIGILL, "RDSVL: SIGILL");
	check_eq(in_child(use_smidr), 128 + SIGILL, "SMIDR_EL1: SIGILL");
	check_eq(in_child(use_tpidr2), 128 + SIGILL, "TPIDR2_EL0: SIGILL");
	check_eq(in_child(write_tpidr2), 128 + SIGILL, "TPIDR2_EL0 written: SIGILL");
	check_errno(prctl(PR_SME_GET_VL), EINVAL, "no SME: PR_SME_GET_VL");
}

/* ---- lengths ---- */

static void set_default(const char *text, int err)
{
	int fd = must(open(DEFAULT_FILE, O_RDWR));
	long n = write(fd, text, strlen(text));

	check_eq(n < 0 ? errno : 0, err, text);
	close(fd);
}

static unsigned get_default(void)
{
	char text[16] = "";
	int fd = must(open(DEFAULT_FILE, O_RDONLY));

	must(read(fd, text, sizeof(text) - 1));
	close(fd);
	return atoi(text);
}

static void lengths(void)
{
	unsigned vl, was = get_default(), set, bad = 0;

	check_eq(prctl(PR_SVE_GET_VL), was, "a new program has the default length");
	check_eq(sve_vl(), was, "and RDVL agrees");
	set = prctl(PR_SVE_SET_VL, 8192);
	max_vl = set;
	check(set >= 16 && set <= 256 && !(set % 16), "more than there is: the longest");
	check_eq(prctl(PR_SVE_SET_VL, 16), 16, "the shortest");
	for (vl = 16; vl <= max_vl; vl += 16) {
		set = prctl(PR_SVE_SET_VL, vl);
		bad += set > vl || set != sve_vl();
	}
	check_eq(bad, 0, "every length: what was asked for or the next shorter");
	check_errno(prctl(PR_SVE_SET_VL, 0), EINVAL, "length 0");
	check_errno(prctl(PR_SVE_SET_VL, 24), EINVAL, "not a multiple of 16");
	check_errno(prctl(PR_SVE_SET_VL, 8208), EINVAL, "longer than the ABI has");
	check_errno(prctl(PR_SVE_SET_VL, 16 | 1 << 16), EINVAL, "unknown flag");
	check_errno(prctl(PR_SVE_SET_VL, 16 | 1UL << 32), EINVAL, "unknown high flag");
	check_eq(prctl(PR_SVE_SET_VL, max_vl), max_vl, "the longest");
	check_eq(prctl(PR_SVE_SET_VL, 16 | PR_SVE_SET_VL_ONEXEC), 16, "on exec only");
	check_eq(prctl(PR_SVE_GET_VL), max_vl, "changes nothing now");
	check_eq(prctl(PR_SVE_SET_VL, max_vl | PR_SVE_VL_INHERIT), max_vl | PR_SVE_VL_INHERIT, "inherit is told back");
	check_eq(prctl(PR_SVE_GET_VL), max_vl | PR_SVE_VL_INHERIT, "and again");
	check_eq(prctl(PR_SVE_SET_VL, max_vl), max_vl, "and gone");
	set_default("16\n", 0);
	check_eq(get_default(), 16, "the default is 16 now");
	set_default("17", EINVAL);
	set_default("x", EINVAL);
	set_default("-2", EINVAL);
	set_default("-1", 0);
	check_eq(get_default(), max_vl, "-1 is the longest");
	char text[16];

	snprintf(text, sizeof(text), "%u", was);
	set_default(text, 0);
}

/* ---- what system calls and other processes leave ---- */

static long syscall_raw(long nr)
{
	register long x8 asm("x8") = nr;
	register long x0 asm("x0");

	asm volatile("svc #0" : "=r"(x0) : "r"(x8) : "memory");
	return x0;
}

static void syscalls(void)
{
	unsigned vl;

	for (vl = 16; vl <= max_vl; vl *= 2) {
		prctl(PR_SVE_SET_VL, vl);
		if (sve_vl() != vl)
			continue;
		sve_fill(0x1122334455660000 + vl);
		sve_store(regs);
		check_eq(sve_compare(regs, vl, 0x1122334455660000 + vl, true), 0, "pattern in, pattern out");
		sve_fill(0x2122334455660000 + vl);
		syscall_raw(SYS_getpid);
		sve_store(regs);
		check_eq(sve_compare(regs, vl, 0x2122334455660000 + vl, false), 0, "a system call keeps V, clears the rest");
	}
	/* Through a shorter length and back: only V is left. */
	prctl(PR_SVE_SET_VL, max_vl);
	sve_fill(77);
	prctl(PR_SVE_SET_VL, 16);
	prctl(PR_SVE_SET_VL, max_vl);
	v_fill(99);
	sve_store(regs);
	check_eq(sve_compare(regs, max_vl, 99, false), 0, "shorter and longer: no old bits");
}

/* Fill and be switched out with all of it live, again and again. */
static void *filler(void *arg)
{
	static uint8_t mine[64][VECTORS_MAX] __attribute__((aligned(64)));
	uint64_t seed = (uint64_t)arg << 32, bad = 0;
	unsigned vl = 16, rounds, spin;

	for (rounds = 0; rounds < 40; rounds++) {
		vl = vl >= max_vl ? 16 : vl * 2;
		prctl(PR_SVE_SET_VL, vl);
		if (sve_vl() != vl)
			continue;
		sve_fill(seed + rounds);
		for (spin = 0; spin < 20000; spin++)
			asm volatile("");
		sve_store(mine[(long)arg]);
		bad += sve_compare(mine[(long)arg], vl, seed + rounds, true) != 0;
		v_fill(seed);
		sched_yield();
		sve_store(mine[(long)arg]);
		bad += sve_compare(mine[(long)arg], vl, seed, false) != 0;
	}
	return (void *)bad;
}

static void threads(void)
{
	pthread_t t[6];
	uint64_t bad = 0;
	void *ret;
	long i;

	for (i = 0; i < 6; i++)
		must(pthread_create(&t[i], NULL, filler, (void *)i) ? -1 : 0);
	for (i = 0; i < 6; i++) {
		pthread_join(t[i], &ret);
		bad += (uint64_t)ret;
	}
	check_eq(bad, 0, "six threads of many lengths: each its own registers, first use all zero");
}

/* Moved from outside, all of it live. */
static volatile pid_t moved_tid;
static volatile unsigned moved_round, moved_go;
static unsigned moved_bad;

#define MOVES	40

static void *moved(void *arg)
{
	static uint8_t mine[VECTORS_MAX] __attribute__((aligned(64)));
	unsigned i;

	prctl(PR_SVE_SET_VL, max_vl);
	moved_tid = syscall(SYS_gettid);
	for (i = 1; i <= MOVES; i++) {
		sve_fill(0x4400 + i);
		moved_round = i;
		while (moved_go < i)
			;
		sve_store(mine);
		moved_bad += sve_compare(mine, max_vl, 0x4400 + i, true) != 0;
	}
	return NULL;
}

static void pin(pid_t tid, unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(tid, sizeof(set), &set);
}

static void moves(void)
{
	unsigned i;
	pthread_t t;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return;
	must(pthread_create(&t, NULL, moved, NULL) ? -1 : 0);
	for (i = 1; i <= MOVES; i++) {
		while (moved_round < i)
			msleep(1);
		pin(moved_tid, i & 1);
		msleep(1);
		if (i % 3 == 0) {
			pin(moved_tid, ~i & 1);
			msleep(1);
		}
		moved_go = i;
	}
	pthread_join(t, NULL);
	check_eq(moved_bad, 0, "moved between CPUs with all of it live");
}

static int child_sees(void)
{
	sve_store(regs);
	if (sve_vl() != max_vl || sve_compare(regs, max_vl, 0x5500, false))
		return 1;
	return 0;
}

static void forks(void)
{
	pid_t pid;
	int status;

	prctl(PR_SVE_SET_VL, max_vl);
	sve_fill(0x5500);
	pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!pid)
		_exit(0);
	waitpid(pid, &status, 0);
	/* V is what the C library left; so fill just before a raw system call. */
	v_fill(0x5500);
	register long x8 asm("x8") = SYS_clone;
	register long x0 asm("x0") = SIGCHLD;
	register long x1 asm("x1") = 0, x2 asm("x2") = 0, x3 asm("x3") = 0, x4 asm("x4") = 0;

	asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
	if (!x0)
		_exit(child_sees());
	waitpid(x0, &status, 0);
	check_eq(status, 0, "a child has the length and V, and zeroes");
}

/* ---- exec ---- */

static int exec_vl(unsigned long arg, unsigned set)
{
	char *argv[] = { "sve", "vl", NULL };
	int status;
	pid_t pid = must(fork());

	if (!pid) {
		if (set)
			prctl(PR_SVE_SET_VL, set);
		if (arg)
			prctl(PR_SVE_SET_VL, arg);
		execv("/proc/self/exe", argv);
		_exit(255);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status) * 16;
}

static void execs(void)
{
	check_eq(exec_vl(0, 16), get_default(), "exec goes back to the default");
	check_eq(exec_vl(16 | PR_SVE_VL_INHERIT, 0), 16, "or inherits");
	check_eq(exec_vl(16 | PR_SVE_SET_VL_ONEXEC, max_vl), 16, "or takes what was set for it");
}

/* ---- signal frames ---- */

static struct frame {
	unsigned fpsimd, sve, extra, other, vl, size;
	uint64_t z3;
	bool payload;
} seen;
static int mode;

enum { KEEP, CHANGE, NARROW, WRONG_VL, TWICE, UNKNOWN, NO_FPSIMD };

static void tamper(struct sve_context *s, struct fpsimd_context *v)
{
	uint64_t *z = (uint64_t *)((char *)s + SVE_SIG_ZREG_OFFSET(s->vl / 16, 3));

	switch (mode) {
	case CHANGE:
		z[s->vl / 8 - 1] = 0xabcdef;	/* last of Z3: only here */
		z[0] = 0xbad;			/* V wins */
		v->vregs[3] = 0x600d;
		break;
	case NARROW:
		s->head.magic = ESR_MAGIC;	/* a record that is skipped */
		break;
	case WRONG_VL:
		s->vl = s->vl == 16 ? 32 : 16;
		break;
	case TWICE:
		s->head.magic = FPSIMD_MAGIC;
		break;
	case UNKNOWN:
		s->head.magic = 0x12345678;
		break;
	case NO_FPSIMD:
		v->head.magic = ESR_MAGIC;
		break;
	}
}

static void walk(struct sigcontext *sc)
{
	struct _aarch64_ctx *h = (void *)sc->__reserved;
	struct fpsimd_context *v = NULL;
	struct sve_context *s = NULL;
	struct extra_context *x;

	while (h->magic) {
		switch (h->magic) {
		case FPSIMD_MAGIC:
			seen.fpsimd++;
			v = (void *)h;
			break;
		case SVE_MAGIC:
			seen.sve++;
			s = (void *)h;
			seen.vl = s->vl;
			seen.size = h->size;
			break;
		case EXTRA_MAGIC:
			seen.extra++;
			x = (void *)h;
			h = (void *)x->datap;
			continue;
		default:
			seen.other++;
		}
		h = (void *)((char *)h + h->size);
	}
	seen.payload = s && s->head.size > sizeof(*s);
	if (seen.payload)
		seen.z3 = *(uint64_t *)((char *)s + SVE_SIG_ZREG_OFFSET(s->vl / 16, 3) + s->vl - 8);
	if (s && v && seen.payload)
		tamper(s, v);
}

static void on_fault(int sig, siginfo_t *si, void *uc)
{
	struct sigcontext *sc = (void *)&((ucontext_t *)uc)->uc_mcontext;

	memset(&seen, 0, sizeof(seen));
	walk(sc);
	sc->pc += 4;
	v_fill(0x7777);
	if (sve_vl() > 0)
		sve_fill(0x8888);
}

static void fault_handler(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	static char stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };

	must(sigaltstack(&ss, NULL));
	must(sigaction(SIGSEGV, &sa, NULL));
}

/* A fault with the pattern live, then look. */
static unsigned fault(unsigned vl, uint64_t seed, bool wide)
{
	if (wide)
		sve_fill(seed);
	else
		v_fill(seed);
	asm volatile("ldr x9, [%0]" : : "r"(8UL) : "x9", "memory");
	sve_store(regs);
	return sve_compare(regs, vl, seed, wide);
}

static int bad_frame(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_RESETHAND };

	must(sigaction(SIGSEGV, &sa, NULL));	/* the second one kills */
	fault(sve_vl(), 0, true);
	return 0;
}

static void frames(void)
{
	unsigned vl;

	fault_handler();
	for (vl = 16; vl <= max_vl; vl *= 2) {
		prctl(PR_SVE_SET_VL, vl);
		if (sve_vl() != vl)
			continue;
		mode = KEEP;
		check_eq(fault(vl, 0xa000 + vl, true), 0, "a handler that uses all of it changes nothing");
		check(seen.fpsimd == 1 && seen.sve == 1 && seen.payload, "the frame has V and Z");
		check_eq(seen.vl, vl, "the record's length");
		check_eq(seen.size, (SVE_SIG_CONTEXT_SIZE(vl / 16) + 15) & ~15, "the record's size");
		check_eq(seen.z3, z_word(0xa000 + vl, 3, vl / 8 - 1), "the record's contents");
		check_eq(seen.extra, vl > 96, "extra space when it is long");
		syscall_raw(SYS_getpid);
		check_eq(fault(vl, 0xb000 + vl, false), 0, "a fault with V alone");
		/* A head alone, or, as Linux does while SVE stays enabled, with zeroes. */
		check(seen.sve == 1 && seen.vl == vl && (!seen.payload || vl == 16 || !seen.z3),
		      "its record has no old bits");
	}
	prctl(PR_SVE_SET_VL, max_vl);
	mode = CHANGE;
	fault(max_vl, 0xc000, true);
	uint64_t *z3 = (uint64_t *)(regs + 3 * max_vl);

	check_eq(z3[0], 0x600d, "V of the frame wins");
	if (max_vl > 16)
		check_eq(z3[max_vl / 8 - 1], 0xabcdef, "Z of the frame counts");
	mode = NARROW;
	fault(max_vl, 0xd000, true);
	check_eq(sve_compare(regs, max_vl, 0xd000, false), 0, "without the record: V alone");
	for (mode = WRONG_VL; mode <= NO_FPSIMD; mode++)
		check_eq(in_child(bad_frame), 128 + SIGSEGV, "a frame that Linux refuses");
	check(getauxval(AT_MINSIGSTKSZ) >= SVE_SIG_CONTEXT_SIZE(max_vl / 16) + 1100, "AT_MINSIGSTKSZ");
	signal(SIGSEGV, SIG_DFL);
}

/* A timer that interrupts anywhere. */
static volatile unsigned ticks;

static void on_tick(int sig)
{
	sve_fill(0xeeee0000 + ticks);
	ticks++;
}

static void interrupts(void)
{
	struct itimerval it = { { 0, 2000 }, { 0, 2000 } }, off = {};
	unsigned bad = 0, i;

	prctl(PR_SVE_SET_VL, max_vl);
	handle(SIGALRM, on_tick, SA_RESTART);
	must(setitimer(ITIMER_REAL, &it, NULL));
	for (i = 0; ticks < 30 && i < 200000; i++) {
		sve_fill(i);
		sve_store(regs);
		bad += sve_compare(regs, max_vl, i, true) != 0;
	}
	setitimer(ITIMER_REAL, &off, NULL);
	check_eq(bad, 0, "thirty interrupting handlers");
	check(ticks >= 30, "there were thirty");
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return sve_vl() / 16;
	no_sme();
	if (!(getauxval(AT_HWCAP) & HWCAP_SVE)) {
		without();
		return report();
	}
	lengths();
	syscalls();
	threads();
	moves();
	forks();
	execs();
	frames();
	interrupts();
	return report();
}
