#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# On the host: Debian's QEMU gives a guest a disk and a network card on PCI, whose interrupts are MSI-X through the ITS. $1:
# vCPUs. The guest (guest-disk) reads a pattern from the disk's first half, writes another to its second half, and fetches a file
# by TFTP from QEMU's own server. Here: what is on the disk afterwards. Prints `qemu-disk: ok`.
. /t/lib.sh
me=qemu-disk
log=/tmp/qemu.log

# 512 KiB of which each line is different, read, and as much to be written.
half=524288
seq 1 100000 | head -c $half >/tmp/disk
dd if=/dev/zero bs=512k count=1 2>/dev/null >>/tmp/disk
mkdir /tmp/tftp
seq 1000 9000 >/tmp/tftp/file

# Archives before the gzip'd one: they end at a multiple of 512.
mkdir -p /tmp/o/t
cp /t/guest-disk /g/modules/*.ko /tmp/o/t
(cd /tmp/o && find . | cpio -o -H newc) >/tmp/initrd 2>/dev/null
cat /g/initrd >>/tmp/initrd

sum() {
	sha256sum | cut -c 1-64
}

(qemu-system-aarch64 -accel kvm -cpu host -M virt,gic-version=3 -smp "$1" -m 512 -nodefaults -display none \
	-serial stdio -kernel /g/Image -initrd /tmp/initrd \
	-drive file=/tmp/disk,format=raw,if=none,id=disk -device virtio-blk-pci,drive=disk,romfile= \
	-netdev user,id=net,tftp=/tmp/tftp -device virtio-net-pci,netdev=net,romfile= \
	-append "console=ttyAMA0 nestbox.exec=/t/guest-disk disk=$(head -c $half /tmp/disk | sum) file=$(sum </tmp/tftp/file)" \
	2>&1
 echo $? >/tmp/status) | tee $log
status=$(cat /tmp/status)
[ "$status" = 0 ] || fail "QEMU's status is $status"
grep -q "^nestbox-guest: /t/guest-disk ok" $log || fail "the guest does not say ok"
[ "$(stat -c %s /tmp/disk)" = $((2 * half)) ] || fail "the disk has another size"
[ "$(seq 500000 600000 | head -c $half | sum)" = "$(tail -c $half /tmp/disk | sum)" ] ||
	fail "what the guest wrote is not on the disk"
echo "$me: ok"
