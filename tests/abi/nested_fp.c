// SPDX-License-Identifier: GPL-2.0-only
/*
 * Vector registers at three levels at once: VMMs with patterns in theirs around each KVM_RUN, guest hypervisors that own
 * V0..V15 and give V16..V31 to their guests on the first use (CPTR_EL2.FPEN), and a thread that only looks after its own;
 * all of them move between CPUs. Whoever finds another's value says so.
 */
#include "../guest/lib/vectors.h"
#include "kvm_el2.h"

#define VMS		2
#define EXITS		150
#define LOW		"0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15"
#define HIGH		"16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"
#define FILL(x, set)	".irp n," set "; add x9, " x ", #\\n, lsl #12; dup v\\n\\().2d, x9; .endr;"
#define CHECK(x, set)	".irp n," set "; add x9, " x ", #\\n, lsl #12; umov x10, v\\n\\().d[1]; cmp x9, x10; cinc x23, x23, ne; .endr;"

/* x19 and x21: their patterns; x23: what was wrong; x24: rounds; x26: FP traps of the hypervisor's guest. */
GUEST(levels,
	"adr x0, 9f; msr vbar_el2, x0; mov x0, #0; movk x0, #0x8000, lsl #16; movk x0, #4, lsl #32; msr hcr_el2, x0;"
	"mov x0, #3 << 20; msr s3_5_c1_c0_2, x0; adr x0, 8f; msr elr_el2, x0; mov x0, #0x3c5; msr spsr_el2, x0; isb;"
	"2: add x19, x19, #1; mov x0, #3 << 20; msr cptr_el2, x0; isb;" FILL("x19", LOW) "msr cptr_el2, xzr; isb; eret;"
	"8: add x21, x21, #3;" FILL("x21", HIGH) "mov x9, #100; 3: subs x9, x9, #1; b.ne 3b;" CHECK("x21", HIGH) "hvc #0; b 8b;"
	".org guest_levels + 0x800; 9: .org guest_levels + 0x800 + 0x400;"
	"mrs x0, esr_el2; lsr x0, x0, #26; mov x1, #3 << 20; msr cptr_el2, x1; isb; cmp x0, #7; b.eq 5f; cmp x0, #0x16; b.ne 6f;"
	CHECK("x19", LOW) "add x24, x24, #1; tst x24, #7; b.ne 2b; str x23, [x28]; b 2b; 5: add x26, x26, #1; eret;"
	"6: str x0, [x28, #8]; b 6b; .org guest_levels + 0x1000");

static unsigned over;

static long call(long nr, long a, long b, long c)
{
	register long x8 asm("x8") = nr;
	register long x0 asm("x0") = a;
	register long x1 asm("x1") = b, x2 asm("x2") = c;

	asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
}

static void pin(unsigned cpu)
{
	unsigned long mask = 1UL << (cpu & 1);

	call(SYS_sched_setaffinity, 0, sizeof(mask), (long)&mask);
}

struct vmm {
	struct vm vm;
	unsigned n;
	unsigned bad, exits;	/* its own registers; exits that were not the guest's word */
	uint64_t guest;		/* what guest and hypervisor have found */
	uint8_t regs[32 * 16] __attribute__((aligned(64)));
};

static void *vmm(void *arg)
{
	struct vmm *m = arg;
	unsigned i;

	for (i = 0; i < EXITS; i++) {
		uint64_t seed = ((uint64_t)m->n << 32) + i;
		long ret;

		if (!(i & 7))
			pin(m->n + (i >> 3));
		v_fill(seed);
		ret = call(SYS_ioctl, m->vm.vcpu, KVM_RUN, 0);
		v_store(m->regs);
		m->bad += !!v_compare(m->regs, seed);
		if (ret || m->vm.run->exit_reason != KVM_EXIT_MMIO || m->vm.run->mmio.phys_addr != MMIO_GPA)
			m->exits++;
		memcpy(&m->guest, m->vm.run->mmio.data, 8);
	}
	return NULL;
}

static void *bystander(void *arg)
{
	static uint8_t regs[32 * 16] __attribute__((aligned(64)));
	unsigned *bad = arg, i;

	for (i = 0; !__atomic_load_n(&over, __ATOMIC_RELAXED); i++) {
		pin(i >> 4);
		v_fill(i);
		call(SYS_sched_yield, 0, 0, 0);
		v_store(regs);
		*bad += !!v_compare(regs, i);
	}
	return NULL;
}

static void levels(void)
{
	static struct vmm m[VMS];
	pthread_t t[VMS], by;
	unsigned i, bad = 0, own = 0, exits = 0;
	uint64_t below = 0, traps = 0, rounds = 0;

	for (i = 0; i < VMS; i++) {
		m[i].vm = VM_AS(PSCI | EL2, levels);
		m[i].n = i + 1;
		set(m[i].vm.vcpu, REG_X(19), 0x100000 * (i + 1));
		set(m[i].vm.vcpu, REG_X(21), 0x100000 * (i + 5));
	}
	must(pthread_create(&by, NULL, bystander, &bad));
	for (i = 0; i < VMS; i++)
		must(pthread_create(&t[i], NULL, vmm, &m[i]));
	for (i = 0; i < VMS; i++) {
		pthread_join(t[i], NULL);
		own += m[i].bad;
		exits += m[i].exits;
		below += m[i].guest;
		rounds += reg(m[i].vm.vcpu, REG_X(24));
		traps += reg(m[i].vm.vcpu, REG_X(26));
	}
	__atomic_store_n(&over, 1, __ATOMIC_RELAXED);
	pthread_join(by, NULL);
	check_eq(exits, 0, "guest hypervisors and their guests run");
	check_eq(rounds, VMS * EXITS * 8, "all of their rounds");
	check_eq(traps, rounds, "in each the guest's first use traps to its hypervisor");
	check_eq(below, 0, "what hypervisors and their guests have in V");
	check_eq(own, 0, "what their VMMs have");
	check_eq(bad, 0, "what a process has that has nothing to do with it");
	for (i = 0; i < VMS; i++)
		vm_drop(&m[i].vm);
}

int main(void)
{
	int kvm = must(open("/dev/kvm", O_RDWR));

	if (!el2_offered(kvm)) {
		printf("# no EL2 for guests here\n");
		check(true, "nothing to test");
		return report();
	}
	levels();
	close(kvm);
	return report();
}
