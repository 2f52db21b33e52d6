// SPDX-License-Identifier: GPL-2.0-only
// link: kvm/vgic/model.c kvm/vgic/model_lr.c kvm/vgic/claim.c kvm/vgic/lpi.c kvm/vgic/mmio.c kvm/vgic/dist.c kvm/vgic/redist.c kvm/vgic/its.c kvm/vgic/its_mmio.c kvm/vgic/its_table.c kernel/lib/tree.c
/* Any bytes as register accesses, inputs, entries and exits: the model's state must stay consistent. */
#include "tests/host/input.h"
#include "tests/host/vgic_sim.h"

static void access_frame(struct input *in, bool write)
{
	static const u8 lens[] = { 1, 2, 4, 8 };
	unsigned who = take(in, 1);
	struct vgic_access a = { .d = &dist, .self = &pes[who % SIM_PES], .len = lens[who >> 4 & 3] };
	unsigned frame = take(in, 1) % 3;
	u32 off = take(in, 2);

	if (frame != VGIC_GICD)
		a.p = &pes[(who >> 2) % SIM_PES];
	/* Reach registers more often than by chance. */
	if (who & 0x80)
		off &= 0xfff;
	if (who & 0x40)
		off &= ~(a.len - 1U);
	if (write)
		vgic_mmio_write(frame, off, &a, take(in, a.len));
	else
		(void)vgic_mmio_read(frame, off, &a);
}

/* User space only sees the registers of a VM that stands still. */
static void access_user(struct input *in, bool *inside)
{
	unsigned i, frame = take(in, 1) % 3;
	struct vgic_access a = { .d = &dist };
	u32 off = take(in, 2), val = take(in, 4);

	for (i = 0; i < SIM_PES; i++) {
		if (inside[i])
			sim_exit(&pes[i]);
		inside[i] = false;
	}
	if (frame != VGIC_GICD)
		a.p = &pes[val % SIM_PES];
	(void)vgic_user_access(frame, off & ~3U, &a, &val, off & 1);
	if (off & 2)
		vgic_levels_set(&dist, &pes[0], off & 0x3e0, val);
}

/* An SDEI event takes an interrupt, or gives it back. */
static void claim(struct input *in, struct vgic_pe *pe, bool back)
{
	u32 intid = 16 + take(in, 1) % (dist.nr_ids - 16);
	struct vgic_pe *p = intid < VGIC_PRIVATE ? pe : NULL;

	if (back)
		vgic_unclaim(&dist, p, intid, false);
	else if (!vgic_claim(&dist, p, intid, false))
		(void)vgic_claim_pending(&dist, p, intid, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	bool inside[SIM_PES] = { false };
	unsigned i;

	sim_init();
	while (in.p < in.end) {
		unsigned op = take(&in, 1), who = (op >> 4) % SIM_PES;

		switch (op & 0xf) {
		case 0 ... 3:
			access_frame(&in, true);
			break;
		case 4:
			access_frame(&in, false);
			break;
		case 5:
		case 6:
			(void)vgic_model_inject(&dist, &pes[who], take(&in, 2) & 0x3ff, op & 0x80);
			break;
		case 7:
			(void)vgic_model_sgi_write(&dist, &pes[who], take(&in, 8), op & 0x80, op & 0x40);
			break;
		case 8:
			access_user(&in, inside);
			break;
		case 9:
			if (!inside[who])
				vgic_model_deactivate(&pes[who], take(&in, 2) & 0xfff);
			break;
		case 10:
			pes[who].vmcr = take(&in, 4);
			break;
		case 11:
			if (inside[who] && sim[who].depth)
				sim_eoi(&pes[who]);
			break;
		case 12:
			if (inside[who])
				sim_ack(&pes[who]);
			break;
		case 13:
			(void)vgic_model_has_pending(&pes[who]);
			sim_timer(&pes[who], op & 0x80);
			break;
		case 14:
			claim(&in, &pes[who], op & 0x80);
			break;
		default:
			if (inside[who])
				sim_exit(&pes[who]);
			else
				sim_enter(&pes[who]);
			inside[who] = !inside[who];
		}
		/* A stop takes everybody out. */
		for (i = 0; i < SIM_PES; i++)
			if (inside[i] && !pes[i].live && sim[i].eoicount)
				sim[i].eoicount = 0;
		sim_check();
	}
	for (i = 0; i < SIM_PES; i++)
		if (inside[i])
			sim_exit(&pes[i]);
	sim_check();
	return 0;
}
