// SPDX-License-Identifier: GPL-2.0-only
/* error: entry code does not see the state set */
#define VCPU_ENTRY_CODE
#include "kvm/vcpu_state.h"
