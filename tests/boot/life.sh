#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# On the host: a guest with SDEI lives through what its kernel can do, and its events must still come. $1: how it is told of
# SDEI (--sdei or --acpi); then steps of guest-life, and after a kexec those of the kernel that comes. /g/Image and /g/initrd
# are the guest. Prints `life: ok`.
me=life
log=/tmp/life.log
. /t/lib.sh
table=$1
shift

# An archive that is unpacked over the initrd: what the guest is to do. Linux takes archives one after another, each at a
# multiple of four bytes.
overlay() {
	rm -rf /tmp/o && mkdir -p /tmp/o
	cp /t/guest-life /tmp/o/life
	echo "$1" >/tmp/o/steps
	echo "$2" >/tmp/o/generation
	shift 2
	for f in "$@"; do
		cp $f /tmp/o/
	done
	(cat /g/initrd
	 head -c $(((4 - $(stat -c %s /g/initrd) % 4) % 4)) /dev/zero
	 cd /tmp/o && find . | cpio -o -H newc) >/tmp/archive
}

first= after= next=
for step in "$@"; do
	case "$next" in
	"") first="$first $step" ;;
	*) after="$after $step" ;;
	esac
	case $step in
	kexec | kdump) next=$step ;;
	esac
done
# A guest that has registered nothing ends by itself.
[ $table = --sdei ] && [ -n "$next" ] && after="$after poweroff"
[ $table = --sdei ] && [ -z "$next" ] && first="$first poweroff"
overlay "$after" "$next"
mv /tmp/archive /tmp/next
overlay "$first" power-on /t/kexec /g/Image /tmp/next
mv /tmp/archive /tmp/initrd
rm -rf /tmp/o /tmp/next

# What the guest says when it goes through a step, and what it needs for it.
follow() {
	until_line "life: going to $1"
	case $1 in
	freeze)
		# Nothing says that it sleeps; what is typed before that makes it try again. So: more and more slowly.
		pause=1
		until grep -q "life: back from freeze" $log || [ $pause -gt 20 ]; do
			sleep $pause
			pause=$((pause + 1))
			order "type wake up"
		done
		;;
	mem)
		until_line "nestvm: the guest sleeps"
		order "type wake up"
		until_line "nestvm: the guest wakes up"
		;;
	kexec | poweroff)
		return
		;;
	esac
	until_line "life: back from $1"
}

nestvm -k /g/Image -i /tmp/initrd -c 4 -m 1G --batch $table --control /tmp/ctl \
	-a "nowatchdog no_console_suspend printk.devkmsg=on ignore_loglevel crashkernel=192M rdinit=/life" >$log 2>&1 </dev/null &
until_line "life: up, .* after power-on"
for step in $first; do
	follow $step
done
want=3
if [ "$next" = kdump ]; then
	until_line "life: ready"
	order "nmi 2" "vCPU 2"
	want=0
fi
if [ -n "$next" ]; then
	until_line "life: up, .* after $next"
	for step in $after; do
		follow $step
	done
fi
case "$first $after" in
*poweroff*)
	want=0
	;;
*)
	until_line "life: ready"
	order corrected
	until_line "event severity: corrected"
	order "nmi 2" "vCPU 2"
	;;
esac
wait $!
status=$?
grep "sdei:\|life: \|nestvm: \|Kernel panic\|severity:\|: CPU: " $log
[ $status -eq $want ] || fail "status $status, wanted $want"
# 6.12's scheduler may warn of a CPU that goes off before it is empty, on a busy machine: without SDEI's part in it.
bad=$(grep "WARNING:\|BUG:\|Oops\|sdei.*[Ff]ail\|life: FAIL" $log | grep -v sched_cpu_dying)
[ -z "$bad" ] || fail "$bad"
kernels=1
[ -n "$next" ] && kernels=2
[ $(grep -c "(0x4e42) detected in firmware" $log) -eq $kernels ] || fail "not every kernel found SDEI"
# Before a crash kernel nobody prints what was said in an NMI.
if [ "$table" = --acpi ] && [ "$next" != kdump ] && ! grep -q "CPU: 2 " $log; then
	fail "no backtrace of CPU 2"
fi
echo "life: ok"
