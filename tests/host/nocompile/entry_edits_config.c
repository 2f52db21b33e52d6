// SPDX-License-Identifier: GPL-2.0-only
/* error: entry code sees the configuration as const */
#define VCPU_ENTRY_CODE
#include "kvm/vcpu_config.h"
