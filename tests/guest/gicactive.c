// SPDX-License-Identifier: GPL-2.0-only
/* More active interrupts than list registers, ended in the other order (Arm IHI 0069, 4.1). */
#include "lib.h"

const char payload_name[] = "gicactive";

#define SPI0	40
#define NR	24

void payload_main(void)
{
	u32 taken[NR], intid, i, n = 0, active;

	gic_init();
	gic_init_cpu();
	for (i = 0; i < 16; i += 4)
		writel(~0U, GICD_BASE + GICD_ICFGR + 8 + i);
	write_sysreg(2, s3_0_c12_c12_4);	/* EOImode 1 */
	isb();
	for (i = 0; i < NR; i++) {
		gic_route(SPI0 + i, 0);
		gic_enable(SPI0 + i);
		gic_set_pending(SPI0 + i);
	}
	for (i = 0; i < NR; i++) {
		intid = SPURIOUS;
		wait_for((intid = gic_ack()) != SPURIOUS, 200);
		if (intid == SPURIOUS)
			break;
		taken[n++] = intid;
		gic_eoi(intid);
	}
	check_eq(n, NR, "twenty-four active at once");
	for (i = 0, active = 0; i < n; i++)
		active += gic_is_active(taken[i]);
	check_eq(active, n, "all shown as active");
	for (i = 0; i < n; i++)
		gic_dir(taken[n - 1 - i]);
	for (i = 0, active = 0; i < n; i++)
		active += gic_is_active(taken[i]);
	check_eq(active, 0, "all deactivated");
}
