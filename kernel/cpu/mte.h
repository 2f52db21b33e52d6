// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation tags of memory (FEAT_MTE2). On a machine that has them, normal memory is mapped as tagged and SCTLR_EL2.ATA is
 * set from the start (boot/head.S), with no checks for the kernel or for processes; only guests use tags. A page comes
 * out of the allocator with all tags 0, as with all data 0 or unread, so nobody sees another's. Arm ARM D10.
 */
#pragma once

#include <nestbox/types.h>

#define MTE_GRANULE		16UL
#define MTE_PAGE_TAGS		256	/* granules of a page */

extern bool mte_live;			/* this machine has it */

void mte_init_this(void);		/* each CPU; the first one decides, before it allocates pages */
void mte_clear(void *va, u64 bytes);	/* whole pages; tags become 0 */
void mte_copy(void *to, const void *from);	/* the tags of one page */
u8 mte_get(const void *va);		/* of va's granule: 0 to 15 */
void mte_set(void *va, u8 tag);
