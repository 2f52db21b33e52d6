#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# On the host: an unmodified guest kernel, a vCPU of which is made to hang with all interrupts masked; then nmi. The guest
# must panic and say where it hung. /g/Image and /g/initrd are the guest. Prints `hang: ok`.
log=/tmp/hang.log

# Wait until a line of the log matches.
until_line() {
	n=0
	until grep -q "$1" $log; do
		n=$((n + 1))
		if [ $n -gt 600 ]; then
			cat $log
			echo "hang: FAIL no line '$1'"
			exit 1
		fi
		sleep 0.2
	done
}

order() {
	answer=$(nestvm --send /tmp/ctl "$1")
	echo "hang: $1: $answer"
	case "$answer" in
	ok*"$2"*) ;;
	*)
		echo "hang: FAIL $1: $answer"
		exit 1
		;;
	esac
}

# CPU 1 is busy, mostly in the kernel, so that its timer ticks; CPU 0 does not run the code that is about to be overwritten.
busy='while :; do echo x; done >/dev/null'
nestvm -k /g/Image -i /g/initrd -c 2 -m 512M --batch --acpi --control /tmp/ctl \
	-a "rdinit=/bin/sh -- -c \"taskset 2 sh -c '$busy' & echo guest is busy; wait\"" >$log 2>&1 </dev/null &
until_line "^guest is busy"
order deaf none
order corrected vCPU
until_line "Hardware error from APEI Generic Hardware Error Source: 1"
until_line "event severity: corrected"
order "hang 1" "hangs at"
order deaf "vCPU 1"
order nmi "vCPU 1"
wait $!
status=$?
sed -n '/severity: fatal/,$p' $log
for want in "Kernel panic - not syncing: .*Fatal hardware error" "CPU: 1 " "sdei" "Call trace"; do
	if ! grep -q "$want" $log; then
		echo "hang: FAIL no '$want'"
		exit 1
	fi
done
if [ $status -ne 3 ]; then
	echo "hang: FAIL status $status"
	exit 1
fi
echo "hang: ok"
