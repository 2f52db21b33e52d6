#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# On the host: an unmodified guest kernel, a vCPU of which is made to hang with all interrupts masked; then nmi, or with $1,
# an argument for --watchdog, that. The guest must panic and say where it hung, or log a report and go on. /g/Image and
# /g/initrd are the guest. Prints `hang: ok`.
me=hang
log=/tmp/hang.log
. /t/lib.sh

# CPU 1 is busy, mostly in the kernel, so that its timer ticks; CPU 0 does not run the code that is about to be overwritten.
busy="taskset 2 sh -c 'while :; do echo x; done >/dev/null' &"
# For the watchdog the two wake each other up: CPU 1 is nearly always stopped where it sends an IPI, which a panic does too.
[ -z "$1" ] || busy="mkfifo /a /b; exec 3<>/a 4<>/b;
	taskset 1 sh -c 'while read x; do echo x >&4; done <&3' & taskset 2 sh -c 'while echo x >&3; do read x; done <&4' &"
nestvm -k /g/Image -i /g/initrd -c 2 -m 512M --batch --acpi --control /tmp/ctl ${1:+--watchdog $1} \
	-a "rdinit=/bin/sh -- -c \"$busy echo guest is busy; wait\"" >$log 2>&1 </dev/null &
until_line "^guest is busy"
case "$1" in
"")
	order deaf none
	order corrected vCPU
	until_line "Hardware error from APEI Generic Hardware Error Source: 1"
	until_line "event severity: corrected"
	order "hang 1" "hangs at"
	order deaf "vCPU 1"
	order nmi "vCPU 1"
	;;
*)
	order "hang 1" "hangs at"
	until_line "watchdog: vCPU 1 has taken no timer interrupt"
	;;
esac
case "$1" in
*report)
	# vCPU 0 logs it, and is as alive as before: it takes the order to panic, and says where it was itself.
	until_line "event severity: corrected"
	until_line "fru_text: nestvm report"
	order "nmi 1" "vCPU 1"
	;;
esac
wait $!
status=$?
sed -n '/severity: fatal/,$p' $log
for want in "Kernel panic - not syncing: .*Fatal hardware error" "CPU: 1 " "sdei" "Call trace"; do
	grep -q "$want" $log || fail "no '$want'"
done
[ $status -eq 3 ] || fail "status $status"
echo "hang: ok"
