#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# On the host: a guest with SDEI takes its CPUs off and on again and again, and suspends and resumes its devices (and
# hibernates as far as that, where its kernel can). Then its events must still come, on a CPU that was off. /g/Image and
# /g/initrd are the guest; $1: what to suspend to. Prints `power: ok`.
log=/tmp/power.log

until_line() {
	n=0
	until grep -q "$1" $log; do
		n=$((n + 1))
		if [ $n -gt 600 ]; then
			cat $log
			echo "power: FAIL no line '$1'"
			exit 1
		fi
		sleep 0.2
	done
}

order() {
	answer=$(nestvm --send /tmp/ctl "$1")
	echo "power: $1: $answer"
	case "$answer" in
	ok*) ;;
	*)
		echo "power: FAIL $1: $answer"
		exit 1
		;;
	esac
}

guest="mount -t sysfs s /sys; cd /sys/devices/system/cpu; for i in 1 2 3 4 5; do for c in 1 2 3; do echo 0 >cpu\$c/online;
done; echo round \$i; for c in 1 2 3; do echo 1 >cpu\$c/online; done; done; echo devices >/sys/power/pm_test;
for s in $*; do echo \$s >/sys/power/state && echo back from \$s; done; echo guest is ready; sleep 1000"

nestvm -k /g/Image -i /g/initrd -c 4 -m 768M --batch --acpi --control /tmp/ctl \
	-a "nowatchdog rdinit=/bin/sh -- -c \"$(echo $guest)\"" >$log 2>&1 </dev/null &
until_line "^guest is ready"
grep "sdei\|^round\|^back" $log
for s in $*; do
	until_line "^back from $s"
done
order corrected
until_line "event severity: corrected"
order "nmi 2"
wait $!
status=$?
bad=$(grep "WARNING:\|BUG:\|Oops\|sdei.*[Ff]ail" $log)
if [ $status -ne 3 ] || ! grep -q "CPU: 2 " $log || [ -n "$bad" ]; then
	cat $log
	echo "power: FAIL status $status $bad"
	exit 1
fi
echo "power: ok"
