#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# KVM's arch_timer selftest on Linux as a guest with an EL2; its default moves the vCPUs' threads every 2 ms.
for vcpus in 1 4; do
	timeout 300 /t/arch_timer -n $vcpus >/tmp/log 2>&1 || {
		echo "arch_timer -n $vcpus: FAIL, status $?"
		tail -n 8 /tmp/log
		exit 1
	}
done
