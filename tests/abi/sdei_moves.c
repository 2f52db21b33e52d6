// SPDX-License-Identifier: GPL-2.0-only
/*
 * T44: a guest that uses SDEI moves to another VM at every state that it can reach. Two twins get the same commands: one is
 * left alone, the other is saved after each command (registers, the vGIC by its attributes) and built anew, its vCPUs created,
 * restored and run by threads in changing orders. Sometimes a list of registers read before the command is written
 * back instead, as QEMU does. Both must report the same, and show the same registers, always.
 *
 * The guest is told what to do by the VMM, so the VMM explores: a state is what the registers say, an edge is a command; the
 * nearest edge that has not been tried comes next. Usage: sdei_moves [STEPS], 0: every edge; then each kind of event must have
 * been seen in each of its states (sdei_cover.h). docs/abi/sdei.md.
 */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wgnu-variable-sized-type-not-at-end"	/* heads of arrays, as the ABI has them */
#endif

#include <nestbox/kvm.h>
#include <semaphore.h>

#include "gic.h"

#define CLASS(id)	((id) >> 16 & 0xfff)
#define IS_SDEI(id)	(CLASS(id) == 0xf5d)

#include "sdei_client.h"
#include "sdei_cover.h"

#define VCPUS		2
#define REGS_MAX	512
#define STATES_MAX	4096


/* ---- a VM ---- */

struct machine {
	int kvm, fd, gic, vcpu[VCPUS];
	struct kvm_run *run[VCPUS];
	size_t run_size;
	uint8_t *ram;
	unsigned int turn;		/* which thread runs which vCPU */
};

/* A thread that enters vCPUs for the main thread. */
static struct runner {
	pthread_t thread;
	sem_t go, done;
	struct machine *m;
	unsigned int vcpu;
	int64_t report;
	bool busy;
} runner[VCPUS];

#define REPORT_OFF	(-7000001L)	/* the vCPU is off */

static int mp_state(struct machine *m, unsigned int i)
{
	struct kvm_mp_state s;

	must(ioctl(m->vcpu[i], KVM_GET_MP_STATE, &s));
	return s.mp_state;
}

/* Up to the next store to the device, or to where it is off. */
static int64_t report_of(struct machine *m, unsigned int i)
{
	int64_t v = 0;

	while (ioctl(m->vcpu[i], KVM_RUN, 0) < 0) {
		if (errno != EINTR)
			return -1000000 - errno;
		if (mp_state(m, i) == KVM_MP_STATE_STOPPED)
			return REPORT_OFF;
	}
	if (m->run[i]->exit_reason != KVM_EXIT_MMIO || !m->run[i]->mmio.is_write)
		return -2000000 - m->run[i]->exit_reason;
	memcpy(&v, m->run[i]->mmio.data, 8);
	return v ^ (int64_t)m->run[i]->mmio.phys_addr << 8;
}

static void *runner_main(void *arg)
{
	struct runner *r = arg;

	for (;;) {
		while (sem_wait(&r->go))
			;
		r->report = report_of(r->m, r->vcpu);
		__atomic_store_n(&r->busy, false, __ATOMIC_RELEASE);
		sem_post(&r->done);
	}
	return NULL;
}

static void on_signal(int sig)
{
}

static void runners_start(void)
{
	unsigned int i;

	handle(SIGUSR1, on_signal, 0);
	for (i = 0; i < VCPUS; i++) {
		sem_init(&runner[i].go, 0, 0);
		sem_init(&runner[i].done, 0, 0);
		must(pthread_create(&runner[i].thread, NULL, runner_main, &runner[i]) ? -1 : 0);
	}
}

/* Runs vCPU @i until it reports; one that may sleep (@sleeps) is signalled until it does. */
static int64_t run_vcpu(struct machine *m, unsigned int i, bool sleeps)
{
	struct runner *r = &runner[(i + m->turn) % VCPUS];

	r->m = m;
	r->vcpu = i;
	r->busy = true;
	sem_post(&r->go);
	while (sleeps && __atomic_load_n(&r->busy, __ATOMIC_ACQUIRE)) {
		pthread_kill(r->thread, SIGUSR1);
		msleep(1);
	}
	while (sem_wait(&r->done))
		;
	return r->report;
}

static int sdei_attr(const struct machine *m, uint64_t attr, const void *arg)
{
	struct kvm_device_attr a = { .group = KVM_NB_VM_SDEI, .attr = attr, .addr = (uintptr_t)arg };

	return ioctl(m->fd, KVM_SET_DEVICE_ATTR, &a);
}

static void machine_gic(struct machine *m)
{
	struct kvm_create_device d = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	uint32_t nr = 64;

	must(ioctl(m->fd, KVM_CREATE_DEVICE, &d));
	m->gic = d.fd;
	gic_place(m->gic);
	must(attr(m->gic, SET, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr));
	gic_start(m->gic);
}

/* A VM with this memory, or with memory of its own; vCPUs created forwards or backwards, initialised, nothing else. */
static struct machine machine_make(uint8_t *ram, bool backwards)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_NB_SDEI };
	struct machine m = { .ram = ram };
	unsigned int i;

	if (!ram)
		m.ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must((long)m.ram);
	m.kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC));
	m.fd = must(ioctl(m.kvm, KVM_CREATE_VM, 0));
	m.run_size = must(ioctl(m.kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	must(ioctl(m.fd, KVM_ENABLE_CAP, &cap));
	must(sdei_attr(&m, KVM_NB_SDEI_EVENTS, &map));
	must(set_slot(m.fd, 0, 0, RAM_GPA, RAM_SIZE, m.ram));
	for (i = 0; i < VCPUS; i++) {
		unsigned int v = backwards ? VCPUS - 1 - i : i;

		m.vcpu[v] = must(ioctl(m.fd, KVM_CREATE_VCPU, (long)v));
		must(vcpu_init_features(m.fd, m.vcpu[v], 1 << KVM_ARM_VCPU_PSCI_0_2));
		m.run[v] = mmap(NULL, m.run_size, PROT_READ | PROT_WRITE, MAP_SHARED, m.vcpu[v], 0);
		must((long)m.run[v]);
	}
	machine_gic(&m);
	return m;
}

static void machine_drop(struct machine *m)
{
	unsigned int i;

	for (i = 0; i < VCPUS; i++) {
		munmap(m->run[i], m->run_size);
		close(m->vcpu[i]);
	}
	close(m->gic);
	close(m->fd);
	close(m->kvm);
}

/* A VM whose guest waits for a command. Each vCPU has run once: until then ICC_BPRn_EL1 read as less than their least. */
static struct machine machine_boot(void)
{
	static const struct command version = { .x = { 0xc4000020 } };
	struct machine m = machine_make(NULL, false);
	uint32_t ctlr = 0x12, all = ~0U;
	uint64_t on = 1, pmr = 0xf0;
	unsigned int i;

	memcpy(m.ram, guest_client, guest_client_end - guest_client);
	must(attr(m.gic, SET, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0, &ctlr));
	must(attr(m.gic, SET, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0x84, &all));
	for (i = 0; i < VCPUS; i++) {
		set(m.vcpu[i], REG_PC, RAM_GPA);
		set(m.vcpu[i], REG_X(26), 0x100 * i);
		set(m.vcpu[i], REG_X(27), RAM_GPA + COMMANDS + 64 * i);
		set(m.vcpu[i], REG_X(28), MMIO_GPA);
		must(attr(m.gic, SET, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, (uint64_t)i << 32 | 0xc230, &pmr));
		must(attr(m.gic, SET, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, (uint64_t)i << 32 | 0xc667, &on));
		memcpy(m.ram + COMMANDS + 64 * i, &version, sizeof(version));
	}
	for (i = 0; i < VCPUS; i++)
		(void)run_vcpu(&m, i, false);
	return m;
}

/* ---- what a VM is, from outside ---- */

struct gic_state {
	uint32_t dist[64], redist[VCPUS][32], level[VCPUS + 1];
	uint64_t icc[VCPUS][8];
};

struct saved {
	unsigned int n[VCPUS];
	uint64_t id[VCPUS][REGS_MAX], val[VCPUS][REGS_MAX];
	struct kvm_mp_state mp[VCPUS];
	struct gic_state gic;
};

static const uint32_t dist_regs[] = {
	0x0000, 0x0084, 0x0104, 0x0c08, 0x0c0c, 0x0204, 0x0304, 0x0420, 0x0424, 0x0428, 0x042c, 0x0430, 0x0434, 0x0438, 0x043c,
	0x6100 + 8 * (SPI - 32), 0x6104 + 8 * (SPI - 32),
}, redist_regs[] = {
	0x10080, 0x10100, 0x10c00, 0x10c04, 0x10200, 0x10300, 0x10400, 0x10404, 0x10408, 0x1040c, 0x10410, 0x10414, 0x10418,
	0x1041c,
};

/* ICC_PMR, BPR0, AP0R0, AP1R0, BPR1, CTLR, IGRPEN0, IGRPEN1. */
static const uint64_t icc_regs[] = { 0xc230, 0xc643, 0xc644, 0xc648, 0xc663, 0xc664, 0xc666, 0xc667 };

static void gic_transfer(struct machine *m, unsigned long op, struct gic_state *s)
{
	unsigned int i, v;

	for (i = 0; i < sizeof(dist_regs) / 4; i++)
		must(attr(m->gic, op, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, dist_regs[i], &s->dist[i]));
	for (v = 0; v < VCPUS; v++) {
		uint64_t cpu = (uint64_t)v << 32;

		for (i = 0; i < sizeof(redist_regs) / 4; i++)
			must(attr(m->gic, op, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, cpu | redist_regs[i], &s->redist[v][i]));
		must(attr(m->gic, op, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, cpu, &s->level[v]));
		for (i = 0; i < sizeof(icc_regs) / 8; i++)
			must(attr(m->gic, op, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, cpu | icc_regs[i], &s->icc[v][i]));
	}
	must(attr(m->gic, op, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, 32, &s->level[VCPUS]));
}

static struct {
	struct kvm_reg_list head;
	uint64_t id[REGS_MAX];
} list;

static void list_read(struct machine *m)
{
	list.head.n = REGS_MAX;
	must(ioctl(m->vcpu[0], KVM_GET_REG_LIST, &list));
}

enum { REGS_ALL, REGS_USED, REGS_SDEI };

/* Of the system registers this guest uses a timer's alone. */
static bool wanted(uint64_t id, int which)
{
	if ((id & KVM_REG_SIZE_MASK) != KVM_REG_SIZE_U64)
		return false;
	return IS_SDEI(id) || which == REGS_ALL ||
	       (which == REGS_USED && (CLASS(id) == 0x010 || id == KVM_REG_ARM_PTIMER_CTL || id == KVM_REG_ARM_PTIMER_CVAL));
}

static void regs_read(struct machine *m, unsigned int i, struct saved *s, int which)
{
	unsigned int r;

	s->n[i] = 0;
	for (r = 0; r < list.head.n; r++) {
		uint64_t v = 0;

		if (!wanted(list.id[r], which))
			continue;
		must(get_reg(m->vcpu[i], list.id[r], &v));
		s->id[i][s->n[i]] = list.id[r];
		s->val[i][s->n[i]++] = v;
	}
	must(ioctl(m->vcpu[i], KVM_GET_MP_STATE, &s->mp[i]));
}

static unsigned int refused;

/* Invariant registers, which take their own value alone, come from the same host: nothing is skipped. */
static void regs_write(struct machine *m, unsigned int i, const struct saved *s, bool backwards, bool counters)
{
	unsigned int n;

	for (n = 0; n < s->n[i]; n++) {
		unsigned int r = backwards ? s->n[i] - 1 - n : n;

		if (!counters && (s->id[i][r] == KVM_REG_ARM_TIMER_CNT || s->id[i][r] == KVM_REG_ARM_PTIMER_CNT))
			continue;
		if (!set_reg(m->vcpu[i], s->id[i][r], &s->val[i][r]))
			continue;
		printf("# register %#lx refuses %#lx: %s\n", (long)s->id[i][r], (long)s->val[i][r], strerror(errno));
		refused++;
	}
	must(ioctl(m->vcpu[i], KVM_SET_MP_STATE, &s->mp[i]));
}

static unsigned int moves;

/* A new VM in place of *m; every order that may differ does, from move to move. */
static void move(struct machine *m)
{
	static struct saved s;
	struct machine to;
	unsigned int i;

	for (i = 0; i < VCPUS; i++) {
		m->run[i]->immediate_exit = 1;	/* what an exit left to do is done first */
		if (ioctl(m->vcpu[i], KVM_RUN, 0) != -1 || errno != EINTR)
			check(false, "KVM_RUN with immediate_exit");
		m->run[i]->immediate_exit = 0;
		regs_read(m, i, &s, moves % 5 ? REGS_USED : REGS_ALL);
	}
	gic_transfer(m, GET, &s.gic);
	to = machine_make(m->ram, moves & 1);
	if (moves & 8)
		gic_transfer(&to, SET, &s.gic);
	for (i = 0; i < VCPUS; i++)
		regs_write(&to, moves & 2 ? VCPUS - 1 - i : i, &s, moves & 4, true);
	if (!(moves & 8))
		gic_transfer(&to, SET, &s.gic);
	to.turn = m->turn ^ 1;
	moves++;
	machine_drop(m);
	*m = to;
}

/* ---- the twins ---- */

static struct machine alone, moved;
static unsigned int different;

static void twins_boot(void)
{
	alone = machine_boot();
	moved = machine_boot();
	list_read(&alone);
}

static void twins_drop(void)
{
	munmap(alone.ram, RAM_SIZE);
	munmap(moved.ram, RAM_SIZE);
	machine_drop(&alone);
	machine_drop(&moved);
}

/* What the SDEI and interrupt registers show; the other registers show in what the guest reports. */
static void look(struct machine *m, struct saved *s)
{
	unsigned int i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < VCPUS; i++)
		regs_read(m, i, s, REGS_SDEI);
	gic_transfer(m, GET, &s->gic);
	for (i = 0; i < VCPUS; i++)	/* a timer's line counts when somebody asks the timer, nobody tells that it fell */
		s->gic.level[i] &= ~(1U << TIMER);
}

static void compare(const struct saved *a, const struct saved *b, const struct action *act)
{
	const uint32_t *x = (const uint32_t *)&a->gic, *y = (const uint32_t *)&b->gic;
	unsigned int i, r;

	if (!memcmp(a, b, sizeof(*a)))
		return;
	different++;
	for (i = 0; i < VCPUS; i++)
		for (r = 0; r < a->n[i]; r++)
			if (a->val[i][r] != b->val[i][r])
				printf("# after %s: vCPU %u register %#lx is %#lx, in the moved twin %#lx\n", act->name, i,
				       (long)a->id[i][r], (long)a->val[i][r], (long)b->val[i][r]);
	for (i = 0; i < sizeof(a->gic) / 4; i++)
		if (x[i] != y[i])
			printf("# after %s: word %u of the interrupt controller is %#x, in the moved twin %#x\n", act->name, i,
			       x[i], y[i]);
}

/* A state's name: all that the registers show but what contexts hold, which counts with every command. */
static uint64_t key_of(const struct saved *s)
{
	uint64_t key = 0xcbf29ce484222325;
	unsigned int i, r;

	for (i = 0; i < VCPUS; i++) {
		key = (key ^ s->mp[i].mp_state) * 0x100000001b3;
		for (r = 0; r < s->n[i]; r++) {
			uint16_t index = s->id[i][r];

			if (index >= 0xc000 && (index & 31))
				continue;
			key = (key ^ s->val[i][r] ^ index) * 0x100000001b3;
			key ^= key >> 29;
		}
	}
	for (i = 0; i < sizeof(s->gic) / 4; i++)
		key = (key ^ ((const uint32_t *)&s->gic)[i]) * 0x100000001b3;
	return key;
}

static int64_t act_on(struct machine *m, const struct action *a)
{
	struct kvm_nb_sdei_inject in = { .event = a->c.x[0], .flags = a->by == BY_CANCEL ? KVM_NB_SDEI_CANCEL : 0 };
	struct kvm_irq_level irq = { .irq = a->c.x[0] | (a->c.x[0] < 32 ? KVM_ARM_IRQ_TYPE_PPI : KVM_ARM_IRQ_TYPE_SPI) << 24,
				     .level = a->c.x[1] };
	bool sleeps = a->c.op == OP_WFI || a->c.x[0] == 0x84000002;

	switch (a->by) {
	case BY_RAISE:
	case BY_CANCEL:
		return sdei_attr(m, KVM_NB_SDEI_INJECT, &in) ? -errno : 0;
	case BY_LINE:
		return must(ioctl(m->fd, KVM_IRQ_LINE, &irq));
	default:
		if (mp_state(m, a->vcpu) == KVM_MP_STATE_STOPPED)
			return REPORT_OFF;
		memcpy(m->ram + COMMANDS + 64 * a->vcpu, &a->c, sizeof(a->c));
		return run_vcpu(m, a->vcpu, sleeps);
	}
}

/* One command to both twins; the state after it. */
static uint64_t step(const struct action *a, bool write_back)
{
	static struct saved before, one, other;
	bool power = a->by == BY_VCPU && a->c.op == OP_CALL && a->c.x[0] == 0xc4000003;
	int64_t want, have;
	unsigned int i;

	for (i = 0; write_back && i < VCPUS; i++)
		regs_read(&moved, i, &before, REGS_USED);
	want = act_on(&alone, a);
	have = act_on(&moved, a);
	if (want != have) {
		printf("# %s by vCPU %u: %#lx, the moved twin %#lx\n", a->name, a->vcpu, (long)want, (long)have);
		different++;
	}
	/* Read before the command, written after it: of those that did not run, as CPU_ON's target did. */
	for (i = 0; write_back && !power && i < VCPUS; i++)
		if (a->by != BY_VCPU || i != a->vcpu)
			regs_write(&moved, i, &before, false, false);
	if (!write_back)
		move(&moved);
	look(&alone, &one);
	look(&moved, &other);
	compare(&one, &other, a);
	cover_note(one.n[0], one.id[0], one.val[0], one.gic.dist[5] | one.gic.level[VCPUS],
		   one.gic.redist[0][4] | one.gic.level[0]);
	return key_of(&one);
}

/* ---- exploration ---- */

struct state {
	uint64_t key;
	int16_t next[ACTIONS_MAX];	/* -1: not tried */
	int16_t from, by;		/* of a search */
};

static struct state states[STATES_MAX];
static unsigned int nr_states, edges;

static int state_find(uint64_t key)
{
	unsigned int i;

	for (i = 0; i < nr_states; i++)
		if (states[i].key == key)
			return i;
	if (nr_states == STATES_MAX)
		return -1;
	memset(&states[nr_states], 0xff, sizeof(states[0]));
	states[nr_states].key = key;
	return nr_states++;
}

static int untried(int s)
{
	unsigned int a;

	for (a = 0; a < nr_actions; a++)
		if (states[s].next[a] < 0)
			return a;
	return -1;
}

/* The first action on the shortest known way from @s to an edge not tried; -1: there is none. */
static int first_step(int s)
{
	static int16_t queue[STATES_MAX];
	unsigned int head = 0, tail = 0, i;

	for (i = 0; i < nr_states; i++)
		states[i].from = -1;
	states[s].from = s;
	queue[tail++] = s;
	while (head < tail) {
		int at = queue[head++], by = untried(at);

		if (by >= 0) {
			for (; at != s; at = states[at].from)
				by = states[at].by;
			return by;
		}
		for (i = 0; i < nr_actions; i++) {
			int to = states[at].next[i];

			if (states[to].from >= 0)
				continue;
			states[to].from = at;
			states[to].by = i;
			queue[tail++] = to;
		}
	}
	return -1;
}

/* Twins to which what @before says has been done. Returns their state. */
static int explore_start(void (*before)(void), void (*fill)(void))
{
	static struct saved s;
	unsigned int i;

	twins_boot();
	nr_actions = 0;
	if (before)
		before();
	for (i = 0; i < nr_actions; i++)
		(void)step(&actions[i], false);
	nr_actions = 0;
	fill();
	look(&alone, &s);
	return state_find(key_of(&s));
}

static void explore(const struct set *set, unsigned int steps)
{
	unsigned int n, start_moves = moves;
	int at, first, a;

	nr_states = edges = different = 0;
	at = first = explore_start(set->before, set->fill);
	for (n = 0; (!steps || n < steps) && !different; n++) {
		int to;

		a = first_step(at);
		if (a < 0 && first_step(first) < 0)
			break;
		if (a < 0) {		/* what is left is behind us */
			twins_drop();
			at = explore_start(set->before, set->fill);
			continue;
		}
		to = state_find(step(&actions[a], n % 4 == 3));
		if (to < 0)
			break;
		edges += states[at].next[a] < 0;
		states[at].next[a] = to;
		at = to;
	}
	twins_drop();
	printf("# %s: %u states, %u edges, %u steps, %u moves\n", set->name, nr_states, edges, n, moves - start_moves);
	check_eq(different, 0, set->name);
}

static uint64_t seed = 88172645463325252;

static uint32_t random32(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed >> 16;
}

static void wander(const char *name, unsigned int steps)
{
	unsigned int n;

	nr_actions = different = 0;
	everything();
	twins_boot();
	for (n = 0; n < steps && !different; n++)
		(void)step(&actions[random32() % nr_actions], random32() % 4 == 0);
	twins_drop();
	printf("# %s: %u steps\n", name, n);
	check_eq(different, 0, name);
}

int main(int argc, char **argv)
{
	unsigned int steps = argc > 1 ? strtoul(argv[1], NULL, 0) : 40, i;
	int kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC));

	if (ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_NB_SDEI) <= 0) {
		check(true, "this host has no SDEI");
		return report();
	}
	close(kvm);
	runners_start();
	for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		explore(&sets[i], steps);
	wander("T44 everything at once", steps ? steps : 5000);
	cover_report(!steps);
	check_eq(refused, 0, "no register refuses its own value");
	return report();
}
