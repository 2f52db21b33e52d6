// SPDX-License-Identifier: GPL-2.0-only
/* Registers of the EL1 timers as EL2 with E2H reaches them, and their controls. Arm ARM D24.10. */
#pragma once

#include <nestbox/types.h>

#define CNTV_CTL_EL02	S3_5_C14_C3_1
#define CNTV_CVAL_EL02	S3_5_C14_C3_2
#define CNTP_CTL_EL02	S3_5_C14_C2_1
#define CNTP_CVAL_EL02	S3_5_C14_C2_2
#define CNTPOFF_EL2	S3_4_C14_C0_6

#define CTL_ENABLE	BIT(0)
#define CTL_IMASK	BIT(1)
#define CTL_ISTATUS	BIT(2)

#define CNTHCTL_EL1PCTEN BIT(10)	/* clear: EL1's and EL0's reads of the physical counter trap */
#define CNTHCTL_EL1PTEN	BIT(11)		/* ... and accesses to the physical timer */
#define CNTHCTL_ECV	BIT(12)		/* CNTPOFF_EL2 counts */
#define CNTHCTL_EL1TVT	BIT(13)		/* accesses to the virtual timer trap (FEAT_ECV) */
#define CNTHCTL_EL1TVCT	BIT(14)		/* ... and reads of the virtual counter */

/* probe.c: does CNTPOFF_EL2 shift the physical timer? Do the virtual timer's events come when CVAL + CNTVOFF_EL2 wraps? */
bool timer_probe_poff(void);
bool timer_probe_wrap(void);
