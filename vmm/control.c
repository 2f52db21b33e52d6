// SPDX-License-Identifier: GPL-2.0-only
/*
 * Orders to a running VM, one line each: from a UNIX socket (--control), from keys (Ctrl-A), and the watchdog. Looking at
 * a vCPU is done by its own thread (vcpu_call). One order at a time: order_lock.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "acpi.h"
#include "control.h"
#include "sdei.h"

#define ORDER_MAX	128
#define BRANCH_TO_SELF	0x14000000u
#define INSN_WFI	0xd503207fu
#define PSTATE_DAIF	0x3c0UL
#define PSTATE_I	0x80UL
#define HANG_TRIES	500

#define CORE_REG(member) (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
			  KVM_REG_ARM_CORE_REG(member))
#define TCR_EL1		ARM64_SYS_REG(3, 0, 2, 0, 2)
#define TTBR1_EL1	ARM64_SYS_REG(3, 0, 2, 0, 1)

static pthread_mutex_t order_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- what a vCPU is doing ---- */

struct look {
	const struct vm *vm;
	uint64_t pc, pstate;
	uint64_t overdue;		/* deadline that its timer has passed without an interrupt taken; 0: none */
	bool stuck;			/* IRQs masked, in the kernel, and not just behind a WFI */
	bool loop;			/* ... at a branch to itself */
	bool hung;			/* by hang_vcpu */
};

static uint64_t translate(const struct vm *vm, struct vcpu *vcpu, uint64_t va);

static void look_at(struct vcpu *vcpu, void *arg)
{
	struct look *l = arg;
	uint64_t ctl = vcpu_reg(vcpu, KVM_REG_ARM_TIMER_CTL), cval = vcpu_reg(vcpu, KVM_REG_ARM_TIMER_CVAL);

	l->pc = vcpu_reg(vcpu, CORE_REG(regs.pc));
	l->pstate = vcpu_reg(vcpu, CORE_REG(regs.pstate));
	/* On, not masked, and its time has come: an interrupt is pending. */
	if ((ctl & 3) == 1 && vcpu_reg(vcpu, KVM_REG_ARM_TIMER_CNT) >= cval)
		l->overdue = cval | 1;
	if ((l->pstate & (PSTATE_I | 0x1f)) == (PSTATE_I | 5) && l->pc >> 55 & 1) {
		const uint32_t *insn = memory_ptr(l->vm, translate(l->vm, vcpu, l->pc), 4);
		const uint32_t *before = memory_ptr(l->vm, translate(l->vm, vcpu, l->pc - 4), 4);

		l->loop = insn && *insn == BRANCH_TO_SELF && vcpu_on(vcpu);
		l->stuck = l->loop || (before && *before != INSN_WFI && vcpu_on(vcpu));
	}
}

/* Guest physical address of a kernel's virtual one, by its own tables (4 KiB pages); 0: none. */
static uint64_t translate(const struct vm *vm, struct vcpu *vcpu, uint64_t va)
{
	uint64_t tcr = vcpu_reg(vcpu, TCR_EL1), table = vcpu_reg(vcpu, TTBR1_EL1) & 0xfffffffffffeUL;
	int bits = 64 - (tcr >> 16 & 0x3f), level = 4 - (bits - 12 + 8) / 9;

	if ((tcr >> 30 & 3) != 2 || level < 0)
		return 0;
	for (; level < 4; level++) {
		unsigned int shift = 12 + 9 * (3 - level);
		uint64_t *entry = memory_ptr(vm, (table & ~0xfffUL) + (va >> shift & 0x1ff) * 8, 8);

		if (!entry || !(*entry & 1))
			return 0;
		if (level == 3 || !(*entry & 2))
			return (*entry & 0xfffffffff000UL & ~((1UL << shift) - 1)) | (va & ((1UL << shift) - 1));
		table = *entry & 0xfffffffff000UL;
	}
	return 0;
}

/* Where a loop was written over the guest's kernel, and what was there. Under order_lock. */
static struct {
	uint32_t *insn, old;
	unsigned int vcpu;		/* for whom; others may come by there */
} trap;

/* The rest of the guest, and its way to a panic, may come by there too. */
static void trap_remove(void)
{
	if (!trap.insn)
		return;
	*trap.insn = trap.old;
	__builtin___clear_cache((char *)trap.insn, (char *)(trap.insn + 1));
	trap.insn = NULL;
}

/* In its kernel: an endless loop with all interrupts masked, where it is now. */
static void hang_vcpu(struct vcpu *vcpu, void *arg)
{
	struct look *l = arg;
	uint32_t *insn;

	l->pc = vcpu_reg(vcpu, CORE_REG(regs.pc));
	l->pstate = vcpu_reg(vcpu, CORE_REG(regs.pstate));
	if ((l->pstate & 0x1f) != 5 || !(l->pc >> 55 & 1))
		return;
	insn = memory_ptr(l->vm, translate(l->vm, vcpu, l->pc), 4);
	if (!insn)
		return;
	trap_remove();
	trap.insn = insn;
	trap.old = *insn;
	*insn = BRANCH_TO_SELF;
	__builtin___clear_cache((char *)insn, (char *)(insn + 1));
	vcpu_reg_set(vcpu, CORE_REG(regs.pstate), l->pstate | PSTATE_DAIF);
	l->hung = true;
}

/*
 * A vCPU whose timer has waited, or which has stood still with IRQs masked, for @ms milliseconds at least; or -1. Of several
 * the one that was made to hang, if it still does, or the one whose timer has waited longest: the others may only wait for a
 * lock that it holds.
 */
static int find_deaf(const struct vm *vm, unsigned int ms)
{
	struct look before[vm->nr_vcpus];
	uint64_t since = UINT64_MAX;
	unsigned int i;
	int deaf = -1;

	for (i = 0; i < vm->nr_vcpus; i++) {
		before[i] = (struct look){ .vm = vm };
		vcpu_call(vm, i, look_at, &before[i]);
	}
	usleep(ms * 1000);
	for (i = 0; i < vm->nr_vcpus; i++) {
		struct look now = { .vm = vm };

		vcpu_call(vm, i, look_at, &now);
		if (trap.insn && i == trap.vcpu && now.loop && before[i].loop)
			return i;
		if (now.overdue && now.overdue == before[i].overdue && now.overdue < since) {
			since = now.overdue;
			deaf = i;
		} else if (deaf < 0 && now.stuck && before[i].stuck && now.pc == before[i].pc) {
			deaf = i;
		}
	}
	return deaf;
}

/* ---- orders ---- */

static void say(char *answer, size_t size, int err, const char *what, unsigned int i)
{
	if (!err)
		snprintf(answer, size, "ok: %s, vCPU %u", what, i);
	else if (err == -ENOENT)
		snprintf(answer, size, "error: %s: the guest has registered no handler for it", what);
	else if (err == -EBUSY)
		snprintf(answer, size, "error: %s: the guest has not taken the last one", what);
	else if (err == -ENODEV)
		snprintf(answer, size, "error: %s: the guest has no ACPI; start it with --acpi", what);
	else
		snprintf(answer, size, "error: %s: %s", what, strerror(-err));
}

static int raise_record(const struct vm *vm, enum error_source source, unsigned int i)
{
	int err = acpi_error(source, i);

	return err ? err : sdei_raise(vm, source == ERROR_FATAL ? EV_NMI : EV_CORRECTED, i, 0);
}

static void order_hang(const struct vm *vm, unsigned int i, char *answer, size_t size)
{
	struct look l = { .vm = vm };
	unsigned int n;

	for (n = 0; n < HANG_TRIES && !l.hung; n++) {
		vcpu_call(vm, i, hang_vcpu, &l);
		if (!l.hung)
			usleep(2000);
	}
	if (!l.hung) {
		snprintf(answer, size, "error: vCPU %u was never seen in the guest's kernel", i);
		return;
	}
	trap.vcpu = i;
	snprintf(answer, size, "ok: vCPU %u hangs at %#lx with all interrupts masked", i, l.pc);
}

/* As if typed: what follows the verb, and a carriage return. Wakes a guest that sleeps, if it lets its UART do that. */
static void order_type(const char *text, char *answer, size_t size)
{
	char line[ORDER_MAX + 1];
	int n = snprintf(line, sizeof(line), "%.*s\r", (int)strcspn(text, "\n"), text);

	if ((size_t)n > serial_room()) {
		snprintf(answer, size, "error: the guest does not read what was typed before");
		return;
	}
	serial_feed((const uint8_t *)line, n);
	snprintf(answer, size, "ok: typed");
}

static const char help[] =
	"nmi [N]: a fatal error record, and its event on vCPU N (one that takes no interrupts, or 0); "
	"corrected: a corrected one; dump [N]: the event of AGDI; hang [N]: vCPU N loops with interrupts masked; "
	"deaf: which vCPU takes no interrupts; type TEXT: a line for the guest's UART";

void control_order(const struct vm *vm, const char *order, char *answer, size_t size)
{
	char verb[16] = "";
	unsigned int i = 0;
	int n, deaf;

	if (!strncmp(order, "type ", 5)) {
		order_type(order + 5, answer, size);
		return;
	}
	n = sscanf(order, "%15s %u", verb, &i);
	if (n < 1 || i >= vm->nr_vcpus) {
		snprintf(answer, size, n < 1 ? "error: no order; try help" : "error: there is no such vCPU");
		return;
	}
	pthread_mutex_lock(&order_lock);
	if (!strcmp(verb, "nmi") || !strcmp(verb, "dump")) {
		deaf = n < 2 ? find_deaf(vm, 500) : -1;
		if (deaf >= 0)
			i = deaf;
		say(answer, size, *verb == 'n' ? raise_record(vm, ERROR_FATAL, i) : sdei_raise(vm, EV_DUMP, i, 0),
		    verb, i);
		trap_remove();
	} else if (!strcmp(verb, "corrected")) {
		say(answer, size, raise_record(vm, ERROR_CORRECTED, i), verb, i);
	} else if (!strcmp(verb, "hang")) {
		order_hang(vm, i, answer, size);
	} else if (!strcmp(verb, "deaf")) {
		deaf = find_deaf(vm, 1000);
		snprintf(answer, size, deaf < 0 ? "ok: none" : "ok: vCPU %d", deaf);
	} else {
		snprintf(answer, size, "%s", strcmp(verb, "help") ? "error: unknown order; try help" : help);
	}
	pthread_mutex_unlock(&order_lock);
}

/* ---- keys ---- */

struct key_order {
	const struct vm *vm;
	char text[ORDER_MAX];
};

static void *key_thread(void *arg)
{
	struct key_order *k = arg;
	char answer[512];

	control_order(k->vm, k->text, answer, sizeof(answer));
	fprintf(stderr, "\r\nnestvm: %s\r\n", answer);
	free(k);
	return NULL;
}

void control_key(const struct vm *vm, const char *order)
{
	struct key_order *k = malloc(sizeof(*k));
	pthread_t t;

	if (!k)
		return;
	k->vm = vm;
	snprintf(k->text, sizeof(k->text), "%s", order);
	if (pthread_create(&t, NULL, key_thread, k))
		free(k);
	else
		pthread_detach(t);
}

/* ---- the watchdog ---- */

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Under order_lock. */
static void bite(const struct vm *vm, unsigned int i, const struct look *l)
{
	char answer[256];
	int err;

	fprintf(stderr, "nestvm: watchdog: vCPU %u has taken no timer interrupt for %u s (pc %#lx, pstate %#lx)\n",
		i, vm->watchdog, l->pc, l->pstate);
	err = raise_record(vm, vm->watchdog_panic ? ERROR_FATAL : ERROR_CORRECTED, i);
	say(answer, sizeof(answer), err, vm->watchdog_panic ? "panic" : "report", i);
	trap_remove();		/* a vCPU is often stopped where it sends an IPI, which the handler has to do as well */
	fprintf(stderr, "nestvm: watchdog: %s\n", answer);
}

static void *watchdog_thread(void *arg)
{
	const struct vm *vm = arg;
	/* A vCPU that hangs in its timer's handler has none that could be overdue: it stands still with IRQs masked. */
	struct { uint64_t mark; double since; bool told; } seen[vm->nr_vcpus];
	uint64_t mark;
	unsigned int i, n;

	memset(seen, 0, sizeof(seen));
	for (;;) {
		usleep(vm->watchdog * 250000);
		pthread_mutex_lock(&order_lock);
		/* The one that was made to hang first: others may have come by the same loop. */
		for (n = 0; n < vm->nr_vcpus; n++) {
			struct look l = { .vm = vm };

			i = (trap.vcpu + n) % vm->nr_vcpus;
			vcpu_call(vm, i, look_at, &l);
			mark = l.overdue ? l.overdue : l.stuck ? ~l.pc : 0;
			if (!mark || mark != seen[i].mark) {
				seen[i].mark = mark;
				seen[i].since = seconds();
				seen[i].told = false;
			} else if (!seen[i].told && seconds() - seen[i].since >= vm->watchdog) {
				seen[i].told = true;
				bite(vm, i, &l);
			}
		}
		pthread_mutex_unlock(&order_lock);
	}
	return NULL;
}

/* ---- the socket ---- */

static int socket_of(const char *path, struct sockaddr_un *addr)
{
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(addr->sun_path))
		die(VMM_USAGE, "control socket '%s': the name is too long", path);
	strcpy(addr->sun_path, path);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static void serve(const struct vm *vm, int fd)
{
	char order[ORDER_MAX], answer[512];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(order) - 1 && (n = read(fd, order + len, sizeof(order) - 1 - len)) > 0) {
		len += n;
		if (memchr(order, '\n', len))
			break;
	}
	order[len] = '\0';
	control_order(vm, order, answer, sizeof(answer) - 1);
	strcat(answer, "\n");
	if (write(fd, answer, strlen(answer)) < 0)
		return;		/* nobody waits for it */
}

static int listener = -1;

static void *socket_thread(void *arg)
{
	const struct vm *vm = arg;
	int fd;

	while ((fd = accept(listener, NULL, NULL)) >= 0 || errno == EINTR) {
		if (fd < 0)
			continue;
		serve(vm, fd);
		close(fd);
	}
	return NULL;
}

static void thread_start(void *(*fn)(void *), const struct vm *vm)
{
	pthread_t t;

	if (pthread_create(&t, NULL, fn, (void *)vm))
		die_errno("thread");
	pthread_detach(t);
}

void control_start(const struct vm *vm)
{
	struct sockaddr_un addr;

	if (vm->control) {
		listener = socket_of(vm->control, &addr);
		if (listener < 0 || bind(listener, (struct sockaddr *)&addr, sizeof(addr)) || listen(listener, 4))
			die(VMM_USAGE, "control socket '%s': %s", vm->control, strerror(errno));
		thread_start(socket_thread, vm);
	}
	if (vm->watchdog)
		thread_start(watchdog_thread, vm);
}

void control_stop(const struct vm *vm)
{
	if (vm->control)
		unlink(vm->control);
}

int control_send(const char *path, const char *order)
{
	struct sockaddr_un addr;
	char answer[512];
	int fd = socket_of(path, &addr);
	size_t len = 0;
	ssize_t n;

	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die(VMM_USAGE, "cannot reach a VM at '%s': %s", path, strerror(errno));
	if (write(fd, order, strlen(order)) < 0 || write(fd, "\n", 1) < 0)
		die_errno("control socket");
	while (len < sizeof(answer) - 1 && (n = read(fd, answer + len, sizeof(answer) - 1 - len)) > 0)
		len += n;
	answer[len] = '\0';
	fputs(answer, stdout);
	return strncmp(answer, "ok", 2) && strcmp(order, "help") ? VMM_ERROR : VMM_OK;
}
