// SPDX-License-Identifier: GPL-2.0-only
/* The dump of a vCPU's sets: every set, fields and values by name, no line too long. */
#include "kernel/debug/selftest.h"
#include "kernel/lib/string.h"
#include "kernel/mm/page.h"
#include "kvm/vcpu_dump.h"
#include "kvm/vcpu_state.h"

struct found {
	unsigned lines, config, traps, input, state, step, kind, esr, mmio, too_long;
};

static void line_look(void *arg, const char *text)
{
	struct found *f = arg;

	f->lines++;
	f->config += !!strstr(text, "configuration: initialized=");
	f->traps += !!strstr(text, "traps: hcr=0xabc ");
	f->input += !!strstr(text, "  input: ");
	f->state += !!strstr(text, "  state: mp_state=");
	f->step += !!strstr(text, " step=STEP_EXCEPTION");
	f->kind += !!strstr(text, " exc.kind=EXC_SERROR");
	f->esr += !!strstr(text, " exc.esr=0x123456789abcdef0");
	f->mmio += !!strstr(text, " mmio.len=8");
	f->too_long += strlen(text) > 120;
}

SELFTEST(vcpu_dump)
{
	struct vcpu *v = kzalloc(sizeof(*v) + sizeof(struct vcpu_state));
	struct found f = { 0 };

	REQUIRE(v);
	v->state = (struct vcpu_state *)(v + 1);
	v->traps.hcr = 0xabc;
	v->input.step = STEP_EXCEPTION;
	v->input.exc.kind = EXC_SERROR;
	v->input.exc.esr = 0x123456789abcdef0;
	v->state->mmio.len = 8;
	vcpu_dump(v, line_look, &f);
	CHECK(f.lines > 5 && !f.too_long);
	CHECK(f.config == 1 && f.traps == 1 && f.input >= 1 && f.state >= 1);
	CHECK(f.step == 1 && f.kind == 1 && f.esr == 1 && f.mmio == 1);
	kfree(v);
}
