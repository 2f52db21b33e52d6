// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest of sdei_moves.c, which does what it is told, and what it is told: for each set of events the commands that reach
 * all of their states. Arm DEN0054.
 */
#pragma once

#define ACTIONS_MAX	64

#define EV_C		0x40000002u	/* private, critical */
#define EV_D		0x40000010u	/* dynamic, private */
#define EV_S		0x40000100u	/* shared */
#define EV_SC		0x40000101u	/* shared, critical */
#define EV_DS		0x40000110u	/* dynamic, shared */
#define PPI		20
#define TIMER		30		/* the physical timer's */
#define SPI		40

static const struct {
	struct kvm_nb_sdei_events head;
	struct kvm_nb_sdei_event e[5];
} map = {
	.head.nr = 5,
	.e = {
		{ .event = EV_C, .flags = KVM_NB_SDEI_EVENT_CRITICAL },
		{ .event = EV_D, .flags = KVM_NB_SDEI_EVENT_DYNAMIC },
		{ .event = EV_S, .flags = KVM_NB_SDEI_EVENT_SHARED },
		{ .event = EV_SC, .flags = KVM_NB_SDEI_EVENT_SHARED | KVM_NB_SDEI_EVENT_CRITICAL },
		{ .event = EV_DS, .flags = KVM_NB_SDEI_EVENT_SHARED | KVM_NB_SDEI_EVENT_DYNAMIC },
	},
};

/* What a vCPU is to do next: x0 to x5 and an operation, below. At x27 of each. */
struct command {
	uint64_t x[6], op;
};

enum { OP_CALL, OP_WFI, OP_TIMER, OP_STORE, OP_ACK, OP_EOI };
#define COMMANDS	0x10000

/* Does what the command says and reports x0 and a digest of x8 to x17, which it set to what x26 counts, for ever. */
#define INTERPRETER(n)								\
	n "0: add x26, x26, #1; mov x8, x26; ror x9, x26, #7; mov x10, #" n "; mvn x16, x26; mov x17, x26;" \
	"ldp x0, x1, [x27]; ldp x2, x3, [x27, #16]; ldp x4, x5, [x27, #32]; ldr x6, [x27, #48];" \
	"cbnz x6, " n "1f; hvc #0; b " n "9f;"					\
	n "1: cmp x6, #2; b.hs " n "2f; wfi; b " n "9f;"			\
	n "2: b.hi " n "3f; msr cntp_cval_el0, xzr; msr cntp_ctl_el0, x0; isb; b " n "9f;"	\
	n "3: cmp x6, #4; b.hs " n "4f; str w0, [x1]; b " n "9f;"		\
	n "4: b.hi " n "5f; mrs x0, s3_0_c12_c12_0; b " n "9f;"		\
	n "5: msr s3_0_c12_c12_1, x0;"						\
	n "9: eor x0, x0, x8, ror #40; eor x0, x0, x9, ror #36; eor x0, x0, x10, ror #32; eor x0, x0, x16, ror #28;" \
	"eor x0, x0, x17, ror #24; str x0, [x28]; b " n "0b;"

/* A handler reports event, argument, and what it interrupted, in one digest. */
#define HANDLER(n)								\
	"eor x0, x0, x1, ror #44; eor x0, x0, x2, ror #36; eor x0, x0, x3, ror #28; eor x0, x0, x17, ror #20;" \
	"str x0, [x28, #8];" INTERPRETER(n)

GUEST(client, INTERPRETER("1")
	".org guest_client + 0x200; mov x27, x0; mov x26, #0x900; mov x28, #0x0a000000;" INTERPRETER("2")
	".org guest_client + 0x400;" HANDLER("3") ".org guest_client + 0x600;" HANDLER("4")
	".org guest_client + 0x800;" HANDLER("5"));
#define ENTRY_ON	(RAM_GPA + 0x200)
#define ENTRY		(RAM_GPA + 0x400)	/* of normal events; + 0x200: critical, + 0x400: bound */

/* ---- actions ---- */

enum { BY_VCPU, BY_RAISE, BY_CANCEL, BY_LINE };

struct action {
	const char *name;
	int by;
	unsigned int vcpu;
	struct command c;	/* BY_VCPU; else x[0] event or INTID, x[1] level */
};

static struct action actions[ACTIONS_MAX];
static unsigned int nr_actions;

static void action(const char *name, int by, unsigned int vcpu, uint64_t op, uint64_t x0, uint64_t x1, uint64_t x2,
		   uint64_t x3, uint64_t x4)
{
	actions[nr_actions++] = (struct action){
		name, by, vcpu, { .x = { x0, x1, x2, x3, x4, 0 }, .op = op },
	};
}

static void call(const char *name, unsigned int vcpu, uint32_t fn, uint64_t x1, uint64_t x2)
{
	action(name, BY_VCPU, vcpu, OP_CALL, 0xc4000020UL + fn, x1, x2, 0, 0);
}

/* Register (any PE), enable, disable, unregister. */
static void life(unsigned int vcpu, uint32_t event, uint64_t entry)
{
	action("register", BY_VCPU, vcpu, OP_CALL, 0xc4000021, event, entry, 0x1234 + event, 0);
	call("enable", vcpu, 2, event, 0);
	call("disable", vcpu, 3, event, 0);
	call("unregister", vcpu, 7, event, 0);
}

static void pe(unsigned int vcpu)
{
	call("mask", vcpu, 0xb, 0, 0);
	call("unmask", vcpu, 0xc, 0, 0);
	call("complete", vcpu, 5, 0, 0);
}

static void priorities(void)
{
	life(0, 0, ENTRY);
	life(0, EV_C, ENTRY + 0x200);
	pe(0);
	call("signal", 1, 0xf, 0, 0);
	action("raise critical", BY_RAISE, 0, 0, EV_C, 0, 0, 0, 0);
}

static void shared_any(void)
{
	life(0, EV_SC, ENTRY + 0x200);
	pe(0);
	pe(1);
	action("raise shared", BY_RAISE, 0, 0, EV_SC, 0, 0, 0, 0);
}

static void bound_spi(void)
{
	call("bind", 0, 0xd, SPI, 0);
	call("release", 1, 0xe, EV_DS, 0);
	life(0, EV_DS, ENTRY + 0x400);
	pe(0);
	pe(1);
	action("line up", BY_LINE, 0, 0, SPI, 1, 0, 0, 0);
	action("line down", BY_LINE, 0, 0, SPI, 0, 0, 0, 0);
	action("enable the SPI", BY_VCPU, 0, OP_STORE, 1U << (SPI % 32), GICD + 0x104, 0, 0, 0);
}

static void bound_ppi(void)
{
	call("bind", 0, 0xd, PPI, 0);
	call("release", 0, 0xe, EV_D, 0);
	life(0, EV_D, ENTRY + 0x400);
	pe(0);
	action("line up", BY_LINE, 0, 0, PPI, 1, 0, 0, 0);
	action("line down", BY_LINE, 0, 0, PPI, 0, 0, 0, 0);
	action("register", BY_VCPU, 1, OP_CALL, 0xc4000021, EV_D, ENTRY + 0x400, 1, 0);
	call("unregister", 1, 7, EV_D, 0);
}

static void bound_timer(void)
{
	call("bind", 0, 0xd, TIMER, 0);
	life(0, EV_D, ENTRY + 0x400);
	pe(0);
	action("timer on", BY_VCPU, 0, OP_TIMER, 1, 0, 0, 0, 0);
	action("timer off", BY_VCPU, 0, OP_TIMER, 0, 0, 0, 0, 0);
}

/* A critical event of PE 0 over a normal one of each kind. */
static void critical_over(uint32_t event, uint64_t entry)
{
	life(0, event, entry);
	pe(0);
	action("raise critical", BY_RAISE, 0, 0, EV_C, 0, 0, 0, 0);
}

static void over_shared(void)
{
	critical_over(EV_S, ENTRY);
	action("raise shared", BY_RAISE, 0, 0, EV_S, 0, 0, 0, 0);
}

static void over_spi(void)
{
	critical_over(EV_DS, ENTRY + 0x400);
	action("line up", BY_LINE, 0, 0, SPI, 1, 0, 0, 0);
	action("line down", BY_LINE, 0, 0, SPI, 0, 0, 0, 0);
}

static void over_ppi(void)
{
	critical_over(EV_D, ENTRY + 0x400);
	action("line up", BY_LINE, 0, 0, PPI, 1, 0, 0, 0);
	action("line down", BY_LINE, 0, 0, PPI, 0, 0, 0, 0);
}

static void over_timer(void)
{
	critical_over(EV_D, ENTRY + 0x400);
	action("timer on", BY_VCPU, 0, OP_TIMER, 1, 0, 0, 0, 0);
	action("timer off", BY_VCPU, 0, OP_TIMER, 0, 0, 0, 0, 0);
}

/* What comes before: the critical event is there, and the interrupt bound. */
static void armed(void)
{
	action("register", BY_VCPU, 0, OP_CALL, 0xc4000021, EV_C, ENTRY + 0x200, 7, 0);
	call("enable", 0, 2, EV_C, 0);
}

static void armed_spi(void)
{
	armed();
	call("bind", 0, 0xd, SPI, 0);
}

static void armed_ppi(void)
{
	armed();
	call("bind", 0, 0xd, PPI, 0);
}

static void armed_timer(void)
{
	armed();
	call("bind", 0, 0xd, TIMER, 0);
}

/* The critical one shared, a normal one below it. */
static void over_normal(void)
{
	life(0, EV_SC, ENTRY + 0x200);
	pe(0);
	call("signal", 0, 0xf, 0, 0);
	action("raise shared", BY_RAISE, 0, 0, EV_SC, 0, 0, 0, 0);
}

static void armed_normal(void)
{
	action("register", BY_VCPU, 0, OP_CALL, 0xc4000021, 0, ENTRY, 7, 0);
	call("enable", 0, 2, 0, 0);
}

static void power(void)
{
	life(1, 0, ENTRY);
	action("register for one PE", BY_VCPU, 0, OP_CALL, 0xc4000021, EV_S, ENTRY, 5, 1);
	actions[nr_actions - 1].c.x[5] = 1;
	call("enable", 0, 2, EV_S, 0);
	pe(1);
	call("signal", 0, 0xf, 0, 1);
	action("raise shared", BY_RAISE, 0, 0, EV_S, 0, 0, 0, 0);
	action("CPU_OFF", BY_VCPU, 1, OP_CALL, 0x84000002, 0, 0, 0, 0);
	action("CPU_ON", BY_VCPU, 0, OP_CALL, 0xc4000003, 1, ENTRY_ON, RAM_GPA + COMMANDS + 64, 0);
}

/* All of it, for a random walk; the calls that answer, and what the guest may do to the interrupt otherwise. */
static void everything(void)
{
	priorities();
	shared_any();
	bound_spi();
	power();
	action("raise shared", BY_RAISE, 0, 0, EV_S, 0, 0, 0, 0);
	action("cancel", BY_CANCEL, 0, 0, EV_SC, 0, 0, 0, 0);
	call("route", 1, 0xa, EV_S, 0);
	call("context", 0, 4, 17, 0);
	call("context", 1, 4, 8, 0);
	call("status", 1, 8, EV_DS, 0);
	call("private reset", 0, 0x11, 0, 0);
	call("shared reset", 1, 0x12, 0, 0);
	call("resume", 0, 6, RAM_GPA, 0);
	action("WFI", BY_VCPU, 1, OP_WFI, 0, 0, 0, 0, 0);
	action("acknowledge", BY_VCPU, 0, OP_ACK, 0, 0, 0, 0, 0);
	action("end of interrupt", BY_VCPU, 0, OP_EOI, SPI, 0, 0, 0, 0);
}

static const struct set {
	const char *name;
	void (*before)(void);	/* done first */
	void (*fill)(void);	/* the actions */
} sets[] = {
	{ "T44 one PE, a normal and a critical event", NULL, priorities },
	{ "T44 a shared critical event", NULL, shared_any },
	{ "T44 an event bound to an SPI", NULL, bound_spi },
	{ "T44 an event bound to a PPI", NULL, bound_ppi },
	{ "T44 an event bound to a timer", NULL, bound_timer },
	{ "T44 critical over a shared event", armed, over_shared },
	{ "T44 critical over an SPI's event", armed_spi, over_spi },
	{ "T44 critical over a PPI's event", armed_ppi, over_ppi },
	{ "T44 critical over a timer's event", armed_timer, over_timer },
	{ "T44 a shared critical event over a normal one", armed_normal, over_normal },
	{ "T44 CPUs that go off and on", NULL, power },
};
