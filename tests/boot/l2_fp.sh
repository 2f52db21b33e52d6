#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Linux's tests of vector lengths and fp-stress with SVE, wherever this runs: in a guest's guest.
cd /t || exit 1
for test in sve-probe-vls vec-syscfg; do
	./$test >/tmp/log 2>&1 || exit 1
	grep '^# Totals' /tmp/log
	grep '^not ok' /tmp/log && exit 1
done
./fp-stress -t 10 >/tmp/log 2>&1
status=$?
grep '^# Totals' /tmp/log
grep '^not ok' /tmp/log && exit 1
grep -q '^ok.* SVE-VL-' /tmp/log || exit 1
exit $status
