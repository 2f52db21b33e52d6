// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signal frames: struct rt_sigframe with the records of <asm/sigcontext.h> (FPSIMD, ESR for faults, SVE, FPMR), and extra
 * space behind it when long vectors do not fit. Built in kernel memory, read record by record: what is on the user's
 * stack is hostile. Linux: Documentation/arch/arm64/sve.rst 4, 5. Locks: none.
 */
#include <asm/ptrace.h>
#include <asm/sigcontext.h>

#include "linux/process/internal.h"
#include <asm/ucontext.h>

struct rt_sigframe {
	siginfo_t info;
	struct ucontext uc;
};

struct frame_record {
	u64 fp, lr;
};

#define RECORDS		offsetof(struct rt_sigframe, uc.uc_mcontext.__reserved)
#define RECORDS_SIZE	sizeof(((struct rt_sigframe *)0)->uc.uc_mcontext.__reserved)
#define FRAME_MIN	ALIGN_UP(sizeof(struct rt_sigframe), 16)
#define FRAME_MAX	(256UL << 10)
#define END_SIZE	16UL		/* a record without magic and size, padded */
#define EXTRA_SIZE	ALIGN_UP(sizeof(struct extra_context), 16)
#define SVE_RECORD(vl)	ALIGN_UP(sizeof(struct sve_context) + ((vl) ? FP_SVE_SIZE(vl) : 0), 16)

_Static_assert(sizeof(struct sve_context) == SVE_SIG_REGS_OFFSET, "the payload follows the head");
_Static_assert(FP_SVE_SIZE(256) == SVE_SIG_REGS_SIZE(16), "our order is the frame's");

/* ---- out ---- */

/* Where each record goes, from the start of the frame; 0: not there. */
struct layout {
	u64 size, limit;
	u64 fpsimd, esr, sve, fpmr, extra, end;
	unsigned vl;		/* of the SVE record's payload; 0: a head alone */
};

/* Room for a record. The first that does not fit goes behind the frame, and so do all that follow. */
static u64 place(struct layout *l, u64 size)
{
	u64 at;

	size = ALIGN_UP(size, 16UL);
	if (size > l->limit - l->size && !l->extra) {
		l->extra = l->size;
		l->size += EXTRA_SIZE + END_SIZE;
		l->limit = FRAME_MAX - END_SIZE;
	}
	at = l->size;
	l->size += size;
	return at;
}

static void layout_make(struct layout *l, bool esr, unsigned vl)
{
	*l = (struct layout){ .size = RECORDS, .limit = RECORDS + RECORDS_SIZE - END_SIZE - EXTRA_SIZE, .vl = vl };
	l->fpsimd = place(l, sizeof(struct fpsimd_context));
	if (esr)
		l->esr = place(l, sizeof(struct esr_context));
	if (fp_cpu.sve)
		l->sve = place(l, SVE_RECORD(vl));
	if (fp_cpu.fpmr)
		l->fpmr = place(l, sizeof(struct fpmr_context));
	l->end = l->size;
	l->size += END_SIZE;
	l->size = MAX(l->size, FRAME_MIN);
}

u64 sigframe_size_max(void)
{
	struct layout l;

	layout_make(&l, true, fp_cpu.sve ? fp_vl_supported(FP_VL_MAX) : 0);
	return l.size + ALIGN_UP(sizeof(struct frame_record), 16) + 16;
}

static bool has_esr(const siginfo_t *info)
{
	return info->si_code > 0 && info->si_code != SI_KERNEL &&
	       (info->si_signo == SIGSEGV || info->si_signo == SIGBUS);
}

static void put_head(char *frame, u64 at, u32 magic, u32 size)
{
	struct _aarch64_ctx *h = (void *)(frame + at);

	h->magic = magic;
	h->size = size;
}

static void put_vectors(char *frame, const struct layout *l, const struct fp_state *fp)
{
	struct fpsimd_context *v = (void *)(frame + l->fpsimd);
	struct sve_context *sve = (void *)(frame + l->sve);
	struct fpmr_context *m = (void *)(frame + l->fpmr);

	put_head(frame, l->fpsimd, FPSIMD_MAGIC, sizeof(*v));
	v->fpsr = fp->regs.fpsr;
	v->fpcr = fp->regs.fpcr;
	fp_vregs_get(fp, v->vregs);
	if (l->sve) {
		put_head(frame, l->sve, SVE_MAGIC, SVE_RECORD(l->vl));
		sve->vl = fp->vl;
		if (l->vl)
			memcpy(sve + 1, fp->sve, FP_SVE_SIZE(l->vl));
	}
	if (l->fpmr) {
		put_head(frame, l->fpmr, FPMR_MAGIC, sizeof(*m));
		m->fpmr = fp->regs.fpmr;
	}
}

static void put_extra(char *frame, const struct layout *l, u64 user)
{
	struct extra_context *x = (void *)(frame + l->extra);
	u64 data = l->extra + EXTRA_SIZE + END_SIZE;

	put_head(frame, l->extra, EXTRA_MAGIC, EXTRA_SIZE);
	x->datap = user + data;
	x->size = l->end + END_SIZE - data;
}

/* All but the frame record; zeroed memory of l->size bytes, for the user's address @user. */
static void fill(char *frame, const struct layout *l, u64 user, const struct task *t, const struct pt_regs *regs,
		 const siginfo_t *info, u64 mask)
{
	struct rt_sigframe *f = (void *)frame;
	struct sigcontext *sc = &f->uc.uc_mcontext;
	struct esr_context *ec = (void *)(frame + l->esr);

	f->info = *info;
	f->uc.uc_stack = t->altstack;
	memcpy(&f->uc.uc_sigmask, &mask, sizeof(mask));
	memcpy(sc->regs, regs->x, sizeof(sc->regs));
	sc->sp = regs->sp;
	sc->pc = regs->pc;
	sc->pstate = regs->pstate;
	put_vectors(frame, l, &current_thread->fp);
	if (l->esr) {
		sc->fault_address = (u64)info->si_addr;
		put_head(frame, l->esr, ESR_MAGIC, sizeof(*ec));
		/* A data abort from EL0; which level it was is the kernel's business. */
		ec->esr = 0x92000000UL | (info->si_code == SEGV_ACCERR ? 0x0f : 0x07);
	}
	if (l->extra)
		put_extra(frame, l, user);
}

static u64 stack_top(const struct task *t, const struct pt_regs *regs, const struct sig_action *a)
{
	u64 sp = regs->sp;
	bool on_alt = sp - (u64)t->altstack.ss_sp <= t->altstack.ss_size && sp != (u64)t->altstack.ss_sp;

	if ((a->flags & SA_ONSTACK) && !(t->altstack.ss_flags & SS_DISABLE) && !on_alt)
		sp = (u64)t->altstack.ss_sp + t->altstack.ss_size;
	return sp & ~15UL;
}

int sigframe_push(struct task *t, struct pt_regs *regs, const struct sig_action *a, const siginfo_t *info, u64 mask)
{
	struct frame_record rec = { regs->x[29], regs->x[30] };
	struct fp_state *fp = &current_thread->fp;
	u64 record = stack_top(t, regs, a) - sizeof(rec), frame;
	struct layout l;
	char *f;
	int err;

	fp_flush(fp);
	layout_make(&l, has_esr(info), fp->wide ? fp->vl : 0);
	frame = record - l.size;
	if (frame >= USER_END)
		return -EFAULT;
	f = kzalloc(l.size);
	if (!f)
		return -ENOMEM;
	fill(f, &l, frame, t, regs, info, mask);
	err = copy_to_user(frame, f, l.size);
	kfree(f);
	if (!err)
		err = copy_to_user(record, &rec, sizeof(rec));
	if (err)
		return err;
	if (t->altstack.ss_flags & SS_AUTODISARM) {
		memset(&t->altstack, 0, sizeof(t->altstack));
		t->altstack.ss_flags = SS_DISABLE;
	}
	regs->x[0] = info->si_signo;
	if (a->flags & SA_SIGINFO) {
		regs->x[1] = frame + offsetof(struct rt_sigframe, info);
		regs->x[2] = frame + offsetof(struct rt_sigframe, uc);
	}
	regs->x[29] = record;
	regs->x[30] = (a->flags & SA_RESTORER) ? a->restorer : t->proc->sigtramp;
	regs->sp = frame;
	regs->pc = a->handler;
	regs->pstate &= ~(PSR_BTYPE_MASK | PSR_TCO_BIT | BIT(21) /* SS */);
	return 0;
}

/* ---- back ---- */

/* User addresses and sizes of the records found; 0: not there. */
struct found {
	u64 fpsimd, sve, fpmr;
	u32 fpsimd_size, sve_size, fpmr_size;
};

/* The area being walked: it starts at base, the next record is at off. */
struct walk {
	u64 base, off, limit;
	bool extra;
};

static int note(u64 *where, u32 *size, u64 at, u32 n)
{
	if (*where)
		return -EINVAL;		/* two of a kind */
	*where = at;
	*size = n;
	return 0;
}

/* Goes on in the extra space, which must begin right behind the record and the end mark that follows it. */
static int enter_extra(struct walk *w, u64 frame, u64 at, u32 size)
{
	struct extra_context x;
	struct _aarch64_ctx end;
	u64 data = at + size + END_SIZE;

	if (w->extra || size < sizeof(x) || w->limit - w->off - size < END_SIZE)
		return -EINVAL;
	if (get_user(x, at) || get_user(end, at + size))
		return -EFAULT;
	if (end.magic || end.size || x.datap != data || (data & 15) || x.size % 16 ||
	    x.size > FRAME_MAX - (data - frame))
		return -EINVAL;
	*w = (struct walk){ .base = data, .limit = x.size, .extra = true };
	return 0;
}

static int records_find(u64 frame, struct found *r)
{
	struct walk w = { .base = frame + RECORDS, .limit = RECORDS_SIZE };
	struct _aarch64_ctx h;
	int err = 0;
	u64 at;

	*r = (struct found){};
	/* Each round is 16 bytes further at least, in at most FRAME_MAX. */
	while (!err) {
		at = w.base + w.off;
		if (w.limit - w.off < sizeof(h) || w.off % 16)
			return -EINVAL;
		if (get_user(h, at))
			return -EFAULT;
		if (h.size > w.limit - w.off)
			return -EINVAL;
		if (!h.magic)
			return h.size ? -EINVAL : 0;
		if (h.magic == EXTRA_MAGIC) {
			err = enter_extra(&w, frame, at, h.size);
			continue;
		}
		if (h.size < sizeof(h))
			return -EINVAL;
		if (h.magic == FPSIMD_MAGIC)
			err = note(&r->fpsimd, &r->fpsimd_size, at, h.size);
		else if (h.magic == SVE_MAGIC && fp_cpu.sve)
			err = note(&r->sve, &r->sve_size, at, h.size);
		else if (h.magic == FPMR_MAGIC && fp_cpu.fpmr)
			err = note(&r->fpmr, &r->fpmr_size, at, h.size);
		else if (h.magic != ESR_MAGIC)
			return -EINVAL;
		w.off += h.size;
	}
	return err;
}

/* *sve: the payload in memory to be freed, NULL when there is only a head. */
static int sve_read(const struct found *r, void **sve)
{
	const struct fp_state *fp = &current_thread->fp;
	struct sve_context head;
	int err;

	if (r->sve_size < sizeof(head))
		return -EINVAL;
	if (get_user(head, r->sve))
		return -EFAULT;
	if ((head.flags & SVE_SIG_FLAG_SM) || head.vl != fp->vl)
		return -EINVAL;
	if (r->sve_size == sizeof(head))
		return 0;
	if (r->sve_size < sizeof(head) + FP_SVE_SIZE(fp->vl))
		return -EINVAL;
	err = fp_user_sve_alloc();
	if (err)
		return err;
	*sve = kmalloc(FP_SVE_SIZE(fp->vl));
	if (!*sve)
		return -ENOMEM;
	return copy_from_user(*sve, r->sve + sizeof(head), FP_SVE_SIZE(fp->vl));
}

static int vectors_restore(u64 frame)
{
	struct fpsimd_context *v;
	struct fpmr_context m;
	struct fp_regs regs;
	struct found r;
	void *sve = NULL;
	int err = records_find(frame, &r);

	if (err)
		return err;
	if (!r.fpsimd || r.fpsimd_size != sizeof(*v) || (r.fpmr && r.fpmr_size != sizeof(m)))
		return -EINVAL;
	fp_flush(&current_thread->fp);
	regs.fpmr = current_thread->fp.regs.fpmr;
	if (get_user(regs.fpsr, r.fpsimd + offsetof(struct fpsimd_context, fpsr)) ||
	    get_user(regs.fpcr, r.fpsimd + offsetof(struct fpsimd_context, fpcr)) ||
	    copy_from_user(regs.v, r.fpsimd + offsetof(struct fpsimd_context, vregs), sizeof(regs.v)))
		return -EFAULT;
	if (r.fpmr && get_user(regs.fpmr, r.fpmr + offsetof(struct fpmr_context, fpmr)))
		return -EFAULT;
	if (r.sve)
		err = sve_read(&r, &sve);
	if (!err)
		fp_user_write(&regs, sve);
	kfree(sve);
	return err;
}

/* What user space may choose of PSTATE: the condition flags and SSBS, DIT. The rest is EL0, AArch64, unmasked. */
#define PSTATE_USER	(GENMASK(31, 28) | BIT(24) | BIT(12) | PSR_BTYPE_MASK)

int sigframe_restore(struct task *t, struct pt_regs *regs)
{
	u64 frame = regs->sp, mask;
	struct rt_sigframe *f;
	struct sigcontext *sc;
	int err = -EINVAL;

	if (frame & 15)
		return -EINVAL;
	f = kmalloc(sizeof(*f));
	if (!f)
		return -ENOMEM;
	err = copy_from_user(f, frame, RECORDS);
	if (!err) {
		/* Also when the records turn out bad: the SIGSEGV for that finds the interrupted state, as on Linux. */
		sc = &f->uc.uc_mcontext;
		memcpy(regs->x, sc->regs, sizeof(regs->x));
		regs->sp = sc->sp;
		regs->pc = sc->pc;
		regs->pstate = sc->pstate & PSTATE_USER;
		memcpy(&mask, &f->uc.uc_sigmask, sizeof(mask));
		sigmask_set(mask);
		err = vectors_restore(frame);
	}
	if (!err)
		(void)altstack_set(t, &f->uc.uc_stack);
	kfree(f);
	return err;
}
