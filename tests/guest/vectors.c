// SPDX-License-Identifier: GPL-2.0-only
/*
 * All vector registers (Z, P, FFR, or V where there is no SVE) hold a pattern of this CPU and this round across every kind
 * of exit, while other vCPUs that want the same CPUs do the same at other lengths.
 */
#include "lib.h"
#include "vectors.h"

const char payload_name[] = "vectors";

#define CPUS	8
#define ROUNDS	20		/* of all kinds */
#define VTIMER	27
#define SGI	3
#define CPACR_FP_SVE	(3UL << 20 | 3UL << 16)

enum kind { FAST_CALL, SLOW_CALL, ID_READ, VGIC_READ, VMM_READ, VMM_WRITE, WFI, WFE, SGI_SELF, SGI_ALL, INTERRUPTS,
	    NEW_PAGE, CACHE, SPIN, KINDS };

static const char *const names[KINDS] = { "hypercall, fast", "hypercall, slow", "ID register", "vGIC read", "VMM read",
	"VMM write", "WFI", "WFE", "SGI to itself", "SGI to the others", "interrupts of its timer", "new page",
	"data cache by set and way", "nothing but time" };

static u8 buffer[CPUS][VECTORS_MAX] __attribute__((aligned(256)));
static u32 bad[KINDS];
static volatile u32 done, bad_at;
static bool sve;
static u64 next_page;

static void on_irq(u32 intid)
{
	if (intid == VTIMER)
		write_sysreg(now() + ticks_from_us(100), cntv_cval_el0);
}

static void timer_in(u64 us)
{
	write_sysreg(now() + ticks_from_us(us), cntv_cval_el0);
	write_sysreg(1, cntv_ctl_el0);
	isb();
}

static void sgi(u64 value)
{
	asm volatile("msr s3_0_c12_c11_5, %0; isb" : : "r"(value) : "memory");
}

static void spin(u64 us)
{
	u64 end = now() + ticks_from_us(us);

	while (now() < end)
		;
}

static void leave(enum kind k)
{
	u64 page;

	switch (k) {
	case FAST_CALL:
		smccc(PSCI_VERSION, 0, 0, 0);
		break;
	case SLOW_CALL:
		smccc(PSCI_AFFINITY_INFO64, this_cpu()->mpidr, 0, 0);
		break;
	case ID_READ:
		(void)read_sysreg(id_aa64pfr0_el1);
		break;
	case VGIC_READ:
		readl(GICD_BASE + GICD_IIDR);
		break;
	case VMM_READ:
		readb(UART_BASE + 5);
		break;
	case VMM_WRITE:
		writeb(0, UART_BASE + 7);
		break;
	case WFI:
		timer_in(300);
		wfi();
		write_sysreg(0, cntv_ctl_el0);
		break;
	case WFE:
		asm volatile("wfe; wfe");
		break;
	case SGI_SELF:
		irq_enable();
		sgi((u64)SGI << 24 | 1UL << (this_cpu()->mpidr & 15));
		spin(20);
		irq_disable();
		break;
	case SGI_ALL:
		sgi((u64)SGI << 24 | 1UL << 40);
		break;
	case INTERRUPTS:
		timer_in(50);
		irq_enable();
		spin(300);
		irq_disable();
		write_sysreg(0, cntv_ctl_el0);
		break;
	case NEW_PAGE:
		page = __atomic_fetch_add(&next_page, 4096, __ATOMIC_RELAXED);
		if (page < RAM_BASE + ram_size - 4096)
			*(volatile u64 *)page = 1;
		break;
	case CACHE:
		asm volatile("dc csw, xzr; dsb sy" : : : "memory");
		break;
	case SPIN:
		spin(200);
		break;
	default:
		break;
	}
}

/* Position of the first wrong byte + 1, or 0. */
static unsigned try(unsigned me, unsigned vl, u64 seed, enum kind k)
{
	if (sve)
		sve_fill(seed);
	else
		v_fill(seed);
	leave(k);
	if (sve)
		sve_store(buffer[me]);
	else
		v_store(buffer[me]);
	return sve ? sve_compare(buffer[me], vl, seed, true) : v_compare(buffer[me], seed);
}

/* Each CPU and round has a length of its own, down to the shortest. */
static unsigned length_choose(unsigned me, unsigned round)
{
	if (!sve)
		return 16;
	write_sysreg((0x1ff >> (me + round) % 6), s3_0_c1_c2_0);
	isb();
	return sve_vl();
}

static void run(void *arg)
{
	unsigned me = this_cpu()->index, round, k, at, vl;

	if (sve)
		write_sysreg(CPACR_FP_SVE, cpacr_el1);
	isb();
	gic_init_cpu();
	gic_enable(VTIMER);
	gic_enable(SGI);
	for (round = 0; round < ROUNDS; round++) {
		vl = length_choose(me, round);
		for (k = 0; k < KINDS; k++) {
			at = try(me, vl, (u64)me << 48 | (u64)round << 32 | k << 24, k);
			if (at) {
				__atomic_add_fetch(&bad[k], 1, __ATOMIC_RELAXED);
				bad_at = at - 1;
			}
		}
	}
	__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
	while (READ_ONCE(done) < nr_cpus)
		yield();
}

/* What is longer than the length in force is gone or untouched, never somebody else's. */
static void growing(void)
{
	unsigned vl, i, n = 0;

	write_sysreg(0x1ff, s3_0_c1_c2_0);
	isb();
	vl = sve_vl();
	sve_fill(0x4242);
	write_sysreg(0, s3_0_c1_c2_0);
	isb();
	v_fill(0x4242);
	smccc(PSCI_VERSION, 0, 0, 0);
	timer_in(300);
	wfi();
	write_sysreg(0, cntv_ctl_el0);
	write_sysreg(0x1ff, s3_0_c1_c2_0);
	isb();
	sve_store(buffer[0]);
	for (i = 0; i < 32 * vl / 8; i++) {
		u64 is = ((u64 *)buffer[0])[i], mine = z_word(0x4242, i / (vl / 8), i % (vl / 8));

		n += is && is != mine;
	}
	check_eq(n, 0, "shorter and longer again: its own bits or none");
}

void payload_main(void)
{
	u32 i;

	sve = read_sysreg(id_aa64pfr0_el1) >> 32 & 0xf;
	irq_handler = on_irq;
	next_page = image_end;
	gic_init();
	for (i = 1; i < nr_cpus && i < CPUS; i++)
		if (cpu_start(i, run, NULL))
			fail("start", "CPU %u", i);
	run(NULL);
	for (i = 0; i < KINDS; i++)
		check(!bad[i], names[i], "%u times wrong, last at byte %u", bad[i], bad_at);
	if (sve)
		growing();
	print("# %s, vectors of %u bytes\n", sve ? "SVE" : "no SVE", sve ? sve_vl() : 16);
}
