// SPDX-License-Identifier: GPL-2.0-only
/*
 * Vector registers left behind in another CPU: a thread, or a vCPU's, fills them on CPU 0, goes to CPU 1 without touching
 * them again, and there something happens that needs them, or ends them. With and without SVE. That they really were left
 * behind is asked only of Nestbox (/sys/kernel/debug/fp). Between the pattern and the look there is no C library.
 */
#include <asm/hwcap.h>
#include <asm/sigcontext.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <ucontext.h>

#include "../guest/lib/vectors.h"
#include "kvm.h"

#define ROUNDS	8
#define COUNTS	"/sys/kernel/debug/fp"
#define BUFFER	0x10000UL
#define VREG(n)	(KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE | \
		 (KVM_REG_ARM_CORE_REG(fp_regs.vregs[0]) + 4 * (n)))

/* Fill V with the pattern of x0, say so, store, say so, next pattern. */
#define NUMBERS "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"
GUEST(pattern, "mov x9, #(3 << 20); msr cpacr_el1, x9; isb; 1:"
	".irp n," NUMBERS "; add x9, x0, #\\n, lsl #12; mov v\\n\\().d[0], x9; add x9, x9, #1; mov v\\n\\().d[1], x9; .endr;"
	"str x0, [x28];"
	".irp n," NUMBERS "; str q\\n, [x1, #\\n * 16]; .endr; str x0, [x28, #8]; add x0, x0, #1; b 1b");

static uint8_t regs[VECTORS_MAX] __attribute__((aligned(64)));
static bool sve;
static unsigned vl;

static long call(long nr, long a, long b, long c)
{
	register long x8 asm("x8") = nr;
	register long x0 asm("x0") = a;
	register long x1 asm("x1") = b, x2 asm("x2") = c, x3 asm("x3") = 0, x4 asm("x4") = 0;

	asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
	return x0;
}

static long pin(unsigned cpu)
{
	unsigned long mask = 1UL << cpu;

	return call(SYS_sched_setaffinity, 0, sizeof(mask), (long)&mask);
}

static void fill(uint64_t seed)
{
	if (sve)
		sve_fill(seed);
	else
		v_fill(seed);
}

/* V, and zeroes above: what a system call leaves. 0: as it must be. */
static unsigned look(uint64_t seed)
{
	if (sve) {
		sve_store(regs);
		return sve_compare(regs, vl, seed, false);
	}
	v_store(regs);
	return v_compare(regs, seed);
}

/* Filled on CPU 0, and now on CPU 1. */
static void leave_behind(uint64_t seed)
{
	pin(0);
	fill(seed);
	pin(1);
}

/* "WHO WORD N": the counter of everybody together, -1 on another host. */
static long count(const char *who, const char *word)
{
	char text[512] = "", *p;
	int fd = open(COUNTS, O_RDONLY);

	if (fd < 0)
		return -1;
	must(read(fd, text, sizeof(text) - 1));
	close(fd);
	p = strstr(text, who);
	p = p ? strstr(p, word) : NULL;
	return p ? atol(p + strlen(word)) : -1;
}

/* ---- threads ---- */

static int exits(void)
{
	leave_behind(0x100);
	call(SYS_exit_group, 0, 0, 0);
	return 1;
}

static int execs(void)
{
	static char *argv[] = { "fpowner", "ends", NULL };

	leave_behind(0x200);
	call(SYS_execve, (long)"/proc/self/exe", (long)argv, 0);
	return 1;
}

static int comes_back(void)
{
	unsigned i, bad = 0;

	for (i = 0; i < ROUNDS; i++) {
		leave_behind(0x300 + i);
		bad += look(0x300 + i) != 0;
		leave_behind(0x400 + i);
		pin(0);			/* and never used them there */
		bad += look(0x400 + i) != 0;
	}
	return bad;
}

static int many_calls(void)
{
	leave_behind(0x500);
	for (int i = 0; i < 200; i++)
		call(SYS_getpid, 0, 0, 0);
	return look(0x500) != 0;
}

static int forks(void)
{
	long pid;
	int status;
	unsigned bad;

	leave_behind(0x600);
	pid = call(SYS_clone, SIGCHLD, 0, 0);
	bad = look(0x600);
	if (!pid)
		call(SYS_exit_group, bad != 0, 0, 0);
	waitpid(pid, &status, 0);
	return bad || status;
}

static unsigned handler_bad, handled;

static void on_signal(int sig, siginfo_t *si, void *uc)
{
	struct fpsimd_context *v = (void *)((ucontext_t *)uc)->uc_mcontext.__reserved;

	handler_bad += v->head.magic != FPSIMD_MAGIC || v_compare(v->vregs, 0x700);
	handled++;
	v_fill(0x777);
	pin(0);		/* the handler's own are left behind on 1 when it returns */
}

static int signals(void)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	long tid = call(SYS_gettid, 0, 0, 0), pid = getpid();
	unsigned i, bad = 0;

	must(sigaction(SIGUSR1, &sa, NULL));
	for (i = 0; i < ROUNDS; i++) {
		leave_behind(0x700);
		call(SYS_tgkill, pid, tid, SIGUSR1);
		bad += look(0x700) != 0;
	}
	return bad || handler_bad || handled != ROUNDS;
}

static int other_length(void)
{
	unsigned bad = 0, want, i;

	if (!sve)
		return 0;
	for (i = 0; i < ROUNDS; i++) {
		leave_behind(0x800 + i);
		want = i & 1 ? 256 : 16;
		vl = call(SYS_prctl, PR_SVE_SET_VL, want, 0);
		bad += look(0x800 + i) != 0;
	}
	return bad;
}

/* Two CPUs at once, each with the other's thread's registers. */
static pthread_barrier_t barrier;

static void *crosser(void *arg)
{
	static uint8_t mine[2][VECTORS_MAX] __attribute__((aligned(64)));
	unsigned me = (long)arg, i;
	long bad = 0;

	for (i = 0; i < 30; i++) {
		pin((me + i) & 1);
		pthread_barrier_wait(&barrier);
		fill((uint64_t)me << 32 | i);
		pin(~(me + i) & 1);
		if (sve) {
			sve_store(mine[me]);
			bad += sve_compare(mine[me], vl, (uint64_t)me << 32 | i, false) != 0;
		} else {
			v_store(mine[me]);
			bad += v_compare(mine[me], (uint64_t)me << 32 | i) != 0;
		}
	}
	return (void *)bad;
}

static int crossing(void)
{
	pthread_t t;
	void *ret;
	long bad;

	pthread_barrier_init(&barrier, NULL, 2);
	if (pthread_create(&t, NULL, crosser, (void *)1L))
		return 1;
	bad = (long)crosser((void *)0L);
	pthread_join(t, &ret);
	return bad || ret;
}

static void threads(void)
{
	static const struct {
		int (*fn)(void);
		const char *name;
	} all[] = {
		{ exits, "the thread exits" }, { execs, "it executes a program" }, { comes_back, "it uses them there, or back here" },
		{ many_calls, "many system calls" }, { forks, "it forks" }, { signals, "a signal's frame and its return" },
		{ other_length, "another vector length" }, { crossing, "two CPUs, each wants what the other has" },
	};
	unsigned i, j, bad;
	long before;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		before = count("fetches", "fetches");
		bad = 0;
		for (j = 0; j < 2; j++)
			bad += in_child(all[i].fn) != 0;
		check_eq(bad, 0, all[i].name);
		/* What ends is not saved: the first two need not be fetched. */
		if (before >= 0 && i >= 2 && !(all[i].fn == other_length && !sve))
			check(count("fetches", "fetches") > before, "they really were left behind");
	}
}

/* ---- vCPUs: all of it in a thread on CPU 1, the registers in CPU 0 ---- */

static long run_raw(int fd)
{
	return call(SYS_ioctl, fd, KVM_RUN, 0);
}

static long onereg_raw(int fd, long what, uint64_t id, void *val)
{
	struct kvm_one_reg r = { .id = id, .addr = (uintptr_t)val };

	return call(SYS_ioctl, fd, what, (long)&r);
}

static struct vm filled(uint64_t seed)
{
	struct vm vm = VM(pattern);

	set(vm.vcpu, REG_X(0), seed);
	set(vm.vcpu, REG_X(1), RAM_GPA + BUFFER);
	pin(0);
	must(run_raw(vm.vcpu) ? -1 : 0);
	pin(1);
	return vm;
}

static unsigned stored(struct vm *vm, uint64_t seed)
{
	return run_raw(vm->vcpu) || v_compare(vm->ram + BUFFER, seed);
}

static void vcpus(void)
{
	uint64_t v[2], w[2] = { 0x1234, 0x5678 };
	unsigned i, bad_run = 0, bad_get = 0, bad_set = 0, bad_end = 0;
	long before = count("fetches", "fetches");
	struct vm vm;

	for (i = 0; i < ROUNDS; i++) {
		vm = filled(0xa000 + i);
		bad_run += stored(&vm, 0xa000 + i) != 0;
		vm_drop(&vm);

		vm = filled(0xb000 + i);
		bad_get += onereg_raw(vm.vcpu, KVM_GET_ONE_REG, VREG(7), v) || v[0] != z_word(0xb000 + i, 7, 0) ||
			   v[1] != z_word(0xb000 + i, 7, 1) || stored(&vm, 0xb000 + i);
		vm_drop(&vm);

		vm = filled(0xc000 + i);
		bad_set += onereg_raw(vm.vcpu, KVM_SET_ONE_REG, VREG(9), w) || run_raw(vm.vcpu) ||
			   memcmp(vm.ram + BUFFER + 9 * 16, w, 16) ||
			   *(uint64_t *)(vm.ram + BUFFER + 10 * 16) != z_word(0xc000 + i, 10, 0);
		vm_drop(&vm);

		vm = filled(0xd000 + i);
		vm_drop(&vm);			/* gone: CPU 0 must not write to it any more */
		pin(0);
		vm = VM(pattern);
		set(vm.vcpu, REG_X(0), 0xe000);
		set(vm.vcpu, REG_X(1), RAM_GPA + BUFFER);
		bad_end += run_raw(vm.vcpu) || stored(&vm, 0xe000);
		vm_drop(&vm);
	}
	check_eq(bad_run, 0, "a vCPU goes on on another CPU");
	check_eq(bad_get, 0, "a register of it is read there");
	check_eq(bad_set, 0, "is written there");
	check_eq(bad_end, 0, "the VM ends there");
	if (before >= 0)
		check(count("fetches", "fetches") >= before + 3 * ROUNDS, "its registers really were left behind");
}

/* ---- what SVE costs ---- */

#define CALLS	1000

static void traps(void)
{
	long before, after;
	unsigned i;

	prctl(PR_SVE_SET_VL, 256);
	sve_fill(1);
	before = count("thread", "traps");
	for (i = 0; i < CALLS; i++) {
		sve_fill(i);
		call(SYS_getpid, 0, 0, 0);
	}
	after = count("thread", "traps");
	printf("# %u rounds of SVE and a system call: %ld traps\n", CALLS, after - before);
	check(after - before < CALLS / 4, "SVE between system calls does not trap each time");
	for (i = 0; i < CALLS; i++)
		call(SYS_getpid, 0, 0, 0);
	before = count("thread", "traps");
	sve_fill(2);
	check(count("thread", "traps") > before, "who stopped using it is not charged for it");
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return 0;
	sve = getauxval(AT_HWCAP) & HWCAP_SVE;
	if (sve)
		vl = prctl(PR_SVE_GET_VL) & PR_SVE_VL_LEN_MASK;
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
		threads();
		vcpus();
	}
	if (sve && count("thread", "traps") >= 0)
		traps();
	return report();
}
