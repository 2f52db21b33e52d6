// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of an ITS's control frame, and its command queue. Pure logic; its->mutex held. After a write its caller has
 * the queue processed. IHI 0069 12.19; what user space sees: Linux, devices/arm-vgic-its.rst.
 */
#include <linux/errno.h>

#include "kvm/vgic/its.h"
#include "kvm/vgic/mmio.h"
#include "gicmmio.h"

#define CTLR_ENABLE	BIT(0)
#define CTLR_QUIESCENT	BIT(31)
#define IIDR_KVM	(0x4bU << 24 | 0x43b)	/* as in dist.c; revision 0: layout of saved tables */
#define IIDR_REV	GENMASK(15, 12)
/* Physical LPIs; entries of 8 bytes, EventIDs and DeviceIDs of 16 bits (each less one). */
#define TYPER_VALUE	(1UL | (u64)(ITS_ESZ - 1) << 4 | (u64)(ITS_ID_BITS - 1) << 8 | (u64)(ITS_ID_BITS - 1) << 13)
#define CMD_SIZE	32
#define CMD_OFFSET	GENMASK(19, 5)
#define CBASER_ADDR	GENMASK(51, 16)
#define BASER_RO	(GENMASK(58, 56) | GENMASK(52, 48))
#define BASER_PAGE_SIZE	GENMASK(9, 8)

static u64 queue_size(const struct its *its)
{
	return ((its->cbaser & 0xff) + 1) << 12;
}

bool its_process(struct its *its)
{
	u64 cmd[CMD_SIZE / 8];

	if (!its->enabled || !its->d)
		return true;
	while (its->creadr != its->cwriter) {
		if (its->d->ops->interrupted())
			return false;
		/* A command that cannot be read, or is wrong, is skipped (IHI 0069 5.3.2 leaves it to us). */
		if (!its->d->ops->mem_read(its->d, (its->cbaser & CBASER_ADDR) + its->creadr, cmd, sizeof(cmd)))
			(void)its_command(its, cmd);
		its->creadr += CMD_SIZE;
		if (its->creadr >= queue_size(its))
			its->creadr = 0;
	}
	return true;
}

u64 vgic_read_ictlr(struct vgic_access *a)
{
	return (a->its->creadr == a->its->cwriter ? CTLR_QUIESCENT : 0) | (a->its->enabled ? CTLR_ENABLE : 0);
}

int vgic_write_ictlr(struct vgic_access *a, u64 val)
{
	struct its *its = a->its;

	/* Without tables or a queue it cannot be enabled. */
	if ((val & CTLR_ENABLE) && !its->enabled &&
	    !(its->baser[ITS_DEVICES] & its->baser[ITS_COLLS] & its->cbaser & BASER_VALID))
		return 0;
	WRITE_ONCE(its->enabled, val & CTLR_ENABLE);
	return 0;
}

u64 vgic_read_iiidr(struct vgic_access *a)
{
	return IIDR_KVM;
}

int vgic_write_iiidr(struct vgic_access *a, u64 val)
{
	return a->user && (val & IIDR_REV) ? -EINVAL : 0;
}

u64 vgic_read_ityper(struct vgic_access *a)
{
	return TYPER_VALUE;
}

u64 vgic_read_icbaser(struct vgic_access *a)
{
	return a->its->cbaser;
}

int vgic_write_icbaser(struct vgic_access *a, u64 val)
{
	struct its *its = a->its;

	if (its->enabled)
		return 0;
	its->cbaser = vgic_table_attrs(vgic_merge(its->cbaser, a, val), 59, 53) & ~GENMASK(15, 12);
	its->creadr = its->cwriter = 0;
	return 0;
}

u64 vgic_read_icwriter(struct vgic_access *a)
{
	return a->its->cwriter;
}

int vgic_write_icwriter(struct vgic_access *a, u64 val)
{
	struct its *its = a->its;

	val = vgic_merge(its->cwriter, a, val) & CMD_OFFSET;
	if (val < queue_size(its))
		its->cwriter = val;
	return 0;
}

u64 vgic_read_icreadr(struct vgic_access *a)
{
	return a->its->creadr;
}

int vgic_write_icreadr(struct vgic_access *a, u64 val)
{
	struct its *its = a->its;

	if (!a->user)
		return 0;
	if (its->enabled)
		return -EBUSY;
	val &= CMD_OFFSET;
	if (val >= queue_size(its))
		return -EINVAL;
	its->creadr = val;
	return 0;
}

u64 vgic_read_ibaser(struct vgic_access *a)
{
	return a->off / 8 <= ITS_COLLS ? a->its->baser[a->off / 8] : 0;
}

int vgic_write_ibaser(struct vgic_access *a, u64 val)
{
	unsigned table = a->off / 8;
	struct its *its = a->its;
	u64 fixed, reg;

	if (its->enabled || table > ITS_COLLS)
		return 0;
	fixed = its->baser[table] & BASER_RO;
	reg = vgic_merge(its->baser[table], a, val) & ~(BASER_RO | BASER_PAGE_SIZE);
	if (table == ITS_COLLS)
		reg &= ~BASER_INDIRECT;
	its->baser[table] = vgic_table_attrs(reg, 59, 53) | fixed | 2UL << 8;
	if (reg & BASER_VALID)
		return 0;
	if (table == ITS_DEVICES)
		its_free_devices(its);
	else
		its_free_colls(its);
	return 0;
}

u64 vgic_read_iidregs(struct vgic_access *a)
{
	/* PIDR4 and following (64 KiB page), PIDR0 to 3 (Arm's ITS, GICv3), CIDR0 to 3. */
	static const u8 id[] = { 0x40, 0, 0, 0, 0x92, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1 };

	return id[a->off / 4];
}
