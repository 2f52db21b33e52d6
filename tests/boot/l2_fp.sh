#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Linux's fp-stress, wherever this runs: in a guest's guest.
cd /t || exit 1
./fp-stress -t 10 >/tmp/log 2>&1
status=$?
grep '^# Totals' /tmp/log
grep '^not ok' /tmp/log && exit 1
grep -q '^ok' /tmp/log || exit 1
exit $status
